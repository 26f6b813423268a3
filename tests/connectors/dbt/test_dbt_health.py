"""Tests, runs, freshness and the catalog."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_project import entry, gaps, node, of, project, read, table

from headway.graph.model import Check, Node, Observation

GENERATED = "2026-11-21T05:00:00.123456789Z"


def results(*items: dict[str, Any], which: str | None = "build") -> dict[str, Any]:
    schema = "https://schemas.getdbt.com/dbt/run-results/v6.json"
    head = {"dbt_schema_version": schema, "generated_at": GENERATED}
    return {"metadata": head, "results": list(items), "args": {"which": which}}


def result(uid: str, status: str, completed: str = "", **fields: Any) -> dict[str, Any]:
    timing = [
        {"name": "compile", "completed_at": "2026-11-20T00:00:00Z"},
        {"name": "execute", "completed_at": completed},
    ]
    return {"unique_id": uid, "status": status, "timing": timing if completed else [], **fields}


def checked(folder: Path, manifest: dict[str, Any], run: Any, **more: Any) -> list[Any]:
    return read(folder, manifest, {"target/run_results.json": run, **more})


SHOP = (
    table("model.shop.orders"),
    table("model.shop.customers"),
    entry("test.shop.unique_orders.1", "model.shop.orders", attached_node="model.shop.orders"),
)


def test_a_generic_test_is_about_the_model_it_is_attached_to(tmp_path: Path) -> None:
    test = entry(
        "test.shop.relationship.1", "model.shop.customers", "model.shop.orders", attached_node="model.shop.orders"
    )
    [check] = of(read(tmp_path, project(*SHOP[:2], test)), Check)
    assert (check.node, check.id, check.kind) == ("dbt:model.shop.orders", "test.shop.relationship.1", "test")
    assert (check.name, check.status, check.at) == ("relationship", "not run", None)


def test_an_old_generic_test_is_about_the_model_it_is_filed_under(tmp_path: Path) -> None:
    test = entry("test.shop.relationship.1", "model.shop.customers", "model.shop.orders", file_key_name="models.orders")
    assert [c.node for c in of(read(tmp_path, project(*SHOP[:2], test)), Check)] == ["dbt:model.shop.orders"]


def test_a_singular_test_is_about_everything_it_reads(tmp_path: Path) -> None:
    test = entry("test.shop.totals_agree", "model.shop.customers", "model.shop.orders")
    checks = of(read(tmp_path, project(*SHOP[:2], test)), Check)
    assert [(c.node, c.id) for c in checks] == [
        ("dbt:model.shop.customers", "test.shop.totals_agree"),
        ("dbt:model.shop.orders", "test.shop.totals_agree"),
    ]


def test_unit_tests_disabled_tests_and_tests_of_nothing(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        project(
            *SHOP[:2],
            entry(
                "unit_test.shop.orders.math",
                "model.shop.orders",
                "model.shop.customers",
                tested_node_unique_id="model.shop.orders",
            ),
            entry("unit_test.shop.customers.names", "model.shop.customers"),
            entry("test.shop.off", "model.shop.orders", config={"enabled": False}),
            entry("test.shop.nothing"),
            entry("test.shop.gone", "model.shop.removed", attached_node="model.shop.removed"),
        ),
    )
    assert [(c.node, c.kind) for c in of(records, Check)] == [
        ("dbt:model.shop.orders", "unit_test"),
        ("dbt:model.shop.customers", "unit_test"),
    ]
    assert "target/manifest.json: 2 tests about no asset that is in use" in gaps(records, "trust")


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ("pass", "pass"),
        ("Pass", "pass"),
        ("success", "pass"),
        ("reused", "pass"),
        ("warn", "warn"),
        ("partial success", "warn"),
        ("FAIL", "fail"),
        ("error", "error"),
        ("runtime error", "error"),
        ("skipped", "skipped"),
        ("no-op", "not run"),
    ],
)
def test_status(tmp_path: Path, stated: str, status: str) -> None:
    run = results(result("test.shop.unique_orders.1", stated, "2026-11-21T04:00:00Z", message="Got 3 results"))
    [check] = of(checked(tmp_path, project(*SHOP), run), Check)
    bad = status in ("warn", "fail", "error")
    at = datetime(2026, 11, 21, 4, tzinfo=UTC)
    assert check.status == status
    assert check.at == (None if status == "not run" else at)
    assert check.since == (at if bad else None)
    assert check.message == ("" if status in ("pass", "not run") else "Got 3 results")


def test_what_never_began_is_dated_by_the_file(tmp_path: Path) -> None:
    [check] = of(checked(tmp_path, project(*SHOP), results(result("test.shop.unique_orders.1", "skipped"))), Check)
    assert check.at == datetime(2026, 11, 21, 5, 0, 0, 123456, tzinfo=UTC)


def test_runs_of_tables_are_checks(tmp_path: Path) -> None:
    run = results(
        result("model.shop.orders", "error", "2026-11-21T04:00:00Z", message="x" * 10_000),
        result("operation.shop.hook", "success"),
        result("saved_query.shop.pack", "no-op"),
    )
    records = checked(tmp_path, project(*SHOP), run)
    [check] = [c for c in of(records, Check) if c.kind == "run"]
    assert (check.id, check.node, check.status) == ("run:model.shop.orders", "dbt:model.shop.orders", "error")
    assert len(check.message) == 500
    assert gaps(records, "trust") == []


@pytest.mark.parametrize("which", ["compile", "generate", "parse", "list", "show"])
def test_commands_that_build_nothing_prove_nothing(tmp_path: Path, which: str) -> None:
    run = results(result("test.shop.unique_orders.1", "success"), which=which)
    records = checked(tmp_path, project(*SHOP), run)
    assert [c.status for c in of(records, Check)] == ["not run"]
    [said] = gaps(records, "trust")
    assert "which runs no model and no test" in said


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (b"", "target/run_results.json: is empty"),
        (b'{"results": [', "target/run_results.json: ends too early"),
        (b"\xff\xfe\x00\x00", "target/run_results.json: is UTF-16 text"),
        ({"results": 5}, "target/run_results.json: does not have the shape of a dbt artifact"),
        ({"results": [{"unique_id": 5}]}, "target/run_results.json: does not have the shape of a dbt artifact"),
        ({"nodes": {}}, "target/run_results.json: holds nothing that is known here"),
        (b"[" * 100_000, "target/run_results.json: is a JSON list"),
        (b'{"results": [{"x": ' + b"[" * 100_000, "target/run_results.json: is nested too deeply"),
        (
            results(result("test.shop.unique_orders.1", "perfect")),
            "1 result with the unknown status 'perfect' left out",
        ),
        (
            results(result("model.other.x", "success"), result("test.other.y", "pass")),
            "target/run_results.json: 2 results are of nodes that the manifest does not have: model.other.x and test.",
        ),
        (None, "target/run_results.json: there is none"),
    ],
)
def test_unusable_results_are_a_gap_and_the_manifest_is_read(tmp_path: Path, run: Any, said: str) -> None:
    files = {} if run is None else {"target/run_results.json": run}
    records = read(tmp_path, project(*SHOP), files)
    assert len(of(records, Node)) == 2
    assert [c.status for c in of(records, Check)] == ["not run"]
    [message] = gaps(records, "trust")
    assert said in message


def test_a_folder_in_place_of_results_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "target/run_results.json").mkdir(parents=True)
    assert gaps(read(tmp_path, project(*SHOP)), "trust") == ["target/run_results.json: is a folder, not a file"]


# Freshness


def fresh(uid: str, status: str, age: float | None = None, **fields: Any) -> dict[str, Any]:
    loaded = {"max_loaded_at": "2026-11-10T00:00:00Z", "snapshotted_at": "2026-11-20T00:00:00Z"}
    criteria = {"warn_after": {"count": 1, "period": "day"}, "error_after": {"count": 2, "period": "day"}}
    item = {"unique_id": uid, "status": status, "criteria": criteria, **loaded}
    return {**item, "max_loaded_at_time_ago_in_s": age, **fields}


def freshness(folder: Path, *items: dict[str, Any]) -> list[Any]:
    head = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json", "generated_at": GENERATED}
    source = table("source.shop.raw.orders")
    return read(folder, project(source), {"target/sources.json": {"metadata": head, "results": list(items)}})


DAY = 86_400


@pytest.mark.parametrize(
    ("item", "status", "message", "since"),
    [
        (fresh("source.shop.raw.orders", "Pass", 60), "pass", "", None),
        (fresh("source.shop.raw.orders", "error", 10 * DAY), "error", "9 days late", "2026-11-11"),
        (fresh("source.shop.raw.orders", "warn", 1 * DAY + 3_700), "warn", "1 hour late", "2026-11-11"),
        (
            fresh(
                "source.shop.raw.orders", "error", 10 * DAY, criteria={"error_after": {"count": 36, "period": "hour"}}
            ),
            "error",
            "8 days late",
            "2026-11-11",
        ),
        (
            fresh("source.shop.raw.orders", "error", 120, criteria={}),
            "error",
            "last loaded 2 minutes ago",
            "2026-11-10",
        ),
        (
            {"unique_id": "source.shop.raw.orders", "status": "runtime error", "error": "no such table"},
            "error",
            "no such table",
            None,
        ),
        (
            fresh("source.shop.raw.orders", "error", 120, criteria={"warn_after": {"count": 1e300, "period": "day"}}),
            "error",
            "last loaded 2 minutes ago",
            "2026-11-10",
        ),
    ],
)
def test_freshness(tmp_path: Path, item: dict[str, Any], status: str, message: str, since: str | None) -> None:
    [check] = of(freshness(tmp_path, item), Check)
    assert (check.kind, check.id) == ("freshness", "freshness:source.shop.raw.orders")
    assert (check.status, check.message) == (status, message)
    assert (check.since.date().isoformat() if check.since else None) == since


def test_freshness_of_what_is_not_there(tmp_path: Path) -> None:
    records = freshness(tmp_path, fresh("source.other.raw.x", "pass"), fresh("source.shop.raw.orders", "ripe"))
    assert of(records, Check) == []
    said = [g for g in gaps(records, "trust") if "sources.json" in g]
    assert said == [
        "target/sources.json: orders has the unknown freshness status 'ripe'",
        "target/sources.json: 1 result is of nodes that the manifest does not have: source.other.raw.x",
    ]


# Catalog


def test_the_catalog_fills_in_what_the_manifest_lacks(tmp_path: Path) -> None:
    known = {"type": "BASE TABLE", "database": "wh", "schema": "shop", "name": "orders"}
    records = read(
        tmp_path,
        project(
            table("source.shop.raw.orders", relation_name=None, config={}),
            table("model.shop.orders", config={"materialized": "view"}),
            table("model.shop.lost"),
            table("model.shop.part", config={"materialized": "ephemeral"}),
            entry("exposure.shop.board", type="dashboard"),
        ),
        {
            "target/catalog.json": {
                "nodes": {"model.shop.orders": {"metadata": {**known, "name": "other"}, "columns": 7}},
                "sources": {"source.shop.raw.orders": {"metadata": known}},
            }
        },
    )
    source, model = node(records, "source.shop.raw.orders"), node(records, "model.shop.orders")
    assert (source.relation, source.materialized) == ("wh.shop.orders", "table")
    assert (model.relation, model.materialized) == ("wh.shop.orders", "view")
    assert gaps(records, "dbt") == [
        "target/catalog.json: 1 table of the project is not in the catalog of the warehouse: wh.shop.lost"
    ]


def test_a_broken_catalog_is_a_gap(tmp_path: Path) -> None:
    records = read(tmp_path, project(*SHOP), {"target/catalog.json": b"{"})
    assert Counter(type(r) for r in records)[Node] == 2
    assert gaps(records, "dbt") == [
        "target/catalog.json: ends too early, after 1 bytes (was dbt still writing it? run `dbt parse`)"
    ]


def test_run_times_are_kept_of_what_was_built_and_not_of_tests(tmp_path: Path) -> None:
    manifest = project(*SHOP, table("seed.shop.countries"), table("snapshot.shop.prices"), table("source.shop.raw.o"))
    run = results(
        result("model.shop.orders", "success", "2026-11-21T23:59:00-02:00", execution_time=12.5),
        result("model.shop.customers", "error", execution_time=3),
        result("seed.shop.countries", "success", "2026-11-20T04:00:00Z", execution_time=0.25),
        result("snapshot.shop.prices", "success", "2026-11-20T04:00:00Z", execution_time=2.0),
        result("test.shop.unique_orders.1", "pass", "2026-11-20T04:00:00Z", execution_time=9.0),
    )
    times = of(checked(tmp_path, manifest, run), Observation)
    assert {(o.node, o.amount, o.day.isoformat()) for o in times} == {
        ("dbt:model.shop.orders", 12.5, "2026-11-22"),  # the day in UTC
        ("dbt:model.shop.customers", 3.0, "2026-11-21"),  # without phases: the day of the file
        ("dbt:seed.shop.countries", 0.25, "2026-11-20"),
        ("dbt:snapshot.shop.prices", 2.0, "2026-11-20"),
    }
    shapes = {(o.measure, o.unit, o.person_class, o.tool, o.origin.file) for o in times}
    assert shapes == {("seconds", "seconds", "dbt", "dbt run results", "target/run_results.json")}


@pytest.mark.parametrize("odd", [None, "12", -1, 0, True, 1e300, [1], {"s": 1}])
def test_a_run_time_that_is_none_is_left_out(tmp_path: Path, odd: Any) -> None:
    run = results(result("model.shop.orders", "success", "2026-11-21T04:00:00Z", execution_time=odd))
    records = checked(tmp_path, project(*SHOP), run)
    assert of(records, Observation) == []
    assert [c.status for c in of(records, Check) if c.kind == "run"] == ["pass"]


def test_what_was_skipped_or_only_compiled_has_no_run_time(tmp_path: Path) -> None:
    skipped = results(result("model.shop.orders", "skipped", "2026-11-21T04:00:00Z", execution_time=1.0))
    assert of(checked(tmp_path, project(*SHOP), skipped), Observation) == []
    compiled = results(
        result("model.shop.orders", "success", "2026-11-21T04:00:00Z", execution_time=1.0), which="compile"
    )
    assert of(checked(tmp_path, project(*SHOP), compiled), Observation) == []


def test_run_times_of_a_result_without_any_time_are_left_out(tmp_path: Path) -> None:
    run = results(result("model.shop.orders", "success", execution_time=1.0))
    run["metadata"]["generated_at"] = "yesterday"
    assert of(checked(tmp_path, project(*SHOP), run), Observation) == []
