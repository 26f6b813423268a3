"""Usage and cost rows: what is counted, what is skipped and said, and what is refused with one clear sentence."""

from __future__ import annotations

import builtins
import csv
import gzip
import io
import math
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.delimited import LONGEST_LINE
from headway.connectors.observations import BAD_MOST, Observations
from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError, MissingExtra
from headway.graph.model import AnyRecord, Coverage, Gap, Observation

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HEADER = "node,day,measure,amount,unit,person_class\n"
ROW = "model.shop.orders,2026-11-20,queries,5,,person\n"
UNREADABLE = 65534  # the user "nobody"


def read(root: Path, path: Any = "usage.csv", **options: Any) -> list[AnyRecord]:
    """The records of the files at `path`, which is relative to `root`."""
    return list(Observations({"path": path, **options}, Context(root=str(root), now=NOW)).records())


def observed(root: Path, text: str, **options: Any) -> dict[tuple[str, str, str, str], float]:
    """Amounts by (node or relation, day, measure, unit) of a CSV file with this text."""
    (root / "usage.csv").write_text(text, encoding="utf-8")
    found = [r for r in read(root, **options) if isinstance(r, Observation)]
    return {(r.node or r.relation, r.day.isoformat(), r.measure, r.unit): r.amount for r in found}


def refused(root: Path, content: str | bytes, name: str = "usage.csv", **options: Any) -> InputError:
    """The error that a file with this content is refused with."""
    (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read(root, name, **options)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def of(records: list[AnyRecord], kind: type) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


# What is counted


def test_rows_become_observations_then_coverage(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(
        HEADER
        + "model.shop.orders,2026-11-20,queries,5,,person\n"
        + "dbt:exposure.shop.sales,2026-11-03,views,7,,data_team\n"
        + "model.shop.orders,2026-11-19,bytes,1e3,,\n"
        + "model.shop.orders,2026-11-19,seconds,.5,,dbt\n"
    )
    *rows, coverage = read(tmp_path, covers="kind:model")
    assert [
        (r.node, r.day.isoformat(), r.measure, r.amount, r.unit, r.person_class) for r in of(rows, Observation)
    ] == [
        ("dbt:exposure.shop.sales", "2026-11-03", "views", 7.0, "count", "data_team"),
        ("model.shop.orders", "2026-11-19", "bytes", 1000.0, "bytes", ""),
        ("model.shop.orders", "2026-11-20", "queries", 5.0, "count", "person"),
        ("model.shop.orders", "2026-11-19", "seconds", 0.5, "seconds", "dbt"),
    ]
    assert all(str(r.origin) == "usage.csv" and r.origin.connector == "observations" for r in rows)
    assert coverage == Coverage(
        covers="kind:model", start=date(2026, 11, 3), end=date(2026, 11, 20), origin=rows[0].origin
    )


def test_equal_rows_are_added_up_but_people_are_not(tmp_path: Path) -> None:
    text = HEADER + "a,2026-11-20,queries,5,,\na,2026-11-20,queries,2.5,,\n" + "a,2026-11-20,people,4,,\n" * 2
    assert observed(tmp_path, text + "a,2026-11-20,people,3,,\n") == {
        ("a", "2026-11-20", "people", "count"): 4.0,
        ("a", "2026-11-20", "queries", "count"): 7.5,
    }


def test_units_person_classes_and_days_are_never_added_to_one_another(tmp_path: Path) -> None:
    text = HEADER + "a,2026-11-20,cost,1,EUR,\na,2026-11-20,cost,2,USD,\na,2026-11-21,cost,4,EUR,\n"
    assert observed(tmp_path, text) == {
        ("a", "2026-11-20", "cost", "EUR"): 1.0,
        ("a", "2026-11-21", "cost", "EUR"): 4.0,
        ("a", "2026-11-20", "cost", "USD"): 2.0,
    }
    (tmp_path / "usage.csv").write_text(HEADER + "a,2026-11-20,views,1,,person\na,2026-11-20,views,2,,service\n")
    assert [r.amount for r in of(read(tmp_path), Observation)] == [1.0, 2.0]


def test_a_cost_may_be_negative_and_nothing_else(tmp_path: Path) -> None:
    assert observed(tmp_path, HEADER + "a,2026-11-20,cost,-3,EUR,\n") == {("a", "2026-11-20", "cost", "EUR"): -3.0}
    assert "only a cost" in str(refused(tmp_path, HEADER + "a,2026-11-20,views,-3,,\n"))


def test_default_unit_fills_what_has_none(tmp_path: Path) -> None:
    text = HEADER + "a,2026-11-20,cost,3,,\na,2026-11-20,queries,3,,\na,2026-11-20,tokens,3,,\n"
    assert observed(tmp_path, text, default_unit="EUR") == {
        ("a", "2026-11-20", "cost", "EUR"): 3.0,
        ("a", "2026-11-20", "queries", "count"): 3.0,
        ("a", "2026-11-20", "tokens", "EUR"): 3.0,
    }
    error = refused(tmp_path, text)
    assert "cost without a unit" in str(error)
    assert "default_unit" in str(error)
    assert error.place is not None
    assert str(error.place) == "usage.csv:2"


def test_a_relation_may_stand_for_a_node_and_loses_its_quotes(tmp_path: Path) -> None:
    rows = '"""db"".""Shop"".orders",,2026-11-20,queries,1\ndb.Shop.orders,,2026-11-20,queries,1\n'
    text = "relation,node,day,measure,amount\n" + rows
    assert observed(tmp_path, text) == {("db.Shop.orders", "2026-11-20", "queries", "count"): 2.0}


@pytest.mark.parametrize("cells", [",", "a,b"])
def test_exactly_one_of_node_and_relation_is_filled(tmp_path: Path, cells: str) -> None:
    error = refused(tmp_path, f"node,relation,day,measure,amount\n{cells},2026-11-20,queries,1\n")
    assert "node" in str(error)
    assert "relation" in str(error)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-20T23:59:59Z",
        "2026-11-20 23:59",
        "2026-11-20T00:00:00.123456+02:00",
        "2026-11-20 08:00:00 UTC",
        " 2026-11-20 ",
    ],
)
def test_the_date_of_a_moment_is_taken_as_written(tmp_path: Path, moment: str) -> None:
    assert list(observed(tmp_path, f"{HEADER}a,{moment},queries,1,,\n")) == [("a", "2026-11-20", "queries", "count")]


