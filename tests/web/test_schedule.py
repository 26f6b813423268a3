"""Syncs in the background: when they are due, one at a time, seen while they run, and told when they fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from web_site import site

from headway.project import Project
from headway.web import schedule as module
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.current import Current
from headway.web.schedule import Opened, Schedule
from shop import GOALS, write_shop


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


@contextmanager
def started(schedule: Schedule) -> Iterator[Schedule]:
    schedule.start()
    try:
        yield schedule
    finally:
        schedule.stop()


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def syncs(folder: Path) -> list[str]:
    project = Project.open(folder)
    if not project.stored:
        return []
    with project.store() as store:
        return [f"{s.connector} {s.status}" for s in store.syncs() if s.connector != "values"]


def nothing() -> None:
    """What there is to do after a look: nothing here."""


def test_the_first_sync_comes_at_once_and_the_graph_follows(tmp_path: Path) -> None:
    write_shop(tmp_path)
    current = Current(lambda: Project.open(tmp_path), every=1000.0)
    before = current.now()
    assert not before.project.stored
    with started(Schedule(Opened(str(tmp_path)), 3600, after=current.refresh)) as schedule:
        until(lambda: schedule.progress.ended)
        until(lambda: current.now().stamp != before.stamp)
        time.sleep(0.2)
    assert current.now().project.graph().synced_at is not None
    assert before.project.graph().synced_at is None
    assert {"dbt done", "goals done", "observations done"} <= set(syncs(tmp_path))
    assert schedule.progress.message == ""
    assert not schedule.progress.running


def test_a_sync_by_anybody_else_counts(tmp_path: Path) -> None:
    """`headway sync` from cron works beside it."""
    site(tmp_path)
    before = syncs(tmp_path)
    clock = [datetime.now(UTC)]
    with started(Schedule(Opened(str(tmp_path)), 3600, after=nothing, clock=lambda: clock[0])) as schedule:
        time.sleep(0.4)
        assert syncs(tmp_path) == before
        clock[0] += timedelta(seconds=3599)
        time.sleep(0.3)
        assert syncs(tmp_path) == before
        clock[0] += timedelta(seconds=30)
        until(lambda: schedule.progress.ended)
    assert len(syncs(tmp_path)) == 2 * len(before)


def test_of_several_servers_one_syncs(tmp_path: Path) -> None:
    write_shop(tmp_path)
    three = [Schedule(Opened(str(tmp_path)), 3600, after=nothing) for _ in range(3)]
    with started(three[0]), started(three[1]), started(three[2]):
        until(lambda: any(s.progress.ended for s in three))
        time.sleep(1.0)
    assert sum(s.progress.ended is not None for s in three) == 1
    found = syncs(tmp_path)
    assert len(found) == len(set(found)) >= 3


def test_without_a_schedule_a_sync_runs_when_somebody_asks(tmp_path: Path) -> None:
    found = site(tmp_path, sync=False)
    schedule = Schedule(Opened(str(tmp_path)), 0, after=found.current.refresh)
    found.app = create_app(
        found.current, Access.of(found.access.identities.serve, found.current.now().project), schedule=schedule
    )
    client = found.writer()
    with started(schedule):
        time.sleep(0.2)
        assert syncs(tmp_path) == []
        first = client.post("/api/sync")
        assert (first.status_code, first.json()["started"]) == (202, True)
        assert client.post("/api/sync").json()["started"] is False
        until(lambda: client.get("/api/health").json()["schedule"]["running"])
        until(lambda: client.get("/api/health").json()["schedule"]["ended"])
    said = client.get("/api/health").json()
    assert said["schedule"]["failed"] == []
    assert said["synced_at"]


def test_a_source_that_fails_is_told_and_stays_as_it_was(tmp_path: Path) -> None:
    found = site(tmp_path)
    (tmp_path / "goals.yml").write_text("objectives: [")
    schedule = Schedule(Opened(str(tmp_path)), 0, after=found.current.refresh)
    with started(schedule):
        assert schedule.ask()
        until(lambda: schedule.progress.ended)
        until(lambda: any(g.topic == "syncs" for g in found.current.now().project.graph().gaps))
    assert schedule.progress.failed == ("goals",)
    project = found.current.now().project
    assert "Grow sales" in str(project.ask("goals"))
    assert found.client().get("/api/health").json()["status"] == "failed"
    (tmp_path / "goals.yml").write_text(GOALS)


def test_a_project_that_cannot_be_opened_is_told_and_tried_again(tmp_path: Path) -> None:
    write_shop(tmp_path)
    good = (tmp_path / "headway.yml").read_text()
    (tmp_path / "headway.yml").write_text("serve: [")
    schedule = Schedule(Opened(str(tmp_path)), 3600, after=nothing)
    with started(schedule):
        until(lambda: schedule.progress.message)
        assert "not valid YAML" in schedule.progress.message
        (tmp_path / "headway.yml").write_text(good)
        until(lambda: schedule.progress.ended)
        assert schedule.progress.message == ""


def test_a_defect_does_not_end_the_schedule(tmp_path: Path) -> None:
    write_shop(tmp_path)
    wrong = [ZeroDivisionError("once")]

    def after() -> None:
        if wrong:
            raise wrong.pop()

    schedule = Schedule(Opened(str(tmp_path)), 3600, after=after)
    with started(schedule):
        until(lambda: schedule.progress.ended)
    found = syncs(tmp_path)
    assert len(found) == len(set(found)) >= 3


def test_stopping_ends_a_sync_that_runs_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    write_shop(tmp_path)
    schedule = Schedule(Opened(str(tmp_path)), 3600, after=nothing)
    schedule.start()
    until(lambda: schedule.progress.running)
    schedule.stop()
    assert not schedule._thread.is_alive()
    assert not [s for s in syncs(tmp_path) if s.endswith("running")]
    Project.open(tmp_path).sync(evaluate=False)
    assert len([s for s in syncs(tmp_path) if s.endswith("done")]) >= 3


def test_a_page_shows_that_a_source_is_being_read(tmp_path: Path) -> None:
    found = site(tmp_path)
    client = found.client()
    before = client.get("/health.json").headers["etag"]
    project = found.current.now().project
    with project.store() as store, store.sync("goals", datetime.now(UTC)):
        during = client.get("/health.json", headers={"if-none-match": before})
        assert during.status_code == 200
        assert {s["name"]: s["state"] for s in during.json()["sources"]}["goals"] == "running"
