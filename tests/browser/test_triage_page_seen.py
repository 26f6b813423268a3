"""Triage in a browser: whole in every state, decided by keyboard, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, served, settled, sideways, violations
from desk import desk
from headway.project.ledger import entries

Serve, Visit = Callable[..., str], Callable[..., Any]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("world", ["company", "headless", "no_usage", "hostile"])
def test_triage_is_whole_and_accessible_in_every_state(
    serve: Serve, visit: Visit, world: str, width: int, theme: str
) -> None:
    base = serve(getattr(worlds, world)())
    for kind in ("zombies", "unmeasured"):
        page = visit(f"{base}/triage/{kind}", width=width, theme=theme)
        assert violations(page) == []
        assert cut_off(page) == []
        assert sideways(page) == 0
        assert page.evaluate("window.hit") is None
        assert page.locator("main img, main script:not([type])").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_decision_before_it_is_made_is_accessible(visit: Visit, tmp_path: Path, width: int, theme: str) -> None:
    with served(desk(tmp_path)) as base:
        for act in ("Keep", "Retire"):
            page = visit(f"{base}/triage/zombies", width=width, theme=theme, java_script_enabled=True)
            page.get_by_role("link", name=f"{act} ").first.click()
            page.wait_for_selector("#deciding h2")
            assert page.evaluate("document.activeElement.id") == "deciding-head"
            assert violations(page) == []
            assert sideways(page) == 0


@pytest.mark.parametrize("scripts", [True, False])
def test_keep_and_undo_by_keyboard_with_scripts_and_without(visit: Visit, tmp_path: Path, scripts: bool) -> None:
    project = desk(tmp_path)
    with served(project) as base:
        page = visit(f"{base}/triage/zombies", java_script_enabled=scripts)
        rows = page.locator("tbody tr[role=row]").count()
        page.get_by_role("link", name="Keep ").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#deciding h2")
        page.get_by_label("Because").fill("the auditor reads it")
        page.keyboard.press("Enter")
        page.wait_for_selector(".toast")
        assert "the auditor reads it" in page.locator(".log").text_content()
        assert page.locator("form#choose tbody tr[role=row]").count() == rows - 1
        assert [e.act for e in entries(project, "finding")] == ["keep", "keep"]
        if scripts:
            assert page.evaluate("document.activeElement.classList.contains('toast')")
        page.locator(".toast").get_by_role("button", name="Undo").press("Enter")
        page.wait_for_selector(".toast", state="detached")
        settled(page)
        assert page.locator("form#choose tbody tr[role=row]").count() == rows
        assert [e.act for e in entries(project, "finding")] == ["keep", "keep", "undo", "undo"]


def test_what_is_chosen_leaves_only_the_buttons_it_shares(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/triage/zombies")
    bulk = page.locator(".bulk button")
    if not page.locator(".bulk").count():  # nothing is kept here: there is no store
        assert page.locator("input[name=finding]").count() == 0
        assert "for reading" in page.locator("main").inner_text()
        return
    assert all(not b.is_enabled() for b in bulk.all())


def test_bulk_selection_says_what_would_happen_first(visit: Visit, tmp_path: Path) -> None:
    project = desk(tmp_path)
    with served(project) as base:
        page = visit(f"{base}/triage/zombies")
        buttons = {b.inner_text(): b for b in page.locator(".bulk button").all()}
        assert not buttons["Retire"].is_enabled()
        for box in page.locator("input[name=finding]").all():
            box.check()
        assert page.locator("#counted").inner_text() == "2 chosen:"
        buttons["Retire"].click()
        page.wait_for_selector("#deciding h2")
        assert "retirements.yml" in page.locator("#deciding").inner_text()
        assert entries(project, "finding") == ()
        page.get_by_role("button", name="Announce the retirement").click()
        page.wait_for_selector(".toast")
        assert [e.act for e in entries(project, "finding")] == ["retire", "retire"]
