"""The rows of one sheet of an Excel workbook (.xlsx, .xlsm), as text: what a CSV export of it would say, and no more.

Values are those that the workbook was saved with; no formula is computed. Rows are streamed. openpyxl is part of the
extra `xlsx` and loaded when first used. It was chosen for what it does with a hostile file: a sheet of two cells at its
opposite corners is a gap of empty rows to it, where a reader that lays a sheet out whole needs half a terabyte.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from headway.connectors.delimited import readable, regular
from headway.connectors.written import Exact
from headway.errors import InputError, MissingExtra, Place

MOST_PACKED = 100 * 1024**2
MOST_SHEET = 128 * 1024**2
"""Bytes of one sheet, unpacked; likewise of all its texts. Everything else in a workbook is at most MOST_PART."""
MOST_PART = 4 * 1024**2
MOST_PARTS = 10_000
MOST_ROWS = 1_048_576
"""As many as Excel has."""
MOST_COLUMNS = 512
MOST_TEXT = 64 * 1024**2
"""Characters that are handed on in all: a text that is stored once may be in every cell."""
MOST_MERGED = 50_000
HEADER_WITHIN = 30
"""The names of the columns stand in one of the first so many rows; above them may be a title, a logo, a note."""

_CHUNK = 1 << 20
_AT_ONCE = 500
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,200}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_LITERAL = re.compile(r'"[^"]*"|\\.')
_UNREAD = re.compile(r"xl/(?:media|embeddings|charts|drawings|pivotCache|pivotTables|comments|printerSettings)\b")


class FromAbove(str):
    """The text of a merged cell, in the rows below its first."""

    __slots__ = ()


@dataclass(slots=True)
class Grid:
    """The rows below the names of the columns. Iterating gives (row, cells), rows counted from 1."""

    header: list[str]
    line: int
    """Row of the header."""
    sheet: str
    """What the sheet is called."""
    several: bool
    """Whether the workbook has others that are not hidden."""
    _cells: Iterator[tuple[int, list[str]]]
    _noted: _Noted
    _place: Place

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        while True:
            with _understood(self._place):  # only around what openpyxl does, not around what is done with a row
                some = list(islice(self._cells, _AT_ONCE))
            if not some:
                return
            yield from some

    @property
    def lines_of_row(self) -> int:
        """Rows that the row just given took up."""
        return 1

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about cells that say nothing, once the rows were read."""
        return tuple(self._noted.sentences())


@dataclass(slots=True)
class _Noted:
    uncomputed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def sentences(self) -> Iterator[str]:
        for cells, what in (
            (self.uncomputed, "formulas have no value in the file; a program that computes them has to save it"),
            (self.errors, "cells show an error such as #REF!"),
        ):
            if cells:
                yield f"{len(cells):,} {what} (first {', '.join(cells[:3])})"


def is_workbook(source: Path | bytes) -> bool:
    """Whether the first bytes are those of a workbook, new or old. Raises OSError."""
    if isinstance(source, Path):
        regular(source)
        with source.open("rb") as file:
            start = file.read(8)
    else:
        start = source[:8]
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))


@contextmanager
def rows(source: Path | bytes, shown: str, wanted: Callable[[list[str]], int], sheet: str = "") -> Iterator[Grid]:
    """Open a sheet of a workbook, called `shown` in messages.

    The header is the first of the rows near the top for which `wanted(cells)` is largest. Without `sheet` it is the one
    sheet that is not hidden and has a header; a hidden one is only read when it is named. Raises InputError for what is
    no workbook, is larger than is sane, or has several sheets to choose from, and MissingExtra without openpyxl.
    """
    place = Place(shown)
    if find_spec("openpyxl") is None:
        raise MissingExtra("xlsx", "reading Excel workbooks")
    with readable(shown):
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > MOST_PACKED:
            raise InputError(f"is {size:,} bytes; at most {MOST_PACKED:,} are read", place=place)
        data = source.read_bytes() if isinstance(source, Path) else source
    _check(data, place)
    books: list[Any] = []

    def opened(*, values: bool) -> Any:
        book = _book(data, place, values=values)
        books.append(book)
        return book

    try:
        with _understood(place):
            grid = _Reading(data, opened, place).grid(wanted, sheet)
        yield grid
    finally:
        for book in books:
            book.close()


