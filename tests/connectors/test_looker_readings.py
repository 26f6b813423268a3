"""Measures that Looker computes: what it is asked, what its answers mean, and everything else it may say instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.connectors import looker_site
from tests.connectors.http_server import Answer, Request, Route, Server, unused_url

from headway.connectors.looker import connector, evaluation
from headway.connectors.looker.connector import Looker
from headway.connectors.protocol import Context, Evaluates, Wanted
from headway.errors import ConfigError, HeadwayError, ServiceError
from headway.graph.model import Gap, Node, Origin, Reading

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
AS_OF = date(2026, 11, 22)
ENVIRONMENT = {
    "HEADWAY_LOOKER_CLIENT_ID": "id",
    "HEADWAY_LOOKER_CLIENT_SECRET": "secret",
    "HEADWAY_PEOPLE_KEY": "a-key-for-tests-only",
}
RUN = f"POST {looker_site.API}/queries/run/json"
EXPLORE = f"{looker_site.API}/lookml_models/tea/explores/orders"
MONTHS = {date(2026, 9, 1): True, date(2026, 10, 1): True, date(2026, 11, 1): False}
PLACE = {"model": "tea", "explore": "orders", "view": "orders"}


def dimension(name: str, kind: str, group: str | None = None) -> dict[str, Any]:
    return {"name": f"orders.{name}", "type": kind, "dimension_group": group}


DIMENSIONS = [
    *(dimension(f"created_{f}", f"date_{f}", "orders.created") for f in ("date", "week", "month", "quarter", "year")),
    dimension("status", "string"),
    dimension("shop", "number"),
    dimension("paid", "yesno"),
]
FIELDS = {"dimensions": DIMENSIONS, "measures": [{"name": "orders.margin", "type": "number"}]}


def metric(*places: Mapping[str, str], **more: Any) -> Node:
    asked = {"view": "orders", "measure": "margin", "explores": list(places or (PLACE,)), **more}
    meta = {"sql": {"problem": "it has Liquid in it"}, "looker": asked}
    return Node(id="lookml:metric.tea.orders.margin", kind="metric", name="m", meta=meta, origin=Origin("lookml"))


def wanted(node: Node | None = None, **more: Any) -> Wanted:
    base: dict[str, Any] = {
        "key_result": "goal:key_result.grow.margin",
        "title": "Margin",
        "metric": node or metric(),
        "grain": "month",
        "start": date(2026, 9, 1),
        "end": AS_OF,
        "as_of": AS_OF,
        "periods": MONTHS,
    }
    return Wanted(**{**base, **more})


def total(**more: Any) -> Wanted:
    """One value of all days."""
    return wanted(grain="", start=date(2026, 10, 1), periods={}, **more)


def site(run: Any, fields: Mapping[str, Any] = FIELDS, **explore: Any) -> dict[str, Route]:
    """A Looker whose explore has these fields and whose queries end like this."""
    routes = looker_site.routes()

    def guarded(answer: Any) -> Route:
        def route(request: Request) -> Answer:
            if request.headers.get("authorization") != f"token {looker_site.TOKEN}":
                return Answer({"message": "Requires authentication."}, status=401)
            found = answer(request) if callable(answer) else answer
            return found if isinstance(found, Answer) else Answer(found)

        return route

    said = {"name": "orders", "model_name": "tea", "view_name": "orders", "fields": fields, **explore}
    return {**routes, EXPLORE: guarded(said), RUN: guarded(run)}


def rows(*values: tuple[Any, Any], period: str = "orders.created_month") -> list[dict[str, Any]]:
    return [{period: when, "orders.margin": value} for when, value in values]


def asked(
    routes: Mapping[str, Route], *these: Wanted, root: Path, **options: Any
) -> tuple[list[Reading], list[Gap], list[Any]]:
    """Readings, gaps, and the queries that were asked."""
    with Server(routes) as server:
        looker = Looker({"url": server.url, "lookml": True, **options}, Context(str(root), NOW, ENVIRONMENT))
        found = list(looker.readings(these))
        queries = [request.json for request in server.seen if request.path.endswith("/queries/run/json")]
        shown = repr(found)
        assert looker_site.TOKEN not in shown
        assert "secret" not in shown
    return [r for r in found if isinstance(r, Reading)], [r for r in found if isinstance(r, Gap)], queries


# --- values ----------------------------------------------------------------------------------------------------------


def test_a_value_per_month_and_the_last_one_not_over(tmp_path: Path) -> None:
    answer = rows(("2026-11", 7.5), ("2026-10", "12.25"), ("2026-09", None))
    found, gaps, (query,) = asked(site(answer), wanted(), root=tmp_path)
    assert [(r.day, r.value, r.complete, r.grain) for r in found] == [
        (date(2026, 9, 1), None, True, "month"),
        (date(2026, 10, 1), 12.25, True, "month"),
        (date(2026, 11, 1), 7.5, False, "month"),
    ]
    assert gaps == []
    assert query == {
        "model": "tea",
        "view": "orders",
        "fields": ["orders.created_month", "orders.margin"],
        "filters": {"orders.created_date": "2026-09-01 to 2026-11-23"},
        "sorts": ["orders.created_month desc"],
        "limit": "4",
    }
    assert {r.source for r in found} == {"looker"}
    assert json.loads(found[0].proof) == query, "the proof is the query"


def test_one_value_of_all_days(tmp_path: Path) -> None:
    found, gaps, (query,) = asked(site([{"orders.margin": 19}]), total(), root=tmp_path)
    assert [(r.day, r.value, r.grain, r.complete) for r in found] == [(AS_OF, 19.0, "", True)]
    assert gaps == []
    assert query["fields"] == ["orders.margin"]
    assert query["filters"] == {"orders.created_date": "2026-10-01 to 2026-11-23"}


def test_one_value_without_a_time(tmp_path: Path) -> None:
    fields = {**FIELDS, "dimensions": DIMENSIONS[5:]}
    found, _, (query,) = asked(site([{"orders.margin": 3}], fields), total(end=date(2026, 9, 30)), root=tmp_path)
    assert [(r.day, r.value) for r in found] == [(AS_OF, 3.0)]
    assert query["filters"] == {}


@pytest.mark.parametrize(
    ("grain", "period", "said", "day"),
    [
        ("day", "orders.created_date", "2026-11-21", date(2026, 11, 21)),
        ("week", "orders.created_week", "2026-11-16", date(2026, 11, 16)),
        ("quarter", "orders.created_quarter", "2026-10", date(2026, 10, 1)),
        ("quarter", "orders.created_quarter", "2026-Q4", date(2026, 10, 1)),
        ("year", "orders.created_year", 2026, date(2026, 1, 1)),
        ("year", "orders.created_year", "2026", date(2026, 1, 1)),
    ],
)
def test_every_grain(tmp_path: Path, grain: str, period: str, said: Any, day: date) -> None:
    one = wanted(grain=grain, periods={day: False})
    found, gaps, _ = asked(site(rows((said, 4), period=period)), one, root=tmp_path)
    assert gaps == []
    assert [(r.day, r.value, r.complete) for r in found] == [(day, 4.0, False)]


def test_an_api_that_does_not_say_groups(tmp_path: Path) -> None:
    bare = [{k: v for k, v in one.items() if k != "dimension_group"} for one in DIMENSIONS]
    found, gaps, _ = asked(site(rows(("2026-10", 1)), {**FIELDS, "dimensions": bare}), wanted(), root=tmp_path)
    assert [r.value for r in found] == [1.0]
    assert gaps == []


def test_a_day_by_itself(tmp_path: Path) -> None:
    dimensions = [*DIMENSIONS, dimension("sold_date", "date_date")]
    answer = rows(("2026-11-20", 2), period="orders.sold_date")
    one = wanted(time="sold_date", grain="day", periods={date(2026, 11, 20): True})
    found, gaps, (query,) = asked(site(answer, {**FIELDS, "dimensions": dimensions}), one, root=tmp_path)
    assert [r.value for r in found] == [2.0]
    assert gaps == []
    assert list(query["filters"]) == ["orders.sold_date"]


# --- conditions ------------------------------------------------------------------------------------------------------


def test_conditions_become_filters(tmp_path: Path) -> None:
    conditions = ("orders.status = 'in transit'", "shop = 12", "orders.paid = TRUE")
    _, gaps, (query,) = asked(site(rows(("2026-10", 1))), wanted(filters=conditions), root=tmp_path)
    assert gaps == []
    del query["filters"]["orders.created_date"]
    assert query["filters"] == {"orders.status": "in transit", "orders.shop": "12", "orders.paid": "Yes"}


def test_what_everybody_gets_is_asked_too(tmp_path: Path) -> None:
    always = [{"name": "orders.status", "value": "-lost"}, {"name": "orders.shop", "value": "3"}]
    routes = site(rows(("2026-10", 1)), always_filter=always)
    _, _, (query,) = asked(routes, wanted(filters=("orders.shop = 4",)), root=tmp_path)
    assert query["filters"]["orders.status"] == "-lost"
    assert query["filters"]["orders.shop"] == "4"


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("orders.amount > 10", "a condition is not `field = value`"),
        ("orders.status in ('a', 'b')", "a condition is not `field = value`"),
        ("orders.status = 'a' or 1 = 1", "a condition is not `field = value`"),
        ("orders.country = 'NL'", "orders.country, which is no dimension of tea/orders"),
        ("orders.status = 'a,b'", "a filter of Looker would read otherwise"),
        ("orders.status = '-a'", "a filter of Looker would read otherwise"),
        ("orders.status = 'a%'", "a filter of Looker would read otherwise"),
        ("orders.status = 'a_b'", "a filter of Looker would read otherwise"),
        ("orders.status = 'NOT NULL'", "a filter of Looker would read otherwise"),
        ("orders.status = ''", "a filter of Looker would read otherwise"),
        ("orders.shop = '12'", "of type number, has a value"),
        ("orders.created_date = '2026-11-01'", "of type date_date, has a value"),
    ],
)
def test_conditions_that_cannot_be_said(tmp_path: Path, condition: str, said: str) -> None:
    found, (gap,), queries = asked(site(rows(("2026-10", 1))), wanted(filters=(condition,)), root=tmp_path)
    assert (found, queries) == ([], []), "a value without its condition would be another one"
    assert said in gap.message
    assert "'Margin' has no value" in gap.message
    assert gap.node == "goal:key_result.grow.margin"


def test_two_conditions_on_a_field(tmp_path: Path) -> None:
    both = ("orders.shop = 1", "orders.shop = 2")
    _, (gap,), queries = asked(site([]), wanted(filters=both), root=tmp_path)
    assert "two conditions are on orders.shop" in gap.message
    assert queries == []


# --- what cannot be asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"time": "shipped"}, "tea/orders has no time dimension 'shipped' in orders"),
        ({"grain": "hour"}, "tea/orders has no field orders.created_"),
    ],
)
def test_times_that_are_not_there(tmp_path: Path, changes: Mapping[str, Any], said: str) -> None:
    _, (gap,), queries = asked(site([]), wanted(**changes), root=tmp_path)
    assert said in gap.message
    assert queries == []


def test_a_timeframe_that_is_not_there_is_named(tmp_path: Path) -> None:
    without = [one for one in DIMENSIONS if one["name"] != "orders.created_month"]
    _, (gap,), _ = asked(site([], {**FIELDS, "dimensions": without}), wanted(), root=tmp_path)
    assert "tea/orders has no field orders.created_month" in gap.message
    assert gap.hint == "add month to the timeframes of created"


def test_several_times_and_none_named(tmp_path: Path) -> None:
    more = [*DIMENSIONS, dimension("paid_date", "date_date", "orders.paid")]
    _, (gap,), _ = asked(site([], {**FIELDS, "dimensions": more}), wanted(), root=tmp_path)
    assert "several time dimensions: created, paid" in gap.message


def test_no_time_and_a_grain(tmp_path: Path) -> None:
    _, (gap,), _ = asked(site([], {**FIELDS, "dimensions": DIMENSIONS[5:]}), wanted(), root=tmp_path)
    assert "no time dimension in orders, so it has no value by month" in gap.message


def test_a_measure_that_looker_does_not_have(tmp_path: Path) -> None:
    _, (gap,), _ = asked(site([], {**FIELDS, "measures": []}), wanted(), root=tmp_path)
    assert "the explore tea/orders has no measure orders.margin" in gap.message


def test_an_explore_that_looker_does_not_have(tmp_path: Path) -> None:
    place = {**PLACE, "explore": "gone"}
    _, gaps, _ = asked(site([]), wanted(metric(place)), wanted(metric(place)), root=tmp_path)
    assert ["Looker has no explore tea/gone" in gap.message for gap in gaps] == [True, True]


def test_several_explores(tmp_path: Path) -> None:
    other, second = {**PLACE, "explore": "all_orders"}, {**PLACE, "explore": "late_orders"}
    routes = site(rows(("2026-10", 1)))
    _, _, (query,) = asked(routes, wanted(metric(other, PLACE)), root=tmp_path)
    assert query["view"] == "orders", "the explore that is called like the view"
    _, (gap,), queries = asked(routes, wanted(metric(other, second)), root=tmp_path)
    assert "several explores start from orders: tea/all_orders, tea/late_orders" in gap.message
    assert queries == []
    _, gaps, (query,) = asked(routes, wanted(metric(other, second)), root=tmp_path, explores={"orders": "tea/orders"})
    assert (query["view"], gaps) == ("orders", [])


def test_a_view_that_is_only_joined(tmp_path: Path) -> None:
    twice = {**PLACE, "view": "reordered"}
    routes = site(rows(("2026-10", 1)))
    _, gaps, (query,) = asked(routes, wanted(metric(twice, PLACE)), root=tmp_path)
    assert (query["fields"][1], gaps) == ("orders.margin", []), "the join that is called like the view"
    _, (gap,), _ = asked(routes, wanted(metric(explores=[])), root=tmp_path)
    assert "no explore of Looker has the view orders" in gap.message


@pytest.mark.parametrize("meta", [{}, {"looker": 3}, {"looker": {"view": ["x"], "explores": [7, {"model": None}]}}])
def test_what_a_metric_says_of_itself_is_not_trusted(tmp_path: Path, meta: Mapping[str, Any]) -> None:
    node = Node(id="lookml:metric.x", kind="metric", name="x", meta=dict(meta), origin=Origin("lookml"))
    found, gaps, _ = asked(site([]), wanted(node), root=tmp_path)
    assert (len(found), len(gaps)) == (0, 1)


# --- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "'Margin' has no rows from 2026-09-01 to 2026-11-22"),
        (rows(("2026-10", None)), "Looker answered null"),
        (rows(*[("2026-10", 1)] * 4), "more than 3 rows"),
        (rows(("2026-10", 1), ("2026-10", 2)), "two values for 2026-10-01"),
        (rows(("2026-08", 1)), "a month that begins on 2026-08-01"),
        (rows(("yesterday", 1)), "orders.created_month as something that is not a day or a period"),
        (rows(("2026-13", 1)), "orders.created_month as something that is not a day or a period"),
        (rows(("2026-10", "a lot")), "orders.margin as something that is not a number"),
        (rows(("2026-10", True)), "orders.margin as something that is not a number"),
        ([{"orders.created_month": "2026-10"}], "the answer of Looker has no orders.margin"),
        ([{"looker_error": "SELECT secret_column FROM customers"}], "Looker could not run a query of orders.margin"),
        ({"data": []}, "Looker gave no rows"),
        ([3], "Looker gave no rows"),
    ],
)
def test_answers_without_a_value(tmp_path: Path, answer: Any, said: str) -> None:
    found, (gap,), _ = asked(site(answer), wanted(), root=tmp_path)
    assert said in gap.message
    assert "secret_column" not in repr(gap)
    assert all(reading.value is None for reading in found)


def test_rows_without_a_time_are_no_period(tmp_path: Path) -> None:
    found, gaps, _ = asked(site(rows((None, 5), ("2026-10", 1))), wanted(), root=tmp_path)
    assert [(r.day, r.value) for r in found] == [(date(2026, 10, 1), 1.0)]
    assert gaps == []


def test_a_query_that_is_not_accepted_names_its_fields(tmp_path: Path) -> None:
    refused = Answer({"message": "Validation Failed", "errors": [{"message": "SELECT secret_column"}]}, status=422)
    _, (gap,), _ = asked(site(refused), wanted(filters=("orders.status = 'paid'",)), root=tmp_path)
    assert gap.message == (
        "'Margin' has no value: Looker does not accept a query of orders.margin, orders.created_month, "
        "orders.created_date, orders.status in tea/orders (422)"
    )
    assert gap.hint == "try it in the explore tea/orders"


def test_what_is_not_allowed_stops_none_of_the_others(tmp_path: Path) -> None:
    turns = [Answer({"message": "no"}, status=403), Answer(rows(("2026-10", 1)))]
    found, (gap,), _ = asked(site(lambda _: turns.pop(0)), wanted(), wanted(), root=tmp_path)
    assert "is not allowed to this user (403)" in gap.message
    assert len(found) == 1


def test_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(connector, "ATTEMPTS", 1)
    turns = [Answer([], wait=5), Answer(rows(("2026-10", 1)))]
    found, (gap,), _ = asked(site(lambda _: turns.pop(0)), wanted(), wanted(), root=tmp_path)
    assert "no answer within 0.2 seconds" in gap.message
    assert len(found) == 1


def test_a_server_that_went_away_is_not_asked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "ATTEMPTS", 1)
    many = [wanted()] * 9
    routes = site(Answer([], cut=0))
    with Server(routes) as server:
        looker = Looker({"url": server.url, "lookml": True}, Context(str(tmp_path), NOW, ENVIRONMENT))
        with pytest.raises(ServiceError, match="the connection broke off"):
            list(looker.readings(many))
        asked = [request for request in server.seen if request.path.endswith("/queries/run/json")]
    assert len(asked) == evaluation._MOST_IN_A_ROW


def test_no_server_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "ATTEMPTS", 1)
    looker = Looker({"url": unused_url(), "lookml": True}, Context(str(tmp_path), NOW, ENVIRONMENT))
    with pytest.raises(ServiceError):
        list(looker.readings([wanted()]))
    bare = Looker({"url": unused_url(), "lookml": True}, Context(str(tmp_path), NOW, {"HEADWAY_PEOPLE_KEY": "k" * 20}))
    with pytest.raises(HeadwayError, match="HEADWAY_LOOKER_CLIENT_ID"):
        list(bare.readings([wanted()]))


# --- which are asked -------------------------------------------------------------------------------------------------


def test_which_measures_are_taken(tmp_path: Path) -> None:
    def looker(**options: Any) -> Looker:
        return Looker({"url": "http://127.0.0.1:1", **options}, Context(str(tmp_path), NOW, ENVIRONMENT))

    theirs = metric()
    own = Node(id="looker:metric.x", kind="metric", name="x", meta=theirs.meta, origin=Origin("looker"))
    other = Node(id="dbt:metric.x", kind="metric", name="x", origin=Origin("dbt"))
    assert isinstance(looker(), Evaluates)
    assert looker(lookml=True).takes(theirs, computable=False)
    assert not looker(lookml=True).takes(theirs, computable=True), "the warehouse goes first"
    assert looker(lookml=True, evaluate=True).takes(theirs, computable=True)
    assert not looker(lookml=True).takes(own, computable=False)
    assert looker().takes(own, computable=False)
    assert not looker(evaluate=True).takes(other, computable=True)
    looker_site.recorded(tmp_path / "looker")
    recorded = Looker({"export": "looker", "lookml": True}, Context(str(tmp_path), NOW, ENVIRONMENT))
    assert not recorded.takes(theirs, computable=False), "a recording computes nothing"


@pytest.mark.parametrize("said", [{"orders": "orders"}, {"orders": 3}, {3: "tea/orders"}, {"orders": "a/b/c"}])
def test_explores_that_cannot_be(tmp_path: Path, said: Any) -> None:
    with pytest.raises(ConfigError, match="option explores of looker"):
        Looker({"url": "http://127.0.0.1:1", "explores": said}, Context(str(tmp_path), NOW, ENVIRONMENT))


def test_measures_of_the_api_say_where_they_are_asked(tmp_path: Path) -> None:
    looker_site.recorded(tmp_path / "looker")
    context = Context(str(tmp_path), NOW, ENVIRONMENT)
    found = {r.id: r for r in Looker({"export": "looker"}, context).records() if isinstance(r, Node)}
    assert found["looker:metric.tea.orders.revenue"].meta["looker"] == {
        "view": "orders",
        "measure": "revenue",
        "explores": [PLACE],
    }
