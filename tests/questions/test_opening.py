"""The sentence that the first page opens with, what of a progress is sure, and how it went."""

from __future__ import annotations

from datetime import date

import pytest

from case_graph import graph_of
from headway.questions.goals import in_order
from headway.questions.opening import counted, doubted, opening, trajectory, trusted_part

DAYS = "2026-10-01..2026-12-31"
BODY = "source raw\nmodel fine < raw\nmodel late < raw\nmetric good < fine\nmetric bad < late\n"
LATE = 'check late fresh fail since 2026-11-19 "3 days late"\ncheck fine ok pass'


def company(*objectives: str, health: str = "") -> str:
    """Objectives `name now`: a key result from 0 to 100 each; `name now doubt` stands on the late model."""
    lines = [BODY]
    for text in objectives:
        name, now, *doubt = text.split()
        lines += [
            f'objective {name} "{name.title()}" {DAYS}',
            f"key_result {name}.k < {'bad' if doubt else 'good'} from=0 to=100",
        ]
        if now != "-":
            lines.append(f"reading {name}.k 2026-11-21 {now}")
    return "\n".join([*lines, health])


def sentence(text: str) -> str:
    graph = graph_of(text)
    return "".join(s.text for s in opening(graph, in_order(graph)))


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (("a 60", "b 60", "c 60"), "All three objectives are on pace."),
        (("a 60", "b 60"), "Both objectives are on pace."),
        (("a 60",), "A is on pace."),
        (("a 60", "b 5", "c 60"), "Two of three objectives are on pace. B is off track."),
        (("a 60", "b 5", "c 5"), "One of three objectives is on pace. B and C are off track."),
        (("a 60", "b 25", "c 5"), "One of three objectives is on pace. C is off track."),
        (("a 60", "b 5", "c 5", "d 5"), "One of four objectives is on pace. 3 are off track."),
        (("a 5", "b 5"), "Both objectives are off track."),
        (("a -", "b 60"), "One of two objectives is on pace."),
    ],
)
def test_the_sentence_names_what_is_worst(objectives: tuple[str, ...], said: str) -> None:
    assert sentence(company(*objectives)) == said


def test_what_cannot_be_trusted_is_said_and_marked() -> None:
    text = company("a 60", "b 5", "c 60 doubt", health=LATE)
    assert sentence(text) == (
        "One of three objectives is on pace. B is off track, and one number cannot be trusted today."
    )
    graph = graph_of(text)
    marked = [s.text for s in opening(graph, in_order(graph)) if s.tone]
    assert marked == ["one number cannot be trusted today"]


def test_a_doubt_inside_of_what_is_worst_is_said_to_be_its_own() -> None:
    text = (
        company("a 60", "b 5", health=LATE) + "\nkey_result b.other < bad from=0 to=100\nreading b.other 2026-11-21 60"
    )
    assert sentence(text).endswith("B is off track, and one of its numbers cannot be trusted today.")


def test_without_goals_it_says_so_and_not_that_all_is_well() -> None:
    assert "No goals are known yet" in sentence("model a")


def test_doubted_progress_is_no_part_of_what_is_trusted() -> None:
    text = company("a 60", health=LATE) + "\nkey_result a.other < bad from=0 to=100\nreading a.other 2026-11-21 20"
    graph = graph_of(text)
    (objective,) = in_order(graph)
    assert trusted_part(graph, objective) == pytest.approx(0.30)
    assert [graph.nodes[g].name for g in doubted(graph, [objective])] == ["other"]
    assert counted(graph, [objective]) == "1 unsure"


def test_trusted_parts_are_rolled_up_from_what_supports() -> None:
    text = company("a 60", "b 20 doubt", health=LATE)
    text = text.replace('objective a "A"', 'objective top "Top" 2026-10-01..2026-12-31\nobjective a "A"')
    text = text.replace(f'"A" {DAYS}', f'"A" {DAYS} parent=top').replace(f'"B" {DAYS}', f'"B" {DAYS} parent=top')
    graph = graph_of(text)
    top = graph.index["goal:objective.top"]
    assert trusted_part(graph, top) == pytest.approx(0.30)


def test_nothing_measured_has_no_trusted_part_and_no_history() -> None:
    graph = graph_of(company("a -"))
    (objective,) = in_order(graph)
    assert trusted_part(graph, objective) is None
    assert trajectory(graph, objective) == []


def test_a_trajectory_knows_on_each_day_only_what_was_read_by_then() -> None:
    text = company("a 60") + "\nreading a.k 2026-10-10 10\nreading a.k 2026-10-31 40"
    graph = graph_of(text)
    (objective,) = in_order(graph)
    points = {day: (done, expected) for day, done, expected in trajectory(graph, objective)}
    assert min(points) == date(2026, 10, 15)
    assert points[date(2026, 10, 15)][0] == pytest.approx(0.10)
    assert points[date(2026, 11, 5)][0] == pytest.approx(0.40)
    assert points[date(2026, 11, 22)][0] == pytest.approx(0.60)
    assert max(points) == date(2026, 11, 22)
    expected = [e for _, e in points.values() if e is not None]
    assert expected == sorted(expected)
