"""Signing in with OpenID Connect, against a provider on loopback; and everything of it that must not hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from oidc_provider import CLIENT, CLIENT_SECRET, Provider, provided, shared_key
from starlette.testclient import TestClient
from web_site import SECRET

from headway.project import Project
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.current import Current
from shop import SETTINGS, write_shop

BASE = "http://localhost:8484"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provided() as found:
        yield found


def served(folder: Path, provider: Provider, more: str = "") -> TestClient:
    section = f"""\
serve:
  url: {BASE}
  auth: [oidc]
  oidc: {{issuer: "{provider.issuer}", client_id: {CLIENT}}}
  roles: {{admin: ["ana@example.com"], editor: ["group:analytics"]}}
{more}"""
    write_shop(folder, settings=SETTINGS + section)
    environment = {"HEADWAY_SESSION_SECRET": SECRET, "HEADWAY_OIDC_SECRET": CLIENT_SECRET}
    project = Project.open(folder, environment=environment)
    app = create_app(Current(lambda: project), Access.of(project.config.serve, project))
    return TestClient(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)


def signed_in(client: TestClient, to: str = "/health", **changes: str) -> Any:
    """Go to the provider and come back; `changes` are made to the address that the provider sends one back to."""
    start = client.get("/login/start", params={"next": to})
    assert start.status_code == 303, start.text
    back = httpx.get(start.headers["location"]).headers["location"]
    given = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()} | changes
    return client.get(urlsplit(back).path, params=given)


def refused(answer: Any, client: TestClient, status: int = 403) -> bool:
    return answer.status_code == status and client.get("/api/me").status_code == 401


def test_somebody_signs_in_and_goes_where_they_wanted_to(provider: Provider, tmp_path: Path) -> None:
    client = served(tmp_path, provider)
    assert "127.0.0.1" in client.get("/login").text
    answer = signed_in(client, "/health?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/health?x=1")
    me = client.get("/api/me").json()
    assert (me["name"], me["role"], me["how"]) == ("ana@example.com", "admin", "oidc")
    assert "ana@example.com" in client.get("/health").text
    session = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("headway_session"))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session


def test_what_was_asked_of_the_provider(provider: Provider, tmp_path: Path) -> None:
    client = served(tmp_path, provider)
    asked = parse_qs(urlsplit(client.get("/login/start").headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == [f"{BASE}/login/done"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    signed_in(client)
    assert provider.seen[0]["code_verifier"]
    # The secret goes in a header of its own, never into an address or a form.
    assert "client_secret" not in provider.seen[0]


def test_the_host_of_a_request_never_decides_where_the_provider_sends_people(
    provider: Provider, tmp_path: Path
) -> None:
    client = served(tmp_path, provider)
    answer = client.get("/login/start", headers={"x-forwarded-host": "evil.example", "host": "127.0.0.1:8484"})
    assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == [f"{BASE}/login/done"]
    assert client.get("/login/start", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"iss": "https://elsewhere.example"},
        {"aud": "another-client"},
        {"aud": ["another-client", "third"], "azp": CLIENT},
        {"aud": [CLIENT, "third"], "azp": "third"},
        {"exp": int(time.time()) - 3600},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": "tomorrow"},
        {"sub": ""},
    ],
    ids="-".join,
)
def test_a_token_that_says_otherwise_is_refused(provider: Provider, tmp_path: Path, claims: dict[str, Any]) -> None:
    provider.claims |= claims
    client = served(tmp_path, provider)
    assert refused(signed_in(client), client)


@pytest.mark.parametrize("name", ["nonce", "iss", "aud", "exp", "sub"])
def test_a_token_that_leaves_something_out_is_refused(provider: Provider, tmp_path: Path, name: str) -> None:
    provider.drop = (name,)
    client = served(tmp_path, provider)
    assert refused(signed_in(client), client)


def test_a_signature_by_anybody_else_is_refused(provider: Provider, tmp_path: Path) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    client = served(tmp_path, provider)
    assert refused(signed_in(client), client)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_signature_with_a_shared_key_or_none_is_refused(provider: Provider, tmp_path: Path) -> None:
    """The provider's metadata offers both; they are not taken."""
    client = served(tmp_path, provider)
    provider.signs_with, provider.algorithm = shared_key(), "HS256"
    assert refused(signed_in(client), client)
    provider.algorithm = "none"
    assert refused(signed_in(client), client)


