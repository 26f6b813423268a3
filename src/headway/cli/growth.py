"""The command that reads the past out of git."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import PROJECT_OPTIONS, Day, project_of
from headway.errors import Exit


@click.command(params=[*PROJECT_OPTIONS], short_help="Read the past out of the project's git history.")
@click.option("--since", type=Day(), default=None, metavar="DATE", help="First day to read; default: the first commit.")
@click.option(
    "--every",
    type=click.Choice(("month", "quarter", "week")),
    default="month",
    show_default=True,
    help="How often: the last day of each.",
)
@click.option(
    "--dbt", default="", metavar="PATH", help="dbt for commits without a manifest; default: HEADWAY_DBT, or dbt."
)
def backfill(since: Any, every: Any, dbt: str, **options: Any) -> int:
    """Read the past out of the project's git history, for `headway growth` and `headway diff`.

    For the last day of every period before the first sync, the last commit by then is read: the manifest kept for it in
    .headway/manifests, the one committed with it, or the one that dbt makes of an export of it. The work tree is left
    alone. What was read before is not read again, so that an interrupted run goes on where it stopped.

    Exits with 2 when a commit could not be read; the others are kept all the same.
    """
    from headway.project.backfill import backfill as samples

    failed = read = known = 0
    for sample in samples(project_of(options), since=since, every=every, dbt=dbt):
        where = f"{sample.day}  {sample.commit[:10]}"
        if sample.how == "failed":
            failed += 1
            click.echo(f"{where}  could not be read: {sample.problem}", err=True)
        elif sample.how == "known already":
            known += 1
        else:
            read += 1
            click.echo(f"{where}  {sample.assets:,} assets, from {_ARTICLE[sample.how]}", err=True)
    click.echo(f"{read:,} read, {known:,} known already, {failed:,} failed.", err=True)
    if not read + known + failed:
        click.echo("There is nothing to read: no commit is older than the first sync and --since.", err=True)
    return Exit.COULD_NOT_TELL if failed else Exit.FINE


_ARTICLE = {
    "kept manifest": "the manifest that was kept",
    "committed manifest": "the manifest that was committed",
    "dbt parse": "dbt parse",
}
