"""What a killed worker leaves of its jobs: their reports and tickets are gone on with, and none stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any

from ..case import running, wait_until
from .case import SlurmCase
from .cluster import PATH


class Left(SlurmCase):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home, 0o700)
        self.write_config("[txlite]\nslurm_shared = yes\nslurm = --mem=50M\n")

    def run_jobs(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return self.start("run", "--executor", "slurm", *arguments, stdout=-3, **options)

    def names(self, directory: str) -> list[str]:
        """What is there, but for what is being made, or of all."""
        path = os.path.join(self.home, directory)
        return sorted(name for name in os.listdir(path) if name[0] != ".") if os.path.isdir(path) else []

    def begin(self) -> str:
        """A job runs, its worker and supervisor are dead; the name of its report."""
        process = self.run_jobs("--", "echo one; touch up; while [ ! -e go ]; do sleep 0.05; done")
        wait_until(lambda: os.path.exists(self.path("up")), "its start")  # a submission would die with its worker
        report = wait_until(lambda: self.names("workers"), "its report")[0]
        self.kill_all(process)
        return report

    def test_an_attempt_has_one_report_whoever_ends_it(self) -> None:
        report = self.begin()
        second = self.run_jobs()
        wait_until(self.worker_pids, "another worker")
        self.kill_all(second)
        open(self.path("go"), "w").close()
        self.assertEqual(self.run_jobs().wait(60), 0)
        ((final, text),) = self.reports().items()
        self.assertEqual(final[:15], report[:15])
        self.assertNotIn("TEMP", final)
        self.assertIn("\none\n", text)
        self.assertEqual(self.names("tickets"), [])

    def test_stop_ends_it_though_nobody_waits_for_it(self) -> None:
        self.begin()
        wait_until(lambda: self.cluster.squeue("--states=R"), "its job")
        (task,) = self.json("list", "--json")
        began = time.monotonic()
        self.assertRegex(self.txlite("stop", task["id"]), r"\ncancelled .* job \d+ on n\d ")
        self.assertLess(time.monotonic() - began, 60)  # it was once waited for as long as for one with a worker
        self.wait_for_no_jobs()
        self.assertEqual(self.json("list", "--json")[0]["status"], "cancelled")

    def test_cancel_ends_it_too(self) -> None:
        self.begin()
        wait_until(lambda: self.cluster.squeue("--states=R"), "its job")
        (task,) = self.json("list", "--json")
        self.txlite("cancel", task["id"])
        self.wait_for_no_jobs()
        self.assertEqual(self.json("list", "--json")[0]["status"], "cancelled")

    def test_who_stops_it_is_told_that_slurm_does_not_answer(self) -> None:
        self.begin()
        (task,) = self.json("list", "--json")
        self.cluster.kill("slurmctld", signal.SIGTERM)  # by SIGKILL it forgets the job, and gives others its id
        try:
            process = self.start("stop", task["id"], stderr=-1)
            self.assertIn(b"Slurm does not answer, and is waited for: ", process.stderr.readline())
        finally:
            self.cluster.start_controller()
            self.cluster.wait_for_nodes(*self.cluster.nodes)
        process.communicate(timeout=120)
        self.assertEqual((process.returncode, self.json("list", "--json")[0]["status"]), (0, "cancelled"))

    def test_a_ticket_that_was_never_written_is_waited_for_by_nobody(self) -> None:
        os.mkdir(self.path("bin"))
        with open(self.path("bin/sbatch"), "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
            file.write(f'#!/bin/sh\ncase "$*" in *--test-only*) exit;; esac\nexec sleep {self.nap}\n')
        process = self.run_jobs("--", "true", env={**self.environment, "PATH": f"{self.path('bin')}:{PATH}"})
        sbatch = wait_until(lambda: running(self.nap), "its submission")
        self.kill_all(process)
        os.kill(sbatch[0], signal.SIGKILL)
        os.unlink(os.path.join(self.home, "tickets", "1"))
        self.assertEqual(self.run_jobs().wait(60), 0)
        (task,) = self.json("list", "--json")
        self.assertEqual([one.outcome for one in self.store().attempts(task["id"])], ["interrupted", "done"])

    def test_files_of_an_attempt_whose_end_is_recorded_are_removed(self) -> None:
        self.assertEqual(self.run_jobs("--", "true").wait(60), 0)
        for ending in (".out", ".exit", ".note", ".taken"):
            open(os.path.join(self.home, "tickets", f"1{ending}"), "w").close()
        self.txlite("run", "--", "true")
        self.assertEqual(self.names("tickets"), [])

    def test_a_job_waits_for_nodes_that_are_all_down(self) -> None:
        self.addCleanup(self.cluster.wait_for_nodes, *self.cluster.nodes)
        nodes = f"NodeName={','.join(self.cluster.nodes)}"
        self.addCleanup(self.cluster.run, "scontrol", "update", nodes, "State=RESUME", code=None)
        self.cluster.scontrol("update", nodes, "State=DRAIN", "Reason=test")
        process = self.run_jobs("--", "true")
        wait_until(self.cluster.squeue, "a job that waits")
        self.cluster.scontrol("update", nodes, "State=RESUME")
        self.assertEqual(process.wait(60), 0)

    def test_no_job_of_which_slurm_never_has_a_node(self) -> None:
        self.txlite("run", "--executor", "slurm", "--slurm=--mem=99G", "--", "true", code=1)
        self.assertIn("Requested node configuration is not available", self.errors)
        self.assertEqual(self.cluster.squeue(), "")
