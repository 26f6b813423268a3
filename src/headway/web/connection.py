"""A connection that waits for nobody for ever: neither for a request that does not end, nor for a reader that stops."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long the head of a request may take, from the connection or from its first byte on."""
READER_SECONDS = 30.0
"""How long a client may leave an answer unread."""


class Impatient(H11Protocol):
    """HTTP/1.1 of uvicorn, with an end to slow heads and slow readers. Bodies have theirs in the guard."""

    head_seconds = HEAD_SECONDS
    reader_seconds = READER_SECONDS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection begins, and with it the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Some of a head or of a body."""
        super().data_received(data)
        if self._in_head():
            self._wait_for_head()
        else:
            self._stop(head=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._stop(head=True, unread=True)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.reader_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        self._stop(unread=True)
        super().resume_writing()

    def _in_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        # Once for each head: a byte now and then buys no more time.
        if self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._head = None
        if self._in_head():
            self.transport.close()

    def _stop(self, *, head: bool = False, unread: bool = False) -> None:
        if head and self._head is not None:
            self._head.cancel()
            self._head = None
        if unread and self._unread is not None:
            self._unread.cancel()
            self._unread = None
