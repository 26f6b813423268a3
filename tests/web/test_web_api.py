"""The API: answers as everywhere, pages of rows, tags that hold until something changes, and what people write."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from web_site import Site, site

from headway.project.ledger import entries
from headway.questions.registry import questions
from headway.render import as_json
from headway.render.options import RenderOptions
from headway.web.api.paging import cut
from headway.web.kept import Kept


@pytest.fixture
def shop(tmp_path: Path) -> Site:
    return site(tmp_path)


@pytest.mark.parametrize("name", ["summary", "goals", "orphans", "zombies", "triage", "unknown", "cost"])
def test_an_answer_is_that_of_the_command_line(shop: Site, name: str) -> None:
    project = shop.current.now().project
    expected = json.loads(as_json.render(project.ask(name), RenderOptions()))
    assert shop.client().get(f"/api/questions/{name}").json() == expected


def test_parameters_are_those_of_the_question(shop: Site) -> None:
    client = shop.client()
    why = client.get("/api/questions/why", params={"asset": "orders"}).json()
    assert why["rows"]
    assert why == json.loads(as_json.render(shop.current.now().project.ask("why", asset="orders"), RenderOptions()))
    assert client.get("/api/questions/why").status_code == 422
    assert client.get("/api/questions/cost", params={"by": "owner", "days": 7}).status_code == 200
    wrong = client.get("/api/questions/cost", params={"by": "moon"})
    assert wrong.status_code == 422
    assert "by:" in wrong.json()["error"]["message"].lower()
    unknown = client.get("/api/questions/why", params={"aset": "orders"}).json()["error"]
    assert (unknown["status"], unknown["hint"]) == (422, "") or unknown["hint"] == "did you mean asset?"
    near = client.get("/api/questions/why", params={"asset": "ordes"}).json()["error"]
    assert near["status"] == 404
    assert "orders" in near["hint"]


def test_every_question_is_listed_with_its_address(shop: Site) -> None:
    listed = shop.client().get("/api/questions").json()["questions"]
    assert [q["name"] for q in listed] == list(questions())
    assert all(q["address"] == f"/api/questions/{q['name']}" for q in listed)


def test_pages_of_rows_are_the_whole_without_gaps_or_repeats(shop: Site) -> None:
    client = shop.client()
    whole = client.get("/api/questions/unowned").json()["rows"]
    assert len(whole) >= 3
    found: list[Any] = []
    address = "/api/questions/unowned?limit=2"
    while address:
        answer = client.get(address)
        assert answer.headers["x-total-count"] == str(len(whole))
        found += answer.json()["rows"]
        after = re.search(r'<([^>]+)>; rel="next"', answer.headers["link"])
        address = after[1] if after else ""
    assert found == whole
    last = client.get("/api/questions/unowned?limit=2&offset=9999")
    assert last.json()["rows"] == []
    assert 'rel="prev"' in last.headers["link"]


def test_sections_are_cut_as_rows_are(shop: Site) -> None:
    answer = shop.current.now().project.ask("summary")
    shown, total = cut(answer, 1, 0)
    assert total == max(len(answer.rows), *(len(s.rows) for s in answer.sections))
    assert all(len(section.rows) <= 1 for section in shown.sections)


@pytest.mark.parametrize("given", ["limit=0", "limit=1001", "limit=x", "offset=-1", "limit=1&limit=2", "limit=1e3"])
def test_rows_that_cannot_be_are_refused(shop: Site, given: str) -> None:
    assert shop.client().get(f"/api/questions/orphans?{given}").status_code in {400, 422}


def test_a_tag_holds_until_something_is_written_or_synced(shop: Site) -> None:
    client = shop.writer()
    address = "/api/questions/triage"
    first = client.get(address)
    tag = first.headers["etag"]
    again = client.get(address, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(address).content == first.content
    body = {"act": "keep", "findings": ["forgotten"], "reason": "the auditor reads it"}
    assert client.post("/api/decisions", json=body).status_code == 201
    changed = client.get(address, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.content != first.content
    shop.current.now().project.sync(evaluate=False)
    synced = client.get(address, headers={"if-none-match": changed.headers["etag"]})
    assert synced.status_code == 200


def test_what_is_kept_is_kept_within_bounds_and_for_its_tag() -> None:
    kept = Kept(most=10, largest=6)
    kept.put("a", b"1234", {"x": "1"})
    kept.put("b", b"1234")
    assert kept.get("a") == (b"1234", {"x": "1"})
    kept.put("c", b"1234")
    assert kept.get("b") is None
    assert kept.get("a")
    kept.put("d", b"1234567")
    assert kept.get("d") is None


def test_what_many_ask_for_at_once_is_worked_out_once() -> None:
    kept, made, seen = Kept(), [0], []
    ready = threading.Barrier(8)

    def make() -> tuple[bytes, dict[str, str]]:
        made[0] += 1
        time.sleep(0.05)
        return b"x", {}

    def ask() -> None:
        ready.wait()
        seen.append(kept.made("a", make))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (made, seen) == ([1], [(b"x", {})] * 8)


def test_what_cannot_be_made_is_tried_by_the_next() -> None:
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.made("a", lambda: (bytes([1 // 0]), {}))
    assert kept.made("a", lambda: (b"y", {})) == (b"y", {})


def test_two_people_get_their_own_pages(tmp_path: Path) -> None:
    found = site(tmp_path, "serve: {auth: [tokens]}\n")
    for role in ("editor", "admin", "editor"):
        client = found.client()
        client.post("/login", data={"access": found.tokens[role]})
        page = client.get("/health").text
        assert f"{role}-bot" in page
        assert client.get("/api/me").json()["token"] in page


# ---------------------------------------------------------------------- writing


def test_a_decision_is_made_shown_and_taken_back(shop: Site) -> None:
    client = shop.writer()
    me = client.get("/api/me").json()["name"]
    made = client.post("/api/decisions", json={"act": "assign", "findings": ["forgotten"], "to": "finance-team"})
    assert made.status_code == 201, made.text
    (entry,) = made.json()["entries"]
    assert (entry["act"], entry["by"]) == ("assign", me)
    log = client.get("/api/decisions").json()["rows"]
    assert (log[0]["act"], log[0]["to"]) == ("assign", "finance-team")
    undone = client.post("/api/decisions/undo", json={"decisions": [log[0]["undo"]], "reason": "wrong team"})
    assert undone.status_code == 201, undone.text
    twice = client.post("/api/decisions/undo", json={"decisions": [log[0]["undo"]]})
    assert twice.status_code == 400
    assert "taken back already" in twice.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"act": "keep", "findings": ["forgotten"]}, 400),
        ({"act": "keep", "findings": ["nothing"], "reason": "x"}, 404),
        ({"act": "keep", "findings": [], "reason": "x"}, 422),
        ({"act": "keep", "findings": ["forgotten"], "reason": "x", "by": "the CEO"}, 422),
        ({"act": "keep", "findings": ["forgotten"], "reason": "x", "to": "team"}, 400),
        ({"act": "keep", "findings": ["forgotten"], "reason": "x", "until": "2020-01-01"}, 400),
        ({"act": "snooze", "findings": ["forgotten"]}, 400),
        ({"act": "snooze", "findings": ["forgotten"], "until": "soon"}, 422),
        ({"act": "burn", "findings": ["forgotten"]}, 422),
        ({"act": "keep", "findings": ["x" * 501], "reason": "x"}, 422),
        ({"act": "keep", "findings": ["forgotten"], "reason": "x" * 2001}, 422),
    ],
)
def test_a_decision_that_cannot_be_writes_nothing(shop: Site, body: dict[str, Any], status: int) -> None:
    answer = shop.writer().post("/api/decisions", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"].endswith(".")
    assert entries(shop.current.now().project) == ()


def test_a_request_goes_through_the_desk(shop: Site) -> None:
    client = shop.writer()
    wish = {"text": "Revenue by channel", "key_result": "revenue", "due": "2027-01-31", "kind": "dashboard"}
    filed = client.post("/api/requests", json=wish)
    assert filed.status_code == 201, filed.text
    said = filed.json()
    assert said["request"]["due"] == "2027-01-31"
    assert said["advice"]["verdict"]
    assert said["advice"]["reasons"]
    where = filed.headers["location"]
    assert client.get(where).json()["text"] == "Revenue by channel"
    again = client.post("/api/requests", json=wish)
    assert again.status_code == 400
    assert client.post("/api/requests", json=wish | {"anyway": True}).status_code == 201
    accepted = client.post(f"{where}/accept", json={"reason": "the board asks", "cost": "small"})
    assert accepted.json()["request"]["state"] == "accepted"
    built = client.post(f"{where}/built", json={"asset": "sales_board"})
    assert built.json()["request"]["state"] == "built"
    assert client.post(f"{where}/decline", json={"reason": "too late"}).status_code == 400
    assert client.get("/api/requests/R-NOPE22").status_code == 404
    assert [r["state"] for r in client.get("/api/requests").json()["requests"]] == ["built", "open"]


def test_a_check_in_stands_beside_the_readings(shop: Site) -> None:
    client = shop.writer()
    body = {"key_result": "happiness", "note": "support hired two", "confidence": "on_pace"}
    assert client.post("/api/check-ins", json=body).status_code == 201
    rows = client.get("/api/check-ins", params={"key_result": "happiness"}).json()["rows"]
    assert [(r["note"], r["confidence"]) for r in rows] == [("support hired two", "on pace")]
    assert client.post("/api/check-ins", json=body | {"key_result": "grow"}).status_code in {400, 404}


def test_what_many_write_at_once_is_all_there(shop: Site) -> None:
    wrong: list[str] = []

    def write(me: int) -> None:
        client = shop.writer()
        for k in range(5):
            answer = client.post("/api/check-ins", json={"key_result": "happiness", "note": f"{me}/{k}"})
            if answer.status_code != 201:
                wrong.append(answer.text)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    notes = {e.body["note"] for e in entries(shop.current.now().project, "check_in")}
    assert notes == {f"{n}/{k}" for n in range(6) for k in range(5)}


def test_questions_that_cost_much_never_hold_all_threads(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once, four wait, the others are told to come back; pages are answered meanwhile."""
    go = threading.Event()
    project = shop.current.now().project
    asked = project.ask

    def slow(name: str, **given: Any) -> Any:
        if name == "growth":
            go.wait(20)
        return asked(name, **given)

    monkeypatch.setattr(project, "ask", slow)
    seen: list[int] = []
    client = shop.client()

    def ask(n: int) -> None:
        seen.append(client.get(f"/api/questions/growth?periods={n}").status_code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 16)]
    for thread in threads:
        thread.start()
    while len(seen) < 9:
        time.sleep(0.01)
    assert seen == [503] * 9
    assert client.get("/health").status_code == 200
    go.set()
    for thread in threads:
        thread.join()
    assert seen.count(503) == 9


def test_files_alone_keep_nothing_and_say_so(tmp_path: Path) -> None:
    found = site(tmp_path, sync=False)
    found.current.now().project.use_store = False
    answer = found.writer().post("/api/check-ins", json={"key_result": "happiness", "note": "x"})
    assert answer.status_code == 400
    assert "kept in a store" in answer.json()["error"]["message"]


def test_health_says_what_was_read(shop: Site) -> None:
    said = shop.client().get("/api/health").json()
    assert said["status"] == "ok"
    assert {s["name"]: s["state"] for s in said["sources"]}["dbt"] in {"fresh", "late"}
    assert said["schedule"] is None
    assert shop.writer().post("/api/sync").status_code == 400
