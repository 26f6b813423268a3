"""The pages without a server: opened from disk with the network off, asked for what must not be in them."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from browser import worlds
from browser.conftest import cut_off, settled, sideways, violations
from headway.cli.main import run
from headway.errors import UnknownName
from headway.graph.model import AnyRecord, Check, Node, Observation, Reading
from headway.project import Project
from headway.project.site import Wanted, one_file

LARGEST = 400_000
"""Bytes of the file at 10,000 assets."""
KEPT = "goal:key_result.keep.retention"
PAGES = (
    "",
    "#/objective/goal:objective.profit",
    f"#/key-result/{KEPT}",
    f"#/lineage/{KEPT}",
    "#/map",
    "#/map?colour=trust",
    "#/list",
    "#/list?state=used&sort=-cost",
    f"#/list?around={KEPT}",
    "#/cost",
    "#/cost?by=owner",
    "#/cost?by=folder",
)
ALL = Wanted()
Open = Callable[..., Any]


@cache
def text_of(name: str, wanted: Wanted = ALL) -> str:
    """The file of a company."""
    return one_file(getattr(worlds, name)(), wanted)


def told(text: str) -> str:
    """Everything that the file holds, packed pages included, as plain text."""
    packed = re.search(r'<script id="pages" type="text/plain" data-file>([^<]*)</script>', text)
    assert packed
    inside = gzip.decompress(base64.b64decode(packed[1])).decode()
    return text.replace(packed[1], "") + inside


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """`opened(text, hash)`: the file in a browser without a network. After the test: it asked for nothing."""
    trouble: list[str] = []
    contexts = []

    def go(text: str, place: str = "", *, width: int = 1440, theme: str = "light", **options: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: trouble.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda e: trouble.append(f"script: {e}"))
        page.on("request", lambda r: None if r.url.startswith((path.as_uri(), "data:")) else trouble.append(r.url))
        page.goto(path.as_uri() + place)
        return settled(page)

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.mark.parametrize(
    ("place", "width", "theme"),
    [
        (p, *look)
        for k, p in enumerate(PAGES)
        for look in [[(1440, "light"), (390, "dark")], [(1440, "dark"), (390, "light")]][k % 2]
    ],
)
def test_each_page_of_the_file_is_whole_quiet_and_accessible(opened: Open, place: str, width: int, theme: str) -> None:
    page = opened(text_of("company"), place, width=width, theme=theme, bypass_csp=True)
    assert page.locator("h1").first.inner_text()
    assert violations(page) == []
    assert sideways(page) == 0
    assert cut_off(page) == []


@pytest.mark.parametrize("world", ["headless", "no_usage", "nothing_below", "many_objectives", "hostile"])
@pytest.mark.parametrize("place", ["", "#/map", "#/list", "#/cost"])
def test_every_company_makes_a_file_that_opens(opened: Open, world: str, place: str) -> None:
    page = opened(text_of(world), place)
    assert page.locator("h1").first.inner_text()
    assert page.evaluate("window.hit") is None
    assert page.locator("main img, main script:not([type])").count() == 0


def test_the_policy_of_the_file_stops_what_escaping_would_have_missed(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    bad = "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'></main>"
    path.write_text(text_of("company").replace("</main>", bad, 1), encoding="utf-8")
    page = chromium.new_page(offline=True)
    page.goto(path.as_uri())
    settled(page)
    assert page.evaluate("window.hit") is None
    page.close()


def test_links_lead_from_page_to_page_and_back(opened: Open) -> None:
    page = opened(text_of("company"))
    page.get_by_role("link", name="12-month retention", exact=True).click()
    page.wait_for_selector("h1:has-text('12-month retention')")
    page.locator(".tabs a", has_text="Map").click()
    page.wait_for_selector("canvas#squares")
    settled(page)
    assert page.locator(".tabs a[aria-current]").inner_text() == "Map"
    page.go_back()
    page.wait_for_selector("h1:has-text('12-month retention')")


def test_no_link_of_the_file_leads_nowhere(opened: Open) -> None:
    for place in PAGES:
        page = opened(text_of("company"), place)
        known = set(json.loads(gzip.decompress(base64.b64decode(page.locator("#pages").text_content()))))
        for to in page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"):
            path = to[1:].partition("?")[0]
            assert to == "#main" or path in known, f"{place}: {to}"
        assert page.locator("a[href^='/']").count() == 0


def test_search_finds_goals_and_assets_without_a_server(opened: Open) -> None:
    page = opened(text_of("company"))
    page.keyboard.press("/")
    page.keyboard.type("fct_shop_1")
    page.wait_for_selector("ul.found li")
    assert "Marts" in page.locator("ul.found li").first.inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-panel=detail]:not([hidden]) h2")
    assert page.locator("[data-panel=detail] h2").inner_text() == "fct_shop_1"


def test_the_list_has_the_rows_of_the_map(opened: Open) -> None:
    page = opened(text_of("company"), "#/map")
    legend = {
        li.locator("span").inner_text(): int(li.locator("b").inner_text() or 0)
        for li in page.locator("[data-legend=align] li").all()
    }
    for state, words in (("serves", "Serves an objective"), ("used", "Used, but no objective")):
        listed = opened(text_of("company"), f"#/list?state={state}").locator("h1").inner_text()
        assert listed.split()[0] == str(legend[words])


def test_what_is_upstream_of_an_asset_is_what_the_graph_says(opened: Open) -> None:
    graph = worlds.company().graph()
    i = graph.index["dbt:model.shop.fct_shop_1"]
    around = {*graph.walk([i], "upstream"), *graph.walk([i], "downstream")}
    page = opened(text_of("company"), "#/list?q=fct_shop_1")
    place = (
        page.locator("table.list a.mono", has_text=re.compile("^fct_shop_1$"))
        .get_attribute("href")
        .partition("asset=")[2]
    )
    page = opened(text_of("company"), f"#/list?around={place}")
    assert page.locator("h1").inner_text().split()[0] == str(sum(j in set(graph.assets) for j in around))


def test_the_first_page_reads_without_scripts(opened: Open, chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "plain.html"
    path.write_text(text_of("company"), encoding="utf-8")
    page = chromium.new_page(java_script_enabled=False, offline=True)
    page.goto(path.as_uri())
    assert page.locator(".objective").count() == 5
    page.close()


def test_ten_thousand_assets_fit_into_the_size_that_is_promised(opened: Open) -> None:
    text = one_file(worlds.sized(10_000), Wanted())
    assert len(text.encode()) < LARGEST
    page = opened(text, "#/map")
    assert page.locator(".tile").count() > 10


def test_two_builds_give_the_same_bytes_whatever_the_seed() -> None:
    script = (
        "import hashlib, sys\nfrom browser import worlds\nfrom headway.project.site import Wanted, one_file\n"
        "print(hashlib.sha256(one_file(worlds.company(), Wanted()).encode()).hexdigest())"
    )
    tests = str(Path(__file__).resolve().parents[1])
    sums = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": tests},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(sums) == 1


SECRETS = ("ana.silva@example.com", "Ana Silva", "hunter2", "SELECT iban FROM", "DE89370400440532013000")


def planted() -> Project:
    """A company with a name, an address, a password, a query and an account number wherever a record has room."""
    records, synced, _ = worlds.company().known()
    return worlds.company().with_records([spoilt(r) for r in records], synced)


def spoilt(record: AnyRecord) -> AnyRecord:
    nasty = " ".join(SECRETS)
    if isinstance(record, Node) and record.kind == "dashboard":
        url = "https://ana:hunter2@bi.example/d?key=hunter2"
        origin = "exposure" if record.id < "board:m" else "superset"
        return replace(record, owner="Ana Silva", owner_origin=origin, url=url)
    if isinstance(record, Node):
        owner = "ana.silva@example.com" if record.kind == "model" else record.owner
        return replace(record, owner=owner, description="Ask ana.silva@example.com")
    if isinstance(record, Check):
        return replace(record, status="fail", message=nasty)
    if isinstance(record, Reading):
        return replace(record, proof=nasty)
    if isinstance(record, Observation) and record.person:
        return replace(record, person="ana.silva@example.com")
    return record


def test_nothing_secret_or_personal_is_in_the_file() -> None:
    text = told(one_file(planted(), Wanted()))
    assert [s for s in SECRETS if s in text] == []
    assert re.findall(r"[\w.]+@[\w-]+\.[a-z]{2,}", text) == []
    assert "Ana Silva" in told(one_file(planted(), Wanted(people=True)))


def test_without_cost_no_amount_is_in_the_file(opened: Open) -> None:
    text = text_of("company", Wanted(cost=False))
    said = told(text)
    amount = re.compile(r"€[\d.,]+[km]? (a month|serves)|EUR [\d.,]+ (of|a month)|assets · €")
    assert amount.search(told(text_of("company")))
    assert not amount.search(said)
    assert "cost is left out" in said
    page = opened(text, "#/map")
    assert page.locator(".tabs a").all_inner_texts() == ["Objectives", "Map"]


@pytest.mark.parametrize("wanted", [Wanted(objectives=("keep",)), Wanted(department="retention-team")], ids=str)
def test_chosen_objectives_are_alone_with_what_serves_them(opened: Open, wanted: Wanted) -> None:
    text = text_of("company", wanted)
    said = told(text)
    assert "Keep subscribers for a second year" in said
    for other in ("Make first orders profitable", "Deliver in two days", "Close the books", "CAC payback"):
        assert other not in said
    page = opened(text, "#/map")
    assert page.locator("[data-legend=align] li b").all_inner_texts()[1:3] == ["0", "0"]


def test_an_objective_that_is_not_there_is_said() -> None:
    with pytest.raises(UnknownName, match="nothing_like_it"):
        one_file(worlds.company(), Wanted(objectives=("nothing_like_it",)))


def test_the_command_writes_a_file_and_says_what_it_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from shop import write_shop

    write_shop(tmp_path)
    out = tmp_path / "report.html"
    assert run(["site", str(out), "--project-dir", str(tmp_path)]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "People are teams and counts" in capfd.readouterr().err
    assert run(["site", str(tmp_path / "no" / "report.html"), "--project-dir", str(tmp_path)]) == 2
    assert "cannot be written: No such file" in capfd.readouterr().err
