"""Bytes of a YAML file to a tree that knows where everything stands. Knows nothing about goals.

ruamel.yaml gives the events; the tree is built here without recursion, so that nothing in a file can exhaust the
stack or memory: nesting is bounded, aliases and tags are refused, and a key that is there twice is a problem rather
than a silent loss. Values stay text: what they mean is decided where their type is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from headway.errors import Place, Problem

MAX_DEPTH = 100
"""Levels of lists and mappings inside one another. Fifty nested objectives, about ten times what companies have."""

Report = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it is written. `plain` is False for text in quotes and for block text."""

    place: Place
    text: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping: key to the place of the key and the value."""

    place: Place
    pairs: dict[str, tuple[Place, Tree]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that was refused and reported already; whoever meets it stays silent."""

    place: Place


Tree = Scalar | Items | Pairs | Broken

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_CHARACTER = re.compile(r"\\U(?!000|0010)[0-9a-fA-F]{8}")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def parse(data: bytes, file: str, report: Report) -> Tree | None:
    """The tree of the one YAML document in `data`; None when it is empty or cannot be read at all.

    Everything that is wrong is given to `report` with its place, counted from 1.
    """
    text = _decode(data, file, report)
    if text is None:
        return None
    builder = _Builder(file, report)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if not builder.take(event):
                return None
    except YAMLError as error:
        report(_explain(error, file, text))
        return None
    except (ValueError, OverflowError):
        # The scanner hands escapes beyond Unicode ("\\U00110000") to chr() without looking.
        found = _NO_CHARACTER.search(text)
        place = _spot(text, found.start(), file) if found else Place(file)
        report(Problem("the escape names a character that does not exist", place, "write the character itself"))
        return None
    return builder.root


def _decode(data: bytes, file: str, report: Report) -> str | None:
    if data.startswith(_UTF16):
        report(Problem("the file is UTF-16, not UTF-8", Place(file, 1, 1), "save it as UTF-8"))
        return None
    if b"\0" in data:
        report(Problem("this is a binary file, not YAML", _place_in(data, data.index(b"\0"), file)))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # utf-8-sig counts from behind the byte order mark
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        problem = f"byte 0x{data[start]:02x} is not UTF-8"
        report(Problem(problem, _place_in(data, start, file), "save the file as UTF-8"))
        return None
    if found := _UNPRINTABLE.search(text):
        report(
            Problem(
                f"control character U+{ord(found.group()):04X} is not allowed in YAML",
                _spot(text, found.start(), file),
                "delete it",
            )
        )
        return None
    return text


def _place_in(data: bytes, offset: int, file: str) -> Place:
    return Place(file, data.count(b"\n", 0, offset) + 1, offset - data.rfind(b"\n", 0, offset))


