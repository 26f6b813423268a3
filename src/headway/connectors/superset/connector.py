"""The connector `superset`: dashboards, charts and datasets of Apache Superset, and who opens them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import content
from headway.connectors.protocol import Context
from headway.connectors.superset import export
from headway.connectors.superset.stock import NAME
from headway.errors import ConfigError
from headway.graph.model import AnyRecord


class Superset:
    """Reads an export of Superset: a folder, or a zip as its export button gives it.

    Yields nodes of kinds dashboard, chart and dataset, what they read, and which columns of it; then gaps. Raises
    ConfigError for options that cannot be, InputError for an export that cannot be used, MissingExtra without the
    extra `bi`.
    """

    name: ClassVar[str] = NAME
    options: ClassVar[tuple[Option, ...]] = (
        Option("export", list, required=True, help="a zip or folder that Superset exported, or a list of them"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        known = {option.name for option in self.options}
        for name in options:
            if name not in known:
                raise ConfigError(
                    f"{NAME} has no option {str(name)[:60]!r}", hint=f"there are {', '.join(sorted(known))}"
                )
        self._export = _paths(options.get("export"))

    def records(self) -> Iterator[AnyRecord]:
        """What the export holds, then gaps."""
        exports = [self._located(text) for text in self._export]
        stock = export.read(exports, self._context.progress)
        yield from content.records(NAME, NAME, stock.items())
        yield from stock.gaps

    def _located(self, text: str) -> tuple[Path, str]:
        path = Path(self._context.root, text)
        shown = os.path.relpath(path, self._context.root) if "\0" not in text else text
        return path, text if shown.startswith(os.pardir) else shown


def _paths(given: Any) -> list[str]:
    paths = [given] if isinstance(given, str) else given
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) and path for path in paths):
        raise ConfigError(f"option export of {NAME} is not a file or folder", hint="export: superset/export.zip")
    return paths
