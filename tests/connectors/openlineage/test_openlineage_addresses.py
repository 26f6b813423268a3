"""Addresses in events: passwords and keys come out nowhere, and what tells data apart stays."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("openlineage.client.event_v2")

from hypothesis import given
from hypothesis import strategies as st
from openlineage.client.event_v2 import InputDataset, OutputDataset
from tests.connectors.openlineage.lineage_events import PG, load_orders, loose, read, write

from headway.connectors.openlineage.addresses import clean_name, without_secrets
from headway.connectors.openlineage.received import kept
from headway.graph.model import Edge, Node


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgres://app:hunter2@db:1", "postgres://db:1"),
        ("postgres://app:hun@ter2@db:1", "postgres://db:1"),
        ("postgres://app:hun/ter2@db", "postgres://db"),
        ("postgres://app:hun?ter2@db", "postgres://db"),
        ("postgres://app:hun;ter=2@db/x?sslmode=off", "postgres://db/x"),
        ("postgres://db:1/x?user=zoe@x", "postgres://db:1/x"),
        ("mongodb://app:hunter2@a:1,b:2", "mongodb://a:1,b:2"),
        ("jdbc:oracle:thin:scott/ti/ger@//db:1521/x", "jdbc:oracle:thin:@//db:1521/x"),
        ("jdbc:oracle:thin:@//db:1521/x", "jdbc:oracle:thin:@//db:1521/x"),
        ("jdbc:sqlserver://db:1433;user=sa;password=a@b", "jdbc:sqlserver://db:1433"),
        ("jdbc:db2://db:50000/x:password=a;user=b", "jdbc:db2://db:50000/x"),
        ("scott/tiger@db", "db"),
        ("https://x-access-token:ghs_1@github.com/tea/dags.git", "https://github.com/tea/dags.git"),
        ("https://git.example/tea/@dags/load.py?token=1#L7", "https://git.example/tea/@dags/load.py"),
        ("abfss://bronze@lake.dfs.core.windows.net", "abfss://bronze@lake.dfs.core.windows.net"),
        ("wasbs://bronze:k@/ey@lake.blob.core.windows.net", "wasbs://bronze@lake.blob.core.windows.net"),
        ("abfss://lake.dfs.core.windows.net/a@b", "abfss://lake.dfs.core.windows.net/a@b"),
        ("airflow@eu", "airflow@eu"),
        ("kafka://a:9092,b:9092", "kafka://a:9092,b:9092"),
    ],
)
def test_a_login_and_parameters_are_taken_out_of_an_address(written: str, meant: str) -> None:
    assert without_secrets(written) == meant
    assert without_secrets(f" {written}").strip() == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("wh.raw.orders", "wh.raw.orders"),
        ("https://app:hunter2@crm.example/accounts?sig=1", "https://crm.example/accounts"),
        ("s3://key:secret@lake/part-?#1.csv", "s3://lake/part-?#1.csv"),
        ("landing/part-?.csv", "landing/part-?.csv"),
        ("landing/orders.csv?sv=1&sig=2", "landing/orders.csv"),
    ],
)
def test_a_name_that_is_an_address_is_treated_as_one(written: str, meant: str) -> None:
    assert clean_name(written) == meant


_PIECES = st.sampled_from([*"@:/?;#=&, [].1a", "//", "jdbc:", "oracle:", "thin:", "https://", "abfss://", "password="])


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_what_was_cleaned_once_is_clean(text: str) -> None:
    for clean in (without_secrets, clean_name):
        once = clean(text)
        assert clean(once) == once
    assert "hunter2" not in without_secrets(f"postgres://app:hunter2{text}@db")


def test_containers_of_one_account_are_not_one_dataset(tmp_path: Path) -> None:
    lake = "abfss://{}@lake.dfs.core.windows.net"
    out, landed = OutputDataset(lake.format("partners"), "orders"), InputDataset(lake.format("bronze"), "orders")
    write(
        tmp_path,
        load_orders(1, name="export", inputs=[InputDataset(PG, "wh.main.orders")], outputs=[out]),
        load_orders(2, name="load", inputs=[landed]),
    )
    edges = {(r.upstream, r.downstream) for r in read(tmp_path) if isinstance(r, Edge)}
    partners, bronze = (f"openlineage:dataset.{lake.format(name)}/orders" for name in ("partners", "bronze"))
    assert ("openlineage:job.airflow/export", partners) in edges
    assert (bronze, "openlineage:job.airflow/load") in edges


def test_no_secret_is_written_down_or_shown_wherever_it_stands(tmp_path: Path) -> None:
    secret = "postgres://app:hun@ter/2@db.example:1"
    named = {"namespace": secret, "name": "https://app:hun@ter/2@h/x?sig=hunter2", "type": "TABLE"}
    event = loose(inputs=[{"namespace": "file", "name": named["name"]}, named])
    event["job"] |= {"namespace": secret, "name": named["name"]}
    code = {"type": "git", "url": "https://token:hunter2@git.example/tea/dags.git?sig=hunter2", "path": named["name"]}
    event["job"]["facets"]["sourceCodeLocation"] = code
    event["outputs"][0]["facets"] = {
        "symlinks": {"identifiers": [named]},
        "lifecycleStateChange": {"lifecycleStateChange": "RENAME", "previousIdentifier": named},
        "columnLineage": {
            "fields": {"a": {"inputFields": [named | {"field": "b"}]}},
            "dataset": [named | {"field": "c"}],
        },
    }
    line = kept(json.dumps(event).encode())
    write(tmp_path, event)
    found = read(tmp_path)
    for text in (line.decode(), msgspec.json.encode(found).decode()):
        assert not any(part in text for part in ("hunter2", "ter/2", "hun@", "sig="))
    job = next(r for r in found if isinstance(r, Node) and r.kind == "job")
    assert job.url == "https://git.example/tea/dags.git"
    # What was written down says the same.
    (tmp_path / "kept.jsonl").write_bytes(line)
    assert read(tmp_path, "kept.jsonl") == found
