"""Triage in a browser: whole in every state, decided by keyboard, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, served, settled, sideways, violations
from desk import desk
from headway.graph.model import Coverage, Node, Observation
from headway.project import Project
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


def hostile() -> Project:
    """Zombies whose names, owners and folders try something, beside a goal."""
    records = [*worlds._objective("o", "Grow", "team", order=0)]
    records += worlds._key_result("o", "k", "Orders", (0, 1, 2), "", owner="team")
    for n, text in enumerate(worlds.HOSTILE):
        records.append(Node(id=f"dbt:model.x.{n}", kind="model", name=text, owner=text, path=f"models/{text}/m.sql"))
    seen = {"day": worlds.AS_OF, "measure": "views", "amount": 1, "person_class": "person", "origin": worlds.USAGE}
    records += [Node(id="dbt:model.x.used", kind="model", name="used"), Observation(node="dbt:model.x.used", **seen)]
    start = worlds.AS_OF - timedelta(days=120)
    records.append(Coverage(covers="kind:model", start=start, end=worlds.AS_OF, origin=worlds.USAGE))
    return worlds.project_of(records)


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "light")])
def test_names_that_try_something_are_text(visit: Visit, width: int, theme: str) -> None:
    project = hostile()
    findings = ",".join(str(row.values[0]) for row in project.ask("triage", kind="zombies").rows)
    assert findings.count(",") == len(worlds.HOSTILE) - 1
    with served(project) as base:
        for address in ("/triage/zombies", f"/triage/decide?act=keep&finding={findings}"):
            page = visit(base + address, width=width, theme=theme)
            assert page.evaluate("window.hit") is None
            assert page.locator("main img, main script:not([type])").count() == 0
            assert worlds.HOSTILE[0] in page.locator("main").inner_text()
            assert violations(page) == []
            assert sideways(page) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_decision_before_it_is_made_is_accessible(visit: Visit, tmp_path: Path, width: int, theme: str) -> None:
    with served(desk(tmp_path)) as base:
        for act in ("Keep", "Retire"):
            page = visit(f"{base}/triage/zombies", width=width, theme=theme, java_script_enabled=True)
            page.get_by_role("link", name=f"{act} ").first.click()
            page.wait_for_selector("#deciding h2")
            page.wait_for_selector("#deciding-head:focus")
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
