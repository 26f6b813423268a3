"""`headway retire` on a small project: stages, files, dates, refusals, and taking back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from headway.cli.main import run
from headway.errors import ConfigError, HeadwayError, InputError, UsageError
from headway.project import Project, journal, retire, triage
from headway.project.journal import Change
from shop import USAGE, manifest, write_shop

DAY = date(2026, 11, 22)
MODELS = b"""\
version: 2

models:
  # the good one
  - name: orders
    config: {tags: [core]}

  - name: forgotten   # nobody knows
    description: old
"""
EXPOSURES = b"exposures:\r\n  - name: dusty\r\n    type: dashboard\r\n  - name: sales_board\r\n    type: dashboard\r\n"
UNITS = b"unit_tests:\n  - name: orders_works\n    model: orders\n  - name: forgotten_works\n    model: forgotten\n"


def entry(kind: str, name: str, path: str, *above: str, **more: Any) -> dict[str, Any]:
    uid = f"{kind}.shop.{name}"
    return {"unique_id": uid, "name": name, "resource_type": kind, "package_name": "shop",
            "original_file_path": path, "depends_on": {"nodes": list(above), "macros": []}, **more}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """raw_orders -> orders -> revenue -> sales_board; orders -> bare -> forgotten -> dusty, which nobody opens."""
    folder = write_shop(tmp_path / "shop", usage=USAGE)
    made = manifest()
    for name in ("orders", "forgotten"):
        made["nodes"][f"model.shop.{name}"]["patch_path"] = "shop://models/_models.yml"
    made["nodes"]["model.shop.forgotten"]["depends_on"] = {"nodes": ["model.shop.bare"], "macros": ["macro.shop.odd"]}
    bare = entry("model", "bare", "models/bare.sql", "model.shop.orders", relation_name='"wh"."main"."bare"')
    made["nodes"]["model.shop.bare"] = {**bare, "config": {"materialized": "view"}}
    refs = [{"name": "forgotten", "package": None, "version": None}]
    made["nodes"]["test.shop.single"] = entry("test", "single", "tests/single.sql", "model.shop.forgotten", refs=refs)
    made["nodes"]["test.shop.lonely"] = entry("test", "lonely", "tests/lonely.sql", refs=[])
    made["unit_tests"] = {
        f"unit_test.shop.{model}.works": entry(
            "unit_test", f"{model}_works", "models/_units.yml", f"model.shop.{model}", model=model
        )
        for model in ("orders", "forgotten")
    }
    made["exposures"]["exposure.shop.dusty"] = entry(
        "exposure", "dusty", "models/exposures.yml", "model.shop.forgotten", type="dashboard"
    )
    made["exposures"]["exposure.shop.sales_board"]["original_file_path"] = "models/exposures.yml"
    made["macros"] = {"macro.shop.odd": entry("macro", "odd", "macros/odd.sql")}
    (folder / "target/manifest.json").write_text(json.dumps(made))
    (folder / "dbt_project.yml").write_text("name: shop\n")
    for path, data in (
        ("models/_models.yml", MODELS),
        ("models/exposures.yml", EXPOSURES),
        ("models/forgotten.sql", b"select 1"),
        ("models/bare.sql", b"select 2"),
        ("models/orders.sql", b"select 3"),
        ("tests/single.sql", b"select 4"),
        ("tests/lonely.sql", b"select 5"),
        ("models/_units.yml", UNITS),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def opened(folder: Path, day: date = DAY) -> Project:
    return Project.open(folder, as_of=day, environment={})


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "target/manifest.json"
    made = json.loads(file.read_text())
    change(made)
    file.write_text(json.dumps(made))


def switch_off(folder: Path, *uids: str) -> None:
    """What `dbt parse` does to the manifest once something is disabled: its tests too, which forget what they read."""

    def change(made: dict[str, Any]) -> None:
        made.setdefault("disabled", {})
        tests = {
            k: v for s in ("nodes", "unit_tests") for k, v in made[s].items() if v["resource_type"].endswith("test")
        }
        tests = {k: v for k, v in tests.items() if set(v["depends_on"]["nodes"]) & set(uids)}
        for test in tests.values():
            test["depends_on"]["nodes"] = []
        for uid in (*uids, *tests):
            for section in ("nodes", "exposures", "unit_tests"):
                if uid in made[section]:
                    made["disabled"][uid] = [made[section].pop(uid)]

    change_manifest(folder, change)


ALL = ("exposure.shop.dusty", "model.shop.forgotten", "model.shop.bare")
IDS = tuple(f"dbt:{uid}" for uid in ALL)


def test_a_dry_run_writes_nothing_and_says_what_would_change(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(shop)
    code = run(["retire", "dusty", "--stage", "disabled", "--project-dir", str(shop)])
    out, err = capsys.readouterr()
    assert code == 0
    assert everything(shop) == before
    assert "3 assets can go, in 1 part" in out
    assert "+    config: {enabled: false}" in err
    assert "models/_retired_bare.yml: new" in err
    assert "Nothing was written" in err


def test_the_stages_one_after_the_other_and_all_the_way_back(shop: Path) -> None:
    states, runs = [everything(shop)], []
    for stage in ("announced", "deprecated", "disabled", "dropped"):
        names = "dusty" if stage == "announced" else ""
        prepared = retire.prepare(opened(shop), assets=names, stage=stage)  # type: ignore[arg-type]
        assert prepared.nodes == IDS
        runs.append(retire.write(opened(shop), prepared).id)
        if stage == "dropped":
            assert prepared.answer.headline == "3 assets that are switched off can be dropped."
        if stage == "disabled":
            switch_off(shop, *ALL)
        states.append({k: v for k, v in everything(shop).items() if not k.startswith((".headway", "target"))})
    announced, deprecated, disabled, dropped = states[1:]
    plain = {k: v for k, v in states[0].items() if not k.startswith("target")}
    assert {k for k in announced if announced[k] != plain.get(k)} == {"retirements.yml"}
    assert deprecated["models/_models.yml"] == MODELS.replace(b"knows\n", b"knows\n    deprecation_date: 2026-11-22\n")
    assert deprecated["models/_retired_bare.yml"].endswith(b"  - name: bare\n    deprecation_date: 2026-11-22\n")
    assert deprecated["models/exposures.yml"] == EXPOSURES
    assert disabled["models/exposures.yml"] == EXPOSURES.replace(
        b"dusty\r\n", b"dusty\r\n    config: {enabled: false}\r\n"
    )
    assert b"config: {enabled: false}\n    deprecation_date" in disabled["models/_retired_bare.yml"]
    gone = {"models/forgotten.sql", "models/bare.sql", "models/_retired_bare.yml", "tests/single.sql"}
    assert set(disabled) - set(dropped) == gone
    assert dropped["models/_units.yml"] == UNITS[: UNITS.index(b"  - name: forgotten")]
    assert dropped["models/_models.yml"] == MODELS[: MODELS.index(b"\n  - name: forgotten")]
    assert dropped["models/exposures.yml"] == EXPOSURES.replace(b"  - name: dusty\r\n    type: dashboard\r\n", b"")
    for run_id, state in zip(reversed(runs), [*reversed(states[1:-1]), plain], strict=True):
        retire.undo(opened(shop), run_id)
        now = {k: v for k, v in everything(shop).items() if not k.startswith((".headway", "target"))}
        assert now == state


@pytest.mark.parametrize(
    ("refs", "goes"),
    [
        ([{"name": "forgotten"}, {"name": "bare"}], True),
        ([["shop", "forgotten"]], True),
        ([["orders"]], False),
        ([{"name": "forgotten"}, {"name": "orders"}], False),
        ([], False),
    ],
)
def test_a_test_that_is_switched_off_goes_only_when_all_it_is_about_goes(
    shop: Path, refs: list[Any], goes: bool
) -> None:
    def change(made: dict[str, Any]) -> None:
        made["disabled"]["test.shop.off"] = [entry("test", "off", "tests/off.sql", refs=refs)]

    (shop / "tests/off.sql").write_text("select 6")
    project = opened(shop)
    retire.write(project, retire.prepare(project, assets="dusty", stage="disabled"))
    switch_off(shop, *ALL)
    change_manifest(shop, change)
    removed = {c.path for c in retire.prepare(opened(shop), stage="dropped").changes if c.after is None}
    assert ("tests/off.sql" in removed) == goes
    assert "tests/single.sql" in removed
    assert "tests/lonely.sql" not in removed


def test_what_only_they_used_is_reported_and_left(shop: Path) -> None:
    prepared = retire.prepare(opened(shop), assets="dusty", stage="dropped")
    assert prepared.leftovers == (("macro", "odd", "macros/odd.sql"),)
    assert not any(change.path == "macros/odd.sql" for change in prepared.changes)


def test_drop_statements_are_printed_downstream_first_and_nothing_else(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hostile(made: dict[str, Any]) -> None:
        made["nodes"]["model.shop.forgotten"]["relation_name"] = '"wh"."main"."x"; drop table y; --"'

    assert run(["retire", "dusty", "--sql", "--project-dir", str(shop)]) == 0
    assert capsys.readouterr().out == (
        'drop table if exists "wh"."main"."forgotten";\ndrop view if exists "wh"."main"."bare";\n'
    )
    change_manifest(shop, hostile)
    assert run(["retire", "dusty", "--sql", "--project-dir", str(shop)]) == 0
    assert "y;" not in capsys.readouterr().out


def test_a_date_that_was_promised_is_kept(shop: Path) -> None:
    project = opened(shop, date(2026, 11, 20))
    retire.write(project, retire.prepare(project, assets="dusty", stage="deprecated", on=DAY))
    with pytest.raises(UsageError, match="deprecated only from 2026-11-22 on"):
        retire.prepare(opened(shop, date(2026, 11, 21)), stage="disabled")
    assert retire.prepare(opened(shop), stage="disabled").nodes == IDS


def test_what_is_used_again_does_not_go_on(shop: Path) -> None:
    project = opened(shop)
    retire.write(project, retire.prepare(project, assets="dusty"))
    usage = (shop / "usage.csv").read_text()
    (shop / "usage.csv").write_text(usage + "exposure.shop.dusty,,2026-11-20,views,2,count,person\n")
    again = retire.prepare(opened(shop), stage="disabled")
    assert again.nodes == ()
    with pytest.raises(UsageError, match="nothing to write"):
        retire.write(opened(shop), again)


def test_usage_that_is_too_old_is_named_and_nothing_is_written(shop: Path) -> None:
    before = everything(shop)
    project = opened(shop, date(2026, 12, 24))
    with pytest.raises(UsageError, match=r"too old or missing: usage\.csv ends on 2026-11-21, 33 days before"):
        retire.write(project, retire.prepare(project, everything=True))
    assert everything(shop) == before


def test_without_any_usage_nothing_is_written(shop: Path) -> None:
    (shop / "headway.yml").write_text("project: shop\nas_of: 2026-11-22\ngoals: goals.yml\n")
    project = opened(shop)
    with pytest.raises(UsageError, match="no source of usage is connected"):
        retire.write(project, retire.prepare(project, everything=True))


def test_undo_refuses_when_a_file_was_edited_since_and_names_it(shop: Path) -> None:
    project = opened(shop)
    done = retire.write(project, retire.prepare(project, assets="dusty", stage="disabled"))
    (shop / "models/_models.yml").write_bytes(MODELS + b"# mine\n")
    state = everything(shop)
    with pytest.raises(InputError, match=r"models/_models.yml: was edited since"):
        retire.undo(opened(shop), done.id)
    assert everything(shop) == state


def test_a_file_that_cannot_be_edited_stops_everything(shop: Path) -> None:
    (shop / "models/_models.yml").write_bytes(
        MODELS.replace(b"description: old", b"description: old\n    description: x")
    )
    state = everything(shop)
    with pytest.raises(InputError, match=r"models/_models.yml:10:5: the key 'description' is there twice"):
        retire.prepare(opened(shop), assets="dusty", stage="disabled")
    assert everything(shop) == state


def test_a_model_that_switches_itself_on_is_refused(shop: Path) -> None:
    (shop / "models/forgotten.sql").write_text("{{ config(materialized='table', enabled=var('x')) }} select 1")
    with pytest.raises(InputError, match=r"models/forgotten.sql: forgotten sets enabled in its own config"):
        retire.prepare(opened(shop), assets="dusty", stage="disabled")


@pytest.mark.parametrize("path", ["../outside.yml", "/etc/passwd", "models/link.yml", "..\\outside.yml"])
def test_files_outside_of_the_project_are_never_touched(shop: Path, path: str) -> None:
    outside = shop.parent / "outside.yml"
    outside.write_bytes(EXPOSURES)
    (shop / "models/link.yml").symlink_to(outside)
    change_manifest(shop, lambda m: m["exposures"]["exposure.shop.dusty"].update(original_file_path=path))
    with pytest.raises(InputError, match="outside of the dbt project"):
        retire.prepare(opened(shop), assets="dusty", stage="disabled")
    assert outside.read_bytes() == EXPOSURES


def test_what_is_no_file_is_not_read(shop: Path) -> None:
    (shop / "models/forgotten.sql").unlink()
    os.mkfifo(shop / "models/forgotten.sql")
    with pytest.raises(InputError, match=r"models/forgotten.sql: is not a regular file"):
        retire.prepare(opened(shop), assets="dusty", stage="dropped")


def test_the_command_writes_and_takes_back(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {k: v for k, v in everything(shop).items() if not k.startswith(".headway")}
    assert run(["retire", "dusty", "--stage", "dropped", "--write", "--project-dir", str(shop)]) == 0
    assert not (shop / "models/bare.sql").exists()
    undo = capsys.readouterr().err.partition("headway retire --undo ")[2].split()[0]
    assert run(["retire", "--status", "--project-dir", str(shop), "-f", "json"]) == 0
    assert undo in capsys.readouterr().out
    assert run(["retire", "--undo", undo, "--project-dir", str(shop)]) == 0
    assert {k: v for k, v in everything(shop).items() if not k.startswith(".headway")} == before
    assert run(["retire", "--undo", undo, "--project-dir", str(shop)]) == 2
    assert "there is no retirement" in capsys.readouterr().err


def test_a_test_of_what_stays_holds_what_it_needs(shop: Path) -> None:
    def change(made: dict[str, Any]) -> None:
        made["nodes"]["test.shop.both"] = entry(
            "test",
            "both",
            "models/_models.yml",
            "model.shop.orders",
            "model.shop.bare",
            attached_node="model.shop.orders",
        )

    change_manifest(shop, change)
    prepared = retire.prepare(opened(shop), assets="dusty")
    assert prepared.nodes == IDS[:2]
    kept = [row for part in prepared.answer.sections[1:] for row in part.rows]
    assert any(row.values[0] == "bare" and "the test both of orders needs it" in row.values[3] for row in kept)


def test_a_version_that_references_mean_stays_while_others_do(shop: Path) -> None:
    def change(made: dict[str, Any]) -> None:
        old = made["nodes"].pop("model.shop.forgotten")
        for number, above in ((2, old["depends_on"]), (1, {"nodes": ["model.shop.orders"]})):
            uid = f"model.shop.forgotten.v{number}"
            version = {"unique_id": uid, "version": number, "latest_version": 2, "depends_on": above}
            made["nodes"][uid] = {**old, **version}
        made["exposures"]["exposure.shop.dusty"]["depends_on"]["nodes"] = ["model.shop.forgotten.v2"]
        made["nodes"].pop("test.shop.single")

    change_manifest(shop, change)
    with pytest.raises(UsageError, match="version 2 of forgotten is the one that references mean"):
        retire.prepare(opened(shop), assets="dusty", stage="disabled")


def test_nothing_named_and_nothing_recorded_is_a_question_back(shop: Path) -> None:
    with pytest.raises(UsageError, match="nothing is recorded that could be disabled next"):
        retire.prepare(opened(shop), stage="disabled")


def test_status_says_where_each_asset_is(shop: Path) -> None:
    assert retire.status(opened(shop)).headline == "Nothing is being retired."
    project = opened(shop)
    done = retire.write(project, retire.prepare(project, assets="dusty", stage="disabled"))
    switch_off(shop, *ALL)
    rows = retire.status(opened(shop)).rows
    assert rows[0].values == ("dusty", "disabled", DAY, "switched off", "dropped", done.id)


BROKEN = {
    "- retire: x\n  node: y\n  stage: nowhere\n  on: 2026-01-01\n": r"retirements.yml:1: there is no stage 'nowhere'",
    "- retire: x\n  stage: announced\n  on: 2026-01-01\n": r"retirements.yml:1: this entry does not say 'node'",
    "# head\n- {node: x, stage: announced, on: soon}\n": r"retirements.yml:2: 'soon' is not a day",
    "node: x\n": r"retirements.yml:1: must be a list",
    "- [x\n": r"retirements.yml:\d:\d: this is not valid YAML",
    "- text\n": r"retirements.yml:1: an entry must be a mapping",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_record_is_refused_with_its_place(shop: Path, text: str) -> None:
    (shop / "retirements.yml").write_text(text)
    with pytest.raises(InputError, match=BROKEN[text]):
        retire.prepare(opened(shop), assets="dusty")


# ---------------------------------------------------------------------- the journal

CHANGES = (Change("a.yml", b"one\r\n", b"two\r\n"), Change("new/b.yml", None, b"b"), Change("c.sql", b"\xff\x00", None))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.yml").write_bytes(b"one\r\n")
    (tmp_path / "c.sql").write_bytes(b"\xff\x00")
    (tmp_path / "c.sql").chmod(0o600)
    return tmp_path


def files(root: Path) -> dict[str, bytes]:
    return {k: v for k, v in everything(root).items() if not k.startswith(".headway")}


def test_a_journal_applies_all_and_takes_all_back(root: Path) -> None:
    before = files(root)
    journal.apply(root, "one", "2026-11-22", "x", CHANGES)
    assert files(root) == {"a.yml": b"two\r\n", "new/b.yml": b"b"}
    assert [j.id for j in journal.journals(root)] == ["one"]
    journal.undo(root, "one")
    assert files(root) == before
    assert (root / "c.sql").stat().st_mode & 0o777 == 0o600
    assert journal.journals(root) == []


@pytest.mark.parametrize("at", range(4))
def test_whoever_is_interrupted_finds_everything_as_it_was(
    root: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, put, calls = files(root), journal._put, 0

    def interrupted(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            raise KeyboardInterrupt
        put(*given)

    monkeypatch.setattr(journal, "_put", interrupted)
    if at == 3:
        journal.apply(root, "one", "2026-11-22", "x", CHANGES)
        return
    with pytest.raises(KeyboardInterrupt):
        journal.apply(root, "one", "2026-11-22", "x", CHANGES)
    assert files(root) == before
    assert journal.journals(root) == []


CRASH = """
import os, sys
from pathlib import Path
from headway.project import journal
from headway.project.journal import Change
put, left = journal._put, int(sys.argv[2])
def crash(*given):
    global left
    if not left:
        os._exit(9)
    left -= 1
    put(*given)
