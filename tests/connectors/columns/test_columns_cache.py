"""What is kept between runs changes only the time, and is worth nothing once what it rests on has changed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from column_project import NOW, catalog, gaps, manifest, node, records, said

import headway.connectors.columns.cache as cache_module
from headway.connectors.columns import connector, models, semantic
from headway.connectors.columns.connector import Columns
from headway.connectors.protocol import Context

START = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
CACHE = ".headway/columns.msgpack"
RAW = node("source.shop.app.raw")


def project(
    first: str = "select id, secret_7 from wh.shop.raw", last: str = "select * from wh.shop.first"
) -> dict[str, Any]:
    return manifest(
        RAW,
        node("model.shop.first", first, "source.shop.app.raw"),
        node("model.shop.last", last, "model.shop.first"),
        {
            "unique_id": "semantic_model.shop.s",
            "name": "s",
            "depends_on": {"nodes": ["model.shop.last"]},
            "measures": [{"name": "m", "expr": "id + 1"}],
        },
    )


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was parsed since the list was last emptied."""
    seen: list[str] = []

    def resolve(sql: str, **given: Any) -> Any:
        seen.append(sql)
        return original(sql, **given)

    def expression(text: str, dialect: str) -> Any:
        seen.append(text)
        return original_expression(text, dialect)

    original, original_expression = models.resolve, semantic.expression_sources
    monkeypatch.setattr(models, "resolve", resolve)
    monkeypatch.setattr(semantic, "expression_sources", expression)
    return seen


def test_a_second_run_parses_nothing_and_says_the_same(tmp_path: Path, parsed: list[str]) -> None:
    once = records(tmp_path, project(), cache=CACHE)
    assert len(parsed) == 3
    parsed.clear()
    assert records(tmp_path, project(), cache=CACHE) == once == records(tmp_path, project(), cache="")
    assert len(parsed) == 3  # those of the run without a cache
    assert not [file for file in (tmp_path / ".headway").iterdir() if file.name != "columns.msgpack"]


def test_only_what_changed_is_parsed_again(tmp_path: Path, parsed: list[str]) -> None:
    records(tmp_path, project(), cache=CACHE)
    parsed.clear()
    same_columns = "select id, upper(secret_7) as secret_7 from wh.shop.raw"
    found = records(tmp_path, project(same_columns), cache=CACHE)
    assert parsed == [same_columns]
    parsed.clear()
    other_columns = "select id, secret_7 as renamed from wh.shop.raw"
    found = records(tmp_path, project(other_columns), cache=CACHE)
    assert parsed == [other_columns, "select * from wh.shop.first"]
    assert said(found, "model.shop.last") == {"id": "first.id", "renamed": "first.renamed"}


def test_a_catalogue_that_changes_is_noticed(tmp_path: Path, parsed: list[str]) -> None:
    records(tmp_path, project(), cache=CACHE)
    parsed.clear()
    found = records(tmp_path, project(), catalog(source__shop__app__raw="id secret_7"), cache=CACHE)
    assert parsed == ["select id, secret_7 from wh.shop.raw"]
    assert said(found, "model.shop.first") == {"id": "raw.id", "secret_7": "raw.secret_7"}


def test_a_table_that_comes_to_be_known_is_noticed(tmp_path: Path, parsed: list[str]) -> None:
    content = project(last="select x from wh.shop.written_out")
    assert "ref:relation" in repr(records(tmp_path, content, cache=CACHE))
    parsed.clear()
    content["nodes"]["seed.shop.written_out"] = node("seed.shop.written_out")
    found = records(tmp_path, content, cache=CACHE)
    assert said(found, "model.shop.last") == {"x": "written_out.x?"}
    assert "select x from wh.shop.written_out" in parsed


