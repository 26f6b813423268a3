"""Check-ins: what people say about a key result, beside what its readings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from headway.answer import Answer, Column, Finding, plural
from headway.errors import UsageError
from headway.graph.ledger import Entry
from headway.project.ledger import entries, written
from headway.project.reviewed import printable
from headway.questions.evidence import the_goal
from headway.questions.status import standing_of

if TYPE_CHECKING:
    from headway.project.workspace import Project

Confidence = Literal["on_pace", "at_risk", "off"]
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
LONGEST = 2_000
"""Characters of a note at most."""


def check_in(project: Project, key_result: str, note: str, *, by: str, confidence: str = "") -> Entry:
    """Write down what somebody says about a key result, with its value and its status of that day.

    Raises UnknownName and UsageError for what is no key result and for a note that is empty or too long, StoreError.
    """
    graph = project.graph()
    goal = the_goal(graph, key_result, "key_result")
    note = printable(note)
    if not note or len(note) > LONGEST:
        raise UsageError(f"a note has between 1 and {LONGEST:,} characters")
    if confidence and confidence not in CONFIDENCES:
        raise UsageError(f"there is no confidence {confidence[:60]!r}", hint=f"one of {', '.join(CONFIDENCES)}")
    assessed = standing_of(graph).key_results[goal]
    body: dict[str, object] = {
        "note": note,
        "confidence": confidence,
        "on": project.as_of.isoformat(),
        "status": assessed.pace,
    }
    if assessed.value is not None:
        body["value"] = assessed.value
    return written(project, topic="check_in", subject=graph.nodes[goal].id, act="note", by=by, body=body)


def check_ins(project: Project, key_result: str = "") -> Answer:
    """What people said about one key result, or about all, newest first. Raises UnknownName, UsageError, StoreError."""
    graph = project.graph()
    subject = graph.nodes[the_goal(graph, key_result, "key_result")].id if key_result else ""
    rows = []
    for entry in reversed(entries(project, "check_in", subject)):
        said = entry.body
        on = str(said.get("on") or entry.at.date())
        if on > project.as_of.isoformat():
            continue
        i = graph.index.get(entry.subject)
        values = (
            on,
            graph.nodes[i].label if i is not None else entry.subject,
            entry.by,
            str(said.get("confidence") or "").replace("_", " ") or None,
            said.get("status"),
            said.get("value"),
            said.get("note"),
        )
        rows.append(Finding(values=values, node=entry.subject, counts=False))
    columns = (
        Column("on", "On", "date"),
        Column("key_result", "Key result"),
        Column("by", "By"),
        Column("confidence", "Says"),
        Column("status", "Readings say"),
        Column("value", "Value", "number"),
        Column("note", "Note"),
    )
    headline = f"{plural(len(rows), 'check-in')} so far." if rows else "Nobody has checked in yet."
    return Answer(
        question="check-ins", code="HW953", headline=headline, columns=columns, rows=tuple(rows), as_of=project.as_of
    )
