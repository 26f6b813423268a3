"""Some rows of an answer, and where the others are."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import Query
from msgspec.structs import replace
from starlette.requests import Request

from headway.answer import Answer

MOST = 1_000
"""Rows in one response at most."""
USUAL = 100
FARTHEST = 10_000_000

Limit = Annotated[int, Query(ge=1, le=MOST, description="Rows at most, of the answer and of each of its sections.")]
Offset = Annotated[int, Query(ge=0, le=FARTHEST, description="Rows to pass over first.")]


def cut(answer: Answer, limit: int, offset: int) -> tuple[Answer, int]:
    """The answer with only some rows, in it and in each section; and how many the longest of them has."""
    sections = [cut(section, limit, offset) for section in answer.sections]
    longest = max([len(answer.rows), *(total for _, total in sections)])
    rows = answer.rows[offset : offset + limit]
    return replace(answer, rows=rows, sections=tuple(section for section, _ in sections)), longest


def links(request: Request, total: int, limit: int, offset: int) -> dict[str, str]:
    """Headers that say how many rows there are, and lead to the others (RFC 8288)."""
    last = max(0, (total - 1) // limit * limit) if total else 0
    places = {"first": 0, "last": last}
    if offset > 0:
        places["prev"] = min(max(0, offset - limit), last)
    if offset + limit < total:
        places["next"] = offset + limit
    kept = [(k, v) for k, v in parse_qsl(request.url.query) if k not in ("limit", "offset")]
    path = request.url.path
    found = [
        f'<{path}?{urlencode([*kept, ("limit", limit), ("offset", place)])}>; rel="{rel}"'
        for rel, place in sorted(places.items())
    ]
    return {"x-total-count": str(total), "link": ", ".join(found)}
