"""A tenant of Power BI of a company that sells tea: results of scans, activity, and a server that gives them."""

from __future__ import annotations

import copy
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from http_server import Answer, Request, Server

TENANT, CLIENT = "tea.example", "11111111-2222-4333-8444-555555555555"
SECRET = "tea-application-secret-5f"
TODAY = date(2026, 11, 22)
ADMIN = "/v1.0/myorg/admin"


def guid(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012d}"


SALES, SUPPLY, LEFT = guid(1), guid(2), guid(3)
ORDERS, HARVEST, BARE, FLOW = guid(11), guid(12), guid(13), guid(14)
REVENUE, KILOS, COPY, OLD, BOARD = guid(21), guid(22), guid(23), guid(24), guid(31)

ORDERS_M = """\
let
    Source = Snowflake.Databases(Server, "TEA_WH", [Role = "REPORTING"]),
    SHOP_Database = Source{[Name = Database, Kind = "Database"]}[Data],
    MARTS_Schema = SHOP_Database{[Name = "MARTS", Kind = "Schema"]}[Data],
    FCT = MARTS_Schema{[Name = "FCT_ORDERS", Kind = "Table"]}[Data],
    Renamed = Table.RenameColumns(FCT, {{"AMT", "Amount"}, {"CUSTOMER_ID", "Customer"}})
in
    Renamed"""
CUSTOMERS_M = """\
let
    Source = Value.NativeQuery(Snowflake.Databases(Server, "TEA_WH"){[Name = "SHOP"]}[Data],
        "select customer_id, segment#(lf) from SHOP.MARTS.DIM_CUSTOMERS where note <> 'secret-note'", null)
in
    Source"""
SALES_SCAN: dict[str, Any] = {
    "id": SALES,
    "name": "Sales",
    "type": "Workspace",
    "state": "Active",
    "reports": [
        {
            "id": REVENUE,
            "name": "Revenue",
            "datasetId": ORDERS,
            "reportType": "PowerBIReport",
            "createdDateTime": "2025-05-01T08:00:00.14",
            "modifiedBy": "someone@tea.example",
            "endorsementDetails": {"endorsement": "Certified", "certifiedBy": "data-team@tea.example"},
            "users": [
                {"emailAddress": "reader@tea.example", "reportUserAccessRight": "Read"},
                {"emailAddress": "sales-team@tea.example", "reportUserAccessRight": "Owner"},
            ],
        },
        {"id": COPY, "name": "[App] Kilos", "datasetId": HARVEST, "appId": guid(99), "originalReportObjectId": KILOS},
    ],
    "dashboards": [
        {
            "id": BOARD,
            "displayName": "Morning",
            "tiles": [
                {"id": guid(41), "title": "Revenue", "reportId": REVENUE, "datasetId": ORDERS},
                {"id": guid(42), "title": "Kilos", "datasetId": HARVEST},
            ],
            "users": [{"displayName": "Sales team", "dashboardUserAccessRight": "Owner"}],
        }
    ],
    "datasets": [
        {
            "id": ORDERS,
            "name": "Orders",
            "configuredBy": "data-team@tea.example",
            "expressions": [
                {"name": "Server", "expression": '"tea.snowflakecomputing.com" meta [IsParameterQuery = true]'},
                {"name": "Database", "expression": '"SHOP" meta [IsParameterQuery = true, Type = "Text"]'},
            ],
            "tables": [
                {
                    "name": "Orders",
                    "source": [{"expression": ORDERS_M}],
                    "columns": [
                        {"name": "Amount", "dataType": "Double"},
                        {"name": "Customer", "dataType": "Int64"},
                        {"name": "Margin", "dataType": "Double", "expression": "Orders[Amount] * 0.3"},
                        {"name": "RowNumber-2662979B", "dataType": "Int64", "isHidden": True},
                    ],
                    "measures": [
                        {"name": "Revenue", "expression": "SUM(Orders[Amount])", "description": "What was paid"},
                        {"name": "Per customer", "expression": "DIVIDE([Revenue], DISTINCTCOUNT(Orders[Customer]))"},
                        {"name": "Last year", "expression": "CALCULATE([Revenue], SAMEPERIODLASTYEAR(Days[Day]))"},
                    ],
                },
                {
                    "name": "Customers",
                    "source": [{"expression": CUSTOMERS_M}],
                    "columns": [{"name": "segment", "dataType": "String"}],
                    "measures": [{"name": "Customer count", "expression": "COUNTROWS(Customers)"}],
                },
                {"name": "Days", "source": [{"expression": "CALENDARAUTO()"}], "columns": [{"name": "Day"}]},
            ],
        },
        {"id": BARE, "name": "Old sales", "configuredBy": "sales-team@tea.example"},
    ],
}
SUPPLY_SCAN: dict[str, Any] = {
    "id": SUPPLY,
    "name": "Supply",
    "state": "Active",
    "reports": [
        {"id": KILOS, "name": "Kilos", "datasetId": HARVEST, "createdBy": "supply-team@tea.example"},
    ],
    "datasets": [
        {
            "id": HARVEST,
            "name": "Harvest",
            "upstreamDataflows": [{"targetDataflowId": FLOW, "groupId": SUPPLY}],
            "upstreamDatasets": [{"targetDatasetId": ORDERS, "groupId": SALES}],
            "tables": [
                {
                    "name": "Harvest",
                    "source": [
                        {
                            "expression": 'let S = PostgreSQL.Database("db.tea.example", "shop"),\n'
                            '  t = S{[Schema = "supply", Item = "harvest"]}[Data] in t'
                        }
                    ],
                    "columns": [{"name": "kilos"}],
                },
                {
                    "name": "Gardens",
                    "source": [
                        {
                            "expression": 'let S = PowerPlatform.Dataflows(null), w = S{[Id = "Workspaces"]}[Data], '
                            f'd = w{{[dataflowId = "{FLOW}"]}}[Data], e = d{{[entity = "gardens"]}}[Data] in e'
                        }
                    ],
                    "columns": [{"name": "garden"}],
                },
                {
                    "name": "Plans",
                    "source": [{"expression": 'let S = Sql.Database("s", Chosen), t = S{[Name = "x"]}[Data] in t'}],
                },
                {"name": "Broken", "source": [{"expression": "let S = Sql.Database((((("}]},
            ],
        }
    ],
    "dataflows": [{"objectId": FLOW, "name": "Gardens", "configuredBy": "supply-team@tea.example"}],
}
LEFT_SCAN: dict[str, Any] = {
    "id": LEFT,
    "name": "Left behind",
    "state": "Deleted",
    "reports": [{"id": OLD, "name": "Old report", "datasetId": BARE}],
}
WORKSPACES = {SALES: SALES_SCAN, SUPPLY: SUPPLY_SCAN, LEFT: LEFT_SCAN}


