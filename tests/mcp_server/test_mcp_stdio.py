"""The server as an editor starts it: a process, spoken to on stdin and stdout by the protocol's own client."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import pytest

from headway.cli.mcp_server import mcp
from headway.connectors.goals.schema import json_schema
from headway.project import Project
from headway.questions.registry import questions
from headway.render import as_json
from shop import GOALS, manifest, write_shop

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import Client, MCPError, StdioServerParameters
from mcp_types import CallToolResult

from headway.mcp_server.caller import Caller
from headway.mcp_server.over_http import PATH
from headway.mcp_server.served import Served
from headway.mcp_server.server import create_server
from headway.web.current import Current

WRITES = {"decide", "check-in", "file-request"}
ENVIRONMENT = {**os.environ, "LOGNAME": "ana"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop")


def asked(
    folder: Path, ask: Callable[[Client], Awaitable[Any]], *more: str, mode: str = "auto", script: str = ""
) -> Any:
    """What a function gets out of a client of `headway mcp` in a folder."""
    command = ["-c", script] if script else ["-m", "headway"]
    arguments = [*command, "mcp", "--project-dir", str(folder), *more]

    async def run() -> Any:
        started = StdioServerParameters(command=sys.executable, args=arguments, env=ENVIRONMENT)
        with anyio.fail_after(60):
            async with Client(started, mode=mode) as client:  # type: ignore[arg-type]
                return await ask(client)

    return anyio.run(run)


def direct(folder: Path, ask: Callable[[Client], Awaitable[Any]], *, writes: bool = False, **options: Any) -> Any:
    """What a function gets out of a client of the same server in this process."""
    served = Served(lambda: Current(lambda: Project.open(folder, **options)))
    server = create_server(served, Caller("ana"), writes=writes)

    async def run() -> Any:
        with anyio.fail_after(60):
            async with Client(server) as client:
                return await ask(client)

    return anyio.run(run)


def called(folder: Path, name: str, arguments: dict[str, Any] | None = None, *, writes: bool = False) -> CallToolResult:
    """The result of one tool, in this process."""

    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool(name, arguments or {})

    found: CallToolResult = direct(folder, ask, writes=writes)
    return found


def said(result: CallToolResult) -> str:
    """The text of a result."""
    assert len(result.content) == 1
    text: str = result.content[0].text  # type: ignore[union-attr]
    return text


def refused(result: CallToolResult) -> str:
    """The one sentence of a result that is an error."""
    text = said(result)
    assert result.is_error
    assert result.structured_content is None
    assert "\n" not in text
    assert "Traceback" not in text
    return text


# ---------------------------------------------------------------------- what there is


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_question_is_a_tool_that_only_reads_and_nothing_else_is(shop: Path, mode: str) -> None:
    async def ask(client: Client) -> Any:
        return client.server_info, client.instructions, (await client.list_tools()).tools

    info, instructions, tools = asked(shop, ask, mode=mode)
    assert info.name == "headway"
    assert "`why`" in instructions
    assert {t.name for t in tools} == set(questions())
    for tool in tools:
        question = questions()[tool.name]
        assert tool.annotations.read_only_hint is True
        assert tool.description.startswith(question.doc)
        schema = tool.input_schema
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert set(schema["properties"]) == {*question.parameters, "limit", "offset"}
        assert set(schema.get("required", ())) == {p.name for p in question.parameters.values() if p.required}
        for parameter in question.parameters.values():
            assert schema["properties"][parameter.name]["description"].startswith(parameter.says.help)
    assert {t.name for t in tools if t.annotations.open_world_hint} == {"drivers"}


def test_resources_are_the_objectives_and_the_schemas(shop: Path) -> None:
    async def ask(client: Client) -> dict[str, Any]:
        listed = (await client.list_resources()).resources
        return {str(r.uri): json.loads((await client.read_resource(r.uri)).contents[0].text) for r in listed}  # type: ignore[union-attr]

    found = direct(shop, ask)
    assert set(found) == {"headway://objectives", "headway://schema/goals", "headway://schema/answer"}
    assert [row["key_result"] for row in found["headway://objectives"]["rows"]] == [
        row["key_result"] for row in as_json.document(Project.open(shop).ask("goals"))["rows"]
    ]
    assert found["headway://schema/goals"] == json_schema()
    assert found["headway://schema/answer"] == as_json.schema()


# ---------------------------------------------------------------------- asking


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("why", {"asset": "orders"}), ("orphans", {}), ("summary", {}), ("cost", {"by": "owner", "days": 7})],
)
def test_an_answer_is_that_of_the_command_line(shop: Path, name: str, arguments: dict[str, Any]) -> None:
    result = called(shop, name, arguments)
    assert not result.is_error
    found = dict(result.structured_content)
    assert found.pop("page")["next_offset"] is None
    expected = Project.open(shop).ask(name, **arguments)
    assert found == as_json.document(expected)
    assert said(result).startswith(expected.headline)


def test_the_text_alone_says_which_goal_a_model_serves_and_by_which_path(shop: Path) -> None:
    text = said(called(shop, "why", {"asset": "orders"}))
    assert "Grow sales" in text
    assert "orders [model] -> revenue [metric]" in text


def test_pages_and_values_that_were_written_as_text_or_null(shop: Path) -> None:
    result = called(shop, "cost", {"days": "30", "limit": 1, "offset": "1", "unit": None})
    found = result.structured_content
    assert len(found["rows"]) == 1
    assert found["rows"] == as_json.document(Project.open(shop).ask("cost"))["rows"][1:2]


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("why", {"asset": "ordrs"}, "there is no asset called 'ordrs' (did you mean orders?)"),
        ("why", {}, "why cannot be called like this: asset is missing"),
        ("why", {"asset": ["orders"]}, "asset: expected str, got array"),
        ("why", {"asset": "x" * 501}, "asset: expected str of length <= 500"),
        ("why", {"asset": "orders", "limt": 3}, "why takes no limt (did you mean limit?)"),
        ("orphans", {"limit": 0}, "limit: expected int >= 1"),
        ("orphans", {"limit": 201}, "limit: expected int <= 200"),
        ("orphans", {"offset": 10**30}, "offset"),
        ("usage", {"asset": "orders", "per": "year"}, "One of week, day"),
        ("diff", {"earlier": "yesterday"}, "earlier: "),
        ("orphans", {"select": "path:[" + "(" * 300}, ""),
        ("without", {"objective": "grwo"}, "did you mean"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(shop: Path, name: str, arguments: dict[str, Any], sentence: str) -> None:
    result = called(shop, name, arguments)
    if sentence:
        assert sentence in refused(result)
    elif result.is_error:
        refused(result)


def test_a_tool_or_resource_that_there_is_none_of_is_an_error_of_the_protocol(shop: Path) -> None:
    async def ask(client: Client) -> list[str]:
        found = []
        for wrong in (lambda: client.call_tool("whyy", {}), lambda: client.read_resource("headway://goal")):
            with pytest.raises(MCPError) as caught:
                await wrong()
            found.append(str(caught.value))
        assert not (await client.call_tool("orphans", {})).is_error
        return found

    tool, resource = direct(shop, ask)
    assert "there is no tool called 'whyy' (did you mean why?)" in tool
    assert "there is no resource called 'headway://goal'" in resource


# ---------------------------------------------------------------------- projects that are broken, or change


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("target/manifest.json", b'{"metadata": {"dbt_sch', "manifest.json"),
        ("target/manifest.json", b"\x00\xff\xfe binary", "manifest.json"),
        ("goals.yml", b"version: 1\nobjectives: [{id: x, titel: 3}, {}]\n", "goals.yml:2"),
        ("headway.yml", b"projct: shop\n", "headway.yml:1"),
        ("headway.yml", b"\xff\xfe\x00", "headway.yml"),
    ],
)
def test_a_broken_project_is_one_sentence_and_answers_once_it_is_mended(
    shop: Path, file: str, content: bytes, sentence: str
) -> None:
    good = (shop / file).read_bytes()
    (shop / file).write_bytes(content)

    async def ask(client: Client) -> list[CallToolResult]:
        broken = await client.call_tool("orphans", {})
        (shop / file).write_bytes(good)
        return [broken, await client.call_tool("orphans", {})]

    broken, mended = direct(shop, ask)
    assert sentence in refused(broken)
    assert not mended.is_error


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert "there is no folder" in refused(called(tmp_path / "gone", "summary"))


async def until(client: Client, name: str, arguments: dict[str, Any], holds: Callable[[CallToolResult], bool]) -> None:
    """Ask again until something holds; the caller's time limit ends it."""
    while not holds(await client.call_tool(name, arguments)):
        await anyio.sleep(0.2)


