"""Who reads an asset, with what, how often and through what; and which assets nobody uses."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Literal

from headway.answer import Answer, Column, Finding, listed, plural
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.graph.use import can_be_read
from headway.questions.evidence import (
    ASSET_COLUMNS,
    MONTH,
    Select,
    asset_name,
    asset_values,
    chosen,
    cost_column,
    cost_value,
    gaps,
    make,
    money,
    path_steps,
    people_words,
    the_asset,
)
from headway.questions.registry import Says, question

Per = Literal["week", "day"]


@question("HW205")
def usage(
    graph: Graph,
    *,
    asset: Annotated[str, Says("Name or id of an asset, such as orders or dashboard:exec.", positional=True)],
    per: Annotated[Per, Says("Length of the periods that reads are shown by.")] = "week",
) -> Answer:
    """Who uses this asset, with what, how often, and through what?

    Reads of the asset itself come first, by class of reader and tool; those that do not count as use (dbt, schedules,
    service accounts) are shown and say so. Then what is read downstream of it, with the path to each, since use is
    inherited; then reads by week or day; then what it costs to build and to read.
    """
    i = the_asset(graph, asset)
    use = graph.use
    below = _read_below(graph, i)
    sections = [s for s in (_inherited(graph, below), _over_time(graph, i, per), _costs(graph, i)) if s.rows]
    rows = [
        Finding(
            values=(
                reader.person_class.replace("_", " ") or None,
                reader.tool or None,
                round(reader.reads),
                reader.people,
                reader.last,
                reader.counts,
            ),
            counts=False,
        )
        for reader in use.readers(i)
    ]
    columns = (
        Column("reader", "Reader"),
        Column("tool", "Tool"),
        Column("reads", f"Reads in {graph.policy.usage_window_days} days", "number"),
        Column("people", "People", "number"),
        Column("last", "Last read", "date"),
        Column("counts", "Counts as use", "bool"),
    )
    headline = " ".join(_sentences(graph, i, list(below)))
    return make(
        graph,
        "usage",
        "HW205",
        headline,
        columns,
        rows,
        sections=tuple(sections),
        totals=_figures(graph, i, list(below)),
        gaps=gaps(graph, "usage", "cost"),
    )


def _figures(graph: Graph, i: int, below: list[int]) -> dict[str, object]:
    """The figures behind the sentence, for machines."""
    use = graph.use
    return {
        "asset": graph.nodes[i].id,
        "use": use.status[i],
        "why_unknown": use.reason.get(i),
        "days": graph.policy.usage_window_days,
        "reads": round(use.reads[i]),
        "people": use.people[i] if i in use.counted else None,
        "people_counted": use.counted.get(i),
        "last_read": use.last_own[i],
        "last_used": use.last[i],
        "percentile": _rounded(use.percentile.get(i)),
        "trend": _rounded(use.trend(i)),
        "inherited_reads": round(sum(use.reads[j] for j in below)),
        "read_downstream": len(below),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


# ---------------------------------------------------------------------- one asset in words


def _sentences(graph: Graph, i: int, below: list[int]) -> Iterator[str]:
    """What is known of the use of an asset: itself, through what is downstream, against others, over time."""
    use, name, days = graph.use, asset_name(graph, i), graph.policy.usage_window_days
    if use.own[i]:
        times = plural(round(use.reads[i]), "time") if use.reads[i] else ""
        by = f" by {people_words(use.people[i], use.counted[i])}" if i in use.counted else ""
        read = " ".join(filter(None, ("was read", times)))
        yield f"{name} {read}{by} in {plural(days, 'day')}, last on {use.last_own[i]}."
        yield from _against_others(graph, i)
        if below:
            yield f"{_through(graph, below)} read as well."
    elif below:
        if not can_be_read(graph.nodes[i]):
            itself = f"{name} cannot be read itself"
        elif i in use.seen:
            itself = f"Nobody reads {name} itself"
        else:
            itself = f"Whether anybody reads {name} itself is not known"
        yield f"{itself}, but {_through(graph, below)} read, last on {use.last[i]}."
    elif use.status[i] == "unused":
        last = use.last[i]
        yield f"Nobody used {name} in {plural(days, 'day')}; " + (
            f"it was last used on {last}." if last else "no use of it is on record."
        )
        others = sorted({reader.person_class or "unnamed" for reader in use.readers(i)})
        if others:
            yield f"Reads of the class{'es' * (len(others) > 1)} {listed(others)} do not count as use."
    else:
        yield f"Whether anybody uses {name} is not known: {use.reason.get(i, 'no source covers it')}."


def _through(graph: Graph, below: list[int]) -> str:
    """`2 assets downstream of it, the most board (40 reads), are`."""
    top = below[0]
    one = len(below) == 1
    reads = plural(round(graph.use.reads[top]), "read")
    if one:
        return f"{asset_name(graph, top)} downstream of it ({reads}) is"
    return f"{len(below):,} assets downstream of it, most of all {asset_name(graph, top)} ({reads}), are"


def _against_others(graph: Graph, i: int) -> Iterator[str]:
    use, band = graph.use, KINDS[graph.nodes[i].kind].band
    share = use.percentile.get(i)
    if share is not None:
        than = "more than any other" if share == 1 else f"more than {share:.0%} of the other" if share else ""
        yield f"That is {than} {band}{'' if share == 1 else 's'}." if than else f"No other {band} is read less."
    halves, trend = use.halves(i), use.trend(i)
    if halves and trend is not None:
        change = f"{'up' if trend > 1 else 'down'} {abs(trend - 1):.0%}" if abs(trend - 1) >= 0.005 else "unchanged"
        yield f"Over the last {plural(halves[2] // 7, 'week')} reads are {change} on as many before."


# ---------------------------------------------------------------------- sections


def _read_below(graph: Graph, start: int) -> Mapping[int, tuple[int, ...]]:
    """What people read downstream of a node, most read first, with the shortest path to each."""
    before = {start: start}
    todo = deque([start])
    while todo:
        i = todo.popleft()
        for j in graph.downstream[i]:
            if j not in before:
                before[j] = i
                todo.append(j)
    use = graph.use
    found = [i for i in before if use.own[i] and i != start]
    found.sort(key=lambda i: (-use.reads[i], graph.nodes[i].name))
    return {i: _path(before, i) for i in found}


def _path(before: Mapping[int, int], end: int) -> tuple[int, ...]:
    path = [end]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _inherited(graph: Graph, below: Mapping[int, tuple[int, ...]]) -> Answer:
    use = graph.use
    rows = [
        Finding(
            values=(*asset_values(graph, i), round(use.reads[i]), use.people[i] or None, use.last_own[i]),
            node=graph.nodes[i].id,
            path=path_steps(graph, path),
            counts=False,
        )
        for i, path in below.items()
    ]
    columns = (
        *ASSET_COLUMNS,
        Column("reads", f"Reads in {graph.policy.usage_window_days} days", "number"),
        Column("people", "People", "number"),
        Column("last", "Last read", "date"),
    )
    return make(graph, "usage", "HW205", "Read downstream of it", columns, rows)


def _over_time(graph: Graph, i: int, per: Per) -> Answer:
    """Reads by period, person class and tool; a period that was seen and had none is a row of zero."""
    use = graph.use
    first: Callable[[date], date] = (lambda day: day) if per == "day" else _monday
    amounts: dict[date, dict[tuple[str, str], float]] = {}
    if i in use.seen and i in use.rows:
        start, end = use.seen[i]
        amounts = {first(start + timedelta(days=n)): {} for n in range((end - start).days + 1)}
    for row in use.rows.get(i, ()):
        cell = amounts.setdefault(first(row.day), {})
        key = (row.person_class, row.tool)
        cell[key] = cell.get(key, 0.0) + row.amount
    rows = []
    for day in sorted(amounts):
        for (group, tool), reads in sorted(amounts[day].items()) or [(("", ""), 0.0)]:
            values = (day, group.replace("_", " ") or None, tool or None, round(reads))
            rows.append(Finding(values=values, counts=False))
    columns = (
        Column("from", "Week of" if per == "week" else "Day", "date"),
        Column("reader", "Reader"),
        Column("tool", "Tool"),
        Column("reads", "Reads", "number"),
    )
    return make(graph, "usage", "HW205", f"Reads by {per}", columns, rows)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _costs(graph: Graph, i: int) -> Answer:
    """What the asset costs to build and to read, in every unit that is known."""
    rows = []
    ledgers = graph.spend(graph.as_of - timedelta(days=MONTH - 1), graph.as_of)
    stores = any(ledger.stores for ledger in ledgers)
    for ledger in ledgers:
        spent = [ledger.parts[part][i] / 1_000_000 if ledger.told_apart else None for part in ("build", "read")]
        if stores:
            spent.append(ledger.parts["keep"][i] / 1_000_000)
        either = ledger.parts["either"][i] / 1_000_000
        what = ledger.stand_in or ledger.mark or "cost"
        values = (ledger.unit, what, *spent, either, ledger.amounts[i] / 1_000_000)
        rows.append(Finding(values=values, counts=False))
    columns = (
        Column("unit", "Unit"),
        Column("what", "What it is"),
        Column("build", "Building it", "money"),
        Column("read", "Reading it", "money"),
        *((Column("keep", "Storing it", "money"),) if stores else ()),
        Column("either", "Not told apart", "money"),
        Column("total", "Total", "money"),
    )
    return make(graph, "usage", "HW205", f"Cost in {MONTH} days", columns, rows)


# ---------------------------------------------------------------------- nobody


@question("HW206")
def unused(
    graph: Graph,
    *,
    select: Select = "",
    kind: Annotated[str, Says("Only assets of this kind, such as dashboard or model.")] = "",
) -> Answer:
    """Which assets does nobody use, whether they serve an objective or not?

    Those that serve none are zombies when nothing needs them; those that serve one are neglected. Left out and counted
    are assets in their grace period, load-bearing ones, and those whose use is not known.
    """
    _check_kind(kind)
    assets = [i for i in chosen(graph, select) if not kind or graph.nodes[i].kind == kind]
    use, bearing = graph.use, graph.load_bearing
    idle = [i for i in assets if use.status[i] == "unused"]
    kept = sum(i in bearing for i in idle)
    idle = [i for i in idle if i not in bearing]
    new = sum(i in use.new for i in assets)
    dark = sum(use.status[i] == "unknown" for i in assets) - new
    rows = [
        Finding(
            values=(*asset_values(graph, i), bool(graph.served[i]), use.last[i], cost_value(graph, i)),
            node=graph.nodes[i].id,
        )
        for i in sorted(idle, key=lambda i: (-(cost_value(graph, i) or 0), graph.nodes[i].kind, graph.nodes[i].name))
    ]
    columns = (
        *ASSET_COLUMNS,
        Column("serves", "Serves an objective", "bool"),
        Column("last_used", "Last used", "date"),
        cost_column(graph),
    )
    serving = sum(bool(graph.served[i]) for i in idle)
    totals = {"unused": len(idle), "serving": serving, "new": new, "load_bearing": kept, "unknown": dark}
    headline = _unused_words(graph, idle, serving) + _left_out(new, kept, dark)
    return make(graph, "unused", "HW206", headline, columns, rows, totals=totals, gaps=gaps(graph, "usage"))


def _check_kind(kind: str) -> None:
    known = [k.name for k in KINDS.values() if not k.goal]
    if kind and kind not in known:
        near = difflib.get_close_matches(kind, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
        raise UsageError(f"there is no kind of asset called {kind!r}", hint=hint)


def _unused_words(graph: Graph, idle: list[int], serving: int) -> str:
    if not graph.use.known:
        return "Nothing is called unused, because no source of usage is connected."
    if not idle:
        return "No asset whose use is known is unused."
    rest = len(idle) - serving
    cost = money(graph, idle)
    split = (
        f"{serving:,} serve{'s' if serving == 1 else ''} an objective, {rest:,} serve{'s' if rest == 1 else ''} none"
    )
    return f"Nobody uses {plural(len(idle), 'asset')}: {split}." + (f" That costs {cost}." if cost else "")


def _left_out(new: int, kept: int, dark: int) -> str:
    counts = ((new, "new"), (kept, "load-bearing"), (dark, "whose use is not known"))
    said = [f"{count:,} {what}" for count, what in counts if count]
    return f" Left out: {', '.join(said)}." if said else ""
