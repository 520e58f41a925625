"""Who lives holds a lock; what those left who do not is found, and nothing of anybody else."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from unittest import mock

from txlite.system import liveness
from txlite.system.liveness import Liveness, OrphanedLock, find_leftovers, is_held, read_note
from txlite.system.locks import open_lock

from ..case import ROOT, Case


class Locks(Case):
    def setUp(self) -> None:
        super().setUp()
        self.locks, self.fifos = self.path("locks"), self.path("wake")
        os.mkdir(self.locks)
        os.mkdir(self.fifos)

    def leave(self, name: str) -> None:
        """The lock file and the FIFO of a process that was killed."""
        code = f"""import os, signal, sys; sys.path.insert(0, {ROOT!r})
from txlite.system.liveness import Liveness
from txlite.system.wakeup import Listener
Liveness({os.path.join(self.locks, name)!r}).write_note({{"left": {name!r}}})
Listener({self.fifos!r}, {name!r}).show()
os.kill(os.getpid(), signal.SIGKILL)"""
        subprocess.run([sys.executable, "-c", code], check=False)

    def test_the_lock_of_the_dead_is_taken_once(self) -> None:
        self.leave("dead")
        path = os.path.join(self.locks, "dead")
        self.assertFalse(is_held(path))
        first, second = OrphanedLock(path), OrphanedLock(path)
        self.assertEqual((first.is_taken, second.is_taken, second.is_missing), (True, False, False))
        self.assertEqual((first.note, second.note, read_note(path)), ({"left": "dead"}, {}, {"left": "dead"}))
        first.remove()
        self.assertTrue(OrphanedLock(path).is_missing)

    def test_leftovers_are_those_of_the_dead_whom_nobody_knows(self) -> None:
        for name in ("dead", "known"):
            self.leave(name)
        alive = Liveness(os.path.join(self.locks, "alive"))
        self.addCleanup(alive.release)
        os.mkfifo(os.path.join(self.fifos, ".alive"))
        os.mkfifo(os.path.join(self.fifos, "without-lock"))
        found = find_leftovers(self.locks, self.fifos, lambda: {"known"})
        self.assertEqual((found.locks, found.fifos), ({"dead"}, {"dead", "without-lock"}))
        self.assertEqual(find_leftovers(self.path("nowhere"), self.path("nowhere"), set), (set(), set()))

    def test_a_file_that_is_tidied_away_before_it_is_locked_is_made_anew(self) -> None:
        path = os.path.join(self.locks, "late")
        opened: list[int] = []

        def open_and_lose(wanted: str) -> int:
            opened.append(open_lock(wanted))
            if len(opened) == 1:
                OrphanedLock(wanted).remove()  # somebody found it there, and nobody's
            return opened[-1]

        with mock.patch.object(liveness, "open_lock", open_and_lose):
            alive = Liveness(path)
        self.addCleanup(alive.release)
        self.assertTrue(is_held(path), "nobody sees that it lives")


if __name__ == "__main__":
    unittest.main()
