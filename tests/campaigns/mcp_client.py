"""The official Python SDK as a client of `txlite mcp`; run by `mcp.py`, with the Python that has it.

    python mcp_client.py MODE COMMAND ...      MODE: session, auto, or a revision (the last two for versions from 2 on)

Connects, lists the tools, calls each, sees a refusal, takes a wait back, and leaves. Prints what was agreed; what is
wrong ends it with a traceback.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

anyio: Any = importlib.import_module("anyio")  # which only that Python has
mcp: Any = importlib.import_module("mcp")
stdio_client: Any = importlib.import_module("mcp.client.stdio").stdio_client
NAMES = "add ready list show claim renew finish logs wait cancel".split()


@asynccontextmanager
async def connect(mode: str, command: list[str]) -> AsyncIterator[tuple[Any, str]]:
    """A session, and the revision that was agreed."""
    parameters = mcp.StdioServerParameters(command=command[0], args=command[1:])
    if mode == "session":
        async with stdio_client(parameters) as (reading, writing), mcp.ClientSession(reading, writing) as session:
            agreed = await session.initialize()
            yield session, getattr(agreed, "protocolVersion", None) or agreed.protocol_version
    else:
        async with mcp.Client(stdio_client(parameters), mode=mode) as client:
            yield client, client.protocol_version


def read(result: Any) -> tuple[Any, bool]:
    """What a tool told, and whether it failed."""
    words = result.content[0].text
    failed = getattr(result, "isError", None)
    failed = result.is_error if failed is None else failed
    return (words, True) if failed else (json.loads(words), False)


async def main(mode: str, command: list[str]) -> None:
    """The whole course."""
    async with connect(mode, command) as (client, revision):
        print(revision)
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == NAMES, listed

        async def call(name: str, **arguments: object) -> Any:
            found, failed = read(await client.call_tool(name, arguments))
            assert not failed, found
            return found

        first = await call("add", title=f"first of {mode}", description="do it")
        second = await call("add", title="second", after=[first["id"]])
        assert (await call("ready"))["tasks"][0]["id"] == first["id"]
        assert (await call("show", id=second["id"]))["waitsFor"] == [first["id"]]
        claim = await call("claim", id=first["id"])
        await call("renew", id=first["id"], token=claim["token"])
        waited: Any = None

        async def wait() -> None:
            nonlocal waited
            waited = await call("wait", ids=[first["id"]], seconds=60)

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.sleep(0.1)
            await call("finish", id=first["id"], token=claim["token"], outcome="done")
        assert waited["ended"][0]["state"] == "done", waited
        words, failed = read(await client.call_tool("finish", {"id": first["id"], "token": "1", "outcome": "done"}))
        assert failed and "token" in words, words
        with anyio.move_on_after(0.3) as scope:
            await call("wait", ids=[second["id"]], seconds=3000)
        assert scope.cancelled_caught
        words, failed = read(await client.call_tool("logs", {"id": second["id"]}))
        assert failed and "has not run yet" in words, words
        assert (await call("cancel", id=second["id"]))["state"] == "cancelled"
        assert second["id"] not in json.dumps(await call("list"))


anyio.run(main, sys.argv[1], sys.argv[2:])
