"""What people decide on the pages, as plain forms: a page that says what would happen, and a POST that does it.

A form that is sent twice does nothing twice: it carries what had been decided when it was shown. One that is older than
the last decision is answered with that decision, and can be sent again by who knows it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from headway.errors import HeadwayError, UsageError
from headway.graph.requests import content
from headway.project import linking, triage
from headway.project import requests as wishes
from headway.project.pages.page import Page
from headway.project.pages.requests import ACTS, Wish, page_of
from headway.project.pages.table import BY_NAME, address
from headway.project.pages.triage import KINDS, choose, stamp
from headway.project.pages.view import Viewed, shell_of
from headway.project.reviewed import printable
from headway.project.workspace import Project
from headway.questions.evidence import the_goal
from headway.questions.triage import Case
from headway.questions.triage_state import Decision as Decided
from headway.questions.triage_state import digest_of
from headway.render.html.pages import render_page, server
from headway.web.access.person import Person
from headway.web.api.bodies import Decision
from headway.web.api.writes import decided
from headway.web.current import Current
from headway.web.failures import theme_of
from headway.web.page_routes import may

MOST_FIELDS = 64
"""Fields of a form."""
MOST_FINDINGS = 200


def desk_routes(current: Current) -> list[Route]:
    """Routes of the forms. They go before those of the pages, which would take `decide` for a kind of finding."""
    desk, intake = _Triage(current), _Requests(current)
    return [
        Route("/requests/file", intake.file, methods=["POST"], name="file"),
        Route("/requests/decide", intake.decide, methods=["POST"], name="decide-request-form"),
        Route("/triage/decide", desk.ask, methods=["GET"], name="deciding"),
        Route("/triage/decide", desk.decide, methods=["POST"], name="decide"),
        Route("/triage/undo", desk.undo, methods=["POST"], name="undo"),
        Route("/lineage/decide", _Links(current).decide, methods=["POST"], name="decide-link"),
    ]


class _Triage:
    def __init__(self, current: Current) -> None:
        self._current = current
        self._one = threading.Lock()

    def ask(self, request: Request) -> Response:
        """The page that says what a decision would do."""
        of_today(request)
        given = request.query_params
        handles = _handles(given.getlist("finding"))
        if not handles:
            return RedirectResponse(_to(request, address("triage_home")), 303)
        page = choose(self._current.now().project, given.get("act", ""), handles)
        return shown(request, self._current, "triage", "deciding.html", page)

    async def decide(self, request: Request) -> Response:
        """Do it, and go back to the list."""
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        return await run_in_threadpool(self._decide, request, form)

    def _decide(self, request: Request, form: FormData) -> Response:
        project = self._current.now().project
        said = texts(form, ("act", "findings", "stamp", "reason", "until", "to", "key_result", "on"))
        handles = _handles([said["findings"]])
        act = said["act"]
        try:
            body = _body(said, handles)
            with self._one:
                cases = triage.found(project, handles)
                kind = cases[0].item.kind
                by = by_of(request)
                if said["stamp"] == stamp(project, handles):
                    done = [digest_of(entry) for entry in decided(project, body, by).entries]
                else:
                    done = _done_before(project, cases, body, by)
        except HeadwayError as error:
            if not handles or act not in {"keep", "link", "retire", "snooze", "assign"}:
                raise
            problem = f"{error.message[:1].upper()}{error.message[1:]}."
            page = choose(project, act, handles, given=said, problem=problem)
            return shown(request, self._current, "triage", "deciding.html", page, status=422)
        self._current.refresh()
        handed = ",".join(digest[:7] for digest in done[:50])
        return RedirectResponse(_to(request, address("triage", kind, done=handed)), 303)

    async def undo(self, request: Request) -> Response:
        """Take decisions back, and go back to the list. What was taken back already stays so."""
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        return await run_in_threadpool(self._undo, request, form)

    def _undo(self, request: Request, form: FormData) -> Response:
        project = self._current.now().project
        said = texts(form, ("decisions", "kind"))
        with self._one:
            known = triage.decisions_of(project)
            asked = _handles([said["decisions"]])
            waiting = [h for h in asked if not any(d.startswith(h) for d in known.undone)]
            if waiting:
                triage.undo(project, waiting, by=by_of(request))
        self._current.refresh()
        kind = said["kind"] if said["kind"] in KINDS else ""
        return RedirectResponse(_to(request, address("triage", kind) if kind else address("triage_home")), 303)


class _Requests:
    def __init__(self, current: Current) -> None:
        self._current = current
        self._one = threading.Lock()

    async def file(self, request: Request) -> Response:
        """File a wish, or only look at what exists already for it."""
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        return await run_in_threadpool(self._file, request, form)

    def _file(self, request: Request, form: FormData) -> Response:
        project, names = self._current.now().project, Wish.__struct_fields__
        said = texts(form, (*names, "look", "count", "anyway"))
        fields = {name: said[name] for name in names}
        if said["look"]:
            return RedirectResponse(_to(request, address("requests", **{k: v[:450] for k, v in fields.items()})), 303)
        by = by_of(request)
        with self._one:
            known = wishes.requests_of(project)
            since = int(said["count"]) if said["count"].isdecimal() and len(said["count"]) < 9 else len(known)
            wanted = {name: value for name, value in fields.items() if value}
            mine = [r.id for r in known[since:] if r.by == by and content(r) == wanted]
            try:
                id_ = (
                    mine[0]
                    if mine
                    else wishes.file(project, by=by, anyway=bool(said["anyway"]), at=None, **fields).request.id
                )
            except HeadwayError as error:
                problem = f"{error.message[:1].upper()}{error.message[1:]}."
                page = page_of(project, Wish(**fields), problem=problem, same="the same" in error.message)
                return shown(request, self._current, "requests", "requests.html", page, status=422)
        self._current.refresh()
        return RedirectResponse(_to(request, address("requests", filed=id_)), 303)

    async def decide(self, request: Request) -> Response:
        """Decide about a request."""
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        return await run_in_threadpool(self._decide, request, form)

    def _decide(self, request: Request, form: FormData) -> Response:
        project = self._current.now().project
        said = texts(form, ("id", "act", "reason", "asset"))
        act = said["act"]
        if act not in ACTS:
            raise UsageError(f"{act[:40]!r} cannot be decided", hint=f"write one of {', '.join(ACTS)}")
        with self._one:
            wish = wishes.the_request(project, said["id"])
            last, by = wish.decided, by_of(request)
            before = (last.act, last.by, last.reason) if last else None
            again = before == (act, by, printable(said["reason"]))
            if not again or (last and last.asset != wishes.asset_id(project, said["asset"])):
                try:
                    wishes.decide(project, wish.id, act, by=by, reason=said["reason"], asset=said["asset"])  # type: ignore[arg-type]
                except HeadwayError as error:
                    problem = f"{wish.id}: {error.message}."
                    page = page_of(project, Wish(), problem=problem)
                    return shown(request, self._current, "requests", "requests.html", page, status=422)
        self._current.refresh()
        return RedirectResponse(_to(request, address("requests", filed=wish.id)), 303)


class _Links:
    def __init__(self, current: Current) -> None:
        self._current = current
        self._one = threading.Lock()

    async def decide(self, request: Request) -> Response:
        """Accept or decline a suggested link, and go back to the Lineage it was on."""
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        return await run_in_threadpool(self._decide, request, form)

    def _decide(self, request: Request, form: FormData) -> Response:
        project = self._current.now().project
        said = texts(form, ("act", "link", "node", "note"))
        if said["act"] not in {"accept", "decline"}:
            raise UsageError(f"{said['act'][:40]!r} cannot be decided", hint="write accept or decline")
        accepted = said["act"] == "accept"
        with self._one:
            # Sent twice, it is decided once: what stands in the file already is not written again.
            if linking.state_of(project, said["link"]) != ("accepted" if accepted else "declined"):
                linking.decide_suggested(project, said["link"], accepted=accepted, by=by_of(request), note=said["note"])
        self._current.refresh()
        back = address("lineage", said["node"], suggested="1") if said["node"] else "/"
        return RedirectResponse(_to(request, back) + "#suggested", 303)


def shown(request: Request, current: Current, row: str, template: str, page: Page, *, status: int = 200) -> Response:
    """A page that stands in no row of the table, with the shell of one that does."""
    now = current.now()
    person: Person = request.state.person
    shell = shell_of(Viewed(BY_NAME[row], page, now.project, None), now.project, theme=theme_of(request))
    user = "" if person.how == "loopback" else person.name
    shell = msgspec.structs.replace(shell, token=request.state.form_token, user=user, may=may(person))
    html = render_page(template, page, shell, server(str(request.scope.get("root_path", ""))))
    return HTMLResponse(html, status, {"cache-control": "no-store"})


def of_today(request: Request) -> None:
    """Raise UsageError for an address that carries an earlier day: nothing is written about one."""
    if request.query_params.get("at"):
        raise UsageError("nothing is decided or sent as of an earlier day", hint="leave out at=")


def texts(form: FormData, names: Sequence[str]) -> dict[str, str]:
    """The fields of a form that are texts, without blanks around them; '' for what is not there."""
    return {name: value.strip() if isinstance(value := form.get(name, ""), str) else "" for name in names}


def by_of(request: Request) -> str:
    """Who signs what is written."""
    person: Person = request.state.person
    return person.name


def day_of(text: str, name: str) -> date | None:
    """The day of a field; None without one. Raises UsageError."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{name} is not a day", hint="write YYYY-MM-DD") from None


