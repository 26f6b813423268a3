"""Goals from several places as one tree, and what people bound them to.

Two goals of different sources are the same when one says so (`same_as` holds the id of the other), or has the other's
address, one to one. The goal of the source that comes first in the stated order stays, with its id; what it does not
say is taken from the other, whose id finds it too.

A binding is a Target without an objective: how a goal of another source gets its value, kept with the goals in git. It
takes the place of whatever that source says about it, and survives every import because it hangs on the goal's id. One
that leads to nothing is a gap, never silence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from msgspec.structs import replace

from headway.graph.merge import address
from headway.graph.model import KINDS, Binding, Deliverable, Edge, Gap, Node, Objective, Reading, Target

NUMBER = ".number"
"""End of the id of the key result that holds the own number of a goal with others below it."""
R = TypeVar("R", Node, Target, Objective, Deliverable)
_OPEN = {
    Node: ("title", "owner", "owner_origin", "url", "description", "tags"),
    Target: ("baseline", "target", "commit", "stretch", "band", "direction", "unit", "start", "due", "checkpoints"),
    Objective: ("start", "end", "period", "parent", "state"),
    Deliverable: ("due", "done_on"),
}
"""What one source may say where the one before it says nothing."""


def merge_goals(kinds: MutableMapping[type, list[Any]], order: Sequence[str]) -> tuple[Mapping[str, str], list[Gap]]:
    """Make one tree of the goals in records by their type, and bind them; `order` has connectors, the first counting
    most. Returns which id stands for which other, and what is to be said. Costs one look at every node.
    """
    goals = [n for n in kinds[Node] if KINDS[n.kind].goal and not n.disabled]
    gaps: list[Gap] = []
    aliases: dict[str, str] = {}
    if len({n.origin.connector for n in goals}) > 1:
        aliases = _same(goals, _ranks(goals, order), gaps)
        if aliases:
            _unite(kinds, aliases)
    if any(not target.objective for target in kinds[Target]):
        _bind(kinds, aliases, gaps)
    return aliases, gaps


def _ranks(goals: Sequence[Node], order: Sequence[str]) -> Mapping[str, int]:
    """Connector -> its place: as stated, then goals files, then in the order of their records."""
    said = dict.fromkeys((*order, "goals", *(n.origin.connector for n in goals)))
    return {name: place for place, name in enumerate(said)}


def _same(goals: Sequence[Node], ranks: Mapping[str, int], gaps: list[Gap]) -> dict[str, str]:
    """Id -> id of the goal that stands for it."""
    by_id = {n.id: n for n in goals}
    pairs: list[tuple[Node, Node]] = []
    for node in goals:
        said = node.meta.get("same_as")
        if not isinstance(said, str) or not said:
            continue
        other = by_id.get(said) or by_id.get(f"goal:{said}")
        if other is None:
            message = f"{node.label!r} says that it is the same as {said!r}, which no source has"
            hint = _near(said, by_id)
            gaps.append(Gap(topic="goals", message=message, node=node.id, hint=hint, origin=node.origin))
        elif other.id != node.id:
            pairs.append((node, other))
    pairs += _by_address(goals)
    found: dict[str, str] = {}
    for one, other in pairs:
        kept, gone = sorted((by_id[_end(found, n.id)] for n in (one, other)), key=lambda n: ranks[n.origin.connector])
        if kept.id == gone.id:
            continue
        if kept.kind != gone.kind:
            message = f"{kept.label!r} ({kept.id}) is a {_noun(kept)} and {gone.id} is a {_noun(gone)}: they stay apart"
            gaps.append(Gap(topic="goals", message=message, node=kept.id, origin=kept.origin))
        else:
            found[gone.id] = kept.id
    return {gone: _end(found, gone) for gone in found}


def _by_address(goals: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    places = defaultdict(list)
    for node in goals:
        place = address(node.url) if node.url else None
        if place is not None and place.path:
            places[place, node.kind].append(node)
    for there in places.values():
        if len(there) == 2 and there[0].origin.connector != there[1].origin.connector:
            yield there[0], there[1]


def _end(found: Mapping[str, str], key: str) -> str:
    while key in found:
        key = found[key]
    return key


def _unite(kinds: MutableMapping[type, list[Any]], aliases: Mapping[str, str]) -> None:
    """Put what is known of a goal that another stands for there."""
    kinds[Node] = _united(kinds[Node], aliases, lambda n: n.id, lambda n, key: replace(n, id=key))
    kinds[Objective] = _united(
        kinds[Objective],
        aliases,
        lambda o: o.objective,
        lambda o, key: replace(o, objective=key, parent=_end(aliases, o.parent)),
    )
    kinds[Deliverable] = _united(
        kinds[Deliverable], aliases, lambda d: d.deliverable,
        lambda d, key: replace(d, deliverable=key, objective=_end(aliases, d.objective)),
    )  # fmt: skip
    bindings = [t for t in kinds[Target] if not t.objective]
    real = _united(
        [t for t in kinds[Target] if t.objective], aliases, lambda t: t.key_result,
        lambda t, key: replace(t, key_result=key, objective=_end(aliases, t.objective)),
    )  # fmt: skip
    kinds[Target] = [*real, *bindings]
    gone = set(aliases)
    held = {e.upstream for e in kinds[Edge] if e.role == "supports"}
    edges: dict[tuple[str, str, str], Edge] = {}
    for edge in kinds[Edge]:
        up, down = _end(aliases, edge.upstream), _end(aliases, edge.downstream)
        if edge.role == "supports" and edge.upstream in gone and up in held:
            continue  # where it belongs is said by the goal that stays
        if up != down:
            same = up == edge.upstream and down == edge.downstream
            edges.setdefault((up, down, edge.role), edge if same else replace(edge, upstream=up, downstream=down))
    kinds[Edge] = list(edges.values())
    kinds[Reading] = _readings(kinds, aliases)
    kinds[Gap] = [replace(g, node=_end(aliases, g.node)) if g.node in gone else g for g in kinds[Gap]]


def _united(
    records: Sequence[R], aliases: Mapping[str, str], key: Callable[[R], str], renamed: Callable[[R, str], R]
) -> list[R]:
    """The records with those of a goal that another stands for filled into that one's."""
    stays = {key(r): i for i, r in reversed(list(enumerate(records))) if key(r) not in aliases}
    result: list[R | None] = [renamed(r, key(r)) if key(r) not in aliases else None for r in records]
    for record in records:
        if key(record) not in aliases:
            continue
        at = stays.get(aliases[key(record)])
        mine = None if at is None else result[at]
        if mine is None:
            result.append(renamed(record, aliases[key(record)]))
            stays[aliases[key(record)]] = len(result) - 1
        elif at is not None:
            result[at] = _filled(mine, renamed(record, key(mine)))
    return [r for r in result if r is not None]


