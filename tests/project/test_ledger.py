"""The ledger of a project: what fronts write and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headway.errors import UsageError
from headway.project import Project
from headway.project.ledger import entries, entry, written, written_all
from shop import write_shop


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(write_shop(tmp_path / "shop"), environment={})


def test_reading_makes_no_store_and_writing_does(project: Project) -> None:
    store = Path(project.config.root, ".headway", "headway.db")
    assert entries(project) == ()
    assert not store.exists()
    before = datetime.now(UTC)
    kept = written(project, topic="request", subject="r1", act="ask", by="sales-team", body={"what": "churn by week"})
    assert store.exists()
    assert before <= kept.at <= datetime.now(UTC)
    again = Project.open(project.config.root, environment={})
    assert entries(again) == (kept,)
    assert (kept.by, kept.topic, kept.subject, kept.act, kept.body) == (
        "sales-team", "request", "r1", "ask", {"what": "churn by week"}
    )  # fmt: skip


def test_a_store_of_entries_alone_leaves_answers_to_the_files(project: Project) -> None:
    before = project.ask("summary")
    written(project, topic="check_in", subject="grow.revenue", act="note", by="sales-team")
    after = Project.open(project.config.root, environment={}).ask("summary")
    assert (after.headline, after.rows, after.synced_at) == (before.headline, before.rows, None)


def test_entries_outlive_every_sync(project: Project) -> None:
    kept = written(project, topic="finding", subject="HW301:a", act="keep", by="analytics")
    project.sync(evaluate=False)
    project.sync(evaluate=False)
    assert entries(project) == (kept,)


def test_one_topic_one_subject_and_since(project: Project) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    a, b = written_all(
        project,
        [
            entry(topic="finding", subject="x", act="keep", by="analytics", at=at),
            entry(topic="check_in", subject="x", act="note", by="analytics", at=at - timedelta(days=1)),
        ],
    )
    assert (a.at, a.body) == (at, {})
    assert entries(project, "finding") == (a,)
    assert entries(project, subject="x") == (a, b)
    assert entries(project, since=a.id) == (b,)


def test_nobody_writes_nothing(project: Project) -> None:
    with pytest.raises(UsageError, match="needs 'by'"):
        written(project, topic="finding", subject="x", act="keep", by="")
    assert entries(project) == ()


def test_a_project_of_files_alone_keeps_nothing(project: Project) -> None:
    written(project, topic="finding", subject="x", act="keep", by="analytics")
    stateless = Project.stateless(directory=project.config.root)
    assert entries(stateless) == ()
    with pytest.raises(UsageError, match="kept in a store"):
        written(stateless, topic="finding", subject="x", act="keep", by="analytics")
