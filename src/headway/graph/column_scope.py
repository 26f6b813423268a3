"""What the column resolver reasons with: leaves, masks, offers and scopes. No SQL syntax here.

A *leaf* is a column of a base table together with how sure it is; leaves are interned to bits, so that a set of them is
one integer (a mask) and uniting is `|`. An *offer* is what an item of FROM, or a query, offers to whoever reads it. A
*scope* is what a name can mean at one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_

from headway.graph.model import Certainty

TableName = tuple[str, str, str]
"""Catalog, schema, name; '' for what is not known."""

Leaf = tuple[TableName, str, Certainty]
"""A column of a table; column '' is every column of it."""

Columns = list[tuple[str, int]]
"""Names in order, each with its mask; names may repeat."""

MOST_COLUMNS = 20_000
_STRENGTH: dict[Certainty, int] = {"candidate": 0, "assumed": 1, "known": 2}


class TooLarge(Exception):
    """The query is beyond what is worth following; the text says which limit."""


class Leaves:
    """Interns leaves to bits. One per query that is resolved."""

    def __init__(self) -> None:
        self._bits: dict[Leaf, int] = {}
        self._leaves: list[Leaf] = []
        self._all_known = True
        """No leaf is less than known, so that none can stand twice for the same column."""

    def bit(self, table: TableName, column: str, certainty: Certainty = "known") -> int:
        """The mask of one leaf."""
        leaf = (table, column, certainty)
        bit = self._bits.get(leaf)
        if bit is None:
            bit = self._bits[leaf] = 1 << len(self._leaves)
            self._leaves.append(leaf)
            if certainty != "known":
                self._all_known = False
        return bit

    def bits(self, leaves: Sequence[Leaf]) -> list[int]:
        """The masks of leaves, in order."""
        known = self._bits
        found = []
        for leaf in leaves:
            bit = known.get(leaf)
            if bit is None:
                bit = known[leaf] = 1 << len(self._leaves)
                self._leaves.append(leaf)
            found.append(bit)
        return found

    def weaker(self, mask: int, certainty: Certainty) -> int:
        """The same columns, none of them surer than `certainty`."""
        result = 0
        for table, column, own in self._of(mask):
            result |= self.bit(table, column, min(own, certainty, key=_STRENGTH.__getitem__))
        return result

    def sources(self, mask: int) -> tuple[Leaf, ...]:
        """The leaves of a mask, sorted; each column once, as sure as its surest leaf."""
        if not mask & (mask - 1):
            return (self._leaves[mask.bit_length() - 1],) if mask else ()
        if self._all_known:
            return tuple(sorted(self._of(mask)))
        best: dict[tuple[TableName, str], Certainty] = {}
        for table, column, own in self._of(mask):
            known = best.get((table, column))
            if known is None or _STRENGTH[own] > _STRENGTH[known]:
                best[table, column] = own
        return tuple(sorted((table, column, own) for (table, column), own in best.items()))

    def _of(self, mask: int) -> Iterable[Leaf]:
        while mask:
            low = mask & -mask
            yield self._leaves[low.bit_length() - 1]
            mask ^= low


class Offer:
    """What can be read from an item of FROM or from a query.

    `open` lists tables whose columns nobody knows and that pass through under their own names: one tuple per branch of
    a union, and inside it the tables of which one has the column. `blanket` is a mask for any name at all (a function
    without column names). `shape` is what decides which rows there are.
    """

    __slots__ = ("_known", "blanket", "columns", "leaves", "open", "shape")

    def __init__(
        self,
        leaves: Leaves,
        columns: Columns,
        *,
        open: tuple[tuple[TableName, ...], ...] = (),  # noqa: A002 - the word of the domain
        blanket: int | None = None,
        shape: int = 0,
    ) -> None:
        if len(columns) > MOST_COLUMNS:
            raise TooLarge(f"has more than {MOST_COLUMNS:,} columns")
        self.leaves = leaves
        self.columns = columns
        self.open = open
        self.blanket = blanket
        self.shape = shape
        self._known: dict[str, int] | None = None

    @property
    def closed(self) -> bool:
        """All columns are known, with their names."""
        return not self.open and self.blanket is None

    def find(self, name: str) -> int | None:
        """Mask of a column that is certainly there, None for any other."""
        return (self._by_name() if self._known is None else self._known).get(name)

    def ask(self, name: str) -> int | None:
        """Mask of a column that must come from here, as a qualified name does; None when it cannot."""
        found = self._known.get(name) if self._known is not None else self.find(name)
        if found is not None:
            return found
        return self.pass_through(name) if self.open else self.blanket

    def pass_through(self, name: str) -> int:
        """Mask of a column that can only come through the open tables."""
        mask = 0
        for branch in self.open:
            certainty: Certainty = "assumed" if len(branch) == 1 else "candidate"
            for table in branch:
                mask |= self.leaves.bit(table, name, certainty)
        return mask

    def everything(self) -> int:
        """Mask of all columns together."""
        mask = reduce(or_, (mask for _, mask in self.columns), self.blanket or 0)
        return mask | (self.pass_through("") if self.open else 0)

    def named(self, names: Sequence[str]) -> Offer:
        """The same with the first columns renamed, as `AS t(a, b)` does."""
        if not names:
            return self
        columns = [(new, mask) for new, (_, mask) in zip(names, self.columns, strict=False)]
        columns += self.columns[len(names) :]
        extra = names[len(self.columns) :]
        if extra and not self.closed:  # the names stand for columns that are not known themselves
            mask = self.leaves.weaker(self.everything(), "candidate") if self.open else self.blanket or 0
            columns += [(name, mask) for name in extra]
        return Offer(self.leaves, columns, open=self.open, blanket=self.blanket, shape=self.shape)

    def _by_name(self) -> dict[str, int]:
        known = self._known = dict(self.columns)
        if len(known) != len(self.columns):
            self._unite_repeated(known)
        return known

    def _unite_repeated(self, known: dict[str, int]) -> None:
        """A name that two columns have can mean either."""
        seen: dict[str, int] = {}
        for name, mask in self.columns:
            before = seen.setdefault(name, mask)
            if before != mask:
                seen[name] = self.leaves.weaker(before | mask, "candidate")
        known.update(seen)


class BaseTable(Offer):
    """A table of the warehouse whose columns are known. They become bits when they are asked for."""

    __slots__ = ("_all", "_asked", "_listed", "_named", "stale", "table")

    def __init__(self, leaves: Leaves, table: TableName, listed: Sequence[Leaf], named: Mapping[str, Leaf]) -> None:
        super().__init__(leaves, [])
        self.table = table
        self._listed = listed
        self._named = named
        self._asked: dict[str, int] = {}
        self._all: Columns | None = None
        self.stale: set[str] = set()
        """Columns asked for that it does not have: what is known about it is out of date."""

    @property
    def columns(self) -> Columns:
        """Its columns in order."""
        if self._all is None:
            self._all = list(zip([name for _, name, _ in self._listed], self.leaves.bits(self._listed), strict=True))
        return self._all

    @columns.setter
    def columns(self, _: Columns) -> None:
        """Set by the base class; the leaves say it all."""

    def find(self, name: str) -> int | None:
        """Mask of a column it has."""
        mask = self._asked.get(name)
        if mask is None:
            leaf = self._named.get(name)
            if leaf is not None:
                mask = self._asked[name] = self.leaves.bits((leaf,))[0]
        return mask

    def ask(self, name: str) -> int | None:
        """A column that it must have, whatever the catalogue says: then the catalogue is out of date."""
        found = self.find(name)
        if found is None:
            self.stale.add(name)
            return self.leaves.bit(self.table, name, "assumed")
        return found


class Item:
    """One item of FROM under its name."""

    __slots__ = ("alias", "offer", "parts")

    def __init__(self, alias: str, offer: Offer, parts: tuple[str, ...] = ()) -> None:
        self.alias = alias
        self.offer = offer
        self.parts = parts
        """Catalog, schema and name of a table without alias: it can be called by any ending of these."""


class Scope:
    """What names mean at one place: the items of FROM, innermost first, then those of the query around it."""

    __slots__ = ("_by_alias", "aliases", "env", "implicit", "items", "merged", "merged_order", "outer", "shape",
                 "windows")  # fmt: skip

    def __init__(self, outer: Scope | None, env: dict[str, Offer]) -> None:
        self.outer = outer
        self.env = env
        self.items: list[Item] = []
        self.merged: dict[str, int] = {}
        """Columns that USING or NATURAL made one of: every side of them."""
        self.merged_order: list[str] = []
        self.aliases: dict[str, int] = {}
        """Columns of the select list that may be called by name at this moment."""
        self.windows: dict[str, int] = {}
        self.shape = 0
        self.implicit = False
        """Seen only when the query inside has no meaning for a name itself (a derived table beside it)."""
        self._by_alias: dict[str, list[Item]] = {}

    def add(self, item: Item) -> None:
        """A further item of FROM."""
        self.items.append(item)
        self._by_alias.setdefault(item.alias, []).append(item)
        self.shape |= item.offer.shape

    def remove(self, items: Sequence[Item]) -> None:
        """Items that cannot be read from further on, as the right side of a semi join."""
        for item in items:
            self.items.remove(item)
            self._by_alias[item.alias].remove(item)

    def beside(self) -> Scope:
        """This scope as a derived table next to its items sees it."""
        view = Scope(self.outer, self.env)
        view.items, view._by_alias, view.merged = list(self.items), self._by_alias, self.merged
        view.implicit = True
        return view

    def match(self, parts: tuple[str, ...]) -> list[Item]:
        """Items that can be called by this, possibly qualified, name."""
        found = self._by_alias.get(parts[-1], [])
        if len(parts) == 1 or not found:
            return found
        return [item for item in found if item.parts[-len(parts) :] == parts]

    def known(self, name: str) -> int | None:
        """Mask of a column that is certainly one of this scope's own."""
        merged = self.merged.get(name)
        if merged is not None:
            return merged
        if len(self.items) == 1:
            return self.items[0].offer.find(name)
        hits = [mask for item in self.items if (mask := item.offer.find(name)) is not None]
        if len(hits) > 1:
            return self.items[0].offer.leaves.weaker(reduce(or_, hits), "candidate")
        return hits[0] if hits else None

    def bare(self, name: str) -> int | None:
        """Mask of an unqualified column, innermost scope first; None when nothing can have it."""
        here: Scope | None = self
        while here is not None:
            mask = here.known(name)
            if mask is None:
                mask = here._guess(name, here is self)
            if mask is not None:
                return mask
            here = here.outer
        return self._out_of_date(name)

    def of(self, table: str, name: str) -> int | None:
        """Mask of `t.c`; of the field of a struct when no item is called by the first name."""
        here: Scope | None = self
        while here is not None:
            items = here._by_alias.get(table)
            if items:
                return items[0].offer.ask(name) if len(items) == 1 else _asked(items, name)
            here = here.outer
        return self.bare(table)

    def qualified(self, parts: tuple[str, ...]) -> int | None:
        """Mask of `schema.t.c`, `t.struct.field`; of `struct.field` when no item has the first name."""
        here: Scope | None = self
        while here is not None:
            for length in range(len(parts) - 1, 0, -1):
                items = here.match(parts[:length])
                if items:
                    return _asked(items, parts[length])
            here = here.outer
        return self.bare(parts[0])

    def _guess(self, name: str, innermost: bool) -> int | None:
        """What a name may mean here when no item certainly has it."""
        opened = [item.offer for item in self.items if item.offer.open]
        alias = self.aliases.get(name) if innermost else None
        called = [item.offer for item in self._by_alias.get(name, ())]
        if alias is not None:
            if not opened:
                return alias
            # the column of an open table would come first, if it is there
            return opened[0].leaves.weaker(alias, "assumed") | _one_of(opened, name)
        for offer in called:
            if offer.blanket is not None and not offer.open:
                return offer.blanket
        if opened:
            mask = _one_of(opened, name)
            further = self._known_outside(name)
            return mask if further is None else opened[0].leaves.weaker(mask | further, "candidate")
        blankets = [item.offer.blanket for item in self.items if item.offer.blanket is not None]
        if blankets:
            return reduce(or_, blankets)
        return reduce(or_, (offer.everything() for offer in called)) if called else None  # a whole row

    def _known_outside(self, name: str) -> int | None:
        here = self.outer
        while here is not None and not here.implicit:
            mask = here.known(name)
            if mask is not None:
                return mask
            here = here.outer
        return None

    def _out_of_date(self, name: str) -> int | None:
        """A name that nothing offers can only be a column that the catalogue does not have yet."""
        here: Scope | None = self
        while here is not None:
            tables = [item.offer for item in here.items if isinstance(item.offer, BaseTable)]
            if tables:
                masks = [mask for table in tables if (mask := table.ask(name)) is not None]
                mask = reduce(or_, masks)
                return mask if len(masks) == 1 else tables[0].leaves.weaker(mask, "candidate")
            here = here.outer
        return None


def unite(masks: Iterable[int]) -> int:
    """The union of masks."""
    return reduce(or_, masks, 0)


def _asked(items: Sequence[Item], name: str) -> int | None:
    masks = [mask for item in items if (mask := item.offer.ask(name)) is not None]
    if len(masks) > 1:
        return items[0].offer.leaves.weaker(reduce(or_, masks), "candidate")
    return masks[0] if masks else None


def _one_of(offers: Sequence[Offer], name: str) -> int:
    mask = reduce(or_, (offer.pass_through(name) for offer in offers))
    return mask if len(offers) == 1 else offers[0].leaves.weaker(mask, "candidate")
