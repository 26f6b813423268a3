"""`headway link`: what is decided is checked against the graph, and appended to a file that people review."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.main import run
from headway.connectors.links import decisions
from headway.errors import ConfigError, HeadwayError, InputError, UnknownName, UsageError
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Decision, Edge, Node, Origin
from headway.project import Project
from headway.project.decisions import _appended, decide, file_of
from headway.questions.registry import questions
from shop import GOALS, write_shop

DAY = date(2026, 11, 22)
BOARD = Node(id="superset:dashboard.3", kind="dashboard", name="Tea board", origin=Origin("superset"))
DATASET = Node(id="superset:dataset.7", kind="dataset", name="orders v1", origin=Origin("superset"))
V1, REVENUE = "table:prod.marts.orders_v1", "grow.revenue"
CHART = Node(id="superset:chart.9", kind="chart", name="Weekly", origin=Origin("superset"))


def content() -> list[AnyRecord]:
    def reads(table: str, reader: Node) -> Edge:
        return Edge(upstream=f"ref:table/{table}", downstream=reader.id, evidence="matched", origin=reader.origin)

    return [
        BOARD, DATASET, CHART,
        Edge(upstream=DATASET.id, downstream=CHART.id), Edge(upstream=CHART.id, downstream=BOARD.id),
        reads("prod.marts.orders_v1", DATASET), reads("prod.marts.orders_v1", CHART), reads("crm.public.leads", CHART),
        reads("wh.main.forgotten", CHART),
    ]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """The shop with dashboards of a tool, answered from files."""
    project = Project.open(write_shop(tmp_path / "shop"), as_of=DAY, environment={})
    return with_content(project)


def with_content(project: Project) -> Project:
    records = [*project._collected(), *content()]
    project._graph = Graph(records, as_of=project.as_of)
    return project


def again(project: Project) -> Graph:
    """The graph of the project as it is read anew."""
    return with_content(Project.open(project.config.root, as_of=DAY, environment={})).graph()


def text(project: Project) -> str:
    return file_of(project).read_bytes().decode()


def test_a_table_means_a_node_for_everything_that_reads_it(shop: Project) -> None:
    written = decide(
        shop, accepted=True, upstream="table:prod.marts.orders_v1", target="orders", by="data-team", note="renamed: v2"
    )
    assert (written.file, written.line, written.sentence) == ("links.yml", 3, "prod.marts.orders_v1 means orders")
    assert text(shop) == (
        "# What people decided about links, written by `headway link` and open to edit: see `headway links`.\n\n"
        "- accept: prod.marts.orders_v1 means orders\n"
        "  upstream: table:prod.marts.orders_v1\n"
        "  as: dbt:model.shop.orders\n"
        "  by: data-team\n"
        "  on: 2026-11-22\n"
        '  note: "renamed: v2"\n'
    )
    graph = again(shop)
    orders = graph.index["dbt:model.shop.orders"]
    assert {graph.nodes[i].id for i in graph.downstream[orders]} >= {DATASET.id, CHART.id}
    assert graph.evidence[orders, graph.index[DATASET.id]] == "accepted"
    assert [link.match.tier for link in graph.links] == ["decision", "decision", "", "relation"]
    assert [g for g in graph.gaps if g.topic == "links"] == []


def test_a_declined_table_is_no_link_even_where_it_was_one(shop: Project) -> None:
    assert [link.upstream is not None for link in shop.graph().links] == [False, False, False, True]
    decide(shop, accepted=False, upstream="wh.main.forgotten", downstream="superset:chart.9", by="")
    decide(shop, accepted=False, upstream="table:crm.public.leads", by="")
    graph = again(shop)
    assert [link.declined for link in graph.links] == [False, False, True, True]
    forgotten = graph.index["dbt:model.shop.forgotten"]
    assert graph.index[CHART.id] not in graph.downstream[forgotten]
    assert not any(link.open for link in graph.links if link.name == "crm.public.leads")


def test_an_accepted_goal_is_shown_by_the_dashboard(shop: Project) -> None:
    written = decide(shop, accepted=True, upstream="Tea board", downstream="goal:key_result.grow.happiness")
    assert written.sentence == "Tea board shows Happy customers"
    graph = again(shop)
    goal, board = graph.index["goal:key_result.grow.happiness"], graph.index[BOARD.id]
    assert graph.shown_on[goal] == [board]
    assert graph.evidence[board, goal] == "accepted"
    assert graph.informs[board]


def test_a_declined_goal_is_not_suggested_and_says_so_where_it_is_declared(shop: Project) -> None:
    decide(shop, accepted=False, upstream=BOARD.id, downstream="grow.happiness")
    decide(shop, accepted=False, upstream="sales_board", downstream="grow.revenue")
    graph = again(shop)
    assert (BOARD.id, "goal:key_result.grow.happiness") in graph.declined
    (gap,) = [g for g in graph.gaps if g.topic == "links"]
    assert gap.message.startswith(
        "links.yml:8: the link between Sales board and Revenue is declined here, but declared"
    )
    assert graph.shown_on[graph.index["goal:key_result.grow.revenue"]] == [graph.index["dbt:exposure.shop.sales_board"]]


@pytest.mark.parametrize(
    ("said", "error", "sentence"),
    [
        (
            {"upstream": "superset:dashboard.9", "downstream": REVENUE},
            UnknownName,
            "no node called 'superset:dashboard.9'",
        ),
        ({"upstream": "Tea bord", "downstream": REVENUE}, UnknownName, "did you mean superset:dashboard.3?"),
        (
            {"upstream": BOARD.id, "downstream": "grow.revnue"},
            UnknownName,
            "did you mean goal:key_result.grow.revenue, dbt:metric.shop.revenue?",
        ),
        ({"upstream": BOARD.id}, UsageError, "name what reads it or shows it"),
        ({"upstream": BOARD.id, "downstream": BOARD.id}, UsageError, "cannot be linked to itself"),
        ({"upstream": "orders", "downstream": REVENUE}, UsageError, "orders is a model, which shows nothing"),
        ({"upstream": REVENUE, "downstream": BOARD.id}, UsageError, "is a goal, and goals are downstream"),
        ({"upstream": BOARD.id, "downstream": REVENUE, "target": "orders"}, UsageError, "--as says which node a table"),
        (
            {"upstream": "table:prod.marts.order_v1", "target": "orders"},
            UnknownName,
            "did you mean prod.marts.orders_v1?",
        ),
        (
            {"upstream": "table:crm.public.leads", "downstream": DATASET.id, "target": "orders"},
            UsageError,
            "it reads prod.marts.orders_v1",
        ),
        ({"upstream": V1}, UsageError, "which node prod.marts.orders_v1 means has to be said (--as NODE)"),
        ({"upstream": V1, "target": "Tea board"}, UsageError, "is a dashboard, which is no table"),
        ({"upstream": V1, "target": "ordes"}, UnknownName, "did you mean dbt:model.shop.orders?"),
        ({"upstream": "", "downstream": BOARD.id}, UnknownName, "no node called ''"),
    ],
)
def test_what_cannot_be_linked_is_refused_and_nothing_is_written(
    shop: Project, said: dict[str, str], error: type[HeadwayError], sentence: str
) -> None:
    with pytest.raises(error) as raised:
        decide(shop, accepted=True, **said)
    assert sentence in str(raised.value)
    assert not file_of(shop).exists()


def test_what_is_decided_already_is_refused_kindly(shop: Project) -> None:
    said = {"upstream": "table:prod.marts.orders_v1", "downstream": DATASET.id}
    decide(shop, accepted=True, **said, target="orders", by="data-team")
    before = text(shop)
    with pytest.raises(
        UsageError, match=r"accepted already on 2026-11-22 by data-team: links\.yml:3 .nothing was written"
    ):
        decide(shop, accepted=True, **{**said, "upstream": 'ref:table/PROD."marts".orders_v1'}, target="orders")
    with pytest.raises(
        UsageError, match=r"this was accepted, as dbt:model.shop.orders .* \(change or remove that entry"
    ):
        decide(shop, accepted=True, **said, target="forgotten")
    with pytest.raises(UsageError, match="this was accepted"):
        decide(shop, accepted=False, **said)
    assert text(shop) == before
    decide(shop, accepted=True, upstream="table:prod.marts.orders_v1", downstream=CHART.id, target="orders")
    assert len([d for d in decisions(text(shop).encode(), "links.yml") if isinstance(d, Decision)]) == 2


@pytest.mark.parametrize(
    "before",
    [
        "# ours\n- accept: x\n  upstream: a   # why\n  downstream: b\n\n# the end\n",
        "- {accept: x, upstream: a, downstream: b}",
        "  - decline:\n    upstream: a\n    downstream: b\n",
        "# ours\r\n- accept: x\r\n  upstream: a\r\n  downstream: b\r\n",
        "\ufeff- accept: x\n  upstream: a\n  downstream: b\n",
        "---\n- accept: x\n  upstream: a\n  downstream: b\n",
    ],
)
def test_what_is_in_the_file_keeps_every_byte(shop: Project, before: str) -> None:
    path = file_of(shop)
    path.write_bytes(before.encode())
    path.chmod(0o640)
    written = decide(shop, accepted=False, upstream="table:crm.public.leads")
    after = path.read_bytes().decode()
    assert after.startswith(before)
    found = [d for d in decisions(after.encode(), "links.yml") if isinstance(d, Decision)]
    assert [d.upstream for d in found] == ["a", "ref:table/crm.public.leads"]
    assert found[-1].origin.line == written.line
    assert ("\r\n" in before) == ("\r\n- decline" in after)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.glob(".headway-*")] == []


@pytest.mark.parametrize("before", ["", "\n\n", "[]\n", "# none yet\n[ ]", "# none yet\n"])
def test_an_empty_file_gets_its_first_entry(shop: Project, before: str) -> None:
    file_of(shop).write_text(before)
    decide(shop, accepted=False, upstream="table:crm.public.leads")
    assert len(decisions(file_of(shop).read_bytes(), "links.yml")) == 1
    assert ("# none yet" in before) == ("# none yet" in text(shop))


@pytest.mark.parametrize(
    "before", ["[{accept: x, upstream: a, downstream: b}]\n", "- accept: x\n  upstream: a\n  downstream: b\n...\n"]
)
def test_a_file_that_cannot_be_appended_to_is_left_as_it_is(shop: Project, before: str) -> None:
    file_of(shop).write_text(before)
    with pytest.raises((ConfigError, InputError)) as raised:
        decide(shop, accepted=False, upstream="table:crm.public.leads")
    assert "links.yml" in str(raised.value)
    assert text(shop) == before


def test_a_broken_file_is_not_written_over(shop: Project) -> None:
    file_of(shop).write_text("- accept: [\n")
    with pytest.raises(InputError, match=r"links\.yml"):
        decide(shop, accepted=False, upstream="table:crm.public.leads")
    assert text(shop) == "- accept: [\n"


def test_hostile_titles_stay_one_line(tmp_path: Path) -> None:
    evil = Node(
        id="superset:dashboard.5", kind="dashboard", name="x\n- accept: y\x1b[31m: #&*!", origin=Origin("superset")
    )
    project = Project.open(write_shop(tmp_path / "shop"), as_of=DAY, environment={})
    project._graph = Graph([*project._collected(), evil], as_of=DAY)
    written = decide(project, accepted=True, upstream=evil.id, downstream="grow.revenue", note="a\n- decline: b")
    assert written.sentence.isprintable()
    with pytest.raises(UsageError) as raised:
        decide(project, accepted=True, upstream=evil.id, downstream=evil.id)
    assert str(raised.value).isprintable()
    (found,) = decisions(file_of(project).read_bytes(), "links.yml")
    assert isinstance(found, Decision)
    assert (found.upstream, found.downstream, found.note) == (evil.id, "goal:key_result.grow.revenue", "a - decline: b")


def commands(graph: Graph) -> dict[tuple[str, str], list[str]]:
    """What `headway links` offers to paste, by reader and table."""
    rows = questions()["links"].ask(graph).rows
    return {(row.node, row.values[3]): shlex.split(row.values[7])[3:] for row in rows}


def test_the_commands_that_links_prints_decide_what_they_stand_beside(shop: Project) -> None:
    offered = commands(shop.graph())
    short, *rest = offered[DATASET.id, "prod.marts.orders_v1"]
    assert (short[0], len(short), rest) == ("@", 8, [])
    assert offered[CHART.id, "prod.marts.orders_v1"][0] == short, "one decision for both"
    decide(shop, accepted=True, upstream=short, target="orders")
    (leads,) = offered[CHART.id, "crm.public.leads"]
    decide(shop, accepted=False, upstream=leads)
    first, second = (d for d in decisions(text(shop).encode(), "links.yml") if isinstance(d, Decision))
    assert (first.upstream, first.downstream, first.target) == (
        "ref:table/prod.marts.orders_v1", "", "dbt:model.shop.orders",
    )  # fmt: skip
    assert (second.upstream, second.downstream) == ("ref:table/crm.public.leads", CHART.id)
    assert commands(again(shop)) == {}


def test_a_handle_that_nothing_has_or_that_has_another_end_is_refused(shop: Project) -> None:
    with pytest.raises(UsageError, match="there is no open link @0000000"):
        decide(shop, accepted=True, upstream="@0000000")
    with pytest.raises(UsageError, match="says both ends already"):
        decide(shop, accepted=True, upstream="@0000000", downstream=CHART.id)


def test_a_suggested_goal_is_accepted_by_its_handle(tmp_path: Path) -> None:
    project = Project.open(write_shop(tmp_path / "shop"), as_of=DAY, environment={})
    board = Node(id="superset:dashboard.5", kind="dashboard", name="Revenue", origin=Origin("superset"))
    reads = Edge(upstream="dbt:model.shop.orders", downstream=board.id)
    project._graph = Graph([*project._collected(), board, reads], as_of=DAY)
    ((short,),) = commands(project.graph()).values()
    written = decide(project, accepted=True, upstream=short)
    assert written.sentence == "Revenue shows Revenue"


def test_a_name_for_a_table_is_a_table_and_a_model_before_the_source_it_builds(tmp_path: Path) -> None:
    project = Project.open(write_shop(tmp_path / "shop"), as_of=DAY, environment={})
    more = [
        Node(id="superset:dataset.8", kind="dataset", name="orders", origin=Origin("superset")),
        Node(id="dbt:source.shop.live.orders", kind="source", name="orders", relation="live.main.orders"),
    ]
    project._graph = Graph([*project._collected(), *content(), *more], as_of=DAY)
    decide(project, accepted=True, upstream=V1, target="orders")
    assert "  as: dbt:model.shop.orders\n" in text(project)


@given(st.text(max_size=80))
def test_any_note_is_read_as_it_was_written(note: str) -> None:
    text, _ = _appended(b"- accept: x\n  upstream: a\n  downstream: b\n", [
        ("accept", note), ("upstream", "a"), ("downstream", "c"), ("note", note),
    ])  # fmt: skip
    _, found = decisions(text, "links.yml")
    assert isinstance(found, Decision)
    assert found.note == " ".join("".join(c if c.isprintable() else " " for c in note).split())


def test_a_note_that_is_too_long_is_refused(shop: Project) -> None:
    with pytest.raises(UsageError, match="a note of 2,001 characters is too long"):
        decide(shop, accepted=False, upstream="table:crm.public.leads", note="x" * 2_001)
    assert not file_of(shop).exists()


def test_the_file_may_be_called_otherwise(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    settings = (folder / "headway.yml").read_text()
    (folder / "headway.yml").write_text(settings + "links: decided/bi.yml\n")
    project = with_content(Project.open(folder, as_of=DAY, environment={}))
    written = decide(project, accepted=True, upstream=BOARD.id, downstream="grow.revenue")
    assert (written.file, (folder / "decided" / "bi.yml").exists()) == ("decided/bi.yml", True)
    graph = again(project)
    assert graph.index[BOARD.id] in graph.shown_on[graph.index["goal:key_result.grow.revenue"]]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_says_so(shop: Project) -> None:
    Path(shop.config.root).chmod(0o500)
    try:
        with pytest.raises(ConfigError, match=r"links\.yml: cannot be written"):
            decide(shop, accepted=False, upstream="table:crm.public.leads")
    finally:
        Path(shop.config.root).chmod(0o700)


def test_decisions_about_what_is_gone_become_gaps_with_their_line(shop: Project) -> None:
    file_of(shop).write_text(
        "- accept: old\n  upstream: superset:dashboard.99\n  downstream: goal:key_result.grow.revenue\n"
        "- accept: old\n  upstream: table:crm.public.leads\n  as: dbt:model.shop.leads\n"
        "- accept: guess\n  upstream: table:crm.public.leads\n"
        "- decline: old\n  upstream: table:crm.public.leads\n  downstream: superset:chart.99\n"
    )
    messages = [g.message for g in again(shop).gaps if g.topic == "links"]
    assert messages == [
        "links.yml:7: decides again what line 4 decided; the later one counts",
        "links.yml:1: a decision has no effect: superset:dashboard.99 is not in the graph",
        "links.yml:4: a decision has no effect: dbt:model.shop.leads is not in the graph",
        "links.yml:7: a decision has no effect: the table 'crm.public.leads' fits no node",
        "links.yml:9: a decision has no effect: superset:chart.99 is not in the graph",
    ]


# --- the command -----------------------------------------------------------------------------------------------------

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def headway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    write_shop(tmp_path / "shop", goals=GOALS)
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LOGNAME", "tea-team")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_command_says_what_changed_and_where(headway: Run) -> None:
    code, out, err = headway("link", "accept", "sales_board", "grow.happiness", "--note", "on its second page")
    assert (code, out) == (0, "")
    assert err == "Accepted: Sales board shows Happy customers\nWritten to links.yml, line 3.\n"
    assert "  by: tea-team\n  on: 2026-11-22\n  note: on its second page\n" in Path("links.yml").read_text()
    assert "Happy customers" in headway("why", "sales_board")[1]
    code, out, err = headway("link", "decline", "sales_board", "grow.happiness")
    assert (code, out) == (2, "")
    assert err.startswith("Error: this was accepted on 2026-11-22 by tea-team: links.yml:3")


def test_after_a_sync_it_counts_at_the_next_one(headway: Run) -> None:
    headway("sync", "--no-values")
    assert headway("link", "accept", "sales_board", "grow.happiness")[2].endswith("after the next headway sync.\n")
    assert "Happy customers" not in headway("why", "sales_board")[1]
    assert headway("sync", "--no-values")[0] == 0
    assert "Happy customers" in headway("why", "sales_board")[1]
