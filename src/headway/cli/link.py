"""Deciding about links: accept and decline."""

from __future__ import annotations

import os
from typing import Any

import click

from headway.cli.options import PROJECT_OPTIONS, project_of
from headway.errors import Exit


@click.group(short_help="Decide which table, node or goal a dashboard belongs to.")
def link() -> None:
    """Decide about links that `headway links` lists. Decisions are kept in links.yml, to be reviewed like code.

    UPSTREAM is the handle of an open link, such as @1f0c9a2; or a node; or table:NAME for a table as a dashboard tool
    names it. DOWNSTREAM is then the dashboard, chart or dataset that reads it, or the key result that a dashboard
    shows; a table without one is decided for all that read it.
    """


_DECISION_OPTIONS = (
    click.Argument(["upstream"], metavar="UPSTREAM"),
    click.Argument(["downstream"], metavar="[DOWNSTREAM]", required=False, default=""),
    click.Option(["--note"], default="", metavar="TEXT", help="Why, for whoever reads it later."),
    click.Option(["--by"], default="", metavar="WHO", help="Who decided; default: who is logged in."),
    *PROJECT_OPTIONS,
)


@link.command(params=[*_DECISION_OPTIONS])
@click.option("--as", "target", default="", metavar="NODE", help="The node that a table means.")
def accept(target: str, **options: Any) -> int:
    """Accept a link: that a dashboard shows a key result, or that a table means a node."""
    return _decide(accepted=True, target=target, options=options)


@link.command(params=[*_DECISION_OPTIONS])
def decline(**options: Any) -> int:
    """Decline a link, so that it does not count and is not asked about again."""
    return _decide(accepted=False, target="", options=options)


def _decide(*, accepted: bool, target: str, options: dict[str, Any]) -> int:
    from headway.project.decisions import decide

    said = {key: options.pop(key) for key in ("upstream", "downstream", "note", "by")}
    said["by"] = said["by"] or next((os.environ[n] for n in ("LOGNAME", "USER", "USERNAME") if os.environ.get(n)), "")
    project = project_of(options)
    written = decide(project, accepted=accepted, target=target, **said)
    click.echo(f"{'Accepted' if accepted else 'Declined'}: {written.sentence}", err=True)
    click.echo(f"Written to {written.file}, line {written.line}.", err=True)
    if project.graph().synced_at is not None:
        click.echo("It counts after the next headway sync.", err=True)
    return Exit.FINE
