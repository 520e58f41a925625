"""What becomes of a job is how its attempt ends: each end that Slurm knows, brought about for real."""

from __future__ import annotations

import os
import re
import subprocess
import unittest
from typing import Any

from ..case import wait_until
from . import accounting, configuration
from .case import SlurmCase
from .cluster import Cluster

WAIT = "while [ ! -e go ]; do sleep 0.1; done"
GROW = "python3 -c 'bytearray(200 << 20)' || exit 7"  # the kernel kills what grew, and nothing else


class OutcomeCase(SlurmCase):
    """A test with a home whose tasks run as jobs, and a run that goes on beside the test."""

    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.home, 0o700)
        self.write_config("[txlite]\nexecutor = slurm\nslurm = --mem=60M\nslurm_shared = yes\n")

    def add(self, line: str, *options: str, slurm: str = "") -> str:
        """Add a task with these options for its job; its id."""
        return self.txlite("add", "--quiet", *options, "--slurm", slurm, "--", line).strip()

    def begin(self, *options: str, **more: Any) -> subprocess.Popen[bytes]:
        return self.start("run", "--max-attempts", "1", *options, **more)

    def attempts(self, task: str) -> list[Any]:
        return self.store().attempts(task)

    def job_of(self, task: str) -> str:
        """The number of its job, once that runs."""

        def find() -> str:
            open_now = [one for one in self.json("status") if one["id"] == task and one["status"] == "running"]
            found = re.match(r"job (\d+)", open_now[0]["place"] or "") if open_now else None
            return found[1] if found else ""

        job = wait_until(find, f"the job of {task}")
        self.wait_for_job(job, "RUNNING")
        return job

    def lose_node_of(self, task: str) -> None:
        """Have the node fail that runs it, and Slurm know."""
        node = wait_until(lambda: self.cluster.squeue(f"--job={self.job_of(task)}", "--format=%N").strip(), "its node")
        self.addCleanup(self.cluster.return_node, node)
        self.cluster.lose_node(node)
        self.cluster.scontrol("update", f"NodeName={node}", "State=DOWN", "Reason=test")

    def assert_ended(self, task: str, outcome: str, status: str, note: str) -> None:
        """Its last attempt came to this, and so did the task."""
        last = max(self.attempts(task), key=lambda attempt: attempt.id)
        self.assertEqual((last.outcome, self.status_of(task)), (outcome, status), last)
        self.assertRegex(last.note or "", note)
        self.assertRegex(last.place or "", r"^job \d+ on n[12]$")

    def status_of(self, task: str) -> str:
        return next(one["status"] for one in self.json("list") if one["id"] == task)


