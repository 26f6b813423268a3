"""The sink `csv`: values of key results in a file, for tools whose API cannot be written to."""

from __future__ import annotations

import codecs
import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError, InputError, Place
from headway.files import alone, content, rewrite
from headway.sinks.protocol import Delivered, Setting
from headway.sinks.values import Value, decided, delivered

COLUMNS = ("key_result", "title", "value", "unit", "day")
_STEERS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so may be taken for a formula by a spreadsheet."""


class CsvValues:
    """Keeps one row a key result in a CSV file; rows of others, and other columns, stay as they are.

    Raises ConfigError without a path or when the file cannot be written, InputError for a file that is no such one.
    """

    name: ClassVar[str] = "csv"
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, "", required=True, help="the file that is written, relative to the project"),
    )

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None:
        said = options.get("path")
        if not isinstance(said, str) or not said or "\0" in said:
            raise ConfigError("writing values to a file needs its path", hint="csv: {path: values.csv}")
        self._shown = said
        self._root = Path(setting.root)
        self._path = self._root / said

    def deliver(self, items: Iterable[Value], *, dry_run: bool) -> Iterator[Delivered]:
        """Write the file once, whole, after all values were looked at; then say what became of each."""
        if dry_run:
            yield from self._looked_at(items, dry_run=True)
            return
        asked = list(items)
        with alone(self._root):
            found = self._looked_at(asked, dry_run=False)
        yield from found

    def _looked_at(self, items: Iterable[Value], *, dry_run: bool) -> list[Delivered]:
        before = content(self._path, self._shown)
        table = _Table.of(before, self._shown)
        found = []
        for item in items:
            there = _standing(table.value(item.key))
            what = decided(item, there)

            def write(item: Value = item) -> None:
                day = item.day.isoformat() if item.day else ""
                cells = (_safe(item.title), f"{item.value:.15g}", _safe(item.unit), day)
                table.put(item.key, dict(zip(COLUMNS[1:], cells, strict=True)))

            found.append(delivered(item, there, what, f"its row in {self._shown}", dry_run=dry_run, write=write))
        if any(one.outcome == "sent" for one in found):
            rewrite(self._path, before, table.written(), self._shown)
        return found


class _Table:
    """The rows of a file, each with the text it stands there as: only a row that is changed is written anew.

    Cells are addressed by the position of their column, so that nothing hangs on names that are there twice, or on rows
    that are longer than the header.
    """

    def __init__(self, rows: list[list[str]], texts: list[str], *, mark: bool, end: str) -> None:
        self._rows = rows
        self._texts = texts
        self._mark = mark
        self._end = end
        self._at = {name: rows[0].index(name) for name in COLUMNS if name in rows[0]}
        key = self._at["key_result"]
        self._line = {row[key]: line for line, row in enumerate(rows) if line and len(row) > key}

    @classmethod
    def of(cls, there: bytes | None, shown: str) -> _Table:
        """What stands in a file; None: there is none yet. Raises InputError for what is no such file."""
        if there is None:
            return cls([list(COLUMNS)], [""], mark=False, end="\n")
        try:
            lines = list(io.StringIO(there.decode("utf-8-sig"), newline=""))
            rows, texts, read = [], [], 0
            reader = csv.reader(lines, strict=True)
            for row in reader:
                rows.append(row)
                texts.append("".join(lines[read : reader.line_num]))
                read = reader.line_num
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError("is no CSV file in UTF-8", place=Place(shown)) from error
        if not rows or not {"key_result", "value"} <= set(rows[0]):
            raise InputError("has no columns key_result and value: it is not ours", place=Place(shown))
        end = "\r\n" if all(text.endswith("\r\n") for text in texts[:-1] or texts) else "\n"
        return cls(rows, texts, mark=there.startswith(codecs.BOM_UTF8), end=end)

    def value(self, key: str) -> str:
        """What stands as the value of a key result; '' where nothing does."""
        line = self._line.get(key)
        return "" if line is None else self._cell(line, self._at["value"])

    def put(self, key: str, cells: Mapping[str, str]) -> None:
        """Set cells of a key result, by the names of their columns; the row and the columns are added where missing."""
        for name in cells:
            if name not in self._at:
                self._widen(name)
        if key not in self._line:
            self._line[key] = len(self._rows)
            self._rows.append([""] * len(self._rows[0]))
            self._texts.append("")
        for name, text in {"key_result": key, **cells}.items():
            self._set(self._line[key], self._at[name], text)

    def _widen(self, name: str) -> None:
        """Add a column, behind whatever stands in any row."""
        at = self._at[name] = max(map(len, self._rows))
        for line, row in enumerate(self._rows):
            if row:  # an empty line stays one
                self._set(line, at, "" if line else name)

    def _cell(self, line: int, at: int) -> str:
        row = self._rows[line]
        return row[at] if at < len(row) else ""

    def _set(self, line: int, at: int, text: str) -> None:
        row = self._rows[line]
        if at < len(row) and row[at] == text:
            return
        row += [""] * (at + 1 - len(row))
        row[at] = text
        self._texts[line] = ""

    def written(self) -> bytes:
        """The whole file."""
        text = io.StringIO(newline="")
        sheet = csv.writer(text, lineterminator=self._end)
        for row, stands in zip(self._rows, self._texts, strict=True):
            if stands:
                text.write(stands if stands.endswith(("\n", "\r")) else stands + self._end)
            else:
                sheet.writerow(row)
        return (codecs.BOM_UTF8 if self._mark else b"") + text.getvalue().encode("utf-8")


def _standing(said: str) -> float | str | None:
    """What a cell holds: None only when it is empty; a text where it is no finite number."""
    try:
        value = float(said) if said.strip() else None
    except ValueError:
        return said
    return value if value is None or math.isfinite(value) else said


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_STEERS) else text
