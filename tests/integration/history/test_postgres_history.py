"""A real PostgreSQL, driven by people, BI tools and dbt: what the log says must come out of it, exactly."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from driven_company import SECRET, SETUP, VIEWS, Company, Did, dbt, dbt_project
from logging_server import LoggingServer, logging_server

from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, Coverage, Gap, Observation
from headway.project import Project
from headway.warehouse.history.postgres import PostgresHistory

pytestmark = pytest.mark.integration

GOALS = """
version: 1
periods: [{id: now, start: 2026-01-01, end: 2036-12-31}]
objectives:
  - id: grow
    title: Grow sales
    owner: sales-team
    period: now
    key_results:
      - {id: revenue, title: Revenue, model: fct_orders, expression: sum(amount), baseline: 0, target: 1000}
"""
KEY = "an invented key for the tests only"


@dataclass(frozen=True)
class Day:
    """A day that is over: the server, what was done, and what its log says of it."""

    server: LoggingServer
    log: Path
    """A copy of its log at the end of the day."""
    did: list[Did]
    ran: list[tuple[float, str]]
    project: Path
    began: datetime


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    import psycopg

    with logging_server() as server:
        began = datetime.now(UTC)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(SETUP.encode())
        project = dbt_project(tmp_path_factory.mktemp("shop") / "shop", server)
        if os.environ.get("HEADWAY_DBT"):
            dbt(project, "build")
        else:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(VIEWS.encode())
        company = Company(server)
        company.works()
        server.settle()
        log = tmp_path_factory.mktemp("log")
        for kind in ("csv", "json"):
            shutil.copyfile(server.log / f"postgresql.{kind}", log / f"postgresql.{kind}")
        yield Day(server, log, company.did, server.ran(), project, began)


def run(root: Path, since: datetime | None = None, **options: Any) -> list[AnyRecord]:
    context = Context(root=str(root), now=datetime.now(UTC), environment={"HEADWAY_PEOPLE_KEY": KEY}, since=since)
    return list(PostgresHistory(options, context).records())


def read_by(records: list[AnyRecord]) -> dict[tuple[str, str, str, str], float]:
    """Amount by measure, relation, tool and person, of relations that were read; `names` must have been on."""
    found: dict[tuple[str, str, str, str], float] = defaultdict(float)
    for r in records:
        if isinstance(r, Observation) and r.relation and not r.column and r.person_class == "person":
            found[r.measure, r.relation, r.tool, r.person] += r.amount
    return dict(found)


def expected(did: list[Did], ran: list[tuple[float, str]]) -> dict[tuple[str, str, str, str], float]:
    """The same from what was written down while driving, and the milliseconds in the log."""
    found: dict[tuple[str, str, str, str], float] = defaultdict(float)
    for mark in {one.mark for one in did}:
        same = [one for one in did if one.mark == mark]
        seconds = same[0].milliseconds(ran) / 1000
        assert seconds > 0, same
        for relation in same[0].reads:
            found["queries", relation, same[0].tool, same[0].person] += len(same)
            found["seconds", relation, same[0].tool, same[0].person] += seconds / len(same[0].reads)
    return dict(found)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_queries_people_and_seconds_are_what_was_driven(day: Day, tmp_path: Path, kind: str) -> None:
    records = run(tmp_path, logs=str(day.log / f"postgresql.{kind}"), names=True)
    found, wanted = read_by(records), expected(day.did, day.ran)
    assert set(found) == set(wanted)
    assert found == pytest.approx(wanted, abs=1e-9, rel=0)
    assert len({who for measure, relation, _, who in found if relation == "wh.marts.fct_orders"}) == 6
    assert not [r for r in records if isinstance(r, Gap)]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_last_use_and_what_is_covered_are_today(day: Day, tmp_path: Path, kind: str) -> None:
    records = run(tmp_path, logs=str(day.log / f"postgresql.{kind}"))
    now = datetime.now(UTC)
    days = {r.day for r in records if isinstance(r, Observation)}
    assert days <= {day.began.date(), now.date()}
    (covered,) = [r for r in records if isinstance(r, Coverage)]
    assert (covered.start, covered.end) == (min(days), now.date())


def test_csvlog_and_jsonlog_together_count_once(day: Day, tmp_path: Path) -> None:
    assert read_by(run(tmp_path, logs=[str(day.log)], names=True)) == pytest.approx(
        expected(day.did, day.ran), abs=1e-9, rel=0
    )


def test_what_dbt_ran_is_put_down_to_its_nodes(day: Day, tmp_path: Path) -> None:
    """A model's time to the model; a test's to what it reads, for that is the node it belongs to."""
    if not os.environ.get("HEADWAY_DBT"):
        pytest.skip("HEADWAY_DBT does not name a dbt")
    wanted: dict[tuple[str, str], float] = defaultdict(float)
    for ms, text in day.ran:
        if '"node_id": "' in text:
            node = text.partition('"node_id": "')[2].partition('"')[0]
            node = "wh.marts.fct_orders" if node.startswith("test.shop.not_null_fct_orders_order_id") else node
            wanted["queries", node] += 1
            wanted["seconds", node] += ms / 1000
    assert {node for _, node in wanted} == {"model.shop.stg_orders", "model.shop.fct_orders", "wh.marts.fct_orders"}
    records = run(tmp_path, logs=str(day.log / "postgresql.json"))
    ran = [r for r in records if isinstance(r, Observation) and r.person_class == "dbt"]
    assert {(r.measure, r.node or r.relation): r.amount for r in ran} == pytest.approx(dict(wanted), abs=1e-9, rel=0)
    assert {(r.tool, r.person, r.column) for r in ran} == {("dbt", "", "")}


def test_nothing_that_was_typed_and_nobodys_name_comes_out(day: Day, tmp_path: Path) -> None:
    records = run(tmp_path, logs=[str(day.log)])
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    said = repr(records).encode() + kept
    assert records
    assert kept
    for secret in (SECRET, "planted", "analyst_", "bi_service", "viewer1", "SELECT sum", "select o.order_id", "70001"):
        assert secret.encode() not in said, secret


def test_a_later_sync_counts_a_day_anew_and_not_twice(day: Day, tmp_path: Path) -> None:
    logs = str(day.log / "postgresql.json")
    first = run(tmp_path, logs=logs)
    again = run(tmp_path, since=datetime.now(UTC) - timedelta(minutes=1), logs=logs)
    assert [r for r in first if isinstance(r, Observation)] == [r for r in again if isinstance(r, Observation)]


def test_a_project_knows_who_uses_its_nodes(day: Day) -> None:
    if not os.environ.get("HEADWAY_DBT"):
        pytest.skip("HEADWAY_DBT does not name a dbt")
    (day.project / "headway.yml").write_text(
        "project: shop\nconnectors:\n"
        f"  - {{name: postgres_history, logs: '{day.log}/*.json', covers: 'kind:model kind:source'}}\n"
    )
    (day.project / "goals.yml").write_text(GOALS)
    environment = {**os.environ, "HEADWAY_PEOPLE_KEY": KEY}
    results = Project.open(day.project, environment=environment).sync(evaluate=False)
    assert {"dbt", "postgres_history"} <= {r.connector for r in results}
    assert not [r for r in results if r.error]
    graph = Project.open(day.project, environment=environment).graph()
    use = graph.use
    wanted: dict[str, set[str]] = defaultdict(set)
    queries: dict[str, int] = defaultdict(int)
    for did in day.did:
        for relation in did.reads:
            wanted[relation].add(did.person)
            queries[relation] += 1
    nodes = {n.relation: i for i, n in enumerate(graph.nodes) if n.relation}
    assert set(wanted) <= set(nodes)
    for relation, people in wanted.items():
        i = nodes[relation]
        assert (use.people[i], use.reads[i], use.status[i]) == (len(people), queries[relation], "used"), relation
        assert day.began.date() <= use.last[i] <= datetime.now(UTC).date()
    assert not [u for u in use.unmatched if not u.name.startswith("superset:")]
    project = Project.open(day.project, environment=environment)
    answer = project.ask("usage", asset="fct_orders")
    reads, people = queries["wh.marts.fct_orders"], len(wanted["wh.marts.fct_orders"])
    assert answer.headline.startswith(f"fct_orders was read {reads} times by {people} people in 90 days, last on ")
    tools = {(row.values[0], row.values[1]): row.values[2:4] for row in answer.rows}
    assert tools["person", "metabase"] == (3, 2)
    assert tools["person", "superset"] == (2, 2)
    assert tools["dbt", "dbt"][1] is None
    why = project.ask("why", asset="stg_orders")
    assert "Grow sales" in str(why), why.headline
    zombies = project.ask("zombies")
    assert not zombies.rows, "a log of one day shows nobody who does not use something"


def test_a_query_of_looker_is_its_users(day: Day, tmp_path: Path) -> None:
    company = Company(day.server, marked=75_000)
    company.looks()
    day.server.settle()
    found = read_by(run(tmp_path, logs=str(day.server.log / "postgresql.json"), names=True))
    regions = {key: amount for key, amount in found.items() if key[1] == "wh.raw.regions"}
    assert regions == pytest.approx(expected(company.did, day.server.ran()), abs=1e-9, rel=0)


def test_statements_logged_apart_from_their_durations_are_paired(day: Day, tmp_path: Path) -> None:
    """log_statement = 'all' with log_duration = on, as many servers are set; the same file goes on in the new form."""
    import psycopg

    changes = {"log_min_duration_statement": "-1", "log_statement": "'all'", "log_duration": "on"}
    with psycopg.connect(day.server.url(), autocommit=True) as connection:
        for name, value in changes.items():
            connection.execute(f"ALTER SYSTEM SET {name} = {value}".encode())
        connection.execute("SELECT pg_reload_conf(), pg_sleep(0.5)")
    try:
        company = Company(day.server, list(day.did), marked=80_000)
        company.works()
        day.server.settle()
    finally:
        with psycopg.connect(day.server.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET ALL")
            connection.execute("SELECT pg_reload_conf(), pg_sleep(0.5)")
    wanted = expected(company.did, day.server.ran())
    assert wanted["queries", "wh.marts.fct_orders", "", "analyst_a"] == 12
    for kind in ("csv", "json"):
        records = run(tmp_path, logs=str(day.server.log / f"postgresql.{kind}"), names=True)
        found = {key: amount for key, amount in read_by(records).items() if key[1] != "wh.raw.regions"}
        assert found == pytest.approx(wanted, abs=1e-9, rel=0)
        assert not [r for r in records if isinstance(r, Gap)]


def test_without_logs_the_counters_say_what_was_added_between_two_syncs(day: Day, tmp_path: Path) -> None:
    import psycopg

    folder = str(day.project)
    options = {"source": "pg_stat_statements", "project_dir": folder, "profiles_dir": folder, "storage": False}
    first = run(tmp_path, **options)
    assert {type(r) for r in first} == {Gap}
    assert "first sync" in " ".join(str(r) for r in first)
    with psycopg.connect(day.server.url("analyst_a"), autocommit=True) as connection:
        for n in range(5):
            connection.execute(f"SELECT count(*) FROM marts.fct_orders WHERE '{SECRET}' <> '{n}'".encode())
    with psycopg.connect(day.server.url("etl_svc"), autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM marts.stg_orders")
    second = run(tmp_path, **options)
    reads = {
        (r.relation, r.person_class, r.amount)
        for r in second
        if isinstance(r, Observation) and r.measure == "queries" and not r.column
    }
    assert reads == {("wh.marts.fct_orders", "person", 5.0), ("wh.marts.stg_orders", "service", 1.0)}
    assert all(r.amount > 0 for r in second if isinstance(r, Observation))
    assert not [r for r in second if isinstance(r, Coverage) or getattr(r, "person", "")]
    (gap,) = [r.message for r in second if isinstance(r, Gap)]
    for word in ("last used", "how many people", "unused", "not known"):
        assert word in gap
    assert not [r for r in run(tmp_path, **options) if isinstance(r, Observation)]
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()) + repr(second).encode()
    for secret in (SECRET, "analyst_", "count(*)"):
        assert secret.encode() not in kept
