"""What a field of a view is in SQL: references followed, constants filled in, templating taken out.

There are two readers. Lineage wants something that parses, even where Looker would decide at run time; evaluation wants
to know that nothing was guessed. So every expression carries its SQL and, where it cannot be evaluated, the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from headway.connectors.lookml.files import Statement
from headway.connectors.lookml.filters import Untranslatable, literal
from headway.connectors.lookml.views import Field, View, World

LONGEST = 50_000
"""Characters of one expression; a chain of fields that each name the one before twice would have no end."""
LONGEST_QUERY = 1_000_000
_REFERENCE = re.compile(r"\$\{\s*([A-Za-z_][\w.]*)\s*(?:::\w+\s*)?\}")
_TABLE_NAME = re.compile(r"\$\{\s*(\w+)\.SQL_TABLE_NAME\s*\}")
_WITH = "lookml_"
"""What the name of a derived table begins with where another one reads it."""
_BEGINS_WITH = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*+with\s+(?:recursive\s+)?", re.IGNORECASE | re.DOTALL)
_LIQUID = re.compile(r"\{%-?\s*+(\w++)?[^%]*+%\}|\{\{[^{}]*+\}\}", re.DOTALL)
_PERIODS = ("week", "month", "quarter", "year")
_AS_IS = frozenset({"raw", "time", "hour", "minute", "second", "millisecond", "microsecond"})
TEMPLATED_TABLE = "its table has Liquid in it, which Looker fills in when it runs"
TEMPLATED = "it has Liquid in it, which Looker fills in when it runs"


@dataclass(frozen=True, slots=True)
class Expression:
    """SQL of a field or a text."""

    sql: str
    problem: str = ""
    """Why it is not evaluated; '' when it can be."""
    others: tuple[tuple[str, str], ...] = ()
    """(view as named, field) of other views that it reads."""


def without_liquid(written: str) -> tuple[str, bool]:
    """SQL with its Liquid taken out so that it still parses, and whether there was any.

    Of a condition the first branch is kept; what a filter is laid on stays; a value next to a dot goes with its dot,
    one that is a part of a word or a text goes, and any other one is NULL.
    """
    if "{%" not in written and "{{" not in written:
        return written, False
    return _Plain(written).text(), True


class _Plain:
    """One text on its way out of Liquid."""

    def __init__(self, written: str) -> None:
        self._written = written
        self._kept: list[str] = []
        self._first: list[bool] = []
        """For every open condition: whether the branch that is read is its first."""
        self._comments = 0

    def text(self) -> str:
        at = 0
        for found in _LIQUID.finditer(self._written):
            if found.start() < at:
                continue
            self._keep(self._written[at : found.start()])
            at = self._tag(found, (found[1] or "").lower())
        self._keep(self._written[at:])
        return "".join(self._kept)

    def _keep(self, text: str) -> None:
        if all(self._first) and not self._comments:
            self._kept.append(text)

    def _tag(self, found: re.Match[str], word: str) -> int:
        """Take one tag in; returns where the text goes on."""
        if word in {"if", "unless", "case"}:
            self._first.append(word != "case")
        elif word in {"elsif", "else", "when"} and self._first:
            self._first[-1] = word == "when" and not self._first[-1]
        elif word in {"endif", "endunless", "endcase"} and self._first:
            self._first.pop()
        elif word in {"comment", "endcomment"}:
            self._comments = max(0, self._comments + (1 if word == "comment" else -1))
        elif word in {"condition", "incrementcondition"}:
            self._keep("(")
        elif word in {"endcondition", "endincrementcondition"}:
            self._keep(") IS NOT NULL")
        elif found[0].startswith("{{") or word in {"parameter", "date_start", "date_end"}:
            return self._value(found)
        return found.end()

    def _value(self, found: re.Match[str]) -> int:
        before, after = self._written[: found.start()][-1:], self._written[found.end() : found.end() + 1]
        if after == ".":
            return found.end() + 1
        glued = any(sign == "." or sign.isalnum() or sign in {"_", "'", '"', "`"} for sign in (before, after) if sign)
        self._keep("" if glued else " NULL ")
        return found.end()


_BRANCH = re.compile(r"\{%-?\s*+(if|unless|case|elsif|else|when|endif|endunless|endcase)\b[^%]*+%\}")
_MOST_BRANCHES = 16


def branches(written: str) -> list[str]:
    """All that a table name may be: the text with each branch of its Liquid conditions, the first one first."""
    done: list[str] = [""]
    """What the name may be up to here, inside the innermost condition."""
    above: list[tuple[list[str], list[str], bool]] = []
    """For every open condition: the texts before it, those with a branch that has ended, and whether one is sure."""
    at = 0
    for found in _BRANCH.finditer(written):
        text = written[at : found.start()]
        done = [before + text for before in done]
        at, word = found.end(), found[1]
        if word in {"if", "unless", "case"}:
            above.append((done, [], False))
            done = [] if word == "case" else done
        elif above:
            before, ended, sure = above.pop()
            ended = [*ended, *done][:_MOST_BRANCHES]
            if word.startswith("end"):
                done = ended if sure else [*ended, *before][:_MOST_BRANCHES]
            else:
                above.append((before, ended, sure or word == "else"))
                done = before
    plain = (without_liquid(text + written[at:])[0].strip() for text in done)
    return list(dict.fromkeys(text for text in plain if text and not text.startswith(".") and not text.endswith(".")))


class Fields:
    """The fields of one view as SQL over its table, under one alias."""

    def __init__(self, view: View, alias: str, filled: Callable[[str], str]) -> None:
        self.view = view
        self.alias = alias
        self._filled = filled
        self._known: dict[str, Expression] = {}
        self._open: dict[str, None] = {}

    def find(self, name: str) -> tuple[Field, str] | None:
        """The field that a name means, and the timeframe where it is one of a group; None for no field."""
        if name in self.view.fields:
            return self.view.fields[name], ""
        at = name.rfind("_")
        while at > 0:
            group = self.view.fields.get(name[:at])
            if group is not None and group.kind == "dimension_group":
                return group, name[at + 1 :]
            at = name.rfind("_", 0, at)
        at = name.find("_")
        group = self.view.fields.get(name[at + 1 :]) if at > 0 else None
        if group is not None and group.kind == "dimension_group" and group.text("type") == "duration":
            return group, name[:at]
        return None

    def field(self, name: str, measure: Callable[[Field], Expression]) -> Expression:
        """SQL of a field by name; a measure's is what `measure` makes of it."""
        if name not in self._known:
            if name in self._open or len(self._open) > 100:
                return Expression("NULL", f"{name} refers to itself")
            self._open[name] = None
            try:
                self._known[name] = self._made(name, measure)
            finally:
                del self._open[name]
        return self._known[name]

    def _made(self, name: str, measure: Callable[[Field], Expression]) -> Expression:
        found = self.find(name)
        if found is None:
            return Expression(f"{self.alias}.{name}", f"there is no field {name} in the view")
        field, timeframe = found
        if field.kind == "measure":
            return measure(field)
        if field.kind in {"filter", "parameter"}:
            return Expression("NULL", f"{name} is a {field.kind}, whose value is chosen in Looker")
        return self._dimension(field, timeframe, measure)

    def _dimension(self, field: Field, timeframe: str, measure: Callable[[Field], Expression]) -> Expression:
        def of(text: str) -> Expression:
            return self.text(text, measure)

        if field.cases:
            return self._case(field, of)
        kind = field.text("type") or "string"
        pair = {"duration": ("sql_start", "sql_end"), "location": ("sql_latitude", "sql_longitude")}.get(kind)
        if pair is not None:
            ends = [of(field.text(key)) for key in pair]
            return _merged(f"COALESCE(({ends[0].sql}), ({ends[1].sql}))", ends, f"a {kind} is not evaluated")
        made = of(field.text("sql") or f"${{TABLE}}.{field.name}")
        if kind in {"tier", "bin", "distance"}:
            return _merged(made.sql, [made], f"a {kind} is not evaluated")
        if field.kind == "dimension":
            timeframe = "date" if kind == "date" else ""  # a dimension of type date is cut to its day
        return _in_timeframe(made, timeframe) if timeframe else made

    def _case(self, field: Field, of: Callable[[str], Expression]) -> Expression:
        parts, whens, otherwise, problem = [], [], "", ""
        for when, label in field.cases:
            try:
                value = literal(label)
            except Untranslatable as error:
                value, problem = "''", f"a case has {error}"
            if when:
                part = of(when)
                parts.append(part)
                whens.append(f"WHEN {part.sql} THEN {value}")
            else:
                otherwise = f" ELSE {value}"
        return _merged(f"CASE {' '.join(whens)}{otherwise} END" if whens else "NULL", parts, problem)

    def text(self, written: str, measure: Callable[[Field], Expression]) -> Expression:
        """A text of SQL with its references followed."""
        sql, templated = without_liquid(self._filled(written))
        problems = [TEMPLATED] if templated else []
        if "@{" in sql:
            problems.append("it names a constant that the manifest does not have")
        others: list[tuple[str, str]] = []

        def followed(found: re.Match[str]) -> str:
            name = found[1]
            if name == "TABLE":
                return self.alias
            view, _, rest = name.rpartition(".")
            if view and view != self.view.name:
                others.append((view, rest))
                problems.append(f"it reads another view, {view}")
                return f"{view}.{rest}"
            made = self.field(rest, measure)
            others.extend(made.others)
            problems.extend([made.problem] if made.problem else [])
            return f"({made.sql})" if not re.fullmatch(r"[\w.]+", made.sql) else made.sql

        pieces: list[str] = []
        length = at = 0
        for found in _REFERENCE.finditer(sql):
            pieces += [sql[at : found.start()], followed(found)]
            length += len(pieces[-1]) + len(pieces[-2])
            at = found.end()
            if length > LONGEST:
                return Expression("NULL", f"it unfolds to more than {LONGEST:,} characters")
        return Expression("".join([*pieces, sql[at:]]).strip(), next(iter(problems), ""), tuple(dict.fromkeys(others)))


