"""Who owns an asset, by the first of these rules that says so: group, meta, exposure, CODEOWNERS, headway.yml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headway.connectors.artifact import exists, read
from headway.connectors.dbt.artifacts import Group, OwnerPart
from headway.connectors.dbt.codeowners import CodeOwners
from headway.errors import ConfigError, InputError
from headway.graph.model import Gap, Origin

PLACES = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_LARGEST = 4 * 1024**2


class Owners:
    """Answers who owns an asset. `gaps` says which rules could not be read."""

    def __init__(
        self,
        groups: Mapping[str, Group],
        codeowners: CodeOwners | None,
        prefix: str,
        configured: Mapping[str, str],
        project: str,
    ) -> None:
        """`prefix` leads from the root of the repository to the dbt project: '' or 'folder/'."""
        self._groups: dict[str, str] = {}
        for group in groups.values():
            name = owner_name(group.owner)
            if name:
                self._groups.setdefault(group.name, name)
                self._groups[f"{group.package_name}\n{group.name}"] = name
        self._codeowners = codeowners
        self._prefix = prefix
        self._configured = sorted(configured.items(), key=lambda item: (-len(item[0]), item[0]))
        self._project = project
        self._by_path: dict[tuple[str, str], tuple[str, str]] = {}

    def of(
        self, group: str, meta: Mapping[str, Any], exposure: OwnerPart | None, path: str, package: str
    ) -> tuple[str, str]:
        """Owner and the rule that named it; ('', '') when no rule does."""
        if group:
            name = self._groups.get(f"{package}\n{group}") or self._groups.get(group)
            if name:
                return name, "group"
        if meta:
            own = meta.get("headway")
            name = _stated(meta.get("owner")) or (_stated(own.get("owner")) if isinstance(own, dict) else "")
            if name:
                return name, "meta"
        if exposure is not None:
            name = owner_name(exposure)
            if name:
                return name, "exposure"
        if not path:
            return "", ""
        key = (package, path)
        found = self._by_path.get(key)
        if found is None:
            found = self._by_path[key] = self._from_path(path, package)
        return found

    def _from_path(self, path: str, package: str) -> tuple[str, str]:
        if self._project and package and package != self._project:
            path = f"dbt_packages/{package}/{path}"
        if self._codeowners:
            name = self._codeowners.owner_of(self._prefix + path)
            if name:
                return name, "codeowners"
        below = path.partition("/")[2]
        for start, name in self._configured:
            folder = start.rstrip("/") + "/"
            if path == start or path.startswith(folder) or (below and below.startswith(folder)):
                return name, "config"
        return "", ""


def owner_name(owner: OwnerPart | None) -> str:
    """Name of an owner, or the (first) e-mail address."""
    return _text(owner.name) or _text(owner.email) if owner is not None else ""


def configured_owners(value: Any) -> dict[str, str]:
    """The `owners` option, checked. Raises ConfigError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(
            "`owners` of the dbt source must map folders to owners, as in `models/finance/: Finance team`"
        )
    owners = {}
    for folder, owner in value.items():
        if not (isinstance(folder, str) and isinstance(owner, str) and owner.strip() and folder.strip("/ ")):
            raise ConfigError(f"`owners` of the dbt source: {folder!r}: {owner!r} is not a folder with an owner")
        owners[folder.strip().removeprefix("./").lstrip("/")] = owner.strip()
    return owners


def find_codeowners(project: Path, repository: Path | None) -> tuple[Path, str] | None:
    """The CODEOWNERS file that governs a project, and the path from where it counts to the project ('' or 'x/')."""
    for base in dict.fromkeys([repository or project, project]):
        for place in PLACES:
            if exists(base / place):
                return base / place, path_between(base, project)
    return None


def base_of(file: Path, project: Path) -> Path | None:
    """The folder that a stated CODEOWNERS file counts from: its own, or that around `.github` and the like.

    None where that does not hold the project. A project with a file of its own may lie inside another's repository.
    """
    folder = file.resolve().parent
    base = folder.parent if any(place.startswith(f"{folder.name}/") for place in PLACES) else folder
    return base if project.resolve().is_relative_to(base) else None


def find_repository(project: Path) -> Path | None:
    """The folder that holds `.git`, at or above the project."""
    return next((folder for folder in (project, *project.parents) if exists(folder / ".git")), None)


def path_between(base: Path, project: Path) -> str:
    """'' or 'folder/': how a path inside `project` starts when it is seen from `base`."""
    try:
        inner = project.relative_to(base).as_posix()
    except ValueError:
        return ""
    return "" if inner == "." else inner + "/"


def read_codeowners(path: Path, shown: str) -> tuple[CodeOwners | None, list[Gap]]:
    """The rules in a CODEOWNERS file, and what of it could not be used. Never raises: owners are not essential."""
    origin = Origin("dbt", shown)
    try:
        if exists(path) and path.stat().st_size > _LARGEST:
            return None, [Gap(topic="owners", message=f"{shown}: is larger than {_LARGEST:,} bytes", origin=origin)]
        rules = CodeOwners(bytes(read(path, shown)).decode("utf-8-sig"))
    except InputError as error:
        return None, [Gap(topic="owners", message=str(error), origin=origin)]
    except UnicodeDecodeError as error:
        return None, [Gap(topic="owners", message=f"{shown}: is not UTF-8 text at byte {error.start:,}", origin=origin)]
    gaps = []
    if rules.problems:
        more = f" (and {len(rules.problems) - 1:,} more)" if len(rules.problems) > 1 else ""
        gaps.append(Gap(topic="owners", message=f"{shown}: {rules.problems[0]}{more}", origin=origin))
    return rules, gaps


def _stated(value: Any) -> str:
    """`owner` in meta: a name, a list of names, or a mapping with name or email."""
    if isinstance(value, dict):
        return _text(value.get("name")) or _text(value.get("email"))
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return ", ".join(v.strip() for v in value if isinstance(v, str) and v.strip())
    return ""
