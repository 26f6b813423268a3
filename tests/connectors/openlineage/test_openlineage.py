"""The connector `openlineage`: what becomes of events, in whatever order they come and however often."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

pytest.importorskip("openlineage.client.event_v2")

from hypothesis import given, settings
from hypothesis import strategies as st
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import dataset_type_dataset, job_type_job, symlinks_dataset
from openlineage.client.transport.file import FileConfig, FileTransport
from tests.connectors.openlineage.lineage_events import (
    APP,
    LAKE,
    LITERAL,
    NOW,
    PG,
    at,
    changed,
    dataset,
    design,
    everything,
    lines,
    load_orders,
    loose,
    quality_check,
    read,
    run_id,
    with_columns,
    write,
)

from headway.connectors.openlineage import connector, files, gathered
from headway.connectors.openlineage.connector import OpenLineage
from headway.connectors.openlineage.events import decoded
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError
from headway.graph.model import Check, ColumnLineage, ColumnSource, Edge, Gap, Node
from headway.testing import ConnectorConformance

LOAD = "openlineage:job.airflow/shop_load.orders"
RAW = f"openlineage:dataset.{PG}/wh.raw.raw_orders"
SHOP = f"openlineage:dataset.{APP}/shop.public.orders"


class TestOpenLineage(ConnectorConformance):
    connector = OpenLineage
    tolerated: ClassVar = {
        "truncated": "a producer may be writing: what is whole counts, and a gap says where the rest is cut",
    }

    def recording(self, folder: Path) -> dict[str, Any]:
        write(folder, *everything())
        return {"path": "events.jsonl"}

    def bad_inputs(self) -> dict[str, bytes]:
        return {
            "no event": b'{"hello": 1}\n',
            "names that are none": b'{"eventTime": "2026-11-22T00:00:00Z", "job": {"namespace": 1, "name": []}}\n',
            "no time": b'{"eventTime": "soon", "job": {"namespace": "a", "name": "b"}}\n',
            "deep facets": b'{"job": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_001,
            "no gzip": b"\x1f\x8bnot gzip at all",
        }


def of(records: list[Any], kind: type) -> dict[str, Any]:
    return {getattr(r, "id", "") if kind is Node else r.node: r for r in records if isinstance(r, kind)}


def edges(records: list[Any]) -> set[tuple[str, str]]:
    return {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}


def gaps(records: list[Any]) -> list[str]:
    return [r.message for r in records if isinstance(r, Gap)]


# --- What a job and its datasets become -----------------------------------------------------------------------------


def test_a_job_is_a_node_between_the_datasets_it_reads_and_writes(tmp_path: Path) -> None:
    write(tmp_path, load_orders())
    found = read(tmp_path)
    assert edges(found) == {(SHOP, LOAD), (LOAD, RAW)}
    nodes = of(found, Node)
    job = nodes[LOAD]
    assert (job.kind, job.name, job.owner, job.group) == ("job", "shop_load.orders", "platform-team", "airflow")
    assert job.url == "https://git.example.com/tea/dags/blob/main/shop_load.py"
    assert (job.path, job.tags) == ("dags/shop_load.py", ("tier:1", "nightly"))
    assert job.description == "Loads the shop's orders."
    assert (nodes[RAW].kind, nodes[RAW].relation, nodes[RAW].group) == ("source", "wh.raw.raw_orders", PG)


def test_a_path_and_a_topic_are_datasets_without_a_relation(tmp_path: Path) -> None:
    write(
        tmp_path,
        load_orders(
            inputs=[InputDataset(LAKE, "/raw/orders/"), InputDataset("kafka://b.example:9092", "shop.orders.v1")]
        ),
    )
    nodes = of(read(tmp_path), Node)
    path = nodes[f"openlineage:dataset.{LAKE}/raw/orders"]
    assert (path.name, path.relation) == ("s3://tea-lake/raw/orders", "")
    assert nodes["openlineage:dataset.kafka://b.example:9092/shop.orders.v1"].relation == ""


def test_where_data_leaves_for_somebody_unseen_is_outside(tmp_path: Path) -> None:
    """Nobody's reads of files or of another system are seen, so they are load-bearing and never called unused."""
    out, between = OutputDataset(LAKE, "partners"), OutputDataset(LAKE, "staged")
    write(
        tmp_path,
        load_orders(1, name="share", outputs=[out, between]),
        load_orders(
            2, name="load", inputs=[InputDataset(LAKE, "staged")], outputs=[OutputDataset(PG, "wh.raw.staged")]
        ),
        load_orders(3, name="seen", inputs=[], outputs=[OutputDataset(LAKE, "arrived")]),
    )
    nodes = of(read(tmp_path), Node)
    assert [n.id for n in nodes.values() if n.outside] == [f"openlineage:dataset.{LAKE}/partners"]


