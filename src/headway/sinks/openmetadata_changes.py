"""What would have to change in OpenMetadata, as JSON Patch (RFC 6902): only Headway's own parts, nobody else's.

Pure functions of what stands there, what is wanted and what was said earlier. Before something is taken out of a list
by its place, a `test` makes sure that it still stands there, so that what came in between is never the victim.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headway.sinks.openmetadata_items import ENDED, Asset, Goal, Ours, listed, print_of
from headway.sinks.openmetadata_shapes import ENDINGS, label_body

Patch = list[dict[str, Any]]
MARK = "Headway"
"""Reasons of our labels begin so."""
_NAMED = 4
"""Goals that a sentence names."""
_WORDS = {"displayName": "title", "extension": "properties"}


@dataclass(slots=True)
class Wanted:
    """What is to be sent, in JSON Patch and in words, and what is left to the people who wrote it."""

    patch: Patch = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """What somebody else wrote."""

    def put(self, path: str, value: Any) -> None:
        """Set a field (`add` replaces what is there)."""
        self.patch.append({"op": "add", "path": f"/{path}", "value": value})

    def append(self, there: Mapping[str, Any], name: str, members: Sequence[Any]) -> None:
        """Add members to the end of a list, which need not be there yet."""
        if members and isinstance(there.get(name), list):
            self.patch += [{"op": "add", "path": f"/{name}/-", "value": member} for member in members]
        elif members:
            self.put(name, list(members))

    def take_out(self, path: str, stands: Any, at: str = "") -> None:
        """Take out a member of a list, if what stands there (at `at` below it) is still the same."""
        self.patch.append({"op": "test", "path": f"/{path}{at}", "value": stands})
        self.patch.append({"op": "remove", "path": f"/{path}"})


def goal_wanted(there: Mapping[str, Any], goal: Goal, ours: Ours, owner: str) -> Wanted:
    """What makes a goal that is there what it is to be. `owner` is the id of its team there, or ''."""
    wanted = Wanted()
    ending = ENDINGS[goal.collection]
    if there.get(ending.field) == ending.ended and (ours.ended or is_marked(there)):
        wanted.put(ending.field, ending.living)
        wanted.words.append("in force again")
    texts_wanted(wanted, there, goal.texts, ours)
    if goal.collection == "glossaryTerms":
        before = ours.goals
        _members(wanted, there, "synonyms", goal.synonyms, [one for g in before for one in g.synonyms])
        _members(wanted, there, "references", goal.references, [one for g in before for one in g.references])
    _owner(wanted, there, goal.team, owner, {g.team for g in ours.goals if g.team})
    return wanted


def ended_wanted(there: Mapping[str, Any], goal: Goal, ours: Ours) -> Wanted:
    """What says that a goal has ended: its status, and its description where that is ours."""
    wanted = Wanted()
    ending = ENDINGS[goal.collection]
    if there.get(ending.field) == ending.ended:
        return wanted
    wanted.put(ending.field, ending.ended)
    wanted.words.append("marked as ended")
    stands = there.get("description")
    if stands and ours.wrote("description", stands):
        wanted.put("description", f"{ENDED}\n\n{stands}")
    return wanted


def texts_wanted(wanted: Wanted, there: Mapping[str, Any], texts: Mapping[str, str], ours: Ours) -> None:
    """Replace texts that are ours; leave those that somebody rewrote, also below our line that a goal has ended."""
    for name, text in texts.items():
        stands = there.get(name)
        if print_of(stands) == print_of(text):
            continue
        if name == "description" and is_marked(there):
            below = str(stands).removeprefix(ENDED).lstrip()
            if below and print_of(below) != print_of(text) and not ours.wrote(name, below):
                wanted.put(name, below)
                wanted.words.append("no longer said to have ended")
                wanted.kept.append(name)
                continue
        elif stands and not ours.wrote(name, stands):
            wanted.kept.append(_WORDS.get(name, name))
            continue
        wanted.put(name, text)
        wanted.words.append(_WORDS.get(name, name))


def asset_wanted(
    there: Mapping[str, Any], asset: Asset, ours: Ours, properties: Collection[str], domain: str
) -> Wanted:  # fmt: skip
    """What gives an asset the labels and properties that it is to have, and takes back those that it had from us.

    `properties`: our custom properties that assets of its kind can have. `domain`: the id of its domain, or ''.
    """
    wanted = Wanted()
    _labels(wanted, there, asset, ours)
    _domain(wanted, there, asset, ours, domain)
    _properties(wanted, there, asset, ours, properties)
    return wanted


def _members(wanted: Wanted, there: Mapping[str, Any], name: str, ask: Sequence[Any], before: Sequence[Any]) -> None:
    """Add our members to a list, and take out those that were ours and are no longer wanted."""
    stands = listed(there, name)
    gone = [i for i, member in enumerate(stands) if member not in ask and member in before]
    fresh = [member for member in ask if member not in stands]
    for i in reversed(gone):
        wanted.take_out(f"{name}/{i}", stands[i])
    wanted.append(there, name, fresh)
    if gone or fresh:
        wanted.words.append(name)


def _owner(wanted: Wanted, there: Mapping[str, Any], team: str, owner: str, before: Collection[str]) -> None:
    """Make a team the owner where nobody is, or where the only owner is the team that we named earlier."""
    stands = [one for one in listed(there, "owners") if isinstance(one, Mapping)]
    if not owner or any(one.get("id") == owner for one in stands):
        return
    named = [one for one in stands if one.get("type") == "team" and one.get("name") in before]
    if not stands:
        wanted.append(there, "owners", [{"id": owner, "type": "team"}])
    elif len(stands) == len(named) == 1:
        wanted.put("owners", [{"id": owner, "type": "team"}])
    else:
        return
    wanted.words.append(f"owner {team}")


def _labels(wanted: Wanted, there: Mapping[str, Any], asset: Asset, ours: Ours) -> None:
    stands = [one if isinstance(one, Mapping) else {} for one in listed(there, "tags")]
    names = [(str(one.get("tagFQN")), str(one.get("source"))) for one in stands]
    ask = {(label.fqn, label.source): label for label in asset.labels}
    before = {(label.fqn, label.source) for one in ours.assets for label in one.labels}
    gone = [i for i, one in enumerate(stands) if names[i] not in ask and names[i] in before and _is_ours(one)]
    fresh = [label for name, label in ask.items() if name not in names]
    for i in reversed(gone):
        wanted.take_out(f"tags/{i}", names[i][0], "/tagFQN")
    wanted.append(there, "tags", [label_body(label, asset.reason) for label in fresh])
    if fresh:
        wanted.words.append(f"gets {_named([label.fqn for label in fresh])}")
    if gone:
        wanted.words.append(f"loses {_named([names[i][0] for i in gone])}")


def _is_ours(label: Mapping[str, Any]) -> bool:
    """Whether a tool put a label there, and it was us: what people put by hand is theirs, even a goal of ours."""
    reason = str(label.get("reason") or MARK)
    return label.get("labelType") == "Automated" and reason.startswith(MARK)


def _domain(wanted: Wanted, there: Mapping[str, Any], asset: Asset, ours: Ours, domain: str) -> None:
    """An asset is in one domain: ours goes where there is none, or where it replaces ours; never over people's."""
    own = [one for one in listed(there, "domains") if isinstance(one, Mapping) and not one.get("inherited")]
    names = {str(one.get("fullyQualifiedName") or one.get("name")) for one in own}
    before = {one.domain for one in ours.assets if one.domain}
    if (not asset.domain and not names & before) or names == {asset.domain}:
        return
    if names - before:
        if asset.domain:
            wanted.kept.append("domain")
        return
    if asset.domain and domain:
        wanted.put("domains", [{"id": domain, "type": "domain"}])
        wanted.words.append(f"goes into the domain {asset.domain}")
    elif not asset.domain:
        wanted.put("domains", [])
        wanted.words.append("leaves its domain")


