"""What unbound key results could be bound to: scored, with reasons, and written only where somebody says so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from headway.cli.main import cli, run
from headway.config import Config, Source
from headway.connectors.goals.reader import read
from headway.connectors.goals.records import records as goal_records
from headway.errors import InputError, UnknownName, UsageError
from headway.graph.bindable import proposals, unbound
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Binding, Coverage, Edge, Node, Objective, Observation, Origin, Target
from headway.project.bindings import append, proposed_yaml
from headway.project.workspace import Project
from headway.questions.bindings import bindings
from shop import write_shop

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
DBT, ASANA = Origin("dbt"), Origin("asana")


def key_result(key: str, title: str, unit: str = "", binding: Binding | None = None) -> list[AnyRecord]:
    node = f"asana:{key}"
    return [
        Node(id=node, kind="key_result", name=key, title=title, origin=ASANA),
        Target(key_result=node, objective="asana:1", target=9.0, unit=unit, binding=binding or Binding(), origin=ASANA),
        Edge(upstream=node, downstream="asana:1", role="supports", origin=ASANA),
    ]


def asset(kind: str, name: str, **more: Any) -> Node:
    return Node(id=f"dbt:{kind}.tea.{name}", kind=kind, name=name, origin=DBT, **more)


RECORDS: list[AnyRecord] = [
    Node(id="asana:1", kind="objective", name="1", title="Grow", origin=ASANA),
    Objective(objective="asana:1", start=date(2026, 10, 1), end=date(2026, 12, 31), origin=ASANA),
    *key_result("2", "Monthly recurring revenue of the harbour", "EUR", Binding(manual=True)),
    *key_result("3", "Fewer late deliveries", "percent"),
    *key_result("4", "People love us"),
    *key_result("5", "Orders", "", Binding(metric="orders")),
    asset("metric", "harbour_mrr", title="Harbour MRR", description="of subscriptions", aggregates=("sum(amount)",)),
    asset("metric", "visitors", description="people in the shop"),
    asset("metric", "orders"),
    asset("model", "late_deliveries", description="deliveries that were late"),
    asset("dashboard", "deliveries_board", title="Late deliveries"),
    Edge(upstream="dbt:model.tea.late_deliveries", downstream="dbt:dashboard.tea.deliveries_board", origin=DBT),
    Coverage(covers="kind:dashboard", start=date(2026, 8, 1), end=TODAY, origin=DBT),
    Observation(
        day=date(2026, 11, 20), measure="people", amount=4.0, node="dbt:dashboard.tea.deliveries_board",
        person_class="person", origin=DBT,
    ),
]  # fmt: skip


def graph(more: str = "") -> Graph:
    extra = list(goal_records(read([("goals.yml", more.encode())]))) if more else []
    return Graph([*RECORDS, *extra], as_of=TODAY)


def project(folder: Path, path: str = "goals.yml") -> Project:
    config = Config(root=str(folder), sources=(Source("goals", {"path": path}),))
    return Project(config, TODAY, NOW, {}).with_graph(graph())


def test_what_is_bound_to_nothing_or_typed_in_a_tool_is_unbound() -> None:
    found = graph()
    assert [found.nodes[g].name for g in unbound(found)] == ["2", "3", "4"]


def test_a_synonym_and_the_unit_find_the_metric() -> None:
    found = graph()
    best = next(p for p in proposals(found) if found.nodes[p.goal].name == "2")
    assert (found.nodes[best.asset].name, best.way) == ("harbour_mrr", "metric")
    assert best.score > 0.7
    said = " | ".join(best.reasons)
    assert "'mrr' is another word for 'monthly recurring revenue'" in said
    assert "Harbour MRR can be in EUR" in said


def test_what_is_called_just_so_comes_first() -> None:
    records: list[AnyRecord] = [
        *RECORDS[:2],
        *key_result("6", "Monthly churn rate"),
        asset(
            "metric", "churned_subscriptions", title="Churned subscriptions", description="for the monthly churn rate"
        ),
        asset("metric", "monthly_churn_rate", title="Monthly churn rate"),
        asset("metric", "a_churn_rate_monthly", title="Churn rate, monthly"),
    ]
    found = Graph(records, as_of=TODAY)
    assert found.nodes[proposals(found)[0].asset].name == "monthly_churn_rate"


@pytest.mark.parametrize(
    ("unit", "target", "said"),
    [("", None, True), ("share", 0.09, False), ("percent", 9.0, False), ("EUR", 9.0, False)],
)
def test_percents_of_a_tool_are_compared_only_with_what_somebody_says_they_are(
    unit: str, target: float | None, said: bool
) -> None:
    more = f"version: 1\nbindings: [{{goal: asana:3, metric: visitors{', unit: ' + unit if unit else ''}}}]\n"
    found = graph(more)
    aim = found.targets[found.index["asana:3"]]
    assert (aim.target, aim.binding.metric) == (target, "visitors")
    assert aim.unit == (unit if unit == "share" else "percent" if unit else "")
    assert aim.there == {"share": 100.0, "": 0.0}.get(unit, 1.0)
    gaps = [g.message for g in found.gaps if "is in percent there" in g.message]
    assert bool(gaps) is said


def test_models_and_dashboards_are_proposed_with_who_reads_them() -> None:
    found = graph()
    of = {p.way: p for p in proposals(found) if found.nodes[p.goal].name == "3"}
    assert {way: found.nodes[p.asset].name for way, p in of.items()} == {
        "model": "late_deliveries",
        "shown_on": "deliveries_board",
    }
    assert any("4 people read what stands on it" in reason for reason in of["model"].reasons)


def test_nothing_is_proposed_for_what_nothing_is_called_like() -> None:
    found = graph()
    assert not [p for p in proposals(found) if found.nodes[p.goal].name == "4"]


def test_the_question_says_how_many_and_why() -> None:
    answer = bindings(graph())
    assert answer.headline == "3 key results are bound to nothing that measures them; nothing is called like 1 of them."
    assert answer.totals == {"unbound": 3, "proposed": 3}
    assert answer.rows[0].values[:4] == (
        "Monthly recurring revenue of the harbour",
        "Grow",
        "harbour_mrr",
        "its metric",
    )
    assert bindings(graph(), key_result="asana:4").headline == "Nothing is called like it."


def test_the_yaml_binds_when_it_is_pasted(tmp_path: Path) -> None:
    text, without = proposed_yaml(project(tmp_path))
    assert without == ["People love us"]
    found = graph(f"bindings:\n{text}")
    assert found.targets[found.index["asana:2"]].binding.metric == "harbour_mrr"
    assert [found.nodes[i].name for i in found.shown_on[found.index["asana:3"]]] == ["deliveries_board"]


FILE = """\
# Our goals
objectives: []   # they live in Asana
bindings:        # agreed on Mondays
    - {goal: "asana:5", metric: orders}  # kept

