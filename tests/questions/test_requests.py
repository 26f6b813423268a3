"""The request desk: requests folded from what people wrote, what is recommended and why, their rank and their end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_graph import AS_OF, graph_of
from headway.answer import Answer
from headway.errors import UnknownName, UsageError
from headway.graph.graph import Graph
from headway.graph.ledger import Entry
from headway.graph.requests import Request, alike, fold, similar
from headway.questions.intake import POINTS, advise, ranked, trust_of
from headway.questions.registry import questions

COMPANY = """
covers "kind:model kind:dashboard" 2026-07-01..2026-11-21
source raw_orders
model orders < raw_orders owner=core-team
model churned < raw_orders
metric revenue < orders title=Revenue
metric churn < churned title="Churn rate"
dashboard sales < revenue title="Sales board"
dashboard leavers < churn title="Who leaves, and why"
dashboard old < churned title="Refunds by warehouse"
views sales 12 on 2026-11-20 person=a1
views leavers 3 on 2026-11-20 person=b2
check orders not_null pass
check churned unique fail since 2026-11-12
objective grow "Grow sales" 2026-10-01..2026-12-31 weight=4
key_result grow.revenue < revenue title="Net income" from=0 to=100
reading grow.revenue 2026-11-20 25
objective keep "Keep customers" 2026-10-01..2026-12-31 weight=1
key_result keep.churn < churn title="Fewer leave" from=10 to=5
objective past "Launch" 2026-04-01..2026-06-30
key_result past.users < revenue title="Early users"
objective report "Reporting" standing limit=1
key_result report.eu < revenue title="Revenue in the EU"
"""


@pytest.fixture(scope="module")
def company() -> Graph:
    return graph_of(COMPANY)


def at(days: int) -> datetime:
    """Noon, so many days before the day of the graph."""
    return datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12, tzinfo=UTC) - timedelta(days=days)


def wrote(subject: str, act: str, days: int = 0, by: str = "growth-team", **body: Any) -> Entry:
    return Entry(at=at(days), by=by, topic="request", subject=subject, act=act, body=body)


def filed(*entries: Entry) -> tuple[Request, ...]:
    return fold(entries)


def wish(text: str, key_result: str = "", **more: Any) -> Request:
    return Request(id="R-9", text=text, key_result=key_result, by="growth-team", asked=AS_OF, **more)


def ask(graph: Graph, name: str, *requests: Request, **parameters: Any) -> Answer:
    return questions()[name].ask(graph, **parameters, filed=requests)


# ---------------------------------------------------------------------- fold


def test_a_request_is_what_was_written_about_it_in_order() -> None:
    (one,) = filed(
        wrote("R-1", "filed", 9, text="Churn by plan", due="2026-12-01", kind="dashboard", readers="us"),
        wrote("R-1", "edited", 8, text="Churn by plan and country", readers=""),
        wrote("R-1", "declined", 7, "data-team", reason="later"),
        wrote("R-1", "accepted", 3, "data-team", reason="now", cost="small"),
        wrote("R-1", "built", 1, "data-team", asset="leavers"),
    )
    assert (one.text, one.readers, one.due, one.cost) == ("Churn by plan and country", "", date(2026, 12, 1), "small")
    assert one.state == "built"
    assert one.asset == "leavers"
    assert [(a.act, a.by, a.reason) for a in one.acts[2:4]] == [
        ("declined", "data-team", "later"),
        ("accepted", "data-team", "now"),
    ]
    assert one.asked == AS_OF - timedelta(days=9)


def test_filing_an_id_twice_counts_once() -> None:
    twice = filed(wrote("R-1", "imported", 2, text="One"), wrote("R-1", "imported", 1, text="One", by="b"))
    assert [(r.text, len(r.acts)) for r in twice] == [("One", 1)]


@pytest.mark.parametrize(
    "body",
    [{}, {"text": 7}, {"text": None}, {"text": ["x"]}, {"text": "  "}],
    ids=["nothing", "number", "null", "list", "blank"],
)
def test_what_says_nothing_is_no_request(body: dict[str, Any]) -> None:
    assert fold([Entry(at=at(0), by="a", topic="request", subject="R-1", act="filed", body=body)]) == ()


def test_values_of_another_type_are_passed_over_and_other_topics_too() -> None:
    entries = [
        Entry(at=at(0), by="a", topic="finding", subject="R-1", act="filed", body={"text": "no request"}),
        wrote("R-2", "accepted", reason="of nothing"),
        wrote("R-3", "filed", text="Yes", kind="submarine", due="soon", cost=9, key_result={"a": 1}, decision=[1]),
        wrote("R-3", "celebrated", reason="unheard of"),
    ]
    (one,) = fold(entries)
    assert (one.kind, one.due, one.cost, one.key_result, one.decision, one.state) == ("", None, "", "", "", "open")


JSON = st.sampled_from([None, True, 7, 1.5, "", "x", "small", "2026-12-01", [], ["x"], {"a": 1}])
ACTS = ("filed", "imported", "edited", "accepted", "declined", "built", "withdrawn", "other")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["R-1", "R-2"]),
            st.sampled_from(ACTS),
            st.dictionaries(st.sampled_from(["text", "kind", "due", "cost", "reason", "asset", "asked"]), JSON),
        ),
        max_size=8,
    )
)
def test_any_ledger_can_be_folded(rows: list[tuple[str, str, dict[str, Any]]]) -> None:
    entries = [wrote(subject, act, 0, **{k: v for k, v in body.items() if k != "by"}) for subject, act, body in rows]
    requests = fold(entries)
    assert len({r.id for r in requests}) == len(requests)
    assert all(r.text and r.acts and (r.decided is None) == (r.state == "open") for r in requests)


def test_texts_are_alike_by_the_words_that_say_something() -> None:
    assert alike("Churn by plan", "A dashboard of churn per plan, please") == 1.0
    assert alike("Churn by plan", "Churn by country") == pytest.approx(1 / 3)
    assert alike("the dashboard", "The Dashboard") == 1.0
    assert alike("", "Churn") == 0.0
    known = filed(wrote("R-1", "filed", text="Refunds"), wrote("R-2", "filed", text="churn of plans"))
    assert [r.id for _, r in similar("Churn by plan", known)] == ["R-2"]
    assert similar("Churn by plan", known, besides="R-2") == []


# ---------------------------------------------------------------------- what is recommended


def test_what_is_there_is_pointed_to_with_its_use(company: Graph) -> None:
    advice = advise(company, wish("sales board of revenue", "grow.revenue"))
    assert advice.verdict == "point"
    assert company.nodes[advice.asset or 0].name == "sales"
    assert advice.reasons[1] == "It is used by 1 person."


def test_what_nobody_uses_and_nobody_can_trust_says_so(company: Graph) -> None:
    advice = advise(company, wish("refunds by warehouse", "keep.churn"))
    assert advice.verdict == "point"
    assert "Nobody has used it in 90 days" in advice.reasons[1]
    assert advice.reasons[2] == "It cannot be trusted today (a test fails: churned): mend that first."


def test_a_table_answers_nobody_who_asked_for_a_dashboard(company: Graph) -> None:
    on_a_page = advise(company, wish("orders", "grow.revenue", kind="dashboard", decision="x"))
    assert on_a_page.verdict == "accept"
    assert on_a_page.reasons[-1].endswith("nearest is the model orders, with 100% of it.")
    table = advise(company, wish("orders", "grow.revenue", kind="table"))
    assert (table.verdict, company.nodes[table.asset or 0].name) == ("point", "orders")


def test_what_shows_the_key_result_is_extended_by_what_it_lacks(company: Graph) -> None:
    advice = advise(company, wish("who leaves by country", "keep.churn", decision="where to call"))
    assert advice.verdict == "extend"
    assert advice.reasons[0].startswith("Who leaves, and why covers ")
    assert advice.reasons[0].endswith("it says nothing of country.")


def test_what_is_new_is_accepted_and_says_for_what(company: Graph) -> None:
    advice = advise(company, wish("parking places", "grow.revenue", decision="rent more"))
    assert advice.verdict == "accept"
    assert advice.reasons == (
        "It is for Net income (Grow sales), which is 25% of the way to its target.",
        "Nothing that exists says anything of what is asked.",
    )
    assert "ask that first" in advise(company, wish("parking places", "grow.revenue")).reasons[1]


@pytest.mark.parametrize(
    ("key_result", "reason"),
    [
        ("", "It names no key result, so nothing says what it would be for."),
        ("past.users", "Its objective, Launch, ended on 2026-06-30."),
        ("report.eu", "Reporting is standing and has 1 of at most 1 key results: something has to go first."),
        ("grow", "'grow' is an objective: name one of its key results."),
        ("chrun", "There is no key result called 'chrun'; did you mean churn?"),
    ],
)
def test_a_no_has_its_reason(company: Graph, key_result: str, reason: str) -> None:
    advice = advise(company, wish("parking places", key_result))
    assert (advice.verdict, advice.reasons[0]) == ("decline", reason)


def test_the_same_twice_is_declined_and_so_is_what_was_declined_before(company: Graph) -> None:
    text = "Parking places by city"
    waiting = filed(wrote("R-1", "filed", 5, text=text, key_result="grow.revenue"))
    again = advise(company, wish("parking places per city", "grow.revenue"), waiting)
    assert again.reasons == ("R-1 asks for the same (open): Parking places by city.",)
    refused = fold(
        [
            wrote("R-1", "filed", 5, text=text, key_result="grow.revenue"),
            wrote("R-1", "declined", 4, "data-team", reason="the city publishes it"),
        ]
    )
    again = advise(company, wish("parking places per city", "grow.revenue"), refused)
    said = f"The same was declined on {AS_OF - timedelta(days=4)} by data-team (R-1): the city publishes it."
    assert (again.verdict, again.reasons) == ("decline", (said,))
    other = advise(company, wish("parking places per city", "keep.churn", decision="x"), refused)
    assert other.verdict == "accept"
    assert [r.id for r in other.like] == ["R-1"]


def test_the_first_of_two_is_not_the_duplicate(company: Graph) -> None:
    known = filed(
        wrote("R-1", "filed", 5, text="Parking places", key_result="grow.revenue"),
        wrote("R-2", "filed", 4, text="Parking places", key_result="grow.revenue"),
    )
    assert [advise(company, r, known).verdict for r in known] == ["accept", "decline"]


def test_without_goals_nothing_is_declined_for_having_none() -> None:
    graph = graph_of("model orders\ndashboard sales < orders")
    advice = advise(graph, wish("parking places", decision="x"))
    assert advice.verdict == "accept"
    assert advice.reasons[0] == "No goals are written down yet, so nothing says what matters more."


def test_trust_is_that_of_everything_upstream(company: Graph) -> None:
    index = company.index
    assert trust_of(company, index["sales"]) == ("trusted", "trusted")
    assert trust_of(company, index["leavers"]) == ("broken", "a test fails: churned")
    assert trust_of(company, index["raw_orders"]) == ("unknown", "not known")


# ---------------------------------------------------------------------- rank


def test_every_point_can_be_traced(company: Graph) -> None:
    old = AS_OF - timedelta(days=45)
    request = Request(id="R-1", text="x", key_result="grow.revenue", kind="chart", by="a", asked=old)
    points = advise(company, request).points
    assert points is not None
    assert dict(points.parts) == {"objective": 40.0, "gap": 22.5, "cost": 20.0, "age": 5.0}
    assert points.total == 87.5
    assert points.why == (
        "objective 40 of 40: weight 4 of at most 4",
        "gap 22.5 of 30: 25% of the way to its target",
        "cost 20 of 20: small, as a chart is taken to be",
        "age 5 of 10: asked 45 days ago",
    )


def test_what_is_not_known_counts_half_and_says_so(company: Graph) -> None:
    points = advise(company, wish("x", "keep.churn", cost="large")).points
    assert points is not None
    assert dict(points.parts) == {"objective": 10.0, "gap": 15.0, "cost": 0.0, "age": 0.0}
    assert "not known" in points.why[1]
    assert points.why[2] == "cost 0 of 20: large, as was said"


def test_an_ended_objective_weighs_nothing(company: Graph) -> None:
    points = advise(company, wish("x", "past.users")).points
    assert points is not None
    assert points.parts["objective"] == 0.0


@given(
    st.sampled_from(["grow.revenue", "keep.churn", "past.users", "report.eu"]),
    st.sampled_from(["", "small", "medium", "large"]),
    st.integers(-30, 4000),
)
def test_points_stay_inside_their_bounds_and_sum_up(key_result: str, cost: Any, days: int) -> None:
    asked = AS_OF - timedelta(days=days)
    request = Request(id="R-1", text="x", key_result=key_result, cost=cost, by="a", asked=asked)
    points = advise(_COMPANY, request).points
    assert points is not None
    assert all(0 <= points.parts[name] <= most for name, most in POINTS.items())
    assert points.total == pytest.approx(sum(points.parts.values()))


_COMPANY = graph_of(COMPANY)


def test_the_backlog_is_ranked_and_what_has_no_key_result_comes_last(company: Graph) -> None:
    known = filed(
        wrote("R-1", "filed", 80, text="No goal, but old"),
        wrote("R-2", "filed", 0, text="Weight 1", key_result="keep.churn"),
        wrote("R-3", "filed", 0, text="Weight 4", key_result="grow.revenue"),
        wrote("R-4", "filed", 60, text="Weight 1, older", key_result="keep.churn"),
    )
    assert [r.id for r in ranked(company, known)] == ["R-3", "R-4", "R-2", "R-1"]


# ---------------------------------------------------------------------- the questions


def test_the_backlog_is_grouped_by_objective(company: Graph) -> None:
    known = filed(
        wrote("R-1", "filed", 3, text="parking places", key_result="keep.churn"),
        wrote("R-2", "filed", 3, text="canteen menu"),
        wrote("R-3", "filed", 3, text="office plants", key_result="grow.revenue"),
        wrote("R-3", "accepted", 2, "data-team", reason="cheap"),
        wrote("R-4", "filed", 3, text="printer", key_result="grow.revenue"),
        wrote("R-4", "withdrawn", 2, reason="mistake"),
    )
    answer = ask(company, "requests", *known)
    assert [s.headline for s in answer.sections] == ["Grow sales", "Keep customers", "Without a key result"]
    assert answer.headline == ("3 requests are waiting, 2 to be decided: recommended are 1 to accept, 1 to decline.")
    accepted = answer.sections[0].records()[0]
    assert (accepted["rank"], accepted["state"], accepted["advice"]) == (1, "accepted", None)
    assert accepted["why"] == f"accepted on {AS_OF - timedelta(days=2)} by data-team: cheap"
    assert answer.findings == 2
    assert answer.totals["accept"] == 1
    everything = ask(company, "requests", *known, state="all")
    assert sum(len(s.rows) for s in everything.sections) == 4
    assert ask(company, "requests", *known, state="decided").headline == "2 requests were decided."


def test_an_empty_desk_says_how_to_begin(company: Graph) -> None:
    assert ask(company, "requests").headline == "No request has been filed yet: `headway request file` files one."


def test_what_exists_is_listed_with_use_and_trust(company: Graph) -> None:
    answer = ask(company, "answered-by", text="revenue by country", key_result="grow.revenue", kind="dashboard")
    first = answer.records()[0]
    assert (first["asset"], first["shows"], first["use"], first["trust"]) == (
        "Sales board",
        True,
        "1 person",
        "trusted",
    )
    assert first["missing"] == ["country"]
    assert answer.headline == "Recommended: extend Sales board. 1 existing asset already serves Net income."
    assert answer.totals["asset"] == "sales"
    assert answer.findings == 0


def test_what_shows_the_key_result_is_listed_whatever_it_is_called(company: Graph) -> None:
    rows = ask(company, "answered-by", text="zzz", key_result="grow.revenue").records()
    assert (rows[0]["asset"], rows[0]["fit"], rows[0]["missing"]) == ("Sales board", 0.0, ["zzz"])


def test_earlier_requests_are_shown_with_what_became_of_them(company: Graph) -> None:
    known = fold(
        [wrote("R-1", "filed", 9, text="parking places"), wrote("R-1", "declined", 8, "lead", reason="no car")]
    )
    answer = ask(company, "answered-by", *known, text="places for parking")
    before = answer.sections[-1]
    assert before.headline == "Asked before"
    assert before.records()[0]["decision"] == f"declined on {AS_OF - timedelta(days=8)} by lead: no car"


def test_a_key_result_that_is_none_is_refused(company: Graph) -> None:
    with pytest.raises(UnknownName, match="key result"):
        ask(company, "answered-by", text="x", key_result="nothing.such")
    with pytest.raises(UsageError, match=r"'grow' is an objective \(name one of its key results: revenue\)"):
        ask(company, "answered-by", text="x", key_result="grow")


def test_what_was_declined_says_why_and_what_changed_since() -> None:
    later = graph_of(COMPANY, as_of=date(2027, 2, 1))
    known = fold(
        [
            wrote("R-1", "filed", 9, text="a", key_result="grow.revenue"),
            wrote("R-1", "declined", 8, "lead", reason="too dear", objective="goal:objective.grow"),
            wrote("R-2", "filed", 9, text="b", key_result="report.eu"),
            wrote("R-2", "declined", 7, "lead", reason="no goal"),
            wrote("R-3", "filed", 9, text="c", key_result="report.eu"),
            wrote("R-3", "declined", 6, "lead", reason="full", objective="goal:objective.grow"),
            wrote("R-4", "filed", 9, text="d"),
        ]
    )
    answer = ask(later, "declined", *known)
    assert answer.headline == "3 requests were declined."
    assert [(r["request"], r["why"], r["since"]) for r in answer.records()] == [
        ("R-3", "full", "it is for Reporting now"),
        ("R-2", "no goal", "it is for a key result now, of Reporting"),
        ("R-1", "too dear", "Grow sales has ended"),
    ]
    assert ask(later, "declined", *known, like="zzz").headline == "No request for the like of 'zzz' was declined."


def test_what_was_built_is_asked_about_after_90_days() -> None:
    graph = graph_of(COMPANY + "dashboard new title=New\ndashboard sales_2 < orders\nviews sales_2 4 on 2026-07-30\n"
                     "notebook unseen < orders\n")  # fmt: skip
    assets = {"R-1": ("sales", 100), "R-2": ("old", 91), "R-3": ("old", 89), "R-4": ("gone_board", 95),
              "R-5": ("sales_2", 120), "R-6": ("unseen", 95), "R-7": ("leavers", 5)}  # fmt: skip
    entries = []
    for name, (asset, days) in assets.items():
        entries += [wrote(name, "filed", 200, text=name), wrote(name, "accepted", 150, reason="yes")]
        entries.append(wrote(name, "built", days, "data-team", asset=asset))
    answer = ask(graph, "built", *fold(entries))
    assert {r["request"]: r["verdict"] for r in answer.records()} == {
        "R-1": "used",
        "R-2": "nobody",
        "R-3": "too early",
        "R-4": "gone",
        "R-5": "no longer",
        "R-6": "not known",
        "R-7": "used",
    }
    assert answer.headline.startswith("Of 7 requests that were built, 2 used, 1 used by nobody, 1 used no longer")
    assert answer.findings == 3
    unknown = next(r for r in answer.records() if r["request"] == "R-6")
    assert unknown["why_unknown"]
    assert any("built on request is not known" in gap.message for gap in answer.gaps)


def test_without_usage_nobody_is_never_said() -> None:
    graph = graph_of("model orders\ndashboard sales < orders")
    known = fold([wrote("R-1", "filed", 200, text="x"), wrote("R-1", "built", 180, asset="sales")])
    (row,) = ask(graph, "built", *known).records()
    assert (row["verdict"], row["use"]) == ("not known", "not known")
    assert ask(graph, "built").headline == "No request has been built yet."
