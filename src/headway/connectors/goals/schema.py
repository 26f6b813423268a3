"""The format of a goals file, declared once: the reader checks against it, editors get a JSON Schema made from it.

A Shape is a mapping with known fields; a Field has a type, a help sentence, and the words people write by mistake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from headway.errors import InputError

SCHEMA_NAME = "goals.schema.json"
MODELINE = f"# yaml-language-server: $schema=./{SCHEMA_NAME}"
VERSION = 1

Type = Literal[
    "text", "id", "period_id", "url", "number", "amount", "count", "date", "bool", "done",
    "choice", "version", "texts", "names", "block", "blocks", "blocks_or_texts",
]  # fmt: skip
"""`amount` is a number not below zero, `count` a whole number from 1, `done` a date or true/false, `texts` text or a
list of it, `names` the same where a number may be a name too, `blocks_or_texts` a list of mappings or sentences."""

ID = r"^[a-z0-9][a-z0-9_-]{0,99}$"
PERIOD_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
URL = r"^https?://[^\s<>\"']+$"
NUMBER = r"^[-+]?([0-9]+(_[0-9]+)*)(\.[0-9]*)?([eE][-+]?[0-9]+)?$|^[-+]?\.[0-9]+([eE][-+]?[0-9]+)?$"
"""Numbers as text: an editor that follows YAML 1.2 to the letter takes 1_200_000 for text."""
LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a mapping. `of` names the shape of `block` and `blocks`."""

    name: str
    type: Type
    help: str
    required: bool = False
    of: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping with known keys.

    `at_most_one` lists keys of which one may be there, `at_least_one` keys of which one must be there, and `needs`, for
    a key, those of which one must be there too. `mistaken` maps words that other tools use to the word meant here.
    """

    name: str
    label: str
    help: str
    fields: tuple[Field, ...]
    at_most_one: tuple[tuple[str, ...], ...] = ()
    at_least_one: tuple[str, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mistaken: Mapping[str, str] = field(default_factory=dict)

    def field_named(self, name: str) -> Field | None:
        """The field with this name, or None."""
        return next((f for f in self.fields if f.name == name), None)


_TITLE = Field("title", "text", "What people call it.", required=True)
_OWNER = Field("owner", "text", "The team that answers for it. Left out, it is the owner of the objective.")
_DESCRIPTION = Field("description", "text", "A longer explanation.")
_URL = Field("url", "url", "A page about it, beginning with https:// or http://.")
_TAGS = Field("tags", "names", "Words to select by.")

_FILE = Shape(
    "file",
    "a goals file",
    "Company goals: what the company wants, and how it is measured.",
    (
        Field("version", "version", f"Version of this format: {VERSION}, which is also what a missing line means."),
        Field("periods", "blocks", "Named spans of time that objectives refer to.", of="period"),
        Field("objectives", "blocks", "What the company wants.", of="objective"),
        Field("bindings", "blocks", "How goals of another tool get their values.", of="binding"),
    ),
    mistaken={"goals": "objectives", "okrs": "objectives", "cycles": "periods", "quarters": "periods"},
)

_PERIOD = Shape(
    "period",
    "a period",
    "A named span of time, first and last day included.",
    (
        Field("id", "period_id", "The name objectives use, such as 2026-Q4.", required=True),
        Field("title", "text", "What people call it."),
        Field("start", "date", "First day.", required=True),
        Field("end", "date", "Last day.", required=True),
    ),
    mistaken={"name": "title", "from": "start", "to": "end", "due": "end", "begin": "start"},
)

_OBJECTIVE = Shape(
    "objective",
    "an objective",
    "What the company wants. It has an owner, a period and key results, and may support other objectives.",
    (
        Field("id", "id", "A short name that stays the same, unique among all objectives.", required=True),
        _TITLE,
        _DESCRIPTION,
        Field("owner", "text", "The team that answers for it."),
        Field("weight", "amount", "Its share among the objectives that support the same one. 1 when left out."),
        Field("period", "period_id", "Id of the period it belongs to."),
        Field("start", "date", "First day, where that differs from the period."),
        Field("end", "date", "Last day, where that differs from the period."),
        Field("parent", "names", "The objective it supports, or several; the first one is its place in the tree."),
        Field("supports", "names", "The same as parent."),
        Field("standing", "bool", "true: permanent reporting. Its key results need no target."),
        Field("limit", "count", "Most key results this standing objective may have."),
        Field("state", "choice", "Left out, the dates decide.", choices=("draft", "active", "ended")),
        _TAGS,
        _URL,
        Field("same_as", "text", "Id of the same goal in another tool, such as asana:1201."),
        Field("key_results", "blocks_or_texts", "How one can see that it is reached.", of="key_result"),
        Field("deliverables", "blocks", "Results that are done or not.", of="deliverable"),
        Field("initiatives", "blocks", "Work in flight towards the key results.", of="initiative"),
        Field("objectives", "blocks", "Objectives that support this one.", of="objective"),
    ),
    needs={"limit": ("standing",)},
    mistaken={
        "name": "title", "due": "end", "from": "start", "to": "end", "status": "state", "krs": "key_results",
        "results": "key_results", "keyresults": "key_results", "parents": "parent", "children": "objectives",
        "goals": "objectives", "milestones": "deliverables", "projects": "initiatives", "cycle": "period",
        "quarter": "period", "labels": "tags", "link": "url",
    },
)  # fmt: skip

_KEY_RESULT = Shape(
    "key_result",
    "a key result",
    "A number that shows whether the objective is reached: bound to a metric, a model, SQL or readings by hand. "
    "A plain sentence instead of a mapping is a key result that cannot be measured yet.",
    (
        Field("id", "id", "A short name that stays the same, unique within its objective.", required=True),
        _TITLE,
        _DESCRIPTION,
        _OWNER,
        Field("weight", "amount", "Its share in the progress of the objective. 1 when left out; 0: watched only."),
        Field("metric", "text", "Name of the dbt metric, or `view.measure` of LookML, that gives the value."),
        Field("model", "text", "Name of the dbt model that the value is computed from."),
        Field("expression", "text", "SQL aggregate over the columns of the model, such as count(*)."),
        Field("time", "text", "Column of the model, or time dimension of the LookML measure, that dates a row."),
        Field("sql", "text", "A query that returns (day, value) rows, or a single value. It is run as written."),
        Field("readings", "blocks", "Values written by hand.", of="reading"),
        Field("where", "texts", "Condition on the rows that count, or a list of conditions that all must hold."),
        Field(
            "grain",
            "choice",
            "Length of the period that one value stands for.",
            choices=("day", "week", "month", "quarter", "year"),
        ),
        Field("dimensions", "names", "Dimensions of the metric that explain its changes."),
        Field("unit", "text", "What the number counts, such as EUR or hours."),
        Field("baseline", "number", "Value at the beginning."),
        Field("commit", "number", "Value that is promised, between baseline and target."),
        Field("target", "number", "Value that is aimed at. It differs from the baseline."),
        Field("stretch", "number", "Value beyond the target that would be a feat."),
        Field("band", "block", "For a number that should stay where it is: its lowest and highest value.", of="band"),
        Field(
            "direction",
            "choice",
            "Follows from baseline and target, or from the band, when left out.",
            choices=("increase", "decrease", "maintain"),
        ),
        Field("start", "date", "First day. Left out, the first day of the objective."),
        Field("due", "date", "Last day. Left out, the last day of the objective."),
        Field(
            "shape",
            "choice",
            "How progress is expected to come: evenly, mostly at the front, or mostly at the back of the period.",
            choices=("linear", "front", "back"),
        ),
        Field("checkpoints", "blocks", "Dated values expected on the way, instead of a shape.", of="checkpoint"),
        Field("shown_on", "names", "Dashboards or exposures that show it: name, title, url or id."),
        Field("draft", "bool", "true: still being written, counts nowhere."),
        Field("changes", "blocks", "History of its target, kept by hand.", of="change"),
        Field("ignore", "blocks", "Findings of `headway check` that are excused, each until a day.", of="exception"),
        _TAGS,
        _URL,
        Field("same_as", "text", "Id of the same goal in another tool, such as asana:1201."),
    ),
    at_most_one=(("metric", "model", "sql", "readings"), ("band", "target"), ("band", "commit"), ("band", "stretch")),
    needs={
        "expression": ("model",),
        "time": ("metric", "model"),
        "where": ("metric", "model"),
        "dimensions": ("metric",),
        "grain": ("metric", "model", "sql"),
    },
    mistaken={
        "name": "title", "goal": "target", "from": "baseline", "initial": "baseline", "start_value": "baseline",
        "to": "target", "end": "due", "deadline": "due", "due_date": "due", "current": "readings",
        "value": "readings", "values": "readings", "filter": "where", "expr": "expression", "query": "sql",
        "dashboards": "shown_on", "exposures": "shown_on", "dashboard": "shown_on", "type": "direction",
        "dims": "dimensions", "granularity": "grain", "link": "url", "labels": "tags", "history": "changes",
    },
)  # fmt: skip

_READING = Shape(
    "reading",
    "a reading",
    "A value that somebody wrote down.",
    (
        Field("date", "date", "The day it was true.", required=True),
        Field("value", "number", "The value.", required=True),
    ),
    mistaken={"day": "date", "at": "date", "current": "value"},
)

_CHECKPOINT = Shape(
    "checkpoint",
    "a checkpoint",
    "The value that is expected on a day.",
    (
        Field("date", "date", "The day.", required=True),
        Field("value", "number", "The value expected on it.", required=True),
    ),
    mistaken={"day": "date", "at": "date", "target": "value"},
)

_BAND = Shape(
    "band",
    "a band",
    "Where the number should stay, bounds included. One of the two may be left out.",
    (
        Field("low", "number", "Lowest value."),
        Field("high", "number", "Highest value."),
        Field("tolerance", "amount", "Distance outside the band at which progress has fallen to zero; 0: at once."),
    ),
    at_least_one=("low", "high"),
    mistaken={"min": "low", "max": "high", "lower": "low", "upper": "high", "lo": "low", "hi": "high"},
)

_CHANGE = Shape(
    "change",
    "a change",
    "One change of what was agreed.",
    (
        Field("date", "date", "The day it was changed.", required=True),
        Field(
            "field",
            "choice",
            "What was changed.",
            required=True,
            choices=("baseline", "commit", "target", "stretch", "low", "high", "weight"),
        ),
        Field("before", "number", "The value until then."),
        Field("after", "number", "The value from then on."),
    ),
    mistaken={"at": "date", "day": "date", "from": "before", "to": "after", "old": "before", "new": "after"},
)

_EXCEPTION = Shape(
    "exception",
    "an exception",
    "A finding of `headway check` that is excused, for a reason and until a day.",
    (
        Field("code", "text", "Code of the finding, such as HW303.", required=True),
        Field("because", "text", "Why it is excused.", required=True),
        Field("until", "date", "Last day on which it is.", required=True),
    ),
    mistaken={"id": "code", "finding": "code", "reason": "because", "why": "because", "end": "until", "due": "until"},
)

_DELIVERABLE = Shape(
    "deliverable",
    "a deliverable",
    "A result that is done or not. It has no number and never counts as a measured key result.",
    (
        Field("id", "id", "A short name that stays the same, unique within its objective.", required=True),
        _TITLE,
        _DESCRIPTION,
        _OWNER,
        Field("due", "date", "The day it should be done."),
        Field("done", "done", "The day it was done; true when nobody noted the day; false when it is not."),
        _URL,
    ),
    mistaken={"name": "title", "deadline": "due", "end": "due", "done_on": "done", "status": "done", "link": "url"},
)

_INITIATIVE = Shape(
    "initiative",
    "an initiative",
    "Work in flight towards a key result: a project, an epic.",
    (
        Field("id", "id", "A short name that stays the same, unique within its objective.", required=True),
        _TITLE,
        _DESCRIPTION,
        _OWNER,
        Field(
            "key_results",
            "names",
            "Key results it works towards: the id here, or objective.key_result for one of another objective. "
            "Left out, it works towards the whole objective.",
        ),
        _URL,
    ),
    mistaken={"name": "title", "supports": "key_results", "krs": "key_results", "link": "url"},
)

_BOUND_BY = ("metric", "model", "expression", "time", "sql", "where", "grain", "dimensions", "shown_on")

_BINDING = Shape(
    "binding",
    "a binding",
    "How a key result of another tool gets its value. It hangs on the id there, so it survives every import.",
    (
        Field("goal", "text", "Id of the key result, such as asana:1201.", required=True),
        *(f for f in _KEY_RESULT.fields if f.name in _BOUND_BY),
        Field(
            "unit",
            "text",
            "What the number counts, where the tool does not say. For percents there: `share`, where 40% is 0.4 of"
            " what is computed, or `percent`.",
        ),
        Field("baseline", "number", "Value at the beginning, where the tool has none."),
        Field("target", "number", "Value that is aimed at, where the tool has none."),
        Field("note", "text", "Why, and who said so."),
    ),
    at_most_one=(("metric", "model", "sql"),),
    at_least_one=("metric", "model", "sql", "shown_on"),
    needs=_KEY_RESULT.needs,
    mistaken={
        "id": "goal", "key_result": "goal", "filter": "where", "expr": "expression", "query": "sql",
        "dashboards": "shown_on", "dashboard": "shown_on", "exposures": "shown_on", "dims": "dimensions",
        "granularity": "grain", "comment": "note", "reason": "note",
    },
)  # fmt: skip

SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        _FILE, _PERIOD, _OBJECTIVE, _KEY_RESULT, _READING, _CHECKPOINT, _BAND, _CHANGE, _EXCEPTION, _DELIVERABLE,
        _INITIATIVE, _BINDING,
    )
}  # fmt: skip


def json_schema() -> dict[str, Any]:
    """The format as a JSON Schema (draft 7, which editors know best)."""
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Headway goals",
        "definitions": {shape.name: _shape(shape) for shape in SHAPES.values() if shape is not _FILE},
    }
    # A file with nothing but comments is one without goals yet.
    return head | {"anyOf": [{"type": "null"}, _shape(_FILE)]}


def schema_text() -> str:
    """The published schema file, byte for byte."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path) -> Path:
    """Write the schema to `path`, or under its usual name into the folder `path`. Returns where it is.

    Raises InputError when it cannot be written.
    """
    target = path / SCHEMA_NAME if path.is_dir() else path
    try:
        target.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"the schema cannot be written to {target}: {error.strerror or error}") from error
    return target


