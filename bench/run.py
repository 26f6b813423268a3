"""Run every benchmark beside its floors and peers, in one go, each in fresh processes.

    python -m bench.run                 all, five rounds
    python -m bench.run --only reach    those whose name contains "reach"
    python -m bench.run --rounds 1      quick
    python -m bench.run --check         exit 1 when a limit is missed

Prints a Markdown table and writes bench/results.json. CPU is user plus system seconds of the process and everything it
started; peak is its largest resident set. In every round all runs of a benchmark take turns, and medians are compared,
so that a machine that is busy or slow treats both sides alike: read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
Unit = Literal["cpu", "peak", "wall"]


@dataclass(frozen=True)
class Run:
    """One command that is measured. `inner`: it prints the CPU seconds of the part that counts."""

    label: str
    command: tuple[str, ...]
    inner: bool = False
    directory: str = ""
    fresh: tuple[str, ...] = ()
    """Folders below `directory` that are removed before each round."""
    needs: str = ""
    """Package without which this run is left out."""


@dataclass(frozen=True)
class Limit:
    """What has to hold: `unit` of ours is at most `most` (times that of the run `against`, if one is named)."""

    unit: Unit
    most: float
    against: str = ""


@dataclass(frozen=True)
class Benchmark:
    """Our run first, then floors and peers."""

    name: str
    runs: tuple[Run, ...]
    limits: tuple[Limit, ...] = ()


@dataclass
class Skipped:
    """A benchmark that cannot be run here, and why."""

    name: str
    reason: str


@dataclass
class Sample:
    """Medians over the rounds: CPU seconds, peak MB, wall seconds."""

    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def of(self, unit: Unit) -> float:
        """The median."""
        values: list[float] = getattr(self, unit)
        return statistics.median(values)


class Failed(Exception):
    """A measured command, or one that makes its input, ended with an error."""


def case(label: str, name: str, *arguments: object, inner: bool = False, needs: str = "") -> Run:
    """A run of bench.cases."""
    command = (PYTHON, "-m", "bench.cases", name, *(str(a) for a in arguments))
    return Run(label, command, inner=inner, directory=str(HERE.parent), needs=needs)


def made(*arguments: object) -> list[Path]:
    """Make an input in a process of its own: this one must stay small.

    A started process begins with its starter's resident set as its own peak (Linux keeps the maximum across exec).
    """
    command = [PYTHON, "-m", "bench.generate", *(str(a) for a in arguments)]
    done = subprocess.run(command, cwd=HERE.parent, check=False, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Failed(f"making {' '.join(command[3:])} ended with {done.returncode}: {last[0]}")
    return [Path(line) for line in done.stdout.splitlines()]


def headway_command() -> str:
    """The installed `headway`, or '' when there is none."""
    beside = Path(PYTHON).parent / "headway"
    return str(beside) if beside.exists() else shutil.which("headway") or ""


# ---------------------------------------------------------------------------------------------- the benchmarks


def manifest(models: int) -> Benchmark | Skipped:
    """Every question on a manifest, against only parsing it."""
    name = f"manifest of {models:,} models, every stateless question"
    if importlib.util.find_spec("headway.project") is None:
        return Skipped(name, "headway.project does not exist yet")
    (folder,) = made("project", models)
    path = folder / "manifest.json"
    return Benchmark(
        name,
        (
            case("headway, all questions", "every-question", folder),
            case("orjson.loads alone", "load-orjson", path, needs="orjson"),
            case("json.loads alone", "load-json", path),
            case("floor: read the bytes", "read-bytes", path),
        ),
        # a small project is all start-up, so there is nothing to hold it to
        (Limit("cpu", 1, "orjson.loads alone"), Limit("peak", 1 / 3, "orjson.loads alone")) if models >= 10_000 else (),
    )


def reach(nodes: int) -> Benchmark:
    """Reach sets of 500 goals."""
    (folder,) = made("graph", nodes)
    large = nodes >= 1_000_000
    runs = [
        case("headway", "reach", folder, "shuffled-", inner=True),
        case("headway, nodes numbered by layer", "reach", folder, "", inner=True),
    ]
    other = "ints" if large else "numpy"
    runs.append(case(f"headway, engine {other}", "reach", folder, "shuffled-", other, inner=True))
    runs.append(case("floor: one row gathered per edge", "gather", folder, "shuffled-", inner=True))
    if nodes <= 100_000:
        runs.append(case("rustworkx", "reach-rustworkx", folder, "shuffled-", inner=True, needs="rustworkx"))
    if nodes <= 10_000:
        runs.append(case("networkx", "reach-networkx", folder, "shuffled-", inner=True, needs="networkx"))
    limits = (Limit("cpu", 1.0),) if large else ()
    return Benchmark(f"reach of 500 goals, {nodes:,} nodes, {nodes * 5 // 2:,} edges", tuple(runs), limits)


def depth(nodes: int) -> Benchmark:
    """One long chain against a wide graph with as many nodes and edges."""
    chain, wide = made("chain", nodes)
    return Benchmark(
        f"reach on a chain of {nodes:,}",
        (
            case("headway, chain", "reach", chain, inner=True),
            case("headway, wide graph", "reach", wide, "shuffled-", inner=True),
        ),
        (Limit("cpu", 1, "headway, wide graph"),),
    )


def attribution(nodes: int) -> Benchmark:
    """Exact equal split over 500 goals."""
    (folder,) = made("graph", nodes)
    runs = [
        case("headway", "split", folder, inner=True),
        case("headway, by weight", "split-weighted", folder, inner=True),
        case("numpy product in doubles", "product", folder, inner=True),
    ]
    limits = (Limit("cpu", 1.0),) if nodes >= 1_000_000 else ()
    return Benchmark(f"attribution to 500 goals, {nodes:,} nodes", tuple(runs), limits)


def version() -> Benchmark | Skipped:
    """How long a command takes that does nothing."""
    name = "headway --version"
    command = headway_command()
    if not command or importlib.util.find_spec("headway.cli.main") is None:
        return Skipped(name, "the headway command is not installed")
    return Benchmark(
        name,
        (
            Run("headway --version", (command, "--version")),
            Run("import click", (PYTHON, "-c", "import click")),
            Run("floor: python -c pass", (PYTHON, "-c", "pass")),
        ),
        (Limit("cpu", 2, "import click"),),
    )


def summary() -> Benchmark | Skipped:
    """The first answer on the demo project, against dbt listing it."""
    name = "headway summary on the demo project"
    command, dbt = headway_command(), os.environ.get("HEADWAY_DBT", "")
    if not command or importlib.util.find_spec("headway.cli.main") is None:
        return Skipped(name, "the headway command is not installed")
    folders = made("demo")
    if not folders:
        return Skipped(name, "the demo project has not been built (make demo)")
    directory = str(folders[0])
    if not dbt:
        return Skipped(name, "HEADWAY_DBT does not name a dbt command")
    # As `headway demo` leaves it: synced once. From the files alone is the first answer before any sync.
    subprocess.run((command, "sync", "--no-values"), cwd=directory, check=True, capture_output=True, timeout=120)
    runs = [
        Run("headway summary", (command, "summary"), directory=directory),
        Run("headway summary, from files", (command, "summary", "--goals", "goals.yml"), directory=directory),
        Run(
            "dbt ls",
            (dbt, "--quiet", "ls", "--project-dir", directory, "--profiles-dir", directory),
            directory=directory,
        ),
    ]
    return Benchmark(name, tuple(runs), (Limit("cpu", 0.1, "dbt ls"), Limit("wall", 0.1, "dbt ls")))


def check(models: int) -> Benchmark | Skipped:
    """The gate on a pull request to a large project, against dbt listing the demo project."""
    name = f"headway check, {models:,} models before and after"
    command, dbt = headway_command(), os.environ.get("HEADWAY_DBT", "")
    if not command or importlib.util.find_spec("headway.cli.main") is None:
        return Skipped(name, "the headway command is not installed")
    folders = made("demo")
    if not folders:
        return Skipped(name, "the demo project has not been built (make demo)")
    if not dbt:
        return Skipped(name, "HEADWAY_DBT does not name a dbt command")
    (pair,), demo = made("pair", models), str(folders[0])
    arguments = ("--quiet", "ls", "--project-dir", demo, "--profiles-dir", demo)
    return Benchmark(
        name,
        (
            Run("headway check", (command, "check", "--against", "base.json"), directory=str(pair)),
            Run("dbt ls, demo project", (dbt, *arguments), directory=demo),
        ),
        (Limit("cpu", 1, "dbt ls, demo project"), Limit("wall", 1, "dbt ls, demo project")),
    )


def sync() -> Benchmark | Skipped:
    """Twenty key results on dbt metrics, evaluated on DuckDB, start-up and store included."""
    name = "headway sync, 20 key results on DuckDB"
    command = headway_command()
    if not command or importlib.util.find_spec("headway.cli.main") is None:
        return Skipped(name, "the headway command is not installed")
    folders = made("demo")
    if not folders:
        return Skipped(name, "the demo project has not been built (make demo)")
    directory = folders[0] / "twenty"
    return Benchmark(
        name,
        (Run("headway sync", (command, "sync"), directory=str(directory), fresh=(".headway",)),),
        (Limit("wall", 4.0),),
    )


def history(rows: int) -> Benchmark | Skipped:
    """Rows of a query history, one per table that a statement read, added up by table and day."""
    name = f"query history, {rows:,} rows by table and day"
    if importlib.util.find_spec("duckdb") is None:
        return Skipped(name, "DuckDB is not installed")
    (folder,) = made("history", rows)
    command = (PYTHON, "-m", "bench.history_scale")
    labels = {"DuckDB, held to 2 GB": "aggregate", "floor: read the columns": "floor"}
    runs = [Run(label, (*command, what, str(folder)), directory=str(HERE.parent)) for label, what in labels.items()]
    limits = (Limit("wall", 60.0),) if rows >= 100_000_000 else ()
    return Benchmark(name, tuple(runs), limits)


def lineage(events: int) -> Benchmark:
    """OpenLineage events from a file to records, against only decoding them."""
    (folder,) = made("lineage", events)
    labels = {"headway": "read", "msgspec, decode each line": "msgspec", "orjson, decode each line": "orjson"}
    runs = (
        Run(label, (PYTHON, "-m", "bench.lineage", what, str(folder)), directory=str(HERE.parent), needs=needs)
        for (label, what), needs in zip(labels.items(), ("", "", "orjson"), strict=True)
    )
    limit = Limit("cpu", 3, "msgspec, decode each line")
    return Benchmark(f"OpenLineage, {events:,} run events of 5,000 jobs", tuple(runs), (limit,))


def statements(rows: int) -> Benchmark | Skipped:
    """A query history with texts, from a file to usage, nothing kept from before."""
    name = f"query history, {rows:,} statements to usage"
    if any(importlib.util.find_spec(module) is None for module in ("ibis", "duckdb", "sqlglot")):
        return Skipped(name, "DuckDB, Ibis or sqlglot is not installed")
    (folder,) = made("statements", rows)
    run = Run("headway", (PYTHON, "-m", "bench.history", "usage", str(folder)), directory=str(HERE.parent))
    return Benchmark(name, (run,), (Limit("wall", 20.0),))


def statements_again(rows: int) -> Benchmark | Skipped:
    """The same history a day later: three days are read anew, and nothing is parsed twice."""
    name = f"query history, {rows:,} statements, the next sync"
    if any(importlib.util.find_spec(module) is None for module in ("ibis", "duckdb", "sqlglot")):
        return Skipped(name, "DuckDB, Ibis or sqlglot is not installed")
    (folder,) = made("statements", rows)
    run = Run("headway", (PYTHON, "-m", "bench.history", "again", str(folder)), directory=str(HERE.parent))
    return Benchmark(name, (run,), (Limit("wall", 5.0),))


def columns(models: int) -> Benchmark | Skipped:
    """Column lineage of a whole project, against only parsing its SQL and against asking for one column at a time."""
    name = f"columns of {models:,} models"
    if importlib.util.find_spec("sqlglot") is None:
        return Skipped(name, "sqlglot is not installed")
    (folder,) = made("project", models)
    runs = [
        columns_case("headway, nothing kept", "whole", folder),
        columns_case("floor: the SQL parsed once", "parse", folder),
    ]
    limits = [Limit("cpu", 1.5, runs[1].label)]
    if models <= 1_000:
        peer = "sqlglot lineage per column (15 models, scaled)"
        runs.append(columns_case(peer, "per-column", folder))
        limits.append(Limit("cpu", 1 / 40, peer))
    return Benchmark(name, tuple(runs), tuple(limits))


def columns_again(models: int) -> Benchmark | Skipped:
    """The second run, of which nothing has changed."""
    name = f"columns of {models:,} models, a second time"
    if importlib.util.find_spec("sqlglot") is None:
        return Skipped(name, "sqlglot is not installed")
    (folder,) = made("project", models)
    return Benchmark(
        name,
        (
            columns_case("headway, from what was kept", "warm", folder),
            columns_case("floor: the manifest read and decoded", "decode", folder),
        ),
        (Limit("cpu", 0.5),),
    )


def columns_anew(models: int) -> Benchmark | Skipped:
    """The run after dbt wrote the manifest again: with the same SQL, and with one model changed."""
    name = f"columns of {models:,} models, manifest written anew"
    if importlib.util.find_spec("sqlglot") is None:
        return Skipped(name, "sqlglot is not installed")
    (folder,) = made("project", models)
    return Benchmark(
        name,
        (
            columns_case("headway, the same SQL", "anew", folder),
            columns_case("headway, one model changed", "changed", folder),
            columns_case("floor: the manifest read and decoded", "decode", folder),
        ),
        (Limit("cpu", 0.5),),
    )


def columns_peer(models: int) -> Benchmark | Skipped:
    """Column lineage of a whole project with a catalogue, against dbt-colibri on the same files."""
    name = f"columns of {models:,} models, with a catalogue"
    peer = os.environ.get("HEADWAY_COLIBRI_PYTHON", "")
    if importlib.util.find_spec("sqlglot") is None:
        return Skipped(name, "sqlglot is not installed")
    if not peer:
        return Skipped(name, "HEADWAY_COLIBRI_PYTHON does not name a Python that has dbt-colibri")
    (folder,) = made("project", models)
    command = (PYTHON, "-m", "bench.columns", "catalogued", str(folder))
    done = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True)
    place = Path(done.stdout.strip())
    return Benchmark(
        name,
        (
            columns_case("headway, nothing kept", "whole", place),
            Run("dbt-colibri", (peer, "-m", "bench.colibri", str(place)), inner=True, directory=str(HERE.parent)),
        ),
        (Limit("cpu", 1 / 8, "dbt-colibri"),),
    )


def searches(models: int) -> Benchmark | Skipped:
    """300 texts looked for in everything there is, beside SQLite's full-text search over the same documents."""
    (folder,) = made("project", models)
    runs = tuple(
        Run(label, (PYTHON, "-m", "bench.search", name, str(folder)), inner=True, directory=str(HERE.parent))
        for label, name in (
            ("headway, 300 searches", "find"),
            ("SQLite FTS5, 300 searches", "fts"),
            ("headway, making the index", "index"),
            ("SQLite FTS5, making the index", "fts-index"),
        )
    )
    return Benchmark(f"search in {models:,} models", runs, (Limit("cpu", 1.5), Limit("cpu", 1.5, runs[1].label)))