def test_no_token_is_refused(provider: Provider, tmp_path: Path) -> None:
    provider.no_id_token = True
    client = served(tmp_path, provider)
    assert refused(signed_in(client), client)


@pytest.mark.parametrize("changes", [{"state": "another"}, {"state": ""}, {"code": "guessed"}, {"code": ""}])
def test_coming_back_with_something_else_is_refused(
    provider: Provider, tmp_path: Path, changes: dict[str, str]
) -> None:
    client = served(tmp_path, provider)
    assert refused(signed_in(client, **changes), client)


def test_coming_back_in_another_browser_or_twice_is_refused(provider: Provider, tmp_path: Path) -> None:
    client = served(tmp_path, provider)
    start = client.get("/login/start")
    back = urlsplit(httpx.get(start.headers["location"]).headers["location"])
    other = TestClient(client.app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)
    assert refused(other.get(f"{back.path}?{back.query}"), other)
    assert client.get(f"{back.path}?{back.query}").status_code == 303
    again = client.get(f"{back.path}?{back.query}")
    assert again.status_code == 403


def test_a_provider_that_sends_an_error_is_no_way_in_and_its_words_are_not_shown(
    provider: Provider, tmp_path: Path
) -> None:
    client = served(tmp_path, provider)
    client.get("/login/start")
    answer = client.get("/login/done", params={"error": "access_denied", "error_description": "<b>call 555</b>"})
    assert refused(answer, client)
    assert "555" not in answer.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": ""},
        {"authorization_endpoint": None},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_provider_that_is_not_what_the_configuration_says_is_not_used(
    provider: Provider, tmp_path: Path, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    client = served(tmp_path, provider)
    assert client.get("/login/start").status_code == 502


def test_a_provider_that_breaks_or_is_away_is_told_without_its_words(provider: Provider, tmp_path: Path) -> None:
    client = served(tmp_path, provider)
    provider.broken = True
    answer = signed_in(client)
    assert answer.status_code in {403, 502}
    assert "oops" not in answer.text
    away = served(tmp_path, Provider(issuer="http://127.0.0.1:9"))
    assert away.get("/login/start").status_code == 502


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "ana@example.com", "email_verified": True}, "admin"),
        ({"email": "ana@example.com", "email_verified": False}, ""),
        ({"email": "ana@example.com", "email_verified": "false"}, ""),
        ({"email": "ana@example.com", "email_verified": None}, ""),
        ({"email": "x@example.com", "email_verified": False, "preferred_username": "ana@example.com"}, ""),
        ({"email": None, "preferred_username": "group:analytics"}, ""),
        ({"email": None, "groups": ["analytics", "others"]}, "editor"),
        ({"email": None, "groups": "analytics"}, "editor"),
        ({"email": None, "groups": {"analytics": True}}, ""),
        ({"email": ["ana@example.com"], "email_verified": True}, ""),
    ],
)
def test_only_what_the_provider_vouches_for_gives_a_role(
    provider: Provider, tmp_path: Path, claims: dict[str, Any], role: str
) -> None:
    provider.claims = claims
    client = served(tmp_path, provider)
    answer = signed_in(client)
    if role:
        assert client.get("/api/me").json()["role"] == role
    else:
        assert refused(answer, client)
        assert "no role here" in answer.text


def test_a_session_keeps_only_groups_that_mean_something_here(provider: Provider, tmp_path: Path) -> None:
    provider.claims["groups"] = [f"company-group-{i:04}" for i in range(3000)] + ["sales-team"]
    client = served(tmp_path, provider)
    assert signed_in(client).status_code == 303
    assert client.get("/api/me").json()["teams"] == ["sales-team"]


def test_the_next_address_stays_here(provider: Provider, tmp_path: Path) -> None:
    client = served(tmp_path, provider)
    for evil in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert signed_in(client, evil).headers["location"] == "/"


def test_tries_at_signing_in_are_limited(provider: Provider, tmp_path: Path) -> None:
    client = served(tmp_path, provider)
    seen = [client.get("/login/done?code=x&state=y").status_code for _ in range(40)]
    assert seen[0] == 403
    assert seen[-1] == 429
