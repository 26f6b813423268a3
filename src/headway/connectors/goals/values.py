"""A single value as it is written, turned into the Python value its field asks for.

What a plain value means follows YAML 1.2: yes and no are text, 2026-10-01 is a date only where a date is wanted.
"""

from __future__ import annotations

import math
import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Any

from headway.connectors.goals.document import Items, Scalar, Tree, shown
from headway.connectors.goals.problems import Problems
from headway.connectors.goals.schema import DATE, ID, NUMBER, PERIOD_ID, URL, VERSION, Field
from headway.errors import Place


def slug(title: str) -> str:
    """An id made from a title: `Grow paid, fast!` is grow_paid_fast. Stable, at most 60 characters, never empty."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if words and len(words) <= 60:
        return words
    digest = sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{words[:51].rstrip('_')}_{digest}" if words else f"goal_{digest}"


def is_empty(tree: Tree) -> bool:
    """Whether nothing is written there."""
    return isinstance(tree, Scalar) and tree.plain and tree.text in ("", "~", "null", "Null", "NULL")


_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*$|0x[0-9a-fA-F_]+$|0o[0-7_]+$")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9]+)?$|[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?$")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
_MEANT = {"yes": "true", "on": "true", "y": "true", "true": "true", "no": "false", "off": "false", "n": "false"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def kind_of(tree: Tree) -> str:
    """What YAML 1.2 takes a value for: mapping, list, nothing, bool, whole (an integer), number or text."""
    if not isinstance(tree, Scalar):
        return "list" if isinstance(tree, Items) else "mapping"
    if not tree.plain:
        return "text"
    if is_empty(tree):
        return "nothing"
    if tree.text in _BOOLS:
        return "bool"
    if _INTEGER.match(tree.text):
        return "whole"
    return "number" if _FLOAT.match(tree.text) or _SPECIAL.match(tree.text) else "text"


def written_id(name: str) -> str:
    """The id as it has to be written in YAML: in quotes where it would be taken for something else."""
    return name if kind_of(Scalar(Place(""), name, plain=True)) in ("text", "whole") else f'"{name}"'


def described(tree: Tree) -> str:
    """What is there, in words for messages."""
    kind = kind_of(tree)
    if not isinstance(tree, Scalar):
        return f"a {kind}"
    if kind == "nothing":
        return kind
    if kind == "text":
        return f"the text {shown(tree.text)}"
    return f"the {'truth value' if kind == 'bool' else 'number'} {tree.text[:60]}"


_WANTED = {
    "text": "text", "id": "an id", "period_id": "an id", "url": "a web address", "number": "a number",
    "amount": "a number from 0 up", "count": "a whole number from 1 up", "date": "a date", "bool": "true or false",
    "done": "a date, true or false", "version": f"{VERSION}",
}  # fmt: skip


def wanted(known: Field) -> str:
    """What the field asks for, in words."""
    return listed(known.choices) if known.type == "choice" else _WANTED[known.type]


def scalar(tree: Scalar, known: Field, problems: Problems) -> Any:
    """The value as text, float, int, bool or date, as the field asks; None after a problem was reported."""
    return _READERS[known.type](tree, known, problems)


def _choice(tree: Scalar, known: Field, problems: Problems) -> str | None:
    if tree.text in known.choices and kind_of(tree) == "text":
        return tree.text
    message = f"{known.name} is {listed(known.choices)}, not {shown(tree.text)}"
    problems.say(message, tree.place, problems.did_you_mean(tree.text, known.choices))
    return None


def _done(tree: Scalar, known: Field, problems: Problems) -> bool | date | None:
    if kind_of(tree) == "bool":
        return _BOOLS[tree.text]
    if tree.text.lower() in _MEANT:
        return _bool(tree, known, problems)
    return _date(tree, known, problems)


def _version(tree: Scalar, known: Field, problems: Problems) -> int | None:
    if tree.plain and tree.text == str(VERSION):
        return VERSION
    if tree.text == str(VERSION):
        problems.say(f"{known.name} is a number, not {described(tree)}", tree.place, f"write version: {VERSION}")
        return None
    message = f"{known.name} {shown(tree.text)[1:-1]} of the goals format is not known to this Headway"
    problems.say(message, tree.place, f"write version: {VERSION}, or use a newer Headway")
    return None


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text_of(tree: Scalar, known: Field, problems: Problems) -> str | None:
    """The text without blanks around it; None after a problem was reported."""
    if kind_of(tree) != "text" and not (known.type == "names" and kind_of(tree) == "whole"):
        problems.say(f"{known.name} is {wanted(known)}, not {described(tree)}", tree.place, in_quotes(tree))
    elif not tree.text.strip():
        problems.say(f"{known.name} is empty text", tree.place, "write something, or remove the line")
    elif found := _CONTROL.search(tree.text):
        # Written as an escape: it would steer the terminal of whoever reads it, or fit into no file.
        code = f"U+{ord(found.group()):04X}"
        problems.say(f"{known.name} contains the unprintable character {code}", tree.place, "remove it")
    elif known.type == "url" and not re.match(URL, tree.text):
        message = f"{known.name} is a web address, not {shown(tree.text)}"
        problems.say(message, tree.place, "begin it with https:// and write no blanks")
    else:
        return tree.text.strip()
    return None


def _id(tree: Scalar, known: Field, problems: Problems) -> str | None:
    kind = kind_of(tree)
    strict = known.type == "id"
    if kind in ("text", "whole") and re.fullmatch(ID if strict else PERIOD_ID, tree.text):
        return tree.text
    if kind == "bool" or (kind == "number" and re.fullmatch(ID, tree.text)):
        problems.say(f"{known.name} is a name, not {described(tree)}", tree.place, in_quotes(tree))
        return None
    made_of = "lower case letters, digits, _ and -" if strict else "letters, digits, _, - and ."
    right = re.sub(r"[^A-Za-z0-9_.-]+", "_" if strict else "-", tree.text).strip("-._")
    right = written_id(slug(tree.text)) if strict and right else right
    made_of += ", at most 100 of them" if len(tree.text) > 100 else ""
    message = f"{known.name} is made of {made_of}, not {shown(tree.text)}"
    problems.say(message, tree.place, f"write {right}" if right else "write a short name that stays the same")
    return None


_HUMAN_NUMBER = re.compile(
    r"(?P<before>[€$£¥]|[A-Z]{3} )?\s*(?P<sign>[-+]?)(?P<digits>[0-9]+(?:[ ,_'][0-9]{3})*(?:\.[0-9]+)?)"
    r"\s*(?P<scale>%|k|K|m|M|mio|Mio|bn|b|B)?\s*(?P<after>[€$£¥]|[A-Z]{3})?"
)
_SCALE = {"": 1.0, "%": 0.01, "k": 1e3, "m": 1e6, "b": 1e9}


def _number(tree: Scalar, known: Field, problems: Problems) -> float | None:
    text, place = tree.text, tree.place
    value = _as_float(text, tree.plain)
    if value is None:
        problems.say(f"{known.name} is {wanted(known)}, not {described(tree)}", place, _number_hint(text))
    elif not math.isfinite(value):
        problems.say(f"{known.name} is {wanted(known)}, not {shown(text)[1:-1]}", place, "write a number with an end")
    elif not _allowed(value, known, tree.plain):
        problems.say(f"{known.name} is {wanted(known)}, not {described(tree)}", place)
    else:
        return value + 0.0  # -0.0 is 0
    return None


def _allowed(value: float, known: Field, plain: bool) -> bool:
    if known.type == "count":
        return plain and value.is_integer() and value >= 1
    return known.type != "amount" or value >= 0


def _as_float(text: str, plain: bool) -> float | None:
    if plain and text[:2] in ("0x", "0o") and _INTEGER.match(text):
        try:
            return float(int(text, 0))
        except (OverflowError, ValueError):
            return float("inf")
    if plain and _SPECIAL.match(text):
        return float(text.replace(".", ""))
    return float(text.replace("_", "")) if re.match(NUMBER, text) and not text.endswith("\n") else None


def _number_hint(text: str) -> str:
    match = _HUMAN_NUMBER.fullmatch(text.strip()) if len(text) < 60 else None
    if match is None:
        return "write digits only, such as 1200 or 0.5, or leave it out until there is a number"
    digits = re.sub(r"[ ,_']", "", match["digits"])
    right = f"{float(match['sign'] + digits) * _SCALE[(match['scale'] or '')[:1].lower()]:.10g}"
    unit = (match["before"] or match["after"] or "").strip()
    return f"write {right}" + (f" and unit: {unit}" if unit else "")


def _date(tree: Scalar, known: Field, problems: Problems) -> date | None:
    text = tree.text
    if re.fullmatch(DATE, text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            problems.say(f"{known.name}: there is no day {text}", tree.place, _last_day(text))
            return None
    problems.say(f"{known.name} is {wanted(known)}, not {described(tree)}", tree.place, _date_hint(text))
    return None


def _last_day(text: str) -> str:
    year, month = int(text[:4]), int(text[5:7])
    if year < 1 or not 1 <= month <= 12:
        return "dates are written year-month-day, such as 2026-12-31"
    return f"the last day of that month is {text[:8]}{monthrange(year, month)[1]}"


def _date_hint(text: str) -> str:
    if match := re.match(r"([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})(?![0-9])", text):
        return f"write {match[1]}-{int(match[2]):02}-{int(match[3]):02}"
    if match := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text):
        return f"write {match[3]}-{int(match[2]):02}-{int(match[1]):02}"
    return "dates are written year-month-day, such as 2026-12-31"


def _bool(tree: Scalar, known: Field, problems: Problems) -> bool | None:
    if kind_of(tree) == "bool":
        return _BOOLS[tree.text]
    right = _MEANT.get(tree.text.lower(), "")
    hint = f"write {right}" if right else ""
    problems.say(f"{known.name} is {wanted(known)}, not {described(tree)}", tree.place, hint)
    return None


def in_quotes(tree: Tree) -> str:
    """The hint that quotes make text of it."""
    return f'write "{tree.text[:60]}" with quotes' if isinstance(tree, Scalar) and kind_of(tree) != "nothing" else ""


def listed(words: Iterable[str], joiner: str = "or") -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} {joiner} {last}" if most else last


_READERS: Mapping[str, Callable[[Scalar, Field, Problems], Any]] = {
    "text": text_of,
    "url": text_of,
    "id": _id,
    "period_id": _id,
    "number": _number,
    "amount": _number,
    "count": _number,
    "date": _date,
    "bool": _bool,
    "done": _done,
    "choice": _choice,
    "version": _version,
}
