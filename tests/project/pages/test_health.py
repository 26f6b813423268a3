"""What Health says of sources and gaps."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

from browser import worlds
from headway.project import Project
from headway.project.pages.health import Health, health
from headway.project.pages.objectives import objectives
from shop import write_shop


def sentence(page: Health) -> str:
    return "".join(p.text for p in page.sentence)


def states(page: Health) -> dict[str, str]:
    return {s.name: s.state for s in page.sources}


def synced(folder: Path) -> Project:
    write_shop(folder)
    Project.open(folder).sync(evaluate=False)
    return Project.open(folder)


def test_files_alone_were_never_synced() -> None:
    page = health(worlds.company())
    assert set(states(page).values()) == {"files"}
    assert not page.stored
    assert sentence(page).startswith("Nothing was synced yet")


def test_each_source_says_when_it_was_read_and_how_much(tmp_path: Path) -> None:
    page = health(synced(tmp_path))
    known = states(page)
    assert known.pop("values") == "never"
    assert {"dbt", "goals"} <= set(known)
    assert set(known.values()) == {"fresh"}
    dbt = page.sources[0]
    assert dbt.records
    assert dbt.read_at is not None
    assert dbt.read.endswith("UTC")
    assert sentence(page).startswith("1 source was never read; ")


def test_a_missed_night_is_late(tmp_path: Path) -> None:
    project = synced(tmp_path)
    later = dataclasses.replace(project, now=project.now + timedelta(hours=27))
    page = health(later)
    assert states(page)["dbt"] == "late"
    assert page.sentence[0].tone == "warn"


def test_a_failed_source_says_why_and_is_told_on_the_first_page(tmp_path: Path) -> None:
    synced(tmp_path)
    (tmp_path / "target" / "manifest.json").write_text("{")
    Project.open(tmp_path).sync(evaluate=False)
    project = Project.open(tmp_path)
    page = health(project)
    assert states(page)["dbt"] == "failed"
    assert page.sources[0].message
    assert page.sources[0].read_at is not None
    failed = sum(state == "failed" for state in states(page).values())
    assert sentence(page).startswith(f"{failed} source")
    assert " failed; " in sentence(page)
    assert page.sentence[0].tone == "bad"
    first = objectives(project)
    assert any("the last sync of dbt failed" in g.message for g in first.gaps)
    assert first.objectives, "what was known before stays in view"


def test_every_gap_of_the_graph_is_there_once() -> None:
    project = worlds.hostile()
    page = health(project)
    listed = [g for group in page.unknown for g in group.gaps]
    assert sorted(g.message for g in listed) == sorted(g.message for g in project.graph().gaps)
    assert [g.count for g in page.unknown] == sorted((g.count for g in page.unknown), reverse=True)
