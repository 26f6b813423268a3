"""Generated queries over fully known tables: every column equals what sqlglot's own lineage finds.

Only forms are generated on which that oracle is right; where it is not (USING, BY NAME, EXCEPT, ambiguous names), the
answers are written by hand in column_cases.md.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from sqlglot import exp, lineage

from headway.graph.columns import Schema, resolve

TABLES = {
    "orders": ["id", "customer", "amount", "status"],
    "customers": ["id", "name", "country"],
    "visits": ["id", "page"],
}
SCHEMA = Schema({("", "", table): columns for table, columns in TABLES.items()})
TYPED = {table: dict.fromkeys(columns, "int") for table, columns in TABLES.items()}


@st.composite
def expressions(draw: st.DrawFn, names: list[str]) -> str:
    """A scalar expression over qualified names."""
    name = st.sampled_from(names)
    return draw(
        st.one_of(
            name,
            st.builds("{} + {}".format, name, name),
            st.builds("coalesce({}, {}, 0)".format, name, name),
            st.builds("case when {} > 1 then {} else {} end".format, name, name, name),
            st.builds("sum({}) over (partition by {} order by {})".format, name, name, name),
            st.builds("cast({} as text)".format, name),
            st.builds("({} in (1, 2) or not {} is null)".format, name, name),
            st.just("42"),
        )
    )


@st.composite
def selects(
    draw: st.DrawFn, ctes: dict[str, list[str]], width: int | None = None, depth: int = 2
) -> tuple[str, list[str]]:
    """A SELECT over tables, common table expressions and derived tables, and its column names."""
    known = TABLES | ctes
    froms, names, starred = [], [], []
    for number in range(draw(st.integers(1, 3))):
        alias = f"t{number}"
        if depth and draw(st.integers(0, 3)) == 0:
            inner, columns = draw(selects(ctes, depth=depth - 1))
            item = f"({inner}) as {alias}"
        else:
            table = draw(st.sampled_from(sorted(known)))
            item, columns = f"{table} as {alias}", known[table]
        on = f" on {draw(st.sampled_from(names))} = {alias}.{columns[0]}" if number else ""
        froms.append(("" if not number else draw(st.sampled_from([" join ", " left join "]))) + item + on)
        names += [f"{alias}.{column}" for column in columns]
        starred.append((alias, columns))
    if width is None and len(starred) == 1 and draw(st.booleans()):
        listed, out = ["*"], list(starred[0][1])
    else:
        out = [f"c{n}" for n in range(width or draw(st.integers(1, 4)))]
        listed = [f"{draw(expressions(names))} as {name}" for name in out]
    where = f" where {draw(st.sampled_from(names))} > 3" if draw(st.booleans()) else ""
    return f"select {', '.join(listed)} from {''.join(froms)}{where}", out


@st.composite
def queries(draw: st.DrawFn) -> str:
    """WITH, then a SELECT or a UNION ALL of several."""
    ctes: dict[str, list[str]] = {}
    bodies = []
    for number in range(draw(st.integers(0, 3))):
        body, columns = draw(selects(ctes))
        name = f"w{number}"
        bodies.append(f"{name} as ({body})")
        ctes[name] = columns
    first, columns = draw(selects(ctes))
    branches = [first]
    for _ in range(draw(st.integers(0, 2))):
        branches.append(draw(selects(ctes, width=len(columns)))[0])  # noqa: PERF401 - draws happen in order
    return (f"with {', '.join(bodies)} " if bodies else "") + " union all ".join(branches)


def by_sqlglot(sql: str, columns: list[str]) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for column in columns:
        top = lineage.lineage(column, sql, schema=TYPED, dialect="duckdb")
        leaves = set()
        for node in top.walk():
            if isinstance(node.expression, exp.Table) and not node.downstream:
                leaves.add((node.expression.name, node.name.rpartition(".")[2].lower()))
        found[column] = leaves
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries())
def test_every_column_equals_the_oracle(sql: str) -> None:
    found = resolve(sql, dialect="duckdb", schema=SCHEMA)
    assert found.complete, found
    assert not found.stale
    assert not found.unresolved
    assert {certainty for _, leaves in found.columns for *_, certainty in leaves} <= {"known"}
    ours = {name: {(table[2], column) for table, column, _ in leaves} for name, leaves in found.columns}
    assert ours == by_sqlglot(sql, list(ours))
