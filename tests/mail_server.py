"""A local mail server that speaks what of SMTP is used, and keeps the letters that it took."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast


@dataclass
class MailServer:
    """What was taken, and what is to happen next."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""
    """A command that is refused: RCPT, DATA; `drop` breaks the connection when the letter has come."""


class _Speaking(socketserver.StreamRequestHandler):
    kept: MailServer

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            word = line[:4].decode("ascii", "replace").upper()
            if self.kept.refuse and word == self.kept.refuse[:4]:
                self._say("550 no")
            elif word == "DATA":
                self._say("354 go on")
                if not self._take():
                    return
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self) -> bool:
        raw = b""
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            raw += line.removeprefix(b".")
        self.kept.letters.append(cast("EmailMessage", message_from_bytes(raw, policy=default)))
        if self.kept.refuse == "drop":
            return False
        self._say("250 taken")
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server on a free loopback port, in a thread of its own."""
    server = MailServer()
    speaking = type("Speaking", (_Speaking,), {"kept": server})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), speaking) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join(5)
