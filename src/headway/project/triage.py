"""Deciding about findings: each decision is an entry of the ledger, and what it does to files is done with it.

Keep, snooze, assign and reopen are entries alone. Link also accepts the link in links.yml, retire also announces the
retirement in retirements.yml; when the entry cannot be written, neither is.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headway.answer import Answer, Column, Finding, listed, plural
from headway.errors import UnknownName, UsageError
from headway.files import alone, content, write_whole
from headway.graph.ledger import Entry
from headway.project import decisions as links
from headway.project import journal
from headway.project import retire as retirement
from headway.project.dbt_files import DbtFiles
from headway.project.ledger import entries
from headway.project.retirements import desk_of, retiring
from headway.project.reviewed import printable
from headway.questions.evidence import the_goal
from headway.questions.triage import KINDS_OF_FINDING, Case
from headway.questions.triage_state import Act, Decision, Decisions, Said, body_of, digest_of

if TYPE_CHECKING:
    from headway.project.retire import Prepared
    from headway.project.workspace import Project

LONGEST = 2_000
"""Characters of a reason at most."""
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided."""

    sentences: tuple[str, ...]
    """For people, one per finding, and what else happened."""
    entries: tuple[Entry, ...] = ()
    """As they are in the ledger; none when nothing was written."""
    prepared: Prepared | None = None
    """Of `retire`: what goes, and what changes."""


def keep(project: Project, findings: Sequence[str], *, by: str, reason: str, until: date | None = None) -> Outcome:
    """Keep what findings are about, for a reason, at most until a day. Raises as `found` does, and UsageError."""
    if not reason.strip():
        raise UsageError("whoever keeps something says why", hint='--reason "the auditor reads it in January"')
    return _decided(project, "keep", findings, by, Said(reason=reason, until=_ahead(project, until)))


def snooze(project: Project, findings: Sequence[str], *, by: str, until: date, reason: str = "") -> Outcome:
    """Leave findings alone until a day, that day included. Raises as `found` does, and UsageError."""
    return _decided(project, "snooze", findings, by, Said(reason=reason, until=_ahead(project, until)))


def assign(project: Project, findings: Sequence[str], *, by: str, to: str, reason: str = "") -> Outcome:
    """Say which team decides about findings; they stay open. Raises as `found` does, and UsageError."""
    if not to.strip():
        raise UsageError("it is not said to whom", hint="--to names the team")
    return _decided(project, "assign", findings, by, Said(reason=reason, to=to))


def reopen(project: Project, findings: Sequence[str], *, by: str, reason: str = "") -> Outcome:
    """Put findings that were decided about back on the open list. Raises as `found` does, and UsageError."""
    for case in found(project, findings):
        if case.state.open:
            raise UsageError(f"{_name(case)} is open already", hint="nothing was written")
    return _decided(project, "reopen", findings, by, Said(reason=reason))


def link(project: Project, findings: Sequence[str], *, by: str, key_result: str, reason: str = "") -> Outcome:
    """Accept that dashboards show a key result: in links.yml, and in the ledger.

    Raises as `found` and `decisions.decide` do; then links.yml is as it was.
    """
    chosen = found(project, findings)
    _allowed(chosen, "link")
    graph = project.graph()
    goal = graph.nodes[the_goal(graph, key_result, "key_result")]
    wanted = _entries(project, "link", chosen, by, Said(reason=reason, key_result=goal.id))
    path = links.file_of(project)
    done = []
    with _recording(project, wanted) as record, alone(Path(project.config.root)):
        before = content(path, path.name)
        try:
            for case in chosen:
                board = graph.nodes[case.item.node].id
                done.append(
                    links.decide(project, accepted=True, upstream=board, downstream=goal.id, by=by, note=reason)
                )
            kept = record()
        except BaseException:
            if before is not None:
                write_whole(path, before, path.name)
            else:
                path.unlink(missing_ok=True)
            raise
    said = [f"{one.sentence}: {one.file}, line {one.line}" for one in done]
    if graph.synced_at is not None:
        said.append("It counts after the next headway sync.")
    return Outcome((*_sentences("link", chosen, kept), *said), kept)


