"""Bindings that are proposed, as YAML for a person to paste; and appended to the goals file for key results by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headway.connectors.artifact import read as file_bytes
from headway.connectors.artifact import shown
from headway.connectors.goals.connector import DEFAULT_PATH, FALLBACK
from headway.connectors.goals.reader import read
from headway.errors import GoalsError, InputError, Place, UsageError
from headway.files import alone, rewrite
from headway.graph.bindable import Proposal, proposals, unbound
from headway.project.reviewed import printable, scalar
from headway.questions.evidence import the_goal

if TYPE_CHECKING:
    from headway.graph.graph import Graph
    from headway.project.workspace import Project

_FILE = "bindings.yml"
"""The file that bindings go to where goals are a folder."""
_HEAD = re.compile(r"(?m)^bindings:[ \t]*(?:#[^\n]*)?(?:\r?\n|$)")
_EMPTY = re.compile(r"(?m)^bindings:[ \t]*(?:\[[ \t]*\]|~|null)?[ \t]*(?:#[^\r\n]*)?\r?$")


@dataclass(frozen=True, slots=True)
class Appended:
    """What was written, and where."""

    file: str
    text: str
    goals: tuple[str, ...]
    """Titles of the key results that are bound now."""


def proposed_yaml(project: Project, names: Sequence[str] = ()) -> tuple[str, list[str]]:
    """Bindings as YAML, without the line `bindings:` before them, and titles of key results that nothing fits.

    `names` are key results; all unbound ones without. Raises UnknownName.
    """
    graph = project.graph()
    goals = [the_goal(graph, name, "key_result") for name in names] or unbound(graph)
    best = _best(graph, goals)
    text = "".join(_entry(graph, goal, best[goal]) for goal in goals if goal in best)
    return text, [graph.nodes[goal].label for goal in goals if goal not in best]


def append(project: Project, names: Sequence[str]) -> Appended:
    """Append the best proposal for each of these key results to `bindings:` in the goals file; all else stays.

    Raises UsageError without names, for a key result that is bound already or that nothing fits, UnknownName,
    InputError for a file that cannot be added to, and ConfigError when it cannot be written.
    """
    if not names:
        hint = "headway suggest-bindings --write KEY_RESULT ..."
        raise UsageError("nothing is bound unless somebody names it", hint=hint)
    graph = project.graph()
    goals = list(dict.fromkeys(the_goal(graph, name, "key_result") for name in names))
    open_, best = set(unbound(graph)), _best(graph, goals)
    for goal in goals:
        label = graph.nodes[goal].label
        if goal not in open_:
            raise UsageError(f"{label!r} is bound already")
        if goal not in best:
            raise UsageError(f"nothing is called like {label!r}", hint="write its binding by hand: see docs/goals.md")
    path = _file(project)
    name = shown(path, project.config.root)
    text = "".join(_entry(graph, goal, best[goal]) for goal in goals)
    with alone(Path(project.config.root)):
        before = bytes(file_bytes(path, name)) if path.exists() else None
        after = _appended(before or b"", text, name)
        _same_but_for(before or b"", after, len(goals), name)
        rewrite(path, before, after, name)
    return Appended(name, text, tuple(graph.nodes[goal].label for goal in goals))


def _best(graph: Graph, goals: Sequence[int]) -> Mapping[int, list[Proposal]]:
    """The best measure of each key result (a metric before a model) and the dashboard that seems to show it."""
    found: dict[int, list[Proposal]] = {}
    for one in proposals(graph, goals):
        kept = found.setdefault(one.goal, [])
        taken = {"measure" if k.way != "shown_on" else "shown_on" for k in kept}
        if ("shown_on" if one.way == "shown_on" else "measure") not in taken:
            kept.append(one)
    return found


def _entry(graph: Graph, goal: int, best: Sequence[Proposal]) -> str:
    lines = [f"  - goal: {scalar(graph.nodes[goal].id)}  # {printable(graph.nodes[goal].label)[:80]}"]
    for one in best:
        node = graph.nodes[one.asset]
        name = (
            node.id
            if one.way == "shown_on" or graph.directory.find(node.name, one.way).node != one.asset
            else node.name
        )
        why = printable("; ".join(one.reasons))[:160]
        lines.append(f"    {one.way}: {scalar(name)}  # {one.score:.2f}: {why}")
        if one.way == "model":
            lines.append("    # expression: count(*)   <- say how the value is computed from its columns")
    return "\n".join(lines) + "\n"


def _file(project: Project) -> Path:
    source = next((s for s in project.config.sources if s.connector == "goals"), None)
    root = Path(project.config.root)
    said = str(source.options.get("path") or DEFAULT_PATH) if source else DEFAULT_PATH
    path = root / said
    if said == DEFAULT_PATH and not path.exists() and (root / FALLBACK).is_dir():
        path = root / FALLBACK
    return path / _FILE if path.is_dir() else path


def _appended(before: bytes, entries: str, name: str) -> bytes:
    """The file with entries at the end of its list of bindings."""
    try:
        text = before.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text at byte {error.start}", place=Place(name)) from None
    ending = "\r\n" if "\r\n" in text else "\n"
    entries = entries.replace("\n", ending)
    if text and not text.endswith("\n"):
        text += ending
    empty, head = _EMPTY.search(text), _HEAD.search(text)
    if head is None and empty is None:
        return f"{text}{ending if text else ''}bindings:{ending}{entries}".encode()
    if head is None and empty is not None:
        return (
            f"{text[: empty.start()]}bindings:{ending}{entries}{text[empty.end() :].lstrip(chr(13) + chr(10))}".encode()
        )
    assert head is not None
    end, indent = head.end(), None
    at = head.end()
    for line in text[head.end() :].splitlines(keepends=True):
        at += len(line)
        if re.match(r"[^\s#-]", line):
            break
        if line.strip() and not line.lstrip().startswith("#"):
            end = at
            if indent is None and line.lstrip(" ").startswith("- "):
                indent = len(line) - len(line.lstrip(" "))
    if indent is not None and indent != 2:
        entries = "".join(" " * indent + line[2:] for line in entries.splitlines(keepends=True))
    return f"{text[:end]}{entries}{text[end:]}".encode()


def _same_but_for(before: bytes, after: bytes, more: int, name: str) -> None:
    """Raise InputError unless the new file says what the old one did, and `more` bindings."""
    try:
        old = len(read([(name, before)]).bindings) if before.strip() else 0
        new = len(read([(name, after)]).bindings)
    except GoalsError as error:
        raise InputError(
            f"nothing can be added to its bindings: {error.problems[0]}", place=Place(name), hint="paste it by hand"
        ) from None
    if new != old + more:
        raise InputError("its bindings are written in a way that nothing can be added to", place=Place(name))
