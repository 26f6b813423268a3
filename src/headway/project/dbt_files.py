"""Which files of a dbt project declare what: read from the manifest, for those who want to change them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from headway.connectors.artifact import read
from headway.errors import ConfigError, InputError, Place
from headway.project.yaml_edit import Document

if TYPE_CHECKING:
    from headway.config import Config
    from headway.project.yaml_edit import Step

SECTIONS: Mapping[str, str] = {
    "model": "models",
    "seed": "seeds",
    "snapshot": "snapshots",
    "source": "sources",
    "exposure": "exposures",
    "metric": "metrics",
    "semantic_model": "semantic_models",
    "saved_query": "saved_queries",
    "unit_test": "unit_tests",
}
"""Resource type -> the list of a property file that declares it."""
_TESTS = frozenset({"test", "unit_test"})


class _Part(msgspec.Struct, gc=False, kw_only=True):
    """Only what is named is read."""


class _Depends(_Part):
    nodes: list[str] = []
    macros: list[str] = []


class _Settings(_Part):
    materialized: str | None = None
    access: str | None = None
    meta: dict[str, Any] | None = None


class Resource(_Part):
    """What the manifest says of one resource; the same for all kinds."""

    unique_id: str
    name: str
    resource_type: str = ""
    package_name: str = ""
    original_file_path: str = ""
    patch_path: str | None = None
    version: Any = None
    latest_version: Any = None
    relation_name: str | None = None
    source_name: str | None = None
    attached_node: str | None = None
    model: str | None = None
    """Of a unit test: the model that it tests."""
    refs: list[Any] | None = None
    sources: list[Any] | None = None
    depends_on: _Depends | None = None
    config: _Settings | None = None
    doc_blocks: list[str] | None = None
    group: str | None = None
    access: str | None = None
    time_spine: Any = None

    @property
    def is_time_spine(self) -> bool:
        """Whether metrics are computed along its days, of which no `depends_on` speaks."""
        return bool(self.time_spine) or (self.resource_type == "model" and self.name == "metricflow_time_spine")

    @property
    def private(self) -> bool:
        """Whether only its own group may refer to it."""
        return "private" in {self.access, self.config.access if self.config else None}

    @property
    def exported(self) -> bool:
        """Whether `headway export dbt` wrote it."""
        said = (self.config.meta if self.config else None) or {}
        own = said.get("headway")
        return isinstance(own, dict) and bool(own.get("exported"))

    @property
    def reads(self) -> Sequence[str]:
        """Unique ids of what it depends on."""
        return self.depends_on.nodes if self.depends_on else ()

    @property
    def macros(self) -> Sequence[str]:
        """Unique ids of the macros it calls."""
        return self.depends_on.macros if self.depends_on else ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Where in its property file it is declared."""
        section = SECTIONS[self.resource_type]
        if self.resource_type == "source":
            return (section, "name", self.source_name or ""), ("tables", "name", self.name)
        if self.version is not None:
            return (section, "name", self.name), ("versions", "v", str(self.version))
        return ((section, "name", self.name),)

    @property
    def properties(self) -> str:
        """The property file that declares it; '' when it has none."""
        if self.resource_type in {"model", "seed", "snapshot"} and not _is_yaml(self.original_file_path):
            return (self.patch_path or "").partition("://")[2]
        return self.original_file_path

    @property
    def code(self) -> str:
        """The SQL, Python or CSV file that it is; '' when it stands in a property file only."""
        return "" if _is_yaml(self.original_file_path) else self.original_file_path


class _Metadata(_Part):
    project_name: str | None = None
    dbt_version: str | None = None


class _Manifest(_Part):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    nodes: dict[str, Resource] = {}
    sources: dict[str, Resource] = {}
    exposures: dict[str, Resource] = {}
    metrics: dict[str, Resource] = {}
    semantic_models: dict[str, Resource] = {}
    saved_queries: dict[str, Resource] = {}
    unit_tests: dict[str, Resource] = {}
    macros: dict[str, Resource] = {}
    docs: dict[str, Resource] = {}
    disabled: dict[str, list[Resource]] | None = None


