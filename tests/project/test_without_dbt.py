"""`dbt: false`: a company with dashboards and goals, and no dbt. Every command works or says what it lacks."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pytest

from headway.cli.main import run
from headway.errors import ConfigError
from headway.project import Project
from headway.questions.registry import questions

EXPORT = Path(__file__).resolve().parents[2] / "examples/lumaloop/superset"
SETTINGS = "project: tea\ndbt: false\nas_of: 2026-11-22\nconnectors: [{name: superset, export: superset}]\n"
GOALS = """\
version: 1
periods: [{id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}]
objectives:
  - id: grow
    title: Grow
    period: 2026-Q4
    key_results:
      - {id: love, title: Love, readings: [{date: 2026-11-01, value: 4}], baseline: 1, target: 5}
      - {id: rows, title: Rows, sql: select 1, baseline: 1, target: 5}
"""


@pytest.fixture
def tea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "headway.yml").write_text(SETTINGS)
    (tmp_path / "goals.yml").write_text(GOALS)
    shutil.copytree(EXPORT, tmp_path / "superset")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_source_of_dbt_is_read_and_everything_else_is(tea: Path) -> None:
    project = Project.open(tea)
    assert [s.connector for s in project.config.sources] == ["goals", "superset"]
    results = {r.connector: r for r in project.sync()}
    assert not any(r.error for r in results.values())
    assert results["superset"].records > 10
    (gap,) = results["values"].gaps
    assert gap.message.endswith("on the warehouse of a dbt project, and dbt: false says that there is none")
    assert gap.hint == "write their readings into the goals file"
    graph = Project.open(tea).graph()
    assert {node.kind for node in graph.nodes} >= {"dashboard", "chart", "dataset", "key_result"}
    assert not [node for node in graph.nodes if node.id.startswith("dbt:")]


NAMED = {"asset": "superset", "key_result": "love", "objective": "grow", "text": "revenue", "earlier": "2026-11-22"}


@pytest.mark.parametrize("name", sorted(questions()))
def test_every_question_has_an_answer(tea: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Project.open(tea).sync()
    parameters = inspect.signature(questions()[name].ask).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.name != "graph"]
    code = run([name, *(NAMED.get(n, "love") for n in needed)])
    out, err = capsys.readouterr()
    assert code == 0 or (code == 2 and needed and err.startswith("Error: "))
    assert code == 2 or out.strip()
    assert "target/" not in out + err
    assert "dbt parse" not in out + err


@pytest.mark.parametrize(
    "words",
    ["export dbt", "select grow", "retire --zombies", "retire --status", "check"],
)
def test_what_is_about_dbt_alone_says_that_there_is_none(
    tea: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2
    assert "dbt: false in headway.yml says that there is none" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["export json", "export dot", "init", "sync", "links --all", "goals suggest"])
def test_the_other_commands_work(tea: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words.split()) == 0
    assert "manifest" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "key", ["columns: true", "owners: {models/: tea-team}", "warehouse: {profiles_dir: .}", "columns: {path: x}"]
)
def test_what_can_only_be_said_of_dbt_is_refused_with_its_line(tea: Path, key: str) -> None:
    (tea / "headway.yml").write_text(f"{SETTINGS}{key}\n")
    name = key.partition(":")[0]
    with pytest.raises(ConfigError, match=rf"headway.yml:5:1: {name} is about a dbt project, and dbt: false") as caught:
        Project.open(tea)
    assert caught.value.hint == f"leave out {name}, or dbt: false"


@pytest.mark.parametrize("said", ["true", "no dbt", "[target]", "0"])
def test_anything_but_false_is_still_a_mapping(tea: Path, said: str) -> None:
    (tea / "headway.yml").write_text(f"dbt: {said}\n")
    with pytest.raises(ConfigError, match="dbt must be a mapping"):
        Project.open(tea)
