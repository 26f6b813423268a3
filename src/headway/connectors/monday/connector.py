"""The connector `monday`: goals on boards of monday.com, as a mapping of columns says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import given
from headway.connectors.api import answers
from headway.connectors.fields import day, each, text
from headway.connectors.goal_tree import Goal, LeftOut, Sort, records
from headway.connectors.monday.columns import FIELDS, Cells, propose
from headway.connectors.monday.graphql import VERSION, Boards
from headway.connectors.protocol import Context
from headway.errors import ConfigError
from headway.graph.model import AnyRecord, Gap, Origin
from headway.remote import Client, checked_url

NAME = "monday"
URL = "https://api.monday.com"
_SORTS: Mapping[str, Sort] = {
    "objective": "objective", "key result": "key_result", "kr": "key_result", "key_result": "key_result",
    "deliverable": "deliverable", "milestone": "deliverable",
}  # fmt: skip


class Monday:
    """Reads goals from boards of monday.com through its GraphQL API, or recorded answers from a folder.

    monday.com has no goals of its own: `columns` says which column is what, and `headway init monday` proposes it. An
    item that is connected to another one, or is its subitem, belongs to that. Yields objectives, key results with their
    targets and current values, and deliverables; then gaps for private boards, archived items and goals without number.

    Raises ConfigError for options that cannot be, InputError for a folder without answers, MissingExtra without the
    extra `bi`, ServiceError when monday.com cannot be reached or refuses.
    """

    name: ClassVar[str] = NAME
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help=f"where the API is, if not {URL}"),
        Option("token", str, help="personal or app token", env="HEADWAY_MONDAY_TOKEN", secret=True),
        Option("version", str, VERSION, help="version of the API that is asked for"),
        Option("boards", list, [], required=True, help="ids of the boards that goals stand on"),
        Option("columns", dict, {}, help=f"which column says what: {', '.join(FIELDS)}; empty: proposed from titles"),
        Option("subitems", dict, {}, help="the same for subitems, where they differ"),
        Option("page", int, 100, help="items asked for at once, at most 500"),
        Option("private", bool, False, help="read private boards too, as far as the token sees them"),
        Option("export", str, "", help="folder with recorded answers, such as boards.json"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        self._export: str = values["export"]
        self._url = checked_url("monday.com", values["url"] or URL)
        self._version: str = values["version"]
        if not all(isinstance(board, str | int) and str(board).isdigit() for board in values["boards"]):
            raise ConfigError(f"option boards of {NAME} is not a list of ids", hint="boards: [1234567890]")
        self._boards = list(dict.fromkeys(str(board) for board in values["boards"]))
        self._columns = _mapping("columns", values["columns"])
        self._subitems = _mapping("subitems", values["subitems"])
        self._page: int = values["page"]
        if not 1 <= self._page <= 500:
            raise ConfigError(f"option page of {NAME} is not between 1 and 500", hint="page: 100")
        self._private: bool = values["private"]

    def boards(self) -> list[Mapping[str, Any]]:
        """The boards with their columns, as monday.com gives them; those that are not to be seen are missing."""
        with answers(NAME, self._context.root, self._export, self._client) as api:
            return Boards(api, self._page, progress=self._context.progress).boards(self._boards)

    def records(self) -> Iterator[AnyRecord]:
        """Every goal on the boards, and what could not be had."""
        left_out, gaps = LeftOut(), []
        goals: list[Goal] = []
        with answers(NAME, self._context.root, self._export, self._client) as api:
            reader = Boards(api, self._page, progress=self._context.progress)
            boards = reader.boards(self._boards)
            known = {text(board, "id") for board in boards}
            gaps += [
                f"board {key} of monday.com is not there, or not to be seen" for key in self._boards if key not in known
            ]
            for board in boards:
                if text(board, "board_kind") == "private" and not self._private:
                    gaps.append("a private board of monday.com was not read")
                elif text(board, "state") not in {"active", ""}:
                    left_out.archived.append(f"board {text(board, 'name')}")
                else:
                    goals += self._goals(board, reader.items(text(board, "id")), left_out)
        yield from records(NAME, "monday.com", goals, left_out)
        for message in dict.fromkeys((*gaps, *reader.partly)):
            hint = "private: true reads it" if "private" in message else ""
            yield Gap(topic="goals", message=message, hint=hint, origin=Origin(NAME))

    def _goals(self, board: Mapping[str, Any], items: list[Mapping[str, Any]], left_out: LeftOut) -> Iterator[Goal]:
        """Items and their subitems."""
        columns = self._columns or {p.field: p.column for p in propose(each(board, "columns"))}
        below = self._subitems or columns
        on_board = {text(item, "id") for item in items}
        for item in items:
            if goal := self._goal(item, columns, "", left_out):
                yield goal
                for sub in each(item, "subitems"):
                    if text(sub, "id") not in on_board and (part := self._goal(sub, below, goal.key, left_out)):
                        yield part

    def _goal(self, item: Mapping[str, Any], columns: Mapping[str, str], above: str, left_out: LeftOut) -> Goal | None:
        key, title = text(item, "id"), text(item, "name")
        if not key:
            left_out.broken.append("an item of monday.com has no id and is left out")
            return None
        if text(item, "state") not in {"active", ""}:
            left_out.archived.append(title)
            return None
        cells = Cells(item, columns)
        start, end = cells.span("timeline")
        parents = cells.linked("parent")
        inner = above or text(item, "parent_item", "id")
        chain = tuple(dict.fromkeys(p for p in (inner, *parents) if p and p != key))
        current = cells.number("current")
        weight = cells.number("weight")
        status = cells.text("status")
        done = cells.done("status")
        return Goal(
            key=key,
            title=title or key,
            sort=_SORTS.get(cells.text("sort").casefold(), ""),
            parent=chain[0] if chain else "",
            further=chain[1:],
            description=cells.text("description"),
            owner=cells.text("owner"),
            url=text(item, "url") if text(item, "url").startswith(("https://", "http://")) else "",
            tags=(status,) if status else (),
            period=cells.text("period") or text(item, "group", "title"),
            start=cells.day("start") or start,
            end=cells.day("due") or end,
            weight=1.0 if weight is None or weight < 0 else weight,
            state="ended" if done else "",
            baseline=cells.number("baseline"),
            target=cells.number("target"),
            current=current,
            read=None if current is None else day(item, "updated_at") or self._context.now.date(),
            unit=cells.text("unit"),
            done=done,
        )

    def _client(self) -> Client:
        token = given.secret(NAME, self.options, "token", self._context)
        headers = {"authorization": token, "api-version": self._version}
        return Client("monday.com", self._url, headers=headers, progress=self._context.progress)


def _mapping(name: str, said: Mapping[str, Any]) -> dict[str, str]:
    """Field -> column id. Raises ConfigError for a field that there is not."""
    for key, column in said.items():
        if key not in FIELDS:
            raise ConfigError(
                f"option {name} of {NAME} has no field {str(key)[:40]!r}", hint=f"one of {', '.join(FIELDS)}"
            )
        if not isinstance(column, str) or not column:
            raise ConfigError(f"option {name} of {NAME} names no column for {key}", hint=f"{key}: numbers_1")
    return {str(key): column for key, column in said.items()}
