"""Where the columns of a query come from: one pass over its syntax tree, every scope once.

`resolve` follows each output column of a SELECT (or CREATE ... AS, INSERT ... SELECT) down to the columns of the tables
it reads, with how sure each of them is, and says what decides which rows there are. It needs no qualified or optimised
tree. What cannot be followed is a `problem` in the result, never an exception, and never contains SQL.

sqlglot does the parsing; it is part of the extra `columns` and only loaded when something is resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from headway.errors import MissingExtra
from headway.graph.column_query import Resolver, Unsupported
from headway.graph.column_scope import Leaf, TableName, TooLarge
from headway.graph.column_tokens import shortened
from headway.sql import quietly

VERSION = 2
"""Raised whenever the same query may resolve to something else: what was kept of an older version is not used."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "Select": ("with_", "from_", "joins", "laterals", "distinct", "where", "group", "having", "qualify", "windows"),
    "Table": ("db", "catalog", "alias", "joins", "pivots"),
    "Union": ("with_", "distinct", "by_name", "this", "expression"),
    "Star": ("except_", "replace", "rename"),
    "Pivot": ("fields", "unpivot", "using", "columns"),
    "Unnest": ("expressions", "alias", "offset"),
    "Window": ("alias",),
    "With": ("recursive",),
}
"""Names inside sqlglot's trees that are relied on. They have moved between versions, and a name that is not there reads
as "no FROM", not as an error."""

_BORDER = "\0"
_EXPRESSION_TABLE = "headway_expression"


class Schema:
    """Which relations there are, and their ordered columns where they are known.

    A relation is (catalog, schema, name) as the warehouse spells it; '' where it has no such part. Columns are spelt as
    the warehouse stores them; None says that nobody knows them.
    """

    def __init__(self, relations: Mapping[TableName, Sequence[str] | None] | None = None) -> None:
        self._columns: dict[TableName, tuple[str, ...] | None] = {}
        self._endings: dict[str, list[TableName]] | None = None
        """Relations by every ending of their names; made when a name is looked for that is not written out in full."""
        self._known: dict[TableName, tuple[tuple[Leaf, ...], dict[str, Leaf]]] = {}
        self._meanings: dict[tuple[TableName, tuple[str, str]], TableName | None] = {}
        """What was found by ending."""
        for relation, columns in (relations or {}).items():
            self.put(relation, columns)

    def put(self, relation: TableName, columns: Sequence[str] | None) -> None:
        """Add a relation, or say its columns anew."""
        if relation not in self._columns and self._endings is not None:
            self._endings = None
            self._meanings.clear()
        self._columns[relation] = None if columns is None else tuple(columns)
        self._known.pop(relation, None)

    def columns(self, relation: TableName) -> tuple[str, ...] | None:
        """Its columns as they were given; None when nobody knows them."""
        return self._columns.get(relation)

    def leaves(self, relation: TableName, lower: bool) -> tuple[tuple[Leaf, ...], dict[str, Leaf]] | None:
        """Its columns as leaves, in lower case where case means nothing, also by name; None when nobody knows them."""
        columns = self._columns.get(relation)
        if columns is None:
            return None
        known = self._known.get(relation)
        if known is None:
            names = [name.lower() for name in columns] if lower else columns
            listed: tuple[Leaf, ...] = tuple([(relation, name, "known") for name in names])
            known = self._known[relation] = (listed, dict(zip(names, listed, strict=True)))
        return known

    def find(self, written: TableName, default: tuple[str, str]) -> TableName | None:
        """The relation that a name in SQL means: with the default catalog and schema filled in, else the only one that
        ends with what was written, else (for three parts) with the last two of them. None when none or several do.
        """
        catalog, schema, name = written
        full = (catalog or default[0], schema or default[1], name)
        if full in self._columns:
            return full
        key = (written, default)
        if key not in self._meanings:
            self._meanings[key] = self._by_ending(written, full)
        return self._meanings[key]

    def _by_ending(self, written: TableName, full: TableName) -> TableName | None:
        if self._endings is None:
            self._endings = {}
            for relation in self._columns:
                ending = _folded(relation)
                while ending:
                    self._endings.setdefault(ending, []).append(relation)
                    ending = ending.partition(_BORDER)[2]
        catalog, schema, name = written
        for parts in (full, written, ("", schema, name) if catalog and schema else ("", "", "")):
            found = self._endings.get(_folded(parts), [])
            if len(found) > 1:  # names that differ by case only
                found = [relation for relation in found if relation[-1] == name]
            if len(found) == 1:
                return found[0]
        return None