def _in_timeframe(time: Expression, timeframe: str) -> Expression:
    if timeframe in _AS_IS:
        return time
    if timeframe == "date":
        return _merged(f"CAST({time.sql} AS DATE)", [time])
    if timeframe in _PERIODS:
        return _merged(f"HEADWAY_PERIOD('{timeframe}', {time.sql})", [time])
    return _merged(time.sql, [time], f"the timeframe {timeframe} is not evaluated")


def _merged(sql: str, parts: list[Expression], problem: str = "") -> Expression:
    """An expression made of others, with the first of their problems."""
    if len(sql) > LONGEST:
        return Expression("NULL", f"it unfolds to more than {LONGEST:,} characters")
    others = tuple(dict.fromkeys(other for part in parts for other in part.others))
    return Expression(sql, next((p.problem for p in parts if p.problem), "") or problem, others)


# --- Tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Relation:
    """What a view reads its rows from: a table, a query, or an explore."""

    tables: tuple[str, ...] = ()
    """All that its name may be, the first one first."""
    query: str = ""
    explore: str = ""
    problem: str = ""
    """Why nothing over it is evaluated."""
    reads: tuple[str, ...] = ()
    """Other views whose table it reads, by name."""


class Relations:
    """Where the views of one model have their rows from."""

    def __init__(self, world: World, filled: Callable[[View, str], str]) -> None:
        self._world = world
        self._filled = filled
        self._known: dict[str, Relation] = {}
        self._open: dict[str, None] = {}

    def of(self, view: View) -> Relation:
        """Where the rows of a view come from. Views read by `${view.SQL_TABLE_NAME}` are put in its query's place."""
        if view.name not in self._known:
            self._open[view.name] = None
            self._known[view.name] = _relation(view, self._placed, lambda text: self._filled(view, text))
            del self._open[view.name]
        return self._known[view.name]

    def _placed(self, name: str) -> Relation | None:
        """Another view's, by its name; None when there is none or it reads itself."""
        view = self._world.view(name)
        return None if view is None or name in self._open or len(self._open) > 50 else self.of(view)


