"""What commands print: stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from headway.errors import Exit

if TYPE_CHECKING:
    from headway.answer import Answer


def show(answer: Answer, *, format: str, rows: int, limit: int | None, verbose: bool) -> int:  # noqa: A002 - the option
    """Print an answer; the exit code says whether it is within the limit, or that nobody knows."""
    from headway.answer import Verdict
    from headway.render.formats import RenderOptions, aside, render_as

    options = RenderOptions.for_stream(sys.stdout, os.environ, limit=rows, verbose=verbose)
    emit(render_as(format, answer, options))
    if more := aside(format, answer, options):
        click.echo(more, err=True, nl=False)
    if limit is not None and answer.totals.get("known") is False:
        click.echo("It is not known, so no limit is kept.", err=True)
        return Exit.COULD_NOT_TELL
    if limit is None or Verdict(answer=answer, limit=limit).passed:
        return Exit.FINE
    findings = f"{answer.findings:,} {'finding' if answer.findings == 1 else 'findings'}"
    click.echo(f"{findings}, more than the limit of {limit:,}.", err=True)
    return Exit.FINDINGS


def emit(text: str) -> None:
    """Write data to stdout. A reader that has seen enough (`| head`) is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Point stdout elsewhere, so that Python's own flush at exit is silent too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(path: str, text: str) -> None:
    """Write a report to a file; raises InputError."""
    from headway.errors import InputError, Place

    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - nothing else here needs pathlib
            file.write(text)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", place=Place(path)) from None
