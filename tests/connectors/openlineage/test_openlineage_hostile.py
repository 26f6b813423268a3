"""Events that nobody should send: whatever is in them, there is a sentence or a record, and never a crash."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("openlineage.client.event_v2")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.openlineage.lineage_events import at, everything, lines, loose, read, write

from headway.connectors.openlineage.events import Wrong
from headway.connectors.openlineage.joined import Joined
from headway.connectors.openlineage.received import kept, kept_of_batch
from headway.errors import HeadwayError
from headway.graph.model import AnyRecord, Gap, Node

EVENTS = [json.loads(line) for line in lines(*everything()).splitlines()]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(place for key, one in inner for place in places(one, (*before, key)))]


def spoiled(event: dict[str, Any], place: tuple[Any, ...], value: Any) -> Any:
    """The event with something else at one place."""
    if not place:
        return value
    made = copy.deepcopy(event)
    inner: Any = made
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_anything_at_any_place_of_an_event_is_read_or_told_of(folder: Path, data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    place = data.draw(st.sampled_from(places(event)))
    made = spoiled(event, place, data.draw(VALUES))
    other = json.dumps(EVENTS[0] | {"eventTime": at(30)})
    (folder / "events.jsonl").write_text(json.dumps(made) + "\n" + other + "\n")
    records = read(folder)
    again = msgspec.json.decode(msgspec.json.encode(records), type=list[AnyRecord])
    assert len(again) == len(records) > 0
    try:
        line = kept(json.dumps(made).encode())
    except Wrong:
        return
    # What was sent and what is written down of it say the same.
    (folder / "kept.jsonl").write_bytes(line + b"\n" + other.encode())
    assert read(folder, "kept.jsonl") == records


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200) | VALUES.map(lambda v: json.dumps(v).encode()))
def test_a_body_that_is_none_is_refused_with_a_sentence(body: bytes) -> None:
    for take in (kept, kept_of_batch):
        try:
            take(body)
        except Wrong as wrong:
            said = str(wrong)
        else:
            continue
        assert 0 < len(said) < 300


@pytest.mark.parametrize(
    "when",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00",
        "2026-11-22T05:00:00+23:59",
        "2026-02-30T00:00:00Z",
        "2026-11-22",
        "1763787600",
        "",
    ],
)
def test_no_moment_of_time_crashes_it(tmp_path: Path, when: str) -> None:
    write(tmp_path, loose(eventTime=when), loose(eventTime=at(1)))
    assert [r for r in read(tmp_path) if isinstance(r, Node)]


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\u0000"', '"' + "\u202e" * 50 + '"', '""', '"' + "." * 300 + '"'])
def test_names_of_any_letters_are_read_or_told_of(tmp_path: Path, text: str) -> None:
    for field in ("namespace", "name"):
        for part in ("job", "outputs"):
            event = json.dumps(loose())
            inner = json.loads(event)
            target = inner["job"] if part == "job" else inner["outputs"][0]
            event = event.replace(json.dumps(target[field]), text)
            (tmp_path / "events.jsonl").write_text(event + "\n" + json.dumps(loose(eventTime=at(1))) + "\n")
            records = read(tmp_path)
            msgspec.json.encode(records)
            assert all(r.id.isprintable() and r.name for r in records if isinstance(r, Node))


def test_ten_thousand_inputs_and_a_deep_facet_are_no_trouble(tmp_path: Path) -> None:
    many = [{"namespace": "postgres://a:1", "name": f"w.s.t{i}"} for i in range(10_000)]
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    event = loose(inputs=many)
    event["job"]["facets"]["tags"] = deep
    write(tmp_path, event)
    assert sum(isinstance(r, Node) for r in read(tmp_path)) == 10_002


def test_a_long_chain_of_names_is_not_walked_again_and_again() -> None:
    """Names are joined so that the chain is as long as it can be, and the longest way is asked for each time."""
    count, steps = 2_000, 0

    class Counted(dict[int, int]):
        def get(self, *args: Any) -> Any:
            nonlocal steps
            steps += 1
            return super().get(*args)

    joined = Joined()
    joined._above = Counted()
    for number in range(count - 1, 0, -1):
        joined.join(number, number - 1)
    for _ in range(count):
        assert joined.least(count - 1) == 0
    assert steps < 20 * count


def test_every_line_wrong_is_an_error_and_some_are_gaps_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("x\n" * 1_000)
    with pytest.raises(HeadwayError, match=r"events\.jsonl:1: this is not JSON"):
        read(tmp_path)
    (tmp_path / "events.jsonl").write_text("x\n" * 1_000 + json.dumps(loose()) + "\n")
    said = [r.message for r in read(tmp_path) if isinstance(r, Gap)]
    assert said[-1] == "997 more events could not be read"
