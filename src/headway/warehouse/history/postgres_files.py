"""PostgreSQL's csvlog and jsonlog files: which there are, and their records one by one, however broken the file is.

DuckDB reads a whole file much faster (see `postgres_log`), and gives up where a file is torn. What it gives up on is
read here: a record that is cut off, overwritten, too long or not text is counted and left out, and reading goes on at
the next one. Nothing that stood in a record gets into a message.
"""

from __future__ import annotations

import glob
import gzip
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from headway.errors import InputError, Place

LONGEST_RECORD = 16 << 20
"""Bytes. A longer record is left out and counted: no statement that people write is as long."""
_HEAD = 1 << 16

Record = tuple[str | None, ...]
FIELDS = ("logged", "user", "database", "session", "line", "tag", "session_start", "state", "message", "detail",
          "context", "query", "application")  # fmt: skip
"""What is read of a record; everything else in it, the parameters of statements included, is left alone."""
CSV_FIELDS = (0, 1, 2, 5, 6, 7, 8, 12, 13, 14, 18, 19, 22)
"""Where FIELDS stand in a row of csvlog, the same in every version since 9.0."""
JSON_FIELDS = ("timestamp", "user", "dbname", "session_id", "line_num", "ps", "session_start", "state_code", "message",
               "detail", "context", "statement", "application_name")  # fmt: skip
"""What FIELDS are called in jsonlog, since 15."""
CSV_WIDTHS = (23, 24, 26)
"""Columns of csvlog: 9.0 to 12; 13, with the backend's type; 14 and later, with leader and query id."""

