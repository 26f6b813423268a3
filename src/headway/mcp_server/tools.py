"""What an assistant can call: a tool for every question, derived from its function as its command is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import msgspec
from mcp_types import Tool as Described
from mcp_types import ToolAnnotations

from headway.config import Role
from headway.errors import UsageError
from headway.mcp_server.bounded import FARTHEST, MOST, SCHEMA, USUAL, structured, text
from headway.mcp_server.caller import Caller
from headway.project import Project
from headway.questions.registry import Parameter, Question, questions

LONGEST_TEXT = 500
LARGEST_NUMBER = 100_000
OUTSIDE = "metric inputs"
"""What a question asks the project for when it reaches the warehouse."""

Rows = Annotated[
    int, msgspec.Meta(ge=1, le=MOST, description="Rows at most, of the answer and of each of its sections.")
]
Passed = Annotated[int, msgspec.Meta(ge=0, le=FARTHEST, description="Rows to pass over first.")]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answers: a short text, and the same and more as plain data."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing that can be called."""

    name: str
    title: str
    description: str
    takes: type[msgspec.Struct]
    """Its arguments."""
    run: Callable[[Project, Caller, Any], Reply]
    least: Role = "viewer"
    """The least role that may call it."""
    writes: bool = False
    outside: bool = False
    """It reaches the warehouse."""
    answers: Mapping[str, Any] | None = None
    """JSON Schema of the data; None where it is not said."""

    def given(self, arguments: Mapping[str, Any] | None) -> msgspec.Struct:
        """The arguments, checked; null is the same as leaving one out. Raises UsageError, in one sentence."""
        said = {name: value for name, value in (arguments or {}).items() if value is not None}
        try:
            return msgspec.convert(said, self.takes, strict=False)
        except msgspec.ValidationError as error:
            raise self._wrong(str(error)) from None

    def _wrong(self, said: str) -> UsageError:
        """What does not fit, in words: which argument, what is wrong with it, and what it is for."""
        known = self.takes.__struct_fields__
        what, _, place = said.replace("`", "").partition(" - at $")
        name = re.split(r"[.\[]", place.lstrip("."))[0]
        hint = f"it takes {', '.join(known)}"
        if missing := what.removeprefix("Object missing required field ") if "required field" in what else "":
            name, what = missing, f"{missing} is missing"
        elif unknown := what.removeprefix("Object contains unknown field ") if "unknown field" in what else "":
            near = difflib.get_close_matches(unknown[:100], known, n=1)
            return UsageError(
                f"{self.name} takes no {unknown[:100]}", hint=f"did you mean {near[0]}?" if near else hint
            )
        elif name:
            what = f"{name}: {what[:1].lower()}{what[1:300]}"
        if name in known:
            hint = str(_schema(self.takes)["properties"][name].get("description", hint)).rstrip(".")
        return UsageError(f"{self.name} cannot be called like this: {what}", hint=hint)

    def described(self) -> Described:
        """As the protocol lists it."""
        hints = ToolAnnotations(
            title=self.title,
            read_only_hint=not self.writes,
            destructive_hint=False,
            idempotent_hint=not self.writes,
            open_world_hint=self.outside,
        )
        return Described(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=_schema(self.takes),
            output_schema=dict(self.answers) if self.answers is not None else None,
            annotations=hints,
        )


def question_tools() -> dict[str, Tool]:
    """A tool for each question, by name."""
    return {name: _tool(question) for name, question in questions().items()}


def _tool(question: Question) -> Tool:
    takes = _takes(question)
    outside = OUTSIDE in question.supplied.values()

    def run(project: Project, caller: Caller, said: msgspec.Struct) -> Reply:  # noqa: ARG001 - the shape of all tools
        given = {name: getattr(said, name) for name in question.parameters}
        # A question may have a parameter that is called like one of the two that every tool has; then it is its own.
        limit, offset = (
            default if name in question.parameters else getattr(said, name)
            for name, default in (("limit", USUAL), ("offset", 0))
        )
        answer = project.ask(question.name, **given)
        data = structured(answer, limit, offset)
        return Reply(text(answer, data["page"]["limit"], offset), data)

    return Tool(
        name=question.name,
        title=question.name.replace("-", " ").capitalize(),
        description=f"{question.doc}\n\nCode {question.code}.",
        takes=takes,
        run=run,
        # An answer that costs a query is for whoever may decide, as on the pages.
        least="editor" if outside else "viewer",
        outside=outside,
        answers=SCHEMA,
    )


def _takes(question: Question) -> type[msgspec.Struct]:
    fields = [_field(p) for p in question.parameters.values()]
    shared: list[tuple[str, Any, Any]] = [("limit", Rows, USUAL), ("offset", Passed, 0)]
    fields += [field for field in shared if field[0] not in question.parameters]
    name = "".join(part.capitalize() for part in question.name.split("-"))
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True, frozen=True)


def _field(parameter: Parameter) -> Any:
    bounds: dict[str, Any] = {}
    if parameter.type is str:
        bounds["max_length"] = LONGEST_TEXT
    elif parameter.type is int:
        bounds |= {"ge": 0, "le": LARGEST_NUMBER}
    says = parameter.says.help
    if choices := [choice for choice in get_args(parameter.type) if choice]:
        says += f" One of {', '.join(map(str, choices))}."
    kind = parameter.type | None if parameter.default is None else parameter.type
    default = () if parameter.required else (parameter.default,)
    return (parameter.name, Annotated[kind, msgspec.Meta(description=says, **bounds)], *default)


def _schema(takes: type[msgspec.Struct]) -> dict[str, Any]:
    _, known = msgspec.json.schema_components([takes])
    found: dict[str, Any] = known[takes.__name__]
    return {"type": "object", **{key: value for key, value in found.items() if key not in ("type", "title")}}
