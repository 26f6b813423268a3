"""`headway demo`: the example company, built with real dbt on DuckDB, synced and evaluated."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

from headway.errors import ConfigError, HeadwayError, MissingExtra
from headway.files import write_whole
from headway.project.requests import import_file
from headway.project.workspace import Project

PROJECT = "lumaloop"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class Demo:
    """The demo company in a folder of its own."""

    def __init__(self, directory: str | Path, *, say: Callable[[str], None]) -> None:
        self.directory = Path(directory).resolve()
        self.project_dir = self.directory / PROJECT
        self.say = say

    def build(self) -> Project:
        """Copy the example, generate its data, build it with dbt, sync it and evaluate its key results.

        Raises ConfigError when dbt or a step of the build fails, and MissingExtra without DuckDB.
        """
        dbt = _dbt()
        _need_duckdb()
        self._copy(_example())
        self._step("Generating 18 months of data", [sys.executable, "generate.py"], self.directory)
        self._step("Loading it into DuckDB", [sys.executable, "load.py"], self.directory)
        # Both end with 1: one source is stale and one test fails, as planted.
        self._step("dbt source freshness", [dbt, "source", "freshness"], self.project_dir, fine=(0, 1))
        self._step("dbt build", [dbt, "build"], self.project_dir, fine=(0, 1))
        self._step("dbt docs generate", [dbt, "docs", "generate", "--no-compile"], self.project_dir)
        project = self.open()
        self._date(project.as_of)
        self.say("headway sync")
        failed = [r for r in project.sync() if r.error]
        if failed:
            raise ConfigError(f"the demo could not be synced: {failed[0].connector}: {failed[0].error}")
        import_file(project, str(self.project_dir / "requests.csv"), by="data-team")
        return project

    def open(self) -> Project:
        """The demo as it was built before. Raises ConfigError when it was not."""
        if not (self.project_dir / "target" / "manifest.json").exists():
            raise ConfigError(f"there is no demo in {self.directory}", hint="run headway demo without --keep")
        return Project.open(self.project_dir)

    def next_steps(self) -> str:
        """What to try in the demo, as commands."""
        commands = (
            ("headway goals grow", "how one objective is doing"),
            ("headway why fct_payments", "what an asset is for"),
            ("headway trust", "which numbers not to believe, and who can fix them"),
            ("headway zombies", "what can go"),
            ("headway shadow-goals", "goals nobody wrote down"),
            ("headway requests", "what people asked for, and whether to build it"),
            ("headway without editor", "what loses its purpose with an objective"),
            ("headway serve", "all of it as pages in the browser"),
        )
        try:
            where = self.project_dir.relative_to(Path.cwd())
        except ValueError:
            where = self.project_dir
        width = max(len(c) for c, _ in commands)
        return f"\nTry next:  cd {where}\n" + "\n".join(f"  {c:<{width}}  {note}" for c, note in commands)

    def _date(self, day: date) -> None:
        """Date the run of dbt, which was now, to nine in the morning of the day that the example speaks for.

        Its sources are as fresh as they are at that hour, by a macro of the example. A test that fails would otherwise
        do so since a day after the one that the answers are for.
        """
        path = self.project_dir / "target" / "run_results.json"
        text = path.read_text(encoding="utf-8")
        began = min(datetime.fromisoformat(stamp) for stamp in _STAMP.findall(text))
        back = began - datetime.combine(day, time(9), UTC)
        moved = _STAMP.sub(lambda m: (datetime.fromisoformat(m[0]) - back).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), text)
        write_whole(path, moved.encode(), "run_results.json")

    def _copy(self, example: Path) -> None:
        if self.directory.exists() and any(self.directory.iterdir()) and not (self.directory / "generate.py").exists():
            raise ConfigError(f"{self.directory} is not empty and is not a demo", hint="name another folder")
        skipped = shutil.ignore_patterns("target", "logs", "raw", "*.duckdb*", ".headway", "__pycache__", ".user.yml")
        shutil.copytree(example, self.directory, ignore=skipped, dirs_exist_ok=True)
        shutil.rmtree(self.project_dir / ".headway", ignore_errors=True)

    def _step(self, what: str, command: Sequence[str], folder: Path, fine: Sequence[int] = (0,)) -> None:
        self.say(what)
        environment = {
            **os.environ,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.project_dir),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            done = subprocess.run(  # noqa: S603 - our own example and the dbt the user chose
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False, errors="replace"
            )
        except OSError as error:
            raise ConfigError(f"{what} could not start: {error.strerror}") from None
        if done.returncode not in fine:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise ConfigError(f"{what} failed:\n{tail}")


def _example() -> Path:
    """Where the example lies: inside an installed package, or beside the source of a clone."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "demo_files", package.parents[1] / "examples"):
        if (place / "generate.py").exists():
            return place
    raise HeadwayError("the example company is not part of this installation")


def _dbt() -> str:
    named = os.environ.get("HEADWAY_DBT")
    beside = Path(sys.executable).with_name("dbt")
    for candidate in (named, shutil.which("dbt"), str(beside)):
        if candidate and Path(candidate).exists():
            # Not resolved: a virtual environment's script must keep its own folder.
            return str(Path(candidate).absolute())
    if named:
        raise ConfigError(f"HEADWAY_DBT names {named}, which does not exist")
    raise ConfigError("the demo needs dbt", hint="pip install 'dbt-core<1.12' dbt-duckdb, or set HEADWAY_DBT to a dbt")


def _need_duckdb() -> None:
    from importlib.util import find_spec

    if find_spec("duckdb") is None:
        raise MissingExtra("duckdb", "the demo")
