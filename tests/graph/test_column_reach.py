"""Columns: what each serves, how surely, by which path, and whether it is used; held against plain set arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_graph import AS_OF, graph_of, records_of
from headway.config import Policy
from headway.errors import UnknownName, UsageError
from headway.graph.column_reach import CERTAINTIES
from headway.graph.graph import Graph
from headway.graph.model import (
    Binding,
    ColumnLineage,
    ColumnSource,
    Coverage,
    Edge,
    Gap,
    Node,
    Objective,
    Observation,
    Origin,
    Target,
    goal_id,
)
from headway.questions.alignment import why
from headway.questions.columns import dead_columns

OBJECTIVE = goal_id("objective", "o")
NAMES = "abc"
HISTORY = Origin(connector="history", file="history")


@dataclass
class Project:
    """A random project: models with edges among them, what their records say, two key results, two dashboards."""

    count: int
    edges: list[tuple[int, int]]
    records: dict[int, ColumnLineage]
    fed: list[int]
    boards: list[int]
    reads: list[tuple[int, str]]
    whole: list[int]

    def graph(self, *, shuffled: int = 0, called: str = "m") -> Graph:
        def name(text: str) -> str:
            return called + text.removeprefix("m")

        records: list[object] = [Node(id=name(f"m{i}"), kind="model", name=name(f"m{i}")) for i in range(self.count)]
        records += [Edge(upstream=name(f"m{u}"), downstream=name(f"m{d}")) for u, d in self.edges]
        records += [
            ColumnLineage(
                node=name(r.node),
                columns={c: tuple(_named(s, name) for s in sources) for c, sources in r.columns.items()},
                shape=tuple(_named(s, name) for s in r.shape),
                problem=r.problem,
            )
            for r in self.records.values()
        ]
        for k, (fed, board) in enumerate(zip(self.fed, self.boards, strict=True)):
            goal = goal_id("key_result", "o", f"k{k}")
            records += [
                Node(id=goal, kind="key_result", name=f"k{k}"),
                Target(key_result=goal, objective=OBJECTIVE),
                Edge(upstream=name(f"m{fed}"), downstream=goal),
                Node(id=f"board{k}", kind="dashboard", name=f"board{k}"),
                Edge(upstream=name(f"m{board}"), downstream=f"board{k}"),
                Edge(upstream=f"board{k}", downstream=goal, role="shows"),
            ]
        for node, column in [*self.reads, *((i, "") for i in self.whole)]:
            records.append(
                Observation(
                    day=AS_OF,
                    measure="queries",
                    amount=1.0,
                    node=name(f"m{node}"),
                    column=column,
                    person_class="person",
                    origin=HISTORY,
                )
            )
        records.append(Coverage(covers="kind:model kind:dashboard", start=date(2026, 1, 1), end=AS_OF, origin=HISTORY))
        if shuffled:
            random.Random(shuffled).shuffle(records)
        else:
            records.insert(0, Node(id=OBJECTIVE, kind="objective", name="o"))
        if shuffled:
            records.append(Node(id=OBJECTIVE, kind="objective", name="o"))
        return Graph([*records, Objective(objective=OBJECTIVE)], as_of=AS_OF)  # type: ignore[list-item]


def _named(source: ColumnSource, name) -> ColumnSource:
    return ColumnSource(name(source.node), source.column, source.certainty)


@st.composite
def projects(draw: st.DrawFn, *, listing_only: bool = False, whole_reads: bool = True) -> Project:
    count = draw(st.integers(1, 7))
    node = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(node, node), max_size=12, unique=True))
    edges = [(u, d) for u, d in pairs if u < d]
    records = {}
    for i in range(count):
        says = draw(st.sampled_from(["nothing", "problem", "columns", "columns", "columns"]))
        if says == "nothing":
            continue
        above = [u for u, d in edges if d == i]
        source = st.builds(
            ColumnSource,
            st.sampled_from([f"m{u}" for u in above] or ["nowhere"]),
            st.sampled_from([*NAMES, ""]),
            st.sampled_from(CERTAINTIES),
        )
        sources = st.just(()) if listing_only or not above else st.lists(source, max_size=2).map(tuple)
        columns = draw(st.dictionaries(st.sampled_from(NAMES), sources, min_size=1))
        problem = "too hard" if says == "problem" and not listing_only else ""
        records[i] = ColumnLineage(node=f"m{i}", columns=columns, shape=draw(sources), problem=problem)
    place = st.tuples(node, st.sampled_from(NAMES))
    return Project(
        count=count,
        edges=edges,
        records=records,
        fed=draw(st.lists(node, min_size=2, max_size=2)),
        boards=draw(st.lists(node, min_size=2, max_size=2)),
        reads=draw(st.lists(place, max_size=3)),
        whole=draw(st.lists(node, max_size=1)) if whole_reads else [],
    )


def table_masks(project: Project, seeds: dict[int, int]) -> list[int]:
    """What every model is upstream of, by going round until nothing changes."""
    masks = [seeds.get(i, 0) for i in range(project.count)]
    changed = True
    while changed:
        changed = False
        for u, d in project.edges:
            if masks[d] & ~masks[u]:
                masks[u] |= masks[d]
                changed = True
    return masks


def flows_of(project: Project, weakest: str) -> tuple[set[tuple[int, str]], list[tuple[tuple[int, str], object]]]:
    """All columns, and what each flows into: a column, or the rows of a model (its number).

    Values go where they are named; shapes go into rows; whoever says nothing of a node it reads takes all of it.
    """
    allowed = CERTAINTIES[: CERTAINTIES.index(weakest) + 1]
    said = {i: [*r.shape, *(s for c in r.columns.values() for s in c)] for i, r in project.records.items()}
    columns = {(i, c) for i, r in project.records.items() for c in r.columns}
    columns |= {(int(s.node[1:]), s.column) for all_ in said.values() for s in all_ if s.column and s.node != "nowhere"}
    named: list[tuple[ColumnSource, object]] = []
    for i, record in project.records.items():
        named += [(source, i) for source in record.shape]
        named += [(source, (i, column)) for column, sources in record.columns.items() for source in sources]
    for u, d in project.edges:
        record = project.records.get(d)
        everything = ColumnSource(f"m{u}", "", "candidate")
        if record is None or record.problem or all(s.node != f"m{u}" for s in said[d]):
            named.append((everything, d))
        if record is not None:
            named += [(everything, (i, c)) for i, c in columns if i == d and c not in record.columns]
    return columns, [
        ((i, c), target)
        for source, target in named
        for i, c in columns
        if source.certainty in allowed and source.node == f"m{i}" and source.column in {"", c}
    ]


def column_masks(
    project: Project,
    seeds: dict[int, int],
    *,
    at: dict[tuple[int, str], int] | None = None,
    weakest: str = "candidate",
) -> dict[tuple[int, str], int]:
    """What every column flows into, given masks at the rows of models and `at` columns, by going round."""
    rows = table_masks(project, seeds)
    columns, flows = flows_of(project, weakest)
    masks = {place: (at or {}).get(place, 0) for place in columns}
    changed = True
    while changed:
        changed = False
        for place, target in flows:
            mask = rows[target] if isinstance(target, int) else masks[target]  # type: ignore[index]
            if mask & ~masks[place]:
                masks[place] |= mask
                changed = True
    return masks


def goal_bits(project: Project, graph: Graph) -> tuple[dict[int, int], dict[int, int]]:
    """Masks that the models feeding key results, and those read by the dashboards, have of their own."""
    fed: dict[int, int] = {}
    shown: dict[int, int] = {}
    for k in range(2):
        bit = 1 << graph.bit[graph.index[goal_id("key_result", "o", f"k{k}")]]
        fed[project.fed[k]] = fed.get(project.fed[k], 0) | bit
        shown[project.boards[k]] = shown.get(project.boards[k], 0) | bit
    return fed, shown


# ---------------------------------------------------------------------- laws


@given(projects())
def test_columns_serve_exactly_what_the_rules_say(project: Project) -> None:
    graph = project.graph()
    for seeds, mask in zip(goal_bits(project, graph), (graph.columns.computes, graph.columns.informs), strict=True):
        # What feeds a key result or a dashboard directly is read whole.
        whole = {(i, c): seeds.get(i, 0) for i, c in flows_of(project, "candidate")[0]}
        expected = column_masks(project, seeds, at=whole)
        assert {(i, c): mask(at(graph, i), c) for i, c in expected} == expected
    assert {(i, c) for i in range(project.count) for c in graph.columns.vertices(at(graph, i))} == set(expected)


def at(graph: Graph, model: int, called: str = "m") -> int:
    """Node index of a model."""
    return graph.index[f"{called}{model}"]


@given(projects())
def test_columns_of_a_node_never_serve_more_than_the_node(project: Project) -> None:
    graph = project.graph()
    for i in graph.columns.nodes:
        for column in graph.columns.columns(i):
            assert not graph.columns.computes(i, column) & ~graph.computes[i]
            assert not graph.columns.informs(i, column) & ~graph.informs[i]


@given(projects(listing_only=True))
def test_where_only_names_are_known_every_column_serves_what_its_node_serves(project: Project) -> None:
    graph = project.graph()
    for i in graph.columns.nodes:
        for column in graph.columns.columns(i):
            assert graph.columns.computes(i, column) == graph.computes[i]
            assert graph.columns.informs(i, column) == graph.informs[i]


@given(projects())
def test_what_cannot_be_followed_keeps_every_column_of_what_it_reads(project: Project) -> None:
    graph = project.graph()
    for u, d in project.edges:
        record = project.records.get(d)
        if record is None or record.problem:
            up, down = at(graph, u), at(graph, d)
            for column in graph.columns.vertices(up):
                assert graph.columns.computes(up, column) & graph.computes[down] == graph.computes[down]
                assert graph.columns.informs(up, column) & graph.informs[down] == graph.informs[down]


@given(projects(), st.integers(1, 99))
def test_neither_the_order_of_records_nor_names_matter(project: Project, seed: int) -> None:
    one, other = project.graph(), project.graph(shuffled=seed, called="x")

    def said(graph: Graph, called: str) -> dict[tuple[int, str], tuple[object, ...]]:
        reach = graph.columns
        found = {}
        for k in range(project.count):
            i = at(graph, k, called)
            for c in reach.vertices(i):
                feeds = {(graph.nodes[f.goal].id, f.way, f.certainty, f.role, len(f.path)) for f in reach.feeds(i, c)}
                found[k, c] = feeds, reach.used(i, c), reach.use.reason(i, c)
        return found

    assert said(one, "m") == said(other, "x")
    again = project.graph(shuffled=seed)
    for k, column in said(one, "m"):
        proofs = (
            {
                (f.way, tuple((graph.nodes[i].id, c) for i, c in f.path))
                for f in graph.columns.feeds(at(graph, k), column)
            }
            for graph in (one, again)
        )
        assert next(proofs) == next(proofs)  # of equally good proofs the same one is given


@given(projects())
def test_every_service_has_a_path_as_sure_as_it_can_be(project: Project) -> None:
    graph = project.graph()
    reach = graph.columns
    fed, shown = goal_bits(project, graph)
    # The last step is into the key result or the dashboard, which read all of what they stand on: a candidate.
    levels = {
        (way, weakest): column_masks(project, seeds, weakest=weakest)
        for way, seeds in (("computes", fed), ("informs", shown))
        for weakest in CERTAINTIES
    }
    for i in reach.nodes:
        model = int(graph.nodes[i].name[1:])
        for column in reach.vertices(i):
            feeds = reach.feeds(i, column)
            ways = {"computes": reach.computes(i, column), "informs": reach.informs(i, column)}
            for way, mask in ways.items():
                assert sum(1 << graph.bit[f.goal] for f in feeds if f.way == way) == mask
            for feed in feeds:
                assert feed.path[0] == (i, column)
                assert feed.path[-1] == (feed.goal, "")
                assert len(feed.links) == len(feed.path) - 1
                bit = 1 << graph.bit[feed.goal]
                strongest = next((w for w in CERTAINTIES if levels[feed.way, w][model, column] & bit), "candidate")
                assert feed.certainty == strongest
                assert reach.path(i, column, feed.goal)[0] == (i, column)


@given(projects())
def test_use_is_never_called_known_when_it_is_not(project: Project) -> None:
    graph = project.graph()
    reach = graph.columns
    read = dict.fromkeys(project.reads, 1)
    touched = dict.fromkeys((*project.whole, *(i for i, _ in project.reads)), 1)
    may = column_masks(project, touched, at=read)
    surely = column_masks(project, touched, at=read, weakest="assumed")
    told = {i for i, _ in project.reads}
    for (k, column), mask in may.items():
        status = reach.used(at(graph, k), column)
        assert (status == "used") == bool(surely[k, column])
        if status == "unused":
            assert not mask
            assert k in told
            assert k not in project.whole or any(i == k for i, _ in project.reads)
        assert bool(reach.use.reason(at(graph, k), column)) == (status == "unknown")


@given(projects(whole_reads=False))
def test_dead_columns_feed_nothing_and_nobody_reads_them(project: Project) -> None:
    graph = project.graph()
    answer = dead_columns(graph, all=True)
    rows = {(r["asset"], r["column"]): r["use"] for r in answer.records()}
    assert answer.totals["dead"] == sum(use == "unused" for use in rows.values()) == answer.findings
    assert answer.totals["unknown"] == sum(use == "unknown" for use in rows.values())
    for asset, column in rows:
        i = graph.index[asset]
        assert not graph.columns.computes(i, column)
        assert not graph.columns.informs(i, column)
        assert (int(asset[1:]), column) not in project.reads


# ---------------------------------------------------------------------- by example

SEMANTIC = """
source raw
model orders < raw
semantic_model sales < orders
metric revenue < sales
metric many < sales
objective o "O"
key_result o.revenue < revenue
key_result o.many < many
columns raw: status, gross, note
columns orders: amount < raw.gross, note < raw.note | shape raw.status
columns revenue: revenue < orders.amount
columns many: many
"""


def names(graph: Graph, node: str, column: str, way: str = "computes") -> set[str]:
    mask = getattr(graph.columns, way)(graph.index[node], column)
    return {graph.nodes[g].name for g in graph.goals_in(mask)}


def test_the_record_of_a_metric_is_believed_past_the_semantic_model() -> None:
    graph = graph_of(SEMANTIC)
    assert names(graph, "orders", "amount") == {"revenue"}
    assert names(graph, "orders", "note") == names(graph, "raw", "note") == set()
    assert names(graph, "raw", "status") == {"revenue", "many"}  # count(*) takes no column, but the rows


def test_a_metric_without_a_record_takes_all_that_the_semantic_model_stands_on() -> None:
    graph = graph_of(SEMANTIC.replace("columns many: many", ""))
    assert names(graph, "raw", "note") == names(graph, "orders", "note") == {"many"}


def test_a_model_that_reads_through_an_ephemeral_one_names_what_that_stands_on() -> None:
    text = """
