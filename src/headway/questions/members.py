"""A change split over the members of a dimension: which of them moved it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from headway.answer import Answer, Column, Finding, figure, listed, plural
from headway.graph.graph import Graph
from headway.graph.metric_tree import Component, Pair, Sides
from headway.graph.model import Gap
from headway.questions.arithmetic import Term
from headway.questions.decompose import Split, Undefined, rate_and_mix, settled
from headway.questions.evidence import make

_ADDS_UP = 1e-9
"""How far the members' sum may be from the whole, as a share."""
_COLUMNS = (
    Column("member", "Member"),
    Column("before", "Before", "number"),
    Column("after", "After", "number"),
    Column("part", "Part in the change", "number"),
    Column("share", "Share", "percent"),
    Column("rate", "Within (rate)", "number"),
    Column("mix", "Between (mix)", "number"),
    Column("note", "Note"),
)


def members_answer(graph: Graph, by: str, root: Component, formula: Term, split: Split | None, sides: Sides) -> Answer:
    """The change of `root` split over the members of `by`, the largest part first. The parts sum to the change.

    A ratio is split into rate and mix, everything else by what each member adds to the inputs. Where the members of an
    input do not add up to it (people who are counted in several), the change is not split, and it is said why.
    """
    before, after = sides.values[root.key]
    change = (after or 0.0) - (before or 0.0)
    try:
        rows = _rows(root, formula, split, sides, change)
    except Undefined as error:
        headline = f"The change is not split by {by}: {error}."
        gap = Gap(topic="values", message=f"the change cannot be split by {by}: {error}")
        return make(graph, "drivers", "HW702", headline, _COLUMNS, gaps=(gap,))
    rows.sort(key=lambda row: (-abs(row.values[3]), row.values[0]))
    told = [f"{row.values[0]} {signed(row.values[3])}" for row in rows]
    headline = f"By {by}, {plural(len(rows), 'member')}: {listed(told)}."
    return make(graph, "drivers", "HW702", headline, _COLUMNS, rows)


def signed(part: float) -> str:
    """A part in a sentence: `+12`, `-0.4`."""
    return f"{'+' if part >= 0 else ''}{figure(part)}"


def _rows(root: Component, formula: Term, split: Split | None, sides: Sides, change: float) -> list[Finding]:
    keys = formula.names()
    table = {key: _members(key, sides) for key in keys}
    names = sorted({member for found in table.values() for member in found})
    if not names:
        raise Undefined("it has no members on either day")
    known = sides.members.get(root.key, {})
    values = [_pair(known, member) for member in names]
    rates: list[tuple[float | None, float | None]] = [(None, None)] * len(names)
    ratio = _is_ratio(formula)
    if ratio is not None:
        above, below, constant = ratio
        (n0, n1), (d0, d1) = (_columns(table[key], names) for key in (above, below))
        rate, mix = rate_and_mix((n0, n1), (d0, d1))
        sums = [constant * (x + y) for x, y in zip(rate, mix, strict=True)]
        rates = [(constant * x, constant * y) for x, y in zip(rate, mix, strict=True)]
    else:
        slopes = _slopes(keys, formula, split, sides)
        sums = [math.fsum(_moved(slopes[key], _pair(table[key], member)) for key in keys) for member in names]
    parts = settled(sums, split.change if split else change)
    return [
        Finding(
            values=(
                member or "(none)",
                *values[k],
                parts[k],
                parts[k] / change if change else None,
                *rates[k],
                _note(table, member),
            ),
            counts=False,
        )
        for k, member in enumerate(names)
    ]


def _moved(slope: float, pair: Pair) -> float:
    return slope * ((pair[1] or 0.0) - (pair[0] or 0.0))


def _is_ratio(formula: Term) -> tuple[str, str, float] | None:
    """Numerator, denominator and constant of a plain quotient of two inputs."""
    product = formula.product()
    if product is None or sorted(product[0].values()) != [-1, 1]:
        return None
    exponents, constant = product
    above = next(key for key, e in exponents.items() if e == 1)
    return above, next(key for key, e in exponents.items() if e == -1), constant


def _slopes(keys: Sequence[str], formula: Term, split: Split | None, sides: Sides) -> Mapping[str, float]:
    """What one more of each input adds to the change, on the way from one side to the other."""
    if (weighted := formula.linear()) is not None:
        return weighted[0]
    if split is None:
        return dict.fromkeys(keys, 0.0)
    found = {}
    for key, part in zip(keys, split.parts, strict=True):
        x, y = sides.values[key]
        moved = (y or 0.0) - (x or 0.0)
        found[key] = part / moved if moved else 0.0
    return found


def _members(key: str, sides: Sides) -> Mapping[str, Pair]:
    """The members of an input. Undefined where they are not known, or do not add up to the whole."""
    if key not in sides.members:
        raise Undefined(sides.unsplit.get(key) or f"the members of {key} are not known")
    found = sides.members[key]
    for side, when in ((0, "before"), (1, "after")):
        whole = sides.values[key][side] or 0.0
        total = math.fsum(pair[side] or 0.0 for pair in found.values())
        if abs(total - whole) > _ADDS_UP * max(abs(whole), abs(total)):
            raise Undefined(
                f"the members of {key} add up to {figure(total)} {when}, and not to {figure(whole)}; "
                f"something may count in several of them, or it is an average"
            )
    return found


def _columns(members: Mapping[str, Pair], names: Sequence[str]) -> tuple[list[float], list[float]]:
    pairs = [_pair(members, member) for member in names]
    return [x or 0.0 for x, _ in pairs], [y or 0.0 for _, y in pairs]


def _pair(members: Mapping[str, Pair], member: str) -> Pair:
    return members.get(member, (None, None))


def _note(table: Mapping[str, Mapping[str, Pair]], member: str) -> str | None:
    """Whether a member is only on one side; what it lacks there counts as nothing."""
    pairs = [_pair(found, member) for found in table.values()]
    if all(x is None for x, _ in pairs):
        return "new"
    return "gone" if all(y is None for _, y in pairs) else None
