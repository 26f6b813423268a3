"""Resolves queries: WITH, set operations, select lists and expressions, each scope once, bottom-up.

Nodes of the syntax tree are told apart by their `key`, so that sqlglot need not be loaded to load this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from headway.graph import column_sources
from headway.graph.column_scope import BaseTable, Columns, Item, Leaves, Offer, Scope, TableName, TooLarge
from headway.graph.column_select import Select

Node = Any
"""A node of sqlglot's syntax tree."""

SETS = frozenset({"union", "except", "intersect"})
QUERIES = SETS | {"select", "subquery", "values", "pivot"}
_LEAVES = frozenset({"literal", "identifier", "datatype", "null", "boolean", "var", "placeholder", "parameter", "cte"})
_SPREADING = frozenset(
    {"explode", "explodeouter", "posexplode", "posexplodeouter", "unnest", "inline", "explodinggenerateseries"}
)
"""Functions that give a row many rows."""
_SPREADING_NAMES = frozenset(
    [
        "flatten",
        "generate_subscripts",
        "json_array_elements",
        "json_array_elements_text",
        "json_each",
        "json_each_text",
        "json_object_keys",
        "jsonb_array_elements",
        "jsonb_array_elements_text",
        "jsonb_each",
        "jsonb_each_text",
        "jsonb_object_keys",
        "regexp_split_to_table",
        "stack",
        "string_to_table",
        "inline_outer",
        "json_tuple",
    ]
)
_SELF_WITHOUT_KEYWORD = frozenset({"tsql", "fabric", "oracle", "snowflake", "teradata", "exasol"})
"""Dialects in which a common table expression may read itself without the word RECURSIVE."""
_LOWER_ANYWAY = frozenset({"bigquery", "mysql", "doris", "starrocks"})
"""Dialects whose columns have no case although their tables do."""
_PLAIN_PATTERN = re.compile(r"[\w.^$|*]+")
_MOST_QUERIES = 50_000
_NESTED = QUERIES - {"values", "pivot"}
_SPECIAL = _NESTED | {"exists", "count", "star", "columns"}
_NOTED = _SPREADING | {"anonymous", "window"}
_NOTHING, _INNER, _LIST, _COLUMN, _STOP, _EFFECT = range(6)
"""What a walk through an expression does with a value: nothing; look below; look at each; resolve the name; leave what
is below to `_special`; look below and note what else it does."""


class Unsupported(Exception):
    """Columns cannot be followed through this; the text says why."""


@lru_cache
def _kinds(exp: Any) -> dict[type, int]:
    """What a walk does with a value, by its class: one look-up per value, because most of the time is spent there.

    It holds the classes that were met, and belongs to `_kind`.
    """
    return {list: _LIST, exp.Column: _COLUMN}


def _kind(exp: Any, cls: type) -> int:
    key = getattr(cls, "key", "") if issubclass(cls, getattr(exp, "Expr", exp.Expression)) else ""
    if key in _LEAVES or not key:
        kind = _NOTHING
    elif key == "column":
        kind = _COLUMN
    else:
        kind = _STOP if key in _SPECIAL else _EFFECT if key in _NOTED else _INNER
    return _kinds(exp).setdefault(cls, kind)


