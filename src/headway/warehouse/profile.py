"""Where the warehouse is: read from the dbt profile that the project already has, never from a file of Headway's own.

A profile is found where dbt finds it. Of Jinja only `env_var` is rendered, with the filters that profiles need; the
rest is refused, because a profile is data and nothing in it should be able to run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from headway.errors import ConfigError, Place

MAX_BYTES = 4_000_000
MAX_VALUES = 10_000
MAX_DEPTH = 30
SECRET_PREFIX = "DBT_ENV_SECRET"  # noqa: S105  (the name of a variable)
_SECRET_KEY = re.compile(r"pass|secret|token|credential|private|keyfile|api_?key|access_?key|\bkey\b", re.IGNORECASE)
_REMOTE_DUCKDB = re.compile(r"(:memory:|[a-z0-9_+.]{2,}:)", re.IGNORECASE)


@dataclass(frozen=True)
class Profile:
    """One target of a dbt profile, rendered. `settings` holds secrets and is never shown."""

    adapter: str
    """dbt's adapter type: duckdb, postgres, snowflake, ..."""
    target: str
    database: str
    schema: str
    settings: Mapping[str, Any] = field(repr=False, default_factory=dict)
    secrets: frozenset[str] = field(repr=False, default=frozenset())
    """Values that must not occur in any message."""

    def scrub(self, text: str) -> str:
        """The text with every secret of this profile replaced by `***`, also where it is URL-encoded."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            for form in {secret, quote(secret, safe=""), quote(secret)}:
                if len(form) > 3:
                    text = text.replace(form, "***")
                else:  # a very short secret is only taken out where it stands alone
                    text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "***", text)
        return re.sub(r"(?i)\b((?:password|token|secret)\s*=\s*)[^\s;&'\"]+", r"\1***", text)


def load_profile(
    project_dir: Path,
    *,
    profiles_dir: str = "",
    target: str = "",
    environment: Mapping[str, str] | None = None,
    working_directory: Path | None = None,
    home: Path | None = None,
) -> Profile:
    """The profile that dbt would use for the project in `project_dir`.

    Looked for in `profiles_dir`, `DBT_PROFILES_DIR`, the working directory, the project directory and `~/.dbt`, in that
    order; the first two are taken at their word. The target is `target`, `DBT_TARGET`, the profile's own, or `default`.
    A relative DuckDB path is relative to the working directory, as for dbt, and else to the project directory.

    Raises ConfigError, with the file, when there is no profile, no such target, a variable is not set, or the YAML is
    broken.
    """
    environment = os.environ if environment is None else environment
    working_directory = working_directory or Path.cwd()
    project_file = project_dir / "dbt_project.yml"
    project = _mapping(project_file, "a dbt project")
    render = _Renderer(environment, project_file)
    name = environment.get("DBT_PROFILE") or render.text(project.get("profile"))
    if not name:
        raise ConfigError("the project names no profile", hint="add `profile: <name>`", place=Place(str(project_file)))

    asked = profiles_dir or environment.get("DBT_PROFILES_DIR", "")
    places = [Path(asked)] if asked else [working_directory, project_dir, (home or Path.home()) / ".dbt"]
    file = next((p / "profiles.yml" for p in places if (p / "profiles.yml").is_file()), None)
    if file is None:
        raise ConfigError(
            f"there is no profiles.yml with the profile {name!r}",
            hint="looked in " + ", ".join(str(p) for p in dict.fromkeys(places)),
            place=Place(str(project_file)),
        )
    return _target(file, name, target, environment, [working_directory, project_dir])


def _target(file: Path, name: str, asked: str, environment: Mapping[str, str], bases: list[Path]) -> Profile:
    profiles = _mapping(file, "dbt profiles")
    place = Place(str(file))
    if name not in profiles:
        known = ", ".join(sorted(str(k) for k in profiles if k != "config")) or "none"
        raise ConfigError(f"there is no profile called {name!r}", hint=f"profiles here: {known}", place=place)
    profile = profiles[name]
    render = _Renderer(environment, file)
    if not isinstance(profile, dict) or not isinstance(outputs := profile.get("outputs"), dict) or not outputs:
        raise ConfigError(
            f"profile {name!r} has no `outputs:`", hint="each target stands below `outputs:`", place=place
        )
    target = asked or environment.get("DBT_TARGET", "") or render.text(profile.get("target")) or "default"
    if target not in outputs:
        known = ", ".join(sorted(str(k) for k in outputs))
        raise ConfigError(f"profile {name!r} has no target {target!r}", hint=f"targets: {known}", place=place)
    settings = render.tree(outputs[target])
    if not isinstance(settings, dict) or not isinstance(adapter := settings.get("type"), str) or not adapter:
        raise ConfigError(f"target {target!r} of profile {name!r} has no `type:`", hint="such as duckdb", place=place)
    if adapter == "duckdb":
        settings["path"] = _duckdb_path(settings.get("path"), bases, place)
    database = next((str(settings[k]) for k in ("database", "dbname", "catalog", "project") if settings.get(k)), "")
    schema = next((str(settings[k]) for k in ("schema", "dataset") if settings.get(k)), "")
    secrets = render.secrets | frozenset(_secret_values(settings))
    return Profile(adapter, target, database, schema, settings, secrets)


def _duckdb_path(path: Any, bases: list[Path], place: Place) -> str:
    """Absolute path of a database file; remote and attached forms (`md:...`) as written."""
    if path is None or path == ":memory:":
        raise ConfigError(
            "this DuckDB target lives in memory, so nothing is left to evaluate after dbt ends",
            hint="give it a `path:`",
            place=place,
        )
    if not isinstance(path, str):
        raise ConfigError(f"`path` of a DuckDB target must be text, not {type(path).__name__}", place=place)
    if _REMOTE_DUCKDB.match(path):
        return path
    candidates = [base / Path(path).expanduser() for base in bases]
    return str(next((c for c in candidates if c.exists()), candidates[-1]).absolute())


def _secret_values(value: Any, secret: bool = False) -> set[str]:
    """Every text below a key that sounds like a secret."""
    if isinstance(value, dict):
        return {s for k, v in value.items() for s in _secret_values(v, secret or bool(_SECRET_KEY.search(str(k))))}
    if isinstance(value, list):
        return {s for v in value for s in _secret_values(v, secret)}
    return {str(value)} if secret and isinstance(value, str | int) and str(value) else set()


def _mapping(file: Path, what: str) -> dict[Any, Any]:
    """The YAML file as a mapping; ConfigError in one sentence for whatever else it is."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    place = Place(str(file))
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(f"this file is larger than {MAX_BYTES:,} bytes, so it is not {what}", place=place)
        found = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"there is no {file.name}, so there is not {what} here", place=place) from None
    except OSError as error:
        raise ConfigError(f"this file cannot be read: {error.strerror}", place=place) from None
    except UnicodeDecodeError:
        raise ConfigError(f"this file is not UTF-8 text, so it is not {what}", place=place) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = Place(str(file), mark.line + 1, mark.column + 1) if mark else place
        raise ConfigError(f"this is not YAML: {error.problem or 'it ends early'}", place=where) from None
    except (YAMLError, RecursionError, ValueError) as error:
        detail = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise ConfigError(f"this is not YAML: {detail}", place=place) from None
    if not isinstance(found, dict):
        raise ConfigError(f"this file is not {what}: a mapping is expected at its top", place=place)
    return found