def _filled(mine: R, other: R) -> R:
    more = {n: getattr(other, n) for n in _OPEN[type(mine)] if getattr(mine, n) in (None, "", ()) and getattr(other, n)}
    if isinstance(mine, Node) and isinstance(other, Node):
        more.update(also=(*mine.also, other.origin, *other.also))
        if mine.owner:
            more.pop("owner_origin", None)
    if isinstance(mine, Target) and isinstance(other, Target) and not mine.binding.way:
        more["binding"] = other.binding
    return replace(mine, **more)


def _readings(kinds: Mapping[type, list[Any]], aliases: Mapping[str, str]) -> list[Reading]:
    """Values of the goal that stays; of one that it stands for only where it has none itself and reads by hand."""
    manual = {t.key_result for t in kinds[Target] if t.objective and t.binding.way in {"readings", ""}}
    own = {r.key_result for r in kinds[Reading] if r.key_result not in aliases}
    found = []
    for reading in kinds[Reading]:
        key = aliases.get(reading.key_result)
        if key is None:
            found.append(reading)
        elif key in manual and key not in own:
            found.append(replace(reading, key_result=key))
    return found


# --- Bindings --------------------------------------------------------------------------------------------------------


def _bind(kinds: MutableMapping[type, list[Any]], aliases: Mapping[str, str], gaps: list[Gap]) -> None:
    """Give goals the bindings that the goals file states for them."""
    stated = [t for t in kinds[Target] if not t.objective]
    targets = {t.key_result: t for t in kinds[Target] if t.objective}
    nodes = {n.id: n for n in kinds[Node] if KINDS[n.kind].goal}
    meant: dict[str, str | None] = {}
    for binding in stated:
        said = binding.key_result
        key = _end(aliases, said)
        key = key if key in targets else key + NUMBER
        if key in targets:
            gaps += _scale(targets[key], binding, nodes)
            targets[key] = _bound(targets[key], binding)
            meant[said] = key
        else:
            meant[said] = None
            gaps.append(_nowhere(binding, nodes.get(_end(aliases, said)), nodes))
    bound = {key for said, key in meant.items() if key}
    changed = {key for said, key in meant.items() if key and targets[key].binding.way != "readings"}
    kinds[Target] = list(targets.values())
    kinds[Edge] = list(_edges(kinds[Edge], meant))
    typed = {key: targets[key].origin.connector for key in changed}
    kinds[Reading] = [r for r in kinds[Reading] if typed.get(r.key_result) != r.origin.connector]
    kinds[Gap] = [g for g in kinds[Gap] if g.node not in bound or "under bindings:" not in g.hint]


