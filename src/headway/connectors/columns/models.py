"""Follows the columns of every model and snapshot, upstream first, so that each knows the columns of what it reads."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from headway.collector import drop_cycles
from headway.connectors.columns.artifacts import (
    NOTHING,
    QUERIED,
    Catalog,
    Manifest,
    Node,
    Settings,
    relation_of,
)
from headway.connectors.columns.cache import Cache, Entry, Sources, digest_of
from headway.connectors.columns.statement import EPHEMERAL, Statements
from headway.connectors.protocol import Progress
from headway.graph.column_scope import Leaf, TableName
from headway.graph.columns import Resolved, Schema, resolve
from headway.graph.model import ColumnLineage, ColumnSource, Origin

ORIGIN = Origin(connector="columns")
OPEN = "it passes on every column of a relation whose columns are not known"
UNNAMED = "it has columns whose names are only known when it runs"
_SNAPSHOT_COLUMNS = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")
_EVERY = 200
_NOWHERE = bytes(16)
"""Stands in a state for a table that is nothing here: as long as a digest."""
_RANK = {"known": 0, "assumed": 1, "candidate": 2}


class Models:
    """Columns of the relations of a project. `columns` has what is known of them after `records` ran through."""

    def __init__(
        self, manifest: Manifest, catalog: Catalog | None, folder: Path, dialect: str, cache: Cache, progress: Progress
    ) -> None:
        self._manifest = manifest
        self._dialect = dialect
        self._cache = cache
        self._progress = progress
        self._statements = Statements(manifest, folder)
        self._catalog = _catalog_columns(catalog)
        self._schema = Schema()
        self._uids: dict[TableName, str] = {}
        self._relations: dict[str, TableName] = {}
        self._ids: dict[TableName, str] = {}
        """Relation to what records call it."""
        self._digests: dict[TableName, bytes] = {}
        self._stands_for: dict[str, TableName] = {}
        self.keys: list[tuple[str, bytes]] = []
        """Node id and key of the entry of each model, in the order of `records`."""
        self.outside: Counter[str] = Counter()
        """Relations that are read and are no node, with the number of nodes that read them."""
        self.stale: Counter[str] = Counter()
        """Nodes that were asked for columns they do not have, with the number of nodes that asked."""
        for uid, node in self._tables():
            self._declare(uid, node)
        self._ephemeral = "\0".join(self._stands_for)

    @property
    def looked_beside(self) -> bool:
        """More than manifest and catalogue decides what is found."""
        return self._statements.looked_beside

    def columns(self, uid: str) -> tuple[str, ...] | None:
        """Ordered columns of a node as the warehouse stores them; None when they are not known."""
        relation = self._relations.get(uid)
        return None if relation is None else self._schema.columns(relation)

    def records(self) -> Iterator[ColumnLineage]:
        """Sources and seeds whose columns are known, then models and snapshots, each after what it reads."""
        for uid, _ in self._tables():
            columns = self.columns(uid) if uid.startswith(("source.", "seed.")) else None
            if columns is not None:
                listed: dict[str, Sources] = dict.fromkeys((name.lower() for name in columns), ())
                yield ColumnLineage(node=f"dbt:{uid}", columns=listed, origin=ORIGIN)
        order = self._order()
        for number, uid in enumerate(order):
            if not number % _EVERY:
                self._progress("following columns", number, len(order))
            yield self._record(uid, self._manifest.nodes[uid])
        self._progress("following columns", len(order), len(order))

    # ------------------------------------------------------------------------------------------- what there is

    def _tables(self) -> Iterator[tuple[str, Node]]:
        yield from self._manifest.sources.items()
        for uid, node in self._manifest.nodes.items():
            if uid.startswith(("model.", "snapshot.", "seed.")):
                yield uid, node

    def _declare(self, uid: str, node: Node) -> None:
        """A relation, with its columns where catalogue or contract say them."""
        relation = relation_of(node)
        if relation is None:  # ephemeral: it is only ever a common table expression
            relation = ("", "", f"{EPHEMERAL}{node.name}")
            if self._statements.bytes_of(node):
                for name in (node.name, node.alias or node.name):
                    self._stands_for[f"{EPHEMERAL}{name}".lower()] = relation
        self._relations[uid] = relation
        if relation not in self._uids:
            self._uids[relation] = uid
            self._put(relation, self._catalog.get(uid) or _contract(node, self._dialect))

    def _put(self, relation: TableName, columns: tuple[str, ...] | None) -> None:
        self._schema.put(relation, columns)
        if columns is not None:
            self._digests[relation] = _digest(self._uids[relation], columns)

    def _order(self) -> list[str]:
        """Models and snapshots, upstream first; what lies in or behind a circle comes last."""
        nodes = {uid: node for uid, node in self._manifest.nodes.items() if uid.startswith(QUERIED)}
        waiting: dict[str, int] = {}
        readers: dict[str, list[str]] = {}
        for uid, node in nodes.items():
            above = {u for u in node.depends_on.nodes if u in nodes and u != uid} if node.depends_on else set()
            waiting[uid] = len(above)
            for u in above:
                readers.setdefault(u, []).append(uid)
        ready = deque(uid for uid, count in waiting.items() if not count)
        order: dict[str, None] = {}
        while ready:
            uid = ready.popleft()
            order[uid] = None
            for reader in readers.get(uid, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
        return [*order, *(uid for uid in nodes if uid not in order)]

    # ------------------------------------------------------------------------------------------- one node

    def _record(self, uid: str, node: Node) -> ColumnLineage:
        raw = self._statements.bytes_of(node)
        cache, id_ = self._cache, f"dbt:{uid}"
        sql, problem = "", ""
        if not raw:
            sql, problem = self._statements.sql(node, raw)
            raw = sql.encode(errors="surrogatepass")
        default = (node.database or "", node.schema or "")
        stored = self._catalog.get(uid, ())
        key = cache.key(raw, self._dialect, *default, uid, *stored, _settings(uid, node), self._ephemeral)
        entry = cache.get(key) if raw else None
        if entry is not None and entry.state == self._state(entry.reads, default):
            cache.keep(key)
        else:
            if not (sql or problem):
                sql, problem = self._statements.sql(node, raw)
            entry = _failed(problem) if problem else self._follow(uid, node, sql, default)
            cache.put(key, entry)
        self.keys.append((id_, key))
        if entry.outside:
            self.outside.update(entry.outside)
        if entry.stale:
            self.stale.update(entry.stale)
        relation = self._relations[uid]
        if entry.names is not None and self._schema.columns(relation) is None and self._uids[relation] == uid:
            self._schema.put(relation, entry.names)
            self._digests[relation] = entry.digest
        return record_of(id_, entry)

    def _follow(self, uid: str, node: Node, sql: str, default: tuple[str, str]) -> Entry:
        found = resolve(sql, dialect=self._dialect, schema=self._schema, default=default, stands_for=self._stands_for)
        drop_cycles()
        if found.problem:
            return _failed(found.problem)
        columns, names, problem = self._named(found, self._catalog.get(uid))
        shape = list(found.shape)
        if uid.startswith("snapshot."):
            columns, names, shape = _snapshot(node.config or Settings(), columns, names, shape)
        united: dict[str, tuple[Leaf, ...]] = {}
        for name, leaves in columns:
            low = name.lower()
            united[low] = (*united[low], *leaves) if low in united else leaves
        outside = {relation for relation in found.tables if relation not in self._uids}
        written = tuple(written for written, _ in found.reads)
        return Entry(
            reads=written,
            state=self._state(written, default),
            names=names,
            digest=_digest(uid, names),
            columns={name: self._sources(uid, leaves) for name, leaves in united.items()},
            shape=self._sources(uid, shape),
            problem=problem,
            outside=tuple(sorted(".".join(filter(None, relation)) for relation in outside)),
            stale=tuple(sorted({self._uids[relation] for relation, _ in found.stale})),
        )

    def _named(
        self, found: Resolved, catalog: tuple[str, ...] | None
    ) -> tuple[list[tuple[str, tuple[Leaf, ...]]], tuple[str, ...] | None, str]:
        """The output columns by name, their names as stored if all are known, and what is wrong.

        The catalogue names what SQL leaves to the warehouse: columns without a name or with one that is taken, by
        position; what a star passes on, by name.
        """
        columns = list(found.columns)
        listed = [name for name, _ in columns]
        if found.complete:
            vague = {name for name in listed if name.startswith("_col_")}
            if len({name.lower() for name in listed}) < len(listed):
                seen = Counter([name.lower() for name in listed])
                vague.update(name for name in listed if seen[name.lower()] > 1)
            if vague and catalog is not None and len(catalog) == len(columns):
                columns = [(catalog[at] if n in vague else n, leaves) for at, (n, leaves) in enumerate(columns)]
            names = tuple([name for name, _ in columns])
            return columns, names if not vague or len(set(names)) == len(names) else None, ""
        if catalog is None:
            return columns, None, OPEN if found.open else UNNAMED
        known = {name.lower() for name in listed}
        for name in catalog:
            if name.lower() not in known:
                certainty = "assumed" if len(found.open) == 1 and not found.rest else "candidate"
                passed: list[Leaf] = [(relation, name, certainty) for relation in found.open]  # type: ignore[misc]
                passed += [(relation, column, "assumed") for relation, column, _ in found.rest]
                columns.append((name, tuple(passed)))
        return columns, catalog, ""

    def _sources(self, uid: str, leaves: Any) -> Sources:
        """Leaves as sources: nodes for relations, each column once, as sure as its surest leaf."""
        own, ids = f"dbt:{uid}", self._ids
        if len(leaves) == 1:
            ((relation, column, certainty),) = leaves
            node = ids.get(relation) or self._id(relation)
            return () if node == own else (ColumnSource(node, column.lower(), certainty),)
        best: dict[tuple[str, str], str] = {}
        for relation, column, certainty in leaves:
            node = ids.get(relation) or self._id(relation)
            if node == own:
                continue  # an incremental model that reads itself
            key = (node, column.lower())
            if key not in best or _RANK[certainty] < _RANK[best[key]]:
                best[key] = certainty
        return tuple(ColumnSource(node, column, best[node, column]) for node, column in sorted(best))  # type: ignore[arg-type]

    def _state(self, reads: tuple[TableName, ...], default: tuple[str, str]) -> bytes:
        """What the tables that a query names are at this moment: their nodes and ordered columns."""
        find, known = self._schema.find, self._digests
        return b"".join(
            [
                _NOWHERE
                if (relation := find(written, default)) is None
                else known.get(relation) or self._open(relation)
                for written in reads
            ]
        )

    def _open(self, relation: TableName) -> bytes:
        """Digest of a relation whose columns are not known."""
        self._digests[relation] = digest = _digest(self._uids[relation], None)
        return digest

    def _id(self, relation: TableName) -> str:
        uid = self._uids.get(relation)
        named = f"dbt:{uid}" if uid is not None else "ref:relation/" + ".".join(filter(None, relation))
        self._ids[relation] = named
        return named


def record_of(node: str, entry: Entry) -> ColumnLineage:
    """An entry as the record of a node."""
    return ColumnLineage(node=node, columns=entry.columns, shape=entry.shape, problem=entry.problem, origin=ORIGIN)


def _failed(problem: str) -> Entry:
    return Entry((), b"", None, b"", {}, (), problem, (), ())


def _digest(uid: str, columns: tuple[str, ...] | None) -> bytes:
    """What tells whether a relation is still the same to those that read it."""
    return digest_of((uid,) if columns is None else (uid, "columns", *columns))


def _settings(uid: str, node: Node) -> str:
    """What of a snapshot's configuration its columns depend on."""
    config = node.config
    if config is None or not uid.startswith("snapshot."):
        return ""
    return repr((config.unique_key, config.updated_at, config.check_cols, config.snapshot_meta_column_names))


