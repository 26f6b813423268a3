"""What people wrote, as data: one entry of the ledger that the store keeps. Nothing in it is ever changed or taken out.

    Entry(at=..., by="analytics", topic="finding", subject="HW301:dbt:model.shop.old", act="keep", body={...})

Undoing something is another entry. What the acts of a topic mean is the business of whoever folds them into a state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Topic = Literal["finding", "request", "check_in", "message", "value", "catalog", "once"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody wrote down."""

    id: int = 0
    """Its place in the ledger, given by the store: a later entry has a larger one. 0 before it is kept."""
    at: datetime
    """When it was written, with time zone; comes back in UTC."""
    by: str
    """Who wrote it: the name or handle that the person goes by, as the front knows it."""
    topic: Topic
    subject: str
    """What it is about: the key of a finding, a request, a key result."""
    act: str
    """What was done: keep, snooze, reopen, ..."""
    body: dict[str, Any] = {}
    """Whatever else the act says, as plain JSON data."""
