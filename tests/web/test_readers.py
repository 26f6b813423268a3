"""Many readers at once while the store is synced: no error, no torn page, and nobody waits for the graph."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from starlette.testclient import TestClient

from headway.project import Project
from headway.web.app import create_app
from headway.web.current import Current
from shop import USAGE, write_shop


def test_readers_see_the_old_graph_or_the_new_one_and_nothing_between(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "usage.csv").write_text(USAGE.replace("model.shop.forgotten", "model.shop.orders"))
    Project.open(tmp_path).sync(evaluate=False)
    current = Current(lambda: Project.open(tmp_path), every=0)
    app = create_app(current)
    seen: list[tuple[int, int]] = []
    failed: list[str] = []
    done = threading.Event()

    def read() -> None:
        client = TestClient(app, base_url="http://127.0.0.1:8484", raise_server_exceptions=False)
        while not done.is_set():
            health = client.get("/health.json")
            page = client.get("/")
            if health.status_code != 200 or page.status_code != 200 or not page.text.rstrip().endswith("</html>"):
                failed.append(f"{health.status_code} {page.status_code}")
                return
            data = health.json()
            seen.append((data["assets"], data["edges"]))

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    place = tmp_path / "target" / "manifest.json"
    manifest = json.loads(place.read_text())
    forgotten = manifest["nodes"].pop("model.shop.forgotten")
    for turn in range(4):
        if turn % 2:
            manifest["nodes"]["model.shop.forgotten"] = forgotten
        else:
            manifest["nodes"].pop("model.shop.forgotten", None)
        place.write_text(json.dumps(manifest))
        results = Project.open(tmp_path).sync(evaluate=False)
        assert not any(r.error for r in results)
        expected = Project.open(tmp_path).graph()
        state = (len(expected.assets), len(expected.edges[0]))
        deadline = time.monotonic() + 30
        while state not in seen[-8:] and not failed:
            assert time.monotonic() < deadline, "no reader saw what was synced"
            time.sleep(0.01)
    done.set()
    for reader in readers:
        reader.join(timeout=30)
    assert failed == []
    assert len(set(seen)) == len({assets for assets, _ in seen}) == 2
