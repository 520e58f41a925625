"""The batch script: a queue that is longer than its job's time limit, and goes on on another host."""

from __future__ import annotations

import os
import re
import unittest

from ..case import wait_until
from .case import SlurmCase

TASK = "echo begin {n} >> log; sleep {seconds}; echo end {n} >> log"


class BatchScripts(SlurmCase):
    def submit(self, *arguments: str) -> str:
        """Have sbatch run what `slurm script` prints; the number of the job."""
        script = self.txlite("slurm", "script", *arguments)
        done = self.cluster.run("sbatch", "--parsable", input=script, cwd=self.directory, env=self.environment)
        return done.stdout.strip()

    def tasks(self, count: int, seconds: float) -> str:
        return self.batch(*(TASK.format(n=n, seconds=seconds) for n in range(count)))

    def restart_elsewhere(self, job: str) -> None:
        """Have a job that was put back into Slurm's queue start soon, on the other node.

        Slurm lets it wait for two minutes; a node needs one second."""
        wait_until(lambda: self.job_state(job) == "PENDING", "a job that is started again")
        node = re.search(r"^node (\w+)$", self.read("log"), re.M)
        self.assertTrue(node)
        self.cluster.scontrol("update", f"JobId={job}", "StartTime=now+2", f"ExcNodeList={node[1]}")

    def kill(self, job: str) -> None:
        """Kill all that runs in a job at once, so that nobody there can say anything; its end."""
        self.kill_at_once(lambda: self.cluster.pids_of(job))
        self.assertEqual(self.wait_for_end(job), "FAILED")

    def output(self, job: str) -> str:
        return self.read(f"slurm-{job}.out")

    def test_a_queue_outlives_the_time_limit_of_its_job(self) -> None:
        source = self.tasks(8, 0.5)
        with open(source, "a") as file:
            file.write("echo node $(uname -n) >> log; echo begin x >> log; ")
            file.write("[ $(grep -c node log) -gt 1 ] || sleep 600 || exit; echo end x >> log\n")
        job = self.submit("--from", source, "--workers", "2", "--warn", "2", "--slurm", "--mem=100")
        wait_until(lambda: "begin x" in self.read("log"), "the long one")
        self.cluster.run("scancel", "--batch", "--signal=USR1", job)  # what comes before a time limit
        self.restart_elsewhere(job)
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))
        log = self.read("log").splitlines()
        for n in (*range(8), "x"):
            self.assertEqual(log.count(f"end {n}"), 1, log)
        self.assertEqual(log.count("begin x"), 2, "it was given back, and begun once more")
        self.assertEqual(len({line for line in log if line.startswith("node")}), 2, "it went on elsewhere")
        self.assertIn("not done: the job is started again", self.output(job))
        task = next(one for one in self.json("list") if "begin x" in one["title"])
        outcomes = [one["outcome"] for one in self.json("show", task["id"])["attempts"]]
        self.assertEqual(outcomes, ["interrupted", "done"])

    def test_what_a_host_left_is_settled_by_the_one_that_comes_after_it(self) -> None:
        job = self.submit("--from", self.batch("echo node $(uname -n) >> log; [ $(wc -l < log) = 2 ] || sleep 600"))
        wait_until(lambda: "node" in self.read("log"), "a task that runs")
        self.kill(job)
        self.cluster.scontrol("requeue", job)
        self.restart_elsewhere(job)
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))  # leases would take two minutes
        (task,) = self.json("list")
        self.assertEqual([one["outcome"] for one in self.json("show", task["id"])["attempts"]], ["lost", "done"])

    def test_who_looks_from_elsewhere_asks_slurm(self) -> None:
        job = self.submit("--from", self.batch("echo node >> log; sleep 600"))
        wait_until(lambda: "node" in self.read("log"), "a task that runs")
        self.assertIn("running", self.txlite("status"))
        self.txlite("reconcile")
        (task,) = self.json("list")
        self.assertEqual(task["status"], "active")
        self.kill(job)
        os.mkdir(self.path("bin"))
        with open(self.path("bin/squeue"), "w") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(self.path("bin/squeue"), 0o755)
        path = {**self.environment, "PATH": self.path("bin") + ":" + self.environment["PATH"]}
        self.txlite("reconcile", env=path)
        self.assertEqual(self.json("show", task["id"])["status"], "active", "a command that fails says nothing")
        self.txlite("reconcile")
        self.assertEqual(self.json("show", task["id"])["status"], "backlog")

    def test_who_cancels_the_job_is_obeyed(self) -> None:
        job = self.submit("--from", self.batch("trap 'exit 143' TERM; echo node >> log; sleep 600 & wait $!"))
        wait_until(lambda: "node" in self.read("log"), "a task that runs")
        self.cluster.run("scancel", job)
        self.assertEqual(self.wait_for_end(job), "CANCELLED")
        (task,) = self.json("list")
        self.assertEqual(task["status"], "backlog", self.output(job))
        self.assertEqual([one["outcome"] for one in self.json("show", task["id"])["attempts"]], ["interrupted"])

    def test_a_run_that_is_killed_is_started_again_a_few_times(self) -> None:
        parent = "$(cut -d' ' -f4 /proc/{}/stat)"
        supervisor = parent.format(parent.format("$$"))
        line = f"echo node >> log; [ $(wc -l < log) -gt 2 ] || kill -9 {supervisor}"
        job = self.submit("--from", self.batch(line))
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))
        self.assertIn("the run ended with 137, and is started again", self.output(job))

    def test_a_job_that_has_no_time_to_work_is_not_started_again_for_ever(self) -> None:
        job = self.submit("--from", self.batch("echo node >> log; sleep 600"), "--warn", "1h")
        wait_until(lambda: "node" in self.read("log"), "a task that runs")

        def is_told() -> bool:
            self.cluster.run("scancel", "--batch", "--signal=USR1", job, code=None)
            return "leaves no time to work" in self.output(job)

        wait_until(is_told, "its last words")  # signals within a second of when the run heard the first are one


if __name__ == "__main__":
    unittest.main()