def _body(said: Mapping[str, str], handles: Sequence[str]) -> Decision:
    act = said["act"]
    takes = {
        "keep": ("until",),
        "snooze": ("until",),
        "assign": ("to",),
        "link": ("key_result",),
        "retire": ("on",),
    }.get(act, ())
    given: dict[str, Any] = {name: said[name] for name in takes if said[name]}
    for name in ("until", "on"):
        if name in given:
            given[name] = day_of(given[name], name)
    try:
        return Decision.model_validate({"act": act, "findings": list(handles), "reason": said["reason"], **given})
    except ValidationError as error:
        first = error.errors()[0]
        place = " ".join(str(part) for part in first["loc"])
        raise UsageError(f"{place or 'the form'}: {first['msg']}") from None


def _done_before(project: Project, cases: Sequence[Case], body: Decision, by: str) -> list[str]:
    """What this very decision was written down as, when it was sent before.

    Raises UsageError where something else was decided since: nobody decides over what they have not seen.
    """
    done = []
    known = triage.decisions_of(project).all
    for case in cases:
        about = (d for d in reversed(known) if d.entry.subject == case.item.key and d.entry.act != "comment")
        last = next(about, None)
        if last is None or not _is(project, last, body, by):
            words = f"was {last.words(project.as_of)}" if last else "was decided about"
            raise UsageError(f"meanwhile, {case.item.name} {words}; send it again to decide otherwise")
        done.append(last.digest)
    return done


def _is(project: Project, decision: Decided, body: Decision, by: str) -> bool:
    said, graph = decision.said, project.graph()
    goal = graph.nodes[the_goal(graph, body.key_result, "key_result")].id if body.key_result else ""
    told = (decision.entry.act, decision.entry.by, said.reason, said.until, said.to, said.key_result)
    return told == (body.act, by, printable(body.reason), body.until, printable(body.to), goal)


def _handles(values: Sequence[str]) -> list[str]:
    """Handles, each once, however the form has them: one a field, or several with commas."""
    found = dict.fromkeys(h.strip() for value in values for h in value.split(",") if h.strip())
    return list(found)[:MOST_FINDINGS]


def _to(request: Request, where: str) -> str:
    return f"{request.scope.get('root_path', '')}{where}"
