"""Triage: what should we decide today, and what does it free? The list by kind, what was decided, and one decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from functools import partial
from typing import Any

import msgspec

from headway.answer import Answer, Finding, listed, plural
from headway.errors import UnknownName, UsageError
from headway.graph.graph import Graph
from headway.project import triage as deciding_
from headway.project.pages import bands, figures
from headway.project.pages.page import Page, Phrase
from headway.project.pages.stages import StagePlan, stages_of
from headway.project.pages.table import address
from headway.project.workspace import Project
from headway.questions.evidence import month

SIZE = 200
"""Rows of a page."""
MOST_LOGGED = 100
"""Decisions shown in the log."""

KINDS = {
    "zombies": "Zombies",
    "shadow-goals": "Shadow goals",
    "neglected": "Neglected",
    "lost-purpose": "Lost purpose",
    "unmeasured": "Unmeasured",
}

ACTS = {"keep": "Keep", "link": "Link", "retire": "Retire", "snooze": "Snooze", "assign": "Assign"}
"""What can be decided on the pages -> its button."""


class Tab(msgspec.Struct, frozen=True):
    """One kind of finding."""

    key: str
    name: str
    to: str
    count: int | None
    """Open findings; None where nothing can be known of this kind."""
    cost: str
    current: bool


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One finding; several that stand or fall together are one."""

    findings: str
    """Handles, with a comma between them: what a form sends."""
    id: str
    name: str
    what: str
    folder: str
    to: str
    why: str
    owner: str
    cost: float | None
    cost_text: str
    suggested: str
    acts: tuple[str, ...]
    bearing: bool
    """Load-bearing: it cannot be retired."""
    back: str
    """Why it came back, where somebody had decided about it."""
    with_it: tuple[str, ...]
    """Names of the others that stand or fall with it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One decision of the log."""

    on: date
    by: str
    act: str
    asset: str
    reason: str
    until: date | None
    state: str
    undo: str
    """Handle that takes it back; '' where nothing can be."""


class Triage(Page, frozen=True, kw_only=True):
    """The page."""

    kind: str
    tabs: tuple[Tab, ...]
    name: str
    rule: str
    """The rule in force, with its numbers."""
    rows: tuple[Row, ...]
    total: int
    """Findings of this kind that are open, whatever is filtered."""
    shown: int
    """Findings in the rows."""
    left_out: int
    """Rows of the other pages."""
    page: int
    pages: int
    previous: str
    """Address of the page of rows before this one; '' on the first."""
    next: str
    acts: tuple[str, ...]
    """What can be decided about some row."""
    owner: str
    owners: tuple[str, ...]
    folder: str
    folders: tuple[str, ...]
    sort: str
    per: str
    log: tuple[Entry, ...]
    log_more: int
    writes: bool
    """There is a store to keep decisions in."""
    unknown: str
    """Why nothing can be known of this kind; else ''."""
    headless: bool
    done: tuple[str, ...] = ()
    """What was just decided, in sentences."""
    undo: str = ""
    """Handles that take that back, with a comma between them."""


def triage_home(project: Project, *, owner: str = "", folder: str = "", sort: str = "", page: str = "") -> Triage:
    """The first kind that has something to decide."""
    totals = project.ask("triage").totals
    kind = next((k for k in KINDS if totals[k.replace("-", "_")]), "zombies")
    found = triage(project, kind=kind, owner=owner, folder=folder, sort=sort, page=page)
    return msgspec.structs.replace(found, title="Triage")


