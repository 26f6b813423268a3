"""Figures as the picture pages show them: short, with the unit written once. Amounts are millionths of a unit."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from headway.graph.model import team_of
from headway.graph.spend import MICRO, Ledger

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF "}
_SCALES = ((1e12, "t"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")

STEPS = 5
"""Steps of the sequence of colours."""


def short(amount: float) -> str:
    """`8.2k`, `310`, `3.2`, `0.04`: at most three figures, so that a column of them can be compared."""
    size = abs(amount)
    for scale, sign in _SCALES:
        if size >= scale * 0.9995:
            part = amount / scale
            return f"{part:.0f}{sign}" if abs(part) >= 99.95 else f"{part:.1f}{sign}"
    if size >= 10 or amount == int(amount):
        return f"{amount:.0f}"
    return f"{amount:.1f}" if size >= 1 else f"{amount:.2g}"


def in_unit(unit: str, amount: float) -> str:
    """`€8.2k` for money, `8.2k credits` for what is none."""
    if unit in _SIGNS:
        return f"{_SIGNS[unit]}{short(amount)}"
    return f"{unit} {short(amount)}" if len(unit) == 3 and unit.isupper() else f"{short(amount)} {unit}"


def cost(ledger: Ledger, micros: int) -> str:
    """A cost in the unit of its ledger."""
    return in_unit(ledger.unit, micros / MICRO)


def per(ledger: Ledger) -> str:
    """What the amounts of a ledger are for: `a month`, or `in the last dbt run` where its time stands in for a cost."""
    return "in the last dbt run" if ledger.day else "a month"


def steps(amounts: Sequence[float]) -> tuple[float, ...]:
    """Limits of the five steps of a sequence, from the data: round numbers about which a fifth lies in each.

    The first limit is 0. Fewer are given where the data does not tell five apart.
    """
    known = sorted(a for a in amounts if a > 0)
    if not known:
        return (0.0,)
    found = [0.0]
    for k in range(1, STEPS):
        limit = _round(known[min(len(known) - 1, k * len(known) // STEPS)])
        if limit > found[-1]:
            found.append(limit)
    if len(found) > 2 and min(amounts) >= found[1]:
        del found[1]
    return tuple(found)


def _round(amount: float) -> float:
    """The largest of 1, 3, 10, 30, ... that is not above an amount."""
    base = 1e-6
    while base * 10 <= amount:
        base *= 10
    return round(3 * base if 3 * base <= amount else base, 6)


def step_words(limits: Sequence[float], unit: str) -> list[str]:
    """`below €3 a month`, `€3 to €10`, ..., `€100 and more`: what each step of a sequence means."""
    if len(limits) == 1:
        return [f"up to {in_unit(unit, limits[0])}"]
    found = [f"Below {in_unit(unit, limits[1])}"]
    found += [f"{in_unit(unit, low)} to {in_unit(unit, high)}" for low, high in pairwise(limits[1:])]
    return [*found, f"{in_unit(unit, limits[-1])} and more"]


def step_of(limits: Sequence[float], amount: float) -> int:
    """The step an amount falls in, from 0."""
    return bisect_right(limits, amount) - 1


def team(owner: str) -> str:
    """The team an owner names. A page shows no address of a person."""
    if _ADDRESS.fullmatch(owner.strip()):
        return "one person"
    return team_of(owner)