def scan(*workspaces: str) -> dict[str, Any]:
    """The result of a scan of some workspaces; of all where none is named."""
    chosen = [copy.deepcopy(WORKSPACES[one]) for one in workspaces or WORKSPACES]
    return {"workspaces": chosen, "datasourceInstances": [], "misconfiguredDatasourceInstances": []}


def event(number: int, day: int, user: str, what: str = REVENUE, activity: str = "ViewReport", **more: Any) -> Any:
    """One event in November 2026, at an hour that its number says."""
    field = {"ViewDashboard": "DashboardId"}.get(activity, "ReportId")
    return {
        "Id": guid(1000 + number),
        "CreationTime": f"2026-11-{day:02d}T{number % 24:02d}:00:00",
        "Operation": activity,
        "Activity": activity,
        "UserId": user,
        "ConsumptionMethod": "Power BI Web",
        "ClientIP": "10.0.0.1",
        field: what,
        **more,
    }


EVENTS = [
    event(1, 19, "mei@tea.example"),
    event(2, 20, "mei@tea.example"),
    event(3, 20, "bo@tea.example", REVENUE.upper()),
    event(4, 20, "bo@tea.example", BOARD, "ViewDashboard"),
    event(5, 20, CLIENT),
    event(6, 20, "portal", KILOS, EmbedTokenId=guid(77), ConsumptionMethod="Embedding"),
    event(7, 21, "bo@tea.example", COPY, AppReportId=COPY),
    event(8, 21, "bo@tea.example", guid(404)),
    event(9, 21, "bo@tea.example", IsSuccess=False),
    event(10, 21, "bo@tea.example", activity="EditReport"),
    event(11, 22, "mei@tea.example"),
]


