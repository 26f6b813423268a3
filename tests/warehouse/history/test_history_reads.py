"""What one statement reads and builds."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import duckdb
import pytest

from headway.warehouse.history.sqltext import Cache, Parsed, parse, parts_of, split_name, warehouse_reads


def reads(text: str, dialect: str = "duckdb") -> dict[str, set[str]]:
    return {".".join(parts_of(key)): set(columns) for key, columns in parse(text, dialect).reads.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT a FROM s.t WHERE b = 1", {"s.t": {"a", "b"}}),
        ("WITH t AS (SELECT * FROM t) SELECT a FROM t", {"t": {"*"}}),
        ("WITH x AS (SELECT a FROM t) SELECT a FROM x JOIN u ON u.b = x.a", {"t": {"a"}, "u": {"*", "b"}}),
        ("WITH RECURSIVE r AS (SELECT n FROM t UNION ALL SELECT n FROM r) SELECT n FROM r", {"t": {"n"}}),
        ("SELECT * FROM (WITH t AS (SELECT 1 AS x) SELECT x FROM t) JOIN t ON true", {"t": {"*"}}),
        ("SELECT o.a, c.b FROM o JOIN c USING (id)", {"o": {"a", "id"}, "c": {"b", "id"}}),
        ("SELECT a FROM o JOIN c ON o.id = c.id", {"o": {"*", "id"}, "c": {"*", "id"}}),
        ("SELECT count(*) FROM t", {"t": set()}),
        ("SELECT t.* FROM t JOIN u ON t.i = u.i", {"t": {"*", "i"}, "u": {"i"}}),
        ("SELECT a FROM o WHERE EXISTS (SELECT 1 FROM k WHERE k.id = o.id)", {"o": {"a", "id"}, "k": {"id"}}),
        ("SELECT max(a) AS m FROM t GROUP BY b ORDER BY m", {"t": {"a", "b"}}),
        ("SELECT p.x.y FROM t AS p", {"t": {"x"}}),
        ("SELECT info.x FROM t", {"t": {"info"}}),
        ("SELECT a FROM t UNION SELECT b FROM u", {"t": {"a"}, "u": {"b"}}),
        ("FROM s.t", {"s.t": {"*"}}),
        ("SELECT * FROM 'private/secret.parquet'", {}),
        ("SELECT * FROM read_csv('secret.csv')", {}),
        ("SELECT * FROM 'secret'", {}),
        ("SELECT * FROM \"t\" WHERE a = 't'", {"t": {"*", "a"}}),
        ("EXPLAIN SELECT a FROM t", {}),
        ("DROP TABLE t", {}),
        ('SELECT a FROM "My DB"."S"."T"', {"my db.s.t": {"a"}}),
        ("SELECT a FROM t; SELECT b FROM u", {"t": {"a"}, "u": {"b"}}),
        ("WITH RECURSIVE x AS (SELECT * FROM y), y AS (SELECT a FROM t) SELECT * FROM x", {"t": {"a"}}),
        ("WITH x AS (SELECT * FROM y), y AS (SELECT a FROM t) SELECT * FROM x", {"t": {"a"}, "y": {"*"}}),
        ("USE other", {}),
        ("CREATE TABLE n (LIKE s.t)", {}),
        ("CREATE INDEX i ON s.t (a)", {}),
    ],
)
def test_relations_and_columns(text: str, expected: dict[str, set[str]]) -> None:
    assert reads(text) == expected


@pytest.mark.parametrize(
    ("text", "dialect", "expected"),
    [
        ("SELECT a FROM `p-1.d.t`", "bigquery", {"p-1.d.t": {"a"}}),
        ("SELECT a FROM p-1.d.t", "bigquery", {"p-1.d.t": {"a"}}),
        ("DECLARE c CURSOR FOR SELECT a FROM t", "postgres", {"t": {"a"}}),
        ("UNLOAD ('SELECT a FROM t WHERE b = ''x''') TO 's3://x'", "redshift", {"t": {"a", "b"}}),
        ("COPY (SELECT a FROM t) TO STDOUT", "postgres", {"t": {"a"}}),
        ("COPY s.t TO STDOUT", "postgres", {"s.t": {"*"}}),
        (
            "SELECT o.a FROM s.o AS o JOIN s.c AS c USING (i) FOR UPDATE OF o, c",
            "postgres",
            {"s.o": {"a", "i"}, "s.c": {"i"}},
        ),
        ("SELECT a FROM s.t WHERE b = $1 AND $2 <> ''", "postgres", {"s.t": {"a", "b"}}),
        ("SELECT a FROM s.t WHERE b = $1 AND $2 <> ''", "redshift", {"s.t": {"a", "b"}}),
        ("SELECT a, '$1' FROM \"t $1\" WHERE b = $1 AND $2 <> ''", "postgres", {"t $1": {"a", "b"}}),
        (
            "SELECT a$1, ($1), $10 FROM t$2 WHERE b IN ($3,$4) AND $q$ $ $q$ <> '' AND $5 <> ''",
            "postgres",
            {"t$2": {"a$1", "b"}},
        ),
        ("USE ROLE analyst", "snowflake", {}),
        ("SELECT v:x::int FROM t, LATERAL FLATTEN(input => t.w) f", "snowflake", {"t": {"*", "w"}}),
    ],
)
def test_forms_of_single_dialects(text: str, dialect: str, expected: dict[str, set[str]]) -> None:
    assert reads(text, dialect) == expected


@pytest.mark.parametrize(
    ("text", "builds", "sources"),
    [
        ("INSERT INTO s.t SELECT a FROM u", {"s.t"}, {"u"}),
        ("CREATE TABLE s.t AS SELECT a FROM u", {"s.t"}, {"u"}),
        ("CREATE OR REPLACE VIEW v AS SELECT a FROM u", {"v"}, {"u"}),
        ("MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN UPDATE SET a = u.a", {"t"}, {"u"}),
        ("UPDATE t SET a = u.a FROM u WHERE u.i = t.i", {"t"}, {"u"}),
        ("DELETE FROM t WHERE i IN (SELECT i FROM u)", {"t"}, {"u"}),
    ],
)
def test_what_is_written_is_not_read(text: str, builds: set[str], sources: set[str]) -> None:
    parsed = parse(text, "postgres")
    assert {".".join(parts_of(key)) for key in parsed.builds} == builds
    assert {".".join(parts_of(key)) for key in parsed.reads} == sources


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("CREATE DATABASE wh", "postgres"),
        ("CREATE DATABASE d CLONE e", "snowflake"),
        ("CREATE SCHEMA x", "postgres"),
        ("CREATE SCHEMA IF NOT EXISTS x AUTHORIZATION joe", "postgres"),
        ("CREATE SCHEMA s CLONE s2", "snowflake"),
        ("CREATE SEQUENCE s.q", "postgres"),
        ("CREATE TYPE mood AS ENUM ('a')", "postgres"),
        ("CREATE FUNCTION f() RETURNS int AS $$ SELECT 1 FROM t $$ LANGUAGE sql", "postgres"),
        ("CREATE TRIGGER x BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION f()", "postgres"),
        ("CREATE ROLE a LOGIN PASSWORD 'x'", "postgres"),
        ("CREATE USER a WITH PASSWORD 'x'", "postgres"),
        ("CREATE USER a PASSWORD 'x'", "redshift"),
        ("CREATE USER a PASSWORD = 'x'", "snowflake"),
        ("CREATE USER 'a'@'b' IDENTIFIED BY 'x'", "mysql"),
        ("ALTER ROLE a SET search_path = x", "postgres"),
        ("ALTER USER a SET PASSWORD = 'x'", "snowflake"),
        ("DROP ROLE a", "postgres"),
        ("REASSIGN OWNED BY a TO b", "postgres"),
        ("SECURITY LABEL ON ROLE a IS 'x'", "postgres"),
        ("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", "postgres"),
        ("ALTER EXTENSION pg_stat_statements UPDATE", "postgres"),
        ("DROP EXTENSION pg_stat_statements", "postgres"),
        ("CREATE POLICY p ON s.t USING (a = 1)", "postgres"),
        ("CREATE PUBLICATION p FOR TABLE s.t", "postgres"),
        ("CREATE STREAM s ON TABLE t", "snowflake"),
        ("CREATE TASK t1 AS INSERT INTO a SELECT * FROM b", "snowflake"),
        ("CREATE EXTERNAL SCHEMA x FROM DATA CATALOG DATABASE 'd' IAM_ROLE 'r'", "redshift"),
        ("CREATE CATALOG x", "databricks"),
        ("CREATE SECRET x (TYPE s3)", "duckdb"),
    ],
)
def test_what_makes_no_rows_reads_and_builds_nothing_and_is_no_gap(text: str, dialect: str) -> None:
    parsed = parse(text, dialect)
    assert (parsed.reads, parsed.builds, parsed.temporary, parsed.problem) == ({}, (), (), "")


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("CREATE SNAPSHOT TABLE d.s CLONE d.t", "bigquery"),
        ("CREATE OR REPLACE TABLE x AS SELECT FROM WHERE", "postgres"),
        ("CREATE ROLE a; SELECT FROM WHERE t", "postgres"),
        ("ALTER VIEW v AS SELECT FROM WHERE", "postgres"),
    ],
)
def test_what_may_have_read_something_stays_a_gap(text: str, dialect: str) -> None:
    assert parse(text, dialect).problem


def test_temporary_tables_are_no_builds() -> None:
    for text in ("CREATE TEMP TABLE x AS SELECT a FROM t", "SELECT a INTO TEMP x FROM t"):
        parsed = parse(text, "postgres")
        assert (parsed.temporary, parsed.builds, set(parsed.reads)) == (("x",), (), {"t"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT FROM WHERE 'SECRET", "syntax"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "deep"),
        ("SELECT '" + "x" * 500_000 + "'", "long"),
        ("SELECT a FROM t WHERE b = 'SECRET", "syntax"),
    ],
)
def test_what_is_not_understood_is_told_without_the_text(
    text: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        parsed = parse(text, "postgres")
    assert parsed.problem == problem
    assert not parsed.reads
    assert "SECRET" not in repr(parsed) + caplog.text


def test_what_the_parser_only_passes_on_is_not_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("sqlglot"), "disabled", False)  # whatever other packages did to it
    with caplog.at_level(logging.DEBUG):
        parse("ALTER SYSTEM SET password = 'SECRET'", "postgres")
        parse("FROBNICATE 'SECRET'", "postgres")
    assert "SECRET" not in caplog.text
    assert not logging.getLogger("sqlglot").disabled


QUERIES = (
    "SELECT a FROM t1",
    "SELECT * FROM t1 JOIN t2 USING (a) LEFT JOIN s.t3 ON t3.b = t2.b",
    "WITH t1 AS (SELECT * FROM t2) SELECT * FROM t1",
    "WITH x AS (SELECT * FROM t1), y AS (SELECT * FROM x JOIN t2 USING (a)) SELECT * FROM y",
    "SELECT (SELECT max(b) FROM t2) FROM t1 WHERE a IN (SELECT a FROM s.t3)",
    "SELECT a FROM t1 UNION ALL (SELECT a FROM t2 EXCEPT SELECT a FROM s.t3)",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM t1) q) r, t2",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY a) FROM s.t3 QUALIFY row_number() OVER () = 1",
    "SELECT * FROM t1 WHERE EXISTS (WITH t2 AS (SELECT 1) SELECT * FROM t2)",
    "FROM t1 SELECT a WHERE b = 't2'",
)


@pytest.mark.parametrize("text", QUERIES)
def test_the_same_tables_as_duckdb_finds(text: str) -> None:
    """DuckDB's own parser as the second opinion: table references in its serialised tree, less names of CTEs."""
    with duckdb.connect() as connection:
        [[tree]] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    found: set[str] = set()

    def walk(node: object, hidden: frozenset[str]) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item, hidden)
            return
        if not isinstance(node, dict):
            return
        expressions = (node.get("cte_map") or {}).get("map") or []
        inner = hidden
        for entry in expressions:
            walk(entry["value"], inner)
            inner |= {entry["key"]}
        if node.get("type") == "BASE_TABLE":
            name = ".".join(part for part in (node["schema_name"], node["table_name"]) if part)
            if name not in inner:
                found.add(name)
        for key, value in node.items():
            if key != "cte_map":
                walk(value, inner)

    walk(json.loads(tree), frozenset())
    assert set(reads(text)) == found
    assert found


