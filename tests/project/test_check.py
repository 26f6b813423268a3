"""headway check on files: gates from headway.yml, exceptions, the baseline, what only a change adds, exit codes."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.answer import Report
from headway.cli.main import run
from headway.errors import ConfigError, InputError, UnknownName, UsageError
from headway.project import Project
from headway.project.gate import OF_CHANGE, SHIPPED, check
from headway.questions.explanations import explanation
from headway.questions.registry import questions
from shop import SETTINGS, manifest, write_shop

Manifest = dict[str, Any]


def model(name: str, *above: str, **more: Any) -> dict[str, Any]:
    return {
        "unique_id": f"model.shop.{name}",
        "name": name,
        "resource_type": "model",
        "package_name": "shop",
        "original_file_path": f"models/{name}.sql",
        "raw_code": f"select '{name}'",
        "unrendered_config": {},
        "depends_on": {"nodes": list(above)},
        **more,
    }


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = write_shop(tmp_path / "shop")
    before = manifest()
    before["nodes"]["model.shop.orders"]["raw_code"] = "select 1"
    (folder / "base.json").write_text(json.dumps(before))
    (folder / "target" / "manifest.json").write_text(json.dumps(before))
    return folder


@pytest.fixture
def changed(shop: Path) -> Callable[..., Report]:
    """Writes a manifest made by an edit, and checks it against what it was."""

    def judged(edit: Callable[[Manifest], object], settings: str = "", **options: Any) -> Report:
        after = copy.deepcopy(json.loads((shop / "base.json").read_text()))
        edit(after)
        (shop / "target" / "manifest.json").write_text(json.dumps(after))
        (shop / "headway.yml").write_text(SETTINGS + settings)
        options.setdefault("against", "base.json")
        return check(Project.open(shop), **options)

    return judged


def add(*models: dict[str, Any]) -> Callable[[Manifest], object]:
    return lambda m: m["nodes"].update({each["unique_id"]: each for each in models})


def excused(**said: Any) -> dict[str, Any]:
    return model("lonely", config={"meta": {"headway": {"ignore": [said]}}})


def fired(report: Report) -> set[tuple[str, str]]:
    return {(f.gate, f.node) for f in report.flags}


def test_every_shipped_gate_asks_a_question_that_there_is() -> None:
    known = questions()
    assert {g.question for g in SHIPPED} <= set(known)
    for gate in SHIPPED:
        assert set(gate.parameters) <= set(known[gate.question].parameters)
    codes = {q.code for q in known.values()}
    assert codes >= OF_CHANGE
    assert len({g.title for g in SHIPPED}) == len(SHIPPED)


def test_every_question_can_be_explained() -> None:
    for question in questions().values():
        told = explanation(question)
        assert told.code == question.code
        assert told.title
        assert told.what
        assert question.name in told.configure


def test_only_what_the_change_adds_is_judged(changed: Callable[..., Report]) -> None:
    report = changed(lambda m: None)
    assert (report.flags, report.passed, report.objectives) == ((), True, ())
    assert any(f.gate == "unowned" for f in changed(lambda m: None, against="").flags)


def test_gates_of_headway_yml_replace_the_shipped_ones(changed: Callable[..., Report]) -> None:
    two = add(model("lonely"), model("lonelier"))
    settings = "gates: [{question: new-assets, name: growth, limit: 2}]\n"
    within = changed(two, settings)
    assert [(v.gate, v.outcome, v.answer.findings) for v in within.verdicts] == [("growth", "passed", 2)]
    over = changed(two, settings.replace("2", "1"))
    assert [v.outcome for v in over.verdicts] == ["failed"]
    assert over.headline == "This change touches no objective. 1 of 1 gate failed: growth."
    warned = changed(two, settings.replace("limit: 2", "level: warn"))
    assert ([v.outcome for v in warned.verdicts], warned.passed) == (["warning"], True)


def test_a_selection_keeps_to_a_part_of_the_project(changed: Callable[..., Report]) -> None:
    two = add(model("lonely"), model("mart", original_file_path="models/marts/mart.sql"))
    report = changed(two, 'gates: [{question: new-assets, select: "path:models/marts"}]\n')
    assert fired(report) == {("new-assets", "dbt:model.shop.mart")}


@pytest.mark.parametrize(
    ("gates", "sentence"),
    [
        ("7", "gates must be a list"),
        ("[7]", "each of gates must be a mapping"),
        ("[{}]", "each of gates needs a question"),
        ("[{question: new-asets}]", "there is no question 'new-asets'"),
        ("[{question: new-assets, level: fatal}]", "gates.level must be error or warn"),
        ("[{question: new-assets, limit: -1}]", "gates.limit must be a whole number of at least 0"),
        ("[{question: new-assets, limit: true}]", "gates.limit must be a whole number of at least 0"),
        ("[{question: new-assets, limits: 1}]", "unknown key gates.limits (did you mean limit?)"),
        ("[{question: new-assets, name: 3}]", "gates.name must be a text"),
        ("[{question: requests}]", "headway requests --limit 0 exits with 1"),
        ("[{question: new-assets, parameters: {nope: 1}}]", "has no parameter 'nope'"),
        ("[{question: why}]", "needs the parameter 'asset'"),
        ("[{question: new-assets, select: 'objective:nothing'}]", "gates: new-assets: there is no objective"),
    ],
)
def test_a_gate_that_cannot_be_is_one_sentence(changed: Callable[..., Report], gates: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        changed(lambda m: None, f"gates: {gates}\n")
    assert sentence in str(caught.value)


def test_an_exception_needs_a_code_a_reason_and_a_day_that_is_to_come(changed: Callable[..., Report]) -> None:
    fine = {"code": "HW802", "because": "for the spring", "until": "2026-12-31"}
    report = changed(add(excused(**fine)), only=["new-assets"])
    assert (report.flags, [e.reason for e in report.excused]) == ((), ["for the spring (until 2026-12-31)"])
    for odd, reason in [
        (fine | {"until": "2026-11-21"}, "is over since 2026-11-21"),
        (fine | {"until": "soon"}, "says no day"),
        (fine | {"until": None}, "says no day"),
        (fine | {"because": " "}, "gives no reason"),
        (fine | {"because": None}, "gives no reason"),
        (fine | {"code": None}, "names no code"),
    ]:
        report = changed(add(excused(**odd)), only=["new-assets"])
        assert fired(report) == {("new-assets", "dbt:model.shop.lonely")}, odd
        assert any(reason in gap.message for gap in report.gaps if gap.topic == "exceptions"), odd


def test_an_exception_of_another_code_excuses_nothing(changed: Callable[..., Report]) -> None:
    other = excused(code="HW801", because="why not", until="2026-12-31")
    assert not changed(add(other), only=["new-assets"]).passed


def test_a_baseline_is_written_once_and_then_only_shrinks(changed: Callable[..., Report], tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    options = {"baseline": str(file), "only": ["new-assets"]}
    with pytest.raises(InputError, match="there is no such file"):
        changed(add(model("a")), **options)
    both = add(model("a"), model("b"))
    assert changed(both, update=True, **options).passed
    written = file.read_bytes()
    assert changed(both, **options).passed
    assert changed(both, update=True, **options).passed
    assert file.read_bytes() == written
    third = add(model("a"), model("c"))
    report = changed(third, update=True, **options)
    assert fired(report) == {("new-assets", "dbt:model.shop.c")}
    assert [f["fingerprint"] for f in json.loads(file.read_text())["findings"]] == ["HW802::dbt:model.shop.a"]
    assert any(gap.topic == "baseline" for gap in report.gaps)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"version": 2, "findings": []}', b'{"version": 1}', b"[" * 9999]
)
def test_a_broken_baseline_is_one_sentence(changed: Callable[..., Report], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "known.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"known\.json: is (not )?a baseline"):
        changed(lambda m: None, baseline=str(file))


def test_gates_about_a_change_are_not_asked_without_one(changed: Callable[..., Report]) -> None:
    report = changed(lambda m: None, against="")
    assert {v.answer.code for v in report.verdicts}.isdisjoint(OF_CHANGE)
    assert not report.compared
    assert "Those about a change were not asked." in report.headline
    with pytest.raises(UsageError, match="nothing to compare with"):
        changed(lambda m: None, against="", only=["new-assets"])
    with pytest.raises(UnknownName, match="no gate called 'new'"):
        changed(lambda m: None, only=["new"])


def test_what_can_be_compared_with(changed: Callable[..., Report], shop: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "manifest.json").write_bytes((shop / "base.json").read_bytes())
    assert changed(lambda m: None, against=str(kept)).compared
    for against, sentence in [("gone.json", "there is no file"), ("main", "neither"), ("--help", "neither")]:
        with pytest.raises((InputError, UsageError), match=sentence):
            changed(lambda m: None, against=against)
    (kept / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="ends too early"):
        changed(lambda m: None, against=str(kept))


def test_a_finding_has_the_path_of_its_file_in_the_repository(changed: Callable[..., Report], shop: Path) -> None:
    assert changed(add(model("lonely")), only=["new-assets"]).flags[0].file == "models/lonely.sql"
    (shop.parent / ".git").mkdir()
    assert changed(add(model("lonely")), only=["new-assets"]).flags[0].file == "shop/models/lonely.sql"
    odd = model("lonely", original_file_path="../../etc/passwd")
    assert changed(add(odd), only=["new-assets"]).flags[0].file == ""


def test_a_file_that_is_newer_than_the_manifest_is_told(changed: Callable[..., Report], shop: Path) -> None:
    assert not any("after the manifest" in gap.message for gap in changed(lambda m: None).gaps)
    (shop / "models").mkdir()
    file = shop / "models" / "orders.sql"
    file.write_text("select 2")
    written = (shop / "target" / "manifest.json").stat().st_mtime
    os.utime(file, (written + 60, written + 60))
    report = check(Project.open(shop), against=str(shop / "base.json"))
    (gap,) = [gap for gap in report.gaps if "after the manifest" in gap.message]
    assert gap.message == "1 file was changed after the manifest was written: models/orders.sql"


def test_dashboards_that_only_a_sync_reads_come_from_the_store(changed: Callable[..., Report], shop: Path) -> None:
    export = Path(__file__).parents[2] / "examples" / "lumaloop" / "superset"
    settings = f"connectors: [{{name: superset, export: {export}}}]\n"
    sold = model("fct_win_backs", relation_name='"lumaloop"."marts"."fct_win_backs"')
    before = json.loads((shop / "base.json").read_text())
    add(sold)(before)
    (shop / "base.json").write_text(json.dumps(before))

    def drop(m: Manifest) -> None:
        m["nodes"].pop("model.shop.fct_win_backs")

    unsynced = changed(drop, settings, only=["changed-dashboards"])
    assert unsynced.flags == ()
    Project.open(shop).sync(["superset"])
    report = changed(drop, settings, only=["changed-dashboards"])
    assert [f.message for f in report.flags] == ["Win-back offers breaks: fct_win_backs is gone"]
    assert not report.passed


def test_exit_codes_and_output(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(shop)
    assert run(["check", "--against", "base.json"]) == 0
    after = json.loads((shop / "base.json").read_text())
    add(model("lonely"))(after)
    (shop / "target" / "manifest.json").write_text(json.dumps(after))
    assert run(["check", "--against", "base.json"]) == 1
    assert "HW802  lonely is a new model that serves no objective  models/lonely.sql" in capsys.readouterr().out
    assert run(["check", "--against", "nothing.json"]) == 2
    assert run(["check", "--update-baseline"]) == 2
    capsys.readouterr()
    file = tmp_path / "report.sarif"
    assert run(["check", "--against", "base.json", "-f", "sarif", "--output", str(file)]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("1 of 10 gates failed: new-assets")) == ("", 1)
    assert json.loads(file.read_text())["version"] == "2.1.0"
    assert run(["check", "--against", "base.json", "--output", str(tmp_path)]) == 2


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "hw802"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("HW802 new-assets: New asset without an objective")
    assert all(part in told for part in ("\nWhy\n", "\nHow to fix it\n", "\nHow to configure it\n"))
    assert run(["explain", "zombies"]) == 0
    assert capsys.readouterr().out.startswith("HW201 zombies")
    assert run(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(questions())
    assert run(["explain", "HW999"]) == 2
    assert "there is no code called 'HW999'" in capsys.readouterr().err


EXCUSED = """\
objectives:
  - id: love
    title: Customers love the product
    key_results:
      - {id: nps, title: Net promoter score, ignore: [{code: %s, because: the survey begins soon, until: %s}]}
      - {id: word, title: Word of mouth}
