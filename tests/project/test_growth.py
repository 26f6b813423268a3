"""Growth and differences: from syncs, and from the history of a real git repository."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from headway.cli.main import run
from headway.errors import ConfigError, UsageError
from headway.project import Project
from headway.project import backfill as module
from headway.project.backfill import backfill
from shop import GOALS, USAGE, manifest, write_shop

SMALL = manifest()
SMALL["nodes"] = {k: v for k, v in SMALL["nodes"].items() if k != "model.shop.forgotten"}
ANN, BEN, BOT = "Ann <ann@example.com>", "Ben <ben@example.com>", "dependabot[bot] <1+dependabot[bot]@example.com>"


def git(folder: Path, *arguments: str, at: str = "2026-01-01T00:00:00Z") -> str:
    nobody = {"GIT_COMMITTER_NAME": "c", "GIT_COMMITTER_EMAIL": "c@example.com", "GIT_CONFIG_GLOBAL": os.devnull}
    environment = {**os.environ, **nobody, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, at: str, author: str = ANN, *, content: dict[str, Any] | None = None, **files: str) -> str:
    """Commit the manifest (where one is given), the goals and other files; returns the hash."""
    if content is not None:
        (folder / "target/manifest.json").write_text(json.dumps(content))
        git(folder, "add", "--force", "target/manifest.json")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    git(folder, "add", "--all", "--", ":!target", ":!.headway")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a change", "--author", author, at=f"{at}T10:00:00Z")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository: three assets and no goals in January, goals in February, a fifth asset in May."""
    folder = write_shop(tmp_path / "shop", goals="")
    git(folder, "init", "--quiet")
    commit(folder, "2026-01-10", content=SMALL)
    commit(folder, "2026-02-10", BEN, goals__yml=GOALS)
    commit(folder, "2026-05-10", ANN, content=manifest())
    commit(folder, "2026-08-10", BOT, notes__txt="bumped")
    return folder


def read(folder: Path, **options: Any) -> dict[date, module.Sample]:
    return {sample.day: sample for sample in backfill(Project.open(folder), dbt="", **options)}


def rows(folder: Path, **parameters: Any) -> dict[str, dict[str, Any]]:
    return {row["period"]: row for row in Project.open(folder).ask("growth", **parameters).records()}


# ---------------------------------------------------------------------- backfill


def test_the_end_of_every_month_is_read_from_the_last_commit_by_then(shop: Path) -> None:
    found = read(shop)
    assert list(found) == [date(2026, m, d) for m, d in zip(range(1, 11), (31, 28, 31, 30, 31, 30, 31, 31, 30, 31))]  # noqa: B905
    assert {s.how for s in found.values()} == {"committed manifest"}
    assert [s.assets for s in found.values()] == [4, 4, 4, 4, 5, 5, 5, 5, 5, 5]


def test_growth_tells_what_was_born_and_what_served_then(shop: Path) -> None:
    read(shop)
    found = rows(shop)
    assert list(found) == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]
    assert [(r["assets"], r["born"], r["retired"]) for r in found.values()] == [
        (4, None, None),
        (5, 1, 0),
        (5, 0, 0),
        (5, 0, 0),
    ]
    assert [r["from"] for r in found.values()] == ["git", "git", "git", "sync"]
    assert [r["unknown"] for r in found.values()] == [4, 5, 5, 0], "git tells no use, and unknown is not unused"
    january = rows(shop, every="month", periods=11)["2026-01"]
    assert january["serving"] == 0, "nobody had written down a goal yet"
    assert rows(shop, every="month", periods=11)["2026-02"]["serving"] == 1


def test_born_less_retired_is_the_change_of_the_count_in_every_row(shop: Path) -> None:
    commit(shop, "2026-09-10", content=SMALL)
    read(shop)
    found = list(rows(shop, every="month", periods=11).values())
    for before, after in pairwise(found):
        assert after["born"] - after["retired"] == after["assets"] - before["assets"]
    assert sum(r["retired"] or 0 for r in found) == 1


def test_a_second_run_reads_nothing_again_and_a_new_commit_only_its_days(shop: Path) -> None:
    read(shop)
    assert {s.how for s in read(shop).values()} == {"known already"}
    commit(shop, "2026-10-05", content=SMALL)
    again = read(shop)
    assert {day: s.how for day, s in again.items() if s.how != "known already"} == {
        date(2026, 10, 31): "committed manifest"
    }
    assert again[date(2026, 10, 31)].assets == 4


