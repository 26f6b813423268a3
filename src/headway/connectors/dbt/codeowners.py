"""CODEOWNERS files: which owners a path has, in the syntax GitHub and GitLab share and in GitLab's sections.

The last line that matches a path decides; in a file with sections the last line of each section does, and the owners
of all sections count together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_RULES = 10_000
_LONGEST_PATH = 1_000

_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>(?:\s.*)?)$")


@dataclass
class _Section:
    """Rules in file order; a higher number is later and wins."""

    folders: dict[str, int] = field(default_factory=dict)
    """Anchored patterns without a wildcard: the path of a file or folder, and the number of its last rule."""
    globs: list[tuple[int, re.Pattern[str]]] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)

    def owner_of(self, path: str) -> str:
        best = -1
        end = len(path)
        while end > 0:
            best = max(best, self.folders.get(path[:end], -1), self.folders.get(path[:end] + "/", -1))
            end = path.rfind("/", 0, end)
        for number, pattern in reversed(self.globs):
            if number < best:
                break
            if pattern.match(path):
                best = number
                break
        return self.owners[best] if best >= 0 else ""


class CodeOwners:
    """The rules of one CODEOWNERS file, compiled once. `problems` are the lines that could not be used."""

    def __init__(self, text: str) -> None:
        self.problems: list[str] = []
        self._sections = [_Section()]
        self._known: dict[str, str] = {}
        default = ""
        rules = 0
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.strip()
            if not stripped or stripped.startswith("#"):
                continue
            heading = _SECTION.match(stripped)
            if heading:
                default = _owners(heading["owners"])
                self._sections.append(_Section())
                continue
            rules += 1
            if rules > MOST_RULES:
                self.problems.append(f"line {number}: only the first {MOST_RULES:,} rules are read")
                break
            problem = self._add(stripped, default)
            if problem:
                self.problems.append(f"line {number}: {problem}")

    def owner_of(self, path: str) -> str:
        """Owners of `path` (relative to the root of the repository, `/` between folders), or ''."""
        found = self._known.get(path)
        if found is None:
            names = [] if len(path) > _LONGEST_PATH else [section.owner_of(path) for section in self._sections]
            found = ", ".join(dict.fromkeys(filter(None, names)))
            self._known[path] = found
        return found

    def _add(self, line: str, default: str) -> str:
        pattern, owners = _split(line)
        section = self._sections[-1]
        excluded = pattern.startswith("!")
        if excluded and len(self._sections) == 1:
            return "`!` has no meaning in CODEOWNERS; the line is ignored"
        pattern = pattern.removeprefix("!")
        if not pattern.strip("/"):
            return "names no path"
        if len(pattern) > _LONGEST_PATH:
            return f"the pattern is longer than {_LONGEST_PATH:,} characters; the line is ignored"
        number = len(section.owners)
        section.owners.append("" if excluded else _owners(owners) or default)
        anchored = "/" in pattern.rstrip("/")
        if anchored and not any(c in pattern for c in "*?\\"):
            section.folders[pattern.removeprefix("/")] = number
        else:
            section.globs.append((number, re.compile(_regex(pattern))))
        return ""


def _split(line: str) -> tuple[str, str]:
    """The pattern, up to the first blank that is not escaped, and the rest."""
    at = 0
    while at < len(line):
        if line[at] == "\\":
            at += 2
            continue
        if line[at].isspace():
            break
        at += 1
    return line[:at], line[at:]


def _owners(text: str) -> str:
    """The owners of a line. `@company/sales-team` is the team that the rest of a project calls `sales-team`."""
    names = []
    for word in text.split():
        if word.startswith("#"):
            break
        names.append((word.startswith("@") and "/" in word and word.rpartition("/")[2]) or word)
    return ", ".join(names)


def _regex(pattern: str) -> str:
    """The pattern as a regular expression that cannot run away.

    Without a slash (but for one at its end) a pattern matches at any depth; what it matches as a folder it matches
    with everything below, except that a last `*` stays in its own folder. Segments between two `**` take the earliest
    fit and never try again: they match whole folders, so an earlier fit only leaves more to match.
    """
    segments = [s for s in pattern.split("/") if s]
    if "/" not in pattern.rstrip("/"):
        segments.insert(0, "**")
    blocks: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            blocks.append([])
        else:
            blocks[-1].append(_segment(segment))
    first, *later = blocks
    inner = [block for block in later[:-1] if block]
    parts = ["".join(f"{part}/" for part in first)] if later else ["/".join(first)]
    parts += [f"(?>(?:[^/]+/)*?{'/'.join(block)}/)" for block in inner]
    if later:
        parts.append("(?:[^/]+/)*" + "/".join(later[-1]) if later[-1] else ".+")
    if segments[-1] == "**":
        return "".join(parts) + r"\Z"
    tail = "/.+" if pattern.endswith("/") else "" if segments[-1] == "*" else "(?:/.*)?"
    return "".join(parts) + tail + r"\Z"


def _segment(segment: str) -> str:
    """One segment. All stars but the last take the earliest fit and never try again, so matching stays linear."""
    pieces: list[str] = [""]
    at = 0
    while at < len(segment):
        char = segment[at]
        if char == "*":
            if len(pieces) == 1 or pieces[-1]:
                pieces.append("")
        elif char == "?":
            pieces[-1] += "[^/]"
        else:
            if char == "\\" and at + 1 < len(segment):
                at += 1
                char = segment[at]
            pieces[-1] += re.escape(char)
        at += 1
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1])
    only_star = not any(pieces)
    return pieces[0] + middle + ("[^/]+" if only_star else "[^/]*") + pieces[-1]