def test_columns_can_be_called_otherwise(tmp_path: Path) -> None:
    text = "TABLE_NAME,When,what,Hits,ignored\na.b.c,2026-11-20,queries,3,x\n"
    columns = {"relation": "table_name", "day": "when", "measure": "What", "amount": "hits"}
    assert observed(tmp_path, text, columns=columns) == {("a.b.c", "2026-11-20", "queries", "count"): 3.0}


def test_several_files_are_read_once_each(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    (tmp_path / "days/1.csv").write_text(HEADER + ROW)
    (tmp_path / "days/2.csv.gz").write_bytes(gzip.compress((HEADER + ROW).encode()))
    (tmp_path / "more.csv").write_text(HEADER + ROW)
    both = ["days/*.csv*", "more.csv", str(tmp_path / "more.csv"), "days/1.csv"]
    (row,) = of(read(tmp_path, both), Observation)
    assert row.amount == 15.0
    assert row.origin.file == ", ".join(both)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_and_byte_order_marks(tmp_path: Path, encoding: str, separator: str) -> None:
    said: list[str] = []
    text = ("" if encoding in ("utf-8-sig", "utf-16") else "\ufeff") + HEADER + ROW.replace("orders", "größe")
    (tmp_path / "usage.csv").write_bytes(text.replace(",", separator).replace("\n", "\r\n").encode(encoding))
    context = Context(str(tmp_path), NOW, progress=lambda what, done, total: said.append(what))
    records = list(Observations({"path": "usage.csv"}, context).records())
    assert of(records, Observation)[0].node == "model.shop.größe"
    names = {";": "semicolons", "\t": "tabs", "|": "bars"}
    assert [s for s in said if "separated" in s] == [
        f"usage.csv is separated by {names[s]}" for s in separator if s in names
    ]


# What is skipped, and said


def many(good: int, bad: int) -> str:
    return HEADER + ROW * (good - 1) + "a,yesterday,queries,1,,\n" * bad + ROW


def test_few_bad_rows_are_skipped_and_said_once(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(many(495, 5))
    row, _, gap = read(tmp_path)
    assert isinstance(row, Observation)
    assert isinstance(gap, Gap)
    assert row.amount == 495 * 5
    assert gap.topic == "usage"
    assert gap.message.startswith("5 rows were skipped, the first of them: usage.csv:496: day 'yesterday' is not a day")
    assert [f"usage.csv:{n}:" in gap.message for n in (496, 497, 498, 499)] == [True, True, True, False]


def test_one_bad_row_in_a_hundred_is_the_most(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(many(99, 1))
    assert "1 row was skipped: usage.csv:100" in of(read(tmp_path), Gap)[0].message
    error = refused(tmp_path, many(98, 1))
    assert "1 of 99 rows cannot be used" in str(error)
    assert str(error.place) == "usage.csv:99"


def test_a_thousand_bad_rows_are_the_most(tmp_path: Path) -> None:
    assert read_gap(tmp_path, many(110_000, BAD_MOST)).startswith("1,000 rows were skipped")
    assert "more than 1,000 rows" in str(refused(tmp_path, many(110_000, BAD_MOST + 1)))


def read_gap(root: Path, text: str) -> str:
    (root / "usage.csv").write_text(text)
    (gap,) = of(read(root), Gap)
    return str(gap.message)


def test_a_file_without_one_good_row_is_refused_among_good_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + ROW * 1000)
    (tmp_path / "b.csv").write_text(HEADER + "a,2026-11-20,queries,lots,,\n")
    with pytest.raises(InputError, match=r"b\.csv:2: amount 'lots' is not a number \(no row of b\.csv can be used\)"):
        read(tmp_path, "*.csv")


def test_no_rows_yet_is_a_gap(tmp_path: Path) -> None:
    assert read_gap(tmp_path, HEADER) == "no rows yet below the column names of usage.csv"
    assert read_gap(tmp_path, HEADER.strip() + "\r\n\r\n,,,,,\r\n") == "no rows yet below the column names of usage.csv"
    (tmp_path / "more.csv").write_text(HEADER + ROW)
    assert of(read(tmp_path, "*.csv"), Gap) == []


def test_gaps_about_cost_say_so(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(HEADER + "a,2026-11-20,cost,1,EUR,\n" * 200 + "a,x,cost,1,EUR,\n")
    assert [gap.topic for gap in of(read(tmp_path), Gap)] == ["cost"]


# What is refused


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,11/22/2026,queries,1,,", "write year-month-day, such as 2026-11-22"),
        ("a,20261122,queries,1,,", "'20261122' is not a day"),
        ("a,2026-02-30,queries,1,,", "'2026-02-30' is not a day"),
        ("a,2026-11-20 and more,queries,1,,", "is not a day"),
        ("a,,queries,1,,", "no day"),
        ("a,2062-11-20,queries,1,,", "lies in the future"),
        ("a,0001-01-01,queries,1,,", "lies before 1970"),
        ('a,2026-11-20,queries,"1,234",,', "has separators in it: write 1234.5"),
        ("a,2026-11-20,queries,1 234,,", "has separators in it"),
        ("a,2026-11-20,queries,1_234,,", "has separators in it"),
        ('a,2026-11-20,queries,"1,5",,', "has separators in it"),
        ("a,2026-11-20,queries,nan,,", "'nan' is not a number"),
        ("a,2026-11-20,queries,inf,,", "'inf' is not a number"),
        ("a,2026-11-20,queries,1e999,,", "is not finite"),
        ("a,2026-11-20,queries,1e19,,", "is too large"),
        ("a,2026-11-20,queries,=1+1,,", "'=1+1' is not a number"),
        ("a,2026-11-20,queries,٣,,", "is not a number"),
        ("a,2026-11-20,queries,,,", "no amount"),
        ("a,2026-11-20,Queries!,1,,", "measure 'Queries!' is not a word"),
        ("a,2026-11-20,,1,,", "measure '' is not a word"),
        (
            "a,2026-11-20,queries,1,,robot",
            "person_class 'robot' is none of data_team, dbt, embedded, executive, person, scheduled, service",
        ),
        ("a,2026-11-20,cost,1,=EUR,", "unit '=EUR' is not a unit"),
        ("=HYPERLINK(1),2026-11-20,queries,1,,", "looks like a spreadsheet formula"),
        ("@SUM(A1),2026-11-20,queries,1,,", "looks like a spreadsheet formula"),
        ("a\x1b[31m,2026-11-20,queries,1,,", "cannot be printed"),
        ("a\0b,2026-11-20,queries,1,,", "zero"),
        ("a" * 2000 + ",2026-11-20,queries,1,,", "node is longer than 1,024 characters"),
        ("a,2026-11-20,queries,1,", "this row has 5 columns where the header has 6"),
        ("a,2026-11-20,queries,1,,,", "this row has 7 columns where the header has 6"),
        ('"a"b,2026-11-20,queries,1,,', "this row is not CSV"),
        ('"a,2026-11-20,queries,1,,\n' + ROW * 3, "a quote is opened and not closed"),
        ('"' + "a" * 200_000 + '",2026-11-20,queries,1,,', "a field is longer than 131,072 characters"),
    ],
)
def test_a_bad_row_is_said_with_its_place(tmp_path: Path, row: str, said: str) -> None:
    error = refused(tmp_path, HEADER + row + "\n")
    assert said in str(error)
    assert len(str(error)) < 400
    assert str(error).isprintable()


def test_a_bad_row_far_down_has_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, "\n" + HEADER + ROW * 10 + "a,2026-11-20,queries,many,,\n")
    assert str(error.place) == "usage.csv:13"


