"""What an agent's provider refuses: usage limits, a login that is missing, an agent that is gone."""

from __future__ import annotations

import json
import os
import signal
import time
import unittest
from typing import Any

from ..case import PATIENCE, running, wait_until
from .case import RepositoryCase

# A message is a line, and stdin stays open behind it.
READ_ALL = 'case "$*" in *--input-format*) head -n 1 ;; *) cat ;; esac'


class Provider(RepositoryCase):
    """What the providers of agents refuse, as their programs print it."""

    def claude(self, *lines: dict[str, Any], then: str = "exit 0") -> None:
        """A stand-in for claude: it prints these lines and fails, the first time."""
        self.write("stand/lines", "".join(json.dumps(line) + "\n" for line in lines))
        self.write(
            "stand/claude",
            f"#!/bin/sh\n{READ_ALL} > /dev/null; echo \"$@\" >> {self.path('stand/argv')}\n"
            f"if test -e {self.path('stand/again')}; then {then}; fi\n"
            f"touch {self.path('stand/again')}; cat {self.path('stand/lines')}; exit 1\n",
        )
        os.chmod(self.path("stand/claude"), 0o755)
        os.symlink("claude", self.path("stand/codex"))
        self.environment["PATH"] = self.path("stand") + ":" + self.environment["PATH"]
        self.commit("the stand-in")

    def test_a_usage_limit_costs_nothing_and_pauses_the_agent(self) -> None:
        until = int(time.time()) + 3
        self.claude(
            {"type": "system", "subtype": "init"},
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": until}},
            {"type": "assistant", "error": "rate_limit"},
            {"type": "result", "is_error": True, "api_error_status": 429, "result": "You've hit your session limit"},
        )
        task = self.add("-")
        self.ralph("--no-commit", agent="claude")
        self.assertGreaterEqual(time.time(), until)
        first, second = self.attempts(task)
        self.assertEqual((first.outcome, second.outcome), ("interrupted", "done"))
        self.assertIn("You've hit your session limit (no more before ", first.note)
        self.assertEqual([row["status"] for row in self.json("status")], ["done", "interrupted"])
        self.assertEqual(self.json("show", task)["failures"], 0)
        argv = self.read("stand/argv")
        self.assertIn("--output-format stream-json --verbose", argv)
        self.assertIn("--allowedTools Bash(txlite show:*) Bash(txlite done:*) mcp__txlite", argv)

    def test_codex_says_until_when_in_words(self) -> None:
        message = "You\u2019ve hit your usage limit. Upgrade to Pro (https://x.example) or try again at {}."
        soon = time.localtime(time.time() + 180)
        self.claude(
            {"type": "turn.started"},
            {"type": "turn.failed", "error": {"message": message.format(time.strftime("%I:%M %p", soon).lstrip("0"))}},
        )
        task = self.add("-")
        loop = self.start("ralph", "--agent", "codex", "--no-commit")
        wait_until(lambda: self.attempts(task), "the first attempt")
        wait_until(lambda: self.last(task).outcome == "interrupted", "its end")
        self.assertEqual(self.status_of(task), "backlog")
        self.assertIn("hit your usage limit", self.last(task).note)
        told = next(line for line in loop.stdout or () if b"codex is asked again at " in line)
        self.assertIn("or after `txlite resume`: You\u2019ve hit your usage limit", told.decode())
        loop.send_signal(signal.SIGTERM)
        self.assertEqual(loop.wait(PATIENCE), 130)
        self.assertEqual(len(self.attempts(task)), 1)

    def test_who_is_not_logged_in_stops_the_loop_with_one_line(self) -> None:
        self.claude(
            {"type": "assistant", "error": "authentication_failed"},
            {"type": "result", "is_error": True, "result": "Not logged in \u00b7 Please run /login"},
        )
        task = self.add("-")
        self.ralph("--no-commit", agent="claude", code=1)
        self.assertIn("txlite: agent claude: Not logged in \u00b7 Please run /login: mend that first\n", self.errors)
        self.assertEqual(self.status_of(task), "backlog")

    def test_an_agent_that_is_gone_stops_the_loop(self) -> None:
        self.claude()
        task = self.add("-")
        self.write("stand/claude", "#!/nowhere/interpreter\n")
        self.ralph("--no-commit", agent="claude", code=1)
        self.assertIn("claude could not be started", self.errors)
        self.assertEqual(self.status_of(task), "backlog")

    def test_words_in_the_middle_decide_nothing(self) -> None:
        self.configure("limit = limit reached until (?P<until>.+)\nunusable = log in\n")
        middle = "echo please log in; echo limit reached until 23:59; for n in 1 2 3 4 5; do echo $n; done; exit 4"
        task = self.add(middle)
        self.ralph("--no-commit", code=1)
        self.assertEqual(self.last(task).outcome, "failed")
        last = self.add("echo please log in; exit 4")
        self.ralph("--no-commit", code=1)
        self.assertEqual((self.status_of(last), self.last(last).outcome), ("backlog", "interrupted"))

    def test_a_result_counts_as_an_end(self) -> None:
        self.claude({"type": "result", "is_error": False, "result": "ok"}, then="exit 1")
        told = self.path("stand/lines")
        stays = f"exec tail -n +1 -f -s {self.nap} {told}"  # a shell would say, now and then, that its child was killed
        self.write("stand/claude", self.read("stand/claude").replace(f"cat {told}; exit 1", stays))
        task = self.add("-")
        self.ralph("--no-commit", "--settle", "0.3", agent="claude")
        self.assertEqual((self.status_of(task), running(self.nap)), ("done", []))
        self.assertEqual(self.txlite("logs", task), "ok\n[ended]\n")  # in words, not as JSON


if __name__ == "__main__":
    unittest.main()
