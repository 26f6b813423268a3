"""retirements.yml: what is being retired and at which stage, written by `headway retire` and reviewed like code.

- retire: filter_pack_explorer
  node: dbt:exposure.shop.filter_pack_explorer
  stage: announced
  on: 2026-11-22
  because: serves no objective; last used 114 days ago
  run: 2026-11-22-announced-1f0c9a

Each stage of each asset is an entry of its own; the last one counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.connectors.artifact import exists, read
from headway.connectors.yaml_nodes import composed
from headway.errors import ConfigError, InputError, Place
from headway.project.dbt_files import root_of
from headway.project.dbt_stages import STAGES, Stage
from headway.project.ledger import entries
from headway.questions.triage import Desk, desk
from headway.questions.triage_state import Retiring

if TYPE_CHECKING:
    from headway.project.workspace import Project

__all__ = ["FILE", "HEAD", "STAGES", "Record", "desk_of", "latest", "read_records", "records_of", "retiring"]

FILE = "retirements.yml"
HEAD = "# What is being retired, written by `headway retire` and open to review: the last entry of an asset counts.\n\n"


@dataclass(frozen=True, slots=True)
class Record:
    """One stage of one asset."""

    name: str
    node: str
    """Id of its node."""
    stage: Stage
    on: date
    because: str
    run: str
    """What `--undo` takes."""
    file: str = ""
    """Property file of what dbt forgets when it is switched off: what is declared under a model."""


def read_records(path: Path) -> list[Record]:
    """What the file says, in its order; nothing where there is none. Raises InputError with file and line."""
    from ruamel.yaml.nodes import SequenceNode

    if not exists(path):
        return []
    root = composed(bytes(read(path, FILE)), FILE)
    if root is None:
        return []
    if not isinstance(root, SequenceNode):
        raise InputError("must be a list of entries that begin with `- retire:`", place=Place(FILE, 1))
    return [_record(node) for node in root.value]


def records_of(project: Project) -> Sequence[Record]:
    """What the file of a project says; nothing where there is no dbt project, or for an earlier day: it is of today.

    Raises InputError with file and line.
    """
    path = _file_of(project)
    try:
        facts = path.stat() if path is not None else None
    except OSError:
        facts = None
    return _kept(path, facts.st_mtime_ns, facts.st_size) if path is not None and facts is not None else ()


def _file_of(project: Project) -> Path | None:
    try:
        return None if project.looking_back else root_of(project.config) / FILE
    except ConfigError:
        return None


@lru_cache(maxsize=4)
def _kept(path: Path, changed: int, size: int) -> Sequence[Record]:  # noqa: ARG001 - when it is to be read again
    return tuple(read_records(path))


def retiring(project: Project) -> tuple[Retiring, ...] | None:
    """What is being retired, asset by asset; None where that is not known. Raises InputError with file and line."""
    if _file_of(project) is None:
        return None
    runs: dict[str, list[str]] = defaultdict(list)
    for record in (found := records_of(project)):
        runs[record.node].append(record.run)
    return tuple(Retiring(r.node, r.stage, r.on, tuple(runs[r.node])) for r in latest(found).values())


def desk_of(project: Project) -> Desk:
    """Every finding of a project with how it stands."""
    return desk(project.graph(), entries(project, "finding"), retiring(project))


def latest(records: Sequence[Record]) -> dict[str, Record]:
    """The last record of each node, in the order in which the nodes were first written down."""
    return {record.node: record for record in records}


def _record(node: Any) -> Record:
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    place = Place(FILE, node.start_mark.line + 1)
    if not isinstance(node, MappingNode):
        raise InputError("an entry must be a mapping that begins with `retire:`", place=place)
    said = {str(k.value): str(v.value) for k, v in node.value if isinstance(v, ScalarNode)}
    missing = next((key for key in ("node", "stage", "on") if not said.get(key)), "")
    if missing:
        raise InputError(f"this entry does not say {missing!r}", place=place)
    stage = next((s for s in STAGES if s == said["stage"]), None)
    if stage is None:
        raise InputError(f"there is no stage {said['stage']!r}", hint=f"one of {', '.join(STAGES)}", place=place)
    try:
        on = date.fromisoformat(said["on"])
    except ValueError:
        raise InputError(f"{said['on']!r} is not a day", hint="write YYYY-MM-DD", place=place) from None
    name = said.get("retire") or said["node"]
    return Record(name, said["node"], stage, on, said.get("because", ""), said.get("run", ""), said.get("file", ""))
