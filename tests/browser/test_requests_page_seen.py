"""Requests in a browser: what exists already answers while one writes; filing and deciding work without scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, served, sideways, violations
from desk import desk
from headway.project import requests as wishes
from headway.project.ledger import entries

Serve, Visit = Callable[..., str], Callable[..., Any]


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")])
@pytest.mark.parametrize("world", ["headless", "hostile"])
def test_requests_is_whole_and_accessible(serve: Serve, visit: Visit, world: str, width: int, theme: str) -> None:
    page = visit(serve(getattr(worlds, world)()) + "/requests?text=script", width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0
    assert page.evaluate("window.hit") is None


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "light")])
def test_hostile_wishes_are_text_and_the_backlog_is_whole(visit: Visit, tmp_path: Path, width: int, theme: str) -> None:
    project = desk(tmp_path)
    for n, text in enumerate(t for t in worlds.HOSTILE if t.strip()):
        wishes.file(project, by="growth-team", text=text, decision=text, anyway=True, readers=str(n))
    with served(project) as base:
        page = visit(f"{base}/requests", width=width, theme=theme)
        assert violations(page) == []
        assert cut_off(page) == []
        assert sideways(page) == 0
        assert page.evaluate("window.hit") is None
        assert page.locator("main img, main script:not([type])").count() == 0


def test_what_exists_already_is_told_while_one_writes(visit: Visit, tmp_path: Path) -> None:
    with served(desk(tmp_path)) as base:
        page = visit(f"{base}/requests")
        asked: list[str] = []
        page.on("request", lambda r: asked.append(r.url))
        page.get_by_label("What do you need?").press_sequentially("sales board", delay=20)
        page.wait_for_selector("#answer .said")
        assert "Recommended:" in page.locator("#answer").inner_text()
        assert page.evaluate("document.activeElement.id") == "text"
        assert 1 <= len(asked) <= 3
        assert all("token" not in url for url in asked)
        page.get_by_label("What do you need?").fill("something that nobody has")
        page.wait_for_function("!document.querySelector('#answer').textContent.includes('sales_board')")


@pytest.mark.parametrize("scripts", [True, False])
def test_filing_and_deciding_with_scripts_and_without(visit: Visit, tmp_path: Path, scripts: bool) -> None:
    project = desk(tmp_path)
    with served(project) as base:
        page = visit(f"{base}/requests", java_script_enabled=scripts)
        page.get_by_label("What do you need?").fill("Orders by country")
        page.get_by_role("button", name="What exists already?").click()
        page.wait_for_url("**/requests?text=*")
        assert page.get_by_label("What do you need?").input_value() == "Orders by country"
        assert "Recommended:" in page.locator("#answer").inner_text()
        page.get_by_role("button", name="File the request").click()
        page.wait_for_selector(".toast")
        assert "Orders by country" in page.locator(".backlog").inner_text()
        page.locator(".decide summary").click()
        page.locator(".decide select").select_option("declined")
        page.get_by_label("Because").fill("nobody said what it is for")
        page.locator(".decide").get_by_role("button", name="Decide").click()
        page.wait_for_selector("text=1 request was declined.")
        assert [e.act for e in entries(project, "request")] == ["filed", "declined"]
