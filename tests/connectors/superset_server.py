"""A server that speaks like Superset 6.1, as far as it is asked: signing in, lists in pages, an export, the log."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import superset_export as tea
from http_server import Answer, Request, Server

PASSWORD = "planted-password-3391"
TOKEN = "planted-token-7724"
OWNER = {"id": 1, "first_name": "Sales", "last_name": "Team", "email": "sales@example.com"}
_FILTER = re.compile(r"\(col:(\w+),opr:(\w+),value:(?:'([^']*)'|([^)]*))\)")


def logged(event: str, at: str, user: str | None = "planted-viewer-1", **more: Any) -> dict[str, Any]:
    """A row of the log; `event` is that of a browser, or an action as `action:embedded`."""
    action = event.removeprefix("action:") if event.startswith("action:") else "log"
    said = {"event_name": event, "is_edit_mode": False} if action == "log" else {}
    said |= more.pop("said", {})
    return {
        "action": action,
        "user_id": None if user is None else 7,
        "user": None if user is None else {"username": user},
        "dashboard_id": None,
        "slice_id": None,
        "dttm": at,
        "json": json.dumps(said),
        **more,
    }


@dataclass
class FakeSuperset:
    """What it holds. `routes` go before everything else."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    embedded: dict[int, str] = field(default_factory=dict)
    page: int = 100
    """Rows of a page, whatever is asked for."""
    routes: dict[str, Any] = field(default_factory=dict)
    signed_in: int = 0

    @staticmethod
    def tea() -> FakeSuperset:
        """The company of superset_export, with numbers for keys."""
        content, fake = tea.files(), FakeSuperset()
        datasets = {tea.ORDERS: 1, tea.BY_REGION: 2, tea.STOCK: 3}
        charts = {tea.REVENUE: 11, tea.REGIONS: 12, tea.LOOSE: 13}
        fake.rows["database"] = [
            {"id": 1, "uuid": tea.WAREHOUSE, "database_name": "warehouse", "backend": "postgresql"},
            {"id": 2, "uuid": tea.LAKE, "database_name": "lake", "backend": "trino"},
        ]
        of = {c["uuid"]: c for name, c in content.items() if name.startswith(("datasets", "charts"))}
        fake.rows["dataset"] = [
            {"id": number, "database": {"id": 2 if uuid == tea.STOCK else 1}, "owners": [OWNER]}
            | {"explore_url": f"/explore/?datasource_id={number}", "description": None}
            | {name: of[uuid][name] for name in ("uuid", "table_name", "schema", "catalog", "sql")}
            for uuid, number in datasets.items()
        ]
        fake.rows["chart"] = [
            {
                "id": number,
                "slice_name": of[uuid]["slice_name"],
                "datasource_id": datasets[of[uuid]["dataset_uuid"]],
                "datasource_type": "table",
                "dashboards": [] if uuid == tea.LOOSE else [{"id": 21}],
                "params": p if isinstance(p := of[uuid]["params"], str) else json.dumps(p),
                "url": f"/explore/?slice_id={number}",
                "owners": [OWNER, OWNER, {"email": "second@example.com"}],
                "tags": [{"name": "type:chart"}, {"name": "weekly"}],
            }
            for uuid, number in charts.items()
        ]
        fake.rows["dashboard"] = [
            {"id": key, "dashboard_title": title, "slug": slug, "published": slug is not None, "url": url}
            | {"owners": [OWNER], "tags": []}
            for key, title, slug, url in (
                (21, "Sales", "sales", "/superset/dashboard/sales/"),
                (22, "To be done", None, "//elsewhere.example.com"),
            )
        ]
        fake.rows["report"] = [
            {"id": 1, "active": True, "dashboard_id": 22, "chart_id": None},
            {"id": 2, "active": True, "dashboard_id": None, "chart_id": 13},
            {"id": 3, "active": False, "dashboard_id": 21, "chart_id": None},
        ]
        return fake

    def server(self) -> Server:
        """Not started yet."""
        server = Server()
        server.answer = self._answer(server)  # type: ignore[method-assign]
        return server

    def _answer(self, server: Server) -> Any:
        plain = server.answer

        def answer(request: Request) -> Answer:
            for name in (f"{request.method} {request.path}", request.path):
                if name in self.routes:
                    server.routes[request.path] = self.routes[name]
                    return plain(request)
            server.seen.append(request)
            return self.of(request)

        return answer

    def of(self, request: Request) -> Answer:
        """The answer to a request."""
        path = request.path.removeprefix("/api/v1/").strip("/")
        if path == "security/login":
            right = (request.json["username"], request.json["password"]) == ("reader", PASSWORD)
            self.signed_in += right
            return Answer(
                {"access_token": f"{TOKEN}-{self.signed_in}"} if right else {"message": "no"}, 200 if right else 401
            )
        if not request.headers.get("authorization", "").startswith(f"Bearer {TOKEN}"):
            return Answer({"msg": "Missing Authorization Header"}, 401)
        q = request.query.get("q", "")
        if path == "dataset/export":
            return self._export({int(key) for key in re.findall(r"\d+", q)})
        if match := re.fullmatch(r"dashboard/(\d+)(/embedded)?", path):
            return self._dashboard(int(match[1]), bool(match[2]))
        rows = self._logged(q) if path == "log" else self.rows.get(path)
        if rows is None:
            return Answer({"message": "Not found"}, 404)
        size = min(self.page, int(re.search(r"page_size:(\d+)", q)[1]))  # type: ignore[index]
        start = int(re.search(r"page:(\d+)", q)[1]) * size  # type: ignore[index]
        part = rows[start : start + size]
        ids = [row["id"] for row in part] if path == "log" else []
        return Answer({"count": len(rows), "ids": ids, "result": part})

    def _logged(self, q: str) -> list[dict[str, Any]]:
        rows = [{"id": number, **row} for number, row in enumerate(self.log, 1)]
        for col, operator, quoted, bare in _FILTER.findall(q):
            value = quoted or bare
            rows = [
                row
                for row in rows
                if (operator == "eq" and row[col] == value)
                or (operator == "ct" and value in row[col])
                or (operator == "gt" and row[col] > value)
                or (operator == "lt" and row[col] < value)
            ]
        return sorted(rows, key=lambda row: row["dttm"])

    def _export(self, keys: set[int]) -> Answer:
        wanted = {row["uuid"] for row in self.rows["dataset"] if row["id"] in keys}
        content = {
            name: value
            for name, value in tea.files().items()
            if name.startswith("databases") or (name.startswith("datasets") and value["uuid"] in wanted)
        }
        packed = io.BytesIO()
        tea.in_zip(packed, content)  # type: ignore[arg-type]
        return Answer(packed.getvalue(), headers={"Content-Type": "application/zip"})

    def _dashboard(self, key: int, embedded: bool) -> Answer:
        if embedded:
            uuid = self.embedded.get(key)
            return Answer({"result": {"uuid": uuid}} if uuid else {"message": "Not found"}, 200 if uuid else 404)
        metadata = {"native_filter_configuration": [{"targets": [{"datasetId": 3}]}]} if key == 21 else {}
        return Answer({"result": {"id": key, "json_metadata": json.dumps(metadata)}})


def key_of(root: Path) -> dict[str, str]:
    """An environment to sign in with."""
    return {
        "HEADWAY_SUPERSET_USER": "reader",
        "HEADWAY_SUPERSET_PASSWORD": PASSWORD,
        "HEADWAY_PEOPLE_KEY": "an invented key for the tests only",
    }
