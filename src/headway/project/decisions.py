"""Deciding about links: what a person accepts or declines is checked against the graph and appended to a file."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headway.connectors.artifact import read, shown
from headway.connectors.links import DEFAULT_PATH, LONGEST, TABLE, decisions
from headway.errors import ConfigError, Place, UnknownName, UsageError
from headway.files import alone, rewrite
from headway.graph.decided import Link, handle, meant, table_handle, table_meant
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Decision, Node, Origin, Role
from headway.graph.suggest import suggestions
from headway.graph.tables import fold_table
from headway.project.reviewed import appended, printable

if TYPE_CHECKING:
    from headway.project.workspace import Project

_REFERENCE = "ref:table/"
_HEAD = "# What people decided about links, written by `headway link` and open to edit: see `headway links`.\n\n"


@dataclass(frozen=True, slots=True)
class Written:
    """What was decided, and where it stands now."""

    sentence: str
    file: str
    line: int


def decide(
    project: Project,
    *,
    accepted: bool,
    upstream: str,
    downstream: str = "",
    target: str = "",
    by: str = "",
    note: str = "",
) -> Written:
    """Append a decision to the project's file of decisions.

    `upstream` is a node, `table:NAME` for a table as a tool names it, or the handle of an open link (`@1f0c9a2`), which
    says both ends; `downstream` what reads or shows it, empty for everything that reads the table; `target` the node
    that the table means. Raises UnknownName and UsageError for what the graph does not have or cannot link, UsageError
    for what is decided already, InputError when the file cannot be read, ConfigError when it cannot be written.
    """
    for said in (note, by):
        if len(said) > LONGEST:
            raise UsageError(f"a note of {len(said):,} characters is too long", hint=f"at most {LONGEST:,}")
    entry = _Entry.of(project.graph(), upstream, downstream, target, accepted)
    with alone(Path(project.config.root)):
        return _written(project, entry, by, note)


def _written(project: Project, entry: _Entry, by: str, note: str) -> Written:
    path = file_of(project)
    name = shown(path, project.config.root)
    before = bytes(read(path, name)) if path.exists() else None
    known = [d for d in decisions(before, name) if isinstance(d, Decision)] if before and before.strip() else []
    entry.refuse_twice(known)
    lines = [
        (("accept" if entry.accepted else "decline"), entry.sentence),
        ("upstream", entry.upstream),
        ("downstream", entry.downstream),
        ("as", entry.target),
        ("by", by.strip()),
        ("on", project.as_of.isoformat()),
        ("note", note.strip()),
    ]
    text, line = _appended(before or b"", [(key, value) for key, value in lines if value])
    after = decisions(text, name)
    count = sum(isinstance(d, Decision) for d in after)
    if count != len(known) + 1:
        why = next((d for d in after if not isinstance(d, Decision) and d.origin.line >= line), None)
        if why is not None:
            raise UsageError(f"this cannot be written down: {why.message.partition(': ')[2]}", hint=why.hint)
        hint = "write its entries as a plain list, one `- accept:` or `- decline:` after the other"
        raise ConfigError("nothing can be appended to this file", hint=hint, place=Place(name))
    rewrite(path, before, text, name)
    return Written(printable(entry.sentence), name, line)


def take_back(project: Project, upstream: str, downstream: str) -> str:
    """Take the entry that accepts the link between two ids out of the file; its place, '' where there is none.

    Every other byte stays, and nothing is written unless what is left says exactly what it said before. Raises
    InputError and ConfigError.
    """
    with alone(Path(project.config.root)):
        return _taken_back(project, upstream, downstream)


def _taken_back(project: Project, upstream: str, downstream: str) -> str:
    path = file_of(project)
    name = shown(path, project.config.root)
    if not path.exists():
        return ""
    before = bytes(read(path, name))
    known = [d for d in decisions(before, name) if isinstance(d, Decision)]
    ours = [d for d in known if d.accepted and (d.upstream, d.downstream) == (upstream, downstream)]
    if not ours:
        return ""
    lines = before.splitlines(keepends=True)
    start = end = ours[-1].origin.line - 1
    dash = len(lines[start]) - len(lines[start].lstrip(b" "))
    while end + 1 < len(lines) and len(lines[end + 1]) - len(lines[end + 1].lstrip(b" ")) > dash:
        end += 1
    if start and not lines[start - 1].strip():
        start -= 1  # the blank line that sets it apart
    after = b"".join([*lines[:start], *lines[end + 1 :]])
    left = [d for d in decisions(after, name) if isinstance(d, Decision)] if after.strip() else []
    if [_said_by(d) for d in left] != [_said_by(d) for d in known if d is not ours[-1]]:
        raise ConfigError(
            "this entry cannot be taken out alone", place=Place(name, start + 1), hint="take it out by hand"
        )
    rewrite(path, before, after, name)
    return str(ours[-1].origin)


def _said_by(decision: Decision) -> Decision:
    return replace(decision, origin=Origin())


def file_of(project: Project) -> Path:
    """The file that decisions are kept in, whether it is there yet or not."""
    source = next((s for s in project.config.sources if s.connector == "links"), None)
    path = source.options.get("path") if source is not None else None
    return Path(project.config.root, str(path or DEFAULT_PATH))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A decision as it is written: ids, and a sentence for people."""

    sentence: str
    upstream: str
    downstream: str
    target: str
    role: Role
    accepted: bool

    @staticmethod
    def of(graph: Graph, upstream: str, downstream: str, target: str, accepted: bool) -> _Entry:
        if upstream.startswith("@"):
            if downstream:
                raise UsageError(f"{upstream} says both ends already", hint=f"leave out {downstream!r}")
            upstream, downstream = _ends(graph, upstream)
        reader = _node(graph, downstream) if downstream else None
        table = _table_of(graph, upstream, reader)
        if table:
            return _Entry._table(graph, table, reader, target, accepted)
        if target:
            raise UsageError("--as says which node a table means", hint=f"name the table as {TABLE}NAME")
        if reader is None:
            raise UsageError("what is upstream of is missing", hint="name what reads it or shows it, after it")
        up = _node(graph, upstream)
        below, above = graph.nodes[reader], graph.nodes[up]
        if up == reader:
            raise UsageError(f"{_said(above)} cannot be linked to itself")
        if KINDS[above.kind].goal:
            raise UsageError(f"{_said(above)} is a goal, and goals are downstream of everything")
        goal = KINDS[below.kind].goal
        if goal and KINDS[above.kind].band != "dashboard":
            hint = "a key result is computed from what its metric is, and shown on dashboards"
            raise UsageError(f"{_said(above)} is a {above.kind.replace('_', ' ')}, which shows nothing", hint=hint)
        verb = ("shows" if accepted else "does not show") if goal else ("feeds" if accepted else "does not feed")
        role: Role = "shows" if goal else "feeds"
        return _Entry(f"{_said(above)} {verb} {_said(below)}", above.id, below.id, "", role, accepted)

    @staticmethod
    def _table(graph: Graph, table: str, reader: int | None, target: str, accepted: bool) -> _Entry:
        readers = [link for link in graph.links if fold_table(link.name) == fold_table(table)]
        if reader is not None:
            label = _said(graph.nodes[reader])
            if not any(link.node == reader for link in readers):
                raise UsageError(f"{label} does not read a table called {table!r}", hint=_reads(graph, reader))
        if not accepted:
            if target:
                raise UsageError("--as goes with accept", hint="a declined table means no node")
            whose = f"for {_said(graph.nodes[reader])}" if reader is not None else "for every reader"
            sentence = f"{table} is none of the tables of dbt, {whose}"
            return _Entry(
                sentence, TABLE + table, graph.nodes[reader].id if reader is not None else "", "", "feeds", False
            )
        means = _means(graph, table, target)
        whose = f", as {_said(graph.nodes[reader])} reads it" if reader is not None else ""
        node = graph.nodes[means]
        sentence = f"{table} means {_said(node)}{whose}"
        below = graph.nodes[reader].id if reader is not None else ""
        return _Entry(sentence, TABLE + table, below, node.id, "feeds", True)

    def refuse_twice(self, known: list[Decision]) -> None:
        """Raise UsageError when the file says this already, or the opposite."""
        upstream = _key(self.upstream)
        for decision in known:
            if (_key(decision.upstream), decision.downstream, decision.role) != (upstream, self.downstream, self.role):
                continue
            same = decision.accepted == self.accepted and (not self.accepted or decision.target == self.target)
            on = f" on {decision.on}" if decision.on else ""
            by = f" by {decision.by}" if decision.by else ""
            verb = "accepted" if decision.accepted else "declined"
            if same:
                raise UsageError(f"this is {verb} already{on}{by}: {decision.origin}", hint="nothing was written")
            what = f", as {decision.target}" if decision.target else ""
            hint = "change or remove that entry if it does not hold any more"
            raise UsageError(f"this was {verb}{what}{on}{by}: {decision.origin}", hint=hint)


