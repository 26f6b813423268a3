"""Tell the team: what would be sent is shown first, it is sent once, and only by whoever may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from desk import DAY, write_desk
from headway.project import Project
from headway.project.ledger import entries
from headway.project.pages.asset import asset
from headway.project.pages.key_result import key_result
from headway.project.pages.lineage import lineage
from headway.project.pages.objective import objective
from headway.project.site import Wanted, one_file
from headway.project.site_folder import files
from headway.web.access.person import Person
from headway.web.app import create_app
from headway.web.current import Current
from shop import SETTINGS
from slack_server import TOKEN, SlackServer, slack_server

BASE = "http://127.0.0.1:8484"
ORDERS = "dbt:model.shop.orders"
REVENUE = "goal:key_result.grow.revenue"


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def opened(folder: Path) -> Project:
    return Project.open(folder, as_of=DAY, environment={"HEADWAY_SLACK_TOKEN": TOKEN})


def shop(folder: Path, slack: str) -> Project:
    """The desk whose orders, of the data team, fail a test."""
    write_desk(folder)
    path = folder / "target/manifest.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    made["nodes"]["model.shop.orders"]["config"]["meta"] = {"owner": "data-team"}
    path.write_text(json.dumps(made), encoding="utf-8")
    results = folder / "target/run_results.json"
    said = json.loads(results.read_text(encoding="utf-8"))
    said["results"][0] |= {"status": "fail", "message": "Got 3 results, such as customer 'Ada Example'"}
    results.write_text(json.dumps(said), encoding="utf-8")
    (folder / "headway.yml").write_text(SETTINGS + slack, encoding="utf-8")
    opened(folder).sync(evaluate=False)
    return opened(folder)


@pytest.fixture
def told(tmp_path: Path, server: SlackServer) -> Project:
    return shop(
        tmp_path,
        f'slack: {{channel: C0ALL, channels: {{data-team: C0DATA, sales-team: "#sales"}}, api: "{server.api}"}}\n',
    )


def client_of(project: Project) -> TestClient:
    folder = Path(project.config.root)
    app = create_app(Current(lambda: opened(folder)))
    return TestClient(app, base_url=BASE, client=("127.0.0.1", 5000), follow_redirects=False)


def form(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(token|node)" value="([^"]*)"', page[page.index('action="/tell"') :]))


def test_pages_say_where_teams_are_told_and_offer_to_tell_them(told: Project) -> None:
    page = asset(told, node="orders")
    assert page.channel == "Slack C0DATA"
    assert page.tell == f"/tell?node={ORDERS}"
    assert asset(told, node="raw_orders").tell == ""  # nothing is wrong with it
    assert objective(told, node="grow").channel == "Slack #sales"
    (reason,) = key_result(told, node="revenue").reasons
    assert (reason.channel, reason.tell) == ("Slack C0DATA", f"/tell?node={ORDERS}")
    assert ("Told in", "Slack #sales") in {(f.name, f.text) for f in key_result(told, node="revenue").facts}
    found = lineage(told, node=REVENUE)
    assert found.tell == f"/tell?node={ORDERS}"
    assert [line.text for line in found.fixers if line.name == "Told in"] == ["Slack C0DATA"]


def test_without_a_channel_nothing_is_offered(tmp_path: Path) -> None:
    project = shop(tmp_path, "")
    page = asset(project, node="orders")
    assert (page.channel, page.tell) == ("", "")
    assert lineage(project, node=REVENUE).tell == ""
    with client_of(project) as client:
        assert "Tell the team" not in client.get(f"/asset/{ORDERS}").text
        answer = client.get("/tell", params={"node": ORDERS})
        assert answer.status_code == 400
        assert "No channel" in answer.text


def test_it_is_shown_word_by_word_then_sent_then_said_to_be_sent(told: Project, server: SlackServer) -> None:
    with client_of(told) as client:
        assert "Tell the team" in client.get(f"/lineage/{REVENUE}").text
        draft = client.get("/tell", params={"node": ORDERS})
        assert draft.status_code == 200
        assert "Please look at orders" in draft.text
        assert "Slack C0DATA: Please look at orders" in draft.text
        assert "Ada" not in draft.text
        assert server.posts == []
        sent = form(draft.text)
        answers = [client.post("/tell", data=sent) for _ in range(2)]
        assert [a.status_code for a in answers] == [303, 303]
        assert [(p["channel"]) for p in server.posts] == ["C0DATA"]
        assert "Revenue" in str(server.posts)
        assert "Ada" not in str(server.posts)
        after = client.get(answers[0].headers["location"]).text
        assert "The team has been told." in after
        assert 'action="/tell"' not in after
    (begun,) = [e for e in entries(told, "message") if e.act == "begun"]
    assert begun.body["told"]["node"] == ORDERS
    assert begun.body["told"]["by"]


def test_what_slack_refuses_is_said_and_can_be_tried_again(told: Project, server: SlackServer) -> None:
    server.next.append(("error", "channel_not_found"))
    with client_of(told) as client:
        sent = form(client.get("/tell", params={"node": ORDERS}).text)
        answer = client.post("/tell", data=sent)
        assert answer.status_code == 422
        assert "channel_not_found" in answer.text
        assert 'action="/tell"' in answer.text
        assert client.post("/tell", data=sent).status_code == 303
    assert len(server.posts) == 1


def test_readers_may_read_it_and_not_send_it(
    told: Project, server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_of(told) as client:
        sent = form(client.get("/tell", params={"node": ORDERS}).text)
        reader = Person("lea", "viewer", key="k")
        monkeypatch.setattr("headway.web.access.identity.Identities.of", lambda *_: reader)
        assert "Tell the team" not in client.get(f"/asset/{ORDERS}").text
        assert 'action="/tell"' not in client.get("/tell", params={"node": ORDERS}).text
        assert client.post("/tell", data=sent).status_code == 403
        assert client.post("/api/tell", json={"node": ORDERS}).status_code == 403
    assert server.posts == []


def test_the_api_says_and_sends_the_same(told: Project, server: SlackServer) -> None:
    with client_of(told) as client:
        client.headers["x-csrf-token"] = client.get("/api/me").json()["token"]
        draft = client.get("/api/tell", params={"node": ORDERS}).json()
        assert [d["state"] for d in draft["drafts"]] == ["would be sent"]
        assert server.posts == []
        first, second = (client.post("/api/tell", json={"node": ORDERS}).json() for _ in range(2))
        assert [s["outcome"] for s in (*first["sent"], *second["sent"])] == ["sent", "same"]
        assert len(server.posts) == 1
        assert client.post("/api/tell", json={"node": "nonsense"}).status_code == 404
        assert client.post("/api/tell", json={"node": "dbt:source.shop.raw.raw_orders"}).status_code in {400, 404}


def test_no_channel_leaves_the_company(told: Project) -> None:
    every = one_file(told, Wanted(people=True)) + "".join(
        content.decode() for name, content in files(told, Wanted(people=True)) if name.endswith((".html", ".json"))
    )
    assert "C0DATA" not in every
    assert "#sales" not in every
    assert "/tell?" not in every
