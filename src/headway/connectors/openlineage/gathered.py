"""What many events say together: the same whatever order they come in, and however often each comes.

Of what is said twice the newest event counts; of two at the same moment the one whose text is greater, so that it does
not matter which was read first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from headway.connectors.openlineage.addresses import clean_name, without_secrets
from headway.connectors.openlineage.events import (
    Dataset,
    DatasetFacets,
    Event,
    Job,
    JobType,
    Parent,
    Raw,
    Symlinks,
    facet,
)
from headway.connectors.openlineage.names import Key, dataset_key, unquoted
from headway.graph.tables import fold_relation, is_build_step

_ENDED = {"COMPLETE": 0, "ABORT": 1, "FAIL": 2}
"""Types of events that end a run; of two at the same moment the worse counts."""
_DBT = "/integration/dbt"
_OWN = "urn:headway"

_MOST_REMEMBERED = 100_000
_MOST_LINKS = 50

K = TypeVar("K", str, int)
T = TypeVar("T")

Newest = tuple[datetime, bytes]
Set = tuple[int, ...]


@dataclass(slots=True)
class Ran:
    """One run, or (with the id '') what a job event says a job reads and writes."""

    ended: tuple[datetime, int] | None = None
    """When it ended, and how: an index of COMPLETE, ABORT, FAIL."""
    last: datetime | None = None
    parent: str = ""
    """Id of the run that started it, where one did."""
    reads: Set = ()
    writes: Set = ()

    @property
    def completed(self) -> bool:
        """Whether it ended well."""
        return self.ended is not None and self.ended[1] == 0


@dataclass(slots=True)
class JobFound:
    """What is known of a job."""

    key: Key
    runs: dict[str, Ran] = field(default_factory=dict)
    facets: dict[str, Newest] = field(default_factory=dict)
    columns: dict[int, Newest] = field(default_factory=dict)
    """Number of a dataset that it writes -> column lineage."""
    tests: dict[int, Newest] = field(default_factory=dict)
    """Number of a dataset -> results of tests that it ran on it."""
    of_dbt: bool = False
    own: bool = False
    """Headway wrote of it itself."""


@dataclass(slots=True)
class DatasetFound:
    """What is known of a dataset."""

    key: Key
    name: str
    """As it is written; of several ways the least."""
    there: datetime | None = None
    """When it was last spoken of, other than that it is gone."""
    facets: dict[str, Newest] = field(default_factory=dict)
    alone: bool = False
    """An event of its own speaks of it."""
    links: dict[Key, str] | None = None
    """All further names that were told, since producers tell of different ones, with the least way to write each."""
    linked: bytes = b""
    """The last facet of such names, which mostly comes again."""


class Gathered:
    """Takes events one by one. Memory grows with jobs, datasets and runs, not with events."""

    def __init__(self, since: datetime, until: datetime) -> None:
        """Events before `since` are only counted, events after `until` are not believed."""
        self._since, self._until = since, until
        self.jobs: dict[Key, JobFound] = {}
        self.datasets: list[DatasetFound] = []
        self.numbers: dict[Key, int] = {}
        self.earlier: set[Key] = set()
        """Jobs that events before `since` speak of."""
        self.in_future = 0
        self.runs = 0
        self._called: dict[tuple[str, str], int] = {}
        self._named: dict[tuple[str, str], JobFound] = {}
        self._types: dict[bytes, bool] = {}
        self._producers: dict[str, tuple[bool, bool]] = {}
        """Producer -> whether it is dbt's, and whether it is Headway itself."""
        self._sets: dict[Set, Set] = {}
        self._parents: dict[str, str] = {}

    @property
    def things(self) -> int:
        """Jobs and datasets, those that are left out among them."""
        return len(self.jobs) + len(self.datasets) + len(self.earlier)

    def add(self, event: Event) -> bool:
        """Take note of an event; whether it is of the time that counts."""
        at = event.at
        if at > self._until:
            self.in_future += 1
            return False
        if at < self._since:
            if event.job is not None and not self._told_elsewhere(event.job, event.producer):
                self.earlier.add(_job_key(event.job))
            return False
        if event.job is None:
            assert event.dataset is not None
            number = self.number(event.dataset)
            self.datasets[number].alone = True
            self._facets(number, event.dataset, at)
            return True
        job = self._job(event.job, at, event.producer)
        reads = self._all(event.inputs, at, job)
        writes = self._all(event.outputs, at, job)
        self._columns(job, event.outputs, writes, at)
        self._run(job, event, at, reads, writes)
        return True

    def number(self, dataset: Dataset) -> int:
        """The number of a dataset, by its own name."""
        called = (dataset.namespace, dataset.name)
        number = self._called.get(called)
        if number is None:
            number = self.numbered(dataset_key(*called), dataset.name)
            _remember(self._called, called, number)
        return number

    def numbered(self, key: Key, name: str) -> int:
        """The number of the dataset of a key."""
        number = self.numbers.get(key)
        written = unquoted(name) if fold_relation(name.strip()) == key.name else key.name
        if number is None:
            number = self.numbers[key] = len(self.datasets)
            self.datasets.append(DatasetFound(key, written))
        elif written < self.datasets[number].name:
            self.datasets[number].name = written
        return number

    # ------------------------------------------------------------------ parts of an event

    def _job(self, said: Job, at: datetime, producer: str) -> JobFound:
        job = self._named.get((said.namespace, said.name))
        if job is None:
            key = _job_key(said)
            job = self.jobs.get(key)
            if job is None:
                job = self.jobs[key] = JobFound(key)
            _remember(self._named, (said.namespace, said.name), job)
        of_dbt, own = self._of(producer)
        if own:
            job.own = True
        if of_dbt:
            job.of_dbt = True
        facets = said.facets
        if facets is not None:
            if not job.of_dbt and facets.jobType and self._is_dbt(bytes(facets.jobType)):
                job.of_dbt = True
            if facets.ownership:
                _newest(job.facets, "ownership", at, facets.ownership)
            if facets.documentation:
                _newest(job.facets, "documentation", at, facets.documentation)
            if facets.sourceCodeLocation:
                _newest(job.facets, "sourceCodeLocation", at, facets.sourceCodeLocation)
            if facets.tags:
                _newest(job.facets, "tags", at, facets.tags)
        return job

    def _of(self, producer: str) -> tuple[bool, bool]:
        found = self._producers.get(producer)
        if found is None:
            found = (_DBT in producer, producer.startswith(_OWN))
            _remember(self._producers, producer, found)
        return found

    def _told_elsewhere(self, job: Job, producer: str) -> bool:
        """Whether one event says that its job is dbt's or our own."""
        if any(self._of(producer)):
            return True
        return job.facets is not None and bool(job.facets.jobType) and self._is_dbt(bytes(job.facets.jobType))

    def _is_dbt(self, raw: bytes) -> bool:
        found = self._types.get(raw)
        if found is None:
            kind = facet("jobType", raw, JobType)
            found = kind is not None and kind.integration.upper() == "DBT"
            _remember(self._types, raw, found)
        return found

    def _all(self, said: tuple[Dataset, ...] | None, at: datetime, job: JobFound) -> Set:
        if not said:
            return ()
        numbers = []
        for dataset in said:
            number = self.number(dataset)
            numbers.append(number)
            self._facets(number, dataset, at)
            if not job.of_dbt:
                _tests(job, number, dataset, at)
        return self._set(numbers)

    def _facets(self, number: int, dataset: Dataset, at: datetime) -> None:
        found, facets = self.datasets[number], dataset.facets
        if facets is not None and facets.lifecycleStateChange:
            # That the copy is gone which dbt makes of a table while it builds says nothing of the table.
            if not is_build_step(dataset.name):
                _newest(found.facets, "lifecycleStateChange", at, facets.lifecycleStateChange)
        elif found.there is None or at > found.there:
            found.there = at
        if facets is None or facets == _PLAIN:
            return
        if facets.symlinks and facets.symlinks != found.linked:
            found.linked = bytes(facets.symlinks)
            _links(found)
        for name in _KEPT:
            raw = getattr(facets, name)
            if raw:
                _newest(found.facets, name, at, raw)

    def _columns(self, job: JobFound, outputs: tuple[Dataset, ...] | None, writes: Set, at: datetime) -> None:
        if not writes or job.of_dbt:
            return
        for dataset in outputs or ():
            if dataset.facets is not None and dataset.facets.columnLineage:
                _newest(job.columns, self.number(dataset), at, dataset.facets.columnLineage)

    def _run(self, job: JobFound, event: Event, at: datetime, reads: Set, writes: Set) -> None:
        name = event.run.runId if event.run is not None else ""
        run = job.runs.get(name)
        if run is None:
            run = job.runs[name] = Ran()
            self.runs += 1
        if event.run is None:
            # Each job event says all of a job, where the events of a run add up.
            if (reads or writes) and (run.last is None or at >= run.last):
                again = at == run.last
                run.reads = self._set([*run.reads, *reads]) if again else reads
                run.writes = self._set([*run.writes, *writes]) if again else writes
                run.last = at
            return
        if run.last is None or at > run.last:
            run.last = at
        facets = event.run.facets
        if facets is not None and facets.parent:
            parent = facet("parent", facets.parent, Parent)
            if parent is not None and parent.run.runId > run.parent:
                run.parent = self._parents.setdefault(parent.run.runId, parent.run.runId)
        how = _ENDED.get((event.eventType or "").upper())
        if how is not None and (run.ended is None or (at, how) > run.ended):
            run.ended = (at, how)
        if reads and reads != run.reads:
            run.reads = self._set([*run.reads, *reads])
        if writes and writes != run.writes:
            run.writes = self._set([*run.writes, *writes])

    def _set(self, numbers: list[int]) -> Set:
        """Numbers in order, each once; the same object for the same ones, since runs repeat."""
        told = tuple(numbers)
        made = self._sets.get(told)
        if made is None:
            ordered = tuple(sorted(set(told)))
            made = self._sets.get(ordered, ordered)
            _remember(self._sets, ordered, made)
            _remember(self._sets, told, made)
        return made


