"""The tables that Headway finds in a statement are those that other parsers find.

The others are PostgreSQL's grammar (pglast) and DuckDB's parser, in an environment of their own named by
HEADWAY_PARSING_PYTHON. Held against each other on the queries of TPC-DS and TPC-H, on what dbt compiles of the demo
company, and on statements made at random, whose tables are known as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from generated_sql import Statement, statements

from headway.warehouse.history.sqltext import parse, parts_of

pytestmark = pytest.mark.integration

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[2] / "examples"
GENERATED = 300
DIALECTS = ("postgres", "duckdb")

Tables = frozenset[tuple[str, ...]]

CORNERS: Mapping[str, str] = {
    "insert": "insert into a select * from b",
    "update": "update a set n = (select 1 from c) from d where a.i = d.i",
    "delete": "delete from a using b where a.i in (select i from c)",
    "merge": "merge into a using b on a.i = b.i when matched then update set n = 1",
    "create as": "create table z as select * from a",
    "create view": "create view v as with w as (select * from a) select * from w join b using (i)",
    "into": "select * into z from a",
    "prepared": "prepare p as select * from a where i = $1",
    "cursor": "declare c cursor for select * from a",
    "copy table": "copy a to '/tmp/x'",
    "copy query": "copy (select * from a) to '/tmp/x'",
    "several": "select * from a; select * from b; set x = 1",
    "table": "with b as (table a) table b",
    "values": "values ((select 1 from a))",
    "in table": "select * from a where (x, y) in (table b)",
    "function": "select f.x from f(1) as f(x), rows from (g(1)) as r(x)",
    "sample": "select * from a tablesample bernoulli (10)",
    "only": "select * from only a",
    "parentheses": "select * from ((a join b using (i)) cross join (c))",
    "lateral": "select * from a, lateral (with b as (select a.i) select * from b, c) x",
    "hidden by itself": "with a as (select * from a) select * from a",
    "hidden later": "with a as (select * from b), b as (select * from a) select * from b",
    "out of scope": "select * from (with b as (select 1 as i) select * from b) x join b using (i)",
    "schema is never hidden": "with a as (select 1 as i) select * from s.a join a using (i)",
    "recursive": "with recursive t(n) as (select 1 union all select n + 1 from t join e on true) select * from t",
    "recursive, two": "with recursive t as (select * from u), u as (select 1 as i) select * from t",
    "alias is a table": "select b.i, c.* from a as b join b as c using (i)",
    "star of a struct": "select (a.b).c, (a.d).* from a",
    "grouping": "select x, y, count(*) from a group by cube (x, y) having count(*) > (select 1 from b)",
    "window": "select sum(x) over w from a window w as (partition by (select 1 from b))",
    "returning": "with d as (delete from a returning *) select * from d",
    "for update": "select * from a as x for update of x",
    "explained": "explain select * from a",
    "quoted case": 'with q as (select 1 as i) select * from "Q"',
    "quote in a name": 'select * from "the ""best""" join s."the ""worst""" using (i)',
    "file": "select * from 'a.parquet'",
    "sample in DuckDB": "select * from a using sample 10",
    "positional": "select * from a positional join b",
    "asof": "select * from a asof join b on a.t >= b.t",
    "semi": "select * from a semi join b using (i)",
    "from first": "from a select x",
    "qualify": "select x from a qualify row_number() over (partition by x) = (select max(n) from b)",
    "lists": "select [y for y in z], {'k': x} from a where x in (from b)",
    "exclude": "select * exclude (x) replace (y + 1 as y) from a union by name select * from b",
    "pivot": "select * from (pivot a on x using sum(y)) join b using (z)",
    "unpivot": "select * from (unpivot a on x, y into name n value v)",
    "file function": "select * from read_parquet('a.parquet') join b using (i)",
}
"""What is seldom written, by name. Each is compared with the parsers that take it."""

KNOWN: Mapping[tuple[str, str], tuple[Tables, Tables, str]] = {
    ("returning", "postgres"): (
        frozenset({("a",)}),
        frozenset(),
        "rows that RETURNING hands to a query are read, though the table stands where a write's target stands",
    ),
    ("copy table", "postgres"): (
        frozenset({("a",)}),
        frozenset(),
        "a table that is copied out is read, though it stands where that of a copy in stands",
    ),
    ("recursive, two", "duckdb"): (
        frozenset(),
        frozenset({("u",)}),
        "WITH RECURSIVE may name what it defines later, as in PostgreSQL; DuckDB looks for a table there",
    ),
    ("explained", "postgres"): (
        frozenset(),
        frozenset({("a",)}),
        "a statement that is only explained reads no rows",
    ),
    ("quoted case", "postgres"): (
        frozenset(),
        frozenset({("q",)}),
        "names are folded, quoted or not, so that one that differs by case only is taken for the other",
    ),
    ("file", "duckdb"): (
        frozenset(),
        frozenset({("a.parquet",)}),
        "a file is no relation of the warehouse",
    ),
}
"""(text, dialect) to the tables only Headway names, those only the other parser names, and why that is so."""