def _bound(target: Target, said: Target) -> Target:
    """The target with its binding from git. Numbers of the tool stay; what it lacks may stand beside the binding."""
    way = said.binding if said.binding != Binding() else target.binding
    fill = {n: getattr(said, n) for n in ("baseline", "target", "unit") if getattr(target, n) in (None, "")}
    done = replace(target, binding=way, **fill)
    if _in_percent(target) and way.way in _COMPUTED:
        # What computes the value may give 0.4 or 40: only who bound it knows, and a wrong guess is a wrong verdict.
        if said.unit.casefold() in _SHARES:
            scaled = {n: _share(getattr(done, n)) for n in ("baseline", "target")}
            done = replace(done, unit=said.unit, there=100.0, **scaled)
        elif not said.unit:
            done = replace(done, baseline=said.baseline, target=said.target, unit="", direction="", there=0.0)
    if not done.direction and done.baseline is not None and done.target is not None and done.baseline != done.target:
        done = replace(done, direction="increase" if done.target > done.baseline else "decrease")
    return done


_PERCENT = frozenset({"%", "percent", "percentage", "pct"})
_SHARES = frozenset({"share", "ratio", "fraction"})
_COMPUTED = frozenset({"metric", "model", "sql"})


def _in_percent(target: Target) -> bool:
    return target.unit.casefold() in _PERCENT and target.origin.connector not in {"goals", "dbt"}


def _share(percent: float | None) -> float | None:
    return None if percent is None else float(f"{percent / 100:.15g}")


def _scale(target: Target, said: Target, nodes: Mapping[str, Node]) -> Iterator[Gap]:
    """Says that numbers in percent were not taken, where nobody says what they are compared with."""
    way = said.binding.way
    if not _in_percent(target) or way not in _COMPUTED or said.unit or said.target is not None:
        return
    label = nodes[target.key_result].label
    message = f"{label!r} is in percent there, and whether its {way} gives percent or shares is not known"
    hint = "say it beside the binding, unit: share or unit: percent, and its target counts"
    yield Gap(topic="goals", message=message, node=target.key_result, hint=hint, origin=said.origin)


def _edges(edges: Sequence[Edge], meant: Mapping[str, str | None]) -> Iterator[Edge]:
    """Edges of bindings lead where the binding does; what a tool says feeds a goal gives way to them."""
    ours = {id(e) for e in edges if e.origin.connector == "goals" and e.downstream in meant}
    fed = {meant[e.downstream] for e in edges if id(e) in ours and e.role == "feeds"}
    for edge in edges:
        if id(edge) in ours:
            key = meant[edge.downstream]
            if key is not None:
                yield edge if key == edge.downstream else replace(edge, downstream=key)
        elif edge.role != "feeds" or edge.downstream not in fed:
            yield edge


def _nowhere(binding: Target, node: Node | None, nodes: Mapping[str, Node]) -> Gap:
    """What to say of a binding that leads to nothing."""
    said = binding.key_result
    if node is not None:
        message = f"{binding.origin}: the binding of {said} points to {node.label!r}, which is no key result"
        hint = f"bind a key result below it; it is a {_noun(node)}"
    else:
        message = f"{binding.origin}: the binding of {said} points to nothing: no source has such a key result"
        hint = _near(said, nodes) or "was it deleted there, or is its source not synced?"
    return Gap(topic="goals", message=message, hint=hint, origin=binding.origin)


def _near(said: str, nodes: Mapping[str, Node]) -> str:
    near = get_close_matches(said, nodes, n=2, cutoff=0.75)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _noun(node: Node) -> str:
    return node.kind.replace("_", " ")
