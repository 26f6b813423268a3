"""Answers in the thread of a retirement's notice: what decides, what is a comment, and that none counts twice."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier
from test_slack_interactions import SIGNED, Desk, desk_of

from headway.project import retire as retirement
from headway.project import triage
from headway.project.ledger import entries
from headway.project.notices import notices
from headway.project.outbox import send
from headway.project.pages.said import said_about
from headway.project.replies import buttons_of
from headway.project.thread_replies import SOMEBODY, words_of
from slack_server import SlackServer, slack_server

NODE = "dbt:exposure.shop.dusty"


class Thread:
    """The notice that dusty is to be retired, sent to a channel, and what people answer to it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        triage.retire(desk.project(), ["HW201:dusty"], by="core-team", write=True)
        letters = [letter for letter in notices(desk.project()) if "dusty" in letter.message.title]
        (done,) = send(desk.project(), letters, dry_run=False)
        self.channel, self.ts = done.receipt["channel"], done.receipt["ts"]
        self.note = letters[0].message.note
        self.said = 0
        desk.slack.posts.clear()

    def event(self, text: str, **more: Any) -> dict[str, Any]:
        self.said += 1
        event = {
            "type": "message",
            "user": "U0ANA",
            "team": "T1",
            "channel": self.channel,
            "text": text,
            "ts": f"1795000{self.said:03}.000200",
            "thread_ts": self.ts,
        }
        return {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{self.said}", "event": {**event, **more}}

    def post(self, body: Any, *, at: int | None = None, secret: str = SIGNED, **headers: str) -> Any:
        """What Slack sends, signed by Slack's own library."""
        sent = body if isinstance(body, str) else json.dumps(body)
        when = str(int(time.time()) if at is None else at)
        signature = SignatureVerifier(secret).generate_signature(timestamp=when, body=sent)
        signed = {"x-slack-request-timestamp": when, "x-slack-signature": str(signature)}
        given = {"content-type": "application/json", **signed, **headers}
        return self.desk.client.post("/slack/interactions", content=sent, headers=given)

    def answer(self, text: str, **more: Any) -> list[tuple[str, str, str]]:
        """What is in the ledger after somebody answered so, without the retirement itself."""
        assert self.post(self.event(text, **more)).status_code == 200
        return [one for one in self.desk.decided() if one[1] != "core-team"]

    @property
    def told(self) -> list[str]:
        """What was said in the thread."""
        assert all((p["channel"], p["thread_ts"]) == (self.channel, self.ts) for p in self.desk.slack.posts)
        return [post["text"] for post in self.desk.slack.posts]


@pytest.fixture
def thread(tmp_path: Path) -> Any:
    with slack_server() as server:
        yield Thread(desk_of(tmp_path, server, "{U0ANA: analytics}"))


def goal_of(thread: Thread) -> str:
    graph = thread.desk.project().graph()
    return graph.nodes[graph.goals_in(graph.active)[0]].label


def test_the_address_is_verified(thread: Thread) -> None:
    body = {"token": "old", "challenge": "3eZbrw1aB", "type": "url_verification"}
    done = thread.post(body)
    assert (done.status_code, done.text) == (200, "3eZbrw1aB")
    assert thread.post(body, secret="another").status_code == 401
    assert thread.post(body, at=int(time.time()) - 301).status_code == 401


def test_the_notice_says_which_words_decide(thread: Thread) -> None:
    assert "answer in this thread: keep, keep for and the name of a goal, or retire" in thread.note


@pytest.mark.parametrize("text", ["keep", "Keep it.", "*keep*", " KEEP IT! "])
def test_keep_decides(thread: Thread, text: str) -> None:
    assert thread.answer(text) == [("keep", "analytics", "answered in Slack, without a goal")]
    (told,) = thread.told
    assert told.startswith("Kept: dusty")
    assert "headway retire --undo" in told


def test_keep_for_a_goal_names_it(thread: Thread) -> None:
    goal = goal_of(thread)
    assert thread.answer(f"keep for {goal.upper()}") == [("keep", "analytics", f"it is for {goal}")]


def test_keep_for_something_else_is_a_comment(thread: Thread) -> None:
    assert thread.answer("keep for the auditors") == [("comment", "analytics", "keep for the auditors")]


@pytest.mark.parametrize("text", ["keep in mind that it goes", "we keep it", "retired already?", "keepsake", "no"])
def test_what_is_not_plain_is_a_comment(thread: Thread, text: str) -> None:
    assert thread.answer(text) == [("comment", "analytics", text)]
    (told,) = thread.told
    assert told.startswith("Kept as a comment on dusty")
    thread.answer("and more")
    assert len(thread.told) == 1, "a talk is not answered line by line"


def test_a_comment_stands_where_decisions_stand_and_decides_nothing(thread: Thread) -> None:
    project = thread.desk.project()
    before = [
        b.value for b in buttons_of(project, next(c for c in triage.all_cases(project) if c.item.name == "dusty"))
    ]
    thread.answer("Finance opens it &lt;monthly&gt;, says <@U0BOB> in <https://x.example/1|the sheet>")
    words = "Finance opens it <monthly>, says @somebody in the sheet"
    project = thread.desk.project()
    case = next(c for c in triage.all_cases(project) if c.item.name == "dusty")
    assert case.state.word == "retiring"
    assert case.state.sentence.endswith(f"; analytics wrote on 22 Nov: {words}")
    assert [b.value for b in buttons_of(project, case)] == before, "buttons that were sent still work"
    said, _ = said_about(project, NODE)
    assert [(s.what, s.by, s.note) for s in said if s.note == words] == [("Answered in Slack", "analytics", words)]
    log = [r for r in triage.log(project).records() if r["act"] == "comment"]
    assert [(r["reason"], r["state"]) for r in log] == [(words, "holds")]
    triage.undo(project, [log[0]["undo"]], by="analytics")
    case = next(c for c in triage.all_cases(thread.desk.project()) if c.item.name == "dusty")
    assert "wrote" not in case.state.sentence


def test_a_comment_on_what_is_open_is_in_triage(thread: Thread) -> None:
    project = thread.desk.project()
    triage.reopen(project, ["HW201:dusty"], by="core-team")
    thread.answer("please ask finance first")
    rows = [r for r in thread.desk.project().ask("triage").records() if r["asset"] == "dusty"]
    assert any("analytics wrote on 22 Nov: please ask finance first" in str(row) for row in rows)


def test_a_decision_after_it_ends_a_comment(thread: Thread) -> None:
    thread.answer("hm")
    thread.answer("keep")
    case = next(c for c in triage.all_cases(thread.desk.project()) if c.item.name == "dusty")
    assert case.state.word == "kept"
    assert "hm" not in case.state.sentence
    assert [act for act, _, _ in thread.answer("keep")] == ["comment", "keep"]
    assert thread.told[-1].startswith("Nothing was changed. dusty: kept on 22 Nov by analytics")


def test_retire_takes_a_keep_back_only_where_it_can_go(thread: Thread) -> None:
    assert thread.answer("retire") == [("comment", "analytics", "retire")], "it is announced already"


def test_retire_decides_what_was_kept_meanwhile(thread: Thread) -> None:
    thread.answer("keep")
    (run,) = {str(e.body["run"]) for e in entries(thread.desk.project(), "finding") if e.body.get("run")}
    retirement.undo(thread.desk.project(), run)
    thread.answer("retire it")
    assert "retire" in [act for act, by, _ in thread.desk.decided() if by == "analytics"]
    assert "dusty" in (thread.desk.folder / "retirements.yml").read_text()
    assert "Announced: dusty" in thread.told[-1]


def test_what_cannot_be_decided_is_a_comment_with_the_reason(thread: Thread) -> None:
    triage.reopen(thread.desk.project(), ["HW201:dusty"], by="core-team")
    assert thread.answer("retire") == [("comment", "analytics", "retire")]
    assert thread.told[0].startswith("Nothing was decided, and it is kept as a comment: ")


def test_a_retry_is_the_same_answer(thread: Thread) -> None:
    body = thread.event("we need it")
    assert thread.post(body).status_code == 200
    again = {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
    assert thread.post(body, at=int(time.time()) + 1, **again).status_code == 200
    assert len([d for d in thread.desk.decided() if d[0] == "comment"]) == 1
    assert thread.post(body, at=int(time.time()) + 1, **again).status_code == 401  # the very same request


def test_people_who_may_not_decide_comment_without_a_name(thread: Thread) -> None:
    assert thread.answer("keep", user="U0BOB") == [("comment", SOMEBODY, "keep")]
    assert "does not name you under slack.deciders" in thread.told[0]
    assert "U0BOB" not in str(entries(thread.desk.project()))


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"},
        {"app_id": "A1"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"user": ""},
        {"text": "  "},
        {"type": "reaction_added"},
        {"team": "T9"},
        {"team": ""},
        {"channel": "C9OTHER"},
        {"thread_ts": "1.000001"},
        {"thread_ts": ""},
    ],
)
def test_what_is_no_answer_of_ours_is_passed_over(thread: Thread, more: dict[str, str]) -> None:
    rest = {k: v for k, v in more.items() if k != "text"}
    assert thread.answer(more.get("text", "keep"), **rest) == []
    assert thread.told == []


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "1", '{"type": 5}', '{"event": []}', "[" * 50_000, '{"type":"event_callback","event":{"text":3}}'],
)
def test_what_is_no_event_is_refused(thread: Thread, body: str) -> None:
    done = thread.post(body)
    assert (done.status_code, done.text) == (400, "This is no event of Slack.")


def test_a_long_answer_is_cut_and_a_thread_that_refuses_is_survived(thread: Thread) -> None:
    thread.desk.slack.next.append(("error", "channel_not_found"))
    (comment,) = thread.answer("x" * 9_000)
    assert len(comment[2]) == triage.LONGEST
    assert comment[2].endswith("\N{HORIZONTAL ELLIPSIS}")


def test_webhooks_have_no_threads(thread: Thread) -> None:
    """A notice that went through a webhook has no time that an answer could name."""
    thread.ts = ""
    assert thread.answer("keep", thread_ts="") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a &amp; b", "a & b"),
        ("<#C1|sales> <!here> <mailto:a@x.example|write>", "#sales @here write"),
        ("<https://x.example>", "https://x.example"),
        ("a\u202eb\x00", None),
    ],
)
def test_words(text: str, words: str | None) -> None:
    said = words_of(text)
    assert said == words if words is not None else said.isprintable()


def test_it_needs_somebody_who_may_decide(tmp_path: Path) -> None:
    with slack_server() as server:
        assert isinstance(server, SlackServer)
        desk = desk_of(tmp_path, server, "{}")
        assert desk.client.post("/slack/interactions", json={"type": "url_verification"}).status_code == 404