def test_a_model_that_was_added_is_seen_without_a_store(shop: Path) -> None:
    async def ask(client: Client) -> None:
        assert (await client.call_tool("why", {"asset": "fresh"})).is_error
        made = manifest()
        made["nodes"]["model.shop.fresh"] = {
            **made["nodes"]["model.shop.forgotten"],
            "unique_id": "model.shop.fresh",
            "name": "fresh",
        }
        (shop / "target/manifest.json").write_text(json.dumps(made))
        await until(client, "why", {"asset": "fresh"}, lambda r: not r.is_error)

    direct(shop, ask)


def test_a_newer_sync_is_followed(shop: Path) -> None:
    Project.open(shop).sync(evaluate=False)

    async def ask(client: Client) -> None:
        first = await client.call_tool("goals", {})
        assert "Grow sales" in json.dumps(first.structured_content)
        (shop / "goals.yml").write_text(GOALS.replace("Grow sales", "Sell more"))
        # Files alone change nothing where there is a store.
        assert "Grow sales" in json.dumps((await client.call_tool("goals", {})).structured_content)
        await anyio.to_thread.run_sync(lambda: Project.open(shop).sync(evaluate=False))
        await until(client, "goals", {}, lambda r: "Sell more" in json.dumps(r.structured_content))

    asked(shop, ask)


