"""What the tests of Slurm share: the cluster of their process, and commands that run on its login host."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import unittest
from collections.abc import Callable, Collection
from typing import Any

from ..case import PATIENCE, Case, is_running, wait_until
from .cluster import Cluster, missing, shared

ENDED = frozenset("BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED TIMEOUT".split())


class SlurmCase(Case):
    """A test with a home of its own and a real Slurm, whose login host is where commands of txlite run.

    What runs as a job is out of their sight and reach, as on a real cluster: only Slurm finds and ends it.
    """

    cluster: Cluster

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if missing():
            raise unittest.SkipTest(missing())
        cls.cluster = cls.bring_cluster()

    @classmethod
    def bring_cluster(cls) -> Cluster:
        """Give the cluster that they use, started. Raises SkipTest where there can be none."""
        return shared()

    def setUp(self) -> None:
        super().setUp()
        self.environment.update(SLURM_CONF=self.cluster.configuration, PATH=self.cluster.environment["PATH"])
        self.addCleanup(self.cancel_all)

    def cancel_all(self) -> None:
        """No job is left for the next test."""
        self.cluster.run("scancel", "--me", "--signal=KILL", "--full", code=None)
        self.cluster.run("scancel", "--me", code=None)
        self.wait_for_no_jobs()

    def wait_for_no_jobs(self) -> None:
        """Wait until Slurm lists none: it hears of an end a moment later than who reads what the job wrote."""
        wait_until(lambda: not self.cluster.squeue(), "an empty squeue")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command of txlite on the login host; its PID is the one on our side."""
        options.setdefault("cwd", self.directory)
        with self.cluster.login.entered(options) as here:
            return super().start(*arguments, **here)

    def worker_pids(self) -> list[int]:
        """The PIDs of the workers, on our side."""
        ours = self.cluster.login.pids()
        return [ours[pid] for pid in super().worker_pids() if pid in ours]

    def sbatch(self, *options: str, script: str = "sleep 600", **more: Any) -> str:
        """Submit a script; the number of its job."""
        command = ["sbatch", "--parsable", "--output=/dev/null", *options]
        options_of_run = {"cwd": self.directory, "env": self.environment, **more}
        return self.cluster.run(*command, input=f"#!/bin/sh\n{script}\n", **options_of_run).stdout.strip()

    def job_state(self, job: str) -> str:
        """What squeue calls its state, "" for one that it does not know."""
        return self.cluster.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%T", code=None).stdout.strip()

    def wait_for_job(self, job: str, *states: str) -> str:
        """Wait until a job is in one of these states; the state."""
        return wait_until(lambda: found if (found := self.job_state(job)) in states else "", f"job {job}: {states}")

    def wait_for_end(self, job: str) -> str:
        """Wait until a job is over, and is not to be started again; its state."""
        return wait_until(lambda: found if (found := self.job_state(job)) in ENDED else "", f"job {job}", 2 * PATIENCE)

    def kill_all(self, run: subprocess.Popen[bytes]) -> None:
        """Kill a run and its workers at once: a worker whose supervisor died gives back what has not started."""
        run.send_signal(signal.SIGSTOP)  # it starts no other worker
        self.kill_at_once(lambda: [run.pid, *self.worker_pids()])
        run.wait()

    def kill_at_once(self, find: Callable[[], Collection[int]]) -> list[int]:
        """Kill the processes that are found so that none of them sees another one's end, also those that they start
        while they are looked for; returns when they are dead. Their PIDs."""
        stopped: list[int] = []
        while found := [pid for pid in find() if pid not in stopped]:
            stopped += found
            send(found, signal.SIGSTOP)
        send(stopped, signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, stopped)), "their end")
        return stopped


def send(pids: Collection[int], number: int) -> None:
    """Send a signal to those that are there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
