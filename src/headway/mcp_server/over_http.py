"""The server over HTTP: who may ask, by which name, and the socket it listens on.

Without tokens it answers this machine alone, and only requests that name it so: a page in a browser can point a name of
its own at a loopback address (DNS rebinding), and its requests then carry that name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.errors import UsageError
from headway.mcp_server.caller import access_of
from headway.project import tokens
from headway.project.listening import bound

PATH = "/mcp"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LARGEST_BODY = 1024 * 1024
MOST_SESSIONS = 200
MOST_CONNECTIONS = 400
IDLE_SECONDS = 30 * 60.0
FORWARDING = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")
"""Headers that a reverse proxy adds, and nothing else does."""


def listen(host: str, port: int, *, guarded: bool) -> socket.socket:
    """A socket on an address; port 0 takes a free one.

    Raises UsageError for an address that others can reach where no token is asked for, and for a port that is taken.
    """
    if host not in LOOPBACK and not guarded:
        raise UsageError(
            f"will not listen on {host} while nobody has to show a token",
            hint="set `serve: {auth: [tokens]}` in headway.yml, or leave --host out: this machine only",
        )
    return bound(host, port, option="--http")


def address_of(on: socket.socket) -> str:
    """The address that clients are given."""
    host, port = on.getsockname()[:2]
    return f"http://[{host}]:{port}{PATH}" if ":" in host else f"http://{host}:{port}{PATH}"


def create_app(
    server: Server[Any], *, port: int, names: Collection[str] = (), url: str = "", root: str = "", guarded: bool
) -> Starlette:
    """The application of a server that listens on `port`.

    `names`: by which it is known besides those of this machine; `url`: what people type, where a proxy stands before
    it. `guarded`: each request needs an API token of the project below `root`.
    """
    manager = StreamableHTTPSessionManager(
        app=server,
        security_settings=_known(port, names, url),
        session_idle_timeout=IDLE_SECONDS,
        max_request_body_size=LARGEST_BODY,
        max_sessions=MOST_SESSIONS,
    )
    endpoint: ASGIApp = StreamableHTTPASGIApp(manager)
    middleware = []
    if guarded:
        endpoint = RequireAuthMiddleware(endpoint, [])
        middleware = [Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(_Tokens(root)))]
    else:
        endpoint = _NoProxy(endpoint)
    return Starlette(
        routes=[Route(PATH, endpoint=endpoint), Route("/", endpoint=_here)],
        middleware=middleware,
        lifespan=lambda _: manager.run(),
    )


def run(
    app: Starlette,
    on: socket.socket,
    *,
    started: Callable[[str], None],
    connection: type[asyncio.Protocol] | None = None,
) -> None:
    """Serve until interrupted. `started` is told the address; `connection` is how one is spoken to, if not as usual."""
    settings = uvicorn.Config(
        app,
        http=connection or "h11",
        ws="none",
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=3,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=16_384,
    )
    started(address_of(on))
    uvicorn.Server(settings).run(sockets=[on])


def _known(port: int, names: Collection[str], url: str) -> TransportSecuritySettings:
    """The names and origins that requests may carry: exact ones, with their port."""
    bare = [f"[{name}]" if ":" in name else name for name in (*LOOPBACK, *names)]
    hosts = [f"{name}:{port}" for name in bare]
    origins = [f"http://{host}" for host in hosts]
    hosts += bare[len(LOOPBACK) :]
    if url:
        parts = urlsplit(url)
        hosts.append(parts.netloc)
        origins.append(f"{parts.scheme}://{parts.netloc}")
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


class _NoProxy:
    """Answers no request that came through a proxy: it would be somebody else's, and look like this machine's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name in FORWARDING for name, _ in scope.get("headers", ())):
            said = "This server is for this machine alone, and the request came through a proxy."
            await PlainTextResponse(said, status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


class _Tokens:
    """The project's API tokens, as the protocol's library asks for them. Each is looked up each time."""

    def __init__(self, root: str) -> None:
        self._root = root

    async def verify_token(self, token: str) -> AccessToken | None:
        """What is known of a token that holds; None for any other."""
        found = await anyio.to_thread.run_sync(tokens.known, self._root, token.strip(), datetime.now(UTC))
        return access_of(found) if found else None


async def _here(request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse(f"Headway answers assistants at {PATH}.\n")
