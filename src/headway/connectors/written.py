"""What people write into the cells of a table: flags, numbers, days and periods, in the words of many tools.

What is not understood is None, and never a guess: whoever reads counts it.
"""

from __future__ import annotations

_YES = frozenset({"yes", "true", "1", "x", "y", "on", "archived", "hidden", "✓", "✔"})
_OPEN = frozenset({
    "no", "n", "false", "f", "0", "off", "nein", "non", "falsch", "faux",
    "public", "not private", "open", "visible", "shared", "all", "anyone", "everyone", "everybody",
    "company", "company-wide", "whole company", "entire company", "organisation", "organization", "workspace",
})  # fmt: skip
"""Words that say that everybody may see a goal. Any other word may say the contrary."""


def is_yes(said: str) -> bool:
    """Whether a cell says yes."""
    return _folded(said) in _YES


def is_private(said: str) -> bool:
    """Whether a cell says that not everybody may see a goal: any text but `no`, `public` and the like."""
    words = _folded(said)
    return bool(words) and words not in _OPEN


def _folded(said: str) -> str:
    return " ".join(said.split()).casefold()