def retire(
    project: Project,
    findings: Sequence[str],
    *,
    by: str,
    reason: str = "",
    on: date | None = None,
    write: bool = False,
) -> Outcome:
    """Announce the retirement of what findings are about; without `write` only say what that would do.

    What has to go with it goes too, and findings about that are decided by the same run. Raises as `found`,
    `retire.prepare` and `retire.write` do, and UsageError when something of it has to stay, or when somebody decided
    otherwise about what would go along.
    """
    chosen = found(project, findings)
    _allowed(chosen, "retire")
    ids = [project.graph().nodes[case.item.node].id for case in chosen]
    prepared = retirement.prepare(project, assets=",".join(ids), stage="announced", on=on, regardless=True)
    going = [c for c in _cases(project) if project.graph().nodes[c.item.node].id in prepared.nodes]
    named = {case.item.key for case in chosen}
    against = [c for c in going if not c.state.open and c.state.word != "retiring" and c.item.key not in named]
    if not write:
        return Outcome(tuple(f"--write would refuse: {_against(c)}" for c in against), prepared=prepared)
    if against:
        raise UsageError(_against(against[0]), hint="reopen it, or name it too")
    if staying := [case for case, node in zip(chosen, ids, strict=True) if node not in prepared.nodes]:
        names = listed([case.item.name for case in staying])
        hint = f"headway retire-plan {staying[0].item.name} says why"
        raise UsageError(f"{names} cannot go: something else needs it", hint=hint)
    going = [c for c in going if "retire" in c.item.acts and c.state.word != "retiring"]
    wanted = _entries(project, "retire", going, by, Said(reason=reason, run=prepared.id))
    with _recording(project, wanted) as record:
        retirement.write(project, prepared)
        try:
            kept = record()
        except BaseException:
            retirement.undo(project, prepared.id)
            raise
    return Outcome(_sentences("retire", going, kept), kept, prepared)


def undo(project: Project, decided: Sequence[str], *, by: str, reason: str = "") -> Outcome:
    """Take decisions back, by the handles that `log` has; what was decided before them holds again.

    Of a link the entry in links.yml goes, of a retirement what its run wrote, with every decision of that run. Raises
    UsageError for what is no decision, or taken back already, and what `retire.undo` raises.
    """
    known = decisions_of(project)
    ours: dict[str, Decision] = {}
    for name in decided:
        decision = _decision(known, name)
        same = [d for d in known.all if d.said.run and d.said.run == decision.said.run and d.digest not in known.undone]
        ours |= {d.digest: d for d in same or [decision]}
    wanted = [
        _entry(project, "undo", d.entry.subject, by, Said(reason=reason, asset=d.said.asset, undoes=d.digest))
        for d in ours.values()
    ]
    said: list[str] = []
    with _recording(project, wanted) as record:
        said += [_run_back(project, run) for run in dict.fromkeys(d.said.run for d in ours.values() if d.said.run)]
        for d in ours.values():
            if d.entry.act == "link":
                where = links.take_back(project, d.entry.subject.partition("::")[2], d.said.key_result)
                said.append(f"taken out of {where}" if where else "links.yml does not have it any more")
        kept = record()
    names = [f"Taken back: {d.said.asset or d.entry.subject}, {d.words(project.as_of)}" for d in ours.values()]
    return Outcome((*map(printable, names), *said), kept)


