"""Who looks at what at Lumaloop, and what it costs: the rows of usage.csv and cost.csv.

Habits are written down below, one line per asset and kind of reader; days vary around them. An asset
without a habit has no rows: nobody looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

HEADER = ("node", "relation", "day", "measure", "amount", "unit", "person_class")
DAYS = 120
WORKDAYS = (0, 1, 2, 3, 4)
EVERY_DAY = (*WORKDAYS, 5, 6)
DISABLED = {"rpt_revenue_daily_old"}

Row = tuple[object, ...]


@dataclass(frozen=True)
class Habit:
    """How often one kind of reader uses one asset."""

    asset: str  # dbt id without package, schema.table, or the id of a dashboard in the BI tool
    per_day: float
    people: int = 0  # distinct people a day; 0: not counted
    who: str = "person"  # person, data_team, service, scheduled, dbt
    weekdays: tuple[int, ...] = WORKDAYS
    ended_days_ago: int = 0  # the habit stopped this long before the demo's day

    @property
    def key(self) -> tuple[str, str]:
        """The columns node and relation: exactly one is filled."""
        if ":" in self.asset:
            return self.asset, ""
        kind, _, name = self.asset.partition(".")
        if kind in ("exposure", "model", "snapshot", "seed"):
            return f"{kind}.lumaloop.{name}", ""
        return "", self.asset

    @property
    def measure(self) -> str:
        """Dashboards are viewed, tables are queried."""
        opened = self.asset.startswith(("exposure.", "superset:")) and self.who in ("person", "data_team")
        return "views" if opened else "queries"


HABITS = (
    # dashboards of the goals
    Habit("exposure.exec_overview", 22, 11),
    Habit("exposure.growth_weekly", 9, 5),
    Habit("exposure.retention_board", 5, 3),
    Habit("exposure.editor_pulse", 4, 2),
    Habit("exposure.support_desk", 26, 9, weekdays=EVERY_DAY),
    Habit("exposure.investor_pack", 4, 2, weekdays=(0,)),
    # popular, and part of no goal
    Habit("exposure.agent_workload", 31, 12, weekdays=EVERY_DAY),
    Habit("exposure.channel_mix", 12, 6),
    # read by machines or by the data team only
    Habit("exposure.crm_sync", 24, who="service", weekdays=EVERY_DAY),
    Habit("exposure.experiment_readout", 2, 1, who="data_team"),
    Habit("exposure.storage_forecast", 1, who="scheduled", weekdays=EVERY_DAY),
    Habit("exposure.onboarding_funnel", 1, who="scheduled", weekdays=EVERY_DAY),
    Habit("exposure.ticket_topics", 24, who="scheduled", weekdays=EVERY_DAY),
    # given up
    Habit("exposure.web_launch_tracker", 3, 2, ended_days_ago=96),
    Habit("exposure.filter_pack_explorer", 1, 1, ended_days_ago=112),
    # tables asked directly: some by dbt id, some as the warehouse names them
    Habit("model.dim_users.v2", 9, 4),
    Habit("model.fct_mrr_daily", 4, 2),
    Habit("model.fct_support_tickets", 3, 2),
    Habit("marts.fct_invoices", 6, 3),
    Habit("marts.fct_new_subscriptions", 3, 2),
    Habit("marts.fct_trials", 2, 1),
    Habit("marts.fct_invoices", 5, 2, who="data_team"),
    Habit("marts.fct_user_days", 2, 1, who="data_team"),
    Habit("marts.fct_exports", 1, 1, who="data_team"),
    Habit("marts.agg_channel_weekly", 14, who="service", weekdays=EVERY_DAY),
    Habit("marts.agg_agent_workload", 33, who="service", weekdays=EVERY_DAY),
    Habit("marts.agg_ticket_topics", 24, who="service", weekdays=EVERY_DAY),
    Habit("snapshots.snap_subscriptions", 1, 1, who="data_team", weekdays=(2,)),
    Habit("seeds.country_codes", 1, 1, weekdays=(0,)),
    Habit("raw.billing_invoices", 1, 1, who="data_team", weekdays=(0, 3)),
    # win-back offers, a dashboard that dbt knows nothing of
    Habit("superset:dashboard.45d65780-6c04-5f6d-9e37-9bb6685834c0", 7, 4),
)
# Tables that no dbt node builds: on a single day each, that many days before the demo's day.
STRAYS = (
    ("marts.rpt_revenue_daily_old", 3, 2), ("marts.fct_orders_2024", 5, 1), ("marts.fct_orders_2024", 12, 2),
    ("scratch.growth_pull_tmp", 8, 4), ("scratch.growth_pull_tmp", 9, 3), ("legacy.users_backup", 20, 1),
)  # fmt: skip

VIEW_COST, TABLE_COST = 0.004, 0.12  # EUR per day, where nothing else is said
COSTS = {
    "int_subscription_days": 1.9, "fct_user_days": 1.4, "fct_exports": 0.8, "fct_invoices": 0.45,
    "agg_agent_workload": 0.7, "agg_channel_weekly": 0.55, "fct_support_tickets": 0.4, "rpt_ticket_backlog": 0.35,
    # costly, and nobody looks
    "int_filter_use": 0.7, "int_filter_pairs": 2.1, "agg_filter_pack_affinity": 0.5,
    "agg_cohort_retention": 1.6, "agg_watermark_share": 0.4, "agg_ticket_topics": 0.45, "fct_storage": 0.6,
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """One enabled model of the project."""

    name: str
    path: Path

    @property
    def node(self) -> str:
        """The dbt id; a file name that ends in _v2 is version 2 of its model."""
        return "model.lumaloop." + re.sub(r"_v(\d+)$", r".v\1", self.name)

    @property
    def is_table(self) -> bool:
        return "marts" in self.path.parts[-3:] or "materialized='table'" in self.path.read_text(encoding="utf-8")


def usage_rows(today: date, models: Path) -> Iterator[Row]:
    """Queries, views and people per asset and day; then dbt's own queries, then strays."""
    for number, habit in enumerate(HABITS):
        yield from _habit_rows(habit, today, Random(f"usage/{number}"))
    for model in _models(models):
        if model.is_table:
            for day in _days(today):
                yield model.node, "", day, "queries", 1, "count", "dbt"
    for relation, days_ago, amount in STRAYS:
        yield "", relation, today - timedelta(days_ago), "queries", amount, "count", "person"


