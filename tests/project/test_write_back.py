"""Values given back to goal tools: first a dry run, once each, only what is Headway's own, and whole after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "connectors"))

from goal_five import FIVE
from http_server import Answer, Request, Server
from monday_board import SDL, TOKEN, MondayServer

from headway.cli.main import cli
from headway.config import Config
from headway.errors import ConfigError, InputError, ServiceError, UsageError
from headway.graph.graph import Graph
from headway.graph.model import Binding, Edge, Node, Objective, Origin, Reading, Target
from headway.project.ledger import entries
from headway.project.workspace import Project
from headway.project.write_back import values, write_back
from headway.sinks import csv_values
from headway.sinks.monday_values import READ, WRITE
from headway.sinks.protocol import Delivered
from headway.sinks.values import Value, decided

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def goal(node: str, value: float | None, way: Binding | None = None) -> list[Any]:
    """One key result with its objective and a measured value."""
    o = Origin(node.partition(":")[0])
    above = f"{o.connector}:top"
    found: list[Any] = [
        Node(id=above, kind="objective", name="top", origin=o),
        Objective(objective=above, start=date(2026, 10, 1), end=date(2026, 12, 31), origin=o),
        Node(id=node, kind="key_result", name=node, title=f"Goal {node}", origin=o),
        Target(
            key_result=node,
            objective=above,
            baseline=0.0,
            target=10.0,
            binding=way or Binding(sql="select 1"),
            origin=o,
        ),
        Edge(upstream=node, downstream=above, role="supports", origin=o),
    ]
    if value is not None:
        found.append(Reading(key_result=node, day=date(2026, 11, 20), value=value, grain="day", source="sql", origin=o))
    return found


def graph(*records: list[Any]) -> Graph:
    return Graph([r for part in records for r in part], as_of=TODAY)


def project(folder: Path, places: dict[str, Any], records: Graph, **environment: str) -> Project:
    config = Config(root=str(folder), write_back=places)
    environment = {"HEADWAY_ASANA_TOKEN": "tok", "HEADWAY_MONDAY_TOKEN": TOKEN, **environment}
    return Project(config, TODAY, NOW, environment).with_graph(records)


def run(there: Project, **how: Any) -> list[tuple[str, str]]:
    return [(one.key, one.outcome) for one in write_back(there, **how)]


class AsanaServer:
    """Goals with a metric; what is set is kept."""

    def __init__(self, **current: float | None) -> None:
        self.current: dict[str, float | None] = {key.removeprefix("g"): value for key, value in current.items()}
        self.source = "external"
        self.posts: list[tuple[str, float]] = []
        self.slow = 0.0
        self.server = Server()
        for key in self.current:
            self.server.routes[f"/api/1.0/goals/{key}"] = lambda _, key=key: self.goal(key)
            self.server.routes[f"POST /api/1.0/goals/{key}/setMetricCurrentValue"] = lambda r, key=key: self.set(r, key)

    def goal(self, key: str) -> dict[str, Any]:
        metric = {"progress_source": self.source, "can_manage": True, "current_number_value": self.current[key]}
        return {"data": {"gid": key, "metric": {**metric, "initial_number_value": 0}}}

    def set(self, request: Request, key: str) -> Any:
        body = request.json
        assert set(body) == {"data"}
        assert set(body["data"]) == {"current_number_value"}
        self.current[key] = body["data"]["current_number_value"]
        self.posts.append((key, float(body["data"]["current_number_value"])))
        if self.slow:
            time.sleep(self.slow)
        return self.goal(key)


@pytest.fixture
def asana() -> Iterator[AsanaServer]:
    there = AsanaServer(g1=0.0, g2=None, g3=0.0)
    with there.server:
        yield there


def places(asana: AsanaServer) -> dict[str, Any]:
    return {"asana": {"url": asana.server.url}}


def test_a_dry_run_changes_nothing_and_says_what_would_change(asana: AsanaServer, tmp_path: Path) -> None:
    there = project(tmp_path, places(asana), graph(goal("asana:1", 4.5), goal("asana:2", 7.0)))
    said = list(write_back(there, write=False))
    assert [one.outcome for one in said] == ["would be sent", "would be sent"]
    assert said[0].sentence == "Goal asana:1: the current value in Asana would change from 0 to 4.5"
    assert asana.posts == []
    assert not (tmp_path / ".headway").exists()


def test_it_writes_once(asana: AsanaServer, tmp_path: Path) -> None:
    there = project(tmp_path, places(asana), graph(goal("asana:1", 4.5), goal("asana:2", 7.0)))
    assert run(there, write=True) == [("asana:1", "sent"), ("asana:2", "sent")]
    kept = len(entries(there, "value"))
    assert run(there, write=True) == [("asana:1", "same"), ("asana:2", "same")]
    assert asana.posts == [("1", 4.5), ("2", 7.0)]
    assert len(entries(there, "value")) == kept  # nothing new to remember


def test_a_new_value_follows_an_old_one_of_ours(asana: AsanaServer, tmp_path: Path) -> None:
    run(project(tmp_path, places(asana), graph(goal("asana:1", 4.5))), write=True)
    assert run(project(tmp_path, places(asana), graph(goal("asana:1", 5.0))), write=True) == [("asana:1", "sent")]
    assert asana.current["1"] == 5.0


def test_what_somebody_changed_since_is_left_alone_and_named(asana: AsanaServer, tmp_path: Path) -> None:
    run(project(tmp_path, places(asana), graph(goal("asana:1", 4.5))), write=True)
    asana.current["1"] = 9.0
    there = project(tmp_path, places(asana), graph(goal("asana:1", 5.0)))
    (said,) = write_back(there, write=True)
    assert said.outcome == "left alone"
    assert "Goal asana:1" in said.sentence
    assert "to 9" in said.sentence
    assert asana.current["1"] == 9.0
    assert run(there, write=True, force=True) == [("asana:1", "sent")]
    assert asana.current["1"] == 5.0


def test_what_somebody_typed_before_the_first_time_is_theirs(asana: AsanaServer, tmp_path: Path) -> None:
    asana.current["1"] = 3.0
    assert run(project(tmp_path, places(asana), graph(goal("asana:1", 5.0))), write=True) == [("asana:1", "left alone")]
    assert asana.posts == []


def test_metrics_that_people_fill_in_are_not_ours(asana: AsanaServer, tmp_path: Path) -> None:
    asana.source = "manual"
    there = project(tmp_path, places(asana), graph(goal("asana:1", 5.0)))
    assert run(there, write=True, force=True) == [("asana:1", "left alone")]
    assert asana.posts == []


def test_one_that_fails_does_not_stop_the_others(asana: AsanaServer, tmp_path: Path) -> None:
    there = project(tmp_path, places(asana), graph(goal("asana:404", 1.0), goal("asana:2", 7.0)))
    assert run(there, write=True) == [("asana:404", "failed"), ("asana:2", "sent")]


def test_a_wrong_token_stops_all(asana: AsanaServer, tmp_path: Path) -> None:
    asana.server.routes["/api/1.0/goals/1"] = Answer({}, status=401)
    with pytest.raises(ServiceError, match="credentials"):
        run(project(tmp_path, places(asana), graph(goal("asana:1", 1.0))), write=True)


def test_only_measured_values_are_sent() -> None:
    found = graph(goal("asana:1", 4.0), goal("asana:2", None), goal("asana:3", 5.0, Binding(manual=True)))
    assert [v.key for v in values(found, {"asana": {}})["asana"]] == ["asana:1"]


def test_the_number_of_a_goal_with_goals_below_goes_to_that_goal() -> None:
    (value,) = values(graph(goal("asana:1.number", 4.0)), {"asana": {}})["asana"]
    assert (value.key, value.place) == ("asana:1.number", "1")


@pytest.mark.parametrize(("there", "sent"), [(1.0, [0.0354]), (100.0, [3.54]), (0.0, [])])
def test_a_share_goes_in_percent_to_a_tool_that_has_percents_and_not_at_all_where_nobody_knows(
    there: float, sent: list[float]
) -> None:
    from msgspec.structs import replace as changed

    records = [changed(r, there=there) if isinstance(r, Target) else r for r in goal("asana:1", 0.0354)]
    found = values(graph(records), {"asana": {}, "csv": {}})
    assert [v.value for v in found.get("asana", [])] == sent
    assert "csv" not in found


def test_a_goal_that_two_places_have_is_written_where_it_is_kept() -> None:
    mine = goal("goal:key_result.top.sales", 4.0)
    mine[2] = replace_meta(mine[2])
    found = Graph([*mine, *goal("asana:1", None, Binding(manual=True))], as_of=TODAY)
    assert [(v.key, v.value) for v in values(found, {"asana": {}, "csv": {}})["asana"]] == [("asana:1", 4.0)]


def replace_meta(node: Node) -> Node:
    from msgspec.structs import replace as changed

    return changed(node, meta={"same_as": "asana:1"})


# --- monday.com ------------------------------------------------------------------------------------------------------


@pytest.fixture
def monday() -> Iterator[MondayServer]:
    there = MondayServer([replace(row, numbers=None) for row in FIVE if not row.private])
    with there.server:
        yield there


def test_monday_queries_are_of_the_schema() -> None:
    from graphql import build_schema, parse, validate

    assert [validate(build_schema(SDL), parse(query)) for query in (READ, WRITE)] == [[], []]


def test_monday_gets_its_column_and_nothing_else(monday: MondayServer, tmp_path: Path) -> None:
    said = {"monday": {"url": monday.server.url, "column": "n_now"}}
    there = project(tmp_path, said, graph(goal("monday:105", 4.5)))
    assert run(there, write=False) == [("monday:105", "would be sent")]
    assert monday.writes == []
    assert run(there, write=True) == [("monday:105", "sent")]
    assert run(there, write=True) == [("monday:105", "same")]
    assert monday.writes == [("105", "n_now", "4.5")]
    monday.rows = [replace(row, numbers=(0.0, 0.0, 77.0)) if row.key == "105" else row for row in monday.rows]
    there = project(tmp_path, said, graph(goal("monday:105", 6.0)))
    assert run(there, write=True) == [("monday:105", "left alone")]


def test_monday_items_and_columns_that_are_gone_fail_alone(monday: MondayServer, tmp_path: Path) -> None:
    said = {"monday": {"url": monday.server.url, "column": "who"}}
    there = project(tmp_path, said, graph(goal("monday:105", 4.5), goal("monday:999", 1.0)))
    assert run(there, write=True) == [("monday:105", "failed"), ("monday:999", "failed")]


def refusing(code: str) -> Server:
    """monday.com that refuses one item with this code, and has the others."""

    def answer(request: Request) -> Answer:
        (item,) = request.json["variables"].get("items") or [request.json["variables"].get("item")]
        if item == "1":
            return Answer({"errors": [{"message": "no", "extensions": {"code": code}}]})
        cell = {"id": "n", "type": "numbers", "number": None}
        return Answer({"data": {"items": [{"id": item, "board": {"id": "7"}, "column_values": [cell]}]}})

    return Server({"POST /v2": answer})


@pytest.mark.parametrize("code", ["InvalidItemIdException", "UserUnauthorizedException", "CursorExpiredError"])
def test_one_item_that_monday_refuses_does_not_stop_the_others(tmp_path: Path, code: str) -> None:
    with refusing(code) as server:
        said = {"monday": {"url": server.url, "column": "n"}}
        there = project(tmp_path, said, graph(goal("monday:1", 4.5), goal("monday:2", 7.0)))
        assert run(there, write=True) == [("monday:1", "failed"), ("monday:2", "sent")]


@pytest.mark.parametrize("code", ["UNAUTHORIZED", "DAILY_LIMIT_EXCEEDED"])
def test_what_monday_refuses_of_all_items_stops_all(tmp_path: Path, code: str) -> None:
    with refusing(code) as server:
        said = {"monday": {"url": server.url, "column": "n"}}
        with pytest.raises(ServiceError, match=code):
            run(project(tmp_path, said, graph(goal("monday:1", 4.5), goal("monday:2", 7.0))), write=True)


def test_monday_needs_its_column(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="column"):
        run(project(tmp_path, {"monday": {}}, graph(goal("monday:105", 4.5))), write=False)


# --- A file ----------------------------------------------------------------------------------------------------------


def test_the_rest_goes_to_a_file(tmp_path: Path) -> None:
    there = project(
        tmp_path, {"csv": {"path": "out/values.csv"}}, graph(goal("lattice:1", 4.5), goal("lattice:2", 7.0))
    )
    assert run(there, write=False) == [("lattice:1", "would be sent"), ("lattice:2", "would be sent")]
    assert not (tmp_path / "out").exists()
    assert run(there, write=True) == [("lattice:1", "sent"), ("lattice:2", "sent")]
    file = tmp_path / "out/values.csv"
    assert file.read_text() == (
        "key_result,title,value,unit,day\n"
        "lattice:1,Goal lattice:1,4.5,,2026-11-20\n"
        "lattice:2,Goal lattice:2,7,,2026-11-20\n"
    )
    file.write_text(
        file.read_text().replace("4.5,", "99,").replace("unit,day", "unit,day,note").replace("11-20\n", "11-20,x\n")
    )
    there = project(
        tmp_path, {"csv": {"path": "out/values.csv"}}, graph(goal("lattice:1", 5.0), goal("lattice:2", 8.0))
    )
    assert run(there, write=True) == [("lattice:1", "left alone"), ("lattice:2", "sent")]
    assert file.read_text().splitlines()[1:] == [
        "lattice:1,Goal lattice:1,99,,2026-11-20,x",
        "lattice:2,Goal lattice:2,8,,2026-11-20,x",
    ]


def test_a_file_of_somebody_elses_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not ours"):
        run(project(tmp_path, {"csv": {"path": "values.csv"}}, graph(goal("lattice:1", 4.5))), write=True)
    assert (tmp_path / "values.csv").read_text() == "a,b\n1,2\n"


def test_what_somebody_saves_while_values_are_looked_at_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "values.csv"
    file.write_text("key_result,value\nlattice:9,1\n")

    def saved_meanwhile(*said: Any, **more: Any) -> Any:
        file.write_text(file.read_text() + "lattice:8,2\n")
        return decided(*said, **more)

    monkeypatch.setattr(csv_values, "decided", saved_meanwhile)
    there = project(tmp_path, {"csv": {"path": "values.csv"}}, graph(goal("lattice:1", 4.5)))
    with pytest.raises(InputError, match="was changed while this was prepared"):
        run(there, write=True)
    monkeypatch.undo()
    assert run(there, write=True) == [("lattice:1", "sent")]
    assert {"lattice:8,2,,,", "lattice:9,1,,,"} < set(file.read_text().splitlines())


@pytest.mark.parametrize("typed", ['"about 3,000"', '"1,234"', "n/a until audit", "inf", "nan", "4.5 EUR"])
def test_a_text_that_somebody_typed_is_left_alone(tmp_path: Path, typed: str) -> None:
    file = tmp_path / "values.csv"
    file.write_text(f"key_result,title,value,unit,day\nlattice:1,Mine,{typed},,\n")
    there = project(tmp_path, {"csv": {"path": "values.csv"}}, graph(goal("lattice:1", 4.5)))
    (said,) = write_back(there, write=True)
    assert said.outcome == "left alone"
    assert f"to {typed.strip(chr(34))!r}, so it is not set to 4.5; --force does" in said.sentence
    assert file.read_text() == f"key_result,title,value,unit,day\nlattice:1,Mine,{typed},,\n"
    assert run(there, write=True, force=True) == [("lattice:1", "sent")]
    assert file.read_text().splitlines()[1] == "lattice:1,Goal lattice:1,4.5,,2026-11-20"


def test_an_empty_cell_is_filled(tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_text("key_result,value\nlattice:1, \n")
    there = project(tmp_path, {"csv": {"path": "values.csv"}}, graph(goal("lattice:1", 4.5)))
    assert run(there, write=True) == [("lattice:1", "sent")]


def test_nothing_equals_infinity() -> None:
    value = Value("k", "k", "K", 4.5, ours=(float("inf"),))
    assert decided(value, float("inf")) == "leave"
    assert decided(value, 1e300) == "leave"


def test_cells_of_others_stay_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_bytes(
        b"\xef\xbb\xbfnote,key_result,value,note,unit,day,title\r\n"
        b'"a",lattice:9,9,"b, c",,,Other,beyond,"the end"\r\n'
        b"\r\n"
        b"x,lattice:1,,y,,,Mine,too long\r\n"
        b"short\r\n"
    )
    there = project(tmp_path, {"csv": {"path": "values.csv"}}, graph(goal("lattice:1", 4.5), goal("lattice:2", 7.0)))
    assert run(there, write=True) == [("lattice:1", "sent"), ("lattice:2", "sent")]
    assert file.read_bytes() == (
        b"\xef\xbb\xbfnote,key_result,value,note,unit,day,title\r\n"
        b'"a",lattice:9,9,"b, c",,,Other,beyond,"the end"\r\n'
        b"\r\n"
        b"x,lattice:1,4.5,y,,2026-11-20,Goal lattice:1,too long\r\n"
        b"short\r\n"
        b",lattice:2,7,,,2026-11-20,Goal lattice:2\r\n"
    )


def test_a_column_that_is_missing_comes_behind_all_that_stands_there(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_text("key_result,value\nlattice:1,,by hand\nlattice:9,1")
    there = project(tmp_path, {"csv": {"path": "values.csv"}}, graph(goal("lattice:1", 4.5)))
    assert run(there, write=True) == [("lattice:1", "sent")]
    assert file.read_text() == (
        "key_result,value,,title,unit,day\nlattice:1,4.5,by hand,Goal lattice:1,,2026-11-20\nlattice:9,1,,,,\n"
    )


# --- Killed midway ---------------------------------------------------------------------------------------------------

_CHILD = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_write_back import goal, graph, project
from headway.project.write_back import write_back
values = [float(v) for v in sys.argv[3:]]
records = graph(*(goal(f"asana:{{n}}", v) for n, v in enumerate(values, 1)))
list(write_back(project(Path(sys.argv[1]), {{"asana": {{"url": sys.argv[2]}}}}, records), write=True))
"""


