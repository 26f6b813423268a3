"""Superset from an export: what there is, what it reads, and exports that are broken or malicious."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import superset_export as tea
from hypothesis import given, settings
from hypothesis import strategies as st
from superset_export import edges, gaps, lineage, nodes, run

from headway.connectors.protocol import Context
from headway.connectors.superset import archive, document, templating
from headway.connectors.superset.connector import Superset
from headway.connectors.superset.database import Database, quoted, table
from headway.errors import ConfigError, InputError
from headway.graph.model import AnyRecord, Gap
from headway.project import Project
from headway.testing import NOW, ConnectorConformance

SHARED = Path(os.environ.get("HEADWAY_SHARED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
REAL = SHARED / "mitodl"


class TestSupersetExport(ConnectorConformance):
    connector = Superset
    input_option = "export"

    def recording(self, folder: Path) -> dict[str, Any]:
        tea.in_zip(folder / "export.zip", tea.files())
        return {"export": "export.zip"}

    def bad_inputs(self) -> dict[str, bytes]:
        empty = io.BytesIO()
        zipfile.ZipFile(empty, "w").close()
        return {"empty zip": empty.getvalue(), "text": b"dashboard_title: Sales\n"}


@pytest.fixture
def records(tmp_path: Path) -> list[AnyRecord]:
    tea.in_folder(tmp_path / "export", tea.files())
    return run(tmp_path)


def with_files(folder: Path, **changed: Any) -> list[AnyRecord]:
    """Records of the export with other files; `a__b` stands for the file a/b.yaml."""
    content = tea.files() | {f"{name.replace('__', '/')}.yaml": value for name, value in changed.items()}
    tea.in_folder(folder / "export", content)
    return run(folder)


# --- What there is and what it reads ---------------------------------------------------------------------------------


def test_a_folder_and_its_zip_give_the_same(records: list[AnyRecord], tmp_path: Path) -> None:
    tea.in_zip(tmp_path / "export.zip", tea.files())
    zipped = run(tmp_path, "export.zip")
    assert (nodes(zipped).keys(), edges(zipped)) == (nodes(records).keys(), edges(records))
    assert Counter(node.kind for node in nodes(records).values()) == {"dashboard": 2, "chart": 3, "dataset": 3}
    assert not gaps(records)


def test_nodes_say_what_people_call_them(records: list[AnyRecord]) -> None:
    found = nodes(records)
    sales = found[f"superset:dashboard.{tea.SALES}"]
    assert (sales.name, sales.title, sales.description) == ("sales", "Sales", "How much tea is sold")
    assert sales.origin.file == "export/dashboards/Sales.yaml"
    assert found[f"superset:dashboard.{tea.EMPTY}"].tags == ("draft",)
    assert found[f"superset:dataset.{tea.STOCK}"].path == "lake"


def test_a_dashboard_reads_its_charts_and_the_datasets_of_its_filters(records: list[AnyRecord]) -> None:
    upstream = {a for a, b in edges(records) if b == f"superset:dashboard.{tea.SALES}"}
    assert upstream == {
        f"superset:chart.{tea.REVENUE}",
        f"superset:chart.{tea.REGIONS}",
        f"superset:dataset.{tea.STOCK}",
    }
    assert not [b for a, b in edges(records) if a == f"superset:chart.{tea.LOOSE}"], "a chart on no dashboard"


def test_tables_are_named_in_full(records: list[AnyRecord]) -> None:
    """As written, with the database's catalog and schema where nothing is."""
    tables = {(a, b) for a, b in edges(records) if a.startswith("ref:")}
    assert tables == {
        ("ref:table/tea.marts.orders", f"superset:dataset.{tea.ORDERS}"),
        ("ref:table/tea.marts.orders", f"superset:dataset.{tea.BY_REGION}"),
        ("ref:table/tea.public.regions", f"superset:dataset.{tea.BY_REGION}"),
        ("ref:table/cold.raw.stock", f"superset:dataset.{tea.STOCK}"),
    }


