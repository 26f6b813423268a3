"""An invented Looker of a company that sells tea: what its API answers, by path, and as recorded files."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.connectors.http_server import Answer, Request, Route

API = "/api/4.0"
TOKEN = "token-of-the-tea-company"
ACTIVITY = [
    # day, thing, source, user, times
    ("2026-11-20", "1", "dashboard", "lead@tea.example", 3),
    ("2026-11-20", "1", "explore", "lead@tea.example", 1),
    ("2026-11-20", "1", "scheduled_task", "lead@tea.example", 5),
    ("2026-11-21", "1", "private_embed", "partner@tea.example", 7),
    ("2026-11-21", "tea::stock", "dashboard", "etl_svc@tea.example", 2),
    ("2026-11-22", "2", "api4", "lead@tea.example", 9),
]


def query(*fields: str, explore: str = "orders", **filters: str) -> dict[str, Any]:
    return {
        "model": "tea",
        "view": explore,
        "fields": list(fields),
        "filters": {name.replace("__", "."): value for name, value in filters.items()},
    }


DASHBOARDS: list[dict[str, Any]] = [
    {
        "id": "1",
        "title": "Sales of tea",
        "description": "What the sales team opens on Mondays",
        "user_name": "sales-team",
        "created_at": "2025-03-01T10:00:00.000+00:00",
        "folder": {"id": "11", "name": "Sales"},
        "dashboard_elements": [
            {
                "id": "100",
                "title": "Revenue",
                "type": "vis",
                "query": {
                    **query("orders.created_month", "orders.revenue", orders__status="paid"),
                    "dynamic_fields": json.dumps([{"measure": "big", "based_on": "orders.count"}]),
                },
            },
            {"id": "101", "type": "vis", "look_id": "7", "look": {"id": "7", "query": query("orders.count")}},
            {"id": "102", "title": "Two", "merge_result_id": "m1"},
            {"id": "103", "type": "text", "body_text": "Ask the sales team"},
            {"id": "104", "title": "Gone", "deleted": True, "query": query("orders.count")},
            {"id": "105", "title": "Maker", "result_maker": {"query": query("customers.country", "orders.count")}},
        ],
    },
    {"id": "2", "title": "Nothing yet", "folder": {"id": "10", "name": "Shared"}, "dashboard_elements": []},
    {
        "id": "tea::stock",
        "title": "Stock",
        "dashboard_elements": [{"id": "1", "query": query("stock.left", explore="stock")}],
    },
]
LOOKS: list[dict[str, Any]] = [
    {"id": "7", "title": "Orders so far", "user": {"display_name": "finance-team"}, "query": query("orders.count")},
    {"id": "8", "title": "Public numbers", "public": True, "query": query("orders.revenue")},
]
EXPLORES: dict[str, dict[str, Any]] = {
    "orders": {
        "name": "orders",
        "model_name": "tea",
        "label": "Orders",
        "view_name": "orders",
        "sql_table_name": "wh.marts.orders",
        "joins": [
            {
                "name": "customers",
                "sql_on": "${orders.customer_id} = ${customers.id}",
                "sql_table_name": '"wh"."marts"."customers"',
            },
            {"name": "facts", "sql_on": "1 = 1", "sql_table_name": None},
        ],
        "fields": {
            "dimensions": [
                {"name": "orders.created_month", "view": "orders", "sql": "${TABLE}.created_at "},
                {"name": "orders.status", "view": "orders", "sql": "LOWER(${TABLE}.status)"},
                {"name": "orders.customer_id", "view": "orders", "sql": "${TABLE}.customer_id"},
                {"name": "customers.id", "view": "customers", "sql": "${TABLE}.id"},
                {"name": "customers.country", "view": "customers", "sql": "${TABLE}.country"},
            ],
            "measures": [
                {"name": "orders.revenue", "view": "orders", "type": "sum", "sql": "${TABLE}.amount"},
                {"name": "orders.count", "view": "orders", "type": "count", "sql": ""},
            ],
        },
    },
    "stock": {
        "name": "stock",
        "view_name": "stock",
        "sql_table_name": "{% if dev %} dev.stock {% else %} marts.stock {% endif %}",
        "joins": [],
        "fields": {"dimensions": [{"name": "stock.left", "sql": "${TABLE}.left"}], "measures": []},
    },
}


def rows(first: date | None = None, last: date | None = None) -> list[dict[str, Any]]:
    """Rows of the log of dashboards, of some days."""
    return [
        {
            "history.created_date": on,
            "history.dashboard_id": key,
            "history.source": source,
            "user.email": user,
            "history.dashboard_run_count": times,
        }
        for on, key, source, user, times in ACTIVITY
        if (not first or date.fromisoformat(on) >= first) and (not last or date.fromisoformat(on) <= last)
    ]


LOOK_ROWS = [
    {
        "history.created_date": "2026-11-19",
        "look.id": 7,
        "history.source": "look",
        "user.email": "chief@tea.example",
        "history.query_run_count": 2,
    }
]
CONTENT = [
    {
        "content_usage.content_id": "1",
        "content_usage.content_type": "dashboard",
        "content_usage.embed_total": 12,
    }
]


def plain() -> dict[str, Any]:
    """Every answer that does not depend on what was sent, by path below the API's."""
    bare = [{k: v for k, v in one.items() if k != "dashboard_elements"} for one in DASHBOARDS]
    found: dict[str, Any] = {
        "dashboards": bare,
        "looks": [{k: v for k, v in one.items() if k != "query"} for one in LOOKS],
        "folders": [{"id": "10", "name": "Shared"}, {"id": "11", "name": "Sales", "parent_id": "10"}],
        "scheduled_plans": [
            {"id": "1", "enabled": True, "dashboard_id": "2"},
            {"id": "2", "enabled": False, "look_id": "7"},
            {"id": "3", "enabled": True, "lookml_dashboard_id": "tea::stock"},
        ],
        "merge_queries/m1": {"source_queries": [{"query_id": "21"}, {"query_id": "22"}]},
        "queries/21": query("orders.revenue"),
        "queries/22": query("customers.country"),
    }
    found |= {f"dashboards/{one['id'].replace(':', '%3A')}": one for one in DASHBOARDS}
    found |= {f"looks/{one['id']}": one for one in LOOKS}
    found |= {f"lookml_models/tea/explores/{name}": one for name, one in EXPLORES.items()}
    return found


