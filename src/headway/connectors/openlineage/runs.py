"""What the runs of a job say of it: which datasets count, and how it ended last.

Runs with one parent are one round: an orchestrator starts a task once for each of many tables, and once more after a
failure, and only the id of the run tells them apart. What the runs of a round read and write adds up. A run that did
not end well counts against its round unless later runs of it, which ended well, read and wrote all of its datasets
again. A run without a parent is a round of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from headway.connectors.openlineage.gathered import JobFound, Ran, Set

_START = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class End:
    """When the last round of a job ended, how (an index of COMPLETE, ABORT, FAIL), and since when it does not pass."""

    at: datetime
    how: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a job reads and writes, by number, and its last end; None while no run has ended."""

    reads: Set
    writes: Set
    end: End | None


@dataclass(frozen=True, slots=True)
class _Round:
    well: bool
    """Whether all of it ended well, as far as it was not done again; what is declared is well."""
    last: datetime
    name: str
    reads: Set
    writes: Set
    ended: tuple[datetime, int, datetime | None] | None
    """When, how, and when the first of it failed."""


def told(job: JobFound) -> Told | None:
    """What counts of all runs: datasets are those of the newest round that ended well, or else of the newest."""
    rounds = list(_rounds(job))
    speaking = [one for one in rounds if one.reads or one.writes]
    if not speaking:
        return None
    newest = max(speaking, key=lambda one: (one.well, one.last, one.name))
    return Told(newest.reads, newest.writes, _end(rounds))


def _end(rounds: Iterable[_Round]) -> End | None:
    ended = sorted((one.ended for one in rounds if one.ended is not None), key=lambda e: e[:2], reverse=True)
    if not ended:
        return None
    at, how, _ = ended[0]
    since = None
    for _, other, failed in ended:
        if other == 0:
            break
        since = failed
    return End(at, how, since)


def _rounds(job: JobFound) -> Iterable[_Round]:
    several: dict[str, list[Ran]] = defaultdict(list)
    for name, run in job.runs.items():
        if run.last is None:
            continue
        if run.parent:
            several[run.parent].append(run)
        else:
            yield _alone(name, run, run.last)
    for name, runs in several.items():
        last = max(run.last for run in runs if run.last)
        yield _alone(name, runs[0], last) if len(runs) == 1 else _together(name, runs, last)


def _alone(name: str, run: Ran, last: datetime) -> _Round:
    ended = None if run.ended is None else (*run.ended, run.ended[0] if run.ended[1] else None)
    return _Round(run.completed or not name, last, name, run.reads, run.writes, ended)


def _together(name: str, runs: Sequence[Ran], last: datetime) -> _Round:
    read: dict[int, datetime] = {}
    written: dict[int, datetime] = {}
    done = _START
    for run in runs:
        if run.ended is not None and run.completed:
            done = max(done, run.ended[0])
            for known, numbers in ((read, run.reads), (written, run.writes)):
                for number in numbers:
                    known[number] = max(known.get(number, _START), run.ended[0])

    def again(run: Ran) -> bool:
        at = run.ended[0] if run.ended is not None else run.last or _START
        return (
            done > at
            and all(read.get(number, _START) > at for number in run.reads)
            and all(written.get(number, _START) > at for number in run.writes)
        )

    left = [run for run in runs if not run.completed and not again(run)]
    failed = [run.ended for run in left if run.ended is not None]
    ended: tuple[datetime, int, datetime | None] | None = None
    if failed:
        at = max(run.ended[0] for run in runs if run.ended is not None)
        ended = (at, max(how for _, how in failed), min(when for when, _ in failed))
    elif not left:
        ended = (done, 0, None)
    return _Round(
        not left,
        last,
        name,
        tuple(sorted({number for run in runs for number in run.reads})),
        tuple(sorted({number for run in runs for number in run.writes})),
        ended,
    )
