"""The stand-ins of claude and codex: what they say is read as the real ones' words are, and they know their options."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import unittest

from txlite.agents.agent import describe_agent
from txlite.agents.results import LIMITED, UNUSABLE, ResultParser
from txlite.agents.transcript import Transcript
from txlite.home.config import Settings

from ..stand_ins.claude import Claude
from ..stand_ins.codex import Codex
from .test_results import Memory

USED = (1000, 5000, 200)


def listen(form: Claude | Codex, *calls: tuple[str, object]) -> list[dict[str, object]]:
    """The events of these calls, each a method and what it is given, until one ends the process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        for name, given in (("begin", ()), *calls):
            getattr(form, name)(*(given if isinstance(given, tuple) else (given,)))
    return [json.loads(line) for line in out.getvalue().splitlines()]


class StandIns(unittest.TestCase):
    def make(self, name: str, *more: str) -> Claude | Codex:
        """A stand-in that was started as the loop starts its agent."""
        argv = describe_agent(name, Settings("")).build_argv(level="high", in_loop=True)[1:]
        form: Claude | Codex = Claude([*argv, *more]) if name == "claude" else Codex([*argv[:-1], *more, "-"])
        self.assertEqual(form.level, "high")
        return form

    def parse(self, name: str, events: list[dict[str, object]]) -> tuple[ResultParser, str]:
        sink = Memory()
        parser = ResultParser(Transcript(sink, name), name)
        parser.write("".join(json.dumps(event) + "\n" for event in events).encode())
        return parser, sink.data.decode()

    def test_a_good_end(self) -> None:
        for name in ("claude", "codex"):
            events = listen(self.make(name), ("answer", ("out", USED, "ls")), ("finish", "done"))
            parser, words = self.parse(name, events)
            self.assertTrue(parser.has_result)
            self.assertIsNone(parser.find_refusal())
            self.assertIn(": ls\n" if name == "claude" else "ls'\n", words)
            self.assertIn("done\n", words)
        self.assertEqual(events[-1]["usage"]["input_tokens"], 6000)  # type: ignore[index]

    def test_refusals(self) -> None:
        for name in ("claude", "codex"):
            until = ("refuse", 4e9) if name == "claude" else ("refuse_rate", 9.0)
            for call, kind in ((until, LIMITED), (("refuse_login", ()), UNUSABLE)):
                refusal = self.parse(name, listen(self.make(name), call))[0].find_refusal()
                self.assertEqual(refusal and refusal.kind, kind)

    def test_money_ends_at_its_bound(self) -> None:
        form = self.make("claude", "--max-budget-usd", "0.02")
        *_, result = listen(form, ("answer", ("", USED, "ls")), ("answer", ("", USED, "ls")), ("finish", "done"))
        self.assertEqual((result["subtype"], result["total_cost_usd"]), ("error_max_budget_usd", 0.025))
        self.assertEqual(result["usage"]["input_tokens"], 0)  # type: ignore[index]
        self.assertEqual(result["modelUsage"]["claude-opus-4-8"]["inputTokens"], 2000)  # type: ignore[index]

    def test_options_that_the_real_ones_do_not_have(self) -> None:
        for name in ("claude", "codex"):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as error:
                self.make(name, *shlex.split("--nonsense 3"))
            self.assertIn("--nonsense", error.getvalue())


if __name__ == "__main__":
    unittest.main()
