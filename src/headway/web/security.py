"""What every response carries, and which requests are answered at all."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
"""No inline script, no inline style, no eval, nothing from elsewhere."""


class SecurityHeaders:
    """Adds the headers that keep a page to itself."""

    def __init__(self, app: ASGIApp, ancestors: Collection[str] = ()) -> None:
        """`ancestors`: origins that may show a page in a frame; nobody without."""
        self.app = app
        self.headers = {
            "content-security-policy": POLICY.format(ancestors=" ".join(ancestors) or "'none'"),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }
        if not ancestors:
            self.headers["x-frame-options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if "server" in headers:
                    del headers["server"]
            await send(message)

        await self.app(scope, receive, with_headers)


class KnownHosts:
    """Answers only requests for names that this server is known by.

    A page elsewhere can point a name of its own at 127.0.0.1 and read a local server as if it were its own (DNS
    rebinding); its requests then carry that name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """`hosts`: names without a port, lower case; with "*" among them every name is known."""
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "*" not in self.hosts:
            name = _name(Headers(scope=scope).get("host", ""))
            if name not in self.hosts:
                refused = PlainTextResponse("This server is not known by that name.", status_code=421)
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _name(host: str) -> str:
    """The name in a Host header: without its port, and without the brackets of IPv6."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0] if "]" in host else ""
    return host.partition(":")[0].rstrip(".")