def root_of(config: Config) -> Path:
    """The folder of dbt_project.yml, which takes no reading of the manifest. Raises ConfigError where there is none."""
    folders = (Path(config.root), Path(config.root, _manifest_of(config)).parent.parent)
    root = next((folder for folder in folders if (folder / "dbt_project.yml").is_file()), None)
    if root is None:
        raise ConfigError(f"there is no dbt_project.yml in {config.root}", hint="--project-dir names its folder")
    return root.resolve()


def _manifest_of(config: Config) -> str:
    """Where the manifest lies, as messages name it."""
    options = next((dict(s.options) for s in config.sources if s.connector == "dbt"), None)
    if options is None:
        raise ConfigError("this is about a dbt project, and dbt: false in headway.yml says that there is none")
    return str(options.get("manifest") or "") or f"{options.get('target') or 'target'}/manifest.json"


@dataclass(frozen=True)
class DbtFiles:
    """The files of a dbt project, as its manifest has them."""

    root: Path
    """Folder of dbt_project.yml."""
    name: str
    """The project's own package."""
    resources: Mapping[str, Resource]
    """Everything by unique id, tests included, what is switched off too."""
    off: AbstractSet[str]
    """Unique ids of what is switched off."""
    macros: Mapping[str, Resource]
    docs: Mapping[str, Resource]
    dbt_version: str = ""
    """Release that wrote the manifest."""

    @staticmethod
    def of(config: Config) -> DbtFiles:
        """The files of a project. Raises InputError for a manifest and ConfigError for a folder that cannot be used."""
        shown = _manifest_of(config)
        path = Path(config.root, shown)
        hint = "dbt parse writes it"
        data = read(path, shown, hint=hint)
        try:
            manifest = msgspec.json.decode(data, type=_Manifest, strict=False)
        except (msgspec.DecodeError, RecursionError) as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(f"this manifest cannot be used: {reason}", place=Place(shown), hint=hint) from None
        root = root_of(config)
        found: dict[str, Resource] = {}
        off = {uid: items[0] for uid, items in (manifest.disabled or {}).items() if items}
        sections = (manifest.sources, manifest.exposures, manifest.metrics, manifest.semantic_models)
        for section in (off, manifest.nodes, *sections, manifest.saved_queries, manifest.unit_tests):
            found.update(section)
        on = found.keys() - off.keys()
        return DbtFiles(
            root,
            manifest.metadata.project_name or "",
            {uid: _typed(uid, r) for uid, r in found.items()},
            frozenset(off.keys() - on),
            manifest.macros,
            manifest.docs,
            manifest.metadata.dbt_version or "",
        )

    @cached_property
    def tests(self) -> Sequence[Resource]:
        """Data tests and unit tests."""
        return [r for r in self.resources.values() if r.resource_type in _TESTS]

    def tested(self, test: Resource) -> AbstractSet[str]:
        """Unique ids of what a test needs."""
        return frozenset(test.reads) | ({test.attached_node} if test.attached_node else frozenset())

    def goes_with(self, test: Resource, going: AbstractSet[str]) -> bool:
        """Whether a test goes when `going` goes: it is declared there, or tests nothing else."""
        if test.attached_node:
            return test.attached_node in going
        if test.resource_type == "unit_test" and test.reads:
            return test.reads[0] in going
        return self.tested(test) <= going if test.reads else self._named_by(test, going)

    def _named_by(self, test: Resource, going: AbstractSet[str]) -> bool:
        """The same for a test of what is switched off, of which dbt only keeps the names it refers to."""
        names = [test.model] if test.model else [_referred(ref) for ref in test.refs or ()]
        meant = [self._by_name.get(str(name), frozenset()) for name in names]
        return bool(meant) and not test.sources and all(uids and uids <= going for uids in meant)

    @cached_property
    def _by_name(self) -> Mapping[str, AbstractSet[str]]:
        """Unique ids of what `ref` can mean by a name: several versions of a model share one."""
        found: dict[str, set[str]] = defaultdict(set)
        for uid, resource in self.resources.items():
            if resource.resource_type in {"model", "seed", "snapshot"}:
                found[resource.name].add(uid)
        return found

    def hindering(self, going: AbstractSet[str]) -> Iterator[tuple[Resource, str]]:
        """Tests that stay and that need something of `going`, with what each needs."""
        for test in self.tests:
            needed = self.tested(test) & going
            if needed and not self.goes_with(test, going) and test.unique_id not in self.off:
                yield from ((test, uid) for uid in sorted(needed))

    def time_spines(self, going: AbstractSet[str]) -> Iterator[str]:
        """What of `going` is a time spine, while metrics stay."""
        stays = self.resources.keys() - going - self.off
        if any(self.resources[uid].resource_type in {"metric", "semantic_model"} for uid in stays):
            yield from (uid for uid in sorted(going) if uid in self.resources and self.resources[uid].is_time_spine)

    def in_file(self, path: str) -> list[Resource]:
        """Everything whose code is in one file: several snapshots may share one."""
        return self._by_code.get(path, [])

    @cached_property
    def _by_code(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.resources.values():
            if resource.code and resource.package_name == self.name and not resource.attached_node:
                found[resource.code].append(resource)
        return found

    def only_used_by(self, going: AbstractSet[str]) -> list[tuple[str, str, str]]:
        """Macros, docs blocks and seeds that only `going` uses: what it is, its name, its file."""
        gone = going | {t.unique_id for t in self.tests if self.goes_with(t, going)}
        used: dict[str, set[str]] = defaultdict(set)
        for resource in self.resources.values():
            for uid in (*resource.macros, *(resource.doc_blocks or ()), *resource.reads):
                used[uid].add(resource.unique_id)
        for macro in self.macros.values():
            for uid in macro.macros:
                used[uid].add(macro.unique_id)
        found = []
        own = [m for m in (*self.macros.values(), *self.docs.values()) if m.package_name == self.name]
        own += [r for r in self.resources.values() if r.resource_type == "seed" and r.unique_id not in going]
        dropped = set(gone)
        grew = True
        while grew:
            grew = False
            for one in own:
                if one.unique_id not in dropped and used[one.unique_id] and used[one.unique_id] <= dropped:
                    dropped.add(one.unique_id)
                    found.append((_what(one), one.name, one.original_file_path))
                    grew = True
        return sorted(found)

    def document(self, path: str) -> Document:
        """A property file as it is now, for reading. Raises InputError."""
        known = self._documents.get(path)
        if known is None:
            known = self._documents[path] = Document(bytes(read(self.inside(path), path)), path)
        return known

    @cached_property
    def _documents(self) -> dict[str, Document]:
        return {}

    def inside(self, path: str) -> Path:
        """The absolute path of a file of the project. Raises InputError when it leads out of it."""
        plain = PurePosixPath(path.replace("\\", "/"))
        full = self.root / plain
        try:
            outside = plain.is_absolute() or ".." in plain.parts or not full.resolve().is_relative_to(self.root)
        except (OSError, ValueError, RuntimeError):
            outside = True
        if outside or not plain.parts:
            raise InputError("lies outside of the dbt project, where nothing is changed", place=Place(path or "''"))
        if full.is_symlink():
            raise InputError("is a symbolic link, which is not changed", place=Place(path))
        return full


def _typed(uid: str, resource: Resource) -> Resource:
    """A resource with its type: manifests before dbt 1.5 leave it out where the section says it."""
    if not resource.resource_type:
        resource.resource_type = uid.partition(".")[0]
    return resource


def _referred(ref: Any) -> str:
    """The name in a reference: a mapping, or before dbt 1.5 a list that ends with it."""
    name = ref.get("name") if isinstance(ref, dict) else ref[-1] if isinstance(ref, list) and ref else ""
    return str(name)


def _what(resource: Resource) -> str:
    return {"doc": "docs block"}.get(kind := resource.unique_id.partition(".")[0], kind)


def _is_yaml(path: str) -> bool:
    return path.endswith((".yml", ".yaml"))
