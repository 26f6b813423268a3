"""The connector `looker`: dashboards, Looks, explores and measures of a Looker, and who opens them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import content, given
from headway.connectors.api import Recording, answers
from headway.connectors.looker.activity import RETENTION_DAYS, Asking, embedded, usage
from headway.connectors.looker.evaluation import ATTEMPTS, TIMEOUT_SECONDS, Evaluation, Explores
from headway.connectors.looker.items import Items
from headway.connectors.looker.site import NAME, Reader, Site, signed_in
from headway.connectors.protocol import Context, Wanted
from headway.graph.model import AnyRecord, Gap, Node, Reading
from headway.remote import Client, checked_url


class Looker:
    """Reads a Looker through its API 4.0, or recorded answers of it from a folder.

    Yields nodes of kinds dashboard, chart (tiles and Looks), dataset (explores) and metric (measures), what they read,
    views by day, and gaps. Raises ConfigError for options that cannot be, InputError for a folder without answers,
    MissingExtra without the extra `bi`, ServiceError when Looker cannot be reached or refuses.
    """

    name: ClassVar[str] = NAME
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help="where the API is: https://tea.looker.example, with :19999 where it needs one"),
        Option("client_id", str, help="id of an API key", env="HEADWAY_LOOKER_CLIENT_ID", secret=True),
        Option("client_secret", str, help="secret of the API key", env="HEADWAY_LOOKER_CLIENT_SECRET", secret=True),
        Option("export", str, "", help="folder with recorded answers, such as api/4.0/dashboards.json"),
        Option("lookml", bool, False, help="explores and measures come from the lookml source; tie to these"),
        Option("evaluate", bool, False, help="ask Looker for key results even where the warehouse can compute them"),
        Option("explores", dict, {}, help="which explore a view's measures are asked of: {orders: tea/orders}"),
        *given.USAGE,
        Option("keep_days", int, RETENTION_DAYS, help="how many days to look back at most; Looker keeps 90"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        given.one_of(NAME, values, "url", "export")
        self._values = values
        self._url = checked_url("Looker", values["url"]) if values["url"] else ""
        self._asked_of = Explores.of(values["explores"])
        self._keep_days = given.days(NAME, values, "keep_days", 36_500)
        self._people, self._classes = given.people(values, context)

    def records(self) -> Iterator[AnyRecord]:
        """Everything the Looker holds, who opened it, and what could not be had."""
        with self._site() as site:
            found = Reader(site, self._context.progress).read()
            outside, gaps = embedded(site)
            seen = list(usage(site, self._asking(), self._context.progress))
        items = Items(found, self._url, lookml=self._values["lookml"])
        yield from content.records(NAME, NAME, items.all(outside))
        yield from items.elsewhere
        yield from seen
        yield from (*found.gaps, *items.gaps(), *gaps)

    def takes(self, metric: Node, *, computable: bool) -> bool:
        """Whether Looker is asked for a measure: where nothing else can compute it, or the option evaluate says so."""
        theirs = "lookml" if self._values["lookml"] else NAME
        asked = self._values["evaluate"] or not computable
        return bool(self._url) and asked and metric.origin.connector == theirs and "looker" in metric.meta

    def readings(self, wanted: Sequence[Wanted]) -> Iterator[Reading | Gap]:
        """What Looker says of measures, one query each. Raises ConfigError, MissingExtra, ServiceError."""
        with self._site(timeout=TIMEOUT_SECONDS, attempts=ATTEMPTS) as site:
            evaluation = Evaluation(site, self._asked_of, self._context.now)
            for done, one in enumerate(wanted):
                self._context.progress("key results in Looker", done, len(wanted))
                yield from evaluation.of(one)

    @contextmanager
    def _site(self, **how: Any) -> Iterator[Site]:
        """The Looker, signed in, or its recorded answers; `how` is what Client takes."""

        def client() -> Client:
            return Client("Looker", self._url, progress=self._context.progress, **how)

        with answers(NAME, self._context.root, self._values["export"], client) as api:
            site = Site(api)
            if not isinstance(api, Recording):
                site.sign_in = partial(self._sign_in, api)
                site.sign_in()
            yield site

    def _asking(self) -> Asking:
        return Asking(
            people=self._people,
            classes=self._classes,
            covers=self._values["covers"],
            keep_days=self._keep_days,
            now=self._context.now,
            covered=self._context.covered,
        )

    def _sign_in(self, client: Client) -> None:
        key = given.secret(NAME, self.options, "client_id", self._context)
        signed_in(client, key, given.secret(NAME, self.options, "client_secret", self._context))
