"""What a goal says of itself to a reader elsewhere, in Markdown: dbt's docs, a data catalog."""

from __future__ import annotations

from headway.answer import figure
from headway.graph.graph import Graph
from headway.graph.model import Target
from headway.questions.status import standing_of


class GoalWords:
    """Texts about the goals of one graph. `figures`: with the current values in them."""

    def __init__(self, graph: Graph, *, figures: bool = True) -> None:
        self._graph = graph
        self._figures = figures
        self._standing = standing_of(graph)

    def objective(self, objective: int) -> str:
        """An objective's own description, how it stands, and its key results and deliverables, one a line."""
        graph, node, rolled = self._graph, self._graph.nodes[objective], self._standing.objectives[objective]
        parts = [node.description.strip()] if node.description.strip() else []
        lines = [self.line(p) for p in graph.parts.get(objective, ()) if self._is_told(p)]
        if self._figures:
            done = "" if rolled.progress is None else f"{rolled.progress:.0%} of the way, "
            parts.append(f"**{done}{rolled.status}**; {rolled.measured} of {rolled.items} key results measured.")
        if lines:
            parts.append("\n".join(f"- {line}" for line in lines))
        return "\n\n".join(parts) or node.label

    def key_result(self, goal: int) -> str:
        """A key result's own description, and what it aims at."""
        return "\n\n".join(filter(None, (self._graph.nodes[goal].description.strip(), self.line(goal))))

    def line(self, goal: int) -> str:
        """A key result or a deliverable in one line: its name, its aim, and how it stands."""
        graph, label = self._graph, self._graph.nodes[goal].label
        if goal in graph.deliverables:
            record = graph.deliverables[goal]
            return f"{label}: {'done' if record.done else 'open'}" + (f", due {record.due}" if record.due else "")
        target, now = graph.targets.get(goal), self._standing.key_results.get(goal)
        unit = f" {target.unit}" if target and target.unit else ""
        aims = _aims(target, unit) if target else []
        if self._figures and now is not None:
            value = "no value" if now.value is None else f"now {figure(now.value)}{unit}"
            aims.append(f"{value} ({now.pace})")
        return f"{label}: {', '.join(aims)}" if aims else label

    def _is_told(self, part: int) -> bool:
        target = self._graph.targets.get(part)
        return part in self._graph.deliverables or (target is not None and not target.draft)


def _aims(target: Target, unit: str) -> list[str]:
    """`from 100 to 200 EUR`, `between 0.45 and 0.6`, `by 2026-12-31`."""
    aims = []
    if target.band:
        low, high = target.band.low, target.band.high
        ends = ["" if end is None else _stated(end) for end in (low, high)]
        if all(ends):
            aims.append(f"between {ends[0]} and {ends[1]}")
        else:
            aims.append(f"{'at least' if ends[0] else 'at most'} {''.join(ends)}")
    elif target.target is not None:
        start = "" if target.baseline is None else f"from {_stated(target.baseline)} "
        aims.append(f"{start}to {_stated(target.target)}{unit}")
    if target.due:
        aims.append(f"by {target.due}")
    return aims


def _stated(number: float) -> str:
    """A number that people agreed on, to its last digit."""
    return f"{number:,.15g}"
