"""Errors as answers: the same sentence as everywhere, as a page or as JSON. Never a traceback or text from below."""

from __future__ import annotations

import logging
import secrets
from pathlib import PurePath
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.errors import (
    ConfigError,
    HeadwayError,
    InputError,
    MissingExtra,
    ServiceError,
    StoreError,
    UnknownName,
    UsageError,
    WarehouseError,
)
from headway.project.pages.table import PAGES, TABS
from headway.render.html.pages import render_page, server
from headway.render.html.shell import Shell, Tab

LOG = logging.getLogger("headway.web")

_STATUS: tuple[tuple[type[HeadwayError], int, str], ...] = (
    (UnknownName, 404, "There is nothing here"),
    (UsageError, 400, "This address cannot be answered"),
    (InputError, 422, "This cannot be read"),
    (ConfigError, 500, "The configuration says something that cannot be"),
    (StoreError, 503, "The store cannot be reached"),
    (WarehouseError, 502, "The warehouse did not answer"),
    (ServiceError, 502, "Another system did not answer"),
    (MissingExtra, 501, "A part is not installed"),
)


class Failed(msgspec.Struct, frozen=True):
    """What is shown, or sent as JSON under `error`, when something cannot be answered."""

    status: int
    headline: str
    message: str
    hint: str = ""
    reference: str = ""


async def told(request: Request, error: Exception) -> Response:
    """A HeadwayError as its own sentence."""
    assert isinstance(error, HeadwayError)
    status, headline = next(((s, h) for kind, s, h in _STATUS if isinstance(error, kind)), (500, "This did not work"))
    if status >= 500:
        # Places in the server's files and settings are for whoever runs it.
        return failed(request, _logged(error, status, headline))
    # A file of the project is named as the project calls it, and no folder of this machine is.
    named = isinstance(error, InputError) and error.place and not PurePath(error.place.file).is_absolute()
    where = f" ({error.place})" if named else ""
    message = f"{error.message[:1].upper()}{error.message[1:]}{where}."
    return failed(request, Failed(status, headline, message, error.hint))


async def http(request: Request, error: Exception) -> Response:
    """What the routing says: no such page, a method that it does not have."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        what = Failed(404, "There is nothing here", "No page has this address.")
    elif error.status_code == 405:
        what = Failed(405, "This address does not take that", "It can be read, not written to.")
    else:
        what = Failed(error.status_code, "This did not work", str(error.detail))
    return failed(request, what, dict(error.headers or {}))


async def unexpected(request: Request, error: Exception) -> Response:
    """A defect: a reference number here, the rest in the log."""
    return failed(request, _logged(error, 500, "Something went wrong here"))


class Defects:
    """Answers a defect with a reference number, inside of what adds the headers; the framework would outside of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            try:
                answer = await unexpected(Request(scope), error)
            except Exception:
                # The page that tells of defects has one itself.
                LOG.exception("a failure could not be shown")
                answer = PlainTextResponse("Something went wrong here.", 500)
            await answer(scope, receive, send)


def _logged(error: Exception, status: int, headline: str) -> Failed:
    reference = secrets.token_hex(4)
    LOG.error("%s: %s", reference, type(error).__name__, exc_info=error)
    return Failed(status, headline, "The other pages still work.", reference=reference)


def failed(request: Request, what: Failed, headers: dict[str, str] | None = None) -> Response:
    """What went wrong as a page, or as JSON for whoever reads that."""
    headers = {"cache-control": "no-store", **(headers or {})}
    if wants_json(request):
        body = msgspec.json.encode({"error": what})
        return Response(body, what.status, headers, media_type="application/json")
    first = {tab: row for tab in TABS for row in reversed(PAGES) if row.tab == tab}
    tabs = tuple(Tab(tab, first[tab].to()) for tab in TABS if tab in first)
    shell = Shell(title=what.headline, tabs=tabs, theme=theme_of(request))
    base = str(request.scope.get("root_path", ""))
    return HTMLResponse(render_page("failed.html", what, shell, server(base)), what.status, headers)


def wants_json(request: Request) -> bool:
    """Whether an error is answered as JSON: under a twin's address, under /api, or where only JSON is accepted."""
    path = request.url.path.removeprefix(str(request.scope.get("root_path", "")))
    return path.endswith(".json") or path.startswith("/api") or request.headers.get("accept") == "application/json"


def theme_of(request: Request) -> Any:
    """The theme that was chosen; '' follows the system."""
    chosen = request.cookies.get("headway_theme", "")
    return chosen if chosen in {"light", "dark"} else ""
