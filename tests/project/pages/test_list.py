"""The List as data: the same rows as the Map, whatever is filtered, sorted and paged."""

from __future__ import annotations

import pytest
from picture_cases import LATE, project_of

from headway.errors import UnknownName, UsageError
from headway.project import Project
from headway.project.pages.lineage import lineage
from headway.project.pages.list_ import SIZE, list_page
from headway.project.pages.map import map_page


@pytest.fixture
def late() -> Project:
    return project_of(LATE)


def rows(project: Project, **given: str) -> list[str]:
    return [row.name for row in list_page(project, **given).rows]


def test_every_asset_is_a_row(late: Project) -> None:
    page = list_page(late)
    assert page.total == page.of == len(page.rows) == len(late.graph().assets)
    assert page.sentence[0].text == map_page(late).sentence[0].text


def test_what_is_around_a_node_is_what_its_lineage_shows(late: Project) -> None:
    shown = {n.id for n in lineage(late, node="fct_tickets").payload.nodes if not n.id.startswith("goal:")}
    assert {row.id for row in list_page(late, around="fct_tickets").rows} == shown


def test_filters_hold_together(late: Project) -> None:
    assert rows(late, objective="goal:objective.care", trust="broken", kind="model") == ["fct_tickets", "stg_tickets"]
    assert rows(late, owner="support-team") == ["tickets"]
    assert rows(late, band="Staging", sort="name") == ["stg_orders", "stg_tickets"]
    assert rows(late, q="TICKETS fct") == ["fct_tickets"]
    assert rows(late, state="used") == ["other"]


def test_a_filter_that_leaves_nothing_says_what_to_do(late: Project) -> None:
    page = list_page(late, q="no such thing")
    assert page.rows == ()
    assert "take a filter back" in page.sentence[0].text
    assert page.chosen[0].to == "/list"


def test_sorting_puts_what_is_not_known_last(late: Project) -> None:
    for sort in ("cost", "-cost"):
        costs = [row.cost for row in list_page(late, sort=sort).rows]
        known = [c for c in costs if c is not None]
        assert costs[: len(known)] == known == sorted(known, reverse=sort == "-cost")
    people = [row.people for row in list_page(late, sort="-use").rows]
    assert people[:2] == [1, 1]
    assert people[-1] is None
    with pytest.raises(UsageError, match="cannot be sorted"):
        list_page(late, sort="colour")


def test_unknown_cost_is_a_dash_and_never_zero(late: Project) -> None:
    words = {row.name: row.cost_words for row in list_page(late).rows}
    assert words["fct_tickets"] == "€12"
    assert words["sales"] == "—"


def test_pages_hold_every_row_once() -> None:
    project = project_of("\n".join(f"model m{n:03}" for n in range(2 * SIZE + 7)))
    seen = [name for page in ("", "2", "3") for name in rows(project, page=page)]
    assert len(seen) == len(set(seen)) == 2 * SIZE + 7
    assert list_page(project).next == "/list?page=2"
    assert list_page(project, page="3").next == ""
    for wrong in ("0", "4", "x", "-1", "٣", "9" * 400):
        with pytest.raises(UsageError, match="no page"):
            list_page(project, page=wrong)


def test_what_a_filter_names_must_exist(late: Project) -> None:
    with pytest.raises(UnknownName):
        list_page(late, around="nothing")
    with pytest.raises(UnknownName):
        list_page(late, objective="nothing")


def test_links_that_the_map_does_not_draw_are_counted() -> None:
    # base is a mart, since a metric reads it, and stg_x stands on it.
    project = project_of("source s\nmodel base < s\nmodel a < base\nmetric m < a\nmodel mid < a\nmodel top < mid")
    assert list_page(project).against == "1 link runs against the layers"
    assert list_page(project_of(LATE)).against == ""
