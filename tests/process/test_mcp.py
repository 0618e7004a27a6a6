"""Sessions as MCP tools, driven by the official client: in process, over stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import httpx2
import pytest
from click.testing import CliRunner
from mcp import Client as McpClient
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from support.http import Http
from support.instance import Instance, eventually

from roost.cli.commands.mcp import mcp_command
from roost.cli.context import Invocation
from roost.client import AsyncClient
from roost.daemon.http import mcp as daemon_mcp
from roost.errors import RoostError
from roost.mcp.limits import limited
from roost.mcp.server import server_of

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
    async with McpClient(server_of(roost)) as client:
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
        newest = await ask(client, "read", target=id, limit_bytes=300)
        assert newest["cursor"] == newest["end"] and "\x1b" not in newest["text"]
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
    async with McpClient(server_of(roost, own=session.id)) as client:
        assert "does not drive itself" in await refusal(client, "send", text="x", target=session.id)
        assert "does not drive itself" in await refusal(client, "stop", target=session.id)
        assert (await ask(client, "status", target=session.id))["id"] == session.id
    await session.terminate()


async def test_a_server_of_one_session_reaches_no_other(roost: AsyncClient) -> None:
    one, other = await roost.spawn(["cat"]), await roost.spawn(["cat"])
    async with McpClient(server_of(roost, only=one.id)) as client:
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


@asynccontextmanager
async def over_http(url: str, **headers: str) -> AsyncIterator[McpClient]:
    """The official client at a daemon's /mcp: an address, or `unix:PATH`."""
    transport = None
    if url.startswith("unix:"):
        transport, url = httpx2.AsyncHTTPTransport(uds=url.removeprefix("unix:")), "http://localhost"
    http = httpx2.AsyncClient(headers=headers, timeout=30, transport=transport)
    async with http, McpClient(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
        yield client


async def test_over_http_a_token_does_what_its_scope_says(shared: Instance, roost: AsyncClient) -> None:
    url = await roost.access.listen("127.0.0.1:0")
    session = await roost.spawn(["cat"], name="mcp-http")
    assert Http(url).post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == 401
    for verb in ("GET", "DELETE"):  # nothing is held open there
        held = Http(url, (await roost.access.create_token("read"))[1]).ask(verb, "/mcp")
        assert (held.status, held.headers["allow"]) == (405, "POST")
    looking = {"session_list", "status", "read", "screen", "wait"}
    for scope, tools in (("read", looking), ("type", TOOLS - {"session_start", "stop"}), ("admin", TOOLS)):
        token = (await roost.access.create_token(scope))[1]
        async with over_http(url, Authorization=f"Bearer {token}") as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == tools
            assert (await ask(client, "status", target=session.id))["name"] == "mcp-http"
            if scope == "read":  # also by a tool that it was not shown
                assert "denied: this needs a token with the scope type" in await refusal(client, "send", text="x")
            else:
                sent = await ask(client, "send", text="through http", target=session.id)
                met = await ask(client, "wait", conditions=["text=through http"], cursor=sent["cursor"])
                assert met["met"]
            if scope == "type":
                assert "scope admin" in await refusal(client, "stop", target=session.id)
            if scope == "admin":
                started = await ask(client, "session_start", command=["sh", "-c", "pwd; env; sleep 1000"])
                met = await ask(client, "wait", conditions=["text=HOME="], target=started["id"], cursor=0)
                assert met["met"] and (await ask(client, "stop", target=started["id"]))["session_id"] == started["id"]
    await session.terminate()


async def test_the_trail_names_the_token_that_typed_over_mcp(shared: Instance, roost: AsyncClient) -> None:
    url = await roost.access.listen("127.0.0.1:0")
    session = await roost.spawn(["cat"])
    token, text = await roost.access.create_token("type")
    async with over_http(url, Authorization=f"Bearer {text}") as client:
        await ask(client, "send", text="typed by a token", target=session.id)

    def line() -> str:
        trail = shared.root / "state/roost/audit.jsonl"
        lines = trail.read_text().splitlines() if trail.exists() else []
        return next((line for line in lines if session.id in line), "")

    found = json.loads(eventually(line, what="the trail is written"))
    assert (found["client"], found["bytes"]) == (f"token:{token['id']}", 17)
    await session.terminate()


async def test_nobody_drives_their_own_session_over_http(shared: Instance, roost: AsyncClient, tmp_path: Path) -> None:
    url = await roost.access.listen("127.0.0.1:0")
    session = await roost.spawn(["cat"])
    text = (await roost.access.create_token("admin"))[1]
    headers = {"Authorization": f"Bearer {text}", "Roost-Session": session.id}
    async with over_http(url, **headers) as client:
        assert "does not drive itself" in await refusal(client, "send", text="x", target=session.id)
    # on the Unix socket the system tells who asks
    socket_path = f"{shared.root}/run/roost/http.sock"
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "send", "arguments": {"text": "x"}}}
    (tmp_path / "call").write_text(json.dumps(call))
    told = ("-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream")
    curl = ("curl", "-s", "--unix-socket", socket_path, *told, "-d", f"@{tmp_path}/call", "http://localhost/mcp")
    inside = await roost.spawn(curl, pipe=True)
    await inside.wait(20)
    assert b"does not drive itself" in (await roost.logs(inside.id)).data
    async with over_http(f"unix:{socket_path}") as client:
        assert (await ask(client, "send", text="from outside", target=session.id))["written"] == 13
    await session.terminate()