def test_parts_of_a_dataset_are_no_datasets(tmp_path: Path) -> None:
    days = [f"raw/orders/dt=2026-11-{day}/hour=01/part-0.parquet" for day in (20, 21)]
    write(tmp_path, *(load_orders(i, 3 - i, outputs=[OutputDataset(LAKE, day)]) for i, day in enumerate(days)))
    assert [n for n in of(read(tmp_path), Node) if LAKE in n] == [f"openlineage:dataset.{LAKE}/raw/orders"]


def test_what_kind_of_dataset_it_is_is_kept_as_one_word(tmp_path: Path) -> None:
    view, odd = (dataset_type_dataset.DatasetTypeDatasetFacet(word) for word in ("VIEW", "ephemeral"))
    write(tmp_path, dataset(PG, "wh.raw.v", datasetType=view), dataset(PG, "wh.raw.odd", datasetType=odd))
    nodes = of(read(tmp_path), Node)
    assert [nodes[f"openlineage:dataset.{PG}/wh.raw.{name}"].materialized for name in ("v", "odd")] == ["view", ""]


def test_more_events_than_is_sane_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_BATCH", 1)
    write(tmp_path, load_orders(1), load_orders(2, 1, name="b"))
    for name in ("MOST_EVENTS", "MOST_THINGS", "MOST_RUNS"):
        with monkeypatch.context() as patch:
            patch.setattr(connector, name, 1)
            with pytest.raises(InputError, match=r"events\.jsonl: .* more than 1 "):
                read(tmp_path)


