"""Deciding about findings of a project: the ledger, the files that a decision changes, and taking it all back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headway.cli.main import run
from headway.errors import ConfigError, HeadwayError, InputError, StoreError, UnknownName, UsageError
from headway.project import Project, triage, triage_file
from headway.project import retire as retirement
from headway.project.check_ins import check_in, check_ins
from headway.project.ledger import entries, written
from headway.questions.triage_state import digest_of
from headway.store import Entry, Store
from headway.store.ledger import checked
from shop import manifest, write_shop

DAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 10, 15, 0, 7, UTC)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shop with a zombie (forgotten < orders, dusty shows it), and a used dashboard for no goal (buzz)."""
    usage = (
        "node,relation,day,measure,amount,unit,person_class\n"
        "exposure.shop.sales_board,,2026-11-21,views,9,count,person\n"
        "exposure.shop.buzz,,2026-11-21,views,9,count,person\n"
        "exposure.shop.sales_board,,2026-08-20,views,1,count,person\n"
        "model.shop.forgotten,,2026-11-20,cost,10,EUR,\n"
    )
    folder = write_shop(tmp_path / "shop", usage=usage)
    made = manifest()
    for name, above in (("dusty", "model.shop.forgotten"), ("buzz", "model.shop.orders")):
        made["exposures"][f"exposure.shop.{name}"] = {
            "unique_id": f"exposure.shop.{name}",
            "name": name,
            "type": "dashboard",
            "resource_type": "exposure",
            "package_name": "shop",
            "depends_on": {"nodes": [above]},
        }
    (folder / "target/manifest.json").write_text(json.dumps(made))
    (folder / "dbt_project.yml").write_text("name: shop\n")
    return folder


def opened(folder: Path, day: date = DAY) -> Project:
    return Project.open(folder, as_of=day, environment={})


def listed(folder: Path, state: str = "open", day: date = DAY) -> dict[str, dict[str, Any]]:
    return {r["asset"]: r for r in opened(folder, day).ask("triage", state=state).records()}


def files(folder: Path) -> dict[str, bytes]:
    kept = (p for p in folder.rglob("*") if p.is_file() and ".headway" not in p.parts)
    return {str(p.relative_to(folder)): p.read_bytes() for p in kept}


def refuse_to_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(store: Store, entries: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "record_all", refuse)


# ---------------------------------------------------------------------- deciding


def test_findings_are_named_by_handle_code_kind_id_and_name(shop: Path) -> None:
    project = opened(shop)
    handle = listed(shop)["forgotten"]["finding"]
    names = (handle, "HW201:forgotten", "zombies:forgotten", "forgotten", "dbt:model.shop.forgotten",
             "HW201::dbt:model.shop.forgotten")  # fmt: skip
    for name in names:
        (case,) = triage.found(project, [name])
        assert case.item.name == "forgotten"
    assert len(triage.found(project, names)) == 1
    with pytest.raises(UnknownName, match="did you mean forgotten"):
        triage.found(project, ["forgoten"])
    with pytest.raises(UnknownName, match="no finding called '@0000000'"):
        triage.found(project, ["@0000000"])
    with pytest.raises(UnknownName):
        triage.found(project, ["HW202:forgotten"])
    with pytest.raises(UsageError, match="no finding is named"):
        triage.found(project, [])


def test_keeping_leaves_the_list_until_the_day_is_over(shop: Path) -> None:
    before = listed(shop)
    outcome = triage.keep(
        opened(shop), ["forgotten", "dusty"], by="analytics", reason="the  auditor\nreads it", until=date(2026, 11, 24)
    )
    assert outcome.sentences[0].startswith("Kept: forgotten (zombies), until 2026-11-24")
    assert before.keys() - listed(shop).keys() == {"forgotten", "dusty"}
    row = listed(shop, "decided")["forgotten"]
    assert row["decided"] == "kept on 22 Nov by analytics because the auditor reads it, until 24 Nov"
    assert (entries(opened(shop))[0].body["was"]) == {"cost": 10.0, "unit": "EUR", "use": "unused"}
    assert listed(shop, day=date(2026, 11, 24)).keys().isdisjoint({"dusty"})
    assert listed(shop, day=date(2026, 11, 25))["dusty"]["state"] == "came back"


