"""An answer as a tool gives it: the JSON of the command line with some of its rows, and the same in a short text.

Whoever asks pays for every character, and has only so much room: rows come in pages, and an answer that is large even
so is made smaller, which it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from headway.answer import Answer, Finding, plural
from headway.render import as_json
from headway.render.values import plain, safe, shown

USUAL = 20
"""Rows of an answer, and of each of its sections."""
MOST = 200
FARTHEST = 10_000_000
MOST_GAPS = 20
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
    rows, gaps = _longest(answer), _gaps_in(answer)
    after = offset + limit
    page = {
        "limit": limit,
        "offset": offset,
        "rows": rows,
        "gaps": gaps,
        "next_offset": after if after < rows else None,
        "shortened": False,
    }
    return as_json.document(cut(answer, limit, offset)) | {"page": page}


def cut(answer: Answer, limit: int, offset: int) -> Answer:
    """The answer with only some rows and gaps, in it and in each section."""
    return replace(
        answer,
        rows=answer.rows[offset : offset + limit],
        gaps=answer.gaps[:MOST_GAPS],
        sections=tuple(cut(section, limit, offset) for section in answer.sections),
    )


def _longest(answer: Answer) -> int:
    return max([len(answer.rows), *(_longest(section) for section in answer.sections)])


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
    lines: list[str] = []
    told = _said(answer, limit, offset, lines, MOST_TEXT)
    rows = _longest(answer)
    if told < limit and offset + told < rows:
        lines.append(f"Only {plural(told, 'row')} from {offset} on had room here; the structured content has more.")
    if offset + limit < rows:
        lines.append(f"There are {rows:,} rows in all; offset={offset + limit} gives the next.")
    elif offset and offset >= rows:
        lines.append(f"There are {rows:,} rows in all, none from {offset} on.")
    return "\n".join(lines)


def _said(answer: Answer, limit: int, offset: int, lines: list[str], room: int) -> int:
    """Add the lines of an answer and its sections; returns how many rows of the longest had room."""
    lines.append(_line(answer.headline))
    room -= sum(len(line) + 1 for line in lines)
    rows = answer.rows[offset : offset + limit]
    told = 0
    for row, cells in zip(rows, _cells(answer, rows), strict=True):
        said = _line(" | ".join(f"{c.key}={cell}" for c, cell in zip(answer.columns, cells, strict=True)))
        said = "\n".join([f"- {said}", *_proof(row)])
        room -= len(said) + 1
        if room < 0:
            break
        lines.append(said)
        told += 1
    lines += [_line(f"Not known: {g.message}" + (f" ({g.hint})" if g.hint else "")) for g in answer.gaps[:5]]
    if len(answer.gaps) > 5:
        lines.append(f"Not known: {len(answer.gaps) - 5:,} more gaps.")
    share = max(0, room) // max(1, len(answer.sections))
    fits = [told if len(rows) > told else limit]
    for section in answer.sections:
        below: list[str] = []
        fits.append(_said(section, limit, offset, below, share))
        lines += below
    return min(fits)


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
