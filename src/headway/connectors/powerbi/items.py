"""What a scan of Power BI says, as items: reports and dashboards read datasets, datasets their measures and tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headway.connectors.content import Item
from headway.connectors.fields import day, each, text, truth
from headway.connectors.powerbi import dax, mashup

Found = Mapping[str, Any]
_LONGEST = 20_000
_DEEPEST = 50


@dataclass
class Content:
    """Everything as items, what can be opened, and what is not known of it."""

    items: list[Item] = field(default_factory=list)
    by_id: dict[str, str] = field(default_factory=dict)
    """Id in activity events, lower case -> `<kind>.<key>`; the copies of an app stand for what they are copies of."""
    datasets: int = 0
    bare: list[str] = field(default_factory=list)
    """Datasets without tables."""
    unclear: list[str] = field(default_factory=list)
    """Tables that come from a database, though not in a way that is understood."""
    unreadable: list[str] = field(default_factory=list)
    dataflows: int = 0


def content(scans: Iterable[Found], address: str) -> Content:
    """Items in the order of the scans. `address` is where things are opened, or ''."""
    workspaces: dict[str, Found] = {}
    for scan in scans:
        for workspace in each(scan, "workspaces"):
            workspaces.setdefault(text(workspace, "id") or text(workspace, "name"), workspace)
    found = Content()
    for workspace in workspaces.values():
        for dataflow in each(workspace, "dataflows"):
            found.items += _dataflow(dataflow, workspace)
            found.dataflows += 1
        for dataset in each(workspace, "datasets"):
            if text(dataset, "id"):
                found.items += _Dataset(dataset, workspace, found).items()
    copies: list[tuple[Found, str]] = []
    for workspace in workspaces.values():
        for kind, name in (("reports", "originalReportObjectId"), ("dashboards", "originalDashboardObjectId")):
            for one in each(workspace, kind):
                if not text(one, "id"):
                    continue
                if text(one, "appId"):
                    copies.append((one, text(one, name)))
                    continue
                item = (_report if kind == "reports" else _dashboard)(one, workspace, address)
                found.items.append(item)
                found.by_id[text(one, "id").casefold()] = item.reference
    return _with_apps(found, copies)


def _with_apps(found: Content, copies: Sequence[tuple[Found, str]]) -> Content:
    """What is published in an app is load-bearing, and who opens the copy there opens the original."""
    published = set()
    by_title: dict[str, list[Item]] = defaultdict(list)
    for item in found.items:
        by_title[item.title].append(item)
    for copy, original in copies:
        reference = found.by_id.get(original.casefold(), "")
        named = by_title.get((text(copy, "name") or text(copy, "displayName")).removeprefix("[App] "), [])
        if not reference and len(named) == 1 and named[0].kind == "dashboard":
            reference = named[0].reference
        if reference:
            published.add(reference)
            found.by_id.setdefault(text(copy, "id").casefold(), reference)
    found.items = [_outside(item) if item.reference in published else item for item in found.items]
    return found


def _outside(item: Item) -> Item:
    return replace(item, outside=True)


def _held(workspace: Found) -> dict[str, Any]:
    """What everything in a workspace has in common."""
    state = text(workspace, "state")
    return {"path": text(workspace, "name"), "archived": bool(state) and state != "Active"}


def _report(one: Found, workspace: Found, address: str) -> Item:
    dataset = text(one, "datasetId")
    return Item(
        kind="dashboard",
        key=text(one, "id"),
        title=text(one, "name"),
        reads=(f"dataset.{dataset}",) if dataset else (),
        owner=_owner(one, "reportUserAccessRight"),
        url=f"{address}/groups/{text(workspace, 'id')}/reports/{text(one, 'id')}" if address else "",
        description=text(one, "description"),
        tags=_tags(one),
        created=day(one, "createdDateTime"),
        outside=_sent(one),
        **_held(workspace),
    )


def _dashboard(one: Found, workspace: Found, address: str) -> Item:
    reads: dict[str, None] = {}
    for tile in each(one, "tiles"):
        if text(tile, "reportId"):
            reads[f"dashboard.{text(tile, 'reportId')}"] = None
        elif text(tile, "datasetId"):
            reads[f"dataset.{text(tile, 'datasetId')}"] = None
    return Item(
        kind="dashboard",
        key=text(one, "id"),
        title=text(one, "displayName") or text(one, "name"),
        reads=tuple(reads),
        owner=_owner(one, "dashboardUserAccessRight"),
        url=f"{address}/groups/{text(workspace, 'id')}/dashboards/{text(one, 'id')}" if address else "",
        tags=_tags(one),
        outside=_sent(one),
        **_held(workspace),
    )


def _dataflow(one: Found, workspace: Found) -> list[Item]:
    ident = text(one, "objectId") or text(one, "id")
    if not ident:
        return []
    return [
        Item(
            kind="dataset",
            key=ident,
            title=text(one, "name"),
            reads=tuple(
                f"dataset.{text(up, 'targetDataflowId')}"
                for up in each(one, "upstreamDataflows")
                if text(up, "targetDataflowId")
            ),
            owner=text(one, "configuredBy"),
            description=text(one, "description"),
            tags=_tags(one),
            **_held(workspace),
        )
    ]


def _owner(one: Found, right: str) -> str:
    """Who has the right of an owner; else who made it, or changed it last."""
    owners = (user for user in each(one, "users") if text(user, right) == "Owner")
    named = (text(user, "emailAddress") or text(user, "displayName") for user in owners)
    made = (text(one, name) for name in ("createdBy", "configuredBy", "modifiedBy"))
    return next(filter(None, (*named, *made)), "")


def _sent(one: Found) -> bool:
    """Whether it is sent to subscribers, or open to everybody."""
    return bool(each(one, "subscriptions")) or truth(one, "isPublishedToWeb")


def _tags(one: Found) -> tuple[str, ...]:
    return tuple(filter(None, (text(one, "endorsementDetails", "endorsement").lower(),)))


class _Dataset:
    """One dataset (semantic model): its tables' sources, its columns and its measures."""

    def __init__(self, one: Found, workspace: Found, found: Content) -> None:
        self._one = one
        self._id = text(one, "id")
        self._workspace = workspace
        self._content = found
        self._tables = {text(table, "name"): table for table in each(one, "tables") if text(table, "name")}
        self._measures = {
            text(measure, "name"): (table, text(measure, "expression"))
            for table, held in self._tables.items()
            for measure in each(held, "measures")
            if text(measure, "name")
        }
        self._shared = {text(e, "name"): text(e, "expression") for e in each(one, "expressions") if text(e, "name")}
        self._ends: dict[str, list[str]] = {}
        """Table -> what it reads: relations, or `dataset.<key>` of queries and dataflows."""
        self._renamed: dict[str, Mapping[str, str]] = {}
        self._queries: dict[str, Item] = {}
        self._references: set[str] = set()
        """Those ends that are items and no relations."""
        self._columns = {
            table: {text(c, "name"): bool(text(c, "expression")) for c in each(held, "columns")}
            for table, held in self._tables.items()
        }
        """Table -> its columns, with whether each is calculated."""
        self._said: dict[str, str] = {}
        self._traces: dict[str, tuple[tuple[str, str], ...]] = {}

    def items(self) -> list[Item]:
        """Its native queries, its measures, and itself."""
        self._content.datasets += 1
        title = text(self._one, "name")
        if not self._tables:
            self._content.bare.append(title)
        for name in self._tables:
            self._follow(name)
        measures = [self._measure(name) for name in self._measures]
        traced = {
            f"{table}.{text(column, 'name')}": self._column(table, text(column, "name"))
            for table, held in self._tables.items()
            for column in each(held, "columns")
            if text(column, "name") and not text(column, "name").startswith("RowNumber-")
        }
        ends = list(dict.fromkeys(end for found in self._ends.values() for end in found))
        upstream = [f"dataset.{text(up, 'targetDatasetId')}" for up in each(self._one, "upstreamDatasets")]
        flows = [f"dataset.{text(up, 'targetDataflowId')}" for up in each(self._one, "upstreamDataflows")]
        reads = (*(m.reference for m in measures), *self._items(ends), *upstream, *flows)
        own = Item(
            kind="dataset",
            key=self._id,
            title=title,
            reads=tuple(dict.fromkeys(one for one in reads if one != "dataset.")),
            tables=self._relations(ends),
            traced={name: pairs for name, pairs in traced.items() if pairs},
            owner=text(self._one, "configuredBy"),
            description=text(self._one, "description"),
            tags=_tags(self._one),
            created=day(self._one, "createdDate"),
            **_held(self._workspace),
        )
        return [*self._queries.values(), *measures, own]

    # --- tables

    def _follow(self, name: str) -> None:
        """Find what a table reads; tables of the same dataset may be named in one another's expressions."""
        texts = [text(source, "expression") for source in each(self._tables[name], "source")]
        others = dict(self._shared)
        for other, held in self._tables.items():
            if other != name:
                others.setdefault(other, "\n".join(text(s, "expression") for s in each(held, "source")[:1]))
        ends: dict[str, None] = {}
        renamed: dict[str, str] = {}
        for number, expression in enumerate(filter(None, texts)):
            label = f"{text(self._one, 'name')}: {name}"
            try:
                found = mashup.sources(expression, others)
            except mashup.Unreadable:
                self._content.unreadable.append(label)
                continue
            renamed.update(found.renamed)
            for leaf in found.leaves:
                ends[self._end(leaf, f"{name}.{number}" if number else name)] = None
            if found.connects and not found.leaves:
                self._content.unclear.append(label)
        self._ends[name], self._renamed[name] = list(ends), renamed

    def _end(self, leaf: mashup.Leaf, name: str) -> str:
        if isinstance(leaf, mashup.Table):
            return leaf.relation
        if isinstance(leaf, mashup.Dataflow):
            return self._reference(leaf.dataflow)
        key = f"{self._id}.{name}"
        while key in self._queries and self._queries[key].sql != leaf.sql:
            key += "+"
        self._queries[key] = Item(
            kind="dataset",
            key=key,
            title=f"{text(self._one, 'name')}: {name}",
            sql=leaf.sql,
            dialect=leaf.dialect,
            default=leaf.default,
            owner=text(self._one, "configuredBy"),
            **_held(self._workspace),
        )
        return self._reference(key)

    def _reference(self, key: str) -> str:
        self._references.add(f"dataset.{key}")
        return f"dataset.{key}"

    def _column(self, table: str, name: str) -> tuple[tuple[str, str], ...]:
        """What a column is made from; every column of each source where there are several, or a formula."""
        ends = self._ends.get(table, [])
        calculated = any(
            text(c, "name") == name and text(c, "expression") for c in each(self._tables[table], "columns")
        )
        if len(ends) == 1 and not calculated:
            return ((ends[0], self._original(table, name)),)
        return tuple((end, "") for end in ends)

    def _original(self, table: str, name: str) -> str:
        return self._renamed.get(table, {}).get(name, name)

    # --- measures

    def _measure(self, name: str) -> Item:
        table, formula = self._measures[name]
        pairs = self._traced(name)
        tables = [found.table for found in dax.names(formula) if found.table in self._tables]
        ends = [end for used in tables for end in self._ends.get(used, ())]
        ends = list(dict.fromkeys((*(end for end, _ in pairs), *ends)))
        measure = next((m for m in each(self._tables[table], "measures") if text(m, "name") == name), {})
        said = self._sql(name)
        return Item(
            kind="metric",
            key=f"{self._id}.{name}",
            title=name,
            reads=self._items(ends),
            tables=self._relations(ends),
            traced={name: pairs} if pairs else {},
            computed={name: said} if said else {},
            owner=text(self._one, "configuredBy"),
            description=text(measure, "description"),
            path="/".join(filter(None, (text(self._workspace, "name"), text(self._one, "name")))),
            archived=bool(_held(self._workspace)["archived"]),
        )

    def _traced(self, name: str, depth: int = 0) -> tuple[tuple[str, str], ...]:
        """The columns that a measure is made from, through the measures that it stands on."""
        if name not in self._traces and depth <= _DEEPEST:
            self._traces[name] = ()
            table, formula = self._measures[name]
            pairs: dict[tuple[str, str], None] = {}
            for found in dax.names(formula):
                if found.table in self._tables and found.column:
                    pairs.update(dict.fromkeys(self._column(found.table, found.column)))
                elif not found.table and found.column in self._measures:
                    pairs.update(dict.fromkeys(self._traced(found.column, depth + 1)))
                elif not found.table and found.column in self._columns[table]:
                    pairs.update(dict.fromkeys(self._column(table, found.column)))
            self._traces[name] = tuple(pairs)
        return self._traces.get(name, ())

    def _sql(self, name: str, depth: int = 0) -> str:
        if name not in self._measures or depth > _DEEPEST:
            return ""
        if name not in self._said:
            self._said[name] = ""  # what stands on itself cannot be said
            formula = self._measures[name][1]
            said = dax.sql(formula, self._quoted, lambda other: self._sql(other, depth + 1))
            self._said[name] = said if len(said) <= _LONGEST else ""
        return self._said[name]

    def _quoted(self, name: dax.Name) -> str:
        original = self._original(name.table, name.column).replace('"', '""')
        return f'"{original}"'

    def _items(self, ends: Iterable[str]) -> tuple[str, ...]:
        return tuple(end for end in ends if end in self._references)

    def _relations(self, ends: Iterable[str]) -> tuple[str, ...]:
        return tuple(end for end in ends if end not in self._references)
