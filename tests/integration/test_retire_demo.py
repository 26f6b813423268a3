"""Retirement proven by doing: at every stage real dbt builds as before, and no key result changes a digit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from headway.answer import Answer
from headway.project import Project, retire
from headway.project.demo import Demo

pytestmark = pytest.mark.integration

STAGES = ("announced", "deprecated", "disabled", "dropped")
SOURCES = ("models", "seeds", "snapshots", "tests", "macros")


def bytes_of(project: Path) -> dict[str, bytes]:
    """Every file that people write, with its content."""
    files = [p for folder in SOURCES for p in (project / folder).rglob("*") if p.is_file()]
    files += [p for p in project.iterdir() if p.is_file() and p.suffix in {".yml", ".csv"} and p.name != ".user.yml"]
    return {str(p.relative_to(project)): p.read_bytes() for p in files}


def dbt(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [os.environ["HEADWAY_DBT"], *words]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def outcome(project: Path) -> dict[str, str]:
    """How each resource came out of a whole build."""
    done = dbt(project, "build")
    assert done.returncode in {0, 1}, done.stdout[-3000:]
    results = json.loads((project / "target/run_results.json").read_text())["results"]
    return {r["unique_id"]: r["status"] for r in results}


def values(project: Project) -> dict[str, object]:
    """The current value of every key result that has one, as it is, not as it is shown."""
    assert not [r for r in project.sync() if r.error]
    answer: Answer = project.ask("goals")
    return {row.node: row.values[2] for part in answer.sections for row in part.rows if row.values[2] is not None}


def declared(project: Path) -> set[str]:
    manifest = json.loads((project / "target/manifest.json").read_text())
    sections = ("nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests")
    return {uid for section in sections for uid in manifest[section]}


def test_every_stage_leaves_builds_and_values_as_they_were_and_can_be_taken_back(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "company" / "lumaloop"
    shutil.copytree(demo.directory, folder.parent)
    # On several threads DuckDB adds floats in another order each time, and the last digits differ from run to run.
    profile = (folder / "profiles.yml").read_text()
    (folder / "profiles.yml").write_text(profile.replace("schema: main", "schema: main\n      settings: {threads: 1}"))
    untouched = outcome(folder)
    before, first, there = bytes_of(folder), values(Project.open(folder)), declared(folder)
    assert len(first) >= 20
    bad = {uid for uid, status in untouched.items() if status not in {"pass", "success", "no-op", "warn"}}
    assert bad, "the demo has one test that fails, as planted"
    runs: list[str] = []
    states = [before]
    gone: set[str] = set()
    for stage in STAGES:
        project = Project.open(folder)
        prepared = retire.prepare(project, everything=stage == "announced", stage=stage)  # type: ignore[arg-type]
        assert len(prepared.nodes) >= 35
        runs.append(retire.write(project, prepared).id)
        states.append(bytes_of(folder))
        if stage == "disabled":
            gone = {node.removeprefix("dbt:") for node in prepared.nodes if node.startswith("dbt:")}
        now = outcome(folder)
        assert {uid for uid, s in now.items() if s not in {"pass", "success", "no-op", "warn"}} <= bad, stage
        assert {uid: untouched[uid] for uid in now} == now
        if stage in {"disabled", "dropped"}:
            lost = there - declared(folder)
            assert gone <= lost
            assert all(uid in gone or uid.startswith(("test.", "unit_test.")) for uid in lost)
        after = values(Project.open(folder))
        assert after == first, stage
    dropped = states[-1]
    assert "models/marts/editor/agg_filter_pack_affinity.sql" not in dropped
    assert b"filter_pack_explorer" not in dropped["models/exposures.yml"]
    for run, state in zip(reversed(runs), reversed(states[:-1]), strict=True):
        retire.undo(Project.open(folder), run)
        assert bytes_of(folder) == state
    assert bytes_of(folder) == before
    assert not (folder / ".headway" / "retired").exists() or not any((folder / ".headway" / "retired").iterdir())
    assert outcome(folder) == untouched


def test_a_test_of_what_stays_keeps_what_it_compares_with(demo: Demo) -> None:
    project = demo.open()
    prepared = retire.prepare(project, everything=True)
    payments = {"dbt:model.lumaloop.fct_payments", "dbt:source.lumaloop.billing.payments"}
    assert payments <= set(project.ask("retire-plan").totals["ids"])
    assert not payments & set(prepared.nodes)
    kept = [part for part in prepared.answer.sections if "stays" in {column.key for column in part.columns}]
    said = {row.values[0]: row.values[3] for part in kept for row in part.rows}
    assert "assert_payments_match_invoices" in said["fct_payments"]
