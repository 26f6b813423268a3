"""What BI tools hold, in one shape, and the records that it becomes.

A connector says what there is as `Item`s (a dashboard, a chart, a dataset, a metric, and what each of them reads) and
who opened it as `View`s. From here on all tools are alike: ids are `<tool>:<kind>.<key>`, tables are references that
the graph links to nodes, SQL is parsed to the tables and columns that it reads and then forgotten, people are hashes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from headway.errors import MissingExtra
from headway.graph.aggregates import aggregate
from headway.graph.column_scope import TableName
from headway.graph.columns import Resolved, Schema, expression_sources, resolve
from headway.graph.model import (
    AnyRecord,
    ColumnLineage,
    ColumnSource,
    Edge,
    Gap,
    Node,
    Observation,
    Origin,
    PersonClass,
)
from headway.people import Classes, People
from headway.sql import Unparsed, trees

Kind = Literal["dashboard", "chart", "dataset", "metric"]

RELOAD_SECONDS = 30.0
"""Who opens the same thing again within this many seconds has reloaded it."""

_MOST_EXAMPLES = 3
_TABLE = "ref:table/"
_MODEL = "ref:model/"
_LONGEST_NAME = 300
_LONGEST_TEXT = 4_000
_LONGEST_SQL = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing of a BI tool."""

    kind: Kind
    key: str
    """What the tool knows it by among its kind, as in its own URLs and query tags: a number, a uuid, `view.measure`."""
    title: str = ""
    name: str = ""
    """A stable name for commands, such as a slug; '' takes the title, or the key."""
    reads: tuple[str, ...] = ()
    """Other items of this tool that data comes from, as `<kind>.<key>`: a dashboard its charts, a chart its dataset."""
    tables: tuple[str, ...] = ()
    """Relations that it reads, as the tool names them: `catalog.schema.table`, or fewer parts."""
    sql: str = ""
    """A query that it reads through instead, its templating already taken out. It is parsed and not kept."""
    dialect: str = ""
    """sqlglot's name of the SQL in `sql` and `computed`."""
    default: tuple[str, str] = ("", "")
    """Catalog and schema of names in `sql` that do not say theirs."""
    stands_for: Mapping[str, str] = field(default_factory=dict)
    """Names of tables in `sql`, lower case, that are items of this tool, as `<kind>.<key>`."""
    columns: tuple[str, ...] | None = None
    """For a dataset: its columns that come straight from what it reads, under the same name; None when not known."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """Name of an output (a measure, a calculated column) -> SQL expression over the columns of what it reads."""
    traced: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Name of an output -> what it is made from, where the tool itself says so: pairs of one of `reads` or `tables` and
    a column of it. Goes before `columns` and `computed`."""
    offers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Columns, lower case, of those of its `tables` and `reads` where they are known: they tell which one is meant."""
    rows: tuple[str, ...] = ()
    """SQL expressions, or columns, that decide which rows there are: filters, groupings."""
    models: tuple[str, ...] = ()
    """Models that it reads, where the tool knows them by their name in the dbt project and not by a relation."""
    traced_rows: tuple[tuple[str, str], ...] = ()
    """What decides which rows there are, where the tool itself says so: pairs as in `traced`."""
    owner: str = ""
    url: str = ""
    path: str = ""
    """Folder, collection or file that it lies in."""
    description: str = ""
    tags: tuple[str, ...] = ()
    created: date | None = None
    archived: bool = False
    """Switched off in the tool: known, but never counted as an asset."""
    outside: bool = False
    """Embedded, public, or sent to subscribers: somebody depends on it without opening it."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What Headway itself needs to know of it, such as how a measure is computed."""
    file: str = ""
    line: int = 0

    @property
    def reference(self) -> str:
        """`<kind>.<key>`, as `reads` names it."""
        return f"{self.kind}.{self.key}"


def item_id(tool: str, reference: str) -> str:
    """Id of the node that `<kind>.<key>` of a tool is."""
    return f"{tool}:{reference}"


