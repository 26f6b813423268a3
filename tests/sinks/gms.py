"""A metadata service on this machine, as far as goals need one.

It takes proposals in the form in which DataHub's own client sends them, checks every proposal and every aspect with the
classes of the SDK, knows which aspects a thing may have, and applies patches as the service documents it: lists become
mappings by their keys, what is above an addition is made, what is to be removed must be there.
"""

from __future__ import annotations

import contextlib
import copy
import json
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NESTED = "\u241f"


class Gms:
    """`things` is what it holds: urn -> aspect -> data. `posts` are urns in the order in which they were written."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.posts: list[str] = []
        self.tokens: list[str] = []
        self.refuse: dict[str, int] = {}
        """Urn, or `*`, -> the status with which proposals of it are refused."""
        self.slow = 0.0
        self.token = ""
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Gms:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, urn: str, **aspects: Any) -> None:
        """What an ingestion, or a person, wrote."""
        kind = urn.split(":", 3)[2]
        self.things.setdefault(urn, {f"{kind}Key": {}}).update(aspects)

    def plain(self) -> dict[str, Any]:
        """What it holds, without the times."""
        return timeless(self.things)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gms = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body of an answer in one piece

            def log_message(self, *_: Any) -> None:
                pass

            def answer(self, status: int, said: Any) -> None:
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def allowed(self) -> bool:
                gms.tokens.append(self.headers.get("authorization", ""))
                if gms.token and self.headers.get("authorization") != f"Bearer {gms.token}":
                    self.answer(401, {"message": "who are you"})
                    return False
                return True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/config":  # everybody may ask
                    self.answer(200, {"noCode": "true", "versions": {"acryldata/datahub": {"version": "v1.0.0"}}})
                    return
                if not self.allowed():
                    return
                name = parse_qs(parts.query).get("aspect", [""])[0]
                found = gms.things.get(unquote(parts.path.removeprefix("/aspects/")), {}).get(name)
                self.answer(404, {}) if found is None else self.answer(200, {"version": 0, "aspect": {name: found}})

            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if not self.allowed():
                    return
                time.sleep(gms.slow)
                told = said["proposals"] if "proposals" in said else [said["proposal"]]
                with gms._lock:
                    status = next((s for p in told if (s := gms.refuse.get(p["entityUrn"]) or gms.refuse.get("*"))), 0)
                    if status:
                        self.answer(status, {"message": "refused, with the token in it: " + gms.token})
                        return
                    try:
                        gms.take(told)
                    except (KeyError, ValueError, AssertionError, TypeError) as error:
                        self.answer(400, {"message": repr(error)})
                        return
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.answer(200, {"value": told[0]["entityUrn"]})

        return Handler

    def take(self, told: list[Any]) -> None:
        """Apply proposals. Raises for what the service would refuse."""
        from datahub.emitter.serialization_helper import post_json_transform
        from datahub.metadata.schema_classes import KEY_ASPECTS, MetadataChangeProposalClass

        for plain in told:
            one = MetadataChangeProposalClass.from_obj(post_json_transform(copy.deepcopy(plain)))
            assert one.validate()
            allowed = KEY_ASPECTS[one.entityType].ASPECT_INFO["entityAspects"]
            assert one.aspectName in allowed, f"{one.entityType} has no {one.aspectName}"
            said = json.loads(one.aspect.value)
            before = self.things.get(one.entityUrn, {}).get(one.aspectName, {})
            if one.changeType == "PATCH":
                said = patched(before, said)
            else:
                assert one.changeType == "UPSERT"
            checked(one.aspectName, said)
            self.put(one.entityUrn, **{one.aspectName: said})
            self.posts.append(one.entityUrn)


def checked(name: str, said: Mapping[str, Any]) -> None:
    """Raise AssertionError for what is no aspect of this name."""
    from datahub.emitter.serialization_helper import post_json_transform
    from datahub.metadata.schema_classes import ASPECT_NAME_MAP

    full = dict(said)
    if name == "glossaryTerms":  # the service sets this deprecated stamp itself
        full.setdefault("auditStamp", {"time": 0, "actor": "urn:li:corpuser:__datahub_system"})
    assert ASPECT_NAME_MAP[name].from_obj(post_json_transform(copy.deepcopy(full))).validate(), f"{name}: {said}"


def patched(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """An aspect after a patch with `arrayPrimaryKeys`."""
    keys: Mapping[str, list[str]] = said["arrayPrimaryKeys"]
    found = copy.deepcopy(dict(before))
    for field, names in keys.items():
        found[field] = _as_mapping(found.get(field, []), names)
    for one in said["patch"]:
        raw = one["path"].rstrip("/").split("/")[1:]  # as Java splits: what is empty at the end is lost
        at = found
        for part in raw if one["op"] == "remove" else raw[:-1]:
            at = at.setdefault(part, {})
    for one in said["patch"]:
        *above, last = [p.replace("~1", "/").replace("~0", "~") for p in one["path"].split("/")[1:]]
        at = found
        for part in above:
            at = at[part]
        if one["op"] == "remove":
            del at[last]
        else:
            at[last] = one["value"]
    for field, names in keys.items():
        found[field] = list(_as_list(found[field], len(names)))
    return found


def _as_mapping(items: list[Any], names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        at = found
        if not names:
            at[item] = item
            continue
        for name in names:
            value: Any = item
            for part in name.split(NESTED):
                value = value.get(part, "") if isinstance(value, dict) else ""
            at = at.setdefault(value, {})
        at.update(item)
    return found


def _as_list(mapping: Mapping[str, Any], depth: int) -> Iterator[Any]:
    if depth == 0:
        yield from mapping.values()
    for value in mapping.values() if depth else ():
        if depth == 1:
            yield value
        else:
            yield from _as_list(value, depth - 1)


def timeless(said: Any) -> Any:
    """Data without times, so that two runs can be compared; lists of things in one order."""
    if isinstance(said, dict):
        return {key: timeless(value) for key, value in said.items() if key not in {"time", "auditStamp"}}
    if isinstance(said, list):
        return sorted((timeless(one) for one in said), key=lambda one: json.dumps(one, sort_keys=True))
    return said
