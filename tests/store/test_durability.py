"""What was told is on the disk: a power cut is played by keeping what each sync had reached, and nothing after it.

`tests/campaigns/power.py` plays it at every place, with any part of what was not synced; here it does so for seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import unittest
from collections.abc import Iterable

import txlite

from ..case import ROOT, Case

# A process of txlite in which each sync of the log puts a copy of the database as it is on the disk then beside it.
SYNCING = """
import fcntl, os, subprocess, sys
sync = os.fdatasync

def begin_of(log):
    try:
        with open(log, "rb") as file:
            return file.read(32)
    except FileNotFoundError:
        return b""

def sync_and_keep(file):
    size = os.fstat(file).st_size  # what comes behind it meanwhile may be on the disk, or not
    sync(file)
    path = os.readlink(f"/proc/self/fd/{file}")
    if path.endswith("tasks.db-wal"):
        with open("disk.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = "disk/tasks.db-wal"  # of a log that has begun anew since, its size says nothing
            if begin_of(path) != begin_of(kept) or size > os.path.getsize(kept):
                # By another process: who closes a descriptor of the database loses SQLite's locks.
                subprocess.run(["cp", path[:-4], path, "disk"], check=True)
                os.truncate("disk/tasks.db-wal", size)

os.fdatasync = sync_and_keep
import txlite.cli
if __name__ == "__main__":
    sys.exit(txlite.cli.main())
"""


@unittest.skipUnless(os.path.isdir("/proc/self/fd") and hasattr(os, "fdatasync"), "needs Linux")
class PowerCuts(Case):
    def setUp(self) -> None:
        super().setUp()
        with open(self.path("syncing.py"), "w") as file:
            file.write(SYNCING)
        os.mkdir(self.path("disk"))
        self.environment["PYTHONUNBUFFERED"] = "1"

    def begin(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, self.path("syncing.py"), *words], cwd=self.directory, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.addCleanup(process.communicate)
        return process

    def assert_on_disk(self, tasks: Iterable[str]) -> None:
        """After a power cut at this moment these tasks are done, and the database is sound."""
        import fcntl

        with open(self.path("disk.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.copytree(self.path("disk"), self.path("after"))
        connection = sqlite3.connect(self.path("after/tasks.db"))
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        done = {row[0] for row in connection.execute("SELECT id FROM tasks WHERE status = 'done'")}
        connection.close()
        shutil.rmtree(self.path("after"))
        self.assertLessEqual(set(tasks), done)

    def test_what_a_run_and_whoever_looks_tell_is_on_the_disk(self) -> None:
        run = self.begin("run", "-j", "3", "--from", self.batch(*["true"] * 60))
        assert run.stdout
        told: set[str] = set()
        looks = 0
        for line in run.stdout:
            if line.startswith("done "):
                told.add(line.split()[1])
                self.assert_on_disk(told)
            if len(told) in (20, 40) and looks < 2:
                looks += 1
                listed = json.loads(self.begin("list", "--status", "done", "--json").communicate(timeout=60)[0])
                self.assert_on_disk(one["id"] for one in listed)
        self.assertEqual((run.wait(60), len(told), looks), (0, 60, 2))

    def test_what_a_program_is_told_is_on_the_disk(self) -> None:
        program = (
            SYNCING.split("import txlite.cli")[0]
            + """
import txlite
lanes = [txlite.Lane("command")]
with txlite.open() as store, txlite.open() as other:
    ids = store.add_many({"command": "true"} for _ in range(3))
    held = store.assignments.claim_next("worker", lanes, "shell", told=False)
    for _ in ids[1:]:
        done = txlite.Result("done")
        held = store.assignments.finish(held.claim.token, done, 3, "worker", lanes, "shell", told=False)
    print(*(task.id for task in other.list(["done"])))
    sys.stdout.flush()
    sys.stdin.read()
"""
        )
        with open(self.path("syncing.py"), "w") as file:
            file.write(program)
        process = subprocess.Popen(
            [sys.executable, self.path("syncing.py")], cwd=self.directory, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.addCleanup(process.communicate)
        assert process.stdout
        told = process.stdout.readline().split()
        self.assertEqual(len(told), 2)
        self.assert_on_disk(told)

    def test_what_nobody_was_told_waits_for_no_disk(self) -> None:
        with self.store() as store:
            store.add_many({"command": "true"} for _ in range(9))
            lanes = [txlite.Lane("command")]
            synced: list[int] = []
            store.database.is_telling = False
            store.database._sync = lambda: synced.append(1)  # type: ignore[method-assign]
            held = store.assignments.claim_next("worker", lanes, "shell", told=False)
            assert held
            store.assignments.finish(held.claim.token, txlite.Result("done"), 3, "worker", lanes, "shell", told=False)
            self.assertEqual(len(store.list(["done"])), 1)
            self.assertEqual(synced, [])
            store.done(store.list(["ready"])[0].id)
            self.assertEqual(synced, [1])

    def test_the_power_is_cut_anywhere(self) -> None:
        campaign = os.path.join(ROOT, "tests", "campaigns", "power.py")
        command = [sys.executable, campaign, "--cuts", "50", "--tasks", "8", "--pages", "30", "--every", "80"]
        ended = subprocess.run(
            command, env=self.environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        if ended.stdout.startswith("skipped"):
            self.skipTest(ended.stdout)
        self.assertEqual(ended.returncode, 0, ended.stdout)


if __name__ == "__main__":
    unittest.main()
