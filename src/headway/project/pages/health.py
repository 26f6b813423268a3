"""Health: what was read, when, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from headway.answer import Gap, plural
from headway.project.pages.page import Page, Phrase, Tone
from headway.project.sources import VALUES, by_name
from headway.project.workspace import Project

LATE = timedelta(hours=26)
"""A source that was last read longer ago than this is late: a nightly sync that was missed."""

State = Literal["fresh", "late", "failed", "never", "running", "files"]

_WORDS: Mapping[State, tuple[str, Tone, str]] = {
    "fresh": ("Read", "good", "shield"),
    "late": ("Late", "warn", "triangle"),
    "failed": ("Failed", "bad", "crossed"),
    "never": ("Never read", "mute", "open"),
    "running": ("Being read", "mute", "open"),
    "files": ("Read from files", "mute", "open"),
}


class Mark(msgspec.Struct, frozen=True):
    """A state as icon, word and tone."""

    text: str
    tone: Tone
    icon: str


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One configured source, or the evaluation of the key results."""

    name: str
    state: State
    mark: Mark
    read_at: datetime | None
    """When it was last read well."""
    read: str
    """`22 Nov, 06:00 UTC`; '' where it never was."""
    records: int | None
    """Records of that sync."""
    message: str
    """Why the last sync failed, as it was said then."""


class GapGroup(msgspec.Struct, frozen=True):
    """What is not known about one topic."""

    topic: str
    count: int
    gaps: tuple[Gap, ...]


class Health(Page, frozen=True, kw_only=True):
    """The page."""

    sources: tuple[SourceRow, ...]
    unknown: tuple[GapGroup, ...]
    stored: bool
    """Answers come from the store; otherwise the files were read when the server started."""
    nodes: int
    assets: int
    edges: int


def health(project: Project) -> Health:
    """Every configured source with its last sync, and every gap by topic, the largest group first."""
    graph = project.graph()
    sources = _sources(project)
    found = graph.gaps
    topics = Counter(g.topic for g in found)
    unknown = tuple(GapGroup(t, n, tuple(g for g in found if g.topic == t)) for t, n in topics.most_common())
    return Health(
        title="Health",
        sentence=_sentence(sources, len(found)),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        sources=sources,
        unknown=unknown,
        stored=project.stored,
        nodes=len(graph.nodes),
        assets=len(graph.assets),
        edges=len(graph.edges[0]),
    )


def _sources(project: Project) -> tuple[SourceRow, ...]:
    names = list(by_name(project.config.sources))
    if not project.stored:
        return tuple(_row(name, "files", None, None, "") for name in names)
    with project.store() as store:
        syncs = store.syncs()
    rows = []
    for name in [*names, VALUES]:
        own = sorted((s for s in syncs if s.connector == name), key=lambda s: s.id)
        done = [s for s in own if s.status == "done"]
        last, good = (own[-1] if own else None), (done[-1] if done else None)
        read = good.finished if good else None
        state: State = "never"
        if last and last.status in {"failed", "interrupted"}:
            state = "failed"
        elif last and last.status == "running":
            state = "running"
        elif read:
            state = "late" if project.now - read > LATE else "fresh"
        records = good.counts.total if good else None
        rows.append(_row(name, state, read, records, last.message if last and state == "failed" else ""))
    return tuple(rows)


def _row(name: str, state: State, read: datetime | None, records: int | None, message: str) -> SourceRow:
    when = read.astimezone(UTC) if read else None
    said = f"{when.day} {when:%b}, {when:%H:%M} UTC" if when else ""
    return SourceRow(
        name=name, state=state, mark=Mark(*_WORDS[state]), read_at=read, read=said, records=records, message=message
    )


def _sentence(sources: Sequence[SourceRow], gaps: int) -> tuple[Phrase, ...]:
    unknown = f"{plural(gaps, 'thing')} {'is' if gaps == 1 else 'are'} not known." if gaps else "nothing is missing."
    states = Counter(s.state for s in sources)
    if states["failed"]:
        return (Phrase(f"{plural(states['failed'], 'source')} failed", "bad"), Phrase(f"; {unknown}"))
    if states["late"]:
        return (Phrase(f"{plural(states['late'], 'source')} late", "warn"), Phrase(f"; {unknown}"))
    if states["fresh"] and states["never"]:
        never = plural(states["never"], "source")
        return (Phrase(f"{never} {'was' if states['never'] == 1 else 'were'} never read; {unknown}"),)
    return (Phrase(f"{'All sources are read' if states['fresh'] else 'Nothing was synced yet'}; {unknown}"),)
