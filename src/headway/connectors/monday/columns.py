"""Which column of a board says what about a goal: proposed from the board's own columns, read from an item's cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from headway.connectors.fields import day, each, number, text, truth

_NUMBERS = ("numbers", "numeric", "formula", "mirror", "lookup")
_LABELS = ("status", "color", "dropdown", "text")

FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "target": (_NUMBERS, ("target", "goal", "ziel")),
    "current": (_NUMBERS, ("current", "actual", "value", "now", "ist")),
    "baseline": (_NUMBERS, ("baseline", "start value", "from", "initial", "start")),
    "weight": (_NUMBERS[:2], ("weight", "share")),
    "unit": (_LABELS, ("unit", "measure")),
    "sort": (_LABELS, ("type", "kind", "level")),
    "status": (_LABELS[:2], ("status", "state", "confidence", "health")),
    "owner": (
        ("people", "multiple-person", "team", "text"),
        ("owner", "team", "responsible", "lead", "person", "people"),
    ),
    "period": (_LABELS, ("quarter", "period", "cycle")),
    "timeline": (("timeline", "timerange"), ("timeline", "dates", "period")),
    "due": (("date",), ("due", "end", "deadline")),
    "start": (("date",), ("start", "begin")),
    "parent": (("board_relation", "board-relation"), ("objective", "parent", "supports", "aligned", "goal")),
    "description": (("long_text", "long-text", "text"), ("description", "notes", "why")),
}
"""Field of a goal -> the types of column that can say it, and words of titles that do, the best first."""

_ONE_OF_TYPE = frozenset({"timeline", "parent"})
"""Fields for which the only column of its type will do, whatever it is called."""
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:[, \u00a0]\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")


class Proposed(NamedTuple):
    """One column that is taken for a field."""

    field: str
    column: str
    title: str


def propose(columns: Sequence[Mapping[str, Any]]) -> list[Proposed]:
    """A column for each field that some column fits by type and title; no column twice. In the order of FIELDS."""
    found: list[Proposed] = []
    taken: set[str] = set()
    for name, (types, words) in FIELDS.items():
        fitting = [c for c in columns if text(c, "type") in types and text(c, "id") not in taken]
        ranked = sorted(
            ((rank, i) for i, c in enumerate(fitting) if (rank := _rank(text(c, "title"), words)) is not None)
        )
        if ranked:
            best = fitting[ranked[0][1]]
        elif name in _ONE_OF_TYPE and len(fitting) == 1:
            best = fitting[0]
        else:
            continue
        taken.add(text(best, "id"))
        found.append(Proposed(name, text(best, "id"), text(best, "title")))
    return found


def _rank(title: str, words: Sequence[str]) -> int | None:
    told = set(re.findall(r"[^\W_]+", title.casefold()))
    return next((rank for rank, word in enumerate(words) if set(word.split()) <= told), None)


class Cells:
    """The cells of one item by field, as a mapping of columns says."""

    def __init__(self, item: Mapping[str, Any], columns: Mapping[str, str]) -> None:
        by_id = {text(cell, "id"): cell for cell in each(item, "column_values")}
        self._cells = {name: by_id[column] for name, column in columns.items() if column in by_id}

    def text(self, name: str) -> str:
        """What people read there. Mirrors, relations and formulas have no text of their own, only what is displayed."""
        cell = self._cells.get(name, {})
        return (text(cell, "text") or text(cell, "display_value") or text(cell, "label")).strip()

    def number(self, name: str) -> float | None:
        """The number there; None for none, or for several that a mirror shows together."""
        cell = self._cells.get(name, {})
        exact = number(cell, "number")
        if exact is not None:
            return exact
        shown = self.text(name).strip("%€$£ \u00a0")
        if not _NUMBER.fullmatch(shown):
            return None
        return number({"n": re.sub(r"[,\s\u00a0]", "", shown)}, "n")

    def day(self, name: str) -> date | None:
        """The day of a date column."""
        cell = self._cells.get(name, {})
        return day(cell, "date") or day(cell, "text")

    def span(self, name: str) -> tuple[date | None, date | None]:
        """First and last day of a timeline."""
        cell = self._cells.get(name, {})
        return day(cell, "from"), day(cell, "to")

    def linked(self, name: str) -> tuple[str, ...]:
        """Ids of the items that a column connects."""
        ids = self._cells.get(name, {}).get("linked_item_ids")
        return tuple(str(one) for one in ids if isinstance(one, str | int)) if isinstance(ids, list) else ()

    def done(self, name: str) -> bool:
        """Whether a status is one that means done."""
        return truth(self._cells.get(name, {}), "is_done")
