"""What an earlier run found, kept in one file: a query whose text and tables have not changed is not parsed again.

An entry is found by a keyed hash of the SQL, dialect, and default catalog and schema; it holds what was found, the
tables that were read (as the SQL names them, since `depends_on` misses those that are written out), and a digest of
what those tables were: their nodes and their ordered columns. It counts only while that digest is the same. There is no
SQL in the file. The versions of the parser and of the resolver are part of every hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from headway.connectors.columns.content import Content, has_content
from headway.files import put_whole
from headway.graph.column_scope import TableName
from headway.graph.model import ColumnLineage, ColumnSource, Gap

_FORMAT = 4
_MOST_BYTES = 1 << 30

Sources = tuple[ColumnSource, ...]


class Entry(msgspec.Struct, gc=False, array_like=True, frozen=True):
    """What was found for one query."""

    reads: tuple[TableName, ...]
    """Tables as the SQL names them."""
    state: bytes
    """Digest of what they were."""
    names: tuple[str, ...] | None
    """Output columns as the warehouse stores them, for the queries that read this one; None when they are not known."""
    digest: bytes
    """Digest of the node and of `names`."""
    columns: dict[str, Sources]
    shape: Sources
    problem: str
    outside: tuple[str, ...]
    """Relations that are no node here."""
    stale: tuple[str, ...]
    """Node ids that were asked for columns they do not have."""


Inputs = tuple[tuple[int, int, int], ...]
"""Size, time of change in ns, and inode of each file that was read; () when that says nothing."""


class Whole(msgspec.Struct, gc=False, array_like=True, frozen=True):
    """A whole run: valid while none of its files was touched, or each says the same as before."""

    shown: str
    """The manifest, as messages name it."""
    inputs: Inputs
    contents: tuple[Content, ...]
    """Content of the manifest and of what was looked for beside it, in order; () when that is not known."""
    before: tuple[ColumnLineage, ...]
    """Records that need no SQL: sources and seeds."""
    models: tuple[tuple[str, bytes], ...]
    """Node id and key of the entry of each model, in order."""
    after: tuple[ColumnLineage | Gap, ...]
    """Semantic models, metrics, and gaps."""


class _File(msgspec.Struct, gc=False):
    version: bytes
    whole: Whole | None
    entries: dict[bytes, msgspec.Raw]
    """An Entry each, decoded when it is asked for, and written again as it was."""
    expressions: dict[bytes, tuple[tuple[str, ...], str]]


class Cache:
    """Entries by hash. `path` None keeps nothing between runs."""

    def __init__(self, path: Path | None, versions: str) -> None:
        self._path = path
        self._key = blake2b(f"{_FORMAT} {versions}".encode(), digest_size=16).digest()
        self._old: dict[bytes, msgspec.Raw] = {}
        self._old_expressions: dict[bytes, tuple[tuple[str, ...], str]] = {}
        self._new: dict[bytes, msgspec.Raw] = {}
        self._decode = msgspec.msgpack.Decoder(Entry).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._expressions: dict[bytes, tuple[tuple[str, ...], str]] = {}
        self._whole: Whole | None = None
        self._changed = False
        if path is not None:
            self._load(path)

    @property
    def lasts(self) -> bool:
        """What is kept is there for the next run."""
        return self._path is not None

    def whole(self, shown: str, inputs: Inputs, files: Sequence[Path]) -> tuple[Whole, list[Entry]] | None:
        """The run of these very files, or of files with the same content, with the entry of each model.

        None unless all of that was kept.
        """
        found = self._whole
        if found is None or found.shown != shown:
            return None
        untouched = inputs and found.inputs == inputs
        if not (untouched or (found.contents and all(map(has_content, files, found.contents)))):
            return None
        entries = [entry for _, key in found.models if (entry := self.get(key)) is not None]
        return (found, entries) if len(entries) == len(found.models) else None

    def keep_whole(self, whole: Whole | None) -> None:
        """Keep this run as a whole, or none."""
        if whole != self._whole:
            self._whole, self._changed = whole, True

    def key(self, sql: bytes | msgspec.Raw, *context: str) -> bytes:
        """The hash of a query and of what its meaning depends on besides its tables."""
        told = "\0".join(context).encode(errors="surrogatepass")
        return blake2b(b"\0".join((told, sql)), digest_size=16, key=self._key).digest()

    def get(self, key: bytes) -> Entry | None:
        """What was found for it; whether its state still holds is for the caller to say."""
        kept = self._old.get(key)
        if kept is None:
            return None
        try:
            return self._decode(kept)
        except (ValueError, RecursionError, msgspec.MsgspecError):
            return None

    def keep(self, key: bytes) -> None:
        """Keep what `get` gave."""
        self._new[key] = self._old[key]

    def put(self, key: bytes, entry: Entry) -> None:
        """Keep a new entry."""
        if self._path is not None:
            self._changed = True
            self._new[key] = msgspec.Raw(self._encode(entry))

    def expression(self, key: bytes) -> tuple[tuple[str, ...], str] | None:
        """Columns and problem of an expression."""
        found = self._expressions.get(key) or self._old_expressions.get(key)
        if found is not None:
            self._expressions[key] = found
        return found

    def put_expression(self, key: bytes, found: tuple[tuple[str, ...], str]) -> None:
        """Keep an expression."""
        self._changed = True
        self._expressions[key] = found

    def save(self) -> str:
        """Write what this run used, all of it or nothing. Returns '' or why that was not possible."""
        path = self._path
        gone = len(self._old) != len(self._new) or len(self._old_expressions) != len(self._expressions)
        if path is None or not (self._changed or gone):
            return ""
        content = msgspec.msgpack.encode(_File(self._key, self._whole, self._new, self._expressions))
        try:
            put_whole(path, content, private=True)
        except (OSError, ValueError) as error:
            return _reason(error)
        return ""

    def _load(self, path: Path) -> None:
        """What an earlier run wrote; nothing when there is none, it is damaged, or of other versions."""
        try:
            if not path.is_file() or path.stat().st_size > _MOST_BYTES:
                return
            content = path.read_bytes()
            found = msgspec.msgpack.Decoder(_File).decode(content)
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            return
        if found.version == self._key:
            self._old, self._old_expressions, self._whole = found.entries, found.expressions, found.whole


def digest_of(parts: Iterable[str]) -> bytes:
    """A digest of texts, their order and their borders."""
    return blake2b("\0".join(parts).encode(errors="surrogatepass"), digest_size=16).digest()


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or "this is not a possible file name"
