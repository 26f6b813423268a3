"""A site of Tableau of a company that sells tea: what it holds, as recorded answers and as a server.

The server speaks the REST API in both of its forms, JSON and XML, and pages of the Metadata API. It knows one token.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from http_server import Answer, Request, Server

TOKEN_NAME = "headway"
TOKEN = "tea-token-0c1d2e"
SESSION = "session-of-the-tea-site"
SITE_ID = "9a8b7c6d-5e4f-3a2b-1c0d-000000000001"
SITE = "tea"


def luid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def table(ident: str, name: str, *, full: str = "", database: str = "shop", kind: str = "postgres") -> dict[str, Any]:
    return {
        "id": ident,
        "name": name,
        "schema": "",
        "fullName": full or f"[marts].[{name}]",
        "connectionType": kind,
        "database": {"name": database, "connectionType": kind},
    }


def column_field(name: str, column: str, of: str, *, role: str = "DIMENSION", aggregation: str | None = None) -> Any:
    return {
        "id": f"field-{name}",
        "name": name,
        "__typename": "ColumnField",
        "role": role,
        "aggregation": aggregation,
        "upstreamColumns": [{"name": column, "table": {"id": of}}],
    }


def calculated(name: str, formula: str, *, role: str = "MEASURE") -> dict[str, Any]:
    return {
        "id": f"field-{name}",
        "name": name,
        "__typename": "CalculatedField",
        "role": role,
        "formula": formula,
        "upstreamColumns": [],
    }


ORDERS, CUSTOMERS, TARGETS = table("t1", "fct_orders"), table("t2", "dim_customers"), table("t3", "targets.xlsx")
TARGETS |= {"connectionType": "excel-direct", "fullName": "[Sheet1$]"}

NODES: Mapping[str, list[dict[str, Any]]] = {
    "workbooks": [
        {
            "id": "w1",
            "luid": luid(1),
            "name": "Tea sales",
            "description": "What we sell, for the weekly meeting",
            "projectName": "Sales",
            "createdAt": "2025-03-01T08:00:00Z",
            "owner": {"name": "Sales team", "username": "sales", "email": "sales-team@tea.example"},
            "tags": [{"name": "weekly"}],
            "dashboards": [
                {
                    "id": "d1",
                    "luid": luid(11),
                    "name": "Revenue",
                    "path": "Teasales/Revenue",
                    "createdAt": "2025-04-01T08:00:00Z",
                    "tags": [],
                    "sheets": [{"id": "s1"}, {"id": "s2"}],
                }
            ],
        },
        {
            "id": "w2",
            "luid": luid(2),
            "name": "Harvest",
            "description": None,
            "projectName": "Supply",
            "createdAt": "2024-01-01T08:00:00Z",
            "owner": {"name": "Supply team", "username": "supply", "email": ""},
            "tags": [],
            "dashboards": [
                {"id": "d2", "luid": luid(12), "name": "Harvest", "path": "Harvest/Harvest", "sheets": [{"id": "s3"}]}
            ],
        },
    ],
    "sheets": [
        {
            "id": "s1",
            "luid": luid(21),
            "name": "Revenue by month",
            "path": "Teasales/Revenuebymonth",
            "createdAt": "2025-04-01T08:00:00Z",
            "tags": [],
            "workbook": {"id": "w1"},
            "datasourceFields": [
                {"id": "f1", "name": "Order Date", "__typename": "ColumnField", "datasource": {"id": "e1"}},
                {"id": "f2", "name": "Revenue", "__typename": "ColumnField", "datasource": {"id": "e1"}},
                {
                    "id": "f3",
                    "name": "Revenue per customer",
                    "__typename": "CalculatedField",
                    "datasource": {"id": "e1"},
                },
            ],
        },
        {
            "id": "s2",
            "luid": "",
            "name": "Legend",
            "path": "",
            "createdAt": "2025-04-01T08:00:00Z",
            "tags": [],
            "workbook": {"id": "w1"},
            "datasourceFields": [],
        },
        {
            "id": "s3",
            "luid": luid(23),
            "name": "Kilos",
            "path": "Harvest/Kilos",
            "createdAt": "2024-01-01T08:00:00Z",
            "tags": [],
            "workbook": {"id": "w2"},
            "datasourceFields": [
                {"id": "f9", "name": "kilos", "__typename": "ColumnField", "datasource": {"id": "e2"}},
                {"id": "f8", "name": None, "__typename": "ColumnField", "datasource": {"id": "e2"}},
            ],
        },
    ],
    "embeddedDatasources": [
        {
            "id": "e1",
            "name": "Orders",
            "workbook": {"id": "w1"},
            "downstreamSheets": [{"id": "s1"}, {"id": "s2"}],
            "upstreamDatasources": [{"id": "p1", "name": "Orders"}],
            "upstreamTables": [ORDERS, CUSTOMERS],
            "fields": [
                column_field("Order Date", "ordered_on", "t1"),
                column_field("Revenue", "amount", "t1", role="MEASURE", aggregation="Sum"),
                calculated("Revenue per customer", "SUM([Revenue]) / COUNTD([Customer])"),
                column_field("Customer", "customer_id", "t1"),
            ],
        },
        {
            "id": "e2",
            "name": "Harvest",
            "workbook": {"id": "w2"},
            "downstreamSheets": [{"id": "s3"}],
            "upstreamDatasources": [],
            "upstreamTables": [table("t4", "harvest", full="[supply].[harvest]"), TARGETS],
            "fields": [
                column_field("kilos", "kilos", "q1", role="MEASURE", aggregation="Sum"),
                column_field("Goal", "Goal", "t3", role="MEASURE"),
            ],
        },
    ],
    "publishedDatasources": [
        {
            "id": "p1",
            "luid": luid(31),
            "name": "Orders",
            "description": "One row for each order",
            "projectName": "Sales",
            "owner": {"name": "Data team", "username": "data", "email": "data-team@tea.example"},
            "tags": [{"name": "certified"}],
            "upstreamTables": [ORDERS, CUSTOMERS],
            "fields": [
                column_field("Order Date", "ordered_on", "t1"),
                column_field("Revenue", "amount", "t1", role="MEASURE", aggregation="Sum"),
                column_field("Customer", "customer_id", "t1"),
                column_field("Segment", "segment", "t2"),
                calculated("Average order", "AVG([Revenue])"),
                calculated("Lucky", "{FIXED [Customer]: MAX([Revenue])}"),
            ],
        }
    ],
    "customSQLTables": [
        {
            "id": "q1",
            "name": "Custom SQL Query",
            "query": "select h.kilos, h.garden\nfrom supply.harvest h\n"
            "where h.year >> <[Parameters].[Year]> and h.note <<>> 'secret-note'",
            "connectionType": "postgres",
            "database": {"name": "shop", "connectionType": "postgres"},
            "tables": [table("t4", "harvest", full="[supply].[harvest]")],
            "columns": [{"name": "kilos", "referencedByFields": [{"datasource": {"id": "e2"}}]}],
        }
    ],
}

FILES = {
    "workbooks": "workbooks",
    "sheets": "sheets",
    "embeddedDatasources": "embedded_datasources",
    "publishedDatasources": "published_datasources",
    "customSQLTables": "custom_sql",
}


def view(number: int, name: str, total: int | None, **more: Any) -> dict[str, Any]:
    usage = {} if total is None else {"usage": {"totalViewCount": str(total)}}
    return {
        "id": luid(number),
        "name": name,
        "contentUrl": f"book/sheets/{name}",
        "createdAt": "2025-04-01T08:00:00Z",
        "workbook": {"id": luid(1), "name": "Tea sales"},
        "project": {"id": luid(90), "name": "Sales"},
        "owner": {"id": luid(91)},
        **usage,
        **more,
    }


VIEWS = [
    view(11, "Revenue", 950),
    view(12, "Harvest", 40),
    view(21, "Revenue by month", 12),
    view(23, "Kilos", 3),
    view(14, "The story of our tea", 7, sheetType="story"),
]
SUBSCRIPTIONS = [
    {"id": luid(81), "subject": "Harvest", "suspended": "false", "content": {"id": luid(2), "type": "Workbook"}},
    {"id": luid(82), "subject": "Revenue", "suspended": "true", "content": {"id": luid(11), "type": "View"}},
]


def graphql(name: str, nodes: list[Any], *, cursor: str | None = None) -> dict[str, Any]:
    """One page of a list of the Metadata API."""
    info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"data": {f"{name}Connection": {"nodes": nodes, "pageInfo": info}}}


def listed(plural: str, singular: str, rows: list[Any], *, page: int = 1, size: int = 1000) -> dict[str, Any]:
    """One page of a list of the REST API, in JSON."""
    shown = rows[(page - 1) * size : page * size]
    pagination = {"pageNumber": str(page), "pageSize": str(size), "totalAvailable": str(len(rows))}
    return {"pagination": pagination, plural: {singular: shown} if shown else {}}


def record(folder: Path, *, without: tuple[str, ...] = (), views: list[Any] | None = None) -> Path:
    """Write the site's answers into a folder, sheets in two pages."""
    folder.mkdir(parents=True, exist_ok=True)
    answers: dict[str, Any] = {FILES[name]: graphql(name, nodes) for name, nodes in NODES.items()}
    answers["sheets"] = [
        graphql("sheets", NODES["sheets"][:2], cursor="after-two"),
        graphql("sheets", NODES["sheets"][2:]),
    ]
    answers["views"] = listed("views", "view", VIEWS if views is None else views)
    answers["subscriptions"] = listed("subscriptions", "subscription", SUBSCRIPTIONS)
    for name, answer in answers.items():
        if name not in without:
            (folder / f"{name}.json").write_text(json.dumps(answer), encoding="utf-8")
    return folder


