"""What attackers send: forged forms, made-up headers, paths, floods, slow bytes, and names that are markup."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from web_site import BASE, TOKENS, Site, running, site

from headway.config import Serve
from headway.project import requests as desk
from headway.project.pages.table import PAGES
from headway.web.access.limits import LARGEST_BODY, Tries
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.connection import Impatient
from shop import GOALS, SETTINGS, manifest

ATTACK = "\"'><xss onload=alert(1)>{{7*7}}</script><script>alert(1)</script><!--javascript:alert(1)"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(tmp_path_factory.mktemp("shared"), TOKENS)


# ---------------------------------------------------------------------- forged requests


WRITES = [
    ("/api/requests", {"text": "Orders by channel"}),
    ("/api/check-ins", {"key_result": "happiness", "note": "going well"}),
    ("/api/decisions", {"act": "keep", "findings": ["orders"], "reason": "x"}),
    ("/api/sync", {}),
    ("/theme", {"theme": "dark"}),
    ("/logout", {}),
]


@pytest.mark.parametrize(("address", "body"), WRITES)
def test_a_write_without_the_token_of_its_page_is_refused(alone: Site, address: str, body: dict[str, Any]) -> None:
    client = alone.client()
    for headers in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": "ä".encode()}):
        assert client.post(address, json=body, headers=headers).status_code == 403  # type: ignore[arg-type]
        assert client.post(address, data=body | {"token": "wrong"}).status_code == 403
    assert client.get("/api/requests").headers["x-total-count"] == "0"
    assert client.get("/api/check-ins").headers["x-total-count"] == "0"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8485"},
        {"origin": "https://127.0.0.1:8484"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin, cross-site"},
    ],
    ids=str,
)
def test_a_write_from_another_site_is_refused_even_with_the_token(alone: Site, headers: dict[str, str]) -> None:
    client = alone.writer()
    assert client.post("/api/requests", json={"text": "stolen"}, headers=headers).status_code == 403
    fine = client.post("/theme", data={"theme": "dark"}, headers={"origin": BASE, "sec-fetch-site": "same-origin"})
    assert fine.status_code == 303


def test_with_a_url_only_its_origin_writes(tmp_path: Path) -> None:
    found = site(tmp_path, "serve: {auth: [tokens], url: 'https://headway.example.com/goals'}\n", sync=False)
    client = found.client("stakeholder")

    def file(origin: str) -> int:
        return client.post("/api/requests", json={"text": origin}, headers={"origin": origin}).status_code

    assert file("https://headway.example.com") == 201
    for origin in ("http://headway.example.com", BASE, "https://headway.example.com.evil.example"):
        assert file(origin) == 403


def test_a_form_carries_its_token_and_the_token_of_somebody_else_is_none(shared: Site) -> None:
    tokens = {}
    for role in ("editor", "admin"):
        client = shared.client()
        client.post("/login", data={"access": shared.tokens[role]})
        tokens[role] = client.get("/api/me").json()["token"]
        assert f'name="token" value="{tokens[role]}"' in client.get("/health").text
    assert tokens["editor"] != tokens["admin"]
    assert client.post("/theme", data={"theme": "dark", "token": tokens["editor"]}).status_code == 403
    assert client.post("/theme", data={"theme": "dark", "token": tokens["admin"]}).status_code == 303


def test_an_api_token_needs_no_form_and_nothing_sends_it_by_itself(shared: Site) -> None:
    assert shared.client("stakeholder").post("/api/requests", json={"text": "by a program"}).status_code == 201
    assert shared.client("viewer").get("/api/me").json()["token"] == ""


def test_a_login_from_another_site_is_refused(shared: Site) -> None:
    """Otherwise somebody could be made to work under another's name."""
    given = {"access": shared.tokens["editor"]}
    assert shared.client().post("/login", data=given, headers={"origin": "https://evil.example"}).status_code == 403


def test_a_read_never_writes(alone: Site) -> None:
    client = alone.writer()
    for address, _ in WRITES:
        client.get(address)
        client.head(address)
        client.get(address, headers={"x-http-method-override": "POST"})
    assert client.get("/api/requests").headers["x-total-count"] == "0"
    assert "headway_theme" not in client.cookies


