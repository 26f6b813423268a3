"""`headway export dbt`: one property file with the objectives, changed only where they changed.

Entries of ours are known by their mark in `config.meta.headway`. An entry that says what it should is left as it
stands, comments included; what people wrote into the same file is never touched. The file is written whole or not at
all.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.answer import plural
from headway.connectors.goals.connector import DEFAULT_PATH
from headway.errors import InputError, Place, UsageError
from headway.files import alone, content, rewrite
from headway.graph.copies import is_copy
from headway.project.dbt_files import DbtFiles
from headway.project.dbt_head import MARK, Head, head
from headway.project.yaml_block import block
from headway.project.yaml_edit import MOST_BYTES, Document
from headway.questions.goals import in_order

if TYPE_CHECKING:
    from headway.graph.graph import Graph
    from headway.project.workspace import Project

FILE = "headway_objectives.yml"
_BEGIN = """\
# The company's objectives, as `headway export dbt` writes them. Goals are changed where they live, not here.
version: 2
"""


@dataclass(frozen=True, slots=True)
class Export:
    """What the file is and what it will be."""

    file: str
    """Relative to the dbt project, with forward slashes."""
    path: Path
    root: Path
    """Folder of dbt_project.yml."""
    before: bytes | None
    after: bytes | None
    """None when nothing is left in it."""
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: int
    notes: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the file has to be written."""
        return self.before != self.after

    @property
    def summary(self) -> str:
        """What is new, as what was done, in one sentence."""
        return self._told("")

    @property
    def outlook(self) -> str:
        """What is new, as what is still to be done, in one sentence."""
        return self._told("to be ")

    def _told(self, before: str) -> str:
        words = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        parts = [f"{len(names):,} {before}{word}" for word, names in words if names]
        if self.same:
            parts.append(f"{self.same:,} as {'it was' if self.same == 1 else 'they were'}")
        return f"{self.file}: {', '.join(parts) or 'nothing to export'}."


def prepare(project: Project, *, output: str = "", figures: bool = True, metrics: bool = False) -> Export:
    """The export as it would be written, all in memory.

    `output` is relative to the dbt project; without it the file is where it was, or in the first of the model paths.
    Raises InputError when there is no manifest, or the file cannot be edited, and UsageError for an output that dbt
    would not read.
    """
    files = DbtFiles.of(project.config)
    folders = model_paths(files.root)
    known = _known(files, folders)
    file = (output or known or f"{folders[0]}/{FILE}").replace("\\", "/")
    path = files.inside(file)
    if path.suffix not in {".yml", ".yaml"} or not any(Path(file).is_relative_to(folder) for folder in folders):
        raise UsageError(f"dbt reads no property file {file!r}", hint=f"name a .yml file below {' or '.join(folders)}")
    if known and known != file and (files.root / known).is_file():
        hint = f"remove {known}, or leave out --output"
        raise InputError("objectives were exported to another file before", hint=hint, place=Place(known))
    graph = project.graph()
    config = project.config
    placed = config.goal_order or any(source.connector == "goals" for source in config.sources)
    if not placed and any(is_copy(graph.nodes[o]) for o in in_order(graph)):
        hint = "add where they come from to headway.yml, and run headway sync"
        problem = "the goals are known from this file alone, and stay in it as they are"
        raise InputError(problem, hint=hint, place=Place(file))
    made = head(graph, files, url=project.config.serve.url, figures=figures, metrics=metrics)
    _refuse_twice(files, made, file)
    before = content(path, file)
    merged = _merged(made, file, files.root, before)
    none = () if in_order(graph) else ("no objectives are known yet: headway init writes a starter goals.yml",)
    return replace(merged, notes=(*merged.notes, *none, *_not_synced(project, graph)))


def write(export: Export) -> None:
    """Make the file what it should be. Raises InputError when it changed meanwhile, ConfigError when it cannot be."""
    if export.differs:
        with alone(export.root):
            rewrite(export.path, export.before, export.after, export.file)


def _not_synced(project: Project, graph: Graph) -> Iterator[str]:
    """Says which files of goals were saved after the last sync, since what the store has is what is exported."""
    if graph.synced_at is None:
        return
    options = next((s.options for s in project.config.sources if s.connector == "goals"), None)
    if options is None:
        return
    path = Path(project.config.root, str(options.get("path") or DEFAULT_PATH))
    files = [path, *path.rglob("*.y*ml")] if path.is_dir() else [path]
    if any(f.is_file() and f.stat().st_mtime > graph.synced_at.timestamp() for f in files):
        yield f"{path.name} was saved after the last sync, and what it says now is not exported: headway sync reads it"


