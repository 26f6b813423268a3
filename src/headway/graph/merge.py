"""Merging: an exposure of dbt and a dashboard or chart of a BI tool that are the same thing become one node.

They are the same when the exposure

- says so (`config.meta.headway.same_as` holds the id of the BI tool's node),
- has its address, or one that leads on from it (a page of a report, a slug instead of a number), or
- has its title and its tool, where only one exposure and one dashboard have that title and no address says otherwise.

Everything else stays two nodes; where that may surprise, a gap says why. dbt's id stays the id, and both ids find the
node. What the exposure does not say (owner, address, description) is taken from the tool.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from msgspec.structs import replace

from headway.graph.model import KINDS, Gap, Node, Observation
from headway.graph.totals import VIEWS_TOTAL

_DBT = "dbt:"
_EXPOSED = frozenset(kind.name for kind in KINDS.values() if kind.is_a == "exposure" and not kind.goal)
_DRAWN = frozenset({"dashboard", "chart"})
_TOLD = frozenset({"views", "people"})
_SAY = "write meta: {headway: {same_as: ID}} at the exposure if they are the same"
_LONGEST = 4_000
"""Characters of an address that are looked at."""

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/?#@]*@)?(?P<host>[^/?#:]+)(?::(?P<port>\d*))?(?P<path>[^?#]*)",
    re.IGNORECASE,
)
_PORTS = {"http": "80", "https": "443"}
_NUMBERED = re.compile(r"(\d+)-.*")
_VALUES = re.compile(r"[?&][^=&#]+=([^&#]*)")


@dataclass(frozen=True, slots=True)
class Merged:
    """Nodes of which no two are known to be the same thing."""

    nodes: tuple[Node, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Id of a BI tool's node -> id of the exposure that it is one with."""
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """A web address as it is compared: scheme, user, query and fragment are gone."""

    host: str
    """Lower case; with the port where it is not the scheme's own."""
    path: tuple[str, ...]
    """Its segments, case folded; `12-sales` is cut to its number, as tools do that let a title follow it."""


def address(url: str) -> Address | None:
    """A web address as it is compared; None for what is none.

    `HTTPS://BI.example.com:443/dashboard/12-sales/?tab=1` is bi.example.com and (dashboard, 12). A tool whose pages
    are all one (`/#/site/a/views/b`) has its path behind the `#`.
    """
    text = url.strip()[:_LONGEST]
    found = _URL.match(text)
    if found is None:
        return None
    host, port = found["host"].casefold().rstrip("."), found["port"]
    if port and port != _PORTS.get(found["scheme"].lower()):
        host = f"{host}:{port}"
    path, fragment = found["path"], text.partition("#")[2]
    if fragment.startswith(("/", "!/")):
        path += "/" + fragment.removeprefix("!").partition("?")[0]
    segments = (segment.casefold() for segment in path.split("/") if segment)
    return Address(host, tuple(_NUMBERED.sub(r"\1", segment) for segment in segments))


def merge(nodes: Sequence[Node], disabled: Sequence[Node] = ()) -> Merged:
    """The nodes with exposures and BI content that are the same made one. `disabled` ones are only told of.

    Costs one look at every node where there is no BI content.
    """
    exposures: list[Node] = []
    drawn: list[Node] = []
    for node in nodes:
        if node.kind in _EXPOSED:
            if node.id.startswith(_DBT):
                exposures.append(node)
            elif node.kind in _DRAWN:
                drawn.append(node)
    archived = [n for n in disabled if n.kind in _DRAWN and not n.id.startswith(_DBT)]
    if not exposures or not (drawn or archived):
        return Merged(tuple(nodes))
    pairs = _Pairs(exposures, drawn, archived)
    pairs.by_word()
    pairs.by_address()
    pairs.by_title()
    one = {exposure: united(pairs.exposures[exposure], pairs.drawn[tool]) for exposure, tool in pairs.found.items()}
    gone = set(pairs.found.values())
    return Merged(
        tuple(one.get(node.id, node) for node in nodes if node.id not in gone),
        {tool: exposure for exposure, tool in pairs.found.items()},
        tuple(pairs.gaps),
    )


