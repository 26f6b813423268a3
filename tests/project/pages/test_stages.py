"""What each stage of a retirement would change is shown before it begins, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desk import desk
from headway.project import Project
from headway.project.pages.stages import FileChange, stages_of
from headway.project.pages.triage import choose
from headway.project.retire import prepare

SCHEMA = """\
models:
  - name: orders
  - name: forgotten
    description: An old table.
"""
SECRET = "select 'a literal that nobody should read' as note\nfrom raw\n"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    made = desk(tmp_path)
    path = tmp_path / "target/manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    node = manifest["nodes"]["model.shop.forgotten"]
    node |= {"original_file_path": "models/forgotten.sql", "patch_path": "shop://models/schema.yml"}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "models").mkdir(exist_ok=True)
    (tmp_path / "models/schema.yml").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "models/forgotten.sql").write_text(SECRET, encoding="utf-8")
    return made


def node(project: Project, name: str) -> str:
    return next(n.id for n in project.graph().nodes if n.name == name)


def changes(project: Project) -> dict[str, dict[str, FileChange]]:
    found = stages_of(project, [node(project, "forgotten")])
    assert [s.problem for s in found] == ["", "", "", ""]
    return {s.stage: {f.path: f for f in s.files} for s in found}


def test_the_stages_are_what_retiring_would_do(shop: Project) -> None:
    found = changes(shop)
    assert list(found) == ["announced", "deprecated", "disabled", "dropped"]
    assert set(found["announced"]) == {"retirements.yml"}
    for stage in found:
        wanted = prepare(shop, assets=node(shop, "forgotten"), stage=stage)  # type: ignore[arg-type]
        assert set(found[stage]) == {c.path for c in wanted.changes}
    come = [line for line in found["deprecated"]["models/schema.yml"].lines if line.startswith("+")]
    assert [line.split(":")[0].strip("+ ") for line in come] == ["deprecation_date"]
    assert any(line.startswith("-  - name: forgotten") for line in found["dropped"]["models/schema.yml"].lines)
    assert not (Path(shop.config.root) / "retirements.yml").exists()
    assert (Path(shop.config.root) / "models/schema.yml").read_text(encoding="utf-8") == SCHEMA


def test_code_is_counted_and_not_shown(shop: Project) -> None:
    gone = changes(shop)["dropped"]["models/forgotten.sql"]
    assert gone.what == "removed, 2 lines"
    assert gone.lines == ()
    assert "a literal" not in str(stages_of(shop, [node(shop, "forgotten")]))


def test_only_the_last_stage_has_statements(shop: Project) -> None:
    found = stages_of(shop, [node(shop, "forgotten")])
    assert [bool(s.statements) for s in found] == [False, False, False, True]


def test_a_file_that_cannot_be_edited_is_a_problem_of_its_stages(shop: Project) -> None:
    (Path(shop.config.root) / "models/schema.yml").write_text("models: [", encoding="utf-8")
    first, *rest = stages_of(shop, [node(shop, "forgotten")])
    assert first.problem == ""
    assert all(s.problem and s.files == () for s in rest)


def test_the_page_has_them_beside_announce_and_beside_nothing_else(shop: Project) -> None:
    handles = [str(row.values[0]) for row in shop.ask("triage", kind="zombies").rows]
    page = choose(shop, "retire", handles)
    assert [s.stage for s in page.stages] == ["announced", "deprecated", "disabled", "dropped"]
    assert choose(shop, "keep", handles).stages == ()