source raw
model inline < raw ephemeral
model mart < inline
metric m < mart
objective o "O"
key_result o.k < m
columns raw: used, spare
columns mart: x < raw.used
columns m: m < mart.x
"""
    graph = graph_of(text)
    assert names(graph, "raw", "used") == {"k"}
    assert names(graph, "raw", "spare") == set()
    unmentioned = graph_of(text.replace("x < raw.used", "x"))
    assert names(unmentioned, "raw", "spare") == {"k"}


def test_a_column_that_the_record_of_its_node_does_not_list_may_be_made_from_anything() -> None:
    graph = graph_of("""
source raw
model orders < raw
metric m < orders
objective o "O"
key_result o.k < m
columns raw: gross, note
columns orders: amount < raw.gross
columns m: m < orders.sideways
""")
    assert names(graph, "raw", "note") == {"k"}
    assert names(graph, "orders", "amount") == set()
    assert not graph.columns.columns(graph.index["orders"])["sideways"].declared


def test_columns_list_what_they_are_made_from_in_the_order_of_the_record() -> None:
    graph = graph_of("source raw\nmodel m < raw\ncolumns m: Zeta < raw.B raw.a?, alpha\ncolumns m: zeta < raw.a?")
    columns = graph.columns.columns(graph.index["m"])
    assert list(columns) == ["zeta", "alpha"]
    assert columns["zeta"].sources == (ColumnSource("raw", "B"), ColumnSource("raw", "a", "candidate"))
    assert list(graph.columns.columns(graph.index["raw"])) == ["b", "a"]
    assert graph.columns.complete(graph.index["m"])
    assert not graph.columns.complete(graph.index["raw"])


def test_a_reference_that_fits_several_nodes_keeps_the_column_in_each() -> None:
    board = goal_id("key_result", "o", "k")
    records = [
        Node(id="a", kind="model", name="a", relation="db.one.labels"),
        Node(id="b", kind="model", name="b", relation="db.two.labels"),
        Node(id="m", kind="model", name="m"),
        Node(id=OBJECTIVE, kind="objective", name="o"),
        Objective(objective=OBJECTIVE),
        Node(id=board, kind="key_result", name="k"),
        Target(key_result=board, objective=OBJECTIVE),
        Edge(upstream="m", downstream=board),
        ColumnLineage(node="m", columns={"x": (ColumnSource("ref:relation/labels", "text"),)}),
        ColumnLineage(node="ref:relation/db.one.labels", columns={"text": (), "other": ()}),
        ColumnLineage(node="ref:relation/labels", columns={"text": ()}),
        ColumnLineage(node="gone", columns={"text": ()}),
    ]
    graph = Graph(records, as_of=AS_OF)
    for node in "ab":
        (feed,) = graph.columns.feeds(graph.index[node], "text")
        assert feed.links[0].certainty == "candidate"
        assert feed.path == ((graph.index[node], "text"), (graph.index["m"], "x"), (graph.index[board], ""))
    assert [g.message for g in graph.columns.gaps] == [
        "2 records of column lineage fit no node: gone (1 row), ref:relation/labels (1 row)"
    ]


def test_circles_and_self_references_end() -> None:
    graph = graph_of("""
