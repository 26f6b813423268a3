"""Commands that set a project up: init, sync, demo."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import PROJECT_OPTIONS, project_of
from headway.cli.output import show
from headway.errors import Exit


@click.command(params=[*PROJECT_OPTIONS])
@click.argument("tool", default="", metavar="[monday|csv]")
@click.argument("what", nargs=-1, metavar="[BOARD... | TABLE [SHEET]]")
@click.option("--manifest", default="", metavar="PATH", help="Read this manifest.json instead of target/manifest.json.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
def init(tool: str, what: tuple[str, ...], force: bool, **options: Any) -> int:
    """Write a starter headway.yml and goals.yml from what the project has.

    With monday and the ids of boards, or csv and a table (a CSV file, an Excel workbook with the name of its sheet, the
    address of a Google sheet), print settings for reading goals from there instead: which column says what, proposed
    from the columns there are. Nothing is written then.
    """
    if tool:
        from headway.project.goal_places import proposed

        click.echo(proposed(project_of(options), tool, what), nl=False)
        click.echo(
            "Add what is right to headway.yml, below the connectors: that are there already; then run headway sync.",
            err=True,
        )
        return Exit.FINE
    from headway.project.starter import write_starter

    for path, note in write_starter(project_of(options), force=force):
        click.echo(f"{path}: {note}", err=True)
    click.echo("Next: edit goals.yml, then run headway summary.", err=True)
    return Exit.FINE


@click.command(params=[*PROJECT_OPTIONS], short_help="Read every source into the store and evaluate the key results.")
@click.argument("sources", nargs=-1)
@click.option("--no-values", is_flag=True, help="Do not evaluate the key results on the warehouse.")
def sync(sources: tuple[str, ...], no_values: bool, **options: Any) -> int:
    """Read every source (or only SOURCES) into the store and evaluate the key results on the warehouse."""
    project = project_of(options)
    results = project.sync(sources, evaluate=not no_values)
    width = max((len(r.connector) for r in results), default=0)
    for result in results:
        said = f"failed: {result.error}" if result.error else f"{result.records:,} records"
        click.echo(f"{result.connector:<{width}}  {said}", err=True)
        for gap in result.gaps[:5]:
            click.echo(f"{'':<{width}}  {gap.message}", err=True)
        if len(result.gaps) > 5:
            click.echo(f"{'':<{width}}  and {len(result.gaps) - 5:,} more: headway unknown", err=True)
    failed = [r for r in results if r.error]
    if known := [r.connector for r in failed if r.known]:
        click.echo(f"What was known of {', '.join(known)} before stays in view.", err=True)
    return Exit.COULD_NOT_TELL if failed else Exit.FINE


@click.command(short_help="Build the example company with dbt and show its first page.")
@click.argument("directory", default="headway-demo")
@click.option("--keep", is_flag=True, help="Use what is already built in DIRECTORY instead of building it again.")
def demo(directory: str, keep: bool) -> int:
    """Build the demo company with dbt on DuckDB in DIRECTORY, sync it, and show its first page."""
    from headway.project.demo import Demo

    built = Demo(directory, say=lambda text: click.echo(text, err=True))
    project = built.open() if keep else built.build()
    code = show(project.ask("summary"), format="table", rows=30, limit=None, verbose=False)
    click.echo(built.next_steps(), err=True)
    return code
