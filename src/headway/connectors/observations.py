"""Usage and cost from rows in CSV, gzipped CSV or Parquet files: one amount per asset, day and measure.

| column | what is in it |
|---|---|
| `node` or `relation` | exactly one filled per row: a node id or dbt unique id, or `catalog.schema.table` |
| `day` | `2026-11-22`, or a date and time whose date is taken as written |
| `measure` | queries, views, people, cost, seconds, bytes, storage, or any other word of a-z and `_` |
| `amount` | a finite number with a decimal point and no separators; negative for cost only (a refund) |
| `unit` | what the amount is in; must be given for cost, in the row or as `default_unit` |
| `person_class` | person, executive, data_team, service, scheduled, embedded, dbt, or empty |
| `tool` | what it was read with, such as looker; may be missing |
| `person` | who it was; only a keyed hash of it leaves this module, unless `names` is on; may be missing |
| `column` | only this column of the node or relation, `*` for any of them; may be missing |

Rows that agree in all but the amount are added up, save `people` and `storage`: the same person, or the same bytes, may
stand behind two of them, so the largest is kept, which is the least that there can have been. Files are streamed;
memory grows with the distinct rows, not with the rows read.
"""

from __future__ import annotations

import difflib
import glob
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, NoReturn, get_args

from headway.config import Option
from headway.connectors import delimited
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, MissingExtra, Place, Problem
from headway.graph.model import AnyRecord, Coverage, Gap, Observation, Origin, PersonClass
from headway.people import People

COLUMNS = ("node", "relation", "day", "measure", "amount", "unit", "person_class", "tool", "person", "column")
UNITS: Mapping[str, str] = {
    "queries": "count",
    "views": "count",
    "people": "count",
    "seconds": "seconds",
    "bytes": "bytes",
    "storage": "bytes",
}
"""Units that a measure has when nothing says otherwise."""

BAD_SHARE = 0.01
BAD_MOST = 1000
"""Up to this share and this number of rows are skipped and reported; with more, the input itself is refused."""