def record(folder: Path) -> Path:
    """Write the tenant's scans and events into files."""
    (folder / "scans").mkdir(parents=True, exist_ok=True)
    (folder / "scans/1.json").write_text(json.dumps(scan(SALES)), encoding="utf-8")
    (folder / "scans/2.json").write_text(json.dumps(scan(SUPPLY, LEFT)), encoding="utf-8")
    (folder / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in EVENTS), encoding="utf-8")
    return folder


class PowerBIServer(Server):
    """Signs in and answers as the admin API does: scans take a while, days of events come in pages of two."""

    def __init__(self, *, keeps: int = 28) -> None:
        super().__init__()
        self.keeps = keeps
        self.workspaces = list(WORKSPACES)
        self.events = list(EVENTS)
        self.scans: list[list[str]] = []
        self.tokens = 0
        self._polled: dict[str, int] = {}
        self._pages: dict[str, list[Any]] = {}
        self.routes = {
            f"POST /{TENANT}/oauth2/v2.0/token": self.token,
            f"{ADMIN}/workspaces/modified": lambda r: self.allowed(r) or [{"id": one} for one in self.workspaces],
            f"POST {ADMIN}/workspaces/getInfo": self.begin,
            f"{ADMIN}/activityevents": self.activity,
        }

    def token(self, request: Request) -> Answer:
        """A token for the one application."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        expected = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        if {name: form.get(name) for name in expected} != expected or not form.get("scope", "").endswith("/.default"):
            return Answer({"error": "invalid_client", "error_description": "AADSTS7000215"}, status=401)
        self.tokens += 1
        return Answer({"token_type": "Bearer", "expires_in": 3599, "access_token": f"token-{self.tokens}"})

    def allowed(self, request: Request) -> Answer | None:
        """401 for a request without the last token."""
        good = request.headers.get("authorization") == f"Bearer token-{self.tokens}"
        return None if good else Answer({"error": {"code": "TokenExpired"}}, status=401)

    def begin(self, request: Request) -> Any:
        """Begin a scan of at most a hundred workspaces."""
        wanted = request.json["workspaces"]
        if (refused := self.allowed(request)) is not None:
            return refused
        if not 1 <= len(wanted) <= 100 or request.query.get("datasetExpressions") != "True":
            return Answer({"error": {"code": "InvalidRequest"}}, status=400)
        self.scans.append(wanted)
        ident = guid(5000 + len(self.scans))
        known = [one for one in wanted if one in WORKSPACES]
        self.routes[f"{ADMIN}/workspaces/scanStatus/{ident}"] = lambda r: self.allowed(r) or self.status(ident)
        self.routes[f"{ADMIN}/workspaces/scanResult/{ident}"] = lambda r: self.allowed(r) or scan(*known)
        return Answer({"id": ident, "createdDateTime": "2026-11-22T06:00:00Z", "status": "NotStarted"}, status=202)

    def status(self, ident: str) -> dict[str, str]:
        """Not done when it is asked for the first time."""
        self._polled[ident] = self._polled.get(ident, 0) + 1
        return {"id": ident, "status": "Running" if self._polled[ident] == 1 else "Succeeded"}

    def activity(self, request: Request) -> Any:
        """A page of one activity on one day."""
        if (refused := self.allowed(request)) is not None:
            return refused
        if token := request.query.get("continuationToken"):
            return self.page(self._pages.pop(token.strip("'")))
        start, end = request.query["startDateTime"], request.query["endDateTime"]
        said = re.fullmatch(r"'(\d{4}-\d\d-\d\d)T00:00:00.000Z'", start)
        wanted = re.fullmatch(r"Activity eq '(\w+)'", request.query.get("$filter", ""))
        if not said or not wanted or not end.startswith(f"'{said[1]}T23:59:59"):
            return Answer({"error": {"code": "BadRequest"}}, status=400)
        if date.fromisoformat(said[1]) <= TODAY - timedelta(days=self.keeps):
            return Answer({"error": {"code": "BadRequest", "message": "too early"}}, status=400)
        fitting = [e for e in self.events if e["CreationTime"][:10] == said[1]]
        return self.page([e for e in fitting if e["Activity"].casefold() == wanted[1]])

    def page(self, events: list[Any]) -> dict[str, Any]:
        """Two events, and a token for the rest that has signs which URLs quote."""
        token = None
        if len(events) > 2:
            token = f"LDIw+{len(self._pages)}/M==%2Bx"
            self._pages["LDIw+" + token[5:].replace("%2B", "+")] = events[2:]
        return {"activityEventEntities": events[:2], "continuationUri": None, "continuationToken": token}
