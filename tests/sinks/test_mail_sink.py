"""Messages by e-mail, against a local server: text and HTML, one Message-ID a key, and nothing sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from headway.errors import ConfigError
from headway.sinks.mail import Mail, html_of
from headway.sinks.message import UNSURE, Line, Message, Part
from headway.sinks.protocol import Delivered, Setting
from mail_server import MailServer, mail_server

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HELLO = Message(
    "hello:1",
    "sales@example.com",
    "Goals\r\nBcc: evil@example.com",
    "All is well.",
    (Part("Pace", (Line("<b>Revenue</b>", "behind & late", "https://h.example/?a=1&b=2"),)),),
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def sent(port: int, message: Message, *, dry_run: bool = False, **environment: str) -> Delivered:
    options = {"from": "headway@example.com", "host": "127.0.0.1", "port": port, "security": "none"}
    (done,) = Mail(options, Setting("/", NOW, environment)).deliver([message], dry_run=dry_run)
    return done


def test_a_letter_has_text_and_html_and_no_header_of_others(server: MailServer) -> None:
    done = sent(server.port, HELLO)
    assert done.outcome == "sent"
    (letter,) = server.letters
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Goals Bcc: evil@example.com"
    assert letter["To"] == "sales@example.com"
    assert letter["Message-ID"] == done.receipt["message_id"]
    text = letter.get_body(("plain",))
    html = letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "* <b>Revenue</b>: behind & late" in text.get_content()
    assert "&lt;b&gt;Revenue&lt;/b&gt;" in html.get_content()
    assert 'href="https://h.example/?a=1&amp;b=2"' in html.get_content()


def test_the_same_key_is_the_same_letter_to_programs(server: MailServer) -> None:
    first, second = sent(server.port, HELLO), sent(server.port, HELLO)
    answer = Message("hello:2", HELLO.to, "Over", thread=first.receipt)
    sent(server.port, answer)
    assert first.receipt == second.receipt
    assert server.letters[2]["In-Reply-To"] == first.receipt["message_id"]
    assert server.letters[2]["Message-ID"] != first.receipt["message_id"]


def test_a_dry_run_and_what_was_begun_ask_nobody(server: MailServer) -> None:
    assert sent(server.port, HELLO, dry_run=True).outcome == "would be sent"
    assert sent(server.port, Message("k", "a@example.com", "T", begun=NOW)).outcome == "left alone"
    assert server.letters == []


@pytest.mark.parametrize(("refuse", "unsure"), [("RCPT", False), ("DATA", False), ("MAIL", False), ("drop", True)])
def test_a_refusal_is_told_from_what_may_have_arrived(server: MailServer, refuse: str, unsure: bool) -> None:
    server.refuse = refuse
    done = sent(server.port, HELLO)
    assert done.outcome == "failed"
    assert bool(done.receipt.get(UNSURE)) is unsure


def test_a_server_that_is_not_there_or_lets_nobody_in(server: MailServer) -> None:
    gone = sent(9, HELLO)
    assert "cannot be reached" in gone.sentence
    assert not gone.receipt
    secrets = {"HEADWAY_SMTP_USER": "headway", "HEADWAY_SMTP_PASSWORD": "made-up"}
    closed = sent(server.port, HELLO, **secrets)
    assert "does not let one in" in closed.sentence
    assert "made-up" not in closed.sentence
    assert server.letters == []


def test_a_password_needs_encryption() -> None:
    options = {"from": "a@example.com", "host": "smtp.example.com", "security": "none"}
    with pytest.raises(ConfigError, match="without encryption"):
        Mail(options, Setting("/", NOW, {"HEADWAY_SMTP_USER": "headway"}))


def test_many_lines_are_counted() -> None:
    lines = tuple(Line(f"a{n}") for n in range(500))
    assert "400 more" in html_of(Message("k", "a@example.com", "T", parts=(Part("P", lines),)))