def test_more_events_than_is_sane_are_refused_in_many_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the files after the limit, which are the newest, the answer would be an old one."""
    monkeypatch.setattr(connector, "_BATCH", 1)
    for day in range(3):
        write(tmp_path, load_orders(day, 3 - day), name=f"{day}.jsonl")
    monkeypatch.setattr(connector, "MOST_EVENTS", 1)
    with pytest.raises(InputError, match=r"1\.jsonl: there are more than 1 events"):
        read(tmp_path, ".")


def test_a_shorter_span_helps_against_too_many_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_BATCH", 1)
    monkeypatch.setattr(connector, "MOST_EVENTS", 1)
    write(tmp_path, load_orders(1, 24 * 9), load_orders(2, 24 * 8), load_orders(3, 1))
    assert LOAD in of(read(tmp_path, seen_within="2d"), Node)


def test_what_is_remembered_of_names_does_not_grow_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        loose(
            outputs=[{"namespace": LAKE, "name": f"orders/dt={i}"}],
            job={"namespace": " " * i, "name": "j", "facets": {"jobType": {"integration": "A", "jobType": f"{i}"}}},
            producer=f"https://example.com/{i}",
        )
        for i in range(40)
    ]
    write(tmp_path, *events)
    expected = read(tmp_path)
    monkeypatch.setattr(gathered, "_MOST_REMEMBERED", 10)
    held = gathered.Gathered(NOW - timedelta(days=30), NOW)
    for event in events:
        held.add(decoded(json.dumps(event).encode()))
    assert all(len(getattr(held, name)) <= 10 for name in ("_called", "_named", "_types", "_producers", "_sets"))
    assert read(tmp_path) == expected


def test_a_dag_that_reads_and_writes_nothing_is_no_node(tmp_path: Path) -> None:
    write(tmp_path, load_orders(name="shop_load", inputs=[], outputs=[]), load_orders())
    assert [n for n in of(read(tmp_path), Node) if ":job." in n] == [LOAD]


def test_a_job_that_was_declared_and_never_ran_is_there_without_a_check(tmp_path: Path) -> None:
    write(tmp_path, design())
    found = read(tmp_path)
    assert "openlineage:job.fivetran/crm_accounts" in of(found, Node)
    assert of(found, Check) == {}


def test_two_jobs_whose_names_are_written_alike_are_two(tmp_path: Path) -> None:
    one, other = loose(), loose()
    one["job"] |= {"namespace": "a", "name": "b/c"}
    other["job"] |= {"namespace": "a/b", "name": "c"}
    other["outputs"][0]["name"] = "wh.raw.other"
    found = []
    for events in ((one, other), (other, one)):
        write(tmp_path, *events)
        found.append(read(tmp_path))
    assert found[0] == found[1]
    jobs = [n for n in of(found[0], Node).values() if n.kind == "job"]
    assert [(n.group, n.name) for n in jobs] == [("a", "b/c"), ("a/b", "c")]
    assert [(j.id, RAW) in edges(found[0]) for j in jobs] == [True, False]
    assert of(found[0], Check).keys() == {j.id for j in jobs}


def test_a_merge_into_a_table_that_it_also_reads_is_no_circle(tmp_path: Path) -> None:
    both = [InputDataset(PG, "wh.raw.raw_orders"), InputDataset(APP, "shop.public.orders")]
    write(tmp_path, load_orders(inputs=both))
    assert edges(read(tmp_path)) == {(SHOP, LOAD), (LOAD, RAW)}


def test_the_events_of_one_run_add_up_and_the_newest_run_that_ended_well_counts(tmp_path: Path) -> None:
    other = InputDataset(APP, "shop.public.customers")
    write(
        tmp_path,
        load_orders(1, 9, "COMPLETE", inputs=[other]),
        load_orders(2, 5, "START", outputs=[]),
        load_orders(2, 4.9, "RUNNING", inputs=[]),
        load_orders(2, 4.8, "COMPLETE", inputs=[], outputs=[]),
        load_orders(3, 1, "FAIL", inputs=[other], outputs=[]),
    )
    assert edges(read(tmp_path)) == {(SHOP, LOAD), (LOAD, RAW)}


def test_a_job_whose_runs_never_end_is_known_by_the_newest(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, 2, "RUNNING"))
    found = read(tmp_path)
    assert edges(found) == {(SHOP, LOAD), (LOAD, RAW)}
    assert of(found, Check) == {}


# --- dbt's own jobs and our own -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["integration", "producer"])
def test_jobs_of_dbt_are_no_nodes(tmp_path: Path, how: str) -> None:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType="MODEL")
    event = loose() if how == "producer" else json.loads(lines(load_orders(job_facets={"jobType": kind})))
    if how == "producer":
        event["producer"] = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
    write(tmp_path, event)
    assert read(tmp_path) == []


def test_a_job_is_dbts_also_when_only_one_of_its_events_says_so(tmp_path: Path) -> None:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType="MODEL")
    later = load_orders(1, 1, job_facets={"jobType": kind})
    write(tmp_path, load_orders(1, 2, "START"), later)
    assert read(tmp_path) == []


def test_jobs_of_dbt_that_were_not_seen_for_long_are_not_missed(tmp_path: Path) -> None:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType="MODEL")
    write(
        tmp_path,
        load_orders(1, 24 * 400, job_facets={"jobType": kind}),
        loose(eventTime=at(24 * 400), producer="urn:headway:1"),
    )
    assert read(tmp_path) == []


def test_what_dbt_writes_to_says_which_warehouse_is_its_own(tmp_path: Path) -> None:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType="MODEL")
    built = load_orders(
        name="m", inputs=[], outputs=[OutputDataset(PG, "wh.main.orders")], job_facets={"jobType": kind}
    )
    write(tmp_path, built, load_orders())
    nodes = of(read(tmp_path), Node)
    assert (nodes[RAW].relation, nodes[RAW].meta) == ("wh.raw.raw_orders", {"warehouse": True})
    # A table of the same name in another database is another table.
    assert (nodes[SHOP].relation, nodes[SHOP].meta) == ("", {})


# --- Runs and tests -------------------------------------------------------------------------------------------------


def test_the_last_ended_run_is_a_check_with_the_day_since_which_it_fails(tmp_path: Path) -> None:
    write(
        tmp_path,
        load_orders(4, 1, "START"),
        load_orders(3, 2, "FAIL"),
        load_orders(1, 9, "COMPLETE"),
        load_orders(2, 5, "ABORT"),
    )
    check = of(read(tmp_path), Check)[LOAD]
    assert (check.kind, check.status, check.message) == ("run", "error", "its last run failed")
    assert (check.at, check.since) == (NOW - timedelta(hours=2), NOW - timedelta(hours=5))


def test_a_run_that_ended_well_passes(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, 5, "FAIL"), load_orders(2, 2, "COMPLETE"))
    check = of(read(tmp_path), Check)[LOAD]
    assert (check.status, check.since, check.message) == ("pass", None, "")


def test_the_newest_event_of_a_run_wins(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, 2, "FAIL"), load_orders(1, 3, "COMPLETE"))
    assert of(read(tmp_path), Check)[LOAD].status == "error"
    write(tmp_path, load_orders(1, 3, "FAIL"), load_orders(1, 2, "COMPLETE"))
    assert of(read(tmp_path), Check)[LOAD].status == "pass"


def test_the_newest_result_of_a_test_is_a_check_on_the_dataset(tmp_path: Path) -> None:
    write(tmp_path, quality_check(success=True, hours=1), quality_check(success=False, hours=4), load_orders())
    check = of(read(tmp_path), Check)[RAW]
    assert (check.kind, check.name, check.status) == ("test", "not_null.id", "pass")
    write(tmp_path, quality_check(success=True, hours=4), quality_check(success=False, hours=1), load_orders())
    assert of(read(tmp_path), Check)[RAW].status == "fail"


def test_no_sql_no_literal_and_no_error_text_comes_out(tmp_path: Path) -> None:
    write(tmp_path, *everything())
    assert LITERAL in (tmp_path / "events.jsonl").read_text()
    written = msgspec.json.encode(read(tmp_path)).decode()
    assert LITERAL not in written
    assert "insert into" not in written
    assert "zoe" not in written


# --- Columns --------------------------------------------------------------------------------------------------------


def test_column_lineage_keeps_values_and_rows_apart(tmp_path: Path) -> None:
    write(tmp_path, load_orders(outputs=[with_columns()]))
    lineage = of(read(tmp_path), ColumnLineage)[RAW]
    assert lineage.columns == {"amount": (ColumnSource(SHOP, "gross"),), "id": (ColumnSource(SHOP, "id"),)}
    assert lineage.shape == (ColumnSource(SHOP, "state"), ColumnSource(SHOP, "tenant"))


def test_what_only_column_lineage_names_is_read_as_well(tmp_path: Path) -> None:
    write(tmp_path, load_orders(inputs=[], outputs=[with_columns()]))
    assert edges(read(tmp_path)) == {(SHOP, LOAD), (LOAD, RAW)}


# --- One dataset, many names ----------------------------------------------------------------------------------------


def test_case_and_quotes_do_not_make_two_of_one_table(tmp_path: Path) -> None:
    snow = "snowflake://tea-account"
    write(
        tmp_path,
        load_orders(outputs=[OutputDataset(snow, "WH.RAW.ORDERS")]),
        load_orders(2, name="other", inputs=[InputDataset(snow, '"wh"."raw"."orders"')], outputs=[]),
    )
    tables = [n for n in of(read(tmp_path), Node).values() if n.relation.lower() == "wh.raw.orders"]
    assert [n.id for n in tables] == [f"openlineage:dataset.{snow}/wh.raw.orders"]


def test_names_of_a_symlink_are_one_dataset(tmp_path: Path) -> None:
    links = symlinks_dataset.SymlinksDatasetFacet(
        [symlinks_dataset.Identifier("arn:aws:glue:eu-west-1:1234", "table/sales/orders", "TABLE")]
    )
    write(
        tmp_path,
        load_orders(outputs=[OutputDataset(LAKE, "warehouse/sales/orders", facets={"symlinks": links})]),
        load_orders(
            2, name="reader", inputs=[InputDataset("arn:aws:glue:eu-west-1:1234", "table/sales/orders")], outputs=[]
        ),
    )
    found = read(tmp_path)
    table = "openlineage:dataset.arn:aws:glue:eu-west-1:1234/sales.orders"
    assert of(found, Node)[table].relation == "sales.orders"
    assert {(LOAD, table), (table, "openlineage:job.airflow/reader")} <= edges(found)
    assert not any("warehouse/sales" in name for name in of(found, Node))


def test_names_that_different_events_tell_of_are_all_names_of_the_dataset(tmp_path: Path) -> None:
    """One producer knows the table of Glue, another that of Hive, and neither takes the other's back."""
    glue, hive = "arn:aws:glue:eu-west-1:1234", "hive://metastore.example:9083"

    def linked(number: int, namespace: str, name: str) -> Any:
        links = symlinks_dataset.SymlinksDatasetFacet([symlinks_dataset.Identifier(namespace, name, "TABLE")])
        lake = OutputDataset(LAKE, "orders", facets={"symlinks": links})
        return load_orders(number, 5 - number, name=f"writer{number}", outputs=[lake])

    readers = [
        load_orders(3, 1, name="of_glue", inputs=[InputDataset(glue, "table/sales/orders")], outputs=[]),
        load_orders(4, 1, name="of_hive", inputs=[InputDataset(hive, "sales.orders")], outputs=[]),
    ]
    write(tmp_path, linked(1, glue, "table/sales/orders"), linked(2, hive, "sales.orders"), *readers)
    found = edges(read(tmp_path))
    [table] = {above for above, below in found if below.endswith(("/of_glue", "/of_hive"))}
    assert {above for above, below in found if below == table} == {
        "openlineage:job.airflow/writer1",
        "openlineage:job.airflow/writer2",
    }


