"""A local server that speaks what of Slack's Web API and webhooks is used, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

TOKEN = "xoxb-0000-made-up"
MOST_CHARACTERS = 13_200


@dataclass
class SlackServer:
    """What was posted, and what is to happen with the next requests."""

    port: int = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    """Messages that were taken, with channel and ts."""
    hooked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies that the webhook took."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    """Bodies that the address for answers to presses took."""
    calls: list[str] = field(default_factory=list)
    next: list[tuple[str, Any]] = field(default_factory=list)
    """("429", "1"), ("error", word), ("status", number), ("drop", None), ("call", function): for the next posts."""
    unread: str = ""
    """Error of whoever wants to read a channel."""

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    @property
    def hook(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T1/B1/made-up"


def invalid(body: dict[str, Any]) -> str:
    """Why Slack would refuse a message; '' when it would not."""
    blocks = body.get("blocks") or []
    if not body.get("text"):
        return "no_text"
    if len(blocks) > 50 or not blocks:
        return "invalid_blocks"
    if len(json.dumps(blocks, ensure_ascii=False)) > MOST_CHARACTERS:
        return "msg_blocks_too_long"
    try:
        for block in blocks:
            parsed = Block.parse(block)
            if parsed is None or parsed.to_dict().get("type") != block["type"]:
                return "invalid_blocks"
    except SlackObjectFormationError:
        return "invalid_blocks"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    return "" if len(ids) == len(set(ids)) else "invalid_blocks"


class _Answering(BaseHTTPRequestHandler):
    kept: SlackServer

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self._any(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "json" in self.headers.get("content-type", ""):
            self._any(json.loads(body))
        else:
            self._any(parse_qs(body.decode()))

    def _any(self, given: dict[str, Any]) -> None:
        path = urlsplit(self.path).path
        self.kept.calls.append(path.rpartition("/")[2])
        if path.startswith("/actions/"):
            self.kept.answers.append(given)
            self._say(200, "ok", "text/plain")
        elif path.startswith("/services/"):
            if self._as_told(lambda: self.kept.hooked.append(given)):
                word = invalid(given)
                if not word:
                    self.kept.hooked.append(given)
                self._say(400 if word else 200, word or "ok", "text/plain")
        elif self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._json({"ok": False, "error": "invalid_auth"})
        elif path.endswith("chat.postMessage"):
            if self._as_told(lambda: self._post(given)):
                word = invalid(given)
                self._json({"ok": False, "error": word} if word else self._post(given))
        elif path.endswith(("conversations.history", "conversations.replies")):
            self._json(self._read(given))
        else:
            self._json({"ok": True})

    def _as_told(self, take: Callable[[], Any]) -> bool:
        """Whether to go on as usual."""
        if not self.kept.next:
            return True
        what, how = self.kept.next.pop(0)
        if what == "429":
            self.send_response(429)
            self.send_header("Retry-After", str(how))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif what == "error":
            self._json({"ok": False, "error": how})
        elif what == "status":
            self._say(how, "broken", "text/plain")
        else:  # it is taken, and nobody is told
            take()
            if what == "call":
                how()
            self.close_connection = True
            self.connection.close()
        return False

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        ts = f"{1_795_000_000 + len(self.kept.posts)}.000100"
        channel = "C0GENERAL" if given["channel"].startswith("#") else given["channel"]
        self.kept.posts.append({**given, "channel": channel, "ts": ts})
        return {"ok": True, "channel": channel, "ts": ts}

    def _read(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.kept.unread:
            return {"ok": False, "error": self.kept.unread}
        thread = given.get("ts", [""])[0]
        found = [p for p in self.kept.posts if p["channel"] == given["channel"][0]]
        found = [p for p in found if p.get("thread_ts", "") == thread or p["ts"] == thread]
        start = int(given.get("cursor", ["0"])[0])
        page = found[start : start + 2]  # small pages, so that they are followed
        more = str(start + 2) if start + 2 < len(found) else ""
        return {"ok": True, "messages": page, "response_metadata": {"next_cursor": more}}

    def _json(self, said: dict[str, Any]) -> None:
        self._say(200, json.dumps(said), "application/json")

    def _say(self, status: int, text: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A server on a free loopback port, in a thread of its own."""
    server = SlackServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (_Answering,), {"kept": server}))
    server.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)
