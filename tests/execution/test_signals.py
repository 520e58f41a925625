"""How a run is stopped: gracefully, harder, at once, with its whole group, and at any moment of its start."""

from __future__ import annotations

import fnmatch
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest
from typing import Any

from txlite.system import wakeup

from ..case import Case, running, wait_until

# A run that is told to end at a certain point of its loop, and goes no further once it has said so.
TOLD_LATE = """
import os, signal, sys, time
from txlite import cli
from txlite.execution.recovery import Recovery
from txlite.view.run_progress import RunProgress

step, look = Recovery.step, RunProgress.look

def end(self):
    if os.path.exists("end"):
        os.unlink("end")
        os.kill(os.getpid(), signal.SIGTERM)
    step(self)

def wait(self, is_interrupted=False):
    look(self, is_interrupted)
    while is_interrupted and not os.path.exists("seen"):
        time.sleep(0.01)

Recovery.step, RunProgress.look = end, wait
if __name__ == "__main__":
    sys.exit(cli.main())
"""


class Stopping(Case):
    def begin(self, *lines: str, options: tuple[Any, ...] = (), **keywords: Any) -> subprocess.Popen[bytes]:
        batch = self.batch(*lines)
        run = self.start("run", "--from", batch, "--workers", "2", "--kill-after", "1", *options, **keywords)
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        return run

    def test_the_first_signal_lets_running_attempts_finish_and_claims_nothing_new(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                wait = "while test ! -e go; do sleep 0.05; done; echo end >> log"
                lines = (f"touch first; {wait}", f"touch started; {wait}", "echo never >> log")
                run = self.begin(*lines, options=("--again",))
                wait_until(lambda: os.path.exists(self.path("first")), "the other agent")
                run.send_signal(number)
                while not run.stdout.readline().startswith(b"stopping"):
                    self.assertIsNone(run.poll())
                with open(self.path("go"), "w"):
                    pass
                self.assertEqual(run.wait(60), 130)
                self.assertEqual(self.read("log"), "end\nend\n")
                self.assertIn("interrupted", run.stderr.read().decode())
                for name in ("log", "first", "started", "go"):
                    os.unlink(self.path(name))
                for task in self.json("list", "--status", "backlog"):
                    self.txlite("cancel", task["id"])

    def test_nothing_is_begun_once_it_is_said_whenever_the_signal_came(self) -> None:
        with open(self.path("told_late.py"), "w") as file:
            file.write(TOLD_LATE)
        batch = self.batch("touch started; until test -e go; do sleep 0.02; done", "echo never >> log")
        run = subprocess.Popen(
            [sys.executable, "told_late.py", "run", "-j", "1", "--from", batch], cwd=self.directory,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(self._end, run)
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        open(self.path("end"), "w").close()
        while not run.stdout.readline().startswith(b"stopping"):
            self.assertIsNone(run.poll())
        open(self.path("go"), "w").close()
        wait_until(lambda: self.json("list", "--status", "done"), "its end")
        open(self.path("seen"), "w").close()
        self.assertEqual(run.wait(60), 130)
        self.assertEqual((self.read("log"), len(self.json("list", "--status", "backlog"))), ("", 1))

    def test_the_whole_group_may_be_signalled(self) -> None:
        wait = "while test ! -e go; do sleep 0.05; done"
        run = self.begin(f"touch started; {wait}; sleep 0.5; echo end >> log", start_new_session=True)
        os.killpg(run.pid, signal.SIGSTOP)  # so that however late we are, they come at once
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCONT):  # closer than a second: one
            os.killpg(run.pid, number)
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 130)
        self.assertEqual(self.read("log"), "end\n")

    def test_a_signal_that_the_agents_get_as_well_costs_them_nothing(self) -> None:
        ends = "touch started; exec sleep 600", "trap 'exit 143' TERM; touch first; sleep 600 & wait $!"
        run = self.begin(*ends)
        wait_until(lambda: os.path.exists(self.path("first")), "the other agent")
        agents = [row["pid"] for row in wait_until(self.running_rows, "two PIDs")]
        # As Slurm ends a job, and systemd a service. Agents are the last, because who hears later than a moment after
        # the end of its agent that all were signalled takes that for a failure.
        for pid in (run.pid, *self.worker_pids(), *agents):
            os.kill(pid, signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)
        for task in self.json("list"):
            self.assertEqual((task["status"], task["failures"]), ("backlog", 0))
            (attempt,) = self.json("show", task["id"])["attempts"]
            self.assertEqual((attempt["outcome"], attempt["note"]), ("interrupted", "all of the run was sent SIGTERM"))

    def running_rows(self) -> list[dict[str, Any]]:
        """The attempts of `status`, once both show their PIDs."""
        rows: list[dict[str, Any]] = self.json("status")
        return rows if len(rows) == 2 and all(row["pid"] for row in rows) else []

    def test_an_agent_that_ends_itself_by_a_signal_has_failed(self) -> None:
        run = self.begin("touch started; kill -TERM $$", "true", options=("--max-attempts", "1"))
        self.assertEqual(run.wait(60), 1)
        self.assertEqual([task["failures"] for task in self.json("list", "--status", "failed")], [1])

    def test_drain_bounds_the_wait(self) -> None:
        run = self.begin("touch started; sleep 600", options=("--drain", "0.3"))
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)
        (task,) = self.json("list")
        self.assertEqual((task["status"], task["failures"]), ("backlog", 0))

    def test_quit_stops_at_once(self) -> None:
        mark = f"quit-{os.getpid()}"
        run = self.begin(f"touch started; trap '' TERM; exec bash -c 'trap \"\" TERM; exec -a {mark} sleep 600'",
                         options=("--kill-after", "600"))  # fmt: skip
        wait_until(lambda: running(mark), "the agent")
        run.send_signal(signal.SIGQUIT)
        self.assertEqual(run.wait(60), 130)
        self.assertEqual(running(mark), [])

    def test_what_the_caller_ignores_stays_ignored(self) -> None:
        batch = self.batch("touch started; sleep 0.7; echo end >> log", "echo next >> log")
        run = subprocess.Popen(
            ["/bin/sh", "-c", f'trap "" HUP INT; exec {sys.executable} -m txlite run --from "$0"', batch],
            cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(run.kill)
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        run.send_signal(signal.SIGHUP)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(60), 0)
        self.assertEqual(sorted(self.read("log").split()), ["end", "next"])

    def test_signals_during_the_start(self) -> None:
        chance = random.Random(7)
        batch = self.batch("true", "true")
        for _ in range(8):
            run = self.start("run", "--from", batch, "--again", start_new_session=True)
            self.assertIn(b"2 tasks added", run.stdout.readline())
            time.sleep(chance.random() * 0.3)
            os.killpg(run.pid, chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
            errors = run.communicate(timeout=60)[1].decode()
            # Before its handlers are there, and after they are gone, a signal ends it as it ends any program.
            self.assertIn(run.returncode, (0, 130, -signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP), errors)
            self.assertNotIn("Traceback", errors)
        self.txlite("run")
        self.assertEqual(self.json("status", "--stats")["workers"], [])


class Running(Case):
    def test_scale_while_it_runs(self) -> None:
        run = self.start(
            "run", "--from", self.batch(*["while ! test -e go; do sleep 0.05; done"] * 6), "--workers", "1"
        )
        wait_until(lambda: self.json("status", "--stats")["tasks"]["active"] == 1, "one agent")
        self.txlite("scale", "4")
        wait_until(lambda: self.json("status", "--stats")["tasks"]["active"] == 4, "four agents")
        self.assertIn("2 workers", self.txlite("scale", "2"))
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)
        self.txlite("scale", "2", code=2)
        self.txlite("scale", "0", code=64)

    def test_a_run_is_ended_from_another_shell(self) -> None:
        self.txlite("init")
        self.txlite("stop", "run-none", code=2)
        lines = [f"touch began-{name}; until test -e {name}; do sleep 0.02; done" for name in ("first", "never")]
        run = self.start("run", "--from", self.batch(*lines, "exit"), "--workers", "2", "--forever")
        wait_until(lambda: all(os.path.exists(self.path(f"began-{name}")) for name in ("first", "never")), "agents")
        told = self.txlite("stop", "--all")
        (name,) = re.findall(r"`txlite stop (run-[a-z0-9]+)` ends a run", self.errors)
        self.assertEqual(told, "")
        self.txlite("stop", name, "tx-none", code=64)
        self.assertIn(name, self.txlite("complete", "running", "", "stop"))
        self.assertEqual(self.json("stop", name[:9]), [{"run": name, "stopping": True}])
        while not run.stdout.readline().startswith(b"stopping"):
            self.assertIsNone(run.poll())
        with open(self.path("first"), "w"):
            wait_until(lambda: self.json("list")[0]["status"] == "done", "what runs to finish")
        self.assertIn(f"{name} ends when", self.txlite("stop", name))
        # signals that are closer than a second are one
        wait_until(lambda: self.txlite("stop", name, code=None) is None or run.poll() is not None, "its end")
        self.assertEqual(run.wait(60), 130)
        self.assertEqual([task["status"] for task in self.json("list")], ["done", "backlog", "backlog"])
        self.txlite("stop", name, code=2)

    def test_an_idle_worker_starts_what_is_added_at_once(self) -> None:
        with open(self.path("patient.py"), "w") as file:  # its workers run it, too, and wake late unless they are rung
            file.write("import sys\nfrom txlite import cli\nfrom txlite.execution import worker\nworker.LOOK = 600.0\n"
                       "if __name__ == '__main__':\n    sys.exit(cli.main())\n")  # fmt: skip
        run = subprocess.Popen(
            [sys.executable, "patient.py", "run", "--forever", "--workers", "2"], cwd=self.directory,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(self._end, run)
        store = self.store()
        for number in range(5):
            wait_until(
                lambda: len(fnmatch.filter(wakeup.listeners(store.wake_directory), "worker-*")) == 2, "idle workers"
            )
            time.sleep(0.1)  # who does not sleep yet needs no ring
            store.add(command=f"touch began-{number}", directory=self.directory)
            wait_until(lambda: os.path.exists(self.path(f"began-{number}")), "the command to start")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)

    def test_a_running_task_can_be_cancelled_and_done_is_refused(self) -> None:
        run = self.start(
            "run", "--from", self.batch("touch started; sleep 60", "touch also; sleep 60"), "--workers", "2"
        )
        wait_until(lambda: os.path.exists(self.path("started")) and os.path.exists(self.path("also")), "the agents")
        first, second = (task["id"] for task in self.json("list"))
        self.txlite("done", first, code=1)
        self.assertIn("is run by worker-", self.errors)
        self.txlite("retry", first, code=1)
        self.txlite("cancel", first)
        self.txlite("done", second, "--force")
        run.wait(60)
        self.assertEqual([task["status"] for task in self.json("list")], ["cancelled", "done"])

    def test_the_agents_own_done_is_the_holders(self) -> None:
        self.environment["PYTHON"] = sys.executable
        self.txlite(
            "run", "--from", self.batch('"$PYTHON" -m txlite done $TXLITE_TASK && exit 3'), "--max-attempts", "1"
        )
        (task,) = self.json("list")
        self.assertEqual(task["status"], "done")
        self.assertEqual(len(self.json("show", task["id"])["attempts"]), 1)


if __name__ == "__main__":
    unittest.main()
