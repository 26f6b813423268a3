"""The sink `datahub`: the company's goals as terms, tags or domains of DataHub, and what serves them.

Proposals are made by DataHub's own SDK; they go to the metadata service here, not through the SDK's client, which
imports usage reporting of its own and says more in its errors than may be said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from headway.answer import listed
from headway.config import Option
from headway.errors import ConfigError, ServiceError
from headway.remote import Client, Refused, checked_url
from headway.sinks.catalog import Change, Head, Statement
from headway.sinks.datahub_proposals import check_installed, in_file, on_the_wire, proposals
from headway.sinks.datahub_said import statements
from headway.sinks.datahub_settings import OPTIONS, TOKEN, Settings
from headway.sinks.datahub_urns import entity_type
from headway.sinks.protocol import Delivered, Outcome, Setting

_MOST_FAILURES = 5
"""Failures of the service itself in a row after which the rest is not tried."""
_NAMES = {"terms": "term", "tags": "tag", "domains": "domain"}


class DataHub:
    """Tells DataHub of the goals. Only what is Headway's own is changed; see `datahub_proposals`.

    Raises MissingExtra without the SDK, ConfigError for options that cannot be, and when it is to send without a
    server, ServiceError when the service cannot be reached, the token is refused, or it fails several times in a row.
    """

    name: ClassVar[str] = "datahub"
    options: ClassVar[tuple[Option, ...]] = OPTIONS

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None:
        check_installed()
        self._settings = Settings.of(options, setting.environment)
        self._setting = setting

    @property
    def place(self) -> str:
        """Address of the metadata service. Raises ConfigError where none is configured."""
        if not self._settings.server:
            hint = "server: https://datahub.example.com/gms, below catalogs.datahub; --output FILE needs none"
            raise ConfigError("it is not known where DataHub is", hint=hint)
        return checked_url("DataHub", self._settings.server)

    def statements(self, head: Head) -> Sequence[Statement]:
        """See CatalogSink.statements."""
        return statements(head, self._settings)

    def written(self, changes: Iterable[Change]) -> str:
        """The changes as a metadata file, for `datahub ingest` with its file source and for `datahub put`."""
        told = [one for change in changes for one in in_file(proposals(change, self._setting.now))]
        return json.dumps(told, indent=1) + "\n"

    def deliver(self, items: Iterable[Change], *, dry_run: bool) -> Iterator[Delivered]:
        """Send, or say what would be sent, one thing after the other. Assets that DataHub does not have are left."""
        headers = {"x-restli-protocol-version": "2.0.0"}
        token = self._setting.environment.get(TOKEN, "").strip()
        if token:
            headers["authorization"] = f"Bearer {token}"
        failures = 0
        with Client("DataHub", self.place, headers=headers, progress=self._setting.progress) as client:
            _check(client)
            for change in items:
                try:
                    yield self._one(client, change, dry_run=dry_run)
                    failures = 0
                except Refused as error:
                    failures = failures + 1 if error.status >= 500 else 0
                    if error.status == 401 or error.status < 400 or failures >= _MOST_FAILURES:
                        raise
                    yield Delivered(change.key, "failed", f"{change.title}: {_why(error)}")

    def _one(self, client: Client, change: Change, *, dry_run: bool) -> Delivered:
        what = (change.said or next(iter(change.before), {})).get("is", "")
        if what == "asset" and not _is_there(client, change.key):
            outcome: Outcome = "same" if change.said is None else "left alone"  # what is gone needs nothing taken off
            return Delivered(change.key, outcome, f"{change.title}: DataHub has no {change.key}")
        sentence = f"{change.title}: {_told(change, what)}"
        if dry_run:
            return Delivered(change.key, "would be sent", sentence)
        told = on_the_wire(proposals(change, self._setting.now))
        if told:
            client.post("aspects?action=ingestProposalBatch", {"proposals": told, "async": "false"})
        return Delivered(change.key, "sent", sentence)


def _check(client: Client) -> None:
    """Raise ServiceError where no metadata service answers: its pages, for one, answer every address with a page."""
    hint = "the url of the metadata service ends in /gms, or is that of port 8080"
    try:
        found = client.get("config")
    except Refused as error:
        if error.status != 404:
            raise
        found = None
    if not isinstance(found, dict) or found.get("noCode") != "true":
        raise ServiceError("what answers there is no metadata service of DataHub", hint=hint)


def _is_there(client: Client, urn: str) -> bool:
    """Whether DataHub knows something: a patch of what it does not know would make an empty thing of that name."""
    key = f"{entity_type(urn)}Key"
    try:
        found = client.get(f"aspects/{quote(urn, safe='')}", {"aspect": key, "version": 0})
    except Refused as error:
        if error.status == 404:
            return False
        raise
    if not isinstance(found, dict):
        raise ServiceError("DataHub: what it says of an asset is no answer", hint="is the server the metadata service?")
    return bool(found.get("aspect"))


def _why(error: Refused) -> str:
    reasons = {
        400: "DataHub does not take it (400); is it older than 1.7?",
        403: "the token may not change it (403)",
        404: "there is no metadata service (404); is the url right?",
        422: "DataHub does not take it (422)",
    }
    return reasons.get(error.status, f"DataHub fails with status {error.status}")


def _told(change: Change, what: str) -> str:
    """What changes, in words that fit both what is done and what would be."""
    if change.said is None:
        return "all terms and properties of Headway taken off" if what == "asset" else "marked as deprecated"
    if what != "asset":
        return f"{what} {'changed' if change.before else 'made'}"
    parts = []
    for name, noun in _NAMES.items():
        now = list(change.said.get(name, ()))
        before = dict.fromkeys(urn for one in change.before for urn in one.get(name, ()))
        for verb, urns in (
            ("gets", [u for u in now if u not in before]),
            ("loses", [u for u in before if u not in now]),
        ):
            if urns:
                short = [urn.split(":", 3)[3] for urn in urns]
                parts.append(f"{verb} the {noun}{'s' if len(urns) > 1 else ''} {listed(short, 3)}")
    return ", ".join(parts) or "properties changed"