def _snapshot(
    config: Settings, columns: list[tuple[str, tuple[Leaf, ...]]], names: tuple[str, ...] | None, shape: list[Leaf]
) -> tuple[list[tuple[str, tuple[Leaf, ...]]], tuple[str, ...] | None, list[Leaf]]:
    """What dbt adds to a snapshot: columns that say since when a row was so. What they follow decides the rows."""
    own = config.snapshot_meta_column_names
    renamed: Mapping[str, Any] = own if isinstance(own, dict) else {}
    added = [str(renamed.get(name) or name) for name in _SNAPSHOT_COLUMNS]
    watched = [
        str(name).lower()
        for value in (config.unique_key, config.updated_at, config.check_cols)
        for name in (value if isinstance(value, list) else [value])
        if name
    ]
    every = "all" in watched and config.check_cols == "all"
    made = [leaf for name, leaves in columns if every or name.lower() in watched for leaf in leaves]
    had = {name.lower() for name, _ in columns}
    further = [name for name in added if name.lower() not in had]
    columns = [(n, tuple(made) if n.lower() in {a.lower() for a in added} else leaves) for n, leaves in columns]
    columns += [(name, tuple(made)) for name in further]
    if names is not None:
        stored = {name.lower() for name in names}
        names += tuple(name for name in further if name.lower() not in stored)
    return columns, names, shape + made


def _catalog_columns(catalog: Catalog | None) -> dict[str, tuple[str, ...]]:
    """Ordered columns by unique id."""
    found = {}
    for section in (catalog.nodes, catalog.sources) if catalog is not None else ():
        for uid, entry in section.items():
            listed = sorted(entry.columns.items(), key=lambda pair: pair[1].index or 0)
            if listed:
                found[uid] = tuple(column.name or key for key, column in listed)
    return found


def _contract(node: Node, dialect: str) -> tuple[str, ...] | None:
    """The columns of an enforced contract, as the warehouse stores them."""
    contract = node.config.contract if node.config is not None else None
    if not isinstance(contract, dict) or contract.get("enforced") is not True or node.columns is NOTHING:
        return None
    try:
        columns = msgspec.json.decode(node.columns, type=dict[str, dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    upper = dialect in ("snowflake", "oracle", "exasol")
    return (
        tuple(name.upper() if upper and not column.get("quote") else name for name, column in columns.items()) or None
    )
