"""The records that connectors yield and that the graph is made of. Frozen data, no behaviour beyond names.

Data flows upstream to downstream; goals are the most downstream. Ids are namespaced
(`dbt:model.shop.orders`, `goal:objective.grow`, `goal:key_result.grow.mrr`) and stable between syncs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import msgspec

Evidence = Literal["declared", "parsed", "observed", "matched", "accepted"]
"""How an edge is known: someone wrote it, SQL was parsed, use was seen, names matched, a person accepted it."""

Role = Literal["feeds", "shows", "supports"]
"""`feeds`: data flows along it. `shows`: a dashboard shows a key result (or an objective).
`supports`: a key result, deliverable or objective belongs under an objective; an initiative under a key result."""

PersonClass = Literal["person", "executive", "data_team", "service", "scheduled", "embedded", "dbt", ""]
"""Who reads. `executive`: people who lead the company, by configuration. `scheduled`: a delivery or a refresh.
`embedded`: somebody outside, through a page that shows it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of node. A new kind is a row of KINDS, never a class."""

    name: str
    is_a: str
    """The kind it specialises, or itself."""
    band: str
    """Where it is drawn, bottom to top: see BANDS."""
    plural: str
    queried: bool = False
    """Somebody can read it directly (a table, a dashboard); others are only used through what is downstream."""
    goal: bool = False
    """Stands above the assets."""


BANDS = ("source", "model", "semantic", "metric", "dashboard", "key_result", "objective")

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("source", "source", "source", "sources", queried=True),
        Kind("seed", "source", "source", "seeds", queried=True),
        Kind("snapshot", "model", "model", "snapshots", queried=True),
        Kind("model", "model", "model", "models", queried=True),
        Kind("job", "job", "model", "jobs"),
        Kind("semantic_model", "semantic_model", "semantic", "semantic models"),
        Kind("dataset", "semantic_model", "semantic", "datasets"),
        Kind("metric", "metric", "metric", "metrics"),
        Kind("saved_query", "saved_query", "metric", "saved queries"),
        Kind("exposure", "exposure", "dashboard", "exposures", queried=True),
        Kind("dashboard", "exposure", "dashboard", "dashboards", queried=True),
        Kind("chart", "exposure", "dashboard", "charts", queried=True),
        Kind("notebook", "exposure", "dashboard", "notebooks", queried=True),
        Kind("analysis", "exposure", "dashboard", "analyses", queried=True),
        Kind("application", "exposure", "dashboard", "applications", queried=True),
        Kind("ml", "exposure", "dashboard", "machine-learning models", queried=True),
        Kind("key_result", "metric", "key_result", "key results", goal=True),
        Kind("deliverable", "deliverable", "key_result", "deliverables", goal=True),
        Kind("initiative", "initiative", "key_result", "initiatives", goal=True),
        Kind("objective", "exposure", "objective", "objectives", goal=True),
    )
}


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag=True, omit_defaults=True):
    """Base of everything a connector yields. Frozen, compared by value, encodable by msgspec."""


class Origin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a record comes from: the connector, and the file and line where one is known."""

    connector: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return place or self.connector


class Node(Record, frozen=True, gc=False, kw_only=True, tag="node", omit_defaults=True):
    """An asset or a goal."""

    id: str
    kind: str
    """A key of KINDS."""
    name: str
    title: str = ""
    """What people call it, when that is not the name."""
    relation: str = ""
    """`catalog.schema.table` as the warehouse knows it, quotes removed, case kept; '' when it has none."""
    owner: str = ""
    owner_origin: str = ""
    """Which rule named the owner: group, meta, exposure, codeowners, config, goals."""
    group: str = ""
    tags: tuple[str, ...] = ()
    url: str = ""
    description: str = ""
    path: str = ""
    """Path of the defining file inside its project."""
    package: str = ""
    materialized: str = ""
    disabled: bool = False
    """Known to the project, but switched off; never counted as an asset."""
    deprecated: str = ""
    """ISO date from which the asset is deprecated."""
    created: date | None = None
    """First day the asset is known to exist; None when nothing says."""
    protected: bool = False
    """Somebody said it must stay."""
    outside: bool = False
    """Exposed to an outside system (reverse ETL, embedded, subscribed, public)."""
    reached_by: tuple[str, ...] = ()
    """Names under which a filter reaches a semantic model: `entity__dimension`, lower case."""
    aggregates: tuple[str, ...] = ()
    """What it computes, one `aggregate(columns)` each in lower case, such as `sum(amount)`: what alike things share."""
    meta: dict[str, Any] = {}
    """What the project says to Headway itself (`config.meta.headway`)."""
    origin: Origin = Origin()
    also: tuple[Origin, ...] = ()
    """Where else the same thing is declared: a dashboard of a BI tool that is also an exposure of dbt."""

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name


