"""Connectors by the name that headway.yml calls them, built-in ones and third parties' alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from headway.connectors.protocol import Connector, Context
from headway.errors import ConfigError


def connector_class(name: str) -> Callable[[Mapping[str, Any], Context], Connector]:
    """The connector registered under `name`. Raises ConfigError when there is none."""
    points = _installed(tuple(sys.path))
    for point in points:
        if point.name == name:
            loaded: Callable[[Mapping[str, Any], Context], Connector] = point.load()
            return loaded
    known = ", ".join(sorted(p.name for p in points))
    raise ConfigError(f"there is no connector called {name!r}", hint=f"there are {known}")


@lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> EntryPoints:  # noqa: ARG001 - what is installed depends on it
    """Every connector there is. Finding out opens a file of each package that is installed, so it is done once."""
    return entry_points(group="headway.connectors")
