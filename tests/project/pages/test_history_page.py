"""History as data: the numbers are those of the question, jumps are marked, and two days are compared by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import worlds
from desk import aged
from headway.errors import UsageError
from headway.project import Project
from headway.project.pages.history import PERIODS, STATES, history


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return aged(Path(tmp_path_factory.mktemp("aged")))


@pytest.mark.parametrize("every", list(PERIODS))
def test_the_points_are_those_of_the_question(shop: Project, every: str) -> None:
    page = history(shop, every=every)
    answer = shop.ask("growth", every=every, periods=PERIODS[every])
    assert [(p.period, p.assets) for p in page.points] == [(r["period"], r["assets"]) for r in answer.records()]
    for point in page.points:
        assert point.values is not None
        assert sum(point.values) == point.assets
        assert point.shares is not None
        assert sum(point.shares) == pytest.approx(1)
    serving = [r["assets"] for r in answer.sections[0].records() if r["state"] == STATES[0]]
    assert [p.values[0] for p in page.points if p.values] == serving
    assert page.sentence[0].text == answer.headline


def test_what_makes_the_curve_jump_is_told_from_work(shop: Project) -> None:
    marks = history(shop).marks
    assert [m.number for m in marks] == list(range(1, len(marks) + 1))
    told = {m.text: m.jump for m in marks}
    assert told["new objective Grow sales"] is False
    assert [text for text, jump in told.items() if jump] == [
        "goals connected on 2026-09-23",
        "observations connected on 2026-11-22",
    ]


def test_days_without_a_known_cost_are_not_drawn_as_zero(shop: Project) -> None:
    page = history(shop, measure="cost")
    assert [p.period for p in page.drawn] == ["2026-11"]
    assert all(p.values is None and p.texts == () for p in page.points[:-1])
    assert page.drawn[0].texts[3].startswith("€10")


def test_each_objective_has_its_own_series(shop: Project) -> None:
    page = history(shop)
    (grow,) = page.small
    assert grow.values[0] == 0
    assert grow.values[-1] == 4
    assert grow.text == "4 assets, +4"


def test_two_days_are_compared_in_both_directions(shop: Project) -> None:
    page = history(shop, earlier="2026-09-01", later="2026-11-22")
    back = history(shop, earlier="2026-11-22", later="2026-09-01")
    assert page.compared == back.compared
    found = {c.what: [r.name for r in c.rows] for c in page.changes}
    assert found["began to serve"] == ["orders", "raw_orders", "revenue", "sales_board"]
    answer = shop.ask("diff", earlier=page.first, later=page.last)
    assert sum(c.count for c in page.changes) == len(answer.rows)
    assert all(r.to for c in page.changes for r in c.rows)


def test_a_day_that_nothing_is_known_of_is_said_on_the_page(shop: Project) -> None:
    page = history(shop, earlier="2020-01-01")
    assert page.problem.startswith("Nothing is known of 2020-01-01")
    assert page.changes == ()
    with pytest.raises(UsageError, match="is not a date"):
        history(shop, earlier="yesterday")


def test_with_one_day_there_is_no_curve() -> None:
    page = history(worlds.company())
    assert len(page.points) == 1
    assert "nothing earlier is known" in page.sentence[0].text
    assert page.compared == ""
