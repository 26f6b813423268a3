"""The benchmarks themselves run: on a small project, every question is asked and answered."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from bench import cases, generate


def test_every_question_is_answered_on_a_generated_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = generate.project(60)
    assert tmp_path in folder.parents
    cases.every_question(str(folder))
