"""Companies for the pages, made of records: no dbt, no files, the same each time. `from browser.worlds import company`.

Each is a Project with its graph in it, so that pages ask it as they ask a real one.
"""

from __future__ import annotations

import atexit
import gzip
import os
import random
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from msgspec.structs import replace

from headway.config import Config, Source
from headway.graph.model import (
    AnyRecord,
    Band,
    Binding,
    Check,
    Coverage,
    Deliverable,
    Edge,
    Node,
    Objective,
    Observation,
    Origin,
    Reading,
    Target,
    goal_id,
)
from headway.project import Project

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SYNCED = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START, DUE = date(2026, 10, 1), date(2026, 12, 31)
SHARED = Path(os.environ.get("HEADWAY_SHARED_DATA", Path(__file__).resolve().parents[2] / "../shared/data"))
ROOT = mkdtemp(prefix="headway-worlds-")
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)

USAGE = Origin(connector="observations", file="usage.csv")

LAYERS = (("staging", "stg", 0.22), ("intermediate", "int", 0.17), ("marts", "fct", 0.24))
FOLDERS = (
    "shop",
    "marketing",
    "product",
    "subscriptions",
    "support",
    "payments",
    "logistics",
    "people",
    "finance",
    "platform",
)
SOURCES = ("app", "stripe", "analytics", "salesforce", "ads", "sheets", "zendesk", "erp", "hubspot", "carrier")

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\"><script>window.hit=1</script>'",
    "</script><script>window.hit=1</script>",
    "{{ 7*7 }}{% raw %}",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd",
    "x" * 300,
    "\U0001f9ea\U0001f468\u200d\U0001f469\u200d\U0001f467 emoji",
    "a'b\"c&d<e>f`g",
    "javascript:alert(1)",
    "line\nbreak\ttab",
)
"""What names, titles, descriptions and addresses of other people's files can hold."""


def project_of(
    records: Sequence[AnyRecord], *, sources: Sequence[str] = ("dbt", "goals"), synced: bool = True
) -> Project:
    """A project with a graph of these records. Its configuration names the sources; nothing of them is read."""
    config = Config(root=mkdtemp(dir=ROOT), project="shop", sources=tuple(Source(s) for s in sources))
    project = Project(config, AS_OF, NOW, {}, use_store=False)
    return project.with_records(records, SYNCED if synced else None)


@cache
def company() -> Project:
    """Four objectives in every state that a card can have, a standing one and a parent, above some 300 assets."""
    return project_of([*_body(300), *goals()], sources=("dbt", "goals", "observations"))


@cache
def sized(assets: int) -> Project:
    """The same goals above any number of assets: 300, 2,000, 12,000."""
    return project_of([*_body(assets), *goals()], sources=("dbt", "goals", "observations"))


@cache
def headless(assets: int = 300) -> Project:
    """The first day: a manifest without goals, and no usage."""
    return project_of(_body(assets, used=False), sources=("dbt",))


@cache
def no_usage() -> Project:
    """Goals, but no source of usage or cost."""
    return project_of([*_body(300, used=False), *goals()])


@cache
def no_readings() -> Project:
    """Goals that were never evaluated."""
    return project_of([*_body(300), *(r for r in goals() if not isinstance(r, Reading))])


@cache
def nothing_below() -> Project:
    """Goals and not one asset."""
    records = [r for r in goals() if not isinstance(r, Edge) or r.upstream.startswith("goal:")]
    return project_of(records, sources=("goals",))


@cache
def many_objectives(count: int = 20) -> Project:
    """More objectives than cards, in three departments."""
    records: list[AnyRecord] = []
    for n in range(count):
        owner = ("growth-team", "support-team", "finance-team")[n % 3]
        records += _objective(f"o{n}", f"Objective number {n + 1}", owner, order=n)
        records += _key_result(f"o{n}", "k1", f"Key result of {n + 1}", (0, 40 + n, 100), "", owner=owner)
        records += _key_result(f"o{n}", "k2", f"Another of {n + 1}", (100, 95, 50), "points", owner=owner)
    return project_of([*_body(120), *records])


