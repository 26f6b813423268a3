"""Whatever is in the file: records, or problems with a place; and every goal that is written is read."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from headway.connectors.goals.reader import read
from headway.connectors.goals.records import records
from headway.connectors.goals.schema import SHAPES
from headway.connectors.goals.values import slug
from headway.errors import GoalsError
from headway.graph.model import AnyRecord, Node, Objective, Target

SETTINGS = settings(max_examples=120, deadline=None)
MARKUP = [*"-:?[]{},&*!|>'\"%@`# \n\t~=<", "- ", ": ", "\n  ", "\n- ", "---\n", "...", "<<", "&a ", "*a", "!!x "]
WORDS = [f.name for shape in SHAPES.values() for f in shape.fields] + ["a", "2026-10-01", "1", "true", "é", "\\U0011"]


def outcome(data: bytes) -> list[AnyRecord]:
    """The records, all of which can be kept; or nothing, after problems that all have a place in the file."""
    try:
        found = list(records(read([("goals.yml", data)])))
    except GoalsError as error:
        problems = error.problems
    else:
        msgspec.json.encode(found)
        return found
    lines = data.count(b"\n") + data.count(b"\r") + data.count("\x85".encode()) + data.count(b"\xe2\x80") + 2
    assert problems
    for problem in problems:
        assert problem.place.file == "goals.yml"
        assert problem.message
        assert 0 <= problem.place.line <= lines
        str(problem).encode("utf-8")
    return []


@SETTINGS
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    outcome(data)


@SETTINGS
@given(st.text(max_size=300))
@example('a: "\\U00110000"')
@example('a: "\\ud800"')
@example("objectives:\n  - id: &a\n    *a : 1")
@example("? [a, {b: c}]\n: !x")
def test_any_text(text: str) -> None:
    outcome(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(MARKUP + WORDS), max_size=60).map("".join))
def test_any_markup(text: str) -> None:
    outcome(text.encode())


KEYS = st.sampled_from(sorted({f.name for shape in SHAPES.values() for f in shape.fields})) | st.text(max_size=5)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.dates()
    | st.sampled_from(["mrr", "2026-10-01", "increase", "select 1 from a", "a", "b"])
)
STRUCTURES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)


def as_yaml(value: Any) -> bytes:
    buffer = io.BytesIO()
    YAML(typ="safe", pure=True).dump(value, buffer)
    return buffer.getvalue()


@SETTINGS
@given(STRUCTURES | STRUCTURES.map(lambda inner: {"objectives": [inner], "periods": inner}))
def test_any_structure(value: Any) -> None:
    outcome(as_yaml(value))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_file_that_was_damaged(data: st.DataObject) -> None:
    whole = GOOD.encode()
    kind = data.draw(st.sampled_from(["cut", "flip", "insert", "repeat"]))
    at = data.draw(st.integers(0, len(whole)))
    if kind == "cut":
        damaged = whole[:at]
    elif kind == "flip":
        damaged = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]
    elif kind == "insert":
        damaged = whole[:at] + data.draw(st.sampled_from(MARKUP)).encode() + whole[at:]
    else:
        damaged = whole[:at] + whole
    outcome(damaged)


GOOD = """\
version: 1
periods:
  - {id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}
objectives:
  - id: grow
    title: Grow
    period: 2026-Q4
    key_results:
      - {id: mrr, title: "Revenue", metric: mrr, baseline: 100, target: 120, where: ["a = 'b'"]}
      - id: exports
        title: Exports
        sql: |
          select day, value
          from marts.x
        checkpoints: [{date: 2026-10-31, value: 3}]
      - Customers are happy
    objectives:
      - {id: emea, title: EMEA, deliverables: [{id: page, title: Page, done: 2026-11-01}]}
