"""Many readers while the graph is swapped, and many writers at once; on loopback only.

HEADWAY_LOAD_SECONDS says how long readers read (15 without it).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headway.project import Project
from headway.project.ledger import entries
from shop import manifest, write_shop

pytestmark = pytest.mark.integration

SECONDS = float(os.environ.get("HEADWAY_LOAD_SECONDS", "15"))
READERS = 50
WRITERS = 8
EACH = 25
MODELS = 2_000

SETTINGS = "project: shop\nas_of: 2026-11-22\ngoals: goals.yml\n"


def write_generation(folder: Path, number: int) -> None:
    """The goals file whose every title says which generation it is of; in place at once."""
    goals = [
        f"""\
  - id: objective{o}
    title: Objective {o} of generation {number}.
    owner: team-{o}
    period: 2026-Q4
    key_results:
      - {{id: kr{o}a, title: First {o} of generation {number}., baseline: 1, target: 9, metric: revenue}}
      - {{id: kr{o}b, title: Second {o} of generation {number}., baseline: 1, target: 9}}
"""
        for o in range(12)
    ]
    head = "version: 1\nperiods:\n  - {id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}\nobjectives:\n"
    draft = folder / "goals.draft"
    draft.write_text(head + "".join(goals))
    draft.replace(folder / "goals.yml")


def write_large(folder: Path) -> None:
    write_shop(folder, settings=SETTINGS, usage="")
    large = manifest()
    for i in range(MODELS):
        above = f"model.shop.m{i // 3}" if i > 2 else "model.shop.orders"
        large["nodes"][f"model.shop.m{i}"] = {
            **large["nodes"]["model.shop.orders"],
            "unique_id": f"model.shop.m{i}",
            "name": f"m{i}",
            "relation_name": f'"wh"."main"."m{i}"',
            "depends_on": {"nodes": [above]},
        }
    (folder / "target/manifest.json").write_text(json.dumps(large))
    write_generation(folder, 0)


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[int]:
    """`headway serve` as its own process; gives the port."""
    command = [sys.executable, "-m", "headway", "serve", "--port", "0", "--project-dir", str(folder), *more]
    log = folder / f"serve-{time.monotonic_ns()}.log"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            began = time.monotonic()
            while not (found := re.search(r"at http://127\.0\.0\.1:(\d+)", log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() - began < 60
                time.sleep(0.05)
            yield int(found[1])
        finally:
            process.terminate()
            process.wait(30)
    assert "Traceback" not in log.read_text(), log.read_text()[-3000:]


def sync(folder: Path) -> None:
    command = [sys.executable, "-m", "headway", "sync", "--project-dir", str(folder)]
    subprocess.run(command, check=False, capture_output=True, timeout=120)


class Reader:
    """Reads over one connection after another, keeping each as long as the server does."""

    def __init__(self, port: int, paths: list[str], until: float) -> None:
        self.port, self.paths, self.until = port, paths, until
        self.took: list[tuple[str, float]] = []
        self.wrong: list[str] = []
        self.generations: set[str] = set()

    async def read(self) -> None:
        k = id(self) // 64
        while time.monotonic() < self.until:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                for _ in range(50):
                    if time.monotonic() >= self.until:
                        break
                    path = self.paths[k % len(self.paths)]
                    k += 1
                    began = time.monotonic()
                    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
                    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
                    length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
                    body = await asyncio.wait_for(reader.readexactly(length), 30)
                    self.took.append((path, time.monotonic() - began))
                    self.judge(path, head, body)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.wrong.append(f"{type(error).__name__}")
            finally:
                writer.close()

    def judge(self, path: str, head: bytes, body: bytes) -> None:
        status = head.split(b" ", 2)[1]
        if status != b"200":
            self.wrong.append(f"{path}: {status.decode()} {body[:200]!r}")
            return
        told = set(re.findall(r"generation (\d+)\.", body.decode()))
        if len(told) > 1:
            self.wrong.append(f"{path}: torn between {sorted(told)}")
        if not told and "goals" in path:
            self.wrong.append(f"{path}: no goals")
        self.generations |= told


def share(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] * 1000


def test_readers_read_while_the_graph_is_swapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_large(tmp_path)
    sync(tmp_path)
    paths = ["/", "/health", "/health.json", "/api/questions/goals", "/api/questions/summary", "/api/questions/orphans"]
    with serving(tmp_path) as port:
        until = time.monotonic() + SECONDS
        readers = [Reader(port, paths, until) for _ in range(READERS)]

        async def swap() -> int:
            number = 0
            while time.monotonic() < until - 3:
                number += 1
                write_generation(tmp_path, number)
                await asyncio.to_thread(sync, tmp_path)
            return number

        async def everything() -> int:
            swapped, *_ = await asyncio.gather(swap(), *(reader.read() for reader in readers))
            return int(swapped)

        swaps = asyncio.run(everything())
    wrong = [w for reader in readers for w in reader.wrong]
    took = [t for reader in readers for _, t in reader.took]
    seen = set[str]().union(*(reader.generations for reader in readers))
    by_path: dict[str, list[float]] = {}
    for reader in readers:
        for path, t in reader.took:
            by_path.setdefault(path, []).append(t)
    with capsys.disabled():
        print(  # noqa: T201 - what the test measured
            f"\n{READERS} readers, {SECONDS:.0f} s, {MODELS:,} models, {swaps} syncs, {len(seen)} graphs seen: "
            f"{len(took):,} answers, p50 {share(took, 0.5):.0f} ms, p95 {share(took, 0.95):.0f} ms, "
            f"longest {max(took) * 1000:.0f} ms"
        )
        for path, times in sorted(by_path.items()):
            print(  # noqa: T201
                f"  {path:<28} {len(times):>6,} answers, p50 {share(times, 0.5):.0f}, p95 {share(times, 0.95):.0f} ms"
            )
    assert not wrong, wrong[:5]
    assert len(seen) >= 2, "no swap was seen"
    assert len(took) > READERS


WRITER = """
import json, sys, urllib.error, urllib.request

