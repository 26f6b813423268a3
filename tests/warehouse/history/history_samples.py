"""Statements as a history holds them, in a DuckDB in memory, and what usage makes of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from headway.graph.model import Observation
from headway.people import Classes, People
from headway.warehouse.history import rowfiles
from headway.warehouse.history.statements import COLUMNS
from headway.warehouse.history.usage import History, usage

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "a key that only tests have"
PEOPLE = People(KEY.encode())
_TYPES = {"timestamp": "TIMESTAMP", "string": "VARCHAR", "float64": "DOUBLE"}


def quiet(*_: object) -> None:
    """A progress function that says nothing."""


def statement(text: str | None, started: str = "2026-11-20 10:00:00", **more: Any) -> dict[str, Any]:
    """One row of a history."""
    return {"started": started, "text": text, **more}


@contextmanager
def table(rows: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """Rows as an Ibis table with the columns of a history."""
    backend = rowfiles.connect("500MB", "tests")
    columns = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in COLUMNS.items())
    backend.con.execute(f"CREATE TABLE statements ({columns})")
    marks = ", ".join("?" * len(COLUMNS))
    for row in rows:
        backend.con.execute(f"INSERT INTO statements VALUES ({marks})", [row.get(name) for name in COLUMNS]).fetchall()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield backend.table("statements")
    finally:
        backend.disconnect()


def used(
    *rows: Mapping[str, Any],
    since: datetime | None = None,
    now: datetime = NOW,
    progress: Callable[..., None] = quiet,
    **more: Any,
) -> list[Any]:
    """The records that a history of these rows comes to."""
    given = {"name": "sample", "dialect": "duckdb", "people": PEOPLE, "classes": Classes.of(), **more}
    with table(rows) as statements:
        return list(usage(statements, History(**given), now=now, since=since, progress=progress))


def amounts(records: Sequence[Any], measure: str = "queries", *by: str) -> dict[Any, float]:
    """Sums of a measure by fields of observations (relation or node, and column, unless told otherwise)."""
    found: dict[Any, float] = {}
    for record in records:
        if isinstance(record, Observation) and record.measure == measure:
            name = record.node or record.relation
            key = tuple(getattr(record, field) for field in by) if by else (name, record.column)
            found[key] = found.get(key, 0.0) + record.amount
    return found


def tables(records: Sequence[Any], measure: str = "queries") -> dict[str, float]:
    """Sums of a measure by node or relation, as a whole."""
    return {name: amount for (name, column), amount in amounts(records, measure).items() if not column}
