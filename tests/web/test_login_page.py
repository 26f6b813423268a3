"""The page on which people sign in shows nothing that needs somebody who is signed in."""

from __future__ import annotations

from pathlib import Path

from web_site import TOKENS, site


def test_there_is_no_search_no_menu_and_no_way_to_other_pages(tmp_path: Path) -> None:
    page = site(tmp_path, TOKENS).client().get("/login").text
    assert 'name="access"' in page
    assert 'class="menu"' not in page
    assert 'type="search"' not in page
    assert "search.js" not in page
    assert "/health" not in page


def test_who_is_signed_in_has_them(tmp_path: Path) -> None:
    page = site(tmp_path, TOKENS).client("viewer").get("/").text
    assert 'aria-label="Search and more"' in page
    assert 'type="search"' in page
    assert "/health" in page
