"""From what events say together to records: which datasets are one, which jobs count, how their last runs ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeVar

from headway.connectors.openlineage import runs
from headway.connectors.openlineage.addresses import clean_name, without_secrets
from headway.connectors.openlineage.events import (
    Assertions,
    ColumnLineageFacet,
    DatasetType,
    Documentation,
    InputField,
    Lifecycle,
    Ownership,
    SourceCodeLocation,
    Tags,
    answering,
    facet,
)
from headway.connectors.openlineage.gathered import DatasetFound, Gathered, JobFound
from headway.connectors.openlineage.joined import Joined
from headway.connectors.openlineage.names import Key, dataset_key, readable, relation, told_apart
from headway.graph.model import AnyRecord, Check, ColumnLineage, ColumnSource, Edge, Gap, Node, Origin
from headway.graph.tables import is_build_step

NAME = "openlineage"
T = TypeVar("T")

_ORIGIN = Origin(connector=NAME)
_MOST_TEXT = 4_000
_MOST_TAGS = 100
_NAMELESS = "?"
_TYPES = frozenset({"table", "view", "file", "topic", "stream", "model"})
_START = datetime.min.replace(tzinfo=UTC)
_ENDS: tuple[tuple[Literal["pass", "error"], str], ...] = (
    ("pass", ""),
    ("error", "its last run was aborted"),
    ("error", "its last run failed"),
)


def records(gathered: Gathered, warehouse: Sequence[str]) -> Iterator[AnyRecord]:
    """Nodes of datasets, then of jobs, sorted by id; edges, columns, checks; then gaps.

    `warehouse`: namespaces of the warehouse that dbt builds in, where they are known by configuration.
    """
    told = _Told(gathered, warehouse)
    yield from told.dataset_nodes()
    yield from told.job_nodes()
    yield from told.edges()
    yield from told.columns()
    yield from told.runs()
    yield from told.tests()
    yield from told.gaps()


class _Told:
    def __init__(self, gathered: Gathered, warehouse: Sequence[str]) -> None:
        self._all = gathered
        self._given = [dataset_key(namespace, "x").namespace for namespace in warehouse]
        self._warehouse = {*self._given, *self._dbt_builds_in()}
        jobs = sorted((job for job in gathered.jobs.values() if not (job.of_dbt or job.own)), key=lambda j: j.key)
        self._traced = {job.key: _traced(job) for job in jobs}
        self._same = _Same(gathered, self._given, self._warehouse, self._traced.values())
        self._gone: set[str] = set()
        self._jobs: dict[str, tuple[JobFound, tuple[str, ...], tuple[str, ...]]] = {}
        self._ends: dict[str, runs.End | None] = {}
        self._datasets: dict[str, list[int]] = {}
        """Id -> numbers of what is one dataset."""
        for job in jobs:
            self._take(job)
        for number, dataset in enumerate(gathered.datasets):
            if dataset.alone:
                self._ids([number])
        self._read = {name for _, reads, _ in self._jobs.values() for name in reads}
        self._written = {name for _, reads, writes in self._jobs.values() if reads for name in writes}

    def _dbt_builds_in(self) -> set[str]:
        """Namespaces that dbt's own jobs write to."""
        found: set[str] = set()
        for job in self._all.jobs.values():
            if job.of_dbt and not job.own:
                found.update(self._all.datasets[n].key.namespace for run in job.runs.values() for n in run.writes)
        return found

    def _take(self, job: JobFound) -> None:
        run = runs.told(job)
        if run is None:
            return
        writes = self._ids(run.writes)
        lineage = [lineage for number, lineage in self._traced[job.key].items() if number in run.writes]
        above = [self._all.numbers[dataset_key(f.namespace, f.name)] for one in lineage for f in _inputs(one)]
        # What a job also writes is where its data goes: a merge into a table reads the table, and is not made from it.
        reads = tuple(i for i in self._ids([*run.reads, *sorted(set(above))]) if i not in writes)
        if reads or writes:
            name = job_id(job.key)
            if name in self._jobs:
                name = job_id(job.key, apart=True)
            self._jobs[name] = (job, reads, writes)
            self._ends[name] = run.end

    def _ids(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Ids of datasets that are there, each once, sorted."""
        found: dict[str, None] = {}
        for number in numbers:
            members = self._same.members(number)
            name = dataset_id(self._all.datasets[members[0]].key)
            if name not in self._datasets:
                if _dropped([self._all.datasets[m] for m in members]):
                    self._gone.add(name)
                    continue
                self._datasets[name] = members
            found[name] = None
        return tuple(sorted(found))

    # ------------------------------------------------------------------ nodes and edges

    def dataset_nodes(self) -> Iterator[Node]:
        """A source for each dataset."""
        for name, members in sorted(self._datasets.items()):
            shown = self._all.datasets[members[0]]
            related = relation(shown.key)
            facets = _merged(self._all.datasets[m].facets for m in members)
            known = not self._warehouse or shown.key.namespace in self._warehouse
            words = readable(shown.name if related else f"{shown.key.namespace.rstrip('/')}/{shown.key.name}")
            yield Node(
                id=name,
                kind="source",
                name=words or _NAMELESS,
                relation=readable(shown.name) if related and known else "",
                owner=_owner(facets),
                owner_origin=NAME if _owner(facets) else "",
                group=readable(shown.key.namespace),
                tags=_tags(facets),
                description=_description(facets),
                materialized=_type(facets),
                outside=self._leaves(name, bool(related and known)),
                meta={"warehouse": True} if related and shown.key.namespace in self._warehouse else {},
                origin=_ORIGIN,
            )

    def _leaves(self, name: str, in_warehouse: bool) -> bool:
        """Whether data goes where no one sees who reads it: files, a topic, another database that no job reads."""
        return not in_warehouse and name in self._written and name not in self._read

    def job_nodes(self) -> Iterator[Node]:
        """A node for each job that reads or writes something."""
        for name, (job, _, _) in sorted(self._jobs.items()):
            code = _facet(job.facets, "sourceCodeLocation", SourceCodeLocation) or SourceCodeLocation()
            url = without_secrets(code.url.strip())
            yield Node(
                id=name,
                kind="job",
                name=readable(job.key.name) or _NAMELESS,
                group=readable(job.key.namespace),
                owner=_owner(job.facets),
                owner_origin=NAME if _owner(job.facets) else "",
                tags=_tags(job.facets),
                url=readable(url, _MOST_TEXT) if url.startswith(("https://", "http://")) else "",
                path=readable(clean_name(code.path or ""), _MOST_TEXT),
                description=_description(job.facets),
                origin=_ORIGIN,
            )

    def edges(self) -> Iterator[Edge]:
        """What jobs read and write."""
        for name, (_, reads, writes) in sorted(self._jobs.items()):
            for above in reads:
                yield Edge(upstream=above, downstream=name, evidence="observed", origin=_ORIGIN)
            for below in writes:
                yield Edge(upstream=name, downstream=below, evidence="observed", origin=_ORIGIN)

    def columns(self) -> Iterator[ColumnLineage]:
        """Column lineage by dataset, that of all jobs that write it together."""
        columns: dict[str, dict[str, dict[ColumnSource, None]]] = defaultdict(lambda: defaultdict(dict))
        shape: dict[str, dict[ColumnSource, None]] = defaultdict(dict)
        for job, _, writes in (self._jobs[name] for name in sorted(self._jobs)):
            for number, lineage in sorted(self._traced[job.key].items(), key=lambda p: self._all.datasets[p[0]].key):
                target = self._there(number)
                if target in writes:
                    self._draw(target, lineage, columns[target], shape[target])
        for target in sorted(columns.keys() | shape.keys()):
            if not (columns[target] or shape[target]):
                continue
            yield ColumnLineage(
                node=target,
                columns={name: tuple(sorted(found, key=_by_name)) for name, found in sorted(columns[target].items())},
                shape=tuple(sorted(shape[target], key=_by_name)),
                origin=_ORIGIN,
            )

    def _draw(
        self,
        target: str,
        lineage: ColumnLineageFacet,
        columns: dict[str, dict[ColumnSource, None]],
        shape: dict[ColumnSource, None],
    ) -> None:
        for name, fields in lineage.fields.items():
            made = columns[readable(name.lower())]
            for one in fields.inputFields or ():
                source = self._source(one)
                if source is not None and source.node != target:
                    (shape if _decides_rows(one) else made)[source] = None
        for one in lineage.dataset or ():
            source = self._source(one)
            if source is not None and source.node != target:
                shape[source] = None

    def _source(self, said: InputField) -> ColumnSource | None:
        number = self._all.numbers.get(dataset_key(said.namespace, said.name))
        name = "" if number is None else self._there(number)
        return ColumnSource(name, readable(said.field.lower())) if name else None

    def _there(self, number: int) -> str:
        """Id of a dataset that has a node; '' for any other."""
        name = dataset_id(self._all.datasets[self._same.members(number)[0]].key)
        return name if name in self._datasets else ""

    # ------------------------------------------------------------------ checks

    def runs(self) -> Iterator[Check]:
        """How the last round of runs of each job ended."""
        for name, (job, _, _) in sorted(self._jobs.items()):
            end = self._ends[name]
            if end is None:
                continue
            status, message = _ENDS[end.how]
            words = readable(job.key.name) or _NAMELESS
            yield Check(
                node=name,
                id="run",
                kind="run",
                name=f"run of {words}",
                status=status,
                at=end.at,
                since=end.since,
                message=message,
                origin=_ORIGIN,
            )

    def tests(self) -> Iterator[Check]:
        """The newest result of each test that a job ran on a dataset."""
        found: dict[tuple[str, str], tuple[datetime, Literal["pass", "warn", "fail"]]] = {}
        for job, _, _ in (self._jobs[name] for name in sorted(self._jobs)):
            for number, (at, raw) in job.tests.items():
                node = self._there(number)
                said = facet("dataQualityAssertions", raw, Assertions)
                for one in said.assertions if said and node else ():
                    name = readable(one.name or ".".join(filter(None, (one.assertion, one.column)))) or _NAMELESS
                    bad: Literal["warn", "fail"] = "warn" if (one.severity or "").lower() == "warn" else "fail"
                    result = (at, "pass" if one.success else bad)
                    found[node, name] = max(found.get((node, name), result), result)
        for (node, name), (at, status) in sorted(found.items()):
            yield Check(node=node, id=f"test.{name}", kind="test", name=name, status=status, at=at, origin=_ORIGIN)

    # ------------------------------------------------------------------ gaps

    def gaps(self) -> Iterator[Gap]:
        """What was left out, counted."""
        lost = sorted(key for key in self._all.earlier if key not in self._all.jobs)
        if lost:
            shown = ", ".join(readable(key.name) for key in lost[:3])
            jobs = "1 job was" if len(lost) == 1 else f"{len(lost):,} jobs were"
            yield Gap(
                topic=NAME,
                message=f"{jobs} not seen for so long that nothing of it counts: {shown}"
                + (f" and {len(lost) - 3:,} more" if len(lost) > 3 else ""),
                hint="seen_within says how long a job may be silent",
                origin=_ORIGIN,
            )
        if self._gone:
            datasets = "1 dataset was" if len(self._gone) == 1 else f"{len(self._gone):,} datasets were"
            yield Gap(topic=NAME, message=f"{datasets} dropped after it was last used and left out", origin=_ORIGIN)
        if self._all.in_future:
            events = "1 event is" if self._all.in_future == 1 else f"{self._all.in_future:,} events are"
            yield Gap(topic=NAME, message=f"{events} of a day that has not come yet and left out", origin=_ORIGIN)


class _Same:
    """Which datasets are one: by further names that events give them, by renaming, by namespaces of one warehouse."""

    def __init__(
        self,
        gathered: Gathered,
        given: Sequence[str],
        warehouse: set[str],
        traced: Iterable[Mapping[int, ColumnLineageFacet]],
    ) -> None:
        self._all = gathered
        self._warehouse = warehouse
        self._one = Joined()
        self._old: set[int] = set()
        """Datasets that are called otherwise now."""
        for lineages in traced:
            for lineage in lineages.values():
                for said in _inputs(lineage):
                    gathered.numbered(dataset_key(said.namespace, said.name), said.name)
        for number, dataset in enumerate(list(gathered.datasets)):
            for key, written in (dataset.links or {}).items():
                self._one.join(number, gathered.numbered(key, written))
        for number, dataset in enumerate(list(gathered.datasets)):
            self._renamed(number, dataset)
        if len(given) > 1:
            first: dict[str, int] = {}
            for number, dataset in enumerate(gathered.datasets):
                if dataset.key.namespace in given:
                    self._one.join(number, first.setdefault(dataset.key.name, number))
        self._groups: dict[int, list[int]] = defaultdict(list)
        for number in range(len(gathered.datasets)):
            self._groups[self._one.least(number)].append(number)
        for members in self._groups.values():
            members.sort(key=self._rank)

    def members(self, number: int) -> list[int]:
        """All that are the same as this one; the first is what the dataset is called by."""
        return self._groups[self._one.least(number)]

    def _renamed(self, number: int, dataset: DatasetFound) -> None:
        """A dataset that another was renamed to is that one, as long as the old name is not used again."""
        life = _facet(dataset.facets, "lifecycleStateChange", Lifecycle)
        before = life.previousIdentifier if life and life.lifecycleStateChange.upper() == "RENAME" else None
        if before is None or is_build_step(before.name):
            return
        old = self._all.numbers.get(dataset_key(before.namespace, before.name))
        if old is None or old == number:
            return
        there = self._all.datasets[old].there
        if there is None or there <= dataset.facets["lifecycleStateChange"][0]:
            self._old.add(old)
            self._one.join(number, old)

    def _rank(self, number: int) -> tuple[bool, bool, bool, Key]:
        """What was renamed comes last; a table of dbt's warehouse comes first, then any table."""
        key = self._all.datasets[number].key
        table = bool(relation(key))
        return (number in self._old, not (table and key.namespace in self._warehouse), not table, key)


def dataset_id(key: Key) -> str:
    """Id of the node of a dataset."""
    return f"{NAME}:dataset.{readable(f'{key.namespace}/{key.name}')}"


def job_id(key: Key, *, apart: bool = False) -> str:
    """Id of the node of a job; `apart`: one that no other key has, for the job `c` of `a/b` beside `b/c` of `a`."""
    digest = f"~{told_apart(*key)}" if apart else ""
    return f"{NAME}:job.{readable(f'{key.namespace}/{key.name}')}{digest}"


def _traced(job: JobFound) -> dict[int, ColumnLineageFacet]:
    """Column lineage of what a job writes, by the number of the dataset."""
    found = {number: facet("columnLineage", raw, ColumnLineageFacet) for number, (_, raw) in job.columns.items()}
    return {number: lineage for number, lineage in found.items() if lineage is not None}


def _inputs(lineage: ColumnLineageFacet) -> Iterator[InputField]:
    for fields in lineage.fields.values():
        yield from fields.inputFields or ()
    yield from lineage.dataset or ()


def _decides_rows(said: InputField) -> bool:
    kinds = {one.type.upper() for one in said.transformations or ()}
    return kinds == {"INDIRECT"}


def _dropped(members: Sequence[DatasetFound]) -> bool:
    """Whether a dataset was dropped, under any of its names, and not spoken of since."""
    there = [d.there for d in members if d.there is not None]
    dropped = []
    for dataset in members:
        life = _facet(dataset.facets, "lifecycleStateChange", Lifecycle)
        if life is not None and life.lifecycleStateChange.upper() == "DROP":
            dropped.append(dataset.facets["lifecycleStateChange"][0])
        elif life is not None:
            there.append(dataset.facets["lifecycleStateChange"][0])
    return bool(dropped) and max(there, default=_START) <= max(dropped)


def _facet(known: Mapping[str, tuple[datetime, bytes]], name: str, shape: type[T]) -> T | None:
    raw = known.get(name)
    return None if raw is None else facet(name, raw[1], shape)


def _merged(facets: Iterable[Mapping[str, tuple[datetime, bytes]]]) -> dict[str, tuple[datetime, bytes]]:
    found: dict[str, tuple[datetime, bytes]] = {}
    for one in facets:
        for name, newest in one.items():
            found[name] = max(found.get(name, newest), newest)
    return found


def _owner(facets: Mapping[str, tuple[datetime, bytes]]) -> str:
    """Who answers for it, without the `team:` before the name."""
    said = _facet(facets, "ownership", Ownership)
    owner = answering(said) if said else None
    name = owner.name.strip() if owner else ""
    kind, colon, rest = name.partition(":")
    return readable(rest.strip() if colon and kind.isalpha() else name, 200)


def _description(facets: Mapping[str, tuple[datetime, bytes]]) -> str:
    said = _facet(facets, "documentation", Documentation)
    lines = (said.description if said else "")[: 2 * _MOST_TEXT].splitlines()
    return "\n".join(readable(line, _MOST_TEXT) for line in lines).strip()[:_MOST_TEXT]


def _type(facets: Mapping[str, tuple[datetime, bytes]]) -> str:
    """`table`, `view`, `file`, `topic`, as the producer says; '' for what is no such word."""
    said = _facet(facets, "datasetType", DatasetType)
    word = said.datasetType.strip().lower() if said else ""
    return word if word in _TYPES else ""


def _tags(facets: Mapping[str, tuple[datetime, bytes]]) -> tuple[str, ...]:
    """`key`, or `key:value` where the value is more than yes."""
    said = _facet(facets, "tags", Tags)
    found: dict[str, None] = {}
    for tag in ((said.tags if said else None) or ())[:_MOST_TAGS]:
        value = "" if tag.value is None else str(tag.value)
        plain = value.strip().lower() in {"", "true"}
        if tag.key.strip() and tag.field is None:
            found[readable(tag.key.strip() if plain else f"{tag.key.strip()}:{value.strip()}", 200)] = None
    return tuple(found)


def _by_name(source: ColumnSource) -> tuple[str, str]:
    return source.node, source.column
