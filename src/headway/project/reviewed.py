"""Files that Headway changes and people review: every byte that was there stays, each file is whole or untouched.

Whoever changes one does so `alone`, from reading it to writing it, and says with `rewrite` what it was: so two commands
at once both count, and what an editor saved in between is never written over.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from headway.errors import ConfigError, InputError, Place

_EMPTY = re.compile(r"((?:[ \t]*(?:#[^\n]*)?\r?\n)*)[ \t]*\[\s*\]\s*")
"""A file that says that there is nothing in it yet."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PLAIN = re.compile(r"[A-Za-z](?:[\w .,/()+*'-]|:(?! |$))*")
_LONGEST_WAIT = 30.0
"""Seconds that a command waits for another one that changes files of the same project."""
_PAUSE = 0.02
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def appended(before: bytes, entry: Sequence[tuple[str, str]], head: str) -> tuple[bytes, int]:
    """A list of entries with one more at its end, and that entry's line; `head` is how a new file begins."""
    text = before.decode("utf-8")
    ending = "\r\n" if "\r\n" in text else "\n"
    if empty := _EMPTY.fullmatch(text):
        text = empty[1]
    indent = _indent(text)
    start = text if text.strip() else head.replace("\n", ending)
    if start.strip() and not start.endswith("\n"):
        start += ending
    if start.strip() and not start.endswith(ending * 2):
        start += ending
    rows = [f"{key}: {scalar(value)}" for key, value in entry]
    block = ending.join([f"{indent}- {rows[0]}", *(f"{indent}  {row}" for row in rows[1:])])
    return (start + block + ending).encode("utf-8"), start.count("\n") + 1


def _indent(text: str) -> str:
    """The blanks before the dashes of the list."""
    for line in text.splitlines():
        if line.lstrip(" ").startswith("- "):
            return line[: len(line) - len(line.lstrip(" "))]
    return ""


def printable(text: str) -> str:
    """Text on one line, without what would steer a terminal: titles come from tools outside."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def scalar(value: str) -> str:
    """Text as YAML writes it on one line: plain where nobody could read it as anything else, else in quotes."""
    one_line = printable(value)
    if _DAY.fullmatch(one_line) or (_PLAIN.fullmatch(one_line) and one_line.lower() not in _WORDS):
        return one_line
    return json.dumps(one_line, ensure_ascii=False)  # what JSON puts in quotes, YAML reads the same


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
    """Write a file whole or not at all, with the rights it had. Raises ConfigError."""
    temporary = ""
    try:
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".headway-", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)  # noqa: PTH101 - the path of a temporary file is text
        os.replace(temporary, path)  # noqa: PTH105
        temporary = ""
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror or error}", place=Place(file)) from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