def pages(models: int) -> Benchmark:
    """The Triage page of a company, with the counts of all tabs and as HTML, beside its findings as JSON."""
    (folder,) = made("kept", models)
    floor = "floor: its findings as JSON, 20 times"
    return Benchmark(
        f"Triage page of {models:,} models, 20 times",
        (pages_case("headway", "triage", folder), pages_case(floor, "encode", folder)),
        (Limit("cpu", 50, floor),),
    )


def growth(models: int) -> Benchmark:
    """Six months of growth that nobody asked for before, beside loading the graph of each month's end by itself."""
    (folder,) = made("kept", models)
    alone = "the six graphs, loaded one by one"
    return Benchmark(
        f"growth of {models:,} models, six months never read",
        (pages_case("headway", "growth", folder), pages_case(alone, "days", folder)),
        (Limit("cpu", 0.75, alone),),
    )


def pages_case(label: str, name: str, folder: Path) -> Run:
    """A run of bench.pages."""
    command = (PYTHON, "-m", "bench.pages", name, str(folder))
    return Run(label, command, inner=True, directory=str(HERE.parent))


def columns_case(label: str, name: str, folder: Path) -> Run:
    """A run of bench.columns."""
    command = (PYTHON, "-m", "bench.columns", name, str(folder))
    return Run(label, command, inner=True, directory=str(HERE.parent))


