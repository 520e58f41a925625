"""When an attempt ends, however it ends, its whole tree is gone; and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import Iterator
from typing import Any

import txlite

from ..case import Case, running, wait_until
from .case import kill

KILL_AFTER = 0.5


# What agents leave behind. Each sleeps under a name of its own, so that the test can find it.
STUBBORN = "trap '' TERM; exec -a {mark} sleep 600"


SURVIVORS = {
    "ignores TERM": 'bash -c "' + STUBBORN + '"',
    "setsid": "setsid bash -c 'exec -a {mark} sleep 600' & ready; sleep 600",
    "env -i, twice forked": "env -i setsid bash -c '(exec -a {mark} sleep 600) & exit' & ready; sleep 600",
    "stopped": "bash -c 'kill -STOP $$; exec -a {mark} sleep 600' & bash -c \"" + STUBBORN + '"',
    "closed its output": 'exec >&- 2>&-; setsid bash -c "' + STUBBORN + '" & ready; sleep 600',
}


# Seconds for a loaded machine and the start of a command, beyond what is promised: as many as leave less than the ten
# that who does not heed TERM would have by default.
LEEWAY = 8.4


LONGER = [0.5 * 2**number for number in range(7)]  # seconds for an attempt in which something has to happen first


def kill_marked(mark: str) -> None:
    for pid in running(mark):
        os.kill(pid, signal.SIGKILL)


class Trees(Case):
    def agent(self, kind: str) -> str:
        """A command that leaves a survivor of this kind, and says so in `ready`."""
        self.mark = f"survivor-{os.getpid()}-{time.monotonic_ns()}"
        if os.path.exists(self.path("ready")):
            os.unlink(self.path("ready"))
        again = f"test -e ready && exec sleep {self.nap}; "  # whoever looks for the first attempt's finds no other's
        return (
            again
            + "ready() { touch ready; }; "
            + SURVIVORS[kind].replace("{mark}", self.mark).replace("; exec -a", "; touch ready; exec -a")
        )

    def is_gone(self) -> bool:
        return not running(self.mark)

    def begin(self, kind: str, *options: Any) -> subprocess.Popen[bytes]:
        """Start a run whose agent has its survivor."""
        batch = self.batch(self.agent(kind))
        run = self.start("run", "--from", batch, "--workers", "1", "--kill-after", str(KILL_AFTER), *options)
        wait_until(self.has_begun, f"the agent of {kind!r}")
        return run

    def has_begun(self) -> bool | list[int]:
        return os.path.exists(self.path("ready")) and running(self.mark)

    def assert_gone_in_time(self, started: float) -> None:
        wait_until(self.is_gone, "the tree to end")
        self.assertLess(time.monotonic() - started, KILL_AFTER + 1 + LEEWAY)

    def each(self) -> Iterator[str]:
        """The kinds, one after the other, each with a home of its own."""
        for kind in SURVIVORS:
            self.home = self.path("home of " + kind)
            self.environment["TXLITE_HOME"] = self.home
            yield kind

    def test_when_the_attempt_times_out(self) -> None:
        for kind in self.each():
            for timeout in LONGER:
                run = self.start("run", "--from", self.batch(self.agent(kind)), "--workers", "1", "--again",
                                 "--kill-after", str(KILL_AFTER), "--timeout", str(timeout),
                                 "--max-attempts", "1")  # fmt: skip
                wait_until(lambda: self.has_begun() or run.poll() is not None, f"the agent of {kind!r}")
                has_begun = run.poll() is None
                self.assertEqual(run.wait(60), 1)
                self.assertTrue(self.is_gone())
                if has_begun:
                    break
            self.assertTrue(has_begun, f"the agent of {kind!r} in {timeout} s")
            with txlite.open(self.home) as store:
                (attempt,) = store.attempts(store.list()[-1].id)
                self.assertEqual(attempt.outcome, "timeout")
                self.assertLess(attempt.duration, timeout + KILL_AFTER + 1 + LEEWAY)

    def test_when_the_agent_exits_by_itself(self) -> None:
        self.mark = f"survivor-{os.getpid()}"
        sleeper = f"exec -a {self.mark} sleep 600"
        left = f"setsid bash -c 'trap : TERM; {sleeper}' & env -i setsid bash -c '({sleeper}) &'"
        self.txlite("run", "--from", self.batch(left + "; echo fine"), "--kill-after", str(KILL_AFTER))
        self.assertTrue(self.is_gone())

    def test_a_chain_of_processes_that_fork_and_exit(self) -> None:
        chain = self.path("chain")
        with open(chain, "w") as file:
            file.write(
                f"#!/bin/sh\ntouch {self.path('ready')}; sleep 0.01\ntest -e {self.path('end')} || $0 & exit 0\n"
            )
        os.chmod(chain, 0o755)
        self.addCleanup(lambda: open(self.path("end"), "w").close())
        for is_killed in (False, True):
            for timeout in (600,) if is_killed else LONGER:
                run = self.start("run", "--from", self.batch(chain + " >&- 2>&-; sleep 600"), "--workers", "1",
                                 "--again", "--kill-after", "0.5", "--max-attempts", "1",
                                 "--timeout", str(timeout))  # fmt: skip
                wait_until(lambda: os.path.exists(self.path("ready")) or run.poll() is not None, "the chain")
                if os.path.exists(self.path("ready")):
                    break
            if is_killed:
                kill(self.worker_pids()[0], run.pid)
                self.txlite("reconcile")
            else:
                self.assertEqual(run.wait(60), 1)
            os.unlink(self.path("ready"))
            time.sleep(0.3)
            self.assertFalse(os.path.exists(self.path("ready")), "the chain goes on")

    def test_when_the_worker_is_killed(self) -> None:
        for kind in self.each():
            run = self.begin(kind)
            started = time.monotonic()
            os.kill(self.worker_pids()[0], signal.SIGKILL)
            self.assert_gone_in_time(started)
            run.send_signal(signal.SIGQUIT)
            self.assertEqual(run.wait(60), 130)
            self.assertEqual((self.is_gone(), running(self.nap)), (True, []))

    def test_when_worker_and_supervisor_are_killed_together(self) -> None:
        for kind in self.each():
            run = self.begin(kind)
            workers = self.worker_pids()
            for pid in (run.pid, *workers):
                os.kill(pid, signal.SIGSTOP)
            kill(run.pid, *workers)
            self.assertFalse(self.is_gone())
            started = time.monotonic()
            self.assertEqual(self.txlite("reconcile"), "1 given back\n")
            self.assert_gone_in_time(started)
            (task,) = self.json("list")
            self.assertEqual((task["status"], task["failures"]), ("backlog", 0))
            (attempt,) = self.json("show", task["id"])["attempts"]
            self.assertEqual(attempt["outcome"], "lost")
            told = self.read(os.path.join(self.home, attempt["report"]))
            self.assertIn("**Outcome:** lost  \n", told)
            self.assertIn("\n**Note:** its worker died\n", told)

    def test_a_second_signal_ends_agents_and_costs_nothing(self) -> None:
        run = self.begin("ignores TERM")
        run.send_signal(signal.SIGTERM)
        while not run.stdout.readline().startswith(b"stopping"):  # the second begins when it has heard the first
            self.assertIsNone(run.poll())
        time.sleep(1.1)
        self.assertIsNone(run.poll())
        self.assertFalse(self.is_gone())
        started = time.monotonic()
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)
        self.assertTrue(self.is_gone())
        self.assertLess(time.monotonic() - started, KILL_AFTER + 1 + LEEWAY)
        (task,) = self.json("list")
        self.assertEqual((task["status"], task["failures"]), ("backlog", 0))


class Bystanders(Case):
    def test_children_that_were_there_before_and_their_daemons_are_left_alone(self) -> None:
        mark = f"bystander-{os.getpid()}"
        batch = self.batch("test -e go && exit; touch started; sleep 600")
        sleeper = f"setsid bash -c 'exec -a {mark} sleep 600' &"
        run = subprocess.Popen(
            ["bash", "-c", f"(sleep 0.5; {sleeper}) & exec {sys.executable} -m txlite run --workers 1 --from {batch}"],
            cwd=self.directory, env=self.environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.addCleanup(kill_marked, mark)
        wait_until(lambda: running(mark) and os.path.exists(self.path("started")), "the bystander and the agent")
        with open(self.path("go"), "w"):
            pass
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(run.wait(60), 0)
        self.assertTrue(running(mark))

    def test_daemons_left_on_purpose_live_on(self) -> None:
        mark = f"daemon-{os.getpid()}"
        self.txlite("init")
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            command = f"setsid bash -c 'exec -a {mark} sleep 600' >&- 2>&- &"
            file.write(f'[agent d]\ncommand = bash -c "{command}"\ndaemons = yes\n')
        self.addCleanup(kill_marked, mark)
        self.txlite("add", "a prompt", "--score", "9")
        self.txlite("add", "--", "setsid sleep 600 & true")
        self.txlite("run", "--workers", "1", "--agent", "d", "--kill-after", "0.3")
        wait_until(lambda: len(running(mark)) == 1, "the daemon, which may have its name later than the run its end")


if __name__ == "__main__":
    unittest.main()
