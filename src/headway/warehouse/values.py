"""The value of key results, read from the warehouse.

With a grain, a key result has a level per period: one reading for each, the first day of the period being its day. The
current value is that of the last period that is over and has data.

Without a grain, a key result has a value to date: over its own days, from its start to the as-of date or the due day,
whichever comes first. That reading has grain '' and the last of those days as its day, and is preceded by up to eleven
earlier ones, evenly spaced, which a forecast can look back on. A model's expression is only read to date once.

A metric that compares with an earlier period exists only per period; without a grain it gets that of the comparison.
A metric that accumulates has, at any grain, the value of the last day of the period.

No row, NULL and a refusal are three different gaps. Days after the as-of date, and periods after the last day that has
data, are never taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from headway.errors import HeadwayError, InputError
from headway.graph.model import Gap, Origin, Reading, Target
from headway.warehouse.connection import TIMEOUT_SECONDS, Connection
from headway.warehouse.legacy import is_additive, is_dated, legacy_sql
from headway.warehouse.manifest import Manifest, is_legacy
from headway.warehouse.measures import measure_sql, time_of
from headway.warehouse.metricflow import Engine
from headway.warehouse.periods import (
    GRAINS,
    HISTORY_DAYS,
    Window,
    default_grain,
    ends,
    first_day,
    last_day,
    periods,
    series,
    to_date,
)
from headway.warehouse.shape import Shape, shape_of
from headway.warehouse.statements import MAX_ROWS, last_data_sql, model_sql, wrapped_sql

Progress = Callable[[str, int, int], None]
Value = int | float | Decimal | None
ORIGIN = Origin(connector="warehouse")
MOST_DAYS = 30
"""Single days that are asked for in one statement; more are asked for as a range."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value on its day, or for the period that begins on it, and the statement it was read with."""

    day: date
    value: Value
    proof: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for one key result; no points at all means that there was no row."""

    grain: str
    points: Sequence[Point]
    source: str
    asked: str
    """What was asked for, in words: ` from 2026-01-01 to 2026-03-31`."""
    note: str = ""


def evaluate(  # noqa: PLR0913 - all but the first are named
    targets: Sequence[Target],
    *,
    manifest_path: Path,
    connection: Connection,
    as_of: date,
    now: datetime,
    titles: Mapping[str, str] | None = None,
    measures: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
    timeout_s: float = TIMEOUT_SECONDS,
) -> Iterator[Reading | Gap]:
    """Readings of the key results that are bound to a metric, a model or SQL; a gap for each that has no value.

    `titles` maps ids of key results to what people call them, `measures` those whose metric is a measure of a BI tool
    to how it is computed (see warehouse.measures). `timeout_s` is per statement. Key results bound to hand
    written readings, or to nothing, are passed over. What is wrong with one never stops the others, so nothing is
    raised for what is in manifest, goals or warehouse.
    """
    bound = [t for t in targets if t.binding.way in {"metric", "model", "sql"}]
    run = _Run(bound, manifest_path, connection, as_of, timeout_s)
    run.measures = measures or {}
    for number, target in enumerate(bound):
        if progress:
            progress("key results", number, len(bound))
        title = repr((titles or {}).get(target.key_result) or target.key_result.rpartition(".")[2])
        try:
            found = run.find(target)
        except HeadwayError as error:
            yield _gap(target, f"{title} has no value: {error.message}", error.hint)
            continue
        yield from _records(target, title, found, as_of, now)
    if progress:
        progress("key results", len(bound), len(bound))


def _records(target: Target, title: str, found: Found, as_of: date, now: datetime) -> Iterator[Reading | Gap]:
    for point in found.points:
        yield Reading(
            key_result=target.key_result,
            day=point.day,
            value=None if point.value is None else float(point.value),
            grain=found.grain,
            complete=not found.grain or last_day(point.day, found.grain) < as_of,
            at=now,
            source=found.source,
            proof=point.proof,
            origin=ORIGIN,
        )
    if not found.points:
        yield _gap(
            target, f"{title} has no rows{found.asked}", "is the data loaded, and do the conditions fit any of it?"
        )
    elif all(p.value is None for p in found.points):
        yield _gap(target, f"{title} was computed, and the warehouse answered NULL{found.asked}")
    if found.note:
        yield _gap(target, f"{title} {found.note}")


def _gap(target: Target, message: str, hint: str = "") -> Gap:
    return Gap(topic="values", message=message, node=target.key_result, hint=hint, origin=ORIGIN)


class _Run:
    """One evaluation: what its key results share is read, built and asked once."""

    def __init__(
        self, targets: Sequence[Target], manifest_path: Path, connection: Connection, as_of: date, timeout_s: float
    ) -> None:
        self.measures: Mapping[str, Mapping[str, Any]] = {}
        """How the metric is computed, by key result, where it is none of dbt's."""
        self._wanted = [t.binding.metric for t in targets if t.binding.metric]
        self._manifest_path = manifest_path
        self._connection = connection
        self._as_of = as_of
        self._timeout_s = timeout_s
        self._known: dict[str, Any] = {}

    def find(self, target: Target) -> Found:
        """What the warehouse says of one key result; HeadwayError when it cannot."""
        ways = {"metric": self._metric, "model": self._model, "sql": self._sql}
        return ways[target.binding.way](target)

    # --- metrics --------------------------------------------------------------------------------------------------

    def _metric(self, target: Target) -> Found:
        name = target.binding.metric
        if target.key_result in self.measures:
            return self._measure(target, self.measures[target.key_result])
        if target.binding.time:
            raise InputError("`time` is for a model or a measure", hint="a metric of dbt is dated by its own time")
        if is_legacy(self._manifest.metric(name)):
            return self._legacy(target)
        engine, shape = self._engine(name)
        grain = target.binding.grain
        if not grain and shape.offset:
            days = to_date(target.start, target.due, self._as_of)
            grain = shape.offset_grain or default_grain(((target.due or days.end) - days.start).days + 1)
        ask = _Ask(engine, name, target.binding.where)
        if grain and GRAINS.index(grain) < GRAINS.index(shape.finest):
            raise InputError(f"{name!r} is dated by {shape.finest}, so it has no value by {grain}")
        if grain:
            window = series(target.start, target.due, self._as_of, grain)
            points = self._levels(target, ask, shape, window, grain)
            note = _MIXED_LEVEL if shape.mixed and grain != "day" else ""
            return Found(grain, points, "metricflow", _between(window), note)
        window = self._to_date(target)
        if shape.cumulative or shape.mixed:
            points = self._accumulated(target, ask, shape, window)
        elif shape.additive:
            points = self._summed(target, ask.sql(shape.finest, window), window)
        else:
            points = self._scalars(target, ask, window)
        return Found("", points, "metricflow", _between(window), _MIXED_TO_DATE if shape.mixed else "")

    def _levels(self, target: Target, ask: _Ask, shape: Shape, window: Window, grain: str) -> list[Point]:
        """The value of each period of the window."""
        last = self._last_data(target, shape, window.end) if shape.spine else window.end
        if last is None:
            return []
        window = Window(window.start, min(window.end, last))
        if window.end < window.start:
            return []
        if not shape.cumulative or grain == shape.finest:
            # MetricFlow widens a window to whole periods of the grain; this keeps out what comes after the as-of date
            cut = shape.finest == "day" and window.end < last_day(window.end, grain)
            sql = ask.sql(grain, window, (f"{_METRIC_DAY} <= '{window.end}'",) if cut else ())
            return _points(self._rows(sql, target), sql, window, grain)
        closing = {begin: min(last_day(begin, grain), window.end) for begin in periods(window, grain)}
        levels = self._on_days(target, ask, shape, list(closing.values()))
        return [Point(begin, levels[day].value, levels[day].proof) for begin, day in closing.items() if day in levels]

    def _accumulated(self, target: Target, ask: _Ask, shape: Shape, window: Window) -> list[Point]:
        """The level of an accumulating metric on evenly spaced days up to the last one that has data."""
        last = self._last_data(target, shape, window.end)
        if last is None:
            return []
        days = ends(Window(min(window.start, last), last))
        levels = self._on_days(target, ask, shape, days)
        return [levels[day] for day in days if day in levels]

    def _on_days(self, target: Target, ask: _Ask, shape: Shape, days: Sequence[date]) -> dict[date, Point]:
        """The level of an accumulating metric on single days; a day without a row is left out.

        PostgreSQL joins every row to every day that is asked for, so a year of days costs thirty times its months.
        """
        if len(days) <= MOST_DAYS:
            statements = ask.each(days, lambda day: Window(day, day), shape.finest)
            values = self._together(target, statements)
            return {day: Point(day, values[i], statements[i]) for i, day in enumerate(days) if i in values}
        whole = Window(days[0], days[-1])
        sql = ask.sql(shape.finest, whole)
        levels = {p.day: p.value for p in _points(self._rows(sql, target), sql, whole, shape.finest)}
        begins = {day: first_day(day, shape.finest) for day in days}
        return {day: Point(day, levels[begin], sql) for day, begin in begins.items() if begin in levels}

    def _summed(self, target: Target, sql: str, window: Window) -> list[Point]:
        """Values to date of what may be added up, from one statement that has a row per day."""
        days = [p for p in _points(self._rows(sql, target), sql, window, "day") if p.value is not None]
        points = []
        for end in ends(window):
            upto = [p.value for p in days if p.day <= end and p.value is not None]
            if upto:
                points.append(Point(end, _total(upto), sql))
        return points

    def _scalars(self, target: Target, ask: _Ask, window: Window) -> list[Point]:
        """Values to date of what may not be added up: one scalar per day, all in one statement."""
        days = ends(window)
        statements = ask.each(days, lambda day: Window(window.start, day))
        values = self._together(target, statements)
        # a NULL before the last day only says that there was nothing yet
        return [
            Point(day, values.get(i), statements[i])
            for i, day in enumerate(days)
            if values.get(i) is not None or day == days[-1]
        ]

    def _together(self, target: Target, statements: Sequence[str]) -> dict[int, Value]:
        """The value of each statement by its number, all asked in one; those without a row are left out."""
        sql = "\nUNION ALL\n".join(
            f"SELECT {i} AS point, p{i}.* FROM (\n{s}\n) AS p{i}"  # noqa: S608  (rendered by MetricFlow)
            for i, s in enumerate(statements)
        )
        return {int(row[0]): number_of(row[-1]) for row in self._rows(sql, target)}

    def _last_data(self, target: Target, shape: Shape, end: date) -> date | None:
        """The last day, up to `end`, on which the models behind a metric have a row."""
        if not shape.clocks:
            return end
        sql = last_data_sql(shape.clocks, dialect=self._connection.dialect, end=end)
        value = self._rows(sql, target)[0][0]
        return None if value is None else day_of(value)

    def _engine(self, name: str) -> tuple[Engine, Shape]:
        """One engine for all metrics wanted; where the whole does not hold, one for this metric alone."""
        manifest = self._manifest
        wanted = [n for n in self._wanted if n in manifest.metrics and not is_legacy(manifest.metrics[n])]

        def build(names: Sequence[str]) -> tuple[Engine, Mapping[str, Any]]:
            semantic = manifest.semantic(names)
            return Engine(semantic, self._connection.adapter), semantic

        try:
            engine, semantic = self._once("engine", lambda: build(wanted))
        except InputError:
            engine, semantic = self._once(f"engine {name}", lambda: build([name]))
        return engine, self._once(f"shape {name}", lambda: shape_of(semantic, name))

    def _legacy(self, target: Target) -> Found:
        name, grain, manifest = target.binding.metric, target.binding.grain, self._manifest
        dialect, where = self._connection.dialect, target.binding.where
        if not is_dated(manifest, name):
            sql = legacy_sql(manifest, name, dialect=dialect, where=where)
            return Found("", [Point(self._as_of, self._single(sql, target), sql)], "sql", "")
        if grain:
            window = series(target.start, target.due, self._as_of, grain)
            sql = legacy_sql(manifest, name, dialect=dialect, where=where, grain=grain, window=window)
            return Found(grain, _points(self._rows(sql, target), sql, window, grain), "sql", _between(window))
        window = self._to_date(target)
        if is_additive(manifest.metric(name)):
            sql = legacy_sql(manifest, name, dialect=dialect, where=where, grain="day", window=window)
            return Found("", self._summed(target, sql, window), "sql", _between(window))
        sql = legacy_sql(manifest, name, dialect=dialect, where=where, window=window)
        return Found("", [Point(window.end, self._single(sql, target), sql)], "sql", _between(window))

    # --- models and SQL -------------------------------------------------------------------------------------------

    def _model(self, target: Target) -> Found:
        binding, dialect = target.binding, self._connection.dialect
        if not binding.expression:
            raise InputError("it is bound to a model without an expression", hint="such as `expression: sum(amount)`")
        relation = self._manifest.model(binding.model)
        grain = binding.grain if binding.time else ""

        def made(window: Window | None) -> str:
            return model_sql(
                relation,
                binding.expression,
                dialect=dialect,
                where=binding.where,
                time=binding.time,
                grain=grain,
                window=window,
            )

        return self._over_time(target, made, grain, dated=bool(binding.time), source="model")

    def _measure(self, target: Target, computed: Mapping[str, Any]) -> Found:
        binding, dialect = target.binding, self._connection.dialect
        time, grain = time_of(computed, binding.time), binding.grain
        if grain and not time:
            raise InputError(f"{binding.metric!r} has no time dimension, so it has no value by {grain}")

        def made(window: Window | None) -> str:
            return measure_sql(
                computed,
                dialect=dialect,
                as_of=self._as_of,
                where=binding.where,
                time=time,
                grain=grain,
                window=window,
            )

        return self._over_time(target, made, grain, dated=bool(time), source="measure")

    def _over_time(
        self, target: Target, made: Callable[[Window | None], str], grain: str, *, dated: bool, source: str
    ) -> Found:
        """What a statement gives that is made for a window: levels with a grain, else one value to date."""
        if grain:
            window = series(target.start, target.due, self._as_of, grain)
            sql = made(window)
            return Found(grain, _points(self._rows(sql, target), sql, window, grain), source, _between(window))
        days = self._to_date(target) if dated else None
        sql = made(days)
        day = days.end if days else self._as_of
        return Found("", [Point(day, self._single(sql, target), sql)], source, _between(days) if days else "")

    def _sql(self, target: Target) -> Found:
        sql = wrapped_sql(target.binding.sql, dialect=self._connection.dialect, where=target.binding.where)
        rows = self._rows(sql, target)
        if rows and len(rows[0]) == 1:
            return Found("", [Point(self._as_of, self._single(sql, target), sql)], "sql", "")
        if rows and len(rows[0]) != 2:
            raise InputError(f"the query returns {len(rows[0])} columns", hint="a day and a value, or a single value")
        grain = target.binding.grain
        window = series(target.start, target.due, self._as_of, grain or "day")
        if not grain:  # how far apart its days are is not known, so it is read as far back as any
            window = Window(window.end - timedelta(days=HISTORY_DAYS), window.end)
        return Found(grain, _points(rows, sql, window, grain), "sql", _between(window))

    # --- asking ---------------------------------------------------------------------------------------------------

    @property
    def _manifest(self) -> Manifest:
        found: Manifest = self._once("manifest", lambda: Manifest(self._manifest_path))
        return found

    def _to_date(self, target: Target) -> Window:
        window = to_date(target.start, target.due, self._as_of)
        if window.end < window.start:
            raise InputError(f"it has not begun: it starts on {window.start}")
        return window

    def _single(self, sql: str, target: Target) -> Value:
        rows = self._rows(sql, target)
        if len(rows) > 1 or (rows and len(rows[0]) != 1):
            raise InputError("the query returns more than one value", hint="an aggregate, such as sum(amount)")
        return number_of(rows[0][0]) if rows else None

    def _rows(self, sql: str, target: Target) -> list[tuple[Any, ...]]:
        """Rows of a statement; two key results that ask the same are answered from one query."""
        rows: list[tuple[Any, ...]] = self._once(
            sql, lambda: self._connection.rows(sql, self._timeout_s, key_result=target.key_result)
        )
        if len(rows) > MAX_ROWS:
            raise InputError(f"the query returns more than {MAX_ROWS:,} rows")
        return rows

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` returns or raises, made at most once."""
        if key not in self._known:
            try:
                self._known[key] = make()
            except HeadwayError as error:
                self._known[key] = error
        if isinstance(found := self._known[key], HeadwayError):
            raise found
        return found


_METRIC_DAY = "{{ TimeDimension('metric_time', 'day') }}"
_MIXED = "mixes a metric that accumulates with one that does not: "
_MIXED_LEVEL = _MIXED + "at this grain the accumulating part is as it was on the first day of each period"
_MIXED_TO_DATE = _MIXED + "its value is that of a single day"


@dataclass(frozen=True, slots=True)
class _Ask:
    """A metric with its conditions, ready to be rendered for any window."""

    engine: Engine
    metric: str
    where: tuple[str, ...]

    def sql(self, grain: str, window: Window, more: tuple[str, ...] = ()) -> str:
        where = self.where + more
        return self.engine.sql(self.metric, where=where, grain=grain, start=window.start, end=window.end)

    def each(self, days: Sequence[date], window: Callable[[date], Window], grain: str = "") -> list[str]:
        """One statement for the window of each day.

        Rendering costs more than asking DuckDB, and the statements differ in one date. So two are rendered; when the
        second is the first with the date replaced, so are the others. Otherwise each is rendered. MetricFlow numbers
        its aliases anew with each request, so these are left out of the comparison.
        """
        last, other = days[-1], days[-1] + timedelta(days=400)
        model, check = (self.sql(grain, window(day)) for day in (last, other))
        if _renumbered(model.replace(str(last), str(other))) == _renumbered(check):
            return [model.replace(str(last), str(day)) for day in days]
        return [*(self.sql(grain, window(day)) for day in days[:-1]), model]


def _renumbered(sql: str) -> str:
    """The statement with MetricFlow's aliases numbered in the order in which they occur; only good for comparing."""
    numbers: dict[str, str] = {}
    return re.sub(r"\bsubq_\d+", lambda found: numbers.setdefault(found[0], f"subq_{len(numbers)}"), sql)


def _points(rows: Sequence[tuple[Any, ...]], sql: str, window: Window, grain: str) -> list[Point]:
    """Rows of (period, value) in order, inside the window; InputError for what is neither, and for a day said twice."""
    points: dict[date, Point] = {}
    for row in rows:
        if row[0] is None:
            continue
        day = first_day(day_of(row[0]), grain)
        if not first_day(window.start, grain) <= day <= window.end:
            continue
        if day in points:
            raise InputError(f"the query returns two values for {day}")
        points[day] = Point(day, number_of(row[1]), sql)
    return [points[day] for day in sorted(points)]


def day_of(value: Any) -> date:
    """A day as drivers give it; InputError for what is none."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value).date()
    except (TypeError, ValueError):
        raise InputError(f"the query returns {value!r} where a day is expected") from None


def number_of(value: Any) -> Value:
    """A number as drivers give it; InputError for what is none, or not finite."""
    if value is None:
        return None
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        return int(value) if isinstance(value, bool) else value
    raise InputError(f"the query returns {value!r} where a number is expected")


def _total(values: Sequence[int | float | Decimal]) -> Value:
    """Exact for integers and decimals; correctly rounded once for floats."""
    if any(isinstance(v, float) for v in values):
        return math.fsum(values)
    return sum(values)


def _between(window: Window) -> str:
    return f" from {window.start} to {window.end}"
