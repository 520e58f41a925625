"""How what was launched is stopped, and what becomes of it when its worker is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import unittest

from ..case import running, wait_until
from .case import LaunchCase, tree_of


class Stop(LaunchCase):
    def test_a_signal_to_the_pid_that_was_told_stops_it(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            launched = self.launch("task", then=f"sleep {self.nap}")
            wait_until(lambda: running(self.nap), "the agent to start")
            os.kill(launched["pid"], number)
            self.txlite("wait", launched["id"], code=143 if number != signal.SIGQUIT else 137)
            row = self.one(launched)
            self.assertEqual((row["status"], row["note"]), ("cancelled", f"it was stopped by {number.name}"))
            self.assertEqual(running(self.nap), [])

    def test_killed_workers_are_lost_at_once_and_their_trees_end(self) -> None:
        inner = f"setsid sh -c 'env -i sleep {self.nap}' & sleep {self.nap}"
        for how in ("stop", "reconcile", "wait", "status"):  # who notices it recovers it
            launched = self.launch("task", "--kill-after", "0.5", then=inner)
            wait_until(lambda: len(running(self.nap)) == 2, "the agent's tree")
            self.kill(launched)
            told = self.txlite(how, *([launched["id"]] if how in ("stop", "wait") else []), code=125 * (how == "wait"))
            if how in ("wait", "status"):
                self.assertIn("lost", told)
            self.txlite("wait", launched["id"], code=125 if how != "stop" else None)
            self.assertEqual(running(self.nap), [])
            row = self.one(launched)
            self.assertEqual(row["status"], "cancelled" if how == "stop" else "lost")
            told = self.read(row["report"])
            self.assertIn("**Outcome:** lost  \n", told)
            self.assertIn("\n**Note:** its worker died\n", told)
            self.assertIn(f"_{launched['pid']}_codex_task", row["report"])
            self.assertNotIn("{{", self.read(row["report"]))

    def test_stop_ends_a_worker_that_was_stopped_and_only_ours(self) -> None:
        launched = self.launch("task", "--kill-after", "0.3", then=f"trap '' TERM; sleep {self.nap} & wait")
        wait_until(lambda: running(self.nap), "the agent to start")
        os.kill(launched["pid"], signal.SIGSTOP)
        self.txlite("stop", str(os.getpid()), code=2)
        self.environment["THEN"] = ""
        (row,) = self.json("stop", launched["id"])
        self.assertEqual(row["status"], "cancelled")
        self.assertEqual(running(self.nap), [])
        self.assertEqual(self.json("stop", launched["id"])[0]["status"], "cancelled")
        queued = self.txlite("add", "-q", "x").strip()
        self.txlite("stop", queued, code=1)
        self.assertIn("does not run", self.errors)

    def test_a_dead_worker_is_lost_while_it_is_recovered(self) -> None:
        launched = self.launch(
            "--kill-after", "60", "task", then="trap '' TERM; touch begun; while :; do sleep 0.1; done"
        )
        wait_until(lambda: os.path.exists(self.path("begun")), "the agent to start")
        self.kill(launched)
        recovering = self.start("reconcile")
        lock = os.path.join(self.home, "locks", self.json("show", launched["id"])["attempts"][0]["worker"])
        from txlite.system.liveness import is_held

        wait_until(lambda: is_held(lock), "somebody to recover it")
        self.assertEqual(self.one(launched)["status"], "lost")
        self.txlite("wait", launched["id"], code=125)
        while recovering.poll() is None:  # its sleeps come and go while we look
            for pid in tree_of(launched, self.home):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.assertEqual(recovering.returncode, 0)

    def test_an_end_of_its_own_is_not_changed_by_a_late_stop(self) -> None:
        import txlite

        launched = self.launch("task", then="exit 3")
        self.wait_for(launched, code=3)
        with txlite.open(self.home) as store:
            self.assertFalse(store.assignments.stop(launched["attempt"]))
        self.assertEqual(self.json("stop", launched["id"])[0]["status"], "failed")

    def test_nothing_is_stopped_between_two_attempts(self) -> None:
        task = self.txlite("add", "-q", "--", "exit 1").strip()
        run = self.start("run", "--max-attempts", "999")
        wait_until(lambda: self.json("show", task)["failures"] >= 2, "two attempts")
        self.txlite("pause")  # or the next may begin before we have asked
        wait_until(lambda: self.json("show", task)["status"] == "backlog", "the end of an attempt")
        self.txlite("stop", task, code=1)
        self.assertIn("`txlite cancel", self.errors)
        self.txlite("cancel", task)
        run.wait(60)


if __name__ == "__main__":
    unittest.main()
