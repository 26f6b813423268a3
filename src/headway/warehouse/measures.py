"""Measures of BI tools as SELECT statements.

A connector says how a measure is computed as plain data (`meta["sql"]` of its node), and nothing of it is trusted:

    {"expression": "SUM(orders.amount)", "alias": "orders", "relation": "marts.orders", "dialect": "",
     "time": {"created": "orders.created_at"}}

`query` may stand in place of `relation`, and `{"problem": "..."}` for all of it. Every text is parsed on its own and
must be one expression, one table or one query that only reads; the statement is put together from their syntax trees.
HEADWAY_DATE('month', -1) is the first day of the month before the one that is evaluated for, and
HEADWAY_PERIOD('month', time) the first day of the month of a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from headway.errors import InputError
from headway.warehouse.periods import GRAINS, Window, shift
from headway.warehouse.statements import (
    MAX_ROWS,
    day_literal,
    parsed,
    query,
    rendered,
    short,
    table,
    truncated,
    value_select,
)


def time_of(computed: Mapping[str, Any], wanted: str) -> str:
    """The time dimension that dates a measure: the one that is wanted, or the only one; '' where there is none.

    Raises InputError when the measure cannot be evaluated at all, has no such dimension, or has several and none of
    them is asked for.
    """
    if problem := computed.get("problem"):
        raise InputError(f"the measure is not evaluated: {problem}")
    times = computed.get("time")
    names = sorted(times) if isinstance(times, Mapping) else []
    if wanted:
        if wanted not in names:
            raise InputError(
                f"the measure has no time dimension {wanted!r}", hint=f"it has {', '.join(names) or 'none'}"
            )
        return wanted
    if len(names) > 1:
        raise InputError(
            f"the measure has several time dimensions: {', '.join(names)}", hint=f"name one, as in `time: {names[0]}`"
        )
    return names[0] if names else ""


def measure_sql(
    computed: Mapping[str, Any],
    *,
    dialect: str,
    as_of: date,
    where: Sequence[str] = (),
    time: str = "",
    grain: str = "",
    window: Window | None = None,
) -> str:
    """`SELECT [period,] value FROM ...` in the warehouse's dialect; the period only with both `time` and `grain`.

    `window` keeps the rows whose time falls on one of its days. Raises InputError for what is not one expression, one
    table or one query that only reads.
    """
    spoken = _text(computed, "dialect") or dialect

    def tree(text: str, what: str) -> Any:
        with _unquoted(text):
            return _dated(parsed(text, spoken, what), as_of, dialect)

    value = tree(_text(computed, "expression"), "expression")
    conditions = [parsed(condition, dialect, "condition") for condition in where]
    times = computed.get("time")
    day = tree(str(times[time]), "time") if time and isinstance(times, Mapping) else None
    source = _source(computed, spoken, as_of, dialect)
    select = value_select(source, value, conditions, dialect=dialect, time=day, grain=grain, window=window)
    if day is not None and grain:
        select = select.order_by("period")
    return rendered(select.limit(MAX_ROWS + 1), dialect)


@contextmanager
def _unquoted(text: str) -> Iterator[None]:
    """Complaints about a text without the text: it is another tool's, and stays there."""
    try:
        yield
    except InputError as error:
        message = error.message
        for quoted in (short(text), repr(text)):
            message = message.replace(quoted, "of the measure")
        raise InputError(message, hint=error.hint) from None


def _source(computed: Mapping[str, Any], spoken: str, as_of: date, dialect: str) -> Any:
    from sqlglot import exp

    alias = exp.to_identifier(_text(computed, "alias") or "measure")
    if written := _text(computed, "query"):
        with _unquoted(written):
            return _dated(query(written, spoken), as_of, dialect).subquery(alias)
    named = _text(computed, "relation")
    with _unquoted(named):
        source = table(named, spoken)
    if source.args.get("joins") or source.args.get("pivots"):
        raise InputError("the relation of the measure is more than the name of a table")
    source.set("alias", exp.TableAlias(this=alias))
    return source


def _dated(tree: Any, as_of: date, dialect: str) -> Any:
    """The tree with its HEADWAY_DATE and HEADWAY_PERIOD calls put into what they stand for."""
    from sqlglot import exp

    def replaced(node: Any) -> Any:
        if not isinstance(node, exp.Anonymous):
            return node
        name, arguments = node.name.upper(), node.expressions
        if name not in {"HEADWAY_DATE", "HEADWAY_PERIOD"}:
            return node
        unit = arguments[0].name.lower() if len(arguments) == 2 and isinstance(arguments[0], exp.Literal) else ""
        if unit not in GRAINS:
            raise InputError(f"{name} takes a unit of time, such as 'month', and what it is applied to")
        if name == "HEADWAY_PERIOD":
            return truncated(exp.cast(arguments[1], "date"), unit, dialect)
        return day_literal(_shifted(as_of, unit, arguments[1].sql()))

    return tree.transform(replaced)


def _shifted(as_of: date, unit: str, count: str) -> date:
    try:
        return shift(as_of, unit, int(count))
    except (ValueError, OverflowError):
        raise InputError(f"HEADWAY_DATE is asked for a {unit} that no calendar has") from None


def _text(computed: Mapping[str, Any], key: str) -> str:
    value = computed.get(key, "")
    if not isinstance(value, str):
        raise InputError(f"{key} of the measure is not a text")
    return value