def start(folder: Path, url: str, *numbers: float) -> subprocess.Popen[bytes]:
    code = _CHILD.format(tests=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code, str(folder), url, *map(str, numbers)], start_new_session=True)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_killed_midway_and_run_again_it_ends_in_the_same_state(asana: AsanaServer, tmp_path: Path, after: int) -> None:
    """Killed right after the system outside has taken a value, and before it is written down that it was sent."""
    asana.slow = 3.0
    child = start(tmp_path, asana.server.url, 4.0, 5.0, 6.0)
    deadline = time.monotonic() + 60
    while len(asana.posts) < after and time.monotonic() < deadline:
        asana.slow = 3.0 if len(asana.posts) + 1 >= after else 0.0
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(10)
    assert len(asana.posts) == after
    asana.slow = 0.0
    there = project(tmp_path, places(asana), graph(goal("asana:1", 4.0), goal("asana:2", 5.0), goal("asana:3", 6.0)))
    outcomes = dict(run(there, write=True))
    assert set(outcomes.values()) <= {"sent", "same"}
    assert asana.current == {"1": 4.0, "2": 5.0, "3": 6.0}
    assert sorted(asana.posts) == [("1", 4.0), ("2", 5.0), ("3", 6.0)]  # nothing twice
    assert set(dict(run(there, write=True)).values()) == {"same"}