def _folded(parts: TableName) -> str:
    return _BORDER.join(filter(None, parts)).casefold()


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is known about the columns of one query."""

    columns: tuple[tuple[str, tuple[Leaf, ...]], ...] = ()
    """Output columns in order, folded as the dialect folds them, each with (relation, column, certainty) for what its
    value is made from. Names may repeat. An unnamed expression is `_col_<position from 0>`."""
    shape: tuple[Leaf, ...] = ()
    """What decides which rows there are and in which order: filters, joins, groupings, orderings, set operations."""
    reads: tuple[tuple[TableName, TableName], ...] = ()
    """Every table read: as written, and the relation it was taken for."""
    open: tuple[TableName, ...] = ()
    """Tables whose columns nobody knows and that all pass through to the output; then `columns` is incomplete."""
    incomplete: bool = False
    """There are further output columns whose names cannot be known (of a function, a struct or a pivot)."""
    rest: tuple[Leaf, ...] = ()
    """What those further columns are made from."""
    stale: tuple[tuple[TableName, str], ...] = ()
    """Columns that were asked of a relation which, as far as is known, does not have them."""
    unresolved: tuple[str, ...] = ()
    """Names that nothing in the query can have."""
    problem: str = ""
    """Why nothing could be followed; then everything else is empty."""

    @property
    def tables(self) -> frozenset[TableName]:
        """The relations read."""
        return frozenset(relation for _, relation in self.reads)

    @property
    def complete(self) -> bool:
        """Every output column is in `columns`."""
        return not (self.problem or self.open or self.incomplete)


def resolve(
    sql: str,
    *,
    dialect: str,
    schema: Schema,
    default: tuple[str, str] = ("", ""),
    stands_for: Mapping[str, TableName] | None = None,
) -> Resolved:
    """Follow every output column of one statement.

    `dialect` is sqlglot's name of it; `default` the catalog and schema of names that do not say theirs; `stands_for`
    gives common table expressions that are to be read as a relation of their own, by lower-case name.

    Raises MissingExtra when sqlglot is not installed, or is a version whose trees have another form.
    """
    exp = _expressions()
    try:
        settings = _dialect(dialect)
        tree = _parse(sql, settings)
        resolver = Resolver(exp, settings, dialect, schema, default, stands_for or {})
        offer = resolver.statement(tree)
    except Unsupported as error:
        return Resolved(problem=str(error))
    except TooLarge as error:
        return Resolved(problem=f"the query {error}")
    except RecursionError:
        return Resolved(problem="the query is nested too deeply")
    leaves = resolver.leaves
    return Resolved(
        columns=tuple((name, leaves.sources(mask)) for name, mask in offer.columns),
        shape=leaves.sources(offer.shape),
        reads=tuple(sorted(resolver.reads.items())),
        open=tuple(sorted({table for branch in offer.open for table in branch})),
        incomplete=offer.blanket is not None,
        rest=leaves.sources(offer.blanket or 0),
        stale=tuple(sorted(resolver.stale())),
        unresolved=tuple(sorted(resolver.unresolved)),
    )


@dataclass(frozen=True, slots=True)
class ExpressionColumns:
    """What a bare SQL expression is made from."""

    values: tuple[str, ...] = ()
    """Columns of the one table it is over, folded by the dialect, sorted."""
    problem: str = ""


def expression_sources(expression: str, dialect: str) -> ExpressionColumns:
    """The columns that an expression over one table reads, such as `sum(amount) filter (where paid)`: amount, paid.

    Raises MissingExtra as `resolve` does; anything wrong with the expression is its `problem`.
    """
    # on a line of its own, so that a comment at the end of the expression does not reach what follows
    found = resolve(f"SELECT {expression}\nFROM {_EXPRESSION_TABLE}", dialect=dialect, schema=Schema())
    if found.problem:
        return ExpressionColumns(problem=found.problem)
    if len(found.columns) != 1 or found.open or {r[-1].lower() for r in found.tables} != {_EXPRESSION_TABLE}:
        return ExpressionColumns(problem="it is not one expression over one table")
    names = {column for _, sources in found.columns for _, column, _ in sources}
    return ExpressionColumns(tuple(sorted(names | {column for _, column, _ in found.shape})))


@lru_cache
def _dialect(name: str) -> Any:
    """sqlglot's settings of a dialect. Raises Unsupported for one that it does not know."""
    from sqlglot.dialects.dialect import Dialect

    try:
        return Dialect.get_or_raise(name or None)
    except ValueError:
        raise Unsupported("the parser does not know the dialect") from None


def _parse(sql: str, dialect: Any) -> Any:
    """The tree of the one statement in `sql`. Raises Unsupported for none, several, or what cannot be parsed."""
    from sqlglot.errors import SqlglotError

    try:
        with quietly():
            tokens = dialect.tokenize(sql)
            trees = [tree for tree in _trees(sql, tokens, dialect) if tree is not None]
    except RecursionError:
        raise
    except SqlglotError as error:
        raise Unsupported(f"the SQL could not be parsed{_place(error)}") from None
    except Exception as error:
        raise Unsupported(f"the parser failed on the SQL ({type(error).__name__})") from None
    if len(trees) != 1:
        raise Unsupported(
            "there is no statement in the SQL" if not trees else "there are several statements in the SQL"
        )
    return trees[0]


def _trees(sql: str, tokens: list[Any], dialect: Any) -> list[Any]:
    """The trees of all statements, with plain expressions cut down to their columns. Raises what the parser raises."""
    from sqlglot.errors import SqlglotError

    fewer = shortened(tokens)
    if fewer is not tokens:
        try:
            return list(dialect.parser().parse(fewer, sql))
        except SqlglotError:
            pass  # what is wrong, and where, is said of the SQL as it was written
    return list(dialect.parser().parse(tokens, sql))


def _place(error: Any) -> str:
    """` (line 3)` where the parser says so. Its message is not repeated: it quotes the SQL."""
    found = getattr(error, "errors", None)
    line = found[0].get("line") if found else None
    return f" (line {line})" if isinstance(line, int) else ""


_checked: list[Any] = []


def _expressions() -> Any:
    """sqlglot's classes, once it is sure that their parts are named as they are relied on here."""
    if not _checked:
        try:
            from sqlglot import exp
        except ImportError:
            raise MissingExtra("columns", "following columns through SQL") from None
        for name, parts in _NEEDED.items():
            if not set(parts) <= set(getattr(exp, name).arg_types):
                raise MissingExtra("columns", "following columns through SQL (this sqlglot has other trees)")
        _checked.append(exp)
    return _checked[0]
