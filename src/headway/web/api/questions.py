"""A route for every question, derived from its function: its parameters are those of the query."""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from fastapi.params import Query as QueryInfo
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from headway.answer import Answer
from headway.errors import UsageError
from headway.questions.registry import Parameter, Question, questions
from headway.render import as_json
from headway.render.options import RenderOptions
from headway.web.api.described import errors, shaped
from headway.web.api.paging import USUAL, Limit, Offset, cut, links
from headway.web.current import Current, Now
from headway.web.page_routes import KEPT, etag, fresh

LONGEST_TEXT = 500
LARGEST_NUMBER = 100_000
OUTSIDE = "metric inputs"
"""What a question asks the project for when it reaches the warehouse."""
HEAVY = frozenset({OUTSIDE, "past"})
"""What takes more than the graph in memory: earlier states of the store, or the warehouse."""
MOST_HEAVY = 2
"""Such questions at once; others wait, so that pages never do."""
HEAVY_SECONDS = 20.0

MOST_WAITING = 4
"""Such questions that wait for their turn at most: each holds one of the threads that pages are answered with."""

_heavy = threading.BoundedSemaphore(MOST_HEAVY)
_turns = threading.BoundedSemaphore(MOST_HEAVY + MOST_WAITING)


def question_routes(router: APIRouter, current: Current) -> None:
    """Add GET /api/questions, and GET /api/questions/<name> for each."""

    @router.get(
        "/api/questions",
        summary="Every question, with its parameters.",
        operation_id="questions",
        tags=["questions"],
        responses={200: shaped("object"), **errors()},
    )
    def listed(request: Request) -> Response:
        only(request, ())
        return of(request, current.now(), _listed)

    for question in questions().values():
        router.add_api_route(
            f"/api/questions/{question.name}",
            _endpoint(question, current),
            methods=["GET"],
            summary=question.summary,
            description=f"{question.doc}\n\nCode {question.code}.",
            operation_id=f"ask-{question.name}",
            name=f"ask-{question.name}",
            tags=["questions"],
            responses={200: shaped("answer", paged=True), **errors()},
        )


def of(
    request: Request, now: Now, body: Callable[[], str | bytes], *, headers: dict[str, str] | None = None
) -> Response:
    """The response that a function encodes, or 304 where the client has it already.

    `headers` are filled by the function. What was worked out is kept for as long as the state holds.
    """
    tag = etag(now.stamp, request)
    kept = {"etag": tag, "cache-control": KEPT, "vary": "Cookie, Authorization"}
    if fresh(request, tag):
        return Response(status_code=304, headers=kept)

    def made() -> tuple[bytes, dict[str, str]]:
        said = body()
        return said if isinstance(said, bytes) else said.encode(), dict(headers or {})

    found = now.kept.made(tag, made)
    return Response(found[0], media_type="application/json", headers={**kept, **found[1]})


def only(request: Request, known: Collection[str]) -> None:
    """Raise UsageError for a parameter that is not known, or was given twice."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            near = difflib.get_close_matches(name[:60], known, n=1)
            raise UsageError(
                f"there is no parameter {name[:60]!r} here", hint=f"did you mean {near[0]}?" if near else ""
            )
        if name in seen:
            raise UsageError(f"the parameter {name} was given twice")
        seen.add(name)


def _endpoint(question: Question, current: Current) -> Any:
    """A function with the signature that FastAPI reads: the parameters of the question, and which rows."""

    def answer(request: Request, limit: int, offset: int, **given: Any) -> Response:
        only(request, {*question.parameters, "limit", "offset"})
        now = current.now()
        headers: dict[str, str] = {}

        def encoded() -> str:
            with _room(question):
                found = now.project.ask(question.name, **given)
            return _paged(request, found, limit, offset, headers)

        if OUTSIDE in question.supplied.values():
            # The warehouse may say something else at any time.
            body = encoded()
            return Response(body, media_type="application/json", headers={"cache-control": "no-store", **headers})
        return of(request, now, encoded, headers=headers)

    kind = inspect.Parameter.KEYWORD_ONLY
    asked = [_parameter(p) for p in question.parameters.values()]
    shared = [
        inspect.Parameter("limit", kind, default=USUAL, annotation=Limit),
        inspect.Parameter("offset", kind, default=0, annotation=Offset),
    ]
    first = inspect.Parameter("request", kind, annotation=Request)
    answer.__signature__ = inspect.Signature([first, *asked, *shared])  # type: ignore[attr-defined]
    return answer


def _parameter(parameter: Parameter) -> inspect.Parameter:
    says: dict[str, Any] = {"description": parameter.says.help}
    if parameter.type is str:
        says["max_length"] = LONGEST_TEXT
    elif parameter.type is int:
        says |= {"ge": 0, "le": LARGEST_NUMBER}
    query: QueryInfo = Query(**says)
    default = ... if parameter.required else parameter.default
    hint = parameter.type | None if default is None else parameter.type
    given = {} if default is ... else {"default": default}
    return inspect.Parameter(parameter.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[hint, query], **given)


def _paged(request: Request, answer: Answer, limit: int, offset: int, headers: dict[str, str]) -> str:
    shown, total = cut(answer, limit, offset)
    headers.update(links(request, total, limit, offset))
    return as_json.render(shown, RenderOptions())


@contextmanager
def _room(question: Question) -> Iterator[None]:
    if not HEAVY & set(question.supplied.values()):
        yield
        return
    busy = HTTPException(503, "Others ask the same kind of question; try again in a moment.", {"retry-after": "10"})
    if not _turns.acquire(blocking=False):
        raise busy
    try:
        if not _heavy.acquire(timeout=HEAVY_SECONDS):
            raise busy
        try:
            yield
        finally:
            _heavy.release()
    finally:
        _turns.release()


def _listed() -> bytes:
    found = [
        {
            "name": q.name,
            "code": q.code,
            "summary": q.summary,
            "address": f"/api/questions/{q.name}",
            "parameters": [
                {
                    "name": p.name,
                    "help": p.says.help,
                    "required": p.required,
                    "default": None if p.required else _plain(p.default),
                }
                for p in q.parameters.values()
            ],
        }
        for q in questions().values()
    ]
    return msgspec.json.encode({"questions": found})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
