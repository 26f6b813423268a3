"""Use of columns, in three values.

- *used*: people read the column inside the window, or something that is surely made from it;
- *unused*: a source of usage tells which columns of the node are read, and nobody read this one, nor anything that it
  may go into;
- *unknown*: anything else, with the reason. Reads of the node as a whole that do not say which columns make all of its
  columns unknown, and so does a read of something that the column may or may not go into.

A history says both that a table was read and which of its columns were. Reads of a day by a class of people that come
with reads of columns from the same source are taken to be told by column, as long as they do not outnumber them; the
column `*` says that some were not told.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from headway.graph.model import KINDS, Node, Observation
from headway.graph.use import READS, Status

if TYPE_CHECKING:
    from headway.graph.column_reach import ColumnReach
    from headway.graph.graph import Graph

_READ, _BLIND, _BOARD, _KEPT = 1, 2, 4, 8

EVERY = "*"
"""Column of an observation that says: read, but not known which columns."""

_Cell = tuple[str, str, date, str]
"""Connector and file of the source, day, person class: within one, reads of columns explain reads of their table."""


class ColumnUse:
    """Who reads each column of a graph. Computed once."""

    def __init__(self, graph: Graph, reach: ColumnReach) -> None:
        self._graph = graph
        self._reach = reach
        self._use = graph.use
        self._told, self._vague, read = self._rows()
        whole = {i: flag for i in graph.assets if (flag := self._flags(i))}
        columns = reach.spread(whole)
        rows = dict(whole)
        seen = [i for i in graph.assets if graph.use.own[i]]
        for node in (*seen, *read):
            rows[node] = rows.get(node, 0) | _READ  # whoever reads a table, or a column of it, reads its rows
            for column in read.get(node, ()):
                if (vertex := reach.vertices(node).get(column)) is not None:
                    columns[vertex] = columns.get(vertex, 0) | _READ
        self._flagged = reach.sweep(rows, columns)
        self._read = reach.sweep(
            *({v: _READ for v, m in masks.items() if m & _READ} for masks in (rows, columns)), sure=True
        )

    @cached_property
    def known(self) -> bool:
        """Whether any source of usage tells which columns are read."""
        return bool(self._told)

    def status(self, node: int, column: str) -> Status:
        """Whether a column is used; unknown for one that nothing names."""
        vertex = self._reach.vertices(node).get(column.lower())
        if vertex is None:
            return "unknown"
        if self._read[vertex]:
            return "used"
        return "unknown" if self._flagged[vertex] & (_READ | _BLIND) or node not in self._told else "unused"

    def on_board(self, node: int, column: str) -> bool:
        """Whether a column may go into a dashboard that is used, or whose use is not known."""
        return self._has(node, column, _BOARD)

    def kept(self, node: int, column: str) -> bool:
        """Whether something protected, or something outside, may be made from a column."""
        return self._has(node, column, _KEPT)

    def _has(self, node: int, column: str, flag: int) -> bool:
        vertex = self._reach.vertices(node).get(column.lower())
        return vertex is None or bool(self._flagged[vertex] & flag)

    def reason(self, node: int, column: str) -> str:
        """Why the use of a column is unknown; '' when it is not."""
        if self.status(node, column) != "unknown":
            return ""
        if self._is_new(node):
            return f"new: first seen {self._graph.nodes[node].created}"
        if is_table(self._graph.nodes[node]) and node not in self._use.seen:
            return self._use.reason.get(node, "no usage source covers it")
        if node in self._vague:
            return "it is also read without saying which columns"
        if node not in self._told:
            return "no usage source tells which of its columns are read"
        return "whether what it goes into is used is not known"

    # ------------------------------------------------------------------ what is read

    def _flags(self, i: int) -> int:
        """What holds for a node as a whole: its rows and all of its columns."""
        use = self._use
        node = self._graph.nodes[i]
        flag = _KEPT if i in self._kept_nodes else 0
        if KINDS[node.kind].band == "dashboard":
            flag |= 0 if use.status[i] == "unused" else _BOARD
            flag |= _READ if use.own[i] else _BLIND if use.status[i] == "unknown" else 0
        elif is_table(node) and (i in self._vague or i not in use.seen or self._is_new(i)):
            flag |= _BLIND
        return flag

    def _is_new(self, i: int) -> bool:
        created = self._graph.nodes[i].created
        return created is not None and (self._graph.as_of - created).days < self._graph.policy.grace_days

    @cached_property
    def _kept_nodes(self) -> frozenset[int]:
        """What is protected, or feeds something outside; what it stands on is kept by the columns it is made from."""
        return self._graph.protected | self._graph.outside

    def _rows(self) -> tuple[set[int], set[int], dict[int, set[str]]]:
        """Nodes told by column, nodes read without saying which, and the columns of each node that people read."""
        use = self._use
        told: dict[int, set[tuple[str, str]]] = defaultdict(set)
        read: dict[int, set[str]] = defaultdict(set)
        columns: dict[tuple[int, _Cell], float] = defaultdict(float)
        whole: dict[tuple[int, _Cell], float] = defaultdict(float)
        vague: set[int] = set()
        for node, row in use.linked:
            if not row.column or row.measure not in READS or row.day < use.opens:
                continue
            told[node].add((row.origin.connector, row.origin.file))
            if row.amount <= 0 or row.person_class not in use.classes:
                continue
            if row.column == EVERY:
                vague.add(node)
            else:
                read[node].add(row.column.lower())
                columns[node, _cell(row)] += row.amount
        for node in self._reach.nodes:
            for row in use.rows.get(node, ()):
                if row.person_class in use.classes:
                    whole[node, _cell(row)] += row.amount
        vague.update(key[0] for key, reads in whole.items() if reads > columns.get(key, 0.0))
        return {i for i, sources in told.items() if self._in_time(i, sources)}, vague, read

    def _in_time(self, node: int, sources: set[tuple[str, str]]) -> bool:
        """Whether one of the sources saw all the days that the use of the node is known from: it is not stale."""
        seen = self._use.seen.get(node)
        return seen is not None and any(
            max(c.start, self._use.opens) <= seen[0] and seen[1] <= min(c.end, self._graph.as_of)
            for c in self._graph.coverage
            if (c.origin.connector, c.origin.file) in sources
        )


def is_table(node: Node) -> bool:
    """Whether a node is a table or view of its own, whose columns statements can read."""
    kind = KINDS[node.kind]
    return kind.queried and kind.band in {"source", "model"} and node.materialized != "ephemeral"


def _cell(row: Observation) -> _Cell:
    return row.origin.connector, row.origin.file, row.day, row.person_class
