"""What people wrote down: the ledger of a project's store, for every front. Nothing in it is changed or taken out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headway.errors import UsageError
from headway.graph.ledger import Entry, Topic
from headway.project.past import end_of

if TYPE_CHECKING:
    from headway.project.workspace import Project

__all__ = ["Entry", "entries", "entry", "written", "written_all"]


def entry(
    *, topic: Topic, subject: str, act: str, by: str, body: Mapping[str, Any] | None = None, at: datetime | None = None
) -> Entry:
    """An entry of now, or of `at` (with time zone), as `written_all` takes it."""
    return Entry(at=at or datetime.now(UTC), by=by, topic=topic, subject=subject, act=act, body=dict(body or {}))


def written(
    project: Project,
    *,
    topic: Topic,
    subject: str,
    act: str,
    by: str,
    body: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Entry:
    """Write an entry down and give it back with its id; makes the store when there is none.

    Raises UsageError for what no entry can be (`by` is required, lengths are bounded) and for a project that keeps no
    store; StoreError when the store cannot be written.
    """
    return written_all(project, [entry(topic=topic, subject=subject, act=act, by=by, body=body, at=at)])[0]


def written_all(project: Project, entries: list[Entry]) -> tuple[Entry, ...]:
    """Write all of them down, in this order, or none. Raises as `written` does."""
    if not project.use_store:
        raise UsageError("what people decide is kept in a store", hint="leave out what names the files one by one")
    with project.store() as store:
        return store.record_all(entries)


def entries(project: Project, topic: Topic | None = None, subject: str = "", since: int = 0) -> tuple[Entry, ...]:
    """What was written, oldest first; nothing where there is no store yet. Raises StoreError.

    Of one topic and of one subject where they are given; with an id above `since`. Of a project that is looked at as it
    was on an earlier day, only what had been written by the end of that day.
    """
    if not project.stored:
        return ()
    with project.store() as store:
        found = store.entries(topic or "", subject, since)
    return tuple(e for e in found if e.at <= end_of(project.as_of)) if project.looking_back else found
