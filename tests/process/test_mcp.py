"""Sessions as MCP tools, driven by the official client: in process, over stdio and over HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client as McpClient
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from support.http import Http
from support.instance import Instance

from roost.client import AsyncClient
from roost.mcp.limits import limited
from roost.mcp.server import make_server

TOOLS = {
    "session_list",
    "session_start",
    "run",
    "send",
    "read",
    "screen",
    "wait",
    "signal",
    "resize",
    "status",
    "approve",
    "stop",
}


@pytest.fixture
async def roost(shared: Instance) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(shared.socket, autostart=False) as client:
        yield client


async def ask(client: McpClient, tool: str, **given: Any) -> dict[str, Any]:
    """A tool's answer."""
    result = await client.call_tool(tool, given)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


async def refusal(client: McpClient, tool: str, **given: Any) -> str:
    """A tool's refusal."""
    result = await client.call_tool(tool, given)
    assert result.is_error
    return str(result.content[0].text)


async def test_an_agent_drives_a_shell(roost: AsyncClient, tmp_path: Path) -> None:
    async with McpClient(make_server(roost)) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        started = await ask(client, "session_start", command=["bash"], name="mcp-shell", cwd=str(tmp_path))
        id = started["id"]
        await ask(client, "wait", conditions=["prompt"], target=id, cursor=0)
        ran = await ask(client, "run", command="echo hello; false", target=id)
        assert (ran["exit_code"], ran["text"].strip()) == (1, "hello")
        long = await ask(client, "run", command="seq 20000", target=id)
        assert long["omitted_bytes"] > 0 and len(long["text"].encode()) < 9000
        sent = await ask(client, "send", text="echo typed-$((1+1))", target=id)
        met = await ask(client, "wait", conditions=["text=typed-2"], target=id, cursor=sent["cursor"])
        assert met["met"] and met["matched"][0]["line"].endswith("typed-2")
        read = await ask(client, "read", target=id, cursor=sent["cursor"])
        assert "typed-2" in read["text"]
        assert "typed-2" in (await ask(client, "screen", target=id))["text"]
        late = await ask(client, "wait", conditions=["text=never"], target=id, timeout_s=0.05)
        assert (late["met"], late["why"]) == (False, "timeout")
        assert (await ask(client, "resize", rows=30, cols=90, target=id))["rows"] == 30
        assert "NoSuchKey" in await refusal(client, "send", keys=["NoSuchKey"], target=id)
        asked = await roost.approvals.ask("Bash", target=id, wait=False)
        assert (await ask(client, "status", target=id))["approvals"][0]["id"] == asked.id
        assert (await ask(client, "approve", id=asked.id, decision="deny"))["state"] == "denied"
        assert "already" in await refusal(client, "approve", id=asked.id)
        shown = await client.read_resource(f"roost://sessions/{id}/screen")
        assert "typed" in shown.contents[0].text  # the shell painted its line anew for the new size
        output = await client.read_resource(f"roost://sessions/{id}/output")
        assert "typed-2" in json.loads(output.contents[0].text)["text"]
        await ask(client, "signal", name="INT", target=id)
        assert (await ask(client, "stop", target=id))["session_id"] == id
        assert "not_found" in await refusal(client, "status", target="nobody-here")
        assert "command" in await refusal(client, "session_start", command=[])
        assert await refusal(client, "wait", conditions="text=x")


async def test_it_does_not_drive_the_session_that_it_runs_in(roost: AsyncClient) -> None:
    session = await roost.spawn(["cat"])
    async with McpClient(make_server(roost, own=session.id)) as client:
        assert "does not drive itself" in await refusal(client, "send", text="x", target=session.id)
        assert "does not drive itself" in await refusal(client, "stop", target=session.id)
        assert (await ask(client, "status", target=session.id))["id"] == session.id
    await session.terminate()


async def test_a_server_of_one_session_reaches_no_other(roost: AsyncClient) -> None:
    one, other = await roost.spawn(["cat"]), await roost.spawn(["cat"])
    async with McpClient(make_server(roost, only=one.id)) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS - {"session_start"}
        assert [s["id"] for s in (await ask(client, "session_list"))["sessions"]] == [one.id]
        await ask(client, "send", text="mine")
        assert "single session" in await refusal(client, "send", text="x", target=other.id)
        asked = await roost.approvals.ask("Bash", target=other.id, wait=False)
        assert "another one" in await refusal(client, "approve", id=asked.id)
    await one.terminate()
    await other.terminate()


async def test_over_stdio(shared: Instance, roost: AsyncClient) -> None:
    session = await roost.spawn(["cat"], name="mcp-cat")
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "roost.cli", "mcp", "--attach", "mcp-cat"], env=shared.environ
    )
    async with McpClient(server) as client:
        sent = await ask(client, "send", text="through stdio")
        met = await ask(client, "wait", conditions=["text=through stdio"], cursor=sent["cursor"])
        assert met["met"]
    await session.terminate()


async def test_over_http_with_a_token(shared: Instance, roost: AsyncClient) -> None:
    url = await roost.access.listen("127.0.0.1:0")
    session = await roost.spawn(["cat"], name="mcp-http")
    reader, admin = [(await roost.access.create_token(scope))[1] for scope in ("read", "admin")]
    for token, status in (("", 401), (reader, 403)):
        assert Http(url, token).post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == status
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {admin}"}, timeout=30)
    async with http, McpClient(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
        sent = await ask(client, "send", text="through http", target=session.id)
        assert (await ask(client, "wait", conditions=["text=through http"], cursor=sent["cursor"]))["met"]
    await session.terminate()


def test_a_target_is_for_attach(shared: Instance) -> None:
    assert shared.roost("mcp", "a-target", check=False).returncode == 2


def test_long_text_keeps_its_head_and_tail() -> None:
    told = limited("a" * 6000 + "é" * 6000)
    assert told["text"].startswith("aaa") and told["text"].endswith("é")
    assert told["omitted_bytes"] == 18000 - 8192
    assert limited("short") == {"text": "short", "omitted_bytes": 0}