source raw
model totals < raw
model a < totals, b
model b < a
metric m < b
objective o "O"
key_result o.k < m
columns totals: running < raw.amount totals.running, note < raw.note
columns a: x < b.x totals.running
columns b: x < a.x
columns m: m < b.x
""")
    assert names(graph, "raw", "amount") == names(graph, "totals", "running") == {"k"}
    assert names(graph, "raw", "note") == set()
    (feed,) = graph.columns.feeds(graph.index["raw"], "amount")
    assert [graph.nodes[i].name for i, _ in feed.path] == ["raw", "totals", "a", "b", "m", "k"]


def test_of_equal_proofs_the_one_over_the_first_names_is_given_whatever_the_order() -> None:
    text = """
source raw
model zebra < raw
model ape < raw
model mart < zebra, ape
metric m < mart
objective o "O"
key_result o.k < m
columns m: m < mart.x
columns mart: x < zebra.x ape.x
columns zebra: x < raw.x
columns ape: x < raw.x
"""
    for records in (records_of(text), records_of(text)[::-1]):
        graph = Graph(records, as_of=AS_OF)
        (feed,) = graph.columns.feeds(graph.index["raw"], "x")
        assert [graph.nodes[i].name for i, _ in feed.path] == ["raw", "ape", "mart", "m", "k"]


def test_a_chain_of_thousands_of_columns_is_walked() -> None:
    count = 5_000
    lines = ["model m0", "columns m0: x"]
    for i in range(1, count):
        lines += [f"model m{i} < m{i - 1}", f"columns m{i}: x < m{i - 1}.x"]
    lines += [f"metric m < m{count - 1}", 'objective o "O"', "key_result o.k < m", f"columns m: m < m{count - 1}.x"]
    graph = graph_of("\n".join(lines))
    (feed,) = graph.columns.feeds(graph.index["m0"], "x")
    assert len(feed.path) == count + 2
    assert (feed.certainty, feed.role) == ("known", "value")


def test_a_column_nobody_names_is_taken_for_its_node() -> None:
    graph = graph_of(SEMANTIC)
    i = graph.index["orders"]
    assert graph.columns.computes(i, "nonsense") == graph.columns.computes(i) == graph.computes[i] != 0
    assert graph.columns.informs(i, "nonsense") == graph.informs[i]
    assert graph.columns.used(i, "nonsense") == "unknown"
    assert graph.columns.feeds(i, "nonsense") == graph.columns.path(i, "nonsense", graph.goals[0]) == ()


# ---------------------------------------------------------------------- use

READ = """
model orders
model mart < orders
columns orders: a, b, c
columns mart: x < orders.a
covers kind:model 2026-08-01..2026-11-21
"""


def use_of(text: str, policy: Policy | None = None) -> dict[str, str]:
    graph = graph_of(READ + text, policy=policy)
    i = graph.index["orders"]
    return {c: graph.columns.used(i, c) for c in "abc"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("reads orders.b 1 on 2026-11-20", {"a": "unused", "b": "used", "c": "unused"}),
        ("reads orders.b 1 on 2026-11-20\nreads mart.x 1 on 2026-11-20", {"a": "used", "b": "used", "c": "unused"}),
        ("reads orders.b 2 on 2026-11-20\nqueries orders 2 on 2026-11-20", {"a": "unused", "b": "used", "c": "unused"}),
        (
            "reads orders.b 1 on 2026-11-20\nqueries orders 2 on 2026-11-20",
            {"a": "unknown", "b": "used", "c": "unknown"},
        ),
        (
            "reads orders.b 1 on 2026-11-20\nqueries orders 1 on 2026-11-19",
            {"a": "unknown", "b": "used", "c": "unknown"},
        ),
        (
            "reads orders.b 9 on 2026-11-20 class=dbt\nqueries orders 9 on 2026-11-20 class=dbt",
            dict.fromkeys("abc", "unused"),
        ),
        (
            "reads orders.b 1 on 2026-11-20\nreads orders.* 1 on 2026-11-20",
            {"a": "unknown", "b": "used", "c": "unknown"},
        ),
        ("reads orders.b 1 on 2026-05-20", dict.fromkeys("abc", "unknown")),
        ("queries orders 1 on 2026-11-20", dict.fromkeys("abc", "unknown")),
        ("reads mart.x 1 on 2026-11-20", {"a": "used", "b": "unknown", "c": "unknown"}),
        ("reads ORDERS.B 0 on 2026-11-20", dict.fromkeys("abc", "unused")),
    ],
)
def test_use_of_columns_in_three_values(rows: str, expected: dict[str, str]) -> None:
    # A row about the node as a whole tells that the source covers it.
    assert use_of(rows + "\nqueries mart 1 on 2026-11-20 class=dbt\n") == expected


def test_a_history_of_columns_that_went_stale_calls_nothing_unused() -> None:
    fresh = use_of("reads orders.b 1 on 2026-11-20\nqueries mart 1 on 2026-11-20 class=dbt")
    assert fresh["c"] == "unused"
    stale = """