class Edge(Record, frozen=True, gc=False, kw_only=True, tag="edge", omit_defaults=True):
    """`upstream` flows into `downstream`. Either end is a node id, or a reference to be linked.

    A reference is `ref:<what>/<name>`: what is a kind, or `relation`, `table`, `asset` (any asset) or `shown`
    (anything that can show a key result). A reference that fits no node, or several, becomes a gap. A `table` is a
    relation as a tool outside names it: where no relation is called so, fewer parts of the name count.
    """

    upstream: str
    downstream: str
    role: Role = "feeds"
    evidence: Evidence = "declared"
    origin: Origin = Origin()


class Observation(Record, frozen=True, gc=False, kw_only=True, tag="observation", omit_defaults=True):
    """An amount measured on a node on a day. Absent is not zero. A node may be given by id or by relation."""

    day: date
    measure: str
    """queries, views, people, cost, seconds, bytes, ..."""
    amount: float
    node: str = ""
    """A node id, a dbt unique id, or ''."""
    relation: str = ""
    unit: str = "count"
    """count, or what the amount is in: EUR, credits, bytes, seconds. Units are never added to one another."""
    person_class: str = ""
    column: str = ""
    """Only this column of the node, lower case; '' is the node as a whole. Columns do not add up to their node."""
    tool: str = ""
    """What it was read with (looker, metabase, superset, dbt, ...); '' when that is not known."""
    person: str = ""
    """Keyed hash of who it was; '' when that is not known. Never a name, unless the configuration asks for names."""
    origin: Origin = Origin()


class Coverage(Record, frozen=True, gc=False, kw_only=True, tag="coverage", omit_defaults=True):
    """What a source of observations can see: absence there, inside these days, is zero; elsewhere it is unknown."""

    covers: str
    """A selector. '' means: the kinds that occur in its rows."""
    start: date
    end: date
    origin: Origin = Origin()


Certainty = Literal["known", "assumed", "candidate"]
"""How sure a column's source is: `known` from the SQL and known columns; `assumed` when it is the only table that can
have it; `candidate` when it is one of several. A candidate may keep a column alive, never prove that one is unused."""


