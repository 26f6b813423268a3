"""Python's cyclic collector, kept out of the way while very many objects are made at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Switch the collector off for a burst of objects, then back to what it was.

    It would walk the growing heap again and again, which costs more than making the objects, and find nothing: records,
    rows and decoded JSON have no cycles. Whoever makes something meanwhile that has them calls `drop_cycles`.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def drop_cycles() -> None:
    """Free what was made since the last call and is not used: while it is still in the processor's cache."""
    gc.collect(0)


def settle() -> None:
    """Leave what lives now out of later walks: a large graph stays, and walking it again and again finds nothing.

    To be called again when another graph takes its place: what the one before left behind is freed then.
    """
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
    gc.freeze()
