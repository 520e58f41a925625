"""What an agent does, in words: its events (claude's stream-json, codex's --json) as lines that a person reads.

What is no event of the agent's form passes as it is, and so does a line that was not understood; what is shown of an
event is safe for a terminal. Known are the events of claude 2.1 and codex 0.171. Used by `execution.agent_output`
for reports, where events as they come would be unreadable, and text alone would come at the end only.
"""

from __future__ import annotations

import json

from .. import text
from .last_words import LINE, parse_event
from .results import CLAUDE, CODEX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .results import Sink

ASKED = 300  # characters of what a tool is asked for
GIVEN = 12  # lines of what it gives back, and
GIVEN_LINE = 200  # characters of each
# Of a tool's input, what tells most about it: the first that is there.
_TELLING = ("command", "file_path", "notebook_path", "pattern", "url", "query", "description", "prompt", "path")


class Transcript:
    """A sink that writes events in words to another one, and passes on what is none."""

    def __init__(self, sink: Sink, results: str) -> None:
        """results: the form of the events, one of results.FORMATS."""
        self._sink = sink
        self._results = results
        self._line = b""  # the beginning of one that may be an event
        self._is_inside = False  # of a line that is none, and was passed on in part
        self._said = ""  # the last words of the agent, which its result repeats

    def write(self, data: bytes) -> None:
        """Take output; a line that may be an event is held back until it is complete."""
        *lines, rest = (self._line + data).split(b"\n")
        told = []
        for line in lines:
            told.append(line + b"\n" if self._is_inside else self._tell(line))
            self._is_inside = False
        self._is_inside = self._is_inside or not rest.startswith(b"{") or len(rest) > LINE
        self._is_inside, self._line = (bool(rest), b"") if self._is_inside else (False, rest)
        self._sink.write(b"".join(told) + (rest if self._is_inside else b""))

    def finish(self) -> None:
        """Write what was held back: nothing more will come."""
        rest, self._line = self._line, b""
        if rest:
            told = self._tell(rest)
            self._sink.write(rest if told == rest + b"\n" else told)

    def _tell(self, line: bytes) -> bytes:
        event = parse_event(line.decode("utf-8", "replace")) if self._results else None
        words = None if event is None else describe(event, self._results, self._said)
        if words is None:
            return line + b"\n"
        if event and event.get("type") in ("assistant", "item.completed") and words:
            self._said = words
        return words.encode("utf-8", "replace")


def describe(event: dict[str, Any], results: str, said: str = "") -> str | None:
    """Return an event in words: no line, one or several, each with its end; None where it is unknown, or cannot be
    told.

    said: what was told last, which is not repeated.
    """
    describers = {CLAUDE: _CLAUDE, CODEX: _CODEX}.get(results, {})
    found = describers.get(event["type"])
    try:
        return text.printable_lines(found(event, said)) if found else None
    except (ArithmeticError, ValueError, RecursionError):  # numbers without end, objects of a thousand storeys
        return None


def _lines(words: object) -> str:
    """Text with a line's end, "" for what is none."""
    return words.rstrip() + "\n" if isinstance(words, str) and words.strip() else ""


def _given(words: str) -> str:
    """The beginning of what a tool gave back."""
    lines = words.rstrip().splitlines()
    shown = ["    " + text.shorten(line, GIVEN_LINE) for line in lines[:GIVEN]]
    more = [f"    … {len(lines) - GIVEN} more lines"] if len(lines) > GIVEN else []
    return "".join(line + "\n" for line in shown + more)


def _asked(name: object, given: object) -> str:
    """A tool, and what it was asked for."""
    asked = given if isinstance(given, dict) else {}
    telling = next((asked[key] for key in _TELLING if isinstance(asked.get(key), str)), None)
    words = telling if telling is not None else json.dumps(asked, ensure_ascii=False) if any(asked.values()) else ""
    return f"→ {name}{': ' if words else ''}{text.shorten(str(words), ASKED)}\n"


def _describe_system(event: Mapping[str, Any], said: str) -> str:
    if event.get("subtype") != "init":
        return ""
    facts = [f"{name} {event[key]}" for name, key in (("model", "model"), ("session", "session_id")) if event.get(key)]
    return f"[{', '.join(facts) or 'begins'}]\n"


