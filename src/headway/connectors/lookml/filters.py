"""Looker's filter expressions as SQL conditions.

What a filter says in words of time becomes a call of HEADWAY_DATE(unit, shift): the first day of the period, so many
periods from the one that holds the day of evaluation. Whoever evaluates the condition replaces it by that day.
What is not translated raises Untranslatable, because a condition that is nearly right gives a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

UNITS = ("day", "week", "month", "quarter", "year")
ANY = "1 = 1"
_LONGEST = 2_000


class Untranslatable(Exception):
    """A filter expression that is not translated; the text says which kind, not which value."""


def condition(kind: str, sql: str, expression: str) -> str:
    """SQL that holds for the rows that a filter lets through.

    `kind` is string, number, yesno or date; `sql` an expression. Raises Untranslatable.
    """
    expression = expression.strip()
    if not expression:
        return ANY
    if len(expression) > _LONGEST:
        raise Untranslatable(f"a filter of more than {_LONGEST:,} characters")
    makers: dict[str, Callable[[str, str], str]] = {
        "string": _string,
        "number": _number,
        "yesno": _yesno,
        "date": _date,
    }
    if kind not in makers:
        raise Untranslatable(f"a filter on a dimension of type {kind}")
    return makers[kind](f"({sql})", expression)


def literal(value: str) -> str:
    """A text as a literal that every dialect reads alike. Raises Untranslatable for one that is not."""
    if "'" in value or "\\" in value or not value.isprintable():
        raise Untranslatable("a value with a quote, a backslash or a control character in it")
    return f"'{value}'"


def _joined(word: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"


def _either(positive: list[str], negative: list[str]) -> str:
    """Any of the positive ones, and all of the negative ones."""
    parts = ([_joined("OR", positive)] if positive else []) + negative
    return _joined("AND", parts) if parts else ANY


# --- Text ------------------------------------------------------------------------------------------------------------


def _string(sql: str, expression: str) -> str:
    positive: list[str] = []
    negative: list[str] = []
    for raw in _items(expression):
        negated = raw.startswith("-")
        rest = raw[1:].lstrip() if negated else raw
        quoted = len(rest) > 1 and rest[0] == rest[-1] == '"'
        if rest:
            inner = rest[1:-1] if quoted else rest
            (negative if negated else positive).append(_one_text(sql, inner, negated, quoted))
    return _either(positive, negative)


def _items(expression: str) -> list[str]:
    """The parts between commas, as written; a comma in quotes, or after ^ or \\, is none."""
    items = [""]
    quoted = escaped = False
    for sign in expression:
        if sign == "," and not quoted and not escaped:
            items.append("")
            continue
        quoted ^= sign == '"' and not escaped
        escaped = sign in "^\\" and not escaped
        items[-1] += sign
    if quoted:
        raise Untranslatable("a filter whose quotes do not match")
    return [item.strip() for item in items]


def _one_text(sql: str, raw: str, negated: bool, quoted: bool) -> str:
    word = "" if quoted else raw.upper()
    if word == "NULL":
        return f"{sql} IS NOT NULL" if negated else f"{sql} IS NULL"
    if word == "EMPTY":
        return f"({sql} IS NOT NULL AND {sql} <> '')" if negated else f"({sql} IS NULL OR {sql} = '')"
    wild = re.search(r"(?<![\^\\])%", raw) is not None
    if re.search(r"[\^\\][%_]", raw) and wild:
        raise Untranslatable("a filter with both wildcards and escaped ones")
    if raw[:1] == "_" or (wild and "_" in raw):
        raise Untranslatable("a filter with the wildcard _")
    value = literal(re.sub(r"[\^\\](.)", r"\1", raw))
    if wild:
        return f"({sql} NOT LIKE {value} OR {sql} IS NULL)" if negated else f"{sql} LIKE {value}"
    return f"({sql} <> {value} OR {sql} IS NULL)" if negated else f"{sql} = {value}"


# --- Numbers ---------------------------------------------------------------------------------------------------------

_NUMBER = r"[+-]?\d{1,30}(?:\.\d{1,30})?"
_COMPARED = re.compile(rf"(<>|!=|>=|<=|>|<|=)\s*({_NUMBER})")
_RANGE = re.compile(rf"({_NUMBER})\s+to\s+({_NUMBER})", re.IGNORECASE)
_INTERVAL = re.compile(rf"([\[(])\s*({_NUMBER}|-?inf|)\s*,\s*({_NUMBER}|inf|)\s*([\])])", re.IGNORECASE)
_SPLIT = re.compile(r"\s*,\s*(?![^\[(]*[\])])|\s+OR\s+", re.IGNORECASE)


def _number(sql: str, expression: str) -> str:
    positive: list[str] = []
    negative: list[str] = []
    for item in _SPLIT.split(expression):
        text = item.strip()
        negated = bool(re.match(r"NOT\b", text, re.IGNORECASE))
        text = re.sub(r"^NOT\s*", "", text, flags=re.IGNORECASE) if negated else text
        if not text:
            continue
        if text.upper() == "NULL":
            (negative if negated else positive).append(f"{sql} IS {'NOT ' if negated else ''}NULL")
            continue
        made, excludes = _one_number(sql, text)
        if negated and excludes:
            raise Untranslatable("a filter that negates twice")
        if negated:
            negative.append(f"(NOT {made} OR {sql} IS NULL)")
        else:
            (negative if excludes else positive).append(made)
    return _either(positive, negative)


def _one_number(sql: str, text: str) -> tuple[str, bool]:
    """A condition, and whether it is one that keeps values out."""
    if re.fullmatch(_NUMBER, text):
        return f"{sql} = {text}", False
    if (found := _RANGE.fullmatch(text)) is not None:
        return f"({sql} >= {found[1]} AND {sql} <= {found[2]})", False
    if (found := _INTERVAL.fullmatch(text)) is not None:
        low, high = found[2].lower(), found[3].lower()
        parts = [f"{sql} {'>=' if found[1] == '[' else '>'} {low}"] if low not in {"", "-inf"} else []
        parts += [f"{sql} {'<=' if found[4] == ']' else '<'} {high}"] if high not in {"", "inf"} else []
        return _joined("AND", parts) if parts else f"{sql} IS NOT NULL", False
    pieces = re.split(r"\s+AND\s+", text, flags=re.IGNORECASE)
    found_all = [_COMPARED.fullmatch(piece.strip()) for piece in pieces]
    if any(one is None for one in found_all):
        raise Untranslatable("a filter on a number that is not understood")
    comparisons = [(one[1], one[2]) for one in found_all if one is not None]
    if len(comparisons) == 1 and comparisons[0][0] in {"<>", "!="}:
        return f"({sql} <> {comparisons[0][1]} OR {sql} IS NULL)", True
    made = [f"{sql} {'<>' if sign == '!=' else sign} {value}" for sign, value in comparisons]
    return _joined("AND", made), False


def _yesno(sql: str, expression: str) -> str:
    word = expression.casefold()
    if word in {"yes", "true", "y", "1"}:
        return sql
    if word in {"no", "false", "n", "0"}:
        return f"NOT COALESCE({sql}, FALSE)"
    raise Untranslatable("a filter on a yesno dimension that is neither yes nor no")


# --- Days ------------------------------------------------------------------------------------------------------------

_UNIT = rf"({'|'.join(UNITS)})s?"
_LAST = re.compile(rf"(\d{{1,5}})\s+{_UNIT}", re.IGNORECASE)
_AGO = re.compile(rf"(\d{{1,5}})\s+{_UNIT}\s+ago(?:\s+for\s+(\d{{1,5}})\s+{_UNIT})?", re.IGNORECASE)
_NEAR = re.compile(rf"(last|this|next)\s+{_UNIT}", re.IGNORECASE)
_SHIFTS = {"last": -1, "this": 0, "next": 1}
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_ABSOLUTE = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?")
_TO = re.compile(r"(.+?)\s+to\s+(.+)", re.IGNORECASE)
_SIDE = re.compile(r"(before|after)\s+(.+)", re.IGNORECASE)


def _date(sql: str, expression: str) -> str:
    day = f"CAST({sql} AS DATE)"
    positive: list[str] = []
    negative: list[str] = []
    for item in expression.split(","):
        text = " ".join(item.split())
        word = text.casefold()
        if not text:
            continue
        if word == "any time":
            return ANY
        if word in {"null", "not null"}:
            (negative if word != "null" else positive).append(f"{sql} IS {text.upper()}")
            continue
        low, high = _span(text)
        parts = [f"{day} >= {low}"] if low else []
        parts += [f"{day} < {high}"] if high else []
        positive.append(_joined("AND", parts))
    return _either(positive, negative)


def _span(text: str) -> tuple[str, str]:
    """First day, and the day after the last one, as SQL; '' for an open end."""
    if (found := _SIDE.fullmatch(text)) is not None:
        low, _ = _span(found[2])
        if not low:
            raise Untranslatable("a filter on a date that is not understood")
        return ("", low) if found[1].casefold() == "before" else (low, "")
    if (found := _TO.fullmatch(text)) is not None:
        return _span_of_day(found[1])[0], _span_of_day(found[2])[0]
    if (found := _LAST.fullmatch(text)) is not None:
        count, unit = int(found[1]), found[2].lower()
        return _relative(unit, 1 - count), _relative(unit, 1)
    if (found := _AGO.fullmatch(text)) is not None:
        count, unit = int(found[1]), found[2].lower()
        length = int(found[3]) if found[3] else 1
        if found[4] and found[4].lower() != unit:
            raise Untranslatable("a filter on a date with two units of time")
        return _relative(unit, -count), _relative(unit, length - count)
    if (found := _NEAR.fullmatch(text)) is not None:
        shift, unit = _SHIFTS[found[1].lower()], found[2].lower()
        return _relative(unit, shift), _relative(unit, shift + 1)
    return _span_of_day(text)


def _span_of_day(text: str) -> tuple[str, str]:
    word = text.strip().casefold()
    if word in _DAYS:
        return _relative("day", _DAYS[word]), _relative("day", _DAYS[word] + 1)
    found = _ABSOLUTE.fullmatch(text.strip())
    if not found:
        raise Untranslatable("a filter on a date that is not understood")
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    try:
        start = date(year, month, day)
        if found[3]:
            end = date.fromordinal(start.toordinal() + 1)
        else:
            end = date(year + month // 12, month % 12 + 1, 1) if found[2] else date(year + 1, 1, 1)
    except (ValueError, OverflowError):
        raise Untranslatable("a filter on a date that does not exist") from None
    return f"CAST('{start}' AS DATE)", f"CAST('{end}' AS DATE)"


def _relative(unit: str, shift: int) -> str:
    return f"HEADWAY_DATE('{unit}', {shift})"
