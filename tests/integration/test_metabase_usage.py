"""Who opened what in Metabase, from an application database on a real PostgreSQL with Metabase's two logs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors import metabase_site as site
from connectors.http_server import Answer, Server
from headway.connectors.metabase.connector import Metabase
from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, Coverage, Gap, Observation
from headway.people import People

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PEOPLE_KEY = "an invented key for the tests only"
PEOPLE = People(PEOPLE_KEY.encode())

TABLES = """
CREATE TABLE core_user (id integer PRIMARY KEY, email text NOT NULL, type varchar(64) NOT NULL DEFAULT 'personal');
CREATE TABLE view_log (
    id serial PRIMARY KEY, user_id integer, model varchar(16) NOT NULL, model_id integer NOT NULL,
    "timestamp" timestamptz NOT NULL, metadata text, has_access boolean, context varchar(32));
CREATE TABLE query_execution (
    id serial PRIMARY KEY, hash bytea, started_at timestamptz NOT NULL, running_time integer NOT NULL DEFAULT 5,
    result_rows integer NOT NULL DEFAULT 1, native boolean NOT NULL DEFAULT false, context varchar(32),
    error text, executor_id integer, card_id integer, dashboard_id integer, pulse_id integer,
    database_id integer DEFAULT 2, cache_hit boolean);
INSERT INTO core_user VALUES (1, 'sales@tea.example'), (2, 'board@tea.example'), (3, 'data@tea.example');
INSERT INTO core_user VALUES (4, 'unknown', 'api-key');
"""
OLD_TABLES = """
CREATE TABLE core_user (id integer PRIMARY KEY, email text NOT NULL);
CREATE TABLE view_log (
    id serial PRIMARY KEY, user_id integer, model varchar(16) NOT NULL, model_id integer NOT NULL,
    "timestamp" timestamp NOT NULL);
INSERT INTO core_user VALUES (1, 'sales@tea.example');
"""


@pytest.fixture
def database(postgres_database: Callable[[], str]) -> str:
    return postgres_database()


@pytest.fixture
def server() -> Iterator[Server]:
    routes: dict[str, Any] = {f"/{path}": Answer(body) for path, body in site.answers().items()}
    with Server(routes) as running:
        yield running


def at(day: int, clock: str = "09:00:00") -> str:
    return f"2026-11-{day:02} {clock}+00"


def fill(url: str, *, tables: str = TABLES, viewed: list[Any] = (), ran: list[Any] = ()) -> None:  # type: ignore[assignment]
    """Views are (moment, user, model, id, context, access); queries (moment, context, executor, card, dashboard)."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(tables.encode())
        for row in viewed:
            connection.execute(
                'INSERT INTO view_log ("timestamp", user_id, model, model_id, context, has_access) '
                "VALUES (%s, %s, %s, %s, %s, %s)",
                row,
            )
        for row in ran:
            connection.execute(
                "INSERT INTO query_execution (started_at, context, executor_id, card_id, dashboard_id) "
                "VALUES (%s, %s, %s, %s, %s)",
                row,
            )


def synced(server: Server, root: Path, url: str, since: datetime | None = None, **options: Any) -> list[AnyRecord]:
    environment = {
        "HEADWAY_PEOPLE_KEY": PEOPLE_KEY,
        "HEADWAY_METABASE_API_KEY": "mb-1",
        "HEADWAY_METABASE_DB_URL": url.replace("postgresql://", "postgresql+psycopg://"),
    }
    context = Context(root=str(root), now=NOW, environment=environment, since=since)
    people = {"executive": ["board@.*"], "data_team": ["data@.*"]}
    return list(Metabase({"url": server.url, "people": people, **options}, context).records())


def views(records: list[AnyRecord]) -> dict[tuple[str, int, str, str], float]:
    """Views by (item, day, class, who)."""
    names = {PEOPLE.hashed(f"{who}@tea.example"): who for who in ("sales", "board", "data")}
    names[PEOPLE.hashed("unknown")] = "key"
    return {
        (o.node.removeprefix("metabase:"), o.day.day, o.person_class, names.get(o.person, o.person)): o.amount
        for o in records
        if isinstance(o, Observation) and o.measure == "views"
    }