BENCHMARKS: tuple[tuple[str, Callable[[], Benchmark | Skipped]], ...] = (
    ("manifest-1000", lambda: manifest(1_000)),
    ("manifest-10000", lambda: manifest(10_000)),
    ("reach-10000", lambda: reach(10_000)),
    ("reach-100000", lambda: reach(100_000)),
    ("reach-1000000", lambda: reach(1_000_000)),
    ("reach-chain", lambda: depth(100_000)),
    ("attribution-100000", lambda: attribution(100_000)),
    ("attribution-1000000", lambda: attribution(1_000_000)),
    ("columns-1000", lambda: columns(1_000)),
    ("columns-10000", lambda: columns(10_000)),
    ("columns-warm", lambda: columns_again(10_000)),
    ("columns-anew", lambda: columns_anew(10_000)),
    ("columns-peer", lambda: columns_peer(1_000)),
    ("search-10000", lambda: searches(10_000)),
    ("pages-10000", lambda: pages(10_000)),
    ("growth-10000", lambda: growth(10_000)),
    ("version", version),
    ("summary", summary),
    ("check-10000", lambda: check(10_000)),
    ("sync", sync),
    ("history-1000000", lambda: statements(1_000_000)),
    ("history-1000000-again", lambda: statements_again(1_000_000)),
    ("history-scale", lambda: history(100_000_000)),
    ("openlineage-200000", lambda: lineage(200_000)),
)


