"""A manifest that dbt wrote again with the same SQL is not decoded again, and one that says anything else is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from column_project import NOW, catalog, gaps, manifest, node, said

from headway.connectors.columns import connector
from headway.connectors.columns.connector import Columns
from headway.connectors.columns.content import ABSENT, content_of, has_content
from headway.connectors.protocol import Context

RAW = node("source.shop.app.raw")
PROJECT = manifest(
    RAW,
    node("model.shop.first", "select ID, 1 as one from wh.shop.raw", "source.shop.app.raw"),
    node("model.shop.last", "select * from wh.other.gone", "model.shop.first"),
)
LISTED = catalog(source__shop__app__raw="id secret")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read and decoded since the list was last emptied."""
    names: list[str] = []
    original = connector.read

    def noted(path: Path, shown: str, **given: Any) -> Any:
        names.append(shown)
        return original(path, shown, **given)

    monkeypatch.setattr(connector, "read", noted)
    return names


def stamped(content: dict[str, Any], run: str, **head: Any) -> str:
    """The artifact as dbt writes it in one run."""
    metadata = {"generated_at": f"2026-11-22T{run}Z", **content.get("metadata", {}), "env": {"run": run}, **head}
    return json.dumps({"metadata": metadata, **{name: part for name, part in content.items() if name != "metadata"}})


def run(folder: Path, content: str, listed: str | None = None, **options: str) -> list[Any]:
    target = folder / "target"
    target.mkdir(exist_ok=True)
    (target / options.get("manifest", "target/manifest.json").rpartition("/")[2]).write_text(content)
    (target / "catalog.json").unlink(missing_ok=True)
    if listed is not None:
        (target / "catalog.json").write_text(listed)
    return list(Columns(options, Context(root=str(folder), now=NOW)).records())


def test_another_time_and_another_run_at_the_head_mean_nothing(tmp_path: Path, read: list[str]) -> None:
    once = run(tmp_path, stamped(PROJECT, "06:00"), stamped(LISTED, "06:01"))
    assert said(once, "model.shop.first") == {"id": "raw.id", "one": ""}
    assert gaps(once)
    assert read == ["target/manifest.json", "target/catalog.json"]
    read.clear()
    assert run(tmp_path, stamped(PROJECT, "07:00:00.5"), stamped(LISTED, "09:00:30")) == once
    assert read == []


@pytest.mark.parametrize(
    ("content", "listed"),
    [
        (stamped(PROJECT, "06:00").replace("1 as one", "2 as one"), None),
        (stamped(PROJECT, "06:00").replace("ID", "no"), None),
        (stamped(PROJECT, "06:00", adapter_type="snowflake"), None),
        (stamped(PROJECT, "06:00").replace('"06:00"}}', '"06:00"}, "adapter_type": "x"}'), None),
        (stamped(PROJECT, "06:00"), json.dumps(LISTED)),
    ],
)
def test_whatever_else_differs_is_read(tmp_path: Path, read: list[str], content: str, listed: str | None) -> None:
    run(tmp_path, stamped(PROJECT, "06:00"))
    read.clear()
    found = run(tmp_path, content, listed)
    assert read[0] == "target/manifest.json"
    assert found == run(tmp_path, content, listed, cache="")


def test_a_catalogue_that_changes_comes_or_goes_is_read(tmp_path: Path, read: list[str]) -> None:
    content = stamped(PROJECT, "06:00")
    without = run(tmp_path, content)
    (tmp_path / "target" / "catalog.json.gz").write_bytes(gzip.compress(json.dumps(LISTED).encode()))
    packed = run(tmp_path, content)
    assert said(packed, "model.shop.first") == {"id": "raw.id", "one": ""}
    other = stamped(catalog(source__shop__app__raw="id renamed"), "06:00")
    assert run(tmp_path, content, other) != packed
    (tmp_path / "target" / "catalog.json.gz").unlink()
    assert run(tmp_path, content) == without
    broken = run(tmp_path, content, "{")
    assert [text for text in gaps(broken) if "target/catalog.json" in text]
    read.clear()
    assert run(tmp_path, content, "{") == broken
    assert "target/catalog.json" in read


def test_gaps_name_the_manifest_that_was_given(tmp_path: Path) -> None:
    content = stamped(PROJECT, "06:00")
    run(tmp_path, content)
    found = run(tmp_path, content, manifest="target/other.json")
    assert found == run(tmp_path, content, manifest="target/other.json", cache="")


LONG = b"x" * 300_000
HEAD = b'{"metadata": {"adapter_type": "duckdb", "generated_at": "%s"}, "nodes": {}}'


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (HEAD % b"06:00", HEAD % b"07:00:01", True),
        (HEAD % b"06:00", (HEAD % b"06:00").replace(b"duckdb", b"redshift"), False),
        (HEAD % b"06:00", (HEAD % b"06:00").replace(b"nodes", b"nudes"), False),
        (HEAD % b"06:00", (HEAD % b"06:00").replace(b": {}", b": [] "), False),
        (b'{"nodes": 1, "metadata": {"generated_at": 1}}', b'{"nodes": 1, "metadata": {"generated_at": 2}}', False),
        (b'{"metadata": ["generated_at"]}', b'{"metadata": ["generated-at"]}', False),
        (b'{"metadata": {"generated_at": 1', b'{"metadata": {"generated_at": 2', False),
        (
            b'{"metadata": {"env": "' + b"x" * 300_000 + b'"}}',
            b'{"metadata": {"env": "' + b"y" * 300_000 + b'"}}',
            False,
        ),
        (b'{"metadata": {"env": "\xff"}, "a": 1}', b'{"metadata": {"env": "\xfe\xfe"}, "a": 1}', True),
        (b'{"metadata": {"adapter_type": "\\ud800"}}', b'{"metadata": {"adapter_type": "\\ud801"}}', False),
        (b'{"metadata": ' + b"[" * 200_000, b'{"metadata": ' + b"{" * 200_000, False),
        (b"", b"", True),
        (b"", b" ", False),
        (b"x" * 600_000 + b"a", b"x" * 600_000 + b"b", False),
    ],
)
def test_what_two_files_have_in_common(tmp_path: Path, first: bytes, second: bytes, same: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(second)
    assert has_content(path, content_of(second))
    assert has_content(path, content_of(first)) is same
    assert not has_content(path, ABSENT)


def test_what_is_no_file(tmp_path: Path) -> None:
    content = content_of(HEAD)
    assert has_content(tmp_path / "gone", ABSENT)
    assert not has_content(tmp_path / "gone", content)
    assert not has_content(tmp_path, content)
    assert not has_content(tmp_path, ABSENT)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(HEAD))
    assert not has_content(packed, content)
