"""Groups while runs go on: no more of one at a time than its limit, whoever runs them, and whoever is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import unittest
from collections import Counter

from ..case import Case, wait_until

LIMITS = {"one": 1, "two": 2, "three": 3}


class GroupRuns(Case):
    def add(self, group: str, *commands: str) -> list[str]:
        with self.store() as store:
            return list(store.add_many(self.task(group, command) for command in commands))

    def task(self, group: str, command: str, score: float = 0) -> dict[str, object]:
        return {"command": command, "group": group, "score": score, "directory": self.directory}

    def course(self, name: str) -> list[int]:
        """How many of a group ran, after each beginning and each end that they wrote down, in the order of the file."""
        found, running = [], 0
        for word in self.read(name).split():
            running += 1 if word == "begin" else -1
            found.append(running)
        return found

    def recorded(self, name: str, between: str = "true") -> str:
        return f"echo begin >> {name}; {between}; echo end >> {name}"


class Racing(GroupRuns):
    def test_eight_workers_never_run_more_of_a_group_than_it_lets(self) -> None:
        with self.store() as store:
            for name, limit in LIMITS.items():
                store.groups.set_limit(name, limit)
            groups = [*LIMITS, ""]
            store.add_many(
                self.task(groups[number % 4], self.recorded(f"log-{groups[number % 4]}"), number % 3)
                for number in range(200)
            )
        self.txlite("run", "-j", "8")
        for name, limit in LIMITS.items():
            course = self.course(f"log-{name}")
            self.assertEqual((len(course), course[-1]), (100, 0))
            self.assertLessEqual(max(course), limit, name)
        self.assertEqual(Counter(one["status"] for one in self.json("list")), {"done": 200})

    def test_a_higher_limit_is_used_at_once(self) -> None:
        wait = "until test -e go; do sleep 0.05; done"
        self.add("a", *[self.recorded("log", wait)] * 4)
        run = self.start("run", "-j", "4")
        wait_until(lambda: os.path.exists(self.path("log")) and self.course("log") == [1], "the first")
        self.txlite("group", "a", "--workers", "3")
        wait_until(lambda: self.course("log") == [1, 2, 3], "two more")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)
        self.assertEqual((len(self.course("log")), max(self.course("log"))), (8, 3))

    def test_a_group_is_a_lock_across_two_runs(self) -> None:
        self.add("lock", *[self.recorded("log", "sleep 0.01")] * 12)
        self.add("", *["sleep 0.01"] * 8)
        runs = [self.start("run", "-j", "2") for _ in range(2)]
        said = [run.communicate(timeout=120)[0].decode() for run in runs]
        self.assertEqual([run.returncode for run in runs], [0, 0])
        self.assertEqual(self.course("log"), [1, 0] * 12)
        for one in said:
            self.assertLessEqual(one.count("waits for group lock, which is full (1 of 1)\n"), 1)

    def test_what_a_killed_worker_ran_has_its_room_until_its_tree_is_gone(self) -> None:
        first = f"test -e pid && exit; echo $$ > pid; exec sleep {self.nap}"
        self.add("lock", first, "grep -s ^State /proc/$(cat pid)/status > seen; true")
        run = self.start("run", "-j", "2")
        wait_until(lambda: os.path.exists(self.path("pid")), "the first")
        worker = wait_until(
            lambda: [one["pid"] for one in self.json("worker", "list") if one["status"] == "busy"], "it"
        )
        os.kill(worker[0], signal.SIGKILL)
        self.assertEqual(run.wait(60), 0)
        self.assertRegex(self.read("seen"), r"\A(State:\s+[XZ].*\n)?\Z")
        self.assertEqual(Counter(one["status"] for one in self.json("list")), {"done": 2})


class Waiting(GroupRuns):
    def test_a_run_says_that_it_waits_for_a_paused_group_and_goes_on(self) -> None:
        self.add("a b", "true", "true")
        self.add("", "true")
        self.txlite("pause", "a b")
        run = self.start("run", stdout=subprocess.PIPE)
        assert run.stdout
        said = b""
        while b"resume" not in said:
            said = run.stdout.readline()
            self.assertTrue(said, "it ended")
        words = "all that is left waits for group a b, which is paused: `txlite resume 'a b'`\n"
        self.assertEqual(said.decode(), words)
        self.assertRegex(
            self.txlite("status"), r"\nwaiting: 2 wait for group a b, which is paused: `txlite resume 'a b'`"
        )
        self.txlite("resume", "a b")
        rest = run.communicate(timeout=60)[0].decode()
        self.assertEqual(run.returncode, 0)
        self.assertRegex(rest, r"(?s)\A(goes on\n)?done .*3 done\n\Z")

    def test_a_run_says_that_somebody_else_holds_what_it_waits_for(self) -> None:
        held, _ = self.add("a", "true", "true")
        self.txlite("claim", held, "me")
        run = self.start("run", stdout=subprocess.PIPE)
        assert run.stdout
        self.assertEqual(run.stdout.readline(), b"all that is left waits for group a, which is full (1 of 1)\n")
        self.txlite("done", held)
        rest = run.communicate(timeout=60)[0].decode()
        self.assertEqual(run.returncode, 0)
        self.assertRegex(rest, r"(?s)\A(goes on\n)?done .*1 done\n\Z")

    def test_a_run_that_keeps_a_group_full_itself_says_nothing(self) -> None:
        self.add("a", *["sleep 0.1"] * 8)
        said = self.txlite("run", "-j", "4")
        self.assertNotRegex(said, "waits|goes on")
        self.assertRegex(said, re.compile("^8 done$", re.M))


if __name__ == "__main__":
    unittest.main()