def test_what_a_pipeline_kept_comes_before_what_was_committed(shop: Path) -> None:
    head = git(shop, "rev-parse", "HEAD")
    kept = shop / f".headway/manifests/{head}.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(SMALL))
    found = read(shop, since=date(2026, 7, 1))
    assert [(s.how, s.assets) for s in found.values()] == [
        ("committed manifest", 5),
        ("kept manifest", 4),
        ("kept manifest", 4),
        ("kept manifest", 4),
    ]


def test_since_and_every_say_which_days(shop: Path) -> None:
    assert list(read(shop, since=date(2026, 4, 1), every="quarter")) == [date(2026, 6, 30), date(2026, 9, 30)]
    assert len(read(shop, since=date(2026, 10, 1), every="week")) == 7


def test_a_commit_that_cannot_be_read_is_named_and_the_others_are_kept(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "target/manifest.json").write_text("{broken")
    git(shop, "add", "--force", "target/manifest.json")
    broken = commit(shop, "2026-09-10")
    commit(shop, "2026-10-10", content=SMALL, goals__yml="objectives: 7\n")
    monkeypatch.setenv("PATH", os.defpath)
    assert run(["backfill", "--project-dir", str(shop), "--since", "2026-08-01"]) == 2
    said = capsys.readouterr().err
    assert f"2026-09-30  {broken[:10]}  could not be read: " in said
    assert "goals.yml:1" in said
    assert "1 read, 0 known already, 2 failed." in said
    (shop / "goals.yml").write_text(GOALS)
    assert list(rows(shop, every="month", periods=4)) == ["2026-08", "2026-11"]


def test_the_work_tree_and_the_index_stay_as_they_are(shop: Path) -> None:
    (shop / "notes.txt").write_text("not committed")
    read(shop)
    before = (
        git(shop, "status", "--porcelain", "--ignored"),
        git(shop, "for-each-ref"),
        git(shop, "ls-files", "--stage"),
    )
    (shop / ".headway/headway.db").unlink()
    assert {s.how for s in read(shop).values()} == {"committed manifest"}
    after = git(shop, "status", "--porcelain", "--ignored"), git(shop, "for-each-ref"), git(shop, "ls-files", "--stage")
    assert after == before
    assert (shop / "notes.txt").read_text() == "not committed"


def test_an_interrupted_run_goes_on_where_it_stopped(shop: Path) -> None:
    for number, _ in enumerate(backfill(Project.open(shop))):
        if number == 3:
            break  # as Ctrl-C between two commits
    assert [s.how for s in read(shop).values()].count("known already") == 4


def test_a_project_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "repository/data/shop")
    (tmp_path / "repository/manifest.json").write_text("not ours")
    git(tmp_path / "repository", "init", "--quiet")
    commit(folder, "2026-03-10", content=manifest())
    assert read(folder, every="quarter")[date(2026, 3, 31)].assets == 5
    first = rows(folder)["2026-Q1"]
    assert (first["maintainers"], first["serving"]) == (1, 0.8)