# ---------------------------------------------------------------------------------------------- measuring


def measure(run: Run, sample: Sample) -> None:
    """Run it once and add what it took. Raises Failed when it does not end with 0."""
    for name in run.fresh:
        shutil.rmtree(Path(run.directory) / name, ignore_errors=True)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    # files, not pipes: reaping the process here, for its usage, leaves nobody to drain a full pipe
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(run.command, cwd=run.directory or None, env=environment, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed, complaint = out.read(), err.read()
    if process.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise Failed(f"{run.label} ended with {process.returncode}: {last[0]}")
    sample.cpu.append(json.loads(printed)["cpu"] if run.inner else used.ru_utime + used.ru_stime)
    sample.peak.append(used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024))
    sample.wall.append(wall)


def compare(benchmark: Benchmark, rounds: int) -> dict[str, Any]:
    """Measure all runs of a benchmark in turns; medians, and whether each limit held."""
    runs = [r for r in benchmark.runs if not r.needs or importlib.util.find_spec(r.needs)]
    samples = {run.label: Sample() for run in runs}
    try:
        for turn in range(rounds + 1):
            for run in runs:
                # the first turn fills the page cache and the bytecode cache, and is not counted
                if turn or not run.inner:
                    measure(run, samples[run.label] if turn else Sample())
    except Failed as failed:
        return {"name": benchmark.name, "failed": str(failed)}
    ours = samples[runs[0].label]
    limits = []
    for limit in benchmark.limits:
        if limit.against and limit.against not in samples:
            continue
        value = ours.of(limit.unit) / (samples[limit.against].of(limit.unit) if limit.against else 1)
        limits.append({"unit": limit.unit, "against": limit.against, "value": value, "most": limit.most})
    return {
        "name": benchmark.name,
        "runs": [
            {"label": label, "inner": run.inner} | {unit: sample.of(unit) for unit in ("cpu", "peak", "wall")}
            for run, (label, sample) in zip(runs, samples.items(), strict=True)
        ],
        "limits": limits,
    }


