"""Columns of key results that are bound to a model and an expression: read from the expression itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headway.errors import MissingExtra
from headway.graph.model import ColumnLineage, ColumnSource

if TYPE_CHECKING:
    from headway.graph.graph import Graph


def of_key_results(graph: Graph) -> Iterator[ColumnLineage]:
    """A record for every key result whose expression, condition and date can be followed to columns of its one model.

    Where that cannot be told, or nothing here parses SQL, there is no record, and every column is taken to matter.
    """
    from headway.graph.columns import expression_sources

    known = {record.node for record in graph.column_lineage}
    for goal, target in graph.targets.items():
        binding, fed = target.binding, graph.fed_by.get(goal, ())
        if not binding.model or not binding.expression or len(fed) != 1 or target.key_result in known:
            continue
        model = graph.nodes[fed[0]].id
        try:
            value = expression_sources(binding.expression, "")
            rows = [expression_sources(text, "") for text in (*binding.where, binding.time) if text]
        except MissingExtra:
            return
        if value.problem or any(row.problem for row in rows):
            continue
        shape = sorted({column for row in rows for column in row.values})
        yield ColumnLineage(
            node=target.key_result,
            columns={graph.nodes[goal].name: tuple(ColumnSource(model, column) for column in value.values)},
            shape=tuple(ColumnSource(model, column) for column in shape),
        )
