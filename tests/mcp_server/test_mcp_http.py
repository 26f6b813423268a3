"""The server over HTTP: several clients at once, and nobody who has no business there."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from headway.cli.main import run as headway
from headway.config import Role
from headway.project import Project, tokens
from headway.questions.registry import questions
from headway.render import as_json
from shop import SETTINGS, write_shop

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CallToolResult

GUARDED = SETTINGS + "serve: {auth: [tokens], url: 'https://headway.example.com'}\n"
FIRST = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}
ACCEPTED = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[str]:
    """The address of `headway mcp --http` in a folder; ended afterwards."""
    command = [sys.executable, "-m", "headway", "mcp", "--http", "0", "--project-dir", str(folder), *more]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    try:
        assert server.stderr
        found = re.search(r"http://\S+", server.stderr.readline())
        assert found
        yield found.group()
    finally:
        server.terminate()
        out, _ = server.communicate(timeout=20)
    assert out == ""


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A shop that is served to this machine, reading only."""
    folder = write_shop(tmp_path_factory.mktemp("open"))
    with serving(folder) as address:
        yield folder, address


@pytest.fixture(scope="module")
def guarded_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A shop that is served to whoever has a token, writing allowed."""
    folder = write_shop(tmp_path_factory.mktemp("guarded"), settings=GUARDED)
    Project.open(folder).sync(evaluate=False)
    with serving(folder, "--allow-writes") as address:
        yield folder, address


def asked(address: str, ask: Callable[[Client], Awaitable[Any]], *, token: str = "", mode: str = "auto") -> Any:
    """What a function gets out of a client."""

    async def run() -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with anyio.fail_after(60):
            async with create_mcp_http_client(headers) as over:
                transport = streamable_http_client(address, http_client=over)
                async with Client(transport, mode=mode) as client:  # type: ignore[arg-type]
                    return await ask(client)

    return anyio.run(run)


def posted(address: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, str]:
    """Status and body of a bare request to begin a session; None as a header's value leaves it out."""
    host, port, path = re.fullmatch(r"http://([^:]+):(\d+)(/.*)", address).groups()  # type: ignore[union-attr]
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.request("POST", path, body or json.dumps(FIRST).encode(), {**ACCEPTED, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read(2_000).decode()
    finally:
        connection.close()


def port_of(address: str) -> str:
    """The port of an address."""
    return address.rpartition(":")[2].partition("/")[0]


# ---------------------------------------------------------------------- this machine


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_the_questions_and_answer_like_the_command_line(open_shop: tuple[Path, str], mode: str) -> None:
    folder, address = open_shop

    async def ask(client: Client) -> Any:
        return (await client.list_tools()).tools, await client.call_tool("why", {"asset": "orders"})

    tools, why = asked(address, ask, mode=mode)
    assert {t.name for t in tools} == set(questions())
    found = dict(why.structured_content)
    found.pop("page")
    assert found == as_json.document(Project.open(folder).ask("why", asset="orders"))


def test_two_clients_at_once_each_get_their_own_answers(open_shop: tuple[Path, str]) -> None:
    _, address = open_shop

    async def run() -> dict[str, list[str]]:
        got: dict[str, list[str]] = {"orders": [], "sales_board": []}

        async def one(asset: str, mode: str) -> None:
            async with Client(address, mode=mode) as client:  # type: ignore[arg-type]
                for _ in range(10):
                    got[asset].append((await client.call_tool("why", {"asset": asset})).structured_content["headline"])

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(one, "orders", "legacy")
                group.start_soon(one, "sales_board", "auto")
        return got

    for asset, headlines in anyio.run(run).items():
        assert len(headlines) == 10
        assert all(headline.startswith(asset) or "Sales board" in headline for headline in headlines), asset


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_this_machine_is_answered_by_its_names(open_shop: tuple[Path, str], name: str) -> None:
    _, address = open_shop
    own = f"{name}:{port_of(address)}"
    assert posted(address, {"host": own})[0] == 200
    assert posted(address, {"host": own, "origin": f"http://{own}"})[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "localhost:1"}, 421),
        ({"host": "localhost.evil.example:{port}"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": "null"}, 403),
        ({"x-forwarded-for": "10.0.0.1"}, 403),
        ({"content-type": "text/plain"}, 400),
    ],
)
@pytest.mark.parametrize("version", ["", "2026-07-28"])
def test_a_page_elsewhere_and_a_proxy_are_refused(
    open_shop: tuple[Path, str], headers: dict[str, str], status: int, version: str
) -> None:
    _, address = open_shop
    said = {name: value.replace("{port}", port_of(address)) for name, value in headers.items()}
    extra = {"mcp-protocol-version": version} if version else {}
    answered, body = posted(address, said | extra)
    assert answered == status
    assert "headway" not in body.lower().replace("this server is", "")


def test_a_body_that_is_too_large_is_refused(open_shop: tuple[Path, str]) -> None:
    _, address = open_shop
    assert posted(address, {}, b'{"x": "' + b"y" * 2_000_000 + b'"}')[0] == 413


@pytest.mark.parametrize("arguments", [("--http", "0", "--host", "0.0.0.0"), ("--host", "127.0.0.1")])
def test_an_address_that_cannot_be_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    folder = write_shop(tmp_path)
    assert headway(["mcp", "--project-dir", str(folder), *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert len(shown.err.splitlines()) == 1


def test_a_port_that_is_taken_is_one_sentence(open_shop: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder, address = open_shop
    assert headway(["mcp", "--project-dir", str(folder), "--http", port_of(address)]) == 2
    assert "cannot be used" in capsys.readouterr().err


# ---------------------------------------------------------------------- whoever has a token


def token(folder: Path, name: str, role: Role, teams: tuple[str, ...] = ()) -> str:
    """A new token of a project."""
    return tokens.make(folder, name, role, teams=teams, now=datetime.now(UTC))[0]


def test_without_a_token_that_holds_nothing_is_answered(guarded_shop: tuple[Path, str]) -> None:
    folder, address = guarded_shop
    text = token(folder, "short", "viewer")
    bearer = {"authorization": f"Bearer {text}"}
    assert posted(address, {})[0] == 401
    assert posted(address, {"authorization": "Bearer headway_000000000000_" + "x" * 43})[0] == 401
    assert posted(address, {"authorization": f"Basic {text}"})[0] == 401
    assert posted(address, bearer)[0] == 200
    # Behind a proxy it is known by the name that people type.
    assert posted(address, {**bearer, "host": "headway.example.com", "x-forwarded-for": "10.0.0.1"})[0] == 200
    assert posted(address, {**bearer, "host": "evil.example"})[0] == 421
    tokens.revoke(folder, "short")
    assert posted(address, bearer)[0] == 401


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_role_says_what_may_be_called_and_a_token_signs(guarded_shop: tuple[Path, str], mode: str) -> None:
    folder, address = guarded_shop
    request = {"text": f"orders by week, {mode}", "anyway": True}
    note = {"key_result": "revenue", "note": "looks fine"}

    async def ask(client: Client) -> list[CallToolResult]:
        return [
            await client.call_tool("why", {"asset": "orders"}),
            await client.call_tool("drivers", {"key_result": "revenue", "tree": True}),
            await client.call_tool("file-request", request),
            await client.call_tool("check-in", note),
        ]

    def results(role: Role, *teams: str) -> list[CallToolResult]:
        name = f"{role}-{mode}-{len(teams)}"
        found: list[CallToolResult] = asked(address, ask, token=token(folder, name, role, teams), mode=mode)
        return found

    assert [r.is_error for r in results("viewer")] == [False, True, True, True]
    stakeholder = results("stakeholder")
    assert [r.is_error for r in stakeholder] == [False, True, False, True]
    assert stakeholder[2].structured_content["request"]["by"] == f"stakeholder-{mode}-0"
    assert "this needs the role editor" in stakeholder[3].content[0].text  # type: ignore[union-attr]
    editor = results("editor")
    assert [r.is_error for r in editor] == [False, False, False, True]
    assert "another team" in editor[3].content[0].text  # type: ignore[union-attr]
    assert [r.is_error for r in results("editor", "Sales-Team")] == [False, False, False, False]
    assert results("admin")[3].structured_content["entries"][0]["by"] == f"admin-{mode}-0"


def test_a_session_belongs_to_the_token_that_began_it(guarded_shop: tuple[Path, str]) -> None:
    folder, address = guarded_shop
    mine, theirs = (token(folder, f"session-{name}", "viewer") for name in ("mine", "theirs"))
    host, port, path = re.fullmatch(r"http://([^:]+):(\d+)(/.*)", address).groups()  # type: ignore[union-attr]
    listing = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}).encode()

    def send(body: bytes, given: str, session: str = "") -> tuple[int, str]:
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        extra = {"mcp-session-id": session, "mcp-protocol-version": "2025-06-18"} if session else {}
        connection.request("POST", path, body, {**ACCEPTED, "authorization": f"Bearer {given}", **extra})
        answer = connection.getresponse()
        answer.read(100)
        found = answer.status, answer.getheader("mcp-session-id") or ""
        connection.close()
        return found

    status, session = send(json.dumps(FIRST).encode(), mine)
    assert (status, bool(session)) == (200, True)
    assert send(listing, theirs, session)[0] == 404
    assert send(listing, mine, session)[0] == 200


def test_where_files_lie_is_not_told_to_others(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop", settings=GUARDED)
    (folder / "goals.yml").write_text("version: 1\nobjectives: [{id: x, titel: 3}]\n")

    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool("goals", {})

    with serving(folder) as address:
        found = asked(address, ask, token=token(folder, "far", "viewer"))
    assert found.is_error
    assert str(tmp_path) not in found.content[0].text