class Resolver:
    """Resolves one statement. `reads`, `unresolved` and `stale()` say what it came across."""

    def __init__(
        self,
        exp: Any,
        settings: Any,
        dialect: str,
        schema: Any,
        default: tuple[str, str],
        stands_for: Mapping[str, TableName],
    ) -> None:
        self.exp = exp
        self.dialect = dialect
        self.leaves = Leaves()
        self.reads: dict[TableName, TableName] = {}
        self.unresolved: set[str] = set()
        self.spreads: list[Node] = []
        """DuckDB's `columns(...)` met in expressions since this was last emptied."""
        self.using_order: str = settings.USING_COLUMN_ORDER.name
        self.fold = folding(settings.normalization_strategy.name, dialect)
        self._lower = dialect in _LOWER_ANYWAY or settings.normalization_strategy.name.startswith("CASE_INSENSITIVE")
        self._kinds = _kinds(exp)
        self._identifier = exp.Identifier
        self._schema = schema
        self._default = default
        self._stands_for = stands_for
        self._tables: dict[TableName, Offer] = {}
        self._queries = 0

    # ------------------------------------------------------------------------------------------- statements

    def statement(self, tree: Node) -> Offer:
        """What a whole statement offers. Raises Unsupported for anything but a query, CREATE AS and INSERT."""
        key = tree.key
        if key in QUERIES or key in ("table", "paren"):
            return self.query(tree, {}, None)
        if key not in ("create", "insert"):
            what = tree.name.split(" ")[0].upper() if key == "command" else key.upper()
            raise Unsupported(f"{'an' if what[:1] in 'AEIOU' else 'a'} {what[:20]} statement is not followed")
        query = tree.args.get("expression")
        if query is None or query.key not in QUERIES:
            raise Unsupported(
                f"{'an INSERT' if key == 'insert' else 'a CREATE'} statement without a query is not followed"
            )
        offer = self.query(query, self.ctes(tree, {}, None), None)
        listed = tree.this.expressions if tree.this.key == "schema" else []
        return offer.named([self.fold(item if item.key == "identifier" else item.this) for item in listed])

    def stale(self) -> Iterator[tuple[TableName, str]]:
        """Columns that were asked of base tables which do not have them."""
        for offer in self._tables.values():
            if isinstance(offer, BaseTable):
                yield from ((offer.table, name) for name in offer.stale)

    def query(self, node: Node, env: dict[str, Offer], outer: Scope | None) -> Offer:
        """What a query offers. `env` has the WITH names in reach, `outer` what a name may mean besides."""
        self._queries += 1
        if self._queries > _MOST_QUERIES:
            raise TooLarge(f"has more than {_MOST_QUERIES:,} parts")
        key = node.key
        if key == "select":
            return Select(self, node, env, outer).offer()
        if key in SETS:
            return self._set(node, env, outer)
        if key in ("subquery", "paren"):
            return self._wrapped(node, env, outer)
        if key == "values":
            return column_sources.values(self, node, Scope(outer, env))
        if key in ("table", "pivot", "unnest", "lateral"):
            scope = Scope(outer, env)
            column_sources.source(self, node, scope)
            columns, opened, blanket = self.star(scope)
            return Offer(self.leaves, columns, open=opened, blanket=blanket, shape=scope.shape)
        raise Unsupported(f"a query of the kind {key.upper()[:20]} is not followed")

    def _wrapped(self, node: Node, env: dict[str, Offer], outer: Scope | None) -> Offer:
        """A query in parentheses, with what is written after them."""
        env = self.ctes(node, env, outer)
        offer = self.query(node.this, env, outer)
        return self._tail(node, offer, env, outer)

    def _tail(self, node: Node, offer: Offer, env: dict[str, Offer], outer: Scope | None) -> Offer:
        """ORDER BY and LIMIT of a whole set operation or of parentheses."""
        order = node.args.get("order")
        if order is None:
            return offer
        scope = Scope(outer, env)
        scope.add(Item("", offer))
        shape = self.positional(order.expressions, scope, [mask for _, mask in offer.columns])
        return Offer(
            self.leaves, offer.columns, open=offer.open, blanket=offer.blanket, shape=offer.shape | shape | scope.shape
        )

    # ------------------------------------------------------------------------------------------- WITH

    def ctes(self, node: Node, env: dict[str, Offer], outer: Scope | None) -> dict[str, Offer]:
        """The environment inside a node: that around it, and what its own WITH adds."""
        with_ = node.args.get("with_")
        if with_ is None:
            return env
        env = dict(env)
        recursive = with_.args.get("recursive") or self.dialect in _SELF_WITHOUT_KEYWORD
        for cte in with_.expressions:
            alias, query = cte.args["alias"], cte.this
            name = self.fold(alias.this)
            table = self._stands_for.get(name.lower()) if self._stands_for else None
            if table is not None:
                env[name] = self._base(table, table)
                continue
            if query.key not in QUERIES and query.key != "table":
                raise Unsupported(f"a WITH over {query.key.upper()[:20]} is not followed")
            names = [self.fold(column) for column in alias.columns]
            if recursive and query.key in SETS and self._reads_itself(query, name):
                env[name] = self._fixed_point(query, name, names, env, outer)
            else:
                env[name] = self.query(query, env, outer).named(names)
        return env

    def _reads_itself(self, node: Node, name: str) -> bool:
        return any(
            not t.args.get("db") and _named(t) and self.fold(t.this) == name for t in node.find_all(self.exp.Table)
        )

    def _fixed_point(
        self, node: Node, name: str, names: list[str], env: dict[str, Offer], outer: Scope | None
    ) -> Offer:
        """A recursive expression: its anchor, then the whole of it again until no mask changes."""
        anchor = node
        while anchor.key in SETS:
            anchor = anchor.this
        bound = self.query(anchor, self.ctes(node, env, outer), outer).named(names)
        # a source can move on by one column per round, so there are at most as many rounds as columns
        for _ in range(len(bound.columns) + 2):
            again = self.query(node, {**env, name: bound}, outer).named(names)
            if (again.columns, again.shape, again.open) == (bound.columns, bound.shape, bound.open):
                break
            bound = again
        return bound

    # ------------------------------------------------------------------------------------------- set operations

    def _set(self, node: Node, env: dict[str, Offer], outer: Scope | None) -> Offer:
        """UNION, INTERSECT, EXCEPT: the left-deep chain as a list, so that its length does not matter."""
        env = self.ctes(node, env, outer)
        chain = []
        first = node
        while first.key in SETS and (first is node or not first.args.get("with_")):
            chain.append(first)
            first = first.this
        result = self.query(first, env, outer)
        for step in reversed(chain):
            result = self._combine(step, result, self.query(step.expression, env, outer))
        return self._tail(node, result, env, outer)

    def _combine(self, step: Node, left: Offer, right: Offer) -> Offer:
        shape = left.shape | right.shape
        if step.key != "union" or step.args.get("distinct"):
            shape |= left.everything() | right.everything()
        if step.key == "except":
            return Offer(self.leaves, left.columns, open=left.open, blanket=left.blanket, shape=shape)
        opened = left.open + right.open
        if step.args.get("by_name") or opened:
            # columns of an open branch have names but no positions
            names = dict.fromkeys(
                name for side in (left, right) if not (opened and side.open) for name, _ in side.columns
            )
            if not names or step.args.get("by_name"):
                names = dict.fromkeys(name for side in (left, right) for name, _ in side.columns)
            columns = [(name, (left.ask(name) or 0) | (right.ask(name) or 0)) for name in names]
            one_closed = not step.args.get("by_name") and not (left.open and right.open)
            opened = () if one_closed else opened
        else:
            columns = [(name, a | b) for (name, a), (_, b) in zip(left.columns, right.columns, strict=False)]
            columns += left.columns[len(columns) :]
        blankets = [side.blanket for side in (left, right) if side.blanket is not None]
        blanket = None if not blankets else blankets[0] | blankets[-1]
        return Offer(self.leaves, columns, open=opened, blanket=blanket, shape=shape)

    # ------------------------------------------------------------------------------------------- tables

    def table(self, written: TableName) -> Offer:
        """What a table of the warehouse offers, under the name as it is written in the SQL."""
        relation = self.reads.get(written)
        if relation is None:
            catalog, schema, name = written
            completed = (catalog or self._default[0], schema or self._default[1], name)
            relation = self.reads[written] = self._schema.find(written, self._default) or completed
        return self._base(written, relation)

    def _base(self, written: TableName, relation: TableName) -> Offer:
        self.reads[written] = relation
        offer = self._tables.get(relation)
        if offer is None:
            known = self._schema.leaves(relation, self._lower)
            if known is None:
                offer = Offer(self.leaves, [], open=((relation,),))
            else:
                offer = BaseTable(self.leaves, relation, *known)
            self._tables[relation] = offer
        return offer

    # ------------------------------------------------------------------------------------------- expressions

    def mask(self, node: Node | None, scope: Scope) -> int:
        """Every column that an expression is made from. What nested queries filter by goes to the scope's shape."""
        if node is None:
            return 0
        mask = 0
        kinds = self._kinds
        values: list[Any] = [node]
        for value in values:  # it grows meanwhile; most of the time is spent here
            try:
                kind = kinds[value.__class__]
            except KeyError:
                kind = _kind(self.exp, value.__class__)
            if not kind:
                continue
            if kind == _INNER:
                values += value.args.values()
            elif kind == _COLUMN:
                mask |= self.column(value, scope)
            elif kind == _LIST:
                values += value
            elif kind == _STOP:
                mask |= self._special(value, value.key, scope)
            else:
                mask |= self._noted(value, value.key, scope)
                values += value.args.values()
        return mask

    def _special(self, n: Node, key: str, scope: Scope) -> int:
        """What is more than the sum of its parts, or less: nested queries, stars, count(*)."""
        if key in _NESTED:
            inner = self.query(n, scope.env, scope)
            scope.shape |= inner.shape
            return inner.everything()
        if key == "exists" and n.this.key in QUERIES:
            scope.shape |= self.query(n.this, scope.env, scope).shape
            return 0
        if key == "count" and n.this is not None and n.this.key == "star":
            return 0
        if key in ("exists", "count"):
            return self._below(n, scope)
        if key == "columns":
            self.spreads.append(n)
        return self._everything(n, scope)

    def _noted(self, n: Node, key: str, scope: Scope) -> int:
        """What has an effect besides its parts: functions that give many rows, windows named elsewhere."""
        if key == "window":
            return self._named_window(n, scope)
        if key != "anonymous" or n.name.lower() in _SPREADING_NAMES:
            scope.shape |= self._below(n, scope)
        return 0

    def _below(self, node: Node, scope: Scope) -> int:
        mask = 0
        for value in node.args.values():
            for part in value if isinstance(value, list) else (value,):
                mask |= self.mask(part, scope)
        return mask

    def _named_window(self, node: Node, scope: Scope) -> int:
        alias = node.args.get("alias")
        return scope.windows.get(self.fold(alias), 0) if alias is not None and alias.key == "identifier" else 0

    def _everything(self, node: Node, scope: Scope) -> int:
        columns, opened, blanket = self.spread(node, scope) if node.key == "columns" else self.star(scope)
        return Offer(self.leaves, columns, open=opened, blanket=blanket).everything()

    def column(self, node: Node, scope: Scope) -> int:
        """Mask of a name, however qualified."""
        args = node.args
        this = args.get("this")
        table = args.get("table")
        plain = self._identifier
        if this.__class__ is plain and table.__class__ is plain and "db" not in args:  # nearly all of them
            if self._lower:
                known = scope.of(table.args["this"].lower(), this.args["this"].lower())
            else:
                known = scope.of(self.fold(table), self.fold(this))
            if known is not None:
                return known
        if this is None:
            return 0
        if this.key == "star":
            items = scope.match((self.fold(table),)) if table is not None else scope.items
            mask = 0
            for item in items:
                mask |= item.offer.everything()
            return mask if items or table is None else scope.bare(self.fold(table)) or 0
        name = self.fold(this)
        if table is None:
            found = scope.bare(name)
        elif args.get("db") is None:
            found = scope.of(self.fold(table), name)
        else:
            parts = [args.get("catalog"), args.get("db"), table]
            found = scope.qualified((*(self.fold(part) for part in parts if part is not None), name))
        if found is None:
            self.unresolved.add(name)
            return 0
        return found

    # ------------------------------------------------------------------------------------------- stars, positions

    def star(
        self, scope: Scope, table: tuple[str, ...] = ()
    ) -> tuple[Columns, tuple[tuple[TableName, ...], ...], int | None]:
        """What `*` or `t.*` stands for: columns in order, open tables, blanket."""
        items = scope.match(table) if table else scope.items
        if len(items) == 1 and not scope.merged:
            offer = items[0].offer
            return offer.columns, offer.open, offer.blanket
        columns: Columns = []
        merged = dict(scope.merged) if not table else {}
        if self.using_order != "IN_PLACE":
            columns += [(name, merged[name]) for name in scope.merged_order if name in merged]
        emitted = {name for name, _ in columns}
        for item in items:
            for name, mask in item.offer.columns:
                if name not in merged:
                    columns.append((name, mask))
                elif name not in emitted:
                    emitted.add(name)
                    columns.append((name, merged[name]))
        opened = [item.offer.open for item in items if item.offer.open]
        branches: tuple[tuple[TableName, ...], ...] = ()
        if len(opened) == 1:
            branches = opened[0]
        elif opened:  # nobody knows which of them has a column
            branches = (tuple(dict.fromkeys(table for o in opened for branch in o for table in branch)),)
        blankets = [item.offer.blanket for item in items if item.offer.blanket is not None]
        blanket = None
        for one in blankets:
            blanket = (blanket or 0) | one
        return columns, branches, blanket

    def spread(self, node: Node, scope: Scope) -> tuple[Columns, tuple[tuple[TableName, ...], ...], int | None]:
        """DuckDB's `columns(*)` and `columns('pattern')`, as a star. A pattern that is not plain keeps every column."""
        columns, opened, blanket = self.star(scope)
        inner = node.this
        if inner is not None and inner.key == "star":
            columns = self.changed(inner, columns, scope)
        elif inner is not None and inner.key == "literal":
            pattern = inner.name
            if _PLAIN_PATTERN.fullmatch(pattern) and "**" not in pattern:
                columns = [(name, mask) for name, mask in columns if re.search(pattern, name)]
        elif inner is not None and inner.key in ("column", "identifier"):
            wanted = self.fold(inner.this if inner.key == "column" else inner)
            columns = [(name, mask) for name, mask in columns if name == wanted]
        return columns, opened, blanket

    def changed(self, star: Node, columns: Columns, scope: Scope) -> Columns:
        """The columns of a star after its EXCEPT, REPLACE and RENAME."""
        except_, replace, rename = (star.args.get(key) or () for key in ("except_", "replace", "rename"))
        if except_:
            dropped = {self._name_of(item) for item in except_}
            columns = [(name, mask) for name, mask in columns if name not in dropped]
        if replace:
            new = {self._name_of(item, alias=True): self.mask(item.this, scope) for item in replace}
            columns = [(name, new.pop(name, mask)) for name, mask in columns]
            columns += list(new.items())  # of an open table
        if rename:
            renamed = {self._name_of(item.this): self._name_of(item, alias=True) for item in rename}
            known = {name for name, _ in columns}
            columns = [(renamed.get(name, name), mask) for name, mask in columns]
            columns += [(to, scope.bare(of) or 0) for of, to in renamed.items() if of not in known]
        return columns

    def _name_of(self, item: Node, alias: bool = False) -> str:
        if alias and item.args.get("alias") is not None:
            return self.fold(item.args["alias"])
        while item.key in ("column", "alias"):
            item = item.this
        return self.fold(item)

    def positional(self, items: Sequence[Node], scope: Scope, outputs: Sequence[int]) -> int:
        """Mask of a list in GROUP BY or ORDER BY, where a number is a position in the select list."""
        mask = 0
        for item in items:
            inner = item.this if item.key == "ordered" else item
            if inner.key == "literal" and not inner.is_string and inner.name.isdecimal():
                at = int(inner.name[:9]) - 1
                mask |= outputs[at] if 0 <= at < len(outputs) else 0
            else:
                mask |= self.mask(inner, scope)
        return mask


def folding(strategy: str, dialect: str) -> Callable[[Node], str]:
    """How an identifier is compared in a dialect: a function from identifier to name."""
    if dialect in _LOWER_ANYWAY or strategy.startswith("CASE_INSENSITIVE"):
        return _lower
    if strategy == "CASE_SENSITIVE":
        return lambda node: str(node.args["this"])
    if strategy == "UPPERCASE":
        return lambda node: str(node.args["this"]) if node.args.get("quoted") else str(node.args["this"]).upper()
    return lambda node: str(node.args["this"]) if node.args.get("quoted") else str(node.args["this"]).lower()


def _lower(node: Node) -> str:
    text = node.args["this"]
    return text.lower() if text.__class__ is str else str(text).lower()


def _named(table: Node) -> bool:
    return table.this is not None and getattr(table.this, "key", "") == "identifier"
