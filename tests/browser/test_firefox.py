"""Firefox as well: every page is drawn, quiet and accessible; pictures hold still; the single file asks nobody."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from browser import worlds
from browser.conftest import AXE, AXE_DIGEST, RULES
from browser.firefox import FOUND, Firefox, firefox
from browser.test_every_page import ROWS, given_of, key_of
from headway.project import Project
from headway.project.pages.table import PAGES
from headway.project.site import Wanted, one_file

Serve = Callable[[Project], str]
SIDEWAYS = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"


@pytest.fixture(scope="module")
def fox() -> Iterator[Firefox]:
    if not FOUND:
        if os.environ.get("HEADWAY_FIREFOX") == "required":
            pytest.fail("needs Firefox (apt-get install firefox-esr)")
        pytest.skip("needs Firefox (apt-get install firefox-esr)")
    with firefox() as running:
        yield running


def violations(fox: Firefox) -> list[str]:
    source = AXE.read_text(encoding="utf-8")
    assert hashlib.sha256(source.encode()).hexdigest() == AXE_DIGEST
    fox.run(f"{source}; window.axe = axe")
    said = "found => found.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 120))"
    return list(fox.run(f"return axe.run({{runOnly: arguments[0]}}).then({said})", RULES))


@pytest.mark.parametrize("name", [row.name for row in PAGES])
def test_every_page_is_drawn_quiet_and_accessible(fox: Firefox, serve: Serve, name: str) -> None:
    row, project = ROWS[name], worlds.company()
    key = key_of(row, project)
    assert key is not None
    for width in (1440, 500):
        fox.open(serve(project) + row.to(key, **given_of(row)), width=width)
        assert fox.run("return document.querySelector('h1').textContent.trim().length") > 5
        assert fox.run(SIDEWAYS) == 0
        assert violations(fox) == []
    assert fox.trouble() == []


PLACES = """return [...document.querySelectorAll('.tile, .goal-card, .band')]
  .map(e => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })"""
PAINTED = """const c = document.getElementById('squares');
const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
let painted = 0; for (let k = 3; k < d.length; k += 4) painted += d[k] > 0; return painted / (d.length / 4)"""


def test_an_error_of_a_script_is_heard(fox: Firefox, serve: Serve) -> None:
    """Or the tests beside this one would say nothing."""
    fox.open(serve(worlds.company()) + "/health")
    assert fox.trouble() == []
    # Under the policy of the page no text becomes a script; what it has already can fail.
    fox.run("addEventListener('hurt', () => { null.boom }); setTimeout(() => dispatchEvent(new Event('hurt')))")
    heard: list[str] = []
    for _ in range(100):
        heard += fox.trouble()
        if heard:
            break
        time.sleep(0.05)
    assert "boom" in heard[0]


def test_the_map_is_painted_and_holds_still(fox: Firefox, serve: Serve) -> None:
    fox.open(serve(worlds.company()) + "/map")
    before, painted = fox.run(PLACES), fox.run(PAINTED)
    assert painted > 0.05
    fox.run("document.querySelector('.goal-card').click()")
    assert fox.run("return document.querySelector('.goal-card').getAttribute('aria-pressed')") == "true"
    assert fox.run(PLACES) == before
    fox.run("document.querySelector('[data-lens=cost]').click()")
    assert fox.run(PLACES) == before
    assert "colour=cost" in fox.run("return location.href")
    assert fox.trouble() == []


def test_the_keyboard_searches_and_walks(fox: Firefox, serve: Serve) -> None:
    fox.open(serve(worlds.company()) + "/lineage/goal:key_result.keep.churn")
    assert fox.run("return document.querySelectorAll('.card.bad').length") > 1
    fox.run("document.querySelector('.card.focus').focus()")
    fox.press("\ue015")  # arrow down
    assert fox.run("return document.activeElement.matches('.card:not(.focus)')")
    fox.press("/")
    assert fox.run("return document.activeElement.name") == "q"
    assert fox.trouble() == []


def test_the_single_file_opens_from_disk_and_asks_nobody(fox: Firefox, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text(one_file(worlds.company(), Wanted()), encoding="utf-8")
    fox.open(report.as_uri())
    fox.run("location.hash = '#/map'")
    fox.until("return document.getElementById('squares')?.width > 300")
    assert fox.run(PAINTED) > 0.05
    asked = "return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:'))"
    assert fox.run(asked) == []
    assert fox.run(SIDEWAYS) == 0
    assert fox.trouble() == []


def test_going_on_before_the_first_page_is_there_is_no_error(fox: Firefox, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text(one_file(worlds.company(), Wanted()), encoding="utf-8")
    for _ in range(10):
        fox.ask("WebDriver:Navigate", {"url": report.as_uri()})
        fox.run("location.hash = '#/map'")
        fox.until("return document.getElementById('squares')?.width > 300")
        fox.ask("WebDriver:Navigate", {"url": "about:blank"})
    assert fox.trouble() == []
