"""The goals that were read, as the records every other part of Headway works on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.connectors.goals.checks import derived_direction
from headway.connectors.goals.reader import Goal, Goals
from headway.connectors.goals.shape import Block
from headway.connectors.goals.tables import NoParser, Unreadable, tables
from headway.errors import Place
from headway.graph.model import (
    AnyRecord,
    Band,
    Binding,
    Change,
    Checkpoint,
    Deliverable,
    Edge,
    Gap,
    Node,
    Objective,
    Origin,
    Reading,
    Target,
    goal_id,
)

CONNECTOR = "goals"


def records(goals: Goals, dialect: str = "") -> Iterator[AnyRecord]:
    """Nodes, edges, targets and readings, objective by objective in the order of the files.

    `dialect` is the SQL dialect of key results bound to `sql`.
    """
    for order, goal in enumerate(goals.objectives):
        yield from _objective(goal, order)
        for block in goal.block.blocks("key_results"):
            yield from _key_result(block, goal, dialect)
        for block in goal.block.blocks("deliverables"):
            yield from _deliverable(block, goal)
        for block in goal.block.blocks("initiatives"):
            yield from _initiative(block, goal)
    for block in goals.bindings:
        yield from _bound(block, dialect)


def _origin(place: Place) -> Origin:
    return Origin(connector=CONNECTOR, file=place.file, line=place.line)


def _node(block: Block, kind: str, node: str, owner: str) -> Node:
    owner = block.text("owner") or owner
    return Node(
        id=node,
        kind=kind,
        name=block.text("id"),
        title=block.text("title"),
        owner=owner,
        owner_origin=CONNECTOR if owner else "",
        tags=block.texts("tags"),
        url=block.text("url"),
        description=block.text("description"),
        meta=_meta(block),
        origin=_origin(block.place),
    )


def _meta(block: Block) -> dict[str, Any]:
    """Which goal of another tool it is, and which findings it excuses, written as beside an asset."""
    found: dict[str, Any] = {"same_as": block.text("same_as")} if block.text("same_as") else {}
    excused = [
        {"code": e.text("code"), "because": e.text("because"), "until": e.values["until"].isoformat()}
        for e in block.blocks("ignore")
    ]
    return found | ({"ignore": excused} if excused else {})


def _weight(block: Block) -> float:
    weight = block.number("weight")
    return 1.0 if weight is None else weight


def _objective(goal: Goal, order: int) -> Iterator[AnyRecord]:
    block, node, origin = goal.block, goal_id("objective", goal.id), _origin(goal.block.place)
    parents = [goal_id("objective", parent) for parent in goal.parents]
    limit = block.number("limit")
    yield _node(block, "objective", node, "")
    yield Objective(
        objective=node,
        start=goal.span.start,
        end=goal.span.end,
        period=goal.period,
        weight=_weight(block),
        parent=parents[0] if parents else "",
        standing=block.values.get("standing") is True,
        limit=None if limit is None else int(limit),
        state=block.values.get("state", ""),
        order=order,
        origin=origin,
    )
    for parent in parents:
        yield Edge(upstream=node, downstream=parent, role="supports", origin=origin)


def _key_result(block: Block, goal: Goal, dialect: str) -> Iterator[AnyRecord]:
    node, origin = goal_id("key_result", goal.id, block.text("id")), _origin(block.place)
    objective = goal_id("objective", goal.id)
    yield _node(block, "key_result", node, goal.block.text("owner"))
    yield _target(block, goal, node)
    yield Edge(upstream=node, downstream=objective, role="supports", origin=origin)
    yield from _lineage(block, node, dialect)
    yield from _boards(block, node)
    for reading in sorted(block.blocks("readings"), key=lambda r: r.values["date"]):
        place = reading.place
        yield Reading(
            key_result=node,
            day=reading.values["date"],
            value=reading.number("value"),
            source="manual",
            proof=f"{place.file}:{place.line}",
            origin=_origin(place),
        )
    yield from _doubts(block, node)


def _boards(block: Block, node: str) -> Iterator[Edge]:
    for word in {word.text: word for word in block.words("shown_on")}.values():
        yield Edge(upstream=f"ref:shown/{word.text}", downstream=node, role="shows", origin=_origin(word.place))


def _bound(block: Block, dialect: str) -> Iterator[AnyRecord]:
    """The binding of a goal of another tool: a Target without an objective, and what feeds and shows the goal."""
    node = block.text("goal")
    yield Target(
        key_result=node,
        objective="",
        baseline=block.number("baseline"),
        target=block.number("target"),
        unit=block.text("unit"),
        binding=_binding(block),
        origin=_origin(block.place),
    )
    yield from _lineage(block, node, dialect)
    yield from _boards(block, node)


def _target(block: Block, goal: Goal, node: str) -> Target:
    band = block.values.get("band")
    return Target(
        key_result=node,
        objective=goal_id("objective", goal.id),
        weight=_weight(block),
        baseline=block.number("baseline"),
        target=block.number("target"),
        commit=block.number("commit"),
        stretch=block.number("stretch"),
        band=Band(band.number("low"), band.number("high"), band.number("tolerance") or 0.0) if band else None,
        direction=block.values.get("direction") or derived_direction(block),
        unit=block.text("unit"),
        start=block.day("start") or goal.span.start,
        due=block.day("due") or goal.span.end,
        shape=block.values.get("shape", "linear"),
        checkpoints=tuple(
            Checkpoint(c.values["date"], c.values["value"])
            for c in sorted(block.blocks("checkpoints"), key=lambda c: c.values["date"])
        ),
        binding=_binding(block),
        draft=block.values.get("draft") is True,
        changes=tuple(
            Change(at=c.values["date"], field=c.text("field"), before=c.number("before"), after=c.number("after"))
            for c in _changes(block)
        ),
        origin=_origin(block.place),
    )


def _binding(block: Block) -> Binding:
    return Binding(
        metric=block.text("metric"),
        model=block.text("model"),
        expression=block.text("expression"),
        time=block.text("time"),
        sql=block.text("sql"),
        where=block.texts("where"),
        grain=block.text("grain"),
        dimensions=_once(block, "dimensions"),
        manual="readings" in block.values,
    )


def _lineage(block: Block, node: str, dialect: str) -> Iterator[AnyRecord]:
    """Edges from what the value is computed from."""
    for kind in ("metric", "model"):
        if name := block.text(kind):
            origin = _origin(block.at(kind))
            yield Edge(upstream=f"ref:{kind}/{name}", downstream=node, role="feeds", origin=origin)
    sql = block.text("sql")
    if not sql:
        return
    origin = _origin(block.at("sql"))
    unknown = f"what {block.called} is computed from is unknown: "
    try:
        for relation in tables(sql, dialect):
            yield Edge(
                upstream=f"ref:relation/{relation}", downstream=node, role="feeds", evidence="parsed", origin=origin
            )
    except NoParser:
        message = unknown + "reading its SQL needs an optional part that is not installed"
        yield Gap(topic="lineage", message=message, node=node, hint="pip install sqlglot", origin=origin)
    except Unreadable as reason:
        message = unknown + f"its SQL cannot be followed, {reason}"
        yield Gap(topic="lineage", message=message, node=node, hint="check the query", origin=origin)


def _doubts(block: Block, node: str) -> Iterator[Gap]:
    """What reads well but does not say enough, or says two things."""
    if block.text("model") and not block.text("expression"):
        message = f"{block.called} names a model but no expression, so it has no value"
        hint = "add expression:, such as count(*)"
        yield Gap(topic="values", message=message, node=node, hint=hint, origin=_origin(block.at("model")))
    last = {change.text("field"): change for change in _changes(block)}
    for name, change in last.items():
        after, now = change.number("after"), block.number(name)
        if after is not None and now is not None and after != now:
            message = (
                f"the changes of key result {block.text('id')} end at {name} {after:.15g}, but its {name} is {now:.15g}"
            )
            hint = f"add the last change, or correct {name}"
            yield Gap(topic="goals", message=message, node=node, hint=hint, origin=_origin(change.place))


def _changes(block: Block) -> list[Block]:
    return sorted(block.blocks("changes"), key=lambda change: change.values["date"])


def _deliverable(block: Block, goal: Goal) -> Iterator[AnyRecord]:
    node, objective = goal_id("deliverable", goal.id, block.text("id")), goal_id("objective", goal.id)
    origin, done_on = _origin(block.place), block.day("done")
    yield _node(block, "deliverable", node, goal.block.text("owner"))
    yield Deliverable(
        deliverable=node,
        objective=objective,
        due=block.day("due"),
        done=done_on is not None or block.values.get("done") is True,
        done_on=done_on,
        origin=origin,
    )
    yield Edge(upstream=node, downstream=objective, role="supports", origin=origin)


def _initiative(block: Block, goal: Goal) -> Iterator[AnyRecord]:
    node, origin = goal_id("initiative", goal.id, block.text("id")), _origin(block.place)
    yield _node(block, "initiative", node, goal.block.text("owner"))
    towards = []
    for word in _once(block, "key_results"):
        objective, _, name = word.rpartition(".")
        towards.append(goal_id("key_result", objective or goal.id, name))
    for downstream in dict.fromkeys(towards) or [goal_id("objective", goal.id)]:
        yield Edge(upstream=node, downstream=downstream, role="supports", origin=origin)


def _once(block: Block, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(block.texts(name)))
