"""Rows of text from CSV files as people really send them: gzipped or not, UTF-8 or UTF-16, commas or semicolons.

Files are streamed, a line at a time and never more than LONGEST_LINE characters of it. What cannot be a table of text
is refused with one sentence that says where and why; a row that is not CSV is handed on as its problem.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from headway.errors import InputError, Place

LONGEST_LINE = 1 << 20
"""Characters; a longer line is not a row of a table, and must not be held in memory to find that out."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_SIGNATURES = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\x1f\x8b": "compressed twice",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
}
_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(slots=True)
class Sheet:
    """The rows below a header. Iterating gives (line, cells), or (line, problem) for a row that is not CSV."""

    header: list[str]
    line: int
    """Line of the header, counted from 1."""
    separated: str
    """By what: commas, semicolons, tabs or bars."""
    _reader: Any
    notes: tuple[str, ...] = ()
    """What else there is to say of the table: nothing, of text."""
    lines_of_row: int = 1
    """Lines that the row just given took up; many, where a quote is not closed."""

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        reader = self._reader
        before = 0
        while True:
            try:
                for row in reader:
                    now = reader.line_num
                    self.lines_of_row = now - before
                    if row:
                        yield self.line + before + 1, row
                    before = now
            except csv.Error as error:
                now = reader.line_num
                self.lines_of_row = max(now - before, 1)
                yield self.line + before + 1, _csv_problem(error)
                before = now
            else:
                return


@contextmanager
def rows(path: Path | bytes, shown: str, wanted: Callable[[list[str]], int]) -> Iterator[Sheet]:
    """Open a CSV file, or what is in one, called `shown` in messages.

    The separator is the one with which `wanted(header)`, the number of header names that are looked for, is largest;
    a comma when nothing decides. Raises InputError for whatever cannot be read as text in lines.
    """
    with readable(shown), _decompressed(path) as stream:
        encoding = _encoding(stream, shown)
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            try:
                yield _sheet(_lines(text, shown), shown, wanted)
            except UnicodeDecodeError as error:
                raise _undecodable(path, shown, encoding) from error


def _sheet(lines: Iterator[str], shown: str, wanted: Callable[[list[str]], int]) -> Sheet:
    """The header is the first line that is not blank."""
    line, header = next(((n, text) for n, text in enumerate(lines, 1) if text.strip("\ufeff\r\n ")), (0, ""))
    if not line:
        raise InputError("the file is empty: its first line must name the columns", place=Place(shown))
    separator, cells = _header(header.removeprefix("\ufeff"), Place(shown, line), wanted)
    return Sheet(cells, line, SEPARATORS[separator], csv.reader(lines, delimiter=separator, strict=True))


@contextmanager
def readable(shown: str) -> Iterator[None]:
    """Turn what goes wrong between here and the disk into one sentence about the file called `shown`."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError("there is no such file", place=Place(shown)) from error
    except IsADirectoryError as error:
        raise InputError(
            "this is a directory", place=Place(shown), hint=f"name the files in it, such as {shown}/*.csv"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            "the gzip compression is broken or cut off", place=Place(shown), hint="was the file written whole?"
        ) from error
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", place=Place(shown)) from error


def regular(path: Path) -> None:
    """Raise OSError unless `path` is a file on a disk: a pipe or a device may never end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(path)
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is a pipe, a socket or a device")


@contextmanager
def _decompressed(path: Path | bytes) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    with _opened(path) as raw:
        if raw.peek(2)[:2] != b"\x1f\x8b":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield unpacked


def _opened(path: Path | bytes) -> io.BufferedReader:
    if isinstance(path, bytes):
        return cast("io.BufferedReader", io.BufferedReader(io.BytesIO(path)))
    regular(path)
    return path.open("rb")


def _encoding(stream: io.BufferedReader | gzip.GzipFile, shown: str) -> str:
    """utf-8 or, when a byte order mark says so, utf-16. Raises InputError for what is not text."""
    start = stream.peek(8192)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    for signature, what in _SIGNATURES.items():
        if start.startswith(signature):
            raise InputError(f"this is not a CSV file: it is {what}", place=Place(shown), hint="export it as CSV")
    if b"\0" in start:
        hint = "save it as CSV in UTF-8"
        raise InputError(f"this is not a CSV file: byte {start.index(0)} is zero", place=Place(shown), hint=hint)
    return "utf-8"


def _lines(stream: IO[str], shown: str) -> Iterator[str]:
    for number, line in enumerate(iter(partial(stream.readline, LONGEST_LINE), ""), 1):
        if len(line) >= LONGEST_LINE:
            raise InputError(f"this line is longer than {LONGEST_LINE:,} characters", place=Place(shown, number))
        yield line


def _header(text: str, place: Place, wanted: Callable[[list[str]], int]) -> tuple[str, list[str]]:
    """The separator and the column names. The first separator wins a tie."""
    best: tuple[int, str, list[str]] = (-1, ",", [])
    for separator in SEPARATORS:
        try:
            cells = next(csv.reader([text], delimiter=separator, strict=True))
        except csv.Error as error:
            raise InputError(f"the column names cannot be read: {_csv_problem(error)}", place=place) from error
        best = max(best, (wanted(cells), separator, cells), key=lambda found: found[0])
    return best[1], best[2]


def _csv_problem(error: csv.Error) -> str:
    if "end of data" in str(error) or "field larger" in str(error):
        return f"a quote is opened and not closed, or a field is longer than {csv.field_size_limit():,} characters"
    return f"this row is not CSV: {error}"


def _undecodable(path: Path | bytes, shown: str, encoding: str) -> InputError:
    """The error for bytes that are not text, with their place: found by reading once more, as bytes."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read, line, at = 0, 1, 0
    with _decompressed(path) as stream:
        while chunk := stream.read(1 << 16):
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                at = read - held + error.start
                line += error.object[: error.start].count(b"\n")
                break
            read += len(chunk)
            line += chunk.count(b"\n")
        else:  # the last character is cut off
            at = read - len(decoder.getstate()[0])
    return InputError(
        f"the byte at offset {at:,} is not {encoding.upper()} text",
        place=Place(shown, line if encoding == "utf-8" else 0),
        hint="save it as CSV in UTF-8",
    )
