"""Asking a GraphQL API over HTTP: errors come inside answers with status 200, and some of them only mean "later"."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headway.errors import ServiceError
from headway.remote import Client

_LONGEST_WAIT = 60.0
_LATER = frozenset(
    {
        "COMPLEXITY_BUDGET_EXHAUSTED",
        "COMPLEXITYEXCEPTION",
        "CONCURRENCY_LIMIT_EXCEEDED",
        "FIELD_MINUTE_RATE_LIMIT_EXCEEDED",
        "MINUTE_LIMIT_EXCEEDED",
        "RATE_LIMIT_EXCEEDED",
    }
)
_NEVER = {
    "DAILY_LIMIT_EXCEEDED": "its calls of this day are used up",
    "USERUNAUTHORIZEDEXCEPTION": "the token may not do that",
    "UNAUTHORIZED": "the token is wrong or no longer good",
    "NOT AUTHENTICATED": "the token is wrong or no longer good",
}
_OF_ONE = frozenset({"USERUNAUTHORIZEDEXCEPTION"})
"""Refused for what is asked about, such as a board; the next one may be given."""


class CursorExpired(Exception):
    """The place in a list is not known there any more."""


class NotGiven(ServiceError):
    """What was asked for is refused; `final`: and so would be anything else."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


def ask(
    client: Client,
    path: str,
    query: str,
    variables: Mapping[str, Any],
    *,
    what: str,
    attempts: int = 6,
    sleep: Callable[[float], None] = time.sleep,
    partly: list[str] | None = None,
) -> Mapping[str, Any]:
    """The data of one answer, tried again where the API asks to wait (at most a minute, `attempts` times in all).

    Data beside errors is taken where `partly` is given, which then says so. Raises CursorExpired, and ServiceError that
    names the code of an error and never its text: NotGiven where the API refuses.
    """
    for attempt in range(1, attempts + 1):
        answer = _mapping(client.post(path, {"query": query, "variables": dict(variables)}))
        said = answer.get("errors")
        errors = [_mapping(e) for e in said] if isinstance(said, list) else []
        data = _mapping(answer.get("data"))
        if not errors and not answer.get("error_code"):
            return data
        code = _code(errors, answer)
        if code.upper() in _LATER:
            if attempt < attempts:
                sleep(_pause(errors, answer, data))
                continue
            raise ServiceError(
                f"{client.system}: {what} needs more than the complexity or rate that is left ({code})", hint="later"
            )
        if "cursor" in code.casefold() or any("cursor" in str(e.get("message", "")).casefold() for e in errors):
            raise CursorExpired
        if code.upper() not in _NEVER and partly is not None and any(value is not None for value in data.values()):
            partly.append(f"{client.system} gave {what} only in part ({code})")
            return data
        message = f"{client.system}: {what}: {_NEVER.get(code.upper(), 'it was refused')} ({code})"
        raise NotGiven(message, final=code.upper() in _NEVER.keys() - _OF_ONE)
    raise AssertionError  # the last attempt returns or raises


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(errors: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> str:
    codes = [_mapping(e.get("extensions")).get("code") for e in errors] + [answer.get("error_code")]
    code = next((code for code in codes if isinstance(code, str) and code), "")
    return "".join(c for c in code if c.isalnum() or c in "_ ")[:60] or "no code"


def _pause(errors: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], data: Mapping[str, Any]) -> float:
    """Seconds that the API asks to wait; half a minute where it says nothing."""
    places = [*(_mapping(e.get("extensions")) for e in errors), _mapping(data.get("complexity")), answer]
    for place in places:
        for key in ("retry_in_seconds", "reset_in_x_seconds"):
            asked = place.get(key)
            if isinstance(asked, int | float) and not isinstance(asked, bool) and math.isfinite(asked):
                return min(_LONGEST_WAIT, max(0.0, float(asked)))
    return 30.0
