"""Changes of several files as one: all are made or none, and they can be taken back byte for byte.

What the files were before is kept in a folder of its own, with a journal, before the first of them is touched. Whoever
is interrupted finds either nothing changed, or a journal from which everything can be taken back.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from headway.errors import ConfigError, InputError, Place, UsageError
from headway.files import alone, content, write_whole

FOLDER = ".headway/retired"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,60}")
_JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after; None where there is none."""

    path: str
    """Relative to the project, with forward slashes."""
    before: bytes | None
    after: bytes | None


class _File(msgspec.Struct, kw_only=True):
    path: str
    before: str | None
    """SHA-256 of what it was; None when it was not there."""
    after: str | None
    original: str = ""
    """Name of the file that keeps what it was."""
    mode: int = 0o644


class Journal(msgspec.Struct, kw_only=True):
    """What one run changed."""

    id: str
    day: str
    what: str
    files: list[_File]
    done: bool = False


def apply(root: Path, journal_id: str, day: str, what: str, changes: Sequence[Change]) -> Journal:
    """Make changes below `root`, all of them or none.

    Raises UsageError when there is such a journal already, InputError when a file is not as it was when the changes
    were prepared, and ConfigError when a file cannot be written; then everything is as it was.
    """
    with alone(root):
        return _applied(root, Journal(id=journal_id, day=day, what=what, files=[]), changes)


def _applied(root: Path, journal: Journal, changes: Sequence[Change]) -> Journal:
    journal_id = journal.id
    folder = _folder(root, journal_id)
    if folder.exists() and not (folder / _JOURNAL).exists():
        shutil.rmtree(folder)  # somebody was interrupted before anything was changed
    if folder.exists():
        raise UsageError(f"there is a retirement {journal_id} already", hint=f"headway retire --undo {journal_id}")
    for change in changes:
        if content(root / change.path, change.path) != change.before:
            message, hint = "was changed while this was prepared; nothing was written", "run the command again"
            raise InputError(message, hint=hint, place=Place(change.path))
    journal.files = [
        _File(
            path=change.path,
            before=_digest(change.before),
            after=_digest(change.after),
            original=f"{number:04d}" if change.before is not None else "",
            mode=_mode(root / change.path),
        )
        for number, change in enumerate(changes)
    ]
    try:
        _keep(folder, journal, changes)
        for file, change in zip(journal.files, changes, strict=True):
            _put(root, file.path, change.after, file.mode)
        journal.done = True
        _save(folder, journal)
    except BaseException:
        # Interrupted or refused half-way: what was changed goes back before anybody hears of it.
        _restore(root, folder, journal)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return journal


def undo(root: Path, journal_id: str) -> Journal:
    """Take back what a run changed, and forget it. Raises UsageError for what there is no journal of.

    Raises InputError, naming the file, when one of them was edited since; then nothing is changed.
    """
    with alone(root):
        return _undone(root, journal_id)


def _undone(root: Path, journal_id: str) -> Journal:
    folder = _folder(root, journal_id)
    journal = _load(folder, journal_id)
    for file in journal.files:
        now = _digest(content(root / file.path, file.path))
        if now not in {file.before, file.after}:
            hint = "undo later retirements first, or put back by hand what was changed since"
            raise InputError(f"was edited since {journal_id}; nothing was undone", hint=hint, place=Place(file.path))
        if file.original and _digest(content(folder / file.original, file.original)) != file.before:
            raise InputError("is not what was kept; nothing was undone", place=Place(f"{FOLDER}/{journal_id}"))
    _restore(root, folder, journal)
    shutil.rmtree(folder, ignore_errors=True)
    return journal


def journals(root: Path) -> list[Journal]:
    """What can be undone, the newest last. Raises InputError for a journal that cannot be read."""
    names = sorted(p.name for p in (root / FOLDER).glob("*") if _ID.fullmatch(p.name) and (p / _JOURNAL).is_file())
    found = [_load(root / FOLDER / name, name) for name in names]
    return sorted(found, key=lambda j: (j.day, (root / FOLDER / j.id / _JOURNAL).stat().st_mtime_ns))


def _folder(root: Path, journal_id: str) -> Path:
    if not _ID.fullmatch(journal_id):
        raise UsageError(f"{journal_id!r} is no name of a retirement", hint="headway retire --status lists them")
    return root / FOLDER / journal_id


def _load(folder: Path, journal_id: str) -> Journal:
    place = Place(f"{FOLDER}/{journal_id}/{_JOURNAL}")
    try:
        journal = msgspec.json.decode((folder / _JOURNAL).read_bytes(), type=Journal)
    except FileNotFoundError:
        hint = "headway retire --status lists what can be undone"
        raise UsageError(f"there is no retirement {journal_id!r} to undo", hint=hint) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", place=place) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"is no journal: {' '.join(str(error).split())[:120]}", place=place) from None
    for file in journal.files:
        parts = Path(file.path).parts
        led_out = not (folder.parents[2] / file.path).resolve().is_relative_to(folder.parents[2].resolve())
        if Path(file.path).is_absolute() or ".." in parts or led_out or "/" in file.original or ".." in file.original:
            raise InputError(f"names {file.path!r}, outside of the project", place=place)
    return journal


def _keep(folder: Path, journal: Journal, changes: Sequence[Change]) -> None:
    try:
        folder.mkdir(parents=True)
        for file, change in zip(journal.files, changes, strict=True):
            if change.before is not None:
                _write_through(folder / file.original, change.before)
        _save(folder, journal)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror or error}", place=Place(FOLDER)) from None


def _save(folder: Path, journal: Journal) -> None:
    _write_through(folder / (_JOURNAL + ".new"), msgspec.json.format(msgspec.json.encode(journal)))
    os.replace(folder / (_JOURNAL + ".new"), folder / _JOURNAL)  # noqa: PTH105 - whole or not at all


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _restore(root: Path, folder: Path, journal: Journal) -> None:
    """Put back every file that is not as it was; what does not differ is left alone."""
    for file in journal.files:
        if _digest(content(root / file.path, file.path)) == file.before:
            continue
        data = (folder / file.original).read_bytes() if file.original else None
        _put(root, file.path, data, file.mode)


def _put(root: Path, path: str, data: bytes | None, mode: int) -> None:
    """Give a file its content, or take it away. Raises ConfigError."""
    full = root / path
    if data is not None:
        fresh = not full.exists()
        write_whole(full, data, path)
        if fresh:
            full.chmod(mode)
        return
    try:
        full.unlink()
    except OSError as error:
        raise ConfigError(f"cannot be removed: {error.strerror or error}", place=Place(path)) from None


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o644


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
