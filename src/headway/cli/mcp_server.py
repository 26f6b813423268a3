"""`headway mcp`: the questions as tools for an assistant in an editor."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.errors import Exit, MissingExtra, UsageError

if TYPE_CHECKING:
    from headway.web.current import Current


@click.command(params=[*FILE_OPTIONS, *PROJECT_OPTIONS], short_help="Answer an assistant in an editor (MCP).")
@click.option("--http", default=None, type=click.IntRange(0, 65535), metavar="PORT", help="Over HTTP, not stdio.")
@click.option("--host", default="", metavar="ADDRESS", help="With --http: listen here; default 127.0.0.1.")
@click.option("--allow-writes", is_flag=True, help="Also tools that decide, check in and file requests.")
@click.option("--by", default="", metavar="WHO", help="Who writes; default: who is logged in.")
def mcp(http: int | None, host: str, allow_writes: bool, by: str, **options: Any) -> int:
    """Every question as a tool of a Model Context Protocol server, on stdin and stdout or over HTTP.

    It answers from the last sync, or from the files where there was none, and follows both. Nothing is written unless
    --allow-writes is given. Over HTTP only this machine can ask, unless serve.auth in headway.yml has tokens: then
    each request needs one.
    """
    if host and http is None:
        raise UsageError("only HTTP has an address to listen on", hint="--http PORT")
    try:
        from headway.mcp_server.caller import Caller
        from headway.mcp_server.over_stdio import serve_stdio
        from headway.mcp_server.served import Served
        from headway.mcp_server.server import create_server
    except ImportError:
        raise MissingExtra("mcp", "answering assistants") from None
    served = Served(lambda: _current(options))
    name = by or next((os.environ[n] for n in ("LOGNAME", "USER", "USERNAME") if os.environ.get(n)), "")
    server = create_server(served, Caller(name), writes=allow_writes)
    if http is None:
        if sys.stdin.isatty():
            click.echo("Waiting for an assistant on stdin; its editor starts this command (Ctrl+C ends it).", err=True)
        serve_stdio(server)
        return Exit.FINE
    from headway.mcp_server.over_http import create_app, listen, run
    from headway.web.connection import Impatient

    def started(address: str) -> None:
        click.echo(f"Headway answers at {address} (Ctrl+C ends it)", err=True)

    config = project_of(dict(options)).config
    guarded = "tokens" in config.serve.auth
    with listen(host or "127.0.0.1", http, guarded=guarded) as on:
        names = {host, *config.serve.hosts} - {"", "0.0.0.0", "::"}  # noqa: S104 - taken out
        url = config.serve.url if guarded else ""
        port = int(on.getsockname()[1])
        app = create_app(server, port=port, names=names, url=url, root=config.root, guarded=guarded)
        run(app, on, started=started, connection=Impatient)
    return Exit.FINE


def _current(options: dict[str, Any]) -> Current:
    from headway.web.current import Current

    return Current(lambda: project_of(dict(options)))