def _ends(graph: Graph, short: str) -> tuple[str, str]:
    """Upstream and downstream of the open link that `headway links` lists by this handle."""
    for link in graph.links:
        for reader in (None, graph.nodes[link.node]):
            if table_handle(link, reader) == short:
                return TABLE + link.name, reader.id if reader is not None else ""
    for offered in suggestions(graph):
        board, goal = graph.nodes[offered.board].id, graph.nodes[offered.goal].id
        if handle(board, goal) == short:
            return board, goal
    hint = "headway links lists what is open; with a store, as it was at the last sync"
    raise UsageError(f"there is no open link {short}", hint=hint)


def _said(node: Node) -> str:
    return printable(node.label)


def _key(upstream: str) -> str:
    name = upstream.removeprefix(_REFERENCE) if upstream.startswith(_REFERENCE) else upstream
    if name is upstream and not upstream.startswith(TABLE):
        return upstream
    return TABLE + fold_table(name.removeprefix(TABLE))


def _table_of(graph: Graph, upstream: str, reader: int | None) -> str:
    """The table that is meant as the tool names it; '' when it is a node that is meant."""
    for prefix in (TABLE, _REFERENCE):
        if upstream.startswith(prefix):
            name = upstream.removeprefix(prefix).strip()
            link = _link(graph, name)
            if link is None:
                raise UnknownName("table that a dashboard tool reads", name, _near(graph, name))
            return link.name
    if meant(graph.directory, upstream).nodes and not (reader is not None and _read_by(graph, upstream, reader)):
        return ""
    link = _link(graph, upstream)
    return link.name if link is not None else ""