def test_a_zero_byte_far_down_is_one_bad_row(tmp_path: Path) -> None:
    gap = read_gap(tmp_path, HEADER + ROW * 500 + "a\0b,2026-11-20,queries,1,,\n")
    assert "usage.csv:502: node 'a\\x00b' has characters in it that cannot be printed" in gap


def test_what_an_open_quote_swallows_is_counted(tmp_path: Path) -> None:
    error = refused(tmp_path, HEADER + ROW * 500 + '"' + ROW * 10)
    assert str(error.place) == "usage.csv:502"
    assert "10 of 510 rows" in str(error)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("day,measure,amount", "no column called 'node' and none called 'relation', only 'day', 'measure', 'amount'"),
        ("node,day,measure", "no column called 'amount'"),
        ("node;day;measure", "no column called 'amount', only 'node', 'day', 'measure', separated by semicolons"),
        ("node,day,measure,amount,Day ", "there are 2 columns called 'day'"),
        ("<!DOCTYPE html>", "only '<!DOCTYPE html>'"),
        ('{"rows": []}', "no column called 'day'"),
        ('"node,day', "the column names cannot be read"),
    ],
)
def test_wrong_headers(tmp_path: Path, header: str, said: str) -> None:
    error = refused(tmp_path, header + "\nx\n")
    assert said in str(error)
    assert str(error.place) == "usage.csv:1"


