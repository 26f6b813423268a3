"""The columns connector: a dbt project's SQL in, column lineage out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from headway.collector import paused_collector
from headway.config import Option
from headway.connectors.artifact import exists, read
from headway.connectors.columns.artifacts import (
    QUERIED,
    Catalog,
    decode,
    decode_manifest,
)
from headway.connectors.columns.cache import Cache, Inputs, Whole
from headway.connectors.columns.content import ABSENT, Content, content_of
from headway.connectors.columns.models import OPEN, Models, record_of
from headway.connectors.columns.semantic import Semantics
from headway.connectors.columns.statement import NOT_COMPILED
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, MissingExtra
from headway.graph.columns import VERSION
from headway.graph.model import AnyRecord, ColumnLineage, Gap, Origin

_COMPILE = "run `dbt compile` in the project to write it"
_MOST_EXAMPLES = 3
_SETTLED_SECONDS = 2.0
"""A file that changed less than this before the sync began is read, whatever was kept."""
_VERSION = re.compile(r"""^__version__ = (?:version = )?['"]([^'"]+)['"]""", re.MULTILINE)
_HINTS = {NOT_COMPILED: "run `dbt compile`", OPEN: "run `dbt docs generate`: the catalogue says their columns"}

DIALECTS: Mapping[str, str] = {
    name: dialect
    for dialect, names in {
        "athena": "athena",
        "bigquery": "bigquery",
        "clickhouse": "clickhouse",
        "databricks": "databricks",
        "doris": "doris",
        "dremio": "dremio",
        "duckdb": "duckdb",
        "exasol": "exasol",
        "fabric": "fabric",
        "hive": "hive impala",
        "materialize": "materialize",
        "mysql": "mysql mariadb tidb",
        "oracle": "oracle",
        "postgres": "postgres greenplum alloydb cratedb yellowbrick vertica netezza",
        "presto": "presto",
        "redshift": "redshift",
        "risingwave": "risingwave",
        "singlestore": "singlestore",
        "snowflake": "snowflake",
        "spark": "spark glue fabricspark sparksession",
        "sqlite": "sqlite",
        "starrocks": "starrocks",
        "teradata": "teradata",
        "trino": "trino starburst",
        "tsql": "sqlserver synapse",
    }.items()
    for name in names.split()
}
"""sqlglot's name of the SQL that a dbt adapter writes."""


class Columns:
    """Reads which column is made from which: manifest.json with compiled SQL, and catalog.json where it is there."""

    name: ClassVar[str] = "columns"
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("target", str, "target", "Folder that dbt writes its artifacts to."),
        Option("manifest", str, "", "A manifest.json or manifest.json.gz to read instead of the one in `target`."),
        Option("cache", str, ".headway/columns.msgpack", "File that keeps what was found; empty keeps nothing."),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = options
        self._context = context
        self._root = Path(context.root)

    def records(self) -> Iterator[AnyRecord]:
        """One ColumnLineage per source and seed whose columns are known, model, snapshot, semantic model and metric.

        Raises InputError when there is no usable manifest, ConfigError when an option cannot be, MissingExtra without
        sqlglot. A model that cannot be followed is a record with a `problem`; gaps count these.
        """
        kept = self._text_option("cache", ".headway/columns.msgpack")
        path, shown = self._manifest_path()
        with paused_collector():
            cache = Cache(self._root / kept if kept else None, f"{VERSION} {_parser_version()}")
            inputs = self._inputs(path) if kept else ()
            found = _as_before(cache, shown, inputs, _files(path)) if kept else None
            refused = ""
            if found is None:
                found = self._follow(path, shown, cache, inputs)
                refused = cache.save()
        yield from found
        if refused:
            yield _gap(f"what was found could not be kept in {kept}: {refused}", shown)

    def _follow(self, path: Path, shown: str, cache: Cache, inputs: Inputs) -> list[AnyRecord]:
        self._context.progress("reading the manifest", 0, 0)
        data = read(path, shown, hint=_COMPILE)
        contents = [content_of(data)] if cache.lasts else []
        manifest, odd = decode_manifest(data, shown)
        del data
        catalog, gaps = self._catalog(path, shown, contents)
        if odd:
            gaps.append(_gap(f"{odd:,} of the entries of the manifest have an unknown shape and were left out", shown))
        adapter = manifest.metadata.adapter_type or ""
        dialect = DIALECTS.get(adapter, "")
        if not dialect:
            said = f"of the adapter {adapter[:40]!r}" if adapter else "of an unnamed adapter"
            gaps.append(_gap(f"the SQL {said} is read as standard SQL: its dialect is not known", shown))
        models = Models(manifest, catalog, path.parent, dialect, cache, self._context.progress)
        records = list(models.records())
        semantic = list(Semantics(manifest, dialect, models.columns, cache).records())
        gaps += _problems(records + semantic, shown)
        gaps += _counted(models.outside, "of the relations that the SQL reads are nothing in this project", shown, "")
        stale = "of the nodes are asked for columns that the catalogue or contract does not list"
        gaps += _counted(models.stale, stale, shown, "run `dbt docs generate`")
        before = tuple(records[: len(records) - len(models.keys)])
        whole = Whole(shown, inputs, tuple(contents), before, tuple(models.keys), (*semantic, *gaps))
        cache.keep_whole(None if models.looked_beside else whole)
        return [*records, *semantic, *gaps]

    def _inputs(self, manifest: Path) -> Inputs:
        """What tells whether a file was touched; () when one was written so lately that it may be written again."""
        found = []
        for path in _files(manifest):
            try:
                facts = path.stat()
            except (OSError, ValueError):
                found.append((-1, 0, 0))
                continue
            if facts.st_mtime > self._context.now.timestamp() - _SETTLED_SECONDS:
                return ()
            found.append((facts.st_size, facts.st_mtime_ns, facts.st_ino))
        return tuple(found)

    def _catalog(self, manifest: Path, shown: str, contents: list[Content]) -> tuple[Catalog | None, list[Gap]]:
        """The catalogue beside the manifest; None, with a gap when it is there and cannot be used.

        The content of what was looked for is added to `contents` when there are any. A catalogue that cannot be used
        leaves none: it may be mended any time.
        """
        folder = shown.rpartition("/")[0]
        for path in _files(manifest)[1:]:
            name = f"{folder}/{path.name}".removeprefix("/")
            if exists(path):
                try:
                    data = read(path, name)
                    found = decode(data, Catalog, name)
                except InputError as error:
                    contents.clear()
                    return None, [_gap(str(error), name)]
                contents += [content_of(data)] if contents else []
                return found, []
            contents += [ABSENT] if contents else []
        return None, []

    def _text_option(self, name: str, default: str) -> str:
        value = self._options.get(name, default)
        if value is None:
            return default
        if not isinstance(value, str):
            raise ConfigError(f"`{name}` of the columns source is {value!r}, not a path")
        return value

    def _manifest_path(self) -> tuple[Path, str]:
        """Path of the manifest, and how messages name it: as the option was written."""
        stated = self._text_option("manifest", "")
        if stated:
            return self._root / stated, stated
        target = self._text_option("target", "target") or "target"
        folder = self._root / target
        for name in ("manifest.json", "manifest.json.gz"):
            if exists(folder / name):
                return folder / name, f"{target.rstrip('/')}/{name}"
        if not exists(folder):
            raise InputError(f"there is no folder {target!r} in {self._root.name or self._root}", hint=_COMPILE)
        return folder / "manifest.json", f"{target.rstrip('/')}/manifest.json"


