"""The current view of a SQLite store as one file beside it, so that asking need not open the store with SQLAlchemy.

A snapshot is a cache and nothing more: it is used only while the store's newest sync is the one it was taken after,
and none is running. Whatever is wrong with it, the store is read instead. Only the standard library's sqlite3 and one
fixed query are used here; a store in another database has no snapshot.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import msgspec

from headway import __version__
from headway.files import put_whole
from headway.graph.model import AnyRecord, Node

_NEWEST = "SELECT max(id), count(*), sum(status = 'running'), max(finished) FROM headway_sync"
_PREFIX = "sqlite:///"


class View(msgspec.Struct, frozen=True, gc=False):
    """The records in view, when the newest were synced, the connectors they are of, and which tables left the view."""

    records: list[AnyRecord]
    synced_at: datetime | None
    connectors: tuple[str, ...] = ()
    gone: tuple[tuple[Node, datetime], ...] = ()
    """Nodes that earlier syncs knew, each with when the first sync without it began."""


class _Snapshot(msgspec.Struct, frozen=True, gc=False):
    key: str
    view: msgspec.Raw


def view(url: str, load: Callable[[], View]) -> View:
    """The current view of the store at `url`: from its snapshot when that is current, else from `load`.

    What is loaded is kept for the next time, unless the store changed meanwhile or the folder cannot be written.
    """
    if not url.startswith(_PREFIX):
        return load()
    database = Path(url.removeprefix(_PREFIX))
    key = _key(database)
    found = _recall(_place(database), key) if key else None
    if found is not None:
        return found
    loaded = load()
    if key and key == _key(database):
        _keep(_place(database), key, loaded)
    return loaded


def _place(database: Path) -> Path:
    return database.with_name(database.name + ".view")


def _key(database: Path) -> str:
    """What the view depends on: the newest sync, and the shape of the records. '' when the store must be asked."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            newest, count, running, finished = connection.execute(_NEWEST).fetchone()
    except sqlite3.Error:
        return ""
    if not newest or running:
        return ""
    return f"{newest}/{count}/{finished}/{_shape()}"


def _shape() -> str:
    """Changes when a view could be decoded to something else."""
    fields = [f"{kind.__name__}{kind.__struct_fields__}" for kind in (*get_args(AnyRecord), View)]
    return f"{__version__}-{zlib.crc32(''.join(fields).encode()):x}"


def _recall(place: Path, key: str) -> View | None:
    try:
        snapshot = msgspec.msgpack.decode(place.read_bytes(), type=_Snapshot)
        if snapshot.key != key:
            return None
        decoded: View = msgspec.msgpack.decode(snapshot.view, type=View)
    except (OSError, msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return decoded


def _keep(place: Path, key: str, loaded: View) -> None:
    """Write the snapshot, readable by its owner only, in one step."""
    encode: Callable[[Any], bytes] = msgspec.msgpack.encode
    # A cache that cannot be kept is no reason to withhold an answer.
    with contextlib.suppress(OSError, TypeError, ValueError, OverflowError):
        put_whole(place, encode(_Snapshot(key, msgspec.Raw(encode(loaded)))), private=True)