def test_a_column_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert "no column called 'team'" in str(refused(tmp_path, HEADER + ROW, columns={"person_class": "team"}))


NO_TABLES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\xef\xbb\xbf\r\n\r\n", "the file is empty"),
    "binary": (bytes(range(256)) * 20, "byte 0 is zero"),
    "workbook": (b"PK\x03\x04" + b"x" * 50, "an Excel workbook or a zip archive"),
    "database": (b"SQLite format 3\0" + bytes(100), "an SQLite database"),
    "compressed twice": (gzip.compress(gzip.compress(b"x")), "compressed twice"),
    "gzip cut off": (gzip.compress((HEADER + ROW * 9999).encode())[:200], "gzip compression is broken or cut off"),
    "gzip garbage": (b"\x1f\x8b" + b"garbage" * 9, "gzip compression is broken or cut off"),
    "gzip checksum": (gzip.compress((HEADER + ROW).encode())[:-6] + b"\0" * 6, "gzip compression is broken or cut off"),
    "UTF-16 unmarked": ((HEADER + ROW).encode("utf-16-le"), "is zero"),
    "Latin-1": ((HEADER + ROW).encode() + b"caf\xe9,2026", f"byte at offset {len(HEADER + ROW) + 3:,} is not UTF-8"),
    "UTF-8 cut off": ((HEADER + ROW).encode() + b"\xc3", f"byte at offset {len(HEADER + ROW):,} is not UTF-8"),
    "UTF-16 broken": (("\ufeff" + HEADER).encode("utf-16-le") + b"\x00\xd8a\x00", "is not UTF-16-LE"),
    "UTF-16 cut off": (("\ufeff" + HEADER).encode("utf-16-be") + b"\x00", "is not UTF-16-BE"),
}


