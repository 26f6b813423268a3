"""Notices: a risk is told once with who is to blame, its recovery in the thread, and retirements to their owners."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from desk import DAY, write_desk
from headway.cli.main import run
from headway.project import Project, triage
from headway.project.notices import notices
from headway.project.outbox import posted, send
from headway.sinks.message import text_of
from mail_server import mail_server
from shop import SETTINGS, manifest
from slack_server import TOKEN, SlackServer, invalid, slack_server


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def opened(folder: Path, day: date = DAY) -> Project:
    return Project.open(folder, as_of=day, environment={"HEADWAY_SLACK_TOKEN": TOKEN})


def synced(folder: Path, server: SlackServer, status: str, day: date = DAY, more: str = "") -> Project:
    """The desk on a day on which the test of orders, which the data team owns, ended so."""
    if not (folder / "target").exists():
        write_desk(folder)
        made = json.loads((folder / "target/manifest.json").read_text())
        made["nodes"]["model.shop.orders"]["config"]["meta"] = {"owner": "data-team"}
        (folder / "target/manifest.json").write_text(json.dumps(made))
    slack = f'slack: {{channel: C0ALL, channels: {{sales-team: C0SALES}}, api: "{server.api}"}}\n'
    (folder / "headway.yml").write_text(SETTINGS + (more or slack))
    path = folder / "target/run_results.json"
    said: dict[str, Any] = json.loads(path.read_text())
    said["results"][0] |= {"status": status, "message": "Got 3 results, such as customer 'Ada Example'"}
    said["metadata"]["generated_at"] = f"{day}T05:00:00Z"
    path.write_text(json.dumps(said))
    opened(folder, day).sync(evaluate=False)
    return opened(folder, day)


def told(project: Project) -> list[tuple[str, str, str]]:
    """What is sent now: outcome, place, title."""
    letters = {letter.message.key: letter.message for letter in notices(project)}
    done = list(send(project, notices(project), dry_run=False))
    return [(d.outcome, letters[d.key].to, letters[d.key].title) for d in done]


def test_a_risk_is_told_once_and_its_recovery_in_the_thread(tmp_path: Path, server: SlackServer) -> None:
    assert told(synced(tmp_path, server, "pass")) == []
    project = synced(tmp_path, server, "fail", DAY + timedelta(days=1))
    (letter,) = notices(project)
    text = text_of(letter.message)
    assert "orders: not_null_orders fails since 23 Nov; owned by data-team" in text
    assert "Revenue: " in text
    assert "Ada" not in text
    assert told(project) == [("sent", "C0SALES", "At risk: Grow sales")]
    assert told(synced(tmp_path, server, "fail", DAY + timedelta(days=2))) == []
    assert told(synced(tmp_path, server, "pass", DAY + timedelta(days=3))) == [
        ("sent", "C0SALES", "Recovered: Grow sales")
    ]
    assert server.posts[1]["thread_ts"] == server.posts[0]["ts"]
    assert told(synced(tmp_path, server, "pass", DAY + timedelta(days=4))) == []
    assert told(synced(tmp_path, server, "error", DAY + timedelta(days=5))) == [
        ("sent", "C0SALES", "At risk: Grow sales")
    ]
    assert "thread_ts" not in server.posts[2]
    assert told(synced(tmp_path, server, "pass", DAY + timedelta(days=6))) == [
        ("sent", "C0SALES", "Recovered: Grow sales")
    ]
    assert server.posts[3]["thread_ts"] == server.posts[2]["ts"]
    assert all(invalid(post) == "" for post in server.posts)


def test_a_risk_that_broke_on_the_way_is_answered_once_it_is_found(tmp_path: Path, server: SlackServer) -> None:
    project = synced(tmp_path, server, "fail")
    server.next = [("drop", None)]
    assert told(project) == [("failed", "C0SALES", "At risk: Grow sales")]
    assert told(project) == [("same", "C0SALES", "At risk: Grow sales")]
    assert told(synced(tmp_path, server, "pass", DAY + timedelta(days=1))) == [
        ("sent", "C0SALES", "Recovered: Grow sales")
    ]
    assert [post.get("thread_ts") for post in server.posts] == [None, server.posts[0]["ts"]]


def test_a_risk_that_nobody_was_told_of_is_not_over(tmp_path: Path, server: SlackServer) -> None:
    server.next = [("error", "is_archived")]
    assert told(synced(tmp_path, server, "fail")) == [("failed", "C0SALES", "At risk: Grow sales")]
    assert told(synced(tmp_path, server, "pass", DAY + timedelta(days=1))) == []
    assert server.posts == []


def test_an_objective_that_went_is_told_to_be_gone(tmp_path: Path, server: SlackServer) -> None:
    told(synced(tmp_path, server, "fail"))
    later = date(2027, 1, 15)
    ((_, _, title),) = told(synced(tmp_path, server, "fail", later))
    assert title == "Recovered: Grow sales"
    assert "no living key result" in json.dumps(server.posts[1]["blocks"])


def test_what_is_announced_is_told_to_its_owner_once(tmp_path: Path, server: SlackServer) -> None:
    project = synced(tmp_path, server, "pass")
    triage.retire(project, ["HW201:dusty"], by="analytics", on=DAY + timedelta(days=30), write=True)
    found = notices(project)
    assert {letter.message.to for letter in found} == {"C0ALL"}, "nobody owns it"
    text = text_of(next(letter.message for letter in found if "dusty" in letter.message.title))
    assert "We plan to retire dusty" in text
    assert "22 Dec. Do you need it, and for which goal?" in text
    assert {outcome for outcome, _, _ in told(project)} == {"sent"}
    assert told(project) == []
    assert {said.state for said in posted(project).values()} == {"sent"}


def test_an_asset_that_is_gone_is_not_told_of(tmp_path: Path, server: SlackServer) -> None:
    project = synced(tmp_path, server, "pass")
    triage.retire(project, ["HW201:dusty"], by="analytics", write=True)
    made = manifest()
    (tmp_path / "target/manifest.json").write_text(json.dumps(made))
    project = synced(tmp_path, server, "pass")
    assert not [letter for letter in notices(project) if "dusty" in letter.message.title]


def test_by_e_mail_the_recovery_answers_the_letter(tmp_path: Path, server: SlackServer) -> None:
    with mail_server() as mail:
        email = f"from: h@example.com, host: 127.0.0.1, port: {mail.port}, security: none, address: d@example.com"
        more = f"email: {{{email}}}\n"
        assert told(synced(tmp_path, server, "fail", more=more)) == [("sent", "d@example.com", "At risk: Grow sales")]
        told(synced(tmp_path, server, "pass", DAY + timedelta(days=1), more))
        assert mail.letters[1]["Subject"] == "Recovered: Grow sales"
        assert mail.letters[1]["In-Reply-To"] == mail.letters[0]["Message-ID"]
    assert server.calls == []


def test_the_command(
    tmp_path: Path, server: SlackServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(tmp_path, server, "fail")
    monkeypatch.setenv("HEADWAY_SLACK_TOKEN", TOKEN)
    assert run(["notify", "--project-dir", str(tmp_path)]) == 0
    assert "At risk: Grow sales" in capsys.readouterr().out
    assert server.calls == []
    assert run(["notify", "--project-dir", str(tmp_path), "--send"]) == 0
    assert run(["notify", "--project-dir", str(tmp_path), "--send"]) == 0
    assert "There is nothing to say." in capsys.readouterr().err
    assert len(server.posts) == 1


def test_what_is_not_known_any_more_has_not_recovered(tmp_path: Path, server: SlackServer) -> None:
    told(synced(tmp_path, server, "fail"))
    path = tmp_path / "target/run_results.json"
    made = json.loads((tmp_path / "target/manifest.json").read_text())
    del made["nodes"]["test.shop.not_null_orders"]
    (tmp_path / "target/manifest.json").write_text(json.dumps(made))
    path.unlink()
    opened(tmp_path).sync(evaluate=False)
    project = opened(tmp_path, DAY + timedelta(days=1))
    assert "broken" not in project.graph().health.trust.values()
    assert told(project) == []
