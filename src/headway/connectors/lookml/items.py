"""Views, explores, measures and dashboards as items of the tool `lookml`.

Keys hold names only, so that files can be moved: `view.<project>.<view>`, `explore.<model>.<explore>`,
`<project>.<view>.<measure>`, `<project>.<dashboard>` and `<project>.<dashboard>.<element>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from headway.connectors.content import Item
from headway.connectors.lookml.fields import Fields, Relation, Relations
from headway.connectors.lookml.files import File, Project
from headway.connectors.lookml.measures import Measures
from headway.connectors.lookml.views import Explore, Field, View, World
from headway.connectors.lookml.worker import Board, Element, Query
from headway.sql import selected

_QUOTES = str.maketrans("", "", '"`[]')
_REFERENCE = re.compile(r"\$\{\s*(\w+)\.(\w+)\s*(?:::\w+\s*)?\}")
_PLAIN_ALIAS = "lookml_view"


@dataclass(slots=True)
class Seen:
    """One view of a model with everything that is derived from it."""

    view: View
    relation: Relation
    measures: Measures

    @property
    def reference(self) -> str:
        """`<kind>.<key>` of its dataset."""
        return f"dataset.view.{self.view.project}.{self.view.name}"

    def column(self, name: str) -> tuple[str, str] | None:
        """(item, column) that a field is: the view's own column, or the whole of a measure; None for no field."""
        found = self.measures.fields.find(name)
        if found is None or found[0].kind in {"filter", "parameter"}:
            return None
        if found[0].kind == "measure":
            return f"metric.{self.view.project}.{self.view.name}.{found[0].name}", ""
        return self.reference, found[0].name