def _shape(shape: Shape) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [
        {"not": _present(a, b)} for group in shape.at_most_one for i, a in enumerate(group) for b in group[i + 1 :]
    ]
    rules += [{"if": _present(key), "then": {"anyOf": [_present(o) for o in of]}} for key, of in shape.needs.items()]
    if shape.at_least_one:
        rules.append({"anyOf": [_present(key) for key in shape.at_least_one]})
    result: dict[str, Any] = {
        "type": "object",
        "description": shape.help,
        "additionalProperties": False,
        "properties": {f.name: _field(f) for f in shape.fields},
    }
    if required := [f.name for f in shape.fields if f.required]:
        result["required"] = required
    if rules:
        result["allOf"] = rules
    return result


def _present(*keys: str) -> dict[str, Any]:
    """Said and not left empty, which is the same as left out."""
    return {"required": list(keys), "properties": {key: {"not": {"type": "null"}} for key in keys}}


def _field(field_: Field) -> dict[str, Any]:
    schema = _type(field_)
    if field_.required:
        return {"description": field_.help} | schema
    return {"description": field_.help, "anyOf": [schema, {"type": "null"}]}


_TEXT = {"type": "string", "pattern": r"\S"}
_NAME = {"anyOf": [_TEXT, {"type": "integer", "minimum": 0}]}
_NUMBER_TEXT = {"type": "string", "pattern": NUMBER}
_DATE = {"type": "string", "format": "date", "pattern": DATE}


