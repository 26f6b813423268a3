"""The stages of a retirement before it begins: which files each would change, and how. For reading; nothing is written.

Each stage is worked out from the files as they are today. What a line of SQL or Python says is not shown: of such files
only their length is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import msgspec

from headway.answer import plural
from headway.errors import HeadwayError
from headway.project.dbt_stages import STAGES, Stage
from headway.project.journal import Change
from headway.project.retire import differing, prepare
from headway.project.reviewed import printable
from headway.project.workspace import Project

MOST_LINES = 200
"""Lines of one file that are shown."""
MOST_FILES = 50

_CODE = frozenset({".sql", ".py"})
_MEANS = {
    "announced": "People are told, with a day. Nothing of dbt changes.",
    "deprecated": "dbt warns whoever selects it, from the day on.",
    "disabled": "dbt builds it no more. What is built stays where it is.",
    "dropped": "Its code and what is said of it go. The statements that drop it are for people to run.",
}


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage changes in one file."""

    path: str
    what: str
    """`new, 9 lines`, `removed, 34 lines`, `2 lines more and 1 line fewer`."""
    lines: tuple[str, ...]
    """Those that come (`+`), go (`-`) and stand beside them (a blank); none of a file of code."""
    more: int
    """Lines that are not shown."""


class StagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One stage."""

    stage: Stage
    means: str
    files: tuple[FileChange, ...]
    more_files: int
    notes: tuple[str, ...]
    """What people have to do themselves."""
    statements: tuple[str, ...]
    """Only of the last stage: what drops the tables."""
    problem: str
    """Why this stage cannot be, as the files are today; else ''."""


def stages_of(project: Project, nodes: Sequence[str]) -> tuple[StagePlan, ...]:
    """Every stage of retiring some assets (ids), in their order. What cannot be is a problem of its stage."""
    return tuple(_stage(project, nodes, stage) for stage in STAGES)


def _stage(project: Project, nodes: Sequence[str], stage: Stage) -> StagePlan:
    means = _MEANS[stage]
    try:
        prepared = prepare(project, assets=",".join(nodes), stage=stage)
    except HeadwayError as error:
        problem = f"{error.message[:1].upper()}{error.message[1:]}."
        return StagePlan(
            stage=stage, means=means, files=(), more_files=0, notes=(), statements=(), problem=printable(problem)
        )
    changes = list(_files(prepared.changes))
    return StagePlan(
        stage=stage,
        means=means,
        files=tuple(changes[:MOST_FILES]),
        more_files=max(0, len(changes) - MOST_FILES),
        notes=prepared.notes,
        statements=tuple(map(printable, prepared.statements)) if stage == "dropped" else (),
        problem="" if prepared.nodes else "Nothing of it can go.",
    )


def _files(changes: Sequence[Change]) -> Iterator[FileChange]:
    for change in changes:
        lines = differing(change)
        more, less = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        what = " and ".join(f"{plural(n, 'line')} {word}" for n, word in ((more, "more"), (less, "fewer")) if n)
        if change.before is None:
            what = f"new, {plural(more, 'line')}"
        elif change.after is None:
            what = f"removed, {plural(less, 'line')}"
        told = () if PurePosixPath(change.path).suffix in _CODE else tuple(lines)
        yield FileChange(
            path=printable(change.path), what=what, lines=told[:MOST_LINES], more=max(0, len(told) - MOST_LINES)
        )
