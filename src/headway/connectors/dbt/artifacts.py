"""The parts of dbt's artifacts that Headway needs, and how they are decoded.

One set of partial structs reads manifest v1 to v12, and what dbt 2 writes: unknown fields are skipped without being
built, every field has a default, and the schema version is information rather than a switch. Where an entry has
another shape than any dbt release gave it, that entry alone is left out and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from headway.connectors.artifact import Buffer
from headway.errors import InputError, Place
from headway.graph.model import Gap, Origin

NEWEST_MANIFEST = 12
_MOST_ODD = 20
"""Odd entries of a section that are named one by one; the rest is counted."""

T = TypeVar("T")


class UniqueId:
    """Stands in for `unique_id` while decoding: ids are collected as they pass by, and kept once, as keys."""


PASSED = UniqueId()


class Part(msgspec.Struct, gc=False, kw_only=True):
    """Base: only what is named is read; the objects are not tracked by the garbage collector."""


class DependsOn(Part):
    """What a node depends on: unique ids."""

    nodes: list[str] = []


class OwnerPart(Part):
    """Owner of an exposure or a group. `email` is a list for some groups."""

    name: Any = None
    email: Any = None


class Settings(Part):
    """`config` of a node."""

    enabled: Any = True
    materialized: str | None = None
    meta: Any = None
    tags: Any = None
    group: str | None = None


class Resource(Part):
    """Fields of every kind of node. Anything that releases disagree on is Any and read with care."""

    unique_id: UniqueId = PASSED
    name: str = ""
    resource_type: str | None = None
    package_name: str | None = None
    original_file_path: str | None = None
    description: str | None = None
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None
    relation_name: str | None = None
    tags: Any = None
    meta: Any = None
    config: Settings | None = None
    depends_on: DependsOn | None = None
    group: str | None = None
    deprecation_date: Any = None
    version: Any = None
    attached_node: str | None = None
    file_key_name: str | None = None
    tested_node_unique_id: str | None = None
    time_spine: Any = None


class Exposure(Resource):
    """An exposure. dbt 2 names the metrics it depends on only under `metrics`."""

    type: str | None = None
    label: str | None = None
    url: str | None = None
    owner: OwnerPart | None = None
    metrics: Any = None


class Metric(Resource):
    """A metric of the semantic layer (v10 on) or a legacy one (v4 to v9)."""

    label: str | None = None
    type: Any = None
    type_params: Any = None
    filter: Any = None
    model_unique_id: str | None = None
    refs: Any = None
    metrics: Any = None


class SemanticModel(Resource):
    """A semantic model with the names that metrics and filters refer to."""

    label: str | None = None
    refs: Any = None
    primary_entity: str | None = None
    defaults: Any = None
    entities: Any = None
    dimensions: Any = None
    measures: Any = None


class SavedQuery(Resource):
    """A saved query; its exports are tables in the warehouse."""

    label: str | None = None
    query_params: Any = None
    exports: Any = None


class Group(Part):
    """A dbt group."""

    name: str = ""
    package_name: str | None = None
    owner: OwnerPart | None = None


class Disabled(Resource):
    """A disabled resource of any kind."""

    unique_id: Any = ""
    type: str | None = None
    label: str | None = None
    url: str | None = None
    owner: OwnerPart | None = None


class Metadata(Part):
    """Head of every artifact."""

    dbt_schema_version: str | None = None
    dbt_version: str | None = None
    generated_at: str | None = None
    project_name: str | None = None


class Manifest(Part):
    """manifest.json. Macros, docs and the maps derived from `depends_on` are not read."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    nodes: dict[str, Resource] = {}
    sources: dict[str, Resource] = {}
    exposures: dict[str, Exposure] = {}
    metrics: dict[str, Metric] = {}
    semantic_models: dict[str, SemanticModel] = {}
    saved_queries: dict[str, SavedQuery] = {}
    groups: dict[str, Group] = {}
    unit_tests: dict[str, Resource] = {}
    functions: dict[str, Resource] = {}
    disabled: msgspec.Raw = msgspec.Raw(b"{}")