@cache
def hostile() -> Project:
    """Every name, title, description, owner and address is one that tries something."""
    records: list[AnyRecord] = []
    for n, text in enumerate(HOSTILE):
        records += [
            Node(
                id=f"dbt:model.x.{n}",
                kind="model",
                name=text,
                description=text,
                owner=text,
                path=f"models/{text}/m.sql",
            ),
            Node(
                id=f"bi:dashboard/{n}/{text[:40]}", kind="dashboard", name=text, title=text, url=HOSTILE[8], owner=text
            ),
            Edge(upstream=f"dbt:model.x.{n}", downstream=f"bi:dashboard/{n}/{text[:40]}"),
            Check(node=f"dbt:model.x.{n}", id=f"t{n}", kind="test", name=text, status="fail", message=text),
        ]
        records += [
            replace(r, title=text) if isinstance(r, Node) else r for r in _objective(f"h{n}", text, text, order=n)
        ]
        records += _key_result(f"h{n}", "k", text, (0, 1, 2), text[:30], owner=text, above=f"dbt:model.x.{n}")
        records.append(
            Edge(upstream=f"bi:dashboard/{n}/{text[:40]}", downstream=goal_id("key_result", f"h{n}", "k"), role="shows")
        )
        records.append(
            Observation(
                day=AS_OF, measure="views", amount=3, node=f"dbt:model.x.{n}", person_class="person", origin=USAGE
            )
        )
    return project_of(records)


@cache
def mitodl() -> Project:
    """A real project of 1,060 nodes without goals; skips where the shared data is not there."""
    manifest = SHARED / "mitodl" / "manifest.json.gz"
    if not manifest.exists():
        pytest.skip(f"needs {manifest}")
    folder = Path(mkdtemp(dir=ROOT))
    (folder / "target").mkdir()
    with gzip.open(manifest) as packed, (folder / "target" / "manifest.json").open("wb") as out:
        shutil.copyfileobj(packed, out)
    config = Config(root=str(folder), project="mitodl", sources=(Source("dbt", {"target": "target"}),))
    project = Project(config, AS_OF, NOW, {}, use_store=False)
    project.graph()
    return project


# ---------------------------------------------------------------------------------------------------- goals


def goals() -> list[AnyRecord]:
    """The goals of the company; what they are bound to is there in a body of 60 assets and more."""
    records = _objective("company", "Become the shop people come back to", "leadership-team", order=0)
    records += _objective("profit", "Make first orders profitable", "growth-team", order=1, parent="company")
    records += _key_result("profit", "payback", "CAC payback", (10, 7.2, 6), "months", above="metric:marketing_0")
    records += _key_result("profit", "margin", "First-order margin", (18, 22.8, 25), "percent", above="metric:shop_0")
    records += _key_result(
        "profit", "paid", "Paid share of new orders", (61, 54.2, 50), "percent", above="metric:shop_1"
    )
    records += _objective("keep", "Keep subscribers for a second year", "retention-team", order=2, parent="company")
    records += _key_result(
        "keep", "retention", "12-month retention", (58, 60.1, 66), "percent", above="metric:subscriptions_0"
    )
    records += _key_result(
        "keep", "churn", "Churn from failed payments", (2.1, 1.46, 1.2), "percent", above="metric:payments_0"
    )
    records += _key_result("keep", "nps", "NPS after delivery", (41, 42.5, 50), "points", above="metric:support_0")
    records += _objective("speed", "Deliver in two days, everywhere", "operations-team", order=3, parent="company")
    records += _key_result(
        "speed", "on_time", "On-time deliveries", (91, 95.6, 97), "percent", above="metric:logistics_0"
    )
    records += _key_result("speed", "parcel", "Cost per parcel", (5.1, 4.62, 4.4), "EUR", above="metric:logistics_1")
    records += _key_result("speed", "split", "Split shipments", (12, 11, 6), "percent", above="metric:logistics_2")
    records += _objective("books", "Close the books in three days", "finance-team", order=4, parent="company")
    records += _key_result("books", "days", "Days to close", (9, 5, 3), "days", above="metric:finance_0")
    records += _key_result("books", "manual", "Manual journal lines", (1400, 720, 300), "", above="metric:finance_1")
    records += _key_result("books", "between", "Intercompany differences", (None, None, 10_000), "EUR")
    deliverable = goal_id("deliverable", "books", "ledger")
    initiative = goal_id("initiative", "books", "days", "autopost")
    records += [
        Node(
            id=deliverable,
            kind="deliverable",
            name="books.ledger",
            title="One ledger for all companies",
            owner="finance-team",
        ),
        Deliverable(deliverable=deliverable, objective=goal_id("objective", "books"), due=date(2026, 12, 15)),
        Edge(upstream=deliverable, downstream=goal_id("objective", "books"), role="supports"),
        Node(
            id=initiative,
            kind="initiative",
            name="books.days.autopost",
            title="Post bank lines by themselves",
            url="https://tracker.example/AP-1",
        ),
        Edge(upstream=initiative, downstream=goal_id("key_result", "books", "days"), role="supports"),
    ]
    records += _objective("reporting", "Reporting", "finance-team", order=9, standing=True)
    for n in range(4):
        records += _key_result(
            "reporting",
            f"r{n}",
            f"Reported figure {n + 1}",
            (None, 100.0 + n, None),
            "EUR",
            above=f"metric:finance_{n}",
        )
    for k, board in (
        ("profit.payback", "marketing_0"),
        ("profit.margin", "shop_0"),
        ("keep.retention", "subscriptions_0"),
        ("keep.nps", "people_0"),
        ("speed.on_time", "logistics_0"),
        ("books.days", "finance_0"),
    ):
        objective, name = k.split(".")
        records.append(Edge(upstream=f"board:{board}", downstream=goal_id("key_result", objective, name), role="shows"))
    return records


