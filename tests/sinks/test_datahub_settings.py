"""What headway.yml may say of DataHub, and what is said without its SDK."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.shop import SETTINGS, write_shop

from headway.cli.main import run
from headway.errors import ConfigError, MissingExtra
from headway.sinks.catalog import CatalogGoal, CatalogLink, Head
from headway.sinks.datahub import DataHub
from headway.sinks.datahub_said import LONGEST_TEXT, plain, statements
from headway.sinks.datahub_settings import Settings
from headway.sinks.protocol import Setting

SETTING = Setting(".", datetime(2026, 11, 22, tzinfo=UTC), {"DATAHUB_GMS_TOKEN": "s3cret"})


def settings(**options: Any) -> Settings:
    return Settings.of(options, {})


def goal(name: str, **more: Any) -> CatalogGoal:
    kind = "key_result" if "." in name else "objective"
    told = {"title": name.upper(), "description": f"About {name}."}
    return CatalogGoal(**{"id": f"goal:{kind}.{name}", "kind": kind, "name": name, **told, **more})  # type: ignore[arg-type]


GROW = goal("grow", owner="sales-team", status="on pace", url="https://headway.example/grow")
MRR = goal("grow.mrr", objective=GROW.id, links=(CatalogLink("Bundles", "https://tracker.example/7"),))
MORE = goal("more", objective=GROW.id)
HEAD = Head((GROW, MRR, MORE), ())


def said(head: Head, **options: Any) -> dict[str, Any]:
    return {one.key.removeprefix("urn:li:"): one.said for one in statements(head, settings(**options))}


def test_without_the_sdk_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "datahub.metadata.schema_classes", None)
    with pytest.raises(MissingExtra, match=r"headway\[datahub\]"):
        DataHub({}, SETTING)
    shop = write_shop(tmp_path, settings=SETTINGS + "catalogs: {datahub: {}}\n")
    assert run(["export", "datahub", "--project-dir", str(shop)]) == 2
    assert "headway[datahub]" in capsys.readouterr().err


def test_a_catalog_that_is_not_configured_says_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "datahub", "--project-dir", str(write_shop(tmp_path))]) == 2
    assert "catalogs: {datahub: {}} in headway.yml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"servr": "x"}, "no option 'servr'.*did you mean server"),
        ({"token": "abc"}, "does not stand in a file"),
        ({"as": "terms"}, "none of glossary, tags and domains"),
        ({"as": 3}, "as must be a text"),
        ({"urns": "all"}, "none of dbt, warehouse and both"),
        ({"urns": "both"}, "need its name in DataHub"),
        ({"urns": "warehouse"}, "need its name in DataHub"),
        ({"env": "PROD)"}, "env is no name"),
        ({"prefix": ""}, "prefix is no name"),
        ({"prefix": "a/b"}, "prefix is no name"),
        ({"platform": "snow flake"}, "platform is no name"),
        ({"platform_instance": "a,b", "platform": "x"}, "platform_instance is no name"),
        ({"instances": {"dbt": 3}}, "instances.dbt is no name"),
        ({"instances": ["dbt"]}, "instances must be a mapping"),
        ({"lowercase": "yes"}, "lowercase must be true or false"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Settings.of(options, {})
    assert "abc" not in str(caught.value)


def test_tables_of_the_warehouse_are_told_once_its_platform_is_known() -> None:
    assert (settings().of_dbt, settings().of_warehouse) == (True, False)
    both = settings(platform="snowflake")
    assert (both.of_dbt, both.of_warehouse) == (True, True)
    only = settings(platform="snowflake", urns="warehouse")
    assert (only.of_dbt, only.of_warehouse) == (False, True)


def test_the_server_comes_from_the_file_or_the_environment() -> None:
    assert Settings.of({}, {"DATAHUB_GMS_URL": " https://a.example "}).server == "https://a.example"
    assert Settings.of({"server": "https://b.example"}, {"DATAHUB_GMS_URL": "https://a.example"}).server.endswith(
        "b.example"
    )


def test_objectives_are_terms_of_a_group_and_contain_what_belongs_under_them() -> None:
    found = said(HEAD)
    assert list(found) == [
        "structuredProperty:headway.objectives", "structuredProperty:headway.key_results",
        "glossaryNode:headway.goals", "glossaryNode:headway.key_results",
        "glossaryTerm:headway.grow", "glossaryTerm:headway.grow.mrr", "glossaryTerm:headway.more",
    ]  # fmt: skip
    grow, mrr = found["glossaryTerm:headway.grow"], found["glossaryTerm:headway.grow.mrr"]
    assert grow["contains"] == ["urn:li:glossaryTerm:headway.grow.mrr", "urn:li:glossaryTerm:headway.more"]
    assert grow["above"] == "urn:li:glossaryNode:headway.goals"
    assert mrr["above"] == "urn:li:glossaryNode:headway.key_results"
    assert grow["owners"] == ["urn:li:corpGroup:sales-team"]
    assert (grow["page"], grow["links"]) == (GROW.url, {GROW.url: "How it stands"})
    assert grow["known"] == {"id": "grow", "kind": "objective", "status": "on pace"}
    # A page of something else is a link, but not where the goal comes from.
    assert (mrr["page"], mrr["links"]) == ("", {"https://tracker.example/7": "Bundles"})


def test_as_tags_there_are_no_groups_and_nothing_that_tags_cannot_have() -> None:
    found = said(HEAD, **{"as": "tags"})
    assert [key for key in found if "Property" not in key] == [
        "tag:headway.grow",
        "tag:headway.grow.mrr",
        "tag:headway.more",
    ]
    assert [(one["links"], one["contains"], one["above"]) for one in list(found.values())[2:]] == [({}, [], "")] * 3


def test_as_domains_objectives_lie_below_one_another_and_key_results_are_none() -> None:
    found = said(HEAD, **{"as": "domains"}, group="Where we go", prefix="acme")
    assert [key for key in found if "Property" not in key] == [
        "domain:acme.goals",
        "domain:acme.grow",
        "domain:acme.more",
    ]
    assert found["domain:acme.goals"]["title"] == "Where we go"
    assert found["domain:acme.grow"]["above"] == "urn:li:domain:acme.goals"
    assert found["domain:acme.more"]["above"] == "urn:li:domain:acme.grow"


@pytest.mark.parametrize(
    ("owner", "urn"),
    [
        ("", []),
        ("jo@shop.example", []),
        ("@acme/data team", ["urn:li:corpGroup:data team"]),
        ("Größe", ["urn:li:corpGroup:Größe"]),
        ("a\nb", []),
        ("a,b)", ["urn:li:corpGroup:a%2Cb%29"]),
        ("x" * 201, []),
    ],
)
def test_owners_are_groups_and_never_a_persons_address(owner: str, urn: list[str]) -> None:
    found = said(Head((goal("a", owner=owner),), ()))
    assert found["glossaryTerm:headway.a"]["owners"] == urn


def test_names_of_other_tools_and_other_alphabets_fit_a_urn() -> None:
    assert plain("asana:12.number") == "asana:12.number"
    assert plain("a/b (c),\u00fc\n\ud800") == "a%2Fb%20%28c%29%2C%C3%BC%0A%3F"
    assert plain("a/b") != plain("a%2Fb")


def test_long_texts_and_links_are_bounded() -> None:
    huge = goal("a", title="t" * 999, description="d" * 99_999, url="https://x.example/" + "u" * 999)
    found = said(Head((huge,), ()))["glossaryTerm:headway.a"]
    assert (len(found["title"]), len(found["text"]), found["links"], found["page"]) == (200, LONGEST_TEXT, {}, "")
