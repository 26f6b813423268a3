"""SQL of each type of metric in each dialect, held against snapshots.

Run with HEADWAY_SNAPSHOTS=write to write them anew, and read the difference before committing it.
"""

from __future__ import annotations

import logging
import os
from datetime import date
from pathlib import Path

import pytest
from sqlglot import parse_one

from headway.errors import ConfigError, InputError
from headway.warehouse.manifest import Manifest
from headway.warehouse.metricflow import DIALECTS, Engine, relations

SNAPSHOTS = Path(__file__).parent / "snapshots"
TYPES = {
    "simple": "revenue",
    "filtered": "pro_revenue",
    "ratio": "dutch_share",
    "derived": "revenue_growth",
    "cumulative": "revenue_last_30_days",
    "conversion": "visit_conversion",
}


@pytest.fixture(scope="module")
def manifest(project: Path) -> Manifest:
    return Manifest(project / "manifest.json")


@pytest.fixture(scope="module")
def engine(manifest: Manifest) -> Engine:
    return Engine(manifest.semantic(manifest.metrics), "duckdb")


@pytest.mark.parametrize("adapter", sorted(DIALECTS))
def test_the_sql_of_each_type(manifest: Manifest, adapter: str) -> None:
    engine = Engine(manifest.semantic(TYPES.values()), adapter)
    parts = []
    for kind, metric in TYPES.items():
        sql = engine.sql(
            metric,
            where=["customer__country <> 'FR'"] if kind == "simple" else (),
            grain="month",
            start=date(2026, 7, 1),
            end=date(2026, 9, 30),
        )
        dialect = "postgres" if adapter == "vertica" else adapter
        assert parse_one(sql, dialect=dialect).find_all(), f"{kind} does not parse as {dialect}"
        parts.append(f"-- {kind}: {metric}\n{sql}\n")
    text = "\n".join(parts)
    snapshot = SNAPSHOTS / f"{adapter}.sql"
    if os.environ.get("HEADWAY_SNAPSHOTS") == "write":
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(text)
    assert text == snapshot.read_text(), "the SQL changed; see the head of this file"


def test_the_same_request_gives_the_same_text(manifest: Manifest, engine: Engine) -> None:
    other = Engine(manifest.semantic(["revenue"]), "duckdb")
    assert (
        engine.sql("revenue", grain="week") == engine.sql("revenue", grain="week") == other.sql("revenue", grain="week")
    )


def test_columns_come_as_asked(engine: Engine) -> None:
    sql = engine.sql("revenue", grain="month", group_by=["customer__country"])
    assert [e.alias_or_name for e in parse_one(sql, dialect="duckdb").expressions] == [
        "metric_time__month", "customer__country", "revenue",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "request_", "said", "near"),
    [
        ("revenu", {}, "does not exactly match any known metrics", "revenue, "),
        ("revenue", {"where": ["customer__county = 'x'"]}, "Dimension('customer__county')", "customer__country"),
        ("revenue", {"group_by": ["customer__cuontry"]}, "customer__cuontry", "customer__country"),
        ("revenue", {"where": ["{{ Dimension('country') }} = 1"]}, "'country'", ""),
        ("revenue_growth", {}, "offset", ""),
    ],
)
def test_what_metricflow_refuses_is_one_sentence(
    engine: Engine, metric: str, request_: dict[str, list[str]], said: str, near: str
) -> None:
    with pytest.raises(InputError) as caught:
        engine.sql(metric, **request_)  # type: ignore[arg-type]
    assert said in caught.value.message
    assert near in caught.value.hint
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_an_adapter_that_metricflow_does_not_know(manifest: Manifest) -> None:
    with pytest.raises(ConfigError, match="'sqlite'"):
        Engine(manifest.semantic(["revenue"]), "sqlite")


@pytest.mark.parametrize("broken", [{}, {"metrics": 3}, {"semantic_models": [{"name": 1}], "metrics": []}])
def test_a_broken_semantic_manifest(broken: dict[str, object]) -> None:
    with pytest.raises(InputError, match="MetricFlow cannot use the semantic manifest"):
        Engine(broken, "duckdb")


def test_the_tables_of_a_filter_are_found_though_dbt_has_no_edge(engine: Engine) -> None:
    assert {name for _, _, name in relations(engine.sql("pro_revenue"), "duckdb")} == {"orders", "customers", "plans"}
    assert relations('SELECT 1 FROM "db"."main"."t" JOIN cte ON true', "vertica") == {("db", "main", "t")}
    with pytest.raises(InputError, match="cannot be parsed"):
        relations("SELECT (", "duckdb")


def test_metricflow_says_nothing_in_the_log(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogger("metricflow").level
    with caplog.at_level(logging.DEBUG):
        engine.sql("revenue", grain="month")
    assert [r for r in caplog.records if r.name.startswith("metricflow")] == []
    assert logging.getLogger("metricflow").level == before
