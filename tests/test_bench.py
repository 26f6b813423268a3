"""The benchmarks themselves run: on a small project, every question is asked and answered."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from bench import cases, generate, pages


def test_every_question_is_answered_on_a_generated_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = generate.project(60)
    assert tmp_path in folder.parents
    cases.every_question(str(folder))


def test_pages_are_made_and_growth_is_told_of_a_generated_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = str(generate.kept(200))
    pages.growth(folder)
    pages.days(folder)
    pages.triage(folder)
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith('{"cpu"')]) == 3
