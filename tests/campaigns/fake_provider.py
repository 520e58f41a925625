"""A provider of models on this machine, for the real `claude` and `codex`: it has their agents call tools, in an order.

What an agent does is a course: a generator that yields a tool with its arguments, is sent what the tool told, and
returns when the agent has nothing more to do. Speaks as much of Anthropic's Messages and of OpenAI's Responses as these
clients need, as server-sent events. Used by `mcp.py`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import harness  # noqa: F401  (it makes the checkout importable)

from tests.stand_ins.api import Scripted, say_message, say_response

Course = Generator[tuple[str, dict[str, Any]], str, None]
Step = Any  # a tool and its arguments; None: the agent ends


class Provider(ThreadingHTTPServer):
    """Serves one course at 127.0.0.1, to one client. `failure`: what the course found wrong, if it did."""

    daemon_threads = True

    def __init__(self, course: Course) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.failure = ""
        self.has_ended = False
        self._course = course
        self._steps: list[Step] = [next(course)]
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def step(self, told: list[str]) -> Step:
        """What comes after so many results of tools; asked again, the same."""
        with self._lock:
            while len(self._steps) <= len(told) and self._steps[-1] is not None:
                try:
                    self._steps.append(self._course.send(told[len(self._steps) - 1]))
                except StopIteration:
                    self.has_ended = True
                    self._steps.append(None)
                except Exception as error:
                    self.failure = f"{type(error).__name__}: {error}, after {told[-1]}"
                    self._steps.append(None)
            return self._steps[min(len(told), len(self._steps) - 1)]


class Handler(BaseHTTPRequestHandler):
    """One request of a client."""

    server: Provider
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._send({"data": [], "models": [], "has_more": False})

    def do_HEAD(self) -> None:
        self._send({})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        if path.endswith("/messages") and body.get("stream") and body.get("tools"):
            self._stream(say_message(_scripted(self.server.step(_told_to_claude(body))), body["model"]))
        elif path.endswith("/responses"):
            self._stream(say_response(_scripted(self.server.step(_told_to_codex(body)))))
        else:  # what is not asked of an agent: counts, titles
            usage, words = {"input_tokens": 1, "output_tokens": 1}, [{"type": "text", "text": "."}]
            self._send({"input_tokens": 1, "id": "m", "type": "message", "role": "assistant", "model": "m",
                        "content": words, "stop_reason": "end_turn", "usage": usage})  # fmt: skip

    def _send(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _stream(self, events: Iterable[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        self.close_connection = True


def _words(content: Any) -> str:
    """The text in a result of a tool, whichever way a client passes it on."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return _words(content.get("content") or content.get("text") or "")
    return "".join(map(_words, content or []))


def _told_to_claude(body: dict[str, Any]) -> list[str]:
    blocks = [block for message in body["messages"] if not isinstance(message["content"], str)
              for block in message["content"]]  # fmt: skip
    return [_words(block.get("content")) for block in blocks if block.get("type") == "tool_result"]


def _told_to_codex(body: dict[str, Any]) -> list[str]:
    found = [_words(item.get("output")) for item in body["input"] if item.get("type") == "function_call_output"]
    return [words.partition("Output:")[2].strip() or words for words in found]  # it says first how long it took


def _scripted(step: Step) -> Scripted:
    """What is answered: a tool of the server's, or the end."""
    verb, words = ("tool", f"mcp__txlite__{step[0]} {json.dumps(step[1])}") if step else ("text", "done")
    return Scripted(verb, words, (10, 5, 0))
