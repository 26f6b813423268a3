"""Readings of the living key results: which to evaluate, on which warehouse, and what to say when that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.errors import ConfigError, HeadwayError
from headway.graph.graph import Graph
from headway.graph.metric_tree import Component, Sides
from headway.graph.model import Gap, Reading, Target
from headway.project.outside import Outside, measure

if TYPE_CHECKING:
    from headway.project.workspace import Project
    from headway.warehouse.profile import Profile

InputReader = Callable[[Target, Sequence[Component], date | None, date | None, str], Sides]
"""Key result, its metric's tree and other metrics, the two days, and a dimension or '' -> what the inputs were."""


def readings(project: Project, graph: Graph) -> Iterator[Reading | Gap]:
    """Evaluate every key result of a living objective that is bound to a metric, a model or SQL, where it can be."""
    targets = [graph.targets[g] for g in graph.goals if g in graph.targets and graph.active >> graph.bit[g] & 1]
    wanted = [t for t in targets if t.binding.way in {"metric", "model", "sql"}]
    outside = Outside(project, graph, wanted)
    yield from outside.readings()
    wanted = [t for t in wanted if t.key_result not in outside.taken]
    if not wanted:
        return
    try:
        yield from _evaluate(project, graph, wanted)
    except HeadwayError as error:
        message = f"the key results could not be evaluated: {error.message}"
        yield Gap(topic="values", message=message, hint=error.hint)


def input_reader(project: Project) -> InputReader:
    """Reads the inputs of a key result's metric on two days, from the warehouse of the dbt profile.

    What it returns raises HeadwayError where that cannot be.
    """

    def read(target: Target, components: Sequence[Component], since: date | None, until: date | None, by: str) -> Sides:
        from headway.warehouse.connection import connect
        from headway.warehouse.inputs import read_sides

        with connect(_profile(project)) as connection:
            return read_sides(
                target,
                components,
                manifest_path=manifest_path(project),
                connection=connection,
                as_of=project.as_of,
                since=since,
                until=until,
                by=by,
            )

    return read


def _profile(project: Project) -> Profile:
    from headway.warehouse.profile import load_profile

    if not any(source.connector == "dbt" for source in project.config.sources):
        message = "values are computed on the warehouse of a dbt project, and dbt: false says that there is none"
        raise ConfigError(message, hint="write their readings into the goals file")
    return load_profile(
        Path(project.config.root),
        profiles_dir=project.config.profiles_dir,
        target=project.config.target,
        environment=project.environment,
    )


def _evaluate(project: Project, graph: Graph, targets: list[Target]) -> Iterator[Reading | Gap]:
    from headway.warehouse.connection import connect
    from headway.warehouse.values import evaluate

    titles = {t.key_result: graph.nodes[graph.index[t.key_result]].label for t in targets}
    with connect(_profile(project)) as connection:
        yield from evaluate(
            targets,
            manifest_path=manifest_path(project),
            connection=connection,
            as_of=project.as_of,
            now=project.now,
            titles=titles,
            measures={t.key_result: found for t in targets if (found := measure_of(graph, t)) is not None},
            progress=project.progress,
        )


def measure_of(graph: Graph, target: Target) -> Mapping[str, Any] | None:
    """How the measure of a BI tool that a key result is bound to is computed; None for every other binding."""
    node = measure(graph, target)
    return None if node is None else node.meta["sql"]


def manifest_path(project: Project) -> Path:
    """Where the dbt connector of a project reads its manifest."""
    options = next((s.options for s in project.config.sources if s.connector == "dbt"), {})
    root = Path(project.config.root)
    if options.get("manifest"):
        return root / str(options["manifest"])
    return root / str(options.get("target", "target")) / "manifest.json"