@pytest.mark.parametrize(("content", "said"), NO_TABLES.values(), ids=NO_TABLES)
def test_what_is_not_a_table_of_text(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in str(refused(tmp_path, content))


def test_the_place_of_a_byte_that_is_not_text_is_exact_in_a_large_file(tmp_path: Path) -> None:
    before = ("\ufeff" + HEADER + ROW * 5000 + "größe").encode()
    error = refused(tmp_path, before + b"\xff\n" + ROW.encode())
    assert f"offset {len(before):,} " in str(error)
    assert str(error.place) == "usage.csv:5002"


def test_a_line_without_end_is_refused_without_holding_it(tmp_path: Path) -> None:
    with (tmp_path / "usage.csv").open("wb") as stream:
        stream.write((HEADER + ROW).encode())
        for _ in range(100):
            stream.write(b"a" * 1_000_000)
    began = time.monotonic()
    with pytest.raises(InputError, match=f"usage.csv:3: this line is longer than {LONGEST_LINE:,} characters"):
        read(tmp_path)
    assert time.monotonic() - began < 5


def test_a_pattern_is_found_below_a_folder_that_is_called_like_one(tmp_path: Path) -> None:
    folder = tmp_path / "team[1]"
    folder.mkdir()
    (folder / "usage.csv").write_text("node,day,measure,amount\nmodel.shop.orders,2026-11-20,views,3\n")
    assert len(of(read(folder, "*.csv"), Observation)) == 1


def test_missing_files_directories_pipes_and_patterns(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, said in {
        "gone.csv": "gone.csv: there is no such file",
        "folder": "folder: this is a directory (name the files in it, such as folder/*.csv)",
        "pipe": "pipe: the file cannot be read: it is a pipe, a socket or a device",
        "/dev/zero": "/dev/zero: the file cannot be read: it is a pipe, a socket or a device",
        "loop": "loop: the file cannot be read: ",
        "folder/*.csv": "folder/*.csv: no file fits this pattern",
    }.items():
        with pytest.raises(InputError) as caught:
            read(tmp_path, path)
        assert said in str(caught.value)


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may read everything, so be somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(UNREADABLE)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(HEADER + ROW)
    (tmp_path / "usage.csv").chmod(0)
    with without_rights(), pytest.raises(InputError, match=r"usage\.csv: the file cannot be read: Permission denied"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "option path of observations names no file"),
        ({"path": []}, "option path of observations names no file"),
        ({"path": 7}, "option path of observations names no file"),
        ({"path": ["a.csv", None]}, "option path of observations names no file"),
        ({"path": "a\0b"}, "has a zero character in it"),
        ({"path": "a", "paths": "b"}, "observations has no option 'paths' (did you mean path?)"),
        ({"path": "a", "columns": ["day"]}, "is not a mapping"),
        ({"path": "a", "columns": {"days": "d"}}, "observations has no column 'days' (did you mean day?)"),
        ({"path": "a", "columns": {"day": ""}}, "is not a mapping"),
        ({"path": "a", "covers": 3}, "option covers of observations is to be text, not int"),
        ({"path": "a", "default_unit": ["EUR"]}, "option default_unit of observations is to be text, not list"),
    ],
)
def test_wrong_options(options: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Observations(options, Context("/", NOW))
    assert said in str(caught.value)


# Parquet


def parquet_bytes(**columns: Any) -> bytes:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream)
    return stream.getvalue()


