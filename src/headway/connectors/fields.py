"""Values out of decoded JSON that anybody may have written: each is of the type that is asked for, or empty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

_NOTHING: Mapping[str, Any] = {}


def text(of: Any, *path: str) -> str:
    """The text at the end of a path of names; numbers are written out; '' for anything else."""
    value = _at(of, path)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def below(of: Any, *path: str) -> Mapping[str, Any]:
    """The object at the end of a path of names; an empty one for anything else."""
    value = _at(of, path)
    return value if isinstance(value, dict) else _NOTHING


def each(of: Any, *path: str) -> list[Mapping[str, Any]]:
    """The objects in the list at the end of a path of names; what else is in it is left out."""
    value = _at(of, path)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def truth(of: Any, *path: str) -> bool:
    """Whether true is at the end of a path of names, or the text `true`."""
    value = _at(of, path)
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def number(of: Any, *path: str) -> float | None:
    """The finite number at the end of a path of names, or the number that a text there says."""
    value = _at(of, path)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def day(of: Any, *path: str) -> date | None:
    """The day of an ISO date, or date and time, at the end of a path of names, as it is written."""
    value = _at(of, path)
    try:
        return datetime.fromisoformat(value[:10]).date() if isinstance(value, str) else None
    except ValueError:
        return None


def _at(of: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(of, dict):
            return None
        of = of.get(name)
    return of
