"""What reading OpenLineage events costs beside decoding their JSON.

    python -m bench.lineage read FOLDER        the connector: events to records
    python -m bench.lineage msgspec FOLDER     floor: decode each line, and nothing else
    python -m bench.lineage orjson FOLDER      the same with orjson

There are 5,000 jobs; a run is a START and a COMPLETE of about 2,000 bytes, as orchestrators send them: facets that are
read, facets that are not (SQL, statistics, schemas), an owner, two inputs and an output with column lineage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

JOBS = 5_000
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NAMESPACE = "postgres://warehouse.example:5432"
FILE = "events.jsonl"


def write(folder: Path, events: int) -> None:
    """`events.jsonl` with so many run events, the same ones at each call."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in _events(events))


def _events(count: int) -> Iterator[dict[str, Any]]:
    runs = count // 2
    step = timedelta(days=25) / runs
    for run in range(runs):
        started = NOW - timedelta(days=26) + run * step
        failed = run % 97 == 0
        yield _event(run, "START", started)
        yield _event(run, "FAIL" if failed else "COMPLETE", started + timedelta(minutes=3))


def _event(run: int, kind: str, at: datetime) -> dict[str, Any]:
    job = run % JOBS
    about = {
        "_producer": "https://example.com/producer",
        "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/F.json",
    }
    fields = [{"name": f"column_{i}", "type": "VARCHAR"} for i in range(6)]
    above = [f"wh.raw.table_{job}", f"wh.raw.table_{(job * 7 + 1) % JOBS}"]
    lineage = {
        f"column_{i}": {"inputFields": [{"namespace": NAMESPACE, "name": above[0], "field": f"column_{i}"}]}
        for i in range(3)
    }
    output = {
        "namespace": NAMESPACE,
        "name": f"wh.mart.table_{job}",
        "facets": {"schema": {**about, "fields": fields}, "columnLineage": {**about, "fields": lineage}},
        "outputFacets": {"outputStatistics": {**about, "rowCount": run * 13, "size": run * 977}},
    }
    return {
        "eventTime": at.isoformat(),
        "eventType": kind,
        "producer": "https://example.com/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"019a0000-0000-7000-8000-{run:012d}", "facets": {"nominalTime": {**about, "n": str(at)}}},
        "job": {
            "namespace": "orchestrator",
            "name": f"dag_{job % 400}.task_{job}",
            "facets": {
                "jobType": {**about, "processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"},
                "ownership": {**about, "owners": [{"name": f"team:team-{job % 30}", "type": "MAINTAINER"}]},
                "sql": {**about, "query": f"insert into {output['name']} select * from {above[0]} join {above[1]}"},
            },
        },
        "inputs": [{"namespace": NAMESPACE, "name": name, "facets": {}} for name in above],
        "outputs": [output] if kind != "START" else [],
    }


def read(folder: str) -> None:
    """The connector, from file to records."""
    from headway.connectors.openlineage.connector import OpenLineage
    from headway.connectors.protocol import Context
    from headway.graph.model import Node

    records = list(OpenLineage({"path": FILE}, Context(root=folder, now=NOW)).records())
    jobs = sum(isinstance(record, Node) and record.kind == "job" for record in records)
    assert jobs == JOBS, f"{jobs} jobs"


def decode(folder: str, with_: str) -> None:
    """Decode each line, hold one at a time."""
    if with_ == "orjson":
        import orjson

        one = orjson.loads
    else:
        import msgspec

        one = msgspec.json.Decoder().decode
    with Path(folder, FILE).open("rb") as file:
        assert sum(1 for line in file if one(line)["job"]) > 0


def main(arguments: list[str]) -> int:
    """Run one of the commands above."""
    command, argument = arguments
    if command == "read":
        read(argument)
    else:
        decode(argument, command)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
