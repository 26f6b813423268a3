"""Events sent to the server as OpenLineage's clients send them, and read back by the connector."""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openlineage.client.event_v2")

import requests
from openlineage.client import OpenLineageClient
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport
from tests.connectors.openlineage.lineage_events import LITERAL, PG, lines, load_orders, loose, with_columns
from web_site import TOKENS, Site, running, site

from headway.connectors.openlineage.connector import OpenLineage
from headway.connectors.protocol import Context
from headway.errors import StoreError
from headway.graph.model import AnyRecord, Check, ColumnLineage, Node
from headway.project import Project, lineage_received
from shop import SETTINGS

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
LOAD = "openlineage:job.airflow/shop_load.orders"


@pytest.fixture
def shop(tmp_path: Path) -> Site:
    return site(tmp_path, sync=False)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(tmp_path_factory.mktemp("guarded"), TOKENS)


@pytest.fixture
def port(shop: Site) -> Iterator[int]:
    with running(shop.app) as port:
        yield port


def received(folder: Path) -> list[AnyRecord]:
    return list(OpenLineage({"path": "received"}, Context(root=str(folder), now=NOW)).records())


def written(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / ".headway/openlineage").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def event(**more: Any) -> dict[str, Any]:
    return loose(**more)


# --- The official client --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_the_official_client_sends_events_to_a_real_server(
    shop: Site, port: int, compression: HttpCompression | None
) -> None:
    config = HttpConfig(f"http://127.0.0.1:{port}", compression=compression)
    client = OpenLineageClient(transport=HttpTransport(config))
    client.emit(load_orders(1, 2, "START"))
    client.emit(load_orders(1, 1.9, "FAIL", outputs=[with_columns()]))
    client.close()
    found = received(shop.folder)
    assert LOAD in {r.id for r in found if isinstance(r, Node)}
    assert [(c.node, c.status) for c in found if isinstance(c, Check)] == [(LOAD, "error")]
    lineage = next(r for r in found if isinstance(r, ColumnLineage))
    assert set(lineage.columns) == {"id", "amount"}


