"""The Map in a browser: what it shows is what is known, nothing moves, and it is quick."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, settled, sideways, violations
from headway.project import Project
from headway.project.pages import map_payload

Serve, Visit = Callable[[Project], str], Callable[..., Any]

BOXES = """() => [...document.querySelectorAll('.goal-card, .tile, .band, .port, #stage, #side, .bar')].map(e => {
  const b = e.getBoundingClientRect(); return [e.tagName, b.x, b.y, b.width, b.height].join(' '); })"""

ARRANGED = """async () => {
  const at = document.querySelector('script[src$="map_page.js"]').src.replace('map_page.js', 'strata.js');
  const {arrangement} = await import(at);
  const data = JSON.parse(document.getElementById('data').textContent), stage = document.getElementById('stage');
  const L = arrangement(data, stage.clientWidth, stage.clientHeight);
  const tiles = L.tiles.map(({band, label, text, x, y, w, h, ids}) => ({band, label, text, x, y, w, h, n: ids.length}));
  return {tiles, x: [...L.x], y: [...L.y], cell: L.cell, height: L.height, stage: stage.clientHeight, band: data.band};
}"""

PAINTED = """async () => {
  const at = document.querySelector('script[src$="map_page.js"]').src.replace('map_page.js', 'strata.js');
  const {arrangement} = await import(at);
  const data = JSON.parse(document.getElementById('data').textContent), stage = document.getElementById('stage');
  const L = arrangement(data, stage.clientWidth, stage.clientHeight), scale = devicePixelRatio;
  const ctx = document.getElementById('squares').getContext('2d'), size = L.cell * .82;
  const pixels = ctx.getImageData(0, 0, Math.round(L.width * scale), Math.round(L.height * scale));
  return data.names.map((_, i) => {
    const x = Math.round((L.x[i] + size * .28) * scale), y = Math.round((L.y[i] + size * .35) * scale);
    return [...pixels.data.slice((y * pixels.width + x) * 4, (y * pixels.width + x) * 4 + 3)].join(' ');
  });
}"""


def legend(page: Any) -> dict[str, str]:
    """Words of the legend that is shown -> count."""
    rows = page.locator("[data-legend]:not([hidden]) li").all()
    return {row.locator("span").inner_text(): row.locator("b").inner_text() for row in rows}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("world", ["company", "headless", "no_usage", "nothing_below", "many_objectives"])
def test_the_map_is_whole_and_accessible(serve: Serve, visit: Visit, world: str, theme: str) -> None:
    page = visit(serve(getattr(worlds, world)()) + "/map", theme=theme)
    assert violations(page) == []
    assert cut_off(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("width", [320, 390, 720, 1000, 1240, 1440, 1920])
def test_no_width_scrolls_sideways(serve: Serve, visit: Visit, width: int) -> None:
    page = visit(serve(worlds.company()) + "/map", width=width)
    assert sideways(page) == 0
    if width < 700:
        assert not page.locator("#squares").is_visible()
        assert page.get_by_role("link", name="The List").first.is_visible()
        assert violations(page) == []


def test_hostile_names_are_text(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.hostile()) + "/map")
    page.locator(".goal-card").first.click()
    page.locator(".tile").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("window.hit") is None
    assert page.locator("#stage img, #stage script, #side img, #side script").count() == 0
    assert violations(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("size", [300, 2_000, 12_000])
def test_tiles_stand_apart_and_hold_their_squares(serve: Serve, visit: Visit, size: int) -> None:
    project = worlds.sized(size)
    found = visit(serve(project) + "/map").evaluate(ARRANGED)
    tiles = found["tiles"]
    assert sum(t["n"] for t in tiles) == len(project.graph().assets)
    for band in {t["band"] for t in tiles}:
        row = sorted((t for t in tiles if t["band"] == band), key=lambda t: t["x"])
        assert len(row) <= 12
        for left, right in pairwise(row):
            assert left["x"] + left["w"] <= right["x"] + 0.01
        assert len({t["text"] for t in row}) == len(row), "no two labels of a band read the same"
    for x, y in zip(found["x"], found["y"], strict=True):
        assert any(t["x"] <= x and x + found["cell"] * 0.82 <= t["x"] + t["w"] and t["y"] <= y for t in tiles)
    bands = sorted({(t["y"], t["y"] + t["h"]) for t in tiles})
    assert all(a[1] <= b[0] for a, b in pairwise(bands))
    assert found["height"] <= found["stage"] + 1, "it fits the window"


def test_the_order_is_the_same_at_every_height(serve: Serve, visit: Visit) -> None:
    address = serve(worlds.sized(2_000)) + "/map"
    orders = []
    for height in (900, 700, 900):
        found = visit(address, height=height).evaluate(ARRANGED)
        orders.append([(t["band"], t["label"]) for t in sorted(found["tiles"], key=lambda t: (t["band"], t["x"]))])
    assert orders[0] == orders[1] == orders[2]


def test_nothing_moves_on_selecting_and_colouring(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.sized(2_000)) + "/map")
    before = page.evaluate(BOXES)
    assert len(before) > 40
    for step in (
        lambda: page.locator(".goal-card").nth(1).click(),
        lambda: page.locator("[data-lens=cost]").click(),
        lambda: page.locator("[data-lens=trust]").click(),
        lambda: page.mouse.click(170, 800),
        lambda: page.locator(".tile").last.press("Enter"),
        lambda: page.keyboard.press("Escape"),
        lambda: page.locator("[data-lens=align]").click(),
    ):
        step()
        assert page.evaluate(BOXES) == before


@pytest.mark.parametrize("place", [0, 1, 4])
def test_selecting_an_objective_shows_what_the_masks_say(serve: Serve, visit: Visit, place: int) -> None:
    project = worlds.company()
    graph = project.graph()
    page = visit(serve(project) + "/map")
    page.locator(".goal-card").nth(place).click()
    base = map_payload.base(graph, {}, map_payload.heads_of(graph)[:6])
    objective = base.objectives[place]
    colour = page.evaluate(
        f"getComputedStyle(document.documentElement).getPropertyValue('--g{base.payload.objectives[place].colour}')"
    )
    wanted = " ".join(str(int(colour.strip()[k : k + 2], 16)) for k in (1, 3, 5))
    painted = page.evaluate(PAINTED)
    mask = graph.goal_mask(objective)
    assert {base.nodes[k] for k, c in enumerate(painted) if c == wanted} == {
        i for i in graph.assets if graph.served[i] & mask
    }
    assert page.locator("#side h2:visible").inner_text() == graph.nodes[objective].label


def test_the_legend_counts_what_is_drawn_and_what_the_list_holds(serve: Serve, visit: Visit) -> None:
    address = serve(worlds.company())
    page = visit(address + "/map")
    states = page.evaluate("JSON.parse(document.getElementById('data').textContent).state")
    shown = legend(page)
    assert shown["Serves an objective"] == f"{states.count(2):,}"
    assert shown["No objective, nobody uses it"] == f"{states.count(0):,}"
    page.locator("[data-legend=align] a", has_text="Serves an objective").click()
    page.wait_for_url("**/list?state=serves")
    assert f"{states.count(2):,} assets" in page.locator(".pager").inner_text()
    for lens in ("goal", "use", "cost", "trust"):
        other = visit(address + f"/map?colour={lens}")
        assert sum(int(n.replace(",", "")) for n in legend(other).values()) == len(states), lens


def test_hover_never_draws(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.sized(12_000)) + "/map")
    before = page.locator("#squares").get_attribute("data-draws")
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        return next(
            m["value"] for m in metrics.send("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration"
        )

    page.mouse.move(200, 800)
    start, moves = spent(), 60
    for k in range(moves):
        page.mouse.move(160 + 5 * k, 800 - k)
    each = (spent() - start) / moves * 1000
    assert page.locator("#tip").is_visible()
    assert page.locator("#squares").get_attribute("data-draws") == before
    assert each < 16, f"{each:.1f} ms for one move"


def test_a_large_map_is_drawn_soon_after_its_data(serve: Serve, visit: Visit) -> None:
    address = serve(worlds.sized(12_000)) + "/map"
    times = []
    for _ in range(4):
        page = visit(address)
        times.append(
            page.evaluate(
                "document.documentElement.dataset.drawn - performance.getEntriesByName('headway-data')[0].startTime"
            )
        )
        if min(times) < 500:
            break
    assert min(times) < 500, times


def test_the_keyboard_reaches_everything(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/map")
    page.locator("[data-tile='0']").focus()
    assert page.locator(".tile[tabindex='0']").count() == 1
    label = page.evaluate("document.activeElement.textContent")
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.className") == "tile"
    assert page.locator(".tile[tabindex='0']").count() == 1
    page.locator("[data-tile='0']").focus()
    page.keyboard.press("Enter")
    panel = page.locator("[data-panel=detail]")
    assert panel.is_visible()
    assert panel.locator("h2").inner_text() in label
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    card = page.locator(".goal-card").nth(1)
    card.focus()
    page.keyboard.press("Enter")
    assert card.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.dataset.head") == "1", "the focus stays where it was"
    assert violations(page) == []
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"


def test_the_address_reproduces_what_is_seen(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/map")
    page.locator("[data-lens=use]").click()
    page.locator(".goal-card").nth(2).click()
    title = page.locator("#side h2:visible").inner_text()
    again = visit(page.url)
    assert again.locator("[data-lens=use]").get_attribute("aria-pressed") == "true"
    assert again.locator("#side h2:visible").inner_text() == title
    assert again.locator("h1").inner_text() == page.locator("h1").inner_text()


def test_a_square_opens_its_asset(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/map")
    place = page.evaluate(ARRANGED)
    box = page.locator("#squares").bounding_box()
    page.mouse.click(box["x"] + place["x"][0] + 3, box["y"] + place["y"][0] + 3)
    name = page.locator("[data-panel=detail] h2").inner_text()
    assert violations(page) == []
    again = visit(page.url)
    assert again.locator("[data-panel=detail] h2").inner_text() == name
    page.get_by_role("link", name="Open", exact=True).click()
    settled(page)
    page.wait_for_url(lambda url: "/asset/" in url and "@" not in url)
    assert name in page.locator(".crumb").inner_text()


def test_no_usage_is_never_called_unused(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.no_usage()) + "/map")
    assert "nobody" not in page.locator("#side").inner_text().lower()
    assert page.locator("[data-lens=use]").get_attribute("aria-disabled") == "true"
    assert page.locator("[data-lens=use]").get_attribute("title")


def test_without_goals_three_steps_stand_where_findings_would(serve: Serve, visit: Visit) -> None:
    project = worlds.headless()
    page = visit(serve(project) + "/map")
    assert page.locator("h1").inner_text() == f"{len(project.graph().assets)} assets, and none of them has a goal yet"
    assert page.locator(".goal-card.ghost").count() == 3
    assert page.locator("#side").get_by_text("Worth a look").count() == 0
    assert page.locator("#side .item").count() == 3


def test_a_filter_fades_and_keeps_every_place(serve: Serve, visit: Visit) -> None:
    address = serve(worlds.company())
    whole = visit(address + "/map")
    before = whole.evaluate(ARRANGED)["tiles"]
    whole.select_option("#department", index=1)
    whole.wait_for_url("**department=**")
    settled(whole)
    assert whole.evaluate(ARRANGED)["tiles"] == before
    assert whole.locator("#department").input_value()


def test_a_real_project_is_drawn(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.mitodl()) + "/map")
    assert page.locator("h1").inner_text() == "1,060 assets, and none of them has a goal yet"
    assert violations(page) == []


def test_pictures_hold_still_and_the_theme_repaints(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/map", reduced_motion="reduce")
    before = page.locator("#squares").get_attribute("data-draws")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("n => document.getElementById('squares').dataset.draws !== n", arg=before)
    assert violations(page) == []
