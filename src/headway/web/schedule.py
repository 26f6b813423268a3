"""Syncing in the background: one at a time, in a process of its own, so that no page waits for it.

A sync is due when none has begun for long enough, whoever began the last one: `headway sync` from cron counts. Several
servers of one project share a lock in its store, and whoever gets it looks again whether it is still due. What fails
is a gap of the next answers and stands on the page Health; the next try is one interval later.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from headway.errors import HeadwayError
from headway.project import Project

LOG = logging.getLogger("headway.web")

LOOK_SECONDS = 1.0
"""How often it is looked whether a sync is due, and whether another process has written something."""
NAME = "schedule"
"""Name of the lock in the store; no connector is called so."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is going on in the background."""

    every: int = 0
    """Seconds between two syncs; 0 without a schedule."""
    running: bool = False
    doing: str = ""
    """The source that is being read."""
    done: int = 0
    total: int = 0
    began: datetime | None = None
    ended: datetime | None = None
    failed: tuple[str, ...] = ()
    """Sources that could not be read by the last sync from here."""
    message: str = ""
    """Why the last sync from here did not take place at all."""


@dataclass(frozen=True, slots=True)
class Opened:
    """How a project is opened in another process."""

    directory: str
    store_url: str = ""
    as_of: Any = None

    def open(self, progress: Callable[[str, int, int], None] | None = None) -> Project:
        """The project. Raises ConfigError."""
        more: dict[str, Any] = {"progress": progress} if progress else {}
        return Project.open(self.directory, store_url=self.store_url, as_of=self.as_of, **more)


class Schedule:
    """Syncs when it is due, or when somebody asks; a thread that only waits and starts processes."""

    def __init__(self, opened: Opened, every: int, *, after: Callable[[], object], clock: Any = None) -> None:
        """`every`: seconds, 0 for only when asked. `after` is called each time it was looked, to swap the graph."""
        self._opened, self._after = opened, after
        self._clock: Callable[[], datetime] = clock or (lambda: datetime.now(UTC))
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._progress = Progress(every=every)
        self._thread = threading.Thread(target=self._run, name="headway-schedule", daemon=True)
        self._tried: datetime | None = None

    @property
    def progress(self) -> Progress:
        """What is going on now."""
        return self._progress

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Stop looking; a sync that runs is interrupted, which leaves nothing half-written."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def ask(self) -> bool:
        """Sync as soon as possible; False when one runs already."""
        with self._lock:
            if self._progress.running or self._wanted.is_set():
                return False
            self._wanted.set()
            return True

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                self._after()
                if self._wanted.is_set() or self._due():
                    self._sync()
            except HeadwayError as error:
                self._say(running=False, message=error.message)
            except Exception:
                LOG.exception("the schedule stumbled")
                self._say(running=False, message="something went wrong; the server's log has it")

    def _due(self) -> bool:
        every, now = self._progress.every, self._clock()
        if not every or (self._tried is not None and now - self._tried < timedelta(seconds=every)):
            return False
        last = self._last(self._opened.open())
        return last is None or now - last >= timedelta(seconds=every)

    @staticmethod
    def _last(project: Project) -> datetime | None:
        """When the last sync of any source began, however it ended."""
        if not project.stored:
            return None
        with project.store() as store:
            return store.pulse().started

    def _sync(self) -> None:
        asked = self._wanted.is_set()
        project = self._opened.open()
        with project.store() as store, store.alone(NAME) as alone:
            self._wanted.clear()
            if not alone:
                # Another server is at it; whether that was enough is seen the next time.
                return
            if not asked and not self._due():
                return
            self._tried = self._clock()
            self._say(running=True, began=self._tried, doing="", done=0, total=0, message="", failed=())
            failed, message = self._in_a_process()
            self._say(running=False, ended=self._clock(), doing="", failed=failed, message=message)
        self._after()

    def _in_a_process(self) -> tuple[tuple[str, ...], str]:
        """Sync in another process; the sources that failed, and why nothing was done at all."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_sync_all, args=(self._opened, theirs), daemon=True, name="headway-sync")
        process.start()
        theirs.close()
        result: tuple[tuple[str, ...], str] | None = None
        try:
            while not self._stopped.is_set():
                if not ours.poll(LOOK_SECONDS):
                    if not process.is_alive() and not ours.poll():
                        break
                    self._after()
                    continue
                kind, *said = ours.recv()
                if kind == "done":
                    result = (said[0], said[1])
                    break
                self._say(doing=said[0], done=said[1], total=said[2])
        except (EOFError, OSError):
            LOG.warning("the process that syncs ended early")
        finally:
            if result is None:
                process.terminate()
            process.join(10)
            ours.close()
        return result or ((), "the process that syncs ended early")

    def _say(self, **said: Any) -> None:
        with self._lock:
            self._progress = replace(self._progress, **said)


def _sync_all(opened: Opened, to: Connection) -> None:
    """What the other process does."""

    def told(what: str, done: int, total: int) -> None:
        with contextlib.suppress(OSError):  # the server has gone: the sync itself is still worth its end
            to.send(("progress", what, done, total))

    try:
        results = opened.open(told).sync()
    except HeadwayError as error:
        to.send(("done", (), error.message))
        return
    to.send(("done", tuple(result.connector for result in results if result.error), ""))
