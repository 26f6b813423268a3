"""The List: the twin of the Map and the Lineage. The same assets as rows, with the same filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from headway.answer import plural
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.project import Project
from headway.project.pages import figures, map_payload
from headway.project.pages.filters import Choices, Filters, choices, find_node, kept_by
from headway.project.pages.map import lineage_home
from headway.project.pages.map_payload import BROKEN, NOBODY, NOT_KNOWN, SERVES, TRUSTED, UNKNOWN, USED, WARNS, Base
from headway.project.pages.page import Page, Tone, said
from headway.project.pages.table import BY_NAME, address
from headway.questions.evidence import asset_name, month

SIZE = 100
"""Rows of a page."""

STATE_WORDS = {
    SERVES: "Serves an objective",
    USED: "Used, but no objective",
    NOBODY: "No objective, nobody uses it",
    UNKNOWN: "No objective, use not known",
}
_TRUST_WORDS: dict[int, tuple[str, Tone]] = {
    TRUSTED: ("Trusted", "good"),
    WARNS: ("A test warns", "warn"),
    BROKEN: ("Late or failing", "bad"),
    NOT_KNOWN: ("Not known", "mute"),
}

SORTS = ("name", "kind", "band", "folder", "state", "use", "cost", "trust", "owner")
"""What rows can be sorted by; with `-` before it, the other way round."""


class Row(msgspec.Struct, frozen=True):
    """One asset."""

    id: str
    name: str
    kind: str
    band: str
    folder: str
    state: str
    serves: tuple[str, ...]
    """Titles of the objectives it serves directly."""
    ways: tuple[str, ...]
    """computes, informs, or both."""
    people: int | None
    """None where that is not known, or nobody can open it."""
    cost: float | None
    cost_words: str
    trust: str
    trust_tone: Tone
    owner: str
    to: str


class Head(msgspec.Struct, frozen=True):
    """A column head: a link that sorts by it, the other way round when it is sorted by already."""

    word: str
    to: str
    sorted: str
    """ascending, descending, or ''."""
    number: bool = False


class Choice(msgspec.Struct, frozen=True):
    """One filter as a reader sets it."""

    name: str
    word: str
    value: str
    options: tuple[tuple[str, str], ...]


class Chosen(msgspec.Struct, frozen=True):
    """A filter that is set, in words, and the address without it."""

    text: str
    to: str


class ListPage(Page, frozen=True, kw_only=True):
    """One page of the List."""

    filters: Filters
    q: str
    sort: str
    page: int
    pages: int
    total: int
    of: int
    """Assets without any filter."""
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...]
    chosen: tuple[Chosen, ...]
    hidden: tuple[tuple[str, str], ...]
    """Filters that the form has no field for, which it keeps."""
    map: str
    lineage: str
    previous: str
    next: str
    headless: bool
    against: str
    """How many links run against the layers, which the Map does not draw."""


def list_page(project: Project, *, sort: str = "", q: str = "", page: str = "", **given: str) -> ListPage:
    """Assets that the filters leave and whose name or folder holds `q`, sorted, a hundred a page.

    Raises UsageError for a sort or a page that cannot be, UnknownName for what a filter names and does not exist.
    """
    graph = project.graph()
    filters = Filters(**given)
    base = map_payload.base(graph, project.config.layers, map_payload.heads_of(graph)[: map_payload.HEADS])
    left = kept_by(project, base, filters)
    positions = list(range(len(base.nodes))) if left is None else left
    positions = _named(base, positions, q)
    positions = _sorted(graph, base, positions, sort)
    pages = max(1, -(-len(positions) // SIZE))
    number = _number(page, pages)
    shown = positions[(number - 1) * SIZE : number * SIZE]

    def to(**changes: str) -> str:
        return BY_NAME["list"].to(**{**filters.given, "q": q, "sort": sort, **changes})

    around = find_node(project, filters.around) if filters.around else -1
    home = around if around >= 0 else lineage_home(graph, base)
    return ListPage(
        title="List",
        sentence=said(_sentence(base, positions, filters, q)),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=project.ask("summary").gaps,
        filters=filters,
        q=q,
        sort=sort,
        page=number,
        pages=pages,
        total=len(positions),
        of=len(base.nodes),
        heads=tuple(_heads(graph, sort, to)),
        rows=tuple(_row(graph, base, k) for k in shown),
        choices=tuple(_choices(graph, base, filters)),
        chosen=tuple(_chosen(graph, filters, q, to, around)),
        hidden=tuple((n, v) for n, v in {**filters.given, "sort": sort}.items() if v and n not in _FIELDS),
        map=_map(graph, filters, around),
        lineage=address("lineage", graph.nodes[home].id) if home >= 0 else "",
        previous=to(page=str(number - 1)) if number > 1 else "",
        next=to(page=str(number + 1)) if number < pages else "",
        headless=not base.objectives,
        against=_against(base),
    )


_FIELDS = ("department", "objective", "state", "trust", "kind", "band", "owner")


def _number(page: str, pages: int) -> int:
    if not page:
        return 1
    if not (page.isascii() and page.isdigit()) or not 1 <= int(page[:9]) <= pages:
        raise UsageError(f"there is no page {page[:20]!r}", hint=f"pages are 1 to {pages}")
    return int(page[:9])


def _named(base: Base, positions: Sequence[int], q: str) -> list[int]:
    words = q.casefold().split()
    if not words:
        return list(positions)
    names, groups, group = base.payload.names, base.payload.groups, base.payload.group
    return [k for k in positions if all(w in f"{names[k]} {groups[group[k]]}".casefold() for w in words)]


def _sorted(graph: Graph, base: Base, positions: Sequence[int], sort: str) -> list[int]:
    """Rows in the order asked for: rows of equal rank by band and name; what is not known always last."""
    name = sort.removeprefix("-")
    if name and name not in SORTS:
        raise UsageError(f"the List cannot be sorted by {name[:40]!r}", hint=f"write one of {', '.join(SORTS)}")
    payload, nodes = base.payload, base.nodes
    keys: dict[str, Callable[[int], Any]] = {
        "name": lambda k: payload.names[k].casefold(),
        "kind": lambda k: graph.nodes[nodes[k]].kind,
        "band": lambda k: payload.band[k],
        "folder": lambda k: payload.groups[payload.group[k]].casefold(),
        "state": lambda k: (SERVES, USED, UNKNOWN, NOBODY).index(payload.state[k]),
        "use": lambda k: payload.use[k],
        "cost": lambda k: payload.cost[k],
        "trust": lambda k: (BROKEN, WARNS, TRUSTED, NOT_KNOWN).index(payload.trust[k]),
        "owner": lambda k: figures.team(graph.nodes[nodes[k]].owner).casefold(),
    }
    found = sorted(positions, key=lambda k: (-payload.band[k], payload.names[k].casefold()))
    if not name:
        return found
    down = sort.startswith("-")
    found.sort(key=keys[name], reverse=down)
    unknown = {"use": lambda k: payload.use[k] < 0, "cost": lambda k: payload.cost[k] < 0}.get(name)
    return sorted(found, key=unknown) if unknown else found


def _row(graph: Graph, base: Base, k: int) -> Row:
    payload, i = base.payload, base.nodes[k]
    node, ledger = graph.nodes[i], month(graph)
    served = graph.served[i]
    trust, tone = _TRUST_WORDS[payload.trust[k]]
    ways = [way for way, mask in (("computes", graph.computes[i]), ("informs", graph.informs[i])) if mask & served]
    known = ledger is not None and payload.cost[k] >= 0
    return Row(
        id=node.id,
        name=payload.names[k],
        kind=node.kind.replace("_", " "),
        band=payload.bands[payload.band[k]],
        folder=payload.groups[payload.group[k]],
        state=STATE_WORDS[payload.state[k]],
        serves=tuple(payload.objectives[o].t for o in payload.goal_sets[payload.goals[k]]),
        ways=tuple(ways),
        people=payload.use[k] if payload.use[k] >= 0 else None,
        cost=payload.cost[k] if known else None,
        cost_words=figures.cost(ledger, ledger.amounts[i]) if ledger and known else "—",
        trust=trust,
        trust_tone=tone,
        owner=figures.team(node.owner),
        to=address("asset", node.id),
    )


def _heads(graph: Graph, sort: str, to: Callable[..., str]) -> Iterator[Head]:
    ledger = month(graph)
    cost = f"Cost {figures.per(ledger)}" if ledger else "Cost"
    words = {
        "name": "Asset",
        "state": "What it is for",
        "use": f"People in {graph.policy.usage_window_days} days",
        "cost": cost,
        "trust": "Trust",
        "owner": "Owner",
    }
    for name, word in words.items():
        down = name in {"use", "cost"}  # the most first
        now = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
        first, other = (f"-{name}", name) if down else (name, f"-{name}")
        yield Head(word, to(sort=other if sort == first else first), now, down)


def _choices(graph: Graph, base: Base, filters: Filters) -> Iterator[Choice]:
    known: Choices = choices(graph)
    payload = base.payload
    same = [
        ("department", "Department", known.departments),
        ("kind", "Kind", known.kinds),
        ("band", "Layer", tuple(payload.bands)),
        ("owner", "Owner", known.owners),
    ]
    yield Choice("objective", "Objective", filters.objective, known.objectives)
    state = (("serves", SERVES), ("used", USED), ("nobody", NOBODY), ("unknown", UNKNOWN))
    yield Choice("state", "What it is for", filters.state, tuple((key, STATE_WORDS[value]) for key, value in state))
    trust = (("trusted", TRUSTED), ("warns", WARNS), ("broken", BROKEN), ("unknown", NOT_KNOWN))
    yield Choice("trust", "Trust", filters.trust, tuple((key, _TRUST_WORDS[value][0]) for key, value in trust))
    for name, word, values in same:
        yield Choice(
            name, word, getattr(filters, name), tuple((v, v.replace("_", " ") if name == "kind" else v) for v in values)
        )


def _chosen(graph: Graph, filters: Filters, q: str, to: Callable[..., str], around: int) -> Iterator[Chosen]:
    """What is filtered by, each with a way back."""
    titles = dict(choices(graph).objectives)
    for name, value in filters.given.items():
        text = {
            "only": f"serves {titles.get(value, value)} and nothing else",
            "around": f"upstream or downstream of {_label(graph, around)}",
            "folder": f"in {value}",
        }.get(name)
        if text:
            yield Chosen(text, to(**{name: ""}))
    if q:
        yield Chosen(f"named like {q}", to(q=""))


def _label(graph: Graph, i: int) -> str:
    return graph.nodes[i].label if graph.nodes[i].title else asset_name(graph, i)


def _map(graph: Graph, filters: Filters, around: int) -> str:
    """The Map with the same department, and what the rows are about selected."""
    objective = filters.objective or filters.only
    node = graph.nodes[around] if around >= 0 else None
    if node and node.kind == "objective":
        objective = node.id
    asset = node.id if node and around in set(graph.assets) else ""
    return address("map", department=filters.department, objective=objective, asset="" if objective else asset)


def _sentence(base: Base, positions: Sequence[int], filters: Filters, q: str) -> str:
    total = len(base.nodes)
    if not total:
        return "There are no assets yet"
    filtered = bool(filters.given or q)
    if filtered and not positions:
        return f"None of {plural(total, 'asset')} fits; take a filter back"
    serve = sum(base.payload.state[k] == SERVES for k in positions)
    which = f"{len(positions):,} of {plural(total, 'asset')}" if filtered else plural(total, "asset")
    if not base.objectives:
        return f"{which}, and none of them has a goal yet"
    if filtered:
        verb = "serves" if serve == 1 else "serve"
        return f"{which}; {serve:,} {verb} an objective"
    return f"{serve / total:.0%} of {which} serve an objective"


def _against(base: Base) -> str:
    """Links that the Map does not draw, because they run against the order of the layers."""
    payload = base.payload
    ends = zip(payload.edges[::2], payload.edges[1::2], strict=True)
    count = sum(payload.band[a] > payload.band[b] for a, b in ends)
    return f"{plural(count, 'link runs', 'links run')} against the layers" if count else ""
