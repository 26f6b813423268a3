"""Everything below /api in one place, with its description."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from headway import __version__
from headway.errors import UsageError
from headway.project.pages.health import health
from headway.web.access.person import Person
from headway.web.api.described import document, errors, invalid, shaped
from headway.web.api.lineage import lineage_routes
from headway.web.api.questions import only, question_routes
from headway.web.api.tell import tell_api
from headway.web.api.writes import write_routes
from headway.web.current import Current
from headway.web.schedule import Schedule

_NOT_KEPT = {"cache-control": "no-store"}


def include_api(app: FastAPI, current: Current, schedule: Schedule | None) -> None:
    """Add the routes of the API to the application."""
    app.add_exception_handler(RequestValidationError, invalid)
    before = len(app.router.routes)
    question_routes(app.router, current)
    write_routes(app.router, current)
    tell_api(app.router, current)
    lineage_routes(app.router, current)
    _state_routes(app.router, current, schedule)
    ours = app.router.routes[before:]

    @cache
    def described(base: str) -> bytes:
        # A function of the code and of one setting, so once is enough.
        return msgspec.json.encode(document(ours, base))

    def openapi(request: Request) -> Response:
        base = str(request.scope.get("root_path", ""))
        return Response(described(base), media_type="application/json", headers={"cache-control": "private, no-cache"})

    app.add_api_route("/api", openapi, methods=["GET"], include_in_schema=False)
    app.add_api_route("/api/openapi.json", openapi, methods=["GET"], include_in_schema=False)


def _state_routes(router: APIRouter, current: Current, schedule: Schedule | None) -> None:
    @router.get("/api/alive", responses={200: shaped("object"), **errors()}, tags=["state"], operation_id="alive")
    def alive(request: Request) -> Response:
        """Whether the server answers. Needs nobody; says nothing else."""
        only(request, ())
        return _json({"status": "ok"})

    @router.get("/api/health", responses={200: shaped("object"), **errors()}, tags=["state"], operation_id="health")
    def healthy(request: Request) -> Response:
        """What was read and when, what is not known, and what goes on in the background."""
        only(request, ())
        now = current.now()
        page = health(now.project)
        said = {
            "status": "failed" if any(s.state == "failed" for s in page.sources) else "ok",
            "version": __version__,
            "as_of": page.as_of,
            "synced_at": page.synced_at,
            "state": now.stamp,
            "sources": [
                {"name": s.name, "state": s.state, "read_at": s.read_at, "records": s.records} for s in page.sources
            ],
            "unknown": {group.topic: group.count for group in page.unknown},
            "schedule": _schedule(schedule),
        }
        return _json(said)

    @router.get("/api/me", responses={200: shaped("object"), **errors()}, tags=["state"], operation_id="me")
    def me(request: Request) -> Response:
        """Who is asking, what they may do, and the token that their writes send back."""
        only(request, ())
        person: Person = request.state.person
        return _json(
            {
                "name": person.name,
                "role": person.role,
                "teams": sorted(person.teams),
                "how": person.how,
                "token": request.state.form_token,
            }
        )

    @router.post(
        "/api/sync",
        responses={202: shaped("object"), **errors(writes=True)},
        status_code=202,
        tags=["state"],
        operation_id="sync",
    )
    def sync(request: Request) -> Response:
        """Read every source anew in the background. GET /api/health says how far it is."""
        only(request, ())
        if schedule is None:
            raise UsageError("this server does not sync", hint="headway sync does")
        return _json({"started": schedule.ask(), "schedule": _schedule(schedule)}, 202)


def _schedule(schedule: Schedule | None) -> dict[str, Any] | None:
    if schedule is None:
        return None
    progress = schedule.progress
    return {name: getattr(progress, name) for name in progress.__dataclass_fields__}


def _json(said: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(said), status, _NOT_KEPT, media_type="application/json")
