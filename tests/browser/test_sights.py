"""Every page for those who see otherwise: forced colours, more contrast, no motion, 200 % zoom, the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browser import worlds
from browser.conftest import cut_off, sideways, violations
from browser.test_every_page import ROWS, given_of, key_of, running
from headway.project.pages.table import PAGES

Serve, Visit = Callable[..., str], Callable[..., Any]

PICTURES = {row.name for row in PAGES if row.picture}
ZOOMED = {"width": 720, "height": 450, "device_scale_factor": 2}
"""A window of 1440 by 900 at 200 %."""
NAMES = [row.name for row in PAGES]


def opened(serve: Serve, visit: Visit, name: str, **look: Any) -> Any:
    row, project = ROWS[name], worlds.company()
    key = key_of(row, project)
    assert key is not None
    return visit(serve(project) + row.to(key, **given_of(row)), **look)


BORDERLESS = """() => [...document.querySelectorAll('.button, .chip, .panel, .field, .find, .card, .goal-card')]
  .filter(e => e.checkVisibility() && parseFloat(getComputedStyle(e).borderTopWidth) < .5)
  .map(e => e.outerHTML.slice(0, 90))"""
"""Boxes that only their ground told from the page: forced colours take the ground away."""

CHOSEN = """() => [...document.querySelectorAll('[aria-pressed=true], nav [aria-current], .seg [aria-current]')]
  .filter(e => e.checkVisibility()).map(e => {
    const look = x => {
      const c = getComputedStyle(x);
      return [c.backgroundColor, c.outlineStyle, c.outlineWidth].join();
    };
    const all = e.closest('.seg, nav, #labels').querySelectorAll('a, button');
    const chosen = o => o.getAttribute('aria-pressed') === 'true' || o.hasAttribute('aria-current');
    const other = [...all].find(o => o !== e && !chosen(o));
    return other && look(other) === look(e) ? e.outerHTML.slice(0, 90) : '';
  }).filter(Boolean)"""
"""What is chosen and looks as what is not."""


@pytest.mark.parametrize("name", NAMES)
def test_forced_colours_take_nothing_away(serve: Serve, visit: Visit, name: str) -> None:
    theme = ("light", "dark")[NAMES.index(name) % 2]
    page = opened(serve, visit, name, forced_colors="active", theme=theme)
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(BORDERLESS) == []
    assert page.evaluate(CHOSEN) == []
    assert sideways(page) == 0
    assert violations(page) == []
    assert unseen_focus(page, 12) == []


def test_the_broken_path_is_told_by_its_width_where_colours_are_forced(serve: Serve, visit: Visit) -> None:
    base = serve(worlds.company())
    page = visit(f"{base}/lineage/goal:key_result.keep.churn", forced_colors="active")
    widths = page.evaluate(
        """() => ['path.broken', 'path:not(.broken)'].map(s =>
          parseFloat(getComputedStyle(document.querySelector(`#lines ${s}`)).strokeWidth))"""
    )
    assert widths[0] > 2 * widths[1]
    bad, plain = page.evaluate(
        """() => ['.card.bad', '.card:not(.bad)'].map(s =>
          getComputedStyle(document.querySelector(s)).borderTopStyle)"""
    )
    assert bad != plain


PALE = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = c => { canvas.fillStyle = '#000'; canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const linear = v => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  const light = c => { const [r, g, b] = rgb(c).map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b; };
  const token = t => light(getComputedStyle(document.documentElement).getPropertyValue(t).trim());
  const ratio = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  return [['--ink3', '--surface', 7], ['--ink3', '--paper', 6.5], ['--line', '--surface', 3],
    ['--line2', '--surface', 4.5], ['--idle', '--surface', 4.5]]
    .filter(([a, b, least]) => ratio(token(a), token(b)) < least).map(String);
}"""
"""Pairs of tokens that are closer than whoever asks for more contrast wants them."""


@pytest.mark.parametrize("name", NAMES)
def test_more_contrast_is_there_in_both_themes(serve: Serve, visit: Visit, name: str) -> None:
    theme = ("dark", "light")[NAMES.index(name) % 2]
    page = opened(serve, visit, name, contrast="more", theme=theme)
    assert page.evaluate(PALE) == []
    assert violations(page) == []
    assert sideways(page) == 0


