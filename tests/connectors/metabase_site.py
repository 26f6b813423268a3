"""A Metabase of an invented company that sells tea: its API's answers by path, both query shapes among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATABASE = {
    "id": 2,
    "engine": "postgres",
    "details": {"dbname": "tea", "host": "db.tea.example", "password": "**MetabasePass**", "user": "metabase"},
    "tables": [
        {
            "id": 10,
            "schema": "marts",
            "name": "orders",
            "fields": [
                {"id": 100, "name": "order_id"},
                {"id": 101, "name": "customer_id"},
                {"id": 102, "name": "amount"},
                {"id": 103, "name": "status"},
                {"id": 104, "name": "ordered at"},
            ],
        },
        {
            "id": 12,
            "schema": "marts",
            "name": "customers",
            "fields": [{"id": 120, "name": "customer_id"}, {"id": 121, "name": "region"}],
        },
    ],
}

SALES = {"id": 1, "email": "sales@tea.example", "common_name": "Sales team"}


def outputs(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


def card(key: int, name: str, query: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "type": "question",
        "database_id": 2,
        "collection_id": 7,
        "created_at": "2026-02-03T10:00:00.12345Z",
        "creator": SALES,
        "creator_id": 1,
        "archived": False,
        "enable_embedding": False,
        "public_uuid": None,
        "view_count": key,
        "dataset_query": {"database": 2, **query},
        **more,
    }


def native(sql: str, **tags: Any) -> dict[str, Any]:
    return {"type": "native", "native": {"query": sql, "template-tags": tags}}


def legacy(**query: Any) -> dict[str, Any]:
    return {"type": "query", "query": {name.replace("_", "-"): value for name, value in query.items()}}


def mbql5(*stages: dict[str, Any]) -> dict[str, Any]:
    return {"lib/type": "mbql/query", "stages": [{"lib/type": "mbql.stage/mbql", **stage} for stage in stages]}


AMOUNT = ["field", 102, None]
STATUS = ["field", 103, {"base-type": "type/Text"}]
NEW_AMOUNT = ["field", {"base-type": "type/Float", "lib/uuid": "a"}, 102]
NEW_REGION = ["field", {"lib/uuid": "b", "join-alias": "Customers"}, 121]

CARDS = [
    card(
        27,
        "Orders",
        legacy(
            source_table=10,
            filter=["=", STATUS, "paid in full"],
            joins=[{"source-table": 12, "alias": "C", "condition": ["=", ["field", 101, None], ["field", 120, {}]]}],
        ),
        type="model",
        result_metadata=[
            {"name": "order_id", "id": 100},
            {"name": "amount", "id": 102},
            {"name": "customer_id_2", "id": 120},
            {"name": "region", "id": 121},
        ],
        moderation_reviews=[{"status": "verified", "most_recent": True}],
        description="Orders with their customers",
    ),
    card(
        28,
        "Revenue by region",
        legacy(
            source_table="card__27",
            aggregation=[["sum", ["field", "amount", {"base-type": "type/Float"}]], ["count"]],
            breakout=[["field", "region", None]],
        ),
    ),
    card(
        29,
        "Late orders",
        native(
            "select count(*) from {{#27-orders}} o join marts.customers c using (customer_id) "
            "where o.amount > {{least}} [[and {{when}}]] [[and c.region = {{region}}]]",
            least={"type": "number"},
            region={"type": "text"},
            when={"type": "dimension", "dimension": ["field", 104, None]},
        ),
        public_uuid="0d1e",
    ),
    card(
        30,
        "Revenue",
        mbql5({"source-table": 10, "aggregation": [["sum", {"lib/uuid": "c"}, NEW_AMOUNT]]}),
        type="metric",
        enable_embedding=True,
    ),
    card(
        31,
        "Revenue per customer",
        mbql5(
            {
                "source-card": 27,
                "joins": [
                    {
                        "stages": [{"lib/type": "mbql.stage/mbql", "source-table": 12}],
                        "conditions": [["=", {}, ["field", {}, 101], ["field", {}, 120]]],
                    }
                ],
                "expressions": [["*", {"lib/expression-name": "Taxed"}, NEW_AMOUNT, 1.19]],
                "aggregation": [["metric", {}, 30], ["avg", {"name": "taxed"}, ["expression", {}, "Taxed"]]],
                "breakout": [NEW_REGION],
                "filters": [[">", {}, NEW_AMOUNT, 4711]],
            },
            {"filters": [[">", {}, ["field", {}, "taxed"], 5]]},
        ),
        collection_id=None,
    ),
    card(32, "Broken", native("select from where 'a secret'"), archived=True),
    card(33, "Withheld", {}, dataset_query=None),
]

DASHBOARDS = [
    {
        "id": 2,
        "name": "Sales",
        "collection_id": 7,
        "created_at": "2026-02-04T10:00:00Z",
        "creator_id": 1,
        "view_count": 121,
        "tabs": [{"id": 1}, {"id": 2}],
        "dashcards": [
            {"card_id": 28, "card": {"id": 28}, "dashboard_tab_id": 1, "series": [{"id": 29}]},
            {"card_id": None, "card": {"name": None}, "series": []},
            {"card_id": 31, "dashboard_tab_id": 2, "series": []},
            {
                "card_id": 40,
                "card": {
                    **card(40, "Only here", legacy(source_table=10, aggregation=[["count"]])),
                    "view_count": None,
                },
            },
        ],
    },
    {"id": 3, "name": "Board", "collection_id": None, "creator_id": 5, "ordered_cards": [{"card_id": 28}]},
]

COLLECTIONS = [
    {"id": "root", "name": "Our analytics"},
    {"id": 6, "name": "Company", "location": "/"},
    {"id": 7, "name": "Sales/Tea", "location": "/6/"},
]


def item(one: dict[str, Any], model: str) -> dict[str, Any]:
    return {"id": one["id"], "name": one["name"], "model": model}


def answers() -> dict[str, Any]:
    """Every answer by its path."""
    models = {"question": "card", "model": "dataset", "metric": "metric"}
    inside = [item(one, models[one["type"]]) for one in CARDS if one["collection_id"] == 7]
    root = [item(one, "card") for one in CARDS if one["collection_id"] is None]
    found: dict[str, Any] = {
        "api/collection": COLLECTIONS,
        "api/collection/root/items": {"data": [*root, item(DASHBOARDS[1], "dashboard")], "total": len(root) + 1},
        "api/collection/6/items": [],
        "api/collection/7/items": [*inside, item(DASHBOARDS[0], "dashboard"), {"id": 1, "model": "snippet"}],
        "api/database/2/metadata": DATABASE,
        "api/pulse": [
            {"id": 1, "dashboard_id": 3, "archived": False, "cards": [{"id": 28}]},
            {"id": 2, "dashboard_id": 2, "archived": True, "cards": [{"id": 31}]},
        ],
        "api/notification": [{"payload": {"card_id": 30}, "active": True}, {"payload": None}],
        "api/user/5": {"id": 5, "email": "board@tea.example"},
    }
    found.update({f"api/card/{one['id']}": one for one in CARDS})
    found.update({f"api/dashboard/{one['id']}": one for one in DASHBOARDS})
    return found


def record(folder: Path, found: dict[str, Any] | None = None) -> None:
    """Write answers where their paths say."""
    for path, body in (found or answers()).items():
        file = folder / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