def test_columns_are_followed_through_datasets_and_charts(records: list[AnyRecord]) -> None:
    orders, by_region, stock = (f"superset:dataset.{key}" for key in (tea.ORDERS, tea.BY_REGION, tea.STOCK))
    table = "ref:table/tea.marts.orders"
    assert lineage(records, orders)[0] == {
        "region": [(table, "region")],
        "amount": [(table, "amount")],
        "paid": [(table, "paid")],
        "vat": [(table, "amount")],
        "count": [],
        "revenue": [(table, "amount")],
    }
    columns, shape = lineage(records, by_region)
    assert columns["amount"] == columns["half"] == [(table, "amount")]
    assert columns["name"] == [("ref:table/tea.public.regions", "name")]
    assert (table, "day") in shape
    # a saved metric is what it stands for; the filter's column decides the rows, its value is never kept
    assert lineage(records, f"superset:chart.{tea.REVENUE}") == ({"revenue": [(orders, "amount")]}, [(orders, "paid")])
    columns, shape = lineage(records, f"superset:chart.{tea.REGIONS}")
    assert columns == {"name": [(by_region, "name")], "best": [(by_region, "amount")], "mean": [(by_region, "half")]}
    assert shape == [(by_region, "name")]
    columns, shape = lineage(records, f"superset:chart.{tea.LOOSE}")
    assert columns == {"tea": [(stock, "tea")], "grams left": [(stock, "grams left")]}
    assert shape == [], "a chart that lists rows groups nothing"


def test_what_charts_compute_is_comparable(records: list[AnyRecord]) -> None:
    found = nodes(records)
    assert found[f"superset:chart.{tea.REVENUE}"].aggregates == ("sum(amount)",)
    assert found[f"superset:chart.{tea.REGIONS}"].aggregates == ("max(amount)", "avg(half)")


def test_values_and_sql_are_not_kept(records: list[AnyRecord]) -> None:
    said = repr(records)
    for text in ("planted-value", "XXXXXXXXXX", "db.example.com", "bi:", "select r.name", "from_dttm"):
        assert text not in said, text


def test_several_exports_are_one_superset(tmp_path: Path) -> None:
    """A dataset that both hold is one; what one refers to may be in the other."""
    content = tea.files()
    tea.in_zip(tmp_path / "one.zip", {n: c for n, c in content.items() if not n.startswith("datasets")})
    tea.in_folder(tmp_path / "two", {n: c for n, c in content.items() if n.startswith(("datasets", "charts"))})
    found = run(tmp_path, ["one.zip", "two"])
    tea.in_folder(tmp_path / "export", content)
    assert edges(found) == edges(run(tmp_path))


def test_what_is_not_in_the_export_is_told(tmp_path: Path) -> None:
    content = tea.files()
    for name in ("databases/lake.yaml", "datasets/warehouse/orders.yaml", "charts/Regions.yaml"):
        del content[name]
    tea.in_folder(tmp_path / "export", content)
    found = run(tmp_path)
    assert any("the export lacks 1 database of 1 dataset" in gap for gap in gaps(found))
    assert any("2 of the things that superset names are not in what it gave" in gap for gap in gaps(found))
    assert ("ref:table/cold.raw.stock", f"superset:dataset.{tea.STOCK}") in edges(found)


def test_the_same_uuid_twice_is_one_dataset(tmp_path: Path) -> None:
    """Files whose names differ in case only are left behind when a dataset is renamed."""
    again = tea.files()["datasets/warehouse/orders.yaml"]
    found = with_files(tmp_path, datasets__warehouse__Orders2=again)
    assert Counter(node.kind for node in nodes(found).values())["dataset"] == 3


def test_a_query_that_stands_on_another_dataset(tmp_path: Path) -> None:
    """`{{ dataset(id) }}` is the other's query, put in as Superset puts it."""
    content = tea.files()
    content["datasets/warehouse/by_region.yaml"]["uuid"] = "12"
    content["datasets/warehouse/orders.yaml"]["uuid"] = "13"
    content["datasets/lake/stock.yaml"] |= {
        "sql": "select dataset_12.name, d.amount as paid from {{ dataset(12) }}, (select * from {{dataset(13)}}) d",
        "database_uuid": tea.WAREHOUSE,
        "catalog": None,
        "schema": None,
    }
    tea.in_folder(tmp_path / "export", content)
    found = run(tmp_path)
    stock = f"superset:dataset.{tea.STOCK}"
    assert {("superset:dataset.12", stock), ("superset:dataset.13", stock)} <= edges(found)
    columns, _ = lineage(found, stock)
    assert columns["name"] == [("ref:table/tea.public.regions", "name")]
    assert columns["paid"] == [("ref:table/tea.marts.orders", "amount")]


