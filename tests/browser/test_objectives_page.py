"""Objectives, one objective, one key result and search in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, sideways, violations

Serve, Visit = Callable[..., str], Callable[..., Any]
WORLDS = ["company", "headless", "no_usage", "no_readings", "nothing_below", "many_objectives", "hostile"]
PAGES = ["/", "/objective/goal:objective.keep", "/key-result/goal:key_result.keep.churn", "/search?q=shop"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("world", WORLDS)
def test_objectives_is_whole_and_accessible_in_every_state(
    serve: Serve, visit: Visit, world: str, width: int, theme: str
) -> None:
    page = visit(serve(getattr(worlds, world)()) + "/", width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("address", PAGES[1:])
def test_the_other_pages_of_goals_are_whole_and_accessible(
    serve: Serve, visit: Visit, address: str, width: int, theme: str
) -> None:
    page = visit(serve(worlds.company()) + address, width=width, theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("width", [320, 390, 768, 1000, 1001, 1100, 1440, 1920])
def test_nothing_scrolls_sideways_at_any_width(serve: Serve, visit: Visit, width: int) -> None:
    for world in (worlds.company(), worlds.hostile()):
        assert sideways(visit(serve(world) + "/", width=width)) == 0


def test_text_of_twice_the_size_stays_whole(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/", width=720, device_scale_factor=2)
    assert cut_off(page) == []
    assert sideways(page) == 0


def test_the_page_shows_the_numbers_of_its_twin(serve: Serve, visit: Visit) -> None:
    base = serve(worlds.company())
    page = visit(base + "/")
    twin = page.request.get(base + "/objectives.json").json()
    assert page.locator("h1").inner_text() == "".join(p["text"] for p in twin["sentence"])
    counters = page.locator(".stats b").all_inner_texts()
    assert counters == [c["big"] for c in twin["counters"]]
    for shown, o in zip(page.locator(".objective").all(), twin["objectives"], strict=True):
        assert shown.locator("h2").inner_text() == o["name"]
        assert shown.locator(".ring text").text_content() == f"{round(o['progress'] * 100)}%"
        assert shown.locator("header .chip").inner_text() == o["verdict"]["text"]
        assert shown.locator(".value b").all_inner_texts() == [k["now_text"] for k in o["key_results"]]
        assert shown.locator("td .chip").all_inner_texts() == [k["verdict"]["text"] for k in o["key_results"]]


def test_columns_line_up_across_cards(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/")
    lefts = page.evaluate(
        """[...document.querySelectorAll('.krs')]
             .map(t => [...t.querySelector('tbody tr').cells].map(c => c.getBoundingClientRect().left))"""
    )
    rows = [row for row in lefts if len(row) == 7]
    assert len(rows) >= 4
    assert all(row == rows[0] for row in rows)


def test_names_that_try_something_are_text(serve: Serve, visit: Visit) -> None:
    base = serve(worlds.hostile())
    for address in (
        "/",
        "/search?q=script",
        "/key-result/goal:key_result.h1.k",
        "/objective/goal:objective.h2",
        "/health",
    ):
        page = visit(base + address)
        assert page.evaluate("window.hit") is None
        assert page.locator("main img, main script:not([type])").count() == 0
        hrefs = page.evaluate("[...document.querySelectorAll('a')].map(a => a.protocol)")
        assert set(hrefs) <= {"http:", "https:"}


def test_a_walk_by_keyboard_alone(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        name = page.evaluate(
            "document.activeElement.innerText || document.activeElement.getAttribute('aria-label') || ''"
        )
        assert ring != "none" or page.evaluate("document.activeElement.matches('.find input')"), name
        seen.append(name)
        if name.strip() == "CAC payback":
            break
    assert seen[-1].strip() == "CAC payback"
    page.keyboard.press("Enter")
    page.wait_for_url("**/key-result/**")
    assert "CAC payback" in page.locator("h1").inner_text()
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(re.compile(r"/$"))
    page.keyboard.press("/")
    page.keyboard.type("churn")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=churn")
    assert page.locator(".hits li").first.inner_text().startswith("key result")


def test_filters_are_in_the_address_and_work_without_scripts(serve: Serve, visit: Visit) -> None:
    base = serve(worlds.company())
    page = visit(base + "/", java_script_enabled=False)
    page.get_by_label("Department").select_option("finance-team")
    page.get_by_role("button", name="Show").click()
    assert "department=finance-team" in page.url
    assert page.locator(".objective h2").all_inner_texts() == ["Close the books in three days"]


def test_a_small_screen_keeps_the_table_and_has_a_menu(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/", width=390)
    assert page.get_by_role("row").count() > 10
    page.get_by_label("Search and more").click()
    assert page.locator(".menu .find input").is_visible()
    assert page.locator(".menu .asof").is_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert not page.locator(".menu .find input").is_visible()


def test_motion_is_reduced_and_print_has_no_header(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/", reduced_motion="reduce")
    page.emulate_media(media="print")
    assert not page.locator("header.top").is_visible()
    assert page.locator("h1").is_visible()


def test_search_answers_while_typing_and_leads_there(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/")
    page.keyboard.press("/")
    page.keyboard.type("retention")
    page.wait_for_selector(".top > .find .found:not([hidden]) li")
    assert violations(page) == []
    page.keyboard.press("ArrowDown")
    chosen = page.locator(".found li[aria-selected=true] b").inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
    page.keyboard.press("Escape")
    assert page.locator(".found:not([hidden])").count() == 0
    page.locator(".top > .find input").fill("12-month retention")
    page.wait_for_selector(".top > .find .found:not([hidden]) li")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/key-result/goal:key_result.keep.retention")
    assert chosen


def test_hits_with_hostile_names_are_text(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.hostile()) + "/")
    page.locator(".top > .find input").fill("script")
    page.wait_for_selector(".top > .find .found:not([hidden]) li")
    assert page.locator(".found img, .found script").count() == 0
    assert page.evaluate("window.hit") is None
