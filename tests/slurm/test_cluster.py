"""The tests' cluster itself: it runs jobs, out of sight of the login host, and nothing is left of it."""

from __future__ import annotations

import os
import subprocess
import sys

from ..case import ROOT, is_running, running, wait_until
from .case import SlurmCase

# Starts a cluster, says where it is and which its daemons are, and waits.
STARTED = """
import time
from tests.slurm.cluster import Cluster
cluster = Cluster(nodes=("n1",))
cluster.start()
print(cluster.directory, *(process.pid for process in cluster.processes.values()), flush=True)
time.sleep(600)
"""


class TheCluster(SlurmCase):
    def test_a_job_runs_on_a_node(self) -> None:
        job = self.sbatch("--nodelist=n2", script="hostname > host; exit 3")
        self.assertEqual(self.wait_for_job(job, "FAILED", "COMPLETED"), "FAILED")
        self.assertEqual(self.read("host"), "n2\n")

    def test_a_job_is_out_of_sight_and_reach_of_the_login_host(self) -> None:
        job = self.sbatch(script=f"sleep {self.nap}")
        self.wait_for_job(job, "RUNNING")
        sleeper = wait_until(lambda: running(self.nap), "the job's process")[0]
        listing = self.cluster.run("ps", "-eo", "args").stdout
        self.assertIn("ps -eo args", listing)
        self.assertNotIn(self.nap, listing)
        self.assertNotIn("slurmd", listing)
        self.cluster.run("sh", "-c", "kill -9 -1", code=None)  # all that it can reach
        self.assertTrue(is_running(sleeper))
        self.cluster.run("scancel", job)
        self.assertEqual(self.wait_for_job(job, "CANCELLED"), "CANCELLED")
        self.assertFalse(is_running(sleeper))

    def test_jobs_survive_the_daemons(self) -> None:
        job = self.sbatch("--nodelist=n1", script="touch up; while [ ! -e go ]; do sleep 0.05; done; exit 4")
        wait_until(lambda: os.path.exists(self.path("up")), "its start")  # which comes later than its state RUNNING
        self.cluster.restart_controller()
        self.cluster.restart_node("n1")
        self.assertEqual(self.job_state(job), "RUNNING")
        open(self.path("go"), "w").close()
        self.assertEqual(self.wait_for_job(job, "FAILED", "COMPLETED"), "FAILED")
        self.assertIn("ExitCode=4:0", self.cluster.scontrol("show", "job", job))

    def test_nothing_is_left_of_it_when_the_tests_are_killed(self) -> None:
        tests = subprocess.Popen([sys.executable, "-c", STARTED], cwd=ROOT, stdout=subprocess.PIPE, stderr=-3)
        directory, *daemons = tests.stdout.readline().decode().split()
        self.assertTrue(all(map(is_running, daemons)))
        tests.kill()
        tests.wait()
        tests.stdout.close()
        wait_until(lambda: not any(map(is_running, daemons)), "the end of the daemons")
        wait_until(lambda: not os.path.exists(directory), "the end of the directory")
