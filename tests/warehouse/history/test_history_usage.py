"""From statements to records: what is counted, for whom, and what is told of the rest."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from history_samples import NOW, PEOPLE, amounts, statement, tables, used

from headway.errors import WarehouseError
from headway.graph.model import Coverage, Gap, Observation
from headway.people import Classes, People
from headway.store.store import Store

DBT = '/* {"app": "dbt", "node_id": "model.shop.m"} */'


def gaps(records: list[Any]) -> list[str]:
    return [record.message for record in records if isinstance(record, Gap)]


def test_reads_are_counted_by_relation_day_reader_and_tool() -> None:
    records = used(
        statement("SELECT a FROM s.t WHERE b = 'x'", user="alice"),
        statement("SELECT a FROM s.t WHERE b = 'y' -- note", user="alice"),
        statement("SELECT a FROM s.t", "2026-11-21 23:59:59", user="bob"),
        statement("-- Metabase:: userID: 3 queryType: MBQL queryHash: ab\nSELECT a FROM s.t", user="bi_svc"),
        statement("SELECT a FROM s.t", user="bi_svc"),
    )
    found = amounts(records, "queries", "relation", "column", "day", "person_class", "tool", "person")
    day = date(2026, 11, 20)
    assert found == {
        ("s.t", "", day, "person", "", PEOPLE.known_as("alice")): 2,
        ("s.t", "", date(2026, 11, 21), "person", "", PEOPLE.known_as("bob")): 1,
        ("s.t", "", day, "person", "metabase", PEOPLE.known_as("metabase:3")): 1,
        ("s.t", "", day, "service", "", PEOPLE.known_as("bi_svc")): 1,
        ("s.t", "a", day, "person", "", ""): 3,
        ("s.t", "a", date(2026, 11, 21), "person", "", ""): 1,
        ("s.t", "a", day, "service", "", ""): 1,
        ("s.t", "b", day, "person", "", ""): 2,
    }


def test_what_a_statement_took_is_shared_between_what_it_read() -> None:
    row = statement("SELECT 1 FROM s.t JOIN s.u USING (i) JOIN s.v USING (i)", seconds=9.0, cost=0.6, bytes=300.0)
    records = used(row, cost_unit="EUR")
    assert tables(records, "seconds") == {"s.t": 3, "s.u": 3, "s.v": 3}
    assert sum(tables(records, "cost").values()) == pytest.approx(0.6)
    assert tables(records, "bytes") == {"s.t": 100, "s.u": 100, "s.v": 100}
    assert tables(records) == {"s.t": 1, "s.u": 1, "s.v": 1}
    assert {r.unit for r in records if isinstance(r, Observation) and r.measure == "cost"} == {"EUR"}


def test_without_a_unit_there_is_no_cost() -> None:
    assert tables(used(statement("SELECT 1 FROM s.t", cost=3.0)), "cost") == {}


def test_names_are_completed_from_the_defaults() -> None:
    records = used(
        statement("SELECT 1 FROM t", database="DB", schema="S"),
        statement('SELECT 1 FROM s2."T"', database="DB", schema="S"),
        statement("SELECT 1 FROM d3.s3.t", database="DB", schema="S"),
        statement("SELECT 1 FROM t__dbt_tmp", database="DB", schema="S"),
        statement("SELECT 1 FROM t__dbt_backup", database="DB", schema="S"),
        statement("SELECT 1 FROM information_schema.tables", database="DB", schema="S"),
        statement("SELECT 1 FROM lone"),
        statement("SELECT 1 FROM s.two"),
    )
    assert tables(records) == {"db.s.t": 3, "db.s2.t": 1, "d3.s3.t": 1, "lone": 1, "s.two": 1}


def test_builds_of_dbt_are_cost_of_their_node_and_never_use() -> None:
    records = used(
        statement(f"{DBT} CREATE TABLE s.m__dbt_tmp AS SELECT * FROM s.src", user="alice", seconds=4.0),
        statement(f"CREATE TABLE s.m AS SELECT * FROM s.src\n{DBT}", user="alice", seconds=1.0),
        statement("SELECT 1 FROM s.m", user="dbt", label='{"app": "dbt", "node_id": "test.shop.x.1"}', seconds=2.0),
    )
    assert tables(records) == {"model.shop.m": 2, "s.m": 1}
    assert tables(records, "seconds") == {"model.shop.m": 5, "s.m": 2}
    assert {(r.person_class, r.tool, r.person) for r in records if isinstance(r, Observation)} == {("dbt", "dbt", "")}


def test_other_builds_cost_what_they_build_and_read_as_a_service() -> None:
    records = used(statement("INSERT INTO s.out SELECT a FROM s.src", user="alice", seconds=8.0))
    assert tables(records, "seconds") == {"s.out": 8}
    assert amounts(records, "queries", "relation", "person_class", "column") == {
        ("s.src", "service", ""): 1,
        ("s.src", "service", "a"): 1,
    }


def test_a_temporary_table_stands_for_what_it_was_made_from() -> None:
    records = used(
        statement("CREATE TEMP TABLE x AS SELECT a FROM s.t", user="alice"),
        statement("SELECT * FROM x", user="alice"),
        statement("SELECT * FROM x", user="bob"),
    )
    assert amounts(records, "queries", "relation", "column", "person") == {
        ("s.t", "", PEOPLE.known_as("alice")): 1,
        ("s.t", "a", ""): 1,
        ("x", "", PEOPLE.known_as("bob")): 1,
        ("x", "*", ""): 1,
    }


def test_our_own_statements_are_left_out() -> None:
    records = used(
        statement('SELECT sum(a) FROM s.t\n/* headway: {"key_result": "kr"} */'),
        statement("SELECT 1 FROM s.t", label='{"app": "headway"}'),
        statement("SELECT 1 FROM s.t", application="headway"),
        statement("SELECT 1 FROM s.u WHERE note = '/* headway: {} */'"),
    )
    assert tables(records) == {"s.u": 1}


def test_a_tag_inside_a_literal_is_no_tag() -> None:
    records = used(
        statement(f"SELECT '{DBT}' FROM s.t", user="alice"),
        statement(f"SELECT 1 FROM s.t WHERE b = '-- {DBT[3:-3]}'", user="alice"),
    )
    assert {r.person_class for r in records if isinstance(r, Observation)} == {"person"}


def test_dashboards_get_the_queries_they_sent() -> None:
    tag = '/* {"app": "superset", "user": "v1", "dashboard_id": 3, "chart_id": 4} */'
    records = used(statement(f"SELECT a FROM s.t {tag}", user="superset"), statement("SELECT a FROM s.t"))
    assert tables(records) == {"s.t": 2, "superset:dashboard.3": 1}


def test_a_schedule_is_not_a_person() -> None:
    tag = '-- Hex query metadata: {"project_id": "p1", "context": "SCHEDULED_RUN", "user_email": "a@b.c"}\n'
    [(key, count)] = amounts(used(statement(f"{tag}SELECT 1 FROM s.t", user="hex")), "queries", "person_class").items()
    assert (key, count) == (("scheduled",), 2)  # of the table and of the project


def test_the_data_team_is_a_class_of_its_own() -> None:
    records = used(statement("SELECT 1 FROM s.t", user="ann"), classes=Classes.of({"data_team": ["ann"]}))
    assert amounts(records, "queries", "person_class") == {("data_team",): 1}


def test_what_the_warehouse_says_was_read_goes_before_the_text() -> None:
    records = used(
        statement("SELECT v FROM a_view", reads='[["DB.S.T", ["A"]], ["DB.S.U", null]]', kind="SELECT", seconds=2.0),
        statement(None, reads='[["DB.S.T", ["A"]]]', kind="SELECT"),
        statement(None, reads='[["DB.S.T", ["A"]]]', kind="CREATE_TABLE_AS_SELECT", user="alice"),
    )
    assert tables(records, "seconds") == {"db.s.t": 1, "db.s.u": 1}
    assert amounts(records, "queries", "relation", "column") == {
        ("db.s.t", ""): 3, ("db.s.t", "a"): 3, ("db.s.u", ""): 1, ("db.s.u", "*"): 1,
    }  # fmt: skip


def test_building_and_reading_the_same_relations_are_told_apart() -> None:
    rows = [
        statement(None, reads='[["DB.S.T", null]]', kind=kind, user="ann") for kind in ("SELECT", "SELECT", "INSERT")
    ]
    found = amounts(used(*rows), "queries", "person_class", "column")
    assert found == {("person", ""): 2, ("person", "*"): 2, ("service", ""): 1, ("service", "*"): 1}
    assert found == amounts(used(*reversed(rows)), "queries", "person_class", "column")


def test_statements_that_share_a_hash_are_parsed_once() -> None:
    records = used(
        statement("SELECT a FROM s.t WHERE b = 1", hash="h1"), statement("SELECT a FROM s.t WHERE b = 2", hash="h1")
    )
    assert tables(records) == {"s.t": 2}


def test_what_could_not_be_read_is_told_with_its_share() -> None:
    records = used(
        statement("SELECT FROM WHERE 'SECRET1'"),
        statement("SELECT FROM WHERE 'SECRET2'"),
        statement("SELECT 1 FROM s.t"),
        statement(None),
    )
    [first, second] = gaps(records)
    assert "2 of 4 queries (50.0 %), 1 distinct statement, could not be read" in first
    assert "SELECT t" in first
    assert "1 of 4 queries (25.0 %) have no text" in second
    assert tables(records) == {"s.t": 1}


def test_an_empty_history_is_a_gap_and_covers_nothing() -> None:
    [gap] = used()
    assert isinstance(gap, Gap)
    [gap] = used(statement("SELECT 1 FROM s.t", "2020-01-01 00:00:00"))
    assert isinstance(gap, Gap)


def test_coverage_runs_from_the_first_day_to_today() -> None:
    records = used(statement("SELECT 1 FROM s.t", "2026-11-18 10:00:00"))
    [coverage] = [r for r in records if isinstance(r, Coverage)]
    assert (coverage.start, coverage.end) == (date(2026, 11, 18), date(2026, 11, 22))
    assert coverage.covers == "kind:source kind:seed kind:snapshot kind:model"


def test_a_second_sync_reads_whole_days_from_a_day_before_the_first() -> None:
    rows = [statement("SELECT 1 FROM s.t", f"2026-11-{day:02d} 08:00:00") for day in range(10, 23)]
    records = used(*rows, since=datetime(2026, 11, 21, 12, tzinfo=UTC))
    [coverage] = [r for r in records if isinstance(r, Coverage)]
    assert coverage.start == date(2026, 11, 20)
    assert sorted({r.day.day for r in records if isinstance(r, Observation)}) == [20, 21, 22]


def test_a_quiet_day_at_the_start_of_the_window_is_covered() -> None:
    rows = [
        statement("SELECT 1 FROM s.t", "2026-11-15 08:00:00"),
        statement("SELECT 1 FROM s.t", "2026-11-22 08:00:00"),
    ]
    [coverage] = [r for r in used(*rows, since=NOW - timedelta(days=1)) if isinstance(r, Coverage)]
    assert coverage.start == date(2026, 11, 20)


def test_a_history_that_was_cut_does_not_undo_what_was_seen() -> None:
    rows = [statement("SELECT 1 FROM s.t", f"2026-11-{day} 18:00:00") for day in (20, 21, 22)]
    records = used(*rows, since=datetime(2026, 11, 21, 12, tzinfo=UTC))
    [coverage] = [r for r in records if isinstance(r, Coverage)]
    assert coverage.start == date(2026, 11, 21)
    assert sorted({r.day.day for r in records if isinstance(r, Observation)}) == [21, 22]


def test_the_same_history_gives_the_same_records() -> None:
    rows = [statement(f"SELECT a FROM s.t{n % 3} WHERE b = {n}", user=f"u{n % 4}", seconds=n / 7) for n in range(40)]
    one, other = used(*rows), used(*reversed(rows))
    assert one == other


def test_syncs_through_a_store_add_up_once(tmp_path: Path) -> None:
    rows = [statement("SELECT a FROM s.t", f"2026-11-{day} 08:00:00", user="alice") for day in range(15, 23)]
    rows.append(statement("SELECT a FROM s.t", "2026-11-22 11:00:00", user="bob"))
    times = [datetime(2026, 11, 21, 9, tzinfo=UTC), NOW, NOW]
    since = None
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}") as store:
        for now in times:
            seen = [row for row in rows if row["started"] < f"{now:%Y-%m-%d %H:%M:%S}"]
            with store.sync("sample", now) as sync:
                sync.write(used(*seen, since=since, now=now))
            since = now
        kept = [r for r in store.load().records if isinstance(r, Observation) and not r.column]
    assert len(kept) == 9
    assert sum(r.amount for r in kept) == 9
    assert {r.day.day for r in kept} == set(range(15, 23))


def test_nothing_private_leaves(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    secrets = ["SECRET_LITERAL", "SECRET_COMMENT", "SECRET_USER", "SECRET_APP", "SECRET_LABEL", "SECRET_MAIL", "4711"]
    rows = [
        statement("SELECT a FROM s.t WHERE b = 'SECRET_LITERAL' AND c = 4711 -- SECRET_COMMENT", user="SECRET_USER"),
        statement(
            "SELECT FROM FROM 'SECRET_LITERAL' /* SECRET_COMMENT */", user="SECRET_USER", application="SECRET_APP"
        ),
        statement("FROBNICATE 'SECRET_LITERAL'", user="SECRET_USER", label='{"app": "x", "note": "SECRET_LABEL"}'),
        statement("SELECT $x$SECRET_LITERAL $ 4711$x$, E'SECRET_LITERAL' FROM s.t", user="SECRET_USER"),
        statement("SELECT * FROM 'SECRET_LITERAL.csv'", user="SECRET_USER"),
        statement('SELECT 1 FROM s.t /* {"app": "superset", "user": "SECRET_MAIL@x.y"} */', user="superset"),
        statement("SELECT 1 FROM s.t WHERE b = '" + "SECRET_LITERAL" * 40_000 + "'", user="SECRET_USER"),
    ]
    with caplog.at_level(logging.DEBUG):
        records = used(*rows, cache=tmp_path)
    [file] = tmp_path.iterdir()
    out, err = capfd.readouterr()
    everything = msgspec.json.encode(records).decode() + file.read_bytes().decode("latin-1") + caplog.text + out + err
    for secret in secrets:
        assert secret.lower() not in everything.lower(), secret
    assert tables(records) == {"s.t": 3}


def test_names_are_kept_where_that_is_asked_for() -> None:
    records = used(statement("SELECT 1 FROM s.t", user="Alice"), people=People(b"k" * 32, names=True))
    assert amounts(records, "queries", "person") == {("alice",): 1}


def test_a_backend_that_refuses_is_one_sentence_without_the_statement() -> None:
    from history_samples import table

    from headway.warehouse.history.usage import History, usage

    with table([]) as statements:
        statements.get_backend().con.execute("DROP TABLE statements").fetchall()
        with pytest.raises(WarehouseError) as caught:
            list(
                usage(
                    statements, History(name="x", dialect="duckdb", people=PEOPLE), now=NOW, since=None, progress=print
                )
            )
    assert "SELECT" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_was_parsed_once_is_not_asked_for_again(tmp_path: Path) -> None:
    rows = [statement(f"SELECT a FROM s.t{n}") for n in range(5)]
    said: list[str] = []
    first = used(*rows, cache=tmp_path, progress=lambda what, *_: said.append(what))
    assert said.count("reading statements") == 5
    said.clear()
    assert used(*rows, cache=tmp_path, progress=lambda what, *_: said.append(what)) == first
    assert "reading statements" not in said
