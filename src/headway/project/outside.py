"""Key results that a source computes itself: which these are, what is asked, and what to say when that cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headway.connectors.protocol import Context, Evaluates, Wanted
from headway.errors import HeadwayError
from headway.graph.graph import Graph
from headway.graph.model import Gap, Node, Origin, Reading, Target
from headway.project.plugins import connector_class
from headway.warehouse.periods import last_day, periods, series, to_date

if TYPE_CHECKING:
    from headway.project.workspace import Project


class Outside:
    """The sources of a project that compute metrics."""

    def __init__(self, project: Project, graph: Graph, targets: Sequence[Target]) -> None:
        self._project = project
        self._graph = graph
        self._gaps: list[Gap] = []
        measures = {t.key_result: node for t in targets if (node := measure(graph, t)) is not None}
        self._asked: list[tuple[str, Evaluates, list[Target]]] = []
        left = [t for t in targets if t.key_result in measures]
        for name, source in self._sources() if left else ():
            taken = [t for t in left if _takes(source, measures[t.key_result])]
            left = [t for t in left if t not in taken]
            if taken:
                self._asked.append((name, source, taken))
        self._measures: Mapping[str, Node] = measures

    @property
    def taken(self) -> frozenset[str]:
        """Ids of the key results that these sources are asked for."""
        return frozenset(t.key_result for _, _, targets in self._asked for t in targets)

    def readings(self) -> Iterator[Reading | Gap]:
        """What the sources say. A source that cannot be asked at all is a gap."""
        yield from self._gaps
        for name, source, targets in self._asked:
            wanted = []
            for target in targets:
                made = self._wanted(target)
                if isinstance(made, Gap):
                    yield made
                else:
                    wanted.append(made)
            try:
                if wanted:
                    yield from source.readings(wanted)
            except HeadwayError as error:
                message = f"{name} could not be asked for key results: {error.message}"
                yield Gap(topic="values", message=message, hint=error.hint, origin=Origin(connector=name))

    def _sources(self) -> Iterator[tuple[str, Evaluates]]:
        project = self._project
        for source in project.config.sources:
            made = connector_class(source.connector)
            if not hasattr(made, "readings"):
                continue
            context = Context(project.config.root, project.now, project.environment, project.progress)
            try:
                connector = made(source.options, context)
            except HeadwayError as error:
                message = f"{source.connector} could not be asked for key results: {error.message}"
                self._gaps.append(Gap(topic="values", message=message, hint=error.hint))
                continue
            if isinstance(connector, Evaluates):
                yield source.connector, connector

    def _wanted(self, target: Target) -> Wanted | Gap:
        as_of, grain = self._project.as_of, target.binding.grain
        title = self._graph.nodes[self._graph.index[target.key_result]].label
        window = series(target.start, target.due, as_of, grain) if grain else to_date(target.start, target.due, as_of)
        if window.end < window.start:
            message = f"{title!r} has no value: it has not begun: it starts on {window.start}"
            return Gap(topic="values", message=message, node=target.key_result)
        begins = periods(window, grain) if grain else ()
        return Wanted(
            key_result=target.key_result,
            title=title,
            metric=self._measures[target.key_result],
            time=target.binding.time,
            grain=grain,
            start=window.start,
            end=window.end,
            as_of=as_of,
            periods={day: last_day(day, grain) < as_of for day in begins},
            filters=target.binding.where,
        )


def measure(graph: Graph, target: Target) -> Node | None:
    """The measure of a BI tool that a key result is bound to; None for every other binding."""
    if not target.binding.metric:
        return None
    fed = (graph.nodes[i] for i in graph.fed_by.get(graph.index[target.key_result], ()))
    return next((node for node in fed if node.kind == "metric" and "sql" in node.meta), None)


def _takes(source: Evaluates, metric: Node) -> bool:
    computed = metric.meta["sql"]
    return source.takes(metric, computable=isinstance(computed, Mapping) and "problem" not in computed)
