"""How often somebody may try, and how much and how slowly they may send."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

LARGEST_BODY = 1_000_000
"""Bytes of one request at most: an import of requests is the largest that is meant."""
LARGEST_EVENTS = 16_000_000
"""Bytes of lineage events at most, plain or unpacked: a job over hundreds of columns tells much about each."""
BODY_SECONDS = 15.0
"""How long a body may take to arrive."""


class TooLarge(Exception):
    """A body is larger than anything that is meant here."""


class TooSlow(Exception):
    """A body did not arrive in time."""


class Tries:
    """Counts tries by address, in memory: a fixed number in any stretch of time, for the addresses seen last."""

    def __init__(
        self,
        most: int = 10,
        seconds: float = 60.0,
        *,
        addresses: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._seconds, self._addresses, self._clock = most, seconds, addresses, clock
        self._seen: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Seconds until the address may try again; 0 when it may now."""
        with self._lock:
            recent = self._recent(address)
            if len(recent) < self._most:
                return 0
            return max(1, int(recent[-self._most] + self._seconds - self._clock() + 0.999))

    def count(self, address: str) -> None:
        """Somebody tried."""
        with self._lock:
            recent = [*self._recent(address)[-self._most :], self._clock()]
            self._seen[address] = recent
            self._seen.move_to_end(address)
            while len(self._seen) > self._addresses:
                self._seen.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - self._seconds
        return [t for t in self._seen.get(address, ()) if t > since]


async def body_of(scope: Scope, receive: Receive, *, most: int = LARGEST_BODY, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body of a request. Raises TooLarge before more than that is held, TooSlow when it takes longer."""
    said = Headers(scope=scope).get("content-length", "0")
    if not said.isdecimal() or len(said) > 12 or int(said) > most:
        raise TooLarge
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive, most)
    except TimeoutError:
        raise TooSlow from None


async def _read(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    held = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            # The client has gone; nobody will read an answer.
            raise TooSlow
        part = message.get("body", b"")
        held += len(part)
        if held > most:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """A receive that gives this body, and after it what comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
