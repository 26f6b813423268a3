"""Exact split of node amounts (cost, seconds, ...) over the goals that the nodes serve. No disk, no clock.

Amounts are whole micro-units, so that the parts sum exactly to the whole; what serves no goal is a part of its own.

The rule, for one node that serves n goals, is the method of largest remainders (Hamilton's apportionment): every goal
gets its quota rounded down, and the micro-units left over go one each to the largest remainders, ties to the lowest
goal. Without weights all quotas are equal, so the first `amount mod n` goals get one micro-unit more. A negative
amount (a credit) is split like its absolute value with the sign put back. No part is a whole micro-unit off its quota.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from headway.graph.reach import MaskRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Attribution", "exclusive", "shares", "split"]

BLOCK = 1 << 15
"""Rows of the bit matrix worked on at a time, so that intermediate columns stay in the processor's cache."""

LIMB = 38
"""Bits of an amount that are summed in one pass: BLOCK amounts of 38 bits stay below 2**53, exact in a double."""

INT64_SAFE = 1 << 62
"""Amounts whose absolute values sum to less than this can be worked on in 64 bits; others in Python integers."""


class Attribution(NamedTuple):
    """What each goal is given, in micro-units. `sum(parts) + none == total`, exactly."""

    parts: list[int]
    """One amount for every goal."""
    none: int
    """The amount of all nodes that serve no goal."""
    total: int


def split(
    masks: Sequence[int], amounts: Sequence[int], goals: int, weights: Sequence[int] | None = None
) -> Attribution:
    """Split the amount of every node over the goals in its mask; goal g is bit g, 0 <= g < goals.

    amounts[v] is in micro-units and may be negative. weights[g] >= 0 are relative; where all goals that a node serves
    weigh 0, they share equally. `masks` as `reach` returns them; a bit matrix is split with numpy, to the same result.

    Raises ValueError when lengths differ, a mask names a goal outside 0..goals-1 or a weight is negative; TypeError
    when an amount is not a whole number.
    """
    if len(masks) != len(amounts):
        message = f"{len(masks)} masks but {len(amounts)} amounts"
        raise ValueError(message)
    _check_weights(goals, weights)
    if isinstance(masks, MaskRows):
        result = _split_rows(masks, amounts, goals, weights)
        if result is not None:
            return result
    low, high = min(masks, default=0), max(masks, default=0)
    if low < 0 or high.bit_length() > goals:
        _refuse_mask(low if low < 0 else high, goals)
    plain = amounts.tolist() if hasattr(amounts, "tolist") else amounts
    total = sum(plain)
    if not isinstance(total, int):
        message = "amounts are whole micro-units"
        raise TypeError(message)
    parts = [0] * goals
    none = _split_equally(masks, plain, parts) if weights is None else _split_weighted(masks, plain, parts, weights)
    return Attribution(parts, none, total)


def shares(mask: int, amount: int, weights: Sequence[int] | None = None) -> dict[int, int]:
    """The part of one node's amount that each goal in its mask gets, by goal, ascending; empty for mask 0.

    The values sum to `amount`. Raises ValueError when weights are negative or end before the mask.
    """
    if mask < 0:
        message = f"a mask is not negative, this one is {mask}"
        raise ValueError(message)
    _check_weights(mask.bit_length() if weights is None else max(len(weights), mask.bit_length()), weights)
    goals = _bits(mask)
    if not goals:
        return {}
    return dict(zip(goals, _portions(amount, _quotas(goals, weights)), strict=True))


def exclusive(masks: Sequence[int], goal_bit: int) -> list[int]:
    """The nodes that serve exactly one goal, the one with bit number `goal_bit`, ascending."""
    if not isinstance(masks, MaskRows):
        wanted = 1 << goal_bit
        return [v for v, mask in enumerate(masks) if mask == wanted]
    word, bit = divmod(goal_bit, 64)
    if word >= masks.rows.shape[1]:
        return []
    candidates = (masks.rows[:, word] == 1 << bit).nonzero()[0]
    alone = (masks.rows[candidates] != 0).sum(axis=1) == 1
    return sorted(masks.nodes[candidates[alone]].tolist())


def _check_weights(goals: int, weights: Sequence[int] | None) -> None:
    if weights is None:
        return
    if len(weights) != goals:
        message = f"{len(weights)} weights for {goals} goals"
        raise ValueError(message)
    if any(weight < 0 for weight in weights):
        message = f"weights are not negative, the lowest is {min(weights)}"
        raise ValueError(message)


