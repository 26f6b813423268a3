"""`headway backfill`: the past out of the project's git history, as censuses in the store.

For the end of every period before the first sync, the last commit by then is looked at: the manifest that a pipeline
kept for it, the one committed with it, or the one that dbt makes of an export of its tree. With it come the goals as
they were committed. Nothing is checked out: the work tree stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from headway.config import Source
from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError, UsageError
from headway.graph.census import Census, census
from headway.graph.model import AnyRecord
from headway.project.against import kept_manifest
from headway.project.git import Commit, Git
from headway.project.history import first_sync
from headway.project.plugins import connector_class
from headway.project.workspace import Project
from headway.questions.growth import Every, period_ends
from headway.store.census import Kept
from headway.store.store import Store

SECONDS = 300
"""How long dbt may take for one commit."""
MOST = 1200
"""Most periods that are looked at: a hundred years of months."""

_SHAPE = "1"
"""Changes when the same commit would be read otherwise."""
_GOALS = ("goals.yml", "goals")
_PARSE_ERROR = re.compile(r"\b(Compilation|Runtime|Parsing|Dependency|Validation|Env var|Database|Internal) Error\b")

How = Literal["kept manifest", "committed manifest", "dbt parse", "known already", "failed"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one day."""

    day: date
    commit: str
    how: How
    assets: int = 0
    problem: str = ""


def backfill(project: Project, *, since: date | None = None, every: Every = "month", dbt: str = "") -> Iterator[Sample]:
    """Read the past out of git, oldest day first, and keep a census of each day as soon as it is made.

    Days that were read before are not read again, so that an interrupted run goes on where it stopped. `since` is the
    first day that is wanted (the first commit without); `dbt` is the program that parses commits without a manifest,
    looked for in HEADWAY_DBT and on the path where it is ''.

    Raises UsageError where there is no history, ConfigError when `dbt` does not exist, StoreError for the store. A
    commit that cannot be read is a Sample that says why.
    """
    root = Path(project.config.root)
    git = Git(root, without="git is not installed, and the past is read from git")
    commits = git.history()
    if not commits:
        raise UsageError(f"git knows of no commit in {root}", hint="run git log there: it says why")
    past = _Reader(project, git, _dbt(dbt, project.environment))
    with project.store() as store:
        until = first_sync(store) or project.as_of
        days = [
            day for day in period_ends(min(until, project.as_of), every, MOST)[:-1] if since is None or day >= since
        ]
        known = store.census_keys("git")
        wanted = [(day, commit) for day in days if (commit := _by(commits, day)) is not None]
        for number, (day, commit) in enumerate(wanted):
            project.progress("reading git", number, len(wanted))
            key = f"{_SHAPE}/{commit.name}"
            if known.get(day) == key:
                yield Sample(day, commit.name, "known already")
                continue
            yield _sample(project, store, past, day, commit, key)


def _sample(project: Project, store: Store, past: _Reader, day: date, commit: Commit, key: str) -> Sample:
    try:
        how, one = past.read(day, commit)
    except HeadwayError as error:
        return Sample(day, commit.name, "failed", problem=" ".join(str(error).split()))
    store.keep(Kept(census=one, since=commit.day, key=key, taken=project.now))
    return Sample(day, commit.name, how, len(one.assets))


def _by(commits: Sequence[Commit], day: date) -> Commit | None:
    """The newest commit by the end of a day."""
    return next((commit for commit in commits if commit.day <= day), None)


def _dbt(named: str, environment: Mapping[str, str]) -> str:
    """The dbt program, absolute; '' where none is installed."""
    path = environment.get("PATH", "")
    if named:
        found = shutil.which(named, path=path)
        if found is None:
            raise ConfigError(f"there is no program {named}", hint="--dbt names the dbt that parses old commits")
        return str(Path(found).absolute())
    usual = shutil.which(environment.get("HEADWAY_DBT", ""), path=path) or shutil.which("dbt", path=path)
    return str(Path(usual).absolute()) if usual else ""


