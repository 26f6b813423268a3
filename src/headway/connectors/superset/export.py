"""A Superset from its export: one YAML file per dashboard, chart, dataset and database. Keys are uuids."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headway.connectors.protocol import Progress, silent
from headway.connectors.superset import archive, document
from headway.connectors.superset.database import Database
from headway.connectors.superset.stock import Chart, Dashboard, Dataset, Stock, expressions
from headway.errors import InputError, Place, Problem

_KINDS = {
    "dashboards": "dashboard_title",
    "charts": "slice_name",
    "datasets": "table_name",
    "databases": "database_name",
}
"""Folder of an export -> what names the things in it."""
_MOST_EXAMPLES = 3


def read(exports: list[tuple[Path, str]], progress: Progress) -> Stock:
    """What the exports, each with the name to show, hold together. Of the same uuid the first counts.

    A file that cannot be used becomes part of one gap. Raises InputError when an export cannot be read, or has no
    file that can be used; MissingExtra without a YAML parser.
    """
    stock = Stock()
    for path, shown in exports:
        _Reading(stock, shown).all(archive.files(path, shown), progress)
    used = {dataset.database for dataset in stock.datasets.values()} - set(stock.databases) - {""}
    if used:
        number = sum(dataset.database in used for dataset in stock.datasets.values())
        stock.missing(
            f"the export lacks {_number(len(used), 'database')} of {_number(number, 'dataset')}: "
            "names of tables there are taken as written, and SQL as standard SQL",
            hint="export the databases too",
        )
    return stock


def taken(files: Iterable[tuple[str, bytes | InputError]], shown: str) -> Stock:
    """What the files of one export hold, which `shown` is the name of. Raises as `read` does."""
    stock = Stock()
    _Reading(stock, shown).all(files, silent)
    return stock


class _Reading:
    """Takes the files of one export in."""

    def __init__(self, stock: Stock, shown: str) -> None:
        self._stock = stock
        self._shown = shown
        self._bad: list[Problem] = []

    def all(self, files: Iterable[tuple[str, bytes | InputError]], progress: Progress) -> None:
        """Every file. Raises InputError when there is none that can be used."""
        used = 0
        for number, (name, content) in enumerate(files):
            kind = next((part for part in name.split("/")[:-1] if part in _KINDS), "")
            if not kind:
                continue
            if number % 100 == 0:
                progress(f"reading {self._shown}", number, 0)
            shown = f"{self._shown}/{name}"
            try:
                if isinstance(content, InputError):
                    raise content
                self._take(kind, document.parsed(content, shown), shown)
                used += 1
            except InputError as error:
                self._bad.append(Problem(error.message, error.place or Place(shown), error.hint))
        if not used:
            if self._bad:
                first = self._bad[0]
                raise InputError(f"holds no file that can be used; the first is {first}", place=Place(self._shown))
            raise InputError(
                "holds no dashboards, charts or datasets of Superset",
                place=Place(self._shown),
                hint="give the zip that its export gives, or the folder that it was unpacked to",
            )
        if self._bad:
            examples = "; ".join(map(str, self._bad[:_MOST_EXAMPLES]))
            message = f"{_number(len(self._bad), 'file')} of the export cannot be used: {examples}"
            self._stock.missing(message, file=self._shown)

    def _take(self, kind: str, content: Any, shown: str) -> None:
        place = Place(shown)
        if not isinstance(content, Mapping):
            raise InputError("is not what Superset exports: there is no mapping in it", place=place)
        key, title = _text(content, "uuid"), _text(content, _KINDS[kind])
        if not key or not title:
            raise InputError(f"has no {'uuid' if not key else _KINDS[kind]}", place=place)
        if kind == "databases":
            database = Database.of(key, title, uri=_text(content, "sqlalchemy_uri"))
            self._stock.databases.setdefault(key, database)
        elif kind == "datasets":
            self._stock.datasets.setdefault(key, _dataset(content, key, title, shown))
        elif kind == "charts":
            self._stock.charts.setdefault(key, _chart(content, key, title, shown))
        else:
            self._stock.dashboards.setdefault(key, _dashboard(content, key, title, shown))


def _dataset(content: Mapping[str, Any], key: str, title: str, shown: str) -> Dataset:
    columns = list(expressions(content.get("columns"), "column_name"))
    return Dataset(
        key=key,
        title=title,
        database=_text(content, "database_uuid"),
        catalog=_text(content, "catalog"),
        schema=_text(content, "schema"),
        sql=_text(content, "sql"),
        columns=tuple(name for name, expression in columns if not expression) or None,
        calculated={name: expression for name, expression in columns if expression},
        metrics={name: text for name, text in expressions(content.get("metrics"), "metric_name") if text},
        description=_text(content, "description"),
        file=shown,
    )


def _chart(content: Mapping[str, Any], key: str, title: str, shown: str) -> Chart:
    return Chart(
        key=key,
        title=title,
        dataset=_text(content, "dataset_uuid"),
        form=settings(content.get("params")),
        description=_text(content, "description"),
        tags=_tags(content),
        file=shown,
    )


def _dashboard(content: Mapping[str, Any], key: str, title: str, shown: str) -> Dashboard:
    return Dashboard(
        key=key,
        title=title,
        slug=_text(content, "slug"),
        charts=tuple(dict.fromkeys(_charts(settings(content.get("position"))))),
        datasets=tuple(dict.fromkeys(filtered(settings(content.get("metadata")), "datasetUuid"))),
        description=_text(content, "description"),
        tags=_tags(content) + (("draft",) if content.get("published") is False else ()),
        file=shown,
    )


def settings(value: Any) -> Mapping[str, Any]:
    """A mapping, or the one that is written as JSON in a text; empty for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _charts(position: Mapping[str, Any]) -> Iterator[str]:
    """Keys of the charts in a dashboard's layout."""
    for part in position.values():
        if isinstance(part, Mapping) and part.get("type") == "CHART":
            meta = part.get("meta")
            if isinstance(meta, Mapping) and (key := _text(meta, "uuid")):
                yield key


def filtered(metadata: Mapping[str, Any], name: str) -> Iterator[str]:
    """Keys, which `name` holds, of the datasets whose values a dashboard's filters list."""
    filters = metadata.get("native_filter_configuration")
    for one in filters if isinstance(filters, list) else ():
        targets = one.get("targets") if isinstance(one, Mapping) else ()
        for target in targets if isinstance(targets, list) else ():
            if isinstance(target, Mapping) and (key := _text(target, name)):
                yield key


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tags(content: Mapping[str, Any]) -> tuple[str, ...]:
    tags = content.get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _text(content: Mapping[str, Any], name: str) -> str:
    """A value as text without blanks around it; numbers too, for a table may be called 2024. '' for anything else."""
    value = content.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
