"""From a DuckDB file and its log to the answer: what tables occupy, synced twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from headway.answer import Answer
from headway.project import Project
from shop import SETTINGS, write_shop

CONNECTORS = "connectors:\n  - {name: duckdb_history, path: log.csv, storage: true, covers: kind:seed}\n"
PRICES = "prices: {storage: {amount: 0.001, unit: EUR}}\n"
LOG = "context_id,timestamp,type,log_level,message\n1,2026-11-20 10:00:00+00,QueryLog,INFO,select id from orders\n"
TABLE = "CREATE OR REPLACE TABLE {} AS SELECT range AS id, md5(CAST(range AS VARCHAR)) AS word FROM range({})"


def write(shop: Path, *statements: str) -> int:
    """Change the warehouse, and the size of its file."""
    with duckdb.connect(str(shop / "wh.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute("CHECKPOINT")
    return (shop / "wh.duckdb").stat().st_size


def synced(shop: Path, day: int) -> Answer:
    """What is stored, after a sync on a day of November."""
    project = Project.open(shop)
    project.now = datetime(2026, 11, day, 6, tzinfo=UTC)
    assert not [result.error for result in project.sync(evaluate=False) if result.error]
    answer = Project.open(shop).ask("cost", unit="bytes stored")
    assert sum(answer.totals["parts_micros"].values()) == answer.totals["total_micros"]
    return answer


def test_the_bytes_of_the_last_sync_are_split_over_objectives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY_PEOPLE_KEY", "a key of the tests, long enough")
    shop = write_shop(tmp_path / "shop")
    (shop / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (shop / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: wh.duckdb}}}\n")
    (shop / "log.csv").write_text(LOG)
    (shop / "headway.yml").write_text(SETTINGS + CONNECTORS)
    size = write(
        shop, TABLE.format("orders", 200_000), TABLE.format("forgotten", 50_000), TABLE.format("other", 50_000)
    )
    first = synced(shop, 20)
    serving = first.totals["parts_micros"]["goal:objective.grow"] // 1_000_000
    assert 200_000 * 16 < serving < first.totals["total_micros"] // 1_000_000 < size
    assert first.totals["parts_micros"]["none:zombie"] + first.totals["parts_micros"]["none:unknown"] > 0
    write(shop, "DROP TABLE forgotten", TABLE.format("orders", 400_000))
    second = synced(shop, 21)
    assert second.totals["parts_micros"]["goal:objective.grow"] // 1_000_000 > 400_000 * 16
    assert second.totals["total_micros"] == second.totals["parts_micros"]["goal:objective.grow"], (
        "what was dropped is gone"
    )
    assert not [gap for gap in second.gaps if "other" in gap.message], "tables of nobody's project are not told of"

    both = Project.open(shop).ask("cost")
    assert both.totals["unit"] == "EUR"
    assert [part.totals["unit"] for part in both.sections if "unit" in part.totals] == ["bytes stored"]
    (shop / "headway.yml").write_text(SETTINGS + CONNECTORS + PRICES)
    money = Project.open(shop).ask("cost")
    assert money.totals["spent_micros"]["keep"] == second.totals["total_micros"] // 1000
    assert not [part for part in money.sections if part.totals.get("unit") == "bytes stored"]
