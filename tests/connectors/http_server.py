"""A vendor's server in a thread of the test: answers by path, in order, well behaved or misbehaving on purpose.

    with Server({"/api/card/27": {"id": 27}}) as server:
        Client("Metabase", server.url).get("api/card/27")

A route is what it answers with: JSON (a dict, or a list of anything but answers), an `Answer`, a list of Answers that
are given one after the other (the last one from then on), or a function of the request. What is asked for and has no
route is 404. `server.seen` holds the requests in order.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    """Without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """One answer. `body` is bytes, or data that is sent as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    """Seconds before anything is sent; ends early when the server stops."""
    cut: int | None = None
    """Reset the connection after so many bytes of the body (0: before anything at all)."""
    endless: bool = False
    """Send the body again and again, chunked, until the other side has had enough."""

    @property
    def sent(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Route = Any
"""JSON, Answer, list of Answers, or Callable[[Request], JSON or Answer]."""


class Server:
    """Serves `routes` on a free port of this machine while its block runs. Routes may be changed at any time."""

    def __init__(self, routes: Mapping[str, Route] | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Route] = dict(routes or {})
        """By path without query; `POST /path` goes before `/path`, `/path?query` before both."""
        self.seen: list[Request] = []
        self.stopping = threading.Event()
        self._turns: dict[str, int] = {}
        self._lock = threading.Lock()
        self._tls = tls
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="http_server", daemon=True
        )

    @property
    def url(self) -> str:
        """http://127.0.0.1:<port>, or https."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """`METHOD /path` of every request, in order."""
        return [f"{request.method} {request.path}" for request in self.seen]

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, request: Request) -> Answer:
        """What to answer to a request, whose turn it is."""
        query = "&".join(f"{k}={v}" for k, v in request.query.items())
        with self._lock:
            self.seen.append(request)
            for name in (f"{request.path}?{query}", f"{request.method} {request.path}", request.path):
                if name in self.routes:
                    route = self.routes[name]
                    break
            else:
                return Answer({"message": "not found"}, status=404)
            if isinstance(route, list) and route and all(isinstance(one, Answer) for one in route):
                turn = self._turns[name] = self._turns.get(name, 0) + 1
                route = route[min(turn, len(route)) - 1]
        if callable(route) and not isinstance(route, Answer):
            route = route(request)
        return route if isinstance(route, Answer) else Answer(route)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break off are what is tested here."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True  # headers and body are written apart: no waiting for an acknowledgement

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

        def _any(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {k.lower(): v for k, v in self.headers.items()},
                self.rfile.read(length) if length else b"",
            )
            answer = server.answer(request)
            if answer.wait:
                server.stopping.wait(answer.wait)
            with contextlib.suppress(OSError):
                _send(self, answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any  # noqa: N815 - the base class calls them so

    return Handler


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.cut == 0:
        _reset(handler)
        return
    body = answer.sent
    handler.send_response(answer.status)
    for name, value in {"Content-Type": "application/json", **answer.headers}.items():
        handler.send_header(name, value)
    if answer.endless:
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        piece = f"{len(body):x}\r\n".encode() + body + b"\r\n"
        while True:
            handler.wfile.write(piece)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body if answer.cut is None else body[: answer.cut])
    if answer.cut is not None:
        _reset(handler)


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection off: what is sent last is RST, not FIN."""
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def unused_url() -> str:
    """A URL on this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
