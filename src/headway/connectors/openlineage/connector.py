"""The connector `openlineage`: jobs and datasets outside dbt, from events that producers wrote or sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import given
from headway.connectors.artifact import shown
from headway.connectors.openlineage import files, told
from headway.connectors.openlineage.events import Wrong
from headway.connectors.openlineage.gathered import Gathered
from headway.connectors.openlineage.received import AHEAD, FOLDER, RECEIVED, may_tell
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, Place
from headway.graph.model import AnyRecord, Gap, Origin

_NAME = told.NAME
MOST_EVENTS = 50_000_000
MOST_RUNS = 5_000_000
MOST_THINGS = 1_000_000
"""Jobs and datasets together."""
_BATCH = 1_000
_MOST_SAID = 3
_MOST_DAYS = 3_650
_SPAN = re.compile(r"(\d{1,4}) ?d(?:ays?)?")
_HINT = "path: a file of the OpenLineage client's file transport, a folder, a pattern, `received`, or a list of them"


class OpenLineage:
    """Reads OpenLineage events from files: of the client's file transport, or as `headway serve` received them.

    Yields a node of kind `source` for each dataset and one of kind `job` for each job that reads or writes any, the
    edges between them, column lineage, a check for the last run of each job and for tests that jobs ran; then gaps.
    Jobs of dbt itself are left out, since their models are known, and so is what Headway exported.

    Raises ConfigError for options that cannot be, InputError for a path that holds no event at all.
    """

    name: ClassVar[str] = _NAME
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "path",
            list,
            required=True,
            help="a file, a folder, a pattern or a list of them; `received`: what was sent to headway serve",
        ),
        Option("seen_within", str, "30d", help="a job without an event for longer is left out"),
        Option(
            "warehouse", list, [], help="namespaces of the warehouse that dbt builds in; empty: as dbt-ol says, or any"
        ),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        path = options.get("path")
        values = given.checked(_NAME, self.options, {**options, "path": [path] if isinstance(path, str) else path})
        self._context = context
        self._paths: list[str] = values["path"]
        if not all(isinstance(one, str) and one for one in self._paths):
            raise ConfigError(f"option path of {_NAME} names no file, folder, pattern or list of them", hint=_HINT)
        self._nothing_received = ""
        self._warehouse: list[str] = values["warehouse"]
        if not all(isinstance(one, str) and one.strip() for one in self._warehouse):
            raise ConfigError(f"option warehouse of {_NAME} is not a list of namespaces")
        span = _SPAN.fullmatch(values["seen_within"].strip())
        if span is None or not 1 <= int(span[1]) <= _MOST_DAYS:
            hint = f"seen_within: 30d, from 1d to {_MOST_DAYS:,}d"
            raise ConfigError(f"option seen_within of {_NAME} is not a number of days", hint=hint)
        self._days = timedelta(days=int(span[1]))

    def records(self) -> Iterator[AnyRecord]:
        """Everything that the events say together, then what was left out."""
        now = self._context.now
        gathered = Gathered(now - self._days, now + AHEAD)
        wrong = _Wrongs()
        seen = count = 0
        paths = self._files()
        for done, path in enumerate(paths):
            name = shown(path, self._context.root)
            self._context.progress(f"reading {name}", done, len(paths))
            try:
                for line, event in files.events(path, name, _HINT):
                    if isinstance(event, Wrong):
                        wrong.add(name, line, str(event))
                        continue
                    seen += 1
                    count += gathered.add(event)
                    if seen % _BATCH == 0:
                        _bounded(count, gathered, name)
            except _TooMuch:
                raise
            except InputError as error:
                if len(paths) == 1:
                    raise
                wrong.add(name, 0, error.message)
        if paths and not seen:
            raise wrong.error() or InputError(
                "there is no event in it", place=Place(shown(paths[0], self._context.root))
            )
        if self._nothing_received:
            hint = "send them to headway serve"
            yield Gap(topic=_NAME, message=self._nothing_received, hint=hint, origin=Origin(connector=_NAME))
        yield from told.records(gathered, self._warehouse)
        yield from wrong.gaps()

    def _files(self) -> list[Path]:
        """The files to read, each once."""
        found: dict[str, Path] = {}
        for path in self._paths:
            for file in self._received() if path == RECEIVED else files.found(self._context.root, path, _HINT):
                found.setdefault(os.path.realpath(file), file)
        return list(found.values())

    def _received(self) -> list[Path]:
        """Files of received events, without days before all that counts: they are only ever added to."""
        self._nothing_received = "no OpenLineage event was received yet"
        if files.is_without(self._context.root, FOLDER):
            return []
        first = self._context.now - self._days
        found = [f for f in files.found(self._context.root, FOLDER, _HINT) if may_tell(f.name, first)]
        self._nothing_received = "" if found else "no OpenLineage event was received within seen_within"
        return found


class _TooMuch(InputError):
    """There is more than is read. What comes after it would be the newest, so that no part of it is an answer."""


def _bounded(count: int, gathered: Gathered, file: str) -> None:
    """Raises _TooMuch for more than is sane."""
    hint = "a shorter seen_within, or fewer files"
    if count > MOST_EVENTS:
        raise _TooMuch(f"there are more than {MOST_EVENTS:,} events", place=Place(file), hint=hint)
    if gathered.runs > MOST_RUNS:
        raise _TooMuch(f"events tell of more than {MOST_RUNS:,} runs", place=Place(file), hint=hint)
    if gathered.things > MOST_THINGS:
        raise _TooMuch(f"events tell of more than {MOST_THINGS:,} jobs and datasets", place=Place(file), hint=hint)


class _Wrongs:
    """What could not be read: the first few with their places, the rest counted."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[tuple[str, int, str]] = []

    def add(self, file: str, line: int, reason: str) -> None:
        self._count += 1
        if len(self._first) < _MOST_SAID:
            self._first.append((file, line, reason))

    def error(self) -> InputError | None:
        """The first as an error, for input in which nothing can be read; None where nothing is wrong."""
        if not self._first:
            return None
        file, line, reason = self._first[0]
        return InputError(reason, place=Place(file, line), hint=_HINT)

    def gaps(self) -> Iterator[Gap]:
        for file, line, reason in self._first:
            message = f"{Place(file, line)}: {reason}"
            yield Gap(topic=_NAME, message=message, origin=Origin(connector=_NAME, file=file, line=line))
        more = self._count - len(self._first)
        if more:
            message = f"{more:,} more {'event' if more == 1 else 'events'} could not be read"
            yield Gap(topic=_NAME, message=message, origin=Origin(connector=_NAME))
