"""A query history made up from templates: any number of rows of `statements.COLUMNS`, the same ones at each call.

Amounts are multiples of a power of two, so that sums do not depend on the order in which an engine adds them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

DAYS = 180
ROW_GROUP = 100_000

_SELECTS = (
    "select * from shop.orders where id = {n}",
    "SELECT  *\nFROM shop.orders\tWHERE id = {n};",
    "select count(*) from analytics.shop.order_lines where sku = '{s}' and price > {n}.5e-3",
    'select "Größe", "n {t}" from "Raw Data"."Order Lines" where note = \'it\'\'s {s}\'',
    "select `a-b`, x from `proj-1.shop.orders_{t}` where y in ({n}, 2, 3,4 , {n})",
    "with o as (select * from events_2026110{t} where at > '{d}') select o.id, p.v from o join payments p using (id)",
    "select 1e10, .5, 0x1F, {n}, -{n}, a1, b_2, c$3 from t{t}",
    "select E'a\\'b {s}' as e, 'c\\\\' as f from texts where g = 'x\\ny'",
    "select $$from {s} 'here'$$ as a, $tag$ it's $tag$ as b from dollars",
    'select """triple "{s}" text""" as a, "double {s}" as b from triples',
    "select * from identifier('shop.orders_{t}') where id = {n}",
    "select größe, préfixe1, naïve from tabelle_ä where übung = {n} and é = 'É{s}'",
    "select\u00a0* from\u2003wide where x = {n}\u2028 and y = {n}",
    "select a\r\nfrom crlf -- carriage {s}\r\nwhere b = {n}\r\n",
    "select a\x0bfrom vertical\x0cwhere b = {n}",
    "select * from a /* one {s} */ /**/ /* two ** * / ***/ where b = {n} -- end {s}",
    "select * from a -- don't {s}\nwhere b = {n} /* it's */",
    "select * from a # hash {s}\n// slashes {s}\nwhere b = {n}",
    "select * from unfinished where text = '{s}",
    'select * from "unfinished {s}',
    "select * from unfinished /* {s}",
    "  ;; select 1 ;\n\n;  ",
    "{n}",
    "'{s}'",
    "",
    "insert into shop.daily select '{d}', count(*) from shop.orders where at = '{d}'",
    "delete from shop.carts where id between {n} and {n}",
    "select ? , ?, {n} from questions where a=? and b = '?'",
    "select * from backslash where path = 'C:\\temp\\{s}\\' and x = {n}",
    "select '\U0001f600 {s}', \"\U0001f600\" from emoji where n = {n}",
    "select [a b], [c'd] from [dbo].[T {t}] where x = {n}",
)
_TAGS = (
    "",
    "",
    "",
    "-- Metabase:: userID: {u} queryType: MBQL queryHash: {h}\n",
    '/* {"app": "dbt", "dbt_version": "1.11.0", "node_id": "model.shop.orders_{t}", "invocation_id": "{h}"} */\n',
    '-- Looker Query Context \'{"user_id": {u}, "history_slug": "{h}"}\'\n',
    "/* headway: values */ ",
    "\ufeff-- plain remark {s}\n",
)
_TAILS = (
    "",
    "",
    "",
    '\n/* {"app": "dbt", "node_id": "test.shop.unique_{t}", "run_started_at": "{d} 10:00:00"} */',
    '\n-- {"app": "superset", "user": "user{u}@example.com", "dashboard_id": {t}}',
    '\n-- {"email":"user{u}@example.com","url":"https://mode.com/shop/reports/ab{t}"}\n',
)


def hostile(length: int = 50_000) -> list[str]:
    """Texts that break a careless expression: each is longer than `length` characters."""
    return [
        "select '" + "\\'" * length + "' from escapes",
        "select * from stars /*" + "*" * length + "*/",
        "select * from stars /*" + "* " * length + "*/ where a = 1",
        "select * from quotes where a in ('" + "','" * length + "')",
        "select * from numbers where a in (" + "1, " * length + "1)",
        "select " + '"a" || ' * length + '"a" from names',
        "select * from spaces" + " \n" * length + "where a = 1",
        "select * from lines" + "\n-- remark" * (length // 5) + "\nwhere a = 1",
        "select '" + "x" * length,
        "/*" * length,
        "$" * length,
        '"' * (length + 1),
    ]


def templates() -> list[str]:
    """Every tag, statement and tail in combination, with marks where values go."""
    return [head + body + tail for head in dict.fromkeys(_TAGS) for body in _SELECTS for tail in dict.fromkeys(_TAILS)]


def write(target: Path, rows: int) -> None:
    """`target`, a Parquet file with this many rows."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE template (number BIGINT, body VARCHAR)")
        connection.executemany("INSERT INTO template VALUES (?, ?)", list(enumerate(templates())))
        query = _QUERY.format(rows=rows, days=DAYS, templates=len(templates()))
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP})")


_QUERY = """
WITH row AS (
    SELECT i, hash(i) AS h, hash(i + 1000003) AS g, hash(i + 2000003) % 1000003 / 1000003.0 AS u
    FROM range({rows}) AS r (i)
),
-- few statements are most of the log, and each session always has the same user, client, tag and defaults
spread AS (SELECT i, h, g, floor(u * u * u * {templates})::BIGINT AS template, (g % 61)::BIGINT AS session FROM row),
made AS (
    SELECT i, h, g, template, session,
        replace(replace(replace(replace(replace(replace(body,
            '{{n}}', (g % 100000)::VARCHAR),
            '{{s}}', CASE h % 5 WHEN 0 THEN '' WHEN 1 THEN 'from x' WHEN 2 THEN 'a--b' ELSE 'größe ' || g % 977 END),
            '{{d}}', '2026-0' || (1 + g % 9) || '-1' || g % 10),
            '{{t}}', (g % 3)::VARCHAR),
            '{{u}}', (session % 37)::VARCHAR),
            '{{h}}', md5(i::VARCHAR)) AS text
    FROM spread JOIN template ON number = template
)
SELECT
    TIMESTAMP '2026-05-01' + to_microseconds((h % ({days} * 86400000000))::BIGINT) AS started,
    text,
    CASE WHEN g % 10 = 0 THEN md5(template::VARCHAR) END AS hash,
    CASE session % 50 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'user' || session % 41 || '@example.com' END AS user,
    CASE session % 4 WHEN 0 THEN NULL WHEN 1 THEN 'Tableau 2026' WHEN 2 THEN 'psql' ELSE '' END AS application,
    CASE WHEN session % 17 = 0
        THEN '{{"app": "dbt", "node_id": "model.shop.m' || session % 5 || '", "run_id": "' || i || '"}}' END AS label,
    CASE WHEN g % 23 <> 0 THEN (g % 100000) / 64.0::DOUBLE END AS seconds,
    CASE WHEN g % 3 = 0 THEN (h % 1000) / 1024.0::DOUBLE END AS cost,
    CASE WHEN g % 2 = 0 THEN (h % 1000000000)::DOUBLE END AS bytes,
    CASE session % 3 WHEN 0 THEN 'analytics' WHEN 1 THEN 'ANALYTICS' END AS database,
    CASE session % 3 WHEN 0 THEN 'shop' WHEN 1 THEN 'finance' END AS schema,
    CASE g % 7 WHEN 0 THEN NULL WHEN 1 THEN 'INSERT' WHEN 2 THEN 'CREATE_TABLE_AS' ELSE 'SELECT' END AS kind,
    CASE WHEN g % 12 = 5 THEN '[["analytics.shop.t' || g % 9 || '", ["A", "B"]]]' END AS reads
FROM made
"""
