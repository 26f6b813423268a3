"""The requests that tell an OpenMetadata of goals, as plain data: for a file that somebody else sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from headway.sinks.catalog import Change
from headway.sinks.openmetadata_items import Asset, Goal, Home, Ours, item_of
from headway.sinks.openmetadata_shapes import COLLECTIONS, ENDINGS, goal_body, home_body, label_body

_API = "/api/v1"


def requests(change: Change) -> Iterator[dict[str, Any]]:
    """method, path, content_type and body of what says a change to a server whose ids are not known."""
    item = item_of(change.said) if change.said is not None else Ours(change.before).last
    if isinstance(item, Goal) and change.said is None:
        ending = ENDINGS[item.collection]
        yield _patch(item.collection, item.fqn, [{"op": "add", "path": f"/{ending.field}", "value": ending.ended}])
    elif change.said is None:
        return
    elif isinstance(item, Home):
        yield _put(item.collection, home_body(item))
    elif isinstance(item, Goal):
        yield _put(item.collection, goal_body(item, None))
    elif isinstance(item, Asset) and item.labels:
        labels = [label_body(label, item.reason) for label in item.labels]
        add = [{"op": "add", "path": "/tags/-", "value": label} for label in labels]
        yield _patch(COLLECTIONS[item.kind], item.places[0], add)


def _put(collection: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"method": "PUT", "path": f"{_API}/{collection}", "content_type": "application/json", "body": body}


def _patch(collection: str, fqn: str, patch: list[dict[str, Any]]) -> dict[str, Any]:
    path = f"{_API}/{collection}/name/{quote(fqn, safe='')}"
    return {"method": "PATCH", "path": path, "content_type": "application/json-patch+json", "body": patch}
