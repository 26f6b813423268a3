"""What each stage of a retirement changes in a dbt project, and the DROP statements that follow the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Literal

from headway.errors import InputError, Place, UsageError
from headway.project.dbt_files import SECTIONS, DbtFiles, Resource
from headway.project.dbt_nested import ONLY_SEMANTIC, SEMANTIC, model_step, owner, semantic_name
from headway.project.journal import Change
from headway.project.yaml_edit import Document

Stage = Literal["announced", "deprecated", "disabled", "dropped"]
STAGES: tuple[Stage, ...] = ("announced", "deprecated", "disabled", "dropped")

_ENABLED = re.compile(r"config\s*\((?:[^()]|\([^()]*\))*\benabled\s*=", re.DOTALL)
_RELATION = re.compile(r'(?:(?:"[^"\n\r;]+"|`[^`\n\r;]+`|[A-Za-z_][\w$]*)\.?)+')
_VIEWS = frozenset({"view"})
_TABLES = frozenset({"table", "incremental", "seed", "snapshot"})
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes of files, and what is to be said about them."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def edits(files: DbtFiles, resources: Sequence[Resource], stage: Stage, day: date) -> Edits:
    """What a stage changes in the files of a dbt project: nothing for `announced`.

    Raises InputError for a file that cannot be edited, and UsageError for a resource that cannot go by itself.
    """
    work = _Work(files, frozenset(r.unique_id for r in resources))
    for resource in resources:
        if stage == "deprecated":
            work.deprecate(resource, day)
        elif stage == "disabled":
            work.disable(resource)
        elif stage == "dropped":
            work.drop(resource)
    if stage == "dropped":
        work.drop_tests()
    return Edits(work.changes(), tuple(work.notes))


class _Work:
    """The files of a project as they will be."""

    def __init__(self, files: DbtFiles, going: frozenset[str]) -> None:
        self._files = files
        self._going = going
        self._before: dict[str, bytes | None] = {}
        self._documents: dict[str, Document] = {}
        self._fresh: dict[str, bytes] = {}
        self._gone: set[str] = set()
        self.notes: list[str] = []

    def deprecate(self, resource: Resource, day: date) -> None:
        """Give a model its date; dbt knows none for anything else."""
        if resource.resource_type != "model":
            return
        properties = self._properties(resource)
        if not properties:
            self._declare(resource, f"    deprecation_date: {day}\n")
            return
        document = self._document(properties)
        known = document.value("deprecation_date", *resource.steps)
        if known is None:
            document.set("deprecation_date", day.isoformat(), *resource.steps)
        elif known[:10] != day.isoformat():
            self.notes.append(f"{resource.name} keeps the deprecation date it has, {known}")

    def disable(self, resource: Resource) -> None:
        """Switch a resource off where it is declared."""
        self._latest_stays(resource)
        if resource.code.endswith((".sql", ".py")):
            text = self._read(resource.code) or b""
            if _ENABLED.search(text.decode("utf-8", "replace")):
                hint = "remove it there: what the file itself says wins over its properties"
                raise InputError(f"{resource.name} sets enabled in its own config()", hint=hint, place=_at(resource))
        properties = self._properties(resource)
        if not properties:
            self._declare(resource, "    config: {enabled: false}\n")
            return
        document = self._document(properties)
        model = owner(document, resource)
        if not model and not self._made_by_a_measure(document, resource):
            document.disable(*resource.steps)
        elif not model:
            return  # dbt switches it off with its semantic model
        elif resource.resource_type == SEMANTIC:
            _switch_off(document, model)
        elif not self._goes(document, model):
            document.disable(model_step(model), ("metrics", "name", resource.name))

    def drop(self, resource: Resource) -> None:
        """Take a resource out of its property file and remove its code."""
        self._latest_stays(resource)
        properties = self._properties(resource)
        if properties:
            self._take_out(self._document(properties), resource)
        if resource.code:
            others = [r.name for r in self._files.in_file(resource.code) if r.unique_id not in self._going]
            if others:
                hint = "move it to a file of its own first"
                message = f"{resource.name} shares its file with {', '.join(sorted(others)[:3])}"
                raise InputError(message, hint=hint, place=_at(resource))
            self._remove(resource.code)

    def _take_out(self, document: Document, resource: Resource) -> None:
        """Remove what is declared of a resource, wherever in the file that is."""
        model = owner(document, resource)
        if not model:
            # What neither manifest nor file says any more went with its model, or somebody took it out.
            known = resource.unique_id in self._files.resources or document.has(*resource.steps)
            if known and not self._made_by_a_measure(document, resource):
                document.remove(*resource.steps)
        elif self._model_goes(resource.package_name, model):
            return  # it goes with all that the file says of the model
        elif resource.resource_type == "metric":
            document.remove(model_step(model), ("metrics", "name", resource.name), alone=True)
        else:
            keys = document.keys(model_step(model))
            for key in (SEMANTIC, *(key for key in ONLY_SEMANTIC if key in keys)):
                document.remove_key(key, model_step(model))
            self.notes.append(f"columns of {model} keep what they say as entities and dimensions: no one reads it now")

    def _made_by_a_measure(self, document: Document, resource: Resource) -> bool:
        """Whether a metric is a measure of a semantic model that goes. Raises InputError when that one stays."""
        if resource.resource_type != "metric" or document.has(*resource.steps):
            return False
        below = document.under("semantic_models", "measures")
        made = next((name for name, measures in below.items() if resource.name in measures), "")
        if made and f"semantic_model.{self._files.name}.{made}" not in self._going:
            message = f"the metric {resource.name} is made of a measure of the semantic model {made}, which stays"
            raise InputError(message, hint="take create_metric out of that measure", place=_at(resource))
        return bool(made)

    def _goes(self, document: Document, model: str) -> bool:
        """Whether the semantic model that a model declares goes, and with it every metric declared there."""
        name = semantic_name(document, model)
        return bool(name) and f"semantic_model.{self._files.name}.{name}" in self._going

    def _model_goes(self, package: str, model: str) -> bool:
        """Whether a model goes with all of its versions."""
        plain = f"model.{package}.{model}"
        uids = {u for u in self._files.resources if u == plain or u.startswith(f"{plain}.")}
        return bool(uids) and uids <= self._going

    def drop_tests(self) -> None:
        """Remove the tests that go with what goes: files of their own, and unit tests in property files."""
        for test in self._files.tests:
            if test.package_name != self._files.name or not self._files.goes_with(test, self._going):
                continue
            if test.resource_type == "unit_test":
                document = self._document(test.original_file_path)
                if document.has(*test.steps):
                    document.remove(*test.steps)
            elif not test.attached_node and test.code.endswith(".sql"):
                self._remove(test.code)

    def changes(self) -> tuple[Change, ...]:
        """Every file that differs, in the order of their paths."""
        found = []
        for path, before in sorted(self._before.items()):
            document = self._documents.get(path)
            after: bytes | None = before
            if path in self._gone or (document is not None and document.empty and document.data != before):
                after = None
            elif document is not None:
                after = document.data
            elif path in self._fresh:
                after = self._fresh[path]
            if after != before:
                found.append(Change(path, before, after))
        return tuple(found)

    # ------------------------------------------------------------------ files

    def _properties(self, resource: Resource) -> str:
        """The property file of a resource: the manifest's, or one that an earlier stage wrote since."""
        if resource.properties:
            return resource.properties
        own = _own_file(resource)
        return own if self._read(own) is not None else ""

    def _declare(self, resource: Resource, lines: str) -> None:
        """Write a property file for a resource that has none."""
        if not _PLAIN_NAME.fullmatch(resource.name):
            raise InputError(f"the name {resource.name!r} is none that is written into a file", place=_at(resource))
        text = f"version: 2\n\n{SECTIONS[resource.resource_type]}:\n  - name: {resource.name}\n{lines}"
        self._fresh[_own_file(resource)] = text.encode("utf-8")

    def _document(self, path: str) -> Document:
        if path not in self._documents:
            data = self._read(path)
            if data is None:
                raise InputError(
                    "there is no such file", hint="dbt parse brings the manifest up to date", place=Place(path)
                )
            self._documents[path] = Document(data, path)
        return self._documents[path]

    def _remove(self, path: str) -> None:
        if self._read(path) is not None:
            self._gone.add(path)

    def _read(self, path: str) -> bytes | None:
        if path not in self._before:
            full = self._files.inside(path)
            if full.exists() and not full.is_file():
                raise InputError("is not a regular file", place=Place(path))
            try:
                self._before[path] = full.read_bytes()
            except FileNotFoundError:
                self._before[path] = None
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}", place=Place(path)) from None
        return self._before[path]

    def _latest_stays(self, resource: Resource) -> None:
        """Refuse to take the version away that references without a version mean, while others stay."""
        if resource.version is None or str(resource.version) != str(resource.latest_version):
            return
        prefix = resource.unique_id.rpartition(".")[0]
        others = [
            uid
            for uid, r in self._files.resources.items()
            if uid.rpartition(".")[0] == prefix and r.version is not None and uid not in self._going
            and uid not in self._files.off
        ]  # fmt: skip
        if others:
            message = f"version {resource.version} of {resource.name} is the one that references mean, and others stay"
            raise UsageError(message, hint="set latest_version to one that stays first")


