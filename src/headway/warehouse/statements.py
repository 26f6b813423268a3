"""SELECT statements for key results that are bound to a model or to SQL.

What teams write is parsed, never pasted: an expression must be one expression, a query one query. Identifiers are
built as syntax trees and rendered by sqlglot in the warehouse's own dialect.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any

from headway.errors import InputError
from headway.sql import TooDeep, Unparsed, trees
from headway.warehouse.periods import Window

MAX_ROWS = 5_000


def model_sql(
    relation: str,
    expression: str,
    *,
    dialect: str,
    where: Sequence[str] = (),
    time: str = "",
    grain: str = "",
    window: Window | None = None,
) -> str:
    """`SELECT [period,] value FROM relation`; the period only with both `time` and `grain`.

    `window` keeps the rows whose `time` falls on one of its days. InputError for what is not one expression.
    """
    value = parsed(expression, dialect, "expression")
    day = column(time, dialect) if time else None
    conditions = [parsed(w, dialect, "condition") for w in where]
    select = value_select(relation, value, conditions, dialect=dialect, time=day, grain=grain, window=window)
    if day is not None and grain:
        select = select.order_by("period")
    return rendered(select.limit(MAX_ROWS + 1), dialect)


def value_select(
    relation: Any,
    value: Any,
    conditions: Sequence[Any],
    *,
    dialect: str,
    time: Any = None,
    grain: str = "",
    window: Window | None = None,
) -> Any:
    """The same as a syntax tree, from syntax trees, without order and limit; a relation may be a name or a tree."""
    from sqlglot import exp

    select = exp.select()
    conditions = list(conditions)
    period = None
    if time is not None:
        day = exp.cast(time, "date")
        if window:
            conditions.append(exp.Between(this=day.copy(), low=day_literal(window.start), high=day_literal(window.end)))
        if grain:
            period = truncated(day, grain, dialect)
            select = select.select(exp.alias_(period, "period"))
    source = table(relation, dialect) if isinstance(relation, str) else relation
    select = select.select(exp.alias_(value, "value")).from_(source)
    if conditions:
        select = select.where(*conditions)
    return select if period is None else select.group_by(period.copy())


def wrapped_sql(sql: str, *, dialect: str, where: Sequence[str] = ()) -> str:
    """The query as written, with a limit on its rows. Raises InputError when it is not exactly one SELECT."""
    from sqlglot import tokenize

    query(sql, dialect)
    written = sql
    for token in reversed(tokenize(sql, read=dialect)):
        if token.text != ";":
            break
        written = sql[: token.start]
    conditions = "".join(
        f"\n{'AND' if i else 'WHERE'} ({rendered(parsed(w, dialect, 'condition'), dialect)})"
        for i, w in enumerate(where)
    )
    # the line break ends a comment that the query may end with
    return f"SELECT * FROM (\n{written.strip()}\n) AS key_result{conditions}\nLIMIT {MAX_ROWS + 1}"  # noqa: S608


def last_data_sql(clocks: Sequence[tuple[str, str]], *, dialect: str, end: date) -> str:
    """The latest day, up to `end`, that any of the (relation, time expression) pairs has a row for."""
    from sqlglot import exp

    selects = []
    for relation, time in clocks:
        day = exp.cast(parsed(time, dialect, "time"), "date")
        latest = exp.alias_(exp.func("MAX", day), "day")
        selects.append(exp.select(latest).from_(table(relation, dialect)).where(day.copy() <= day_literal(end)))
    if len(selects) == 1:
        return rendered(selects[0], dialect)
    every = reduce(lambda a, b: exp.union(a, b, distinct=False), selects).subquery("clocks")
    return rendered(exp.select(exp.alias_(exp.func("MAX", exp.column("day")), "day")).from_(every), dialect)


def parsed(text: str, dialect: str, what: str) -> Any:
    """One SQL expression as a syntax tree; InputError for statements, several of them, and what does not parse."""
    from sqlglot import exp

    tree = _one_statement(text, dialect, what, into=exp.Condition)
    if isinstance(tree, exp.Query):
        raise InputError(f"the {what} {text!r} is a query, not an expression", hint="use `sql:` for queries")
    _only_reads(tree, what)
    return tree


def query(text: str, dialect: str) -> Any:
    """A query as a syntax tree. Raises InputError when it is not exactly one SELECT, or would do more than read."""
    from sqlglot import exp

    tree = _one_statement(text, dialect, "query")
    if not isinstance(tree, exp.Query):
        raise InputError(f"the query is not a SELECT but {type(tree).__name__.upper()}")
    _only_reads(tree, "query")
    return tree


def column(name: str, dialect: str) -> Any:
    """A column by name, `"quoted"` or not; InputError for anything else."""
    from sqlglot import exp

    tree = parsed(name, dialect, "time")
    if not isinstance(tree, exp.Column):
        raise InputError(f"`time` must name a column, not {name!r}")
    return tree


def table(relation: str, dialect: str) -> Any:
    """A relation as dbt writes it, as a syntax tree."""
    from sqlglot import exp

    tree = _one_statement(relation, dialect, "relation", into=exp.Table)
    if not isinstance(tree, exp.Table):
        raise InputError(f"{relation!r} is not the name of a table")
    return tree


def truncated(day: Any, grain: str, dialect: str) -> Any:
    """First day of the period of a date; weeks from Monday on every warehouse."""
    from sqlglot import exp

    if grain == "day":
        return day.copy()
    unit = "isoweek" if grain == "week" and dialect == "bigquery" else grain
    return exp.cast(exp.DateTrunc(this=day.copy(), unit=exp.Literal.string(unit)), "date")


def day_literal(day: date) -> Any:
    """A day as `CAST('2026-09-30' AS DATE)`."""
    from sqlglot import exp

    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def rendered(tree: Any, dialect: str) -> str:
    """SQL text of a tree, without the comments that were in what the team wrote."""
    return str(tree.sql(dialect=dialect, comments=False, pretty=True))


def _one_statement(text: str, dialect: str, what: str, into: Any = None) -> Any:
    try:
        found = trees(text, dialect, into=into)
    except TooDeep:
        raise InputError(f"the {what} {short(text)} is nested too deeply") from None
    except Unparsed as error:
        where = f" (line {error.line})" if error.line and "\n" in text.strip() else ""
        raise InputError(f"the {what} {short(text)} is not SQL{where}: {error.said}") from None
    if len(found) > 1:
        raise InputError(f"the {what} {short(text)} holds several statements", hint="write exactly one, without a ;")
    if not found:
        raise InputError(f"the {what} is empty")
    return found[0]


def _only_reads(tree: Any, what: str) -> None:
    """Refuse anything that writes or runs commands, wherever it stands in the tree."""
    from sqlglot import exp

    for node in tree.walk():
        if isinstance(node, exp.DML | exp.DDL | exp.Command | exp.Into | exp.Lock) and not isinstance(node, exp.Query):
            raise InputError(f"the {what} would do more than read: {type(node).__name__.upper()}")


def short(text: str) -> str:
    """A text as messages quote it: on one line, and not all of it where it is long."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 120 else line[:117] + "...")