class TableauServer(Server):
    """Speaks as Tableau Server does. `nodes`, `views` and `page` may be changed at any time."""

    def __init__(self, *, page: int = 2, node_limit: int = 0) -> None:
        super().__init__()
        self.nodes = copy.deepcopy(dict(NODES))
        self.views = copy.deepcopy(VIEWS)
        self.page = page
        """Most rows of one REST answer."""
        self.node_limit = node_limit
        """Most nodes that may be asked for at once in GraphQL; 0 is any number."""
        self.routes = {
            "POST /api/3.6/auth/signin": self.sign_in,
            "POST /api/3.6/auth/signout": Answer(status=204),
            "POST /api/metadata/graphql": self.metadata,
            f"/api/3.6/sites/{SITE_ID}/views": lambda r: self.rest(r, "views", "view", self.views),
            f"/api/3.6/sites/{SITE_ID}/subscriptions": lambda r: self.rest(
                r, "subscriptions", "subscription", SUBSCRIPTIONS
            ),
        }

    def sign_in(self, request: Request) -> Answer:
        """A session for the one token and the one site, else 401."""
        if b"<" in request.body[:1]:
            root = ET.fromstring(request.body)
            given = root.find("credentials")
            assert given is not None
            site = given.find("site")
            said = (given.get("personalAccessTokenName"), given.get("personalAccessTokenSecret"))
            where = site.get("contentUrl") if site is not None else None
        else:
            credentials = request.json["credentials"]
            said = (credentials["personalAccessTokenName"], credentials["personalAccessTokenSecret"])
            where = credentials["site"]["contentUrl"]
        if said != (TOKEN_NAME, TOKEN) or where != SITE:
            fault = {"summary": "Signin Error", "detail": "Error signing in", "code": "401001"}
            return spoken(request, {"error": fault}, status=401)
        site_said = {"id": SITE_ID, "contentUrl": SITE}
        return spoken(request, {"credentials": {"token": SESSION, "site": site_said, "user": {"id": luid(91)}}})

    def metadata(self, request: Request) -> Answer:
        """One page of one list."""
        if request.headers.get("x-tableau-auth") != SESSION:
            return Answer({"errors": [{"message": "Unauthorized"}]}, status=401)
        asked, variables = request.json["query"], request.json["variables"]
        name = re.search(r"(\w+)Connection\(first: \$first, after: \$afterToken\)", asked)
        assert name, "a query is paged"
        nodes, first = self.nodes[name[1]], variables["first"]
        if self.node_limit and first > self.node_limit:
            error = {"message": "too many", "extensions": {"severity": "WARNING", "code": "NODE_LIMIT_EXCEEDED"}}
            return Answer({"errors": [error], **graphql(name[1], nodes[:1])})
        start = int(variables["afterToken"] or 0)
        end = start + min(first, self.page)
        return Answer(graphql(name[1], nodes[start:end], cursor=str(end) if end < len(nodes) else None))

    def rest(self, request: Request, plural: str, singular: str, rows: list[Any]) -> Answer:
        """One page of one list."""
        if request.headers.get("x-tableau-auth") != SESSION:
            return spoken(request, {"error": {"summary": "Unauthorized", "detail": "", "code": "401002"}}, status=401)
        if plural == "views" and request.query.get("includeUsageStatistics") != "true":
            rows = [{k: v for k, v in row.items() if k != "usage"} for row in rows]
        size = min(int(request.query.get("pageSize", 100)), self.page)
        page = int(request.query.get("pageNumber", 1))
        return spoken(request, listed(plural, singular, rows, page=page, size=size))


def spoken(request: Request, said: dict[str, Any], *, status: int = 200) -> Answer:
    """JSON to who asks for it, XML to others, as Tableau answers."""
    if "application/json" in request.headers.get("accept", ""):
        return Answer(said, status=status)
    root = ET.Element("tsResponse", xmlns="http://tableau.com/api")
    for name, value in said.items():
        _element(root, name, value)
    return Answer(ET.tostring(root), status=status, headers={"Content-Type": "application/xml"})


def _element(parent: ET.Element, name: str, value: Any) -> None:
    """The rule by which Tableau's JSON and XML say the same: values are attributes, objects elements, lists several."""
    for one in value if isinstance(value, list) else [value]:
        element = ET.SubElement(parent, name)
        for key, inner in one.items():
            if isinstance(inner, dict | list):
                _element(element, key, inner)
            else:
                element.set(key, str(inner))
