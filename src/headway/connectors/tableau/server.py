"""Where Tableau's answers come from: a server that one signs in to with a token, or a folder of recorded answers.

The vendor's own client is not used. It follows redirects to other hosts with the token in the request, has no limit on
what it takes into memory, no time limit on a whole answer, and does not try again when it is told to wait. What it asks
for is asked for here, in the JSON form of the REST API, and a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from headway.connectors.api import Recording
from headway.connectors.fields import below, each, number, text, truth
from headway.connectors.tableau.queries import Part
from headway.errors import InputError, Place, ServiceError
from headway.remote import Client

PAGE = 1000
"""Rows of one REST answer: as many as Tableau gives at most."""
_MOST_PAGES = 10_000


class Tableau(Protocol):
    """What Tableau knows, list by list. An iterator that raises has given all there was before."""

    partial: list[str]
    """What was answered only in part, in words."""

    def nodes(self, part: Part) -> Iterator[Mapping[str, Any]]:
        """The nodes of one list of the Metadata API. Raises ServiceError, InputError."""
        ...

    def rows(self, plural: str, singular: str) -> Iterator[Mapping[str, Any]]:
        """The rows of one list of the REST API, such as (`views`, `view`). Raises as `nodes` does."""
        ...


@dataclass
class Server:
    """A server, or a site of Tableau Cloud, with a session. Use it in a with block."""

    client: Client
    version: str
    site: str
    """What the site is called in addresses; '' for the default site."""
    token_name: str
    token: str
    partial: list[str] = field(default_factory=list)
    _site_id: str = ""

    def __enter__(self) -> Server:
        """Sign in. Raises ServiceError."""
        self.client.__enter__()
        body = {
            "credentials": {
                "personalAccessTokenName": self.token_name,
                "personalAccessTokenSecret": self.token,
                "site": {"contentUrl": self.site},
            }
        }
        try:
            answer = self.client.post(f"api/{self.version}/auth/signin", body)
            session = text(answer, "credentials", "token")
            self._site_id = text(answer, "credentials", "site", "id")
            if not session or not self._site_id:
                raise ServiceError("Tableau: signing in gave no session", hint="is the url that of a Tableau server?")
            self.client.headers["X-Tableau-Auth"] = session
        except BaseException:
            self.client.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.client.attempts = 1
        with suppress(ServiceError):  # a session that is not ended ends by itself
            self.client.post(f"api/{self.version}/auth/signout", None)
        self.client.headers.pop("X-Tableau-Auth", None)
        self.client.__exit__()

    def nodes(self, part: Part) -> Iterator[Mapping[str, Any]]:
        """See Tableau.nodes. Asks for fewer nodes at a time where Tableau says that it were too many."""
        first, cursor = part.first, None
        for number_of_page in range(_MOST_PAGES):
            self.client.progress(f"Tableau: {part.what}", number_of_page, 0)
            body = {"query": part.query, "variables": {"first": first, "afterToken": cursor}}
            answer = self.client.post("api/metadata/graphql", body)
            codes = {text(error, "extensions", "code") for error in each(answer, "errors")}
            if "NODE_LIMIT_EXCEEDED" in codes and first > 1:
                first = max(1, first // 4)
                continue
            found = _connection(answer, part)
            if found is None:
                raise ServiceError(_refused(part, codes))
            if codes:
                self.partial.append(_refused(part, codes))
            yield from each(found, "nodes")
            before, cursor = cursor, text(found, "pageInfo", "endCursor")
            if not truth(found, "pageInfo", "hasNextPage"):
                return
            if not cursor or cursor == before:
                break
        raise ServiceError(f"Tableau: the pages of {part.what} do not come to an end")

    def rows(self, plural: str, singular: str) -> Iterator[Mapping[str, Any]]:
        """See Tableau.rows."""
        query: dict[str, str | int] = {"pageSize": PAGE}
        if plural == "views":
            query["includeUsageStatistics"] = "true"
        for page in range(1, _MOST_PAGES + 1):
            self.client.progress(f"Tableau: {plural}", page - 1, 0)
            path = f"api/{self.version}/sites/{self._site_id}/{plural}"
            answer = self.client.get(path, {**query, "pageNumber": page})
            if not isinstance(answer, dict) or "pagination" not in answer:
                raise ServiceError(f"Tableau: {plural} gave something that is not a list of {plural}")
            yield from each(answer, plural, singular)
            size = number(answer, "pagination", "pageSize") or PAGE
            if page * size >= (number(answer, "pagination", "totalAvailable") or 0):
                return
        raise ServiceError(f"Tableau: the pages of {plural} do not come to an end")


@dataclass
class Folder:
    """Recorded answers: a JSON file for each list, with one answer or a list of them (its pages)."""

    recording: Recording
    partial: list[str] = field(default_factory=list)

    @staticmethod
    def of(path: Path, shown: str) -> Folder:
        """The folder. Raises InputError where there is none."""
        try:
            found = path.is_dir()
        except (OSError, ValueError):
            found = False
        if not found:
            raise InputError("there is no such folder of recorded answers", place=Place(shown))
        return Folder(Recording(path, shown))

    def nodes(self, part: Part) -> Iterator[Mapping[str, Any]]:
        """See Tableau.nodes. What GraphQL answers without pages, below `workbooks` and the like, is taken as well."""
        for page in self._pages(part.file):
            found = _connection(page, part)
            plain = below(page, "data").get(part.name)
            codes = {text(error, "extensions", "code") for error in each(page, "errors")}
            if found is None and not isinstance(plain, list):
                place = Place(f"{self.recording.shown}/{part.file}.json")
                raise InputError(f"this is no answer about {part.what}", place=place)
            if codes:
                self.partial.append(_refused(part, codes))
            yield from each(found, "nodes") if found is not None else each(below(page, "data"), part.name)

    def rows(self, plural: str, singular: str) -> Iterator[Mapping[str, Any]]:
        """See Tableau.rows."""
        for page in self._pages(plural):
            if plural not in page:
                raise InputError(
                    f"this is no answer about {plural}", place=Place(f"{self.recording.shown}/{plural}.json")
                )
            yield from each(page, plural, singular)

    def _pages(self, file: str) -> list[Mapping[str, Any]]:
        found = self.recording.get(file)
        pages = found if isinstance(found, list) else [found]
        if not pages or not all(isinstance(page, dict) for page in pages):
            place = Place(f"{self.recording.shown}/{file}.json")
            raise InputError("this is no answer of Tableau, nor a list of them", place=place)
        return pages


def _connection(answer: Any, part: Part) -> Mapping[str, Any] | None:
    """What an answer says of the list that was asked for; None where it says nothing."""
    found = below(answer, "data").get(f"{part.name}Connection")
    return found if isinstance(found, dict) else None


def _refused(part: Part, codes: set[str]) -> str:
    known = ", ".join(sorted(code for code in codes if code.replace("_", "").isalnum()))[:200]
    return f"Tableau: {part.what} were answered in part or not at all" + (f" ({known})" if known else "")