def _parser_version() -> str:
    """The version of sqlglot, without loading it. Raises MissingExtra when it is not installed."""
    spec = find_spec("sqlglot")
    if spec is None or spec.origin is None:
        raise MissingExtra("columns", "following columns through SQL")
    try:
        stated = _VERSION.search(Path(spec.origin).with_name("_version.py").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        stated = None
    if stated is not None:
        return stated[1]
    from importlib.metadata import version  # loads much more

    return version("sqlglot")


def _files(manifest: Path) -> tuple[Path, ...]:
    """The manifest, and where its catalogue may lie."""
    return manifest, manifest.parent / "catalog.json", manifest.parent / "catalog.json.gz"


def _as_before(cache: Cache, shown: str, inputs: Inputs, files: tuple[Path, ...]) -> list[AnyRecord] | None:
    """The records of the last run when the files say the same as then; None otherwise."""
    kept = cache.whole(shown, inputs, files)
    if kept is None:
        return None
    whole, entries = kept
    models = [record_of(node, entry) for (node, _), entry in zip(whole.models, entries, strict=True)]
    return [*whole.before, *models, *whole.after]


def _problems(records: list[ColumnLineage], shown: str) -> Iterator[Gap]:
    """One gap per problem: how many nodes have it, with up to three of them."""
    by_problem: dict[str, list[str]] = {}
    for record in records:
        if record.problem:
            by_problem.setdefault(record.problem.partition(" (line ")[0], []).append(record.node)
    total = sum(record.node.startswith(tuple(f"dbt:{kind}" for kind in QUERIED)) for record in records)
    for problem, nodes in sorted(by_problem.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        count = f"{len(nodes):,} of {total:,} models" if nodes[0].startswith("dbt:model.") else f"{len(nodes):,} nodes"
        message = f"the columns of {count} are not known: {problem} ({_examples(nodes)})"
        yield _gap(message, shown, _HINTS.get(problem, ""))


def _counted(found: Counter[str], what: str, shown: str, hint: str) -> Iterator[Gap]:
    if found:
        ranked = sorted(found, key=lambda name: (-found[name], name))
        yield _gap(f"{len(found):,} {what} ({_examples(ranked)})", shown, hint)


def _examples(names: list[str]) -> str:
    shown = ", ".join(name.rpartition(":")[2] for name in names[:_MOST_EXAMPLES])
    return shown + (", ..." if len(names) > _MOST_EXAMPLES else "")


def _gap(message: str, file: str, hint: str = "") -> Gap:
    return Gap(topic="columns", message=message, hint=hint, origin=Origin("columns", file))