def log(project: Project) -> Answer:
    """What was decided, newest first, with what still holds and the handle that takes it back."""
    found = desk_of(project)
    known = found.decisions
    back = {
        case.state.decision.digest for case in found.cases if case.state.word == "came back" and case.state.decision
    }
    rows = []
    for d in reversed(known.all):
        undo_ = d.digest[:7] if d.entry.act != "undo" and d.digest not in known.undone else None
        values = (
            d.day,
            d.entry.by,
            d.entry.act,
            d.said.asset or d.entry.subject,
            KINDS_OF_FINDING.get(d.entry.subject[:5]),
            d.said.reason or None,
            d.said.to or d.said.key_result or d.said.run or d.said.undoes[:7] or None,
            d.said.until,
            "came back" if d.digest in back else _stands(known, d, project.as_of),
            undo_,
        )
        rows.append(Finding(values=values, node=d.entry.subject.partition("::")[2], counts=False))
    columns = (
        Column("on", "On", "date"),
        Column("by", "By"),
        Column("act", "Decided"),
        Column("asset", "About"),
        Column("kind", "Kind", secondary=True),
        Column("reason", "Because"),
        Column("to", "To", secondary=True),
        Column("until", "Until", "date"),
        Column("state", "State"),
        Column("undo", "Undo"),
    )
    headline = f"{plural(len(rows), 'decision')} so far." if rows else "Nothing has been decided yet."
    if known.unread:
        headline += f" {known.unread:,} more cannot be read by this version."
    return Answer(
        question="decisions", code="HW952", headline=headline, columns=columns, rows=tuple(rows), as_of=project.as_of
    )


def decisions_of(project: Project) -> Decisions:
    """Everything that was decided up to the day of the answer."""
    return Decisions(entries(project, "finding"), project.as_of)


def supplied(project: Project, what: str) -> Any:
    """What the question of triage needs beyond the graph: the `decisions`, and the `retirements` that there are."""
    return entries(project, "finding") if what == "decisions" else retiring(project)


def found(project: Project, names: Sequence[str]) -> list[Case]:
    """The findings that people mean, each once: `@1f0c9a2`, `HW201:old_orders`, or the name of an asset.

    Raises UnknownName for what is no finding, UsageError for what fits several, and for no name at all.
    """
    if not names:
        raise UsageError("no finding is named", hint="headway triage lists them")
    every = _cases(project)
    chosen: dict[str, Case] = {}
    for name in names:
        fits = [case for case in every if _means(project, case, name)]
        if not fits:
            known = {n: None for case in every for n in (case.item.handle, case.item.name)}
            near = difflib.get_close_matches(name.rpartition(":")[2], known, n=3)
            raise UnknownName("finding", name, near)
        if len(fits) > 1:
            handles = ", ".join(f"{c.item.handle} ({c.item.kind})" for c in fits[:5])
            raise UsageError(f"{name!r} fits {len(fits)} findings", hint=f"name one of them: {handles}")
        chosen[fits[0].item.key] = fits[0]
    return list(chosen.values())


def open_cases(project: Project) -> list[Case]:
    """The findings that want a decision, in the order of the list."""
    return [case for case in _cases(project) if case.state.open]


def all_cases(project: Project) -> list[Case]:
    """Every finding, decided about or not, those that want a decision first."""
    return list(_cases(project))


# ---------------------------------------------------------------------- which findings


def _against(case: Case) -> str:
    return printable(f"{case.item.name} would go along, and it was {case.state.sentence}")


def _cases(project: Project) -> Sequence[Case]:
    return desk_of(project).cases


def _means(project: Project, case: Case, name: str) -> bool:
    if name.startswith("@"):
        return case.item.handle == name
    code, colon, rest = name.partition(":")
    if colon and code in {case.item.code, case.item.kind}:
        name = rest.removeprefix(":")
    node = project.graph().nodes[case.item.node]
    return name in {node.id, node.name, node.label, case.item.name}


def _name(case: Case) -> str:
    return printable(case.item.name)


def _allowed(chosen: Sequence[Case], act: str) -> None:
    for case in chosen:
        if act not in case.item.acts:
            can = [_PAST[one].lower() for one in case.item.acts if one in _PAST]
            what = {"retire": "cannot be retired", "link": "cannot be linked to a key result"}[act]
            raise UsageError(f"{_name(case)} ({case.item.kind}) {what}", hint=f"it can be {listed(can)}")


