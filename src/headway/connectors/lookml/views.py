"""Views and explores as they are after refinements and extensions: what a model sees in the files it includes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from headway.connectors.lookml.files import File, Statement, text, texts

_DEEPEST = 100
"""Extensions of extensions that are followed; more are treated as a circle."""
FIELDS = frozenset({"dimension", "dimension_group", "measure", "filter", "parameter"})


@dataclass(slots=True)
class Field:
    """A dimension, a group of them, a measure, a filter or a parameter of a view."""

    kind: str
    name: str
    said: dict[str, Any]
    """What it says by key: a text, or a list of texts."""
    filters: list[tuple[str, str]] = field(default_factory=list)
    """(field, filter expression) of a measure."""
    cases: list[tuple[str, str]] = field(default_factory=list)
    """(SQL condition, label) of a dimension with `case`; the condition is '' for `else`."""
    shown: str = ""
    line: int = 0

    def text(self, key: str) -> str:
        """What it says for a key, if that is one text."""
        value = self.said.get(key, "")
        return value if isinstance(value, str) else ""

    def under(self, other: Field) -> Field:
        """This field with what another one says laid over it."""
        said = {**self.said, **other.said}
        if "${EXTENDED}" in other.text("sql"):
            said["sql"] = other.text("sql").replace("${EXTENDED}", self.text("sql"))
        return replace(
            other,
            said=said,
            filters=other.filters or self.filters,
            cases=other.cases or self.cases,
            kind=other.kind if other.kind == self.kind else self.kind,
            shown=self.shown,
            line=self.line,
        )


@dataclass(slots=True)
class View:
    """One view."""

    name: str
    project: str
    shown: str
    line: int
    said: dict[str, str] = field(default_factory=dict)
    """sql_table_name, label, description, extension and the like, by key."""
    derived: list[Statement] | None = None
    """The body of its derived table."""
    fields: dict[str, Field] = field(default_factory=dict)
    extends: tuple[str, ...] = ()

    def refined(self, other: View) -> View:
        """This view with a refinement of it laid over."""
        extends = tuple(dict.fromkeys((*self.extends, *other.extends)))
        whole = self.under(other)
        return replace(whole, name=self.name, project=self.project, shown=self.shown, line=self.line, extends=extends)

    def inherited(self) -> View:
        """What a view that extends this one takes over."""
        return replace(self, said={key: value for key, value in self.said.items() if key != "extension"})

    def under(self, other: View) -> View:
        """This view with another one laid over it: a refinement, or one that extends it."""
        fields = dict(self.fields)
        for name, its in other.fields.items():
            fields[name] = fields[name].under(its) if name in fields else its
        said = {**self.said, **other.said}
        derived = other.derived if other.derived is not None else self.derived
        if other.derived is not None and "sql_table_name" not in other.said:
            said.pop("sql_table_name", None)
        elif "sql_table_name" in other.said and other.derived is None:
            derived = None
        return replace(other, said=said, fields=fields, derived=derived)


@dataclass(slots=True)
class Join:
    """One view that an explore joins."""

    name: str
    source: str
    """The view it is."""
    conditions: tuple[str, ...]
    """SQL that relates it: sql_on, sql_where, or a raw join."""
    line: int = 0


@dataclass(slots=True)
class Explore:
    """One explore."""

    name: str
    shown: str
    line: int
    said: dict[str, str] = field(default_factory=dict)
    joins: dict[str, Join] = field(default_factory=dict)
    filtered: tuple[str, ...] = ()
    """Fields of always_filter and conditionally_filter."""
    conditions: tuple[str, ...] = ()
    """sql_always_where and the like."""
    extends: tuple[str, ...] = ()

    def refined(self, other: Explore) -> Explore:
        """This explore with a refinement of it laid over."""
        extends = tuple(dict.fromkeys((*self.extends, *other.extends)))
        return replace(self.under(other), name=self.name, shown=self.shown, line=self.line, extends=extends)

    def inherited(self) -> Explore:
        """What an explore that extends this one takes over."""
        return replace(self, said={k: v for k, v in self.said.items() if k not in {"extension", "label"}})

    def under(self, other: Explore) -> Explore:
        """This explore with another one laid over it."""
        return replace(
            other,
            said={**self.said, **other.said},
            joins={**self.joins, **other.joins},
            filtered=tuple(dict.fromkeys((*self.filtered, *other.filtered))),
            conditions=tuple(dict.fromkeys((*self.conditions, *other.conditions))),
        )

    @property
    def base(self) -> tuple[str, str]:
        """(alias, view) that it begins with."""
        view = self.said.get("from") or self.said.get("view_name") or self.name
        alias = self.said.get("view_name") or self.name
        return alias, view

    def aliases(self) -> dict[str, str]:
        """The view behind each name that its fields may begin with."""
        return {**dict([self.base]), **{join.name: join.source for join in self.joins.values()}}


T = TypeVar("T", View, Explore)


class World:
    """What one model sees: views and explores of its files, by name, resolved when asked for."""

    def __init__(self, files: Iterable[File]) -> None:
        self._views: dict[str, View] = {}
        self._over: dict[str, list[View]] = {}
        self._explores: dict[str, Explore] = {}
        self._explores_over: dict[str, list[Explore]] = {}
        self._resolved: dict[str, View | None] = {}
        self._resolved_explores: dict[str, Explore | None] = {}
        self._open: dict[str, None] = {}
        """What is being resolved, the outermost first."""
        self.twice: list[tuple[View, View]] = []
        """Views of the same name: the one that counts, and the other."""
        self.circles: list[tuple[str, str, int]] = []
        """(file, name, line) of what extends itself."""
        self.unknown: list[tuple[str, str, int]] = []
        """(file, name, line) of what is extended or refined and not there."""
        for file in files:
            for statement in file.said("view"):
                self._add_view(view_of(file, statement))
            for statement in file.said("explore"):
                self._add_explore(explore_of(file, statement))
        for over in self._over.values():
            if over[0].name[1:] not in self._views:
                self.unknown.append((over[0].shown, over[0].name, over[0].line))
        for explores in self._explores_over.values():
            if explores[0].name[1:] not in self._explores:
                self.unknown.append((explores[0].shown, explores[0].name, explores[0].line))

    def _add_view(self, view: View) -> None:
        if view.name.startswith("+"):
            self._over.setdefault(view.name[1:], []).append(view)
        elif (before := self._views.get(view.name)) is not None:
            self.twice.append((before, view))
        else:
            self._views[view.name] = view

    def _add_explore(self, explore: Explore) -> None:
        if explore.name.startswith("+"):
            self._explores_over.setdefault(explore.name[1:], []).append(explore)
        else:
            self._explores.setdefault(explore.name, explore)

    @property
    def views(self) -> list[str]:
        """Names of the views, in order of definition."""
        return list(self._views)

    @property
    def explores(self) -> list[str]:
        """Names of the explores, in order of definition."""
        return list(self._explores)

    def view(self, name: str) -> View | None:
        """A view with its extensions and refinements; None when there is none of that name."""
        if name not in self._resolved:
            own = self._views.get(name)
            self._resolved[name] = own
            if own is not None:
                self._resolved[name] = self._whole(own, self._over.get(name, ()), self.view)
        return self._resolved[name]

    def explore(self, name: str) -> Explore | None:
        """An explore with its extensions and refinements; None when there is none of that name."""
        if name not in self._resolved_explores:
            own = self._explores.get(name)
            self._resolved_explores[name] = own
            if own is not None:
                whole = self._whole(own, self._explores_over.get(name, ()), self.explore)
                self._resolved_explores[name] = self._with_view(whole)
        return self._resolved_explores[name]

    def _with_view(self, explore: Explore) -> Explore:
        """An explore that names no view and is called like none begins with the view of what it extends."""
        if explore.base[1] in self._views:
            return explore
        for base in explore.extends:
            found = self._resolved_explores.get(base)
            if found is not None and found.base[1] in self._views:
                alias, view = found.base
                return replace(explore, said={**explore.said, "view_name": alias, "from": view})
        return explore

    def _whole(self, own: T, refinements: Sequence[T], known: Callable[[str], T | None]) -> T:
        """What is written with its refinements, laid over what it extends. A circle is noted and cut."""
        whole = own
        for refinement in refinements:
            whole = whole.refined(refinement)
        result: T | None = None
        self._open[own.name] = None
        for base in whole.extends:
            if base in self._open or len(self._open) > _DEEPEST:
                self.circles.append((own.shown, own.name, own.line))
                continue
            found = known(base)
            if found is None:
                self.unknown.append((own.shown, base, own.line))
                continue
            result = found.inherited() if result is None else result.under(found.inherited())
        del self._open[own.name]
        return whole if result is None else result.under(whole)


# --- From statements -------------------------------------------------------------------------------------------------


def _single(body: Sequence[Statement]) -> dict[str, str]:
    return {key: value for key, value, _, inner in body if isinstance(value, str) and inner is None}


def _extends(body: Sequence[Statement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts(body, "extends__all") + texts(body, "extends")))


def view_of(file: File, statement: Statement) -> View:
    """A view as one file writes it."""
    _, name, line, body = statement
    body = body or []
    view = View(str(name), file.project, file.shown, line, said=_single(body), extends=_extends(body))
    for key, value, at, inner in body:
        if key == "derived_table" and inner is not None:
            view.derived = inner
        elif key in FIELDS and inner is not None and isinstance(value, str):
            made = _field(key, value, inner, file.shown, at)
            before = view.fields.get(value)
            view.fields[value] = before.under(made) if before else made
    return view


def _field(kind: str, name: str, body: Sequence[Statement], shown: str, line: int) -> Field:
    said: dict[str, Any] = {}
    filters: list[tuple[str, str]] = []
    cases: list[tuple[str, str]] = []
    for key, value, _, inner in body:
        if key == "filters":
            pairs = [(str(s[0]), str(s[1])) for s in inner or () if isinstance(s[1], str)]
            old = dict(pairs)
            # `filters: { field: x value: "y" }` is the old way to write `filters: [x: "y"]`
            filters += [(old["field"], old.get("value", ""))] if value == "" and "field" in old else pairs
        elif key == "case":
            for when in inner or ():
                if when[0] == "when":
                    cases.append((text(when[3], "sql"), text(when[3], "label")))
                elif when[0] == "else" and isinstance(when[1], str):
                    cases.append(("", when[1]))
        elif inner is None:
            said[key] = value
    return Field(kind, name, said, filters, cases, shown, line)


_CONDITIONS = ("sql_always_where", "sql_always_having")
_JOIN_CONDITIONS = ("sql_on", "sql_where", "sql")


def explore_of(file: File, statement: Statement) -> Explore:
    """An explore as one file writes it."""
    _, name, line, body = statement
    body = body or []
    filtered: list[str] = []
    joins: dict[str, Join] = {}
    for key, value, at, inner in body:
        if key in {"always_filter", "conditionally_filter"}:
            for one in inner or ():
                if one[0] == "filters":
                    filtered += [text(one[3], "field")] if one[1] == "" else [str(pair[0]) for pair in one[3] or ()]
        elif key == "access_filter":
            filtered.append(text(inner, "field"))
        elif key == "join" and isinstance(value, str) and inner is not None:
            source = text(inner, "from") or value
            keys = [text(inner, one) for one in _JOIN_CONDITIONS]
            if foreign := text(inner, "foreign_key"):
                keys.append("${" + foreign + "}")
            joins[value] = Join(value, source, tuple(filter(None, keys)), at)
    return Explore(
        str(name),
        file.shown,
        line,
        said=_single(body),
        joins=joins,
        filtered=tuple(filter(None, filtered)),
        conditions=tuple(filter(None, (text(body, one) for one in _CONDITIONS))),
        extends=_extends(body),
    )
