"""What the campaigns share: a place of their own, processes that are found again and killed, what is said at the end.

A campaign prints its seed first, so that it can be played again; what it started is known by a mark in its arguments or
its environment; what its agents and processes do, they write into witness logs themselves, one O_APPEND write a line,
so that the promises are judged by what really ran. At the end each violation is named, and the directory is kept where
there is one. Importing this module puts the checkout in front of sys.path, so it is imported before `txlite`.

Linux only (/proc). Used by the scripts beside it; no script itself.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, REPOSITORY)
SHOWN = 6  # violations of one kind
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's `&` has it: what we start would ignore it, too
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Line(NamedTuple):
    """A line of a witness log, which is in the order of its writing."""

    task: int
    token: int
    event: str  # start, end, beat, overlap:PID, and what else an agent has to say
    pid: int
    time: float


class Process(NamedTuple):
    """A living process of a campaign."""

    pid: int
    parent: int
    command: bytes


class Scene:
    """The directory of a campaign, the dice, the processes that were started there, and what was found wrong."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        print(f"seed {options.seed}", flush=True)
        self._keep = bool(options.keep)
        self._started = time.monotonic()
        self.random = random.Random(options.seed)
        self.directory = tempfile.mkdtemp(prefix=f"txlite-{name}-")
        self.marker = f"{name}-{secrets.token_hex(6)}"
        self.kills: Counter[str] = Counter()
        self.violations: list[str] = []

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes get: nothing of a txlite around it, and the mark by which they are found again."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TXLITE_", "GIT_"))}
        return {**kept, "PYTHONPATH": REPOSITORY, "TMPDIR": self.directory, "CAMPAIGN": self.marker, **more}

    def start(
        self, command: Iterable[object], log: str, directory: str = "", environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command whose output goes to the end of a log."""
        with open(self.path(log), "ab") as output:
            return subprocess.Popen(
                list(map(str, command)), cwd=directory or self.directory, env=environment or self.environment(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def is_ours(self, pid: int | str) -> bool:
        return f"CAMPAIGN={self.marker}".encode() in read(f"/proc/{pid}/environ")

    def processes(self) -> list[Process]:
        """All that live and were started by this campaign: known by environment or arguments."""
        found = []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            command, parent = read(f"/proc/{pid}/cmdline"), parent_of(pid)
            if parent and pid != os.getpid() and (self.marker.encode() in command or self.is_ours(pid)):
                found.append(Process(pid, parent, command))
        return found

    def workers(self) -> list[Process]:
        """Its workers, spawned or forked: they are of txlite, as their parent is."""
        ours = {one.pid: one for one in self.processes() if is_txlite(one)}
        return [one for one in ours.values() if one.parent in ours]

    def note_kill(self, kind: str, struck: list[int]) -> None:
        self.kills[kind] += 1
        with open(self.path("kills.log"), "a", encoding="utf-8") as file:
            file.write(f"{time.time():.6f} {kind} {struck}\n")

    def kill_all(self) -> list[int]:
        """Kill until nobody is left, txlite's own first: nobody may see another one's end."""
        struck: list[int] = []
        while True:
            living = sorted(self.processes(), key=lambda one: not is_txlite(one))
            found = [one.pid for one in living if strike(one.pid)]
            if not found:
                return struck
            struck += found
            time.sleep(0.002)

    def clear(self, patience: float) -> None:
        """Nothing may be left after so many seconds; kill it if it is."""
        deadline = time.monotonic() + patience
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        for process in self.processes():
            command = process.command.replace(b"\0", b" ").decode(errors="replace")
            self.violations.append(f"process {process.pid} is left running: {command[:300]}")
        self.kill_all()

    def conclude(self, violations: list[str], figures: str) -> int:
        """Say how it went, and keep the directory where that is needed; the exit code."""
        print("".join(f"VIOLATION: {violation}\n" for violation in shorten(violations)), end="")
        verdict = f"FAILED ({len(violations)})" if violations else "ok"
        print(f"{verdict}: {figures}, {time.monotonic() - self._started:.1f} s")
        if violations or self._keep:
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory)
        return 1 if violations else 0


def play(*acts: Callable[[], object], end: Callable[[], object]) -> float:
    """Do what a campaign does, and `end` in any case, should this process get SIGTERM; the seconds that it took."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        for act in acts:
            act()
    finally:
        end()
    return time.monotonic() - started


def make_parser(description: str) -> argparse.ArgumentParser:
    """A parser of what every campaign is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--keep", action="store_true", help="keep the directory in any case")
    return parser


def shorten(violations: list[str]) -> list[str]:
    """The first of each kind; a kind is what is said without ids and numbers."""
    kinds: Counter[str] = Counter()
    shown = []
    for violation in violations:
        kind = " ".join(word for word in violation.split() if not any(map(str.isdigit, word)) and word[:3] != "tx-")
        kinds[kind] += 1
        if kinds[kind] <= SHOWN:
            shown.append(violation)
    return [*shown, *([f"... and {len(violations) - len(shown)} more"] if len(shown) < len(violations) else [])]


def is_txlite(process: Process) -> bool:
    """Whether it is a supervisor or a worker."""
    return b"\0-m\0txlite\0" in process.command or b"spawn_main" in process.command


def parent_of(pid: int) -> int:
    """The parent of a process; 0 where it is dead, or has none."""
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return 0 if not fields or fields[0] in (b"Z", b"X") else int(fields[1])


def strike(pid: int) -> bool:
    """Kill it; False if it was dead already."""
    if not parent_of(pid):
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def read(path: str) -> bytes:
    """What the file holds; nothing where it is gone or forbidden."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def read_witness(path: str) -> list[Line]:
    rows = (line.split() for line in read(path).decode().splitlines())
    return [Line(int(task), int(token), event, int(pid), float(when)) for task, token, event, pid, when in rows]


def connect(home: str) -> sqlite3.Connection:
    """The database of a home, to be read; without txlite, which is what is judged."""
    return sqlite3.connect(f"file:{home}/tasks.db?mode=ro", uri=True)


def check_integrity(connection: sqlite3.Connection) -> Iterator[str]:
    """What SQLite says against the file."""
    (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    if integrity != "ok":
        yield f"integrity_check: {integrity}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"foreign_key_check: {row}"
