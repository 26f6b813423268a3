"""What people answer in the thread of a retirement's notice: a comment on the question, or the decision itself.

An answer that is one of the words the notice offers, and nothing else, decides as a button does: `keep`, `keep for` and
the name of a goal, `retire`. Everything else is kept as a comment, for a person to read. An answer is known by its
channel and time, and taken once, however often Slack sends it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.errors import HeadwayError
from headway.graph.model import KINDS
from headway.project import triage
from headway.project.ledger import entries, entry, written_all
from headway.project.outbox import folded
from headway.project.replies import STAYS, decider
from headway.project.reviewed import printable
from headway.questions.triage import Case
from headway.questions.triage_state import Said, body_of

if TYPE_CHECKING:
    from headway.graph.ledger import Entry
    from headway.project.workspace import Project

OFFERED = "answer in this thread: keep, keep for and the name of a goal, or retire. Anything else is kept as a comment."
"""The words that decide, as the notice says them."""
HOW = "To decide, answer with nothing but keep, keep for and the name of a goal, or retire."
SOMEBODY = "somebody in Slack"
"""Who signs a comment of a person whom headway.yml does not name: people appear nowhere."""
TAKEN = "taken"

_PLAIN = re.compile(r"(?P<act>keep|retire)(?: it)?(?:(?: for|:| for:) ?(?P<goal>.+))?", re.IGNORECASE)
_REFERENCE = re.compile(r"<(?P<what>[@#!]?)(?P<to>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer in a thread, as Slack tells of it."""

    channel: str
    thread: str
    """Time of the message that is answered: how Slack calls it."""
    at: str
    """Time of the answer itself."""
    user: str
    text: str
    """With Slack's escapes."""
    own: bool
    """The user belongs to the app's own workspace."""

    @property
    def key(self) -> str:
        """What it is called in the ledger."""
        return f"reply:{self.channel}:{self.at}"


def taken(project: Project, reply: Reply) -> str:
    """Keep or decide what an answer says; what is to be answered in the thread, '' for nothing.

    '' as well for an answer in a thread that is not of a notice of ours, one that was taken before, and one of a guest
    from another workspace. Raises StoreError, and what loading the graph raises.
    """
    known = entries(project, "message")
    node = _asked_about(known, reply)
    if not node or not reply.own or any(e.subject == reply.key and e.act == TAKEN for e in known):
        return ""
    case = next((c for c in triage.all_cases(project) if project.graph().nodes[c.item.node].id == node), None)
    text = words_of(reply.text)
    if case is None or not text:
        written_all(project, [_mark(reply)])
        return "Nothing was kept: there is nothing to decide about it any more." if text else ""
    by = decider(project, reply.user, own=reply.own)
    act, goal = _plain(project, text)
    first = not any(e.act == TAKEN and e.body.get("thread") == reply.thread for e in known)
    answer = f"Kept as a comment on {printable(case.item.name)}, for a person to read. {HOW}" if first else ""
    if act and not by:
        answer = "Nothing was decided: headway.yml does not name you under slack.deciders. It is kept as a comment."
    elif act:
        try:
            if said := _decided(project, case, act, goal, by=by):
                written_all(project, [_mark(reply)])
                return said
        except HeadwayError as error:
            answer = f"Nothing was decided, and it is kept as a comment: {printable(str(error))}"
    written_all(project, [_comment(project, case, text, by or SOMEBODY), _mark(reply)])
    return answer


def words_of(text: str) -> str:
    """What somebody wrote, without Slack's mark-up: links by their words, and nobody by an id."""

    def plain(found: re.Match[str]) -> str:
        if found["what"] == "@":
            return "@somebody"
        label = found["label"] or found["to"]
        return f"#{found['label'] or 'channel'}" if found["what"] == "#" else f"@{label}" if found["what"] else label

    return printable(html.unescape(_REFERENCE.sub(plain, text))).strip()


def _asked_about(known: tuple[Entry, ...], reply: Reply) -> str:
    """Id of the node whose retirement the message that is answered tells of; '' where it is no such message."""
    for key, posted in folded(known).items():
        receipt = posted.receipt
        if key.startswith("retire:") and (receipt.get("channel"), receipt.get("ts")) == (reply.channel, reply.thread):
            return str(posted.told.get("node", ""))
    return ""


def _plain(project: Project, text: str) -> tuple[str, str]:
    """What a text says in nothing but the words that are offered, with the name of the goal; ('', '') for any other."""
    found = _PLAIN.fullmatch(" ".join(text.split()).strip(" .!\"'*_"))
    if found is None:
        return "", ""
    act, name = found["act"].casefold(), (found["goal"] or "").strip(" .!\"'*_")
    if not name:
        return act, ""
    graph = project.graph()
    fits = {i for kind in ("objective", "key_result") for i in graph.directory.find(name, kind).nodes}
    goals = [graph.nodes[i] for i in fits if KINDS[graph.nodes[i].kind].goal]
    return (act, goals[0].label) if act == "keep" and len(goals) == 1 else ("", "")


def _decided(project: Project, case: Case, act: str, goal: str, *, by: str) -> str:
    """Decide, and say what became of it; '' where the word decides nothing new, so that it is a comment."""
    name, handle = printable(case.item.name), case.item.handle
    if act == "keep" and case.state.word == "kept":
        return f"Nothing was changed. {printable(f'{case.item.name}: {case.state.sentence}')}"
    if act == "retire" and (case.state.word == "retiring" or "retire" not in case.item.acts):
        return ""
    if act == "keep":
        why = f"it is for {goal}" if goal else "answered in Slack, without a goal"
        done = triage.keep(project, [handle], by=by, reason=why)
    else:
        done = triage.retire(project, [handle], by=by, reason="answered in Slack", write=True)
    run = case.state.run if case.state.word == "retiring" else ""
    told = [f"{sentence.rstrip('.')}." for sentence in done.sentences]
    if run:
        told.append(f"{name} {STAYS.format(run=run)}")
    return printable(" ".join(told))


def _comment(project: Project, case: Case, text: str, by: str) -> Entry:
    kept = text if len(text) <= triage.LONGEST else text[: triage.LONGEST - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    said = Said(on=project.as_of, asset=case.item.name[:200], kind=case.item.kind, reason=kept)
    return entry(topic="finding", subject=case.item.key, act="comment", by=by, body=body_of(said))


def _mark(reply: Reply) -> Entry:
    return entry(topic="message", subject=reply.key, act=TAKEN, by="headway", body={"thread": reply.thread})
