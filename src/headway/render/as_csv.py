"""An answer as CSV: one header, one line per row, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from headway.answer import Answer
from headway.render.options import RenderOptions
from headway.render.values import checked, keys, plain, safe_lines

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide forms count too


def render(answer: Answer, options: RenderOptions) -> str:  # noqa: ARG001 - machines get everything, however wide
    """All rows. With sections a first column `section` says which one a row is from; their columns are joined by key.

    Quoted as RFC 4180 says, lines end in a newline. Lists are joined by "; ", what is not known is empty, shares are
    0..1. Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    sectioned = bool(answer.sections)
    parts = list(_parts(answer, "", ("section",) if sectioned else ()))
    header = list(dict.fromkeys(name for _, names, _ in parts for name in names))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_text(name) for name in (["section"] if sectioned else []) + header])
    for section, names, part in parts:
        for row in checked(part):
            cells = dict(zip(names, map(cell, row.values), strict=True))
            writer.writerow(([_text(section)] if sectioned else []) + [cells.get(name, "") for name in header])
    return out.getvalue()


def _parts(answer: Answer, section: str, reserved: tuple[str, ...]) -> Iterator[tuple[str, list[str], Answer]]:
    yield section, keys(answer, reserved), answer
    for number, inner in enumerate(answer.sections, 1):
        # Sections can share a question (one per objective), so the headline is what tells them apart.
        name = inner.headline or f"{inner.question} {number}"
        yield from _parts(inner, f"{section} / {name}" if section else name, reserved)


def cell(value: Any) -> str:
    """One value as the text of a cell."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _text("; ".join(_item(v) for v in value))
    if isinstance(value, (str, dict)):
        return _text(_item(value))
    return repr(value) if isinstance(value, float) else str(value)


def _item(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _text(text: str) -> str:
    clean = safe_lines(text)
    return f"'{clean}" if clean.lstrip(" ").startswith(_FORMULA) else clean
