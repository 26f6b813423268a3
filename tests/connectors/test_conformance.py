"""Every built-in connector keeps the promises of a connector; and the suite that says so notices when one is broken."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import broken_connectors
import pytest

from headway.connectors.dbt.connector import Dbt
from headway.connectors.goals.connector import Goals
from headway.connectors.observations import Observations
from headway.testing import ConnectorConformance

pytest_plugins = ["pytester"]


class TestObservations(ConnectorConformance):
    """Usage and cost rows."""

    connector = Observations

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "usage.csv").write_text(
            "node,day,measure,amount,unit,person_class\n"
            "model.shop.orders,2026-11-19,queries,12,,person\n"
            "model.shop.orders,2026-11-20,queries,9,,scheduled\n"
            "model.shop.customers,2026-11-20,cost,1.25,EUR,\n"
            "exposure.shop.sales,2026-11-21,people,4,,person\n"
        )
        return {"path": "usage.csv", "covers": "kind:model"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "header only, and not ours": b"date,table,hits\n",
            "spreadsheet": b"PK\x03\x04" + bytes(400),
            "one endless field": b'node,day,measure,amount\n"' + b"a" * 2_000_000,
            "cut off gzip": b"\x1f\x8b\x08\x00" + bytes(20),
        }


class TestObservationsParquet(TestObservations):
    """The same from Parquet."""

    def recording(self, folder: Path) -> Mapping[str, Any]:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        from pyarrow import csv, parquet

        options = super().recording(folder)
        parquet.write_table(csv.read_csv(folder / "usage.csv"), folder / "usage.parquet")
        (folder / "usage.csv").unlink()
        return {**options, "path": "usage.parquet"}


class TestGoals(ConnectorConformance):
    """A goals file that uses most of what one can say."""

    connector = Goals
    declared_elsewhere = ("dbt:",)
    tolerated: ClassVar[Mapping[str, str]] = {
        "empty": "a goals file that nobody has filled yet is a gap, not an error",
        "truncated": "the first half of a goals file can be a whole goals file",
    }

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "goals.yml").write_text(GOALS)
        return {"path": "goals.yml"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "alias bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nobjectives: [*b, *b]\n",
            "tab": b"objectives:\n\t- name: x\n",
            "code": b"objectives: !!python/object/apply:os.system [id]\n",
        }


class TestDbt(ConnectorConformance):
    """A manifest with one node of each sort that anything depends on, and the results of a run."""

    connector = Dbt
    input_option = "manifest"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "target").mkdir()
        (folder / "target/manifest.json").write_text(json.dumps(manifest()))
        (folder / "target/run_results.json").write_text(json.dumps(RUN_RESULTS))
        (folder / "CODEOWNERS").write_text("models/marts/ @shop/finance\n")
        return {"manifest": "target/manifest.json", "owners": {"models/": "Data team"}}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "manifest without nodes": b'{"metadata": {}}',
            "another artifact": json.dumps(RUN_RESULTS).encode(),
            "cut off gzip": b"\x1f\x8b\x08\x00" + bytes(20),
        }


class TestDbtFolder(TestDbt):
    """The same with nothing said about where the manifest is: it is looked for in `target`."""

    def recording(self, folder: Path) -> Mapping[str, Any]:
        super().recording(folder)
        return {}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "target/manifest.json"


GOALS = """\
version: 1
periods:
  - {id: 2026-Q4, title: Fourth quarter 2026, start: 2026-10-01, end: 2026-12-31}
objectives:
  - id: keep
    title: Customers stay
    owner: retention-team
    period: 2026-Q4
    key_results:
      - id: churn
        title: Fewer cancellations
        owner: retention-team
        metric: churn_rate
        baseline: 0.08
        target: 0.05
        shown_on: [sales]
      - id: answered
        title: Requests answered within a day
        owner: support-team
        baseline: 80
        target: 95
        readings:
          - {date: 2026-10-31, value: 84}
  - id: renewals
    title: Yearly plans are renewed
    owner: retention-team
    period: 2026-Q4
    parent: keep