def records(tool: str, connector: str, items: Sequence[Item]) -> Iterator[AnyRecord]:
    """Nodes, edges and column lineage of everything a tool holds, in the order given, then the gaps.

    An item that is read but not among `items` is left out and counted in a gap; of items with the same reference the
    first counts. SQL that cannot be followed makes a gap with the item as its node, and its tables are still linked
    where the parser got that far. Without sqlglot one gap says that queries were not followed.
    """
    known: dict[str, Item] = {}
    for item in items:
        known.setdefault(item.reference, item)
    followed = _Followed()
    missing: dict[str, list[str]] = defaultdict(list)
    for item in known.values():
        origin = Origin(connector=connector, file=item.file, line=item.line)
        found = followed.item(item)
        yield _node(tool, item, origin)
        for reference in dict.fromkeys((*item.reads, *found.items)):
            if reference not in known:
                missing[reference].append(item.reference)
            elif reference != item.reference:
                upstream = item_id(tool, reference)
                yield Edge(upstream=upstream, downstream=item_id(tool, item.reference), origin=origin)
        evidence: Literal["parsed", "matched"] = "parsed" if item.sql else "matched"
        for table in dict.fromkeys((*item.tables, *found.tables)):
            end = item_id(tool, item.reference)
            yield Edge(upstream=_TABLE + table, downstream=end, evidence=evidence, origin=origin)
        for model in dict.fromkeys(item.models):
            end = item_id(tool, item.reference)
            yield Edge(upstream=_MODEL + model, downstream=end, evidence="matched", origin=origin)
        lineage = _lineage(tool, item, found, known, origin)
        if lineage is not None:
            yield lineage
        if found.problem:
            yield Gap(
                topic="lineage",
                message=f"the query of {item.kind} {_line(item.title) or item.key!r} could not be followed: "
                + found.problem,
                node=item_id(tool, item.reference),
                origin=origin,
            )
    if missing:
        examples = ", ".join(f"{name} (read by {users[0]})" for name, users in list(missing.items())[:_MOST_EXAMPLES])
        yield Gap(
            topic="lineage",
            message=f"{len(missing):,} of the things that {tool} names are not in what it gave: {examples}",
            origin=Origin(connector=connector),
        )
    if followed.missing_extra:
        yield Gap(
            topic="lineage",
            message=f"{followed.missing_extra:,} queries of {tool} were not followed: no SQL parser is installed",
            hint="pip install 'headway[bi]'",
            origin=Origin(connector=connector),
        )


def _line(text: str, most: int = _LONGEST_NAME) -> str:
    """Text from outside on one line of bounded length, with nothing in it that cannot be printed or encoded."""
    whole = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return whole if len(whole) <= most else whole[: most - 3] + "..."


def _text(text: str) -> str:
    """Text of several lines, otherwise as `_line`."""
    lines = (_line(line, _LONGEST_TEXT) for line in text[: 4 * _LONGEST_TEXT].splitlines())
    whole = "\n".join(lines).strip()
    return whole if len(whole) <= _LONGEST_TEXT else whole[: _LONGEST_TEXT - 3] + "..."


def _node(tool: str, item: Item, origin: Origin) -> Node:
    title = _line(item.title)
    name = _line(item.name) or title or item.key
    return Node(
        id=item_id(tool, item.reference),
        kind=item.kind,
        name=name,
        title=title if title != name else "",
        owner=_line(item.owner),
        owner_origin=tool if item.owner else "",
        tags=item.tags,
        url=item.url,
        path=_line(item.path, _LONGEST_TEXT),
        description=_text(item.description),
        disabled=item.archived,
        created=item.created,
        outside=item.outside,
        aggregates=tuple(dict.fromkeys(a for text in item.computed.values() if (a := aggregate(text, item.dialect)))),
        meta=dict(item.meta),
        origin=origin,
    )


# --- SQL -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Query:
    """What a query reads; empty for an item without one."""

    tables: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    """`<kind>.<key>` of what it reads of the tool itself."""
    resolved: Resolved | None = None
    problem: str = ""


