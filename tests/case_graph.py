"""Tiny graphs as text: the notation of the cases in tests/cases, one statement a line.

source raw_orders
model orders < raw_orders, customers   owner=sales-team created=2026-11-10 protected cost=12.50
metric mrr < orders                     aggregates=sum(amount) title="Monthly revenue"
metric net < orders                     definition='{"type": "simple", "agg": "sum", "expr": "net", "over": "orders"}'
dashboard exec < mrr
chart superset:chart.7 tables=prod.marts.orders,marts.users disabled url=https://... tags=weekly deprecated=2026-11-01
accept table:marts.users superset:chart.7 as=users       (without the reader: for all; `accept BOARD GOAL`; decline)
objective grow "Grow" 2026-10-01..2026-12-31  parent=company standing limit=3 state=ended
key_result grow.mrr < mrr   shown_on=exec  from=10 to=20  weight=2  unit=EUR  words
reading grow.mrr 2026-11-21 14
views exec 12 on 2026-11-20  class=service tool=looker person=a1   (queries, views, people)
views_total exec 900 on 2026-11-20                                  (opened since it exists)
covers "kind:model kind:dashboard" 2026-08-01..2026-11-21  source=bi.csv
cost orders 12.5 EUR on 2026-11-20  class=dbt tool=dbt
seconds orders 40 on 2026-11-20  class=dbt tool="dbt run results"   (seconds, bytes)
storage orders 4000 on 2026-11-20                                   (bytes stored)
price credits 3 EUR
check orders not_null fail since 2026-11-12 "3 rows"
columns orders: amount < raw_orders.gross raw_orders.tax?, id < raw_orders.id | shape raw_orders.status  problem=why
reads orders.amount 5 on 2026-11-20  class=service
facets orders SQL=1 "column amount=1" "test unique=1"               (what it is made of, with a digest each)

Of a column's sources `a.b?` is a candidate, `a.b~` assumed, and `a.*` every column; a column without `<` has none.
The columns of a key result are those of `grow.mrr:`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime

from msgspec.structs import replace

from headway.config import Policy, Price
from headway.graph.graph import Graph
from headway.graph.model import (
    KINDS,
    AnyRecord,
    Binding,
    Certainty,
    Check,
    ColumnLineage,
    ColumnSource,
    Coverage,
    Decision,
    Edge,
    Facets,
    Node,
    Objective,
    Observation,
    Origin,
    Reading,
    Target,
    goal_id,
)

AS_OF = date(2026, 11, 22)
FILE = Origin(connector="observations", file="usage.csv")


def graph_of(
    text: str,
    *,
    as_of: date = AS_OF,
    policy: Policy | None = None,
    protected: tuple[str, ...] = (),
    before: str = "",
) -> Graph:
    """The graph that a case describes; `before` describes the one that it is compared with."""
    prices = {unit: Price(float(amount), money) for unit, amount, money in _PRICE.findall(text)}
    base = graph_of(before, as_of=as_of, policy=policy, protected=protected) if before else None
    return Graph(records_of(text), as_of=as_of, policy=policy, protected=protected, prices=prices, base=base)


def records_of(text: str) -> list[AnyRecord]:
    """The records that a case describes."""
    records: list[AnyRecord] = []
    for order, line in enumerate(text.strip().splitlines()):
        words = shlex.split(line.partition("#")[0])
        if words and words[0] == "columns":
            records.append(_columns(" ".join(words[1:])))
        elif words and words[0] in {"accept", "decline"}:
            records.append(_decision(words[0] == "accept", words[1:], order))
        elif words and words[0] == "facets":
            records.append(Facets(node=words[1], digests=dict(w.split("=", 1) for w in words[2:])))
        elif words:
            records.extend(_statement(words[0], words[1:], order))
    return records


def _statement(verb: str, words: list[str], order: int) -> Iterator[AnyRecord]:
    options = dict(w.split("=", 1) for w in words if "=" in w)
    plain = [w for w in words if "=" not in w]
    if verb == "objective":
        yield from _objective(plain, options, order)
    elif verb == "key_result":
        yield from _key_result(plain, options)
    elif verb in KINDS:
        yield from _asset(verb, plain, options)
    elif verb == "reading":
        objective, key_result = plain[0].split(".")
        day = date.fromisoformat(plain[1])
        yield Reading(key_result=goal_id("key_result", objective, key_result), day=day, value=float(plain[2]))
    elif verb == "reads":
        node, _, column = plain[0].rpartition(".")
        read = _observation("queries", [node, *plain[1:]], {"class": "person", **options}, "count")
        yield replace(read, column=column)
    elif verb in {"queries", "views", "people", "views_total"}:
        reader = {} if verb == "views_total" else {"class": "person"}
        yield _observation(verb, plain, {**reader, **options}, "count")
    elif verb == "cost":
        yield _observation(verb, plain, options, plain[2])
    elif verb in {"seconds", "bytes", "storage"}:
        yield _observation(verb, plain, options, "bytes" if verb == "storage" else verb)
    elif verb == "price":
        assert _PRICE.fullmatch(" ".join((verb, *words))), "a price is `price UNIT AMOUNT MONEY`"
    elif verb == "covers":
        start, end = (date.fromisoformat(d) for d in plain[1].split(".."))
        origin = Origin(connector="observations", file=options["source"]) if "source" in options else FILE
        yield Coverage(covers=plain[0], start=start, end=end, origin=origin)
    elif verb == "check":
        yield _check(plain)
    else:
        raise AssertionError(f"cannot read {verb!r} in a case")


def _decision(accepted: bool, words: list[str], order: int) -> Decision:
    options = dict(w.split("=", 1) for w in words if "=" in w)
    upstream, downstream = [*(w for w in words if "=" not in w), ""][:2]
    return Decision(
        upstream=upstream.replace("table:", "ref:table/"),
        downstream=downstream,
        accepted=accepted,
        role="shows" if downstream.startswith("goal:") else "feeds",
        target=options.get("as", ""),
        origin=Origin(connector="links", file="links.yml", line=order + 1),
    )


_PRICE = re.compile(r"^price (\S+) (\S+) (\S+)$", re.MULTILINE)


def _observation(measure: str, words: list[str], options: dict[str, str], unit: str) -> Observation:
    """`orders 12.5 ... on 2026-11-20` with its options."""
    return Observation(
        day=date.fromisoformat(words[-1]),
        measure=measure,
        amount=float(words[1]),
        unit=unit,
        node=words[0],
        person_class=options.get("class", ""),
        tool=options.get("tool", ""),
        person=options.get("person", ""),
        origin=Origin(connector="observations", file=options["source"]) if "source" in options else FILE,
    )


def _names(words: list[str]) -> tuple[str, list[str]]:
    """`orders < a, b` as (orders, [a, b])."""
    if "<" not in words:
        return words[0], []
    at = words.index("<")
    return words[0], [w.strip(",") for w in words[at + 1 :] if w.strip(",") and w not in _FLAGS]


_FLAGS = {"disabled", "protected", "outside", "ephemeral", "words", "standing"}


def _asset(kind: str, words: list[str], options: dict[str, str]) -> Iterator[AnyRecord]:
    name, above = _names(words)
    created = options.get("created")
    yield Node(
        id=name,
        kind=kind,
        name=name,
        owner=options.get("owner", ""),
        path=options.get("path", ""),
        relation=options.get("relation", ""),
        created=date.fromisoformat(created) if created else None,
        protected="protected" in words,
        outside="outside" in words,
        disabled="disabled" in words,
        url=options.get("url", ""),
        tags=tuple(filter(None, options.get("tags", "").split(","))),
        deprecated=options.get("deprecated", ""),
        origin=Origin(connector=name.partition(":")[0]) if ":" in name else Origin(),
        materialized="ephemeral" if "ephemeral" in words else "",
        title=options.get("title", ""),
        aggregates=tuple(filter(None, options.get("aggregates", "").split(";"))),
        meta={"definition": json.loads(options["definition"])} if "definition" in options else {},
    )
    for up in above:
        yield Edge(upstream=up, downstream=name)
    for table in filter(None, options.get("tables", "").split(",")):
        yield Edge(upstream=f"ref:table/{table}", downstream=name, evidence="matched")
    if "cost" in options:
        yield Observation(day=AS_OF, measure="cost", amount=float(options["cost"]), unit="EUR", node=name, origin=FILE)


def _objective(words: list[str], options: dict[str, str], order: int) -> Iterator[AnyRecord]:
    name, title, *rest = words
    node = goal_id("objective", name)
    dates = next((w for w in rest if ".." in w), "")
    start, end = (date.fromisoformat(d) for d in dates.split("..")) if dates else (None, None)
    parent = goal_id("objective", options["parent"]) if "parent" in options else ""
    yield Node(id=node, kind="objective", name=name, title=title, owner=options.get("owner", ""))
    yield Objective(
        objective=node,
        start=start,
        end=end,
        parent=parent,
        standing="standing" in rest,
        limit=int(options["limit"]) if "limit" in options else None,
        state=options.get("state", ""),  # type: ignore[arg-type]
        order=order,
        weight=float(options.get("weight", 1)),
    )
    if parent:
        yield Edge(upstream=node, downstream=parent, role="supports")


def _key_result(words: list[str], options: dict[str, str]) -> Iterator[AnyRecord]:
    name, above = _names(words)
    objective, _, key_result = name.partition(".")
    node = goal_id("key_result", objective, key_result)
    yield Node(id=node, kind="key_result", name=key_result, title=options.get("title", ""))
    start, due = options.get("start", "2026-10-01"), options.get("due", "2026-12-31")
    yield Target(
        key_result=node,
        objective=goal_id("objective", objective),
        weight=float(options.get("weight", 1)),
        baseline=float(options["from"]) if "from" in options else None,
        target=float(options["to"]) if "to" in options else None,
        unit=options.get("unit", ""),
        start=date.fromisoformat(start),
        due=date.fromisoformat(due),
        binding=Binding() if "words" in words else Binding(metric=above[0] if above else "missing"),
    )
    yield Edge(upstream=node, downstream=goal_id("objective", objective), role="supports")
    for up in above:
        yield Edge(upstream=f"ref:asset/{up}", downstream=node)
    if "shown_on" in options:
        for board in options["shown_on"].split(","):
            yield Edge(upstream=f"ref:shown/{board}", downstream=node, role="shows")


_CERTAINTY: dict[str, Certainty] = {"?": "candidate", "~": "assumed"}


def _columns(text: str) -> ColumnLineage:
    """`orders: amount < raw_orders.gross raw_orders.tax?, id | shape raw_orders.status problem=why`."""
    text, _, problem = text.partition(" problem=")
    name, _, rest = text.partition(":")
    columns, _, shape = rest.partition("|")
    given = [c.partition("<") for c in columns.split(",") if c.strip()]
    objective, dot, key_result = name.strip().partition(".")
    return ColumnLineage(
        node=goal_id("key_result", objective, key_result) if dot else name.strip(),
        columns={column.strip(): _sources(sources) for column, _, sources in given},
        shape=_sources(shape.removeprefix(" shape").removeprefix("shape")),
        problem=problem.strip(),
    )


def _sources(text: str) -> tuple[ColumnSource, ...]:
    found = []
    for word in text.split():
        node, _, column = word.rstrip("?~").rpartition(".")
        certainty = _CERTAINTY.get(word[-1], "known")
        found.append(ColumnSource(node, "" if column == "*" else column, certainty))
    return tuple(found)


def _check(words: list[str]) -> Check:
    node, name, status, *rest = words
    since = date.fromisoformat(rest[rest.index("since") + 1]) if "since" in rest else AS_OF
    at = datetime(since.year, since.month, since.day, tzinfo=UTC)
    kind = {"freshness": "freshness", "run": "run"}.get(name, "test")
    known = status != "not-run"
    return Check(
        node=node,
        id=f"{node}.{name}",
        kind=kind,  # type: ignore[arg-type]
        name=name,
        status=status if known else "not run",  # type: ignore[arg-type]
        at=at if known else None,
        since=at if known else None,
        message=rest[-1] if rest and rest[-1] not in {"since", str(since)} else "",
    )
