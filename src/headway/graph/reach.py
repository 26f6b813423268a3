"""Which goals each node serves: reach sets over dense integers. No disk, no clock, no recursion.

Nodes are 0..count-1. Edges are two integer sequences of equal length: edge k flows from upstream[k] to downstream[k].
A goal is one bit of a mask. One sweep from the most downstream nodes upwards unites masks along the edges, so the time
depends on the edges and hardly on the number of goals.

Two engines give the same masks. Python integers need no dependency and have no worst case in depth. Above `LARGE`
nodes, numpy sweeps a bit matrix level by level, with the nodes renumbered so that a level is one block of rows; it does
not pay for deep graphs, because every level costs a fixed time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from headway.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Adjacency", "MaskRows", "Reach", "closure", "next_hop", "order", "path", "reach"]

LARGE = 300_000
"""Nodes from which the bit matrix wins seconds over Python integers (it wins only milliseconds below)."""

MATRIX_BYTES = 1 << 30
"""Largest bit matrix that is built; beyond it (very many goals) sparse Python integers take less memory."""

Engine = Literal["auto", "ints", "numpy"]


class Reach(NamedTuple):
    """The goals that each node serves, and the cycles that were met on the way."""

    masks: Sequence[int]
    """masks[v]: one bit for every goal that v is attached to or upstream of. A list, or `MaskRows` when large."""
    cycles: tuple[tuple[int, ...], ...]
    """Every group of nodes that reach one another, and every node with an edge to itself; members ascending."""


class MaskRows(Sequence[int]):
    """Masks kept as a bit matrix; reads like a list of Python integers.

    `rows` has one row per node and 64 goals per column (uint64, little endian), in the order of the sweep;
    `nodes[r]` is the node of row r and `row_of[v]` the row of node v. None of them may be written to.
    """

    __slots__ = ("nodes", "row_of", "rows")

    def __init__(self, rows: NDArray[np.uint64], nodes: Ints, row_of: Ints) -> None:
        self.rows = rows
        self.nodes = nodes
        self.row_of = row_of

    def __len__(self) -> int:
        return len(self.row_of)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return list(_integers(self.rows[self.row_of[index]]))
        return int.from_bytes(self.rows[self.row_of[index]].tobytes(), "little")

    def __iter__(self) -> Iterator[int]:
        for start in range(0, len(self), 16_384):
            yield from self[start : start + 16_384]


class Adjacency(Sequence[Sequence[int]]):
    """Neighbours of every node in two flat arrays: adjacency[v] lists `target[k]` of every edge with source[k] == v.

    Takes a fifth of the memory of a list of lists. Neighbours are in the order of the edges, duplicates included.
    Raises ValueError when an edge names a node outside 0..count-1.
    """

    __slots__ = ("_starts", "_targets")

    def __init__(self, count: int, source: Sequence[int], target: Sequence[int]) -> None:
        from array import array

        sources, targets = _edges(count, source, target)
        sizes = [0] * count
        for v in sources:
            sizes[v] += 1
        self._starts = array("q", accumulate(sizes, initial=0))
        free = list(self._starts)
        self._targets = array("q", bytes(8 * len(targets)))
        for v, w in zip(sources, targets, strict=True):
            self._targets[free[v]] = w
            free[v] += 1

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Sequence[int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sequence[int]]: ...
    def __getitem__(self, index: int | slice) -> Sequence[int] | list[Sequence[int]]:
        if isinstance(index, slice):
            return [self[v] for v in range(*index.indices(len(self)))]
        v = index + len(self) if index < 0 else index
        if not 0 <= v < len(self):
            message = f"no node {index} among {len(self)}"
            raise IndexError(message)
        return self._targets[self._starts[v] : self._starts[v + 1]]


def reach(
    count: int,
    upstream: Sequence[int],
    downstream: Sequence[int],
    seeds: Mapping[int, int],
    *,
    engine: Engine = "auto",
) -> Reach:
    """Unite, for every node, the masks of `seeds` on all nodes downstream of it, its own included.

    seeds[v] is the mask of the goals attached at node v. Cycles are condensed first: their members share one mask.
    `engine` is for tests and benchmarks; "auto" picks by size, depth and what is installed.

    Raises ValueError when the edges differ in length, name a node outside 0..count-1, or a seed is negative or
    outside; MissingExtra when engine "numpy" is asked for and numpy is not installed.
    """
    for v, mask in seeds.items():
        if not 0 <= v < count or mask < 0:
            message = f"seed {mask} at node {v}: nodes are 0..{count - 1} and masks are not negative"
            raise ValueError(message)
    words = max(1, (max((mask.bit_length() for mask in seeds.values()), default=0) + 63) // 64)
    if engine == "numpy" or (engine == "auto" and count >= LARGE and words * 8 * count <= MATRIX_BYTES):
        result = _reach_rows(count, upstream, downstream, seeds, words, forced=engine == "numpy")
        if result is not None:
            return result
    return _reach_ints(count, upstream, downstream, seeds)


def order(count: int, upstream: Sequence[int], downstream: Sequence[int]) -> list[int]:
    """All nodes, upstream before downstream, by level and then by number; members of a cycle stand together.

    The same graph gives the same order however its edges are sorted. Raises ValueError as `reach` does.
    """
    if count >= LARGE and (quick := _order_rows(count, upstream, downstream)) is not None:
        return quick
    sources, targets = _edges(count, upstream, downstream)
    below: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for u, d in zip(sources, targets, strict=True):
        below[u].append(d)
        waiting[d] += 1
    result: list[int] = []
    level = [v for v in range(count) if not waiting[v]]
    while level:
        result += level
        after = []
        for v in level:
            for d in below[v]:
                waiting[d] -= 1
                if not waiting[d]:
                    after.append(d)
        after.sort()
        level = after
    if len(result) < count:
        left = [v for v in range(count) if waiting[v]]
        for v in left:
            below[v].sort()
        for component in reversed(_components(below, left, waiting)):
            result += component
    return result


def closure(count: int, adjacency: Sequence[Sequence[int]], starts: Iterable[int]) -> set[int]:
    """The nodes that can be reached from `starts` along `adjacency`, the starts included.

    Given lists of downstream nodes these are the descendants; given lists of upstream nodes, the ancestors. Meant for
    few nodes; `reach` answers for all at once. Raises ValueError when a start is outside 0..count-1.
    """
    stack = list(dict.fromkeys(starts))
    _inside(count, stack)
    seen = set(stack)
    while stack:
        for w in adjacency[stack.pop()]:
            if w not in seen:
                seen.add(w)
                stack.append(w)
    return seen


def next_hop(count: int, upstream_lists: Sequence[Sequence[int]], goal_seeds: Iterable[int]) -> list[int]:
    """The next node on a shortest way downstream to one goal, for every node; -1 where there is no way.

    upstream_lists[v] are the nodes directly upstream of v; `goal_seeds` the nodes the goal is attached to, which are
    their own next hop. Of several shortest ways the one over the lowest next node is taken. `path` follows the hops.
    Raises ValueError when a seed is outside 0..count-1.
    """
    level = sorted(set(goal_seeds))
    _inside(count, level)
    hop = [-1] * count
    for v in level:
        hop[v] = v
    while level:
        further = []
        for v in level:  # ascending, so the first to reach a node is its lowest next hop
            for u in upstream_lists[v]:
                if hop[u] < 0:
                    hop[u] = v
                    further.append(u)
        further.sort()
        level = further
    return hop


def path(hops: Sequence[int], start: int) -> list[int]:
    """The nodes from `start` to the goal's own node, by the result of `next_hop`; empty where there is no way."""
    v = start
    if hops[v] < 0:
        return []
    nodes = [v]
    while hops[v] != v:
        v = hops[v]
        nodes.append(v)
    return nodes


