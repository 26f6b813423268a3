"""Deciding about findings, the log of decisions, and check-ins."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import ANSWER_OPTIONS, PROJECT_OPTIONS, Day, project_of
from headway.cli.output import emit, show
from headway.errors import Exit, UsageError

if TYPE_CHECKING:
    from headway.project.triage import Outcome

_BY = click.Option(["--by"], default="", metavar="WHO", help="Who decides; default: who is logged in.")
_REASON = click.Option(["--reason"], default="", metavar="TEXT", help="Why, for whoever reads it later.")
_FINDINGS = click.Argument(["findings"], nargs=-1, required=True, metavar="FINDING...")
_SHOWN = tuple(option for option in ANSWER_OPTIONS if option.name != "limit")
_SHARED = (_FINDINGS, _REASON, _BY, *PROJECT_OPTIONS)


def author(by: str) -> str:
    """Who writes: as given, else who is logged in. Raises UsageError where neither is known."""
    found = by or next((os.environ[n] for n in ("LOGNAME", "USER", "USERNAME") if os.environ.get(n)), "")
    if not found:
        raise UsageError("it is not known who decides", hint="--by names who")
    return found


@click.group(short_help="Decide about findings: keep, link, retire, snooze, assign, reopen.")
def decide() -> None:
    """Decide about what `headway triage` lists. Decisions are kept in the store; `headway decisions` is their log.

    FINDING is what stands first in its row, such as @1f0c9a2; or a code and a name, such as HW201:old_orders; or the
    name of the asset alone. Several may be decided about at once: all of them are, or none.
    """


@decide.command(params=[*_SHARED])
@click.option("--until", type=Day(), metavar="DATE", help="Last day on which it holds; default: without end.")
def keep(findings: tuple[str, ...], by: str, reason: str, until: date | None, **options: Any) -> int:
    """Keep what it is about, for a reason."""
    return _decide("keep", findings, options, by=by, reason=reason, until=until)


@decide.command(params=[*_SHARED])
@click.option("--until", type=Day(), required=True, metavar="DATE", help="Last day on which it is left alone.")
def snooze(findings: tuple[str, ...], by: str, reason: str, until: date, **options: Any) -> int:
    """Leave it alone until a day."""
    return _decide("snooze", findings, options, by=by, reason=reason, until=until)


@decide.command(params=[*_SHARED])
@click.option("--to", required=True, metavar="TEAM", help="Who decides.")
def assign(findings: tuple[str, ...], by: str, reason: str, to: str, **options: Any) -> int:
    """Say which team decides. It stays on the list."""
    return _decide("assign", findings, options, by=by, reason=reason, to=to)


@decide.command(params=[*_SHARED])
@click.option("--key-result", required=True, metavar="NAME", help="The key result that the dashboard shows.")
def link(findings: tuple[str, ...], by: str, reason: str, key_result: str, **options: Any) -> int:
    """Accept that a dashboard shows a key result; links.yml gets the link too."""
    return _decide("link", findings, options, by=by, reason=reason, key_result=key_result)


@decide.command(params=[*_SHARED])
def reopen(findings: tuple[str, ...], by: str, reason: str, **options: Any) -> int:
    """Put it back on the list."""
    return _decide("reopen", findings, options, by=by, reason=reason)


@decide.command(params=[*_SHARED, *_SHOWN])
@click.option("--on", type=Day(), metavar="DATE", help="Day of the announcement; default: the day of the answer.")
@click.option("--write", is_flag=True, help="Announce it; without it what would change is only shown.")
def retire(
    findings: tuple[str, ...], by: str, reason: str, on: date | None, write: bool, verbose: bool, **options: Any
) -> int:
    """Announce its retirement, with what has to go with it: the first stage of `headway retire`."""
    from headway.project import triage
    from headway.project.retire import summary

    style = {"format": options.pop("format"), "rows": options.pop("rows"), "verbose": verbose}
    outcome = triage.retire(project_of(options), findings, by=author(by), reason=reason, on=on, write=write)
    if outcome.prepared is not None:
        show(outcome.prepared.answer, limit=None, **style)
        for line in summary(outcome.prepared, verbose=verbose, written=write):
            click.echo(line, err=True)
    return _told(outcome)


@decide.command(params=[_REASON, _BY, *PROJECT_OPTIONS])
@click.argument("decisions", nargs=-1, required=True, metavar="DECISION...")
def undo(decisions: tuple[str, ...], by: str, reason: str, **options: Any) -> int:
    """Take decisions back: DECISION is what `headway decisions` lists in its last column."""
    from headway.project import triage

    return _told(triage.undo(project_of(options), decisions, by=author(by), reason=reason))


def _decide(act: str, findings: tuple[str, ...], options: dict[str, Any], *, by: str, **said: Any) -> int:
    from headway.project import triage

    decide_: Callable[..., Outcome] = getattr(triage, act)
    return _told(decide_(project_of(options), findings, by=author(by), **said))


def _told(outcome: Outcome) -> int:
    for sentence in outcome.sentences:
        click.echo(sentence, err=True)
    return Exit.FINE


@click.group(
    params=[*_SHOWN, *PROJECT_OPTIONS],
    invoke_without_command=True,
    short_help="What people decided about findings, newest first.",
)
def decisions(**options: Any) -> int:
    """What people decided about findings, newest first, and what takes each back: `headway decide undo`."""
    if click.get_current_context().invoked_subcommand is not None:
        return Exit.FINE
    from headway.project import triage

    style = {key: options.pop(key) for key in ("format", "rows", "verbose")}
    return show(triage.log(project_of(options)), limit=None, **style)


@decisions.command(name="export", params=[*PROJECT_OPTIONS])
@click.argument("file", default="-")
def export_(file: str, **options: Any) -> int:
    """Write all decisions to FILE, to be reviewed like code; to stdout without one."""
    from headway.project import triage_file

    text, count = triage_file.exported(project_of(options))
    if file == "-":
        emit(text)
    else:
        triage_file.write(file, text)
        click.echo(f"{count:,} written to {file}.", err=True)
    return Exit.FINE


@decisions.command(name="import", params=[*PROJECT_OPTIONS])
@click.argument("file")
def import_(file: str, **options: Any) -> int:
    """Take over the decisions in FILE that are not here yet. Files such as links.yml are left alone."""
    from headway.project import triage_file

    new, known = triage_file.imported(project_of(options), file)
    click.echo(f"{new:,} new, {known:,} known already.", err=True)
    return Exit.FINE


@click.command(params=[_BY, *PROJECT_OPTIONS], short_help="Say how a key result is doing.")
@click.argument("key_result", metavar="KEY_RESULT")
@click.argument("note")
@click.option("--confidence", type=click.Choice(("on_pace", "at_risk", "off")), default=None, help="What you expect.")
def check_in(key_result: str, note: str, confidence: str | None, by: str, **options: Any) -> int:
    """Write down what you know about KEY_RESULT that its readings do not say."""
    from headway.project.check_ins import check_in as write_down

    written = write_down(project_of(options), key_result, note, by=author(by), confidence=confidence or "")
    click.echo(f"Written down for {written.subject}, by {written.by}.", err=True)
    return Exit.FINE


@click.command(params=[*_SHOWN, *PROJECT_OPTIONS], short_help="What people said about key results.")
@click.argument("key_result", required=False, default="", metavar="[KEY_RESULT]")
def check_ins(key_result: str, **options: Any) -> int:
    """What people said about KEY_RESULT, or about all, beside what the readings said on that day."""
    from headway.project.check_ins import check_ins as said

    style = {key: options.pop(key) for key in ("format", "rows", "verbose")}
    return show(said(project_of(options), key_result), limit=None, **style)
