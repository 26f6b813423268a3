"""The desk with two dashboards that seem to show revenue, and nobody has said so: one used, one not."""

from __future__ import annotations

import json
from pathlib import Path

from desk import DAY, USAGE, write_desk
from headway.project import Project

REVENUE = "goal:key_result.grow.revenue"
BOARD = "dbt:exposure.shop.revenue_dashboard"
OTHER = "dbt:exposure.shop.new_revenue"


def suggesting(folder: Path) -> Project:
    """The shop on DAY, synced; `revenue_dashboard` and `new_revenue` read orders and are called like the metric."""
    write_desk(folder)
    path = folder / "target/manifest.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    for name in ("revenue_dashboard", "new_revenue"):
        made["exposures"][f"exposure.shop.{name}"] = {
            "unique_id": f"exposure.shop.{name}",
            "name": name,
            "type": "dashboard",
            "resource_type": "exposure",
            "package_name": "shop",
            "depends_on": {"nodes": ["model.shop.orders"]},
        }
    path.write_text(json.dumps(made), encoding="utf-8")
    used = "exposure.shop.revenue_dashboard,,2026-11-21,views,9,count,person\n"
    (folder / "usage.csv").write_text(USAGE + used, encoding="utf-8")
    opened = Project.open(folder, as_of=DAY, environment={})
    opened.sync(evaluate=False)
    return Project.open(folder, as_of=DAY, environment={})
