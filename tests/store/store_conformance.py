"""What a store does, on whichever database. Each database has a test module that says how to make an empty one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import column, select, table, update
from store_samples import (
    DAY,
    EVERY_TYPE,
    STEPS,
    T0,
    TODAY,
    Boom,
    Step,
    broken,
    execute,
    follow,
    names,
    node,
    of_type,
    plain,
    seen,
    sizes,
    written,
)

from headway.errors import InputError, StoreError, UsageError
from headway.graph.model import AnyRecord, Check, Edge, Gap, Node, Observation
from headway.store import Entry, Store, database
from headway.store.schema import VERSION_TABLE, metadata, record
from headway.store.schema import sync as sync_table

VERSION = table(VERSION_TABLE, column("version_num"))

WORKER = """
import sys, time
from datetime import UTC, date, datetime
from headway.graph.model import Node, Observation
from headway.store import Store, Sync

url, connector, mode, me = sys.argv[1:]
store = Store.open(url)

def say(word):
    print(word, flush=True)

def nodes(mark, count):
    for i in range(count):
        yield Node(id=f"n{i}", kind="model", name=f"{mark}")
        yield Observation(day=date(2026, 1, 1), measure=f"{mark}", amount=i, node=f"n{i}")

def stuck(count):
    yield from nodes("half", count)
    say("ready")
    time.sleep(120)

if mode == "stage":
    with store.sync(connector, datetime.now(UTC)) as sync:
        sync.write(stuck(4000))
elif mode == "merge":
    merge = Sync.merge
    def slow(self, number):
        counts = merge(self, number)
        say("ready")
        time.sleep(120)
        return counts
    Sync.merge = slow
    with store.sync(connector, datetime.now(UTC)) as sync:
        sync.write(nodes("half", 4000))
else:
    say("ready")
    sys.stdin.readline()
    for k in range(int(mode)):
        with store.sync(connector, datetime.now(UTC)) as sync:
            sync.write(nodes(f"{me}.{k}", 150))
    say("done")