def _objective(
    name: str, title: str, owner: str, *, order: int, parent: str = "", standing: bool = False
) -> list[AnyRecord]:
    node = goal_id("objective", name)
    above = goal_id("objective", parent) if parent else ""
    records: list[AnyRecord] = [
        Node(id=node, kind="objective", name=name, title=title, owner=owner),
        Objective(objective=node, start=START, end=DUE, period="2026-Q4", parent=above, standing=standing, order=order),
    ]
    return [*records, Edge(upstream=node, downstream=above, role="supports")] if above else records


def _key_result(
    objective: str,
    name: str,
    title: str,
    way: tuple[float | None, float | None, float | None],
    unit: str,
    *,
    above: str = "",
    owner: str = "",
    band: Band | None = None,
) -> list[AnyRecord]:
    """`way`: baseline, now, target. Fourteen readings lead from the baseline to now."""
    baseline, now, target = way
    node, over = goal_id("key_result", objective, name), goal_id("objective", objective)
    records: list[AnyRecord] = [
        Node(id=node, kind="key_result", name=f"{objective}.{name}", title=title, owner=owner),
        Target(
            key_result=node,
            objective=over,
            baseline=baseline,
            target=target,
            band=band,
            unit=unit,
            start=START,
            due=DUE,
            direction="" if baseline is None or target is None else "increase" if target > baseline else "decrease",
            binding=Binding(metric=above.partition(":")[2])
            if above.startswith("metric:")
            else Binding(manual=now is not None),
        ),
        Edge(upstream=node, downstream=over, role="supports"),
    ]
    if above:
        records.append(Edge(upstream=above, downstream=node))
    if now is None:
        return records
    r = random.Random(f"{objective}.{name}")
    first = now * 0.9 if baseline is None else baseline
    for i in range(14):
        wobble = 0.12 * r.uniform(-1, 1) if 0 < i < 13 else 0
        value = first + (now - first) * ((i / 13) ** 1.05 + wobble)
        day = START + timedelta(days=i * 4 - 2) if i < 13 else AS_OF - timedelta(days=1)
        records.append(
            Reading(
                key_result=node, day=max(day, START), value=round(value, 3), grain="day", at=NOW, source="metricflow"
            )
        )
    return records


# ---------------------------------------------------------------------------------------------------- body


