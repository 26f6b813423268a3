"""Jobs and datasets outside dbt, as a project with them answers, shows and gives them out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from web_site import Site, site

from case_graph import graph_of
from headway.cli.main import run
from headway.project.pages import bands
from headway.project.pages.table import PAGES
from shop import SETTINGS

PG = "postgres://db.example:5432"
SOURCE = "connectors:\n  - {name: openlineage, path: events.jsonl, warehouse: ['" + PG + "']}\n"
LOAD, IDLE = "openlineage:job.flow/load.orders", "openlineage:job.flow/load.idle"
APP = "openlineage:dataset.postgres://app.example:5432/shop.public.orders"


def event(job: str, reads: tuple[str, str], writes: tuple[str, str], state: str = "COMPLETE") -> dict[str, Any]:
    location = {"type": "git", "url": f"https://git.example.com/flow/{job}.py"}
    return {
        "eventTime": datetime.now(UTC).isoformat(),
        "eventType": state,
        "producer": "https://example.com/flow",
        "run": {"runId": job},
        "job": {
            "namespace": "flow",
            "name": job,
            "facets": {
                "ownership": {"owners": [{"name": "team:platform-team"}]},
                "sourceCodeLocation": location,
            },
        },
        "inputs": [{"namespace": reads[0], "name": reads[1]}],
        "outputs": [{"namespace": writes[0], "name": writes[1]}],
    }


EVENTS = [
    event("load.orders", ("postgres://app.example:5432", "shop.public.orders"), (PG, "WH.RAW.RAW_ORDERS"), "FAIL"),
    event("load.idle", (PG, "wh.raw.raw_orders"), (PG, "wh.raw.idle")),
    event("<script>alert(1)</script>", ("s3://a", "x/../../<b>"), ("kafka://b", "t")),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in EVENTS))
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    return site(folder, settings=SETTINGS + SOURCE)


def ask(shop: Site, question: str, **given: Any) -> dict[str, Any]:
    answer = shop.client().get(f"/api/questions/{question}", params=given)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_a_failed_load_is_to_blame_with_its_owner(shop: Site) -> None:
    rows = ask(shop, "trust")["rows"]
    blamed = [(row["node"], row["owner"], row["what"]) for row in rows if row["key_result"] == "Revenue"]
    assert (LOAD, "platform-team", "its last run failed") in blamed


def test_selectors_name_jobs_by_kind_and_by_name(shop: Site) -> None:
    graph = shop.current.now().project.graph()

    def names(selector: str) -> set[str]:
        return {graph.nodes[i].id for i in graph.select(selector)}

    assert {LOAD, IDLE} < names("kind:job")
    assert names("job:load.*") == {LOAD, IDLE}
    assert names("+job:load.orders") == {LOAD, APP}
    assert "dbt:model.shop.orders" in names("job:load.orders+")


def test_what_dbt_runs_knows_no_jobs(shop: Site) -> None:
    assert "load" not in json.dumps(ask(shop, "run-order")["rows"])


def test_a_retirement_leaves_jobs_to_whoever_runs_them(shop: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["retire", "load.idle", "--project-dir", str(shop.folder)]) == 0
    said = capsys.readouterr().err
    assert "announce the job load.idle where it runs by hand: https://git.example.com/flow/load.idle.py" in said
    assert "announce the source wh.raw.idle where it is kept by hand" in said
    assert re.findall(r"^  (\S+): (?:new|changed)", said, re.MULTILINE) == ["retirements.yml"]


@pytest.mark.parametrize("page", [p for p in PAGES if "{" not in p.address], ids=lambda p: p.address)
def test_every_page_shows_a_project_with_jobs(shop: Site, page: Any) -> None:
    answer = shop.client().get(page.address)
    assert answer.status_code == 200
    assert "<script>alert(1)" not in answer.text


@pytest.mark.parametrize("node", [LOAD, IDLE, APP])
@pytest.mark.parametrize("page", ["asset", "lineage"])
def test_a_job_and_a_dataset_have_pages_of_their_own(shop: Site, node: str, page: str) -> None:
    answer = shop.client().get(f"/{page}/{node}")
    assert answer.status_code == 200
    assert "platform-team" in answer.text or node == APP


def test_the_map_draws_jobs_among_what_is_built_and_outside_tables_among_sources(shop: Site) -> None:
    text = json.dumps(shop.client().get("/map.json").json())
    assert "load.orders" in text
    assert "shop.public.orders" in text


def test_a_job_that_loads_stands_among_sources_and_one_that_takes_a_mart_on_above_it() -> None:
    graph = graph_of("""
        source app:orders
        job flow:load < app:orders
        source raw_orders < flow:load
        model stg_orders < raw_orders
        model orders < stg_orders
        job flow:share < orders
        source s3:orders < flow:share
    """)
    placed = bands.bands(graph, {})
    assert {node.id: bands.NAMES[placed[i]] for i, node in enumerate(graph.nodes)} == {
        "app:orders": "Sources",
        "flow:load": "Sources",
        "raw_orders": "Sources",
        "stg_orders": "Staging",
        "orders": "Marts",
        "flow:share": "Marts",
        "s3:orders": "Sources",
    }


def test_the_page_of_a_job_that_failed_says_so(shop: Site) -> None:
    assert "load.orders is a job whose run failed" in shop.client().get(f"/lineage/{LOAD}").text


@pytest.mark.parametrize("form", ["graphml", "json", "dot", "mermaid"])
def test_the_graph_is_given_out_with_jobs(shop: Site, form: str, tmp_path: Path) -> None:
    target = tmp_path / "graph"
    assert run(["export", form, "--project-dir", str(shop.folder), "--output", str(target)]) == 0
    assert "load.orders" in target.read_text()


def test_a_site_of_files_holds_them(shop: Site, tmp_path: Path) -> None:
    assert run(["site", str(tmp_path / "site"), "--project-dir", str(shop.folder)]) == 0
    pages = [p for p in (tmp_path / "site").rglob("*.html") if "load.orders" in p.read_text()]
    assert pages
    assert all(re.fullmatch(r"[\w.~%-]+", part) for p in pages for part in p.relative_to(tmp_path).parts)
