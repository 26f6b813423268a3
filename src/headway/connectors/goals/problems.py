"""Everything that is wrong in a set of goals files, collected instead of raised one by one."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from headway.errors import Place, Problem

MOST_PROBLEMS = 1000
"""More than this many are counted instead of listed."""
_COMPARISONS = 100_000
"""Names compared for suggestions in one reading, so that a file full of mistakes is still answered at once."""


class Problems:
    """Collects everything that is wrong, in order of discovery."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.more = 0
        self._left = _COMPARISONS

    def add(self, problem: Problem) -> None:
        """Note one problem."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(problem)
        else:
            self.more += 1

    def say(self, message: str, place: Place, hint: str = "") -> None:
        """Note one problem, said in parts."""
        self.add(Problem(message, place, hint))

    def near(self, word: str, names: Collection[str]) -> str:
        """The name nearest to the word, or '' when none is near."""
        if len(names) > self._left or len(word) > 200:
            return ""
        self._left -= len(names)
        lower = {name.lower(): name for name in names}
        found = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
        return lower[found[0]] if found else ""

    def did_you_mean(self, word: str, names: Collection[str]) -> str:
        """The same as a question, or ''."""
        near = self.near(word, names)
        return f"did you mean {near}?" if near else ""

    def sorted(self) -> list[Problem]:
        """All problems by place, the first thousand of them, and how many more there are."""
        found = sorted(self.found, key=lambda p: (p.place.file, p.place.line, p.place.column))
        if self.more:
            found.append(
                Problem(f"and {self.more:,} more problems", Place(found[0].place.file), "begin with the first")
            )
        return found
