"""How goals are spoken of on the picture pages: verdicts with their tone, what is expected today, and their colours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

import msgspec

from headway.graph.graph import Graph
from headway.project.pages.page import Tone
from headway.questions.progress import Pace
from headway.questions.status import standing_of

Verdict = Literal["on", "behind", "off", "unsure", "none"]
"""Each has an icon and a tone of its own; `none` is without a verdict, never zero."""

TONES: Mapping[Verdict, Tone] = {"on": "good", "behind": "warn", "off": "bad", "unsure": "mute", "none": "mute"}

_ICONS: Mapping[Verdict, str] = {
    "on": "check",
    "behind": "exclamation",
    "off": "cross",
    "unsure": "question",
    "none": "dash",
}


class Chip(msgspec.Struct, frozen=True):
    """A verdict as it is shown: a word, its tone, its icon."""

    text: str
    tone: Tone
    icon: str


_SPOKEN: Mapping[Pace, tuple[Verdict, str]] = {
    "done": ("on", "Done"),
    "on pace": ("on", "On pace"),
    "behind": ("behind", "Behind"),
    "off track": ("off", "Off track"),
    "overdue": ("off", "Overdue"),
    "unsure": ("unsure", "Unsure"),
    "not measured": ("none", "No reading"),
    "too early": ("none", "Too early"),
    "no pace": ("none", "No pace"),
}

COLOURS = 6
"""Goal colours that can be told apart."""


def verdict_of(pace: Pace) -> Verdict:
    """The verdict that a pace is shown as."""
    return _SPOKEN[pace][0]


def chip_of(pace: Pace) -> Chip:
    """The verdict as a chip."""
    verdict, word = _SPOKEN[pace]
    return Chip(word, TONES[verdict], _ICONS[verdict])


def expected_now(graph: Graph, objective: int) -> float | None:
    """Share of the way that is expected today: the mean over its key results, weighted as progress is; or None."""
    known = standing_of(graph).key_results
    weighed: list[tuple[float, float]] = []
    seen, todo = {objective}, [objective]
    while todo and not weighed:
        below = [p for o in todo for p in graph.parts.get(o, ()) if p not in seen]
        seen.update(below)
        for goal in below:
            a = known.get(goal)
            if a is not None and a.expected is not None and a.progress is not None and a.weight > 0 and not a.draft:
                weighed.append((a.weight, a.expected))
        todo = [p for p in below if graph.nodes[p].kind == "objective"]
    total = sum(weight for weight, _ in weighed)
    return round(sum(w * share for w, share in weighed) / total, 3) if total else None


@lru_cache(maxsize=4)
def colours(graph: Graph) -> Mapping[int, int]:
    """The colour of every objective, 1 to 6: the first that no objective had which was alive when it began.

    So a goal keeps its colour for as long as it lives, whatever is added later.
    """
    rows = []
    for i, node in enumerate(graph.nodes):
        if node.kind == "objective":
            record = graph.objectives.get(i)
            start = (record.start if record else None) or date.min
            end = (record.end if record and not record.standing else None) or date.max
            standing = bool(record and record.standing)
            rows.append((start, record.order if record else 0, node.id, end, i, standing))
    found: dict[int, int] = {}
    lives: list[tuple[date, int]] = []
    for start, _, _, end, i, standing in sorted(rows):
        held = [colour for until, colour in lives if until >= start]
        # A standing objective is older than all others; from the other end, it leaves them the first colours.
        choice = range(COLOURS, 0, -1) if standing else range(1, COLOURS + 1)
        found[i] = min(choice, key=held.count)
        lives.append((end, found[i]))
    return found
