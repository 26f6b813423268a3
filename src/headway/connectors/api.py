"""Recorded answers of another system's API, read from a folder instead of asking it: what a Client gives, offline."""

from __future__ import annotations

import json as plain_json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from headway.connectors.artifact import read
from headway.errors import InputError, Place
from headway.remote import MARK, Client

_UNSAFE = re.compile(r"[^A-Za-z0-9._=-]+")


@dataclass(frozen=True)
class Recording:
    """Answers kept as files: `get("api/card/27")` is `<folder>/api/card/27.json`.

    Where that is no file, it is the same without an ending, or `27/index.json`. A query is part of the name after `@`:
    `items@models=dashboard.json`; where there is no such file, the one without is read.
    """

    folder: Path
    shown: str
    """How messages name the folder."""

    @staticmethod
    def below(root: str, export: str, *, hint: str) -> Recording:
        """The folder `export` below `root`. Raises InputError when there is none."""
        folder = Path(root, export)
        try:
            there = "\0" not in export and folder.is_dir()
        except OSError:
            there = False
        if not there:
            raise InputError("there is no such folder", place=Place(export), hint=hint)
        return Recording(folder, export.rstrip("/"))

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """See Api.get. Raises InputError when there is no such answer, or it is not JSON."""
        file = self.find(path, query)
        if file is None:
            raise InputError("there is no such answer", place=Place(f"{self.shown}/{path}.json"))
        return decoded_file(file, self._named(file))

    def post(self, path: str, body: Any) -> Any:  # noqa: ARG002 - what was sent does not tell answers apart
        """See Api.post."""
        return self.get(path)

    def find(self, path: str, query: Mapping[str, str | int] | None = None) -> Path | None:
        """The file that holds the answer; None when there is none. Nothing outside the folder is ever found."""
        clean = [part for part in path.strip("/").split("/") if part]
        if not clean or any(part in {".", ".."} or "\0" in part or "\\" in part for part in clean):
            return None
        stem = self.folder.joinpath(*clean)
        suffix = _UNSAFE.sub("_", "&".join(f"{k}={v}" for k, v in (query or {}).items()))
        names = [f"{stem.name}@{suffix}.json"] if suffix else []
        for candidate in (
            *(stem.with_name(name) for name in (*names, f"{stem.name}.json", stem.name)),
            stem / "index.json",
        ):
            try:
                if candidate.is_file() and candidate.resolve().is_relative_to(self.folder.resolve()):
                    return candidate
            except (OSError, ValueError):
                continue
        return None

    def _named(self, file: Path) -> str:
        return f"{self.shown}/{file.relative_to(self.folder).as_posix()}"


def decoded_file(file: Path, shown: str) -> Any:
    """JSON of a file, plain or gzip. Raises InputError with the place for anything else."""
    data = bytes(read(file, shown))
    try:
        return msgspec.json.decode(data.removeprefix(MARK))
    except RecursionError:
        raise InputError("is nested too deeply", place=Place(shown)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"is not JSON{_line(data)}: {_reason(error)}", place=Place(shown)) from None


def _line(data: bytes) -> str:
    try:
        plain_json.loads(data)
    except plain_json.JSONDecodeError as error:
        return f" (line {error.lineno})"
    except (ValueError, RecursionError):
        return ""
    return ""


def _reason(error: Exception) -> str:
    return (
        str(error).partition(" (byte")[0][:120] if isinstance(error, msgspec.MsgspecError) else "it is not UTF-8 text"
    )


@contextmanager
def answers(connector: str, root: str, export: str, connect: Callable[[], Client]) -> Iterator[Client | Recording]:
    """Recorded answers from the folder `export` below `root` where one is given, else what `connect` gives, closed.

    Raises InputError for a folder that is not there, and what `connect` raises.
    """
    if export:
        yield Recording.below(root, export, hint=f"export: {connector}/")
        return
    with connect() as client:
        yield client
