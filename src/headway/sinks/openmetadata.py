"""The sink `openmetadata`: goals as terms, tags or domains of OpenMetadata, and the assets that serve them.

Only Headway's own parts change. A text that somebody rewrote is left alone; labels that people put by hand, their
owners, reviewers and domains stay; of lists only our members are taken out. Nothing is deleted: a goal that has ended
is marked so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, ClassVar, cast, get_args

import msgspec

from headway.config import Option
from headway.errors import ConfigError, MissingExtra, ServiceError
from headway.remote import Refused, checked_url
from headway.sinks.catalog import Change, Head, Statement
from headway.sinks.openmetadata_api import SYSTEM, Catalog
from headway.sinks.openmetadata_changes import Wanted, asset_wanted, ended_wanted, goal_wanted, is_marked, texts_wanted
from headway.sinks.openmetadata_items import PROPERTY_TYPE, Asset, Goal, Home, Ours, Property, item_of
from headway.sinks.openmetadata_requests import requests
from headway.sinks.openmetadata_shapes import (
    COLLECTIONS,
    Names,
    Shape,
    goal_body,
    home_body,
    property_body,
)
from headway.sinks.openmetadata_statements import WITH_PROPERTIES, Places, statements
from headway.sinks.protocol import Delivered, Setting

TOKEN = "OPENMETADATA_JWT_TOKEN"  # noqa: S105 - the name of a variable
HOME = "Company goals"
ENDED = "ended"
"""In the receipt of a goal that we marked as ended, and nobody else before."""
_MOST_FAILURES = 5
"""Failures of the server itself in a row after which the rest is not tried."""
_NEW = "new"
"""Stands for the id of what a dry run would make."""


class OpenMetadata:
    """Tells a server of OpenMetadata of goals and of the assets that serve them. See CatalogSink.

    Raises ConfigError for options that cannot be. `deliver` raises ConfigError without a url or a token and for an old
    server, MissingExtra without httpx, ServiceError when the server cannot be reached or refuses the token. What it
    refuses of one thing is a Delivered that failed, and the others go on.
    """

    name: ClassVar[str] = "openmetadata"
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help="where OpenMetadata is"),
        Option("token", str, help="JWT of a bot or a person", env=TOKEN, secret=True),
        Option("as", str, "glossary", help="what goals are there: glossary, tags or domains"),
        Option("group", str, HOME, help="name of the glossary or the classification"),
        Option("key_results", bool, True, help="assets get the labels of key results, too"),
        Option("service", str, "", help="the database service that the project's tables are in"),
        Option("database", str, "", help="the database of relations that name none; default: default"),
        Option("services", dict, None, help="BI tool: its dashboard service there, such as {superset: bi_prod}"),
    )

    def __init__(
        self, options: Mapping[str, Any], setting: Setting, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        given = _given(options, self.options)
        if given["as"] not in get_args(Shape):
            raise ConfigError(f"catalogs.openmetadata.as is one of {', '.join(get_args(Shape))}")
        self._names = Names(cast("Shape", given["as"]), given["group"])
        self._key_results = options.get("key_results", True)
        if not isinstance(self._key_results, bool):
            raise ConfigError("catalogs.openmetadata.key_results is true or false")
        self._places = Places(given["service"], given["database"], _services(options.get("services")))
        self._url = checked_url(SYSTEM, given["url"]) if given["url"] else ""
        self._setting, self._sleep = setting, sleep

    @property
    def place(self) -> str:
        """The address of the server."""
        return self._url or "nowhere"

    def statements(self, head: Head) -> Sequence[Statement]:
        """The glossary, its terms, the custom properties, then the assets that serve a goal."""
        return statements(head, self._names, self._places, key_results=self._key_results)

    def written(self, changes: Iterable[Change]) -> str:
        """Requests that say all this to an OpenMetadata that knows nothing of it yet, one in JSON a line.

        Owners and custom properties are left out, as both need ids that only the server has; labels are only added.
        """
        return "".join(f"{msgspec.json.encode(one).decode()}\n" for change in changes for one in requests(change))

    def deliver(self, items: Iterable[Change], *, dry_run: bool) -> Iterator[Delivered]:
        """Make and change what differs, or say what would be, one thing after the other."""
        if not self._url:
            raise ConfigError("OpenMetadata has no url", hint="catalogs: {openmetadata: {url: https://...}}")
        if find_spec("httpx") is None:
            raise MissingExtra("openmetadata", "asking OpenMetadata")
        token = self._setting.environment.get(TOKEN, "").strip()
        if not token:
            raise ConfigError(f"asking OpenMetadata needs {TOKEN} in the environment")
        with Catalog(self._url, token, self._setting.progress, self._sleep) as there:
            there.check()
            talk = _Talk(there, dry_run=dry_run)
            failures = 0
            for change in items:
                try:
                    yield talk.about(change)
                    failures = 0
                except Refused as error:
                    failures = failures + 1 if error.status >= 500 else 0
                    if error.status == 401 or error.status < 400 or failures >= _MOST_FAILURES:
                        raise
                    yield Delivered(change.key, "failed", f"{change.title}: {_refused(error, change)}")


class _Talk:
    """One delivery: what was looked up is remembered until its end."""

    def __init__(self, there: Catalog, *, dry_run: bool) -> None:
        self._there = there
        self._dry_run = dry_run
        self._teams: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self._properties: dict[str, frozenset[str]] = {}
        self._planned: set[tuple[str, str]] = set()
        self._markdown = ""

    def about(self, change: Change) -> Delivered:
        ours = Ours(change.before)
        item = item_of(change.said) if change.said is not None else ours.last
        if isinstance(item, Home):
            return self._home(change, item, ours)
        if isinstance(item, Goal):
            known = (*change.before, *change.taken)
            return self._goal(change, item, Ours(known, ended=change.receipt.get(ENDED) is True))
        if isinstance(item, Property):
            return self._property(change, item)
        if isinstance(item, Asset):
            return self._asset(change, item, ours)
        return Delivered(change.key, "same", f"{change.title}: nothing is known of what was said of it")

    def _home(self, change: Change, item: Home, ours: Ours) -> Delivered:
        if change.said is None:
            return Delivered(change.key, "same", f"{item.name}: stays, as people may use it too")
        there = self._there.find(item.collection, item.fqn)
        if there is None:
            return self._made(change, item.collection, home_body(item))
        wanted = Wanted()
        texts_wanted(wanted, there, item.texts, ours)
        return self._changed(change, item.collection, there, wanted)

    def _goal(self, change: Change, item: Goal, ours: Ours) -> Delivered:
        there = self._there.find(item.collection, item.fqn, "owners")
        if change.said is None:
            if there is None:
                return _gone(change)
            wanted = ended_wanted(there, item, ours)
            done = self._changed(change, item.collection, there, wanted)
            return replace(done, receipt={ENDED: True}) if wanted.patch or is_marked(there) else done
        owner = self._team(item.team)
        if there is None:
            return self._made(
                change, item.collection, goal_body(item, {"id": owner, "type": "team"} if owner else None)
            )
        return self._changed(change, item.collection, there, goal_wanted(there, item, ours, owner))

    def _team(self, name: str) -> str:
        """Id of the team that is called so and may own something; '' where there is none."""
        if name not in self._teams:
            there = self._there.find("teams", name) if name else None
            # only teams of people own things there, not departments or divisions
            owns = there is not None and there.get("teamType", "Group") == "Group"
            self._teams[name] = str(there["id"]) if there is not None and owns else ""
        return self._teams[name]

    def _property(self, change: Change, item: Property) -> Delivered:
        what = f"the custom property {item.name} of {item.kind}s"
        if change.said is None:
            return Delivered(change.key, "same", f"{what} stays, as people may use it too")
        there = self._type(item.kind)
        for one in _custom(there):
            if one.get("name") == item.name:
                of = one.get("propertyType")
                if isinstance(of, Mapping) and of.get("name", PROPERTY_TYPE) != PROPERTY_TYPE:
                    return Delivered(change.key, "failed", f"{what} is there already, but not of {PROPERTY_TYPE}")
                return Delivered(change.key, "same", f"{what} is there")
        self._properties.pop(item.kind, None)
        if self._dry_run:
            self._planned.add((item.kind, item.name))
            return Delivered(change.key, "would be sent", f"{what} would be made")
        self._there.make(f"metadata/types/{there['id']}", property_body(item, self._type_of_texts()))
        return Delivered(change.key, "sent", f"{what} was made")

    def _asset(self, change: Change, item: Asset, ours: Ours) -> Delivered:
        if change.said is None:
            item = msgspec.structs.replace(item, labels=[], properties={}, domain="")
        fields = "tags,domains,extension" if item.kind in WITH_PROPERTIES else "tags,domains"
        collection = COLLECTIONS[item.kind]
        spelled = (self._there.find(collection, fqn, fields) for fqn in item.places)
        there = next((one for one in spelled if one is not None), None)
        if there is None:
            if change.said is None:
                return _gone(change)
            return Delivered(change.key, "left alone", f"{change.title}: {SYSTEM} has no {item.kind} {item.places[0]}")
        possible = self._possible(item.kind)
        domain = self._domain(item.domain) if item.domain else ""
        told = self._changed(change, collection, there, asset_wanted(there, item, ours, possible, domain))
        missing = [f"no custom property {name}" for name in item.properties if name not in possible]
        missing += [f"no domain {item.domain}"] if item.domain and not domain else []
        if missing:
            # said again by the next run, when that may be there
            return Delivered(change.key, "failed", f"{told.sentence}, but there is {' and '.join(missing)}")
        return told

    def _possible(self, kind: str) -> frozenset[str]:
        """Custom properties that assets of a kind have, or would have after a dry run."""
        if kind not in WITH_PROPERTIES:
            return frozenset()
        if kind not in self._properties:
            names = {str(one.get("name")) for one in _custom(self._type(kind))}
            planned = {name for planned, name in self._planned if planned == kind}
            self._properties[kind] = frozenset(names | planned)
        return self._properties[kind]

    def _type(self, kind: str) -> dict[str, Any]:
        there = self._there.find("metadata/types", kind, "customProperties")
        if there is None:
            raise ServiceError(f"{SYSTEM} does not say what a {kind} is")
        return there

    def _type_of_texts(self) -> str:
        if not self._markdown:
            there = self._there.find("metadata/types", PROPERTY_TYPE)
            if there is None:
                raise ServiceError(f"{SYSTEM} has no custom properties of {PROPERTY_TYPE}")
            self._markdown = str(there["id"])
        return self._markdown

    def _domain(self, fqn: str) -> str:
        if fqn not in self._domains:
            there = self._there.find("domains", fqn)
            self._domains[fqn] = str(there["id"]) if there is not None else _NEW if self._dry_run else ""
        return self._domains[fqn]

    def _made(self, change: Change, collection: str, body: Mapping[str, Any]) -> Delivered:
        if self._dry_run:
            return Delivered(change.key, "would be sent", f"{change.title}: would be made")
        self._there.make(collection, body)
        return Delivered(change.key, "sent", f"{change.title}: made")

    def _changed(self, change: Change, collection: str, there: Mapping[str, Any], wanted: Wanted) -> Delivered:
        kept = " and ".join(wanted.kept)
        if not wanted.patch:
            if kept:
                return Delivered(change.key, "left alone", f"{change.title}: somebody else wrote its {kept}")
            return Delivered(change.key, "same", f"{change.title}: is as it should be")
        says = "; ".join(wanted.words) + (f" (its {kept} is somebody else's and stays)" if kept else "")
        if self._dry_run:
            return Delivered(change.key, "would be sent", f"{change.title}: would change: {says}")
        self._there.change(collection, str(there["id"]), wanted.patch)
        return Delivered(change.key, "sent", f"{change.title}: changed: {says}")


def _gone(change: Change) -> Delivered:
    return Delivered(change.key, "same", f"{change.title}: is no longer there")


def _custom(there: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = there.get("customProperties")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _refused(error: Refused, change: Change) -> str:
    """Why something could not be written; what was asked for by name and is not there never comes here."""
    if error.status == 404:
        return f"{SYSTEM} does not have what it belongs to, or is labelled with (404)"
    if error.status not in {400, 409, 412}:
        return str(error)
    item = item_of(change.said) if change.said is not None else None
    why = f"{SYSTEM} refuses what was to be written ({error.status})"
    if isinstance(item, Goal) and item.collection == "glossaryTerms":
        return f"{why}; is a term called {item.name} elsewhere in {item.home}?"
    return why


def _given(options: Mapping[str, Any], known: Iterable[Option]) -> dict[str, str]:
    """Options that are texts, with their defaults. Raises ConfigError for unknown ones and for what is no text."""
    names = {option.name: option for option in known}
    for name in options:
        if name not in names or names[name].secret:
            hint = f"it comes from {TOKEN} in the environment" if name in names else f"use one of {', '.join(names)}"
            raise ConfigError(f"catalogs.openmetadata cannot have {name}", hint=hint)
    found = {}
    for name, option in names.items():
        value = options.get(name)
        if option.type is not str or option.secret:
            continue
        if value is not None and not (isinstance(value, str) and value.isprintable()):
            raise ConfigError(f"catalogs.openmetadata.{name} must be a text")
        found[name] = str(value or "").strip() or str(option.default)
    return found


def _services(said: Any) -> dict[str, str]:
    if said is None:
        return {}
    if not isinstance(said, Mapping) or not all(isinstance(name, str) and name.strip() for name in said.values()):
        raise ConfigError(
            "catalogs.openmetadata.services must say which service is which tool", hint="{superset: bi_prod}"
        )
    return {str(tool): str(name).strip() for tool, name in said.items()}
