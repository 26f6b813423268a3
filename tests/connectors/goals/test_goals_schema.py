"""The published JSON Schema is current, is valid, and says the same as the reader."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from headway.connectors.goals import schema
from headway.connectors.goals.problems import Problems
from headway.connectors.goals.reader import file_block
from headway.connectors.goals.schema import SHAPES, json_schema, schema_text

CASES = Path(__file__).parent / "cases"
VALIDATOR = jsonschema.Draft7Validator(json_schema(), format_checker=jsonschema.FormatChecker(["date"]))


class DatesAreText(SafeConstructor):
    """Reads dates as the text they are in JSON."""


DatesAreText.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def as_json(text: str) -> Any:
    """YAML as an editor hands it to a schema: what looks like a date is text."""

    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = DatesAreText
    return yaml.load(text)


def shape_problems(text: str) -> list[str]:
    """What the reader says about keys, types and required values; not what it says about their meaning."""
    problems = Problems()
    file_block("goals.yml", text.encode(), problems)
    return [str(problem) for problem in problems.found]


def yaml_of_cases(names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        for part in re.split(r"^## ", (CASES / name).read_text("utf-8"), flags=re.MULTILINE)[1:]:
            for i, text in enumerate(re.findall(r"^```yaml.*?\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL)):
                yield f"{name}: {part.splitlines()[0]} {i}", text


def test_the_published_schema_is_current() -> None:
    published = Path(schema.__file__).parent / "goals.schema.json"
    assert published.read_text("utf-8") == schema_text(), "run write_schema() on the folder of the package"


def test_the_schema_is_a_schema_and_explains_every_field() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    file = json.loads(schema_text())
    for shape in [*file["definitions"].values(), file["anyOf"][1]]:
        assert shape["description"]
        assert all(re.match(r"[A-Za-z(].*[.]$", field["description"]) for field in shape["properties"].values())


@pytest.mark.parametrize(
    ("name", "text"), [pytest.param(*c, id=c[0]) for c in yaml_of_cases(["valid.md", "references.md"])]
)
def test_what_the_reader_accepts_the_schema_accepts(name: str, text: str) -> None:
    if "next year" not in text:  # the one reference that is no id either
        assert shape_problems(text) == []
        VALIDATOR.validate(as_json(text))


# What an escape hides, and what is only wrong once it is known what it means.
NOT_OF_SHAPE = ("steer the terminal",)


def entries(text: str) -> Iterator[str]:
    """The file split so that each list item with a mistake is tried alone; the whole file where it cannot be split."""
    lines = text.splitlines()
    items = [i for i, line in enumerate(lines) if re.match(r"\s*- \{", line)]
    if len(items) < 2 or any(i not in items for i in range(items[0], len(lines))):
        yield text
        return
    for keep in items:
        yield "\n".join([*lines[: items[0]], lines[keep]])


SHAPE_CASES = [
    (f"{name} [{i}]", text)
    for name, whole in yaml_of_cases(["fields.md", "key_results.md"])
    if not any(part in name for part in NOT_OF_SHAPE)
    for i, text in enumerate(entries(whole))
]


@pytest.mark.parametrize(("name", "text"), [pytest.param(*c, id=c[0]) for c in SHAPE_CASES])
def test_reader_and_schema_agree_on_every_mistake_of_shape(name: str, text: str) -> None:
    assert VALIDATOR.is_valid(as_json(text)) == (shape_problems(text) == [])


KEYS = sorted({f.name for shape in SHAPES.values() for f in shape.fields} | {"titel"})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-3, 3)
    | st.sampled_from(
        ["mrr", "", "Grow", "2026-10-01", "2026-02-30", "increase", "month", "66%", "1_200", "https://x.example", "-1"]
    )
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@st.composite
def shaped(draw: st.DrawFn, name: str) -> Any:
    """A mapping of this shape with a few of its fields, right more often than not."""
    shape = SHAPES[name]
    optional = [f for f in shape.fields if not f.required]
    chosen = draw(st.lists(st.sampled_from(optional), max_size=4, unique=True)) if optional else []
    if name == "file":
        chosen = [f for f in optional if f.name == "objectives"]
    value = {f.name: draw(value_of(f)) for f in shape.fields if f.required or f in chosen}
    if draw(st.integers(0, 9)) == 0:
        value[draw(st.sampled_from(KEYS))] = draw(SCALARS)
    return value


def value_of(field: schema.Field) -> st.SearchStrategy[Any]:
    """A right value for the field."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "text": st.just("words"),
        "id": st.sampled_from(["a", "b2", 7]),
        "period_id": st.sampled_from(["2026-Q4", 2026]),
        "url": st.just("https://x.example/a"),
        "number": st.integers(-5, 5),
        "amount": st.integers(0, 5),
        "count": st.integers(1, 5),
        "date": st.just("2026-10-01"),
        "bool": st.booleans(),
        "done": st.booleans(),
        "version": st.just(1),
        "texts": st.just("a = 1"),
        "names": st.just(["a", 1]),
    }
    if field.type == "choice":
        return st.sampled_from(field.choices)
    if field.type == "block":
        return st.deferred(lambda: shaped(field.of))
    if field.of:
        return st.lists(st.deferred(lambda: shaped(field.of)), max_size=2)
    return values[field.type]


@settings(max_examples=150, deadline=None)
@given(shaped("file") | TREES)
def test_reader_and_schema_agree_on_any_structure(value: Any) -> None:
    buffer = io.StringIO()
    YAML(typ="safe", pure=True).dump(value, buffer)
    text = buffer.getvalue()
    read_back = as_json(text)
    assume(not _has_text_that_only_yaml_sees(read_back))
    assert VALIDATOR.is_valid(read_back) == (shape_problems(text) == []), text


def _has_text_that_only_yaml_sees(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_text_that_only_yaml_sees(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_text_that_only_yaml_sees(item) for item in value)
    return isinstance(value, float) and not math.isfinite(value)
