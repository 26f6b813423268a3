"""Options that commands share, and the project that they mean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from headway.project import Project

FORMATS = ("table", "json", "csv", "md")


class Day(click.ParamType):  # type: ignore[type-arg]  # before click 8.4 it takes none
    """A day as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date; fails with what would be right."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; write YYYY-MM-DD", param, ctx)


PROJECT_OPTIONS = (
    click.Option(["--project-dir"], default=".", show_default=True, metavar="DIR", help="Folder of the dbt project."),
    click.Option(["--store"], default="", metavar="URL", help="Store to use instead of the configured one."),
    click.Option(["--as-of"], type=Day(), default=None, metavar="DATE", help="Answer for this day; default today."),
)

FILE_OPTIONS = (
    click.Option(["--manifest"], default="", metavar="PATH", help="Read this manifest.json (or .gz); needs no store."),
    click.Option(["--goals"], default="", metavar="PATH", help="Read these goals: a file or a folder; needs no store."),
    click.Option(
        ["--usage"], multiple=True, metavar="PATH", help="Read usage and cost from CSV or Parquet; repeatable."
    ),
)

ANSWER_OPTIONS = (
    click.Option(
        ["--format", "-f"], type=click.Choice(FORMATS), default="table", show_default=True, help="How to answer."
    ),
    click.Option(
        ["--rows"],
        type=click.IntRange(min=0),
        metavar="N",
        default=30,
        show_default=True,
        help="Rows of a table; 0 for all.",
    ),
    click.Option(["--verbose", "-v"], is_flag=True, help="Show the proof of each row, and every gap."),
    click.Option(
        ["--limit"],
        type=click.IntRange(min=0),
        metavar="N",
        default=None,
        help="Exit with 1 when there are more findings.",
    ),
)


def project_of(options: dict[str, Any]) -> Project:
    """The project that the common options mean; takes them out of `options`."""
    from headway.project import Project

    directory, store = options.pop("project_dir"), options.pop("store")
    as_of, manifest = options.pop("as_of"), options.pop("manifest", "")
    goals, usage = options.pop("goals", ""), options.pop("usage", ())
    progress = _progress()
    if manifest or goals or usage:
        return Project.stateless(
            manifest=manifest, goals=goals, usage=usage, directory=directory, as_of=as_of, progress=progress
        )
    return Project.open(directory, as_of=as_of, store_url=store, progress=progress)


def _progress() -> Callable[[str, int, int], None]:
    """Progress on stderr: one line that is rewritten on a terminal, nothing otherwise."""
    if not sys.stderr.isatty():
        return lambda what, done, total: None  # noqa: ARG005 - the shape of a progress function

    def show(what: str, done: int, total: int) -> None:
        full = 24 * min(done, total) // total if total > 1 else 0
        part = f"  {'█' * full}{'░' * (24 - full)}  {done:,} of {total:,}" if total > 1 else ""
        click.echo(f"\r\x1b[2K{what}{part}", err=True, nl=False)
        if total and done >= total:
            click.echo("\r\x1b[2K", err=True, nl=False)

    return show
