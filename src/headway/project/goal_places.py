"""`headway init monday` and `headway init csv`: the settings of a place of goals, proposed from its own columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headway.connectors import sheet_address, spreadsheet
from headway.connectors.artifact import shown
from headway.connectors.fields import each, text
from headway.connectors.goals_csv import COLUMNS, known_columns, propose
from headway.connectors.monday.columns import FIELDS
from headway.connectors.monday.columns import propose as propose_columns
from headway.connectors.monday.connector import NAME as MONDAY
from headway.connectors.monday.connector import Monday
from headway.connectors.protocol import Context
from headway.connectors.workbook import Grid
from headway.errors import InputError, Place, UsageError
from headway.project.reviewed import printable, scalar

if TYPE_CHECKING:
    from headway.project.workspace import Project


def proposed(project: Project, tool: str, what: Sequence[str]) -> str:
    """YAML for headway.yml: for `monday` from the boards with these ids, for `csv` from the table of that name.

    Nothing is written. Raises UsageError for another tool or without a board or file, InputError, ConfigError and
    ServiceError when the place cannot be read.
    """
    if tool == "monday":
        if not what:
            raise UsageError("headway init monday needs the ids of boards", hint="headway init monday 1234567890")
        return _monday(project, what)
    if tool == "csv":
        if len(what) not in {1, 2}:
            hint = "headway init csv FILE, of a workbook with several sheets headway init csv FILE SHEET"
            raise UsageError("headway init csv needs one file, or the address of a Google sheet", hint=hint)
        return _csv(project, *what)
    raise UsageError(
        f"nothing can be proposed for {tool!r}", hint="headway init monday BOARD, or headway init csv FILE"
    )


def _monday(project: Project, boards: Sequence[str]) -> str:
    """One entry for each board that has columns of its own; names of columns stand behind their ids."""
    known = next((s.options for s in project.config.sources if s.connector == MONDAY), {})
    options = {key: known[key] for key in ("url", "version", "export") if key in known}
    context = Context(project.config.root, project.now, project.environment, project.progress)
    lines = ["connectors:"]
    found = Monday({**options, "boards": list(boards)}, context).boards()
    if not found:
        raise UsageError("none of these boards is there, or to be seen with this token")
    for board in found:
        columns = each(board, "columns")
        taken = propose_columns(columns)
        lines += [f"  - name: {MONDAY}"]
        lines += [f"    {key}: {scalar(str(value))}" for key, value in options.items()]
        lines += [f"    boards: [{text(board, 'id')}]  # {_said(text(board, 'name'))}", "    columns:"]
        lines += [f"      {p.field}: {scalar(p.column)}  # {_said(p.title)}" for p in taken]
        used = {p.column for p in taken} | {"name"}
        rest = [f"{text(c, 'id')} ({_said(text(c, 'title'))})" for c in columns if text(c, "id") not in used]
        lines += _left(rest, [name for name in FIELDS if name not in {p.field for p in taken}])
    return "\n".join(lines) + "\n"


def _csv(project: Project, name: str, sheet: str = "") -> str:
    """An entry for a CSV file, a workbook or an address, with its columns as they would be read."""
    if "://" in name:
        file, option = sheet_address.named(name), f"url: {scalar(name)}"
        source: Path | bytes = sheet_address.fetched(name, progress=project.progress)
    else:
        source = Path(project.config.root, name)
        file = shown(source, project.config.root)
        option = f"path: {scalar(file)}"
    with spreadsheet.rows(source, file, known_columns, sheet) as table:
        header, line = table.header, table.line
        sheet = table.sheet if isinstance(table, Grid) and (sheet or table.several) else ""
    taken: Mapping[str, str] = propose(header)
    if "title" not in taken:
        hint = f"its columns are {', '.join(_said(h) for h in header[:12])}"
        raise InputError("no column looks like the titles of goals", place=Place(file, line), hint=hint)
    lines = ["connectors:", "  - name: goals_csv", f"    {option}"]
    lines += [f"    sheet: {scalar(sheet)}"] if sheet else []
    lines += ["    columns:"]
    lines += [f"      {field}: {scalar(column)}" for field, column in taken.items()]
    rest = [_said(h) for h in header if h.strip() and h not in taken.values()]
    lines += _left(rest, [name for name in COLUMNS if name not in taken])
    if "id" not in taken:
        lines.append("      # no column of ids: a goal that is renamed will be taken for a new one")
    return "\n".join(lines) + "\n"


def _left(columns: Sequence[str], fields: Sequence[str]) -> list[str]:
    """What no proposal was made for, as comments."""
    found = []
    if columns:
        found.append(f"      # not used: {', '.join(columns[:20])}")
    if fields:
        found.append(f"      # not found: {', '.join(fields)}")
    return found


def _said(title: str) -> str:
    return printable(title)[:60]
