"""monday.com: from recorded answers, and from a GraphQL server that pages, refuses inside 200, and forgets cursors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from goal_five import FIVE, Row, Synced, check_five, check_followed
from graphql import build_schema, parse, validate
from http_server import Answer
from monday_board import BOARD, COLUMNS, SDL, TOKEN, MondayServer, cell, number_cell

from headway.connectors.monday.columns import Cells, propose
from headway.connectors.monday.connector import Monday
from headway.connectors.monday.graphql import BOARDS, NEXT, PAGE, Boards
from headway.connectors.protocol import Context
from headway.errors import ConfigError, ServiceError
from headway.graph.model import Gap, Node, Target
from headway.remote import Client
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
OPEN = [row for row in FIVE if not row.private]


@pytest.fixture
def monday() -> Iterator[MondayServer]:
    there = MondayServer(OPEN)
    with there.server:
        yield there


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited for, without waiting."""
    found: list[float] = []
    monkeypatch.setattr("headway.connectors.monday.connector.Client", partial(Client, sleep=found.append))
    monkeypatch.setattr("headway.connectors.monday.connector.Boards", partial(Boards, sleep=found.append))
    return found


def read(monday: MondayServer, **options: Any) -> list[Any]:
    context = Context("/", NOW, {"HEADWAY_MONDAY_TOKEN": TOKEN})
    return list(Monday({"url": monday.server.url, "boards": [int(BOARD)], "page": 2, **options}, context).records())


class TestConformance(ConnectorConformance):
    """The promises of a connector, on recorded answers."""

    connector = Monday

    def recording(self, folder: Path) -> Mapping[str, Any]:
        for path, answer in MondayServer(OPEN).recorded().items():
            file = folder / "monday" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(answer))
        return {"export": "monday", "boards": [BOARD]}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / f"monday/boards/{BOARD}.json"

    def test_a_recording_gives_the_same_tree(self, tmp_path: Path) -> None:
        check_five(
            list(Monday(self.recording(tmp_path), Context(str(tmp_path), NOW)).records()), "monday", private=False
        )


@pytest.mark.parametrize("query", [BOARDS, PAGE, NEXT])
def test_queries_are_of_the_schema(query: str) -> None:
    assert validate(build_schema(SDL), parse(query)) == []


def test_five_levels_over_pages(monday: MondayServer) -> None:
    records = read(monday)
    check_five(records, "monday", private=False)
    assert len(monday.server.seen) == 1 + 4  # the boards, and seven items by twos
    revenue = next(r for r in records if isinstance(r, Node) and r.id == "monday:105")
    assert (revenue.owner, revenue.tags) == ("Harbour team", ("On track",))
    target = next(r for r in records if isinstance(r, Target) and r.key_result == "monday:105")
    assert (str(target.start), str(target.due)) == ("2026-10-01", "2026-12-31")


def test_goals_are_followed_by_their_id(monday: MondayServer, tmp_path: Path) -> None:
    options = {"url": monday.server.url, "boards": [BOARD]}
    check_followed(Synced(tmp_path / "p", "monday", options, {"HEADWAY_MONDAY_TOKEN": TOKEN}), monday.set, "monday")


def test_subitems_belong_to_their_item(monday: MondayServer) -> None:
    monday.subitems = {"104": ["105", "106"]}
    check_five(read(monday), "monday", private=False)


def test_private_boards_are_not_read_unless_asked(monday: MondayServer) -> None:
    monday.board["board_kind"] = "private"
    records = read(monday)
    assert [r.message for r in records if isinstance(r, Gap)] == ["a private board of monday.com was not read"]
    assert not any(isinstance(r, Node) for r in records)
    assert len(monday.server.seen) == 1
    check_five(read(monday, private=True), "monday", private=False)


def test_a_board_that_is_not_there_is_a_gap(monday: MondayServer) -> None:
    assert any("board 77 " in r.message for r in read(monday, boards=[BOARD, 77]) if isinstance(r, Gap))


def test_a_complexity_error_inside_200_is_waited_out(monday: MondayServer, waited: list[float]) -> None:
    error = {"message": "budget", "extensions": {"code": "COMPLEXITY_BUDGET_EXHAUSTED", "retry_in_seconds": 17}}
    monday.first = [Answer({"errors": [error], "data": None})] * 2
    check_five(read(monday), "monday", private=False)
    assert waited == [17.0, 17.0]