journal._put = crash
changes = [Change("a.yml", b"one\\r\\n", b"two\\r\\n"), Change("new/b.yml", None, b"b")]
changes += [Change("c.sql", b"\\xff\\x00", None)]
journal.apply(Path(sys.argv[1]), "one", "2026-11-22", "x", changes)
"""


@pytest.mark.parametrize("done", range(3))
def test_after_a_crash_what_was_half_done_can_be_taken_back(root: Path, done: int) -> None:
    """The process ends without any clean-up: nothing of ours runs any more."""
    before = files(root)
    ended = subprocess.run([sys.executable, "-c", CRASH, str(root), str(done)], check=False, timeout=60)
    assert ended.returncode == 9
    assert (files(root) == before) == (done == 0)
    half = journal.journals(root)
    assert [(j.id, j.done) for j in half] == [("one", False)]
    journal.undo(root, "one")
    assert files(root) == before


def test_a_run_that_was_interrupted_comes_first(shop: Path) -> None:
    journal.apply(shop, "one", "2026-11-22", "x", [Change("models/bare.sql", b"select 2", b"select 9")])
    file = shop / ".headway/retired/one/journal.json"
    file.write_text(file.read_text().replace('"done": true', '"done": false'))
    with pytest.raises(UsageError, match="was interrupted"):
        retire.prepare(opened(shop), assets="dusty")
    assert "one was interrupted" in retire.status(opened(shop)).headline
    assert run(["retire", "--undo", "one", "--project-dir", str(shop)]) == 0
    assert (shop / "models/bare.sql").read_bytes() == b"select 2"


def test_a_file_that_changed_meanwhile_is_not_written_over(root: Path) -> None:
    (root / "a.yml").write_bytes(b"mine")
    before = files(root)
    with pytest.raises(InputError, match=r"a.yml: was changed while"):
        journal.apply(root, "one", "2026-11-22", "x", CHANGES)
    assert files(root) == before


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 99, "none"])
def test_no_other_folder_is_taken_for_a_run(root: Path, name: str) -> None:
    with pytest.raises(UsageError):
        journal.undo(root, name)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"id": "one", "day": "", "what": "", "files": [{"path": "../../x", "before": null, "after": null}]}',
        '{"id": "one", "day": "", "what": "", "files": [{"path": "/etc/x", "before": null, "after": null}]}',
    ],
)
def test_a_journal_that_was_tampered_with_is_refused(root: Path, text: str) -> None:
    folder = root / ".headway/retired/one"
    folder.mkdir(parents=True)
    (folder / "journal.json").write_text(text)
    with pytest.raises(HeadwayError):
        journal.undo(root, "one")


def test_an_original_that_is_not_what_was_kept_is_not_restored(root: Path) -> None:
    journal.apply(root, "one", "2026-11-22", "x", CHANGES)
    (root / ".headway/retired/one/0000").write_bytes(b"else")
    with pytest.raises(InputError, match="not what was kept"):
        journal.undo(root, "one")
    assert (root / "a.yml").read_bytes() == b"two\r\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(root: Path) -> None:
    root.chmod(0o500)
    with pytest.raises(ConfigError):
        journal.apply(root, "one", "2026-11-22", "x", CHANGES)


# --- What was decided or written before ------------------------------------------------------------------------------


def written(folder: Path, day: date = DAY, **asked: Any) -> retire.Prepared:
    project = opened(folder, day)
    prepared = retire.prepare(project, **asked)
    retire.write(project, prepared)
    return prepared


def test_what_somebody_kept_does_not_go_on_to_the_next_stage_unless_it_is_named(shop: Path) -> None:
    written(shop, everything=True)
    triage.keep(opened(shop), ["forgotten"], by="sales-team", reason="for Revenue")
    later = retire.prepare(opened(shop), stage="disabled")
    assert later.nodes == ("dbt:exposure.shop.dusty",)
    kept = {row.values[0]: str(row.values[3]) for part in later.answer.sections for row in part.rows}
    assert kept["forgotten"].startswith("sales-team, by whom it is kept, needs it")
    assert "dbt:model.shop.forgotten" not in retire.prepare(opened(shop), everything=True, stage="disabled").nodes
    assert "dbt:model.shop.forgotten" in retire.prepare(opened(shop), assets="dusty,forgotten", stage="disabled").nodes


def test_what_is_announced_is_not_announced_again_and_the_promised_day_stands(shop: Path) -> None:
    promised = date(2026, 12, 22)
    first = written(shop, assets="dusty,forgotten", on=promised)
    assert "dbt:model.shop.bare" in first.nodes
    for day in (DAY, promised):
        with pytest.raises(UsageError, match="dusty is announced already, for 2026-12-22"):
            retire.prepare(opened(shop, DAY), assets="dusty", on=day)
    again = retire.prepare(opened(shop), everything=True)
    assert again.nodes == ()
    assert "forgotten is announced already, for 2026-12-22" in again.notes
    assert retire.prepare(opened(shop, date(2026, 12, 30)), everything=True).nodes == (), "a day later, too"
    assert set(retire.prepare(opened(shop), everything=True, on=date(2027, 1, 5)).nodes) == set(IDS), "put off"
    written(shop, stage="deprecated", on=promised)
    with pytest.raises(UsageError, match="dusty is deprecated already, for 2026-12-22"):
        retire.prepare(opened(shop), assets="dusty", on=date(2027, 1, 5))
    with pytest.raises(UsageError, match="only from 2026-12-22 on"):
        retire.prepare(opened(shop), stage="disabled")


def test_a_day_that_is_over_is_refused(shop: Path) -> None:
    with pytest.raises(UsageError, match="2020-01-01 is over already"):
        retire.prepare(opened(shop), everything=True, on=date(2020, 1, 1))


def test_what_the_command_announced_is_retiring_in_triage_too(shop: Path) -> None:
    assert {c.state.word for c in triage.all_cases(opened(shop)) if c.item.name == "dusty"} == {"open"}
    run_ = written(shop, assets="dusty", on=date(2026, 12, 22)).id
    (case,) = [c for c in triage.all_cases(opened(shop)) if c.item.name == "dusty"]
    assert (case.state.word, case.state.sentence) == ("retiring", "announced for 22 Dec by headway retire")
    with pytest.raises(UsageError, match="announced already"):
        triage.retire(opened(shop), ["dusty"], by="sales-team", write=True)
    retire.undo(opened(shop), run_)
    assert triage.open_cases(opened(shop))[0].state.word == "open"
