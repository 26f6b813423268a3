"""The pages without a server: one file that can be sent, or a folder that any web server can give out.

What must not leave the company is taken out of the records before any page is made, so that no page can show it: see
`Wanted`. What is left out is said in the foot of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import msgspec
from msgspec.structs import replace

from headway.errors import UnknownName, UsageError
from headway.graph.graph import Graph
from headway.graph.model import (
    KINDS,
    AnyRecord,
    Check,
    Decision,
    Edge,
    Gap,
    Node,
    Objective,
    Observation,
    Reading,
    Target,
)
from headway.graph.spend import STORAGE
from headway.project.channels import TOLD_IN
from headway.project.pages import map_payload
from headway.project.pages.asset import AssetPage
from headway.project.pages.key_result import KeyResultPage
from headway.project.pages.lineage import LineagePage
from headway.project.pages.list_ import ListPage
from headway.project.pages.map import MapPage
from headway.project.pages.objective import ObjectivePage
from headway.project.pages.page import Page
from headway.project.pages.table import BY_NAME, PageRow, resolve
from headway.project.pages.view import look, shell_of
from headway.project.workspace import Project
from headway.render.html.single import NOWHERE, Part, single_file

CARDS = 100
"""Cards of a Lineage in the file: those nearest to the focus."""

_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SPENT = frozenset({"cost", "bytes", "seconds", STORAGE})
_LISTED = frozenset({"q", "sort", "page", "band", "folder", "objective", "only", "state", "trust", "around"})
"""Parameters of the List that the file can answer."""
_STATED = frozenset({"", "group", "meta", "codeowners", "config", "goals"})
"""Rules by which a project names its teams. Exposures, BI tools and trackers of goals name people as owners."""
_WAYS = {"/asset/": "#/map?asset=", "/lineage/": "#/lineage/", "/search": "#/search"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages may show."""

    people: bool = False
    """Owners as they are written, who checked in, what a failed test said, how a value was read. Without: teams and
    counts, and no address of anybody."""
    cost: bool = True
    objectives: tuple[str, ...] = ()
    """Only these objectives, by name or id, with what supports them, and the assets that serve them."""
    department: str = ""
    """Only the objectives that a team owns."""

    def words(self) -> str:
        """What was left out, as a sentence; '' for nothing."""
        said = []
        if not self.people:
            said.append("people are teams and counts")
        if not self.cost:
            said.append("cost is left out")
        if self.objectives or self.department:
            said.append("it holds some of the objectives and the assets that serve them, which carry their whole cost")
        return f"{'; '.join(said)[:1].upper()}{'; '.join(said)[1:]}." if said else ""


def trimmed(project: Project, wanted: Wanted) -> Project:
    """The project with only what is wanted in its graph. Raises UnknownName and what loading the project raises."""
    known = project.known()
    records = known.records
    if wanted.objectives or wanted.department:
        records = _of_objectives(project, records, wanted)
    if not wanted.cost:
        records = [r for r in records if not isinstance(r, Observation) or r.measure not in _SPENT]
    if not wanted.people:
        records = _impersonal(records)
    graph = project.graph_of(records, synced_at=known.synced_at, knew=known.gone)
    if not wanted.cost:
        graph.checks = [replace(c, message="") if c.kind == "run" else c for c in graph.checks]
    return project.with_graph(graph)


# ------------------------------------------------------------------------------------------------- one file


def one_file(project: Project, wanted: Wanted) -> str:
    """The text of one HTML file with the pages of a project. Equal projects give equal text.

    Raises UnknownName for an objective that there is not, UsageError where nothing is left to show.
    """
    project = trimmed(project, wanted)
    rows = tuple(_rows(project, wanted))
    known = {row.to(key, **given) for row, key, given in rows}
    to = _Leads(project, known)
    tabs = {row.tab for row, _, _ in rows}
    parts = [_part(project, row, key, given, tabs, wanted) for row, key, given in rows]
    words = f"{foot(project, wanted)} This file makes no request."
    return single_file(parts, to, foot=words, scrub=lambda text: scrubbed(text, wanted))


Row = tuple[PageRow, str, Mapping[str, str]]


def _rows(project: Project, wanted: Wanted) -> Iterator[Row]:
    """The pages of the file: the first opens it."""
    graph = project.graph()
    yield BY_NAME["objectives"], "", {}
    yield BY_NAME["map"], "", {}
    yield BY_NAME["list"], "", {}
    if wanted.cost:
        for by in ("", "owner", "folder"):
            yield BY_NAME["cost"], "", {"by": by} if by else {}
    for node in graph.nodes:
        if node.kind in {"objective", "key_result"}:
            yield BY_NAME[node.kind], node.id, {}
            yield BY_NAME["lineage"], node.id, {}


