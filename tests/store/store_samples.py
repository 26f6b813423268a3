"""Records to keep in a store, ways to look at it, and a model of what it should show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from sqlalchemy import func, select

from headway.errors import InputError
from headway.graph.model import (
    AnyRecord,
    Band,
    Binding,
    Change,
    Check,
    Checkpoint,
    ColumnLineage,
    ColumnSource,
    Coverage,
    Decision,
    Deliverable,
    Edge,
    Facets,
    Gap,
    Node,
    Objective,
    Observation,
    Origin,
    Reading,
    Record,
    Target,
)
from headway.store import Store
from headway.store.schema import metadata
from headway.store.schema import sync as sync_table

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = T0.date()
T = TypeVar("T")
FILE = Origin(connector="goals", file="goals.yml", line=12)

EVERY_TYPE: tuple[AnyRecord, ...] = (
    Node(
        id="dbt:model.shop.orders",
        kind="model",
        name="orders",
        title="Orders",
        relation="shop.main.orders",
        owner="team-core",
        owner_origin="group",
        group="core",
        tags=("daily", "finance"),
        url="https://example.com/orders",
        description="One row per order",
        path="models/orders.sql",
        package="shop",
        materialized="table",
        disabled=True,
        deprecated="2026-12-31",
        created=date(2024, 2, 29),
        protected=True,
        outside=True,
        meta={"tier": 1, "nested": {"a": [1, 2.5, None, "x"]}},
        origin=Origin(connector="dbt", file="models/orders.yml", line=3),
    ),
    Edge(upstream="dbt:a", downstream="ref:metric/revenue", role="shows", evidence="observed", origin=FILE),
    Check(node="dbt:a", id="test.a.1", kind="freshness", name="fresh", message="never run"),
    Target(
        key_result="goal:key_result.grow.mrr",
        objective="goal:objective.grow",
        weight=2.0,
        baseline=1.0,
        target=2.0,
        commit=1.5,
        stretch=3.0,
        band=Band(low=1.0, high=None, tolerance=0.5),
        direction="increase",
        unit="EUR",
        start=date(2026, 1, 1),
        due=date(2026, 12, 31),
        shape="back",
        checkpoints=(Checkpoint(date(2026, 6, 30), 1.2),),
        binding=Binding(metric="mrr", where=("a = 'b'",), grain="month", dimensions=("region",)),
        draft=True,
        changes=(Change(at=date(2026, 2, 1), field="target", before=1.0, after=2.0),),
        origin=FILE,
    ),
    Objective(objective="goal:objective.grow", start=date(2026, 1, 1), standing=True, limit=5, state="active", order=3),
    Deliverable(deliverable="goal:deliverable.grow.page", objective="goal:objective.grow", done=True, done_on=TODAY),
    Decision(
        upstream="superset:dashboard.3", downstream="goal:key_result.grow.mrr", role="shows", accepted=True, on=TODAY
    ),
    Reading(key_result="goal:key_result.grow.mrr", day=TODAY, value=1.25, grain="month", complete=False, at=T0),
    Coverage(covers="kind:model", start=date(2026, 2, 1), end=date(2026, 3, 1), origin=FILE),
    Gap(topic="usage", message="two rows matched nothing", node="dbt:a", hint="check the names", origin=FILE),
    Observation(
        day=date(2026, 2, 3),
        measure="queries",
        amount=17.5,
        node="dbt:a",
        relation="shop.main.orders",
        unit="EUR",
        person_class="person",
        origin=Origin(connector="observations", file="usage.csv", line=99),
    ),
    Observation(
        day=date(2026, 2, 3),
        measure="queries",
        amount=2.0,
        node="dbt:a",
        person_class="person",
        column="amount",
        tool="looker",
        person="9f2c",
        origin=Origin(connector="duckdb"),
    ),
    ColumnLineage(
        node="dbt:a",
        columns={"amount": (ColumnSource("dbt:b", "gross"), ColumnSource("dbt:c", "tax", "candidate")), "id": ()},
        shape=(ColumnSource("dbt:b", ""),),
        problem="one UNION branch could not be followed",
    ),
    Facets(node="dbt:a", digests={"SQL": "9f86d081884c7d65", "column amount": "2c26b46b68ffc68f"}),
)


def node(name: str, **more: object) -> Node:
    return Node(id=f"dbt:model.shop.{name}", kind="model", name=name, **more)  # type: ignore[arg-type]


def seen(amount: float, day: date = TODAY, what: str = "orders", **more: str) -> Observation:
    amount = float(amount) if type(amount) is int else amount  # as a store gives it back
    return Observation(day=day, measure="queries", amount=amount, node=f"dbt:{what}", **more)  # type: ignore[arg-type]


def written(store: Store, connector: str, at: datetime, *records: AnyRecord) -> None:
    with store.sync(connector, at) as sync:
        sync.write(records)


def broken(store: Store, connector: str, at: datetime, error: BaseException, *records: AnyRecord) -> None:
    with store.sync(connector, at) as sync:
        sync.write(records)
        raise error


def names(store: Store, at: datetime | None = None) -> list[str]:
    return [r.name for r in store.load(at).records if isinstance(r, Node)]


def of_type(store: Store, kind: type[T], at: datetime | None = None) -> list[T]:
    return [r for r in store.load(at).records if isinstance(r, kind)]


def plain(records: Iterable[Record]) -> list[str]:
    """Records in an order that says nothing, for comparing sets."""
    return sorted(repr(r) for r in records)


def execute(store: Store, statement: Any) -> Any:
    """Something that only a person with a database client would do."""
    with store._database.engine.connect() as connection, connection.begin():
        result = connection.execute(statement)
        return result.all() if result.returns_rows else None


def sizes(store: Store) -> dict[str, int]:
    """Number of rows of every table but the list of syncs."""
    return {
        name: execute(store, select(func.count()).select_from(table))[0][0]
        for name, table in metadata.tables.items()
        if name != sync_table.name
    }


class Boom(Exception):
    """Something a connector did not expect."""


@dataclass
class Step:
    """One sync: whose, what it yields, and what interrupts it (None: nothing)."""

    connector: str
    records: list[AnyRecord]
    outcome: BaseException | None


_days = st.integers(0, 6).map(lambda n: TODAY + n * DAY)
_texts = st.sampled_from(["", "x", "ü", "'; --", "\0", "a\nb"])
_ids = st.sampled_from(["a", "b", "c"])
_records: st.SearchStrategy[AnyRecord] = st.one_of(
    st.builds(Node, id=_ids, kind=st.just("model"), name=_texts, title=_texts, created=st.just(TODAY)),
    st.builds(Edge, upstream=_ids, downstream=_ids, evidence=st.sampled_from(["declared", "parsed"])),
    st.builds(Objective, objective=_ids, order=st.integers(0, 2)),
    st.builds(Target, key_result=_ids, objective=_ids, weight=st.floats(0, 2)),
    st.builds(Deliverable, deliverable=_ids, objective=_ids, done=st.booleans()),
    st.builds(Gap, topic=st.just("usage"), message=_texts, node=_ids),
    st.builds(Check, node=_ids, id=_ids, kind=st.just("test"), name=_texts),
    st.builds(Reading, key_result=_ids, day=_days, value=st.floats(-1, 1), source=st.just("manual")),
    # Single days with a gap between them: spans that touch would be joined, which has a test of its own.
    st.integers(0, 3).map(lambda n: Coverage(covers="", start=TODAY + 2 * n * DAY, end=TODAY + 2 * n * DAY)),
    st.builds(Observation, day=_days, measure=_texts, amount=st.floats(0, 9), node=_ids, relation=_texts),
)
STEPS = st.builds(
    Step,
    connector=st.sampled_from(["dbt", "superset"]),
    records=st.lists(_records, max_size=8),
    outcome=st.sampled_from([None, None, None, Boom(), InputError("no"), KeyboardInterrupt()]),
)


@dataclass
class Model:
    """What a store should show, said in the simplest way."""

    records: dict[str, dict[object, AnyRecord]] = field(default_factory=dict)
    observed: dict[tuple[object, ...], Observation] = field(default_factory=dict)
    synced: dict[str, datetime] = field(default_factory=dict)

    def sync(self, step: Step) -> None:
        me = step.connector
        self.records[me] = {identity(r): r for r in step.records if not isinstance(r, Observation)}
        for span in self.records[me].values():
            if isinstance(span, Coverage):
                self.observed = {
                    k: o for k, o in self.observed.items() if k[0] != me or not span.start <= o.day <= span.end
                }
        for r in step.records:
            if isinstance(r, Observation):
                self.observed[me, r.day, r.measure, r.node, r.relation] = r

    def view(self) -> list[AnyRecord]:
        return [r for of in self.records.values() for r in of.values()]

    def known_of(self, at: datetime) -> list[str]:
        """Observations are facts about days, as known at the end, of connectors that were there at the time."""
        there = {name for name, first in self.synced.items() if first <= at}
        return plain(o for k, o in self.observed.items() if k[0] in there and o.day <= at.date())


def identity(r: AnyRecord) -> object:
    """What makes a record the same record."""
    keys: dict[type, tuple[str, ...]] = {
        Node: ("id",),
        Objective: ("objective",),
        Target: ("key_result", "objective"),
        Deliverable: ("deliverable",),
        Check: ("node", "id"),
        Reading: ("key_result", "day"),
    }
    fields = keys.get(type(r))
    return (type(r), *(getattr(r, name) for name in fields)) if fields else r


def failure(r: AnyRecord) -> bool:
    return isinstance(r, Gap) and r.message.startswith("the last sync of")


@contextmanager
def attempted(outcome: BaseException | None) -> Iterator[None]:
    if outcome is None:
        yield
    else:
        with pytest.raises(type(outcome)):
            yield


def follow(url: str, steps: list[Step]) -> None:
    """Sync step by step; the view must be the model's after each, and later at the time of each."""
    expected: list[tuple[datetime, list[str]]] = []
    model = Model()
    with Store.open(url) as store:
        for number, step in enumerate(steps):
            at = T0 + number * DAY
            with attempted(step.outcome), store.sync(step.connector, at) as sync:
                sync.write(step.records)
                if step.outcome is not None:
                    raise step.outcome
            if step.outcome is None:
                model.sync(step)
                model.synced.setdefault(step.connector, at)
            expected.append((at, plain(model.view())))
            everything = [*model.view(), *model.observed.values()]
            assert plain(r for r in store.load().records if not failure(r)) == plain(everything)
        for at, view in expected:
            shown = [r for r in store.load(at + DAY / 2).records if not failure(r)]
            assert plain(r for r in shown if not isinstance(r, Observation)) == view
            assert plain(r for r in shown if isinstance(r, Observation)) == model.known_of(at)
        times = [at + DAY / 2 for at, _ in expected]
        assert list(store.load_each(times)) == [store.load(at) for at in times]
        for loaded, at in zip(store.load_each(times, (Node, Check)), times, strict=True):
            assert loaded.records == [r for r in store.load(at).records if type(r) not in (Node, Check)]
