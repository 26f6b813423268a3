"""Resolves one SELECT: its sources, its select list, and what shapes its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headway.graph import column_sources
from headway.graph.column_scope import Columns, Offer, Scope, TableName, unite

if TYPE_CHECKING:
    from headway.graph.column_query import Resolver

Node = Any

NO_ALIAS_IN_LIST = frozenset(
    {"postgres", "bigquery", "trino", "presto", "athena", "tsql", "fabric", "mysql", "oracle", "sqlite", "materialize"}
)
"""Dialects in which a select list cannot call another of its own columns by name."""
_SHAPING = ("where", "prewhere", "connect", "having", "qualify", "limit")
_MANY = frozenset({"star", "columns", "aliases", "column", "dot"})
"""Projections that stand for several columns, or may: a column for `t.*`."""
_ORDERING = frozenset({"group", "distinct", "order", "sort"})


class Select:
    """One SELECT on its way to an offer."""

    def __init__(self, resolver: Resolver, node: Node, env: dict[str, Offer], outer: Scope | None) -> None:
        self._r = resolver
        self._node = node
        self._scope = Scope(outer, resolver.ctes(node, env, outer))
        self._columns: Columns = []
        self._open: tuple[tuple[TableName, ...], ...] = ()
        self._blanket: int | None = None
        group = node.args.get("group")
        self._by_all = group is not None and bool(group.args.get("all"))
        self._plain: list[int] = []
        """Masks of the projections without an aggregate: what GROUP BY ALL groups by."""

    def offer(self) -> Offer:
        """Sources, then the select list, then what shapes the rows."""
        node, scope, r = self._node, self._scope, self._r
        column_sources.sources(r, node, scope)
        args = node.args
        for window in args.get("windows") or ():
            named = [r.mask(part, scope) for key in ("partition_by", "order", "spec") for part in _list(window, key)]
            scope.windows[r.fold(window.this)] = unite(named)
        aliases: dict[str, int] = {}
        if r.dialect not in NO_ALIAS_IN_LIST:
            scope.aliases = aliases
        for projection in node.expressions:
            self._project(projection, aliases)
        for name in args.get("exclude") or ():
            dropped = r.fold(name.this if name.key == "column" else name)
            self._columns = [(n, m) for n, m in self._columns if n != dropped]
        self._shape(aliases)
        return Offer(r.leaves, self._columns, open=self._open, blanket=self._blanket, shape=scope.shape)

    def _project(self, projection: Node, aliases: dict[str, int]) -> None:
        r, scope = self._r, self._scope
        alias, inner, key = None, projection, projection.key
        if key == "alias":
            alias, inner = projection.args.get("alias"), projection.args["this"]
            key = inner.key
        if key in _MANY and self._several(inner, key):
            return
        r.spreads.clear()
        mask = r.mask(inner, scope)
        if r.spreads:  # `max(columns(*))` is one expression per column
            self._spread(inner, r.spreads[0])
            return
        name = r.fold(alias) if alias is not None else self._name(inner)
        self._columns.append((name, mask))
        if alias is not None:
            aliases[name] = mask
        if self._by_all and inner.find(r.exp.AggFunc) is None:
            self._plain.append(mask)

    def _several(self, inner: Node, key: str) -> bool:
        """Take a projection that stands for several columns; False when it does not."""
        r, scope = self._r, self._scope
        if key == "star":
            self._take(inner, *r.star(scope))
        elif key == "columns":
            self._take(None, *r.spread(inner, scope))
        elif key == "aliases":
            mask = r.mask(inner.this, scope)
            self._columns += [(r.fold(name), mask) for name in inner.expressions]
        elif _ends_in_star(inner):
            self._star_of(inner)
        else:
            return False
        return True

    def _spread(self, expression: Node, spread: Node) -> None:
        r, scope = self._r, self._scope
        columns, opened, blanket = r.spread(spread, scope)
        rest = unite(
            r.mask(column, scope)
            for column in expression.find_all(r.exp.Column)
            if column.find_ancestor(r.exp.Columns) is None
        )
        self._take(None, [(name, mask | rest) for name, mask in columns], opened, blanket)

    def _name(self, inner: Node) -> str:
        if inner.key == "column":
            return self._r.fold(inner.this)
        last = inner.expression if inner.key == "dot" else None
        if last is not None and last.key == "identifier":
            return self._r.fold(last)
        name = inner.output_name
        return self._r.fold(self._r.exp.to_identifier(name)) if name else f"_col_{len(self._columns)}"

    def _star_of(self, inner: Node) -> None:
        """`t.*`, or `struct.*`, whose fields are not known."""
        r, scope = self._r, self._scope
        star = inner.this if inner.key == "column" else inner.expression
        words: list[Node] = []
        if inner.key == "column":
            words = [part for key in ("catalog", "db", "table") if (part := inner.args.get(key)) is not None]
        parts = tuple(r.fold(word) for word in words)
        here: Scope | None = scope
        while parts and here is not None:
            if here.match(parts):
                self._take(star, *r.star(here, parts))
                return
            here = here.outer
        mask = r.mask(inner.this, scope) if inner.key == "dot" else scope.qualified(parts) if len(parts) > 1 else None
        if mask is None and parts:
            mask = scope.bare(parts[0])
        if mask is None:
            r.unresolved.add(".".join((*parts, "*")))
        self._plain.append(mask or 0)
        self._blanket = (self._blanket or 0) | (mask or 0)

    def _take(
        self, star: Node | None, columns: Columns, opened: tuple[tuple[TableName, ...], ...], blanket: int | None
    ) -> None:
        if star is not None:
            columns = self._r.changed(star, columns, self._scope)
        self._columns = [*self._columns, *columns]
        if self._by_all:
            self._plain.append(unite(mask for _, mask in columns))
        self._open += opened
        if blanket is not None:
            self._blanket = (self._blanket or 0) | blanket

    def _shape(self, aliases: dict[str, int]) -> None:
        """WHERE, GROUP BY, HAVING, QUALIFY, DISTINCT, ORDER BY, LIMIT."""
        node, scope, r = self._node, self._scope, self._r
        args = node.args
        shape = 0
        for key in _SHAPING:
            if key == "having":  # from here on every dialect knows the names that the select list gives
                scope.aliases = aliases
            if key in args:
                shape |= r.mask(args[key], scope)
        if _ORDERING.isdisjoint(args):
            scope.shape |= shape
            return
        outputs = [mask for _, mask in self._columns]
        group = args.get("group")
        if group is not None:
            shape |= self._grouped(group, outputs)
        distinct = args.get("distinct")
        if distinct is not None:
            on = distinct.args.get("on")
            if on is not None:
                shape |= r.positional(on.expressions or [on], scope, outputs)
            else:
                shape |= Offer(r.leaves, self._columns, open=self._open, blanket=self._blanket).everything()
        for key in ("order", "sort"):
            order = args.get(key)
            if order is not None:
                shape |= r.positional(order.expressions, scope, outputs)
        scope.shape |= shape

    def _grouped(self, group: Node, outputs: list[int]) -> int:
        r, scope = self._r, self._scope
        mask = r.positional(group.expressions, scope, outputs)
        for key in ("grouping_sets", "cube", "rollup"):
            for part in _list(group, key):
                mask |= r.mask(part, scope)
        return mask | unite(self._plain) if group.args.get("all") else mask


def _list(node: Node, key: str) -> list[Node]:
    value = node.args.get(key)
    found = value if isinstance(value, list) else [value]
    return [item for item in found if hasattr(item, "key")]


def _ends_in_star(node: Node) -> bool:
    last = node.this if node.key == "column" else node.expression
    return last is not None and getattr(last, "key", "") == "star"