def test_a_value_that_moved_on_after_a_kill_is_not_taken_for_somebody_elses(asana: AsanaServer, tmp_path: Path) -> None:
    asana.slow = 3.0
    child = start(tmp_path, asana.server.url, 4.0)
    deadline = time.monotonic() + 60
    while not asana.posts and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(10)
    asana.slow = 0.0
    there = project(tmp_path, places(asana), graph(goal("asana:1", 4.8)))
    assert run(there, write=True) == [("asana:1", "sent")]
    assert asana.current["1"] == 4.8


# --- The command -----------------------------------------------------------------------------------------------------


def test_what_is_not_configured_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no place is configured"):
        run(project(tmp_path, {}, graph()), write=False)
    with pytest.raises(UsageError, match="lattice is not under"):
        run(project(tmp_path, {"csv": {"path": "v.csv"}}, graph()), write=False, only=["lattice"])
    with pytest.raises(ConfigError, match="cannot be written to 'jira'"):
        run(project(tmp_path, {"jira": {}}, graph(goal("jira:1", 1.0))), write=False)


@pytest.mark.parametrize(
    ("outcomes", "code"), [(["sent", "same"], 0), (["sent", "left alone"], 1), (["left alone", "failed"], 2), ([], 0)]
)
def test_the_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcomes: list[Any], code: int) -> None:
    said = [Delivered("k", outcome, f"Revenue was {outcome}") for outcome in outcomes]
    monkeypatch.setattr("headway.project.write_back.write_back", lambda *_, **__: iter(said))
    (tmp_path / "headway.yml").write_text("write_back: {csv: {path: v.csv}}\n")
    done = CliRunner().invoke(cli, ["write-back", "--write", "--project-dir", str(tmp_path)], standalone_mode=False)
    assert done.return_value == code
    assert done.stdout.count("Revenue was") == len(outcomes)
