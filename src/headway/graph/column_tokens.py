"""What of a select list need not be parsed: plain expressions, of which only the columns matter.

`coalesce(case when o.state is null then 'new' else lower(trim(o.state)) end, 'none') as state` is made from the same
column as `o.state as state`. Most of the SQL of a project is such expressions, and most of the time goes into parsing
SQL; so they are cut down to their columns while they are tokens. An expression is only taken when the whole of it is
operands, operators and CASE, well formed, and calls of functions that do nothing but compute one value from their
arguments; every other one is left as it is.

Every token becomes one letter, so that this is regular expressions over a string as long as the statement has tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any

Token = Any
"""A token of sqlglot."""

_LETTERS = {
    "v": "VAR",
    "q": "IDENTIFIER",
    "l": "STRING NUMBER",
    "n": "NULL TRUE FALSE",
    "o": "PLUS STAR SLASH MOD DPIPE EQ NEQ LT LTE GT GTE AND OR",
    "D": "DASH",
    "i": "LIKE ILIKE",
    ".": "DOT",
    ",": "COMMA",
    "(": "L_PAREN",
    ")": "R_PAREN",
    ":": "DCOLON",
    "t": "BIGINT BOOLEAN CHAR DATE DATETIME DECIMAL DOUBLE FLOAT INT SMALLINT TEXT TIMESTAMP TIMESTAMPTZ VARCHAR",
    "N": "NOT",
    "I": "IS",
    "M": "IN",
    "d": "DISTINCT",
    "C": "CASE",
    "W": "WHEN",
    "T": "THEN",
    "L": "ELSE",
    "X": "END",
    "A": "ALIAS",
    "S": "SELECT",
    "F": "FROM",
    "G": "GROUP_BY",
    "a": "ALL",
}
"""Kinds of tokens by letter; every other kind is `?`."""

_FUNCTIONS = {
    name: letter
    for letter, names in {
        "1": "abs avg ceil count floor initcap length lower ltrim max md5 min rtrim sqrt sum trim upper",
        "2": "ifnull nullif nvl",
        "3": "coalesce concat greatest least",
        "4": "round",
        "5": "cast safe_cast try_cast",
    }.items()
    for name in names.split()
}
"""Functions of one, of two, of any number of values, of one or two, and casts."""

_OPERAND = r"[vq](?:\.[vq])*+(?![.(])|[ln]"
_BEFORE = r"(?:[1-5]?\(d?|CW?|N|D)*+"
_AFTER = r"(?:\)|X|IN?n|:t|At)*+"
_BETWEEN = r"(?:[oD,WTL]|N?i|N?M\()"
_CHAIN = rf"{_BEFORE}(?:{_OPERAND}){_AFTER}(?:{_BETWEEN}{_BEFORE}(?:{_OPERAND}){_AFTER})*+"
"""No two operands side by side, no operator without two of them."""

_CALL = re.compile(r"v\(")
_PLACE = re.compile(rf"[SF()]|(?<=[Sd,]){_CHAIN}(?:(?=A[vq](?:[,F)]|$))())?")
"""What begins and ends a select list, and expressions, in it or elsewhere; a group says that it has a name."""
_COLUMN = re.compile(r"[vq](?:\.[vq])*")
_WITHIN = str.maketrans(dict.fromkeys("vq.lnoDiNIt:"))
_CLOSED = re.compile(r"1\(d?\)|[25]\(,\)|3\(,*\)|4\(,?\)|5\(A\)|M\(,*\)|\(\)|C(?:WT)+L?X")
"""A call, a list, parentheses or CASE of which all that is inside is fine."""
_LEAST, _MOST = 4, 4_000
"""Tokens of a list of expressions that is looked into."""
_kind = attrgetter("token_type")
_text = attrgetter("text")

Columns = tuple[tuple[int, int, str], ...]
"""Where the tokens of a column begin and end, and their letters."""


def shortened(tokens: list[Token]) -> list[Token]:
    """The tokens of a statement with its plain expressions cut down to their columns; `tokens` if there are none.

    Only expressions of a select list that have a name of their own (`AS name`). What they are made from stays the same,
    and so does every name.
    """
    letters = _lettered(tokens)
    if "Ga" in letters:  # GROUP BY ALL tells expressions with an aggregate from those without
        return tokens
    lists = [False]
    """Whether a select list goes on, per open parenthesis."""
    result: list[Token] = []
    done = 0
    for place in _PLACE.finditer(letters):
        start, end = place.span()
        if place.lastindex and lists[-1] and _LEAST <= end - start <= _MOST:
            found = _columns(letters[start:end])
            if found is not None:
                first, columns = found
                result += tokens[done : start + first]
                result += _listed(tokens, start, columns)
                done = end
                continue
        for letter in letters[start:end]:
            if letter == "(":
                lists.append(False)
            elif letter == ")":
                if len(lists) > 1:
                    lists.pop()
            elif letter in "SF":
                lists[-1] = letter == "S"
    return result + tokens[done:] if done else tokens


def _lettered(tokens: list[Token]) -> str:
    """A letter per token. The name of a function that is called is its letter in `_FUNCTIONS`, or `?`."""
    plain = "".join(map(_alphabet()[0], map(_kind, tokens)))
    letters = list(plain)
    for call in _CALL.finditer(plain):
        at = call.start()
        letters[at] = _FUNCTIONS.get(tokens[at].text.lower(), "?")
    return "".join(letters)


def _listed(tokens: list[Token], start: int, columns: Columns) -> list[Token]:
    """Tokens of an expression that is made from the same columns and from nothing else."""
    found: dict[tuple[str, ...], list[Token]] = {}
    for first, last, letters in columns:
        column = tokens[start + first : start + last]
        found[letters, *map(_text, column)] = column
    if len(found) == 1:
        return next(iter(found.values()))
    _, token, kinds = _alphabet()
    if not found:
        return [token(kinds.NUMBER, "1")]
    listed: list[Token] = []
    for column in found.values():
        listed.append(token(kinds.COMMA, ",") if listed else token(kinds.L_PAREN, "("))
        listed += column
    listed.append(token(kinds.R_PAREN, ")"))
    return listed


@lru_cache(maxsize=4096)
def _columns(letters: str) -> tuple[int, Columns] | None:
    """Where the last expression of a list begins, and where its columns are.

    None when it is not well formed, or too short to be worth it.
    """
    first = depth = 0
    for at, letter in enumerate(letters):
        depth += (letter in "(C") - (letter in ")X")
        if depth < 0:
            return None
        if letter == "," and not depth:
            first = at + 1
    if len(letters) - first < _LEAST:
        return None
    rest, before = letters[first:].translate(_WITHIN), ""
    while rest != before:
        rest, before = _CLOSED.sub("", rest), rest
    columns = tuple([(*found.span(), found[0]) for found in _COLUMN.finditer(letters, first)])
    alone = len(columns) == 1 and columns[0][:2] == (first, len(letters))
    return None if rest or alone else (first, columns)


@lru_cache(maxsize=1)
def _alphabet() -> tuple[Callable[[Any], str], Any, Any]:
    """The letter of a kind of token, and sqlglot's classes of tokens and of their kinds."""
    from sqlglot.tokens import Token as SqlToken
    from sqlglot.tokens import TokenType

    letters = dict.fromkeys(TokenType, "?")
    letters.update({getattr(TokenType, kind): letter for letter, kinds in _LETTERS.items() for kind in kinds.split()})
    return letters.__getitem__, SqlToken, TokenType
