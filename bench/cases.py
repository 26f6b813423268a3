"""What is measured, each run in a process of its own: `python -m bench.cases NAME ARGUMENT...`.

A case that times a part of itself prints one JSON line with `cpu`, the CPU seconds (user and system) of that part; the
others are judged by the whole process, as the runner's wait on it says.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.manifest import AS_OF

Case = Callable[..., None]


def timed(work: Callable[[], Any]) -> Any:
    """Run `work` once, print its CPU seconds, return its result."""
    start = time.process_time()
    result = work()
    print(json.dumps({"cpu": time.process_time() - start}))
    return result


# ---------------------------------------------------------------------------------------------- a manifest


def nothing() -> None:
    """An interpreter that starts and ends."""


def load_orjson(path: str) -> None:
    """Only parse."""
    import orjson

    with Path(path).open("rb") as file:
        assert orjson.loads(file.read())


def load_json(path: str) -> None:
    """Only parse."""
    with Path(path).open("rb") as file:
        assert json.loads(file.read())


def read_bytes(path: str) -> None:
    """The least that any reader does: bring the bytes into memory."""
    with Path(path).open("rb") as file:
        assert file.read()


_KEPT = {"decisions", "past", "requests"}
"""What a project supplies from its store alone: questions about it are not stateless."""


def every_question(folder: str) -> None:
    """Load the project without a store, link it, and ask every question once that a store adds nothing to."""
    from headway.project import Project
    from headway.questions.registry import questions

    place = Path(folder)
    project = Project.stateless(
        manifest=place / "manifest.json",
        goals=place / "goals.yml",
        usage=place / "usage.csv",
        directory=place,
        as_of=AS_OF,
    )
    given: dict[str, Any] = {
        "objective": "objective_01",
        "asset": _some_mart(project),
        "key_result": _first(project, "key_result"),
    }
    given["earlier"] = AS_OF
    asked = 0
    for name, question in questions().items():
        if _KEPT & set(question.supplied.values()):
            continue
        needed = {p.name: given[p.name] for p in question.parameters.values() if p.required}
        assert project.ask(name, **needed).headline
        asked += 1
    assert asked >= 10, "the questions were not found"


def _first(project: Any, kind: str) -> str:
    return next(node.id for node in project.graph().nodes if node.kind == kind)


def _some_mart(project: Any) -> str:
    return next(node.id for node in project.graph().nodes if node.id.startswith("dbt:model.shop.fct_"))


# ---------------------------------------------------------------------------------------------- reach


def _graph(folder: str, prefix: str) -> tuple[int, Any, Any, dict[int, int]]:
    import numpy as np

    place = Path(folder)
    up, down = (np.load(place / f"{prefix}{end}stream.npy") for end in ("up", "down"))
    seeds = {int(v): int(m, 16) for v, m in json.loads((place / f"{prefix}seeds.json").read_text()).items()}
    return int(max(up.max(), down.max(), *seeds)) + 1, up, down, seeds


def reach(folder: str, prefix: str = "", engine: str = "auto") -> None:
    """The goals of every node, beginning with the arrays of edges."""
    from headway.graph.reach import reach as ours

    count, up, down, seeds = _graph(folder, prefix)
    if engine == "ints":  # Python integers are given lists, as a graph without numpy would have them
        up, down = up.tolist(), down.tolist()
    result = timed(lambda: ours(count, up, down, seeds, engine=engine))
    assert not result.cycles
    assert len(result.masks) == count


def gather(folder: str, prefix: str = "") -> None:
    """Floor: what no sweep over a bit matrix can avoid, one row read per edge and one row written per node."""
    import numpy as np

    count, up, down, seeds = _graph(folder, prefix)
    words = (max(m.bit_length() for m in seeds.values()) + 63) // 64
    rows = np.zeros((count, words), dtype=np.uint64)
    out = np.empty((1 << 16, words), dtype=np.uint64)
    assert len(up) == len(down)

    def floor() -> None:
        for start in range(0, len(down), len(out)):
            part = down[start : start + len(out)]
            np.take(rows, part, axis=0, out=out[: len(part)], mode="clip")
        rows.copy()

    timed(floor)


def reach_rustworkx(folder: str, prefix: str = "") -> None:
    """Peer: one walk per goal."""
    import rustworkx

    count, up, down, seeds = _graph(folder, prefix)
    graph = rustworkx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(range(count))
    graph.add_edges_from_no_data(list(zip(up.tolist(), down.tolist(), strict=True)))
    _per_goal(seeds, lambda v: rustworkx.ancestors(graph, v))


def reach_networkx(folder: str, prefix: str = "") -> None:
    """Peer: one walk per goal."""
    import networkx as nx

    count, up, down, seeds = _graph(folder, prefix)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(zip(up.tolist(), down.tolist(), strict=True))
    _per_goal(seeds, lambda v: nx.ancestors(graph, v))


def _per_goal(seeds: dict[int, int], ancestors: Callable[[int], Any]) -> None:
    at: dict[int, list[int]] = {}
    for v, mask in seeds.items():
        for goal in range(mask.bit_length()):
            if mask >> goal & 1:
                at.setdefault(goal, []).append(v)
    timed(lambda: [set().union(*(ancestors(v) for v in nodes)) for nodes in at.values()])


# ---------------------------------------------------------------------------------------------- attribution


def _masks(folder: str) -> tuple[Any, Any]:
    import numpy as np

    from headway.graph.reach import reach as ours

    result = ours(*_graph(folder, "shuffled-"))
    return result.masks, np.load(Path(folder) / "amounts.npy")


def split(folder: str, goals: str = "500") -> None:
    """Equal split of an amount per node over the goals it serves, exact."""
    from headway.graph.attribution import split as ours

    masks, amounts = _masks(folder)
    result = timed(lambda: ours(masks, amounts, int(goals)))
    assert sum(result.parts) + result.none == result.total == int(amounts.sum())


def split_weighted(folder: str, goals: str = "500") -> None:
    """Split by weight, exact."""
    from headway.graph.attribution import split as ours

    masks, amounts = _masks(folder)
    weights = [goal * 7919 % 101 for goal in range(int(goals))]
    result = timed(lambda: ours(masks, amounts, int(goals), weights))
    assert sum(result.parts) + result.none == result.total == int(amounts.sum())


def product(folder: str, goals: str = "500") -> None:
    """Peer: the bit matrix times the shares in doubles, block by block; not exact."""
    import numpy as np

    masks, amounts = _masks(folder)
    rows = masks.rows if hasattr(masks, "rows") else _rows(masks)
    ordered = amounts[masks.nodes] if hasattr(masks, "nodes") else amounts

    def floats() -> Any:
        parts = np.zeros(rows.shape[1] * 64)
        for start in range(0, len(rows), 16_384):
            bits = np.unpackbits(rows[start : start + 16_384].view(np.uint8), axis=1, bitorder="little")
            bits = bits.astype(np.float64)
            each = ordered[start : start + 16_384] / np.maximum(bits.sum(axis=1), 1)
            parts += each @ bits
        return parts

    assert len(timed(floats)) >= int(goals)


def _rows(masks: list[int]) -> Any:
    import numpy as np

    width = (max(m.bit_length() for m in masks) + 63) // 64 * 8
    text = b"".join(m.to_bytes(width, "little") for m in masks)
    return np.frombuffer(text, dtype="<u8").reshape(len(masks), -1)


CASES: dict[str, Case] = {
    case.__name__.replace("_", "-"): case
    for case in (
        nothing,
        load_orjson,
        load_json,
        read_bytes,
        every_question,
        reach,
        gather,
        reach_rustworkx,
        reach_networkx,
        split,
        split_weighted,
        product,
    )
}


if __name__ == "__main__":
    CASES[sys.argv[1]](*sys.argv[2:])
