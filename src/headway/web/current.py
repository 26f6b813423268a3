"""The project that is being served: one graph in memory, swapped whole when the store has a newer one."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from headway import __version__
from headway.errors import HeadwayError
from headway.project import Project
from headway.project.linking import written_mark
from headway.project.pages.view import warm
from headway.web.kept import Kept

LOG = logging.getLogger("headway.web")

OPENED_EVERY = 300.0
"""Seconds after which a project is opened anew: its day, its clock and its headway.yml go on while a server runs."""


@dataclass(frozen=True, slots=True)
class Now:
    """The project at one moment. What holds it may go on answering from it while a newer one is loaded."""

    project: Project
    stamp: str
    """Changes whenever an answer could: with a sync, with what people wrote, with the day, with the version."""
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)
    """Responses that were worked out from this state."""


class Current:
    """The newest state of a project. Safe with many threads: readers never wait for a graph that is being loaded."""

    def __init__(
        self, reopen: Callable[[], Project], *, every: float = 1.0, opened_every: float = OPENED_EVERY
    ) -> None:
        """`reopen` opens the project anew, at most each `opened_every` seconds and whenever the store was synced.

        The store is looked at `every` so many seconds at most.

        Raises what opening the project and loading its graph raise.
        """
        self._reopen = reopen
        self._every = every
        self._lock = threading.Lock()
        project = reopen()
        warm(project)
        self._seen = _seen(project)
        self._now = Now(project, self._stamp(project))
        self._opened_every = opened_every
        self._looked = self._opened = time.monotonic()

    def now(self) -> Now:
        """The newest state that is loaded; looks for a newer one when it is time, in one thread only."""
        due = time.monotonic() - self._looked >= self._every
        if due and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._now

    def refresh(self) -> Now:
        """Look now: for whoever has just written something and must see it."""
        with self._lock:
            self._look()
        return self._now

    def _look(self) -> None:
        old = self._now.project
        try:
            seen = _seen(old)
            synced = seen.syncs != self._seen.syncs
            project = old
            if synced or time.monotonic() - self._opened >= self._opened_every:
                self._opened = time.monotonic()
                project = self._reopen()
            if synced or project.as_of != old.as_of or project.config != old.config:
                warm(project)
            else:
                later = project.now > old.now
                project = replace(old, now=project.now).with_graph(old.graph()) if later else old
            if project is not old or seen != self._seen:
                self._seen, self._now = seen, Now(project, self._stamp(project, seen))
        except HeadwayError as error:
            # The store is out of reach for a moment: what is loaded stays in view, and it is asked again next time.
            LOG.warning("the store could not be looked at: %s", error)
        finally:
            self._looked = time.monotonic()

    def _stamp(self, project: Project, seen: _Seen | None = None) -> str:
        seen = seen or self._seen
        # Without a store there is nothing to compare with: each start is a state of its own.
        start = "" if seen.syncs else str(id(project.graph()))
        graph, hour = project.graph(), f"{project.now:%Y-%m-%d %H}"
        seen_parts = (seen.syncs, seen.running, seen.entry, seen.links)
        parts = (__version__, *seen_parts, start, hour, project.as_of, graph.synced_at)
        return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store held when it was last looked at."""

    syncs: str = ""
    running: str = ""
    """Sources that are being read."""
    entry: int = 0
    links: str = ""
    """The file of decisions about links: it tells what no sync has read yet."""


def _seen(project: Project) -> _Seen:
    links = written_mark(project)
    if not project.stored:
        return _Seen(links=links)
    with project.store() as store:
        pulse = store.pulse()
    return _Seen(f"{pulse.ended}/{pulse.finished}", "/".join(pulse.running), pulse.entry, links)
