"""The benchmarks of column lineage run: on a small project, everything is followed, and again from what was kept."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from bench import columns, generate


def test_every_case_runs_on_a_generated_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(columns, "SAMPLE", 1)
    folder = generate.project(30)
    for case in columns.CASES.values():
        case(str(folder))
    printed = [json.loads(line)["cpu"] for line in capsys.readouterr().out.splitlines()]
    assert len(printed) == len(columns.CASES)
    assert all(cpu > 0 for cpu in printed)


def test_the_generated_sql_has_real_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from headway.graph.model import ColumnLineage

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = columns._records(str(generate.project(30)), "")
    models = [r for r in found if isinstance(r, ColumnLineage) and r.node.startswith("dbt:model.")]
    assert len(models) == len([r for r in found if r in models and not r.problem]) == 30
    above = {source.node for r in models for source in columns._all(r)}
    assert sum(node.startswith("dbt:model.") for node in above) > 5
    assert not [node for node in above if node.startswith("ref:")]
