"""Shares over time as a stacked area, and one number over time as a line, as SVG text.

Scales start at zero. Labels stand beside what they name, pushed apart where they would touch; there is no legend.
Colours come from classes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from markupsafe import Markup, escape

WIDTH, HEIGHT = 900, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 190, 22, 28
"""Room around the plot: the scale, the labels, numbers of what happened, the days."""
APART = 17.0
"""Least distance of two labels."""

Day = tuple[date, Sequence[float]]
Event = tuple[int, date, bool]
"""Number, day, and whether the curve jumps there for another reason than work."""


def area(
    points: Sequence[Day], words: Sequence[str], paints: Sequence[str], *, said: str, marks: Sequence[Event] = ()
) -> Markup:
    """Shares that add up to 1 on each day, stacked from below; at least two days, oldest first.

    `words` and `paints` are of the shares, in their order. `marks` of several things on one day share a tick.
    """
    first, last = points[0][0], points[-1][0]
    days = max(1, (last - first).days)

    def x(day: date) -> float:
        return LEFT + (day - first).days / days * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    out = []
    below = [0.0] * len(points)
    for k, paint in enumerate(paints):
        above = [min(1.0, b + shares[k]) for b, (_, shares) in zip(below, points, strict=True)]
        edge = [f"{x(d):.1f},{y(v):.1f}" for (d, _), v in zip(points, above, strict=True)]
        back = [f"{x(d):.1f},{y(v):.1f}" for (d, _), v in zip(points, below, strict=True)]
        out.append(f'<polygon class="layer {escape(paint)}" points="{" ".join([*edge, *reversed(back)])}"/>')
        below = above
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        out.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        out.append(f'<text class="end num" x="{LEFT - 8}" y="{y(tick) + 4:.1f}">{tick * 100:.0f}%</text>')
    for day, place in _named([d for d, _ in points]):
        out.append(f'<text class="{place} num" x="{x(day):.1f}" y="{HEIGHT - 8}">{day.day} {day:%b %y}</text>')
    for day, numbers, jump in _ticks(marks, first, last):
        kind = "jump" if jump else "event"
        out.append(f'<line class="{kind}" x1="{x(day):.1f}" x2="{x(day):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'<text class="middle num {kind}" x="{x(day):.1f}" y="{TOP - 8}">{numbers}</text>')
    out += _labels(points[-1][1], words, y)
    return _svg("area", WIDTH, HEIGHT, said, out)


def line(values: Sequence[float], *, said: str, width: int = 220, height: int = 56) -> Markup:
    """One number over time, at equal steps; the scale starts at zero. At least one value."""
    top = max(*values, 1.0) if len(values) > 1 else max(values[0], 1.0)
    step = (width - 10) / max(1, len(values) - 1)

    def at(k: int) -> str:
        return f"{4 + k * step:.1f},{height - 4 - max(0.0, values[k]) / top * (height - 10):.1f}"

    base = f'<line class="rule" x1="0" x2="{width}" y1="{height - 4}" y2="{height - 4}"/>'
    drawn = f'<polyline class="s-goal" fill="none" stroke-width="2" points="{" ".join(map(at, range(len(values))))}"/>'
    cx, cy = at(len(values) - 1).split(",")
    return _svg("line", width, height, said, [base, drawn, f'<circle class="f-goal" cx="{cx}" cy="{cy}" r="3"/>'])


def _named(days: Sequence[date]) -> list[tuple[date, str]]:
    """At most five days that are written, the first and the last among them, and how each is aligned."""
    count = min(5, len(days))
    chosen = [days[round(k * (len(days) - 1) / max(1, count - 1))] for k in range(count)]
    places = ["start", *["middle"] * (count - 2), "end"] if count > 1 else ["start"]
    return list(zip(chosen, places, strict=True))


def _ticks(marks: Sequence[Event], first: date, last: date) -> list[tuple[date, str, bool]]:
    found: dict[date, list[tuple[int, bool]]] = {}
    for number, day, jump in marks:
        if first <= day <= last:
            found.setdefault(day, []).append((number, jump))
    return [
        (day, f"{m[0][0]}" if len(m) == 1 else f"{m[0][0]} to {m[-1][0]}", any(jump for _, jump in m))
        for day, m in found.items()
    ]


def _labels(shares: Sequence[float], words: Sequence[str], y: Callable[[float], float]) -> list[str]:
    """Names of the layers at the right, each at the middle of its own, pushed upwards where two would touch."""
    below, places = 0.0, []
    for share in shares:
        places.append(y(below + share / 2) + 4)
        below += share
    for k in range(1, len(places)):
        places[k] = min(places[k], places[k - 1] - APART)
    highest = TOP + 8.0
    if places and places[-1] < highest:
        places[-1] = highest
        for k in range(len(places) - 2, -1, -1):
            places[k] = max(places[k], places[k + 1] + APART)
    x = WIDTH - RIGHT + 10
    return [
        f'<text class="layer-name" x="{x}" y="{place:.1f}">{escape(word)} {share * 100:.0f}%</text>'
        for word, share, place in zip(words, shares, places, strict=True)
    ]


def _svg(name: str, width: int, height: int, said: str, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - numbers and fixed words; what is said is escaped
        f'<svg class="{name}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(said)}">'
        f"{''.join(parts)}</svg>"
    )
