"""Configuration as plain data. Reading headway.yml is the project's work; this module touches no disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a connector: declared once, rendered by every front as flag, form field or schema."""

    name: str
    type: type
    default: Any = None
    help: str = ""
    env: str = ""
    """Environment variable that supplies the value; secrets come from nowhere else."""
    secret: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The company's own thresholds. All of them have a default and can be set under `policy:` in headway.yml."""

    usage_window_days: int = 90
    """Use is looked for in this many days up to the as-of date."""
    grace_days: int = 30
    """An asset first seen fewer days ago than this is not called unused."""
    stale_usage_days: int = 7
    """A usage source whose last day is older than this is reported as stale."""
    counted_classes: tuple[str, ...] = ("person", "executive")
    """Person classes whose use counts as use."""
    at_risk_gap: float = -0.20
    """Progress minus expected progress below which a key result is behind (share of the way, not percent)."""
    off_track_gap: float = -0.40
    """... below which it is off track."""
    quiet_share: float = 0.10
    """No verdict on pace before this share of the period has passed."""
    forecast_points: int = 12
    """Readings that a forecast looks back on (at least four are needed)."""
    neglected_days: int = 30
    """A goal is neglected when nobody looked at what shows it for this many days."""
    standing_limit: int = 10
    """Most key results a standing objective may have, unless it states its own limit."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of something costs: `amount` of `unit`, such as 3.0 EUR for a credit."""

    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class Source:
    """One configured connector: its name, and its options as written."""

    connector: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate: a question, and how many findings it may have."""

    question: str
    name: str = ""
    """What it is called; the question's name without."""
    level: Literal["error", "warn"] = "error"
    """Over its limit an error fails the check; a warning is only told."""
    limit: int = 0
    select: str = ""
    """Only findings on assets that this selector names."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Given to the question."""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.question


Role = Literal["viewer", "stakeholder", "editor", "admin"]

ROLES: tuple[Role, ...] = ("viewer", "stakeholder", "editor", "admin")
"""What a person may do, each more than the one before: read; ask for assets; decide and check in; everything."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """Signing in with an OpenID Connect provider. The client's secret comes from the environment only."""

    issuer: str
    client_id: str
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    groups_claim: str = "groups"
    """Claim of the ID token that lists a person's groups."""
    trust_email: bool = False
    """Take an e-mail address that the provider does not call verified."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Headers in which a trusted proxy says who it let in."""

    user: str = "x-forwarded-user"
    groups: str = "x-forwarded-groups"


@dataclass(frozen=True, slots=True)
class Serve:
    """How the pages are served, and to whom."""

    host: str = "127.0.0.1"
    port: int = 8484
    url: str = ""
    """What people type, such as https://headway.example.com; '' means the address of this machine."""
    hosts: tuple[str, ...] = ()
    """Further names by which requests may ask for it."""
    frames: tuple[str, ...] = ()
    """Origins whose pages may show these in a frame."""
    auth: tuple[Literal["oidc", "proxy", "tokens"], ...] = ()
    """Ways to prove who one is; without any, everybody who reaches a loopback address is its owner."""
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    """Role -> who has it: `ana@example.com`, `*@example.com`, `group:analytics`."""
    everyone: Role | Literal[""] = ""
    """Role of whoever is signed in and named nowhere; '' for none."""
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Owner of goals -> who acts for it, written as in `roles`. A group of the owner's name always does."""
    oidc: Oidc | None = None
    proxy: Proxy = Proxy()
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose forwarding headers are believed."""
    session_hours: int = 12
    schedule: int = 0
    """Seconds between two syncs in the background; 0 for none."""


@dataclass(frozen=True, slots=True)
class Slack:
    """Where messages go in Slack. The token and the addresses of webhooks come from the environment only."""

    channel: str = ""
    """Hears of everything, and of whatever has no channel of its own."""
    channels: Mapping[str, str] = field(default_factory=dict)
    """Owner of goals or assets -> channel."""
    people: Mapping[str, str] = field(default_factory=dict)
    """Keyed hash of a person -> who that is in Slack, such as U012AB3CD."""
    webhooks: Mapping[str, str] = field(default_factory=dict)
    """Channel -> environment variable with the address of its incoming webhook."""
    deciders: Mapping[str, str] = field(default_factory=dict)
    """Who in Slack may decide -> the team that signs; `*` is everybody of the workspace."""
    api: str = "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class Email:
    """Where messages go by e-mail, and through which server. Its user and password come from the environment only."""

    sender: str
    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    address: str = ""
    """Hears of everything, and of whatever has no address of its own."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Owner of goals or assets -> address."""


@dataclass(frozen=True, slots=True)
class Config:
    """What headway.yml says, or what is found without one. Paths are absolute."""

    root: str
    project: str = ""
    sources: tuple[Source, ...] = ()
    goal_order: tuple[str, ...] = ()
    """Connectors of goals, the one that counts most first."""
    write_back: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Places that current values are given back to, with their options."""
    catalogs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Data catalogs that are told of the goals, with their options."""
    store_url: str = ""
    """SQLAlchemy URL; empty means SQLite in `.headway/` below the root."""
    policy: Policy = Policy()
    prices: Mapping[str, Price] = field(default_factory=dict)
    """What units of cost, and bytes and seconds, are worth in money, by unit."""
    protected: tuple[str, ...] = ()
    """Selectors of assets that are never proposed for retirement."""
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Layer -> path patterns of the models in it; the layers are staging, intermediate and marts."""
    gates: tuple[Gate, ...] | None = None
    """What `headway check` holds against which limits; None means the shipped ones."""
    serve: Serve = Serve()
    slack: Slack | None = None
    email: Email | None = None
    as_of: date | None = None
    """Day that answers are for when none is asked for; None means today. For examples whose data has an end."""
    profiles_dir: str = ""
    target: str = ""
    """Target of the dbt profile to evaluate key results on; empty means the profile's default."""
