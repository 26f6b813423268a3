"""The command line. Every question is a command, derived from its function; stdout is data, stderr is talk.

Nothing is decided here: a command opens a project, asks, renders, and turns the findings into an exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from headway import __version__
from headway.cli.questions import asked, command_of
from headway.errors import Exit, HeadwayError

COMMANDS = {
    "init": "setup",
    "sync": "setup",
    "backfill": "growth",
    "check": "gate",
    "explain": "gate",
    "demo": "setup",
    "serve": "serve",
    "site": "site",
    "mcp": "mcp_server",
    "token": "token",
    "link": "link",
    "retire": "retire",
    "export": "export",
    "select": "select",
    "request": "request",
    "suggest-bindings": "bindings",
    "write-back": "write_back",
    "decide": "triage",
    "decisions": "triage",
    "check-in": "triage",
    "check-ins": "triage",
    "digest": "messages",
    "notify": "messages",
}
"""Built-in commands in the order of the help, each with the module beside this one that has the function."""

SPOKEN = {"goals suggest": "suggest-bindings"}
"""Two words that people say for one command; an objective of that name is still found by its id."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. The only place where errors become text."""
    # what was copied from an answer in Markdown holds word joiners, so that nobody is mentioned by it
    plain = [argument.replace("\N{WORD JOINER}", "") for argument in arguments]
    try:
        code = cli.main(args=plain, prog_name="headway", standalone_mode=False)
    except HeadwayError as error:
        click.echo(f"Error: {error}", err=True)
        return int(error.exit_code)
    except click.ClickException as error:
        error.show()
        return int(Exit.COULD_NOT_TELL)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted; nothing was left half-written.", err=True)
        return int(Exit.INTERRUPTED)
    return code if isinstance(code, int) else int(Exit.FINE)


class _Commands(click.Group):
    """The built-in commands, and one for every question; a module is loaded only when its command is looked up."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [*COMMANDS, *asked()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in COMMANDS:
            module = import_module(f"headway.cli.{COMMANDS[cmd_name]}")
            command: click.Command = getattr(module, cmd_name.replace("-", "_"))
            return command
        found = asked().get(cmd_name)
        return command_of(found) if found else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if (spoken := SPOKEN.get(" ".join(args[:2]))) is not None:
            args = [spoken, *args[2:]]
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            ctx.fail(f"There is no command {name!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups = {
            "Start": [(n, c.get_short_help_str(80)) for n in COMMANDS if (c := self.get_command(ctx, n))],
            "Questions": [(q.name, q.summary) for q in asked().values()],
        }
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headway")
def cli() -> None:
    """Which company goal does each model, metric and dashboard serve?

    Run it in a dbt project after `dbt parse`: `headway init` writes a starter goals.yml, `headway summary` is the
    first page.
    """
