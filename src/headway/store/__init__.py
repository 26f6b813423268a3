"""The store keeps what connectors said, now and at any earlier time, and the ledger of what people wrote.

Its names are loaded on first use: SQLAlchemy takes longer to import than most answers take to give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headway.graph.ledger import Entry
    from headway.store.store import Pulse, Store, SyncRow
    from headway.store.sync import Counts, Sync
    from headway.store.view import Loaded

__all__ = ["Counts", "Entry", "Loaded", "Pulse", "Store", "Sync", "SyncRow"]

_HOMES = {
    "Store": "store",
    "SyncRow": "store",
    "Pulse": "store",
    "Counts": "sync",
    "Sync": "sync",
    "Loaded": "view",
    "Entry": "ledger",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
