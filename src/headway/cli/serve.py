"""`headway serve`: the pages on this machine, or for a company behind a login."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.errors import Exit, MissingExtra, UsageError

if TYPE_CHECKING:
    from headway.project import Project
    from headway.web.current import Current
    from headway.web.schedule import Schedule


@click.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="Serve the pages and the API.")
@click.option("--host", default="", metavar="ADDRESS", help="Address of this machine to listen on; default 127.0.0.1.")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Default 8484; 0 takes a free one.")
@click.option("--schedule", default="", metavar="SPAN", help="Sync in the background, such as every 30m, 6h or 1d.")
@click.option("--open", "open_", is_flag=True, help="Open the first page in a browser.")
def serve(host: str, port: int | None, schedule: str, open_: bool, **options: Any) -> int:
    """Serve the pages, and the API below /api, until interrupted.

    Pages answer from the last sync, and follow the store when it is synced again. Without a login only this machine
    can ask; `serve` in headway.yml says who else may, and what they may do.
    """
    try:
        from headway.web.access.setup import Access
        from headway.web.app import create_app
        from headway.web.current import Current
        from headway.web.running import listen, log_to_stderr, run
    except ImportError:
        raise MissingExtra("web", "serving pages") from None

    def started(address: str) -> None:
        click.echo(f"Headway is at {settings.url or address} (Ctrl+C ends it)", err=True)
        if open_:
            click.launch(address)

    project = project_of(dict(options))
    settings = project.config.serve
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    access = Access.of(settings, project)
    with listen(settings.host, settings.port, settings) as on:
        log_to_stderr()
        # The thread of the schedule looks at the store each second, so that no reader has to.
        current = Current(lambda: project_of(dict(options)), every=60.0)
        syncing = _schedule(current, project, options, _seconds(schedule) or settings.schedule)
        app = create_app(current, access, schedule=syncing)
        if syncing:
            syncing.start()
        try:
            run(app, on, started=started, base=access.base)
        finally:
            if syncing:
                syncing.stop()
    return Exit.FINE


def _seconds(span: str) -> int:
    from headway.project.serve_settings import seconds

    return seconds(span) if span else 0


def _schedule(current: Current, project: Project, options: dict[str, Any], every: int) -> Schedule | None:
    """What syncs in the background; None for a project of files alone, which keeps nothing."""
    from headway.web.schedule import Opened, Schedule

    if not project.use_store:
        if every:
            raise UsageError("files that are named one by one are not synced", hint="leave --schedule out")
        return None
    opened = Opened(options["project_dir"], options["store"], options["as_of"])
    return Schedule(opened, every, after=current.refresh)
