"""Lumaloop's invented life: users, subscriptions, money, editing, marketing and support.

`simulate` returns every raw table as a list of rows in the column order of `tables.py`, without
`_loaded_at`. The same seed, day and scale give the same rows. Each subject draws from a random
stream of its own, so that a change to one leaves the others as they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from random import Random

HISTORY_DAYS = 570
STALE_DAYS = 9  # how long before the last day the help desk's ticket loader stopped
QUARTER_DAYS = 52  # the running quarter is this old on the demo's day
WEB_LAUNCH_DAYS = 221  # the web editor was launched this long before the demo's day

Row = tuple[object, ...]

COUNTRIES = ("DE", "FR", "NL", "ES", "IT", "PL", "GB", "CH", "US", "CA", "BR", "JP")
COUNTRY_WEIGHTS = (20, 12, 7, 8, 8, 5, 10, 3, 15, 4, 5, 3)
VAT = {"DE": 0.19, "FR": 0.20, "NL": 0.21, "ES": 0.21, "IT": 0.22, "PL": 0.23, "GB": 0.20, "CH": 0.08}
CHANNELS = ("organic", "search", "social", "influencer", "referral", "partner")
CHANNEL_WEIGHTS = (36, 22, 20, 10, 8, 4)
PLANS: tuple[tuple[str, str, str, float], ...] = (
    ("plus_monthly", "plus", "month", 5.99),
    ("plus_annual", "plus", "year", 59.00),
    ("pro_monthly", "pro", "month", 11.99),
    ("pro_annual", "pro", "year", 119.00),
    ("team_monthly", "team", "month", 29.00),
    ("team_annual", "team", "year", 290.00),
)
PLAN_WEIGHTS = (38, 14, 26, 12, 7, 3)
TOOLS: dict[str, float] = {
    "crop": 30, "filter": 26, "retouch": 14, "colour": 12, "text": 8, "collage": 5, "watermark": 1,
    "ai_erase": 4, "ai_sky": 2, "ai_portrait": 2,
}  # fmt: skip
PLATFORM_SHARE = {"ios": 0.48, "android": 0.38, "web": 0.14}
CAMPAIGNS = (
    "brand search", "editor search", "summer social", "back to school", "creator series", "photo walks",
    "friends invite", "print partner", "black friday", "christmas cards", "ai portraits", "win back mail",
)  # fmt: skip
CAMPAIGN_CHANNELS = ("search", "search", "social", "social", "influencer", "influencer",
                     "referral", "partner", "social", "social", "search", "partner")  # fmt: skip
PAGES = ("home", "pricing", "web_editor", "blog")
TOPICS = ("billing", "export", "sync", "crash", "account", "feature")
FLAGS = ("new_editor", "ai_erase", "ai_sky", "ai_portrait", "web_editor", "cloud_sync", "pricing_page_v3",
         "annual_nudge", "win_back_offer", "dark_mode", "raw_import", "batch_export")  # fmt: skip
EXPERIMENTS = ("pricing_page_v3", "onboarding_tour", "annual_nudge")


@dataclass(frozen=True)
class Calendar:
    """The days the demo covers and the seasons of a photo app."""

    today: date

    @property
    def first(self) -> date:
        return self.today - timedelta(HISTORY_DAYS)

    @property
    def last(self) -> date:
        return self.today - timedelta(1)

    @property
    def last_ticket_day(self) -> date:
        return self.last - timedelta(STALE_DAYS)

    @property
    def quarter(self) -> date:
        return self.today - timedelta(QUARTER_DAYS)

    @property
    def web_launch(self) -> date:
        return self.today - timedelta(WEB_LAUNCH_DAYS)

    @cached_property
    def days(self) -> list[date]:
        return [self.first + timedelta(n) for n in range(HISTORY_DAYS)]

    def months(self) -> Iterator[date]:
        """First days of the months that began inside the history."""
        return (day for day in self.days if day.day == 1)

    def level(self, day: date) -> float:
        """Growth times season: weekends, summer, Black Friday and Christmas are strong."""
        growth = 1 + 0.9 * (day - self.first).days / HISTORY_DAYS
        factor = (0.95, 0.93, 0.95, 0.97, 1.0, 1.15, 1.22)[day.weekday()]
        if (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 6):
            factor *= 1.45
        elif day.month in (7, 8):
            factor *= 1.12
        elif day.month == 11 and day.day >= 22:
            factor *= 1.25
        return growth * factor


@dataclass
class Subscriber:
    """What later subjects need to know about one user."""

    user_id: int
    signed_up: date
    country: str
    platform: str
    paid: list[tuple[date, date]] = field(default_factory=list)

    def pays_on(self, day: date) -> bool:
        return any(start <= day < end for start, end in self.paid)


def simulate(today: date, scale: float = 1.0, seed: int = 20261122) -> dict[str, list[Row]]:
    """Every raw table of the company, as rows."""
    calendar = Calendar(today)

    def stream(topic: str) -> Random:
        return Random(f"{seed}/{topic}")

    users, people = _users(calendar, stream("users"), scale)
    tables: dict[str, list[Row]] = {"app_users": users, "billing_plans": list(PLANS)}
    tables |= _billing(calendar, stream("billing"), people)
    tables |= _editing(calendar, stream("editing"), people, scale)
    tables |= _marketing(calendar, stream("marketing"), scale)
    tables |= _helpdesk(calendar, stream("helpdesk"), people)
    tables |= _product(calendar, stream("product"), people)
    return tables


def _count(rng: Random, mean: float) -> int:
    """A whole number scattered around a mean, never below zero."""
    return max(0, round(rng.gauss(mean, math.sqrt(mean))))


def _at(rng: Random, day: date, first_hour: int = 6) -> datetime:
    """A moment of a day."""
    return datetime.combine(day, time(rng.randint(first_hour, 22), rng.randint(0, 59), rng.randint(0, 59)))


def _users(calendar: Calendar, rng: Random, scale: float) -> tuple[list[Row], list[Subscriber]]:
    """Sign-ups, day by day."""
    rows: list[Row] = []
    people: list[Subscriber] = []
    for day in calendar.days:
        for _ in range(_count(rng, 14 * scale * calendar.level(day))):
            country = rng.choices(COUNTRIES, COUNTRY_WEIGHTS)[0]
            share = 0.14 if day >= calendar.web_launch else 0.0
            platform = rng.choices(("ios", "android", "web"), (0.48, 0.38, share))[0]
            person = Subscriber(len(people) + 1, day, country, platform)
            people.append(person)
            rows.append(
                (
                    person.user_id,
                    _at(rng, day),
                    country,
                    platform,
                    rng.choices(CHANNELS, CHANNEL_WEIGHTS)[0],
                    rng.random() < 0.6,
                )
            )
    return rows, people


@dataclass
class _Ledger:
    """Billing rows as they are written."""

    calendar: Calendar
    rng: Random
    trials: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)

    def trial(self, person: Subscriber) -> date | None:
        """Start a trial for some; return the day they begin to pay, if they ever do."""
        rng = self.rng
        if rng.random() >= 0.5:
            return person.signed_up + timedelta(rng.randint(0, 60)) if rng.random() < 0.06 else None
        start = person.signed_up + timedelta(rng.choices((0, 1, 2, 3), (70, 15, 10, 5))[0])
        if start > self.calendar.last:
            return None
        self.trials.append((len(self.trials) + 1, person.user_id, start, start + timedelta(7)))
        if rng.random() >= (0.40 if start >= self.calendar.quarter - timedelta(7) else 0.33):
            return None
        return start + timedelta(rng.randint(5, 8) if rng.random() < 0.86 else rng.randint(9, 35))

    def subscribe(self, person: Subscriber, start: date, previous: int | None = None) -> None:
        """One subscription with its invoices, its end, and perhaps a win-back after it."""
        if start > self.calendar.last:
            return
        plan_id, _, interval, price = self.rng.choices(PLANS, PLAN_WEIGHTS)[0]
        number = len(self.subscriptions) + 1
        cycle = 30 if interval == "month" else 365
        end, cycles = self._end(start, cycle)
        self.subscriptions.append(
            (
                number,
                person.user_id,
                plan_id,
                start,
                end,
                self.rng.choice(("price", "unused", "competitor", "card expired", "other")) if end else None,
                previous,
            )
        )
        person.paid.append((start, end or date.max))
        for n in range(cycles):
            self._invoice(number, person, start + timedelta(n * cycle), price)
        if end and self.rng.random() < 0.14:
            self.subscribe(person, end + timedelta(self.rng.randint(20, 120)), number)

    def _end(self, start: date, cycle: int) -> tuple[date | None, int]:
        """The day a subscription ends (None: still running) and the number of cycles billed."""
        billed = 0
        day = start
        while day <= self.calendar.last:
            billed += 1
            day += timedelta(cycle)
            hazard = 0.32 if cycle > 30 else 0.047 if day >= self.calendar.quarter else 0.055
            if self.rng.random() < hazard and day <= self.calendar.last:
                return day, billed
        return None, billed

    def _invoice(self, subscription: int, person: Subscriber, day: date, price: float) -> None:
        """One invoice, its payment when it was paid, and now and then its refund."""
        rng, last = self.rng, self.calendar.last
        number = len(self.invoices) + 1
        status = rng.choices(("paid", "failed", "void"), (96.5, 2.5, 1))[0]
        amount = round(price * (0.8 if rng.random() < 0.06 else 1), 2)
        self.invoices.append(
            (number, subscription, person.user_id, day, amount, round(amount * VAT.get(person.country, 0.0), 2), status)
        )
        if status != "paid":
            return
        method = rng.choices(("card", "app store", "paypal", "sepa"), (40, 38, 15, 7))[0]
        paid_on = min(day + timedelta(rng.choices((0, 1, 2), (80, 15, 5))[0]), last)
        self.payments.append(
            (
                len(self.payments) + 1,
                number,
                paid_on,
                method,
                amount,
                round(amount * (0.15 if method == "app store" else 0.025), 2),
            )
        )
        refunded_on = paid_on + timedelta(rng.randint(1, 14))
        if rng.random() < 0.022 and refunded_on <= last:
            reason = rng.choice(("accidental", "not as expected", "duplicate", "goodwill"))
            self.refunds.append((len(self.refunds) + 1, number, refunded_on, amount, reason))


def _billing(calendar: Calendar, rng: Random, people: list[Subscriber]) -> dict[str, list[Row]]:
    """Trials, subscriptions, invoices, payments, refunds."""
    ledger = _Ledger(calendar, rng)
    for person in people:
        if start := ledger.trial(person):
            ledger.subscribe(person, start)
    return {
        "billing_trials": ledger.trials,
        "billing_subscriptions": ledger.subscriptions,
        "billing_invoices": ledger.invoices,
        "billing_payments": ledger.payments,
        "billing_refunds": ledger.refunds,
    }


def _active_days(calendar: Calendar, rng: Random, person: Subscriber) -> Iterator[date]:
    """The days on which somebody opens the app: often at first, later mostly subscribers."""
    day = person.signed_up
    while day <= calendar.last:
        yield day
        age = (day - person.signed_up).days
        chance = 0.6 * math.exp(-age / 9) + (0.14 if person.pays_on(day) else 0.018)
        day += timedelta(1 + int(rng.expovariate(chance)))


def _editing(calendar: Calendar, rng: Random, people: list[Subscriber], scale: float) -> dict[str, list[Row]]:
    """Sessions, exports, edits, crashes and storage."""
    sessions: list[Row] = []
    exports: list[Row] = []
    for person in people:
        for day in _active_days(calendar, rng, person):
            opened = 1 + int(rng.expovariate(1.1))
            to_web = day >= calendar.web_launch and rng.random() < 0.09
            sessions.append(
                (
                    person.user_id,
                    day,
                    "web" if to_web else person.platform,
                    opened,
                    1 + int(opened * rng.expovariate(0.11)),
                )
            )
            if rng.random() < (0.45 if person.pays_on(day) else 0.16):
                exports.append(_export(rng, len(exports) + 1, person, day))
    return {
        "app_sessions_daily": sessions,
        "app_exports": exports,
        "app_edits_daily": list(_edits(calendar, rng, scale)),
        "app_crashes_daily": list(_crashes(calendar, rng, scale)),
        "app_storage_monthly": [
            (person.user_id, month, round(rng.lognormvariate(0.4, 0.9), 3))
            for month in calendar.months()
            for person in people
            if person.signed_up < month and (person.pays_on(month) or person.user_id % 10 == 0)
        ],
    }


def _export(rng: Random, number: int, person: Subscriber, day: date) -> Row:
    """One exported picture."""
    return (
        number,
        person.user_id,
        _at(rng, day),
        rng.choices(("jpeg", "png", "tiff", "heic"), (70, 18, 4, 8))[0],
        rng.choices(("done", "failed", "cancelled"), (95, 3, 2))[0],
        round(rng.lognormvariate(0.9, 0.6), 2),
        not person.pays_on(day),
    )


def _edits(calendar: Calendar, rng: Random, scale: float) -> Iterator[Row]:
    """Edits per day, tool and platform; the AI tools gain only slowly."""
    for day in calendar.days:
        age = (day - calendar.first).days / HISTORY_DAYS
        for tool, weight in TOOLS.items():
            trend = 0.7 + 0.9 * age if tool.startswith("ai_") else 1.0
            for platform, share in PLATFORM_SHARE.items():
                if platform != "web" or day >= calendar.web_launch:
                    yield day, tool, platform, _count(rng, 9 * scale * weight * trend * share * calendar.level(day))


def _crashes(calendar: Calendar, rng: Random, scale: float) -> Iterator[Row]:
    """Sessions and crashes per platform, as the crash reporter counts them."""
    for day in calendar.days:
        for platform, share in PLATFORM_SHARE.items():
            if platform != "web" or day >= calendar.web_launch:
                opened = _count(rng, 900 * scale * share * calendar.level(day))
                yield day, platform, opened, _count(rng, opened * 0.011)


def _marketing(calendar: Calendar, rng: Random, scale: float) -> dict[str, list[Row]]:
    """Campaigns, what they cost, visits to the site, reviews in the app stores."""
    campaigns = [
        (n, name, channel, calendar.first + timedelta(7 * n))
        for n, (name, channel) in enumerate(zip(CAMPAIGNS, CAMPAIGN_CHANNELS, strict=True), 1)
    ]
    spend: list[Row] = []
    visits: list[Row] = []
    reviews: list[Row] = []
    for day in calendar.days:
        level = calendar.level(day)
        for number, _, _, started in campaigns:
            if day >= started:
                cost = round(max(0.0, rng.gauss(14, 3)) * scale * level, 2)
                spend.append((number, day, cost, int(cost * 180), int(cost * rng.uniform(2.2, 3.4))))
        for channel, weight in zip(CHANNELS, CHANNEL_WEIGHTS, strict=True):
            for page, share in zip(PAGES, (0.5, 0.2, 0.1, 0.2), strict=True):
                visits.append((day, channel, page, _count(rng, 6 * scale * weight * share * level)))
        for _ in range(_count(rng, 5 * scale * level)):
            reviews.append(
                (
                    len(reviews) + 1,
                    rng.choice(("app store", "play store")),
                    day,
                    rng.choices((1, 2, 3, 4, 5), (9, 6, 10, 25, 50))[0],
                    int(rng.expovariate(0.01)),
                )
            )
    return {
        "marketing_campaigns": list(campaigns),
        "marketing_ad_spend": spend,
        "marketing_web_visits": visits,
        "marketing_store_reviews": reviews,
    }


def _helpdesk(calendar: Calendar, rng: Random, people: list[Subscriber]) -> dict[str, list[Row]]:
    """Tickets and messages (their loader stopped early) and survey answers (some out of range)."""
    tickets: list[Row] = []
    messages: list[Row] = []
    answers: list[Row] = []
    for person in people:
        for _ in range(2 if person.paid else 1):
            day = person.signed_up + timedelta(int(rng.expovariate(0.02)))
            if rng.random() < 0.22 and day <= calendar.last_ticket_day:
                _ticket(calendar, rng, person, day, tickets, messages)
        day = person.signed_up + timedelta(rng.randint(20, 120))
        if rng.random() < 0.30 and day <= calendar.last:
            answers.append((len(answers) + 1, person.user_id, day, _score(calendar, rng, day)))
    return {"helpdesk_tickets": tickets, "helpdesk_messages": messages, "helpdesk_nps_answers": answers}


def _ticket(
    calendar: Calendar, rng: Random, person: Subscriber, day: date, tickets: list[Row], messages: list[Row]
) -> None:
    """One ticket; answers get faster in the running quarter."""
    number = len(tickets) + 1
    opened = _at(rng, day)
    hours = rng.lognormvariate(2.15 if day >= calendar.quarter else 2.45, 0.5)
    answered = opened + timedelta(hours=hours)
    solved = answered + timedelta(hours=rng.expovariate(1 / 30))
    end = datetime.combine(calendar.last_ticket_day, time(23, 0))
    tickets.append(
        (
            number,
            person.user_id,
            opened,
            rng.choices(TOPICS, (28, 18, 12, 12, 18, 12))[0],
            rng.choices(("low", "normal", "high"), (30, 55, 15))[0],
            f"agent {rng.randint(1, 9)}",
            solved if solved <= end else None,
        )
    )
    for moment, author in ((opened, "customer"), (answered, "agent"), (solved, "agent")):
        if moment <= end:
            messages.append((len(messages) + 1, number, moment.replace(microsecond=0), author))


def _score(calendar: Calendar, rng: Random, day: date) -> int:
    """A survey score from 0 to 10; the new survey form of the last fortnight also lets an 11 through."""
    if day > calendar.last - timedelta(14) and rng.random() < 0.08:
        return 11
    return rng.choices(range(11), (2, 1, 2, 2, 3, 6, 8, 13, 20, 22, 21))[0]


def _product(calendar: Calendar, rng: Random, people: list[Subscriber]) -> dict[str, list[Row]]:
    """Devices, feature flags and experiments."""
    devices: list[Row] = []
    assigned: list[Row] = []
    for person in people:
        for n in range(1 if rng.random() < 0.8 else 2):
            seen = min(person.signed_up + timedelta(40 * n), calendar.last)
            devices.append((len(devices) + 1, person.user_id, seen, person.platform, f"{rng.randint(14, 19)}.{n}"))
        if person.signed_up >= calendar.quarter - timedelta(90):
            experiment = rng.choice(EXPERIMENTS)
            assigned.append(
                (len(assigned) + 1, experiment, person.user_id, rng.choice(("control", "test")), person.signed_up)
            )
    flags: list[Row] = [
        (n, flag, calendar.first + timedelta(40 * n), rng.choice((0, 10, 50, 100))) for n, flag in enumerate(FLAGS, 1)
    ]
    return {"app_devices": devices, "app_experiment_users": assigned, "app_feature_flags": flags}
