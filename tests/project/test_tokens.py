"""The command `headway token`: made once, shown once, listed without, taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.cli.main import run
from headway.project.tokens import known, listed
from shop import write_shop


def test_a_token_is_printed_once_and_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--project-dir", str(write_shop(tmp_path))]
    assert run(["token", "new", "ci", "--role", "editor", "--team", "sales-team", "--days", "30", *place]) == 0
    out, err = capsys.readouterr()
    token = out.strip()
    assert token not in err
    found = known(tmp_path, token, datetime.now(UTC))
    assert found is not None
    assert (found.name, found.role, found.teams) == ("ci", "editor", ("sales-team",))
    assert run(["token", "list", *place]) == 0
    said = capsys.readouterr().out
    assert "ci" in said
    assert "editor" in said
    assert token not in said
    assert found.hash not in said
    assert run(["token", "revoke", "ci", *place]) == 0
    assert listed(tmp_path) == ()
    assert known(tmp_path, token, datetime.now(UTC)) is None


def test_a_name_is_taken_once_and_none_is_taken_back_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--project-dir", str(write_shop(tmp_path))]
    assert run(["token", "new", "ci", *place]) == 0
    assert run(["token", "new", "ci", *place]) == 2
    assert "called 'ci' already" in capsys.readouterr().err
    assert run(["token", "revoke", "other", *place]) == 2
    assert "no token called 'other'" in capsys.readouterr().err


def test_a_server_for_others_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--project-dir", str(write_shop(tmp_path))]
    assert run(["serve", "--host", "0.0.0.0", "--port", "0", *place]) == 2
    assert "while nobody has to sign in" in capsys.readouterr().err
    assert run(["serve", "--schedule", "now and then", *place]) == 2
    assert "no span from a minute to a month" in capsys.readouterr().err
