"""Signed sessions, tokens of forms, and addresses that stay here."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from headway.errors import ConfigError

SECRET_VARIABLE = "HEADWAY_SESSION_SECRET"  # noqa: S105 - the name of a variable
SHORTEST_SECRET = 32

SESSION = "headway_session"
SIGNING_IN = "headway_signing_in"
SIGNING_IN_SECONDS = 600
"""How long a person may take at the provider."""

_LONGEST_COOKIE = 4000


class Signer:
    """Signs what a browser keeps, so that it can be believed when it comes back."""

    def __init__(self, secret: str, *, hours: int = 12, secure: bool = True) -> None:
        """`hours`: how long a session holds. `secure`: cookies travel over https only."""
        self.secure = secure
        self.hours = hours
        self._secret = hashlib.sha256(f"forms/{secret}".encode()).digest()
        self._sessions = URLSafeTimedSerializer(secret, salt="headway session", signer_kwargs=_STRONG)
        self._signing_in = URLSafeTimedSerializer(secret, salt="headway signing in", signer_kwargs=_STRONG)

    @staticmethod
    def of(environment: Mapping[str, str], *, needed: bool, hours: int = 12, secure: bool = True) -> Signer:
        """With the secret of the environment; without one, a random one that holds until this process ends.

        Raises ConfigError for a short one, and where one is `needed`: sessions then must outlive a process, or be good
        for several.
        """
        secret = environment.get(SECRET_VARIABLE, "")
        hint = "python -c 'import secrets; print(secrets.token_urlsafe(48))' makes one"
        if needed and not secret:
            raise ConfigError(f"sessions are signed with {SECRET_VARIABLE}, which is not set", hint=hint)
        if secret and len(secret) < SHORTEST_SECRET:
            raise ConfigError(f"{SECRET_VARIABLE} is shorter than {SHORTEST_SECRET} characters", hint=hint)
        return Signer(secret or secrets.token_urlsafe(48), hours=hours, secure=secure)

    def session(self, said: Mapping[str, Any]) -> str:
        """A new session as the value of a cookie. Whoever has it is that person until it ends."""
        return _text(self._sessions.dumps({**said, "sid": secrets.token_urlsafe(18)}))

    def read_session(self, cookie: str) -> dict[str, Any] | None:
        """What a session says; None when it was not signed here, was changed, or has ended."""
        return _read(self._sessions, cookie, self.hours * 3600)

    def signing_in(self, said: Mapping[str, Any]) -> str:
        """What must be remembered while somebody is at the provider, as the value of a cookie."""
        return _text(self._signing_in.dumps(dict(said)))

    def read_signing_in(self, cookie: str) -> dict[str, Any]:
        """That again; empty when there is none that holds."""
        return _read(self._signing_in, cookie, SIGNING_IN_SECONDS) or {}

    def form_token(self, key: str) -> str:
        """What a form must send back that a person with this key was shown."""
        return hmac.new(self._secret, key.encode(), "sha256").hexdigest()

    def is_form_token(self, key: str, given: str) -> bool:
        """Whether it is that one."""
        return hmac.compare_digest(self.form_token(key).encode(), given.encode("utf-8", "replace"))


_STRONG = {"digest_method": hashlib.sha256}


def _text(signed: str | bytes) -> str:
    return signed.decode() if isinstance(signed, bytes) else signed


def _read(serializer: URLSafeTimedSerializer, cookie: str, seconds: int) -> dict[str, Any] | None:
    if not cookie or len(cookie) > _LONGEST_COOKIE:
        return None
    try:
        said = serializer.loads(cookie, max_age=seconds)
    except BadData:
        return None
    return said if isinstance(said, dict) else None


def local(address: str) -> str:
    """The address when it leads to a page of this server, else `/`.

    A path that begins with one slash, without what a browser would read as a host (`//host`, `/\\host`) and without
    control characters, which browsers drop.
    """
    fits = address.startswith("/") and not address.startswith("//") and len(address) <= 2000
    if not fits or "\\" in address or any(c <= " " or c == "\x7f" for c in address):
        return "/"
    return address
