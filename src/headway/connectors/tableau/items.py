"""What Tableau's Metadata API says, as items: dashboards read sheets, sheets data sources, data sources tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from headway.connectors.content import Item
from headway.connectors.fields import day, each, text
from headway.connectors.tableau import formulas, tables

Found = Mapping[str, Any]
_DEEPEST = 20
"""Calculated fields that stand on calculated fields are followed so far."""
_LONGEST = 20_000
"""A formula in SQL, with those that it stands on, may have so many characters."""


@dataclass(frozen=True)
class Answers:
    """The nodes of every list."""

    workbooks: Sequence[Found] = ()
    sheets: Sequence[Found] = ()
    embedded: Sequence[Found] = ()
    published: Sequence[Found] = ()
    custom_sql: Sequence[Found] = ()


@dataclass(frozen=True)
class Where:
    """How addresses of views are made."""

    url: str = ""
    site: str = ""

    def of(self, path: str) -> str:
        """Address of a view, whose path is `workbook/view`; '' when either is not known."""
        if not self.url or not path:
            return ""
        site = f"site/{quote(self.site)}/" if self.site else ""
        return f"{self.url}/#/{site}views/{quote(path)}"


@dataclass
class Content:
    """Everything as items, and what can be opened."""

    items: list[Item] = field(default_factory=list)
    by_luid: dict[str, str] = field(default_factory=dict)
    """Id in REST answers -> `<kind>.<key>` of what can be opened by itself."""
    hidden: list[str] = field(default_factory=list)
    """`<kind>.<key>` of what nobody can open by itself: sheets that only show on dashboards."""
    views_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Id of a workbook in REST answers -> `<kind>.<key>` of its views."""


def content(answers: Answers, where: Where, outside: Iterable[str]) -> Content:
    """Items in the order of the answers. `outside` are ids, as in REST answers, of views and workbooks sent by mail."""
    return _Reader(answers, where, frozenset(outside)).read()


def owner(of: Found) -> str:
    """Who owns something: the mail address, or the name."""
    return text(of, "owner", "email") or text(of, "owner", "name") or text(of, "owner", "username")


