"""monday.com in a thread of the test: a GraphQL server on graphql-core, with the part of the schema that goals need.

The schema is written by hand after the published one: only what the connector and the sink ask for, with the published
names and types, so that a query that would not validate there does not validate here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from goal_five import FIVE, Row
from graphql import GraphQLError, build_schema, graphql_sync
from http_server import Answer, Request, Server

TOKEN = "mtok_77_tea"
BOARD = "4000"

SDL = """
scalar JSON
scalar Date
scalar ISO8601DateTime
enum BoardKind { private public share }
enum State { active all archived deleted }
type Query {
  complexity: Complexity
  boards(ids: [ID!], limit: Int = 25, page: Int = 1, state: State = active): [Board]
  items(ids: [ID!], limit: Int = 25): [Item]
  next_items_page(cursor: String!, limit: Int! = 25): ItemsResponse!
}
type Mutation {
  change_simple_column_value(board_id: ID!, item_id: ID, column_id: String!, value: String): Item
}
type Complexity { before: Int! query: Int! after: Int! reset_in_x_seconds: Int! }
type Board {
  id: ID! name: String! state: State! board_kind: BoardKind! columns: [Column]
  items_page(limit: Int! = 25, cursor: String): ItemsResponse!
}
type Column { id: ID! title: String! type: String! settings_str: String! }
type ItemsResponse { cursor: String items: [Item!]! }
type Group { id: ID! title: String! }
type Item {
  id: ID! name: String! url: String! state: State updated_at: Date group: Group parent_item: Item subitems: [Item]
  board: Board
  column_values(ids: [String!]): [ColumnValue!]!
}
interface ColumnValue { id: ID! type: String! text: String value: JSON }
type TextValue implements ColumnValue { id: ID! type: String! text: String value: JSON }
type NumbersValue implements ColumnValue { id: ID! type: String! text: String value: JSON number: Float symbol: String }
type StatusValue implements ColumnValue {
  id: ID! type: String! text: String value: JSON label: String is_done: Boolean index: Int
}
type TimelineValue implements ColumnValue {
  id: ID! type: String! text: String value: JSON from: ISO8601DateTime to: ISO8601DateTime
}
type DateValue implements ColumnValue { id: ID! type: String! text: String value: JSON date: String }
type BoardRelationValue implements ColumnValue {
  id: ID! type: String! text: String value: JSON linked_item_ids: [ID!]! display_value: String!
}
type MirrorValue implements ColumnValue { id: ID! type: String! text: String value: JSON display_value: String! }
type FormulaValue implements ColumnValue { id: ID! type: String! text: String value: JSON display_value: String! }
"""

COLUMNS = [
    {"id": "name", "title": "Name", "type": "name"},
    {"id": "n_base", "title": "Start value", "type": "numbers"},
    {"id": "n_target", "title": "Target", "type": "numbers"},
    {"id": "n_now", "title": "Current value", "type": "numbers"},
    {"id": "kind", "title": "Type", "type": "status"},
    {"id": "health", "title": "Status", "type": "status"},
    {"id": "who", "title": "Owner", "type": "people"},
    {"id": "when", "title": "Timeline", "type": "timeline"},
    {"id": "up", "title": "Supports", "type": "board_relation"},
    {"id": "region", "title": "Region", "type": "text"},
]
_TYPES = {
    "numbers": "NumbersValue", "status": "StatusValue", "timeline": "TimelineValue", "date": "DateValue",
    "board_relation": "BoardRelationValue", "mirror": "MirrorValue", "formula": "FormulaValue",
}  # fmt: skip


def cell(id_: str, type_: str, text: str | None, **more: Any) -> dict[str, Any]:
    """One cell, as resolvers give it."""
    value = None if text is None else json.dumps(text)
    return {
        "__typename": _TYPES.get(type_, "TextValue"),
        "id": id_,
        "type": type_,
        "text": text,
        "value": value,
        **more,
    }


def number_cell(id_: str, value: float | None) -> dict[str, Any]:
    return cell(id_, "numbers", None if value is None else f"{value:g}", number=value, symbol="")


class MondayServer:
    """One board of goals; what it does wrong can be said."""

    def __init__(self, rows: Sequence[Row] = FIVE) -> None:
        self.board: dict[str, Any] = {"id": BOARD, "name": "OKRs", "state": "active", "board_kind": "public"}
        self.columns = [{"settings_str": "{}", **column} for column in COLUMNS]
        self.more: dict[str, list[dict[str, Any]]] = {}
        """Cells of items beyond those of the tree, by item."""
        self.subitems: dict[str, list[str]] = {}
        self.rows: list[Row] = list(rows)
        self.first: list[Answer] = []
        """Answers that are given before anything is looked at, one a request."""
        self.expire = 0
        """How many cursors are not known any more."""
        self.partial = False
        self.writes: list[tuple[str, str, str]] = []
        self.schema = build_schema(SDL)
        self.schema.type_map["ColumnValue"].resolve_type = lambda value, *_: value["__typename"]  # type: ignore[attr-defined]

    @cached_property
    def server(self) -> Server:
        """Where it is: use it in a with block."""
        return Server({"POST /v2": self.answer})

    def set(self, rows: Sequence[Row]) -> None:
        """monday.com has no private items."""
        self.rows = [row for row in rows if not row.private]

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != TOKEN:
            return Answer({"errors": [{"message": "Not Authenticated"}]}, status=401)
        assert request.headers.get("api-version"), "no version is asked for"
        if self.first:
            return self.first.pop(0)
        said = request.json
        root = {
            "complexity": {"before": 5_000_000, "query": 900, "after": 4_999_100, "reset_in_x_seconds": 11},
            "boards": lambda _, ids, **__: [self._board() for key in ids if key == BOARD],
            "items": lambda _, ids, **__: [self._item(row) for row in self.rows if row.key in ids],
            "next_items_page": self._next,
            "change_simple_column_value": self._write,
        }
        done = graphql_sync(self.schema, said["query"], root, variable_values=said.get("variables"))
        return Answer(done.formatted)

    def _board(self) -> dict[str, Any]:
        def page(_: Any, limit: int, cursor: str | None = None) -> Any:
            if self.partial:
                raise GraphQLError(
                    "a column went wrong", extensions={"code": "ColumnValueException", "status_code": 200}
                )
            return self._page(0, limit)

        return {**self.board, "columns": self.columns, "items_page": page}

    def _next(self, _: Any, cursor: str, limit: int) -> dict[str, Any]:
        if self.expire:
            self.expire -= 1
            raise GraphQLError("CursorException: the cursor has expired", extensions={"code": "CursorExpiredError"})
        return self._page(int(cursor.removeprefix("cur")), limit)

    def _page(self, at: int, limit: int) -> dict[str, Any]:
        assert limit <= 500
        held = {key for keys in self.subitems.values() for key in keys}
        rows = [row for row in self.rows if row.key not in held]
        more = at + limit < len(rows)
        return {"cursor": f"cur{at + limit}" if more else None, "items": [self._item(r) for r in rows[at : at + limit]]}

    def _item(self, row: Row) -> dict[str, Any]:
        baseline, target, current = row.numbers or (None, None, None)
        by_key = {r.key: r for r in self.rows}
        linked = [row.parent] if row.parent and row.key not in self._held() else []
        cells = [
            number_cell("n_base", baseline),
            number_cell("n_target", target),
            number_cell("n_now", current),
            cell(
                "kind", "status", "Key result" if row.key in {"105", "106"} else "Objective", label="x", is_done=False
            ),
            cell("health", "status", "Done" if row.closed else "On track", label="x", is_done=row.closed),
            cell("who", "people", "Harbour team"),
            cell("when", "timeline", "2026-10-01 - 2026-12-31", **{"from": "2026-10-01T00:00:00Z", "to": "2026-12-31"}),
            cell("up", "board_relation", None, linked_item_ids=linked, display_value=""),
            *self.more.get(row.key, []),
        ]
        own = {c["id"]: c for c in cells}
        return {
            "id": row.key,
            "name": row.title,
            "url": f"https://tea.monday.com/boards/{BOARD}/pulses/{row.key}",
            "state": "archived" if row.archived else "active",
            "updated_at": "2026-11-20T10:00:00Z",
            "group": {"id": "g", "title": "Q4 2026"},
            "parent_item": None,
            "board": {**self.board, "columns": self.columns},
            "subitems": [self._item(by_key[key]) for key in self.subitems.get(row.key, ()) if key in by_key],
            "column_values": lambda _, ids=None: [c for k, c in own.items() if ids is None or k in ids],
        }

    def _held(self) -> set[str]:
        return {key for keys in self.subitems.values() for key in keys}

    def _write(self, _: Any, board_id: str, column_id: str, item_id: str, value: str) -> dict[str, Any]:
        from dataclasses import replace

        self.writes.append((item_id, column_id, value))
        position = next(i for i, row in enumerate(self.rows) if row.key == item_id)
        row = self.rows[position]
        if column_id != "n_now":
            raise GraphQLError("no such column", extensions={"code": "InvalidColumnIdException"})
        baseline, target, _now = row.numbers or (0.0, 0.0, 0.0)
        self.rows[position] = replace(row, numbers=(baseline, target, float(value)))
        return self._item(self.rows[position])

    def recorded(self) -> Mapping[str, Any]:
        """What a recording of it holds, by path."""
        from headway.connectors.monday.graphql import BOARDS, PAGE

        root = {"boards": lambda _, ids, **__: [self._board() for _ in ids], "complexity": None}

        def run(query: str, **variables: Any) -> Any:
            done = graphql_sync(self.schema, query, root, variable_values=variables)
            assert not done.errors, done.errors
            return done.formatted

        return {
            "boards.json": run(BOARDS, boards=[BOARD]),
            f"boards/{BOARD}.json": run(PAGE, boards=[BOARD], limit=500),
        }
