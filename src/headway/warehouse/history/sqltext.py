"""What one statement reads and builds, from its text; and a cache of that, so that no statement is parsed twice.

The parser is sqlglot, in its compiled form where that is installed. Nothing of a text leaves this module but names of
relations and columns: not its literals, not in errors, not in the log.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from headway.files import put_whole
from headway.sql import TooDeep, Unparsed, quietly, trees

EVERY = "*"
"""In place of a column: any of them may have been read."""

_VERSION = 2
"""Of what is kept; a cache of another version is not read."""
_LONGEST = 400_000
"""A longer statement is not parsed: it is data, or a machine's."""
_MOST = 500_000
_LARGEST_FILE = 1 << 28

Parts = tuple[str, ...]
"""A relation as it was written: one to three names, lower case, quotes removed."""


class Parsed(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a statement does to relations. Names as written; defaults are not filled in."""

    kind: str = ""
    """SELECT, INSERT, ... as the parser sees it."""
    reads: dict[str, tuple[str, ...]] = {}
    """Relation (parts joined by a zero character) to columns; EVERY among them where that cannot be told."""
    builds: tuple[str, ...] = ()
    """Relations written to; () for a statement that only reads."""
    temporary: tuple[str, ...] = ()
    """Names of temporary tables it makes. Making one is a read."""
    problem: str = ""
    """Why nothing is known: `syntax`, `deep`, `long`, `unknown`."""


def parts_of(key: str) -> Parts:
    """The parts of a relation in `Parsed`."""
    return tuple(key.split("\0"))


def key_of(parts: Parts) -> str:
    """A relation as `Parsed` keeps it."""
    return "\0".join(parts)


# --- Parsing ---------------------------------------------------------------------------------------------------------

_SILENT = frozenset(
    re.findall(
        r"\w+",
        "set show begin commit rollback start savepoint release use describe desc explain analyze vacuum grant revoke"
        " comment pragma call fetch close deallocate discard listen notify unlisten lock checkpoint install load attach"
        " detach reset kill alter drop truncate abort end declare execute prepare cluster reindex refresh import export"
        " cache uncache clear optimize msck optimise list put get remove rm ls deny security undrop unset copy"
        " reassign",
    )
)
"""First words of statements that read no rows of a relation, where the parser does not know them."""
_ROWS = re.compile(r"\s*(?:(?!(?:on|for|as|foreign|external)\b)\w+\s+){0,5}?(?:table|view|model)\b", re.IGNORECASE)
"""What follows CREATE where rows or a query are made; roles, schemas, extensions, policies, tasks, ... read nothing."""
_ADMINISTRATION = frozenset({"drop", "grant", "revoke", "reassign", "security", "comment"})
"""First words of statements that hold no query, so that there is nothing to miss where the parser refuses them."""
_LED = r"\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*"
_CURSOR = re.compile(
    _LED + r"(?:declare\s+(?:\"[^\"]*\"|\w+)\s+[\w\s]*?cursor\b[\w\s]*?\bfor\b"
    r"|prepare\s+\w+\s*(?:\([^)]*\))?\s*as\b)",
    re.IGNORECASE | re.DOTALL,
)
_UNLOAD = re.compile(_LED + r"unload\s*\(\s*'((?:[^'\\]|''|\\.)*)'\s*\)", re.IGNORECASE | re.DOTALL)
_PLACEHOLDER = re.compile(r"""((?:'[^']*'|"[^"]*")+)|(?<![\w$])\$\d+(?![\w$])""")
_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*([a-zA-Z_]+)", re.DOTALL)


def parse(text: str, dialect: str) -> Parsed:
    """What a statement (or several, separated by semicolons) reads and builds. Never raises for what is in the text."""
    if len(text) > _LONGEST:
        return Parsed(kind=_first_word(text), problem="long")
    if found := _CURSOR.match(text):
        text = text[found.end() :]
    elif found := _UNLOAD.match(text):  # Redshift's export: a query inside a literal
        text = found[1].replace("''", "'").replace("\\'", "'")
    try:
        with quietly():
            try:
                return _read(text, dialect)
            except TooDeep:
                raise
            except Unparsed:
                # the parser stumbles over some placeholders (`$1 <> ''`); NULL stands wherever one can
                bare = _PLACEHOLDER.sub(lambda found: found[1] or "NULL", text)
                if bare == text:
                    raise
                return _read(bare, dialect)
    except (TooDeep, RecursionError):
        return Parsed(kind=_first_word(text), problem="deep")
    except Unparsed:
        return Parsed(kind=_first_word(text), problem="" if _administers(text) else "syntax")
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        # a tree of a form that it should not have
        return Parsed(kind=_first_word(text), problem="syntax")


_VERBS = frozenset(
    [
        "ALTER",
        "ANALYZE",
        "BEGIN",
        "CALL",
        "COMMENT",
        "COMMIT",
        "COPY",
        "CREATE",
        "DECLARE",
        "DELETE",
        "DESCRIBE",
        "DO",
        "DROP",
        "EXECUTE",
        "EXPLAIN",
        "EXPORT",
        "FETCH",
        "FROM",
        "GRANT",
        "INSERT",
        "LOAD",
        "LOCK",
        "MERGE",
        "OPTIMIZE",
        "PIVOT",
        "PREPARE",
        "REFRESH",
        "REINDEX",
        "RESET",
        "REVOKE",
        "ROLLBACK",
        "SELECT",
        "SET",
        "SHOW",
        "SUMMARIZE",
        "TRUNCATE",
        "UNLOAD",
        "UPDATE",
        "USE",
        "VACUUM",
        "VALUES",
        "WITH",
    ]
) | {word.upper() for word in _SILENT}
"""What a statement can begin with. Any other first word is somebody's text."""


def _first_word(text: str) -> str:
    """The verb of a statement that could not be parsed; '' when its first word is none."""
    found = _FIRST_WORD.match(text[:10_000])
    word = found[1].upper() if found else ""
    return word if word in _VERBS else ""


def _read(text: str, dialect: str) -> Parsed:
    from headway.warehouse.history.reads import Reading

    reading = Reading(text)
    for tree in trees(text, dialect):
        if not reading.add(tree) and not _silent(tree):
            return Parsed(kind=_first_word(text), problem="unknown")
    return Parsed(
        kind=reading.kind or _first_word(text),
        reads={key_of(parts): tuple(sorted(columns)) for parts, columns in sorted(reading.reads.items())},
        builds=tuple(sorted(key_of(parts) for parts in reading.builds)),
        temporary=tuple(sorted(reading.temporary)),
    )


def _silent(tree: Any) -> bool:
    """Whether a statement that the parser took as it is reads no rows of a relation."""
    word = _first_word(tree.this).lower() if isinstance(tree.this, str) else ""
    rest = tree.args.get("expression")
    return word in _SILENT or (word == "create" and not _ROWS.match(str(getattr(rest, "this", rest) or "")))


def _administers(text: str) -> bool:
    """Whether a text that the parser refuses is one statement that can hold no query."""
    found = _FIRST_WORD.match(text[:10_000])
    if not found or ";" in text.rstrip("; \t\r\n"):
        return False
    word = found[1].lower()
    return word in _ADMINISTRATION or (word in {"create", "alter"} and not _ROWS.match(text, found.end()))


# --- The cache -------------------------------------------------------------------------------------------------------


class Cache:
    """Parsed statements by key, in one file per dialect below a folder. What cannot be read is as if it were not there.

    It holds names of relations and columns only. Written whole beside the old one and put in its place.
    """

    def __init__(self, folder: Path | None, dialect: str) -> None:
        import sqlglot

        self._stamp = f"{_VERSION} {dialect} {sqlglot.__version__}"
        self._path = folder / f"history-{dialect or 'sql'}.msgpack" if folder else None
        self._known: dict[str, Parsed] = self._loaded()
        self._used: dict[str, Parsed] = {}
        self._new = False

    def get(self, key: str) -> Parsed | None:
        """What was parsed before, or None."""
        found = self._known.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def put(self, key: str, parsed: Parsed) -> None:
        """Keep what was parsed."""
        self._known[key] = self._used[key] = parsed
        self._new = True

    def save(self) -> None:
        """Write it, if there is something new. A folder that cannot be written to costs time at the next sync only."""
        if self._path is None or not self._new:
            return
        kept = self._known if len(self._known) <= _MOST else self._used
        data = msgspec.msgpack.encode((self._stamp, kept))
        with contextlib.suppress(OSError):
            put_whole(self._path, data, private=True)

    def _loaded(self) -> dict[str, Parsed]:
        if self._path is None:
            return {}
        try:
            if self._path.stat().st_size > _LARGEST_FILE:
                return {}
            stamp, known = msgspec.msgpack.decode(self._path.read_bytes(), type=tuple[str, dict[str, Parsed]])
        except (OSError, msgspec.MsgspecError, RecursionError, ValueError):
            return {}
        return known if stamp == self._stamp else {}


def warehouse_reads(text: str) -> Mapping[Parts, tuple[str, ...]] | None:
    """What a warehouse says was read, `[["db.schema.table", ["COL", ...] or null], ...]`; None if it is not that.

    Names may be quoted, and may have dots inside quotes.
    """
    try:
        pairs = msgspec.json.decode(text.encode(), type=list[tuple[str, list[str] | None]])
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    found: dict[Parts, tuple[str, ...]] = {}
    for name, columns in pairs:
        parts = split_name(name)
        if parts:
            said = (EVERY,) if columns is None else tuple(sorted({c.lower() for c in columns if c}))
            found[parts] = tuple(sorted({*found.get(parts, ()), *said}))
    return found


_NAME_PART = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|([^.]+)')


def split_name(name: str) -> Parts:
    """The last three parts of a dotted name, lower case, quotes removed."""
    found = (next(part for part in match.groups() if part is not None) for match in _NAME_PART.finditer(name))
    parts = [part.replace('""', '"') for part in found]
    return tuple(part.strip().lower() for part in parts if part.strip())[-3:]
