"""Power Query's language M: which tables, queries and dataflows an expression takes its rows from.

Steps are followed by name, through parameters, shared expressions and other tables of the same dataset. Only what names
a source is evaluated: calls of the connectors below, navigation such as `{[Schema="x", Item="t"]}[Data]`, and texts
joined with `&`. Of everything else, every source that occurs in it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

_DEEPEST = 150
_MOST_STEPS = 100_000
_LONGEST = 1_000_000
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    | \#?"(?P<text>(?:[^"]|"")*)"
    | (?P<word>[@]?[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    | (?P<number>\d[\w.]*)
    | (?P<sign>=>|<>|<=|>=|\?\?|\.\.\.|\.\.|[-+*/&=<>,;?@!\#])
    | (?P<bracket>[()\[\]{}])
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"#\(([^()]*)\)")
_ESCAPED = {"lf": "\n", "cr": "\r", "tab": "\t", "#": "#"}
_CUTS = frozenset(
    ("if", "then", "else", "try", "otherwise", "each", "meta", "and", "or", "not", "as", "is", "type", "error", "catch")
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}


class Unreadable(Exception):
    """The expression is nested too deeply, or has no end; the message has none of it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: `catalog.schema.table`, or fewer parts where the source has fewer."""

    relation: str


@dataclass(frozen=True, slots=True)
class Query:
    """SQL that is sent to a database."""

    sql: str
    dialect: str
    default: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Dataflow:
    """A table of a dataflow."""

    dataflow: str


Leaf = Table | Query | Dataflow


@dataclass(frozen=True)
class Sources:
    """Where the rows of a table come from."""

    leaves: tuple[Leaf, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Name of a column here -> its name in the source, where a step renamed it."""
    connects: bool = False
    """It connects to a database, whether or not it could be told which table it reads."""


@dataclass(frozen=True, slots=True)
class _Connector:
    dialect: str
    catalog: int | None
    """Which argument is the catalog; None where the first step of the navigation is, or where there is none."""
    parts: int = 3
    """Parts of the name of a table."""
    schema: str = ""
    """The schema of names without one."""


_CONNECTORS = {
    "sql.database": _Connector("tsql", 1, schema="dbo"),
    "sql.databases": _Connector("tsql", None, schema="dbo"),
    "azuresynapse.database": _Connector("tsql", 1, schema="dbo"),
    "fabric.warehouse": _Connector("tsql", None, schema="dbo"),
    "postgresql.database": _Connector("postgres", 1, schema="public"),
    "amazonredshift.database": _Connector("redshift", 1, schema="public"),
    "snowflake.databases": _Connector("snowflake", None),
    "googlebigquery.database": _Connector("bigquery", None),
    "databricks.catalogs": _Connector("databricks", None),
    "databricks.contents": _Connector("databricks", None),
    "databricksmulticloud.catalogs": _Connector("databricks", None),
    "databricks.query": _Connector("databricks", None),
    "trino.contents": _Connector("trino", None),
    "starburst.contents": _Connector("trino", None),
    "oracle.database": _Connector("oracle", None, 2),
    "teradata.database": _Connector("teradata", None, 2),
    "mysql.database": _Connector("mysql", None, 2),
    "odbc.datasource": _Connector("", None),
    "odbc.query": _Connector("", None),
}
_DATAFLOWS = frozenset(("powerbi.dataflows", "powerplatform.dataflows"))
_QUERY_ARGUMENT = {"odbc.query": 1, "databricks.query": 2}


def sources(expression: str, others: Mapping[str, str] | None = None) -> Sources:
    """What an M expression reads. `others` are the shared expressions and tables that it may name, by name.

    Raises Unreadable.
    """
    reader = _Reader(others or {})
    try:
        found = reader.leaves(reader.evaluate(_tree(expression), _Scope(), 0))
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    return Sources(tuple(found), reader.original(), reader.connects)


# --- tokens ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    name: str


@dataclass(frozen=True, slots=True)
class _Text:
    value: str


@dataclass(frozen=True, slots=True)
class _Sign:
    sign: str


@dataclass(frozen=True, slots=True)
class _Group:
    bracket: str
    items: list[_Item]


_Item = _Word | _Text | _Sign | _Group


@lru_cache(maxsize=512)
def _tree(expression: str) -> list[_Item]:
    """Tokens, what stands in brackets grouped. Nobody changes it: tables of a dataset name the same expressions."""
    if len(expression) > _LONGEST:
        raise Unreadable("it is longer than is sane")
    stack = [_Group("", [])]
    for match in _TOKEN.finditer(expression):
        kind, said = match.lastgroup, match[0]
        if kind == "bracket" and said in _PAIRS:
            group = _Group(said, [])
            stack[-1].items.append(group)
            stack.append(group)
            if len(stack) > _DEEPEST:
                raise Unreadable("it is nested too deeply")
        elif kind == "bracket":
            if _PAIRS.get(stack[-1].bracket) != said:
                raise Unreadable("its brackets do not match")
            stack.pop()
        elif kind == "text":
            text = match["text"].replace('""', '"')
            stack[-1].items.append(_Word(text) if said.startswith("#") else _Text(_plain(text)))
        elif kind == "word":
            stack[-1].items.append(_Word(said.lstrip("@")))
        elif kind in {"sign", "number"}:
            stack[-1].items.append(_Sign(said))
    if len(stack) > 1:
        raise Unreadable("it ends too early")
    return stack[0].items


