"""The guide to the goals file cannot lie: its examples are read, its tables come from the format."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headway.connectors.goals.connector import DEFAULT_PATH, FALLBACK, MAX_BYTES, Goals
from headway.connectors.goals.document import MAX_DEPTH
from headway.connectors.goals.reader import read
from headway.connectors.goals.records import records
from headway.connectors.goals.schema import MODELINE, SHAPES, Field, Shape
from headway.errors import GoalsError
from headway.graph.model import Gap

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "goals.md").read_text("utf-8")
KINDS_OF_VALUE = {
    "text": "text", "id": "id", "period_id": "id", "url": "web address", "number": "number", "amount": "number from 0",
    "count": "whole number from 1", "date": "date", "bool": "true or false", "done": "date, true or false",
    "version": "1", "texts": "text or list", "names": "name or list", "block": "mapping", "blocks": "list",
    "blocks_or_texts": "list",
}  # fmt: skip


def table(shape: Shape) -> str:
    """The fields of a shape as they stand in the guide."""

    def value(field: Field) -> str:
        return ", ".join(field.choices) or KINDS_OF_VALUE[field.type]

    rows = [f"| `{f.name}` | {value(f)} | {'yes' if f.required else ''} | {f.help} |" for f in shape.fields]
    return "\n".join(["| key | value | required | |", "|---|---|---|---|", *rows]) + "\n"


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_field_is_in_the_guide_as_it_is_declared(name: str) -> None:
    assert table(SHAPES[name]) in GUIDE


@pytest.mark.parametrize("text", examples("yaml"))
def test_every_example_reads_without_a_gap(text: str) -> None:
    found = list(records(read([("goals.yml", text.encode())])))
    assert found
    assert not [record for record in found if isinstance(record, Gap)]


def test_the_examples_use_every_field() -> None:
    used = "\n".join(examples("yaml"))
    missing = [
        f"{shape.name}.{field.name}"
        for shape in SHAPES.values()
        for field in shape.fields
        if not re.search(rf"(^|[\s{{]){field.name}:", used)
    ]
    assert missing == []


def test_the_mistakes_shown_are_those_that_are_reported() -> None:
    (wrong,), (said,) = examples("yml"), examples("text")
    with pytest.raises(GoalsError) as caught:
        read([("goals.yml", wrong.encode())])
    assert str(caught.value) + "\n" == said


def test_names_and_limits_are_those_of_the_reader() -> None:
    for part in (
        f"`{DEFAULT_PATH}`",
        f"`{FALLBACK}/`",
        f"{MAX_BYTES // 1_000_000} MB",
        f"{MAX_DEPTH} levels",
        MODELINE,
    ):
        assert part in GUIDE
    for option in Goals.options:
        assert f"| `{option.name}` |" in GUIDE
