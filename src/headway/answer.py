"""What every question returns and every front shows: one answer type, many renderings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from headway.graph.model import Gap

__all__ = [
    "Answer",
    "Column",
    "Excused",
    "Finding",
    "Flag",
    "Gap",
    "Level",
    "Report",
    "Step",
    "Verdict",
    "figure",
    "fingerprint",
    "listed",
    "plural",
]

Level = Literal["error", "warn"]
Format = Literal["text", "number", "percent", "date", "money", "bool", "list"]


class Column(msgspec.Struct, frozen=True):
    """A column of an answer: the key in JSON and CSV, the heading people read, and how values are shown."""

    key: str
    heading: str
    format: Format = "text"
    secondary: bool = False
    """May be left out where the screen is narrow; never left out of JSON or CSV."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One node of an evidence path, most upstream first."""

    node: str
    kind: str
    name: str
    evidence: str = ""
    """How the edge into the next step is known; '' on the last step."""
    note: str = ""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of an answer. `values` has one entry per column of the answer, in that order."""

    values: tuple[Any, ...]
    node: str = ""
    path: tuple[Step, ...] = ()
    """The proof, most upstream first."""
    code: str = ""
    counts: bool = True
    """Counts against a limit. Rows that only explain do not."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to one question: a sentence, rows, the proof of each row, and what was not known."""

    question: str
    code: str
    headline: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    as_of: date
    synced_at: datetime | None = None
    layout: Literal["table", "paths"] = "table"
    """`paths`: each row is best read as its evidence path, drawn as an indented chain."""
    sections: tuple[Answer, ...] = ()
    """Answers that this one is made of."""
    totals: Mapping[str, Any] = {}
    """Named figures behind the headline, for machines."""

    @property
    def findings(self) -> int:
        """Number of rows that ask for a decision, sections included."""
        return sum(row.counts for row in self.rows) + sum(s.findings for s in self.sections)

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings from column key to value, with the evidence path."""
        keys = [c.key for c in self.columns]
        return [
            dict(zip(keys, row.values, strict=True)) | ({"path": row.path} if row.path else {}) for row in self.rows
        ]


class Verdict(msgspec.Struct, frozen=True):
    """An answer held against a limit: a gate is a question plus a limit."""

    answer: Answer
    limit: int
    gate: str = ""
    """What the gate is called; '' for a limit that was given with a question."""
    level: Level = "error"

    @property
    def passed(self) -> bool:
        """Whether the findings are within the limit."""
        return self.answer.findings <= self.limit

    @property
    def outcome(self) -> Literal["passed", "warning", "failed"]:
        """`warning` is over the limit of a gate that only warns."""
        if self.passed:
            return "passed"
        return "failed" if self.level == "error" else "warning"


class Flag(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding that a gate counts: in one sentence, with the place in the repository."""

    gate: str
    code: str
    level: Level
    message: str
    fingerprint: str
    """Stays the same while the finding is about the same thing, whatever its words."""
    node: str = ""
    file: str = ""
    """Path of the defining file below the repository's root; '' where none is known."""
    path: tuple[Step, ...] = ()
    failing: bool = False
    """Its gate is over its limit, and of the level error."""


class Excused(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding that is not counted, and why."""

    flag: Flag
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: a verdict per gate, every finding, what was excused and what is not known."""

    headline: str
    verdicts: tuple[Verdict, ...]
    flags: tuple[Flag, ...]
    as_of: date
    compared: bool
    """There was an earlier state to compare with."""
    objectives: tuple[str, ...] = ()
    """Objectives that the change touches, in the company's order."""
    excused: tuple[Excused, ...] = ()
    gaps: tuple[Gap, ...] = ()
    titles: Mapping[str, str] = {}
    """Code -> what it is about, for the codes of the gates."""

    @property
    def passed(self) -> bool:
        """Whether no gate of the level error is over its limit."""
        return all(v.passed for v in self.verdicts if v.level == "error")


def fingerprint(code: str, row: Finding) -> str:
    """What a finding is known by: its code with its node, or with the first value where it is about no node.

    Never its words, which change with every figure in them. Baselines and decisions refer to findings by it.
    """
    return f"{code}::{row.node or (row.values[0] if row.values else '')}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 asset`, `2,000 assets`: a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def figure(amount: float) -> str:
    """`1,240`, `87`, `3.20`, `0.004`: an amount as it is said in a sentence, never rounded away to nothing."""
    size = abs(amount)
    if size >= 10 or amount == int(amount):
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if size >= 0.1 else f"{amount:.2g}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a, b and 4 more`: names in a sentence, never more than `most` of them."""
    if len(names) <= most:
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""
    return ", ".join(names[:most]) + f" and {len(names) - most:,} more"
