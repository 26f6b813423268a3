"""A PostgreSQL server that logs every statement, as csvlog and as jsonlog: a temporary cluster on a free port."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_destination": "csvlog,jsonlog",
    "log_directory": "log",
    "log_filename": "postgresql.log",
    "log_file_mode": "0644",
    "log_statement": "none",
    "log_min_duration_statement": "0",
    "compute_query_id": "on",
    "shared_preload_libraries": "pg_stat_statements",
}
_BEGAN = re.compile(r"(?:statement|execute [^:]*): (.*)", re.DOTALL)
_TOOK = re.compile(r"duration: ([\d.]+) ms")
_RAN = re.compile(r"duration: ([\d.]+) ms  (?:statement|execute [^:]*): (.*)", re.DOTALL)


@dataclass(frozen=True)
class LoggingServer:
    """Where the server is, and its log files."""

    user: str
    port: int
    log: Path

    def url(self, user: str = "", database: str = "wh") -> str:
        return f"postgresql://{user or self.user}@127.0.0.1:{self.port}/{database}"

    def ran(self) -> list[tuple[float, str]]:
        """Milliseconds and text of every statement in jsonlog: read here, with nothing of what is tested."""
        found = []
        begun: dict[str, str] = {}  # by session: a statement whose duration is to come
        for line in (self.log / "postgresql.json").read_text().splitlines():
            entry = json.loads(line)
            session, message = entry["session_id"], entry.get("message", "")
            if match := _RAN.fullmatch(message):
                found.append((float(match[1]), match[2]))
            elif match := _BEGAN.fullmatch(message):
                begun[session] = match[1]
            elif entry["error_severity"] == "ERROR":
                begun.pop(session, None)
            elif (match := _TOOK.fullmatch(message)) and entry["ps"] not in {"PARSE", "BIND"} and session in begun:
                found.append((float(match[1]), begun.pop(session)))
        return found

    def settle(self) -> None:
        """Wait until the collector has written what the sessions said: it works beside them."""
        import psycopg

        mark = f"settled {time.monotonic_ns()}"
        with psycopg.connect(self.url(database="postgres"), autocommit=True) as connection:
            connection.execute(f"SELECT '{mark}'".encode())
        for _ in range(200):
            if all(mark in (self.log / f"postgresql.{kind}").read_text() for kind in ("json", "csv")):
                return
            time.sleep(0.05)
        pytest.fail("the server's log does not show its last statement")


def _binaries() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and float(folder.parent.name) >= 15:
            return folder
    reason = "no PostgreSQL 15 or later, which has jsonlog: no pg_ctl on PATH and none in /usr/lib/postgresql/*/bin"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def logging_server() -> Iterator[LoggingServer]:
    """A running server with an empty database `wh`; stopped and removed afterwards."""
    import psycopg

    binaries = _binaries()
    root = os.geteuid() == 0
    user = "postgres" if root else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="headway-logging-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        command = ["runuser", "-u", user, "--", *command] if root else command
        with (folder / f"{program}.out").open("w") as out:
            done = subprocess.run(command, stdout=out, stderr=out, cwd=folder, check=False, timeout=120)
        if done.returncode:
            pytest.fail(f"{program} ended with {done.returncode}: {(folder / f'{program}.out').read_text()}")

    try:
        if root:
            shutil.chown(folder, user)
        folder.chmod(0o755)
        data = str(folder / "data")
        run("initdb", "-D", data, "-A", "trust", "-U", user, "-E", "UTF8", "--locale=C", "-N")
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        run(
            "pg_ctl", "-D", data, "-o", f"-p {port} {options}", "-l", str(folder / "out.log"), "-w", "-t", "60", "start"
        )
        try:
            server = LoggingServer(user, port, Path(data, "log"))
            with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
                connection.execute("SET log_min_duration_statement = -1")
                connection.execute("CREATE DATABASE wh")
            yield server
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
