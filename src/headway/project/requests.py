"""The request desk: filing a wish, deciding about it, and carrying requests in and out of a team's own tracker.

Everything that happens is an entry of the ledger; nothing is changed or taken out. Ids are six characters: drawn for
what is filed here, derived from where it was filed first for what is imported: two who file at once never get
the same, and two who import the same file at once write the same.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from headway.connectors.artifact import shown
from headway.errors import UnknownName, UsageError
from headway.graph.ledger import Entry
from headway.graph.requests import DECIDED, FIELDS, Request, content, fold
from headway.project.ledger import entries, entry, written_all
from headway.project.request_files import LONGEST, Row, checked, is_request_id, rows_of
from headway.project.reviewed import printable
from headway.questions.evidence import the_asset
from headway.questions.intake import Advice, advise, goal_of, same_as, the_key_result
from headway.render.as_csv import cell

if TYPE_CHECKING:
    from headway.project.workspace import Project

TOPIC: Literal["request"] = "request"
_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
"""Nothing that reads like another character, and no vowels, so that no word comes out."""
_LENGTH = 6
_LONGEST_REASON = 2_000
_NEEDS_ASSET = frozenset({"pointed", "extended", "built"})


@dataclass(frozen=True, slots=True)
class Filed:
    """A request that was filed, and what is recommended."""

    request: Request
    advice: Advice


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    new: tuple[str, ...]
    """Ids of the requests that came in."""
    changed: tuple[str, ...]
    """Ids of the requests whose text or fields are otherwise now."""
    same: int
    """Rows that were known as they are."""
    passed_over: tuple[str, ...]
    """Issues that are no requests."""


def requests_of(project: Project) -> tuple[Request, ...]:
    """Every request of a project, in the order they were filed; none where there is no store. Raises StoreError."""
    return fold(entries(project, TOPIC))


def the_request(project: Project, name: str) -> Request:
    """The request with an id, in capitals or not. Raises UnknownName."""
    return _named(requests_of(project), name)


def file(project: Project, *, by: str, anyway: bool = False, at: datetime | None = None, **fields: str) -> Filed:
    """File a request: `text` and what else of `FIELDS` is known, `due` as YYYY-MM-DD.

    The same for the same key result that is waiting already, or was built or declined, is refused unless `anyway`.
    Raises UsageError for that, for a missing text or author, and for a value that no field can have; UnknownName for a
    key result that there is none of.
    """
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise UsageError(f"a request has no field {', '.join(sorted(unknown))}", hint=f"it has {', '.join(FIELDS)}")
    said, wrong = checked(fields)
    if wrong:
        raise UsageError("; ".join(wrong))
    known = requests_of(project)
    when = at or datetime.now(UTC)
    wish = _folded(entry(topic=TOPIC, subject=_new_id(known), act="filed", by=by, body=said, at=when))
    graph = project.graph()
    if wish.key_result:
        the_key_result(graph, wish.key_result)
    if not anyway and (others := same_as(graph, wish, known)):
        raise UsageError(_asked_already(others[0]), hint="if something has changed, file it --anyway and say what")
    kept = written_all(project, [_entry_of(wish.id, "filed", by, said, when)])
    request = _folded(*kept)
    return Filed(request, advise(graph, request, (*known, request)))


def decide(
    project: Project,
    name: str,
    act: Literal["accepted", "pointed", "extended", "declined", "withdrawn", "built"],
    *,
    by: str,
    reason: str = "",
    asset: str = "",
    cost: str = "",
    at: datetime | None = None,
) -> Request:
    """Decide about a request, and give it back as it is now. The decision, its reason and its author are kept.

    `asset` is what is pointed to, extended or built: a name or id in the graph. A decision may be followed by another
    one; what was built or withdrawn stays so. Raises UnknownName for a request or asset that there is none of, and
    UsageError for a decision that cannot be: without a reason, twice the same, or built before it was accepted. The
    same with another asset corrects the one before.
    """
    request = the_request(project, name)
    why = printable(reason)
    if len(why) > _LONGEST_REASON:
        raise UsageError(f"a reason of {len(why):,} characters is too long", hint=f"at most {_LONGEST_REASON:,}")
    if not why and act != "built":
        raise UsageError("a decision needs a reason", hint="it is shown to whoever asked, and to the next who asks")
    if (act in _NEEDS_ASSET) != bool(asset):
        raise UsageError("which asset?" if act in _NEEDS_ASSET else f"{act} takes no asset", hint="--asset NAME")
    graph = project.graph()
    body: dict[str, Any] = {"reason": why} if why else {}
    if asset:
        body["asset"] = asset_id(project, asset)
    _possible(request, DECIDED[act], body.get("asset", ""))
    if cost:
        said, wrong = checked({"text": request.text, "cost": cost})
        if wrong:
            raise UsageError(wrong[0])
        body["cost"] = said["cost"]
    goal = goal_of(graph, request).node
    if act == "declined" and goal is not None:
        body["objective"] = graph.nodes[graph.objective_of(goal)].id
    written_all(project, [_entry_of(request.id, act, by, body, at or datetime.now(UTC))])
    return the_request(project, request.id)


def import_file(
    project: Project, path: str | Path, *, by: str, source: str = "", at: datetime | None = None
) -> Imported:
    """Take in the requests of a file (see `request_files.rows_of`), all or none.

    What came in before from the same place is not taken in twice: where it says something else now, that is kept as an
    edit. Decisions are not read from files. Raises InputError with every row that is wrong, and StoreError.
    """
    file_ = Path(path)
    found = rows_of(file_, shown(file_.absolute(), project.config.root), source=printable(source)[: LONGEST["by"]])
    known = {request.id: request for request in requests_of(project)}
    when = at or datetime.now(UTC)
    new: list[Entry] = []
    changed: list[Entry] = []
    for row in found.rows:
        subject = _id_of(row.external)
        before = known.get(subject)
        if before is None:
            new.append(_imported(subject, row, by, when))
        elif edits := _edits(before, row):
            changed.append(_entry_of(subject, "edited", by, edits, when))
    if new or changed:
        written_all(project, [*new, *changed])
    ids = (tuple(e.subject for e in new), tuple(e.subject for e in changed))
    return Imported(*ids, len(found.rows) - len(new) - len(changed), found.passed_over)


def exported(requests: Iterable[Request], style: Literal["json", "csv"] = "json") -> str:
    """Requests with what became of them as JSON or CSV; `import_file` reads either, except for the decisions."""
    plain = [_plain(request) for request in requests]
    if style == "json":
        return msgspec.json.format(msgspec.json.encode({"version": 1, "requests": plain}), indent=2).decode() + "\n"
    out = io.StringIO()
    names = ("id", *FIELDS, "by", "asked", "external", "state", "decided_on", "decided_by", "reason", "asset")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for request in plain:
        last: dict[str, Any] = next((a for a in reversed(request["history"]) if a["act"] in DECIDED), {})
        flat = {**request, "decided_on": last.get("at", "")[:10], "decided_by": last.get("by", ""), **_why(last)}
        writer.writerow([cell(flat.get(name) or "") for name in names])
    return out.getvalue()


# ---------------------------------------------------------------------- ids


def _new_id(known: Sequence[Request]) -> str:
    taken = {request.id for request in known}
    while (drawn := "R-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))) in taken:
        pass
    return drawn


def _id_of(external: str) -> str:
    """The id of what was filed elsewhere first; an id of Headway's own is itself."""
    if is_request_id(external):
        return external
    number = int.from_bytes(blake2b(external.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    letters = []
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "R-" + "".join(letters)


def _named(known: Sequence[Request], name: str) -> Request:
    wanted = name.strip().upper()
    found = next((r for r in known if r.id in {wanted, f"R-{wanted}"}), None)
    if found is None:
        raise UnknownName("request", name[:40], get_close_matches(wanted, [r.id for r in known], n=3))
    return found


# ---------------------------------------------------------------------- entries


def _entry_of(subject: str, act: str, by: str, body: dict[str, Any], at: datetime) -> Entry:
    return entry(topic=TOPIC, subject=subject, act=act, by=by, body=body, at=at)


def _folded(*entries_: Entry) -> Request:
    return fold(entries_)[0]


def _imported(subject: str, row: Row, by: str, at: datetime) -> Entry:
    body = {**row.content, "external": row.external, "imported_by": by}
    if row.asked:
        body["asked"] = row.asked
    return _entry_of(subject, "imported", row.by or by, body, at)


def _edits(before: Request, row: Row) -> dict[str, Any]:
    """The fields that a row says otherwise than the request has them; '' for one that it does not have any more.

    What something costs to build is said with a decision too: a file that does not know takes nothing back.
    """
    old = content(before)
    names = [name for name in FIELDS if name != "cost" or name in row.content]
    return {name: row.content.get(name, "") for name in names if row.content.get(name, "") != old.get(name, "")}


def asset_id(project: Project, name: str) -> str:
    """The id of the asset that somebody means; '' for no name. Raises UnknownName and UsageError."""
    graph = project.graph()
    return graph.nodes[the_asset(graph, name)].id if name else ""


def _possible(request: Request, state: str, asset: str) -> None:
    """Raise UsageError where a request cannot get into a state; the same one with another asset is a correction."""
    last = request.decided
    same = last is not None and request.state == state and last.asset == asset
    if last is not None and (same or request.state in {"built", "withdrawn"}):
        hint = "file it again if it is wanted after all" if request.state in {"built", "withdrawn"} else ""
        why = f": {last.reason}" if last.reason else ""
        raise UsageError(f"{request.id} was {request.state} on {last.on} by {last.by}{why}", hint=hint)
    if state == "built" and request.state not in {"accepted", "extended"}:
        hint = f"headway request accept {request.id} --reason ..."
        raise UsageError(f"{request.id} is {request.state}: what is built was accepted first", hint=hint)


def _asked_already(other: Request) -> str:
    last = other.decided
    if last is None:
        return f"{other.id} asks for the same since {other.asked}: {other.text}"
    why = f": {last.reason}" if last.reason else ""
    return f"{other.id} asked for the same and was {other.state} on {last.on} by {last.by}{why}"


# ---------------------------------------------------------------------- export


def _plain(request: Request) -> dict[str, Any]:
    history = [
        {"act": a.act, "at": a.at.isoformat(), "by": a.by, "reason": a.reason, "asset": a.asset} for a in request.acts
    ]
    facts = {"by": request.by, "asked": request.asked.isoformat(), "external": request.external}
    kept = [{k: v for k, v in act.items() if v} for act in history]
    return {"id": request.id, **content(request), **facts, "state": request.state, "history": kept}


def _why(last: dict[str, Any]) -> dict[str, Any]:
    return {"reason": last.get("reason", ""), "asset": last.get("asset", "")}
