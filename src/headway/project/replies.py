"""What can be decided with the buttons of a message, and what becomes of a press.

A button carries the finding and how often it had been decided about when it was shown. A press on one that is older
than the last decision changes nothing and says what was decided.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from headway.errors import HeadwayError, UsageError
from headway.project import triage
from headway.project.reviewed import printable
from headway.questions.triage import Case
from headway.sinks.message import Button

if TYPE_CHECKING:
    from headway.project.workspace import Project

ACTIONS = {"headway-keep": "keep", "headway-snooze": "snooze", "headway-retire": "retire"}
"""What a button is called in a message -> what it decides."""

DAYS = 30
"""How long a press on Snooze lasts."""
STAYS = "stays announced, and no later stage takes it along. headway retire --undo {run} takes all of that run back."
"""What becomes of something that is kept after its retirement was announced."""
NO_REASON = "decided with a button, without a reason"


def buttons_of(project: Project, case: Case, *, keep: str = "Keep", snooze: bool = True) -> tuple[Button, ...]:
    """The buttons of a finding: keep (called so), snooze unless it is not to be, and retire where it can go."""
    value = f"{case.item.handle} {_stamp(project, case)}"
    found = []
    if "keep" in case.item.acts:
        found.append(Button(keep, "headway-keep", value))
    if snooze and "snooze" in case.item.acts:
        found.append(Button(f"Snooze for {DAYS} days", "headway-snooze", value))
    if "retire" in case.item.acts and case.state.word != "retiring":
        asked = f"{case.item.name} and what only it needs is announced as retiring, in the files of the dbt project."
        found.append(Button("Retire", "headway-retire", value, confirm=asked))
    return tuple(found)


def pressed(project: Project, action: str, value: str, *, by: str, reason: str = "") -> str:
    """Decide what a button says, and say in one sentence what became of it.

    Raises UsageError for what is no button of ours and for what cannot be decided, UnknownName for a finding that is
    gone, and what `triage.retire` raises.
    """
    act = ACTIONS.get(action)
    handle, _, seen = value.partition(" ")
    if act is None or not handle.startswith("@") or not seen.isdecimal() or len(value) > 40:
        raise UsageError("this button is not known here")
    (case,) = triage.found(project, [handle])
    if seen != str(_stamp(project, case)):
        said = case.state.sentence or "it was decided about, and reopened"
        return printable(f"Nothing was changed. {case.item.name}: {said}")
    why = reason.strip() or NO_REASON
    if act == "keep":
        done = triage.keep(project, [handle], by=by, reason=why)
    elif act == "snooze":
        done = triage.snooze(project, [handle], by=by, reason=why, until=project.as_of + timedelta(days=DAYS))
    else:
        done = triage.retire(project, [handle], by=by, reason=why, write=True)
    told = [f"{sentence.rstrip('.')}." for sentence in done.sentences]
    run = case.state.run if case.state.word == "retiring" else ""
    if act == "keep" and run:
        told.append(f"It {STAYS.format(run=run)}")
    return printable(" ".join(told))


def _stamp(project: Project, case: Case) -> int:
    """How often a finding was decided about so far; a comment decides nothing."""
    known = triage.decisions_of(project).all
    return sum(d.entry.subject == case.item.key and d.entry.act != "comment" for d in known)


def decider(project: Project, user: str, *, own: bool) -> str:
    """The team that signs what somebody in Slack decides; '' for who may not. `own`: of the app's own workspace."""
    slack = project.config.slack
    if slack is None:
        return ""
    return slack.deciders.get(user) or (slack.deciders.get("*", "") if own else "")


def answered(project: Project, action: str, value: str, *, by: str, reason: str, url: str, thread: str) -> None:
    """Do what a press means, and answer it in the thread of its message.

    Without `by` nothing is decided and only whoever pressed is told so. Raises MissingExtra, when all is decided.
    """
    from headway.sinks.slack import answer

    shared = False
    if not by:
        said = "Nothing was decided: headway.yml does not name you under slack.deciders."
    else:
        try:
            said, shared = pressed(project, action, value, by=by, reason=reason), True
        except HeadwayError as error:
            said = f"Nothing was decided: {printable(str(error))}"
    api = project.config.slack.api if project.config.slack else ""
    answer(url, said, api=api, thread=thread, shared=shared)