def _body(assets: int, *, used: bool = True) -> list[AnyRecord]:
    """Sources, three layers of models, metrics and dashboards in ten folders, with tests, usage and cost."""
    r = random.Random(assets)
    records: list[AnyRecord] = []
    below: dict[str, list[str]] = {f: [] for f in FOLDERS}
    for n in range(max(10, round(assets * 0.22))):
        place, source = n % 10, SOURCES[n % 10]
        node = f"dbt:source.shop.{source}.t{n // 10}"
        records.append(
            Node(
                id=node,
                kind="source",
                name=f"{source}.t{n // 10}",
                path=f"models/sources/{source}.yml",
                relation=f"raw.{source}.t{n // 10}",
            )
        )
        below[FOLDERS[place]].append(node)
    records.append(
        Check(
            node="dbt:source.shop.sheets.t0",
            id="fresh.sheets",
            kind="freshness",
            name="freshness of sheets.t0",
            status="error",
            since=datetime(2026, 11, 19, 6, tzinfo=UTC),
            message="3 days late",
        )
    )
    for layer, prefix, share in LAYERS:
        here: dict[str, list[str]] = {f: [] for f in FOLDERS}
        for n in range(max(10, round(assets * share))):
            folder = FOLDERS[n % 10]
            name = f"{prefix}_{folder}_{n // 10}"
            node = f"dbt:model.shop.{name}"
            records.append(
                Node(
                    id=node,
                    kind="model",
                    name=name,
                    path=f"models/{layer}/{folder}/{name}.sql",
                    materialized="table",
                    relation=f"wh.{layer}.{name}",
                    owner=f"{folder}-team" if n % 3 else "",
                    description=f"{layer} of {folder}",
                )
            )
            own, other = below[folder], below[r.choice(FOLDERS)]
            ups = {own[(n // 10) % len(own)], r.choice(own), *([r.choice(other)] if other and r.random() < 0.2 else [])}
            records += [Edge(upstream=u, downstream=node) for u in sorted(ups)]
            status = "warn" if folder == "shop" and n // 10 == 1 and layer == "marts" else "pass"
            records.append(
                Check(
                    node=node,
                    id=f"test.{name}",
                    kind="test",
                    name=f"not_null_{name}",
                    status=status,
                    at=SYNCED,
                    message="" if status == "pass" else "4 rows",
                )
            )
            if used:
                records.append(
                    Observation(
                        day=AS_OF - timedelta(days=2),
                        measure="cost",
                        amount=round(r.uniform(0.2, 30), 2),
                        unit="EUR",
                        node=node,
                        origin=USAGE,
                    )
                )
            here[folder].append(node)
        below = here
    for n in range(max(40, round(assets * 0.05))):
        folder = FOLDERS[n % 10]
        node = f"metric:{folder}_{n // 10}"
        records.append(
            Node(
                id=node,
                kind="metric",
                name=f"{folder}_{n // 10}",
                path=f"models/metrics/{folder}.yml",
                owner=f"{folder}-team",
            )
        )
        records.append(Edge(upstream=below[folder][(n // 10) % len(below[folder])], downstream=node))
    for n in range(max(10, round(assets * 0.1))):
        folder = FOLDERS[n % 10]
        node = f"board:{folder}_{n // 10}"
        records.append(
            Node(
                id=node,
                kind="dashboard",
                name=f"{folder}_{n // 10}",
                title=f"{folder.title()} board {n // 10 + 1}",
                owner=f"{folder}-team",
                url=f"https://bi.example/d/{n}",
                path=f"boards/{folder}",
            )
        )
        records.append(
            Edge(upstream=below[folder][r.randrange(len(below[folder]))], downstream=node, evidence="matched")
        )
        if used and folder != "people" and n % 3 != 2:
            for person in range(1 + n % 14):
                who = {"person_class": "executive" if person == 3 else "person", "person": f"p{person:02d}"}
                records.append(
                    Observation(
                        day=AS_OF - timedelta(days=1 + n % 9), measure="views", amount=2, node=node, origin=USAGE, **who
                    )
                )  # type: ignore[arg-type]
    if used:
        records.append(
            Coverage(
                covers="kind:model kind:source kind:dashboard",
                start=AS_OF - timedelta(days=120),
                end=AS_OF,
                origin=USAGE,
            )
        )
    return records