VIEWED = [
    (at(1), 1, "dashboard", 2, "dashboard", True),
    (at(20), 1, "dashboard", 2, "dashboard", True),
    (at(20, "09:00:20"), 1, "dashboard", 2, "dashboard", True),  # a reload
    (at(20, "11:00:00"), 1, "dashboard", 2, "dashboard", True),
    (at(20), 2, "dashboard", 2, "dashboard", True),
    (at(20), 3, "card", 28, "question", True),
    (at(20), 1, "card", 27, "question", True),  # a model
    (at(20), 1, "card", 28, "collection", True),  # its picture in a folder
    (at(20), 1, "dashboard", 3, "dashboard", False),  # nobody let them in
    (at(20), 4, "card", 28, "question", True),  # a program with an API key
    (at(20), 1, "card", 28, "pulse", True),
    (at(20), None, "dashboard", 2, "dashboard", True),  # a public page: told by its queries
    (at(20), 1, "table", 10, None, True),
    (at(20), 1, "card", 999, "question", None),  # deleted since
]
RAN = [
    *[(at(21, f"08:0{n}:00"), "embedded-dashboard", None, 28, 2) for n in range(3)],
    *[(at(21, f"08:0{n}:00"), "embedded-dashboard", None, 31, 2) for n in range(2)],
    (at(21), "public-question", None, 29, None),
    (at(21), "public-csv-download", None, 29, None),
    *[(at(21), "dashboard-subscription", 1, card, 3) for card in (28, 29)],
    (at(21), "pulse", None, 30, None),
    (at(21), "dashboard", 1, 28, 2),  # told by view_log
    (at(21), "ad-hoc", 1, None, None),
    (at(21), "cache-refresh", None, 28, 2),
]


def test_people_embedded_pages_and_subscriptions(server: Server, database: str, tmp_path: Path) -> None:
    fill(database, viewed=VIEWED, ran=RAN)
    records = synced(server, tmp_path, database)
    assert views(records) == {
        ("dashboard.2", 1, "person", "sales"): 1,
        ("dashboard.2", 20, "person", "sales"): 2,
        ("dashboard.2", 20, "executive", "board"): 1,
        ("chart.28", 20, "data_team", "data"): 1,
        ("dataset.27", 20, "person", "sales"): 1,
        ("chart.28", 20, "service", "key"): 1,
        ("chart.28", 20, "scheduled", "sales"): 1,
        ("chart.999", 20, "person", "sales"): 1,
        ("dashboard.2", 21, "embedded", ""): 3,
        ("chart.28", 21, "embedded", ""): 3,
        ("chart.31", 21, "embedded", ""): 2,
        ("chart.29", 21, "embedded", ""): 2,
        ("dashboard.3", 21, "scheduled", ""): 1,
        ("chart.28", 21, "scheduled", ""): 1,
        ("chart.29", 21, "scheduled", ""): 1,
        ("metric.30", 21, "scheduled", ""): 1,
    }
    (coverage,) = [r for r in records if isinstance(r, Coverage)]
    # the log may begin in the middle of its first day
    assert (coverage.start, coverage.end) == (date(2026, 11, 2), date(2026, 11, 22))
    assert coverage.covers == "kind:dashboard,connector:metabase kind:chart,connector:metabase"
    assert not any(o.measure == "views_total" for o in records if isinstance(o, Observation))
    written = msgspec.json.encode([r for r in records if isinstance(r, Observation)]).decode()
    assert "tea.example" not in written
    assert [r.message for r in records if isinstance(r, Gap) and r.topic == "usage"] == []


def test_only_what_is_newer_than_the_last_sync_is_read(server: Server, database: str, tmp_path: Path) -> None:
    fill(database, viewed=VIEWED, ran=RAN)
    records = synced(server, tmp_path, database, since=NOW - timedelta(hours=6))
    assert {day for _, day, _, _ in views(records)} == {21}
    (coverage,) = [r for r in records if isinstance(r, Coverage)]
    assert (coverage.start, coverage.end) == (date(2026, 11, 21), date(2026, 11, 22))
    short = synced(server, tmp_path, database, keep_days=2, covers="kind:dashboard")
    (coverage,) = [r for r in short if isinstance(r, Coverage)]
    assert (coverage.start, coverage.covers) == (date(2026, 11, 20), "kind:dashboard")
    assert 1 not in {day for _, day, _, _ in views(short)}


