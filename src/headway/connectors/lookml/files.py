"""A LookML project as files: what is there, what includes what, and its constants."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from headway.connectors.lookml.worker import Board
from headway.errors import InputError, Place

MOST_FILES = 20_000
"""No project has more; a folder that has is the wrong one."""
_ENDINGS = (".lkml", ".lookml")
_CONSTANT = re.compile(r"@\{\s*(\w+)\s*\}")

Statement = list[Any]
"""`[key, value, line, body]`, see worker.statements."""


@dataclass(slots=True)
class File:
    """One file that could be read."""

    project: str
    path: str
    """Inside its project, with `/`."""
    shown: str
    """How messages and nodes name it."""
    statements: Sequence[Statement] = ()
    boards: Sequence[Board] = ()

    @property
    def model(self) -> str:
        """Name of the model that a model file makes; '' for every other file."""
        name = self.path.rpartition("/")[2]
        return name.removesuffix(".model.lkml") if name.endswith(".model.lkml") else ""

    def said(self, key: str) -> Iterator[Statement]:
        """The statements of a key at the top of the file."""
        return (statement for statement in self.statements if statement[0] == key)


@dataclass(slots=True)
class Project:
    """One LookML project: a folder."""

    name: str
    files: dict[str, File] = field(default_factory=dict)
    """By path."""
    constants: dict[str, str] = field(default_factory=dict)
    overridden: dict[str, dict[str, str]] = field(default_factory=dict)
    """Constants that it sets in the projects it imports, by project."""
    _stems: dict[str, str] = field(default_factory=dict)

    def settle(self) -> None:
        """Take the constants from the manifest. Called once, when all files are there."""
        manifest = self.files.get("manifest.lkml")
        for key, value, _, body in manifest.statements if manifest else ():
            if key == "constant":
                self.constants.setdefault(value, text(body, "value"))
            elif key in {"local_dependency", "remote_dependency"} and body is not None:
                target = text(body, "project") or value
                over = {s[1]: text(s[3], "value") for s in body if s[0] == "override_constant"}
                self.overridden.setdefault(target if isinstance(target, str) else "", {}).update(over)

    def named(self) -> str:
        """The name that the manifest gives the project; '' when it gives none."""
        manifest = self.files.get("manifest.lkml")
        return next((s[1] for s in manifest.said("project_name") if isinstance(s[1], str)), "") if manifest else ""

    def filled(self, written: str) -> str:
        """A text with its `@{constants}` filled in; one that is not known is left as it is written."""
        for _ in range(4):  # a constant may name another one, which Looker fills in as well
            filled = _CONSTANT.sub(lambda found: self.constants.get(found[1], found[0]), written)
            if filled == written or len(filled) > 100_000:
                break
            written = filled
        return written

    def matching(self, pattern: str, beside: str) -> list[str]:
        """Paths of the files that an include means, written in the file `beside`; in order of path.

        `/` at the start is the top of the project, `*` does not cross a folder, `**` does. The ending may be left out.
        A name without a folder that is not beside the file is looked for everywhere, as in projects without folders.
        """
        if not self._stems:
            for path in sorted(self.files):
                for ending in ("", *_ENDINGS):
                    if path.endswith(ending):
                        self._stems.setdefault(path.removesuffix(ending), path)
        absolute = pattern.startswith("/")
        clean = pattern.lstrip("/")
        here = "" if absolute else beside.rpartition("/")[0]
        whole = os.path.normpath(f"{here}/{clean}" if here else clean).replace(os.sep, "/")
        found = self._glob(whole)
        if not found and not absolute and "/" not in clean:
            found = self._glob(f"**/{clean}")
        return found

    def _glob(self, pattern: str) -> list[str]:
        tail = re.split(r"[*?\[\]]", pattern)[-1]
        if tail == pattern:
            return [self._stems[pattern]] if pattern in self._stems else []
        parts = pattern.split("/")
        near = (stem for stem in self._stems if stem.endswith(tail))
        return sorted({self._stems[stem] for stem in near if _fits(parts, stem.split("/"))})


def _fits(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a path fits a pattern, folder by folder; never more than their product of steps."""
    at = {0}
    for number, want in enumerate(pattern):
        if want == "**":
            at = set(range(min(at), len(parts) + (number == len(pattern) - 1))) if at else at
        else:
            at = {i + 1 for i in at if i < len(parts) and fnmatch.fnmatchcase(parts[i], want)}
        if not at:
            return False
    return len(parts) in at


def text(body: Sequence[Statement] | None, key: str) -> str:
    """The text that a body says for a key, the last one; '' when it says none."""
    return next((s[1] for s in reversed(body or ()) if s[0] == key and isinstance(s[1], str)), "")


def texts(body: Sequence[Statement] | None, key: str) -> list[str]:
    """All texts that a body says for a key: lists and single ones, in order."""
    found: list[str] = []
    for statement in body or ():
        if statement[0] == key:
            found += [statement[1]] if isinstance(statement[1], str) else [str(one) for one in statement[1]]
    return found


def walk(folder: Path, shown: str) -> list[tuple[Path, str]]:
    """Every LookML file below a folder with its path inside, in order. Links that lead out of it are left out.

    Raises InputError when there is no such folder, it cannot be listed, or it has too many files.
    """
    place = Place(shown)
    try:
        if not folder.exists():
            raise InputError("there is no such folder", place=place)
        if not folder.is_dir():
            raise InputError("is not a folder", place=place, hint="name the folder of the LookML project")
    except (OSError, ValueError):
        raise InputError("this is not a possible folder", place=place) from None
    root = folder.resolve()
    found: list[tuple[Path, str]] = []

    def refused(error: OSError) -> None:
        raise InputError(f"cannot be listed: {error.strerror}", place=place)

    for here, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        for name in sorted(names):
            if not name.endswith(_ENDINGS) or name.startswith("."):
                continue
            path = Path(here, name)
            if path.is_symlink() and not _inside(path, root):
                continue
            found.append((path, PurePosixPath(path.relative_to(folder)).as_posix()))
            if len(found) > MOST_FILES:
                raise InputError(f"holds more than {MOST_FILES:,} files of LookML", place=place)
    return found


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):
        return True  # a link to itself: it is there, and reading it says what is wrong


def included(start: File, projects: Mapping[str, Project], missing: Callable[[File, str, int], None]) -> list[File]:
    """A model file and all that it includes, directly or not, each once, in the order of inclusion.

    `//name/...` leads to another project. `missing` is called with the file, the pattern and the line of each include
    that leads nowhere.
    """
    found = {(start.project, start.path): start}
    todo = [start]
    while todo:
        file = todo.pop(0)
        for _, written, line, _ in file.said("include"):
            for pattern in [written] if isinstance(written, str) else written:
                hits = _hits(str(pattern), file, projects)
                if not hits:
                    missing(file, str(pattern), line)
                for hit in hits:
                    if (hit.project, hit.path) not in found:
                        found[hit.project, hit.path] = hit
                        todo.append(hit)
    return list(found.values())


def _hits(pattern: str, file: File, projects: Mapping[str, Project]) -> list[File]:
    own = projects[file.project]
    pattern = own.filled(pattern)
    if pattern.startswith("//"):
        name, _, rest = pattern[2:].partition("/")
        project = projects.get(name)
        return [project.files[path] for path in project.matching(f"/{rest}", "")] if project else []
    return [own.files[path] for path in own.matching(pattern, file.path)]
