"""Deterministic inputs for the benchmarks, written once to a folder below the system's temporary directory.

    python -m bench.generate project 10000     a dbt project of 10,000 models: manifest, goals, usage and cost
    python -m bench.generate pair 10000        the same before and after a pull request: base.json, manifest.json
    python -m bench.generate kept 10000        the project, synced into a store of its own two years before
    python -m bench.generate graph 1000000     a layered random DAG with 2.5 edges per node and 500 goals
    python -m bench.generate chain 100000      one chain, and a wide graph of the same size
    python -m bench.generate statements 1000000 a query history with texts (see bench.history)
    python -m bench.generate history 100000000 rows of who read which table when (see bench.history_scale)
    python -m bench.generate lineage 200000    OpenLineage events of runs (see bench.lineage)
    python -m bench.generate demo              a copy of the built demo project with 20 key results on its metrics

Each prints the folder. The same arguments give the same bytes; a finished folder is reused.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import manifest

VERSION = 2
"""Part of the folder's name: raise it when a generator changes."""

ROOT = Path(__file__).resolve().parents[1]
DEMOS = (ROOT / "build" / "demo" / "lumaloop", ROOT / "examples" / "lumaloop")
"""Where the demo may have been built: by `make demo`, or by hand."""


def folder(*name: object) -> Path:
    """Where the input with these arguments lies, or will lie."""
    root = Path(tempfile.gettempdir()) / "headway-bench"
    return root / "-".join(str(part) for part in (*name, f"v{VERSION}"))


def finished(path: Path) -> bool:
    """Whether this input is complete."""
    return (path / "done").exists()


def finish(path: Path) -> None:
    """Mark this input as complete."""
    (path / "done").touch()


def project(models: int) -> Path:
    """manifest.json (v12), goals.yml and usage.csv of a project with this many models, two tests on each."""
    path = folder("project", models)
    if not finished(path):
        path.mkdir(parents=True, exist_ok=True)
        manifest.write(path, models)
        finish(path)
    return path


