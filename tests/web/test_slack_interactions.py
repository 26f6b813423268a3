"""Presses of buttons in Slack: who is believed, what a press decides, and that none counts twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from ruamel.yaml import YAML
from starlette.testclient import TestClient

from desk import DAY, write_desk
from headway.people import People
from headway.project import Project, triage
from headway.project.digest import digests
from headway.project.ledger import entries
from headway.project.notices import notices
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.current import Current
from shop import SETTINGS
from slack_server import TOKEN, SlackServer, invalid, slack_server

SIGNED = "8f742231b10e8888abcd99yyyzzz85a5"
ENVIRONMENT = {
    "HEADWAY_SLACK_TOKEN": TOKEN,
    "HEADWAY_SLACK_SIGNING_SECRET": SIGNED,
    "HEADWAY_SESSION_SECRET": "a secret that is long enough for a test of sessions",
}


@dataclass
class Desk:
    """The desk, served, with a channel whose people may decide."""

    folder: Path
    slack: SlackServer
    client: TestClient

    def project(self) -> Project:
        return Project.open(self.folder, as_of=DAY, environment=ENVIRONMENT)

    def button(self, action: str, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A button of the digest, and the blocks that it stands in."""
        from headway.sinks.slack_blocks import blocks_of

        (letter,) = digests(self.project(), "C0ALL")
        blocks = blocks_of(letter.message)
        assert invalid({"text": "x", "blocks": blocks}) == ""
        for about, do in zip(blocks, blocks[2:], strict=False):
            if do["type"] == "actions" and name in about.get("text", {}).get("text", ""):
                found = next(b for b in do["elements"] if b["action_id"] == f"headway-{action}")
                return {**found, "block_id": do["block_id"]}, blocks
        raise AssertionError(name)

    def press(self, button: dict[str, Any], *, user: str = "U0ANA", team: str = "T1", why: str = "") -> Any:
        """What Slack sends when somebody presses it."""
        values = {
            button["block_id"].replace("do-", "why-"): {"why": {"type": "plain_text_input", "value": why or None}}
        }
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": "ana", "team_id": team},
            "team": {"id": "T1", "domain": "example"},
            "actions": [{**button, "action_ts": "1.2"}],
            "state": {"values": values},
            "response_url": self.slack.hook.replace("/services/", "/actions/"),
            "message": {"ts": "1795000000.000100", "text": "x"},
        }
        return self.send(urlencode({"payload": json.dumps(payload)}))

    def send(self, body: str, *, at: int | None = None, secret: str = SIGNED, signature: str = "") -> Any:
        at = int(time.time()) if at is None else at
        made = "v0=" + hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": str(at),
            "x-slack-signature": signature or made,
        }
        return self.client.post("/slack/interactions", content=body, headers=headers)

    def decided(self) -> list[tuple[str, str, str]]:
        return [(e.act, e.by, str(e.body.get("reason", ""))) for e in entries(self.project(), "finding")]


def desk_of(folder: Path, server: SlackServer, deciders: str, **environment: str) -> Desk:
    write_desk(folder)
    said = f'slack: {{channel: C0ALL, deciders: {deciders}, api: "{server.api}"}}\n'
    (folder / "headway.yml").write_text(SETTINGS + said)
    given = environment or ENVIRONMENT

    def reopen() -> Project:
        return Project.open(folder, as_of=DAY, environment=given)

    project = reopen()
    project.sync(evaluate=False)
    current = Current(reopen, every=0.0)
    app = create_app(current, Access.of(project.config.serve, project))
    client = TestClient(app, base_url="http://127.0.0.1:8484", client=("127.0.0.1", 50000))
    return Desk(folder, server, client)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, server: SlackServer) -> Desk:
    return desk_of(tmp_path, server, "{U0ANA: analytics}")


def test_keeping_is_a_decision_with_its_reason(desk: Desk) -> None:
    button, _ = desk.button("keep", "dusty")
    done = desk.press(button, why="the auditor reads it")
    assert (done.status_code, done.text) == (200, "")
    assert desk.decided() == [("keep", "analytics", "the auditor reads it")]
    (answer,) = desk.slack.answers
    assert answer["text"].startswith("Kept: dusty")
    assert answer["thread_ts"] == "1795000000.000100"
    assert (answer["response_type"], answer["replace_original"]) == ("in_channel", False)


