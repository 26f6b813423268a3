"""Objectives: are we on pace, can I believe it, does anyone look?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headway.answer import plural
from headway.graph.graph import Graph
from headway.project.pages import figures
from headway.project.pages.goal_rows import ObjectiveRow, objective_row, phrases
from headway.project.pages.page import Page, said
from headway.project.pages.table import address
from headway.project.workspace import Project
from headway.questions.goals import FINE, in_order
from headway.questions.opening import counted, key_results, opening
from headway.questions.progress import WEAKEST_FIRST
from headway.questions.status import standing_of
from headway.render.html.charts import percent

MOST_CARDS = 12
"""Above this the cards fold to a line each, by department."""


class Counter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One number of the strip, with what it means and where its list is."""

    big: str
    small: str
    to: str = ""
    value: float | None = None


class Choice(msgspec.Struct, frozen=True):
    """One value of a filter."""

    value: str
    text: str
    chosen: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A standing objective: permanent reporting, with a limit."""

    objective: ObjectiveRow
    used: int
    limit: int
    looked_at: int
    text: str
    over: bool


class Department(msgspec.Struct, frozen=True):
    """Folded objectives of one team."""

    name: str
    objectives: tuple[ObjectiveRow, ...]
    open: bool


class Objectives(Page, frozen=True, kw_only=True):
    """The page."""

    headless: bool
    """Nobody has written down a goal: three steps stand in place of the cards."""
    assets: int
    counters: tuple[Counter, ...]
    since: str
    """Head of the column of readings."""
    objectives: tuple[ObjectiveRow, ...]
    """In the company's own order, or worst first."""
    departments: tuple[Department, ...]
    """The same, folded, where they are more than twelve."""
    standing: tuple[Standing, ...]
    periods: tuple[Choice, ...]
    owners: tuple[Choice, ...]
    sort: str
    no_result: str
    """What was asked for, where nothing fits; else ''."""


def objectives(project: Project, *, period: str = "", department: str = "", sort: str = "") -> Objectives:
    """The objectives that have not ended, or those of a period; of all departments, or of one."""
    graph = project.graph()
    answer = project.ask("goals")
    everything = in_order(graph, ended=True)
    known = [o for o in everything if _fits(graph, o, period, "")]
    wanted = [o for o in known if _fits(graph, o, period, department)]
    standing = [o for o in wanted if _is_standing(graph, o)]
    shown = [o for o in wanted if o not in set(standing)]
    if sort == "worst":
        status = standing_of(graph).objectives
        shown.sort(key=lambda o: (WEAKEST_FIRST.index(status[o].status), status[o].progress or 0.0))
    rows = tuple(objective_row(project, o) for o in shown)
    headless = not graph.objectives and not graph.goals
    if headless:
        sentence = said(f"{plural(len(graph.assets), 'asset')}, and none of them has a goal yet")
    else:
        sentence = phrases(opening(graph, shown))
    fold = len(rows) > MOST_CARDS
    return Objectives(
        title="Objectives",
        sentence=sentence,
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=answer.gaps,
        headless=headless,
        assets=len(graph.assets),
        counters=() if headless else _counters(project, shown),
        since=_since(rows),
        objectives=rows,
        departments=_departments(rows) if fold else (),
        standing=tuple(_standing(project, o) for o in standing),
        periods=_periods(graph, everything, period),
        owners=_owners(graph, known, department),
        sort=sort,
        no_result=_nothing(period, department) if not wanted and not headless else "",
    )


def _is_standing(graph: Graph, objective: int) -> bool:
    record = graph.objectives.get(objective)
    return bool(record and record.standing)


def _fits(graph: Graph, objective: int, period: str, department: str) -> bool:
    record = graph.objectives.get(objective)
    now = graph.state(objective) != "ended" if not period else bool(record and record.period == period)
    return now and (not department or figures.team(graph.nodes[objective].owner) == department)


def _nothing(period: str, department: str) -> str:
    asked = " and ".join([f"the period {period}"] * bool(period) + [f"the department {department}"] * bool(department))
    return f"No objective fits {asked}." if asked else "No objective is active on this day."


def _since(rows: Sequence[ObjectiveRow]) -> str:
    """`Since 1 Oct` where all began on one day; the axis of each row is its own period otherwise."""
    starts = {r.start for r in rows if r.key_results}
    only = next(iter(starts)) if len(starts) == 1 else None
    return f"Since {only.day} {only:%b}" if only else "This period"


def _periods(graph: Graph, objectives: Sequence[int], chosen: str) -> tuple[Choice, ...]:
    names = {r.period: r.start for o in objectives if (r := graph.objectives.get(o)) and r.period}
    ordered = sorted(names, key=lambda n: (str(names[n] or ""), n), reverse=True)
    if len(ordered) < 2 and not chosen:
        return ()
    rows = [Choice("", "Now", not chosen), *(Choice(n, n, n == chosen) for n in ordered)]
    return tuple(rows)


