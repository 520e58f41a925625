"""`attach`: an agent's session is gone on with by hand, where it worked, and the task is kept from others meanwhile."""

from __future__ import annotations

import os
import unittest

import txlite

from ..case import Case, wait_until
from ..ralph.case import WorktreesCase

CLAUDE = """#!/bin/sh
if test "$1" = --resume; then
    echo "again $2 in $PWD, ${TXLITE_TOKEN-no claim}, ${TXLITE_HOME##*/}, ${SECRET-hidden}"
    while test -e hold; do touch held; sleep 0.02; done
    exit 3
fi
head -n 1 > /dev/null
echo "{\\"type\\": \\"system\\", \\"subtype\\": \\"init\\", \\"session_id\\": \\"5e55\\", \\"cwd\\": \\"$PWD\\"}"
echo changed > work
until test ! -e wait; do touch waits; sleep 0.02; done
echo '{"type": "result", "is_error": true, "result": "no", "session_id": "5e55", "total_cost_usd": 0.5}'
exit 1
"""
CONFIG = "[agent claude]\nhide = SECRET\n"


class Attached(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("stand"))
        with open(self.path("stand/claude"), "w") as file:
            file.write(CLAUDE)
        os.chmod(self.path("stand/claude"), 0o755)
        self.environment.update(PATH=self.path("stand") + ":" + self.environment["PATH"], SECRET="x")
        txlite.open(self.home).close()
        self.write_config(CONFIG)
        self.task = self.txlite("add", "-q", "a task").strip()

    def put(self, name: str) -> None:
        with open(self.path(name), "w"):
            pass

    def test_a_session_is_gone_on_with_and_the_task_is_nobody_elses(self) -> None:
        self.txlite("run", "--agent", "claude", "--max-attempts", "1", code=1)
        self.txlite("retry", self.task)
        found = self.json("attach", self.task)
        self.assertEqual((found["argv"], found["directory"], found["agent"]),
                         (["claude", "--resume", "5e55"], self.directory, "claude"))  # fmt: skip
        self.assertEqual(
            self.txlite("attach", self.task, "--dry-run"), f"cd {self.directory} && claude --resume 5e55\n"
        )
        self.put("hold")
        attached = self.start("attach", self.task)
        wait_until(lambda: os.path.exists(self.path("held")), "the agent")
        self.assertEqual(self.json("claims")[0]["workerId"], "attach")
        self.txlite("claim", self.task, "me", code=1)
        os.unlink(self.path("hold"))
        out, error = attached.communicate(timeout=60)
        self.assertEqual(attached.returncode, 3, error)
        self.assertEqual(
            out.decode(),
            (
                f"{self.task} is yours: cd {self.directory} && claude --resume 5e55\n"
                f"again 5e55 in {self.directory}, no claim, .txlite, hidden\n"
                f"{self.task} goes back into the queue, where a fresh agent takes it up\n"
            ),
        )
        self.assertEqual(self.json("show", self.task)["status"], "backlog")
        self.assertEqual(self.json("attach", self.task)["session"], "5e55", "what was held by hand is no session")

    def test_what_was_cut_off_before_it_said_what_it_cost(self) -> None:
        self.put("wait")
        run = self.start("run", "--agent", "claude")
        wait_until(lambda: os.path.exists(self.path("waits")), "the agent")
        self.txlite("attach", self.task, code=1)
        self.assertIn(f"{self.task} runs: `txlite say {self.task} WORDS` tells", self.errors)
        self.txlite("stop", self.task, code=None)
        run.wait(60)
        self.assertEqual(self.json("attach", self.task)["session"], "5e55")

    def test_what_cannot_be_gone_on_with(self) -> None:
        self.txlite("attach", self.task, code=2)
        self.assertIn(f"no agent of {self.task} has said what its session is", self.errors)
        self.txlite("attach", "tx-none", code=2)
        self.txlite("run", "--agent", "claude", "--max-attempts", "1", code=1)
        self.write_config("[agent claude]\nresume = claude --continue\n")
        self.txlite("attach", self.task, code=64)
        self.assertIn("resume is 'claude --continue': {session} is missing", self.errors)
        self.write_config("[agent claude]\nresume =\n")
        self.txlite("attach", self.task, code=1)
        self.assertIn("set `resume = COMMAND {session}` in [agent claude]", self.errors)
        self.write_config("[agent claude]\nresume = absent {session}\n")
        self.txlite("attach", self.task, code=1)
        self.assertIn("absent could not be started", self.errors)


class AttachedToAWorktree(WorktreesCase):
    def test_what_was_parked_can_be_brought_back(self) -> None:
        os.chmod(self.write("stand/claude", CLAUDE), 0o755)
        self.environment["PATH"] = self.path("stand") + ":" + self.environment["PATH"]
        self.commit("the stand-in")
        task = self.add("-")
        self.ralph(agent="claude", code=1)
        self.txlite("attach", task, code=1)
        worktree = os.path.join(self.home, "worktrees", task)
        self.assertIn(f"{worktree}, where attempt 1 worked, is gone: its work is parked, and `git -C ", self.errors)
        words = self.errors.split("`")[1].split(" ")[1:]
        self.run_git(*words)
        found = self.json("attach", task)
        self.assertEqual((found["directory"], found["session"]), (worktree, "5e55"))
        self.assertEqual(self.read(os.path.join(worktree, "work")), "changed\n")
        self.txlite("attach", task, code=3)
        self.txlite("retry", task)
        self.ralph(agent="claude", code=1)
        self.assertEqual(len(self.parked()), 2, "the next attempt had a worktree all the same")


if __name__ == "__main__":
    unittest.main()
