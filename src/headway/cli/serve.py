"""`headway serve`: the pages on this machine."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.errors import Exit, MissingExtra

PORT = 8484


@click.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="Serve the pages on this machine.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine to listen on.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--open", "open_", is_flag=True, help="Open the first page in a browser.")
def serve(host: str, port: int, open_: bool, **options: Any) -> int:
    """Serve the pages on this machine until interrupted.

    Pages answer from the last sync, and follow the store when it is synced again.
    """
    try:
        from headway.web.app import create_app
        from headway.web.current import Current
        from headway.web.running import listen, run
    except ImportError:
        raise MissingExtra("web", "serving pages") from None

    def started(address: str) -> None:
        click.echo(f"Headway is at {address} (Ctrl+C ends it)", err=True)
        if open_:
            click.launch(address)

    with listen(host, port) as on:
        current = Current(lambda: project_of(dict(options)))
        run(create_app(current), on, started=started)
    return Exit.FINE
