"""Asking monday.com: queries and pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.api import Recording
from headway.connectors.fields import below, each, text
from headway.connectors.protocol import Progress, silent
from headway.errors import InputError, Place, ServiceError
from headway.graphql import CursorExpired, ask
from headway.remote import Client

VERSION = "2026-07"
PATH = "v2"
_MOST_PAGES = 100_000

_CELLS = """
fragment Cells on Item {
  id name url state updated_at group { id title }
  column_values {
    id type text value
    ... on NumbersValue { number symbol }
    ... on StatusValue { label is_done }
    ... on TimelineValue { from to }
    ... on DateValue { date }
    ... on BoardRelationValue { linked_item_ids display_value }
    ... on MirrorValue { display_value }
    ... on FormulaValue { display_value }
  }
}
fragment Row on Item { ...Cells parent_item { id } subitems { ...Cells } }
"""
BOARDS = """
query Boards($boards: [ID!]!) {
  boards(ids: $boards, state: all, limit: 500) { id name state board_kind columns { id title type settings_str } }
}
"""
PAGE = (
    """
query Page($boards: [ID!]!, $limit: Int!) {
  complexity { before query after reset_in_x_seconds }
  boards(ids: $boards) { id items_page(limit: $limit) { cursor items { ...Row } } }
}
"""
    + _CELLS
)
NEXT = (
    """
query Next($cursor: String!, $limit: Int!) {
  complexity { before query after reset_in_x_seconds }
  next_items_page(cursor: $cursor, limit: $limit) { cursor items { ...Row } }
}
"""
    + _CELLS
)


@dataclass
class Boards:
    """Boards and their items, live or recorded.

    A recording has `boards.json` with the answer that lists the boards, `boards/<id>.json` with the first page of each,
    and `next_items_page/<cursor>.json` with further ones.
    """

    api: Client | Recording
    limit: int = 100
    """Items a page."""
    attempts: int = 6
    sleep: Callable[[float], None] = time.sleep
    progress: Progress = silent
    partly: list[str] = field(default_factory=list)
    """Sentences about answers that came only in part."""

    def boards(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Names and columns of boards, in the order of `ids`, without those that are not to be seen."""
        data = self._data("boards", BOARDS, {"boards": list(ids)})
        if not isinstance(data.get("boards"), list):
            raise self._strange("boards")
        known = {text(board, "id"): board for board in each(data, "boards")}
        return [known[key] for key in ids if key in known]

    def items(self, board: str) -> list[Mapping[str, Any]]:
        """All items of a board with their subitems. Begins anew, once, when its cursor expired on the way."""
        for again in (False, True):
            try:
                return list(self._items(board))
            except CursorExpired:
                if again:
                    break
        raise ServiceError(f"monday.com: the list of items of board {board} expires before it was read")

    def _items(self, board: str) -> Iterator[Mapping[str, Any]]:
        data = self._data(f"boards/{board}", PAGE, {"boards": [board], "limit": self.limit})
        page = below(next(iter(each(data, "boards")), {}), "items_page")
        cursors: set[str] = set()
        for number_ in range(_MOST_PAGES):
            if not isinstance(page.get("items"), list):
                raise self._strange(f"boards/{board}")
            yield from each(page, "items")
            cursor = text(page, "cursor")
            if not cursor:
                return
            if cursor in cursors:
                break
            cursors.add(cursor)
            self.progress(f"board {board} of monday.com", number_ + 1, 0)
            data = self._data(f"next_items_page/{cursor}", NEXT, {"cursor": cursor, "limit": self.limit})
            page = below(data, "next_items_page")
        raise ServiceError(f"monday.com: the items of board {board} never come to an end")

    def _strange(self, path: str) -> InputError | ServiceError:
        if isinstance(self.api, Recording):
            place = Place(f"{self.api.shown}/{path}.json")
            return InputError("is no answer of monday.com: a list is missing in its data", place=place)
        return ServiceError(f"monday.com: {path} gave something that is no list")

    def _data(self, path: str, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data of an answer. Raises ServiceError for errors that leave no data."""
        if isinstance(self.api, Recording):
            return below(self.api.get(path), "data")
        what = path.partition("/")[0]
        return ask(
            self.api, PATH, query, variables, what=what, attempts=self.attempts, sleep=self.sleep, partly=self.partly
        )
