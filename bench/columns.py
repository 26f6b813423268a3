"""Cases of column lineage, each run in a process of its own: `python -m bench.columns NAME FOLDER [ARGUMENT...]`.

Each prints one JSON line with `cpu`, the CPU seconds of the part that counts. sqlglot is loaded before the clock
starts, in every case alike.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
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

    assert sqlglot.__version__
    records = timed(lambda: _records(folder, ""))
    assert records


def warm(folder: str) -> None:
    """The same with what an earlier run kept."""
    cache = _kept(folder)
    assert timed(lambda: _records(folder, cache))


def anew(folder: str) -> None:
    """The same after dbt wrote the manifest again, with the same SQL in it."""
    cache = _kept(folder)
    assert timed(lambda: _records(folder, cache, LONG_AGO))


def decode(folder: str) -> None:
    """Floor of a warm run: the manifest read and decoded, nothing else."""
    from headway.connectors.columns.artifacts import decode_manifest, paused_collector

    with paused_collector():
        timed(lambda: decode_manifest((Path(folder) / "manifest.json").read_bytes(), "manifest.json"))


def parse(folder: str) -> None:
    """Floor of a cold run: the SQL of every model parsed once, as gently to the collector as ours."""
    import sqlglot

    from headway.connectors.columns.artifacts import drop_trees, paused_collector

    def every() -> None:
        with paused_collector():
            for _, sql in statements(folder):
                sqlglot.parse(sql, dialect="duckdb")
                drop_trees()

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


def _schema(folder: str, columns: dict[str, list[str]]) -> dict[str, Any]:
    """What every relation of the project has, in sqlglot's form: the columns that are asked of sources, too."""
    from headway.graph.model import ColumnLineage

    asked: dict[str, dict[str, str]] = {node: dict.fromkeys(names, "text") for node, names in columns.items()}
    for record in _records(folder, ""):
        if isinstance(record, ColumnLineage):
            for source in _all(record):
                asked.setdefault(source.node, {})[source.column] = "text"
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
    "decode": decode,
    "parse": parse,
    "per-column": per_column,
}


if __name__ == "__main__":
    CASES[sys.argv[1]](*sys.argv[2:])
