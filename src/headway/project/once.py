"""Writes that are done once however often they are sent: what was answered to a key, for a day.

A program that does not know whether its write arrived sends it again under the same key. Before a write is done the
ledger says that it was begun, afterwards what was answered. Of two that are sent at once, the one that is written down
first is done. Of keys and bodies only hashes are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from headway.graph.ledger import Entry
from headway.project.ledger import entries, written

if TYPE_CHECKING:
    from headway.project.workspace import Project

TOPIC: Literal["once"] = "once"
HELD = timedelta(days=1)
"""How long a key is remembered."""
LARGEST = 40_000
"""Characters of an answer that is kept; of a larger one only that it was given."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a write."""

    status: int
    text: str
    """'' where it was too large to be kept."""
    kept: bool
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is: `ours`, somebody's who began and has not ended (`begun`), or nobody's (`answered`, `other`)."""

    state: Literal["ours", "begun", "answered", "other"]
    """`other`: the key was used for another write."""
    answered: Answered | None = None


def subject_of(who: str, key: str) -> str:
    """What a key is called in the ledger: nobody meets the keys of somebody else."""
    return blake2b(f"{who}\0{key}".encode(), digest_size=16).hexdigest()


def fingerprint(method: str, address: str, body: bytes) -> str:
    """Names a write: the same for the same method, address and body."""
    digest = blake2b(digest_size=16)
    for part in (method.encode(), address.encode("utf-8", "surrogatepass"), body):
        digest.update(f"{len(part)}:".encode() + part)
    return digest.hexdigest()


def begin(project: Project, subject: str, print_: str, *, by: str) -> Turn:
    """Take one's turn: it is `ours` when nobody has begun a write under this key in a day, and it is noted as begun.

    Raises StoreError, and UsageError for a project that keeps no store.
    """
    known = _of(project, subject)
    if not _open(known):
        return _turn(known, print_)
    mine = written(project, topic=TOPIC, subject=subject, act="begun", by=by, body={"print": print_})
    now = _of(project, subject)
    first = _open_begun(now)
    return Turn("ours") if first is None or first.id == mine.id else _turn([e for e in now if e.id != mine.id], print_)


def end(project: Project, subject: str, answer: Answered, *, by: str) -> None:
    """Note what was answered. Raises StoreError."""
    body: dict[str, Any] = {"status": answer.status, "headers": dict(answer.headers), "kept": False}
    if len(answer.text) <= LARGEST:
        body |= {"text": answer.text, "kept": True}
    written(project, topic=TOPIC, subject=subject, act="answered", by=by, body=body)


def leave(project: Project, subject: str, *, by: str) -> None:
    """Note that nothing was done: whoever sends it again has their turn. Raises StoreError."""
    written(project, topic=TOPIC, subject=subject, act="left", by=by)


def _of(project: Project, subject: str) -> list[Entry]:
    """What is known of a key since it was left last, of the last day."""
    since = datetime.now(UTC) - HELD
    found = [e for e in entries(project, TOPIC, subject) if e.at > since]
    for k in range(len(found) - 1, -1, -1):
        if found[k].act == "left":
            return found[k + 1 :]
    return found


def _open_begun(known: list[Entry]) -> Entry | None:
    return next((e for e in known if e.act == "begun"), None)


def _open(known: list[Entry]) -> bool:
    return _open_begun(known) is None and not any(e.act == "answered" for e in known)


def _turn(known: list[Entry], print_: str) -> Turn:
    begun = _open_begun(known)
    if begun is not None and begun.body.get("print") != print_:
        return Turn("other")
    done = next((e for e in known if e.act == "answered"), None)
    if done is None:
        return Turn("begun")
    said, headers = done.body, done.body.get("headers")
    return Turn(
        "answered",
        Answered(
            status=int(said.get("status") or 200),
            text=str(said.get("text") or ""),
            kept=bool(said.get("kept")),
            headers={str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {},
        ),
    )
