"""Files that several commands change at once: each waits for the other, and nothing that was written is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from headway import files
from headway.connectors.links import decisions
from headway.errors import ConfigError, InputError
from headway.files import alone, rewrite
from headway.graph.graph import Graph
from headway.graph.model import Edge, Node, Origin
from headway.project import Project
from headway.project.decisions import decide
from headway.project.journal import Change, apply
from shop import write_shop

DAY = date(2026, 11, 22)
CHART = Node(id="superset:chart.9", kind="chart", name="Weekly", origin=Origin("superset"))
TABLES = [f"prod.marts.orders_v{n}" for n in range(8)]


def opened(folder: Path) -> Project:
    """The shop with a chart that reads tables which nothing builds."""
    project = Project.open(folder, as_of=DAY, environment={})
    reads = [
        Edge(upstream=f"ref:table/{t}", downstream=CHART.id, evidence="matched", origin=CHART.origin) for t in TABLES
    ]
    project._graph = Graph([*project._collected(), CHART, *reads], as_of=DAY)
    return project


def test_decisions_that_are_made_at_once_are_all_kept(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    projects = [opened(folder) for _ in TABLES]
    start = threading.Barrier(len(TABLES))

    def accept(project: Project, table: str) -> None:
        start.wait()
        decide(project, accepted=True, upstream=f"table:{table}", target="orders")

    threads = [threading.Thread(target=accept, args=pair) for pair in zip(projects, TABLES, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = decisions((folder / "links.yml").read_bytes(), "links.yml")
    assert {d.upstream for d in said} == {f"ref:table/{table}" for table in TABLES}


def test_another_process_is_waited_for_and_what_it_wrote_stays(tmp_path: Path) -> None:
    project = opened(write_shop(tmp_path / "shop"))
    folder = Path(project.config.root)
    other = (
        "import sys, time; from pathlib import Path; from headway.files import alone\n"
        "folder = Path(sys.argv[1])\n"
        "with alone(folder):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(0.5)\n"
        "    (folder / 'links.yml').write_text('- decline: nothing\\n  upstream: table:crm.public.leads\\n')\n"
    )
    with subprocess.Popen([sys.executable, "-c", other, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        decide(project, accepted=True, upstream=f"table:{TABLES[0]}", target="orders")
    said = decisions((folder / "links.yml").read_bytes(), "links.yml")
    assert [d.upstream for d in said] == ["ref:table/crm.public.leads", f"ref:table/{TABLES[0]}"]


def test_whoever_waits_too_long_is_told_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LONGEST_WAIT", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with alone(tmp_path):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        with pytest.raises(ConfigError, match="another command of Headway is changing files"):
            apply(tmp_path, "one", "2026-11-22", "", [Change("a.yml", None, b"x")])
    finally:
        done.set()
        thread.join()
    assert not (tmp_path / "a.yml").exists()
    apply(tmp_path, "one", "2026-11-22", "", [Change("a.yml", None, b"x")])
    assert (tmp_path / "a.yml").read_bytes() == b"x"


def test_a_hold_is_taken_again_by_whoever_has_it_and_let_go_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with alone(tmp_path), alone(tmp_path / "."):
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
    done = []

    def take() -> None:
        with alone(tmp_path):
            done.append(1)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(5)
    assert done == [1]


@pytest.mark.parametrize("after", [b"new", None])
def test_what_an_editor_saved_in_between_is_not_written_over(tmp_path: Path, after: bytes | None) -> None:
    file = tmp_path / "links.yml"
    file.write_bytes(b"edited")
    for before in (b"as it was", None):
        with pytest.raises(InputError, match=r"links\.yml: was changed while this was prepared; nothing was written"):
            rewrite(file, before, after, "links.yml")
    assert file.read_bytes() == b"edited"
    rewrite(file, b"edited", after, "links.yml")
    assert (file.read_bytes() if file.exists() else None) == after
