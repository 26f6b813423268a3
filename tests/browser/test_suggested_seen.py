"""Suggested links in a browser: dashed and only on request, by pointer and by keyboard, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browser import worlds
from browser.conftest import served, sideways, violations
from headway.project.linking import states
from suggesting import OTHER, REVENUE, suggesting

Serve, Visit = Callable[..., str], Callable[..., Any]
DASHES, CARDS = "#lines path.suggested", ".card.aside"


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_they_are_drawn_on_request_and_the_address_says_so(
    visit: Visit, tmp_path: Path, width: int, theme: str
) -> None:
    with served(suggesting(tmp_path)) as base:
        page = visit(f"{base}/lineage/{REVENUE}", width=width, theme=theme)
        shown = page.locator("#shown").inner_text()
        assert page.locator(DASHES).count() == page.locator(CARDS).count() == 0
        page.get_by_role("button", name="Suggested · 2").click()
        assert page.locator(DASHES).count() == page.locator(CARDS).count() == 2
        assert page.evaluate(f"getComputedStyle(document.querySelector('{DASHES}')).strokeDasharray") != "none"
        assert page.locator("#shown").inner_text() == shown  # what is only suggested is not within reach
        assert page.url.endswith("suggested=1")
        assert violations(page) == []
        assert sideways(page) == 0
        again = visit(page.url, width=width, theme=theme)
        assert again.locator(DASHES).count() == 2
        again.keyboard.press("s")
        assert again.locator(DASHES).count() == 0
        assert "suggested" not in again.url


@pytest.mark.parametrize("scripts", [True, False])
def test_accepting_by_keyboard_leads_back_to_what_became_of_it(visit: Visit, tmp_path: Path, scripts: bool) -> None:
    project = suggesting(tmp_path)
    with served(project) as base:
        context = {"java_script_enabled": scripts}
        page = visit(f"{base}/lineage/{REVENUE}", **context) if scripts else _unscripted(visit, base, context)
        page.get_by_label("Why, for new_revenue and Revenue").fill("the board says so")
        page.get_by_role("button", name="Accept: new_revenue shows").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".maybe .chip")
        assert page.locator(".maybe .chip").all_inner_texts() == ["Accepted"]
        assert "suggested=1" in page.url
        assert page.evaluate("document.activeElement.id") == "suggested"
    assert states(project) == {(OTHER, REVENUE): "accepted"}


def _unscripted(visit: Visit, base: str, context: dict[str, bool]) -> Any:
    """A picture is never drawn without scripts: the page opens from one that says that it is settled."""
    page = visit(f"{base}/", **context)
    page.goto(f"{base}/lineage/{REVENUE}")
    return page


def test_without_suggestions_there_is_nothing_to_press(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.headless()) + "/lineage/dbt:model.shop.stg_shop_0")
    assert page.locator("button[data-suggested]").count() == 0
    page.keyboard.press("s")
    assert page.locator(DASHES).count() == 0
