"""Docs cannot lie: what is generated is current, what is named exists, what is shown parses."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from headway.cli.main import COMMANDS
from headway.project import settings
from headway.project.plugins import connector_class
from headway.questions.registry import questions

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("examples/*.md")])


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs/generate.py", "--check"], check=False, timeout=120)
    assert done.returncode == 0, "run `make docs`"


def test_every_command_question_connector_and_error_has_a_heading_or_row() -> None:
    text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"### `headway {name}`" in text
    for question in questions().values():
        assert f"### `headway {question.name}` ({question.code})" in text
    for point in entry_points(group="headway.connectors"):
        assert f"### `{point.name}`" in text


def commands_named(text: str) -> set[str]:
    """`headway X` in code spans and fenced blocks."""
    code = "\n".join(re.findall(r"```(?:sh|console|text|bash)?\n(.*?)```", text, re.DOTALL))
    code += "\n" + "\n".join(re.findall(r"`([^`\n]+)`", text))
    return set(re.findall(r"(?:^|[\s`/])headway ([a-z][a-z-]+)", code, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    known = {*COMMANDS, *questions()}
    assert commands_named(page.read_text(encoding="utf-8")) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_local_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        for named in re.findall(r"`?make ([a-z-]+)`?", page.read_text(encoding="utf-8")):
            if f"`make {named}" in page.read_text(encoding="utf-8") or f"\nmake {named}" in page.read_text(
                encoding="utf-8"
            ):
                assert named in targets, f"{page.name}: make {named}"


SETTINGS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```yaml\n(# headway\.yml\n.*?)```", page.read_text("utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("block", SETTINGS)
def test_settings_that_are_shown_can_be_read_and_name_real_connectors_and_options(block: str, tmp_path: Path) -> None:
    (tmp_path / "headway.yml").write_text(block, encoding="utf-8")
    config = settings.load(tmp_path, {})
    for source in config.sources:
        known = {option.name for option in connector_class(source.connector).options}  # type: ignore[attr-defined]
        assert set(source.options) <= known, source.connector
