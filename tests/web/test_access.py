"""People and rights: every route as every role, and the ways to prove who one is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from web_site import BASE, PROXY, TOKENS, Site, site

from headway.config import ROLES, Serve
from headway.errors import ConfigError, InputError, UnknownName, UsageError
from headway.project import Project
from headway.project.tokens import by_id, known, listed, make, revoke
from headway.web.access.permissions import LEAST, READS, TABLE, kind_of
from headway.web.access.person import Person, person, worth_keeping
from headway.web.access.setup import Access
from headway.web.access.signing import Signer, local
from headway.web.running import listen
from shop import write_shop

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE = ("", *ROLES)
"""A stranger, and somebody of each role."""

EXPECTED = {
    "GET /api": "viewer",
    "GET /api/alive": None,
    "GET /api/check-ins": "viewer",
    "GET /api/decisions": "viewer",
    "GET /api/health": "viewer",
    "GET /api/me": "viewer",
    "GET /api/questions/drivers": "editor",
    "GET /api/questions/goals": "viewer",
    "GET /api/requests": "viewer",
    "GET /health": "viewer",
    "GET /login": None,
    "GET /static/x/base.css": None,
    "POST /api/check-ins": "editor",
    "POST /api/decisions": "editor",
    "POST /api/decisions/undo": "editor",
    "POST /api/requests": "stakeholder",
    "POST /api/requests/x/accept": "editor",
    "POST /api/requests/x/built": "editor",
    "POST /api/requests/x/decline": "editor",
    "POST /api/requests/x/extend": "editor",
    "POST /api/requests/x/point": "editor",
    "POST /api/requests/x/withdraw": "stakeholder",
    "POST /api/requests/x/file/accept": "editor",
    "POST /api/requests/x/anything": "editor",
    "POST /api/requests/": "editor",
    "POST /api/sync": "admin",
    "POST /requests": "stakeholder",
    "POST /requests/decide": "editor",
    "POST /requests/file": "stakeholder",
    "POST /triage/decide": "editor",
    "POST /api/v1/lineage": "editor",
    "POST /api/v1/lineage/batch": "editor",
    "POST /anything": "admin",
    "DELETE /api/requests": "stakeholder",
    "PUT /health": "admin",
    "POST /login": None,
    "POST /slack/interactions": None,
    "POST /logout": "viewer",
    "POST /theme": "viewer",
}
"""What the table of permissions comes to, written out by hand."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(tmp_path_factory.mktemp("tokens"), TOKENS)


def routes(given: Site) -> Iterator[tuple[str, str]]:
    """Every method and address that the application takes, with something in the place of each part in braces."""

    for route in given.app.routes:
        assert isinstance(route, Route), "a kind of route that this test does not know"
        for method in sorted(route.methods or ()):
            path = route.path
            for act in ("accept", "withdraw") if path.endswith("{act}") else ("x",):
                yield method, re.sub(r"\{act\}$", act, re.sub(r"\{(?!act)[^}]+\}", "x", path))


def test_the_application_has_the_routes_that_the_table_is_about(shop: Site) -> None:
    found = {f"{method} {path}" for method, path in routes(shop)}
    assert {"GET /api/questions/summary", "POST /api/requests/x/accept", "GET /health", "GET /health.json"} <= found
    assert len(found) > 50


def test_every_route_is_named_in_the_table_and_none_falls_through(shop: Site) -> None:
    """A new write without a row would need the highest role: safe, and never meant."""
    assert not [f"{m} {p}" for m, p in routes(shop) if kind_of(m, p) == "unknown"]


def test_every_row_of_the_table_is_about_a_route(shop: Site) -> None:
    found = list(routes(shop))
    later = {"/requests", "/key-result", "/triage"}  # forms of pages that post there
    for row in TABLE:
        fits = [p for m, p in found if (m not in READS) == row.writes and (p + "/").startswith(row.address + "/")]
        assert fits or row.address in later, row


