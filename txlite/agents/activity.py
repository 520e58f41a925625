"""What an agent has done so far, by its events: the files that it changed, and what it has used.

Known are the events of claude 2.1 and codex 0.171. What is still at work has used no less than this; nothing is decided
by it. Used by `view` for who looks at an attempt.
"""

from __future__ import annotations

import os

from ..model import AGENT_PART, Usage
from .last_words import cut_lines, parse_event
from .usage import CostMeter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .agent import Agent

CHANGING = ("Edit", "Write", "MultiEdit", "NotebookEdit")  # claude's tools that change a file


class Activity:
    """What one agent has done: a sink for its events. changed: the files, as paths from where it works, in the order of
    their first change."""

    def __init__(self, agent: Agent) -> None:
        self.changed: list[str] = []
        self._agent = agent.name
        self._meter = CostMeter(agent.results, agent.price)
        self._line = b""
        self._directory = ""
        self._asked: dict[str, str] = {}  # the files of claude's tools that have not answered, by their ids

    def write(self, data: bytes) -> None:
        """Take events as they came."""
        lines, self._line = cut_lines(self._line, data)
        for line in lines:
            event = parse_event(line.decode("utf-8", "replace"))
            if event is not None:
                self._meter.read(event)
                self._read(event)

    def usage(self, attempt: int) -> Usage:
        """Return what it has used so far, as the part of the attempt with this number."""
        return self._meter.tell_so_far(attempt, AGENT_PART, self._agent)

    def _read(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        if kind == "system":
            cwd = event.get("cwd")
            self._directory = cwd if isinstance(cwd, str) else self._directory
        elif kind == "assistant":
            for block in _blocks(event, "tool_use"):
                self._read_call(block)
        elif kind == "user":
            for block in _blocks(event, "tool_result"):
                path = self._asked.pop(str(block.get("tool_use_id")), "")
                if path and not block.get("is_error"):
                    self._note(path)
        elif kind == "item.completed":
            for path in _changes(event.get("item")):
                self._note(path)

    def _read_call(self, call: Mapping[str, Any]) -> None:
        asked = call.get("input")
        path = (asked.get("file_path") or asked.get("notebook_path")) if isinstance(asked, dict) else None
        if call.get("name") in CHANGING and isinstance(path, str):
            self._asked[str(call.get("id"))] = path

    def _note(self, path: str) -> None:
        shown = os.path.relpath(path, self._directory) if self._directory and os.path.isabs(path) else path
        shown = path if shown.startswith(os.pardir) else shown
        if shown not in self.changed:
            self.changed.append(shown)


def _blocks(event: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == kind:
            yield block


def _changes(item: object) -> Iterator[str]:
    """The files of one of codex's changes, if it is one that was made."""
    if not isinstance(item, dict) or item.get("type") != "file_change" or item.get("status") == "failed":
        return
    changes = item.get("changes")
    for one in changes if isinstance(changes, list) else ():
        if isinstance(one, dict) and isinstance(one.get("path"), str):
            yield one["path"]