def told_once(
    observations: Sequence[Observation], aliases: Mapping[str, str], find: Callable[[str], int | None]
) -> Sequence[Observation]:
    """The observations without views that two sources tell of one merged node: on its days, the tool's own log counts.

    `find` gives the node that a name of an observation means.
    """
    if not aliases:
        return observations
    merged = {find(tool): tool for tool in aliases}
    known: dict[str, int | None] = {}
    own: set[tuple[str, date, str]] = set()
    connectors: set[tuple[str, str]] = set()
    spans: dict[str, tuple[date, date]] = {}
    for o in observations:
        if o.node in aliases:
            connectors.add((o.node, o.origin.connector))
            if o.measure == VIEWS_TOTAL:
                first, last = spans.get(o.node, (o.day, o.day))
                spans[o.node] = min(first, o.day), max(last, o.day)
            else:
                own.add((o.node, o.day, o.measure))

    def twice(o: Observation) -> bool:
        if o.measure not in _TOLD or not o.node or o.node in aliases:
            return False
        if o.node not in known:
            known[o.node] = find(o.node)
        tool = merged.get(known[o.node])
        if tool is None or (tool, o.origin.connector) in connectors:
            return False
        first, last = spans.get(tool, (date.max, date.min))
        # What was opened between two lifetime totals is known from them.
        return (tool, o.day, o.measure) in own or (o.measure == "views" and first < o.day <= last)

    return [o for o in observations if not twice(o)]


def united(exposure: Node, tool: Node) -> Node:
    """One node of both: what dbt says comes first, and what it does not say is taken from the other."""
    return replace(
        exposure,
        title=exposure.title or (tool.label if tool.label != exposure.name else ""),
        owner=exposure.owner or tool.owner,
        owner_origin=exposure.owner_origin if exposure.owner else tool.owner_origin,
        tags=tuple(dict.fromkeys((*exposure.tags, *tool.tags))),
        url=exposure.url or tool.url,
        description=exposure.description or tool.description,
        deprecated=exposure.deprecated or tool.deprecated,
        created=min(filter(None, (exposure.created, tool.created)), default=None),
        protected=exposure.protected or tool.protected,
        outside=exposure.outside or tool.outside,
        aggregates=tuple(dict.fromkeys((*exposure.aggregates, *tool.aggregates))),
        meta={**tool.meta, **exposure.meta},
        also=(*exposure.also, tool.origin, *tool.also),
    )


