"""Lifetime totals through a real store: each sync takes one total, and the earlier ones stay to be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Coverage, Node, Observation, Origin
from headway.store.store import Store

TOOL = Origin(connector="tableau")
SALES = "tableau:dashboard.sales"


def taken(day: date, total: float) -> Iterator[AnyRecord]:
    """What a connector yields that reads a lifetime total on this day."""
    yield Node(id=SALES, kind="dashboard", name="sales", origin=TOOL)
    yield Observation(day=day, measure="views_total", amount=total, node=SALES, tool="tableau", origin=TOOL)
    yield Coverage(covers="kind:dashboard", start=day, end=day, origin=TOOL)


def synced(folder: Path, *totals: tuple[date, float], at: datetime | None = None) -> Graph:
    """The graph after a sync on each of the days; the as-of date is the last of them, or that of `at`."""
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store:
        for day, total in totals:
            with store.sync("tableau", datetime(day.year, day.month, day.day, 6, tzinfo=UTC)) as sync:
                sync.write(taken(day, total))
        records = store.load(at).records
    return Graph(records, as_of=at.date() if at else totals[-1][0])


def test_the_first_sync_is_unknown_and_later_ones_tell_the_difference(tmp_path: Path) -> None:
    first = synced(tmp_path, (date(2026, 9, 1), 500)).use
    assert (first.status[0], first.reads[0], first.known) == ("unknown", 0, False)
    use = synced(tmp_path, (date(2026, 10, 1), 500), (date(2026, 11, 1), 520), (date(2026, 11, 22), 527)).use
    assert use.daily(0) == {date(2026, 11, 1): 20, date(2026, 11, 22): 7}
    assert (use.status[0], use.reads[0]) == ("used", 27)
    assert use.seen[0] == (date(2026, 9, 1), date(2026, 11, 22)), "not only the days that the last sync covered"


def test_totals_that_stand_still_are_no_use(tmp_path: Path) -> None:
    use = synced(tmp_path, (date(2026, 9, 1), 500), (date(2026, 10, 1), 500), (date(2026, 11, 22), 500)).use
    assert (use.status[0], use.reads[0]) == ("unused", 0)


def test_a_second_sync_on_one_day_replaces_its_total(tmp_path: Path) -> None:
    today = date(2026, 11, 22)
    use = synced(tmp_path, (date(2026, 9, 1), 500), (today, 503), (today, 504)).use
    assert use.daily(0) == {today: 4}


def test_what_was_known_on_an_earlier_day_does_not_see_later_totals(tmp_path: Path) -> None:
    synced(tmp_path, (date(2026, 9, 1), 500), (date(2026, 10, 15), 500), (date(2026, 11, 22), 900))
    then = synced(tmp_path, at=datetime(2026, 10, 16, tzinfo=UTC)).use
    assert (then.status[0], then.seen[0]) == ("unused", (date(2026, 9, 1), date(2026, 10, 15)))


def test_no_trend_is_told_from_totals_that_are_far_apart(tmp_path: Path) -> None:
    use = synced(tmp_path, *((date(2026, month, 1), month * 100.0) for month in (8, 9, 10, 11))).use
    assert use.reads[0] == 300
    assert use.trend(0) is None


def test_totals_of_every_week_have_a_trend(tmp_path: Path) -> None:
    weeks = ((date(2026, 8, 24) + timedelta(days=7 * w), 100.0 + 10 * w + 20 * max(0, w - 6)) for w in range(14))
    use = synced(tmp_path, *weeks).use
    trend = use.trend(0)
    assert trend is not None
    assert trend > 1.5
