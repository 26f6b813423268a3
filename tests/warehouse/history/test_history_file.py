"""Histories in files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from history_samples import KEY, NOW, tables

from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError
from headway.graph.model import Coverage, Gap, Observation
from headway.people import KEY_VARIABLE
from headway.warehouse.history.file import HistoryFile

ROWS = (
    "sql,user,time,duration,cost\n"
    "\"select a from s.m where b = 'x, y'\n-- z\",alice,2026-11-20 10:00:00,5,0.5\n"
    "select b from s.m,bob,2026-11-20T23:30:00-02:00,7,\n"
    "select b from s.n,bob,1795345903872,7,1e-3\n"
)


def records(folder: Path, **options: Any) -> list[Any]:
    context = Context(str(folder), NOW.replace(hour=23), {KEY_VARIABLE: KEY})
    return list(HistoryFile({"dialect": "duckdb", **options}, context).records())


def test_csv(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(ROWS)
    found = records(tmp_path, path="q.csv", cost_unit="EUR", duration_unit="milliseconds", database="DB")
    assert tables(found) == {"db.s.m": 2, "db.s.n": 1}
    assert tables(found, "seconds") == pytest.approx({"db.s.m": 0.012, "db.s.n": 0.007})
    assert tables(found, "cost") == pytest.approx({"db.s.m": 0.5, "db.s.n": 0.001})
    assert sorted({r.day.day for r in found if isinstance(r, Observation)}) == [20, 21, 22], "moments are in UTC"
    assert [type(r) for r in found if not isinstance(r, Observation)] == [Coverage]


def test_json_lines_and_parquet_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(ROWS)
    lines = [
        {
            "sql": "select a from s.m where b = 'x, y'\n-- z",
            "user": "alice",
            "time": "2026-11-20 10:00:00 UTC",
            "cost": 0.5,
        },
        {"sql": "select b from s.m", "user": "bob", "time": "2026-11-20T23:30:00-02:00"},
        {"sql": "select b from s.n", "user": "bob", "time": 1795345903872, "cost": 1e-3},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, lines)))
    target = tmp_path / "q.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * FROM (VALUES"
            " ('select a from s.m where b = 1', 'alice', TIMESTAMP '2026-11-20 10:00:00', 0.5),"
            "('select b from s.m', 'bob', TIMESTAMP '2026-11-21 01:30:00', NULL),"
            "('select b from s.n', 'bob', TIMESTAMP '2026-11-22 11:11:43', 0.001)) t(sql, \"user\", time, cost))"
            f" TO '{target}'"
        )
    names = ("q.csv", "q.jsonl", "q.parquet")
    several = [records(tmp_path, path=name, cost_unit="EUR") for name in names]
    told = [[r for r in found if getattr(r, "measure", "") in {"queries", "cost"}] for found in several]
    assert told[0] == told[1] == told[2]
    assert len(told[0]) > 5


def test_columns_are_mapped_and_tags_read(tmp_path: Path) -> None:
    line = {"stmt": "select 1 from s.t", "at": "2026-11-20", "tags": {"app": "dbt", "node_id": "model.shop.m"}}
    (tmp_path / "q.jsonl").write_text(json.dumps(line))
    found = records(tmp_path, path="q.jsonl", columns={"text": "stmt", "started": "at", "label": "tags"})
    assert tables(found) == {"model.shop.m": 1}


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(ROWS + "SECRET,row\nselect 1 from s.t,x,someday,1,1\n")
    gap, *rest = records(tmp_path, path="q.csv")
    assert isinstance(gap, Gap)
    assert gap.message.startswith("2 rows were left out of q.csv")
    assert "SECRET" not in gap.message
    assert tables(rest) == {"s.m": 2, "s.n": 1}


def test_a_glob_adds_files_up_and_links_count_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(ROWS)
    (tmp_path / "c.csv").symlink_to(tmp_path / "a.csv")
    assert tables(records(tmp_path, path="*.csv")) == {"s.m": 4, "s.n": 2}


def test_a_pattern_is_found_below_a_folder_that_is_called_like_one(tmp_path: Path) -> None:
    folder = tmp_path / "team[1]*"
    folder.mkdir()
    (folder / "a.csv").write_text(ROWS)
    assert tables(records(folder, path="*.csv")) == {"s.m": 2, "s.n": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 100, b"\xff\xfe\x00junk", b"PAR1junk", b"a,b\n1,2\n", b"sql,time\n",
        b"sql,time\nselect 1,never\n",
        b"sql\x00,time\nSECRET\x00,2026-11-20\n", b'sql,time\n"' + b"SECRET" * 1000,
        b"sql,time\n" + b"\xff\xff,2026-11-20\n" * 3,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["q.csv", "q.jsonl", "q.parquet", "q.csv.gz"])
def test_broken_files_are_one_sentence_or_a_gap(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found: list[Any] = []
    try:
        found = records(tmp_path, path=name)
    except HeadwayError as error:
        found = [Gap(topic="usage", message=str(error))]
    assert not [r for r in found if isinstance(r, Observation)]
    told = " ".join(r.message for r in found if isinstance(r, Gap))
    assert told
    assert "SECRET" not in told
    assert str(tmp_path) not in told


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, said in (("no.csv", "no such file"), ("folder", "not a file"), ("*.csv", "no file fits")):
        with pytest.raises(InputError, match=said):
            records(tmp_path, path=path)


@pytest.mark.parametrize(
    "options",
    [
        {"path": ""}, {"path": 3}, {"path": "a\0b"}, {"dialect": "basic"}, {"dialect": ""}, {"memory_limit": "much"},
        {"memory_limit": "1GB'; SELECT 1"}, {"columns": {"when": "x"}}, {"columns": ["x"]}, {"duration_unit": "days"},
        {"colums": {}}, {"keep_days": 0}, {"names": "yes"}, {"people": {"x": []}}, {"covers": 3}, {"database": 4},
    ],
)  # fmt: skip
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any]) -> None:
    (tmp_path / "q.csv").write_text(ROWS)
    with pytest.raises(ConfigError):
        records(tmp_path, **{"path": "q.csv", **options})


def test_odd_file_names_are_only_names(tmp_path: Path) -> None:
    name = "it's [1]*?.csv"
    (tmp_path / name).write_text(ROWS)
    assert tables(records(tmp_path, path=name)) == {"s.m": 2, "s.n": 1}


def test_the_second_sync_reads_on(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(ROWS)
    context = Context(str(tmp_path), NOW, {KEY_VARIABLE: KEY}, since=datetime(2026, 11, 22, 6, tzinfo=UTC))
    found = list(HistoryFile({"path": "q.csv", "dialect": "duckdb"}, context).records())
    assert tables(found) == {"s.m": 1, "s.n": 1}