class _Pairs:
    """Finds which exposure is which node of a BI tool. `found` has their ids."""

    def __init__(self, exposures: Sequence[Node], drawn: Sequence[Node], archived: Sequence[Node]) -> None:
        self.exposures = {n.id: n for n in exposures}
        self.drawn = {n.id: n for n in drawn}
        self.archived = {n.id: n for n in archived if n.id not in self.drawn}
        self.found: dict[str, str] = {}
        self.gaps: list[Gap] = []
        self._settled: set[str] = set()
        """Exposures that are found, or known to be something that they cannot be one with."""

    # ------------------------------------------------------------------ said, and by address

    def by_word(self) -> None:
        """Exposures that say themselves what they are the same as."""
        wanted: dict[str, list[str]] = {}
        for exposure in self.exposures.values():
            said = exposure.meta.get("same_as")
            if isinstance(said, str) and said:
                wanted[exposure.id] = [said]
                if said not in self.drawn and said not in self.archived:
                    message = f"{exposure.label} says that it is the same as {said!r}, which is not in the graph"
                    self._settled.add(exposure.id)
                    self._note(message, exposure)
        self._settle(wanted)

    def by_address(self) -> None:
        """Exposures whose address is, or leads on from, that of something in a tool."""
        known: dict[Address, dict[str, None]] = defaultdict(dict)
        keyed: set[tuple[Address, str]] = set()
        for node in (*self.drawn.values(), *self.archived.values()):
            for form, by_key in _forms(node):
                known[form][node.id] = None
                if by_key:
                    keyed.add((form, node.id))
        wanted: dict[str, list[str]] = {}
        for exposure in self.exposures.values():
            place = address(exposure.url) if exposure.url and exposure.id not in self._settled else None
            if place is None:
                continue
            hits = list(known.get(place, ())) if place.path else []
            values = {value.casefold() for value in _VALUES.findall(exposure.url)}
            if len(hits) > 1 or (hits and (hits[0].partition(".")[2].casefold() in values)):
                # Several things behind one path are told apart by a value of the query: `/explore/?slice_id=12`.
                hits = [hit for hit in hits if hit.partition(".")[2].casefold() in values] or hits
            for length in range(len(place.path) - 1, 0, -1):
                if hits:
                    break
                shorter = Address(place.host, place.path[:length])
                hits = [hit for hit in known.get(shorter, ()) if (shorter, hit) in keyed]
            if hits:
                wanted[exposure.id] = hits
        self._settle(wanted)

    def _settle(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Pair what fits one to one; say why for the rest."""
        claims: dict[str, list[str]] = defaultdict(list)
        for exposure, hits in wanted.items():
            for hit in hits:
                claims[hit].append(exposure)
        for exposure, hits in wanted.items():
            if exposure in self._settled:
                continue
            self._settled.add(exposure)
            node = self.exposures[exposure]
            if len(hits) > 1:
                self._note(f"the address of the exposure {node.label} is that of {_listed(hits)}", node)
            elif len(claims[hits[0]]) > 1 or hits[0] in self.found.values():
                others = [e for e in (*claims[hits[0]], *self.found) if e != exposure]
                self._note(f"the exposures {node.label} and {_listed(others)} name the same thing: {hits[0]}", node)
            elif hits[0] in self.archived:
                hint = "take the exposure out, or bring the dashboard back"
                self._note(f"the exposure {node.label} is {hits[0]}, which is archived there", node, hint)
            else:
                self.found[exposure] = hits[0]

    # ------------------------------------------------------------------ by title

    def by_title(self) -> None:
        """Dashboards that only their title, and the tool that the exposure names, tell to be the same."""
        exposures: dict[str, list[Node]] = defaultdict(list)
        for node in self.exposures.values():
            if node.kind in {"dashboard", "exposure"}:
                exposures[_folded(node.label)].append(node)
        boards: dict[str, list[Node]] = defaultdict(list)
        for node in self.drawn.values():
            if node.kind == "dashboard" and (title := _folded(node.label)) in exposures:
                boards[title].append(node)
        tools = _Tools(self.drawn.values())
        for title, there in boards.items():
            open_ = [e for e in exposures[title] if e.id not in self._settled]
            if not open_:
                continue
            names = [node.id for node in (*exposures[title], *there)]
            if len(exposures[title]) == len(there) == 1:
                why = tools.against(open_[0], there[0])
                if not why:
                    self.found[open_[0].id] = there[0].id
                    continue
            else:
                why = "which of them are the same is not known"
            message = f"{_listed(names)} are called {there[0].label!r} and stay apart: {why}"
            self._note(message, open_[0])

    def _note(self, message: str, node: Node, hint: str = _SAY) -> None:
        self.gaps.append(Gap(topic="lineage", message=message, node=node.id, hint=hint, origin=node.origin))


class _Tools:
    """The BI tools there are, and where each of them answers."""

    def __init__(self, drawn: Any) -> None:
        self.hosts: dict[str, set[str]] = defaultdict(set)
        for node in drawn:
            hosts = self.hosts[_tool(node)]
            if node.url and (place := address(node.url)):
                hosts.add(place.host)

    def against(self, exposure: Node, board: Node) -> str:
        """Why an exposure with the title of a dashboard may not be it; '' when nothing speaks against it."""
        tool = _tool(board)
        place = address(exposure.url) if exposure.url else None
        if place is not None and self.hosts[tool]:
            if place.host not in self.hosts[tool]:
                return f"the exposure's address is not that of {tool}"
            return "the exposure's address names something else" if place.path else ""
        said = {tag.casefold() for tag in exposure.tags} | {str(exposure.meta.get("tool", "")).casefold()}
        named = said & {name.casefold() for name in self.hosts}
        if named:
            return "" if tool.casefold() in named else "the exposure names another tool"
        return "" if len(self.hosts) == 1 else "the exposure does not say which tool it is of"


def _forms(node: Node) -> Iterator[tuple[Address, bool]]:
    """The addresses of one thing of a tool: its own, and those by its key and its slug; True where they end in one."""
    place = address(node.url) if node.url else None
    if place is None or not place.path:
        return
    key = node.id.partition(":")[2].partition(".")[2].casefold()
    names = {name for name in (key, node.name.casefold()) if name and "/" not in name and not name.isspace()}
    if place.path[-1] not in names:
        yield place, False
        return
    for name in sorted(names):
        yield Address(place.host, (*place.path[:-1], name)), True


def _tool(node: Node) -> str:
    return node.id.partition(":")[0]


def _folded(title: str) -> str:
    """A title as it is compared: an exposure without a label is called `tea_sales`."""
    return " ".join(title.replace("_", " ").split()).casefold()


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