def good_columns() -> dict[str, Any]:
    return {
        "node": ["a", "a", "b"],
        "day": [date(2026, 11, 20), date(2026, 11, 20), date(2026, 11, 21)],
        "measure": ["queries", "queries", "cost"],
        "amount": [1, 2, 3],
        "unit": [None, None, "EUR"],
    }


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    columns = good_columns()
    (tmp_path / "usage.csv").write_bytes(parquet_bytes(**columns))  # the content tells, not the name
    lines = zip(*columns.values(), strict=True)
    (tmp_path / "as.csv").write_text(
        "\n".join([",".join(columns), *(",".join(map(str, row)) for row in lines)]).replace("None", "")
    )
    plain = [(r.node, r.day, r.measure, r.amount, r.unit) for r in of(read(tmp_path, "as.csv"), Observation)]
    assert [(r.node, r.day, r.measure, r.amount, r.unit) for r in of(read(tmp_path), Observation)] == plain
    assert [row[3] for row in plain] == [3.0, 3.0]


def test_parquet_types_that_warehouses_write(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    columns = good_columns()
    expected = None
    for day in (
        pa.array(columns["day"], pa.date32()),
        pa.array(columns["day"], pa.date64()),
        pa.array([datetime(d.year, d.month, d.day, 23, 59) for d in columns["day"]], pa.timestamp("us")),
        pa.array([datetime(d.year, d.month, d.day, 23, 59) for d in columns["day"]], pa.timestamp("ns", tz="UTC")),
        pa.array([d.isoformat() for d in columns["day"]], pa.large_string()),
    ):
        for amount in (pa.decimal128(30, 2), pa.int64(), pa.uint8(), pa.float32()):
            changed = columns | {"day": day, "amount": pa.array(columns["amount"]).cast(amount)}
            changed["node"] = pa.array(columns["node"]).dictionary_encode()
            (tmp_path / "usage.parquet").write_bytes(parquet_bytes(**changed))
            records = read(tmp_path, "usage.parquet")
            expected = expected or records
            assert records == expected
    assert len(of(expected or [], Observation)) == 2


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("amount", ["1", "2", "3"], "column 'amount' is of type 'string' (make it a number)"),
        ("amount", [True, False, True], "column 'amount' is of type 'bool'"),
        ("day", [1, 2, 3], "column 'day' is of type 'int64' (make it a date, a timestamp or text)"),
        ("node", [b"a", b"a", b"b"], "column 'node' is of type 'binary' (make it text)"),
        ("measure", [["queries"]] * 3, "column 'measure' is of type 'list<"),
        ("amount", [1.0, math.nan, 2.0], "usage.parquet:2: amount 'nan' is not finite"),
        ("amount", [1.0, None, 2.0], "usage.parquet:2: no amount"),
        ("day", [date(2026, 11, 20), None, date(2026, 11, 20)], "usage.parquet:2: no day"),
    ],
)
def test_parquet_with_wrong_types_or_values(tmp_path: Path, column: str, values: list[Any], said: str) -> None:
    content = parquet_bytes(**good_columns() | {column: values})
    assert said in str(refused(tmp_path, content, "usage.parquet"))


