"""What a Looker holds, as its API gives it: everything that can be had, and a gap for each part that cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from headway.connectors.api import Recording
from headway.connectors.fields import below, each, text, truth
from headway.connectors.protocol import Progress
from headway.errors import HeadwayError, InputError, Place, ServiceError
from headway.graph.model import Gap, Origin
from headway.remote import Api, Client, Refused

NAME = "looker"
API = "api/4.0"
PAGE = 500
"""Things that one page of a search holds."""
_MOST_PAGES = 10_000
_MOST_EXAMPLES = 3
_MOST_IN_A_ROW = 3
"""Answers in a row that do not come at all: after these the server is taken to be down."""
ACTIVITY = "system__activity"

Object = Mapping[str, Any]


@dataclass(slots=True)
class Query:
    """What a tile or a Look asks of an explore."""

    model: str
    explore: str
    fields: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()


@dataclass(slots=True)
class Holdings:
    """All that was found."""

    dashboards: dict[str, Object] = field(default_factory=dict)
    looks: dict[str, Object] = field(default_factory=dict)
    merged: dict[str, tuple[Query, ...]] = field(default_factory=dict)
    """Queries of a merged result, by its id."""
    explores: dict[tuple[str, str], Object] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    """Path of each folder."""
    sent: set[str] = field(default_factory=set)
    """`dashboard.<id>` and `look.<id>` of what a schedule sends."""
    gaps: list[Gap] = field(default_factory=list)


@dataclass
class Site:
    """One Looker, live or recorded. A token that has run out is asked for anew once."""

    api: Api
    sign_in: Callable[[], None] | None = None

    @property
    def recorded(self) -> bool:
        """Whether answers come from a folder."""
        return isinstance(self.api, Recording)

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The answer to a path below the API's. Raises ServiceError, Refused, InputError."""
        return self._twice(lambda: self.api.get(f"{API}/{path}", query))

    def run(self, name: str, body: Object) -> Any:
        """The rows of a query; recorded ones are in `system_activity/<name>.json`. Raises as `get`."""
        if self.recorded:
            return self.api.get(f"system_activity/{name}")
        return self._twice(lambda: self.api.post(f"{API}/queries/run/json", body))

    def _twice(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Refused as error:
            if error.status != 401 or self.sign_in is None:
                raise
        self.sign_in()
        return ask()


def signed_in(client: Client, client_id: str, client_secret: str) -> None:
    """Put a token for the session into the client's headers. Raises ServiceError."""
    client.headers.pop("authorization", None)
    given = {"client_id": client_id, "client_secret": client_secret}
    body = client.request("POST", f"{API}/login", data=given)
    token = text(client.decoded(body, f"{API}/login"), "access_token")
    if not token or not token.isascii() or not token.isprintable():
        raise ServiceError("Looker: api/4.0/login gave no token", hint="is the url that of the API?")
    client.headers["authorization"] = f"token {token}"


class Reader:
    """Reads a site from one end to the other."""

    def __init__(self, site: Site, progress: Progress) -> None:
        self._site = site
        self._progress = progress
        self._found = Holdings()
        self._lost: dict[str, list[str]] = {}
        self._in_a_row = 0

    def read(self) -> Holdings:
        """Everything. Raises ServiceError or InputError when not even the list of dashboards is to be had."""
        found = self._found
        listed = self._listed()
        self._folders()
        self._dashboards(listed)
        self._looks()
        for kind, into in (("dashboards", found.dashboards), ("looks", found.looks)):
            for one in self._deleted(kind):
                into.setdefault(text(one, "id"), {**one, "deleted": True})
        self._schedules()
        self._merged()
        self._explores()
        for what, why in self._lost.items():
            examples = "; ".join(why[:_MOST_EXAMPLES])
            found.gaps.append(_gap(f"{len(why):,} {what} of looker could not be read: {examples}"))
        return found

    def _listed(self) -> list[Object]:
        """The list of dashboards: without it there is nothing. Raises ServiceError or InputError."""
        answer = self._site.get("dashboards")
        rows = each({"all": answer}, "all")
        if isinstance(answer, list) and (rows or not answer):
            return rows
        if isinstance(self._site.api, Recording):
            raise InputError("is no list of dashboards", place=Place(f"{self._site.api.shown}/{API}/dashboards.json"))
        raise ServiceError(f"Looker: {API}/dashboards gave no list of them", hint="is the url that of the API?")

    def _dashboards(self, listed: list[Object]) -> None:
        for done, one in enumerate(listed):
            key = text(one, "id")
            self._progress("dashboards", done, len(listed))
            if not key:
                continue
            whole = self._part("dashboards", f"dashboards/{_quoted(key)}")
            self._found.dashboards[key] = {**one, **whole} if isinstance(whole, dict) else one

    def _looks(self) -> None:
        listed = self._part("lists of Looks", "looks")
        for one in each({"looks": listed}, "looks"):
            key = text(one, "id")
            if key:
                whole = self._part("Looks", f"looks/{_quoted(key)}")
                self._found.looks[key] = {**one, **whole} if isinstance(whole, dict) else one

    def _deleted(self, kind: str) -> Iterator[Object]:
        """What lies in the trash."""
        for page in range(_MOST_PAGES):
            query: dict[str, str | int] = {"deleted": "true", "limit": PAGE, "offset": page * PAGE}
            answer = self._part(f"deleted {kind}", f"{kind}/search", query, recorded=f"{kind}/search")
            rows = each({"rows": answer}, "rows")
            yield from (one for one in rows if text(one, "id") and truth(one, "deleted"))
            if len(rows) < PAGE or self._site.recorded:
                return

    def _folders(self) -> None:
        folders = {text(one, "id"): one for one in each({"f": self._part("lists of folders", "folders")}, "f")}
        for key in folders:
            names: list[str] = []
            seen: set[str] = set()
            at = key
            while at in folders and at not in seen:
                seen.add(at)
                names.append(text(folders[at], "name"))
                at = text(folders[at], "parent_id")
            self._found.folders[key] = "/".join(reversed(names))

    def _schedules(self) -> None:
        plans = self._part("lists of schedules", "scheduled_plans", {"all_users": "true"})
        for plan in each({"plans": plans}, "plans"):
            if plan.get("enabled") is False:
                continue
            for name in ("dashboard_id", "lookml_dashboard_id"):
                if key := text(plan, name):
                    self._found.sent.add(f"dashboard.{key}")
            if key := text(plan, "look_id"):
                self._found.sent.add(f"look.{key}")

    def _merged(self) -> None:
        elements = (one for board in self._found.dashboards.values() for one in each(board, "dashboard_elements"))
        for key in dict.fromkeys(filter(None, (merge_of(one) for one in elements))):
            answer = self._part("merged results", f"merge_queries/{_quoted(key)}")
            queries = []
            for source in each(answer, "source_queries"):
                number = text(source, "query_id")
                asked = query_of(self._part("queries", f"queries/{_quoted(number)}") if number else None)
                queries += [asked] if asked else []
            self._found.merged[key] = tuple(queries)

    def _explores(self) -> None:
        wanted = dict.fromkeys((q.model, q.explore) for q in self._queries() if q.model != ACTIVITY)
        for done, (model, explore) in enumerate(wanted):
            self._progress("explores", done, len(wanted))
            answer = self._part("explores", f"lookml_models/{_quoted(model)}/explores/{_quoted(explore)}")
            if isinstance(answer, dict):
                self._found.explores[model, explore] = answer

    def _queries(self) -> Iterator[Query]:
        for board in self._found.dashboards.values():
            for element in each(board, "dashboard_elements"):
                yield from queries_of(element, self._found.merged)
        for look in self._found.looks.values():
            asked = query_of(below(look, "query"))
            if asked:
                yield asked

    def _part(self, what: str, path: str, query: Mapping[str, str | int] | None = None, recorded: str = "") -> Any:
        """One answer; None, and a word in a gap, where it cannot be had. Raises ServiceError when nothing comes."""
        if self._site.recorded and isinstance(self._site.api, Recording):
            wanted = recorded or path
            if wanted.endswith("/search") and self._site.api.find(f"{API}/{wanted}") is None:
                return None  # a recording need not have what lies in the trash
            query = None
        try:
            answer = self._site.get(path, query)
        except Refused as error:
            self._in_a_row = 0
            if error.status == 401:
                raise
            self._lost.setdefault(what, []).append(error.message)
        except (ServiceError, InputError) as error:
            self._in_a_row += 1
            if self._in_a_row >= _MOST_IN_A_ROW and not self._site.recorded:
                raise
            self._lost.setdefault(what, []).append(str(error))
        else:
            self._in_a_row = 0
            return answer
        return None


def _quoted(key: str) -> str:
    return quote(key, safe="")


def _gap(message: str, topic: str = "lineage", hint: str = "") -> Gap:
    return Gap(topic=topic, message=message, hint=hint, origin=Origin(connector=NAME))


def as_gap(error: HeadwayError, what: str, hint: str = "") -> Gap:
    """A gap of usage for what could not be had."""
    return _gap(f"{what}: {error.message}", "usage", hint or error.hint)


# --- Queries ---------------------------------------------------------------------------------------------------------


def merge_of(element: Object) -> str:
    """Id of the merged result that a tile shows; '' for any other tile."""
    return text(element, "merge_result_id") or text(element, "result_maker", "merge_result_id")


def look_of(element: Object) -> str:
    """Id of the Look that a tile shows; '' for any other tile."""
    return text(element, "look_id") or text(element, "look", "id")


def queries_of(element: Object, merged: Mapping[str, tuple[Query, ...]]) -> Iterable[Query]:
    """What a tile asks."""
    if key := merge_of(element):
        return merged.get(key, ())
    for where in (("query",), ("result_maker", "query"), ("look", "query")):
        asked = query_of(below(element, *where))
        if asked:
            return (asked,)
    return ()


def query_of(said: Any) -> Query | None:
    """A query of the API; None for one that asks no explore."""
    model, explore = text(said, "model"), text(said, "view")
    if not model or not explore:
        return None
    listed = said.get("fields")
    names = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    for one in _dynamic(said.get("dynamic_fields")):
        based_on = text(one, "based_on")
        names += [based_on] if based_on else []
    return Query(model, explore, tuple(dict.fromkeys(names)), tuple(str(key) for key in below(said, "filters")))


def _dynamic(said: Any) -> list[Object]:
    """Custom fields, which come as JSON in a text."""
    if isinstance(said, str):
        try:
            said = msgspec.json.decode(said)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return []
    return each({"all": said}, "all")