def test_goals_beyond_the_project_are_never_read_as_those_of_then(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yml").write_text(GOALS)
    settings = shop / "headway.yml"
    settings.write_text(settings.read_text().replace("goals: goals.yml", "goals: ../elsewhere.yml"))
    read(shop)
    assert rows(shop, every="month", periods=11)["2026-02"]["serving"] == 0


def test_a_link_that_was_committed_leads_nowhere(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text(GOALS)
    (shop / "goals.yml").unlink()
    (shop / "goals.yml").symlink_to(tmp_path / "secret.yml")
    commit(shop, "2026-10-10")
    last = read(shop)[date(2026, 10, 31)]
    assert last.how == "failed"
    assert "cannot be unpacked" in last.problem


def test_ctrl_c_keeps_what_was_read_and_ends_dbt(without_manifest: Path, tmp_path: Path) -> None:
    commit(without_manifest, "2026-10-10", more__txt="x")
    pid = tmp_path / "pid"
    dbt = program(
        tmp_path,
        f"""
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
target = pathlib.Path(options["--target-path"])
if (pathlib.Path(options["--project-dir"]) / "more.txt").exists():
    pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))
    time.sleep(60)
target.mkdir(parents=True)
(target / "manifest.json").write_text({json.dumps(SMALL)!r})
""",
    )
    command = [sys.executable, "-m", "headway", "backfill", "--project-dir", str(without_manifest), "--dbt", dbt]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(400):
            if pid.exists() and pid.read_text():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "2026-09-30" in said
    assert gone(int(pid.read_text()))
    with Project.open(without_manifest).store() as store:
        assert list(store.census_keys("git")) == [date(2026, 9, 30)]


def test_without_a_repository_there_is_no_past(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    with pytest.raises(UsageError, match="git knows of no commit in "):
        read(folder)
    git(folder, "init", "--quiet")
    with pytest.raises(UsageError, match="git knows of no commit in "):
        read(folder)


def test_a_dbt_that_does_not_exist_is_refused_before_anything_is_read(shop: Path) -> None:
    with pytest.raises(ConfigError, match="there is no program /nowhere/dbt"):
        list(backfill(Project.open(shop), dbt="/nowhere/dbt"))


# ---------------------------------------------------------------------- dbt


@pytest.fixture
def without_manifest(tmp_path: Path) -> Path:
    folder = write_shop(tmp_path / "shop")
    shutil.rmtree(folder / "target")
    git(folder, "init", "--quiet")
    commit(folder, "2026-09-10", dbt_project__yml="name: shop\n", marker__txt="then")
    (folder / "marker.txt").write_text("now")
    return folder


def program(folder: Path, body: str) -> str:
    """A stand-in for dbt where only what happens around it is looked at."""
    path = folder / "dbt"
    path.write_text(f"#!{sys.executable}\nimport json, os, pathlib, sys, time\n{body}")
    path.chmod(0o755)
    return str(path)


def test_dbt_sees_the_tree_of_the_commit_in_a_folder_of_its_own(without_manifest: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    dbt = program(
        tmp_path,
        f"""
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
seen = pathlib.Path(options["--project-dir"])
pathlib.Path({str(log)!r}).write_text(json.dumps([str(seen), (seen / "marker.txt").read_text(), os.getcwd()]))
target = pathlib.Path(options["--target-path"])
target.mkdir(parents=True)
(target / "manifest.json").write_text({json.dumps(SMALL)!r})
""",
    )
    (sample,) = (s for s in backfill(Project.open(without_manifest), since=date(2026, 10, 1), dbt=dbt))
    assert (sample.how, sample.assets) == ("dbt parse", 4)
    where, marker, _ = json.loads(log.read_text())
    assert marker == "then"
    assert not Path(where).exists(), "the export is gone afterwards"
    assert not Path(where).is_relative_to(without_manifest)


def test_dbt_that_fails_is_told_by_its_kind_alone(without_manifest: Path, tmp_path: Path) -> None:
    dbt = program(tmp_path, 'print("Compilation Error in model x\\n select secret from payroll"); sys.exit(2)')
    (sample,) = backfill(Project.open(without_manifest), since=date(2026, 10, 1), dbt=dbt)
    assert sample.how == "failed"
    assert sample.problem.startswith("dbt parse ended with 2: Compilation Error")
    assert "secret" not in sample.problem


def test_dbt_that_never_ends_is_stopped_with_all_it_started(
    without_manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 1)
    pid = tmp_path / "pid"
    dbt = program(tmp_path, f"import subprocess\nc = subprocess.Popen(['sleep', '60'])\n"
                  f"pathlib.Path({str(pid)!r}).write_text(str(c.pid))\ntime.sleep(60)")  # fmt: skip
    (sample,) = backfill(Project.open(without_manifest), since=date(2026, 10, 1), dbt=dbt)
    assert sample.problem.startswith("dbt parse took longer than 1 seconds")
    assert gone(int(pid.read_text()))


def gone(pid: int) -> bool:
    for _ in range(50):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


def test_without_dbt_a_commit_without_manifest_says_so(without_manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(without_manifest, environment={"PATH": os.defpath})
    (sample,) = backfill(project, since=date(2026, 10, 1))
    assert "dbt is not installed" in sample.problem


@pytest.fixture
def dbt() -> str:
    named = os.environ.get("HEADWAY_DBT")
    if not named:
        pytest.skip("HEADWAY_DBT does not name a dbt")
    return named


@pytest.mark.integration
def test_real_dbt_parses_commits_that_hold_no_manifest(tmp_path: Path, dbt: str) -> None:
    folder = tmp_path / "shop"
    (folder / "models").mkdir(parents=True)
    (folder / "headway.yml").write_text("project: shop\nas_of: 2026-11-22\n")
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n")
    (folder / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}\n")
    (folder / "models/orders.sql").write_text("select 1 as id")
    git(folder, "init", "--quiet")
    commit(folder, "2026-08-10")
    (folder / "models/returns.sql").write_text("select * from {{ ref('orders') }}")
    commit(folder, "2026-09-10", BEN)
    (folder / "models/broken.sql").write_text("select * from {{ ref('nowhere') }}")
    commit(folder, "2026-10-10")
    found = list(backfill(Project.open(folder), dbt=dbt))
    assert [(s.how, s.assets) for s in found] == [("dbt parse", 1), ("dbt parse", 2), ("failed", 0)]
    assert "dbt parse ended with" in found[-1].problem
    assert not (folder / "target").exists()
    assert not (folder / "logs").exists()


# ---------------------------------------------------------------------- from syncs


def synced(folder: Path, when: datetime) -> None:
    project = Project.open(folder)
    project.now = when
    assert not [r for r in project.sync(evaluate=False) if r.error]


@pytest.fixture
def stored(shop: Path) -> Path:
    """Synced without usage in September, with it in November; one model less in November, and a higher target."""
    settings = (shop / "headway.yml").read_text()
    (shop / "headway.yml").write_text(settings.partition("observations:")[0])
    synced(shop, datetime(2026, 9, 20, 8, tzinfo=UTC))
    (shop / "headway.yml").write_text(settings)
    (shop / "target/manifest.json").write_text(json.dumps(SMALL))
    (shop / "goals.yml").write_text(GOALS.replace("target: 200", "target: 250"))
    synced(shop, datetime(2026, 11, 21, 8, tzinfo=UTC))
    return shop


def test_syncs_tell_the_days_they_know_and_git_those_before(stored: Path) -> None:
    assert list(read(stored, every="quarter")) == [date(2026, 3, 31), date(2026, 6, 30)]
    found = rows(stored)
    assert {period: row["from"] for period, row in found.items()} == {
        "2026-Q1": "git",
        "2026-Q2": "git",
        "2026-Q3": "sync",
        "2026-Q4": "sync",
    }
    assert (found["2026-Q4"]["born"], found["2026-Q4"]["retired"]) == (0, 1)


def test_the_day_on_which_a_source_was_connected_is_marked(stored: Path) -> None:
    assert rows(stored)["2026-Q4"]["note"] == "observations connected on 2026-11-21"
    project = Project.open(stored)
    (stored / "headway.yml").write_text((stored / "headway.yml").read_text().partition("observations:")[0])
    synced(stored, datetime(2026, 11, 22, 7, tzinfo=UTC))
    assert rows(stored, every="month", periods=2)["2026-11"]["note"] is None, "connected and lost within the month"
    assert project.ask("diff", earlier=date(2026, 9, 30), later=date(2026, 11, 21)).gaps[-1].message == (
        "observations was connected in between; what it tells came or went with it"
    )


def test_maintainers_are_people_who_changed_the_project_in_the_quarter_before(stored: Path) -> None:
    found = rows(stored, every="month", periods=12)
    assert {p: r["maintainers"] for p, r in found.items() if p in {"2026-09", "2026-10", "2026-11"}} == {
        "2026-09": 0,
        "2026-10": 0,
        "2026-11": 0,
    }, "a bot is nobody"
    read(stored)
    found = rows(stored, every="month", periods=12)
    assert [found[p]["maintainers"] for p in ("2026-01", "2026-02", "2026-03", "2026-06")] == [1, 2, 2, 1]
    assert [found[p]["per_maintainer"] for p in ("2026-01", "2026-02", "2026-06")] == [4.0, 2.0, 5.0]


def test_no_name_or_address_of_an_author_is_kept_or_told(stored: Path) -> None:
    read(stored)
    answer = Project.open(stored).ask("growth", every="month", periods=12)
    assert "ann" not in str(answer.records()).casefold().replace("planned", "")
    held = b"".join(path.read_bytes() for path in (stored / ".headway").iterdir())
    assert b"ann@example.com" not in held


def test_a_census_is_made_once_and_again_when_the_configuration_is_another(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headway.project import history

    made: list[date] = []
    whole = history.graphs_at

    def watched(project: Project, store: Any, days: Sequence[date], without: Any) -> Any:
        made.extend(days)
        return whole(project, store, days, without)

    monkeypatch.setattr(history, "graphs_at", watched)
    for _ in range(2):
        assert rows(stored)["2026-Q3"]["assets"] == 5
    assert made == [date(2026, 9, 30)]
    (stored / "headway.yml").write_text((stored / "headway.yml").read_text() + "policy: {usage_window_days: 10}\n")
    rows(stored)
    assert made == [date(2026, 9, 30)] * 2


def test_a_census_taken_before_its_facts_had_settled_is_made_again(stored: Path) -> None:
    early = Project.open(stored)
    early.now = datetime(2026, 10, 2, tzinfo=UTC)
    early.as_of = date(2026, 10, 2)
    early.ask("growth")
    with early.store() as store:
        (kept,) = store.censuses("sync", [date(2026, 9, 30)]).values()
        assert kept.taken == early.now
    synced(stored, datetime(2026, 11, 22, 8, tzinfo=UTC))
    rows(stored)
    with early.store() as store:
        (kept,) = store.censuses("sync", [date(2026, 9, 30)]).values()
        assert kept.taken > early.now


def test_a_project_never_synced_nor_read_has_today_alone_and_says_why(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    answer = Project.open(folder).ask("growth")
    assert answer.headline == "5 assets today; nothing earlier is known yet."
    assert {gap.topic for gap in answer.gaps} >= {"history", "maintainers"}
    assert not (folder / ".headway").exists()


# ---------------------------------------------------------------------- diff


def changes(folder: Path, *days: date) -> set[tuple[str, str]]:
    answer = Project.open(folder).ask("diff", **dict(zip(("earlier", "later"), days, strict=False)))
    return {(row["change"], row["asset"]) for row in answer.records()}


def test_diff_names_what_changed(stored: Path) -> None:
    assert changes(stored, date(2026, 9, 30)) == {
        ("vanished", "forgotten"),
        ("became used", "orders"),
        ("became used", "raw_orders"),
        ("became used", "revenue"),
        ("became used", "sales_board"),
        ("target moved", "Revenue"),
    }
    answer = Project.open(stored).ask("diff", earlier=date(2026, 9, 30))
    moved = next(row for row in answer.records() if row["change"] == "target moved")
    assert (moved["before"], moved["after"]) == (
        "from 100 to 200 by 2026-12-31",
        "from 100 to 250 by 2026-12-31",
    )


def test_diff_tells_what_began_and_stopped_to_serve(shop: Path) -> None:
    commit(shop, "2026-10-10", goals__yml="version: 1\nobjectives: []\n")
    read(shop)
    served = {"orders", "raw_orders", "revenue", "sales_board"}
    began = changes(shop, date(2026, 1, 31), date(2026, 2, 28))
    assert began >= {("began to serve", name) for name in served}
    assert began >= {("key result added", "Revenue"), ("key result added", "Happy customers")}
    stopped = changes(shop, date(2026, 9, 30), date(2026, 10, 31))
    assert stopped >= {("stopped serving", name) for name in served}
    assert ("key result ended", "Revenue") in stopped


def test_diff_reads_the_same_whichever_day_is_named_first(stored: Path) -> None:
    days = (date(2026, 9, 30), date(2026, 11, 22))
    assert changes(stored, *days) == changes(stored, *days[::-1])


def test_diff_of_a_day_with_itself_is_empty(stored: Path) -> None:
    answer = Project.open(stored).ask("diff", earlier=date(2026, 11, 22))
    assert answer.rows == ()
    assert answer.headline == "2026-11-22 and 2026-11-22 do not differ."


def test_diff_tells_costs_that_changed_by_a_quarter(shop: Path) -> None:
    head = USAGE.splitlines()[0]
    rows_ = [
        head,
        "model.shop.orders,,2026-10-20,cost,4,EUR,",
        "model.shop.orders,,2026-11-20,cost,4.9,EUR,",
        "model.shop.forgotten,,2026-10-20,cost,4,EUR,",
        "model.shop.forgotten,,2026-11-20,cost,8,EUR,",
    ]
    (shop / "usage.csv").write_text("\n".join(rows_) + "\n")
    synced(shop, datetime(2026, 11, 22, 8, tzinfo=UTC))
    project = Project.open(shop, as_of=date(2026, 11, 23))
    synced(shop, datetime(2026, 11, 22, 9, tzinfo=UTC))
    answer = project.ask("diff", earlier=date(2026, 11, 22))
    assert not [row for row in answer.records() if row["change"].startswith("costs")]
    earlier = Project.open(shop, as_of=date(2026, 10, 31)).graph()
    from headway.graph.census import Past, census
    from headway.questions.growth import diff

    past = Past({date(2026, 10, 31): census(earlier)})
    told = diff(project.graph(), earlier=date(2026, 10, 31), past=lambda days: past)
    dearer = [row for row in told.records() if row["change"].startswith("costs")]
    assert [(r["change"], r["asset"], r["before"], r["after"]) for r in dearer] == [
        ("costs more", "forgotten", "4.00 EUR", "8.00 EUR")
    ]


def test_a_day_of_which_nothing_is_known_is_refused(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "2026-01-31", "--project-dir", str(stored)]) == 2
    assert "nothing is known of 2026-01-31: nothing was synced by then" in capsys.readouterr().err
    assert run(["diff", "2027-01-31", "--project-dir", str(stored)]) == 2
    assert "it lies after 2026-11-22" in capsys.readouterr().err
    assert run(["diff", "yesterday", "--project-dir", str(stored)]) == 2
    assert "write YYYY-MM-DD" in capsys.readouterr().err
