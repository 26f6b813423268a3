"""Plain data as YAML in block style, in the one way that every reader of YAML 1.1 and 1.2 takes for the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][\w .()/%'-]*(?<! )", re.ASCII)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_LONG_LIST = 100


def block(values: Mapping[str, Any]) -> str:
    """A mapping as lines. Values are texts, numbers, booleans, mappings and lists of those; keys are plain words."""
    return "".join(f"{line}\n" for line in _mapping(values))


def _mapping(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{key}:"
            yield from (f"  {line}" for line in _mapping(value))
        elif isinstance(value, list | tuple) and value:
            yield from _listed(key, value)
        elif isinstance(value, str) and "\n" in value:
            yield f"{key}: |-"
            yield from (f"  {line}" if line else "" for line in _lines(value))
        else:
            yield f"{key}: {_scalar(value)}"


def _listed(key: str, items: Sequence[Any]) -> Iterator[str]:
    if not any(isinstance(item, Mapping) for item in items):
        words = [_scalar(item) for item in items]
        if sum(map(len, words)) <= _LONG_LIST and not any(re.search(r"[,'()]", w) and w[0] != '"' for w in words):
            yield f"{key}: [{', '.join(words)}]"
            return
        yield f"{key}:"
        yield from (f"  - {word}" for word in words)
        return
    yield f"{key}:"
    for item in items:
        first, *rest = _mapping(item)
        yield f"  - {first}"
        yield from (f"    {line}" if line else "" for line in rest)


def _scalar(value: Any) -> str:
    """One value on one line."""
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping | list | tuple):
        return "{}" if isinstance(value, Mapping) else "[]"
    text = clean(str(value))
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """A whole number as one; another with a point, which YAML 1.1 wants even before an exponent."""
    if not math.isfinite(value):
        return json.dumps(str(value))
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text


def clean(text: str) -> str:
    """Text without what cannot be printed; line ends become blanks."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _lines(text: str) -> list[str]:
    """The lines of a text as a literal block can hold them: it may not begin with a blank, nor end with blank lines."""
    lines = ["".join(c if c.isprintable() else " " for c in line).rstrip() for line in text.split("\n")]
    return "\n".join(lines).strip().split("\n")
