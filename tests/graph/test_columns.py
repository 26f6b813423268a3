"""Column lineage of single queries. The cases are in column_cases.md; laws and hostile input are below.

A case is a level-two heading and two fenced blocks. `sql` is the query; its first line may be `-- dialect: name`.
`columns` is the answer: `name <- column, column` per output column (nothing after the arrow: made from no column), then
`shape <- ...` if something decides which rows there are. `?` after a column says that it is assumed, `??` that it is a
candidate, `.*` stands for every column. `open: t` says that all columns of t pass through, `problem: ...` says why not.
A `tables` block before the first case of a file says which columns the tables have; `t: ?` has columns nobody knows.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from headway.graph.column_scope import Leaf, TableName
from headway.graph.columns import Resolved, Schema, expression_sources, resolve

CASES = Path(__file__).with_name("column_cases.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DEFAULT = ("wh", "shop")
MARK = {"known": "", "assumed": "?", "candidate": "??"}


@dataclass(frozen=True)
class Case:
    title: str
    tables: str
    dialect: str
    sql: str
    columns: str


def cases() -> list[Case]:
    shared, *sections = re.split(r"^## ", CASES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    tables = dict(BLOCK.findall(shared))["tables"]
    found = []
    for section in sections:
        title = section.partition("\n")[0]
        blocks = BLOCK.findall(section)
        extra = "".join(text for kind, text in blocks if kind == "tables")
        queries = [text for kind, text in blocks if kind == "sql"]
        answers = [text for kind, text in blocks if kind == "columns"]
        assert len(queries) == len(answers) > 0, f"{title}: as many queries as answers"
        for number, (sql, answer) in enumerate(zip(queries, answers, strict=True), 1):
            named = re.match(r"-- dialect: (\w+)\n", sql)
            name = f"{title} ({number})" if len(queries) > 1 else title
            found.append(Case(name, tables + extra, named[1] if named else "duckdb", sql, answer.strip()))
    return found


def schema_of(text: str) -> Schema:
    """The tables of a `tables` block; a name without dots lies in wh.shop."""
    schema = Schema()
    for line in text.strip().splitlines():
        name, _, columns = line.partition(":")
        parts = name.strip().split(".")
        relation = (*DEFAULT, *parts)[-3:] if len(parts) < 3 else tuple(parts)
        known = None if columns.strip() == "?" else [c.strip() for c in columns.split(",")]
        schema.put((relation[0], relation[1], relation[2]), known)
    return schema


def short(table: TableName) -> str:
    return ".".join(
        table[sum(a == b for a, b in zip(table, DEFAULT, strict=False)) :] if table[:2] == DEFAULT else table
    )


def said(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(f"{short(table)}.{column or '*'}{MARK[certainty]}" for table, column, certainty in leaves)


def answer(found: Resolved) -> str:
    if found.problem:
        return f"problem: {found.problem}"
    lines = [f"{name} <- {said(leaves)}".strip() for name, leaves in found.columns]
    if found.shape:
        lines.append(f"shape <- {said(found.shape)}")
    if found.open:
        lines.append("open: " + ", ".join(short(table) for table in found.open))
    if found.incomplete:
        lines.append("and columns without known names")
    if found.stale:
        lines.append("out of date: " + ", ".join(f"{short(table)}.{column}" for table, column in found.stale))
    if found.unresolved:
        lines.append("nothing has: " + ", ".join(found.unresolved))
    return "\n".join(lines)


@pytest.mark.parametrize("case", cases(), ids=lambda c: c.title)
def test_case(case: Case) -> None:
    found = resolve(case.sql, dialect=case.dialect, schema=schema_of(case.tables), default=DEFAULT)
    assert answer(found) == case.columns


def test_there_is_a_case_for_every_kind_of_query() -> None:
    assert len(cases()) >= 115


TABLES = {
    ("wh", "shop", "orders"): ["id", "customer_id", "amount", "status"],
    ("wh", "shop", "customers"): ["id", "name"],
}


def resolved(sql: str, dialect: str = "duckdb", **fields: object) -> Resolved:
    return resolve(sql, dialect=dialect, schema=Schema(TABLES), default=DEFAULT, **fields)  # type: ignore[arg-type]


def test_a_very_long_union_is_no_problem() -> None:
    found = resolved(" union all ".join(["select id from orders"] * 3_000))
    assert answer(found) == "id <- orders.id"


def test_deep_nesting_is_a_problem_and_not_a_crash() -> None:
    deep = "select * from (" * 2_000 + "select 1 as a" + ")" * 2_000
    assert resolved(deep).problem == "the query is nested too deeply"


def test_columns_that_multiply_are_a_problem_and_not_a_crash() -> None:
    sql = "select id from orders"
    for _ in range(12):
        sql = f"select *, *, * from ({sql})"
    assert resolved(sql).problem == "the query has more than 20,000 columns"


def test_recursion_inside_recursion_ends() -> None:
    inner = "select a, b, c from r union all select b, c, a from x"
    sql = f"""with recursive r(a, b, c) as (select id, amount, status from orders union all
        (with recursive x(a, b, c) as ({inner}) select b, a, c from x)) select a from r"""
    assert answer(resolved(sql)) == "a <- orders.amount, orders.id, orders.status"


@pytest.mark.parametrize(
    "noise", ["\x00", "'" * 9, "/*", "select '", "select $$", "🦆", "((((", "select 1 from a.b.c.d.e.f"]
)
def test_noise_is_answered(noise: str) -> None:
    for dialect in ("duckdb", "snowflake", "bigquery", "postgres", "tsql", "", "no such dialect"):
        found = resolved(noise, dialect)
        assert found.problem or found.reads or found.unresolved
        assert "select" not in found.problem


def test_no_sql_gets_into_problems_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for sql in ("select secret_7 from (", "call secret_7('secret_7')", "alter session set secret_7", "vacuum secret_7"):
        found = resolved(sql, "snowflake")
        assert found.problem
        assert "secret_7" not in found.problem
    assert "secret_7" not in caplog.text


def test_a_common_table_expression_can_stand_for_a_relation() -> None:
    sql = "with __dbt__cte__paid as (select id from orders where status = 'paid') select id from __dbt__cte__paid"
    found = resolved(sql, stands_for={"__dbt__cte__paid": ("", "", "paid")})
    assert found.columns == (("id", ((("", "", "paid"), "id", "assumed"),)),)
    assert found.tables == {("", "", "paid")}


def test_what_is_read_is_said_as_written_and_as_taken() -> None:
    found = resolved("select 1 from orders, other.thing")
    assert found.reads == (
        (("", "", "orders"), ("wh", "shop", "orders")),
        (("", "other", "thing"), ("wh", "other", "thing")),
    )


def test_relations_are_found_by_their_ending_when_it_fits_one() -> None:
    schema = Schema(
        {("prod", "a", "t"): None, ("prod", "b", "t"): None, ("prod", "b", "u"): None, ("", "c", "v"): None}
    )
    find = schema.find
    assert find(("", "", "t"), ("prod", "a")) == ("prod", "a", "t")
    assert find(("", "", "t"), ("", "")) is None
    assert find(("", "B", "T"), ("x", "y")) == ("prod", "b", "t")
    assert find(("dev", "b", "u"), ("x", "y")) == ("prod", "b", "u")
    assert find(("", "", "u"), ("x", "y")) == ("prod", "b", "u")
    assert find(("x", "c", "v"), ("", "")) == ("", "c", "v")
    assert find(("", "z", "u"), ("", "")) is None


def test_a_name_in_full_means_the_relation_spelt_so_and_a_later_relation_is_found() -> None:
    schema = Schema({("prod", "a", "t"): ["id"], ("prod", "A", "t"): ["other"]})
    assert schema.find(("prod", "a", "t"), ("", "")) == ("prod", "a", "t")
    assert schema.find(("", "A", "t"), ("prod", "")) == ("prod", "A", "t")
    assert schema.find(("prod", "b", "u"), ("", "")) is None
    schema.put(("prod", "b", "U"), ["id"])
    assert schema.find(("prod", "b", "u"), ("", "")) == ("prod", "b", "U")


def test_only_the_columns_that_are_asked_for_are_told_apart_in_a_wide_table() -> None:
    schema = Schema({("wh", "shop", "wide"): [f"c{at}" for at in range(30_000)]})
    found = resolve("select w.c7, c29999 as last from wide as w", dialect="duckdb", schema=schema)
    assert found.columns == (
        ("c7", ((("wh", "shop", "wide"), "c7", "known"),)),
        ("last", ((("wh", "shop", "wide"), "c29999", "known"),)),
    )


def test_expressions() -> None:
    assert expression_sources("sum(amount) filter (where paid) -- note", "postgres").values == ("amount", "paid")
    assert expression_sources("COUNT(DISTINCT User_Id)", "snowflake").values == ("USER_ID",)
    assert expression_sources("count(*)", "duckdb").values == ()
    assert expression_sources("1", "duckdb").problem == ""
    for bad in ("sum(", "a, b", "*", "a from other --", "a; drop table x", "(select x from y)", ""):
        assert expression_sources(bad, "duckdb").problem, bad
