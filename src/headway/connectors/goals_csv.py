"""The connector `goals_csv`: goals from an export of a goal tool or a spreadsheet: CSV, Excel workbook, Google sheet.

Tables tell what is below what in one of three ways: by an order (`1`, `1.2`, `1.2.1`), by the id of the row above, or
by a column of objectives beside one of key results. Which column says what is in the option `columns`, or follows from
the names that tools give their columns; `headway init csv` proposes it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from headway.config import Option
from headway.connectors import given, sheet_address, spreadsheet
from headway.connectors.artifact import shown
from headway.connectors.goal_tree import Goal, LeftOut, Sort, records, slug
from headway.connectors.protocol import Context
from headway.connectors.workbook import FromAbove
from headway.connectors.written import (
    DROPPED,
    ORDERS,
    Exact,
    Sign,
    as_number,
    can_be_read_in_two_ways,
    day_of,
    decimal_signs,
    in_one_way,
    is_private,
    is_yes,
    span,
    unit_of,
)
from headway.errors import ConfigError, InputError, Place
from headway.graph.model import AnyRecord, Gap, Origin

NAME = "goals_csv"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("row id", "id", "goal id", "key", "issue key", "okr id", "objective id"),
    "order": ("order", "no", "number", "#", "level"),
    "parent": ("parent", "parent id", "parent row id", "aligned to", "parent goal"),
    "title": ("title", "summary", "name", "key result", "key results", "kr", "goal", "objective", "metric_name"),
    "objective": ("objective", "objectives", "goal", "goals"),
    "type": ("type", "goal type", "kind", "metric_type"),
    "description": ("description", "notes"),
    "owner": ("teams", "team", "entity", "owner", "department"),
    "status": ("status", "state"),
    "period": ("period", "time period", "quarter", "cycle"),
    "start": ("expected start date", "start date", "start"),
    "end": ("expected end date", "end date", "due date", "due", "end"),
    "baseline": ("start value", "metric_start_value", "baseline", "from", "initial value"),
    "target": ("target value", "metric_target_value", "target", "to", "goal value"),
    "current": ("current value", "current", "actual", "value", "metric_current_value"),
    "unit": ("unit", "metric unit", "units"),
    "weight": ("weight",),
    "tags": ("labels", "tags"),
    "url": ("url", "link"),
    "private": ("private", "visibility"),
    "archived": ("archived",),
}
"""Field of a goal -> names of columns that say it, the best first. `objective` is the title of the goal above."""

_BESIDE = frozenset({"key result", "key results", "kr"})
"""Titles beside which a column of objectives is one of goals above; elsewhere it may be anything."""
_OWN = ("id", "order", "title")
"""What says which goal a row is: a merged cell says that of its first row alone."""
_SAYS: Mapping[Literal["private", "archived"], Callable[[str], bool]] = {"private": is_private, "archived": is_yes}
"""How a cell says what a goal is. An objective is it when all of its key results are."""
MOST_ROWS = 200_000
_SORTS: Mapping[str, Sort] = {
    "objective": "objective", "goal": "objective", "big goal": "objective", "key result": "key_result",
    "key_result": "key_result", "kr": "key_result", "kpi": "key_result", "metric": "key_result",
    "initiative": "deliverable", "project": "deliverable", "milestone": "deliverable", "deliverable": "deliverable",
}  # fmt: skip
_ENDED = frozenset("achieved cancelled canceled closed completed done dropped ended failed finished missed".split())  # noqa: SIM905
_NUMBERS = ("baseline", "target", "current")
_Missed = Literal["day", "period", "backwards", "number", "sign", "percent", "order", "title"]
_SAID: Mapping[_Missed, tuple[str, str]] = {
    "day": ("days cannot be read", "dates: says how they are written"),
    "period": ("periods are none that is known, and give no days", "Q3 2026, 2026-H1, FY2026, Jul 2026"),
    "backwards": ("goals end before they begin, and have no days now", "dates: says how days are written"),
    "number": ("cells that should be numbers are none", ""),
    "sign": (
        "numbers may be read in two ways, such as 1.200 and 1,200; these are 1.2 and 1200 now",
        "decimal: says what stands before the decimals: . or ,",
    ),
    "percent": (
        "rows have a percent sign at some of their numbers only; where the others are fractions, 0.2 is read as 20%",
        "write all of them in the same way",
    ),
    "order": ("orders are there twice; the rows below belong to the nearest one before them", ""),
    "title": (
        "goals have the title of another one in the same place; when their rows are moved, they are mixed up",
        "add a column of ids",
    ),
}
"""What is counted -> a sentence behind the number, and what to do."""


class GoalsCsv:
    """Reads goals from a table, as OKR tools and spreadsheets export them: CSV, an Excel workbook, a Google sheet.

    Yields objectives, key results with their targets and current values, and deliverables; then gaps for private and
    archived goals, rows that cannot be read and goals without a number.

    Raises ConfigError for options that cannot be, InputError for a table that is none or has no column of titles,
    ServiceError for an address that gives none, MissingExtra for a workbook without the extra `xlsx` and for an address
    without the extra `bi`.
    """

    name: ClassVar[str] = NAME
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, "", help="the CSV file or Excel workbook"),
        Option("url", str, "", help="address of a Google sheet, or of such a file; instead of path"),
        Option("sheet", str, "", help="which sheet of a workbook; empty: the one that holds goals"),
        Option("columns", dict, {}, help=f"which column says what: {', '.join(COLUMNS)}; empty: by their names"),
        Option("dates", str, "iso", help="how days are written: iso, dmy or mdy"),
        Option("decimal", str, "", help="what stands before decimals: . or , ; empty: as the numbers show"),
        Option("taken", str, "", help="day of the export, on which its current values were true; empty: today"),
        Option("tool", str, "", help="how messages call where it comes from; empty: as the file is called"),
        Option("private", bool, False, help="read rows that are marked as private too"),
        given.PREFIX,
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        values = given.checked(NAME, self.options, options)
        if given.one_of(NAME, values, "path", "url") == "url":
            self._url: str = values["url"]
            sheet_address.table_address(self._url)
            self._shown = sheet_address.named(self._url)
        else:
            self._url = ""
            self._path = Path(context.root, values["path"])
            self._shown = shown(self._path, context.root)
        self._sheet: str = values["sheet"]
        self._progress = context.progress
        self._columns = _checked(values["columns"])
        self._dates: str = values["dates"]
        if self._dates not in ORDERS:
            raise ConfigError(f"option dates of {NAME} is iso, dmy or mdy, not {self._dates[:40]!r}")
        if values["decimal"] not in get_args(Sign):
            raise ConfigError(f"option decimal of {NAME} is . or , and not {values['decimal'][:40]!r}")
        self._decimal: Sign = values["decimal"]
        self._taken = given.iso_day(NAME, values, "taken") or context.now.date()
        self._tool: str = values["tool"] or self._shown
        self._private: bool = values["private"]
        self._prefix = given.prefix(NAME, values)

    def records(self) -> Iterator[AnyRecord]:
        """Every goal in the table, and what could not be read."""
        left_out = LeftOut()
        with spreadsheet.rows(self._source(), self._shown, self._known, self._sheet) as sheet:
            columns = self._columns or propose(sheet.header)
            where = _where(columns, sheet.header, Place(self._shown, sheet.line))
            rows = list(self._rows(sheet, where, left_out))
            left_out.broken += [f"{self._shown}: {note}" for note in sheet.notes]
        if "objective" in where:
            rows = _with_objectives(rows)
        rows = self._seen(rows, left_out)
        reading = _Reading(rows, self._dates, self._decimal, self._taken, self._shown)
        goals = [reading.goal(row) for row in rows]
        yield from records(
            NAME, self._tool, goals, left_out, hint_private="private: true reads them", prefix=self._prefix
        )
        yield from reading.gaps("id" in where, "objective" in where)

    def _source(self) -> Path | bytes:
        if self._url:
            return sheet_address.fetched(self._url, progress=self._progress)
        if "\0" in str(self._path):
            raise InputError("is no name of a file", place=Place(self._shown))
        return self._path

    def _known(self, header: list[str]) -> int:
        """How many of the columns that are looked for a row names."""
        if self._columns:
            return len({column.strip() for column in self._columns.values()} & {cell.strip() for cell in header})
        return known_columns(header)

    def _rows(self, sheet: spreadsheet.Table, where: Mapping[str, int], left_out: LeftOut) -> Iterator[_Row]:
        broken: list[int] = []
        for count, (line, cells) in enumerate(sheet):
            if count >= MOST_ROWS:
                raise InputError(f"has more than {MOST_ROWS:,} rows", place=Place(self._shown))
            if isinstance(cells, str):
                if sheet.lines_of_row > 1:  # a table without these goals would take them out of view
                    last = line + sheet.lines_of_row - 1
                    problem = f"{cells}; so lines {line} to {last} cannot be read"
                    raise InputError(problem, place=Place(self._shown, line), hint="close the quote, or take it away")
                broken.append(line)
                continue
            said = {field: _cell(cells, at, field) for field, at in where.items()}
            if said.get("title") or (said.get("objective") and not isinstance(cells[where["objective"]], FromAbove)):
                yield _Row(line, said)
            elif any(text for field, text in said.items() if field != "objective"):
                broken.append(line)
        if broken:
            lines = ", ".join(map(str, broken[:5])) + (", ..." if len(broken) > 5 else "")
            left_out.broken.append(f"{self._shown}: {len(broken):,} rows have no title or are no CSV (line {lines})")

    def _seen(self, rows: Sequence[_Row], left_out: LeftOut) -> list[_Row]:
        """The rows that are read: none that is private or archived, or stands below one that is."""
        above, _ = _above_of(rows)
        private = set() if self._private else _with_below(rows, above, lambda row: row.says("private"))
        archived = _with_below(
            rows, above, lambda row: row.says("archived") or row.text("status").casefold() == "archived"
        )
        left_out.private += len(private)  # what a private goal is called is never told
        left_out.archived += [row.text("title") for row in rows if row in archived and row not in private]
        return [row for row in rows if row not in private and row not in archived]


class _Row:
    """The cells of one line, by field; or the objective that lines name beside their key results."""

    __slots__ = ("above", "line", "said")

    def __init__(self, line: int, said: Mapping[str, str], above: _Row | None = None) -> None:
        self.line = line
        self.said = said
        self.above = above

    def text(self, field: str) -> str:
        return self.said.get(field, "")

    def says(self, field: Literal["private", "archived"]) -> bool:
        return _SAYS[field](self.text(field))


def _with_objectives(rows: Sequence[_Row]) -> list[_Row]:
    """The rows with their objectives as rows of their own, each before its first key result.

    An objective that is not named again is that of the row above, as people write it, and as merged cells say it. A row
    that names an objective and no key result is about the objective itself.
    """
    found: list[_Row] = []
    heads: dict[str, _Row] = {}
    below: dict[str, list[_Row]] = defaultdict(list)
    name = ""
    for row in rows:
        said = row.text("objective")
        name = said.casefold() or name
        whole = not row.text("title")
        if said and whole and name in heads:  # its own row, behind a first one
            own = {field: text for field, text in row.said.items() if text and field not in {"title", "type"}}
            heads[name].said = {**heads[name].said, **own}
        elif said and name not in heads:
            kept = row.said if whole else {f: row.text(f) for f in ("period", "start", "end")}
            heads[name] = _Row(row.line, {**kept, "title": said, "type": "objective"})
            found.append(heads[name])
        if row.text("title"):
            found.append(_Row(row.line, row.said, heads.get(name)))
            below[name].append(row)
    for name, head in heads.items():
        for field in _SAYS if below[name] else ():
            if all(row.says(field) for row in below[name]):
                head.said = {**head.said, field: "yes"}
    return found


def _above_of(rows: Sequence[_Row]) -> tuple[dict[_Row, _Row], int]:
    """Row -> the one that it belongs to, where the table has it; and how many orders are there twice."""
    by_id = {row.text("id"): row for row in reversed(rows) if row.text("id")}
    titles = Counter(row.text("title").casefold() for row in rows)
    by_title = {title: row for row in rows if titles[title := row.text("title").casefold()] == 1}
    by_order, unclear = _by_order(rows)
    found = {}
    for row in rows:
        said = row.text("parent")
        above = by_id.get(said) or by_title.get(said.casefold()) if said else row.above or by_order.get(row)
        if above is not None:
            found[row] = above
    return found, unclear


def _by_order(rows: Sequence[_Row]) -> tuple[dict[_Row, _Row], int]:
    """Row -> the one whose order is the beginning of its own: the nearest before it, or the first behind it."""
    first: dict[str, _Row] = {}
    times: Counter[str] = Counter()
    for row in rows:
        order = row.text("order").rstrip(".")
        first.setdefault(order, row)
        times[order] += 1
    before: dict[str, _Row] = {}
    found = {}
    unclear: set[str] = set()
    for row in rows:
        order = row.text("order").rstrip(".")
        before[order] = row
        while "." in order:
            order = order.rpartition(".")[0]
            if order in first:
                found[row] = before.get(order) or first[order]
                unclear.update({order} if times[order] > 1 else ())
                break
    return found, len(unclear)


def _with_below(rows: Sequence[_Row], above: Mapping[_Row, _Row], is_it: Callable[[_Row], bool]) -> set[_Row]:
    """The rows that something is said of, and all that stand below one of them."""
    below: dict[_Row, list[_Row]] = defaultdict(list)
    for row, over in above.items():
        below[over].append(row)
    todo = [row for row in rows if is_it(row)]
    found = set(todo)
    while todo:
        fresh = [row for row in below[todo.pop()] if row not in found]
        found.update(fresh)
        todo += fresh
    return found


class _Reading:
    """What rows mean: who is above whom, what they are called by, days, numbers."""

    def __init__(self, rows: Sequence[_Row], dates: str, decimal: Sign, taken: date, file: str) -> None:
        self._order = ORDERS[dates]
        self._taken = taken
        self._file = file
        self._missed: Counter[_Missed] = Counter()
        self._above, self._missed["order"] = _above_of(rows)
        self._keys = self._keys_of(rows)
        signs = decimal_signs(row.text(field) for row in rows for field in (*_NUMBERS, "weight"))
        self._several_signs = len(signs) > 1
        self._decimal: Sign = decimal or (next(iter(signs)) if len(signs) == 1 else "")

    def goal(self, row: _Row) -> Goal:
        """One row as a goal."""
        first, last = self._days(row)
        sort = _SORTS.get(" ".join(row.text("type").replace("_", " ").casefold().split()), "")
        status = row.text("status")
        numbers = self._numbers(row)
        weight = self._number(row, "weight")
        return Goal(
            key=self._keys[row],
            title=row.text("title"),
            sort=sort,
            parent=self._keys[self._above[row]] if row in self._above else row.text("parent"),
            description=row.text("description"),
            owner=row.text("owner"),
            url=row.text("url") if row.text("url").startswith(("https://", "http://")) else "",
            tags=tuple(dict.fromkeys(t for t in (status, *re.split(r"\s*[,;]\s*", row.text("tags"))) if t)),
            period=row.text("period"),
            start=first,
            end=last,
            weight=1.0 if weight is None or weight < 0 else weight,
            state="ended" if status.casefold() in _ENDED else "draft" if status.casefold() == "draft" else "",
            baseline=numbers["baseline"],
            target=numbers["target"],
            current=numbers["current"],
            read=None if numbers["current"] is None else self._taken,
            unit=row.text("unit") or unit_of(row.text(field) for field in _NUMBERS),
            dropped=status.casefold() in DROPPED,
            done=status.casefold() in {"achieved", "completed", "done", "finished"},
            file=self._file,
            line=row.line,
        )

    def _keys_of(self, rows: Sequence[_Row]) -> dict[_Row, str]:
        """What each goal is called by: its id, else its title, with that of the goal above where the title is repeated.

        So goals keep what they are called by when their rows are sorted in another way.
        """
        found = {row: row.text("id") for row in rows if row.text("id")}
        used = set(found.values())
        slugs = {row: slug(row.text("title")) for row in rows if row not in found}
        times = Counter(slugs.values())
        found |= {row: key for row, key in slugs.items() if times[key] == 1 and key not in used}
        used |= set(found.values())
        longer = {
            row: f"{slug(self._above[row].text('title'))}.{key}" if row in self._above else key
            for row, key in slugs.items()
            if row not in found
        }
        times = Counter(longer.values())
        numbers: Counter[str] = Counter()
        for row, key in longer.items():
            self._missed["title"] += times[key] > 1 or key in used
            numbers[key] += 1
            while (last := key if numbers[key] == 1 else f"{key}_{numbers[key]}") in used:
                numbers[key] += 1
            used.add(last)
            found[row] = last
        return found

    def _days(self, row: _Row) -> tuple[date | None, date | None]:
        """First and last day: those that are written, else those of the period."""
        said = [self._day(row, field) for field in ("start", "end")]
        period = row.text("period")
        between = span(period)
        self._missed["period"] += bool(period) and between is None and None in said
        first, last = between or (None, None)
        found = said[0] or first, said[1] or last
        if found[0] and found[1] and found[0] > found[1]:
            self._missed["backwards"] += 1
            return None, None
        return found

    def _day(self, row: _Row, field: str) -> date | None:
        said = row.text(field)
        value = day_of(said, self._order) if said else None
        self._missed["day"] += bool(said) and value is None
        return value

    def _numbers(self, row: _Row) -> dict[str, float | None]:
        """Start, target and current value. Where only some have a percent sign, the others are made percent, too."""
        said = {field: row.text(field) for field in _NUMBERS}
        found, mixed = in_one_way(said, {field: self._number(row, field) for field in _NUMBERS})
        self._missed["percent"] += mixed
        return found

    def _number(self, row: _Row, field: str) -> float | None:
        said = row.text(field)
        value = as_number(said, self._decimal)
        self._missed["number"] += bool(said) and value is None
        if not self._decimal and can_be_read_in_two_ways(said):
            self._missed["sign"] += "." in said or self._several_signs
        return value

    def gaps(self, with_ids: bool, with_objectives: bool) -> Iterator[Gap]:
        """What could not be read, or only in a way that may be wrong."""
        origin = Origin(NAME, self._file)
        for what, (message, hint) in _SAID.items():
            if count := self._missed[what]:
                yield Gap(topic="goals", message=f"{self._file}: {count:,} {message}", hint=hint, origin=origin)
        if not with_ids or with_objectives:
            which = "an objective" if with_ids else "a goal"
            ids = "no ids of its objectives" if with_ids else "no column of ids"
            message = f"{self._file} has {ids}: {which} that is renamed is taken for a new one"
            yield Gap(topic="goals", message=message, hint="export it with ids, or add a column", origin=origin)


def propose(header: Sequence[str]) -> dict[str, str]:
    """Field -> the column that seems to say it, by the names that tools give their columns; no column twice."""
    names = {_plain(name): name for name in reversed(header) if name.strip()}
    found: dict[str, str] = {}
    for field, known in COLUMNS.items():
        for name in known:
            if name in names and names[name] not in found.values():
                found[field] = names[name]
                break
    if "objective" in found and _plain(found["title"]) not in _BESIDE:
        del found["objective"]
    return found


def _plain(name: str) -> str:
    return " ".join(name.replace("*", "").split()).casefold()


def known_columns(header: list[str]) -> int:
    """How many columns of a header say something of a goal, by their names."""
    return len(propose(header))


def _checked(columns: Mapping[str, Any]) -> dict[str, str]:
    for field, column in columns.items():
        if field not in COLUMNS:
            raise ConfigError(
                f"option columns of {NAME} has no field {str(field)[:40]!r}", hint=f"one of {', '.join(COLUMNS)}"
            )
        if not isinstance(column, str):
            raise ConfigError(f"option columns of {NAME} names no column for {field}", hint=f"{field}: Summary")
    return {str(field): str(column) for field, column in columns.items()}


def _where(columns: Mapping[str, str], header: Sequence[str], place: Place) -> dict[str, int]:
    """Field -> number of its column. Raises InputError without a column of titles, or for one that is not there."""
    numbers = {name.strip(): at for at, name in reversed(list(enumerate(header)))}
    for field, column in columns.items():
        if column.strip() not in numbers:
            raise InputError(
                f"has no column {column[:60]!r} for {field}", place=place, hint="see columns: in headway.yml"
            )
    if "title" not in columns:
        hint = "say which it is: columns: {title: Summary}; headway init csv proposes all of them"
        raise InputError("no column holds the titles of goals", place=place, hint=hint)
    return {field: numbers[column.strip()] for field, column in columns.items()}


def _cell(cells: Sequence[str], at: int, field: str) -> str:
    if at >= len(cells) or (field in _OWN and isinstance(cells[at], FromAbove)):
        return ""
    return cells[at] if isinstance(cells[at], Exact) else " ".join(cells[at].split())
