"""The screen that follows a home, `txlite top`: seconds until its first picture, and its share of a core while it
follows: a home where nothing happens, and one where a run goes on.

Each is a process in a terminal of its own (pty), 80 columns by 24 lines. The first picture is there when the names of
its panes are; it is measured besides a plain `txlite --version`, which shows what of it is Python's start.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

SECONDS = 0.3
SHARE = 1.0  # per cent of a core
FOLLOWED = 10.0  # seconds for which it is measured
SETTLED = 3.0  # seconds after its start, when it has counted once
PATIENCE = 30.0
MANY = 100_000  # tasks, from which on each may be as short as it will
TICK = os.sysconf("SC_CLK_TCK")


class Watched:
    """A screen in a terminal of its own."""

    def __init__(self, home: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.began = time.perf_counter()
        environment = {**homes.environment(home), "TERM": "xterm-256color"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "txlite", "top"],
            cwd=homes.PACKAGE, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def wait_for(self, words: bytes) -> float:
        """Seconds from its start until it has sent these words."""
        sent = b""
        while words not in sent:
            assert time.perf_counter() < self.began + PATIENCE, sent
            if select.select([self._ours], [], [], 0.5)[0]:
                sent += os.read(self._ours, 1 << 16)
        return time.perf_counter() - self.began

    def share(self, seconds: float) -> float:
        """Per cent of a core that it takes while it is read for so long."""
        began, used = time.perf_counter(), self._used()
        while time.perf_counter() < began + seconds:
            if select.select([self._ours], [], [], 0.2)[0]:
                os.read(self._ours, 1 << 16)
        return 100 * (self._used() - used) / (time.perf_counter() - began)

    def _used(self) -> float:
        with open(f"/proc/{self._process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def end(self) -> None:
        """Leave it."""
        os.write(self._ours, b"q")
        while self._process.poll() is None:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    os.read(self._ours, 1 << 16)
                except OSError:
                    break
        assert self._process.wait(PATIENCE) == 0
        os.close(self._ours)


def first_picture(home: str) -> float:
    watched = Watched(home)
    seconds = watched.wait_for(b"FAILED")
    watched.end()
    return seconds


def follow(home: str, seconds: float) -> float:
    watched = Watched(home)
    watched.wait_for(b"FAILED")
    watched.share(SETTLED)
    share = watched.share(seconds)
    watched.end()
    return share


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    seconds, rounds = (3.0, 3) if args.short else (FOLLOWED, 5)
    for size in (1000,) if args.short else (1000, 1_000_000):
        home = homes.make(args.scratch, size, "true" if size > MANY else "sleep 0.1")
        pictures, starts = pairs.alternate(
            rounds * 2, lambda: first_picture(home), lambda: homes.python(home, "-m", "txlite", "--version")
        )
        yield Measurement(f"first picture, {size:,} tasks", pictures, " s", SECONDS)
        yield Measurement("Python's start and --version", starts, " s")
        idle = [follow(home, seconds) for _ in range(rounds)]
        yield Measurement(f"nothing happens, {size:,} tasks", idle, " %", SHARE)
        argv = [sys.executable, "-m", "txlite", "run", "-j", "4"]
        run = subprocess.Popen(argv, cwd=homes.PACKAGE, env=homes.environment(home), stdout=subprocess.DEVNULL)
        try:
            busy = [follow(home, seconds) for _ in range(rounds)]
        finally:
            run.terminate()
            run.wait()
        yield Measurement(f"a run goes on, {size:,} tasks", busy, " %", SHARE)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
