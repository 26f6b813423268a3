"""Values of measured key results, as they are sent out; and when one may be written over what is there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from headway.sinks.protocol import Delivered


@dataclass(frozen=True, slots=True)
class Value:
    """The current value of one key result, for the tool that keeps the goal."""

    key: str
    """Id of its node here, such as `asana:1204`."""
    place: str
    """Its id there."""
    title: str
    value: float
    day: date | None = None
    """The day or period that the value is of."""
    unit: str = ""
    ours: tuple[float, ...] = ()
    """What we wrote there, or may have written when a run was cut off: anything else is somebody else's."""
    fresh: bool = True
    """Nothing was surely written there yet."""
    force: bool = False
    """Write over what somebody else wrote."""


def decided(
    value: Value, there: float | str | None, *, untouched: float | None = None
) -> Literal["same", "write", "leave"]:
    """What to do where `there` stands now: a text is somebody else's.

    `untouched` is what a field holds that nobody wrote into yet.
    """
    if isinstance(there, str):
        return "write" if value.force else "leave"
    if there is not None and _equal(there, value.value):
        return "same"
    if value.force or there is None or any(_equal(there, ours) for ours in value.ours):
        return "write"
    return "write" if value.fresh and untouched is not None and _equal(there, untouched) else "leave"


def delivered(
    value: Value, there: float | str | None, what: Literal["same", "write", "leave"], field: str, *, dry_run: bool,
    write: Callable[[], None],
) -> Delivered:  # fmt: skip
    """Do what was decided, and say it. `field` is where it stands, in words."""
    now = f"{value.value:.15g}"
    before = "nothing" if there is None else repr(there[:40]) if isinstance(there, str) else f"{there:.15g}"
    receipt = {"value": value.value}
    if what == "same":
        return Delivered(value.key, "same", f"{value.title}: {field} is {now} already", receipt)
    if what == "leave":
        message = f"{value.title}: somebody set {field} to {before}, so it is not set to {now}; --force does"
        return Delivered(value.key, "left alone", message)
    if dry_run:
        return Delivered(value.key, "would be sent", f"{value.title}: {field} would change from {before} to {now}")
    write()
    return Delivered(value.key, "sent", f"{value.title}: {field} changed from {before} to {now}", receipt)


def _equal(one: float, other: float) -> bool:
    """Tools keep fewer digits than we have: equal to nine of them is equal. Nothing is equal to infinity."""
    if not (math.isfinite(one) and math.isfinite(other)):
        return False
    return abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))
