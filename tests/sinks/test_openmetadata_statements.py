"""Under which names OpenMetadata is told of goals and assets, and what headway.yml may say of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ConfigError, MissingExtra
from headway.graph.model import Node
from headway.sinks import openmetadata
from headway.sinks.catalog import CatalogAsset, CatalogGoal, Head
from headway.sinks.openmetadata import OpenMetadata
from headway.sinks.openmetadata_shapes import Names, fit, linked, quoted
from headway.sinks.openmetadata_statements import KEY_RESULTS, goal_paths
from headway.sinks.protocol import Setting

SETTING = Setting(".", datetime(2026, 11, 22, tzinfo=UTC), {"OPENMETADATA_JWT_TOKEN": "s3cret"})


def goal(name: str, above: str = "", **more: Any) -> CatalogGoal:
    kind = "key_result" if above else "objective"
    return CatalogGoal(**{
        "id": f"goal:{kind}.{name}", "kind": kind, "name": name, "title": name, "description": "", "objective": above,
        **more,
    })  # fmt: skip


GROW = goal("grow")
MRR = goal("grow.mrr", GROW.id)


def asset(node_id: str, *more: str, kind: str = "dashboard", relation: str = "", url: str = "") -> CatalogAsset:
    node = Node(id=node_id, kind=kind, name=node_id, relation=relation, url=url)
    return CatalogAsset(node=node, ids=(node_id, *more), objectives=(GROW.id,), key_results=(MRR.id,))


def said(*assets: CatalogAsset, goals: tuple[CatalogGoal, ...] = (GROW, MRR), **options: Any) -> list[dict[str, Any]]:
    services = {tool: f"{tool}_prod" for tool in ("superset", "metabase", "looker", "tableau", "powerbi", "lightdash")}
    told = {"service": "snow", "services": services, **options}
    return [dict(one.said) for one in OpenMetadata(told, SETTING).statements(Head(goals, assets))]


def places(*assets: CatalogAsset, **options: Any) -> list[Any]:
    return [(one["kind"], one["places"]) for one in said(*assets, **options) if one["what"] == "asset"]


@pytest.mark.parametrize(
    ("node_id", "kind", "url", "expected"),
    [
        ("metabase:dashboard.12", "dashboard", "", ("dashboard", ["metabase_prod.12"])),
        ("metabase:chart.7", "chart", "", ("chart", ["metabase_prod.7"])),
        ("lightdash:chart.0b5a", "chart", "", ("chart", ["lightdash_prod.0b5a"])),
        ("powerbi:dashboard.e3c1", "dashboard", "", ("dashboard", ["powerbi_prod.e3c1"])),
        ("looker:dashboard.sales::weekly", "dashboard", "", ("dashboard", ["looker_prod.sales_weekly"])),
        ("tableau:dashboard.9f", "dashboard", "", ("chart", ["tableau_prod.9f"])),
        ("tableau:chart.1a", "chart", "", ("chart", ["tableau_prod.1a"])),
        ("superset:dashboard.u", "dashboard", "http://b.x/superset/dashboard/12/", ("dashboard", ["superset_prod.12"])),
        ("superset:chart.u", "chart", "https://bi.x/explore/?slice_id=34", ("chart", ["superset_prod.34"])),
    ],
)  # fmt: skip
def test_things_of_bi_tools_have_the_names_that_openmetadatas_connectors_give_them(
    node_id: str, kind: str, url: str, expected: Any
) -> None:
    assert places(asset(node_id, kind=kind, url=url)) == [expected]


@pytest.mark.parametrize(
    "one",
    [
        asset("superset:dashboard.u", url="https://bi.x/superset/dashboard/sales/"),
        asset("looker:chart.3", kind="chart"),
        asset("metabase:dataset.3", kind="dataset"),
        asset("hex:dashboard.3"),
        asset("dbt:exposure.shop.board"),
        asset("dbt:metric.shop.mrr", kind="metric"),
        asset("dbt:model.shop.ephemeral", kind="model"),
    ],
)
def test_what_has_no_name_there_is_not_told_of(one: CatalogAsset) -> None:
    assert places(one) == []


def test_an_exposure_that_is_a_dashboard_of_a_tool_is_that_dashboard() -> None:
    assert places(asset("dbt:exposure.shop.board", "metabase:dashboard.12")) == [("dashboard", ["metabase_prod.12"])]


def test_tables_are_looked_for_as_written_and_in_the_cases_of_warehouses() -> None:
    orders = asset("dbt:model.s.orders", kind="model", relation="db.Main.orders")
    assert places(orders) == [("table", ["snow.db.Main.orders", "snow.DB.MAIN.ORDERS", "snow.db.main.orders"])]
    bare = asset("dbt:model.s.orders", kind="model", relation="main.orders")
    assert places(bare)[0][1][0] == "snow.default.main.orders"
    assert places(bare, database="lake")[0][1][0] == "snow.lake.main.orders"
    assert places(orders, service="") == []
    assert places(orders, service="my.snow")[0][1][0] == '"my.snow".db.Main.orders'


def test_two_nodes_of_one_table_are_one_asset_with_what_both_serve() -> None:
    care = goal("care")
    nps = goal("care.nps", care.id)
    one = asset("dbt:model.a.orders", kind="model", relation="db.main.orders")
    two = asset("dbt:source.b.raw.orders", kind="source", relation="db.main.orders")
    two = CatalogAsset(node=two.node, ids=two.ids, objectives=(care.id,), key_results=(nps.id, MRR.id))
    told = [t for t in said(one, two, goals=(GROW, MRR, care, nps)) if t["what"] == "asset"]
    assert len(told) == 1
    assert [label["fqn"].rpartition(".")[2] for label in told[0]["labels"]] == ["grow", "care", "grow_mrr", "care_nps"]


def test_assets_that_serve_nothing_are_not_said_so_that_they_are_taken_back() -> None:
    node = Node(id="dbt:model.s.idle", kind="model", name="idle", relation="db.main.idle")
    assert places(CatalogAsset(node=node, ids=(node.id,))) == []


def test_properties_are_only_made_for_kinds_of_assets_that_there_are() -> None:
    kinds = {one["kind"] for one in said(asset("metabase:dashboard.1")) if one["what"] == "property"}
    assert kinds == {"dashboard"}
    assert [one for one in said(asset("metabase:chart.1", kind="chart")) if one["what"] == "property"] == []


def test_an_asset_of_very_many_goals_stays_within_what_the_ledger_holds() -> None:
    above = [goal(f"o{n}") for n in range(300)]
    below = [goal(f"o{n}.k", f"goal:objective.o{n}", url=f"https://x.example/{n}") for n in range(300)]
    node = Node(id="dbt:model.s.all", kind="model", name="all", relation="db.main.all")
    everything = CatalogAsset(
        node=node, ids=(node.id,), objectives=tuple(g.id for g in above), key_results=tuple(g.id for g in below)
    )
    one = next(t for t in said(everything, goals=(*above, *below)) if t["what"] == "asset")
    assert len(one["labels"]) == 100
    assert one["properties"][KEY_RESULTS].endswith("- and 200 more")
    assert len(json.dumps(one)) < 60_000


def test_a_title_cannot_break_out_of_its_link() -> None:
    assert linked("a](https://evil.example) [b", "https://x.example/(1)") == (
        r"[a\](https://evil.example) \[b](https://x.example/%281%29)"
    )


NAMES = st.text(max_size=300)


@given(NAMES)
def test_any_name_fits(name: str) -> None:
    fitting = fit(name)
    assert 0 < len(fitting) <= 256
    assert "::" not in fitting
    assert not re.search(r'[\x00-\x1f"/\\%;]', fitting)
    assert fit(fitting) == fitting
    assert quoted(fitting).strip('"') == fitting


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=12))
def test_no_two_goals_have_one_name_whatever_its_case(named: list[tuple[str, bool]]) -> None:
    goals: list[CatalogGoal] = []
    for n, (name, below) in enumerate(named):
        above = goals[0].id if below and goals else ""
        goals.append(goal(name, above, id=f"goal:{n}"))
    paths = goal_paths(goals)
    assert set(paths) == {g.id for g in goals}
    own = [path[-1].casefold() for path in paths.values()]
    assert len(own) == len(set(own))
    fqns = [Names("glossary", "Goals").fqn(path) for path in paths.values()]
    assert len(fqns) == len(set(fqns))


def test_goals_that_differ_in_case_or_in_a_dot_only_are_told_apart() -> None:
    paths = goal_paths((goal("a.b"), goal("A_B"), goal("a_b")))
    assert [path[0][:3].casefold() for path in paths.values()] == ["a_b"] * 3
    assert len({path[0].casefold() for path in paths.values()}) == 3


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"as": "topics"}, "as is one of glossary, tags, domains"),
        ({"key_results": "some"}, "key_results is true or false"),
        ({"services": ["superset"]}, "services must say which service is which tool"),
        ({"services": {"superset": 5}}, "services must say which service is which tool"),
        ({"group": 5}, "group must be a text"),
        ({"group": "a\nb"}, "group must be a text"),
        ({"servise": "x"}, "cannot have servise"),
        ({"token": "eyJ-secret"}, "cannot have token"),
        ({"url": "ftp://x"}, "is not one of a server"),
        ({"url": "https://me:eyJ-secret@x.example"}, "has credentials in it"),
    ],
)
def test_what_cannot_be_configured_is_told_without_saying_what_stood_there(
    options: Mapping[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)) as error:
        OpenMetadata(options, SETTING)
    assert "secret" not in f"{error.value} {error.value.hint}"


def test_without_url_token_or_extra_one_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="has no url"):
        list(OpenMetadata({}, SETTING).deliver([], dry_run=True))
    unknown = Setting(".", SETTING.now, {})
    with pytest.raises(ConfigError, match="needs OPENMETADATA_JWT_TOKEN"):
        list(OpenMetadata({"url": "https://x.example"}, unknown).deliver([], dry_run=True))
    monkeypatch.setattr(openmetadata, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="openmetadata"):
        list(OpenMetadata({"url": "https://x.example"}, SETTING).deliver([], dry_run=True))


def test_the_address_may_be_given_with_or_without_that_of_its_api() -> None:
    for url in ("https://x.example", "https://x.example/api", "https://x.example/api/v1/"):
        assert OpenMetadata({"url": url}, SETTING).place.startswith("https://x.example")


def test_saying_it_loads_no_library_for_http() -> None:
    script = (
        "import sys, headway.sinks.openmetadata as m, datetime\n"
        "from headway.sinks.protocol import Setting\n"
        "from headway.sinks.catalog import Head\n"
        "m.OpenMetadata({}, Setting('.', datetime.datetime.now(datetime.UTC))).statements(Head((), ()))\n"
        "sys.exit('httpx' in sys.modules or 'requests' in sys.modules)\n"
    )
    import subprocess

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