@contextmanager
def _understood(place: Place) -> Iterator[None]:
    """Turn whatever openpyxl meets in a broken file into one sentence; it raises a dozen sorts of errors for that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's opinions on styles and extensions that are not read
            yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        hint = "open it and save it anew, or save it as CSV"
        raise InputError(f"is a broken Excel workbook ({type(error).__name__})", place=place, hint=hint) from error


def _check(data: bytes, place: Place) -> None:
    """Raise InputError for what is no workbook, and for one that would unpack to more than is sane."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        said = "is an old Excel file (.xls), or one with a password"
        raise InputError(said, place=place, hint="save it as .xlsx without a password, or as CSV")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
            names = {part.filename for part in parts}
            if "mimetype" in names and b"opendocument" in packed.open("mimetype").read(200):
                raise InputError("is an OpenDocument file", place=place, hint="save it as .xlsx or as CSV")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError("is a broken or truncated zip archive, and no Excel workbook", place=place) from error
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise InputError("is a zip archive, and no Excel workbook", place=place)
    if "xl/workbook.bin" in names:
        raise InputError("is a binary Excel workbook (.xlsb)", place=place, hint="save it as .xlsx or as CSV")
    if len(parts) > MOST_PARTS:
        raise InputError(f"has {len(parts):,} parts; at most {MOST_PARTS:,} are read", place=place)
    for part in parts:
        if not _UNREAD.match(part.filename):
            _check_size(part, place, streamed=True)


def _check_size(part: zipfile.ZipInfo, place: Place, *, streamed: bool) -> None:
    """Raise InputError for a part that unpacks to more than is sane; only of what is streamed that may be much."""
    large = part.filename.startswith("xl/worksheets/") or part.filename == "xl/sharedStrings.xml"
    most = MOST_SHEET if large and streamed else MOST_PART
    if part.file_size > most:
        said = f"unpacks to {part.file_size:,} bytes in {part.filename[:80]!r}; at most {most:,} are read"
        raise InputError(said, place=place, hint="leave only the goals in it, or save it as CSV")


def _book(data: bytes, place: Place, *, values: bool) -> Any:
    """The workbook as openpyxl has it. A file may call any of its parts its texts: each is checked when it is read."""
    from openpyxl.reader.excel import ExcelReader

    class Checked(zipfile.ZipFile):
        def open(self, name: Any, *args: Any, **more: Any) -> Any:
            _check_size(name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name), place, streamed=True)
            return super().open(name, *args, **more)

        def read(self, name: Any, *args: Any) -> bytes:
            _check_size(name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name), place, streamed=False)
            return super().read(name, *args)

    class Reader(ExcelReader):  # type: ignore[misc]
        def read_chartsheet(self, *_: Any) -> None:
            """Sheets that are one chart hold no goals, and would be read whole, with their pictures."""

    reader = Reader(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)
    reader.archive.close()
    reader.archive = Checked(io.BytesIO(data))
    reader.read()
    return reader.wb


