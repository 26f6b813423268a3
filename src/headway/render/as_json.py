"""An answer as JSON, and the published schema of that JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from headway.answer import Answer, Finding, Step
from headway.graph.model import Gap
from headway.render.options import RenderOptions
from headway.render.values import UNSEEN, checked, keys, plain

ROW_KEYS = ("code", "node", "path", "counts")
"""Keys that every row has besides its columns. A column of the same key gets an underscore at its end."""

SCHEMA_ID = "urn:headway:answer"

_UNSEEN = re.compile(f"[{UNSEEN}]")


def render(answer: Answer, options: RenderOptions) -> str:  # noqa: ARG001 - machines get everything, however wide
    """The whole answer as indented JSON with one newline at its end; the same answer gives the same bytes."""
    text = msgspec.json.format(msgspec.json.encode(document(answer)), indent=2).decode()
    # JSON escapes only the first 32 control characters; the others can steer a terminal just as well.
    return _UNSEEN.sub(lambda m: json.dumps(m.group())[1:-1], text) + "\n"


def document(answer: Answer) -> dict[str, Any]:
    """The answer as builtin types, in the shape that `schema` describes; sections have the same shape."""
    names = keys(answer, ROW_KEYS)
    return {
        "question": plain(answer.question),
        "code": plain(answer.code),
        "headline": plain(answer.headline),
        "as_of": answer.as_of.isoformat(),
        "synced_at": answer.synced_at.isoformat() if answer.synced_at else None,
        "rows": [_row(names, row) for row in checked(answer)],
        "totals": plain(answer.totals),
        "gaps": [_gap(gap) for gap in answer.gaps],
        "sections": [document(section) for section in answer.sections],
    }


def _row(names: list[str], row: Finding) -> dict[str, Any]:
    own = {
        "code": plain(row.code),
        "node": plain(row.node),
        "path": [_step(step) for step in row.path],
        "counts": row.counts,
    }
    return {name: plain(value) for name, value in zip(names, row.values, strict=True)} | own


def _step(step: Step) -> dict[str, Any]:
    return {name: plain(getattr(step, name)) for name in ("node", "kind", "name", "evidence", "note")}


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "topic": plain(gap.topic),
        "message": plain(gap.message),
        "node": plain(gap.node),
        "hint": plain(gap.hint),
        "origin": plain(str(gap.origin)),
    }


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `document`; published as docs/answer.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Headway answer",
        "$ref": "#/$defs/answer",
        "$defs": {"answer": _answer_schema(), "row": _row_schema(), "step": _step_schema(), "gap": _gap_schema()},
    }


def _answer_schema() -> dict[str, Any]:
    properties: dict[str, Any] = {
        "question": _text("Name of the question; also the name of its command."),
        "code": _text("Stable code of the question, never reused.", examples=["HW101"]),
        "headline": _text("The answer in one sentence."),
        "as_of": _text("The day that the answer holds for.", format="date"),
        "synced_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When its sources were last read; null when nothing says.",
        },
        "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
        "totals": {"type": "object", "description": "Named figures behind the headline."},
        "gaps": {"type": "array", "items": {"$ref": "#/$defs/gap"}},
        "sections": {
            "type": "array",
            "items": {"$ref": "#/$defs/answer"},
            "description": "Answers that this one is made of, in the same shape.",
        },
    }
    return _closed("The answer to one question.", properties)


def _row_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": (
            "One finding: a value per column of the question, and the four keys below. A column that has one of"
            " their names has an underscore at its end. Dates are ISO 8601, shares are 0..1, null is not known."
        ),
        "properties": {
            "code": _text("Stable code of this kind of finding, or ''."),
            "node": _text("Id of the node the row is about, or ''."),
            "path": {
                "type": "array",
                "items": {"$ref": "#/$defs/step"},
                "description": "The proof, most upstream first.",
            },
            "counts": {"type": "boolean", "description": "Counts against a limit; rows that only explain do not."},
        },
        "required": list(ROW_KEYS),
        "additionalProperties": {"type": ["string", "number", "boolean", "array", "object", "null"]},
    }


def _step_schema() -> dict[str, Any]:
    evidence = _text("How the edge into the next step is known; '' on the last.")
    properties = {"node": _text(), "kind": _text(), "name": _text(), "evidence": evidence, "note": _text()}
    return _closed("One node of an evidence path.", properties)


def _gap_schema() -> dict[str, Any]:
    properties = {
        "topic": _text("What it is about: usage, cost, trust, values, lineage, goals, owners, or a connector."),
        "message": _text(),
        "node": _text("Id of the node it is about, or ''."),
        "hint": _text("What would help, or ''."),
        "origin": _text("Where the gap was found: a file and line, or a connector."),
    }
    return _closed("Something that is not known, and why.", properties)


def _text(description: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "string"} | ({"description": description} if description else {}) | more


def _closed(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
