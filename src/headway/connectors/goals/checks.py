"""What a single period or key result must hold to make sense: its numbers, its dates, its binding."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Literal

from headway.connectors.goals.problems import Problems
from headway.connectors.goals.shape import Block

__all__ = ["check_key_result", "check_span", "derived_direction"]


def check_span(block: Block, problems: Problems, start: date | None = None, end: date | None = None) -> None:
    """The first day of a period or objective does not come after its last. Own dates fill in for those not given."""
    start, end = block.day("start") or start, block.day("end") or end
    if start and end and start > end:
        own = "start" if block.day("start") else "end"
        if block.day(own):
            problems.say(
                f"{block.called} ends on {end}, before it starts on {start}", block.at(own), "swap or correct the dates"
            )


def check_key_result(block: Block, first: date | None, last: date | None, problems: Problems) -> None:
    """Report whatever in this key result cannot be. `first` and `last` are the days of its objective."""
    _dates(block, first, last, problems)
    _numbers(block, problems)
    _band(block, problems)
    _direction(block, problems)
    _dated(block, "readings", problems)
    _sql(block, problems)


def derived_direction(block: Block) -> Literal["increase", "decrease", "maintain", ""]:
    """The direction that the numbers say: from the band, or from baseline to target; '' when they do not."""
    if "band" in block.values:
        return "maintain"
    ends = _ends(block)
    if ends is None:
        return ""
    return "increase" if ends[1][1] > ends[0][1] else "decrease"


def _said_numbers(block: Block) -> list[tuple[str, float]]:
    """Those of baseline, commit, target and stretch that are there, in this order."""
    found = ((name, block.number(name)) for name in ("baseline", "commit", "target", "stretch"))
    return [(name, value) for name, value in found if value is not None]


def _ends(block: Block) -> tuple[tuple[str, float], tuple[str, float]] | None:
    """Where it comes from and where it goes, by name and value; None when the numbers do not say."""
    numbers = _said_numbers(block)
    if len(numbers) < 2:
        return None
    first = numbers[0]
    last = next((pair for pair in numbers[1:] if pair[0] == "target"), numbers[-1])
    return (first, last) if first[1] != last[1] else None


def _dates(block: Block, first: date | None, last: date | None, problems: Problems) -> None:
    start, due = block.day("start") or first, block.day("due") or last
    if start and due and start > due:
        if block.day("start") and block.day("due"):
            problems.say(
                f"{block.called} is due on {due}, before it starts on {start}",
                block.at("due"),
                "swap or correct the dates",
            )
        elif block.day("due"):
            problems.say(f"{block.called} is due on {due}, before its objective starts on {start}", block.at("due"))
        elif block.day("start"):
            problems.say(f"{block.called} starts on {start}, after its objective ends on {due}", block.at("start"))
        return
    for checkpoint in _dated(block, "checkpoints", problems):
        day = checkpoint.day("date")
        if day and ((start and day < start) or (due and day > due)):
            span = " to ".join(str(end) if end else "..." for end in (start, due))
            problems.say(f"a checkpoint of {block.called}, {day}, is outside {span}", checkpoint.at("date"))


def _dated(block: Block, name: str, problems: Problems) -> tuple[Block, ...]:
    """The dated values, after reporting days that are there twice. Their order does not matter."""
    seen: dict[date, Block] = {}
    for item in block.blocks(name):
        day = item.day("date")
        if day and day in seen:
            message = f"{name} has two values for {day}, the first on line {seen[day].place.line}"
            problems.say(message, item.at("date"), "keep one of them")
        elif day:
            seen[day] = item
    return block.blocks(name)


def _numbers(block: Block, problems: Problems) -> None:
    """Baseline, commit, target and stretch differ and follow one another in one direction."""
    numbers = _said_numbers(block)
    values = dict(numbers)
    for name, value in numbers[1:]:
        if value == values.get("baseline"):
            message = f"{name} and baseline are both {value:.15g}, so there is no way to go"
            problems.say(message, block.at(name), "use band: for a number that should stay where it is")
            return
    rising = derived_direction(block) == "increase"
    for (near, here), (far, there) in pairwise(numbers):
        if (there < here) if rising else (there > here):
            message = f"{far} {there:.15g} is on the wrong side of {near} {here:.15g}"
            problems.say(message, block.at(far), f"{', '.join(values)} follow one another in one direction")
            return


def _band(block: Block, problems: Problems) -> None:
    band = block.values.get("band")
    if not isinstance(band, Block):
        return
    low, high = band.number("low"), band.number("high")
    if low is not None and high is not None and low > high:
        problems.say(f"the band's low {low:.15g} is above its high {high:.15g}", band.at("low"), "swap them")


def _direction(block: Block, problems: Problems) -> None:
    said, derived = block.text("direction"), derived_direction(block)
    if not said or said == derived:
        return
    place = block.at("direction")
    if derived == "maintain":
        message = f"direction is {said}, but there is a band to stay in"
        problems.say(message, place, "write direction: maintain, or remove it")
    elif said == "maintain":
        if "band" not in block.places:
            message = "direction is maintain, but there is no band to stay in"
            problems.say(message, place, "write band: {low: ..., high: ...} instead of a target")
    elif ends := _ends(block):
        way = " to ".join(f"{name} {value:.15g}" for name, value in ends)
        message = f"direction is {said}, but from {way} is {derived}"
        problems.say(message, place, f"write direction: {derived}, or remove it")


_COMMENT = re.compile(r"(\s+|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)


def _sql(block: Block, problems: Problems) -> None:
    for name in ("sql", "expression"):
        if "{{" in block.text(name) or "{%" in block.text(name):
            message = f"{name} is run as it is written: nothing fills in what stands in braces"
            problems.say(message, block.at(name), "write the table's name, or bind with model: and expression:")
            return
    sql = block.text("sql")
    if not sql:
        return
    begin = _COMMENT.match(sql)
    if not re.match(r"\(|(select|with|from|values)\b", sql[begin.end() if begin else 0 :], re.IGNORECASE):
        message = "sql has to be one query that reads"
        problems.say(message, block.at("sql"), "begin it with select or with")
