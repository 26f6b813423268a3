"""Key results evaluated on DuckDB, held against SQL written by hand, to the last digit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headway.errors import WarehouseError
from headway.graph.model import Binding, Gap, Reading, Target
from headway.warehouse.connection import Connection
from headway.warehouse.manifest import Manifest
from headway.warehouse.metricflow import Engine
from headway.warehouse.periods import Window
from headway.warehouse.values import _Ask, _renumbered, evaluate

AS_OF = date(2026, 10, 6)
NOW = datetime(2026, 10, 6, 8, 30, tzinfo=UTC)
ORACLES = sorted(p.stem for p in (Path(__file__).parent / "project" / "oracle").glob("*.sql"))
Ask = Callable[..., list[Reading | Gap]]


def target(
    name: str = "kr",
    *,
    start: date | None = date(2026, 7, 1),
    due: date | None = date(2026, 12, 31),
    **binding: Any,
) -> Target:
    return Target(
        key_result=f"goal:key_result.o.{name}", objective="goal:objective.o", start=start, due=due,
        binding=Binding(**binding),
    )  # fmt: skip


@pytest.fixture
def ask(shop: Connection, project: Path) -> Ask:
    def run(*targets: Target, as_of: date = AS_OF, manifest: Path | None = None, **more: Any) -> list[Reading | Gap]:
        path = manifest or project / "manifest.json"
        return list(evaluate(targets, manifest_path=path, connection=shop, as_of=as_of, now=NOW, **more))

    return run


def readings(records: Sequence[Reading | Gap]) -> list[Reading]:
    assert not [r for r in records if isinstance(r, Gap)]
    return [r for r in records if isinstance(r, Reading)]


def the_gap(records: Sequence[Reading | Gap]) -> Gap:
    (gap,) = (r for r in records if isinstance(r, Gap))
    assert gap.topic == "values"
    return gap


def scalar(shop: Connection, sql: str) -> float:
    value = shop.rows(sql)[0][0]
    return float(value)


# --- per period -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ORACLES)
def test_every_type_of_metric_by_month(ask: Ask, shop: Connection, project: Path, metric: str) -> None:
    oracle = shop.rows((project / "oracle" / f"{metric}.sql").read_text())
    assert len(oracle) >= 2
    found = readings(ask(target(metric=metric, grain="month")))
    assert {r.day: r.value for r in found} == {d: None if v is None else float(v) for d, v in oracle}
    assert [r.day for r in found] == sorted(d for d, _ in oracle)


def test_every_metric_of_the_shop_has_an_oracle(project: Path) -> None:
    assert sorted(Manifest(project / "manifest.json").metrics) == ORACLES


def test_decimals_stay_exact_behind_the_reading(ask: Ask, shop: Connection, project: Path) -> None:
    found = readings(ask(target(metric="revenue", grain="month")))
    rows = shop.rows(found[0].proof)
    assert all(isinstance(value, Decimal) for _, value in rows)
    oracle = shop.rows((project / "oracle" / "revenue.sql").read_text())
    assert {d.date(): v for d, v in rows} == dict(oracle)


def test_a_reading_says_where_it_is_from(ask: Ask) -> None:
    reading = readings(ask(target(metric="revenue", grain="month")))[-1]
    assert reading.key_result == "goal:key_result.o.kr"
    assert (reading.grain, reading.source, reading.at) == ("month", "metricflow", NOW)
    assert reading.origin.connector == "warehouse"
    assert 'FROM "main"."orders"' in reading.proof


def test_the_period_under_way_is_not_complete_and_stops_at_the_as_of_date(ask: Ask, shop: Connection) -> None:
    found = readings(ask(target(metric="revenue", grain="month"), as_of=date(2026, 9, 15)))
    assert [r.complete for r in found[-2:]] == [True, False]
    assert found[-1].day == date(2026, 9, 1)
    upto = "SELECT SUM(amount) FROM main.orders WHERE ordered_at >= '2026-09-01' AND ordered_at < '2026-09-16'"
    assert found[-1].value == scalar(shop, upto)


@pytest.mark.parametrize("grain", ["day", "week", "quarter", "year"])
def test_other_grains(ask: Ask, shop: Connection, grain: str) -> None:
    found = {r.day: r.value for r in readings(ask(target(metric="revenue", grain=grain)))}
    oracle = dict(
        shop.rows(
            f"SELECT CAST(DATE_TRUNC('{grain}', ordered_at) AS DATE), CAST(SUM(amount) AS DOUBLE) FROM main.orders "
            "WHERE ordered_at < '2026-10-07' GROUP BY 1"
        )
    )
    assert found == {day: value for day, value in oracle.items() if day >= min(found)}
    assert len(found) >= 1


@pytest.mark.parametrize("metric", ["revenue_to_date", "revenue_last_30_days", "revenue_this_month"])
def test_days_after_the_last_data_are_never_taken(ask: Ask, metric: str) -> None:
    """The time spine runs until 2027; orders end on 2 October."""
    found = readings(ask(target(metric=metric, grain="day"), as_of=date(2026, 12, 1)))
    assert found[-1].day == date(2026, 10, 2)
    assert all(r.complete for r in found)


def test_a_comparison_does_not_go_on_after_the_last_data(ask: Ask) -> None:
    found = readings(ask(target(metric="revenue_growth", grain="month"), as_of=date(2026, 12, 10)))
    assert found[-1].day == date(2026, 10, 1), "November would compare nothing with October"


def test_an_accumulating_metric_has_the_value_of_the_last_day(ask: Ask, shop: Connection) -> None:
    found = {r.day: r.value for r in readings(ask(target(metric="revenue_to_date", grain="quarter")))}
    upto = "SELECT SUM(amount) FROM main.orders WHERE ordered_at < '{}'"
    assert found[date(2026, 4, 1)] == scalar(shop, upto.format("2026-07-01")), "not that of 1 April"
    assert found[date(2026, 10, 1)] == scalar(shop, upto.format("2026-10-03"))


def test_conditions_narrow_the_metric(ask: Ask, shop: Connection) -> None:
    where = ("customer__country in ('NL', 'DE')", "metric_time >= '2026-08-01'")
    found = {r.day: r.value for r in readings(ask(target(metric="orders", grain="month", where=where)))}
    oracle = shop.rows(
        "SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), COUNT(*) FROM main.orders JOIN main.customers "
        "USING (customer_id) WHERE country IN ('NL', 'DE') AND ordered_at >= '2026-08-01' GROUP BY 1"
    )
    assert found == dict(oracle)


def test_a_comparison_without_grain_gets_that_of_the_comparison(ask: Ask) -> None:
    """A week less a month is not the beginning of a week: there would be nothing to compare with."""
    short = target(metric="revenue_growth", start=date(2026, 9, 1), due=date(2026, 10, 31))
    assert {r.grain for r in readings(ask(short))} == {"month"}


def test_a_comparison_with_the_beginning_of_a_period_is_made_by_day(
    ask: Ask, shop: Connection, project: Path, tmp_path: Path
) -> None:
    document = json.loads((project / "manifest.json").read_text())
    since = json.loads(json.dumps(document["metrics"]["metric.shop.revenue_growth"]))
    since["name"] = "visits_since_the_first"
    since["type_params"] = {
        "expr": "now - before",
        "metrics": [{"name": "visits", "alias": "now"}, {"name": "visits", "alias": "before"}],
    }
    since["type_params"]["metrics"][1]["offset_to_grain"] = "month"
    document["metrics"]["metric.shop.since"] = since
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    bound = target(metric="visits_since_the_first", start=date(2026, 9, 1), due=date(2026, 10, 31))
    found = readings(ask(bound, manifest=tmp_path / "manifest.json"))
    assert {r.grain for r in found} == {"day"}
    oracle = dict(
        shop.rows(
            "SELECT a.day, CAST(a.n - b.n AS DOUBLE) FROM "
            "(SELECT CAST(visited_at AS DATE) AS day, COUNT(*) AS n FROM main.visits GROUP BY 1) AS a JOIN "
            "(SELECT CAST(visited_at AS DATE) AS day, COUNT(*) AS n FROM main.visits GROUP BY 1) AS b "
            "ON b.day = DATE_TRUNC('month', a.day)"
        )
    )
    assert {r.day: r.value for r in found} == {r.day: oracle[r.day] for r in found}
    assert len({r.value for r in found}) > 1


# --- to date --------------------------------------------------------------------------------------------------------

TO_DATE = {
    "revenue": "SELECT SUM(amount) FROM main.orders WHERE {orders}",
    "orders": "SELECT COUNT(*) FROM main.orders WHERE {orders}",
    "buyers": "SELECT COUNT(DISTINCT customer_id) FROM main.orders WHERE {orders}",
    "largest_order": "SELECT MAX(amount) FROM main.orders WHERE {orders}",
    "average_order": "SELECT CAST(SUM(amount) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) FROM main.orders WHERE {orders}",
    "orders_per_visit": "SELECT (SELECT COUNT(*) FROM main.orders WHERE {orders}) * 1.0 "
    "/ (SELECT COUNT(*) FROM main.visits WHERE {visits})",
    "revenue_to_date": "SELECT SUM(amount) FROM main.orders WHERE ordered_at < CAST('{end}' AS DATE) + 1",
}


@pytest.mark.parametrize("metric", sorted(TO_DATE))
def test_values_to_date(ask: Ask, shop: Connection, metric: str) -> None:
    found = readings(ask(target(metric=metric)))
    last = date(2026, 10, 2) if metric == "revenue_to_date" else AS_OF
    assert len(found) == 12
    assert found[-1].day == last
    assert all(r.complete and r.grain == "" for r in found)
    for reading in found:
        inside = "{0} >= '2026-07-01' AND {0} < CAST('" + str(reading.day) + "' AS DATE) + 1"
        oracle = TO_DATE[metric].format(
            orders=inside.format("ordered_at"), visits=inside.format("visited_at"), end=reading.day
        )
        assert reading.value == scalar(shop, oracle), reading.day


def test_the_proof_of_each_value_to_date_is_its_own_statement(ask: Ask, shop: Connection) -> None:
    for reading in readings(ask(target(metric="average_order"))):
        assert shop.rows(reading.proof) == [(reading.value,)]


def test_the_value_to_date_stops_at_the_due_day(ask: Ask, shop: Connection) -> None:
    found = readings(ask(target(metric="revenue", due=date(2026, 8, 31))))
    oracle = "SELECT SUM(amount) FROM main.orders WHERE ordered_at >= '2026-07-01' AND ordered_at < '2026-09-01'"
    assert (found[-1].day, found[-1].value) == (date(2026, 8, 31), scalar(shop, oracle))


@pytest.mark.parametrize("where", [(), ("metric_time <> '2026-10-06'",), ("metric_time <> '2026-07-01'",)])
@pytest.mark.parametrize("metric", ["average_order", "buyers", "dutch_share", "visit_conversion", "pro_revenue"])
def test_statements_made_from_one_are_those_that_metricflow_makes(
    project: Path, metric: str, where: tuple[str, ...]
) -> None:
    manifest = Manifest(project / "manifest.json")
    made = _Ask(Engine(manifest.semantic([metric]), "duckdb"), metric, where)
    start, days = date(2026, 7, 1), [date(2026, 7, 1), date(2026, 8, 1), AS_OF]
    for statement, day in zip(made.each(days, lambda day: Window(start, day)), days, strict=True):
        assert _renumbered(statement) == _renumbered(made.sql("", Window(start, day)))


@pytest.mark.parametrize("metric", ["revenue_to_date", "revenue_last_30_days", "revenue_this_month"])
def test_days_asked_singly_and_as_a_range_are_the_same(ask: Ask, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    singly = ask(target("m", metric=metric, grain="month"), target("d", metric=metric))
    monkeypatch.setattr("headway.warehouse.values.MOST_DAYS", 0)
    ranged = ask(target("m", metric=metric, grain="month"), target("d", metric=metric))
    assert [(r.key_result, r.day, r.value) for r in readings(singly)] == [
        (r.key_result, r.day, r.value) for r in readings(ranged)
    ]
    assert [r.proof for r in readings(singly)] != [r.proof for r in readings(ranged)]


def test_a_key_result_without_dates_looks_back_a_year(ask: Ask, shop: Connection) -> None:
    found = readings(ask(target(metric="orders", start=None, due=None)))
    assert found[-1].value == scalar(shop, "SELECT COUNT(*) FROM main.orders WHERE ordered_at < '2026-10-07'")


def test_a_key_result_that_has_not_begun(ask: Ask) -> None:
    records = ask(target(metric="orders", start=date(2027, 1, 1), due=date(2027, 3, 31)))
    assert "it has not begun: it starts on 2027-01-01" in the_gap(records).message
    levels = readings(ask(target(metric="orders", start=date(2027, 1, 1), due=None, grain="month")))
    assert levels, "its level is known all the same"


# --- models and SQL ---------------------------------------------------------------------------------------------------


def test_a_model_with_time_and_grain(ask: Ask, shop: Connection) -> None:
    bound = target(model="orders", expression="sum(amount)", time="ordered_at", grain="month", where=("amount > 5",))
    found = {r.day: r.value for r in readings(ask(bound))}
    oracle = shop.rows(
        "SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), CAST(SUM(amount) AS DOUBLE) FROM main.orders "
        "WHERE amount > 5 AND ordered_at < '2026-10-07' GROUP BY 1"
    )
    assert found == dict(oracle)


def test_a_model_with_time_is_read_over_the_key_results_own_days(ask: Ask, shop: Connection) -> None:
    (reading,) = readings(ask(target(model="orders", expression="count(*)", time="ordered_at")))
    oracle = "SELECT COUNT(*) FROM main.orders WHERE ordered_at >= '2026-07-01' AND ordered_at < '2026-10-07'"
    assert (reading.day, reading.value, reading.source) == (AS_OF, scalar(shop, oracle), "model")


def test_a_model_without_time_is_read_as_it_stands(ask: Ask) -> None:
    (reading,) = readings(ask(target(model="accounts", expression="count(*)")))
    assert (reading.day, reading.grain, reading.value) == (AS_OF, "", 60.0)


def test_sql_with_a_single_value(ask: Ask) -> None:
    (reading,) = readings(ask(target(sql="select count(*) from main.plans;")))
    assert (reading.day, reading.value, reading.source) == (AS_OF, 3.0, "sql")


def test_sql_with_days_in_any_order(ask: Ask) -> None:
    sql = "select * from (values ('2026-09-02', 2), ('2026-09-01', 1), ('2026-12-24', 9), (null, 4)) as v(d, x)"
    found = readings(ask(target(sql=sql)))
    assert [(r.day, r.value) for r in found] == [(date(2026, 9, 1), 1.0), (date(2026, 9, 2), 2.0)]


def test_sql_with_periods(ask: Ask) -> None:
    sql = "select date_trunc('month', ordered_at), count(*) from main.orders group by 1"
    found = readings(ask(target(sql=sql, grain="month")))
    assert [r.complete for r in found[-2:]] == [True, False]
    assert found[-1].grain == "month"


# --- gaps -----------------------------------------------------------------------------------------------------------


def test_no_row_null_and_refused_are_three_different_gaps(ask: Ask) -> None:
    none = the_gap(ask(target(metric="orders", where=("customer__country = 'XX'",)), titles={}))
    assert none.message == "'kr' has no rows from 2026-07-01 to 2026-10-06"
    records = ask(target(metric="largest_order", where=("customer__country = 'XX'",)))
    assert the_gap(records).message.startswith("'kr' was computed, and the warehouse answered NULL")
    assert [r.value for r in records if isinstance(r, Reading)] == [None]
    refused = the_gap(ask(target(metric="orders", where=("no_such_column = 1",))))
    assert refused.message.startswith("'kr' has no value: duckdb refused the query: Binder Error: Referenced column")
    assert {none.node, refused.node} == {"goal:key_result.o.kr"}


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ({"metric": "revenu"}, "there is no metric called 'revenu'"),
        ({"metric": "revenue", "where": ("customer__contry = 'NL'",)}, "Dimension('customer__contry')"),
        ({"metric": "revenue", "where": ("customer__country = 'NL",)}, "does not end"),
        ({"metric": "revenue", "where": ("{{ cycler }} = 1",)}, "Jinja that is not let through"),
        ({"model": "orders"}, "bound to a model without an expression"),
        ({"model": "passing", "expression": "count(*)"}, "is ephemeral"),
        ({"model": "orders", "expression": "count(*); drop table orders"}, "is not SQL"),
        ({"model": "orders", "expression": "amount"}, "returns more than one value"),
        ({"model": "orders", "expression": "count(*)", "time": "now()"}, "must name a column"),
        ({"sql": "delete from main.orders"}, "is not a SELECT but DELETE"),
        ({"sql": "select order_id from main.orders"}, "returns more than one value"),
        ({"sql": "select 1, 2, 3"}, "returns 3 columns"),
        ({"sql": "select 'soon', 1"}, "'soon' where a day is expected"),
        ({"sql": "select 'much'"}, "'much' where a number is expected"),
        ({"sql": "select cast('inf' as double)"}, "inf where a number is expected"),
        ({"sql": "select date '2026-09-01', 1 union all select date '2026-09-01', 2"}, "two values for 2026-09-01"),
        ({"sql": "select date '2020-01-01', i from range(6000) as r(i)"}, "returns more than 5,000 rows"),
    ],
)
def test_what_is_wrong_with_a_binding_is_a_gap(ask: Ask, binding: dict[str, Any], said: str) -> None:
    gap = the_gap(ask(target(**binding), titles={"goal:key_result.o.kr": "Revenue"}))
    assert gap.message.startswith("'Revenue' has no value: ")
    assert said in gap.message


def test_nothing_from_before_the_data(ask: Ask) -> None:
    old = target(metric="revenue_to_date", start=date(2025, 1, 1), due=date(2025, 3, 31))
    assert "has no rows from 2025-01-01 to 2025-03-31" in the_gap(ask(old)).message


def test_one_that_fails_does_not_stop_the_others(ask: Ask) -> None:
    broken = [target("a", sql="selec"), target("b", metric="nope"), target("c", model="nope", expression="1")]
    records = ask(*broken, target("d", sql="select 1"))
    assert [r.node for r in records if isinstance(r, Gap)] == [f"goal:key_result.o.{n}" for n in "abc"]
    assert [r.key_result for r in records if isinstance(r, Reading)] == ["goal:key_result.o.d"]


def test_a_metric_that_metricflow_cannot_load_does_not_spoil_the_rest(ask: Ask, project: Path, tmp_path: Path) -> None:
    document = json.loads((project / "manifest.json").read_text())
    document["metrics"]["metric.shop.orders"]["type"] = "guess"
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    records = ask(target("a", metric="orders"), target("b", metric="revenue"), manifest=tmp_path / "manifest.json")
    assert the_gap(records).node == "goal:key_result.o.a"
    assert {r.key_result for r in records if isinstance(r, Reading)} == {"goal:key_result.o.b"}


def test_without_a_manifest_sql_is_still_read(ask: Ask, tmp_path: Path) -> None:
    records = ask(target("a", metric="orders"), target("b", sql="select 1"), manifest=tmp_path / "manifest.json")
    assert "there is no such file" in the_gap(records).message
    assert sum(isinstance(r, Reading) for r in records) == 1


def test_a_session_that_is_lost_is_a_gap_each(project: Path, shop: Connection) -> None:
    shop.close()
    bound = [target("a", sql="select 1"), target("b", metric="orders")]
    records = list(evaluate(bound, manifest_path=project / "manifest.json", connection=shop, as_of=AS_OF, now=NOW))
    assert [type(r) for r in records] == [Gap, Gap]


def test_hand_written_and_unbound_key_results_are_passed_over(ask: Ask) -> None:
    assert ask(target(manual=True), target()) == []


# --- asking ---------------------------------------------------------------------------------------------------------


def test_the_same_question_is_asked_once(project: Path, shop: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    rows = shop.rows

    def counted(sql: str, timeout_s: float = 60.0, *, key_result: str = "") -> list[tuple[Any, ...]]:
        asked.append(sql)
        return rows(sql, timeout_s, key_result=key_result)

    monkeypatch.setattr(shop, "rows", counted)
    bound = [target("a", metric="orders"), target("b", metric="orders"), target("c", metric="buyers")]
    found = list(evaluate(bound, manifest_path=project / "manifest.json", connection=shop, as_of=AS_OF, now=NOW))
    assert len(asked) == 2, "one statement per metric, however many points it has"
    assert [r.value for r in found[:12]] == [r.value for r in found[12:24]]  # type: ignore[union-attr]


def test_every_statement_names_its_key_result(ask: Ask, shop: Connection) -> None:
    shop.backend.con.execute("CALL enable_logging('QueryLog')")
    ask(target("named", metric="revenue_to_date", grain="month"))
    logged = shop.rows("SELECT message FROM duckdb_logs WHERE message LIKE '%metric_time%' OR message LIKE '%MAX(%'")
    ours = [message for (message,) in logged if "duckdb_logs" not in message]
    assert len(ours) == 2, "the last day that has data, and the series"
    assert all(m.endswith('/* headway: {"key_result": "goal:key_result.o.named"} */') for m in ours)


def test_progress_is_told(ask: Ask) -> None:
    told: list[tuple[str, int, int]] = []
    ask(target("a", sql="select 1"), target("b", sql="select 2"), progress=lambda *said: told.append(said))
    assert told == [("key results", 0, 2), ("key results", 1, 2), ("key results", 2, 2)]


def test_a_statement_that_takes_too_long_is_a_gap(ask: Ask) -> None:
    slow = target(sql="select count(*) from range(100000000) as a, range(100000000) as b")
    assert "did not answer: stopped after 0.2 seconds" in the_gap(ask(slow, timeout_s=0.2)).message


def test_the_same_input_gives_the_same_records(ask: Ask) -> None:
    bound = [target(m, metric=m, grain=g) for m in ("revenue", "average_order") for g in ("", "month")]
    assert ask(*bound) == ask(*bound)


def test_metrics_that_mix_accumulating_and_plain_parts_say_so(ask: Ask, project: Path, tmp_path: Path) -> None:
    document = json.loads((project / "manifest.json").read_text())
    mixed = json.loads(json.dumps(document["metrics"]["metric.shop.average_order"]))
    mixed["name"] = "share_of_all"
    mixed["type_params"]["denominator"]["name"] = "revenue_to_date"
    document["metrics"]["metric.shop.share_of_all"] = mixed
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    records = ask(target(metric="share_of_all", grain="month"), manifest=tmp_path / "manifest.json")
    assert "mixes a metric that accumulates with one that does not" in the_gap(records).message
    assert any(isinstance(r, Reading) for r in records)


def test_a_refusal_is_a_warehouse_error_for_those_who_ask_directly(shop: Connection) -> None:
    with pytest.raises(WarehouseError):
        shop.rows("SELECT 1 +")


def test_the_window_moves_with_the_as_of_date(ask: Ask) -> None:
    earlier = readings(ask(target(metric="orders"), as_of=AS_OF - timedelta(days=30)))
    assert earlier[-1].day == date(2026, 9, 6)
    assert earlier[-1].value < readings(ask(target(metric="orders")))[-1].value  # type: ignore[operator]
