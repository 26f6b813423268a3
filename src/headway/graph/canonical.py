"""SQL expressions in one form, so that those that mean the same are the same text.

Order does not matter where it changes nothing (`a + b`, `x AND y`, `b > a`), nor do brackets, the case of names,
`1.0 *`, or NULLIF(x, 0) in a denominator. What an aggregate keeps to (`SUM(CASE WHEN c THEN x END)`) is told apart from
what it aggregates. Nothing is proven beyond that: expressions that are equal for deeper reasons stay different.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from headway.sql import selected

_LONGEST = 10_000
"""Characters of an expression that is looked at."""

Names = Callable[[str], str]
"""What a column stands for, given its lower-case name, with its table's alias where it has one."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """An expression in one form."""

    text: str
    """`sum(orders.amount)`; filters of a single aggregate that is all there is are left out."""
    filters: frozenset[str] = frozenset()
    """What a single aggregate keeps to, one condition each."""
    functions: tuple[str, ...] = ()
    """The aggregates in it, sorted."""
    columns: frozenset[str] = frozenset()
    """What its columns stand for."""


def expression(sql: str, names: Names, *, dialect: str = "", rows: str = "*") -> Canonical | None:
    """An aggregate, or arithmetic over aggregates, in one form; `rows` is what `count(*)` counts.

    None for what cannot be parsed, or where nothing here parses SQL.
    """
    if (plain := _PLAIN.fullmatch(sql)) and plain[2].lower() not in _WORDS:  # nearly all; the parser takes its time
        said = names(plain[2].lower())
        return Canonical(f"{plain[1].lower()}({said})", functions=(plain[1].lower(),), columns=frozenset({said}))
    tree = _parsed(sql, dialect)
    if tree is None:
        return None
    form = _Form(names, rows)
    try:
        only = form.aggregate(tree)
        if only is not None:
            text, filters = only
            return Canonical(text, frozenset(filters), tuple(form.functions), frozenset(form.columns))
        text = form.text(tree)
    except RecursionError:
        return None
    return Canonical(text, frozenset(), tuple(sorted(form.functions)), frozenset(form.columns))


def conditions(sql: str, names: Names, *, dialect: str = "") -> frozenset[str] | None:
    """The conditions that must all hold, each in one form; None for what cannot be parsed."""
    tree = _parsed(sql, dialect)
    if tree is None:
        return None
    try:
        return frozenset(_Form(names, "*").conditions(tree))
    except RecursionError:
        return None


@lru_cache(maxsize=4_096)
def _parsed(sql: str, dialect: str) -> Any:
    if len(sql) > _LONGEST:
        return None
    try:
        tree = selected(sql, dialect)
    except ImportError:
        return None
    return None if tree is None else tree.unalias()


_PLAIN = re.compile(r"(sum|avg|min|max)\(([a-z_][a-z0-9_]*)\)", re.IGNORECASE | re.ASCII)
"""An aggregate of a column, which needs no parser."""
_WORDS = frozenset({"null", "true", "false", "distinct", "all", "sysdate", "localtime", "localtimestamp"}) | frozenset(
    f"current_{what}" for what in ("date", "time", "timestamp", "user", "role", "catalog", "schema", "datetime")
)
"""What stands where a column could, and is none."""

_AGGREGATES: Mapping[str, str] = {"average": "avg", "quantile": "percentile"}


