"""`headway write-back`: current values of key results into the tools that keep the goals."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import PROJECT_OPTIONS, project_of
from headway.errors import Exit


@click.command(params=[*PROJECT_OPTIONS], short_help="Give current values back to the tools that keep the goals.")
@click.argument("places", nargs=-1)
@click.option("--write", is_flag=True, help="Write; without it, only say what would change.")
@click.option("--force", is_flag=True, help="Write also over what somebody changed there since.")
def write_back(places: tuple[str, ...], write: bool, force: bool, **options: Any) -> int:
    """Write the current value of measured key results to PLACES (asana, monday, csv), or all under write_back:.

    Without --write nothing is written. Only Headway's own fields are set: external metrics in Asana, the column that
    is configured in monday.com, rows of its own file. What somebody changed there since is left alone and named; the
    exit code is then 1, and 2 when something could not be written.
    """
    from headway.project.write_back import write_back as run

    outcomes = []
    for one in run(project_of(options), write=write, force=force, only=places):
        outcomes.append(one.outcome)
        click.echo(f"{one.outcome:<13}  {one.sentence}")
    if not outcomes:
        click.echo("No measured key result has a value to give back.", err=True)
    if not write and "would be sent" in outcomes:
        click.echo("Nothing was written: --write does.", err=True)
    if "failed" in outcomes:
        return Exit.COULD_NOT_TELL
    return Exit.FINDINGS if "left alone" in outcomes else Exit.FINE
