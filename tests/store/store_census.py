"""What both databases must do with censuses that are kept. Run by the test of each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import msgspec
import pytest
from sqlalchemy import update
from store_samples import execute

from headway.graph.census import Asset, Census
from headway.store import Store, database
from headway.store.census import Kept
from headway.store.schema import census

TAKEN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def kept(day: date, since: date | None = None, *, origin: str = "git", key: str = "a1", name: str = "orders") -> Kept:
    assets = (Asset(f"dbt:model.shop.{name}", name, "model", ("goal:objective.grow",), "used", (1_500_000,)),)
    one = Census(day=day, assets=assets, units=("EUR",), origin=origin)  # type: ignore[arg-type]
    return Kept(census=one, since=since or day, key=key, taken=TAKEN)


class StoreCensus:
    """Subclasses give the fixture `fresh`: a function that makes an empty database and returns its URL."""

    @pytest.fixture
    def url(self, fresh: Callable[[], str]) -> str:
        return fresh()

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        with Store.open(url) as store:
            yield store

    def test_a_census_comes_back_as_it_was(self, store: Store) -> None:
        given = kept(date(2026, 9, 30), name="naïve \U0001f9ed")
        store.keep(given)
        assert store.censuses("git", [date(2026, 9, 30)]) == {date(2026, 9, 30): given}
        assert store.censuses("sync", [date(2026, 9, 30)]) == {}

    def test_one_from_git_holds_from_its_commit_to_its_day(self, store: Store) -> None:
        store.keep(kept(date(2026, 9, 30), date(2026, 9, 12)))
        asked = [date(2026, 9, 11), date(2026, 9, 12), date(2026, 9, 30), date(2026, 10, 1)]
        assert list(store.censuses("git", asked)) == asked[1:3]

    def test_keeping_it_again_replaces_it_and_nothing_else(self, store: Store) -> None:
        for day, key in ((30, "a1"), (29, "b2"), (30, "c3")):
            store.keep(kept(date(2026, 9, day), key=key))
        store.keep(kept(date(2026, 9, 30), key="d4", origin="sync"))
        assert store.census_keys("git") == {date(2026, 9, 29): "b2", date(2026, 9, 30): "c3"}
        assert store.census_keys("sync") == {date(2026, 9, 30): "d4"}

    def test_a_lone_surrogate_in_a_name_is_replaced(self, store: Store) -> None:
        store.keep(kept(date(2026, 9, 30), name="a\ud800b"))
        (back,) = store.censuses("git", [date(2026, 9, 30)]).values()
        assert [asset.name for asset in back.census.assets] == ["a\ufffdb"]

    @pytest.mark.parametrize("body", [b"", b"\x00\xff", b"x\x9c\x03\x00\x00\x00\x00\x01", b"{}"])
    def test_what_cannot_be_read_is_as_good_as_none(self, store: Store, body: bytes) -> None:
        store.keep(kept(date(2026, 9, 30)))
        execute(store, update(census).values(body=body))
        assert store.censuses("git", [date(2026, 9, 30)]) == {}

    def test_a_store_of_before_is_upgraded(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        upgrade = database._upgrade
        with monkeypatch.context() as earlier:
            earlier.setattr(database, "HEAD", "0002")
            earlier.setattr(database, "_upgrade", lambda connection, _: upgrade(connection, "0002"))
            Store.open(url).close()
        given = msgspec.structs.replace(kept(date(2026, 9, 30)), key="e5")
        with Store.open(url) as store:
            store.keep(given)
            assert store.censuses("git", [date(2026, 9, 30)])[date(2026, 9, 30)].key == "e5"