def test_a_further_name_that_is_empty_joins_nothing(tmp_path: Path) -> None:
    for namespace, name in (("", ""), (" ", "x"), ("x", " ")):
        event = loose()
        facet = {"symlinks": {"identifiers": [{"namespace": namespace, "name": name, "type": "TABLE"}]}}
        event["inputs"][0]["facets"] = event["outputs"][0]["facets"] = facet
        write(tmp_path, event)
        assert edges(read(tmp_path)) == {(SHOP, LOAD), (LOAD, RAW)}


def test_of_very_many_further_names_the_same_are_kept_in_any_order(tmp_path: Path) -> None:
    def event(first: int) -> dict[str, Any]:
        made = loose()
        named = [{"namespace": LAKE, "name": f"n{i:03}", "type": "TABLE"} for i in range(first, first + 40)]
        made["outputs"][0]["facets"] = {"symlinks": {"identifiers": named}}
        return made

    write(tmp_path, event(0), event(60), event(30))
    several = read(tmp_path)
    write(tmp_path, event(30), event(60), event(0), event(60))
    assert read(tmp_path) == several


def test_a_partition_of_a_table_of_bigquery_is_the_table(tmp_path: Path) -> None:
    tables = ["wh.raw.orders$20261122", "wh:raw.orders", "`wh.raw.orders`"]
    write(
        tmp_path,
        *(load_orders(i, 3, name=f"l{i}", outputs=[OutputDataset("bigquery", t)]) for i, t in enumerate(tables)),
    )
    found = [n for n in of(read(tmp_path), Node).values() if n.group == "bigquery"]
    assert [(n.id, n.relation) for n in found] == [("openlineage:dataset.bigquery/wh.raw.orders", "wh.raw.orders")]


