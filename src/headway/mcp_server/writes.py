"""The tools that write: decisions, check-ins and requests. There are none unless the server was started to allow them.

The rules are those of the project. Who writes is never an argument: it is who started the server, or whose token came
along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from headway.errors import UsageError
from headway.graph.ledger import Entry
from headway.mcp_server.caller import Caller
from headway.mcp_server.tools import Reply, Tool
from headway.project import Project, check_ins, triage
from headway.project import requests as desk
from headway.questions.evidence import the_goal
from headway.render.values import plain, safe

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Text = Annotated[str, msgspec.Meta(max_length=2_000)]
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Decide(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is decided about findings of the question `triage`."""

    act: Annotated[
        Literal["keep", "snooze", "assign", "reopen", "link", "retire"],
        msgspec.Meta(description="What is decided. retire announces it, and what has to go with it."),
    ]
    findings: Annotated[
        list[Name],
        msgspec.Meta(
            min_length=1, max_length=200, description="Handles such as @1f0c9a2 from triage, CODE:asset, or assets."
        ),
    ]
    reason: Annotated[Text, msgspec.Meta(description="Why, for whoever reads it later.")] = ""
    until: Annotated[
        date | None, msgspec.Meta(description="keep, snooze: the last day on which it holds, as YYYY-MM-DD.")
    ] = None
    to: Annotated[Text, msgspec.Meta(description="assign: the team that decides.")] = ""
    key_result: Annotated[Text, msgspec.Meta(description="link: the key result that the dashboard shows.")] = ""
    on: Annotated[date | None, msgspec.Meta(description="retire: the day of the announcement.")] = None


class CheckIn(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What somebody says about a key result."""

    key_result: Annotated[Name, msgspec.Meta(description="Name or id of a key result, such as grow.mrr.")]
    note: Annotated[Said, msgspec.Meta(description="What is known that the readings do not say.")]
    confidence: Annotated[
        Literal["", "on_pace", "at_risk", "off"],
        msgspec.Meta(description="What is expected: on_pace, at_risk or off."),
    ] = ""


class Wish(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A request for a new asset."""

    text: Annotated[Said, msgspec.Meta(description="What is asked for.")]
    decision: Annotated[Text, msgspec.Meta(description="Which decision it will serve.")] = ""
    key_result: Annotated[Text, msgspec.Meta(description="Name or id of the key result that it is for.")] = ""
    kind: Annotated[
        Literal["", "dashboard", "chart", "metric", "table", "data", "other"], msgspec.Meta(description="What kind.")
    ] = ""
    readers: Annotated[Text, msgspec.Meta(description="Who will read it.")] = ""
    due: Annotated[date | None, msgspec.Meta(description="When it is needed, as YYYY-MM-DD.")] = None
    cost: Annotated[Literal["", "small", "medium", "large"], msgspec.Meta(description="How much work it is.")] = ""
    anyway: Annotated[bool, msgspec.Meta(description="File it although the same was asked for before.")] = False


_ACTS: dict[str, tuple[Callable[..., triage.Outcome], frozenset[str], str]] = {
    "keep": (triage.keep, frozenset({"until"}), ""),
    "snooze": (triage.snooze, frozenset({"until"}), "until"),
    "assign": (triage.assign, frozenset({"to"}), "to"),
    "reopen": (triage.reopen, frozenset(), ""),
    "link": (triage.link, frozenset({"key_result"}), "key_result"),
    "retire": (triage.retire, frozenset({"on"}), ""),
}
"""Act -> what does it, which arguments it takes besides findings and reason, and which of them it needs."""


def decide(project: Project, caller: Caller, said: Decide) -> Reply:
    """Decide about findings, all or none. Raises UsageError, and what the act raises."""
    act, takes, needs = _ACTS[said.act]
    given = {name: value for name in ("until", "to", "key_result", "on") if (value := getattr(said, name))}
    if extra := sorted(given.keys() - takes):
        raise UsageError(f"{said.act} takes no {extra[0]}")
    if needs and needs not in given:
        raise UsageError(f"{said.act} needs {needs}")
    if said.act == "retire":
        given["write"] = True
    outcome = act(project, said.findings, by=_author(caller), reason=said.reason, **given)
    return _written(outcome.sentences, outcome.entries)


def check_in(project: Project, caller: Caller, said: CheckIn) -> Reply:
    """Write down what somebody says about a key result. Raises UsageError, UnknownName, StoreError."""
    by = _author(caller)
    graph = project.graph()
    goal = the_goal(graph, said.key_result, "key_result")
    owners = graph.nodes[goal].owner, graph.nodes[graph.objective_of(goal)].owner
    if not caller.acts_for(owners):
        raise UsageError("it belongs to another team; its owner, or that of its objective, checks in")
    entry = check_ins.check_in(project, said.key_result, said.note, by=by, confidence=said.confidence)
    return _written((f"Written down for {entry.subject}, by {entry.by}.",), (entry,))


def file_request(project: Project, caller: Caller, said: Wish) -> Reply:
    """File a request; what may answer it already, and what is recommended, comes back with it."""
    fields = {name: str(value) for name, value in msgspec.structs.asdict(said).items() if value and name != "anyway"}
    filed = desk.file(project, by=_author(caller), anyway=said.anyway, at=None, **fields)
    nodes, advice = project.graph().nodes, filed.advice
    found = {
        "verdict": advice.verdict,
        "reasons": list(advice.reasons),
        "asset": nodes[advice.asset].id if advice.asset is not None else "",
        "found": [nodes[f.node].id for f in advice.found][:20],
        "like": [other.id for other in advice.like][:20],
    }
    sentences = (f"Filed as {filed.request.id}.", f"Recommended: {advice.verdict}.", *advice.reasons)
    return Reply(_lines(sentences), plain({"request": msgspec.to_builtins(filed.request), "advice": found}))


def write_tools() -> dict[str, Tool]:
    """The tools that write, by name."""
    found = (
        Tool(
            "decide",
            "Decide",
            "Decide about what `triage` lists: keep, snooze, assign, reopen, link or retire, all findings or none. Kept"
            " in the store with who and why.",
            Decide,
            decide,
            least="editor",
            writes=True,
        ),
        Tool(
            "check-in",
            "Check in",
            "Say how a key result is doing, beside what its readings say.",
            CheckIn,
            check_in,
            least="editor",
            writes=True,
        ),
        Tool(
            "file-request",
            "File a request",
            "Ask for a new asset, after `answered-by` found nothing that answers it already.",
            Wish,
            file_request,
            least="stakeholder",
            writes=True,
        ),
    )
    return {tool.name: tool for tool in found}


def _author(caller: Caller) -> str:
    if not caller.name:
        raise UsageError("it is not known who writes", hint="start the server with --by NAME")
    return caller.name


def _written(sentences: Sequence[str], entries: Sequence[Entry]) -> Reply:
    kept = [{"id": e.id, "at": e.at, "by": e.by, "act": e.act, "subject": e.subject} for e in entries]
    data: dict[str, Any] = plain({"sentences": list(sentences), "entries": kept})
    return Reply(_lines(sentences), data)


def _lines(sentences: Sequence[str]) -> str:
    return "\n".join(safe(sentence) for sentence in sentences)
