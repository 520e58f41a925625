"""The loop: in which order it goes, when it ends, and what its options mean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unittest

from ..case import PATIENCE, ROOT, wait_until
from .case import RepositoryCase


class Order(RepositoryCase):
    def test_a_commit_for_each_task_in_the_order_of_the_queue(self) -> None:
        first = self.add("echo 1 > one", "low")
        second = self.add("echo 2 > two", "high", score=5)
        third = self.add("test -e one && test -e two && echo 3 > three", "last", after=[first])
        self.ralph()
        subjects = [f"Complete {third}: last", f"Complete {first}: low", f"Complete {second}: high", "first"]
        self.assertEqual(self.log(), subjects)
        self.assert_clean()
        self.assertNotIn(".txlite", self.run_git("ls-files"))

    def test_a_task_that_comes_again_is_done_for_this_time(self) -> None:
        task = self.add("date >> dates", every="1d")
        self.assertIn("1 done", self.ralph())
        self.assertEqual(len(self.log()), 2)
        self.txlite("retry", task)
        self.assertIn("1 done", self.ralph())
        self.assertEqual((self.status_of(task), len(self.log())), ("backlog", 3))

    def test_a_task_without_changes_is_no_commit(self) -> None:
        task = self.add("true")
        self.ralph()
        self.assertEqual((self.status_of(task), self.log()), ("done", ["first"]))

    def test_a_bad_task_is_put_aside_and_the_others_go_on(self) -> None:
        bad = self.add("echo half > file; exit 3", "bad", score=9)
        good = [self.add(f"echo {number} > file-{number}") for number in range(3)]
        told = self.ralph("--max-attempts", "2", code=1)
        self.assertEqual([self.status_of(task) for task in [bad, *good]], ["failed"] + ["done"] * 3)
        self.assertEqual(self.log()[0].split(":")[0], f"Complete {good[-1]}")
        self.assertIn("put aside after 2 attempts: exit 3", told)
        self.assertIn("refs/txlite/parked/" + bad, told)

    def test_commands_are_judged_and_committed_too(self) -> None:
        task = self.txlite("add", "--quiet", "--", "echo built > result").strip()
        self.ralph()
        self.assertEqual(self.log()[0].split(":")[0], f"Complete {task}")

    def test_a_home_that_the_repository_ignores(self) -> None:
        self.write(".gitignore", ".txlite/\n")
        self.run_git("add", ".gitignore")
        self.run_git("commit", "-qm", "ignore")
        task = self.add("echo built > result")
        self.ralph()
        self.assertEqual(self.log()[0].split(":")[0], f"Complete {task}")

    def test_a_loop_of_ones_own_with_the_words_of_tx(self) -> None:
        agent = "#!/bin/sh\ntask=${2##* }\ntx show $task > work-$task && tx done $task\n"
        os.chmod(self.write("stand/claude", agent), 0o755)
        self.write(".gitignore", "stand\n")
        self.commit("ignore")
        tools = os.path.join(ROOT, "bin")
        environment = {**self.environment, "PATH": f"{tools}:{self.path('stand')}:{os.environ['PATH']}"}
        tasks = [self.add("-", f"task {number}") for number in range(3)]
        script = """
            while task=$(tx ready --json --limit 1 | grep -o 'tx-[a-z0-9]*' | head -1) && test -n "$task"; do
                claude --print "Do $task"
                git add -A && git commit -q -m "Complete $task"
            done"""
        os.unlink(os.path.join(self.home, "config.ini"))
        os.unlink(os.path.join(self.home, "templates", "ralph-task.md"))
        subprocess.run(["sh", "-c", script], cwd=self.directory, env=environment, check=True, timeout=PATIENCE)
        self.assertEqual(self.log()[:3], [f"Complete {task}" for task in reversed(tasks)])
        self.assertEqual(
            sorted(self.run_git("ls-files").split()),
            [".gitignore", "readme", *sorted(f"work-{task}" for task in tasks)],
        )

    def test_a_task_that_a_person_ends_is_none_that_is_waited_for(self) -> None:
        task = self.add("touch started; exit 1")
        loop = self.start("ralph", "--agent", "scripted", "--max-tasks", "1", "--max-attempts", "9")
        wait_until(lambda: self.json("show", task)["failures"], "its first failure")
        self.add("true")
        wait_until(
            lambda: self.txlite("cancel", task, code=None) is not None and self.status_of(task) == "cancelled", "it"
        )
        loop.wait(PATIENCE)


class Ends(RepositoryCase):
    def test_it_ends_when_different_tasks_fail_in_a_row(self) -> None:
        tasks = [self.add("sleep 0.3; exit 1") for _ in range(6)]
        told = self.ralph("--max-failures", "3", code=1)
        self.assertIn("3 different tasks failed in a row", told)
        self.assertEqual([self.status_of(task) for task in tasks].count("backlog"), 3)
        self.assertRegex(told, r"\npage: .*\nready:   3 prompts wait for an agent: .*\n( {9}tx-\w+  a task\n){3}$")

    def test_one_that_is_done_in_between_makes_it_a_new_row(self) -> None:
        for script in ("exit 1", "exit 1", "true", "exit 1", "exit 1", "true"):
            self.add(script)
        self.assertIn("nothing was left to do", self.ralph("--max-failures", "3", code=1))

    def test_max_tasks_counts_those_that_ended(self) -> None:
        tasks = [self.add("echo x >> file") for _ in range(4)]
        self.ralph("--max-tasks", "2")
        self.assertEqual([self.status_of(task) for task in tasks], ["done", "done", "backlog", "backlog"])
        self.ralph("--max-tasks", "1", "--workers", "2")
        self.assertEqual([self.status_of(task) for task in tasks].count("done"), 3)

    def test_max_hours(self) -> None:
        self.add("true")
        began = time.monotonic()
        self.ralph("--forever", "--max-hours", "0.0005")
        self.assertLess(time.monotonic() - began, 60)
        self.assertIn("its time was over", self.ralph("--report"))

    def test_idle_exit_waits_for_more(self) -> None:
        loop = self.start("ralph", "--agent", "scripted", "--idle-exit", "600")
        wait_until(self.worker_pids, "its worker")
        task = self.add("echo late > late")
        wait_until(lambda: self.status_of(task) == "done", "the task that came late")
        loop.send_signal(signal.SIGTERM)
        self.assertEqual(loop.wait(PATIENCE), 130)

    def test_idle_exit_ends_it_when_nothing_comes(self) -> None:
        task = self.add("true")
        began = time.monotonic()
        self.ralph("--idle-exit", "1")
        self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(self.status_of(task), "done")

    def test_one_loop_for_a_home(self) -> None:
        self.add("touch started; while ! test -e go; do sleep 0.05; done; rm -f started go")
        loop = self.start("ralph", "--agent", "scripted")
        wait_until(lambda: os.path.exists(self.path("started")), "the first loop")
        self.ralph("--no-commit", code=1)
        self.assertIn(f"(process {loop.pid})", self.errors)
        other = self.add("true", "for the one beside it")
        self.ralph("--no-commit", "--beside", "--max-tasks", "1")
        self.assertEqual(self.status_of(other), "done")
        self.write("go", "")
        self.assertEqual(loop.wait(PATIENCE), 0)

    def test_one_that_the_disk_ended_says_that_it_goes_on(self) -> None:
        full = "tasks.db: its disk is full: free some space"
        said = f"{full}; once that is mended, the same command goes on where this one stopped\n"
        for words in (("ralph", "--agent", "scripted", "--no-commit"), ("run", "--", "true")):
            script = f"""import sys; sys.path.insert(0, {ROOT!r})
