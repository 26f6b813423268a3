"""Telling a team, for programs: what would be sent, and sending it."""

from __future__ import annotations

import threading

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from headway.project import Project, telling
from headway.project.telling import tell_page
from headway.sinks.protocol import Delivered
from headway.web.access.person import Person
from headway.web.api.bodies import Name, Tell
from headway.web.api.described import errors, shaped
from headway.web.api.questions import only
from headway.web.current import Current

_ONE = threading.Lock()
"""One form at a time: a second press finds what the first one sent."""


def tell_api(router: APIRouter, current: Current) -> None:
    """Add GET and POST of /api/tell."""

    @router.get("/api/tell", responses={200: shaped("object"), **errors()}, tags=["messages"], operation_id="telling")
    def draft(request: Request, node: Name) -> Response:
        """What telling the team of a broken node would send, word by word. Nothing is sent."""
        only(request, ("node",))
        return _json(tell_page(current.now().project, node))

    @router.post(
        "/api/tell",
        responses={200: shaped("object"), **errors(writes=True)},
        tags=["messages"],
        operation_id="tell",
    )
    def tell(request: Request, body: Tell) -> Response:
        """Tell the team of a broken node, where it hears of everything; the same once a day. Says what became of it."""
        person: Person = request.state.person
        done = sent(current.now().project, body.node, person.name)
        current.refresh()
        return _json({"sent": [{"outcome": d.outcome, "sentence": d.sentence} for d in done]})


def sent(project: Project, node: str, by: str) -> list[Delivered]:
    """Tell the team; what became of it. Raises as `telling.tell` does."""
    with _ONE:
        return telling.tell(project, node, by=by, dry_run=False)


def _json(said: object) -> Response:
    return Response(msgspec.json.encode(said), 200, {"cache-control": "no-store"}, media_type="application/json")
