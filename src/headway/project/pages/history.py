"""History: is it getting better? The share that serves over time, what made it jump, and what changed between days."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from headway.answer import Answer, plural
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.model import Gap
from headway.project.pages import figures
from headway.project.pages.goal_words import colours
from headway.project.pages.page import Link, Page, Phrase
from headway.project.pages.table import address, day_of
from headway.project.workspace import Project
from headway.questions.growth import Every
from headway.render.html.charts import percent

Measure = Literal["count", "cost"]

PERIODS: Mapping[str, int] = {"week": 26, "month": 13, "quarter": 12}
"""Periods that are looked back, by their length."""
STATES = ("Serving", "No goal", "Not known", "Nobody uses it")
"""States as the question names them, in the order they are stacked: from below."""
WORDS = ("Serves an objective", "Used, no objective", "Use not known", "Nobody uses it")
MOST_CHANGES = 300
"""Changes between two days that are shown; the rest is counted."""
MOST_SMALL = 12
"""Objectives that have a picture of their own."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One day."""

    period: str
    day: date
    assets: int
    born: int | None
    retired: int | None
    values: tuple[float, ...] | None
    """Of each state: assets, or cost. None where no cost is known of that day."""
    shares: tuple[float, ...] | None
    texts: tuple[str, ...]
    note: str
    read_from: str

    @property
    def paired(self) -> tuple[date, tuple[float, ...]]:
        """As the picture takes it."""
        return self.day, self.shares or ()


class Mark(msgspec.Struct, frozen=True):
    """Something that happened: the number on the picture, and its words."""

    number: int
    day: date
    text: str
    jump: bool
    """The curve jumps here for another reason than work."""

    @property
    def marked(self) -> tuple[int, date, bool]:
        """As the picture takes it."""
        return self.number, self.day, self.jump


class Small(msgspec.Struct, frozen=True):
    """One objective over time."""

    id: str
    name: str
    to: str
    colour: int
    values: tuple[int, ...]
    """Assets that serve it on each day."""
    text: str


class Change(msgspec.Struct, frozen=True):
    """One asset that changed."""

    id: str
    name: str
    kind: str
    to: str
    before: str
    after: str


class Changes(msgspec.Struct, frozen=True):
    """Changes of one kind."""

    what: str
    count: int
    rows: tuple[Change, ...]


class History(Page, frozen=True, kw_only=True):
    """The page."""

    measure: Measure
    measures: tuple[tuple[Link, bool], ...]
    every: Every
    lengths: tuple[tuple[Link, bool], ...]
    words: tuple[str, ...]
    points: tuple[Point, ...]
    drawn: tuple[Point, ...]
    """Days of which the measure is known: those of the picture."""
    marks: tuple[Mark, ...]
    small: tuple[Small, ...]
    small_more: int
    first: date
    last: date
    compared: str
    """What changed between two days, in a sentence; '' where none were asked for."""
    problem: str
    """Why they cannot be compared."""
    changes: tuple[Changes, ...]
    changes_more: int
    unit: str
    headless: bool


def history(project: Project, *, earlier: str = "", later: str = "", measure: str = "", every: str = "") -> History:
    """The series, and what changed between two days. Raises UsageError for a day that cannot be read."""
    graph = project.graph()
    length: Every = "week" if every == "week" else "quarter" if every == "quarter" else "month"
    what: Measure = "cost" if measure == "cost" else "count"
    answer = project.ask("growth", every=length, periods=PERIODS[length])
    unit = next((c.key.removeprefix("cost_") for c in answer.columns if c.key.startswith("cost_")), "")
    points = tuple(_points(answer, what, unit))
    drawn = tuple(p for p in points if p.shares is not None)
    small = list(_small(graph, answer))
    first = points[0].day if len(points) > 1 else graph.as_of
    compared = _compared(project, day_of(earlier), day_of(later)) if earlier else _Compared()
    given = {"from": earlier, "to": later}
    return History(
        title="History",
        sentence=(Phrase(answer.headline),),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=tuple(dict.fromkeys((*answer.gaps, *compared.gaps))),
        measure=what,
        measures=tuple(
            (Link(words, address("history", measure=key if key == "cost" else "", every=every, **given)), key == what)
            for key, words in (("count", "Assets"), ("cost", "Cost"))
        ),
        every=length,
        lengths=tuple(
            (Link(f"{key}s".capitalize(), address("history", measure=measure, every=key, **given)), key == length)
            for key in PERIODS
        ),
        words=WORDS,
        points=points,
        drawn=drawn,
        marks=tuple(_marks(points, _jumps(answer))),
        small=tuple(small[:MOST_SMALL]),
        small_more=max(0, len(small) - MOST_SMALL),
        first=day_of(earlier) or first,
        last=day_of(later) or graph.as_of,
        compared=compared.sentence,
        problem=compared.problem,
        changes=compared.changes,
        changes_more=compared.more,
        unit=unit,
        headless=not graph.goals,
    )


