"""An answer for a terminal: the sentence, then quiet tables or indented paths, and at the end what is not known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from headway.answer import Answer, Column, Finding
from headway.render.options import RenderOptions
from headway.render.values import NOTHING, day, gap_groups, kept, kind_name, links, more, safe, shown, text_of

NARROWEST = 30
"""Screens are never taken to be narrower."""
MOST_LINES = 4
"""Lines that one cell of prose may take before it is cut (with verbose: as many as it needs)."""

_GUTTER = "  "
_LONGEST = 200
"""Outside of tables a word up to this long is left whole, so that an address or a path can be copied."""
_LEAST = 14
"""Text columns are not squeezed below this; below it rows are written one value per line."""
_COMFORTABLE = 32
"""One long name is no reason to drop a column: wider text is shortened or broken first."""
_RIGHT = frozenset({"number", "percent", "money"})
_FLEXIBLE = frozenset({"text", "list"})
_BOLD, _DIM, _PLAIN = Style(bold=True), Style(dim=True), Style()
_WORDS = {
    "on pace": Style(color="green"),
    "done": Style(color="green"),
    "behind": Style(color="yellow"),
    "off track": Style(color="red"),
    "overdue": Style(color="red"),
}
_PLAINER = str.maketrans({"─": "-", "└": "`", "…": "~", NOTHING: "-", "·": "-"})


def render(answer: Answer, options: RenderOptions) -> str:
    """The answer as lines no wider than the options say, wherever a single word allows it. Ends in a newline."""
    page = _Page(options)
    page.answer(answer)
    page.gaps(answer)
    if options.verbose:
        page.foot(answer)
    return page.text()


def render_gaps(answer: Answer, options: RenderOptions) -> str:
    """Only what is not known; '' when there are no gaps."""
    page = _Page(options)
    page.gaps(answer)
    return page.text()


class _Page:
    """Lines in the making. Everything is laid out here, so that nothing is left to wrap by itself."""

    def __init__(self, options: RenderOptions) -> None:
        self.options = options
        self.width = max(options.width, NARROWEST)
        self.lines: list[Text] = []

    def text(self) -> str:
        """All lines, with styles only where colour was asked for."""
        out = io.StringIO()
        # Everything that a console would find out by itself is given, so that the environment changes nothing.
        console = Console(
            file=out,
            width=self.width,
            color_system="standard" if self.options.colour else None,
            force_terminal=self.options.colour,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
            _environ={},
        )
        for line in self.lines:
            line.rstrip()
            console.print(line, soft_wrap=True)
        text = out.getvalue()
        if self.options.encoding.lower().replace("-", "").startswith("utf"):
            return text
        return text.translate(_PLAINER).encode(self.options.encoding, "backslashreplace").decode(self.options.encoding)

    def add(self, text: str = "", style: Style = _PLAIN, indent: str = "") -> None:
        """Text, broken at words to the width, each line indented."""
        for line in _wrapped(text, self.width - cell_len(indent), longest=_LONGEST) or [""]:
            self.lines.append(Text(indent + line, style))

    def blank(self) -> None:
        """An empty line between parts, never two."""
        if self.lines and self.lines[-1].plain:
            self.lines.append(Text())

    # ------------------------------------------------------------------ answers

    def answer(self, answer: Answer) -> None:
        self.blank()
        self.add(safe(answer.headline), _BOLD)
        rows, cut = kept(answer, self.options.limit)
        if rows:
            self.blank()
            if answer.layout == "paths":
                self._paths(answer, rows)
            else:
                self._table(answer, rows)
                if self.options.verbose:
                    self._proofs(answer, rows)
        if cut:
            self.add(more(cut), _DIM)
        for section in answer.sections:
            self.answer(section)

    def _table(self, answer: Answer, rows: Sequence[Finding]) -> None:
        grid = [
            _Drawn(column, shown([row.values[i] for row in rows], column, answer.as_of))
            for i, column in enumerate(answer.columns)
            # A column that no row has anything for (cost, while none is known) says nothing here.
            if i == 0 or any(row.values[i] is not None for row in rows)
        ]
        fitted, dropped = _fit(grid, self.width)
        if not fitted:
            self._records(grid, len(rows))
            return
        most = 0 if self.options.verbose else MOST_LINES
        self._row([_wrapped(d.heading, d.width) for d in fitted], fitted, style=_BOLD)
        self.lines.append(Text(_GUTTER.join("─" * d.width for d in fitted), _DIM))
        for i in range(len(rows)):
            self._row([_cell(d.cells[i], d.width, most) for d in fitted], fitted)
        if dropped:
            self.add(f"not shown at this width: {', '.join(dropped)}", _DIM)

    def _row(self, cells: list[list[str]], columns: Sequence[_Drawn], style: Style = _PLAIN) -> None:
        for i in range(max(map(len, cells))):
            line = Text(style=style)
            for n, (cell, column) in enumerate(zip(cells, columns, strict=True)):
                part = cell[i] if i < len(cell) else ""
                pad = " " * (column.width - cell_len(part))
                line.append((_GUTTER if n else "") + (pad if column.right else ""))
                line.append(part, _WORDS.get(part, _DIM if part == NOTHING else _PLAIN))
                line.append("" if column.right else pad)
            self.lines.append(line)

    def _records(self, grid: Sequence[_Drawn], count: int) -> None:
        """One value per line: for screens too narrow for a table."""
        for i in range(count):
            if i:
                self.blank()
            for n, column in enumerate(grid):
                self.add(f"{column.heading}: {column.cells[i]}", indent="  " if n else "")

    # ------------------------------------------------------------------ paths

    def _paths(self, answer: Answer, rows: Sequence[Finding]) -> None:
        columns = [shown([row.values[i] for row in rows], c, answer.as_of) for i, c in enumerate(answer.columns)]
        groups: dict[str, list[int]] = {}
        for i in range(len(rows)):
            groups.setdefault(columns[0][i] if columns else "", []).append(i)
        for n, (title, members) in enumerate(groups.items()):
            if n:
                self.blank()
            self.add(title, _BOLD)
            for i in members:
                facts = [_fact(c, cells[i]) for c, cells in zip(answer.columns[1:], columns[1:], strict=True)]
                if said := " · ".join(f for f in facts if f):
                    self.add(said, indent="  ")
                self._chain(rows[i])

    def _proofs(self, answer: Answer, rows: Sequence[Finding]) -> None:
        proven = [row for row in rows if row.path]
        if not proven:
            return
        self.blank()
        self.add("Proof", _BOLD)
        for row in proven:
            self.add(text_of(row.values[0], answer.as_of) if row.values else safe(row.node), indent="  ")
            self._chain(row)

    def _chain(self, row: Finding) -> None:
        """From the asset on: each step one further in, until a third of the screen is spent."""
        for depth, (step, evidence) in enumerate(links(row.path)):
            indent = " " * (4 + min(3 * (depth - 1), max(0, self.width // 3 - 7))) + "└─ " if depth else "    "
            tail = "".join(f"  {part}" for part in (evidence, safe(step.note)) if part)
            kind = _middle(kind_name(step.kind), _COMFORTABLE // 2) + " "
            room = self.width - cell_len(indent + kind)
            tail = tail if cell_len(tail) <= room - _LEAST else ""
            name = _middle(safe(step.name), max(room - cell_len(tail), 1))
            self.lines.append(Text.assemble(indent, (kind, _DIM), name, (tail, _DIM)))

    # ------------------------------------------------------------------ the end

    def gaps(self, answer: Answer) -> None:
        groups, cut = gap_groups(answer, self.options)
        if not groups:
            return
        self.blank()
        self.add("What we do not know", _BOLD)
        for topic, group in groups.items():
            self.add(safe(topic), indent="  ")
            for gap in group:
                about = f" ({safe(gap.node)})" if self.options.verbose and gap.node else ""
                self.add(safe(gap.message) + about, indent="    ")
                if gap.hint:
                    self.add(safe(gap.hint), _DIM, indent="      ")
        if cut:
            self.add(f"and {cut:,} more: headway unknown", _DIM, indent="  ")

    def foot(self, answer: Answer) -> None:
        self.blank()
        read = f", sources read {text_of(answer.synced_at, answer.as_of)}" if answer.synced_at else ""
        self.add(f"{answer.code} as of {day(answer.as_of, answer.as_of)} {answer.as_of.year}{read}", _DIM)


# ---------------------------------------------------------------------- layout


@dataclass(slots=True)
class _Drawn:
    """A column on its way to the screen."""

    column: Column
    cells: list[str]
    heading: str = ""
    width: int = 0
    narrow: int = 0
    """Width with the heading on two lines."""
    comfortable: int = 0
    least: int = 0

    def __post_init__(self) -> None:
        self.heading = safe(self.column.heading)
        content = max(map(cell_len, self.cells), default=0)
        self.width = max(cell_len(self.heading), content)
        self.narrow = max(content, _two_lines(self.heading))
        flexible = self.column.format in _FLEXIBLE
        self.comfortable = min(self.narrow, _COMFORTABLE) if flexible else self.narrow
        self.least = min(self.narrow, _LEAST) if flexible else self.narrow

    @property
    def right(self) -> bool:
        return self.column.format in _RIGHT


def _fit(grid: Sequence[_Drawn], width: int) -> tuple[list[_Drawn], list[str]]:
    """The columns that fit, with their widths, and the headings of those that were dropped; no columns: none fit.

    In this order: break headings, drop secondary columns from the right until the others are comfortable, squeeze
    text columns, the widest first.
    """
    columns = list(grid)
    dropped: list[str] = []

    def over() -> int:
        return sum(c.width for c in columns) + len(_GUTTER) * (len(columns) - 1) - width

    if over() > 0:
        for column in columns:
            column.width = column.narrow
    for column in reversed(grid):
        crowded = over() > 0 and sum(c.comfortable for c in columns) + len(_GUTTER) * (len(columns) - 1) > width
        if crowded and column.column.secondary and len(columns) > 1:
            columns.remove(column)
            dropped.insert(0, column.heading)
    while over() > 0:
        wide = max((c for c in columns if c.width > c.least), key=lambda c: c.width, default=None)
        if wide is None:
            return [], []
        second = max((c.width for c in columns if c is not wide and c.width > c.least), default=0)
        wide.width = max(wide.least, wide.width - over(), min(second, wide.width - 1))
    return columns, dropped


def _cell(text: str, width: int, most: int) -> list[str]:
    """The lines of one cell: whole where it fits, prose broken at words, a name shortened in its middle."""
    if cell_len(text) <= width:
        return [text]
    lines = _wrapped(text, width)
    if most and len(lines) > most:
        lines = [*lines[: most - 1], _start(lines[most - 1], width)]
    return lines


def _wrapped(text: str, width: int, longest: int = 0) -> list[str]:
    """Broken at spaces; a word that is longer than the width, and than `longest`, is shortened in its middle."""
    lines: list[str] = []
    room = -1
    for word in text.split():
        short = word if cell_len(word) <= longest else _middle(word, width)
        size = cell_len(short)
        if lines and size + 1 <= room:
            lines[-1] += " " + short
            room -= size + 1
        else:
            lines.append(short)
            room = width - size
    return lines


def _two_lines(heading: str) -> int:
    """The least width at which a heading takes two lines."""
    words = heading.split()
    splits = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words))] or [(heading, "")]
    return min(max(cell_len(first), cell_len(second)) for first, second in splits)


def _middle(text: str, width: int) -> str:
    """`stg_very…_final`: both ends say more about a name than its middle."""
    if cell_len(text) <= width:
        return text
    head = _take(text, width // 2)
    tail = _take(text[::-1], width - 1 - cell_len(head))[::-1]
    return f"{head}…{tail}"


def _start(text: str, width: int) -> str:
    return _take(text, width - 1).rstrip() + "…"


def _take(text: str, width: int) -> str:
    """As much of the beginning as fits; a wide character that would stick out is left off."""
    used = 0
    for taken, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return text[:taken]
    return text


def _fact(column: Column, text: str) -> str:
    if text in {NOTHING, ""}:
        return ""
    return text if column.format in _FLEXIBLE else f"{safe(column.heading).lower()} {text}"
