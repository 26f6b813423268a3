"""SQL as trees: one error for whatever the parser stumbles over, and no word of the SQL in any log."""

from __future__ import annotations

import logging
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from headway.sql import TooDeep, Unparsed, quietly, selected, trees

DIALECTS = ("", "duckdb", "snowflake", "bigquery", "postgres", "tsql")


@given(st.text() | st.text("->(){}[]'\"$:;,.*=<>!%@ a1", max_size=20), st.sampled_from(DIALECTS))
@example("->", "duckdb")
@example("SELECT ->", "duckdb")
def test_any_text_is_trees_or_unparsed(text: str, dialect: str) -> None:
    try:
        found = trees(text, dialect)
    except Unparsed:
        found = []
    assert None not in found
    selected(text, dialect)


def test_statements_come_in_order_without_empty_ones() -> None:
    assert [tree.sql() for tree in trees(";select 1;; select 2;")] == ["SELECT 1", "SELECT 2"]
    assert trees("") == trees(" ; -- nothing") == []


def test_why_and_where_it_is_no_sql() -> None:
    with pytest.raises(Unparsed, match=r"^Expected table name$") as caught:
        trees("select a\nfrom (")
    assert caught.value.line == 2
    with pytest.raises(Unparsed, match=r"^Required keyword: 'this' missing for WHERE$"):
        trees("select a from t where where")
    with pytest.raises(Unparsed):
        trees("select 1", "klingon")
    with pytest.raises(TooDeep):
        trees("select " + "(" * 100_000)


@pytest.mark.parametrize("text", ["", "a, b", "a from t", "a; select b", "a where", "a union select b"])
def test_what_is_not_one_expression_is_none(text: str) -> None:
    assert selected(text) is None


def test_an_expression_keeps_its_alias_and_loses_its_comment() -> None:
    assert selected("sum(a) as total -- of all").sql(comments=False) == "SUM(a) AS total"


def test_the_parser_quotes_no_sql_in_a_log_and_is_heard_again_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("sqlglot")
    trees("if secret")
    with quietly():
        elsewhere = threading.Thread(target=log.warning, args=("of another thread",))
        elsewhere.start()
        elsewhere.join()
        log.warning("of this one")
    log.warning("afterwards")
    assert [record.message for record in caplog.records] == ["of another thread", "afterwards"]
