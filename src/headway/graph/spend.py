"""What nodes cost: build, read and storage kept apart, units never added, prices turned into money where there are any.

Amounts are whole millionths of a unit. Everything that is shown is a sum of the same cells (one per node, part and
tool), so that any way of adding them up comes to exactly the same whole.

A statement may be measured three times: in money or credits, in bytes, in seconds. From one source only the first of
these that is money (or has a price) is counted, so that nothing is paid for twice.

What a table occupies is a stock: its days are never added up, nor is it added to the bytes that were read. The newest
amount inside the days that are asked for counts; with a price for a byte and month it is money for that many days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from headway.graph.model import Origin

if TYPE_CHECKING:
    from headway.config import Price
    from headway.graph.graph import Graph
    from headway.graph.model import Observation

Part = Literal["build", "read", "keep", "either"]
"""`build`: dbt made the node, or tested it. `read`: somebody else ran something on it. `keep`: it is stored. `either`:
the rows say neither who nor with what, so building and reading are not told apart."""

PARTS: tuple[Part, ...] = ("build", "read", "keep", "either")

StandIn = Literal["", "warehouse time", "bytes read in the warehouse", "run time of the last dbt run"]
"""What is counted where no cost is known; '' where it is."""

RUNS = "dbt run results"
"""`tool` of the run times that dbt itself writes down. They are of one run, and so are never turned into money."""

STORAGE = "storage"
"""Measure of the bytes that a table occupies, and the name of the price of a byte that is stored for a month."""
STORED = "bytes stored"
"""Unit of a ledger of what nodes occupy. Never `bytes`, which are bytes that were read."""
BYTE_MONTHS = "bytes stored for a month"
"""What storage is converted from: bytes times months of MONTH days."""
MONTH = 30
"""Days of the month that the price of storage is for."""

MICRO = 1_000_000
_BUILDERS = frozenset({"dbt", RUNS})
_ORDER = ("cost", "bytes", "seconds")

Cell = tuple[int, Part, str]
"""Node, part and tool."""


@dataclass(frozen=True)
class Conversion:
    """What was turned into money: amounts in millionths."""

    unit: str
    price: Price
    amount: int
    """Of `unit`."""
    money: int
    """Of the price's unit."""


@dataclass(frozen=True)
class Ledger:
    """What every node cost in one unit, in millionths."""

    unit: str
    count: int
    """Number of nodes of the graph."""
    cells: Mapping[Cell, int] = field(default_factory=dict)
    stand_in: StandIn = ""
    day: date | None = None
    """Day of the newest dbt run; with `run time of the last dbt run`."""
    conversions: tuple[Conversion, ...] = ()
    stock: bool = False
    """What there is, not what was spent in a time: the amounts of several days are never added up."""

    @cached_property
    def total(self) -> int:
        """The whole."""
        return sum(self.cells.values())

    @cached_property
    def amounts(self) -> Sequence[int]:
        """Per node, all parts together."""
        return self._added(self.cells)

    @cached_property
    def parts(self) -> Mapping[Part, Sequence[int]]:
        """Per part and node."""
        return {part: self._added(c for c in self.cells if c[1] == part) for part in PARTS}

    @cached_property
    def told_apart(self) -> bool:
        """Some amount is known to be for building, or for reading."""
        return any(part in {"build", "read"} for _, part, _ in self.cells)

    @cached_property
    def stores(self) -> bool:
        """Some amount is for storing."""
        return any(part == "keep" for _, part, _ in self.cells)

    @property
    def mark(self) -> Literal["", "converted", "partly converted"]:
        """Whether the amounts come from the price list."""
        if not self.conversions:
            return ""
        return "converted" if sum(c.money for c in self.conversions) == self.total else "partly converted"

    def _added(self, cells: Iterable[Cell]) -> list[int]:
        amounts = [0] * self.count
        for cell in cells:
            amounts[cell[0]] += self.cells[cell]
        return amounts