@pytest.mark.parametrize("body", ["{{ dataset(12) }}", "select * from {{ dataset(12) }} join {{ dataset(12) }}"])
def test_a_dataset_that_stands_on_itself_ends(tmp_path: Path, body: str) -> None:
    content = tea.files()
    content["datasets/lake/stock.yaml"] |= {"sql": body, "uuid": "12"}
    tea.in_folder(tmp_path / "export", content)
    assert "superset:dataset.12" in nodes(run(tmp_path))


def test_sql_that_no_parser_reads_is_a_gap_and_not_shown(tmp_path: Path) -> None:
    content = tea.files()
    content["datasets/lake/stock.yaml"]["sql"] = "selec planted_4711 frm {{ x }} where ((("
    tea.in_folder(tmp_path / "export", content)
    found = run(tmp_path)
    (gap,) = [r for r in found if isinstance(r, Gap)]
    assert gap.message.startswith("the query of dataset 'stock' could not be followed: ")
    assert gap.node == f"superset:dataset.{tea.STOCK}"
    assert "planted" not in repr(found)


def test_a_query_that_is_too_long_is_not_parsed(tmp_path: Path) -> None:
    content = tea.files()
    content["datasets/lake/stock.yaml"]["sql"] = "select " + "1 + " * 200_000 + "1"
    tea.in_folder(tmp_path / "export", content)
    found = run(tmp_path)
    assert any("characters long and was not followed" in gap for gap in gaps(found))


# --- Broken and malicious exports ------------------------------------------------------------------------------------

