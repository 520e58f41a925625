"""The gate, and who else judges an attempt: the agent's own word, its silence, its time."""

from __future__ import annotations

import os
import sys
import time
import unittest

from ..case import running
from .case import RepositoryCase


class Gate(RepositoryCase):
    def test_an_exit_of_0_without_the_gate_is_a_failure_and_the_next_one_is_told(self) -> None:
        self.write(
            ".txlite/templates/ralph-task.md", "cat <<'END' >> seen\n{{LAST_ATTEMPT}}\nEND\n{{TASK_DESCRIPTION}}"
        )
        task = self.add("echo I am done; echo try >> ../tries-of-the-test; txlite done $TXLITE_TASK")
        gate = "echo the gate says no; cp seen ../seen-by-the-test; test $(wc -l < ../tries-of-the-test) -ge 2"
        for name in ("../tries-of-the-test", "../seen-by-the-test"):
            self.addCleanup(os.unlink, self.path(name))
        self.ralph("--verify", gate, "--max-attempts", "3")
        self.assertEqual([one.outcome for one in self.attempts(task)], ["failed", "done"])
        seen = self.read("../seen-by-the-test")
        self.assertIn("did not pass: the gate failed: exit 1", seen)
        self.assertIn("The gate's last lines:\n\n    the gate says no\n", seen)
        self.assertIn("The agent's last words:\n\n    I am done\n", seen)
        self.assertIn(f"git show refs/txlite/parked/{task}/1", seen)

    def test_a_tasks_own_gate_goes_instead(self) -> None:
        task = self.add("true", "own", verify="true")
        self.ralph("--verify", "false")
        self.assertEqual(self.status_of(task), "done")
        self.txlite("update", task, "--verify", "")
        self.txlite("retry", task)
        self.ralph("--verify", "false", code=1)

    def test_a_gate_has_a_time_limit_and_leaves_nothing(self) -> None:
        task = self.add("true")
        self.ralph("--verify", f"setsid sleep {self.nap} & sleep {self.nap}", "--verify-timeout", "0.3", code=1)
        self.assertIn("the gate failed: it ran longer than 0.3 s", self.last(task).note)
        self.assertEqual(running(self.nap), [])

    def test_a_gate_may_have_no_more_memory_than_its_task(self) -> None:
        task = self.add("true")
        grow = f"{sys.executable} -S -c 'import time; x = bytearray(90 << 20); time.sleep(600)'"
        self.ralph("--verify", grow, "--max-memory", "64M", code=1)
        self.assertRegex(self.last(task).note, "the gate failed: it used .* MB of memory, of the 64 MB that it may")


class Word(RepositoryCase):
    def test_who_said_done_may_exit_with_what_it_likes(self) -> None:
        by_word = self.add("txlite done $TXLITE_TASK; exit 7")
        by_file = self.add("echo done > $TXLITE_DONE_FILE; exit 7")
        neither = self.add("echo done; exit 7")
        self.ralph(code=1)
        self.assertEqual([self.status_of(task) for task in (by_word, by_file, neither)], ["done", "done", "failed"])
        self.assertEqual(self.log(), ["first"])

    def test_the_word_of_another_attempt_does_not_count(self) -> None:
        task = self.add("TXLITE_TOKEN=999 TXLITE_ATTEMPT= txlite done $TXLITE_TASK; touch .txlite-done-999; exit 1")
        self.ralph(code=1)
        self.assertEqual(self.status_of(task), "failed")

    def test_who_said_done_and_stays_is_stopped(self) -> None:
        task = self.add(f"echo work > work; txlite done $TXLITE_TASK; sleep {self.nap}")
        began = time.monotonic()
        self.ralph("--settle", "0.3")
        self.assertLess(time.monotonic() - began, 60)
        self.assertEqual((self.status_of(task), running(self.nap)), ("done", []))
        self.assertEqual(self.log()[0], f"Complete {task}: a task")

    def test_who_does_nothing_any_more_is_stopped(self) -> None:
        idle = self.add(f"sleep {self.nap}")
        busy = self.add("for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.3; done")
        self.ralph("--stall", "2", code=1)
        self.assertEqual((self.status_of(idle), self.status_of(busy)), ("failed", "done"))
        self.assertIn("no output and no CPU time for 2 s", self.last(idle).note)

    def test_a_time_limit_for_each_attempt(self) -> None:
        task = self.add("while :; do echo x; sleep 0.05; done")
        self.ralph("--timeout", "0.4", code=1)
        self.assertEqual(self.last(task).outcome, "timeout")


if __name__ == "__main__":
    unittest.main()