def test_where_view_log_is_empty_queries_tell_of_views(server: Server, database: str, tmp_path: Path) -> None:
    opened = [(at(20, f"09:00:0{n}"), "dashboard", 1, card, 2) for n, card in enumerate((28, 29, 31, 40))]
    again = [(at(20, f"14:00:0{n}"), "dashboard", 1, card, 2) for n, card in enumerate((28, 29))]
    asked = [(at(20, "10:00:00"), "question", 2, 28, None), (at(20, "10:05:00"), "csv-download", 2, 28, None)]
    program = [(at(20), "question", 4, 29, None)]
    fill(database, ran=[*opened, *again, *asked, *program, (at(19), "ad-hoc", 1, None, None), *RAN[:1]])
    records = synced(server, tmp_path, database)
    found = views(records)
    assert found["dashboard.2", 20, "person", "sales"] == 2
    assert found["chart.28", 20, "person", "sales"] == 2
    assert found["chart.28", 20, "executive", "board"] == 2
    assert found["chart.29", 20, "service", "key"] == 1
    assert found["dashboard.2", 21, "embedded", ""] == 1
    assert [r.start for r in records if isinstance(r, Coverage)] == [date(2026, 11, 20)]


@pytest.mark.parametrize(("oldest", "covered"), [(1, 2), (12, 13)])
def test_a_view_log_that_fell_silent_is_followed_by_queries(
    server: Server, database: str, tmp_path: Path, oldest: int, covered: int
) -> None:
    viewed = [(at(day), 1, "dashboard", 2, "dashboard", True) for day in (1, 5, 10)]
    ran = [(at(day, "10:00:00"), "dashboard", 2, 28, 2) for day in (oldest, 10, 20) if day >= oldest]
    fill(database, viewed=viewed, ran=ran)
    records = synced(server, tmp_path, database)
    people = {(day, person): amount for (item, day, _, person), amount in views(records).items() if "dash" in item}
    expected = {(1, "sales"): 1, (5, "sales"): 1, (10, "sales"): 1, (20, "board"): 1}
    # the hours after its last row are the queries' already, and no day between the two is taken for quiet
    expected |= {(10, "board"): 1} if oldest < 10 else {(12, "board"): 1}
    assert people == expected
    assert [r.start for r in records if isinstance(r, Coverage)] == [date(2026, 11, covered)]


def test_an_older_version_without_newer_columns_and_tables(server: Server, database: str, tmp_path: Path) -> None:
    import psycopg

    fill(database, tables=OLD_TABLES)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            'INSERT INTO view_log (user_id, model, model_id, "timestamp") '
            "VALUES (1, 'dashboard', 2, '2026-11-20 23:30')"
        )
    records = synced(server, tmp_path, database)
    assert views(records) == {("dashboard.2", 20, "person", "sales"): 1}


@pytest.mark.parametrize("tables", [TABLES, "SELECT 1"])
def test_no_views_at_all_is_a_gap_and_nothing_is_covered(
    server: Server, database: str, tmp_path: Path, tables: str
) -> None:
    fill(database, tables=tables)
    records = synced(server, tmp_path, database)
    assert [r for r in records if isinstance(r, Observation | Coverage)] == []
    (gap,) = [r for r in records if isinstance(r, Gap) and r.topic == "usage"]
    assert gap.message == "the application database of Metabase holds no views"


def test_what_may_not_be_read_is_a_gap(server: Server, database: str, tmp_path: Path) -> None:
    import psycopg

    fill(database, viewed=VIEWED)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS tea_reader")
        connection.execute("CREATE ROLE tea_reader LOGIN PASSWORD 'tea-secret-5'")
        connection.execute("GRANT SELECT ON view_log TO tea_reader")  # but not core_user
    try:
        reader = database.replace("//", "//tea_reader:tea-secret-5@", 1)
        head, _, tail = reader.partition("@")
        records = synced(server, tmp_path, f"{head}@{tail.partition('@')[2]}")
        (gap,) = [r for r in records if isinstance(r, Gap) and r.topic == "usage"]
        assert gap.message.startswith("the application database of Metabase cannot be read: ")
        assert "tea-secret" not in msgspec.json.encode(records).decode()
        assert [r for r in records if isinstance(r, Observation | Coverage)] == []
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP OWNED BY tea_reader")
            connection.execute("DROP ROLE tea_reader")


def test_the_log_is_read_and_never_written(server: Server, database: str, tmp_path: Path) -> None:
    import psycopg

    fill(database, viewed=VIEWED, ran=RAN)
    with psycopg.connect(database, autocommit=True) as connection:
        count = "SELECT (SELECT count(*) FROM view_log), (SELECT count(*) FROM query_execution)"
        before = connection.execute(count).fetchone()
        once = synced(server, tmp_path, database)
        assert connection.execute(count).fetchone() == before
    assert synced(server, tmp_path, database) == once
