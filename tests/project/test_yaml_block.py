"""Plain data written as YAML: every reader gets back what was written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from headway.project.yaml_block import block

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S"), include_characters=" "), max_size=30).map(
    str.strip
)
PLAIN = TEXT | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.sampled_from(["name", "title", "due", "target", "key_results"])
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner.filter(lambda v: not isinstance(v, list)), max_size=3)
        | st.dictionaries(KEYS, inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


def of_one_kind(value: Any) -> Any:
    """Lists hold either mappings or scalars, as everything that is exported does."""
    if isinstance(value, dict):
        return {key: of_one_kind(inner) for key, inner in value.items()}
    if isinstance(value, list):
        maps = [of_one_kind(v) for v in value if isinstance(v, dict)]
        return maps or [v for v in value if not isinstance(v, dict | list)]
    return value


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4).map(of_one_kind))
@settings(max_examples=200, deadline=None)
def test_both_versions_of_yaml_read_what_was_written(values: dict[str, Any]) -> None:
    text = block(values)
    plain = "".join(c for c in text if c.isprintable() or c == "\n")
    assert plain == text
    assert YAML(typ="safe", pure=True).load(text) == values
    assert yaml.safe_load(text) == values


@pytest.mark.parametrize(
    "word",
    ["yes", "No", "null", "~", "2026-10-01", "1e3", "0x1f", "1_000", "12:30", "- a", "# b", "a: b", "a #b", "'", "*x"],
)
def test_words_that_yaml_takes_for_something_else_stay_words(word: str) -> None:
    for load in (YAML(typ="safe", pure=True).load, yaml.safe_load):
        assert load(block({"title": word, "tags": [word, "b"]})) == {"title": word, "tags": [word, "b"]}


def test_lines_stay_lines_and_what_steers_a_terminal_is_gone() -> None:
    text = block({"text": "  one\n\n    - two\t\x1b[31m\n\n\n", "one": "a\x07b"})
    assert yaml.safe_load(text) == {"text": "one\n\n    - two  [31m", "one": "a b"}