@pytest.mark.parametrize(("what", "least"), EXPECTED.items())
def test_the_table_says_what_was_meant(what: str, least: str | None) -> None:
    assert LEAST[kind_of(*what.split(" "))] == least


@pytest.mark.parametrize("role", PEOPLE)
def test_every_route_as_every_role(shop: Site, role: str) -> None:
    """Refused exactly where the table says so; what is allowed may still be wrong, missing or empty."""
    client = shop.client(role)
    wrong = []
    for method, path in routes(shop):
        least = LEAST[kind_of(method, path)]
        if (method, path) == ("POST", "/login"):
            continue  # open to everybody, and a login with nothing is refused for that
        allowed = least is None or (role != "" and ROLES.index(role) >= ROLES.index(least))  # type: ignore[arg-type]
        body = {"json": {}} if method not in READS else {}
        status = client.request(method, path, **body).status_code  # type: ignore[arg-type]
        expected = None if allowed else {401, 303} if not role else {403}
        if (status in {401, 403}) if expected is None else (status not in expected):
            wrong.append((method, path, status))
    assert not wrong


def test_nothing_is_told_to_a_stranger(shop: Site) -> None:
    client = shop.client()
    for method, path in routes(shop):
        if LEAST[kind_of(method, path)] is not None and method == "GET":
            text = client.get(path).text
            assert "Grow sales" not in text
            assert "sales_board" not in text


def test_a_stranger_is_led_to_the_login_and_a_program_is_told(shop: Site) -> None:
    client = shop.client()
    page = client.get("/health?x=1")
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2Fhealth%3Fx%3D1")
    told = client.get("/api/me")
    assert told.status_code == 401
    assert told.headers["www-authenticate"].startswith("Bearer")
    assert client.get("/health.json").status_code == 401


# ---------------------------------------------------------------------- owners


OWNED = """\
version: 1
periods:
  - {id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}
objectives:
  - id: grow
    title: Grow sales
    owner: leadership
    period: 2026-Q4
    key_results:
      - {id: mine, title: Mine, owner: sales-team, baseline: 1, target: 2}
      - {id: other, title: Other, owner: support-team, baseline: 1, target: 2}
"""


@pytest.fixture(scope="module")
def owned(tmp_path_factory: pytest.TempPathFactory) -> Site:
    found = site(tmp_path_factory.mktemp("owned"), TOKENS, goals=OWNED)
    for name, team in (("sales", "Sales-Team"), ("leaders", "leadership")):
        found.tokens[name], _ = make(found.folder, name, "editor", teams=(team,), now=NOW)
    return found


@pytest.mark.parametrize(
    ("who", "key_result", "status"),
    [
        ("sales", "mine", 201),
        ("sales", "other", 403),
        ("leaders", "mine", 201),
        ("leaders", "other", 201),
        ("editor", "mine", 403),
        ("admin", "other", 201),
        ("stakeholder", "mine", 403),
        ("viewer", "mine", 403),
    ],
)
def test_owners_check_in_on_what_they_own(owned: Site, who: str, key_result: str, status: int) -> None:
    """Leadership owns the objective, department heads their key results."""
    before = owned.client("viewer").get("/api/check-ins").headers["x-total-count"]
    said = owned.client(who).post("/api/check-ins", json={"key_result": key_result, "note": f"{who} was here"})
    assert said.status_code == status, said.text
    after = owned.client("viewer").get("/api/check-ins")
    assert int(after.headers["x-total-count"]) - int(before) == (status == 201)
    if status == 201:
        assert after.json()["rows"][0]["by"] == (who if who != "admin" else "admin-bot")


def test_whoever_filed_a_request_takes_it_back_and_no_other_stakeholder(owned: Site) -> None:
    owned.tokens["other"], _ = make(owned.folder, "other", "stakeholder", now=NOW)
    filed = owned.client("stakeholder").post("/api/requests", json={"text": "Orders by channel"})
    where = f"{filed.headers['location']}/withdraw"
    assert owned.client("other").post(where, json={"reason": "no"}).status_code == 403
    assert owned.client("stakeholder").post(where, json={"reason": "found it"}).status_code == 201


