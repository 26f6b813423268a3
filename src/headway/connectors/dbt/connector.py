"""The dbt connector: a `target/` folder in, records out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from headway.collector import paused_collector
from headway.config import Option
from headway.connectors.artifact import exists, read
from headway.connectors.dbt.artifacts import (
    Catalog,
    Manifest,
    RunResults,
    SourcesResults,
    decode,
    decode_manifest,
    disabled_resources,
)
from headway.connectors.dbt.codeowners import CodeOwners
from headway.connectors.dbt.edges import Wiring
from headway.connectors.dbt.exported import exported_goals
from headway.connectors.dbt.facets import FacetManifest, facets
from headway.connectors.dbt.goals import Goals
from headway.connectors.dbt.health import (
    Outcome,
    checks_of_freshness,
    checks_of_runs,
    checks_of_tests,
    fill_from_catalog,
    run_times,
    stray_results,
)
from headway.connectors.dbt.nodes import Assets
from headway.connectors.dbt.owners import (
    Owners,
    base_of,
    configured_owners,
    find_codeowners,
    find_repository,
    path_between,
    read_codeowners,
)
from headway.connectors.dbt.semantics import Semantics
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError
from headway.graph.model import AnyRecord, Gap, Origin

T = TypeVar("T")

_PARSE = "run `dbt parse` in the project to write it"
_NO_DBT = "run headway in a dbt project, after `dbt parse`; where there is no dbt, say dbt: false in headway.yml"


class Dbt:
    """Reads manifest.json and, where they are there, run_results.json, sources.json and catalog.json beside it."""

    name: ClassVar[str] = "dbt"
    options: ClassVar[tuple[Option, ...]] = (
        Option("target", str, "target", "Folder that dbt writes its artifacts to."),
        Option("manifest", str, "", "A manifest.json or manifest.json.gz to read instead of the one in `target`."),
        Option("codeowners", str, "", "A CODEOWNERS file; looked for in the project and its repository otherwise."),
        Option("owners", dict, None, "Owners of folders, as in `models/finance/: Finance team`."),
        Option("facets", bool, False, "Also tell by digests what each node is made of, so that two can be compared."),
        Option("mmap", bool, False, "Map the manifest instead of copying it; only for commands that end soon."),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = options
        self._context = context
        self._root = Path(context.root)

    def records(self) -> Iterator[AnyRecord]:
        """Nodes, edges, goals, checks, run times and gaps of the project, in this order.

        Raises InputError when there is no usable manifest and ConfigError when an option cannot be. Anything wrong
        with a part of the manifest, or with the files beside it, is a Gap.
        """
        configured = configured_owners(self._options.get("owners"))
        path, shown = self._manifest_path()
        with paused_collector():
            found = self._read(path, shown, configured)
        yield from found

    def _read(self, path: Path, shown: str, configured: Mapping[str, str]) -> list[AnyRecord]:
        progress = self._context.progress
        progress("reading the manifest", 0, 0)
        data = read(path, shown, mapped=self._options.get("mmap") is True, hint=_PARSE)
        manifest, gaps = decode_manifest(
            data, shown, FacetManifest if self._options.get("facets") is True else Manifest
        )
        del data
        switched_off, odd = disabled_resources(manifest, shown)
        gaps += odd
        beside = _Beside(path.parent, shown)
        progress("building nodes and edges", 0, 0)
        owners, owner_gaps = self._owners(manifest, path, configured)
        assets = Assets(manifest, owners, shown)
        assets.build(switched_off)
        catalog = beside.read("catalog.json", Catalog, lambda c: len(c.nodes) + len(c.sources))
        if catalog is not None:
            gaps += fill_from_catalog(catalog, assets, beside.shown("catalog.json"))
        semantics = Semantics(manifest)
        wiring = Wiring(manifest, assets, semantics, shown)
        wiring.build()
        goals = Goals(manifest, assets, semantics)
        goals.build()
        checks, health_gaps = self._health(manifest, assets, beside, shown)
        return [
            *assets.known.values(),
            *assets.disabled.values(),
            *wiring.edges,
            *goals.records,
            *exported_goals(assets.exported, Origin("dbt", shown)),
            *checks,
            *facets(manifest, assets, shown),
            *gaps,
            *owner_gaps,
            *assets.gaps,
            *wiring.gaps,
            *goals.gaps,
            *health_gaps,
            *beside.gaps,
        ]

    def _health(
        self, manifest: Manifest, assets: Assets, beside: _Beside, shown: str
    ) -> tuple[list[AnyRecord], list[Gap]]:
        gaps: list[Gap] = []
        name = beside.shown("run_results.json")
        results = beside.read("run_results.json", RunResults, lambda r: len(r.results))
        if results is None and not beside.broken("run_results.json"):
            gaps.append(
                Gap(
                    topic="trust",
                    message=f"{name}: there is none, so it is not known what ran and which tests passed",
                    hint="run `dbt build`",
                    origin=Origin("dbt", shown),
                )
            )
        outcome = Outcome(results, name)
        checks: list[AnyRecord] = [*checks_of_tests(manifest, assets, outcome, gaps, shown)]
        checks += checks_of_runs(manifest, assets, outcome)
        checks += run_times(manifest, assets, outcome)
        gaps += outcome.gaps
        gaps += stray_results(manifest, assets, outcome, name)
        sources = beside.read("sources.json", SourcesResults, lambda s: len(s.results))
        if sources is not None:
            fresh, stale_gaps = checks_of_freshness(sources, assets, beside.shown("sources.json"))
            checks += fresh
            gaps += stale_gaps
        return checks, gaps

    def _text_option(self, name: str, default: str = "") -> str:
        value = self._options.get(name)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            raise ConfigError(f"`{name}` of the dbt source is {value!r}, not a path")
        return value

    def _manifest_path(self) -> tuple[Path, str]:
        """Path of the manifest, and how messages name it: as the option was written."""
        stated = self._text_option("manifest")
        if stated:
            return self._root / stated, stated
        target = self._text_option("target", "target")
        folder = self._root / target
        if exists(folder) and not folder.is_dir():
            return folder, target
        for name in ("manifest.json", "manifest.json.gz"):
            if exists(folder / name):
                return folder / name, f"{target.rstrip('/')}/{name}"
        if not exists(folder):
            raise InputError(f"there is no folder {target!r} in {self._root.name or self._root}", hint=_NO_DBT)
        return folder / "manifest.json", f"{target.rstrip('/')}/manifest.json"

    def _owners(self, manifest: Manifest, path: Path, configured: Mapping[str, str]) -> tuple[Owners, list[Gap]]:
        project = self._project_folder(path)
        repository = find_repository(project)
        stated = self._text_option("codeowners")
        rules: CodeOwners | None = None
        gaps: list[Gap] = []
        prefix = ""
        if stated:
            prefix = path_between(base_of(self._root / stated, project) or repository or project, project)
            rules, gaps = read_codeowners(self._root / stated, stated)
        elif found := find_codeowners(project, repository):
            file, prefix = found
            rules, gaps = read_codeowners(file, file.name if file.parent == project else _relative(file, self._root))
        return Owners(manifest.groups, rules, prefix, configured, manifest.metadata.project_name or ""), gaps

    def _project_folder(self, manifest: Path) -> Path:
        """The folder of dbt_project.yml: the root, or above the manifest; the root when there is none."""
        root = self._root.resolve()
        for folder in (manifest.resolve().parent.parent, manifest.resolve().parent, root):
            if exists(folder / "dbt_project.yml"):
                return folder
        return root


class _Beside:
    """Reads the artifacts beside a manifest. Whatever is wrong with one becomes a gap."""

    def __init__(self, folder: Path, manifest: str) -> None:
        self.gaps: list[Gap] = []
        self._folder = folder
        self._shown = manifest.rpartition("/")[0]
        self._broken: set[str] = set()

    def shown(self, name: str) -> str:
        """How messages name the file."""
        return f"{self._shown}/{name}" if self._shown else name

    def broken(self, name: str) -> bool:
        """Whether the file was there but could not be used."""
        return name in self._broken

    def read(self, name: str, shape: type[T], size: Callable[[T], int]) -> T | None:
        """The file as `shape`; None when there is none, it cannot be used, or it holds nothing."""
        for candidate in (name, name + ".gz"):
            path = self._folder / candidate
            if exists(path):
                break
        else:
            return None
        shown = self.shown(candidate)
        try:
            found = decode(read(path, shown), shape, shown)
        except InputError as error:
            self._broken.add(name)
            self.gaps.append(Gap(topic=_topic(name), message=str(error), origin=Origin("dbt", shown)))
            return None
        if not size(found):
            self._broken.add(name)
            message = f"{shown}: holds nothing that is known here"
            self.gaps.append(Gap(topic=_topic(name), message=message, origin=Origin("dbt", shown)))
            return None
        return found


def _topic(name: str) -> str:
    return "dbt" if name == "catalog.json" else "trust"


def _relative(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root.resolve()).as_posix()
    except ValueError:
        return "/".join(path.parts[-2:])
