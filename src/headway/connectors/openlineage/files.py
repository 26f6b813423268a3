"""Files of OpenLineage events: one event a line, one event a file, or a list of them; plain or gzip.

A line is read at a time and never more than a bounded part of a file is held, save for a list, which is read whole.
"""

from __future__ import annotations

import glob
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from headway.connectors.artifact import FREE_BYTES, MOST_EXPANSION
from headway.connectors.openlineage.events import Event, Wrong, decoded, several
from headway.errors import InputError, Place

ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
"""Files that are read of a folder."""

LONGEST_LINE = 32 * 1024**2
"""Bytes of one event at most; Spark jobs over hundreds of columns write several million."""
LARGEST_LIST = 512 * 1024**2
"""Bytes of a file that is one JSON list: it is held whole."""
MOST_FILES = 200_000
MOST_BYTES = 64 * 1024**3
"""Bytes of one file at most, unpacked."""

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UNFINISHED = "it ends in the middle: whoever writes it may not be done, and the next sync reads it again"

Read = tuple[int, Event | Wrong]
"""Line, counted from 1 (0: the file as a whole), and the event or why there is none."""


def found(root: str, path: str, hint: str) -> list[Path]:
    """The files that a path names: itself, those of a folder and the folders in it, or those that fit a pattern.

    Sorted by name. Links to folders are not followed. Raises InputError when there is none, or far too many.
    """
    whole = Path(root, path)
    try:
        if "\0" in path:
            raise InputError("this is not a possible file name", place=Place(path[:200].replace("\0", "?")))
        if whole.is_dir():
            names = _below(whole)
        elif glob.has_magic(path) and not os.path.lexists(whole):
            fitting = str(Path(glob.escape(root), path))  # a folder of a project may be called `team[1]`
            matched = sorted(glob.glob(fitting, recursive=True))  # noqa: PTH207 - patterns as people write them
            names = [Path(name) for name in matched if Path(name).is_file()]
        elif not os.path.lexists(whole):
            raise InputError("there is no such file", place=Place(path), hint=hint)
        else:
            return [whole]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", place=Place(path)) from error
    if not names:
        raise InputError("there is no file of events here", place=Place(path), hint=hint)
    if len(names) > MOST_FILES:
        raise InputError(f"there are {len(names):,} files here; at most {MOST_FILES:,} are read", place=Place(path))
    return names


def is_without(root: str, path: str) -> bool:
    """Whether a folder is missing or holds no file of events. Raises InputError when it cannot be looked into."""
    try:
        try:
            Path(root, path).lstat()
        except FileNotFoundError:
            return True
        return not _below(Path(root, path))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", place=Place(path)) from error


def _below(folder: Path) -> list[Path]:
    names: list[Path] = []

    def unreadable(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders.sort()
        names += [Path(place, name) for name in files if name.lower().endswith(ENDINGS)]
    return sorted(names)


def events(path: Path, shown: str, hint: str = "") -> Iterator[Read]:
    """What is in a file, in order. Raises InputError when it cannot be read, or is no list where it begins as one."""
    place = Place(shown)
    chunks = _chunks(path, place, hint)
    first = next(chunks, b"").removeprefix(_BOM)
    start = first.lstrip()
    head = start.partition(b"\n")[0].strip()
    if start.startswith(b"["):
        whole = _whole(first, chunks, place, LARGEST_LIST)
        yield from _list(whole)
    elif head == b"{":  # one event over many lines
        whole = _whole(first, chunks, place, LONGEST_LINE)
        yield 0, _event(whole)
    else:
        yield from _lines(first, chunks)


def _list(data: bytes) -> Iterator[Read]:
    try:
        elements = several(data)
    except Wrong:
        yield from _lines(data, iter(()))  # it may be that only the first line is a list
        return
    for element in elements:
        yield 0, _event(element)


def _lines(first: bytes, chunks: Iterator[bytes]) -> Iterator[Read]:
    """Events of lines. A line that is too long is told of once and passed over."""
    number, rest, passing = 0, first, False
    for chunk in _and_last(chunks):
        parts = rest.split(b"\n")
        rest = parts.pop()
        for line in parts:
            number += 1
            if passing:
                passing = False
            elif line and not line.isspace():
                yield number, _event(line)
        if passing:
            rest = b""
        elif len(rest) > LONGEST_LINE:
            yield number + 1, Wrong(f"the line is longer than {LONGEST_LINE:,} bytes")
            rest, passing = b"", True
        rest += chunk
    if rest and not rest.isspace() and not passing:
        event = _event(rest)
        cut = isinstance(event, Wrong) and str(event) == "this is not JSON"
        yield number + 1, Wrong(_UNFINISHED) if cut and number else event


def _and_last(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks
    yield b""


def _event(data: bytes) -> Event | Wrong:
    try:
        return decoded(data)
    except Wrong as wrong:
        return wrong


def _whole(first: bytes, chunks: Iterator[bytes], place: Place, most: int) -> bytes:
    held = bytearray(first)
    for chunk in chunks:
        held += chunk
        if len(held) > most:
            raise InputError(
                f"is larger than {most:,} bytes", place=place, hint="write one event a line: they are read one by one"
            )
    return bytes(held)


def _chunks(path: Path, place: Place, hint: str) -> Iterator[bytes]:
    """The content in pieces, unpacked where it is gzip (told by its first bytes). Raises InputError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("is not a regular file", place=place)
        with path.open("rb") as file:
            start = file.read(_CHUNK)
            packed = start[:2] == _GZIP
            total = 0
            pieces = _unpacked(start, file, place) if packed else _plain(start, file)
            for piece in pieces:
                total += len(piece)
                if total > MOST_BYTES:
                    raise InputError(f"is more than {MOST_BYTES:,} bytes", place=place)
                yield piece
    except FileNotFoundError as error:
        raise InputError("there is no such file", place=place, hint=hint) from error
    except PermissionError as error:
        raise InputError("may not be read: permission denied", place=place) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", place=place) from error
    except ValueError as error:
        raise InputError("this is not a possible file name", place=place) from error


def _plain(start: bytes, file: object) -> Iterator[bytes]:
    piece = start
    while piece:
        yield piece
        piece = file.read(_CHUNK)  # type: ignore[attr-defined]


def _unpacked(start: bytes, file: object, place: Place) -> Iterator[bytes]:
    """Every member of a gzip file, never more than a believable multiple of what was read."""
    read, total = len(start), 0
    member = zlib.decompressobj(wbits=31)
    rest = start
    while True:
        while rest:
            try:
                piece = member.decompress(rest, _CHUNK)
            except zlib.error:
                raise InputError(f"the gzip data is broken after {total:,} bytes", place=place) from None
            rest = member.unconsumed_tail
            total += len(piece)
            if total > max(FREE_BYTES, MOST_EXPANSION * read):
                raise InputError(f"unpacks to more than {total:,} bytes from {read:,}; that is a trap", place=place)
            if piece:
                yield piece
            if member.eof:
                rest = member.unused_data
                if not rest.startswith(_GZIP[: len(rest)]):
                    return  # padding at the end
                member = zlib.decompressobj(wbits=31)
            elif not piece and not rest:
                break
        more: bytes = file.read(_CHUNK)  # type: ignore[attr-defined]
        if not more:
            return  # cut short: what is there counts, and its last line is told of
        read += len(more)
        rest = more
