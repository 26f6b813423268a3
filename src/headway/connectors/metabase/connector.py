"""The connector `metabase`: dashboards, questions, models and metrics of Metabase, and who opens them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import content, given
from headway.connectors.api import Recording, answers
from headway.connectors.content import Item
from headway.connectors.fields import below, day, each, number, text, truth
from headway.connectors.metabase.holdings import (
    NAME,
    Holdings,
    Object,
    Reader,
    dashcards,
    database_of,
    person,
    whole,
)
from headway.connectors.metabase.queries import CARD, understood
from headway.connectors.metabase.usage import Asking, usage
from headway.connectors.protocol import Context
from headway.errors import ConfigError, MissingExtra, ServiceError
from headway.graph.model import AnyRecord, Gap, Observation, Origin
from headway.graph.totals import VIEWS_TOTAL
from headway.remote import Client, checked_url

_KINDS: Mapping[str, content.Kind] = {"model": "dataset", "metric": "metric"}


class Metabase:
    """Reads a Metabase through its API, or recorded answers of it from a folder.

    Yields nodes of kinds dashboard, chart (questions), dataset (models) and metric, what they read, which columns of
    it; views from the application database where its URL is given, lifetime totals of views where it is not; then gaps.

    Raises ConfigError for options that cannot be, InputError for a folder without answers, MissingExtra without the
    extra `bi`, ServiceError when Metabase cannot be reached or refuses.
    """

    name: ClassVar[str] = NAME
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help="where Metabase is: https://metabase.example.com"),
        Option("user", str, "", help="login name, where it is signed in with a password and not with an API key"),
        Option(
            "api_key",
            str,
            help="API key of a group that may see everything",
            env="HEADWAY_METABASE_API_KEY",
            secret=True,
        ),
        Option("password", str, help="password of `user`", env="HEADWAY_METABASE_PASSWORD", secret=True),
        Option(
            "database",
            str,
            help="URL of Metabase's application database (PostgreSQL), for who opened what",
            env="HEADWAY_METABASE_DB_URL",
            secret=True,
        ),
        Option("export", str, "", help="folder with recorded answers, such as api/card/27.json, instead of asking"),
        Option("taken", str, "", help="day on which `export` was recorded, so that its totals of views have a date"),
        *given.USAGE,
        Option("keep_days", int, 400, help="how many days to look back at most"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        self._values = values
        self._export: str = values["export"]
        self._url: str = values["url"]
        if not self._export and not self._url:
            raise ConfigError(f"{NAME} needs either url or export: neither is given")
        if self._url:
            self._url = checked_url("Metabase", self._url)
        self._taken = given.iso_day(NAME, values, "taken")
        self._keep_days = given.days(NAME, values, "keep_days", 36_500)
        self._people, self._classes = given.people(values, context)

    def records(self) -> Iterator[AnyRecord]:
        """Everything Metabase holds, who opened it, and what could not be had."""
        with answers(NAME, self._context.root, self._export, self._client) as api:
            if not isinstance(api, Recording):
                self._sign_in(api)
            found = Reader(api, self._context.progress).read()
        items = _Items(found, self._url)
        yield from content.records(NAME, NAME, items.all())
        yield from items.gaps
        yield from found.gaps
        yield from self._usage(found)

    # --- Where it is read from ----------------------------------------------------------------------------------------

    def _client(self) -> Client:
        key = self._context.environment.get("HEADWAY_METABASE_API_KEY", "").strip()
        headers = {"x-api-key": key} if key else {}
        if not key and not self._values["user"]:
            raise ConfigError(
                f"{NAME} needs HEADWAY_METABASE_API_KEY in the environment", hint="or the option user, and its password"
            )
        return Client("Metabase", self._url, headers=headers, progress=self._context.progress)

    def _sign_in(self, client: Client) -> None:
        """Open a session, where there is no API key."""
        if client.headers:
            return
        password = given.secret(NAME, self.options, "password", self._context)
        answer = client.post("api/session", {"username": self._values["user"], "password": password})
        session = text(answer, "id")
        if not session:
            raise ServiceError("Metabase: api/session gave no session", hint="is the url right?")
        client.headers["x-metabase-session"] = session

    # --- Usage --------------------------------------------------------------------------------------------------------

    def _usage(self, found: Holdings) -> Iterator[AnyRecord]:
        url = self._context.environment.get("HEADWAY_METABASE_DB_URL", "").strip()
        if url and not self._export:
            asking = Asking(
                people=self._people,
                classes=self._classes,
                covers=self._values["covers"],
                keep_days=self._keep_days,
                now=self._context.now,
                since=self._context.since,
                kinds={key: kind_of(card) for key, card in found.cards.items()},
            )
            try:
                yield from usage(url, asking, self._context.progress)
            except (ServiceError, MissingExtra) as error:
                yield Gap(topic="usage", message=error.message, hint=error.hint, origin=Origin(connector=NAME))
            return
        yield from self._totals(found)

    def _totals(self, found: Holdings) -> Iterator[AnyRecord]:
        """How often everything was opened since it was made: what the API knows of use."""
        origin = Origin(connector=NAME)
        on = self._taken if self._export else self._context.now.date()
        if on is None:
            message = "the export of metabase has totals of views, but not of which day"
            yield Gap(topic="usage", message=message, hint="taken: 2026-11-22", origin=origin)
            return
        named = [(f"{kind_of(card)}.{key}", card) for key, card in found.cards.items()]
        named += [(f"dashboard.{key}", dashboard) for key, dashboard in found.dashboards.items()]
        for reference, one in sorted(named, key=lambda pair: pair[0]):
            total = number(one, "view_count")
            if total is not None and total >= 0:
                node = content.item_id(NAME, reference)
                yield Observation(day=on, measure=VIEWS_TOTAL, amount=total, node=node, tool=NAME, origin=origin)
        yield Gap(
            topic="usage",
            message="metabase says how often something was opened, but not by whom, nor whether a person did",
            hint="its application database does: set HEADWAY_METABASE_DB_URL",
            origin=origin,
        )


def kind_of(card: Object) -> content.Kind:
    """Whether a card is a question, a model or a metric."""
    kind = text(card, "type") or ("model" if truth(card, "dataset") else "")
    return _KINDS.get(kind, "chart")


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names if name)


class _Items:
    """Holdings as items."""

    def __init__(self, found: Holdings, url: str) -> None:
        self._found = found
        self._url = url
        self._reads = {
            key: understood(card.get("dataset_query"), each(card, "result_metadata"), found.schema, found.snippets)
            for key, card in sorted(found.cards.items())
        }
        self.gaps: list[Gap] = []

    def all(self) -> list[Item]:
        """Cards, then dashboards, by number."""
        found = self._found
        cards = [self._card(key, found.cards[key]) for key in sorted(found.cards)]
        return cards + [self._dashboard(key, found.dashboards[key]) for key in sorted(found.dashboards)]

    def _reference(self, card: int) -> str:
        return f"{kind_of(self._found.cards.get(card, {}))}.{card}"

    def _card(self, key: int, card: Object) -> Item:
        found = self._found
        read = self._reads[key]
        asked = database_of(card)
        database = found.schema.databases.get(asked) if asked is not None else None
        kind = kind_of(card)
        unknown = [table for table in read.tables if table not in found.schema.tables]
        if read.problem or unknown:
            why = read.problem or "tables that it reads are not known to whoever asks"
            self._gap(kind, key, card, why)
        metrics = [number for number in read.metrics if kind_of(found.cards.get(number, {})) == "metric"]
        direct = [number for number in read.cards if f"{CARD}{number}" not in read.sql]
        tables = [table for table in read.tables if table in found.schema.tables]
        return Item(
            kind=kind,
            key=str(key),
            reads=tuple(self._reference(number) for number in (*direct, *metrics)),
            tables=tuple(found.schema.tables[table] for table in tables),
            offers={
                **{found.schema.tables[table]: _folded(found.schema.columns[table]) for table in tables},
                **{self._reference(number): self._outputs(number) for number in (*direct, *metrics)},
            },
            sql=read.sql,
            dialect=database.dialect if read.sql and database else "",
            default=database.default if database else ("", ""),
            stands_for={f"{CARD}{number}": self._reference(number) for number in read.cards},
            computed=read.computed,
            # of a metric every output counts: which of them a question takes is not said
            rows=(*read.rows, *sorted({name for number in metrics for name in self._outputs(number)})),
            outside=self._outside(card) or key in found.sent_cards,
            **self._common(kind, key, card),
        )

    def _outputs(self, number: int) -> frozenset[str]:
        """Names of a card's columns; empty when they are not known."""
        said = _folded(text(one, "name") for one in each(self._found.cards.get(number, {}), "result_metadata"))
        read = self._reads.get(number)
        return said or (_folded(read.computed) if read else frozenset())

    def _gap(self, kind: str, key: int, card: Object, why: str) -> None:
        named = " ".join("".join(c if c.isprintable() else " " for c in text(card, "name")).split())[:100] or str(key)
        self.gaps.append(
            Gap(
                topic="lineage",
                message=f"what {kind} {named!r} reads is not known: {why}",
                node=content.item_id(NAME, f"{kind}.{key}"),
                origin=Origin(connector=NAME),
            )
        )

    def _dashboard(self, key: int, dashboard: Object) -> Item:
        shown: list[int] = []
        for dashcard in dashcards(dashboard):
            of = (whole(dashcard, "card_id"), whole(below(dashcard, "card"), "id"))
            shown += [number for number in of if number is not None]
            shown += [number for one in each(dashcard, "series") if (number := whole(one, "id")) is not None]
        return Item(
            kind="dashboard",
            key=str(key),
            reads=tuple(self._reference(number) for number in dict.fromkeys(shown)),
            outside=self._outside(dashboard) or key in self._found.sent_dashboards,
            **self._common("dashboard", key, dashboard),
        )

    @staticmethod
    def _outside(one: Object) -> bool:
        """Embedded, or public."""
        return truth(one, "enable_embedding") or bool(text(one, "public_uuid"))

    def _common(self, kind: str, key: int, one: Object) -> dict[str, Any]:
        found = self._found
        reviews = each(one, "moderation_reviews")
        verified = any(text(review, "status") == "verified" and truth(review, "most_recent") for review in reviews)
        maker = whole(one, "creator_id")
        return {
            "title": text(one, "name"),
            "owner": person(below(one, "creator")) or found.users.get(maker if maker is not None else -1, ""),
            # /card/27 leads on to the question, model or metric, and is what dbt-metabase writes into exposures
            "url": f"{self._url}/{'dashboard' if kind == 'dashboard' else 'card'}/{key}" if self._url else "",
            "path": found.paths.get(text(one, "collection_id") or "root", ""),
            "description": text(one, "description"),
            "tags": ("verified",) if verified else (),
            "created": day(one, "created_at"),
            "archived": truth(one, "archived"),
        }
