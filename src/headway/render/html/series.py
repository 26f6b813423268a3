"""A series over time as SVG text: readings, the expected path, the band to keep, where it is heading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 14, 28
"""Room around the plot, in units of the picture."""

Dated = Sequence[tuple[date, float | None]]


def series(
    points: Dated,
    *,
    plan: Dated = (),
    band: tuple[float | None, float | None] = (None, None),
    forecast: Any = None,
    tail: date | None = None,
    tone: str = "mute",
    percent: bool = False,
    said: str = "",
) -> Markup:
    """Readings as a line, oldest first, at least one.

    `plan`: the expected path, dashed. `band`: what is to be kept, tinted; None is an open end. `forecast`: has `day`,
    `value`, `low`, `high`. `tail`: a dotted line leads from the last reading to this day, on which nothing is sure.
    `percent`: values are shares, and the scale starts at zero.
    """
    known, path = _finite(points), _finite(plan)
    values = [v for _, v in (*known, *path)] + [v for v in band if v is not None and math.isfinite(v)]
    days = [d for d, _ in (*known, *path)] + ([tail] if tail else [])
    if forecast is not None:
        values += [forecast.low, forecast.high]
        days.append(forecast.day)
    frame = _Frame(days, [0.0, *values] if percent else values)
    parts = [*_axes(frame, percent), *_keep(frame, band)]
    newest = known[-1]
    if forecast is not None:
        cone = frame.line([newest, (forecast.day, forecast.high), (forecast.day, forecast.low)])
        parts.append(f'<polygon class="cone" points="{cone}"/>')
        parts.append(_line(frame, [newest, (forecast.day, forecast.value)], "mute", 'stroke-dasharray="2 4"'))
    if len(path) > 1:
        parts.append(_line(frame, path, "mute", 'stroke-width="1.3" stroke-dasharray="5 4"'))
        x, y = frame.at(*path[-1])
        parts.append(f'<circle class="s-mute" fill="none" stroke-width="1.5" cx="{x}" cy="{y}" r="3.5"/>')
    if len(known) > 1:
        parts.append(_line(frame, known, tone, 'stroke-width="2" stroke-linejoin="round"'))
    if tail and tail > newest[0]:
        parts.append(_line(frame, [newest, (tail, newest[1])], tone, 'stroke-width="2" stroke-dasharray="2 4"'))
    x, y = frame.at(*newest)
    parts.append(f'<circle class="f-{tone}" cx="{x}" cy="{y}" r="4"/>')
    return Markup(  # noqa: S704 - numbers and fixed words; what is said is escaped
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">{"".join(parts)}</svg>'
    )


def _finite(points: Dated) -> list[tuple[date, float]]:
    return [(d, v) for d, v in points if v is not None and math.isfinite(v)]


def _line(frame: _Frame, points: Sequence[tuple[date, float]], tone: str, how: str) -> str:
    return f'<polyline class="s-{tone}" fill="none" {how} points="{frame.line(points)}"/>'


class _Frame:
    """Where a day and a value are drawn."""

    def __init__(self, days: Sequence[date], values: Sequence[float]) -> None:
        self.first, self.last = min(days), max(days)
        self.days = max(1, (self.last - self.first).days)
        self.ticks = _ticks(min(values), max(values))
        self.low, self.high = min(self.ticks[0], *values), max(self.ticks[-1], *values)

    def at(self, day: date, value: float) -> tuple[str, str]:
        return f"{self.x(day):.1f}", f"{self.y(value):.1f}"

    def x(self, day: date) -> float:
        return LEFT + (day - self.first).days / self.days * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        return HEIGHT - BOTTOM - (value - self.low) / span * (HEIGHT - TOP - BOTTOM)

    def line(self, points: Sequence[tuple[date, float]]) -> str:
        return " ".join(",".join(self.at(d, v)) for d, v in points)


def _axes(frame: _Frame, percent: bool) -> list[str]:
    parts = []
    for tick in frame.ticks:
        y = frame.y(tick)
        text = f"{tick * 100:.0f}%" if percent else _short(tick)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end num" x="{LEFT - 8}" y="{y + 4:.1f}">{text}</text>')
    for k in range(4):
        day = frame.first + timedelta(days=round(frame.days * k / 3))
        place = ("", "middle", "middle", "end")[k]
        parts.append(f'<text class="{place} num" x="{frame.x(day):.1f}" y="{HEIGHT - 6}">{day.day} {day:%b}</text>')
    return parts


def _keep(frame: _Frame, band: tuple[float | None, float | None]) -> list[str]:
    low, high = band
    if low is None and high is None:
        return []
    top = TOP if high is None else frame.y(high)
    bottom = HEIGHT - BOTTOM if low is None else frame.y(low)
    width = WIDTH - LEFT - RIGHT
    return [f'<rect class="keep" x="{LEFT}" y="{top:.1f}" width="{width}" height="{max(1.0, bottom - top):.1f}"/>']


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that hold both ends; of one value, that value."""
    if not high > low:
        return [low]
    raw = (high - low) / 4
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * m for m in (1, 2, 2.5, 5, 10) if base * m >= raw * 0.999)
    start = math.floor(low / step + 1e-9)
    count = math.ceil(high / step - 1e-9) - start
    return [round((start + k) * step, 12) for k in range(count + 1)]


def _short(value: float) -> str:
    size = abs(value)
    for scale, sign in ((1e9, "bn"), (1e6, "m"), (1e4, "k")):
        if size >= scale:
            return f"{value / (1e3 if sign == 'k' else scale):g}{sign}"
    return f"{value:,.10g}"