# ---------------------------------------------------------------------- the series


def _points(answer: Answer, measure: Measure, unit: str) -> Iterator[Point]:
    states = {
        (r["period"], r["state"]): r
        for section in answer.sections
        if "state" in {c.key for c in section.columns}
        for r in section.records()
    }
    key = f"cost_{unit}"
    for row in answer.records():
        cells = [states[row["period"], state] for state in STATES]
        if measure == "count":
            values: tuple[float, ...] | None = tuple(float(c["assets"]) for c in cells)
            texts = [f"{c['assets']:,}" for c in cells]
        elif unit and row[key] is not None:
            values = tuple(max(0.0, c[key] or 0.0) for c in cells)
            texts = [figures.in_unit(unit, c[key] or 0.0) for c in cells]
        else:
            values, texts = None, []
        whole = sum(values) if values else 0.0
        shares = tuple(v / whole for v in values) if values and whole > 0 else None
        yield Point(
            period=row["period"],
            day=row["day"],
            assets=row["assets"],
            born=row["born"],
            retired=row["retired"],
            values=values,
            shares=shares,
            texts=tuple(f"{text} ({percent(s)})" for text, s in zip(texts, shares, strict=True)) if shares else (),
            note=row["note"] or "",
            read_from=row["from"],
        )


def _marks(points: Sequence[Point], jumps: Collection[str]) -> Iterator[Mark]:
    """What happened up to each day: goals that came and went, what was retired, sources that were connected or lost."""
    number = 0
    for point in points:
        said = [(text, text in jumps) for text in point.note.split("; ") if text]
        if point.retired:
            said.append((f"{plural(point.retired, 'asset')} retired", False))
        for text, jump in said:
            number += 1
            yield Mark(number, point.day, text, jump)


def _jumps(answer: Answer) -> set[str]:
    """Sources that were connected or lost, in the words of the notes."""
    return {
        f"{r['source']} {r['what']}" + (f" on {r['day']}" if r["day"] else "")
        for section in answer.sections
        if {"source", "what"} <= {c.key for c in section.columns}
        for r in section.records()
    }


def _small(graph: Graph, answer: Answer) -> Iterator[Small]:
    section = next((s for s in answer.sections if s.headline == "Assets by the objective they serve"), None)
    if section is None:
        return
    painted = colours(graph)
    records = list(section.records())
    for column in section.columns[1:]:
        values = tuple(int(r[column.key]) for r in records)
        i = graph.index.get(column.key)
        to = address("objective", column.key) if i is not None else ""
        change = values[-1] - values[0]
        moved = f", {change:+,}" if len(values) > 1 and change else ""
        text = f"{plural(values[-1], 'asset')}{moved}"
        yield Small(column.key, column.heading, to, painted.get(i, 0) if i is not None else 0, values, text)


# ---------------------------------------------------------------------- two days


class _Compared(msgspec.Struct, frozen=True):
    sentence: str = ""
    problem: str = ""
    changes: tuple[Changes, ...] = ()
    more: int = 0
    gaps: tuple[Gap, ...] = ()


def _compared(project: Project, earlier: date | None, later: date | None) -> _Compared:
    try:
        answer = project.ask("diff", earlier=earlier, later=later)
    except UsageError as error:
        return _Compared(problem=f"{error.message[:1].upper()}{error.message[1:]}.")
    graph = project.graph()
    groups: dict[str, list[Change]] = {}
    for row, r in zip(answer.rows[:MOST_CHANGES], answer.records(), strict=False):
        groups.setdefault(r["change"], []).append(_change(graph, row.node, r))
    counts = {what: int(answer.totals[what]) for what in groups}
    changes = tuple(Changes(what, counts[what], tuple(rows)) for what, rows in groups.items())
    return _Compared(answer.headline, "", changes, max(0, len(answer.rows) - MOST_CHANGES), answer.gaps)


def _change(graph: Graph, id_: str, record: Mapping[str, Any]) -> Change:
    i = graph.index.get(id_)
    page = "key_result" if i is not None and graph.nodes[i].kind == "key_result" else "asset"
    to = address(page, id_) if i is not None else ""
    return Change(id_, record["asset"], record["kind"], to, record["before"] or "", record["after"] or "")