def test_a_client_that_only_knows_the_address_sends_to_a_local_server(
    shop: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{port}")
    client = OpenLineageClient()
    client.emit(load_orders())
    client.close()
    assert LOAD in {r.id for r in received(shop.folder) if isinstance(r, Node)}


DOCS = Path(__file__).resolve().parents[2] / "docs/openlineage.md"


def test_the_program_that_the_docs_show_sends_its_event(shop: Site, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{port}")
    [program] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    exec(compile(program, "docs/openlineage.md", "exec"), {})
    assert [one["job"]["name"] for one in written(shop.folder)] == ["crm.accounts"]


def test_the_configuration_that_the_docs_show_is_one_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml
    from openlineage.client.transport import get_default_factory

    shown = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    known = [yaml.safe_load(text)["transport"] for text in shown if "transport:" in text]
    assert [one["type"] for one in known] == ["file", "http"]
    spark = dict(re.findall(r"spark\.openlineage\.transport\.(\S+?)=(\S+)", DOCS.read_text()))
    assert set(spark) == {"type", "url", "auth.type", "auth.apiKey"}
    airflow = json.loads(re.findall(r"^transport = (.*)$", DOCS.read_text(), re.MULTILINE)[0])
    for config in (*known, airflow):
        made = get_default_factory().create(dict(config))
        assert made.kind == config["type"]
        if config["type"] == "http":
            assert isinstance(made, HttpTransport)
            assert made.config.auth.get_bearer() == "Bearer headway_..."


def test_with_tokens_the_official_client_sends_one(guarded: Site) -> None:
    with running(guarded.app) as port:
        for role, allowed in (("editor", True), ("viewer", False)):
            auth = ApiKeyTokenProvider({"apiKey": guarded.tokens[role]})
            retry = {"total": 0}
            client = OpenLineageClient(
                transport=HttpTransport(HttpConfig(f"http://127.0.0.1:{port}", auth=auth, retry=retry))
            )
            if allowed:
                client.emit(load_orders())
            else:
                with pytest.raises(requests.HTTPError, match="403"):
                    client.emit(load_orders(2, 1))
            client.close()
        assert requests.post(f"http://127.0.0.1:{port}/api/v1/lineage", json=event(), timeout=10).status_code == 401
    assert len(written(guarded.folder)) == 1


def test_what_was_received_joins_the_dag_at_the_next_sync(tmp_path: Path) -> None:
    extra = "connectors:\n  - {name: openlineage, path: received}\n"
    shop = site(tmp_path, settings=SETTINGS + extra)
    body = event(eventTime="2026-11-21T05:00:00Z")
    assert shop.client().post("/api/v1/lineage", json=body).status_code == 201
    Project.open(tmp_path).sync(evaluate=False)
    answer = shop.client().get("/api/questions/why", params={"asset": "shop_load.orders"}).json()
    assert "serves 1 objective: Grow sales" in answer["headline"]
    page = shop.client().get(f"/asset/{LOAD}")
    assert page.status_code == 200
    assert "shop_load.orders" in page.text


# --- What is written down -------------------------------------------------------------------------------------------


def test_only_what_is_read_reaches_the_disk(shop: Site) -> None:
    sent = lines(load_orders(1, 1, "FAIL", outputs=[with_columns()]))
    assert LITERAL in sent
    headers = {"content-type": "application/json"}
    assert shop.client().post("/api/v1/lineage", content=sent, headers=headers).status_code == 201
    kept = json.dumps(written(shop.folder))
    assert LITERAL not in kept
    assert "insert into" not in kept
    assert "zoe" not in kept  # a team answers for it; the person beside it is nobody's business
    [one] = written(shop.folder)
    assert set(one) == {"eventTime", "eventType", "producer", "run", "job", "inputs", "outputs"}
    assert set(one["job"]["facets"]) == {"jobType", "ownership", "documentation", "sourceCodeLocation", "tags"}


def test_what_is_read_from_a_file_and_what_was_sent_say_the_same(shop: Site, tmp_path: Path) -> None:
    from tests.connectors.openlineage.lineage_events import everything

    events = everything()
    (tmp_path / "events.jsonl").write_text(lines(*events))
    said = shop.client().post("/api/v1/lineage/batch", json=[json.loads(lines(e)) for e in events])
    assert said.json() == {
        "status": "success",
        "summary": {"received": len(events), "successful": len(events), "failed": 0},
        "failed_events": [],
    }
    file = OpenLineage({"path": "events.jsonl"}, Context(root=str(tmp_path), now=NOW))
    assert list(file.records()) == received(shop.folder)


def test_of_a_batch_what_is_no_event_is_refused_by_its_position(shop: Site) -> None:
    said = shop.client().post("/api/v1/lineage/batch", json=[event(), {"a": 1}, 7, event()])
    assert said.status_code == 201
    body = said.json()
    assert (body["status"], body["summary"]["successful"]) == ("partial_success", 2)
    assert [one["index"] for one in body["failed_events"]] == [1, 2]
    assert len(written(shop.folder)) == 2
    assert shop.client().post("/api/v1/lineage/batch", json=[{"a": 1}]).status_code == 422
    assert shop.client().post("/api/v1/lineage/batch", json=[]).status_code == 201


def test_many_writers_at_once_lose_nothing(shop: Site) -> None:
    def send(number: int) -> None:
        for i in range(10):
            body = event(run={"runId": f"{number}-{i}"})
            assert shop.client().post("/api/v1/lineage", json=body).status_code == 201

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one["run"]["runId"] for one in written(shop.folder)}) == 40


def test_a_line_that_a_crash_cut_short_does_not_swallow_the_next_event(shop: Site) -> None:
    shop.client().post("/api/v1/lineage", json=event())
    [file] = (shop.folder / ".headway/openlineage").glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-30])
    shop.client().post("/api/v1/lineage", json=event(eventTime="2026-11-22T06:30:00Z"))
    assert LOAD in {r.id for r in received(shop.folder) if isinstance(r, Node)}
    assert len(file.read_text().splitlines()) == 2


