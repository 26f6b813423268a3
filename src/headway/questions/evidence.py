"""What the questions share: finding the node a person means, proofs as steps, and figures per asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Annotated

from headway.answer import Answer, Column, Finding, Step, figure, plural
from headway.errors import UnknownName, UsageError
from headway.graph.graph import Graph, Service
from headway.graph.link import Match
from headway.graph.model import KINDS, SYNCS, Gap
from headway.graph.spend import Ledger, StandIn
from headway.graph.use import Counted
from headway.questions.registry import Says

Select = Annotated[
    str, Says("Only assets that this dbt-style selector names, such as 'path:models/marts owner:growth'.")
]

MONTH = 30
"""Days that stand for a month where a cost is given per month."""

ASSET_COLUMNS = (
    Column("asset", "Asset"),
    Column("kind", "Kind"),
    Column("owner", "Owner", secondary=True),
)


def the_asset(graph: Graph, name: str) -> int:
    """The one asset a person means by `name`: an id, a name, or `kind:name`.

    Raises UnknownName when there is none and UsageError when there are several.
    """
    kind, colon, rest = name.partition(":")
    match = graph.directory.find(rest, kind) if colon and kind in KINDS else graph.directory.find(name)
    if not match.nodes and (goal := _any_goal(graph, name).node) is not None:
        what = graph.nodes[goal].kind.replace("_", " ")
        raise UsageError(f"{name!r} is {_a(what)}, not an asset", hint=f"headway goals {_objective_name(graph, goal)}")
    return _single(graph, match, "asset", name)


def the_goal(graph: Graph, name: str, kind: str = "objective") -> int:
    """The one objective (or key result) a person means; the same errors as `the_asset`."""
    return _single(graph, graph.directory.find(name, kind), kind.replace("_", " "), name)


def _any_goal(graph: Graph, name: str) -> Match:
    found = graph.directory.find(name, "objective")
    return found if found.nodes else graph.directory.find(name, "key_result")


def _objective_name(graph: Graph, goal: int) -> str:
    return graph.nodes[graph.objective_of(goal)].name


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _single(graph: Graph, match: Match, what: str, name: str) -> int:
    if match.node is not None:
        return match.node
    if not match.nodes:
        raise UnknownName(what, name, graph.directory.near(name, what.replace(" ", "_")))
    options = [graph.nodes[i].id for i in match.nodes]
    shown = ", ".join(options[:5]) + (f" and {len(options) - 5} more" if len(options) > 5 else "")
    raise UsageError(f"{name!r} fits {len(options)} nodes", hint=f"name one of them: {shown}")


def chosen(graph: Graph, selector: str) -> Sequence[int]:
    """The assets a selector names, in the graph's order; all of them when it is empty."""
    if not selector:
        return graph.assets
    names = graph.select(selector)
    return [i for i in graph.assets if i in names]


def steps(graph: Graph, service: Service) -> tuple[Step, ...]:
    """The proof of a service as steps: the asset first, then up to its objective and what that supports."""
    path = list(service.path)
    objective = graph.objective_of(service.goal)
    if objective != service.goal:
        path += [objective, *graph.ancestors_of(objective)]
    elif service.goal in graph.supports:
        path += graph.ancestors_of(objective)
    return path_steps(graph, path)


def path_steps(graph: Graph, path: Sequence[int]) -> tuple[Step, ...]:
    """A path of node indexes as steps, each with how the edge into the next one is known."""
    return tuple(
        Step(
            node=graph.nodes[i].id,
            kind=graph.nodes[i].kind,
            name=graph.nodes[i].label if KINDS[graph.nodes[i].kind].goal else asset_name(graph, i),
            evidence="" if j is None else graph.evidence.get((i, j), "declared"),
        )
        for i, j in zip(path, [*path[1:], None], strict=True)
    )


def asset_values(graph: Graph, i: int) -> tuple[str, str, str | None]:
    """Values of ASSET_COLUMNS."""
    node = graph.nodes[i]
    return asset_name(graph, i), node.kind.replace("_", " "), node.owner or None


def asset_name(graph: Graph, i: int) -> str:
    """The name engineers know an asset by; `orders (v2)` for one of several versions."""
    node = graph.nodes[i]
    return node.label if KINDS[node.kind].band == "model" else node.name


