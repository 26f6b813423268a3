"""What an objective stands on, for dbt to select."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.cli.output import emit
from headway.errors import Exit


@click.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="A dbt selector of all that an objective needs.")
@click.argument("objective")
@click.option(
    "--format",
    "-f",
    type=click.Choice(("dbt", "yaml")),
    default="dbt",
    show_default=True,
    help="Words for `dbt build --select`, or a selectors.yml.",
)
def select(objective: str, format: str, **options: Any) -> int:  # noqa: A002 - the option
    """Print what dbt selects everything with that OBJECTIVE stands on.

    Once `headway export dbt` was run and dbt has parsed it, that is its exposure; before, the metrics and models below.

    needed=$(headway select grow) && dbt build --select "$needed"
    """
    from headway.project.dbt_select import selector_of

    found = selector_of(project_of(options), objective)
    emit(found.yaml if format == "yaml" else found.words + "\n")
    return Exit.FINE