# ---------------------------------------------------------------------- the wire


def test_stdout_is_the_protocol_alone_and_a_broken_line_ends_nothing(shop: Path) -> None:
    first = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": first}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        "this is no JSON {",
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "summary"}}),
    ]
    command = [sys.executable, "-m", "headway", "mcp", "--project-dir", str(shop)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, env=ENVIRONMENT) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write("\n".join(lines) + "\n")
        server.stdin.flush()
        answers = []
        while not any(a.get("id") == 2 for a in answers):
            answers.append(json.loads(server.stdout.readline()))
        server.stdin.close()
        rest = server.stdout.read()
        assert server.wait(20) == 0
    assert all(a["jsonrpc"] == "2.0" for a in answers)
    assert [json.loads(line)["jsonrpc"] for line in rest.splitlines()] == ["2.0"] * len(rest.splitlines())
    answered = next(a for a in answers if a.get("id") == 2)["result"]
    assert answered["structuredContent"]["question"] == "summary"


def test_a_message_that_is_too_long_is_not_kept_and_the_next_is_answered(shop: Path) -> None:
    command = [sys.executable, "-m", "headway", "mcp", "--project-dir", str(shop)]
    ping = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"})
    ran = subprocess.run(
        command, check=True, input=f"{'x' * 9_000_000}\n{ping}\n", capture_output=True, text=True, timeout=60
    )
    assert [json.loads(line)["id"] for line in ran.stdout.splitlines()][-1] == 7