# ---------------------------------------------------------------------- writing it down


def _decided(project: Project, act: Act, findings: Sequence[str], by: str, said: Said) -> Outcome:
    chosen = found(project, findings)
    with _recording(project, _entries(project, act, chosen, by, said)) as record:
        kept = record()
    return Outcome(_sentences(act, chosen, kept), kept)


def _entries(project: Project, act: Act, chosen: Sequence[Case], by: str, said: Said) -> list[Entry]:
    return [
        _entry(project, act, c.item.key, by, replace(said, asset=c.item.name, kind=c.item.kind, was=c.item.now))
        for c in chosen
    ]


def _entry(project: Project, act: Act, subject: str, by: str, said: Said) -> Entry:
    said = replace(said, on=project.as_of, reason=printable(said.reason), to=printable(said.to), asset=said.asset[:200])
    for name, text in (("reason", said.reason), ("name", said.to)):
        if len(text) > LONGEST:
            raise UsageError(f"a {name} of {len(text):,} characters is too long", hint=f"at most {LONGEST:,}")
    return Entry(at=datetime.now(UTC), by=by, topic="finding", subject=subject, act=act, body=body_of(said))


@contextmanager
def _recording(project: Project, wanted: Sequence[Entry]) -> Iterator[Callable[[], tuple[Entry, ...]]]:
    """Everything is checked and the store is open before anything else is done; what is yielded writes it down."""
    from headway.store.ledger import checked

    if not project.use_store:
        raise UsageError("what people decide is kept in a store", hint="leave out what names the files one by one")
    good = [checked(entry) for entry in wanted]
    with project.store() as store:
        yield lambda: store.record_all(good)


def _sentences(act: Act, chosen: Sequence[Case], kept: Sequence[Entry]) -> tuple[str, ...]:
    said = []
    for case, entry in zip(chosen, kept, strict=True):
        until = entry.body.get("until")
        more = f", until {until}" if until else f" to {entry.body['to']}" if act == "assign" else ""
        said.append(f"{_PAST[act]}: {_name(case)} ({case.item.kind}){more}  [{digest_of(entry)[:7]}]")
    return tuple(said)


_PAST = {
    "keep": "Kept",
    "link": "Linked",
    "retire": "Announced",
    "snooze": "Snoozed",
    "assign": "Assigned",
    "reopen": "Reopened",
}


def _ahead(project: Project, until: date | None) -> date | None:
    if until is not None and until < project.as_of:
        raise UsageError(f"{until} is over already", hint=f"the answer is for {project.as_of}")
    return until


# ---------------------------------------------------------------------- taking it back


def _decision(known: Decisions, name: str) -> Decision:
    """The decision that a handle means. Raises UsageError."""
    fits = [d for d in known.all if d.digest.startswith(name) and d.entry.act != "undo"]
    if len(name) < _SHORTEST or not fits:
        raise UsageError(f"there is no decision {name!r}", hint="headway decisions lists them")
    if len(fits) > 1:
        raise UsageError(
            f"{name!r} fits {len(fits)} decisions", hint="give more of it: headway decisions --format json"
        )
    back = known.undone.get(fits[0].digest)
    if back is not None:
        raise UsageError(f"{name} was taken back already, by {back.entry.by}", hint="nothing was written")
    return fits[0]


def _run_back(project: Project, run: str) -> str:
    root = DbtFiles.of(project.config).root
    if run not in {j.id for j in journal.journals(root)}:
        return f"the run {run} is not there to be taken back in files any more"
    files = len(retirement.undo(project, run).files)
    return f"took back {run}: {plural(files, 'file')}"


def _stands(known: Decisions, decision: Decision, today: date) -> str:
    if decision.entry.act == "undo":
        return "done"
    back = known.undone.get(decision.digest)
    if back is not None:
        return f"taken back by {back.entry.by}"
    if not known.holds(decision):
        return "decided anew"
    return "over" if decision.said.until is not None and decision.said.until < today else "holds"
