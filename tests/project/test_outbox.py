"""The outbox: one key is one message, also when the process is killed between sending and writing it down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desk import DAY, desk
from headway.errors import ConfigError, UsageError
from headway.project import Project
from headway.project.audience import sink_of
from headway.project.ledger import entries
from headway.project.outbox import Letter, folded, posted, send
from headway.sinks.message import Message
from headway.store import Entry
from shop import SETTINGS
from slack_server import TOKEN, SlackServer, slack_server

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def project(folder: Path, server: SlackServer, channel: str = "C012", **environment: str) -> Project:
    """The shop with a channel of Slack, synced."""
    desk(folder)
    said = f'slack: {{channel: "{channel}", webhooks: {{"#sales": SALES_WEBHOOK}}, api: "{server.api}"}}\n'
    (folder / "headway.yml").write_text(SETTINGS + said)
    return Project.open(folder, as_of=DAY, environment=environment or {"HEADWAY_SLACK_TOKEN": TOKEN})


def letter(project: Project, key: str = "hello:1", to: str = "C012") -> Letter:
    return Letter(Message(key, to, "Hello"), sink_of(project, "slack"), {"as_of": "2026-11-22"})


def outcomes(project: Project, *letters: Letter, dry_run: bool = False, again: bool = False) -> list[str]:
    return [done.outcome for done in send(project, letters, dry_run=dry_run, again=again)]


def test_one_key_is_sent_once(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    assert outcomes(shop, letter(shop), letter(shop), letter(shop, "hello:2")) == ["sent", "same", "sent"]
    assert outcomes(shop, letter(shop), letter(shop, "hello:2"), again=True) == ["same", "same"]
    assert len(server.posts) == 2
    assert [e.act for e in entries(shop, "message")] == ["begun", "sent", "begun", "sent"]
    known = posted(shop)["hello:1"]
    assert (known.state, known.receipt, known.told) == (
        "sent",
        {"channel": "C012", "ts": server.posts[0]["ts"]},
        {"as_of": "2026-11-22"},
    )


def test_a_dry_run_sends_and_writes_nothing(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    assert outcomes(shop, letter(shop), dry_run=True) == ["would be sent"]
    assert (server.calls, entries(shop, "message")) == ([], ())
    assert outcomes(shop, letter(shop)) == ["sent"]
    assert outcomes(shop, letter(shop), dry_run=True) == ["same"]


def test_what_was_refused_goes_out_with_the_next_run(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    server.next = [("error", "not_in_channel")]
    assert outcomes(shop, letter(shop), letter(shop, "hello:2")) == ["failed", "sent"]
    assert outcomes(shop, letter(shop), letter(shop, "hello:2")) == ["sent", "same"]
    assert len(server.posts) == 2


def test_what_broke_on_the_way_is_looked_for(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    server.next = [("drop", None)]
    assert outcomes(shop, letter(shop)) == ["failed"]
    assert len(server.posts) == 1, "it had arrived"
    assert outcomes(shop, letter(shop), dry_run=True) == ["would be sent"]
    assert outcomes(shop, letter(shop)) == ["same"]
    assert outcomes(shop, letter(shop)) == ["same"]
    assert len(server.posts) == 1
    assert posted(shop)["hello:1"].receipt["ts"] == server.posts[0]["ts"]


def test_what_never_arrived_is_sent_by_the_next_run(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    server.next = [("status", 503)]
    assert outcomes(shop, letter(shop)) == ["failed"]
    server.unread = "ratelimited"
    assert outcomes(shop, letter(shop)) == ["left alone"], "nobody could look"
    server.unread = ""
    assert outcomes(shop, letter(shop)) == ["sent"]
    assert len(server.posts) == 1


def test_what_cannot_be_sent_at_all_stays_open(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server, OTHER="x")
    with pytest.raises(ConfigError, match="no way to send"):
        outcomes(shop, letter(shop))
    assert posted(shop)["hello:1"].state == "open"


KILLED = """
import sys
from datetime import date
from headway.project import Project
from headway.project.audience import sink_of
from headway.project.outbox import Letter, send
from headway.sinks.message import Message

project = Project.open(sys.argv[1], as_of=date(2026, 11, 22))
print("ready", flush=True)
message = Message(sys.argv[2], sys.argv[3], "Hello")
for done in send(project, [Letter(message, sink_of(project, "slack"))], dry_run=False):
    print(done.outcome, flush=True)
"""


def killed_after_sending(folder: Path, server: SlackServer, key: str, to: str, **environment: str) -> None:
    """Another process sends; the server takes the message and kills it before it hears so."""
    script = folder / "send.py"
    script.write_text(KILLED)
    process = subprocess.Popen(
        [sys.executable, script, str(folder), key, to],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    kill: Callable[[], None] = lambda: os.kill(process.pid, signal.SIGKILL)  # noqa: E731 - read where it is used
    server.next = [("call", kill)]
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (-signal.SIGKILL, "ready\n")


def test_killed_between_sending_and_writing_it_down(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    killed_after_sending(tmp_path, server, "hello:1", "C012", HEADWAY_SLACK_TOKEN=TOKEN)
    assert len(server.posts) == 1
    assert posted(shop)["hello:1"].state == "begun"
    assert outcomes(shop, letter(shop)) == ["same"]
    assert outcomes(shop, letter(shop)) == ["same"]
    assert len(server.posts) == 1
    assert posted(shop)["hello:1"].receipt == {"channel": "C012", "ts": server.posts[0]["ts"]}


def test_killed_where_nobody_can_look(tmp_path: Path, server: SlackServer) -> None:
    hook = {"SALES_WEBHOOK": server.hook}
    shop = project(tmp_path, server, "#sales", **hook)
    killed_after_sending(tmp_path, server, "hello:1", "#sales", **hook)
    mine = letter(shop, to="#sales")
    assert outcomes(shop, mine) == ["left alone"]
    assert outcomes(shop, mine) == ["left alone"]
    assert len(server.hooked) == 1
    assert outcomes(shop, mine, again=True) == ["sent"], "only when a person says so"
    assert len(server.hooked) == 2


def test_one_process_sends_at_a_time(tmp_path: Path, server: SlackServer) -> None:
    shop = project(tmp_path, server)
    one = send(shop, [letter(shop), letter(shop, "hello:2")], dry_run=False)
    next(one)
    with pytest.raises(UsageError, match="another process is sending"):
        outcomes(shop, letter(shop))
    assert [done.outcome for done in one] == ["sent"]


def test_what_was_sent_stays_sent_whatever_comes_later() -> None:
    acts = ("begun", "sent", "failed", "begun", "unheard of")
    said = [
        Entry(at=AT + timedelta(minutes=n), by="headway", topic="message", subject="k", act=act, body={})
        for n, act in enumerate(acts)
    ]
    assert folded(said)["k"].state == "sent"
    assert folded(said)["k"].at == AT + timedelta(minutes=1)
    assert folded([said[0], said[3]])["k"].at == AT, "it is looked for from when it was begun first"
