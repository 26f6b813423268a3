"""Open a project, sync it, ask it. Everything a front needs, and nothing a front should do itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from headway.answer import Answer
from headway.collector import settle
from headway.config import Config, Source
from headway.connectors.protocol import Context, Progress, silent
from headway.errors import ConfigError, HeadwayError, UsageError
from headway.graph.broken import Gone
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Gap
from headway.project import settings
from headway.project.plugins import connector_class
from headway.project.sources import VALUES, Apart, by_name
from headway.questions.registry import questions

if TYPE_CHECKING:
    from headway.store.store import Store

_LARGE = 5_000
"""Nodes from which on it pays to keep the cyclic collector from walking a graph that stays."""

_ANSWERS_KEPT = 512
"""Most answers that are kept of one graph: parameters come from people, and there is no end of them."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What became of one connector in a sync."""

    connector: str
    records: int
    error: str = ""
    gaps: tuple[Gap, ...] = ()
    known: bool = False
    """An earlier sync of it succeeded: what that knew stays in view when this one fails."""


class Known(NamedTuple):
    """What a graph is made of."""

    records: Sequence[AnyRecord]
    synced_at: datetime | None = None
    """When they were read into the store; None for files that are read now."""
    gone: Sequence[Gone] = ()
    """Tables that earlier syncs of dbt knew and the last one did not."""


