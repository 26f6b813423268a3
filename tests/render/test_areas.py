"""Areas and lines: stacked to the whole, labels that do not touch, and nothing but text from names."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from headway.render.html.areas import APART, area, line

START = date(2026, 1, 1)
PAINTS = ["f-serves", "f-used", "f-unknown", "f-nobody"]
WORDS = ["one", "two", "three", "<b>four</b>"]
SHARES = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any)


def days(rows: list[list[int]]) -> list[tuple[date, list[float]]]:
    return [(START + timedelta(days=30 * k), [v / sum(row) for v in row]) for k, row in enumerate(rows)]


@given(st.lists(SHARES, min_size=2, max_size=8))
def test_layers_fill_the_height_and_labels_stay_apart_and_inside(rows: list[list[int]]) -> None:
    svg = str(area(days(rows), WORDS, PAINTS, said="Shares"))
    layers = [
        [tuple(map(float, p.split(","))) for p in points.split()]
        for points in re.findall(r'polygon class="layer [^"]*" points="([^"]*)"', svg)
    ]
    assert len(layers) == 4
    assert {y for _, y in layers[0][len(rows) :]} == {272.0}
    assert all(abs(y - 22.0) < 0.2 for _, y in layers[3][: len(rows)])
    for below, above in pairwise(layers):
        assert above[len(rows) :] == below[: len(rows)][::-1]
    places = [float(y) for y in re.findall(r'class="layer-name" x="\d+" y="([\d.]+)"', svg)]
    assert all(one - other >= APART - 0.11 for one, other in pairwise(places))
    assert all(0 < y <= 300 for y in places)
    assert "<b>" not in svg


def test_what_happened_stands_at_its_day_and_shares_a_tick() -> None:
    points = days([[1, 1, 1, 1], [2, 1, 1, 1]])
    marks = [(1, START, False), (2, START + timedelta(days=30), False), (3, START + timedelta(days=30), True)]
    svg = str(area(points, WORDS, PAINTS, said="Shares", marks=[*marks, (4, START - timedelta(days=9), False)]))
    assert re.findall(r'class="middle num (event|jump)" x="[\d.]+" y="14">([^<]*)<', svg) == [
        ("event", "1"),
        ("jump", "2 to 3"),
    ]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_a_line_stays_in_its_picture_and_starts_at_zero(values: list[int]) -> None:
    svg = str(line(values, said="<x>"))
    points = [tuple(map(float, p.split(","))) for p in re.search(r'points="([^"]*)"', svg)[1].split()]  # type: ignore[index]
    assert len(points) == len(values)
    assert all(0 <= x <= 220 and 0 <= y <= 56 for x, y in points)
    assert all(y == 52.0 for (_, y), v in zip(points, values, strict=True) if not v)
    assert max(values) == 0 or min(y for _, y in points) < 52.0
    assert "<x>" not in svg
