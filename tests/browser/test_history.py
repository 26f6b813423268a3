"""History in a browser: whole in every state, true to its twin, and two days compared without scripts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, served, sideways, violations
from desk import aged
from headway.project import Project

Serve, Visit = Callable[..., str], Callable[..., Any]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return aged(Path(tmp_path_factory.mktemp("aged")))


LOOKS = [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_history_with_a_past_is_whole_and_accessible(
    serve: Serve, visit: Visit, shop: Project, width: int, theme: str
) -> None:
    page = visit(serve(shop) + "/history?from=2026-09-01&to=2026-11-22", width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize(("width", "theme"), LOOKS)
@pytest.mark.parametrize("world", ["company", "headless", "hostile"])
def test_history_without_a_past_is_whole_and_accessible(
    serve: Serve, visit: Visit, world: str, width: int, theme: str
) -> None:
    page = visit(serve(getattr(worlds, world)()) + "/history", width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0
    assert page.locator("svg.area").count() == 0
    assert page.evaluate("window.hit") is None


def test_the_table_and_the_picture_show_the_numbers_of_the_twin(serve: Serve, visit: Visit, shop: Project) -> None:
    base = serve(shop)
    page = visit(base + "/history")
    twin = page.request.get(base + "/history.json").json()
    shown = [[c.inner_text() for c in row.locator("td").all()] for row in page.locator("table.rows tbody tr").all()]
    assert [row[3:7] for row in shown] == [p["texts"] for p in reversed(twin["points"])]
    labels = page.locator("svg.area .layer-name").all_text_contents()
    last = twin["points"][-1]["shares"]
    assert labels == [f"{word} {share * 100:.0f}%" for word, share in zip(twin["words"], last, strict=True)]
    assert page.locator(".marks li").count() == len(twin["marks"])
    assert page.locator(".marks .chip").count() == sum(m["jump"] for m in twin["marks"])


def test_labels_do_not_touch_and_stay_in_the_picture(serve: Serve, visit: Visit, shop: Project) -> None:
    page = visit(serve(shop) + "/history?every=week")
    boxes = page.evaluate(
        """[...document.querySelectorAll('svg.area .layer-name')].map(t => {
             const b = t.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height]; })"""
    )
    assert len(boxes) == 4
    assert all(right <= 900 for _, _, right, _ in boxes)
    assert all(lower[1] >= upper[3] - 2.5 for lower, upper in pairwise(boxes))


def test_two_days_are_compared_without_scripts(visit: Visit, shop: Project) -> None:
    with served(shop) as base:
        page = visit(base + "/history", java_script_enabled=False)
        page.get_by_label("From").fill("2026-09-01")
        page.get_by_role("button", name="Compare").press("Enter")
        page.wait_for_url("**from=2026-09-01*")
        assert "4 began to serve" in page.locator(".said").inner_text()
        page.get_by_role("link", name="sales_board").first.click()
        page.wait_for_url("**/asset/**")
