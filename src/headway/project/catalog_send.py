"""The goals given out to data catalogs: what is new since the last time is sent, what is no longer so is taken back.

The ledger has what was said of every thing in every catalog: what it is to be before it is sent, and that it was sent
afterwards. So a run that is killed is finished by the next one, nothing is sent twice without need, and what we said is
still known when the goal, or the asset, is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from headway.errors import ConfigError, UsageError
from headway.graph.ledger import Entry
from headway.project.catalog import head
from headway.project.ledger import entries, entry, written_all
from headway.sinks.catalog import CatalogSink, Change, Statement
from headway.sinks.protocol import Delivered, Setting

if TYPE_CHECKING:
    from headway.project.workspace import Project

BY = "headway"
"""Who signs: no person wrote it."""
FILE = "file"
"""The place of what was written into a file, for whoever takes it to the catalog."""
_LONG = 500
"""Characters of a text from which on only its digest is kept."""
_BATCH = 50
"""Receipts that are written down together: at most so many things are sent again after a kill."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger has of one thing in one place."""

    title: str = ""
    sent: Mapping[str, Any] | None = None
    begun: tuple[Mapping[str, Any] | None, ...] = ()
    """What may have arrived since; None: it may have been taken back."""
    taken: tuple[Mapping[str, Any], ...] = ()
    """What was there last when it was taken back, until it is said again."""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    """That of taking it back."""

    @property
    def before(self) -> tuple[Mapping[str, Any], ...]:
        """All of ours that may stand there."""
        return tuple(one for one in (*reversed(self.begun), self.sent) if one)

    def is_said(self, said: Mapping[str, Any] | None) -> bool:
        """Whether exactly this is there, and nothing else can be."""
        return self.sent == said and not self.begun


def send(
    project: Project, name: str, *, write: bool, everything: bool = False, figures: bool = True
) -> Iterator[Delivered]:
    """Send what changed to the catalog that is configured under `catalogs:` by this name, or say what would be sent.

    Things of which nothing changed come first, as `same`. `everything`: those are sent, too. `figures`: with current
    values in the descriptions. Raises ConfigError where the catalog is not configured, UsageError when writing from a
    project without a store, and what the sink raises.
    """
    if write and not project.use_store:
        raise UsageError("what was sent is kept in a store", hint="leave out what names the files one by one")
    sink = sink_of(project, name)
    start = f"{name} {sink.place} "
    known = {
        subject.removeprefix(start): said
        for subject, said in _folded(project, name).items()
        if subject.startswith(start)
    }
    changes, same = _changes(sink.statements(head(project, figures=figures)), known, everything=everything)
    yield from same
    if not write:
        yield from sink.deliver(changes, dry_run=True)
        return
    yield from _written(project, start, sink, changes, known)


def in_file(project: Project, name: str, *, figures: bool = True) -> tuple[str, list[Change]]:
    """Everything that is to be said as a file for the catalog's own tools, with the changes that are in it.

    What any earlier file or run said and what is no longer so is taken back in it: nobody knows which of the files
    arrived. Call `kept` when the file is there. Raises as `send` does, and UsageError for a catalog that takes no file.
    """
    sink = sink_of(project, name)
    written: Callable[[list[Change]], str] | None = getattr(sink, "written", None)
    if written is None:
        raise UsageError(f"{name} takes no file")
    ever: dict[str, _Known] = {}
    for subject, known in _folded(project, name, every=True).items():
        key = subject.split(" ", 2)[2]
        ever[key] = _Known(known.title, None, (*ever.get(key, _Known()).begun, *known.before))
    changes, _ = _changes(sink.statements(head(project, figures=figures)), ever, everything=True)
    return written(changes), changes


def kept(project: Project, name: str, changes: Sequence[Change]) -> None:
    """Write down what was said in a file; nothing where the project keeps no store."""
    if not project.use_store:
        return
    known = _folded(project, name)
    start = f"{name} {FILE} "
    fresh = [
        _entry(start, change, "sent")
        for change in changes
        if change.said is not None and not known.get(start + change.key, _Known()).is_said(_kept(change.said))
    ]
    if fresh:
        written_all(project, fresh)


