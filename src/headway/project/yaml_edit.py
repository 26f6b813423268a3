"""Edits of YAML files that people wrote: the lines that are meant change, every other byte stays.

The text is edited where the parser says that something stands, and read again after each edit: what it says then has
to be exactly what was meant, and nothing else may say anything else. Otherwise the edit is refused and nothing changes.
So comments, order, quoting, line endings and a byte order mark survive, and an edit that would go wrong never happens.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from headway.errors import InputError, Place

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node, SequenceNode

Step = tuple[str, str, str]
"""A list, the key its items are told apart by, and the item: `("models", "name", "orders")`."""

MOST_BYTES = 5_000_000
_DEEP = re.compile(r"(?:[\[{]\s*){100}|(?:-[ \t]+){100}")
"""Deeper than anybody nests anything. Text may look so as well: a rule of dashes, brackets."""
_BOM = "\ufeff"
_DASH = re.compile(r"^ *-(?=[ \t\r\n])", re.MULTILINE)
_NAMES = ("name", "v")
_LIST = "tag:yaml.org,2002:seq"
_PLAIN_VALUE = re.compile(r"[\w{][\w {}:.+-]*")


class Document:
    """One YAML file. `data` is what it holds now, to the byte."""

    def __init__(self, data: bytes, file: str) -> None:
        """Raises InputError for what is no YAML file that can be edited; `file` is how messages name it."""
        self.file = file
        if len(data) > MOST_BYTES:
            raise self._refused(f"is {len(data):,} bytes; at most {MOST_BYTES:,} are edited")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._refused(f"not UTF-8 text at byte {error.start}") from None
        self._bom = text.startswith(_BOM)
        self._text = text.removeprefix(_BOM)
        if re.search("\r(?!\n)", self._text):
            raise self._refused("has line ends that are only a carriage return", hint="save it with other line ends")
        self._root = self._compose(self._text)
        self._shared = self._check(self._root)

    @property
    def data(self) -> bytes:
        """The file as it is now."""
        return ((_BOM if self._bom else "") + self._text).encode("utf-8")

    @property
    def empty(self) -> bool:
        """Whether it declares nothing any more."""
        pairs = [] if self._root is None else self._pairs(self._root)
        return all(key.value == "version" for key, _ in pairs)

    def has(self, *steps: Step) -> bool:
        """Whether an item is declared. Raises InputError when it is declared twice."""
        return self._find(steps) is not None

    def value(self, key: str, *steps: Step, into: Sequence[str] = ()) -> str | None:
        """The scalar under a key of an item, or of mappings `into` it, as text; None when there is none."""
        from ruamel.yaml.nodes import ScalarNode

        found = self._find(steps)
        node = found[-1] if found else None
        for name in into:
            inner = self._pair(node, name)
            node = inner[1] if inner else None
        pair = self._pair(node, key)
        return str(pair[1].value) if pair and isinstance(pair[1], ScalarNode) and pair[1].value else None

    def names(self, *steps: Step, under: str, by: str = "name") -> list[str]:
        """What the items of a list are called: `names(("models", "name", "users"), under="versions", by="v")`."""
        from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

        found = self._find(steps) if steps else [self._root]
        pair = self._pair(found[-1], under) if found and found[-1] is not None else None
        if pair is None or not isinstance(pair[1], SequenceNode):
            return []
        items = (self._pair(item, by) for item in pair[1].value if isinstance(item, MappingNode))
        return [str(p[1].value) for p in items if p and isinstance(p[1], ScalarNode)]

    def keys(self, *steps: Step) -> list[str]:
        """The keys of an item; none when it is not there."""
        found = self._find(steps)
        return [str(key.value) for key, _ in self._pairs(found[-1])] if found else []

    def under(self, section: str, key: str) -> dict[str, list[str]]:
        """What the items of a list below each item of a list are called: `{"orders": ["revenue", "refunds"]}`."""
        from ruamel.yaml.nodes import SequenceNode

        outer = self._pair(self._root, section)
        found: dict[str, list[str]] = {}
        for item in outer[1].value if outer and isinstance(outer[1], SequenceNode) else []:
            named, inner = self._pair(item, "name"), self._pair(item, key)
            below = inner[1].value if inner and isinstance(inner[1], SequenceNode) else []
            if named:
                names = (self._pair(one, "name") for one in below)
                found.setdefault(str(named[1].value), []).extend(str(n[1].value) for n in names if n)
        return found

    def set(self, key: str, value: str, *steps: Step, into: Sequence[str] = ()) -> None:
        """Give a key of an item, or of mappings `into` it, a value, a short YAML text itself.

        Raises InputError when that cannot be done.
        """
        self._set(steps, into, key, value)

    def disable(self, *steps: Step) -> None:
        """Set `config.enabled` of an item to false. Raises InputError when that cannot be done."""
        from ruamel.yaml.nodes import MappingNode

        item = self._need(steps)[-1]
        pair = self._pair(item, "config")
        if pair is None:
            if self._pair(item, "<<"):
                raise self._refused("takes keys from elsewhere with <<, its config perhaps among them", at=item)
            self._set(steps, (), "config", "{enabled: false}")
        elif isinstance(pair[1], MappingNode):
            if self._pair(pair[1], "+enabled"):
                raise self._refused("+enabled in a config is read in another way by each release of dbt", at=pair[1])
            self._set(steps, ("config",), "enabled", "false")
        else:
            self._set(steps, (), "config", "{enabled: false}")

    def remove(self, *steps: Step, alone: bool = False) -> None:
        """Take an item out; with the last item of a list also the list, and what consisted of it.

        With `alone` what the list belongs to stays: a model is more than its metrics, a source nothing but its tables.
        Raises InputError when that cannot be done.
        """
        from ruamel.yaml.nodes import SequenceNode

        route = self._need(steps)
        owner, item = route[-3], route[-1]
        pair = self._pair(owner, steps[-1][0])
        if pair is None or not isinstance(pair[1], SequenceNode):  # pragma: no cover - _need went this way
            raise self._refused(f"has no list {steps[-1][0]}")
        if len(pair[1].value) == 1:
            if alone:
                self.remove_key(steps[-1][0], *steps[:-1])
                return
            if len(steps) > 1:
                self.remove(*steps[:-1])
                return
            text, change = self._without_pair(owner, steps[-1][0], ())
        else:
            at = next(n for n, one in enumerate(pair[1].value) if one is item)
            text = self._without_item(pair[0], pair[1], at)
            change = lambda tree: _at(tree, steps[:-1], steps[-1][0])[1].pop(at)  # noqa: E731
        self._accept(text, change, route)

    def remove_key(self, key: str, *steps: Step) -> None:
        """Take a key of an item out, with all that is under it. Raises InputError when that cannot be done."""
        route = self._need(steps)
        pair = self._pair(route[-1], key)
        if pair is None:
            raise self._refused(f"{steps[-1][2]!r} has no {key}", at=route[-1])
        text, change = self._without_pair(route[-1], key, steps)
        self._accept(text, change, [*route, pair[1]])

    def put(self, section: str, by: str, *blocks: str) -> None:
        """Have items in a list of the file: each in place of the one that is called so, else after the last one.

        A block is an item as a YAML mapping in block style, not indented, with the key `by`. The list is made when
        there is none. The file is read again once for all of them. Raises InputError when that cannot be done.
        """
        from ruamel.yaml.nodes import SequenceNode

        items = [self._item(section, by, block) for block in blocks]
        pair = self._pair(self._root, section)
        if pair is None:
            self._append_section(section, items)
            return
        key, listed = pair
        if _flow(listed) or not isinstance(listed, SequenceNode) or not listed.value:
            hint = "write it as lines that begin with dashes, or remove it"
            raise self._refused(f"{section} is no list that could be added to", hint=hint, at=key)
        text = self._text if self._text.endswith("\n") else self._text + self._ending(len(self._text))
        ending, column = self._ending(key.start_mark.index), listed.start_mark.column
        replaced: dict[int, Any] = {}
        added: list[Any] = []
        route: list[Node] = [listed]
        edits = [(text.find("\n", self._end(pair)) + 1, 0, "")]
        for name, block, tree in items:
            lines = _as_item(block, column, ending)
            found = self._find(((section, by, name),))
            if found is None:
                added.append(tree)
                edits[0] = (edits[0][0], 0, edits[0][2] + lines)
                continue
            at = next(n for n, one in enumerate(listed.value) if one is found[-1])
            before = self._end((key, listed.value[at - 1])) if at else key.end_mark.index
            dashes = list(_DASH.finditer(text, before, found[-1].start_mark.index))
            if not dashes or at in replaced:
                raise self._refused("this item does not begin on a line of its own", at=found[-1])
            start = dashes[-1].start()
            edits.append((start, text.find("\n", self._end((key, found[-1]))) + 1 - start, lines))
            replaced[at] = tree
            route.append(found[-1])
        # From the last place to the first, so that no edit moves another; what is added comes after what it follows.
        for start, length, lines in sorted(edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
            text = text[:start] + lines + text[start + length :]

        def change(whole: Any) -> None:
            there = _under(whole, section)[1]
            there[:] = [replaced.get(n, one) for n, one in enumerate(there)] + added

        self._accept(text, change, route)

    def _item(self, section: str, by: str, block: str) -> tuple[str, str, Any]:
        """Name, lines and tree of an item that is to be written."""
        fresh = self._compose(block)
        named = self._pair(fresh, by)
        if fresh is None or named is None:
            raise self._refused(f"what is to be written under {section} has no {by}")
        return str(named[1].value), block, _plain(fresh)

    def _append_section(self, section: str, items: Sequence[tuple[str, str, Any]]) -> None:
        """Put a list at the end of the file."""
        text, ending = self._text, self._ending(0)
        if text.strip():
            text = text.rstrip("\r\n \t") + ending * 2
        text += f"{section}:{ending}" + "".join(_as_item(block, 2, ending) for _, block, _ in items)
        key = _plain(self._compose(section))
        trees = [tree for *_, tree in items]
        self._accept(text, lambda whole: whole[1].append([key, ["list", trees, _LIST]]), [])

    # ------------------------------------------------------------------ reading

    def _compose(self, text: str) -> Node | None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        if _DEEP.search(text):
            raise self._refused("lists and mappings are nested too deeply")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an anchor that is declared twice the later one counts, as in dbt
                root: Node | None = YAML(typ="rt", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)
            raise InputError(f"this is not valid YAML: {error.problem}", place=place) from None
        except (YAMLError, RecursionError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise self._refused(f"this is not valid YAML: {reason}") from None
        return root

    def _check(self, root: Node | None) -> frozenset[int]:
        """Refuse what says one thing twice; the nodes that several places share, by their id."""
        from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

        if root is not None and not isinstance(root, MappingNode):
            raise self._refused("is no mapping, which dbt's property files are", at=root)
        seen: set[int] = set()
        shared: set[int] = set()
        todo: list[Node] = [root] if root is not None else []
        while todo:
            node = todo.pop()
            if id(node) in seen:
                shared.add(id(node))
                continue
            seen.add(id(node))
            if isinstance(node, SequenceNode):
                todo += node.value
            elif isinstance(node, MappingNode):
                known: dict[str, int] = {}
                for key, value in node.value:
                    name = str(key.value) if isinstance(key, ScalarNode) else ""
                    if name and name != "<<" and name in known:
                        message = f"the key {name!r} is there twice, first in line {known[name]}"
                        raise self._refused(message, hint="remove one of them", at=key)
                    known[name] = key.start_mark.line + 1
                    todo += [key, value]
        return frozenset(shared)

    def _refused(self, message: str, *, hint: str = "", at: Any = None) -> InputError:
        mark = at.start_mark if at is not None else None
        place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)
        return InputError(message, hint=hint, place=place)

    @staticmethod
    def _pairs(node: Node) -> list[tuple[Node, Node]]:
        from ruamel.yaml.nodes import MappingNode

        return list(node.value) if isinstance(node, MappingNode) else []

    def _pair(self, node: Node | None, key: str) -> tuple[Node, Node] | None:
        return next((p for p in self._pairs(node) if p[0].value == key), None) if node is not None else None

    def _find(self, steps: Sequence[Step]) -> list[Node] | None:
        """The nodes on the way to an item, from the root: mapping, list, mapping, ... ; None when it is not there."""
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        if self._root is None:
            return None
        route: list[Node] = [self._root]
        for section, by, name in steps:
            pair = self._pair(route[-1], section)
            if pair is None or not isinstance(pair[1], SequenceNode):
                return None
            items = [i for i in pair[1].value if isinstance(i, MappingNode)]
            fits = [i for i in items if (p := self._pair(i, by)) and str(p[1].value) == name]
            if len(fits) > 1:
                raise self._refused(f"{section} has {name!r} twice", hint="remove one of them", at=fits[1])
            if not fits:
                return None
            route += [pair[1], fits[0]]
        return route

    def _need(self, steps: Sequence[Step]) -> list[Node]:
        found = self._find(steps)
        if found is None:
            raise self._refused(f"does not declare {steps[-1][2]!r} under {steps[-1][0]}")
        return found

    # ------------------------------------------------------------------ editing

    def _set(self, steps: Sequence[Step], into: Sequence[str], key: str, value: str) -> None:
        from ruamel.yaml.nodes import ScalarNode

        if not _PLAIN_VALUE.fullmatch(value):
            raise self._refused(f"the value {value!r} is none that is written into a file")
        route = self._need(steps)
        for name in into:
            pair = self._pair(route[-1], name)
            if pair is None:
                raise self._refused(f"{steps[-1][2]!r} has no {name}", at=route[-1])
            route.append(pair[1])
        node = route[-1]
        old = self._pair(node, key)
        fresh = _plain(self._compose(value))

        def change(tree: Any) -> None:
            pairs = _into(_at(tree, steps), into)[1]
            known = next((p for p in pairs if p[0][2] == key), None)
            if known is not None:
                known[1] = fresh
            else:
                where = next((n for n, p in enumerate(pairs) if p[0][2] in _NAMES), 0) + 1 if pairs else 0
                pairs.insert(where, [_plain(self._compose(key)), fresh])

        if old is None:
            text = self._with_pair(node, key, value)
        else:
            if not isinstance(old[1], ScalarNode) or str(old[1].style) in {"|", ">"} or old[1].anchor:
                raise self._refused(f"{key} is more than a plain value", hint="change it by hand", at=old[1])
            route.append(old[1])
            text = self._with_value(old, value)
        self._accept(text, change, route)

    def _with_value(self, pair: tuple[Node, Node], value: str) -> str:
        """The text with another value for a key that is there."""
        start, end = pair[1].start_mark.index, pair[1].end_mark.index
        if start < end:
            return self._text[:start] + value + self._text[end:]
        colon = self._text.index(":", pair[0].end_mark.index) + 1
        return f"{self._text[:colon]} {value}{self._text[colon:]}"

    def _with_pair(self, node: Node, key: str, value: str) -> str:
        """The text with a key more, after the name of what it is a key of."""
        text, pairs = self._text, self._pairs(node)
        if not pairs:
            at = node.start_mark.index + 1
            return f"{text[:at]}{key}: {value}{text[at:]}"
        named = next((p for p in pairs if p[0].value in _NAMES), pairs[0])
        end = self._end(named)
        if _flow(node):
            return f"{text[:end]}, {key}: {value}{text[end:]}"
        indent = " " * pairs[0][0].start_mark.column
        stop = text.find("\n", end)
        if stop < 0:
            return f"{text}{self._ending(len(text))}{indent}{key}: {value}"
        return f"{text[: stop + 1]}{indent}{key}: {value}{self._ending(stop)}{text[stop + 1 :]}"

    def _without_item(self, key: Node, listed: SequenceNode, at: int) -> str:
        """The text without one of several items of a list."""
        text, items = self._text, listed.value
        item = items[at]
        if listed.flow_style:
            if at + 1 < len(items):
                start, end = item.start_mark.index, items[at + 1].start_mark.index
            else:
                start, end = items[at - 1].end_mark.index, item.end_mark.index
            if "#" in text[start : item.start_mark.index] + text[item.end_mark.index : end]:
                raise self._refused("a comment stands inside a list in brackets", hint="remove it by hand", at=item)
            return text[:start] + text[end:]
        before = self._end((key, items[at - 1])) if at else key.end_mark.index
        dashes = list(_DASH.finditer(text, before, item.start_mark.index))
        if not dashes:
            raise self._refused("this item does not begin on a line of its own", hint="remove it by hand", at=item)
        return self._without_lines(dashes[-1].start(), self._end((key, item)))

    def _without_pair(self, owner: Node, key: str, steps: Sequence[Step]) -> tuple[str, Any]:
        """The text without a key of a mapping and all that is under it, and the same for the tree."""
        pair = self._pair(owner, key)
        assert pair is not None
        start = pair[0].start_mark.index - pair[0].start_mark.column
        if _flow(owner) or self._text[start : pair[0].start_mark.index].strip(" "):
            raise self._refused(f"{key} does not begin on a line of its own", hint="remove it by hand", at=pair[0])
        where = next(n for n, p in enumerate(self._pairs(owner)) if p[0] is pair[0])
        return self._without_lines(start, self._end(pair)), lambda tree: _at(tree, steps)[1].pop(where)

    def _without_lines(self, first: int, last: int) -> str:
        """The text without the lines from one place to another, nor the blank lines that parted them from others."""
        text = self._text
        stop = text.find("\n", last)
        head, tail = text[:first], text[stop + 1 :] if stop >= 0 else ""
        blank = re.match(r"(?:[ \t]*\r?\n)*", tail)
        alone = re.search(r"(?:\A|\n[ \t]*\r?\n|:[ \t]*\r?\n)\Z", head)
        if not tail.strip():
            return re.sub(r"(?:[ \t]*\r?\n)+\Z", self._ending(first) if head.strip() else "", head)
        return head + (tail[blank.end() :] if blank and alone else tail)

    def _end(self, pair: tuple[Node, Node]) -> int:
        """Index after the last character of a key and its value, comments and blank lines after it left out."""
        last: int = pair[0].end_mark.index
        todo: list[Any] = [pair[1]]
        while todo:
            node = todo.pop()
            if id(node) in self._shared and node.start_mark.index < pair[0].start_mark.index:
                # An alias: its node stands where it was declared, and it itself after the colon.
                found = re.compile(r"[^\n]*").match(self._text, last)
                last = max(last, found.end() if found else last)
            elif not isinstance(node.value, list) or _flow(node) or not node.value:
                # What is empty has no place of its own that could be relied on; its key is further up.
                span = self._text[node.start_mark.index : node.end_mark.index].rstrip()
                last = max(last, node.start_mark.index + len(span) if span else 0)
            else:
                # Only the last value can reach furthest; of a mapping its key too, where the value is empty.
                tip = node.value[-1]
                todo += [*tip] if isinstance(tip, tuple) else [tip]
        colon = re.compile(r"[ \t]*:(?=\s|$)").match(self._text, last)
        return colon.end() if colon else last

    def _ending(self, index: int) -> str:
        """The line end that is used at a place."""
        before = self._text.rfind("\n", 0, index)
        after = self._text.find("\n", index)
        at = after if after >= 0 else before
        return "\r\n" if at > 0 and self._text[at - 1] == "\r" else "\n"

    def _accept(self, text: str, change: Any, route: Sequence[Node]) -> None:
        """Take a new text if it says what is meant, and nothing else says anything else."""
        for node in route:
            if id(node) in self._shared:
                raise self._refused("this is used in several places with an alias", hint="change it by hand", at=node)
        expected = _plain(self._root)
        change(expected)
        try:
            root = self._compose(text) if text.strip() else None
            shared = self._check(root)
        except InputError:
            root, shared = None, frozenset[int]()
        got = _plain(root)
        if _told(got) != _told(expected) and not (root is None and expected[1] == []):
            hint = "change it by hand; nothing was written"
            at = route[-1] if route else None
            raise self._refused("this cannot be edited without changing something else", hint=hint, at=at)
        self._text, self._root, self._shared = text, root, shared


# ---------------------------------------------------------------------- what a text says


def _plain(node: Node | None) -> Any:
    """What a node says, as lists that can be changed and compared; an alias holds the very list that it repeats."""
    known: dict[int, Any] = {}

    def walk(one: Any) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        if id(one) in known:
            return ["alias", known[id(one)]]
        tree = known[id(one)] = ["value", str(one.tag), one.value, ""]
        if isinstance(one, MappingNode):
            tree[:] = ["map", [[walk(k), walk(v)] for k, v in one.value], str(one.tag)]
        elif isinstance(one, SequenceNode):
            tree[:] = ["list", [walk(v) for v in one.value], str(one.tag)]
        else:
            tree[3] = one.style or ""
        return tree

    return ["map", [], ""] if node is None else walk(node)


def _told(tree: Any) -> Any:
    """A tree for comparison: an alias becomes a digest of what it repeats, so that nothing is unfolded twice."""
    digests: dict[int, str] = {}

    def walk(one: Any) -> Any:
        if one[0] == "alias":
            if id(one[1]) not in digests:
                digests[id(one[1])] = "a circle"
                digests[id(one[1])] = hashlib.sha256(repr(walk(one[1])).encode("utf-8", "replace")).hexdigest()
            return ["alias", digests[id(one[1])]]
        if one[0] == "map":
            return ["map", [[walk(k), walk(v)] for k, v in one[1]], one[2]]
        return ["list", [walk(v) for v in one[1]], one[2]] if one[0] == "list" else one

    return walk(tree)


def _as_item(block: str, column: int, ending: str) -> str:
    """The lines of a mapping as an item of a list whose dashes stand in this column."""
    first, *rest = block.rstrip("\n").split("\n")
    indent = " " * column
    lines = [f"{indent}- {first}", *(f"{indent}  {line}" if line else "" for line in rest)]
    return ending.join(lines) + ending


def _flow(node: Node) -> bool:
    """Whether a mapping or list is written in brackets."""
    return bool(getattr(node, "flow_style", False))


def _at(tree: Any, steps: Sequence[Step], section: str = "") -> Any:
    """The part of a tree that steps lead to; with `section` the list under that key of it."""
    for name, by, value in steps:
        items = _under(tree, name)[1]
        tree = next(i for i in items if i[0] == "map" and any(k[2] == by and v[2] == value for k, v in _scalars(i)))
    return _under(tree, section) if section else tree


def _scalars(tree: Any) -> Iterator[tuple[Any, Any]]:
    return ((k, v) for k, v in tree[1] if k[0] == "value" and v[0] == "value")


def _under(tree: Any, key: str) -> Any:
    return next(v for k, v in tree[1] if k[0] == "value" and k[2] == key)


def _into(tree: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        tree = _under(tree, key)
    return tree
