"""Places of goals: their order in headway.yml, and settings proposed from a board's and a file's own columns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "connectors"))

from goal_five import FIVE, check_five
from http_server import Answer, Server
from monday_board import BOARD, TOKEN, MondayServer
from workbooks import workbook

from headway.cli.main import cli, run
from headway.config import Source
from headway.connectors.goals_csv import GoalsCsv
from headway.connectors.monday.connector import Monday
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, UsageError
from headway.project.goal_places import proposed
from headway.project.workspace import Project


def project(folder: Path, **said: Any) -> Project:
    (folder / "headway.yml").write_text(json.dumps(said))
    return Project.open(folder, environment={"HEADWAY_MONDAY_TOKEN": TOKEN})


def read(text: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(text)["connectors"][0])


def test_the_order_of_places_is_that_of_what_counts(tmp_path: Path) -> None:
    places = ["okrs.yml", {"name": "asana", "workspace": "1"}, {"path": "more.yml"}]
    config = project(tmp_path, goals=places).config
    assert config.goal_order == ("goals", "asana")
    assert [s for s in config.sources if s.connector in {"goals", "asana"}] == [
        Source("goals", {"path": "okrs.yml"}),
        Source("asana", {"workspace": "1"}),
        Source("goals", {"path": "more.yml"}),
    ]
    assert project(tmp_path, goals="okrs.yml").config.goal_order == ("goals",)


@pytest.mark.parametrize("places", [[7], [{"name": ["asana"]}]])
def test_places_that_cannot_be(tmp_path: Path, places: list[Any]) -> None:
    with pytest.raises(ConfigError):
        project(tmp_path, goals=places)


def test_a_board_proposes_its_own_columns(tmp_path: Path) -> None:
    monday = MondayServer([row for row in FIVE if not row.private])
    with monday.server:
        there = project(tmp_path, connectors=[{"name": "monday", "url": monday.server.url, "boards": [1]}])
        text = proposed(there, "monday", [BOARD])
        said = read(text)
        assert said["columns"]["target"] == "n_target"
        assert said["columns"]["parent"] == "up"
        assert "n_now  # Current value" in text
        assert "# not used: region (Region)" in text
        context = Context(str(tmp_path), there.now, there.environment)
        check_five(
            list(Monday({k: v for k, v in said.items() if k != "name"}, context).records()), "monday", private=False
        )


def test_boards_that_are_not_there(tmp_path: Path) -> None:
    monday = MondayServer()
    with monday.server:
        there = project(tmp_path, connectors=[{"name": "monday", "url": monday.server.url, "boards": [1]}])
        with pytest.raises(UsageError, match="none of these boards"):
            proposed(there, "monday", ["77"])


def test_a_file_proposes_its_own_columns(tmp_path: Path) -> None:
    (tmp_path / "okrs.csv").write_text('Order*;Summary*;"Target value*";Mood\n1;Grow: more;;\n1.1;Sales;5;good\n')
    there = project(tmp_path)
    text = proposed(there, "csv", ["okrs.csv"])
    assert "# not used: Mood" in text
    assert "no column of ids" in text
    said = read(text)
    assert said["columns"] == {"order": "Order*", "title": "Summary*", "target": "Target value*"}
    assert list(GoalsCsv({k: v for k, v in said.items() if k != "name"}, Context(str(tmp_path), there.now)).records())


@pytest.mark.parametrize(
    ("tool", "what", "error"),
    [
        ("jira", (), UsageError),
        ("monday", (), UsageError),
        ("csv", (), UsageError),
        ("csv", ("gone.csv",), InputError),
        ("csv", ("none.csv",), InputError),
        ("monday", ("x",), ConfigError),
    ],
)
def test_what_cannot_be_proposed(tmp_path: Path, tool: str, what: tuple[str, ...], error: type[Exception]) -> None:
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    with pytest.raises(error):
        proposed(project(tmp_path), tool, what)


def test_the_command_prints_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "okrs.csv").write_text("id,title\n1,Grow\n")
    done = CliRunner().invoke(cli, ["init", "csv", "okrs.csv", "--project-dir", str(tmp_path)], standalone_mode=False)
    assert done.stdout.startswith("connectors:\n  - name: goals_csv\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["okrs.csv"]
    assert run(["init", "jira", "--project-dir", str(tmp_path)]) == 2


def test_a_sheet_of_a_workbook_and_a_table_at_an_address(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")

    def fill(book: Any) -> None:
        for name in ("2026", "2025"):
            book.create_sheet(name).append(["Objective", "Key result", "Target"])

    (tmp_path / "okrs.xlsx").write_bytes(workbook(fill))
    with pytest.raises(InputError, match=r"say which one.*'2026'"):
        proposed(project(tmp_path), "csv", ["okrs.xlsx"])
    said = proposed(project(tmp_path), "csv", ["okrs.xlsx", "2026"])
    assert said.startswith('connectors:\n  - name: goals_csv\n    path: okrs.xlsx\n    sheet: "2026"\n    columns:\n')
    assert "title: Key result\n      objective: Objective\n" in said
    with Server({"/okrs.csv": Answer(b"id,title\n1,Grow\n")}) as server:
        said = proposed(project(tmp_path), "csv", [f"{server.url}/okrs.csv"])
        assert f'    url: "{server.url}/okrs.csv"\n' in said or f"    url: {server.url}/okrs.csv\n" in said