def model_paths(root: Path) -> list[str]:
    """Folders that dbt reads models and property files from, as dbt_project.yml has them."""
    told = _loaded(content(root / "dbt_project.yml", "dbt_project.yml") or b"", "dbt_project.yml")
    said = told.get("model-paths") or told.get("source-paths") or ["models"]
    names = [str(name).strip("/") for name in (said if isinstance(said, list) else [said])]
    return [name for name in names if name and "{" not in name] or ["models"]


def _merged(made: Head, file: str, root: Path, before: bytes | None) -> Export:
    document = Document(_BEGIN.encode() if before is None or not before.strip() else before, file)
    there = _loaded(document.data, file)
    added, changed, removed, same = [], [], [], 0
    for section, wanted in made.sections.items():
        known = {str(item.get("name")): item for item in _items(there, section)}
        names = {item["name"] for item in wanted}
        for name, item in known.items():
            if name not in names and _ours(item):
                document.remove((section, "name", name))
                removed.append(name)
        fresh = []
        for item in wanted:
            text, old = block(item), known.get(item["name"])
            if old is None:
                added.append(item["name"])
            elif not _ours(old):
                hint = "rename that one, or remove it"
                raise InputError(f"{item['name']} is there, and is not ours", hint=hint, place=Place(file))
            elif old == _loaded(text.encode(), file):
                same += 1
                continue
            else:
                changed.append(item["name"])
            fresh.append(text)
        if fresh:
            document.put(section, "name", *fresh)
    after = None if document.empty else document.data
    if not (added or changed or removed):
        after = before
    return Export(
        file, root / file, root, before, after, tuple(added), tuple(changed), tuple(removed), same, made.notes
    )


def _ours(item: Mapping[str, Any]) -> bool:
    found: Any = item
    for key in ("config", "meta", "headway"):
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict) and bool(found.get(MARK))


def _known(files: DbtFiles, folders: Sequence[str]) -> str:
    """The file that has exported objectives; where none has, the one that the manifest has them in."""
    found = sorted({*_with_ours(files.root, folders)})
    found = found or sorted({r.original_file_path.replace("\\", "/") for r in _exported(files)})
    if len(found) > 1:
        hint = "remove all but one of the files, and run dbt parse"
        raise InputError(f"objectives were exported to {plural(len(found), 'file')}: {', '.join(found)}", hint=hint)
    return found[0] if found else ""


def _with_ours(root: Path, folders: Sequence[str]) -> Iterator[str]:
    """Property files with entries of ours, whatever dbt has parsed yet. One that is no YAML has none that is known."""
    for path in (path for folder in folders for path in sorted((root / folder).rglob("*.y*ml"))):
        file = path.relative_to(root).as_posix()
        data = content(path, file) if path.is_file() and path.suffix in {".yml", ".yaml"} else None
        if data is None or len(data) > MOST_BYTES or b"headway" not in data or MARK.encode() not in data:
            continue
        try:
            there = _loaded(data, file)
        except InputError:
            continue
        if any(_ours(item) for section in ("exposures", "metrics") for item in _items(there, section)):
            yield file


def _exported(files: DbtFiles) -> Iterator[Any]:
    for resource in files.resources.values():
        if resource.resource_type == "exposure" and resource.package_name == files.name and resource.exported:
            yield resource


def _refuse_twice(files: DbtFiles, made: Head, file: str) -> None:
    """dbt takes no name twice: what is to be exported may not be declared in another file."""
    names = {(section[:-1], item["name"]) for section, items in made.sections.items() for item in items}
    for resource in files.resources.values():
        where = resource.original_file_path.replace("\\", "/")
        if (resource.resource_type, resource.name) in names and where != file and resource.package_name == files.name:
            if not (files.root / where).is_file():
                continue  # the manifest is older than the move
            hint = f"export into that file with --output {where}, or remove it"
            raise InputError(f"{resource.name} is declared there already", hint=hint, place=Place(where))


def _items(there: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    found = there.get(section)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _loaded(data: bytes, file: str) -> dict[str, Any]:
    """What a YAML file says; nothing for one that says nothing. Raises InputError."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(data) > MOST_BYTES:
        raise InputError(f"is {len(data):,} bytes; at most {MOST_BYTES:,} are read", place=Place(file))
    try:
        found = YAML(typ="safe", pure=True).load(io.BytesIO(data))
    except (YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"this is not valid YAML: {' '.join(str(error).split())[:160]}", place=Place(file)) from None
    return found if isinstance(found, dict) else {}
