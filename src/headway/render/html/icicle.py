"""The icicle of a cost as SVG text: blocks, their parts, and the largest assets of each, from left to right.

The first two columns are true to height. The third is a list that fits the height of its part: the largest first, the
tint behind a name is its share, the last row is the rest. Parts that are lower than a row of text are merged, and a
label is drawn only where it fits, so that none is ever clipped. Amounts are whole numbers of any unit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

ROW = 17
"""Height of a row of text."""
LOWEST = 13
"""Height below which a box has no label."""
TWO_LINES = 44
"""Height from which a box of the first column has its amount in a line of its own."""
_GAP = 4
_WIDE, _NARROW = (280, 219), (150, 0)
"""Widths of the first two columns; 0 takes what is left, and then there is no third."""


@dataclass(frozen=True)
class _Part:
    """A box of the second column."""

    name: str
    paint: str
    micros: int
    pieces: Sequence[Any]
    more: int
    text: str = ""


def icicle(
    blocks: Iterable[Any],
    *,
    said: str,
    money: Callable[[int], str],
    to: Callable[[str], str],
    width: int = 1036,
    height: int = 690,
    narrow: bool = False,
    noun: str = "folders",
) -> Markup:
    """Blocks as `name, to, paint, micros, text, share_text, inner`; inner as `name, paint, micros, pieces, more`.

    Pieces as `name, to, micros, text`, the largest first; `more` are counted in a part and not named. `money` writes an
    amount, `to` makes an address of this host, `noun` is what the second column holds. What is below zero has no
    height. Nothing in it has the keyboard's focus: the table beside it leads to the same places.
    """
    shown = [b for b in blocks if b.micros > 0]
    total = sum(b.micros for b in shown) or 1
    drawn = _Drawn(height / total, money, to, noun, width, *(_NARROW if narrow else _WIDE))
    y = 0.0
    for block in shown:
        drawn.block(block, y)
        y += block.micros * drawn.scale
    return Markup(  # noqa: S704 - numbers, fixed words, and names that were escaped
        f'<svg class="icicle num" viewBox="0 0 {width} {height}" role="group" aria-label="{escape(said)}">'
        f"{''.join(drawn.out)}</svg>"
    )


@dataclass
class _Drawn:
    scale: float
    money: Callable[[int], str]
    to: Callable[[str], str]
    noun: str
    width: int
    first: int
    second: int
    out: list[str] = field(default_factory=list)

    def block(self, block: Any, y: float) -> None:
        """A block with everything to its right."""
        rest = self.width - self.first - _GAP
        x2, w2 = self.first + _GAP, self.second or rest
        x3 = x2 + w2 + _GAP
        self.out.append(f'<g class="{escape(block.paint)}">')
        h = block.micros * self.scale
        box = self.box((0, y, self.first, h), "l1", block.name, block.text, block.share_text)
        self.out.append(f'<a href="{escape(self.to(block.to))}" tabindex="-1">{box}</a>' if block.to else box)
        for part in self.parts(block.inner):
            h = part.micros * self.scale
            self.out.append(f'<g class="{escape(part.paint)}">')
            self.out.append(f"<g>{self.box((x2, y, w2, h), 'l2', part.name, self.money(part.micros))}</g>")
            if self.second:
                self.assets(x3, y, self.width - x3, h, part)
            self.out.append("</g>")
            y += h
        self.out.append("</g>")

    def parts(self, inner: Sequence[Any]) -> list[_Part]:
        """Parts too low for a row of text as one; an amount below zero is taken out of that one."""
        parts = [_Part(p.name, p.paint, p.micros, p.pieces, p.more) for p in inner]
        big = [p for p in parts if p.micros * self.scale >= ROW]
        small = parts[len(big) :]
        while small and big and sum(p.micros for p in small) * self.scale < ROW:
            small.insert(0, big.pop())
        if len(small) < 2:
            return [p for p in (*big, *small) if p.micros > 0]
        pieces = sorted((piece for p in small for piece in p.pieces), key=lambda piece: -piece.micros)
        named = pieces[:40]
        more = sum(p.more for p in small) + len(pieces) - len(named)
        words = f"{len(small)} smaller {self.noun}" if big else f"{len(small)} {self.noun}"
        paint = small[0].paint if len({p.paint for p in small}) == 1 else "part-plain"
        merged = _Part(words, paint, sum(p.micros for p in small), named, more)
        return [*big, merged] if merged.micros > 0 else big

    @staticmethod
    def box(place: tuple[float, float, float, float], level: str, label: str, value: str, share: str = "") -> str:
        """A tinted box at x, y, width and height, with its label where that fits."""
        x, y, w, h = place
        low = max(0.6, h - 1.4)
        parts = [
            f"<title>{escape(label)}: {escape(value)} {escape(share)}</title>",
            f'<rect class="f-goal {level}" x="{x}" y="{y + 0.5:.1f}" width="{w}" height="{low:.1f}" rx="2"/>',
        ]
        if level == "l1":
            parts.append(f'<rect class="f-goal" x="{x}" y="{y + 0.5:.1f}" width="5" height="{low:.1f}"/>')
        left = x + (14 if level == "l1" else 10)
        room = x + w - left - 10
        if h >= TWO_LINES and share:
            parts.append(f'<text x="{left}" y="{y + 21:.1f}">{escape(fitted(label, room))}</text>')
            both = fitted(f"{value} · {share}", room)
            parts.append(f'<text class="side" x="{left}" y="{y + 37:.1f}">{escape(both)}</text>')
        elif h >= LOWEST:
            base = y + min(h / 2, 17) + 4
            label_room = room - wide(value) - 8
            parts.append(f'<text x="{left}" y="{base:.1f}">{escape(fitted(label, label_room))}</text>')
            parts.append(f'<text class="side end" x="{x + w - 10}" y="{base:.1f}">{escape(value)}</text>')
        return "".join(parts)

    def assets(self, x: float, y: float, w: float, h: float, part: _Part) -> None:
        """The list of a part: as many rows as fit, the last of them the rest."""
        low = max(0.6, h - 1.4)
        self.out.append(f'<rect class="f-goal l3" x="{x}" y="{y + 0.5:.1f}" width="{w}" height="{low:.1f}" rx="2"/>')
        pieces = [p for p in part.pieces if p.micros > 0]
        count = len(part.pieces) + part.more
        if h < LOWEST or not pieces:
            return
        rows = max(1, int((h - 1) // ROW))
        shown = pieces if count <= rows and len(pieces) == count else pieces[: max(1, rows - 1)]
        rest = count - len(shown)
        own_row = bool(rest) and rows > 1
        step = min(ROW + 6, low / (len(shown) + own_row))
        for k, piece in enumerate(shown):
            tail = f" · {rest:,} more" if rest and not own_row else ""
            self.asset(x, y + 0.5 + k * step, w, step, piece, piece.micros / (part.micros or 1), tail)
        if own_row:
            base = y + 0.5 + len(shown) * step + step / 2 + 4
            left = part.micros - sum(p.micros for p in shown)
            words = f"{rest:,} more asset{'s' if rest != 1 else ''}"
            self.out.append(
                f'<text class="rest" x="{x + 10}" y="{base:.1f}">{words}</text>'
                f'<text class="side end rest" x="{x + w - 10}" y="{base:.1f}">{escape(self.money(left))}</text>'
            )

    def asset(self, x: float, top: float, w: float, step: float, piece: Any, share: float, tail: str) -> None:
        """One row of a list."""
        base, value = top + step / 2 + 4, f"{piece.text}{tail}"
        name = fitted(piece.name, w - 28 - wide(value), 7.0)
        self.out.append(
            f'<a href="{escape(self.to(piece.to))}" tabindex="-1"><title>{escape(piece.name)}: {escape(value)}</title>'
            f'<rect class="f-goal len" x="{x}" y="{top + 1:.1f}" width="{max(2.0, w * min(1.0, share)):.1f}" '
            f'height="{max(1.0, step - 2):.1f}" rx="2"/>'
            f'<text class="mono" x="{x + 10}" y="{base:.1f}">{escape(name)}</text>'
            f'<text class="side end" x="{x + w - 10}" y="{base:.1f}">{escape(value)}</text></a>'
        )


def wide(text: str, usual: float = 6.9) -> float:
    """About how many pixels a text of 12.5 takes; never too few."""
    return sum(_wide(sign, usual) for sign in text)


def _wide(sign: str, usual: float) -> float:
    if unicodedata.east_asian_width(sign) in {"W", "F"} or ord(sign) > 0x1F000:
        return 14.0
    if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf":
        return 0.0
    return 11.5 if sign in "MW@mw%" else 9.0 if sign.isupper() else usual


def fitted(text: str, room: float, usual: float = 6.9) -> str:
    """A text that fits into so many pixels, cut with an ellipsis where it is too long; '' where nothing fits."""
    text = " ".join(text.split())
    if wide(text, usual) <= room:
        return text
    kept, used = [], 12.0
    for sign in text:
        used += _wide(sign, usual)
        if used > room:
            break
        kept.append(sign)
    return "".join(kept) + "…" if len(kept) > 1 else ""
