"""A shop with findings to decide about: a zombie with its dashboard, and a used dashboard for no goal; synced."""

from __future__ import annotations

import json
from datetime import date
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
