"""Lineage events that were sent to `headway serve`: written down, to be read at the next sync.

A line for each event in a file for each day, below `.headway/openlineage/`. What is said to be taken is on the disk:
the file is synced before the answer goes out. Writers of several processes wait for one another; a line that a crash
cut short is ended by the next one, and the connector tells of it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from headway.connectors.openlineage.events import Wrong
from headway.connectors.openlineage.received import FOLDER, file_of, kept, kept_of_batch
from headway.errors import InputError, StoreError

LARGEST_DAY = 4 * 1024**3
"""Bytes of one day's file at most: more is a producer that has lost its mind, and would fill the disk."""

_LOCK = "writing.lock"
_SECONDS = 10.0


def take(root: str | Path, body: bytes, now: datetime) -> None:
    """Write one event down. Raises InputError for what is none, StoreError when it cannot be written."""
    try:
        line = kept(body)
    except Wrong as wrong:
        raise InputError(str(wrong)) from None
    _write(Path(root, FOLDER), [line], now)


def take_batch(root: str | Path, body: bytes, now: datetime) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Write the events of a JSON list down; how many were taken, and which (by position) were not, and why.

    Raises InputError for what is no list of a bounded length, or of which nothing is an event; StoreError when they
    cannot be written.
    """
    try:
        found = kept_of_batch(body)
    except Wrong as wrong:
        raise InputError(str(wrong)) from None
    lines = [one for one in found if isinstance(one, bytes)]
    refused = tuple((i, str(one)) for i, one in enumerate(found) if isinstance(one, Wrong))
    if refused and not lines:
        raise InputError(f"nothing in it can be taken; of the first: {refused[0][1]}")
    if lines:
        _write(Path(root, FOLDER), lines, now)
    return len(lines), refused


def _write(folder: Path, lines: Sequence[bytes], now: datetime) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = folder.parent / ".gitignore"
        if not own.exists():
            own.write_text("*\n", encoding="utf-8")
        with _alone(folder):
            _append(folder / file_of(now), b"\n".join(lines) + b"\n")
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StoreError(
            f"events cannot be written down: {reason}", hint="check the disk and the permissions"
        ) from error


def _append(path: Path, text: bytes) -> None:
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "rb+", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size + len(text) > LARGEST_DAY:
            raise StoreError(f"more than {LARGEST_DAY:,} bytes of events came today", hint="look at who sends them")
        if size:
            stream.seek(size - 1)
            text = text if stream.read(1) == b"\n" else b"\n" + text
        try:
            rest = memoryview(text)
            while rest:
                rest = rest[stream.write(rest) or 0 :]
            os.fsync(stream.fileno())
        except OSError:
            stream.truncate(size)  # nothing of what is not taken stays
            raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the lock of the folder: one of a database, which every system has and a crash lets go of."""
    with closing(sqlite3.connect(folder / _LOCK, timeout=_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