def _refuse_mask(mask: int, goals: int) -> NoReturn:
    message = f"mask {mask:#x} names a goal outside 0..{goals - 1}"
    raise ValueError(message)


def _bits(mask: int) -> list[int]:
    """The numbers of the set bits, ascending."""
    return [bit for bit, digit in enumerate(bin(mask)[:1:-1]) if digit == "1"]


def _quotas(goals: Sequence[int], weights: Sequence[int] | None) -> list[int]:
    """The weights that count among these goals."""
    chosen = [1] * len(goals) if weights is None else [int(weights[g]) for g in goals]
    return chosen if any(chosen) else [1] * len(goals)


def _portions(amount: int, quotas: Sequence[int]) -> list[int]:
    """One amount by largest remainders."""
    size, whole = abs(amount), sum(quotas)
    divided = [divmod(size * quota, whole) for quota in quotas]
    portions = [floor for floor, _ in divided]
    over = size - sum(portions)
    for i in sorted(range(len(quotas)), key=lambda i: -divided[i][1])[:over]:
        portions[i] += 1
    return portions if amount >= 0 else [-portion for portion in portions]


def _split_equally(masks: Iterable[int], amounts: Iterable[int], parts: list[int]) -> int:
    """Add to `parts`; return what serves none.

    Every goal of a node gets the quotient, and the lowest goals one more each: two masks with an amount for all of
    their goals. Equal masks are added up first.
    """
    none = 0
    each: defaultdict[int, int] = defaultdict(int)
    for mask, amount in zip(masks, amounts, strict=True):
        if not mask:
            none += amount
        elif amount:
            quotient, rest = divmod(abs(amount), mask.bit_count())
            sign = 1 if amount > 0 else -1
            each[mask] += sign * quotient
            if rest:
                each[_lowest(mask, rest)] += sign
    _add_by_bit(each, parts)
    return none


def _lowest(mask: int, count: int) -> int:
    """The lowest `count` set bits of a mask that has more; a binary search for where they end."""
    below, above = 0, mask.bit_length()
    while True:
        middle = (below + above) // 2
        kept = mask & ((1 << middle) - 1)
        found = kept.bit_count()
        if found == count:
            return kept
        if found < count:
            below = middle
        else:
            above = middle


def _add_by_bit(each: Mapping[int, int], parts: list[int]) -> None:
    """Add each[mask] to the part of every bit of the mask; by words, then by bytes, since pieces of masks recur."""
    count = (len(parts) + 63) // 64
    layout = Struct(f"<{count}Q")
    columns: list[defaultdict[int, int]] = [defaultdict(int) for _ in range(count)]
    for mask, amount in each.items():
        for column, word in zip(columns, layout.unpack(mask.to_bytes(8 * count, "little")), strict=True):
            if word:
                column[word] += amount
    for first, column in zip(range(0, 64 * count, 64), columns, strict=True):
        pieces: list[defaultdict[int, int]] = [defaultdict(int) for _ in range(8)]
        for word, amount in column.items():
            for piece, byte in zip(pieces, word.to_bytes(8, "little"), strict=True):
                piece[byte] += amount
        for start, piece in zip(range(first, first + 64, 8), pieces, strict=True):
            for byte, amount in piece.items():
                for bit in _bits(byte):
                    parts[start + bit] += amount


def _split_weighted(masks: Iterable[int], amounts: Iterable[int], parts: list[int], weights: Sequence[int]) -> int:
    """As `_split_equally`, by weight. Every node is split by itself, since remainders depend on its amount."""
    none = 0
    known: dict[int, tuple[list[int], list[int]]] = {}
    for mask, amount in zip(masks, amounts, strict=True):
        if not mask:
            none += amount
        elif amount:
            if mask not in known:
                goals = _bits(mask)
                known[mask] = goals, _quotas(goals, weights)
            goals, quotas = known[mask]
            for goal, portion in zip(goals, _portions(amount, quotas), strict=True):
                parts[goal] += portion
    return none


