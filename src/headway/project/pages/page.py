"""What all pages have in common: a title, one sentence that answers the page, and what was not known."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from headway.graph.model import Gap

Tone = Literal["", "good", "warn", "bad", "mute"]
"""How something is painted. Always beside a word or an icon that says the same."""


class Phrase(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a sentence, and how it is painted."""

    text: str
    tone: Tone = ""


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words that lead somewhere: an address inside Headway, such as `/map?objective=goal:objective.grow`."""

    text: str
    to: str
    note: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every page. The whole struct is its JSON twin; templates show nothing that is not in it."""

    title: str
    """For the window: `Objectives`, `Grow sales`."""
    sentence: tuple[Phrase, ...]
    """The answer in five seconds; the page's `h1`."""
    as_of: date
    synced_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    """What was not known, and why."""


def said(text: str, tone: Tone = "") -> tuple[Phrase, ...]:
    """A sentence of one phrase."""
    return (Phrase(text, tone),)
