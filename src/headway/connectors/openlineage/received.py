"""Events that were sent to Headway: what of them is kept, and where.

Only what the connector reads is written down. What a producer sends beside it (SQL, error messages, environment
variables, statistics) never reaches the disk.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from headway.connectors.openlineage.addresses import clean_name, without_secrets
from headway.connectors.openlineage.events import (
    FACETS,
    Event,
    Ownership,
    Parent,
    Run,
    RunNamed,
    Shape,
    SourceCodeLocation,
    Wrong,
    answering,
    decoded,
    facet,
    several,
)

RECEIVED = "received"
"""What `path` says to read them."""
FOLDER = ".headway/openlineage"
"""Below the project; a file for each day on which events came."""
AHEAD = timedelta(days=1)
"""How far clocks of producers may be ahead: an event is received on its day, later, or so much earlier."""
LONGEST_NAME = 4_000
MOST_EVENTS = 10_000
"""Events of one batch."""
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)\.")


def kept(body: bytes) -> bytes:
    """One event as it is written down: one line of JSON with what is read of it. Raises Wrong."""
    return _encoded(decoded(body))


def kept_of_batch(body: bytes) -> list[bytes | Wrong]:
    """Events of a JSON list in order, each as by `kept` or why it is refused. Raises Wrong for what is no list."""
    events = several(body)
    if len(events) > MOST_EVENTS:
        raise Wrong(f"{len(events):,} events are too many at once; at most {MOST_EVENTS:,} are taken")
    found: list[bytes | Wrong] = []
    for one in events:
        try:
            found.append(_encoded(decoded(one)))
        except Wrong as wrong:
            found.append(wrong)
    return found


def file_of(now: datetime) -> str:
    """Name of the file that events of this moment are added to."""
    return f"{now.astimezone(UTC):%Y-%m-%d}.jsonl"


def may_tell(name: str, since: datetime) -> bool:
    """Whether a file, by its name, can hold an event of `since` or later; of any other name it can."""
    found = _DAY.match(name)
    try:
        return found is None or date.fromisoformat(found[1]) >= (since - AHEAD).astimezone(UTC).date()
    except ValueError:
        return True


def _encoded(event: Event) -> bytes:
    made: dict[str, Any] = {"eventTime": event.at}
    if event.eventType:
        made["eventType"] = event.eventType[:LONGEST_NAME]
    if event.producer:
        made["producer"] = without_secrets(event.producer)[:LONGEST_NAME]
    if event.run is not None:
        made["run"] = _run(event.run)
    for name in ("job", "dataset"):
        if (one := getattr(event, name)) is not None:
            made[name] = _thing(one)
    for name in ("inputs", "outputs"):
        if several_ := getattr(event, name):
            made[name] = [_thing(one) for one in several_]
    try:
        return msgspec.json.encode(made)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        raise Wrong("it holds text that cannot be written down") from None


def _run(said: Run) -> dict[str, Any]:
    """The id of a run, and of the run that started it."""
    made: dict[str, Any] = {"runId": said.runId[:LONGEST_NAME]}
    raw = said.facets.parent if said.facets is not None else None
    parent = facet("parent", raw, Parent) if raw else None
    if parent is not None:
        made["facets"] = {"parent": Parent(RunNamed(parent.run.runId[:LONGEST_NAME]))}
    return made


def _thing(said: Any) -> dict[str, Any]:
    """A job or a dataset with its facets in the shapes that are read."""
    if len(said.namespace) > LONGEST_NAME or len(said.name) > LONGEST_NAME:
        raise Wrong(f"a name in it is longer than {LONGEST_NAME:,} characters")
    made: dict[str, Any] = {"namespace": without_secrets(said.namespace), "name": clean_name(said.name)}
    for group in ("facets", "inputFacets"):
        facets = getattr(said, group, None)
        found = {}
        for name in facets.__struct_fields__ if facets is not None else ():
            raw = getattr(facets, name)
            if not raw:
                continue
            shaped: Any = facet(name, raw, FACETS[name])
            if isinstance(shaped, Ownership):
                owner = answering(shaped)
                shaped = Ownership((owner,)) if owner else None
            # One that cannot be read stands for itself as null: it is newer than those before.
            found[name] = _clean(shaped)
        if found:
            made[group] = found
    return made


def _clean(said: Any) -> Any:
    """A facet, or a part of one, with each address and each name of a dataset in it as it may be kept."""
    if isinstance(said, tuple):
        return tuple(_clean(one) for one in said)
    if isinstance(said, dict):
        return {key: _clean(one) for key, one in said.items()}
    if not isinstance(said, Shape):
        return said
    made = {name: _clean(getattr(said, name)) for name in said.__struct_fields__}
    if isinstance(said, SourceCodeLocation):
        made = {"url": without_secrets(said.url), "path": said.path and clean_name(said.path)}
    elif "namespace" in made:
        made |= {"namespace": without_secrets(made["namespace"]), "name": clean_name(made["name"])}
    return type(said)(**made)
