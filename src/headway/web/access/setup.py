"""From the configuration to who may ask: the one place that says whether a server may be started like this."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from headway.config import Serve
from headway.errors import UsageError
from headway.project import Project
from headway.web.access.identity import Identities
from headway.web.access.provider import Provider
from headway.web.access.signing import Signer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - told apart, because they are no names


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask, and under which names."""

    identities: Identities
    provider: Provider | None
    hosts: frozenset[str]
    base: str
    """Path below which a proxy puts this server, such as `/headway`; '' for none."""

    @staticmethod
    def of(serve: Serve, project: Project) -> Access:
        """As the configuration says. Raises ConfigError, MissingExtra, and UsageError for what would be unsafe."""
        check_address(serve.host, serve)
        parts = urlsplit(serve.url)
        # Plain http is for this machine alone: browsers then take cookies that need no https.
        signer = Signer.of(
            project.environment,
            needed="oidc" in serve.auth,
            hours=serve.session_hours,
            secure=parts.scheme == "https" or serve.host not in LOOPBACK,
        )
        provider = Provider(serve.oidc, project.environment) if "oidc" in serve.auth and serve.oidc else None
        named = {serve.host, parts.hostname or "", *serve.hosts} - {"", *EVERY_ADDRESS}
        identities = Identities(serve, project.config.root, signer)
        return Access(identities, provider, frozenset({*LOOPBACK, *named}), parts.path.rstrip("/"))


def check_address(host: str, serve: Serve) -> None:
    """Raises UsageError for an address that others can reach, where nobody would have to sign in."""
    if host not in LOOPBACK and not serve.auth:
        raise UsageError(
            f"will not listen on {host} while nobody has to sign in",
            hint="set serve.auth in headway.yml (oidc, proxy or tokens), or leave --host out: this machine only",
        )
    if host in EVERY_ADDRESS and not serve.url and not serve.hosts:
        raise UsageError(
            f"listening on {host} says nothing about the name that people type",
            hint="set serve.url in headway.yml: requests for other names are not answered",
        )
