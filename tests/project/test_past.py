"""The project as it was on an earlier day."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from headway.errors import UsageError
from headway.graph.census import census
from headway.graph.graph import Graph
from headway.graph.model import Check, ColumnLineage, Facets, Reading
from headway.project import Project
from headway.project.past import graph_at, graphs_at
from shop import USAGE, manifest, write_shop


def synced(folder: Path, when: datetime) -> None:
    project = Project.open(folder)
    project.now = when
    assert not [r for r in project.sync(evaluate=False) if r.error]


def names(graph: Graph) -> set[str]:
    return {graph.nodes[i].name for i in graph.assets}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Synced in September with two models, in November with one."""
    head, first, *_ = USAGE.splitlines(keepends=True)
    folder = write_shop(tmp_path / "shop", usage=head + first)
    synced(folder, datetime(2026, 9, 20, 23, 30, tzinfo=UTC))
    (folder / "usage.csv").write_text(USAGE)
    smaller = manifest()
    del smaller["nodes"]["model.shop.forgotten"]
    (folder / "target/manifest.json").write_text(json.dumps(smaller))
    synced(folder, datetime(2026, 11, 20, 8, tzinfo=UTC))
    return folder


def test_a_past_day_has_the_assets_the_goals_and_the_use_of_then(shop: Path) -> None:
    project = Project.open(shop)
    then, today = graph_at(project, date(2026, 9, 20)), project.graph()
    assert names(then) - names(today) == {"forgotten"}
    assert then.as_of == date(2026, 9, 20)
    assert then.synced_at == datetime(2026, 9, 20, 23, 30, tzinfo=UTC)
    assert {o.day for _, o in then.use.linked} == {date(2026, 8, 20)}, "no fact of a later day"
    objective = then.index["goal:objective.grow"]
    assert (then.state(objective), today.state(objective)) == ("planned", "active")


def test_the_end_of_the_day_counts_and_not_a_moment_later(shop: Path) -> None:
    project = Project.open(shop)
    assert "forgotten" in names(graph_at(project, date(2026, 11, 19)))
    assert "forgotten" not in names(graph_at(project, date(2026, 11, 20)))


def test_the_configuration_is_todays(shop: Path) -> None:
    settings = shop / "headway.yml"
    settings.write_text(settings.read_text() + 'protected: ["forgotten"]\nprices: {EUR: {amount: 2, unit: USD}}\n')
    then = graph_at(Project.open(shop), date(2026, 10, 1))
    assert {then.nodes[i].name for i in then.protected} == {"forgotten"}
    assert then.prices["EUR"].unit == "USD"


def test_a_day_before_the_first_sync_is_refused_with_the_first_day(shop: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing is known of 2026-09-19.*the first sync was on 2026-09-20"):
        graph_at(Project.open(shop), date(2026, 9, 19))


def test_a_project_that_was_never_synced_has_no_past(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    with pytest.raises(UsageError, match="never been synced"):
        graph_at(Project.open(folder), date(2026, 11, 1))
    assert not (folder / ".headway").exists(), "asking makes no store"


def test_several_days_read_at_once_hold_what_each_holds_alone(shop: Path) -> None:
    project = Project.open(shop)
    days = [date(2026, 9, 19), date(2026, 9, 20), date(2026, 10, 31), date(2026, 11, 20)]
    with project.store() as store:
        found = dict(graphs_at(project, store, days, (Check, ColumnLineage, Facets, Reading)))
        assert list(found) == days[1:], "nothing was synced by the first"
        alone = {day: graph_at(project, day) for day in days[1:]}
        assert {day: census(graph) for day, graph in found.items()} == {d: census(g) for d, g in alone.items()}
        assert [len(graph.checks) for graph in found.values()] == [0, 0, 0]
        same = [graph for _, graph in graphs_at(project, store, days[1:3])]
        shared = {id(node) for node in same[0].nodes} & {id(node) for node in same[1].nodes}
        assert len(shared) == len(same[0].nodes), "what both days show is read once"
