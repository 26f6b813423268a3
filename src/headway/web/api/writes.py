"""What people write, as POST: decisions, check-ins and requests. The rules are those of the project; none is made here.

An answer with 201 means that it is in the ledger. Everything is signed with the name of whoever is signed in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import UsageError
from headway.graph.ledger import Entry
from headway.graph.requests import Request as Wished
from headway.project import Project, check_ins, linking, triage
from headway.project import requests as desk
from headway.project.pages.stages import stages_of
from headway.questions.intake import Advice
from headway.render import as_json
from headway.render.options import RenderOptions
from headway.render.values import plain
from headway.web.access.owners import may_check_in
from headway.web.access.person import Person
from headway.web.api.bodies import CheckIn, Decision, Link, Undo, Verdict, Wish
from headway.web.api.described import errors, shaped
from headway.web.api.paging import USUAL, Limit, Offset, cut, links
from headway.web.api.questions import of, only
from headway.web.current import Current
from headway.web.failures import Failed, failed

Act = Literal["accept", "point", "extend", "decline", "withdraw", "built"]

_STATES: dict[Act, Literal["accepted", "pointed", "extended", "declined", "withdrawn", "built"]] = {
    "accept": "accepted",
    "point": "pointed",
    "extend": "extended",
    "decline": "declined",
    "withdraw": "withdrawn",
    "built": "built",
}

RequestId = Annotated[str, InPath(max_length=20, pattern="^[A-Za-z0-9-]+$")]
KeyResult = Annotated[str, Query(max_length=500, description="Only of this key result.")]
Findings = Annotated[
    str, Query(min_length=1, max_length=4_000, description="Handles (@1f0c9a2) or assets, with commas between them.")
]
_CREATED = {201: shaped("object", "Written down."), **errors(writes=True)}


def write_routes(router: APIRouter, current: Current) -> None:
    """Add GET and POST of decisions, check-ins and requests."""
    _decisions(router, current)
    _links(router, current)
    _check_ins(router, current)
    _requests(router, current)


def _decisions(router: APIRouter, current: Current) -> None:
    read = {200: shaped("answer", paged=True), **errors()}

    @router.get("/api/decisions", responses=read, tags=["decisions"], operation_id="decisions")
    def listed(request: Request, limit: Limit = USUAL, offset: Offset = 0) -> Response:
        """What was decided, newest first, with what still holds."""
        only(request, ("limit", "offset"))
        return _answer(request, current, triage.log, limit, offset)

    @router.get(
        "/api/decisions/plan", responses={200: shaped("object"), **errors()}, tags=["decisions"], operation_id="plan"
    )
    def plan(request: Request, finding: Findings) -> Response:
        """What retiring findings would change, stage by stage: files, lines, statements. Nothing is written."""
        only(request, ("finding",))
        project = current.now().project
        nodes = [project.graph().nodes[case.item.node].id for case in triage.found(project, finding.split(","))]
        return Response(
            _encoded({"stages": msgspec.to_builtins(stages_of(project, nodes))}),
            headers=_KEPT_NOWHERE,
            media_type="application/json",
        )

    @router.post("/api/decisions", responses=_CREATED, status_code=201, tags=["decisions"], operation_id="decide")
    def decide(request: Request, body: Decision) -> Response:
        """Keep, snooze, assign, reopen, link or retire findings, all or none."""
        outcome = decided(current.now().project, body, _by(request))
        current.refresh()
        return _written(outcome.sentences, outcome.entries)

    @router.post(
        "/api/decisions/undo", responses=_CREATED, status_code=201, tags=["decisions"], operation_id="take-back"
    )
    def undo(request: Request, body: Undo) -> Response:
        """Take decisions back; what was decided before them holds again."""
        outcome = triage.undo(current.now().project, body.decisions, by=_by(request), reason=body.reason)
        current.refresh()
        return _written(outcome.sentences, outcome.entries)


def _links(router: APIRouter, current: Current) -> None:
    @router.post("/api/links", responses=_CREATED, status_code=201, tags=["decisions"], operation_id="decide-link")
    def decide(request: Request, body: Link) -> Response:
        """Accept or decline a suggested link between a dashboard and a key result, in links.yml."""
        sentences, entries = linking.decide_suggested(
            current.now().project, body.link, accepted=body.accept, by=_by(request), note=body.note
        )
        current.refresh()
        return _written(sentences, entries)


def decided(project: Project, body: Decision, by: str) -> triage.Outcome:
    """Do what a body says. Raises UsageError for a part that this act does not take, and what the act raises."""
    takes = {"keep": {"until"}, "snooze": {"until"}, "assign": {"to"}, "link": {"key_result"}, "retire": {"on"}}
    for name in ("until", "to", "key_result", "on"):
        if getattr(body, name) and name not in takes.get(body.act, set()):
            raise UsageError(f"{body.act} takes no {name}")
    findings, reason = body.findings, body.reason
    if body.act == "keep":
        return triage.keep(project, findings, by=by, reason=reason, until=body.until)
    if body.act == "snooze":
        if body.until is None:
            raise UsageError("snoozing needs a day", hint="until: YYYY-MM-DD")
        return triage.snooze(project, findings, by=by, reason=reason, until=body.until)
    if body.act == "assign":
        return triage.assign(project, findings, by=by, reason=reason, to=body.to)
    if body.act == "link":
        return triage.link(project, findings, by=by, reason=reason, key_result=body.key_result)
    if body.act == "retire":
        return triage.retire(project, findings, by=by, reason=reason, on=body.on, write=True)
    return triage.reopen(project, findings, by=by, reason=reason)


def _check_ins(router: APIRouter, current: Current) -> None:
    read = {200: shaped("answer", paged=True), **errors()}

    @router.get("/api/check-ins", responses=read, tags=["check-ins"], operation_id="check-ins")
    def listed(request: Request, key_result: KeyResult = "", limit: Limit = USUAL, offset: Offset = 0) -> Response:
        """What people said about key results, newest first."""
        only(request, ("key_result", "limit", "offset"))
        return _answer(request, current, lambda p: check_ins.check_ins(p, key_result), limit, offset)

    @router.post("/api/check-ins", responses=_CREATED, status_code=201, tags=["check-ins"], operation_id="check-in")
    def check_in(request: Request, body: CheckIn) -> Response:
        """Say something about a key result that one's team owns, or whose objective it owns."""
        project = current.now().project
        person: Person = request.state.person
        if not may_check_in(person, project, body.key_result):
            said = "It belongs to another team; its owner, or that of its objective, checks in."
            return failed(request, Failed(403, "This is not yours to do", said))
        entry = check_ins.check_in(project, body.key_result, body.note, by=person.name, confidence=body.confidence)
        current.refresh()
        return _written((), (entry,))