def _inside(count: int, nodes: Sequence[int]) -> None:
    if len(nodes) and (min(nodes) < 0 or max(nodes) >= count):
        message = f"nodes are 0..{count - 1}, not {min(nodes)}..{max(nodes)}"
        raise ValueError(message)


def _edges(count: int, source: Sequence[int], target: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Both ends as sequences of plain integers, checked."""
    if len(source) != len(target):
        message = f"{len(source)} upstream ends but {len(target)} downstream ends"
        raise ValueError(message)
    # numpy and array.array would give one boxed number at a time, numpy's not even a Python int
    sources, targets = (end.tolist() if hasattr(end, "tolist") else end for end in (source, target))
    _inside(count, sources)
    _inside(count, targets)
    return sources, targets


def _components(
    adjacency: Sequence[Sequence[int]], nodes: Iterable[int], inside: Sequence[int] | None = None
) -> list[list[int]]:
    """Strongly connected components of `nodes`, each after all others that it can reach along `adjacency`.

    Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972), with an explicit stack.
    `inside[v]` is zero for nodes to be left out.
    """
    number: dict[int, int] = {}  # order of discovery; infinite once the component is complete
    low: dict[int, int] = {}
    done = len(adjacency) + 1
    open_nodes: list[int] = []
    found: list[list[int]] = []
    for root in nodes:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        open_nodes.append(root)
        walk = [(root, iter(adjacency[root]))]
        while walk:
            v, neighbours = walk[-1]
            for w in neighbours:
                if inside is not None and not inside[w]:
                    continue
                if w not in number:
                    number[w] = low[w] = len(number)
                    open_nodes.append(w)
                    walk.append((w, iter(adjacency[w])))
                    break
                low[v] = min(low[v], number[w])
            else:
                walk.pop()
                if walk:
                    above = walk[-1][0]
                    low[above] = min(low[above], low[v])
                if low[v] == number[v]:
                    component = []
                    w = -1
                    while w != v:
                        w = open_nodes.pop()
                        component.append(w)
                        number[w] = low[w] = done
                    found.append(sorted(component))
    return found


def _reach_ints(count: int, upstream: Sequence[int], downstream: Sequence[int], seeds: Mapping[int, int]) -> Reach:
    """The sweep with one Python integer per node."""
    sources, targets = _edges(count, upstream, downstream)
    above: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for u, d in zip(sources, targets, strict=True):
        above[d].append(u)
        waiting[u] += 1
    masks = [0] * count
    for v, mask in seeds.items():
        masks[v] = mask
    ready = [v for v in range(count) if not waiting[v]]
    while ready:
        v = ready.pop()
        mask = masks[v]
        for u in above[v]:
            if mask:
                old = masks[u]
                masks[u] = old | mask if old else mask  # equal masks stay one object where they can
            waiting[u] -= 1
            if not waiting[u]:
                ready.append(u)
    left = [v for v in range(count) if waiting[v]]
    if not left:
        return Reach(masks, ())
    components = _components(above, left, waiting)
    for component in reversed(components):  # most downstream first
        mask = 0
        for v in component:
            mask |= masks[v]
        for v in component:
            masks[v] = mask
            for u in above[v]:
                masks[u] |= mask
    return Reach(masks, _cycles(components, above))


def _cycles(components: Iterable[Sequence[int]], adjacency: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(sorted(tuple(c) for c in components if len(c) > 1 or c[0] in adjacency[c[0]]))


def _reach_rows(
    count: int,
    upstream: Sequence[int],
    downstream: Sequence[int],
    seeds: Mapping[int, int],
    words: int,
    *,
    forced: bool,
) -> Reach | None:
    """The sweep over a bit matrix; None when numpy is missing or the graph is too deep for it (unless forced)."""
    try:
        import numpy as np
    except ImportError as missing:
        if forced:
            raise MissingExtra("large", "the sweep over a bit matrix") from missing
        return None
    up, down = _arrays(np, count, upstream, downstream)
    found = _levels(np, count, up, down, forced=forced)
    if found is None:
        return None
    levels, waiting = found
    components: list[list[int]] = []
    cycles: tuple[tuple[int, ...], ...] = ()
    if waiting.any():
        core = _core(np, count, up, down, waiting, forced=forced)
        if core is None:
            return None
        components, cycles = core
        # Every cycle becomes its lowest member; the others keep a row of their own, filled in at the end.
        one = np.arange(count, dtype=np.int64)
        for component in components:
            one[component] = component[0]
        up, down = one[up], one[down]
        between = up != down
        up, down = up[between], down[between]
        merged: dict[int, int] = {}
        for v, mask in seeds.items():
            merged[int(one[v])] = merged.get(int(one[v]), 0) | mask
        seeds = merged
        found = _levels(np, count, up, down, forced=forced)
        if found is None:
            return None
        levels, _ = found
    masks = _sweep(np, count, up, down, seeds, words, levels)
    for component in components:
        masks.rows[masks.row_of[component[1:]]] = masks.rows[masks.row_of[component[0]]]
    return Reach(masks, cycles)


def _arrays(np: Any, count: int, upstream: Sequence[int], downstream: Sequence[int]) -> tuple[Ints, Ints]:
    if len(upstream) != len(downstream):
        message = f"{len(upstream)} upstream ends but {len(downstream)} downstream ends"
        raise ValueError(message)
    up, down = (np.asarray(end, dtype=np.int64) for end in (upstream, downstream))
    for end in (up, down):
        if len(end) and (end.min() < 0 or end.max() >= count):
            message = f"nodes are 0..{count - 1}, not {end.min()}..{end.max()}"
            raise ValueError(message)
    return up, down


def _spans(np: Any, starts: Ints, sizes: Ints) -> Ints:
    """The numbers starts[i] .. starts[i] + sizes[i] - 1 of every i, one after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Ints = np.repeat(starts - ends + sizes, sizes) + np.arange(total)
    return numbers


