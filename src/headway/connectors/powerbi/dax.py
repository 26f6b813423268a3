"""Measures in DAX: which columns and measures a formula names, and the same formula in SQL where that is plain.

Plain are aggregates over a column or a table, and arithmetic over such and over measures that are plain themselves.
Everything that changes what is counted (CALCULATE, FILTER, time intelligence) is named and not computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|--[^\n]*|/\*.*?\*/)
    | (?P<text>"(?:[^"]|"")*")
    | (?:'(?P<quoted>(?:[^']|'')+)'|(?P<bare>[^\W\d]\w*))?\[(?P<column>(?:[^\]]|\]\])*)\]
    | '(?P<table>(?:[^']|'')+)'
    | (?P<call>[^\W\d][\w.]*)\s*\(
    | (?P<word>[^\W\d]\w*)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<sign>[-+*/(),])
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_COLUMN_CALLS = {
    "SUM": "SUM({})",
    "AVERAGE": "AVG({})",
    "MIN": "MIN({})",
    "MAX": "MAX({})",
    "COUNT": "COUNT({})",
    "COUNTA": "COUNT({})",
    "DISTINCTCOUNT": "COUNT(DISTINCT {})",
    "DISTINCTCOUNTNOBLANK": "COUNT(DISTINCT {})",
    "MEDIAN": "MEDIAN({})",
}
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Name:
    """A column of a table; without a table, a measure or a column that says no table; without a column, a table."""

    table: str = ""
    column: str = ""


def names(formula: str) -> tuple[Name, ...]:
    """Every column, table in quotes and measure that a formula names, each once."""
    found = []
    for match in _tokens(formula):
        if match["column"] is not None:
            found.append(_name(match))
        elif match["table"] is not None:
            found.append(Name(match["table"].replace("''", "'")))
        elif match["word"] is not None:
            found.append(Name(match["word"]))
    return tuple(dict.fromkeys(found))


def sql(formula: str, column: Callable[[Name], str], measure: Callable[[str], str]) -> str:
    """The formula in SQL; '' where it is not plain.

    `column` says a column in SQL, `measure` another measure ('' where there is none, or it is not plain).
    """
    if len(formula) > _LONGEST:
        return ""
    tokens = [match for match in _tokens(formula) if match.lastgroup != "space"]
    return _Writer(tokens, column, measure).whole()


class _Plain(Exception):
    """The formula is not plain."""


class _Writer:
    """Recursive descent over `term (sign term)*`."""

    def __init__(
        self, tokens: list[re.Match[str]], column: Callable[[Name], str], measure: Callable[[str], str]
    ) -> None:
        self._tokens = tokens
        self._at = 0
        self._column = column
        self._measure = measure

    def whole(self) -> str:
        """The whole formula, or ''."""
        try:
            said = self._expression(0)
        except _Plain:
            return ""
        return said if self._at == len(self._tokens) else ""

    def _next(self) -> re.Match[str]:
        if self._at >= len(self._tokens):
            raise _Plain
        self._at += 1
        return self._tokens[self._at - 1]

    def _sign(self) -> str:
        """The sign that comes next, not taken; '' for anything else."""
        return (self._tokens[self._at]["sign"] or "") if self._at < len(self._tokens) else ""

    def _take(self, sign: str) -> None:
        if self._next()["sign"] != sign:
            raise _Plain

    def _expression(self, depth: int) -> str:
        if depth > 50:
            raise _Plain
        said = self._term(depth)
        while self._sign() in {"+", "-", "*", "/"}:
            sign = self._next()["sign"]
            said = f"{said} {sign} {self._term(depth)}"
        return said

    def _term(self, depth: int) -> str:
        token = self._next()
        if token["number"] is not None:
            return str(token["number"])
        if token["sign"] == "-":
            return f"-{self._term(depth + 1)}"
        if token["sign"] == "(":
            said = self._expression(depth + 1)
            self._take(")")
            return f"({said})"
        if token["column"] is not None and not token["quoted"] and not token["bare"]:
            said = self._measure(_name(token).column)
            if said:
                return f"({said})"
        if token["call"] is not None:
            return self._call(token["call"].upper(), depth)
        raise _Plain

    def _call(self, call: str, depth: int) -> str:
        if call == "COUNTROWS":
            token = self._next()
            if token["table"] is None and token["word"] is None:
                raise _Plain
            self._take(")")
            return "COUNT(*)"
        if call == "DIVIDE":
            above = self._expression(depth + 1)
            self._take(",")
            below = self._expression(depth + 1)
            if self._sign() == ",":
                self._take(",")
                self._expression(depth + 1)
            self._take(")")
            return f"({above}) / NULLIF({below}, 0)"
        if call not in _COLUMN_CALLS:
            raise _Plain
        token = self._next()
        if token["column"] is None or not (token["quoted"] or token["bare"]):
            raise _Plain
        self._take(")")
        return _COLUMN_CALLS[call].format(self._column(_name(token)))


def _name(match: re.Match[str]) -> Name:
    table = (match["quoted"] or "").replace("''", "'") or match["bare"] or ""
    return Name(table, match["column"].replace("]]", "]"))


def _tokens(formula: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(formula[:_LONGEST])
