"""Values of an answer as text for people and as plain data for machines. Every name in them is taken as hostile."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from headway.answer import Answer, Column, Finding, Gap, Step
from headway.errors import UsageError
from headway.graph.model import KINDS
from headway.render.options import RenderOptions

NOTHING = "–"  # noqa: RUF001 - a dash as wide as a digit
"""Shown where there is no value: absent is not zero."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_GAPS = 8
DEEPEST = 32
"""Nesting of values beyond which they are cut."""

_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
UNSEEN = (
    "\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
"""For a character class: control characters above the first 32, invisible formatting, turns of the writing direction
and halves of characters. The joiners U+200C and U+200D are left: Persian and emoji need them."""

_HIDDEN = re.compile(f"[\x00-\x1f{UNSEEN}]")

_LARGE = 10**15

Number = float | Decimal


def safe(text: str) -> str:
    """One line without anything that could steer a terminal: hidden characters become visible escapes like \\x1b."""
    return _HIDDEN.sub(_escape, _BREAKS.sub(" ", text))


def safe_lines(text: str) -> str:
    """Like `safe`, but line breaks stay, as newlines."""
    return "\n".join(safe(line) for line in re.split("\r\n|[\n\v\f\r\x85\u2028\u2029]", text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(values: Sequence[Any], column: Column, as_of: date) -> list[str]:
    """The values of one column as people read them; money gets the same decimals all the way down."""
    if column.format == "money":
        known = [x for x in map(_real, values) if x is not None]
        cents = all(abs(x) < 1000 for x in known) and any(x != int(x) for x in known)
        return [text_of(v, as_of) if not _is_number(v) else _money(v, cents=cents) for v in values]
    if column.format == "percent":
        return [text_of(v, as_of) if not _is_number(v) else percent(v) for v in values]
    if column.format == "date":
        return [text_of(_day(v), as_of) for v in values]
    return [text_of(v, as_of) for v in values]


def text_of(value: Any, as_of: date) -> str:
    """Any value as one safe line."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, Mapping):
        return safe(msgspec.json.encode(plain(value)).decode())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(text_of(v, as_of) for v in _ordered(value)) or NOTHING
    return _scalar(value, as_of)


def _scalar(value: Any, as_of: date) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return number(value)
    if isinstance(value, datetime):
        zone = " UTC" if value.utcoffset() is not None and not value.utcoffset() else ""
        return f"{day(value.date(), as_of)} {value:%H:%M}{zone}"
    return day(value, as_of) if isinstance(value, date) else safe(str(value))


def number(value: Number) -> str:
    """`1,204,000`, `115.43`, `0.0123`: thousands separated, only as many decimals as help."""
    x = _real(value)
    if x is None:
        return NOTHING
    size = abs(x)
    if size >= _LARGE:
        return f"{x:.3g}"
    if x == int(x):
        return f"{int(x):,}"
    if size >= 1000:
        return f"{x:,.0f}"
    return f"{x:.3g}" if size < 1 else f"{x:.2f}".rstrip("0").rstrip(".")


def percent(share: Number) -> str:
    """A share as `54%`. What is not quite nothing or not quite everything is not rounded to it."""
    x = _real(share)
    if x is None:
        return NOTHING
    if 0 < x < 0.005:
        return "<1%"
    if 0.995 <= x < 1:
        return ">99%"
    return f"{x:.3g} times" if abs(x) >= _LARGE else f"{round(x * 100) + 0:,}%"


def day(value: date, as_of: date) -> str:
    """`22 Nov`, with the year when it is not the answer's."""
    year = "" if value.year == as_of.year else f" {value.year}"
    return f"{value.day} {MONTHS[value.month - 1]}{year}"


def kind_name(kind: str) -> str:
    """`key result` for `key_result`."""
    return safe(kind.replace("_", " ")) if kind in KINDS else safe(kind)


def _money(value: Number, *, cents: bool) -> str:
    x = _real(value)
    if x is None or abs(x) >= _LARGE:
        return number(value)
    if cents:
        return f"{x:,.2f}"
    return ("<1" if x > 0 else ">-1") if 0 < abs(x) < 0.5 else f"{x:,.0f}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _real(value: Any) -> float | None:
    """A number for showing; None when it is none (also NaN and the infinite). What is out of range is the largest."""
    if not _is_number(value) or (isinstance(value, Decimal) and not value.is_finite()):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    try:
        x = float(value)
    except OverflowError:
        x = math.inf
    return x if math.isfinite(x) else math.copysign(sys.float_info.max, 1 if value > 0 else -1)


def _day(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:  # text in a column of dates is shown as text
            return value
    return value


def _ordered(values: Iterable[Any]) -> Iterable[Any]:
    return sorted(values, key=str) if isinstance(values, (set, frozenset)) else values


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: dates ISO, no NaN, no half characters, sets in order, keys text."""
    if isinstance(value, (Mapping, list, tuple, set, frozenset, msgspec.Struct)):
        return "(nested too deeply)" if depth >= DEEPEST else _plain_many(value, depth + 1)
    if value is None or isinstance(value, bool):
        return value
    if _is_number(value):
        return _plain_number(value)
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text.encode("utf-8", "replace").decode() if _has_halves(text) else text


def _plain_many(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {plain(str(k)): plain(v, depth) for k, v in value.items()}
    if isinstance(value, msgspec.Struct):
        return {f: plain(getattr(value, f), depth) for f in value.__struct_fields__}
    return [plain(v, depth) for v in _ordered(value)]


def _plain_number(value: Number) -> int | float | None:
    if isinstance(value, int):
        return value if abs(value) < 10**4000 else None  # Python itself refuses to write a longer one
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < _LARGE and value == int(value):
        return int(value)
    x = float(value) if not isinstance(value, Decimal) or value.is_finite() else math.nan
    return x if math.isfinite(x) else None


def _has_halves(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)


def keys(answer: Answer, reserved: Iterable[str] = ()) -> list[str]:
    """The columns' keys, made unique and different from the reserved ones by underscores at the end."""
    taken, unique = set(reserved), []
    for column in answer.columns:
        key = plain(column.key)
        while key in taken:
            key += "_"
        taken.add(key)
        unique.append(key)
    return unique


def checked(answer: Answer) -> Sequence[Finding]:
    """The rows. Raises UsageError when one has more or fewer values than the answer has columns."""
    for row in answer.rows:
        if len(row.values) != len(answer.columns):
            raise UsageError(
                f"the question {answer.question} answered a row of {len(row.values)} values for"
                f" {len(answer.columns)} columns"
            )
    return answer.rows


def kept(answer: Answer, limit: int) -> tuple[Sequence[Finding], int]:
    """The rows to show, and how many more there are."""
    rows = checked(answer)
    return (rows[:limit], max(0, len(rows) - limit)) if limit > 0 else (rows, 0)


def more(count: int) -> str:
    """The line below rows that were cut; '' when none were."""
    return f"and {count:,} more; --format json has them all" if count else ""


def all_gaps(answer: Answer) -> list[Gap]:
    """The gaps of an answer and its sections, each once, in order."""
    return list({(g.topic, g.message, g.node, g.hint): g for g in _gaps(answer)}.values())


def _gaps(answer: Answer) -> Iterator[Gap]:
    yield from answer.gaps
    for section in answer.sections:
        yield from _gaps(section)


def by_topic(gaps: Sequence[Gap], most: int = 0) -> tuple[dict[str, list[Gap]], int]:
    """Gaps grouped by topic, and how many were left out. With `most` > 0 the topics take turns, so that a topic with
    hundreds of gaps does not hide the others."""
    groups: dict[str, list[Gap]] = {}
    for gap in gaps:
        groups.setdefault(gap.topic, []).append(gap)
    if most <= 0 or len(gaps) <= most:
        return groups, 0
    turns = sorted((turn, place) for place, group in enumerate(groups.values()) for turn in range(len(group)))[:most]
    share = [sum(place == p for _, p in turns) for place in range(len(groups))]
    cut = {topic: group[:n] for (topic, group), n in zip(groups.items(), share, strict=True) if n}
    return cut, len(gaps) - most


def gap_groups(answer: Answer, options: RenderOptions) -> tuple[dict[str, list[Gap]], int]:
    """The gaps to show, by topic, and how many were left out: MOST_GAPS unless everything was asked for."""
    return by_topic(all_gaps(answer), 0 if options.verbose or options.limit == 0 else MOST_GAPS)


def links(path: Sequence[Step]) -> list[tuple[Step, str]]:
    """Each step of a path with how the edge into it is known; '' for the first one and where it was declared."""
    known = ["", *(step.evidence for step in path)]
    return [(step, "" if how == "declared" else safe(how)) for step, how in zip(path, known, strict=False)]
