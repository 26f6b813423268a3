"""A shop with findings to decide about: a zombie with its dashboard, and a used dashboard for no goal; synced."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from headway.project import Project
from shop import manifest, write_shop

DAY = date(2026, 11, 22)
USAGE = (
    "node,relation,day,measure,amount,unit,person_class\n"
    "exposure.shop.sales_board,,2026-11-21,views,9,count,person\n"
    "exposure.shop.buzz,,2026-11-21,views,9,count,person\n"
    "exposure.shop.sales_board,,2026-08-20,views,1,count,person\n"
    "model.shop.forgotten,,2026-11-20,cost,10,EUR,\n"
)


def write_desk(folder: Path) -> Path:
    """Files of the shop: forgotten < orders, dusty shows it; buzz is used and serves nothing. Not synced."""
    write_shop(folder, usage=USAGE)
    made = manifest()
    for name, above in (("dusty", "model.shop.forgotten"), ("buzz", "model.shop.orders")):
        made["exposures"][f"exposure.shop.{name}"] = {
            "unique_id": f"exposure.shop.{name}",
            "name": name,
            "type": "dashboard",
            "resource_type": "exposure",
            "package_name": "shop",
            "depends_on": {"nodes": [above]},
        }
    (folder / "target/manifest.json").write_text(json.dumps(made), encoding="utf-8")
    (folder / "dbt_project.yml").write_text("name: shop\n", encoding="utf-8")
    return folder


def desk(folder: Path) -> Project:
    """The shop on DAY, synced into a store of its own."""
    write_desk(folder)
    opened = Project.open(folder, as_of=DAY, environment={})
    opened.sync(evaluate=False)
    return Project.open(folder, as_of=DAY, environment={})


def aged(folder: Path) -> Project:
    """The desk with three months behind it: first without usage and without goals, then with goals, then as it is."""
    write_desk(folder)
    noon = datetime.combine(DAY, time(12), UTC)
    settings = folder / "headway.yml"
    whole = settings.read_text(encoding="utf-8")
    for days in (90, 60, 0):
        settings.write_text(whole if not days else whole.partition("observations:")[0], encoding="utf-8")
        if days == 90:
            settings.write_text(whole.partition("goals:")[0], encoding="utf-8")
            (folder / "goals.yml").rename(folder / "later.yml")
        elif days == 60:
            (folder / "later.yml").rename(folder / "goals.yml")
        opened = Project.open(folder, environment={})
        replace(opened, now=noon - timedelta(days=days), as_of=DAY - timedelta(days=days)).sync(evaluate=False)
    return Project.open(folder, as_of=DAY, environment={})