_TIME = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^\s,\"]{1,12}"
_CSV_START = re.compile(rb"\0*" + _TIME + rb",")
_CSV_ANYWHERE = re.compile(rb"^\0*" + _TIME + rb",", re.MULTILINE)
_JSON_ANYWHERE = re.compile(rb'^\0*\{"timestamp":', re.MULTILINE)
_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(?=,|\Z)')
_PLAIN = re.compile(rb"^.{0,200}?(?:LOG|ERROR|FATAL|STATEMENT|DETAIL):  ", re.MULTILINE)
_SESSION = re.compile(r"[0-9a-f]{1,16}\.[0-9a-f]{1,8}")
_AT = re.compile(_TIME.decode())


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log."""

    path: Path
    shown: str
    """What messages call it: relative to the root where it lies below."""
    format: Literal["csv", "json"]
    packed: bool
    """It is gzipped."""
    first: Record = field(repr=False, default=())
    """FIELDS of the first whole record, by which two copies of a log are told; () when none was found."""
    width: int = 0
    """Columns of csvlog."""


@dataclass(slots=True)
class Trouble:
    """What was left out of one file, counted."""

    broken: int = 0
    """Records that are cut off or overwritten."""
    long: int = 0
    undecoded: int = 0
    """Records with bytes that are not UTF-8: read, with these bytes replaced."""
    cut: bool = False
    """The compression ends early or is broken."""

    def __bool__(self) -> bool:
        return bool(self.broken or self.long or self.undecoded or self.cut)

    def __str__(self) -> str:
        parts = [
            (self.broken, "cut off or overwritten and left out"),
            (self.long, f"longer than {LONGEST_RECORD >> 20} MiB and left out"),
            (self.undecoded, "not UTF-8 in places, where names may not be found"),
        ]
        said = [f"{n:,} {'record is' if n == 1 else 'records are'} {what}" for n, what in parts if n]
        return "; ".join(said + ["its compression is broken or cut off"] * self.cut)


def log_files(paths: Sequence[str], root: str, *, since: float = 0.0) -> tuple[list[LogFile], list[InputError]]:
    """The log files that `paths` (files, folders, globs) name, each once; and what is wrong with those left out.

    In a folder only *.csv, *.json and their .gz are looked at. Files last written before `since` (seconds since 1970)
    are left out. Raises InputError when nothing is found, or when nothing of what is found can be used.
    """
    found: list[LogFile] = []
    refused: list[InputError] = []
    old = 0
    for path, shown in _named(paths, root):
        try:
            with _open(path, shown) as _:
                pass
            if path.stat().st_mtime < since:
                old += 1
                continue
            found.append(_recognised(path, shown))
        except InputError as error:
            refused.append(error)
    if not found and refused:
        raise refused[0]
    if not found and not old:
        raise InputError("there are no log files", place=Place(", ".join(paths)), hint="a file, a folder or a glob")
    return _without_copies(found), refused


def _named(paths: Sequence[str], root: str) -> Iterator[tuple[Path, str]]:
    seen = set()
    for text in paths:
        whole = Path(root, text)
        if whole.is_dir():
            try:
                names = sorted(str(f) for f in whole.iterdir() if re.search(r"\.(csv|json)(\.gz)?$", f.name))
            except OSError as error:
                raise InputError(f"this folder cannot be read: {error.strerror}", place=Place(text)) from None
            if not names:
                raise InputError(
                    "no csvlog or jsonlog in this folder",
                    place=Place(text),
                    hint="log_destination = 'jsonlog' or 'csvlog', with logging_collector = on",
                )
        elif glob.has_magic(text) and not os.path.lexists(whole):
            fitting = str(Path(glob.escape(root), text))  # only `text` is a pattern
            names = sorted(glob.glob(fitting, recursive=True))  # noqa: PTH207
            if not names:
                raise InputError("no file fits this pattern", place=Place(text), hint="a file, a folder or a glob")
        else:
            names = [str(whole)]
        for name in names:
            real = os.path.realpath(name)
            if real not in seen:
                seen.add(real)
                shown = os.path.relpath(name, root)
                yield Path(name), name if shown.startswith(os.pardir) else shown


def _recognised(path: Path, shown: str) -> LogFile:
    """The file with its format. Raises InputError for what is neither csvlog nor jsonlog."""
    with _open(path, shown) as (stream, packed):
        head = b""
        try:
            while len(head) < _HEAD and (more := stream.read(1024)):
                head += more
        except (OSError, EOFError, zlib.error):
            if not head:
                raise InputError("the gzip compression is broken or cut off", place=Place(shown)) from None
    if not head.strip(b"\0\r\n "):
        return LogFile(path, shown, "json" if ".json" in path.name else "csv", packed)
    for format_, pattern in (("json", _JSON_ANYWHERE), ("csv", _CSV_ANYWHERE)):
        if pattern.search(head):
            kind: Literal["csv", "json"] = "json" if format_ == "json" else "csv"
            bare = LogFile(path, shown, kind, packed)
            first = next(records(bare, Trouble()), None)
            return LogFile(path, shown, kind, packed, first[0], first[1]) if first else bare
    if _PLAIN.search(head):
        raise InputError(
            "this is PostgreSQL's plain text log, in which statements cannot be told apart safely",
            place=Place(shown),
            hint="log_destination = 'jsonlog' or 'csvlog'",
        )
    raise InputError("this is neither csvlog nor jsonlog of PostgreSQL", place=Place(shown))


def _without_copies(files: Sequence[LogFile]) -> list[LogFile]:
    """Files that begin with the same record are the same log: a copy, or one being compressed. The longest is kept."""
    best: dict[Record, LogFile] = {}
    for file in files:
        if not file.first:
            continue
        key = (file.format, *file.first)
        kept = best.get(key)
        if kept is None or (not file.packed, file.path.stat().st_size) > (
            not kept.packed,
            kept.path.stat().st_size,
        ):
            best[key] = file
    return [f for f in files if not f.first or best[f.format, *f.first] is f]


@contextmanager
def _open(path: Path, shown: str) -> Iterator[tuple[IO[bytes] | gzip.GzipFile, bool]]:
    """The bytes of a file, unpacked. Raises InputError for what is not a readable file on a disk."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a directory" if path.is_dir() else "a pipe, a socket or a device"
            raise InputError(f"this is {what}, not a log file", place=Place(shown))
        raw = path.open("rb")
    except OSError as error:
        raise InputError(f"this file cannot be read: {error.strerror or error}", place=Place(shown)) from None
    with raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        if not packed:
            yield raw, False
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield unpacked, True


def records(file: LogFile, trouble: Trouble) -> Iterator[tuple[Record, int]]:
    """FIELDS of each whole record, with the columns its row has; what is left out is counted in `trouble`.

    Memory stays below a few times LONGEST_RECORD. Raises InputError when the disk fails.
    """
    with _open(file.path, file.shown) as (stream, _):
        read = _csv_records if file.format == "csv" else _json_records
        try:
            yield from read(stream, trouble)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            trouble.cut = True
        except OSError as error:
            raise InputError(f"this file cannot be read: {error.strerror}", place=Place(file.shown)) from None


