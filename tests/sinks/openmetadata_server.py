"""As much of OpenMetadata's REST API as goals are told through, on a loopback port, with the rules that matter.

It answers only the fields that are asked for, refuses unknown ones, refuses a second term of a name in a glossary
whatever its case, labels whose term is not there and custom properties that nobody defined. `check` may hold bodies
and what comes of them against something that knows better, such as the models of OpenMetadata's SDK.
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "jwt.secret-of-the-bot.xyz"

Check = Callable[[str, Any], str]
"""check(kind, body) -> what is wrong, or ''. Kinds are those of CREATES, and `entity <collection>`."""

_GOAL_FIELDS = {"owners", "domains", "children", "reviewers", "tags", "relatedTerms", "extension"}
FIELDS = {
    "glossaries": {"owners", "domains", "reviewers", "tags"},
    "glossaryTerms": _GOAL_FIELDS,
    "classifications": {"owners", "domains", "reviewers", "termCount"},
    "tags": {"owners", "domains", "children", "reviewers", "usageCount"},
    "domains": {"owners", "children", "experts", "tags", "extension"},
    "tables": {"owners", "domains", "tags", "extension", "columns"},
    "dashboards": {"owners", "domains", "tags", "extension", "charts"},
    "charts": {"owners", "domains", "tags", "dashboards"},
    "teams": {"owners", "domains"},
    "metadata/types": {"customProperties"},
}
"""Collection -> fields that are answered only when they are asked for."""

CREATES: dict[str, tuple[set[str], set[str]]] = {
    "glossaries": ({"name", "description"}, {"displayName", "mutuallyExclusive", "owners", "reviewers", "tags"}),
    "glossaryTerms": (
        {"name", "description", "glossary"},
        {"displayName", "parent", "synonyms", "references", "owners", "reviewers", "mutuallyExclusive"},
    ),
    "classifications": ({"name", "description"}, {"displayName", "mutuallyExclusive", "owners"}),
    "tags": ({"name", "description"}, {"displayName", "classification", "owners", "mutuallyExclusive"}),
    "domains": ({"name", "description", "domainType"}, {"displayName", "owners", "parent"}),
    "metadata/types": ({"name", "description", "propertyType"}, {"displayName", "customPropertyConfig"}),
}
"""Collection -> what a request that makes something must say, and what else it may say."""


class Refusal(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class OpenMetadataServer:
    """Use it in a with block; `url` is where it is."""

    def __init__(self, *, version: str = "2.0.6", check: Check | None = None) -> None:
        self.version = version
        self.check = check
        self.things: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in FIELDS}
        """Collection -> fully qualified name -> what is there."""
        self.requests: list[tuple[str, str, Any]] = []
        self.refusals: list[tuple[str, str, int]] = []
        """(method, part of the path, status): the next such request is answered so, once."""
        self.silent_from = 0
        """From this write on, counted from 1, what was asked is done but not answered; 0 answers all."""
        self.problems: list[str] = []
        self.released = threading.Event()
        self._lock = threading.Lock()
        for kind in ("table", "dashboard", "markdown", "string"):
            self.things["metadata/types"][kind] = {**_named(kind), "customProperties": []}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OpenMetadataServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *how: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    # ------------------------------------------------------------------ what tests put there, and look at

    def add(self, collection: str, fqn: str, **more: Any) -> dict[str, Any]:
        """Put something there, as a connector of OpenMetadata or a person would have."""
        thing = {**_named(fqn.rpartition(".")[2]), "fullyQualifiedName": fqn, **more}
        if collection in {"tables", "dashboards", "charts"}:
            thing = {"tags": [], "domains": [], "owners": [], **thing}
        if collection == "tables":
            thing.setdefault("columns", [])
        self.things[collection][fqn] = thing
        return thing

    def labels(self, collection: str, fqn: str) -> list[str]:
        return [str(label["tagFQN"]) for label in self.things[collection][fqn]["tags"]]

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        return [one for one in self.requests if one[0] != "GET"]

    def state(self) -> Any:
        """All that is there, without what differs from run to run."""
        return json.loads(json.dumps(self.things))

    # ------------------------------------------------------------------ requests

    def answer(self, method: str, path: str, query: dict[str, list[str]], kind: str, body: Any) -> tuple[int, Any]:
        with self._lock:
            self.requests.append((method, path, body))
            for one in self.refusals:
                if one[0] == method and one[1] in path:
                    self.refusals.remove(one)
                    raise Refusal(one[2], "as the test wants it")
            if path == "system/version":
                return 200, {"version": self.version, "revision": "abc", "timestamp": 1}
            collection = next((name for name in FIELDS if path == name or path.startswith(f"{name}/")), "")
            if not collection:
                raise Refusal(404, "no such part of the API")
            rest = path[len(collection) + 1 :]
            if method == "GET" and rest.startswith("name/"):
                return 200, self._shown(collection, unquote(rest[5:]), query)
            if method == "PUT":
                if kind != "application/json":
                    raise Refusal(415, f"a body of {kind}")
                return self._put(collection, rest, body)
            if method == "PATCH":
                if kind != "application/json-patch+json":
                    raise Refusal(415, f"a patch of {kind}")
                return 200, self._patch(collection, rest, body)
            raise Refusal(405, "that cannot be done")

    def _shown(self, collection: str, fqn: str, query: dict[str, list[str]]) -> Any:
        asked = set(filter(None, query.get("fields", [""])[0].split(",")))
        if asked - FIELDS[collection]:
            raise Refusal(400, f"Invalid field name {sorted(asked - FIELDS[collection])}")
        thing = self.things[collection].get(fqn)
        if thing is None or thing.get("deleted"):
            raise Refusal(404, f"{collection} instance for {fqn} not found")
        return {name: value for name, value in thing.items() if name not in FIELDS[collection] or name in asked}

    def _put(self, collection: str, rest: str, body: Any) -> tuple[int, Any]:
        must, may = CREATES.get(collection, (set(), set()))
        if not must or not isinstance(body, dict) or must - set(body) or set(body) - must - may:
            raise Refusal(400, f"not a body for {collection}: {sorted(body) if isinstance(body, dict) else body}")
        self._held(collection, body)
        if collection == "metadata/types":
            return 200, self._property(rest, body)
        fqn = self._place(collection, body)
        there = self.things[collection].get(fqn)
        thing = there or {**_named(body["name"]), "fullyQualifiedName": fqn}
        self._known_owners(body)
        thing |= {name: value for name, value in body.items() if name not in {"glossary", "parent", "classification"}}
        thing.setdefault("owners", [])
        for name, of in (
            ("glossary", "glossaries"),
            ("parent", "glossaryTerms"),
            ("classification", "classifications"),
        ):
            if name in body:
                other = self.things[of][body[name]]
                thing[name] = {"id": other["id"], "type": name if name != "parent" else "glossaryTerm"}
        if collection in {"glossaryTerms", "domains"}:
            thing.setdefault("entityStatus", "Approved")
        self._held(f"entity {collection}", thing)
        self.things[collection][fqn] = thing
        return (200 if there else 201), thing

    def _place(self, collection: str, body: dict[str, Any]) -> str:
        """The fully qualified name of what is to be made; refused where it cannot be."""
        name = body["name"]
        own = f'"{name}"' if "." in name else name
        if collection == "glossaryTerms":
            above = body.get("parent") or body["glossary"]
            if body["glossary"] not in self.things["glossaries"]:
                raise Refusal(404, f"glossary {body['glossary']} not found")
            if body.get("parent") and body["parent"] not in self.things["glossaryTerms"]:
                raise Refusal(404, f"parent {body['parent']} not found")
            within = body["glossary"] + "."
            for fqn, term in self.things["glossaryTerms"].items():
                if fqn.startswith(within) and term["name"].lower() == name.lower() and fqn != f"{above}.{own}":
                    raise Refusal(
                        400, f"A term with the name '{name}' already exists in '{body['glossary']}' glossary."
                    )
            return f"{above}.{own}"
        if collection == "tags":
            if body["classification"] not in self.things["classifications"]:
                raise Refusal(404, "classification not found")
            return f"{body['classification']}.{own}"
        return own

    def _property(self, type_id: str, body: Any) -> Any:
        of = next((one for one in self.things["metadata/types"].values() if one["id"] == type_id), None)
        kinds = {one["id"]: name for name, one in self.things["metadata/types"].items()}
        if of is None or body["propertyType"].get("id") not in kinds:
            raise Refusal(404, "no such type")
        body = copy.deepcopy(body)
        body["propertyType"]["name"] = kinds[body["propertyType"]["id"]]
        of["customProperties"] = [one for one in of["customProperties"] if one["name"] != body["name"]] + [body]
        return of

    def _patch(self, collection: str, thing_id: str, patch: Any) -> Any:
        found = next(((fqn, one) for fqn, one in self.things[collection].items() if one["id"] == thing_id), None)
        if found is None:
            raise Refusal(404, "nothing has that id")
        fqn, before = found
        after = patched(before, patch)
        if {after.get("id"), after.get("name")} != {before["id"], before["name"]}:
            raise Refusal(400, "a field that is read only")
        self._held("patch", {"before": before, "patch": patch, "after": after})
        self._known_owners(after)
        for label in after.get("tags", []):
            of = "glossaryTerms" if label["source"] == "Glossary" else "tags"
            if label not in before.get("tags", []) and label["tagFQN"] not in self.things[of]:
                raise Refusal(404, f"{label['tagFQN']} not found")
        for domain in after.get("domains", []):
            other = next((one for one in self.things["domains"].values() if one["id"] == domain["id"]), None)
            if other is None:
                raise Refusal(404, "no such domain")
            domain |= {"fullyQualifiedName": other["fullyQualifiedName"], "name": other["name"]}
        if len(after.get("domains", [])) > 1:
            raise Refusal(400, "Multiple domains are not allowed")
        kind = {"tables": "table", "dashboards": "dashboard"}.get(collection, "")
        known = {one["name"] for one in self.things["metadata/types"].get(kind, {}).get("customProperties", [])}
        if set(after.get("extension") or {}) - known:
            raise Refusal(400, f"Unknown custom field {sorted(set(after['extension']) - known)}")
        self._held(f"entity {collection}", after)
        self.things[collection][fqn] = after
        return after

    def _known_owners(self, body: dict[str, Any]) -> None:
        teams = {one["id"]: one for one in self.things["teams"].values()}
        for owner in body.get("owners") or []:
            if owner["type"] == "team":
                if owner["id"] not in teams or teams[owner["id"]].get("teamType", "Group") != "Group":
                    raise Refusal(400, "no team that can own")
                owner["name"] = teams[owner["id"]]["name"]

    def _held(self, kind: str, body: Any) -> None:
        problem = self.check(kind, body) if self.check else ""
        if problem:
            self.problems.append(f"{kind}: {problem}")
            raise Refusal(400, problem)


def patched(thing: dict[str, Any], patch: Any) -> dict[str, Any]:
    """What JSON Patch makes of something: add, remove, replace and test (RFC 6902)."""
    after: dict[str, Any] = copy.deepcopy(thing)
    for step in patch:
        *above, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        holder: Any = after
        for part in above:
            holder = holder[int(part)] if isinstance(holder, list) else holder.get(part)
            if holder is None:
                raise Refusal(400, f"nothing is at {step['path']}")
        at: Any = (len(holder) if last == "-" else int(last)) if isinstance(holder, list) else last
        there = (isinstance(holder, list) and at < len(holder)) or (isinstance(holder, dict) and at in holder)
        if step["op"] == "add" and isinstance(holder, list):
            holder.insert(at, copy.deepcopy(step["value"]))
        elif step["op"] == "add":
            holder[at] = copy.deepcopy(step["value"])
        elif not there:
            raise Refusal(400, f"nothing is at {step['path']}")
        elif step["op"] == "remove":
            del holder[at]
        elif step["op"] == "replace":
            holder[at] = copy.deepcopy(step["value"])
        elif step["op"] != "test" or holder[at] != step["value"]:
            raise Refusal(400, f"{step['op']} at {step['path']} fails")
    return after


def _named(name: str) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": name.strip('"')}


def _handler(server: OpenMetadataServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(size) if size else b""
            parts = urlsplit(self.path)
            try:
                if self.headers.get("authorization") != f"Bearer {TOKEN}":
                    raise Refusal(401, "who are you?")
                path = parts.path.removeprefix("/api/v1/")
                kind = (self.headers.get("content-type") or "").split(";")[0]
                body = json.loads(raw) if raw else None
                status, said = server.answer(self.command, path, parse_qs(parts.query), kind, body)
            except Refusal as refusal:
                status, said = refusal.status, {"code": refusal.status, "message": str(refusal)}
            if self.command != "GET" and 0 < server.silent_from <= len(server.writes):
                server.released.wait(120)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _any  # noqa: N815

        def log_message(self, *words: Any) -> None:
            """Nothing."""

    return Handler
