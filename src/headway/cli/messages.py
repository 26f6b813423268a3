"""What is sent to people: the weekly digest, and notices. Nothing is sent unless it is said so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import PROJECT_OPTIONS, project_of
from headway.cli.output import emit
from headway.errors import Exit
from headway.render.values import safe

if TYPE_CHECKING:
    from headway.project import Project
    from headway.project.outbox import Letter

SEND_OPTIONS = (
    click.Option(["--to"], default="", metavar="CHANNEL", help="Only to this channel or address."),
    click.Option(["--send"], is_flag=True, help="Send it; without, only print what would be sent."),
    click.Option(["--again"], is_flag=True, help="Send also what an interrupted run may have sent already."),
)


@click.command(params=[*SEND_OPTIONS, *PROJECT_OPTIONS], short_help="The weekly digest of each channel.")
def digest(to: str, send: bool, again: bool, **options: Any) -> int:
    """Print, or send, the weekly digest of each channel: pace, trust, what changed, three decisions to take.

    Where it goes stands under `slack` and `email` in headway.yml. A channel is told once a week, however often this
    runs. Exit code 2 when something could not be sent.
    """
    from headway.project.digest import digests

    project = project_of(options)
    return _sent(project, digests(project, to), send=send, again=again)


@click.command(params=[*SEND_OPTIONS, *PROJECT_OPTIONS], short_help="Objectives at risk, and what is to be retired.")
def notify(to: str, send: bool, again: bool, **options: Any) -> int:
    """Print, or send, what people should hear of today, each thing once.

    An objective whose numbers cannot be trusted any more, with the node that is to blame and its owner; that it has
    recovered, in the thread; what is announced to be retired, to who used it last or to its owner. Exit code 2 when
    something could not be sent.
    """
    from headway.project.notices import notices

    project = project_of(options)
    return _sent(project, notices(project, to), send=send, again=again)


def _sent(project: Project, letters: Sequence[Letter], *, send: bool, again: bool) -> int:
    """Send them and say what became of each, or print what would be sent."""
    from headway.project import outbox
    from headway.sinks.message import text_of

    failed = False
    texts = {letter.message.key: text_of(letter.message) for letter in letters}
    for done in outbox.send(project, letters, dry_run=not send, again=again):
        click.echo(safe(f"{done.outcome}: {done.sentence}"), err=True)
        if done.outcome == "would be sent":
            emit("".join(f"{safe(line)}\n" for line in texts[done.key].splitlines()) + "\n")
        failed = failed or done.outcome == "failed"
    if not letters:
        click.echo("There is nothing to say.", err=True)
    elif not send:
        click.echo("Nothing was sent; --send does.", err=True)
    return Exit.COULD_NOT_TELL if failed else Exit.FINE
