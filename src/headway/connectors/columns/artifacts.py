"""What column lineage needs of manifest.json and catalog.json, and how it is decoded.

SQL stays undecoded (`Raw`) until it has to be parsed: on a second run most of it is only hashed.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from headway.connectors.artifact import Buffer
from headway.errors import InputError, Place
from headway.graph.column_scope import TableName

T = TypeVar("T")
NOTHING = msgspec.Raw(b"null")
QUERIED = ("model.", "snapshot.")
TABLES = ("model.", "snapshot.", "seed.", "source.")
_PART = re.compile(r'\s*(?:"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|([^.\s"`\[\]]+))\s*(\.|$)')


class Part(msgspec.Struct, gc=False, kw_only=True):
    """Base: only what is named is read; the objects are not tracked by the garbage collector."""


class DependsOn(Part):
    """Unique ids."""

    nodes: list[str] = []


class Settings(Part):
    """`config` of a node. What releases disagree on is Any."""

    materialized: str | None = None
    contract: Any = None
    unique_key: Any = None
    updated_at: Any = None
    check_cols: Any = None
    strategy: Any = None
    snapshot_meta_column_names: Any = None


class Node(Part):
    """A model, snapshot, seed or source (and, unread, a test)."""

    name: str = ""
    package_name: str | None = None
    original_file_path: str | None = None
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None
    relation_name: str | None = None
    language: str | None = None
    version: Any = None
    latest_version: Any = None
    source_name: str | None = None
    compiled_code: msgspec.Raw = NOTHING
    compiled_sql: msgspec.Raw = NOTHING
    raw_code: msgspec.Raw = NOTHING
    raw_sql: msgspec.Raw = NOTHING
    columns: msgspec.Raw = NOTHING
    config: Settings | None = None
    depends_on: DependsOn | None = None


class SemanticModel(Part):
    """A semantic model: names and expressions over one model."""

    name: str = ""
    primary_entity: str | None = None
    entities: Any = None
    dimensions: Any = None
    measures: Any = None
    defaults: Any = None
    depends_on: DependsOn | None = None


class Metric(Part):
    """A metric of the semantic layer, or a legacy one (`expression`, `sql`)."""

    name: str = ""
    type: str | None = None
    type_params: Any = None
    filter: Any = None
    expression: str | None = None
    sql: str | None = None
    timestamp: str | None = None
    filters: Any = None
    depends_on: DependsOn | None = None


class Metadata(Part):
    """Head of the manifest."""

    adapter_type: str | None = None
    dbt_schema_version: str | None = None


class Manifest(Part):
    """manifest.json."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    nodes: dict[str, Node] = {}
    sources: dict[str, Node] = {}
    metrics: dict[str, Metric] = {}
    semantic_models: dict[str, SemanticModel] = {}


class CatalogColumn(Part):
    """One column; `index` counts from 1."""

    index: float | None = None
    name: str | None = None


class CatalogEntry(Part):
    """One table."""

    columns: dict[str, CatalogColumn] = {}


class Catalog(Part):
    """catalog.json."""

    nodes: dict[str, CatalogEntry] = {}
    sources: dict[str, CatalogEntry] = {}


_SECTIONS: dict[str, type[Part]] = {
    "nodes": Node,
    "sources": Node,
    "metrics": Metric,
    "semantic_models": SemanticModel,
}


def decode_manifest(data: Buffer, file: str) -> tuple[Manifest, int]:
    """The manifest, and how many of its entries have an unknown shape and were left out. Raises InputError."""
    content = without_mark(data)
    try:
        manifest = msgspec.json.Decoder(Manifest).decode(content)
    except msgspec.ValidationError:
        manifest, odd = _piecemeal(content, file)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _explained(error, file) from error
    else:
        odd = 0
    version = manifest.metadata.dbt_schema_version or ""
    if not (manifest.nodes or manifest.sources or "/manifest/" in version):
        raise InputError("is not a dbt manifest", place=Place(file), hint="it is the manifest.json of `dbt compile`")
    return manifest, odd


def decode(data: Buffer, shape: type[T], file: str) -> T:
    """Any artifact as `shape`. Raises InputError."""
    try:
        return msgspec.json.Decoder(shape).decode(without_mark(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _explained(error, file) from error


def without_mark(data: Buffer) -> Buffer | memoryview:
    """The bytes after a byte order mark."""
    return memoryview(data)[3:] if bytes(data[:3]) == b"\xef\xbb\xbf" else data


def text_of(raw: msgspec.Raw) -> str:
    """A JSON string; '' for anything else."""
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def relation_of(node: Node) -> TableName | None:
    """Catalog, schema and name of the relation a node is; None when it is none."""
    parts = relation_parts(node.relation_name or "")
    if parts is None:
        if node.config is not None and node.config.materialized == "ephemeral":
            return None
        name = node.identifier or node.alias or node.name
        parts = (node.database or "", node.schema or "", name)
    return parts if parts[2] else None


def relation_parts(relation: str) -> TableName | None:
    """`"a"."b"."c"` in any dialect's quotes as its parts; None when it is not that."""
    plain = relation[1:-1].split('"."')
    if len(plain) == 3 and relation.count('"') == 6 and relation[0] == relation[-1] == '"':
        return plain[0], plain[1], plain[2]
    parts: list[str] = []
    at = 0
    while at < len(relation):
        found = _PART.match(relation, at)
        if found is None or len(parts) == 3:
            return None
        text = next(group for group in found.groups()[:4] if group is not None)
        parts.append(text.replace('""', '"'))
        at = found.end()
        if not found[5]:
            break
    if not parts or at < len(relation):
        return None
    padded = ["", "", *parts][-3:]
    return padded[0], padded[1], padded[2]


def _piecemeal(data: Buffer | memoryview, file: str) -> tuple[Manifest, int]:
    """Section by section, entry by entry: odd entries are left out and counted."""
    try:
        top = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _explained(error, file) from error
    manifest, odd = Manifest(), 0
    try:
        manifest.metadata = msgspec.json.decode(top.get("metadata", b"{}"), type=Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        odd += 1
    for section, shape in _SECTIONS.items():
        try:
            entries = msgspec.json.decode(top.get(section, b"{}"), type=dict[str, msgspec.Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            odd += 1
            continue
        decoder = msgspec.json.Decoder(shape)
        found = {}
        for uid, entry in entries.items():
            try:
                found[uid] = decoder.decode(entry)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                odd += 1
        setattr(manifest, section, found)
    return manifest, odd


def _explained(error: Exception, file: str) -> InputError:
    """One sentence for whatever the decoder said."""
    place = Place(file)
    if isinstance(error, RecursionError):
        return InputError("is nested too deeply to be a dbt artifact", place=place)
    if isinstance(error, UnicodeDecodeError):
        return InputError("is not UTF-8 text", place=place, hint="dbt writes UTF-8")
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        return InputError("does not have the shape of a dbt artifact", place=place)
    if "truncated" in text:
        return InputError("ends too early or is empty", place=place, hint="was dbt still writing it? run it again")
    return InputError(f"is not valid JSON: {text.removeprefix('JSON is malformed: ')}", place=place)
