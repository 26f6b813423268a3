"""OpenLineage's own JSON schema, from a checkout that HEADWAY_OPENLINEAGE_SCHEMA names; in no package, and not ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

VARIABLE = "HEADWAY_OPENLINEAGE_SCHEMA"
EVENTS = {"run": "RunEvent", "job": "JobEvent", "dataset": "DatasetEvent"}
GROUPS = ("facets", "inputFacets", "outputFacets")


class Official:
    """Validates events and their facets; facets whose schema the checkout lacks are counted in `unknown`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.unknown: set[str] = set()
        self.known: set[str] = set()
        self._registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]

    @staticmethod
    def given() -> Official:
        """The one that the environment names; skips the test where it names none."""
        folder = Path(os.environ.get(VARIABLE, ""))
        if not os.environ.get(VARIABLE) or not (folder / "OpenLineage.json").is_file():
            pytest.skip(f"{VARIABLE} names no folder with OpenLineage.json: `spec` of a checkout of OpenLineage")
        return Official(folder)

    def _retrieve(self, uri: str) -> Resource[Any]:
        name = uri.rpartition("/")[2]
        for file in (self._folder / name, self._folder / "facets" / name):
            if file.is_file():
                return Resource.from_contents(json.loads(file.read_text()), default_specification=DRAFT202012)
        stem = name.removesuffix(".json")
        return Resource.from_contents({"$defs": {stem: {}}}, default_specification=DRAFT202012)

    def check(self, lines: Iterable[str]) -> None:
        """Every event by the definition of its kind, and every facet by the definition that its address names."""
        for line in lines:
            event = json.loads(line)
            kind = next(name for part, name in EVENTS.items() if part in event)
            self._valid(event, f"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/{kind}")
            for facet in _facets(event):
                self._facet(facet)

    def _facet(self, facet: Mapping[str, Any]) -> None:
        address = str(facet["_schemaURL"])
        name = address.rpartition("/")[2]
        if (self._folder / "facets" / f"{name}.json").is_file():
            self.known.add(name)
            self._valid(facet, address)
        else:
            self.unknown.add(name)

    def _valid(self, value: Any, address: str) -> None:
        schema = {"$ref": address}
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FormatChecker())
        assert [f"{e.json_path}: {e.message}" for e in validator.iter_errors(value)] == [], address


def _facets(value: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _facets(one)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in GROUPS and isinstance(inner, dict):
                yield from inner.values()
            elif name in {"run", "job", "dataset", "inputs", "outputs"}:
                yield from _facets(inner)
