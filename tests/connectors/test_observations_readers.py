"""Tool, person and column in rows of use: kept apart, people as keyed hashes, and hostile cells refused by name."""

from __future__ import annotations

import io
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.observations import Observations
from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError
from headway.graph.model import AnyRecord, Gap, Observation
from headway.people import KEY_FILE, People

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = "a key of the tests, long enough"
HEADER = "node,day,measure,amount,person_class,tool,person,column\n"


def read(root: Path, text: str, *, key: str = KEY, **options: Any) -> list[AnyRecord]:
    """The records of a file with this text."""
    (root / "usage.csv").write_text(text, encoding="utf-8")
    environment = {"HEADWAY_PEOPLE_KEY": key} if key else {}
    return list(Observations({"path": "usage.csv", **options}, Context(str(root), NOW, environment)).records())


def observed(root: Path, text: str, **options: Any) -> dict[tuple[str, str, str], float]:
    """Amounts by tool, person and column."""
    found = [one for one in read(root, text, **options) if isinstance(one, Observation)]
    return {(one.tool, one.person, one.column): one.amount for one in found}


def hashed(person: str) -> str:
    return People(KEY.encode()).hashed(person)


def test_readers_tools_and_columns_are_kept_apart(tmp_path: Path) -> None:
    rows = (
        "orders,2026-11-20,queries,1,person,looker,ana@shop.example,\n"
        "orders,2026-11-20,queries,2,person,Looker,ANA@shop.example ,\n"
        "orders,2026-11-20,queries,4,person,metabase,ana@shop.example,\n"
        "orders,2026-11-20,queries,8,person,looker,,\n"
        "orders,2026-11-20,queries,16,person,,,AMOUNT\n"
        "orders,2026-11-20,queries,32,person,,,*\n"
    )
    ana = hashed("ana@shop.example")
    assert observed(tmp_path, HEADER + rows) == {
        ("looker", ana, ""): 3,
        ("metabase", ana, ""): 4,
        ("looker", "", ""): 8,
        ("", "", "amount"): 16,
        ("", "", "*"): 32,
    }


def test_the_hash_is_the_one_of_every_history(tmp_path: Path) -> None:
    """So that a person whom two sources saw is one person."""
    text = HEADER + "orders,2026-11-20,queries,1,person,,Ana,\n"
    (found,) = observed(tmp_path, text, key="")
    assert found[1] == People.of(tmp_path, {}).known_as("ana")
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    (other,) = observed(tmp_path, text, key="another key of the tests")
    assert other[1] not in {"", found[1]}


def test_nobody_is_named_unless_the_configuration_asks(tmp_path: Path) -> None:
    text = HEADER + "orders,2026-11-20,queries,1,person,,Ana@shop.example,\n"
    assert "ana" not in msgspec.json.encode(read(tmp_path, text)).decode().lower()
    assert list(observed(tmp_path, text, names=True)) == [("", "ana@shop.example", "")]


def test_no_key_is_made_where_no_person_is_named(tmp_path: Path) -> None:
    for text, options in (
        ("node,day,measure,amount\norders,2026-11-20,queries,1\n", {}),
        (HEADER + "orders,2026-11-20,queries,1,,looker,,\n", {}),
        (HEADER + "orders,2026-11-20,queries,1,,,Ana,\n", {"names": True}),
    ):
        read(tmp_path, text, key="", **options)
        assert not (tmp_path / KEY_FILE).exists()


def test_columns_can_be_called_otherwise(tmp_path: Path) -> None:
    text = "node,day,measure,amount,client,email,field\norders,2026-11-20,queries,1,hex,Ana,ID\n"
    names = {"tool": "client", "person": "email", "column": "field"}
    assert observed(tmp_path, text, columns=names) == {("hex", hashed("ana"), "id"): 1}
    with pytest.raises(InputError, match="there is no column called 'email'"):
        read(tmp_path, HEADER + "orders,2026-11-20,queries,1,,,,\n", columns={"person": "email"})