class ColumnSource(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """One upstream column that another column, or the shape of a relation, is made from."""

    node: str
    """Id of the node, or a reference as in Edge."""
    column: str
    """Lower case, as the warehouse folds it; '' means every column of the node."""
    certainty: Certainty = "known"


class ColumnLineage(Record, frozen=True, gc=False, kw_only=True, tag="columns", omit_defaults=True):
    """Where the columns of one node come from. A node without such a record is only known at table level."""

    node: str
    columns: dict[str, tuple[ColumnSource, ...]] = {}
    """Every output column in order, with what its values are made from; () for columns of a source."""
    shape: tuple[ColumnSource, ...] = ()
    """What decides which rows there are: filters, joins, groupings. Feeds every column."""
    problem: str = ""
    """Why the columns could not be followed; then every column of everything upstream must be taken to matter."""
    origin: Origin = Origin()


class Facets(Record, frozen=True, gc=False, kw_only=True, tag="facets", omit_defaults=True):
    """What a node is made of, as digests: two versions of a node differ in the facets whose digests differ.

    A facet is `SQL`, `config`, `contract`, `definition`, `filter`, `table`, `data`, `source`; or a part by name:
    `column a`, `test not_null`, `macro euros`, `dimension status`. One part more is no change of what was there.
    """

    node: str
    digests: dict[str, str] = {}
    origin: Origin = Origin()


class Check(Record, frozen=True, gc=False, kw_only=True, tag="check", omit_defaults=True):
    """One health check of a node and its last known result. Tests are health, not nodes."""

    node: str
    id: str
    kind: Literal["test", "unit_test", "freshness", "run"]
    name: str
    status: Literal["pass", "warn", "fail", "error", "skipped", "not run"] = "not run"
    at: datetime | None = None
    """When that result was produced."""
    since: datetime | None = None
    """Since when the check has not passed, as far as is known."""
    message: str = ""
    origin: Origin = Origin()


class Checkpoint(msgspec.Struct, frozen=True, gc=False):
    """A dated expectation on the way to a target."""

    day: date
    value: float


class Band(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A *maintain* key result: stay within [low, high], bounds included. None is an open end."""

    low: float | None = None
    high: float | None = None
    tolerance: float = 0.0
    """Distance outside the band at which progress has fallen to zero; 0 makes it all or nothing."""


class Binding(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How a key result gets its value: exactly one of metric, model, sql or readings; none means not measurable yet."""

    metric: str = ""
    model: str = ""
    expression: str = ""
    """SQL aggregate over the model's columns; with `model`."""
    time: str = ""
    """What dates a row: a column, with `model`; a time dimension, with a `metric` that is a measure of a BI tool."""
    sql: str = ""
    """A query that returns (day, value) rows, or a single value."""
    where: tuple[str, ...] = ()
    grain: str = ""
    """day, week, month, quarter or year; '' lets Headway choose."""
    dimensions: tuple[str, ...] = ()
    manual: bool = False
    """The readings are written by hand beside the key result."""

    @property
    def way(self) -> Literal["metric", "model", "sql", "readings", ""]:
        """Which of the four ways it is bound by; '' when it is bound to nothing."""
        if self.metric:
            return "metric"
        if self.model:
            return "model"
        if self.sql:
            return "sql"
        return "readings" if self.manual else ""


class Change(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One change of a target that is kept and shown."""

    at: date
    field: str
    before: float | None = None
    after: float | None = None


class Target(Record, frozen=True, gc=False, kw_only=True, tag="target", omit_defaults=True):
    """What a key result aims at. `key_result` is the id of its node."""

    key_result: str
    objective: str
    """Id of the objective's node; '' where it only says how a goal of another source gets its value."""
    weight: float = 1.0
    baseline: float | None = None
    target: float | None = None
    commit: float | None = None
    stretch: float | None = None
    band: Band | None = None
    direction: Literal["increase", "decrease", "maintain", ""] = ""
    unit: str = ""
    start: date | None = None
    due: date | None = None
    shape: Literal["linear", "front", "back"] = "linear"
    checkpoints: tuple[Checkpoint, ...] = ()
    binding: Binding = Binding()
    there: float = 1.0
    """What 1 here is in the tool that keeps the goal: 100 for a share that is in percent there; 0 where not known."""
    draft: bool = False
    changes: tuple[Change, ...] = ()
    origin: Origin = Origin()


class Objective(Record, frozen=True, gc=False, kw_only=True, tag="objective", omit_defaults=True):
    """What an objective says beyond its node. `objective` is the id of its node."""

    objective: str
    start: date | None = None
    end: date | None = None
    period: str = ""
    weight: float = 1.0
    parent: str = ""
    """Id of the objective it supports, or ''."""
    standing: bool = False
    limit: int | None = None
    """Hard limit on the key results of a standing objective."""
    state: Literal["", "draft", "active", "ended"] = ""
    """'' lets the dates decide."""
    order: int = 0
    """The company's own order."""
    origin: Origin = Origin()


class Deliverable(Record, frozen=True, gc=False, kw_only=True, tag="deliverable", omit_defaults=True):
    """A binary result: done or not, with a due date. Never counts as a measured key result."""

    deliverable: str
    objective: str
    due: date | None = None
    done: bool = False
    done_on: date | None = None
    origin: Origin = Origin()


class Reading(Record, frozen=True, gc=False, kw_only=True, tag="reading", omit_defaults=True):
    """The value of a key result for one period. `value` None says that the period was asked and held nothing."""

    key_result: str
    day: date
    """First day of the period, or the day itself at day grain or for a manual reading."""
    value: float | None
    grain: str = ""
    complete: bool = True
    """The period was over when it was read."""
    at: datetime | None = None
    """When it was read."""
    source: str = ""
    """What it was read from: metricflow, measure, model, sql, manual, or the connector that computed it."""
    proof: str = ""
    """The SQL or query, or the place in the goals file."""
    origin: Origin = Origin()


SYNCS = "syncs"
"""Topic of gaps about sources whose last sync did not end well."""


class Gap(Record, frozen=True, gc=False, kw_only=True, tag="gap", omit_defaults=True):
    """Something that is not known, and why. Travels with every answer it touches."""

    topic: str
    """What it is about: usage, cost, trust, values, lineage, goals, owners, or a connector's name."""
    message: str
    node: str = ""
    hint: str = ""
    origin: Origin = Origin()


class Decision(Record, frozen=True, gc=False, kw_only=True, tag="decision", omit_defaults=True):
    """What a person decided about a link that was suggested, or could not be made without them."""

    upstream: str
    """Id of a node, or a reference as in Edge."""
    downstream: str
    """Id of a node, or a reference as in Edge."""
    accepted: bool
    role: Role = "feeds"
    """`feeds`: a table or another asset below a dashboard, chart or dataset. `shows`: a dashboard and a key result."""
    target: str = ""
    """For a table that was named ambiguously, or that is called otherwise now: the node it means."""
    by: str = ""
    on: date | None = None
    note: str = ""
    origin: Origin = Origin()


AnyRecord = (
    Node
    | Edge
    | Observation
    | Coverage
    | ColumnLineage
    | Facets
    | Check
    | Target
    | Objective
    | Deliverable
    | Reading
    | Decision
    | Gap
)
Records = Iterator[AnyRecord]


def goal_id(kind: Literal["objective", "key_result", "deliverable", "initiative"], *names: str) -> str:
    """Id of a goal's node. Key results, deliverables and initiatives are named below their objective."""
    return f"goal:{kind}." + ".".join(names)


def team_of(owner: str) -> str:
    """The team that an owner is, however it is written: `@company/sales-team` of CODEOWNERS is `sales-team`."""
    return owner.rpartition("/")[2].removeprefix("@") if owner.startswith("@") else owner
