"""What an agent wrote last, as a person reads it: its words, decoded where it writes events.

Known are the events of claude (`--output-format stream-json`) and codex (`--json`). It is for people alone: nothing is
decided by it (see `results`), so the form is recognised by the lines themselves, and whatever is no such event is plain
text, or has become words already (`transcript`). Called by `ralph.reason`; `cut_lines` and `parse_event` by all that
read events.
"""

from __future__ import annotations

import json
import re

LINE = 1 << 20  # characters, or bytes: a longer line is no event


def decode(output: str) -> str:
    """Return the words of the last event that has any, with the plain lines behind it; all of it where none has."""
    words, plain, has_events = "", [], False
    for line in output.split("\n"):
        event = parse_event(line)
        if event is None:
            plain.append(line)
            continue
        plain, has_events = [], True
        words = describe_event(event) or words
    if not has_events:
        return _after_tools(output)
    return "\n".join(part for part in (words.strip("\n"), "\n".join(plain).strip("\n")) if part)


def _after_tools(output: str) -> str:
    """What stands behind the last tool that was used, in what `transcript` wrote; all of it where that is nothing."""
    lines = output.rstrip("\n").split("\n")
    used = [place for place, line in enumerate(lines) if line.startswith("→ ")]
    if not used:
        return output
    rest = lines[used[-1] + 1 :]
    while rest and (rest[0].startswith(("    ", "[a person said: ")) or not rest[0].strip()):  # what it gave back
        del rest[0]
    if len(rest) > 1 and re.fullmatch(r"\[ended(: .*)?\]", rest[-1]):
        del rest[-1]
    return "\n".join(rest) or output


def cut_lines(kept: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines that output has ended, and what to keep of the next one: enough to see that it is too long."""
    *lines, rest = (kept + data).split(b"\n")
    return lines, rest[: LINE + 1]


def parse_event(line: str) -> dict | None:
    """Return the event on a line: an object with a type; None for any other line."""
    if not line.startswith("{") or len(line) > LINE:
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


def describe_event(event: dict) -> str:
    """Return what an event says to a person; "" where it says nothing."""
    kind = event["type"]
    if kind == "result":  # claude's last one
        return _text(event.get("result")) or _text(event.get("subtype"))
    if kind == "assistant":
        return _blocks(event.get("message"))
    if kind == "item.completed":  # codex
        item = event.get("item")
        return _text(item.get("text")) if isinstance(item, dict) and item.get("type") == "agent_message" else ""
    if kind in ("turn.failed", "error"):
        error = event.get("error")
        return _text(error.get("message") if isinstance(error, dict) else event.get("message"))
    return ""


def _blocks(message: object) -> str:
    """The text of a message of claude's, which comes in blocks."""
    blocks = message.get("content") if isinstance(message, dict) else None
    texts = [_text(one.get("text")) for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []
    return "\n".join(text for text in texts if text)


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.strip() else ""