def _type(field_: Field) -> dict[str, Any]:
    match field_.type:
        case "blocks":
            return {"type": "array", "items": _reference(field_.of)}
        case "blocks_or_texts":
            return {"type": "array", "items": {"anyOf": [_reference(field_.of), _TEXT]}}
        case "block":
            return _reference(field_.of)
        case "choice":
            return {"enum": list(field_.choices)}
    return _SIMPLE[field_.type]


_SIMPLE: Mapping[str, dict[str, Any]] = {
    "text": _TEXT,
    "id": {"anyOf": [{"type": "string", "pattern": ID}, {"type": "integer", "minimum": 0}]},
    "period_id": {"anyOf": [{"type": "string", "pattern": PERIOD_ID}, {"type": "integer", "minimum": 0}]},
    "url": {"type": "string", "pattern": URL},
    "number": {"anyOf": [{"type": "number", "minimum": -LARGEST, "maximum": LARGEST}, _NUMBER_TEXT]},
    "amount": {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": LARGEST},
            {"allOf": [_NUMBER_TEXT, {"pattern": r"^\+?[0-9.]"}]},
        ]
    },
    "count": {"type": "integer", "minimum": 1},
    "version": {"enum": [VERSION]},
    "date": _DATE,
    "bool": {"type": "boolean"},
    "done": {"anyOf": [{"type": "boolean"}, _DATE]},
    "texts": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
    "names": {"anyOf": [_NAME, {"type": "array", "items": _NAME}]},
}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}
