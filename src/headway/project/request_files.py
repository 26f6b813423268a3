"""Reading requests from files: Headway's own JSON and CSV, and issues of GitHub and GitLab as their tools print them.

A file is read whole or not at all: every row that cannot be a request is named, with the line or the issue it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from headway.connectors import delimited
from headway.connectors.artifact import exists, read
from headway.errors import InputError, Place, Problem
from headway.graph.requests import SIZES, SORTS
from headway.project.request_forms import answers
from headway.project.reviewed import printable

LONGEST: Mapping[str, int] = {"text": 300, "decision": 2_000, "key_result": 300, "readers": 500, "by": 200}
"""Characters of each field at most."""
MOST_ROWS = 10_000
_MOST_BYTES = 64 * 1024**2
_MOST_NAMED = 50
"""Problems that are listed; of the others the number."""

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "external", "external_id", "key", "number"),
    "text": ("text", "title", "asks", "request", "summary"),
    "decision": ("decision",),
    "key_result": ("key_result", "key result", "goal"),
    "kind": ("kind", "type"),
    "readers": ("readers", "users", "who"),
    "due": ("due", "by_when", "wanted_by", "due_date"),
    "cost": ("cost", "size"),
    "by": ("by", "asked_by", "author", "requester"),
    "asked": ("asked", "created", "created_at"),
}
"""Fields with the names that a column or key may have, the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """A request as a file has it."""

    external: str
    """Where it is filed first: `github:owner/name#42`, `file:7`, or the id of a request of Headway's own."""
    content: Mapping[str, str]
    """Fields of a request that are not empty."""
    by: str
    """Who asks; '' where the file does not say."""
    asked: str
    """ISO date, or ''."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a file holds."""

    rows: tuple[Row, ...]
    passed_over: tuple[str, ...]
    """Issues that are no requests: their text has none of the form's headings."""


