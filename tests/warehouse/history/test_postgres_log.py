"""PostgreSQL's logs as statements: every format, setting and damage that a log can have."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg_log_writer import STARTED, Line, csv_line, json_line, numbered, write_log

from headway.errors import InputError
from headway.warehouse.history import postgres_log
from headway.warehouse.history.postgres_files import LONGEST_RECORD, log_files
from headway.warehouse.history.postgres_log import Found, load, workspace

FORMATS = ("log.csv", "log.json")
AT = STARTED + timedelta(hours=1)


def ran(ms: float, sql: str, **more: Any) -> Line:
    return Line(f"duration: {ms:.3f} ms  statement: {sql}", **more)


def read(*paths: Path, since: datetime = datetime(2026, 1, 1), schema: str = "public") -> tuple[list[Any], Found]:
    """The statements in order, as dicts, and what else was found."""
    files, _ = log_files([str(p) for p in paths], str(paths[0].parent))
    with workspace() as backend:
        table, found = load(backend, files, since=since, schema=schema, progress=lambda *_: None)
        rows = backend.con.execute("SELECT * FROM statements ORDER BY started, text").fetchall()
        return [dict(zip(table.columns, row, strict=True)) for row in rows], found


def texts(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [row["text"] for row in rows]


@pytest.fixture
def whole_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files must be read at once; a file that is read record by record fails the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("this file was read record by record")

    monkeypatch.setattr(postgres_log, "_batches", refuse)


@pytest.fixture
def careful_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB gives up on every file, so that all are read record by record."""
    monkeypatch.setattr(postgres_log, "_whole_csv", lambda _: "SELECT error('torn') FROM nowhere")
    monkeypatch.setattr(postgres_log, "_whole_json", lambda: "SELECT error('torn') FROM nowhere")


# --- what a line says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "width"), [("log.csv", 23), ("log.csv", 24), ("log.csv", 26), ("log.json", 0)])
def test_a_statement_has_its_text_person_client_times_and_place(
    tmp_path: Path, name: str, width: int, whole_only: None
) -> None:
    sql = '-- a comment, "quoted"\nSELECT \'x\', "y"\nFROM marts.fct_orders -- duration: 9.000 ms  statement: z'
    rows, found = read(write_log(tmp_path / name, [ran(0.532, sql, at=AT, application="Metabase v0.57")], width))
    assert rows == [
        {
            "started": AT.replace(tzinfo=None) - timedelta(microseconds=532),
            "text": sql,
            "user": "analyst_a",
            "application": "Metabase v0.57",
            "seconds": pytest.approx(0.000532),
            "database": "wh",
            "schema": "public",
            "kind": "SELECT",
        }
    ]
    assert found == Found(statements=1, quickest=0.532)


@pytest.mark.parametrize("name", FORMATS)
def test_steps_of_a_prepared_statement_are_one_statement(tmp_path: Path, name: str, whole_only: None) -> None:
    lines = [
        Line("duration: 1.000 ms  parse S_1: SELECT 1 FROM t WHERE a = $1", tag="PARSE"),
        Line("duration: 2.000 ms  bind S_1: SELECT 1 FROM t WHERE a = $1", tag="BIND", detail="parameters: $1 = 'pw'"),
        Line("duration: 4.000 ms  execute S_1: SELECT 1 FROM t WHERE a = $1", detail="parameters: $1 = 'pw'"),
        Line("duration: 8.000 ms  execute <unnamed>: SELECT 'a: b'"),
    ]
    rows, _ = read(write_log(tmp_path / name, lines))
    assert sorted((r["text"], r["seconds"]) for r in rows) == [
        ("SELECT 'a: b'", 0.008),
        ("SELECT 1 FROM t WHERE a = $1", 0.004),
    ]
    assert "pw" not in str(rows)


