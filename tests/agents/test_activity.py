"""What an agent has done so far, by its events: files that it changed, what it has used."""

from __future__ import annotations

import json
import unittest
from typing import Any

from txlite.agents.activity import Activity
from txlite.agents.agent import Agent
from txlite.agents.results import CLAUDE, CODEX
from txlite.agents.usage import Price

INIT = {"type": "system", "subtype": "init", "session_id": "5e55", "model": "fable", "cwd": "/w/a"}


def call(name: str, id: str, message: str, **asked: str) -> dict[str, Any]:
    usage = {"input_tokens": 1000, "cache_read_input_tokens": 500, "output_tokens": 1}
    content = [{"type": "tool_use", "id": id, "name": name, "input": asked}]
    return {"type": "assistant", "message": {"id": message, "content": content, "usage": usage}}


def answer(id: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "tool_result", "tool_use_id": id, "content": "", **more}]
    return {"type": "user", "message": {"role": "user", "content": content}}


def read(results: str, *events: object, price: Price | None = None) -> Activity:
    activity = Activity(Agent("tool", results=results, price=price))
    data = b"".join((event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n" for event in events)
    for start in range(0, len(data), 37):
        activity.write(data[start : start + 37])
    return activity


class Done(unittest.TestCase):
    def test_files_that_claude_changed(self) -> None:
        found = read(
            CLAUDE, INIT, call("Edit", "t1", "m1", file_path="/w/a/src/x.py"), answer("t1"),
            call("Write", "t2", "m1", file_path="/w/a/refused"), answer("t2", is_error=True),
            call("NotebookEdit", "t3", "m2", notebook_path="/elsewhere/n.ipynb"), answer("t3"),
            call("Read", "t4", "m2", file_path="/w/a/read"), answer("t4"),
            call("Edit", "t5", "m3", file_path="/w/a/src/x.py"), answer("t5"),
            call("Edit", "t6", "m3", file_path="/w/a/not-yet"),
        )  # fmt: skip
        self.assertEqual(found.changed, ["src/x.py", "/elsewhere/n.ipynb"])

    def test_files_that_codex_changed(self) -> None:
        changes = [{"path": "/w/a/new", "kind": "add"}, {"path": "old", "kind": "delete"}]
        item = {"type": "file_change", "changes": changes, "status": "completed"}
        failed = {**item, "changes": [{"path": "no", "kind": "add"}], "status": "failed"}
        found = read(CODEX, {"type": "item.started", "item": {**item, "changes": [{"path": "x"}]}},
                     {"type": "item.completed", "item": item}, {"type": "item.completed", "item": failed})  # fmt: skip
        self.assertEqual(found.changed, ["/w/a/new", "old"])

    def test_what_it_has_used_so_far_and_in_all(self) -> None:
        events = [INIT, call("Read", "t1", "m1"), call("Read", "t2", "m1"), call("Read", "t3", "m2")]
        usage = read(CLAUDE, *events).usage(7)
        self.assertEqual((usage.attempt, usage.session, usage.turns, usage.input_tokens), (7, "5e55", 2, 3000))
        self.assertEqual((usage.output_tokens, usage.cost), (None, None), "what was not said is unknown")
        priced = read(CLAUDE, *events, price=Price(10.0, 1.0, 50.0)).usage(7)
        self.assertEqual(priced.cost, 2000 * 10 + 1000 * 1 + 2 * 50)
        models = {"fable": {"inputTokens": 9, "outputTokens": 8, "cacheReadInputTokens": 1}}
        done = {"type": "result", "num_turns": 4, "total_cost_usd": 0.5, "modelUsage": models}
        self.assertEqual(read(CLAUDE, *events, done).usage(7)[5:], (10, 1, 8, 500_000, 4))

    def test_events_of_another_shape_raise_nothing(self) -> None:
        shapes: tuple[dict[str, Any], ...] = (
            {}, {"message": 3}, {"message": {"content": [3, {"type": "tool_use", "input": 4}]}},
            {"item": []}, {"item": {"type": "file_change", "changes": [1]}}, {"cwd": 5},
        )  # fmt: skip
        for kind in ("system", "assistant", "user", "item.completed", "result"):
            for shape in shapes:
                for results in (CLAUDE, CODEX):
                    self.assertEqual(read(results, {"type": kind, **shape}, b"{", b"\xff").changed, [])


if __name__ == "__main__":
    unittest.main()