def test_more_contrast_is_there_in_a_theme_that_was_chosen(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.company()) + "/health", contrast="more", theme="light")
    page.get_by_role("button", name="Dark").click()
    page.wait_for_selector("html[data-theme=dark]")
    assert page.evaluate(PALE) == []


MOVES = """() => [...document.querySelectorAll('*')].filter(e => {
  const c = getComputedStyle(e);
  return c.animationName !== 'none' || c.transitionDuration.split(',').some(d => parseFloat(d) > 0);
}).map(e => e.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_moves_for_who_asked_for_no_motion(serve: Serve, visit: Visit, name: str) -> None:
    page = opened(serve, visit, name, reduced_motion="reduce", width=1000)
    assert page.evaluate(MOVES) == []
    for button in page.locator("main button:visible, .bar button:visible").all()[:3]:
        button.hover()
    assert running(page) == []


TEXTS = """() => [...document.querySelectorAll('main :is(h1, h2, h3, a, button, td, dd, dt, li, summary, label, p)')]
  .filter(e => e.checkVisibility() && e.getClientRects().length && !e.closest('details:not([open]) > :not(summary)'))
  .map(e => e.textContent.replace(/\\s+/g, ' ').trim()).filter(Boolean)"""

OUTSIDE = """() => [...document.querySelectorAll('a, button, input, select, summary')].filter(e => {
  if (!e.checkVisibility() || e.closest('.skip, .scroll, #stage, .tabs, [tabindex="0"][role=region]')) return false;
  const box = e.getBoundingClientRect();
  return box.width && (box.left < -1 || box.right > innerWidth + 1);
}).map(e => e.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize("name", NAMES)
def test_at_200_percent_nothing_is_lost(serve: Serve, visit: Visit, name: str) -> None:
    whole = opened(serve, visit, name)
    page = opened(serve, visit, name, **ZOOMED)
    assert page.evaluate("[innerWidth, devicePixelRatio]") == [720, 2]
    if name not in PICTURES:  # what they draw is another layout; their rows are in the List
        assert set(whole.evaluate(TEXTS)) - set(page.evaluate(TEXTS)) == set()
    assert sideways(page) == 0
    assert cut_off(page) == []
    assert page.evaluate(OUTSIDE) == []
    assert violations(page) == []
    assert unseen_focus(page, 30) == []


def test_on_a_zoomed_map_titles_of_goals_are_not_broken_in_a_word(serve: Serve, visit: Visit) -> None:
    page = opened(serve, visit, "map", **ZOOMED)
    broken = page.evaluate(
        """() => [...document.querySelectorAll('.goal-card b')].filter(b => b.textContent.split(/\\s+/).some(word => {
          const probe = document.createElement('span');
          probe.textContent = word; probe.style.font = getComputedStyle(b).font; probe.style.position = 'absolute';
          document.body.append(probe);
          const wide = probe.getBoundingClientRect().width; probe.remove();
          return wide > b.getBoundingClientRect().width + 1;
        })).map(b => b.textContent)"""
    )
    assert broken == []


FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const c = getComputedStyle(e), f = getComputedStyle(e.closest('.find') || e), box = e.getBoundingClientRect();
  const drawn = s => s.outlineStyle === 'auto' || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1);
  const ring = [c, f].some(drawn);
  const top = document.elementFromPoint(Math.min(innerWidth - 1, Math.max(0, box.left + box.width / 2)),
    Math.min(innerHeight - 1, Math.max(0, box.top + Math.min(box.height / 2, 40))));
  const seen = !top || e.contains(top) || top.contains(e);
  return ring && seen ? '' : `${ring ? 'hidden' : 'no ring'}: ${e.outerHTML.slice(0, 110)}`;
}"""


def unseen_focus(page: Any, most: int = 40) -> list[str]:
    """What the keyboard reaches without being seen there: no ring, or under something else."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        said = page.evaluate(FOCUS)
        if said is None:
            break
        if said:
            found.append(said)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_focus_is_seen_wherever_the_keyboard_goes(serve: Serve, visit: Visit, name: str) -> None:
    page = opened(serve, visit, name, theme=("dark", "light")[NAMES.index(name) % 2])
    assert unseen_focus(page, 60) == []