def titles(graph: Graph, nodes: Iterable[int]) -> list[str]:
    """Titles of goals, each once, in the company's own order."""
    unique = sorted(set(nodes), key=lambda i: (graph.objectives[i].order if i in graph.objectives else 0, i))
    return [graph.nodes[i].label for i in unique]


@lru_cache(maxsize=4)
def months(graph: Graph) -> tuple[Ledger, ...]:
    """What each node cost over the last 30 days, in every unit, that with the most rows first."""
    return graph.spend(graph.as_of - timedelta(days=MONTH - 1), graph.as_of)


def month(graph: Graph) -> Ledger | None:
    """What each node cost over the last 30 days, in the unit with the most rows, or what stands in for it."""
    found = months(graph)
    return found[0] if found else None


def cost_column(graph: Graph) -> Column:
    """The column of a cost per month; its heading says in which unit, and where it is not a cost as it was given."""
    ledger = month(graph)
    heading = amount_heading(ledger, " a month") if ledger else "Cost a month"
    return Column("cost_per_month", heading, "money")


def amount_heading(ledger: Ledger, when: str = "") -> str:
    """The heading of amounts of a ledger: `EUR a month, converted`; of what stands in for a cost, what it is."""
    if ledger.day:
        return _STAND_IN[ledger.stand_in][0]  # one run is of no period
    unit = _STAND_IN[ledger.stand_in][0] if ledger.stand_in else ledger.unit
    return f"{unit}{when}, {ledger.mark}" if ledger.mark else f"{unit}{when}"


_STAND_IN: Mapping[StandIn, tuple[str, str]] = {
    "warehouse time": ("Warehouse seconds", "seconds of warehouse time a month"),
    "bytes read in the warehouse": ("Bytes read", "bytes read in the warehouse a month"),
    "run time of the last dbt run": ("Seconds in the last dbt run", "seconds of the last dbt run"),
}
"""Heading and words of what stands in for a cost."""


def cost_value(graph: Graph, i: int) -> float | None:
    """Cost of a node over the last 30 days; None when nothing is known of any."""
    ledger = month(graph)
    return ledger.amounts[i] / 1_000_000 if ledger else None


def money(graph: Graph, nodes: Iterable[int]) -> str:
    """`EUR 312 a month` for some nodes, `40 seconds of the last dbt run` where no cost is known; '' without either."""
    ledger = month(graph)
    if ledger is None:
        return ""
    amount = sum(ledger.amounts[i] for i in nodes)
    if ledger.stand_in:
        return f"{figure(amount / 1_000_000)} {_STAND_IN[ledger.stand_in][1]}"
    return f"{amount_words(ledger.unit, amount)} a month"


def amount_words(unit: str, micros: int) -> str:
    """`EUR 312` for money, `312 credits` for what is none."""
    said = figure(micros / 1_000_000)
    return f"{unit} {said}" if len(unit) == 3 and unit.isupper() else f"{said} {unit}"


def people_words(people: int, counted: Counted) -> str:
    """`14 people` where they are known, `at least 14 people` and `up to 4 people a day` where only a bound is."""
    said = plural(people, "person", "people")
    return {"exact": said, "at least": f"at least {said}", "on one day": f"up to {said} a day"}[counted]


def make(
    graph: Graph,
    question: str,
    code: str,
    headline: str,
    columns: Sequence[Column] = (),
    rows: Sequence[Finding] = (),
    **more: object,
) -> Answer:
    """An answer about `graph`, with its date."""
    return Answer(
        question=question,
        code=code,
        headline=headline,
        columns=tuple(columns),
        rows=tuple(rows),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        **more,  # type: ignore[arg-type]
    )


def gaps(graph: Graph, *topics: str) -> tuple[Gap, ...]:
    """The graph's gaps that touch an answer; a source that could not be read may touch any."""
    found = [g for g in graph.gaps if g.topic in topics or g.topic == SYNCS]
    return tuple(sorted(found, key=lambda g: g.topic != SYNCS))


def no_goals(graph: Graph) -> str:
    """What to say when nobody has written down a goal; '' when there are goals."""
    if graph.objectives or graph.goals:
        return ""
    return f"No goals are known yet, so nothing can be said about what {plural(len(graph.assets), 'asset')} are for."