def test_snoozing_lasts_thirty_days_and_retiring_announces(desk: Desk) -> None:
    button, _ = desk.button("snooze", "buzz")
    desk.press(button)
    (entry,) = entries(desk.project(), "finding")
    assert (entry.act, entry.body["until"]) == ("snooze", "2026-12-22")
    button, _ = desk.button("retire", "dusty")
    assert "announced" in button["confirm"]["text"]["text"]
    desk.press(button)
    assert "dusty" in (desk.folder / "retirements.yml").read_text()
    assert "retire" in {act for act, _, _ in desk.decided()}


def test_a_button_that_is_older_than_the_last_decision_changes_nothing(desk: Desk) -> None:
    button, _ = desk.button("keep", "dusty")
    desk.press(button, why="first")
    desk.press(button, why="second")
    assert desk.decided() == [("keep", "analytics", "first")]
    assert desk.slack.answers[1]["text"].startswith("Nothing was changed. dusty: kept on 22 Nov by analytics")


def test_two_presses_at_once_decide_once(desk: Desk) -> None:
    button, _ = desk.button("keep", "dusty")
    threads = [threading.Thread(target=desk.press, args=(button,), kwargs={"why": str(n)}) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(desk.decided()) == 1


def test_the_same_request_is_not_taken_again(desk: Desk) -> None:
    body, at = urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})}), int(time.time())
    assert desk.send(body, at=at).status_code == 200
    again = desk.send(body, at=at)
    assert (again.status_code, again.text) == (401, "The request was taken already.")


@pytest.mark.parametrize("off", [-301, 301, -86_400])
def test_old_requests_and_wrong_clocks_are_refused(desk: Desk, off: int) -> None:
    assert desk.send("payload={}", at=int(time.time()) + off).status_code == 401