class Timing(Part):
    """One phase of a result."""

    completed_at: str | None = None


class Result(Part):
    """One result of run_results.json."""

    unique_id: str = ""
    status: str | None = None
    timing: list[Timing] | None = None
    execution_time: Any = None
    """Seconds, as dbt's own clock saw them: waiting for the warehouse included."""
    message: Any = None


class Invocation(Part):
    """`args` of run_results.json: which command wrote it."""

    which: Any = None


class RunResults(Part):
    """run_results.json, v1 to v6."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    results: list[Result] = []
    args: Invocation | None = None


class Allowed(Part):
    """One freshness limit."""

    count: float | None = None
    period: str | None = None


class Criteria(Part):
    """Freshness limits of a source."""

    warn_after: Allowed | None = None
    error_after: Allowed | None = None


class Freshness(Part):
    """One result of sources.json."""

    unique_id: str = ""
    status: str | None = None
    max_loaded_at: str | None = None
    snapshotted_at: str | None = None
    max_loaded_at_time_ago_in_s: float | None = None
    criteria: Criteria | None = None
    error: Any = None


class SourcesResults(Part):
    """sources.json."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    results: list[Freshness] = []


class CatalogTable(Part):
    """`metadata` of one table of catalog.json."""

    type: str | None = None
    schema: str | None = None
    name: str | None = None
    database: str | None = None


class CatalogEntry(Part):
    """One table of catalog.json; its columns are not read."""

    metadata: CatalogTable = msgspec.field(default_factory=CatalogTable)