async def test_an_address_of_one_session_serves_that_one_only(shared: Instance, roost: AsyncClient) -> None:
    other = await roost.spawn(["cat"])
    one = await roost.spawn(["cat"], options={"listen": {"address": "127.0.0.1:0"}})
    (url,) = [a["url"] for a in await roost.access.addresses() if a["session"] == one.id]
    text = (await roost.access.create_token("admin"))[1]
    async with over_http(url, Authorization=f"Bearer {text}") as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS - {"session_start"}
        assert (await ask(client, "status"))["id"] == one.id
        assert "not_found" in await refusal(client, "send", text="x", target=other.id)
        assert "denied" in await refusal(client, "session_start", command=["true"])
    everything = await roost.access.listen("127.0.0.1:0")
    async with over_http(everything, Authorization=f"Bearer {text}") as client:
        assert (await ask(client, "status", target=f"{everything}/{other.id}"))["id"] == other.id
        assert (await ask(client, "status", target=url))["id"] == one.id
        # it asks no other machine, with no token of its own, whoever wants it to
        assert "has to be asked there" in await refusal(client, "status", target="http://192.0.2.1:80/x")
    await one.terminate()
    await other.terminate()


async def test_no_call_waits_longer_than_its_host_would(roost: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.mcp.limits.CALL_S", 0.2)
    async with McpClient(server_of(roost)) as client:
        id = (await ask(client, "session_start", command=["/bin/bash"]))["id"]
        await roost.wait_for(id, "prompt", since=0, timeout_s=30)
        late = await ask(client, "wait", conditions=["text=never"], target=id, timeout_s=1e9)
        assert (late["met"], late["why"]) == (False, "timeout")
        long = await ask(client, "run", command="sleep 1000", target=id, timeout_s=1e9)
        assert (long["exit_code"], long["reason"]) == (None, "timeout")
        await ask(client, "stop", target=id, grace_s=0)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.cli.commands.mcp.find_spec", lambda _name: None)
    result = CliRunner().invoke(mcp_command, [], obj=Invocation(None))
    assert "pip install 'roost[mcp]'" in str(result.exception)


async def test_a_daemon_without_the_extra_says_so_and_looks_again_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with asyncio.TaskGroup() as tasks:
        context = SimpleNamespace(loop=asyncio.get_running_loop(), tasks=tasks)
        mount = daemon_mcp.Mount(cast(Any, SimpleNamespace(context=context)))
        for broken, words in (
            (ImportError("no mcp"), "pip install"),
            (ValueError("of another version"), "another version"),
        ):
            monkeypatch.setattr(daemon_mcp, "import_module", Mock(side_effect=broken))
            with pytest.raises(RoostError, match=words) as refused:
                await mount.app()
            assert refused.value.kind == "unimplemented"


def test_a_target_is_for_attach(shared: Instance) -> None:
    assert shared.roost("mcp", "a-target", check=False).returncode == 2


def test_long_text_keeps_its_head_and_tail() -> None:
    told = limited("a" * 6000 + "é" * 6000)
    assert told["text"].startswith("aaa") and told["text"].endswith("é")
    assert told["omitted_bytes"] == 18000 - 8192
    assert limited("short") == {"text": "short", "omitted_bytes": 0}
