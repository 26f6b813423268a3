"""Which relations and columns a parsed statement reads, by the scoping rules of SQL.

Names of common table expressions hide relations of the same name where they are visible, and only there. A column is
put down to a relation when the SELECT it stands in says which (a qualifier, or a single source); where it could be one
of several relations, each of them is read as a whole (`*`), so that no column is taken for unused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

EVERY = "*"
Parts = tuple[str, ...]
Names = frozenset[str]
Sources = Mapping[str, Parts]
"""Aliases in a scope and what they stand for; () for a subquery, a function or a common table expression."""


@dataclass(slots=True)
class Reading:
    """What statements read and build; filled by `add`."""

    text: str = ""
    """The statements, to tell a name from a literal in its place."""
    kind: str = ""
    reads: dict[Parts, set[str]] = field(default_factory=dict)
    builds: set[Parts] = field(default_factory=set)
    temporary: set[str] = field(default_factory=set)

    def add(self, tree: Any) -> bool:
        """Take in one statement; False for one that the parser does not know."""
        if isinstance(tree, exp.Command):
            return False
        self.kind = self.kind or type(tree).__name__.upper()
        if not isinstance(tree, _NO_ROWS) and not (isinstance(tree, exp.Create) and not _of_rows(tree)):
            self._walk(tree, self._target(tree))
        return True

    def _target(self, tree: Any) -> Any:
        """Note what a statement writes to, and return the node that names it: that is not read."""
        if isinstance(tree, exp.Create):
            named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            parts = self._named(named) if isinstance(named, exp.Table) else ()
            if parts and _temporary(tree):
                self.temporary.add(parts[-1])
            elif parts:
                self.builds.add(parts)
            return named
        if isinstance(tree, exp.Insert | exp.Merge | exp.Update | exp.Delete):
            named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            if isinstance(named, exp.Table) and (parts := self._named(named)):
                self.builds.add(parts)
            return named
        if isinstance(tree, exp.Copy):
            named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            if tree.args.get("kind") and isinstance(named, exp.Table) and (parts := self._named(named)):
                self.builds.add(parts)
                return named
        into = tree.args.get("into") if isinstance(tree, exp.Select) else None
        if into is not None and isinstance(into.this, exp.Table) and (parts := self._named(into.this)):
            if into.args.get("temporary"):
                self.temporary.add(parts[-1])
            else:
                self.builds.add(parts)
            return into.this
        return None

    def _named(self, table: Any) -> Parts:
        """The names of a table; () for what is none, a literal among them: DuckDB reads FROM 'file' as a file."""
        this = table.this
        if isinstance(this, exp.Identifier) and this.quoted and table.args.get("db") is None:
            doubled = this.name.replace('"', '""')
            written = (f'"{doubled}"', f"`{this.name}`", f"[{this.name}]")
            if not any(name in self.text for name in written):
                return ()
        return _parts(table)

    def _walk(self, tree: Any, skipped: Any) -> None:
        """Visit every SELECT-like scope with the names of the common table expressions that it sees.

        A stack, not recursion: statements of machines are deep.
        """
        stack: list[tuple[Any, Names, Sources]] = [(tree, frozenset(), {})]
        placed: set[int] = set()  # tables that a scope has taken; their nodes live as long as the tree
        while stack:
            node, hidden, outer = stack.pop()
            if type(node) is exp.Column:
                continue
            inner = self._with(node, hidden, outer, stack)
            if isinstance(node, exp.Select | exp.Update | exp.Delete | exp.Merge):
                outer = self._scope(node, inner, outer, skipped, placed)
            elif isinstance(node, exp.Table) and node is not skipped and id(node) not in placed:
                parts = self._table(node, inner)
                self._note({parts} if parts else (), EVERY)
            stack.extend((child, inner, outer) for child in _below(node) if not isinstance(child, _ELSEWHERE))

    @staticmethod
    def _with(node: Any, hidden: Names, outer: Sources, stack: list[tuple[Any, Names, Sources]]) -> Names:
        """Put the common table expressions of a node on the stack; what its own body sees hidden is returned."""
        found = node.args.get("with_") or node.args.get("with")
        if not isinstance(found, exp.With):
            return hidden
        seen = hidden
        if found.args.get("recursive"):  # each sees all of them, those that come later too
            seen |= {one.alias.lower() for one in found.expressions}
        for one in found.expressions:
            stack.append((one.this, seen, outer))
            seen |= {one.alias.lower()}
        return seen

    def _table(self, table: Any, hidden: Names) -> Parts:
        """Note that a relation is read; () for what is none."""
        parts = self._named(table)
        if not parts or (len(parts) == 1 and parts[0] in hidden):
            return ()
        self.reads.setdefault(parts, set())
        return parts

    def _scope(self, scope: Any, hidden: Names, outer: Sources, skipped: Any, placed: set[int]) -> Sources:
        """Put the columns of one SELECT down to its sources, or to those around it; returns both by name."""
        sources: dict[str, Parts] = {}
        for source in _sources(scope):
            if isinstance(source, exp.Table) and source is not skipped:
                placed.add(id(source))
                sources[(source.alias or source.name).lower()] = self._table(source, hidden)
            else:
                sources[source.alias_or_name.lower() or f"?{len(sources)}"] = ()
        relations = {parts for parts in sources.values() if parts}
        around = {**outer, **sources}
        for join in scope.args.get("joins") or ():
            used = {i.name.lower() for i in join.args.get("using") or ()}
            used |= {EVERY} if (join.args.get("method") or "").upper() == "NATURAL" else set()
            for parts in relations:
                self.reads[parts] |= used
        outputs = {e.alias.lower() for e in scope.expressions if isinstance(e, exp.Alias)}
        for found, late in _columns(scope):
            if isinstance(found, exp.Star):
                self._note(relations, EVERY)
            elif found.table:
                self._qualified(found, around, relations, alone=len(sources) == 1)
            elif not (late and found.name.lower() in outputs):
                self._note(relations, found.name.lower() if len(sources) == 1 else EVERY)
        return around

    def _qualified(self, column: Any, around: Sources, relations: set[Parts], *, alone: bool) -> None:
        """Put down `source.column`; or `column.field` and `source.column.field` where rows have structure."""
        names = [part.name.lower() for part in column.parts]
        for position in (-2, -3, -4):
            if len(names) >= -position and names[position] in around:
                parts = around[names[position]]
                star = isinstance(column.this, exp.Star) and position == -2
                self._note({parts} if parts else (), EVERY if star else names[position + 1])
                return
        self._note(relations, names[0] if alone else EVERY)

    def _note(self, relations: Iterable[Parts], column: str) -> None:
        for parts in relations:
            self.reads[parts].add(column or EVERY)


_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery)
_NO_ROWS = (exp.Alter, exp.Drop, exp.TruncateTable, exp.Comment, exp.Describe, exp.Grant, exp.Revoke, exp.Use)
"""What changes, shows or names something, and reads no rows of it."""
_ELSEWHERE = (exp.With, exp.Lock, exp.LikeProperty, exp.PartitionedOfProperty)
"""Common table expressions have a place of their own; the others name tables that are read anyhow, or not at all."""
_NAMES = frozenset({exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.DataType})
"""Names and values: more than half of the nodes of a statement, and nothing to look for below them."""


def _of_rows(create: Any) -> bool:
    """Whether what is made holds rows, or a query: a schema, an index, a function or a role does not."""
    kind = str(create.args.get("kind") or "").upper()
    return kind.endswith(("TABLE", "VIEW", "MODEL"))


def _below(node: Any) -> list[Any]:
    """What a node is made of, without names and values."""
    found = []
    for value in node.args.values():
        if type(value) is list:
            found += [item for item in value if isinstance(item, exp.Expr) and type(item) not in _NAMES]
        elif isinstance(value, exp.Expr) and type(value) not in _NAMES:
            found.append(value)
    return found


def _sources(scope: Any) -> Iterator[Any]:
    """What a SELECT, UPDATE, DELETE or MERGE reads from directly: tables, subqueries, functions."""
    stack = [scope.args.get(name) for name in ("from_", "from", "using")]
    if isinstance(scope, exp.Update | exp.Delete | exp.Merge):
        stack.append(scope.this)
    stack += [*(scope.args.get("joins") or ()), *(scope.args.get("laterals") or ())]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, exp.From | exp.Join):
            stack.append(node.this)
        elif isinstance(node, exp.Table):
            stack += node.args.get("joins") or ()
            if isinstance(node.this, exp.Table | exp.Subquery):
                stack.append(node.this)
            else:
                yield node
        elif isinstance(node, exp.Subquery):
            stack += node.args.get("joins") or ()
            if isinstance(node.this, exp.Table):  # parentheses around a join
                stack.append(node.this)
            else:
                yield node
        elif isinstance(node, exp.Expr):
            yield node


def _columns(scope: Any) -> Iterator[tuple[Any, bool]]:
    """Columns and stars that stand in a scope itself, and whether they come where output names can be used."""
    for name, value in scope.args.items():
        late = name in {"order", "group", "having", "qualify", "distinct"}
        if name in {"with_", "with"}:
            continue
        stack = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, exp.Expr)]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Column):
                yield node, late
            elif isinstance(node, exp.Star):
                if not isinstance(node.parent, exp.Count):
                    yield node, late
            elif not isinstance(node, _QUERIES) or node is scope:
                stack.extend(_below(node))


def _parts(table: Any) -> Parts:
    """The names of a table; () for a function, a file or anything else in its place."""
    this = table.this
    if not isinstance(this, exp.Identifier):
        inner = this.expressions if isinstance(this, exp.Dot) else ()
        return _dotted(this) if isinstance(this, exp.Dot) and not inner else ()
    parts = [part.name for part in (table.args.get("catalog"), table.args.get("db"), this) if part is not None]
    if any("/" in part or ":" in part or part.endswith(_FILES) for part in parts):
        return ()  # a file in the place of a table
    split = [piece for part in parts for piece in (part.split(".") if table.args.get("db") is None else [part])]
    return tuple(piece.lower() for piece in split if piece)[-3:] if all(split) else ()


_FILES = (".parquet", ".csv", ".json", ".jsonl", ".gz", ".xlsx", ".db", ".duckdb", ".txt", ".tsv", "*")


def _dotted(node: Any) -> Parts:
    """More parts than three, as some warehouses have; the last three count."""
    names = [found.name for found in node.find_all(exp.Identifier)]
    return tuple(name.lower() for name in names if name)[-3:]


def _temporary(tree: Any) -> bool:
    properties = tree.args.get("properties")
    return bool(properties) and any(isinstance(p, exp.TemporaryProperty) for p in properties.expressions)