_SERIES = ("node", "relation", "measure", "unit", "person_class", "tool", "person", "column")
_LARGEST_COUNTS = frozenset({"people", "storage"})
_QUOTES = str.maketrans("", "", '"`')
_CLASSES = frozenset(get_args(PersonClass))
_MEASURE = re.compile(r"[a-z_]{1,64}")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_SEPARATED = re.compile(r"[+-]?\d[\d.,_'\s]*", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:[.,]\d+)?)?\s?(?:Z|UTC|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_LARGEST = 1e18
_LONGEST_NAME = 1024
_LONGEST_TOOL = 64
_ADDRESS = re.compile(r"[^\s@'\"]+@[^\s@'\"]+")


class Observations:
    """Reads usage and cost rows; see the module for the columns.

    Yields one Observation per distinct node or relation, measure, unit, class, tool, person, column and day, sorted;
    then one Coverage from the first to the last day; then at most one Gap, for rows that were skipped or for files
    without rows.

    Raises ConfigError for options that cannot be, InputError for a file that cannot be used (missing, not readable, not
    CSV or Parquet, a column missing, more than 1 % or 1,000 bad rows) and for a key of people's hashes that can be
    neither read nor made, MissingExtra for Parquet without pyarrow.
    """

    name: ClassVar[str] = "observations"
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", list, required=True, help="a CSV, CSV.gz or Parquet file, a glob, or a list of them"),
        Option("covers", str, "", help="selector of the assets whose use these rows would show; empty: kinds seen"),
        Option("columns", dict, {}, help=f"your column name for each of ours ({', '.join(COLUMNS)})"),
        Option("default_unit", str, "", help="unit of rows that name none and need one, such as EUR for cost"),
        Option("names", bool, False, help="keep what is in `person` instead of a keyed hash of it"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        _known(options, (option.name for option in self.options), "option")
        self._context = context
        self._paths = _paths(options.get("path"))
        self._covers = _text(options, "covers")
        self._unit = _text(options, "default_unit")
        self._columns = _columns(options.get("columns") or {})
        self._people: People | None = None
        self._names = options.get("names", False)
        if not isinstance(self._names, bool):
            raise ConfigError("option names of observations is neither true nor false")

    def records(self) -> Iterator[AnyRecord]:
        """The observations, sorted; the days they cover; and what was left out."""
        tally = _Tally(self._unit, self._context.now.date() + timedelta(days=1), self._known_as)
        files = self._files()
        for number, (path, shown) in enumerate(files):
            self._context.progress(f"reading {shown}", number, len(files))
            self._read(path, shown, tally)
        tally.judge()
        shown = files[0][1] if len(files) == 1 else ", ".join(self._paths)
        origin = Origin(connector=self.name, file=shown)
        yield from tally.observations(origin)
        days = tally.days
        if days:
            yield Coverage(covers=self._covers, start=min(days), end=max(days), origin=origin)
        gap = tally.gap(origin)
        if gap:
            yield gap

    def _known_as(self, person: str) -> str:
        """What records may carry of a person. The key is looked for when the first one is met."""
        if self._people is None:
            context = self._context
            self._people = People(b"", names=True) if self._names else People.of(context.root, context.environment)
        return self._people.known_as(person)

    def _files(self) -> list[tuple[Path, str]]:
        """The files to read in order, each once, with the name to show: relative to the root where it is below."""
        found: dict[str, tuple[Path, str]] = {}
        for text in self._paths:
            whole = Path(self._context.root, text)
            pattern = glob.has_magic(text) and not os.path.lexists(whole)
            fitting = str(Path(glob.escape(self._context.root), text))  # only `text` is a pattern
            names = sorted(glob.glob(fitting, recursive=True)) if pattern else [str(whole)]  # noqa: PTH207
            if pattern and not names:
                raise InputError("no file fits this pattern", place=Place(text), hint="give a file, a glob or a list")
            for name in names:
                shown = os.path.relpath(name, self._context.root)
                shown = name if shown.startswith(os.pardir) else shown
                found.setdefault(os.path.realpath(name), (Path(name), shown))
        return list(found.values())

    def _fitting(self, header: list[str]) -> int:
        """How many of the columns that are looked for a header has."""
        wanted = {_folded(self._columns.get(ours, ours)) for ours in COLUMNS}
        return len(wanted & {_folded(name) for name in header})

    def _read(self, path: Path, shown: str, tally: _Tally) -> None:
        with delimited.readable(shown):
            delimited.regular(path)
            with path.open("rb") as stream:
                parquet = stream.read(4) == b"PAR1"
        if parquet:
            self._read_parquet(path, shown, tally)
        elif path.suffix == ".parquet":
            raise InputError("this is not a Parquet file: it does not begin with PAR1", place=Place(shown))
        else:
            self._read_csv(path, shown, tally)

    def _read_csv(self, path: Path, shown: str, tally: _Tally) -> None:
        with delimited.rows(path, shown, self._fitting) as sheet:
            if sheet.separated != "commas":
                self._context.progress(f"{shown} is separated by {sheet.separated}", 0, 0)
            layout = _layout(sheet.header, self._columns, Place(shown, sheet.line), f"separated by {sheet.separated}")
            add = tally.adder(layout.names)
            pick, day, amount, width = itemgetter(*layout.cells), layout.day, layout.amount, len(sheet.header)
            for line, row in sheet:
                if isinstance(row, str):
                    problem = row
                elif len(row) != width:
                    problem = f"this row has {len(row)} columns where the header has {width}"
                else:
                    problem = add(pick(row), row[day], row[amount])
                if problem and "".join(row).strip():  # spreadsheets leave rows of empty cells behind
                    tally.bad(Problem(problem, Place(shown, line)), sheet.lines_of_row)
            tally.ended(shown)

    def _read_parquet(self, path: Path, shown: str, tally: _Tally) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtra("parquet", f"reading {shown}") from error
        try:
            with parquet.ParquetFile(path) as source:
                header = list(source.schema_arrow.names)
                layout = _layout(header, self._columns, Place(shown), "")
                _typed(pa, source.schema_arrow, layout, Place(shown))
                add = tally.adder(layout.names)
                used = [header[position] for position in layout.used]
                done = 0
                for batch in source.iter_batches(batch_size=1 << 16, columns=used):
                    days, amounts, *cells = (_plain(pa, batch.column(name)) for name in used)
                    problems = map(add, zip(*cells, strict=True), days, amounts)
                    for row, problem in enumerate(problems, done + 1):
                        if problem:
                            tally.bad(Problem(problem, Place(shown, row)))
                    done += batch.num_rows
                tally.ended(shown)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"this Parquet file cannot be read: {said}", place=Place(shown), hint="was it written whole?"
            ) from error


@dataclass(slots=True)
class _Series:
    """Amounts by day of one of what _SERIES can tell apart."""

    measure: str
    values: dict[date, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    """Rows added up. Rows that cannot be used are counted, and the first three remembered."""

    default_unit: str
    last_day: date
    known_as: Callable[[str], str]
    """What a person is called in records."""
    series: dict[tuple[str, ...], _Series] = field(default_factory=dict)
    """By the columns of _SERIES, people as they are called in records."""
    rows: int = 0
    bad_rows: int = 0
    first: list[Problem] = field(default_factory=list)
    without_rows: list[str] = field(default_factory=list)
    _first_of_file: Problem | None = None
    _rows_before: int = 0
    _dates: dict[Any, date] = field(default_factory=dict)
    _amounts: dict[str, float] = field(default_factory=dict)
    """Of texts that are numbers: most counts are small and come again and again."""
    _words: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What is wrong with the words of a row, '' for nothing: few combinations of them are used with many nodes."""

    def adder(self, names: Sequence[str]) -> Callable[[tuple[Any, ...], Any, Any], str]:
        """A function add(cells, day, amount) for one file whose `cells` are the columns called `names`.

        It answers '' when the row was counted, or what is wrong with it. This is the inner loop: what rows have in
        common is looked up, not worked out again.
        """
        seen: dict[tuple[Any, ...], _Series | str] = {}
        dates, amounts = self._dates, self._amounts
        blank = dict.fromkeys(_SERIES, "")

        def add(cells: tuple[Any, ...], day: Any, amount: Any) -> str:
            series = seen.get(cells)
            if series is None:
                said = {name: _cell(cell) for name, cell in zip(names, cells, strict=True)}
                series = seen[cells] = self._find(**(blank | said))
            if isinstance(series, str):
                return series
            on = dates.get(day) or self._day(day)
            if isinstance(on, str):
                return on
            value = amounts.get(amount) if type(amount) is str else _value(amount)
            if value is None:
                value = self._number(amount)
            if not (0 <= value <= _LARGEST or (series.measure == "cost" and -_LARGEST <= value < 0)):
                return _amount_problem(amount, value)
            values = series.values
            before = values.get(on)
            if before is None:
                values[on] = value
            elif series.measure in _LARGEST_COUNTS:
                values[on] = max(before, value)
            else:
                values[on] = before + value
            self.rows += 1
            return ""

        return add

    def _find(
        self,
        *,
        node: str,
        relation: str,
        measure: str,
        unit: str,
        person_class: str,
        tool: str,
        person: str,
        column: str,
    ) -> _Series | str:
        """The series these cells belong to, or what is wrong with them."""
        words = (measure, unit, person_class, tool, person, column)
        said = self._words.get(words)
        if said is None:
            said = self._words[words] = _word_problem(measure, unit, person_class) or _reader_problem(
                tool, person, column
            )
        if problem := _name_problem(node, relation) or said:
            return problem
        unit = unit or UNITS.get(measure, "") or self.default_unit or ("" if measure == "cost" else "count")
        if not unit:
            return "a cost without a unit: fill the unit column, or set default_unit, for example to EUR"
        relation = relation and relation.translate(_QUOTES)
        who = self.known_as(person) if person else ""
        key = (node, relation, measure, unit, person_class, tool.casefold(), who, column.lower())
        return self.series.setdefault(key, _Series(measure))

    def _number(self, text: str) -> float:
        """The number that a text is; not a number for what is none."""
        if _NUMBER.fullmatch(text) is None:
            return math.nan
        value = float(text)
        if len(self._amounts) < 1 << 16:
            self._amounts[text] = value
        return value

    def _day(self, cell: Any) -> date | str:
        """The day in a cell, or what is wrong with it."""
        if isinstance(cell, str):
            match = _MOMENT.fullmatch(cell.strip())
            try:
                day = date.fromisoformat(match[1]) if match else None
            except ValueError:
                day = None
        else:
            day = cell
        if day is None:
            return f"day {short(cell)} is not a day: write year-month-day, such as 2026-11-22" if cell else "no day"
        if day > self.last_day:
            return f"day {day} lies in the future"
        if day.year < 1970:  # a sentinel such as 0001-01-01; it would stretch what is covered over centuries
            return f"day {day} lies before 1970"
        if len(self._dates) < 1 << 16:  # days are few; moments may all differ
            self._dates[cell] = day
        return day

    def bad(self, problem: Problem, lines: int = 1) -> None:
        """Note a row that cannot be used; a broken quote may have swallowed several `lines`."""
        self.bad_rows += lines
        self._first_of_file = self._first_of_file or problem
        if len(self.first) < 3:
            self.first.append(problem)
        if self.bad_rows > BAD_MOST:
            self._refuse(self.first[0], f"more than {BAD_MOST:,} rows cannot be used")

    def ended(self, shown: str) -> None:
        """Close a file: one in which no row can be used is wrong as a whole, however long the others are."""
        if self.rows == self._rows_before:
            if self._first_of_file:
                self._refuse(self._first_of_file, f"no row of {shown} can be used")
            self.without_rows.append(shown)
        self._rows_before, self._first_of_file = self.rows, None

    def judge(self) -> None:
        """Raise InputError when too large a share of all rows cannot be used."""
        total = self.rows + self.bad_rows
        if self.bad_rows > BAD_SHARE * total:
            self._refuse(self.first[0], f"{self.bad_rows:,} of {total:,} rows cannot be used, at most 1 % may be")

    @staticmethod
    def _refuse(problem: Problem, why: str) -> NoReturn:
        raise InputError(problem.message, place=problem.place, hint=why)

    def observations(self, origin: Origin) -> Iterator[Observation]:
        """One per series and day, sorted."""
        for key in sorted(self.series):
            node, relation, measure, unit, group, tool, person, column = key
            for day, amount in sorted(self.series[key].values.items()):
                yield Observation(
                    day=day,
                    measure=measure,
                    amount=amount,
                    node=node,
                    relation=relation,
                    unit=unit,
                    person_class=group,
                    column=column,
                    tool=tool,
                    person=person,
                    origin=origin,
                )

    def gap(self, origin: Origin) -> Gap | None:
        """What was left out, if anything was."""
        topic = "cost" if self.series and all(key[2] == "cost" for key in self.series) else "usage"
        if self.bad_rows:
            places = "; ".join(str(problem) for problem in self.first)
            rows = "1 row was" if self.bad_rows == 1 else f"{self.bad_rows:,} rows were"
            first = "" if self.bad_rows <= len(self.first) else ", the first of them"
            return Gap(topic=topic, message=f"{rows} skipped{first}: {places}", origin=origin)
        if not self.rows and self.without_rows:
            files = self.without_rows[0] if len(self.without_rows) == 1 else f"{len(self.without_rows):,} files"
            return Gap(topic=topic, message=f"no rows yet below the column names of {files}", origin=origin)
        return None

    @property
    def days(self) -> set[date]:
        """Every day that has an amount."""
        return set().union(*(series.values for series in self.series.values()))


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where our columns are in a file: positions in its header."""

    names: tuple[str, ...]
    """Which of the columns that make up a series there are."""
    cells: tuple[int, ...]
    """Their positions, in the order of `names`."""
    day: int
    amount: int

    @property
    def used(self) -> tuple[int, ...]:
        """All positions that are read: day, amount, then the cells."""
        return (self.day, self.amount, *self.cells)


def _layout(header: Sequence[str], columns: Mapping[str, str], place: Place, how: str) -> _Layout:
    """Find our columns in a header; raises InputError when one is missing or there twice."""
    folded = [_folded(name) for name in header]
    found: dict[str, int] = {}
    for ours in COLUMNS:
        theirs = columns.get(ours, ours)
        count = folded.count(_folded(theirs))
        if count > 1:
            raise InputError(f"there are {count} columns called {short(theirs)}", place=place, hint="keep one of them")
        if count:
            found[ours] = folded.index(_folded(theirs))
        elif ours in columns or ours in ("day", "measure", "amount"):
            raise _missing(short(theirs), header, place, how)
    if "node" not in found and "relation" not in found:
        raise _missing("'node' and none called 'relation'", header, place, how)
    names = tuple(name for name in _SERIES if name in found)
    return _Layout(names, tuple(found[name] for name in names), found["day"], found["amount"])


def _missing(name: str, header: Sequence[str], place: Place, how: str) -> InputError:
    there = ", ".join(short(cell) for cell in header[:12]) + (", ..." if len(header) > 12 else "")
    message = f"there is no column called {name}, only {there}" + (f", {how}" if how else "")
    return InputError(message, place=place, hint="rename it, or say what it is called under `columns`")


def _typed(pa: Any, schema: Any, layout: _Layout, place: Place) -> None:
    """Raise InputError where a Parquet column has a type that cannot mean what it has to."""
    types = pa.types

    def text(kind: Any) -> bool:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind))

    def day(kind: Any) -> bool:
        return bool(types.is_date(kind) or types.is_timestamp(kind) or text(kind))

    def number(kind: Any) -> bool:
        return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))

    tests = [(day, "a date, a timestamp or text"), (number, "a number"), *[(text, "text")] * len(layout.cells)]
    for position, (fits, right) in zip(layout.used, tests, strict=True):
        column = schema.field(position)
        if not fits(column.type):
            message = f"column {short(column.name)} is of type {short(column.type)}"
            raise InputError(message, place=place, hint=f"make it {right}")


