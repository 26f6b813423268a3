"""Which tables a statement reads, as PostgreSQL's own grammar and DuckDB's own parser see it.

Runs in an environment of its own, which has pglast and duckdb but not Headway; nothing of Headway's is imported:

    python second_parser.py corpus             JSON object on stdout: name to text of the TPC-DS and TPC-H queries
    python second_parser.py tables < texts     the same object on stdin; on stdout name to
                                               {"postgres": [[part, ...], ...] or null, "duckdb": likewise}

null: that parser does not take the text. Parts are those written, as the parser spells them; temporary names (WITH) are
not tables where they are in scope, and are where they are not.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pglast

Name = tuple[str, ...]
Scope = frozenset[str]


# ---------------------------------------------------------------------------------------------- PostgreSQL


def postgres_tables(text: str) -> list[Name] | None:
    """Tables that PostgreSQL's grammar finds read, targets of writes left out; None when it refuses the text."""
    try:
        tree = json.loads(pglast.parser.parse_sql_json(text))
    except pglast.parser.ParseError:
        return None
    return sorted(set(_postgres(tree.get("stmts", []), frozenset())))


def _postgres(tree: Any, scope: Scope) -> Iterator[Name]:
    if isinstance(tree, list):
        for member in tree:
            yield from _postgres(member, scope)
        return
    if not isinstance(tree, dict):
        return
    if "withClause" in tree:
        scope = yield from _postgres_with(tree["withClause"], scope)
    for key, member in tree.items():
        if key == "RangeVar":
            name = tuple(member[part] for part in ("catalogname", "schemaname", "relname") if member.get(part))
            if len(name) > 1 or name[0] not in scope:
                yield name
        elif key not in {"withClause", "lockedRels"}:  # FOR UPDATE OF names aliases; a write's target is no RangeVar
            yield from _postgres(member, scope)


def _postgres_with(clause: dict[str, Any], scope: Scope) -> Iterator[Name]:
    bodies = [member["CommonTableExpr"] for member in clause["ctes"]]
    if clause.get("recursive"):  # every name is known in every body
        scope |= {body["ctename"] for body in bodies}
    for body in bodies:
        yield from _postgres(body["ctequery"], scope)
        scope |= {body["ctename"]}
    return scope


# ---------------------------------------------------------------------------------------------- DuckDB


def duckdb_tables(connection: duckdb.DuckDBPyConnection, text: str) -> list[Name] | None:
    """Tables that DuckDB's parser finds read; None when it refuses the text or the text is no SELECT."""
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    if tree["error"]:
        return None
    return sorted(set(_duckdb(tree["statements"], frozenset())))


def _duckdb(tree: Any, scope: Scope) -> Iterator[Name]:
    if isinstance(tree, list):
        for member in tree:
            yield from _duckdb(member, scope)
        return
    if not isinstance(tree, dict):
        return
    for entry in (tree.get("cte_map") or {}).get("map", ()):
        name, body = entry["key"].casefold(), entry["value"]["query"]
        itself = {name} if body["node"]["type"] == "RECURSIVE_CTE_NODE" else set()
        yield from _duckdb(body, scope | itself)
        scope |= {name}
    if tree.get("type") == "BASE_TABLE" and "table_name" in tree:
        found = tuple(tree[part] for part in ("catalog_name", "schema_name", "table_name") if tree.get(part))
        if len(found) > 1 or found[0].casefold() not in scope:
            yield found
    for key, member in tree.items():
        if key != "cte_map":
            yield from _duckdb(member, scope)


# ---------------------------------------------------------------------------------------------- texts


def corpus() -> dict[str, str]:
    """The queries of two public benchmarks, as their DuckDB extensions carry them."""
    texts = {}
    with duckdb.connect(config={"allow_unsigned_extensions": False}) as connection:
        for name in ("tpcds", "tpch"):
            for extension in _package(f"duckdb_extension_{name}").rglob(f"{name}.duckdb_extension"):
                connection.load_extension(str(extension))
            rows = connection.execute(f"SELECT query_nr, query FROM {name}_queries()").fetchall()
            texts |= {f"{name}/{number:02}": text for number, text in rows}
    return texts


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def main(arguments: Sequence[str]) -> int:
    """Run one of the two commands."""
    if arguments == ["corpus"]:
        json.dump(corpus(), sys.stdout)
        return 0
    if arguments != ["tables"]:
        print(__doc__, file=sys.stderr)  # noqa: T201 - a program of its own
        return 2
    texts = json.load(sys.stdin)
    with duckdb.connect() as connection:
        found = {
            name: {"postgres": postgres_tables(text), "duckdb": duckdb_tables(connection, text)}
            for name, text in texts.items()
        }
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
