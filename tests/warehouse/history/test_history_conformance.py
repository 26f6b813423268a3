"""Both connectors against what every connector promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from headway.testing import ConnectorConformance, Recorded
from headway.warehouse.history.duckdb import DuckdbHistory
from headway.warehouse.history.file import HistoryFile

LOG = """context_id,timestamp,type,log_level,message
15,2026-01-05 14:58:00.679414+00,QueryLog,INFO,select a from m where a = 1
19,2026-01-06 23:58:00.687406+00,QueryLog,INFO,"select a, 'it''s ""q""' from m"
"""


class _History(ConnectorConformance):
    def test_prints_and_writes_nothing(
        self, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Nothing but the key of people's hashes and what was parsed, both in `.headway`."""
        monkeypatch.chdir(tmp_path)
        kept = Path(recorded.context.root, ".headway")
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        capfd.readouterr()
        self._run(recorded)
        assert capfd.readouterr() == ("", "")
        left = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        assert {path.name for path in left} <= {"people.key", "history-duckdb.msgpack"}
        assert all(path.parent == kept for path in left)


class TestFiles(_History):
    connector = HistoryFile

    def recording(self, folder: Path) -> dict[str, Any]:
        rows = (
            "sql,user,time,duration\n"
            "select a from s.t where b = 'x',alice,2026-01-05 10:00:00,1\n"
            "select 1 from s.u,bob,2026-01-06 10:00:00,2\n"
        )
        (folder / "q.csv").write_text(rows)
        return {"path": "q.csv", "dialect": "duckdb"}


class TestDuckdb(_History):
    connector = DuckdbHistory
    tolerated: ClassVar[Mapping[str, str]] = {"truncated": "a log that is being written ends anywhere"}

    def recording(self, folder: Path) -> dict[str, Any]:
        (folder / "duckdb_log_entries.csv").write_text(LOG)
        return {"path": "duckdb_log_entries.csv"}


def test_both_are_read_by_a_sync_only() -> None:
    assert HistoryFile.sync_only
    assert DuckdbHistory.sync_only
