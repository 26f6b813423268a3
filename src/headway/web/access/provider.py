"""The OpenID Connect provider: sending people there, and what is believed of what comes back.

The protocol is Authlib's. What it is told to insist on: the configured issuer in the provider's metadata and in the
token, this client as the audience, a nonce and a state of the same browser, PKCE with S256, a signature with a public
key, and no token that has ended.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse

from headway.config import Oidc
from headway.errors import MissingExtra, ServiceError
from headway.web.access.identity import Refused

LOG = logging.getLogger("headway.web")

SECRET_VARIABLE = "HEADWAY_OIDC_SECRET"  # noqa: S105 - the name of a variable
SECONDS = 10.0
"""How long the provider may take to answer."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ."""

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures with a public key. With a shared one everybody who can check a token could make one."""


class Provider:
    """One provider. Its metadata and keys are read when the first person signs in, and keys again when one is new."""

    def __init__(self, oidc: Oidc, environment: Mapping[str, str]) -> None:
        """Without a secret in the environment the client is a public one. Raises MissingExtra without Authlib."""
        try:
            from authlib.integrations.starlette_client import OAuth
        except ImportError:
            raise MissingExtra("oidc", "signing in with OpenID Connect") from None
        secret = environment.get(SECRET_VARIABLE, "")
        self._oidc = oidc
        self._client = OAuth().register(
            "headway",
            client_id=oidc.client_id,
            client_secret=secret or None,
            server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(oidc.scopes),
                "code_challenge_method": "S256",
                "timeout": SECONDS,
                **({} if secret else {"token_endpoint_auth_method": "none"}),
            },
        )

    async def start(self, request: Request, back: str, session: MutableMapping[str, Any]) -> RedirectResponse:
        """Send somebody to the provider; what must be remembered meanwhile is put into `session`.

        `back` is the address that the provider sends them back to. Raises ServiceError when it does not answer.
        """
        request.scope["session"] = session
        try:
            await self._metadata()
            answer: RedirectResponse = await self._client.authorize_redirect(request, back)
        except Exception as error:
            raise self._failed(error) from error
        answer.status_code = 303
        return answer

    async def finish(self, request: Request, session: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """What the provider says of the person who came back from it.

        Raises Refused for anything that does not hold, ServiceError when the provider does not answer.
        """
        request.scope["session"] = session
        options = {
            "iss": {"essential": True, "values": [self._oidc.issuer]},
            "aud": {"essential": True, "values": [self._oidc.client_id]},
            "sub": {"essential": True},
        }
        try:
            await self._metadata()
            token = await self._client.authorize_access_token(request, claims_options=options, leeway=LEEWAY)
        except Exception as error:
            raise self._failed(error) from error
        claims = token.get("userinfo")
        if not claims:
            raise Refused("The provider sent no ID token that was asked for here.")
        return dict(claims)

    async def _metadata(self) -> None:
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self._oidc.issuer:
            raise ServiceError(
                "the provider calls itself otherwise than the configuration does",
                hint="serve.oidc.issuer is compared letter by letter",
            )
        local = self._oidc.issuer.startswith("http:")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(metadata.get(name, "")).startswith(("https://", "http://") if local else "https://"):
                raise ServiceError(f"the provider's {name} is no https address")
        said = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [a for a in said if a in _ALGORITHMS] or ["RS256"]

    def _failed(self, error: Exception) -> Exception:
        """What did not hold, as Refused; what could not be reached or understood, as ServiceError. Else itself."""
        from authlib.common.errors import AuthlibBaseError
        from joserfc.errors import JoseError

        if isinstance(error, ServiceError):
            return error
        if isinstance(error, (AuthlibBaseError, JoseError)):
            # The name of what did not hold, such as invalid_claim: never what was claimed.
            LOG.warning("signing in was refused: %s", type(error).__name__)
            return Refused("The provider's answer does not hold here. Signing in again may help.")
        # Authlib takes whichever of the two HTTP clients is installed.
        clients = [sys.modules[name].HTTPError for name in ("httpx", "httpx2") if name in sys.modules]
        if isinstance(error, (*clients, OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)):
            LOG.warning("the provider could not be used: %s", type(error).__name__)
            return ServiceError("the provider that people sign in with did not answer as it should")
        return error
