"""The cyclic collector is paused for a while and left as it was."""

from __future__ import annotations

import gc
import weakref

import pytest

from headway.collector import drop_cycles, paused_collector, settle


class Ring:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_the_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), paused_collector():
        raise KeyError
    assert gc.isenabled()


def test_cycles_are_freed_when_it_is_said_and_not_before() -> None:
    with paused_collector():
        drop_cycles()
        seen = weakref.ref(Ring())
        kept = [Ring() for _ in range(10_000)]
        assert seen() is not None
        drop_cycles()
        assert seen() is None
    assert len(kept) == 10_000


def test_what_is_settled_is_not_walked_until_something_takes_its_place() -> None:
    gc.collect()
    gc.disable()
    try:
        ring = Ring()
        settle()
        assert gc.get_freeze_count() > 1_000
        seen = weakref.ref(ring)
        del ring
        gc.collect()
        assert seen() is not None
        settle()
        assert seen() is None
    finally:
        gc.unfreeze()
        gc.enable()
