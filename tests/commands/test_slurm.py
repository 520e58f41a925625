"""slurm script: what it refuses, and its script, run by a plain shell with a stand-in for Slurm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

from ..case import ROOT, Case, wait_until

SCONTROL = """#!/bin/sh
echo "$*" >> "$CALLS"
case $2 in show) echo "JobId=7 JobState=COMPLETING Reason=${REASON:-None} Dependency=(null)";; esac
"""


class Scripts(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("path"))
        with open(self.path("path/scontrol"), "w") as file:
            file.write(SCONTROL)
        os.chmod(self.path("path/scontrol"), 0o755)
        self.environment.update(PATH=self.path("path") + ":" + self.environment["PATH"], CALLS=self.path("calls"))

    def run_script(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Have a shell run what is printed, as a node of Slurm would."""
        script = self.txlite("slurm", "script", *arguments)
        environment = {**self.environment, "SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "2", **more}
        process = subprocess.Popen(
            ["sh", "-c", script], cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def calls(self) -> list[str]:
        return self.read("calls").splitlines()

    def test_what_it_refuses(self) -> None:
        for arguments, said in (
            (["--slurm", "--array=1-9"], "--array"),
            (["--slurm", "--sig=INT"], "--sig"),
            (["--slurm", "-a1"], "-a"),
            (["--slurm", "'--time=1"], "quote"),
            (["--slurm", "--comment='a\nb'"], "one line"),
            (["--slurm", "true"], "no option"),
            (["--warn", "20h"], "65535"),
            (["--from", "-"], "stdin"),
            (["--again", "--from", "x"], "--again"),
            (["--", "true"], "txlite add"),
            (["--wrokers", "3"], "--workers"),
        ):
            self.assertEqual(self.txlite("slurm", "script", *arguments, code=64), "")
            self.assertIn(said, self.errors)
        self.txlite("slurm", code=64)
        self.assertIn("give script", self.errors)

    def test_options_of_sbatch_as_it_reads_them(self) -> None:
        script = self.json("slurm", "script", "--slurm", "--time=1:00:00 -N 1 --comment 'a \\ \"b\"' -Jnight")["script"]
        lines = [line[8:] for line in script.splitlines() if line.startswith("#SBATCH ")]
        wanted = ["--job-name=txlite", "--time=1:00:00", "-N 1", '--comment "a \\\\ \\"b\\""', "-Jnight"]
        self.assertEqual(lines[:5], wanted)
        self.assertEqual(lines[5:], ["--requeue", "--open-mode=append", "--signal=B:USR1@300"])

    def test_a_queue_that_ends(self) -> None:
        source = self.batch("echo ran >> log", "exit 3")
        process = self.run_script("--from", source, "--retries=0")
        self.assertIn("1 done, 1 failed", process.communicate(timeout=60)[0])
        self.assertEqual((process.returncode, self.read("log"), self.calls()), (1, "ran\n", []))
        self.txlite("update", self.json("list", "--status", "failed")[0]["id"], "--command", "true")
        process = self.run_script("--from", source)
        self.assertIn("2 done", process.communicate(timeout=60)[0])
        self.assertEqual((process.returncode, self.calls()), (0, []))

    def test_a_warning_gives_back_what_is_too_long(self) -> None:
        process = self.run_script("--from", self.batch("echo ran >> log; sleep 600"), "--warn", "2")
        wait_until(lambda: self.read("log"), "a task that runs")
        time.sleep(1)  # less has no time to work
        process.send_signal(signal.SIGUSR1)
        said = process.communicate(timeout=60)[0]
        self.assertEqual((process.returncode, self.calls()), (0, ["requeue 7"]), said)
        (task,) = self.json("list")
        self.assertEqual(task["status"], "backlog")
        self.assertEqual([one["outcome"] for one in self.json("show", task["id"])["attempts"]], ["interrupted"])

    def test_a_warning_lets_what_is_short_finish(self) -> None:
        waiting = "echo ran >> log; for n in $(seq 600); do test ! -e go || break; sleep 0.1; done; echo end >> log"
        source = self.batch(waiting, "echo never >> log")
        process = self.run_script("--from", source, "--warn", "1m", "-j", "1", "--kill-after", "1")
        wait_until(lambda: self.read("log"), "a task that runs")
        process.send_signal(signal.SIGUSR1)
        said = ""
        for line in process.stdout:
            said += line
            if "stopping" in line:  # from then on nothing new is begun
                with open(self.path("go"), "w"):
                    pass
        process.wait(60)
        self.assertEqual(self.read("log"), "ran\nend\n")
        self.assertIn("no time to work", said, "it was warned at once")
        self.assertEqual((process.returncode, self.calls()), (130, []), said)

    def test_who_cancels_is_obeyed_and_a_time_limit_is_not(self) -> None:
        source = self.batch("echo ran >> log; sleep 600")
        for reason, calls in (("None", []), ("TimeLimit", ["requeue 7"])):
            process = self.run_script("--from", source, "--warn", "1", REASON=reason)
            wait_until(lambda: self.read("log"), "a task that runs")
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, 0 if calls else 130, said)
            self.assertEqual(self.calls(), ["-o show job 7", *calls], said)
            os.unlink(self.path("log"))
            os.unlink(self.path("calls"))

    def test_a_home_that_is_not_there_is_not_made(self) -> None:
        script = self.txlite("slurm", "script")
        shutil.rmtree(self.home)
        done = subprocess.run(["sh", "-c", script], cwd="/", env=self.environment, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (69, 1))
        self.assertIn(f"does not see home {self.home}", done.stderr)
        self.assertFalse(os.path.exists(self.home))

    def test_whatever_the_paths_are_and_however_it_is_packed(self) -> None:
        odd = self.path('it\'s "a" $HOME `dir`')
        os.mkdir(odd)
        shutil.copytree(os.path.join(ROOT, "txlite"), os.path.join(odd, "copied"),
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        self.txlite("pack", os.path.join(odd, "tool.pyz"))
        with open(os.path.join(odd, "my 'jobs'"), "w") as file:
            file.write("echo ran >> log\n")
        environment = {name: self.environment[name] for name in self.environment if not name.startswith("TXLITE_")}
        for number, command in enumerate((["-m", "copied"], ["tool.pyz"]), 1):
            words = [sys.executable, *command, "--home", f"home {number}", "slurm", "script", "--from", "my 'jobs'"]
            script = subprocess.run(words, cwd=odd, env={**environment, "PYTHONPATH": "."}, stdout=subprocess.PIPE)
            done = subprocess.run(["sh"], input=script.stdout, cwd="/", env={**environment, "PYTHONPATH": ""},
                                  capture_output=True)  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(odd, "log")) as file:
                self.assertEqual(file.read().count("ran"), number)


class Options(Case):
    def test_options_that_break_txlite_are_refused_when_they_are_given(self) -> None:
        for options in ("--array=1-3", "-J mine", "--requeue", "-o out", "--wrap=true"):
            self.txlite("add", "--slurm", options, "--", "true", code=64)
            self.assertIn("--slurm", self.errors)
        task = self.txlite("add", "-q", "--slurm", "--mem=1G", "--", "true").strip()
        self.txlite("update", task, "--slurm", "--parsable", code=64)
        self.assertEqual(self.json("show", task)["slurm"], "--mem=1G")


if __name__ == "__main__":
    unittest.main()
