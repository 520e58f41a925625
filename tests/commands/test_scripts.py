"""The launcher's other scripts. Proved:

Views     status knows what runs, failed and is of which type; cleanup works without a terminal, from cron
Others    codex-exec.sh stays in front and stops on Ctrl-C; codex-research.sh may search
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

from txlite.version import VERSION

from ..case import running, wait_until
from .case import CrewCase, hear_interrupts


class Views(CrewCase):
    def see(self, *options: str) -> dict[str, str]:
        """What status says, by its options; all asked at once."""
        asked = {option: self.begin(f"exec ./.crew/bin/codex-status.sh {option}") for option in options}
        return {option: process.communicate(timeout=60)[0].decode() for option, process in asked.items()}

    def test_without_jobs_there_is_nothing_to_see_and_latest_wants_a_number(self) -> None:
        with open(self.path("20251024_150000_77_codex_task.md"), "w"):
            pass
        nothing = "nothing was run here yet\n"
        self.assertEqual(self.see("", "--latest 3"), {"": nothing, "--latest 3": nothing})
        self.run_bin("codex-status.sh", "--latest", code=64)
        self.assertEqual(self.errors.count("\n"), 1)

    def test_what_runs_what_failed_what_is_of_another_type(self) -> None:
        self.sh('$LAUNCH "the old one"; $LAUNCH low errands "fetch milk"; true', does="[ $number -gt 1 ] || exit 3")
        running_one = self.begin('exec $LAUNCH "the long one"', does="wait_for go")
        wait_until(lambda: len(self.calls()) == 3, "the third call")
        out = self.see("", "--latest 1", "--workers", "--stats")
        row = r"^(\w+) +\d+ +(\w+) +low +[\d.]+\w+ +[\d.]+\w+ +[\d.]+ \w+ +tx-\w+ +(.*?) +\.crew/\2/[\w-]+\.md$"
        rows = {option: re.findall(row, text, re.M) for option, text in out.items()}
        seen = [("running", "workers", "the long one"), ("done", "errands", "fetch milk")]
        seen += [("failed", "workers", "the old one")]
        self.assertEqual(rows, {"": seen, "--latest 1": seen[:1], "--workers": [seen[0], seen[2]], "--stats": []})
        for words in ("1 running", "1 done", "1 failed", "1 errands", "2 workers"):
            self.assertIn(words, out["--stats"])
        self.open_gate()
        self.assertEqual(running_one.wait(60), 0)

    def test_cleanup_from_cron(self) -> None:
        self.sh('$LAUNCH "long ago" & $LAUNCH "last week" & $LAUNCH "today" & wait')
        paths = [os.path.join(self.home, "workers", name) for name in sorted(self.names())]
        note = os.path.join(self.home, "workers", "a note of ours.md")
        shutil.copy(paths[0], note)
        by_task = {re.search(r"\*\*Task:\*\* (.*)", self.read(path))[1]: path for path in paths}
        for path, days in ((by_task["long ago"], 20), (by_task["last week"], 7), (note, 400)):
            os.utime(path, (time.time() - days * 86400,) * 2)
        environment = {"HOME": self.directory, "PATH": os.path.dirname(sys.executable) + ":/usr/bin:/bin"}
        out = self.run_cron(".crew/bin/codex-cleanup.sh --age 14", environment)
        self.assertRegex(out, r"^deleted 1 report \(.*\), compressed 1 \(saved .*\)\n$")
        kept = [by_task["last week"] + ".gz", by_task["today"], note]
        self.assertEqual(self.names(), sorted(map(os.path.basename, kept)))
        self.assertEqual(self.run_cron(".crew/bin/codex-cleanup.sh --age 14", environment), "nothing to clean up\n")

    def run_cron(self, line: str, environment: dict[str, str]) -> str:
        done = subprocess.run(["sh", "-c", line], cwd=self.directory, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.decode()


class Others(CrewCase):
    def test_exec_shows_the_output_and_gives_the_exit_code(self) -> None:
        out = self.run_bin("codex-exec.sh", "medium", "rake the leaves")
        self.assertEqual(out, "call 1 begins\ncall 1 complains\ncall 1 ends\n")
        self.run_bin("codex-exec.sh", "rake the leaves", does="exit 5", code=5)
        self.assertEqual([call.level for call in self.calls()], ["medium", "low"])
        self.assertEqual(len(self.pids()), 2)

    def test_exec_stops_the_task_on_interrupt(self) -> None:
        script = 'exec .crew/bin/codex-exec.sh "never ends"'
        front = self.begin(script, does="wait_for go", start_new_session=True, preexec_fn=hear_interrupts)
        self.assertEqual(front.stdout.readline(), b"call 1 begins\n")
        os.killpg(front.pid, signal.SIGINT)
        _, error = front.communicate(timeout=60)
        self.assertEqual(front.returncode, 130)
        self.assertRegex(error, rb"^txlite: tx-\w+ was stopped\n$")
        self.assertEqual(running(os.path.join(self.stand, "codex")), [])
        self.assertEqual(len(self.pids()), 1)
        self.assertIn("cancelled", self.run_bin("codex-status.sh"))

    def test_exec_says_what_it_would_run(self) -> None:
        out = self.run_bin("codex-exec.sh", "--dry-run", "high", "prune the roses")
        self.assertIn("model_reasoning_effort=high", out)
        self.assertEqual((self.calls(), sorted(os.listdir(self.home))), ([], ["bin", "txlite"]))

    def test_research_may_search_and_reports_in_a_directory_of_its_own(self) -> None:
        self.run_bin("codex-research.sh", "which rose likes shade")
        (call,) = self.calls()
        self.assertEqual((call.text, call.level), ("which rose likes shade", "medium"))
        self.assertIn("web_search=live", call.argv)
        self.assertRegex(" ".join(self.names("research")), r"^\d{8}_\d{6}_\d+_codex_which_rose_likes_shade\.md$")
        self.assertEqual(self.names("workers"), [])
        counts = collections.Counter(self.run_bin("codex-status.sh", "--research").split())
        self.assertEqual(counts["research"], 1)

    def test_a_topic_stays_in_the_name_whatever_becomes_of_the_attempt(self) -> None:
        topic = "Next.js 15: what's new, and what is the price of all of it in a project that is as old as ours?"
        name = re.compile(
            r"\d{8}_\d{6}_(\d+)_codex_(next_js_15_what_s_new_and_what_is_the_price_of_all_of_it_in_a_project_that_is_as)\.md"
        )
        first = self.begin('exec ./.crew/bin/codex-research.sh "$1"', topic, does="wait_for go")
        wait_until(lambda: len(self.calls()) == 1, "the call")
        (begun,) = self.names("research")
        os.kill(int(re.search(rb"PID: (\d+)", first.stdout.readline())[1]), signal.SIGKILL)
        self.assertEqual(first.wait(60), 125)
        self.run_bin("txlite", "reconcile")
        self.assertEqual(begun.replace("TEMP", name.fullmatch(self.names("research")[0])[1]), self.names("research")[0])
        self.open_gate()
        task = re.search(r"tx-\w+", first.stdout.read().decode())[0]
        self.run_bin("txlite", "retry", task)
        self.run_bin("txlite", "wait", task)
        self.assertEqual([bool(name.fullmatch(one)) for one in self.names("research")], [True, True])
        self.run_bin("codex-cleanup.sh", "-f", "-a", "0")
        self.assertEqual(self.names("research"), [])

    def test_short_options_a_version_and_usage_by_its_own_name(self) -> None:
        scripts = {
            "codex-status.sh": "-a -w -r -l -s", "codex-cleanup.sh": "-d -f -a -c -s", "codex-exec.sh": "-d",
            "codex-research.sh": "-d", "codex-worker-launcher.sh": "-d", "ralph.sh": "",
        }  # fmt: skip
        script = "for one; do ./.crew/bin/$one -h; ./.crew/bin/$one -v; ./.crew/bin/$one --version; done"
        told = self.sh(script, *scripts, "txlite", "tx")
        for name, options in scripts.items():
            usage, _, rest = told.partition(f"usage: {name} ")[2].partition(f"\n{name} {VERSION}\n{name} {VERSION}\n")
            self.assertTrue(usage and rest, told)
            self.assertEqual(
                [one for one in options.split() if f"{one}, " not in usage and f", {one}" not in usage], []
            )
            self.assertNotIn("txlite launch", usage)
            self.assertRegex(usage, rf"(?m)^examples:\n  # .*\n  {name}")
        self.assertIn(f"\ntxlite {VERSION}\ntxlite {VERSION}\n", told)
        self.sh("./.crew/bin/codex-status.sh --lastest", code=64)
        self.assertIn("`codex-status.sh --help` shows how", self.errors)
        self.sh("./.crew/bin/codex-exec.sh", code=64)
        self.assertIn("`codex-exec.sh [LEVEL] [TYPE] TASK`", self.errors)

    def test_short_options_do_what_the_long_ones_do(self) -> None:
        self.sh('$LAUNCH "one"; $LAUNCH medium research "two"; $LAUNCH "three"')
        out = self.sh("cd .crew/bin; for o in '-w' '-r' '-l 1' '-a' '-s'; do ./codex-status.sh $o; echo; done").split(
            "\n\n"
        )
        counts = [sum(one.count(f" {word} ") for word in ("one", "two", "three")) for one in out]
        self.assertEqual(counts, [2, 1, 1, 3, 0, 0])
        self.assertIn("3 done", out[4])
        self.assertIn("would compress", self.run_bin("codex-cleanup.sh", "-d", "-c", "--compress-age", "0"))
        self.assertRegex(self.run_bin("codex-cleanup.sh", "-s"), r"(?m)^workers +2 ")
        self.assertIn("deleted 3 reports", self.run_bin("codex-cleanup.sh", "-f", "-a", "0"))
        self.assertIn("argv: ", self.run_bin("codex-exec.sh", "-d", "a task"))


if __name__ == "__main__":
    unittest.main()
