"""A tree held against the declared format: known keys, required keys, and values of the right type.

What is right becomes a Block of Python values; what is wrong becomes a Problem with its place and what would be
right. A wrong value is left out of its block, so that one mistake is reported once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from headway.connectors.goals.document import Broken, Items, Pairs, Scalar, Tree, shown
from headway.connectors.goals.problems import Problems
from headway.connectors.goals.schema import SHAPES, Field, Shape
from headway.connectors.goals.values import (
    described,
    in_quotes,
    is_empty,
    kind_of,
    listed,
    scalar,
    slug,
    text_of,
    wanted,
    written_id,
)
from headway.errors import Place


@dataclass(frozen=True, slots=True)
class Word:
    """One of several names, with its place."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping whose values have the declared types. A key that is left out, empty or wrong is not in `values`."""

    shape: Shape
    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    """Place of each key's value, wrong ones included."""

    def text(self, name: str) -> str:
        """The text there, or ''."""
        return str(self.values.get(name, ""))

    def number(self, name: str) -> float | None:
        """The number there, or None."""
        value = self.values.get(name)
        return value if isinstance(value, float) else None

    def day(self, name: str) -> date | None:
        """The date there, or None."""
        value = self.values.get(name)
        return value if isinstance(value, date) else None

    def words(self, name: str) -> tuple[Word, ...]:
        """The names or texts there, with places; none when left out."""
        return tuple(self.values.get(name, ()))

    def texts(self, name: str) -> tuple[str, ...]:
        """The names or texts there; none when left out."""
        return tuple(word.text for word in self.words(name))

    @property
    def called(self) -> str:
        """`key result mrr`: what it is and its id, for messages."""
        return f"{self.shape.name.replace('_', ' ')} {self.text('id')}".strip()

    def blocks(self, name: str) -> tuple[Block, ...]:
        """The mappings there; none when left out."""
        return tuple(self.values.get(name, ()))

    def at(self, name: str) -> Place:
        """Place of that value, or of the whole mapping."""
        return self.places.get(name, self.place)


def check(tree: Tree, shape: Shape, problems: Problems) -> Block | None:
    """The tree as a block of that shape; None when it is not even a mapping."""
    if isinstance(tree, Broken):
        return None
    if not isinstance(tree, Pairs):
        problems.say(f"{shape.label} is a mapping, not {described(tree)}", tree.place, _as_mapping(shape))
        return None
    block = Block(shape, tree.place)
    meant: set[str] = set()
    for key, (place, value) in tree.pairs.items():
        known = shape.field_named(key)
        if known is None:
            hint = _instead(key, shape, problems, meant)
            problems.say(f"{shape.label} has no {shown(key)}", place, hint)
            continue
        block.places[key] = value.place if not is_empty(value) else place
        if not is_empty(value) and (result := _value(value, known, problems)) is not None:
            block.values[key] = result
    _required(block, tree, meant, problems)
    _together(block, tree, meant, problems)
    return block


def _instead(key: str, shape: Shape, problems: Problems, meant: set[str]) -> str:
    """What to write instead of an unknown key. What it probably meant is added to `meant`, not to be missed again."""
    names = [f.name for f in shape.fields]
    if " " in key.strip():
        meant.update(names)
        return "if this is one sentence, put it in quotes"
    near = shape.mistaken.get(key.lower().replace("-", "_")) or problems.near(key, names)
    if near:
        meant.add(near)
        return f"did you mean {near}?"
    return f"it has {listed(names, 'and')}"


def _required(block: Block, tree: Pairs, meant: set[str], problems: Problems) -> None:
    for needed in block.shape.fields:
        if not needed.required or needed.name in meant or _said(tree, needed.name):
            continue
        hint = f"write {needed.name}: ..."
        title = tree.pairs.get("title") or tree.pairs.get("name")
        if needed.name == "id" and title and isinstance(title[1], Scalar) and title[1].text.strip():
            hint = f"write id: {written_id(slug(title[1].text))}"
        problems.say(f"{block.shape.label} needs {_a(needed.name)}", block.at(needed.name), hint)