# ---------------------------------------------------------------------- where it may listen


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "headway.example.com"])
def test_any_other_address_than_loopback_refuses_to_start_without_a_login(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody has to sign in"):
        listen(host, 0)
    with pytest.raises(UsageError, match="nobody has to sign in"):
        Access.of(Serve(host=host), Project.open(write_shop(tmp_path)))


def test_every_address_needs_a_name_that_people_type(tmp_path: Path) -> None:
    """Requests for unknown names are not answered, so without one nobody would be."""
    with pytest.raises(UsageError, match="the name that people type"):
        listen("0.0.0.0", 0, Serve(auth=("tokens",)))
    project = Project.open(write_shop(tmp_path))
    for serve in (
        Serve(host="0.0.0.0", auth=("tokens",), url="https://headway.example.com"),
        Serve(host="0.0.0.0", auth=("tokens",), hosts=("headway.example.com",)),
    ):
        access = Access.of(serve, project)
        assert access.hosts == {"localhost", "127.0.0.1", "::1", "headway.example.com"}
        assert access.identities.signer.secure


def test_loopback_starts_without_a_login_and_whoever_asks_is_its_owner(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as on:
        assert on.getsockname()[0] == "127.0.0.1"
    me = site(tmp_path).client().get("/api/me").json()
    assert (me["role"], me["how"]) == ("admin", "loopback")
    assert me["name"]


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-user"])
def test_a_server_for_this_machine_alone_is_not_opened_to_others_by_a_proxy(tmp_path: Path, header: str) -> None:
    found = site(tmp_path, sync=False)
    assert found.client().get("/health").status_code == 200
    assert found.client().get("/health", headers={header: "198.51.100.1"}).status_code == 403


def test_a_login_is_asked_for_on_loopback_too_where_one_is_configured(shop: Site) -> None:
    assert shop.client().get("/api/me").status_code == 401
    assert shop.client("viewer").get("/api/me").json()["role"] == "viewer"


# ---------------------------------------------------------------------- tokens


def test_a_token_is_kept_as_a_salted_hash_for_its_owner_alone(tmp_path: Path) -> None:
    text, token = make(tmp_path, "ci", "editor", now=NOW)
    (file,) = (tmp_path / ".headway/tokens").iterdir()
    assert text.rpartition("_")[2] not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    other, second = make(tmp_path, "ci2", "editor", now=NOW)
    assert (text, token.salt, token.hash) != (other, second.salt, second.hash)
    found = known(tmp_path, text, NOW)
    assert found is not None
    assert (found.name, found.role) == ("ci", "editor")


def test_a_token_that_was_changed_taken_back_or_has_ended_is_none(tmp_path: Path) -> None:
    text, token = make(tmp_path, "ci", "editor", days=2, now=NOW)
    assert known(tmp_path, text, NOW + timedelta(days=1, hours=23))
    assert known(tmp_path, text, NOW + timedelta(days=2)) is None
    for wrong in ("", "x", text[:-1], text + "x", text[:-1] + ("A" if text[-1] != "A" else "B"), text.upper()):
        assert known(tmp_path, wrong, NOW) is None
    assert known(tmp_path, text.replace(token.id, "../../../etc"), NOW) is None
    assert by_id(tmp_path, "../tokens/x", NOW) is None
    revoke(tmp_path, "ci")
    assert known(tmp_path, text, NOW) is None
    assert listed(tmp_path) == ()


def test_what_cannot_be_a_token_is_said(tmp_path: Path) -> None:
    make(tmp_path, "ci", "viewer", now=NOW)
    for name, role in (("ci", "viewer"), ("", "viewer"), ("a\nb", "viewer"), ("x" * 81, "viewer"), ("y", "king")):
        with pytest.raises(UsageError):
            make(tmp_path, name, role, now=NOW)  # type: ignore[arg-type]
    with pytest.raises(UnknownName):
        revoke(tmp_path, "nobody")
    (tmp_path / ".headway/tokens/0123456789ab.json").write_text('{"id": 7}')
    with pytest.raises(InputError, match="no token of this version"):
        listed(tmp_path)


def test_a_token_begins_a_session_and_its_end_ends_that(tmp_path: Path) -> None:
    found = site(tmp_path, TOKENS)
    client = found.client()
    assert 'name="access"' in client.get("/login").text
    wrong = client.post("/login", data={"access": "nope", "next": "/health"})
    assert wrong.status_code == 401
    assert "set-cookie" not in wrong.headers
    right = client.post("/login", data={"access": found.tokens["editor"], "next": "/health"})
    assert (right.status_code, right.headers["location"]) == (303, "/health")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert found.tokens["editor"] not in cookie
    page = client.get("/health")
    assert "editor-bot" in page.text
    assert client.get("/api/me").json() | {"token": ""} == {
        "name": "editor-bot",
        "role": "editor",
        "teams": [],
        "how": "token",
        "token": "",
    }
    revoke(found.folder, "editor-bot")
    assert client.get("/health").status_code == 303


def test_signing_out_ends_the_session(tmp_path: Path) -> None:
    found = site(tmp_path, TOKENS)
    client = found.client()
    client.post("/login", data={"access": found.tokens["viewer"]})
    token = client.get("/api/me").json()["token"]
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"token": token}).headers["location"] == "/login"
    assert client.get("/api/me").status_code == 401


