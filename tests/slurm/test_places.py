"""What is shown of attempts that are jobs: queued and why, running and where, and where they ran."""

from __future__ import annotations

import os
import signal
import unittest
from typing import Any

from ..case import wait_until
from ..view.screen import Terminal
from .case import SlurmCase


class Shown(SlurmCase):
    def setUp(self) -> None:
        super().setUp()
        self.txlite("init")
        self.write_config("[txlite]\nslurm_shared = yes\n")

    def row(self, task: str) -> dict[str, Any]:
        return next(row for row in self.json("status") if row["id"] == task)

    def wait_for(self, task: str, **facts: object) -> dict[str, Any]:
        """Wait until these facts are shown of the task's attempt; its row."""

        def look() -> dict[str, Any] | None:
            row = next((row for row in self.json("status") if row["id"] == task), None)
            return row if row and all(row[name] == value for name, value in facts.items()) else None

        return wait_until(look, f"{task}: {facts}")

    def test_queued_running_and_ended(self) -> None:
        command = "echo begins; until test -e go; do sleep 0.1; done; echo ends"
        task = self.txlite("add", "-q", "--slurm", "--hold -n1", "--", command).strip()
        run = self.start("run", "--executor", "slurm", "--slurm=--mem=50M")
        row = self.wait_for(task, status="queued", reason="JobHeldUser")
        job = row["place"].removeprefix("job ")
        self.assertRegex(self.txlite("list"), rf"{task}  queued  0 +job {job} \(JobHeldUser\)")
        self.assertIn(f"queued, job {job} (JobHeldUser)", self.txlite("show", task))
        self.assertEqual(self.json("list")[0]["currentAttempt"]["state"], "queued")
        self.assertEqual(self.txlite("logs", task), "")
        self.assertEqual(self.errors, f"txlite: {task} has not started: it is queued as job {job} (JobHeldUser)\n")
        self.txlite("update", task, "--slurm=--hold")
        self.assertIn(f"its next job will have these options: `txlite stop {task}`", self.errors)
        self.cluster.run("scontrol", "release", job)
        row = self.wait_for(task, status="running")
        place = wait_until(lambda: self.row(task)["place"] != f"job {job}" and self.row(task)["place"], "its node")
        self.assertRegex(place, rf"^job {job} on n\d$")
        report = wait_until(lambda: self.row(task)["report"], "its report")
        wait_until(lambda: f"\n**Place:** {place}  \n" in self.read(report), "its place in the head of its report")
        wait_until(lambda: "begins" in self.txlite("logs", task), "its output")
        self.assertRegex(self.txlite("list"), rf"{task}  active  0 +{place} ")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0, run.stderr.read().decode())
        row = self.row(task)
        self.assertEqual((row["status"], row["place"], row["exitCode"]), ("done", place, 0))
        self.assertIn(f"done, {place}", self.txlite("show", task))
        self.assertEqual(self.json("show", task)["attempts"][0]["place"], place)
        head, _, output = self.read(row["report"]).partition("## Output")
        self.assertIn(f"\n**Place:** {place}  \n", head)
        self.assertEqual(output.replace("~", "").split(), ["begins", "ends"])
        left = os.listdir(os.path.join(self.home, "tickets"))
        self.assertEqual([name for name in left if not name.startswith(".")], [])

    def test_a_terminal_tells_what_is_queued_from_what_runs(self) -> None:
        self.txlite("add", "--slurm", "--hold", "--", "true")
        self.txlite("add", "--slurm", "", "--", "echo here it is; sleep 600")
        terminal = Terminal(self, "run", "--executor", "slurm", "--slurm", "--mem=50M")
        terminal.wait_for(r"0/2  1 running  1 queued")
        terminal.wait_for(r"^ +\d+s  tx-\w+  echo here it is; sleep 600\n +here it is\n")
        terminal.wait_for(r"^ +\d+s  tx-\w+  true\n +queued: job \d+ \(JobHeldUser\)\n")
        for _ in range(20):
            self.txlite("add", "--slurm", "--hold", "--", "true")
        terminal.wait_for(r"^ +\d+s  tx-\w+  echo here it is; sleep 600\n +\d+s  tx-\w+  queued: true\n")
        terminal.process.send_signal(signal.SIGQUIT)
        terminal.end()  # who writes to a terminal that nobody reads does not end


if __name__ == "__main__":
    unittest.main()