# The end
"""


def test_writing_appends_what_is_named_and_keeps_every_other_byte(tmp_path: Path) -> None:
    (tmp_path / "goals.yml").write_text(FILE)
    done = append(project(tmp_path), ["asana:2"])
    assert (done.file, done.goals) == ("goals.yml", ("Monthly recurring revenue of the harbour",))
    after = (tmp_path / "goals.yml").read_text()
    before, _, rest = FILE.partition("\n\n# The end")
    assert after.startswith(before)
    assert after.endswith("\n# The end\n")
    assert [b.text("metric") for b in read([("goals.yml", after.encode())]).bindings] == ["orders", "harbour_mrr"]
    assert rest == "\n"


@pytest.mark.parametrize(
    "text", [None, "", "objectives: []\n", "bindings: []\n", "bindings:\n", "version: 1\r\nbindings: []\r\n"]
)
def test_files_without_bindings_get_them(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "goals.yml").write_bytes(text.encode())
    append(project(tmp_path), ["asana:2", "asana:3"])
    data = (tmp_path / "goals.yml").read_bytes()
    assert [b.text("goal") for b in read([("goals.yml", data)]).bindings] == ["asana:2", "asana:3"]
    assert data.startswith((text or "").partition("bindings:")[0].encode())


def test_a_folder_of_goals_gets_a_file_of_bindings(tmp_path: Path) -> None:
    (tmp_path / "okrs").mkdir()
    assert append(project(tmp_path, "okrs"), ["asana:2"]).file == "okrs/bindings.yml"


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], UsageError, "unless somebody names it"),
        (["asana:5"], UsageError, "bound already"),
        (["asana:4"], UsageError, "nothing is called like"),
        (["asana:77"], UnknownName, "no key result"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path: Path, names: list[str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        append(project(tmp_path), names)
    assert not (tmp_path / "goals.yml").exists()


@pytest.mark.parametrize(
    "text",
    [
        'bindings: [{goal: "asana:5", metric: orders}]\n',
        "bindings:\n  - {goal: x, metric: m, metrics: n}\n",
        "\tx: 1\n",
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "goals.yml").write_text(text)
    with pytest.raises(InputError):
        append(project(tmp_path), ["asana:2"])
    assert (tmp_path / "goals.yml").read_text() == text


@pytest.mark.parametrize("words", [["suggest-bindings"], ["goals", "suggest"]])
def test_the_command_prints_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr("headway.cli.bindings.project_of", lambda _: project(tmp_path))
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.stdout.startswith("bindings:\n  - goal:")
    assert "Nothing is called like 'People love us'" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = CliRunner().invoke(cli, [*words, "--write", "asana:2"], standalone_mode=False)
    assert "Appended to goals.yml" in done.stderr


def test_where_nothing_is_unbound_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--project-dir", str(write_shop(tmp_path))]
    assert run(["suggest-bindings", *at]) == 0
    assert capsys.readouterr() == ("", "Every key result is bound.\n")
    (tmp_path / "goals.yml").write_text("version: 1\n")
    assert run(["suggest-bindings", *at]) == 0
    assert capsys.readouterr() == ("", "No key results are known yet: headway init writes some.\n")
