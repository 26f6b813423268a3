"""The icicle: true to height, no label that does not fit, nothing but text from names."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from headway.render.html.icicle import fitted, icicle, wide

BOX = re.compile(r'<rect class="f-goal (l[12])" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"')


def block(name: str, inner: list[tuple[str, int]], paint: str = "goal-1") -> SimpleNamespace:
    parts = [
        SimpleNamespace(
            name=n,
            paint=paint,
            micros=m,
            more=0,
            pieces=(SimpleNamespace(name=f"asset of {n}", to="/asset/a", micros=m, text=str(m)),),
        )
        for n, m in sorted(inner, key=lambda p: -p[1])
    ]
    micros = sum(m for _, m in inner)
    return SimpleNamespace(
        name=name, to="/cost", paint=paint, micros=micros, text=str(micros), share_text="", inner=parts
    )


def drawn(*blocks: SimpleNamespace, **more: object) -> str:
    return str(icicle(blocks, said="Cost", money=str, to=lambda a: f"/base{a}", **more))  # type: ignore[arg-type]


@given(st.lists(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), min_size=1, max_size=8))
def test_both_columns_fill_the_height_and_never_overlap(sizes: list[list[int]]) -> None:
    svg = drawn(*(block(f"b{k}", [(f"f{n}", m) for n, m in enumerate(one)]) for k, one in enumerate(sizes)))
    for level in ("l1", "l2"):
        boxes = [(float(y), float(h)) for kind, _, y, _, h in BOX.findall(svg) if kind == level]
        assert abs(sum(max(0.6, h) + 1.4 for _, h in boxes) - 690) < 2.5 * len(boxes)
        for (y, h), (below, _) in pairwise(boxes):
            assert y + h <= below + 0.65


def test_small_parts_become_one_and_are_counted() -> None:
    svg = drawn(block("b", [("large", 10_000), *((f"f{k}", 1) for k in range(30))]))
    assert "30 smaller folders" in svg or "31 folders" in svg
    assert ">f7<" not in svg


def test_names_are_text_and_addresses_are_those_of_the_host() -> None:
    svg = drawn(block("<img src=x onerror=alert(1)>", [("</svg><script>", 5)]))
    assert "<img" not in svg
    assert "<script" not in svg
    assert 'href="/base/asset/a"' in svg
    assert 'tabindex="-1"' in svg


def test_what_is_below_zero_has_no_height() -> None:
    svg = drawn(block("credit", [("f", -5)]), block("spent", [("f", 10), ("g", -3)]))
    assert "credit" not in svg
    assert 'height="-' not in svg


@given(st.text(max_size=60), st.floats(0, 300))
def test_a_text_that_is_cut_fits(text: str, room: float) -> None:
    found = fitted(text, room)
    assert found == "" or wide(found.rstrip("…")) + 12 * found.endswith("…") <= room + 0.1


def test_a_narrow_one_has_two_columns() -> None:
    svg = drawn(block("b", [("f", 10)]), narrow=True, width=340, height=500)
    assert "asset of f" not in svg
    assert 'width="150"' in svg
    assert 'width="186"' in svg
