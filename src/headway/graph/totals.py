"""Views from lifetime totals: some tools only say how often something was opened since it was made, not when.

Between two totals of the same thing lies what was opened between them. It counts on the day of the later one: nothing
says which day it really was. A total that is lower than the one before belongs to something that was made anew, and
counts from zero. The first total of a thing gives no views: they may be years old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from headway.graph.model import Observation

VIEWS_TOTAL = "views_total"
"""Measure of an observation whose amount is the number of views since the thing exists, as of its day."""

Source = tuple[str, str]
"""Connector and file of a source of observations."""
Spans = Mapping[Source, Mapping[int, tuple[date, date]]]
"""Per source and node: the days of its first and its last total. What was opened between them is known."""


class Told(NamedTuple):
    """What totals tell."""

    rows: Sequence[tuple[int, Observation]]
    """With views in the place of totals: after all others, in the order of their first total."""
    spans: Spans
    apart: Mapping[int, int]
    """Per node: the most days between two totals of it, so much may a day of its views be off."""


def told(linked: Sequence[tuple[int, Observation]]) -> Told:
    """Rows with their node, totals among them, as views.

    Rows that are no totals pass as they are. Totals are told apart by everything but day and amount.
    """
    if not any(row.measure == VIEWS_TOTAL for _, row in linked):
        return Told(linked, {}, {})
    totals: dict[tuple[int, Observation], list[Observation]] = defaultdict(list)
    rest: list[tuple[int, Observation]] = []
    for node, row in linked:
        if row.measure != VIEWS_TOTAL:
            rest.append((node, row))
            continue
        series = replace(row, day=date.min, amount=0.0, origin=replace(row.origin, line=0))
        totals[node, series].append(row)
    spans: dict[Source, dict[int, tuple[date, date]]] = defaultdict(dict)
    apart: dict[int, int] = {}
    for (node, series), rows in totals.items():
        rows.sort(key=lambda row: row.day)
        for before, after in pairwise(rows):
            apart[node] = max(apart.get(node, 0), (after.day - before.day).days)
            views = after.amount - before.amount if after.amount >= before.amount else after.amount
            if views > 0:
                rest.append((node, replace(after, measure="views", amount=views)))
        source = (series.origin.connector, series.origin.file)
        first, last = rows[0].day, rows[-1].day
        known = spans[source].get(node)
        # of several things that make up one node, all have to be known
        spans[source][node] = (max(first, known[0]), min(last, known[1])) if known else (first, last)
    return Told(rest, spans, apart)
