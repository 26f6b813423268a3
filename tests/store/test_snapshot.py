"""The snapshot of the current view: as good as the store itself, and never better than it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headway.errors import InputError
from headway.graph.model import Gap, Node, Observation
from headway.store import Store
from headway.store.snapshot import View, view

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


class Shop:
    """A store with a counter of how often it had to be read."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'headway.db'}"
        self.file = folder / "headway.db.view"
        self.loads = 0
        self.syncs = 0

    def sync(self, *names: str) -> None:
        self.syncs += 1
        with Store.open(self.url) as store, store.sync("dbt", NOW + timedelta(minutes=self.syncs)) as sync:
            sync.write(Node(id=f"dbt:model.{n}", kind="model", name=n) for n in names)
            sync.write([Observation(day=NOW.date(), measure="queries", amount=0.1, node=f"model.{names[0]}")])

    def load(self) -> View:
        self.loads += 1
        with Store.open(self.url) as store:
            loaded = store.load()
        return View(loaded.records, loaded.synced_at)

    def names(self) -> list[str]:
        return [r.name for r in view(self.url, self.load).records if isinstance(r, Node)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    made.sync("a", "b")
    return made


def test_the_second_answer_needs_no_store_and_is_the_same(shop: Shop) -> None:
    first = view(shop.url, shop.load)
    assert view(shop.url, shop.load) == first
    assert first.synced_at == NOW + timedelta(minutes=1)
    assert shop.loads == 1


def test_a_new_sync_makes_it_stale(shop: Shop) -> None:
    assert shop.names() == ["a", "b"]
    shop.sync("a", "c")
    assert shop.names() == ["a", "c"]
    assert shop.loads == 2


def test_a_failed_sync_makes_it_stale_too_because_it_is_a_gap(shop: Shop) -> None:
    shop.names()
    with Store.open(shop.url) as store, pytest.raises(InputError), store.sync("dbt", NOW + timedelta(hours=1)):
        raise InputError("the manifest is gone")
    assert any(isinstance(r, Gap) and "the manifest is gone" in r.message for r in view(shop.url, shop.load).records)


def test_while_a_sync_runs_the_store_is_asked(shop: Shop) -> None:
    shop.names()
    with Store.open(shop.url) as store, store.sync("dbt", NOW + timedelta(hours=1)) as sync:
        sync.write([Node(id="dbt:model.z", kind="model", name="z")])
        assert shop.names() == ["a", "b"]
        assert shop.loads == 2


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"\x92\xa1k", b"not msgpack", b"\x93" * 9000])
def test_whatever_is_wrong_with_it_the_store_is_read(shop: Shop, content: bytes) -> None:
    shop.names()
    shop.file.write_bytes(content)
    assert shop.names() == ["a", "b"]
    assert shop.loads == 2


def test_a_cut_off_snapshot_is_not_believed(shop: Shop) -> None:
    shop.names()
    content = shop.file.read_bytes()
    for length in range(0, len(content), 7):
        shop.file.write_bytes(content[:length])
        assert shop.names() == ["a", "b"]


def test_where_it_cannot_be_kept_answers_still_come(shop: Shop) -> None:
    shop.file.mkdir()
    assert shop.names() == ["a", "b"]
    assert shop.names() == ["a", "b"]
    assert shop.loads == 2
    assert [p.name for p in shop.file.parent.glob("*.view.*")] == []


def test_only_its_owner_can_read_it(shop: Shop) -> None:
    shop.names()
    assert shop.file.stat().st_mode & 0o777 == 0o600


def test_a_store_elsewhere_has_none() -> None:
    empty = View([], None)
    assert view("postgresql://nowhere/x", lambda: empty) is empty


def test_reading_it_does_not_load_sqlalchemy(shop: Shop) -> None:
    shop.names()
    code = (
        "import sys\nfrom headway.store.snapshot import view\n"
        f"found = view({shop.url!r}, lambda: sys.exit('the store was read'))\n"
        "assert len(found.records) == 3\nassert 'sqlalchemy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
