"""From groups of statements to relations: names completed, temporary tables seen through, amounts shared out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from headway.warehouse.history.sqltext import Parsed, parts_of

_SUFFIX = re.compile(r"__dbt_(tmp|backup|new_data|stg)\w*$")
_SYSTEM = frozenset({"information_schema", "pg_catalog", "pg_toast", "account_usage", "sys"})
_SYSTEM_DATABASES = frozenset({"snowflake", "system"})
_MACHINES = frozenset({"service", "scheduled", "dbt"})


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


Sums = list[int]
"""queries, seconds, bytes, cost, the last three in grains (see GRAINS); none is negative."""

GRAINS: Mapping[str, int] = {"seconds": 1_000_000_000, "bytes": 1, "cost": 1_000_000_000}
"""How finely amounts are counted: in whole parts of one, so that sums do not hang on the order they are added in."""
_PARTS = (1, *GRAINS.values())


class Row(NamedTuple):
    """Amounts of one node, relation or column on one day by one reader: queries, seconds, bytes, cost."""

    node: str
    relation: str
    column: str
    day: date
    reader: Reader
    sums: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """What a statement comes to, names completed."""

    reads: tuple[tuple[str, tuple[str, ...]], ...]
    builds: tuple[str, ...]
    building: bool


class Relations:
    """Groups of statements with what each statement reads, joined."""

    def __init__(self, groups: Mapping[Group, Mapping[date, Sums]], parsed: Mapping[str, Parsed]) -> None:
        self._groups = groups
        self._parsed = parsed
        self._uses: dict[tuple[str, str, str, str], _Use] = {}
        self._machines: dict[Reader, Reader] = {}
        self._nobody: dict[str, Reader] = {}
        self._temporary: dict[str, set[str]] = defaultdict(set)
        for group in groups:
            known = parsed.get(group.key)
            if known is not None and known.temporary:
                self._temporary[group.session].update(known.temporary)
        self._totals: dict[tuple[str, str, str, Reader], dict[date, Sums]] = defaultdict(dict)

    def rows(self, first: date | None) -> Iterator[Row]:
        """Everything from a day on, sorted."""
        by_column: dict[tuple[_Use, Reader], dict[date, Sums]] = defaultdict(dict)
        for group, days in self._groups.items():
            counted = {day: sums for day, sums in days.items() if first is not None and day >= first}
            self._one(group, counted, by_column)
        for (use, reader), days in by_column.items():
            for relation, columns in use.reads:
                for column in columns:
                    _add(self._totals["", relation, column, reader], days, 1, None)
        order = sorted(self._totals, key=lambda k: (*k[:3], k[3].person_class, k[3].tool, k[3].person))
        for key in order:
            node, relation, column, reader = key
            days = self._totals.pop(key)
            for day in sorted(days):
                amounts = tuple(amount / parts for amount, parts in zip(days[day], _PARTS, strict=True))
                yield Row(node, relation, column, day, reader, amounts)

    def _one(
        self,
        group: Group,
        days: Mapping[date, Sums],
        by_column: dict[tuple[_Use, Reader], dict[date, Sums]],
    ) -> None:
        reader = group.reader
        if group.dashboard:
            _add(self._totals[group.dashboard, "", "", reader], days, 1, None)
        if group.node:
            _add(self._totals[group.node, "", "", reader], days, 1, (0, 1))
            return
        use = self._use(group)
        if use.building:
            for place, relation in enumerate(use.builds):
                _add(self._totals["", relation, "", reader], days, 0, (place, len(use.builds)))
            if reader.person_class == "dbt":
                return
            reader = self._machine(reader)
        for place, (relation, _) in enumerate(use.reads):
            share = None if use.building else (place, len(use.reads))
            _add(self._totals["", relation, "", reader], days, 1, share)
        if reader.person_class != "dbt":
            # columns are told by class only: by person they would be more rows than all others together
            nobody = self._nobody.setdefault(reader.person_class, Reader(reader.person_class, "", ""))
            _add(by_column[use, nobody], days, 1, None)

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


def _add(totals: dict[date, Sums], days: Mapping[date, Sums], queries: int, share: tuple[int, int] | None) -> None:
    """Add the queries so many times, and one equal share of the rest, of each day.

    `share` is its place among how many: what is left over by the division goes to the first ones, a grain each, so that
    the shares sum to the whole.
    """
    for day, (count, *rest) in days.items():
        before = totals.setdefault(day, [0, 0, 0, 0])
        before[0] += count * queries
        if share is not None:
            place, number = share
            for position, amount in enumerate(rest, 1):
                before[position] += (amount + number - 1 - place) // number
