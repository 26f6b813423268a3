"""What we do not know: rows that matched nothing, sources that were stale or failed, goals that could not be linked."""

from __future__ import annotations

from headway.answer import Answer, Column, Finding, plural
from headway.graph.decided import Link
from headway.graph.graph import Graph
from headway.questions.evidence import make
from headway.questions.registry import question


@question("HW501")
def unknown(graph: Graph) -> Answer:
    """Which rows matched no node, and which sources of truth were missing, stale or failed?"""
    gaps = graph.gaps
    rows = [
        Finding(values=(gap.topic, gap.message, gap.hint or None, str(gap.origin) or None), node=gap.node)
        for gap in gaps
    ]
    columns = (
        Column("topic", "About"),
        Column("what", "What is not known"),
        Column("hint", "What would help"),
        Column("source", "Source", secondary=True),
    )
    unused = [i for i in graph.assets if graph.use.status[i] == "unknown"]
    sections = [s for s in (_unmatched(graph), _tables(graph), _blind(graph, unused)) if s.rows]
    unmatched = sum(u.rows for u in graph.use.unmatched)
    tables = len({link.name for link in graph.links if link.open})
    parts = [f"{plural(len(gaps), 'thing is', 'things are')} not known"] if gaps else []
    if unused:
        parts.append(f"the use of {len(unused):,} of {plural(len(graph.assets), 'asset')} is not known")
    if unmatched:
        parts.append(f"{plural(unmatched, 'row')} matched no node")
    if tables:
        parts.append(f"{plural(tables, 'table')} that dashboard tools read fit{'s' if tables == 1 else ''} no one node")
    sentence = "; ".join(parts) + "."
    headline = sentence[:1].upper() + sentence[1:] if parts else "Nothing is missing: every source was read."
    totals = {"gaps": len(gaps), "use_unknown": len(unused), "unmatched_rows": unmatched, "open_tables": tables}
    return make(graph, "unknown", "HW501", headline, columns, rows, sections=tuple(sections), totals=totals)


def _unmatched(graph: Graph) -> Answer:
    rows = [
        Finding(
            values=(
                u.name,
                u.rows,
                round(u.reads),
                u.first,
                u.last,
                f"fits {u.fits} nodes" if u.fits else "no node",
                u.source,
            ),
            counts=False,
        )
        for u in graph.use.unmatched
    ]
    columns = (
        Column("name", "Named in the rows"),
        Column("rows", "Rows", "number"),
        Column("reads", "Reads", "number"),
        Column("first", "First", "date"),
        Column("last", "Last", "date"),
        Column("why", "Why"),
        Column("source", "Source", secondary=True),
    )
    return make(graph, "unknown", "HW501", "Rows of usage and cost that match no node", columns, rows)


def _tables(graph: Graph) -> Answer:
    readers: dict[str, list[Link]] = {}
    for link in graph.links:
        if link.open:
            readers.setdefault(link.name, []).append(link)
    rows = []
    for name, found in sorted(readers.items(), key=lambda item: (-len(item[1]), item[0])):
        fits = len(found[0].match.nodes)
        why = f"fits {fits} nodes" if fits else graph.broken[name].why if name in graph.broken else "no node"
        rows.append(Finding(values=(name, len(found), why, str(found[0].origin) or None), counts=False))
    columns = (
        Column("name", "Table"),
        Column("readers", "Read by", "number"),
        Column("why", "Why"),
        Column("source", "Source", secondary=True),
    )
    return make(graph, "unknown", "HW501", "Tables that dashboard tools read and that fit no one node", columns, rows)


def _blind(graph: Graph, unused: list[int]) -> Answer:
    by_reason: dict[tuple[str, str], int] = {}
    for i in unused:
        key = (graph.nodes[i].kind.replace("_", " "), graph.use.reason.get(i, ""))
        by_reason[key] = by_reason.get(key, 0) + 1
    ranked = sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
    rows = [Finding(values=(kind, count, why), counts=False) for (kind, why), count in ranked]
    columns = (
        Column("kind", "Kind"),
        Column("assets", "Assets", "number"),
        Column("why", "Why their use is not known"),
    )
    return make(graph, "unknown", "HW501", "Assets whose use is not known", columns, rows)