"""


def test_the_file_to_be_damaged_is_good() -> None:
    assert len(outcome(GOOD.encode())) > 10


NUMBERS = st.floats(-1e12, 1e12).map(lambda number: round(number, 3))


@st.composite
def key_results(draw: st.DrawFn, name: str) -> Any:
    title = draw(st.sampled_from(["Revenue", "Überfällig: ja", "100%", "- x", "売上", "true", "a: b # c"]))
    if draw(st.booleans()):
        return {"id": name, "title": title}
    baseline, target = draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True))
    bound = draw(
        st.sampled_from(
            [
                {"metric": "mrr", "where": "a = 1", "grain": "month", "dimensions": ["x"]},
                {"model": "fct_x", "expression": "count(*)", "time": "at"},
                {"sql": "select 1 as value from marts.x"},
                {"readings": [{"date": date(2026, 11, 1), "value": 4}]},
                {},
            ]
        )
    )
    numbers = draw(
        st.sampled_from([{"baseline": baseline, "target": target}, {"target": target}, {"band": {"high": target}}, {}])
    )
    return {"id": name, "title": title, "weight": draw(st.integers(0, 5))} | bound | numbers


@st.composite
def goal_files(draw: st.DrawFn) -> tuple[list[dict[str, Any]], Counter[str]]:
    """A valid tree of goals of any depth up to what nesting allows, spread over files, and what is in it."""
    counts: Counter[str] = Counter()
    roots: list[dict[str, Any]] = []
    all_of_them: list[tuple[dict[str, Any], int]] = []
    for number in range(draw(st.integers(0, 12))):
        objective: dict[str, Any] = {"id": f"o{number}", "title": f"Objective {number}", "period": "q"}
        counts["objective"] += 1
        results = [draw(key_results(f"k{i}")) for i in range(draw(st.integers(0, 3)))]
        if results:
            objective["key_results"] = results
        for kind in ("deliverable", "initiative"):
            if draw(st.booleans()):
                objective[f"{kind}s"] = [{"id": "one", "title": "One"}]
                counts[kind] += 1
        counts["key_result"] += len(results)
        above = draw(st.sampled_from([None, *range(len(all_of_them))]))
        if above is None:
            roots.append(objective)
        else:
            holder, depth = all_of_them[above]
            if draw(st.booleans()) and depth < 48:
                holder.setdefault("objectives", []).append(objective)
                all_of_them.append((objective, depth + 1))
                continue
            objective["parent"] = holder["id"]
            roots.append(objective)
        all_of_them.append((objective, 1))
    cut = draw(st.integers(0, len(roots)))
    period = {"id": "q", "start": date(2026, 10, 1), "end": date(2026, 12, 31)}
    return [{"objectives": roots[:cut]}, {"version": 1, "periods": [period], "objectives": roots[cut:]}], counts


@SETTINGS
@given(goal_files())
def test_every_goal_that_is_written_is_read(drawn: tuple[list[dict[str, Any]], Counter[str]]) -> None:
    files, counts = drawn
    found = list(records(read([(f"{i}.yml", as_yaml(file)) for i, file in enumerate(files)])))
    nodes = [record for record in found if isinstance(record, Node)]
    assert Counter(node.kind for node in nodes) == counts
    assert len({node.id for node in nodes}) == len(nodes)
    assert len([r for r in found if isinstance(r, Target)]) == counts["key_result"]
    assert [r.order for r in found if isinstance(r, Objective)] == list(range(counts["objective"]))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Grow paid, fast!", "grow_paid_fast"),
        ("Größe & Länge", "grosse_lange"),
        ("  A  ", "a"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 51 + "_c508e75f"),
        ("売上", "goal_443fb948"),
    ],
)
def test_slugs(title: str, expected: str) -> None:
    assert slug(title) == expected


@given(st.text(min_size=1))
def test_every_title_has_an_id_that_reads(title: str) -> None:
    name = slug(title)
    assert len(name) <= 60
    text = f'objectives: [{{id: "{name}", title: x}}]'
    assert [r.name for r in outcome(text.encode()) if isinstance(r, Node)] == [name]
