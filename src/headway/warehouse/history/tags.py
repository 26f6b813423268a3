"""What tools write about themselves into statements: comments, labels, query tags, and the name of the client.

| tool | where | what it says |
|---|---|---|
| dbt | JSON comment, job labels, query tag | the node that was built or tested |
| Looker | `Looker Query Context '{...}'` | the user |
| Metabase | `Metabase:: userID: 1 ...`, or `partner: "metabase", {...}` | the user; on Redshift dashboard and chart |
| Superset | JSON comment of a query mutator | user, dashboard, chart |
| Hex | `Hex query metadata: {...}` | project, and whether a schedule ran it |
| Mode | JSON with `email` and `url` on the last line | person and report |
| Lightdash | JSON of query tags, or its client name | user, dashboard, chart |
| Tableau, Power BI, ... | the client's name only | nothing but the tool |

A tag is what someone wrote into a statement: ids from it are taken only where they look like ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MARKS = (
    "Looker Query Context",
    "Metabase",
    "metabase",
    "Hex query metadata",
    "hex_metadata",
    '"app"',
    '"email"',
    '"node_id"',
    '"dbt_',
    "@@dbt_",
    "dashboard_uuid",
    "dashboard_id",
    "headway",
)
"""A comment or label without any of these says nothing that is read here."""

VOLATILE = (
    r'"(history_slug|instance_slug|invocation_id|dbt_invocation_id|run_started_at|run_id|trace_id|request_id'
    r"|query_uuid|queryHash|query_hash|session_id|job_id|timestamp|ts|full_refresh|thread|thread_id"
    r'|dbt_cloud_run_id|dbt_cloud_job_id|is_incremental)" *: *("[^"]*"|[-+.0-9a-zA-Z]+) *,? *|queryHash: [0-9a-fA-F]+'
)
"""Parts of a tag that differ from run to run and say nothing about use; taken out before anything is grouped.

One pattern for every engine: no look-around, no lazy repetition, no group that only groups.
"""

_LAST_COMMA = re.compile(r",\s*\}\s*$")
_OURS = re.compile(r"/\*\s*headway:|\"app\"\s*:\s*\"headway\"")
_LOOKER = re.compile(r"Looker Query Context '(\{.*?\})'", re.DOTALL)
_METABASE = re.compile(r"Metabase(?:::\s*userID:\s*(\w+))?")
_METABASE_PARTNER = re.compile(r'partner:\s*"metabase",?\s*(\{[^{}]*\})?')
_HEX = re.compile(r"Hex query metadata:\s*(\{.*\})", re.DOTALL)
_OBJECT = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NODE = re.compile(r"(?:model|seed|snapshot|analysis|source)\.[\w.-]{1,400}")
_APP = re.compile(r"[a-z][a-z0-9_]{0,31}")
_USER = re.compile(r"[^\s\x00-\x1f\x7f\"'{}]{1,200}")
_MODE_REPORT = re.compile(r"mode\.com/[\w.-]+/reports/([0-9a-zA-Z]{1,64})")

CLIENTS: tuple[tuple[str, str], ...] = (
    ("headway", "headway"),
    ("metabase", "metabase"),
    ("looker", "looker"),
    ("superset", "superset"),
    ("tableau", "tableau"),
    ("lightdash", "lightdash"),
    ("powerbi", "powerbi"),
    ("power bi", "powerbi"),
    ("mode analytics", "mode"),
    ("hex-", "hex"),
    ("hex ", "hex"),
    ("sigma", "sigma"),
    ("redash", "redash"),
    ("dbt", "dbt"),
)
"""Beginnings of what a client calls itself, lower case, and the tool that means."""


@dataclass(frozen=True, slots=True)
class Tag:
    """What is known about who sent a statement, and from where."""

    tool: str = ""
    user: str = ""
    """As the tool names its user: a number, a login or an e-mail address. Never leaves the process as it is."""
    dashboard: str = ""
    chart: str = ""
    node: str = ""
    """dbt's unique id of what was built; '' for a test or a hook, whose statements tell what they read."""
    scheduled: bool = False
    ours: bool = False
    """One of Headway's own statements."""


NOTHING = Tag()


def read(comment: str, label: str, application: str) -> Tag:
    """The tag of a statement, from its comments, its label (or query tag) and its client's name; first come wins."""
    for text in (comment, label):
        if text:
            found = _of_text(text)
            if found is not NOTHING:
                return found
    client = application.strip().lower()
    tool = next((name for start, name in CLIENTS if client.startswith(start)), "") if client else ""
    return Tag(tool=tool, ours=tool == "headway") if tool else NOTHING


