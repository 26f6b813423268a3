"""OpenLineage events of an invented company, written by the official client: what an orchestrator would send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    data_quality_assertions_dataset,
    documentation_job,
    error_message_run,
    job_type_job,
    lifecycle_state_change_dataset,
    ownership_dataset,
    ownership_job,
    parent_run,
    source_code_location_job,
    sql_job,
    symlinks_dataset,
    tags_job,
)
from openlineage.client.serde import Serde

from headway.connectors.openlineage.connector import OpenLineage
from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PG = "postgres://db.example:5432"
APP = "postgres://app.example:5432"
LAKE = "s3://tea-lake"
PRODUCER = "https://github.com/apache/airflow/tree/providers-openlineage/2.7.0"
LITERAL = "zoe@example.com"
"""Stands in SQL and in error messages, and must come out nowhere."""


def at(hours: float) -> str:
    """So many hours before NOW."""
    return (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def run_id(number: int) -> str:
    """An id as the client demands it."""
    return f"019a0000-0000-7000-8000-{number:012d}"


def load_orders(
    number: int = 1,
    hours: float = 2.0,
    state: str = "COMPLETE",
    *,
    inputs: list[InputDataset] | None = None,
    outputs: list[OutputDataset] | None = None,
    name: str = "shop_load.orders",
    job_facets: dict[str, Any] | None = None,
    parent: int = 0,
) -> RunEvent:
    """A task of an orchestrator that loads orders from the shop's own database into the warehouse."""
    facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="AIRFLOW", jobType="TASK"),
        "ownership": ownership_job.OwnershipJobFacet(
            owners=[ownership_job.Owner(name="user:zoe"), ownership_job.Owner(name="team:platform-team")]
        ),
        "documentation": documentation_job.DocumentationJobFacet(description="Loads the shop's orders."),
        "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
            type="git", url="https://git.example.com/tea/dags/blob/main/shop_load.py", path="dags/shop_load.py"
        ),
        "tags": tags_job.TagsJobFacet(
            tags=[tags_job.TagsJobFacetFields("tier", "1"), tags_job.TagsJobFacetFields("nightly", "true")]
        ),
        "sql": sql_job.SQLJobFacet(query=f"insert into raw.raw_orders select * from o where m = '{LITERAL}'"),
    }
    run_facets: dict[str, Any] = {}
    if state == "FAIL":
        run_facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(f"no {LITERAL}", "sql", "trace")
    if parent:
        run_facets["parent"] = parent_run.ParentRunFacet(
            parent_run.Run(run_id(parent)), parent_run.Job("airflow", name.partition(".")[0])
        )
    return RunEvent(
        eventTime=at(hours),
        eventType=RunState[state],
        run=Run(run_id(number), run_facets),
        job=Job("airflow", name, facets | (job_facets or {})),
        inputs=[InputDataset(APP, "shop.public.orders")] if inputs is None else inputs,
        outputs=[OutputDataset(PG, "wh.raw.raw_orders")] if outputs is None else outputs,
        producer=PRODUCER,
    )


def with_columns() -> OutputDataset:
    """The loaded table with what its columns are made from."""
    field = column_lineage_dataset.InputField
    direct = [column_lineage_dataset.Transformation("DIRECT", "IDENTITY", f"as '{LITERAL}'")]
    filters = [column_lineage_dataset.Transformation("INDIRECT", "FILTER")]
    lineage = column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            "Id": column_lineage_dataset.Fields([field(APP, "shop.public.orders", "ID", direct)]),
            "amount": column_lineage_dataset.Fields(
                [field(APP, "shop.public.orders", "gross", direct), field(APP, "shop.public.orders", "state", filters)]
            ),
        },
        dataset=[field(APP, "shop.public.orders", "tenant", filters)],
    )
    return OutputDataset(PG, "wh.raw.raw_orders", facets={"columnLineage": lineage})


def spark_export() -> RunEvent:
    """A Spark job that reads a mart and writes files, which a table of the lake is another name of."""
    lake = OutputDataset(
        LAKE,
        "exports/orders",
        facets={
            "symlinks": symlinks_dataset.SymlinksDatasetFacet(
                [symlinks_dataset.Identifier("hive://metastore.example:9083", "exports.orders", "TABLE")]
            ),
            "ownership": ownership_dataset.OwnershipDatasetFacet([ownership_dataset.Owner("team:partner-team")]),
        },
    )
    return load_orders(10, 3.0, name="partner_export", inputs=[InputDataset(PG, "wh.main.orders")], outputs=[lake])


def quality_check(success: bool = False, hours: float = 1.0) -> RunEvent:
    """A job that tests a table."""
    assertion = data_quality_assertions_dataset.Assertion(
        assertion="not_null", success=success, column="id", expected=LITERAL, actual=LITERAL
    )
    facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet([assertion])
    checked = InputDataset(PG, "wh.raw.raw_orders", inputFacets={"dataQualityAssertions": facet})
    return load_orders(20, hours, name="quality.raw_orders", inputs=[checked], outputs=[])


def dataset(namespace: str, name: str, **facets: Any) -> DatasetEvent:
    """An event that speaks of a dataset alone."""
    return DatasetEvent(eventTime=at(5), dataset=StaticDataset(namespace, name, facets=facets), producer=PRODUCER)


def changed(how: str, namespace: str, name: str, before: str = "", hours: float = 1.0) -> RunEvent:
    """A job that drops or renames a table."""
    kinds = lifecycle_state_change_dataset.LifecycleStateChange
    previous = lifecycle_state_change_dataset.PreviousIdentifier(before, namespace) if before else None
    facet = lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(kinds[how], previous)
    output = OutputDataset(namespace, name, facets={"lifecycleStateChange": facet})
    return load_orders(30, hours, name="tidy_up", inputs=[], outputs=[output])


def design() -> JobEvent:
    """A job that was declared and never ran."""
    return JobEvent(
        eventTime=at(8),
        job=Job("fivetran", "crm_accounts"),
        inputs=[InputDataset("salesforce://tea.example", "Account")],
        outputs=[OutputDataset(PG, "wh.raw.accounts")],
        producer=PRODUCER,
    )


def everything() -> list[Any]:
    """All of the above."""
    return [
        load_orders(1, 26, "START"),
        load_orders(1, 25.9, "COMPLETE", outputs=[with_columns()]),
        load_orders(2, 2, "START"),
        load_orders(2, 1.9, "FAIL"),
        spark_export(),
        quality_check(),
        design(),
        dataset("kafka://broker.example:9092", "clicks"),
    ]


def lines(*events: Any) -> str:
    """Events as the file transport appends them."""
    return "".join(Serde.to_json(event) + "\n" for event in events)


def loose(**more: Any) -> dict[str, Any]:
    """An event as plain JSON, for what no client would write."""
    return json.loads(Serde.to_json(load_orders())) | more


def write(folder: Path, *events: Any, name: str = "events.jsonl") -> Path:
    """A file of events, as their text or as the client's objects."""
    text = "".join(
        e + "\n" if isinstance(e, str) else json.dumps(e) + "\n" if isinstance(e, dict) else lines(e) for e in events
    )
    path = folder / name
    path.write_text(text)
    return path


def read(folder: Path, path: str = "events.jsonl", **options: Any) -> list[AnyRecord]:
    """What the connector makes of a file."""
    return list(OpenLineage({"path": path, **options}, Context(root=str(folder), now=NOW)).records())
