"""What `catalogs: {datahub: ...}` in headway.yml may say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headway.config import Option
from headway.errors import ConfigError

TOKEN = "DATAHUB_GMS_TOKEN"  # noqa: S105 - the name of a variable
SERVER = "DATAHUB_GMS_URL"

OPTIONS: tuple[Option, ...] = (
    Option("server", str, "", help="where the metadata service (GMS) is: https://datahub.example.com/gms", env=SERVER),
    Option("token", str, help="access token; none where the service asks for none", env=TOKEN, secret=True),
    Option("as", str, "glossary", help="what a goal is there: glossary, tags or domains"),
    Option("group", str, "Company goals", help="name of the term group, or of the domain above all others"),
    Option("prefix", str, "headway", help="what ids of terms, tags, domains and properties begin with"),
    Option("key_results", bool, True, help="assets get the terms or tags of key results, too, not only of objectives"),
    Option("urns", str, "", help="tables of dbt, warehouse or both; dbt without a platform, both with one"),
    Option("platform", str, "", help="the warehouse as DataHub calls it: snowflake, bigquery, postgres, ..."),
    Option("platform_instance", str, "", help="the warehouse's instance, where its recipe names one"),
    Option("instances", dict, {}, help="instances of dbt and BI tools, by platform: {dbt: core, superset: main}"),
    Option("env", str, "PROD", help="environment of the datasets, as in their recipes"),
    Option("lowercase", bool, True, help="names of tables are lower case there, as the recipes of dbt make them"),
)

_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, checked."""

    server: str = ""
    kind: Literal["glossary", "tags", "domains"] = "glossary"
    group: str = "Company goals"
    prefix: str = "headway"
    key_results: bool = True
    of_dbt: bool = True
    of_warehouse: bool = False
    platform: str = ""
    platform_instance: str = ""
    instances: Mapping[str, str]
    env: str = "PROD"
    lowercase: bool = True

    @staticmethod
    def of(options: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
        """Read the options. Raises ConfigError for what is unknown or cannot be."""
        said = _checked(options)
        kind, urns, platform = said["as"], said["urns"], said["platform"]
        if kind not in {"glossary", "tags", "domains"}:
            raise ConfigError(f"as: {kind!r} is none of glossary, tags and domains", hint="below catalogs.datahub")
        urns = urns or ("both" if platform else "dbt")
        if urns not in {"dbt", "warehouse", "both"}:
            raise ConfigError(f"urns: {urns!r} is none of dbt, warehouse and both", hint="below catalogs.datahub")
        if urns != "dbt" and not platform:
            hint = "platform: snowflake, below catalogs.datahub"
            raise ConfigError("tables of the warehouse need its name in DataHub", hint=hint)
        instances = said["instances"]
        words = {"prefix": said["prefix"], "env": said["env"], "platform": platform or "x"}
        words |= {f"instances.{key}": value for key, value in instances.items()}
        words |= {"platform_instance": said["platform_instance"] or "x"}
        for name, word in words.items():
            if not isinstance(word, str) or not _WORD.fullmatch(word):
                raise ConfigError(f"catalogs.datahub.{name} is no name", hint="letters, digits, . _ and -")
        return Settings(
            server=said["server"] or environment.get(SERVER, "").strip(),
            kind=kind,
            group=said["group"].strip() or "Company goals",
            prefix=said["prefix"],
            key_results=said["key_results"],
            of_dbt=urns != "warehouse",
            of_warehouse=urns != "dbt",
            platform=platform,
            platform_instance=said["platform_instance"],
            instances=instances,
            env=said["env"],
            lowercase=said["lowercase"],
        )


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option with its value or its default; types as declared."""
    known = {option.name: option for option in OPTIONS}
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
            raise ConfigError(f"catalogs.datahub has no option {str(name)[:60]!r}", hint=hint)
        if known[name].secret:
            raise ConfigError(f"catalogs.datahub.{name} does not stand in a file", hint=f"it comes from {TOKEN}")
        if value is not None and not isinstance(value, known[name].type):
            wanted = {str: "a text", bool: "true or false", dict: "a mapping"}[known[name].type]
            raise ConfigError(f"catalogs.datahub.{name} must be {wanted}")
    return {
        name: option.default if options.get(name) is None else options[name]
        for name, option in known.items()
        if not option.secret
    }