def _split_rows(
    masks: MaskRows, amounts: Sequence[int], goals: int, weights: Sequence[int] | None
) -> Attribution | None:
    """Split over a bit matrix; None when the numbers do not fit into 64 bits."""
    import numpy as np

    given = np.asarray(amounts)
    if given.dtype.kind != "i":  # also what numpy makes of integers beyond 64 bits
        return None
    given = given.astype(np.int64, copy=False)
    largest = max(int(given.max(initial=0)), -int(given.min(initial=0)), 1)
    if largest * len(given) >= INT64_SAFE and sum(map(abs, given.tolist())) >= INT64_SAFE:
        return None
    if weights is not None and largest * max(1, sum(map(int, weights))) >= INT64_SAFE:
        return None
    used = np.bitwise_or.reduce(masks.rows, axis=0)
    highest = int.from_bytes(used.tobytes(), "little")
    if highest.bit_length() > goals:
        _refuse_mask(highest, goals)
    sizes = given[masks.nodes]
    none = int(sizes[~masks.rows.any(axis=1)].sum())
    if weights is None:
        found = _equal_parts(np, _blocks(np, masks, sizes), masks.rows.shape[1] * 8)
    else:
        found = _weighted_parts(np, _blocks(np, masks, sizes), weights, masks.rows.shape[1] * 64)
    parts = found.tolist() + [0] * goals
    return Attribution(parts[:goals], none, int(given.sum()))


def _blocks(np: Any, masks: MaskRows, sizes: NDArray[np.int64]) -> Iterator[tuple[int, Any, Any]]:
    """The rows that there is something to split on, a block at a time: sign, bytes of the masks, absolute amounts."""
    for start in range(0, len(sizes), BLOCK):
        rows, block = masks.rows[start : start + BLOCK], sizes[start : start + BLOCK]
        serving = rows.any(axis=1)
        for sign in (1, -1):
            chosen = np.flatnonzero(serving & (block * sign > 0))
            if len(chosen):
                yield sign, rows[chosen].view(np.uint8), block[chosen] * sign


def _equal_parts(np: Any, blocks: Iterable[tuple[int, Any, Any]], width: int) -> Any:
    """Parts of all goals when the goals of a node share equally.

    One byte of all masks at a time: numpy sums the quotients of all nodes that have the same byte there (256 sums),
    and only those are handed to the 8 goals of the byte. The remainder is spent on the lowest bits on the way: nodes
    are also counted by byte and by how many of its set bits, 0 to 8, still get one micro-unit.
    """
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.int64)
    rank = np.cumsum(bits, axis=1)
    lowest = np.concatenate([bits * (rank <= left) for left in range(9)])  # row: left * 256 + byte
    quotients = np.zeros((width, 256), dtype=np.int64)
    extra = np.zeros((width, 9 * 256), dtype=np.int64)
    for sign, masks, amounts in blocks:
        quotient, rest = np.divmod(amounts, np.bitwise_count(masks).sum(axis=1, dtype=np.int64))
        limbs = [(0, (quotient & ((1 << LIMB) - 1)).astype(np.float64))]
        if (high := quotient >> LIMB).any():
            limbs.append((LIMB, high.astype(np.float64)))
        columns = np.ascontiguousarray(masks.T)
        for column in range(width):
            key = columns[column].astype(np.int64)
            for shift, limb in limbs:
                sums = np.bincount(key, weights=limb, minlength=256).astype(np.int64)
                quotients[column] += (sums << shift) * sign
            key += np.minimum(rest, 8) << 8
            extra[column] += np.bincount(key, minlength=9 * 256) * sign
            rest -= np.bitwise_count(columns[column])
            np.maximum(rest, 0, out=rest)
    return (quotients @ bits + extra @ lowest).reshape(-1)


def _weighted_parts(np: Any, blocks: Iterable[tuple[int, Any, Any]], weights: Sequence[int], width: int) -> Any:
    """Parts of all goals by weight, one entry per set bit at a time."""
    weight = np.zeros(width, dtype=np.int64)
    weight[: min(width, len(weights))] = weights[:width]
    parts = np.zeros(width, dtype=np.int64)
    for sign, masks, amounts in blocks:
        node, goal = np.nonzero(np.unpackbits(masks, axis=1, bitorder="little"))
        starts = np.searchsorted(node, np.arange(len(amounts)))
        quota = weight[goal]
        weightless = np.add.reduceat(quota, starts) == 0
        quota[weightless[node]] = 1
        floor, rest = np.divmod(amounts[node] * quota, np.add.reduceat(quota, starts)[node])
        over = amounts - np.add.reduceat(floor, starts)
        by_rest = np.lexsort((-rest, node))  # stable, so ties stay in the order of the goals; nodes keep their places
        rank = np.arange(len(node)) - starts[node]
        floor[by_rest[rank < over[node]]] += 1
        np.add.at(parts, goal, floor * sign)
    return parts