class Model:
    """What one model sees, as items."""

    def __init__(self, name: str, files: Sequence[File], projects: Mapping[str, Project], dialect: str) -> None:
        self.name = name
        self.world = World(files)
        self.files = files
        self._projects = projects
        self._dialect = dialect
        self._seen: dict[str, Seen | None] = {}
        self._relations = Relations(self.world, self._filled)

    def _filled(self, view: View, written: str) -> str:
        return self._projects[view.project].filled(written)

    def seen(self, name: str) -> Seen | None:
        """A view of the model; None when there is none of that name."""
        if name not in self._seen:
            view = self.world.view(name)
            self._seen[name] = None
            if view is not None:
                filled = self._projects[view.project].filled
                fields = Fields(view, _alias(view.name), filled)
                self._seen[name] = Seen(view, self._relations.of(view), Measures(fields))
        return self._seen[name]

    def field(self, explore: Explore, name: str) -> tuple[str, str] | None:
        """(item, column) that `alias.field` of an explore is; None when the explore has no such field."""
        alias, _, short = name.partition(".")
        view = explore.aliases().get(alias)
        seen = self.seen(view) if view else None
        return seen.column(short) if seen else None

    # --- views and measures ---------------------------------------------------------------------------------------

    def views(self, places: Mapping[tuple[str, str], Sequence[Mapping[str, str]]]) -> Iterator[Item]:
        """The dataset of each view that may be used, and its measures; `places` as `asked` gives them."""
        for name in self.world.views:
            seen = self.seen(name)
            if seen is None or seen.view.said.get("extension") == "required":
                continue
            yield self._view(seen)
            for field_ in seen.view.fields.values():
                if field_.kind == "measure":
                    yield self._measure(seen, field_, places.get((seen.view.project, seen.view.name), ()))

    def _view(self, seen: Seen) -> Item:
        view, dialect = seen.view, self._spoken(seen)
        made = {
            name: seen.measures.fields.field(name, seen.measures.of)
            for name, field_ in view.fields.items()
            if field_.kind in {"dimension", "dimension_group"}
        }
        alias = seen.measures.fields.alias
        outputs = {n: e.sql for n, e in made.items() if not e.others and parses(_alone(e.sql, alias), dialect)}
        common: dict[str, Any] = {
            "kind": "dataset",
            "key": f"view.{view.project}.{view.name}",
            "name": f"{view.name}.view",
            "title": view.said.get("label") or "",
            "description": view.said.get("description", ""),
            "path": view.shown,
            "file": view.shown,
            "line": view.line,
            "dialect": dialect,
        }
        others = tuple(filter(None, (self._reference(name) for name in seen.relation.reads)))
        if seen.relation.explore:
            return self._native(seen, common, outputs)
        sql = _over(seen, outputs, dialect)
        tables = seen.relation.tables[1:] if sql else seen.relation.tables
        return Item(**common, reads=others, tables=tuple(name.translate(_QUOTES) for name in tables), sql=sql)

    def _native(self, seen: Seen, common: Mapping[str, Any], outputs: Mapping[str, str]) -> Item:
        """A view derived from an explore: its columns are fields of that one."""
        explore = self.world.explore(seen.relation.explore)
        body = next((s[3] or [] for s in seen.view.derived or () if s[0] == "explore_source"), [])
        if explore is None:
            return Item(**common, reads=(f"dataset.explore.{self.name}.{seen.relation.explore}",))
        columns: dict[str, tuple[str, str] | None] = {}
        for key, name, _, inner in body:
            if key == "column":
                said = next((s[1] for s in inner or () if s[0] == "field"), "")
                columns[str(name).lower()] = self.field(explore, str(said) or f"{explore.base[0]}.{name}")
        filtered = [str(pair[0]) for key, _, _, inner in body if key == "filters" for pair in inner or ()]
        rows = tuple(filter(None, (self.field(explore, name) for name in filtered)))
        traced = {}
        for name, sql in outputs.items():
            found = (columns.get(column) for column in column_names(sql, str(common["dialect"])))
            traced[name] = tuple(dict.fromkeys(filter(None, found)))
        ends = dict.fromkeys((*(end for pairs in traced.values() for end, _ in pairs), *(end for end, _ in rows)))
        reads = dict.fromkeys((f"dataset.explore.{self.name}.{explore.name}", *ends))
        reads.pop(f"dataset.{common['key']}", None)
        return Item(**common, reads=tuple(reads), traced=traced, traced_rows=rows)

    def _measure(self, seen: Seen, measure: Field, places: Sequence[Mapping[str, str]]) -> Item:
        view, dialect = seen.view, self._spoken(seen)
        made = seen.measures.of(measure)
        alone = _alone(made.sql, seen.measures.fields.alias)
        good = parses(alone, dialect)
        others = [seen_.column(name) for alias, name in made.others if (seen_ := self.seen(alias)) is not None]
        pairs = tuple(dict.fromkeys(filter(None, others)))
        reads = tuple(dict.fromkeys((seen.reference, *(end for end, _ in pairs))))
        name = f"{view.name}.{measure.name}"
        own = f"metric.{view.project}.{name}"
        whole = not made.others and good and not seen.relation.explore
        return Item(
            kind="metric",
            key=f"{view.project}.{name}",
            name=name,
            title=measure.text("label"),
            description=measure.text("description"),
            reads=tuple(end for end in reads if end != own),
            sql=_over(seen, {measure.name: made.sql}, dialect) if whole else "",
            dialect=dialect,
            computed={measure.name: alone if whole else made.sql} if good and not pairs else {},
            traced={measure.name: pairs} if pairs else {},
            tags=_tags(measure),
            path=measure.shown,
            file=measure.shown,
            line=measure.line,
            meta={
                "sql": seen.measures.spec(measure, seen.relation, self._dialect),
                "looker": {"view": view.name, "measure": measure.name, "explores": list(places)},
            },
        )

    def _reference(self, view: str) -> str:
        seen = self.seen(view)
        return seen.reference if seen and seen.view.said.get("extension") != "required" else ""

    def _spoken(self, seen: Seen) -> str:
        """The dialect, as the options say it; where they do not, backticks are BigQuery's."""
        ticked = "`" in "".join(seen.relation.tables) or "`" in seen.relation.query
        return self._dialect or ("bigquery" if ticked else "")

    # --- explores -------------------------------------------------------------------------------------------------

    def explores(self) -> Iterator[Item]:
        """The dataset of each explore that may be used, with the fields of the views that it joins."""
        for name in self.world.explores:
            explore = self.world.explore(name)
            if explore is not None and explore.said.get("extension") != "required":
                yield self._explore(explore)

    def _explore(self, explore: Explore) -> Item:
        aliases = explore.aliases()
        traced: dict[str, tuple[tuple[str, str], ...]] = {}
        for alias, view in aliases.items():
            seen = self.seen(view)
            for field_ in seen.view.fields.values() if seen else ():
                if seen and field_.kind in {"dimension", "dimension_group"}:
                    traced[f"{alias}.{field_.name}"] = ((seen.reference, field_.name),)
        written = [text for join in explore.joins.values() for text in join.conditions]
        named = [f"{a}.{f}" for text in (*written, *explore.conditions) for a, f in _REFERENCE.findall(text)]
        rows = filter(None, (self.field(explore, name) for name in (*named, *explore.filtered)))
        return Item(
            kind="dataset",
            key=f"explore.{self.name}.{explore.name}",
            name=f"{self.name}/{explore.name}",
            title=explore.said.get("label", ""),
            description=explore.said.get("description", ""),
            reads=tuple(dict.fromkeys(filter(None, (self._reference(view) for view in aliases.values())))),
            traced=traced,
            traced_rows=tuple(dict.fromkeys(end for end in rows if end[0].startswith("dataset."))),
            path=explore.shown,
            file=explore.shown,
            line=explore.line,
        )

    def missing_joins(self) -> Iterator[tuple[str, str, int]]:
        """(file, view, line) of the views that explores begin with or join and that the model does not include."""
        for name in self.world.explores:
            explore = self.world.explore(name)
            for view in dict.fromkeys(explore.aliases().values()) if explore else ():
                if explore and explore.said.get("extension") != "required" and self.seen(view) is None:
                    yield explore.shown, view, explore.line


