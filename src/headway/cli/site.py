"""`headway site`: the pages without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.errors import Exit, MissingExtra, UsageError

LARGEST = 25 * 1024 * 1024
"""Bytes above which a file is not written without being asked for: mail and chat refuse it."""


@click.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="Write the pages as one HTML file, or as a folder.")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--people/--no-people", default=False, show_default=True, help="Owners by name, and who checked in.")
@click.option("--cost/--no-cost", default=True, show_default=True, help="What assets cost.")
@click.option("--objectives", default="", metavar="NAMES", help="Only these, between commas, and what serves them.")
@click.option("--department", default="", metavar="TEAM", help="Only the objectives that a team owns.")
@click.option("--full", is_flag=True, help=f"Write it also above {LARGEST // 1024 // 1024} MB.")
def site(out: Path, people: bool, cost: bool, objectives: str, department: str, full: bool, **options: Any) -> int:
    """Write the pages without a server to OUT: one file such as report.html, or a folder.

    The file opens from disk and makes no request. The folder is for a server that gives out files, below any path; each
    page has its JSON beside it. People are teams and counts unless --people is given. The same project gives the same
    bytes.
    """
    try:
        from headway.project.site import Wanted, one_file
        from headway.project.site_folder import write_folder
    except ModuleNotFoundError as error:
        if error.name not in {"jinja2", "markupsafe"}:
            raise
        raise MissingExtra("web", "the pages") from None

    names = tuple(name.strip() for name in objectives.split(",") if name.strip())
    wanted = Wanted(people=people, cost=cost, objectives=names, department=department)
    project = project_of(dict(options))
    if out.suffix.lower() not in {".html", ".htm"}:
        count = write_folder(project, wanted, out)
        click.echo(f"{out}: {count:,} files. {wanted.words()}".strip(), err=True)
        return Exit.FINE
    content = one_file(project, wanted).encode()
    if len(content) > LARGEST and not full:
        size = f"{len(content) / 1024 / 1024:.0f} MB"
        raise UsageError(f"the file would be {size}", hint="--objectives chooses some; --full writes it")
    _write(out, content)
    click.echo(f"{out}: {len(content) / 1024:.0f} KiB. {wanted.words()}".strip(), err=True)
    return Exit.FINE


def _write(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None
