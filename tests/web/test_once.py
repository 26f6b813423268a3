"""Idempotency-Key: a write that is sent again is done once and answered as it was."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_site import TOKENS, Site, site

from headway.project import once
from headway.project.ledger import entries

WISH = {"text": "orders by country"}


@pytest.fixture
def shop(tmp_path: Path) -> Site:
    return site(tmp_path, TOKENS)


def file(client: TestClient, key: str | None = "k1", body: dict[str, Any] | None = None) -> Any:
    headers = {"idempotency-key": key} if key is not None else {}
    return client.post("/api/requests", json=body or WISH, headers=headers)


def filed(shop: Site) -> int:
    return len(entries(shop.current.now().project, "request"))


def test_the_same_write_is_done_once_and_answered_as_it_was(shop: Site) -> None:
    client = shop.client("editor")
    first, second = file(client), file(client)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert filed(shop) == 1


def test_keys_may_stand_in_quotes_as_the_draft_has_them(shop: Site) -> None:
    client = shop.client("editor")
    assert file(client, '"k1"').json() == file(client, "k1").json()
    assert filed(shop) == 1


def test_another_request_under_the_key_is_refused(shop: Site) -> None:
    client = shop.client("editor")
    file(client)
    answer = file(client, body={"text": "returns by reason"})
    assert answer.status_code == 422
    assert "another request" in answer.json()["error"]["message"]
    assert client.post("/api/sync", json={}, headers={"idempotency-key": "k1"}).status_code in {403, 422}
    assert filed(shop) == 1


def test_nobody_meets_the_keys_of_somebody_else(shop: Site) -> None:
    file(shop.client("editor"))
    other = file(shop.client("admin"), body={"text": "returns by reason"})
    assert other.status_code == 201
    assert "idempotent-replayed" not in other.headers
    assert filed(shop) == 2


def test_without_a_key_everything_is_as_before(shop: Site) -> None:
    client = shop.client("editor")
    assert file(client, None).status_code == 201
    assert file(client, None).status_code == 400  # it is there already
    assert entries(shop.current.now().project, "once") == ()


def test_what_was_refused_is_answered_the_same(shop: Site) -> None:
    client = shop.client("editor")
    first = file(client, body={"text": "x", "key_result": "nonsense"})
    second = file(client, body={"text": "x", "key_result": "nonsense"})
    assert first.status_code == second.status_code == 404
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "\u00e9", '"', '""'])
def test_keys_that_cannot_be_are_refused_and_nothing_is_done(shop: Site, key: str) -> None:
    answer = shop.client("editor").post("/api/requests", json=WISH, headers=[("idempotency-key", key.encode("utf-8"))])
    assert answer.status_code == 400
    assert filed(shop) == 0


def test_who_may_not_write_leaves_nothing(shop: Site) -> None:
    assert file(shop.client("viewer")).status_code == 403
    assert file(shop.client()).status_code == 401
    assert entries(shop.current.now().project, "once") == ()


def test_a_defect_may_be_tried_again(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = shop.client("editor")
    with monkeypatch.context() as broken:
        broken.setattr("headway.project.requests.file", lambda *_, **__: 1 / 0)
        assert file(client).status_code == 500
    assert file(client).status_code == 201
    assert filed(shop) == 1


def test_those_that_are_sent_at_once_are_done_once(shop: Site) -> None:
    found: list[int] = []
    clients = [shop.client("editor") for _ in range(6)]
    threads = [threading.Thread(target=lambda c=c: found.append(file(c).status_code)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) <= {201, 409}
    assert 201 in found
    assert filed(shop) == 1


def test_a_key_is_forgotten_after_a_day(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = shop.client("editor")
    file(client)
    monkeypatch.setattr(once, "HELD", -timedelta(seconds=1))
    answer = file(client, body={"text": "returns by reason"})
    assert answer.status_code == 201
    assert filed(shop) == 2


def test_what_was_interrupted_says_so(shop: Site) -> None:
    project = shop.current.now().project
    subject = once.subject_of("token/editor-bot", "k1")
    print_ = once.fingerprint("POST", "/api/requests?", b'{"text":"orders by country"}')
    assert once.begin(project, subject, print_, by="editor-bot").state == "ours"
    answer = file(shop.client("editor"))
    assert answer.status_code == 409
    assert filed(shop) == 0


def test_an_answer_that_is_too_large_is_not_kept_and_not_done_again(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "LARGEST", 10)
    client = shop.client("editor")
    assert file(client).status_code == 201
    answer = file(client)
    assert answer.status_code == 409
    assert "too large" in answer.json()["error"]["message"]
    assert filed(shop) == 1


def test_neither_key_nor_body_is_kept(shop: Site) -> None:
    file(shop.client("editor"), "a-key-of-somebody", {"text": "orders by country", "decision": "whom to write to"})
    kept = [e for e in entries(shop.current.now().project, "once") if e.act == "begun"]
    assert [list(e.body) for e in kept] == [["print"]]
    assert "a-key-of-somebody" not in str(entries(shop.current.now().project, "once"))
    assert all(e.at > datetime.now(UTC) - timedelta(minutes=5) for e in kept)


def test_the_description_has_it_on_every_write(shop: Site) -> None:
    paths = shop.client("viewer").get("/api").json()["paths"]
    for methods in paths.values():
        for method, operation in methods.items():
            named = [p["name"] for p in operation.get("parameters", ())]
            assert ("Idempotency-Key" in named) == (method == "post")
