"""The form of a request for a team's own tracker, and reading back what was filled in.

GitHub has forms: a YAML file whose answers come back as Markdown, a heading for each question. GitLab has templates of
Markdown with the same headings, and boxes to tick where GitHub has a list to choose from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Literal

from headway.graph.graph import Graph
from headway.graph.requests import SORTS
from headway.project.reviewed import printable

Tracker = Literal["github", "gitlab"]

PLACES: Mapping[Tracker, str] = {
    "github": ".github/ISSUE_TEMPLATE/data-request.yml",
    "gitlab": ".gitlab/issue_templates/Data request.md",
}
"""Where a tracker looks for its form, below the root of the repository."""

LABELS: Mapping[str, str] = {
    "decision": "Which decision will it serve?",
    "key_result": "Which key result is it for?",
    "kind": "What kind of asset?",
    "readers": "Who will use it, and how often?",
    "due": "By when?",
}
"""The headings of the form, by the field of a request that their answers go to. The title says what is asked for."""

_HINTS: Mapping[str, str] = {
    "decision": "What will somebody do differently when they see it?",
    "key_result": "What serves no key result is likely to be declined.",
    "kind": "What would answer it best.",
    "readers": "Such as: the growth team, every Monday.",
    "due": "A date as YYYY-MM-DD, if there is one.",
}
_TITLE = "The title says what you ask for, in a line."
_REQUIRED = ("decision", "key_result", "readers")
NO_GOAL = "No key result"
_NO_ANSWER = "_No response_"
_HEADING = re.compile(r"#{2,4} (.+)")
_HANDLE = re.compile(r"\(([^()\s]+)\)\s*$")
_TICKED = re.compile(r"^[ \t]*[-*] \[[xX]\] +(.+)$", re.MULTILINE)
_BOX = re.compile(r"^[ \t]*[-*] \[[ xX]\]", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def form(graph: Graph, tracker: Tracker) -> str:
    """The form of a request as a file of the tracker's, with the open key results to choose from."""
    goals = [*_open_goals(graph), NO_GOAL]
    return "\n".join(_github(goals) if tracker == "github" else _gitlab(goals)) + "\n"


def answers(body: str) -> dict[str, str]:
    """Field -> what was filled in under its heading; the fields whose heading the text of an issue has.

    What was left out is ''. Of a heading that comes twice the first counts.
    """
    sections: dict[str, list[str]] = {}
    fields = {label.casefold(): name for name, label in LABELS.items()}
    lines: list[str] = []
    for line in _COMMENT.sub("", body).splitlines():
        heading = _HEADING.match(line)
        name = fields.get(heading[1].strip(" #").casefold()) if heading else None
        if name is not None:
            lines = [] if name in sections else sections.setdefault(name, [])
        else:
            lines.append(line)
    return {name: _answer(name, "\n".join(said).strip()) for name, said in sections.items()}


def _answer(name: str, text: str) -> str:
    if _BOX.search(text):
        ticked = _TICKED.findall(text)
        text = ticked[0] if ticked else ""
    if text == _NO_ANSWER:
        return ""
    if name == "kind":
        return text.casefold()
    if name != "key_result":
        return text
    handle = _HANDLE.search(text)
    return "" if text == NO_GOAL else handle[1] if handle else text


def _open_goals(graph: Graph) -> Iterator[str]:
    """`Revenue (grow.revenue)` for every key result whose objective has not ended and is no draft."""
    for goal in graph.goals:
        if graph.active >> graph.bit[goal] & 1 and goal in graph.targets:
            node = graph.nodes[goal]
            title = printable(node.label)
            yield f"{title[:120]} ({printable(node.id.removeprefix('goal:key_result.'))})"


def _sorts() -> list[str]:
    return [sort.capitalize() for sort in SORTS if sort]


def _quoted(text: str) -> str:
    """Text as YAML reads it back: what JSON puts in quotes, YAML reads the same."""
    return json.dumps(text, ensure_ascii=False)


def _github(goals: list[str]) -> Iterator[str]:
    yield "name: Data request"
    yield "description: Ask for a dashboard, a metric, a table or data"
    yield 'labels: ["data-request"]'
    yield "body:"
    yield "  - type: markdown"
    yield "    attributes:"
    yield f"      value: {_quoted(_TITLE)}"
    choices = {"key_result": goals, "kind": _sorts()}
    for name, label in LABELS.items():
        kind = "dropdown" if name in choices else "textarea" if name == "decision" else "input"
        yield f"  - type: {kind}"
        yield f"    id: {name}"
        yield "    attributes:"
        yield f"      label: {_quoted(label)}"
        yield f"      description: {_quoted(_HINTS[name])}"
        if name in choices:
            yield "      options:"
            yield from (f"        - {_quoted(option)}" for option in choices[name])
        yield "    validations:"
        yield f"      required: {'true' if name in _REQUIRED else 'false'}"


def _gitlab(goals: list[str]) -> Iterator[str]:
    # Before the first heading, so that it is never taken for an answer where the tracker leaves it in the text.
    yield "/label ~data-request"
    yield ""
    yield f"<!-- {_TITLE} -->"
    for name, label in LABELS.items():
        yield ""
        yield f"### {label}"
        yield ""
        yield f"<!-- {_HINTS[name]} -->"
        choices = {"key_result": goals, "kind": _sorts()}.get(name, ())
        # A title must not be able to begin a comment in the text of everybody's issues.
        yield from (f"- [ ] {escape(option, quote=False)}" for option in choices)
