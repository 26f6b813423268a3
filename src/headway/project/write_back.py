"""Current values of measured key results, given back to the tools that keep the goals.

What was written is in the ledger: what it is to be before it is sent, and that it was sent afterwards. So a run that is
killed is finished by the next one, a value is not sent twice, and what somebody changed there since is left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headway.connectors.goal_tree import NUMBER
from headway.errors import ConfigError, UsageError
from headway.graph.ledger import Entry
from headway.project.ledger import entries, entry, written_all
from headway.questions.status import standing_of
from headway.sinks.protocol import Delivered, Setting, Sink
from headway.sinks.values import Value

if TYPE_CHECKING:
    from headway.graph.graph import Graph
    from headway.project.workspace import Project

BY = "headway"
"""Who signs: no person wrote it."""
REST = "csv"
"""Sink of what no other sink takes."""
_MEASURED = frozenset({"metric", "model", "sql"})


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger has of one value in one tool."""

    sent: float | None = None
    begun: tuple[float, ...] = ()
    """What may have arrived since."""

    @property
    def ours(self) -> tuple[float, ...]:
        return (*(() if self.sent is None else (self.sent,)), *self.begun)


def write_back(project: Project, *, write: bool, force: bool = False, only: Sequence[str] = ()) -> Iterator[Delivered]:
    """Send the current values, or without `write` say what would be sent; tool by tool, key result by key result.

    `only`: names of sinks. Raises ConfigError where none is configured under `write_back:`, UsageError for one that is
    not configured and for a project without a store, and what the sinks raise.
    """
    configured = project.config.write_back
    if not configured:
        raise ConfigError("no place is configured to write values to", hint="write_back: {csv: {path: values.csv}}")
    if unknown := sorted(set(only) - set(configured)):
        raise UsageError(f"{unknown[0]} is not under write_back:", hint=f"there are {', '.join(configured)}")
    if write and not project.use_store:
        raise UsageError("what was written is kept in a store", hint="leave out what names the files one by one")
    waiting = values(project.graph(), configured)
    known = _folded(entries(project, "value"))
    setting = Setting(project.config.root, project.now, project.environment, project.progress)
    for name, options in configured.items():
        items = waiting.get(name, [])
        if (only and name not in only) or not items:
            continue
        ready = [_told(i, known.get(_subject(name, i), _Known()), force=force) for i in items]
        sink = sink_class(name)(options, setting)
        yield from _through(project, name, sink, ready, known, write=write)


def values(graph: Graph, sinks: Mapping[str, Any]) -> dict[str, list[Value]]:
    """Sink -> the values for it: of living key results that are measured, each where its goal is kept."""
    called: dict[int, list[str]] = defaultdict(list)
    for node_id, i in graph.index.items():
        called[i].append(node_id)
    assessed = standing_of(graph).key_results
    found: dict[str, list[Value]] = defaultdict(list)
    for goal in graph.goals:
        target = graph.targets.get(goal)
        if target is None or target.binding.way not in _MEASURED or not graph.active >> graph.bit[goal] & 1:
            continue
        now = assessed.get(goal)
        if now is None or now.value is None:
            continue
        value = Value(graph.nodes[goal].id, "", graph.nodes[goal].label, now.value, now.day, target.unit)
        homes = [(n.partition(":")[0], n) for n in called[goal] if n.partition(":")[0] in set(sinks) - {REST}]
        there = float(f"{now.value * target.there:.15g}")
        for name, node_id in homes if target.there else ():
            place = node_id.partition(":")[2].removesuffix(NUMBER)
            found[name].append(replace(value, key=node_id, place=place, value=there))
        if not homes and REST in sinks:
            found[REST].append(replace(value, place=value.key))
    return found


def _through(
    project: Project, name: str, sink: Sink[Value], items: list[Value], known: Mapping[str, _Known], *, write: bool
) -> Iterator[Delivered]:
    """Look first, then write down what is to be sent, send it, and write down that it was."""
    planned = list(sink.deliver(items, dry_run=True))
    if not write:
        yield from planned
        return
    by_key = {item.key: item for item in items}
    todo = [by_key[one.key] for one in planned if one.outcome == "would be sent"]
    for one in planned:
        if one.outcome != "would be sent":
            item = by_key[one.key]
            if one.outcome == "same" and known.get(_subject(name, item), _Known()) != _Known(item.value):
                written_all(project, [_entry(name, item, "sent")])
            yield one
    if not todo:
        return
    written_all(project, [_entry(name, item, "begun") for item in todo])
    for done in sink.deliver(todo, dry_run=False):
        item = by_key[done.key]
        written_all(project, [_entry(name, item, "sent" if done.outcome in {"sent", "same"} else "kept")])
        yield done


def _told(item: Value, known: _Known, *, force: bool) -> Value:
    return replace(item, ours=known.ours, fresh=known.sent is None, force=force)


def _folded(said: Sequence[Entry]) -> dict[str, _Known]:
    """What entries of the topic `value` say, oldest first."""
    found: dict[str, _Known] = {}
    for one in said:
        value, known = one.body.get("value"), found.get(one.subject, _Known())
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if one.act == "begun":
            found[one.subject] = _Known(known.sent, (*known.begun, float(value)))
        elif one.act == "sent":
            found[one.subject] = _Known(float(value))
        elif one.act == "kept":
            found[one.subject] = _Known(known.sent, tuple(v for v in known.begun if v != float(value)))
    return found


def _subject(name: str, item: Value) -> str:
    return f"{name} {item.key}"


def _entry(name: str, item: Value, act: str) -> Entry:
    return entry(topic="value", subject=_subject(name, item), act=act, by=BY, body={"value": item.value})


def sink_class(name: str) -> Callable[[Mapping[str, Any], Setting], Sink[Value]]:
    """The sink of values that is called so. Raises ConfigError."""
    from headway.sinks.asana_values import AsanaValues
    from headway.sinks.csv_values import CsvValues
    from headway.sinks.monday_values import MondayValues

    known: dict[str, Callable[[Mapping[str, Any], Setting], Sink[Value]]] = {
        sink.name: sink for sink in (AsanaValues, MondayValues, CsvValues)
    }
    if name not in known:
        raise ConfigError(f"values cannot be written to {name!r}", hint=f"write_back: one of {', '.join(known)}")
    return known[name]