def test_decisions_change_no_other_answer(shop: Path) -> None:
    before = opened(shop).ask("summary")
    triage.keep(opened(shop), ["forgotten", "dusty"], by="analytics", reason="x")
    after = opened(shop).ask("summary")
    assert (after.headline, after.sections) == (before.headline, before.sections)
    assert opened(shop).ask("zombies").findings == 2


def test_one_wrong_name_and_nothing_is_decided(shop: Path) -> None:
    with pytest.raises(UnknownName):
        triage.keep(opened(shop), ["forgotten", "nothing"], by="analytics", reason="x")
    assert entries(opened(shop)) == ()


@pytest.mark.parametrize(
    ("act", "more", "match"),
    [
        ("keep", {"reason": " "}, "says why"),
        ("keep", {"reason": "x" * 2001}, "too long"),
        ("keep", {"reason": "x", "until": date(2026, 11, 21)}, "over already"),
        ("keep", {"reason": "x", "by": " "}, "needs 'by'"),
        ("keep", {"reason": "x", "by": "a\nb"}, "one line"),
        ("snooze", {"until": date(2020, 1, 1)}, "over already"),
        ("assign", {"to": ""}, "to whom"),
        ("assign", {"to": "x" * 2001}, "too long"),
        ("reopen", {}, "open already"),
        ("link", {"key_result": "revenue"}, "forgotten .zombies. cannot be linked to a key result"),
    ],
)
def test_what_cannot_be_decided(shop: Path, act: str, more: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        getattr(triage, act)(opened(shop), ["forgotten"], **{"by": "analytics", **more})
    assert entries(opened(shop)) == ()


def test_a_goal_is_not_retired_and_what_is_used_neither(shop: Path) -> None:
    with pytest.raises(UsageError, match=r"Happy customers .*cannot be retired.*kept"):
        triage.retire(opened(shop), ["unmeasured:happiness"], by="x", write=True)
    with pytest.raises(UsageError, match=r"buzz .*cannot be retired"):
        triage.retire(opened(shop), ["buzz"], by="x", write=True)


def test_a_project_of_files_alone_decides_nothing(shop: Path) -> None:
    with pytest.raises(UsageError, match="kept in a store"):
        triage.keep(Project.stateless(directory=shop, as_of=DAY), ["forgotten"], by="x", reason="x")


def test_assign_reopen_snooze(shop: Path) -> None:
    triage.assign(opened(shop), ["buzz"], by="analytics", to="growth-team")
    assert listed(shop)["buzz"]["owner"] == "growth-team"
    triage.snooze(opened(shop), ["buzz"], by="growth-team", until=DAY)
    assert "buzz" not in listed(shop)
    triage.reopen(opened(shop), ["buzz"], by="finance-team", reason="too dear")
    assert listed(shop)["buzz"]["decided"] == "reopened on 22 Nov by finance-team because too dear"


# ---------------------------------------------------------------------- with files


def test_a_link_is_written_to_both_and_taken_back_from_both(shop: Path) -> None:
    before = files(shop)
    triage.link(opened(shop), ["buzz"], by="growth-team", key_result="revenue", reason="the same number")
    assert b"upstream: dbt:exposure.shop.buzz" in (shop / "links.yml").read_bytes()
    assert "buzz" not in listed(shop, "all")  # without a sync the file counts at once
    (entry,) = entries(opened(shop))
    triage.undo(opened(shop), [digest_of(entry)[:7]], by="growth-team")
    assert listed(shop)["buzz"]["state"] == "open"
    assert {k: v for k, v in files(shop).items() if k != "links.yml"} == before
    assert b"accept" not in (shop / "links.yml").read_bytes()


def test_a_link_counts_after_a_sync_where_there_was_one(shop: Path) -> None:
    opened(shop).sync(evaluate=False)
    outcome = triage.link(opened(shop), ["buzz"], by="growth-team", key_result="revenue")
    assert outcome.sentences[-1] == "It counts after the next headway sync."
    assert listed(shop, "decided")["buzz"]["state"] == "linked"
    opened(shop).sync(evaluate=False)
    assert "buzz" not in listed(shop, "all")


def test_a_link_is_taken_out_alone(shop: Path) -> None:
    others = (
        b"# ours\n- accept: a\r\n  upstream: dbt:exposure.shop.dusty\n  downstream: goal:key_result.grow.revenue\n"
        b"# about the next\n- decline: b\n  upstream: dbt:exposure.shop.dusty\n"
        b"  downstream: goal:key_result.grow.happiness\n"
    )
    (shop / "links.yml").write_bytes(others)
    triage.link(opened(shop), ["buzz"], by="growth-team", key_result="revenue")
    (entry,) = entries(opened(shop))
    triage.undo(opened(shop), [digest_of(entry)], by="growth-team")
    assert (shop / "links.yml").read_bytes() == others


def test_a_link_that_was_taken_out_by_hand_is_told(shop: Path) -> None:
    triage.link(opened(shop), ["buzz"], by="growth-team", key_result="revenue")
    (shop / "links.yml").unlink()
    (entry,) = entries(opened(shop))
    outcome = triage.undo(opened(shop), [digest_of(entry)], by="growth-team")
    assert outcome.sentences[-1] == "links.yml does not have it any more"


@pytest.mark.parametrize("there", [b"", b"# ours\n"])
def test_a_link_that_cannot_be_recorded_is_not_written(
    shop: Path, there: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there:
        (shop / "links.yml").write_bytes(there)
    before = files(shop)
    refuse_to_record(monkeypatch)
    with pytest.raises(StoreError, match="disk is full"):
        triage.link(opened(shop), ["buzz"], by="growth-team", key_result="revenue")
    assert files(shop) == before


def test_retiring_is_shown_first_then_announced_with_what_goes_along(shop: Path) -> None:
    before = files(shop)
    outcome = triage.retire(opened(shop), ["dusty"], by="core-team", reason="nobody opens it")
    assert outcome.prepared is not None
    assert set(outcome.prepared.nodes) == {"dbt:exposure.shop.dusty", "dbt:model.shop.forgotten"}
    assert (files(shop), entries(opened(shop))) == (before, ())
    done = triage.retire(opened(shop), ["dusty"], by="core-team", reason="nobody opens it", write=True)
    assert {e.body["run"] for e in done.entries} == {outcome.prepared.id}
    assert {e.body["asset"] for e in done.entries} == {"dusty", "forgotten"}
    assert b"stage: announced" in (shop / "retirements.yml").read_bytes()
    assert {"dusty", "forgotten"}.isdisjoint(listed(shop))
    assert listed(shop, "decided")["forgotten"]["state"] == "retiring"


def test_what_was_kept_does_not_go_along_unsaid(shop: Path) -> None:
    triage.keep(opened(shop), ["forgotten"], by="analytics", reason="the auditor reads it")
    shown = triage.retire(opened(shop), ["dusty"], by="core-team")
    against = "forgotten would go along, and it was kept on 22 Nov by analytics because the auditor reads it"
    assert shown.sentences == (f"--write would refuse: {against}",)
    with pytest.raises(UsageError, match=against):
        triage.retire(opened(shop), ["dusty"], by="core-team", write=True)
    assert not (shop / "retirements.yml").exists()
    done = triage.retire(opened(shop), ["dusty", "forgotten"], by="core-team", write=True)
    assert {e.body["asset"] for e in done.entries} == {"dusty", "forgotten"}


def test_taking_a_retirement_back_takes_back_the_whole_run(shop: Path) -> None:
    before = files(shop)
    done = triage.retire(opened(shop), ["dusty"], by="core-team", write=True)
    outcome = triage.undo(opened(shop), [digest_of(done.entries[0])[:7]], by="core-team", reason="they asked")
    assert files(shop) == before
    assert outcome.sentences[-1].endswith("1 file")
    assert {"dusty", "forgotten"} <= listed(shop).keys()
    assert listed(shop)["dusty"]["decided"] is None


def test_a_retirement_taken_back_elsewhere_brings_its_findings_back(shop: Path) -> None:
    done = triage.retire(opened(shop), ["dusty"], by="core-team", write=True)
    retirement.undo(opened(shop), done.entries[0].body["run"])
    row = listed(shop)["dusty"]
    assert row["decided"] == ("came back: retirement announced on 22 Nov by core-team; the retirement was taken back")
    outcome = triage.undo(opened(shop), [digest_of(done.entries[0])], by="core-team")
    assert outcome.sentences[-1].endswith("is not there to be taken back in files any more")


def test_a_retirement_that_cannot_be_recorded_is_not_written(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(shop)
    refuse_to_record(monkeypatch)
    with pytest.raises(StoreError, match="disk is full"):
        triage.retire(opened(shop), ["dusty"], by="core-team", write=True)
    assert files(shop) == before


def test_what_has_to_stay_is_not_announced(shop: Path) -> None:
    made = json.loads((shop / "target/manifest.json").read_text())
    made["nodes"]["test.shop.needs"] = {
        "unique_id": "test.shop.needs", "name": "needs", "resource_type": "test", "package_name": "shop",
        "attached_node": "model.shop.orders", "depends_on": {"nodes": ["model.shop.orders", "model.shop.forgotten"]},
    }  # fmt: skip
    (shop / "target/manifest.json").write_text(json.dumps(made))
    with pytest.raises(UsageError, match="forgotten cannot go: something else needs it"):
        triage.retire(opened(shop), ["forgotten"], by="core-team", write=True)
    assert not (shop / "retirements.yml").exists()


@pytest.mark.parametrize("name", ["0000000", "x", "", "zzzz"])
def test_what_is_no_decision_cannot_be_taken_back(shop: Path, name: str) -> None:
    triage.keep(opened(shop), ["forgotten"], by="analytics", reason="x")
    with pytest.raises(UsageError, match="there is no decision"):
        triage.undo(opened(shop), [name], by="x")


def test_nothing_is_taken_back_twice(shop: Path) -> None:
    kept = triage.keep(opened(shop), ["forgotten"], by="analytics", reason="x")
    triage.undo(opened(shop), [digest_of(kept.entries[0])], by="core-team")
    with pytest.raises(UsageError, match="taken back already, by core-team"):
        triage.undo(opened(shop), [digest_of(kept.entries[0])], by="x")


def test_the_log_says_what_holds_newest_first(shop: Path) -> None:
    assert triage.log(opened(shop)).headline == "Nothing has been decided yet."
    kept = triage.keep(opened(shop), ["forgotten"], by="analytics", reason="x", until=DAY)
    triage.snooze(opened(shop), ["forgotten"], by="core-team", until=date(2026, 12, 1))
    gone = triage.keep(opened(shop), ["dusty"], by="analytics", reason="y")
    triage.undo(opened(shop), [digest_of(gone.entries[0])], by="core-team")
    log = triage.log(opened(shop))
    rows = [(r["act"], r["asset"], r["state"]) for r in log.records()]
    assert rows == [
        ("undo", "dusty", "done"),
        ("keep", "dusty", "taken back by core-team"),
        ("snooze", "forgotten", "holds"),
        ("keep", "forgotten", "decided anew"),
    ]
    assert [r["undo"] for r in log.records()] == [
        None, None, log.records()[2]["undo"], digest_of(kept.entries[0])[:7]
    ]  # fmt: skip
    assert log.headline == "4 decisions so far."
    assert triage.log(opened(shop, date(2026, 12, 2))).records()[2]["state"] == "over"  # a zombie is not known by then
    triage.keep(opened(shop), ["dusty"], by="analytics", reason="z", until=DAY)
    assert triage.log(opened(shop, date(2026, 11, 23))).records()[0]["state"] == "came back"


# ---------------------------------------------------------------------- as a file


def everything(shop: Path) -> None:
    """A decision of every act, with texts that YAML could misread."""
    hostile = "no: \"yes\" '#' - @ %\\ \u202e\u00a0 \U0001f600  two  blanks"
    triage.keep(opened(shop), ["forgotten"], by="analytics", reason=hostile, until=date(2027, 1, 31))
    triage.keep(opened(shop), ["happiness"], by="null", reason="2026-11-22")
    triage.assign(opened(shop), ["buzz"], by="~", to="on")
    triage.snooze(opened(shop), ["dusty"], by="[x]", until=DAY, reason="{a: b}")
    triage.reopen(opened(shop), ["dusty"], by="1.0")
    triage.link(opened(shop), ["buzz"], by="- x", key_result="revenue")
    link = entries(opened(shop))[-1]
    triage.undo(opened(shop), [digest_of(link)], by="*a")
    triage.undo(opened(shop), [digest_of(entries(opened(shop))[0])], by="&a")
    triage.retire(opened(shop), ["dusty"], by="core-team", write=True)
    odd = "HW201::a\0b\n- keep: \u2028\U0001f600"
    written(opened(shop), topic="finding", subject=odd, act="keep", by="x", body={"reason": "a\nb", "asset": "\ta"})


def test_what_is_exported_is_taken_over_exactly_and_only_once(shop: Path, tmp_path: Path) -> None:
    everything(shop)
    file = str(tmp_path / "decisions.yml")
    text, count = triage_file.exported(opened(shop))
    triage_file.write(file, text)
    assert triage_file.imported(opened(shop), file) == (0, count)
    other = Project.open(shop, as_of=DAY, environment={}, store_url=f"sqlite:///{tmp_path}/other.db")
    assert triage_file.imported(other, file) == (count, 0)
    assert triage_file.imported(other, file) == (0, count)

    def plain(project: Project) -> list[object]:
        return [(e.at, e.by, e.topic, e.subject, e.act, e.body) for e in entries(project)]

    assert plain(other) == plain(opened(shop))
    assert triage_file.exported(other)[0] == text
    assert other.ask("triage", state="all").records() == opened(shop).ask("triage", state="all").records()


ODD = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    ["null", "~", "1e3", "- x", "a: b", "# c"]
)


@settings(deadline=None)
@given(by=ODD, subject=ODD, asset=ODD, reason=ODD, cost=st.none() | st.floats(0, 1e300), why=st.lists(ODD, max_size=3))
def test_any_text_is_written_so_that_it_is_read_as_it_was(
    by: str, subject: str, asset: str, reason: str, cost: float | None, why: list[str]
) -> None:
    assume("".join(c for c in by if c.isprintable()).strip())
    by = "".join(c for c in by if c.isprintable()).strip()
    body = {"reason": reason + "x", "was": {"cost": cost or 1, "why": why}} | ({"asset": asset} if asset else {})
    entry = checked(Entry(at=AT, by=by, topic="finding", subject=f"HW201::{subject}x", act="keep", body=body))
    (read,) = triage_file._read(triage_file._written(entry).encode(), "d.yml").values()
    assert read == entry


def test_nothing_exported_is_a_file_too(shop: Path, tmp_path: Path) -> None:
    text, count = triage_file.exported(opened(shop))
    triage_file.write(str(tmp_path / "d.yml"), text)
    assert (count, triage_file.imported(opened(shop), str(tmp_path / "d.yml"))) == (0, (0, 0))


GOOD = b"- keep: old\n  finding: HW201::a\n  at: 2026-11-22T10:00:00Z\n  by: x\n  reason: y\n"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"\x00\x01", "YAML"),
        (b"a: b", "no list of decisions"),
        (b"- [", "YAML"),
        (b"[" * 5000, "nested too deeply"),
        (b"- x", "an entry is a mapping"),
        (b"- {}", "begins with what was decided"),
        (GOOD.replace(b"keep:", b"burn:"), "'burn' is no key"),
        (GOOD.replace(b"  by", b"  snooze: x\n  by"), "begins with what was decided"),
        (GOOD.replace(b"reason", b"reasn"), "did you mean reason"),
        (GOOD + b"  by: z\n", "'by' is there twice"),
        (GOOD.replace(b"  reason: y\n", b""), "does not say 'reason'"),
        (GOOD.replace(b"by: x", b"by: ''"), "does not say 'by'"),
        (GOOD.replace(b"by: x", b"by: " + b"x" * 201), "at most 200"),
        (GOOD.replace(b"reason: y", b"reason: " + b"x" * 2001), "at most 2,000"),
        (GOOD.replace(b"reason: y", b"reason: [y]"), "one text"),
        (GOOD.replace(b"HW201::a", b"nothing"), "no finding"),
        (GOOD.replace(b"10:00:00Z", b"10:00:00"), "no time"),
        (GOOD.replace(b"2026-11-22T10:00:00Z", b"soon"), "no time"),
        (GOOD + b"  until: soon\n", "this is no decision"),
        (GOOD + b"  was: x\n", "'was' is a mapping"),
        (GOOD + b"  was: {cost: x}\n", "no number"),
        (GOOD + b"  was: {cost: 1e999}\n", "number|float"),
        (GOOD + b'  was: {"cost": "x"}\n', "this is no decision"),
        (GOOD + b"  was: {why: [[a]]}\n", "texts, numbers"),
        (b"- undo: x\n  finding: HW201::a\n  at: 2026-11-22T10:00:00Z\n  by: x\n", "does not say 'undoes'"),
        (b"- &a !!python/object:os.system {keep: x}\n", "does not say"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(shop: Path, tmp_path: Path, text: bytes, match: str) -> None:
    path = tmp_path / "d.yml"
    path.write_bytes(GOOD + b"\n" + text if text.startswith(b"- ") and text != b"- [" else text)
    with pytest.raises(InputError, match=match) as caught:
        triage_file.imported(opened(shop), str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert entries(opened(shop)) == ()


def test_files_that_cannot_be_read_or_written(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        triage_file.imported(opened(shop), str(tmp_path / "none.yml"))
    with pytest.raises(HeadwayError):
        triage_file.imported(opened(shop), str(tmp_path))
    with pytest.raises(ConfigError):
        triage_file.write(str(shop / "goals.yml" / "d.yml"), "x")


# ---------------------------------------------------------------------- check-ins


def test_check_ins_stand_beside_what_the_readings_say(shop: Path) -> None:
    assert check_ins(opened(shop)).headline == "Nobody has checked in yet."
    check_in(opened(shop), "happiness", "two  stores\nopen", by="sales-team", confidence="at_risk")
    check_in(opened(shop), "revenue", "no news", by="sales-team")
    rows = check_ins(opened(shop)).records()
    assert [r["note"] for r in rows] == ["no news", "two stores open"]
    (row,) = check_ins(opened(shop), "happiness").records()
    assert (row["on"], row["by"], row["confidence"], row["value"]) == ("2026-11-22", "sales-team", "at risk", 46)
    assert rows[0]["value"] is None
    assert check_ins(opened(shop, date(2026, 11, 21))).rows == ()


@pytest.mark.parametrize(
    ("key_result", "note", "more", "match"),
    [
        ("nothing", "x", {}, "no key result"),
        ("happiness", " ", {}, "between 1 and"),
        ("happiness", "x" * 2001, {}, "between 1 and"),
        ("happiness", "x", {"confidence": "sure"}, "one of on_pace, at_risk, off"),
        ("happiness", "x", {"by": ""}, "needs 'by'"),
    ],
)
def test_what_is_no_check_in(shop: Path, key_result: str, note: str, more: dict[str, str], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        check_in(opened(shop), key_result, note, **{"by": "sales-team", **more})
    assert entries(opened(shop)) == ()


# ---------------------------------------------------------------------- the command line


@pytest.fixture
def headway(shop: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--project-dir", str(shop), "--as-of", "2026-11-22"])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_commands(headway: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    code, out, _ = headway("triage", "--format", "csv", "--limit", "0")
    assert code == 1
    handle = next(line for line in out.splitlines() if "forgotten" in line).split(",")[0].lstrip("'")
    code, out, err = headway("decide", "keep", handle, "--reason", "the auditor", "--until", "2027-01-31")
    assert (code, out) == (0, "")
    assert err.startswith("Kept: forgotten (zombies), until 2027-01-31")
    assert entries(opened(shop))[0].by == "ada"
    assert headway("decide", "snooze", "buzz", "--until", "2026-12-24", "--by", "core-team")[0] == 0
    assert headway("decide", "assign", "buzz", "--to", "growth-team", "--by", "core-team")[0] == 0
    assert headway("decide", "reopen", "buzz", "--by", "core-team")[0] == 0
    code, out, err = headway("decide", "retire", "dusty", "--by", "core-team")
    assert (code, "can go" in out, "Nothing was written" in err) == (0, True, True)
    assert headway("decide", "link", "buzz", "--key-result", "revenue", "--by", "growth-team")[0] == 0
    code, out, _ = headway("decisions", "--format", "json")
    log = json.loads(out)["rows"]
    assert [r["act"] for r in log] == ["link", "reopen", "assign", "snooze", "keep"]
    code, out, err = headway("decide", "undo", log[-1]["undo"], "--by", "core-team")
    assert (code, err.startswith("Taken back: forgotten, kept on 22 Nov by ada")) == (0, True)
    file = str(tmp_path / "d.yml")
    assert headway("decisions", "export", file)[2] == f"6 written to {file}.\n"
    assert headway("decisions", "export")[1] == Path(file).read_text()
    assert headway("decisions", "import", file)[2] == "0 new, 6 known already.\n"
    assert headway("check-in", "happiness", "fine", "--confidence", "on_pace")[2].endswith("by ada.\n")
    assert "fine" in headway("check-ins", "happiness")[1]


def test_errors_are_a_sentence_and_exit_2(headway: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    code, out, err = headway("decide", "keep", "forgotten", "--reason", "x")
    assert (code, out, err) == (2, "", "Error: it is not known who decides (--by names who)\n")
    code, _, err = headway("decide", "keep", "nothing", "--reason", "x", "--by", "y")
    assert (code, err.count("\n")) == (2, 1)
    assert headway("decide", "retire", "dusty", "--by", "x", "--write")[0] == 0