def test_below_a_path_everything_stays_below_it(tmp_path: Path) -> None:
    found = site(tmp_path, "serve: {auth: [tokens], url: 'https://example.com/goals'}\n")
    assert found.access.base == "/goals"
    client = TestClient(found.app, base_url="https://example.com", root_path="/goals", follow_redirects=False)
    assert client.get("/goals/health?x=1").headers["location"] == "/goals/login?next=%2Fhealth%3Fx%3D1"
    assert 'action="/goals/login"' in client.get("/goals/login").text
    begun = client.post("/goals/login", data={"access": found.tokens["admin"], "next": "/health"})
    assert begun.headers["location"] == "/goals/health"
    assert "Path=/goals;" in begun.headers["set-cookie"]
    assert "Secure" in begun.headers["set-cookie"]
    assert "admin-bot" in client.get("/goals/health").text
    headers = {"x-csrf-token": client.get("/goals/api/me").json()["token"]}
    filed = client.post("/goals/api/requests", json={"text": "Orders"}, headers=headers)
    assert filed.headers["location"].startswith("/goals/api/requests/R-")
    assert client.get(filed.headers["location"]).status_code == 200
    assert "/goals/api/questions/goals?" in client.get("/goals/api/questions/goals?limit=1").headers["link"]
    assert client.get("/goals/api/none").json()["error"]["status"] == 404
    assert client.get("/goals/api").json()["servers"] == [{"url": "/goals"}]
    out = client.post("/goals/logout", data={"token": headers["x-csrf-token"]})
    assert out.headers["location"] == "/goals/login"
    assert client.get("/goals/api/me").status_code == 401


def test_a_session_that_was_changed_or_is_too_old_is_none(tmp_path: Path) -> None:
    signer = Signer("s" * 40, hours=1)
    cookie = signer.session({"name": "ana"})
    assert (signer.read_session(cookie) or {})["name"] == "ana"
    body, _, rest = cookie.partition(".")
    assert signer.read_session(f"{body[:-1]}{'A' if body[-1] != 'A' else 'B'}.{rest}") is None
    assert Signer("t" * 40, hours=1).read_session(cookie) is None
    assert signer.read_session("x" * 5000) is None
    assert signer.read_signing_in(cookie) == {}  # one kind of cookie is never taken for another


def test_a_session_ends_after_its_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    signer = Signer("s" * 40, hours=1)
    cookie = signer.session({"name": "ana"})
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 3599)
    assert signer.read_session(cookie)
    monkeypatch.setattr(time, "time", lambda: real + 3602)
    assert signer.read_session(cookie) is None


