"""Asking OpenMetadata's REST API: what is there under a name, making something, changing it by JSON Patch.

Through Headway's own client, not that of OpenMetadata's SDK: the SDK wants to be of the same release as the server, and
before 2.0 it cannot be installed beside SQLAlchemy 2. What is sent is held against the SDK's models in the tests.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from headway.errors import ConfigError, ServiceError
from headway.remote import Client, Progress, Refused

SYSTEM = "OpenMetadata"
OLDEST = (1, 12)
"""The first version whose labels have a reason."""
_API = "api/v1"
_PATCH = "application/json-patch+json"


class Catalog:
    """One server. Use it in a with block.

    Raises ServiceError when it cannot be reached or answers something else, Refused (`status`) when it refuses.
    """

    def __init__(self, url: str, token: str, progress: Progress, sleep: Callable[[float], None] = time.sleep) -> None:
        headers = {"authorization": f"Bearer {token}"}
        base = url.rstrip("/").removesuffix("/v1").removesuffix("/api")
        self._client = Client(SYSTEM, base, headers=headers, progress=progress, sleep=sleep)
        patching = {**headers, "content-type": _PATCH}
        self._patcher = Client(SYSTEM, base, headers=patching, progress=progress, sleep=sleep)

    def __enter__(self) -> Catalog:
        self._client.__enter__()
        self._patcher.__enter__()
        return self

    def __exit__(self, *how: object) -> None:
        self._patcher.__exit__(*how)
        self._client.__exit__(*how)

    def check(self) -> None:
        """Raise ConfigError for a server that is too old, ServiceError for what is no OpenMetadata."""
        answer = self._client.get(f"{_API}/system/version")
        said = answer.get("version") if isinstance(answer, Mapping) else None
        found = re.match(r"(\d{1,4})\.(\d{1,4})", said) if isinstance(said, str) else None
        if found is None:
            raise ServiceError(f"{SYSTEM} does not say which version it is", hint="is the url that of OpenMetadata?")
        if (int(found[1]), int(found[2])) < OLDEST:
            wanted = ".".join(str(part) for part in OLDEST)
            raise ConfigError(f"{SYSTEM} is version {found[0]}; goals can be given to {wanted} or newer")

    def find(self, collection: str, fqn: str, fields: str = "") -> dict[str, Any] | None:
        """What is there under a fully qualified name, with its id; None where nothing is."""
        path = f"{_API}/{collection}/name/{quote(fqn, safe='')}"
        try:
            return self._one(self._client.get(path, {"fields": fields} if fields else None), path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def make(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make something, or give it this body where it came into being meanwhile; what is there then."""
        path = f"{_API}/{collection}"
        return self._one(self._client.decoded(self._client.request("PUT", path, json=dict(body)), path), path)

    def change(self, collection: str, entity_id: str, patch: list[dict[str, Any]]) -> dict[str, Any]:
        """Change something by JSON Patch; what is there then."""
        path = f"{_API}/{collection}/{quote(entity_id, safe='')}"
        return self._one(self._patcher.decoded(self._patcher.request("PATCH", path, json=patch), path), path)

    def _one(self, answer: Any, path: str) -> dict[str, Any]:
        if isinstance(answer, dict) and isinstance(answer.get("id"), str):
            return answer
        raise ServiceError(f"{SYSTEM}: {path} gave something without an id", hint="is the url that of OpenMetadata?")