def _environment(variable: str, what: str) -> str:
    named = os.environ.get(variable)
    if named:
        return named
    reason = f"{variable} does not name {what} (make integration sets it)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _second_parser(command: str, texts: Mapping[str, str] | None = None) -> Any:
    """What the other environment prints for a command."""
    python = _environment("HEADWAY_PARSING_PYTHON", "the Python that has pglast and DuckDB")
    done = subprocess.run(
        [python, str(HERE / "second_parser.py"), command],
        input=json.dumps(texts or {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def _folded(names: Any) -> Tables:
    return frozenset(tuple(part.lower() for part in name) for name in names)


def _headway(text: str, dialect: str) -> Tables:
    found = parse(text, dialect)
    assert found.problem == "", f"{found.problem}: {text}"
    return frozenset(parts_of(key) for key in found.reads)


def _disagreements(texts: Mapping[str, str], dialects: tuple[str, ...]) -> tuple[int, list[str]]:
    """How many comparisons were made, and a line for each that failed and is not KNOWN (or is, and did not)."""
    others = _second_parser("tables", texts)
    compared, wrong = 0, []
    for name, text in texts.items():
        for dialect in dialects:
            if others[name][dialect] is None:
                continue
            compared += 1
            ours, theirs = _headway(text, dialect), _folded(others[name][dialect])
            only_ours, only_theirs, _ = KNOWN.get((name, dialect), (frozenset(), frozenset(), ""))
            if (ours - theirs, theirs - ours) != (only_ours, only_theirs):
                only = f"only Headway {sorted(ours - theirs)}, only the other {sorted(theirs - ours)}"
                wrong.append(f"{name} as {dialect}: {only}\n{text}")
    return compared, wrong


@pytest.fixture(scope="module")
def public() -> dict[str, str]:
    """The queries of TPC-DS and TPC-H by name."""
    texts: dict[str, str] = _second_parser("corpus")
    return texts


@pytest.fixture(scope="module")
def generated() -> dict[str, Statement]:
    return statements(GENERATED)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What dbt compiles of the demo company's models, snapshots and tests, by node and target."""
    dbt = _environment("HEADWAY_DBT", "a dbt program")
    folder = tmp_path_factory.mktemp("compiled") / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb*", "raw"))
    project = folder / "lumaloop"
    done = subprocess.run(
        [
            dbt,
            "--quiet",
            "compile",
            "--no-populate-cache",
            "--no-introspect",
            "--profiles-dir",
            ".",
            "--target",
            "duckdb",
        ],
        cwd=project,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    nodes = json.loads((project / "target" / "manifest.json").read_bytes())["nodes"]
    return {name: node["compiled_code"] for name, node in nodes.items() if node.get("compiled_code")}


def test_public_benchmarks(public: dict[str, str]) -> None:
    assert sum(name.startswith("tpcds/") for name in public) == 99
    assert sum(name.startswith("tpch/") for name in public) == 22
    compared, wrong = _disagreements(public, DIALECTS)
    assert not wrong, "\n".join(wrong)
    assert compared == 2 * 121, "a parser refuses queries that it took"


def test_demo_company(compiled: dict[str, str]) -> None:
    compared, wrong = _disagreements(compiled, DIALECTS)
    assert not wrong, "\n".join(wrong)
    assert len(compiled) > 50
    assert compared >= len(compiled), "most of what dbt compiles is not compared"


def test_generated_statements(generated: dict[str, Statement]) -> None:
    """All three agree with one another, and with what the statements were made to read."""
    texts = {name: made.text for name, made in generated.items()}
    compared, wrong = _disagreements(texts, DIALECTS)
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong[:5])
    assert compared == 2 * GENERATED, "a parser refuses statements that are written for both"
    others = {name: _folded(tables["postgres"]) for name, tables in _second_parser("tables", texts).items()}
    assert others == {name: made.tables for name, made in generated.items()}


def test_corners() -> None:
    compared, wrong = _disagreements(CORNERS, DIALECTS)
    assert not wrong, "\n".join(wrong)
    assert compared > len(CORNERS)


def test_every_known_difference_is_one_of_a_text_that_is_compared() -> None:
    assert {name for name, _ in KNOWN} <= set(CORNERS)
    assert all(reason and (ours or theirs) for ours, theirs, reason in KNOWN.values())
