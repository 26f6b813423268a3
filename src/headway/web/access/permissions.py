"""What a request is about, and which role that needs: one table, which the guard reads and the tests go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from headway.config import Role

Kind = Literal[
    "open", "signed", "read", "own", "request", "check_in", "decide", "events", "warehouse", "sync", "unknown"
]

LEAST: Mapping[Kind, Role | None] = {
    "open": None,
    "signed": None,
    "own": "viewer",
    "read": "viewer",
    "request": "stakeholder",
    "check_in": "editor",
    "decide": "editor",
    "events": "editor",
    "warehouse": "editor",
    "sync": "admin",
    "unknown": "admin",
}
"""Kind -> the least role; None needs no person at all.

own: what changes nothing but how one sees the pages. events: lineage that a program sends. warehouse: an answer that
costs a query. unknown: a write that stands in no row below. signed: a program signs each request with a secret that it
shares; that alone is believed.
"""

READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Row(NamedTuple):
    """Addresses that begin with `address` at a whole part (`/a` has `/a` and `/a/b`), read or written."""

    writes: bool
    address: str
    kind: Kind


TABLE: tuple[Row, ...] = (
    Row(False, "/static", "open"),
    Row(False, "/login", "open"),
    Row(True, "/login", "open"),
    Row(True, "/slack/interactions", "signed"),
    Row(False, "/api/alive", "open"),
    Row(True, "/logout", "own"),
    Row(True, "/theme", "own"),
    Row(False, "/api/questions/drivers", "warehouse"),
    Row(True, "/api/requests", "request"),
    Row(True, "/api/check-ins", "check_in"),
    Row(True, "/api/decisions", "decide"),
    Row(True, "/api/links", "decide"),
    Row(True, "/api/sync", "sync"),
    Row(True, "/api/v1/lineage", "events"),
    Row(True, "/requests", "request"),
    Row(True, "/key-result", "check_in"),
    Row(True, "/lineage", "decide"),
    Row(True, "/tell", "decide"),
    Row(True, "/api/tell", "decide"),
    Row(True, "/triage", "decide"),
    Row(False, "", "read"),
)
"""The first row that fits is taken."""

ASKING = frozenset({"file", "withdraw"})
"""Last parts of addresses below a request that are for whoever asks. Everything else about it is deciding."""


def kind_of(method: str, path: str) -> Kind:
    """What a request is about. A write that no row names needs the highest role."""
    writes = method.upper() not in READS
    for row in TABLE:
        if row.writes == writes and (path == row.address or path.startswith(row.address + "/")):
            if row.kind == "request" and path != row.address and path.rpartition("/")[2] not in ASKING:
                return "decide"
            return row.kind
    return "unknown"


def route_path(scope: Mapping[str, Any]) -> str:
    """The path that routes are matched with: without the one below which a proxy puts this server."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and (path == root or path.startswith(root + "/")) else path