reads orders.b 1 on 2026-10-20 source=old.csv
queries orders 1 on 2026-10-20 source=old.csv
queries mart 1 on 2026-11-20 class=dbt
"""
    graph = graph_of(READ + stale)
    old = Coverage(
        covers="kind:model",
        start=date(2026, 8, 1),
        end=date(2026, 10, 21),
        origin=Origin(connector="observations", file="old.csv"),
    )
    records = [*graph.nodes, *graph.column_lineage, *graph.observations, *graph.coverage, old]
    again = Graph([*records, Edge(upstream="orders", downstream="mart")], as_of=AS_OF)
    i = again.index["orders"]
    assert {c: again.columns.used(i, c) for c in "abc"} == {"a": "unknown", "b": "used", "c": "unknown"}
    assert again.columns.use.reason(i, "c") == "no usage source tells which of its columns are read"


def test_columns_of_a_new_model_are_not_called_unused() -> None:
    graph = graph_of("""
model orders created=2026-11-10
columns orders: a, b
covers kind:model 2026-08-01..2026-11-21
reads orders.b 1 on 2026-11-20
queries orders 1 on 2026-11-20
""")
    i = graph.index["orders"]
    assert (graph.columns.used(i, "a"), graph.columns.used(i, "b")) == ("unknown", "used")
    assert graph.columns.use.reason(i, "a") == "new: first seen 2026-11-10"


def test_what_goes_into_a_model_that_no_history_covers_is_not_called_unused() -> None:
    graph = graph_of("""
