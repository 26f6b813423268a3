"""Messages by e-mail: plain text with a simple HTML twin, through one SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable, Iterator, Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from typing import Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError, ServiceError
from headway.sinks.message import UNSURE, Line, Message, text_of
from headway.sinks.protocol import Delivered, Setting

MOST_LINES = 100
"""Lines under one heading of a letter."""
LONGEST_SUBJECT = 150
SECONDS = 30


class Mail:
    """Sends letters, each with a Message-ID of its key: one that arrives twice is one to programs that tell by it."""

    name: ClassVar[str] = "email"
    options: ClassVar[tuple[Option, ...]] = (
        Option("from", str, "", "Address of the sender.", required=True),
        Option("host", str, "", "The SMTP server.", required=True),
        Option("port", int, 587, "Its port."),
        Option("security", str, "starttls", "starttls, tls or none."),
        Option("user", str, "", "Who signs in.", env="HEADWAY_SMTP_USER", secret=True),
        Option("password", str, "", "With which password.", env="HEADWAY_SMTP_PASSWORD", secret=True),
    )

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None:
        self._sender = str(options.get("from", ""))
        self._host = str(options.get("host", ""))
        self._port = int(options.get("port") or 587)
        self._security = str(options.get("security") or "starttls")
        self._user = setting.environment.get("HEADWAY_SMTP_USER", "")
        self._password = setting.environment.get("HEADWAY_SMTP_PASSWORD", "")
        self._setting = setting
        if not self._sender or not self._host:
            raise ConfigError("email needs from and host")
        if self._user and self._security == "none" and self._host not in {"localhost", "127.0.0.1", "::1"}:
            raise ConfigError("a password is not sent over a connection without encryption", hint="security: starttls")

    def deliver(self, items: Iterable[Message], *, dry_run: bool) -> Iterator[Delivered]:
        """Send each message as a letter, or say what would be sent. See sinks.protocol.Sink.

        One that was begun before and may have arrived is left alone: no mail server says what it passed on.
        Raises ServiceError when the server cannot be reached or does not let one in.
        """
        for message in items:
            if dry_run:
                yield Delivered(message.key, "would be sent", f"e-mail {message.to}: {message.title}")
            elif message.begun is not None:
                why = "a mail server cannot say whether it arrived"
                said = f"e-mail {message.to}: {message.title!r} may have been sent before, and is not sent again: {why}"
                yield Delivered(message.key, "left alone", said)
            else:
                yield self._sent(message)

    def _sent(self, message: Message) -> Delivered:
        try:
            server = self._connected()
        except ServiceError as error:
            # Nothing was handed over, so it can go out with the next run.
            return Delivered(message.key, "failed", f"e-mail {message.to}: {error}")
        letter = letter_of(message, self._sender, self._setting)
        unsure = False
        try:
            server.send_message(letter, self._sender, [message.to])
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            what = f"the server refused it ({_code(error)})"
        except (smtplib.SMTPException, OSError) as error:
            what, unsure = f"the connection broke ({type(error).__name__}); it may have arrived", True
        else:
            said = f"e-mail {message.to}: {message.title}"
            return Delivered(message.key, "sent", said, {"message_id": str(letter["Message-ID"])})
        finally:
            server.close()
        said = f"e-mail {message.to} did not take {message.title!r}: {what}"
        return Delivered(message.key, "failed", said, {UNSURE: True} if unsure else {})

    def _connected(self) -> smtplib.SMTP:
        """A server that takes letters. Raises ServiceError; never says with what one signed in."""
        try:
            if self._security == "tls":
                context = ssl.create_default_context()
                server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=SECONDS, context=context)
            else:
                server = smtplib.SMTP(self._host, self._port, timeout=SECONDS)
        except (smtplib.SMTPException, OSError) as error:
            raise ServiceError(f"the mail server cannot be reached ({type(error).__name__})") from None
        try:
            if self._security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password)
        except (smtplib.SMTPException, OSError, UnicodeEncodeError) as error:
            server.close()
            hint = "HEADWAY_SMTP_USER and HEADWAY_SMTP_PASSWORD" if self._user else ""
            message = f"the mail server does not let one in ({type(error).__name__})"
            raise ServiceError(message, hint=hint) from None
        return server


def letter_of(message: Message, sender: str, setting: Setting) -> EmailMessage:
    """The message as a letter: plain text, and the same as HTML. Answers name what they answer."""
    letter = EmailMessage()
    letter["From"], letter["To"] = sender, message.to
    letter["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in message.title).split())[
        :LONGEST_SUBJECT
    ]
    letter["Date"] = format_datetime(setting.now)
    domain = sender.rpartition("@")[2]
    letter["Message-ID"] = f"<{blake2b(message.key.encode(), digest_size=16).hexdigest()}@{domain}>"
    if answered := str(message.thread.get("message_id", "")):
        letter["In-Reply-To"] = letter["References"] = answered
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text_of(message, MOST_LINES))
    letter.add_alternative(html_of(message), subtype="html")
    return letter


def html_of(message: Message) -> str:
    """The message as a small page of HTML without styles, scripts or pictures."""
    found = [f"<h2>{escape(message.title)}</h2>"]
    if message.lead:
        found.append(f"<p>{escape(message.lead)}</p>")
    for part in message.parts:
        found.append(f"<h3>{escape(part.title)}</h3>")
        lines = "".join(f"<li>{_line(line)}</li>" for line in part.lines[:MOST_LINES])
        if lines:
            found.append(f"<ul>{lines}</ul>")
        if (left := len(part.lines) - MOST_LINES) > 0:
            found.append(f"<p>{_link(part.url, f'{left:,} more')}</p>")
    if message.note:
        found.append(f"<p><small>{escape(message.note)}</small></p>")
    if message.url:
        found.append(f"<p>{_link(message.url, 'Open in Headway')}</p>")
    body = "\n".join(found)
    return f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><body>\n{body}\n</body></html>\n'


def _line(line: Line) -> str:
    lead = f"<b>{_link(line.url, line.lead)}</b>" if line.lead else ""
    return f"{lead}: {escape(line.text)}" if lead and line.text else lead or escape(line.text)


def _link(url: str, text: str) -> str:
    good = url.startswith(("https://", "http://"))
    return f'<a href="{escape(url, quote=True)}">{escape(text)}</a>' if good else escape(text)


def _code(error: smtplib.SMTPException) -> str:
    """The number that the server gave; its words may hold addresses."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return ", ".join(str(code) for code, _ in error.recipients.values())
    return str(getattr(error, "smtp_code", "")) or type(error).__name__