def _spot(text: str, offset: int, file: str) -> Place:
    return Place(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class _Builder:
    """Takes events one by one and grows the tree."""

    def __init__(self, file: str, report: Report) -> None:
        self.file = file
        self.report = report
        self.root: Tree | None = None
        self.documents = 0
        self.open: list[Items | Pairs] = []
        self.keys: list[Scalar | Broken | None] = []
        """For each open mapping the key that waits for its value; None for lists and between pairs."""

    def take(self, event: Any) -> bool:
        """Whether reading goes on after this event."""
        place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case AliasEvent():
                message = f"*{event.anchor} is a YAML alias, which goals files do not read"
                self.report(Problem(message, place, "write it out, or put text that starts with * in quotes"))
                self.add(Broken(place))
            case ScalarEvent():
                plain = event.style is None or event.style == ""
                self.add(self.tagless(event, place) or Scalar(place, event.value, plain))
            case SequenceStartEvent() | MappingStartEvent():
                return self.descend(event, place)
            case SequenceEndEvent() | MappingEndEvent():
                self.open.pop()
                self.keys.pop()
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    hint = "remove the line ---, or put each part in a file of its own"
                    self.report(Problem("a second YAML document begins here", place, hint))
                    return False
        return True

    def tagless(self, event: Any, place: Place) -> Broken | None:
        tag = event.tag
        if tag is None:
            return None
        self.report(Problem(f"the YAML tag {str(tag)[:80]!r} is not allowed", place, "remove the tag"))
        return Broken(place)

    def descend(self, event: Any, place: Place) -> bool:
        if len(self.open) >= MAX_DEPTH:
            message = f"lists and mappings are nested deeper than {MAX_DEPTH} levels"
            self.report(Problem(message, place, "say `parent: <id>` instead of nesting objectives further"))
            return False
        tree: Items | Pairs = Pairs(place) if isinstance(event, MappingStartEvent) else Items(place)
        self.add(self.tagless(event, place) or tree)
        self.open.append(tree)
        self.keys.append(None)
        return True

    def add(self, tree: Tree) -> None:
        if not self.open:
            self.root = tree
            return
        holder, key = self.open[-1], self.keys[-1]
        if isinstance(holder, Items):
            holder.items.append(tree)
        elif key is None:
            self.keys[-1] = self.as_key(tree)
        else:
            self.keys[-1] = None
            if isinstance(key, Scalar):
                self.pair(holder, key, tree)

    def as_key(self, tree: Tree) -> Scalar | Broken:
        if isinstance(tree, Scalar | Broken):
            return tree
        hint = "put text that begins with [ or { in quotes"
        self.report(Problem("a key has to be a word, not a list or a mapping", tree.place, hint))
        return Broken(tree.place)

    def pair(self, holder: Pairs, key: Scalar, value: Tree) -> None:
        if key.text in holder.pairs:
            first = holder.pairs[key.text][0]
            message = f"{shown(key.text)} is written twice here, first on line {first.line}"
            self.report(Problem(message, key.place, "keep one of them"))
        else:
            holder.pairs[key.text] = (key.place, value)


def shown(text: str, most: int = 60) -> str:
    """Text as it can be shown in a message: in quotes, on one line, unprintable characters escaped, not too long."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")


_EXPLAINED: tuple[tuple[str, str, str], ...] = (
    ("character '\\t'", "a tab is used where YAML wants blanks", "indent with blanks, two per level"),
    (
        "mapping values are not allowed here",
        "a ':' stands where no key can be",
        "put text that contains ': ' in quotes, and check the indentation of this line and the one above",
    ),
    (
        "expected <block end>",
        "this line does not line up with what is above it",
        "keys of one block begin in the same column",
    ),
    (
        "found unexpected end of stream",
        "a quote is opened and never closed",
        "add the closing quote at the end of the text",
    ),
    (
        "sequence entries are not allowed here",
        "a list item ('- ') cannot begin here",
        "begin the list on a line of its own, or put the text in quotes",
    ),
    ("unknown escape character", "a backslash in double quotes begins an escape", "use single quotes, or write \\\\"),
    ("expected alphabetic or numeric character", "'&' and '*' mean something in YAML", "put the text in quotes"),
    (
        "found '<stream end>'",
        "the file ends in the middle of a list or mapping",
        "add the closing ] or }",
    ),
    ("expected ',' or '", "a [ or { is not closed", "add the closing ] or }, or put the text in quotes"),
    ("undefined tag handle", "'!' begins a YAML tag, and goals files have none", "put the text in quotes"),
    ("could not find expected ':'", "a key has no ':' behind it", "write `key: value`"),
)


def _explain(error: YAMLError, file: str, text: str) -> Problem:
    """The parser's complaint in words for somebody who does not know YAML's grammar."""
    problem = str(getattr(error, "problem", None) or getattr(error, "context", None) or "it cannot be read")
    opened = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or opened
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    for part, message, hint in _EXPLAINED:
        if part in problem:
            # An unclosed quote or bracket is found at the end of the file; where it was opened is what helps.
            if opened and ("quote" in message or "not closed" in message):
                place = Place(file, opened.line + 1, opened.column + 1)
            return Problem(message, place, hint)
    if "cannot start any token" in problem and mark:
        character = text[mark.index] if mark.index < len(text) else ""
        return Problem(f"no value can begin with {shown(character)}", place, "put the text in quotes")
    return Problem(f"this is not YAML: {problem}", place)
