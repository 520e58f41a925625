"""The launcher's scripts, used as people use them: from shell scripts, by the dozen, and killed. Proved:

Patterns  `&` and `wait $!` with the task's exit code, several at once, several types, at most N by `jobs -r`, one
          after the other and then together, retries, PIDs in an array
Promises  the PID comes first and at once, a report has one file and its final name whatever was killed, a failure
          is a failure, output is kept, as many reports and calls as launches
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import unittest

from ..case import running, wait_until
from .case import CrewCase, most_at_once


class Patterns(CrewCase):
    def test_a_background_job_is_waited_for_with_its_exit_code(self) -> None:
        script = '$LAUNCH "sweep the yard" & job=$!\nwait $job; echo "ended with $?"'
        out = self.sh(script + "\n" + script, does="[ $number -gt 1 ] || exit 7")
        self.assertEqual(re.findall("ended with (.*)", out), ["7", "0"])
        self.assertEqual(self.texts(), ["sweep the yard"] * 2)
        self.assertEqual(sorted(self.pids()), self.told_pids(out))

    def test_several_at_once_with_a_level_each(self) -> None:
        script = """
            for level in low medium high; do
                $LAUNCH $level workers "paint the $level shelf" & jobs="$jobs $!"
            done
            for job in $jobs; do wait $job || exit; done"""
        out = self.sh(script, does="meet 3")
        wanted = [(level, f"paint the {level} shelf") for level in ("high", "low", "medium")]
        self.assertEqual(sorted((call.level, call.text) for call in self.calls()), wanted)
        self.assertEqual(sorted(self.pids()), self.told_pids(out))
        self.assertEqual(len(set(re.findall(r"^Report: (.*_TEMP.*_codex_task\.md)$", out, re.M))), 3)

    def test_two_types_in_two_directories(self) -> None:
        self.sh('$LAUNCH research "which paint lasts" & $LAUNCH low workers "buy paint" & wait')
        self.assertEqual((len(self.pids("research")), len(self.pids("workers"))), (1, 1))
        found = {call.text: (call.level, "web_search=live" in call.argv) for call in self.calls()}
        self.assertEqual(found, {"which paint lasts": ("medium", True), "buy paint": ("low", False)})

    def test_at_most_two_by_counting_jobs(self) -> None:
        script = """
            for room in hall attic cellar; do
                while [ "$(jobs -r | wc -l)" -ge 2 ]; do wait -n; done
                $LAUNCH "clean the $room" &
            done; wait"""
        self.sh(script, does="meet 2; sleep 0.1")
        self.assertEqual(sorted(self.texts()), [f"clean the {room}" for room in ("attic", "cellar", "hall")])
        self.assertEqual(most_at_once(self.calls()), 2)
        self.assertEqual(len(self.pids()), 3)

    def test_one_after_the_other_then_together(self) -> None:
        script = """
            $LAUNCH high workers "first"; wait
            $LAUNCH high workers "second" && export CODEX_DOES="meet 4"
            $LAUNCH "third" & $LAUNCH "fourth" & wait"""
        self.sh(script, does="sleep 0.1")
        first, second, *others = self.calls()
        self.assertEqual((first.text, second.text), ("first", "second"))
        self.assertEqual({call.text for call in others}, {"third", "fourth"})
        self.assertLessEqual(first.ended, second.began)
        self.assertLessEqual(second.ended, others[0].began)
        self.assertEqual(most_at_once(others), 2)

    def test_retries_end_with_the_first_success_or_with_the_last_failure(self) -> None:
        script = """
            for try in 1 2; do
                $LAUNCH "climb the hill" & wait $! && exit 0
            done; exit 9"""
        self.sh(script, does="[ $number -gt 1 ] || exit 7")
        self.assertEqual(len(self.calls()), 2)
        self.sh(script, does="exit 7", code=9)
        self.assertEqual((len(self.calls()), len(self.pids())), (4, 4))

    def test_pids_in_an_array(self) -> None:
        script = """
            declare -A crew
            for name in ann bob; do $LAUNCH "greet $name" > $name & crew[$name]=$!; done
            wait ${crew[bob]}; echo "bob $?"; wait ${crew[ann]}; echo "ann $?" """
        self.assertEqual(self.sh(script).split(), ["bob", "0", "ann", "0"])
        self.assertEqual(self.told_pids(self.read("ann") + self.read("bob")), sorted(self.pids()))


class Promises(CrewCase):
    def begin_one(self, does: str = "wait_for go") -> tuple[subprocess.Popen[bytes], int]:
        """A launch whose codex runs; the launcher and the PID that it told."""
        launcher = self.begin('exec $LAUNCH "water the plants"', does=does)
        told = re.fullmatch(rb"PID: (\d+)\n", launcher.stdout.readline())
        wait_until(self.calls, "codex to begin")
        return launcher, int(told[1])

    def test_the_pid_comes_first_and_at_once_and_is_in_the_final_name(self) -> None:
        launcher, pid = self.begin_one()
        self.assertTrue(running(self.home), "the worker")
        self.assertRegex("".join(self.names()), r"^\d{8}_\d{6}_TEMP_codex_task\.md$")
        self.assertIsNone(launcher.poll())
        self.open_gate()
        self.assertEqual(launcher.wait(60), 0)
        self.assertEqual(self.pids(), [pid])

    def test_every_prompt_arrives_and_as_many_reports_as_launches(self) -> None:
        script = """
            for number in {1..12}; do $LAUNCH "fold shirt $number" & jobs="$jobs $!"; done
            for job in $jobs; do wait $job || exit; done"""
        out = self.sh(script)
        self.assertEqual(sorted(self.texts()), sorted(f"fold shirt {number}" for number in range(1, 13)))
        told = self.told_pids(out)
        self.assertEqual((len(set(told)), sorted(self.pids())), (12, told))

    def test_a_slow_writer_has_one_report_with_all_of_it(self) -> None:
        launcher, _ = self.begin_one()
        (name,) = self.names()
        wait_until(lambda: "call 1 begins" in self.read(os.path.join(self.home, "workers", name)), "live output")
        self.open_gate()
        self.assertEqual(launcher.wait(60), 0)
        (report,) = self.reports().values()
        self.assertIn("\ncall 1 begins\ncall 1 complains\ncall 1 ends\n", report)

    def test_a_killed_launcher_leaves_no_temp_behind(self) -> None:
        launcher, pid = self.begin_one()
        launcher.kill()
        launcher.wait()
        self.open_gate()
        wait_until(lambda: not [name for name in self.names() if "TEMP" in name], "the final name, and no other")
        self.assertEqual(self.pids(), [pid])
        wait_until(lambda: "done" in self.run_bin("codex-status.sh"), "its end, which is recorded after that")

    def test_a_killed_worker_is_lost_and_leaves_no_temp_behind(self) -> None:
        launcher, pid = self.begin_one("[ $number -gt 1 ] || wait_for go")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(launcher.wait(60), 125)
        self.assertIn(b"lost", launcher.stdout.read())
        self.sh('$LAUNCH "water them again"')
        wait_until(lambda: not [name for name in self.names() if "TEMP" in name], "the final names")
        self.assertIn(pid, self.pids())
        self.assertEqual(running(os.path.join(self.stand, "codex")), [])
        self.assertRegex(self.run_bin("codex-status.sh"), rf"\nlost +{pid} ")

    def test_an_agent_that_dies_and_writes_nothing_is_a_failure(self) -> None:
        self.sh('$LAUNCH "fall down"', does="kill -9 $$", code=137)
        self.assertEqual(len(self.pids()), 1)
        self.assertRegex(self.run_bin("codex-status.sh"), r"\nfailed +\d+ ")

    def test_output_and_complaints_of_a_failure_are_kept(self) -> None:
        out = self.sh('$LAUNCH "try"', does="echo unlucky >&2; exit 41", code=41)
        self.assertIn("failed, exit 41", out)
        (report,) = self.reports().values()
        self.assertIn("\ncall 1 begins\ncall 1 complains\nunlucky\n", report)
        self.assertIn("**Exit Code:** 41", report)


if __name__ == "__main__":
    unittest.main()
