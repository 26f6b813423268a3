"""The report of a check as a comment on a pull request: a sentence, a small picture, the findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headway.answer import Flag, Report, Step, plural
from headway.render.markdown import escaped
from headway.render.values import kind_name, safe

MARK = "<!-- headway check -->"
"""First line, by which a pipeline finds its comment again and changes it instead of writing another."""

_MOST_PATHS = 3
_MOST_NODES = 15
_MOST_ROWS = 25
_MOST_GAPS = 10
_SIGNS = {"failed": "❌", "warning": "⚠️"}
_SHAPES = {"objective": ('(["', '"])'), "key_result": ('(["', '"])'), "metric": ('{{"', '"}}')}
_UNSAFE = re.compile(r'["#&<>;`{}|\\]')


def render(report: Report) -> str:
    """GitHub-flavoured Markdown that reads from the top: who only reads the first line knows whether to worry."""
    sign = "✅" if report.passed else "❌"
    parts = [MARK, f"### {sign} Headway", escaped(safe(report.headline)), *_picture(report.flags), *_findings(report)]
    parts += [*_excused(report), *_gaps(report)]
    return "\n\n".join(parts) + "\n"


def _picture(flags: Sequence[Flag]) -> Iterator[str]:
    """The shortest ways from what changed to the goals, each goal once, as one Mermaid chart."""
    found: dict[str, Flag] = {}
    for flag in sorted((f for f in flags if len(f.path) > 1), key=lambda f: (f.code != "HW801", len(f.path))):
        found.setdefault(flag.path[0].node, flag)
    names: dict[str, str] = {}
    lines: dict[str, None] = {}
    drawn = 0
    for flag in list(found.values())[:_MOST_PATHS]:
        fresh = {s.node for s in flag.path} - names.keys()
        if drawn and len(names) + len(fresh) > _MOST_NODES:
            continue
        drawn += 1
        for step in flag.path:
            if step.node not in names:
                names[step.node] = f"n{len(names)}"
                lines[f"  {names[step.node]}{_shape(step)}"] = None
        for up, down in zip(flag.path, flag.path[1:], strict=False):
            lines[f"  {names[up.node]} --> {names[down.node]}"] = None
        lines[f"  class {names[flag.path[0].node]} changed"] = None
    if lines:
        style = "  classDef changed stroke-width:3px,stroke:#d1242f"
        yield "\n".join(["```mermaid", "flowchart LR", *lines, style, "```"])
        if len(found) > drawn:
            yield f"<sub>{plural(len(found) - drawn, 'more path')} not drawn.</sub>"


def _shape(step: Step) -> str:
    before, after = _SHAPES.get(step.kind, ('["', '"]'))
    name = _UNSAFE.sub(lambda m: f"#{ord(m.group())};", safe(step.name))
    return f"{before}{kind_name(step.kind)}<br/>{name}{after}"


def _findings(report: Report) -> Iterator[str]:
    by_gate = {v.gate: v.outcome for v in report.verdicts}
    told = sorted(report.flags, key=lambda f: by_gate.get(f.gate) != "failed")
    shown = [f for f in told if by_gate.get(f.gate) in _SIGNS][:_MOST_ROWS]
    if not shown:
        return
    rows = ["|  | Finding | Where | Code |", "|---|---|---|---|"]
    for flag in shown:
        where = f"`{safe(flag.file).replace('`', '')}`" if flag.file else ""
        cell = escaped(safe(flag.message))
        rows.append(f"| {_SIGNS[by_gate[flag.gate]]} | {cell} | {where.replace('|', '')} | {flag.code} |")
    yield "\n".join(rows)
    if len(told) > len(shown):
        yield f"and {len(told) - len(shown):,} more: `headway check`"
    codes = sorted({flag.code for flag in shown if by_gate[flag.gate] == "failed"})
    if codes:
        yield f"What to do about it: {', '.join(f'`headway explain {code}`' for code in codes)}"


def _excused(report: Report) -> Iterator[str]:
    if report.excused:
        items = [
            f"- {e.flag.code} {escaped(safe(e.flag.message))}: *{escaped(safe(e.reason))}*" for e in report.excused
        ]
        yield _folded(f"Not counted: {plural(len(items), 'finding')}", items[:_MOST_ROWS])


def _gaps(report: Report) -> Iterator[str]:
    if report.gaps:
        items = [f"- {escaped(safe(g.message))}" for g in report.gaps[:_MOST_GAPS]]
        if len(report.gaps) > _MOST_GAPS:
            items.append(f"- and {len(report.gaps) - _MOST_GAPS:,} more")
        yield _folded("What we do not know", items)


def _folded(title: str, items: Sequence[str]) -> str:
    body = "\n".join(items)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
