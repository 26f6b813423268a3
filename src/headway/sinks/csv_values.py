"""The sink `csv`: values of key results in a file, for tools whose API cannot be written to."""

from __future__ import annotations

import csv
import io
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
        header, rows = self._table(before)
        by_key = {row.get("key_result", ""): row for row in rows}
        found = []
        for item in items:
            row = by_key.get(item.key)
            there = _number(row.get("value", "")) if row else None
            what = decided(item, there)

            def write(item: Value = item, row: dict[str, str] | None = row) -> None:
                if row is None:
                    row = by_key[item.key] = {"key_result": item.key}
                    rows.append(row)
                day = item.day.isoformat() if item.day else ""
                row.update(title=_safe(item.title), value=f"{item.value:.15g}", unit=_safe(item.unit), day=day)

            found.append(delivered(item, there, what, f"its row in {self._shown}", dry_run=dry_run, write=write))
        if any(one.outcome == "sent" for one in found):
            rewrite(self._path, before, _written(header, rows), self._shown)
        return found

    def _table(self, there: bytes | None) -> tuple[list[str], list[dict[str, str]]]:
        if there is None:
            return list(COLUMNS), []
        try:
            text = there.decode("utf-8-sig")
            rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
            header = next(csv.reader(io.StringIO(text, newline="")), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError("is no CSV file in UTF-8", place=Place(self._shown)) from error
        if not {"key_result", "value"} <= set(header):
            raise InputError("has no columns key_result and value: it is not ours", place=Place(self._shown))
        return list(dict.fromkeys((*header, *COLUMNS))), [{k: v or "" for k, v in r.items() if k} for r in rows]


def _written(header: list[str], rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    sheet = csv.DictWriter(text, header, restval="", lineterminator="\n")
    sheet.writeheader()
    sheet.writerows(rows)
    return text.getvalue().encode("utf-8")


def _number(said: str) -> float | None:
    try:
        return float(said) if said.strip() else None
    except ValueError:
        return None


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_STEERS) else text