def test_namespaces_of_one_warehouse_are_one_when_the_configuration_says_so(tmp_path: Path) -> None:
    again = "postgres://10.0.0.7:5432"
    write(
        tmp_path,
        load_orders(),
        load_orders(2, name="reader", inputs=[InputDataset(again, "wh.raw.raw_orders")], outputs=[]),
    )
    apart = [i for i in of(read(tmp_path), Node) if i.endswith("raw_orders")]
    one = [i for i in of(read(tmp_path, warehouse=[PG, again]), Node) if i.endswith("raw_orders")]
    assert (len(apart), len(one)) == (2, 1)


def test_a_dropped_table_is_left_out_unless_it_comes_back(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, 5), changed("DROP", PG, "wh.raw.raw_orders", hours=2))
    found = read(tmp_path)
    assert RAW not in of(found, Node)
    assert edges(found) == {(SHOP, LOAD)}
    assert gaps(found) == ["1 dataset was dropped after it was last used and left out"]
    write(tmp_path, load_orders(1, 1), changed("DROP", PG, "wh.raw.raw_orders", hours=2))
    assert RAW in of(read(tmp_path), Node)


def test_a_renamed_table_is_one_with_its_old_name(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, 5), changed("RENAME", PG, "wh.raw.a_orders_v2", "wh.raw.raw_orders", hours=2))
    assert edges(read(tmp_path)) >= {(LOAD, f"openlineage:dataset.{PG}/wh.raw.a_orders_v2")}
    assert RAW not in of(read(tmp_path), Node)
    # The old name is written to again: two tables.
    write(tmp_path, load_orders(1, 1), changed("RENAME", PG, "wh.raw.a_orders_v2", "wh.raw.raw_orders", hours=2))
    assert RAW in of(read(tmp_path), Node)


@pytest.mark.parametrize("copy", ["wh.raw.raw_orders__dbt_backup", '"wh"."raw"."RAW_ORDERS__DBT_TMP"'])
def test_a_copy_that_dbt_drops_or_renames_while_it_builds_is_not_the_table(tmp_path: Path, copy: str) -> None:
    write(tmp_path, load_orders(1, 5), changed("DROP", PG, copy, hours=2))
    assert (LOAD, RAW) in edges(read(tmp_path))
    write(tmp_path, load_orders(1, 5), changed("RENAME", PG, "wh.raw.a_copy", copy, hours=2))
    assert {RAW, f"openlineage:dataset.{PG}/wh.raw.a_copy"} <= of(read(tmp_path), Node).keys()


