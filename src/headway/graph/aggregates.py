"""What an expression computes, in a form in which alike expressions are equal."""

from __future__ import annotations

from functools import lru_cache

from headway.sql import Unparsed, trees


def aggregate(expression: str, dialect: str = "") -> str:
    """An aggregate as `name(columns)` in lower case, so that alike ones compare equal; '' for what is no aggregate.

    `SUM("t"."Amount")` is `sum(amount)`, `COUNT(DISTINCT user_id)` is `count_distinct(user_id)`, `count(*)` is
    `count()`. Whatever is done to the result counts no further: `100 * avg(x)` is `avg(x)`. Of several the texts are
    joined by `, ` in order.
    """
    try:
        import sqlglot  # noqa: F401 - whether it is there is not a thing to remember
    except ImportError:
        return ""
    return _aggregate(expression, dialect)


@lru_cache(maxsize=65_536)
def _aggregate(expression: str, dialect: str) -> str:
    from sqlglot import exp

    try:
        read = trees(f"SELECT {expression}", dialect)
    except Unparsed:
        return ""
    found = []
    for node in read[0].find_all(exp.AggFunc) if len(read) == 1 else ():
        name = node.sql_name().lower() if not isinstance(node, exp.Anonymous) else node.name.lower()
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
            name = "count_distinct"
        columns = sorted({c.name.lower() for c in node.find_all(exp.Column)})
        found.append(f"{name}({', '.join(columns)})")
    return ", ".join(sorted(dict.fromkeys(found)))