def checked(raw: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The fields of a request as they are kept, without empty ones, and what is wrong with them."""
    kept: dict[str, str] = {}
    wrong: list[str] = []
    for name in ("text", "decision", "key_result", "readers"):
        value = raw.get(name)
        if value is not None and not isinstance(value, str | int | float):
            wrong.append(f"{name} is no text")
            continue
        said = printable("" if value is None else str(value))
        if len(said) > LONGEST[name]:
            wrong.append(f"{name} has {len(said):,} characters, at most {LONGEST[name]:,}")
        elif said:
            kept[name] = said
    if "text" not in kept and not wrong:
        wrong.append("it does not say what is asked for")
    for name, options in (("kind", SORTS), ("cost", SIZES)):
        said = _word(raw.get(name)).casefold()
        if said in options:
            kept.update({name: said} if said else {})
        else:
            wrong.append(f"{name} {said[:40]!r} is none of {', '.join(o for o in options if o)}")
    due = _word(raw.get("due"))
    if due and not _day(due):
        wrong.append(f"due {due[:40]!r} is no date as YYYY-MM-DD")
    elif due:
        kept["due"] = _day(due)
    return kept, wrong


def rows_of(path: Path, shown: str, *, source: str = "") -> Rows:
    """The requests in a file, called `shown` in messages.

    `source` is where they are filed (it keeps the numbers of two trackers apart); without, what the file says of
    itself. Raises InputError: for a file that cannot be read, and with every row that cannot be a request.
    """
    reading = _Reading(shown, source)
    if path.suffix.casefold() in {".csv", ".tsv"} or path.name.casefold().endswith(".csv.gz"):
        reading.sheet(path)
    else:
        reading.document(_decoded(path, shown))
    return reading.done()


@dataclass
class _Reading:
    """One file as it is read."""

    shown: str
    source: str
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    """External id -> the row that had it first."""

    def sheet(self, path: Path) -> None:
        """A CSV file: a column for every field."""

        def wanted(header: Sequence[str]) -> int:
            return len(_places(header))

        with delimited.rows(path, self.shown, wanted) as sheet:
            places = _places(sheet.header)
            missing = [name for name in ("id", "text") if name not in places]
            if missing:
                hint = f"the first line names the columns: {', '.join(_COLUMNS)}"
                words = " and ".join(f"{name!r}" for name in missing)
                raise InputError(f"there is no column {words}", place=Place(self.shown, sheet.line), hint=hint)
            for line, cells in sheet:
                if isinstance(cells, str):
                    self._wrong(cells, f"line {line}", line)
                elif any(cell.strip() for cell in cells):
                    self._enough()
                    raw = {name: cells[at] for name, at in places.items() if at < len(cells)}
                    self._plain({n: _unquoted(v) for n, v in raw.items()}, f"line {line}", line)

    def document(self, document: Any) -> None:
        """A JSON document: a list of requests or issues, or what `headway request export` writes."""
        place = Place(self.shown)
        if isinstance(document, dict):
            version = document.get("version", 1)
            if version != 1:
                raise InputError(f"version {str(version)[:20]} is not known", place=place, hint="upgrade Headway")
            document = document.get("requests")
        if not isinstance(document, list):
            hint = "a list of requests, or what `gh issue list --json number,title,body,author,createdAt` prints"
            raise InputError("this is no list of requests", place=place, hint=hint)
        for number, item in enumerate(document, 1):
            self._enough()
            where = f"item {number}"
            if not isinstance(item, dict):
                self._wrong("it is no mapping of fields", where)
            elif "number" in item and "body" in item:
                self._issue(item, "github", item["number"], item["body"], "createdAt", "login", "url")
            elif "iid" in item and "description" in item:
                self._issue(item, "gitlab", item["iid"], item["description"], "created_at", "username", "web_url")
            else:
                found = ((n, next((item[k] for k in keys if k in item), None)) for n, keys in _COLUMNS.items())
                self._plain({n: v for n, v in found if v is not None}, where)

    def done(self) -> Rows:
        """What was read; raises InputError where anything is wrong."""
        if self.problems:
            named = [str(p) for p in self.problems[:_MOST_NAMED]]
            if len(self.problems) > _MOST_NAMED:
                named.append(f"and {len(self.problems) - _MOST_NAMED:,} more; nothing was imported")
            raise InputError("\n".join(named))
        return Rows(tuple(self.rows), tuple(self.passed_over))

    def _issue(
        self, item: Mapping[str, Any], tracker: str, number: Any, body: Any, asked: str, login: str, address: str
    ) -> None:
        """An issue of a tracker; one without any heading of the form is no request."""
        if not isinstance(number, int) or isinstance(number, bool):
            self._wrong("its number is no number", f"an issue of {tracker}")
            return
        where = f"issue #{number}"
        filled = answers(body) if isinstance(body, str) else {}
        if not filled:
            self.passed_over.append(f"#{number}")
            return
        author = item.get("author")
        raw = {
            **filled,
            "text": item.get("title"),
            "by": author.get(login) if isinstance(author, dict) else None,
            "asked": item.get(asked),
        }
        self._keep(raw, f"{self.source or _repository(item.get(address), tracker)}#{number}", where, 0)

    def _plain(self, raw: Mapping[str, Any], where: str, line: int = 0) -> None:
        """A row of Headway's own fields."""
        known = _word(raw.get("id"))
        if not known or len(known) > 200 or not known.isprintable():
            self._wrong("it has no id (one line of at most 200 characters), so it cannot be told again", where, line)
            return
        own = is_request_id(known)
        self._keep(raw, known.upper() if own else f"{self.source or 'file'}:{known}", where, line)

    def _keep(self, raw: Mapping[str, Any], external: str, where: str, line: int) -> None:
        content, wrong = checked(raw)
        by = printable(_word(raw.get("by")))
        asked = _word(raw.get("asked"))
        if len(by) > LONGEST["by"]:
            wrong.append(f"by has {len(by):,} characters, at most {LONGEST['by']:,}")
        if asked and not _day(asked):
            wrong.append(f"asked {asked[:40]!r} is no date as YYYY-MM-DD")
        if external in self.seen:
            wrong.append(f"its id is that of {self.seen[external]} too")
        self.seen.setdefault(external, where)
        for problem in wrong:
            self._wrong(problem, where, line)
        if not wrong:
            self.rows.append(Row(external, content, by, _day(asked)))

    def _wrong(self, message: str, where: str, line: int = 0) -> None:
        said = message if line else f"{where}: {message}"
        self.problems.append(Problem(said, Place(self.shown, line)))

    def _enough(self) -> None:
        if len(self.rows) + len(self.passed_over) + len(self.problems) >= MOST_ROWS:
            raise InputError(f"there are more than {MOST_ROWS:,} rows", place=Place(self.shown), hint="split the file")


_ID = re.compile(r"R-[2-9BCDFGHJKMNPQRSTVWXZ]{6}", re.IGNORECASE)


def is_request_id(text: str) -> bool:
    """Whether a text looks like the id of a request: `R-7K2QXW`."""
    return _ID.fullmatch(text) is not None


def _decoded(path: Path, shown: str) -> Any:
    if exists(path) and path.stat().st_size > _MOST_BYTES:
        raise InputError(f"is {path.stat().st_size:,} bytes; at most {_MOST_BYTES:,} are read", place=Place(shown))
    data = bytes(read(path, shown))
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        hint = "JSON or, in a file that ends in .csv, CSV"
        raise InputError(f"this is not JSON: {why}", place=Place(shown), hint=hint) from None


def _places(header: Sequence[str]) -> dict[str, int]:
    """Field -> the column that it is in."""
    names = [name.strip().casefold() for name in header]
    return {
        field_: next(names.index(alias) for alias in aliases if alias in names)
        for field_, aliases in _COLUMNS.items()
        if any(alias in names for alias in aliases)
    }


def _unquoted(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in set("=+-@\t\r") else cell


def _word(value: Any) -> str:
    """A short value as text; '' for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _day(text: str) -> str:
    """The day of an ISO date, or of a time as trackers write it; '' for anything else."""
    try:
        return date.fromisoformat(text[:10]).isoformat() if text[10:11] in {"", "T", " "} else ""
    except ValueError:
        return ""


def _repository(address: Any, tracker: str) -> str:
    """`github:owner/name` from the address of an issue; only the tracker where there is none."""
    match = re.match(r"https?://[^/]+/(.+?)/(?:-/)?issues/", address) if isinstance(address, str) else None
    return f"{tracker}:{printable(match[1])[:150]}" if match else tracker
