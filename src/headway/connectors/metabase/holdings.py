"""Everything that a Metabase holds, part by part: what cannot be had of it is told, the rest comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.fields import below, each, number, text, truth
from headway.connectors.metabase.schema import Schema
from headway.connectors.parts import Parts
from headway.connectors.protocol import Progress
from headway.graph.model import Gap
from headway.remote import Api

NAME = "metabase"
_PAGE = 1000

Object = Mapping[str, Any]


@dataclass(slots=True)
class Holdings:
    """What was read, by Metabase's numbers."""

    cards: dict[int, Object] = field(default_factory=dict)
    dashboards: dict[int, Object] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    """Number of a collection, as text -> its path of names."""
    schema: Schema = field(default_factory=Schema)
    snippets: dict[str, str] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)
    """Who made something, as Metabase shows them."""
    sent_cards: set[int] = field(default_factory=set)
    """Cards that subscriptions or alerts send."""
    sent_dashboards: set[int] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)


class Reader:
    """Reads holdings through the API, or from its recorded answers. One use."""

    def __init__(self, api: Api, progress: Progress) -> None:
        self._api = api
        self._progress = progress
        self._found = Holdings()
        self._parts = Parts(api, "Metabase")

    def read(self) -> Holdings:
        """All there is. Raises ServiceError or InputError when there is nothing to be had at all."""
        found = self._found
        wanted = self._contents(self._collections())
        self._listed_cards()
        self._details("questions", "api/card", wanted["card"], found.cards)
        self._details("dashboards", "api/dashboard", wanted["dashboard"], found.dashboards)
        self._embedded_cards()
        self._databases()
        self._snippets()
        self._subscriptions()
        self._people()
        found.gaps += self._parts.gaps(NAME)
        return found

    # --- What there is ------------------------------------------------------------------------------------------------

    def _collections(self) -> list[str]:
        answer = self._api.get("api/collection")
        listed = [one for one in each({"all": answer}, "all") if text(one, "id")]
        if not isinstance(answer, list) or not listed:
            raise self._parts.wrong("api/collection", "a list of collections")
        names = {text(one, "id"): text(one, "name") for one in listed}
        for one in listed:
            above = [names.get(part, "") for part in text(one, "location").split("/") if part]
            whole = [*above, text(one, "name")] if text(one, "id") != "root" else []
            self._found.paths[text(one, "id")] = "/".join(part.replace("/", " ") for part in whole if part)
        order = [key for key in names if key.isascii() and (key.isdigit() or key in {"root", "trash"})]
        return [*(["root"] if "root" not in order else []), *order, *(["trash"] if "trash" not in order else [])]

    def _contents(self, collections: Sequence[str]) -> dict[str, list[int]]:
        """Numbers of all cards and dashboards that lie in collections."""
        wanted: dict[str, dict[int, None]] = {"card": {}, "dashboard": {}}
        for done, collection in enumerate(collections):
            self._progress("reading Metabase's collections", done, len(collections))
            optional = collection == "trash"
            for one in self._pages(f"api/collection/{collection}/items", optional=optional):
                kind = {"card": "card", "dataset": "card", "metric": "card", "dashboard": "dashboard"}.get(
                    text(one, "model"), ""
                )
                if kind and (key := whole(one, "id")) is not None:
                    wanted[kind][key] = None
        return {kind: list(numbers) for kind, numbers in wanted.items()}

    def _pages(self, path: str, *, optional: bool) -> Iterator[Object]:
        """Everything below a path that older versions give as a list and newer ones in pages."""
        seen: set[tuple[str, str]] = set()
        while True:
            query = {"limit": _PAGE, "offset": len(seen)}
            answer = self._parts.get("collections", path, query, optional=optional)
            page = each({"data": answer} if isinstance(answer, list) else answer, "data")
            fresh = [one for one in page if (text(one, "model"), text(one, "id")) not in seen]
            yield from fresh
            seen.update((text(one, "model"), text(one, "id")) for one in fresh)
            total = number(answer, "total")
            if isinstance(answer, list) or not fresh or (total is not None and len(seen) >= total):
                return

    def _listed_cards(self) -> None:
        """All cards in two answers, where this version lists them."""
        for query in (None, {"f": "archived"}):
            answer = self._parts.get("the list of questions", "api/card", query, optional=True)
            for card in each({"all": answer}, "all"):
                key = whole(card, "id")
                if key is not None and isinstance(card.get("dataset_query"), dict):
                    self._found.cards.setdefault(key, card)

    def _details(self, what: str, path: str, wanted: Sequence[int], into: dict[int, Object]) -> None:
        for done, key in enumerate(wanted):
            self._progress(f"reading Metabase's {what}", done, len(wanted))
            if key in into:
                continue
            answer = self._parts.get(what, f"{path}/{key}")
            if isinstance(answer, dict):
                into[key] = {**answer, "id": key}
            elif answer is not None:
                self._parts.note(what, f"{path}/{key} is something else than was expected")

    def _embedded_cards(self) -> None:
        """Cards that live in a dashboard alone, or that no collection shows: they come with the dashboard."""
        for dashboard in self._found.dashboards.values():
            for dashcard in dashcards(dashboard):
                for card in (below(dashcard, "card"), *each(dashcard, "series")):
                    key = whole(card, "id")
                    if key is not None and isinstance(card.get("dataset_query"), dict):
                        self._found.cards.setdefault(key, card)

    # --- What it takes to understand it -------------------------------------------------------------------------------

    def _databases(self) -> None:
        used = sorted({key for card in self._found.cards.values() if (key := database_of(card)) is not None})
        for done, key in enumerate(used):
            self._progress("reading the tables that Metabase knows", done, len(used))
            answer = self._parts.get("databases", f"api/database/{key}/metadata", {"include_hidden": "true"})
            if isinstance(answer, dict):
                self._found.schema.add(answer)

    def _snippets(self) -> None:
        if not any("snippet:" in str(card.get("dataset_query")) for card in self._found.cards.values()):
            return
        answer = self._parts.get("snippets", "api/native-query-snippet")
        for one in each({"all": answer}, "all"):
            self._found.snippets[text(one, "name").strip()] = text(one, "content")

    def _subscriptions(self) -> None:
        for pulse in self._everything("api/pulse"):
            if truth(pulse, "archived"):
                continue
            dashboard = whole(pulse, "dashboard_id")
            if dashboard is not None:
                self._found.sent_dashboards.add(dashboard)
            self._found.sent_cards.update(
                key for card in each(pulse, "cards") if (key := whole(card, "id")) is not None
            )
        for one in self._everything("api/notification"):
            card = whole(below(one, "payload"), "card_id")
            if card is not None and one.get("active") is not False:
                self._found.sent_cards.add(card)

    def _everything(self, path: str) -> list[Object]:
        return each({"all": self._parts.get("subscriptions", path, optional=True)}, "all")

    def _people(self) -> None:
        found = self._found
        for one in (*found.cards.values(), *found.dashboards.values()):
            key = whole(below(one, "creator"), "id")
            if key is not None and (shown := person(below(one, "creator"))):
                found.users[key] = shown
        makers = {key for one in found.dashboards.values() if (key := whole(one, "creator_id")) is not None}
        for key in sorted(makers - set(found.users)):
            answer = self._parts.get("who made dashboards", f"api/user/{key}", optional=True)
            if not isinstance(answer, dict):
                return  # whoever may not see one user may not see the others either
            found.users[key] = person(answer)


def whole(of: Any, name: str) -> int | None:
    """The whole number called so; None for anything else."""
    value = of.get(name) if isinstance(of, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def dashcards(dashboard: Object) -> list[Object]:
    """What stands on a dashboard, on all of its tabs."""
    return each(dashboard, "dashcards") or each(dashboard, "ordered_cards")


def database_of(card: Object) -> int | None:
    """The database that a card asks."""
    found = whole(card, "database_id")
    return found if found is not None else whole(card.get("dataset_query"), "database")


def person(user: Object) -> str:
    """Somebody as Metabase shows them: by mail address, or else by name."""
    return text(user, "email") or text(user, "common_name")