def test_an_interrupt_ends_it_at_once_without_a_traceback(shop: Path) -> None:
    command = [sys.executable, "-m", "headway", "mcp", "--project-dir", str(shop)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"}) + "\n")
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["id"] == 7
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 130
        assert server.stderr
        assert server.stderr.read().strip() == "Interrupted; nothing was left half-written."


SLOW = textwrap.dedent(
    """
    import sys, threading, time
    from headway.answer import Answer
    from headway.questions.registry import question, questions

    ended = threading.Event()

    def slow(graph):
        '''Takes its time, and writes where nothing should.'''
        print("stray output")
        time.sleep(3)
        ended.set()
        return Answer(question="slow", code="HW998", headline="Done.", as_of=graph.as_of)

    def defect(graph):
        '''Has one.'''
        raise RuntimeError("secret of the code")

    questions()
    question("HW998")(slow)
    question("HW999")(defect)
    from headway.cli.main import run
    sys.exit(run(sys.argv[1:]))
    """
)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_call_that_is_cancelled_is_left_and_others_are_answered_meanwhile(shop: Path, mode: str) -> None:
    async def ask(client: Client) -> float:
        await client.call_tool("orphans", {})
        began = time.monotonic()
        with anyio.move_on_after(0.3):
            await client.call_tool("slow", {})
            pytest.fail("it should have been cancelled")
        assert not (await client.call_tool("orphans", {})).is_error
        return time.monotonic() - began

    assert asked(shop, ask, mode=mode, script=SLOW) < 2.5


def test_a_slow_question_holds_up_no_other_and_stray_output_is_no_part_of_the_answer(shop: Path) -> None:
    async def ask(client: Client) -> list[str]:
        order: list[str] = []

        async def one(name: str) -> None:
            assert not (await client.call_tool(name, {})).is_error
            order.append(name)

        async with anyio.create_task_group() as group:
            group.start_soon(one, "slow")
            await anyio.sleep(0.2)
            group.start_soon(one, "orphans")
        return order

    assert asked(shop, ask, script=SLOW) == ["orphans", "slow"]


def test_a_defect_is_a_reference_and_never_what_the_code_said(shop: Path) -> None:
    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool("defect", {})

    sentence = refused(asked(shop, ask, script=SLOW))
    assert "secret" not in sentence
    assert "the server's log says why under" in sentence


# ---------------------------------------------------------------------- writing


def test_tools_that_write_are_there_only_when_they_are_allowed(shop: Path) -> None:
    async def ask(client: Client) -> Any:
        return {t.name: t for t in (await client.list_tools()).tools}

    tools = asked(shop, ask, "--allow-writes")
    assert set(tools) == {*questions(), *WRITES}
    assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == WRITES

    async def write(client: Client) -> None:
        for name in WRITES:
            with pytest.raises(MCPError, match="there is no tool called"):
                await client.call_tool(name, {})

    asked(shop, write)
    assert not (shop / ".headway").exists()


def test_what_is_written_is_signed_kept_and_seen_by_the_next_question(shop: Path) -> None:
    Project.open(shop).sync(evaluate=False)

    async def ask(client: Client) -> list[CallToolResult]:
        before = await client.call_tool("triage", {})
        row = next(r for r in before.structured_content["rows"] if r["node"] == "dbt:model.shop.forgotten")
        kept = {"act": "keep", "findings": [row["finding"]], "reason": "the auditor reads it"}
        return [
            before,
            await client.call_tool("decide", kept),
            await client.call_tool("triage", {}),
            await client.call_tool(
                "check-in", {"key_result": "revenue", "note": "looks fine", "confidence": "on_pace"}
            ),
            await client.call_tool("file-request", {"text": "orders by week", "key_result": "revenue"}),
            await client.call_tool("requests", {}),
        ]

    before, decided, after, checked, filed, requests = asked(shop, ask, "--allow-writes", "--by", "growth-team")
    assert decided.structured_content["entries"][0]["by"] == "growth-team"
    assert len(after.structured_content["rows"]) == len(before.structured_content["rows"]) - 1
    assert checked.structured_content["entries"][0]["subject"] == "goal:key_result.grow.revenue"
    assert filed.structured_content["request"]["by"] == "growth-team"
    assert filed.structured_content["advice"]["verdict"] in said(filed)
    assert "orders by week" in json.dumps(requests.structured_content)


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("decide", {"act": "keep", "findings": ["forgotten"]}, "whoever keeps something says why"),
        ("decide", {"act": "snooze", "findings": ["forgotten"]}, "snooze needs until"),
        ("decide", {"act": "assign", "findings": ["forgotten"]}, "assign needs to"),
        ("decide", {"act": "link", "findings": ["forgotten"]}, "link needs key_result"),
        ("decide", {"act": "keep", "findings": ["forgotten"], "to": "ana"}, "keep takes no to"),
        ("decide", {"act": "drop", "findings": ["forgotten"]}, "act: invalid enum value 'drop'"),
        ("decide", {"act": "keep", "findings": [], "reason": "r"}, "findings: "),
        ("decide", {"act": "keep", "findings": ["forgotten"], "reason": "r", "by": "ceo"}, "decide takes no by"),
        ("check-in", {"key_result": "revenu", "note": "x"}, "revenu"),
        ("check-in", {"key_result": "revenue", "note": ""}, "note: "),
        ("file-request", {"text": "x" * 2_001}, "text: "),
    ],
)
def test_what_cannot_be_written_is_one_sentence_and_writes_nothing(
    shop: Path, name: str, arguments: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(called(shop, name, arguments, writes=True))
    assert not (shop / ".headway").exists()


def test_as_of_and_files_are_given_as_to_any_question(shop: Path, tmp_path: Path) -> None:
    goals = tmp_path / "other.yml"
    goals.write_text(GOALS.replace("Grow sales", "Sell more"))

    async def ask(client: Client) -> Any:
        return (await client.call_tool("goals", {})).structured_content

    found = asked(shop, ask, "--goals", str(goals), "--as-of", "2026-11-01")
    assert found["as_of"] == date(2026, 11, 1).isoformat()
    assert "Sell more" in json.dumps(found)


# ---------------------------------------------------------------------- the docs

PAGE = (Path(__file__).parents[2] / "docs/mcp.md").read_text(encoding="utf-8")


def test_the_client_in_the_docs_prints_what_the_docs_say(shop: Path) -> None:
    code, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL).groups()  # type: ignore[union-attr]
    # The command is found where this interpreter has it, as in an environment that is active.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(
        command, check=False, cwd=shop, capture_output=True, text=True, env={**ENVIRONMENT, "PATH": path}, timeout=60
    )
    assert ran.stdout == shown, ran.stderr


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
def test_settings_of_editors_in_the_docs_start_what_there_is(block: str) -> None:
    (servers,) = json.loads(block).values()
    server = servers["headway"]
    if "url" in server:
        assert server["url"].endswith(PATH)
    else:
        known = {name for option in mcp.params for name in option.opts}
        assert [server["command"], server["args"][0]] == ["headway", "mcp"]
        assert {a for a in server["args"] if a.startswith("--")} <= known