@pytest.mark.parametrize("name", FORMATS)
def test_a_duration_on_a_line_of_its_own_belongs_to_the_statement_before_it(tmp_path: Path, name: str) -> None:
    """log_statement = 'all' with log_duration = on, two sessions interleaved."""
    other = {"session": 2, "user": "analyst_b"}
    lines = [
        Line("statement: SELECT 1", tag="idle", at=AT),
        Line("statement: SELECT 2", tag="idle", at=AT, **other),
        Line("duration: 5.000 ms", at=AT),
        Line("duration: 7.000 ms", at=AT, **other),
        Line("duration: 0.100 ms", tag="PARSE"),
        Line("duration: 0.200 ms", tag="BIND"),
        Line("execute <unnamed>: SELECT 3", detail="parameters: $1 = '1'"),
        Line("duration: 9.000 ms"),
        Line("statement: SELECT 4 FROM gone", tag="idle"),
        Line("relation does not exist", severity="ERROR", state="42P01", query="SELECT 4 FROM gone"),
        Line("duration: 0.100 ms", tag="PARSE"),
        Line("execute <unnamed>: SELECT 1/0"),
        Line("division by zero", severity="ERROR", state="22012", query="SELECT 1/0"),
        Line("duration: 0.300 ms", tag="PARSE"),
    ]
    rows, found = read(write_log(tmp_path / name, lines))
    assert sorted((r["text"], r["user"], r["seconds"], r["kind"]) for r in rows) == [
        ("SELECT 1", "analyst_a", 0.005, "SELECT"),
        ("SELECT 2", "analyst_b", 0.007, "SELECT"),
        ("SELECT 3", "analyst_a", 0.009, "SELECT"),
    ]
    assert found.untimed == 0
    assert {r["started"] for r in rows} == {AT.replace(tzinfo=None)}  # these lines are written when it begins


def test_statements_without_any_duration_count_but_their_seconds_are_not_known(tmp_path: Path) -> None:
    lines = [Line("statement: SELECT 1", tag="idle"), Line("statement: SELECT 2", tag="idle")]
    rows, found = read(write_log(tmp_path / "log.csv", lines))
    assert [(r["text"], r["seconds"], r["kind"]) for r in rows] == [("SELECT 1", None, None), ("SELECT 2", None, None)]
    assert (found.statements, found.untimed) == (2, 2)