def _plain(pa: Any, column: Any) -> list[Any]:
    """The values of a Parquet column as Python values, moments as their date."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.date32())
    values: list[Any] = column.to_pylist()
    return values


def _value(amount: Any) -> float:
    return math.nan if amount is None else float(amount)


def _amount_problem(amount: Any, value: float) -> str:
    """What is wrong with an amount that was not counted."""
    if amount is None or amount == "":
        return "no amount"
    if math.isnan(value) and isinstance(amount, str):
        if _SEPARATED.fullmatch(amount.strip()):
            return f"amount {short(amount)} has separators in it: write 1234.5, with a point and nothing else"
        return f"amount {short(amount)} is not a number"
    if not math.isfinite(value):
        return f"amount {short(amount)} is not finite"
    if abs(value) > _LARGEST:
        return f"amount {short(amount)} is too large"
    return f"amount {short(amount)} is negative, which only a cost can be"


def _name_problem(node: str, relation: str) -> str:
    if bool(node) == bool(relation):
        return "both node and relation are filled: fill one" if node else "neither node nor relation is filled"
    column, name = ("node", node) if node else ("relation", relation)
    if name[0] in "=+-@":
        return f"{column} {short(name)} looks like a spreadsheet formula, not a name"
    if not name.isprintable():
        return f"{column} {short(name)} has characters in it that cannot be printed"
    return f"{column} is longer than {_LONGEST_NAME:,} characters" if len(name) > _LONGEST_NAME else ""


def _word_problem(measure: str, unit: str, person: str) -> str:
    if not _MEASURE.fullmatch(measure):
        return f"measure {short(measure)} is not a word of a-z and _, such as queries, views, people or cost"
    if person not in _CLASSES:
        return f"person_class {short(person)} is none of {', '.join(sorted(_CLASSES - {''}))}, or empty"
    if unit and not (unit.isprintable() and len(unit) <= 32 and unit[0] not in "=+-@"):
        return f"unit {short(unit)} is not a unit, such as EUR or credits"
    return ""


def _reader_problem(tool: str, person: str, column: str) -> str:
    """What is wrong with the cells that say with what, by whom and of which column; never who that is."""
    if tool and not (tool.isprintable() and len(tool) <= _LONGEST_TOOL and tool[0] not in "=+-@"):
        return f"tool {short(tool)} is not the name of a tool, such as looker"
    if person and not (person.isprintable() and len(person) <= _LONGEST_NAME and person[0] not in "=+-@"):
        return "person is a spreadsheet formula, too long, or has characters in it that cannot be printed"
    if column and not (column.isprintable() and len(column) <= _LONGEST_NAME and column[0] not in "=+-@"):
        return f"column {short(column)} is not the name of a column"
    return ""


def short(value: Any) -> str:
    """A value quoted for a message: one line, never long, nobody's address, nothing that a terminal would obey."""
    text = _ADDRESS.sub("***", str(value))
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _cell(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _folded(name: str) -> str:
    return name.strip().casefold()


def _known(given: Iterable[Any], known: Iterable[str], what: str) -> None:
    names = tuple(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1) or [", ".join(names)]
            raise ConfigError(f"observations has no {what} {short(name)}", hint=f"did you mean {near[0]}?")


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name) or ""
    if not isinstance(value, str):
        raise ConfigError(f"option {name} of observations is to be text, not {type(value).__name__}")
    return value


def _paths(value: Any) -> tuple[str, ...]:
    """The option `path` as one or more texts."""
    paths = (value,) if isinstance(value, str | os.PathLike) else value
    if not paths or not isinstance(paths, list | tuple) or not all(isinstance(p, str | os.PathLike) for p in paths):
        raise ConfigError("option path of observations names no file, glob or list of them", hint="path: usage.csv")
    texts = tuple(os.fspath(path) for path in paths)
    if any(not text or "\0" in text for text in texts):
        raise ConfigError("option path of observations is empty or has a zero character in it")
    return texts


def _columns(value: Any) -> dict[str, str]:
    """The option `columns`: our name to theirs."""
    if not isinstance(value, Mapping) or not all(isinstance(theirs, str) and theirs for theirs in value.values()):
        raise ConfigError("option columns of observations is not a mapping", hint="columns: {day: date, amount: hits}")
    _known(value, COLUMNS, "column")
    return dict(value)
