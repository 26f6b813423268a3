"""From groups of statements to relations: names completed, temporary tables seen through, amounts shared out.

Amounts are whole numbers in columns of NumPy, so that a year of a busy warehouse takes seconds and no sum hangs on an
order. They are machine words, unless something is so large that only Python's own numbers hold it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from headway.warehouse.history.sqltext import Parsed, parts_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Whole = NDArray[Any]
    """Whole numbers: int64, or Python's own where those are too small."""

_SUFFIX = re.compile(r"__dbt_(tmp|backup|new_data|stg)\w*$")
_SYSTEM = frozenset({"information_schema", "pg_catalog", "pg_toast", "account_usage", "sys"})
_SYSTEM_DATABASES = frozenset({"snowflake", "system"})
_MACHINES = frozenset({"service", "scheduled", "dbt"})
_MOST = 2.0**62


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Who read something, as records may say it. There is one object for each; they are compared as such."""

    person_class: str
    tool: str
    person: str


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What groups of statements have in common. There is one object for each; they are compared as such."""

    key: str
    reader: Reader
    database: str
    schema: str
    session: str
    """Hash of the login, to tell whose temporary tables are meant."""
    node: str
    """dbt's unique id of what was built; '' when it was not dbt, or did not say."""
    dashboard: str
    """Id of a dashboard's node, or ''."""