def _plain(text: str) -> str:
    """A text with its `#(lf)` and the like written out."""
    return _ESCAPE.sub(
        lambda m: "".join(_ESCAPED.get(part.strip(), _code(part.strip())) for part in m[1].split(",")), text
    )


def _code(digits: str) -> str:
    try:
        return chr(int(digits, 16)) if len(digits) in {4, 8} else ""
    except (ValueError, OverflowError):
        return ""


def _cut(items: Sequence[_Item], signs: frozenset[str]) -> Iterator[list[_Item]]:
    """The pieces between these signs; what stands between `let` and `in` is not looked into."""
    piece: list[_Item] = []
    depth = 0
    for item in items:
        if isinstance(item, _Word) and item.name in {"let", "in"}:
            depth += 1 if item.name == "let" else -1
        if isinstance(item, _Sign) and item.sign in signs and depth <= 0:
            yield piece
            piece = []
        else:
            piece.append(item)
    yield piece


# --- values ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _At:
    """Somewhere inside a database, on the way to a table."""

    connector: _Connector
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _InDataflow:
    dataflow: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    fields: Mapping[str, str]


_Value = str | _At | _InDataflow | _Record | tuple[Leaf, ...] | None


@dataclass(slots=True)
class _Scope:
    """Steps of a `let`, evaluated when they are named."""

    steps: dict[str, list[_Item]] = field(default_factory=dict)
    above: _Scope | None = None
    values: dict[str, _Value] = field(default_factory=dict)


_NONE: tuple[Leaf, ...] = ()
_COMMA = frozenset(",")
_OPERATORS = frozenset(("=>", "<>", "<=", ">=", "??", "..", "+", "-", "*", "/", "&", "=", "<", ">", ";"))