"""


def start(url: str, connector: str, mode: str, me: str = "") -> subprocess.Popen[str]:
    """Another process that syncs; returns once it is ready."""
    command = [sys.executable, "-c", WORKER, url, connector, mode, me]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


OPENER = "import sys; from headway.store import Store; Store.open(sys.argv[1]); print('opened')"


def start_opening(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", OPENER, url], stdout=subprocess.PIPE, text=True)


def settle(condition: Callable[[], bool]) -> None:
    """Wait until a killed process is really gone."""
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("did not settle within ten seconds")


class StoreConformance:
    """Subclasses give the fixture `fresh`: a function that makes an empty database and returns its URL."""

    @pytest.fixture
    def url(self, fresh: Callable[[], str]) -> str:
        return fresh()

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        with Store.open(url) as store:
            yield store

    # ---------------------------------------------------------------- the view

    def test_an_empty_store_shows_nothing(self, store: Store) -> None:
        loaded = store.load()
        assert (loaded.records, loaded.synced_at, dict(loaded.per_connector)) == ([], None, {})
        assert store.syncs() == []

    def test_every_type_of_record_comes_back_as_it_was(self, url: str) -> None:
        assert {type(r) for r in EVERY_TYPE} == set(get_args(AnyRecord))
        with Store.open(url) as store:
            written(store, "dbt", T0, *EVERY_TYPE)
        with Store.open(url) as store:
            assert plain(store.load().records) == plain(EVERY_TYPE)

    def test_records_come_back_in_the_order_of_their_first_sync(self, store: Store) -> None:
        written(store, "dbt", T0, node("c"), node("a"), node("b"))
        written(store, "dbt", T0 + DAY, node("new"), node("b"), node("c", title="changed"), node("a"))
        assert names(store) == ["c", "a", "b", "new"]

    def test_only_one_at_a_time_is_alone(self, url: str) -> None:
        """Of several at once one is told that it is alone; the others go on, and one may be after it."""
        with Store.open(url) as one, Store.open(url) as two:
            with one.alone("schedule") as first, two.alone("schedule") as second, two.alone("other") as third:
                assert (first, second, third) == (True, False, True)
            with two.alone("schedule") as again:
                assert again

    def test_the_pulse_tells_whether_anything_happened(self, store: Store) -> None:
        at_first = store.pulse()
        assert (at_first.ended, at_first.finished, at_first.started, at_first.entry) == (0, None, None, 0)
        with store.sync("dbt", T0) as sync:
            sync.write([])
            during = store.pulse()
            assert (during.running, during.ended, during.started) == (("dbt",), 0, T0)
        after = store.pulse()
        assert (after.running, after.ended, after.started) == ((), 1, T0)
        assert after.finished is not None
        assert after.finished >= T0
        assert store.pulse() == after
        kept = store.record(Entry(at=T0, by="me", topic="finding", subject="s", act="keep"))
        assert store.pulse().entry == kept.id

    def test_the_pulse_does_not_count_a_sync_that_died(self, url: str) -> None:
        code = (
            "import os, sys\nfrom datetime import UTC, datetime\nfrom headway.store import Store\n"
            "with Store.open(sys.argv[1]).sync('dbt', datetime.now(UTC)):\n    os.kill(os.getpid(), 9)\n"
        )
        subprocess.run([sys.executable, "-c", code, url], timeout=60, check=False)
        with Store.open(url) as store:
            assert [s.status for s in store.syncs()] == ["interrupted"]
            assert store.pulse().running == ()

    def test_being_alone_ends_with_the_process(self, url: str) -> None:
        code = (
            "import os, sys\nfrom headway.store import Store\n"
            "with Store.open(sys.argv[1]).alone('schedule') as alone:\n"
            "    print(alone, flush=True)\n    os.kill(os.getpid(), 9)\n"
        )
        command = [sys.executable, "-c", code, url]
        killed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert killed.stdout.strip() == "True", killed.stderr
        with Store.open(url) as store, store.alone("schedule") as alone:
            assert alone

    def test_a_sync_replaces_the_records_of_its_connector_and_of_no_other(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"), node("b"))
        written(store, "superset", T0, node("sales"))
        written(store, "dbt", T0 + DAY, node("b", title="B"), node("c"))
        assert sorted(names(store)) == ["b", "c", "sales"]
        assert {r.title for r in of_type(store, Node)} == {"", "B"}
        loaded = store.load()
        assert dict(loaded.per_connector) == {"dbt": T0 + DAY, "superset": T0}
        assert dict(store.synced()) == dict(loaded.per_connector)
        assert loaded.synced_at == T0 + DAY

    def test_a_sync_that_yields_nothing_empties_its_part_of_the_view(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"))
        written(store, "dbt", T0 + DAY)
        assert names(store) == []
        assert names(store, T0) == ["a"]

    def test_the_view_as_it_was_at_a_time(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"), node("b"))
        written(store, "dbt", T0 + DAY, node("a", title="A"))
        written(store, "superset", T0 + 2 * DAY, node("sales"))
        written(store, "dbt", T0 + 3 * DAY, node("b"))
        assert names(store, T0 - DAY) == []
        assert names(store, T0) == ["a", "b"]
        assert [r.title for r in of_type(store, Node, T0 + DAY)] == ["A"]
        assert sorted(names(store, T0 + 2.5 * DAY)) == ["a", "sales"]
        assert sorted(names(store, T0 + 3 * DAY)) == ["b", "sales"] == sorted(names(store))
        assert store.load(T0 + DAY).synced_at == T0 + DAY
        assert dict(store.load(T0 + DAY).per_connector) == {"dbt": T0 + DAY}

    def test_a_time_is_the_same_time_in_every_zone(self, store: Store) -> None:
        written(store, "dbt", T0.astimezone(timezone(timedelta(hours=9))), node("a"))
        assert store.load().synced_at == T0
        assert names(store, T0.astimezone(timezone(timedelta(hours=-8)))) == ["a"]
        assert names(store, T0 - timedelta(microseconds=1)) == []

    def test_times_without_zone_are_refused(self, store: Store) -> None:
        naive = T0.replace(tzinfo=None)
        with pytest.raises(UsageError, match="time zone"):
            store.load(naive)
        with pytest.raises(UsageError, match="time zone"), store.sync("dbt", naive):
            pass

    @pytest.mark.parametrize("name", ["", "a\0b", "x" * 201, "a\nb"])
    def test_names_no_connector_can_have(self, store: Store, name: str) -> None:
        with pytest.raises(UsageError, match="name of a connector"), store.sync(name, T0):
            pass

    def test_the_same_sync_again_adds_no_rows(self, store: Store) -> None:
        records = [*EVERY_TYPE, Check(node="dbt:a", id="t", kind="test", name="t", status="fail", at=T0)]
        written(store, "dbt", T0, *records)
        before, view = sizes(store), plain(store.load().records)
        with store.sync("dbt", T0 + DAY) as sync:
            assert sync.write(iter(records)).total == len(records)
        assert sizes(store) == before
        assert plain(store.load().records) == view
        again, first = store.syncs()
        assert (again.counts.new, again.counts.changed, again.counts.gone) == (0, 0, 0)
        observed = sum(isinstance(r, Observation) for r in records)  # which are no records of the view
        assert first.counts.new == len(records) - observed
        assert first.counts.types == again.counts.types
        assert first.counts.types["check"] == 2

    def test_counts_say_what_a_sync_changed(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"), node("b"), node("c"))
        with store.sync("dbt", T0 + DAY) as sync:
            assert sync.write([node("a"), node("b", title="B")]).types == {"node": 2}
            assert sync.write([node("d"), node("e")]).types == {"node": 2}
        row = store.syncs("dbt")[0]
        assert (row.counts.new, row.counts.changed, row.counts.gone, row.counts.total) == (2, 1, 1, 4)

    def test_a_record_yielded_twice_counts_once_the_last_time(self, store: Store) -> None:
        many = [node(str(i)) for i in range(2500)]  # more than one batch
        written(store, "dbt", T0, node("a"), node("a", title="second"), *many, node("a", title="third"))
        assert [r.title for r in of_type(store, Node) if r.name == "a"] == ["third"]
        assert len(names(store)) == 2501

    def test_a_record_that_comes_back_keeps_its_seat_and_its_history(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"), node("b"))
        written(store, "dbt", T0 + DAY, node("b"))
        written(store, "dbt", T0 + 2 * DAY, node("b"), node("a"))
        assert names(store) == ["a", "b"]
        assert names(store, T0 + DAY) == ["b"]

    # ---------------------------------------------------------------- failure and interruption

    def test_a_failed_sync_leaves_the_last_good_view_and_a_gap(self, store: Store) -> None:
        written(store, "superset", T0, node("sales"))
        with pytest.raises(InputError):
            broken(store, "superset", T0 + DAY, InputError("the login was refused"), node("half"))
        assert names(store) == ["sales"]
        (gap,) = of_type(store, Gap)
        assert (gap.topic, gap.origin.connector) == ("syncs", "superset")
        assert gap.message == (
            "the last sync of superset failed at 2026-03-03 09:30 UTC: the login was refused; "
            "what is shown is from 2026-03-02 09:30 UTC"
        )
        assert store.load().per_connector["superset"] == T0
        failed, good = store.syncs()
        assert (failed.status, failed.message, good.status) == ("failed", "the login was refused", "done")
        assert failed.finished is not None
        assert failed.finished >= failed.started == T0 + DAY
        assert of_type(store, Gap, T0) == []

    def test_a_connector_that_never_succeeded_shows_nothing_but_a_gap(self, store: Store) -> None:
        with pytest.raises(Boom):
            broken(store, "looker", T0, Boom("\ud800 broken \0"), node("half"))
        loaded = store.load()
        (gap,) = loaded.records
        assert isinstance(gap, Gap)
        assert gap.message.endswith("Boom: \ufffd broken \0; nothing is shown")
        assert (loaded.synced_at, dict(loaded.per_connector), dict(store.synced())) == (None, {}, {})

    def test_the_next_good_sync_ends_the_gap(self, store: Store) -> None:
        with pytest.raises(Boom), store.sync("dbt", T0):
            raise Boom
        written(store, "dbt", T0 + DAY, node("a"))
        assert store.load().records == [node("a")]

    def test_the_gap_stays_while_the_next_sync_runs(self, url: str, store: Store) -> None:
        written(store, "goals", T0, node("a"))
        with pytest.raises(InputError):
            broken(store, "goals", T0 + DAY, InputError("first\nsecond"))
        with store.sync("goals", T0 + 2 * DAY), Store.open(url) as other:
            (gap,) = of_type(other, Gap)
            assert "failed at 2026-03-03 09:30 UTC: first; second; what" in gap.message
        assert of_type(store, Gap) == []

    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
    def test_an_interrupted_sync_leaves_no_trace_in_the_view(
        self, store: Store, interruption: type[BaseException]
    ) -> None:
        written(store, "dbt", T0, node("a"))

        def records() -> Iterator[AnyRecord]:
            yield from (node(str(i)) for i in range(3000))
            raise interruption

        with pytest.raises(interruption), store.sync("dbt", T0 + DAY) as sync:
            sync.write(records())
        assert names(store) == ["a"]
        assert [r.status for r in store.syncs()] == ["interrupted", "done"]
        assert "was interrupted (it began at 2026-03-03 09:30 UTC)" in of_type(store, Gap)[0].message

    @pytest.mark.parametrize("moment", ["stage", "merge"])
    def test_a_killed_sync_leaves_no_trace_in_the_view(self, url: str, store: Store, moment: str) -> None:
        written(store, "dbt", T0, node("a"), seen(1.0))
        before = sizes(store)
        process = start(url, "dbt", moment)
        assert [r.status for r in store.syncs()] == ["running", "done"]
        assert store.load().records == [node("a"), seen(1.0)]  # neither a half view nor a gap while it lives
        process.send_signal(signal.SIGKILL)
        process.communicate()
        settle(lambda: store.syncs()[0].status == "interrupted")
        assert sizes(store) == before
        assert names(store) == ["a"]
        assert "was interrupted" in of_type(store, Gap)[0].message
        written(store, "dbt", datetime.now(UTC), node("b", created=TODAY))
        assert store.load().records == [node("b", created=TODAY), seen(1.0)]
        assert [r.status for r in store.syncs()] == ["done", "interrupted", "done"]
        assert execute(store, select(sync_table.c.status).order_by(sync_table.c.id))[1] == ("interrupted",)

    def test_nothing_is_visible_before_the_end_and_nothing_can_be_written_after(self, url: str, store: Store) -> None:
        with Store.open(url) as other:
            with store.sync("dbt", T0) as sync:
                sync.write([node("a")])
                assert other.load().records == []
                assert other.syncs()[0].status == "running"
            assert names(other) == ["a"]
        with pytest.raises(StoreError, match="over"):
            sync.write([node("b")])

    # ---------------------------------------------------------------- several at once

    def test_a_slow_sync_keeps_no_other_connector_waiting(
        self, url: str, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
        with Store.open(url) as other, store.sync("superset", T0) as slow:
            slow.write([node("sales")])
            written(other, "dbt", T0, node("a"))
            assert names(other) == ["a"]
            slow.write([node("churn")])
        assert sorted(names(store)) == ["a", "churn", "sales"]

    def test_two_syncs_of_one_connector_wait_for_one_another(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
        with Store.open(url) as one, Store.open(url) as two, one.sync("dbt", T0) as first:
            first.write([node("a")])
            with pytest.raises(StoreError, match="dbt is being synced by another process"), two.sync("dbt", T0):
                pytest.fail("got in")
        with Store.open(url) as store:
            assert names(store) == ["a"]
            assert [r.status for r in store.syncs()] == ["done"]

    def test_processes_that_sync_at_once_lose_nothing_and_double_nothing(self, url: str) -> None:
        rounds, who = 4, [("dbt", "one"), ("dbt", "two"), ("superset", "three")]
        workers = [start(url, connector, str(rounds), me) for connector, me in who]
        for process in workers:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in workers:
            out, _ = process.communicate(timeout=120)
            assert (out, process.returncode) == ("done\n", 0)
        with Store.open(url) as store:
            rows = store.syncs()
            assert [r.status for r in rows] == ["done"] * rounds * len(who)
            view = {r.id: r.name for r in of_type(store, Node) if r.name[:3] != "thr"}
            assert len(view) == 150
            assert len(set(view.values())) == 1  # of one sync as a whole
            assert len(names(store)) == 300
            # Each of the dbt syncs but the first changed every node; none of them was lost or written twice.
            changes = sorted((r.counts.new, r.counts.changed, r.counts.gone) for r in store.syncs("dbt"))
            assert changes == [(0, 150, 0)] * (2 * rounds - 1) + [(150, 0, 0)]
            assert sizes(store)[record.name] == 150 * rounds * len(who)
            marks = {f"{me}.{k}" for _, me in who for k in range(rounds)}
            observed = of_type(store, Observation)
            assert {o.measure for o in observed} == marks
            assert len(observed) == 150 * len(marks)

    def test_processes_that_open_a_new_store_at_once(self, url: str) -> None:
        workers = [start_opening(url) for _ in range(3)]
        assert [w.communicate(timeout=60)[0] for w in workers] == ["opened\n"] * 3

    # ---------------------------------------------------------------- any sequence of syncs

    def test_the_view_is_the_last_good_sync_of_each_connector_at_any_time(self, fresh: Callable[[], str]) -> None:
        @settings(max_examples=25, deadline=None)
        @given(st.lists(STEPS, max_size=7))
        def any_sequence(steps: list[Step]) -> None:
            follow(fresh(), steps)

        any_sequence()

    # ---------------------------------------------------------------- versions

    def test_a_store_of_a_newer_headway_is_not_touched(self, url: str) -> None:
        with Store.open(url) as store:
            execute(store, update(VERSION).values(version_num="9041"))
        with pytest.raises(StoreError, match="newer Headway") as caught:
            Store.open(url)
        assert "upgrade" in str(caught.value)
        assert caught.value.place is not None

    def test_a_version_that_is_none(self, url: str) -> None:
        with Store.open(url) as store:
            execute(store, update(VERSION).values(version_num="a1b2c3"))
        with pytest.raises(StoreError, match="a1b2c3"):
            Store.open(url)

    def test_migrations_build_what_the_code_expects(self, store: Store) -> None:
        with store._database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            differences = compare_metadata(context, metadata)
        assert [d for d in differences if d[0] != "remove_index"] == []  # indexes are the migrations' own
        assert {d[1].name for d in differences} == {
            "headway_record_open",
            "headway_record_closed",
            "headway_entry_subject",
            "headway_series_connector",
            "headway_sync_connector",
        }

    def test_a_body_of_another_version_becomes_a_gap(self, store: Store) -> None:
        written(store, "dbt", T0, node("a"), node("b"), node("c"), Edge(upstream="a", downstream="b"))
        strange = {
            "a": '{"type":"hologram","id":"a"}',
            "b": '{"type":"node","id":"b"}',
            "c": '{"type":"node","id":"c","kind":"model","name":"c","added_in_2031":[1]}',
        }
        for name, body in strange.items():
            key = f'"dbt:model.shop.{name}"'
            execute(store, update(record).where(record.c.key == key).values(body=body))
        kept, edge, gap = store.load().records
        assert isinstance(kept, Node)
        assert kept.name == "c"  # a field that this version does not know is no obstacle
        assert isinstance(edge, Edge)
        assert isinstance(gap, Gap)
        assert gap.message == (
            "2 stored records of type node cannot be read by this version of Headway and are left out"
        )
