"""The application: pages, twins, static files, and what is around all of them."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headway import __version__
from headway.errors import HeadwayError
from headway.web.current import Current
from headway.web.failures import http, told, unexpected
from headway.web.page_routes import page_routes
from headway.web.security import KnownHosts, SecurityHeaders
from headway.web.static_routes import static_routes

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SMALLEST_ZIPPED = 1024
"""Bytes from which an answer is compressed."""


def create_app(current: Current, *, hosts: Collection[str] = LOOPBACK, ancestors: Collection[str] = ()) -> FastAPI:
    """The application that serves a project.

    `hosts`: names by which requests may ask for it. `ancestors`: origins that may show it in a frame.
    """
    app = FastAPI(
        title="Headway",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(SecurityHeaders, ancestors=ancestors),
            Middleware(KnownHosts, hosts=hosts),
            Middleware(GZipMiddleware, minimum_size=SMALLEST_ZIPPED),
        ],
        exception_handlers={HeadwayError: told, HTTPException: http, Exception: unexpected},
    )
    app.state.current = current
    app.router.routes += [
        *static_routes(),
        Route("/theme", _theme, methods=["POST"], name="theme"),
        *page_routes(current),
    ]
    return app


async def _theme(request: Request) -> Response:
    """Keep which theme was chosen, and go back to where that was."""
    form = await request.form(max_files=0, max_fields=4)
    chosen = form.get("theme")
    back = urlsplit(request.headers.get("referer", ""))
    here = back.path if back.netloc == request.url.netloc else ""
    to = f"{here}?{back.query}" if here and back.query else here
    answer = RedirectResponse(to if to.startswith("/") and not to.startswith("//") else "/", status_code=303)
    if chosen in {"light", "dark"}:
        answer.set_cookie("headway_theme", str(chosen), max_age=365 * 24 * 3600, httponly=True, samesite="lax")
    else:
        answer.delete_cookie("headway_theme", httponly=True, samesite="lax")
    return answer