class _Reader:
    def __init__(self, others: Mapping[str, str]) -> None:
        self._others = others
        self._shared: dict[str, _Value] = {}
        self._renamed: dict[str, str] = {}
        self._steps = 0
        self.connects = False

    def original(self) -> dict[str, str]:
        """Every renamed column with its first name."""
        found = {}
        for name in self._renamed:
            first, seen = name, {name}
            while (before := self._renamed.get(first)) is not None and before not in seen:
                first = before
                seen.add(first)
            found[name] = first
        return found

    def leaves(self, value: _Value) -> list[Leaf]:
        """What a value reads, each once."""
        if isinstance(value, _At):
            name = ".".join(value.path)
            return [Table(name)] if len(value.path) == value.connector.parts else []
        if isinstance(value, _InDataflow):
            return [Dataflow(value.dataflow)] if value.dataflow else []
        return list(dict.fromkeys(value)) if isinstance(value, tuple) else []

    def evaluate(self, items: Sequence[_Item], scope: _Scope, depth: int) -> _Value:
        """The value of an expression. Raises Unreadable."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            raise Unreadable("it is nested too deeply" if depth > _DEEPEST else "it has too many steps")
        if items and items[0] == _Word("let"):
            return self._let(items, scope, depth)
        terms: list[list[_Item]] = [[]]
        joined, level = True, 0
        for item in items:
            level += (item == _Word("let")) - (item == _Word("in"))
            operator = isinstance(item, _Sign) and item.sign in _OPERATORS
            if level <= 0 and item == _Word("meta"):
                break
            if level <= 0 and (operator or (isinstance(item, _Word) and item.name in _CUTS)):
                joined = joined and item == _Sign("&")
                terms.append([])
            else:
                terms[-1].append(item)
        values = [self._term(term, scope, depth + 1) for term in terms if term]
        if len(values) == 1:
            return values[0]
        if joined and values and all(isinstance(value, str) for value in values):
            return "".join(str(value) for value in values)
        return self._union(values)

    def _union(self, values: Sequence[_Value]) -> tuple[Leaf, ...]:
        return tuple(dict.fromkeys(leaf for value in values for leaf in self.leaves(value)))

    def _let(self, items: Sequence[_Item], scope: _Scope, depth: int) -> _Value:
        inner = _Scope(above=scope)
        levels = accumulate((item == _Word("let")) - (item == _Word("in")) for item in items)
        at = next((place for place, level in enumerate(levels) if not level), 0)
        if not at:
            raise Unreadable("a let is without its in")
        for step in _cut(items[1:at], _COMMA):
            if len(step) > 2 and isinstance(step[0], _Word) and step[1] == _Sign("="):
                inner.steps[step[0].name] = step[2:]
        for name in inner.steps:  # as they are written, each stands on those before it: no deep recursion
            self._named(name, inner, depth)
        return self.evaluate(items[at + 1 :], inner, depth + 1)

    def _named(self, name: str, scope: _Scope, depth: int) -> _Value:
        within: _Scope | None = scope
        while within is not None:
            if name in within.steps:
                if name not in within.values:
                    within.values[name] = None  # a step that stands on itself reads nothing
                    within.values[name] = self.evaluate(within.steps[name], within, depth + 1)
                return within.values[name]
            within = within.above
        if name in self._others and name not in self._shared:
            self._shared[name] = None
            self._shared[name] = self.evaluate(_tree(self._others[name]), _Scope(), depth + 1)
        return self._shared.get(name)

    def _term(self, items: Sequence[_Item], scope: _Scope, depth: int) -> _Value:
        """A name, text, call or bracket with what is asked of it behind it."""
        first, rest = items[0], list(items[1:])
        value: _Value = None
        if first == _Word("let"):
            return self._let(items, scope, depth)
        if isinstance(first, _Text):
            value = first.value
        elif isinstance(first, _Word):
            behind = rest[0] if rest else None
            if isinstance(behind, _Group) and behind.bracket == "(":
                value = self._call(first.name, behind, scope, depth)
                rest = rest[1:]
            else:
                value = self._named(first.name, scope, depth)
        elif isinstance(first, _Group):
            value = self._bracket(first, scope, depth)
        for item in rest:
            if isinstance(item, _Group):
                value = self._asked(value, item, scope, depth)
        return value

    def _bracket(self, group: _Group, scope: _Scope, depth: int) -> _Value:
        if group.bracket == "(":
            return self.evaluate(group.items, scope, depth + 1)
        values = []
        fields: dict[str, str] = {}
        for piece in _cut(group.items, _COMMA):
            named = len(piece) > 2 and isinstance(piece[0], _Word) and piece[1] == _Sign("=")
            value = self.evaluate(piece[2:] if named else piece, scope, depth + 1) if piece else None
            if named and isinstance(piece[0], _Word) and isinstance(value, str):
                fields[piece[0].name.casefold()] = value
            values.append(value)
        found = self._union(values)
        return _Record(fields) if group.bracket == "[" and fields and not found else found

    def _asked(self, value: _Value, group: _Group, scope: _Scope, depth: int) -> _Value:
        """What `{...}`, `[...]` or `(...)` behind a value gives."""
        if group.bracket == "[":  # one field of it: [Data]
            return value
        if group.bracket == "(":
            return self._union([value, *(self.evaluate(p, scope, depth + 1) for p in _cut(group.items, _COMMA) if p)])
        asked = self.evaluate(group.items, scope, depth + 1) if group.items else None
        fields = asked.fields if isinstance(asked, _Record) else {}
        if isinstance(value, _At):
            steps = [fields[key] for key in ("schema", "item", "name") if key in fields]
            if len(value.path) + len(steps) <= value.connector.parts:
                return _At(value.connector, (*value.path, *steps))
        if isinstance(value, _InDataflow) and fields.get("dataflowid"):
            return _InDataflow(fields["dataflowid"])
        return value

    def _call(self, name: str, group: _Group, scope: _Scope, depth: int) -> _Value:
        pieces = list(_cut(group.items, _COMMA))
        values = [self.evaluate(piece, scope, depth + 1) if piece else None for piece in pieces]
        call = name.casefold()
        if call in _DATAFLOWS:
            return _InDataflow()
        if call in _CONNECTORS:
            self.connects = True
            return self._connected(call, values)
        if call == "value.nativequery" and len(values) > 1:
            self.connects = True
            at = values[0] if isinstance(values[0], _At) else _At(_Connector("", None))
            return (self._query(at, values[1]),) if isinstance(values[1], str) else _NONE
        if call == "table.renamecolumns" and len(pieces) > 1:
            self._rename(pieces[1])
        tables = [value for value in values if not isinstance(value, str | _Record)]
        return tables[0] if len(tables) == 1 else self._union(values)

    def _connected(self, call: str, values: Sequence[_Value]) -> _Value:
        connector = _CONNECTORS[call]
        at = _At(connector)
        if connector.catalog is not None and len(values) > connector.catalog:
            catalog = values[connector.catalog]
            at = _At(connector, (catalog,)) if isinstance(catalog, str) else at
        asked = [value.fields["query"] for value in values if isinstance(value, _Record) and "query" in value.fields]
        argument = _QUERY_ARGUMENT.get(call)
        if argument is not None and len(values) > argument and isinstance(values[argument], str):
            asked.append(str(values[argument]))
        return (self._query(at, asked[0]),) if asked else at

    def _query(self, at: _At, sql: str) -> Query:
        catalog = at.path[0] if at.path else ""
        schema = at.path[1] if len(at.path) > 1 else at.connector.schema
        return Query(sql, at.connector.dialect, (catalog, schema) if schema else ("", ""))

    def _rename(self, items: Sequence[_Item]) -> None:
        """Take in `{{"before", "after"}, ...}`, or one such pair."""
        for item in items:
            if not isinstance(item, _Group) or item.bracket != "{":
                continue
            texts = [inner.value for inner in item.items if isinstance(inner, _Text)]
            if len(texts) == 2:
                self._renamed[texts[1]] = texts[0]
            self._rename([inner for inner in item.items if isinstance(inner, _Group)])