def test_a_disk_that_refuses_is_told_of_and_leaves_nothing_half_written(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.client().post("/api/v1/lineage", json=event())
    before = written(shop.folder)

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    said = shop.client().post("/api/v1/lineage", json=event())
    assert said.status_code == 503
    assert str(shop.folder) not in said.text
    monkeypatch.undo()
    assert written(shop.folder) == before


def test_a_day_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage_received, "LARGEST_DAY", 1_500)
    body = json.dumps(event()).encode()
    lineage_received.take(tmp_path, body, NOW)
    with pytest.raises(StoreError, match="came today"):
        lineage_received.take(tmp_path, body, NOW)
    assert len(written(tmp_path)) == 1


# --- Hostile --------------------------------------------------------------------------------------------------------


JSON = {"content-type": "application/json"}
PACKED = {**JSON, "content-encoding": "gzip"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 422),
        (b"not json", JSON, 422),
        (b"\xff\xfe", JSON, 422),
        (b"[]", JSON, 422),
        (b"{}", JSON, 422),
        (b'{"eventTime": "yesterday", "job": {"namespace": "a", "name": "b"}}', JSON, 422),
        (b'{"eventTime": "2026-11-22T00:00:00Z", "job": {"namespace": 1, "name": "b"}}', JSON, 422),
        (b'{"eventTime": "2026-11-22T00:00:00Z"}', JSON, 422),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON, 422),
        (b"{" + b" " * 17_000_000 + b"}", JSON, 413),
        (gzip.compress(b" " * 20_000_000), PACKED, 413),
        (b"no gzip", PACKED, 413),
        (gzip.compress(b"{}")[:-6], PACKED, 413),
        (b"{}", {"content-type": "text/plain"}, 403),
        (b"a=1", {"content-type": "application/x-www-form-urlencoded"}, 403),
        (b"{}", {**JSON, "content-encoding": "br"}, 415),
    ],
)
def test_what_is_no_event_is_refused_and_nothing_is_written(
    shop: Site, body: bytes, headers: dict[str, str], status: int
) -> None:
    said = shop.client().post("/api/v1/lineage", content=body, headers=headers)
    assert said.status_code == status, said.text
    assert said.json()["error"]["message"]
    assert not (shop.folder / ".headway/openlineage").exists()


def test_names_are_data_and_never_paths(shop: Site) -> None:
    body = event(job={"namespace": "../../etc", "name": "/etc/passwd\x00\u202e\n"})
    assert shop.client().post("/api/v1/lineage", json=body).status_code == 201
    files = {p.name for p in (shop.folder / ".headway/openlineage").iterdir()}
    assert files == {f"{datetime.now(UTC):%Y-%m-%d}.jsonl", "writing.lock"}
    assert len(written(shop.folder)) == 1


def test_a_name_without_end_is_refused(shop: Site) -> None:
    body = event(job={"namespace": "a", "name": "x" * 5_000})
    assert shop.client().post("/api/v1/lineage", json=body).status_code == 422


def test_a_page_of_another_site_cannot_send_events_through_a_browser(shop: Site) -> None:
    client = shop.client()
    for headers in (
        {"origin": "https://evil.example", **JSON},
        {"sec-fetch-site": "cross-site", **JSON},
        {"origin": "http://127.0.0.1:8484", "content-type": "text/plain"},
    ):
        assert client.post("/api/v1/lineage", content=json.dumps(event()), headers=headers).status_code == 403
    assert client.options("/api/v1/lineage").status_code in {404, 405}
    # What sends no form is only excused here, not for other writes.
    assert client.post("/api/sync", headers=JSON).status_code == 403


def test_a_login_in_a_namespace_does_not_reach_the_disk(shop: Site) -> None:
    body = event(outputs=[{"namespace": PG.replace("//", "//app:hunter2@"), "name": "wh.raw.raw_orders"}])
    shop.client().post("/api/v1/lineage", json=body)
    assert "hunter2" not in json.dumps(written(shop.folder))