def _owners(graph: Graph, objectives: Sequence[int], chosen: str) -> tuple[Choice, ...]:
    teams = sorted({figures.team(graph.nodes[o].owner) for o in objectives} - {""})
    if len(teams) < 2 and not chosen:
        return ()
    return (Choice("", "All departments", not chosen), *(Choice(t, t, t == chosen) for t in teams))


def _departments(rows: Sequence[ObjectiveRow]) -> tuple[Department, ...]:
    names = list(dict.fromkeys(r.team for r in rows))
    return tuple(
        Department(name or "Without a department", tuple(r for r in rows if r.team == name), n == 0)
        for n, name in enumerate(names)
    )


def _standing(project: Project, objective: int) -> Standing:
    row = objective_row(project, objective)
    found = next((r for r in project.ask("standing").records() if r["objective"] == row.name), None)
    used, limit = len(row.key_results), project.config.policy.standing_limit
    looked = sum(k.looked == "looked at" for k in row.key_results)
    if found:
        used, limit, looked = found["key_results"], found["limit"], found["looked_at"]
    text = f"{row.name}, {used} of {plural(limit, 'key result')} used"
    return Standing(objective=row, used=used, limit=limit, looked_at=looked, text=text, over=used > limit)


def _counters(project: Project, shown: Sequence[int]) -> tuple[Counter, ...]:
    graph = project.graph()
    known = standing_of(graph).key_results
    fine = sum(known[g].pace in FINE and known[g].pace != "too early" for g in key_results(graph, shown))
    verdicts = Counter(f"{fine:,} on pace", counted(graph, shown), address("objectives", sort="worst"), fine)
    return (verdicts, _spend(project), *_by_use(project), _neglected(project))


def _spend(project: Project) -> Counter:
    """The share of spend that serves an objective; of assets, where no cost is known."""
    totals, to = project.ask("cost").totals, address("cost")
    parts, total = totals.get("parts_micros"), totals.get("total_micros")
    if not parts or not total:
        graph = project.graph()
        share = sum(bool(graph.served[i]) for i in graph.assets) / (len(graph.assets) or 1)
        words = f"of {plural(len(graph.assets), 'asset')} serve an objective · cost not known"
        return Counter(percent(share), words, address("map"), share)
    share = sum(v for name, v in parts.items() if not name.startswith("none:")) / total
    of = {"": "of spend"}.get(str(totals.get("stands_in") or ""), f"of {totals.get('stands_in')}")
    whole = figures.in_unit(str(totals["unit"]), total / 1_000_000)
    when = "" if totals.get("stands_in") else " a month"
    return Counter(f"{percent(share)} {of}", f"serves an objective · {whole}{when} in all", to, share)


def _by_use(project: Project) -> tuple[Counter, ...]:
    """Shadow goals and zombies; where no use is known, one counter that says so."""
    graph = project.graph()
    if not graph.use.known:
        words = "connect your dashboards tool or a query history"
        return (Counter("Use not known", words, address("health")),)
    shadow, dead = project.ask("shadow-goals"), project.ask("zombies")
    goals, zombies = int(shadow.totals["shadow_goals"]), int(dead.totals["zombies"])
    at = [c.key for c in dead.columns].index("cost_per_month")
    costs = [row.values[at] for row in dead.rows if row.values[at] is not None]
    serve, uses = ("serves nothing", "that nobody uses") if zombies == 1 else ("serve nothing", "that nobody uses")
    totals = project.ask("cost").totals
    what = f"{plural(zombies, 'asset')} {uses} and that {serve}"
    if costs and totals.get("unit"):
        each = figures.in_unit(str(totals["unit"]), sum(costs))
        big, small = f"{each}{'' if totals.get('stands_in') else ' a month'}", f"spent on {what}"
    else:
        big, small = plural(zombies, "zombie"), what
    return (
        Counter(
            plural(goals, "shadow goal"), "used dashboards with no objective", address("triage", "shadow-goals"), goals
        ),
        Counter(big, small, address("triage", "zombies"), sum(costs) if costs else zombies),
    )


def _neglected(project: Project) -> Counter:
    graph = project.graph()
    totals = project.ask("neglected").totals
    count, dark = int(totals["neglected"]), int(totals["unknown"])
    days = graph.policy.neglected_days
    if dark and not count:
        return Counter("Who looks: not known", f"for {plural(dark, 'key result')}", address("triage", "neglected"))
    noun = "key result" if count == 1 else "key results"
    return Counter(
        f"{count:,} neglected", f"{noun} that nobody opened in {days} days", address("triage", "neglected"), count
    )