def _lines(stream: IO[bytes] | gzip.GzipFile) -> Iterator[tuple[bytes, bool]]:
    """Lines with whether they are whole; of a line that is too long only a beginning, with False."""
    while line := stream.readline(LONGEST_RECORD):
        if line.endswith(b"\n") or len(line) < LONGEST_RECORD:
            yield line, True
            continue
        while (rest := stream.readline(LONGEST_RECORD)) and not rest.endswith(b"\n"):
            pass
        yield line[:_HEAD], False


def _json_records(stream: IO[bytes] | gzip.GzipFile, trouble: Trouble) -> Iterator[tuple[Record, int]]:
    for line, whole in _lines(stream):
        if not whole:
            trouble.long += 1
            continue
        text = _text(line.replace(b"\0", b""), trouble)
        if not text.strip():
            continue
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            # the last line of a file that is being written is not broken: the next sync reads it
            trouble.broken += line.endswith(b"\n")
            continue
        if not isinstance(said, dict):
            trouble.broken += 1
            continue
        cells = tuple(None if (v := said.get(name)) is None else _whole(str(v)) for name in JSON_FIELDS)
        if _plausible(cells):
            yield cells, 0
        else:
            trouble.broken += 1


def _csv_records(stream: IO[bytes] | gzip.GzipFile, trouble: Trouble) -> Iterator[tuple[Record, int]]:
    """A record ends where its quotes are balanced. When that gives none, reading starts anew at the next line of it
    that looks like a record's beginning, so that a torn record takes as few others along as can be."""
    waiting: list[bytes] = []  # lines to look at again, last first
    source = _lines(stream)
    held: list[bytes] = []
    size = quotes = 0

    def give_up() -> None:
        """The record begun is torn: count it, and look at its later lines again."""
        nonlocal held, size, quotes
        trouble.broken += 1
        start = next((n for n, line in enumerate(held[1:], 1) if _CSV_START.match(line)), len(held))
        waiting.extend(reversed(held[start:]))
        held, size, quotes = [], 0, 0

    while True:
        line, whole = (waiting.pop(), True) if waiting else next(source, (b"", True))
        if not line:
            if held and (len(held) > 1 or held[0].endswith(b"\n")) and any(map(_CSV_START.match, held[1:])):
                give_up()
                continue
            return  # a record that the file ends in is still being written
        if not whole:
            trouble.long += 1
            held, size, quotes = [], 0, 0
            continue
        if not held and not _CSV_START.match(line):
            trouble.broken += line.endswith(b"\n") and bool(line.strip(b"\0\r\n "))
            continue
        held.append(line)
        size += len(line)
        quotes += line.count(b'"')
        if size > LONGEST_RECORD:
            give_up()
        elif quotes % 2 == 0:
            row = _row(b"".join(held), trouble)
            if row is None and not line.endswith(b"\n") and not waiting:
                return
            if row is None:
                give_up()
            else:
                held, size, quotes = [], 0, 0
                yield row


def _row(record: bytes, trouble: Trouble) -> tuple[Record, int] | None:
    text = _text(record.replace(b"\0", b""), trouble).rstrip("\r\n")
    cells: list[str] = []
    at = 0
    while at <= len(text):
        found = _CELL.match(text, at)
        if found is None or len(cells) > max(CSV_WIDTHS):
            return None
        quoted, plain = found[1], found[2]
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = found.end() + 1
    if len(cells) < min(CSV_WIDTHS):
        return None
    chosen = tuple(cells[n] or None for n in CSV_FIELDS)
    return (chosen, len(cells)) if _plausible(chosen) else None


def _whole(text: str) -> str:
    """The text with halves of characters, which JSON can spell but nothing can store, as question marks."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _text(line: bytes, trouble: Trouble) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        trouble.undecoded += 1
        return line.decode(errors="replace")


def _plausible(cells: Record) -> bool:
    at, session, number = cells[0], cells[3], cells[4]
    return bool(
        at
        and _AT.fullmatch(at)
        and session
        and _SESSION.fullmatch(session)
        and number
        and number.isascii()
        and number.isdigit()
        and len(number) < 19
    )
