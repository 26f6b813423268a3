"""Retirement: what goes, stage by stage, and taken back."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import ANSWER_OPTIONS, FILE_OPTIONS, PROJECT_OPTIONS, Day, project_of
from headway.cli.output import emit, show
from headway.errors import Exit


@click.command(
    params=[
        *(option for option in ANSWER_OPTIONS if option.name != "limit"),
        *FILE_OPTIONS,
        *PROJECT_OPTIONS,
    ],
    short_help="Take assets out of service in steps, by edits that can be taken back.",
)
@click.argument("assets", nargs=-1)
@click.option("--select", default="", help="Assets that this dbt-style selector names.")
@click.option("--objective", default="", help="What goes when this objective ends, or because it has ended.")
@click.option("--zombies", is_flag=True, help="Everything that can go.")
@click.option(
    "--stage",
    type=click.Choice(("announced", "deprecated", "disabled", "dropped")),
    default="announced",
    show_default=True,
    help="How far to go.",
)
@click.option("--on", type=Day(), metavar="DATE", help="Day of the stage; default: the day of the answer.")
@click.option("--write", is_flag=True, help="Make the changes; without it they are only shown.")
@click.option("--sql", is_flag=True, help="Print DROP statements for people to read and run; nothing is run.")
@click.option("--undo", default="", metavar="RUN", help="Take back what one run wrote, byte for byte.")
@click.option("--status", is_flag=True, help="What is being retired, and which runs can be taken back.")
def retire(undo: str, status: bool, write: bool, sql: bool, **options: Any) -> int:
    """Take ASSETS out of service: announced, then deprecated, disabled and dropped.

    What goes is the largest set of which nothing outside loses anything it needs: see `headway retire-plan`. Without
    ASSETS, --select, --objective or --zombies it goes on with what an earlier stage was written of. Nothing is written
    without --write, and nothing is ever run on the warehouse. `retirements.yml` says what was done when, and why.
    """
    from headway.project import retire as retirement

    style = {key: options.pop(key) for key in ("format", "rows", "verbose")}
    asked = {key: options.pop(key) for key in ("select", "objective", "stage", "on")}
    assets, everything = ",".join(options.pop("assets")), options.pop("zombies")
    project = project_of(options)
    if undo:
        taken_back = retirement.undo(project, undo)
        count = len(taken_back.files)
        as_before = "1 file is as it was" if count == 1 else f"{count:,} files are as they were"
        click.echo(f"Took back {taken_back.id}: {as_before}.", err=True)
        return Exit.FINE
    if status:
        return show(retirement.status(project), limit=None, **style)
    prepared = retirement.prepare(project, assets=assets, everything=everything, **asked)
    if sql:
        emit("".join(f"{line}\n" for line in prepared.statements))
    else:
        show(prepared.answer, limit=None, **style)
    written = retirement.write(project, prepared) if write else None
    for line in retirement.summary(prepared, verbose=style["verbose"], written=written is not None):
        click.echo(line, err=True)
    return Exit.FINE