"""


@pytest.mark.parametrize(
    ("code", "until", "left"), [("HW303", "2099-01-31", 1), ("HW303", "2020-01-31", 2), ("HW302", "2099-01-31", 2)]
)
def test_a_key_result_carries_exceptions_in_the_goals_file(shop: Path, code: str, until: str, left: int) -> None:
    (shop / "goals.yml").write_text(EXCUSED % (code, until), encoding="utf-8")
    (shop / "headway.yml").write_text(SETTINGS + "gates: [{question: unmeasured}]\n", encoding="utf-8")
    report = check(Project.open(shop))
    assert len(report.flags) == left
    assert [e.reason for e in report.excused] == (["the survey begins soon (until 2099-01-31)"] if left == 1 else [])
    over = [g.message for g in report.gaps if g.topic == "exceptions"]
    assert over == (["nps: the exception of HW303 is over since 2020-01-31"] if until < "2021" else [])


@pytest.mark.parametrize("said", ["{code: HW303, because: why}", "{code: HW303, until: 2099-01-31}", "HW303", "{}"])
def test_an_exception_in_the_goals_file_that_is_not_whole_is_refused_with_its_line(shop: Path, said: str) -> None:
    whole = "{code: HW303, because: the survey begins soon, until: 2099-01-31}"
    text = (EXCUSED % ("HW303", "2099-01-31")).replace(whole, said)
    assert said in text
    (shop / "goals.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        check(Project.open(shop))
    assert "goals.yml:5" in str(caught.value)
