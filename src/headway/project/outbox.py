"""What was sent, and what is to be: one key is one message, also when the process is killed in between.

Before something is sent, the ledger says that it was begun; afterwards, how it ended. What was begun and never ended
may have arrived: whoever sends it is told so, and looks whether it is there before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from headway.errors import HeadwayError, UsageError
from headway.graph.ledger import Entry
from headway.project.ledger import entries
from headway.sinks.message import UNSURE, Message
from headway.sinks.protocol import Delivered, Sink

if TYPE_CHECKING:
    from headway.project.workspace import Project
    from headway.store.store import Store

BY = "headway"
"""Who signs: no person sent it."""
HOLD = "messages"
"""Name under which one process at a time sends."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What the ledger knows of one key."""

    state: Literal["begun", "sent", "open"]
    """`begun` may have arrived; `open` has surely not."""
    at: datetime
    """When that became so."""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    """What was kept with it when it was begun."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with the sink that it goes through, and what is to be kept with it."""

    message: Message
    sink: Sink[Message]
    told: Mapping[str, Any] = field(default_factory=dict)


def posted(project: Project) -> dict[str, Posted]:
    """Everything that was ever begun, by its key, in the order in which it was begun first. Raises StoreError."""
    return folded(entries(project, "message"))


def folded(said: Sequence[Entry]) -> dict[str, Posted]:
    """What entries of the topic `message` say, oldest first; acts that this version does not know are passed over."""
    found: dict[str, Posted] = {}
    for entry in said:
        known = found.get(entry.subject)
        if entry.act == "begun":
            if known is None or known.state != "sent":
                at = known.at if known is not None and known.state == "begun" else entry.at
                found[entry.subject] = Posted("begun", at, {}, _mapping(entry.body.get("told")))
        elif entry.act == "sent":
            told = known.told if known else {}
            found[entry.subject] = Posted("sent", entry.at, _mapping(entry.body.get("receipt")), told)
        elif entry.act == "failed" and known is not None and known.state != "sent":
            found[entry.subject] = Posted("open", entry.at, {}, known.told)
    return found


def send(project: Project, letters: Sequence[Letter], *, dry_run: bool, again: bool = False) -> Iterator[Delivered]:
    """Send what was not sent yet, one after another, and say of each what became of it.

    In a dry run nothing is sent and nothing written down. `again`: send also what may have arrived before without
    being looked for. Raises UsageError for a project without a store and while another process sends, StoreError, and
    what the sinks raise.
    """
    if dry_run:
        known = posted(project)
        for letter in letters:
            yield from _dry(letter, known.get(letter.message.key))
        return
    if not project.use_store:
        raise UsageError("what was sent is kept in a store", hint="leave out what names the files one by one")
    with project.store() as store, _alone(store):
        known = folded(store.entries("message"))
        for letter in letters:
            done = _one(store, letter, known.get(letter.message.key), again=again)
            if done.outcome in {"sent", "same"}:
                known[letter.message.key] = Posted("sent", datetime.now(UTC), done.receipt)
            yield done


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    with store.alone(HOLD) as free:
        if not free:
            raise UsageError("another process is sending", hint="wait for it; nothing was sent twice")
        yield


def _dry(letter: Letter, known: Posted | None) -> Iterator[Delivered]:
    message = letter.message
    if known is not None and known.state == "sent":
        yield _already(message, known)
    elif known is not None and known.state == "begun":
        said = f"{message.to}: {message.title} (begun on {known.at:%Y-%m-%d %H:%M}; it is looked for first)"
        yield Delivered(message.key, "would be sent", said)
    else:
        yield from letter.sink.deliver([message], dry_run=True)


def _already(message: Message, known: Posted) -> Delivered:
    said = f"{message.to}: {message.title} was sent on {known.at:%Y-%m-%d %H:%M}"
    return Delivered(message.key, "same", said, known.receipt)


def _one(store: Store, letter: Letter, known: Posted | None, *, again: bool) -> Delivered:
    message = letter.message
    if known is not None and known.state == "sent":
        return _already(message, known)
    if known is not None and known.state == "begun" and not again:
        message = replace(message, begun=known.at)
    else:
        store.record(_entry(message.key, "begun", {"told": dict(letter.told)}))
    try:
        (done,) = letter.sink.deliver([message], dry_run=False)
    except HeadwayError:
        # Raised before anything was sent; what was begun by an earlier run stays so.
        if message.begun is None:
            store.record(_entry(message.key, "failed", {}))
        raise
    if done.outcome in {"sent", "same"}:
        store.record(_entry(message.key, "sent", {"receipt": dict(done.receipt)}))
    elif done.outcome == "failed" and not done.receipt.get(UNSURE):
        store.record(_entry(message.key, "failed", {}))
    return done


def _entry(key: str, act: str, body: Mapping[str, Any]) -> Entry:
    return Entry(at=datetime.now(UTC), by=BY, topic="message", subject=key, act=act, body=dict(body))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