class Outcomes(OutcomeCase):
    def test_each_end_is_told_as_what_it_was(self) -> None:
        """One run for all: until Slurm looks at its time limits, half a minute goes by."""
        late = self.add(WAIT, slurm="-w n1 --time=1")
        first = self.add(f"[ -e preempted ] && exit; touch preempted; {WAIT}", slurm="-w n2 -n16")
        cancelled = self.add(WAIT, slurm="-w n1")
        grown = self.add(GROW, slurm="-w n1")
        killed = self.add("kill -KILL $$", slurm="-w n1")
        self.add("until [ -e over ]; do sleep 0.1; done", slurm="-w n1")  # the run stays until the last was added
        run = self.begin("--kill-after", "1")
        self.cluster.scontrol("update", f"JobId={self.job_of(late)}", "EndTime=now+1")
        self.cluster.run("scancel", self.job_of(cancelled))
        wait_until(lambda: os.path.exists(self.path("preempted")), "its first attempt")
        self.sbatch("--partition=urgent", "--nodelist=n2", "--ntasks=16", script="sleep 1")
        wait_until(lambda: self.status_of(first) == "done", "a second attempt of what was preempted")
        down = self.add(f"[ -e down ] && exit; touch down; {WAIT}", slurm="-w n2")
        wait_until(lambda: os.path.exists(self.path("down")), "its first attempt")
        self.cluster.scontrol("update", "NodeName=n2", "State=DOWN", "Reason=test")
        wait_until(lambda: self.status_of(down) == "done", "a second attempt of what was on a node that was down")
        gone = self.add(WAIT, slurm="-w n2")
        self.lose_node_of(gone)
        open(self.path("over"), "w").close()
        self.assertEqual(run.wait(120), 1, run.stderr.read())
        self.assert_ended(gone, "node-failed", "failed", "node failed")
        self.assert_ended(late, "timeout", "failed", "Slurm's time limit")
        self.assertEqual([one.outcome for one in self.attempts(first)], ["preempted", "done"])
        self.assertIn("another job", self.attempts(first)[0].note)
        self.assert_ended(cancelled, "cancelled", "cancelled", "by somebody else")
        self.assertEqual([(one.outcome, one.exit_code) for one in self.attempts(killed)], [("failed", 137)])
        self.assertEqual(
            [one.outcome for one in self.attempts(down)], ["lost", "done"], "its guard said that it was gone"
        )
        with self.subTest("memory"):
            if not configuration.LIMITS_MEMORY:
                self.skipTest("no cgroups, version 1: no limit of memory is kept here")
            self.assert_ended(grown, "out-of-memory", "failed", "--mem")
        self.wait_for_no_jobs()

    def test_a_task_whose_memory_only_its_worker_could_see_to_is_no_job(self) -> None:
        with open(os.path.join(self.home, "config.ini"), "a") as file:
            file.write("max_memory = 64M\nmemfree = 900T\n")  # for attempts here, which these are not
        bounded, other = (self.txlite("add", "-q", *own, "--", "true").strip() for own in (("--max-memory", "64M"), ()))
        self.txlite("run", code=1)
        ((attempt,), status) = self.attempts(bounded), self.status_of(bounded)
        self.assertEqual((attempt.outcome, status, attempt.place), ("refused", "failed", None))
        self.assertIn(f"`txlite update {bounded} --max-memory none` goes without", attempt.note)
        self.assertEqual(self.status_of(other), "done")

    def test_what_ran_on_a_node_that_is_gone_is_tried_again_where_that_is_wanted(self) -> None:
        with open(os.path.join(self.home, "config.ini"), "a") as file:
            file.write("node_failure = retry\n")
        task = self.add(f"echo >> tries; [ $(wc -l < tries) = 2 ] && exit; {WAIT}")
        run = self.start("run")
        wait_until(lambda: os.path.exists(self.path("tries")), "its first attempt")
        self.lose_node_of(task)
        self.assertEqual(run.wait(120), 0, run.stderr.read())
        self.assertEqual([one.outcome for one in self.attempts(task)], ["lost", "done"])

    def test_what_is_refused_is_put_aside_with_slurms_words(self) -> None:
        refused = self.add("true", slurm="--partition=nowhere")
        other = self.add("true")
        run = self.start("run")
        self.assertEqual(run.wait(60), 1, run.stderr.read())
        last = self.attempts(refused)
        self.assertEqual([one.outcome for one in last], ["refused"])
        self.assertIn("invalid partition specified: nowhere", last[0].note)
        self.assertEqual((self.status_of(refused), self.status_of(other)), ("failed", "done"))


class LimitedJobs(OutcomeCase):
    """A limit on the number of a user's jobs, which only accounting keeps."""

    accounting: accounting.Accounting

    @classmethod
    def bring_cluster(cls) -> Cluster:
        if accounting.missing():
            raise unittest.SkipTest(accounting.missing())
        cls.accounting = accounting.Accounting()
        cls.accounting.start()
        cls.addClassCleanup(cls.accounting.cluster.stop)
        return cls.accounting.cluster

    def test_it_is_waited_for_and_costs_nothing(self) -> None:
        """Also where others of the user's jobs are all that there may be, when a run begins."""
        self.accounting.change("modify", "user", "root", "set", "MaxSubmitJobs=2")
        limits = ("show", "assoc_mgr", "users=root", "flags=assoc")
        wait_until(lambda: "MaxSubmitJobs=2(" in self.cluster.scontrol(*limits), "a controller that was told of it")
        others = [self.sbatch(), self.sbatch()]
        run = self.begin("--workers", "20", "--from", self.batch(*(f"echo {n}" for n in range(5))), stderr=-2)
        said = [run.stdout.readline().decode() for _ in range(2)]
        self.assertRegex(said[1], "^Slurm takes no more jobs now, and is asked again: AssocMaxSubmitJobLimit", said)
        self.cluster.run("scancel", *others)
        self.assertNotIn(b"no more jobs", run.communicate(timeout=120)[0], "it is said once")
        self.assertEqual(run.returncode, 0)
        self.assertEqual([len(self.attempts(task["id"])) for task in self.json("list")], [1] * 5)
