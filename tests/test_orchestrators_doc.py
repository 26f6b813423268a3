"""What docs/orchestrators.md shows is run: its Python on a shop of files, its exit codes against the commands."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.shop import write_shop

from headway.cli.main import run
from headway.errors import Exit
from headway.files import alone
from headway.project import Project

TEXT = (Path(__file__).parents[1] / "docs/orchestrators.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
OURS = [b for b in BLOCKS if not re.search(r"^(?:from|import) (?:airflow|dagster)", b, re.MULTILINE)]
THEIRS = [b for b in BLOCKS if b not in OURS]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(write_shop(tmp_path))
    return tmp_path


def defined(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(block, "orchestrators.md", "exec"), names)
    return names


def test_the_first_example_runs_and_prints_what_it_says(shop: Path) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        defined(OURS[0])
    assert Project.open(shop).ask("trust").headline in said.getvalue()
    assert Project.open(shop).stored


def test_the_gate_passes_on_sound_data_and_stops_on_broken_data(shop: Path) -> None:
    names = defined(OURS[1])
    assert names["stop_when_goals_stand_on_broken_data"](str(shop)) == 0
    results = shop / "target/run_results.json"
    results.write_text(results.read_text().replace('"pass"', '"fail"'))
    with pytest.raises(RuntimeError, match="cannot be trusted"):
        names["stop_when_goals_stand_on_broken_data"](str(shop))
    results.unlink()
    shutil.rmtree(shop / ".headway")  # which remembers it
    with pytest.raises(RuntimeError, match="is not known"):
        names["stop_when_goals_stand_on_broken_data"](str(shop))
    (shop / "target/manifest.json").write_text("{")
    with pytest.raises(RuntimeError, match="dbt"):
        names["stop_when_goals_stand_on_broken_data"](str(shop))


def test_the_run_order_is_what_the_command_answers(shop: Path) -> None:
    names = defined(OURS[1])
    assert names["run_order"](str(shop)) == ["model.shop.orders"]
    (shop / "headway.yml").write_text("nonsense: [")
    with pytest.raises(RuntimeError, match="headway"):
        names["run_order"](str(shop))


def test_examples_of_other_tools_are_python_and_use_only_what_is_shown_above() -> None:
    shown = {"Project", *defined(OURS[1])}
    assert len(THEIRS) == 2
    for block in THEIRS:
        tree = ast.parse(block)
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        imported = {
            (a.asname or a.name) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
        }
        bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        assert used - own - imported - bound <= shown


def test_the_exit_codes_are_those_of_the_commands(shop: Path) -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    assert table == {int(code) for code in Exit}
    assert run(["sync"]) == Exit.FINE
    assert run(["trust", "--limit", "0"]) == Exit.FINE
    results = shop / "target/run_results.json"
    results.write_text(results.read_text().replace('"pass"', '"fail"'))
    run(["sync"])
    assert run(["trust", "--limit", "0"]) == Exit.FINDINGS
    assert run(["trust", "--store", "sqlite:////nowhere/at/all.db", "--limit", "0", "--project-dir", "none"]) == 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what a process has open is read in /proc")
def test_an_interrupted_command_ends_with_130_and_leaves_nothing_half_written(shop: Path) -> None:
    """Interrupted for real, while it waits for another one that changes files of the project."""
    (shop / "dbt_project.yml").write_text("name: shop\n")
    command = [sys.executable, "-m", "headway", "export", "dbt"]
    with alone(shop), subprocess.Popen(command, cwd=shop, stderr=subprocess.PIPE, text=True) as process:
        waiting = 0  # looks in a row at which it has the folder open: it holds on to it only to wait
        for _ in range(600):
            files = Path(f"/proc/{process.pid}/fd").iterdir()
            waiting = waiting + 1 if any(os.path.realpath(fd) == str(shop.resolve()) for fd in files) else 0
            if waiting == 8:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == Exit.INTERRUPTED
        assert process.stderr is not None
        assert process.stderr.read().strip() == "Interrupted; nothing was left half-written."
    assert not (shop / "models").exists()
    assert run(["export", "dbt"]) == Exit.FINE
    assert (shop / "models/headway_objectives.yml").exists()


def test_the_calls_of_the_table_have_the_parameters_and_results_that_it_names() -> None:
    import inspect

    from headway.answer import Answer
    from headway.project import SyncResult

    for call, parameters in (("open", ["directory", "as_of"]), ("stateless", ["manifest", "goals", "directory"])):
        assert set(parameters) <= set(inspect.signature(getattr(Project, call)).parameters)
    assert "only" in inspect.signature(Project.sync).parameters
    rows = dict(re.findall(r"^\| `([\w.]+)\([^|]*\| ([^|]*) \|", TEXT, re.MULTILINE))
    for name in re.findall(r"`(\w+)`", rows["project.sync"])[1:]:
        assert name in SyncResult.__dataclass_fields__
    for name in re.findall(r"`(\w+)(?:\(\))?`", rows["project.ask"])[1:]:
        assert hasattr(Answer, name)