class Catalog(Part):
    """catalog.json."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    nodes: dict[str, CatalogEntry] = {}
    sources: dict[str, CatalogEntry] = {}


SECTIONS: Mapping[str, type[Part]] = {
    "nodes": Resource,
    "sources": Resource,
    "exposures": Exposure,
    "metrics": Metric,
    "semantic_models": SemanticModel,
    "saved_queries": SavedQuery,
    "groups": Group,
    "unit_tests": Resource,
    "functions": Resource,
}

_SCHEMA = re.compile(r"/dbt/([a-z-]+)/v(\d+)")
_FILE_OF = {"run-results": "run_results.json", "catalog": "catalog.json", "sources": "sources.json"}


def decode_manifest(data: Buffer, file: str, shape: type[Manifest] = Manifest) -> tuple[Manifest, list[Gap]]:
    """The manifest in `data`, and what of it could not be read. `file` is how messages name it.

    `shape` may be a struct that reads more of each entry; where an entry is odd, what is read is a plain Manifest.

    Raises InputError when it is not JSON, not a manifest, or gives two nodes one id.
    """
    seen: list[str] = []

    def collect(_type: type, value: Any) -> UniqueId:
        if isinstance(value, str):
            seen.append(value)
        return PASSED

    gaps: list[Gap] = []
    content = _content(data, file)
    try:
        manifest: Manifest = msgspec.json.Decoder(shape, dec_hook=collect).decode(content)
    except msgspec.ValidationError:
        seen.clear()
        manifest = _decode_piecemeal(content, file, collect, gaps)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise explain(error, content, file) from error
    _refuse_other_files(manifest, file)
    if len(set(seen)) != len(seen):
        raise InputError(
            f"two entries have the id {_repeated(seen)!r}; a dbt manifest names everything once",
            place=Place(file),
            hint="was it put together by hand?",
        )
    gaps.extend(_version_gaps(manifest.metadata, file))
    return manifest, gaps


def decode(data: Buffer, shape: type[T], file: str) -> T:
    """Any other artifact as `shape`. Raises InputError with file and place."""
    content = _content(data, file)
    try:
        return msgspec.json.Decoder(shape).decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise explain(error, content, file) from error


def disabled_resources(manifest: Manifest, file: str) -> tuple[list[Disabled], list[Gap]]:
    """What `disabled` lists, whatever its shape (a list before v4, a mapping from id to list since)."""
    raws: list[msgspec.Raw] = []
    odd = 0
    for shape in (dict[str, list[msgspec.Raw]], dict[str, msgspec.Raw], list[msgspec.Raw]):
        try:
            found: Any = msgspec.json.decode(manifest.disabled, type=shape)
        except (msgspec.ValidationError, UnicodeDecodeError):
            continue
        entries = found.values() if isinstance(found, dict) else found
        raws = [raw for entry in entries for raw in (entry if isinstance(entry, list) else [entry])]
        break
    resources = []
    decoder = msgspec.json.Decoder(Disabled)
    for raw in raws:
        try:
            resource = decoder.decode(raw)
        except (msgspec.ValidationError, UnicodeDecodeError):
            odd += 1
            continue
        if isinstance(resource.unique_id, str) and resource.unique_id:
            resources.append(resource)
    message = f"{odd:,} entries under `disabled` have an unknown shape and were left out"
    return resources, [Gap(topic="dbt", message=message, origin=Origin("dbt", file))] if odd else []


def explain(error: Exception, data: Buffer | memoryview, file: str) -> InputError:
    """One clear sentence for whatever the decoder said."""
    place = Place(file)
    if isinstance(error, RecursionError):
        return InputError("is nested too deeply to be a dbt artifact", place=place)
    if isinstance(error, UnicodeDecodeError):
        return InputError(f"is not UTF-8 text{_bad_byte(data)}", place=place, hint="dbt writes UTF-8")
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        return InputError(f"does not have the shape of a dbt artifact: {_lower(text)}", place=place)
    if "truncated" in text:
        size = len(data)
        if bytes(data[max(0, size - 64) :]).rstrip()[-1:] in (b"}", b"]"):
            return InputError("is not valid JSON: a string or an escape in it is broken", place=place)
        return InputError(
            f"ends too early, after {size:,} bytes", place=place, hint="was dbt still writing it? run `dbt parse`"
        )
    return InputError(f"is not valid JSON: {_lower(text.removeprefix('JSON is malformed: '))}", place=place)


def _content(data: Buffer, file: str) -> Buffer | memoryview:
    """The bytes from where the JSON starts; says what else the file is when it plainly is something else."""
    start = bytes(data[:64])
    place = Place(file)
    if not start.strip():
        if not len(data):
            raise InputError("is empty", place=place, hint="run `dbt parse` again")
        return data
    if start.startswith(b"\xef\xbb\xbf"):
        return memoryview(data)[3:]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError("is UTF-16 text", place=place, hint="dbt writes UTF-8; was it redirected by PowerShell?")
    if start.startswith(b"version https://git-lfs"):
        raise InputError("is a Git LFS pointer, not the file itself", place=place, hint="run `git lfs pull`")
    if start.startswith(b"PK\x03\x04"):
        raise InputError("is a zip archive", place=place, hint="unpack it, or give a .json or .json.gz file")
    first = start.lstrip()[:1]
    if first == b"<":
        raise InputError("is a web page or XML, not JSON", place=place, hint="was it downloaded without logging in?")
    if first not in b'{["-0123456789tfnN':
        raise InputError(f"is not JSON: it starts with {first!r}", place=place)
    if first != b"{":
        what = {b"[": "list", b'"': "string"}.get(first, "single value")
        raise InputError(f"is a JSON {what}, not a dbt artifact", place=place)
    return data


def _decode_piecemeal(
    data: Buffer | memoryview, file: str, collect: Callable[[type, Any], UniqueId], gaps: list[Gap]
) -> Manifest:
    """Decode section by section and, where a section has an odd entry, entry by entry."""
    try:
        top = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise explain(error, data, file) from error
    manifest = Manifest()
    try:
        manifest.metadata = msgspec.json.decode(top.get("metadata", b"{}"), type=Metadata)
    except (msgspec.ValidationError, UnicodeDecodeError):
        gaps.append(_gap("`metadata` has an unknown shape: the schema version is not known", file))
    _refuse_semantic_manifest(top, file)
    manifest.disabled = top.get("disabled", manifest.disabled)
    for section, shape in SECTIONS.items():
        raw = top.get(section)
        if raw is not None and bytes(raw) != b"null":
            setattr(manifest, section, _decode_section(section, shape, raw, file, collect, gaps))
    return manifest


def _decode_section(
    section: str,
    shape: type[Part],
    raw: msgspec.Raw,
    file: str,
    collect: Callable[[type, Any], UniqueId],
    gaps: list[Gap],
) -> dict[str, Any]:
    try:
        entries = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.ValidationError, UnicodeDecodeError):
        gaps.append(_gap(f"`{section}` is not a mapping from id to entry and was left out", file))
        return {}
    decoder = msgspec.json.Decoder(shape, dec_hook=collect)
    found = {}
    odd = 0
    for uid, entry in entries.items():
        try:
            found[uid] = decoder.decode(entry)
        except (msgspec.ValidationError, UnicodeDecodeError) as error:
            odd += 1
            if odd <= _MOST_ODD:
                message = f"$.{section}[{uid[:200]!r}] was left out: {_lower(str(error))[:300]}"
                gaps.append(_gap(message, file, f"dbt:{uid}" if len(uid) < 500 else ""))
    if odd > _MOST_ODD:
        gaps.append(_gap(f"{odd - _MOST_ODD:,} more entries of `{section}` were left out", file))
    return found


def _refuse_semantic_manifest(top: Mapping[str, msgspec.Raw], file: str) -> None:
    models = top.get("semantic_models")
    if "metadata" not in top and models is not None and bytes(models).lstrip()[:1] == b"[":
        raise InputError(
            "is a semantic_manifest.json, not a manifest.json",
            place=Place(file),
            hint="give the manifest.json beside it",
        )


def _refuse_other_files(manifest: Manifest, file: str) -> None:
    stated = _SCHEMA.search(manifest.metadata.dbt_schema_version or "")
    if stated and stated[1] != "manifest":
        name = _FILE_OF.get(stated[1], f"{stated[1]}.json")
        raise InputError(
            f"is a {name} of dbt, not a manifest.json", place=Place(file), hint="give the manifest.json beside it"
        )
    if not stated and not manifest.nodes and not manifest.sources:
        raise InputError(
            "is JSON, but not a dbt manifest: it has neither a schema version nor nodes",
            place=Place(file),
            hint="run `dbt parse` and give its target/manifest.json",
        )


def _version_gaps(metadata: Metadata, file: str) -> list[Gap]:
    stated = _SCHEMA.search(metadata.dbt_schema_version or "")
    if not stated:
        return [_gap("states no schema version; it was read as far as it has a known shape", file)]
    if int(stated[2][:9]) > NEWEST_MANIFEST:
        return [
            _gap(
                f"has schema v{stated[2]}, newer than the v{NEWEST_MANIFEST} known here; "
                "it was read as far as it has a known shape",
                file,
                hint="a newer Headway may read more of it",
            )
        ]
    return []


def _gap(message: str, file: str, node: str = "", hint: str = "") -> Gap:
    return Gap(topic="dbt", message=f"{file}: {message}", node=node, hint=hint, origin=Origin("dbt", file))


def _repeated(seen: list[str]) -> str:
    met: set[str] = set()
    for value in seen:
        if value in met:
            return value[:200]
        met.add(value)
    return ""


def _bad_byte(data: Buffer | memoryview) -> str:
    try:
        bytes(data).decode()
    except UnicodeDecodeError as error:
        return f": byte {error.start:,} is 0x{error.object[error.start]:02x}"
    return ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