def test_sessions_need_a_secret_that_cannot_be_guessed() -> None:
    with pytest.raises(ConfigError, match="HEADWAY_SESSION_SECRET, which is not set"):
        Signer.of({}, needed=True)
    with pytest.raises(ConfigError, match="shorter than 32"):
        Signer.of({"HEADWAY_SESSION_SECRET": "short"}, needed=False)


@pytest.mark.parametrize(
    ("given", "to"),
    [
        ("/health?x=1", "/health?x=1"),
        ("/asset/dbt:model.a.b", "/asset/dbt:model.a.b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nset-cookie: x=1", "/"),
        (" //evil.example", "/"),
        ("", "/"),
        ("/" + "x" * 3000, "/"),
    ],
)
def test_after_the_login_people_stay_here(given: str, to: str) -> None:
    assert local(given) == to


# ---------------------------------------------------------------------- a proxy


def test_a_trusted_proxy_says_who_it_let_in(tmp_path: Path) -> None:
    found = site(tmp_path, PROXY)

    def me(user: str, groups: str = "", peer: str = "10.1.2.3") -> tuple[int, str]:
        headers = {"x-forwarded-user": user} | ({"x-forwarded-groups": groups} if groups else {})
        answer = found.client(peer=peer).get("/api/me", headers=headers)
        return answer.status_code, answer.json().get("role", "")

    assert me("ana@example.com") == (200, "admin")
    assert me("Ana@Example.com") == (200, "admin")
    assert me("ben@example.com") == (200, "stakeholder")
    assert me("ben@example.com", "sales, Analytics") == (200, "editor")
    assert me("eve@elsewhere.example")[0] == 403
    assert me("eve@elsewhere.example@example.com")[0] == 403


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.2.0.1", "198.51.100.7", "::1", "testclient"])
def test_the_headers_of_nobody_else_are_believed(tmp_path: Path, peer: str) -> None:
    found = site(tmp_path, PROXY)
    spoofed = {"x-forwarded-user": "ana@example.com", "x-forwarded-for": "10.1.2.3", "forwarded": "for=10.1.2.3"}
    assert found.client(peer=peer).get("/api/me", headers=spoofed).status_code == 401


def test_two_headers_of_one_name_are_believed_in_neither(tmp_path: Path) -> None:
    """A client's own header beside the one that the proxy adds."""
    found = site(tmp_path, PROXY)
    headers = [("x-forwarded-user", "ana@example.com"), ("x-forwarded-user", "ben@example.com")]
    assert found.client(peer="10.1.2.3").get("/api/me", headers=headers).status_code == 401
    joined = {"x-forwarded-user": "ana@example.com, ben@example.com"}
    assert found.client(peer="10.1.2.3").get("/api/me", headers=joined).status_code == 401