BROKEN = {
    "cut off": (b"slice_name: Revenue\nparams: {a: [1, 2", 3),
    "tabs": (b"slice_name:\tx\n\tuuid: y\n", 2),
    "not UTF-8": (b"slice_name: Th\xe9\n", 1),
    "binary": (b"\x00\x01\x02", 0),
    "a list": (b"- slice_name\n- uuid\n", 0),
    "text": (b"nothing else\n", 0),
    "empty": (b"", 0),
    "no uuid": (b"slice_name: Revenue\n", 0),
    "no title": (b"uuid: c1\n", 0),
    "title of the wrong type": (b"uuid: c1\nslice_name: [a]\n", 0),
    "unknown alias": (b"slice_name: *there\n", 1),
    "impossible escape": (b'slice_name: "\\U00110000"\n', 0),
    "deep": (b"slice_name: " + b"[" * 200_000, 1),
    "deep in blocks": (b"\n".join(b" " * n + b"a:" for n in range(2000)), 101),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_and_the_rest_is_read(tmp_path: Path, name: str) -> None:
    content, line = BROKEN[name]
    began = time.monotonic()
    found = with_files(tmp_path, charts__Revenue=content)
    assert time.monotonic() - began < 5
    (gap,) = [r for r in found if isinstance(r, Gap) and "cannot be used" in r.message]
    assert gap.message.startswith("1 file of the export cannot be used: ")
    assert "export/charts/Revenue.yaml" + (f":{line}" if line else "") in gap.message
    assert len(nodes(found)) == 7


def test_tags_mean_nothing(tmp_path: Path) -> None:
    """No object is made from a tag, and what it is on is plain data."""
    mark = tmp_path / "made"
    text = f"""
uuid: {tea.REVENUE}
slice_name: !!python/object/apply:os.system ['touch {mark}']
params: !!python/object/new:pathlib.Path {{metric: revenue}}
"""
    found = with_files(tmp_path, charts__Revenue=text)
    assert not mark.exists()
    assert any("has no slice_name" in gap for gap in gaps(found))
    named = text.replace("!!python/object/apply:os.system", "!unknown").replace(f"['touch {mark}']", "Revenue")
    assert f"superset:chart.{tea.REVENUE}" in nodes(with_files(tmp_path, charts__Revenue=named))


def test_aliases_are_shared_and_not_multiplied(tmp_path: Path) -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    text = f"{laughs}uuid: &u {tea.REVENUE}\nslice_name: *u\nparams: {{groupby: *i, metrics: &m [*m]}}\n"
    began = time.monotonic()
    found = with_files(tmp_path, charts__Revenue=text)
    assert time.monotonic() - began < 5
    assert nodes(found)[f"superset:chart.{tea.REVENUE}"].name == tea.REVENUE


def test_settings_of_every_wrong_type_are_left_out(tmp_path: Path) -> None:
    wrong: list[Any] = [
        None,
        True,
        7,
        "text",
        [],
        {},
        [None, 7, [], {}, [[]], {"column": 5}],
        {"expressionType": "SQL"},
    ]
    content = tea.files()
    for number, value in enumerate(wrong):
        params = dict.fromkeys(
            ("metric", "metrics", "groupby", "columns", "all_columns", "adhoc_filters", "order_by_cols", "x"), value
        )
        content[f"charts/{number}.yaml"] = content["charts/Revenue.yaml"] | {"uuid": f"c{number}", "params": params}
        content[f"charts/p{number}.yaml"] = content["charts/Revenue.yaml"] | {"uuid": f"p{number}", "params": value}
        content[f"datasets/{number}/x.yaml"] = {
            "table_name": "t", "uuid": f"x{number}", "columns": value, "metrics": value, "schema": value, "sql": None,
            "database_uuid": value,
        }  # fmt: skip
        content[f"dashboards/{number}.yaml"] = {
            "dashboard_title": "t", "uuid": f"y{number}", "position": value, "metadata": value, "tags": value,
        }  # fmt: skip
    tea.in_folder(tmp_path / "export", content)
    assert len(nodes(run(tmp_path))) == 8 + 4 * len(wrong)


def test_a_link_out_of_the_export_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("uuid: s\nslice_name: planted-5520\n")
    tea.in_folder(tmp_path / "export", tea.files())
    (tmp_path / "export" / "charts" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (tmp_path / "export" / "charts" / "loop.yaml").symlink_to(tmp_path / "export" / "charts" / "loop.yaml")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "export" / "charts" / "more").symlink_to(tmp_path / "elsewhere")
    found = run(tmp_path)
    (gap,) = gaps(found)
    assert gap.startswith("2 files of the export cannot be used: ")
    assert "link.yaml: is a link to somewhere outside the export" in gap
    assert "planted" not in repr(found)


@pytest.mark.parametrize("name", ["../charts/x.yaml", "/charts/x.yaml", "charts/../../x.yaml", "c:/charts/x.yaml"])
def test_names_in_a_zip_that_point_outside_are_refused(tmp_path: Path, name: str) -> None:
    tea.in_zip(tmp_path / "export.zip", tea.files() | {name: b"uuid: s\nslice_name: planted-5520\n"}, top="")
    found = run(tmp_path, "export.zip")
    assert "planted" not in repr(nodes(found))
    assert [path.name for path in tmp_path.iterdir()] == ["export.zip"], "nothing is unpacked"
    assert any("points outside the export" in gap for gap in gaps(found))


def test_a_zip_that_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE_BYTES", 1_000_000)
    bombs = {f"charts/{n}.yaml": b"#" * 900_000 for n in range(5)}
    tea.in_zip(tmp_path / "export.zip", tea.files() | bombs)
    with pytest.raises(InputError, match="unpacks to far more than its"):
        run(tmp_path, "export.zip")


def test_one_huge_file_is_told_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 100_000)
    content = tea.files() | {"charts/Huge.yaml": b"#" * 100_001}
    tea.in_zip(tmp_path / "export.zip", content)
    tea.in_folder(tmp_path / "export", content)
    assert any("unpacks to more than 100,000 bytes" in gap for gap in gaps(run(tmp_path, "export.zip")))
    assert any("is larger than 100,000 bytes" in gap for gap in gaps(run(tmp_path)))


def test_a_zip_that_lies_about_sizes_is_read_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 100_000)
    file = tea.in_zip(tmp_path / "export.zip", tea.files() | {"charts/Huge.yaml": b"#" * 5_000_000})
    data = file.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", 10))
    file.write_bytes(data)
    found = run(tmp_path, "export.zip")
    assert any("charts/Huge.yaml" in gap for gap in gaps(found))
    assert len(nodes(found)) == 8