_PLAIN = DatasetFacets()
_KEPT = tuple(
    name
    for name in DatasetFacets.__struct_fields__
    if name not in {"symlinks", "columnLineage", "lifecycleStateChange", "dataQualityAssertions"}
)


def _links(found: DatasetFound) -> None:
    """Add the names of a facet. Of very many the first of the alphabet are kept, whatever order they come in."""
    said = facet("symlinks", found.linked, Symlinks)
    links = found.links = found.links or {}
    for other in (said.identifiers if said else None) or ():
        if not other.namespace.strip() or not other.name.strip():
            continue  # a name that everything could have is none
        key = dataset_key(other.namespace, other.name)
        links[key] = min(links.get(key, other.name), other.name)
        if len(links) > _MOST_LINKS:
            del links[max(links)]


def _remember(known: dict[Any, T], key: Any, value: T) -> None:
    """Keep what was worked out. When there is much all of it is forgotten: names of parts of datasets never end."""
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[key] = value


def _job_key(job: Job) -> Key:
    return Key(without_secrets(job.namespace.strip()), clean_name(job.name.strip()))


def _tests(job: JobFound, number: int, dataset: Dataset, at: datetime) -> None:
    """Results of tests of a dataset: as its own facet, or as one of an input."""
    if dataset.facets is not None and dataset.facets.dataQualityAssertions:
        _newest(job.tests, number, at, dataset.facets.dataQualityAssertions)
    if dataset.inputFacets is not None and dataset.inputFacets.dataQualityAssertions:
        _newest(job.tests, number, at, dataset.inputFacets.dataQualityAssertions)


def _newest(known: dict[K, Newest], key: K, at: datetime, raw: Raw) -> None:
    before = known.get(key)
    if before is None or at > before[0]:
        known[key] = (at, bytes(raw))
    elif at == before[0]:
        known[key] = max(before, (at, bytes(raw)))
