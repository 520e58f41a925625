"""An agent's last words are read as a person means them, whatever form it writes."""

from __future__ import annotations

import json
import unittest
from typing import Any

from txlite.agents.last_words import decode


def lines(*events: Any) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in events)


class LastWords(unittest.TestCase):
    def test_each_form(self) -> None:
        said = {
            "type": "assistant",
            "message": {"content": [{"type": "text", "text": "I looked."}, {"type": "tool_use"}]},
        }
        tool = {"type": "assistant", "message": {"content": [{"type": "tool_use", "name": "Bash"}]}}
        message = {"type": "item.completed", "item": {"type": "agent_message", "text": "Two\nlines"}}
        for wanted, output in (
            ("All done.", lines({"type": "system"}, said, {"type": "result", "result": "All done."})),
            ("I looked.", lines(said, tool)),
            ("error_max_turns", lines(said, {"type": "result", "subtype": "error_max_turns"})),
            ("Two\nlines", lines({"type": "turn.started"}, message, {"type": "turn.completed", "usage": {}})),
            ("no model", lines(message, {"type": "turn.failed", "error": {"message": "no model"}})),
            ("I looked.\nTraceback\n  boom", lines("warming up", said, "Traceback", "  boom")),
            ("All done.", lines('cut off", "type": 1}', {"type": "result", "result": "All done."})),
        ):
            with self.subTest(wanted):
                self.assertEqual(decode(output), wanted)

    def test_what_became_words_on_its_way_into_the_report(self) -> None:
        from txlite.agents.transcript import Transcript

        class Memory:
            data = b""

            def write(self, data: bytes) -> None:
                self.data += data

        def message(*blocks: dict[str, Any]) -> dict[str, Any]:
            return {"type": "assistant", "message": {"content": list(blocks)}}

        tool = {"type": "tool_use", "name": "Bash", "input": {"command": "make"}}
        given = {"type": "user", "message": {"content": [{"type": "tool_result", "content": "one\ntwo"}]}}
        begin, end = (
            message({"type": "text", "text": "I look."}, tool),
            message({"type": "text", "text": "All done.\n\nTwo."}),
        )
        result = {"type": "result", "result": "All done.\n\nTwo.", "num_turns": 2}
        error = {"type": "result", "is_error": True, "num_turns": 2}
        for wanted, events in (
            ("All done.\n\nTwo.", (begin, given, end, result)),
            ("[ended with an error: 2 turns]", (begin, given, error)),
            ("I look.\n→ Bash: make\n    one\n    two\n", (begin, given)),
        ):
            sink = Memory()
            Transcript(sink, "claude").write(lines(*events).encode())
            self.assertEqual(decode(sink.data.decode()), wanted, sink.data.decode())

    def test_what_is_no_event_is_plain(self) -> None:
        for output in ("", "plain\n{not json\n", '{"a": 1}\n[1]\n', '{"type": 3}\n', "{" * 100_000):
            self.assertEqual(decode(output), output)

    def test_events_of_any_shape(self) -> None:
        for broken in (None, 3, [], {}, "x", [{"type": "text", "text": 5}], {"content": [3, None]}):
            for kind in ("result", "assistant", "item.completed", "turn.failed", "error"):
                event = {"type": kind, "message": broken, "item": broken, "error": broken, "result": broken}
                self.assertIsInstance(decode(lines(event)), str)


if __name__ == "__main__":
    unittest.main()