def test_no_other_site_may_read(alone: Site) -> None:
    answer = alone.client().get("/api/me", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = alone.client().options("/api/requests", headers={"origin": "https://evil.example"})
    assert preflight.status_code == 405


# ---------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../../../etc/passwd",
        "/static/x/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static/x//etc/passwd",
        "/static/x/..%2f..%2fpages.py",
        "/static/../web/app.py",
        "/static/x/%00base.css",
        "/..%2f..%2fheadway.yml",
        "/.headway/headway.db",
        "/headway.yml",
        "/api/../headway.yml",
        "/api/requests/..%2f..%2fheadway.yml",
        "/api/requests/%2e%2e",
        "/api/questions/../../headway.yml",
    ],
)
def test_no_address_leads_out_of_what_is_served(alone: Site, path: str) -> None:
    with running(alone.app) as port:
        sent = socket.create_connection(("127.0.0.1", port))
        sent.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: sent.recv(65536), b""))
        sent.close()
    assert answer.split(b" ")[1] in {b"404", b"400", b"422"}
    assert b"root:" not in answer
    assert b"project: shop" not in answer
    assert b"SQLite" not in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1"])
def test_a_name_that_is_not_ours_is_not_answered(alone: Site, host: str) -> None:
    assert alone.client().get("/api/me", headers={"host": host}).status_code == 421


def test_every_answer_keeps_a_page_to_itself(alone: Site, shared: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = alone.writer()
    answers = [
        writer.get("/health"),
        writer.get("/nothing"),
        writer.get("/api/questions/goals"),
        writer.post("/api/requests", json={"text": 7}),
        writer.post("/api/requests", content=b"x" * (LARGEST_BODY + 1)),
        alone.client().post("/theme"),
        shared.client().get("/api/me"),
        shared.client().get("/health"),
        shared.client("viewer").post("/api/sync"),
        shared.client().get("/login"),
        alone.client().get("/health", headers={"host": "evil.example"}),
    ]
    monkeypatch.setattr("headway.web.api.routes.health", lambda project: 1 / 0)
    answers.append(writer.get("/api/health"))
    assert [a.status_code for a in answers] == [200, 404, 200, 422, 413, 403, 401, 303, 403, 200, 421, 500]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "ZeroDivisionError" not in answer.text
        assert "Traceback" not in answer.text


def test_a_failure_of_the_store_is_told_without_its_place(tmp_path: Path) -> None:
    found = site(tmp_path, TOKENS)
    file = next((tmp_path / ".headway/tokens").iterdir())
    file.write_text("{")
    number = file.name.partition(".")[0]
    broken = next(text for text in found.tokens.values() if number in text)
    answer = found.client().get("/api/me", headers={"authorization": f"Bearer {broken}"})
    assert answer.status_code in {422, 500}
    assert str(tmp_path) not in answer.text


# ---------------------------------------------------------------------- floods


def test_tries_at_a_token_are_limited_by_address(tmp_path: Path) -> None:
    found = site(tmp_path, TOKENS, sync=False)
    guesser = found.client(peer="198.51.100.7", authorization="Bearer headway_000000000000_" + "A" * 43)
    seen = [guesser.get("/api/me").status_code for _ in range(12)]
    assert seen == [401] * 10 + [429] * 2
    assert int(guesser.get("/api/me").headers["retry-after"]) > 0
    # The right one from the same address has to wait too; others are not kept out.
    assert found.client("admin", peer="198.51.100.7").get("/api/me").status_code == 429
    assert found.client("admin", peer="198.51.100.8").get("/api/me").status_code == 200


def test_tries_at_the_login_are_limited(tmp_path: Path) -> None:
    client = site(tmp_path, TOKENS, sync=False).client()
    seen = [client.post("/login", data={"access": "guess"}).status_code for _ in range(32)]
    assert seen[0] == 401
    assert seen[-1] == 429


def test_tries_are_forgotten_after_a_while_and_memory_is_bounded() -> None:
    now = [0.0]
    tries = Tries(2, 60, addresses=3, clock=lambda: now[0])
    for _ in range(2):
        tries.count("a")
    assert tries.wait("a") == 60
    now[0] = 30
    assert tries.wait("a") == 30
    now[0] = 61
    assert tries.wait("a") == 0
    for address in "bcdef":
        tries.count(address)
    assert len(tries._seen) == 3


def test_a_body_that_is_too_large_is_not_read(alone: Site) -> None:
    writer = alone.writer()
    large = b'{"text": "' + b"x" * LARGEST_BODY + b'"}'
    answer = writer.post("/api/requests", content=large, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    for said in ("-1", "1e9", "99999999999999999999"):
        assert writer.post("/theme", content=b"", headers={"content-length": said}).status_code == 413


def test_a_body_without_a_length_is_counted_while_it_comes(alone: Site) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50 * LARGEST_BODY:
            sent += 65536
            yield b"x" * 65536

    with running(alone.app) as port:
        base = f"http://127.0.0.1:{port}"
        token = httpx.get(f"{base}/api/me").json()["token"]
        try:
            answer = httpx.post(f"{base}/theme", content=endless(), headers={"x-csrf-token": token}, timeout=20)
            assert answer.status_code == 413
        except httpx.TransportError:
            pass  # the connection was closed while it was still sending
    assert sent < 20 * LARGEST_BODY


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"7", b'"x"', b"{}" * 50])
def test_a_body_that_is_no_json_is_said_to_be_none(alone: Site, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = alone.writer().post("/api/requests", content=content, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_json_is_taken_only_as_json(alone: Site, kind: str) -> None:
    """A page elsewhere can send the other kinds without asking first."""
    answer = alone.writer().post("/api/requests", content=b'{"text": "x"}', headers={"content-type": kind})
    assert answer.status_code == 422


class Hasty(Impatient):
    """The same in less time."""

    head_seconds = 0.6
    reader_seconds = 0.6


def test_slow_clients_are_let_go_while_others_are_answered(alone: Site) -> None:
    with running(alone.app, Hasty) as port:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(150)]
        half = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        for one in half:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
        began = time.monotonic()
        assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=10).status_code == 200
        while time.monotonic() - began < 1.2:
            for one in half:
                try:
                    one.sendall(b"a")  # a byte now and then buys no time
                except OSError:
                    break
            time.sleep(0.1)
        for one in (*slow, *half):
            one.settimeout(3)
            with contextlib.suppress(ConnectionResetError):
                assert one.recv(1000) == b""
            one.close()
        assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=10).status_code == 200


