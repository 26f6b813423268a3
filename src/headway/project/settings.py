"""headway.yml: reading it, and what is assumed without one.

project: lumaloop
dbt: {target: target}                # folder with manifest.json, or manifest: PATH; false: there is no dbt
columns: true                        # follow columns through the SQL (at a sync, where sqlglot is installed)
goals: goals.yml                     # a file or a folder; or a list of places, of which the first counts most:
#  [goals.yml, {name: asana, workspace: "1200"}, {name: goals_csv, path: okrs.csv}]
observations:
  - {path: usage.csv, covers: "kind:model kind:dashboard"}
write_back: {asana: {}, monday: {column: numbers_9}, csv: {path: values.csv}}   # where current values go
catalogs: {datahub: {server: "https://datahub.example.com/gms"}}   # data catalogs that are told of the goals
links: links.yml                     # what people decided about links, if it is called otherwise
owners: {codeowners: CODEOWNERS, models/finance/: finance-team}
policy: {usage_window_days: 90}
protected: ["tag:regulatory"]
layers: {staging: models/staging, marts: [models/marts, models/reporting]}   # where the Map draws models
gates:                               # what headway check fails on, instead of the shipped gates
  - {question: new-assets, level: error, limit: 0, select: "path:models/marts"}
prices:                              # of one credit, byte that is read, second, byte that is stored for 30 days
  credits: {amount: 3.0, unit: EUR}
  bytes: {amount: 6.25e-12, unit: EUR}
  storage: {amount: 2.1e-11, unit: EUR}
serve: {auth: [oidc], ...}           # who may see the pages, and what they may do: docs/serve.md
slack: {channel: C012AB3CD, ...}     # where the digest and notices go: docs/slack.md
email: {from: headway@example.com, host: smtp.example.com, address: data@example.com}
store: postgresql://...              # default: SQLite in .headway/
warehouse: {profiles_dir: ., target: prod}
as_of: 2026-11-22                    # for examples whose data has an end; default: today
connectors:                          # any other connector, by name
  - {name: superset, url: "https://bi.example.com"}
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headway.config import Config, Gate, Policy, Price, Serve, Source
from headway.errors import ConfigError, Place
from headway.project import message_settings, serve_settings

FILE = "headway.yml"

LAYERS = ("staging", "intermediate", "marts")
"""Layers of models, bottom to top."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load(directory: Path, environment: Mapping[str, str]) -> Config:
    """The configuration of the project in `directory`; defaults where there is no headway.yml.

    Raises ConfigError naming file and line for anything that cannot be.
    """
    path = directory / FILE
    if not path.is_file():
        if not directory.is_dir():
            raise ConfigError(f"there is no folder {directory}", hint="--project-dir names the dbt project")
        return _default(directory)
    reader = _Reader(path, environment)
    return reader.config(directory)


def _default(directory: Path) -> Config:
    sources = [Source("dbt", {}), *_columns({}, None)]
    if (directory / "goals.yml").exists() or (directory / "goals").is_dir():
        sources.append(Source("goals", {}))
    if (directory / "links.yml").exists():
        sources.append(Source("links", {}))
    return Config(root=str(directory.resolve()), sources=tuple(sources))


def _columns(dbt: Mapping[str, Any], said: Any) -> list[Source]:
    """Columns are followed through the SQL where that can be parsed, unless the file says `columns: false`."""
    if said is False or (said is None and find_spec("sqlglot") is None):
        return []
    where = {key: dbt[key] for key in ("target", "manifest") if key in dbt}
    return [Source("columns", {**where, **(said if isinstance(said, Mapping) else {})})]


