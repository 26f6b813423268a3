"""Every metric of the demo company, built with dbt, held against the SQL written by hand beside it.

Needs the dbt program named by HEADWAY_DBT, with dbt-duckdb and, for the second warehouse, dbt-postgres.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from headway.graph.model import Binding, Reading, Target
from headway.warehouse.connection import Connection, connect
from headway.warehouse.manifest import Manifest
from headway.warehouse.metricflow import Engine
from headway.warehouse.profile import load_profile
from headway.warehouse.shape import shape_of
from headway.warehouse.values import evaluate

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
METRICS = sorted(p.stem for p in (EXAMPLES / "oracle").glob("*.sql"))
FIRST, LAST, AS_OF = date(2026, 1, 1), date(2026, 11, 21), date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SLOW_SECONDS = 120.0
"""A trailing window of eleven months takes PostgreSQL 15 s in MetricFlow's form."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples with the raw data generated, for dbt to write in."""
    if not os.environ.get("HEADWAY_DBT"):
        pytest.skip("HEADWAY_DBT does not name a dbt program")
    if not METRICS:
        pytest.skip("there is no demo company to build")
    folder = tmp_path_factory.mktemp("demo") / "examples"
    leave = shutil.ignore_patterns("target", "logs", "*.duckdb*", "dbt_packages", "raw")
    shutil.copytree(EXAMPLES, folder, ignore=leave)
    _run(sys.executable, "generate.py", "--today", str(AS_OF), at=folder)
    return folder


@pytest.fixture(scope="module")
def duckdb_environment(examples: Path) -> Mapping[str, str]:
    return _built(examples, "duckdb", {"LUMALOOP_DB": "oracle.duckdb"})


@pytest.fixture(scope="module")
def postgres_environment(examples: Path, postgres_url: str) -> Mapping[str, str]:
    url = urlsplit(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE DATABASE lumaloop_oracle TEMPLATE template0")
    settings = {"HOST": "127.0.0.1", "PORT": str(url.port), "USER": str(url.username), "DB": "lumaloop_oracle"}
    return _built(examples, "postgres", {f"LUMALOOP_PG_{key}": value for key, value in settings.items()})


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, examples: Path) -> Iterator[Connection]:
    environment = request.getfixturevalue(f"{request.param}_environment")
    project = examples / "lumaloop"
    profile = load_profile(project, target=request.param, environment=environment, working_directory=project)
    with connect(profile) as connection:
        yield connection


@pytest.fixture
def manifest(warehouse: Connection, examples: Path) -> Manifest:
    return Manifest(examples / "lumaloop" / f"target-{warehouse.adapter}" / "manifest.json")


def test_every_metric_has_an_oracle(manifest: Manifest) -> None:
    assert sorted(manifest.metrics) == METRICS


def test_the_sql_of_every_metric_gives_the_months_of_the_oracle(warehouse: Connection, manifest: Manifest) -> None:
    engine = Engine(manifest.semantic(METRICS), warehouse.adapter)
    wrong = []
    for metric in METRICS:
        found = _by_month(warehouse, engine.sql(metric, grain="month", start=FIRST, end=LAST))
        oracle = _by_month(warehouse, (EXAMPLES / "oracle" / f"{metric}.sql").read_text())
        if not _same(found, oracle):
            wrong.append((metric, found, oracle))
        assert oracle, metric
    assert not wrong


def test_the_readings_of_every_metric_are_the_months_of_the_oracle(warehouse: Connection, manifest: Manifest) -> None:
    """But for accumulating metrics: a month is its last day here, and the oracle follows MetricFlow's choice."""
    semantic = manifest.semantic(METRICS)
    plain = [m for m in METRICS if not shape_of(semantic, m).cumulative]
    assert len(plain) >= len(METRICS) - 6
    targets = [_target(metric, "month") for metric in plain]
    found: dict[str, dict[date, Any]] = {m: {} for m in plain}
    for record in evaluate(targets, manifest_path=manifest.path, connection=warehouse, as_of=AS_OF, now=NOW):
        assert isinstance(record, Reading), record
        if record.day >= FIRST:
            found[record.key_result.rpartition(".")[2]][record.day] = record.value
    for metric in plain:
        oracle = _by_month(warehouse, (EXAMPLES / "oracle" / f"{metric}.sql").read_text())
        assert _same(found[metric], oracle), metric


def test_an_accumulating_metric_has_the_value_of_the_last_day_that_has_data(
    warehouse: Connection, manifest: Manifest
) -> None:
    records = list(
        evaluate(
            [_target("signups_all_time", "month"), _target("active_users_trailing_28d", "month")],
            manifest_path=manifest.path,
            connection=warehouse,
            as_of=AS_OF,
            now=NOW,
            timeout_s=SLOW_SECONDS,
        )
    )
    last = {r.key_result.rpartition(".")[2]: r for r in records if isinstance(r, Reading)}
    assert {(r.day, r.complete) for r in last.values()} == {(date(2026, 11, 1), False)}
    users = (
        "SELECT COUNT(DISTINCT user_id) FROM marts.fct_user_days "
        "WHERE day BETWEEN DATE '2026-10-25' AND DATE '2026-11-21'"
    )
    assert last["active_users_trailing_28d"].value == warehouse.rows(users)[0][0]


def _target(metric: str, grain: str) -> Target:
    return Target(
        key_result=f"goal:key_result.all.{metric}",
        objective="goal:objective.all",
        start=FIRST,
        due=date(2026, 12, 31),
        binding=Binding(metric=metric, grain=grain),
    )


def _by_month(warehouse: Connection, sql: str) -> dict[date, Any]:
    rows = warehouse.rows(sql, SLOW_SECONDS)
    return {(day.date() if isinstance(day, datetime) else day): value for day, value in rows}


def _same(found: Mapping[date, Any], oracle: Mapping[date, Any]) -> bool:
    """Exact, but for floats: the oracle divides in other types than MetricFlow, so these agree to twelve digits."""
    if found.keys() != oracle.keys():
        return False
    pairs = [(found[day], oracle[day]) for day in found]
    if all(isinstance(value, int) or _is_sum(value) for pair in pairs for value in pair):
        return all(a == b for a, b in pairs)
    return [None if a is None else float(a) for a, _ in pairs] == [
        None if b is None else pytest.approx(float(b), rel=1e-12) for _, b in pairs
    ]


def _is_sum(value: Any) -> bool:
    """A decimal of money or hours as it is stored; a division has more digits."""
    return isinstance(value, Decimal) and Decimal(value).as_tuple().exponent >= -4  # type: ignore[operator]


def _built(examples: Path, target: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Load and build one warehouse; the environment that the profile is rendered with."""
    environment = {**os.environ, **settings, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    project = examples / "lumaloop"
    _run(sys.executable, "load.py", "--target", target, at=examples, environment=environment)
    arguments = ["build", "--target", target, "--profiles-dir", ".", "--target-path", f"target-{target}"]
    # one of the demo's tests fails on purpose, so a build ends with 1
    _run(os.environ["HEADWAY_DBT"], *arguments, at=project, environment=environment, allowed=(0, 1))
    assert (project / f"target-{target}" / "run_results.json").exists()
    return environment


def _run(
    *command: str, at: Path, environment: Mapping[str, str] | None = None, allowed: tuple[int, ...] = (0,)
) -> None:
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode not in allowed:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