model orders
model mart < orders
columns orders: a, b
columns mart: x < orders.a
covers orders 2026-08-01..2026-11-21
queries orders 1 on 2026-11-20 class=dbt
reads orders.b 1 on 2026-11-20 class=dbt
""")
    i = graph.index["orders"]
    assert {c: graph.columns.used(i, c) for c in "ab"} == {"a": "unknown", "b": "unused"}
    assert graph.columns.use.reason(i, "a") == "whether what it goes into is used is not known"
    assert graph.columns.use.reason(graph.index["mart"], "x") == "no usage source covers it"


def test_a_read_through_a_candidate_proves_nothing_either_way() -> None:
    graph = graph_of("""
model orders
model mart < orders
columns orders: a, b, c
columns mart: x < orders.a orders.b?
covers kind:model 2026-08-01..2026-11-21
reads mart.x 1 on 2026-11-20
reads orders.c 1 on 2026-11-20 class=dbt
queries mart 1 on 2026-11-20
""")
    i = graph.index["orders"]
    assert {c: graph.columns.used(i, c) for c in "abc"} == {"a": "used", "b": "unknown", "c": "unused"}


# ---------------------------------------------------------------------- what a person asks


def test_a_column_that_does_not_exist_is_named_with_the_nearest() -> None:
    graph = graph_of(SEMANTIC)
    with pytest.raises(UnknownName) as caught:
        why(graph, asset="orders.amuont")
    assert str(caught.value) == "there is no column of orders called 'amuont' (did you mean amount?)"
    with pytest.raises(UnknownName, match=r"no asset called 'nowhere\.amount'"):
        why(graph, asset="nowhere.amount")
    with pytest.raises(UnknownName, match=r"no asset called '\.amount'"):
        why(graph, asset=".amount")
    with pytest.raises(UsageError, match="is a key result, not an asset"):
        why(graph, asset="o.revenue")


def test_the_steps_of_a_column_carry_certainty_and_what_it_does() -> None:
    graph = graph_of(SEMANTIC)
    answer = why(graph, asset="raw.status")
    (revenue,) = [r for r in answer.rows if r.values[1] == "revenue"]
    said = [(s.name, s.evidence, s.note) for s in revenue.path]
    assert said == [
        ("raw.status", "known", ""),
        ("orders", "known", "its rows"),
        ("revenue", "known", ""),
        ("revenue", "declared", ""),
        ("O", "", ""),
    ]
    assert answer.totals["column"] == "status"
    assert answer.totals["serves"] == 1


def test_what_a_source_of_columns_could_not_read_travels_with_the_answers() -> None:
    graph = graph_of(SEMANTIC)
    gap = Gap(topic="columns", message="1 relation that the SQL reads is nothing in this project")
    told = Graph([*records_of(SEMANTIC), gap], as_of=AS_OF)
    assert gap in dead_columns(told).gaps
    assert gap in why(told, asset="orders.note").gaps
    assert gap not in dead_columns(graph).gaps


def test_a_key_result_that_is_fed_directly_takes_the_column_of_a_metric_for_sure() -> None:
    graph = graph_of(SEMANTIC)
    (feed,) = graph.columns.feeds(graph.index["orders"], "amount")
    assert (feed.certainty, feed.role, len(feed.path)) == ("known", "value", 3)


def test_a_key_result_on_a_model_needs_the_columns_that_its_expression_names() -> None:
    goal = goal_id("key_result", "o", "k")
    binding = Binding(model="orders", expression="sum(amount)", where=("status = 'paid'",), time="ordered_at")
    columns = dict.fromkeys(("id", "amount", "status", "ordered_at", "note"), ())
    graph = Graph(
        [
            Node(id="orders", kind="model", name="orders"),
            Node(id=goal, kind="key_result", name="k"),
            Target(key_result=goal, objective=goal_id("objective", "o"), binding=binding),
            Edge(upstream="orders", downstream=goal),
            ColumnLineage(node="orders", columns=columns),
        ],
        as_of=date(2026, 11, 22),
    )
    reach = graph.columns
    assert [name for name in columns if reach.computes(0, name)] == ["amount", "status", "ordered_at"]
    roles = {name: reach.feeds(0, name)[0].role for name in ("amount", "status", "ordered_at")}
    assert roles == {"amount": "value", "status": "rows", "ordered_at": "rows"}
