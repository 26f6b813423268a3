"""`headway export openlineage`: the headed DAG as OpenLineage events of its design, written by the official client.

No run is spoken of, so that every event is a job event. A model, seed or snapshot is a job that reads tables and writes
its own; a key result is a job that reads the tables it is computed from and writes none. Tags say which objectives a
job serves, as `objective`: the id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headway import __version__
from headway.errors import MissingExtra
from headway.graph.graph import Graph
from headway.graph.tables import is_outside

if TYPE_CHECKING:
    from headway.project.workspace import Project

PRODUCER = f"urn:headway:{__version__}"
_BUILT = frozenset({"model", "seed", "snapshot"})


def events(project: Project, *, namespace: str = "") -> Iterator[str]:
    """One event a line, as JSON without line ends.

    `namespace` is how other producers call the warehouse, such as `postgres://db.example:5432` or `bigquery`; the
    project's name without. Raises MissingExtra when the client is not installed.
    """
    try:
        from openlineage.client.event_v2 import Job, JobEvent
        from openlineage.client.serde import Serde
    except ImportError:
        raise MissingExtra("openlineage", "Writing OpenLineage events") from None
    graph = project.graph()
    name = project.config.project or "headway"
    made = _Events(graph, namespace or name)
    at = _time(project)
    for i in _jobs(graph):
        job = Job(namespace=name, name=made.name_of(i), facets=made.facets(i))
        event = JobEvent(eventTime=at, producer=PRODUCER, job=job, inputs=made.inputs(i), outputs=made.outputs(i))
        yield Serde.to_json(event)


def _time(project: Project) -> str:
    """The moment that the graph is of: the last sync, or the day of the answer, so that it is the same for the same."""
    synced = project.graph().synced_at
    at = synced or datetime.combine(project.as_of, datetime.min.time(), tzinfo=project.now.tzinfo)
    return at.isoformat().replace("+00:00", "Z")


def _jobs(graph: Graph) -> Iterator[int]:
    for i, node in enumerate(graph.nodes):
        if (node.kind in _BUILT and node.relation) or (node.kind == "key_result" and i in graph.fed_by):
            yield i


class _Events:
    """Datasets and facets of one graph."""

    def __init__(self, graph: Graph, namespace: str) -> None:
        self._graph = graph
        self._namespace = namespace

    def name_of(self, i: int) -> str:
        """`model.shop.orders`, `key_result.grow.mrr`."""
        return self._graph.nodes[i].id.partition(":")[2]

    def outputs(self, i: int) -> list[Any]:
        """The table that a model builds; nothing for a key result."""
        from openlineage.client.event_v2 import OutputDataset

        node = self._graph.nodes[i]
        return [OutputDataset(namespace=self._namespace, name=node.relation)] if node.kind in _BUILT else []

    def inputs(self, i: int) -> list[Any]:
        """The nearest tables that something is made from, each once.

        What a job outside dbt adds to them is told by whoever runs that job.
        """
        from openlineage.client.event_v2 import InputDataset

        starts: Sequence[int] = self._graph.upstream[i] or self._graph.fed_by.get(i, ())
        names: dict[tuple[str, str], None] = {}
        todo, seen = list(starts), set(starts)
        while todo:
            node = self._graph.nodes[above := todo.pop(0)]
            if node.kind == "job":
                continue
            if node.relation:
                elsewhere = node.group if is_outside(node) else ""
                names[elsewhere or self._namespace, node.relation] = None
                continue
            fresh = [u for u in self._graph.upstream[above] if u not in seen]
            seen.update(fresh)
            todo += fresh
        return [InputDataset(namespace=namespace, name=name) for namespace, name in names]

    def facets(self, i: int) -> dict[str, Any]:
        """Owner, description, and the objectives that a job serves."""
        from openlineage.client.facet_v2 import documentation_job, job_type_job, ownership_job, tags_job

        graph, node = self._graph, self._graph.nodes[i]
        kind = "KEY_RESULT" if node.kind == "key_result" else node.kind.upper()
        tool = "HEADWAY" if kind == "KEY_RESULT" else "DBT"
        found: dict[str, Any] = {
            "jobType": job_type_job.JobTypeJobFacet(
                processingType="BATCH", integration=tool, jobType=kind, producer=PRODUCER
            )
        }
        text = node.description.strip() or node.title
        if text:
            found["documentation"] = documentation_job.DocumentationJobFacet(description=text, producer=PRODUCER)
        if node.owner:
            owners = [ownership_job.Owner(name=f"team:{node.owner}", type="OWNER")]
            found["ownership"] = ownership_job.OwnershipJobFacet(owners=owners, producer=PRODUCER)
        goals = [i] if node.kind == "key_result" else graph.goals_in(graph.served[i])
        served = list(dict.fromkeys(graph.nodes[graph.objective_of(g)].id.partition(".")[2] for g in goals))
        if served:
            tags = [tags_job.TagsJobFacetFields(key="objective", value=name, source="HEADWAY") for name in served]
            found["tags"] = tags_job.TagsJobFacet(tags=tags, producer=PRODUCER)
        return found