def _part(project: Project, row: PageRow, key: str, given: Mapping[str, str], tabs: set[str], wanted: Wanted) -> Part:
    viewed = look(row, project, key, given)
    page = redacted(viewed.page, wanted)
    if isinstance(page, MapPage):
        page = replace(page, payload=_folded(page.payload))
    shell = shell_of(viewed, project)
    shell = replace(shell, tabs=tuple(replace(t, count=0) for t in shell.tabs if t.name in tabs), stale="")
    kind = row.title.lower() if row.name in {"objective", "key_result"} else ""
    return Part(
        name=row.name,
        address=row.to(key, **given),
        template=row.template,
        page=page,
        shell=shell,
        tab=row.tab,
        kind=kind,
    )


def redacted(page: Page, wanted: Wanted) -> Page:
    """A page without what only a server can do, and without people where they are not wanted."""
    if isinstance(page, LineagePage):
        return _nearest(page)
    if isinstance(page, ObjectivePage):
        page = replace(page, channel="")
    if isinstance(page, AssetPage):
        page = replace(page, channel="", tell="")
    if isinstance(page, KeyResultPage):
        reasons = tuple(replace(r, channel="", tell="") for r in page.reasons)
        page = replace(page, reasons=reasons, facts=tuple(f for f in page.facts if f.name != TOLD_IN))
    if isinstance(page, KeyResultPage | ObjectivePage | AssetPage) and not wanted.people:
        said = tuple(replace(s, by="somebody", came_by="somebody" if s.came_by else "") for s in page.said)
        page = replace(page, said=said)
    if isinstance(page, KeyResultPage) and not wanted.people:
        check_ins = tuple(replace(c, by="somebody") for c in page.check_ins)
        return replace(page, check_ins=check_ins, read_by=())
    if isinstance(page, MapPage):
        return replace(page, departments=(), decisions=0)
    if isinstance(page, ListPage):
        return replace(page, rows=(), heads=())  # made from what the Map has
    return page


def scrubbed(text: str, wanted: Wanted) -> str:
    """A text of a page without addresses of people, where they are not wanted."""
    return text if wanted.people else _ADDRESS.sub("(somebody)", text)


class FoldedMap(map_payload.MapPayload, frozen=True, kw_only=True):
    """The payload with its edges as steps: they pack into half the room."""

    steps: tuple[list[int], list[int]]
    """Edges in the order of where they lead: distance between both ends, and from where the one before leads."""


def _folded(payload: map_payload.MapPayload) -> FoldedMap:
    edges = sorted(zip(payload.edges[1::2], payload.edges[::2], strict=True))
    ends = [to for to, _ in edges]
    steps = ([to - start for to, start in edges], [b - a for a, b in pairwise([0, *ends])])
    return FoldedMap(**{**{f: getattr(payload, f) for f in payload.__struct_fields__}, "edges": []}, steps=steps)


def _nearest(page: LineagePage) -> LineagePage:
    # What is only suggested is for whoever decides about it, which is where Headway is served.
    own = [n for n in page.payload.nodes if not n.aside]
    payload = replace(page.payload, nodes=own, suggested=[])
    fixers = tuple(line for line in page.fixers if line.name != TOLD_IN)
    page = replace(page, payload=payload, suggested=(), more_suggested=0, dashes=False, fixers=fixers, tell="")
    if len(payload.nodes) <= CARDS:
        return page
    return replace(
        page,
        payload=replace(
            payload,
            nodes=payload.nodes[:CARDS],
            edges=[e for e in payload.edges if e.a < CARDS and e.b < CARDS],
            left_out=payload.left_out + len(payload.nodes) - CARDS,
        ),
    )


class _Leads:
    """From an address inside Headway to one inside the file."""

    def __init__(self, project: Project, known: set[str]) -> None:
        graph = project.graph()
        nodes, self._snapshot = map_payload.arranged(graph, project.config.layers)
        self._place = {graph.nodes[i].id: k for k, i in enumerate(nodes)}
        self._known = known
        self._server = project.config.serve.url.rstrip("/")

    def __call__(self, address: str) -> str:
        """`#/map?asset=@d41d8c/7`; `#-` where the file has no such page and no server is known."""
        path, _, query = address.partition("#")[0].partition("?")
        given = dict(parse_qsl(query))
        if path in _WAYS:
            return _WAYS[path]
        if address in self._known or (path in self._known and not given):
            return f"#{address}"
        found = resolve(path)
        inside = self._inside(found[0].name, found[1], given, path) if found else ""
        if inside:
            return inside
        return f"{self._server}{address}" if self._server else NOWHERE

    def _inside(self, name: str, key: str, given: Mapping[str, str], path: str) -> str:
        if name == "objectives":
            return "#/"
        if name == "asset":
            place = self._at(key)
            return f"#/map?asset={place}" if place else ""
        if name == "lineage":
            place = self._at(key)
            return f"#{path}" if path in self._known else f"#/list?around={place}" if place else ""
        if name == "map":
            given = {k: self._at(v) or v if k == "asset" else v for k, v in given.items() if k != "department"}
            return BY_NAME["map"].to(**given).replace("/map", "#/map", 1)
        if name == "list" and set(given) <= _LISTED:
            around = {"around": self._at(given["around"]) or given["around"]} if "around" in given else {}
            return BY_NAME["list"].to(**{**given, **around}).replace("/list", "#/list", 1)
        return f"#{path}" if path in self._known and name in {"objective", "key_result"} else ""

    def _at(self, node: str) -> str:
        if node.startswith("@"):
            return node
        return f"@{self._snapshot}/{self._place[node]}" if node in self._place else ""


