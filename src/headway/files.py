"""Files that are written: each is whole or untouched, and one at a time changes those of a project.

Whoever changes a file that people review does so `alone`, from reading it to writing it, and says with `rewrite` what
it was: so two commands at once both count, and what an editor saved in between is never written over.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.errors import ConfigError, InputError, Place

_LONGEST_WAIT = 30.0
"""Seconds that a command waits for another one that changes files of the same project."""
_PAUSE = 0.02


class _Turns(threading.local):
    """How often this thread is inside `alone`, by folder."""

    def __init__(self) -> None:
        self.depth: defaultdict[str, int] = defaultdict(int)


_turns = _Turns()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let only one at a time change files of a project, in this process or another; the next one waits for it.

    A hold may be taken again by whoever has it, and ends with the process. Where the file system has no locks, only
    `rewrite` keeps one from losing what another wrote. Raises ConfigError when the other takes over half a minute.
    """
    key = str(folder.resolve())
    if _turns.depth[key]:
        _turns.depth[key] += 1
        try:
            yield
        finally:
            _turns.depth[key] -= 1
        return
    handle = _opened(key)
    try:
        if handle is not None:
            _locked(handle, key)
        _turns.depth[key] = 1
        yield
    finally:
        _turns.depth[key] = 0
        if handle is not None:
            os.close(handle)


def _opened(folder: str) -> int | None:
    """The folder itself is what is held, so that no file is left behind."""
    if sys.platform == "win32":
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError:
        return None  # it cannot be written to either, which is told when that is tried


def _locked(handle: int, folder: str) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    end = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES, errno.EINTR}:
                return  # no locks here
            if time.monotonic() > end:
                message = "another command of Headway is changing files of this project"
                raise ConfigError(message, hint="try again when it has finished", place=Place(folder)) from None
            time.sleep(_PAUSE)
        else:
            return


def content(path: Path, file: str) -> bytes | None:
    """What a file holds; None when there is none. Raises InputError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", place=Place(file)) from None


def rewrite(path: Path, before: bytes | None, after: bytes | None, file: str) -> None:
    """Give a file other content, or take it away (None), if it is still what it was.

    Raises InputError when it is not, ConfigError when it cannot be written; then it is as it is.
    """
    if content(path, file) != before:
        hint = "run the command again"
        raise InputError("was changed while this was prepared; nothing was written", hint=hint, place=Place(file))
    if after is not None:
        write_whole(path, after, file)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot be removed: {error.strerror or error}", place=Place(file)) from None


def write_whole(path: Path, text: bytes, file: str) -> None:
    """Write a file whole or not at all, with the rights it had. Raises ConfigError, which calls it `file`."""
    try:
        put_whole(path, text)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror or error}", place=Place(file)) from None


def put_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file whole or not at all, its folder too. Raises OSError.

    It keeps the rights it had; a new one has those of any new file. A `private` one is its owner's alone.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".headway-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        if not private:
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
            os.chmod(temporary, mode)  # noqa: PTH101 - the path of a temporary file is text
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
