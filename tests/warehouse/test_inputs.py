"""The inputs of a key result's metric, read on DuckDB through MetricFlow, held against the metric itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from headway.connectors.dbt.connector import Dbt
from headway.connectors.protocol import Context
from headway.errors import InputError, UsageError
from headway.graph.graph import Graph
from headway.graph.metric_tree import Sides, Tree, leaves, tree_of
from headway.graph.model import Binding, Edge, Node, Target
from headway.questions.decompose import split
from headway.questions.drivers import drivers, formula_of
from headway.warehouse.connection import Connection
from headway.warehouse.inputs import read_sides

AS_OF = date(2026, 10, 6)
GOAL = "goal:key_result.o.kr"
Ask = Callable[..., tuple[Tree, Sides]]


def graph_with(project: Path, metric: str, **binding: Any) -> Graph:
    context = Context(project, None, {}, lambda *_: None, None)  # type: ignore[arg-type]
    records = list(Dbt({"manifest": str(project / "manifest.json")}, context).records())
    goal = [
        Node(id=GOAL, kind="key_result", name="kr"),
        Target(
            key_result=GOAL,
            objective="goal:objective.o",
            start=date(2026, 7, 1),
            due=date(2026, 12, 31),
            binding=Binding(metric=metric, **binding),
        ),
        Edge(upstream=f"ref:metric/{metric}", downstream=GOAL),
    ]
    return Graph([*records, *goal], as_of=AS_OF)


@pytest.fixture
def ask(shop: Connection, project: Path) -> Ask:
    def read(metric: str, since: date | None = None, until: date | None = None, by: str = "", **binding: Any) -> Any:
        graph = graph_with(project, metric, **binding)
        goal = graph.index[GOAL]
        tree = tree_of(graph, goal)
        assert tree is not None
        sides = read_sides(
            graph.targets[goal],
            [tree.root],
            manifest_path=project / "manifest.json",
            connection=shop,
            as_of=AS_OF,
            since=since,
            until=until,
            by=by,
        )
        return tree, sides

    return read


@pytest.mark.parametrize(
    ("metric", "grain"),
    [
        ("average_order", ""),
        ("average_order", "month"),
        ("dutch_share", ""),
        ("orders_per_visit", "month"),
        ("revenue_growth", "month"),
        ("revenue_growth", ""),
        ("visit_conversion", ""),
    ],
)
def test_what_the_inputs_give_is_what_the_metric_is(ask: Ask, metric: str, grain: str) -> None:
    tree, sides = ask(metric, date(2026, 8, 31), grain=grain)
    formula = formula_of(tree.root, 8)
    assert len(formula.names()) == 2
    values = [{key: sides.values[key][side] for key in formula.names()} for side in (0, 1)]
    found = split(formula, values[0], values[1])
    assert (found.before, found.after) == pytest.approx(sides.values[tree.root.key], rel=1e-12)
    assert sum(found.parts) == pytest.approx(found.change, rel=1e-9)
    assert not sides.problems


def test_an_input_is_read_with_its_filter_and_its_offset(ask: Ask) -> None:
    _, sides = ask("dutch_share", date(2026, 8, 31))
    assert sides.values["revenue | {{ Dimension('customer__country') }} = 'NL'"] != sides.values["revenue"]
    tree, sides = ask("revenue_growth", date(2026, 8, 31))
    assert (sides.grain, sides.before.start, sides.after.start) == ("month", date(2026, 8, 1), date(2026, 9, 1))
    assert set(leaves(tree.root)) == {"revenue", "revenue | 1 month before"}
    assert sides.values["revenue | 1 month before"][1] == sides.values["revenue"][0]


def test_the_condition_of_the_key_result_holds_for_every_input(ask: Ask) -> None:
    _, whole = ask("average_order")
    tree, dutch = ask("average_order", where=("customer__country = 'NL'",))
    assert all(part.where == ("customer__country = 'NL'",) for part in leaves(tree.root).values())
    for key in leaves(tree.root):
        assert (dutch.values[key][1] or 0) < (whole.values[key.partition(" | ")[0]][1] or 0)


def test_days_before_the_start_are_as_many_as_those_after(ask: Ask) -> None:
    _, sides = ask("revenue")
    assert (sides.after.start, sides.after.end) == (date(2026, 7, 1), AS_OF)
    assert sides.before.end == date(2026, 6, 30)
    assert sides.before.end - sides.before.start == sides.after.end - sides.after.start
    _, later = ask("revenue", date(2026, 7, 31), date(2026, 8, 31))
    assert (later.before.start, later.before.end) == (date(2026, 7, 1), date(2026, 7, 31))
    assert (later.after.start, later.after.end) == (date(2026, 7, 1), date(2026, 8, 31))


def test_what_accumulates_is_read_on_the_last_day(ask: Ask) -> None:
    _, sides = ask("revenue_to_date", date(2026, 7, 31), date(2026, 8, 31))
    _, months = ask("revenue", date(2026, 7, 31), date(2026, 8, 31), grain="month")
    before, after = sides.values["revenue_to_date"]
    assert (after or 0) - (before or 0) == pytest.approx(months.values["revenue"][1])


def test_members_are_read_on_both_sides(ask: Ask) -> None:
    _, sides = ask("revenue", date(2026, 7, 31), date(2026, 8, 31), by="customer__country")
    found = sides.members["revenue"]
    assert "NL" in found
    assert sum(pair[1] or 0 for pair in found.values()) == pytest.approx(sides.values["revenue"][1])


def test_a_dimension_that_the_metric_does_not_have_is_refused_by_name(ask: Ask) -> None:
    with pytest.raises(UsageError, match="cannot be split by 'customer__shoe_size'"):
        ask("revenue", by="customer__shoe_size")


@pytest.mark.parametrize(
    ("since", "until", "grain", "reason"),
    [
        (date(2026, 9, 1), date(2026, 8, 1), "", "nothing between"),
        (date(2026, 9, 1), date(2026, 9, 20), "month", "the same month"),
        (date(2026, 5, 1), date(2026, 6, 1), "", "has not begun"),
    ],
)
def test_days_that_make_no_comparison(ask: Ask, since: date, until: date, grain: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        ask("revenue", since, until, grain=grain)


def test_a_metric_that_cannot_be_computed_says_so(ask: Ask) -> None:
    with pytest.raises(InputError, match="cannot compute"):
        ask("revenue", where=("nobody__knows = 1",))


def test_the_question_answers_with_what_was_read(shop: Connection, project: Path) -> None:
    def read(target: Target, components: Any, since: date | None, until: date | None, by: str) -> Sides:
        manifest = project / "manifest.json"
        days = {"as_of": AS_OF, "since": since, "until": until, "by": by}
        return read_sides(target, components, manifest_path=manifest, connection=shop, **days)

    graph = graph_with(project, "average_order")
    answer = drivers(graph, key_result="kr", since=date(2026, 8, 31), by="customer__country", read=read)
    root, *inputs = [dict(zip([c.key for c in answer.columns], row.values, strict=True)) for row in answer.rows]
    assert sum(row["part"] for row in inputs) == pytest.approx(root["change"], rel=1e-9)
    (members,) = answer.sections
    parts = [row.values[3] for row in members.rows]
    assert len(parts) > 1
    assert sum(parts) == pytest.approx(root["change"], rel=1e-9)
    assert all(row.values[5] + row.values[6] == pytest.approx(row.values[3]) for row in members.rows)
