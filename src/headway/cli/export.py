"""What Headway knows, given out for other tools to read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.cli.output import emit, write
from headway.errors import Exit


@click.group(short_help="Give the goals and the graph out to dbt and other tools.")
def export() -> None:
    """Give the goals and the graph out to dbt and other tools."""


@export.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="Objectives as exposures of the dbt project.")
@click.option(
    "--output",
    default="",
    metavar="FILE",
    help="Property file, relative to the project; - for stdout. Default: where it was, or headway_objectives.yml "
    "in the first model path.",
)
@click.option("--key-results-as-metrics", is_flag=True, help="Also a metric for each key result, with its target.")
@click.option("--figures/--no-figures", default=True, show_default=True, help="Current values in the descriptions.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when the file is not up to date.")
def dbt(output: str, key_results_as_metrics: bool, figures: bool, check: bool, **options: Any) -> int:
    """Write the living objectives into the dbt project, as exposures in one property file.

    Each depends on the metrics of its key results, or on the models they are bound to, and says in its description how
    they stand. Run again, only what changed is changed; an objective that is gone or has ended is taken out. What
    people wrote into the file stays. `dbt build --select +exposure:objective__NAME` then builds what an objective
    needs.
    """
    from headway.project import dbt_export

    project = project_of(options)
    stdout = output == "-"
    prepared = dbt_export.prepare(
        project, output="" if stdout else output, figures=figures, metrics=key_results_as_metrics
    )
    for note in prepared.notes:
        click.echo(f"Note: {note}.", err=True)
    if stdout:
        emit((prepared.after or b"").decode("utf-8"))
    if check:
        click.echo(prepared.outlook, err=True)
        return Exit.FINDINGS if prepared.differs else Exit.FINE
    if not stdout:
        dbt_export.write(prepared)
        click.echo(prepared.summary, err=True)
    return Exit.FINE


def _drawn(name: str, purpose: str) -> click.Command:
    """The command that writes the graph in one format."""

    def command(select: str, objective: str, output: str, **options: Any) -> int:
        from headway.project.drawings import drawn_as

        text = drawn_as(project_of(options), name, select=select, objective=objective)
        if output in {"", "-"}:
            emit(text)
        else:
            write(output, text)
        return Exit.FINE

    own = [
        click.Option(["--select"], default="", help="Assets that this dbt-style selector names, with their goals."),
        click.Option(["--objective"], default="", help="An objective with all that it stands on."),
        click.Option(["--output"], default="", metavar="FILE", help="A file; stdout without."),
    ]
    return click.Command(
        name,
        params=[*FILE_OPTIONS, *PROJECT_OPTIONS, *own],
        callback=command,
        help=f"The headed DAG: {purpose}",
        short_help=purpose,
    )


for _name, _purpose in (
    ("graphml", "GraphML, for yEd, Gephi and NetworkX."),
    ("json", "Nodes and edges as JSON."),
    ("dot", "DOT, for Graphviz."),
    ("mermaid", "A flowchart of Mermaid, for wikis."),
):
    export.add_command(_drawn(_name, _purpose))


@export.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="OpenLineage events, with the goals as tags.")
@click.option("--namespace", default="", help="How other producers call the warehouse; the project's name without.")
@click.option("--output", default="", metavar="FILE", help="A file of JSON lines; stdout without.")
def openlineage(namespace: str, output: str, **options: Any) -> int:
    """Write the headed DAG as OpenLineage job events, one a line.

    Models, seeds and snapshots are jobs that read tables and write one; key results are jobs that read tables. Tags say
    which objectives a job serves. No SQL is in it. It needs the extra `openlineage`.
    """
    from headway.project.openlineage_events import events

    text = "".join(f"{event}\n" for event in events(project_of(options), namespace=namespace))
    if output in {"", "-"}:
        emit(text)
    else:
        write(output, text)
    return Exit.FINE


def _catalog(name: str, title: str, purpose: str, text: str, *, file: str = "") -> click.Command:
    """The command that tells one data catalog of the goals. `file`: what can also be written, where something can."""

    def command(send: bool, everything: bool, figures: bool, output: str = "", **options: Any) -> int:
        from headway.project import catalog_send
        from headway.render.values import safe

        project = project_of(options)
        if output:
            written, changes = catalog_send.in_file(project, name, figures=figures)
            if output == "-":
                emit(written)
            else:
                write(output, written)
            catalog_send.kept(project, name, changes)
            return Exit.FINE
        counts: Counter[str] = Counter()
        for one in catalog_send.send(project, name, write=send, everything=everything, figures=figures):
            counts[one.outcome] += 1
            if one.outcome != "same":
                click.echo(f"{one.outcome:<13}  {safe(one.sentence)}")
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        click.echo(f"{title}: {told or 'nothing to say'}.", err=True)
        if not send and counts["would be sent"]:
            click.echo("Nothing was sent: --send does.", err=True)
        return Exit.COULD_NOT_TELL if counts["failed"] else Exit.FINE

    own: list[click.Parameter] = [
        click.Option(["--send"], is_flag=True, help="Send it; without, only say what would change."),
        click.Option(["--all", "everything"], is_flag=True, help="Also what was sent before and is the same."),
        click.Option(
            ["--figures/--no-figures"], default=True, show_default=True, help="Current values in the descriptions."
        ),
    ]
    if file:
        own.append(click.Option(["--output"], default="", metavar="FILE", help=f"Write {file} instead; - for stdout."))
    return click.Command(name, params=[*PROJECT_OPTIONS, *own], callback=command, help=text, short_help=purpose)


export.add_command(
    _catalog(
        "datahub",
        "DataHub",
        "The goals to DataHub, and to its assets which they serve.",
        """Tell DataHub of the living goals, and of every asset which goals it serves, as catalogs: in headway.yml says.

        Without --send or --output it says what would change. Goals become terms of the glossary (or tags, or domains),
        assets get those of the goals they serve and two structured properties. Only Headway's own parts change; what
        is no longer so is taken back. What was sent is remembered, so that the next run sends what changed. It needs
        the extra `datahub`, and the access token in DATAHUB_GMS_TOKEN. The exit code is 2 when something failed.
        """,
        file="a metadata file for datahub ingest",
    )
)


export.add_command(
    _catalog(
        "openmetadata",
        "OpenMetadata",
        "The goals to OpenMetadata, and to its assets which they serve.",
        """Tell OpenMetadata of the living goals, and of every asset which goals it serves.

        The section catalogs: in headway.yml says where it is. Without --send or --output it says what would change.
        Goals become terms of a glossary (or tags, or domains), assets get those of the goals they serve and two custom
        properties. Only Headway's own parts change; what is no longer so is taken back. What was sent is remembered,
        so that the next run sends what changed. It needs the extra `openmetadata`, and a token in
        OPENMETADATA_JWT_TOKEN. The exit code is 2 when something failed.
        """,
        file="requests to its API, one in JSON a line",
    )
)
