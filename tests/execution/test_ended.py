"""An attempt that has ended is not run again because its worker died before the database knew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest

from txlite.execution import ended
from txlite.store.attempts import Result

from ..case import Case

# A run in which the first worker that comes to a certain point is killed there.
DYING = """
import os, signal, sys
import txlite.cli
from txlite.execution import sources
from txlite.execution.executors import local
from txlite.reports import naming, report
from txlite.system import clock

local.SHORT = float(sys.argv.pop(1))
stamp = clock.stamp
clock.stamp = lambda text="": stamp(text or "2026-01-01T00:00:00.000Z")  # not the second of the claim

def dies(function, afterwards):
    def call(*words, **named):
        result = function(*words, **named) if afterwards else None
        try:
            os.close(os.open("dead", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return result if afterwards else function(*words, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    return call

owner, name, afterwards = {
    "before its report": (report.Report, "finish", False),
    "in its draft": (report, "create", True),
    "under its first name": (report, "link_first", True),
    "in its report": (report, "create_first", True),
    "before its record": (sources.QueueSource, "record", False),
    "after its record": (sources.QueueSource, "record", True),
}[sys.argv.pop(1)]
setattr(owner, name, dies(getattr(owner, name), afterwards))
sys.exit(txlite.cli.main())
"""


@unittest.skipUnless(sys.platform == "linux", "the worker must be forked")
class Ends(Case):
    def run_dying(self, point: str, command: str, code: int) -> None:
        """Whatever sleeps lasts long enough for a report from the start, and nothing else does, on any machine."""
        short = "0" if "sleep" in command else "600"
        words = ["run", "--workers", "1", "--max-attempts", "2", "--from", self.batch(command)]
        argv = [sys.executable, "-c", DYING, short, point, *words]
        process = subprocess.run(
            argv, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self.assertEqual((process.returncode, os.path.exists(self.path("dead"))), (code, True), process.stdout)

    def test_it_is_recorded_as_it_had_ended(self) -> None:
        for point in ("before its report", "in its report", "before its record", "after its record"):
            for wait in ("", "sleep 0.1; "):  # with a report at the end, and one from the start
                with self.subTest(point, wait=wait):
                    if wait and point == "in its report":
                        continue
                    self.setUp()
                    self.run_dying(point, f"echo x >> log; echo said; {wait}exit 0", 0)
                    self.assertEqual(self.read("log"), "x\n")
                    (attempt,) = self.json("show", self.json("list")[0]["id"])["attempts"]
                    self.assertEqual((attempt["outcome"], attempt["exitCode"], attempt["note"]), ("done", 0, None))
                    ((name, text),) = self.reports().items()
                    self.assertEqual(attempt["report"], f"workers/{name}")
                    self.assertIn(f"_{attempt['pid']}_", name)
                    self.assertIn("**Outcome:** done  \n", text)
                    self.assertTrue(text.endswith("~" * 16 + "\n"), text)
                    output = text.split("~" * 16 + "\n")[1]
                    self.assertEqual(output, "said\n" if wait or "record" in point else "")
                    self.assertEqual("the rest was lost" in text, not output)

    def test_no_file_is_left_of_one_that_had_not(self) -> None:
        long, loud = "sleep 0.1", "head -c 100000 /dev/zero"  # it lasts, or has more to say than waits
        for point, command in (("in its draft", long), ("in its draft", loud), ("under its first name", long)):
            with self.subTest(point, command=command):
                self.setUp()
                self.run_dying(point, command, 0)
                attempts = self.json("show", self.json("list")[0]["id"])["attempts"]
                self.assertEqual([one["outcome"] for one in attempts], ["lost", "done"])
                self.assertEqual({one["report"] for one in attempts}, {f"workers/{name}" for name in self.reports()})

    def test_it_is_shown_until_it_is_recorded(self) -> None:
        looking = """
import subprocess, sys
import txlite.cli
from txlite.execution.executors import local
from txlite.reports import report
finish = report.Report.finish
local.SHORT = 0.0

def look(*words):
    with open("seen", "w") as file:
        subprocess.run([sys.executable, "-m", "txlite", "status", "--json"], stdout=file, check=True)
    return finish(*words)

report.Report.finish = look
sys.exit(txlite.cli.main())
"""
        argv = [sys.executable, "-c", looking, "run", "--", "echo $$ > pid; sleep 0.1"]
        subprocess.run(argv, cwd=self.directory, env=self.environment, stdout=subprocess.PIPE, check=True)
        (seen,) = json.loads(self.read("seen"))
        self.assertEqual((seen["status"], seen["pid"]), ("running", int(self.read("pid"))))
        self.assertIn("_TEMP_shell_task.md", seen["report"])

    def test_a_failure_counts_and_is_tried_again(self) -> None:
        self.run_dying("before its record", "echo x >> log; test -e again || { touch again; exit 7; }", 0)
        attempts = self.json("show", self.json("list")[0]["id"])["attempts"]
        self.assertEqual([(one["outcome"], one["exitCode"]) for one in attempts], [("failed", 7), ("done", 0)])
        self.assertEqual(self.read("log"), "x\nx\n")

    def test_what_is_noted_fits_and_comes_back(self) -> None:
        for result in (Result("done", 0, 0.5, 17), Result("failed", -1, 1e9, 1 << 31, note="\U0001f600" * 5000)):
            note = {"end": ended.describe(result, 3)}
            found, max_attempts = ended.parse(note) or (None, 0)
            self.assertEqual((found and found._replace(note=None), max_attempts), (result._replace(note=None), 3))
            self.assertLess(len(str(ascii(note))), 600)
            self.assertLess(len(str(note).encode()), 400)
        self.assertIsNone(ended.parse({"attempt": 3}))
