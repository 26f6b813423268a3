"""Requests: what is waiting, what exists already, what was declined and why, and whether anyone used what was built."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Literal

from headway.answer import Answer, Column, Finding, plural
from headway.graph.graph import Graph
from headway.graph.model import Gap
from headway.graph.requests import STATES, WAITING, Request, Sort, State, similar
from headway.questions.evidence import gaps, make
from headway.questions.goals import in_order
from headway.questions.intake import Advice, Found, advise, goal_of, ranked, said, the_key_result, trust_of, use_words
from headway.questions.registry import Says, Supplied, question

Filed = Annotated[tuple[Request, ...], Supplied("requests")]

LOOKED_AT_AFTER = timedelta(days=90)
"""How long after it was built it is asked whether anyone used it."""

_BACKLOG = (
    Column("rank", "Rank", "number"),
    Column("request", "Request"),
    Column("asks", "Asks for"),
    Column("key_result", "Key result"),
    Column("points", "Points", "number"),
    Column("state", "State"),
    Column("advice", "Recommended"),
    Column("why", "Why"),
    Column("made_of", "Points are made of", "list", secondary=True),
    Column("by", "Asked by", secondary=True),
    Column("asked", "Asked", "date", secondary=True),
    Column("due", "Wanted by", "date", secondary=True),
)


@question("HW601")
def requests(
    graph: Graph,
    *,
    state: Annotated[
        Literal["waiting", "open", "decided", "all"],
        Says("Which: waiting (open, or accepted and not built), open, decided, or all."),
    ] = "waiting",
    filed: Filed = (),
) -> Answer:
    """Which requests are waiting, in which order, and what is recommended?

    Ranked by objective weight, gap to target, cost class and age, grouped by objective; those without a key result come
    last. A recommendation says its reasons; a person decides.
    """
    wanted: dict[str, Sequence[State]] = {
        "waiting": WAITING,
        "open": ("open",),
        "decided": [s for s in STATES if s != "open"],
        "all": STATES,
    }
    kept = ranked(graph, [r for r in filed if r.state in wanted[state]])
    groups: dict[int | None, list[Finding]] = defaultdict(list)
    verdicts: Counter[str] = Counter()
    for rank, request in enumerate(kept, 1):
        advice = advise(graph, request, filed)
        verdicts[advice.verdict] += request.state == "open"
        goal = advice.goal
        groups[None if goal is None else graph.objective_of(goal)].append(_waiting(graph, rank, request, advice))
    order = [*(o for o in in_order(graph, ended=True) if o in groups), *(o for o in groups if o is None)]
    order[:0] = [o for o in groups if o is not None and o not in order]
    sections = tuple(
        make(graph, "requests", "HW601", graph.nodes[o].label if o is not None else _NO_GOAL, _BACKLOG, groups[o])
        for o in order
    )
    totals = {"requests": len(kept), "open": sum(verdicts.values()), **{v: verdicts[v] for v in _VERDICTS}}
    headline = _backlog_words(kept, verdicts, state, any_filed=bool(filed))
    touching = gaps(graph, "goals", "usage") if kept else ()
    return make(graph, "requests", "HW601", headline, sections=sections, totals=totals, gaps=touching)


_NO_GOAL = "Without a key result"
_VERDICTS = ("accept", "point", "extend", "decline")


def _backlog_words(kept: Sequence[Request], verdicts: Counter[str], state: str, *, any_filed: bool) -> str:
    if not any_filed:
        return "No request has been filed yet: `headway request file` files one."
    if not kept:
        return {"waiting": "No request is waiting.", "open": "No request is open."}.get(
            state, "There is no such request."
        )
    shown = {"waiting": ("is waiting", "are waiting"), "open": ("is open", "are open")}.get(state)
    verb = shown or (("was decided", "were decided") if state == "decided" else ("was filed", "were filed"))
    said_ = plural(len(kept), f"request {verb[0]}", f"requests {verb[1]}")
    open_ = sum(verdicts.values())
    if not open_:
        return f"{said_}; none is left to be decided." if state == "waiting" else f"{said_}."
    what = {
        "accept": "accept",
        "point": "answer with what exists",
        "extend": "extend what exists",
        "decline": "decline",
    }
    split = ", ".join(f"{verdicts[v]} to {what[v]}" for v in _VERDICTS if verdicts[v])
    return f"{said_}, {open_:,} to be decided: recommended are {split}."


def _waiting(graph: Graph, rank: int, request: Request, advice: Advice) -> Finding:
    decided = request.decided
    values = (
        rank,
        request.id,
        request.text,
        graph.nodes[advice.goal].label if advice.goal is not None else request.key_result or None,
        advice.points.total if advice.points else None,
        request.state,
        _spoken(graph, advice) if decided is None else None,
        " ".join(advice.reasons) if decided is None else _decision(graph, request),
        list(advice.points.why) if advice.points else [],
        request.by,
        request.asked,
        request.due,
    )
    return Finding(values=values, counts=decided is None)


def _spoken(graph: Graph, advice: Advice) -> str:
    if advice.asset is None:
        return advice.verdict
    return f"{'point to' if advice.verdict == 'point' else 'extend'} {said(graph, advice.asset)}"


def _decision(graph: Graph, request: Request) -> str:
    act = request.decided
    if act is None:
        return "nobody has decided yet"
    asset = f" {_name(graph, act.asset)}" if act.asset else ""
    verb = {"pointed": "pointed to", "built": "built as" if asset else "built"}.get(act.act, act.act)
    return f"{verb}{asset} on {act.on} by {act.by}" + (f": {act.reason}" if act.reason else "")


def _name(graph: Graph, asset: str) -> str:
    node = graph.index.get(asset)
    return asset if node is None else said(graph, node)


# ---------------------------------------------------------------------- what exists already


@question("HW602")
def answered_by(
    graph: Graph,
    *,
    text: Annotated[str, Says("What is asked for, in a line.", positional=True)],
    key_result: Annotated[str, Says("Name or id of the key result that it is for.")] = "",
    kind: Annotated[
        Literal["", "dashboard", "chart", "metric", "table", "data", "other"], Says("What kind of asset is asked for.")
    ] = "",
    decision: Annotated[str, Says("Which decision it will serve.")] = "",
    filed: Filed = (),
) -> Answer:
    """What exists already that answers a wish for something new, who uses it, can it be trusted, and what to do?

    Searched are names, titles, descriptions, columns, charts, metrics, owners and goals; misspelt words are found too.
    `fit` is how much of what is asked an asset covers: words count by how rare they are. Requests for the like are
    named, those that were declined with the reason, so that the same no is not argued twice.
    """
    if key_result:
        the_key_result(graph, key_result)
    sort: Sort = kind
    wish = Request(id="", text=text, decision=decision, key_result=key_result, kind=sort, by="", asked=graph.as_of)
    advice = advise(graph, wish, filed)
    rows = [_found(graph, f, advice) for f in advice.found]
    columns = (
        Column("asset", "Asset"),
        Column("kind", "Kind"),
        Column("fit", "Fit", "percent"),
        Column("shows", "Shows the key result", "bool", secondary=advice.goal is None),
        Column("use", "Used by"),
        Column("last_used", "Last used", "date", secondary=True),
        Column("trust", "Trust"),
        Column("owner", "Owner", secondary=True),
        Column("missing", "Says nothing of", "list"),
    )
    sections = (_reasons(graph, advice), *_asked_before(graph, advice))
    showing = sum(f.shows and f.right for f in advice.found)
    totals = {
        "verdict": advice.verdict,
        "asset": graph.nodes[advice.asset].id if advice.asset is not None else "",
        "points": advice.points.total if advice.points else None,
        "found": len(advice.found),
        "showing": showing,
        "alike": len(advice.like),
    }
    headline = _answer_words(graph, advice, showing)
    touching = gaps(graph, "usage", "trust")
    return make(graph, "answered-by", "HW602", headline, columns, rows, sections=sections, totals=totals, gaps=touching)


def _answer_words(graph: Graph, advice: Advice, showing: int) -> str:
    """What exists, then what is recommended."""
    what = {
        "accept": "accept it",
        "point": "point to",
        "extend": "extend",
        "decline": "decline it",
    }[advice.verdict]
    asset = f" {said(graph, advice.asset)}" if advice.asset is not None else ""
    words = f"Recommended: {what}{asset}."
    if advice.goal is not None and showing:
        shown = plural(showing, "existing asset already serves", "existing assets already serve")
        return f"{words} {shown} {graph.nodes[advice.goal].label}."
    if not advice.found:
        return f"{words} Nothing that exists says much of it."
    return f"{words} {plural(len(advice.found), 'existing asset says', 'existing assets say')} some of it."


def _found(graph: Graph, found: Found, advice: Advice) -> Finding:
    node = graph.nodes[found.node]
    values = (
        said(graph, found.node),
        node.kind.replace("_", " "),
        found.fit,
        found.shows if advice.goal is not None else None,
        use_words(graph, found.node),
        graph.use.last[found.node],
        trust_of(graph, found.node)[1],
        node.owner or None,
        list(found.missing),
    )
    return Finding(values=values, node=node.id, counts=False)


def _reasons(graph: Graph, advice: Advice) -> Answer:
    points = advice.points
    lines = [*advice.reasons, *([f"Rank: {points.total:g} of 100 points."] if points else ())]
    rows = [Finding(values=(line,), counts=False) for line in lines]
    rows += [Finding(values=(f"  {line}",), counts=False) for line in (points.why if points else ())]
    return make(graph, "answered-by", "HW602", "Why", (Column("reason", "Reason"),), rows)


def _asked_before(graph: Graph, advice: Advice) -> Iterator[Answer]:
    if advice.like:
        rows = [
            Finding(values=(r.id, r.text, r.by, r.asked, r.state, _decision(graph, r)), counts=False)
            for r in advice.like
        ]
        columns = (
            Column("request", "Request"),
            Column("asks", "Asks for"),
            Column("by", "Asked by", secondary=True),
            Column("asked", "Asked", "date"),
            Column("state", "State"),
            Column("decision", "What became of it"),
        )
        yield make(graph, "answered-by", "HW602", "Asked before", columns, rows)


# ---------------------------------------------------------------------- what was declined


@question("HW603")
def declined(
    graph: Graph,
    *,
    like: Annotated[str, Says("Only requests for the like of this text.")] = "",
    filed: Filed = (),
) -> Answer:
    """What was declined, by whom and why?

    So that the same no is not argued twice. What has changed since is said: an objective that has ended, or a key
    result that it is for by now.
    """
    refused = [r for r in filed if r.state == "declined" and r.decided]
    if like:
        refused = [r for _, r in similar(like, refused)]
    else:
        refused.sort(key=lambda r: (_when(r), r.id), reverse=True)
    rows = [_refused(graph, r) for r in refused]
    columns = (
        Column("request", "Request"),
        Column("asks", "Asks for"),
        Column("key_result", "Key result"),
        Column("declined", "Declined", "date"),
        Column("by", "By"),
        Column("why", "Why"),
        Column("since", "Since then"),
        Column("asked_by", "Asked by", secondary=True),
    )
    many = plural(len(rows), "request was declined", "requests were declined")
    which = f"for the like of {like!r} " if like else ""
    headline = f"{many}{f' {which}'.rstrip()}." if rows else f"No request {which}was declined."
    return make(graph, "declined", "HW603", headline, columns, rows, totals={"declined": len(rows)})


def _when(request: Request) -> str:
    return request.decided.at.isoformat() if request.decided else ""


def _refused(graph: Graph, request: Request) -> Finding:
    act = request.decided
    goal = goal_of(graph, request).node
    key_result = graph.nodes[goal].label if goal is not None else request.key_result or None
    on, by, reason = (act.on, act.by, act.reason) if act else (None, None, None)
    values = (request.id, request.text, key_result, on, by, reason, _since_then(graph, request, goal), request.by)
    return Finding(values=values, counts=False)


def _since_then(graph: Graph, request: Request, goal: int | None) -> str | None:
    """What has changed since the no that might make it a yes, or more of a no."""
    act = request.decided
    if act is None or goal is None:
        return None
    objective = graph.objective_of(goal)
    label = graph.nodes[objective].label
    if act.objective and act.objective != graph.nodes[objective].id:
        return f"it is for {label} now"
    record = graph.objectives.get(objective)
    ended = record is not None and record.end is not None and act.on <= record.end < graph.as_of
    if ended and graph.state(objective) == "ended":
        return f"{label} has ended"
    if not act.objective:
        return f"it is for a key result now, of {label}"
    return None


# ---------------------------------------------------------------------- what was built


@question("HW604")
def built(graph: Graph, *, filed: Filed = ()) -> Answer:
    """Did anyone use what was built on request?

    Asked 90 days after it was built. Where the use is not known, nothing is said but that; before the 90 days are over,
    it is only said what is known so far. Where an asset was extended, its use is that of the whole asset.
    """
    made = sorted((r for r in filed if r.state == "built" and r.decided), key=lambda r: (_when(r), r.id), reverse=True)
    rows = [_made(graph, r) for r in made]
    columns = (
        Column("request", "Request"),
        Column("asks", "Asked for"),
        Column("asset", "Built"),
        Column("built", "On", "date"),
        Column("verdict", "Used"),
        Column("use", "By"),
        Column("last_used", "Last used", "date"),
        Column("asked_by", "Asked by", secondary=True),
        Column("why_unknown", "Why not known", secondary=True),
    )
    counts = Counter(row.values[4] for row in rows)
    parts = [f"{counts[what]} {words}" for what, words in _USED.items() if counts[what]]
    many = plural(len(rows), "request that was built", "requests that were built")
    headline = f"Of {many}, {', '.join(parts)}." if rows else "No request has been built yet."
    blind = counts["not known"]
    more = (Gap(topic="usage", message=f"the use of {plural(blind, 'asset')} built on request is not known"),)
    totals = {"built": len(rows), **{what.replace(" ", "_"): counts[what] for what in _USED}}
    known = (*(more if blind else ()), *(gaps(graph, "usage") if rows else ()))
    return make(graph, "built", "HW604", headline, columns, rows, totals=totals, gaps=known)


_USED = {
    "used": "used",
    "nobody": "used by nobody",
    "no longer": "used no longer",
    "too early": "too early to say",
    "not known": "of which the use is not known",
    "gone": "gone",
}
"""What can be said of something that was built, with its words in a sentence."""


def _made(graph: Graph, request: Request) -> Finding:
    act = request.decided
    node = graph.index.get(request.asset)
    verdict = _used(graph, request, node)
    values = (
        request.id,
        request.text,
        said(graph, node) if node is not None else request.asset or None,
        act.on if act else None,
        verdict,
        use_words(graph, node) if node is not None else None,
        graph.use.last[node] if node is not None else None,
        request.by,
        graph.use.reason.get(node) if node is not None and verdict == "not known" else None,
    )
    counts = verdict in {"nobody", "no longer", "gone"}
    return Finding(values=values, node=request.asset if node is not None else "", counts=counts)


def _used(graph: Graph, request: Request, node: int | None) -> str:
    """A key of _USED."""
    act = request.decided
    if node is None or act is None:
        return "gone"
    status, last = graph.use.status[node], graph.use.last[node]
    since = last is not None and last >= act.on
    if status == "used" and since:
        return "used"
    if graph.as_of < act.on + LOOKED_AT_AFTER:
        return "too early"
    if status == "unknown":
        return "not known"
    return "no longer" if since else "nobody"
