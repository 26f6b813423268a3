"""What people decided about findings, folded from the ledger: which decision holds, and what makes a finding come back.

A finding is known by its fingerprint, a code and a node. A decision takes it off the open list until

- the day that the decision names is over;
- its cost a month has doubled since, by at least one of its unit;
- somebody began to use it, or nobody does any more;
- there is a reason that there was not (for a key result that cannot be measured);
- what was done about it did not help: the link that was accepted has been read and the finding is still there, or the
  retirement was taken back.

Then it is open again and says what had been decided. Assigning a finding says who decides, and decides nothing; nor
does a comment, which is said as long as nobody decides after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import blake2b
from typing import Literal, NamedTuple

import msgspec

from headway.answer import figure
from headway.graph.ledger import Entry

Act = Literal["keep", "link", "retire", "snooze", "assign", "reopen", "undo", "comment"]
Word = Literal["open", "came back", "kept", "linked", "retiring", "snoozed"]

_DONE: Mapping[str, Word] = {"keep": "kept", "link": "linked", "retire": "retiring", "snooze": "snoozed"}
_VERBS = {
    "keep": "kept",
    "link": "linked",
    "retire": "retirement announced",
    "snooze": "snoozed",
    "assign": "assigned",
    "reopen": "reopened",
    "undo": "undone",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TIMES = 2.0
"""A cost that is this many times what it was when somebody decided brings a finding back."""


class Was(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a finding was like when somebody decided about it."""

    cost: float | None = None
    """Of a month, in `unit`."""
    unit: str = ""
    use: str = ""
    """used, unused or unknown; '' for goals."""
    why: tuple[str, ...] = ()
    """Reasons that each ask for something of their own; only of key results that cannot be measured."""


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an entry about a finding."""

    on: date | None = None
    """Day of the answer that was decided about."""
    asset: str = ""
    """What people call it."""
    kind: str = ""
    reason: str = ""
    until: date | None = None
    """Last day on which the decision holds."""
    to: str = ""
    """Who decides from now on."""
    key_result: str = ""
    """Id of the key result that it was linked to."""
    run: str = ""
    """The run of `headway retire` that began its way out."""
    undoes: str = ""
    """Digest of the entry that this one takes back."""
    was: Was = Was()


class Retiring(NamedTuple):
    """How far the retirement of an asset is, as the project's files say."""

    node: str
    stage: str
    on: date
    runs: tuple[str, ...]
    """Every run of `headway retire` that wrote about it, the last one last."""


def body_of(said: Said) -> dict[str, object]:
    """The body as plain data."""
    body: dict[str, object] = msgspec.json.decode(msgspec.json.encode(said))  # lists, where a struct has tuples
    return body


def digest_of(entry: Entry) -> str:
    """What an entry is known by in every store: 16 hexadecimal digits of all that it says, its id left out."""
    said = [entry.at.isoformat(), entry.by, entry.topic, entry.subject, entry.act, entry.body]
    return blake2b(msgspec.json.encode(said, order="sorted"), digest_size=8).hexdigest()


