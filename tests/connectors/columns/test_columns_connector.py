"""Column lineage of whole projects: order, schemas, ephemeral models, snapshots, what was not compiled."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from column_project import NOW, catalog, gaps, manifest, node, records, said

from headway.connectors.columns.connector import Columns
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError
from headway.graph.model import ColumnLineage, ColumnSource, Gap

RAW = node("source.shop.app.raw")


def test_columns_flow_downstream_in_order_of_the_dag(tmp_path: Path) -> None:
    found = records(
        tmp_path,
        manifest(
            node("model.shop.last", "select * from wh.shop.middle", "model.shop.middle"),
            node("model.shop.middle", "select id, amount + fee as total from wh.shop.first", "model.shop.first"),
            node("model.shop.first", "select id, amount, fee from wh.shop.raw", "source.shop.app.raw"),
            RAW,
        ),
    )
    assert said(found, "model.shop.last") == {"id": "middle.id", "total": "middle.total"}
    assert said(found, "model.shop.middle") == {"id": "first.id", "total": "first.amount, first.fee"}
    assert said(found, "model.shop.first") == {"id": "raw.id?", "amount": "raw.amount?", "fee": "raw.fee?"}
    assert gaps(found) == []


def test_sources_and_seeds_have_the_columns_of_the_catalogue(tmp_path: Path) -> None:
    content = manifest(
        RAW, node("seed.shop.codes"), node("seed.shop.other"), node("model.shop.a", "select * from shop.raw, codes")
    )
    found = records(tmp_path, content, catalog(source__shop__app__raw="ID name", seed__shop__codes="code"))
    assert said(found, "source.shop.app.raw") == {"id": "", "name": ""}
    assert said(found, "seed.shop.codes") == {"code": ""}
    assert said(found, "model.shop.a") == {"id": "raw.id", "name": "raw.name", "code": "codes.code"}
    assert {r.node for r in found if isinstance(r, ColumnLineage)} == {
        "dbt:source.shop.app.raw",
        "dbt:seed.shop.codes",
        "dbt:model.shop.a",
    }


def test_an_enforced_contract_says_columns_and_documentation_does_not(tmp_path: Path) -> None:
    listed = {"id": {"name": "id"}, "name": {"name": "name"}}
    contract = {"config": {"contract": {"enforced": True}}, "columns": listed}
    for fields, expected in ((contract, {"id": "a.id", "name": "a.name"}), ({"columns": listed}, {})):
        a = node("model.shop.a", "select * from wh.shop.raw", "source.shop.app.raw", **fields)
        found = records(tmp_path, manifest(RAW, a, node("model.shop.b", "select * from wh.shop.a", "model.shop.a")))
        got = said(found, "model.shop.b")
        got.pop("(problem)", None)
        assert got == expected


def test_a_star_over_unknown_columns_is_said_and_closed_by_the_catalogue(tmp_path: Path) -> None:
    content = manifest(
        RAW, node("model.shop.a", "select *, upper(name) as big from wh.shop.raw", "source.shop.app.raw")
    )
    found = records(tmp_path, content)
    problem = "it passes on every column of a relation whose columns are not known"
    assert said(found, "model.shop.a") == {"big": "raw.name?", "(problem)": problem}
    assert gaps(found) == [f"the columns of 1 of 1 models are not known: {problem} (model.shop.a)"]
    found = records(tmp_path, content, catalog(model__shop__a="id name big"))
    assert said(found, "model.shop.a") == {"big": "raw.name?", "id": "raw.id?", "name": "raw.name?"}
    assert gaps(found) == []


def test_the_catalogue_names_what_sql_does_not(tmp_path: Path) -> None:
    content = manifest(RAW, node("model.shop.a", "select count(*), r.id, s.id from wh.shop.raw r, wh.shop.raw s"))
    found = records(tmp_path, content, catalog(model__shop__a="count_star() id id_1"))
    assert said(found, "model.shop.a") == {"count_star()": "", "id": "raw.id?", "id_1": "raw.id?"}


def test_ephemeral_models_stand_between(tmp_path: Path) -> None:
    ephemeral = {"config": {"materialized": "ephemeral"}, "relation_name": None}
    inner = "select id from wh.shop.raw where paid"
    reader = f"with __dbt__cte__paid as ({inner}) select id as order_id from __dbt__cte__paid"
    content = manifest(
        RAW,
        node("model.shop.paid", inner, "source.shop.app.raw", **ephemeral),
        node("model.shop.reader", reader, "model.shop.paid"),
    )
    found = records(tmp_path, content)
    assert said(found, "model.shop.paid") == {"id": "raw.id?", "(shape)": "raw.paid?"}
    assert said(found, "model.shop.reader") == {"order_id": "paid.id"}
    content["nodes"]["model.shop.paid"]["compiled_code"] = None
    found = records(tmp_path, content)
    assert said(found, "model.shop.reader") == {"order_id": "raw.id?", "(shape)": "raw.paid?"}


def test_snapshots_have_the_columns_that_dbt_adds(tmp_path: Path) -> None:
    config = {"materialized": "snapshot", "strategy": "timestamp", "unique_key": "id", "updated_at": "changed"}
    renamed = {"dbt_valid_to": "until"}
    snapshot = node(
        "snapshot.shop.snap",
        "select id, name, changed from wh.shop.raw",
        config={**config, "snapshot_meta_column_names": renamed},
    )
    found = records(
        tmp_path, manifest(RAW, snapshot, node("model.shop.b", "select until from wh.shop.snap", snapshot["unique_id"]))
    )
    assert said(found, "snapshot.shop.snap") == {
        "id": "raw.id?",
        "name": "raw.name?",
        "changed": "raw.changed?",
        "dbt_scd_id": "raw.changed?, raw.id?",
        "dbt_updated_at": "raw.changed?, raw.id?",
        "dbt_valid_from": "raw.changed?, raw.id?",
        "until": "raw.changed?, raw.id?",
        "(shape)": "raw.changed?, raw.id?",
    }
    assert said(found, "model.shop.b") == {"until": "snap.until"}


def test_a_model_that_reads_itself_is_not_its_own_source(tmp_path: Path) -> None:
    sql = "select id, n from wh.shop.raw where n > (select max(n) from wh.shop.a)"
    found = records(tmp_path, manifest(RAW, node("model.shop.a", sql)))
    assert said(found, "model.shop.a") == {"id": "raw.id?", "n": "raw.n?", "(shape)": "raw.n?"}


def test_what_is_not_compiled_is_read_as_written_if_that_needs_no_compiling(tmp_path: Path) -> None:
    simple = """{{ config(materialized='table') }} {# a note {{ not }} code #}
        select o.id, v.x from {{ ref('orders') }} o join {{ source("app", 'raw') }} r on r.id = o.id
        join {{ ref('shop', 'thing', v=2) }} v on v.id = o.id"""
    content = manifest(
        RAW,
        node("model.shop.orders", "select id from wh.shop.raw"),
        node("model.shop.thing.v1", "select 1 as id, 2 as x", version=1, latest_version=1),
        node("model.shop.thing.v2", "select 1 as id, 2 as x", version=2, latest_version=1),
        node("model.shop.a", None, "model.shop.orders", raw_code=simple),
        node("model.shop.b", None, raw_code="{% for i in range(3) %} select {{ i }} {% endfor %}"),
        node("model.shop.c", None, raw_code="select * from {{ ref('nothing') }}"),
        node("model.shop.d", None, raw_code="def model(dbt, session): ...", language="python"),
    )
    found = records(tmp_path, content)
    assert said(found, "model.shop.a") == {"id": "orders.id", "x": "v2.x", "(shape)": "orders.id, v2.id, raw.id?"}
    assert said(found, "model.shop.b") == {"(problem)": "not compiled: run dbt compile"}
    assert said(found, "model.shop.c") == {"(problem)": "not compiled: run dbt compile"}
    assert said(found, "model.shop.d") == {"(problem)": "it is a Python model"}
    assert gaps(found)[0] == (
        "the columns of 2 of 7 models are not known: not compiled: run dbt compile (model.shop.b, model.shop.c)"
    )


def test_compiled_files_beside_the_manifest_are_read_when_it_has_no_code(tmp_path: Path) -> None:
    folder = tmp_path / "target" / "compiled" / "shop" / "models"
    folder.mkdir(parents=True)
    (folder / "a.sql").write_text("select id from wh.shop.raw")
    (tmp_path / "secret.sql").write_text("select password from wh.shop.raw")
    outside = node("model.shop.b", original_file_path="../../../secret.sql")
    found = records(tmp_path, manifest(RAW, node("model.shop.a"), outside))
    assert said(found, "model.shop.a") == {"id": "raw.id?"}
    assert said(found, "model.shop.b") == {"(problem)": "not compiled: run dbt compile"}


def test_relations_that_are_no_node_are_references_and_counted(tmp_path: Path) -> None:
    found = records(tmp_path, manifest(node("model.shop.a", "select id from other.place.thing")))
    record = found[0]
    assert isinstance(record, ColumnLineage)
    assert record.columns["id"] == (ColumnSource("ref:relation/other.place.thing", "id", "assumed"),)
    assert gaps(found) == ["1 of the relations that the SQL reads are nothing in this project (other.place.thing)"]


def test_a_circle_ends(tmp_path: Path) -> None:
    found = records(
        tmp_path,
        manifest(
            node("model.shop.a", "select x from wh.shop.b", "model.shop.b"),
            node("model.shop.b", "select x from wh.shop.a", "model.shop.a"),
        ),
    )
    assert said(found, "model.shop.a") == {"x": "b.x?"}
    assert said(found, "model.shop.b") == {"x": "a.x"}


def test_column_names_are_lower_case_and_the_warehouse_s_own_inside(tmp_path: Path) -> None:
    content = manifest(RAW, node("model.shop.a", 'select id, "Mixed" from wh.shop.RAW'), adapter="snowflake")
    found = records(tmp_path, content, catalog(source__shop__app__raw="ID Mixed"))
    assert said(found, "model.shop.a") == {"id": "raw.id", "mixed": "raw.mixed"}


def test_problems_are_counted_with_three_examples_and_without_sql(tmp_path: Path) -> None:
    content = manifest(*(node(f"model.shop.m{i}", f"select secret_{i} from (((") for i in range(5)))
    found = records(tmp_path, content)
    problem = "the SQL could not be parsed (model.shop.m0, model.shop.m1, model.shop.m2, ...)"
    assert gaps(found) == [f"the columns of 5 of 5 models are not known: {problem}"]
    assert "secret" not in repr(found)


def test_an_unknown_adapter_is_said(tmp_path: Path) -> None:
    found = records(tmp_path, manifest(node("model.shop.a", "select 1 as a"), adapter="abacus"))
    assert gaps(found) == ["the SQL of the adapter 'abacus' is read as standard SQL: its dialect is not known"]
    assert said(found, "model.shop.a") == {"a": ""}


def test_a_packed_manifest_and_odd_entries(tmp_path: Path) -> None:
    content = manifest(RAW, node("model.shop.a", "select id from wh.shop.raw"))
    content["nodes"]["model.shop.odd"] = {"name": ["not", "a", "name"]}
    (tmp_path / "m.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    found = list(Columns({"manifest": "m.json.gz", "cache": ""}, Context(root=str(tmp_path), now=NOW)).records())
    assert said(found, "model.shop.a") == {"id": "raw.id?"}
    assert gaps(found) == ["1 of the entries of the manifest have an unknown shape and were left out"]


def test_a_broken_catalogue_is_a_gap(tmp_path: Path) -> None:
    content = manifest(RAW, node("model.shop.a", "select id from wh.shop.raw"))
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "catalog.json").write_text('{"nodes": ')
    found = records(tmp_path, content)
    assert said(found, "model.shop.a") == {"id": "raw.id?"}
    assert gaps(found)[0].startswith("target/catalog.json: ends too early")


def test_what_cannot_be(tmp_path: Path) -> None:
    context = Context(root=str(tmp_path), now=NOW)
    with pytest.raises(ConfigError, match="`cache` of the columns source is 3, not a path"):
        list(Columns({"cache": 3}, context).records())
    with pytest.raises(InputError, match="there is no folder 'target'"):
        list(Columns({}, context).records())


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    (tmp_path / "manifest.json").write_text(json.dumps(manifest(RAW, node("model.shop.a", "select 1 as a"))))
    context = Context(root=str(tmp_path), now=NOW, progress=lambda *said: told.append(said))
    assert not [r for r in Columns({"manifest": "manifest.json", "cache": ""}, context).records() if isinstance(r, Gap)]
    assert told[-1] == ("following columns", 1, 1)
