"""A question is a plain function of a graph: its docstring and its typed keyword parameters are the whole registration.

    @question("HW102")
    def orphans(graph: Graph, *, kind: Annotated[str, Says("Only nodes of this kind.")] = "") -> Answer:
        '''Assets that serve no objective.'''

Command, help, schema and gate are derived from it. Codes are stable and never reused. Third parties register a module
of questions under the entry point group `headway.questions`; the built-in ones use the same door.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from headway.answer import Answer
from headway.errors import ConfigError

GROUP = "headway.questions"


@dataclass(frozen=True, slots=True)
class Says:
    """What a parameter is for, and whether it is given by position on the command line."""

    help: str
    positional: bool = False
    metavar: str = ""


@dataclass(frozen=True, slots=True)
class Supplied:
    """A parameter that the project gives and no person: what it is called there. Without a project it has its default.

    It is how a question that needs the warehouse stays a function of what it is given.
    """

    what: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One keyword parameter of a question."""

    name: str
    type: Any
    default: Any
    says: Says

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Question:
    """A registered question."""

    name: str
    code: str
    doc: str
    ask: Callable[..., Answer]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    supplied: Mapping[str, str] = field(default_factory=dict)
    """Parameters that the project gives, with what they are called there."""

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.partition("\n")[0]


_registered: dict[str, Question] = {}


def question(code: str, *, name: str = "") -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Register a function as a question; its name with dashes is the command unless `name` is given.

    Raises ConfigError when the code or the name is taken by another function.
    """

    def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
        title = name or function.__name__.rstrip("_").replace("_", "-")
        for known in _registered.values():
            same = known.ask.__module__ == function.__module__ and known.ask.__name__ == function.__name__
            if not same and (known.code == code or known.name == title):
                raise ConfigError(f"question {title} ({code}) collides with {known.name} ({known.code})")
        _registered[title] = Question(title, code, inspect.getdoc(function) or "", function, *_parameters(function))
        return function

    return register


def questions() -> dict[str, Question]:
    """All questions by name, in the order of their codes; modules are loaded on the first call."""
    _load()
    return dict(sorted(_registered.items(), key=lambda item: item[1].code))


@cache
def _load() -> None:
    for point in entry_points(group=GROUP):
        point.load()


def _parameters(function: Callable[..., Answer]) -> tuple[dict[str, Parameter], dict[str, str]]:
    hints = get_type_hints(function, include_extras=True)
    found: dict[str, Parameter] = {}
    supplied: dict[str, str] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        hint = hints[name]
        says = Says("")
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            says = next((e for e in extras if isinstance(e, Says)), says)
            if given := next((e for e in extras if isinstance(e, Supplied)), None):
                supplied[name] = given.what
                continue
        found[name] = Parameter(name, _given(hint), parameter.default, says)
    return found, supplied


def _given(hint: Any) -> Any:
    """The type of a value that is given: of one that may be left out (`date | None`), what it is otherwise."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if isinstance(hint, UnionType) and len(kinds) == 1 else hint
