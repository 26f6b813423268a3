"""The lookml connector: the repository of a Looker project in, what its content reads out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import content
from headway.connectors.content import Item
from headway.connectors.lookml.files import File, Project, included, walk
from headway.connectors.lookml.items import Boards, Model, asked
from headway.connectors.lookml.reading import Worker
from headway.connectors.lookml.views import World
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, Place
from headway.graph.model import AnyRecord, Gap, Origin

TOOL = "lookml"
_MOST_EXAMPLES = 3
_HINT = "name the folder of the LookML project, as in `path: looker`"


class Lookml:
    """Reads LookML from files: views, explores, measures and dashboards, and the tables below them."""

    name: ClassVar[str] = "lookml"
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, None, "Folder of the LookML project, or a single file.", required=True),
        Option("project", str, "", "Name of the project; empty: what its manifest.lkml says, or the folder's name."),
        Option("projects", dict, {}, "Folders of the projects that it imports, by name: what `//name/` stands for."),
        Option("constants", dict, {}, "Values of constants, by name; they go before those of manifest.lkml."),
        Option("dialect", str, "", "sqlglot's name of the SQL in it, such as snowflake; empty: standard SQL."),
        Option("dashboards", bool, True, "Read its dashboards; false where the looker source reads them."),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = options
        self._context = context
        self._gaps: list[Gap] = []

    def records(self) -> Iterator[AnyRecord]:
        """Datasets of views and explores, metrics of measures, dashboards with their elements, and what they read.

        A file that cannot be read is a gap with its line and the reason; everything else is still read. Raises
        InputError when there is nothing to be read at all, ConfigError for an option that cannot be, MissingExtra
        without the parser.
        """
        self._gaps = []
        projects, files = self._projects()
        dialect = self._dialect()
        models = self._models(projects, files, dialect)
        boards = Boards({name: model for name, model in models.items() if name})
        items: dict[str, Item] = {}
        places = asked(models.values())
        for model in models.values():
            for item in model.views(places):
                items.setdefault(item.reference, item)
        for model in models.values():
            for item in model.explores() if model.name else ():
                items.setdefault(item.reference, item)
        if self._option("dashboards", bool, True):
            for item in boards.items(files):
                items.setdefault(item.reference, item)
        if not items and not self._gaps:
            raise InputError("holds no view, explore or dashboard", place=Place(files[0].shown), hint=_HINT)
        self._say_what_is_missing(models, boards)
        yield from content.records(TOOL, self.name, list(items.values()))
        yield from self._gaps

    # --- files ----------------------------------------------------------------------------------------------------

    def _projects(self) -> tuple[dict[str, Project], list[File]]:
        """The projects by name, and all files that could be read, in order."""
        path = self._option("path", str, "")
        if not path:
            raise ConfigError("the lookml source needs a path", hint=_HINT)
        main = Project("")
        imported = {str(n): Project(str(n)) for n in self._texts("projects")}
        with Worker() as worker:
            self._read(worker, main, path)
            for name, folder in self._texts("projects").items():
                self._read(worker, imported[name], folder)
        self._settle(main, path, imported)
        projects = {**imported, main.name: main}
        return projects, [file for project in (main, *imported.values()) for file in project.files.values()]

    def _settle(self, main: Project, path: str, imported: Mapping[str, Project]) -> None:
        stem = Path(path).name
        main.name = self._option("project", str, "") or main.named() or ("lookml" if "." in stem else stem) or "lookml"
        for file in main.files.values():
            file.project = main.name
        main.constants.update(self._texts("constants"))
        main.settle()
        for name, project in imported.items():
            project.constants.update(self._texts("constants"))
            project.constants.update(main.overridden.get(name, {}))
            project.settle()

    def _read(self, worker: Worker, project: Project, path: str) -> None:
        """Parse every file of a project. Raises InputError when none of them can be read."""
        folder = Path(self._context.root, path)
        single = self._single(folder, path)
        found = [(folder, folder.name)] if single else walk(folder, path)
        if not found:
            raise InputError("holds no files of LookML", place=Place(path), hint=_HINT)
        problems = 0
        first: Gap | None = None
        for done, (file, inside) in enumerate(found):
            self._context.progress("reading LookML", done, len(found))
            shown = path if single else f"{path.rstrip('/')}/{inside}"
            gap: Gap | None = None
            if inside.endswith(".lookml") and not inside.endswith(".dashboard.lookml"):
                gap = _unread("it is in the old YAML form of LookML, which is not read", shown)
            else:
                parsed = worker.parse(file)
                project.files[inside] = File(project.name, inside, shown, parsed.statements, parsed.boards)
                gap = _unread(parsed.problem, shown, parsed.line) if parsed.problem else None
            if gap is not None:
                problems += 1
                first = first or gap
                self._gaps.append(gap)
        if first is not None and problems == len(found):
            some = "" if problems == 1 else f"not one of its {problems:,} files could be read: "
            raise InputError(f"{some}{first.message}", place=None if problems == 1 else Place(path))

    def _single(self, path: Path, shown: str) -> bool:
        """Whether the path is one file. Raises InputError when nothing is there."""
        try:
            if not path.exists() and not path.is_symlink():
                raise InputError("there is no such folder or file", place=Place(shown), hint=_HINT)
            return not path.is_dir()
        except (OSError, ValueError):
            raise InputError("this is not a possible path", place=Place(shown[:200])) from None

    # --- models ---------------------------------------------------------------------------------------------------

    def _models(self, projects: Mapping[str, Project], files: Sequence[File], dialect: str) -> dict[str, Model]:
        """The models by name, and under '' what none of them includes."""
        lost: dict[tuple[str, str], tuple[str, int]] = {}

        def missing(file: File, pattern: str, line: int) -> None:
            lost.setdefault((file.shown, pattern), (file.shown, line))

        models: dict[str, Model] = {}
        reached: set[tuple[str, str]] = set()
        for file in files:
            if file.model and file.model not in models:
                seen = included(file, projects, missing)
                reached.update((one.project, one.path) for one in seen)
                models[file.model] = Model(file.model, seen, projects, dialect)
        rest = [file for file in files if (file.project, file.path) not in reached]
        if World(rest).views:
            models[""] = Model("", files, projects, dialect)
        self._count("includes that lead to nothing", [(f, p, at[1]) for (f, p), at in lost.items()])
        explores = [(f.shown, str(s[1]), s[2]) for f in rest for s in f.said("explore")]
        self._count("explores in files that no model includes", explores)
        return models

    def _say_what_is_missing(self, models: Mapping[str, Model], boards: Boards) -> None:
        worlds = [model.world for name, model in models.items() if name or len(models) == 1]
        self._count("views and explores that extend themselves", _distinct(w.circles for w in worlds))
        self._count("extended or refined things that are not there", _distinct(w.unknown for w in worlds))
        twice = ([(b.shown, f"{b.name} (also in {a.shown})", b.line) for a, b in w.twice] for w in worlds)
        self._count("views that are defined twice, of which the first counts", _distinct(twice))
        joins = (list(model.missing_joins()) for name, model in models.items() if name)
        self._count("views that explores name and no file of the model has", _distinct(joins))
        self._count("explores and fields that dashboards name and no file has", _distinct([boards.unknown]))

    def _count(self, what: str, found: Sequence[tuple[str, str, int]]) -> None:
        """One gap for all things of a sort, with a few as examples."""
        if not found:
            return
        some = ", ".join(f"{name[:80]} ({file}:{line})" for file, name, line in found[:_MOST_EXAMPLES])
        self._gaps.append(_gap(f"{what}, {len(found):,} in all: {some}", found[0][0], found[0][2]))

    # --- options --------------------------------------------------------------------------------------------------

    def _option(self, name: str, kind: type, default: Any) -> Any:
        value = self._options.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            said = {str: "a text", bool: "true or false", dict: "a mapping"}[kind]
            raise ConfigError(f"option {name} of the lookml source is not {said}", hint=_HINT if name == "path" else "")
        return value

    def _texts(self, name: str) -> dict[str, str]:
        found = self._option(name, dict, {})
        if not all(isinstance(k, str) and isinstance(v, str | int) for k, v in found.items()):
            raise ConfigError(f"option {name} of the lookml source is not a mapping of names to texts")
        return {k: str(v) for k, v in found.items()}

    def _dialect(self) -> str:
        dialect = str(self._option("dialect", str, ""))
        from sqlglot.dialects.dialect import Dialect

        try:
            Dialect.get_or_raise(dialect or None)
        except ValueError:
            raise ConfigError(
                f"option dialect of the lookml source: there is no dialect {dialect[:40]!r}", hint="such as snowflake"
            ) from None
        return dialect


def _distinct(lists: Any) -> list[tuple[str, str, int]]:
    return list(dict.fromkeys(one for found in lists for one in found))


def _unread(problem: str, shown: str, line: int = 0) -> Gap:
    return _gap(f"{Place(shown, line)} could not be read: {problem}", shown, line)


def _gap(message: str, shown: str, line: int = 0) -> Gap:
    return Gap(topic=TOOL, message=message, origin=Origin(connector=TOOL, file=shown, line=line))
