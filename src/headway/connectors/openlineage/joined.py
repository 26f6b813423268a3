"""Numbers that are one with others, and the least of each."""

from __future__ import annotations


class Joined:
    """Every number is alone until it is joined with another; many joins cost little more than as many look-ups."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def least(self, number: int) -> int:
        """The least number of all that are one with this."""
        while (above := self._above.get(number, number)) != number:
            # Each step halves the way for the next time: a long chain is not walked again and again.
            self._above[number] = number = self._above.get(above, above)
        return number

    def join(self, one: int, other: int) -> None:
        """Make two numbers, and all that are one with them, one."""
        a, b = self.least(one), self.least(other)
        if a != b:
            self._above[max(a, b)] = min(a, b)
