"""How a change is split into parts that sum to it: the formulas, with their sources.

Inputs and parts are plain floats in the metric's own unit, in the order of the inputs. `before` and `after` are their
values on both sides. The parts of each formula sum to the change of the whole; what rounding leaves over is put on the
largest part (see `settled`), so that nothing is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from headway.questions.arithmetic import Term, Values

Method = Literal["additive", "multiplicative", "shapley"]

MOST_INPUTS = 10
"""Inputs that a change is split over with Shapley values: it takes 2**n evaluations."""


@dataclass(frozen=True, slots=True)
class Split:
    """A change, split over inputs."""

    method: Method
    before: float
    after: float
    parts: tuple[float, ...]
    """One for each input, in order; they sum to `change`."""

    @property
    def change(self) -> float:
        """After less before."""
        return self.after - self.before


class Undefined(ValueError):
    """The whole has no value on a side, or on the way from one to the other."""


def split(formula: Term, before: Values, after: Values) -> Split:
    """Split the change of `formula` over its inputs by the method that fits it.

    A weighted sum is split additively, a product or quotient of positive inputs multiplicatively, and everything else
    by Shapley values. None is an input without a value. Raises Undefined, in words, where the whole has no value for
    some of the inputs' values, or where too many inputs changed.
    """
    names = formula.names()
    start, end = formula.value(before), formula.value(after)
    if start is None or end is None:
        raise Undefined(f"it has no value {'before' if start is None else 'after'}")
    method, parts = _parts(formula, names, [before[n] for n in names], [after[n] for n in names])
    return Split(method, start, end, settled(parts, end - start))


def _parts(
    formula: Term, names: Sequence[str], before: Sequence[float | None], after: Sequence[float | None]
) -> tuple[Method, list[float]]:
    x, y = [v for v in before if v is not None], [v for v in after if v is not None]
    if len(x) == len(y) == len(names):
        if (weighted := formula.linear()) is not None:
            return "additive", additive([weighted[0].get(n, 0.0) for n in names], x, y)
        product = formula.product()
        if product is not None and product[1] and all(v > 0 for v in (*x, *y)):
            return "multiplicative", multiplicative([product[0].get(n, 0) for n in names], x, y, product[1])
    return "shapley", shapley(lambda values: formula.value(dict(zip(names, values, strict=True))), before, after)


def additive(factors: Sequence[float], before: Sequence[float], after: Sequence[float]) -> list[float]:
    """V = sum(a_i x_i): the part of input i is a_i (x_i1 - x_i0). What is subtracted keeps its sign."""
    return [a * (y - x) for a, x, y in zip(factors, before, after, strict=True)]


def multiplicative(
    exponents: Sequence[int], before: Sequence[float], after: Sequence[float], constant: float = 1.0
) -> list[float]:
    """V = c prod(x_i ** e_i), every x > 0: logarithmic mean Divisia index, LMDI-I.

    The part of input i is e_i L(V1, V0) ln(x_i1 / x_i0) with the logarithmic mean L(a, b) = (a - b) / (ln a - ln b),
    L(a, a) = a. Source: B. W. Ang, The LMDI approach to decomposition analysis: a practical guide, Energy Policy 33
    (2005), 867-871. Raises Undefined where an input is not positive, or the whole is too large for a float.
    """
    if any(v <= 0 for v in (*before, *after)):
        raise Undefined("an input is not positive")
    moves = [e * (math.log(y) - math.log(x)) for e, x, y in zip(exponents, before, after, strict=True)]
    start, end = _product(exponents, before, constant), _product(exponents, after, constant)
    total = math.fsum(moves)
    # ln V1 - ln V0 is the sum of the moves; where that is tiny, the mean of both is L to second order
    mean = (end - start) / total if abs(total) > 1e-8 else (start + end) / 2
    return [mean * move for move in moves]


def _product(exponents: Sequence[int], values: Sequence[float], constant: float) -> float:
    try:
        made = constant * math.prod(x**e for x, e in zip(values, exponents, strict=True))
    except (OverflowError, ZeroDivisionError):
        raise Undefined("it is too large") from None
    if not math.isfinite(made):
        raise Undefined("it is too large")
    return made


def shapley(
    of: Callable[[Sequence[float | None]], float | None],
    before: Sequence[float | None],
    after: Sequence[float | None],
) -> list[float]:
    """Any V = f(x_1..x_n): the mean of what each input changes, over all orders in which they can change.

    Zeros and negatives are fine as long as f has a value for every mixture of both sides. Takes 2**n evaluations.
    Source: L. S. Shapley, A value for n-person games (1953); for accounting for change, A. F. Shorrocks, Decomposition
    procedures for distributional analysis, Journal of Economic Inequality 11 (2013), 99-126. Raises Undefined where f
    has no value for a mixture, or with more than MOST_INPUTS inputs that changed.
    """
    moved = [i for i, (x, y) in enumerate(zip(before, after, strict=True)) if x != y]
    count = len(moved)
    if count > MOST_INPUTS:
        raise Undefined(f"{count} of its inputs changed, more than {MOST_INPUTS}")
    values: list[float] = []
    for mask in range(1 << count):
        mixed = list(before)
        for bit, i in enumerate(moved):
            if mask >> bit & 1:
                mixed[i] = after[i]
        found = of(mixed)
        if found is None:
            raise Undefined("it has no value on the way from one side to the other: it divides by zero")
        values.append(found)
    weights = [math.factorial(s) * math.factorial(count - s - 1) / math.factorial(count) for s in range(count)]
    parts = [0.0] * len(before)
    for bit, i in enumerate(moved):
        parts[i] = math.fsum(
            weights[mask.bit_count()] * (values[mask | 1 << bit] - values[mask])
            for mask in range(1 << count)
            if not mask >> bit & 1
        )
    return parts


def rate_and_mix(
    above: tuple[Sequence[float], Sequence[float]], below: tuple[Sequence[float], Sequence[float]]
) -> tuple[list[float], list[float]]:
    """V = sum(n_j) / sum(d_j) over members j: what changed within members (rate), and between them (mix).

    `above` is the numerators before and after, `below` the denominators. With the share s_j = d_j / sum(d), the rate
    r_j = n_j / d_j and V the whole: rate_j = mean(s_j) (r_j1 - r_j0), mix_j = (s_j1 - s_j0) (mean(r_j) - mean(V)). A
    member with nothing below on a side has no rate there and takes that of the other, so that all it does is mix.
    Source: E. M. Kitagawa, Components of a difference between two rates, Journal of the American Statistical
    Association 50 (1955), 1168-1194. Raises Undefined where a side has nothing below, or a member something above
    nothing.
    """
    (n0, n1), (d0, d1) = above, below
    whole0, whole1 = math.fsum(d0), math.fsum(d1)
    if not whole0 or not whole1:
        raise Undefined(f"there is nothing to divide by {'before' if not whole0 else 'after'}")
    if any(n and not d for n, d in (*zip(n0, d0, strict=True), *zip(n1, d1, strict=True))):
        raise Undefined("a member has something above and nothing below the line")
    r0: list[float] = []
    r1: list[float] = []
    for a, b, c, d in zip(n0, d0, n1, d1, strict=True):
        x, y = (a / b if b else None), (c / d if d else None)
        r0.append(x if x is not None else y if y is not None else 0.0)
        r1.append(y if y is not None else x if x is not None else 0.0)
    s0, s1 = [d / whole0 for d in d0], [d / whole1 for d in d1]
    mean = (math.fsum(n0) / whole0 + math.fsum(n1) / whole1) / 2
    rate = [(p + q) / 2 * (y - x) for p, q, x, y in zip(s0, s1, r0, r1, strict=True)]
    mix = [(q - p) * ((x + y) / 2 - mean) for p, q, x, y in zip(s0, s1, r0, r1, strict=True)]
    return rate, mix


def settled(parts: Sequence[float], change: float) -> tuple[float, ...]:
    """Parts that sum to the change: what rounding left over is put on the largest of them, ties to the first."""
    made = list(parts)
    if made:
        largest = max(range(len(made)), key=lambda i: abs(made[i]))
        made[largest] += change - math.fsum(made)
    return tuple(made)