"""


def manifest() -> dict[str, Any]:
    """A manifest of version 12: a source, two models, a test, a semantic model, a metric and an exposure."""
    source, staged, mart = "source.shop.raw.orders", "model.shop.stg_orders", "model.shop.orders"

    def node(unique_id: str, upstream: list[str], **more: Any) -> dict[str, Any]:
        kind, _, name = unique_id.split(".", 2)
        common = {
            "unique_id": unique_id,
            "resource_type": kind,
            "name": name,
            "package_name": "shop",
            "path": f"{name}.sql",
            "original_file_path": f"models/marts/{name}.sql",
            "fqn": ["shop", "marts", name],
            "depends_on": {"nodes": upstream, "macros": []},
            "config": {"enabled": True, "materialized": "table", "tags": [], "meta": {}},
            "tags": [],
            "meta": {},
            "description": "",
        }
        return {**common, **more}

    relation = {"database": "warehouse", "schema": "marts"}
    test = node("test.shop.not_null_orders_id.1a2b", [mart], attached_node=mart, name="not_null_orders_id")
    exposure = node(
        "exposure.shop.sales", [mart], type="dashboard", owner={"name": "Sales team"}, url="https://bi.example/1"
    )
    metric = node(
        "metric.shop.churn_rate", ["semantic_model.shop.orders"], label="Churn", type="simple", type_params={}
    )
    semantic = node(
        "semantic_model.shop.orders", [mart], model="ref('orders')", entities=[], measures=[], dimensions=[]
    )
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.16",
            "generated_at": "2026-11-21T05:00:00.000000Z",
            "project_name": "shop",
            "adapter_type": "duckdb",
        },
        "nodes": {
            staged: node(staged, [source], alias="stg_orders", **relation),
            mart: node(mart, [staged], alias="orders", **relation),
            test["unique_id"]: test,
        },
        "sources": {source: node(source, [], source_name="raw", name="orders", identifier="orders", **relation)},
        "exposures": {exposure["unique_id"]: exposure},
        "metrics": {metric["unique_id"]: metric},
        "semantic_models": {semantic["unique_id"]: semantic},
        "saved_queries": {},
        "groups": {},
        "disabled": {},
        "parent_map": {},
        "child_map": {},
        "macros": {},
        "docs": {},
        "selectors": {},
        "unit_tests": {},
    }


RUN_RESULTS = {
    "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        "generated_at": "2026-11-21T05:10:00.000000Z",
    },
    "results": [
        {"unique_id": "model.shop.orders", "status": "success", "timing": [], "execution_time": 1.5, "message": "OK"},
        {
            "unique_id": "test.shop.not_null_orders_id.1a2b",
            "status": "fail",
            "timing": [],
            "failures": 3,
            "message": "3",
        },
    ],
    "args": {},
}


def test_the_suite_notices_every_broken_promise(pytester: pytest.Pytester) -> None:
    suites = {name: suite.breaks for name, suite in vars(broken_connectors).items() if name.startswith("Test")}
    assert len(suites) > 30
    slow = "test_order_does_not_come_from_a_set"  # starts two processes
    where = " or ".join(["TestGood", *(name for name, breaks in suites.items() if slow in breaks)])
    pytester.makepyfile(test_broken=Path(broken_connectors.__file__).read_text())
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-k", f"not {slow} or {where}")
    passed, skipped, failed = result.reprec.listoutcomes()  # type: ignore[attr-defined]
    assert not skipped
    noticed: dict[str, set[str]] = defaultdict(set)
    for report in failed:
        _, suite, test = report.nodeid.split("::")
        noticed[suite].add(test)
    assert dict(noticed) == {name: set(breaks) for name, breaks in suites.items() if breaks}
    assert {report.nodeid.split("::")[1] for report in passed} == set(suites)
