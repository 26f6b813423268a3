"""What a store makes of observations, checks, readings, targets and hostile text, on whichever database."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from store_samples import DAY, T0, TODAY, names, node, of_type, plain, seen, sizes, written

from headway.errors import StoreError
from headway.graph.model import (
    Band,
    Change,
    Check,
    Coverage,
    Deliverable,
    Edge,
    Gap,
    Node,
    Objective,
    Observation,
    Origin,
    Reading,
    Target,
)
from headway.store import Store
from headway.store.schema import check_result, record


def day(n: int) -> date:
    return date(2026, 3, n)


def reading(value: float | None, on: date = TODAY, **more: Any) -> Reading:
    value = float(value) if type(value) is int else value  # as a store gives it back
    return Reading(key_result="goal:key_result.grow.mrr", day=on, value=value, **more)


def target(**more: Any) -> Target:
    return Target(key_result="goal:key_result.grow.mrr", objective="goal:objective.grow", **more)


def check(
    status: Literal["pass", "warn", "fail", "error", "skipped", "not run"], at: datetime | None, **more: Any
) -> Check:
    return Check(node="dbt:a", id="test.a", kind="test", name="unique", status=status, at=at, **more)


@dataclass(frozen=True)
class Alien:
    """Not a record."""

    id: str = "x"


class StoreMeaning:
    """Subclasses give the fixture `fresh`: a function that makes an empty database and returns its URL."""

    @pytest.fixture
    def store(self, fresh: Callable[[], str]) -> Iterator[Store]:
        with Store.open(fresh()) as store:
            yield store

    # ---------------------------------------------------------------- observations

    def test_observations_add_up_and_the_last_amount_counts(self, store: Store) -> None:
        written(store, "superset", T0, seen(1, day(1)), seen(2, day(2)))
        written(store, "superset", T0 + DAY, seen(5, day(2)), seen(3, day(3)))
        assert [(o.day, o.amount) for o in of_type(store, Observation)] == [(day(1), 1), (day(2), 5), (day(3), 3)]

    def test_what_tells_observations_apart(self, store: Store) -> None:
        several = [
            seen(1),
            seen(2, what="customers"),
            seen(3, relation="shop.orders"),
            seen(4, unit="EUR"),
            seen(9, tool="looker"),
            seen(10, column="id"),
            seen(11, person="9f2c"),
            seen(5, person_class="person"),
            seen(6, day(9)),
            Observation(day=TODAY, measure="views", amount=7.0, node="dbt:orders"),
        ]
        written(store, "superset", T0, *several)
        written(store, "metabase", T0, seen(8))
        assert plain(of_type(store, Observation)) == plain([*several, seen(8)])

    def test_days_that_a_sync_covers_are_replaced_as_a_whole(self, store: Store) -> None:
        for connector in ("superset", "metabase"):
            written(store, connector, T0, *(seen(n, day(n)) for n in range(1, 8)))
        span = Coverage(covers="", start=day(3), end=day(5))
        late = seen(9, day(4), what="late")
        written(store, "superset", T0 + DAY, span, seen(30, day(3)), late, seen(60, day(6)))
        mine = of_type(store, Observation)
        for n in range(1, 8):
            mine.remove(seen(n, day(n)))  # of metabase, all untouched
        assert plain(mine) == plain(
            [seen(1, day(1)), seen(2, day(2)), seen(30, day(3)), late, seen(60, day(6)), seen(7, day(7))]
        )

    def test_a_history_read_piece_by_piece_covers_all_its_days_up_to_a_gap(self, store: Store) -> None:
        def covered() -> list[tuple[int, int]]:
            return [(c.start.day, c.end.day) for c in of_type(store, Coverage)]

        written(store, "history", T0, Coverage(covers="kind:model", start=day(1), end=day(3)))
        written(store, "history", T0 + DAY, Coverage(covers="kind:model", start=day(5), end=day(8)))
        assert covered() == [(5, 8)]
        written(store, "history", T0 + 2 * DAY, Coverage(covers="kind:model", start=day(8), end=day(9)))
        written(store, "history", T0 + 3 * DAY, Coverage(covers="kind:model", start=day(10), end=day(12)))
        written(store, "other", T0, Coverage(covers="kind:model", start=day(1), end=day(11)))
        assert covered() == [(5, 12), (1, 11)]
        assert [(c.start.day, c.end.day) for c in of_type(store, Coverage, T0 + 2 * DAY)] == [(5, 9), (1, 11)]

    def test_a_connector_that_is_removed_leaves_the_view_with_all_it_said_and_stays_in_history(
        self, store: Store
    ) -> None:
        written(store, "superset", T0, node("orders"), seen(1), reading(5.0))
        written(store, "metabase", T0, node("users"))
        store.remove("superset", T0 + DAY)
        assert store.load().records == [node("users")]
        assert list(store.load().per_connector) == list(store.synced()) == ["metabase"]
        assert set(names(store, T0)) == {"orders", "users"}
        assert [row.status for row in store.syncs("superset")] == ["removed", "done"]
        written(store, "superset", T0 + 2 * DAY, node("orders"))
        assert of_type(store, Observation) == [seen(1)]

    def test_observations_of_a_failed_sync_are_not_kept(self, store: Store) -> None:
        written(store, "superset", T0, seen(1, day(1)))
        with pytest.raises(StoreError), store.sync("superset", T0 + DAY) as sync:
            sync.write([seen(2, day(2)), Coverage(covers="", start=day(1), end=day(2)), Alien()])  # type: ignore[list-item]
        assert of_type(store, Observation) == [seen(1, day(1))]

    def test_the_place_of_an_observation_follows_its_file(self, store: Store) -> None:
        for at, line in ((T0, 3), (T0 + DAY, 70_000_000_000)):
            where = Origin(connector="observations", file="usage.csv", line=line)
            written(
                store, "observations", at, Observation(day=TODAY, measure="views", amount=1, node="a", origin=where)
            )
            (found,) = of_type(store, Observation)
            assert found.origin == Origin("observations", "usage.csv", min(line, 2**31 - 1))

    @pytest.mark.parametrize("amount", [math.nan, math.inf, "many", None])
    def test_an_amount_that_is_no_number_becomes_a_gap(self, store: Store, amount: Any) -> None:
        written(store, "observations", T0, seen(amount), seen(2, day(5)))
        gap, kept = store.load().records
        assert kept == seen(2, day(5))
        assert isinstance(gap, Gap)
        assert gap.topic == "observations"
        assert "one observation could not be kept" in gap.message

    def test_a_time_for_a_day_is_that_day(self, store: Store) -> None:
        written(store, "observations", T0, seen(1, T0), seen(1, TODAY))
        assert of_type(store, Observation) == [seen(1, TODAY)]

    # ---------------------------------------------------------------- checks

    def test_a_check_keeps_its_last_result_when_a_sync_did_not_run_it(self, store: Store) -> None:
        written(store, "dbt", T0, check("fail", T0, message="2 rows"))
        written(store, "dbt", T0 + DAY, check("not run", None))
        assert of_type(store, Check) == [check("fail", T0, since=T0, message="2 rows")]

    def test_a_check_that_vanishes_leaves_the_view_and_comes_back_with_its_history(self, store: Store) -> None:
        written(store, "dbt", T0, check("fail", T0))
        written(store, "dbt", T0 + DAY, node("a"))
        assert of_type(store, Check) == []
        written(store, "dbt", T0 + 2 * DAY, check("fail", T0 + 2 * DAY))
        assert of_type(store, Check) == [check("fail", T0 + 2 * DAY, since=T0)]

    def test_since_is_the_first_of_the_unbroken_run_of_results_that_do_not_pass(self, store: Store) -> None:
        story = ["fail", "pass", "warn", "error", "skipped", "fail"]
        for n, status in enumerate(story):
            written(store, "dbt", T0 + n * DAY, check(status, T0 + n * DAY))  # type: ignore[arg-type]
        assert of_type(store, Check) == [check("fail", T0 + 5 * DAY, since=T0 + 2 * DAY)]
        assert of_type(store, Check, T0 + 3 * DAY) == [check("error", T0 + 3 * DAY, since=T0 + 2 * DAY)]
        assert of_type(store, Check, T0 + DAY) == [check("pass", T0 + DAY)]
        assert of_type(store, Check, T0) == [check("fail", T0, since=T0)]

    def test_an_older_result_that_arrives_late_takes_its_place_in_history(self, store: Store) -> None:
        written(store, "dbt", T0, check("fail", T0))
        written(store, "dbt", T0 + DAY, check("fail", T0 - 3 * DAY))
        assert of_type(store, Check) == [check("fail", T0, since=T0 - 3 * DAY)]
        written(store, "dbt", T0 + 2 * DAY, check("pass", T0 - DAY))
        assert of_type(store, Check) == [check("fail", T0, since=T0)]

    def test_the_connectors_own_since_counts_when_it_is_earlier(self, store: Store) -> None:
        written(store, "dbt", T0, check("fail", T0, since=T0 - 9 * DAY))
        assert of_type(store, Check)[0].since == T0 - 9 * DAY
        written(store, "dbt", T0 + DAY, check("fail", T0 + DAY, since=T0 + DAY))
        assert of_type(store, Check)[0].since == T0

    def test_a_result_is_kept_once_and_a_corrected_one_replaces_it(self, store: Store) -> None:
        written(store, "dbt", T0, check("fail", T0, message="1 row"))
        written(store, "dbt", T0 + DAY, check("fail", T0, message="1 row"))
        written(store, "dbt", T0 + 2 * DAY, check("error", T0, message="timeout"))
        assert sizes(store)[check_result.name] == 1
        assert of_type(store, Check) == [check("error", T0, since=T0, message="timeout")]

    def test_a_result_without_a_time_is_dated_by_its_sync_and_only_news_adds_to_history(self, store: Store) -> None:
        for n, status in enumerate(["pass", "fail", "fail", "fail"]):
            written(store, "lookml", T0 + n * DAY, check(status, None))  # type: ignore[arg-type]
        assert of_type(store, Check) == [check("fail", T0 + DAY, since=T0 + DAY)]
        assert sizes(store)[check_result.name] == 2

    def test_several_results_of_one_check_in_one_sync(self, store: Store) -> None:
        written(store, "dbt", T0, *(check(s, T0 - n * DAY) for n, s in enumerate(["fail", "fail", "pass", "fail"])))  # type: ignore[arg-type]
        assert of_type(store, Check) == [check("fail", T0, since=T0 - DAY)]

    def test_checks_of_two_connectors_are_two_checks(self, store: Store) -> None:
        written(store, "dbt", T0, check("pass", T0))
        written(store, "elementary", T0, check("fail", T0))
        assert [c.status for c in of_type(store, Check)] == ["pass", "fail"]

    def test_a_time_without_zone_is_taken_as_utc(self, store: Store) -> None:
        written(store, "dbt", T0, check("fail", T0.replace(tzinfo=None)))
        assert of_type(store, Check) == [check("fail", T0, since=T0)]

    # ---------------------------------------------------------------- readings

    def test_readings_add_up_and_a_changed_value_keeps_its_history(self, store: Store) -> None:
        written(store, "values", T0, reading(1.0, day(1), at=T0), reading(None, day(2), at=T0))
        written(store, "values", T0 + DAY, reading(2.5, day(2), at=T0 + DAY))
        assert [(r.day, r.value) for r in of_type(store, Reading)] == [(day(1), 1.0), (day(2), 2.5)]
        assert [(r.day, r.value) for r in of_type(store, Reading, T0)] == [(day(1), 1.0), (day(2), None)]

    def test_an_unchanged_value_costs_nothing_and_keeps_the_time_it_was_first_read(self, store: Store) -> None:
        written(store, "values", T0, reading(1.0, at=T0))
        before = sizes(store)
        written(store, "values", T0 + DAY, reading(1.0, at=T0 + DAY))
        assert sizes(store) == before
        assert of_type(store, Reading) == [reading(1.0, at=T0)]

    def test_what_tells_readings_apart(self, store: Store) -> None:
        several = [reading(1), reading(2, grain="week"), reading(3, source="sql"), reading(4, day(9))]
        written(store, "values", T0, *several)
        assert plain(of_type(store, Reading)) == plain(several)

    def test_a_reading_written_by_hand_vanishes_with_its_line(self, store: Store) -> None:
        written(store, "goals", T0, reading(1, day(1), source="manual"), reading(2, day(2), source="manual"))
        written(store, "goals", T0 + DAY, reading(2, day(3), source="manual"))
        assert of_type(store, Reading) == [reading(2, day(3), source="manual")]
        assert [r.day for r in of_type(store, Reading, T0)] == [day(1), day(2)]

    # ---------------------------------------------------------------- targets

    def test_a_changed_target_is_kept_and_shown(self, store: Store) -> None:
        written(store, "goals", T0, target(baseline=10.0, target=20.0, due=day(30)))
        written(store, "goals", T0 + DAY, target(baseline=10.0, target=25.0, commit=22.0, due=day(30)))
        written(store, "goals", T0 + 2 * DAY, target(baseline=10.0, target=25.0, commit=22.0, due=date(2026, 6, 30)))
        assert of_type(store, Target)[0].changes == (
            Change(at=day(3), field="target", before=20.0, after=25.0),
            Change(at=day(3), field="commit", before=None, after=22.0),
            Change(
                at=day(4),
                field="due",
                before=float(day(30).toordinal()),
                after=float(date(2026, 6, 30).toordinal()),
            ),
        )
        assert [c.field for c in of_type(store, Target, T0 + DAY)[0].changes] == ["target", "commit"]
        assert of_type(store, Target, T0)[0].changes == ()

    def test_other_changes_of_a_target_are_not_listed(self, store: Store) -> None:
        written(store, "goals", T0, target(target=20.0, unit="EUR"))
        written(store, "goals", T0 + DAY, target(target=20.0, unit="USD", band=Band(low=1.0)))
        assert of_type(store, Target) == [target(target=20.0, unit="USD", band=Band(low=1.0))]

    def test_changes_merge_with_those_written_in_the_file(self, store: Store) -> None:
        told = Change(at=day(1), field="target", before=20.0, after=25.0)
        older = Change(at=date(2025, 11, 1), field="target", before=15.0, after=20.0)
        written(store, "goals", T0, target(target=20.0, changes=(older,)))
        written(store, "goals", T0 + DAY, target(target=25.0, changes=(older, told)))
        assert of_type(store, Target)[0].changes == (older, told)  # not told twice
        written(store, "goals", T0 + 2 * DAY, target(target=20.0, changes=(older, told)))
        written(store, "goals", T0 + 3 * DAY, target(target=25.0, changes=(older, told)))
        back = Change(at=day(4), field="target", before=25.0, after=20.0)
        again = Change(at=day(5), field="target", before=20.0, after=25.0)
        assert of_type(store, Target)[0].changes == (older, told, back, again)

    def test_a_target_that_went_and_came_back_changed(self, store: Store) -> None:
        written(store, "goals", T0, target(target=20.0))
        written(store, "goals", T0 + DAY)
        written(store, "goals", T0 + 2 * DAY, target(target=30.0))
        assert of_type(store, Target)[0].changes == (Change(at=day(4), field="target", before=20.0, after=30.0),)

    # ---------------------------------------------------------------- first seen

    def test_a_node_is_created_on_the_day_of_the_first_sync_that_saw_it(self, store: Store) -> None:
        written(store, "dbt", T0, node("old"))
        written(store, "dbt", T0 + timedelta(hours=2), node("old"), node("same day"))
        written(store, "dbt", T0 + DAY, node("old", title="x"), node("young"), node("told", created=day(1)))
        written(store, "superset", T0 + 2 * DAY, node("first of superset"))
        written(store, "dbt", T0 + 3 * DAY, node("old"), node("young", title="changed"), node("told", created=day(1)))
        born = {n.name: n.created for n in of_type(store, Node)}
        assert born == {"old": None, "young": day(3), "told": day(1), "first of superset": None}
        assert {n.name: n.created for n in of_type(store, Node, T0 + timedelta(hours=3))} == {
            "old": None,
            "same day": None,
        }

    def test_a_failed_first_sync_is_not_the_first(self, store: Store) -> None:
        with pytest.raises(StoreError), store.sync("dbt", T0 - 9 * DAY):
            raise StoreError("no")
        written(store, "dbt", T0, node("a"))
        assert of_type(store, Node) == [node("a")]

    def test_a_node_that_returns_is_as_old_as_it_was(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"))
        written(store, "dbt", T0 + DAY, node("a"), node("b"))
        written(store, "dbt", T0 + 2 * DAY)
        written(store, "dbt", T0 + 3 * DAY, node("a"), node("b"))
        assert {n.name: n.created for n in of_type(store, Node)} == {"a": None, "b": day(3)}

    # ---------------------------------------------------------------- hostile text

    @pytest.mark.parametrize(
        "text",
        [
            'it\'s "quoted"; DROP TABLE headway_record; --',
            "nul \0 nul",
            "%s %(a)s ? :a {0} \\ \\x00 \\u0000",
            "tab\tline\nreturn\r\x1b[31m\x7f",
            "\u202eright to left\ufeff \ue000 \U0001f9ed \uffff",
            "e\u0301 and \u00e9",
            "x" * 1_000_000,
            "\u00fc" * 3000,
        ],
        ids=["quotes", "nul", "placeholders", "controls", "unicode", "combining", "megabyte", "long-wide"],
    )
    def test_any_text_comes_back_as_it_was(self, store: Store, text: str) -> None:
        where = Origin(connector=text, file=text)
        records = [
            Node(id=text, kind="model", name=text, tags=(text,), meta={text: [text]}, origin=where),
            Edge(upstream=text, downstream=text),
            Objective(objective=text),
            Deliverable(deliverable=text, objective=text),
            Target(key_result=text, objective=text, unit=text),
            Reading(key_result=text, day=TODAY, value=1.0, source=text, proof=text),
            Gap(topic=text, message=text),
            Coverage(covers=text, start=TODAY, end=TODAY),
            Check(node=text, id=text, kind="test", name=text, status="pass", at=T0, message=text),
            Observation(day=TODAY, measure=text, amount=1.0, node=text, relation=text, unit=text, origin=where),
        ]
        for at in (T0, T0 + DAY):
            written(store, "dbt", at, *records)
            assert plain(store.load().records) == plain(records)  # type: ignore[arg-type]
        assert sizes(store)[record.name] == len(records) - 1

    def test_long_ids_that_begin_alike_are_told_apart(self, store: Store) -> None:
        written(store, "dbt", T0, *(node("x" * 5000 + str(n)) for n in range(3)))
        assert len(set(names(store))) == 3

    def test_lone_surrogates_are_replaced(self, store: Store) -> None:
        bad, good = "caf\udce9", "caf\ufffd"
        records = [
            node(bad, meta={bad: [bad]}, tags=(bad,)),
            Check(node=bad, id="t", kind="test", name="t", status="fail", at=T0, message=bad),
            seen(1, what=bad),
        ]
        written(store, "dbt", T0, *records)
        assert plain(store.load().records) == plain(
            [
                node(good, meta={good: [good]}, tags=(good,)),
                Check(node=good, id="t", kind="test", name="t", status="fail", at=T0, since=T0, message=good),
                seen(1, what=good),
            ]
        )

    @pytest.mark.parametrize(
        ("record", "reason"),
        [
            (node("x", meta={"k": object()}), "object"),
            (node("x", meta={("a", "b"): 1}), ""),
            (node("x", meta={"path": Path("x")}), "Path"),
            (check("fail", datetime.min.replace(tzinfo=datetime.strptime("+1400", "%z").tzinfo)), "out of range"),
            (Coverage(covers="", start="2026-01-01", end=TODAY), "not a day"),  # type: ignore[arg-type]
            (node("x", origin=None), ""),
        ],
        ids=["object", "keys", "path", "time", "day", "origin"],
    )
    def test_a_record_that_cannot_be_kept_becomes_a_gap(self, store: Store, record: Any, reason: str) -> None:
        written(store, "thirdparty", T0, node("fine"), record)
        fine, gap = store.load().records
        assert fine == node("fine")
        assert isinstance(gap, Gap)
        assert gap.topic == "thirdparty"
        assert reason in gap.message

    def test_a_very_deep_value_becomes_a_gap(self, store: Store) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        written(store, "thirdparty", T0, node("deep", meta={"k": deep}), node("fine"))
        assert names(store) == ["fine"]
        assert "recursion" in of_type(store, Gap)[0].message

    def test_what_is_no_record_fails_the_sync(self, store: Store) -> None:
        with (
            pytest.raises(StoreError, match="thirdparty yielded something of type Alien, which is no record"),
            store.sync("thirdparty", T0) as sync,
        ):
            sync.write([Alien()])  # type: ignore[list-item]
        assert store.syncs()[0].status == "failed"
