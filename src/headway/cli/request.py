"""The request desk: what exists already, filing a wish, deciding about it, and a team's own tracker."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import click

from headway.cli.options import ANSWER_OPTIONS, PROJECT_OPTIONS, Day, project_of
from headway.cli.output import emit, show
from headway.errors import Exit

if TYPE_CHECKING:
    from headway.answer import Answer
    from headway.project import Project

SORTS = ("dashboard", "chart", "metric", "table", "data", "other")
SIZES = ("small", "medium", "large")

Decision = Literal["accepted", "pointed", "extended", "declined", "withdrawn", "built"]

_BY = click.Option(["--by"], default="", metavar="WHO", help="Who says so; default: who is logged in.")
_TEXT = click.Argument(["text"], metavar="TEXT")
_WISH = (
    click.Option(["--key-result"], default="", metavar="NAME", help="The key result that it is for."),
    click.Option(["--kind"], type=click.Choice(SORTS), default=None, help="What kind of asset is asked for."),
    click.Option(["--decision"], default="", metavar="TEXT", help="Which decision it will serve."),
)
_REASON = click.Option(["--reason"], default="", metavar="TEXT", help="Why, for whoever asked and the next who asks.")
_ID = click.Argument(["name"], metavar="ID")


@click.group(short_help="Ask for a new asset: what exists already, a recommendation, a decision that is kept.")
def request() -> None:
    """Ask for a new asset. What may answer it already is shown first; then a person decides, and that is kept.

    `headway requests` is the backlog, `headway declined` what was refused and why, `headway built` whether anyone
    used what was built.
    """


@request.command(params=[_TEXT, *_WISH, *ANSWER_OPTIONS, *PROJECT_OPTIONS])
def ask(text: str, key_result: str, kind: str | None, decision: str, **options: Any) -> int:
    """Say what exists already that answers TEXT, and what is recommended. Nothing is stored."""
    style = {key: options.pop(key) for key in ("format", "rows", "limit", "verbose")}
    project = project_of(options)
    return show(_answer(project, text, key_result, kind, decision), **style)


@request.command(params=[_TEXT, *_WISH, _BY, *PROJECT_OPTIONS])
@click.option("--readers", default="", metavar="TEXT", help="Who will use it, and how often.")
@click.option("--due", type=Day(), default=None, metavar="DATE", help="By when it is wanted.")
@click.option("--cost", type=click.Choice(SIZES), default=None, help="What it takes to build, if you know.")
@click.option("--anyway", is_flag=True, help="File it although the same was asked for, or declined, before.")
def file(text: str, key_result: str, due: date | None, anyway: bool, **options: Any) -> int:
    """File a request for TEXT. What exists already, and what was asked before, is said on stderr; stdout is its id."""
    from headway.project.requests import file as keep

    kind, decision, readers, cost = (options.pop(key) or "" for key in ("kind", "decision", "readers", "cost"))
    by = _who(options)
    project = project_of(options)
    _tell(_answer(project, text, key_result, kind, decision))
    filed = keep(
        project,
        by=by,
        anyway=anyway,
        text=text,
        key_result=key_result,
        kind=kind,
        decision=decision,
        readers=readers,
        cost=cost,
        due=due.isoformat() if due else "",
    )
    emit(f"{filed.request.id}\n")
    return Exit.FINE


@request.command("show", params=[_ID, *PROJECT_OPTIONS])
def show_one(name: str, **options: Any) -> int:
    """Show one request: what was asked, what is recommended, and everything that was decided."""
    from headway.project.requests import the_request

    project = project_of(options)
    one = the_request(project, name)
    facts = {
        "Asked for": one.text,
        "Asked by": f"{one.by} on {one.asked}" + (f" ({one.external})" if one.external else ""),
        "Decision": one.decision,
        "Key result": one.key_result,
        "Kind": one.kind,
        "Readers": one.readers,
        "Wanted by": str(one.due or ""),
        "Cost": one.cost,
        "State": one.state,
    }
    lines = [f"{one.id}", *(f"  {what + ':':<12}{value}" for what, value in facts.items() if value)]
    for act in one.acts:
        asset = f" {act.asset}" if act.asset else ""
        why = f": {act.reason}" if act.reason else ""
        lines.append(f"  {act.on}  {act.act}{asset} by {act.by}{why}")
    emit("\n".join(_safe(line) for line in lines) + "\n")
    if one.state == "open":
        backlog = project.ask("requests", state="open")
        row = next(r for section in backlog.sections for r in section.records() if r["request"] == one.id)
        emit(_safe(f"  Recommended: {row['advice']}") + "\n")
        emit("".join(f"    {_safe(line)}\n" for line in (row["why"], *row["made_of"])))
    return Exit.FINE


def _decision(act: Decision, name: str, help_: str, *, asset: str = "", cost: bool = False) -> click.Command:
    """The command of one decision."""
    extra: list[click.Parameter] = [_REASON] if act != "built" else []
    if asset:
        extra.append(click.Option(["--asset"], required=True, metavar="NAME", help=asset))
    if cost:
        words = "What it takes to build, as you see it."
        extra.append(click.Option(["--cost"], type=click.Choice(SIZES), default=None, help=words))

    def run(name: str, **options: Any) -> int:
        from headway.project.requests import decide

        reason, asset, cost = (options.pop(key, None) or "" for key in ("reason", "asset", "cost"))
        by = _who(options)
        one = decide(project_of(options), name, act, by=by, reason=reason, asset=asset, cost=cost)
        click.echo(_safe(f"{one.id} is {one.state}: {one.text}"), err=True)
        return Exit.FINE

    callback: Callable[..., int] = run
    return click.Command(name, params=[_ID, *extra, _BY, *PROJECT_OPTIONS], help=help_, callback=callback)


for _command in (
    _decision("accepted", "accept", "Accept a request: it will be built.", cost=True),
    _decision("pointed", "point", "Point to what answers it already.", asset="What answers it."),
    _decision("extended", "extend", "Extend what exists instead of building another.", asset="What to extend."),
    _decision("declined", "decline", "Decline a request; the reason is shown to the next who asks."),
    _decision("withdrawn", "withdraw", "Take a request back."),
    _decision("built", "built", "Say what was built; 90 days later `headway built` says who uses it.", asset="It."),
):
    request.add_command(_command)


@request.command("import", params=[_BY, *PROJECT_OPTIONS])
@click.argument("path", metavar="FILE")
@click.option("--source", default="", metavar="NAME", help="Where they are filed, such as github:acme/data.")
def import_(path: str, source: str, **options: Any) -> int:
    """Take in the requests of a JSON or CSV FILE, all or none; what is known already comes in once.

    Reads what `headway request export` writes, a CSV with the columns id and text (and decision, key_result, kind,
    readers, due, cost, by, asked), and issues filed with the form of `headway request template`, as `gh issue list
    --json number,title,body,author,createdAt,url` prints them.
    """
    from headway.answer import listed, plural
    from headway.project.requests import import_file

    by = _who(options)
    done = import_file(project_of(options), path, by=by, source=source)
    click.echo(f"{len(done.new):,} new, {len(done.changed):,} changed, {done.same:,} as before.", err=True)
    if done.passed_over:
        many = plural(len(done.passed_over), "issue", "issues")
        click.echo(f"{many} without the form's headings passed over: {listed(done.passed_over, 5)}.", err=True)
    emit("".join(f"{name}\n" for name in (*done.new, *done.changed)))
    return Exit.FINE


@request.command(params=[*PROJECT_OPTIONS])
@click.option("--format", "-f", "style", type=click.Choice(("json", "csv")), default="json", show_default=True)
def export(style: Literal["json", "csv"], **options: Any) -> int:
    """Print every request with what became of it, as JSON or CSV."""
    from headway.project.requests import exported, requests_of

    emit(exported(requests_of(project_of(options)), style))
    return Exit.FINE


@request.command(params=[*PROJECT_OPTIONS])
@click.argument("tracker", type=click.Choice(("github", "gitlab")))
def template(tracker: Literal["github", "gitlab"], **options: Any) -> int:
    """Print the form of a request for a team's tracker, with today's key results to choose from."""
    from headway.project.request_forms import PLACES, form

    emit(form(project_of(options).graph(), tracker))
    click.echo(f"Keep it as {PLACES[tracker]}, and print it anew when the key results change.", err=True)
    return Exit.FINE


def _answer(project: Project, text: str, key_result: str, kind: str | None, decision: str) -> Answer:
    return project.ask("answered-by", text=text, key_result=key_result, kind=kind or "", decision=decision)


def _tell(answer: Answer) -> None:
    """Say on stderr what exists already, why that is recommended, and what was asked before."""
    click.echo(_safe(answer.headline), err=True)
    for section in answer.sections:
        for row in section.records():
            said = row.get("reason") or f"{row['request']}, {row['asks']}: {row['decision']}"
            click.echo(f"  {_safe(str(said))}", err=True)


def _safe(text: str) -> str:
    """Text on one line, without what would steer a terminal: it was written by other people."""
    return "".join(c if c.isprintable() else " " for c in text)


def _who(options: dict[str, Any]) -> str:
    by: str = options.pop("by")
    return by or next((os.environ[n] for n in ("LOGNAME", "USER", "USERNAME") if os.environ.get(n)), "")
