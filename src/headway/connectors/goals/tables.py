"""Which tables a query of a key result reads. Needs sqlglot, which is optional."""

from __future__ import annotations

from headway.errors import ConfigError
from headway.sql import TooDeep, Unparsed, trees

LONGEST = 100_000
"""Characters of SQL that are looked at."""
DEEPEST = 200
"""Brackets inside one another that are looked at; the parser recurses."""


class Unreadable(Exception):
    """The tables cannot be told. Says why, as the end of a sentence."""


class NoParser(Exception):
    """sqlglot is not installed."""


def tables(sql: str, dialect: str = "") -> tuple[str, ...]:
    """Names of the tables read, `catalog.schema.table` as far as written, sorted; names of CTEs are not tables.

    Raises NoParser without sqlglot, Unreadable when the query cannot be understood,
    ConfigError when there is no such dialect.
    """
    try:
        import sqlglot
        from sqlglot import exp
        from sqlglot.optimizer.scope import traverse_scope
    except ImportError as error:
        raise NoParser from error
    try:
        sqlglot.Dialect.get_or_raise(dialect or None)
    except ValueError as error:
        raise ConfigError(f"sqlglot knows no SQL dialect {dialect!r}", hint="such as snowflake or bigquery") from error
    if len(sql) > LONGEST or _depth(sql) > DEEPEST:
        raise Unreadable("it is too long or too deeply nested")
    try:
        statements = trees(sql, dialect)
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise Unreadable("it is not a single query")
        found = {
            ".".join(part.name for part in source.parts)
            for scope in traverse_scope(statements[0])
            for source in scope.sources.values()
            if isinstance(source, exp.Table) and source.name
        }
    except (TooDeep, RecursionError) as error:
        raise Unreadable("it is too deeply nested") from error
    except Unparsed as error:
        raise Unreadable("it is not valid SQL" + (f" near its line {error.line}" if error.line else "")) from error
    except sqlglot.errors.SqlglotError as error:
        raise Unreadable("it is not valid SQL") from error
    return tuple(sorted(found))


def _depth(sql: str) -> int:
    depth = deepest = 0
    for character in sql:
        if character in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]":
            depth -= 1
    return deepest
