"""A client of `txlite mcp`: one process, messages as lines."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

from ..case import PATIENCE, Case

META = "io.modelcontextprotocol/protocolVersion"


class Failed(Exception):
    """A tool said that it failed; the message is its line."""


class Client(Case):
    """A server in the test's directory, and what a client says to it."""

    def setUp(self) -> None:
        super().setUp()
        self._asked = 0
        self._rest = b""

    def serve(self, *options: str, **more: Any) -> None:
        """Start the server, and shake hands."""
        self.begin_server(*options, **more)
        self.agreed = self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "ada"})

    def begin_server(self, *options: str, **more: Any) -> None:
        self.server = self.start("mcp", *options, stdin=-1, **more)

    def say(self, message: object) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.server.stdin.write(data + b"\n")
        self.server.stdin.flush()

    def hear(self, patience: float = PATIENCE) -> Any:
        """The next message; None where none comes in time, or nothing will."""
        descriptor, deadline = self.server.stdout.fileno(), time.monotonic() + patience
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            data = os.read(descriptor, 65536) if select.select([descriptor], [], [], max(left, 0))[0] else b""
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def send(self, method: str, **params: object) -> int:
        """Ask, without waiting for the answer; the request's id."""
        self._asked += 1
        self.say({"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params})
        return self._asked

    def ask(self, method: str, **params: object) -> Any:
        """The result of a request. Fails where that is an error."""
        id = self.send(method, **params)
        answer = self.hear()
        self.assertEqual(answer.get("id"), id, answer)
        return answer["result"]

    def call(self, name: str, **arguments: object) -> Any:
        """What a tool tells. Raises Failed."""
        return self.tell(self.ask("tools/call", name=name, arguments=arguments))

    def tell(self, result: Any) -> Any:
        (content,) = result["content"]
        self.assertEqual(content["type"], "text")
        if result.get("isError"):
            raise Failed(content["text"])
        return json.loads(content["text"])

    def refused(self, name: str, **arguments: object) -> str:
        """The line of a tool that fails."""
        with self.assertRaises(Failed) as caught:
            self.call(name, **arguments)
        return str(caught.exception)

    def leave(self) -> None:
        """Close the server's input, and see that it ends, with nothing on stderr but what `errors` has then."""
        self.server.stdin.close()
        self.assertEqual(self.server.wait(PATIENCE), 0)
        self.errors = self.server.stderr.read().decode()
        self.assertNotIn("Traceback", self.errors)
