"""Tables that an earlier sync knew: a dashboard that still reads one is broken, and it is said since when."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from headway.graph.model import AnyRecord, Edge, Node, Origin
from headway.project import Project
from shop import manifest, write_shop

CHART = Node(id="superset:chart.9", kind="chart", name="Weekly", origin=Origin("superset"))
READS = ("wh.attic.old_orders", "crm.public.old_orders", "wh.attic.never_there")


def records() -> list[AnyRecord]:
    edges = [
        Edge(upstream=f"ref:table/{t}", downstream=CHART.id, evidence="matched", origin=CHART.origin) for t in READS
    ]
    return [CHART, *edges]


def synced(folder: Path, day: int) -> Project:
    project = Project.open(folder, environment={})
    project.now = datetime(2026, 11, day, 5, tzinfo=UTC)
    assert not [r for r in project.sync(["dbt"], evaluate=False) if r.error]
    with project.store() as store, store.sync("superset", project.now) as sync:
        sync.write(records())
    return Project.open(folder, environment={})


def with_old(folder: Path, there: bool) -> None:
    made = manifest()
    if there:
        old = {**made["nodes"]["model.shop.orders"], "unique_id": "model.shop.old_orders", "name": "old_orders"}
        made["nodes"]["model.shop.old_orders"] = {**old, "relation_name": '"wh"."attic"."old_orders"'}
    (folder / "target/manifest.json").write_text(json.dumps(made))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = write_shop(tmp_path / "shop")
    with_old(folder, there=True)
    assert "wh.attic.old_orders" not in synced(folder, 10).graph().broken
    with_old(folder, there=False)
    return folder


def test_a_table_that_left_the_project_is_broken_since_the_sync_that_did_not_know_it(shop: Path) -> None:
    synced(shop, 12)
    found = synced(shop, 15).graph().broken
    assert {name: (one.why, one.since) for name, one in found.items()} == {
        "wh.attic.old_orders": ("old_orders built it, and left the dbt project", "2026-11-12")
    }
    answer = Project.open(shop, environment={}).ask("broken")
    assert [row.values[3:6] for row in answer.rows] == [
        ("wh.attic.old_orders", "old_orders built it, and left the dbt project", "2026-11-12")
    ]


def test_what_came_back_is_not_broken_until_it_leaves_again(shop: Path) -> None:
    synced(shop, 12)
    with_old(shop, there=True)
    assert "wh.attic.old_orders" not in synced(shop, 15).graph().broken
    with_old(shop, there=False)
    gone = synced(shop, 18).graph().knew
    assert [(one.node.name, one.since) for one in gone] == [("old_orders", date(2026, 11, 18))]


def test_what_was_known_is_kept_with_the_view_so_that_an_answer_needs_no_store(shop: Path) -> None:
    synced(shop, 12)
    said = Project.open(shop, environment={}).ask("broken").rows
    code = (
        "import sys\nfrom headway.project import Project\n"
        f"rows = Project.open({str(shop)!r}, environment={{}}).ask('broken').rows\n"
        "assert [row.values[5] for row in rows] == ['2026-11-12'], rows\nassert 'sqlalchemy' not in sys.modules"
    )
    assert len(said) == 1
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_files_alone_remember_nothing(shop: Path) -> None:
    project = Project.stateless(manifest=shop / "target/manifest.json", directory=shop)
    assert project.graph().knew == ()
