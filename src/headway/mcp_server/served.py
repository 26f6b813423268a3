"""The project that tools answer from: opened when the first one asks, and followed as it changes.

A project that cannot be read does not end the server: whoever asks is told what is wrong, and asks again when it is
mended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from headway.config import Config
from headway.project import Project

MOST_FILES = 1_000
"""Files of one folder whose change is noticed."""

_ASSUMED = ("headway.yml", "goals.yml", "goals", "links.yml", "target")
"""Read where the configuration says nothing else."""


class Moment(Protocol):
    """A project at one moment."""

    @property
    def project(self) -> Project:
        """It answers all questions of one call."""


class Follows(Protocol):
    """What keeps a project loaded, and swaps its graph when the store has a newer one."""

    def now(self) -> Moment:
        """The newest state that is loaded."""

    def refresh(self) -> Moment:
        """Look now: for whoever has just written something and must see it."""


class Served:
    """The newest state of a project. Safe with many threads."""

    def __init__(self, open_: Callable[[], Follows], *, every: float = 1.0) -> None:
        """`open_` opens and loads the project; files are looked at `every` so many seconds at most."""
        self._open = open_
        self._every = every
        self._lock = threading.Lock()
        self._following: Follows | None = None
        self._files: dict[str, tuple[int, int]] = {}
        self._looked = 0.0

    def now(self) -> Project:
        """The project as it is. Raises HeadwayError as opening it does; the next call then tries again."""
        with self._lock:
            if self._following is None or self._changed():
                self._following = None
                self._following = self._open()
                self._files = dict(_files(self._following.now().project.config))
                self._looked = time.monotonic()
            following = self._following
        return following.now().project

    def refresh(self) -> None:
        """Look at the store now."""
        if self._following is not None:
            self._following.refresh()

    def _changed(self) -> bool:
        """Whether a project without a store has other files than when it was read; a store is followed by itself."""
        if self._following is None or time.monotonic() - self._looked < self._every:
            return False
        self._looked = time.monotonic()
        project = self._following.now().project
        return not project.stored and dict(_files(project.config)) != self._files


def _files(config: Config) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each file that sources are read from, with when it was written and its size."""
    said = [value for source in config.sources for value in source.options.values() if isinstance(value, str)]
    for name in dict.fromkeys((*_ASSUMED, *said)):
        try:
            path = Path(config.root, name)
            # Manifests and goals lie at the top of their folders; what is further down is not read at each question.
            below = sorted(path.iterdir())[:MOST_FILES] if path.is_dir() else [path]
            for one in below:
                if one.is_file():
                    found = one.stat()
                    yield str(one), (found.st_mtime_ns, found.st_size)
        except (OSError, ValueError):
            # Not there, or no path at all (an address, a selector): nothing to follow.
            continue