def test_a_budget_that_never_comes_back_is_one_sentence(monday: MondayServer, waited: list[float]) -> None:
    error = {"message": TOKEN, "extensions": {"code": "COMPLEXITY_BUDGET_EXHAUSTED"}}
    monday.first = [Answer({"errors": [error]})] * 50
    with pytest.raises(ServiceError, match="complexity") as raised:
        read(monday)
    assert TOKEN not in str(raised.value)
    assert waited == [30.0] * 5


def test_the_calls_of_a_day_are_not_waited_for(monday: MondayServer, waited: list[float]) -> None:
    monday.first = [Answer({"errors": [{"message": "x", "extensions": {"code": "DAILY_LIMIT_EXCEEDED"}}]})]
    with pytest.raises(ServiceError, match="calls of this day"):
        read(monday)
    assert waited == []


def test_a_429_is_waited_out(monday: MondayServer, waited: list[float]) -> None:
    monday.first = [Answer({}, status=429, headers={"Retry-After": "5"})]
    check_five(read(monday), "monday", private=False)
    assert waited == [5.0]


def test_an_expired_cursor_begins_the_board_anew(monday: MondayServer) -> None:
    monday.expire = 1
    check_five(read(monday), "monday", private=False)


def test_a_cursor_that_always_expires_is_one_sentence(monday: MondayServer) -> None:
    monday.expire = 99
    with pytest.raises(ServiceError, match="expires"):
        read(monday)


def test_partial_data_is_kept_and_said(monday: MondayServer) -> None:
    error = {"message": "x", "extensions": {"code": "ColumnValueException"}}
    whole = MondayServer(OPEN).recorded()
    monday.first = [Answer(whole["boards.json"]), Answer({**whole[f"boards/{BOARD}.json"], "errors": [error]})]
    records = read(monday)
    check_five(records, "monday", private=False)
    assert any("only in part (ColumnValueException)" in r.message for r in records if isinstance(r, Gap))


def test_data_that_misses_a_whole_list_is_refused(monday: MondayServer) -> None:
    monday.partial = True
    with pytest.raises(ServiceError):
        read(monday)


def test_a_wrong_token_is_one_sentence(monday: MondayServer) -> None:
    with pytest.raises(ServiceError, match="credentials are wrong"):
        list(
            Monday(
                {"url": monday.server.url, "boards": [BOARD]}, Context("/", NOW, {"HEADWAY_MONDAY_TOKEN": "x"})
            ).records()
        )


def test_mirrors_and_formulas_are_read_as_they_are_displayed(monday: MondayServer) -> None:
    monday.columns += [{"id": "f", "title": "Formula", "type": "formula", "settings_str": "{}"}]
    monday.more = {
        "105": [cell("f", "formula", None, display_value="1,234.5 %"), cell("m", "mirror", None, display_value="3, 4")]
    }
    said = {"target": "f", "current": "m", "parent": "up", "sort": "kind"}
    target = next(r for r in read(monday, columns=said) if isinstance(r, Target) and r.key_result == "monday:105")
    assert target.target == 1234.5
    assert target.binding.way == ""


def test_columns_are_proposed_by_type_and_title() -> None:
    found = {p.field: p.column for p in propose(COLUMNS)}
    assert found == {
        "target": "n_target", "current": "n_now", "baseline": "n_base", "sort": "kind", "status": "health",
        "owner": "who", "timeline": "when", "parent": "up",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "value"),
    [("1,234.5 %", 1234.5), ("12", 12.0), ("3, 4 and 5", None), ("", None), ("€ 7", 7.0), ("-2", -2.0)],
)
def test_numbers_that_are_displayed(shown: str, value: float | None) -> None:
    item = {"column_values": [{"id": "c", "type": "mirror", "text": "", "display_value": shown}]}
    assert Cells(item, {"target": "c"}).number("target") == value
    assert Cells({"column_values": [number_cell("c", 4.0)]}, {"target": "c"}).number("target") == 4.0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"boards": ["x"]},
        {"boards": [1], "columns": {"colour": "c"}},
        {"boards": [1], "columns": {"target": 7}},
        {"boards": [1], "page": 501},
    ],
)
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Monday(options, Context("/", NOW))


def test_a_circle_of_items_is_cut(monday: MondayServer) -> None:
    monday.rows = [Row("1", "A", "2"), Row("2", "B", "1")]
    records = read(monday)
    assert {r.id for r in records if isinstance(r, Node)} == {"monday:1", "monday:2"}
    assert any("above itself" in r.message for r in records if isinstance(r, Gap))