def _relation(view: View, other: Callable[[str], Relation | None], filled: Callable[[str], str]) -> Relation:
    if view.derived is None:
        written = filled(view.said.get("sql_table_name", "") or view.name)
        whole = _TABLE_NAME.fullmatch(written.strip())
        if whole:
            inner = other(whole[1])
            return replace(inner, reads=(whole[1],)) if inner else Relation(problem=f"there is no view {whole[1]}")
        named = branches(written)
        problem = TEMPLATED_TABLE if "{%" in written or "{{" in written else ""
        if "@{" in written:
            problem = problem or "its table has a constant that the manifest does not have"
        if any(re.search(r"\bselect\b", name, re.IGNORECASE) for name in named):
            query = next(n for n in named if re.search(r"\bselect\b", n, re.IGNORECASE)).strip()
            return Relation(query=query.strip("()"), problem=problem or "its table is a query in brackets")
        return Relation(tuple(re.sub(r"@\{\s*\w+\s*\}\.?", "", name) for name in named), problem=problem)
    said = {key: value for key, value, _, body in view.derived if isinstance(value, str)}
    source = next((s[1] for s in view.derived if s[0] == "explore_source"), "")
    if source:
        return Relation(explore=str(source), problem="it is derived from an explore")
    if "sql" not in said:
        return Relation(problem="it is built by statements of its own", reads=_named_in(view.derived))
    return _query(filled(said["sql"]), other)


