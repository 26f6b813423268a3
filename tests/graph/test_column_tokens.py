"""Plain expressions are cut down to their columns before they are parsed, and nothing that is known of them changes."""

from __future__ import annotations

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.dialects.dialect import Dialect

from headway.graph import columns as resolving
from headway.graph.column_tokens import shortened
from headway.graph.columns import Resolved, Schema, resolve

TABLES = Schema({("", "", "t"): ("a", "b", "c"), ("", "", "u"): ("a", "e"), ("", "", "o"): None})
DIALECTS = ("duckdb", "snowflake", "bigquery", "postgres", "redshift", "databricks", "spark", "trino", "tsql", "mysql",
            "clickhouse", "oracle", "sqlite")  # fmt: skip


def cut(sql: str, dialect: str = "duckdb") -> str:
    """The statement as it is given to the parser."""
    return " ".join(token.text for token in shortened(Dialect.get_or_raise(dialect).tokenize(sql)))


def in_full(sql: str, dialect: str) -> Resolved:
    """What is found when every token is parsed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(resolving, "shortened", lambda tokens: tokens)
        return resolve(sql, dialect=dialect, schema=TABLES)


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("coalesce(case when t.a is null then 'new' else lower(trim(t.a)) end, '1')", "t . a"),
        ("t.a + b * 2 - wh.s.t.c", "( t . a , b , wh . s . t . c )"),
        ("case t.a when 1 then b when 2 then -c else null end", "( t . a , b , c )"),
        ("count(distinct t.a)", "t . a"),
        ("cast(t.a as varchar)", "t . a"),
        ("round(t.a::int / nullif(b, 0), 2)", "( t . a , b )"),
        ("not (a in ('x', 'y') and b not like 'z%' and c is not null)", "( a , b , c )"),
        ('t.a || t."A"', "( t . a , t . A )"),
        ("upper('nothing')", "1"),
        ("sum(a) - sum(a)", "a"),
    ],
)
def test_a_plain_expression_is_its_columns(expression: str, columns: str) -> None:
    for before in ("select", "select distinct", "with w as (select 1 as one) select a, lower(b) as low ,"):
        short = cut(f"{before} {expression} as x, t.b from t")
        assert short.endswith(f" {columns} as x , t . b from t"), short
    assert cut(f"select {expression} as x").endswith(f"select {columns} as x")
    assert cut(f"select * from (select {expression} as x) as i").endswith(f"select {columns} as x ) as i")


@pytest.mark.parametrize(
    "sql",
    [
        "select lower(a) from t",  # its name comes from the expression
        "select lower(a) name from t",
        "select unnest(a) as x, flatten(b) as y, explode(c) as z from t",  # they make rows
        "select sum(a) over (partition by b) as x from t",
        "select lower((select max(c) from u)) as x from t",
        "select date_diff(day, a, b) as x from t",  # a day is no column
        "select lower(columns('a.*')) as x, count(*) as n from t",
        "select list_transform(a, x -> x + b) as x from t",
        "select t.a[1] + b as x, t.a.b(c) as y, s.f(t.a) as z from t",
        "select a, sum(b) as b from t group by all",
        "select struct_pack(k := lower(a)) as x, f(lower(a) as k, b) as y from t",
        "select x.l from t, coalesce(t.a, t.b) as x, lower(t.b) as y where a = 1",  # table functions
        "select a.b as x from t",
        "select interval '1 day' + a as x, date '2026-01-01' - b as y from t",
        "select case when a then b as x, c from t",  # the rest is not well formed
        "select lower(a b) as x from t",
        "select (a + b as x, lower(c)) as y from t",
        "select lower(a, b) as x, nullif(a) as y, coalesce(a,) as z from t",
        "select a + as x, + * b as y from t",
        "select (a, b) as x from t",
        "select cast(a) as x, lower(a as int) as y, cast(a as int as int) as z from t",
        "select case a end as x, case when a end as y, case when a then b else c else d end as z from t",
    ],
)
def test_everything_else_is_left_alone(sql: str) -> None:
    tokens = Dialect.get_or_raise("duckdb").tokenize(sql)
    assert shortened(tokens) is tokens


def test_a_list_ends_where_its_select_does() -> None:
    sql = "select f(g(a, b), lower(c)) as x, h(a, (b)) as y from t, coalesce(t.a, t.b) as k, u"
    assert cut(sql) == " ".join(token.text for token in Dialect.get_or_raise("duckdb").tokenize(sql))
    union = "select f(a, lower(b)) as x, lower(a) as y from t, lower(t.b) as k, u union select lower(a) as x from u"
    assert cut(union).count("lower") == 2


def test_what_the_parser_refuses_is_still_refused_with_its_line() -> None:
    found = resolve("select lower(a) as x,\n b c d from t", dialect="duckdb", schema=TABLES)
    assert found.problem == "the SQL could not be parsed (line 2)"


def test_long_and_deep_statements() -> None:
    listed = ", ".join(["t.a"] * 100_000)
    assert cut(f"select a in ({listed}) as x from t").count("a") > 100_000
    deep = "(" * 2_000 + "a" + ")" * 2_000
    assert cut(f"select {deep} as x from t").count("(") in (0, 2_000)
    wide = ", ".join(f"lower(t.c{n}) as c{n}" for n in range(2_000))
    assert "lower" not in cut(f"select {wide} from t")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_function_in_every_dialect(dialect: str) -> None:
    one = [
        "abs",
        "avg",
        "ceil",
        "count",
        "floor",
        "initcap",
        "length",
        "lower",
        "ltrim",
        "max",
        "md5",
        "min",
        "rtrim",
        "sqrt",
        "sum",
        "trim",
        "upper",
    ]
    calls = [f"{name}(t.a)" for name in one] + [f"count(distinct {name}(t.a))" for name in one]
    calls += [f"{name}(t.a, b)" for name in ("ifnull", "nullif", "nvl", "round", "coalesce", "concat", "greatest")]
    calls += [f"{name}(t.a as {kind})" for name in ("cast", "try_cast") for kind in ("int", "varchar(9)", "date")]
    calls += ["least(t.a, b, c)", "round(t.a)", "concat(t.a, 'x', b)", "safe_cast(t.a as text)"]
    for call in calls:
        sql = f"select {call} as x, 1 + {call} as y from t"
        assert resolve(sql, dialect=dialect, schema=TABLES) == in_full(sql, dialect), sql


NAMES = st.sampled_from(
    ["a", "t.a", "u.e", "e", "t.b", "o.x", "x", "t.s.f", '"A"', 't."B"', "1", "'s'", "null", "true"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    calls = st.sampled_from(["lower", "sum", "unnest", "f", "coalesce", "count", "explode", "max"])
    between = st.sampled_from(["+", "*", "||", "=", "and", "or", "like", "not like", "is distinct from"])
    return st.one_of(
        st.tuples(calls, inner).map(lambda p: f"{p[0]}({p[1]})"),
        two.map(lambda p: f"coalesce({p[0]}, {p[1]})"),
        two.map(lambda p: f"nullif({p[0]}, {p[1]})"),
        st.tuples(inner, between, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        two.map(lambda p: f"case when {p[0]} then {p[1]} end"),
        st.tuples(inner, inner, inner).map(lambda p: f"case {p[0]} when {p[1]} then 1 else {p[2]} end"),
        inner.map(lambda e: f"(({e}) is not null)"),
        two.map(lambda p: f"(({p[0]}) not in (1, {p[1]}))"),
        inner.map(lambda e: f"cast({e} as varchar)"),
        inner.map(lambda e: f"(select max({e}) as m from o)"),
        two.map(lambda p: f"sum({p[0]}) over (partition by {p[1]})"),
        two.map(lambda p: f"f({p[0]} as k, lower({p[1]}))"),
    )


EXPRESSIONS = st.recursive(NAMES, _larger, max_leaves=8)
ITEMS = st.lists(st.tuples(EXPRESSIONS, st.booleans()), min_size=1, max_size=4).map(
    lambda items: ", ".join(f"{e} as c{n}" if named else e for n, (e, named) in enumerate(items))
)
SOURCES = st.sampled_from(["t", "t join u on t.a = u.a", "t, lower(t.b) as k, u", "o", "o join u using (a)"])
SELECTS = st.tuples(ITEMS, SOURCES, st.sampled_from(["", " group by all", " group by 1", " order by c0"])).map(
    lambda p: f"select {p[0]} from {p[1]}{p[2]}"
)
QUERIES = st.one_of(
    SELECTS,
    st.tuples(SELECTS, SELECTS).map(lambda p: f"{p[0]} union all {p[1]}"),
    st.tuples(SELECTS, ITEMS).map(lambda p: f"with t as ({p[0]}) select {p[1]} from t"),
)


@settings(max_examples=300, deadline=None)
@given(QUERIES, st.sampled_from(DIALECTS))
def test_what_is_found_is_the_same(sql: str, dialect: str) -> None:
    full = in_full(sql, dialect)
    if not full.problem:
        assert resolve(sql, dialect=dialect, schema=TABLES) == full
