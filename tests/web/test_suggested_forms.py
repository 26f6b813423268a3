"""Accepting and declining suggested links over HTTP: by the form of the Lineage, and by the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from desk import DAY
from headway.config import Proxy, Serve
from headway.project import Project, linking
from headway.project.pages.lineage import lineage
from headway.web.access.setup import Access
from headway.web.app import create_app
from headway.web.current import Current
from suggesting import REVENUE, suggesting

BASE = "http://127.0.0.1:8484"
LINEAGE = f"/lineage/{REVENUE}"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return suggesting(tmp_path)


@pytest.fixture
def client(shop: Project) -> Iterator[TestClient]:
    folder = shop.config.root
    app = create_app(Current(lambda: Project.open(folder, as_of=DAY, environment={})))
    with TestClient(app, base_url=BASE, client=("127.0.0.1", 5000), follow_redirects=False) as made:
        yield made


def form(page: str, act: str = "accept") -> dict[str, str]:
    body = page[page.index('id="suggested"') :]
    return {**dict(re.findall(r'name="(token|link|node)" value="([^"]*)"', body[: body.index("</form>")])), "act": act}


def file(shop: Project) -> str:
    path = Path(shop.config.root) / "links.yml"
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize("act", ["accept", "decline"])
def test_a_form_decides_and_leads_back(client: TestClient, shop: Project, act: str) -> None:
    sent = {**form(client.get(LINEAGE).text, act), "note": "the board says so"}
    answer = client.post("/lineage/decide", data=sent)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{LINEAGE}?suggested=1#suggested"
    assert f"- {act}: " in file(shop)
    assert "the board says so" in file(shop)
    page = client.get(LINEAGE).text
    assert {"accept": "Accepted", "decline": "Declined"}[act] in page
    assert page.count('action="/lineage/decide"') == 1


def test_a_form_that_is_sent_twice_decides_once(client: TestClient, shop: Project) -> None:
    sent = form(client.get(LINEAGE).text)
    assert [client.post("/lineage/decide", data=sent).status_code for _ in range(2)] == [303, 303]
    assert file(shop).count("- accept: ") == 1


def test_the_opposite_of_what_was_decided_is_refused_and_says_where_it_stands(
    client: TestClient, shop: Project
) -> None:
    sent = form(client.get(LINEAGE).text)
    client.post("/lineage/decide", data=sent)
    answer = client.post("/lineage/decide", data={**sent, "act": "decline"})
    assert answer.status_code == 400
    assert "links.yml" in answer.text
    assert "decline" not in file(shop)


@pytest.mark.parametrize(
    "wrong", [{"act": "both"}, {"link": "@0000000"}, {"link": ""}, {"note": "x" * 9_000}, {"token": "nonsense"}]
)
def test_what_cannot_be_decided_is_a_sentence(client: TestClient, shop: Project, wrong: dict[str, str]) -> None:
    answer = client.post("/lineage/decide", data={**form(client.get(LINEAGE).text), **wrong})
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text
    assert file(shop) == ""


def test_readers_see_the_reasons_and_no_buttons(shop: Project) -> None:
    folder = shop.config.root
    current = Current(lambda: Project.open(folder, as_of=DAY, environment={}))
    serve = Serve(auth=("proxy",), trusted_proxies=("127.0.0.1",), everyone="viewer", proxy=Proxy(user="x-user"))
    environment = {"HEADWAY_SESSION_SECRET": "a secret that is long enough for a test of sessions"}
    project = current.now().project
    project.environment = environment
    app = create_app(current, Access.of(serve, project))
    with TestClient(app, base_url=BASE, client=("127.0.0.1", 5000), headers={"x-user": "lea"}) as client:
        page = client.get(LINEAGE)
        assert page.status_code == 200
        assert "Suggested links" in page.text
        assert "/lineage/decide" not in page.text
        sent = {"act": "accept", "link": lineage(shop, node=REVENUE).suggested[0].handle, "node": REVENUE}
        assert client.post("/lineage/decide", data=sent).status_code == 403
        assert client.post("/api/links", json={"link": sent["link"], "accept": True}).status_code == 403
    assert file(shop) == ""


def test_the_api_takes_both(client: TestClient, shop: Project) -> None:
    client.headers["x-csrf-token"] = client.get("/api/me").json()["token"]
    first, second = lineage(shop, node=REVENUE).suggested
    answer = client.post("/api/links", json={"link": first.handle, "accept": True, "note": "seen"})
    assert answer.status_code == 201
    assert "links.yml" in " ".join(answer.json()["sentences"])
    assert client.post("/api/links", json={"link": second.handle, "accept": False}).status_code == 201
    assert linking.state_of(shop, second.handle) == "declined"
    again = client.post("/api/links", json={"link": second.handle, "accept": False})
    assert again.status_code == 400
    assert "already" in again.json()["error"]["message"]
    assert client.post("/api/links", json={"link": first.handle}).status_code == 422
    document = client.get("/api").json()
    assert document["paths"]["/api/links"]["post"]["x-least-role"] == "editor"
