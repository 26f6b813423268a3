"""All that one Superset holds, and the items it becomes. Keys are ids where an API gave it, uuids in an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from headway.connectors.content import Item
from headway.connectors.superset import form, templating
from headway.connectors.superset.database import Database, quoted, table
from headway.errors import MissingExtra
from headway.graph.columns import expression_sources
from headway.graph.model import Gap, Origin

NAME = "superset"
LONGEST_SQL = 500_000
"""Characters of a query. What is longer is not parsed."""
_MOST_INNER = 50
"""Datasets that the query of one dataset stands on by name, those of theirs included."""
_NO_DATABASE = Database(key="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    """What all of them have."""

    key: str
    title: str
    owner: str = ""
    url: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    created: date | None = None
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(_Thing):
    """A table, or a query that is used like one. Its title is the table's name."""

    database: str = ""
    catalog: str = ""
    schema: str = ""
    sql: str = ""
    columns: tuple[str, ...] | None = None
    """Names of its plain columns; None when they are not known."""
    calculated: Mapping[str, str] = field(default_factory=dict)
    """Further columns, as SQL over the plain ones."""
    metrics: Mapping[str, str] | None = None
    """Saved metrics, as SQL; None when they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart(_Thing):
    """A chart and its settings."""

    dataset: str = ""
    """Key of its dataset; '' for a chart without one."""
    form: Mapping[str, Any] = field(default_factory=dict)
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard(_Thing):
    """A dashboard, the keys of its charts, and those of datasets that its filters list values of."""

    slug: str = ""
    charts: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    outside: bool = False


@dataclass(slots=True)
class Stock:
    """Everything, by key, in the order it was found."""

    databases: dict[str, Database] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    charts: dict[str, Chart] = field(default_factory=dict)
    dashboards: dict[str, Dashboard] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def items(self) -> list[Item]:
        """Dashboards, then charts, then datasets. What is wrong with one of them is added to `gaps`."""
        return [
            *map(_dashboard, self.dashboards.values()),
            *map(self._chart, self.charts.values()),
            *map(self._dataset, self.datasets.values()),
        ]

    def missing(self, message: str, *, topic: str = "lineage", hint: str = "", file: str = "") -> None:
        """Note something that is not known."""
        self.gaps.append(Gap(topic=topic, message=message, hint=hint, origin=Origin(connector=NAME, file=file)))

    def _chart(self, chart: Chart) -> Item:
        dataset = self.datasets.get(chart.dataset)
        dialect = self._database(dataset).dialect
        asked = form.asked(chart.form, dataset.metrics if dataset else None, _columns(dataset), dialect)
        clean = {name: _plain(text) for name, text in asked.computed.items()}
        return Item(
            kind="chart",
            reads=(f"dataset.{chart.dataset}",) if chart.dataset else (),
            dialect=dialect,
            computed=clean,
            rows=tuple(dict.fromkeys(map(_plain, asked.rows))),
            outside=chart.outside,
            **_shared(chart),
        )

    def _dataset(self, dataset: Dataset) -> Item:
        database = self._database(dataset)
        catalog = dataset.catalog or database.catalog
        metrics = {name: _plain(text) for name, text in (dataset.metrics or {}).items()}
        common: dict[str, Any] = {"kind": "dataset", "dialect": database.dialect, "path": database.name}
        if not dataset.sql.strip():
            calculated = {name: _plain(text) for name, text in dataset.calculated.items()}
            return Item(
                tables=(table(dataset.catalog, dataset.schema, dataset.title, database),),
                columns=dataset.columns,
                computed={**calculated, **metrics},
                **common,
                **_shared(dataset),
            )
        sql, named = self._query(dataset, [dataset.key])
        if len(sql) > LONGEST_SQL:
            self.missing(f"the query of dataset {dataset.title!r} is {len(sql):,} characters long and was not followed")
            sql = ""
        return Item(
            sql=_with_calculated(sql, dataset, database.dialect),
            reads=tuple(f"dataset.{key}" for key in named),
            default=(catalog, dataset.schema or database.schema),
            computed=metrics,
            **common,
            **_shared(dataset),
        )

    def _query(self, dataset: Dataset, inside: list[str]) -> tuple[str, tuple[str, ...]]:
        """A virtual dataset's SQL without templating, and the datasets that it stands on by name."""

        def inner(key: str) -> str:
            other = self.datasets.get(key)
            if other is None or other.key in inside or len(inside) > _MOST_INNER:
                return ""
            inside.append(key)
            if other.sql.strip():
                return self._query(other, inside)[0]
            parts = table(other.catalog, other.schema, other.title, self._database(other)).split(".")
            name = ".".join(quoted(part, self._database(other).dialect) for part in parts)
            return f"SELECT * FROM {name}"  # noqa: S608 - parsed, never run

        return templating.without(dataset.sql.strip().rstrip("; \t\r\n"), inner)

    def _database(self, dataset: Dataset | None) -> Database:
        return self.databases.get(dataset.database, _NO_DATABASE) if dataset else _NO_DATABASE


def _dashboard(dashboard: Dashboard) -> Item:
    return Item(
        kind="dashboard",
        name=dashboard.slug,
        reads=(
            *(f"chart.{key}" for key in dashboard.charts),
            *(f"dataset.{key}" for key in dashboard.datasets),
        ),
        outside=dashboard.outside,
        **_shared(dashboard),
    )


def _columns(dataset: Dataset | None) -> frozenset[str]:
    return frozenset((*(dataset.columns or ()), *dataset.calculated)) if dataset else frozenset()


def _shared(thing: _Thing) -> dict[str, Any]:
    names = ("key", "title", "owner", "url", "description", "tags", "created", "file")
    return {name: getattr(thing, name) for name in names}


def _plain(expression: str) -> str:
    return templating.without(expression, lambda _: "")[0]


def _with_calculated(sql: str, dataset: Dataset, dialect: str) -> str:
    """A query with the calculated columns around it, those left out that are no expression."""
    try:
        found = [
            f"({_plain(text)}\n) AS {quoted(name, dialect)}"
            for name, text in dataset.calculated.items()
            if not expression_sources(_plain(text), dialect).problem
        ]
    except MissingExtra:
        return sql
    return f"SELECT *, {', '.join(found)} FROM (\n{sql}\n) AS dataset" if found else sql  # noqa: S608 - never run


def named(parts: Iterable[Any]) -> str:
    """Names of owners joined by commas, those that are no text left out."""
    return ", ".join(dict.fromkeys(part.strip() for part in parts if isinstance(part, str) and part.strip()))


def expressions(rows: Any, name: str) -> Iterator[tuple[str, str]]:
    """Name and SQL expression ('' for none) of each row of a list of columns or metrics; others are left out."""
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and isinstance(row.get(name), str) and row[name]:
            expression = row.get("expression")
            yield row[name], expression.strip() if isinstance(expression, str) else ""
