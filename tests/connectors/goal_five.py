"""One tree of goals, five levels deep, as every goal tool has it in its own way; and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Change, Edge, Gap, Node, Objective, Reading, Target
from headway.project.workspace import Project


@dataclass(frozen=True)
class Row:
    """One goal."""

    key: str
    title: str
    parent: str = ""
    numbers: tuple[float, float, float] | None = None
    """Baseline, target, current."""
    closed: bool = False
    private: bool = False
    archived: bool = False


FIVE = (
    Row("101", "Be the tea people drink"),
    Row("102", "Win the cities", "101"),
    Row("103", "Open in the north", "102"),
    Row("104", "Three shops in the harbour", "103"),
    Row("105", "Revenue of the harbour", "104", (100.0, 200.0, 140.0)),
    Row("106", "People love the harbour", "104"),
    Row("107", "Buy out a rival", "101", (0.0, 1.0, 0.0), private=True),
    Row("108", "Sell coffee", "101", (0.0, 9.0, 3.0), archived=True),
)
"""An objective on each of four levels, and key results on the fifth: one with numbers, one of words only."""
TOPS = ("101", "102", "103", "104")


def changed(rows: Sequence[Row], key: str, **more: Any) -> tuple[Row, ...]:
    """The rows with one of them otherwise."""
    return tuple(replace(row, **more) if row.key == key else row for row in rows)


def check_five(records: Sequence[AnyRecord], prefix: str, *, private: bool = True, archived: bool = True) -> None:
    """The tree is there with its numbers, and what is missing is said."""
    nodes = {r.id: r for r in records if isinstance(r, Node)}
    assert {k: n.kind for k, n in nodes.items()} == {
        **{f"{prefix}:{key}": "objective" for key in TOPS},
        f"{prefix}:105": "key_result",
        f"{prefix}:106": "key_result",
    }
    above = {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}
    chain = [f"{prefix}:{row.key}" for row in FIVE[:5]]
    assert set(zip(chain[1:], chain[:-1], strict=True)) <= above
    assert {r.parent for r in records if isinstance(r, Objective)} == {"", *chain[:3]}
    target = next(r for r in records if isinstance(r, Target) and r.key_result == f"{prefix}:105")
    assert (target.baseline, target.target, target.direction, target.objective) == (100.0, 200.0, "increase", chain[3])
    assert target.binding.way == "readings"
    assert [(r.key_result, r.value, r.source) for r in records if isinstance(r, Reading)] == [
        (f"{prefix}:105", 140.0, prefix)
    ]
    gaps = [r for r in records if isinstance(r, Gap)]
    assert any(g.node == f"{prefix}:106" and "has no number" in g.message for g in gaps)
    assert any("1 private goal" in g.message for g in gaps) is private
    assert any("1 archived goal" in g.message and "Sell coffee" in g.message for g in gaps) is archived
    assert all("rival" not in str(r) for r in records)


class Synced:
    """A project whose only source is one connector, synced as often as is asked."""

    def __init__(
        self, folder: Path, connector: str, options: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        import json

        folder.mkdir(exist_ok=True)
        said = {"columns": False, "as_of": "2026-11-22", "connectors": [{"name": connector, **options}]}
        (folder / "headway.yml").write_text(json.dumps(said))
        self._folder, self._environment, self._connector = folder, environment, connector

    def sync(self) -> tuple[int, int, int]:
        """New, changed and gone records."""
        project = self.project()
        (result,) = project.sync([self._connector], evaluate=False)
        assert result.error == ""
        with project.store() as store:
            counts = store.syncs()[0].counts
        return counts.new, counts.changed, counts.gone

    def project(self) -> Project:
        return Project.open(self._folder, environment=dict(self._environment))

    def graph(self) -> Graph:
        return self.project().graph()


def check_followed(synced: Synced, rows: Any, prefix: str) -> None:
    """Five levels; again without a write; renamed, moved, closed and with another target: the same goals.

    `rows` is called with the goals as the tool is to have them from then on.
    """
    rows(FIVE)
    new, _, _ = synced.sync()
    assert new > 10
    assert synced.sync() == (0, 0, 0)

    rows(changed(FIVE, "105", title="Sales of the harbour", numbers=(100.0, 250.0, 140.0)))
    new, changes, gone = synced.sync()
    assert (new, gone) == (0, 0)
    assert changes >= 2
    graph = synced.graph()
    result = graph.index[f"{prefix}:105"]
    assert graph.nodes[result].label == "Sales of the harbour"
    assert [(c.field, c.before, c.after) for c in graph.targets[result].changes] == [("target", 200.0, 250.0)]
    assert all(isinstance(c, Change) for c in graph.targets[result].changes)

    rows(changed(FIVE, "104", parent="102"))
    synced.sync()
    graph = synced.graph()
    assert graph.objectives[graph.index[f"{prefix}:104"]].parent == f"{prefix}:102"

    rows(changed(FIVE, "101", closed=True))
    synced.sync()
    graph = synced.graph()
    assert graph.state(graph.index[f"{prefix}:101"]) == "ended"