def test_a_second_head_on_a_connection_has_its_time_too(alone: Site) -> None:
    with running(alone.app, Hasty) as port, socket.create_connection(("127.0.0.1", port)) as one:
        one.settimeout(5)
        one.sendall(b"GET /api/alive HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        seen = b""
        while b'"ok"}' not in seen:
            seen += one.recv(4000)
        assert b" 200 " in seen
        one.sendall(b"GET /api/al")
        assert one.recv(4000) == b""


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = site(tmp_path, sync=False)
    for layer in found.app.user_middleware:
        if "identities" in layer.kwargs:
            layer.kwargs["seconds"] = 0.4
    with running(found.app) as port, socket.create_connection(("127.0.0.1", port)) as one:
        one.settimeout(5)
        one.sendall(b"POST /theme HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\ntheme=")
        assert b" 408 " in one.recv(4000)


def test_a_client_that_does_not_read_is_let_go(alone: Site) -> None:
    with running(alone.app, Hasty) as port, socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        one.connect(("127.0.0.1", port))
        one.settimeout(5)
        request = f"GET /api HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        ended = False
        began = time.monotonic()
        while time.monotonic() - began < 10 and not ended:
            try:
                one.sendall(request * 50)
                time.sleep(0.05)
            except OSError:
                ended = True
        assert ended


# ---------------------------------------------------------------------- what is logged


def test_every_write_and_refusal_leaves_a_line_that_names_nobody(alone: Site, caplog: pytest.LogCaptureFixture) -> None:
    writer = alone.writer()
    me = writer.get("/api/me").json()["name"]
    with caplog.at_level(logging.INFO, logger="headway.audit"):
        writer.post("/api/requests", json={"text": "Secret plans by channel", "key_result": "revenue"})
        alone.client().post("/api/requests", json={"text": "Secret plans"})
    assert [r.getMessage() for r in caplog.records] == [
        "POST request 201 role=admin how=loopback",
        "POST request 403 role=admin how=loopback",
    ]
    assert not any(word in caplog.text for word in ("Secret", "revenue", f"={me}"))


# ---------------------------------------------------------------------- names that are markup


class Elements(HTMLParser):
    """Everything in a page that could run, as a list of complaints."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"xss", "iframe", "object", "embed", "base", "style"}:
            self.wrong.append(tag)
        if tag == "script" and not given.get("src") and given.get("type") != "application/json":
            self.wrong.append("inline script")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} {name}")
            if name in {"href", "src", "action", "formaction", "xlink:href"}:
                address = (value or "").strip().lower()
                if not address.startswith(("/", "#", "http://", "https://", "?")) and address:
                    self.wrong.append(f"{tag} {name}={address[:40]}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def attacked(folder: Path) -> Site:
    """Every name, title, description, owner, unit, note, reason and address is an attack."""
    quoted = json.dumps(ATTACK)
    goals = GOALS.replace("title: Grow sales", f"title: {quoted}\n    description: {quoted}")
    goals = goals.replace("title: Revenue", f"title: {quoted}\n        description: {quoted}")
    goals = goals.replace("owner: sales-team", f"owner: {quoted}")
    goals = goals.replace("title: Happy customers", f"title: {quoted}\n        unit: {quoted}")
    found = site(folder, goals=goals, sync=False)
    nodes = manifest()
    for group in ("nodes", "sources", "metrics", "exposures"):
        for node in nodes[group].values():
            node |= {"description": ATTACK, "label": ATTACK, "tags": [ATTACK], "url": "javascript:alert(1)"}
            node["name"] = f"{node['name']}{ATTACK}" if group in {"metrics", "exposures"} else node["name"]
            node["owner"] = {"name": ATTACK, "email": ATTACK}
    (folder / "target/manifest.json").write_text(json.dumps(nodes))
    (folder / "headway.yml").write_text(SETTINGS)
    project = found.current.now().project
    project.sync(evaluate=False)
    by = "".join(c for c in ATTACK if c.isprintable())[:190]
    desk.file(project, by=by, text=ATTACK, readers=ATTACK, decision=ATTACK, anyway=True)
    made = desk.file(project, by=by, text=f"{ATTACK} again, by channel", anyway=True)
    desk.decide(project, made.request.id, "declined", by=by, reason=ATTACK)
    found.current.refresh()
    return found


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return attacked(tmp_path_factory.mktemp("hostile"))


def addresses(found: Site) -> Iterator[str]:
    graph = found.current.now().project.graph()
    for row in PAGES:
        if not row.key:
            yield row.address
            for parameter in row.parameters:
                yield row.to(**{parameter.name: ATTACK})
        else:
            yield from (row.to(node.id) for node in graph.nodes)
            yield row.to(ATTACK)


def test_no_page_runs_what_a_name_says(hostile: Site) -> None:
    client = hostile.client()
    pages = [*addresses(hostile), f"/{ATTACK}", f"/login?next={ATTACK}"]
    assert len(pages) > 2
    shown = 0
    for address in pages:
        answer = client.get(address)
        assert answer.status_code in {200, 303, 400, 404}, (address, answer.text[:300])
        if answer.headers.get("content-type", "").startswith("text/html"):
            parser = Elements()
            parser.feed(answer.text)
            assert not parser.wrong, (address, parser.wrong)
            assert "49" not in answer.text.split("{{7*7}}")[0][-3:]
            shown += "<xss" in "".join(parser.text)
    assert shown or all(row.name == "health" for row in PAGES)


def test_the_api_says_it_as_data_and_never_as_a_page(hostile: Site) -> None:
    client = hostile.client()
    seen = 0
    for address in ("/api/questions/goals", "/api/requests", "/api/questions/declined", "/api/questions/orphans"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        seen += "<xss" in answer.text
        answer.json()
    assert seen >= 2
    for address in (f"/api/{ATTACK}", f"/api/requests/{ATTACK}", f"/api/questions/why?asset={ATTACK}"):
        answer = client.get(address)
        assert answer.status_code in {400, 404, 422}
        assert answer.headers["content-type"] == "application/json"


def test_no_header_takes_a_line_break(alone: Site) -> None:
    client = alone.client()
    for address in ("/login?next=/%0d%0aset-cookie:%20x=1", "/health%0d%0aset-cookie:%20x=1"):
        assert "x=1" not in client.get(address).headers.get("set-cookie", "")


def test_a_frame_is_shown_only_where_the_configuration_says(tmp_path: Path) -> None:
    found = site(tmp_path, sync=False)
    assert "frame-ancestors 'none'" in found.client().get("/health").headers["content-security-policy"]
    serve = Serve(frames=("https://wiki.example.com",))
    project = found.current.now().project
    app = create_app(found.current, Access.of(serve, project))
    policy = TestClient(app, base_url=BASE).get("/health").headers["content-security-policy"]
    assert "frame-ancestors https://wiki.example.com" in policy
