"""`headway suggest-bindings`: what could measure key results that nothing measures, to be written down by a person."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import PROJECT_OPTIONS, project_of
from headway.errors import Exit


@click.command(params=[*PROJECT_OPTIONS], short_help="Propose what unbound key results could be bound to, as YAML.")
@click.argument("key_results", nargs=-1)
@click.option("--write", is_flag=True, help="Append the best proposals for KEY_RESULTS to the goals file.")
def suggest_bindings(key_results: tuple[str, ...], write: bool, **options: Any) -> int:
    """Print a binding for each key result that nothing measures, or for KEY_RESULTS, with scores and reasons.

    Nothing is bound by that: paste what is right under bindings: in the goals file. With --write the best proposals for
    the key results that are named are appended there; comments and everything else stay.
    """
    from headway.project.bindings import append, proposed_yaml

    project = project_of(options)
    if write:
        done = append(project, key_results)
        click.echo(done.text, nl=False)
        click.echo(f"Appended to {done.file}: {', '.join(done.goals)}.", err=True)
        return Exit.FINE
    text, without = proposed_yaml(project, key_results)
    if text:
        click.echo(f"bindings:\n{text}", nl=False)
    for title in without:
        click.echo(f"Nothing is called like {title!r}.", err=True)
    if not text and not without:
        known = any(node.kind == "key_result" for node in project.graph().nodes)
        said = "Every key result is bound." if known else "No key results are known yet: headway init writes some."
        click.echo(said, err=True)
    return Exit.FINE