def test_only_what_the_app_signed_is_believed(desk: Desk) -> None:
    button, _ = desk.button("keep", "dusty")
    payload = {"type": "block_actions", "user": {"id": "U0ANA"}, "actions": [button]}
    body = urlencode({"payload": json.dumps(payload)})
    assert desk.send(body, secret="another").status_code == 401
    assert desk.send(body, signature="v0=").status_code == 401
    assert desk.send(body, signature="v0=\u00e9".encode("latin-1")).status_code == 401  # type: ignore[arg-type]
    assert desk.client.post("/slack/interactions", content=body).status_code == 401
    assert desk.decided() == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "payload=",
        "payload=%7B",
        "payload=[]",
        "payload=1&payload=2",
        "payload=" + "%5B" * 20_000,
        urlencode({"payload": json.dumps({"type": "block_actions", "actions": [{"value": 7}]})}),
        urlencode({"payload": json.dumps({"user": "ana"})}),
        "payl\u00f6ad={}",
    ],
)
def test_what_is_no_press_is_refused(desk: Desk, body: str) -> None:
    at = int(time.time())
    raw = body.encode()
    made = "v0=" + hmac.new(SIGNED.encode(), f"v0:{at}:".encode() + raw, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": str(at), "x-slack-signature": made}
    done = desk.client.post("/slack/interactions", content=raw, headers=headers)
    assert (done.status_code, done.text) == (400, "This is no press of a button.")


def test_whoever_is_not_named_decides_nothing(desk: Desk) -> None:
    button, _ = desk.button("keep", "dusty")
    assert desk.press(button, user="U0BOB").status_code == 200
    assert desk.decided() == []
    (answer,) = desk.slack.answers
    assert answer["response_type"] == "ephemeral"
    assert "does not name you" in answer["text"]


def test_everybody_is_everybody_of_the_own_workspace(tmp_path: Path, server: SlackServer) -> None:
    desk = desk_of(tmp_path, server, '{"*": everybody}')
    button, _ = desk.button("keep", "dusty")
    desk.press(button, user="U0GUEST", team="T9")
    assert desk.decided() == []
    desk.press(button, user="U0BOB")
    assert desk.decided() == [("keep", "everybody", "decided with a button, without a reason")]


def test_a_value_that_somebody_made_up_decides_nothing(desk: Desk) -> None:
    button, _ = desk.button("keep", "dusty")
    for value in ("", "@0000000 0", "dusty 0", "@1f0c9a2", "x" * 3_000, button["value"].split()[0] + " -1"):
        desk.press({**button, "value": value})
    assert desk.decided() == []
    assert {answer["text"].split(":")[0] for answer in desk.slack.answers} == {"Nothing was decided"}


def test_answers_go_to_slack_only(desk: Desk, server: SlackServer) -> None:
    button, _ = desk.button("keep", "dusty")
    with slack_server() as other:
        desk.slack = other
        assert desk.press(button, why="kept all the same").status_code == 200
        assert other.calls == []
    assert len(desk.decided()) == 1


def test_without_a_secret_or_without_deciders_there_is_nothing(tmp_path: Path, server: SlackServer) -> None:
    bare = {k: v for k, v in ENVIRONMENT.items() if "SIGNING" not in k}
    desk = desk_of(tmp_path / "a", server, "{U0ANA: analytics}", **bare)
    assert desk.send("payload={}").status_code == 404
    (letter,) = digests(Project.open(tmp_path / "a", as_of=DAY, environment=bare), "C0ALL")
    assert not [line for part in letter.message.parts for line in part.lines if line.buttons]
    desk = desk_of(tmp_path / "b", server, "{}")
    assert desk.send("payload={}").status_code == 404


def test_a_retirement_is_asked_of_who_used_it_last_and_kept_by_a_press(tmp_path: Path, server: SlackServer) -> None:
    desk = desk_of(tmp_path, server, "{U0ANA: analytics}")
    people = People.of(tmp_path, ENVIRONMENT)
    ana, mail = people.hashed("ana"), people.hashed("ana@example.com")
    known = {ana: "U0ANA", mail: "U0ANA", people.hashed("bob"): "U0BOB"}
    said = (
        f'slack: {{channel: C0ALL, deciders: {{U0ANA: analytics}}, people: {json.dumps(known)}, api: "{server.api}"}}\n'
    )
    (tmp_path / "headway.yml").write_text(SETTINGS + said)
    usage = (tmp_path / "usage.csv").read_text().splitlines()
    rows = [
        f"exposure.shop.dusty,,2026-08-{day},views,1,count,person,{who}"
        for day, who in (("02", "ana"), ("03", "ana@example.com"), ("09", "cleo"))
    ]
    (tmp_path / "usage.csv").write_text(
        "\n".join([usage[0] + ",person", *(row + "," for row in usage[1:]), *rows]) + "\n"
    )
    desk.project().sync(evaluate=False)
    triage.retire(desk.project(), ["HW201:dusty"], by="core-team", write=True)
    asked = {letter.message.to: letter.message for letter in notices(desk.project()) if "dusty" in letter.message.title}
    assert set(asked) == {"U0ANA"}, "those who are not mapped cannot be written to"
    message = asked["U0ANA"]
    assert message.key.startswith(f"retire:person:{min(ana, mail)}:"), "two logins of one person are asked once"
    (line,) = message.parts[0].lines
    assert [button.label for button in line.buttons] == ["We need it"]
    from headway.sinks.slack_blocks import blocks_of

    blocks = blocks_of(message)
    do = next(block for block in blocks if block["type"] == "actions")
    desk.press({**do["elements"][0], "block_id": do["block_id"]}, why="churn")
    act, by, reason = desk.decided()[-1]
    assert (act, by, reason) == ("keep", "analytics", "churn")
    assert "headway retire --undo" in server.answers[0]["text"]
    assert not [letter for letter in notices(desk.project()) if "dusty" in letter.message.title]


def test_a_server_without_the_extra_decides_and_says_that_it_cannot_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    button, _ = desk.button("keep", "dusty")
    monkeypatch.setitem(sys.modules, "slack_sdk.http_retry.builtin_handlers", None)
    assert desk.press(button, why="needed").status_code == 200
    assert desk.decided() == [("keep", "analytics", "needed")]
    assert "could not be answered: sending to Slack needs an optional part" in caplog.text


def test_what_the_docs_show_can_be_said(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/slack.md").read_text(encoding="utf-8")
    settings, manifest = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "headway.yml").write_text(settings, encoding="utf-8")
    config = Project.open(tmp_path, environment={}).config
    assert config.slack is not None
    assert config.email is not None
    assert config.slack.deciders == {"U012AB3CD": "analytics"}
    said = YAML(typ="safe").load(manifest)
    assert said["settings"]["interactivity"]["request_url"].endswith("/slack/interactions")
    assert said["settings"]["event_subscriptions"]["request_url"] == said["settings"]["interactivity"]["request_url"]
    assert set(said["oauth_config"]["scopes"]["bot"]) == {
        "chat:write", "channels:history", "groups:history", "im:history"
    }  # fmt: skip
