"""Facets: what makes two versions of a node differ, and what does not."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headway.connectors.dbt.connector import Dbt
from headway.connectors.protocol import Context
from headway.graph.model import Facets
from shop import manifest

ORDERS = "dbt:model.shop.orders"


def written(tmp_path: Path, content: dict[str, Any], **options: Any) -> list[Facets]:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(content))
    context = Context(str(tmp_path), datetime(2026, 11, 22, tzinfo=UTC), {})
    records = Dbt({"manifest": str(path), **options}, context).records()
    return [r for r in records if isinstance(r, Facets)]


def full() -> dict[str, Any]:
    """The shop with SQL, a macro that calls another, a contract, a seed, tests and a metric's parameters."""
    shop = manifest()
    orders = shop["nodes"]["model.shop.orders"]
    orders |= {
        "raw_code": "select id, amount\nfrom raw where status = 'paid  late'",
        "unrendered_config": {"materialized": "table", "tags": ["daily"], "meta": {"owner": "x"}},
        "columns": {"amount": {"name": "amount", "data_type": "int", "constraints": [], "description": "Net."}},
        "contract": {"enforced": True, "checksum": "1"},
        "constraints": [],
    }
    orders["depends_on"]["macros"] = ["macro.shop.euros", "macro.dbt.is_incremental"]
    shop["macros"] = {
        "macro.shop.euros": macro("euros", "shop", "{{ rounded(x) }}", "macro.shop.rounded"),
        "macro.shop.rounded": macro("rounded", "shop", "round({{ x }}, 2)"),
        "macro.dbt.is_incremental": macro("is_incremental", "dbt", "..."),
    }
    shop["nodes"]["seed.shop.plans"] = {
        "unique_id": "seed.shop.plans",
        "name": "plans",
        "resource_type": "seed",
        "checksum": {"name": "sha256", "checksum": "aa"},
    }
    shop["metrics"]["metric.shop.revenue"] |= {
        "type_params": {"expr": "sum(amount)", "input_measures": [1]},
        "filter": {"where_filters": [{"where_sql_template": "status = 1"}]},
    }
    return shop


def macro(name: str, package: str, code: str, *calls: str) -> dict[str, Any]:
    return {"name": name, "package_name": package, "macro_sql": code, "depends_on": {"macros": list(calls)}}


def digests(tmp_path: Path, content: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {f.node: f.digests for f in written(tmp_path, content, facets=True)}


def test_they_are_given_only_when_asked_for(tmp_path: Path) -> None:
    assert written(tmp_path, full()) == []
    assert ORDERS in digests(tmp_path, full())


def test_the_facets_of_each_kind_of_node(tmp_path: Path) -> None:
    found = digests(tmp_path, full())
    parts = {"SQL", "config", "contract", "column amount", "macro euros", "macro rounded", "test not_null_orders"}
    assert set(found[ORDERS]) == parts
    assert set(found["dbt:seed.shop.plans"]) == {"data", "config"}
    assert set(found["dbt:metric.shop.revenue"]) == {"definition", "filter"}
    assert set(found["dbt:source.shop.raw.raw_orders"]) == {"source"}


def test_no_text_of_the_project_is_in_a_digest(tmp_path: Path) -> None:
    values = {d for facets in digests(tmp_path, full()).values() for d in facets.values()}
    assert all(len(d) == 16 and int(d, 16) >= 0 for d in values)


CHANGES = [
    ("nodes/model.shop.orders/raw_code", "select id, 2 * amount from raw", {"SQL"}),
    ("nodes/model.shop.orders/raw_code", "select id, amount\nfrom raw where status = 'paid late'", {"SQL"}),
    ("nodes/model.shop.orders/raw_code", "select id,\n    amount from raw  where status = 'paid  late'", set()),
    ("nodes/model.shop.orders/unrendered_config/materialized", "view", {"config"}),
    ("nodes/model.shop.orders/unrendered_config/tags", ["weekly"], set()),
    ("nodes/model.shop.orders/description", "Other words.", set()),
    ("nodes/model.shop.orders/relation_name", '"dev"."main"."orders"', set()),
    ("nodes/model.shop.orders/created_at", 12.5, set()),
    ("nodes/model.shop.orders/columns/amount/data_type", "text", {"column amount"}),
    ("nodes/model.shop.orders/columns/amount/description", "Gross.", set()),
    ("nodes/model.shop.orders/constraints", [{"type": "primary_key", "columns": ["id"]}], {"contract"}),
    ("macros/macro.shop.rounded/macro_sql", "round({{ x }}, 0)", {"macro rounded"}),
    ("macros/macro.dbt.is_incremental/macro_sql", "other", set()),
    ("nodes/test.shop.not_null_orders/unrendered_config", {"severity": "warn"}, {"test not_null_orders"}),
]


@pytest.mark.parametrize(("path", "value", "expected"), CHANGES, ids=lambda v: v if isinstance(v, str) else "")
def test_exactly_what_changed_differs(tmp_path: Path, path: str, value: object, expected: set[str]) -> None:
    before, after = full(), copy.deepcopy(full())
    place: Any = after
    *folders, last = path.split("/")
    for name in folders:
        place = place[name]
    place[last] = value
    was, now = digests(tmp_path, before), digests(tmp_path, after)
    differ = {f for f in {*was[ORDERS], *now[ORDERS]} if was[ORDERS].get(f) != now[ORDERS].get(f)}
    assert differ == expected
    assert {n for n in was if was[n] != now[n]} == ({ORDERS} if expected else set())


def test_a_metric_s_inputs_that_releases_fill_differently_are_left_out(tmp_path: Path) -> None:
    other = full()
    other["metrics"]["metric.shop.revenue"]["type_params"]["input_measures"] = [2]
    assert digests(tmp_path, other) == digests(tmp_path, full())


def test_a_large_seed_has_no_digest_of_its_data(tmp_path: Path) -> None:
    shop = full()
    shop["nodes"]["seed.shop.plans"]["checksum"] = {"name": "path", "checksum": "seeds/plans.csv"}
    assert set(digests(tmp_path, shop)["dbt:seed.shop.plans"]) == {"config"}


@pytest.mark.parametrize("odd", [None, 7, [], "x", {"a": []}, [[{}]]])
def test_odd_shapes_break_nothing(tmp_path: Path, odd: object) -> None:
    shop = full()
    names = ("columns", "unrendered_config", "constraints", "checksum", "freshness", "test_metadata", "raw_code")
    for uid in shop["nodes"]:
        shop["nodes"][uid] |= dict.fromkeys(names, odd)
    shop["macros"]["macro.shop.euros"]["macro_sql"] = odd
    shop["metrics"]["metric.shop.revenue"] |= {"filter": odd, "type_params": odd}
    assert ORDERS in digests(tmp_path, shop)
