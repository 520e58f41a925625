"""What an agent's events are in words, and what becomes of all that is none."""

from __future__ import annotations

import json
import unittest
from typing import Any

from txlite.agents.last_words import LINE
from txlite.agents.results import CLAUDE, CODEX
from txlite.agents.transcript import Transcript

from .test_results import Memory

INIT = {"type": "system", "subtype": "init", "model": "fable", "session_id": "5e55", "tools": ["Bash"]}
TEXT = {"type": "assistant", "message": {"content": [{"type": "text", "text": "I look at it."}]}}
CALL = {"type": "assistant", "message": {"content": [
    {"type": "tool_use", "name": "Bash", "input": {"description": "List", "command": "ls -la"}}]}}  # fmt: skip
BACK = {"type": "user", "message": {"content": [{"type": "tool_result", "content": "total 2\nREADME\n"}]}}
FAIL = {"type": "user", "message": {"content": [
    {"type": "tool_result", "is_error": True, "content": [{"type": "text", "text": "no such file"}]}]}}  # fmt: skip
DONE = {"type": "result", "subtype": "success", "is_error": False, "result": "I look at it.", "num_turns": 2,
        "duration_ms": 45000, "total_cost_usd": 0.352}  # fmt: skip


def tell(results: str, *lines: dict[str, Any] | str | bytes, chunk: int = 7) -> str:
    """What the sink gets of these lines, which come in small pieces."""
    data = b"".join(
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode() + b"\n"
        for line in lines
    )
    sink = Memory()
    transcript = Transcript(sink, results)
    for start in range(0, len(data), chunk):
        transcript.write(data[start : start + chunk])
    transcript.finish()
    return sink.data.decode(errors="surrogateescape")


class Words(unittest.TestCase):
    def test_claude(self) -> None:
        self.assertEqual(
            tell(CLAUDE, INIT, TEXT, CALL, BACK, FAIL, {"type": "system", "subtype": "status"}, DONE),
            "[model fable, session 5e55]\nI look at it.\n→ Bash: ls -la\n    total 2\n    README\n    failed:\n"
            "    no such file\nI look at it.\n[ended: 2 turns, 45s, $0.35]\n",
        )
        self.assertEqual(tell(CLAUDE, TEXT, DONE).count("I look at it."), 1)  # the result repeats what was said last
        refused = {"type": "result", "is_error": True, "result": "Not logged in"}
        self.assertEqual(tell(CLAUDE, refused), "Not logged in\n[ended with an error]\n")

    def test_codex(self) -> None:
        def item(kind: str, **facts: object) -> dict[str, Any]:
            return {"type": kind, "item": facts}

        command = {"type": "command_execution", "command": "make"}
        self.assertEqual(tell(
            CODEX, {"type": "thread.started", "thread_id": "7"}, {"type": "turn.started"},
            item("item.started", **command),
            item("item.completed", **command, aggregated_output="no rule\n", exit_code=2),
            item("item.completed", type="file_change", changes=[{"path": "Makefile", "kind": "add"}]),
            item("item.completed", type="agent_message", text="Mended."),
            {"type": "turn.completed", "usage": {"input_tokens": 1200, "output_tokens": 34}},
            {"type": "turn.failed", "error": {"message": "401"}},
        ), "[session 7]\n→ shell: make\n    no rule\n    exit 2\n→ add Makefile\nMended.\n"
            "[ended: 1,200 tokens in, 34 out]\n[error: 401]\n")  # fmt: skip

    def test_what_is_no_event_passes_byte_for_byte(self) -> None:
        plain: list[Any] = [
            "words", "", "{", "{}", '{"type": 3}', '{"type": "unheard of"}', "[1]", "x" * 100 + '{"type": "result"}',
            '{"a": ' * 5000, b'{"type": "resu\xff\n', b'{"type": "assistant"',
        ]  # fmt: skip
        whole = b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in plain)
        for results in (CLAUDE, CODEX, ""):
            self.assertEqual(tell(results, *plain).encode(errors="surrogateescape"), whole)
        self.assertEqual(tell("", DONE), json.dumps(DONE) + "\n")
        long = json.dumps({**TEXT, "more": "x" * LINE})
        self.assertEqual(tell(CLAUDE, long, TEXT, chunk=65536), long + "\nI look at it.\n")

    def test_events_of_another_shape_raise_nothing(self) -> None:
        for event in ("system", "assistant", "user", "result", "rate_limit_event", "stream_event", "item.completed",
                      "item.started", "turn.completed", "turn.failed", "error", "thread.started"):  # fmt: skip
            for more in ({}, {"message": 3}, {"message": {"content": [3, {"type": "tool_use", "input": []}]}},
                         {"item": 3}, {"item": {"type": "file_change", "changes": 3}}, {"usage": [1]}, {"error": 3},
                         {"message": {"content": [{"type": "tool_result", "content": 3}, {"type": "text"}]}},
                         {"result": 3, "num_turns": "x", "duration_ms": None}, {"rate_limit_info": 3},
                         {"duration_ms": 10**400}, {"duration_ms": float("nan")},
                         {"total_cost_usd": 10**400}):  # fmt: skip
                for results in (CLAUDE, CODEX):
                    tell(results, {"type": event, **more}, chunk=4096)

    def test_what_could_act_on_a_terminal_is_escaped_and_much_is_cut(self) -> None:
        evil = {"type": "assistant", "message": {"content": [{"type": "text", "text": "a\x1b[31m\u202eb\n\tc"}]}}
        self.assertEqual(tell(CLAUDE, evil), "a\\x1b[31m\\u202eb\n\tc\n")
        much = {"type": "user", "message": {"content": [{"type": "tool_result", "content": "line\n" * 100}]}}
        self.assertEqual(tell(CLAUDE, much), "    line\n" * 12 + "    … 88 more lines\n")


if __name__ == "__main__":
    unittest.main()