def _pairs(np: Any, count: int, key: Ints, value: Ints) -> tuple[Ints, Ints]:
    """Edges sorted by key: where each key's edges start (count + 1 numbers), and their values, ascending."""
    packed = key << 32
    packed |= value
    packed.sort()
    packed &= 0xFFFFFFFF
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(key, minlength=count), out=starts[1:])
    return starts, packed


def _levels(np: Any, count: int, up: Ints, down: Ints, *, forced: bool) -> tuple[list[Ints], Any] | None:
    """Nodes by their longest way to an end, most downstream first; and the edges each unsettled node still waits for.

    None when the graph is deep: more than one level for ten nodes, after the first 2,000 levels.
    """
    starts, sources = _pairs(np, count, down, up)
    waiting = np.bincount(up, minlength=count)
    level = np.flatnonzero(waiting == 0)
    levels: list[Ints] = []
    settled = 0
    while len(level):
        levels.append(level)
        settled += len(level)
        if len(levels) * 10 > settled + 20_000 and not forced:
            return None
        first = starts[level]
        above = sources[_spans(np, first, starts[level + 1] - first)]
        above.sort()
        new = np.flatnonzero(above[1:] != above[:-1]) + 1
        at = np.concatenate(([0], new)) if len(above) else new[:0]
        nodes = above[at]
        left = waiting[nodes] - np.diff(at, append=len(above))
        waiting[nodes] = left
        level = nodes[left == 0]
    return levels, waiting


