"""The project as it was: what the store knew at the end of an earlier day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from headway.collector import paused_collector
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.model import Record
from headway.project.sources import VALUES

if TYPE_CHECKING:
    from headway.project.workspace import Project
    from headway.store.store import Store


def graph_at(project: Project, day: date) -> Graph:
    """The graph as it was known at the end of `day` (UTC), under today's configuration, with `as_of` that day.

    Records are those of the last sync of each source that began by then. Use and cost are facts about days: those up to
    `day` count, also where they became known later. Raises UsageError where nothing was synced by then, and StoreError
    when the store cannot be read.
    """
    if not project.stored:
        raise UsageError(f"nothing is known of {day}: this project has never been synced", hint="headway sync")
    with project.store() as store:
        loaded = store.load(at=end_of(day))
        if not set(loaded.per_connector) - {VALUES}:
            done = (s.started for s in store.syncs() if s.connector != VALUES and s.status == "done")
            began = min(done, default=None)
            hint = f"the first sync was on {began.astimezone(UTC).date()}" if began else "headway sync"
            raise UsageError(f"nothing is known of {day}: nothing had been synced by then", hint=hint)
    return project.graph_of(loaded.records, as_of=day, synced_at=loaded.synced_at)


def graphs_at(
    project: Project, store: Store, days: Sequence[date], without: Collection[type[Record]] = ()
) -> Iterator[tuple[date, Graph]]:
    """`graph_at` of some days, without records of some types. A day on which every source had been taken out is left
    out.

    Far quicker than one by one, since what several days share is read once. One graph is held at a time.
    """
    for day, loaded in zip(days, store.load_each([end_of(day) for day in days], without), strict=True):
        if set(loaded.per_connector) - {VALUES}:
            with paused_collector():
                graph = project.graph_of(loaded.records, as_of=day, synced_at=loaded.synced_at)
            yield day, graph


def end_of(day: date) -> datetime:
    """The last moment of a day, in UTC."""
    return datetime.combine(day, time.max, UTC)
