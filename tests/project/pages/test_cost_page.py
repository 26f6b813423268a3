"""Cost as data: whatever it is split by, and whatever is zoomed into, the parts add up exactly to the whole."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from browser import worlds
from headway.errors import UnknownName, UsageError
from headway.graph.model import Coverage, Edge, Node, Observation, goal_id
from headway.project import Project
from headway.project.pages.cost import MOST_PIECES, Block, Cost, cells_of, cost
from headway.questions.evidence import month

ODD = 0.000001


def world(*observations: Observation, goals: bool = True, assets: int = 5) -> Project:
    """Models, of which 0 serves two objectives, 1 serves one, and the rest none."""
    nodes = [
        Node(id=f"dbt:model.m{k}", kind="model", name=f"m{k}", path=f"models/f{k % 2}/m{k}.sql", owner=f"team-{k % 3}")
        for k in range(assets)
    ]
    records = [*nodes]
    if goals:
        for name, above in (("a", ("0", "1")), ("b", ("0",))):
            records += worlds._objective(name, f"Objective {name}", "team", order=0)
            records += worlds._key_result(name, "k", f"Key result {name}", (0, 1, 2), "", owner="team")
            records += [Edge(upstream=f"dbt:model.m{k}", downstream=goal_id("key_result", name, "k")) for k in above]
    return worlds.project_of([*records, *observations])


def spent(k: int, amount: float, unit: str = "EUR", **more: str) -> Observation:
    day = worlds.AS_OF - timedelta(days=1)
    return Observation(
        day=day, measure="cost", amount=amount, unit=unit, node=f"dbt:model.m{k}", origin=worlds.USAGE, **more
    )


def added(blocks: tuple[Block, ...]) -> int:
    return sum(inner.micros for block in blocks for inner in block.inner)


@pytest.mark.parametrize("by", ["", "owner", "folder"])
def test_blocks_parts_and_rows_add_up_exactly(by: str) -> None:
    for project in (worlds.company(), worlds.headless(), worlds.sized(2000)):
        page = cost(project, by=by)
        if not page.known:
            continue
        ledger = month(project.graph())
        assert ledger is not None
        assert page.total_micros == ledger.total == sum(b.micros for b in page.blocks) == added(page.blocks)
        assert page.total_micros == sum(row.micros for row in page.rows)


def test_the_parts_are_those_of_the_question() -> None:
    project = world(spent(0, 10 * ODD), spent(0, 5 * ODD, person_class="person"), spent(1, 3), spent(4, 7))
    totals = project.ask("cost").totals["parts_micros"]
    page = cost(project)
    assert {b.key: b.micros for b in page.blocks} == {key: micros for key, micros in totals.items() if micros}
    assert totals["goal:objective.a"] + totals["goal:objective.b"] == 3_000_015


@pytest.mark.parametrize("world_", ["company", "no_readings"])
def test_zooming_in_shows_what_the_block_was(world_: str) -> None:
    project = getattr(worlds, world_)()
    whole = cost(project)
    for block in whole.blocks:
        near = cost(project, objective=block.key)
        assert (near.total_micros, near.zoom) == (block.micros, block.name)
        assert [(i.name, i.micros) for i in near.blocks[0].inner] == [(i.name, i.micros) for i in block.inner]
        assert sum(row.micros for row in near.rows) == block.micros
        for by in ("owner", "folder"):
            assert cost(project, by=by, objective=block.key).total_micros == block.micros


def test_what_serves_nothing_comes_last_in_one_order() -> None:
    keys = [block.key for block in cost(worlds.company()).blocks]
    rest = [key for key in keys if key.startswith("none:")]
    assert rest == keys[-len(rest) :] == [k for k in ("none:shadow", "none:unknown", "none:zombie") if k in keys]
    assert len(rest) >= 2


def test_what_is_shared_is_split_and_nothing_is_lost() -> None:
    project = world(spent(0, 1), spent(1, 2))
    page = cost(project)
    assert {b.name: b.micros for b in page.blocks} == {"Objective a": 2_500_000, "Objective b": 500_000}
    assert [p.name for i in page.blocks[0].inner for p in i.pieces] == ["m1", "m0"]
    assert any("split equally" in note for note in page.notes)
    ledger = month(project.graph())
    assert ledger is not None
    assert sum(cells_of(project.graph(), ledger).values()) == 3_000_000


def test_unknown_cost_is_never_zero() -> None:
    page = cost(world())
    assert not page.known
    assert page.rows == ()
    assert "0" not in page.sentence[0].text
    some = cost(world(spent(0, 1)))
    assert any("known for 1 of 5 assets" in note for note in some.notes)


def test_with_use_unknown_nothing_is_said_to_be_unused() -> None:
    page = cost(world(spent(0, 1), spent(3, 5)))
    assert "nobody" not in page.sentence[0].text.lower().replace("whether anybody", "")
    assert [b.name for b in page.blocks][-1] == "Use not known"
    assert "whether anybody uses the rest is not known" in page.sentence[0].text


def test_what_is_protected_is_told_apart_from_what_can_go() -> None:
    first = worlds.AS_OF - timedelta(days=120)
    everything = Coverage(covers="kind:model", start=first, end=worlds.AS_OF, origin=worlds.USAGE)
    read = Observation(day=worlds.AS_OF, measure="queries", amount=1, node="dbt:model.m0", origin=worlds.USAGE)
    made = world(spent(0, 1), spent(2, 2), spent(3, 4))
    records = [replace(n, protected=n.name == "m3") for n in made.graph().nodes if n.kind == "model"]
    project = worlds.project_of([everything, read, spent(0, 1), spent(2, 2), spent(3, 4), *records])
    assert project.graph().use.known
    text = "".join(phrase.text for phrase in cost(project).sentence)
    assert "€4 of it to what is protected or feeds something outside" in text


def test_without_goals_the_sentence_says_so() -> None:
    page = cost(world(spent(0, 12), goals=False))
    assert page.headless
    assert page.sentence[0].text.startswith("€12 a month, and no objective says what for")


def test_credits_and_units_stay_apart() -> None:
    page = cost(world(spent(0, 5), spent(1, -2), spent(2, 100, "credits")))
    assert page.total_micros == 3_000_000
    assert any("below zero" in note for note in page.notes)
    assert [link.text for link, _ in page.units] == ["EUR", "credits"]
    other = cost(world(spent(0, 5), spent(2, 100, "credits")), unit="credits")
    assert (other.total_micros, other.total_text) == (100_000_000, "100 credits")


def test_pieces_are_cut_and_counted() -> None:
    project = world(*(spent(k, 1 + k) for k in range(40)), assets=40)
    inner = next(b for b in cost(project).blocks if b.key == "none:unknown").inner
    assert all(len(i.pieces) == MOST_PIECES and i.more == 19 - MOST_PIECES for i in inner)
    assert all(p.micros >= q.micros for i in inner for p, q in pairwise(i.pieces))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownName):
        cost(worlds.company(), objective="no such objective")
    with pytest.raises(UsageError, match="no cost is known in 'shells'"):
        cost(worlds.company(), unit="shells")


def test_owners_are_teams_and_the_rest_of_many_is_one_row() -> None:
    project = world(*(spent(k, 1) for k in range(5)))
    graph = project.graph()
    assert {b.name for b in cost(project, by="owner").blocks} == {"team-0", "team-1", "team-2"}
    people = [replace(n, owner="ana@example.com") for n in graph.nodes if n.kind == "model"]
    page: Cost = cost(worlds.project_of([*people, spent(0, 1)]), by="owner")
    assert [b.name for b in page.blocks] == ["one person"]