def triage(
    project: Project,
    *,
    kind: str,
    owner: str = "",
    folder: str = "",
    sort: str = "",
    page: str = "",
    done: str = "",
) -> Triage:
    """The open findings of a kind, SIZE rows a page. `done`: handles of decisions that were just made.

    Raises UnknownName for a kind that there is none of, UsageError for a page that is no number.
    """
    if kind not in KINDS:
        raise UnknownName("kind of finding", kind[:80], get_close_matches(kind, KINDS, n=3))
    graph = project.graph()
    answer = project.ask("triage", kind=kind)
    groups = _sorted([_Group.of(graph, answer, rows) for rows in _together(answer)], sort)
    found = [g for g in groups if (not owner or g.owner == owner) and (not folder or g.folder == folder)]
    pages = max(1, -(-len(found) // SIZE))
    number = _number(page, pages)
    shown = [_row(graph, group) for group in found[(number - 1) * SIZE : number * SIZE]]
    to = partial(address, "triage", kind, owner=owner, folder=folder, sort=sort)
    log, log_more = _log(project)
    ledger = month(graph)
    return Triage(
        title=f"{KINDS[kind]}, triage",
        sentence=_sentence(graph, answer.totals),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=answer.gaps,
        kind=kind,
        tabs=tuple(_tabs(graph, answer.totals, kind)),
        name=KINDS[kind],
        rule=rule(graph, kind),
        rows=tuple(shown),
        total=len(answer.rows),
        shown=sum(r.findings.count(",") + 1 for r in shown),
        left_out=len(found) - len(shown),
        page=number,
        pages=pages,
        previous=to(page=str(number - 1) if number > 2 else "") if number > 1 else "",
        next=to(page=str(number + 1)) if number < pages else "",
        acts=tuple(act for act in ACTS if any(act in r.acts for r in shown)),
        owner=owner,
        owners=tuple(sorted({g.owner for g in groups} - {""})),
        folder=folder,
        folders=tuple(sorted({g.folder for g in groups} - {""})),
        sort=sort,
        per=figures.per(ledger) if ledger else "",
        log=log,
        log_more=log_more,
        writes=project.use_store,
        unknown=_unknown(graph, kind),
        headless=not graph.goals,
        **_done(log, done.split(",")),
    )


def _number(page: str, pages: int) -> int:
    """The page that is asked for; the last one where there are fewer by now: rows go as they are decided about."""
    if page and not (page.isascii() and page.isdigit() and int(page[:9])):
        raise UsageError(f"there is no page {page[:20]!r}", hint=f"pages are 1 to {pages}")
    return min(int(page[:9] or 1), pages)


def open_decisions(project: Project) -> int:
    """The number behind the tab; 0 while nobody has written down a goal."""
    return int(project.ask("triage").totals["open"]) if project.graph().goals else 0


def rule(graph: Graph, kind: str) -> str:
    """The rule of a kind in force, with the numbers of the policy."""
    policy = graph.policy
    days, grace, looks = policy.usage_window_days, policy.grace_days, policy.neglected_days
    return {
        "zombies": (
            f"No reader for {plural(days, 'day')}, serves no objective, older than {plural(grace, 'day')}, and nothing "
            "else needs it. What is protected, or feeds something outside, is never retired from here."
        ),
        "shadow-goals": f"Read in the last {plural(days, 'day')}, and serves no objective.",
        "neglected": f"Key results whose dashboards nobody opened in {plural(looks, 'day')}, where use is known.",
        "lost-purpose": "Served only objectives that have ended.",
        "unmeasured": "Key results that cannot be measured, or that are shown nowhere.",
    }[kind]


# ---------------------------------------------------------------------- rows


def _together(answer: Answer) -> Iterator[list[Finding]]:
    """Findings in their order; those that stand or fall together as one group, at the place of their first."""
    keys = [column.key for column in answer.columns]
    part, own = keys.index("part"), keys.index("finding")
    groups: dict[str, list[Finding]] = {}
    for row in answer.rows:
        groups.setdefault(row.values[part] or row.values[own], []).append(row)
    yield from groups.values()


@dataclass(frozen=True, slots=True)
class _Group:
    """What stands or falls together, with what a list is sorted and filtered by: thousands are, and few are shown."""

    columns: tuple[str, ...]
    findings: Sequence[Finding]
    name: str
    owner: str
    folder: str
    cost: float | None
    back: bool

    @staticmethod
    def of(graph: Graph, answer: Answer, findings: Sequence[Finding]) -> _Group:
        columns = tuple(column.key for column in answer.columns)
        first = dict(zip(columns, findings[0].values, strict=True))
        node = graph.nodes[graph.index[findings[0].node]]
        at = columns.index("cost_per_month")
        costs = [f.values[at] for f in findings if f.values[at] is not None]
        return _Group(
            columns=columns,
            findings=findings,
            name=first["asset"],
            owner=figures.team(first["owner"] or ""),
            folder="" if node.kind == "key_result" else bands.folder(node),
            cost=sum(costs) if costs else None,
            back=bool(first["decided"]),
        )

    def records(self) -> list[dict[str, Any]]:
        """Its findings as mappings."""
        return [dict(zip(self.columns, f.values, strict=True)) for f in self.findings]


def _row(graph: Graph, group: _Group) -> Row:
    records = group.records()
    first = records[0]
    node = graph.nodes[graph.index[group.findings[0].node]]
    acts = [act for act in ACTS if all(act in r["acts"] for r in records)]
    goal = node.kind == "key_result"
    ledger = month(graph)
    return Row(
        findings=",".join(r["finding"] for r in records),
        id=node.id,
        name=group.name,
        what=first["what"].replace("_", " "),
        folder=group.folder,
        to=address("key_result" if goal else "asset", node.id),
        why=first["why"],
        owner=group.owner,
        cost=group.cost,
        cost_text=figures.in_unit(ledger.unit, group.cost) if group.cost is not None and ledger else "",
        suggested=first["suggested"] or "",
        acts=tuple(acts),
        bearing=not goal and first["kind"] == "zombies" and "retire" not in acts,
        back=first["decided"] or "",
        with_it=tuple(r["asset"] for r in records[1:]),
    )


def _sorted(groups: list[_Group], sort: str) -> list[_Group]:
    """What came back first, then the dearest; by name, owner or folder where that is asked for."""
    keys: dict[str, Callable[[_Group], Any]] = {
        "name": lambda g: g.name,
        "owner": lambda g: (not g.owner, g.owner),
        "folder": lambda g: g.folder,
    }
    return sorted(groups, key=keys.get(sort, lambda g: (not g.back, -(g.cost or 0))))


def _tabs(graph: Graph, totals: Mapping[str, Any], kind: str) -> Iterator[Tab]:
    ledger = month(graph)
    for key, name in KINDS.items():
        count, cost = totals[key.replace("-", "_")], totals[f"{key.replace('-', '_')}_cost"]
        text = figures.in_unit(ledger.unit, cost) if cost and ledger else ""
        known = count if count or not _unknown(graph, key) else None
        yield Tab(key, name, address("triage", key), known, text, key == kind)


def _sentence(graph: Graph, totals: Mapping[str, Any]) -> tuple[Phrase, ...]:
    count, freed, ledger = totals["open"], totals["freed"], month(graph)
    back = f"; {totals['came_back']:,} came back" if totals["came_back"] else ""
    if not count and (not graph.goals or not graph.use.known):
        missing = "use is not known" if graph.goals else "nobody has written down a goal"
        return (Phrase(f"What wants a decision is not known yet: {missing}."),)
    if not count:
        decided = totals["decided"]
        rest = f"; {plural(decided, 'finding')} {'is' if decided == 1 else 'are'} decided" if decided else ""
        return (Phrase(f"Nothing wants a decision today{rest}."),)
    if freed and ledger:
        return (
            Phrase(
                f"{plural(count, 'decision')} would free {figures.in_unit(ledger.unit, freed)} "
                f"{figures.per(ledger)}{back}."
            ),
        )
    wants = "wants a decision" if count == 1 else "want a decision"
    return (Phrase(f"{plural(count, 'finding')} {wants}{back}."),)


def _unknown(graph: Graph, kind: str) -> str:
    if not graph.goals and kind != "zombies":
        return "Nobody has written down a goal yet."
    if kind in {"zombies", "shadow-goals", "neglected"} and not graph.use.known:
        return "Use is not known: connect your dashboards tool or a query history. Nothing is called unused until then."
    return ""


def _log(project: Project) -> tuple[tuple[Entry, ...], int]:
    records = list(deciding_.log(project).records())
    rows = [
        Entry(
            on=r["on"],
            by=r["by"],
            act=r["act"],
            asset=r["asset"],
            reason=r["reason"] or "",
            until=r["until"],
            state=r["state"],
            undo=r["undo"] or "",
        )
        for r in records[:MOST_LOGGED]
    ]
    return tuple(rows), max(0, len(records) - MOST_LOGGED)


def _done(log: Sequence[Entry], handles: Sequence[str]) -> dict[str, Any]:
    """What was just decided, by the handles of the log; nothing where it was taken back since."""
    mine = [entry for entry in log if entry.undo and entry.undo in handles]
    said = [f"{_PAST[e.act]} {e.asset}" + (f", until {e.until}" if e.until else "") for e in mine]
    more = [f"{len(said) - 3:,} more"] if len(said) > 4 else said[3:]
    return {"done": (*said[:3], *more), "undo": ",".join(e.undo for e in mine)}


_PAST = {
    "keep": "Kept",
    "link": "Linked",
    "retire": "Announced the retirement of",
    "snooze": "Snoozed",
    "assign": "Assigned",
    "reopen": "Reopened",
}


# ---------------------------------------------------------------------- one decision, before it is made


class Offer(msgspec.Struct, frozen=True):
    """A key result that something can be linked to."""

    id: str
    name: str
    evidence: str
    """Why it is suggested; '' for one that is only possible."""


class Chosen(msgspec.Struct, frozen=True):
    """A finding that is decided about."""

    handle: str
    name: str
    kind: str
    why: str
    cost_text: str


class Step(msgspec.Struct, frozen=True):
    """Something that would go, in its order."""

    order: int
    name: str
    what: str
    owner: str
    cost_text: str


class Deciding(Page, frozen=True, kw_only=True):
    """One decision before it is made: about what, with which consequence, and what else has to be said."""

    act: str
    heading: str
    findings: str
    stamp: str
    """What was decided about these before; a form that was sent twice has an old one."""
    chosen: tuple[Chosen, ...]
    left_out: tuple[str, ...]
    """Sentences about findings that this cannot be decided about."""
    consequence: tuple[str, ...]
    offers: tuple[Offer, ...]
    steps: tuple[Step, ...]
    told: tuple[str, ...]
    """Teams that must be told, and what people have to do themselves."""
    files: tuple[str, ...]
    stages: tuple[StagePlan, ...]
    """Of a retirement: what each stage would change, and how."""
    problem: str
    """Why it cannot be done, or could not; else ''."""
    blocked: bool
    """It cannot be done, whatever is filled in."""
    back: str
    soon: date
    """A day that is offered."""
    today: date
    given: dict[str, str]
    """What was filled in already."""


def choose(
    project: Project, act: str, handles: Sequence[str], *, given: Mapping[str, str] | None = None, problem: str = ""
) -> Deciding:
    """What a decision would do. Nothing is written. Raises UnknownName for an act or a finding that is not there."""
    if act not in ACTS:
        raise UnknownName("decision", act[:40], get_close_matches(act, ACTS, n=3))
    graph = project.graph()
    every = deciding_.found(project, handles)
    fits = [c for c in every if act in c.item.acts and (c.state.open or act != "assign")]
    left = [f"{c.item.name} is left out: {_why_not(c.item.bearing, act)}." for c in every if c not in fits]
    ledger = month(graph)
    total = sum(c.item.now.cost or 0 for c in fits)
    kind = every[0].item.kind
    plan = _plan(project, [c.item.handle for c in fits]) if act == "retire" and fits and not problem else _Plan()
    names = plural(len(fits), "finding") if len(fits) != 1 else fits[0].item.name
    cost = f", {figures.in_unit(ledger.unit, total)} {figures.per(ledger)}" if total and ledger else ""
    return Deciding(
        title=f"{ACTS[act]}, triage",
        sentence=(Phrase(f"{_HEADS[act]} {names}{cost}"),),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        act=act,
        heading=f"{_HEADS[act]} {names}{cost}",
        findings=",".join(c.item.handle for c in fits),
        stamp=stamp(project, [c.item.handle for c in fits]) if fits else "",
        chosen=tuple(
            Chosen(
                c.item.handle,
                c.item.name,
                KINDS[c.item.kind],
                c.item.why,
                figures.in_unit(ledger.unit, c.item.now.cost) if ledger and c.item.now.cost is not None else "",
            )
            for c in fits
        ),
        left_out=tuple(left),
        consequence=(*_CONSEQUENCES[act], *plan.said),
        offers=tuple(_offers(graph, [c.item.node for c in fits])) if act == "link" else (),
        steps=plan.steps,
        told=plan.told,
        files=plan.files,
        stages=stages_of(project, [graph.nodes[c.item.node].id for c in fits]) if plan.steps else (),
        problem=problem or plan.problem or ("" if fits else "Nothing of it can be decided like this."),
        back=address("triage", kind),
        soon=graph.as_of + timedelta(days=30 if act == "snooze" else 180),
        today=graph.as_of,
        blocked=bool(plan.problem),
        given={**dict.fromkeys(_FIELDS, ""), **(given or {})},
    )


_FIELDS = ("reason", "until", "to", "key_result", "on")


def stamp(project: Project, handles: Sequence[str]) -> str:
    """Names what was decided about some findings so far; another one as soon as anything more is."""
    keys = sorted(case.item.key for case in deciding_.found(project, handles))
    known = deciding_.decisions_of(project).all
    return str(sum(d.entry.subject in keys and d.entry.act != "comment" for d in known))


_HEADS = {"keep": "Keep", "link": "Link", "retire": "Retire", "snooze": "Snooze", "assign": "Assign"}
_CONSEQUENCES: Mapping[str, tuple[str, ...]] = {
    "keep": (
        "It leaves the list, and comes back when the day is over, its cost doubles, or its use changes.",
        "No other answer and no gate changes.",
    ),
    "snooze": ("It leaves the list until that day, that day included. Nothing else changes.",),
    "assign": ("It stays on the list, under that team.",),
    "link": ("The link is written into links.yml, as accepted. It counts after the next sync.",),
    "retire": ("It is announced in retirements.yml, with a day. Nothing is switched off or dropped yet.",),
}


def _why_not(bearing: bool, act: str) -> str:
    if bearing:
        return "something protected or outside stands on it"
    return {
        "link": "only dashboards are linked to key results",
        "retire": "only what nobody uses is retired",
    }.get(act, "it is decided already")


def _offers(graph: Graph, boards: Sequence[int]) -> Iterator[Offer]:
    """Key results: those that are suggested first, with the evidence, then the others by objective."""
    from headway.graph.suggest import suggestions

    seen = set()
    for offered in suggestions(graph):
        if offered.board in boards and offered.goal not in seen:
            seen.add(offered.goal)
            yield Offer(graph.nodes[offered.goal].id, graph.nodes[offered.goal].label, listed(list(offered.reasons)))
    for goal in graph.goals_in(graph.active):
        if goal in graph.targets and goal not in seen:
            node, above = graph.nodes[goal], graph.nodes[graph.objective_of(goal)]
            yield Offer(node.id, f"{node.label} ({above.label})", "")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a retirement would do."""

    steps: tuple[Step, ...] = ()
    told: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    problem: str = ""


def _plan(project: Project, handles: Sequence[str]) -> _Plan:
    from headway.errors import HeadwayError

    try:
        outcome = deciding_.retire(project, handles, by="", write=False)
    except HeadwayError as error:
        return _Plan(problem=f"{error.message[:1].upper()}{error.message[1:]}.")
    prepared = outcome.prepared
    assert prepared is not None
    ledger = month(project.graph())
    going = [r for section in (prepared.answer, *prepared.answer.sections) for r in _going(section, prepared.nodes)]
    steps = tuple(
        Step(
            r["order"],
            r["asset"],
            str(r["kind"]).replace("_", " "),
            figures.team(r["owner"] or ""),
            figures.in_unit(ledger.unit, r["cost_per_month"]) if ledger and r.get("cost_per_month") is not None else "",
        )
        for r in going
    )
    owners = sorted({s.owner for s in steps} - {""})
    nobody = [s.name for s in steps if not s.owner]
    told = [f"Tell {owner}." for owner in owners]
    told += [f"Nobody owns {listed(nobody)}: find out who should know."] if nobody else []
    refused = listed([sentence.removeprefix("--write would refuse: ") for sentence in outcome.sentences])
    changed = tuple(f"{c.path}{'' if c.before is not None else ' (new)'}" for c in prepared.changes)
    problem = refused or next(iter(prepared.too_old), "")
    return _Plan(steps, (*told, *prepared.notes), changed, (prepared.answer.headline,), problem)


def _going(section: Answer, nodes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a section that go, with their order."""
    if "order" in {column.key for column in section.columns}:
        for row, record in zip(section.rows, section.records(), strict=True):
            if row.node in nodes:
                yield dict(record)
