"""What every code means, why it matters, what to do about it and how it is configured.

`headway explain` and docs/codes.md are made from these texts. A code without a text of its own has what its question
says of itself. `sentence` says a finding in one sentence, for places that have no table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from headway.answer import Answer, listed
from headway.questions.registry import Question

GATED = "A gate in headway.yml: `{question: %s, level: error, limit: 0}`; `headway check` asks it."
"""How a question is made a gate."""
LIMITED = "`headway %s --limit 0` exits with 1 when there is any."
"""... and one that needs more than the files of the project."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code in words. All are Markdown, a paragraph each."""

    code: str
    question: str
    title: str
    what: str
    why: str
    fix: str
    configure: str


@dataclass(frozen=True, slots=True)
class _Text:
    title: str
    why: str
    fix: str
    configure: str = ""


_TEXTS: Mapping[str, _Text] = {
    "HW001": _Text(
        "The first page",
        "One page that leadership and the data team read alike: pace, alignment, what serves nothing, what to doubt.",
        "Open what it points at: `headway goals`, `headway zombies`, `headway trust`.",
    ),
    "HW101": _Text(
        "Why an asset exists",
        "An asset that can name its objective is easy to keep; one that cannot is easy to question.",
        "Where a path is missing, bind the key result to the metric that is really meant, or accept a link that "
        "`headway links` suggests.",
    ),
    "HW102": _Text(
        "Asset without an objective",
        "What serves nothing is built, tested and paid for all the same, and nobody will miss the reason.",
        "Bind it to a key result (a metric on it, or `shown_on`), retire it, or write down the goal it is there for.",
        "`protected:` does not hide it here; `--select` narrows it.",
    ),
    "HW103": _Text(
        "Asset that lost its purpose",
        "Its objective ended and it went on running. This is how a project grows by a quarter every quarter.",
        "Retire it, or give it to an objective that is alive. `headway without OBJECTIVE` shows what will follow.",
        "The end of an objective is `end:` or its period in the goals file.",
    ),
    "HW104": _Text(
        "What an ending objective leaves",
        "Told before the objective ends, it is a plan; told afterwards, it is a clean-up.",
        "Retire the list when the objective ends, or name the objective that takes over what is still read.",
    ),
    "HW105": _Text(
        "Open link",
        "A table that a dashboard names and nothing fits keeps everything below it from being known as used.",
        "Decide: `headway link accept` or `headway link decline`; the decision is kept in links.yml.",
    ),
    "HW106": _Text(
        "Dashboard on a table that nothing builds",
        "It shows old numbers, or an error, to people who trust it.",
        "Point it at the table that took over, or archive it and tell its readers.",
    ),
    "HW201": _Text(
        "Zombie: unused, and for no objective",
        "It costs, it is in everybody's way, and nobody would notice that it went.",
        "Retire it in the order that is shown, dashboards first.",
        "`policy.usage_window_days`, `policy.grace_days` and `protected:`.",
    ),
    "HW202": _Text(
        "Shadow goal: used, and for no objective",
        "People need something that no goal names: a goal that nobody wrote down, or a request that was never weighed.",
        "Write the goal down, link the dashboard to a key result (`shown_on`), or agree with its readers to end it.",
        "`policy.counted_classes` says whose use counts.",
    ),
    "HW204": _Text(
        "Column that nobody reads",
        "It is computed and stored on every run, and it makes the table harder to understand.",
        "Take it out of the model, from the most downstream table up.",
        "Needs column lineage (`columns: true`) and a history of queries.",
    ),
    "HW205": _Text(
        "Who reads an asset",
        "Before something changes or goes, somebody has to be told.",
        "Tell those who are listed; where use is not known, connect a source of usage.",
    ),
    "HW206": _Text(
        "Unused asset",
        "Known to be read by nobody inside the window; unknown use is never called unused.",
        "Retire it, or find out why what an objective needs is not looked at.",
        "`policy.usage_window_days` and `policy.grace_days`.",
    ),
    "HW207": _Text(
        "Key result that something could measure",
        "A number that somebody types is as old and as true as the last time they did.",
        "Write the binding down that is right: `headway suggest-bindings` prints it.",
    ),
    "HW301": _Text(
        "How objectives are doing",
        "Value, target, pace, trust and readers side by side: a number on pace that nobody trusts is no success.",
        "Work on the weakest key result; it decides the status of its objective.",
        "`policy.at_risk_gap`, `policy.off_track_gap` and `policy.quiet_share`.",
    ),
    "HW302": _Text(
        "Neglected goal",
        "A goal that nobody looks at is not being steered by.",
        "Show it where people are, or ask whether it is still a goal.",
        "`policy.neglected_days`.",
    ),
    "HW303": _Text(
        "Key result that cannot be measured",
        "Without a value nobody can say whether the objective was reached.",
        "Bind it to a metric, a model, SQL or readings, give it a target, and show it on a dashboard.",
    ),
    "HW304": _Text(
        "Key result that cannot be trusted",
        "It is computed from something that failed, is stale or was never tested.",
        "Ask the owner of the node that is to blame; a test on the way there says it earlier next time.",
    ),
    "HW305": _Text(
        "Standing objective over its limit",
        "Permanent reporting that takes everything in is the catch-all that the limit is there to prevent.",
        "Move key results to objectives with an end, or take one out for each that comes.",
        "`limit:` of the objective, or `policy.standing_limit`.",
    ),
    "HW306": _Text(
        "Readings of a key result",
        "Every value can be traced to what it was read from.",
        "Where there is none, `headway unmeasured` says why.",
    ),
    "HW307": _Text(
        "Who looks at a key result",
        "Goals that leadership does not open are steered by something else.",
        "Show it on what they open, or ask whether it is a goal.",
        "`people: {executive: [...]}` of a source of usage, and `policy.neglected_days`.",
    ),
    "HW401": _Text(
        "What objectives cost",
        "What serves no objective is a part of its own, and the parts sum exactly to the whole.",
        "Start with what is spent on nothing: `headway zombies` and `headway orphans`.",
        "`prices:` turns credits, bytes and seconds into money.",
    ),
    "HW501": _Text(
        "What is not known",
        "An answer is only as good as what it could see.",
        "Each gap says what would close it.",
    ),
    "HW601": _Text(
        "Request that is waiting",
        "Whoever asks loudest is served first, unless there is a rank that everybody can read.",
        "Decide from the top: `headway request accept|point|extend|decline ID --reason`. Every decision is kept.",
        "Weights of objectives are `weight:` in the goals file; what a request takes to build is `--cost`.",
    ),
    "HW602": _Text(
        "What exists already",
        "The cheapest dashboard is the one that is there; nobody who asks can know them all.",
        "Point to what covers it, extend what nearly does, and build only what is left.",
    ),
    "HW603": _Text(
        "Request that was declined",
        "A no without its reason is argued about again next quarter.",
        "Where something has changed since, decide anew; the earlier decision stays beside it.",
    ),
    "HW604": _Text(
        "What was built on request, and whether anyone uses it",
        "A request that was urgent and an asset that nobody opens are the same thing, 90 days apart.",
        "Ask whoever asked for it; then retire it, or show it where people are.",
        "Needs a source of usage that covers it.",
    ),
    "HW701": _Text(
        "Metric defined twice",
        "Two definitions drift apart, and then two meetings have two numbers.",
        "Keep one, and let the other refer to it; give what differs on purpose a name that says so.",
        "`near: true` under `parameters:` also lists those that nearly mean the same.",
    ),
    "HW702": _Text(
        "What moved a key result",
        "A number that moved without a reason is argued about; one with its parts can be acted on.",
        "Look at the largest part, and ask the same of it.",
    ),
    "HW801": _Text(
        "A change touches a key result",
        "Whoever reviews the change should know which number may move, and whoever owns the number that it may.",
        "Nothing needs fixing by itself: tell the owner of the key result, and compare its value before and after.",
        "Kept to a part of the project by `select:`.",
    ),
    "HW802": _Text(
        "New asset without an objective",
        "This is the cheapest moment to ask what it is for: nobody depends on it yet.",
        "Bind it to a key result (a metric on it, or a dashboard that shows one), write down what it is for in the "
        "goals file, or leave it out. While it is being built, excuse it until a day.",
        '`select: "path:models/marts"` asks only for marts.',
    ),
    "HW803": _Text(
        "A change breaks a dashboard",
        "People open it, and will find an error or an empty chart.",
        "Keep the table, metric or column until the dashboard reads something else, or change the dashboard first.",
        "Needs the dashboards of a BI tool in the store (`headway sync`).",
    ),
    "HW804": _Text(
        "A key result loses its metric, or is measured otherwise",
        "A number that means something else in the middle of a period cannot be held against its baseline.",
        "Keep the metric, or change the key result with it: its `metric:`, and its baseline and target where it means "
        "something else.",
        "`parameters: {effect: gone}` keeps to metrics that are gone, `{effect: changed}` to the others.",
    ),
    "HW805": _Text(
        "A change defines a metric a second time",
        "Two definitions drift apart, and then two meetings have two numbers.",
        "Use the one that there is; where the difference is meant, let the name and the filter say so.",
    ),
    "HW806": _Text(
        "A key result on something deprecated",
        "dbt warns models that read a deprecated one. Metrics, dashboards and goals above them are not told.",
        "Move the path that is shown to what takes over, before the day.",
    ),
    "HW807": _Text(
        "The share of assets with an objective falls",
        "Growth without purpose is slow and steady; this is where it shows first.",
        "See `new-assets` for what came without an objective, and the list of those that lost theirs.",
    ),
    "HW808": _Text(
        "Nobody owns what a goal stands on",
        "When it fails, nobody is called, and the key result is wrong until somebody notices.",
        "Name an owner: a dbt group, `meta: {owner: ...}`, CODEOWNERS, or `owners:` in headway.yml.",
    ),
    "HW901": _Text(
        "What can be retired",
        "What goes together goes safely: nothing outside the set loses anything that it needs.",
        "Follow the order that is shown.",
        "`protected:` and `policy.usage_window_days`.",
    ),
    "HW951": _Text(
        "Finding that wants a decision",
        "A list that is never decided about grows until nobody reads it; one that forgets is argued about again.",
        "Keep it for a reason, link it to a key result, retire it, or say who decides: `headway decide`.",
        "As a gate it takes nothing out: without a store it knows of no decision.",
    ),
    "HW971": _Text(
        "Growth, period by period",
        "Assets grow by themselves; people who maintain them do not. Nobody sees it in a week, everybody in two years.",
        "Where assets for each maintainer rise and the share that serves falls, retire more than is born: "
        "`headway retire`, and `headway check` at the door. `headway backfill` reads what git knows of the past.",
    ),
    "HW972": _Text(
        "What changed between two days",
        "A curve says that something changed; a decision needs to know what.",
        "Go through what appeared without an objective and what stopped serving one; give each an owner.",
    ),
}


