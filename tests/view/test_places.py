"""Where attempts run that do not run here: shown by every command that shows attempts, while they go on and after."""

from __future__ import annotations

import json
import os
import unittest
from typing import Any

import txlite
from txlite.execution import presence
from txlite.model import SLURM, Lane, WorkerRecord
from txlite.reports.header import Header
from txlite.reports.report import Report
from txlite.system import clock, process
from txlite.system.liveness import Liveness

from ..case import Case
from .screen import Terminal

WORKER = "worker-here"


class Places(Case):
    """A worker, which is this process, with attempts as jobs: what it knows of them stands in notes."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = self.store()
        self.lock: Liveness | None = Liveness(self.queue.lock_path(WORKER))
        self.addCleanup(self.die)
        now = clock.now()
        identity = str(process.identify(os.getpid()))
        self.queue.workers.register(WorkerRecord(WORKER, WORKER, None, "", clock.host(), identity, 1.0, now, now, None))
        self.tasks = list(self.queue.add_many({"command": f"echo {n}", "slurm": ""} for n in range(3)))
        self.tokens = [self.claim() for _ in self.tasks]

    def die(self) -> None:
        if self.lock:
            self.lock.release()
            self.lock = None

    def claim(self) -> int:
        return self.queue.assignments.claim_next(WORKER, [Lane("command", SLURM)], "shell").claim.token

    def note(self, token: int, **facts: Any) -> None:
        directory = os.path.join(self.home, "tickets")
        os.makedirs(directory, exist_ok=True)
        note = {"attempt": token, "started": clock.now(), "name": "shell", "report": None, **facts}
        with open(os.path.join(directory, f"{token}.note"), "w") as file:
            json.dump(note, file)

    def furnish(self) -> None:
        queued, running, _ = self.tokens
        self.note(queued, place="job 41", state="queued", reason="Priority")
        self.note(running, place="job 42 on n7", state="running", reason="")

    def test_status(self) -> None:
        self.furnish()
        rows = {row["attempt"]: (row["status"], row["place"], row["reason"]) for row in self.json("status")}
        expected = [("queued", "job 41", "Priority"), ("running", "job 42 on n7", None), ("running", None, None)]
        self.assertEqual(rows, dict(zip(self.tokens, expected)))
        lines = self.txlite("status").splitlines()
        self.assertIn("PLACE", lines[0])
        self.assertRegex(lines[2], r"^running .*  job 42 on n7       echo 1$")
        self.assertRegex(lines[3], r"^queued .*  job 41 \(Priority\)  echo 0$")

    def test_status_on_a_narrow_terminal(self) -> None:
        self.furnish()
        shown = Terminal(self, "status", columns=60).end()
        self.assertRegex(shown, rf"(?m)^queued   {self.tasks[0]}  echo 0  +job 41 \(Priority\)$")

    def test_without_jobs_there_is_no_place(self) -> None:
        self.assertNotIn("PLACE", self.txlite("status"))
        self.assertNotIn("PLACE", self.txlite("list"))

    def test_list_and_show(self) -> None:
        self.furnish()
        lines = self.txlite("list").splitlines()
        self.assertRegex(lines[0], r"^ID +STATE +SCORE  PLACE +TASK$")
        self.assertRegex(lines[1], r"^tx-\w+  queued  0      job 41 \(Priority\)  echo 0$")
        self.assertRegex(lines[2], r"^tx-\w+  active  0      job 42 on n7       echo 1$")
        one, two, three = self.json("list")
        self.assertEqual([found["status"] for found in (one, two, three)], ["active"] * 3)
        current = one["currentAttempt"]
        self.assertEqual([current[key] for key in ("attempt", "state", "place", "reason")],
                         [self.tokens[0], "queued", "job 41", "Priority"])  # fmt: skip
        self.assertEqual(self.json("show", self.tasks[1])["currentAttempt"]["place"], "job 42 on n7")
        self.assertRegex(self.txlite("show", self.tasks[0]), r"status: +queued\n(.*\n)*.*  queued, job 41 \(Priority\)")
        self.assertRegex(self.txlite("show", self.tasks[1]), r"status: +active\n(.*\n)*.*  running, job 42 on n7")

    def test_a_worker_holds_several(self) -> None:
        (found,) = self.json("worker", "list")
        self.assertEqual((found["currentTaskId"], found["claims"]), (self.tasks[0], 3))
        self.assertIn(f"{self.tasks[0]} and 2 more", self.txlite("worker", "list"))

    def test_what_has_ended_says_where_it_ran(self) -> None:
        self.furnish()
        self.queue.assignments.finish(self.tokens[1], txlite.Result("done", 0, 1.0, place="job 42 on n7"), 1)
        row = next(row for row in self.json("status") if row["attempt"] == self.tokens[1])
        self.assertEqual((row["status"], row["place"]), ("done", "job 42 on n7"))
        found = self.json("show", self.tasks[1])
        self.assertEqual((found["currentAttempt"], found["attempts"][0]["place"]), (None, "job 42 on n7"))
        self.assertIn("done, job 42 on n7", self.txlite("show", self.tasks[1]))
        self.assertIsNone(next(one for one in self.json("list") if one["id"] == self.tasks[1])["currentAttempt"])

    def test_a_note_that_is_no_note_is_none(self) -> None:
        self.note(self.tokens[0], attempt=self.tokens[0] + 7, place="job 41", state="queued")
        with open(os.path.join(self.home, "tickets", f"{self.tokens[1]}.note"), "w") as file:
            file.write('{"attempt"')
        self.assertEqual({(row["status"], row["place"]) for row in self.json("status")}, {("running", None)})

    def test_jobs_go_on_without_their_worker(self) -> None:
        self.furnish()
        with self.queue.database.writing() as connection:
            connection.execute("UPDATE workers SET identity = '1 1 another-boot space'")
        self.die()
        found = {one.attempt: one.state for one in presence.open_attempts(self.queue)}
        self.assertEqual(found, dict(zip(self.tokens, ("queued", "running", "lost"))))

    def test_a_report_tells_the_place_as_it_becomes_known(self) -> None:
        heading = Header(self.tasks[0], "echo 0", self.tokens[0], "shell", clock.now(), "/", "echo 0", place="queued")
        directory = os.path.join(self.home, "workers")
        os.makedirs(directory, exist_ok=True)
        report = Report(directory, clock.stamp(), heading)
        (name,) = os.listdir(directory)
        self.assertIn("\n**Place:** queued  \n", self.reports()[name])
        report.write(b"some of its output\n")
        report.move("job 42 on n7")
        report.write(b"and more\n")
        self.assertIn("\n**Place:** job 42 on n7  \n", self.reports()[name])
        result = report.finish(txlite.Result("preempted", 143, 2.0, place="job 42 on n8"), 7)
        found = self.reports()[os.path.basename(result.report)]
        self.assertIn("\n**Place:** job 42 on n8  \n", found)
        self.assertIn("\nsome of its output\nand more\n~~~", found)


if __name__ == "__main__":
    unittest.main()
