"""The store in a SQLite file."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

pytest.register_assert_rewrite("store_census", "store_conformance", "store_ledger", "store_meaning", "store_samples")

from store_census import StoreCensus  # noqa: E402
from store_conformance import StoreConformance  # noqa: E402
from store_ledger import StoreLedger  # noqa: E402
from store_meaning import StoreMeaning  # noqa: E402
from store_samples import T0, names, node, sizes, written  # noqa: E402

from headway.errors import StoreError  # noqa: E402
from headway.graph.model import AnyRecord, Check, Edge  # noqa: E402
from headway.store import Store, database  # noqa: E402


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"sqlite:///{tmp_path}/{next(numbers)}/headway.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".headway" / "headway.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


class TestSqlite(StoreConformance):
    """What every store does."""


class TestSqliteCensus(StoreCensus):
    """What every store does with censuses."""


class TestSqliteLedger(StoreLedger):
    """What every store keeps of what people wrote."""


class TestSqliteMeaning(StoreMeaning):
    """What every store makes of its records."""


def refused(url: str, match: str) -> StoreError:
    with pytest.raises(StoreError, match=match) as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_file_is_its_owners_alone_and_git_leaves_the_folder_alone(path: Path, url: str) -> None:
    with Store.open(url) as store:
        written(store, "dbt", T0, node("a"))
        assert {stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir() if f.name != ".gitignore"} == {0o600}
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_is_there_gets_no_gitignore(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/mine.db").close()
    assert not (tmp_path / ".gitignore").exists()


def test_readers_and_a_writer_do_not_wait_for_one_another(path: Path, url: str) -> None:
    with Store.open(url) as store:
        written(store, "dbt", T0, node("a"))
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert names(store) == ["a"]
        writer.close()
        assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_store_that_stays_locked(path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    with Store.open(url) as store:
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process") as caught:
            written(store, "dbt", T0, node("a"))
        assert caught.value.place is not None
        assert caught.value.place.file == str(path)
        writer.close()
        written(store, "dbt", T0, node("a"))
        assert names(store) == ["a"]


@pytest.mark.parametrize(
    "content", [b"this is not a database, " * 50, b"\x00" * 4096, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    error = refused(f"sqlite:///{tmp_path}/x.db", "not a store|damaged")
    assert str(error).startswith(f"{tmp_path}/x.db: ")
    assert (tmp_path / "x.db").read_bytes() == content


def test_a_store_that_was_cut_or_overwritten(path: Path, url: str) -> None:
    with Store.open(url) as store:
        written(store, "dbt", T0, *(node(str(i)) for i in range(3000)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="damaged"), Store.open(url) as store:
        store.load()
    path.write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    with pytest.raises(StoreError, match="damaged"), Store.open(url) as store:
        store.load()


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "superset.db")
    other.execute("CREATE TABLE dashboards (id int)")
    other.close()
    before = (tmp_path / "superset.db").read_bytes()
    refused(f"sqlite:///{tmp_path}/superset.db", "database of something else .*dashboards")
    assert (tmp_path / "superset.db").read_bytes() == before


def test_places_where_no_store_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    refused(f"sqlite:///{tmp_path}", "this is a folder")
    refused(f"sqlite:///{tmp_path}/file/headway.db", "cannot be created")
    refused(f"sqlite:///{tmp_path}/pipe", "not a regular file")
    refused(f"sqlite:///{tmp_path}/{'n' * 300}", "cannot be created: File name too long")
    refused(f"sqlite:///{tmp_path}/a\0b", "cannot be created")


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://me:s3cr3t@host/db", "cannot be kept in 'mysql'"),
        ("s3cr3t", "cannot be read"),
        ("", "cannot be read"),
        ("postgresql://me:s3cr3t@host:port/db", "cannot be read"),
    ],
)
def test_urls_that_are_none(url: str, match: str) -> None:
    assert "s3cr3t" not in str(refused(url, match))


AS_NOBODY = """
import os, sys
import alembic.command, alembic.config, headway.store.sqlite, sqlalchemy.dialects.sqlite
from headway.errors import StoreError
from headway.store import Store
from datetime import UTC, datetime
os.setgid(65534), os.setuid(65534)  # only now: the interpreter may be where nobody may read
try:
    with Store.open(sys.argv[1]) as store, store.sync("dbt", datetime.now(UTC)):
        pass
    print("worked")
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without permission")
@pytest.mark.parametrize("case", ["no store yet", "a file of someone else", "a read-only file", "a read-only folder"])
def test_permission(case: str) -> None:
    import tempfile  # the test's own folder is closed to everybody else

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "headway.db"
        if case != "no store yet":
            Store.open(f"sqlite:///{path}").close()
        if case == "a read-only file":
            path.chmod(0o444)
            folder.chmod(0o777)
        if case == "a read-only folder":
            path.chmod(0o666)
        command = [sys.executable, "-c", AS_NOBODY, f"sqlite:///{path}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"{path}")
    assert said.count("\n") == 1
    assert "permission" in said.lower() or "read-only" in said


# ---------------------------------------------------------------- cost

LOADED = """
import resource, sys
from headway.store import Store
imported = resource.getrusage(resource.RUSAGE_SELF)
with Store.open(sys.argv[1]) as store:
    count = len(store.load().records)
done = resource.getrusage(resource.RUSAGE_SELF)
cpu = done.ru_utime + done.ru_stime - imported.ru_utime - imported.ru_stime
heavy = {"sqlalchemy.orm", "alembic", "mako", "psycopg", "sqlalchemy.dialects.postgresql"}
print(count, cpu, *(heavy & sys.modules.keys()))
"""


def in_new_process(url: str) -> tuple[int, float, list[str]]:
    command = [sys.executable, "-c", LOADED, url]
    number, cpu, *heavy = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(number), float(cpu), heavy


def shop(models: int) -> list[AnyRecord]:
    nodes = [node(f"m{i}", description="What one row of it is. " * 8, tags=("daily",)) for i in range(models)]
    edges = [Edge(upstream=nodes[i // 3].id, downstream=n.id) for i, n in enumerate(nodes)]
    more = [Edge(upstream=nodes[i // 2].id, downstream=n.id, role="shows") for i, n in enumerate(nodes)]
    checks = [
        Check(node=n.id, id=f"t{k}", kind="test", name="t", status="fail" if i % 9 == 0 else "pass", at=T0)
        for i, n in enumerate(nodes)
        for k in range(2)
    ]
    return [*nodes, *edges, *more, *checks]


def test_a_small_store_is_loaded_at_once_and_without_heavy_imports(url: str) -> None:
    with Store.open(url) as store:
        written(store, "dbt", T0, *shop(40))
    number, cpu, heavy = in_new_process(url)
    assert (number, heavy) == (200, [])
    assert cpu < 0.15


def test_sixty_thousand_records_are_loaded_in_well_under_a_second(url: str) -> None:
    with Store.open(url) as store:
        for n in range(3):  # with some history
            written(store, "dbt", T0 + timedelta(days=n), *shop(12_000), *(node(f"x{n}.{i}") for i in range(100)))
    number, cpu, _ = in_new_process(url)
    assert number == 60_100
    assert cpu < 0.9


def test_an_unchanged_sync_writes_next_to_nothing(path: Path, url: str) -> None:
    records = shop(4000)
    with Store.open(url) as store:
        written(store, "dbt", T0, *records)
        size, rows = path.stat().st_size, sizes(store)
        for n in range(1, 4):
            written(store, "dbt", T0 + timedelta(days=n), *records)
        assert sizes(store) == rows
    assert path.stat().st_size - size <= 3 * 4096


def test_records_are_taken_as_they_come(url: str) -> None:
    """A generator is not gathered first: memory stays bounded however much a connector yields."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Store.open(url) as store, store.sync("dbt", T0) as sync:
        sync.write(node(f"n{i}", description=f"{i}" * 2000) for i in range(20_000))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100_000  # kilobytes; the text alone has twice that