def _properties(
    wanted: Wanted, there: Mapping[str, Any], asset: Asset, ours: Ours, possible: Collection[str]
) -> None:  # fmt: skip
    stands = there.get("extension")
    now: Mapping[str, Any] = stands if isinstance(stands, Mapping) else {}
    fresh = {
        name: text
        for name, text in asset.properties.items()
        if name in possible and print_of(now.get(name)) != print_of(text)
    }
    ever = {name for one in ours.assets for name in one.prints}
    gone = [name for name in now if name in ever and name not in asset.properties and ours.wrote(name, now[name])]
    if fresh and not isinstance(stands, Mapping):
        wanted.put("extension", fresh)
    else:
        for name, text in fresh.items():
            wanted.put(f"extension/{name}", text)
    wanted.patch += [{"op": "remove", "path": f"/extension/{name}"} for name in gone]
    if fresh or gone:
        wanted.words.append("properties")


def _named(fqns: Sequence[str]) -> str:
    """The own names of some goals, of many only the first."""
    own = [re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', fqn)[-1].strip('"') for fqn in fqns]
    more = len(own) - _NAMED
    return ", ".join(own) if more <= 1 else f"{', '.join(own[:_NAMED])} and {more} more"


def is_marked(there: Mapping[str, Any]) -> bool:
    """Whether the description of a goal begins with our line that it has ended."""
    return str(there.get("description") or "").startswith(ENDED)
