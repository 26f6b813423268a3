"""The connector `okr_yaml`: goals kept as code in another YAML dialect, read by a mapping of its words.

Objectives stand in a list, key results in a list below each. `fields` says what the dialect calls things; what it does
not say is looked for under the words that such dialects use. A field may be a path: `window.end`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import given
from headway.connectors.artifact import read, shown
from headway.connectors.goal_tree import Goal, LeftOut, Sort, records, slug
from headway.connectors.protocol import Context
from headway.connectors.written import DROPPED, as_number, in_one_way, is_private, is_yes, span, unit_of
from headway.connectors.yaml_nodes import composed
from headway.errors import ConfigError, InputError, Place
from headway.graph.model import AnyRecord

NAME = "okr_yaml"
FIELDS: Mapping[str, tuple[str, ...]] = {
    "objectives": ("objectives", "okrs", "goals"),
    "key_results": ("key_results", "keyResults", "KeyResults", "krs", "results"),
    "below": ("objectives", "children", "sub_objectives"),
    "id": ("id", "kr_id", "key", "slug"),
    "title": ("statement", "title", "name", "description", "objective"),
    "type": ("type", "kind"),
    "description": ("definition", "notes", "why", "success_criteria"),
    "owner": ("owner", "owner_id", "team", "org"),
    "supports": ("supports", "parent", "aligned_to"),
    "period": ("period", "quarter", "cycle"),
    "start": ("start", "start_date"),
    "end": ("end", "due", "due_date", "end_date"),
    "baseline": ("baseline", "start_value", "from"),
    "target": ("target", "target_value", "to", "goal"),
    "current": ("current", "current_value", "value", "actual"),
    "unit": ("unit",),
    "weight": ("weight",),
    "metric": (),
    "status": ("status", "state"),
    "read": ("last_updated", "updated", "as_of"),
}
"""Field -> words of other dialects for it. `metric`, a metric of dbt, is only read where the mapping says so."""

_PRIVATE = ("private", "visibility")
MOST_NODES = 200_000
_DEEPEST = 30
_LINE = "\0line"
"""Where a mapping begins, among its own keys: no key of YAML has this name."""
_SORTS: Mapping[str, Sort] = {"milestone": "deliverable", "binary": "deliverable", "deliverable": "deliverable"}
_NUMBERS = ("baseline", "target", "current")
_DONE = frozenset({"achieved", "done", "completed", "complete"})
_ENDED = _DONE | {"missed", "dropped", "closed", "ended", "cancelled", "archived_achieved"}


class OkrYaml:
    """Reads OKRs kept as YAML in a dialect of somebody else's, from a file or a folder of files.

    Yields objectives, key results with their targets and current values, and deliverables; then gaps for what is
    archived, private or without a number.

    Raises ConfigError for options that cannot be, InputError for what is no YAML or holds no objectives.
    """

    name: ClassVar[str] = NAME
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, required=True, help="the YAML file, or a folder of them"),
        Option("fields", dict, {}, help=f"what the dialect calls things: {', '.join(FIELDS)}"),
        Option("private", bool, False, help="read goals that are marked as private too"),
        given.PREFIX,
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        self._path = Path(context.root, values["path"])
        self._shown = shown(self._path, context.root)
        self._private: bool = values["private"]
        self._prefix = given.prefix(NAME, values)
        self._words: dict[str, tuple[str, ...]] = dict(FIELDS)
        for said, word in values["fields"].items():
            if said not in FIELDS or not isinstance(word, str) or not word:
                hint = f"one of {', '.join(FIELDS)}, each with a word"
                raise ConfigError(f"option fields of {NAME} cannot have {str(said)[:40]!r}", hint=hint)
            self._words[said] = (word,)

    def records(self) -> Iterator[AnyRecord]:
        """Every goal in the files, and what could not be read."""
        left_out, hidden = LeftOut(), _Hidden()
        found: list[tuple[str, list[_Found]]] = []
        for file in self._files():
            name = shown(file, self._context.root)
            tree = _tree(bytes(read(file, name)), name)
            today = self._context.now.date()
            dialect = _Dialect(self._words, name, today, left_out, hidden, private=self._private)
            inside = file.relative_to(self._path).with_suffix("") if file != self._path else file.stem
            found.append((slug(str(inside)), list(dialect.goals(tree))))
        goals = _told_apart([(file, _without(here, hidden, left_out)) for file, here in found])
        if not goals and not (left_out.archived or left_out.private):
            words = " or ".join(self._words["objectives"])
            raise InputError(f"holds no list of objectives under {words}", place=Place(self._shown), hint="see fields:")
        yield from records(
            NAME, self._shown, goals, left_out, hint_private="private: true reads them", prefix=self._prefix
        )

    def _files(self) -> list[Path]:
        try:
            if not self._path.is_dir():
                return [self._path]
            found = [
                Path(folder, name)
                for folder, _, names in os.walk(self._path)
                for name in names
                if name.endswith((".yml", ".yaml")) and not name.startswith(".")
            ]
        except (OSError, ValueError) as error:
            raise InputError("cannot be opened", place=Place(self._shown)) from error
        if not found:
            raise InputError("the folder holds no YAML file", place=Place(self._shown))
        return sorted(found)


_Found = tuple[Goal, bool]
"""A goal, and whether it stands inside another one in its file."""


@dataclass(slots=True)
class _Hidden:
    """Keys of goals that are left out: what says that it supports one of them is left out with it."""

    private: set[str] = field(default_factory=set)
    archived: set[str] = field(default_factory=set)


def _without(goals: Sequence[_Found], hidden: _Hidden, left_out: LeftOut) -> list[_Found]:
    """The goals of a file without those that support what is left out, in whatever order they stand."""
    kept, before = list(goals), -1
    while len(kept) != before:
        before, living, left = len(kept), {goal.key for goal, _ in kept}, []
        for goal, inside in kept:
            if goal.parent in living or goal.parent not in hidden.private | hidden.archived:
                left.append((goal, inside))
            elif goal.parent in hidden.private:
                hidden.private.add(goal.key)
                left_out.private += 1
            else:
                hidden.archived.add(goal.key)
                left_out.archived.append(goal.title)
        kept = left
    return kept


def _told_apart(files: Sequence[tuple[str, Sequence[_Found]]]) -> list[Goal]:
    """The goals, each called by what nothing else is: ids may count anew in each file, and below each objective.

    One that is called as another is takes the name of the objective that it stands in before its own; at the top, that
    of its file. In one place twice is the same goal twice.
    """
    times = Counter(goal.key for _, goals in files for goal, _ in goals)
    told = []
    for file, goals in files:
        now: dict[str, str] = {}  # what is inside comes right behind what it stands in
        for goal, inside in goals:
            parent = now.get(goal.parent, goal.parent) if inside else goal.parent
            key = goal.key
            if inside and key.startswith(f"{goal.parent}."):
                key = parent + key[len(goal.parent) :]
            elif times[key] > 1:
                before = parent if inside else file if len(files) > 1 else ""
                key = f"{before}.{key}" if before else key
            now[goal.key] = key
            told.append(replace(goal, key=key, parent=parent))
    return told


class _Dialect:
    """Goals out of the tree of one file."""

    def __init__(
        self,
        words: Mapping[str, Sequence[str]],
        file: str,
        today: date,
        left_out: LeftOut,
        hidden: _Hidden,
        *,
        private: bool,
    ) -> None:
        self._words = words
        self._file = file
        self._today = today
        self._left_out = left_out
        self._hidden = hidden
        self._private = private
        self._numbers = 0
        self._days = 0
        self._periods = 0
        self._mixed = 0

    def goals(self, tree: Any) -> Iterator[_Found]:
        """Objectives of the file; a file that is a list is one of objectives, and one with a title is one objective."""
        if isinstance(tree, list):
            tops = tree
        elif isinstance(tree, dict):
            tops = self._list(tree, "objectives")
            if not tops and self._list(tree, "key_results"):
                tops = [tree]
        else:
            return
        inherited = {f: self._text(tree, f) for f in ("owner", "period")} if isinstance(tree, dict) else {}
        for one in tops:  # a sentence alone may be a key result, but no objective
            yield from self._objective(None if isinstance(one, str) else one, "", inherited, 0)
        self._left_out.broken += self._unread()

    def _objective(self, one: Any, above: str, inherited: Mapping[str, str], depth: int) -> Iterator[_Found]:
        if depth > _DEEPEST:
            return
        goal = self._goal(one, above, "objective", inherited)
        if goal is None:
            return
        yield goal, bool(above)
        passed = {"owner": goal.owner, "period": goal.period}
        for part in self._list(one, "key_results"):
            found = self._goal(part, goal.key, "key_result", passed)
            if found is not None:
                yield found, True
        for part in self._list(one, "below"):
            yield from self._objective(part, goal.key, passed, depth + 1)

    def _goal(self, one: Any, above: str, sort: Sort, inherited: Mapping[str, str]) -> Goal | None:
        if isinstance(one, str) and one.strip():
            one = {"title": one}
        if not isinstance(one, dict):
            self._left_out.broken.append(f"{self._file}: an entry that is no goal is left out")
            return None
        title = self._text(one, "title") or str(one.get("title") or "")
        name = self._text(one, "id")
        if not title and not name:
            self._left_out.broken.append(f"{self._file}:{one.get(_LINE, 0)}: a goal has neither id nor title")
            return None
        key = name or f"{above}.{slug(title)}".lstrip(".")
        status = self._text(one, "status")
        if not self._private and any(_says(one, word, is_private) for word in _PRIVATE):
            self._left_out.private += 1  # first: what a private goal is called is never told
            self._hidden.private.add(key)
            return None
        if status.casefold() == "archived" or _says(one, "archived", is_yes):
            self._left_out.archived.append(title or name)
            self._hidden.archived.add(key)
            return None
        supports = self._supports(one)
        parents = [p for p in (above, *supports) if p]
        numbers = self._measured(one)
        period = self._text(one, "period") or inherited.get("period", "")
        between = span(period)
        first, last = self._day(one, "start"), self._day(one, "end")
        if period and between is None and None in (first, last) and period != inherited.get("period"):
            self._periods += 1
        weight = self._number(one, "weight")
        return Goal(
            key=key,
            title=title or name,
            sort=_SORTS.get(self._text(one, "type").casefold(), sort),
            parent=parents[0] if parents else "",
            further=tuple(parents[1:]),
            description=self._text(one, "description"),
            owner=self._text(one, "owner") or inherited.get("owner", ""),
            tags=(status,) if status else (),
            period=period,
            start=first or (between and between[0]),
            end=last or (between and between[1]),
            weight=1.0 if weight is None or weight < 0 else weight,
            state="ended" if status.casefold() in _ENDED else "draft" if status.casefold() == "draft" else "",
            baseline=numbers["baseline"],
            target=numbers["target"],
            current=numbers["current"],
            read=None if numbers["current"] is None else self._day(one, "read") or self._today,
            unit=self._text(one, "unit") or unit_of(self._text(one, f) for f in _NUMBERS),
            metric=self._text(one, "metric"),
            dropped=status.casefold() in DROPPED,
            done=status.casefold() in _DONE,
            file=self._file,
            line=int(one.get(_LINE, 0)),
        )

    def _supports(self, one: Mapping[str, Any]) -> list[str]:
        """Ids that a goal says it supports: a text, a list of them, or mappings with `target` or `id`."""
        said = self._value(one, "supports")
        found = []
        for item in said if isinstance(said, list) else [said]:
            name = (item.get("target") or item.get("id")) if isinstance(item, dict) else item
            if isinstance(name, str) and name:
                found.append(name)
        return found

    def _measured(self, one: Mapping[str, Any]) -> dict[str, float | None]:
        """Start, target and current value, all in percent or none."""
        said = {field: self._text(one, field) for field in _NUMBERS}
        found, mixed = in_one_way(said, {field: self._number(one, field) for field in _NUMBERS})
        self._mixed += mixed
        return found

    def _number(self, one: Mapping[str, Any], field: str) -> float | None:
        said = self._value(one, field)
        value = as_number(said) if isinstance(said, str) else None
        sentence = said is one.get("goal")  # what a goal is in words may stand under the word for its target
        self._numbers += said is not None and value is None and not sentence
        return value

    def _day(self, one: Mapping[str, Any], field: str) -> date | None:
        said = self._value(one, field)
        try:
            return date.fromisoformat(said[:10]) if isinstance(said, str) else None
        except ValueError:
            self._days += 1
            return None

    def _unread(self) -> Iterator[str]:
        """Sentences about values that are not understood; what they are may be private."""
        if self._numbers:
            yield f"{self._file}: {self._numbers:,} values that should be numbers are none"
        if self._days:
            yield f"{self._file}: {self._days:,} days cannot be read: they are written like 2026-11-22"
        if self._periods:
            yield f"{self._file}: {self._periods:,} periods are none that is known, and give no days"
        if self._mixed:
            mixed = (
                "have a percent sign at some of their numbers only; where the others are fractions, 0.2 is read as 20%"
            )
            yield f"{self._file}: {self._mixed:,} goals {mixed}"

    def _value(self, one: Mapping[str, Any], field: str) -> Any:
        for word in self._words[field]:
            value: Any = one
            for step in word.split("."):
                value = value.get(step) if isinstance(value, dict) else None
            if value not in (None, ""):
                return value
        return None

    def _text(self, one: Mapping[str, Any], field: str) -> str:
        value = self._value(one, field)
        return " ".join(value.split()) if isinstance(value, str) else ""

    def _list(self, one: Any, field: str) -> list[Any]:
        value = self._value(one, field) if isinstance(one, dict) else None
        return value if isinstance(value, list) else []


def _tree(data: bytes, file: str) -> Any:
    """A YAML file as mappings, lists and text; nothing in it is constructed. Raises InputError."""
    root, place = composed(data, file), Place(file)
    try:
        return None if root is None else _plain(root, [0], 0, place)
    except RecursionError:
        raise InputError("lists and mappings are nested too deeply", place=place) from None


def _plain(node: Any, count: list[int], depth: int, place: Place) -> Any:
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    count[0] += 1
    if count[0] > MOST_NODES or depth > _DEEPEST * 4:
        raise InputError("holds too much, or repeats itself without an end", place=place)
    if isinstance(node, SequenceNode):
        return [_plain(one, count, depth + 1, place) for one in node.value]
    if isinstance(node, MappingNode):
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.style is None and key.value == "<<":
                for other in value.value if isinstance(value, SequenceNode) else [value]:
                    if isinstance(other, MappingNode):
                        merged = {**_plain(other, count, depth + 1, place), **merged}
            elif isinstance(key, ScalarNode):
                found[str(key.value)] = _plain(value, count, depth + 1, place)
        return {**merged, **found, _LINE: node.start_mark.line + 1}
    if node.style is None and node.value in {"", "~", "null", "Null", "NULL"}:
        return None
    return str(node.value)


def _says(one: Mapping[str, Any], word: str, means: Callable[[str], bool]) -> bool:
    """Whether a goal says of itself what a flag means; a list or a mapping under the word says it, too."""
    said = [value for key, value in one.items() if key.casefold() == word and value is not None]
    return any(means(value) if isinstance(value, str) else True for value in said)