def _requests(router: APIRouter, current: Current) -> None:
    read = errors()
    page = shaped("object", paged=True)

    @router.get("/api/requests", responses={200: page, **read}, tags=["requests"], operation_id="requests")
    def listed(request: Request, limit: Limit = USUAL, offset: Offset = 0) -> Response:
        """Every request in the order they were filed, with what became of it; the question `requests` ranks them."""
        only(request, ("limit", "offset"))
        headers: dict[str, str] = {}
        now = current.now()

        def encoded() -> str:
            known = desk.requests_of(now.project)
            headers.update(links(request, len(known), limit, offset))
            return desk.exported(known[offset : offset + limit])

        return of(request, now, encoded, headers=headers)

    @router.get(
        "/api/requests/{id}", responses={200: shaped("object"), **read}, tags=["requests"], operation_id="request"
    )
    def one(request: Request, id: RequestId) -> Response:  # noqa: A002 - its name in the address
        """One request, and everything that was decided about it."""
        only(request, ())
        now = current.now()
        return of(request, now, lambda: _encoded(_request(desk.the_request(now.project, id))))

    @router.post("/api/requests", responses=_CREATED, status_code=201, tags=["requests"], operation_id="file-request")
    def file(request: Request, body: Wish) -> Response:
        """File a request. What may answer it already, and what is recommended, comes back with it."""
        project = current.now().project
        fields = {name: str(value) for name, value in body.model_dump(exclude={"anyway"}).items() if value}
        filed = desk.file(project, by=_by(request), anyway=body.anyway, at=None, **fields)
        current.refresh()
        said = {"request": _request(filed.request), "advice": _advice(project, filed.advice)}
        where = f"{request.scope.get('root_path', '')}/api/requests/{filed.request.id}"
        return Response(_encoded(said), 201, {"location": where, **_KEPT_NOWHERE}, media_type="application/json")

    @router.post(
        "/api/requests/{id}/{act}",
        responses=_CREATED,
        status_code=201,
        tags=["requests"],
        operation_id="decide-request",
    )
    def decide(request: Request, id: RequestId, act: Act, body: Verdict) -> Response:  # noqa: A002
        """Decide about a request. Taking it back is for whoever filed it, everything else for editors."""
        project = current.now().project
        person: Person = request.state.person
        if act == "withdraw" and not person.may("editor") and desk.the_request(project, id).by != person.name:
            said = "Somebody else filed it; an editor can take it back too."
            return failed(request, Failed(403, "This is not yours to do", said))
        known = desk.decide(
            project, id, _STATES[act], by=person.name, reason=body.reason, asset=body.asset, cost=body.cost
        )
        current.refresh()
        return Response(_encoded({"request": _request(known)}), 201, _KEPT_NOWHERE, media_type="application/json")


_KEPT_NOWHERE = {"cache-control": "no-store"}


def _by(request: Request) -> str:
    person: Person = request.state.person
    return person.name


def _answer(request: Request, current: Current, ask: Any, limit: int, offset: int) -> Response:
    headers: dict[str, str] = {}
    now = current.now()

    def encoded() -> str:
        shown, total = cut(ask(now.project), limit, offset)
        headers.update(links(request, total, limit, offset))
        return as_json.render(shown, RenderOptions())

    return of(request, now, encoded, headers=headers)


def _written(sentences: tuple[str, ...], entries: tuple[Entry, ...]) -> Response:
    said = {
        "sentences": sentences,
        "entries": [{"id": e.id, "at": e.at, "by": e.by, "act": e.act, "subject": e.subject} for e in entries],
    }
    return Response(_encoded(said), 201, _KEPT_NOWHERE, media_type="application/json")


def _request(wished: Wished) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(wished)
    return found


def _advice(project: Project, advice: Advice) -> dict[str, Any]:
    nodes = project.graph().nodes
    return {
        "verdict": advice.verdict,
        "reasons": advice.reasons,
        "asset": nodes[advice.asset].id if advice.asset is not None else "",
        "key_result": nodes[advice.goal].id if advice.goal is not None else "",
        "found": [nodes[f.node].id for f in advice.found],
        "like": [other.id for other in advice.like],
    }


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(plain(value))