class _Followed:
    """Follows queries, as long as there is a parser."""

    def __init__(self) -> None:
        self.missing_extra = 0

    def item(self, item: Item) -> _Query:
        if not item.sql.strip():
            return _Query()
        if len(item.sql) > _LONGEST_SQL:
            return _Query(problem=f"it is longer than {_LONGEST_SQL:,} characters")
        try:
            found = resolve(item.sql, dialect=item.dialect, schema=Schema(), default=item.default)
        except MissingExtra:
            self.missing_extra += 1
            return _Query()
        written = [name for name, _ in found.reads] if not found.problem else _tables(item.sql, item.dialect)
        items = tuple(dict.fromkeys(ref for name in written if (ref := _stands_for(item, name))))
        tables = (
            ".".join(filter(None, _completed(name, item.default))) for name in written if not _stands_for(item, name)
        )
        return _Query(tuple(dict.fromkeys(tables)), items, found, found.problem)


def _stands_for(item: Item, table: TableName) -> str:
    """The item that a table in its SQL stands for; '' for a table that is one."""
    catalog, schema, name = table
    return item.stands_for.get(name.lower(), "") if (catalog, schema) in (("", ""), item.default) else ""


def _tables(sql: str, dialect: str) -> list[TableName]:
    """Tables that SQL names which parses but could not be followed, such as a script; none where it does not parse."""
    from sqlglot import exp

    try:
        found = trees(sql, dialect)
    except Unparsed:
        return []
    own = {cte.alias.lower() for tree in found for cte in tree.find_all(exp.CTE)}
    names = [(t.catalog, t.db, t.name) for tree in found for t in tree.find_all(exp.Table) if t.name]
    return sorted({n for n in names if n[1] or n[2].lower() not in own})


def _completed(written: tuple[str, str, str], default: tuple[str, str]) -> tuple[str, str, str]:
    """A name with the default catalog and schema where it does not say its own."""
    catalog, schema, name = written
    if not schema:
        return (catalog or default[0], default[1], name)
    return (catalog or default[0], schema, name)


def _lineage(tool: str, item: Item, found: _Query, known: Mapping[str, Item], origin: Origin) -> ColumnLineage | None:
    """Which columns of what it reads each output of an item is made from; None where there is nothing to say."""
    if item.kind == "dashboard":
        return None
    node = item_id(tool, item.reference)
    if found.problem:
        return ColumnLineage(node=node, problem=found.problem, origin=origin)
    if found.resolved is not None:
        return _of_query(tool, item, found.resolved, known, origin)
    reads = [r for r in dict.fromkeys(item.reads) if r in known and r != item.reference]
    sources = [(r, item_id(tool, r)) for r in reads]
    sources += [(table, _TABLE + table) for table in dict.fromkeys(item.tables)]
    sources += [(model, _MODEL + model) for model in dict.fromkeys(item.models)]
    if not sources or (item.columns is None and not (item.computed or item.traced or item.traced_rows)):
        return None
    ends = dict(sources)

    def of(names: Iterable[str]) -> tuple[ColumnSource, ...]:
        return tuple(source for name in names for source in _offered(item, sources, name.lower()))

    columns = {name.lower(): of([name]) for name in item.columns or ()}
    for name, expression in item.computed.items():
        columns[name.lower()] = of(_names(expression, item.dialect))

    def traced(pairs: Iterable[tuple[str, str]]) -> tuple[ColumnSource, ...]:
        return tuple(ColumnSource(ends[end], column.lower()) for end, column in dict.fromkeys(pairs) if end in ends)

    for name, pairs in item.traced.items():
        columns[name.lower()] = traced(pairs)
    shape = of(dict.fromkeys(name for text in item.rows for name in _names(text, item.dialect)))
    shape = tuple(dict.fromkeys((*shape, *traced(item.traced_rows))))
    return ColumnLineage(node=node, columns=columns, shape=shape, origin=origin)


