"""The page Health in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, sideways, violations


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_health_is_accessible_and_whole(
    serve: Callable[..., str], visit: Callable[..., Any], width: int, theme: str
) -> None:
    page = visit(serve(worlds.company()) + "/health", width=width, theme=theme)
    assert page.locator("h1").inner_text()
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0


def test_a_chosen_theme_is_kept_and_the_page_comes_back(serve: Callable[..., str], visit: Callable[..., Any]) -> None:
    page = visit(serve(worlds.company()) + "/health", theme="light")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    page.wait_for_selector("html[data-theme=dark]", state="attached")
    assert page.url.endswith("/health")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground
    page.reload()
    assert page.locator("html[data-theme=dark]").count() == 1


def test_the_keys_are_listed_and_search_takes_the_focus(serve: Callable[..., str], visit: Callable[..., Any]) -> None:
    page = visit(serve(worlds.company()) + "/health")
    page.keyboard.press("?")
    assert page.locator("dialog.keys[open]").is_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert page.locator("dialog.keys[open]").count() == 0
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.getAttribute('type')") == "search"
