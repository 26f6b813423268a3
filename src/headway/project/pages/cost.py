"""Cost: what does each objective cost, and what is spent on nothing? Every picture of it adds up to the same whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from headway.answer import Answer, plural
from headway.errors import UsageError
from headway.graph.attribution import shares
from headway.graph.graph import Graph
from headway.graph.spend import MICRO, PARTS, Ledger
from headway.project.pages import bands, figures
from headway.project.pages.filters import find_goal
from headway.project.pages.goal_words import colours
from headway.project.pages.page import Link, Page, Phrase, said
from headway.project.pages.table import address
from headway.project.workspace import Project
from headway.questions.cost import REST, objective_masks
from headway.questions.evidence import asset_name, months
from headway.questions.usage import in_quadrant, quadrants
from headway.render.html.charts import percent

By = Literal["objective", "owner", "folder"]

MOST_PIECES, MOST_ZOOMED = 12, 40
"""Assets of a folder that are named, and in a block that is zoomed into; the rest is counted."""
MOST_ROWS = 25
"""Rows of the table that are not objectives; the rest is one row."""

_PAINT = {"shadow": "part-used", "unknown": "part-unknown", "zombie": "part-idle"}
_STATES = {"shadow": "used", "unknown": "unknown", "zombie": "nobody"}
_SPLITS: tuple[tuple[By, str], ...] = (("objective", "Objective"), ("owner", "Owner"), ("folder", "Folder"))


class Piece(msgspec.Struct, frozen=True):
    """What one asset costs, as far as it belongs to its block."""

    id: str
    name: str
    to: str
    micros: int
    text: str


class Inner(msgspec.Struct, frozen=True):
    """A part of a block: a folder; in a block that is a folder, what it is for."""

    name: str
    paint: str
    micros: int
    text: str
    pieces: tuple[Piece, ...]
    """The largest, first."""
    more: int
    """Assets that are not named."""


class Block(msgspec.Struct, frozen=True):
    """A part of the whole."""

    key: str
    """Id of an objective, `none:zombie` and its like, a team, or a folder."""
    name: str
    to: str
    paint: str
    """`goal-1` ... `goal-6`, or what serves nothing is painted by."""
    micros: int
    text: str
    share: float | None
    share_text: str
    inner: tuple[Inner, ...]


class Row(msgspec.Struct, frozen=True):
    """One row of the table beside the picture."""

    name: str
    to: str
    micros: int
    text: str
    share_text: str


class Cost(Page, frozen=True, kw_only=True):
    """The page."""

    headless: bool
    known: bool
    """Some cost is known, or something stands in for it."""
    by: By
    splits: tuple[tuple[Link, bool], ...]
    """Ways to split, and which of them is taken."""
    units: tuple[tuple[Link, bool], ...]
    """The units that costs are known in, where they are several; they are never added."""
    unit: str
    per: str
    zoom: str
    """Name of the block that is zoomed into; '' for none."""
    out: str
    """Where the whole is."""
    heads: tuple[str, ...]
    blocks: tuple[Block, ...]
    title_of_rows: str
    head_of_rows: str
    rows: tuple[Row, ...]
    total_micros: int
    total_text: str
    notes: tuple[str, ...]
    assets: int
    assets_known: int
    """Assets whose cost is known."""

    def money(self, micros: int) -> str:
        """An amount as the page writes it."""
        return figures.in_unit(self.unit, micros / MICRO)


Cells = Mapping[tuple[str, int], int]
"""Micros by the key of what it is for (an objective, or a key of REST) and the node."""


def cost(project: Project, *, by: str = "", objective: str = "", unit: str = "") -> Cost:
    """What each part of the whole costs a month.

    `objective`: only what belongs to one, or to `none:shadow`, `none:unknown`, `none:zombie`. Raises UnknownName for
    one that there is none of, UsageError for a unit in which nothing is known.
    """
    graph = project.graph()
    split: By = "owner" if by == "owner" else "folder" if by == "folder" else "objective"
    ledger, others = _ledger(graph, unit)
    if ledger is None:
        return _nothing(project, split)
    answer = project.ask("cost", unit=ledger.unit)
    cells = cells_of(graph, ledger)
    zoom = _zoomed(graph, objective)
    whole = sum(cells.values())
    if zoom:
        cells = {cell: micros for cell, micros in cells.items() if cell[0] == zoom}
    maker = _Maker(graph, ledger, split, zoom, unit)
    blocks = maker.blocks(cells, whole)
    total = sum(cells.values())
    name = maker.name_of(zoom) if zoom else ""
    given = {"objective": objective if zoom else "", "unit": unit}
    return Cost(
        title=f"{name}, cost" if name else "Cost",
        sentence=_sentence_of(ledger, name, total, whole) if zoom else _sentence(graph, ledger, cells, whole),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=answer.gaps,
        headless=not graph.goals,
        known=True,
        by=split,
        splits=tuple(
            (Link(words, address("cost", by=key if key != "objective" else "", **given)), key == split)
            for key, words in _SPLITS
        ),
        units=tuple((Link(u, address("cost", by=by, unit=u)), u == ledger.unit) for u in others if len(others) > 1),
        unit=ledger.unit,
        per=figures.per(ledger),
        zoom=name,
        out=address("cost", by=by, unit=unit),
        heads=_heads(split),
        blocks=blocks,
        title_of_rows=f"{name}, by {'folder' if split == 'objective' else split}" if zoom else f"By {split}",
        head_of_rows="Folder" if zoom and split == "objective" else "Where it goes",
        rows=tuple(maker.rows(blocks, total)),
        total_micros=total,
        total_text=figures.cost(ledger, total),
        notes=tuple(_notes(graph, ledger, answer, cells)),
        assets=len(graph.assets),
        assets_known=len({cell[0] for cell in ledger.cells}),
    )


def cells_of(graph: Graph, ledger: Ledger) -> dict[tuple[str, int], int]:
    """What every asset costs, by what it is for: an objective's id, or `none:` and a key of REST.

    Building, reading and storing are split each by itself, as the question does: sums over the assets are exactly its
    parts.
    """
    objectives, masks = objective_masks(graph)
    ids = [graph.nodes[o].id for o in objectives]
    quadrant = quadrants(graph)
    found: dict[tuple[str, int], int] = defaultdict(int)
    for part in PARTS:
        for i, amount in enumerate(ledger.parts[part]):
            if not amount:
                continue
            if masks[i]:
                for bit, micros in shares(masks[i], amount).items():
                    found[ids[bit], i] += micros
            else:
                found[f"none:{quadrant[i] or 'unknown'}", i] += amount
    return found


# ---------------------------------------------------------------------- which amounts


def _ledger(graph: Graph, unit: str) -> tuple[Ledger | None, list[str]]:
    """The amounts of the month in a unit, and all units there are. Raises UsageError."""
    known = months(graph)
    if not known:
        return None, []
    names = [ledger.unit for ledger in known]
    if not unit:
        return known[0], names
    found = next((ledger for ledger in known if ledger.unit == unit), None)
    if found is None:
        raise UsageError(f"no cost is known in {unit[:40]!r}", hint=f"costs are known in {', '.join(names)}")
    return found, names


def _zoomed(graph: Graph, name: str) -> str:
    if not name or name in {f"none:{key}" for key, _ in REST}:
        return name
    return graph.nodes[find_goal(graph, name)].id


def _nothing(project: Project, by: By) -> Cost:
    graph = project.graph()
    answer = project.ask("cost")
    return Cost(
        title="Cost",
        sentence=said("What it costs is not known"),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=answer.gaps,
        headless=not graph.goals,
        known=False,
        by=by,
        splits=(),
        units=(),
        unit="",
        per="",
        zoom="",
        out=address("cost"),
        heads=(),
        blocks=(),
        title_of_rows="",
        head_of_rows="",
        rows=(),
        total_micros=0,
        total_text="",
        notes=(answer.headline,),
        assets=len(graph.assets),
        assets_known=0,
    )


# ---------------------------------------------------------------------- words


def _heads(by: By) -> tuple[str, ...]:
    first = {"objective": "Objective", "owner": "Owner", "folder": "Folder"}[by]
    return (first, "What for" if by == "folder" else "Folder", "Largest assets")


def _sentence(graph: Graph, ledger: Ledger, cells: Cells, whole: int) -> tuple[Phrase, ...]:
    serving = sum(micros for (key, _), micros in cells.items() if not key.startswith("none:"))
    idle = sum(micros for (key, _), micros in cells.items() if key == "none:zombie")
    all_of_it, per = figures.cost(ledger, whole), figures.per(ledger)
    words = figures.cost(ledger, serving) if serving else "None"
    if not graph.goals:
        first = f"{all_of_it} {per}, and no objective says what for"
    else:
        first = f"{words} of {all_of_it} {per} serves an objective"
    if idle:
        kept = sum(ledger.amounts[i] for i in in_quadrant(graph, "zombie", graph.assets) if i in graph.load_bearing)
        more = f", {figures.cost(ledger, kept)} of it to what is protected or feeds something outside" if kept else ""
        return said(f"{first}; {figures.cost(ledger, idle)} goes to assets that serve nothing and nobody uses{more}.")
    if not graph.use.known:
        return said(f"{first}; whether anybody uses the rest is not known.")
    return said(f"{first}.")


def _sentence_of(ledger: Ledger, name: str, total: int, whole: int) -> tuple[Phrase, ...]:
    share = f", {percent(total / whole)} of {figures.cost(ledger, whole)}" if whole > 0 else ""
    return said(f"{name}: {figures.cost(ledger, total)} {figures.per(ledger)}{share}.")


def _notes(graph: Graph, ledger: Ledger, answer: Answer, cells: Cells) -> Iterator[str]:
    if ledger.stand_in:
        yield answer.headline.partition(". ")[0] + "."
    if not ledger.stock:
        yield (
            f"Height of the first two columns is cost {figures.per(ledger)}. "
            "An asset that serves several objectives is split equally between them."
        )
    if any(graph.nodes[i].kind == "objective" for o in graph.objectives for i in graph.parts.get(o, ())):
        yield "An objective's cost here is its own; what supports it stands beside it, under its own name."
    known = len({i for _, i in cells})
    if known < len(graph.assets):
        whole = plural(len(graph.assets), "asset")
        yield f"Cost is known for {known:,} of {whole} here; what is not known is not zero."
    if any(micros < 0 for micros in cells.values()):
        yield "Credits are in the sums; what is below zero has no height."
    if ledger.conversions:
        units = ", ".join(c.unit for c in ledger.conversions)
        yield f"Converted from {units} at the price list."


# ---------------------------------------------------------------------- blocks


class _Maker:
    """Makes blocks and rows of cells."""

    def __init__(self, graph: Graph, ledger: Ledger, by: By, zoom: str, unit: str) -> None:
        self._graph, self._ledger, self._by, self._zoom, self._unit = graph, ledger, by, zoom, unit
        self._colours = colours(graph)
        self._rest = {f"none:{key}": (key, text.partition(",")[0]) for key, text in REST}
        self._rest["none:shadow"] = ("shadow", "Used, no objective")
        folders = {i: bands.folder(graph.nodes[i]) for i in graph.assets}
        labels = bands.labels(sorted(set(folders.values())))
        self._folders = {i: labels[folder] for i, folder in folders.items()}
        self._most = MOST_ZOOMED if zoom else MOST_PIECES

    def name_of(self, key: str) -> str:
        """What a key is called: an objective, or what serves none."""
        return self._rest[key][1] if key in self._rest else self._graph.nodes[self._graph.index[key]].label

    def blocks(self, cells: Cells, whole: int) -> tuple[Block, ...]:
        """The first column: objectives in the order of the table, what serves none last; else the dearest first."""
        groups: dict[str, dict[str, list[tuple[int, int]]]] = {}
        if self._by == "objective" and not self._zoom:
            objectives, _ = objective_masks(self._graph)
            groups = {self._graph.nodes[o].id: {} for o in objectives}
        for (key, i), micros in cells.items():
            first, second = self._places(key, i)
            groups.setdefault(first, {}).setdefault(second, []).append((micros, i))
        if self._zoom and not groups and self._by == "objective":
            groups = {self._zoom: {}}
        sums = {first: sum(m for items in inner.values() for m, _ in items) for first, inner in groups.items()}
        last = list(self._rest)
        rank = {key: (last.index(key) if key in last else -1) for key in groups}
        ordered = sorted(groups, key=lambda key: (rank[key], -sums[key], key))
        return tuple(self._block(key, groups[key], sums[key], whole) for key in ordered)

    def _places(self, key: str, i: int) -> tuple[str, str]:
        folder = self._folders.get(i, "goals")
        if self._by == "objective":
            return key, folder
        if self._by == "folder":
            return folder, key
        return figures.team(self._graph.nodes[i].owner) or "No owner", folder

    def _block(self, key: str, inner: Mapping[str, Sequence[tuple[int, int]]], micros: int, whole: int) -> Block:
        goal = self._by == "objective"
        paint = self._paint(key) if goal else "part-plain"
        parts = [self._inner(name, items, paint) for name, items in inner.items()]
        parts.sort(key=lambda p: (-p.micros, p.name))
        share = micros / whole if whole > 0 else None
        return Block(
            key=key,
            name=self.name_of(key) if goal else key,
            to=self._to(key),
            paint=paint,
            micros=micros,
            text=figures.cost(self._ledger, micros),
            share=share,
            share_text=_share_words(share),
            inner=tuple(parts),
        )

    def _inner(self, name: str, items: Sequence[tuple[int, int]], paint: str) -> Inner:
        ordered = sorted(items, key=lambda item: (-item[0], self._graph.nodes[item[1]].id))
        micros = sum(m for m, _ in items)
        for_goal = self._by == "folder"
        return Inner(
            name=self.name_of(name) if for_goal else name,
            paint=self._paint(name) if for_goal else paint,
            micros=micros,
            text=figures.cost(self._ledger, micros),
            pieces=tuple(self._piece(m, i) for m, i in ordered[: self._most]),
            more=max(0, len(ordered) - self._most),
        )

    def _piece(self, micros: int, i: int) -> Piece:
        node = self._graph.nodes[i]
        to = address("asset", node.id)
        return Piece(node.id, asset_name(self._graph, i), to, micros, figures.cost(self._ledger, micros))

    def _paint(self, key: str) -> str:
        if key in self._rest:
            return _PAINT[self._rest[key][0]]
        return f"goal-{self._colours[self._graph.index[key]]}"

    def _to(self, key: str) -> str:
        """Zooms in; from what is zoomed into, the same assets as a list."""
        if self._by == "owner":
            return address("list", owner=key if key != "No owner" else "", sort="-cost")
        if self._by == "folder":
            return address("list", folder=key, sort="-cost")
        if key != self._zoom:
            return address("cost", objective=key, unit=self._unit)
        if key in self._rest:
            return address("list", state=_STATES[self._rest[key][0]], sort="-cost")
        return address("list", objective=key, sort="-cost")

    def rows(self, blocks: Sequence[Block], total: int) -> Iterator[Row]:
        """The table: the blocks; of an objective that is zoomed into, its folders."""
        if self._zoom and self._by == "objective":
            goal = "" if self._zoom in self._rest else self._zoom
            state = _STATES[self._rest[self._zoom][0]] if self._zoom in self._rest else ""
            found = [
                Row(
                    p.name,
                    address("list", folder=p.name, objective=goal, state=state, sort="-cost"),
                    p.micros,
                    p.text,
                    _share_words(p.micros / total if total > 0 else None),
                )
                for b in blocks
                for p in b.inner
            ]
        else:
            found = [
                Row(b.name, b.to, b.micros, b.text, _share_words(b.micros / total if total > 0 else None))
                for b in blocks
            ]
        whole = self._by == "objective" and not self._zoom
        shown = found if whole or len(found) <= MOST_ROWS else found[: MOST_ROWS - 1]
        yield from shown
        if rest := found[len(shown) :]:
            micros = sum(r.micros for r in rest)
            share = _share_words(micros / total if total > 0 else None)
            yield Row(f"{len(rest):,} more", "", micros, figures.cost(self._ledger, micros), share)


def _share_words(share: float | None) -> str:
    return "" if share is None else percent(share) if share == 0 or abs(share) >= 0.005 else "<1%"
