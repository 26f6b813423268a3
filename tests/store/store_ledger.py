"""What the ledger of a store does, on whichever database."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import column, select, table, update
from store_samples import DAY, EVERY_TYPE, T0, execute, plain, sizes, written

from headway.errors import StoreError, UsageError
from headway.store import Entry, Store, database
from headway.store.schema import VERSION_TABLE, entry

WRITER = """
import sys, time
from datetime import UTC, datetime
from headway.store import Entry, Store
from headway.store import store as module

url, me, count, mode = sys.argv[1:]

def one(k):
    return Entry(at=datetime.now(UTC), by=me, topic="finding", subject=f"s{k}", act="keep", body={"k": k})

with Store.open(url) as store:
    if mode == "stuck":  # after the rows, before the commit
        append = module.append
        def slow(connection, entries):
            written = append(connection, entries)
            print("ready", flush=True)
            time.sleep(120)
            return written
        module.append = slow
        store.record_all([one(k) for k in range(int(count))])
    print("ready", flush=True)
    sys.stdin.readline()
    for k in range(int(count)):
        store.record(one(k))
print("done", flush=True)
"""


def start(url: str, me: str, count: int, mode: str = "") -> subprocess.Popen[str]:
    """Another process that writes; returns once it is ready."""
    command = [sys.executable, "-c", WRITER, url, me, str(count), mode]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def said(**more: Any) -> Entry:
    given: dict[str, Any] = {"at": T0, "by": "analytics", "topic": "finding", "subject": "HW301:a", "act": "keep"}
    return Entry(**given | more)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


class StoreLedger:
    """Subclasses give the fixture `fresh`: a function that makes an empty database and returns its URL."""

    @pytest.fixture
    def url(self, fresh: Callable[[], str]) -> str:
        return fresh()

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        with Store.open(url) as store:
            yield store

    def test_what_was_written_comes_back_oldest_first_with_ids(self, url: str, store: Store) -> None:
        assert store.entries() == ()
        first = store.record(said(body={"reason": "the auditor reads it", "until": "2026-11-01", "n": [1, 2.5, None]}))
        second = store.record(said(at=T0 - DAY, topic="request", subject="r1", act="ask"))
        assert 0 < first.id < second.id
        with Store.open(url) as again:
            assert again.entries() == (first, second)
        assert first == said(
            id=first.id, body={"reason": "the auditor reads it", "until": "2026-11-01", "n": [1, 2.5, None]}
        )

    def test_entries_of_one_topic_of_one_subject_and_since(self, store: Store) -> None:
        a, b, c = store.record_all(
            [said(subject="a"), said(subject="b", act="snooze"), said(topic="check_in", subject="a", act="note")]
        )
        assert store.entries("finding") == (a, b)
        assert store.entries("finding", "a") == (a,)
        assert store.entries(subject="a") == (a, c)
        assert store.entries(since=a.id) == (b, c)
        assert store.entries("finding", since=b.id) == ()
        assert store.entries("finding", "nothing") == ()

    def test_a_time_comes_back_in_utc(self, store: Store) -> None:
        kept = store.record(said(at=T0.astimezone(timezone(timedelta(hours=9)))))
        assert kept.at == T0
        assert kept.at.utcoffset() == timedelta(0)
        assert store.entries() == (kept,)

    def test_any_text_is_kept(self, store: Store) -> None:
        hostile = "'; DROP TABLE headway_entry; --\0\n\u202eü\U0001f600"
        (kept,) = store.record_all([said(subject=hostile, body={hostile: hostile, "half": "\ud83d"})])
        assert store.entries(subject=hostile) == (kept,)
        assert kept.body == {hostile: hostile, "half": "\ufffd"}
        assert store.record(said(by="  analytics \ud800")).by == "analytics \ufffd"

    @pytest.mark.parametrize(
        ("wrong", "match"),
        [
            ({"at": T0.replace(tzinfo=None)}, "time zone"),
            ({"by": ""}, "needs 'by'"),
            ({"by": " \t"}, "needs 'by'"),
            ({"by": "x" * 201}, "at most 200"),
            ({"by": "a\nb"}, "one line"),
            ({"act": ""}, "needs 'act'"),
            ({"topic": "gossip"}, "cannot be about 'gossip'"),
            ({"subject": ""}, "needs a subject"),
            ({"subject": "x" * 1001}, "at most 1,000"),
            ({"body": ["x"]}, "mapping"),
            ({"body": {"x": "y" * 64_000}}, "too long"),
            ({"body": {"x": float("nan")}}, "cannot hold this float"),
            ({"body": {"x": 2**63}}, "cannot hold this int"),
            ({"body": {"x": T0}}, "cannot hold this datetime"),
            ({"body": {1: "x"}}, "cannot hold this dict"),
            ({"body": nested(30)}, "nested too deeply"),
        ],
    )
    def test_what_cannot_be_an_entry_is_refused_and_nothing_beside_it_is_written(
        self, store: Store, wrong: dict[str, Any], match: str
    ) -> None:
        with pytest.raises(UsageError, match=match):
            store.record_all([said(), said(**wrong)])
        assert store.entries() == ()

    def test_nothing_at_all_can_be_written(self, store: Store) -> None:
        assert store.record_all([]) == ()

    def test_thousands_at_once_keep_their_order(self, store: Store) -> None:
        kept = store.record_all([said(subject=f"s{k}") for k in range(3000)])
        assert [e.subject for e in kept] == [f"s{k}" for k in range(3000)]
        assert [e.id for e in kept] == sorted({e.id for e in kept})
        assert store.entries() == kept

    def test_processes_that_write_at_once_lose_nothing(self, url: str, store: Store) -> None:
        count, who = 40, ("one", "two", "three", "four")
        writers = [start(url, me, count) for me in who]
        for process in writers:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        seen: list[Entry] = []
        while any(process.poll() is None for process in writers):  # whoever asks for what came since misses nothing
            seen += store.entries(since=seen[-1].id if seen else 0)
        seen += store.entries(since=seen[-1].id if seen else 0)
        for process in writers:
            assert (process.communicate(timeout=60)[0], process.returncode) == ("done\n", 0)
        assert tuple(seen) == store.entries()
        assert sorted((e.by, e.body["k"]) for e in seen) == sorted((me, k) for me in who for k in range(count))

    def test_a_process_killed_before_the_end_leaves_all_or_nothing(self, url: str, store: Store) -> None:
        before = store.record(said())
        process = start(url, "half", 50, "stuck")
        assert store.entries() == (before,)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        after = store.record(said(act="reopen"))  # waits until the dead one's turn is over, and no longer
        assert store.entries() == (before, after)

    def test_a_turn_is_not_waited_for_without_end(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        process = start(url, "slow", 1, "stuck")
        try:
            monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
            with Store.open(url) as store, pytest.raises(StoreError, match="locked by another process"):
                store.record(said())
        finally:
            process.kill()
            process.communicate()

    def test_a_sync_and_an_entry_leave_one_another_alone(self, store: Store) -> None:
        with store.sync("dbt", T0) as sync:
            sync.write(EVERY_TYPE)
            kept = store.record(said())
        assert plain(store.load().records) == plain(EVERY_TYPE)
        store.remove("dbt", T0 + DAY)
        assert store.entries() == (kept,)

    @pytest.mark.parametrize(
        "wrong", [{"topic": "gossip"}, {"said": {"by": "x"}}, {"said": [1]}, {"said": None}], ids=str
    )
    def test_a_row_that_is_no_entry(self, store: Store, wrong: dict[str, Any]) -> None:
        store.record(said())
        execute(store, update(entry).values(**wrong))
        with pytest.raises(StoreError, match="entry 1 of the ledger cannot be read") as caught:
            store.entries()
        assert caught.value.place is not None

    def test_two_subjects_of_one_digest_stay_apart(self, store: Store) -> None:
        a, b = store.record_all([said(subject="a"), said(subject="b")])
        first = execute(store, entry.select().where(entry.c.id == a.id))[0]
        execute(store, update(entry).values(subject=first.subject))
        assert store.entries(subject="a") == (a,)
        assert b in store.entries()

    def test_an_id_is_never_given_twice(self, store: Store) -> None:
        a = store.record(said())
        execute(store, entry.delete())  # what only a person with a database client could do
        assert store.record(said()).id > a.id

    def test_a_store_of_before_the_ledger_is_upgraded_and_keeps_everything(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upgrade = database._upgrade
        with monkeypatch.context() as earlier:
            earlier.setattr(database, "HEAD", "0001")
            earlier.setattr(database, "_upgrade", lambda connection, _: upgrade(connection, "0001"))
            with Store.open(url) as store:
                written(store, "dbt", T0, *EVERY_TYPE)
                written(store, "dbt", T0 + DAY, *EVERY_TYPE[:3])
                with pytest.raises(StoreError):  # there is no such table yet
                    store.record(said())
                view, syncs = plain(store.load().records), store.syncs()
                past = plain(store.load(T0).records)
        with Store.open(url) as store:
            assert plain(store.load().records) == view
            assert plain(store.load(T0).records) == past
            assert store.syncs() == syncs
            kept = store.record(said())
        with Store.open(url) as store:
            assert store.entries() == (kept,)
            assert execute(store, select(column("version_num")).select_from(table(VERSION_TABLE))) == [(database.HEAD,)]
            assert sizes(store)[entry.name] == 1
