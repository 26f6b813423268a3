"""The values of measures, computed by Looker itself: an inline query per key result.

A metric says in `meta["looker"]` where it can be asked, as plain data of which nothing is trusted:

    {"view": "orders", "measure": "revenue", "explores": [{"model": "tea", "explore": "orders", "view": "orders"}]}

The explores are those that start from the view; where none does, those that join it. `view` inside one is the name
that the fields have there. What an explore has is asked first, so that a missing field is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from headway.connectors.fields import below, each, number, text
from headway.connectors.looker.site import NAME, Object, Site
from headway.connectors.protocol import Wanted
from headway.errors import ConfigError, HeadwayError, InputError, ServiceError
from headway.graph.model import Gap, Node, Origin, Reading
from headway.remote import Refused

TIMEOUT_SECONDS = 300.0
"""How long one query may take."""
ATTEMPTS = 2
"""A query that was not answered in time is asked once more."""
_MOST_IN_A_ROW = 2
"""Queries in a row without any answer: after these the server is taken to be down."""
_MOST_NAMED = 5
_ORIGIN = Origin(connector=NAME)
_FRAMES = {"day": "date", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
_ENDS = re.compile(r"_(raw|time|date|week|month|quarter|year)$")
_PLACE = re.compile(r"[\w:.-]+/[\w:.-]+")
_EQUAL = re.compile(r"\s*(?:(\w+)\.)?(\w+)\s*=\s*(?:'([^']*)'|(-?\d+(?:\.\d+)?)|(true|false))\s*", re.IGNORECASE)
_PLAIN = re.compile(r"[^\W_](?:(?:[^\W_]|[ .:/@&+-])*[^\W_])?")
"""Texts that a filter of Looker takes for themselves; commas, quotes, `%`, `_`, `^`, a leading `-` mean something."""
_WORDS = frozenset({"null", "empty", "blank", "not"})
"""What begins with one of these words is no text, either."""
_PERIOD = re.compile(r"(\d{4})(?:-Q([1-4])|-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?")


@dataclass(frozen=True, slots=True)
class Place:
    """One explore that has a measure, and the name that its view has there."""

    model: str
    explore: str
    view: str

    def __str__(self) -> str:
        return f"{self.model}/{self.explore}"


@dataclass(frozen=True, slots=True)
class Explores:
    """Which explore the measures of a view are asked of, where somebody said so."""

    by_view: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @staticmethod
    def of(said: Mapping[Any, Any]) -> Explores:
        """From `{orders: tea/orders}`. Raises ConfigError."""
        for view, place in said.items():
            if not isinstance(view, str) or not isinstance(place, str) or not _PLACE.fullmatch(place):
                raise ConfigError(
                    "option explores of looker is not views with a model and an explore each",
                    hint="explores: {orders: tea/orders}",
                )
        return Explores({view: tuple(place.split("/")) for view, place in said.items()})

    def place(self, metric: Node) -> Place:
        """Where a measure is asked. Raises InputError when that is not clear."""
        said = below(metric.meta, "looker")
        view = text(said, "view")
        places = [
            Place(text(one, "model"), text(one, "explore"), text(one, "view") or view) for one in each(said, "explores")
        ]
        if view in self.by_view:
            model, explore = self.by_view[view]
            there = [one for one in places if (one.model, one.explore) == (model, explore)]
            places = there or [Place(model, explore, view)]
        for telling in ("explore", "view"):  # the explore that is called like the view, then the join that is
            better = [one for one in places if getattr(one, telling) == view]
            places = better or places
        if len(places) == 1:
            return places[0]
        listed = ", ".join(map(str, places[:_MOST_NAMED]))
        raise InputError(
            f"several explores start from {view}: {listed}" if places else f"no explore of Looker has the view {view}",
            hint=f"name one in the looker source: `explores: {{{view}: {places[0] if places else 'model/explore'}}}`",
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What an explore has, as Looker says."""

    place: Place
    said: Object

    def kinds(self, kind: str) -> dict[str, str]:
        """Type of each of its dimensions or measures, by name."""
        return {name: text(one, "type") for one in each(self.said, "fields", kind) if (name := text(one, "name"))}

    def times(self) -> dict[str, dict[str, str]]:
        """The time dimensions of the view: name -> timeframe -> name of the field."""
        found: dict[str, dict[str, str]] = {}
        for one in each(self.said, "fields", "dimensions"):
            view, _, name = text(one, "name").partition(".")
            if view != self.place.view or not text(one, "type").startswith("date"):
                continue
            group = text(one, "dimension_group").rpartition(".")[2]
            if not group and "dimension_group" not in one and (ends := _ENDS.search(name)):
                group = name[: ends.start()]
            frame = name.removeprefix(f"{group}_") if group else "date"
            found.setdefault(group or name, {})[frame] = f"{view}.{name}"
        return found

    def always(self) -> dict[str, str]:
        """The filters that everybody gets who opens the explore."""
        return {text(one, "name"): text(one, "value") for one in each(self.said, "always_filter") if text(one, "name")}


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked for one key result."""

    place: Place
    measure: str
    period: str
    """The field that the period is in; '' for a single value."""
    filters: Mapping[str, str]
    rows: int
    """As many as there may be; one more is asked for, to see that there are none."""

    @property
    def body(self) -> dict[str, Any]:
        """As the API takes it."""
        fields = [self.period, self.measure] if self.period else [self.measure]
        return {
            "model": self.place.model,
            "view": self.place.explore,
            "fields": fields,
            "filters": dict(self.filters),
            "sorts": [f"{self.period} desc"] if self.period else [],
            "limit": str(self.rows + 1),
        }

    @property
    def proof(self) -> str:
        """The query as text."""
        return json.dumps(self.body, indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        named = [self.measure, *([self.period] if self.period else []), *self.filters]
        return f"{', '.join(dict.fromkeys(named))} in {self.place}"


class Evaluation:
    """Asks one Looker for the values of measures."""

    def __init__(self, site: Site, explores: Explores, now: datetime) -> None:
        self._site = site
        self._explores = explores
        self._now = now
        self._known: dict[tuple[str, str], _Known | HeadwayError] = {}
        self._in_a_row = 0

    def of(self, wanted: Wanted) -> Iterator[Reading | Gap]:
        """The readings of one key result, or a gap that says why there are none.

        Raises ServiceError when Looker does not take the credentials any more, or is taken to be down.
        """
        title = repr(wanted.title)
        try:
            place = self._explores.place(wanted.metric)
            query, dated = self._query(wanted, self._explore(place))
            values = _values(self._rows(query), query, wanted, dated=dated)
        except Refused as error:
            self._in_a_row = 0
            if error.status == 401:
                raise
            yield _gap(wanted, f"{title} has no value: {error.message}", error.hint)
        except ServiceError as error:
            self._in_a_row += 1
            if self._in_a_row >= _MOST_IN_A_ROW:
                raise
            yield _gap(wanted, f"{title} has no value: {error.message}", error.hint)
        except InputError as error:
            yield _gap(wanted, f"{title} has no value: {error.message}", error.hint)
        else:
            yield from self._records(wanted, query, values, title)

    def _records(
        self, wanted: Wanted, query: _Query, values: Mapping[date, float | None], title: str
    ) -> Iterator[Reading | Gap]:
        for day, value in sorted(values.items()):
            yield Reading(
                key_result=wanted.key_result,
                day=day,
                value=value,
                grain=wanted.grain,
                complete=wanted.periods.get(day, True),
                at=self._now,
                source=NAME,
                proof=query.proof,
                origin=_ORIGIN,
            )
        asked = f" from {wanted.start} to {wanted.end}"
        if not values:
            yield _gap(
                wanted, f"{title} has no rows{asked}", "is the data loaded, and do the conditions fit any of it?"
            )
        elif all(value is None for value in values.values()):
            yield _gap(wanted, f"{title} was computed, and Looker answered null{asked}")

    # --- asking ---------------------------------------------------------------------------------------------------

    def _explore(self, place: Place) -> _Known:
        """What an explore has, asked once."""
        key = place.model, place.explore
        if key not in self._known:
            try:
                path = f"lookml_models/{quote(place.model, safe='')}/explores/{quote(place.explore, safe='')}"
                self._known[key] = _Known(place, self._answered(path, place))
                self._in_a_row = 0
            except Refused as error:
                self._known[key] = error if error.status != 404 else _not_there(place)
            except InputError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, HeadwayError):
            raise found
        return _Known(place, found.said)

    def _answered(self, path: str, place: Place) -> Object:
        answer = self._site.get(path)
        if not isinstance(answer, dict) or not isinstance(answer.get("fields"), dict):
            raise InputError(f"Looker does not say which fields {place} has")
        return answer

    def _rows(self, query: _Query) -> list[Object]:
        """The rows of a query. Raises ServiceError, and InputError for an answer that is none."""
        try:
            answer = self._site.run("readings", query.body)
        except Refused as error:
            if error.status not in {400, 404, 422}:
                raise
            raise InputError(
                f"Looker does not accept a query of {query} ({error.status})",
                hint=f"try it in the explore {query.place}",
            ) from None
        self._in_a_row = 0
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise InputError(f"Looker gave no rows for {query}")
        # what Looker says of a query that failed comes as a row; it quotes SQL, and so is not repeated
        if any("looker_error" in row for row in answer):
            raise InputError(f"Looker could not run a query of {query}", hint=f"try it in the explore {query.place}")
        return answer

    @staticmethod
    def _query(wanted: Wanted, known: _Known) -> tuple[_Query, bool]:
        """What is asked, and whether it is dated. Raises InputError for what the explore cannot be asked."""
        place = known.place
        measure = f"{place.view}.{text(wanted.metric.meta, 'looker', 'measure')}"
        if measure not in known.kinds("measures"):
            raise InputError(
                f"the explore {place} has no measure {measure}", hint="is it deployed, and does the explore show it?"
            )
        period, bound = _dated(wanted, known)
        filters = known.always()
        said = {bound}
        if bound:
            filters[bound] = f"{wanted.start} to {wanted.end + timedelta(days=1)}"  # the second day is not among them
        dimensions = known.kinds("dimensions")
        for condition in wanted.filters:
            name, value = _filter(condition, place, dimensions)
            if name in said:
                raise InputError(f"two conditions are on {name}, and a query of Looker takes one")
            said.add(name)
            filters[name] = value
        return _Query(place, measure, period, filters, len(wanted.periods) or 1), bool(bound)


def _not_there(place: Place) -> InputError:
    return InputError(f"Looker has no explore {place}, or does not show it to this API user (404)")


def _gap(wanted: Wanted, message: str, hint: str = "") -> Gap:
    return Gap(topic="values", message=message, node=wanted.key_result, hint=hint, origin=_ORIGIN)


def _dated(wanted: Wanted, known: _Known) -> tuple[str, str]:
    """(field of the period, field that keeps the days); '' for each that is not asked. Raises InputError."""
    times, place = known.times(), known.place
    listed = ", ".join(sorted(times)) or "none"
    if wanted.time and wanted.time not in times:
        raise InputError(f"{place} has no time dimension {wanted.time!r} in {place.view}", hint=f"it has {listed}")
    if not wanted.time and len(times) > 1:
        hint = f"name one, as in `time: {min(times)}`"
        raise InputError(f"the measure has several time dimensions: {listed}", hint=hint)
    if not times:
        if wanted.grain:
            raise InputError(f"{place} has no time dimension in {place.view}, so it has no value by {wanted.grain}")
        return "", ""
    name = wanted.time or next(iter(times))
    frames = times[name]
    bound = frames.get("date") or frames.get("time") or ""
    period = frames.get(_FRAMES.get(wanted.grain, ""), "")
    for missing, frame in ((not bound, "date"), (wanted.grain and not period, _FRAMES.get(wanted.grain, ""))):
        if missing:
            raise InputError(
                f"{place} has no field {place.view}.{name}_{frame}", hint=f"add {frame} to the timeframes of {name}"
            )
    return period, bound


def _filter(condition: str, place: Place, dimensions: Mapping[str, str]) -> tuple[str, str]:
    """A condition as a field and a filter expression. Raises InputError where Looker cannot be told the same."""
    found = _EQUAL.fullmatch(condition)
    if found is None:
        raise InputError(
            "a condition is not `field = value`, which is all that can be asked of Looker",
            hint="make a measure with that filter in LookML",
        )
    view, short, written, digits, truth = found.groups()
    name = f"{view or place.view}.{short}"
    kind = dimensions.get(name)
    if kind is None:
        raise InputError(f"a condition is on {name}, which is no dimension of {place}")
    if kind == "yesno" and truth:
        return name, "Yes" if truth.lower() == "true" else "No"
    if kind == "number" and digits:
        return name, digits
    value = written if written is not None else digits
    if kind in {"string", "zipcode"} and value and _PLAIN.fullmatch(value) and value.lower().split()[0] not in _WORDS:
        return name, value
    raise InputError(
        f"a condition on {name}, of type {kind or '?'}, has a value that a filter of Looker would read otherwise",
        hint="make a measure with that filter in LookML",
    )


# --- answers ---------------------------------------------------------------------------------------------------------


def _values(rows: Sequence[Object], query: _Query, wanted: Wanted, *, dated: bool) -> dict[date, float | None]:
    """Value by first day of the period, or the one value by the last day. Raises InputError."""
    if len(rows) > query.rows:
        raise InputError(f"Looker gives more than {query.rows:,} rows for {query}: there are not so many periods")
    values: dict[date, float | None] = {}
    for row in rows:
        if query.measure not in row:
            raise InputError(f"the answer of Looker has no {query.measure}")
        value = None if row[query.measure] is None else number(row, query.measure)
        if value is None and row[query.measure] is not None:
            raise InputError(f"Looker gives {query.measure} as something that is not a number")
        if not query.period:
            values[wanted.end if dated else wanted.as_of] = value
            continue
        if row.get(query.period) is None:
            continue  # rows without a time
        day = _first_day(text(row, query.period), query.period)
        if day not in wanted.periods:
            raise InputError(
                f"Looker gives a {wanted.grain} that begins on {day}, which none does that was asked for",
                hint="weeks are to begin on Monday, and years in January",
            )
        if day in values:
            raise InputError(f"Looker gives two values for {day}")
        values[day] = value
    return values


def _first_day(written: str, named: str) -> date:
    """The first day of `2026-11-22`, `2026-11`, `2026-Q4` or `2026`. Raises InputError."""
    found = _PERIOD.fullmatch(written)
    try:
        if found is not None:
            year, quarter, month, day = found.groups()
            return date(int(year), int(quarter) * 3 - 2 if quarter else int(month or 1), int(day or 1))
    except ValueError:
        pass
    raise InputError(f"Looker gives {named} as something that is not a day or a period")