def asked(models: Iterable[Model]) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Where Looker can be asked for the measures of a view, by (project, view).

    These are the explores that start from it, or else those that join it; `view` is what it is called there.
    """
    starting: dict[tuple[str, str], list[dict[str, str]]] = {}
    joining: dict[tuple[str, str], list[dict[str, str]]] = {}
    for model in models:
        for name in model.world.explores if model.name else ():
            explore = model.world.explore(name)
            if explore is None or explore.said.get("extension") == "required":
                continue
            for alias, source in explore.aliases().items():
                view = model.world.view(source)
                if view is not None:
                    found = starting if alias == explore.base[0] else joining
                    place = {"model": model.name, "explore": name, "view": alias}
                    found.setdefault((view.project, view.name), []).append(place)
    return {**joining, **starting}


def _over(seen: Seen, outputs: Mapping[str, str], dialect: str) -> str:
    """A query over what a view reads that has the outputs as its columns; '' where that is not known."""
    relation = seen.relation
    if not outputs or not (relation.query or relation.tables):
        return relation.query
    source = f"(\n{relation.query}\n)" if relation.query else relation.tables[0]
    # it is parsed to find what it reads, and never run
    listed = ",\n".join(f"{sql}\n AS {_quoted(name, dialect)}" for name, sql in outputs.items())
    return f"SELECT {listed}\nFROM {source} AS {seen.measures.fields.alias}"


@lru_cache(maxsize=65_536)
def _quoted(name: str, dialect: str) -> str:
    from sqlglot import exp

    return str(exp.to_identifier(name, quoted=True).sql(dialect=dialect or None))


@lru_cache(maxsize=4096)
def _alias(name: str) -> str:
    """The name of a view as an alias of its table; another one where the name is a word of SQL."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) and parses(f"{name}.x", "") else _PLAIN_ALIAS


def _alone(sql: str, alias: str) -> str:
    """An expression over one view without the view's name: what alike views say alike is parsed once."""
    return re.sub(rf"(?<![\w.$@]){re.escape(alias)}\.(?=[A-Za-z_])", "t.", sql)


@lru_cache(maxsize=65_536)
def parses(sql: str, dialect: str) -> bool:
    """Whether a text is one SQL expression."""
    return _tree(sql, dialect) is not None


