"""The error tree. Every error is one clear sentence, says where, and what would be right.

HeadwayError                    base: the only class a front catches
├── UsageError                  the command was called with something it cannot use
│   └── UnknownName             no such asset, objective, ...; carries the nearest names
├── InputError                  a file that was given cannot be used (missing, broken, wrong type)
│   └── GoalsError              a goals file, with all of its problems at once
├── ConfigError                 headway.yml or a dbt profile says something that cannot be
├── StoreError                  the store cannot be opened, read or written
├── WarehouseError              the warehouse cannot be reached or refused a query
├── ServiceError                a BI tool or another service cannot be reached, refused, or answers what it should not
└── MissingExtra                an optional dependency is not installed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    FINE = 0
    FINDINGS = 1
    """A limit was given and the answer is over it."""
    COULD_NOT_TELL = 2
    """Wrong input, a missing file, an unreachable service: there is no answer."""
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something is; line and column count from 1, 0 when not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in an input: what, where, and what would be right."""

    message: str
    place: Place
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class HeadwayError(Exception):
    """Base of everything Headway raises on purpose. `str()` is the sentence shown to people."""

    exit_code = Exit.COULD_NOT_TELL

    def __init__(self, message: str, *, hint: str = "", place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" ({self.hint})" if self.hint else "")


class UsageError(HeadwayError):
    """The command or function was called with something it cannot use."""


class UnknownName(UsageError):
    """No node, objective or question has this name."""

    def __init__(self, what: str, name: str, near: Sequence[str] = ()) -> None:
        hint = f"did you mean {', '.join(near)}?" if near else ""
        super().__init__(f"there is no {what} called {name!r}", hint=hint)
        self.near = tuple(near)


class InputError(HeadwayError):
    """A file that was given cannot be used."""


class GoalsError(InputError):
    """A goals file has problems; all of them are listed, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class ConfigError(HeadwayError):
    """The configuration, or a dbt profile, says something that cannot be."""


class StoreError(HeadwayError):
    """The store cannot be opened, read or written."""


class WarehouseError(HeadwayError):
    """The warehouse cannot be reached or refused a query."""


class ServiceError(HeadwayError):
    """A BI tool or another service cannot be reached, refused, or answers something else than it should."""


class MissingExtra(HeadwayError):
    """An optional dependency is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs an optional part that is not installed", hint=f"pip install 'headway[{extra}]'"
        )
