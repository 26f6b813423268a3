"""Resolves what stands in FROM: tables, derived tables, joins, laterals, table functions, VALUES, pivots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headway.graph.column_scope import Columns, Item, Offer, Scope, unite

if TYPE_CHECKING:
    from headway.graph.column_query import Resolver

Node = Any

_VALUES_NAMES = {"duckdb": ("col", 0), "spark": ("col", 1), "databricks": ("col", 1), "trino": ("_col", 0)}
"""What the columns of VALUES are called without names, and from which number; `column1` elsewhere."""
_ONE_COLUMN_BY_ALIAS = frozenset({"postgres", "redshift", "materialize"})
"""Dialects in which the alias of a function is also the name of its one column."""
_HIDDEN_RIGHT = frozenset({"SEMI", "ANTI"})


def sources(r: Resolver, node: Node, scope: Scope) -> None:
    """Add what FROM, joins and laterals of a SELECT offer to its scope, in order; each sees those before it."""
    args = node.args
    from_ = args.get("from_")
    if from_ is not None:
        source(r, from_.this, scope)
    _hanging(r, node, scope)
    if args.get("match") is not None:
        _match(r, args["match"], scope)


def _hanging(r: Resolver, node: Node, scope: Scope) -> None:
    """Joins and laterals that hang on a node."""
    args = node.args
    if "joins" in args:
        for item in args["joins"] or ():
            join(r, item, scope)
    if "laterals" in args:
        for item in args["laterals"] or ():
            source(r, item, scope)


def source(r: Resolver, item: Node, scope: Scope) -> None:
    """Add one item of FROM to the scope, and what hangs on it."""
    key = item.key
    if key == "subquery" and _is_join(item) and not item.alias:
        source(r, item.this, scope)  # a join in parentheses: its members are on their own
        _pivot_all(r, item, scope)
    else:
        offer, parts = _offer(r, item, scope)
        alias, names = _alias(r, item)
        if "pivots" in item.args:
            pivots = item.args["pivots"] or ()
            for pivot in pivots:
                offer = _pivoted(r, pivot, offer, scope)
                if pivot.alias:
                    parts = ()
            if pivots and pivots[-1].alias:
                alias, names = _alias(r, pivots[-1])
        offer = offer.named(names)
        scope.add(Item(alias or (parts[-1] if parts else ""), offer, () if alias else parts))
    if key != "select":
        _hanging(r, item, scope)


def join(r: Resolver, item: Node, scope: Scope) -> None:
    """One join: its item, then USING, NATURAL and ON; the right side of a semi join is not seen further on."""
    before = list(scope.items)
    source(r, item.this, scope)
    new = scope.items[len(before) :]
    using = item.args.get("using")
    if using:
        _merge(r, scope, before, new, [r.fold(name.this if name.key == "column" else name) for name in using])
    elif item.args.get("method") == "NATURAL":
        _merge_natural(r, scope, before, new)
    for key in ("on", "match_condition"):
        if item.args.get(key) is not None:
            scope.shape |= r.mask(item.args[key], scope)
    if item.args.get("kind") in _HIDDEN_RIGHT:
        scope.remove(new)
    if item.args.get("pivots"):
        _pivot_all(r, item, scope)


def values(r: Resolver, node: Node, scope: Scope) -> Offer:
    """VALUES: its positions, each with the columns that occur there (none, unless it is lateral)."""
    columns: Columns = []
    prefix, start = _VALUES_NAMES.get(r.dialect, ("column", 1))
    for row in node.expressions:
        cells = row.expressions if row.key == "tuple" else [row]
        for at, cell in enumerate(cells):
            mask = r.mask(cell, scope)
            if at < len(columns):
                columns[at] = (columns[at][0], columns[at][1] | mask)
            else:
                columns.append((_case(r, f"{prefix}{at + start}"), mask))
    return Offer(r.leaves, columns)


def _offer(r: Resolver, item: Node, scope: Scope) -> tuple[Offer, tuple[str, ...]]:  # noqa: PLR0911 - a table of kinds
    """What one item offers before alias and pivots, and the parts of its name if it is a table."""
    key = item.key
    if key == "table":
        return _table(r, item, scope)
    if key == "subquery":
        if _is_join(item):
            inner = Scope(scope.outer, r.ctes(item, scope.env, scope.outer))
            source(r, item.this, inner)
            columns, opened, blanket = r.star(inner)
            return Offer(r.leaves, columns, open=opened, blanket=blanket, shape=inner.shape), ()
        # DuckDB lets a derived table see the items before it even without LATERAL
        outer = scope.beside() if r.dialect == "duckdb" and scope.items else scope.outer
        return r.query(item, scope.env, outer), ()
    if key == "lateral":
        return _lateral(r, item, scope), ()
    if key == "unnest":
        return _unnest(r, item, scope), ()
    if key == "values":
        return values(r, item, scope), ()
    if key == "pivot":
        return _pivot_statement(r, item, scope), ()
    if key in ("select", "union", "except", "intersect"):
        return r.query(item, scope.env, scope.outer), ()
    return _function(r, item, r.mask(item, scope), item.alias), ()


def _table(r: Resolver, item: Node, scope: Scope) -> tuple[Offer, tuple[str, ...]]:
    this = item.this
    if this is None or getattr(this, "key", "") not in ("identifier", "dot"):
        mask = r.mask(this, scope) if hasattr(this, "key") else 0
        for part in item.args.get("rows_from") or ():
            mask |= r.mask(part, scope)
        return _function(r, item, mask, item.alias), ()
    db, catalog = item.args.get("db"), item.args.get("catalog")
    name = r.fold(this) if this.key == "identifier" else ""
    if db is None and name in scope.env:
        return scope.env[name], (name,)
    # more than three parts come as a chain of dots
    text = ".".join(part.name for part in this.flatten()) if this.key == "dot" else this.name
    offer = r.table((catalog.name if catalog else "", db.name if db else "", text))
    if item.args.get("alias") is not None:
        return offer, ()  # then it cannot be called by its own name
    return offer, tuple(r.fold(part) for part in (catalog, db, this) if part is not None and part.key == "identifier")


def _function(r: Resolver, item: Node, mask: int, alias: str) -> Offer:
    """A table function: any name may be one of its columns, and its arguments decide how many rows there are."""
    names = _alias(r, item)[1]
    if names:
        return Offer(r.leaves, [(name, mask) for name in names], shape=mask)
    if alias and r.dialect in _ONE_COLUMN_BY_ALIAS:
        return Offer(r.leaves, [(_alias(r, item)[0], mask)], blanket=mask, shape=mask)
    return Offer(r.leaves, [], blanket=mask, shape=mask)


def _lateral(r: Resolver, item: Node, scope: Scope) -> Offer:
    this = item.this
    if this.key in ("subquery", "select", "union", "values"):
        return r.query(this, scope.env, scope)
    mask = r.mask(this, scope)
    names = _alias(r, item)[1]
    if names:
        return Offer(r.leaves, [(name, mask) for name in names], shape=mask)
    return Offer(r.leaves, [], blanket=mask, shape=mask)


def _unnest(r: Resolver, item: Node, scope: Scope) -> Offer:
    mask = 0
    for part in item.expressions:
        mask |= r.mask(part, scope)
    alias, names = _alias(r, item)
    columns: Columns = [(name, mask) for name in names]
    blanket: int | None = None
    if not columns:
        blanket = mask
        if alias and r.dialect in _ONE_COLUMN_BY_ALIAS:
            columns, blanket = [(alias, mask)], mask
    offset = item.args.get("offset")
    if hasattr(offset, "key"):
        name = r.fold(offset)
        if name not in names:
            columns.append((name, mask))
    return Offer(r.leaves, columns, blanket=blanket, shape=mask)


def _is_join(item: Node) -> bool:
    """Parentheses around a table or a join rather than around a query."""
    inner = item.this
    while inner.key == "subquery" and not inner.alias and not inner.args.get("joins"):
        inner = inner.this
    return inner.key in ("table", "lateral", "unnest") or (inner.key == "subquery" and bool(inner.args.get("joins")))


def _alias(r: Resolver, item: Node) -> tuple[str, list[str]]:
    """The alias of an item, and the names it gives to columns."""
    alias = item.args.get("alias")
    if alias is None or not hasattr(alias, "key"):
        return "", []
    if alias.key == "identifier":
        return r.fold(alias), []
    name = alias.this
    columns = [column.this if column.key == "columndef" else column for column in alias.args.get("columns") or ()]
    return r.fold(name) if name is not None else "", [r.fold(column) for column in columns]


def _case(r: Resolver, name: str) -> str:
    return r.fold(r.exp.to_identifier(name))


# ---------------------------------------------------------------------------------------------- USING, NATURAL


def _merge(r: Resolver, scope: Scope, before: list[Item], new: list[Item], names: list[str]) -> None:
    """Columns that both sides share: one column from then on, made from every side."""
    for name in names:
        left = scope.merged.get(name)
        if left is None:
            left = _any_of(r, before, name)
        scope.merged[name] = mask = left | _any_of(r, new, name)
        scope.shape |= mask
    fresh = [name for name in names if name not in scope.merged_order]
    scope.merged_order = fresh + scope.merged_order


def _merge_natural(r: Resolver, scope: Scope, before: list[Item], new: list[Item]) -> None:
    left = dict.fromkeys(name for item in before for name, _ in item.offer.columns)
    right = dict.fromkeys(name for item in new for name, _ in item.offer.columns)
    shared = [name for name in left if name in right]
    _merge(r, scope, before, new, shared)
    # with a side whose columns nobody knows, each column of the other may be a shared one
    for names, others in ((left, new), (right, before)):
        opened = [item.offer for item in others if item.offer.open]
        for name in names if opened else ():
            if name not in scope.merged:
                guess = 0
                for offer in opened:
                    guess |= r.leaves.weaker(offer.pass_through(name), "candidate")
                scope.merged[name] = (scope.known(name) or 0) | guess
                scope.merged_order.append(name)
                scope.shape |= guess


def _any_of(r: Resolver, items: list[Item], name: str) -> int:
    """A column of one of the items: of that which has it, else of those that may."""
    known = [mask for item in items if (mask := item.offer.find(name)) is not None]
    if known:
        return known[0] if len(known) == 1 else r.leaves.weaker(unite(known), "candidate")
    asked = [mask for item in items if (mask := item.offer.ask(name)) is not None]
    return unite(asked) if len(asked) < 2 else r.leaves.weaker(unite(asked), "candidate")


# ---------------------------------------------------------------------------------------------- PIVOT, UNPIVOT


def _pivot_all(r: Resolver, node: Node, scope: Scope) -> None:
    """Pivots that stand after a whole join: all items so far become one."""
    pivots = node.args.get("pivots") or ()
    if not pivots:
        return
    columns, opened, blanket = r.star(scope)
    offer = Offer(r.leaves, columns, open=opened, blanket=blanket)
    for pivot in pivots:
        offer = _pivoted(r, pivot, offer, scope)
    scope.remove(list(scope.items))
    scope.merged.clear()
    scope.merged_order.clear()
    alias, names = _alias(r, pivots[-1])
    scope.add(Item(alias, offer.named(names)))


def _pivoted(r: Resolver, pivot: Node, offer: Offer, scope: Scope) -> Offer:
    """The grouping columns pass through; the new columns are made from the aggregated ones."""
    inner = Scope(None, scope.env)
    inner.add(Item("", offer))
    if pivot.args.get("unpivot"):
        return _unpivoted(r, pivot, offer, inner)
    aggregates = [r.mask(item, inner) for item in pivot.expressions]
    keys = 0
    used = {r.fold(c.this) for item in pivot.expressions for c in item.find_all(r.exp.Column) if _is_name(c)}
    for field in pivot.args.get("fields") or ():
        keys |= r.mask(field.this, inner)
        used |= {r.fold(c.this) for c in field.this.find_all(r.exp.Column) if _is_name(c)}
    rest = [(name, mask) for name, mask in offer.columns if name not in used]
    names = [r.fold(name) for name in pivot.args.get("columns") or ()]
    every = len(aggregates)
    if names and every and len(names) % every == 0:
        new = [(name, aggregates[at % every]) for at, name in enumerate(names)]
    else:
        new = [(name, unite(aggregates)) for name in names]
    # rows are grouped by what is left, and the key decides in which column a value ends up
    shape = offer.shape | inner.shape | keys | unite([mask for _, mask in rest])
    blanket = offer.blanket if names else (offer.blanket or 0) | unite(aggregates)
    return Offer(r.leaves, rest + new, open=offer.open, blanket=blanket, shape=shape)


def _unpivoted(r: Resolver, pivot: Node, offer: Offer, inner: Scope) -> Offer:
    """The listed columns become rows: one column with their names, one (or several) with their values."""
    value_names = [_word(r, name) for item in pivot.expressions for name in (item.expressions or [item])]
    names: Columns = []
    gone: set[str] = set()
    masks = [0] * max(1, len(value_names))
    for field in pivot.args.get("fields") or ():
        names.append((_word(r, field.this), 0))
        for listed in field.expressions:
            item = listed.this if listed.key == "pivotalias" else listed
            for at, cell in enumerate(item.expressions or [item]):
                masks[min(at, len(masks) - 1)] |= r.mask(cell, inner)
                gone |= {r.fold(c.this) for c in cell.find_all(r.exp.Column) if _is_name(c)}
    if not pivot.args.get("fields"):  # DuckDB's statement: UNPIVOT t ON a, b INTO NAME n VALUE v
        into = pivot.args.get("into")
        value_names, names = [], []
        for item in pivot.expressions:
            masks[0] |= r.mask(item, inner)
            gone |= {r.fold(c.this) for c in item.find_all(r.exp.Column) if _is_name(c)}
        name = _word(r, into.this) if into is not None and into.this is not None else "name"
        stated = (into.expressions if into is not None else None) or []
        value_names = [_word(r, value) for value in stated] or ["value"]
        names, masks = [(name, 0)], masks[:1] * len(value_names)
    rest = [(name, mask) for name, mask in offer.columns if name not in gone]
    values_ = list(zip(value_names, masks, strict=False))
    shape = offer.shape | inner.shape | unite(masks)  # empty values give no row
    return Offer(r.leaves, rest + names + values_, open=offer.open, blanket=offer.blanket, shape=shape)


def _pivot_statement(r: Resolver, item: Node, scope: Scope) -> Offer:
    """DuckDB's `PIVOT t ON k USING sum(v) GROUP BY g`: its new columns are named by the data."""
    source(r, item.this, inner := Scope(scope.outer, scope.env))
    columns, opened, blanket = r.star(inner)
    offer = Offer(r.leaves, columns, open=opened, blanket=blanket, shape=inner.shape)
    if item.args.get("unpivot"):
        return _pivoted(r, item, offer, scope)
    keys = unite([r.mask(on, inner) for on in item.expressions])
    using = item.args.get("using") or []
    aggregates = unite([r.mask(one, inner) for one in using])
    group = item.args.get("group")
    if group is not None:
        kept: Columns = [(_word(r, one), r.mask(one, inner)) for one in group.expressions]
        opened = ()
    else:
        gone = {
            r.fold(c.this) for one in (*item.expressions, *using) for c in one.find_all(r.exp.Column) if _is_name(c)
        }
        kept = [(name, mask) for name, mask in columns if name not in gone]
    shape = inner.shape | keys | unite([mask for _, mask in kept])
    return Offer(r.leaves, kept, open=opened, blanket=(blanket or 0) | aggregates, shape=shape)


def _match(r: Resolver, match: Node, scope: Scope) -> None:
    """MATCH_RECOGNIZE: its measures are made from anything it names."""
    columns, opened, blanket = r.star(scope)
    mask = r.mask(match, scope)
    offer = Offer(r.leaves, columns, open=opened, blanket=(blanket or 0) | mask, shape=mask)
    scope.remove(list(scope.items))
    scope.add(Item(_alias(r, match)[0], offer))


def _is_name(column: Node) -> bool:
    return getattr(column.this, "key", "") == "identifier"


def _word(r: Resolver, node: Node) -> str:
    while node.key in ("column", "alias", "pivotalias", "tablealias"):
        node = node.this
    return r.fold(node) if node.key == "identifier" else node.name.lower()
