"""Health of assets: tests, unit tests, runs and source freshness as checks, and what the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from headway.answer import listed, plural
from headway.connectors.dbt.artifacts import (
    Allowed,
    Catalog,
    Criteria,
    Freshness,
    Manifest,
    Resource,
    Result,
    RunResults,
    SourcesResults,
)
from headway.connectors.dbt.nodes import CHECKS, TABLES, Assets
from headway.graph.model import Check, Gap, Node, Observation, Origin
from headway.graph.spend import RUNS

Status = Literal["pass", "warn", "fail", "error", "skipped", "not run"]

_STATUS: Mapping[str, Status] = {
    "success": "pass",
    "pass": "pass",
    "reused": "pass",
    "warn": "warn",
    "partial success": "warn",
    "fail": "fail",
    "error": "error",
    "runtime error": "error",
    "skipped": "skipped",
}
_IGNORED = frozenset({"no-op", "noop"})

_ONLY_LOOKED = frozenset({"compile", "generate", "docs generate", "parse", "list", "ls", "show", "debug", "deps"})
"""Commands that write results although they build and test nothing: `success` there means compiled."""

_LONGEST_MESSAGE = 500
_LONGEST_RUN = 30 * 86_400
"""Seconds above which a run time is no run time."""
_BAD = frozenset({"warn", "fail", "error"})


class Outcome:
    """Results of the last dbt command by unique id."""

    def __init__(self, results: RunResults | None, file: str) -> None:
        self.origin = Origin("dbt", file)
        self.gaps: list[Gap] = []
        self._results: dict[str, Result] = {}
        self._at = moment(results.metadata.generated_at) if results else None
        if results is None:
            return
        command = results.args.which if results.args else None
        if isinstance(command, str) and command.lower() in _ONLY_LOOKED:
            self.gaps.append(
                Gap(
                    topic="trust",
                    message=f"{file}: was written by `dbt {_spoken(command)}`, which runs no model and no test",
                    hint="keep the run_results.json of `dbt build` for Headway",
                    origin=self.origin,
                )
            )
            return
        odd: dict[str, int] = {}
        for result in results.results:
            status = (result.status or "").lower()
            if status in _STATUS:
                self._results[result.unique_id] = result
            elif status not in _IGNORED:
                odd[status] = odd.get(status, 0) + 1
        for status, count in odd.items():
            message = f"{file}: {plural(count, 'result')} with the unknown status {status[:60]!r} left out"
            self.gaps.append(Gap(topic="trust", message=message, origin=self.origin))

    def check(self, node: str, uid: str, kind: Literal["test", "unit_test", "run"], name: str, origin: Origin) -> Check:
        """The check with its result; `not run` when the last command did not reach it."""
        result = self._results.get(uid)
        identity = "run:" + uid if kind == "run" else uid
        if result is None:
            return Check(node=node, id=identity, kind=kind, name=name, origin=origin)
        status = _STATUS[(result.status or "").lower()]
        at = self._moment_of(result)
        return Check(
            node=node,
            id=identity,
            kind=kind,
            name=name,
            status=status,
            at=at,
            since=at if status in _BAD else None,
            message=_message(result.message) if status != "pass" else "",
            origin=self.origin,
        )

    def run_time(self, node: str, uid: str) -> Observation | None:
        """How long the last command took to build a node; None when it did not say, or not when."""
        result = self._results[uid]
        at, seconds = self._moment_of(result), result.execution_time
        if at is None or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            return None
        if not 0 < seconds <= _LONGEST_RUN or _STATUS[(result.status or "").lower()] == "skipped":
            return None
        return Observation(
            day=at.astimezone(UTC).date(),
            measure="seconds",
            amount=float(seconds),
            node=node,
            unit="seconds",
            person_class="dbt",
            tool=RUNS,
            origin=self.origin,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __contains__(self, uid: str) -> bool:
        return uid in self._results

    def _moment_of(self, result: Result) -> datetime | None:
        """When the last phase was over; the time of the file for what never began."""
        latest = ""
        for phase in result.timing or ():
            if phase.completed_at and phase.completed_at > latest:
                latest = phase.completed_at
        return (moment(latest) if latest else None) or self._at


def checks_of_tests(manifest: Manifest, assets: Assets, outcome: Outcome, gaps: list[Gap], file: str) -> list[Check]:
    """One check per test and asset it is about. A test about no known asset is counted in a gap."""
    known, origin = assets.known, Origin("dbt", file)
    checks: list[Check] = []
    homeless = 0
    for uid, test in manifest.nodes.items():
        if test.resource_type not in CHECKS or (test.config is not None and test.config.enabled is False):
            continue
        node = known.get(test.attached_node) if test.attached_node else None
        if node is not None:
            checks.append(outcome.check(node.id, uid, "test", test.name, origin))
            continue
        tested = _tested(test, known)
        homeless += not tested
        checks += [outcome.check(node.id, uid, "test", test.name, origin) for node in tested]
    for uid, test in manifest.unit_tests.items():
        node = known.get(test.tested_node_unique_id or "")
        tested = [node] if node else _tested(test, known)
        homeless += not tested
        checks += [outcome.check(node.id, uid, "unit_test", test.name, origin) for node in tested]
    if homeless:
        message = f"{file}: {plural(homeless, 'test')} about no asset that is in use"
        gaps.append(Gap(topic="trust", message=message, origin=origin))
    return checks


def checks_of_runs(manifest: Manifest, assets: Assets, outcome: Outcome) -> list[Check]:
    """One check per model, seed and snapshot that the last command built."""
    return [
        outcome.check(assets.known[uid].id, uid, "run", f"dbt run of {assets.known[uid].name}", outcome.origin)
        for uid, node in manifest.nodes.items()
        if uid in outcome and node.resource_type in TABLES and uid in assets.known
    ]


def run_times(manifest: Manifest, assets: Assets, outcome: Outcome) -> list[Observation]:
    """Seconds that the last command took for each model, seed and snapshot it built. Tests are not among them."""
    times = (
        outcome.run_time(assets.known[uid].id, uid)
        for uid, node in manifest.nodes.items()
        if uid in outcome and node.resource_type in TABLES and uid in assets.known
    )
    return [time for time in times if time is not None]


def stray_results(manifest: Manifest, assets: Assets, outcome: Outcome, file: str) -> list[Gap]:
    """Results of nodes that the manifest does not have: the two files are not of one project or time."""
    strange = [
        uid
        for uid in outcome
        if uid not in manifest.nodes
        and uid not in manifest.unit_tests
        and uid not in assets.known
        and uid not in assets.disabled
        and not uid.startswith(("operation.", "function.", "exposure.", "saved_query."))
    ]
    return [_stray(strange, file, outcome.origin)] if strange else []


def checks_of_freshness(results: SourcesResults, assets: Assets, file: str) -> tuple[list[Check], list[Gap]]:
    """One check per source that `dbt source freshness` looked at."""
    origin = Origin("dbt", file)
    at = moment(results.metadata.generated_at)
    checks, strange = [], []
    gaps: list[Gap] = []
    for item in results.results:
        node = assets.known.get(item.unique_id)
        status = _STATUS.get((item.status or "").lower())
        if node is None:
            if item.unique_id not in assets.disabled:
                strange.append(item.unique_id)
        elif status is None:
            message = f"{file}: {node.name} has the unknown freshness status {str(item.status)[:60]!r}"
            gaps.append(Gap(topic="trust", message=message, node=node.id, origin=origin))
        else:
            checks.append(_freshness(node, item, status, at, origin))
    if strange:
        gaps.append(_stray(strange, file, origin))
    return checks, gaps


def fill_from_catalog(catalog: Catalog, assets: Assets, file: str) -> list[Gap]:
    """Fill in relation and type where the manifest has none, and report tables that the warehouse does not have."""
    missing = []
    for uid, node in assets.known.items():
        if node.kind not in TABLES and node.kind != "source":
            continue
        entry = catalog.sources.get(uid) or catalog.nodes.get(uid)
        if entry is None:
            if node.relation:
                missing.append(node.relation)
            continue
        table = entry.metadata
        relation = node.relation or ".".join(filter(None, (table.database, table.schema, table.name)))
        materialized = node.materialized or _table_type(table.type)
        if relation != node.relation or materialized != node.materialized:
            assets.replace(uid, relation=relation, materialized=materialized)
    if not missing:
        return []
    count = plural(len(missing), "table of the project is", "tables of the project are")
    return [
        Gap(
            topic="dbt",
            message=f"{file}: {count} not in the catalog of the warehouse: {listed(missing)}",
            hint="never built, dropped, or left out of `dbt docs generate`",
            origin=Origin("dbt", file),
        )
    ]


def moment(text: str | None) -> datetime | None:
    """A time as dbt writes it (UTC where it names no zone); None when it is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _tested(test: Resource, known: Mapping[str, Node]) -> list[Node]:
    """Assets that a test without `attached_node` is about.

    Before dbt 1.9 a generic test names its model only as `models.<name>`; a singular test is about all it reads.
    """
    above = [known[uid] for uid in dict.fromkeys(test.depends_on.nodes) if uid in known] if test.depends_on else []
    if len(above) > 1 and test.file_key_name:
        name = test.file_key_name.rpartition(".")[2]
        named = [node for node in above if node.name == name]
        if named:
            return named
    return above