DELETED = [{"id": "90", "title": "Old", "deleted": True}]


def recorded(folder: Path) -> None:
    """Write the answers as files."""
    answers = {f"api/4.0/{path}": answer for path, answer in plain().items()}
    answers["api/4.0/dashboards/search"] = DELETED
    answers |= {
        "system_activity/dashboards": rows(),
        "system_activity/looks": LOOK_ROWS,
        "system_activity/content": CONTENT,
    }
    for path, answer in answers.items():
        file = folder / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(answer))


def routes(most_rows: int = 5000) -> dict[str, Route]:
    """The same as a server gives it, cut at `most_rows` rows where an answer would have more."""

    def login(request: Request) -> Answer:
        good = request.body == b"client_id=id&client_secret=secret"
        return Answer({"access_token": TOKEN}) if good else Answer({"message": "no"}, status=404)

    def guarded(answer: Any) -> Route:
        def route(request: Request) -> Answer:
            if request.headers.get("authorization") != f"token {TOKEN}":
                return Answer({"message": "Requires authentication."}, status=401)
            found = answer(request) if callable(answer) else answer
            return found if isinstance(found, Answer) else Answer(found)

        return route

    def run(request: Request) -> Any:
        body = request.json
        assert body["model"] == "system__activity"
        if body["view"] == "content_usage":
            return CONTENT
        first, _, end = body["filters"]["history.created_date"].partition(" to ")
        days = date.fromisoformat(first), date.fromisoformat(end) - timedelta(days=1)
        if "look.id" in body["fields"]:
            return [row for row in LOOK_ROWS if days[0] <= date.fromisoformat(row["history.created_date"]) <= days[1]]
        return rows(*days)[: min(most_rows, int(body["limit"]))]

    def search(request: Request) -> Any:
        return DELETED if request.query["offset"] == "0" else []

    found: dict[str, Route] = {f"{API}/{path}": guarded(answer) for path, answer in plain().items()}
    found[f"POST {API}/login"] = login
    found[f"POST {API}/queries/run/json"] = guarded(run)
    found[f"{API}/dashboards/search"] = guarded(search)
    found[f"{API}/looks/search"] = guarded(lambda _: [])
    return found