def _describe_message(event: Mapping[str, Any], said: str) -> str:
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    words = "".join(map(_describe_block, blocks))
    return words or (f"[{event['error']}]\n" if event.get("error") else "")


def _describe_block(block: Mapping[str, Any]) -> str:
    kind = block.get("type")
    if kind == "text":
        return _lines(block.get("text"))
    if kind == "tool_use":
        return _asked(block.get("name"), block.get("input"))
    if kind != "tool_result":
        return ""
    content = block.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    words = "\n".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
    return ("    failed:\n" if block.get("is_error") else "") + _given(words)


def _describe_result(event: Mapping[str, Any], said: str) -> str:
    words, facts = _lines(event.get("result")), []
    if isinstance(event.get("num_turns"), int):
        facts.append(text.count(event["num_turns"], "turn"))
    if isinstance(event.get("duration_ms"), (int, float)):
        facts.append(text.duration(event["duration_ms"] / 1000))
    if isinstance(event.get("total_cost_usd"), (int, float)):
        facts.append(f"${event['total_cost_usd']:.2f}")
    end = "ended with an error" if event.get("is_error") else "ended"
    return f"{'' if words == said else words}[{': '.join([end, ', '.join(facts)]) if facts else end}]\n"


def _describe_limit(event: Mapping[str, Any], said: str) -> str:
    facts = event.get("rate_limit_info")
    return "[its usage limit is reached]\n" if isinstance(facts, dict) and facts.get("status") == "rejected" else ""


def _say_nothing(event: Mapping[str, Any], said: str) -> str:
    return ""


def _describe_item(event: Mapping[str, Any], said: str) -> str:
    found = event.get("item")
    item: dict[str, Any] = found if isinstance(found, dict) else {}
    kind = item.get("type")
    if kind == "command_execution":
        return _describe_command(item, event["type"] == "item.started")
    if event["type"] == "item.started":
        return ""
    if kind == "file_change":
        return _describe_changes(item.get("changes"))
    if kind in ("mcp_tool_call", "web_search"):
        return _asked(item.get("tool") or "web search", {"query": item.get("query")})
    return _lines(item.get("text") or item.get("message")) if kind in ("agent_message", "error") else ""


def _describe_changes(changes: object) -> str:
    made = [one for one in changes if isinstance(one, dict)] if isinstance(changes, list) else []
    return "".join(f"→ {one.get('kind')} {one.get('path')}\n" for one in made)


def _describe_command(item: Mapping[str, Any], begins: bool) -> str:
    if begins:
        return _asked("shell", {"command": item.get("command")})
    code = item.get("exit_code")
    return _given(str(item.get("aggregated_output") or "")) + (f"    exit {code}\n" if code else "")


def _describe_thread(event: Mapping[str, Any], said: str) -> str:
    return f"[session {event.get('thread_id')}]\n"


def _describe_usage(event: Mapping[str, Any], said: str) -> str:
    usage = event.get("usage")
    counts = [usage.get("input_tokens"), usage.get("output_tokens")] if isinstance(usage, dict) else []
    is_told = len(counts) == 2 and all(isinstance(count, int) for count in counts)
    return f"[ended: {counts[0]:,} tokens in, {counts[1]:,} out]\n" if is_told else "[ended]\n"


def _describe_error(event: Mapping[str, Any], said: str) -> str:
    error = event.get("error")
    return f"[error: {error.get('message') if isinstance(error, dict) else event.get('message')}]\n"


_CLAUDE: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "system": _describe_system,
    "assistant": _describe_message,
    "user": _describe_message,
    "result": _describe_result,
    "rate_limit_event": _describe_limit,
    "stream_event": _say_nothing,  # parts of what comes whole
}
_CODEX: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "thread.started": _describe_thread,
    "turn.started": _say_nothing,
    "turn.completed": _describe_usage,
    "turn.failed": _describe_error,
    "error": _describe_error,
    "item.started": _describe_item,
    "item.updated": _say_nothing,
    "item.completed": _describe_item,
}
