"""The connector postgres_history on log files: what it promises, what it says is missing, what it keeps to itself."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pg_log_writer import STARTED, Line, json_line, write_log

from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError
from headway.graph.model import AnyRecord, Coverage, Gap, Observation
from headway.project.plugins import connector_class
from headway.testing import NOW, ConnectorConformance, Recorded
from headway.warehouse.history.postgres import PostgresHistory
from headway.warehouse.history.postgres_counters import STATE, _remember, _remembered

KEY = {"HEADWAY_PEOPLE_KEY": "an invented key for tests"}
SECRET = "planted-secret-4711"


def ran(ms: float, sql: str, **more: Any) -> Line:
    return Line(f"duration: {ms:.3f} ms  statement: {sql}", **more)


def run(root: Path, since: datetime | None = None, **options: Any) -> list[AnyRecord]:
    context = Context(root=str(root), now=NOW + timedelta(hours=12), environment=KEY, since=since)
    return list(PostgresHistory(options, context).records())


def observed(records: list[AnyRecord], measure: str = "queries") -> dict[tuple[str, str], float]:
    """Amount by relation and person class."""
    found: dict[tuple[str, str], float] = {}
    for r in records:
        if isinstance(r, Observation) and r.measure == measure and not r.column:
            found[r.relation, r.person_class] = found.get((r.relation, r.person_class), 0) + r.amount
    return found


def gaps(records: list[AnyRecord]) -> str:
    return "\n".join(f"{r.message} ({r.hint})" for r in records if isinstance(r, Gap))


def covered(records: list[AnyRecord]) -> bool:
    return any(isinstance(r, Coverage) for r in records)


class TestConformance(ConnectorConformance):
    connector = PostgresHistory
    input_option = "logs"
    tolerated: ClassVar[Mapping[str, str]] = {
        "truncated": "a log that is being written ends anywhere",
        "empty": "the server has just begun this file",
    }

    def recording(self, folder: Path) -> Mapping[str, Any]:
        lines = [
            ran(2, "SELECT a FROM marts.orders"),
            ran(4, "SELECT b FROM raw.customers", user="analyst_b"),
            ran(1, "INSERT INTO raw.customers SELECT 1", user="etl_svc", tag="INSERT"),
        ]
        write_log(folder / "postgresql.csv", lines)
        return {"logs": "postgresql.csv"}

    def environment(self) -> Mapping[str, str]:
        return KEY

    def test_prints_and_writes_nothing(
        self, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """It keeps what it parsed below .headway, and leaves nothing anywhere else."""
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        monkeypatch.chdir(tmp_path / "tmp")
        root = Path(recorded.context.root)
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        capfd.readouterr()
        self._run(recorded)
        assert capfd.readouterr() == ("", "")
        after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        assert {f: b for f, b in after.items() if root / ".headway" not in f.parents} == before


def test_it_is_registered_and_read_by_a_sync_only() -> None:
    assert connector_class("postgres_history") is PostgresHistory
    assert PostgresHistory.sync_only


def test_use_is_told_by_relation_and_class(tmp_path: Path) -> None:
    lines = [
        ran(2, "SELECT a FROM marts.orders"),
        ran(4, "SELECT a FROM marts.orders JOIN orders USING (id)", user="analyst_b"),
        ran(8, "SELECT a FROM marts.orders", user="etl_svc"),
        ran(16, "SELECT 1 FROM pg_catalog.pg_class"),
    ]
    write_log(tmp_path / "log.json", lines)
    records = run(tmp_path, logs="log.json", search_path='"$user", raw, public')
    assert observed(records) == {
        ("wh.marts.orders", "person"): 2,
        ("wh.marts.orders", "service"): 1,
        ("wh.raw.orders", "person"): 1,
    }
    assert observed(records, "seconds") == {
        ("wh.marts.orders", "person"): pytest.approx(0.004),
        ("wh.marts.orders", "service"): pytest.approx(0.008),
        ("wh.raw.orders", "person"): pytest.approx(0.002),
    }
    assert covered(records)
    assert not gaps(records)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([Line("Dauer: 0.532 ms  Anweisung: SELECT 1")], "1 durations in PostgreSQL's log are not in English"),
        ([Line("checkpoint starting: time", tag="")], "no statement is in PostgreSQL's log"),
        ([ran(100 + n, f"SELECT {n} FROM marts.orders") for n in range(60)], "no statement quicker than 100 ms"),
    ],
)
def test_where_the_log_does_not_show_everything_absence_means_nothing(
    tmp_path: Path, lines: list[Line], says: str
) -> None:
    write_log(tmp_path / "log.csv", lines)
    records = run(tmp_path, logs="log.csv")
    assert says in gaps(records)
    assert not covered(records)


def test_missing_durations_and_damage_are_said_beside_what_was_read(tmp_path: Path) -> None:
    write_log(tmp_path / "a.csv", [Line("statement: SELECT a FROM marts.orders", tag="idle")])
    (tmp_path / "b.json").write_text(
        json_line(ran(1, "SELECT a FROM marts.orders", session=2, number=1)) + '{"timestamp": "2026\n'
    )
    (tmp_path / "c.csv").write_bytes(b"\x00\x01" * 500)
    records = run(tmp_path, logs=".")
    assert observed(records) == {("wh.marts.orders", "person"): 2}
    said = gaps(records)
    assert "1 of 2 statements in PostgreSQL's log have no duration" in said
    assert "b.json: 1 record is cut off or overwritten and left out" in said
    assert "c.csv: this is neither csvlog nor jsonlog" in said
    assert covered(records)


def test_nothing_private_is_told_or_kept(tmp_path: Path) -> None:
    torn = json_line(ran(1, f"SELECT '{SECRET}' FROM marts.orders", number=9))[:-30]
    write_log(
        tmp_path / "log.json",
        [
            ran(1, f"SELECT '{SECRET}' FROM marts.orders /* {SECRET} */", detail=f"parameters: $1 = '{SECRET}'"),
            ran(1, f"SELEC '{SECRET}' FROM"),
            ran(1, f"SELECT * FROM marts.orders WHERE email = $x${SECRET}$x$"),
        ],
    )
    with (tmp_path / "log.json").open("a") as log:
        log.write(torn + "\n")
    records = run(tmp_path, logs="log.json")
    said = repr(records)
    kept = {f: f.read_bytes().decode(errors="replace") for f in tmp_path.rglob("*") if f.is_file()}
    del kept[tmp_path / "log.json"]
    assert kept, "what was parsed is kept"
    for text in (said, *kept.values()):
        for secret in (SECRET, "planted", "analyst_a", "email =", "FROM"):
            assert secret not in text
    assert "could not be read" in gaps(records)


def test_a_later_sync_reads_from_a_little_before_the_last_one(tmp_path: Path) -> None:
    days = [STARTED - timedelta(days=n) for n in range(6)]
    write_log(tmp_path / "log.csv", [ran(1, "SELECT a FROM marts.orders", at=day) for day in days])
    assert observed(run(tmp_path, logs="log.csv")) == {("wh.marts.orders", "person"): 6}
    records = run(tmp_path, logs="log.csv", since=NOW - timedelta(days=1))
    assert observed(records) == {("wh.marts.orders", "person"): 3}
    (coverage,) = [r for r in records if isinstance(r, Coverage)]
    assert (coverage.end - coverage.start).days == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs the option logs"),
        ({"logs": []}, "needs the option logs"),
        ({"logs": [3]}, "option logs"),
        ({"logs": 3}, "option logs"),
        ({"logs": "a\0b"}, "option logs"),
        ({"source": "stderr"}, "option source"),
        ({"log": "x.csv"}, "did you mean logs"),
        ({"logs": "x.csv", "search_path": 3}, "option search_path"),
        ({"logs": "x.csv", "keep_days": 0}, "option keep_days"),
        ({"logs": "x.csv", "people": {"persons": ["a"]}}, "option people"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        run(tmp_path, **options)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "log"
    folder.mkdir()

    def refuse(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        run(tmp_path, logs="log")


# --- what is remembered of the counters ------------------------------------------------------------------------------


def test_counters_are_kept_for_their_owner_alone_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / STATE
    assert _remembered(path) is None
    _remember(path, {"a": [3, 1.5]})
    assert _remembered(path) == {"a": (3.0, 1.5)}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [f.name for f in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": 1}', b'{"a": ["x", 1]}', b"\xff", b"[" * 100_000, b"null"])
def test_broken_counters_are_those_of_a_first_sync(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / STATE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert _remembered(path) is None


def test_counters_need_a_profile_of_postgres(tmp_path: Path) -> None:
    with pytest.raises(HeadwayError, match=r"dbt_project\.yml"):
        run(tmp_path, source="pg_stat_statements")
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text("shop: {target: t, outputs: {t: {type: duckdb, path: x.duckdb}}}\n")
    with pytest.raises(ConfigError, match="of type duckdb"):
        run(tmp_path, source="pg_stat_statements")
    (tmp_path / "profiles.yml").write_text(
        "shop: {target: t, outputs: {t: {type: postgres, host: 127.0.0.1, port: 9, user: carol, password: hush-hush, "
        "dbname: wh, schema: s}}}\n"
    )
    with pytest.raises(HeadwayError, match="cannot be reached") as caught:
        run(tmp_path, source="pg_stat_statements")
    assert "hush-hush" not in str(caught.value)
    assert "carol" not in str(caught.value)
