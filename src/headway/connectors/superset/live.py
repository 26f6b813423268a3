"""A Superset from its REST API. Keys are the numbers in its URLs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from headway.connectors import fields
from headway.connectors.superset import export
from headway.connectors.superset.database import Database
from headway.connectors.superset.rest import PAGE, Rest
from headway.connectors.superset.stock import Chart, Dashboard, Dataset, Stock, named
from headway.errors import InputError, ServiceError
from headway.remote import Refused

_OWNERS = ["owners.first_name", "owners.last_name", "owners.email"]
_DASHBOARD = ["id", "dashboard_title", "slug", "published", "url", "tags.name", *_OWNERS]
_CHART = ["id", "slice_name", "datasource_id", "datasource_type", "dashboards.id", "params", "description", "url"]
_DATASET = ["id", "uuid", "table_name", "schema", "catalog", "sql", "description", "database.id", "explore_url"]

_MOST_FAILURES = 5
"""Dashboards of which the same may fail, until it is not asked of the others any more."""


class Content:
    """Reads everything that one Superset holds. `embedded` is known after `stock`: uuid in pages that show it -> id."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.embedded: dict[str, str] = {}
        self._database_ids: dict[str, str] = {}

    def stock(self) -> Stock:
        """All of it. What only a part is missing for becomes a gap.

        Raises ServiceError when dashboards, charts or datasets cannot be listed at all: nothing would be right then.
        """
        stock = Stock()
        dashboards = self._rest.all("dashboard", _DASHBOARD)
        charts = self._rest.all("chart", [*_CHART, "tags.name", *_OWNERS])
        datasets = self._rest.all("dataset", [*_DATASET, "owners.first_name", "owners.last_name"])
        sent = self._sent(stock)
        self._databases(stock)
        details = self._details(stock, datasets)
        for row in datasets:
            self._dataset(stock, row, details)
        on_boards: dict[str, list[str]] = defaultdict(list)
        for row in charts:
            chart = self._chart(row, sent)
            stock.charts[chart.key] = chart
            for board in fields.each(row, "dashboards"):
                on_boards[fields.text(board, "id")].append(chart.key)
        filters = self._each(stock, dashboards, "what dashboards filter by", self._filters)
        shown = self._each(stock, dashboards, "which dashboards are embedded", self._embedded)
        for row in dashboards:
            key = str(row["id"])
            outside = bool(shown.get(key)) or ("dashboard", key) in sent
            made = self._dashboard(row, tuple(on_boards[key]), filters.get(key, ()))
            stock.dashboards[key] = replace(made, outside=outside)
            self.embedded |= dict.fromkeys(shown.get(key, ()), key)
        return stock

    # Lists

    def _databases(self, stock: Stock) -> None:
        try:
            rows = self._rest.all("database", ["id", "uuid", "database_name", "backend"])
        except ServiceError as error:
            stock.missing(
                f"databases could not be listed, so names of tables are taken as written: {error.message}",
                hint=error.hint,
            )
            return
        self._database_ids = {fields.text(row, "uuid"): str(row["id"]) for row in rows}
        for row in rows:
            key, backend = str(row["id"]), fields.text(row, "backend")
            stock.databases[key] = Database.of(key, fields.text(row, "database_name"), backend=backend)

    def _sent(self, stock: Stock) -> set[tuple[str, str]]:
        """What is sent to somebody on a schedule: (kind, key). Nothing where reports are switched off (404)."""
        try:
            rows = self._rest.all("report", ["id", "active", "dashboard_id", "chart_id"])
        except Refused as error:
            if error.status != 404:
                stock.missing(
                    f"what is sent on a schedule is not known: {error.message}", topic="usage", hint=error.hint
                )
            return set()
        active = [row for row in rows if row.get("active") is True]
        found = {(kind, fields.text(row, f"{kind}_id")) for row in active for kind in ("dashboard", "chart")}
        return {(kind, key) for kind, key in found if key}

    # Datasets

    def _details(self, stock: Stock, rows: list[Mapping[str, Any]]) -> dict[str, Dataset]:
        """Columns and metrics of datasets, and their databases' defaults: by uuid, from exports of a hundred each."""
        found: dict[str, Dataset] = {}
        try:
            for start in range(0, len(rows), PAGE):
                self._rest.client.progress("reading Superset: columns of datasets", start, len(rows))
                keys = [row["id"] for row in rows[start : start + PAGE]]
                part = export.taken(self._rest.files("api/v1/dataset/export/", keys), "export")
                found |= part.datasets
                stock.gaps += part.gaps
                for uuid, database in part.databases.items():
                    key = self._database_ids.get(uuid, "")
                    if key in stock.databases:
                        stock.databases[key] = replace(database, key=key)
        except (ServiceError, InputError) as error:
            stock.missing(
                f"columns and saved metrics of {len(rows) - len(found):,} datasets are not known, because they could "
                f"not be exported: {error.message}",
                hint="the role needs the right can export on Dataset",
            )
        return found

    def _dataset(self, stock: Stock, row: Mapping[str, Any], details: Mapping[str, Dataset]) -> None:
        key = str(row["id"])
        known = details.get(fields.text(row, "uuid"))
        stock.datasets[key] = Dataset(
            key=key,
            title=fields.text(row, "table_name").strip() or key,
            database=fields.text(row, "database", "id"),
            catalog=fields.text(row, "catalog").strip(),
            schema=fields.text(row, "schema").strip(),
            sql=fields.text(row, "sql"),
            columns=tuple(sorted(known.columns)) if known and known.columns else None,
            calculated=dict(sorted(known.calculated.items())) if known else {},
            metrics=dict(sorted(known.metrics.items())) if known and known.metrics is not None else None,
            description=fields.text(row, "description"),
            owner=_owner(row),
            url=self._url(row, "explore_url"),
        )

    # Charts and dashboards

    def _chart(self, row: Mapping[str, Any], sent: set[tuple[str, str]]) -> Chart:
        key = str(row["id"])
        on_table = fields.text(row, "datasource_type") == "table"
        return Chart(
            key=key,
            title=fields.text(row, "slice_name").strip() or key,
            dataset=fields.text(row, "datasource_id") if on_table else "",
            form=export.settings(row.get("params")),
            description=fields.text(row, "description"),
            owner=_owner(row),
            url=self._url(row, "url"),
            tags=_tags(row),
            outside=("chart", key) in sent,
        )

    def _dashboard(self, row: Mapping[str, Any], charts: tuple[str, ...], datasets: tuple[str, ...]) -> Dashboard:
        key = str(row["id"])
        return Dashboard(
            key=key,
            title=fields.text(row, "dashboard_title").strip() or key,
            slug=fields.text(row, "slug").strip(),
            charts=charts,
            datasets=datasets,
            owner=_owner(row),
            url=self._url(row, "url"),
            tags=_tags(row) + (("draft",) if row.get("published") is False else ()),
        )

    def _each(
        self, stock: Stock, rows: list[Mapping[str, Any]], what: str, ask: Callable[[str], tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        """What `ask` says of each dashboard. Those it fails for are told in one gap; without the right, it stops."""
        found: dict[str, tuple[str, ...]] = {}
        failed: list[tuple[str, ServiceError]] = []
        for number, row in enumerate(rows):
            key = str(row["id"])
            self._rest.client.progress(f"reading Superset: {what}", number, len(rows))
            try:
                found[key] = ask(key)
            except ServiceError as error:
                failed.append((key, error))
                if not isinstance(error, Refused) or error.status == 403 or len(failed) == _MOST_FAILURES:
                    break
        if failed:
            number = len(rows) - len(found)
            boards = "dashboard" if number == 1 else "dashboards"
            _, first = failed[0]
            stock.missing(f"{what} is not known of {number:,} {boards}: {first.message}", hint=first.hint)
        return found

    def _filters(self, key: str) -> tuple[str, ...]:
        """Datasets whose values a dashboard's filters list."""
        metadata = export.settings(self._rest.get(f"api/v1/dashboard/{key}").get("result", {}).get("json_metadata"))
        return tuple(dict.fromkeys(export.filtered(metadata, "datasetId")))

    def _embedded(self, key: str) -> tuple[str, ...]:
        """What pages outside know a dashboard by, when it may be shown there."""
        try:
            uuid = fields.text(self._rest.get(f"api/v1/dashboard/{key}/embedded"), "result", "uuid")
        except Refused as error:
            if error.status == 404:
                return ()
            raise
        return (uuid,) if uuid else ()

    def _url(self, row: Mapping[str, Any], name: str) -> str:
        path = fields.text(row, name)
        return f"{self._rest.client.base}{path}" if path.startswith("/") and not path.startswith("//") else ""


def _owner(row: Mapping[str, Any]) -> str:
    """Display names of the owners, or mail addresses of those without."""
    return named(
        " ".join(filter(None, (fields.text(one, "first_name").strip(), fields.text(one, "last_name").strip())))
        or fields.text(one, "email")
        for one in fields.each(row, "owners")
    )


def _tags(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Tags that people gave; Superset keeps owners and types as tags too, as `owner:1` and `type:chart`."""
    names = (fields.text(tag, "name") for tag in fields.each(row, "tags"))
    return tuple(name for name in names if name and not name.startswith(("owner:", "type:", "favorited_by:")))
