"""Cost: what each objective costs to serve, and what is spent on nothing. The parts sum exactly to the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal

from headway.answer import Answer, Column, Finding, figure, plural
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.graph.spend import PARTS, STORAGE, STORED, Ledger, Part, measured, stored
from headway.questions.evidence import ASSET_COLUMNS, amount_heading, amount_words, asset_values, gaps, make
from headway.questions.registry import Says, question
from headway.questions.usage import quadrants

REST = (
    ("shadow", "Used, no objective"),
    ("unknown", "Use not known, no objective"),
    ("zombie", "Nobody uses it, no objective"),
)
"""Parts of the cost that serve no objective, in the order they are shown: each a part of its own."""

By = Literal["objective", "owner", "folder", "tool", "kind"]

PIECES = 10
"""How many of the largest pieces that serve nothing are shown."""


@question("HW401")
def cost(
    graph: Graph,
    *,
    by: Annotated[By, Says("What to split it by.")] = "objective",
    days: Annotated[int, Says("Days up to the as-of date that are added up.")] = 30,
    unit: Annotated[str, Says("Only this unit; all of them, each on its own, without.")] = "",
) -> Answer:
    """What does each objective cost, and what is spent on nothing?

    Every asset's cost flows up to the objectives it serves; what serves several is split equally between them. Amounts
    are exact to a millionth of the unit, and the parts sum exactly to the whole, whatever they are split by. What dbt
    spends on building an asset and what people and tools spend on reading it are shown apart where the source tells.

    Units are never added together; the price list under `prices` in headway.yml turns credits, bytes or seconds into
    money, and such amounts are marked as converted. Where no cost is known, the time that the warehouse took, or that
    the last dbt run took, stands in for it and says so.

    What tables occupy is shown apart, as bytes stored on the newest day that is known; they are never added to the
    bytes that were read. With a price for `storage`, a byte for a month of 30 days, they are money as well.
    """
    days = min(max(days, 1), (graph.as_of - date.min).days + 1)
    ledgers = list(_ledgers(graph, unit, days))
    more = gaps(graph, "cost", "usage", "lineage")
    if not ledgers:
        return make(graph, "cost", "HW401", _nothing(graph, unit, days), gaps=more)
    answers = [_in_unit(graph, ledger, by, days) for ledger in ledgers]
    flows = [ledger for ledger in ledgers if not ledger.stock]
    if len(flows) <= 1:
        main, *details = (answer for parts in answers for answer in parts)
        return make(
            graph,
            "cost",
            "HW401",
            main.headline,
            main.columns,
            main.rows,
            totals=main.totals,
            sections=tuple(details),
            gaps=more,
        )
    units = ", ".join(ledger.unit for ledger in flows)
    headline = f"Costs are known in {plural(len(flows), 'unit')}: {units}. They are never added together."
    return make(graph, "cost", "HW401", headline, sections=tuple(s for a in answers for s in a), gaps=more)


def _ledgers(graph: Graph, unit: str, days: int) -> Iterator[Ledger]:
    start = graph.as_of - timedelta(days=days - 1)
    known = graph.spend(start, graph.as_of)
    wanted = [ledger for ledger in known if not unit or ledger.unit == unit]
    if not wanted and unit and (found := measured(graph, unit, start, graph.as_of)):
        wanted = [found]
    yield from wanted
    if (unit == STORED or (not unit and STORAGE not in graph.prices)) and (kept := stored(graph, start, graph.as_of)):
        yield kept


def _nothing(graph: Graph, unit: str, days: int) -> str:
    start = graph.as_of - timedelta(days=days - 1)
    known = [ledger.unit for ledger in graph.spend(start, graph.as_of)]
    if stored(graph, start, graph.as_of):
        known.append(STORED)
    if unit and known:
        return f"No cost is known in {unit}; costs are known in {', '.join(known)}."
    return "No cost is known, because no source of cost is connected."


def objective_masks(graph: Graph) -> tuple[list[int], list[int]]:
    """The objectives that cost flows to, and for every node a mask with a bit for each that it serves, by position."""
    objectives = sorted({graph.objective_of(g) for g in graph.goals_in(graph.active)})
    place = {o: k for k, o in enumerate(objectives)}
    by_goals: dict[int, int] = {0: 0}
    masks = []
    for mask in graph.served:
        found = by_goals.get(mask)
        if found is None:
            found = 0
            for goal in graph.goals_in(mask):
                found |= 1 << place[graph.objective_of(goal)]
            by_goals[mask] = found
        masks.append(found)
    return objectives, masks


def split_by_objective(graph: Graph, amounts: Sequence[int]) -> tuple[dict[int, int], dict[str, int]]:
    """Amounts (millionths) by objective, and by what serves none (keys of REST). Together exactly the whole."""
    objectives, masks = objective_masks(graph)
    parts = graph.attribute(amounts, masks, len(objectives))
    rest = {key: 0 for key, _ in REST}
    placed = quadrants(graph)
    for i in graph.assets:
        if not masks[i] and amounts[i]:
            rest[placed[i] or "unknown"] += amounts[i]
    return dict(zip(objectives, parts.parts, strict=True)), rest


@dataclass
class _Line:
    """One part of the whole: its name, its key for machines, and its amounts by how they were spent."""

    name: str
    key: str
    node: str = ""
    counts: bool = False
    spent: dict[Part, int] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        return sum(self.spent.values())


def _in_unit(graph: Graph, ledger: Ledger, by: By, days: int) -> list[Answer]:
    """The split of one ledger, and what explains it."""
    lines = _by_objective(graph, ledger) if by == "objective" else _by_label(ledger, _labels(graph, by))
    total = ledger.total
    whole = _Line("Total", "total", spent={part: sum(ledger.parts[part]) for part in PARTS})
    rows = [_row(line, ledger) for line in (*lines, whole)]
    totals = {
        "unit": ledger.unit,
        "days": days,
        "by": by,
        "total_micros": total,
        "parts_micros": {line.key: line.amount for line in lines},
        "spent_micros": {part: whole.spent[part] for part in PARTS},
        "stands_in": ledger.stand_in or None,
        "converted_micros": {c.unit: c.money for c in ledger.conversions},
    }
    heading = "What for" if by == "objective" else by.capitalize()
    columns = (Column("part", heading), Column("amount", amount_heading(ledger), "money"), _SHARE, *_parts(ledger))
    headline = _headline(ledger, lines, by, days)
    answers = [make(graph, "cost", "HW401", headline, columns, rows, totals=totals)]
    if by == "objective" and (pieces := _pieces(graph, ledger)):
        answers.append(pieces)
    if ledger.conversions:
        answers.append(_converted(graph, ledger))
    return answers


_SHARE = Column("share", "Share", "percent")


def _parts(ledger: Ledger) -> tuple[Column, ...]:
    """Columns of what it was spent on, as `_apart` gives the values."""
    if ledger.stock:
        return ()
    columns = (
        Column("build", "Building it", "money", secondary=True),
        Column("read", "Reading it", "money", secondary=True),
    )
    return (*columns, Column("keep", "Storing it", "money", secondary=True)) if ledger.stores else columns


def _row(line: _Line, ledger: Ledger) -> Finding:
    share = round(line.amount / ledger.total, 4) if ledger.total else None
    values = (line.name, line.amount / 1_000_000, share, *_apart(line.spent, ledger))
    return Finding(values=values, node=line.node, counts=line.counts)


def _apart(spent: Mapping[Part, int], ledger: Ledger) -> tuple[float | None, ...]:
    """What was spent on building and on reading, None where no source tells them apart; and on storing, where known."""
    if ledger.stock:
        return ()
    told: list[float | None] = [None, None]
    if ledger.told_apart:
        told = [spent.get("build", 0) / 1_000_000, spent.get("read", 0) / 1_000_000]
    return (*told, spent.get("keep", 0) / 1_000_000) if ledger.stores else tuple(told)


# ---------------------------------------------------------------------- splits


def _by_objective(graph: Graph, ledger: Ledger) -> list[_Line]:
    """Objectives, the dearest first, then what serves none. Each part is split by itself, so that all add up."""
    split = {part: split_by_objective(graph, amounts) for part, amounts in ledger.parts.items()}
    lines = []
    for o in split["either"][0]:
        node = graph.nodes[o]
        spent = {part: by_objective[o] for part, (by_objective, _) in split.items()}
        lines.append(_Line(node.label, node.id, node.id, spent=spent))
    lines.sort(key=lambda line: (-line.amount, line.name))
    for key, text in REST:
        spent = {part: rest[key] for part, (_, rest) in split.items()}
        lines.append(_Line(text, f"none:{key}", counts=key == "zombie" and sum(spent.values()) > 0, spent=spent))
    return lines


def _labels(graph: Graph, by: By) -> Callable[[int, str], str]:
    """What a cell (its node and tool) is listed under."""
    nodes = graph.nodes
    return {
        "owner": lambda i, _: nodes[i].owner or "no owner",
        "folder": lambda i, _: nodes[i].path.rpartition("/")[0] or ("." if nodes[i].path else "no file"),
        "kind": lambda i, _: KINDS[nodes[i].kind].plural,
        "tool": lambda _, tool: tool or "not known",
    }[by]


def _by_label(ledger: Ledger, label: Callable[[int, str], str]) -> list[_Line]:
    found: dict[str, _Line] = {}
    for (node, part, tool), amount in ledger.cells.items():
        name = label(node, tool)
        line = found.setdefault(name, _Line(name, name))
        line.spent[part] = line.spent.get(part, 0) + amount
    return sorted(found.values(), key=lambda line: (-line.amount, line.name))


def _headline(ledger: Ledger, lines: Sequence[_Line], by: By, days: int) -> str:
    total = ledger.total
    if ledger.stock:
        return _headline_of_stock(ledger, lines, by)
    whole = amount_words(ledger.unit, total)
    when = "in the last dbt run" if ledger.day else f"in {plural(days, 'day')}"
    label = f"{ledger.stand_in} ({ledger.day})" if ledger.day else ledger.stand_in
    stand = "stand" if label.startswith("bytes") else "stands"
    sentence = f"No cost is known; the {label} {stand} in for it. " if ledger.stand_in else ""
    if by == "objective":
        serving = sum(line.amount for line in lines if line.node)
        unused = next(line.amount for line in lines if line.key == "none:zombie")
        share = f"{serving / total:.0%}" if total else "none"
        sentence += (
            f"{amount_words(ledger.unit, serving)} of {whole} {when} ({share}) serves an objective; "
            f"{amount_words(ledger.unit, unused)} is spent on what nobody uses."
        )
    elif not total:
        sentence += f"{whole} was spent {when}."
    else:
        top = lines[0]
        sentence += f"{whole} {when}; by {by}, the largest part is {top.name} ({top.amount / total:.0%})."
    return sentence


def _headline_of_stock(ledger: Ledger, lines: Sequence[_Line], by: By) -> str:
    whole = f"{figure(ledger.total / 1_000_000)} bytes are stored"
    if by != "objective":
        top = f"; by {by}, the largest part is {lines[0].name} ({lines[0].amount / ledger.total:.0%})"
        return f"{whole}{top if ledger.total else ''}."
    serving = sum(line.amount for line in lines if line.node)
    unused = next(line.amount for line in lines if line.key == "none:zombie")
    share = f" ({serving / ledger.total:.0%})" if ledger.total else ""
    return (
        f"{whole}; {figure(serving / 1_000_000)}{share} serve an objective, "
        f"{figure(unused / 1_000_000)} are kept though nobody uses them."
    )


# ---------------------------------------------------------------------- what explains a split


def _pieces(graph: Graph, ledger: Ledger) -> Answer | None:
    """The assets that cost most and serve no objective."""
    placed = dict(REST)
    quadrant = quadrants(graph)
    amounts = ledger.amounts
    idle = [i for i in graph.assets if not graph.served[i] and amounts[i] > 0]
    if not idle:
        return None
    idle.sort(key=lambda i: (-amounts[i], graph.nodes[i].name))
    rows = []
    for i in idle[:PIECES]:
        spent = {part: ledger.parts[part][i] for part in PARTS}
        why = placed[quadrant[i] or "unknown"]
        values = (*asset_values(graph, i), why, amounts[i] / 1_000_000, *_apart(spent, ledger))
        rows.append(Finding(values=values, node=graph.nodes[i].id, counts=False))
    columns = (*ASSET_COLUMNS, Column("why", "Why"), Column("amount", amount_heading(ledger), "money"), *_parts(ledger))
    shown = f", the first {PIECES} of {len(idle):,}" if len(idle) > PIECES else ""
    whole = amount_words(ledger.unit, sum(amounts[i] for i in idle))
    headline = f"Largest pieces that serve nothing ({whole} in all{shown})"
    return make(graph, "cost", "HW401", headline, columns, rows)


def _converted(graph: Graph, ledger: Ledger) -> Answer:
    """What the price list made of which amounts."""
    rows = [
        Finding(values=(c.unit, c.amount / 1_000_000, c.price.amount, c.money / 1_000_000), counts=False)
        for c in ledger.conversions
    ]
    columns = (
        Column("unit", "Converted from"),
        Column("measured", "Measured", "number"),
        Column("price", f"{ledger.unit} for one", "number"),
        Column("money", ledger.unit, "money"),
    )
    return make(graph, "cost", "HW401", f"Converted to {ledger.unit} at the price list", columns, rows)