class _Form:
    """Writes one expression; takes note of its columns and aggregates."""

    def __init__(self, names: Names, rows: str) -> None:
        self.names = names
        self.rows = rows
        self.columns: dict[str, None] = {}
        self.functions: list[str] = []

    # ------------------------------------------------------------------ aggregates

    def aggregate(self, tree: Any) -> tuple[str, list[str]] | None:
        """An aggregate and what it keeps to; None for what is no aggregate."""
        from sqlglot import exp

        tree = _bare(tree)
        if isinstance(tree, exp.Filter) and isinstance(tree.this, exp.AggFunc):
            inner = self.aggregate(tree.this)
            return None if inner is None else (inner[0], [*inner[1], *self.conditions(tree.expression.this)])
        if not isinstance(tree, exp.AggFunc):
            return None
        name = tree.sql_name().lower() if not isinstance(tree, exp.Anonymous) else tree.name.lower()
        name = _AGGREGATES.get(name, name)
        value = _bare(tree.this) if tree.this is not None else None
        if isinstance(value, exp.Distinct):
            values = value.expressions
            if len(values) == 1:
                name, value = f"{name}_distinct", _bare(values[0])
        value, kept = _kept(value, zero=name == "sum")
        filters = [c for condition in kept for c in self.conditions(condition)]
        if name in {"sum", "count"} and _is_number(value, 1):
            name, value = "count", None
        if name == "count" and (value is None or isinstance(value, exp.Star)):
            self.functions.append("count")
            return f"count({self.rows})", filters
        others = [e for e in tree.expressions if e is not tree.this] if tree.args.get("expressions") else []
        extra = tree.args.get("quantile") or tree.args.get("expression")
        parts = [value, *others, extra]
        self.functions.append(name)
        return f"{name}({', '.join(self.text(p) for p in parts if p is not None)})", filters

    def _embedded(self, tree: Any) -> str | None:
        found = self.aggregate(tree)
        return None if found is None else embedded(found[0], found[1])

    # ------------------------------------------------------------------ conditions

    def conditions(self, tree: Any) -> Iterator[str]:
        """The conditions that must all hold."""
        from sqlglot import exp

        tree = _bare(tree)
        if isinstance(tree, exp.And):
            yield from self.conditions(tree.left)
            yield from self.conditions(tree.right)
        elif isinstance(tree, exp.Column):
            yield f"{self.text(tree)} = true"
        elif isinstance(tree, exp.Not) and isinstance(_bare(tree.this), exp.Column):
            yield f"{self.text(tree.this)} = false"
        else:
            yield self.text(tree)

    # ------------------------------------------------------------------ everything else

    def text(self, tree: Any) -> str:
        """Any expression in one form."""
        from sqlglot import exp

        tree = _bare(tree)
        if (said := self._embedded(tree)) is not None:
            return said
        forms: tuple[tuple[Any, Callable[[Any], str]], ...] = (
            (exp.Column, self._column),
            (exp.Literal, _literal),
            (exp.Connector | exp.Add | exp.Mul, self._commuting),
            (exp.Div | exp.Sub, self._ordered),
            (exp.Binary, self._compared),
            (exp.In, self._listed),
        )
        return next((form for kind, form in forms if isinstance(tree, kind)), self._plain)(tree)

    def _listed(self, tree: Any) -> str:
        if not tree.expressions or tree.args.get("query") is not None:
            return self._plain(tree)
        listed = sorted({self.text(e) for e in tree.expressions})
        this = self.text(tree.this)
        return f"{this} = {listed[0]}" if len(listed) == 1 else f"{this} in ({', '.join(listed)})"

    def _column(self, tree: Any) -> str:
        name = f"{tree.table}.{tree.name}" if tree.table else tree.name
        said = self.names(name.lower())
        self.columns[said] = None
        return said

    def _commuting(self, tree: Any) -> str:
        from sqlglot import exp

        kind = type(tree)
        word = {exp.Add: "+", exp.Mul: "*"}.get(kind, kind.__name__.lower())
        parts = [self.text(p) for p in _flat(tree, kind) if not (word == "*" and _is_number(p, 1))]
        if kind in {exp.And, exp.Or}:
            parts = list(dict.fromkeys(parts))
        parts.sort()
        return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})" if parts else "1"

    def _ordered(self, tree: Any) -> str:
        from sqlglot import exp

        left, right = tree.left, _bare(tree.right)
        if isinstance(tree, exp.Sub):
            return f"({self.text(left)} - {self.text(right)})"
        if isinstance(right, exp.Nullif) and _is_number(right.expression, 0):
            right = right.this
        return f"({self.text(left)} / {self.text(right)})"

    def _compared(self, tree: Any) -> str:
        from sqlglot import exp

        left, right = self.text(tree.left), self.text(tree.right)
        if isinstance(tree, exp.EQ | exp.NEQ):
            if isinstance(_bare(tree.left), exp.Literal | exp.Boolean) or (
                left > right and isinstance(_bare(tree.right), exp.Column)
            ):
                left, right = right, left
            return f"{left} {'=' if isinstance(tree, exp.EQ) else '!='} {right}"
        turned: dict[Any, str] = {exp.GT: "<", exp.GTE: "<="}
        if type(tree) in turned:
            return f"{right} {turned[type(tree)]} {left}"
        word = {exp.LT: "<", exp.LTE: "<="}.get(type(tree), type(tree).__name__.lower())
        return f"{left} {word} {right}"

    def _plain(self, tree: Any) -> str:
        """What has no rule of its own: its name, then its parts in their order."""
        from sqlglot import exp

        if isinstance(tree, exp.DataType | exp.Star | exp.Boolean | exp.Null | exp.Var | exp.Identifier):
            return str(tree.sql().lower())
        parts = []
        for key, value in sorted(tree.args.items()):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, exp.Expression):
                    parts.append(self.text(part))
                elif part not in (None, False, True, ""):
                    parts.append(f"{key}={str(part).lower()}")
        name = tree.name.lower() if isinstance(tree, exp.Anonymous) else tree.key
        return f"{name}({', '.join(parts)})"


def embedded(text: str, filters: Iterable[str]) -> str:
    """An aggregate inside of an expression, with what it keeps to."""
    kept = sorted(set(filters))
    return f"{text}{{{' and '.join(kept)}}}" if kept else text


def _bare(tree: Any) -> Any:
    from sqlglot import exp

    while isinstance(tree, exp.Paren):
        tree = tree.this
    return tree


def _flat(tree: Any, kind: Any) -> Iterator[Any]:
    todo = [tree]
    while todo:
        part = _bare(todo.pop())
        if type(part) is kind:
            todo += [part.right, part.left]
        else:
            yield part


def _kept(value: Any, *, zero: bool) -> tuple[Any, list[Any]]:
    """What is aggregated and the condition it keeps to, of `CASE WHEN c THEN x END`."""
    from sqlglot import exp

    if not isinstance(value, exp.Case | exp.If):
        return value, []
    if isinstance(value, exp.If):
        condition, then, other = value.this, value.args.get("true"), value.args.get("false")
    else:
        branches = value.args.get("ifs") or []
        if len(branches) != 1 or value.this is not None:
            return value, []
        condition, then, other = branches[0].this, branches[0].args.get("true"), value.args.get("default")
    if other is not None and not isinstance(other, exp.Null) and not (zero and _is_number(other, 0)):
        return value, []
    return _bare(then), [condition]


def _is_number(tree: Any, wanted: int) -> bool:
    from sqlglot import exp

    tree = _bare(tree)
    return isinstance(tree, exp.Literal) and not tree.is_string and _literal(tree) == str(wanted)


def _literal(tree: Any) -> str:
    if tree.is_string:
        return "'" + str(tree.this).replace("'", "''") + "'"
    try:
        number = Decimal(str(tree.this)).normalize()
    except (InvalidOperation, ValueError):
        return str(tree.this).lower()
    small = -20 < number.adjusted() < 20  # written out, 1e999999999 would not fit into memory
    return format(number, "f") if small else str(number)
