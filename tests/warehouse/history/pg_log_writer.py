"""Log files as PostgreSQL writes them, for tests: csvlog of any version, and jsonlog."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STARTED = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
"""When sessions begin."""


@dataclass(frozen=True)
class Line:
    """One line of a log; times are given in UTC and written in the log's own zone."""

    message: str
    at: datetime = STARTED + timedelta(hours=1)
    user: str = "analyst_a"
    database: str = "wh"
    session: int = 1
    number: int = 0
    tag: str = "SELECT"
    severity: str = "LOG"
    state: str = "00000"
    detail: str = ""
    context: str = ""
    query: str = ""
    application: str = "psql"
    started: datetime = STARTED
    zone: str = "UTC"
    ahead: timedelta = timedelta()
    start_zone: str = ""
    start_ahead: timedelta | None = None

    @property
    def session_id(self) -> str:
        return f"{int(self.started.timestamp()):x}.{self.session:x}"

    @property
    def time(self) -> str:
        return f"{self.at + self.ahead:%Y-%m-%d %H:%M:%S}.{self.at.microsecond // 1000:03} {self.zone}"

    @property
    def start_time(self) -> str:
        ahead = self.ahead if self.start_ahead is None else self.start_ahead
        return f"{self.started + ahead:%Y-%m-%d %H:%M:%S} {self.start_zone or self.zone}"


def csv_line(line: Line, width: int = 26) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if text else ""

    cells = [
        line.time, quoted(line.user), quoted(line.database), str(line.session), quoted("127.0.0.1:5000"),
        line.session_id, str(line.number), quoted(line.tag), line.start_time, "3/1", "0", line.severity, line.state,
        quoted(line.message), quoted(line.detail), "", "", "", quoted(line.context), quoted(line.query), "", "",
        quoted(line.application),
    ]  # fmt: skip
    more = [quoted("client backend"), "", "4954206305364239221"]
    return ",".join(cells + more[: width - len(cells)]) + "\n"


def json_line(line: Line) -> str:
    said: dict[str, Any] = {
        "timestamp": line.time, "user": line.user, "dbname": line.database, "pid": line.session,
        "remote_host": "127.0.0.1", "remote_port": 5000, "session_id": line.session_id, "line_num": line.number,
        "ps": line.tag, "session_start": line.start_time, "vxid": "3/1", "txid": 0, "error_severity": line.severity,
        "state_code": line.state if line.state != "00000" else None, "message": line.message,
        "detail": line.detail or None, "context": line.context or None, "statement": line.query or None,
        "application_name": line.application, "backend_type": "client backend", "query_id": 4954206305364239221,
    }  # fmt: skip
    return json.dumps({k: v for k, v in said.items() if v is not None}, ensure_ascii=False) + "\n"


def numbered(lines: Iterable[Line]) -> list[Line]:
    """The lines, those of each session numbered in order where they are not."""
    from dataclasses import replace

    last: dict[str, int] = {}
    found = []
    for line in lines:
        number = line.number or last.get(line.session_id, 0) + 1
        last[line.session_id] = number
        found.append(replace(line, number=number))
    return found


def write_log(path: Path, lines: Iterable[Line], width: int = 26) -> Path:
    """Write a log in the format that the name of the file asks for."""
    write = json_line if path.suffix == ".json" else lambda line: csv_line(line, width)
    path.write_bytes("".join(write(line) for line in numbered(lines)).encode())
    return path