def test_where_somebody_comes_from_is_read_from_the_right(tmp_path: Path) -> None:
    identities = site(tmp_path, PROXY, sync=False).access.identities

    def address(peer: str, said: str = "") -> str:
        headers = [(b"x-forwarded-for", said.encode())] if said else []
        return identities.address({"type": "http", "client": (peer, 1), "headers": headers})

    assert address("198.51.100.7", "1.2.3.4") == "198.51.100.7"
    assert address("10.1.0.1", "1.2.3.4") == "1.2.3.4"
    assert address("10.1.0.1", "6.6.6.6, 1.2.3.4, 10.1.0.9") == "1.2.3.4"
    assert address("10.1.0.1", "nonsense") == "10.1.0.1"
    assert address("2001:db8:1:2:3:4:5:6") == address("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert address("::ffff:10.1.0.1", "1.2.3.4") == "1.2.3.4"


# ---------------------------------------------------------------------- roles


def test_the_highest_role_counts_and_only_proven_addresses_do() -> None:
    serve = Serve(
        roles={"viewer": ("*@example.com",), "editor": ("group:Analytics", "ana@example.com")},
        teams={"sales-team": ("ben@example.com",)},
    )

    def of(name: str, email: str = "", groups: tuple[str, ...] = ()) -> Person:
        return person(serve, name, email=email, groups=groups, how="oidc", key="")

    assert of("ana@example.com", "ana@example.com").role == "editor"
    assert of("ana@example.com").role == ""
    assert of("x", "ben@example.com").role == "viewer"
    assert of("x", "ben@example.com").acts_for(["Sales-Team"])
    assert of("x", groups=("analytics",)).role == "editor"
    assert of("group:analytics").role == ""
    assert not of("x", "cy@example.com").acts_for(["sales-team"])
    assert of("x", "cy@example.com").acts_for(["", ""])
    assert worth_keeping(serve, ("a", "ANALYTICS", "sales"), ("Sales",)) == ("ANALYTICS", "sales")


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("serve: {auth: [password]}", "serve.auth cannot be 'password'"),
        ("serve: {auth: [oidc]}", "serve.oidc does not say with whom"),
        ("serve: {auth: [oidc], oidc: {issuer: 'https://a.example', client_id: x}}", "needs serve.url"),
        ("serve: {auth: [oidc], oidc: {issuer: 'http://a.example', client_id: x}}", "must be an https address"),
        ("serve: {auth: [oidc], oidc: {issuer: 'https://a.example'}}", "needs client_id"),
        ("serve: {auth: [oidc], oidc: {client_secret: x}}", "unknown key serve.oidc.client_secret"),
        ("serve: {auth: [proxy]}", "serve.trusted_proxies names none"),
        ("serve: {auth: [proxy], trusted_proxies: [0.0.0.0/0]}", "cannot be everybody"),
        ("serve: {auth: [proxy], trusted_proxies: [nginx]}", "must be addresses or networks"),
        ("serve: {everyone: admin}", "nobody has to sign in"),
        ("serve: {auth: [tokens], roles: {king: [ana]}}", "unknown key serve.roles.king"),
        ("serve: {auth: [tokens], roles: {admin: ['*']}}", "names nobody"),
        ("serve: {port: 70000}", "must be from 0 to 65535"),
        ("serve: {port: yes}", "must be a whole number"),
        ("serve: {schedule: 5s}", "a span from a minute to a month"),
        ("serve: {schedule: often}", "a span from a minute to a month"),
        ("serve: {url: 'http://headway.example.com'}", "must be an https address"),
        ("serve: {url: 'https://me:pw@headway.example.com'}", "must be an https address"),
        ("serve: {host: 'a b'}", "must be a host name"),
        ("serve: {hots: x}", "did you mean host"),
        ("serve: [a]", "serve must be a mapping"),
    ],
)
def test_what_a_section_cannot_say_is_told_with_its_place(tmp_path: Path, section: str, complaint: str) -> None:
    write_shop(tmp_path, settings=f"project: shop\n{section}\n")
    with pytest.raises(ConfigError, match=re.escape(complaint)) as told:
        Project.open(tmp_path)
    assert "headway.yml:2" in str(told.value)


def test_a_whole_section_is_read(tmp_path: Path) -> None:
    section = """\
serve:
  host: 0.0.0.0
  port: 80
  url: https://headway.example.com/goals/
  auth: [oidc, tokens]
  oidc: {issuer: "https://login.example.com/", client_id: headway, scopes: [groups]}
  trusted_proxies: [10.0.0.1]
  roles: {admin: ["group:data-platform"]}
  everyone: viewer
  schedule: 6h
"""
    serve = Project.open(write_shop(tmp_path, settings=section)).config.serve
    assert serve.url == "https://headway.example.com/goals"
    assert serve.oidc is not None
    assert (serve.oidc.issuer, serve.oidc.scopes) == ("https://login.example.com/", ("openid", "groups"))
    assert (serve.schedule, serve.everyone, serve.trusted_proxies) == (21600, "viewer", ("10.0.0.1/32",))
    access = Access.of(serve, Project.open(tmp_path, environment={"HEADWAY_SESSION_SECRET": "s" * 40}))
    assert access.base == "/goals"
    assert access.hosts == {"localhost", "127.0.0.1", "::1", "headway.example.com"}
    assert BASE.startswith("http://127.0.0.1")