me, each, *ports = sys.argv[1:]
accepted = []
for k in range(int(each)):
    base = f"http://127.0.0.1:{ports[k % len(ports)]}"
    token = json.load(urllib.request.urlopen(f"{base}/api/me"))["token"]
    if k % 2:
        address, note = "check-ins", f"note {me}/{k}"
        body = {"key_result": "happiness", "note": note}
    else:
        address, note = "decisions", f"team {me}/{k}"
        body = {"act": "assign", "findings": ["forgotten"], "to": note}
    headers = {"content-type": "application/json", "x-csrf-token": token}
    request = urllib.request.Request(f"{base}/api/{address}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            if answer.status == 201:
                accepted.append(note)
    except urllib.error.HTTPError as error:
        print(error.read().decode(), file=sys.stderr)
print(json.dumps(accepted))
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_storm_of_writes_loses_none(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight processes write to two servers of one store, while it is synced."""
    write_shop(tmp_path)
    if kind == "postgresql":
        with (tmp_path / "headway.yml").open("a") as settings:
            settings.write(f"store: {request.getfixturevalue('postgres_database')()}\n")
    sync(tmp_path)
    with serving(tmp_path) as one, serving(tmp_path) as two:
        began = time.monotonic()
        command = [sys.executable, "-c", WRITER]
        writers = [
            subprocess.Popen(
                [*command, str(w), str(EACH), str(one), str(two)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for w in range(WRITERS)
        ]
        sync(tmp_path)
        accepted: list[str] = []
        said = ""
        for writer in writers:
            out, err = writer.communicate(timeout=240)
            accepted += json.loads(out)
            said += err.decode()
        seconds = time.monotonic() - began
    assert not said, said[:2000]
    assert len(accepted) == WRITERS * EACH
    project = Project.open(tmp_path)
    kept: list[Any] = [e.body.get("note") or e.body.get("to") for e in entries(project)]
    with capsys.disabled():
        told = f"\n{len(accepted)} writes by {WRITERS} processes to 2 servers on {kind} in {seconds:.1f} s"
        print(told)  # noqa: T201
    assert sorted(kept) == sorted(accepted)
