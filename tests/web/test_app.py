"""The application: headers, caching, twins, errors, static files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from browser import worlds
from headway.project import Project
from headway.project.pages.table import PAGES, PageRow
from headway.render.html.static_files import digest, static_files
from headway.web.app import create_app
from headway.web.current import Current
from shop import USAGE, write_shop

FIXED = [row for row in PAGES if not row.key]
BASE = "http://127.0.0.1:8484"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(worlds.company()) as found:
        yield found


def client_of(project: Project) -> TestClient:
    return TestClient(create_app(Current(lambda: project)), base_url=BASE, raise_server_exceptions=False)


def twin_of(row: PageRow) -> str:
    return row.twin or f"{row.address}.json"


@pytest.mark.parametrize("row", FIXED, ids=lambda row: row.name)
def test_each_page_answers_with_its_sentence_and_a_twin(client: TestClient, row: PageRow) -> None:
    page, twin = client.get(row.address), client.get(twin_of(row))
    assert page.status_code == twin.status_code == 200
    assert twin.headers["content-type"] == "application/json"
    data = twin.json()
    assert data["title"] == row.title
    assert "".join(p["text"] for p in data["sentence"])
    assert f'rel="alternate" type="application/json" href="{twin_of(row)}"' in page.text


@pytest.mark.parametrize("row", FIXED, ids=lambda row: row.name)
def test_a_page_that_did_not_change_is_not_sent_again(client: TestClient, row: PageRow) -> None:
    for address in (row.address, twin_of(row)):
        tag = client.get(address).headers["etag"]
        again = client.get(address, headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(address, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_tag_depends_on_address_and_theme(client: TestClient) -> None:
    plain = client.get("/health").headers["etag"]
    dark = client.get("/health", headers={"cookie": "headway_theme=dark"}).headers["etag"]
    other = client.get("/health?x=1").headers["etag"]
    assert len({plain, dark, other}) == 3


@pytest.mark.parametrize("address", ["/health", "/health.json", "/none", f"/static/{digest()}/base.css"])
def test_every_answer_keeps_to_itself(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_a_name_that_leads_here_from_elsewhere_is_refused(client: TestClient) -> None:
    assert client.get("/health", headers={"host": "attacker.example"}).status_code == 421
    assert client.get("/health", headers={"host": "localhost:8484"}).status_code == 200
    assert client.get("/health", headers={"host": "[::1]:8484"}).status_code == 200
    assert client.get("/health", headers={"host": "127.0.0.1.attacker.example"}).status_code == 421


def test_what_is_not_there_is_told_as_a_page_and_as_json(client: TestClient) -> None:
    page, twin = client.get("/no-such-page"), client.get("/no-such-page.json")
    assert page.status_code == twin.status_code == 404
    assert "There is nothing here" in page.text
    assert twin.json()["error"]["status"] == 404
    assert client.post("/health").status_code == 405


def test_a_defect_has_a_reference_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(worlds.company()) as client:
        monkeypatch.setattr("headway.project.pages.table._function", lambda place: 1 / 0)
        page, twin = client.get("/health"), client.get("/health.json")
    assert page.status_code == twin.status_code == 500
    reference = twin.json()["error"]["reference"]
    for text in (page.text, twin.text):
        assert "Traceback" not in text
        assert "ZeroDivisionError" not in text
        assert ".py" not in text
    assert reference in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_static_files_are_kept_for_a_year_under_their_digest_only(client: TestClient) -> None:
    for name, content in static_files().items():
        found = client.get(f"/static/{digest()}/{name}")
        assert found.content == content
        assert "immutable" in found.headers["cache-control"]
        assert found.headers["content-type"].split(";")[0] not in {"text/html", "application/octet-stream"}
    assert client.get("/static/000000000000/base.css").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "templates/base.html", "", "/etc/passwd"]
)
def test_nothing_beside_the_static_files_is_given(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{digest()}/{name}").status_code == 404


def test_large_answers_are_compressed_and_small_ones_are_not(client: TestClient) -> None:
    assert client.get("/health").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/none.json").headers


def test_a_theme_is_kept_and_leads_back_only_to_this_server(client: TestClient) -> None:
    def choose(referer: str) -> str:
        form = {"theme": "dark", "token": client.get("/api/me").json()["token"]}
        answer = client.post("/theme", data=form, headers={"referer": referer}, follow_redirects=False)
        assert answer.status_code == 303
        assert "headway_theme=dark" in answer.headers["set-cookie"]
        return answer.headers["location"]

    assert choose(f"{BASE}/health?x=1") == "/health?x=1"
    assert choose("https://attacker.example/health") == "/"
    assert choose(f"{BASE}//attacker.example") == "/"
    client.cookies.clear()


def test_a_newer_sync_is_followed_without_a_restart(tmp_path: Path) -> None:
    write_shop(tmp_path)
    Project.open(tmp_path).sync(evaluate=False)
    current = Current(lambda: Project.open(tmp_path), every=0)
    client = TestClient(create_app(current), base_url=BASE)
    before = client.get("/health.json")
    assert client.get("/health.json", headers={"if-none-match": before.headers["etag"]}).status_code == 304
    manifest = json.loads((tmp_path / "target" / "manifest.json").read_text())
    del manifest["nodes"]["model.shop.forgotten"]
    (tmp_path / "target" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "usage.csv").write_text(USAGE.replace("model.shop.forgotten", "model.shop.orders"))
    Project.open(tmp_path).sync(evaluate=False)
    after = client.get("/health.json", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["assets"] == before.json()["assets"] - 1


def test_a_store_that_goes_away_leaves_the_last_graph_in_view(tmp_path: Path) -> None:
    write_shop(tmp_path)
    Project.open(tmp_path).sync(evaluate=False)
    current = Current(lambda: Project.open(tmp_path), every=0)
    before = current.now()
    for file in (tmp_path / ".headway").iterdir():
        file.write_bytes(b"not a database")
    assert current.now().project.graph() is before.project.graph()


def test_links_of_an_earlier_day_lead_to_that_day(tmp_path: Path) -> None:
    write_shop(tmp_path)
    project = Project.open(tmp_path)
    earlier = dataclasses.replace(project, now=project.now - timedelta(days=3))
    earlier.sync(evaluate=False)
    day = earlier.now.date().isoformat()

    def today() -> Project:
        return dataclasses.replace(Project.open(tmp_path), as_of=project.now.date())

    with client_of_current(Current(today)) as client:
        page = client.get(f"/?at={day}").text
        assert "You are looking at" in page
        assert f'href="/objective/goal:objective.grow?at={day}"' in page
        assert f'href="/objectives.json?at={day}"' in page
        assert f'<input type="hidden" name="at" value="{day}">' in page
        assert 'href="/?at="' in page
        assert "You are looking at" not in client.get("/?at=").text
        assert client.get(f"/objectives.json?at={day}").json()["as_of"] == day
        assert client.get("/?at=1999-01-01").status_code == 400


def client_of_current(current: Current) -> TestClient:
    return TestClient(create_app(current), base_url=BASE, raise_server_exceptions=False)


def test_an_id_that_ends_like_a_twin_is_still_reached() -> None:
    graph = worlds.company().graph()
    node = graph.nodes[graph.index["goal:key_result.keep.nps"]]
    assert node.kind == "key_result"
    with client_of(worlds.company()) as client:
        assert client.get(f"/key-result/{node.id}.json").json()["title"] == "NPS after delivery"
        assert client.get(f"/key-result/{node.id}").headers["content-type"].startswith("text/html")
        missing = client.get("/key-result/none.json")
        assert (missing.status_code, missing.json()["error"]["status"]) == (404, 404)


def test_the_clock_and_the_settings_go_on_while_the_server_runs() -> None:
    first = worlds.company()
    opened = [first]
    current = Current(lambda: opened[-1], every=0, opened_every=0)
    before = current.now()
    assert current.now() is before
    opened.append(dataclasses.replace(first, now=first.now + timedelta(hours=2)).with_graph(first.graph()))
    later = current.now()
    assert later.project.now == first.now + timedelta(hours=2)
    assert later.project.graph() is first.graph()
    assert later.stamp != before.stamp
    config = dataclasses.replace(first.config, protected=("tag:keep",))
    opened.append(dataclasses.replace(opened[-1], config=config).with_graph(first.graph()))
    assert current.now().project.config.protected == ("tag:keep",)


def test_the_next_day_is_answered_for_without_a_sync(tmp_path: Path) -> None:
    write_shop(tmp_path)
    Project.open(tmp_path).sync(evaluate=False)
    day = [date(2026, 11, 22)]
    current = Current(lambda: Project.open(tmp_path, as_of=day[0]), every=0, opened_every=0)
    assert current.now().project.graph().as_of == day[0]
    day[0] += timedelta(days=1)
    assert current.now().project.graph().as_of == date(2026, 11, 23)