def _named_in(body: Sequence[Statement]) -> tuple[str, ...]:
    """Views whose tables the statements of a derived table name."""
    found: dict[str, None] = {}
    for _, value, _, inner in body:
        found.update(dict.fromkeys(_TABLE_NAME.findall(value) if isinstance(value, str) else ()))
        found.update(dict.fromkeys(_named_in(inner) if inner else ()))
    return tuple(found)


def _query(written: str, other: Callable[[str], Relation | None]) -> Relation:
    sql, templated = without_liquid(written)
    problems = [TEMPLATED_TABLE] if templated else []
    if "@{" in sql:
        problems.append("its query has a constant that the manifest does not have")
        sql = re.sub(r"@\{\s*\w+\s*\}\.?", "", sql)
    reads: dict[str, str] = {}
    """The query of each view that is read through one, by name; '' for a table."""

    def placed(found: re.Match[str]) -> str:
        name = found[1]
        inner = other(name)
        if inner is None:
            problems.append(f"it reads the table of {name}, which cannot be followed")
            return name
        reads[name] = inner.query
        problems.extend([inner.problem] if inner.problem else [])
        if inner.query:
            return f"{_WITH}{name}"
        return inner.tables[0] if inner.tables else name

    query = _TABLE_NAME.sub(placed, sql).strip().rstrip(";").strip()
    above = [f"{_WITH}{name} AS (\n{inner}\n)" for name, inner in reads.items() if inner]
    if above:
        begun = _BEGINS_WITH.match(query)
        begin, rest = (begun[0], query[begun.end() :]) if begun else ("WITH ", query)
        query = begin + ",\n".join(above) + (",\n" if begun else "\n") + rest
    if len(query) > LONGEST_QUERY:
        return Relation(problem=f"its query unfolds to more than {LONGEST_QUERY:,} characters")
    if "${" in query:
        problems.append("its query has a reference that cannot be followed")
        query = _REFERENCE.sub(lambda found: found[1].rpartition(".")[2], query)
    return Relation(query=query, problem=next(iter(problems), ""), reads=tuple(dict.fromkeys(reads)))