def test_parquet_without_a_column(tmp_path: Path) -> None:
    columns = good_columns()
    del columns["measure"]
    said = "there is no column called 'measure', only 'node', 'day', 'amount', 'unit' (rename it"
    assert said in str(refused(tmp_path, parquet_bytes(**columns), "usage.parquet"))


def test_broken_parquet(tmp_path: Path) -> None:
    content = parquet_bytes(**good_columns())
    for length in (4, 5, 12, len(content) // 2, len(content) - 1):
        assert "cannot be read" in str(refused(tmp_path, content[:length], "usage.parquet"))
    assert "does not begin with PAR1" in str(refused(tmp_path, (HEADER + ROW).encode(), "usage.parquet"))
    dice = random.Random(7)
    for _ in range(60):
        broken = bytearray(content)
        for _ in range(3):
            broken[dice.randrange(4, len(broken))] = dice.randrange(256)
        (tmp_path / "usage.parquet").write_bytes(broken)
        try:
            read(tmp_path, "usage.parquet")
        except HeadwayError as error:
            assert "usage.parquet" in str(error)  # noqa: PT017 - it may also be read, when nothing that counts was hit


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usage.parquet").write_bytes(b"PAR1")
    imported = builtins.__import__

    def without_pyarrow(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(MissingExtra, match=r"reading usage\.parquet needs .*headway\[parquet\]"):
        read(tmp_path, "usage.parquet")


# Properties

NAMES = st.text("abcdefghij._-é ", min_size=1, max_size=12).map(str.strip).filter(lambda name: name and name[0] != "-")
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "node": NAMES,
            "day": st.dates(date(1970, 1, 1), date(2026, 11, 22)).map(date.isoformat),
            "measure": st.sampled_from(["queries", "people", "cost", "tokens_out"]),
            "amount": st.integers(0, 10**9) | st.floats(0, 1e12),
            "unit": st.sampled_from(["EUR", "credits"]),
            "person_class": st.sampled_from(["person", "dbt", ""]),
        }
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, separator=st.sampled_from(",;\t|"), packed=st.booleans(), seed=st.randoms(use_true_random=False))
def test_sums_survive_the_way_through_a_file(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    separator: str,
    packed: bool,
    seed: random.Random,
) -> None:
    root = tmp_path_factory.mktemp("rows")
    stream = io.StringIO(newline="")
    columns = list(rows[0])
    seed.shuffle(columns)
    writer = csv.DictWriter(stream, columns, delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    content = stream.getvalue().encode()
    (root / "usage.csv").write_bytes(gzip.compress(content) if packed else content)

    amounts: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in rows:
        key = (row["node"], row["measure"], row["unit"], row["person_class"], row["day"])
        amounts[key].append(float(row["amount"]))
    records = read(root)
    found = of(records, Observation)
    assert [(r.node, r.measure, r.unit, r.person_class, r.day.isoformat()) for r in found] == sorted(amounts)
    for record, key in zip(found, sorted(amounts), strict=True):
        expected = max(amounts[key]) if record.measure == "people" else math.fsum(amounts[key])
        assert math.isclose(record.amount, expected, rel_tol=1e-12)
    (coverage,) = of(records, Coverage)
    days = sorted(row["day"] for row in rows)
    assert (coverage.start.isoformat(), coverage.end.isoformat()) == (days[0], days[-1])
    assert not of(records, Gap)


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: (HEADER + ROW).encode() + tail))
def test_any_bytes_give_records_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("bytes")
    (root / "usage.csv").write_bytes(content)
    try:
        records = read(root)
    except HeadwayError as error:
        assert str(error).startswith("usage.csv")  # noqa: PT017 - most are refused, a few happen to be right
    else:
        assert records
