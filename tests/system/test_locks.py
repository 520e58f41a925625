"""File locks: a wait ends, and names whom it waited for; a loop that polls never waits."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import unittest
from typing import Any
from unittest import mock

import txlite
from txlite.system.locks import FileLock, PolledLock

from ..case import ROOT, Case, wait_until


class FileLocks(Case):
    def test_a_wait_for_the_lock_ends_and_names_the_holder(self) -> None:
        path = self.path("lock")
        code = f"""import sys, time; sys.path.insert(0, {ROOT!r})
from txlite.system.locks import FileLock, PolledLock
lock = FileLock({path!r}, 1.0); lock.acquire(); print(flush=True); time.sleep(600)"""
        holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.kill)
        holder.stdout.readline()
        fired = []
        earlier = signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
        self.addCleanup(signal.signal, signal.SIGALRM, earlier)
        signal.setitimer(signal.ITIMER_REAL, 0.6)  # a program's own timer goes on
        lock = FileLock(path, 0.3)
        started = time.monotonic()
        with self.assertRaisesRegex(txlite.StoreUnavailable, f"process {holder.pid}"):
            lock.acquire()
        self.assertGreaterEqual(time.monotonic() - started, 0.3)
        self.assertIsNone(holder.poll(), "it ended by its own")
        wait_until(lambda: fired, "the program's own timer")
        holder.kill()
        holder.wait()
        lock.acquire()
        lock.release()
        lock.close()

    def test_a_wait_that_ends_late_ends_once(self) -> None:
        """On a busy machine the timer fires again while we deal with its first signal, or before we wait."""
        path, ask, set_timer = self.path("lock"), FileLock._holder, signal.setitimer

        def ask_late(lock: FileLock) -> str:
            time.sleep(0.15)
            return ask(lock)

        def set_early(*words: Any) -> tuple[float, float]:
            earlier = set_timer(*words)
            time.sleep(0.15 if words[1:] != (0,) else 0)
            return earlier

        with PolledLock(path) as holder:
            self.assertTrue(holder.try_acquire())
            lock = FileLock(path, 0.05)
            self.addCleanup(lock.close)
            for late in (
                mock.patch.object(FileLock, "_holder", ask_late),
                mock.patch.object(signal, "setitimer", set_early),
            ):
                with late, self.assertRaisesRegex(txlite.StoreUnavailable, "has been locked for 0.05 s"):
                    lock.acquire()
                self.assertEqual(signal.getitimer(signal.ITIMER_REAL), (0.0, 0.0))
                self.assertIs(signal.getsignal(signal.SIGALRM), signal.SIG_DFL)
        lock.acquire()
        lock.release()

    def test_a_thread_that_waits_for_the_lock_gives_up(self) -> None:
        path = self.path("lock")
        refused: list[str] = []

        def wait() -> None:
            lock = FileLock(path, 0.1)
            try:
                lock.acquire()
            except txlite.StoreUnavailable as error:
                refused.append(str(error))
            lock.close()

        with PolledLock(path) as holder:
            self.assertTrue(holder.try_acquire())
            threading.Thread(target=wait, daemon=True).start()  # signals do not reach it: it polls
            wait_until(lambda: refused, "its deadline")
        self.assertIn("has been locked for 0.1 s", refused[0])

    def test_a_lock_that_is_polled_answers_at_once(self) -> None:
        path = self.path("lock")
        with PolledLock(path) as second:
            with PolledLock(path) as first:
                self.assertTrue(first.try_acquire())
                self.assertTrue(first.try_acquire(), "it is ours already")
                self.assertFalse(second.try_acquire())
            self.assertTrue(second.try_acquire())


if __name__ == "__main__":
    unittest.main()
