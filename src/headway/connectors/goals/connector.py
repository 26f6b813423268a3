"""Connector `goals`: finds the goals file or folder, reads it, and yields records."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors.goals.problems import Problems
from headway.connectors.goals.reader import read
from headway.connectors.goals.records import CONNECTOR, records
from headway.connectors.protocol import Context
from headway.errors import ConfigError, GoalsError, Place, Problem
from headway.graph.model import AnyRecord, Gap, Origin

DEFAULT_PATH = "goals.yml"
FALLBACK = "goals"
MAX_BYTES = 20_000_000
_SUFFIXES = (".yml", ".yaml")


class Goals:
    """Objectives, key results, deliverables and initiatives from YAML files kept beside the project."""

    name: ClassVar[str] = CONNECTOR
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "path",
            str,
            DEFAULT_PATH,
            f"Goals file, or a folder of them. Where there is no {DEFAULT_PATH}, the folder {FALLBACK}/ is read.",
        ),
        Option("dialect", str, "", "SQL dialect of key results bound to sql, such as snowflake or bigquery."),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        """Raises ConfigError when an option has a value it cannot have."""
        self.context = context
        self.path = _text(options, "path") or DEFAULT_PATH
        self.dialect = _text(options, "dialect")

    def records(self) -> Iterator[AnyRecord]:
        """Everything the files say. Raises GoalsError with all problems of all files, a missing file included."""
        root = Path(self.context.root)
        path = root / self.path
        problems = Problems()
        both = False
        if self.path == DEFAULT_PATH and (root / FALLBACK).is_dir():
            both = path.exists()
            path = path if both else root / FALLBACK
        files = []
        paths = _files(path, root, problems)
        for done, file in enumerate(paths):
            self.context.progress("goals files", done, len(paths))
            name = _shown(file, root)
            data = _bytes(file, name, problems)
            if data is not None:
                files.append((name, data))
        goals = read(files, problems)
        if both:
            message = f"the folder {FALLBACK}/ was not read, because there is a {DEFAULT_PATH} too"
            hint = f"move everything into one of them, or set path: {FALLBACK}"
            yield Gap(topic="goals", message=message, hint=hint, origin=Origin(CONNECTOR, FALLBACK))
        if goals.empty:
            where = _shown(path, root)
            message = f"{where} holds no objective yet"
            yield Gap(topic="goals", message=message, hint="add one under objectives:", origin=Origin(CONNECTOR, where))
        yield from records(goals, self.dialect)


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | os.PathLike):
        raise ConfigError(f"option {name} of the connector goals is text, not {value!r}")
    return os.fspath(value) if not isinstance(value, str) else value


def _shown(path: Path, root: Path) -> str:
    """The path as it is shown and kept: relative to the root where it is below it, and printable whatever it is."""
    name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _files(path: Path, root: Path, problems: Problems) -> list[Path]:
    """The files to read, sorted. Raises GoalsError when there is nothing to read at all."""
    shown = _shown(path, root)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        hint = "create it, or set path: to where the goals are"
        raise GoalsError([Problem("there is no such goals file or folder", Place(shown), hint)]) from error
    except (OSError, ValueError) as error:
        raise GoalsError([Problem(f"it cannot be opened: {_reason(error)}", Place(shown))]) from error
    if not stat.S_ISDIR(mode):
        return [path]
    found = []

    def refuse(error: OSError) -> None:
        place = Place(_shown(Path(error.filename), root) if error.filename else shown)
        problems.say(f"the folder cannot be read: {_reason(error)}", place)

    for folder, folders, names in os.walk(path, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name) for name in names if name.lower().endswith(_SUFFIXES) and not name.startswith(".")]
    if not found and not problems.found:
        hint = "add a file that ends in .yml, or set path: to where the goals are"
        raise GoalsError([Problem("the folder holds no YAML file", Place(shown), hint)])
    return sorted(found)


def _bytes(path: Path, shown: str, problems: Problems) -> bytes | None:
    """Content of one file; None after a problem was reported."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            problems.say("this is not a regular file", Place(shown), "give a YAML file or a folder of them")
            return None
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problems.say(f"the file cannot be read: {_reason(error)}", Place(shown))
        return None
    if len(data) > MAX_BYTES:
        hint = "split it into several files in a folder"
        problems.say(f"the file is larger than {MAX_BYTES // 1_000_000} MB", Place(shown), hint)
        return None
    return data


def _reason(error: OSError | ValueError) -> str:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return reason[:1].lower() + reason[1:]