def pair(models: int) -> Path:
    """manifest.json and base.json: the project as a pull request leaves it, and as it was before.

    One model in 200 has other SQL, one in 500 has a column less, and about one in 1,000 was made a second time. The
    shipped gates are asked, as warnings, so that the check ends with 0.
    """
    path = folder("pair", models)
    if finished(path):
        return path
    path.mkdir(parents=True, exist_ok=True)
    before = project(models)
    shutil.copy(before / "manifest.json", path / "base.json")
    shutil.copy(before / "goals.yml", path / "goals.yml")
    changed = json.loads((before / "manifest.json").read_bytes())
    nodes = changed["nodes"]
    names = [name for name in nodes if name.startswith("model.")]
    marts = [name for name in names if ".fct_" in name]
    for name in names[::200]:
        nodes[name]["raw_code"] += "\nwhere amount > 0"
    for name in names[::500]:
        columns = nodes[name]["columns"]
        columns.pop(next(iter(columns)))
    for name in marts[:: max(len(marts) * 1_000 // models, 1)]:
        new = f"{name}_again"
        nodes[new] = {**nodes[name], "unique_id": new, "name": new.rpartition(".")[2], "alias": new.rpartition(".")[2]}
    (path / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
    from headway.project.gate import SHIPPED

    gates = [
        {"question": g.question, "name": g.title, "level": "warn", "parameters": dict(g.parameters)} for g in SHIPPED
    ]
    said = {"project": "shop", "dbt": {"manifest": "manifest.json"}, "goals": "goals.yml", "gates": gates}
    (path / "headway.yml").write_text(json.dumps(said, indent=1), encoding="utf-8")  # JSON is YAML
    finish(path)
    return path


def kept(models: int) -> Path:
    """The project with a store that was synced once, two years before the day of the answers."""
    path = folder("kept", models)
    if not finished(path):
        from bench import pages

        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        pages.write(path, project(models))
        finish(path)
    return path


def graph(nodes: int, goals: int = 500, edges: int = 0) -> Path:
    """upstream.npy, downstream.npy, amounts.npy and seeds.json of a layered random DAG.

    25 layers of equal size, numbers rising with the layer; an edge comes from an earlier layer, near ones preferred,
    within one of 50 communities in 19 of 20 cases; five attachments per goal in the lower half. `shuffled-*` holds the
    same graph with nodes renumbered at random.
    """
    import numpy as np

    edges = edges or nodes * 5 // 2
    path = folder("graph", nodes, edges, goals)
    if finished(path):
        return path
    path.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(nodes)
    layer = np.sort(rng.integers(0, 25, nodes))
    first = np.searchsorted(layer, np.arange(26))
    down = rng.integers(first[1], nodes, edges)
    before = first[layer[down]]
    up = (before * (1 - rng.random(edges) ** 3)).astype(np.int64)
    same = up - up % 50 + down % 50
    up = np.where((rng.random(edges) < 0.95) & (same < before), same, up)
    seeds: dict[int, int] = {}
    for goal in range(goals):
        for v in rng.integers(nodes // 2, nodes, 5).tolist():
            seeds[v] = seeds.get(v, 0) | 1 << goal
    new = rng.permutation(nodes)
    shuffle = rng.permutation(edges)
    _save_graph(path, "", up, down, seeds)
    _save_graph(path, "shuffled-", new[up][shuffle], new[down][shuffle], {int(new[v]): m for v, m in seeds.items()})
    np.save(path / "amounts.npy", rng.integers(0, 40_000_000, nodes))  # up to 40 EUR in micro-units
    finish(path)
    return path


def chain(nodes: int) -> tuple[Path, Path]:
    """One chain of this many nodes, and a layered graph of the same numbers of nodes, edges and goals."""
    import numpy as np

    path = folder("chain", nodes)
    if not finished(path):
        path.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(nodes)
        seeds: dict[int, int] = {}
        for goal in range(500):
            for v in rng.integers(nodes // 2, nodes, 5).tolist():
                seeds[v] = seeds.get(v, 0) | 1 << goal
        _save_graph(path, "", np.arange(nodes - 1), np.arange(1, nodes), seeds)
        finish(path)
    return path, graph(nodes, 500, nodes - 1)


def _save_graph(path: Path, prefix: str, up: Any, down: Any, seeds: dict[int, int]) -> None:
    import numpy as np

    np.save(path / f"{prefix}upstream.npy", up)
    np.save(path / f"{prefix}downstream.npy", down)
    (path / f"{prefix}seeds.json").write_text(json.dumps({str(v): hex(m) for v, m in seeds.items()}))


def demo(key_results: int = 20) -> Path | None:
    """A copy of the built demo project whose goals are key results on its metrics; None when it is not built.

    `goals.yml` is the demo's own; `twenty/` is the same project with exactly this many key results on dbt metrics.
    """
    built = [d for d in DEMOS if (d / "target" / "manifest.json").is_file() and (d / "lumaloop.duckdb").is_file()]
    if not built:
        return None
    path = folder("demo")
    if path.exists():
        shutil.rmtree(path)  # the demo may have been built again
    ignored = shutil.ignore_patterns(".headway", "logs", "raw", "run", "compiled", "*.wal")
    shutil.copytree(built[0], path, ignore=ignored)
    shutil.copytree(built[0], path / "twenty", ignore=ignored)
    metrics = re.findall(r"^\s+metric: (\w+)", (path / "goals.yml").read_text(encoding="utf-8"), re.MULTILINE)
    names = list(dict.fromkeys(metrics))
    known = json.loads((path / "target" / "manifest.json").read_bytes())["metrics"].values()
    names += sorted({m["name"] for m in known} - set(names))
    lines = [
        "version: 1",
        "objectives:",
        "  - id: all",
        "    title: Every number at once",
        "    start: 2026-10-01",
        "    end: 2026-12-31",
        "    key_results:",
    ]
    lines += [
        f"      - {{id: {name}, title: {name}, metric: {name}, baseline: 0, target: 100}}"
        for name in names[:key_results]
    ]
    (path / "twenty" / "goals.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    finish(path)
    return path


def history(rows: int) -> Path:
    """rows.parquet with this many rows: which table was read on which day by whom, and for how long."""
    from bench import history_scale

    return history_scale.make(rows)


def statements(rows: int) -> Path:
    """statements.parquet: this many statements with their texts, as BI tools, people and dbt send them."""
    from bench import history

    path = folder("statements", rows)
    if not finished(path):
        history.write(path, rows)
        finish(path)
    return path


def lineage(events: int) -> Path:
    """events.jsonl: this many OpenLineage events of runs."""
    from bench import lineage as told

    path = folder("lineage", events)
    if not finished(path):
        told.write(path, events)
        finish(path)
    return path


def main(arguments: list[str]) -> int:
    """Make one input; prints its folder, or nothing when it cannot be made."""
    kind, *rest = arguments
    makers = {"project": project, "pair": pair, "graph": graph, "chain": chain, "history": history, "demo": demo}
    makers |= {"statements": statements, "lineage": lineage, "kept": kept}
    made = makers[kind](*(int(n) for n in rest))
    for path in made if isinstance(made, tuple) else (made,):
        if path is not None:
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
