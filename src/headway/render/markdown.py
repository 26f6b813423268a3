"""An answer as GitHub-flavoured Markdown, for pull requests, wikis and chat. Nothing in the data is taken as markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headway.answer import Answer, Finding
from headway.render.options import RenderOptions
from headway.render.values import NOTHING, gap_groups, kept, kind_name, links, more, safe, shown

_RIGHT = frozenset({"number", "percent", "money"})
_MARKUP = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_REFERENCE = re.compile(r"(?<!\w)([@#])(?=\w)|(https?)(?=://)|(www)(?=\.)", re.IGNORECASE)
_WORD_JOINER = "\u2060"


def render(answer: Answer, options: RenderOptions) -> str:
    """Headline, tables or nested lists, sections one heading deeper, gaps as a list. Ends in a newline."""
    blocks = [*_answer(answer, options, 2), *_gaps(answer, options)]
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """Text that renders as itself: no markup, no HTML, no links, and no mention of people or issues.

    The text must be one line. GitHub looks for mentions and addresses after Markdown is done, so escaping does not
    stop it; an invisible word joiner behind the sign does.
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = _MARKUP.sub(r"\\\1", plain)
    return _REFERENCE.sub(lambda m: m.group() + _WORD_JOINER, plain)


def _answer(answer: Answer, options: RenderOptions, level: int) -> Iterator[str]:
    yield f"{'#' * min(level, 6)} {_heading(safe(answer.headline))}"
    rows, cut = kept(answer, options.limit)
    if rows:
        columns = [
            [escaped(text) for text in shown([row.values[i] for row in rows], column, answer.as_of)]
            for i, column in enumerate(answer.columns)
        ]
        yield _paths(answer, rows, columns) if answer.layout == "paths" else _table(answer, columns)
        if answer.layout == "table" and options.verbose and any(row.path for row in rows):
            yield "\n".join(line for i, row in enumerate(rows) if row.path for line in _proof(row, columns, i))
    if cut:
        yield more(cut)
    for section in answer.sections:
        yield from _answer(section, options, level + 1)


def _heading(text: str) -> str:
    # A run of # at the end of a heading would be taken for its closing sequence.
    return re.sub(r"#(?=#*$)", r"\\#", escaped(text))


def _table(answer: Answer, columns: Sequence[Sequence[str]]) -> str:
    head = [_line(c.heading) for c in answer.columns]
    rule = ["---:" if c.format in _RIGHT else "---" for c in answer.columns]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *zip(*columns, strict=True)))


def _paths(answer: Answer, rows: Sequence[Finding], columns: Sequence[Sequence[str]]) -> str:
    groups: dict[str, list[int]] = {}
    for i in range(len(rows)):
        groups.setdefault(columns[0][i] if columns else "", []).append(i)
    lines = []
    for title, members in groups.items():
        lines.append(f"- **{title or NOTHING}**")
        for i in members:
            facts = [
                cells[i] if c.format in {"text", "list"} else f"{_line(c.heading).lower()} {cells[i]}"
                for c, cells in zip(answer.columns[1:], columns[1:], strict=True)
                if cells[i] not in {NOTHING, ""}
            ]
            if facts:
                lines.append(f"  - {_item(' · '.join(facts))}")
            lines += _chain(rows[i], "    " if facts else "  ")
    return "\n".join(lines)


def _proof(row: Finding, columns: Sequence[Sequence[str]], i: int) -> Iterator[str]:
    yield f"- **{(columns[0][i] if columns else '') or NOTHING}**"
    yield from _chain(row, "  ")


def _chain(row: Finding, indent: str) -> Iterator[str]:
    """Nested once per step; from the tenth on at the same depth, which renderers still draw."""
    for depth, (step, evidence) in enumerate(links(row.path)):
        marks = "".join(f" *({escaped(part)})*" for part in (evidence, safe(step.note)) if part)
        kind = escaped(kind_name(step.kind))
        yield f"{indent}{'  ' * min(depth, 10)}- {_item(kind)} **{_line(step.name) or NOTHING}**{marks}"


def _gaps(answer: Answer, options: RenderOptions) -> Iterator[str]:
    groups, cut = gap_groups(answer, options)
    if not groups:
        return
    yield "### What we do not know"
    yield "\n".join(
        f"- **{_line(gap.topic) or NOTHING}**: {_line(gap.message)}" + (f" *{_line(gap.hint)}*" if gap.hint else "")
        for group in groups.values()
        for gap in group
    )
    if cut:
        yield f"and {cut:,} more: `headway unknown`"


def _line(text: str) -> str:
    return escaped(safe(text).strip())


def _item(text: str) -> str:
    """The beginning of a list item, where some signs would begin a list or a heading of their own."""
    return re.sub(r"^(\d*)([-+#.)])", r"\1\\\2", text)
