"""Files and folders as they are found on disks: missing, broken, huge, binary, forbidden, hostile."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headway.connectors.goals import connector
from headway.connectors.goals.connector import Goals
from headway.connectors.goals.document import MAX_DEPTH
from headway.connectors.goals.problems import MOST_PROBLEMS
from headway.connectors.goals.tables import NoParser, Unreadable, tables
from headway.connectors.protocol import Context
from headway.errors import ConfigError, GoalsError, InputError, Place
from headway.graph.model import AnyRecord, Edge, Gap, Node, Objective

GROW = "objectives:\n  - {id: grow, title: Grow}\n"


def read(root: Path, **options: Any) -> list[AnyRecord]:
    return list(Goals(options, Context(str(root), datetime(2026, 11, 22, tzinfo=UTC))).records())


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(root, **options)
    assert isinstance(caught.value, GoalsError)
    assert all(problem.place.file for problem in caught.value.problems)
    return str(caught.value)


def names(records: list[AnyRecord]) -> list[str]:
    return [record.name for record in records if isinstance(record, Node)]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    expected = "goals.yml: there is no such goals file or folder (create it, or set path: to where the goals are)"
    assert refused(tmp_path) == expected
    assert refused(tmp_path, path="other.yml").startswith("other.yml: there is no such")


def test_the_folder_is_read_where_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a.yml").write_text(GROW)
    assert names(read(tmp_path)) == ["grow"]


def test_a_folder_beside_the_file_is_named_as_not_read(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_text(GROW)
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a.yml").write_text("objectives: [{id: other, title: Other}]")
    records = read(tmp_path)
    assert names(records) == ["grow"]
    (gap,) = [r for r in records if isinstance(r, Gap)]
    assert gap.message == "the folder goals/ was not read, because there is a goals.yml too"


def test_a_named_path_has_no_fallback(tmp_path: Path) -> None:
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a.yml").write_text(GROW)
    assert "there is no such" in refused(tmp_path, path="okr.yml")


def test_all_yaml_below_a_folder_is_read_in_order(tmp_path: Path) -> None:
    for name in ("b.yml", "a.YAML", "sub/deep/c.yaml", "notes.md", ".hidden.yml", ".git/d.yml"):
        path = tmp_path / "okr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"objectives:\n  - {{id: from_{path.stem.strip('.')}, title: X}}\n")
    records = read(tmp_path, path="okr")
    assert names(records) == ["from_a", "from_b", "from_c"]
    places = [(r.origin.connector, r.origin.file, r.origin.line) for r in records if isinstance(r, Node)]
    assert places == [("goals", "okr/a.YAML", 2), ("goals", "okr/b.yml", 2), ("goals", "okr/sub/deep/c.yaml", 2)]
    assert [r.order for r in records if isinstance(r, Objective)] == [0, 1, 2]


def test_a_file_outside_the_root_keeps_its_whole_path(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    file = tmp_path / "goals.yml"
    file.write_text(GROW)
    (node,) = [r for r in read(root, path=str(file)) if isinstance(r, Node)]
    assert node.origin.file == file.as_posix()


def test_file_names_that_are_no_text_are_shown_as_far_as_they_can_be(tmp_path: Path) -> None:
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a\x1b[2J.yml").write_text(GROW)
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/goals/b\xff.yml")).write_text(GROW.replace("grow", "more"))
    except OSError:
        pytest.skip("this file system keeps no such names")
    records = read(tmp_path)
    files = [r.origin.file for r in records if isinstance(r, Node)]
    assert files == ["goals/a\ufffd[2J.yml", "goals/b\ufffd.yml"]
    assert msgspec.json.encode(records)


def test_a_folder_without_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "readme.md").write_text("hello")
    assert refused(tmp_path).startswith("goals: the folder holds no YAML file (")


def test_the_same_files_give_the_same_records(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_text(GROW)
    assert read(tmp_path) == read(tmp_path)


def test_a_forbidden_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_text(GROW)
    (tmp_path / "goals.yml").chmod(0)
    if os.access(tmp_path / "goals.yml", os.R_OK):
        pytest.skip("this user may read everything")
    assert refused(tmp_path) == "goals.yml: the file cannot be read: permission denied"


@pytest.mark.parametrize("what", ["open", "scandir"])
def test_permission_denied_is_a_sentence(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # To root nothing is forbidden, so the system's answer is put in its place.
    def deny(path: Any, *_: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a.yml").write_text(GROW)
    monkeypatch.setattr(*(Path, "open") if what == "open" else (os, "scandir"), deny)
    place, thing = ("goals/a.yml", "file") if what == "open" else ("goals", "folder")
    assert refused(tmp_path) == f"{place}: the {thing} cannot be read: permission denied"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "goals.yml")
    assert refused(tmp_path) == "goals.yml: this is not a regular file (give a YAML file or a folder of them)"


def test_a_link_to_nowhere_and_a_link_to_itself_are_refused(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").symlink_to(tmp_path / "gone.yml")
    assert "there is no such goals file" in refused(tmp_path)
    (tmp_path / "loop.yml").symlink_to(tmp_path / "loop.yml")
    assert refused(tmp_path, path="loop.yml").startswith("loop.yml: it cannot be opened: too many levels")


def test_a_folder_that_contains_itself_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a.yml").write_text(GROW)
    (tmp_path / "goals" / "again").symlink_to(tmp_path / "goals", target_is_directory=True)
    assert names(read(tmp_path)) == ["grow"]


def test_a_path_no_file_can_have(tmp_path: Path) -> None:
    assert refused(tmp_path, path="go\0als.yml").startswith("go\ufffdals.yml: it cannot be opened: embedded null")
    assert "it cannot be opened: file name too long" in refused(tmp_path, path="x" * 5000)
    with pytest.raises(ConfigError, match="option path of the connector goals is text, not 5"):
        read(tmp_path, path=5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"objectives: []\n# caf\xe9\n", "goals.yml:2:6: byte 0xe9 is not UTF-8 (save the file as UTF-8)"),
        (b"\xef\xbb\xbfa: \xff", "goals.yml:1:7: byte 0xff is not UTF-8 (save the file as UTF-8)"),
        ("objectives: []".encode("utf-16"), "goals.yml:1:1: the file is UTF-16, not UTF-8 (save it as UTF-8)"),
        (b"PK\x03\x04\n\x00\x00", "goals.yml:2:1: this is a binary file, not YAML"),
        (b"a: 1\nb: \x1b[0m", "goals.yml:2:4: control character U+001B is not allowed in YAML (delete it)"),
        (b"%YAML 9.9\n---\na: 1\n", "goals.yml:1:1: this is not YAML: found incompatible YAML document"),
    ],
)
def test_bytes_that_are_not_yaml(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_bytes(data)
    assert refused(tmp_path).startswith(message)


@pytest.mark.parametrize("data", [b"", b"# only a comment\n", b"\xef\xbb\xbf", b"~\n", b"---\n...\n", b"version: 1\n"])
def test_a_file_without_goals_is_a_gap(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_bytes(data)
    (gap,) = read(tmp_path)
    assert isinstance(gap, Gap)
    assert (gap.topic, gap.message) == ("goals", "goals.yml holds no objective yet")


def test_a_mark_at_the_beginning_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_bytes(b"\xef\xbb\xbf" + GROW.replace("\n", "\r\n").encode())
    assert names(read(tmp_path)) == ["grow"]


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "goals.yml").open("wb") as file:
        file.truncate(10**12)  # takes no room on the disk
    expected = "goals.yml: the file is larger than 20 MB (split it into several files in a folder)"
    assert refused(tmp_path) == expected


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "goals.yml").write_text(GROW)
    monkeypatch.setattr(connector, "MAX_BYTES", len(GROW))
    assert names(read(tmp_path)) == ["grow"]
    monkeypatch.setattr(connector, "MAX_BYTES", len(GROW) - 1)
    assert "larger than" in refused(tmp_path)


@pytest.mark.parametrize("nested", ["[" * 50_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000])
def test_nesting_is_bounded(nested: str, tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_text(nested)
    start = time.perf_counter()
    assert f"lists and mappings are nested deeper than {MAX_DEPTH} levels" in refused(tmp_path)
    assert time.perf_counter() - start < 60


def test_objectives_nest_as_deep_as_the_limit_allows(tmp_path: Path) -> None:
    def nested(levels: int) -> str:
        text = ""
        for level in range(levels):
            text += f"{'  ' * level * 2}objectives:\n{'  ' * (level * 2 + 1)}- id: o{level}\n"
            text += f"{'  ' * (level * 2 + 2)}title: Level {level}\n"
        return text

    (tmp_path / "goals.yml").write_text(nested(49))
    records = read(tmp_path)
    assert len([r for r in records if isinstance(r, Objective)]) == 49
    assert len([r for r in records if isinstance(r, Edge)]) == 48
    (tmp_path / "goals.yml").write_text(nested(51))
    assert "say `parent: <id>` instead" in refused(tmp_path)


def test_aliases_within_aliases_do_not_explode(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    (tmp_path / "goals.yml").write_text("\n".join(lines))
    assert "*a0 is a YAML alias, which goals files do not read" in refused(tmp_path)


def test_a_long_chain_of_parents_is_no_problem_and_a_long_ring_is_one(tmp_path: Path) -> None:
    chain = [f"  - {{id: o{i}, title: O, parent: o{i + 1}}}" for i in range(3000)]
    last = ["  - {id: o3000, title: O}"]
    (tmp_path / "goals.yml").write_text("\n".join(["objectives:", *chain, *last]))
    assert len(names(read(tmp_path))) == 3001
    (tmp_path / "goals.yml").write_text("\n".join(["objectives:", *chain, "  - {id: o3000, title: O, parent: o0}"]))
    message = refused(tmp_path)
    assert "objectives support one another in a ring: o0 > o1 > o2 > " in message
    assert len(message) < 400


def test_a_file_full_of_mistakes_is_answered_soon_and_counted(tmp_path: Path) -> None:
    lines = [f"  - {{id: o{i}, titel: O, parent: unknown{i}}}" for i in range(4000)]
    (tmp_path / "goals.yml").write_text("\n".join(["objectives:", *lines]))
    start = time.perf_counter()
    message = refused(tmp_path)
    assert time.perf_counter() - start < 60
    assert message.count("\n") == MOST_PROBLEMS
    assert message.endswith("and 7,000 more problems (begin with the first)")


def test_all_problems_of_all_files_are_said_at_once_in_order(tmp_path: Path) -> None:
    (tmp_path / "goals").mkdir()
    (tmp_path / "goals" / "a.yml").write_bytes(b"\xff")
    (tmp_path / "goals" / "b.yml").write_text("objectives:\n  - {id: b}\n  - {title: B}\n")
    (tmp_path / "goals" / "c.yml").write_text("objectives: [")
    with pytest.raises(GoalsError) as caught:
        read(tmp_path)
    assert [problem.place for problem in caught.value.problems] == [
        Place("goals/a.yml", 1, 1),
        Place("goals/b.yml", 2, 5),
        Place("goals/b.yml", 3, 5),
        Place("goals/c.yml", 1, 14),
    ]


SQL = "objectives: [{id: o, title: O, key_results: [{id: k, title: K, sql: select 1 from marts.x}]}]"


def test_lineage_is_a_gap_where_the_parser_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "goals.yml").write_text(SQL)
    assert "ref:relation/marts.x" in [r.upstream for r in read(tmp_path) if isinstance(r, Edge)]
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(NoParser):
        tables("select 1")
    records = read(tmp_path)
    assert [r.role for r in records if isinstance(r, Edge)] == ["supports"]
    (gap,) = [r for r in records if isinstance(r, Gap)]
    assert (gap.topic, gap.node) == ("lineage", "goal:key_result.o.k")
    assert "an optional part that is not installed" in gap.message


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1", ()),
        ("with o as (select * from orders) select * from o join x.y.z using (id)", ("orders", "x.y.z")),
        ("with orders as (select * from orders) select * from orders", ("orders",)),
        ('select * from "My Shop"."Orders"', ("My Shop.Orders",)),
        ("select a from b where c in (select d from e) union all select f from g", ("b", "e", "g")),
        ("select * from read_csv('x.csv'), unnest([1, 2])", ()),
    ],
)
def test_tables_of_a_query(sql: str, expected: tuple[str, ...]) -> None:
    assert tables(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "select 1; select 2",
        "select from where (",
        "select " + "(" * 5000 + "1",
        "select " + "not " * 5000 + "1",
        "select '" + "x" * 200_000 + "'",
        "select '",
    ],
)
def test_queries_that_cannot_be_followed(sql: str) -> None:
    with pytest.raises(Unreadable):
        tables(sql)


def test_the_dialect_is_an_option(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_text(SQL.replace("marts.x", "`shop-1.marts.x`"))
    bigquery = [r.upstream for r in read(tmp_path, dialect="bigquery") if isinstance(r, Edge)]
    assert "ref:relation/shop-1.marts.x" in bigquery
    with pytest.raises(ConfigError, match="no SQL dialect 'klingon'"):
        read(tmp_path, dialect="klingon")