def test_a_zip_with_a_broken_or_locked_file(tmp_path: Path) -> None:
    file = tea.in_zip(tmp_path / "export.zip", tea.files() | {"charts/Spoilt.yaml": b"planted " * 50})
    with zipfile.ZipFile(file) as archive_:
        info = archive_.getinfo("dashboard_export_20261120T080000/charts/Spoilt.yaml")
    data = bytearray(file.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    data[start : start + 4] = b"\xff\xff\xff\xff"
    file.write_bytes(data)
    assert any("Spoilt.yaml: the zip is broken here" in gap for gap in gaps(run(tmp_path, "export.zip")))
    central = data.rfind(b"PK\x01\x02", 0, data.rfind(b"charts/Spoilt.yaml"))
    data[central + 8] |= 1
    file.write_bytes(data)
    assert any("Spoilt.yaml: is locked with a password" in gap for gap in gaps(run(tmp_path, "export.zip")))


@pytest.mark.parametrize(
    ("export", "sentence"),
    [
        ("nowhere", "nowhere: there is no such file or folder"),
        ("empty", "empty: holds no dashboards, charts or datasets"),
        ("headway.yml", "headway.yml: is neither a folder nor a zip"),
        ("a\0b", "cannot be read|there is no such file"),
        ("x" * 5000, "cannot be read|there is no such file"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, export: str, sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "headway.yml").write_text("project: tea\n")
    with pytest.raises(InputError, match=sentence):
        run(tmp_path, export)


def test_an_export_of_broken_files_alone_is_refused(tmp_path: Path) -> None:
    tea.in_folder(tmp_path / "export", {"charts/a.yaml": b"[", "charts/b.yaml": b"{"})
    with pytest.raises(InputError, match=r"export: holds no file that can be used; the first is export/charts/a.yaml:"):
        run(tmp_path)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_the_reader_crash(data: bytes) -> None:
    with contextlib.suppress(InputError):
        document.parsed(data, "x.yaml")


# PyYAML itself does not read these line breaks as it wrote them
TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029")


@settings(max_examples=60, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(TEXT, max_size=30),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(TEXT, max_size=10), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_superset_writes_is_read_as_it_was(value: Any) -> None:
    """Superset writes with PyYAML's safe_dump."""
    import yaml

    assert document.parsed(yaml.safe_dump(value, allow_unicode=True).encode(), "x.yaml") == value


# --- Databases and templates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "dialect", "whole"),
    [
        ("postgresql+psycopg2://u:p@h:5432/tea", "postgres", "tea.public.t"),
        ("trino://h:443/lake", "trino", "lake.t"),
        ("trino://u@h:443/lake/marts", "trino", "lake.marts.t"),
        ("starrocks://u:p@h:9030/lake.marts", "starrocks", "lake.marts.t"),
        ("mysql://u:p@h/shop?charset=utf8", "mysql", "shop.t"),
        ("bigquery://tea-project", "bigquery", "tea-project.t"),
        ("bigquery://tea-project/marts", "bigquery", "tea-project.marts.t"),
        ("snowflake://u:p@acct/TEA/MARTS?warehouse=w&role=r", "snowflake", "TEA.MARTS.t"),
        ("redshift+psycopg2://u:p@h:5439/tea", "redshift", "tea.public.t"),
        ("databricks://token:x@h?http_path=p&catalog=lake&schema=marts", "databricks", "lake.marts.t"),
        ("duckdb:////data/tea.duckdb", "duckdb", "tea.main.t"),
        ("duckdb:///md:tea", "duckdb", "tea.main.t"),
        ("mssql+pyodbc://u:p@h/tea", "tsql", "tea.dbo.t"),
        ("clickhousedb+connect://u:p@h/tea", "clickhouse", "tea.t"),
        ("awsathena+rest://k:s@athena.eu.example.com/marts?catalog_name=lake", "athena", "lake.marts.t"),
        ("sqlite:////data/x.db", "sqlite", "main.t"),
        ("gsheets://", "", "t"),
        ("no url at all", "", "t"),
        ("", "", "t"),
    ],
)
def test_defaults_of_databases(uri: str, dialect: str, whole: str) -> None:
    database = Database.of("1", "d", uri)
    assert (database.dialect, table("", "", "t", database)) == (dialect, whole)
    assert table("c", "s", "t", database) == "c.s.t"
    assert "p@" not in repr(database)


def test_a_name_with_its_schema_in_it_is_taken_as_it_is() -> None:
    database = Database.of("1", "d", "postgresql://h/tea")
    assert table("", "", "marts.orders", database) == "marts.orders"
    assert table("", "marts", "orders", database) == "tea.marts.orders"


def test_columns_are_quoted_where_they_must_be() -> None:
    assert [quoted(name, "trino") for name in ("a", "a b", 'a"b')] == ["a", '"a b"', '"a""b"']
    assert quoted("a b", "bigquery") == "`a b`"


@pytest.mark.parametrize(
    ("sql", "left"),
    [
        ("select 1", "select 1"),
        ("a > {{ x }} and b", "a > (NULL) and b"),
        ("s_{{ env }}.t", "s_x.t"),
        ("'{{ from_dttm }}'", "'(NULL)'"),
        ("a {# never\n mind }} #} b", "a  b"),
        ("a {% if x %}b{% else %}c{% endif %} d", "a  b  d"),
        ("a {% if x %}b{% elif y %}c{% else %}e{% endif %} d", "a  b   d"),
        ("{% if x %}{% if y %}a{% else %}b{% endif %}{% else %}c{% endif %}d", "  a    d"),
        ("{%- set x = 1 -%}a", " a"),
        ("a {{ never closed", "a {{ never closed"),
        ("{% endif %}{% else %}a", "a"),
    ],
)
def test_templating_is_taken_out(sql: str, left: str) -> None:
    found, named = templating.without(sql, lambda _: "")
    assert " ".join(found.split()) == " ".join(left.split())
    assert named == ()


@pytest.mark.parametrize("piece", ["{{", "{%", "{{ x }}", "{% if x %}", "{{dataset(1)}}", "{{ dataset(", "}}{{"])
def test_templating_is_linear(piece: str) -> None:
    began = time.monotonic()
    templating.without(piece * 60_000, lambda _: "")
    assert time.monotonic() - began < 3


# --- Options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"export": 5}, {"export": []}, {"export": [""]}, {"export": ["a", None]}, {"export": "a", "exports": "b"}],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        list(Superset(options, Context(root=str(tmp_path), now=NOW)).records())


# --- A real company --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared real data is not on this machine")
def test_a_real_companys_superset(tmp_path: Path) -> None:
    """19 dashboards, 128 charts, 218 files of datasets (two of them twice): all of it, in one sync, in seconds."""
    import gzip

    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "manifest.json").write_bytes(gzip.decompress((REAL / "manifest.json.gz").read_bytes()))
    (tmp_path / "headway.yml").write_text(
        f"project: courses\nconnectors:\n  - {{name: superset, export: '{REAL / 'superset'}'}}\n"
    )
    began = time.monotonic()
    results = {r.connector: r for r in Project.open(tmp_path).sync()}
    assert not results["superset"].error
    assert time.monotonic() - began < 30, "2 seconds where this was written"
    found = run(tmp_path, str(REAL / "superset"))
    assert Counter(node.kind for node in nodes(found).values()) == {"dashboard": 19, "chart": 128, "dataset": 216}
    assert gaps(found) == [
        "the export lacks 1 database of 3 datasets: names of tables there are taken as written, and SQL as standard SQL"
    ]
    on_boards = {a for a, b in edges(found) if b.startswith("superset:dashboard.") and a.startswith("superset:chart.")}
    assert 128 - len(on_boards) == 53
    graph = Project.open(tmp_path).graph()
    unlinked = [n.id for i, n in enumerate(graph.nodes) if n.kind == "dataset" and not graph.upstream[i]]
    assert unlinked == ["superset:dataset.3b10e411-e497-4e8c-8132-08f673e8d72d"], (
        "Superset's own metadata is the only one that no model or source of dbt has"
    )
    reached = {i for i, n in enumerate(graph.nodes) if n.kind == "dataset"}
    todo = list(reached)
    while todo:
        above = set(graph.upstream[todo.pop()]) - reached
        reached |= above
        todo += above
    models = {i for i, n in enumerate(graph.nodes) if n.kind == "model" and not n.disabled}
    assert (len(models & reached), len(models - reached)) == (435, 234)
    tables = {a for a, _ in edges(found) if a.startswith("ref:table/")}
    assert all(len(t.split(".")) == 3 for t in tables)
    assert "ref:table/superset.public.tables" in tables
