"""`headway retire`: take assets out of service in steps, by edits of the dbt project that can be taken back.

What can go is decided by the graph (see graph.retirement) and, for what the graph does not know, by the project's
tests. Everything is prepared in memory; `write` makes all changes or none. Nothing is ever run on the warehouse.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headway.answer import Answer, Column, Finding, listed, plural
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Node, Origin
from headway.graph.retirement import Retirement, plan
from headway.project import journal
from headway.project.dbt_files import DbtFiles, Resource
from headway.project.dbt_nested import NESTED, owner, staying
from headway.project.dbt_stages import Stage, edits, statements
from headway.project.journal import Change, Journal
from headway.project.retirements import FILE, HEAD, STAGES, Record, desk_of, latest, read_records
from headway.project.reviewed import appended, printable
from headway.questions.retire import leaving_mask, plan_answer, reason_to_go, roots_of

if TYPE_CHECKING:
    from headway.project.workspace import Project

_DBT = "dbt:"


@dataclass(frozen=True)
class Prepared:
    """A retirement before it happens: what goes, which files change and how, what is left to people."""

    id: str
    stage: Stage
    on: date
    answer: Answer
    nodes: tuple[str, ...]
    """Ids of what goes, in the order in which it goes."""
    changes: tuple[Change, ...]
    statements: tuple[str, ...]
    """DROP statements, and comments for what is not dropped."""
    notes: tuple[str, ...] = ()
    """What people have to do themselves, or ought to know."""
    leftovers: tuple[tuple[str, str, str], ...] = ()
    """Macros, docs blocks and seeds that nothing else uses: what, name, file."""
    too_old: tuple[str, ...] = field(default=())
    """Why nothing may be written: usage that is not known, or too old."""


def prepare(
    project: Project,
    *,
    assets: str = "",
    select: str = "",
    objective: str = "",
    everything: bool = False,
    stage: Stage = "announced",
    on: date | None = None,
    regardless: bool = False,
) -> Prepared:
    """Everything a retirement would do. Nothing is written.

    Without assets, selector, objective or `everything` it goes on with what an earlier stage was recorded of. What
    somebody decided to keep goes only when it is named; `regardless` leaves that to the caller. What is that far
    already is not written again, unless `on` is later. `on` is the day of the stage; the as-of date without.

    Raises UsageError and UnknownName for what cannot be asked for, InputError for a file that cannot be edited,
    ConfigError for a project that cannot be used.
    """
    graph, files = project.graph(), DbtFiles.of(project.config)
    _nothing_half_done(files)
    day = on or project.as_of
    if day < project.as_of:
        raise UsageError(f"{day} is over already", hint=f"the answer is for {project.as_of}")
    known = latest(read_records(files.root / FILE))
    named = bool(assets or select or objective or everything)
    off = _switched_off(graph, known, assets) if stage == "dropped" else ()
    names = ",".join(n for n in _names(assets) if not any(_means(node, n) for node in off))
    leaving = leaving_mask(graph, objective)
    roots: AbstractSet[int] | None
    if select or objective or everything or names:
        roots = roots_of(graph, names, select, leaving)
    else:
        roots = frozenset() if named else _recorded(graph, known, stage)
    if not named and not roots and not off:
        hint = "name assets, or give --select, --objective or --zombies"
        raise UsageError(f"nothing is recorded that could be {stage} next", hint=hint)
    far = _far_already(graph, known, stage, on, names)
    held = {} if regardless else _decided_otherwise(project, graph, names)
    found = _with_tests(graph, files, roots, leaving, held)
    order = [i for part in found.components for i in part if i not in far]
    order.sort(key=lambda i: found.turn[i])
    _not_too_early(known, [graph.nodes[i] for i in order] + list(off), stage, project.as_of)
    going = [_Going(graph.nodes[i], reason_to_go(graph, i, leaving)) for i in order]
    going += [_Going(node, known[node.id].because) for node in off]
    prepared = _prepared(graph, files, found, going, stage, day, leaving=leaving, asked=named or not roots)
    already = [printable(far[i]) for i in sorted(found.going & far.keys())]
    return dataclasses.replace(prepared, notes=(*already, *prepared.notes))


@dataclass(frozen=True, slots=True)
class _Going:
    node: Node
    because: str


def _prepared(
    graph: Graph,
    files: DbtFiles,
    found: Retirement,
    going: Sequence[_Going],
    stage: Stage,
    day: date,
    *,
    leaving: int,
    asked: bool,
) -> Prepared:
    ids = [g.node.id for g in going]
    resources = [r for i in ids if (r := files.resources.get(i.removeprefix(_DBT))) is not None]
    resources += [_resource_of(g.node) for g in going if _is_forgotten(g.node, files)]
    uids = frozenset(r.unique_id for r in resources)
    made = edits(files, resources, stage, day)
    digest = hashlib.sha256("\n".join(ids).encode("utf-8")).hexdigest()[:6]
    journal_id = f"{graph.as_of}-{stage}-{digest}"
    changes = list(made.changes)
    if ids:
        changes.append(_recording(files, going, stage, day, journal_id))
    by_hand = [g.node for g in going if g.node.id.removeprefix(_DBT) not in uids]
    boards = [g.node for g in going if KINDS[g.node.kind].band == "dashboard"]
    also = [(node, o.connector) for node in boards for o in node.also if o.connector != "dbt"]
    notes = [*made.notes, *(_by_hand(node, stage) for node in by_hand)]
    notes += [_by_hand(node, stage, tool) for node, tool in also] + _goals_left(graph, ids)
    too_old = [f"{s.source} ends on {s.end}, {s.days} days before {graph.as_of}" for s in found.stale]
    if not graph.use.known:
        too_old.append("no source of usage is connected")
    answer = plan_answer(graph, found, leaving=leaving, asked=asked)
    if off := [g for g in going if g.node.id not in graph.index]:
        answer = _with_switched_off(answer, off)
    return Prepared(
        id=journal_id,
        stage=stage,
        on=day,
        answer=answer,
        nodes=tuple(ids),
        changes=tuple(c for c in changes if c.before != c.after),
        statements=tuple(statements(resources)),
        notes=tuple(printable(note) for note in notes),
        leftovers=tuple(files.only_used_by(uids)),
        too_old=tuple(too_old),
    )


def write(project: Project, prepared: Prepared) -> Journal:
    """Make the changes of a retirement, all of them or none.

    Raises UsageError when the use of what goes is not known well enough, or when nothing goes; InputError and
    ConfigError when a file was changed meanwhile or cannot be written.
    """
    if prepared.too_old:
        message = f"nothing is retired on usage that is too old or missing: {'; '.join(prepared.too_old)}"
        raise UsageError(message, hint="bring it up to date, or name assets that other sources see")
    if not prepared.nodes:
        raise UsageError("there is nothing to write: nothing of this can go", hint="headway retire-plan says why")
    files = DbtFiles.of(project.config)
    names = listed([node.rpartition(".")[2] for node in prepared.nodes])
    what = f"{prepared.stage}: {names}"
    return journal.apply(files.root, prepared.id, prepared.on.isoformat(), what, prepared.changes)


def summary(prepared: Prepared, *, verbose: bool = False, written: bool = False) -> Iterator[str]:
    """What changes, file by file, as lines for people; with `verbose` every line that differs."""
    if not prepared.nodes:
        return
    yield f"{'Written' if written else 'To be written'}: {prepared.stage} on {prepared.on}"
    for change in prepared.changes:
        yield f"  {printable(change.path)}: {_size(change)}"
        if verbose or (change.before is not None and change.after is not None and change.path != FILE):
            yield from (f"    {line}" for line in differing(change))
    for note in prepared.notes:
        yield f"  {note}"
    if prepared.leftovers:
        yield "Only these used, and left where they are:"
        yield from (f"  {what} {printable(name)} ({printable(file)})" for what, name, file in prepared.leftovers)
    if written:
        yield f"To take it back: headway retire --undo {prepared.id}"
        if prepared.stage != "announced":
            yield "Next: dbt parse, then headway sync where there is a store."
    elif prepared.too_old:
        yield f"--write would refuse: {'; '.join(prepared.too_old)}."
    else:
        yield "Nothing was written; --write does."


def _size(change: Change) -> str:
    if change.after is None:
        return "removed"
    lines = differing(change)
    more, less = sum(x.startswith("+") for x in lines), sum(x.startswith("-") for x in lines)
    if change.before is None:
        return f"new, {plural(more, 'line')}"
    return " and ".join([f"{plural(n, 'line')} {what}" for n, what in ((more, "more"), (less, "fewer")) if n])


def differing(change: Change) -> list[str]:
    """Lines that go and come, each with a mark; nothing of what steers a terminal."""
    before, after = ((data or b"").decode("utf-8", "replace").splitlines() for data in (change.before, change.after))
    found = [x for x in difflib.unified_diff(before, after, n=1, lineterm="") if x[:3] not in {"---", "+++"}]
    return [x[0] + "".join(c if c.isprintable() else " " for c in x[1:]) for x in found if not x.startswith("@@")]


def undo(project: Project, journal_id: str) -> Journal:
    """Take back what one run changed, byte for byte. Raises UsageError and InputError (see journal.undo)."""
    return journal.undo(DbtFiles.of(project.config).root, journal_id)


def status(project: Project) -> Answer:
    """What is being retired, at which stage it is, and which runs can be undone."""
    files, graph = DbtFiles.of(project.config), project.graph()
    known = latest(read_records(files.root / FILE))
    kept = journal.journals(files.root)
    undoable = {j.id for j in kept}
    off = {node.id for node in graph.disabled} | _forgotten(graph, known).keys()
    rows = []
    for record in known.values():
        place = "in service" if record.node in graph.index else "switched off" if record.node in off else "gone"
        following = STAGES[STAGES.index(record.stage) + 1 :][:1]
        undone = record.run if record.run in undoable else None
        values = (record.name, record.stage, record.on, place, following[0] if following else None, undone)
        rows.append(Finding(values=values, node=record.node, counts=False))
    columns = (
        Column("asset", "Asset"),
        Column("stage", "Stage"),
        Column("on", "On", "date"),
        Column("is", "Is"),
        Column("next", "Next"),
        Column("undo", "Undo", secondary=True),
    )
    half = [j.id for j in kept if not j.done]
    headline = f"{len(rows):,} {'asset is' if len(rows) == 1 else 'assets are'} being retired." if rows else ""
    headline = headline or "Nothing is being retired."
    if half:
        headline += f" {half[0]} was interrupted: headway retire --undo {half[0]} takes it back."
    return Answer(
        question="retire", code="HW902", headline=headline, columns=columns, rows=tuple(rows), as_of=graph.as_of
    )


# ---------------------------------------------------------------------- what is asked about


def _names(assets: str) -> list[str]:
    return [name for part in assets.split(",") if (name := part.strip())]


def _means(node: Node, name: str) -> bool:
    return name in {node.id, node.id.removeprefix(_DBT), node.name, node.label}


def _switched_off(graph: Graph, known: Mapping[str, Record], assets: str) -> tuple[Node, ...]:
    """What an earlier run switched off and is still declared, in the order in which it was written down."""
    names = _names(assets)
    off = {node.id: node for node in graph.disabled} | _forgotten(graph, known)
    ours = [off[r.node] for r in known.values() if r.stage == "disabled" and r.node in off]
    return tuple(node for node in ours if not names or any(_means(node, name) for name in names))


def _forgotten(graph: Graph, known: Mapping[str, Record]) -> dict[str, Node]:
    """What was switched off under a model, of which the manifest says nothing any more: by id, from the records."""
    there = graph.index.keys() | {node.id for node in graph.disabled}
    found = {}
    for record in known.values():
        kind = record.node.removeprefix(_DBT).partition(".")[0]
        if record.file and record.stage == "disabled" and record.node not in there and kind in NESTED:
            found[record.node] = Node(id=record.node, kind=kind, name=record.name, origin=Origin("dbt", record.file))
    return found


def _is_forgotten(node: Node, files: DbtFiles) -> bool:
    uid = node.id.removeprefix(_DBT)
    return node.id.startswith(_DBT) and uid.partition(".")[0] in NESTED and uid not in files.resources


def _resource_of(node: Node) -> Resource:
    """What the manifest has forgotten, as it would be there."""
    uid = node.id.removeprefix(_DBT)
    kind, package, name = (*uid.split(".", 2), "", "")[:3]
    return Resource(
        unique_id=uid, name=name, resource_type=kind, package_name=package, original_file_path=node.origin.file
    )


def _recorded(graph: Graph, known: Mapping[str, Record], stage: Stage) -> frozenset[int]:
    """What is in service and recorded at an earlier stage."""
    earlier = STAGES[: STAGES.index(stage)]
    return frozenset(graph.index[r.node] for r in known.values() if r.stage in earlier and r.node in graph.index)


def _nothing_half_done(files: DbtFiles) -> None:
    for one in journal.journals(files.root):
        if not one.done:
            raise UsageError(f"the run {one.id} was interrupted", hint=f"first headway retire --undo {one.id}")


def _not_too_early(known: Mapping[str, Record], nodes: Iterable[Node], stage: Stage, today: date) -> None:
    """Refuse to switch off or drop what was promised to stay until a later day."""
    if stage not in {"disabled", "dropped"}:
        return
    for node in nodes:
        record = known.get(node.id)
        if record is not None and record.on > today and record.stage != stage:
            message = f"{node.label} is {record.stage} only from {record.on} on"
            raise UsageError(message, hint=f"change its date in {FILE}, or wait")


def _far_already(
    graph: Graph, known: Mapping[str, Record], stage: Stage, on: date | None, names: str
) -> dict[int, str]:
    """What is announced or deprecated already: nothing has to be written about it, unless a later day is asked for.

    Raises UsageError where it is named.
    """
    found: dict[int, str] = {}
    named = _named(graph, names)
    for record in known.values():
        i = graph.index.get(record.node)
        ahead = STAGES.index(record.stage) - STAGES.index(stage)
        if i is None or record.stage in {"disabled", "dropped"} or ahead < 0:
            continue
        if ahead == 0 and on is not None and record.on < on:
            continue
        found[i] = f"{graph.nodes[i].label} is {record.stage} already, for {record.on}"
        if i in named:
            raise UsageError(found[i], hint=f"headway retire --undo {record.run} takes that back")
    return found


def _decided_otherwise(project: Project, graph: Graph, names: str) -> dict[int, str]:
    """What somebody decided to keep, or to leave alone for now, and does not name."""
    found: dict[int, str] = {}
    named = _named(graph, names)
    for case in desk_of(project).cases:
        if not case.state.open and case.state.word != "retiring" and case.item.node not in named:
            by = case.state.decision.entry.by if case.state.decision else ""
            found[case.item.node] = f"{by}, by whom it is {case.state.word},"
    return found


def _named(graph: Graph, names: str) -> AbstractSet[int]:
    return (names and roots_of(graph, names, "", 0)) or frozenset()


def _with_tests(
    graph: Graph, files: DbtFiles, roots: Iterable[int] | None, leaving: int, held: dict[int, str]
) -> Retirement:
    """What can go when also the tests of what stays, and what other packages declare, are not to break."""
    asked = None if roots is None else frozenset(roots)
    while True:
        found = plan(graph, asked, leaving=leaving, held=held)
        uids = {graph.nodes[i].id.removeprefix(_DBT): i for i in found.going}
        fresh: dict[int, str] = {}
        for test, uid in files.hindering(frozenset(uids)):
            what = f"the test {test.name}" + (f" of {_tested(files, test, uids)}" if test.attached_node else "")
            fresh.setdefault(uids[uid], what)
        for uid, metric in staying(files, frozenset(uids)):
            fresh.setdefault(uids[uid], f"the metric {metric.name}, which is declared under the same model,")
        for uid in files.time_spines(frozenset(uids)):
            fresh.setdefault(uids[uid], "the semantic layer, whose metrics are computed along its days,")
        for uid, i in uids.items():
            package = files.resources[uid].package_name if uid in files.resources else files.name
            if package != files.name:
                fresh.setdefault(i, f"the package {package}, which is not changed here,")
        if not fresh:
            return found
        held |= fresh


def _tested(files: DbtFiles, test: Resource, going: AbstractSet[str] | Mapping[str, int]) -> str:
    """The name of what a test belongs to that stays."""
    uid = test.attached_node or ""
    return files.resources[uid].name if uid in files.resources and uid not in going else uid


# ---------------------------------------------------------------------- what is written down


def _recording(files: DbtFiles, going: Sequence[_Going], stage: Stage, day: date, run: str) -> Change:
    """The change of the file that says what is being retired."""
    path = files.inside(FILE)
    before = path.read_bytes() if path.exists() else None
    text = before or b""
    for one in going:
        entry = [
            ("retire", one.node.label),
            ("node", one.node.id),
            ("stage", stage),
            ("on", day.isoformat()),
            ("because", one.because),
            ("run", run),
        ]
        if stage == "disabled" and (file := _nested_in(files, one.node)):
            entry.append(("file", file))
        text, _ = appended(text, entry, HEAD)
    return Change(FILE, before, text)


def _nested_in(files: DbtFiles, node: Node) -> str:
    """The property file of what is declared under a model; '' for everything else."""
    resource = files.resources.get(node.id.removeprefix(_DBT))
    if resource is None or resource.resource_type not in NESTED:
        return ""
    return resource.properties if owner(files.document(resource.properties), resource) else ""


def _by_hand(node: Node, stage: Stage, tool: str = "") -> str:
    """What nobody's files say: content of a tool is archived there, a job is stopped where it runs."""
    where = f"in {tool or node.origin.connector or node.id.partition(':')[0]}"
    if node.kind in {"job", "source"}:
        where = "where it runs" if node.kind == "job" else "where it is kept"
    archive = "stop" if node.kind == "job" else "archive"
    what = {"announced": "announce", "deprecated": "mark", "disabled": archive, "dropped": "delete"}[stage]
    return f"{what} the {node.kind.replace('_', ' ')} {node.label} {where} by hand" + (
        f": {node.url}" if node.url else ""
    )


def _with_switched_off(answer: Answer, off: Sequence[_Going]) -> Answer:
    """An answer that also lists what an earlier stage switched off and what goes now."""
    columns = (Column("asset", "Asset"), Column("kind", "Kind"), Column("why", "Why"))
    rows = tuple(
        Finding(values=(g.node.label, g.node.kind.replace("_", " "), g.because), node=g.node.id, counts=False)
        for g in off
    )
    count = plural(len(off), "asset")
    headline = f"{count} that {'is' if len(off) == 1 else 'are'} switched off can be dropped."
    section = replace(answer, headline=headline, columns=columns, rows=rows, sections=(), gaps=(), totals={})
    both = answer.headline if answer.totals.get("going") else ""
    return replace(answer, headline=f"{headline} {both}".strip(), sections=(section, *answer.sections))


def _goals_left(graph: Graph, ids: Sequence[str]) -> list[str]:
    """Key results of ended objectives whose numbers cannot be computed any more."""
    gone = {graph.index[i] for i in ids if i in graph.index}
    goals = [g for g, fed in graph.fed_by.items() if gone & set(fed)]
    return [
        f"{graph.nodes[g].label}, of an objective that ended, keeps its readings and gets no new ones" for g in goals
    ]