def foot(project: Project, wanted: Wanted) -> str:
    """What stands at the end of every page: what it was made of, and what was left out."""
    graph = project.graph()
    day = f"{graph.as_of.day} {graph.as_of:%b %Y}"
    return f"Headway, {project.config.project or 'project'}, as of {day}. {wanted.words()}"


# ------------------------------------------------------------------------------------------------- what leaves


def _impersonal(records: Iterable[AnyRecord]) -> list[AnyRecord]:
    """Records without addresses and names of people, without values and queries, without what an address could hide."""
    records = list(records)
    teams = {r.owner for r in records if isinstance(r, Node) and r.owner_origin in _STATED}
    return [_without_person(r, teams) for r in records]


def _without_person(record: AnyRecord, teams: set[str]) -> AnyRecord:
    if isinstance(record, Node):
        personal = "@" in record.owner.removeprefix("@") or (record.owner and record.owner not in teams)
        return replace(
            record,
            owner="one person" if personal else record.owner,
            url=_bare(record.url),
            description=_ADDRESS.sub("(somebody)", record.description),
        )
    if isinstance(record, Check):
        return replace(record, message="")
    if isinstance(record, Reading):
        return replace(record, proof="")
    if isinstance(record, Decision):
        return replace(record, by="", note="")
    if isinstance(record, Gap):
        return replace(record, message=_ADDRESS.sub("(somebody)", record.message))
    return record


def _bare(url: str) -> str:
    """An address without what can hold a secret: user, parameters, anchor."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return ""


def _of_objectives(project: Project, records: Sequence[AnyRecord], wanted: Wanted) -> list[AnyRecord]:
    """Records of the chosen objectives, of the goals under them, and of the assets that serve these."""
    graph = project.graph_of(records)
    chosen = _chosen(graph, wanted)
    goals = {i for i, n in enumerate(graph.nodes) if KINDS[n.kind].goal and _above(graph, i) & chosen}
    fed = {a for g in goals for a in (*graph.fed_by.get(g, ()), *graph.shown_on.get(g, ()))}
    kept = {graph.nodes[i].id for i in goals} | {graph.nodes[i].id for i in graph.walk(sorted(fed), "upstream")}
    kept |= {name for name, i in graph.index.items() if graph.nodes[i].id in kept}
    return [r for r in records if _about(r, graph) is None or _about(r, graph) in kept]


def _above(graph: Graph, goal: int) -> set[int]:
    own = graph.objective_of(goal)
    return {goal, own, *graph.ancestors_of(goal), *graph.ancestors_of(own)}


def _chosen(graph: Graph, wanted: Wanted) -> set[int]:
    known = {i: n for i, n in enumerate(graph.nodes) if n.kind == "objective"}
    found: set[int] = set()
    for name in wanted.objectives:
        fits = {i for i, n in known.items() if name in {n.id, n.name}}
        if not fits:
            raise UnknownName("objective", name[:80], sorted(n.name for n in known.values())[:3])
        found |= fits
    if wanted.department:
        owned = {i for i, n in known.items() if n.owner == wanted.department}
        if not owned:
            raise UnknownName(
                "owner of objectives", wanted.department[:80], sorted({n.owner for n in known.values()})[:3]
            )
        found = found & owned if wanted.objectives else owned
    if not found:
        raise UsageError("no objective is left to show")
    return found


def _about(record: AnyRecord, graph: Graph) -> str | None:
    """The node a record is about; None for what is about none, or is passed over when its node is missing."""
    if isinstance(record, Edge):
        return record.downstream if record.downstream in graph.index else None
    if isinstance(record, Gap):
        return record.node or "the whole"
    about = next((f for kind, f in _ABOUT.items() if isinstance(record, kind)), "")
    return str(getattr(record, about)) if about else None


_ABOUT = {Node: "id", Target: "key_result", Reading: "key_result", Objective: "objective", Check: "node"}
"""Kind of record -> its field with the node that it is about."""
