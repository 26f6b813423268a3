"""Calculated fields: which fields a formula names, and the same formula as SQL where it can be said in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"""\[(?P<field>(?:[^\]]|\]\])*)\]
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<call>[A-Za-z_]+)\s*\(
    | (?P<word>[A-Za-z_]+)
    | (?P<sign>[-+*/(),%]|==|!=|<>|<=|>=|<|>|=)
    | (?P<space>\s+)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_CALLS = {
    "SUM": "SUM(",
    "AVG": "AVG(",
    "MIN": "MIN(",
    "MAX": "MAX(",
    "COUNT": "COUNT(",
    "COUNTD": "COUNT(DISTINCT ",
    "MEDIAN": "MEDIAN(",
    "STDEV": "STDDEV_SAMP(",
    "VAR": "VAR_SAMP(",
    "ABS": "ABS(",
    "ROUND": "ROUND(",
    "IFNULL": "COALESCE(",
    "ZN": "COALESCE(",
}
_WORDS = {word: word for word in ("IF", "THEN", "ELSE", "ELSEIF", "END", "AND", "OR", "NOT", "NULL", "TRUE", "FALSE")}
_IF = {"IF": "CASE WHEN", "ELSEIF": "WHEN"}
_LONGEST = 20_000
AGGREGATES = {
    "SUM": "SUM({})",
    "AVG": "AVG({})",
    "AVERAGE": "AVG({})",
    "MIN": "MIN({})",
    "MAX": "MAX({})",
    "COUNT": "COUNT({})",
    "COUNTD": "COUNT(DISTINCT {})",
    "COUNTDISTINCT": "COUNT(DISTINCT {})",
    "MEDIAN": "MEDIAN({})",
}
"""What Tableau does to a measure unless it is told otherwise, in SQL."""


def fields(formula: str) -> tuple[str, ...]:
    """The fields that a formula names, in order; parameters and fields of other data sources are left out."""
    found = []
    for match, after in _tokens(formula):
        if match.lastgroup == "field" and not after.startswith(".") and not _is_parameter(formula, match):
            found.append(match["field"].replace("]]", "]"))
    return tuple(dict.fromkeys(found))


def sql(formula: str, field: Callable[[str], str]) -> str:
    """The formula in SQL, its fields as `field` says; '' where it has something that is not plain arithmetic.

    Level-of-detail expressions, table calculations, parameters and fields of other data sources are such things. Texts
    become '' since no literal is to be kept.
    """
    writer = _Writer(field)
    if len(formula) > _LONGEST:
        return ""
    for match, after in _tokens(formula):
        qualified = match.lastgroup == "field" and (after.startswith(".") or _is_parameter(formula, match))
        if qualified or not writer.take(match):
            return ""
    return "" if writer.closing else " ".join(writer.said)


class _Writer:
    """Takes tokens of a formula and says them in SQL."""

    def __init__(self, field: Callable[[str], str]) -> None:
        self._field = field
        self.said: list[str] = []
        self.closing: list[str] = []
        """What each bracket that is open is closed with."""

    def take(self, match: re.Match[str]) -> bool:
        """Whether this token could be said."""
        kind = match.lastgroup
        if kind in {"space", "comment"}:
            return True
        said = self._sign(match[0]) if kind == "sign" else self._word(kind or "", match)
        self.said.append(said)
        return bool(said)

    def _word(self, kind: str, match: re.Match[str]) -> str:
        if kind == "field":
            return self._field(match["field"].replace("]]", "]"))
        if kind == "call":
            return self._call(match["call"].upper())
        if kind == "word":
            word = _WORDS.get(match[0].upper(), "")
            return _IF.get(word, word)
        return {"text": "''", "number": match[0]}.get(kind, "")

    def _call(self, name: str) -> str:
        self.closing.append(", 0)" if name == "ZN" else ")")
        if name in _CALLS:
            return _CALLS[name]
        return f"{_IF.get(name, name)} (" if name in _WORDS else ""

    def _sign(self, sign: str) -> str:
        if sign == "(":
            self.closing.append(")")
        elif sign == ")":
            return self.closing.pop() if self.closing else ""
        return {"==": "=", "!=": "<>"}.get(sign, sign)


def _tokens(formula: str) -> list[tuple[re.Match[str], str]]:
    """Tokens with the character that follows each."""
    return [(match, formula[match.end() : match.end() + 1]) for match in _TOKEN.finditer(formula[:_LONGEST])]


def _is_parameter(formula: str, match: re.Match[str]) -> bool:
    """Whether a name in brackets stands behind another one and a dot: `[Parameters].[Year]`."""
    return formula[max(0, match.start() - 2) : match.start()].endswith("].")
