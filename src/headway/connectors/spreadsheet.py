"""A table as people send it: a sheet of an Excel workbook, or text with separators; told by its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.connectors import delimited, workbook
from headway.errors import InputError, Place

Table = delimited.Sheet | workbook.Grid


@contextmanager
def rows(source: Path | bytes, shown: str, wanted: Callable[[list[str]], int], sheet: str = "") -> Iterator[Table]:
    """Open a table, called `shown` in messages: its header, and its rows as (line, cells) or (line, problem).

    `wanted(header)` is the number of names that are looked for; `sheet` is the sheet of a workbook that is meant.
    Raises InputError for whatever is no table, and MissingExtra for a workbook without the extra `xlsx`.
    """
    with delimited.readable(shown):
        excel = workbook.is_workbook(source)
    if excel:
        with workbook.rows(source, shown, wanted, sheet) as grid:
            yield grid
        return
    if sheet:
        raise InputError("is text, which has no sheets", place=Place(shown), hint="leave out sheet:")
    with delimited.rows(source, shown, wanted) as text:
        yield text
