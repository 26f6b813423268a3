"""Broken, hostile and odd manifests: one clear sentence, or a gap; never a traceback and never a hang."""

from __future__ import annotations

import gc
import gzip
import json
import os
import subprocess
import sys
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_project import NOW, SCHEMA, entry, gaps, headway, of, project, read, semantic_model, simple_metric, table

from headway.connectors.dbt.connector import Dbt
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError
from headway.graph.model import AnyRecord, Edge, Node

SMALL = project(table("source.shop.raw.orders"), table("model.shop.orders", "source.shop.raw.orders"))


def text(manifest: Any = SMALL) -> bytes:
    return json.dumps(manifest).encode()


def refused(folder: Path, content: bytes, /, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content, **options)
    assert type(caught.value) is InputError
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty (run `dbt parse` again)"),
        (b"   \n", "ends too early, after 4 bytes"),
        (text()[:-40], "ends too early, after"),
        (b'{"metadata": {"dbt_version": "' + b"a" * 10_000_000, "ends too early, after 10,000,030 bytes"),
        (b"\x00\x01\x02", "is not JSON: it starts with b'\\x00'"),
        (b"metadata: {}", "is not JSON: it starts with b'm'"),
        (text() + b" trailing", "is not valid JSON: trailing characters (byte "),
        (text().replace(b'"wh', b"wh"), "is not valid JSON: "),
        (b'{"nodes": NaN}', "is not valid JSON: "),
        (b'{"metadata": {"dbt_version": "\\ud800"}}', "is not valid JSON: a string or an escape in it is broken"),
        (text().replace(b"orders", b"\xff\xfe"), "is not UTF-8 text: byte "),
        ("﻿".encode("utf-16") + text(), "is UTF-16 text"),
        (b"<html>", "is a web page or XML"),
        (b"PK\x03\x04", "is a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"[" * 1_000_000, "is a JSON list, not a dbt artifact"),
        (b'{"nodes": ' + b'{"a":' * 1_000_000, "is nested too deeply to be a dbt artifact"),
        (b'{"elsewhere": ' + b"[" * 1_000_000, "is nested too deeply to be a dbt artifact"),
        (b'"manifest"', "is a JSON string, not a dbt artifact"),
        (b"7", "is a JSON single value, not a dbt artifact"),
        (b"{}", "is JSON, but not a dbt manifest"),
        (b'{"metadata": {"name": "x"}, "items": []}', "is JSON, but not a dbt manifest"),
        (
            text({"metadata": {"dbt_schema_version": SCHEMA.replace("manifest", "run-results")}}),
            "is a run_results.json",
        ),
        (
            text({"metadata": {"dbt_schema_version": SCHEMA.replace("manifest", "catalog")}, "nodes": {}}),
            "is a catalog",
        ),
        (text({"metadata": {"dbt_schema_version": SCHEMA.replace("manifest", "sources")}}), "is a sources.json"),
        (text({"semantic_models": [], "metrics": []}), "is a semantic_manifest.json, not a manifest.json"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, content: bytes, sentence: str) -> None:
    began = time.process_time()
    assert refused(tmp_path, content).startswith(f"target/manifest.json: {sentence}")
    assert time.process_time() - began < 5


def test_two_entries_with_one_id(tmp_path: Path) -> None:
    repeated = text().replace(b'"model.shop.orders": {', b'"model.shop.orders": {"unique_id": "model.shop.orders"}, '
                              b'"model.shop.orders": {')  # fmt: skip
    expected = "target/manifest.json: two entries have the id 'model.shop.orders'; a dbt manifest names everything once"
    assert refused(tmp_path, repeated).startswith(expected)
    renamed = project(table("model.shop.orders"))
    renamed["nodes"]["model.shop.other"] = table("model.shop.orders")
    assert refused(tmp_path, text(renamed)).startswith(expected)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert len(of(read(tmp_path, b"\xef\xbb\xbf" + text()), Node)) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"manifest": "gone.json"}, "gone.json: there is no such file (run `dbt parse`"),
        ({"manifest": "target"}, "target: is a folder, not a file"),
        ({"manifest": "target/manifest.json/x"}, "target/manifest.json/x: there is no such file"),
        ({"manifest": "x" * 5_000}, "x: the name is too long for a file"),
        ({"manifest": "a\0b"}, "this is not a possible file name"),
        ({"manifest": "/dev/zero"}, "/dev/zero: is not a regular file"),
        ({"manifest": "loop"}, "loop: cannot be read: "),
        ({"target": "build"}, "there is no folder 'build' in "),
        ({"target": "empty"}, "empty/manifest.json: there is no such file (run `dbt parse`"),
    ],
)
def test_a_manifest_that_is_not_there(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    assert sentence in refused(tmp_path, text(), **options)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    read(tmp_path, SMALL)
    (tmp_path / "target/manifest.json").chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        list(Dbt({}, Context(root=str(tmp_path), now=NOW)).records())


@pytest.mark.parametrize("option", ["manifest", "target", "codeowners"])
def test_an_option_of_the_wrong_type(tmp_path: Path, option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` of the dbt source is 5, not a path"):
        read(tmp_path, SMALL, **{option: 5})


def test_the_target_folder_can_be_elsewhere_or_a_file(tmp_path: Path) -> None:
    expected = read(tmp_path, SMALL)
    (tmp_path / "target").rename(tmp_path / "build")
    context = Context(root=str(tmp_path), now=NOW)
    for options in ({"target": "build"}, {"target": "build/manifest.json"}, {"target": str(tmp_path / "build")}):
        found = list(Dbt(options, context).records())
        assert of(found, Node) == of(expected, Node)
        assert of(found, Edge) == of(expected, Edge)


# gzip


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.gz"])
def test_gzip_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    expected = of(read(tmp_path / "plain", SMALL), Node)
    packed = tmp_path / "packed/target" / name
    packed.parent.mkdir(parents=True)
    content = text()
    packed.write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))
    assert of(list(Dbt({}, Context(root=str(tmp_path / "packed"), now=NOW)).records()), Node) == expected


def test_gzip_that_is_cut_off_or_broken(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(3_000).hex().encode() + text(), mtime=0)
    assert "the gzip data ends too early, after " in refused(tmp_path, packed[:-900])
    assert "the gzip data ends too early, after " in refused(tmp_path, packed[:-4])
    assert "the gzip data is broken after " in refused(tmp_path, packed[:-6] + b"abcdef")
    assert "the gzip data is broken after 0 bytes" in refused(tmp_path, b"\x1f\x8b" + b"\xff" * 50)


def test_a_gzip_bomb_is_noticed_early(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    sentence = refused(tmp_path, bomb)
    assert sentence.endswith("; that is no dbt artifact")
    assert "unpacks to more than" in sentence


# What is odd in a part of it


def test_an_odd_entry_is_left_out_and_named(tmp_path: Path) -> None:
    manifest = project(table("model.shop.a"), table("model.shop.b", "model.shop.a"), table("model.shop.c"))
    manifest["nodes"]["model.shop.c"]["depends_on"] = {"nodes": [1]}
    manifest["metrics"] = [1, 2]
    manifest["exposures"] = None
    records = read(tmp_path, manifest)
    assert [n.name for n in of(records, Node)] == ["a", "b"]
    assert len(of(records, Edge)) == 1
    first, second = gaps(records, "dbt")
    assert first.startswith("target/manifest.json: $.nodes['model.shop.c'] was left out: expected `str`, got `int`")
    assert first.endswith("at `$.depends_on.nodes[0]`")
    assert second == "target/manifest.json: `metrics` is not a mapping from id to entry and was left out"


def test_many_odd_entries_are_counted(tmp_path: Path) -> None:
    manifest = project(table("model.shop.a"), *(table(f"model.shop.m{n}", schema=n) for n in range(1_000)))
    messages = gaps(read(tmp_path, manifest), "dbt")
    assert len(messages) == 21
    assert messages[-1] == "target/manifest.json: 980 more entries of `nodes` were left out"


def test_a_number_that_no_computer_holds_costs_one_entry(tmp_path: Path) -> None:
    manifest = text(project(table("model.shop.a"), table("model.shop.b", meta={"n": 777})))
    records = read(tmp_path, manifest.replace(b"777", b"9" * 5_000))
    assert [n.name for n in of(records, Node)] == ["a"]
    [message] = gaps(records, "dbt")
    assert "$.nodes['model.shop.b'] was left out: integer value out of range" in message


def test_a_newer_schema_is_read_and_said(tmp_path: Path) -> None:
    newer = {**SMALL, "metadata": {"dbt_schema_version": SCHEMA.replace("v12", "v20")}}
    records = read(tmp_path, newer)
    assert len(of(records, Node)) == 2
    [message] = gaps(records, "dbt")
    assert "has schema v20, newer than the v12 known here" in message


@pytest.mark.parametrize("metadata", [{}, 5, None, {"dbt_schema_version": 12}])
def test_an_unknown_head_is_said(tmp_path: Path, metadata: Any) -> None:
    records = read(tmp_path, {**SMALL, "metadata": metadata})
    assert len(of(records, Node)) == 2
    assert any("states no schema version" in message for message in gaps(records, "dbt"))


def test_strings_of_any_length(tmp_path: Path) -> None:
    long = "x/" * 5_000_000
    model = table("model.shop.a", description=long, original_file_path=long, name=long, **headway(created=long))
    began = time.process_time()
    records = read(tmp_path, project(model), {"CODEOWNERS": "**/y/**/z @a"}, owners={"x/": "X team"})
    assert time.process_time() - began < 5
    assert of(records, Node)[0].owner == "X team"
    assert max(len(message) for message in gaps(records, "dbt")) < 1_000


# How it is read


def test_the_collector_runs_while_the_records_are_used(tmp_path: Path) -> None:
    read(tmp_path, SMALL)
    for _ in Dbt({}, Context(root=str(tmp_path), now=NOW)).records():
        assert gc.isenabled()


def test_a_mapped_manifest_gives_the_same_records(tmp_path: Path) -> None:
    off = {"model.shop.x": [table("model.shop.x")], "model.shop.y": [7]}
    manifest = {**SMALL, "disabled": off}
    assert read(tmp_path, manifest, mmap=True) == read(tmp_path, manifest)
    assert "is empty" in refused(tmp_path, b"", mmap=True)


def test_no_mapping_is_left_behind(tmp_path: Path) -> None:
    """A file that is cut short under a mapping would end the process."""
    script = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from headway.connectors.dbt.connector import Dbt; from headway.connectors.protocol import Context\n"
        "c = Dbt({'mmap': True}, Context(root=sys.argv[1], now=datetime.now(UTC)))\n"
        "records = list(c.records()); Path(sys.argv[1], 'target/manifest.json').write_bytes(b'')\n"
        "print(len(repr(records)) > 100)\n"
    )
    read(tmp_path, {**SMALL, "disabled": {"model.shop.x": [table("model.shop.x", description="x" * 100_000)]}})
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


# Any damage at all


def everything() -> dict[str, Any]:
    """A manifest that uses every rule there is."""
    join = {"where_filters": [{"where_sql_template": "{{ Dimension('customer__segment') }} = {{ Entity('order') }}"}]}
    export = {"name": "e", "config": {"export_as": "table", "schema_name": "out", "alias": "e"}}
    return project(
        table("source.shop.raw.orders", meta={"owner": {"name": "Data team"}}),
        table("model.shop.customers.v2", version=2, deprecation_date="2027-01-01", tags=["a"]),
        table("model.shop.orders", "source.shop.raw.orders", "function.shop.f", config={"group": "finance"}),
        entry("test.shop.unique.1", "model.shop.orders", attached_node="model.shop.orders"),
        entry("unit_test.shop.math", "model.shop.orders", tested_node_unique_id="model.shop.orders"),
        entry("function.shop.f", "model.shop.customers.v2"),
        semantic_model("customers", "customer", (), ("segment",), depends_on={"nodes": ["model.shop.customers.v2"]}),
        semantic_model("orders", "order", ("customer",), measures=[{"name": "amount"}]),
        simple_metric(
            "revenue", "orders", filter=join, **headway(objective="grow", target=3, band=[1, 2], due="2026-12-31")
        ),
        entry(
            "metric.shop.ratio", type_params={"numerator": {"name": "revenue", "filter": join}, "metrics": ["revenue"]}
        ),
        entry("metric.shop.old", refs=[["orders"]], metrics=[["revenue"]], depends_on=None),
        entry("saved_query.shop.pack", query_params={"metrics": ["revenue"], "where": join}, exports=[export]),
        entry(
            "exposure.shop.board", type="dashboard", owner={"email": "a@example.com"}, **headway(shows=["grow.revenue"])
        ),
        entry(
            "exposure.shop.objective_grow",
            "metric.shop.revenue",
            **headway(kind="objective", period="2026-Q4", parent="company", limit=3),
            metrics=[["ratio"]],
        ),
        {"unique_id": "group.shop.finance", "resource_type": "group", "name": "finance", "owner": {"name": "F"}},
        disabled={"model.shop.x": [table("model.shop.x", config={"enabled": False})]},
    )


RUN = {
    "metadata": {"generated_at": "2026-11-20T00:00:00Z"},
    "args": {"which": "build"},
    "results": [
        {"unique_id": "test.shop.unique.1", "status": "fail", "timing": [{"completed_at": "2026-11-20T00:00:00Z"}]},
        {"unique_id": "model.shop.orders", "status": "success", "timing": [], "message": "ok"},
    ],
}
FRESH = {
    "metadata": {"generated_at": "2026-11-20T00:00:00Z"},
    "results": [
        {
            "unique_id": "source.shop.raw.orders",
            "status": "warn",
            "max_loaded_at": "2026-11-10T00:00:00Z",
            "max_loaded_at_time_ago_in_s": 864000.0,
            "criteria": {"warn_after": {"count": 1, "period": "day"}},
        }
    ],
}
CATALOG = {
    "nodes": {"model.shop.orders": {"metadata": {"type": "VIEW", "name": "orders", "schema": "s"}}},
    "sources": {},
}
ODD: list[Any] = [
    None, True, -1, 10**30, 1e300, "", "x", "2026-99-99", "\x1b[2J", "../../etc/passwd", "é" * 3, [], [None],
    [["x"]], {}, {"": {}}, {"name": {"name": []}}, {"nodes": "x"}, "{{ Dimension(", "model.shop.orders",
]  # fmt: skip


def paths(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of a JSON document is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above] * bool(above) + [path for key, inner in items for path in paths(inner, (*above, key))]


FILES = {"manifest": everything(), "run_results": RUN, "sources": FRESH, "catalog": CATALOG}
PLACES = paths(FILES)


def test_the_whole_manifest_is_fine(tmp_path: Path) -> None:
    records = read(tmp_path, everything())
    assert [gaps(records, topic) for topic in ("dbt", "goals", "lineage", "owners")] == [[], [], [], []]
    assert {type(record).__name__ for record in records} >= {"Node", "Edge", "Check", "Target", "Objective"}


def survived(folder: Path, manifest: Any, files: dict[str, Any] | None = None) -> list[AnyRecord]:
    """The records, or none when the manifest was refused with a sentence that names it."""
    try:
        return read(folder, manifest, files)
    except InputError as error:
        sentence = str(error)
    assert sentence.startswith("target/manifest.json: ")
    return []


def damaged(changes: list[tuple[tuple[Any, ...], Any]]) -> dict[str, Any]:
    """Copies of all files with values replaced; a change of `...` deletes."""
    files = json.loads(json.dumps(FILES))
    for path, value in changes:
        place = files
        try:
            for key in path[:-1]:
                place = place[key]
            if value is ...:
                del place[path[-1]]
            else:
                place[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken this place away
    return files


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from([..., *ODD])), min_size=1, max_size=4))
def test_any_value_may_be_anything(tmp_path: Path, changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    files = damaged(changes)
    beside = {f"target/{name}.json": files.get(name, {}) for name in ("run_results", "sources", "catalog")}
    records = survived(tmp_path, files.get("manifest", {}), beside)
    written = msgspec.json.encode(records)
    assert msgspec.json.decode(written, type=list[AnyRecord]) == records
    known = [n.id for n in of(records, Node)]
    assert len(set(known)) == len(known)
    ends = [(e.upstream, e.downstream, e.role) for e in of(records, Edge)]
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize("first", range(4))
def test_every_value_in_turn(tmp_path: Path, first: int) -> None:
    for number, path in enumerate(path for path in PLACES if path[0] == "manifest" and len(path) > 1):
        survived(tmp_path, damaged([(path, ODD[(first * 5 + number) % len(ODD)])])["manifest"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 12_000),
    junk=st.binary(max_size=12),
    keep=st.integers(0, 12_000),
)
def test_any_bytes_may_be_anything(tmp_path: Path, cut: int, junk: bytes, keep: int) -> None:
    whole = text(everything())
    content = whole[:cut] + junk + whole[min(cut + keep % 50, len(whole)) :]
    survived(tmp_path, content)


def test_the_same_input_gives_the_same_records(tmp_path: Path) -> None:
    once = read(tmp_path, everything(), {"target/run_results.json": RUN, "target/sources.json": FRESH})
    later = Context(root=str(tmp_path), now=datetime(2030, 1, 1, tzinfo=UTC))
    assert list(Dbt({}, later).records()) == once
