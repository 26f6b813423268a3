"""YAML as nodes: what is refused, each in one sentence with its place, and that nothing is made of what is read."""

from __future__ import annotations

import pytest

from headway.connectors.yaml_nodes import MOST_BYTES, composed
from headway.errors import InputError


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: 1\nb: [x\n", r"f\.yml:3:1: this is not valid YAML"),
        (b"a: caf\xe9\n", r"not UTF-8 text at byte 6"),
        (b"[" * 100, "nested too deeply"),
        (b"- " * 100, "nested too deeply"),
        (b"a:\n  " + b"- " * 100, "nested too deeply"),
        (b"[\n# a comment between\n" * 100, "nested too deeply"),
        (b"x" * (MOST_BYTES + 1), "at most 5,000,000 are read"),
        (b"a: *gone\n", "this is not valid YAML"),
        (b"a: \x00\n", "this is not valid YAML"),
    ],
)
def test_what_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        composed(data, "f.yml")
    assert "\n" not in str(error.value)


def test_nothing_is_constructed_and_lines_are_known() -> None:
    root = composed(b"\xef\xbb\xbf# head\nrun: !!python/object/apply:os.system [id]\n", "f.yml")
    assert root.value[0][1].value[0].value == "id"
    assert root.value[0][0].start_mark.line == 1
    assert composed(b"# nothing\n", "f.yml") is None


def test_an_anchor_that_is_declared_twice_warns_nobody() -> None:
    assert [one.value for one in composed(b"- &a x\n- &a y\n- *a\n", "f.yml").value] == ["x", "y", "y"]


@pytest.mark.parametrize("line", ["# " + "- " * 40 + "head", "  #" + "[ " * 40, "a: b  # " + "- " * 40])
def test_a_comment_is_never_too_deep(line: str) -> None:
    assert composed(f"{line}\nrun: id\n".encode(), "f.yml").value[-1][1].value == "id"