class _Reader:
    def __init__(self, answers: Answers, where: Where, outside: frozenset[str]) -> None:
        self._answers = answers
        self._where = where
        self._outside = outside
        self._found = Content()
        self._workbooks = {text(one, "id"): one for one in answers.workbooks}
        self._keys: dict[str, str] = {}
        """Id of a sheet or a data source -> `<kind>.<key>`."""
        self._custom = {text(one, "id"): one for one in answers.custom_sql if text(one, "id")}
        self._fields: dict[str, dict[str, Found]] = {}
        """Id of a data source -> its fields by name."""
        self._said: dict[tuple[str, str], str] = {}
        """What `_expression` said."""
        self._names: dict[tuple[str, str], tuple[str, ...]] = {}
        self._published: dict[str, Found] = {text(one, "id"): one for one in answers.published if text(one, "id")}

    def read(self) -> Content:
        """All items: data sources first, dashboards last."""
        for kind, group in (("dataset", self._answers.published), ("dataset", self._answers.embedded)):
            for one in group:
                if text(one, "id"):
                    self._keys[text(one, "id")] = f"{kind}.{_key(one)}"
                    self._fields[text(one, "id")] = {text(f, "name"): f for f in each(one, "fields") if text(f, "name")}
        for one in self._answers.sheets:
            if text(one, "id"):
                self._keys[text(one, "id")] = f"chart.{_key(one)}"
        used = self._custom_of_datasources()
        self._found.items += [self._custom_item(one) for one in self._custom.values()]
        for one in (*self._answers.published, *self._answers.embedded):
            if text(one, "id"):
                self._found.items.append(self._datasource(one, used[text(one, "id")]))
        reads = self._sheet_reads()
        for one in self._answers.sheets:
            if text(one, "id"):
                self._found.items.append(self._sheet(one, reads[text(one, "id")]))
        for workbook in self._answers.workbooks:
            self._found.items += [self._dashboard(d, workbook) for d in each(workbook, "dashboards") if _key(d)]
        return self._found

    # --- data sources

    def _custom_of_datasources(self) -> dict[str, list[str]]:
        """Id of a data source -> ids of the custom SQL that it reads."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for known in self._custom.values():
            for column in each(known, "columns"):
                for one in each(column, "referencedByFields"):
                    found[text(one, "datasource", "id")][text(known, "id")] = None
        for datasource in (*self._answers.published, *self._answers.embedded):
            for one in each(datasource, "fields"):
                for column in each(one, "upstreamColumns"):
                    if text(column, "table", "id") in self._custom:
                        found[text(datasource, "id")][text(column, "table", "id")] = None
        return defaultdict(list, {key: list(ids) for key, ids in found.items()})

    def _custom_item(self, one: Found) -> Item:
        kind = tables.connection(one)
        query = tables.plain_sql(text(one, "query"))
        named = () if query.strip() else tuple(filter(None, map(tables.relation, each(one, "tables"))))
        return Item(
            kind="dataset",
            key=text(one, "id"),
            title=text(one, "name") or "custom SQL",
            sql=query,
            dialect=tables.dialect(kind),
            tables=named,
        )

    def _datasource(self, one: Found, custom: Sequence[str]) -> Item:
        ident = text(one, "id")
        parents = [p for p in (text(u, "id") for u in each(one, "upstreamDatasources")) if p in self._published]
        behind = {text(t, "id") for parent in parents for t in each(self._published[parent], "upstreamTables")}
        behind |= {text(t, "id") for known in custom for t in each(self._custom[known], "tables")}
        near = {text(t, "id"): tables.relation(t) for t in each(one, "upstreamTables") if text(t, "id") not in behind}
        reads = [self._keys[p] for p in parents] + [f"dataset.{known}" for known in custom]
        workbook = self._workbooks.get(text(one, "workbook", "id"), {})
        held = one if ident in self._published else workbook
        ends = {**near, **{known: f"dataset.{known}" for known in custom}}
        return Item(
            kind="dataset",
            key=_key(one),
            title=text(one, "name"),
            reads=tuple(reads),
            tables=tuple(name for name in near.values() if name),
            traced=self._traced(ident, parents, ends),
            computed=self._measures(ident),
            owner=owner(held),
            path="/".join(filter(None, (text(held, "projectName"), text(workbook, "name")))),
            description=text(one, "description"),
            tags=_tags(one),
        )

    def _traced(self, ident: str, parents: Sequence[str], ends: Mapping[str, str]) -> dict[str, tuple[Any, ...]]:
        """Field -> the columns and fields of other data sources that it is made from."""
        found: dict[str, tuple[Any, ...]] = {}
        for name in self._fields[ident]:
            pairs: dict[tuple[str, str], None] = {}
            for leaf in self._leaves(ident, name):
                columns = each(leaf, "upstreamColumns")
                parent = next((p for p in parents if text(leaf, "name") in self._fields[p]), "")
                if parent:
                    pairs[self._keys[parent], text(leaf, "name")] = None
                for column in () if parent else columns:
                    end = ends.get(text(column, "table", "id"), "")
                    if end and text(column, "name"):
                        pairs[end, text(column, "name")] = None
            if pairs:
                found[name] = tuple(pairs)
        return found

    def _leaves(self, ident: str, name: str) -> list[Found]:
        """The fields of a data source without a formula that a field is made from; itself where it has none."""
        known, found, seen = self._fields[ident], dict[str, Found](), set[str]()
        rest = [name]
        while rest:
            one = rest.pop()
            if one in seen or one not in known:
                continue
            seen.add(one)
            named = self._named(ident, one)
            if named:
                rest += reversed(named)
            else:
                found[one] = known[one]
        return list(found.values())

    def _named(self, ident: str, name: str) -> tuple[str, ...]:
        """The fields that the formula of a field names, read once."""
        if (ident, name) not in self._names:
            self._names[ident, name] = formulas.fields(text(self._fields[ident][name], "formula"))
        return self._names[ident, name]

    def _measures(self, ident: str) -> dict[str, str]:
        """Calculated measure -> its formula in SQL over the columns of tables, where it can be said."""
        found = {}
        for name, one in self._fields[ident].items():
            if text(one, "role").upper() == "MEASURE" and text(one, "formula"):
                said = self._expression(ident, name)
                if said:
                    found[name] = said
        return found

    def _expression(self, ident: str, name: str, depth: int = 0) -> str:
        """A field in SQL: the column that it stands for, or its formula; '' for what cannot be said."""
        one = self._fields[ident].get(name)
        if one is None or depth > _DEEPEST:
            return ""
        if (ident, name) not in self._said:
            self._said[ident, name] = ""  # what stands on itself cannot be said
            formula = text(one, "formula")
            if formula:
                said = formulas.sql(formula, lambda inner: self._expression(ident, inner, depth + 1))
                self._said[ident, name] = f"({said})" if 0 < len(said) < _LONGEST else ""
            else:
                columns = {text(column, "name") for column in each(one, "upstreamColumns")}
                self._said[ident, name] = _quoted(next(iter(columns)) if len(columns) == 1 else name)
        return self._said[ident, name]

    # --- sheets and dashboards

    def _sheet_reads(self) -> dict[str, list[str]]:
        """Id of a sheet -> `<kind>.<key>` of the data sources that it reads."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for one in self._answers.embedded:
            for sheet in each(one, "downstreamSheets"):
                if text(one, "id"):
                    found[text(sheet, "id")][self._keys[text(one, "id")]] = None
        for sheet in self._answers.sheets:
            for used in each(sheet, "datasourceFields"):
                reference = self._keys.get(text(used, "datasource", "id"))
                if reference:
                    found[text(sheet, "id")][reference] = None
        return defaultdict(list, {key: list(ids) for key, ids in found.items()})

    def _sheet(self, one: Found, reads: Sequence[str]) -> Item:
        traced: dict[str, tuple[Any, ...]] = {}
        computed: dict[str, str] = {}
        for used in each(one, "datasourceFields"):
            ident, name = text(used, "datasource", "id"), text(used, "name")
            if not name or ident not in self._fields:
                continue
            traced[name] = ((self._keys[ident], name),)
            said = self._shown(ident, name)
            if said:
                computed[name] = said
        workbook = self._workbooks.get(text(one, "workbook", "id"), {})
        return self._view("chart", one, workbook, reads=tuple(reads), traced=traced, computed=computed)

    def _shown(self, ident: str, name: str) -> str:
        """What a sheet does to a measure, in SQL: its formula, or what Tableau does to a measure by itself."""
        known = self._fields[ident].get(name, {})
        if text(known, "role").upper() != "MEASURE":
            return ""
        said = self._expression(ident, name)
        if text(known, "formula"):
            return said
        return formulas.AGGREGATES.get(text(known, "aggregation").upper(), "{}").format(said) if said else ""

    def _dashboard(self, one: Found, workbook: Found) -> Item:
        shown = (self._keys.get(text(sheet, "id"), f"chart.{text(sheet, 'id')}") for sheet in each(one, "sheets"))
        return self._view("dashboard", one, workbook, reads=tuple(dict.fromkeys(shown)))

    def _view(self, kind: Any, one: Found, workbook: Found, **more: Any) -> Item:
        """A dashboard or a sheet, which belong to a workbook."""
        luid, reference = text(one, "luid"), f"{kind}.{_key(one)}"
        if luid:
            self._found.by_luid[luid] = reference
            self._found.views_of[text(workbook, "luid")].append(reference)
        else:
            self._found.hidden.append(reference)
        return Item(
            kind=kind,
            key=_key(one),
            title=text(one, "name"),
            owner=owner(workbook),
            url=self._where.of(text(one, "path")),
            path="/".join(filter(None, (text(workbook, "projectName"), text(workbook, "name")))),
            description=text(workbook, "description") if kind == "dashboard" else "",
            tags=tuple(dict.fromkeys((*_tags(one), *_tags(workbook)))),
            created=day(one, "createdAt") or day(workbook, "createdAt"),
            outside=bool(luid) and bool(self._outside & {luid, text(workbook, "luid")}),
            **more,
        )


def unexplained(row: Found) -> Item:
    """A view that REST answers name and the Metadata API does not: what it reads is not known."""
    kind: Any = "chart" if text(row, "sheetType").casefold() in {"sheet", "worksheet"} else "dashboard"
    return Item(
        kind=kind,
        key=text(row, "id"),
        title=text(row, "name"),
        path="/".join(filter(None, (text(row, "project", "name"), text(row, "workbook", "name")))),
        created=day(row, "createdAt"),
    )


def _key(one: Found) -> str:
    """The luid, by which REST answers and addresses know things; the id where there is none, as for hidden sheets."""
    return text(one, "luid") or text(one, "id")


def _tags(one: Found) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (text(tag, "name") for tag in each(one, "tags")))))


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
