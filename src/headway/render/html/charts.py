"""Small charts as SVG text: ring, sparkline, bar. Plain functions, no chart library.

Colours come from classes (`f-good` fills, `s-good` strokes, ...), never from style attributes, so that one text works
under a strict content policy, in both themes and in the exported file. Every chart has its numbers in `aria-label`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

NOTHING = "\u2013"
"""What stands where a number would."""

DOTS_APART = 6.0
"""Pixels between the dots of a part of a ring that nothing is known of."""


def ring(
    value: float | None,
    *,
    trusted: float = 0.0,
    covered: bool = True,
    expected: float | None = None,
    tone: str = "mute",
    size: int = 76,
) -> Markup:
    """Progress of an objective, shares of 0..1; None where nothing has a value.

    Solid: the part from readings that are trusted. Hatched: the part from readings that are not trusted today. The rest
    is dotted when some key result has no reading (`covered` False). The tick is where the plan expects it today.
    """
    thick = 8 if size >= 60 else 4
    r, c = size / 2 - thick * 0.75, size / 2
    done = _share(value)

    def arc(start: float, end: float, paint: str) -> str:
        return (
            f'<circle cx="{c:g}" cy="{c:g}" r="{r:g}" fill="none" stroke-width="{thick}" pathLength="100" '
            f'stroke-dasharray="{(end - start) * 100:.2f} 100" stroke-dashoffset="{-start * 100:.2f}" '
            f'transform="rotate(-90 {c:g} {c:g})" {paint}/>'
        )

    def point(share: float, radius: float) -> tuple[float, float]:
        angle = 2 * math.pi * share - math.pi / 2
        return c + radius * math.cos(angle), c + radius * math.sin(angle)

    if covered:
        parts = [f'<circle class="s-track" cx="{c:g}" cy="{c:g}" r="{r:g}" fill="none" stroke-width="{thick}"/>']
    else:
        n = max(1, round((1 - done) * 2 * math.pi * r / DOTS_APART))
        spots = [point(done + (1 - done) * (k + 0.5) / n, r) for k in range(n)]
        parts = [f'<circle class="f-mute" r="{thick * 0.19:.1f}" cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in spots]
    solid = min(_share(trusted), done)
    if solid > 0.0005:
        parts.append(arc(0, solid, f'class="s-{tone}"'))
    if done - solid > 0.0005:
        parts.append(arc(solid, done, 'stroke="url(#hatch)"'))
    if expected is not None:
        (x1, y1), (x2, y2) = point(_share(expected), r - thick * 0.75), point(_share(expected), r + thick * 0.75)
        parts.append(f'<line class="s-ink" stroke-width="2" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    said = f"{percent(value)} done" if value is not None else "no progress known"
    said += f", {percent(expected)} expected by now" if expected is not None else ""
    said += "" if covered else ", not all key results measured"
    middle = percent(value) if value is not None else NOTHING
    text = f'<text class="num" x="50%" y="50%" dy="6">{middle}</text>' if size >= 60 else ""
    return _svg(f'class="ring num" width="{size}" height="{size}"', said, "".join(parts) + text)


def sparkline(
    points: Iterable[Iterable[Any]],
    *,
    start: float | None,
    target: float | None,
    tone: str = "mute",
    tail: float = 0.0,
    said: str = "",
    width: int = 132,
    height: int = 36,
) -> Markup:
    """Readings over a period, a dashed line for the plan, a dotted tail for days without a reading.

    `points`: (share of the period that has passed, value, ...), oldest first, at least one. `start` and `target` are
    the ends of the plan; without either none is drawn. `tail`: share of the period up to which nothing was read since
    the last.
    """
    known = [(float(share), float(value)) for share, value, *_ in points]
    values = [v for _, v in known]
    ends = [v for v in (start, target) if v is not None]
    low, high = min(values + ends), max(values + ends)
    span = (high - low) or 1.0

    def x(share: float) -> str:
        return f"{3 + _share(share) * (width - 8):.1f}"

    def y(value: float) -> str:
        return f"{height - 4 - (value - low) / span * (height - 9):.1f}"

    parts = []
    if start is not None and target is not None:
        parts.append(
            f'<line class="s-mute" stroke-opacity=".5" stroke-width="1.2" stroke-dasharray="3 3" '
            f'x1="{x(0)}" y1="{y(start)}" x2="{x(1)}" y2="{y(target)}"/>'
        )
    if len(known) > 1:
        line = " ".join(f"{x(s)},{y(v)}" for s, v in known)
        parts.append(
            f'<polyline class="s-{tone}" points="{line}" fill="none" stroke-width="1.8" stroke-linejoin="round"/>'
        )
    share, last = known[-1]
    if tail > share:
        parts.append(
            f'<line class="s-{tone}" stroke-dasharray="2 3" x1="{x(share)}" x2="{x(tail)}" '
            f'y1="{y(last)}" y2="{y(last)}"/>'
        )
    parts.append(f'<circle class="f-{tone}" cx="{x(share)}" cy="{y(last)}" r="2.6"/>')
    if target is not None:
        parts.append(f'<circle class="s-mute" fill="none" stroke-width="1.3" cx="{x(1)}" cy="{y(target)}" r="2.6"/>')
    aim = f", target {target:g}" if target is not None else ""
    return _svg(
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"',
        said or f"from {values[0]:g} to {last:g}{aim}",
        "".join(parts),
    )


def bar(
    value: float, *, expected: float | None, tone: str = "mute", doubtful: bool = False, width: int = 150
) -> Markup:
    """Progress of a key result, shares of 1, with a tick where it is expected; hatched when the reading is not trusted.

    Above 1 the bar is full and the words say how much; below 0 it is a sliver.
    """
    filled = max(3.0, width * _share(value))
    paint = 'fill="url(#hatch)"' if doubtful else f'class="f-{tone}"'
    parts = (
        f'<rect class="f-track" y="5" width="{width}" height="6" rx="3"/>'
        f'<rect {paint} y="5" width="{filled:.1f}" height="6" rx="3"/>'
    )
    said = f"{percent(value)} of the way"
    if expected is not None:
        at = width * _share(expected)
        parts += f'<line class="s-ink" stroke-width="1.6" x1="{at:.1f}" x2="{at:.1f}" y1="1" y2="15"/>'
        said += f", {percent(expected)} expected"
    return _svg(f'width="{width}" height="16" viewBox="0 0 {width} 16"', said, parts)


def hatch() -> Markup:
    """The pattern of what is not trusted; once on every page that draws a ring or a bar."""
    return Markup(
        '<svg width="0" height="0" aria-hidden="true" class="hidden-visually"><defs>'
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="f-track" width="6" height="6"/>'
        '<rect class="f-mute" width="3" height="6"/></pattern></defs></svg>'
    )


def percent(share: float) -> str:
    """`54%`. Nothing that is not done is said to be: 99.6% is 99%."""
    whole = math.floor(share * 100 + 1e-9) if 0.99 < share < 1 else round(share * 100)
    return f"{whole}%"


def _share(value: float | None) -> float:
    return 0.0 if value is None or not math.isfinite(value) else min(1.0, max(0.0, value))


def _svg(attributes: str, said: str, content: str) -> Markup:
    # Built here from numbers and fixed words; what is said may hold a name, and is escaped.
    return Markup(f'<svg {attributes} role="img" aria-label="{escape(said)}">{content}</svg>')  # noqa: S704


DRAWN: Mapping[str, Callable[..., str]] = {
    "ring": ring,
    "sparkline": sparkline,
    "bar": bar,
    "hatch": hatch,
    "percent": percent,
}
"""What templates call, by name."""
