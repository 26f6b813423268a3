"""The arithmetic of derived metrics: a small part of SQL, read and evaluated without a database.

Numbers, names, `+ - * /`, brackets, NULLIF, COALESCE, ABS, LN, EXP, SQRT, POWER, GREATEST, LEAST and CAST to a number.
NULL is None and passes through, a division by zero is NULL; both as in SQL. Whatever else an expression has is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headway.errors import UsageError

Values = Mapping[str, float | None]

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|\"([^\"]+)\"|(::|[-+*/(),]))")
_NUMBERS = frozenset("decimal double float float4 float8 int integer bigint numeric real precision".split())  # noqa: SIM905
_REFUSED = frozenset("and case not null or over select when".split())  # noqa: SIM905
_LONGEST = 4_000
_DEEPEST = 60


def _abs(x: float) -> float:
    return abs(x)


_CALLS: Mapping[str, tuple[int, Callable[..., float]]] = {
    "abs": (1, _abs),
    "ln": (1, math.log),
    "exp": (1, math.exp),
    "sqrt": (1, math.sqrt),
    "power": (2, math.pow),
    "pow": (2, math.pow),
    "greatest": (0, max),
    "least": (0, min),
}


@dataclass(frozen=True, slots=True)
class Term:
    """A node of an expression: `op` is number, name, one of `+ - * /`, or a function."""

    op: str
    parts: tuple[Term, ...] = ()
    number: float = 0.0
    name: str = ""

    def value(self, values: Values) -> float | None:  # noqa: PLR0911 - one for each kind of node
        """The value for some inputs; None where it is NULL, or no finite number."""
        if self.op == "number":
            return self.number
        if self.op == "name":
            return values[self.name]
        found = [part.value(values) for part in self.parts]
        if self.op == "coalesce":
            return next((x for x in found if x is not None), None)
        if self.op == "nullif":
            return None if found[0] == found[1] else found[0]
        known = [x for x in found if x is not None]
        if len(known) < len(found):
            return None
        try:
            made = _APPLIED[self.op](known) if self.op in _APPLIED else _CALLS[self.op][1](*known)
        except (ZeroDivisionError, ValueError, OverflowError):
            return None
        return made if math.isfinite(made) else None

    def names(self) -> tuple[str, ...]:
        """Its inputs, each once, in order."""
        return tuple(dict.fromkeys(self._names()))

    def _names(self) -> Iterator[str]:
        if self.op == "name":
            yield self.name
        for part in self.parts:
            yield from part._names()

    def put(self, terms: Mapping[str, Term]) -> Term:
        """The same with some of its inputs replaced by what they are made of."""
        if self.op == "name":
            return terms.get(self.name, self)
        return Term(self.op, tuple(part.put(terms) for part in self.parts), self.number) if self.parts else self

    def linear(self) -> tuple[dict[str, float], float] | None:  # noqa: PLR0911 - one for each kind of node
        """Factors of its inputs and a constant where it is a weighted sum of them; None where it is not."""
        if self.op == "number":
            return {}, self.number
        if self.op == "name":
            return {self.name: 1.0}, 0.0
        found = [part.linear() for part in self.parts]
        sides = [side for side in found if side is not None]
        if self.op not in _APPLIED or len(sides) < len(found):
            return None
        (a, c), (b, d) = sides
        if self.op in "+-":
            sign = 1.0 if self.op == "+" else -1.0
            return {n: a.get(n, 0.0) + sign * b.get(n, 0.0) for n in (*a, *b)}, c + sign * d
        if self.op == "*" and not (a and b):
            return {n: f * (d if a else c) for n, f in (*a.items(), *b.items())}, c * d
        if self.op == "/" and not b and d:
            return {n: f / d for n, f in a.items()}, c / d
        return None

    def product(self) -> tuple[dict[str, int], float] | None:
        """Exponents of its inputs and a constant where it is a product or quotient of them; None where it is not."""
        if self.op == "number":
            return {}, self.number
        if self.op == "name":
            return {self.name: 1}, 1.0
        if self.op == "nullif" and self.parts[1] == Term("number"):
            return self.parts[0].product()
        found = [part.product() for part in self.parts]
        sides = [side for side in found if side is not None]
        if self.op not in ("*", "/") or len(sides) < len(found):
            return None
        (a, c), (b, d) = sides
        sign = 1 if self.op == "*" else -1
        if not d:
            return None
        return {n: a.get(n, 0) + sign * b.get(n, 0) for n in (*a, *b)}, c * d**sign


_APPLIED: Mapping[str, Callable[[Sequence[float]], float]] = {
    "+": lambda x: x[0] + x[1],
    "-": lambda x: x[0] - x[1],
    "*": lambda x: x[0] * x[1],
    "/": lambda x: x[0] / x[1],
}


def ratio(numerator: Term, denominator: Term) -> Term:
    """One term divided by another."""
    return Term("/", (numerator, denominator))


def name(of: str) -> Term:
    """An input."""
    return Term("name", name=of)


def parse(text: str) -> Term:
    """An expression. Names are lower case. Raises UsageError for what is no arithmetic, in words."""
    if len(text) > _LONGEST:
        raise UsageError(f"it is longer than {_LONGEST:,} characters")
    return _Reader(list(_tokens(text))).whole()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise UsageError(f"{text[at : at + 12].strip()!r} is no arithmetic")
        at = found.end()
        number, word, quoted, sign = found.groups()
        if number is not None:
            yield "number", number
        elif word is not None and word.lower() in _REFUSED:
            raise UsageError(f"{word.upper()} is not followed")
        elif word is not None or quoted is not None:
            yield "name", (word or quoted).lower()
        else:
            yield "sign", sign


@dataclass(slots=True)
class _Reader:
    """Recursive descent, no deeper than _DEEPEST brackets."""

    tokens: list[tuple[str, str]]
    at: int = 0
    depth: int = field(default=0)

    def whole(self) -> Term:
        made = self._sum()
        if self.at < len(self.tokens):
            raise UsageError(f"{self.tokens[self.at][1]!r} is not expected")
        return made

    def _is(self, *signs: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in signs

    def _word(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] == "name" else ""

    def _take(self, sign: str) -> None:
        if not self._is(sign):
            raise UsageError(f"{sign!r} is missing")
        self.at += 1

    def _sum(self) -> Term:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UsageError("it is nested too deeply")
        made = self._product()
        while self._is("+", "-"):
            sign = self.tokens[self.at][1]
            self.at += 1
            made = Term(sign, (made, self._product()))
        self.depth -= 1
        return made

    def _product(self) -> Term:
        made = self._signed()
        while self._is("*", "/"):
            sign = self.tokens[self.at][1]
            self.at += 1
            made = Term(sign, (made, self._signed()))
        return made

    def _signed(self) -> Term:
        negative = False
        while self._is("-", "+"):
            negative ^= self.tokens[self.at][1] == "-"
            self.at += 1
        made = self._one()
        while self._is("::"):
            self.at += 1
            self._type()
        return Term("*", (Term("number", number=-1.0), made)) if negative else made

    def _one(self) -> Term:
        if self._is("("):
            self.at += 1
            made = self._sum()
            self._take(")")
            return made
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "sign":
            raise UsageError("a name or a number is missing")
        what, text = self.tokens[self.at]
        self.at += 1
        if what == "number":
            return Term("number", number=float(text))
        if not self._is("("):
            return name(text)
        self.at += 1
        return self._cast() if text == "cast" else self._call(text)

    def _cast(self) -> Term:
        made = self._sum()
        if self._word() != "as":
            raise UsageError("'as' is missing")
        self.at += 1
        self._type()
        self._take(")")
        return made

    def _type(self) -> None:
        if self._word() not in _NUMBERS - {"int", "integer", "bigint"}:
            raise UsageError("a cast to anything but a fraction is not followed")
        while self._word() in _NUMBERS:
            self.at += 1
        if self._is("("):
            raise UsageError("a cast that rounds is not followed")

    def _call(self, function: str) -> Term:
        given = [self._sum()]
        while self._is(","):
            self.at += 1
            given.append(self._sum())
        self._take(")")
        wanted = {"nullif": 2, "coalesce": 0, **{k: count for k, (count, _) in _CALLS.items()}}
        if function not in wanted:
            raise UsageError(f"the function {function} is not followed")
        if wanted[function] and len(given) != wanted[function]:
            raise UsageError(f"{function} takes {wanted[function]} values, not {len(given)}")
        return Term(function, tuple(given))