def test_a_login_in_a_namespace_is_taken_out(tmp_path: Path) -> None:
    secret = "postgres://app:hunter2@db.example:5432"
    write(tmp_path, load_orders(outputs=[OutputDataset(secret, "wh.raw.raw_orders")]))
    found = read(tmp_path)
    assert RAW in of(found, Node)
    assert "hunter2" not in msgspec.json.encode(found).decode()


def test_names_with_control_characters_and_of_any_length_make_valid_ids(tmp_path: Path) -> None:
    names = ["a\u202eb\x00c", "x" * 5_000, "x" * 4_999 + "y"]
    write(tmp_path, *(load_orders(i, name=name) for i, name in enumerate(names)))
    jobs = [n for n in of(read(tmp_path), Node).values() if n.kind == "job"]
    assert len(jobs) == 3
    assert all(n.id.isprintable() and len(n.id) < 500 for n in jobs)


# --- Time -----------------------------------------------------------------------------------------------------------


def test_a_job_that_was_not_seen_for_long_is_counted_and_left_out(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, 24 * 40, name="old"), load_orders(2, 1))
    found = read(tmp_path)
    assert [n for n in of(found, Node) if ":job." in n] == [LOAD]
    assert gaps(found) == ["1 job was not seen for so long that nothing of it counts: old"]
    assert "openlineage:job.airflow/old" in of(read(tmp_path, seen_within="60 days"), Node)


def test_an_event_of_a_day_to_come_is_not_believed(tmp_path: Path) -> None:
    write(tmp_path, load_orders(1, -24 * 400, "FAIL"), load_orders(2, 1))
    found = read(tmp_path)
    assert of(found, Check)[LOAD].status == "pass"
    assert gaps(found) == ["1 event is of a day that has not come yet and left out"]


def test_a_time_without_a_zone_is_utc_and_nanoseconds_are_read(tmp_path: Path) -> None:
    write(tmp_path, loose(eventTime="2026-11-22T05:00:00.123456789"))
    check = of(read(tmp_path), Check)[LOAD]
    assert check.at is not None
    assert check.at.isoformat() == "2026-11-22T05:00:00.123457+00:00"


@pytest.mark.parametrize("span", ["", "30", "0d", "30 weeks", "99999d", "-1d"])
def test_a_span_that_is_none_is_refused(tmp_path: Path, span: str) -> None:
    with pytest.raises(ConfigError, match="seen_within"):
        OpenLineage({"path": "x", "seen_within": span}, Context(root=str(tmp_path), now=NOW))


# --- Order and repetition -------------------------------------------------------------------------------------------

_STORY = [
    *everything(),
    load_orders(3, 1.9, "COMPLETE"),
    load_orders(2, 1.9, "COMPLETE"),
    changed("DROP", APP, "shop.public.orders", hours=2),
    changed("RENAME", PG, "wh.raw.a_orders_v2", "wh.raw.raw_orders", hours=0.5),
    quality_check(success=True),
    load_orders(6, 1.7, "FAIL", outputs=[OutputDataset(PG, "wh.raw.b")], parent=90),
    load_orders(7, 1.6, "COMPLETE", parent=90),
    load_orders(8, 1.5, "COMPLETE", outputs=[OutputDataset(PG, "wh.raw.b")], parent=90),
    load_orders(8, 1.5, "START", inputs=[], parent=91),
    load_orders(4, 1.9, "FAIL", inputs=[InputDataset(APP, "shop.public.b")]),
    dataset(PG, "WH.raw.Accounts"),
]
_TOLD = [lines(event) for event in _STORY]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("story")


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(len(_TOLD))), again=st.lists(st.integers(0, len(_TOLD) - 1), max_size=8))
def test_neither_the_order_of_events_nor_a_repetition_matters(story: Path, order: list[int], again: list[int]) -> None:
    plain, mixed = story / "plain.jsonl", story / "mixed.jsonl"
    plain.write_text("".join(_TOLD))
    shuffled = [*order, *again]
    random.Random(len(again)).shuffle(shuffled)
    mixed.write_text("".join(_TOLD[i] for i in shuffled))
    assert read(story, "mixed.jsonl") == read(story, "plain.jsonl")