@pytest.mark.parametrize("content", [b"", b"\x00" * 99, b"\xc1", b"\x93" * 5000, b"not msgpack at all"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: bytes, parsed: list[str]) -> None:
    (tmp_path / ".headway").mkdir()
    (tmp_path / CACHE).write_bytes(content)
    once = records(tmp_path, project(), cache=CACHE)
    assert once == records(tmp_path, project(), cache="")
    parsed.clear()
    assert records(tmp_path, project(), cache=CACHE) == once
    assert parsed == []


def test_a_cut_off_file_is_as_good_as_none(tmp_path: Path, parsed: list[str]) -> None:
    once = records(tmp_path, project(), cache=CACHE)
    whole = (tmp_path / CACHE).read_bytes()
    for size in (1, len(whole) // 2, len(whole) - 1):
        (tmp_path / CACHE).write_bytes(whole[:size])
        parsed.clear()
        assert records(tmp_path, project(), cache=CACHE) == once
        assert len(parsed) == 3


def test_another_version_of_the_resolver_counts_for_nothing(
    tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    records(tmp_path, project(), cache=CACHE)
    monkeypatch.setattr(cache_module, "_FORMAT", 999)
    parsed.clear()
    records(tmp_path, project(), cache=CACHE)
    assert len(parsed) == 3


def run(folder: Path, content: dict[str, Any], written: float, listed: dict[str, Any] | None = None) -> list[Any]:
    """A run over files of which each was written `written` seconds before 1 November."""
    (folder / "target").mkdir(exist_ok=True)
    for name, what in (("manifest.json", content), ("catalog.json", listed)):
        if what is not None:
            (folder / "target" / name).write_text(json.dumps(what))
            os.utime(folder / "target" / name, (START - written, START - written))
    return list(Columns({"cache": CACHE}, Context(root=str(folder), now=NOW)).records())


def test_a_damaged_entry_is_followed_again(tmp_path: Path, parsed: list[str]) -> None:
    once = run(tmp_path, project(), 50)
    file = msgspec.msgpack.decode((tmp_path / CACHE).read_bytes(), type=dict[str, Any])
    key = next(key for key, entry in file["entries"].items() if entry[2] == ["id", "secret_7"])
    file["entries"][key] = ["not", "an", "entry"]
    (tmp_path / CACHE).write_bytes(msgspec.msgpack.encode(file))
    parsed.clear()
    assert run(tmp_path, project(), 50) == once
    assert len(parsed) == 1
    parsed.clear()
    assert run(tmp_path, project(), 40) == once
    assert parsed == []


def test_untouched_files_are_not_even_read(tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    content = project(last="select * from wh.other.gone")
    once = run(tmp_path, content, 50)
    assert gaps(once)
    read: list[Any] = []
    monkeypatch.setattr(connector, "read", lambda *given, **_: read.append(given))
    parsed.clear()
    context = Context(root=str(tmp_path), now=NOW)
    assert list(Columns({"cache": CACHE}, context).records()) == once
    assert (read, parsed) == ([], [])


def test_a_touched_file_is_read_and_one_that_was_just_written_always(tmp_path: Path, parsed: list[str]) -> None:
    first = run(tmp_path, project(), 50)
    changed = project("select id, other from wh.shop.raw")
    assert said(run(tmp_path, changed, 40), "model.shop.first") == {"id": "raw.id?", "other": "raw.other?"}
    assert run(tmp_path, project(), 50) == first
    listed = catalog(source__shop__app__raw="id secret_7")
    assert said(run(tmp_path, project(), 50, listed), "model.shop.first")["id"] == "raw.id"
    late = (NOW.timestamp() - START) * -1
    assert said(run(tmp_path, changed, late), "model.shop.first") == {"id": "raw.id", "other": "raw.other?"}
    assert said(run(tmp_path, project(), late), "model.shop.first") == {"id": "raw.id", "secret_7": "raw.secret_7"}


def test_a_project_that_rests_on_files_beside_the_manifest_is_read_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "target" / "compiled" / "shop" / "models"
    folder.mkdir(parents=True)
    content = manifest(RAW, node("model.shop.a"))
    for column in ("id", "name"):
        (folder / "a.sql").write_text(f"select {column} from wh.shop.raw")
        assert said(run(tmp_path, content, 50), "model.shop.a") == {column: f"raw.{column}?"}


def test_there_is_no_sql_in_the_file(tmp_path: Path) -> None:
    records(tmp_path, project("select id, 'literal_7' as secret_7 from wh.shop.raw -- note_7"), cache=CACHE)
    content = (tmp_path / CACHE).read_bytes()
    assert b"secret_7" in content  # a column's name
    assert b"literal_7" not in content
    assert b"note_7" not in content
    assert b"select" not in content


def test_a_folder_that_cannot_be_written_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / ".headway").write_text("a file where a folder is wanted")
    found = records(tmp_path, project(), cache=CACHE)
    assert said(found, "model.shop.last") == {"id": "first.id", "secret_7": "first.secret_7"}
    assert [g for g in gaps(found) if "could not be kept in .headway/columns.msgpack" in g]


def test_nothing_is_kept_of_what_is_gone(tmp_path: Path) -> None:
    records(tmp_path, project(), cache=CACHE)
    size = (tmp_path / CACHE).stat().st_size
    records(tmp_path, manifest(RAW), cache=CACHE)
    assert (tmp_path / CACHE).stat().st_size < size / 2
