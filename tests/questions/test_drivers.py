"""The change of a key result split over its tree, for values that a warehouse could have given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.answer import Answer
from headway.errors import UnknownName, UsageError, WarehouseError
from headway.graph.graph import Graph
from headway.graph.metric_tree import Pair, Sides, Span
from headway.graph.model import AnyRecord, Binding, Edge, Node, Target
from headway.questions.drivers import Read, drivers
from headway.questions.registry import questions

GOAL = "goal:key_result.o.kr"
BEFORE, AFTER = Span(date(2026, 8, 9), date(2026, 9, 30)), Span(date(2026, 10, 1), date(2026, 11, 22))
RATIO = {"type": "ratio", "inputs": [{"name": "a", "as": "a"}, {"name": "b", "as": "b"}]}
Members = Mapping[str, Mapping[str, Pair]]


def derived(expr: str, *inputs: str) -> dict[str, Any]:
    return {"type": "derived", "expr": expr, "inputs": [{"name": name, "as": name} for name in inputs]}


def graph(metrics: dict[str, Any], baseline: float | None = None, **meta: Any) -> Graph:
    records: list[AnyRecord] = []
    for name, definition in {"a": None, "b": None, "c": None, **metrics}.items():
        own = {**({"definition": definition} if definition else {}), **(meta if name == "m" else {})}
        records.append(Node(id=name, kind="metric", name=name, meta=own))
        inputs = definition["inputs"] if definition else ()
        records += [Edge(upstream=item["name"], downstream=name) for item in inputs]
    records.append(Node(id=GOAL, kind="key_result", name="kr", title="Key result"))
    target = Target(key_result=GOAL, objective="goal:objective.o", binding=Binding(metric="m"), baseline=baseline)
    return Graph([*records, target, Edge(upstream="m", downstream=GOAL)], as_of=date(2026, 11, 22))


def giving(values: Mapping[str, Pair], members: Members | None = None, **more: Any) -> Read:
    """Reads what is given."""
    return lambda *_: Sides(BEFORE, AFTER, "", values, members or {}, **more)


def rows(answer: Answer) -> list[dict[str, Any]]:
    return answer.records()


def test_a_ratio_is_split_over_both_sides_of_the_line() -> None:
    answer = drivers(graph({"m": RATIO}), key_result="kr", read=giving({"m": (0.5, 0.6), "a": (5, 9), "b": (10, 15)}))
    root, above, below = rows(answer)
    assert root["note"] == "split by logarithmic means (LMDI)"
    assert above["part"] > 0 > below["part"]
    assert above["part"] + below["part"] == pytest.approx(root["part"], rel=1e-12)
    assert (above["share"] + below["share"], root["share"]) == (pytest.approx(1), 1)
    assert answer.headline.startswith("Key result rose by 0.1")
    assert answer.totals["tree"]["inputs"][0]["part"] == above["part"]
    assert answer.totals["before"] == {"start": BEFORE.start, "end": BEFORE.end}


def test_what_is_made_of_others_has_their_parts_together() -> None:
    metrics = {"r": RATIO, "m": derived("100 * r - c", "r", "c")}
    values: dict[str, Pair] = {"m": (46, 51), "r": (0.5, 0.6), "a": (5, 9), "b": (10, 15), "c": (4, 9)}
    root, middle, above, below, other = rows(drivers(graph(metrics), key_result="kr", read=giving(values)))
    assert root["note"] == "split by Shapley values"
    assert middle["part"] == above["part"] + below["part"]
    assert middle["part"] == pytest.approx(10)
    assert other["part"] == pytest.approx(-5)


def test_an_input_that_stands_in_two_places_is_counted_once() -> None:
    metrics = {"r": RATIO, "m": derived("r * b", "r", "b")}
    values: dict[str, Pair] = {"m": (5, 9), "r": (0.5, 0.6), "a": (5, 9), "b": (10, 15)}
    found = rows(drivers(graph(metrics), key_result="kr", read=giving(values)))
    assert [row["note"] for row in found][-1] == "counted above"
    assert found[1]["part"] is None
    assert sum(row["part"] or 0 for row in found[2:]) == pytest.approx(4)


def test_what_the_inputs_do_not_explain_is_a_part_of_its_own() -> None:
    values: dict[str, Pair] = {"m": (8, 14), "a": (5, 9), "b": (3, 4)}
    found = rows(drivers(graph({"m": derived("a + b", "a", "b")}), key_result="kr", read=giving(values)))
    assert [row["part"] for row in found] == [6, 4, 1, 1]
    assert found[-1]["role"] == "rest"


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({"m": (0.5, None), "a": (1, 2), "b": (2, 0)}, "no rows after"),
        ({"m": (0.5, 1), "a": (1, None), "b": (2, 2)}, "not split: a has no value on one side"),
        ({"m": (0.5, 1), "a": (1, 2)}, "not split: not all of its inputs could be read"),
        ({"m": (0.5, 1), "a": (1, 2), "b": (0, 2)}, "not split: it has no value before"),
    ],
)
def test_what_is_missing_or_zero_is_said_and_never_taken_for_a_value(values: dict[str, Pair], note: str) -> None:
    answer = drivers(graph({"m": RATIO}), key_result="kr", read=giving(values))
    assert rows(answer)[0]["note"] == note
    assert all(row["part"] is None for row in rows(answer)[1:])


def test_zeros_and_negatives_are_split_where_there_is_a_value() -> None:
    values: dict[str, Pair] = {"m": (0, -2), "a": (0, -4), "b": (3, 2)}
    root, above, below = rows(drivers(graph({"m": RATIO}), key_result="kr", read=giving(values)))
    assert root["note"] == "split by Shapley values"
    assert above["part"] + below["part"] == pytest.approx(-2)


def test_arithmetic_that_cannot_be_followed_leaves_the_whole_unsplit_and_says_so() -> None:
    metrics = {"m": derived("case when a > b then a else b end", "a", "b")}
    answer = drivers(graph(metrics), key_result="kr", read=giving({"m": (1, 2), "a": (1, 2), "b": (0, 0)}))
    assert [row["part"] for row in rows(answer)] == [1, None, None]
    assert rows(answer)[0]["note"] == "not split: its expression is not followed: CASE is not followed"
    unknown = drivers(graph({"m": derived("a + x", "a")}), key_result="kr", read=giving({"m": (1, 2), "a": (1, 2)}))
    assert rows(unknown)[0]["note"] == "not split: its expression names x, which is none of its inputs"


def test_what_cannot_be_followed_further_down_is_split_as_a_whole() -> None:
    metrics = {"r": derived("case when a > b then a end", "a", "b"), "m": derived("r + c", "r", "c")}
    values: dict[str, Pair] = {"m": (3, 6), "r": (1, 2), "a": (1, 2), "b": (0, 0), "c": (2, 4)}
    _, whole, above, below, other = rows(drivers(graph(metrics), key_result="kr", read=giving(values)))
    assert (whole["part"], above["part"], below["part"], other["part"]) == (1, None, None, 2)
    assert whole["note"] == "its expression is not followed: CASE is not followed"


def test_influences_are_shown_beside_and_have_no_part() -> None:
    wanted: list[str] = []

    def read(target: Target, components: Any, *_: Any) -> Sides:
        wanted.extend(component.name for component in components)
        return Sides(BEFORE, AFTER, "", {"m": (2, 3), "a": (1, 2), "b": (1, 1), "c": (10, 90)})

    answer = drivers(graph({"m": derived("a + b", "a", "b")}, drivers=["c", "gone"]), key_result="kr", read=read)
    beside = rows(answer)[-1]
    assert wanted == ["m", "c"]
    assert (beside["tree"], beside["role"], beside["change"], beside["part"]) == ("~ c", "influence", 80, None)
    assert sum(row["part"] or 0 for row in rows(answer)[1:]) == 1
    assert any("'gone'" in gap.message for gap in answer.gaps)


def test_a_baseline_that_is_not_what_was_read_is_said() -> None:
    read = giving({"m": (0.5, 0.6), "a": (5, 9), "b": (10, 15)})
    off = drivers(graph({"m": RATIO}, baseline=0.4), key_result="kr", read=read)
    assert [gap.message for gap in off.gaps if "baseline" in gap.message] == [
        "the baseline is stated as 0.4; from 2026-08-09 to 2026-09-30 it was 0.5"
    ]
    for baseline, since in ((0.5, None), (0.4, date(2026, 9, 1))):
        fine = drivers(graph({"m": RATIO}, baseline=baseline), key_result="kr", since=since, read=read)
        assert not [gap for gap in fine.gaps if "baseline" in gap.message]


def test_a_warehouse_that_does_not_answer_leaves_the_tree() -> None:
    def fails(*_: Any) -> Sides:
        raise WarehouseError("duckdb cannot be reached", hint="start it")

    answer = drivers(graph({"m": RATIO}), key_result="kr", read=fails)
    assert len(answer.rows) == 3
    assert [(gap.message, gap.hint) for gap in answer.gaps] == [
        ("the inputs of m could not be read: duckdb cannot be reached", "start it")
    ]


def test_the_tree_alone_reads_nothing() -> None:
    def never(*_: Any) -> Sides:
        raise AssertionError("read")

    answer = drivers(graph({"m": RATIO}), key_result="kr", tree=True, read=never)
    assert [row["tree"] for row in rows(answer)] == ["m", "├─ numerator: a", "└─ denominator: b"]
    assert not answer.gaps


def test_what_a_person_asked_wrongly_is_an_error() -> None:
    def refuses(*_: Any) -> Sides:
        raise UsageError("there is nothing between these days")

    with pytest.raises(UsageError, match="nothing between"):
        drivers(graph({"m": RATIO}), key_result="kr", read=refuses)
    with pytest.raises(UnknownName):
        drivers(graph({"m": RATIO}), key_result="nobody", read=refuses)


def test_the_reader_is_the_projects_and_no_option_of_the_command() -> None:
    found = questions()["drivers"]
    assert dict(found.supplied) == {"read": "metric inputs"}
    assert found.parameters["since"].type is date
    assert list(found.parameters) == ["key_result", "since", "until", "by", "tree"]


# --- By member -------------------------------------------------------------------------------------------------------


def split_by(metrics: dict[str, Any], values: Mapping[str, Pair], members: Members, **more: Any) -> Answer:
    read = giving(values, members, **more)
    return drivers(graph(metrics), key_result="kr", by="plan__tier", read=read).sections[0]


def test_a_ratio_is_split_into_rate_and_mix_by_member() -> None:
    members: Members = {
        "a": {"pro": (10, 20), "free": (10, 30)},
        "b": {"pro": (50, 50), "free": (100, 250)},
        "m": {"pro": (0.2, 0.4), "free": (0.1, 0.12)},
    }
    found = split_by({"m": RATIO}, {"m": (20 / 150, 50 / 300), "a": (20, 50), "b": (150, 300)}, members)
    by_member = {row["member"]: row for row in found.records()}
    assert by_member["pro"]["rate"] == pytest.approx((1 / 3 + 1 / 6) / 2 * 0.2)
    assert by_member["pro"]["before"] == 0.2
    assert sum(row["part"] for row in found.records()) == pytest.approx(50 / 300 - 20 / 150, rel=1e-9)
    assert [row["member"] for row in found.records()] == ["pro", "free"]


def test_a_member_that_is_new_or_gone_counts_as_nothing_on_the_other_side() -> None:
    members: Members = {"m": {"new": (None, 7), "gone": (4, None), "": (1, 2)}}
    found = {row["member"]: row for row in split_by({"m": None}, {"m": (5, 9)}, members).records()}
    assert [(name, row["part"], row["note"]) for name, row in found.items()] == [
        ("new", 7, "new"),
        ("gone", -4, "gone"),
        ("(none)", 1, None),
    ]


@pytest.mark.parametrize(
    ("members", "more", "reason"),
    [
        ({"m": {"x": (3, 5), "y": (3, 5)}}, {}, "add up to 6 before, and not to 5"),
        ({}, {}, "the members of m are not known"),
        ({}, {"unsplit": {"m": "it has no such dimension"}}, "it has no such dimension"),
        ({"m": {}}, {}, "add up to 0 before, and not to 5"),
    ],
)
def test_members_that_do_not_make_the_whole_are_not_split(members: Members, more: Any, reason: str) -> None:
    found = split_by({"m": None}, {"m": (5, 9)}, members, **more)
    assert reason in found.headline
    assert not found.rows


PAIRS = st.tuples(st.integers(-50, 50), st.integers(-50, 50))


@given(st.lists(st.tuples(PAIRS, PAIRS, PAIRS), min_size=1, max_size=5), st.sampled_from(["a - 2 * b", "a * b + c"]))
def test_the_parts_of_members_sum_to_the_change(rows_: list[tuple[Pair, Pair, Pair]], expr: str) -> None:
    members = {name: {f"x{k}": row[n] for k, row in enumerate(rows_)} for n, name in enumerate("abc")}
    values: dict[str, Pair] = {
        name: (sum(p[0] or 0 for p in found.values()), sum(p[1] or 0 for p in found.values()))
        for name, found in members.items()
    }
    whole = [eval(expr, {}, {name: pair[side] for name, pair in values.items()}) for side in (0, 1)]
    values["m"] = (whole[0], whole[1])
    found = split_by({"m": derived(expr, "a", "b", "c")}, values, members)
    total = math.fsum(row["part"] for row in found.records())
    assert math.isclose(total, whole[1] - whole[0], rel_tol=1e-9, abs_tol=1e-6)
