"""The forms of Triage over HTTP: what they write, what they refuse, and that a form sent twice does nothing twice."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from desk import DAY, desk
from headway.config import Serve
from headway.project import Project
from headway.project import requests as wishes
from headway.project.ledger import entries
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.current import Current

BASE = "http://127.0.0.1:8484"
VALUE = re.compile(r'name="(token|act|findings|stamp|decisions|kind)" value="([^"]*)"')


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return desk(tmp_path)


@pytest.fixture
def client(shop: Project) -> Iterator[TestClient]:
    folder = shop.config.root
    app = create_app(Current(lambda: Project.open(folder, as_of=DAY, environment={})))
    with TestClient(app, base_url=BASE, client=("127.0.0.1", 5000), follow_redirects=False) as made:
        yield made


def zombies(shop: Project) -> str:
    return ",".join(r.values[0] for r in shop.ask("triage", kind="zombies").rows)


def form(client: TestClient, act: str, findings: str) -> dict[str, str]:
    page = client.get("/triage/decide", params={"act": act, "finding": findings})
    assert page.status_code == 200
    body = page.text[page.text.index('id="deciding"') :]
    return dict(VALUE.findall(body))


def test_keeping_is_written_and_leads_back_to_the_list(client: TestClient, shop: Project) -> None:
    sent = {**form(client, "keep", zombies(shop)), "reason": "the auditor reads it", "until": "2026-12-31"}
    answer = client.post("/triage/decide", data=sent)
    assert answer.status_code == 303
    assert [e.act for e in entries(shop, "finding")] == ["keep", "keep"]
    page = client.get(answer.headers["location"])
    assert "Kept dusty, until 2026-12-31" in page.text
    assert zombies(shop) == ""


@pytest.mark.parametrize(
    ("act", "more"),
    [
        ("keep", {"reason": "because"}),
        ("snooze", {"until": "2026-12-01"}),
        ("assign", {"to": "growth-team"}),
        ("retire", {}),
    ],
)
def test_a_form_that_is_sent_twice_does_nothing_twice(
    client: TestClient, shop: Project, act: str, more: dict[str, str]
) -> None:
    sent = {**form(client, act, zombies(shop)), **more}
    first, second = client.post("/triage/decide", data=sent), client.post("/triage/decide", data=sent)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert [e.act for e in entries(shop, "finding")] == [act, act]


def test_a_broken_file_of_retirements_takes_no_other_page_away(client: TestClient, shop: Project) -> None:
    (Path(shop.config.root) / "retirements.yml").write_text("- retire: [broken", encoding="utf-8")
    answer = client.get("/triage/zombies")
    assert answer.status_code == 422
    assert "not valid YAML" in answer.text
    assert "(retirements.yml:" in answer.text
    assert [client.get(page).status_code for page in ("/", "/map", "/cost", "/asset/orders")] == [200] * 4


def test_nothing_is_decided_about_an_earlier_day(client: TestClient, shop: Project) -> None:
    asked = {"act": "keep", "finding": zombies(shop), "at": "2026-11-01"}
    answer = client.get("/triage/decide", params=asked)
    assert answer.status_code == 400
    assert "as of an earlier day" in answer.text
    assert client.get("/tell", params={"node": "orders", "at": "2026-11-01"}).status_code == 400


@pytest.mark.parametrize("theirs", [{"act": "snooze", "until": "2026-12-01"}, {"act": "keep", "reason": "for March"}])
def test_who_decides_later_is_told_of_what_was_decided_meanwhile(
    client: TestClient, shop: Project, theirs: dict[str, str]
) -> None:
    (mine, other) = (form(client, "keep", zombies(shop)), form(client, theirs["act"], zombies(shop)))
    assert client.post("/triage/decide", data={**other, **theirs}).status_code == 303
    answer = client.post("/triage/decide", data={**mine, "reason": "the auditor reads it"})
    assert answer.status_code == 422
    assert "Meanwhile, " in answer.text
    assert 'value="the auditor reads it"' in answer.text
    assert {e.body.get("reason", "") for e in entries(shop, "finding")} == {theirs.get("reason", "")}
    fresh = dict(VALUE.findall(answer.text[answer.text.index('name="act"') - 200 :]))
    assert client.post("/triage/decide", data={**fresh, "reason": "the auditor reads it"}).status_code == 303
    assert entries(shop, "finding")[-1].body["reason"] == "the auditor reads it"


def test_forms_that_are_sent_at_once_write_once(client: TestClient, shop: Project) -> None:
    sent = {**form(client, "keep", zombies(shop)), "reason": "because"}
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(client.post("/triage/decide", data=sent).status_code))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [303] * 4
    assert len(entries(shop, "finding")) == 2


def test_retiring_announces_and_undo_restores(client: TestClient, shop: Project) -> None:
    before = zombies(shop)
    answer = client.post("/triage/decide", data=form(client, "retire", before))
    written = Path(shop.config.root) / "retirements.yml"
    assert written.exists()
    page = client.get(answer.headers["location"])
    toast = page.text[page.text.index('class="toast') :]
    back = dict(VALUE.findall(toast[: toast.index("</form>")]))
    assert client.post("/triage/undo", data=back).status_code == 303
    assert not written.exists()
    assert zombies(shop) == before
    assert client.post("/triage/undo", data=back).status_code == 303
    assert [e.act for e in entries(shop, "finding")].count("undo") == 2


def test_linking_goes_into_links_yml(client: TestClient, shop: Project) -> None:
    (buzz,) = [r.values[0] for r in shop.ask("triage", kind="shadow-goals").rows]
    goal = next(shop.graph().nodes[g].id for g in shop.graph().goals if g in shop.graph().targets)
    answer = client.post("/triage/decide", data={**form(client, "link", buzz), "key_result": goal})
    assert answer.status_code == 303
    assert "buzz" in (Path(shop.config.root) / "links.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("act", "more", "said"),
    [
        ("keep", {"reason": ""}, "says why"),
        ("keep", {"reason": "x", "until": "tomorrow"}, "Until is not a day"),
        ("keep", {"reason": "x", "until": "2020-01-01"}, "is over already"),
        ("snooze", {}, "needs a day"),
        ("assign", {"to": ""}, "not said to whom"),
        ("keep", {"reason": "x" * 3000}, "2000 characters"),
    ],
)
def test_what_is_missing_is_said_beside_the_form_and_nothing_is_written(
    client: TestClient, shop: Project, act: str, more: dict[str, str], said: str
) -> None:
    answer = client.post("/triage/decide", data={**form(client, act, zombies(shop)), **more})
    assert answer.status_code == 422
    assert said in answer.text
    assert entries(shop, "finding") == ()
    if len(more.get("reason", "")) == 1:
        assert 'value="x"' in answer.text


def test_forged_and_foreign_forms_are_refused(client: TestClient, shop: Project) -> None:
    sent = {**form(client, "keep", zombies(shop)), "reason": "because"}
    assert client.post("/triage/decide", data={**sent, "token": "0" * 64}).status_code == 403
    assert client.post("/triage/decide", data={k: v for k, v in sent.items() if k != "token"}).status_code == 403
    elsewhere = {"origin": "https://evil.example"}
    assert client.post("/triage/decide", data=sent, headers=elsewhere).status_code == 403
    assert client.post("/triage/undo", data={"decisions": "abcd"}).status_code == 403
    assert entries(shop, "finding") == ()


def test_findings_that_are_not_there_are_not_found(client: TestClient, shop: Project) -> None:
    assert client.get("/triage/decide", params={"act": "keep", "finding": "@0000000"}).status_code == 404
    assert client.get("/triage/decide", params={"act": "burn", "finding": zombies(shop)}).status_code == 404
    assert client.get("/triage/decide").status_code == 303
    assert client.get("/triage/nothing").status_code == 404


def test_the_twin_is_the_page(client: TestClient, shop: Project) -> None:
    twin = client.get("/triage/zombies.json").json()
    assert {h for row in twin["rows"] for h in row["findings"].split(",")} == set(zombies(shop).split(","))
    assert client.get("/triage.json").json()["kind"] == "zombies"


# ---------------------------------------------------------------------- requests


def wish(client: TestClient, **more: str) -> dict[str, str]:
    page = client.get("/requests").text
    token = re.search(r'name="token" value="([^"]*)"><input type="hidden" name="count" value="(\d+)"', page)
    assert token is not None
    return {"token": token[1], "count": token[2], "text": "Orders by country", **more}


def test_a_wish_is_filed_once_however_often_it_is_sent(client: TestClient, shop: Project) -> None:
    sent = wish(client, decision="where to open next", readers="two teams, weekly", due="2026-12-24", kind="dashboard")
    first, second = client.post("/requests/file", data=sent), client.post("/requests/file", data=sent)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    (entry,) = entries(shop, "request")
    assert entry.body["decision"] == "where to open next"
    page = client.get(first.headers["location"]).text
    assert "is written down" in page
    assert "Orders by country" in page


def test_the_same_wish_is_refused_and_filed_anyway(client: TestClient, shop: Project) -> None:
    client.post("/requests/file", data=wish(client))
    again = client.post("/requests/file", data=wish(client))
    assert again.status_code == 422
    assert "asks for the same" in again.text
    assert 'value="Orders by country"' in again.text
    assert client.post("/requests/file", data=wish(client, anyway="1")).status_code == 303
    assert len(entries(shop, "request")) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [({"text": ""}, "does not say what is asked for"), ({"due": "soon"}, "no date"), ({"kind": "poem"}, "is none of")],
)
def test_a_wish_that_cannot_be_is_said_beside_the_form(
    client: TestClient, shop: Project, more: dict[str, str], said: str
) -> None:
    answer = client.post("/requests/file", data=wish(client, **more))
    assert answer.status_code == 422
    assert said in answer.text
    assert entries(shop, "request") == ()


def test_looking_first_writes_nothing_and_puts_no_token_into_the_address(client: TestClient, shop: Project) -> None:
    answer = client.post("/requests/file", data=wish(client, look="1"))
    assert answer.status_code == 303
    assert "token" not in answer.headers["location"]
    assert "Recommended:" in client.get(answer.headers["location"]).text
    assert entries(shop, "request") == ()


def test_a_request_can_be_pointed_to_another_asset(client: TestClient, shop: Project) -> None:
    sent = wish(client)
    id_ = client.post("/requests/file", data=sent).headers["location"].rpartition("=")[2]
    verdict = {"token": sent["token"], "id": id_, "act": "pointed", "reason": "it has that"}
    for asset in ("orders", "buzz", "buzz"):
        assert client.post("/requests/decide", data={**verdict, "asset": asset}).status_code == 303
    said = [e.body["asset"] for e in entries(shop, "request") if e.act == "pointed"]
    assert [name.rpartition(".")[2] for name in said] == ["orders", "buzz"]


def test_a_request_is_decided_once_and_a_decision_needs_a_reason(client: TestClient, shop: Project) -> None:
    sent = wish(client)
    id_ = client.post("/requests/file", data=sent).headers["location"].rpartition("=")[2]
    verdict = {"token": sent["token"], "id": id_, "act": "declined"}
    refused = client.post("/requests/decide", data=verdict)
    assert refused.status_code == 422
    assert "needs a reason" in refused.text
    verdict["reason"] = "nobody said what it is for"
    assert [client.post("/requests/decide", data=verdict).status_code for _ in range(2)] == [303, 303]
    assert [e.act for e in entries(shop, "request")] == ["filed", "declined"]
    assert client.post("/requests/decide", data={**verdict, "id": "R-NOPE"}).status_code == 404
    assert client.post("/requests/decide", data={**verdict, "act": "burned"}).status_code == 400
    assert client.post("/requests/decide", data={**verdict, "token": "x"}).status_code == 403


# ---------------------------------------------------------------------- who sees which buttons


@pytest.mark.parametrize(
    ("role", "asks", "decides"),
    [("viewer", False, False), ("stakeholder", True, False), ("editor", True, True), ("admin", True, True)],
)
def test_buttons_are_those_that_a_role_can_use(shop: Project, role: str, asks: bool, decides: bool) -> None:
    wishes.file(shop, by="growth-team", text="Orders by country")
    serve = Serve(auth=("proxy",), trusted_proxies=("127.0.0.1/32",), roles={role: ("ana",)})
    access = Access.of(serve, shop)
    folder = shop.config.root
    app = create_app(Current(lambda: Project.open(folder, as_of=DAY, environment={})), access)
    with TestClient(app, base_url=BASE, client=("127.0.0.1", 5000)) as client:
        client.headers["x-forwarded-user"] = "ana"
        triaged, desk_ = client.get("/triage/zombies"), client.get("/requests")
        assert (triaged.status_code, desk_.status_code) == (200, 200)
        assert ('name="finding"' in triaged.text) is decides
        assert ('id="ask"' in desk_.text) is asks
        assert ('action="/requests/decide"' in desk_.text) is decides
        sent = {"act": "keep", "findings": zombies(shop), "reason": "x", "stamp": "0"}
        token = client.get("/api/me").json()["token"]
        answer = client.post("/triage/decide", data=sent, headers={"x-csrf-token": token}, follow_redirects=False)
        assert answer.status_code == (303 if decides else 403)


def test_the_api_says_what_each_stage_of_a_retirement_would_change(client: TestClient, shop: Project) -> None:
    handles = zombies(shop)
    answer = client.get("/api/decisions/plan", params={"finding": handles})
    assert answer.status_code == 200
    stages = answer.json()["stages"]
    assert [s["stage"] for s in stages] == ["announced", "deprecated", "disabled", "dropped"]
    assert [f["path"] for f in stages[0]["files"]] == ["retirements.yml"]
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/api/decisions/plan").status_code == 422
    assert client.get("/api/decisions/plan", params={"finding": "@0000000"}).status_code == 404
    page = client.get("/triage/decide", params={"act": "retire", "finding": handles}).text
    assert page.count("<details><summary><b>") == 4