GRAINS: Mapping[str, int] = {"seconds": 1_000_000_000, "bytes": 1, "cost": 1_000_000_000}
"""How finely amounts are counted: in whole parts of one, so that sums do not hang on the order they are added in."""
MEASURES: Mapping[str, int] = {"queries": 1, **GRAINS}


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums by group and day, sorted by both: one place in all columns is one pair."""

    groups: Sequence[Group]
    group: Whole
    """Places in `groups`."""
    day: Whole
    """Days as `date.toordinal` counts them."""
    amounts: Sequence[Whole]
    """Queries, seconds, bytes, cost, in grains; none is negative."""


class Series(NamedTuple):
    """Amounts of one node, relation or column by one reader, by day."""

    node: str
    relation: str
    column: str
    reader: Reader
    days: list[date]
    amounts: list[list[float]]
    """Queries, seconds, bytes, cost, each by day."""


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """What a statement comes to, names completed."""

    reads: tuple[tuple[str, tuple[str, ...]], ...]
    builds: tuple[str, ...]
    building: bool


class _Shares:
    """Which sums go to which series: of each, whether its queries count, and which share of the rest."""

    def __init__(self) -> None:
        self.source: list[int] = []
        self.target: list[int] = []
        self.queries: list[int] = []
        self.place: list[int] = []
        self.number: list[int] = []

    def add(self, source: int, target: int, queries: int = 1, share: tuple[int, int] = (0, 0)) -> None:
        """`share` is a place among so many equal shares; none of 0."""
        self.source.append(source)
        self.target.append(target)
        self.queries.append(queries)
        self.place.append(share[0])
        self.number.append(share[1])


class Relations:
    """Groups of statements with what each statement reads, joined."""

    def __init__(self, sums: Sums, parsed: Mapping[str, Parsed]) -> None:
        self._sums = sums
        self._parsed = parsed
        self._uses: dict[tuple[str, str, str, str], _Use] = {}
        self._machines: dict[Reader, Reader] = {}
        self._nobody: dict[str, Reader] = {}
        self._temporary: dict[str, set[str]] = defaultdict(set)
        for group in sums.groups:
            known = parsed.get(group.key)
            if known is not None and known.temporary:
                self._temporary[group.session].update(known.temporary)
        self._targets: dict[tuple[str, str, str, Reader], int] = {}
        self._pairs: dict[tuple[_Use, Reader], int] = {}

    def series(self, first: date | None) -> Iterator[Series]:
        """Everything from a day on, sorted by node, relation, column, reader and day."""
        import numpy as np

        if first is None:
            return
        kept = self._sums.day >= first.toordinal()
        group, day = self._sums.group[kept], self._sums.day[kept]
        amounts = [amount[kept] for amount in self._sums.amounts]
        if not len(group):
            return
        whole, by_pair = _Shares(), _Shares()
        for number, each in enumerate(self._sums.groups):
            self._one(number, each, whole, by_pair)
        places = np.arange(len(self._sums.groups) + 1)
        found = [_spread(whole, np.searchsorted(group, places), day, amounts)]
        pair, pair_day, [asked, *_] = summed(*_spread(by_pair, np.searchsorted(group, places), day, amounts[:1]))
        columns = _Shares()
        for (use, reader), number in self._pairs.items():
            for relation, names in use.reads:
                for column in names:
                    columns.add(number, self._target("", relation, column, reader))
        none = np.zeros_like(asked)
        places = np.arange(len(self._pairs) + 1)
        found.append(_spread(columns, np.searchsorted(pair, places), pair_day, [asked, none, none, none]))
        yield from self._told(
            *summed(
                np.concatenate([target for target, _, _ in found]),
                np.concatenate([days for _, days, _ in found]),
                [np.concatenate(both) for both in zip(*(sums for _, _, sums in found), strict=True)],
            )
        )

    def _told(self, target: Whole, day: Whole, amounts: Sequence[Whole]) -> Iterator[Series]:
        import numpy as np

        named = list(self._targets)
        order = sorted(range(len(named)), key=lambda n: (*named[n][:3], *_sorting(named[n][3])))
        cuts = np.searchsorted(target, np.arange(len(named) + 1)).tolist()
        known: dict[int, date] = {number: date.fromordinal(number) for number in np.unique(day).tolist()}
        days = [known[number] for number in day.tolist()]
        listed = [(amount / parts).tolist() for amount, parts in zip(amounts, MEASURES.values(), strict=True)]
        for number in order:
            start, end = cuts[number], cuts[number + 1]
            if end > start:
                yield Series(*named[number], days[start:end], [amount[start:end] for amount in listed])

    def _target(self, node: str, relation: str, column: str, reader: Reader) -> int:
        """The number of a series."""
        return self._targets.setdefault((node, relation, column, reader), len(self._targets))

    def _one(self, number: int, group: Group, whole: _Shares, by_pair: _Shares) -> None:
        """Where the sums of a group go: to nodes and relations, and to pairs of what is read and a class of readers."""
        reader = group.reader
        if group.dashboard:
            whole.add(number, self._target(group.dashboard, "", "", reader))
        if group.node:
            whole.add(number, self._target(group.node, "", "", reader), share=(0, 1))
            return
        use = self._use(group)
        if use.building:
            for place, relation in enumerate(use.builds):
                whole.add(number, self._target("", relation, "", reader), 0, (place, len(use.builds)))
            if reader.person_class == "dbt":
                return
            reader = self._machine(reader)
        for place, (relation, _) in enumerate(use.reads):
            share = (0, 0) if use.building else (place, len(use.reads))
            whole.add(number, self._target("", relation, "", reader), share=share)
        if reader.person_class != "dbt" and use.reads:
            # columns are told by class only: by person they would be more rows than all others together
            nobody = self._nobody.setdefault(reader.person_class, Reader(reader.person_class, "", ""))
            by_pair.add(number, self._pairs.setdefault((use, nobody), len(self._pairs)))

    def _machine(self, reader: Reader) -> Reader:
        """The reader, as a service unless it is a machine already."""
        if reader.person_class in _MACHINES:
            return reader
        if reader not in self._machines:
            self._machines[reader] = Reader("service", reader.tool, reader.person)
        return self._machines[reader]

    def _use(self, group: Group) -> _Use:
        key = (group.key, group.database, group.schema, group.session if self._temporary else "")
        found = self._uses.get(key)
        if found is None:
            found = self._uses[key] = self._completed(group)
        return found

    def _completed(self, group: Group) -> _Use:
        known = self._parsed.get(group.key, Parsed())
        temporary = self._temporary.get(group.session, ())
        reads: dict[str, set[str]] = defaultdict(set)
        for written, columns in known.reads.items():
            if relation := _relation(written, group, temporary):
                reads[relation].update(columns)
        builds = {_relation(written, group, temporary) for written in known.builds}
        for built in builds:
            reads.pop(built, None)  # what is read to be changed is not a source
        whole = tuple((relation, tuple(sorted(columns))) for relation, columns in sorted(reads.items()))
        # what only changes a temporary table builds nothing that stays
        real = bool(builds - {""}) or "" in known.builds
        return _Use(whole, tuple(sorted(builds - {""})), real)


def _relation(written: str, group: Group, temporary: set[str] | tuple[str, ...]) -> str:
    """The whole name of a relation; '' for a temporary or a system table."""
    parts = parts_of(written)
    name = _SUFFIX.sub("", parts[-1])
    if not name or (len(parts) == 1 and name in temporary):
        return ""
    schema = parts[-2] if len(parts) > 1 else group.schema.lower()
    database = parts[-3] if len(parts) > 2 else group.database.lower()
    if schema in _SYSTEM or database in _SYSTEM_DATABASES or (len(parts) == 1 and name.startswith(("pg_", "duckdb_"))):
        return ""
    return ".".join(part for part in (database if schema else "", schema, name) if part)


def _sorting(reader: Reader) -> tuple[str, str, str]:
    return reader.person_class, reader.tool, reader.person


def _spread(shares: _Shares, cuts: Whole, day: Whole, amounts: Sequence[Whole]) -> tuple[Whole, Whole, list[Whole]]:
    """Targets, days and amounts of the shares of sums; those of source n are between `cuts` n and n + 1.

    What is left over by a division goes to the first shares, a grain each, so that the shares sum to the whole.
    """
    import numpy as np

    source = np.array(shares.source, np.int64)
    lengths = (cuts[1:] - cuts[:-1])[source]
    share = np.repeat(np.arange(len(source)), lengths)
    rows = np.arange(len(share)) + np.repeat(cuts[source] - (np.cumsum(lengths) - lengths), lengths)
    queries, place, number = (
        np.array(column, np.int64)[share] for column in (shares.queries, shares.place, shares.number)
    )
    rest = [np.where(number > 0, (a[rows] + (number - 1 - place)) // np.maximum(number, 1), 0) for a in amounts[1:]]
    return np.array(shares.target, np.int64)[share], day[rows], [amounts[0][rows] * queries, *rest]


def summed(one: Whole, other: Whole, amounts: Sequence[Whole]) -> tuple[Whole, Whole, list[Whole]]:
    """Amounts added up by pairs of numbers, sorted by both."""
    import numpy as np

    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    starts = np.flatnonzero(np.concatenate(([True], (one[1:] != one[:-1]) | (other[1:] != other[:-1])))[: len(one)])
    if not len(starts):
        return one, other, list(amounts)
    return one[starts], other[starts], [np.add.reduceat(_roomy(amount)[order], starts) for amount in amounts]


def earliest(one: Whole, other: Whole, moments: Whole) -> Whole:
    """The first of the moments of each pair of numbers, in the order of `summed`."""
    import numpy as np

    order = np.lexsort((moments, other, one))
    one, other = one[order], other[order]
    starts = np.flatnonzero(np.concatenate(([True], (one[1:] != one[:-1]) | (other[1:] != other[:-1])))[: len(one)])
    return moments[order][starts]


def _roomy(amounts: Whole) -> Whole:
    """Numbers whose sum fits their type."""
    import numpy as np

    fits = amounts.dtype == object or float(np.sum(amounts, dtype=np.float64)) < _MOST
    return amounts if fits else amounts.astype(object)


def whole_numbers(amounts: NDArray[np.float64]) -> Whole:
    """Doubles that are whole, as whole numbers."""
    import numpy as np

    if float(amounts.max(initial=0.0)) < _MOST:
        return amounts.astype(np.int64)
    return np.array([int(amount) for amount in amounts.tolist()], object)
