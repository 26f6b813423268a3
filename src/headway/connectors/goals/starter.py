"""The text of a first goals file, made from what a project already has.

Nothing in it claims to be known: names come from the project, and whatever only people can say is a comment.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date

from headway.connectors.goals.schema import MODELINE, VERSION, write_schema
from headway.connectors.goals.values import slug, written_id
from headway.graph.model import KINDS, Node

__all__ = ["comment", "quoted", "starter", "write_schema"]

PROPOSED = 3
"""Key results that are written out. More would be a list to copy instead of a question to answer."""
LISTED = 12
"""Further metrics or models, and exposures, that are named in comments."""

_MART = re.compile(r"(^|/)(marts?|reporting|gold)(/|$)", re.IGNORECASE)
_MART_NAME = re.compile(r"^(fct|fact|dim|marts?|rpt|agg)_")
_LOOKUP_NAME = re.compile(r"^dim_")
_BELOW_MARTS = re.compile(r"^(stg|base|int|src|raw|tmp|snap)_|(^|/)(staging|intermediate|base)(/|$)", re.IGNORECASE)


def starter(nodes: Sequence[Node], readers: Mapping[str, int], today: date) -> str:
    """Text of a goals.yml for a project of these nodes; it reads without problems as it is.

    `readers` is the number of assets downstream of each node id; `today` decides the quarter. Metrics are proposed as
    key results, the most read first; where there are none, the models most depended on, marts before others and
    dimensions last.
    """
    nodes = [node for node in nodes if not node.disabled]
    metrics = _ranked([node for node in nodes if node.kind == "metric"], readers)
    # Much depends on dimensions, but few goals are about them: they come after everything that happens.
    models = sorted(_ranked(_marts(nodes), readers), key=lambda node: bool(_LOOKUP_NAME.match(node.name)))
    shown = _ranked([n for n in nodes if KINDS[n.kind].is_a == "exposure" and not KINDS[n.kind].goal], readers)
    lines = [*_head(today), "    key_results:"]
    dashboards = _shown_on(shown)
    taken: set[str] = set()
    for node in (metrics or models)[:PROPOSED]:
        lines += _proposed(node, dashboards, taken)
    if metrics:
        lines += _others("Other metrics of this project", metrics[PROPOSED:], taken)
    elif models:
        lines += _others("Other models that much depends on", models[PROPOSED:], taken)
    else:
        lines += _WORDS
    return "\n".join([*lines, *_tail(today), *_exposures(shown)]) + "\n"


def _head(today: date) -> list[str]:
    name, start, end = _quarter(today)
    return [
        MODELINE,
        "# What the company wants, and how one can see that it is reached. Every word here is yours to change.",
        f"version: {VERSION}",
        "",
        "periods:",
        f"  - {{id: {name}, start: {start.isoformat()}, end: {end.isoformat()}}}",
        "",
        "objectives:",
        "  - id: first_objective",
        '    title: "The first thing this company wants"',
        f"    period: {name}",
        "    # owner: the team that answers for it",
        "    # description: why it matters",
        "    # parent: id of the objective it supports",
    ]


def _quarter(today: date) -> tuple[str, date, date]:
    """Name, first and last day of the calendar quarter."""
    last = (today.month + 2) // 3 * 3
    end = date(today.year, last, monthrange(today.year, last)[1])
    return f"{today.year:04}-Q{last // 3}", date(today.year, last - 2, 1), end


def _proposed(node: Node, dashboards: str, taken: set[str]) -> list[str]:
    """A key result that is bound to this node and has no number yet."""
    name = _free(slug(node.name), taken)
    lines = [f"      - id: {name}", f"        title: {quoted(node.label)}"]
    if node.kind == "metric":
        lines += [f"        metric: {quoted(node.name)}", "        # grain: month"]
    else:
        lines += [
            f"        model: {quoted(node.name)}",
            "        expression: count(*)  # the SQL aggregate that this goal is about",
            "        # time: the column that dates a row",
            "        # grain: month",
        ]
    owner = f"        # owner: {quoted(node.owner)}" if node.owner else "        # owner: the team that answers for it"
    return [
        *lines,
        owner,
        "        # baseline: 100",
        "        # target: 120",
        *([f"        # shown_on: {dashboards}"] if dashboards else []),
    ]


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return written_id(free)


_WORDS = [
    '      - "How one could see that it is reached"',
    "      # A sentence is a start. A key result that is measured looks like this:",
    "      # - id: monthly_revenue",
    "      #   title: Monthly revenue",
    "      #   model: fct_orders",
    "      #   expression: sum(amount)",
    "      #   baseline: 100000",
    "      #   target: 120000",
]


def _tail(today: date) -> list[str]:
    due = _quarter(today)[2].isoformat()
    return [
        "    # What is done or not, without a number:",
        "    # deliverables:",
        f"    #   - {{id: pricing_page, title: Ship the new pricing page, due: {due}, done: false}}",
        "    # Work in flight; key_results: [ids] says which of them it is for:",
        "    # initiatives:",
        "    #   - {id: onboarding, title: New onboarding}",
        "",
        "  # Permanent reporting that needs no target: one objective for all of it, with a limit.",
        "  # - {id: reporting, title: Permanent reporting, standing: true, limit: 10, key_results: []}",
    ]


def _others(heading: str, nodes: Sequence[Node], taken: set[str]) -> list[str]:
    """Further key results, one commented line each, ready to be uncommented."""
    if not nodes:
        return []
    lines = [f"      # {heading}:"]
    for node in nodes[:LISTED]:
        bound = f"metric: {quoted(node.name)}"
        if node.kind != "metric":
            bound = f"model: {quoted(node.name)}, expression: count(*)"
        lines.append(f"      # - {{id: {_free(slug(node.name), taken)}, title: {quoted(node.label)}, {bound}}}")
    return lines + ([f"      # and {len(nodes) - LISTED:,} more"] if len(nodes) > LISTED else [])


def _shown_on(shown: Sequence[Node]) -> str:
    """A list of the first few, to shorten to those that really show a key result."""
    return f"[{', '.join(quoted(node.name) for node in shown[:PROPOSED])}]" if shown else ""


def _exposures(shown: Sequence[Node]) -> list[str]:
    if not shown:
        return []
    lines = ["", "# What can be named under shown_on, when it shows a key result:"]
    lines += [f"# - {comment(node.name)}{_titled(node)}" for node in shown[:LISTED]]
    return lines + ([f"# and {len(shown) - LISTED:,} more"] if len(shown) > LISTED else [])


def _titled(node: Node) -> str:
    return f" ({comment(node.title)})" if node.title and node.title != node.name else ""


def _marts(nodes: Sequence[Node]) -> list[Node]:
    """Models that look like marts by folder or name; where none does, all but the layers below."""
    models = [node for node in nodes if node.kind == "model"]
    above = [n for n in models if not (_BELOW_MARTS.search(n.name) or _BELOW_MARTS.search(_folder(n)))]
    return [n for n in above if _MART_NAME.match(n.name) or _MART.search(_folder(n))] or above or models


def _folder(node: Node) -> str:
    return node.path.replace("\\", "/").rpartition("/")[0]


def _ranked(nodes: Sequence[Node], readers: Mapping[str, int]) -> list[Node]:
    return sorted(nodes, key=lambda node: (-readers.get(node.id, 0), node.name, node.id))


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*")


def quoted(text: str) -> str:
    """Text as a YAML value on one line, in double quotes where YAML needs them; what cannot be shown is replaced."""
    text = comment(text)
    if _PLAIN.fullmatch(text) and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def comment(text: str) -> str:
    """Text on one line without anything a YAML file or a terminal could stumble over, at most 200 characters."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(plain.split())[:200].strip() or "unnamed"
