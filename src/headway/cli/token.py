"""API tokens: what programs sign in with, and people where there is no provider."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from headway.cli.options import PROJECT_OPTIONS, project_of
from headway.cli.output import emit
from headway.config import ROLES, Role
from headway.errors import Exit
from headway.render.values import safe


@click.group(short_help="API tokens: make one, list them, take one back.")
def token() -> None:
    """API tokens for `headway serve`, where `serve.auth` in headway.yml has tokens.

    A token is printed once and kept as a salted hash, below .headway/tokens/.
    """


@token.command(params=[*PROJECT_OPTIONS])
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True, help="What it may do.")
@click.option("--team", multiple=True, metavar="OWNER", help="An owner of goals that it acts for; repeatable.")
@click.option("--days", type=click.IntRange(1, 3650), default=None, metavar="N", help="It ends after so many days.")
def new(name: str, role: Role, team: tuple[str, ...], days: int | None, **options: Any) -> int:
    """Make a token called NAME and print it: this once, and never again."""
    from headway.project.tokens import make

    root = project_of(options).config.root
    text, made = make(root, name, role, teams=team, days=days, now=datetime.now(UTC))
    until = f", until {made.expires.date()}" if made.expires else ""
    click.echo(safe(f"Token {made.name} ({made.role}{until}). Keep it where secrets are kept."), err=True)
    emit(f"{text}\n")
    return Exit.FINE


@token.command("list", params=[*PROJECT_OPTIONS])
def list_(**options: Any) -> int:
    """List the tokens: name, role, when they were made and when they end. Never the tokens themselves."""
    from headway.project.tokens import listed

    now = datetime.now(UTC)
    for one in listed(project_of(options).config.root):
        ends = "no end" if one.expires is None else f"ends {one.expires.date()}" if one.holds(now) else "has ended"
        teams = f", for {', '.join(one.teams)}" if one.teams else ""
        emit(safe(f"{one.id}  {one.name}  {one.role}{teams}, made {one.made.date()}, {ends}") + "\n")
    return Exit.FINE


@token.command(params=[*PROJECT_OPTIONS])
@click.argument("name")
def revoke(name: str, **options: Any) -> int:
    """Take a token back, by its NAME or id. It holds nowhere from now on, and its sessions end."""
    from headway.project.tokens import revoke as take_back

    gone = take_back(project_of(options).config.root, name)
    click.echo(safe(f"Token {gone.name} was taken back."), err=True)
    return Exit.FINE
