"""The options that a connector was given: known, of the right type, and with their defaults."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from headway.config import Option
from headway.connectors.protocol import Context
from headway.errors import ConfigError
from headway.people import Classes, People

USAGE: tuple[Option, ...] = (
    Option(
        "people", dict, {}, help="patterns of login names by class: service, data_team, scheduled, executive, person"
    ),
    Option("names", bool, False, help="keep login names instead of keyed hashes of them"),
    Option("covers", str, "", help="selector of the assets whose use this tool would show; empty: all it has"),
)
"""Options of a connector that says who opened what."""


def checked(connector: str, known: Sequence[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a connector, with its default where it is not given; secrets are not among them.

    Raises ConfigError for one that does not exist, is of another type, or is required and missing.
    """
    names = [option.name for option in known]
    for said in given:
        if said not in names:
            near = difflib.get_close_matches(str(said), names, n=1) or [", ".join(names)]
            raise ConfigError(f"{connector} has no option {str(said)[:60]!r}", hint=f"did you mean {near[0]}?")
    values: dict[str, Any] = {}
    for option in known:
        if option.secret:
            continue
        value = given.get(option.name)
        value = option.default if value is None else value
        if option.type is str and isinstance(value, date):
            value = value.isoformat()  # YAML reads an unquoted day as one
        wrong = isinstance(value, bool) and option.type is not bool
        if value is not None and (wrong or not isinstance(value, option.type)):
            kind = type(value).__name__
            raise ConfigError(f"option {option.name} of {connector} is to be {option.type.__name__}, not {kind}")
        if option.required and value in (None, "", [], {}):
            raise ConfigError(f"{connector} needs the option {option.name}", hint=option.help)
        values[option.name] = value
    return values


def secret(connector: str, known: Sequence[Option], name: str, context: Context) -> str:
    """The value of a secret option, from its environment variable alone. Raises ConfigError where there is none."""
    option = next(option for option in known if option.name == name)
    value = context.environment.get(option.env, "").strip()
    if not value:
        raise ConfigError(f"{connector} needs {option.env} in the environment", hint=option.help)
    return value


def one_of(connector: str, values: Mapping[str, Any], *names: str) -> str:
    """The one of these options that is given. Raises ConfigError when none is, or several are."""
    found = [name for name in names if values[name]]
    if len(found) != 1:
        said = "both are given" if found else "neither is given"
        raise ConfigError(f"{connector} needs either {' or '.join(names)}: {said}")
    return found[0]


PREFIX = Option("prefix", str, "", help="part of the ids of its goals, where several files have goals of the same id")


def prefix(connector: str, values: Mapping[str, Any]) -> str:
    """What comes before the keys of goals in their ids. Raises ConfigError for what cannot."""
    said: str = values["prefix"]
    if said and not re.fullmatch(r"\w[\w-]{0,39}", said):
        raise ConfigError(f"option prefix of {connector} is a short word, not {said[:40]!r}", hint="prefix: sales")
    return said


def iso_day(connector: str, values: Mapping[str, Any], name: str) -> date | None:
    """The day that a text option says; None for ''. Raises ConfigError for anything else."""
    value = values[name]
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ConfigError(f"option {name} of {connector} is no day", hint=f"{name}: 2026-11-22") from None


def days(connector: str, values: Mapping[str, Any], name: str, most: int) -> int:
    """A number of days between 1 and `most`. Raises ConfigError for any other."""
    value: int = values[name]
    if not 1 <= value <= most:
        raise ConfigError(f"option {name} of {connector} is not a number of days", hint=f"from 1 to {most:,}")
    return value


def people(values: Mapping[str, Any], context: Context) -> tuple[People, Classes]:
    """How people are called and classed, from the options of USAGE. Raises ConfigError, InputError."""
    return People.of(context.root, context.environment, names=values["names"]), Classes.of(values["people"])
