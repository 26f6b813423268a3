"""Dashboards, tiles, Looks, explores and measures of Looker as items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headway.connectors.content import Item
from headway.connectors.fields import below, day, each, text, truth
from headway.connectors.looker.site import NAME, Holdings, Object, Query, look_of, queries_of, query_of
from headway.graph.model import ColumnLineage, ColumnSource, Edge, Gap, Origin

_PLAIN = re.compile(r"\$\{TABLE\}\.[`\"]?(\w+)[`\"]?")
_QUOTES = str.maketrans("", "", '"`[]')
_AGGREGATES = {"sum": "SUM({0})", "average": "AVG({0})", "min": "MIN({0})", "max": "MAX({0})",
               "count_distinct": "COUNT(DISTINCT {0})", "count": "COUNT(*)"}  # fmt: skip
_NOT_HERE = "the API does not say how it is computed; read the repository with the lookml source"


@dataclass(slots=True)
class Explore:
    """One explore as the API tells it."""

    model: str
    name: str
    said: Object
    tables: dict[str, str] = field(default_factory=dict)
    """Table by the name that fields begin with; views without one are left out."""
    untold: int = 0
    """Views whose table the API does not say."""

    @property
    def key(self) -> str:
        """Key of its dataset."""
        return f"explore.{self.model}.{self.name}"

    @staticmethod
    def of(model: str, name: str, said: Object) -> Explore:
        """From an answer of `lookml_models/<model>/explores/<explore>`."""
        made = Explore(model, name, said)
        views = {text(said, "view_name") or name: text(said, "sql_table_name")}
        for join in each(said, "joins"):
            views[text(join, "name")] = text(join, "sql_table_name")
        for alias, written in views.items():
            table = written.strip().translate(_QUOTES)
            if re.fullmatch(r"[\w.$-]+", table):
                made.tables[alias] = table
            elif alias:
                made.untold += 1
        return made

    def fields(self, kind: str) -> dict[str, Object]:
        """Its dimensions or measures by name, `view.field`."""
        return {name: one for one in each(self.said, "fields", kind) if (name := text(one, "name"))}

    def end(self, name: str, one: Object) -> tuple[tuple[str, str], ...]:
        """(table, column) that a field is made from; any column of the table where the API does not say which."""
        table = self.tables.get(text(one, "view") or name.partition(".")[0]) or self.tables.get(name.partition(".")[0])
        found = _PLAIN.fullmatch(text(one, "sql").strip())
        return ((table, found[1] if found else ""),) if table else ()

    def item(self) -> Item:
        """Its dataset."""
        tables = tuple(dict.fromkeys(self.tables.values()))
        named = {f for join in each(self.said, "joins") for f in _references(text(join, "sql_on"))}
        dimensions = self.fields("dimensions")
        rows = [end for name in sorted(named) if name in dimensions for end in self.end(name, dimensions[name])]
        return Item(
            kind="dataset",
            key=self.key,
            name=f"{self.model}/{self.name}",
            title=text(self.said, "label"),
            description=text(self.said, "description"),
            tables=tables,
            traced={name: self.end(name, one) for name, one in dimensions.items()},
            traced_rows=tuple(dict.fromkeys(rows)),
        )

    @property
    def base(self) -> str:
        """The name that the fields of the view begin with that it starts from."""
        return text(self.said, "view_name") or self.name

    def metrics(self) -> Iterator[Item]:
        """Its measures."""
        for name, one in self.fields("measures").items():
            ends = self.end(name, one)
            column = next((column for _, column in ends if column), "")
            written = _AGGREGATES.get(text(one, "type"), "")
            known = written and (column or "{0}" not in written)
            yield Item(
                kind="metric",
                key=f"{self.model}.{name}",
                name=name,
                title=text(one, "label_short") or text(one, "label"),
                description=text(one, "description"),
                reads=(f"dataset.{self.key}",),
                tables=tuple(dict.fromkeys(table for table, _ in ends)),
                computed={name: written.format(column)} if known else {},
                traced={name: ends} if ends else {},
                meta={"sql": {"problem": _NOT_HERE}},
            )


def _references(written: str) -> Iterable[str]:
    return re.findall(r"\$\{\s*(\w+\.\w+)\s*\}", written)


class Items:
    """Holdings as items, with the edges to another source's items where that one reads the LookML."""

    def __init__(self, found: Holdings, url: str, *, lookml: bool) -> None:
        self._found = found
        self._url = re.sub(r":19999$", "", url)  # where the API of a Looker of one's own listens, and no page is
        self._lookml = lookml
        self._explores = {key: Explore.of(*key, said) for key, said in found.explores.items()}
        self.elsewhere: list[Edge | ColumnLineage] = []
        """Edges and lineage to items of the lookml source."""

    def all(self, embedded: Iterable[str]) -> list[Item]:
        """Explores and measures, Looks, tiles and dashboards; `embedded` are `dashboard.<id>` and `look.<id>`."""
        outside = self._found.sent | set(embedded)
        items: list[Item] = []
        metrics: dict[str, Item] = {}
        having: dict[str, list[Explore]] = {}
        for _, explore in sorted(self._explores.items()):
            if not self._lookml:
                items.append(explore.item())
                for metric in explore.metrics():
                    metrics.setdefault(metric.key, metric)
                    having.setdefault(metric.key, []).append(explore)
        items += [_evaluated(metric, having[key]) for key, metric in metrics.items()]
        items += [self._look(key, look, outside) for key, look in sorted(self._found.looks.items())]
        for key, board in sorted(self._found.dashboards.items()):
            items += self._board(key, board, outside)
        return items

    def gaps(self) -> Iterator[Gap]:
        """What the API does not say."""
        untold = sum(explore.untold for explore in self._explores.values())
        if untold and not self._lookml:
            yield Gap(
                topic="lineage",
                message=f"the API does not say which tables {untold:,} views of explores read: they are derived, "
                "or their name is decided when it runs",
                hint="read the repository with the lookml source",
                origin=Origin(connector=NAME),
            )

    def _look(self, key: str, look: Object, outside: set[str]) -> Item:
        asked = query_of(below(look, "query"))
        return self._chart(
            f"look.{key}",
            [asked] if asked else [],
            title=text(look, "title"),
            tags=("look",),
            outside=f"look.{key}" in outside or truth(look, "public"),
            url=f"{self._url}/looks/{key}" if self._url else "",
            **self._common(look),
        )

    def _board(self, key: str, board: Object, outside: set[str]) -> Iterator[Item]:
        title = text(board, "title")
        charts: list[str] = []
        for number, element in enumerate(each(board, "dashboard_elements"), 1):
            look = look_of(element)
            if truth(element, "deleted"):
                continue
            if look in self._found.looks:
                charts.append(f"chart.look.{look}")
                continue
            queries = list(queries_of(element, self._found.merged))
            if not queries:
                continue  # a text or a button
            called = text(element, "title") or text(element, "title_text") or str(number)
            name = f"{title or key}: {called}"
            charts.append(f"chart.{key}.{text(element, 'id') or number}")
            yield self._chart(f"{key}.{text(element, 'id') or number}", queries, title=called, name=name)
        yield Item(
            kind="dashboard",
            key=key,
            title=title,
            reads=tuple(dict.fromkeys(charts)),
            outside=f"dashboard.{key}" in outside,
            url=f"{self._url}/dashboards/{key}" if self._url else "",
            **self._common(board),
        )

    def _chart(self, key: str, queries: Sequence[Query], **more: Any) -> Item:
        traced: dict[str, tuple[tuple[str, str], ...]] = {}
        rows: dict[tuple[str, str], None] = {}
        reads: dict[str, None] = {}
        for query in queries:
            explore = self._explores.get((query.model, query.explore))
            if explore is None:
                continue
            reads[f"dataset.{explore.key}"] = None
            for name in query.fields:
                if (end := _end(explore, name)) is not None:
                    traced[name] = (end,)
                    reads[end[0]] = None
            for name in query.filtered:
                if (end := _end(explore, name)) is not None:
                    rows[end] = None
                    reads[end[0]] = None
        if self._lookml:
            self._linked(key, reads, traced, rows)
            return Item(kind="chart", key=key, **more)
        return Item(kind="chart", key=key, reads=tuple(reads), traced=traced, traced_rows=tuple(rows), **more)

    def _linked(
        self,
        key: str,
        reads: Iterable[str],
        traced: dict[str, tuple[tuple[str, str], ...]],
        rows: Iterable[tuple[str, str]],
    ) -> None:
        """The same, read from the items of the lookml source."""
        node, origin = f"{NAME}:chart.{key}", Origin(connector=NAME)
        for end in reads:
            self.elsewhere.append(Edge(upstream=_lookml_end(end), downstream=node, evidence="matched", origin=origin))

        def of(pairs: Iterable[tuple[str, str]]) -> tuple[ColumnSource, ...]:
            return tuple(dict.fromkeys(ColumnSource(_lookml_end(end), "", "candidate") for end, _ in pairs))

        columns = {name.lower(): of(pairs) for name, pairs in traced.items()}
        if columns or rows:
            self.elsewhere.append(ColumnLineage(node=node, columns=columns, shape=of(rows), origin=origin))

    def _common(self, one: Object) -> dict[str, Any]:
        return {
            "owner": text(one, "user_name") or text(one, "user", "display_name"),
            "path": self._found.folders.get(text(one, "folder", "id") or text(one, "folder_id"), "")
            or text(one, "folder", "name"),
            "description": text(one, "description"),
            "created": day(one, "created_at"),
            "archived": truth(one, "deleted"),
        }


def _evaluated(metric: Item, having: Sequence[Explore]) -> Item:
    """A measure with what it takes to ask Looker for its value: see evaluation."""
    view, _, measure = metric.name.partition(".")
    starting = [explore for explore in having if explore.base == view] or having
    places = [{"model": one.model, "explore": one.name, "view": view} for one in starting]
    asked = {"view": view, "measure": measure, "explores": places}
    return replace(metric, meta={**metric.meta, "looker": asked})


def _end(explore: Explore, name: str) -> tuple[str, str] | None:
    """(item, column) that a field of a query is; None for one that the explore does not have."""
    if name in explore.fields("measures"):
        return f"metric.{explore.model}.{name}", ""
    return (f"dataset.{explore.key}", name) if name in explore.fields("dimensions") else None


def _lookml_end(end: str) -> str:
    """What the lookml source calls an explore, or a reference to a measure by its name."""
    kind, _, key = end.partition(".")
    return f"lookml:{end}" if kind == "dataset" else f"ref:metric/{key.partition('.')[2]}"