def _order_rows(count: int, upstream: Sequence[int], downstream: Sequence[int]) -> list[int] | None:
    """`order` by numpy; None when it is missing, or the graph is deep or has cycles."""
    try:
        import numpy as np
    except ImportError:
        return None
    up, down = _arrays(np, count, upstream, downstream)
    found = _levels(np, count, down, up, forced=False)
    if found is None or found[1].any():
        return None
    nodes: list[int] = np.concatenate(found[0]).tolist()
    return nodes


def _core(
    np: Any, count: int, up: Ints, down: Ints, waiting: Any, *, forced: bool
) -> tuple[list[list[int]], tuple[tuple[int, ...], ...]] | None:
    """Components of more than one node, and all cycles. Only nodes on or between cycles are walked in Python."""
    inner = (waiting[up] > 0) & (waiting[down] > 0)
    up, down = up[inner], down[inner]
    found = _levels(np, count, down, up, forced=forced)  # peel off what is only upstream of cycles
    if found is None:
        return None
    left = found[1] > 0
    inner = left[up]  # what is downstream of a node that is left is left too
    nodes = np.flatnonzero(left)
    small = np.cumsum(left) - 1
    adjacency = Adjacency(len(nodes), small[down[inner]], small[up[inner]])
    components = _components(adjacency, range(len(nodes)))
    cycles = _cycles(components, adjacency)
    name = nodes.tolist()
    cycles = tuple(tuple(name[v] for v in cycle) for cycle in cycles)
    return [list(c) for c in cycles if len(c) > 1], cycles


