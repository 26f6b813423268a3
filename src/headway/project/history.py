"""What is known of earlier days: from syncs, from what `headway backfill` read out of git, and from git's authors.

A census is made once and kept in the store: that of a day that syncs know is made again when the configuration is
another one, or while facts about its last days may still come in.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from headway.collector import paused_collector
from headway.config import Config
from headway.errors import HeadwayError
from headway.graph.census import Census, Event, Past, Reader, census
from headway.graph.model import Check, ColumnLineage, Facets, Gap, Reading
from headway.people import Classes, People
from headway.project.git import Git
from headway.project.past import end_of, graphs_at
from headway.project.sources import VALUES
from headway.store.census import Kept
from headway.store.store import Store, SyncRow

if TYPE_CHECKING:
    from headway.project.workspace import Project

QUARTER = 91
"""Days up to a day whose authors are the maintainers of that day."""

SETTLED = timedelta(days=7)
"""After this much time nothing is expected to become known of a day any more."""

_NOT_COUNTED = (Check, ColumnLineage, Facets, Reading)
"""What a census does not need to know."""

_SHAPE = "1"
"""Changes when a census would tell something else of the same records."""


def reader(project: Project) -> Reader:
    """Tells what is known of days before the project's own, as a question asks for them."""
    return partial(_past, project)


def first_sync(store: Store) -> date | None:
    """The day of the first good sync of a source; None where there was none."""
    return min((s.started.date() for s in store.syncs() if _told(s)), default=None)


def _past(project: Project, days: Sequence[date]) -> Past:
    gaps: list[Gap] = []
    people = _maintainers(project, (*days, project.as_of), gaps)
    if not project.stored:
        asked = "no earlier day is known: this project has never been synced"
        gaps.append(Gap(topic="history", message=asked, hint="headway sync, or headway backfill for what git knows"))
        return Past(maintainers=people, gaps=gaps)
    earlier = sorted({day for day in days if day < project.as_of})
    with project.store() as store:
        syncs = store.syncs()
        synced = [day for day in earlier if any(_told(s) and s.started <= end_of(day) for s in syncs)]
        found = _synced(project, store, syncs, synced)
        rest = [day for day in earlier if day not in found]
        found |= {day: kept.census for day, kept in store.censuses("git", rest).items()}
    return Past(found, people, _events(syncs), gaps)


def _told(sync: SyncRow) -> bool:
    return sync.status == "done" and sync.connector != VALUES


# ---------------------------------------------------------------------- from syncs


def _synced(project: Project, store: Store, syncs: Sequence[SyncRow], days: Sequence[date]) -> dict[date, Census]:
    """Censuses of days that syncs know: what is kept, and for the others what the graph of that day holds."""
    known = store.censuses("sync", days)
    newest = max((s.id for s in syncs if s.status in ("done", "removed")), default=0)
    config = _digest(project.config)
    keys: dict[date, str] = {}
    for day in days:
        shown = max(s.id for s in syncs if s.status in ("done", "removed") and s.started <= end_of(day))
        keys[day] = f"{_SHAPE}/{config}/{shown}"
    found = {day: one.census for day, one in known.items() if _holds(one, day, keys[day], newest)}
    missing = [day for day in days if day not in found]
    for number, (day, graph) in enumerate(graphs_at(project, store, missing, _NOT_COUNTED)):
        project.progress("reading the past", number, len(missing))
        try:
            with paused_collector():
                found[day] = census(graph)
        except HeadwayError:
            continue  # what a source of that day covers cannot be read any more: nothing is told of that day
        store.keep(Kept(census=found[day], since=day, key=f"{keys[day]}/{newest}", taken=project.now))
    return found


def _holds(kept: Kept, day: date, key: str, newest: int) -> bool:
    """Whether a census that was kept is what would be made now."""
    made, _, after = kept.key.rpartition("/")
    return made == key and (kept.taken - end_of(day) >= SETTLED or after == str(newest))


def _digest(config: Config) -> str:
    """What of the configuration a census depends on."""
    said = repr((config.policy, sorted(config.prices.items()), config.protected))
    return blake2b(said.encode(), digest_size=6).hexdigest()


def _events(syncs: Iterable[SyncRow]) -> list[Event]:
    """Days on which sources were connected and lost. One that is read twice is lost when both are."""
    alive: dict[str, set[str]] = defaultdict(set)
    events = []
    for sync in sorted(syncs, key=lambda s: s.id):
        if sync.connector == VALUES or sync.status not in ("done", "removed"):
            continue
        source = sync.connector.partition(":")[0]
        before = bool(alive[source])
        (alive[source].add if sync.status == "done" else alive[source].discard)(sync.connector)
        if before != bool(alive[source]):
            events.append(Event(sync.started.date(), source, "lost" if before else "connected"))
    return events


# ---------------------------------------------------------------------- from git


def _maintainers(project: Project, days: Sequence[date], gaps: list[Gap]) -> Mapping[date, int]:
    """How many people changed the project in the 91 days up to each day. Names go no further than this function."""
    git = Git(Path(project.config.root))
    hashed = _hasher()
    touched: dict[str, list[date]] = defaultdict(list)
    try:
        since = date.fromordinal(max(min(days).toordinal() - QUARTER, 1))
        for at, address, name in git.authors(since):
            if who := hashed(address, name):
                touched[who].append(at.date())
    except HeadwayError as error:
        gaps.append(Gap(topic="maintainers", message=f"who maintains the project is not known: {error.message}"))
        return {}
    if not touched:
        message = "who maintains the project is not known: git tells of no change to this folder in that time"
        gaps.append(Gap(topic="maintainers", message=message))
        return {}
    oldest = min(min(on) for on in touched.values())
    return {
        day: sum(any(_within(on, day) for on in seen) for seen in touched.values()) for day in days if day >= oldest
    }


def _within(on: date, day: date) -> bool:
    return 0 <= (day - on).days < QUARTER


def _hasher() -> Callable[[str, str], str]:
    """Hashes an author, '' for a machine. The key is made here and kept nowhere: only different ones are counted."""
    people, classes = People(secrets.token_bytes(32)), Classes.of()

    def hashed(address: str, name: str) -> str:
        local = address.partition("@")[0].rpartition("+")[2]
        machine = any(
            said.endswith("[bot]") or classes.of_person(said) == "service" for said in (address, local, name) if said
        )
        return "" if machine else people.hashed(address or name)

    return hashed
