"""Requests: what somebody wishes for before it exists, folded from what people wrote in the ledger.

An entry of the topic `request` has the id of a request as its subject. Its acts, and what their bodies say beyond that:

    filed, imported     the fields of a Request; `external` and `asked` where it was filed elsewhere first
    edited              the fields that changed
    accepted            cost: its size as whoever will build it sees it
    pointed, extended   asset: what answers it already, or is to be extended
    declined            objective: id of the objective it was for on that day
    built               asset: what was built
    withdrawn

Every decision says `reason`. The last one counts; all of them are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from headway.graph.ledger import Entry
from headway.graph.search import telling, words

State = Literal["open", "accepted", "pointed", "extended", "declined", "built", "withdrawn"]
Size = Literal["", "small", "medium", "large"]
Sort = Literal["", "dashboard", "chart", "metric", "table", "data", "other"]

STATES: tuple[State, ...] = get_args(State)
SIZES: tuple[Size, ...] = get_args(Size)
SORTS: tuple[Sort, ...] = get_args(Sort)
DECIDED: Mapping[str, State] = {state: state for state in STATES if state != "open"}
"""Acts that decide, with the state that they lead to."""
WAITING: tuple[State, ...] = ("open", "accepted", "extended")
"""States in which something is still to be decided or done: the backlog."""

FIELDS = ("text", "decision", "key_result", "kind", "readers", "due", "cost")
"""What a person fills in."""

ALIKE = 0.6
"""Share of the words of two requests that both have, from which they are shown beside one another."""
SAME = 0.8
"""... and from which they ask for the same, if they are for the same key result."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done about a request."""

    act: str
    at: datetime
    by: str
    reason: str = ""
    asset: str = ""
    """Id of an asset, for what points at one."""
    objective: str = ""
    """Id of the objective that it was for when it was declined."""

    @property
    def on(self) -> date:
        """The day in UTC."""
        return self.at.date()


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody's wish for a new asset, and what became of it."""

    id: str
    text: str
    """What is asked for, in a line."""
    decision: str = ""
    """Which decision it will serve."""
    key_result: str = ""
    """Id or name of the key result it is for, as it was written."""
    kind: Sort = ""
    readers: str = ""
    """Who will use it, and how often."""
    due: date | None = None
    cost: Size = ""
    """What it takes to build, as somebody said."""
    by: str
    """Who asks."""
    asked: date
    external: str = ""
    """Where else it is filed, such as `github:42`."""
    state: State = "open"
    acts: tuple[Act, ...] = ()
    """Everything that was done about it, oldest first, filing it included."""

    @property
    def decided(self) -> Act | None:
        """What put it into its state; None while it is open."""
        return next((act for act in reversed(self.acts) if act.act in DECIDED), None)

    @property
    def asset(self) -> str:
        """The asset that the last decision names; '' without one."""
        return self.decided.asset if self.decided else ""


def fold(entries: Iterable[Entry]) -> tuple[Request, ...]:
    """The requests that entries of the ledger (oldest first) make, in the order they were filed.

    Filing an id twice counts once, so that two who import the same file at once write nothing twice. What does not
    belong to a request, and a value of another type than its field has, is passed over: another version wrote it.
    """
    found: dict[str, Request] = {}
    for entry in entries:
        if entry.topic != "request":
            continue
        known = found.get(entry.subject)
        if known is None:
            if entry.act in {"filed", "imported"} and (text := _text(entry.body, "text")):
                asked = _day(entry.body, "asked") or entry.at.date()
                blank = Request(id=entry.subject, text=text, by=entry.by, asked=asked, acts=(_act(entry),))
                found[entry.subject] = replace(_filled(blank, entry.body), external=_text(entry.body, "external"))
        elif entry.act == "edited":
            found[entry.subject] = replace(_filled(known, entry.body), acts=(*known.acts, _act(entry)))
        elif entry.act in DECIDED:
            size = _chosen(entry.body, "cost", SIZES) or known.cost
            acts = (*known.acts, _act(entry))
            found[entry.subject] = replace(known, state=DECIDED[entry.act], cost=size, acts=acts)
    return tuple(found.values())


def content(request: Request) -> dict[str, Any]:
    """What a person filled in, as plain data: the fields that are not empty."""
    said = {name: getattr(request, name) for name in FIELDS}
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in said.items() if v}


def alike(one: str, other: str) -> float:
    """0..1: the share of the telling words of two texts that both have (Jaccard index); 1 for the same words."""
    if words(one) == words(other):
        return 1.0
    mine, theirs = telling(one), telling(other)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


def similar(text: str, known: Sequence[Request], *, besides: str = "") -> list[tuple[float, Request]]:
    """Requests whose text is like this one, the likest and then the oldest first; not the one with the id `besides`."""
    scored = ((alike(text, request.text), request) for request in known if request.id != besides)
    kept = [(share, request) for share, request in scored if share >= ALIKE]
    return sorted(kept, key=lambda pair: (-pair[0], pair[1].asked, pair[1].id))


def _filled(request: Request, body: Mapping[str, Any]) -> Request:
    """The request with the fields that a body has; '' empties one."""
    changes: dict[str, Any] = {n: _text(body, n) for n in ("decision", "key_result", "readers") if n in body}
    if text := _text(body, "text"):
        changes["text"] = text
    if "kind" in body:
        changes["kind"] = _chosen(body, "kind", SORTS)
    if "cost" in body:
        changes["cost"] = _chosen(body, "cost", SIZES)
    if "due" in body:
        changes["due"] = _day(body, "due")
    return replace(request, **changes)


def _act(entry: Entry) -> Act:
    said = (_text(entry.body, name) for name in ("reason", "asset", "objective"))
    return Act(entry.act, entry.at, entry.by, *said)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value.strip() if isinstance(value, str) else ""


def _chosen(body: Mapping[str, Any], name: str, options: Sequence[Any]) -> Any:
    value = body.get(name)
    return value if isinstance(value, str) and value in options else ""


def _day(body: Mapping[str, Any], name: str) -> date | None:
    try:
        return date.fromisoformat(_text(body, name))
    except ValueError:
        return None
