"""What Objectives shows, as data."""

from __future__ import annotations

import msgspec
import pytest

from browser import worlds
from headway.project.pages.goal_rows import amount
from headway.project.pages.objectives import MOST_CARDS, Objectives, objectives
from headway.questions.status import standing_of


def text(page: Objectives) -> str:
    return "".join(p.text for p in page.sentence)


def row(page: Objectives, name: str):
    return next(k for o in page.objectives for k in o.key_results if k.name == name)


def test_the_cards_stand_in_the_companys_order_with_the_standing_one_apart() -> None:
    page = objectives(worlds.company())
    assert [o.name for o in page.objectives][1:3] == [
        "Make first orders profitable",
        "Keep subscribers for a second year",
    ]
    assert [s.text for s in page.standing] == ["Reporting, 4 of 10 key results used"]
    assert page.since == "Since 1 Oct"
    assert len({o.colour for o in page.objectives}) == len(page.objectives)


def test_the_numbers_are_those_of_the_questions() -> None:
    project = worlds.company()
    page, graph = objectives(project), project.graph()
    standing = standing_of(graph)
    for o in page.objectives:
        rolled = standing.objectives[graph.index[o.id]]
        assert (o.progress, o.coverage, o.status) == (rolled.progress, rolled.coverage, rolled.status)
        for k in o.key_results:
            assessed = standing.key_results[graph.index[k.id]]
            assert (k.now, k.progress, k.expected, k.pace) == (
                assessed.value,
                assessed.progress,
                assessed.expected,
                assessed.pace,
            )
    shown = {r["objective"]: r["assets"] for r in project.ask("summary").sections[1].records()}
    assert {o.name: o.assets for o in page.objectives} == {n: c for n, c in shown.items() if n != "Reporting"}
    totals = project.ask("cost").totals
    profit = next(o for o in page.objectives if o.id.endswith(".profit"))
    assert profit.cost == totals["parts_micros"][profit.id] / 1_000_000


def test_a_reading_that_is_not_trusted_is_drawn_as_such() -> None:
    k = row(objectives(worlds.company()), "Churn from failed payments")
    assert k.verdict.text == "Unsure"
    assert (k.trust_mark.text, k.trust_mark.tone, k.trust_mark.icon) == ("3 days late", "bad", "crossed")
    assert k.doubtful
    assert k.progress_text == "71% when last read"
    assert k.tail > max(share for share, _, _ in k.points)
    o = next(o for o in objectives(worlds.company()).objectives if k in o.key_results)
    assert o.trusted is not None
    assert o.progress is not None
    assert o.trusted < o.progress
    assert "1 reading not trusted" in o.notes


def test_no_reading_is_neither_zero_nor_on_pace() -> None:
    k = row(objectives(worlds.company()), "Intercompany differences")
    assert (k.now, k.progress, k.now_text, k.points) == (None, None, "\u2013", ())
    assert k.verdict.text == "No reading"
    assert k.progress_text == "Not counted as zero"
    assert not k.linked
    assert k.trust_mark.text == "No model yet"
    books = next(o for o in objectives(worlds.company()).objectives if k in o.key_results)
    assert books.verdict.text == "Unsure"
    assert "2 of 3 measured" in books.notes


def test_never_evaluated_goals_have_no_number_at_all() -> None:
    page = objectives(worlds.no_readings())
    assert all(o.progress is None for o in page.objectives)
    assert {k.verdict.text for o in page.objectives for k in o.key_results} == {"No reading"}
    assert page.counters[0].big == "0 on pace"


def test_deliverables_and_initiatives_stand_beside_the_counts() -> None:
    page = objectives(worlds.company())
    books = next(o for o in page.objectives if o.deliverables)
    assert [(d.name, d.done, d.text) for d in books.deliverables] == [
        ("One ledger for all companies", False, "due 15 Dec")
    ]
    assert [i.text for i in books.initiatives] == ["Post bank lines by themselves"]
    assert all("ledger" not in k.name for k in books.key_results)


