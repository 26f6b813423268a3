"""From dashboards to the DAG: what is linked how, what is open to be decided, and what reads tables that are gone."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Annotated

from headway.answer import Answer, Column, Finding, plural
from headway.graph.decided import Link, handle, is_tool, short_name, table_handle
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.graph.suggest import Suggestion, suggestions
from headway.graph.use import Counted
from headway.questions.evidence import Select, asset_name, chosen, gaps, make, path_steps, people_words
from headway.questions.registry import Says, question

_ORDER = ("broken", "ambiguous", "unmatched", "suggested", "linked", "declined")
_NEAR = 20
"""Rows for which tables that look alike are searched: that is slow, and nobody reads more of them."""

_OPEN_COLUMNS = (
    Column("what", "What"),
    Column("asset", "Read by"),
    Column("tool", "Tool"),
    Column("written", "Named"),
    Column("fits", "Fits"),
    Column("reads", "Reads behind it", "number"),
    Column("people", "People"),
    Column("decide", "To decide"),
)


@question("HW105")
def links(
    graph: Graph,
    *,
    select: Select = "",
    all: Annotated[bool, Says("Also list what is linked, by which tier, and what was declined.")] = False,  # noqa: A002
) -> Answer:
    """Which links between dashboards, tables and goals are open, and how is each decided?

    A table that a dashboard tool reads is *ambiguous* when it fits several nodes, *broken* when dbt builds where it
    lies but not the table, and *unmatched* when it fits nothing. A link between a dashboard and a key result is
    *suggested* when the dashboard seems to show it; it counts when somebody accepts it. `--all` also lists the links
    there are, with the tier each was found by: relation, schema and table, table, or a decision.
    """
    wanted = set(chosen(graph, select))
    found = _Tables(graph, [link for link in graph.links if link.node in wanted and (all or link.open)])
    offered = [s for s in suggestions(graph) if s.board in wanted]
    rows = [*found.rows(), *(_suggested(graph, s) for s in offered)]
    order = {what: k for k, what in enumerate(_ORDER)}
    rows.sort(key=lambda row: (order[row.values[0]], -(row.values[5] or 0)))
    count = {what: sum(row.values[0] == what for row in rows) for what in _ORDER}
    totals = {**{what: count[what] for what in _ORDER[:4]}, "links": len(graph.links)}
    missing = tuple(_no_tool(graph))
    return make(
        graph,
        "links",
        "HW105",
        _links_words(graph, rows) if not missing else missing[0].message[:1].upper() + missing[0].message[1:] + ".",
        _OPEN_COLUMNS,
        rows,
        totals=totals,
        gaps=(*missing, *gaps(graph, "links", "lineage")),
    )


def _no_tool(graph: Graph) -> Iterator[Gap]:
    """What to say where nothing is known of any dashboard tool: that is not the same as nothing being open."""
    if not graph.links and not any(is_tool(graph.nodes[i]) for i in graph.assets):
        message = "no dashboard tool has been read, so nothing is known of what dashboards read"
        yield Gap(topic="lineage", message=message, hint="add one under connectors: in headway.yml, then headway sync")


def _links_words(graph: Graph, rows: Sequence[Finding]) -> str:
    """How many tables are linked, how many are not and why; then the suggestions."""
    tables = {link.name for link in graph.links}
    count = {what: len({row.values[3] for row in rows if row.values[0] == what}) for what in _ORDER}
    linked = len({link.name for link in graph.links if link.upstream is not None})
    open_ = "".join(f", {count[what]:,} {what}" for what in _ORDER[:3] if count[what])
    offered = sum(row.values[0] == "suggested" for row in rows)
    said = plural(offered, "link to a key result is suggested", "links to key results are suggested")
    parts = ["No dashboard tool names a table."]
    if tables:
        verb = "is" if linked == 1 else "are"
        parts = [f"Of {plural(len(tables), 'table')} that dashboard tools read, {linked:,} {verb} linked{open_}."]
    if offered:
        parts.append(f"{said}.")
    elif not open_ and tables:
        parts.append("Nothing is open to be decided.")
    return " ".join(parts)


class _Tables:
    """Rows about tables that tools read."""

    def __init__(self, graph: Graph, links: Sequence[Link]) -> None:
        self._graph = graph
        self._links = sorted(links, key=lambda link: (link.name, graph.nodes[link.node].id))
        self._readers: dict[str, int] = {}
        for link in graph.links:
            self._readers[link.name] = self._readers.get(link.name, 0) + 1
        self._near: dict[str, tuple[str, ...]] = {}
        self._behind: dict[int, tuple[int | None, str | None]] = {}

    def rows(self) -> Iterator[Finding]:
        graph = self._graph
        for link in self._links:
            what = self._what(link)
            if link.node not in self._behind:
                self._behind[link.node] = behind(graph, [link.node])
            reads, people = self._behind[link.node]
            values = (
                what,
                asset_name(graph, link.node),
                _tool(graph, link.node),
                link.name,
                self._fits(link, what),
                reads,
                people,
                self._decide(link, what),
            )
            up = link.upstream
            path = path_steps(graph, [up, link.node]) if up is not None else ()
            yield Finding(values=values, node=graph.nodes[link.node].id, path=path, counts=link.open)

    def _what(self, link: Link) -> str:
        if link.declined:
            return "declined"
        if link.match.node is not None:
            return "linked"
        if link.match.nodes:
            return "ambiguous"
        return "broken" if link.name in self._graph.broken else "unmatched"

    def _fits(self, link: Link, what: str) -> str | None:
        nodes = self._graph.nodes
        if what == "linked":
            return f"{nodes[link.match.nodes[0]].id}, by {link.match.tier}"
        if what == "declined":
            return f"declined: {link.decision.origin}" if link.decision else None
        if link.match.nodes:
            return f"{_ids(nodes[i].id for i in link.match.nodes)}, by {link.match.tier}"
        if link.match.alike:
            said = f"called so elsewhere: {_ids(nodes[i].id for i in link.match.alike)}"
        else:
            near = self._alike(link)
            said = f"looks like {_ids(near)}" if near else ""
        why = self._graph.broken[link.name].why if what == "broken" else ""
        return "; ".join(filter(None, (why, said))) or None

    def _alike(self, link: Link) -> tuple[str, ...]:
        """Names of tables that dbt builds and that look alike."""
        if link.name not in self._near:
            if len(self._near) >= _NEAR:
                return ()
            self._near[link.name] = self._graph.directory.near(link.name.rpartition(".")[2], "model")
        return self._near[link.name]

    def _decide(self, link: Link, what: str) -> str | None:
        """The command that decides it, for every reader where there are several, ready to be pasted.

        What only looks alike is not offered: `NODE` is for a person to fill in.
        """
        if what in {"linked", "declined"}:
            return None
        graph = self._graph
        several = self._readers[link.name] > 1
        short = table_handle(link, None if several else graph.nodes[link.node])
        options = link.match.nodes or link.match.alike
        if options:
            return _command("accept", short, "--as", short_name(graph.directory, options[0]))
        return _command("accept", short, "--as", "NODE") if what == "broken" else _command("decline", short)


def _suggested(graph: Graph, offered: Suggestion) -> Finding:
    board, goal = graph.nodes[offered.board], graph.nodes[offered.goal]
    reads, people = behind(graph, [offered.board])
    values = (
        "suggested",
        asset_name(graph, offered.board),
        _tool(graph, offered.board),
        f"shows {goal.label}",
        f"{offered.score:.0%}: {'; '.join(offered.reasons)}",
        reads,
        people,
        _command("accept", handle(board.id, goal.id)),
    )
    return Finding(values=values, node=board.id)


def _command(verb: str, *words: str) -> str:
    return " ".join(("headway link", verb, *(_quoted(word) for word in words)))


def _quoted(word: str) -> str:
    """A word as a shell takes it; what would break the line is left out."""
    import shlex

    return shlex.quote("".join(c for c in word if c.isprintable()))


def _ids(names: Iterable[str], most: int = 3) -> str:
    known = list(names)
    return ", ".join(known[:most]) + (f" and {len(known) - most:,} more" if len(known) > most else "")


def _tool(graph: Graph, i: int) -> str | None:
    node = graph.nodes[i]
    if node.id.startswith("dbt:"):
        return node.also[0].connector if node.also else "dbt"
    return node.id.partition(":")[0] if ":" in node.id else node.origin.connector or None


def behind(graph: Graph, nodes: Iterable[int]) -> tuple[int | None, str | None]:
    """Reads by people of dashboards, charts and all else at or downstream of `nodes`, and how many people they are.

    None where no source of usage says anything about any of them.
    """
    use = graph.use
    below = [i for i in graph.walk(nodes, "downstream") if not KINDS[graph.nodes[i].kind].goal]
    if not any(i in use.seen or use.own[i] for i in below):
        return None, None
    if not any(use.own[i] for i in below):
        return 0, "nobody"
    people, counted = use.audience(below)
    return round(sum(use.reads[i] for i in below)), people_words(people, counted) if people else None


# ---------------------------------------------------------------------- dashboards on tables that are gone


@question("HW106")
def broken(graph: Graph, *, select: Select = "") -> Answer:
    """Which dashboards read a table that nothing builds any more?

    A table counts as gone when its node is disabled, when dbt builds in its schema but no table of that name, or when
    an earlier sync knew it and the last one did not. Listed is what people open: dashboards, charts that are on none,
    and what is downstream of nothing.
    """
    wanted = set(chosen(graph, select))
    read: dict[tuple[int, str], int] = {}
    for link in graph.links:
        if link.open and link.name in graph.broken:
            for top in _tops(graph, link.node):
                if top in wanted:
                    read.setdefault((top, link.name), link.node)
    rows = [_broken_row(graph, top, reader, name) for (top, name), reader in read.items()]
    rows.sort(key=lambda row: (-(row.values[7] or 0), not row.counts, row.values[1] != "dashboard", row.values[0]))
    boards = {top for top, _ in read if _opened(graph, top)}
    tables = {name for _, name in read}
    columns = (
        Column("asset", "Dashboard"),
        Column("kind", "Kind"),
        Column("tool", "Tool", secondary=True),
        Column("table", "Table"),
        Column("why", "Why it is gone"),
        Column("since", "Since", "date"),
        Column("owner", "Owner"),
        Column("reads", f"Reads in {graph.policy.usage_window_days} days", "number"),
        Column("people", "People"),
    )
    missing = tuple(_no_tool(graph))
    if missing:
        headline = "No dashboard can be called broken, because no dashboard tool has been read."
    elif not rows:
        headline = "No dashboard reads a table that dbt no longer builds."
    else:
        headline = " ".join(_broken_words(read, boards))
        opened = [i for i in boards if graph.use.own[i]]
        if opened:
            people: tuple[int, Counted] = graph.use.audience(opened)
            headline += f" {plural(len(opened), 'of them is', 'of them are')} still opened, by {people_words(*people)}."
    return make(
        graph,
        "broken",
        "HW106",
        headline,
        columns,
        rows,
        totals={"broken": len(boards), "tables": len(tables)},
        gaps=(*missing, *gaps(graph, "links", "usage")),
    )


def _broken_words(read: Iterable[tuple[int, str]], boards: Container[int]) -> Iterator[str]:
    """How many dashboards and charts read how many tables that are gone; datasets that no chart uses apart."""
    for opened in (True, False):
        pairs = [(top, name) for top, name in read if (top in boards) == opened]
        readers, tables = len({top for top, _ in pairs}), len({name for _, name in pairs})
        which = ("dashboard or chart reads", "dashboards and charts read")
        if not opened:
            which = ("dataset that no chart uses reads", "datasets that no chart uses read")
        if readers:
            yield f"{plural(readers, *which)} {plural(tables, 'table')} that nothing builds any more."


def _broken_row(graph: Graph, top: int, reader: int, name: str) -> Finding:
    gone = graph.broken[name]
    node = graph.nodes[top]
    reads, people = behind(graph, [top])
    values = (
        asset_name(graph, top),
        node.kind.replace("_", " "),
        _tool(graph, top),
        name,
        gone.why,
        gone.since,
        node.owner or None,
        reads,
        people,
    )
    path = path_steps(graph, _way(graph, reader, top))
    return Finding(values=values, node=node.id, path=path, counts=_opened(graph, top))


def _opened(graph: Graph, i: int) -> bool:
    """Whether people open it, as they do dashboards and charts, and no dataset."""
    return KINDS[graph.nodes[i].kind].queried


def _tops(graph: Graph, reader: int) -> list[int]:
    """What people open of what a table goes into: dashboards, charts on none, and whatever else has nothing below."""
    below = graph.walk([reader], "downstream")
    return [i for i in below if graph.nodes[i].kind == "dashboard" or not graph.downstream[i]]


def _way(graph: Graph, start: int, end: int) -> list[int]:
    """The shortest path downstream from one node to another."""
    before = {start: start}
    todo = [start]
    for i in todo:
        for j in graph.downstream[i]:
            if j not in before:
                before[j] = i
                todo.append(j)
    path = [end]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    return path[::-1]
