"""Which SQL a node runs: what dbt compiled, or its own text where that needs no compiling."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from headway.connectors.artifact import exists, read
from headway.connectors.columns.artifacts import NOTHING, Manifest, Node, text_of
from headway.errors import InputError

EPHEMERAL = "__dbt__cte__"
"""How dbt begins the name of the common table expression that stands for an ephemeral model."""

NOT_COMPILED = "not compiled: run dbt compile"
PYTHON = "it is a Python model"

_MOST_TEXT = 2_000_000
_STRING = r"""\s*(?:'([^'"\\{}]*)'|"([^'"\\{}]*)")\s*"""
_REF = re.compile(
    r"\{\{-?\s*ref\("
    + _STRING
    + r"(?:,"
    + _STRING
    + r")?(?:,\s*v(?:ersion)?\s*=\s*['\"]?([\w.]+)['\"]?\s*)?\)\s*-?\}\}"
)
_SOURCE = re.compile(r"\{\{-?\s*source\(" + _STRING + "," + _STRING + r"\)\s*-?\}\}")
_CONFIG = re.compile(r"\{\{-?\s*config\([^{}]*\)\s*-?\}\}")
_COMMENT = re.compile(r"\{#(?:[^#]|#(?!\}))*#\}")


class Statements:
    """Finds the SQL of every node. `folder` is where the manifest lies; dbt leaves `compiled/` beside it."""

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        self._manifest = manifest
        self._compiled = folder / "compiled"
        self._any_compiled = exists(self._compiled)
        self._names: dict[tuple[str, ...], str] | None = None
        self.looked_beside = False
        """The manifest did not say it all: files beside it were looked for."""

    def bytes_of(self, node: Node) -> bytes | msgspec.Raw:
        """What to tell the SQL of a node by: compiled text, or a file; b'' when there is none of either."""
        for raw in (node.compiled_code, node.compiled_sql):
            if len(memoryview(raw)) > 4:  # not null, not the empty string
                return raw
        return self._file(node)

    def sql(self, node: Node, found: bytes | msgspec.Raw) -> tuple[str, str]:
        """The SQL, and '' or why there is none. `found` is what `bytes_of` gave."""
        if node.language not in (None, "sql"):
            return "", PYTHON if node.language == "python" else f"it is written in {str(node.language)[:20]}, not SQL"
        text = text_of(found) if isinstance(found, msgspec.Raw) else found.decode("utf-8", errors="replace")
        if text.strip():
            return text, ""
        text = self._uncompiled(node)
        return text, "" if text.strip() else NOT_COMPILED

    def _file(self, node: Node) -> bytes:
        """The file that dbt compiled to, for manifests that a later command wrote without compiling."""
        self.looked_beside = True
        if not self._any_compiled or not node.package_name or not node.original_file_path:
            return b""
        path = self._compiled / node.package_name / node.original_file_path
        try:
            inside = path.resolve().is_relative_to(self._compiled.resolve())
        except (OSError, ValueError, RuntimeError):
            return b""
        if path.suffix != ".sql" or not inside or not path.is_file():
            return b""
        try:
            return bytes(read(path, node.original_file_path))
        except InputError:
            return b""  # as if it were not there: then the node is not compiled, and that is said

    def _uncompiled(self, node: Node) -> str:
        """The text as written, when all of its Jinja is refs, sources, comments and config; '' otherwise."""
        text = text_of(node.raw_code) if node.raw_code is not NOTHING else text_of(node.raw_sql)
        if len(text) > _MOST_TEXT:
            return ""
        text = _CONFIG.sub("", _COMMENT.sub("", text))
        text = _SOURCE.sub(self._replace(lambda m: self._source(m[1] or m[2] or "", m[3] or m[4] or "")), text)
        text = _REF.sub(self._replace(lambda m: self._ref(node, m)), text)
        return "" if "{{" in text or "{%" in text or "{#" in text else text

    @staticmethod
    def _replace(find: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
        return lambda match: find(match) or match[0]  # what is not found stays Jinja, so the text is not used

    def _source(self, source: str, table: str) -> str:
        return self._relation(self._index().get(("source", source, table), ""))

    def _ref(self, node: Node, match: re.Match[str]) -> str:
        first, second, version = match[1] or match[2] or "", match[3] or match[4] or "", match[5] or ""
        name = second or first
        index = self._index()
        depends = set(node.depends_on.nodes) if node.depends_on else set()
        keys = [(name, f"v{version}")] if version else [(name, "latest"), (name,)]
        found = [uid for key in keys if (uid := index.get(key, ""))]
        return self._relation(next((uid for uid in found if uid in depends), found[0] if found else ""))

    def _relation(self, uid: str) -> str:
        node = self._manifest.nodes.get(uid) or self._manifest.sources.get(uid)
        if node is None:
            return ""
        ephemeral = node.config is not None and node.config.materialized == "ephemeral"
        return f"{EPHEMERAL}{node.name}" if ephemeral else node.relation_name or ""

    def _index(self) -> Mapping[tuple[str, ...], str]:
        """Nodes by what ref and source call them."""
        if self._names is None:
            names: dict[tuple[str, ...], str] = {}
            for uid, node in self._manifest.nodes.items():
                if uid.startswith(("model.", "snapshot.", "seed.")):
                    if node.version is None:
                        names.setdefault((node.name,), uid)
                        continue
                    names[node.name, f"v{node.version}"] = uid
                    if node.version == node.latest_version:
                        names[node.name, "latest"] = uid
            for uid, node in self._manifest.sources.items():
                names["source", node.source_name or "", node.name] = uid
            self._names = names
        return self._names
