"""Cost in a browser: whole and readable in every state, true to its twin, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, settled, sideways, violations

Serve, Visit = Callable[..., str], Callable[..., Any]

SPILT = """() => [...document.querySelectorAll('.icicle')].filter(s => s.getBoundingClientRect().width).flatMap(svg =>
  [...svg.querySelectorAll('text')].filter(t => {
    const box = [...t.parentElement.children].find(c => c.matches('.l1, .l2'));
    const b = t.getBBox(), v = svg.viewBox.baseVal;
    const right = box ? +box.getAttribute('x') + +box.getAttribute('width') : v.width;
    return b.x < -1 || b.x + b.width > right + 1 || b.y < -1 || b.y + b.height > v.height + 2;
  }).map(t => t.textContent))"""
"""Labels that reach out of their box, or out of the picture."""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("world", ["company", "headless", "no_usage", "nothing_below", "many_objectives", "hostile"])
def test_cost_is_whole_and_accessible_in_every_state(
    serve: Serve, visit: Visit, world: str, width: int, theme: str
) -> None:
    page = visit(serve(getattr(worlds, world)()) + "/cost", width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0
    assert page.evaluate(SPILT) == []


@pytest.mark.parametrize("address", ["/cost?by=owner", "/cost?by=folder", "/cost?objective=none:zombie"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_split_is_whole_and_accessible(serve: Serve, visit: Visit, address: str, width: int) -> None:
    page = visit(serve(worlds.company()) + address, width=width)
    assert violations(page) == []
    assert sideways(page) == 0
    assert page.evaluate(SPILT) == []


def test_the_table_and_the_picture_show_the_numbers_of_the_twin(serve: Serve, visit: Visit) -> None:
    base = serve(worlds.company())
    page = visit(base + "/cost")
    twin = page.request.get(base + "/cost.json").json()
    cells = page.locator("aside tbody tr").all()
    assert [c.locator("td").first.inner_text() for c in cells] == [r["text"] for r in twin["rows"]]
    assert page.locator("aside tfoot td").first.inner_text() == twin["total_text"]
    assert sum(r["micros"] for r in twin["rows"]) == twin["total_micros"]
    heights = page.evaluate(
        "[...document.querySelectorAll('.wide .icicle rect.l1')].map(r => r.getBoundingClientRect().height)"
    )
    known = [b["micros"] for b in twin["blocks"] if b["micros"] > 0]
    assert len(heights) == len(known)
    for height, micros in zip(heights, known, strict=True):
        assert abs(height / sum(heights) - micros / sum(known)) < 0.01


def test_a_block_is_zoomed_into_and_the_table_follows(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/cost")
    page.locator(".wide .icicle a", has_text="Nobody uses it").first.click()
    page.wait_for_url("**/cost?objective=none:zombie")
    settled(page)
    assert page.locator("h1").inner_text().startswith("Nobody uses it: ")
    assert page.locator("aside h2").inner_text() == "Nobody uses it, by folder"
    page.get_by_role("link", name="All cost").click()
    page.wait_for_url("**/cost")


def test_a_walk_by_keyboard_alone(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/cost", java_script_enabled=False)
    page.get_by_role("link", name="Owner").focus()
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == "Nobody uses it":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/cost?objective=none:zombie")


def test_names_that_try_something_are_text(serve: Serve, visit: Visit) -> None:
    base = serve(worlds.hostile())
    for by in ("objective", "owner", "folder"):
        page = visit(f"{base}/cost?by={by}")
        assert page.evaluate("window.hit") is None
        assert page.locator("main img, main script:not([type])").count() == 0