def _together(block: Block, tree: Pairs, meant: set[str], problems: Problems) -> None:
    """Keys that exclude one another, keys of which one is needed, and keys that need another one."""
    shape = block.shape
    reported: set[str] = set()
    for group in shape.at_most_one:
        there = [name for name in group if _said(tree, name)]
        if len(there) > 1 and there[-1] not in reported:
            reported.update(there[1:])
            message = f"{shape.label} has one of {listed(group)}, but here are {listed(there, 'and')}"
            problems.say(message, block.at(there[1]), "keep one of them")
    either = shape.at_least_one
    if either and not meant.intersection(either) and not any(_said(tree, name) for name in either):
        problems.say(f"{shape.label} has neither {' nor '.join(either)}", block.place, "write one of them, or both")
    for name, others in shape.needs.items():
        if _said(tree, name) and not meant.intersection(others) and not any(_said(tree, other) for other in others):
            need = listed(others)
            problems.say(f"{name} has nothing to apply to without {need}", block.at(name), f"add {need}, or remove it")


def _said(tree: Pairs, name: str) -> bool:
    return name in tree.pairs and not is_empty(tree.pairs[name][1])


def _value(tree: Tree, known: Field, problems: Problems) -> Any:
    """The value as the field's type, or None after a problem was reported."""
    if isinstance(tree, Broken):
        return None
    match known.type:
        case "block":
            return check(tree, SHAPES[known.of], problems)
        case "blocks" | "blocks_or_texts":
            return _list_of_blocks(tree, known, problems)
        case "texts" | "names":
            return _list_of_words(tree, known, problems)
    if not isinstance(tree, Scalar):
        problems.say(f"{known.name} is {wanted(known)}, not {described(tree)}", tree.place, _single(known, tree))
        return None
    return scalar(tree, known, problems)


def _single(known: Field, tree: Tree) -> str:
    if known.type == "text" and isinstance(tree, Pairs):
        return "put the text in quotes if it is one sentence"
    return "write one value"


def _list_of_blocks(tree: Tree, known: Field, problems: Problems) -> tuple[Block, ...] | None:
    shape = SHAPES[known.of]
    if not isinstance(tree, Items):
        problems.say(f"{known.name} is a list, not {described(tree)}", tree.place, "begin each of them with '- '")
        return None
    blocks = []
    for item in tree.items:
        if (
            known.type == "blocks_or_texts"
            and isinstance(item, Scalar)
            and kind_of(item) == "text"
            and item.text.strip()
        ):
            blocks.append(_sentence(item, shape, problems))
        elif (block := check(item, shape, problems)) is not None:
            blocks.append(block)
    return tuple(blocks)


def _sentence(item: Scalar, shape: Shape, problems: Problems) -> Block:
    """A key result of words only; its id comes from the words."""
    title = text_of(item, Field("title", "text", ""), problems)
    values = {} if title is None else {"id": slug(title), "title": title}
    return Block(shape, item.place, values, {"id": item.place, "title": item.place})


def _list_of_words(tree: Tree, known: Field, problems: Problems) -> tuple[Word, ...] | None:
    items = tree.items if isinstance(tree, Items) else [tree]
    words = []
    for item in items:
        if isinstance(item, Broken):
            continue
        kind = kind_of(item)
        if isinstance(item, Scalar) and (kind == "text" or (known.type == "names" and kind == "whole")):
            text = text_of(item, known, problems)
            if text is not None:
                words.append(Word(text, item.place))
        else:
            wanted = "text or a list of texts" if known.type == "texts" else "a name or a list of names"
            problems.say(f"{known.name} is {wanted}, not {described(item)}", item.place, in_quotes(item))
    return tuple(words)


def _as_mapping(shape: Shape) -> str:
    keys = ": ..., ".join(f.name for f in shape.fields[:2])
    if shape.name == "file":
        return "begin the file with `objectives:`"
    return f"write {{{keys}: ...}}"


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