def test_the_cache_keeps_names_only_and_survives_damage(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "duckdb")
    parsed = parse("SELECT a FROM s.t WHERE b = 'SECRET' -- SECRET", "duckdb")
    cache.put("t1", parsed)
    cache.save()
    [file] = tmp_path.iterdir()
    assert b"SECRET" not in file.read_bytes()
    assert Cache(tmp_path, "duckdb").get("t1") == parsed
    for damage in (b"", b"\xff" * 100, file.read_bytes()[:-3], b"\x92" * 10_000):
        file.write_bytes(damage)
        assert Cache(tmp_path, "duckdb").get("t1") is None


def test_a_cache_of_another_dialect_or_version_is_not_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "duckdb")
    cache.put("t1", Parsed(kind="SELECT"))
    cache.save()
    assert Cache(tmp_path, "postgres").get("t1") is None
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().replace(b"2 duckdb", b"1 duckdb"))
    assert Cache(tmp_path, "duckdb").get("t1") is None


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file", "duckdb")
    cache.put("t1", Parsed())
    cache.save()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_names_from_the_warehouse() -> None:
    assert split_name('DB."my.schema".T') == ("db", "my.schema", "t")
    assert warehouse_reads('[["DB.S.T", ["A", "B"]], ["DB.S.U", null]]') == {
        ("db", "s", "t"): ("a", "b"),
        ("db", "s", "u"): ("*",),
    }
    for wrong in ("", "{}", "[[1, 2]]", "[" * 100_000):
        assert warehouse_reads(wrong) is None
