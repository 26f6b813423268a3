"""A small OpenID Connect provider on loopback: discovery, keys, the code flow with PKCE, and ways to answer wrongly."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

CLIENT = "headway"
CLIENT_SECRET = "the secret of this client"


@dataclass
class Provider:
    """What it says about the person who signs in, and how it goes wrong."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"email": "ana@example.com", "email_verified": True})
    metadata: dict[str, Any] = field(default_factory=dict)
    """Said instead of what is true."""
    drop: tuple[str, ...] = ()
    """Claims that are left out."""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs_with: Any = None
    algorithm: str = "RS256"
    no_id_token: bool = False
    broken: bool = False
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked for, by code."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """What was sent for tokens."""

    def authorize(self, request: Request) -> Response:
        """The person is who they are at once: nothing here is about passwords."""
        given = dict(request.query_params)
        code = secrets.token_urlsafe(8)
        self.asked[code] = given
        return RedirectResponse(f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}")

    async def token(self, request: Request) -> Response:
        """An ID token for a code, once, and only for whoever knows what the challenge was made from."""
        form = {k: str(v) for k, v in (await request.form()).items()}
        self.seen.append(form)
        asked = self.asked.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        basic = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        known = request.headers.get("authorization", "").endswith(basic)
        if self.broken:
            return Response("<html>oops</html>", 500)
        if asked is None or asked.get("code_challenge") != proof or not known:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "sub": "user-1",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            **self.claims,
        }
        for name in self.drop:
            said.pop(name, None)
        header = {"alg": self.algorithm, "kid": "one"}
        signed = jwt.encode(header, said, self.signs_with or self.key, algorithms=[self.algorithm])
        answer = {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": signed}
        if self.no_id_token:
            del answer["id_token"]
        return JSONResponse(answer)

    def app(self) -> FastAPI:
        """Its addresses."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def discovery() -> dict[str, Any]:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                **self.metadata,
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [{**self.key.as_dict(private=False), "kid": "one", "use": "sig"}]}

        app.add_route("/authorize", self.authorize)
        app.add_route("/token", self.token, methods=["POST"])
        return app


@contextmanager
def provided() -> Iterator[Provider]:
    """A provider that runs."""
    provider = Provider()
    settings = uvicorn.Config(provider.app(), port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(settings)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    provider.issuer = f"http://127.0.0.1:{port}"
    yield provider
    server.should_exit = True
    thread.join(10)


def shared_key() -> OctKey:
    """A key that both sides know: no signature with it is believed."""
    return OctKey.import_key(CLIENT_SECRET)
