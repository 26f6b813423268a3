"""The pages of a large company, and its past, beside the least that they could cost.

    python -m bench.pages triage FOLDER     the Triage page with what stands around it, again and again
    python -m bench.pages encode FOLDER     floor: its findings as JSON, as often
    python -m bench.pages growth FOLDER     MONTHS months of growth that nobody asked for before
    python -m bench.pages days FOLDER       the graphs of the ends of these months, loaded one by one

Prints one JSON line with `cpu`, the CPU seconds of the part that is named. The folder is what `write` makes.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.cases import timed
from bench.manifest import AS_OF

TIMES = 20
MONTHS = 6
SYNCED = "2024-01-01T08:00:00.000000+00:00"
SETTINGS = f"""\
project: shop
as_of: {AS_OF}
dbt: {{manifest: manifest.json}}
goals: goals.yml
observations:
  - {{path: usage.csv, covers: "kind:model kind:dashboard kind:source"}}
"""


def write(path: Path, models: Path) -> None:
    """A project of the files in `models`, whose store says that it was synced once, years before the day of answers."""
    from headway.project import Project

    for name in ("manifest.json", "goals.yml", "usage.csv"):
        shutil.copy(models / name, path / name)
    (path / "headway.yml").write_text(SETTINGS, encoding="utf-8")
    failed = [result for result in Project.open(path).sync(evaluate=False) if result.error]
    assert not failed, failed
    with closing(sqlite3.connect(path / ".headway" / "headway.db")) as store, store:
        store.execute("UPDATE headway_sync SET started = ?, finished = ?", (SYNCED, SYNCED))


def _warm(folder: str) -> Any:
    from headway.project import Project
    from headway.project.pages.view import warm

    project = Project.open(folder)
    warm(project)
    return project


def triage(folder: str) -> None:
    """The Triage page as a server makes it, the graph and its answers at hand."""
    from headway.project.pages.table import BY_NAME
    from headway.project.pages.view import look, shell_of
    from headway.render.html.pages import render_page

    project = _warm(folder)

    def page() -> int:
        viewed = look(BY_NAME["triage"], project, "zombies")
        return len(render_page(viewed.row.template, viewed.page, shell_of(viewed, project)))

    assert page() > 10_000
    assert timed(lambda: sum(page() for _ in range(TIMES)))


def encode(folder: str) -> None:
    """Floor: every finding of the list as JSON."""
    import msgspec

    project = _warm(folder)
    rows = project.ask("triage").rows
    assert len(rows) > 1_000
    assert timed(lambda: sum(len(msgspec.json.encode(rows)) for _ in range(TIMES)))


def growth(folder: str) -> None:
    """Months of growth from a store that keeps no census yet."""
    from headway.project import Project

    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, place, dirs_exist_ok=True)
        project = Project.open(place)
        assert project.graph().use.known
        answer = timed(lambda: project.ask("growth", every="month", periods=MONTHS + 1))
        assert len(answer.rows) == MONTHS + 1


def days(folder: str) -> None:
    """The graph of each of these days, as a page of an earlier day loads it."""
    from headway.project import Project
    from headway.project.past import graph_at

    project = Project.open(folder)
    assert project.graph().use.known
    ends = _ends()
    assert timed(lambda: sum(len(graph_at(project, day).assets) for day in ends)) > 0


def _ends() -> list[date]:
    found, day = [], AS_OF
    for _ in range(MONTHS):
        day = day.replace(day=1) - timedelta(days=1)
        found.append(day)
    return found


if __name__ == "__main__":
    {"triage": triage, "encode": encode, "growth": growth, "days": days}[sys.argv[1]](sys.argv[2])
