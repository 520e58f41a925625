"""Attempts as steps of one allocation on several nodes: each once, whoever is killed, and given back in time."""

from __future__ import annotations

import os
import sys
import time
import unittest
from collections import Counter

from ..case import wait_until
from .case import SlurmCase
from .configuration import LIMITS_MEMORY

TASK = "echo $$ begin {n} >> log; {work}; echo $$ end {n} $(uname -n) >> log"
NAP, UNTIL_GO = "sleep 0.05", "until [ -e go ]; do sleep 0.1; done"
LONG_AT_FIRST = "[ $(grep -c ' begin {n}$' log) -gt 1 ] || sleep 600 || exit"  # no end of one whose sleep was ended


class Steps(SlurmCase):
    def setUp(self) -> None:
        super().setUp()
        self.txlite("init")
        self.write_config("[txlite]\nslurm_shared = yes\n")

    def submit(self, lines: list[str], *arguments: str, options: str = "-N2 -n8 --mem=500") -> str:
        """Have sbatch run what `slurm script` prints for these lines; the number of the job."""
        script = self.txlite("slurm", "script", "--from", self.batch(*lines), "--slurm", options, *arguments)
        done = self.cluster.run("sbatch", "--parsable", input=script, cwd=self.directory, env=self.environment)
        return done.stdout.strip()

    def output(self, job: str) -> str:
        return self.read(f"slurm-{job}.out")

    def long_at_first(self, count: int) -> list[str]:
        """Tasks that do not end by themselves before they are begun the second time."""
        return [TASK.format(n=n, work=LONG_AT_FIRST.format(n=n)) for n in range(count)]

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.read("log").splitlines()]

    def check_once(self, count: int) -> None:
        """Each task came to its end once, and was never begun while it ran."""
        ends = Counter(words[2] for words in self.lines() if words[1] == "end")
        self.assertEqual(ends, Counter(map(str, range(count))))
        began: dict[str, str] = {}
        for pid, event, n, *_ in self.lines():
            if event == "end":
                self.assertEqual(began[n], pid, f"task {n} was begun twice at a time")
            began[n] = pid

    def steps(self) -> list[str]:
        found = self.cluster.squeue("--steps", "--me", "-o", "%i").split()
        return [step for step in found if step.rpartition(".")[2].isdigit()]

    def test_many_in_one_allocation_on_two_nodes(self) -> None:
        job = self.submit([TASK.format(n=n, work=NAP) for n in range(30)])
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))
        self.check_once(30)
        self.assertEqual({words[3] for words in self.lines() if words[1] == "end"}, {"n1", "n2"})
        self.assertEqual([name for name in os.listdir(os.path.join(self.home, "tickets")) if name[0] != "."], [])

    def test_how_they_end_and_where_they_ran(self) -> None:
        lines = ["exit 3", "kill -9 $$", "sleep 60", "echo out; echo err >&2"]
        job = self.submit(lines, "--retries", "0", "--timeout", "4")
        self.assertEqual(self.wait_for_end(job), "FAILED", self.output(job))
        ends = {}
        for task in self.json("list"):
            (attempt,) = self.json("show", task["id"])["attempts"]
            ends[task["title"]] = (attempt["outcome"], attempt["exitCode"])
            self.assertRegex(attempt["place"], rf"^job {job}(\.\d+)? on n[12]$")
        wanted = [("failed", 3), ("failed", 137), ("timeout", 143), ("done", 0)]
        self.assertEqual(list(ends.values()), wanted, ends)
        self.assertEqual(self.steps(), [])

    @unittest.skipUnless(LIMITS_MEMORY, "no limits of memory here")
    def test_one_that_needs_more_memory_than_its_step_has(self) -> None:
        self.txlite("add", "--", "python3 -c 'print(len(b\"a\" * 300_000_000))'")
        script = self.txlite("slurm", "script", "--retries", "0", "--executor", "srun")
        script = script.replace("txlite run", "txlite run --slurm --mem=50")
        command = ["sbatch", "--parsable", "--mem=500"]
        job = self.cluster.run(*command, input=script, cwd=self.directory, env=self.environment).stdout.strip()
        self.assertEqual(self.wait_for_end(job), "FAILED", self.output(job))
        (attempt,) = self.json("show", self.json("list")[0]["id"])["attempts"]
        self.assertEqual(attempt["outcome"], "out-of-memory")
        self.assertIn(f"(job {job}", attempt["note"])

    def test_what_a_warning_gives_back(self) -> None:
        job = self.submit(self.long_at_first(4), "--warn", "2", "--kill-after", "1")
        wait_until(lambda: len(self.lines()) == 4, "steps that run")
        time.sleep(1)  # less has no time to work
        self.cluster.run("scancel", "--batch", "--signal=USR1", job)
        wait_until(lambda: self.job_state(job) == "PENDING", "a job that is started again")
        self.assertEqual(self.steps(), [])
        self.cluster.scontrol("update", f"JobId={job}", "StartTime=now+2")
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))
        self.check_once(4)
        for task in self.json("list"):
            outcomes = [one["outcome"] for one in self.json("show", task["id"])["attempts"]]
            self.assertEqual(outcomes, ["interrupted", "done"])

    def test_whoever_is_killed_nothing_runs_twice(self) -> None:
        job = self.submit([TASK.format(n=n, work=UNTIL_GO) for n in range(12)], "--kill-after", "1")
        wait_until(lambda: len(self.lines()) >= 6, "steps that run")
        self.kill_txlite(job)  # the run, its worker and every srun
        self.assertTrue(self.steps(), "they run on")
        open(self.path("go"), "w").close()
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))
        self.assertIn("the run ended with 137, and is started again", self.output(job))
        self.check_once(12)

    def test_steps_that_run_on_are_ended_before_their_tasks_run_again(self) -> None:
        source = self.batch(*self.long_at_first(8))
        run = f"{sys.executable} -m txlite run --executor srun --workers 8 --kill-after 1 --from {source}"
        command = ["sbatch", "--parsable", "-N2", "-n8", "--mem=500"]
        script = f"#!/bin/sh\n{run}\n{run}\n"
        done = self.cluster.run(*command, input=script, cwd=self.directory, env=self.environment)
        job = done.stdout.strip()
        wait_until(lambda: len(self.lines()) == 8, "steps that run")
        self.kill_txlite(job)
        self.assertEqual(self.wait_for_end(job), "COMPLETED", self.output(job))
        self.check_once(8)
        for task in self.json("list"):
            outcomes = [one["outcome"] for one in self.json("show", task["id"])["attempts"]]
            self.assertEqual(outcomes, ["lost", "done"], self.output(job))

    def test_what_a_killed_allocation_left_is_lost(self) -> None:
        job = self.submit([TASK.format(n=0, work=UNTIL_GO)])
        wait_until(lambda: len(self.lines()) == 1, "a step that runs")
        self.assertEqual(self.json("status")[0]["status"], "running")
        self.kill_txlite(job, all_of_it=True)
        self.assertEqual(self.wait_for_end(job), "FAILED")
        self.assertEqual(self.json("status")[0]["status"], "lost")
        self.txlite("reconcile")
        (task,) = self.json("list")
        self.assertEqual(task["status"], "backlog")
        self.assertEqual([one["outcome"] for one in self.json("show", task["id"])["attempts"]], ["lost"])

    def kill_txlite(self, job: str, all_of_it: bool = False) -> None:
        """Kill the run with all that it started here, as one kills a tree; all of it: the steps and the script, too."""
        marks = {f"SLURM_JOB_ID={job}".encode(), f"SLURM_CONF={self.cluster.configuration}".encode()}

        def find() -> list[int]:
            found = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/environ", "rb") as file, open(f"/proc/{pid}/cmdline", "rb") as command:
                        words, is_of_job = command.read().split(b"\0"), marks <= set(file.read().split(b"\0"))
                except OSError:
                    continue
                if is_of_job and (all_of_it or b"srun" in words[0] or b"run" in words):
                    found.append(int(pid))
            return found

        self.assertGreater(len(self.kill_at_once(find)), 4)

    def test_what_cannot_run_is_refused_before_anything_is_claimed(self) -> None:
        self.txlite("add", "--", "true")
        self.txlite("run", "--executor", "srun", code=1)
        self.assertIn("inside an allocation, and this is none", self.errors)
        self.txlite("run", "--executor", "srun", "--slurm", "--ntasks=2", code=64)
        self.assertIn("a step of one task", self.errors)
        self.assertEqual(self.json("list")[0]["status"], "backlog")
        script = self.txlite("slurm", "script", "--executor", "srun")
        script = script.replace("txlite run", "txlite run --slurm --cpus-per-task=9999")
        job = self.cluster.run("sbatch", "--parsable", input=script, cwd=self.directory, env=self.environment).stdout
        self.assertEqual(self.wait_for_end(job.strip()), "FAILED")
        self.assertIn("Slurm refuses such steps with --cpus-per-task=9999", self.output(job.strip()))
        self.assertEqual(self.json("list")[0]["status"], "backlog")


if __name__ == "__main__":
    unittest.main()
