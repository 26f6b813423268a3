"""Lattice: from recorded answers, and from a server that speaks the shapes that are documented of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from goal_five import FIVE, Row, Synced, check_five, check_followed
from http_server import Answer, Request, Server

from headway.connectors.lattice import Lattice, _Reader
from headway.connectors.protocol import Context
from headway.errors import ConfigError, ServiceError
from headway.graph.model import Deliverable, Gap, Node, Reading
from headway.remote import Client
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TOKEN = "lat_77_tea"
UPDATED = 1795132800  # 2026-11-20


def goal(row: Row, base: str = "https://api.latticehq.com") -> dict[str, Any]:
    """One goal as Lattice has it."""
    baseline, target, current = row.numbers or (None, None, None)
    return {
        "id": row.key,
        "object": "goal",
        "url": f"https://tea.latticehq.com/goals/{row.key}",
        "name": row.title,
        "description": None,
        "state": "Archived" if row.archived else "Ended" if row.closed else "Active",
        "status": "OnTrack",
        "goalType": "Company",
        "okrType": "key_result" if row.key in {"105", "106"} else "objective",
        "isPrivate": row.private,
        "amountType": "Dollar" if row.numbers else None,
        "startingAmount": baseline,
        "endingAmount": target,
        "currentAmount": current,
        "startDate": "2026-10-01",
        "dueDate": "2026-12-31",
        "updatedAt": UPDATED,
        "completedAt": None,
        "owners": {"object": "list", "url": f"{base}/v1/goal/{row.key}/owners"},
        "department": None,
        "parentGoal": {"id": row.parent, "object": "goal", "url": f"{base}/v1/goal/{row.parent}"}
        if row.parent
        else None,
    }


class LatticeServer:
    """Goals, three a page, and who owns them."""

    def __init__(self) -> None:
        self.rows: Sequence[Row] = FIVE
        self.server = Server({"/v1/goals": self.goals})
        for row in FIVE:
            self.server.routes[f"/v1/goal/{row.key}/owners"] = {
                "object": "list",
                "data": [{"id": "u", "name": "Harbour team"}],
            }

    def set(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def goals(self, request: Request) -> Any:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer({"message": "bad key"}, status=401)
        assert 1 <= int(request.query["limit"]) <= 100
        at = int(request.query.get("startingAfter", "c0").removeprefix("c"))
        more = at + 3 < len(self.rows)
        return {
            "object": "list",
            "hasMore": more,
            "endingCursor": f"c{at + 3}" if more else None,
            "data": [goal(row, self.server.url) for row in self.rows[at : at + 3]],
        }


@pytest.fixture
def lattice() -> Iterator[LatticeServer]:
    there = LatticeServer()
    with there.server:
        yield there


def read(lattice: LatticeServer, **options: Any) -> list[Any]:
    context = Context("/", NOW, {"HEADWAY_LATTICE_TOKEN": TOKEN})
    return list(Lattice({"url": lattice.server.url, "per_minute": 100_000, **options}, context).records())


class TestConformance(ConnectorConformance):
    """The promises of a connector, on recorded answers."""

    connector = Lattice

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "lattice/v1").mkdir(parents=True)
        (folder / "lattice/v1/goals.json").write_text(json.dumps({"object": "list", "data": [goal(r) for r in FIVE]}))
        return {"export": "lattice"}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "lattice/v1/goals.json"


def test_five_levels_over_pages(lattice: LatticeServer) -> None:
    records = read(lattice)
    check_five(records, "lattice")
    assert lattice.server.asked.count("GET /v1/goals") == 3
    assert next(r for r in records if isinstance(r, Reading)).day == date(2026, 11, 20)
    assert next(r for r in records if isinstance(r, Node) and r.id == "lattice:105").owner == "Harbour team"


def test_goals_are_followed_by_their_id(lattice: LatticeServer, tmp_path: Path) -> None:
    options = {"url": lattice.server.url, "per_minute": 100_000}
    synced = Synced(tmp_path / "p", "lattice", options, {"HEADWAY_LATTICE_TOKEN": TOKEN})
    check_followed(synced, lattice.set, "lattice")


def test_of_a_private_goal_not_even_the_owner_is_asked_for(lattice: LatticeServer) -> None:
    read(lattice)
    assert "GET /v1/goal/107/owners" not in lattice.server.asked
    assert "GET /v1/goal/105/owners" in lattice.server.asked
    assert any(isinstance(r, Node) and r.title == "Buy out a rival" for r in read(lattice, private=True))


def test_a_goal_that_does_not_say_that_it_is_open_is_not_read(lattice: LatticeServer) -> None:
    silent = goal(FIVE[0])
    del silent["isPrivate"]
    lattice.server.routes["/v1/goals"] = {"data": [silent]}
    assert not any(isinstance(r, Node) for r in read(lattice))


def test_goals_that_are_done_or_not_are_deliverables(lattice: LatticeServer) -> None:
    binary = {
        **goal(Row("7", "Ship it", "101")),
        "amountType": "Binary",
        "okrType": "key_result",
        "completedAt": UPDATED,
    }
    lattice.server.routes["/v1/goals"] = {"data": [goal(FIVE[0]), binary]}
    (found,) = [r for r in read(lattice, owners=False) if isinstance(r, Deliverable)]
    assert (found.deliverable, found.done, found.done_on) == ("lattice:7", True, date(2026, 11, 20))


def test_the_key_goes_to_no_other_host(lattice: LatticeServer) -> None:
    with Server() as other:
        lattice.server.routes["/v1/goals"] = {"data": [goal(FIVE[0], other.url)]}
        read(lattice)
        assert other.seen == []


def test_owners_that_may_not_be_read_are_a_gap(lattice: LatticeServer) -> None:
    for row in FIVE:
        lattice.server.routes[f"/v1/goal/{row.key}/owners"] = Answer({}, status=403)
    (gap,) = [r for r in read(lattice) if isinstance(r, Gap) and r.topic == "owners"]
    assert "6 of its goals" in gap.message


def test_requests_keep_their_distance(lattice: LatticeServer) -> None:
    waited: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    with Client("Lattice", lattice.server.url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        reader = _Reader(client, lattice.server.url, 0.25, sleep=sleep, monotonic=lambda: clock[0])
        assert len(reader.goals("")) == len(FIVE)
    assert waited == [0.25, 0.25]


def test_a_429_is_waited_out(lattice: LatticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("headway.connectors.lattice.Client", partial(Client, sleep=waited.append))
    turns = iter([Answer({}, status=429, headers={"Retry-After": "9"})])
    lattice.server.routes["/v1/goals"] = lambda request: next(turns, None) or lattice.goals(request)
    check_five(read(lattice), "lattice")
    assert 9.0 in waited


def test_a_wrong_key_is_one_sentence(lattice: LatticeServer) -> None:
    context = Context("/", NOW, {"HEADWAY_LATTICE_TOKEN": "other"})
    with pytest.raises(ServiceError, match="credentials are wrong"):
        list(Lattice({"url": lattice.server.url}, context).records())


@pytest.mark.parametrize("options", [{"state": "Open"}, {"per_minute": 0}, {"private": "yes"}, {"api_key": "x"}])
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Lattice(options, Context("/", NOW))