def _sweep(
    np: Any, count: int, up: Ints, down: Ints, seeds: Mapping[int, int], words: int, levels: list[Ints]
) -> MaskRows:
    """Unite rows level by level.

    Rows are numbered by level and, inside one, by falling number of edges: then the k-th downstream nodes of all nodes
    that have one are united by one numpy call on a block of rows, without an index on the side that is written.
    """
    degree = np.bincount(up, minlength=count)
    row_of = np.empty(count, dtype=np.int64)
    nodes = np.concatenate(levels) if levels else np.empty(0, dtype=np.int64)
    bounds = np.cumsum([0, *(len(level) for level in levels)]).tolist()
    for low, high in pairwise(bounds[1:]):  # the first level has no edges
        packed = (-degree[nodes[low:high]] << 32) | nodes[low:high]
        packed.sort()
        nodes[low:high] = packed & 0xFFFFFFFF
    row_of[nodes] = np.arange(count)
    starts, targets = _pairs(np, count, row_of[up], row_of[down])
    rows = np.zeros((count, words), dtype="<u8")
    if seeds:
        text = b"".join(mask.to_bytes(8 * words, "little") for mask in seeds.values())
        rows[row_of[list(seeds)]] = np.frombuffer(text, dtype="<u8").reshape(-1, words)
    size = max((b - a for a, b in pairwise(bounds)), default=0)
    spare = np.empty((size, words), dtype="<u8")
    for low, high in pairwise(bounds[1:]):
        _unite(np, rows, starts, targets, low, high, spare)
    return MaskRows(rows, nodes, row_of)


def _unite(np: Any, rows: Any, starts: Ints, targets: Ints, low: int, high: int, spare: Any) -> None:
    """Unite the rows low..high-1 of one level with the rows downstream of them."""
    first = starts[low:high]
    degree = starts[low + 1 : high + 1] - first
    rank, wide = 0, high - low
    while wide >= 8:
        got = spare[:wide]
        np.take(rows, targets[first[:wide] + rank], axis=0, out=got, mode="clip")
        block = rows[low : low + wide]
        np.bitwise_or(block, got, out=block)
        rank += 1
        wide = int(np.searchsorted(-degree, -rank, side="left"))
    for row in range(low, low + wide):  # few rows with very many edges
        for start in range(int(starts[row]) + rank, int(starts[row + 1]), 65_536):
            stop = min(start + 65_536, int(starts[row + 1]))
            rows[row] |= np.bitwise_or.reduce(rows[targets[start:stop]], axis=0)


def _integers(rows: Any) -> Iterator[int]:
    width = rows.shape[1] * 8
    text = rows.tobytes()
    for start in range(0, len(text), width):
        yield int.from_bytes(text[start : start + width], "little")


def shortest_ways(downstream: Sequence[Sequence[int]], start: int) -> dict[int, int]:
    """Downstream of one node: each node -> the node before it on a shortest way; `start` -> itself."""
    before = {start: start}
    todo = [start]
    for i in todo:
        for j in downstream[i]:
            if j not in before:
                before[j] = i
                todo.append(j)
    return before


def way_back(before: Mapping[int, int], end: int) -> tuple[int, ...]:
    """One of these ways, from where it starts to `end`."""
    path = [end]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    return tuple(reversed(path))