from txlite import cli, errors
from txlite.execution.slots import Slots
def fill(self): raise errors.StoreUnavailable({full!r})
Slots.fill = fill
sys.exit(cli.main({["--home", self.home, *words]!r}))"""
            done = subprocess.run(
                [sys.executable, "-c", script], cwd=self.directory, env=self.environment, capture_output=True, text=True
            )
            self.assertEqual((done.returncode, done.stderr[-len(said) :]), (69, said))
        self.assertIn(said, self.txlite("ralph", "--report"))


class Options(RepositoryCase):
    def test_dry_run_changes_nothing(self) -> None:
        self.assertIn("nothing is ready", self.ralph("--dry-run"))
        task = self.add("true", "verify me", verify="make check")
        self.assertIn("make check", self.txlite("show", task))
        shown = self.ralph("--dry-run")
        self.assertIn("argv: sh PROMPT-FILE", shown)
        self.assertIn("gate: make check", shown)
        self.configure("[agent absent]\ncommand = no-such-command\n")
        shown = self.ralph("--dry-run", agent="absent")
        self.assertIn("agent: absent is not installed, or not on PATH; these are: shell,", shown)
        self.assertIn("argv: no-such-command\n", shown)
        self.assertFalse(self.json("ralph", "--dry-run", "--agent", "absent")["installed"])
        self.ralph(agent="absent", code=64)
        self.assertEqual((self.status_of(task), self.log()), ("backlog", ["first"]))
        self.assertFalse(os.path.exists(os.path.join(self.home, "loops")))

    def test_options_come_from_config(self) -> None:
        self.configure(
            "[ralph]\nagent = scripted\nverify = test -e wanted\nmax_attempts = 1\nno_commit = yes\nreview = yes\n"
            "reviewer = scripted\n"
        )
        bad, good = self.add("true"), self.add("echo x > wanted")
        for options, review in ((("--no-reviewer",), "review"), (("--no-review",), "reviewer")):
            self.txlite("ralph", "--no-worktrees", *options, code=64)
            self.assertIn(f"--{review}: what is to be", self.errors)
            self.assertIn(f"omit --no-worktrees, or give --no-{review}\n", self.errors)
        self.txlite("ralph", "--no-review", "--no-reviewer", code=1)
        self.assertEqual((self.status_of(bad), self.status_of(good), self.log()), ("failed", "done", ["first"]))

    def test_bad_options_are_one_line(self) -> None:
        for section, words in (
            ("colour = red", ("unknown option 'colour'",)),
            ("workers = many", ("workers", "whole number")),
            ("forever = perhaps", ("give yes or no",)),
        ):
            self.configure(f"[ralph]\n{section}\n")
            self.ralph(code=64)
            for word in words:
                self.assertIn(word, self.errors)
        self.configure("")
        for options, word in (
            (("--max-tasks", "0"), "whole number from 1"),
            (("--max-hours", "-1"), "give a number above 0"),
            (("--verify", " "), "the gate is empty"),
            (("--forever", "--idle-exit", "3"), "contradict"),
            (("--workers", "2", "--no-worktrees"), "commit each other's work"),
            (("--worktrees", "--no-commit"), "--no-commit"),
            (("--level", "wild"), "unknown level"),
        ):
            self.ralph(*options, code=64)
            self.assertIn(word, self.errors)
        self.ralph(agent="nobody", code=64)
        self.txlite("ralph", "--report", code=2)


if __name__ == "__main__":
    unittest.main()
