"""One reader for every manifest dbt has written: v1 to v12 and dbt 2, checked against what each says of itself."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_project import NOW, edges, gaps, of

from headway.connectors.dbt.connector import Dbt
from headway.connectors.protocol import Context
from headway.graph.model import Check, Gap, Node

_HERE = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("HEADWAY_SHARED_DATA", _HERE / "../shared/data")).resolve()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded artifacts: {DATA} is absent")

JAFFLE = {"model": 13, "source": 6, "semantic_model": 6, "saved_query": 3}
FIXTURE = {"model": 2, "snapshot": 1, "seed": 1, "source": 1, "dashboard": 1, "metric": 4, "semantic_model": 1}
LEGACY = {"model": 1, "snapshot": 1, "seed": 1, "source": 1, "dashboard": 1, "metric": 1}

# file: enabled nodes by kind, disabled nodes, edges between nodes, tests of either kind
EXPECTED: dict[str, tuple[dict[str, int], int, int, int]] = {
    "dbt_versions/manifest/v1/manifest.json": ({"model": 8, "seed": 3}, 0, 12, 21),
    "dbt_versions/manifest/v2/manifest.json": ({"model": 8, "seed": 3}, 0, 12, 21),
    "dbt_versions/manifest/v3/manifest.json": ({"model": 8, "seed": 3}, 0, 12, 20),
    "dbt_versions/manifest/v4/manifest.json": ({"model": 5, "seed": 3}, 1, 5, 20),
    "dbt_versions/manifest/v5/manifest.json": ({"model": 25, "seed": 3, "source": 6}, 0, 28, 20),
    "dbt_versions/manifest/v6/manifest.json": ({"model": 5, "seed": 3}, 0, 8, 20),
    "dbt_versions/manifest/v7/manifest.json": ({"model": 5, "seed": 3}, 0, 8, 20),
    "dbt_versions/manifest/v8/manifest.json": ({"model": 5, "seed": 3}, 0, 8, 20),
    "dbt_versions/manifest/v8_at_1_4_3/manifest.json": ({"model": 7, "seed": 3}, 0, 8, 21),
    "dbt_versions/manifest/v9_at_1.5rc1/manifest.json": ({"model": 34, "seed": 3}, 0, 31, 21),
    "dbt_versions/manifest/v10/manifest.json": ({"model": 6, "seed": 3}, 0, 8, 20),
    "dbt_versions/manifest/v11/manifest.json": ({"model": 35, "seed": 3}, 0, 33, 20),
    "dbt_versions/manifest/v12/manifest_1.8.json": ({"model": 36, "seed": 3}, 0, 39, 20),
    "dbt_versions/manifest/v12/manifest_1.9.json": ({"model": 36, "seed": 3}, 0, 39, 20),
    "dbt_versions/manifest/v12/manifest_1.10.json": ({**JAFFLE, "metric": 19}, 6, 57, 30),
    "dbt_versions/manifest/v12/manifest_1.11.json": ({**JAFFLE, "metric": 19, "seed": 7}, 0, 57, 30),
    "dbt_versions/manifest/v12/manifest_1.12.json": ({**JAFFLE, "metric": 23, "seed": 6}, 0, 61, 30),
    "dbt_versions/dbt_2_0/manifest.json": (
        {
            "model": 38,
            "seed": 3,
            "snapshot": 2,
            "source": 13,
            "metric": 1,
            "semantic_model": 1,
            "dashboard": 1,
            "notebook": 1,
        },
        1,
        65,
        69,
    ),
    "dbt_versions/state_fixtures/v1.json": ({"model": 1}, 0, 0, 0),
    "dbt_versions/state_fixtures/v2.json": ({"model": 1}, 0, 0, 0),
    "dbt_versions/state_fixtures/v3.json": ({"model": 1}, 0, 0, 0),
    "dbt_versions/state_fixtures/v4.json": ({"model": 1, "metric": 1}, 0, 1, 0),
    "dbt_versions/state_fixtures/v5.json": ({"model": 1, "metric": 1}, 0, 1, 0),
    "dbt_versions/state_fixtures/v6.json": ({"model": 1, "metric": 1}, 0, 1, 0),
    "dbt_versions/state_fixtures/v7.json": (LEGACY, 6, 4, 3),
    "dbt_versions/state_fixtures/v8.json": (LEGACY, 6, 4, 3),
    "dbt_versions/state_fixtures/v9.json": (LEGACY, 6, 4, 3),
    "dbt_versions/state_fixtures/v10.json": (FIXTURE, 6, 8, 3),
    "dbt_versions/state_fixtures/v11.json": (FIXTURE, 6, 8, 3),
    "dbt_versions/state_fixtures/v12.json": (FIXTURE, 6, 8, 3),
    "metabase_api/manifest.json": ({"model": 6, "seed": 3, "source": 1, "analysis": 7, "dashboard": 1}, 0, 21, 25),
    "mitodl/manifest.json.gz": ({"model": 669, "seed": 6, "source": 385}, 8, 1668, 3868),
    "tuva/manifest.json.gz": ({"model": 737, "seed": 132}, 507, 1801, 1070),
}

KEPT = frozenset({"model", "seed", "snapshot", "source", "exposure", "metric", "semantic_model", "saved_query"})

# Test result, freshness and catalog files beside the manifests of one version
RESULTS = {
    "v4/manifest.json": "v4/run_results.json",
    "v3/manifest.json": "v3/run_results.json",
    "v12/manifest_1.11.json": "v6/run_results_1.11.json",
}


def recorded(name: str) -> Any:
    """The manifest as plain JSON."""
    content = (DATA / name).read_bytes()
    return json.loads(gzip.decompress(content) if name.endswith(".gz") else content)


def run(name: str) -> list[Any]:
    return list(Dbt({"manifest": name}, Context(root=str(DATA), now=NOW)).records())


def test_every_recorded_manifest_is_in_the_table() -> None:
    found = {
        path.relative_to(DATA).as_posix()
        for pattern in ("dbt_versions/**/*.json", "*/manifest.json*")
        for path in DATA.glob(pattern)
        if path.name.startswith("manifest") or path.parent.name == "state_fixtures"
    }
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_nodes_and_edges_are_those_the_manifest_has(name: str) -> None:
    kinds, disabled, edge_count, tests = EXPECTED[name]
    records = run(name)
    nodes = of(records, Node)
    assert Counter(n.kind for n in nodes if not n.disabled) == kinds
    assert sum(n.disabled for n in nodes) == disabled
    found = edges(records)
    assert {evidence for _, _, evidence in found} <= {"declared"}
    assert len(found) == edge_count
    manifest = recorded(name)
    all_tests = {uid: n for uid, n in manifest["nodes"].items() if n["resource_type"] == "test"}
    all_tests |= manifest.get("unit_tests", {})
    assert len(all_tests) == tests
    active = {uid for uid, n in all_tests.items() if n["config"]["enabled"] and n["depends_on"]["nodes"]}
    assert {c.id for c in of(records, Check)} - {c.id for c in of(records, Check) if c.kind == "run"} == active
    said = {
        (above, uid)
        for uid, upstream in manifest["parent_map"].items()
        for above in upstream
        if uid.partition(".")[0] in KEPT and above.partition(".")[0] in KEPT
    }
    assert {(above, uid) for above, uid, _ in found} == said


@pytest.mark.parametrize("name", ["mitodl/manifest.json.gz", "tuva/manifest.json.gz"])
def test_relations_are_unique_in_real_projects(name: str) -> None:
    relations = Counter(n.relation for n in of(run(name), Node) if n.relation and not n.disabled)
    assert len(relations) > 600
    assert [relation for relation, count in relations.items() if count > 1] == []
    assert not any(mark in relation for relation in relations for mark in '"`')


@pytest.mark.parametrize("name", ["dbt_versions/manifest/v12/manifest_1.12.json", "dbt_versions/dbt_2_0/manifest.json"])
def test_nothing_of_a_current_manifest_is_lost(name: str) -> None:
    assert [g.message for g in of(run(name), Gap) if g.topic in ("dbt", "lineage") and "catalog" not in g.message] == []


def test_saved_queries_know_the_table_they_are_written_to() -> None:
    nodes = {n.id: n for n in of(run("dbt_versions/manifest/v12/manifest_1.12.json"), Node)}
    query = nodes["dbt:saved_query.jaffle_shop.order_metrics"]
    assert query.relation == "jaffle_shop.main.order_metrics"
    assert query.meta == {"exports": [{"relation": "jaffle_shop.main.order_metrics", "as": "table"}]}


def copied(folder: Path, manifest: str, results: str) -> list[Any]:
    """A target folder with a manifest and the results that belong to it."""
    folder.joinpath("target").mkdir()
    folder.joinpath("target/manifest.json").write_bytes((DATA / "dbt_versions" / manifest).read_bytes())
    folder.joinpath("target/run_results.json").write_bytes((DATA / "dbt_versions" / results).read_bytes())
    return list(Dbt({}, Context(root=str(folder), now=NOW)).records())


@pytest.mark.parametrize(
    ("manifest", "results", "expected"),
    [
        ("manifest/v1/manifest.json", "run_results/v1/run_results.json", {("run", "pass"): 8, ("test", "not run"): 22}),
        ("manifest/v3/manifest.json", "run_results/v3/run_results.json", {("run", "pass"): 11, ("test", "pass"): 21}),
        (
            "manifest/v4/manifest.json",
            "run_results/v4/run_results.json",
            {("run", "pass"): 7, ("run", "error"): 1, ("test", "pass"): 18},
        ),
        (
            "dbt_2_0/manifest.json",
            "dbt_2_0/run_results.json",
            {
                ("test", "not run"): 23,
                ("test", "pass"): 39,
                ("run", "pass"): 15,
                ("run", "skipped"): 3,
                ("unit_test", "pass"): 4,
            },
        ),
    ],
)
def test_results_of_every_version_are_read(
    tmp_path: Path, manifest: str, results: str, expected: dict[tuple[str, str], int]
) -> None:
    checks = of(copied(tmp_path, manifest, results), Check)
    assert Counter((c.kind, c.status) for c in checks) == expected
    assert all(c.at and c.at.tzinfo for c in checks if c.status != "not run")


def test_a_result_is_dated_by_its_last_phase(tmp_path: Path) -> None:
    checks = of(copied(tmp_path, "dbt_2_0/manifest.json", "dbt_2_0/run_results.json"), Check)
    seed = next(c for c in checks if c.id == "run:seed.dbt_bouncer_test_project.raw_customers")
    assert seed.at == datetime(2026, 8, 20, 13, 47, 12, 161056, tzinfo=UTC)


def test_results_of_docs_generate_say_nothing(tmp_path: Path) -> None:
    records = copied(tmp_path, "manifest/v12/manifest_1.12.json", "run_results/v6/run_results_1.12.json")
    assert {c.status for c in of(records, Check)} == {"not run"}
    assert [g for g in gaps(records, "trust") if "dbt docs generate" in g]