# --- Files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("append", [True, False])
def test_files_of_the_official_clients_file_transport_are_read(tmp_path: Path, append: bool) -> None:
    target = tmp_path / ("events.jsonl" if append else "out/event")
    target.parent.mkdir(exist_ok=True)
    client = OpenLineageClient(transport=FileTransport(FileConfig(str(target), append=append, debug_mode=not append)))
    client.emit(load_orders(1, 2, "START"))
    client.emit(load_orders(1, 1.9, "COMPLETE"))
    found = read(tmp_path, "events.jsonl" if append else "out")
    assert edges(found) == {(SHOP, LOAD), (LOAD, RAW)}
    assert of(found, Check)[LOAD].status == "pass"
    if not append:
        assert len(list((tmp_path / "out").iterdir())) == 2
        assert read(tmp_path, "out/*") == found


def test_a_list_a_gzip_file_and_a_mark_at_the_start_are_read(tmp_path: Path) -> None:
    text = lines(*everything())
    write(tmp_path, *everything())
    expected = read(tmp_path)
    (tmp_path / "list.json").write_text("[" + ",".join(text.splitlines()) + "]")
    (tmp_path / "a.jsonl.gz").write_bytes(
        gzip.compress(text[: len(text) // 2].encode()) + gzip.compress(text[len(text) // 2 :].encode())
    )
    (tmp_path / "mark.jsonl").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode())
    (tmp_path / "pretty.json").write_text(json.dumps([json.loads(line) for line in text.splitlines()], indent=2))
    for name in ("list.json", "a.jsonl.gz", "mark.jsonl", "pretty.json"):
        assert read(tmp_path, name) == expected, name


def test_the_last_line_that_is_cut_short_is_told_of_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, load_orders(1), load_orders(2, 1))
    path.write_bytes(path.read_bytes()[:-40])
    found = read(tmp_path)
    assert LOAD in of(found, Node)
    assert gaps(found) == [
        "events.jsonl:2: it ends in the middle: whoever writes it may not be done, and the next sync reads it again"
    ]


def test_lines_that_are_none_are_told_of_with_their_places(tmp_path: Path) -> None:
    write(tmp_path, "{}", load_orders(), "nonsense", '{"eventTime": 1}', loose(inputs="x"), loose(job=None), "[1]")
    found = read(tmp_path)
    assert gaps(found) == [
        "events.jsonl:1: this is no OpenLineage event: object missing required field eventTime",
        "events.jsonl:3: this is not JSON",
        "events.jsonl:4: this is no OpenLineage event: expected datetime, got int - at $.eventTime",
        "3 more events could not be read",
    ]
    assert next(g for g in found if isinstance(g, Gap)).origin.line == 1


def test_a_facet_that_is_not_as_its_name_says_is_passed_over(tmp_path: Path) -> None:
    event = loose()
    event["job"]["facets"] |= {"ownership": [1], "tags": {"tags": "x"}, "documentation": None, "jobType": 7, "new": {}}
    event["outputs"][0]["facets"] = {"columnLineage": {"fields": 3}, "symlinks": {"identifiers": [{"name": 1}]}}
    write(tmp_path, event | {"futureField": {"a": [1]}})
    found = read(tmp_path)
    job = of(found, Node)[LOAD]
    assert (job.owner, job.tags, job.description) == ("", (), "")
    assert edges(found) == {(SHOP, LOAD), (LOAD, RAW)}


def test_nothing_but_text_of_the_web_becomes_an_address(tmp_path: Path) -> None:
    event = loose()
    event["job"]["facets"]["sourceCodeLocation"]["url"] = "javascript:alert(1)"
    write(tmp_path, event)
    assert of(read(tmp_path), Node)[LOAD].url == ""


def test_a_line_without_end_is_passed_over_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 100_000)
    monkeypatch.setattr(files, "_CHUNK", 10_000)
    long = '{"eventTime": "' + "x" * 400_000
    write(tmp_path, load_orders(1), long, load_orders(2, 1, name="after"))
    found = read(tmp_path)
    assert {LOAD, "openlineage:job.airflow/after"} <= of(found, Node).keys()
    assert gaps(found) == ["events.jsonl:2: the line is longer than 100,000 bytes"]


def test_a_gzip_bomb_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FREE_BYTES", 1 << 20)
    (tmp_path / "events.jsonl").write_bytes(gzip.compress(b" " * (1 << 24), 9))
    with pytest.raises(InputError, match="that is a trap"):
        read(tmp_path)


