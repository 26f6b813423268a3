"""The Map: how much of the body serves a goal, and where are the parts that do not?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal
from urllib.parse import urlencode

import msgspec

from headway.answer import listed, plural
from headway.errors import InputError
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.project import Project
from headway.project.pages import figures, map_payload
from headway.project.pages.filters import Filters, choices, find_goal, find_node, kept_by
from headway.project.pages.map_panel import ObjectivePanel, panel
from headway.project.pages.map_payload import (
    BROKEN,
    NOBODY,
    NOT_KNOWN,
    SERVES,
    TRUSTED,
    UNKNOWN,
    USED,
    WARNS,
    Base,
    tally,
)
from headway.project.pages.page import Page, said
from headway.project.pages.table import address
from headway.questions.evidence import asset_name, month

Lens = Literal["align", "goal", "use", "cost", "trust"]
LENSES: tuple[tuple[Lens, str], ...] = (
    ("align", "Alignment"),
    ("goal", "Objective"),
    ("use", "Usage"),
    ("cost", "Cost"),
    ("trust", "Trust"),
)

LIMIT = 25_000
"""Squares that are drawn at most; above, a filter must come first."""

_PAGES_KEPT = 64


class Mark(msgspec.Struct, frozen=True):
    """One row of a legend: the mark as it is drawn, what it means, and how many there are."""

    shape: str
    css: str
    words: str
    count: int | None = None
    to: str = ""
    """The List with the same rows; '' where no filter says which."""


class LensView(msgspec.Struct, frozen=True):
    """One way to colour the Map."""

    name: Lens
    word: str
    sentence: str
    legend: tuple[Mark, ...]
    disabled: str = ""
    """Why there is nothing to colour by; '' where there is."""


class Item(msgspec.Struct, frozen=True):
    """Something worth a look, or a step to take: a title, a note, and where it leads."""

    title: str
    note: str
    address: str = ""


class BandRow(msgspec.Struct, frozen=True):
    """A band as text: the same as its label and bar."""

    name: str
    assets: int
    serve: int
    used: int
    unknown: int
    nobody: int


class Keep(msgspec.Struct, frozen=True):
    """A form that changes one filter: where it leads, and what stays as it is."""

    address: str
    fields: tuple[tuple[str, str], ...]


class Links(msgspec.Struct, frozen=True):
    """Where the Map leads: the other views of the same assets, and Triage."""

    list: str
    lineage: str
    triage: str
    query: str
    """Filters that the other views keep."""
    keep: Keep


class MapPage(Page, frozen=True, kw_only=True):
    """The Map with everything beside it."""

    colour: Lens
    objective: str
    asset: str
    filters: Filters
    departments: tuple[str, ...]
    headless: bool
    lenses: tuple[LensView, ...]
    bands: tuple[BandRow, ...]
    read: str
    """What was read and what was not found; on the first day only."""
    worth: tuple[Item, ...]
    steps: tuple[Item, ...]
    objectives: tuple[ObjectivePanel, ...]
    selected: int
    """Position of the selected objective in the head; -1 for none."""
    selected_asset: int
    """Position of the selected asset; -1 for none."""
    decisions: int | None
    """Open decisions of the kinds that Triage holds; None where nothing is known yet."""
    too_large: str
    """Why nothing is drawn; '' where it is."""
    said: dict[str, str]
    """The sentence of every lens."""
    links: Links
    payload: map_payload.MapPayload


def map_page(
    project: Project, *, colour: str = "", objective: str = "", asset: str = "", department: str = ""
) -> MapPage:
    """The Map, coloured by `colour`, with an objective or an asset selected, for one department.

    Raises UnknownName for a goal or an asset that does not exist, UsageError for a department.
    """
    graph = project.graph()
    known = _kept(graph)
    key = (colour, objective, asset, department)
    page = known.get(key)
    if page is None:
        page = _map_page(project, *key)
        if len(known) >= _PAGES_KEPT:
            known.clear()
        known[key] = page
    return page if page.headless else msgspec.structs.replace(page, decisions=_decisions(project))


@lru_cache(maxsize=4)
def _kept(_graph: Graph) -> dict[tuple[str, ...], MapPage]:
    """Pages that were made of a graph."""
    return {}


def _map_page(project: Project, colour: str, objective: str, asset: str, department: str) -> MapPage:
    graph = project.graph()
    filters = Filters(department=department)
    chosen = find_goal(graph, objective) if objective else -1
    picked = find_node(project, asset) if asset else -1
    base = map_payload.base(graph, project.config.layers, _heads(graph, filters, chosen))
    kept = kept_by(project, base, filters)
    payload = base.payload if kept is None else msgspec.structs.replace(base.payload, kept=kept)
    headless = not payload.heads
    if kept is not None and len(kept) <= LIMIT < len(base.nodes):
        payload = map_payload.cut(payload, picked=base.position.get(picked, -1))
    lenses = tuple(_listed(view, filters) for view in _lenses(project, payload, headless=headless))
    # A lens without data is not shown, whatever the address says.
    lens = next((view for view in lenses if view.name == colour and not view.disabled), lenses[0])
    return MapPage(
        title="Map",
        sentence=said(lens.sentence),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=project.ask("summary").gaps,
        colour=lens.name,
        objective=graph.nodes[chosen].id if chosen >= 0 else "",
        asset=graph.nodes[picked].id if picked in base.position else "",
        filters=filters,
        departments=choices(graph).departments,
        headless=headless,
        lenses=lenses,
        bands=tuple(_bands(payload)),
        read=_read(graph) if headless else "",
        worth=tuple(_worth(project, base, kept)) if not headless else (),
        steps=STEPS if headless else (),
        objectives=tuple(panel(project, base, o) for o in base.objectives[: payload.heads]),
        selected=base.objectives.index(chosen) if chosen in base.objectives else -1,
        selected_asset=map_payload.place_of(payload, base.position.get(picked, -1)),
        decisions=None,
        too_large=_too_large(len(payload.names) if kept is None else len(kept)),
        said={view.name: view.sentence or lenses[0].sentence for view in lenses},
        links=_links(graph, base, filters, chosen, lens.name),
        payload=payload,
    )


def _links(graph: Graph, base: Base, filters: Filters, chosen: int, lens: Lens) -> Links:
    focus = chosen if chosen >= 0 else lineage_home(graph, base)
    return Links(
        list=address("list", **filters.given),
        lineage=address("lineage", graph.nodes[focus].id) if focus >= 0 else "",
        triage=address("triage"),
        query=urlencode(filters.given),
        keep=Keep(address("map"), (("colour", lens),) if lens != "align" else ()),
    )


def lineage_home(graph: Graph, base: Base) -> int:
    """What the Lineage opens on when nothing is selected: the first objective, else what most flows into; -1."""
    if base.objectives:
        return base.objectives[0]
    return max(base.nodes, key=lambda i: (len(graph.upstream[i]), graph.nodes[i].id), default=-1)


STEPS = (
    Item("1 · Write down an objective", "goals.yml, or import a CSV"),
    Item("2 · Link a key result to a model", "Headway proposes candidates by name"),
    Item("3 · Connect usage and cost", "Query history or dashboard logs; optional"),
)
"""What to do on the first day."""


def _heads(graph: Graph, filters: Filters, chosen: int) -> list[int]:
    """Objectives in the head: at most six, the selected one among them; those of the department where not all fit."""
    found = map_payload.heads_of(graph)
    if filters.department and len(found) > map_payload.HEADS:
        own = [o for o in found if figures.team(graph.nodes[o].owner) == filters.department]
        found = own or found
    if len(found) > map_payload.HEADS:
        shown = found[: map_payload.HEADS]
        found = shown if chosen not in found or chosen in shown else [*shown[:-1], chosen]
    return found


def _too_large(drawn: int) -> str:
    if drawn <= LIMIT:
        return ""
    return f"{plural(drawn, 'asset')} are too many to draw. Choose a department, or read them in the List."


# ---------------------------------------------------------------------- lenses


def _listed(view: LensView, filters: Filters) -> LensView:
    """A lens with its legend linked to the List, the other filters kept."""
    rows = []
    for mark in view.legend:
        name, _, value = mark.to.partition("=")
        to = address("list", **{**filters.given, name: value}) if value else ""
        rows.append(msgspec.structs.replace(mark, to=to))
    return msgspec.structs.replace(view, legend=tuple(rows))


def _lenses(project: Project, payload: map_payload.MapPayload, *, headless: bool) -> Iterator[LensView]:
    yield _alignment(payload, headless=headless)
    yield _by_goal(payload, headless=headless)
    yield _by_use(project, payload)
    yield _by_cost(project, payload)
    yield _by_trust(project, payload)


def _count(payload: map_payload.MapPayload) -> int:
    return len(payload.names) if payload.kept is None else len(payload.kept)


def _alignment(payload: map_payload.MapPayload, *, headless: bool) -> LensView:
    state, total = tally(payload.state, payload.kept), _count(payload)
    flows = Mark("line", "mark-flow", "Strongest flows between folders")
    if headless:
        sentence = f"{plural(total, 'asset')}, and none of them has a goal yet" if total else "There are no assets yet"
        rows = [Mark("hollow", "", "No objective yet, use not known", state[UNKNOWN], "state=unknown")]
        if payload.use_known:
            rows = [
                Mark("dot", "f-used", "No objective yet, used", state[USED], "state=used"),
                Mark("hollow", "", "No objective yet, nobody uses it", state[NOBODY], "state=nobody"),
                Mark("slash", "", "No objective yet, use not known", state[UNKNOWN], "state=unknown"),
            ]
        return LensView("align", "Alignment", sentence, (*rows, Mark("line", "s-mute", flows.words)))
    share = f"{state[SERVES] / total:.0%} of {plural(total, 'asset')}" if total else "No asset is known that could"
    sentence = f"{share} serve an objective"
    rows = [Mark("fill", "f-serves", "Serves an objective", state[SERVES], "state=serves")]
    if payload.use_known:
        rows += [
            Mark("dot", "f-used", "Used, but no objective", state[USED], "state=used"),
            Mark("hollow", "", "No objective, nobody uses it", state[NOBODY], "state=nobody"),
        ]
    if state[UNKNOWN] or not payload.use_known:
        shape = "slash" if payload.use_known else "hollow"
        rows.append(Mark(shape, "", "No objective, use not known", state[UNKNOWN], "state=unknown"))
    return LensView("align", "Alignment", sentence, (*rows, flows))


def _by_goal(payload: map_payload.MapPayload, *, headless: bool) -> LensView:
    if headless:
        return LensView("goal", "Objective", "", (), "No objectives yet")
    sets = tally(payload.goals, payload.kept)
    own: Counter[int] = Counter()
    several = none = 0
    for k, members in enumerate(payload.goal_sets):
        if len(members) == 1:
            own[members[0]] += sets[k]
        elif members:
            several += sets[k]
        else:
            none += sets[k]
    rows = [
        Mark("fill", f"mark-goal goal-{head.colour}", head.t, own[k], f"only={head.id}")
        for k, head in enumerate(payload.objectives[: payload.heads])
    ]
    if payload.heads < len(payload.objectives):
        others = sum(own[k] for k in range(payload.heads, len(payload.objectives)))
        rows.append(Mark("fill", "mark-shared", "Another objective", others))
    rows += [Mark("dot", "mark-shared", "Several objectives", several), Mark("hollow", "", "None", none)]
    serve = "serves" if several == 1 else "serve"
    sentence = f"{several:,} of {plural(_count(payload), 'asset')} {serve} more than one objective"
    return LensView("goal", "Objective", sentence, tuple(rows))


def _by_use(project: Project, payload: map_payload.MapPayload) -> LensView:
    if not payload.use_known:
        return LensView("use", "Usage", "", (), "Usage is not connected yet")
    use = payload.use if payload.kept is None else [payload.use[k] for k in payload.kept]
    counts = Counter(figures.step_of(payload.use_limits, n) for n in use if n >= 0)
    days = project.config.policy.usage_window_days
    words = ("Nobody opened it", f"1 or 2 people in {days} days", "3 to 9", "10 to 29", "30 and more")
    rows = [Mark("fill", f"q{k + 1}", text, counts[k]) for k, text in enumerate(words)]
    rows.append(Mark("slash", "", "Not known, or never opened itself", sum(n < 0 for n in use)))
    sentence = f"People open {sum(n > 0 for n in use):,} of {plural(len(use), 'asset')} directly"
    return LensView("use", "Usage", sentence, tuple(rows))


def _by_cost(project: Project, payload: map_payload.MapPayload) -> LensView:
    ledger = month(project.graph())
    if ledger is None:
        return LensView("cost", "Cost", "", (), "Cost is not connected yet")
    known = payload.cost if payload.kept is None else [payload.cost[k] for k in payload.kept]
    counts = Counter(figures.step_of(payload.cost_limits, c) for c in known if c >= 0)
    words = figures.step_words(payload.cost_limits, ledger.unit)
    words[0] += f" {figures.per(ledger)}"
    rows = [Mark("fill", f"q{k + 1}", text, counts[k]) for k, text in enumerate(words)]
    missing = sum(c < 0 for c in known)
    if missing:
        rows.append(Mark("slash", "", "Not known", missing))
    return LensView("cost", "Cost", _spent(project, payload), tuple(rows))


def _spent(project: Project, payload: map_payload.MapPayload) -> str:
    """What the question of cost says of the whole; of a part, what of it serves an objective."""
    ledger = month(project.graph())
    if payload.kept is None or ledger is None:
        return project.ask("cost").headline
    spent = [(max(0.0, payload.cost[k]), payload.state[k] == SERVES) for k in payload.kept]
    serving, whole = sum(c for c, serves in spent if serves), sum(c for c, _ in spent)
    of = f"{figures.in_unit(ledger.unit, serving)} of {figures.in_unit(ledger.unit, whole)}"
    return f"{of} {figures.per(ledger)} serves an objective"


def _by_trust(project: Project, payload: map_payload.MapPayload) -> LensView:
    if not project.graph().health.known:
        return LensView("trust", "Trust", "", (), "No run results were found")
    trust = tally(payload.trust, payload.kept)
    positions = range(len(payload.names)) if payload.kept is None else payload.kept
    broken = sum(payload.trust[k] == BROKEN and payload.state[k] == SERVES for k in positions)
    stand = "stands" if broken == 1 else "stand"
    rows = (
        Mark("fill", "f-good", "Trusted", trust[TRUSTED], "trust=trusted"),
        Mark("dot", "f-warn", "A test warns", trust[WARNS], "trust=warns"),
        Mark("cross", "f-bad", "Late or failing, here or below", trust[BROKEN], "trust=broken"),
        Mark("slash", "", "Not known", trust[NOT_KNOWN], "trust=unknown"),
    )
    sentence = f"{plural(broken, 'asset')} under an objective {stand} on late or failing data"
    return LensView("trust", "Trust", sentence, rows)


def _bands(payload: map_payload.MapPayload) -> Iterator[BandRow]:
    positions = range(len(payload.names)) if payload.kept is None else payload.kept
    found = Counter((payload.band[k], payload.state[k]) for k in positions)
    for b, name in enumerate(payload.bands):
        parts = [found[b, state] for state in (SERVES, USED, UNKNOWN, NOBODY)]
        yield BandRow(name, sum(parts), *parts)


# ---------------------------------------------------------------------- what is worth a look


def _read(graph: Graph) -> str:
    """What was read from where, and what was not found: the panel of the first day."""
    kinds = Counter(KINDS[graph.nodes[i].kind].band for i in graph.assets)
    found = [plural(kinds["model"], "model"), plural(kinds["source"], "source")]
    found += [plural(kinds["metric"], "metric")] if kinds["metric"] else []
    shown = Counter(k for i in graph.assets if KINDS[k := graph.nodes[i].kind].band == "dashboard")
    found += [plural(count, kind.replace("_", " "), KINDS[kind].plural) for kind, count in shown.most_common()]
    missing = ["metrics"] * (not kinds["metric"]) + ["dashboards"] * (not kinds["dashboard"]) + ["goals"]
    text = f"Headway read {listed(found, 6)}. It found no {listed(missing).replace(' and ', ' and no ')}."
    unknown = ["usage"] * (not graph.use.known) + ["cost"] * (month(graph) is None)
    if unknown:
        what = listed(unknown).capitalize()
        text += f" {what} {'is' if len(unknown) == 1 else 'are'} not connected"
        text += ", so nothing is called unused." if "usage" in unknown else "."
    return text


def _worth(project: Project, base: Base, kept: Sequence[int] | None) -> Iterator[Item]:
    """Up to four findings among what is shown, each from an answer: none of a kind about which nothing is known."""
    graph = project.graph()
    inside = frozenset(base.nodes if kept is None else (base.nodes[k] for k in kept))
    zombies = ((graph.index[row.node], str(row.values[4])) for row in project.ask("zombies").rows)
    dead = {i: why for i, why in zombies if i in inside}
    yield from _half_used(graph, base, dead)
    shadows = [i for row in project.ask("shadow-goals").rows if (i := graph.index[row.node]) in inside]
    if shadows and graph.use.known:
        i = shadows[0]
        who = graph.use.people[i]
        read = plural(who, "person", "people") if who else plural(round(graph.use.reads[i]), "read")
        note = f"{read} in {graph.policy.usage_window_days} days, no objective: a shadow goal?"
        yield Item(graph.nodes[i].label, note, address("asset", graph.nodes[i].id))
    bare = next((port for port in base.payload.key_results if not port.links), None)
    if bare:
        yield Item(bare.t, "Key result with nothing underneath it", address("key_result", bare.id))
    ledger = month(graph)
    if ledger and dead:
        i = max(dead, key=lambda n: (ledger.amounts[n], graph.nodes[n].id))
        if ledger.amounts[i]:
            note = f"{figures.cost(ledger, ledger.amounts[i])} {figures.per(ledger)}, {dead[i]}"
            yield Item(asset_name(graph, i), note, address("asset", graph.nodes[i].id))


def _half_used(graph: Graph, base: Base, dead: Iterable[int]) -> Iterator[Item]:
    """The folder of whose zombies most is spent."""
    ledger, payload = month(graph), base.payload
    if ledger is None:
        return
    found: dict[int, list[int]] = {}
    for i in dead:
        found.setdefault(payload.group[base.position[i]], []).append(i)
    spent = {group: sum(ledger.amounts[i] for i in inside) for group, inside in found.items()}
    worst = max(spent, key=lambda group: (spent[group], -group), default=None)
    if worst is None or not spent[worst]:
        return
    inside = found[worst]
    reach = "reaches" if len(inside) == 1 else "reach"
    size = sum(group == worst for group in payload.group)
    note = f"{len(inside):,} of {plural(size, 'asset')}, {figures.cost(ledger, spent[worst])} {figures.per(ledger)}"
    name = payload.groups[worst]
    yield Item(
        f"{'Unused' if len(inside) == size else 'Half-used'} folder: {name}",
        f"{note}, {reach} no objective and no reader",
        address("list", state="nobody", folder=name),
    )


def _decisions(project: Project) -> int | None:
    """What the tab of Triage counts, each time anew: people decide while the graph stays. None while use is unknown."""
    try:
        return int(project.ask("triage").totals["open"]) if project.graph().use.known else None
    except InputError:  # told on the page of Triage
        return None
