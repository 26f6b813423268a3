"""Bytes of a YAML file, as Superset exports them, to plain data.

PyYAML's parser in C gives the events, ten times as fast as one in Python; the tree is built here without recursion, so
that nothing in a file can exhaust the stack: nesting is bounded, tags mean nothing, what an alias repeats is shared.
"""

from __future__ import annotations

import re
from typing import Any

from headway.errors import InputError, MissingExtra, Place

MAX_DEPTH = 100
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for text, value in (("true", True), ("false", False)) for word in (text, text.title(), text.upper())
}
_OPEN = object()
"""Stands where the key of a mapping is still to come."""


def parsed(data: bytes, file: str) -> Any:
    """The first YAML document in `data`: dicts with text as keys, lists, text, whole numbers, true, false and None.

    Other numbers and dates stay text. None for an empty document. Raises InputError with the place for what is no
    YAML, MissingExtra without PyYAML.
    """
    try:
        import yaml
    except ImportError:
        raise MissingExtra("bi", "reading an export of Superset") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if b"\0" in data:
        raise InputError("this is a binary file, not YAML", place=Place(file))
    builder = _Builder(yaml, file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"byte 0x{data[error.start]:02x} is not UTF-8", place=Place(file, line)) from None
    try:
        for event in yaml.parse(text, Loader=loader):
            if builder.done(event):
                break
    except yaml.YAMLError as error:
        raise InputError("this is not YAML: " + _reason(error), place=_place(error, file)) from None
    except (ValueError, OverflowError):  # an escape that names no character
        raise InputError(
            "this is not YAML: an escape names a character that does not exist", place=Place(file)
        ) from None
    return builder.root


class _Builder:
    """Takes events one by one and grows the tree."""

    def __init__(self, yaml: Any, file: str) -> None:
        self.root: Any = None
        self._file = file
        self._open: list[tuple[Any, Any]] = []
        """What is being filled, outermost first: a list and None, or a dict and its key, _OPEN before one is known."""
        self._anchors: dict[str, Any] = {}
        self._scalar, self._alias, self._end = yaml.ScalarEvent, yaml.AliasEvent, yaml.DocumentEndEvent
        self._starts: dict[type, type] = {yaml.MappingStartEvent: dict, yaml.SequenceStartEvent: list}
        self._ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)

    def done(self, event: Any) -> bool:
        """Take one event in; True when the document is over. Raises InputError."""
        kind = type(event)
        if kind is self._scalar:
            value = event.value
            if event.implicit[0]:  # not in quotes
                value = _meant(value)
            self._put(value, event)
        elif kind in self._starts:
            value = self._starts[kind]()
            self._put(value, event)
            if len(self._open) >= MAX_DEPTH:
                place = Place(self._file, event.start_mark.line + 1)
                raise InputError(f"is nested more than {MAX_DEPTH} levels deep", place=place)
            self._open.append((value, _OPEN if kind and isinstance(value, dict) else None))
        elif kind in self._ends:
            self._open.pop()
        elif kind is self._alias:
            if event.anchor not in self._anchors:
                place = Place(self._file, event.start_mark.line + 1)
                raise InputError("repeats something that is not there before", place=place)
            self._put(self._anchors[event.anchor], event)
        return kind is self._end

    def _put(self, value: Any, event: Any) -> None:
        anchor = getattr(event, "anchor", None)
        if anchor and type(event) is not self._alias:
            self._anchors[anchor] = value
        if not self._open:
            self.root = value
            return
        container, key = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is _OPEN:
            self._open[-1] = (container, event.value if type(event) is self._scalar else str(type(value)))
        else:
            container[key] = value
            self._open[-1] = (container, _OPEN)


def _meant(text: str) -> Any:
    """What plain text means: nothing, true, false, a whole number, or itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[-1].isdigit() and _INTEGER.fullmatch(text):
        return int(text)
    return text


def _reason(error: Any) -> str:
    """What the parser says is wrong. It never holds text of the file, but for single characters."""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    return re.sub(r"\s+", " ", str(said))[:120]


def _place(error: Any, file: str) -> Place:
    mark = getattr(error, "problem_mark", None)
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
