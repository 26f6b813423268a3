"""The pages as a folder, given out below a path by a server that knows nothing of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from browser import worlds
from browser.conftest import sideways, violations
from browser.test_site import SECRETS, planted
from headway.errors import UsageError
from headway.project.site import Wanted
from headway.project.site_folder import MARKER, file_of, files, write_folder

ASSET = file_of("dbt:model.shop.fct_shop_1")
RESULT = file_of("goal:key_result.keep.retention")
OBJECTIVE = file_of("goal:objective.keep")


class Quiet(SimpleHTTPRequestHandler):
    """Gives out files and says nothing."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("host")
    write_folder(worlds.company(), Wanted(), root / "some" / "path")
    return root


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/some/path"
        server.shutdown()


@pytest.mark.parametrize(
    ("place", "width", "theme"),
    [
        ("", 1440, "light"),
        ("/index.html", 390, "dark"),
        ("/map.html", 1440, "dark"),
        ("/list.html", 390, "light"),
        ("/cost.html", 1440, "light"),
        (f"/asset/{ASSET}", 390, "dark"),
        (f"/lineage/{ASSET}", 1440, "dark"),
        (f"/lineage/{RESULT}", 1440, "light"),
        (f"/key-result/{RESULT}", 390, "light"),
        (f"/objective/{OBJECTIVE}", 1440, "dark"),
    ],
)
def test_a_page_of_the_folder_is_whole_quiet_and_accessible(
    address: str, visit: Any, place: str, width: int, theme: str
) -> None:
    page = visit(address + (place or "/"), width=width, theme=theme, bypass_csp=True)
    assert page.locator("h1").first.inner_text()
    assert violations(page) == []
    assert sideways(page) == 0


def test_every_link_of_every_page_leads_to_a_file(folder: Path) -> None:
    root = folder / "some" / "path"
    pages = sorted(root.rglob("*.html"))
    assert len(pages) > 600
    for page in pages:
        for to in re.findall(r'(?:href|src)="([^"]*)"', page.read_text(encoding="utf-8")):
            parts = urlsplit(unescape(to))
            if parts.scheme == "https":
                continue
            assert not parts.scheme, f"{page.name}: {to}"
            assert not parts.path.startswith("/"), f"{page.name}: {to}"
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), f"{page.name}: {to}"
            assert target.is_relative_to(root)


def test_each_page_has_its_twin_beside_it(folder: Path) -> None:
    pages = {p.with_suffix("") for p in folder.rglob("*.html")}
    assert pages == {p.with_suffix("") for p in folder.rglob("*.json") if p.name != MARKER}


def test_the_map_and_the_list_open_as_their_address_says(address: str, visit: Any) -> None:
    page = visit(f"{address}/map.html?colour=trust&asset={ASSET}")
    assert page.locator("[data-panel=detail] h2").inner_text() == "fct_shop_1"
    assert page.locator("[data-lens][aria-pressed=true]").inner_text() == "Trust"
    page.get_by_role("link", name="Open", exact=True).click()
    page.wait_for_url(f"**/asset/{ASSET}")
    graph = worlds.company().graph()
    i = graph.index["dbt:model.shop.fct_shop_1"]
    around = {*graph.walk([i], "upstream"), *graph.walk([i], "downstream")}
    page = visit(f"{address}/list.html?around={ASSET}")
    page.wait_for_selector("html[data-listed]", state="attached")
    assert page.locator("h1").inner_text().split()[0] == str(len(around & set(graph.assets)))
    page.locator("table.list a", has_text=re.compile("^fct_shop_1$")).click()
    page.wait_for_url(f"**/asset/{ASSET}")


def test_equal_projects_give_equal_files_and_nothing_personal() -> None:
    first = dict(files(worlds.no_usage(), Wanted()))
    assert first == dict(files(worlds.project_of(*_same()), Wanted()))
    for name, content in files(planted(), Wanted()):
        if name.startswith(("asset/", "key-result/", "index")):
            assert not [s for s in SECRETS if s.encode() in content], name


def _same() -> tuple[Any, ...]:
    records = worlds.no_usage().known().records
    return (records,)


def test_names_that_try_something_stay_inside_the_folder() -> None:
    for name, _ in files(worlds.hostile(), Wanted()):
        assert re.fullmatch(r"(?:[a-z-]+/)*[\w.-]+|static/[\w./-]+", name), name
        assert ".." not in name


def test_only_a_new_folder_or_an_earlier_site_is_written_to(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not of a site"):
        write_folder(worlds.headless(), Wanted(), other)
    assert [p.name for p in other.iterdir()] == ["thesis.txt"]
    out = tmp_path / "site"
    write_folder(worlds.nothing_below(), Wanted(), out)
    gone = out / "key-result" / RESULT
    assert gone.exists()
    write_folder(worlds.project_of([]), Wanted(), out)
    assert not gone.exists()
    (out / MARKER).write_text('{"files": ["../other/thesis.txt", 3]}')
    write_folder(worlds.project_of([]), Wanted(), out)
    assert (other / "thesis.txt").exists()
