"""The List and the page of an asset in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, sideways, violations
from headway.project import Project

Serve, Visit = Callable[[Project], str], Callable[..., Any]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("address", ["/list", "/list?state=nobody&sort=-cost", "/list?q=nothing-is-called-so"])
def test_the_list_is_whole_and_accessible(serve: Serve, visit: Visit, address: str, width: int, theme: str) -> None:
    page = visit(serve(worlds.company()) + address, width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_an_asset_is_whole_and_accessible(serve: Serve, visit: Visit, width: int, theme: str) -> None:
    project = worlds.company()
    graph = project.graph()
    serving = next(i for i in graph.assets if graph.served[i] and graph.use.own[i])
    idle = next(i for i in graph.assets if not graph.served[i])
    for i in (serving, idle):
        page = visit(serve(project) + f"/asset/{graph.nodes[i].id}", width=width, theme=theme)
        assert violations(page) == []
        assert cut_off(page) == []
        assert sideways(page) == 0


@pytest.mark.parametrize(
    "address", ["/list", "/asset/dbt:model.x.1", "/asset/dbt:model.x.5", "/list?around=dbt:model.x.5"]
)
def test_hostile_names_are_text(serve: Serve, visit: Visit, address: str) -> None:
    page = visit(serve(worlds.hostile()) + address)
    assert page.evaluate("window.hit") is None
    assert page.locator("main img, main script, main [onerror]").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert violations(page) == []
    assert sideways(page) == 0


def test_a_filter_is_applied_when_it_is_chosen_and_can_be_taken_back(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/list")
    page.get_by_label("What it is for").select_option(label="Serves an objective")
    page.wait_for_url("**/list?state=serves")
    texts = page.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert texts
    assert all(text.startswith("Serves an objective") for text in texts)
    page.locator("#filters").get_by_role("link", name="All").click()
    page.wait_for_url("**/list")


def test_the_list_works_without_scripts(serve: Serve, visit: Visit, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    address = serve(worlds.company())
    page.goto(address + "/map")
    assert page.locator("noscript p").is_visible()
    assert page.locator("noscript p a").get_attribute("href") == "/list"
    page.goto(address + "/list")
    page.get_by_label("Name or folder").fill("shop")
    page.get_by_role("button", name="Show").click()
    assert "q=shop" in page.url
    assert page.locator("tbody tr").count() > 0
    context.close()


def test_keys_lead_to_the_other_views(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/list")
    page.keyboard.press("v")
    page.wait_for_url("**/map")
