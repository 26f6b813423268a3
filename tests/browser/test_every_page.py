"""Every page of the table, in every kind of company, wide and narrow, light and dark: whole, quiet, accessible, true.

By default each page is looked at once in each company, in a width and a theme that take turns, so that it is seen
in all of them. HEADWAY_EVERY_PAGE=all looks at each combination; pictures go to build/screens, or HEADWAY_SCREENS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import worlds
from browser.conftest import sideways, violations
from headway.project import Project
from headway.project.pages.table import PAGES, PageRow

Serve, Visit = Callable[..., str], Callable[..., Any]

WORLDS: dict[str, Callable[[], Project]] = {
    "company": worlds.company,
    "headless": worlds.headless,
    "no_usage": worlds.no_usage,
    "2000": lambda: worlds.sized(2_000),
    "12000": lambda: worlds.sized(12_000),
    "mitodl": worlds.mitodl,
}
"""Companies. The first has some 300 assets."""
LOOKS = [(1440, "light"), (390, "dark"), (1440, "dark"), (390, "light")]
ALL = os.environ.get("HEADWAY_EVERY_PAGE") == "all"
ROWS = {row.name: row for row in PAGES}


def cases() -> Iterator[Any]:
    """Page, company, width, theme."""
    for p, row in enumerate(PAGES):
        for w, world in enumerate(WORLDS):
            for width, theme in LOOKS if ALL else [LOOKS[(p + w) % 4]]:
                yield pytest.param(row.name, world, width, theme, id=f"{row.name}-{world}-{width}-{theme}")


def key_of(row: PageRow, project: Project) -> str | None:
    """What the page is about in this company: something that it has; None where it has no such thing."""
    graph = project.graph()
    if not row.key:
        return ""
    if row.name == "triage":
        return "zombies"
    if row.name in {"objective", "key_result"}:
        goals = (n.id for n in graph.nodes if n.kind == row.name)
        return next(goals, None)
    models = [i for i in graph.assets if graph.nodes[i].kind == "model"]
    return graph.nodes[max(models, key=lambda i: (len(graph.downstream[i]), -i))].id


def given_of(row: PageRow) -> dict[str, str]:
    """Parameters without which the page shows nothing."""
    return {"q": "team"} if row.name == "search" else {}


@pytest.mark.parametrize(("name", "world", "width", "theme"), list(cases()))
def test_a_page_is_whole_quiet_accessible_and_true(
    serve: Serve, visit: Visit, name: str, world: str, width: int, theme: str
) -> None:
    row, project = ROWS[name], WORLDS[world]()
    key = key_of(row, project)
    if key is None:
        pytest.skip(f"{world} has no {name.replace('_', ' ')}")
    base, given = serve(project), given_of(row)
    page = visit(base + row.to(key, **given), width=width, theme=theme, reduced_motion="reduce")
    keep(page, f"{name}-{world}-{width}-{theme}")
    twin = page.request.get(base + page.locator("link[rel=alternate]").get_attribute("href")).json()
    said = "".join(part["text"] for part in twin["sentence"])
    assert page.locator("h1").first.text_content().strip().startswith(said)
    assert strange(page, twin) == []
    assert violations(page) == []
    assert sideways(page) == 0
    assert running(page) == []


def test_each_page_is_seen_wide_narrow_light_and_dark() -> None:
    """The choice of combinations leaves no page without one of its looks."""
    seen = {(case.values[0], *case.values[2:]) for case in cases()}
    assert seen == {(row.name, *look) for row in PAGES for look in LOOKS}


SQUEEZED = """() => {
  document.querySelectorAll("main details").forEach(d => { d.open = true; });
  const seen = [...document.querySelectorAll("main *")].filter(e => !e.closest("pre, thead, #stage, .hidden-visually"));
  const wider = e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible";
  const cells = [...document.querySelectorAll("main td, main tbody th")].filter(e => e.textContent.trim());
  return [...seen.filter(e => wider(e) && !getComputedStyle(e).textOverflow.includes("ellipsis")),
          ...cells.filter(e => e.clientWidth < 44)]
    .map(e => e.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("name", list(ROWS))
def test_on_a_narrow_window_no_table_is_cut_or_squeezed(serve: Serve, visit: Visit, name: str) -> None:
    """Rows of many columns become cards: each is as wide as the window, and each cell says what it holds."""
    row, project = ROWS[name], worlds.company()
    key = key_of(row, project)
    assert key is not None
    page = visit(serve(project) + row.to(key, **given_of(row)), width=390)
    assert page.evaluate(SQUEEZED) == []
    unnamed = "main .cards td:not([data-head], .tick, .acts, .why, :empty)"
    assert page.locator(unnamed).filter(has_not=page.locator("form")).count() == 0


def keep(page: Any, name: str) -> None:
    """A picture of what is seen, where somebody wants to look at it."""
    if folder := os.environ.get("HEADWAY_SCREENS", "build/screens" if ALL else ""):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


DRAWN = "svg, #labels, #tip, #paper, #shown, noscript, [hidden], code, .command"
"""Pictures, whose parts have tests of their own, and what is typed, not counted."""

SHOWN = """skip => {
  const copy = document.querySelector("body").cloneNode(true);
  copy.querySelectorAll(`script, style, ${skip}`).forEach(el => el.remove());
  return [...copy.querySelectorAll("main, .bar")].flatMap(part => {
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT), found = [];
    while (walk.nextNode()) found.push(walk.currentNode.textContent);
    return found;
  }).join("\\n");
}"""

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def strange(page: Any, twin: Any) -> list[str]:
    """Numbers that the page shows and its twin has not: as text, as a number, as a share, or as a count of rows."""
    known = {"100"}  # a whole, in percent

    def learn(value: Any) -> None:
        if isinstance(value, dict):
            for v in value.values():
                learn(v)
        elif isinstance(value, list):
            for count in (len(value), len(value) - 1):
                known.update((str(count), f"{count:,}"))
            for v in value:
                learn(v)
        elif isinstance(value, str):
            known.update(NUMBER.findall(value))
            known.update(part.lstrip("0") for part in re.findall(r"\d+", value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            known.update(NUMBER.findall(f"{value:,} {value} {value:.0f} {value:,.0f} {value * 100:.0f}"))

    learn(twin)
    shown = NUMBER.findall(page.evaluate(SHOWN, DRAWN))
    return [number for number in shown if number not in known]


def running(page: Any) -> list[str]:
    """What still moves for a reader who asked for no motion."""
    return list(page.evaluate("document.getAnimations().map(a => a.animationName || a.transitionProperty)"))