def sink_of(project: Project, name: str) -> CatalogSink:
    """The configured sink. Raises ConfigError, MissingExtra."""
    options = project.config.catalogs.get(name)
    if options is None:
        raise ConfigError(f"the catalog {name} is not configured", hint=f"catalogs: {{{name}: {{}}}} in headway.yml")
    setting = Setting(project.config.root, project.now, project.environment, project.progress)
    return sink_class(name)(options, setting)


def sink_class(name: str) -> Callable[[Mapping[str, Any], Setting], CatalogSink]:
    """The sink of catalogs that is called so. Raises ConfigError."""
    from headway.sinks.datahub import DataHub
    from headway.sinks.openmetadata import OpenMetadata

    known: dict[str, Callable[[Mapping[str, Any], Setting], CatalogSink]] = {
        sink.name: sink for sink in (DataHub, OpenMetadata)
    }
    if name not in known:
        raise ConfigError(f"goals cannot be given to {name!r}", hint=f"catalogs: one of {', '.join(known)}")
    return known[name]


def _changes(
    statements: Sequence[Statement], known: Mapping[str, _Known], *, everything: bool
) -> tuple[list[Change], list[Delivered]]:
    """What is to be sent, in order, what is taken back last; and what stands there already."""
    changes: list[Change] = []
    same: list[Delivered] = []
    for one in statements:
        before = known.get(one.key, _Known())
        if not everything and before.is_said(_kept(one.said)):
            same.append(Delivered(one.key, "same", f"{one.title}: as it was said before"))
        else:
            changes.append(Change(one.key, one.title, one.said, before.before, before.taken, before.receipt))
    said = {one.key for one in statements}
    gone = [key for key, before in known.items() if key not in said and before.before]
    # What was said last is taken back first: things before what they refer to.
    changes += [Change(key, known[key].title or key, None, known[key].before) for key in reversed(gone)]
    return changes, same


def _written(
    project: Project, start: str, sink: CatalogSink, changes: list[Change], known: Mapping[str, _Known]
) -> Iterator[Delivered]:
    """Write down what is to be sent, send it, and write down that it was."""
    begun = [c for c in changes if (None if c.said is None else _kept(c.said)) not in known.get(c.key, _Known()).begun]
    if begun:
        written_all(project, [_entry(start, change, "begun") for change in begun])
    by_key = {change.key: change for change in changes}
    waiting: list[Entry] = []
    try:
        for done in sink.deliver(changes, dry_run=False):
            if done.outcome in {"sent", "same"}:
                waiting.append(_entry(start, by_key[done.key], "sent", done.receipt))
            if len(waiting) >= _BATCH:
                written_all(project, waiting)
                waiting = []
            yield done
    finally:
        if waiting:
            written_all(project, waiting)


def _folded(project: Project, name: str, *, every: bool = False) -> dict[str, _Known]:
    """Subject -> what is known of it, oldest first. `every`: whatever was said once may still be there."""
    found: dict[str, _Known] = {}
    for one in entries(project, "catalog"):
        if not one.subject.startswith(f"{name} "):
            continue
        known, said = found.get(one.subject, _Known()), one.body.get("said")
        said = said if isinstance(said, dict) else None
        title = str(one.body.get("title", ""))
        if one.act == "begun" or every:
            begun = known.begun if said in known.begun else (*known.begun, said)
            found[one.subject] = replace(known, title=title, begun=begun)
        elif one.act == "sent" and said is not None:
            found[one.subject] = _Known(title, said)
        elif one.act == "sent":
            receipt = one.body.get("receipt")
            receipt = receipt if isinstance(receipt, dict) else known.receipt
            found[one.subject] = _Known(title, taken=(*known.before, *known.taken), receipt=receipt)
    return found


def _entry(start: str, change: Change, act: str, receipt: Mapping[str, Any] | None = None) -> Entry:
    body: dict[str, Any] = {"title": change.title, "said": None if change.said is None else _kept(change.said)}
    body |= {"receipt": dict(receipt)} if receipt and change.said is None else {}
    return entry(topic="catalog", subject=start + change.key, act=act, by=BY, body=body)


def _kept(said: Any) -> Any:
    """What of it is kept: all, with a digest in place of a long text."""
    if isinstance(said, str):
        return said if len(said) <= _LONG else f"sha256:{sha256(said.encode('utf-8', 'replace')).hexdigest()}"
    if isinstance(said, Mapping):
        return {key: _kept(value) for key, value in said.items()}
    return [_kept(value) for value in said] if isinstance(said, (list, tuple)) else said
