"""A stand-in for the APIs behind claude and codex, at a port of this machine, so that the real clients can be run.

What it answers stands in the prompt, one answer a line, the first that was not given yet:

    @api text WORDS
    @api tool NAME {"its": "input"}
    @api status 429 {"a-header": "its value"} {"the": "body"}      for ever

and a line `@api usage INPUT OUTPUT CACHED` says what the answers behind it cost. Who is asked for an answer of a form,
as reviewers are, gets those of the lines `@review`. Known are Anthropic's Messages API and
OpenAI's Responses API, as far as claude 2.1 and codex 0.171 ask them.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

DIRECTIVE, OF_REVIEW = re.compile(r"@api (.*)"), re.compile(r"@review (.*)")
LIMITED = {"type": "error", "error": {"type": "rate_limit_error", "message": "Please try again later."}}


class Scripted(NamedTuple):
    """What is to be answered."""

    verb: str
    words: str
    usage: tuple[int, int, int]  # input, output, cached


def find_answer(turns: list[tuple[str, str]], directive: re.Pattern[str]) -> Scripted:
    """The next answer of a conversation, whose turns are roles and words."""
    asked = [place for place, (role, words) in enumerate(turns) if role == "user" and directive.search(words)]
    given = sum(role == "assistant" for role, _ in turns[asked[-1] :]) if asked else 0
    usage = (1000, 100, 0)
    for line in directive.findall(turns[asked[-1]][1]) if asked else []:
        verb, _, words = line.partition(" ")
        if verb == "usage":
            usage = tuple(map(int, words.split()))  # type: ignore[assignment]
        elif given:
            given -= 1
        else:
            return Scripted(verb, words.replace("\\n", "\n") if verb == "text" else words, usage)
    return Scripted("text", "nothing more", usage)


class ApiHandler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._send({})

    def do_GET(self) -> None:
        self._send({"data": [], "models": [], "has_more": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        has_form = "StructuredOutput" in json.dumps(body.get("tools")) or "format" in (body.get("text") or {})
        directive = OF_REVIEW if has_form and "@review" in str(body) else DIRECTIVE
        if path.endswith("/messages"):
            answer = find_answer(list(_turns_of_messages(body)), directive)
            self._answer(answer, lambda one: say_message(one, body["model"]))
        elif path.endswith("/responses"):
            self._answer(find_answer(list(_turns_of_items(body)), directive), say_response)
        else:
            self._send({"input_tokens": 100})

    def _answer(self, scripted: Scripted, say: Any) -> None:
        if scripted.verb == "status":
            code, _, rest = scripted.words.partition(" ")
            headers, end = json.JSONDecoder().raw_decode(rest) if rest else ({}, 0)
            body = json.loads(rest[end:]) if rest[end:].strip() else LIMITED
            self._send(body, int(code), headers)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in say(scripted):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    def _send(self, body: object, code: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _words(content: Any) -> str:
    blocks = [{"text": content}] if isinstance(content, str) else content or []
    return "\n".join(str(block.get("text", "")) for block in blocks)


def _turns_of_messages(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for message in body["messages"]:
        yield message["role"], _words(message["content"])


def _turns_of_items(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for item in body["input"]:
        if item.get("type", "message") == "message":
            yield item["role"], _words(item["content"])
        elif item["type"].endswith("_call"):
            yield "assistant", ""


def say_message(scripted: Scripted, model: str) -> Iterator[dict[str, Any]]:
    """The events of an answer of Anthropic's."""
    fed, said, cached = scripted.usage
    usage = {"input_tokens": fed, "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached}
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta = {"type": "text_delta", "text": scripted.words}
    if scripted.verb == "tool":
        name, _, given = scripted.words.partition(" ")
        block = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": given}
    stop = "tool_use" if scripted.verb == "tool" else "end_turn"
    message: dict[str, Any] = {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": model,
    }
    message.update({"content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}})
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    delta = {"stop_reason": stop, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {**usage, "output_tokens": said}}
    yield {"type": "message_stop"}


def say_response(scripted: Scripted) -> Iterator[dict[str, Any]]:
    """The events of an answer of OpenAI's."""
    fed, said, cached = scripted.usage
    name = f"resp_{uuid.uuid4().hex[:20]}"
    content = {"type": "output_text", "text": scripted.words, "annotations": []}
    item: dict[str, Any] = {"type": "message", "id": f"msg_{name}", "role": "assistant", "content": [content]}
    if scripted.verb == "tool":
        tool, _, given = scripted.words.partition(" ")
        space, _, own = tool.rpartition("__")
        item = {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "name": own, "arguments": given}
        item.update({"namespace": space} if space else {})
    usage = {"input_tokens": fed + cached, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": said,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": fed + cached + said}  # fmt: skip
    yield {"type": "response.created", "response": {"id": name}}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": {"id": name, "output": [item], "usage": usage}}


class Api:
    """The server, from `with` to its end."""

    def __enter__(self) -> str:
        """Return its address."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiHandler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