def machine() -> str:
    """What it ran on, without names."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = " ".join(line.partition(":")[2].split())
                break
    except OSError:
        model = platform.machine()  # no such file on this system
    return f"{os.cpu_count()} CPUs ({model}), {platform.system()}, Python {platform.python_version()}"


# ---------------------------------------------------------------------------------------------- reporting


def table(results: Sequence[dict[str, Any]]) -> str:
    """The Markdown table: one line per run, ratios to our run (how many times it takes), limits on our line."""
    lines = [
        "| benchmark | run | CPU s | times ours | peak MB | wall s | limit |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for result in results:
        if "runs" not in result:
            reason = result.get("failed", "")
            said = f"FAILED: {reason}" if reason else f"skipped: {result['skipped']}"
            lines.append(f"| {result['name']} | {said} | | | | | |")
            continue
        ours = result["runs"][0]
        for i, run in enumerate(result["runs"]):
            limits = "; ".join(_limit(limit) for limit in result["limits"]) if i == 0 else ""
            cpu = f"{run['cpu']:.3f}{' *' if run['inner'] else ''}"
            ratio = run["cpu"] / ours["cpu"] if ours["cpu"] else 0
            cells = (result["name"] if i == 0 else "", run["label"], cpu, f"{ratio:.2f}", f"{run['peak']:.0f}")
            lines.append(f"| {' | '.join(cells)} | {run['wall']:.2f} | {limits} |")
    return "\n".join(lines)


def _limit(limit: dict[str, Any]) -> str:
    unit = {"cpu": "CPU", "peak": "peak", "wall": "wall"}[limit["unit"]]
    scale = f"times {limit['against']}" if limit["against"] else "s"
    held = "ok" if limit["value"] <= limit["most"] else "**MISSED**"
    return f"{unit} {limit['value']:.2f} of {limit['most']:.2f} {scale}: {held}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Benchmarks against floors and peers.")
    parser.add_argument(
        "--only", default="", help="benchmarks whose name contains this: " + ", ".join(dict(BENCHMARKS))
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds whose median counts (default 5)")
    parser.add_argument("--check", action="store_true", help="exit 1 when a limit is missed or a run fails")
    options = parser.parse_args(arguments)
    results: list[dict[str, Any]] = []
    for key, build in BENCHMARKS:
        if options.only not in key:
            continue
        print(f"{key} ...", file=sys.stderr, flush=True)
        try:
            built = build()
        except Failed as failed:
            results.append({"name": key, "failed": str(failed)})
            continue
        if isinstance(built, Skipped):
            results.append({"name": built.name, "skipped": built.reason})
        else:
            results.append(compare(built, max(1, options.rounds)))
    said = f"{machine()}; medians of {max(1, options.rounds)} rounds."
    print(table(results) + f"\n\n`*` CPU of the measured part alone. {said}")
    (HERE / "results.json").write_text(json.dumps({"machine": machine(), "results": results}, indent=2) + "\n")
    missed = any(limit["value"] > limit["most"] for r in results for limit in r.get("limits", ()))
    return int(options.check and (missed or any("failed" in r for r in results)))


if __name__ == "__main__":
    sys.exit(main())
