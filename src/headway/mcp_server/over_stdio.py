"""The server on stdin and stdout, as an editor starts it. Nothing else is read from the one or written to the other."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any, cast

import anyio
import anyio.lowlevel
from anyio import from_thread
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

LARGEST_LINE = 4 * 1024 * 1024
"""Bytes of one message; a longer one is answered as broken, and not kept."""


def serve_stdio(server: Server[Any]) -> None:
    """Serve one client until it closes stdin. Whatever else is printed goes to stderr."""

    async def run() -> None:
        with _own_stdin() as source:
            # Only lines are asked of it.
            lines = cast("anyio.AsyncFile[str]", _Lines(source))
            async with stdio_server(stdin=lines) as (incoming, outgoing):
                await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)


@contextmanager
def _own_stdin() -> Iterator[int]:
    """A descriptor of stdin that is ours alone: processes that are started meanwhile find it empty."""
    own, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    try:
        os.dup2(nothing, 0)
        yield own
    finally:
        os.dup2(own, 0)
        os.close(nothing)


class _Lines:
    """Lines of a descriptor.

    They are read by a thread that the interpreter does not wait for when it ends: an interrupt would otherwise take
    effect with the next line only.
    """

    def __init__(self, source: int) -> None:
        self._source = source

    async def __aiter__(self) -> AsyncIterator[str]:
        held, skipping = bytearray(), False
        async for chunk in self._chunks():
            *ended, rest = chunk.split(b"\n")
            for end in ended:
                held += end
                if not skipping:
                    yield held.decode("utf-8", "replace")
                held, skipping = bytearray(), False
            held += rest
            if len(held) > LARGEST_LINE:
                if not skipping:
                    yield "(a message that is too long)"
                held, skipping = bytearray(), True
        if held and not skipping:
            yield held.decode("utf-8", "replace")

    async def _chunks(self) -> AsyncIterator[bytes]:
        # Room for none: what has not been worked on is not read.
        into, out = anyio.create_memory_object_stream[bytes](0)
        token = anyio.lowlevel.current_token()

        def pump() -> None:
            # The loop may be gone, and nobody listen any more, by the time that something is read.
            with suppress(anyio.RunFinishedError, anyio.BrokenResourceError, anyio.ClosedResourceError, CancelledError):
                while chunk := self._read():
                    from_thread.run(into.send, chunk, token=token)
                from_thread.run_sync(into.close, token=token)

        threading.Thread(target=pump, name="stdin", daemon=True).start()
        with into, out:
            async for chunk in out:
                yield chunk

    def _read(self) -> bytes:
        """Some of what there is; nothing at its end, and where it cannot be read any more."""
        try:
            return os.read(self._source, 65_536)
        except OSError:
            return b""