def test_storage_is_bytes_and_the_same_bytes_twice_are_once(tmp_path: Path) -> None:
    rows = "orders,2026-11-20,storage,5,,,,\norders,2026-11-20,storage,4,,,,\norders,2026-11-21,storage,3,,,,\n"
    found = [one for one in read(tmp_path, HEADER + rows) if isinstance(one, Observation)]
    assert [(one.day.day, one.amount, one.unit) for one in found] == [(20, 5, "bytes"), (21, 3, "bytes")]


GOOD = "orders,2026-11-20,queries,1,,,,\n" * 200


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ('=cmd|"/c calc",,', "this row has|this row is not CSV|not the name of a tool"),
        ("=cmd,,", "tool '=cmd' is not the name of a tool"),
        ("a\x1b[31m,,", "tool 'a\\\\x1b"),
        (f"{'x' * 65},,", "is not the name of a tool"),
        (",=SUM(jo),", "person is a spreadsheet formula"),
        (",jo\x00secret,", "person is a spreadsheet formula, too long"),
        (f",{'jo' * 600},", "person is a spreadsheet formula, too long"),
        (",,@a", "column '@a' is not the name of a column"),
        (f",,{'c' * 1025}", "is not the name of a column"),
    ],
)
def test_a_hostile_cell_is_one_bad_row_and_names_nobody(tmp_path: Path, cells: str, said: str) -> None:
    records = read(tmp_path, HEADER + GOOD + f"orders,2026-11-20,queries,1,,{cells}\n")
    (gap,) = [one for one in records if isinstance(one, Gap)]
    assert any(part in gap.message for part in said.split("|")) or said.replace("\\\\", "\\") in gap.message
    assert "usage.csv:202" in gap.message
    assert "jo" not in gap.message
    assert gap.message.isprintable()


def test_an_address_in_the_wrong_cell_is_not_repeated(tmp_path: Path) -> None:
    text = HEADER + GOOD + "orders,2026-11-20,queries,ana.b@shop.example,,,,\n"
    (gap,) = [one for one in read(tmp_path, text) if isinstance(one, Gap)]
    assert "amount '***' is not a number" in gap.message
    with pytest.raises(InputError) as caught:
        read(tmp_path, "node,day,measure,ana@shop.example\norders,2026-11-20,queries,1\n")
    assert "ana" not in str(caught.value)


@pytest.mark.parametrize("names", ["yes", 1, None])
def test_names_is_true_or_false(tmp_path: Path, names: Any) -> None:
    with pytest.raises(ConfigError, match="option names of observations"):
        read(tmp_path, HEADER, names=names)


def test_a_key_that_is_too_short_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="HEADWAY_PEOPLE_KEY is shorter than"):
        read(tmp_path, HEADER + "orders,2026-11-20,queries,1,,,Ana,\n", key="short")


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = {
        "node": ["orders", "orders"], "day": ["2026-11-20"] * 2, "measure": ["queries"] * 2, "amount": [1.0, 2.0],
        "tool": ["looker", None], "person": ["Ana", None], "column": [None, "ID"],
    }  # fmt: skip
    out = io.BytesIO()
    parquet.write_table(pa.table(rows), out)
    (tmp_path / "usage.parquet").write_bytes(out.getvalue())
    context = Context(str(tmp_path), NOW, {"HEADWAY_PEOPLE_KEY": KEY})
    found = [r for r in Observations({"path": "usage.parquet"}, context).records() if isinstance(r, Observation)]
    assert {(r.tool, r.person, r.column, r.amount) for r in found} == {
        ("looker", hashed("ana"), "", 1),
        ("", "", "id", 2),
    }


cells = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=6))
def test_any_cells_give_records_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    import csv

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["node", "day", "measure", "amount", "tool", "person", "column"])
    for tool, person, column in rows:
        writer.writerow(["orders", "2026-11-20", "queries", 1, tool, f"someone{person}", column])
    found: list[AnyRecord] | str
    try:
        found = read(tmp_path_factory.mktemp("rows"), out.getvalue())
    except HeadwayError as error:
        found = str(error)
    assert "someone" not in (found if isinstance(found, str) else msgspec.json.encode(found).decode())
    if isinstance(found, str):
        assert "\n" not in found
    else:
        assert sum(r.amount for r in found if isinstance(r, Observation)) <= len(rows)
