"""What many tests here need and is made once: the demo company, built with dbt, and a PostgreSQL server.

The server is a temporary cluster on a free loopback port, gone when the session ends.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from headway.project.demo import Demo


@pytest.fixture(scope="session")
def _company(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    if not os.environ.get("HEADWAY_DBT"):
        pytest.skip("HEADWAY_DBT does not name a dbt")
    built = Demo(tmp_path_factory.mktemp("company") / "demo", say=lambda _: None)
    built.build()
    return built


@pytest.fixture(scope="module")
def demo(_company: Demo, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo company as it is when it has just been built, each module's own to change."""
    folder = tmp_path_factory.mktemp("demo") / "company"
    shutil.copytree(_company.directory, folder, symlinks=True)
    return Demo(folder, say=lambda _: None)


@dataclass(frozen=True)
class Cluster:
    """Where the server's programs and files are, and who may start it."""

    binaries: Path
    folder: Path
    user: str
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; its server refuses to run as root, so root becomes `postgres` first."""
        command = [str(self.binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        log = self.folder / f"{program}.out"
        with log.open("w") as out:  # a file, because a pipe would stay open in the server that pg_ctl leaves behind
            done = subprocess.run(command, stdout=out, stderr=out, cwd=self.folder, check=False, timeout=120)
        if done.returncode:
            server = self.folder / "server.log"
            details = "\n".join(f.read_text() for f in (log, server) if f.exists())
            pytest.fail(f"{program} ended with {done.returncode}: {details}")


def _binaries() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True)
    for folder in folders:
        if all((folder / program).exists() for program in ("pg_ctl", "initdb", "postgres")):
            return folder
    reason = "no PostgreSQL server programs: no pg_ctl on PATH and none in /usr/lib/postgresql/*/bin"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def _cluster() -> Iterator[Cluster]:
    binaries = _binaries()
    root = os.geteuid() == 0
    user = "postgres" if root else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="headway-postgres-"))
    cluster = Cluster(binaries, folder, user, _free_port())
    try:
        if root:
            shutil.chown(folder, user)
        cluster.run("initdb", "-D", str(cluster.data), "-A", "trust", "-U", user, "-E", "UTF8", "--locale=C", "-N")
        options = (
            f"-p {cluster.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' "
            "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c timezone=UTC"
        )
        log = str(folder / "server.log")
        cluster.run("pg_ctl", "-D", str(cluster.data), "-l", log, "-o", options, "-w", "-t", "60", "start")
        try:
            yield cluster
        finally:
            cluster.run("pg_ctl", "-D", str(cluster.data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(_cluster: Cluster) -> str:
    """URL of a running server's `postgres` database: `postgresql://user@127.0.0.1:port/postgres`."""
    return _cluster.url("postgres")


@pytest.fixture
def postgres_database(_cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """A function that creates a fresh, empty database and returns its URL; all are dropped after the test."""
    import psycopg

    names: list[str] = []
    numbers = count(1)

    def create() -> str:
        name = f"t{abs(hash(request.node.nodeid)):x}_{next(numbers)}"
        with psycopg.connect(_cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        names.append(name)
        return _cluster.url(name)

    yield create
    with psycopg.connect(_cluster.url("postgres"), autocommit=True) as connection:
        for name in names:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