def _read_by(graph: Graph, name: str, reader: int) -> bool:
    return any(link.node == reader and fold_table(link.name) == fold_table(name) for link in graph.links)


def _link(graph: Graph, name: str) -> Link | None:
    folded = fold_table(name)
    return next((link for link in graph.links if fold_table(link.name) == folded), None)


def _near(graph: Graph, name: str) -> tuple[str, ...]:
    return tuple(get_close_matches(name, list({link.name: None for link in graph.links}), n=3))


def _reads(graph: Graph, reader: int) -> str:
    names = [link.name for link in graph.links if link.node == reader]
    return f"it reads {', '.join(names[:3])}" if names else "it names no table"


def _means(graph: Graph, table: str, target: str) -> int:
    if target:
        match = table_meant(graph.directory, target)
        means = match.node if match.node is not None else _node(graph, target)
        node = graph.nodes[means]
        if KINDS[node.kind].band not in {"source", "model"}:
            hint = "it is a source, seed, snapshot or model"
            raise UsageError(f"{_said(node)} is a {node.kind.replace('_', ' ')}, which is no table", hint=hint)
        return means
    match = graph.directory.table(table)
    if match.node is None:
        options = ", ".join(graph.nodes[i].id for i in (match.nodes or match.alike)[:3])
        hint = f"--as {options}" if options else "--as NODE"
        raise UsageError(f"which node {table} means has to be said", hint=hint)
    return match.node


def _node(graph: Graph, name: str) -> int:
    """The one node that a person means. Raises UnknownName or UsageError."""
    match = meant(graph.directory, name)
    if match.node is not None:
        return match.node
    if not match.nodes:
        raise UnknownName("node", name, _looks_like(graph, name))
    raise UsageError(f"{name!r} fits {len(match.nodes)} nodes", hint="name one by its id: " + ", ".join(
        graph.nodes[i].id for i in match.nodes[:5]
    ))  # fmt: skip


def _looks_like(graph: Graph, name: str) -> list[str]:
    """Ids of up to three nodes whose name or id looks like `name`, the likest first."""
    plain = name.rpartition(":")[2].rpartition(".")[2]
    kinds = ("asset", "key_result", "objective")
    near = {n for kind in kinds for text in (name, plain) for n in graph.directory.near(text, kind)}
    ids = {graph.nodes[i].id for n in near for kind in kinds for i in graph.directory.find(n, kind).nodes}
    return sorted(ids, key=lambda i: (-_likeness(name, i), i))[:3]


def _likeness(name: str, node: str) -> float:
    """How much of a name is in an id, with or without what stands before it."""
    parts = node.partition(":")[2].split(".")
    endings = (".".join(parts[k:]) for k in range(len(parts)))
    return max(SequenceMatcher(None, name, text).ratio() for text in (node, *endings))


def _appended(before: bytes, entry: list[tuple[str, str]]) -> tuple[bytes, int]:
    """The file with an entry at its end, and the entry's line. What was there before keeps every byte."""
    return appended(before, entry, _HEAD)
