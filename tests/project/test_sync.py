"""Syncing: what the store holds afterwards, when all goes well and when it does not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from headway.cli.main import run
from headway.project import Project
from shop import GOALS, manifest, write_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_shop(tmp_path / "shop")
    monkeypatch.chdir(folder)
    return folder


def aligned(folder: Path) -> int:
    return int(Project.open(folder).ask("summary").totals["aligned"])


def test_answers_are_the_same_from_files_and_from_the_store(shop: Path) -> None:
    before = {q: Project.open(shop).ask(q) for q in ("summary", "goals", "zombies", "cost", "neglected", "orphans")}
    results = Project.open(shop).sync(evaluate=False)
    assert [(r.connector, r.error) for r in results] == [
        ("dbt", ""),
        ("columns", ""),
        ("goals", ""),
        ("observations", ""),
    ]
    for question, answer in before.items():
        stored = Project.open(shop).ask(question)
        assert stored.rows == answer.rows, question
        assert stored.headline == answer.headline
        assert stored.synced_at is not None


def test_what_vanished_from_the_project_vanishes_from_the_answers(shop: Path) -> None:
    Project.open(shop).sync(evaluate=False)
    assert Project.open(shop).ask("summary").totals["assets"] == 5
    smaller = manifest()
    del smaller["nodes"]["model.shop.forgotten"]
    (shop / "target/manifest.json").write_text(json.dumps(smaller))
    Project.open(shop).sync(evaluate=False)
    assert Project.open(shop).ask("summary").totals["assets"] == 4


def test_a_failed_source_keeps_its_last_good_state_and_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync", "--no-values"]) == 0
    before = aligned(shop)
    (shop / "goals.yml").write_text(GOALS.replace("period: 2026-Q4", "period: 2027-Q9"))
    assert run(["sync", "--no-values"]) == 2
    err = capsys.readouterr().err
    assert "goals         failed: " in err
    assert "What was known of goals before stays in view." in err
    assert aligned(shop) == before
    for question in ("unknown", "goals", "summary", "trust", "zombies"):
        answer = Project.open(shop).ask(question)
        told = [*(g.message for g in answer.gaps), *(str(row.values[1]) for row in answer.rows)]
        assert any("the last sync of goals failed" in message for message in told), question


def test_of_a_source_that_never_succeeded_nothing_is_said_to_stay(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "goals.yml").write_text(GOALS.replace("period: 2026-Q4", "period: 2027-Q9"))
    assert run(["sync", "--no-values"]) == 2
    err = capsys.readouterr().err
    assert "goals         failed: " in err
    assert "stays in view" not in err


def test_an_interrupt_in_the_middle_leaves_no_trace(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.open(shop).sync(evaluate=False)
    before = Project.open(shop).ask("orphans").rows

    def interrupted(self: object) -> object:
        from headway.graph.model import Node

        yield Node(id="dbt:model.shop.half", kind="model", name="half")
        raise KeyboardInterrupt

    monkeypatch.setattr("headway.connectors.dbt.connector.Dbt.records", interrupted)
    assert run(["sync", "--no-values"]) == 130
    assert Project.open(shop).ask("orphans").rows == before


def test_only_the_named_sources_are_read(shop: Path) -> None:
    Project.open(shop).sync(evaluate=False)
    (shop / "usage.csv").unlink()
    assert [r.connector for r in Project.open(shop).sync(["goals"], evaluate=False)] == ["goals"]


def test_without_a_profile_the_values_are_a_gap_and_the_rest_is_synced(shop: Path) -> None:
    results = {r.connector: r for r in Project.open(shop).sync()}
    assert results["values"].error == ""
    (gap,) = results["values"].gaps
    assert gap.message.startswith("the key results could not be evaluated: ")
    assert aligned(shop) == 4


def test_an_answer_for_an_earlier_day_knows_nothing_of_later_ones(shop: Path) -> None:
    Project.open(shop).sync(evaluate=False)
    goals = Project.open(shop, as_of=date(2026, 11, 10)).ask("goals", objective="grow")
    happiness = next(r for r in goals.rows if r.values[0] == "Happy customers")
    assert happiness.values[2] == 41


def test_the_store_can_be_named_by_url(shop: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    Project.open(shop, store_url=url).sync(evaluate=False)
    assert (tmp_path / "elsewhere.db").exists()
    assert not (shop / ".headway/headway.db").exists()
    assert Project.open(shop, store_url=url).ask("summary").synced_at is not None


def test_a_store_that_is_not_one_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / ".headway").mkdir()
    (shop / ".headway/headway.db").write_bytes(b"\x00not a database" * 100)
    assert run(["summary"]) == 2
    assert "headway.db" in capsys.readouterr().err


def test_a_source_that_is_not_configured_any_more_leaves_the_view(shop: Path) -> None:
    Project.open(shop).sync(evaluate=False)
    assert Project.open(shop).graph().use.known
    settings = (shop / "headway.yml").read_text()
    (shop / "headway.yml").write_text(settings.partition("observations:")[0])
    Project.open(shop).sync(evaluate=False)
    graph = Project.open(shop).graph()
    assert not graph.use.known
    assert graph.observations == []
    (shop / "headway.yml").write_text(settings)
    Project.open(shop).sync(evaluate=False)
    assert Project.open(shop).graph().use.known


def test_sources_of_one_kind_keep_their_names_in_any_order(shop: Path) -> None:
    (shop / "more.csv").write_text(
        "node,relation,day,measure,amount,unit,person_class\nmodel.shop.orders,,2026-11-19,cost,2,EUR,\n"
    )
    base = (shop / "headway.yml").read_text().partition("observations:")[0]
    totals = []
    for files in (["usage.csv", "more.csv"], ["more.csv", "usage.csv"], ["more.csv", "usage.csv"]):
        (shop / "headway.yml").write_text(base + f"observations: [{', '.join(files)}]\n")
        names = [r.connector for r in Project.open(shop).sync(evaluate=False)]
        assert set(names[3:]) == {"observations:usage.csv", "observations:more.csv"}
        totals.append(Project.open(shop).ask("cost").totals["total_micros"])
    assert totals == [4_000_000] * 3
    assert [r.connector for r in Project.open(shop).sync(["observations"])] == names[3:]


def test_until_a_source_was_read_once_the_files_themselves_say_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["sync"]) == 2
    capsys.readouterr()
    assert run(["summary"]) == 2
    assert "there is no folder 'target'" in capsys.readouterr().err
    write_shop(tmp_path)
    assert run(["summary"]) == 0


def test_a_source_that_takes_long_is_read_by_a_sync_only(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.connectors.observations.Observations.sync_only", True, raising=False)
    assert not Project.open(shop).graph().use.known
    Project.open(shop).sync(evaluate=False)
    assert Project.open(shop).graph().use.known


def test_columns_are_followed_unless_the_settings_say_no(shop: Path) -> None:
    with (shop / "headway.yml").open("a") as settings:
        settings.write("columns: false\n")
    assert "columns" not in [r.connector for r in Project.open(shop).sync(evaluate=False)]