def ledgers(graph: Graph, start: date, end: date) -> tuple[Ledger, ...]:
    """One ledger for every unit that costs are known in, for the days start..end, the unit with the most rows first.

    Where no cost is known, one that stands in for it: the warehouse's time, the bytes it read, or else dbt's own run
    times. Those are of the last run of each node, whichever day that was. Empty when nothing at all is known.

    Storage is part of them where it has a price: the newest bytes of the days start..end, times their number in months
    of 30 days, times the price. Without a price it is no cost; `stored` has it.
    """
    book = _read(graph)
    found = [_Sheet(unit) for unit in book.units]
    by_unit = {sheet.unit: sheet for sheet in found}
    for unit, rows in book.counted.items():
        price = graph.prices.get(unit)
        by_unit[price.unit if price else unit].add(unit, price, _cells(rows, start, end))
    price = graph.prices.get(STORAGE)
    if price and (kept := _kept(graph, start, end)):
        if price.unit not in by_unit:
            found.append(by_unit.setdefault(price.unit, _Sheet(price.unit)))
        months = Fraction((end - start).days + 1, MONTH)
        by_unit[price.unit].add(BYTE_MONTHS, price, {cell: amount * months for cell, amount in kept.items()})
    if found:
        return tuple(sheet.ledger(len(graph.nodes)) for sheet in found)
    stand_in = _stand_in(graph, book, start, end)
    return (stand_in,) if stand_in else ()


def measured(graph: Graph, unit: str, start: date, end: date) -> Ledger | None:
    """Seconds or bytes as the warehouse measured them, beside what cost is known; None when there are no such rows."""
    rows = _read(graph).measured.get(unit)
    return Ledger(unit, len(graph.nodes), _cells(rows, start, end)) if rows else None


def stored(graph: Graph, start: date, end: date) -> Ledger | None:
    """Bytes that nodes occupy, as of the newest day of each inside start..end; None when there are no such rows."""
    kept = _kept(graph, start, end)
    return Ledger(STORED, len(graph.nodes), kept, stock=True) if kept else None


def _kept(graph: Graph, start: date, end: date) -> dict[Cell, int]:
    """Millionths of a byte that each node occupies on its newest day inside start..end.

    What one source says of several relations of a node that day is added up: a build may have left a copy behind. Of
    one relation, and of sources that tell of the same node, it is the same bytes: the largest counts.
    """
    newest: dict[int, date] = {}
    amounts: dict[int, dict[Origin, dict[str, int]]] = {}
    for node, seen in graph.use.linked:
        if seen.measure != STORAGE or seen.unit != "bytes" or seen.column or not isfinite(seen.amount):
            continue
        if not start <= seen.day <= end or seen.day < newest.get(node, date.min):
            continue
        if seen.day != newest.get(node):
            newest[node], amounts[node] = seen.day, {}
        said = amounts[node].setdefault(Origin(seen.origin.connector, seen.origin.file), {})
        name = seen.node or seen.relation
        said[name] = max(round(seen.amount * MICRO), said.get(name, 0))
    return {
        (node, "keep", STORAGE): max(sum(sizes.values()) for sizes in said.values()) for node, said in amounts.items()
    }


_LABELS: Mapping[str, StandIn] = {"seconds": "warehouse time", "bytes": "bytes read in the warehouse"}

_Row = tuple[int, "Observation"]


@dataclass
class _Book:
    """Rows of cost, by how they are counted."""

    counted: dict[str, list[_Row]]
    """Rows that are money or have a price, or are a cost in a unit that has none, by the unit they are written in."""
    units: list[str]
    """Units the counted rows end up in, the one with the most rows first."""
    measured: dict[str, list[_Row]]
    """All rows of seconds and bytes that the warehouse measured, by unit."""
    runs: list[_Row]
    """Run times that dbt wrote down."""