def cost_rows(today: date, models: Path) -> Iterator[Row]:
    """What each model costs per day to build and to query."""
    for model in _models(models):
        usual = COSTS.get(model.name, TABLE_COST if model.is_table else VIEW_COST)
        rng = Random(f"cost/{model.name}")
        for day in _days(today):
            yield model.node, "", day, "cost", f"{usual * rng.uniform(0.85, 1.2):.4f}", "EUR", ""


def _days(today: date) -> list[date]:
    return [today - timedelta(n) for n in range(DAYS, 0, -1)]


def _models(folder: Path) -> list[Model]:
    """The enabled models, by name."""
    found = (Model(path.stem, path) for path in folder.rglob("*.sql") if path.stem not in DISABLED)
    return sorted(found, key=lambda model: model.name)


def _habit_rows(habit: Habit, today: date, rng: Random) -> Iterator[Row]:
    """The days of one habit."""
    end = today - timedelta(max(habit.ended_days_ago, 1))
    for day in _days(today):
        if day > end or day.weekday() not in habit.weekdays:
            continue
        amount = max(1, round(rng.gauss(habit.per_day, habit.per_day / 6)))
        yield *habit.key, day, habit.measure, amount, "count", habit.who
        if habit.people:
            people = min(amount, max(1, round(rng.gauss(habit.people, habit.people / 8))))
            yield *habit.key, day, "people", people, "count", habit.who
