"""A real Superset of the tests' own on a free port, what is put into it, and browsers that look at it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).resolve().parent
PASSWORD = "planted-password-2290"
"""Of every user."""
_STARTED = 120


@dataclass
class RealSuperset:
    """A running server. `stop` and `start` may follow one another; its data stays."""

    python: str
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def metadata(self) -> Path:
        """The SQLite file that it keeps everything in."""
        return self.folder / "superset.db"

    @property
    def _environment(self) -> dict[str, str]:
        own = {
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_settings.py"),
            "SUPERSET_HOME": str(self.folder),
            "FLASK_APP": "superset",
            "SCARF_ANALYTICS": "false",
            "PYTHONWARNINGS": "ignore",
        }
        return {**os.environ, **own}

    def make(self) -> None:
        """Make its metadata."""
        log = self.folder / "make.log"
        with log.open("wb") as out:
            command = [self.python, str(HERE / "make_superset.py"), PASSWORD]
            done = subprocess.run(
                command, env=self._environment, stdout=out, stderr=out, check=False, timeout=300, cwd=self.folder
            )
        if done.returncode:
            pytest.fail(f"Superset could not be made: {log.read_text(errors='replace')[-3000:]}")

    def start(self) -> None:
        """Start it, and wait until one can sign in. `/health` answers before that."""
        log = self.folder / "server.log"
        command = [
            self.python, "-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "4", "--timeout", "120",
            "--graceful-timeout", "1", "-b", f"127.0.0.1:{self.port}", "superset.app:create_app()",
        ]  # fmt: skip
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=out, stderr=out, cwd=self.folder, start_new_session=True
            )
        until = time.monotonic() + _STARTED
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/login/", timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.3)
        self.stop()
        pytest.fail(f"Superset did not start: {log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            for how in (signal.SIGTERM, signal.SIGKILL):
                if self._process.poll() is None:
                    os.killpg(self._process.pid, how)
                try:
                    self._process.wait(15)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self._process = None


@contextmanager
def real_superset() -> Iterator[RealSuperset]:
    """A running, empty Superset; stopped and removed afterwards."""
    python = os.environ.get("HEADWAY_SUPERSET_PYTHON", "")
    if not python or not Path(python).exists():
        reason = "HEADWAY_SUPERSET_PYTHON does not name the Python of an environment with Superset"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder = Path(tempfile.mkdtemp(prefix="headway-superset-"))
    server = RealSuperset(python, folder, port)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Admin:
    """Puts things into a Superset through its API. Methods give the id of what they made."""

    def __init__(self, server: RealSuperset) -> None:
        self._client = httpx.Client(base_url=server.url, timeout=60)
        answer = self._client.post(
            "/api/v1/security/login",
            json={"username": "admin", "password": PASSWORD, "provider": "db", "refresh": True},
        )
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._client.request(method, f"/api/v1/{path}", **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def database(self, name: str, uri: str) -> int:
        return int(self.ask("POST", "database/", json={"database_name": name, "sqlalchemy_uri": uri})["id"])

    def dataset(self, database: int, schema: str, name: str, sql: str = "") -> int:
        body = {"database": database, "schema": schema, "table_name": name} | ({"sql": sql} if sql else {})
        return int(self.ask("POST", "dataset/", json=body)["id"])

    def metric(self, dataset: int, name: str, expression: str) -> None:
        """A saved metric beside those there are."""
        had = self.ask("GET", f"dataset/{dataset}")["result"]["metrics"]
        kept = [{k: m[k] for k in ("id", "metric_name", "expression")} for m in had]
        new = {"metric_name": name, "expression": expression}
        self.ask("PUT", f"dataset/{dataset}", json={"metrics": [*kept, new]})

    def chart(self, title: str, dataset: int, form: dict[str, Any], viz: str = "table") -> int:
        params = json.dumps({**form, "viz_type": viz, "datasource": f"{dataset}__table"})
        body = {"slice_name": title, "datasource_id": dataset, "datasource_type": "table"}
        return int(self.ask("POST", "chart/", json={**body, "viz_type": viz, "params": params})["id"])

    def dashboard(self, title: str, slug: str, charts: list[int], **metadata: Any) -> int:
        made = int(
            self.ask("POST", "dashboard/", json={"dashboard_title": title, "slug": slug, "published": True})["id"]
        )
        position = _layout(title, charts)
        body = {"position_json": json.dumps(position), "json_metadata": json.dumps(metadata)}
        self.ask("PUT", f"dashboard/{made}", json=body)
        for key in charts:
            others = [one["id"] for one in self.ask("GET", f"chart/{key}")["result"]["dashboards"]]
            self.ask("PUT", f"chart/{key}", json={"dashboards": [*others, made]})
        return made

    def embed(self, dashboard: int) -> str:
        """The uuid that pages outside show it by."""
        body: dict[str, list[str]] = {"allowed_domains": []}
        return str(self.ask("POST", f"dashboard/{dashboard}/embedded", json=body)["result"]["uuid"])

    def guest(self, embedded: str) -> str:
        """The token that a page outside gets for somebody who is no user, to show what is embedded there."""
        body = {
            "user": {"username": "guest", "first_name": "A", "last_name": "Guest"},
            "resources": [{"type": "dashboard", "id": embedded}],
            "rls": [],
        }
        return str(self.ask("POST", "security/guest_token/", json=body)["token"])

    def report(self, name: str, dashboard: int) -> int:
        body = {
            "type": "Report", "name": name, "crontab": "0 9 * * *", "dashboard": dashboard, "active": True,
            "recipients": [{"type": "Email", "recipient_config_json": {"target": "sales@example.com"}}],
        }  # fmt: skip
        return int(self.ask("POST", "report/", json=body)["id"])

    def user(self, name: str, role: str) -> int:
        roles = self.ask("GET", "security/roles/?q=(page_size:100)")["result"]
        body = {
            "username": name, "first_name": name, "last_name": "Team", "email": f"{name}@example.com", "active": True,
            "password": PASSWORD, "roles": [one["id"] for one in roles if one["name"] == role],
        }  # fmt: skip
        return int(self.ask("POST", "security/users/", json=body)["id"])

    def forbids(self, role: str, permission: str, view: str) -> None:
        """Take a right away from a role."""
        roles = self.ask("GET", "security/roles/?q=(page_size:100)")["result"]
        (key,) = [one["id"] for one in roles if one["name"] == role]
        had = self.ask("GET", f"security/roles/{key}/permissions/")["result"]
        kept = [one["id"] for one in had if (one["permission_name"], one["view_menu_name"]) != (permission, view)]
        assert len(kept) == len(had) - 1, f"{role} had no right {permission} on {view}"
        self.ask("POST", f"security/roles/{key}/permissions", json={"permission_view_menu_ids": kept})

    def log(self) -> list[dict[str, Any]]:
        """The newest hundred rows of the log."""
        query = "(order_column:dttm,order_direction:desc,page_size:100)"
        return list(self.ask("GET", f"log/?q={query}")["result"])


def _layout(title: str, charts: list[int]) -> dict[str, Any]:
    """Where things are on a dashboard: all charts in one row. Browsers show nothing where a part of it is missing."""
    layout: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": ["ROW-1"] if charts else [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    if charts:
        layout["ROW-1"] = {
            "type": "ROW", "id": "ROW-1", "children": [f"CHART-{key}" for key in charts],
            "parents": ["ROOT_ID", "GRID_ID"], "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }  # fmt: skip
    for key in charts:
        layout[f"CHART-{key}"] = {
            "type": "CHART", "id": f"CHART-{key}", "children": [], "parents": ["ROOT_ID", "GRID_ID", "ROW-1"],
            "meta": {"chartId": key, "width": 4, "height": 30},
        }  # fmt: skip
    return layout


class Browser:
    """What a browser of somebody who signed in sends. Events are sent as Superset's own pages send them."""

    def __init__(self, server: RealSuperset, user: str) -> None:
        self._client = httpx.Client(base_url=server.url, timeout=60)
        signed = self._client.post("/login/", data={"username": user, "password": PASSWORD})
        assert signed.status_code == 302, signed.status_code

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def loads(self, path: str) -> None:
        """A page from the server, and nothing that runs in it."""
        assert self._client.get(path).status_code == 200, path

    def opens(self, dashboard: int, *charts: int, edit: bool = False, soft: bool = False) -> None:
        """A dashboard with its charts; `soft`: from another page of Superset, without loading one."""
        if not soft:
            self.loads(f"/superset/dashboard/{dashboard}/" + ("?edit=true" if edit else ""))
        shown = [{"event_name": "load_chart", "slice_id": key, "is_cached": True, "row_count": 2} for key in charts]
        mount = {
            "event_name": "mount_dashboard",
            "is_edit_mode": edit,
            "is_soft_navigation": soft,
            "is_published": True,
        }
        source = {"source": "dashboard", "source_id": dashboard, "dashboard_id": dashboard}
        self._tells([{**source, **event} for event in (mount, *shown)], f"&dashboard_id={dashboard}")

    def explores(self, chart: int) -> None:
        """A chart on its own page."""
        self._tells([{"source": "explore", "source_id": chart, "slice_id": chart, "event_name": "mount_explorer"}])

    def _tells(self, events: list[dict[str, Any]], more: str = "") -> None:
        common = {"version": "v2", "ts": int(time.time() * 1000), "event_type": "user", "visibility": "visible"}
        told = json.dumps([{**common, **event} for event in events])
        answer = self._client.post(f"/superset/log/?explode=events{more}", data={"events": told})
        assert answer.status_code == 200, answer.status_code


def warehouse(python: str, file: Path) -> None:
    """A DuckDB file with the company's tables, made by the DuckDB that Superset reads it with."""
    statements = [
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.fct_orders AS SELECT 1 AS order_id, 'north' AS region, 3.5 AS amount, true AS paid",
        "CREATE TABLE marts.dim_regions AS SELECT 'north' AS region, 'Green hills' AS title",
        "CREATE TABLE marts.fct_visits AS SELECT 1 AS visit_id",
    ]
    script = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); [c.execute(s) for s in sys.argv[2:]]"
    subprocess.run([python, "-c", script, str(file), *statements], check=True, timeout=60)