@dataclass
class _Reader:
    """Reads one headway.yml; every complaint says where."""

    path: Path
    environment: Mapping[str, str]

    def config(self, directory: Path) -> Config:
        said = self._mapping(self._parse(), "headway.yml")
        parts: dict[str, Callable[[Any], Any]] = {
            "project": str,
            "dbt": lambda v: v if v is False else self._mapping(v, "dbt"),
            "columns": lambda v: v if isinstance(v, bool) else self._mapping(v, "columns"),
            "goals": self._goals,
            "write_back": lambda v: self._options(v, "write_back"),
            "catalogs": lambda v: self._options(v, "catalogs"),
            "links": lambda v: {"path": v} if isinstance(v, str) else self._mapping(v, "links"),
            "observations": self._observations,
            "owners": lambda v: self._mapping(v, "owners"),
            "policy": self._policy,
            "protected": lambda v: tuple(self._texts(v, "protected")),
            "prices": self._prices,
            "layers": self._layers,
            "gates": self._gates,
            "serve": lambda v: serve_settings.read(self._mapping(v, "serve"), self._place),
            "slack": lambda v: message_settings.slack(self._mapping(v, "slack"), self._place),
            "email": lambda v: message_settings.email(self._mapping(v, "email"), self._place),
            "store": str,
            "warehouse": lambda v: self._mapping(v, "warehouse"),
            "as_of": self._day,
            "connectors": self._connectors,
        }
        self._known_keys(said, parts, "")
        read = {key: parts[key](self._expand(value, key)) for key, value in said.items() if value is not None}
        owners = dict(read.get("owners", {}))
        without = read.get("dbt") is False
        dbt = {} if without else dict(read.get("dbt", {}))
        if without:
            self._needs_no_dbt(said)
        if "codeowners" in owners:
            dbt["codeowners"] = owners.pop("codeowners")
        if owners:
            dbt["owners"] = owners
        sources = [] if without else [Source("dbt", dbt), *_columns(dbt, read.get("columns"))]
        if "goals" in read:
            sources += read["goals"]
        else:
            sources += [s for s in _default(directory).sources if s.connector == "goals"]
        if "links" in read:
            sources.append(Source("links", read["links"]))
        else:
            sources += [s for s in _default(directory).sources if s.connector == "links"]
        warehouse = read.get("warehouse", {})
        return Config(
            root=str(directory.resolve()),
            project=read.get("project", ""),
            sources=(*sources, *read.get("observations", ()), *read.get("connectors", ())),
            goal_order=tuple(dict.fromkeys(source.connector for source in read.get("goals", ()))),
            write_back=read.get("write_back", {}),
            catalogs=read.get("catalogs", {}),
            store_url=read.get("store", ""),
            policy=read.get("policy", Policy()),
            protected=read.get("protected", ()),
            prices=read.get("prices", {}),
            layers=read.get("layers", {}),
            gates=read.get("gates"),
            serve=read.get("serve", Serve()),
            slack=read.get("slack"),
            email=read.get("email"),
            profiles_dir=str(warehouse.get("profiles_dir", "")),
            target=str(warehouse.get("target", "")),
            as_of=read.get("as_of"),
        )

    def _needs_no_dbt(self, said: Mapping[str, Any]) -> None:
        """Refuse what can only be said of a dbt project where there is none."""
        for key in ("columns", "owners", "warehouse"):
            if said.get(key):
                message = f"{key} is about a dbt project, and dbt: false says that there is none"
                raise ConfigError(message, hint=f"leave out {key}, or dbt: false", place=self._place(said, key))

    def _parse(self) -> Any:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            return YAML(typ="rt").load(self.path.read_text(encoding="utf-8")) or {}
        except UnicodeDecodeError as error:
            raise ConfigError(f"not UTF-8 text at byte {error.start}", place=Place(str(self.path))) from None
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", place=Place(str(self.path))) from None
        except MarkedYAMLError as error:
            mark = error.problem_mark
            place = Place(str(self.path), mark.line + 1, mark.column + 1) if mark else Place(str(self.path))
            raise ConfigError(f"this is not valid YAML: {error.problem}", place=place) from None
        except (YAMLError, RecursionError, ValueError) as error:
            raise ConfigError(f"this is not valid YAML: {error}", place=Place(str(self.path))) from None

    def _place(self, node: Any, key: str = "") -> Place:
        try:
            line, column = node.lc.key(key) if key else (node.lc.line, node.lc.col)
        except (AttributeError, KeyError, TypeError):
            return Place(str(self.path))
        return Place(str(self.path), line + 1, column + 1)

    def _known_keys(self, said: Mapping[str, Any], known: Mapping[str, Any], under: str) -> None:
        for key in said:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(known))}"
                raise ConfigError(f"unknown key {under}{key}", hint=hint, place=self._place(said, key))

    def _mapping(self, value: Any, name: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            found = type(value).__name__.removeprefix("Commented").removeprefix("Scalar").lower()
            raise ConfigError(f"{name} must be a mapping, found {found}", place=self._place(value))
        return value

    def _day(self, value: Any) -> date:
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            message = f"as_of must be a day such as 2026-11-22, found {str(value)!r}"
            raise ConfigError(message, place=Place(str(self.path))) from None

    def _texts(self, value: Any, name: str) -> list[str]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(v, str) for v in items):
            raise ConfigError(f"{name} must be a list of texts", place=self._place(value))
        return items

    def _layers(self, value: Any) -> dict[str, tuple[str, ...]]:
        said = self._mapping(value, "layers")
        self._known_keys(said, dict.fromkeys(LAYERS), "layers.")
        return {key: tuple(self._texts(given, f"layers.{key}")) for key, given in said.items()}

    def _observations(self, value: Any) -> tuple[Source, ...]:
        items = value if isinstance(value, list) else [value]
        items = [{"path": v} if isinstance(v, str) else v for v in items]
        return tuple(Source("observations", dict(self._mapping(v, "each of observations"))) for v in items)

    def _goals(self, value: Any) -> tuple[Source, ...]:
        """Where goals are, in the order of what counts: paths of goals files, or connectors by name."""
        found = []
        for item in value if isinstance(value, list) else [value]:
            options = {"path": item} if isinstance(item, str) else dict(self._mapping(item, "goals"))
            name = options.pop("name", "goals")
            if not isinstance(name, str):
                raise ConfigError("the name of a place of goals is that of a connector", place=self._place(item))
            found.append(Source(name, options))
        return tuple(found)

    def _options(self, value: Any, name: str) -> dict[str, Mapping[str, Any]]:
        """Sinks by name, with their options."""
        said = self._mapping(value, name)
        return {str(key): dict(self._mapping(given or {}, f"{name}.{key}")) for key, given in said.items()}

    def _connectors(self, value: Any) -> tuple[Source, ...]:
        found = []
        for item in value if isinstance(value, list) else [value]:
            options = dict(self._mapping(item, "each of connectors"))
            if not isinstance(options.get("name"), str):
                raise ConfigError("each of connectors needs a name", place=self._place(item))
            found.append(Source(options.pop("name"), options))
        return tuple(found)

    def _policy(self, value: Any) -> Policy:
        said = self._mapping(value, "policy")
        defaults = Policy()
        self._known_keys(said, {f.name: f for f in fields(Policy)}, "policy.")
        read: dict[str, Any] = {}
        for key, given in said.items():
            default = getattr(defaults, key)
            if isinstance(default, tuple):
                read[key] = tuple(self._texts(given, f"policy.{key}"))
            elif isinstance(given, bool) or not isinstance(given, (int, float)):
                raise ConfigError(f"policy.{key} must be a number", place=self._place(said, key))
            elif isinstance(default, int) and (given < 0 or given != int(given)):
                message = f"policy.{key} must be a whole number of at least 0"
                raise ConfigError(message, place=self._place(said, key))
            else:
                read[key] = type(default)(given)
        return Policy(**read)

    def _gates(self, value: Any) -> tuple[Gate, ...]:
        if not isinstance(value, list):
            raise ConfigError(
                "gates must be a list of mappings such as {question: new-assets}", place=self._place(value)
            )
        return tuple(self._gate(self._mapping(item, "each of gates")) for item in value)

    def _gate(self, said: Mapping[str, Any]) -> Gate:
        self._known_keys(said, {f.name: f for f in fields(Gate)}, "gates.")
        texts = {}
        for key in ("question", "name", "level", "select"):
            if key in said:
                if not isinstance(said[key], str) or not said[key]:
                    raise ConfigError(f"gates.{key} must be a text", place=self._place(said, key))
                texts[key] = str(said[key])
        if "question" not in texts:
            raise ConfigError("each of gates needs a question", place=self._place(said))
        if texts.get("level", "error") not in {"error", "warn"}:
            raise ConfigError("gates.level must be error or warn", place=self._place(said, "level"))
        limit = said.get("limit", 0)
        if type(limit) is not int or limit < 0:
            raise ConfigError("gates.limit must be a whole number of at least 0", place=self._place(said, "limit"))
        parameters = dict(self._mapping(said.get("parameters") or {}, "gates.parameters"))
        return Gate(limit=limit, parameters=parameters, **texts)  # type: ignore[arg-type]

    def _prices(self, value: Any) -> dict[str, Price]:
        said = self._mapping(value, "prices")
        found: dict[str, Price] = {}
        for key, given in said.items():
            name = f"prices.{key}"
            place = self._place(said, key)
            if not isinstance(given, Mapping):
                raise ConfigError(f"{name} must be a mapping such as {{amount: 3.0, unit: EUR}}", place=place)
            self._known_keys(given, {f.name: f for f in fields(Price)}, f"{name}.")
            amount, unit = given.get("amount"), given.get("unit")
            if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 < amount < math.inf:
                raise ConfigError(f"{name}.amount must be a number above 0", place=place)
            if not isinstance(unit, str) or not unit.strip():
                raise ConfigError(f"{name}.unit must be what the amount is in, such as EUR", place=place)
            found[str(key)] = Price(float(amount), unit.strip())
        for key, price in found.items():
            if price.unit in found:
                message = f"prices.{key} is in {price.unit}, which has a price itself: give it in money"
                raise ConfigError(message, place=self._place(said, key))
        return found

    def _expand(self, value: Any, key: str) -> Any:
        """Replace `${NAME}` by the environment's value, so that no secret needs to stand in the file."""
        if isinstance(value, str):
            return _VARIABLE.sub(lambda m: self._variable(m[1], key), value)
        if isinstance(value, dict):
            for k, v in value.items():
                value[k] = self._expand(v, k)
        elif isinstance(value, list):
            for i, v in enumerate(value):
                value[i] = self._expand(v, key)
        return value

    def _variable(self, name: str, key: str) -> str:
        if name not in self.environment:
            message = f"{key} names the environment variable {name}, which is not set"
            raise ConfigError(message, place=Place(str(self.path)))
        return self.environment[name]


def store_url(config: Config) -> str:
    """URL of the project's store: the configured one, or SQLite in `.headway/`."""
    if config.store_url:
        return config.store_url
    return "sqlite:///" + os.path.join(config.root, ".headway", "headway.db")  # noqa: PTH118 - a URL, not a path
