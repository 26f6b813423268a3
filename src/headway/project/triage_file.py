"""Decisions about findings as a file that people review, and back: what one store knows, another can take over.

- keep: old_orders
  finding: HW201::dbt:model.shop.old_orders
  at: "2026-11-22T10:15:00.000000+00:00"
  by: analytics
  on: 2026-11-22
  kind: zombies
  reason: the auditor reads it in January
  until: 2027-01-31
  was: {"cost": 12.5, "unit": "EUR", "use": "unused"}

Entries have no number of their own: one is known by all that it says, so that the same file can be taken over again.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from headway.connectors.artifact import read
from headway.connectors.links import yaml_entries
from headway.errors import InputError, Place, UsageError
from headway.files import write_whole
from headway.graph.ledger import Entry
from headway.project.ledger import entries, written_all
from headway.project.reviewed import printable, scalar
from headway.project.triage import LONGEST
from headway.questions.triage_state import Act, Said, digest_of

if TYPE_CHECKING:
    from headway.project.workspace import Project

_HEAD = "# What people decided about findings, written by `headway decisions export` and open to review.\n"
_ACTS: tuple[str, ...] = get_args(Act)
_BODY = tuple(name for name in Said.__struct_fields__ if name not in {"asset", "was"})
_KEYS = (*_ACTS, "finding", "at", "by", *_BODY, "was")
_NEEDED = {
    "keep": "reason", "snooze": "until", "assign": "to", "undo": "undoes", "link": "key_result", "retire": "run",
    "comment": "reason",
}  # fmt: skip
_FINDING = re.compile(r"[A-Za-z0-9_-]{1,20}::.+", re.DOTALL)
_HINT = f"write one entry after the other, each beginning with one of {', '.join(f'`- {act}:`' for act in _ACTS)}"


def exported(project: Project) -> tuple[str, int]:
    """All decisions as text, oldest first, and how many these are. Raises StoreError for one that no file can say."""
    said = entries(project, "finding")
    return "\n".join([_HEAD, *(_written(entry) for entry in said)]) if said else f"{_HEAD}\n[]\n", len(said)


def write(path: str, text: str) -> None:
    """Write the file whole or not at all. Raises ConfigError."""
    write_whole(Path(path), text.encode("utf-8"), path)


def imported(project: Project, path: str) -> tuple[int, int]:
    """Take over what a file has and the store has not, all of it or nothing; how many were new, and known already.

    Raises InputError, with file and line, for the first entry that is no decision; StoreError.
    """
    found = _read(bytes(read(Path(path), path)), path)
    known = {digest_of(entry) for entry in entries(project, "finding")}
    new = {digest: entry for digest, entry in found.items() if digest not in known}
    written_all(project, list(new.values()))
    return len(new), len(found) - len(new)


# ---------------------------------------------------------------------- writing


def _written(entry: Entry) -> str:
    body = entry.body
    lines = [(entry.act, str(body.get("asset", ""))), ("finding", entry.subject)]
    lines += [("at", entry.at.isoformat()), ("by", entry.by)]
    lines += [(name, str(body[name])) for name in _BODY if name in body]
    rows = [f"{name}: {_scalar(text)}" for name, text in lines]
    if "was" in body:
        rows.append(f"was: {_flow(body['was'])}")
    return "\n".join([f"- {rows[0]}", *(f"  {row}" for row in rows[1:])]) + "\n"


def _scalar(text: str) -> str:
    """The text so that YAML gives back exactly that."""
    return scalar(text) if printable(text) == text else _quoted(text)


def _flow(value: Any) -> str:
    """Plain data on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _quoted(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    return c if c.isprintable() else f"\\U{ord(c):08x}"


# ---------------------------------------------------------------------- reading


def _read(data: bytes, file: str) -> dict[str, Entry]:
    """The entries by their digests, in the order of the file."""
    from headway.store.ledger import checked

    found: dict[str, Entry] = {}
    for line, node in yaml_entries(data, file, "decisions", _HINT):
        place = Place(file, line)
        try:
            entry = checked(_entry(dict(_mapping(node, place)), place))
        except UsageError as error:
            raise InputError(error.message, hint=error.hint, place=place) from None
        found.setdefault(digest_of(entry), entry)
    return found


def _entry(said: dict[str, Any], place: Place) -> Entry:
    acts = [act for act in _ACTS if act in said]
    if len(acts) != 1:
        raise InputError("an entry begins with what was decided", place=place, hint=_HINT)
    act = acts[0]
    for key in ("finding", "at", "by", *([_NEEDED[act]] if act in _NEEDED else [])):
        if not said.get(key):
            raise InputError(f"this entry does not say {key!r}", place=place)
    if not _FINDING.fullmatch(said["finding"]):
        raise InputError("this is no finding", place=place, hint="CODE::NODE, as headway decisions export writes it")
    try:
        at = datetime.fromisoformat(said["at"]).astimezone(UTC)
        aware = datetime.fromisoformat(said["at"]).tzinfo is not None
    except (ValueError, OverflowError):
        aware = False
    if not aware:
        raise InputError(f"{said['at'][:60]!r} is no time", hint="2026-11-22T10:15:00+00:00", place=place)
    body = {name: said[name] for name in (*_BODY, "was") if name in said}
    if said[act]:
        body["asset"] = said[act]
    try:
        msgspec.convert(body, Said)
    except msgspec.ValidationError as error:
        raise InputError(f"this is no decision: {error}", place=place) from None
    return Entry(at=at, by=said["by"], topic="finding", subject=said["finding"], act=act, body=body)


def _mapping(node: Any, place: Place) -> Iterator[tuple[str, Any]]:
    """Keys with their values: text, and for `was` plain data. Raises InputError for what has no place in a decision."""
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    if not isinstance(node, MappingNode):
        raise InputError("an entry is a mapping", place=place, hint=_HINT)
    seen: set[str] = set()
    for key, value in node.value:
        here = Place(place.file, key.start_mark.line + 1)
        name = str(key.value) if isinstance(key, ScalarNode) else ""
        if name not in _KEYS or name in seen:
            near = difflib.get_close_matches(name, _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near and name not in seen else ""
            raise InputError(f"{name[:60]!r} is {'there twice' if name in seen else 'no key'}", place=here, hint=hint)
        seen.add(name)
        if name == "was":
            yield name, _was(value, here)
        elif not isinstance(value, ScalarNode) or len(value.value) > LONGEST:
            raise InputError(f"{name!r} is one text of at most {LONGEST:,} characters", place=here)
        else:
            yield name, value.value


def _was(node: Any, place: Place) -> dict[str, Any]:
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    if not isinstance(node, MappingNode) or not all(isinstance(key, ScalarNode) for key, _ in node.value):
        raise InputError("'was' is a mapping", place=place)
    found: dict[str, Any] = {}
    for key, value in node.value:
        if isinstance(value, SequenceNode) and all(isinstance(one, ScalarNode) for one in value.value):
            found[key.value] = [one.value for one in value.value]
        elif isinstance(value, ScalarNode):
            found[key.value] = value.value if value.style else _number(value.value, place)
        else:
            raise InputError("'was' holds texts, numbers and lists of texts", place=place)
    return found


def _number(text: str, place: Place) -> Any:
    """What stands there without quotes: a number, as JSON writes it."""
    try:
        return msgspec.json.decode(text, type=float | int)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise InputError(f"{text[:60]!r} is no number", place=place, hint="texts stand in quotes here") from None