@pytest.mark.parametrize("name", FORMATS)
def test_an_error_of_another_statement_fails_no_statement(tmp_path: Path, name: str) -> None:
    lines = [
        Line("statement: SELECT 1", tag="idle"),  # quicker than log_min_duration_statement
        Line("syntax error", severity="ERROR", state="42601", query="SELEC 2"),
    ]
    rows, _ = read(write_log(tmp_path / name, lines))
    assert texts(rows) == ["SELECT 1"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_cursor_is_one_statement_with_all_its_fetches(tmp_path: Path, name: str) -> None:
    declare = '/* tag */ DECLARE "SQL_CUR01" NO SCROLL CURSOR WITH HOLD FOR\nSELECT a FROM t'
    lines = [
        ran(1, declare, tag="DECLARE CURSOR"),
        ran(2, 'FETCH 100 IN "SQL_CUR01"', tag="FETCH"),
        ran(4, 'FETCH FORWARD 100 FROM "SQL_CUR01";', tag="FETCH"),
        ran(1, declare, tag="DECLARE CURSOR"),
        ran(8, 'FETCH 100 IN "SQL_CUR01"', tag="FETCH"),
        ran(3, 'FETCH 100 IN "SQL_CUR01"', tag="FETCH", session=2),  # not its own
        Line("duration: 1.000 ms  execute S_1/C_2: SELECT b FROM t"),
        Line("duration: 2.000 ms  execute fetch from S_1/C_2: SELECT b FROM t"),
        Line("duration: 4.000 ms  execute fetch from S_1/C_2: SELECT b FROM t"),
    ]
    rows, _ = read(write_log(tmp_path / name, lines))
    assert sorted((r["text"], r["seconds"], r["kind"]) for r in rows) == [
        ("/* tag */ SELECT a FROM t", 0.007, "SELECT"),
        ("/* tag */ SELECT a FROM t", 0.009, "SELECT"),
        ('FETCH 100 IN "SQL_CUR01"', 0.003, "FETCH"),
        ("SELECT b FROM t", 0.007, "SELECT"),
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_execute_stands_for_what_was_prepared(tmp_path: Path, name: str) -> None:
    detail = "prepare: -- tag\nPREPARE q (numeric(10, 2), text) AS SELECT a FROM t WHERE b = $1"
    lines = [ran(2, detail[9:], tag="PREPARE"), ran(1, "EXECUTE q(1, 'pw')", tag="EXECUTE", detail=detail)]
    rows, _ = read(write_log(tmp_path / name, lines))
    assert [(r["text"], r["kind"]) for r in rows] == [
        ("PREPARE", "PREPARE"),  # which reads nothing
        ("-- tag\nSELECT a FROM t WHERE b = $1", None),  # whatever it is, its text says
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_lines_of_other_kinds_are_left_out(tmp_path: Path, name: str) -> None:
    lines = [
        Line("checkpoint complete: wrote 5 buffers (0.0%); write=0.001 s", user="", database="", tag=""),
        Line("connection authorized: user=analyst_a database=wh", tag="authentication"),
        Line("duration: 3.000 ms  plan:\nQuery Text: SELECT 1\nSeq Scan on t"),
        Line("duration: 3.000 ms  statement: SELECT 'forged'", context="PL/pgSQL function f() line 3 at RAISE"),
        Line("permission denied for table t", severity="ERROR", state="42501", query="SELECT a FROM t"),
        Line("temporary file: path base/1, size 2"),
    ]
    assert read(write_log(tmp_path / name, lines)) == ([], Found())


def test_what_a_backup_reads_is_not_read_by_anybody(tmp_path: Path) -> None:
    copy = "COPY marts.fct_orders (order_id) TO stdout;"
    rows, _ = read(write_log(tmp_path / "log.csv", [ran(1, copy, application="pg_dump", tag="COPY"), ran(2, copy)]))
    assert sorted(texts(rows)) == ["COPY", copy]


@pytest.mark.parametrize("name", FORMATS)
def test_the_kind_is_left_open_where_one_line_holds_several_statements(tmp_path: Path, name: str) -> None:
    lines = [ran(1, "SELECT 1; COMMIT", tag="COMMIT"), ran(2, "CREATE TABLE t AS SELECT 2;\n", tag="CREATE TABLE AS")]
    rows, _ = read(write_log(tmp_path / name, lines))
    assert {r["text"]: r["kind"] for r in rows} == {
        "SELECT 1; COMMIT": None,
        "CREATE TABLE t AS SELECT 2;\n": "CREATE_TABLE_AS",
    }


@pytest.mark.parametrize("name", FORMATS)
def test_a_session_that_moves_its_search_path_is_followed(tmp_path: Path, name: str) -> None:
    lines = [
        ran(1, "SELECT 1"),
        ran(1, "SET search_path TO Marts, public", tag="SET"),
        ran(1, "SELECT 2"),
        ran(1, "set session search_path = 'raw'", tag="SET"),
        ran(1, "SELECT 3"),
        ran(1, "SET search_path = DEFAULT", tag="SET"),
        ran(1, "SELECT 4"),
        ran(1, 'SET search_path TO "Odd one"', tag="SET"),
        ran(1, "SELECT 5"),
        ran(1, "SELECT 6", session=2),
    ]
    rows, _ = read(write_log(tmp_path / name, lines), schema="it's")
    schemas = {r["text"]: r["schema"] for r in rows if r["text"].startswith("SELECT")}
    assert schemas == {
        "SELECT 1": "it's",
        "SELECT 2": "marts",
        "SELECT 3": "raw",
        "SELECT 4": "it's",
        "SELECT 5": "Odd one",
        "SELECT 6": "it's",
    }


# --- when it was -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("zone", "hours"), [("GMT", 0), ("CET", 1), ("IST", 5.5), ("-03", -3), ("NZDT", 13)])
def test_times_are_taken_to_utc_by_the_sessions_own_id(tmp_path: Path, name: str, zone: str, hours: float) -> None:
    line = ran(0, "SELECT 1", at=AT, zone=zone, ahead=timedelta(hours=hours))
    rows, found = read(write_log(tmp_path / name, [line]))
    assert [r["started"] for r in rows] == [AT.replace(tzinfo=None)]
    assert found.adrift == 0


def test_a_session_that_lives_through_a_change_of_clocks(tmp_path: Path) -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    after = datetime(2026, 10, 26, 12, tzinfo=UTC)
    summer = {"started": before, "start_zone": "CEST", "start_ahead": timedelta(hours=2)}
    winter = {"zone": "CET", "ahead": timedelta(hours=1)}
    long = ran(0, "SELECT 1", at=after, **summer, **winter)
    rows, found = read(write_log(tmp_path / "alone.csv", [long]))
    assert found.adrift == 1
    lines = [long, ran(0, "SELECT 2", at=after, session=2, started=after, **winter)]
    rows, found = read(write_log(tmp_path / "both.csv", lines))
    assert [r["started"] for r in rows] == [after.replace(tzinfo=None)] * 2
    assert found.adrift == 0


def test_lines_before_the_day_asked_for_are_left_out(tmp_path: Path) -> None:
    lines = [ran(1, "SELECT 1", at=AT - timedelta(days=30)), ran(1, "SELECT 2", at=AT)]
    rows, _ = read(write_log(tmp_path / "log.csv", lines), since=datetime(2026, 11, 20))
    assert texts(rows) == ["SELECT 2"]


@pytest.mark.parametrize("name", FORMATS)
def test_durations_in_another_language_are_counted(tmp_path: Path, name: str) -> None:
    lines = [
        Line("Dauer: 0.532 ms  Anweisung: SELECT 1"),
        Line("durée : 0.532 ms, instruction : SELECT 1"),
        Line("期間: 0.532 ミリ秒  文: SELECT 1"),
        Line("продолжительность: 0.532 мс, оператор: SELECT 1"),
    ]
    rows, found = read(write_log(tmp_path / name, lines))
    assert rows == []
    assert found.foreign == 4


# --- which files -----------------------------------------------------------------------------------------------------


def test_a_folder_gives_its_logs_once_whatever_the_format(tmp_path: Path) -> None:
    first = [ran(1, f"SELECT {n}") for n in range(3)]
    second = [ran(1, f"SELECT {n}", session=2) for n in range(3, 6)]
    write_log(tmp_path / "a.csv", first)
    write_log(tmp_path / "a.json", first)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress("".join(map(csv_line, numbered(second))).encode()))
    write_log(tmp_path / "b.csv", second[:2])  # being unpacked
    (tmp_path / "a.log").write_text("2026-11-22 11:00:00.000 UTC [1] LOG:  duration: 1.000 ms  statement: SELECT 9\n")
    (tmp_path / "fresh.json").write_bytes(b"")
    rows, found = read(tmp_path)
    assert sorted(texts(rows)) == ["SELECT 0", "SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"]
    (tmp_path / "b.csv").unlink()
    rows, found = read(tmp_path)
    assert sorted(texts(rows)) == [f"SELECT {n}" for n in range(6)]
    assert not found.trouble


def test_csvlog_and_jsonlog_cut_into_files_at_different_lines_count_once(tmp_path: Path) -> None:
    lines = numbered([ran(1, f"SELECT {n}") for n in range(10)])
    write_log(tmp_path / "1.csv", lines[:7])
    write_log(tmp_path / "2.csv", lines[7:])
    write_log(tmp_path / "1.json", lines[:4])
    write_log(tmp_path / "2.json", lines[4:])
    rows, _ = read(tmp_path)
    assert sorted(texts(rows)) == [f"SELECT {n}" for n in range(10)]


def test_globs_files_and_links_name_each_file_once(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log [1].csv", [ran(1, "SELECT 1")])
    (tmp_path / "link.csv").symlink_to(log)
    rows, _ = read(log, tmp_path / "*.csv", tmp_path / "link.csv")
    assert texts(rows) == ["SELECT 1"]


def test_a_pattern_is_found_below_a_folder_that_is_called_like_one(tmp_path: Path) -> None:
    (tmp_path / "team[1]").mkdir()
    write_log(tmp_path / "team[1]" / "a.csv", [ran(1, "SELECT 1")])
    found, _ = log_files(["*.csv"], str(tmp_path / "team[1]"))
    assert [file.shown for file in found] == ["a.csv"]


def test_files_last_written_before_the_time_asked_for_are_not_opened(tmp_path: Path) -> None:
    old = write_log(tmp_path / "old.csv", [ran(1, "SELECT 1")])
    os.utime(old, (1_000_000, 1_000_000))
    assert log_files([str(old)], str(tmp_path), since=2_000_000.0) == ([], [])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.csv", b"2026-11-22 11:00:00.000 UTC [1] LOG:  duration: 1 ms  statement: SELECT 1\n", "plain text log"),
        ("log.json", b'["not", "what", "was", "expected"]\n', "neither csvlog nor jsonlog"),
        ("log.json", b"[" * 100_000, "neither csvlog nor jsonlog"),
        ("log.csv", random.Random(1).randbytes(4096), "neither csvlog nor jsonlog"),
        ("log.csv", b"caf\xe9,\xff\xfe\n" * 20, "neither csvlog nor jsonlog"),
        ("log.csv.gz", b"\x1f\x8b" + b"x" * 50, "compression is broken"),
    ],
)
def test_what_is_no_log_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        log_files([name], str(tmp_path))
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_missing_folders_and_files_are_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for path, says in [
        ("none.csv", "No such file"),
        ("*.json", "no file fits"),
        ("empty", "no csvlog or jsonlog in this folder"),
        ("pipe.csv", "a pipe"),
    ]:
        with pytest.raises(InputError, match=says):
            log_files([path], str(tmp_path))


def test_one_bad_file_does_not_cost_the_others(tmp_path: Path) -> None:
    write_log(tmp_path / "a.csv", [ran(1, "SELECT 1")])
    (tmp_path / "b.csv").write_bytes(b"\x00\x01binary")
    files, refused = log_files(["."], str(tmp_path))
    assert [f.shown for f in files] == ["a.csv"]
    assert [str(e).partition(":")[0] for e in refused] == ["b.csv"]


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_being_written_is_read_to_its_last_whole_record(tmp_path: Path, name: str) -> None:
    log = write_log(tmp_path / name, [ran(1, f"SELECT {n}\n, 'two lines'") for n in range(3)])
    whole = log.read_bytes()
    last = len(whole) - len(whole[: -len(whole) // 3])
    for keep in range(len(whole) - last + 1, len(whole) - 1, 7):
        log.write_bytes(whole[:keep])
        rows, found = read(log)
        assert texts(rows)[:2] == ["SELECT 0\n, 'two lines'", "SELECT 1\n, 'two lines'"]
        assert not found.trouble


@pytest.mark.parametrize("torn_at", [3, 40, 110, 160])
@pytest.mark.parametrize("newline", [b"", b"\n"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_torn_record_costs_itself_and_at_most_the_next(
    tmp_path: Path, name: str, newline: bytes, torn_at: int
) -> None:
    lines = numbered([ran(1, f'SELECT {n},\n"two" lines') for n in range(6)])
    write = json_line if name.endswith("json") else csv_line
    parts = [write(line).encode() for line in lines]
    parts[2] = parts[2].rstrip(b"\n")[:torn_at] + newline
    (tmp_path / name).write_bytes(b"".join(parts))
    rows, found = read(tmp_path / name)
    kept = {text[7] for text in texts(rows)}
    assert {"0", "1", "4", "5"} <= kept <= {"0", "1", "3", "4", "5"}
    assert 1 <= found.trouble[name].broken <= 6


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_of_a_hundred_megabytes_is_left_out_and_counted(tmp_path: Path, name: str) -> None:
    write = json_line if name.endswith("json") else csv_line
    before, long, after = (
        write(line).encode() for line in numbered([ran(1, "SELECT 1"), ran(1, "@"), ran(1, "SELECT 3")])
    )
    with (tmp_path / name).open("wb") as log:
        log.write(before + long.partition(b"@")[0])
        for _ in range(100):
            log.write(b"x" * (1 << 20))
        log.write(long.partition(b"@")[2] + after)
    rows, found = read(tmp_path / name)
    assert texts(rows) == ["SELECT 1", "SELECT 3"]
    assert found.trouble[name].long == 1
    assert "16 MiB" in str(found.trouble[name])


@pytest.mark.parametrize("name", FORMATS)
def test_zeros_after_a_crash_and_bytes_of_another_encoding(tmp_path: Path, name: str) -> None:
    log = write_log(tmp_path / name, [ran(1, "SELECT 1"), ran(1, "SELECT 'caf@'"), ran(1, "SELECT 3")])
    content = log.read_bytes().replace(b"@", b"\xe9")
    first = content.index(b"\n") + 1
    log.write_bytes(content[:first] + b"\0" * 4096 + content[first:])
    rows, found = read(log)
    assert sorted(texts(rows)) == ["SELECT 'caf\ufffd'", "SELECT 1", "SELECT 3"]
    assert (found.trouble[name].undecoded, found.trouble[name].broken) == (1, 0)


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_a_compression_that_is_cut_off_gives_what_is_before_the_cut(tmp_path: Path, suffix: str) -> None:
    random_ = random.Random(5)
    lines = [ran(1, f"SELECT {n}, '{random_.randbytes(40).hex()}'") for n in range(300)]
    plain = write_log(tmp_path / f"plain.{suffix}", lines).read_bytes()
    log = tmp_path / f"log.{suffix}.gz"
    log.write_bytes(gzip.compress(plain))
    assert len(read(log)[0]) == 300
    log.write_bytes(log.read_bytes()[: -len(log.read_bytes()) // 2])
    rows, found = read(log)
    assert 50 < len(rows) < 300
    assert found.trouble[log.name].cut


def test_a_quote_that_never_ends_does_not_hold_the_rest_of_the_file(tmp_path: Path) -> None:
    lines = [csv_line(line) for line in numbered([ran(1, f"SELECT {n} --" + "x" * 2000) for n in range(15_000)])]
    lines[3] = lines[3].replace('"duration', '""duration', 1)  # one quote too many
    (tmp_path / "log.csv").write_text("".join(lines))
    assert (tmp_path / "log.csv").stat().st_size > 1.5 * LONGEST_RECORD
    rows, found = read(tmp_path / "log.csv")
    assert len(rows) >= len(lines) - 2
    assert found.trouble["log.csv"].broken >= 1


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0$"), min_size=1, max_size=60
) | st.sampled_from(
    [
        '";"',
        '""',
        "',',",
        '\n2026-11-22 11:00:00.000 UTC,"x","y",1,"z",6b02cb4a.1,1,',
        "\\",
        "\\n",
        "\r\n",
        "\r",
        "\u2028",
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(TEXT, min_size=1, max_size=4).map("".join), min_size=1, max_size=6))
def test_every_way_of_reading_gives_what_was_written(tmp_path: Path, careful: None, statements: list[str]) -> None:
    """csvlog and jsonlog, read at once and record by record: any text comes back as it was."""
    lines = [ran(n + 1, "SELECT " + text) for n, text in enumerate(statements)]
    wanted = sorted(line.message.partition("statement: ")[2] for line in lines)
    for name in FORMATS:
        rows, found = read(write_log(tmp_path / name, lines))
        assert sorted(texts(rows)) == wanted
        assert not found.trouble


@pytest.fixture(params=["at once", "record by record"])
def careful(request: pytest.FixtureRequest) -> None:
    if request.param == "record by record":
        request.getfixturevalue("careful_only")


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(postgres_log.tempfile, "tempdir", str(scratch))
    log = write_log(tmp_path / "log.csv", [ran(1, "SELECT 'planted-secret'")])
    before = {p.name for p in tmp_path.iterdir()}
    assert len(read(log)[0]) == 1
    assert list(scratch.iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == before
    shutil.rmtree(scratch)


def test_numbers_that_are_out_of_range_are_not_followed(tmp_path: Path) -> None:
    """A log can be forged; none of its numbers may end the reading of it."""
    good = ran(1, "SELECT 1")
    line = json_line(replace(good, number=2)).replace('"line_num": 2', '"line_num": 99999999999999999999')
    late = json_line(replace(good, number=3)).replace("2026-11-22 11", "9999-99-99 99")
    huge = json_line(replace(good, number=4)).replace("duration: 1.000", "duration: " + "9" * 400)
    far = json_line(replace(good, number=5)).replace('"session_id": "', '"session_id": "ffffffff')
    digits = json_line(replace(good, number=6)).replace('"pid": 1', '"line_num": ' + "9" * 5000)
    half = json_line(replace(good, number=7)).replace("SELECT 1", "SELECT '\\ud800 \\u0000'")
    nested = json_line(replace(good, number=8)).replace('"txid": 0', '"detail": {"a": [{"b": 1}]}')
    first = json_line(replace(good, number=1))
    (tmp_path / "log.json").write_text(first + line + late + huge + far + digits + half + nested)
    rows, _ = read(tmp_path / "log.json")
    assert "SELECT 1" in texts(rows)
    assert [t for t in texts(rows) if t.startswith("SELECT '?")] == ["SELECT '? \0'"]
