"""Disks that are full, fill up, or cannot be written."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

from ..case import Case, wait_until


@unittest.skipIf(os.geteuid(), "needs root, to mount and to become somebody else")
class Disks(Case):
    def mount(self, *options: str) -> str:
        place = self.path("disk")
        os.mkdir(place)
        mounted = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", place], capture_output=True)
        if mounted.returncode:
            self.skipTest("cannot mount: " + mounted.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", place])
        self.home = os.path.join(place, "home")
        return place

    def fill(self, place: str) -> None:
        with open(os.path.join(place, "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def test_a_disk_that_is_nearly_full_at_the_first_command(self) -> None:
        place = self.mount("-o", "size=1m")
        for kilobytes in range(0, 320, 40):
            self.home = os.path.join(place, f"home-{kilobytes}")
            self.fill(place)
            os.truncate(
                os.path.join(place, "filler"), max(os.path.getsize(os.path.join(place, "filler")) - kilobytes * 1024, 0)
            )
            command = self.start("--home", self.home, "add", "x")
            command.communicate()
            self.assertIn(command.returncode, (0, 69), f"{kilobytes} KB free")
            os.unlink(os.path.join(place, "filler"))
            self.txlite("--home", self.home, "add", "y")
            with contextlib.closing(sqlite3.connect(os.path.join(self.home, "tasks.db"))) as connection:
                self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            shutil.rmtree(self.home)

    def test_a_full_disk(self) -> None:
        place = self.mount("-o", "size=4m")
        self.txlite("--home", self.home, "add", "before")
        self.fill(place)
        self.txlite("--home", self.home, "add", "x" * 100_000, code=69)
        self.assertIn("disk", self.errors)
        self.assertEqual(len(self.json("list", "--home", self.home)), 1)
        os.unlink(os.path.join(place, "filler"))
        self.txlite("--home", self.home, "add", "after")

    def test_a_disk_that_fills_up_while_it_runs(self) -> None:
        place = self.mount("-o", "size=4m")
        batch = self.batch("touch started; while ! test -e go; do sleep 0.05; done; yes | head -c 3000000", "true")
        run = self.start("--home", self.home, "run", "--from", batch, "--workers", "1", "--max-attempts", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        self.fill(place)
        with open(self.path("go"), "w"):
            pass
        time.sleep(1.5)
        os.unlink(os.path.join(place, "filler"))
        run.communicate(timeout=60)
        self.txlite("--home", self.home, "run")
        self.assertEqual(self.json("list", "--home", self.home, "--status", "done")[-1]["command"], "true")
        self.assertEqual(len(self.json("list", "--home", self.home, "--status", "active")), 0)

    def test_what_is_kept_of_outputs_leaves_room_for_the_queue(self) -> None:
        self.mount("-o", "size=6m")
        batch = self.batch("yes | head -c 20000000 # 1", "yes | head -c 20000000 # 2", "echo small")
        options = ("--output", "--workers", "1", "--max-attempts", "1")
        run = self.start("--home", self.home, "run", *options, "--from", batch)
        output, errors = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"its output is not whole: No space left on device", errors)
        self.assertIn(b"small\n", output)
        states = [one["status"] for one in self.json("list", "--home", self.home)]
        self.assertEqual(sorted(states), ["done", "failed", "failed"])

    def test_read_only_media(self) -> None:
        place = self.mount()
        self.txlite("--home", self.home, "add", "x")
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        self.assertEqual(len(self.json("list", "--home", self.home)), 1)
        self.txlite("--home", self.home, "add", "y", code=69)
        self.assertIn("Read-only", self.errors)


if __name__ == "__main__":
    unittest.main()
