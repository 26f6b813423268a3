"""What people wrote under `meta.headway`, read with care: a wrong type is reported and skipped, never fatal."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from headway.connectors.dbt.artifacts import Resource
from headway.graph.model import Gap, Origin

_NONE: Mapping[str, Any] = {}


def merged_meta(resource: Resource) -> Mapping[str, Any]:
    """`meta` and `config.meta` as one: releases differ on which of the two holds what was written."""
    outer = resource.meta
    inner = resource.config.meta if resource.config is not None else None
    if inner and isinstance(inner, dict):
        return {**outer, **inner} if outer and isinstance(outer, dict) else inner
    return outer if outer and isinstance(outer, dict) else _NONE


def headway_meta(resource: Resource) -> Mapping[str, Any]:
    """The `headway` mapping of the merged meta; empty when there is none."""
    own = merged_meta(resource).get("headway")
    return own if isinstance(own, dict) else _NONE


class Stated:
    """Typed access to one mapping. Every method returns None (or nothing) for what is absent or of a wrong type."""

    def __init__(
        self, values: Mapping[str, Any], node: str, name: str, topic: str, origin: Origin, gaps: list[Gap]
    ) -> None:
        self._values = values
        self._node = node
        self._name = name
        self._topic = topic
        self._origin = origin
        self._gaps = gaps

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def complain(self, key: str, value: Any, expected: str) -> None:
        """Report that `key` is not what it should be."""
        where = f"meta.headway.{key}" if key else "meta.headway"
        said = (
            repr(value)
            if not isinstance(value, dict | list)
            else f"a {'mapping' if isinstance(value, dict) else 'list'}"
        )
        self.report(f"{where} is {said[:80]}, not {expected}")

    def report(self, message: str, hint: str = "") -> None:
        """Report something about this node."""
        self._gaps.append(
            Gap(
                topic=self._topic,
                message=f"{self._name[:200]}: {message}",
                node=self._node,
                hint=hint,
                origin=self._origin,
            )
        )

    def text(self, key: str) -> str:
        """A text; '' when absent."""
        value = self._values.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.complain(key, value, "a text")
        return ""

    def number(self, key: str) -> float | None:
        """A finite number."""
        value = self._values.get(key)
        if value is None:
            return None
        number = as_number(value)
        if number is None:
            self.complain(key, value, "a number")
        return number

    def count(self, key: str) -> int | None:
        """A whole number that is not negative."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
            return value
        self.complain(key, value, "a whole number")
        return None

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self._values.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.complain(key, value, "true or false")
        return None

    def day(self, key: str) -> date | None:
        """A date, written as YYYY-MM-DD (a time after it is cut off)."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value.strip()).date()
            except ValueError:
                pass
        self.complain(key, value, "a date such as 2026-12-31")
        return None

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """One of `allowed`; '' when absent."""
        value = self._values.get(key)
        if value is None:
            return ""
        if isinstance(value, str) and value.strip().lower() in allowed:
            return value.strip().lower()
        self.complain(key, value, f"one of {', '.join(sorted(allowed))}")
        return ""

    def names(self, key: str) -> list[str]:
        """A text or a list of texts."""
        value = self._values.get(key)
        if value is None:
            return []
        words = value if isinstance(value, list) else [value]
        good = [word.strip() for word in words if isinstance(word, str) and word.strip()]
        if len(good) != len(words):
            self.complain(key, value, "a name or a list of names")
        return good

    def raw(self, key: str) -> Any:
        """The value as written."""
        return self._values.get(key)


def as_number(value: Any) -> float | None:
    """`value` as a finite float, or None when it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
