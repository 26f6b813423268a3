"""Every case in tests/cases/*.md: a graph, a question, the expected answer. Anyone can write one.

A case is a level-two heading with three fenced blocks: `graph` (notation: tests/case_graph.py), `ask` (the question,
its parameters, and after a colon the columns to show), and `answer` (the headline, then a line per row). A graph block
may stand before the first case of a file; then all its cases share it. A `before` block describes the graph that the
case's own is compared with; what is shared belongs to both.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from case_graph import graph_of
from headway.answer import Answer
from headway.questions.registry import questions

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Case:
    title: str
    graph: str
    before: str
    ask: str
    answer: str


def cases() -> list[Case]:
    found = []
    for file in sorted(HERE.glob("*.md")):
        shared, *sections = re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        common = "".join(text for kind, text in BLOCK.findall(shared) if kind == "graph")
        for section in sections:
            title = section.partition("\n")[0]
            blocks = BLOCK.findall(section)
            graph = common + "".join(text for kind, text in blocks if kind == "graph")
            earlier = "".join(text for kind, text in blocks if kind == "before")
            before = common + earlier if earlier else ""
            asks = [text for kind, text in blocks if kind == "ask"]
            answers = [text for kind, text in blocks if kind == "answer"]
            assert len(asks) == len(answers) > 0, f"{file.name}: {title} needs as many answers as questions"
            found += [Case(f"{file.stem}: {title}", graph, before, a, e) for a, e in zip(asks, answers, strict=True)]
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda c: c.title)
def test_case(case: Case) -> None:
    words, _, columns = case.ask.strip().partition(" : ")
    name, *arguments = shlex.split(words)
    question = questions()[name]
    positional = [p.name for p in question.parameters.values() if p.says.positional]
    given: dict[str, object] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals:
            kind = question.parameters[key].type
            given[key] = value if get_args(kind) else kind(value)
        else:
            given[positional.pop(0)] = argument
    answer = question.ask(graph_of(case.graph, before=case.before), **given)
    assert _text(answer, [c.strip() for c in columns.split(",") if c.strip()]) == case.answer.strip()


def _text(answer: Answer, columns: list[str]) -> str:
    lines = [answer.headline]
    for part in (answer, *answer.sections):
        if part is not answer:
            lines.append(f"-- {part.headline}")
        keys = [c.key for c in part.columns]
        wanted = [c for c in columns if c in keys or c in {"path", "gaps"}]
        for row in part.rows:
            shown = []
            for column in wanted:
                if column == "path":
                    shown.append(" > ".join(s.name for s in row.path))
                elif column != "gaps":
                    shown.append(_value(row.values[keys.index(column)]))
            lines.append(" | ".join(shown))
    if "gaps" in columns:
        lines += [f"? {gap.message}" for gap in answer.gaps]
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