def handle_of(key: str) -> str:
    """A short name that can be typed, the same as long as the finding is: `@1f0c9a2`."""
    return "@" + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()[:7]


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry about a finding, read."""

    entry: Entry
    said: Said
    digest: str

    @property
    def day(self) -> date:
        """The day it was decided, as far as the answers went then."""
        return self.said.on or self.entry.at.date()

    def words(self, today: date) -> str:
        """`kept on 3 Oct by analytics because the auditor reads it, until 1 Nov`."""
        said, verb = self.said, _VERBS.get(self.entry.act, self.entry.act)
        if self.entry.act == "comment":
            return f"{self.entry.by} wrote on {day_words(self.day, today)}: {said.reason}"
        parts = [f"{verb} on {day_words(self.day, today)} by {self.entry.by}"]
        if said.to:
            parts[0] = f"{verb} to {said.to} on {day_words(self.day, today)} by {self.entry.by}"
        if said.reason:
            parts.append(f" because {said.reason}")
        if said.until:
            parts.append(f", until {day_words(said.until, today)}")
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class State:
    """How a finding stands today."""

    word: Word
    decision: Decision | None = None
    """The last decision about it, whether it still holds or not."""
    sentence: str = ""
    """What was decided, and why it came back; '' where nothing was."""
    assigned: str = ""
    """Who decides; '' where nobody was named."""
    run: str = ""
    """The run of `headway retire` that began its way out, where it is retiring."""

    @property
    def open(self) -> bool:
        """It asks for a decision."""
        return self.word in {"open", "came back"}


UNTOUCHED = State("open")
"""Of nearly every finding of a large company: nobody said anything about what it is about."""


class Decisions:
    """Everything that was decided up to a day."""

    def __init__(self, entries: Iterable[Entry], as_of: date) -> None:
        self.unread = 0
        """Entries that this version cannot read."""
        read: list[Decision] = []
        seen: set[str] = set()
        for entry in sorted((e for e in entries if e.topic == "finding"), key=lambda e: (e.at, e.id)):
            try:
                said = msgspec.convert(entry.body, Said)
            except msgspec.ValidationError:
                self.unread += 1
                continue
            decision = Decision(entry, said, digest_of(entry))
            if decision.day <= as_of and decision.digest not in seen:  # taken over by two at once, it is one decision
                seen.add(decision.digest)
                read.append(decision)
        self.all: Sequence[Decision] = read
        """Oldest first, those taken back included."""
        self.undone: Mapping[str, Decision] = {d.said.undoes: d for d in read if d.entry.act == "undo"}
        """Digest of an entry -> the entry that takes it back."""
        self._of: dict[str, list[Decision]] = defaultdict(list)
        self._about: dict[str, list[Decision]] = defaultdict(list)
        for decision in read:
            if decision.digest not in self.undone and decision.entry.act != "undo":
                self._of[decision.entry.subject].append(decision)
                self._about[decision.entry.subject.partition("::")[2]].append(decision)

    def last(self, key: str) -> Decision | None:
        """The last of keep, link, retire, snooze and reopen about a finding."""
        return next((d for d in reversed(self._of.get(key, ())) if d.entry.act in {*_DONE, "reopen"}), None)

    def holds(self, decision: Decision) -> bool:
        """Nobody took it back, and nobody decided otherwise later."""
        if decision.digest in self.undone or decision.entry.act == "comment":
            return decision.digest not in self.undone
        acts = {"assign"} if decision.entry.act == "assign" else {*_DONE, "reopen"}
        same = [d for d in self._of.get(decision.entry.subject, ()) if d.entry.act in acts]
        return bool(same) and same[-1] is decision

    def comment(self, key: str) -> Decision | None:
        """The last comment on a finding, as long as nobody decided about it since."""
        for decision in reversed(self._of.get(key, ())):
            if decision.entry.act == "comment":
                return decision
            if decision.entry.act in _DONE:
                return None
        return None

    def assigned(self, key: str) -> str:
        """Who decides about a finding, as it was said last."""
        return next((d.said.to for d in reversed(self._of.get(key, ())) if d.entry.act == "assign"), "")

    def elsewhere(self, key: str) -> Decision | None:
        """The last decision about the same node when it was a finding of another kind."""
        code, _, node = key.partition("::")
        others = (d for d in reversed(self._about.get(node, ())) if d.entry.act in _DONE)
        return next((d for d in others if not d.entry.subject.startswith(f"{code}::")), None)

    def state(
        self,
        key: str,
        now: Was,
        as_of: date,
        *,
        synced_at: datetime | None = None,
        retiring: Mapping[str, Retiring] | None = None,
    ) -> State:
        """How the finding stands. `retiring`: the retirements there are, by node; None where that is not known."""
        state, comment = self._decided(key, now, as_of, synced_at, retiring), self.comment(key)
        if comment is None:
            return state
        return replace(state, sentence="; ".join(filter(None, (state.sentence, comment.words(as_of)))))

    def _decided(
        self, key: str, now: Was, as_of: date, synced_at: datetime | None, retiring: Mapping[str, Retiring] | None
    ) -> State:
        node = key.partition("::")[2]
        file = (retiring or {}).get(node)
        if node not in self._about and file is None:
            return UNTOUCHED
        decision, assigned = self.last(key), self.assigned(key)
        if decision is None and file is not None and now.use == "unused":
            sentence = f"{file.stage} for {day_words(file.on, as_of)} by headway retire"
            return State("retiring", None, sentence, assigned, file.runs[-1])
        if decision is None:
            other = self.elsewhere(key)
            sentence = (
                f"{other.words(as_of)}, as something else: {other.said.kind or other.entry.subject[:5]}"
                if other
                else ""
            )
            return State("open", other, sentence, assigned)
        words = decision.words(as_of)
        if decision.entry.act == "reopen":
            return State("open", decision, words, assigned)
        helped = _no_help(decision, synced_at, file.runs if file else None if retiring is None else ())
        reasons = (changed(decision.said.was, now), helped, _over(decision, as_of))
        why = next((reason for reason in reasons if reason is not None), None)
        if why is None:
            return State(_DONE[decision.entry.act], decision, words, assigned, decision.said.run)
        return State("came back", decision, f"came back: {words}" + (f"; {why}" if why else ""), assigned)


def changed(was: Was, now: Was) -> str | None:
    """What changed so much since a decision that it has to be made again; None when nothing did."""
    if was.cost is not None and now.cost is not None and was.unit == now.unit:
        more = now.cost - was.cost
        if was.cost > 0 and now.cost >= TIMES * was.cost and more >= 1:
            return f"its cost grew from {figure(was.cost)} to {figure(now.cost)} {now.unit} a month".replace("  ", " ")
    if (was.use, now.use) == ("unused", "used"):
        return "it has been used since"
    if (was.use, now.use) == ("used", "unused"):
        return "nobody uses it any more"
    new = [reason for reason in now.why if reason not in was.why] if was.why else []
    return f"new is that {new[0]}" if new else None


def _over(decision: Decision, as_of: date) -> str | None:
    """'' when the day is over, which the words of the decision say already."""
    until = decision.said.until
    return "" if until is not None and until < as_of else None


def _no_help(decision: Decision, synced_at: datetime | None, runs: Collection[str] | None) -> str | None:
    if decision.entry.act == "link" and (synced_at is None or synced_at > decision.entry.at):
        return "the link is read, and it is still found"
    if decision.entry.act == "retire" and runs is not None and decision.said.run not in runs:
        return "the retirement was taken back"
    return None


def day_words(day: date, today: date) -> str:
    """`3 Oct`, and `3 Oct 2025` in another year than today's."""
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day.day} {_MONTHS[day.month - 1]}{year}"
