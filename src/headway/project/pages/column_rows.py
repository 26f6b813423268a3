"""Columns of an asset on a page: what each is made from, and the key results it goes into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.questions.columns import AS
from headway.questions.evidence import asset_name


class ColumnRow(msgspec.Struct, frozen=True):
    """A column of the focus: what its values are made from, and the key results it goes into."""

    name: str
    made_from: tuple[str, ...]
    feeds: tuple[str, ...]
    """Key results with how it goes into them."""


def column_rows(graph: Graph, i: int, names: Iterable[str]) -> Iterator[ColumnRow]:
    """Columns of an asset with what feeds them and what they feed."""
    reach = graph.columns
    known = reach.columns(i)
    for name in names:
        sources = known[name].sources if name in known else ()
        made_from = []
        for source in sources:
            j = graph.index.get(source.node)
            above = asset_name(graph, j) if j is not None else source.node.rpartition("/")[2]
            text = f"{above}.{source.column}" if source.column else f"any column of {above}"
            made_from.append(text if source.certainty == "known" else f"{text} ({source.certainty})")
        feeds = []
        for feed in reach.feeds(i, name):
            if graph.active >> graph.bit[feed.goal] & 1:
                sure = "" if feed.certainty == "known" else f", {feed.certainty}"
                how = AS[feed.role] if feed.way == "computes" else "shown on a dashboard"
                feeds.append(f"{graph.nodes[feed.goal].label} ({how}{sure})")
        yield ColumnRow(name, tuple(made_from), tuple(feeds))


def listed_columns(graph: Graph, i: int, most: int) -> tuple[tuple[ColumnRow, ...], int, str]:
    """The first columns of an asset, how many more there are, and why none are known where none are."""
    if KINDS[graph.nodes[i].kind].goal or not graph.column_lineage:
        return (), 0, ""
    names = list(graph.columns.vertices(i))
    problem = graph.columns.problem(i)
    note = f"Its columns could not be followed: {problem}" if problem else ""
    return tuple(column_rows(graph, i, names[:most])), max(0, len(names) - most), note
