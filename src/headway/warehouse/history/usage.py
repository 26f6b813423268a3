"""From statements to usage: one aggregation where the history lives, then a parse of each distinct statement here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.config import Option
from headway.graph.model import Coverage, Gap, Observation
from headway.warehouse.history.people import Classes, People

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context, Progress

OPTIONS: tuple[Option, ...] = (
    Option("people", dict, {}, help="patterns of login names by class: service, data_team, scheduled, person"),
    Option("names", bool, False, help="keep login names instead of keyed hashes of them"),
    Option("covers", str, "", help="selector of the assets whose use this history would show; empty: all tables"),
    Option("keep_days", int, 400, help="how many days to look back at most"),
)
"""Options that every history has; a connector adds its own to them."""

TABLES = "kind:source kind:seed kind:snapshot kind:model"


@dataclass(frozen=True, kw_only=True)
class History:
    """What `usage` has to know about a history besides its statements."""

    name: str
    """The connector's."""
    dialect: str
    """sqlglot's name of the SQL in it."""
    cost_unit: str = ""
    """What `cost` is in; '' when the history has no cost."""
    covers: str = TABLES
    people: People
    classes: Classes = field(default_factory=Classes.of)
    cache: Path | None = None
    """Folder for what was parsed once; None keeps nothing."""
    overlap: timedelta = timedelta(days=1)
    keep_days: int = 400

    @staticmethod
    def of(name: str, dialect: str, options: Mapping[str, Any], context: Context, *, cost_unit: str = "") -> History:
        """From a connector's options (OPTIONS among them) and its context. Raises ConfigError, InputError."""
        raise NotImplementedError


def usage(
    statements: ibis.Table,
    history: History,
    *,
    now: datetime,
    since: datetime | None,
    progress: Progress,
) -> Iterator[Observation | Coverage | Gap]:
    """What was read, by whom, with what, at which cost: by day.

    `statements` has the columns of `statements.COLUMNS` (see `shaped`).
    """
    raise NotImplementedError
