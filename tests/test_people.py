"""Names become keyed hashes, and classes."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from headway.errors import ConfigError, InputError
from headway.people import KEY_FILE, KEY_VARIABLE, Classes, People


def test_a_hash_is_stable_keyed_and_blind_to_case() -> None:
    one, other = People(b"k" * 32), People(b"l" * 32)
    assert one.known_as("Alice@shop.com") == one.known_as(" alice@SHOP.com ")
    assert one.known_as("alice@shop.com") != other.known_as("alice@shop.com")
    assert one.known_as("alice@shop.com") != one.known_as("bob@shop.com")
    assert len(one.known_as("alice")) == 32
    assert "alice" not in one.known_as("alice")
    assert one.known_as(" ") == ""


def test_names_are_kept_only_where_that_is_asked_for() -> None:
    assert People(b"k" * 32, names=True).known_as("Alice") == "alice"
    assert People(b"k" * 32, names=True).hashed("Alice") == People(b"k" * 32).known_as("alice")


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = People.of(tmp_path, {})
    again = People.of(tmp_path, {})
    file = tmp_path / KEY_FILE
    assert first == again
    assert len(first.key) == 64
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    assert People.of(tmp_path, {KEY_VARIABLE: "x" * 20}).key == b"x" * 20
    assert not (tmp_path / KEY_FILE).exists()


def test_a_key_longer_than_the_hash_takes_is_used_whole() -> None:
    assert People(b"k" * 100).known_as("a") != People(b"k" * 100 + b"l").known_as("a")


def test_keys_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="shorter"):
        People.of("/nowhere", {KEY_VARIABLE: "short"})


def test_a_key_file_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".headway").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="neither read nor made"):
        People.of(tmp_path, {})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that share a start")
def test_syncs_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    import subprocess

    code = f"from headway.people import People; print(People.of({str(tmp_path)!r}, {{}}).key.hex())"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate(timeout=60)[0] for process in running}) == 1


def test_classes_by_default() -> None:
    classes = Classes.of()
    for machine in ("fivetran", "bi_svc", "svc-airflow", "LOOKER_PROD", "x@p.iam.gserviceaccount.com"):
        assert classes.of_person(machine) == "service", machine
    for person in ("alice", "bob.smith@shop.com", "model_owner", "hexter"):
        assert classes.of_person(person) == "person", person
    assert classes.of_person("") == ""


def test_classes_as_configured_match_whole_names_first_come() -> None:
    classes = Classes.of({"service": [".*_robot"], "data_team": "ann|ben", "scheduled": ["cron.*"]})
    found = [classes.of_person(name) for name in ("x_robot", "ann", "anna", "CRON-1", "fivetran")]
    assert found == ["service", "data_team", "person", "scheduled", "person"]


@pytest.mark.parametrize("wrong", [{"boss": ["a"]}, {"service": 3}, {"service": ["("]}, ["a"], {"service": [""]}])
def test_classes_that_cannot_be(wrong: object) -> None:
    with pytest.raises(ConfigError):
        Classes.of(wrong)  # type: ignore[arg-type]
