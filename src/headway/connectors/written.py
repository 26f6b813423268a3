"""What people write into the cells of a table: flags, numbers, days and periods, in the words of many tools.

What is not understood is None, and never a guess: whoever reads counts it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, cast

from headway.connectors.fields import number

_YES = frozenset({"yes", "true", "1", "x", "y", "on", "archived", "hidden", "✓", "✔"})
_OPEN = frozenset({
    "no", "n", "false", "f", "0", "off", "nein", "non", "falsch", "faux",
    "public", "not private", "open", "visible", "shared", "all", "anyone", "everyone", "everybody",
    "company", "company-wide", "whole company", "entire company", "organisation", "organization", "workspace",
})  # fmt: skip
"""Words that say that everybody may see a goal. Any other word may say the contrary."""


def is_yes(said: str) -> bool:
    """Whether a cell says yes."""
    return _folded(said) in _YES


def is_private(said: str) -> bool:
    """Whether a cell says that not everybody may see a goal: any text but `no`, `public` and the like."""
    words = _folded(said)
    return bool(words) and words not in _OPEN


def _folded(said: str) -> str:
    return " ".join(said.split()).casefold()


# ---------------------------------------------------------------------- numbers


class Exact(str):
    """The text of a cell that holds a number as such, with a decimal point: there is nothing to be understood."""

    __slots__ = ()


Sign = Literal["", ".", ","]
"""What stands before the decimals: a point or a comma, or '' where nobody says."""

_PLAIN = re.compile(r"[-+]?(?:\d+|\d*(?P<sign>[.,])\d*)(?:[eE][-+]?\d{1,3})?")
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:(?P<group>[.,])\d{2,3})*(?P<last>[.,])\d{3}(?:(?P<sign>[.,])\d*)?")
_TWO_WAYS = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")
_LONGEST = 400
"""Characters; no number that anybody means has more."""


def as_number(said: str, decimal: Sign = "") -> float | None:
    """The number that a cell shows: `1,200`, `12.5 %`, `€ 1.234,50`; None for none.

    `decimal` is what the other cells of the file say. Where nothing does, `1,200` has a thousand and `1.200` a decimal.
    """
    if isinstance(said, Exact):
        decimal = "."
    text = _bare(said)
    if not text or len(text) > _LONGEST:
        return None
    if _TWO_WAYS.fullmatch(text):
        sign = decimal or "."
    elif (sign_ := _sign(text)) is None:
        return None
    else:
        sign = sign_ or "."
    return number({"n": text.replace("," if sign == "." else ".", "").replace(sign, ".")}, "n")


def can_be_read_in_two_ways(said: str) -> bool:
    """Whether a number may have thousands or decimals: `1.200`, `1,200`."""
    return not isinstance(said, Exact) and _TWO_WAYS.fullmatch(_bare(said)) is not None


def decimal_signs(said: Iterable[str]) -> frozenset[Sign]:
    """What stands before the decimals in the cells of which that is plain: in a file of one hand, one sign or none."""
    found: set[Sign] = set()
    for cell in said:
        text = _bare(cell)
        if len(text) <= _LONGEST and not isinstance(cell, Exact) and not _TWO_WAYS.fullmatch(text):
            found.add(_sign(text) or "")
    return frozenset(found - {""})


DROPPED = frozenset({"cancelled", "canceled", "dropped"})
"""States of a goal that was given up."""


def is_share(said: str) -> bool:
    """Whether a cell has a percent sign."""
    return "%" in said


def unit_of(numbers: Iterable[str]) -> str:
    """The unit that cells of numbers show themselves: `%`, or ''."""
    return "%" if any(map(is_share, numbers)) else ""


def in_one_way(said: Mapping[str, str], found: Mapping[str, float | None]) -> tuple[dict[str, float | None], bool]:
    """Numbers of one goal, all in percent where only some have the sign; and whether that may be wrong.

    `said` has the texts that `found` was read from. Beside `40%`, `0.2` is 20; beside `40%`, `20` is 20 as well.
    """
    shares = {field for field, value in found.items() if value is not None and is_share(said[field])}
    bare = {field: value for field, value in found.items() if value and field not in shares}
    if not shares or not any(abs(value) <= 1 for value in bare.values()):
        return dict(found), False
    if max(map(abs, bare.values())) <= 1 and any(abs(value) < 1 for value in bare.values()):
        return {**found, **{field: float(f"{value * 100:.15g}") for field, value in bare.items()}}, True
    return dict(found), True


def _bare(said: str) -> str:
    return re.sub(r"[\s\u00a0'\u2019%€$£]", "", said)


def _sign(text: str) -> Sign | None:
    """What stands before the decimals of a number, or would; '' where it does not tell, None where it is no number."""
    if plain := _PLAIN.fullmatch(text):
        if not re.match(r"[-+]?[.,]?\d", text):
            return None
        return cast("Sign", plain["sign"] or "")
    grouped = _GROUPED.fullmatch(text)
    if grouped is None or (grouped["group"] or grouped["last"]) != grouped["last"]:
        return None
    other: Sign = "," if grouped["last"] == "." else "."
    return other if grouped["sign"] in {None, other} else None


# ---------------------------------------------------------------------- days and periods

ORDERS = {"iso": ("y", "m", "d"), "dmy": ("d", "m", "y"), "mdy": ("m", "d", "y")}
"""How days are written -> the order of their parts."""
_LONGEST_PERIOD = 60
_DIGITS = re.compile(r"\d+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = r"(?:(?:FY|CY|Y)\s*)?(?P<year>20\d\d)"
_SHORT = r"(?:(?:FY|CY|Y)\s*'?|')(?P<short>\d\d)"
_PART = r"(?P<part>[QH])\s*(?P<n>[1-4])"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_BETWEEN = r"\s*[-/,_ ]?\s*"
_PERIODS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _YEAR,
        _SHORT,
        rf"{_PART}{_BETWEEN}{_YEAR}",
        rf"{_YEAR}{_BETWEEN}{_PART}",
        rf"{_PART}{_BETWEEN}{_SHORT}",
        rf"{_SHORT}{_BETWEEN}{_PART}",
        rf"{_PART}\s*[-/]\s*(?P<short>\d\d)",
        rf"{_MONTH}{_BETWEEN}{_YEAR}",
        r"(?P<year>20\d\d)-(?P<mm>0[1-9]|1[0-2])",
        r"(?P<mm>0[1-9]|1[0-2])/(?P<year>20\d\d)",
    )
]
_TO = re.compile(r"\s+(?:-|to|until)\s+|\s*[\u2013\u2014]\s*", re.IGNORECASE)


def day_of(said: str, order: Sequence[str]) -> date | None:
    """The day that a cell shows, its parts in this order, or the year first where one begins it; None for none.

    Where years come first they have four digits: `01.10.26` is a day of 2026 to whoever wrote it, and none here.
    """
    parts = _DIGITS.findall(said[:60])[:3]
    try:
        if re.match(r"\d{4}\D", said):
            return date(int(parts[0]), int(parts[1]), int(parts[2]))
        if order[0] == "y":
            return None
        by = {name: int(part) for name, part in zip(order, parts, strict=True)}
        return date(by["y"] + (2000 if by["y"] < 100 else 0), by["m"], by["d"])
    except (ValueError, IndexError, OverflowError):
        return None


def span(period: str) -> tuple[date, date] | None:
    """First and last day of a period, by the calendar year; None for what is none.

    Periods are `Q3 Y2025`, `2025-H1`, `FY2025`, `Q3 FY26`, `Jul 2026`, and `Q1 2026 - Q2 2026`.
    """
    text = " ".join(period.split())
    if len(text) > _LONGEST_PERIOD:
        return None
    one = _one(text)
    if one is not None:
        return one
    ends = _TO.split(text)
    if len(ends) != 2:
        return None
    first, last = _one(ends[0]), _one(ends[1])
    return (first[0], last[1]) if first and last and first[0] <= last[1] else None


def _one(text: str) -> tuple[date, date] | None:
    found = next((found for pattern in _PERIODS if (found := pattern.fullmatch(text))), None)
    if found is None:
        return None
    said = found.groupdict()
    year = int(said.get("year") or f"20{said['short']}")
    if said.get("month"):
        first, months = _MONTHS.index(said["month"][:3].lower()) + 1, 1
    elif said.get("mm"):
        first, months = int(said["mm"]), 1
    else:
        months = {"q": 3, "h": 6}.get((said.get("part") or "").lower(), 12)
        first = (int(said.get("n") or 1) - 1) * months + 1
    last = first + months - 1
    if last > 12:
        return None
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])