def explanation(question: Question) -> Explanation:
    """The texts of a question's code."""
    text = _TEXTS.get(question.code)
    configure = (LIMITED if question.supplied else GATED) % question.name
    if text is None:
        return Explanation(question.code, question.name, question.summary, question.doc, "", "", configure)
    more = f"{text.configure} {configure}" if text.configure else configure
    return Explanation(question.code, question.name, text.title, question.doc, text.why, text.fix, more)


# ---------------------------------------------------------------------- a finding in one sentence


def sentence(code: str, answer: Answer, record: Mapping[str, Any]) -> str:
    """A row of an answer, given as column key -> value, in one sentence without an end."""
    say = _SAY.get(code)
    return say(record) if say is not None else _plain(answer, record)


def _plain(answer: Answer, record: Mapping[str, Any]) -> str:
    """`orders: kind model, owner sales-team`."""
    first, *rest = answer.columns or (None,)
    if first is None:
        return answer.headline.rstrip(".")
    told = [f"{c.heading.lower()} {_text(record[c.key])}" for c in rest if record[c.key] not in (None, "", [], ())]
    head = _text(record[first.key])
    return f"{head}: {', '.join(told)}" if told else head


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return listed([str(v) for v in value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _impact(r: Mapping[str, Any]) -> str:
    goals = f"{listed(r['key_results'])} ({listed(r['objectives'])})"
    what = listed(r["what"])
    if what in {"removed", "disabled"} or what.startswith("renamed to "):
        verb = {"computes": "computed", "informs": "informed"}[r["way"]]
        return f"{r['asset']} is {what}: it {verb} {goals}"
    return f"{r['asset']} changed ({what}): it {r['way']} {goals}"


def _lost(r: Mapping[str, Any]) -> str:
    if r["effect"] == "is gone":
        hint = next((w for w in r["because"] if w.endswith("?")), "")
        return f"{r['key_result']} ({r['objective']}) loses its metric {r['metric']}" + (f": {hint}" if hint else "")
    return f"{r['key_result']} ({r['objective']}) is measured otherwise: {listed(r['because'])}"


def _board(r: Mapping[str, Any]) -> str:
    opened = "" if r["people"] in {"nobody", "not known"} else f"; it is opened by {r['people']}"
    return f"{r['asset']} {r['effect']}: {listed(r['because'])}{opened}"


_SAY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "HW305": lambda r: f"{r['objective']} has {r['key_results']} key results, over its limit of {r['limit']}",
    "HW801": _impact,
    "HW802": lambda r: f"{r['asset']} is a new {r['kind']} that serves no objective",
    "HW803": _board,
    "HW804": _lost,
    "HW805": lambda r: f"{r['metric']} is defined a second time ({r['relation']}): {listed(r['other'])}",
    "HW806": lambda r: f"{r['asset']} is deprecated from {r['deprecated']}; {listed(r['key_results'])} stand on it",
    "HW807": lambda r: f"the share of {r['share']} falls from {r['before']:.1%} to {r['after']:.1%}",
    "HW808": lambda r: f"{r['asset']} serves {listed(r['objectives'])} and has no owner",
}
