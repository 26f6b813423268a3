"""Triage: what is decided leaves the list, and what comes back says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from case_graph import graph_of
from headway.answer import Answer
from headway.graph.ledger import Entry
from headway.questions.triage import items, triage
from headway.questions.triage_state import Decisions, Retiring, Said, Was, body_of, changed, digest_of, handle_of

DAY = date(2026, 11, 22)
T0 = datetime(2026, 10, 3, 9, tzinfo=UTC)
OLD = "HW201::old"

SHOP = """
covers "kind:model kind:dashboard" 2026-08-01..2026-11-21
objective grow "Grow" 2026-10-01..2026-12-31
model orders
metric mrr < orders
dashboard exec < mrr
key_result grow.mrr < mrr shown_on=exec from=1 to=2
reading grow.mrr 2026-11-21 1.5
views exec 4 on 2026-11-20
model old cost=10 owner=core-team
"""


def said(act: str = "keep", key: str = OLD, at: datetime = T0, by: str = "analytics", **more: Any) -> Entry:
    more.setdefault("on", at.date())
    if act in {"keep", "snooze", "link", "retire"}:
        more.setdefault("was", Was(10.0, "EUR", "unused"))
    return Entry(at=at, by=by, topic="finding", subject=key, act=act, body=body_of(Said(**more)))


def asked(*entries: Entry, text: str = SHOP, **more: Any) -> Answer:
    return triage(graph_of(text), decisions=entries, **more)


def only(answer: Answer) -> dict[str, Any]:
    (row,) = answer.records()
    return row


def about(answer: Answer, name: str) -> dict[str, Any]:
    (row,) = [r for r in answer.records() if r["asset"] == name]
    return row


def test_an_undecided_finding_is_open_and_counts() -> None:
    answer = asked()
    row = only(answer)
    assert (row["asset"], row["kind"], row["state"], row["decided"]) == ("old", "zombies", "open", None)
    assert row["finding"] == handle_of(OLD)
    assert answer.findings == 1
    assert answer.headline == "1 decision would free EUR 10 a month."
    assert answer.totals["zombies_cost"] == 10
    assert answer.totals["freed"] == 10


def test_a_kept_finding_leaves_the_list_with_its_reason_and_its_author() -> None:
    kept = said(reason="the auditor reads it", until=date(2026, 12, 24))
    assert asked(kept).records() == []
    assert asked(kept).headline == "Nothing wants a decision; 1 finding is decided."
    answer = asked(kept, state="decided")
    row = only(answer)
    assert row["state"] == "kept"
    assert row["decided"] == "kept on 3 Oct by analytics because the auditor reads it, until 24 Dec"
    assert (answer.findings, row["suggested"], row["acts"]) == (0, None, ["reopen"])


@pytest.mark.parametrize(("until", "state"), [(DAY, None), (DAY - timedelta(days=1), "came back")])
def test_a_finding_comes_back_on_the_day_after_the_last_and_says_so(until: date, state: str | None) -> None:
    answer = asked(said(reason="the auditor reads it", until=until))
    if state is None:
        assert answer.records() == []
    else:
        row = only(answer)
        assert row["state"] == "came back"
        assert row["decided"] == "came back: kept on 3 Oct by analytics because the auditor reads it, until 21 Nov"
        assert answer.headline == "1 decision would free EUR 10 a month; 1 of them came back."
        assert answer.totals["came_back"] == 1


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (Was(5, "EUR"), Was(10, "EUR"), "its cost grew from 5 to 10 EUR a month"),
        (Was(5, "EUR"), Was(9.9, "EUR"), None),
        (Was(0.1, "EUR"), Was(0.9, "EUR"), None),
        (Was(0, "EUR"), Was(50, "EUR"), None),
        (Was(5, "credits"), Was(10, "EUR"), None),
        (Was(None), Was(10, "EUR"), None),
        (Was(use="unused"), Was(use="used"), "it has been used since"),
        (Was(use="used"), Was(use="unused"), "nobody uses it any more"),
        (Was(use="unused"), Was(use="unknown"), None),
        (Was(use="unknown"), Was(use="used"), None),
        (Was(why=("shown nowhere",)), Was(why=("shown nowhere", "it has no target")), "new is that it has no target"),
        (Was(why=("shown nowhere", "it has no target")), Was(why=("it has no target",)), None),
    ],
)
def test_what_matters(was: Was, now: Was, why: str | None) -> None:
    assert changed(was, now) == why


def test_a_kept_finding_whose_cost_doubled_comes_back_before_its_day() -> None:
    row = only(asked(said(reason="cheap", until=date(2027, 1, 1), was=Was(5.0, "EUR", "unused"))))
    assert row["state"] == "came back"
    assert row["decided"].endswith("because cheap, until 1 Jan 2027; its cost grew from 5 to 10 EUR a month")


def test_the_last_decision_counts_whatever_order_they_come_in() -> None:
    first = said(reason="one", at=T0)
    second = said("snooze", at=T0 + timedelta(hours=1), until=date(2026, 12, 1))
    for order in ((first, second), (second, first)):
        assert only(asked(*order, state="decided"))["state"] == "snoozed"


def test_reopening_puts_it_back_and_says_who_did() -> None:
    row = only(asked(said(reason="x"), said("reopen", at=T0 + timedelta(days=1), by="finance-team", reason="too dear")))
    assert (row["state"], row["decided"]) == ("open", "reopened on 4 Oct by finance-team because too dear")


def test_taking_back_restores_what_was_decided_before() -> None:
    kept = said(reason="x")
    later = said("snooze", at=T0 + timedelta(days=1), until=date(2026, 12, 1))
    back = said("undo", at=T0 + timedelta(days=2), undoes=digest_of(later))
    assert only(asked(kept, later, back, state="decided"))["state"] == "kept"
    both = said("undo", at=T0 + timedelta(days=3), undoes=digest_of(kept))
    assert only(asked(kept, later, back, both))["decided"] is None


def test_assigning_says_who_decides_and_leaves_it_open() -> None:
    assigned = said("assign", to="growth-team")
    row = only(asked(assigned))
    assert (row["state"], row["owner"]) == ("open", "growth-team")
    assert asked(assigned, owner="Growth-Team").records() == [row]
    assert asked(assigned, owner="core-team").records() == []
    assert only(asked(assigned, said(reason="x"), state="decided"))["owner"] == "growth-team"


def test_a_team_is_found_however_its_owner_is_written() -> None:
    text = SHOP.replace("owner=core-team", "owner=@shop/core-team")
    assert len(asked(text=text, owner="Core-Team").rows) == len(asked(text=text, owner="@shop/core-team").rows) == 1


def test_a_link_that_did_not_help_comes_back_once_it_was_read() -> None:
    linked = said("link", key_result="goal:key_result.grow.mrr")
    graph = graph_of(SHOP)
    for synced_at, word in (
        (T0 - timedelta(days=1), "linked"),
        (T0 + timedelta(days=1), "came back"),
        (None, "came back"),
    ):
        state = Decisions([linked], DAY).state(OLD, Was(), DAY, synced_at=synced_at)
        assert state.word == word
    assert only(triage(graph, decisions=[linked]))["decided"].endswith("; the link is read, and it is still found")


def test_a_retirement_that_was_taken_back_comes_back() -> None:
    gone = said("retire", run="r1")
    there = Retiring("old", "announced", DAY, ("r1", "r2"))
    assert only(asked(gone, retirements=[there], state="decided"))["state"] == "retiring"
    assert only(asked(gone, state="decided"))["state"] == "retiring"  # whether it was is not known
    assert only(asked(gone, retirements=[there._replace(runs=("r2",))]))["decided"].endswith(
        "; the retirement was taken back"
    )


def test_what_the_files_retire_wants_no_decision_though_nobody_decided_here() -> None:
    there = Retiring("old", "deprecated", DAY + timedelta(days=30), ("r1",))
    row = only(asked(retirements=[there], state="decided"))
    assert (row["state"], row["decided"]) == ("retiring", "deprecated for 22 Dec by headway retire")
    assert only(asked(said(reason="x"), retirements=[there], state="decided"))["state"] == "kept"


def test_what_is_decided_later_than_the_day_of_the_answer_is_not_known_then() -> None:
    assert only(asked(said(reason="x", on=DAY + timedelta(days=1))))["state"] == "open"


def test_an_asset_that_became_another_kind_of_finding_says_what_was_decided_before() -> None:
    kept = said(reason="for March", kind="zombies")
    board = SHOP + "dashboard old_board cost=1\nviews old_board 3 on 2026-11-20\n"
    row = about(asked(msgspec.structs.replace(kept, subject="HW201::old_board"), text=board), "old_board")
    assert row["kind"] == "shadow-goals"
    assert row["state"] == "open"
    assert row["decided"] == "kept on 3 Oct by analytics because for March, as something else: zombies"


ACTS = st.lists(st.sampled_from(["keep", "snooze", "assign", "reopen", "undo"]), max_size=7)


@settings(deadline=None)
@given(ACTS, st.randoms(use_true_random=False), st.integers(0, 6))
def test_what_holds_is_the_last_that_was_not_taken_back(acts: list[str], order: Random, pick: int) -> None:
    entries: list[Entry] = []
    left: list[Entry] = []  # the simplest model: a list of which undoing takes one out
    for k, act in enumerate(acts):
        at = T0 + timedelta(hours=k)
        if act == "undo":
            if left:
                gone = left.pop(pick % len(left))
                entries.append(said("undo", at=at, undoes=digest_of(gone)))
            continue
        more = {"until": DAY} if act == "snooze" else {"to": f"team {k}"} if act == "assign" else {"reason": f"{k}"}
        left.append(said(act, at=at, **more))
        entries.append(left[-1])
    order.shuffle(entries)
    state = Decisions(entries, DAY).state(OLD, Was(10.0, "EUR", "unused"), DAY)
    last = next((e for e in reversed(left) if e.act != "assign"), None)
    words = {"keep": "kept", "snooze": "snoozed", "reopen": "open"}
    assert state.word == (words[last.act] if last else "open")
    assert (state.decision.entry if state.decision else None) == last
    assert state.assigned == next((e.body["to"] for e in reversed(left) if e.act == "assign"), "")


def test_entries_of_other_topics_and_bodies_that_cannot_be_read_do_nothing_and_are_told() -> None:
    strange = Entry(at=T0, by="x", topic="finding", subject=OLD, act="keep", body={"until": "soon"})
    other = Entry(at=T0, by="x", topic="request", subject=OLD, act="keep", body={"reason": "x"})
    answer = asked(strange, other)
    assert only(answer)["state"] == "open"
    assert [g.message for g in answer.gaps if g.topic == "decisions"] == [
        "1 decision cannot be read by this version of Headway"
    ]


def test_an_entry_taken_over_twice_is_one_decision() -> None:
    kept = said(reason="x")
    assert len(Decisions([kept, msgspec.structs.replace(kept, id=9)], DAY).all) == 1


def test_each_asset_is_listed_once_and_load_bearing_ones_cannot_be_retired() -> None:
    text = SHOP + (
        'objective launch "Launch" 2026-01-01..2026-06-30\n'
        "dashboard launch_board cost=3\n"
        "key_result launch.done < mrr shown_on=launch_board\n"
        "dashboard vat < old protected\n"
        'objective past "Past" 2026-01-01..2026-06-30\n'
        "model kept_model cost=2\nmetric kept_metric < kept_model\n"
        "dashboard kept_board < kept_metric protected\n"
        "key_result past.done < kept_metric shown_on=kept_board\n"
    )
    rows = {r["asset"]: r for r in asked(text=text).records()}
    assert rows["launch_board"]["kind"] == "zombies"
    assert "served only Launch, which ended on 2026-06-30" in rows["launch_board"]["why"]
    assert "retire" in rows["launch_board"]["acts"]
    assert rows["kept_board"]["kind"] == "lost-purpose"
    assert rows["kept_board"]["acts"] == ["link", "keep", "snooze", "assign"]
    assert rows["kept_board"]["why"].endswith("something protected or outside stands on it")
    assert "old" not in rows  # the protected dashboard stands on it
    assert len(asked(text=text).rows) == len({r.node for r in asked(text=text).rows})


def test_what_stands_or_falls_together_says_so() -> None:
    rows = {r["asset"]: r for r in asked(text=SHOP + "model older < old cost=1\nmodel alone cost=1\n").records()}
    assert rows["old"]["part"] == rows["older"]["part"] is not None
    assert (rows["old"]["together"], rows["alone"]["together"], rows["alone"]["part"]) == (2, 1, None)


def test_reasons_of_one_key_result_are_one_finding() -> None:
    text = SHOP + "key_result grow.joy words\n"
    row = about(asked(text=text), "joy (Grow)")
    assert row["why"] == "it is only words: bound to no metric, model, SQL or readings; it is shown nowhere"
    (item,) = [i for i in items(graph_of(text)) if i.name == "joy (Grow)"]
    assert len(item.now.why) == 2
    kept = said(reason="x", key=item.key, was=Was(why=item.now.why[:1]))
    assert about(asked(kept, text=text), "joy (Grow)")["decided"].endswith("new is that it is shown nowhere")


@pytest.mark.parametrize("kind", ["zombies", "shadow-goals", "neglected", "lost-purpose", "unmeasured"])
def test_kinds(kind: str) -> None:
    text = SHOP + (
        "dashboard liked\nviews liked 9 on 2026-11-20\nkey_result grow.joy words\n"
        "metric eyes < orders\ndashboard dim < eyes\nkey_result grow.eyes < eyes shown_on=dim from=1 to=2\n"
        "reading grow.eyes 2026-11-21 1\n"
        'objective past "Past" 2026-01-01..2026-06-30\nmodel lost\nmetric lost_metric < lost\n'
        "key_result past.done < lost_metric\nqueries lost 3 on 2026-11-20\n"
    )
    answer = asked(text=text, kind=kind)
    assert {r["kind"] for r in answer.records()} == {kind}
    assert answer.totals[kind.replace("-", "_")] == len(answer.rows)
    assert answer.totals["open"] == len(asked(text=text).rows)


def test_it_is_worked_out_once_for_the_same_entries_and_anew_for_others() -> None:
    graph = graph_of(SHOP)
    kept = said(reason="the auditor reads it", until=date(2026, 12, 24))
    again = msgspec.json.decode(msgspec.json.encode(kept), type=Entry)
    first = triage(graph, decisions=[kept], state="decided")
    assert triage(graph, decisions=(again,), state="decided") is first
    other = msgspec.structs.replace(kept, body={**kept.body, "reason": "the board reads it"})
    assert "the board reads it" in only(triage(graph, decisions=[other], state="decided"))["decided"]
    assert triage(graph_of(SHOP), decisions=[kept], state="decided") is not first
