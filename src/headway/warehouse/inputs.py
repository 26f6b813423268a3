"""The inputs of a key result's metric on two sides of a change, read from the warehouse.

A key result with a grain is compared by whole periods: the last one that is over on each of the two days. One without
has a value to date: from its start to the day. A day before its start is compared by as many days up to that day.

What accumulates has the value of the last day; so has, of a metric that mixes both, every input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from headway.errors import HeadwayError, InputError, UsageError
from headway.graph.metric_tree import Component, Pair, Side, Sides, Span, walk
from headway.graph.model import Target
from headway.warehouse.connection import TIMEOUT_SECONDS, Connection
from headway.warehouse.manifest import Manifest, is_legacy
from headway.warehouse.metricflow import Engine
from headway.warehouse.periods import GRAINS, ONE_DAY, default_grain, first_day, last_day, shift, to_date
from headway.warehouse.shape import Shape, shape_of
from headway.warehouse.statements import last_data_sql
from headway.warehouse.values import day_of, number_of

MOST_MEMBERS = 10_000
"""Members of a dimension that are read."""


def read_sides(  # noqa: PLR0913 - all but the first two are named
    target: Target,
    components: Sequence[Component],
    *,
    manifest_path: Path,
    connection: Connection,
    as_of: date,
    since: date | None,
    until: date | None,
    by: str = "",
    timeout_s: float = TIMEOUT_SECONDS,
) -> Sides:
    """Values of components, and of all that they are made of, on both sides; of members where `by` is a dimension.

    The first component is the key result's own metric: it decides which days are compared.

    `since` is the day before the key result starts unless it is given, `until` the as-of date. Raises InputError where
    the metric itself cannot be computed, and UsageError where the two days make no comparison; what is wrong with one
    input is said in `problems`.
    """
    manifest, root = Manifest(manifest_path), components[0]
    if is_legacy(manifest.metric(root.name)):
        raise InputError(f"{root.name!r} is a metric of dbt 1.5 or older, whose inputs are not read")
    everything = [part for component in components for part in walk(component)]
    semantic = _with_sides(manifest.semantic({part.name for part in everything}), everything)
    engine = Engine(semantic, connection.adapter)
    shape = shape_of(semantic, root.name)
    until = min(until or as_of, as_of)
    since = since or ((target.start or until - timedelta(days=365)) - ONE_DAY)
    before, after, grain = _spans(target, shape, since, until, as_of)
    reader = _Reader(engine, semantic, connection, shape, grain, timeout_s, target.key_result)
    values: dict[str, Pair] = {}
    members: dict[str, Mapping[str, Pair]] = {}
    problems: dict[str, str] = {}
    unsplit: dict[str, str] = {}
    for component in {part.key: part for part in everything}.values():
        try:
            values[component.key] = (reader.value(component, before), reader.value(component, after))
        except HeadwayError as error:
            if component is root:
                raise
            problems[component.key] = error.message
            continue
        if by:
            try:
                members[component.key] = _paired(reader, component, before, after, by)
            except HeadwayError as error:
                if component is root:
                    raise UsageError(
                        f"the change cannot be split by {by!r}: {error.message}", hint=error.hint
                    ) from None
                unsplit[component.key] = error.message
    return Sides(before, after, grain, values, members, problems, unsplit)


def _spans(target: Target, shape: Shape, since: date, until: date, as_of: date) -> tuple[Span, Span, str]:
    if since >= until:
        raise UsageError(f"there is nothing between {since} and {until}", hint="--since must lie before --until")
    grain = target.binding.grain
    if not grain and shape.offset:
        days = to_date(target.start, target.due, until)
        grain = shape.offset_grain or default_grain(((target.due or days.end) - days.start).days + 1)
    if not grain:
        window = to_date(target.start, target.due, until)
        if window.end < window.start:
            raise UsageError(f"the key result has not begun: it starts on {window.start}")
        length = window.end - window.start
        before = Span(window.start, since) if since >= window.start else Span(since - length, since)
        return before, Span(window.start, window.end), ""

    def over(day: date) -> Span:
        begin = first_day(day, grain)
        if last_day(begin, grain) > day or last_day(begin, grain) >= as_of:
            begin = shift(begin, grain, -1)
        return Span(begin, last_day(begin, grain))

    if over(since) == over(until):
        raise UsageError(
            f"the same {grain} is the last one that is over on {since} and on {until}",
            hint=f"name days that are a {grain} apart with --since and --until",
        )
    return over(since), over(until), grain


def _with_sides(semantic: Mapping[str, Any], components: Sequence[Component]) -> dict[str, Any]:
    """The semantic manifest with a metric for what a conversion is divided by.

    Its other side is the rate times that: MetricFlow does not prune the SQL of a count of conversions, so that names of
    columns can get into it which the warehouse reserves.
    """
    metrics = {m["name"]: m for m in semantic["metrics"]}
    more = {}
    for component in components:
        metric = metrics.get(component.name)
        if component.side != "base" or metric is None:
            continue
        params = metric["type_params"]
        measure = (params.get("conversion_type_params") or {}).get("base_measure")
        if measure:
            name = _side_name(component)
            plain = {**params, "conversion_type_params": None, "measure": measure}
            base = {"type": "simple", "type_params": plain, "label": None, "description": None}
            more[name] = {**metric, **base, "name": name}
    return {**semantic, "metrics": [*semantic["metrics"], *more.values()]}


def _side_name(component: Component) -> str:
    return f"{component.name}_base_of_headway" if component.side == "base" else component.name


def _counted(rate: float | None, base: float | None) -> float | None:
    """How many conversions a rate stands for: a whole number as far as that can be told from a float."""
    if rate is None or base is None:
        return None
    found = rate * base
    return float(round(found)) if abs(found - round(found)) <= 1e-9 * max(1.0, abs(found)) else found


_RATE_AND_BASE: tuple[Side, Side] = ("", "base")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one component over one span."""

    engine: Engine
    semantic: Mapping[str, Any]
    connection: Connection
    root: Shape
    grain: str
    timeout_s: float
    key_result: str

    def value(self, component: Component, span: Span) -> float | None:
        """The value of a component; None where there is no row, or NULL."""
        if component.side == "conversions":
            rate, base = (self.value(replace(component, side=side), span) for side in _RATE_AND_BASE)
            return _counted(rate, base)
        rows = self._rows(component, span, ())
        return _float(rows[0][-1]) if rows else None

    def members(self, component: Component, span: Span, by: str) -> dict[str, float | None]:
        """The value of each member of a dimension."""
        if component.side == "conversions":
            rates, bases = (self.members(replace(component, side=side), span, by) for side in _RATE_AND_BASE)
            return {name: _counted(rates.get(name), base) for name, base in bases.items()}
        rows = self._rows(component, span, (by,))
        if len(rows) > MOST_MEMBERS:
            raise InputError(f"{by!r} has more than {MOST_MEMBERS:,} members")
        return {"" if row[-2] is None else str(row[-2]): _float(row[-1]) for row in rows}

    def _rows(self, component: Component, span: Span, by: tuple[str, ...]) -> list[tuple[Any, ...]]:
        name = _side_name(component)
        shape = self.root if component.name == component.key == name else shape_of(self.semantic, name)
        for offset in component.offsets:
            span = self._shifted(span, offset.count, offset.grain)
        if shape.cumulative or self.root.mixed:
            day = self._last_data(shape, span.end)
            return [] if day is None else self._ask(name, component.where, shape.finest, Span(day, day), by)
        if not self.grain:
            return self._ask(name, component.where, "", span, by)
        rows = self._ask(name, component.where, self.grain, span, by)
        return [row for row in rows if row[0] is not None and first_day(day_of(row[0]), self.grain) == span.start]

    def _ask(
        self, name: str, where: tuple[str, ...], grain: str, span: Span, by: tuple[str, ...]
    ) -> list[tuple[Any, ...]]:
        sql = self.engine.sql(name, where=where, grain=grain, start=span.start, end=span.end, group_by=by)
        return self.connection.rows(sql, self.timeout_s, key_result=self.key_result)

    def _shifted(self, span: Span, count: int, grain: str) -> Span:
        if grain not in GRAINS:
            raise InputError(f"it is taken {count} {grain} before, which is not a period of the calendar")
        if first_day(span.start, grain) == span.start:
            begin = shift(span.start, grain, -count)
        elif grain in {"day", "week"}:
            begin = span.start - timedelta(days=count * (7 if grain == "week" else 1))
        else:
            raise InputError(f"it is taken {count} {grain} before, which is no whole number of periods")
        return Span(begin, last_day(begin, self.grain))

    def _last_data(self, shape: Shape, end: date) -> date | None:
        """The last day, up to `end`, on which there is a row."""
        if not shape.clocks:
            return end
        sql = last_data_sql(shape.clocks, dialect=self.connection.dialect, end=end)
        found = self.connection.rows(sql, self.timeout_s, key_result=self.key_result)[0][0]
        return None if found is None else day_of(found)


def _paired(reader: _Reader, component: Component, before: Span, after: Span, by: str) -> dict[str, Pair]:
    """Members of both sides; one that is missing on a side has None there."""
    sides: Sequence[dict[str, float | None]] = [reader.members(component, span, by) for span in (before, after)]
    return {name: (sides[0].get(name), sides[1].get(name)) for name in sorted({*sides[0], *sides[1]})}


def _float(value: Any) -> float | None:
    found = number_of(value)
    return None if found is None else float(found)