@dataclass
class Project:
    """A dbt project with its goals, on one day."""

    config: Config
    as_of: date
    now: datetime
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    progress: Progress = silent
    use_store: bool = True
    """Answer from the store when there is one; otherwise read the files afresh."""
    looking_back: bool = False
    """It is looked at as it was on an earlier day: what people wrote after that day is not there."""
    _graph: Graph | None = field(default=None, init=False, repr=False)
    _given: Known | None = field(default=None, init=False, repr=False)
    """Records that are there already."""
    _kept: tuple[Graph, dict[Any, Answer]] | None = field(default=None, init=False, repr=False)
    """Answers about the graph that is loaded."""

    @staticmethod
    def open(
        directory: str | Path = ".",
        *,
        as_of: date | None = None,
        store_url: str = "",
        progress: Progress = silent,
        environment: Mapping[str, str] | None = None,
    ) -> Project:
        """The project in a folder, as its headway.yml says. Raises ConfigError."""
        environment = dict(os.environ if environment is None else environment)
        config = settings.load(Path(directory), environment)
        if store_url:
            config = replace(config, store_url=store_url)
        now = datetime.now(UTC)
        return Project(config, as_of or config.as_of or now.date(), now, environment, progress)

    @staticmethod
    def stateless(
        *,
        manifest: str | Path = "",
        goals: str | Path = "",
        usage: Sequence[str | Path] | str | Path = (),
        directory: str | Path = ".",
        as_of: date | None = None,
        progress: Progress = silent,
    ) -> Project:
        """A project from files alone: no store is read or written. What is not given comes from headway.yml."""
        project = Project.open(directory, as_of=as_of, progress=progress)
        given = [usage] if isinstance(usage, (str, Path)) else list(usage)
        sources = list(project.config.sources)
        if manifest:
            old = next((s for s in sources if s.connector == "dbt"), Source("dbt"))
            options = {k: v for k, v in old.options.items() if k != "target"}
            sources = [s for s in sources if s.connector != "dbt"]
            sources.insert(0, Source("dbt", {**options, "manifest": str(Path(manifest).resolve()), "mmap": True}))
        if goals:
            sources = [s for s in sources if s.connector != "goals"]
            sources.append(Source("goals", {"path": str(Path(goals).resolve())}))
        if given:
            sources = [s for s in sources if s.connector != "observations"]
            sources += [Source("observations", {"path": str(Path(u).resolve())}) for u in given]
        project.config = replace(project.config, sources=tuple(sources))
        project.use_store = False
        return project

    # ------------------------------------------------------------------ asking

    def ask(self, name: str, **parameters: Any) -> Answer:
        """The answer to a question, by its name. Raises UsageError for an unknown question or parameter.

        An answer about the graph alone is worked out once for as long as that graph is loaded; what also depends on
        something supplied (the warehouse, what people wrote) is worked out each time.
        """
        known = questions()
        if name not in known:
            raise UsageError(f"there is no question {name!r}", hint=f"ask one of {', '.join(known)}")
        unknown = set(parameters) - set(known[name].parameters)
        if unknown:
            raise UsageError(f"the question {name} has no parameter {', '.join(sorted(unknown))}")
        graph = self.graph()
        if known[name].supplied:
            supplied = {parameter: self._supplied(what) for parameter, what in known[name].supplied.items()}
            return known[name].ask(graph, **parameters, **supplied)
        key = (name, *sorted((k, repr(v)) for k, v in parameters.items()))
        answers = self._answers(graph)
        answer = answers.get(key)
        if answer is None:
            answer = known[name].ask(graph, **parameters)
            if len(answers) >= _ANSWERS_KEPT:
                answers.clear()
            answers[key] = answer
        return answer

    def _answers(self, graph: Graph) -> dict[Any, Answer]:
        kept = self._kept
        if kept is None or kept[0] is not graph:
            kept = self._kept = (graph, {})
        return kept[1]

    def _supplied(self, what: str) -> Any:
        """What a question needs beyond the graph, and only when it asks for it."""
        if what == "metric inputs":
            from headway.project.values import input_reader

            return input_reader(self)
        if what in {"decisions", "retirements"}:
            from headway.project.triage import supplied

            return supplied(self, what)
        if what == "past":
            from headway.project.history import reader

            return reader(self)
        if what == "requests":
            from headway.project.requests import requests_of

            return requests_of(self)
        raise ConfigError(f"a question asks the project for {what!r}, which it does not have")

    def graph(self) -> Graph:
        """The graph of this project: from the store when it has been synced, else straight from the files."""
        if self._graph is None:
            known = self.known()
            self._graph = self.graph_of(known.records, synced_at=known.synced_at, knew=known.gone)
            if len(self._graph.nodes) >= _LARGE:
                settle()
        return self._graph

    def known(self) -> Known:
        """What the graph is made of: the store's, where it has been synced, else what the files say now."""
        return self._given or self._stored() or Known(self._collected())

    def graph_of(
        self,
        records: Iterable[AnyRecord],
        *,
        as_of: date | None = None,
        synced_at: datetime | None = None,
        knew: Sequence[Gone] = (),
    ) -> Graph:
        """The graph of some records under this project's configuration, on its own day or another."""
        graph = Graph(
            records,
            as_of=as_of or self.as_of,
            policy=self.config.policy,
            protected=self.config.protected,
            prices=self.config.prices,
            synced_at=synced_at,
            goal_order=self.config.goal_order,
        )
        graph.knew = knew
        return graph

    def with_graph(self, graph: Graph) -> Project:
        """This project with a graph that is there already: that of an earlier day, or one made of records in memory."""
        other = replace(self, as_of=graph.as_of)
        other._graph = graph
        return other

    def with_records(self, records: Sequence[AnyRecord], synced_at: datetime | None = None) -> Project:
        """This project with records that are there already."""
        other = replace(self)
        other._given = Known(records, synced_at)
        return other

    @property
    def stored(self) -> bool:
        """Whether answers come from the store."""
        return self.use_store and self._store_exists()

    def _stored(self) -> Known | None:
        if not self.stored:
            return None
        from headway.store.snapshot import View, view

        def load() -> View:
            with self.store() as store:
                loaded = store.load()
                gone = tuple((node, began) for node, began in store.gone("dbt") if node.relation)
            return View(loaded.records, loaded.synced_at, tuple(loaded.per_connector), gone)

        known = view(settings.store_url(self.config), load)
        # Readings alone are no project: until a source was read once, the files answer, or say what is wrong.
        if not set(known.connectors) - {VALUES}:
            return None
        gone = [Gone(node, began.astimezone(UTC).date()) for node, began in known.gone]
        return Known(known.records, known.synced_at, gone)

    def _collected(self) -> list[AnyRecord]:
        """Records straight from the sources. What the graph cannot do without raises; the rest becomes a gap."""
        records: list[AnyRecord] = []
        apart = Apart()
        for name, source in by_name(self.config.sources).items():
            if getattr(connector_class(source.connector), "sync_only", False):
                continue
            try:
                records.extend(apart.watched(name, partial(self._records, source)))
            except HeadwayError as error:
                if source.connector in {"dbt", "goals", "observations"} or isinstance(error, ConfigError):
                    raise
                records.append(Gap(topic=source.connector, message=f"{source.connector} could not be read: {error}"))
        return records

    def records(self, source: Source) -> Iterator[AnyRecord]:
        """What one source says now, without the store."""
        return self._records(source)

    def kept(self, connectors: Collection[str]) -> Iterator[AnyRecord]:
        """What the store has of some connectors; nothing where there is no store."""
        known = self._stored() or Known(())
        return (r for r in known.records if r.origin.connector in connectors)

    # ------------------------------------------------------------------ syncing

    def sync(self, only: Sequence[str] = (), *, evaluate: bool = True) -> list[SyncResult]:
        """Read every source into the store, then evaluate the key results on the warehouse.

        A source that fails keeps its last good state and says so in its result; the others go on. A source that is
        not configured any more leaves the view. Raises StoreError when the store itself cannot be used, and
        ConfigError when `only` names a source that is not configured.
        """
        named = by_name(self.config.sources)
        wanted = {name for name in (*named, VALUES) if not only or {name, name.partition(":")[0]} & set(only)}
        unknown = {o for o in only if not any(o in (n, n.partition(":")[0]) for n in wanted)}
        if unknown:
            hint = f"configured are {', '.join((*named, VALUES))}"
            raise ConfigError(f"there is no source called {', '.join(sorted(unknown))}", hint=hint)
        self._graph = None
        results = []
        apart = Apart()
        with self.store() as store:
            synced = store.synced()
            for name, source in named.items():
                if name in wanted:
                    last = (synced.get(name), _covered(store, name))
                    records = partial(apart.watched, name, partial(self._records, source, *last))
                    results.append(self._sync_one(store, name, records, known=name in synced))
            if not only:
                for gone in sorted(synced.keys() - {*named, VALUES}):
                    store.remove(gone, self.now)
            if evaluate and VALUES in wanted:
                values = partial(self._values, store.load().records)
                results.append(self._sync_one(store, VALUES, values, known=VALUES in synced))
        return results

    def _sync_one(
        self, store: Store, name: str, records: Callable[[], Iterator[AnyRecord]], *, known: bool
    ) -> SyncResult:
        gaps: list[Gap] = []
        count = 0

        def watched() -> Iterator[AnyRecord]:
            nonlocal count
            for record in records():
                count += 1
                if type(record) is Gap:
                    gaps.append(record)
                yield record

        self.progress(name, 0, 0)
        try:
            with store.sync(name, self.now) as sync:
                sync.write(watched())
        except HeadwayError as error:
            return SyncResult(name, 0, str(error), known=known)
        self.progress(name, 1, 1)
        return SyncResult(name, count, gaps=tuple(gaps), known=known)

    def store(self) -> Store:
        """The project's store, opened and brought up to date. Raises StoreError. Use it in a with block."""
        from headway.store.store import Store

        return Store.open(settings.store_url(self.config))

    def _store_exists(self) -> bool:
        url = settings.store_url(self.config)
        return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()

    # ------------------------------------------------------------------ sources and values

    def _records(
        self, source: Source, since: datetime | None = None, covered: datetime | None = None
    ) -> Iterator[AnyRecord]:
        connector = connector_class(source.connector)
        context = Context(self.config.root, self.now, self.environment, self.progress, since, covered)
        return connector(source.options, context).records()

    def _values(self, records: Sequence[AnyRecord]) -> Iterator[AnyRecord]:
        """Readings of the living key results, from the warehouse of the dbt profile."""
        from headway.project.values import readings

        graph = Graph(records, as_of=self.as_of, policy=self.config.policy, goal_order=self.config.goal_order)
        yield from readings(self, graph)


def _covered(store: Store, name: str) -> datetime | None:
    """When the last good sync of a source that yielded a Coverage began; None since it was removed, or never there."""
    for sync in store.syncs(name):
        if sync.status == "removed":
            return None
        if sync.status == "done" and sync.counts.types.get("coverage"):
            return sync.started
    return None
