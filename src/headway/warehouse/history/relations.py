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


@dataclass(frozen=True, slots=True)
class Reader:
    """Who read something, as records may say it."""

    person_class: str
    tool: str
    person: str


@dataclass(frozen=True, slots=True)
class Group:
    """What groups of statements have in common."""

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


Sums = list[float]
"""queries, seconds, bytes, cost; a negative number of seconds, bytes or cost does not occur."""


class Row(NamedTuple):
    """Amounts of one node, relation or column on one day by one reader."""

    node: str
    relation: str
    column: str
    day: date
    reader: Reader
    sums: Sums


class _Use(NamedTuple):
    """What a statement comes to, names completed."""

    reads: tuple[tuple[str, tuple[str, ...]], ...]
    builds: tuple[str, ...]
    building: bool


class Relations:
    """Groups of statements with what each statement reads, joined."""

    def __init__(self, groups: Mapping[tuple[Group, date], Sums], parsed: Mapping[str, Parsed]) -> None:
        self._groups = groups
        self._parsed = parsed
        self._uses: dict[tuple[str, str, str, str], _Use] = {}
        self._temporary: dict[str, set[str]] = defaultdict(set)
        for group, _ in groups:
            known = parsed.get(group.key)
            if known is not None and known.temporary:
                self._temporary[group.session].update(known.temporary)
        self._totals: dict[tuple[str, str, str, date, Reader], Sums] = {}

    def rows(self, first: date | None) -> Iterator[Row]:
        """Everything from a day on, sorted."""
        by_column: dict[tuple[Group, date], float] = defaultdict(float)
        for (group, day), sums in self._groups.items():
            if first is None or day < first:
                continue
            self._one(group, day, sums)
            if group.reader.person_class != "dbt":
                # columns are told by class only: by person they would be more rows than all others together
                by_column[_anonymous(group), day] += sums[0]
        for (group, day), queries in by_column.items():
            self._columns(group, day, queries)
        order = sorted(self._totals, key=lambda k: (k[0], k[1], k[2], k[3], k[4].person_class, k[4].tool, k[4].person))
        for key in order:
            yield Row(*key, self._totals[key])

    def _one(self, group: Group, day: date, sums: Sums) -> None:
        if group.dashboard:
            self._put(group.dashboard, "", day, group.reader, [sums[0], 0.0, 0.0, 0.0])
        if group.node:
            self._put(group.node, "", day, group.reader, sums)
            return
        use = self._use(group)
        reader = group.reader
        if not use.building:
            share = max(1, len(use.reads))
            for relation, _ in use.reads:
                self._put("", relation, day, reader, [sums[0], *(amount / share for amount in sums[1:])])
            return
        share = max(1, len(use.builds))
        for relation in use.builds:
            self._put("", relation, day, reader, [0.0, *(amount / share for amount in sums[1:])])
        if reader.person_class != "dbt":
            for relation, _ in use.reads:
                self._put("", relation, day, _machine(reader), [sums[0], 0.0, 0.0, 0.0])

    def _columns(self, group: Group, day: date, queries: float) -> None:
        use = self._use(group)
        reader = _machine(group.reader) if use.building else group.reader
        for relation, columns in use.reads:
            for column in columns:
                self._put("", relation, day, reader, [queries, 0.0, 0.0, 0.0], column)

    def _put(self, node: str, relation: str, day: date, reader: Reader, sums: Sums, column: str = "") -> None:
        totals = self._totals.setdefault((node, relation, column, day, reader), [0.0, 0.0, 0.0, 0.0])
        for position, amount in enumerate(sums):
            totals[position] += amount

    def _use(self, group: Group) -> _Use:
        key = (group.key, group.database, group.schema, group.session)
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


def _machine(reader: Reader) -> Reader:
    """The reader, as a service unless it is a machine already."""
    if reader.person_class in _MACHINES:
        return reader
    return type(reader)("service", reader.tool, reader.person)


def _anonymous(group: Group) -> Group:
    """The group with nobody in particular."""
    reader = type(group.reader)(group.reader.person_class, "", "")
    return type(group)(group.key, reader, group.database, group.schema, group.session, group.node, "")
