"""Messages to Slack, with slack-sdk against a local server: valid, within limits, once, and nothing secret said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.errors import ConfigError
from headway.sinks.message import UNSURE, Button, Line, Message, Part, text_of
from headway.sinks.protocol import Delivered, Setting
from headway.sinks.slack import Slack, answer
from headway.sinks.slack_blocks import MOST_BLOCKS, MOST_CHARACTERS, blocks_of, escaped
from slack_server import TOKEN, SlackServer, invalid, slack_server

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HELLO = Message("hello:1", "C012", "Goals this week", "All is well.", (Part("Pace", (Line("Revenue", "behind"),)),))


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def sent(server: SlackServer, message: Message, *, dry_run: bool = False, **environment: str) -> Delivered:
    environment = environment or {"HEADWAY_SLACK_TOKEN": TOKEN}
    options = {"api": server.api, "webhooks": {"#sales": "SALES_WEBHOOK"}}
    (done,) = Slack(options, Setting("/", NOW, environment)).deliver([message], dry_run=dry_run)
    return done


def body(message: Message) -> dict[str, Any]:
    return {"text": message.title, "blocks": blocks_of(message)}


def test_a_message_is_posted_with_what_it_is_found_by(server: SlackServer) -> None:
    done = sent(server, HELLO)
    assert done.outcome == "sent"
    assert done.receipt == {"channel": "C012", "ts": "1795000000.000100"}
    (post,) = server.posts
    assert post["text"] == "Goals this week. All is well."
    assert post["metadata"] == {"event_type": "headway_message", "event_payload": {"key": "hello:1"}}
    assert post["blocks"][2]["text"]["text"] == "*Pace*\n• *Revenue*: behind"


def test_an_answer_goes_into_the_thread(server: SlackServer) -> None:
    first = sent(server, HELLO)
    sent(server, Message("hello:2", "C012", "It is over", thread=first.receipt))
    assert server.posts[1]["thread_ts"] == first.receipt["ts"]


def test_a_dry_run_asks_nobody(server: SlackServer) -> None:
    assert sent(server, HELLO, dry_run=True).outcome == "would be sent"
    assert server.calls == []


def test_it_waits_as_it_is_told(server: SlackServer) -> None:
    server.next = [("429", 0), ("429", 0)]
    assert sent(server, HELLO).outcome == "sent"
    assert server.calls == ["chat.postMessage"] * 3
    assert len(server.posts) == 1


@pytest.mark.parametrize("seconds", ["3600", "soon", "-1"])
def test_it_does_not_wait_for_ever(server: SlackServer, seconds: str) -> None:
    server.next = [("429", seconds)]
    done = sent(server, HELLO)
    assert (done.outcome, dict(done.receipt)) == ("failed", {})
    assert server.calls == ["chat.postMessage"]


def test_a_refusal_is_told_with_what_helps(server: SlackServer) -> None:
    server.next = [("error", "not_in_channel")]
    done = sent(server, HELLO)
    assert done.outcome == "failed"
    assert "not_in_channel" in done.sentence
    assert "invite the app" in done.sentence
    assert UNSURE not in done.receipt


@pytest.mark.parametrize("trouble", [("drop", None), ("status", 503), ("error", "fatal_error")])
def test_what_may_have_arrived_is_not_sent_again_in_the_same_run(server: SlackServer, trouble: tuple[str, Any]) -> None:
    server.next = [trouble]
    done = sent(server, HELLO)
    assert done.outcome == "failed"
    assert done.receipt == {UNSURE: True}
    assert server.calls == ["chat.postMessage"]


def test_a_server_that_is_not_there_got_nothing(server: SlackServer) -> None:
    options = {"api": "http://127.0.0.1:9/api/"}
    (done,) = Slack(options, Setting("/", NOW, {"HEADWAY_SLACK_TOKEN": TOKEN})).deliver([HELLO], dry_run=False)
    assert (done.outcome, dict(done.receipt)) == ("failed", {})


def begun(message: Message) -> Message:
    return Message(message.key, message.to, message.title, message.lead, message.parts, begun=NOW)


def test_what_was_begun_is_looked_for_and_found_on_a_later_page(server: SlackServer) -> None:
    for number in range(3):
        sent(server, Message(f"other:{number}", "C012", "Something else"))
    sent(server, HELLO)
    done = sent(server, begun(HELLO))
    assert (done.outcome, done.receipt) == ("same", {"channel": "C012", "ts": server.posts[3]["ts"]})
    assert len(server.posts) == 4


def test_what_was_begun_and_is_not_there_is_sent(server: SlackServer) -> None:
    assert sent(server, begun(HELLO)).outcome == "sent"
    assert len(server.posts) == 1


def test_what_was_begun_where_nobody_can_look_is_left_alone(server: SlackServer) -> None:
    server.unread = "missing_scope"
    assert sent(server, begun(HELLO)).outcome == "left alone"
    assert server.posts == []


def hooked(message: Message) -> Message:
    return Message(message.key, "#sales", message.title, message.lead, message.parts, begun=message.begun)


def test_a_webhook_takes_the_same(server: SlackServer) -> None:
    server.next = [("429", 0)]
    done = sent(server, hooked(HELLO), SALES_WEBHOOK=server.hook)
    assert done.outcome == "sent"
    assert server.hooked[0]["blocks"] == blocks_of(HELLO)


def test_a_webhook_that_refuses_and_one_that_breaks(server: SlackServer) -> None:
    server.next = [("status", 404), ("drop", None)]
    refused = sent(server, hooked(HELLO), SALES_WEBHOOK=server.hook)
    broke = sent(server, hooked(HELLO), SALES_WEBHOOK=server.hook)
    assert (refused.outcome, dict(refused.receipt)) == ("failed", {})
    assert (broke.outcome, broke.receipt) == ("failed", {UNSURE: True})
    assert "made-up" not in refused.sentence + broke.sentence
    assert sent(server, hooked(begun(HELLO)), SALES_WEBHOOK=server.hook).outcome == "left alone"


def test_no_way_to_send_is_said(server: SlackServer) -> None:
    with pytest.raises(ConfigError, match="no way to send to C012"):
        sent(server, HELLO, OTHER="x")
    with pytest.raises(ConfigError, match="SALES_WEBHOOK has no https address"):
        sent(server, hooked(HELLO), SALES_WEBHOOK="ftp://example.com/made-up")
    assert server.calls == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://evil.example/x",
        "https://slack.com.evil.example/",
        "http://hooks.slack.com/x",
        "http://[::1",
        "file:///x",
    ],
)
def test_a_press_is_answered_at_slack_only(server: SlackServer, url: str) -> None:
    assert not answer(url, "Kept", api=server.api)
    assert not answer(url, "Kept", api="")


def test_an_answer_has_no_mark_up(server: SlackServer) -> None:
    assert answer(f"http://127.0.0.1:{server.port}/actions/1", "Kept: <!channel>", api=server.api, shared=False)
    assert server.answers == [
        {"text": "Kept: &lt;!channel&gt;", "response_type": "ephemeral", "replace_original": False}
    ]


# ---------------------------------------------------------------------- blocks


def test_five_hundred_findings_fit_and_the_others_are_counted() -> None:
    lines = tuple(
        Line(f"asset_{n}", "serves no objective; nobody uses it", f"https://h.example/a/{n}") for n in range(500)
    )
    message = Message("k", "C1", "Goals", "x", (Part("Pace", lines, "https://h.example/"), Part("Decisions", lines)))
    assert invalid(body(message)) == ""
    texts = [b["text"]["text"] for b in blocks_of(message) if b["type"] == "section"][1:]
    for text in texts:
        shown = text.count("• ")
        assert shown >= 5
        assert f"{500 - shown} more" in text
    assert "<https://h.example/|" in texts[0]


def test_names_mean_nothing_to_slack() -> None:
    hostile = Line("<!channel> & <@U1>\nx", "<https://evil.example|click>", "https://h.example/?a=1|b")
    found = str(blocks_of(Message("k", "C1", "<!here>", "<!everyone>", (Part("P", (hostile,)),))))
    assert "<!" not in found.replace("'text': '<!here>'", "")  # a header is plain text
    assert "<@" not in found
    assert "&lt;https://evil.example|click&gt;" in found
    assert escaped("a\nb\x1b") == "a b "


def test_a_link_that_is_none_is_no_link() -> None:
    found = str(blocks_of(Message("k", "C1", "T", parts=(Part("P", (Line("x", "y", "javascript:alert(1)"),)),))))
    assert "javascript" not in found


def test_buttons_stand_below_what_they_are_about() -> None:
    button = Button("Keep", "headway-keep", "@1f0c9a2 0", confirm="Really?")
    line = Line("old", "unused", buttons=(button,), ask="Why?")
    blocks = blocks_of(Message("k", "C1", "T", parts=(Part("Decide", (line,)),)))
    assert [b["type"] for b in blocks] == ["header", "section", "section", "input", "actions"]
    assert blocks[4]["elements"][0]["value"] == "@1f0c9a2 0"
    assert invalid({"text": "x", "blocks": blocks}) == ""


LINES = st.builds(
    Line,
    st.text(max_size=400),
    st.text("&<>x", max_size=400),
    st.sampled_from(["", "https://h.example/" + "a" * 280, "https://h.example/" + "b" * 4_000]),
    st.lists(
        st.builds(Button, st.text(max_size=90), st.just("headway-keep"), st.just("@1f0c9a2 0"), st.text(max_size=400)),
        max_size=6,
    ).map(tuple),
    st.sampled_from(["", "Why? " * 50]),
)
PARTS = st.builds(Part, st.text(max_size=300), st.lists(LINES, max_size=60).map(tuple))


@settings(max_examples=60, deadline=None)
@given(title=st.text(max_size=400), lead=st.text(max_size=1_000), parts=st.lists(PARTS, max_size=10), note=st.text())
def test_whatever_a_message_holds_it_is_within_the_limits(title: str, lead: str, parts: list[Part], note: str) -> None:
    unique = [
        Part(p.title, tuple(Line(f"{k}/{n} {x.lead}", x.text, x.url, x.buttons, x.ask) for n, x in enumerate(p.lines)))
        for k, p in enumerate(parts)
    ]
    message = Message("k", "C1", title, lead, tuple(unique), note, "https://h.example/")
    assert invalid({"text": "x", "blocks": blocks_of(message)}) == ""
    assert len(blocks_of(message)) <= MOST_BLOCKS
    assert len(str(blocks_of(message))) <= MOST_CHARACTERS * 2
    assert text_of(message).startswith(title[:1])