def _of_text(text: str) -> Tag:
    """The first tag in comments or a label, or NOTHING."""
    if _OURS.search(text):
        return Tag(tool="headway", ours=True)
    for pattern, means in _COMMENTS:
        if found := pattern.search(text):
            return means(found[1] or "")
    for said in map(_object, _OBJECT.findall(text)):
        for means_object in _OBJECTS:
            if said and (tag := means_object(said)):
                return tag
    return NOTHING


def _looker(context: str) -> Tag:
    return Tag("looker", user=_user((_object(context) or {}).get("user_id")))


def _metabase(user: str) -> Tag:
    return Tag("metabase", user="" if user in {"null", "nil"} else _user(user))


def _metabase_partner(context: str) -> Tag:
    said = _object(context) or {}
    user = _user(said.get("optional_user_id") or said.get("user_id"))
    return Tag("metabase", user, _id(said.get("dashboard_id")), _id(said.get("chart_id")))


def _hex_comment(text: str) -> Tag:
    found = _OBJECT.search(text)
    return _hex((_object(found[0]) if found else None) or {})


_COMMENTS: tuple[tuple[re.Pattern[str], Callable[[str], Tag]], ...] = (
    (_LOOKER, _looker),
    (_METABASE_PARTNER, _metabase_partner),
    (_HEX, _hex_comment),
    (_METABASE, _metabase),
)
"""Comments with a form of their own: how to find them, and what their one group means."""


def _dbt_object(said: Mapping[str, Any]) -> Tag | None:
    node = said.get("node_id") or said.get("dbt_node_id") or said.get("@@dbt_node_id")
    ours = said.get("app") == "dbt" or node or any(str(key).startswith(("@@dbt_", "dbt_")) for key in said)
    return Tag("dbt", node=_node(node) or _node_of_model(said)) if ours else None


def _hex_object(said: Mapping[str, Any]) -> Tag | None:
    context = said.get("hex_metadata")
    return _hex(context) if isinstance(context, dict) else None


def _mode_object(said: Mapping[str, Any]) -> Tag | None:
    url = str(said.get("url") or "")
    if "email" not in said or "mode" not in url:
        return None
    report = _MODE_REPORT.search(url)
    return Tag("mode", _user(said["email"]), dashboard=report[1] if report else "")


def _lightdash_object(said: Mapping[str, Any]) -> Tag | None:
    if said.get("app") != "lightdash" and not {"dashboard_uuid", "explore_name", "chart_uuid"} & said.keys():
        return None
    return Tag(
        "lightdash",
        _user(said.get("user_uuid") or said.get("user")),
        _id(said.get("dashboard_uuid")),
        _id(said.get("chart_uuid")),
        scheduled=str(said.get("query_context") or "").startswith("scheduled"),
    )


def _app_object(said: Mapping[str, Any]) -> Tag | None:
    """Superset, and whoever else says `app` and `user`."""
    app = str(said.get("app") or "").lower()
    if not _APP.fullmatch(app):
        return None
    user = _user(said.get("user") or said.get("user_id") or said.get("email"))
    return Tag(app, user, _id(said.get("dashboard_id")), _id(said.get("chart_id")))


_OBJECTS: tuple[Callable[[Mapping[str, Any]], Tag | None], ...] = (
    _dbt_object,
    _hex_object,
    _mode_object,
    _lightdash_object,
    _app_object,
)
"""What a JSON object may be a tag of, most particular first."""


def _hex(said: Mapping[str, Any]) -> Tag:
    user = _user(said.get("user_email") or said.get("email"))
    scheduled = str(said.get("context") or "").upper().startswith("SCHEDULED")
    return Tag("hex", "" if scheduled else user, dashboard=_id(said.get("project_id")), scheduled=scheduled)


def _node_of_model(said: Mapping[str, Any]) -> str:
    """dbt's unique id where the tags name a model and its project, but not the id."""
    model, project = (said.get(f"@@dbt_{name}") or said.get(f"dbt_{name}") for name in ("model_name", "project_name"))
    kind = str(said.get("@@dbt_materialized") or said.get("dbt_materialized") or "")
    kind = kind if kind in {"seed", "snapshot"} else "model"
    return _node(f"{kind}.{project}.{model}") if model and project else ""


def _object(text: str) -> dict[str, Any] | None:
    try:
        # What VOLATILE took from the end of an object leaves the comma before it.
        said = json.loads(_LAST_COMMA.sub("}", text))
    except (ValueError, RecursionError):  # somebody else's comment, or one that was cut: it says nothing then
        return None
    return said if isinstance(said, dict) else None


def _user(value: Any) -> str:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _USER.fullmatch(text) else ""


def _id(value: Any) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else ""


def _node(value: Any) -> str:
    return value if isinstance(value, str) and _NODE.fullmatch(value) else ""