def _freshness(node: Node, item: Freshness, status: Status, at: datetime | None, origin: Origin) -> Check:
    loaded = moment(item.max_loaded_at)
    allowed = _allowed(item.criteria)
    since = None
    message = ""
    if status in _BAD:
        since = _later(loaded, allowed)
        if item.max_loaded_at_time_ago_in_s is not None and allowed is not None:
            message = f"{_span(item.max_loaded_at_time_ago_in_s - allowed.total_seconds())} late"
        elif item.max_loaded_at_time_ago_in_s is not None:
            message = f"last loaded {_span(item.max_loaded_at_time_ago_in_s)} ago"
        if isinstance(item.error, str) and item.error:
            message = _message(item.error)
    return Check(
        node=node.id,
        id="freshness:" + item.unique_id,
        kind="freshness",
        name=f"freshness of {node.name}",
        status=status,
        at=moment(item.snapshotted_at) or at,
        since=since,
        message=message,
        origin=origin,
    )


_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


def _allowed(criteria: Criteria | None) -> timedelta | None:
    """The age up to which a source is fresh: the first limit it would cross."""
    if criteria is None:
        return None
    return _duration(criteria.warn_after) or _duration(criteria.error_after)


def _duration(limit: Allowed | None) -> timedelta | None:
    if limit is None or not limit.count or limit.period not in _SECONDS:
        return None
    try:
        return timedelta(seconds=limit.count * _SECONDS[limit.period])
    except OverflowError:
        return None


def _later(start: datetime | None, by: timedelta | None) -> datetime | None:
    try:
        return start + by if start and by else start
    except OverflowError:
        return start


def _span(seconds: float) -> str:
    """`9 days`, `3 hours`: a duration in its largest whole unit."""
    seconds = max(seconds, 0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return plural(int(seconds // size), unit)
    return plural(int(seconds), "second")


def _spoken(command: str) -> str:
    return "docs generate" if command == "generate" else command


def _message(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _table_type(stated: str | None) -> str:
    kind = (stated or "").lower()
    return "table" if kind == "base table" else kind


def _stray(strange: list[str], file: str, origin: Origin) -> Gap:
    count = plural(len(strange), "result is", "results are")
    return Gap(
        topic="trust",
        message=f"{file}: {count} of nodes that the manifest does not have: {listed([s[:200] for s in strange])}",
        hint="is it from another project, or older than the manifest?",
        origin=origin,
    )