class _Reader:
    """Makes censuses of commits."""

    def __init__(self, project: Project, git: Git, dbt: str) -> None:
        self._project = project
        self._git = git
        self._dbt = dbt
        self._root = Path(project.config.root)
        sources = project.config.sources
        self._source = next((s for s in sources if s.connector == "dbt"), Source("dbt"))
        self._goals = [s for s in sources if s.connector == "goals"] or [Source("goals")]

    def read(self, day: date, commit: Commit) -> tuple[How, Census]:
        """The census of a commit on a day, and where its manifest came from. Raises HeadwayError."""
        tree = self._git.tree(commit.name)
        if not tree:
            raise InputError("the project was not in this folder yet")
        with tempfile.TemporaryDirectory(prefix="headway-") as made:
            folder = Path(made) / "tree"
            folder.mkdir()
            how, manifest = self._manifest(commit.name, Path(made), folder)
            options = {k: v for k, v in self._source.options.items() if k not in {"target", "manifest"}}
            records = self._records(Source("dbt", {**options, "manifest": str(manifest)}), folder)
            records += self._goals_then(commit.name, folder)
        one = census(self._project.graph_of(records, as_of=day))
        return how, replace(one, origin="git", commit=commit.name)

    def _records(self, source: Source, folder: Path) -> list[AnyRecord]:
        project = self._project
        context = Context(str(folder), project.now, project.environment)
        return list(connector_class(source.connector)(source.options, context).records())

    # ------------------------------------------------------------------ the manifest

    def _manifest(self, commit: str, made: Path, folder: Path) -> tuple[How, Path]:
        kept = kept_manifest(self._root, commit)
        if kept is not None:
            return "kept manifest", kept
        for name in self._names():
            content = self._git.blob(commit, name)
            if content is not None:
                path = made / Path(name).name
                path.write_bytes(content)
                return "committed manifest", path
        if self._git.blob(commit, "dbt_project.yml") is None:
            raise InputError("it has no manifest, and no dbt_project.yml to make one from")
        if not self._dbt:
            raise InputError("it has no manifest, and dbt is not installed to make one", hint="--dbt names a dbt")
        self._git.export(commit, folder)
        return "dbt parse", self._parsed(made, folder)

    def _names(self) -> list[str]:
        """Where a manifest may be committed, relative to the project."""
        stated = _inside(self._root, self._source.options.get("manifest"))
        target = _inside(self._root, self._source.options.get("target")) or "target"
        return [*([stated] if stated else []), f"{target}/manifest.json", f"{target}/manifest.json.gz"]

    def _parsed(self, made: Path, folder: Path) -> Path:
        """The manifest that dbt makes of an exported tree, in a time box. Raises InputError."""
        packages = self._root / "dbt_packages"
        if packages.is_dir() and not (folder / "dbt_packages").exists():
            (folder / "dbt_packages").symlink_to(packages)  # as they are today: those of then are nowhere kept
        command = [self._dbt, "parse", "--project-dir", str(folder), "--target-path", str(made / "target")]
        command += ["--log-path", str(made / "logs"), *self._profiles(folder)]
        environment = {**self._project.environment, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        code, said = _run(command, folder, environment, made / "said.txt")
        manifest = made / "target" / "manifest.json"
        if code == 0 and manifest.is_file():
            return manifest
        # Only the kind of the error is told: the rest may quote SQL.
        found = _PARSE_ERROR.search(said)
        kind = f": {found[0]}" if found else ""
        raise InputError(f"dbt parse ended with {code}{kind}", hint="packages that this commit needs may be missing")

    def _profiles(self, folder: Path) -> list[str]:
        config = self._project.config
        target = ["--target", config.target] if config.target else []
        if config.profiles_dir:
            return ["--profiles-dir", str(self._root / config.profiles_dir), *target]
        for place in (folder, self._root):
            if (place / "profiles.yml").is_file():
                return ["--profiles-dir", str(place), *target]
        return target

    # ------------------------------------------------------------------ the goals

    def _goals_then(self, commit: str, folder: Path) -> list[AnyRecord]:
        """The goals as they were committed; none where there were none. Raises GoalsError when they cannot be read."""
        found: list[AnyRecord] = []
        for source in self._goals:
            stated = source.options.get("path")
            names = [_inside(self._root, stated)] if stated else list(_GOALS)
            there = [name for name in names if name and self._holds(commit, name)]
            missing = [name for name in there if not (folder / name).exists()]
            if missing:
                self._git.export(commit, folder, *missing)
            if there:
                path = {"path": there[0]} if stated else {}
                found += self._records(Source("goals", {**source.options, **path}), folder)
        return found

    def _holds(self, commit: str, name: str) -> bool:
        return self._git.ask("cat-file", "-e", f"{commit}:./{name}") is not None


def _inside(root: Path, said: Any) -> str:
    """A path of the configuration relative to the project; '' when it is none, or lies elsewhere."""
    if not isinstance(said, str) or not said:
        return ""
    path = Path(os.path.normpath(root / said))
    return path.relative_to(root).as_posix() if path != root and path.is_relative_to(root) else ""


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path) -> tuple[int, str]:
    """Exit code and output of a program that is ended, with all it started, when it takes longer than SECONDS."""
    try:
        with (
            out.open("wb") as stream,
            _ended(
                subprocess.Popen(  # noqa: S603 - no shell; the dbt that the user chose
                    command,
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            ) as process,
        ):
            code = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        raise InputError(f"dbt parse took longer than {SECONDS} seconds and was stopped") from None
    except OSError as error:
        raise InputError(f"dbt could not be started: {error.strerror or type(error).__name__}") from None
    return code, out.read_text(encoding="utf-8", errors="replace")[-20_000:]


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is over when the block is, whatever ends it."""
    try:
        yield process
    finally:
        if process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