def _switch_off(document: Document, model: str) -> None:
    """Switch off the semantic model that a model declares; dbt then reads none of the metrics declared there."""
    step = model_step(model)
    if document.value(SEMANTIC, step) is not None:
        document.set(SEMANTIC, "false", step)
    else:
        document.set("enabled", "false", step, into=(SEMANTIC,))


def _own_file(resource: Resource) -> str:
    return str(PurePosixPath(resource.original_file_path).parent / f"_retired_{resource.name}.yml")


def _at(resource: Resource) -> Place:
    return Place(resource.original_file_path)


def statements(resources: Sequence[Resource]) -> Iterator[str]:
    """SQL that takes the tables and views of what goes out of the warehouse, what is downstream first.

    For people to read and run; what is not dbt's own, or cannot be named safely, is a comment.
    """
    for resource in resources:
        kind = (resource.config.materialized if resource.config else "") or resource.resource_type
        relation = resource.relation_name or ""
        if not relation or resource.resource_type not in {"model", "seed", "snapshot", "source"}:
            continue
        if not _RELATION.fullmatch(relation):
            yield f"-- {_comment(resource.name)}: its name cannot be written safely"
        elif resource.resource_type == "source":
            yield f"-- {_comment(relation)} is loaded by something else: stop that first"
        elif resource.resource_type == "snapshot":
            yield f"-- {_comment(relation)} is a snapshot: its history cannot be built again"
            yield f"-- drop table if exists {relation};"
        elif kind in _VIEWS:
            yield f"drop view if exists {relation};"
        elif kind == "materialized_view":
            yield f"drop materialized view if exists {relation};"
        elif kind in _TABLES:
            yield f"drop table if exists {relation};"
        else:
            yield f"-- {_comment(relation)} is materialized as {_comment(kind)}: drop it by hand"


def _comment(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
