"""Cases of column lineage, each run in a process of its own: `python -m bench.columns NAME FOLDER [ARGUMENT...]`.

Each prints one JSON line with `cpu`, the CPU seconds of the part that counts. sqlglot is loaded before the clock
starts, in every case alike.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.cases import timed

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""A sync at this moment takes every file for new."""
SAMPLE = 15
"""Models whose every column the slow peer is asked for; its time is scaled to the project by columns."""


def whole(folder: str) -> None:
    """The connector on the whole project, nothing kept: manifest, SQL, semantic models, metrics."""
    import sqlglot

    import headway.connectors.columns.connector  # a peer's own modules are loaded before its clock, too

    assert sqlglot.__version__
    assert headway.connectors.columns.connector
    records = timed(lambda: _records(folder, ""))
    assert records


def warm(folder: str) -> None:
    """The same with what an earlier run kept."""
    cache = _kept(folder)
    assert timed(lambda: _records(folder, cache))


def anew(folder: str) -> None:
    """The same after dbt wrote the manifest again, with another time and run at its head and the same SQL in it."""
    stamped = b'"generated_at": "'
    head, stamp, rest = (Path(folder) / "manifest.json").read_bytes().partition(stamped)
    assert stamp
    _later(folder, "anew", (head, stamped, b"2027", memoryview(rest)[4:]))


def changed(folder: str) -> None:
    """The same after the SQL of one model changed."""
    before, code, after = (Path(folder) / "manifest.json").read_bytes().rpartition(b'"compiled_code": "')
    assert code
    _later(folder, "changed", (before, code, b"/* changed */ ", after))


def _later(folder: str, name: str, manifest: Iterable[bytes | memoryview]) -> None:
    """A run over another manifest, given in parts, with what was kept of this one."""
    cache = _kept(folder)
    beside = Path(folder).with_name(f"{Path(folder).name}-{name}")
    beside.mkdir(exist_ok=True)
    with (beside / "manifest.json").open("wb") as file:
        file.writelines(manifest)
    del manifest
    kept = beside / "columns.msgpack"
    kept.write_bytes(Path(cache).read_bytes())
    assert timed(lambda: _records(str(beside), str(kept), LONG_AGO))


def decode(folder: str) -> None:
    """Floor of a warm run: the manifest read and decoded, nothing else."""
    from headway.collector import paused_collector
    from headway.connectors.columns.artifacts import decode_manifest

    with paused_collector():
        timed(lambda: decode_manifest((Path(folder) / "manifest.json").read_bytes(), "manifest.json"))


def parse(folder: str) -> None:
    """Floor of a cold run: the SQL of every model parsed once, as gently to the collector as ours."""
    import sqlglot

    from headway.collector import drop_cycles, paused_collector

    def every() -> None:
        with paused_collector():
            for _, sql in statements(folder):
                sqlglot.parse(sql, dialect="duckdb")
                drop_cycles()

    timed(every)