def _offered(item: Item, sources: Sequence[tuple[str, str]], name: str) -> list[ColumnSource]:
    """A column of each source that may have it; of all where those that are known to have columns do not."""
    offers = item.offers
    fitting = [(key, end) for key, end in sources if not name or not offers.get(key) or name in offers[key]] or sources
    certainty: Literal["known", "candidate"] = "known" if len(fitting) == 1 else "candidate"
    return [ColumnSource(end, name, certainty) for _, end in fitting]


def _of_query(
    tool: str, item: Item, found: Resolved, known: Mapping[str, Item], origin: Origin
) -> ColumnLineage | None:
    def of(leaves: Iterable[tuple[TableName, str, Any]]) -> tuple[ColumnSource, ...]:
        sources = []
        for table, column, certainty in leaves:
            reference = _stands_for(item, table)
            if not reference:
                end = _TABLE + ".".join(filter(None, _completed(table, item.default)))
            elif reference in known and reference != item.reference:
                end = item_id(tool, reference)
            else:
                continue
            sources.append(ColumnSource(end, column.lower(), certainty))
        return tuple(dict.fromkeys(sources))

    columns: dict[str, tuple[ColumnSource, ...]] = {}
    for name, leaves in found.columns:
        if not leaves:
            continue  # made from nothing; one that nobody named is called after its literal
        columns[name.lower()] = tuple(dict.fromkeys((*columns.get(name.lower(), ()), *of(leaves))))
    # What `select *` passes on has names that only the tables know: every column of theirs is taken to matter.
    passed = of((table, "", "candidate") for table in found.open)
    shape = tuple(dict.fromkeys((*of(found.shape), *of(found.rest), *passed)))
    if not columns and not shape:
        return None
    return ColumnLineage(node=item_id(tool, item.reference), columns=columns, shape=shape, origin=origin)


def _names(expression: str, dialect: str) -> tuple[str, ...]:
    """Columns that an expression reads; a plain name is a column even where nothing parses SQL."""
    if re.fullmatch(r"\w+", expression):
        return (expression,)
    try:
        found = expression_sources(expression, dialect)
    except MissingExtra:
        return ("",)
    return ("",) if found.problem else found.values


# --- Views -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Somebody, or something, opened an item."""

    item: str
    """`<kind>.<key>`."""
    at: datetime
    """With time zone."""
    user: str = ""
    """Login name, mail address or number, as the tool knows them; '' when it does not say."""
    person_class: PersonClass = ""
    """Where the tool says what it was (embedded, scheduled, service); '' lets the user's name decide."""
    amount: float = 1.0


def views(
    tool: str,
    connector: str,
    seen: Iterable[View],
    people: People,
    classes: Classes,
    *,
    reload_seconds: float = RELOAD_SECONDS,
) -> list[Observation]:
    """Views by item, day (UTC), class and person, sorted. Reloads count once.

    A view is a reload when the same user opened the same item at most `reload_seconds` before, reloads included; views
    without a user are all counted. Memory grows with the views.
    """
    days: dict[tuple[str, date, str, str], float] = defaultdict(float)
    last: dict[tuple[str, str, str], datetime] = {}
    who: dict[str, tuple[str, str]] = {}
    """Class and hash by user: there are few of them, and many views."""
    for view in sorted(seen, key=lambda v: (v.at, v.item, v.user)):
        at = view.at.astimezone(UTC)
        if view.user and reload_seconds > 0:
            place = (view.item, view.user, view.person_class)
            before = last.get(place)
            last[place] = at
            if before is not None and at - before <= timedelta(seconds=reload_seconds):
                continue
        known = who.get(view.user)
        if known is None:
            known = who[view.user] = (classes.of_person(view.user), people.known_as(view.user))
        days[view.item, at.date(), view.person_class or known[0], known[1]] += view.amount
    return [
        Observation(
            day=day,
            measure="views",
            amount=amount,
            node=item_id(tool, item),
            person_class=person_class,
            tool=tool,
            person=person,
            origin=Origin(connector=connector),
        )
        for (item, day, person_class, person), amount in sorted(days.items())
    ]
