"""Reads the bytes of an artifact: plain or gzip, whole or mapped, never more than is sane."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import zlib
from pathlib import Path

from headway.errors import InputError, Place

Buffer = bytes | bytearray | mmap.mmap

MOST_BYTES = 4 * 1024**3
"""No artifact larger than this is read, packed or unpacked."""

MOST_EXPANSION = 500
"""A packed manifest expands 10 to 100 fold. More than this (beyond FREE_BYTES) is a trap, not a manifest."""

FREE_BYTES = 64 * 1024**2
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


def read(path: Path, shown: str, *, mapped: bool = False, hint: str = "") -> Buffer:
    """The content of `path`, unpacked when it is gzip (told by its first bytes, not by its name).

    `shown` is how messages name the file, `hint` what to do when it is missing. `mapped` maps a plain file instead of
    copying it: only for a command that ends soon, because a file that is cut short under a mapping ends the process.
    Raises InputError.
    """
    place = Place(shown)
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise InputError("is a folder, not a file", place=place, hint=hint)
        if not stat.S_ISREG(facts.st_mode):
            raise InputError("is not a regular file", place=place)
        if facts.st_size > MOST_BYTES:
            raise InputError(f"is {facts.st_size:,} bytes; at most {MOST_BYTES:,} are read", place=place)
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0)
            if start == _GZIP:
                return _unpack(file.read(MOST_BYTES), place)
            if mapped and facts.st_size:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return file.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise InputError(_reason(error), place=place, hint=hint if missing else "") from error


def exists(path: Path) -> bool:
    """Whether something is there to be read; False also when the path itself is impossible."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    if isinstance(error, OSError):
        if error.errno == errno.ENAMETOOLONG:
            return "the name is too long for a file"
        return f"cannot be read: {error.strerror or error}"
    return "this is not a possible file name"


def _unpack(packed: bytes, place: Place) -> bytearray:
    """Unpack every member of a gzip file in pieces, so that a bomb is noticed before it fills the memory."""
    most = min(MOST_BYTES, max(FREE_BYTES, MOST_EXPANSION * len(packed)))
    plain = bytearray()
    rest = packed
    while rest[:2] == _GZIP:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                piece = member.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise InputError(f"the gzip data is broken after {len(plain):,} bytes", place=place) from error
            rest = member.unconsumed_tail
            plain += piece
            if len(plain) > most:
                raise InputError(
                    f"unpacks to more than {most:,} bytes from {len(packed):,}; that is no dbt artifact", place=place
                )
            if not piece and not rest and not member.eof:
                raise InputError(
                    f"the gzip data ends too early, after {len(plain):,} bytes", place=place, hint="copy it again"
                )
        rest = member.unused_data
    return plain


def shown(path: Path, root: str) -> str:
    """The path as messages and records name it: relative to the project where it is inside."""
    try:
        name = os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
    except ValueError:
        name = str(path)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name).replace(os.sep, "/")
