"""What search finds: goals, key results, assets, owners."""

from __future__ import annotations

import pytest

from browser import worlds
from headway.project.pages.search import MOST, search


def names(q: str) -> list[tuple[str, str]]:
    return [(h.kind, h.name) for h in search(worlds.company(), q=q).hits]


def test_a_goal_comes_before_the_asset_that_says_the_same() -> None:
    assert names("churn from failed payments")[0] == ("key result", "Churn from failed payments")


def test_the_exact_name_of_an_asset_is_its_first_hit() -> None:
    assert names("fct_shop_3")[0] == ("model", "fct_shop_3")


def test_owners_are_found_by_their_name() -> None:
    first = search(worlds.company(), q="finance").hits[0]
    assert (first.kind, first.name) == ("owner", "finance-team")
    assert "owns" in first.place


def test_misspelt_words_find_what_was_meant() -> None:
    assert ("objective", "Keep subscribers for a second year") in names("subscrbers")


def test_a_hit_says_where_it_stands_and_leads_there() -> None:
    hit = next(h for h in search(worlds.company(), q="retention").hits if h.kind == "key result")
    assert hit.place == "Keep subscribers for a second year"
    assert hit.to == "/key-result/goal:key_result.keep.retention"


@pytest.mark.parametrize("q", ["", "   ", "zzzzqqq", "%%%", "\u202e", "<script>", "a" * 500])
def test_nothing_is_told_and_never_fails(q: str) -> None:
    page = search(worlds.company(), q=q)
    assert page.hits == () or len(page.hits) <= MOST + 5
    assert page.sentence[0].text


def test_without_usage_no_hit_is_said_to_be_unused() -> None:
    assert {h.state for h in search(worlds.no_usage(), q="shop").hits} <= {"", "use not known"}


def test_more_than_fit_is_said() -> None:
    page = search(worlds.sized(2000), q="shop")
    assert page.more
    assert page.sentence[0].text.startswith(f"More than {MOST}")
