"""Answers for the renderers' tests: one with every hard type in it, one of paths, one with hostile names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from headway.answer import Answer, Column, Finding, Gap, Step
from headway.graph.model import Origin

AS_OF = date(2026, 11, 22)
SYNCED = datetime(2026, 11, 22, 6, 15, tzinfo=UTC)

PATH = (
    Step("dbt:source.shop.raw.orders", "source", "raw.orders", "declared"),
    Step("dbt:model.shop.stg_orders", "model", "stg_orders", "parsed"),
    Step("dbt:model.shop.fct_orders", "model", "fct_orders", "declared", "6 columns used"),
    Step("dbt:metric.shop.net_revenue", "metric", "net_revenue", "declared"),
    Step("goal:key_result.grow.revenue", "key_result", "Net revenue of 1.2 M", "accepted"),
    Step("goal:objective.grow", "objective", "Grow in Europe"),
)

GAPS = (
    Gap(topic="usage", message="Nothing says who opens the dashboards of Metabase.", hint="add its audit log"),
    Gap(topic="usage", message="18 names in the usage rows fit no node.", origin=Origin("observations", "use.csv", 3)),
    Gap(
        topic="trust",
        message="No run results: whether the models ran is not known.",
        node="dbt:model.shop.fct_orders",
        hint="run dbt build, then headway sync",
    ),
)

COLUMNS = (
    Column("asset", "Asset"),
    Column("kind", "Kind"),
    Column("owner", "Owner", secondary=True),
    Column("reads", "Reads in 90 days", "number"),
    Column("share", "Share", "percent"),
    Column("last_used", "Last used", "date"),
    Column("cost", "EUR a month", "money"),
    Column("protected", "Protected", "bool", secondary=True),
    Column("shown_on", "Shown on", "list", secondary=True),
    Column("why", "Why"),
)

LONG_ID = "model.shop_analytics_platform.intermediate.int_orders_joined_with_customers_and_refunds_daily_v2"

ROWS = (
    Finding(
        (
            "fct_orders",
            "model",
            "Finance data",
            1_204_000,
            0.544,
            date(2026, 11, 20),
            812.5,
            True,
            ["Revenue", "Board pack"],
            "serves two objectives",
        ),
        node="dbt:model.shop.fct_orders",
        path=PATH,
        code="HW101",
    ),
    Finding(
        (
            LONG_ID,
            "model",
            None,
            0,
            0.0,
            date(2025, 2, 3),
            Decimal("0.40"),
            False,
            [],
            "nobody read it in 90 days, and its only reader is a dashboard that was deleted in February",
        ),
        node=f"dbt:{LONG_ID}",
    ),
    Finding(
        ("売上ダッシュボード", "dashboard", "Ventes", None, None, None, None, None, None, None),
        node="bi:dashboard.7",
        counts=False,
    ),
    Finding(
        (
            "weekly_kpis",
            "exposure",
            "",
            float("nan"),
            float("inf"),
            "2026-01-09",
            float("-inf"),
            True,
            ("Ops",),
            "number is broken",
        ),
        node="dbt:exposure.shop.weekly_kpis",
    ),
    Finding(
        ("tiny", "seed", "Growth", 0.01234, 0.9999, SYNCED, -12.25, False, {"b", "a"}, "rounds to nothing"),
        node="dbt:seed.shop.tiny",
    ),
)

EVERYTHING = Answer(
    question="inventory",
    code="HW199",
    headline="5 assets, 1 of them a zombie that costs 0.40 EUR a month.",
    columns=COLUMNS,
    rows=ROWS,
    gaps=GAPS,
    as_of=AS_OF,
    synced_at=SYNCED,
    sections=(
        Answer(
            question="goals",
            code="HW301",
            headline="Grow in Europe: 54%, behind, Finance",
            columns=(
                Column("key_result", "Key result"),
                Column("now", "Now", "number"),
                Column("progress", "Progress", "percent"),
                Column("pace", "Pace"),
            ),
            rows=(
                Finding(("Net revenue of 1.2 M", 654_321.5, 0.54, "behind"), node="goal:key_result.grow.revenue"),
                Finding(("Churn below 2 %", 0.0183, 1.25, "done"), node="goal:key_result.grow.churn"),
            ),
            gaps=(Gap(topic="values", message="Net promoter score: it has never been read"),),
            as_of=AS_OF,
        ),
        Answer(question="orphans", code="HW102", headline="Every asset serves an objective.", as_of=AS_OF),
    ),
    totals={"assets": 5, "saves": Decimal("0.40"), "since": date(2025, 2, 3), "nothing": float("nan")},
)

PATHS = Answer(
    question="why",
    code="HW101",
    headline="raw.orders serves 1 objective.",
    columns=(
        Column("objective", "Objective"),
        Column("key_result", "Key result"),
        Column("way", "How"),
        Column("steps", "Steps", "number"),
        Column("state", "State"),
    ),
    rows=(
        Finding(("Grow in Europe", "Net revenue of 1.2 M", "computes", 5, "active"), path=PATH, counts=False),
        Finding(("Grow in Europe", "Churn below 2 %", "informs", None, "active"), path=PATH[:2] + PATH[-1:]),
        Finding(("Serve partners", None, None, None, None)),
    ),
    gaps=GAPS[:1],
    as_of=AS_OF,
    layout="paths",
)

EMPTY = Answer(question="orphans", code="HW102", headline="Every asset serves an objective.", as_of=AS_OF)

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x9b31mc1",
    "[red]markup[/red] [link=https://example.invalid]x[/link]",
    "line\nbreak\r\nand\ttab\x00nul\x07bell\x08back",
    "\u202egnp.exe\u2066\u200b",
    "<script>alert(1)</script>&amp;",
    "a|b|c",
    "=HYPERLINK(1)",
    "@team #12 https://example.invalid www.example.invalid",
    "![x](https://example.invalid/p.png) `code` *b* __u__ ~~s~~ $m$",
    "]0;title\x07 \x1b]8;;https://example.invalid\x1b\\link\x1b]8;;\x1b\\",
    "half \ud800 character",
    "- item\n# heading\n> quote\n1. one",
    "n" * 300,
    "語" * 150,
    "'; DROP TABLE nodes; --",
    "",
)


def hostile(name: str) -> Answer:
    """An answer that has this name in every place that data can reach."""
    step = Step(name, name, name, name, name)
    return Answer(
        question="why",
        code="HW101",
        headline=f"About {name}",
        columns=(Column("asset", name or "Asset"), Column(name, "Why", secondary=True), Column("list", "All", "list")),
        rows=(Finding((name, name, [name, name]), node=name, path=(step, step), code=name),),
        gaps=(Gap(topic=name, message=name, node=name, hint=name, origin=Origin(name, name, 1)),),
        as_of=AS_OF,
        totals={name: name},
        sections=(
            Answer(
                question=name,
                code="HW102",
                headline=name,
                columns=(Column("first", "First"), Column("other", "Other")),
                rows=(Finding((name, {name: name}), path=(step, step)),),
                as_of=AS_OF,
                layout="paths",
            ),
        ),
    )
