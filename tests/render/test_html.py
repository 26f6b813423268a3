"""Pages as HTML: nothing escapes, nothing is inline, files are what they say."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from browser import worlds
from headway.project.pages.table import PAGES, PageRow
from headway.project.pages.view import look, shell_of
from headway.render.html import charts, pages
from headway.render.html.pages import environment, render_page, server
from headway.render.html.shell import Shell
from headway.render.html.static_files import static_files

SOURCE = Path(pages.__file__).parent
FIXED = [row for row in PAGES if not row.key]
VOID = {"meta", "link", "input", "br", "hr", "img", "wbr", "col", "source"}


class Inline(HTMLParser):
    """Collects what the served policy forbids, and elements that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names and names.get("type") != "application/json"):
            self.found.append(tag)
        self.found += [
            f"{tag} {v}"
            for name, v in names.items()
            if name in {"href", "src", "action"} and v and v.strip().lower().startswith("javascript:")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass
        else:
            self.found.append(f"/{tag}")


def html_of(row: PageRow, project: Any, key: str = "", **given: str) -> str:
    viewed = look(row, project, key, given)
    return render_page(row.template, viewed.page, shell_of(viewed, project))


def inline(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found


@pytest.mark.parametrize("world", ["company", "headless", "no_usage", "hostile", "nothing_below"])
@pytest.mark.parametrize("row", FIXED, ids=lambda row: row.name)
def test_no_page_has_anything_inline(row: PageRow, world: str) -> None:
    html = html_of(row, getattr(worlds, world)())
    assert inline(html) == []
    assert "<script>" not in html
    assert "onerror=alert" not in html.replace("&lt;img src=x onerror=alert(1)&gt;", "").replace(
        "\\u003cimg src=x onerror=alert(1)\\u003e", ""
    )


def test_a_template_that_asks_for_what_is_not_there_fails() -> None:
    with pytest.raises(UndefinedError):
        render_page("failed.html", object(), Shell(title="x"))


def test_a_payload_cannot_close_its_element() -> None:
    data = {"name": "</script><!--<script>&\u2028"}
    text = str(pages.payload(data))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == data


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://bi.example/d/1", True),
        ("http://bi.example", True),
        ("javascript:alert(1)", False),
        (" JAVASCRIPT:alert(1)", False),
        ("data:text/html,x", False),
        ("//bi.example", False),
        ("https://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_http_leads_out(url: str, kept: bool) -> None:
    assert bool(pages.outside(url)) is kept


def test_a_name_breaks_after_underscores_and_is_escaped() -> None:
    assert str(pages.breakable("a_b.<i>")) == "a_<wbr>b.<wbr>&lt;i&gt;"


def test_the_files_of_others_are_what_they_say() -> None:
    table = static_files()["vendor/VENDOR.md"].decode()
    rows = re.findall(r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", table, re.MULTILINE)
    assert {name for name, _ in rows} == {"htmx.min.js", "inter.woff2"}
    for name, digest in rows:
        assert hashlib.sha256(static_files()[f"vendor/{name}"]).hexdigest() == digest


def test_both_dark_blocks_say_the_same() -> None:
    css = static_files()["base.css"].decode()
    chosen = re.search(r"\n\[data-theme=dark\] \{\n(.*?)\n\}", css, re.DOTALL)
    system = re.search(
        r"prefers-color-scheme: dark\) \{\n  :root:not\(\[data-theme\]\) \{\n(.*?)\n  \}\n\}", css, re.DOTALL
    )
    assert chosen
    assert system
    assert chosen.group(1).split() == system.group(1).split()


def test_style_sheets_and_modules_reach_only_files_that_are_there() -> None:
    for name, content in static_files().items():
        folder = name.rpartition("/")[0]
        if name.endswith(".css"):
            found = re.findall(r"url\(([^)]+)\)", content.decode())
        elif name.endswith((".js", ".mjs")) and not name.startswith("vendor/"):
            found = re.findall(r"""(?:from|import)\s*\(?["']\./([^"']+)["']""", content.decode())
        else:
            continue
        for other in found:
            assert f"{folder}/{other}".lstrip("/") in static_files(), (name, other)
        assert "http://" not in content.decode().replace("http://www.w3.org/", "")


@pytest.mark.parametrize("template", sorted(environment().list_templates()))
def test_templates_have_no_style_and_mark_nothing_safe(template: str) -> None:
    text = (SOURCE / "templates" / template).read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=|\|\s*safe|autoescape", text)
    environment().get_template(template)


def test_addresses_are_put_below_where_a_proxy_has_the_server() -> None:
    html = render_page("failed.html", _failed(), Shell(title="x"), server("/headway"))
    assert 'href="/headway/"' in html
    assert 'href="/headway/static/' in html


def _failed() -> Any:
    from headway.web.failures import Failed

    return Failed(404, "Gone", "It is gone.")


@pytest.mark.parametrize("value", [None, 0.0, 0.5, 1.0, 1.25, -0.2])
def test_a_ring_says_its_numbers(value: float | None) -> None:
    svg = str(charts.ring(value, trusted=0.3, covered=False, expected=0.5, tone="good"))
    assert inline(svg) == []
    assert ("no progress known" if value is None else f"{value:.0%} done") in svg
    assert "50% expected by now, not all key results measured" in svg
    assert "nan" not in svg


def test_a_ring_hatches_what_is_not_trusted_only() -> None:
    assert "url(#hatch)" in str(charts.ring(0.6, trusted=0.4))
    assert "url(#hatch)" not in str(charts.ring(0.6, trusted=0.6))


def test_a_bar_is_full_above_the_target_and_says_how_far() -> None:
    svg = str(charts.bar(1.25, expected=0.5, tone="good", width=150))
    assert 'width="150.0"' in svg
    assert "125% of the way, 50% expected" in svg


def test_a_sparkline_draws_one_point_a_plan_and_a_tail() -> None:
    svg = str(charts.sparkline([(0.2, 5.0)], start=5.0, target=5.0, tail=0.6))
    assert "polyline" not in svg
    assert svg.count("stroke-dasharray") == 2
    assert "nan" not in svg
    assert "target" not in str(charts.sparkline([(0.0, 1.0), (0.5, 2.0)], start=None, target=None))


@pytest.mark.parametrize(
    ("share", "text"), [(0.996, "99%"), (1.0, "100%"), (0.004, "0%"), (0.545, "55%"), (1.25, "125%")]
)
def test_nothing_is_rounded_up_to_done(share: float, text: str) -> None:
    assert charts.percent(share) == text