def per_column(folder: str) -> None:
    """Peer: `sqlglot.lineage` for every column of a sample of models, scaled to all columns of the project."""
    from headway.graph.model import ColumnLineage

    wanted = {r.node: list(r.columns) for r in _records(folder, "") if isinstance(r, ColumnLineage)}
    names = {uid: wanted[f"dbt:{uid}"] for uid, _ in statements(folder)}
    sqls = list(statements(folder))
    step = max(1, len(sqls) // SAMPLE)
    sample = sqls[::step][:SAMPLE]
    schema = _schema(folder, wanted)
    start = time.process_time()
    for uid, sql in sample:
        for column in names[uid]:
            _lineage(column, sql, schema)
    used = time.process_time() - start
    asked = sum(len(names[uid]) for uid, _ in sample)
    print(json.dumps({"cpu": used * sum(len(columns) for columns in names.values()) / asked}))


def statements(folder: str) -> Iterator[tuple[str, str]]:
    """Unique id and compiled SQL of every model."""
    from headway.connectors.columns.artifacts import decode_manifest, text_of

    manifest, _ = decode_manifest((Path(folder) / "manifest.json").read_bytes(), "manifest.json")
    for uid, node in manifest.nodes.items():
        if uid.startswith("model."):
            yield uid, text_of(node.compiled_code)


def catalogued(folder: str) -> str:
    """A folder with the same manifest and a catalogue of every column, as a peer needs it; made once."""
    from headway.graph.model import ColumnLineage

    place = Path(folder)
    beside = place.with_name(f"{place.name}-catalogued")
    if (beside / "catalog.json").exists():
        return str(beside)
    beside.mkdir(exist_ok=True)
    manifest = (place / "manifest.json").read_bytes()
    (beside / "manifest.json").write_bytes(manifest)
    records = _records(folder, "")
    asked = _asked(records, {r.node: tuple(r.columns) for r in records if isinstance(r, ColumnLineage)})
    known = json.loads(manifest)
    catalog: dict[str, Any] = {"metadata": {}, "nodes": {}, "sources": {}, "errors": None}
    for section in ("nodes", "sources"):
        for uid, entry in known[section].items():
            columns = asked.get(f"dbt:{uid}")
            if columns and entry.get("relation_name"):
                where = {"database": entry["database"], "schema": entry["schema"], "comment": None, "owner": None}
                catalog[section][uid] = {
                    "metadata": where | {"type": "BASE TABLE", "name": entry.get("alias") or entry["name"]},
                    "columns": {
                        name: {"type": "VARCHAR", "index": at, "name": name, "comment": None}
                        for at, name in enumerate(columns, 1)
                    },
                    "stats": {},
                    "unique_id": uid,
                }
    (beside / "catalog.json").write_text(json.dumps(catalog))
    return str(beside)


def _asked(records: list[Any], columns: Mapping[str, Iterable[str]]) -> dict[str, dict[str, str]]:
    """The columns of every node: those it has, then those that are asked of it."""
    from headway.graph.model import ColumnLineage

    found: dict[str, dict[str, str]] = {node: dict.fromkeys(names, "text") for node, names in columns.items()}
    for record in records:
        if isinstance(record, ColumnLineage):
            for source in _all(record):
                if source.column:
                    found.setdefault(source.node, {})[source.column] = "text"
    return found


def _kept(folder: str) -> str:
    """The cache of an earlier run over these files."""
    cache = Path(tempfile.gettempdir()) / "headway-bench" / f"{Path(folder).name}-columns.msgpack"
    _records(folder, str(cache))
    return str(cache)


def _records(folder: str, cache: str, now: datetime | None = None) -> list[Any]:
    from headway.connectors.columns.connector import Columns
    from headway.connectors.protocol import Context

    options = {"manifest": "manifest.json", "cache": cache}
    return list(Columns(options, Context(root=folder, now=now or datetime.now(UTC))).records())


def _schema(folder: str, columns: Mapping[str, list[str]]) -> dict[str, Any]:
    """What every relation of the project has, in sqlglot's form: the columns that are asked of sources, too."""
    asked = _asked(_records(folder, ""), columns)
    schema: dict[str, Any] = {}
    manifest = json.loads((Path(folder) / "manifest.json").read_bytes())
    for node, names in asked.items():
        uid = node.removeprefix("dbt:")
        entry = manifest["nodes"].get(uid) or manifest["sources"].get(uid)
        if entry is not None:
            database, name, table = entry["relation_name"].replace('"', "").split(".")
            schema.setdefault(database, {}).setdefault(name, {})[table] = names
    return schema


def _all(record: Any) -> Iterable[Any]:
    yield from record.shape
    for sources in record.columns.values():
        yield from sources


def _lineage(column: str, sql: str, schema: dict[str, Any]) -> None:
    from sqlglot.lineage import lineage

    assert lineage(column, sql, schema=schema, dialect="duckdb")


CASES: dict[str, Callable[[str], None]] = {
    "whole": whole,
    "warm": warm,
    "anew": anew,
    "changed": changed,
    "decode": decode,
    "parse": parse,
    "per-column": per_column,
}


if __name__ == "__main__":
    if sys.argv[1] == "catalogued":
        print(catalogued(sys.argv[2]))
    else:
        CASES[sys.argv[1]](*sys.argv[2:])