def test_who_looks_is_people_and_roles_and_never_a_name() -> None:
    page = objectives(worlds.company())
    assert row(page, "12-month retention").who == ("4 people", "1 executive")
    assert row(page, "NPS after delivery").who == ("Nobody", "on record")
    assert row(page, "NPS after delivery").looked == "neglected"
    encoded = msgspec.json.encode(page).decode()
    assert not any(f'"p{n:02d}"' in encoded for n in range(14))


def test_the_counters_say_what_the_questions_say() -> None:
    project = worlds.company()
    page = objectives(project)
    assert len(page.counters) == 5
    totals = project.ask("cost").totals
    serving = sum(v for k, v in totals["parts_micros"].items() if not k.startswith("none:")) / totals["total_micros"]
    assert page.counters[1].value == pytest.approx(serving)
    assert page.counters[2].value == project.ask("shadow-goals").totals["shadow_goals"]
    assert page.counters[4].value == project.ask("neglected").totals["neglected"]


def test_without_usage_nothing_is_said_to_be_unused() -> None:
    page = objectives(worlds.no_usage())
    assert [c.big for c in page.counters][2:3] == ["Use not known"]
    encoded = msgspec.json.encode(page).decode().lower()
    assert "nobody uses" not in encoded
    assert "shadow" not in encoded
    assert {k.looked for o in page.objectives for k in o.key_results} <= {"unknown", "shown nowhere"}
    assert all(o.cost is None and not o.cost_text for o in page.objectives)


def test_without_goals_there_are_three_steps_and_no_counters() -> None:
    page = objectives(worlds.headless())
    assert page.headless
    assert (page.counters, page.objectives, page.standing) == ((), (), ())
    assert text(page) == f"{len(worlds.headless().graph().assets):,} assets, and none of them has a goal yet"


def test_more_than_twelve_fold_by_department_with_the_first_one_open() -> None:
    page = objectives(worlds.many_objectives())
    assert len(page.objectives) == 20 > MOST_CARDS
    assert [(d.name, d.open) for d in page.departments] == [
        ("growth-team", True),
        ("support-team", False),
        ("finance-team", False),
    ]
    assert sum(len(d.objectives) for d in page.departments) == 20
    few = objectives(worlds.many_objectives(), department="support-team")
    assert {o.team for o in few.objectives} == {"support-team"}
    assert few.departments == ()


def test_worst_first_is_an_order_and_hides_nothing() -> None:
    plain, worst = objectives(worlds.company()), objectives(worlds.company(), sort="worst")
    assert {o.id for o in plain.objectives} == {o.id for o in worst.objectives}
    assert worst.objectives[0].status == "behind"
    assert worst.objectives[-1].status == "not measured"


def test_what_no_objective_fits_is_said() -> None:
    page = objectives(worlds.company(), period="2025-Q1")
    assert page.no_result == "No objective fits the period 2025-Q1."
    assert objectives(worlds.company(), period="2026-Q4").no_result == ""
    assert "no-such-team" in objectives(worlds.company(), department="no-such-team").no_result


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "EUR", "\u2013"),
        (float("nan"), "", "\u2013"),
        (0.0, "", "0"),
        (4.62, "EUR", "\u20ac4.62"),
        (-4.62, "EUR", "-\u20ac4.62"),
        (20_200.0, "EUR", "\u20ac20.2k"),
        (10_000.0, "EUR", "\u20ac10k"),
        (7_941.56, "EUR", "\u20ac7,942"),
        (12.5, "credits", "12.5 credits"),
        (22.8, "percent", "22.8%"),
        (0.03540519, "", "0.0354"),
        (13_500.0, "", "13,500"),
        (7.2, "months", "7.2 months"),
        (5.0, "days", "5 days"),
        (1e-7, "", "0.0000001"),
    ],
)
def test_amounts_have_three_figures_and_their_unit(value: float | None, unit: str, said: str) -> None:
    assert amount(value, unit) == said
