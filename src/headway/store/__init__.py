"""The store keeps what connectors said: the current view, and the view at any earlier time."""

from headway.store.store import Store, SyncRow
from headway.store.sync import Counts, Sync
from headway.store.view import Loaded

__all__ = ["Counts", "Loaded", "Store", "Sync", "SyncRow"]