def column_names(sql: str, dialect: str) -> list[str]:
    """Names of the columns that an expression reads, lower case, in order."""
    from sqlglot import exp

    tree = _tree(sql, dialect)
    return [] if tree is None else list(dict.fromkeys(c.name.lower() for c in tree.find_all(exp.Column)))


def _tree(sql: str, dialect: str) -> Any:
    return None if "${" in sql or "@{" in sql else selected(sql, dialect)


def _tags(measure: Field) -> tuple[str, ...]:
    found = measure.said.get("tags")
    return tuple(str(tag) for tag in found) if isinstance(found, list) else ()


# --- Dashboards ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Boards:
    """The dashboards of all projects."""

    models: Mapping[str, Model]
    unknown: list[tuple[str, str, int]] = field(default_factory=list)
    """(file, what, line) of explores and fields that elements name and that are not there."""

    def items(self, files: Iterable[File]) -> Iterator[Item]:
        """Each dashboard with its elements before it."""
        boards = {(file.project, board.name): (file, board) for file in files for board in file.boards}
        for (project, name), (file, board) in boards.items():
            elements = list(self._elements(board, lambda base, p=project: boards.get((p, base), (None, None))[1], {}))  # type: ignore[misc]
            keys = []
            taken: dict[str, int] = {}
            for number, element in enumerate(elements, 1):
                if not element.queries:
                    continue  # a text or a button
                known = element.name or element.title or str(number)
                taken[known] = taken.get(known, 0) + 1
                unique = known if taken[known] == 1 else f"{known}.{taken[known]}"
                chart = self._chart(f"{project}.{name}.{' '.join(unique.split())}", element, file, board)
                keys.append(chart.reference)
                yield chart
            yield Item(
                kind="dashboard",
                key=f"{project}.{name}",
                name=name,
                title=board.title,
                description=board.description,
                reads=tuple(keys),
                path=file.shown,
                file=file.shown,
                line=board.line,
            )

    def _elements(
        self, board: Board, known: Callable[[str], Board | None], above: dict[str, None]
    ) -> Iterator[Element]:
        """Its own elements and those of the dashboards that it extends; its own go before others of the same name."""
        own = {element.name for element in board.elements if element.name}
        above[board.name] = None
        for base in board.extends:
            found = known(base)
            if found is not None and base not in above:
                yield from (e for e in self._elements(found, known, above) if not e.name or e.name not in own)
        yield from board.elements

    def _chart(self, key: str, element: Element, file: File, board: Board) -> Item:
        traced: dict[str, tuple[tuple[str, str], ...]] = {}
        reads: dict[str, None] = {}
        rows: dict[tuple[str, str], None] = {}
        for query in element.queries:
            model = self._model(query)
            explore = model.world.explore(query.explore) if model else None
            if model is None or explore is None:
                self.unknown.append((file.shown, f"explore {query.model}/{query.explore}", element.line))
                continue
            reads[f"dataset.explore.{model.name}.{explore.name}"] = None
            for name in query.fields:
                end = self._end(model, explore, name)
                if end is None:
                    self.unknown.append((file.shown, f"field {name}", element.line))
                    continue
                reads[end[0]] = None
                traced[name] = (end,)
            rows.update(dict.fromkeys(filter(None, (self._end(model, explore, name) for name in query.filtered))))
            for end in rows:
                reads[end[0]] = None
        return Item(
            kind="chart",
            key=key,
            name=f"{board.name}: {element.title or element.name or key}",
            title=element.title,
            reads=tuple(reads),
            traced=traced,
            traced_rows=tuple(rows),
            path=file.shown,
            file=file.shown,
            line=element.line,
        )

    def _model(self, query: Query) -> Model | None:
        if query.model:
            return self.models.get(query.model)
        having = [model for model in self.models.values() if query.explore in model.world.explores]
        return having[0] if len(having) == 1 else None

    @staticmethod
    def _end(model: Model, explore: Explore, name: str) -> tuple[str, str] | None:
        """What a field of an element is: a measure, or a column of the explore."""
        found = model.field(explore, name)
        if found is None or found[0].startswith("metric."):
            return found
        return f"dataset.explore.{model.name}.{explore.name}", f"{name.partition('.')[0]}.{found[1]}"
