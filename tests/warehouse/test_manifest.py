"""What is taken from dbt's artifacts: models by name, the closure of metrics, and clear words for broken files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from headway.errors import InputError
from headway.warehouse.manifest import Manifest, is_legacy, pruned

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HEADWAY_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture
def manifest(project: Path) -> Manifest:
    return Manifest(project / "manifest.json")


def names(semantic: dict[str, Any], section: str) -> list[str]:
    return sorted(item["name"] for item in semantic[section])


def test_models_by_name_and_version(manifest: Manifest) -> None:
    assert manifest.model("orders") == '"main"."orders"'
    assert manifest.model("accounts") == '"main"."customers"', "the latest version"
    assert manifest.model("accounts.v1") == '"main"."accounts_v1"'


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("order", "there is no model called 'order' (did you mean orders?)"),
        ("accounts.v7", "there is no model called 'accounts.v7'"),
        ("passing", "the model 'passing' is ephemeral: it has no table"),
    ],
)
def test_a_model_that_cannot_be_read(manifest: Manifest, name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        manifest.model(name)
    assert said in str(caught.value)


def test_a_name_that_two_packages_use(tmp_path: Path) -> None:
    node = {"name": "orders", "resource_type": "model", "relation_name": "x"}
    document = {"metadata": {}, "nodes": {"model.a.orders": node, "model.b.orders": node}}
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="2 models are called 'orders'"):
        Manifest(tmp_path / "manifest.json").model("orders")


def test_an_unknown_metric_names_the_nearest(manifest: Manifest) -> None:
    with pytest.raises(InputError, match="did you mean revenue"):
        manifest.metric("revenu")


@pytest.mark.parametrize(
    ("wanted", "metrics"),
    [
        ("revenue", ["revenue"]),
        ("average_order", ["average_order", "orders", "revenue"]),
        ("revenue_growth", ["revenue", "revenue_growth"]),
        ("revenue_of_big_customers", ["orders", "revenue_of_big_customers"]),
        ("visit_conversion", ["visit_conversion"]),
    ],
)
def test_the_metrics_that_a_metric_is_made_of(manifest: Manifest, wanted: str, metrics: list[str]) -> None:
    assert names(manifest.semantic([wanted]), "metrics") == metrics


def test_models_that_a_filter_may_reach_stay(manifest: Manifest) -> None:
    assert names(manifest.semantic(["pro_revenue"]), "semantic_models") == ["customers", "orders", "plans"]
    assert names(manifest.semantic(["visit_conversion"]), "semantic_models") == [
        "customers", "orders", "plans", "visits",
    ]  # fmt: skip


def test_inputs_of_every_kind_are_followed() -> None:
    def metric(name: str, **params: object) -> dict[str, object]:
        return {"name": name, "type_params": params}

    semantic = {
        "metrics": [
            metric("top", metrics=[{"name": "ratio"}, {"name": "conv"}], input_measures=[{"name": "stray"}]),
            metric("ratio", numerator={"name": "num"}, denominator={"name": "cum"}),
            metric("cum", cumulative_type_params={"metric": {"name": "simple"}}),
            metric("conv", conversion_type_params={"base_metric": {"name": "b"}, "conversion_metric": {"name": "c"}}),
            metric("num", measure={"name": "m", "filter": {"where_filters": [
                {"where_sql_template": "{{ Metric(\"in_filter\", group_by=['x']) }} > 1"}]}}),
            metric("simple", metric_aggregation_params={"semantic_model": "by_name", "agg": "sum"}),
            *(metric(n) for n in ("b", "c", "in_filter", "stray", "other")),
        ],
        "semantic_models": [
            {"name": "by_measure", "measures": [{"name": "m"}], "entities": [{"name": "e", "type": "foreign"}]},
            {"name": "by_name", "measures": [], "entities": []},
            {"name": "joined", "entities": [{"name": "e", "type": "unique"}, {"name": "f", "type": "foreign"}]},
            {"name": "joined_further", "primary_entity": "f", "entities": []},
            {"name": "apart", "entities": [{"name": "e", "type": "foreign"}]},
        ],
    }  # fmt: skip
    kept = pruned(semantic, ["top"])
    assert names(kept, "metrics") == sorted(["top", "ratio", "cum", "conv", "num", "simple", "b", "c", "in_filter"])
    assert names(kept, "semantic_models") == ["by_measure", "by_name", "joined", "joined_further"]


def test_metrics_that_are_made_of_each_other_end() -> None:
    semantic = {"metrics": [{"name": n, "type_params": {"metrics": [{"name": m}]}} for n, m in ("ab", "ba")]}
    assert names(pruned(semantic, ["a"]), "metrics") == ["a", "b"]


def test_the_semantic_manifest_beside_it_is_used_when_it_knows_the_metric(project: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes((project / "manifest.json").read_bytes())
    beside = {"metrics": [{"name": "revenue", "type_params": {}, "marked": True}], "semantic_models": []}
    (tmp_path / "semantic_manifest.json").write_text(json.dumps(beside))
    manifest = Manifest(tmp_path / "manifest.json")
    assert manifest.semantic(["revenue"])["metrics"][0]["marked"] is True
    assert names(manifest.semantic(["orders"]), "metrics") == ["orders"], "a stale one is passed over"


def test_the_time_spine_is_rebuilt(manifest: Manifest) -> None:
    spines = manifest.semantic(["revenue"])["project_configuration"]["time_spines"]
    assert spines[0]["primary_column"] == {"name": "date_day", "time_granularity": "day"}
    assert spines[0]["node_relation"]["relation_name"] == '"main"."days"'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not a dbt manifest"),
        (b"{", "is not a dbt manifest"),
        (b"[]", "is not a dbt manifest"),
        (b"\xff\xfe\x00", "is not a dbt manifest"),
        (b'{"metadata": {}, "nodes": []}', "is not a dbt manifest"),
        (b'{"metadata": {}, "nodes": {"a": {"name": [], "resource_type": 1}}}', "is not a dbt manifest"),
        (b'{"metadata": {}, "nodes": {}, "metrics": {"m": ' + b"[" * 100_000, "is not a dbt manifest"),
        (b'{"nodes": {}}', "is not a dbt manifest"),
    ],
)
def test_a_broken_manifest(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(InputError, match=said) as caught:
        Manifest(tmp_path / "manifest.json")
    assert "manifest.json" in str(caught.value)


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        (("metrics", "metric.shop.revenue", "name"), 7),
        (("metrics", "metric.shop.revenue", "type_params"), "many"),
        (("metrics", "metric.shop.revenue", "type_params", "measure"), "revenue"),
        (("metrics", "metric.shop.revenue", "type_params", "measure"), [1]),
        (("metrics", "metric.shop.revenue_growth", "type_params", "metrics"), {"a": 1}),
        (("metrics", "metric.shop.revenue_growth", "type_params", "metrics", 0), "revenue"),
        (("metrics", "metric.shop.revenue_growth", "type_params", "metrics", 1, "offset_window"), "1 month"),
        (("metrics", "metric.shop.revenue_to_date", "type_params", "cumulative_type_params"), [3]),
        (("semantic_models", "semantic_model.shop.orders", "measures"), 3),
        (("semantic_models", "semantic_model.shop.orders", "dimensions"), ["ordered_at"]),
        (("semantic_models", "semantic_model.shop.orders", "defaults"), "ordered_at"),
        (("semantic_models", "semantic_model.shop.orders", "node_relation"), "orders"),
        (("semantic_models", "semantic_model.shop.orders", "entities"), [[]]),
    ],
)
def test_a_metric_of_another_shape_is_said_with_its_place(
    project: Path, tmp_path: Path, where: tuple[str | int, ...], broken: object
) -> None:
    document = json.loads((project / "manifest.json").read_text())
    *path, last = where
    inside: Any = document
    for step in path:
        inside = inside[step]
    inside[last] = broken
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"manifest\.json: this is not a dbt manifest: Expected `.*`, got `.*` - at"):
        Manifest(tmp_path / "manifest.json").semantic(["revenue"])


def test_a_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        Manifest(tmp_path / "manifest.json")
    with pytest.raises(InputError, match="cannot be read"):
        Manifest(tmp_path)


@pytest.mark.parametrize("version", range(4, 13))
def test_real_manifests_of_every_version_that_has_metrics(version: int) -> None:
    path = SHARED / "dbt_versions" / "state_fixtures" / f"v{version}.json"
    if not path.exists():
        pytest.skip(f"no shared data at {SHARED}")
    manifest = Manifest(path)
    assert len(manifest.metrics) == (1 if version < 10 else 4)
    assert all(is_legacy(m) == (version < 10) for m in manifest.metrics.values())
    assert manifest.model("my_model").endswith('."my_model"')
