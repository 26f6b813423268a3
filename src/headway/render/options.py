"""How an answer is to be shown: plain data that every renderer is given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

DEFAULT_WIDTH = 100
DEFAULT_ROWS = 30


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Width, colour and how much to show. Formats for machines (JSON, CSV) always carry everything."""

    width: int = DEFAULT_WIDTH
    """Columns of the screen."""
    colour: bool = False
    """Styles as ANSI escapes; without it there is none in the output."""
    limit: int = DEFAULT_ROWS
    """Most rows per answer and per section; 0 means all of them."""
    verbose: bool = False
    """Also the proof of each row of a table, every gap, and what the answer rests on."""
    encoding: str = "utf-8"
    """What the screen can show; characters outside it are replaced by plain ones."""

    @classmethod
    def for_stream(
        cls,
        stream: TextIO,
        environment: Mapping[str, str],
        *,
        limit: int = DEFAULT_ROWS,
        verbose: bool = False,
    ) -> RenderOptions:
        """What suits a stream: COLUMNS, else the terminal's width, else 100; colour only on a terminal.

        NO_COLOR (https://no-color.org) or TERM=dumb switch colour off.
        """
        terminal = _is_terminal(stream)
        width = _number(environment.get("COLUMNS", "")) or (_terminal_width(stream) if terminal else 0)
        return cls(
            width=width or DEFAULT_WIDTH,
            colour=terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb",
            limit=limit,
            verbose=verbose,
            encoding=stream.encoding or "utf-8",
        )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # a closed stream is not a terminal
        return False


def _terminal_width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # no file behind it, or none that knows its size
        return 0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