def test_of_many_files_one_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in", load_orders(), name="a.jsonl")
    (tmp_path / "in" / "b.jsonl").write_bytes(b"\x1f\x8bnothing")
    (tmp_path / "in" / "notes.txt").write_text("not looked at")
    found = read(tmp_path, "in")
    assert LOAD in of(found, Node)
    assert gaps(found) == ["in/b.jsonl: the gzip data is broken after 0 bytes"]


def test_a_folder_without_events_and_a_pattern_that_fits_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for path in ("in", "none*.jsonl", "in\0x"):
        with pytest.raises(InputError):
            read(tmp_path, path)


def test_nothing_received_yet_is_a_gap_and_no_failure(tmp_path: Path) -> None:
    assert gaps(read(tmp_path, "received")) == ["no OpenLineage event was received yet"]


def test_days_before_all_that_counts_are_not_read_again(tmp_path: Path) -> None:
    folder = tmp_path / ".headway/openlineage"
    folder.mkdir(parents=True)
    for day in ("2026-10-20", "2026-10-21"):  # 30 days, and one for clocks that are ahead
        write(folder, load_orders(), f"not read on {day}", name=f"{day}.jsonl")
    write(folder, load_orders(), name="2026-11-22.jsonl")
    assert gaps(read(tmp_path, "received")) == []
    assert gaps(read(tmp_path, "received", seen_within="31d")) == [
        ".headway/openlineage/2026-10-21.jsonl:2: this is not JSON"
    ]
    (folder / "2026-11-22.jsonl").unlink()
    assert gaps(read(tmp_path, "received")) == ["no OpenLineage event was received within seen_within"]


def test_a_pattern_is_found_below_a_folder_that_is_called_like_one(tmp_path: Path) -> None:
    folder = tmp_path / "team[1]*"
    (folder / "lineage").mkdir(parents=True)
    write(folder / "lineage", load_orders())
    assert LOAD in of(read(folder, "lineage/*.jsonl"), Node)
    assert LOAD in of(read(folder, str(tmp_path / "team?1?*" / "lineage" / "*.jsonl")), Node)


def test_several_paths_are_one_story(tmp_path: Path) -> None:
    """A failure in one file, repaired in another, is repaired."""
    write(tmp_path, load_orders(1, 3, "FAIL"), name="a.jsonl")
    folder = tmp_path / ".headway/openlineage"
    folder.mkdir(parents=True)
    write(folder, load_orders(2, 1), name="2026-11-22.jsonl")
    paths = ["a.jsonl", "*.jsonl", "received"]
    found = list(OpenLineage({"path": paths}, Context(root=str(tmp_path), now=NOW)).records())
    assert of(found, Check)[LOAD].status == "pass"
    assert gaps(found) == []
    with pytest.raises(InputError, match=r"missing\.jsonl: there is no such file"):
        list(OpenLineage({"path": [*paths, "missing.jsonl"]}, Context(root=str(tmp_path), now=NOW)).records())
    for wrong in ([], [1], [""], 7, {"a": 1}):
        with pytest.raises(ConfigError, match="path"):
            OpenLineage({"path": wrong}, Context(root=str(tmp_path), now=NOW))


def test_a_folder_of_received_events_that_cannot_be_looked_into_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing read is not nothing there: a sync that fails keeps what was known, an empty one would not."""
    folder = tmp_path / ".headway/openlineage"
    folder.mkdir(parents=True)
    assert gaps(read(tmp_path, "received")) == ["no OpenLineage event was received yet"]
    write(folder, load_orders(), name="2026-11-22.jsonl")

    def denied(*_: Any, onerror: Any, **__: Any) -> Any:
        onerror(PermissionError(13, "Permission denied"))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "walk", denied)
        with pytest.raises(InputError, match="Permission denied"):
            read(tmp_path, "received")
    with monkeypatch.context() as patch:
        patch.setattr(files, "MOST_FILES", 0)
        with pytest.raises(InputError, match="1 files"):
            read(tmp_path, "received")
    shutil.rmtree(folder)
    folder.write_text("no folder")
    with pytest.raises(InputError, match="Not a directory"):
        read(tmp_path, "received")


def test_ids_of_runs_are_not_kept(tmp_path: Path) -> None:
    write(tmp_path, *everything())
    assert run_id(2) not in msgspec.json.encode(read(tmp_path)).decode()
    assert at(2)  # the story is told in hours before now
