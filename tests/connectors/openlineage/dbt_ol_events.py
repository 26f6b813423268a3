"""What `dbt-ol build` sends of the shop of the tests: the shape of its events with what matters of them.

It names a source by its name in the project, not by its table: `wh.raw.orders` below is the table `wh.raw.raw_orders`,
as its column lineage knows. A test is a job that reads a table and says how its assertions went. All are runs of one
job for the whole invocation, that reads and writes nothing.
"""

from __future__ import annotations

from typing import Any

PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
WAREHOUSE = "duckdb://wh.duckdb"
AT = "2026-11-22T05:00:0{}.953228Z"


def dbt_ol_events() -> list[dict[str, Any]]:
    """START and end of everything, in the order in which they are sent; a test fails, and so does the invocation."""
    run = _job("dbt-run-shop", "JOB")
    model = _job(
        "wh.main.shop.orders.build.run", "MODEL", {"sql": {"query": "select 'Zoe' as name", "dialect": "duckdb"}}
    )
    test = _job("wh.main.shop.orders.build.test", "TEST")
    source = {"namespace": WAREHOUSE, "name": "wh.raw.orders", "facets": {"ownership": {"owners": [{"name": "x"}]}}}
    field = {"namespace": WAREHOUSE, "name": "wh.raw.raw_orders", "field": "id", "transformations": []}
    lineage = {"fields": {"id": {"inputFields": [field]}}, "dataset": []}
    orders = {"namespace": WAREHOUSE, "name": "wh.main.orders", "facets": {"columnLineage": lineage}}
    failed = {
        "assertions": [{"assertion": "not_null", "column": "id", "success": False, "actual": "1", "severity": "error"}]
    }
    tested = orders | {"facets": {"dataQualityAssertions": failed}, "inputFacets": {"dataQualityAssertions": failed}}
    return [
        _event(0, "START", run),
        _event(1, "START", model, [source], [orders]),
        _event(2, "COMPLETE", model, [source], [orders]),
        _event(3, "START", test, [tested]),
        _event(4, "FAIL", test, [tested]),
        _event(5, "FAIL", run),
    ]


def _job(name: str, kind: str, facets: dict[str, Any] | None = None) -> dict[str, Any]:
    of = {"integration": "DBT", "jobType": kind, "processingType": "BATCH"}
    return {"namespace": "dbt", "name": name, "facets": {"jobType": of, **(facets or {})}}


def _event(
    second: int,
    kind: str,
    job: dict[str, Any],
    inputs: list[dict[str, Any]] | None = None,
    outputs: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "eventTime": AT.format(second),
        "eventType": kind,
        "producer": PRODUCER,
        "run": {"runId": f"019a0000-0000-7000-8000-{_number(job['name']):012d}", "facets": {}},
        "job": job,
        "inputs": inputs or [],
        "outputs": outputs or [],
    }


def _number(name: str) -> int:
    """A number for a name, the same in every process."""
    return sum(name.encode())
