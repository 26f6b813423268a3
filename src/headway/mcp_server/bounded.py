"""An answer as a tool gives it: the JSON of the command line with some of its rows, and the same in a short text.

Whoever asks pays for every character, and has only so much room: rows come in pages, and an answer that is large even
so is made smaller, which it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from headway.answer import Answer, Finding
from headway.render import as_json
from headway.render.values import plain, safe, shown

USUAL = 20
"""Rows of an answer, and of each of its sections."""
MOST = 200
FARTHEST = 10_000_000
MOST_SECTIONS = 20
MOST_GAPS = 20
GAPS_SAID = 5
"""Gaps that the text tells of."""
MOST_BYTES = 60_000
"""Of the JSON of one answer."""
MOST_TEXT = 12_000
"""Characters of the text of one answer."""

_SHORTER = ((50, 2_000), (10, 500), (3, 200))
"""(entries of a list, characters of a text) of a cell, tried in turn when a single row is too large."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "headline": {"type": "string"},
        "rows": {"type": "array", "items": {"type": "object"}},
        "gaps": {"type": "array", "items": {"type": "object"}},
        "sections": {"type": "array", "items": {"type": "object"}},
        "page": {"type": "object", "properties": {"rows": {"type": "integer"}, "next_offset": {}}},
    },
    "required": ["headline", "rows", "gaps", "sections", "page"],
}
"""What a tool answers, in short, since it is sent with every tool; headway://schema/answer says it in full."""


def structured(answer: Answer, limit: int, offset: int) -> dict[str, Any]:
    """The answer's JSON with at most `limit` rows from `offset` on, and `page`, which says where the others are.

    At most about MOST_BYTES long: fewer rows where they are large, and shorter cells where even one row is.
    """
    while True:
        document = _document(answer, limit, offset)
        if _size(document) <= MOST_BYTES:
            return document
        if limit == 1:
            return _shortened(document)
        limit //= 2


def _document(answer: Answer, limit: int, offset: int) -> dict[str, Any]:
    document = as_json.document(cut(answer, limit, offset))
    # Figures for machines may list thousands of names, and no smaller page would make them fewer.
    long = _size(document["totals"]) > MOST_BYTES // 4
    if long:
        document["totals"] = _shorter(document["totals"], *_SHORTER[0])
    rows = rows_in(answer)
    page = {
        "limit": limit,
        "offset": offset,
        "rows": rows,
        "gaps": _gaps_in(answer),
        "next_offset": offset + limit if offset + limit < rows else None,
        "shortened": long,
    }
    return document | {"page": page}


def cut(answer: Answer, limit: int, offset: int) -> Answer:
    """The answer with only some rows and gaps.

    Each section is cut the same way, so that the first page is an overview. Where there are more than MOST_SECTIONS the
    rows of all of them are counted one after another, and sections without a row on the page are left out.
    """
    rows = answer.rows[offset : offset + limit]
    if len(answer.sections) <= MOST_SECTIONS:
        sections = [cut(section, limit, offset) for section in answer.sections]
    else:
        sections, at = [], len(answer.rows)
        for section in answer.sections:
            first, last = max(offset - at, 0), min(offset + limit - at, _places(section))
            if first < last:
                sections.append(replace(cut(section, limit, 0), rows=section.rows[first:last]))
            at += _places(section)
    return replace(answer, rows=rows, gaps=answer.gaps[:MOST_GAPS], sections=tuple(sections))


def rows_in(answer: Answer) -> int:
    """How many rows there are to page through."""
    if len(answer.sections) <= MOST_SECTIONS:
        return max([len(answer.rows), *(rows_in(section) for section in answer.sections)])
    return len(answer.rows) + sum(_places(section) for section in answer.sections)


def _places(section: Answer) -> int:
    """What a section counts for among many; one without rows is a line of its own."""
    return max(1, len(section.rows))


def _gaps_in(answer: Answer) -> int:
    return len(answer.gaps) + sum(_gaps_in(section) for section in answer.sections)


def _shortened(document: dict[str, Any]) -> dict[str, Any]:
    page = document["page"] | {"shortened": True}
    for entries, characters in _SHORTER:
        shorter: dict[str, Any] = _shorter(document, entries, characters) | {"page": page}
        if _size(shorter) <= MOST_BYTES:
            return shorter
    shorter |= {"totals": {}, "gaps": [], "sections": []}
    return shorter if _size(shorter) <= MOST_BYTES else shorter | {"rows": []}


def _shorter(value: Any, entries: int, characters: int) -> Any:
    if isinstance(value, str) and len(value) > characters:
        return value[:characters] + "…"
    if isinstance(value, list):
        return [_shorter(one, entries, characters) for one in value[:entries]]
    if isinstance(value, Mapping):
        # The columns of a row are few; only what is keyed by data has many.
        return {k: _shorter(v, entries, characters) for k, v in list(value.items())[: max(entries, 50)]}
    return value


def _size(document: Any) -> int:
    return len(msgspec.json.encode(document))


# ---------------------------------------------------------------------- text


def text(answer: Answer, limit: int, offset: int) -> str:
    """Headline, rows with their proof, and gaps, a line each; at most about MOST_TEXT characters."""
    lines = list(_said(cut(answer, limit, offset)))
    fitting = "\n".join(lines)
    if len(fitting) > MOST_TEXT:
        lines = [fitting[:MOST_TEXT].rpartition("\n")[0]]
        lines.append("This page is longer than fits here: the structured content has all of it, a lower limit less.")
    rows, gaps = rows_in(answer), _gaps_in(answer) - GAPS_SAID
    if gaps > 0:
        lines.append(f"Not known: {gaps:,} more.")
    if offset + limit < rows:
        lines.append(f"There are {rows:,} rows in all; offset={offset + limit} gives the next.")
    elif offset and offset >= rows:
        lines.append(f"There are {rows:,} rows in all, none from {offset} on.")
    return "\n".join(lines)


def _said(answer: Answer) -> Iterator[str]:
    yield _line(answer.headline)
    for row, cells in zip(answer.rows, _cells(answer, answer.rows), strict=True):
        said = " | ".join(f"{c.key}={cell}" for c, cell in zip(answer.columns, cells, strict=True))
        yield _line(f"- {said}")
        yield from _proof(row)
    for section in answer.sections:
        yield from _said(section)
    for gap in answer.gaps[:GAPS_SAID]:
        yield _line(f"Not known: {gap.message}" + (f" ({gap.hint})" if gap.hint else ""))


def _cells(answer: Answer, rows: tuple[Finding, ...]) -> Iterator[tuple[str, ...]]:
    if not answer.columns:
        return iter([()] * len(rows))
    columns = [shown([row.values[i] for row in rows], column, answer.as_of) for i, column in enumerate(answer.columns)]
    return zip(*columns, strict=True)


def _proof(row: Finding) -> Iterator[str]:
    if row.path:
        steps = [f"{step.name} [{step.kind}]" for step in row.path[:20]]
        yield _line("  path: " + " -> ".join(steps) + (" -> …" if len(row.path) > 20 else ""))


def _line(said: str) -> str:
    line = safe(str(plain(said)))
    return line if len(line) <= 1_000 else line[:1_000] + "…"