_JINJA = re.compile(r"\{\{(.*?)\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LITERAL = r"""'([^'\\]*)'|"([^"\\]*)\""""
_ENV_VAR = re.compile(
    rf"\s*-?\s*env_var\(\s*(?:{_LITERAL})\s*(?:,\s*(?:{_LITERAL}|(-?\d+(?:\.\d+)?|[Tt]rue|[Ff]alse)))?\s*,?\s*\)"
    r"\s*(?:\|\s*(int|as_number|as_text)\s*(?:\(\s*\))?)?\s*-?\s*"
)


class _Renderer:
    """Renders `{{ env_var('X') }}` and `{{ env_var('X', 'default') | filter }}`, and refuses any other Jinja."""

    def __init__(self, environment: Mapping[str, str], file: Path) -> None:
        self._environment = environment
        self._place = Place(str(file))
        self._budget = MAX_VALUES
        self.secrets: frozenset[str] = frozenset()

    def text(self, value: Any) -> str:
        """The value as text; '' for none."""
        return "" if value is None else str(self.tree(value))

    def tree(self, value: Any, depth: int = 0) -> Any:
        """A copy with every text rendered. Aliases can make a small file endless, so depth and size are bounded."""
        self._budget -= 1
        if depth > MAX_DEPTH or self._budget < 0:
            raise ConfigError("the values here are nested too deeply, or too many", place=self._place)
        if isinstance(value, dict):
            return {str(k): self.tree(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self.tree(v, depth + 1) for v in value]
        return self._render(value) if isinstance(value, str) else value

    def _render(self, text: str) -> Any:
        whole = _JINJA.fullmatch(text.strip())
        if whole and text.strip().count("{{") == 1:
            return self._value(whole)
        return _JINJA.sub(lambda match: str(self._value(match)), text)

    def _value(self, match: re.Match[str]) -> str | int | float:
        call = _ENV_VAR.fullmatch(match[1] or "")
        if call is None:
            raise ConfigError(
                f"only env_var is rendered here, not {match[0]!r}",
                hint="{{ env_var('NAME', 'default') }}, with | int, | as_number or | as_text",
                place=self._place,
            )
        name = call[1] if call[1] is not None else call[2]
        default = next((g for g in call.group(3, 4, 5) if g is not None), None)
        value = self._environment.get(name, default)
        if value is None:
            raise ConfigError(
                f"the environment variable {name} is not set",
                hint="set it, or give env_var a default",
                place=self._place,
            )
        if name.startswith(SECRET_PREFIX) and value:
            self.secrets |= {value}
        return value if call[6] in {None, "as_text"} else self._number(name, value, whole=call[6] == "int")

    def _number(self, name: str, value: str, *, whole: bool) -> int | float:
        try:
            return int(value) if whole or re.fullmatch(r"\s*[-+]?\d+\s*", value) else float(value)
        except ValueError:
            shown = "its value" if name.startswith(SECRET_PREFIX) else repr(value)
            raise ConfigError(
                f"the environment variable {name} should be a number, not {shown}", place=self._place
            ) from None
