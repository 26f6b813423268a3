"""Asking one Superset: signing in, queries in Rison, and lists that come in pages."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headway.connectors import fields
from headway.connectors.superset import archive
from headway.errors import InputError, ServiceError
from headway.remote import Client, Refused

PAGE = 100
"""Rows of a page. Superset gives at most so many, unless its FAB_API_MAX_PAGE_SIZE says otherwise."""
_MOST_PAGES = 100_000
_PASSES = 3
"""How often a list is read until nothing in it has moved while it was."""
_BARE = re.compile(r"[A-Za-z_][\w.]*")


def rison(value: Any) -> str:
    """Plain data as Rison, the JSON for URLs that Superset's queries are in: `(page:0,columns:!(id,'a b'))`."""
    if value is True or value is False:
        return "!t" if value else "!f"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "(" + ",".join(f"{rison(k)}:{rison(v)}" for k, v in value.items()) + ")"
    if isinstance(value, list | tuple):
        return "!(" + ",".join(map(rison, value)) + ")"
    text = str(value)
    return text if _BARE.fullmatch(text) else "'" + text.replace("!", "!!").replace("'", "!'") + "'"


@dataclass
class Rest:
    """One Superset. `sign_in` before anything else; it is done again when the token runs out in the middle."""

    client: Client
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    provider: str = "db"

    def sign_in(self) -> None:
        """With the token, or with user and password. Raises ServiceError, Refused for wrong ones."""
        token = self.token
        if not token:
            self.client.headers.pop("Authorization", None)
            given = {"username": self.user, "password": self.password, "provider": self.provider, "refresh": False}
            token = fields.text(self.client.post("api/v1/security/login", given), "access_token")
        if not token or not token.isprintable() or not token.isascii():
            raise ServiceError("Superset: signing in gave no token", hint="is the url that of Superset?")
        self.client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, query: Any = None) -> Mapping[str, Any]:
        """The object that a path answers with. Raises ServiceError, Refused among them."""
        answer = self.client.decoded(self._body(path, query), path)
        if not isinstance(answer, dict):
            raise ServiceError(f"Superset: {path} gave something else than was asked for")
        return answer

    def files(self, path: str, keys: list[int]) -> Iterator[tuple[str, bytes | InputError]]:
        """The files of an export of what has these ids. Raises ServiceError; InputError for what is no export."""
        yield from archive.packed(io.BytesIO(self._body(path, keys)), "export")

    def all(self, what: str, columns: list[str], **more: Any) -> list[Mapping[str, Any]]:
        """Every row of the list `api/v1/<what>/`, by id.

        Things that are changed while a list is read may move to a page that was read before, so it is read again until
        there are as many as it says. Raises ServiceError.
        """
        found: dict[int, Mapping[str, Any]] = {}
        for _ in range(_PASSES):
            count = 0
            for page in range(_MOST_PAGES):
                answer = self.get(f"api/v1/{what}/", {"columns": columns, "page_size": PAGE, "page": page, **more})
                rows = fields.each(answer, "result")
                count = max(count, int(fields.number(answer, "count") or 0))
                found |= {row["id"]: row for row in rows if type(row.get("id")) is int}
                self.client.progress(f"reading Superset: {what}", len(found), count)
                if not rows or len(found) >= count:
                    break
            if len(found) >= count:
                break
        return [found[key] for key in sorted(found)]

    def _body(self, path: str, query: Any) -> bytes:
        params = None if query is None else {"q": rison(query)}
        try:
            return self.client.request("GET", path, params=params)
        except Refused as error:
            if error.status != 401 or self.token:
                raise
            self.sign_in()
            return self.client.request("GET", path, params=params)