_books: WeakKeyDictionary[Graph, _Book] = WeakKeyDictionary()
"""What was read of each graph that still lives: many pages ask for the cost of some days."""


def _read(graph: Graph) -> _Book:
    book = _books.get(graph)
    if book is None:
        book = _books[graph] = _sorted_out(graph)
    return book


def _sorted_out(graph: Graph) -> _Book:
    """The rows of cost of a graph, by how they are counted."""
    by_source: dict[tuple[str, str], dict[str, list[_Row]]] = defaultdict(lambda: defaultdict(list))
    measured: dict[str, list[_Row]] = defaultdict(list)
    runs: list[_Row] = []
    origin, source = None, by_source["", ""]
    for row in graph.use.linked:
        seen = row[1]
        measure = seen.measure
        # No sum can be taken with what is not finite; connectors refuse such rows with a reason.
        if measure not in _ORDER or seen.column or not isfinite(seen.amount):
            continue
        if measure != "cost":
            if seen.unit != measure:
                continue
            if seen.tool == RUNS:
                runs.append(row)
                continue
            measured[measure].append(row)
        if seen.origin is not origin:  # rows of one file come together and share it
            origin = seen.origin
            source = by_source[origin.connector, origin.file]
        source[measure].append(row)
    counted: dict[str, list[_Row]] = defaultdict(list)
    for measures in by_source.values():
        first = next((m for m in _ORDER if m in measures and (m == "cost" or m in graph.prices)), "")
        for row in measures.get(first, ()):
            counted[row[1].unit].append(row)
    sizes: dict[str, int] = defaultdict(int)
    for unit, rows in counted.items():
        sizes[graph.prices[unit].unit if unit in graph.prices else unit] += len(rows)
    return _Book(counted, sorted(sizes, key=lambda unit: (-sizes[unit], unit)), measured, runs)


def _cells(rows: Iterable[_Row], start: date, end: date) -> dict[Cell, int]:
    """Rows of the days start..end, added up."""
    cells: dict[Cell, int] = {}
    for node, seen in rows:
        if start <= seen.day <= end:
            cell = (node, _part(seen), seen.tool)
            cells[cell] = cells.get(cell, 0) + round(seen.amount * MICRO)
    return cells


def _part(seen: Observation) -> Part:
    if seen.person_class == "dbt" or (not seen.person_class and seen.tool in _BUILDERS):
        return "build"
    return "read" if seen.person_class or seen.tool else "either"


@dataclass
class _Sheet:
    """A ledger as it is being written."""

    unit: str
    cells: dict[Cell, int] = field(default_factory=dict)
    conversions: list[Conversion] = field(default_factory=list)

    def add(self, unit: str, price: Price | None, cells: Mapping[Cell, int | Fraction]) -> None:
        """Add amounts of `unit`, converted where it has a price: each cell is rounded once, half to even."""
        rate = Fraction(str(price.amount)) if price else 1
        taken = {cell: round(amount * rate) for cell, amount in cells.items()}
        if price:
            self.conversions.append(Conversion(unit, price, round(sum(cells.values())), sum(taken.values())))
        for cell, amount in taken.items():
            self.cells[cell] = self.cells.get(cell, 0) + amount

    def ledger(self, count: int) -> Ledger:
        """The finished ledger."""
        return Ledger(self.unit, count, self.cells, conversions=tuple(self.conversions))


def _stand_in(graph: Graph, book: _Book, start: date, end: date) -> Ledger | None:
    count = len(graph.nodes)
    for unit, label in _LABELS.items():
        if book.measured.get(unit):
            return Ledger(unit, count, _cells(book.measured[unit], start, end), label)
    if not book.runs:
        return None
    last: dict[int, date] = {}
    for node, seen in book.runs:
        last[node] = max(seen.day, last.get(node, seen.day))
    cells = _cells((row for row in book.runs if row[1].day == last[row[0]]), date.min, date.max)
    return Ledger("seconds", count, cells, "run time of the last dbt run", max(last.values()))
