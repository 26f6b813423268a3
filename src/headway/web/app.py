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
from headway.config import Serve
from headway.errors import HeadwayError
from headway.web.access.guard import Guard
from headway.web.access.login import login_routes
from headway.web.access.setup import Access
from headway.web.api.routes import include_api
from headway.web.current import Current
from headway.web.desk_routes import desk_routes
from headway.web.failures import Defects, http, told
from headway.web.once import Once
from headway.web.page_routes import page_routes
from headway.web.schedule import Schedule
from headway.web.security import KnownHosts, SecurityHeaders
from headway.web.slack_interactions import interaction_routes
from headway.web.static_routes import static_routes
from headway.web.tell_routes import tell_routes

SMALLEST_ZIPPED = 1024
"""Bytes from which an answer is compressed."""


def create_app(
    current: Current,
    access: Access | None = None,
    *,
    hosts: Collection[str] = (),
    ancestors: Collection[str] = (),
    schedule: Schedule | None = None,
) -> FastAPI:
    """The application that serves a project.

    `access`: who may ask, and for what; without one this machine is trusted. `hosts`: further names by which requests
    may ask for it. `ancestors`: further origins that may show it in a frame. `schedule`: syncs in the background.
    """
    access = access or Access.of(Serve(), current.now().project)
    hosts, ancestors = {*access.hosts, *hosts}, (*access.identities.serve.frames, *ancestors)
    app = FastAPI(
        title="Headway",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Addresses hold names: what is asked here is told to no collector that the environment happens to name.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(SecurityHeaders, ancestors=ancestors),
            Middleware(KnownHosts, hosts=hosts),
            Middleware(GZipMiddleware, minimum_size=SMALLEST_ZIPPED),
            Middleware(Defects),
            Middleware(Guard, identities=access.identities),
            Middleware(Once, current=current),
        ],
        exception_handlers={HeadwayError: told, HTTPException: http},
    )
    app.state.current = current
    app.router.routes += [
        *static_routes(),
        Route("/theme", _theme, methods=["POST"], name="theme"),
        *interaction_routes(current),
        *login_routes(current, access.identities, access.provider),
    ]
    include_api(app, current, schedule)
    app.router.routes += [*desk_routes(current), *tell_routes(current), *page_routes(current)]
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
