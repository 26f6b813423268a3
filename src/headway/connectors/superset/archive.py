"""The YAML files of an export: a folder, or a zip as Superset's export button gives it. Nothing is unpacked to disk."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from headway.connectors import artifact
from headway.errors import InputError, Place

MOST_FILES = 200_000
MOST_BYTES = 32 * 1024**2
"""Of one file. A dashboard with a hundred charts has 200 kB."""
MOST_IN_ALL = 1024**3
MOST_EXPANSION = 200
"""An export packs about 10 fold. More than this, beyond FREE_BYTES, is a trap."""
FREE_BYTES = 64 * 1024**2
_SUFFIXES = (".yaml", ".yml")


def files(path: Path, shown: str) -> Iterator[tuple[str, bytes | InputError]]:
    """Name (with slashes, relative to the export) and content of each YAML file, in order of the names.

    A single file that cannot be read comes as its InputError. Raises InputError when the export as a whole is missing,
    no folder or zip, or larger than is sane.
    """
    try:
        folder = path.is_dir()
    except (OSError, ValueError):
        folder = False
    yield from _in_folder(path, shown) if folder else _in_zip(path, shown)


def _in_folder(folder: Path, shown: str) -> Iterator[tuple[str, bytes | InputError]]:
    whole = folder.resolve()
    names = []
    for place, folders, found in os.walk(folder, onerror=_refuse(shown)):
        folders.sort()
        names += [Path(place, name).relative_to(folder).as_posix() for name in found if _is_yaml(name)]
        if len(names) > MOST_FILES:
            raise InputError(f"holds more than {MOST_FILES:,} files", place=Place(shown))
    total = 0
    for name in sorted(names):
        file, title = folder / name, f"{shown}/{name}"
        try:
            if not file.resolve().is_relative_to(whole):
                raise InputError("is a link to somewhere outside the export", place=Place(title))
            if file.stat().st_size > MOST_BYTES:
                raise InputError(f"is larger than {MOST_BYTES:,} bytes", place=Place(title))
            content: bytes | InputError = bytes(artifact.read(file, title))
        except InputError as error:
            content = error
        except (OSError, RuntimeError) as error:  # a link to itself is a RuntimeError before Python 3.13
            said = getattr(error, "strerror", "") or "it is a link to itself"
            content = InputError(f"cannot be read: {said}", place=Place(title))
        total += len(content) if isinstance(content, bytes) else 0
        if total > MOST_IN_ALL:
            raise InputError(f"holds more than {MOST_IN_ALL:,} bytes", place=Place(shown))
        yield name, content


def _refuse(shown: str) -> Callable[[OSError], None]:
    def raised(error: OSError) -> None:
        raise InputError(f"a folder in it cannot be read: {error.strerror}", place=Place(shown)) from None

    return raised


def _is_yaml(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _in_zip(path: Path, shown: str) -> Iterator[tuple[str, bytes | InputError]]:
    place = Place(shown)
    try:
        if not path.is_file():
            there = path.exists()
            raise InputError("is no file" if there else "there is no such file or folder", place=place)
        with path.open("rb") as stream:
            yield from packed(stream, shown)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", "") or "this is not a possible file name"
        raise InputError(f"cannot be read: {said}", place=place) from None


def packed(stream: IO[bytes], shown: str) -> Iterator[tuple[str, bytes | InputError]]:
    """The same of a zip that is open, or in memory."""
    place = Place(shown)
    try:
        with zipfile.ZipFile(stream) as archive:
            found = [info for info in archive.infolist() if _is_yaml(info.filename.rpartition("/")[2])]
            if len(found) > MOST_FILES:
                raise InputError(f"holds more than {MOST_FILES:,} files", place=place)
            size = stream.seek(0, os.SEEK_END)
            left = min(MOST_IN_ALL, max(FREE_BYTES, MOST_EXPANSION * size))
            for info in sorted(found, key=lambda one: one.filename):
                content = _member(archive, info, f"{shown}/{info.filename}")
                left -= len(content) if isinstance(content, bytes) else 0
                if left < 0:
                    raise InputError(f"unpacks to far more than its {size:,} bytes; that is no export", place=place)
                yield info.filename, content
    except (zipfile.BadZipFile, NotImplementedError):
        raise InputError(
            "is neither a folder nor a zip that can be read", place=place, hint="export it from Superset again"
        ) from None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, title: str) -> bytes | InputError:
    """What a file in a zip holds. Never more than MOST_BYTES are unpacked, whatever the zip says of its size."""
    place = Place(title)
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] in {"", "~"} or ":" in parts[0]:
        return InputError("has a name that points outside the export", place=place)
    if info.flag_bits & 1:
        return InputError("is locked with a password", place=place)
    try:
        with archive.open(info) as stream:
            content = stream.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        return InputError("the zip is broken here", place=place, hint="export it from Superset again")
    if len(content) > MOST_BYTES:
        return InputError(f"unpacks to more than {MOST_BYTES:,} bytes", place=place)
    return content