class _Reading:
    """A workbook that is open, and which of its sheets is read."""

    def __init__(self, data: bytes, opened: Callable[..., Any], place: Place) -> None:
        self._data = data
        self._opened = opened
        self._place = place
        self._book = opened(values=True)

    def grid(self, wanted: Callable[[list[str]], int], name: str) -> Grid:
        """The sheet of that name, or the one that there is to read."""
        visible = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        sheet, best, header, line = self._chosen(visible, wanted, name)
        if not best and not any(header):
            raise InputError("the sheet is empty: a row must name the columns", place=self._place)
        noted = _Noted()
        cells = self._rows(sheet, noted, line, len(header))
        return Grid(header, line, str(sheet.title), len(visible) > 1, cells, noted, self._place)

    def _chosen(
        self, visible: list[Any], wanted: Callable[[list[str]], int], name: str
    ) -> tuple[Any, int, list[str], int]:
        called = ", ".join(repr(str(sheet.title)[:40]) for sheet in visible[:8])
        if name:
            for same in (str.__eq__, lambda a, b: a.strip().casefold() == b.strip().casefold()):
                for sheet in self._book.worksheets:
                    if same(str(sheet.title), name):
                        return (sheet, *self._header(sheet, wanted))
            hint = f"its sheets are {called}" if called else ""
            raise InputError(f"has no sheet called {name[:60]!r}", place=self._place, hint=hint)
        if not visible:
            raise InputError("has no sheet that is not hidden", place=self._place, hint="name it: sheet: Goals")
        found = [(sheet, *self._header(sheet, wanted)) for sheet in visible[:100]]
        fitting = [one for one in found if one[1] > 1] or [one for one in found if one[1]] or found[:1]
        if len(fitting) > 1:
            hint = f"say which one: sheet: {str(fitting[0][0].title)[:40]}; its sheets are {called}"
            raise InputError(f"has {len(fitting)} sheets that could hold the goals", place=self._place, hint=hint)
        return fitting[0]

    def _header(self, sheet: Any, wanted: Callable[[list[str]], int]) -> tuple[int, list[str], int]:
        """How many wanted names the header has, its cells, and its row. A row without any text is none."""
        best: tuple[int, list[str], int] = (-1, [], 1)
        sheet.reset_dimensions()  # what a file says of its own size is not to be believed
        for line, cells in enumerate(islice(sheet.iter_rows(max_col=MOST_COLUMNS), HEADER_WITHIN), 1):
            said = [_text(cell) for cell in cells]
            while said and not said[-1]:
                said.pop()
            if said and (found := wanted(said)) > best[0]:
                best = (found, said, line)
        return (max(best[0], 0), best[1], best[2])

    def _rows(self, sheet: Any, noted: _Noted, header: int, columns: int) -> Iterator[tuple[int, list[str]]]:
        merged, formulas = self._scanned(sheet)
        sheets: list[Any] = [sheet]
        if formulas:
            sheets.append(self._opened(values=False)[sheet.title])
            sheets[1].reset_dimensions()
        above: dict[int, tuple[str, int]] = {}
        total = 0
        for line, rows_ in enumerate(zip(*(s.iter_rows(max_col=columns) for s in sheets), strict=True), 1):
            if line > MOST_ROWS:
                raise InputError(f"has more than {MOST_ROWS:,} rows", place=self._place)
            if line <= header or all(cell.value is None for cell in rows_[-1]):
                continue
            said = [_text(cell) for cell in rows_[0]]
            _note(rows_, line, noted)
            for column, (text, last) in list(above.items()):
                if line > last:
                    del above[column]
                else:
                    said += [""] * (column + 1 - len(said))
                    said[column] = said[column] or FromAbove(text)
            for column, last in merged.get(line, ()):
                if column < len(said) and said[column]:
                    above[column] = (said[column], last)
            total += sum(map(len, said))
            if total > MOST_TEXT:
                raise InputError(f"holds more than {MOST_TEXT:,} characters", place=Place(self._place.file, line))
            if any(said):
                yield line, said

    def _scanned(self, sheet: Any) -> tuple[dict[int, list[tuple[int, int]]], bool]:
        """Row -> columns that are merged downwards from there, each with its last row; and whether there are formulas.

        Taken from the file as text: a reader of streams gives rows, and what is merged stands behind them.
        """
        merged: dict[int, list[tuple[int, int]]] = {}
        formulas, count, rest = False, 0, b""
        with zipfile.ZipFile(io.BytesIO(self._data)) as packed, packed.open(sheet._worksheet_path) as part:
            while chunk := part.read(_CHUNK):
                text = rest + chunk
                formulas = formulas or _FORMULA.search(text) is not None
                end = 0
                for found in _MERGED.finditer(text):
                    end = found.end()
                    first, last = int(found[2]), int(found[4])
                    if last > first:
                        merged.setdefault(first, []).append((_column(found[1]), last))
                        count += 1
                if count > MOST_MERGED:
                    raise InputError(f"has more than {MOST_MERGED:,} merged cells", place=self._place)
                rest = text[max(end, len(text) - 300) :]
        return merged, formulas


def _note(rows_: tuple[Any, ...], line: int, noted: _Noted) -> None:
    """Remember cells that show an error, and formulas without a value."""
    for cell in rows_[0]:
        if cell.value is not None and cell.data_type == "e":
            noted.errors.append(f"{cell.column_letter}{line}")
    if len(rows_) > 1:
        for value, formula in zip(rows_[0], rows_[1], strict=False):
            if value.value is None and formula.value is not None and formula.data_type == "f":
                noted.uncomputed.append(f"{formula.column_letter}{line}")


def _text(cell: Any) -> str:
    """What a cell shows, in words that do not depend on anybody's language: 2026-11-22, 12.5, 40%, true."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return Exact(_number(value, percent="%" in _LITERAL.sub("", cell.number_format or "")))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: float, *, percent: bool) -> str:
    exact = Decimal(repr(value)) * (100 if percent else 1)
    if not exact.is_finite():
        return ""
    text = format(exact.normalize(), "f") if abs(exact.adjusted()) < 30 else repr(value)
    return text + ("%" if percent else "")


def _column(letters: bytes) -> int:
    """Number of a column, from 0: A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
