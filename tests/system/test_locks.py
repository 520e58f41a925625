"""One file lock: its wait ends, and names whom it waited for."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import unittest

import txlite
from txlite.system.locks import FileLock

from ..case import ROOT, Case, wait_until


class FileLocks(Case):
    def test_a_wait_for_the_lock_ends_and_names_the_holder(self) -> None:
        path = self.path("lock")
        code = f"""import sys, time; sys.path.insert(0, {ROOT!r})
from txlite.system.locks import FileLock
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


if __name__ == "__main__":
    unittest.main()
