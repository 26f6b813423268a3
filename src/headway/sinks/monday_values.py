"""The sink `monday`: values of key results into one column of monday.com that is Headway's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError
from headway.graphql import CursorExpired, NotGiven, ask
from headway.remote import Client, Refused, checked_url
from headway.sinks.protocol import Delivered, Setting
from headway.sinks.values import Value, decided, delivered

URL = "https://api.monday.com"
VERSION = "2026-07"
TOKEN = "HEADWAY_MONDAY_TOKEN"  # noqa: S105 - the name of a variable
READ = """
query Cell($items: [ID!], $columns: [String!]) {
  items(ids: $items) {
    id board { id } column_values(ids: $columns) { id type text ... on NumbersValue { number } }
  }
}
"""
WRITE = """
mutation Set($board: ID!, $item: ID, $column: String!, $value: String) {
  change_simple_column_value(board_id: $board, item_id: $item, column_id: $column, value: $value) { id }
}
"""


class MondayValues:
    """Sets one column of numbers of the items that goals are, nothing else.

    Raises ConfigError without a token or column, ServiceError when monday.com cannot be reached or refuses the token.
    """

    name: ClassVar[str] = "monday"
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help=f"where the API is, if not {URL}"),
        Option("token", str, help="token that may write to the boards", env=TOKEN, secret=True),
        Option("version", str, VERSION, help="version of the API that is asked for"),
        Option("column", str, "", required=True, help="id of the column of numbers that is Headway's own"),
    )

    def __init__(
        self, options: Mapping[str, Any], setting: Setting, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        token = setting.environment.get(TOKEN, "").strip()
        if not token:
            raise ConfigError(f"writing to monday.com needs {TOKEN} in the environment")
        self._column = str(options.get("column") or "")
        if not self._column:
            raise ConfigError("writing to monday.com needs the column that is Headway's own", hint="column: numbers_9")
        headers = {"authorization": token, "api-version": str(options.get("version") or VERSION)}
        url = checked_url("monday.com", str(options.get("url") or URL))
        self._client = Client("monday.com", url, headers=headers, progress=setting.progress, sleep=sleep)
        self._sleep = sleep

    def deliver(self, items: Iterable[Value], *, dry_run: bool) -> Iterator[Delivered]:
        """Set, or say what would be set, one item after the other."""
        with self._client:
            for item in items:
                try:
                    yield self._one(item, dry_run=dry_run)
                except (Refused, NotGiven) as error:
                    if error.final if isinstance(error, NotGiven) else error.status == 401:
                        raise
                    yield Delivered(item.key, "failed", f"{item.title}: {error}")

    def _one(self, item: Value, *, dry_run: bool) -> Delivered:
        data = self._ask(READ, {"items": [item.place], "columns": [self._column]}, "the items")
        found = data.get("items")
        there = next((i for i in found if isinstance(i, dict)), None) if isinstance(found, list) else None
        if there is None:
            return Delivered(item.key, "failed", f"{item.title}: its item is not there any more in monday.com")
        cells = there.get("column_values")
        cell = next((c for c in cells if isinstance(c, dict)), None) if isinstance(cells, list) else None
        if cell is None or cell.get("type") not in {"numbers", "numeric"}:
            return Delivered(item.key, "failed", f"{item.title}: its board has no column of numbers {self._column}")
        number = cell.get("number")
        standing = float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None
        board = str((there.get("board") or {}).get("id") or "")

        def write() -> None:
            said = {"board": board, "item": item.place, "column": self._column, "value": f"{item.value:.15g}"}
            self._ask(WRITE, said, "writing")

        what = decided(item, standing)
        return delivered(item, standing, what, f"column {self._column} in monday.com", dry_run=dry_run, write=write)

    def _ask(self, query: str, variables: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        try:
            return ask(self._client, "v2", query, variables, what=what, sleep=self._sleep)
        except CursorExpired:
            raise NotGiven(f"monday.com: {what}: it was refused", final=False) from None
