"""Responses that were worked out already, for as long as the state holds that they were worked out from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

MOST_BYTES = 32_000_000
"""Of one state of a project, together."""
LARGEST = 2_000_000
"""Bytes of one response at most; a larger one is worked out each time."""

Made = tuple[bytes, dict[str, str]]
"""A body, and headers of its own."""


class Kept:
    """Bodies with their own headers by tag, the ones used last. Safe with many threads.

    A tag says everything that a response depends on: the state, the address, who asks. So nobody is shown what was
    made for somebody else.
    """

    def __init__(self, most: int = MOST_BYTES, largest: int = LARGEST) -> None:
        self._most, self._largest = most, largest
        self._found: OrderedDict[str, Made] = OrderedDict()
        self._turns: dict[str, threading.Lock] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def made(self, tag: str, make: Callable[[], Made]) -> Made:
        """What was kept under a tag, or what `make` gives: worked out by one of those who ask for it at once."""
        with self._lock:
            turn = self._turns.setdefault(tag, threading.Lock())
        try:
            with turn:
                found = self.get(tag)
                if found is None:
                    found = make()
                    self.put(tag, *found)
        finally:
            with self._lock:
                self._turns.pop(tag, None)
        return found

    def get(self, tag: str) -> Made | None:
        """What was kept under a tag; None when it was not, or had to go."""
        with self._lock:
            found = self._found.get(tag)
            if found is not None:
                self._found.move_to_end(tag)
            return found

    def put(self, tag: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Keep a body; what was not used for longest goes for it."""
        if len(body) > self._largest:
            return
        with self._lock:
            if tag in self._found:
                return
            self._found[tag] = (body, dict(headers or {}))
            self._bytes += len(body)
            while self._bytes > self._most:
                _, (gone, _) = self._found.popitem(last=False)
                self._bytes -= len(gone)
