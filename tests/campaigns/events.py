"""A campaign of kills: is each change of state told exactly once, in order, whoever is killed?

A batch of quick commands is run, and beside it tasks are added, cancelled, retried and deleted by commands of their
own. A reader has `txlite events --follow --json` write into a pipe, and writes down each whole line that comes out of
it, by one append; what was cut off by a kill is forgotten. It is killed with its follower, or the follower alone, at
random moments, and goes on after the last number that it had written down. So are the supervisors, the workers, the
companions that tell a hook of each run what has ended, and the commands beside. At the end what was written down is
compared with the history in the database, read by SQLite alone:

  every change is told, once, in the order of its number, and as it stands there; nothing is told that is not there;
  what was told of a task is its whole way: each change begins with the state in which the one before it ended;
  no hook was told of a change twice, or of one that is not so, and neither hook nor companion outlives a killed run;
  a follower that nobody killed is still there at the end, and ends by a signal; nobody wrote a traceback.

Linux only (/proc). By hand:  python3 tests/campaigns/events.py [--kills 10] [--tasks N] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import harness

TASKS_PER_KILL = 40
MEAN_PAUSE = 0.35  # seconds between kills
END_PATIENCE = 120.0  # seconds that all may take after the last kill
CATCH_UP = 20.0  # seconds until the last change is told
TRACEBACK = re.compile(rb"^(?!EOFError)\w[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)
HISTORY = "SELECT id, at, task, from_status, to_status FROM history ORDER BY id"
TXLITE = (sys.executable, "-S", "-m", "txlite")
BESIDE = ("add", "cancel", "retry", "delete")

# kind of kill -> weight; half of the kills hit the reader, the others what it reads of
READERS = {"reader": 5, "follower": 5}
OTHERS = {"supervisor": 3, "worker": 4, "all workers": 2, "companion": 2, "beside": 2, "everybody": 2}

READER = r"""
import json, os, subprocess, sys
home, told, *command = sys.argv[1:]
last = 0
with open(told, "ab+") as file:
    file.seek(0)
    lines = file.read().split(b"\n")
    torn = lines.pop()  # of a reader that was killed
    if torn:
        file.truncate(sum(map(len, lines)) + len(lines))
    if lines:
        last = json.loads(lines[-1])["id"]
follower = subprocess.Popen([*command, "--home", home, "events", "-f", "--json", "--since", str(last)],
                            stdout=subprocess.PIPE)
out = os.open(told, os.O_WRONLY | os.O_APPEND)
for line in follower.stdout:
    if line.endswith(b"\n"):
        os.write(out, line)
follower.wait()
"""


class Campaign:
    """One home, what goes on in it, and who is told."""

    def __init__(self, scene: harness.Scene, kills: int, tasks: int) -> None:
        self.scene, self.random = scene, scene.random
        self.left = kills * 2
        self.tasks = tasks
        self.home, self.told, self.hooked = scene.path("home"), scene.path("told"), scene.path("hooked")
        self.run: subprocess.Popen[bytes] | None = None
        self.reader: subprocess.Popen[bytes] | None = None
        self.beside: list[subprocess.Popen[bytes]] = []
        self.exits: Counter[int] = Counter()
        with open(scene.path("reader.py"), "w", encoding="ascii") as file:
            file.write(READER)
        with open(scene.path("batch"), "w", encoding="ascii") as file:
            file.writelines(f"{self._draw_command()} # {number}\n" for number in range(tasks))

    def _draw_command(self) -> str:
        return self.random.choices(["true", "exit 3", "sleep 0.02", "kill -9 $$"], [80, 10, 8, 2])[0]

    def begin(self, *arguments: object) -> subprocess.Popen[bytes]:
        return self.scene.start([*TXLITE, "--home", self.home, *arguments], "txlite.log")

    def begin_run(self) -> subprocess.Popen[bytes]:
        batch = self.scene.path("batch")
        tell = f"cat >> {self.hooked}; echo >> {self.hooked}; sleep 0.{self.random.randrange(5)}"
        return self.begin(
            "run", "-j", 3, "--from", batch, "--max-attempts", 2, "--kill-after", 1, "--on-finish", tell
        )  # fmt: skip

    def begin_reader(self) -> subprocess.Popen[bytes]:
        script = [sys.executable, "-S", self.scene.path("reader.py"), self.home, self.told, *TXLITE]
        return self.scene.start(script, "reader.log")

    def drive(self) -> None:
        """Let all go on, killing on the way, until the batch has ended."""
        deadline = time.monotonic() + END_PATIENCE
        next_kill = time.monotonic() + MEAN_PAUSE
        while self._renew() and time.monotonic() < deadline:
            time.sleep(0.02)
            self._act_beside()
            if self.left and time.monotonic() >= next_kill:
                self.left -= self._kill(self.left % 2 == 0)
                next_kill = time.monotonic() + self.random.uniform(0, 2 * MEAN_PAUSE)
                deadline = time.monotonic() + END_PATIENCE
        if time.monotonic() >= deadline:
            self.scene.violations.append(f"it did not end within {END_PATIENCE:g} s after the last kill")

    def _renew(self) -> bool:
        """Start again what is not there any more; whether there is something left to do."""
        if self.reader is None or self.reader.poll() is not None:
            self._note_exit(self.reader)
            self.reader = self.begin_reader()
        if self.run is None or self.run.poll() is not None:
            self._note_exit(self.run)
            if self.run and self.run.returncode in (0, 1) and not self.left:
                return False
            self.run = self.begin_run()  # while kills are left, what failed is tried again by it
        return True

    def _note_exit(self, process: subprocess.Popen[bytes] | None) -> None:
        if process:
            self.exits[process.returncode] += 1

    def _act_beside(self) -> None:
        """Now and then add, cancel, retry or delete something."""
        self.beside = [one for one in self.beside if one.poll() is None]
        if self.random.random() < 0.5 or len(self.beside) > 1:
            return
        verb = self.random.choice(BESIDE)
        if verb == "add":
            self.beside.append(self.begin("add", "-q", "--", self._draw_command()))
            return
        with contextlib.suppress(sqlite3.Error), contextlib.closing(harness.connect(self.home)) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM tasks ORDER BY random() LIMIT 3")]
            if ids:
                self.beside.append(self.begin(verb, *(ids[:1] if verb == "delete" else ids)))

    def _kill(self, is_reader: bool) -> bool:
        """Kill somebody; False if there was nobody of the kind that was drawn."""
        kinds = READERS if is_reader else OTHERS
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        struck = [pid for pid in self._choose(kind) if harness.strike(pid)]
        if struck:
            self.scene.note_kill(kind, struck)
        return bool(struck)

    def _choose(self, kind: str) -> list[int]:
        assert self.run and self.reader
        living = self.scene.processes()
        followers = [one.pid for one in living if one.parent == self.reader.pid]
        of_runs = [one for one in living if b"\0run\0" in one.command and harness.is_txlite(one)]
        workers = [one.pid for one in of_runs if one.parent == self.run.pid]
        chosen: dict[str, list[int]] = {
            "reader": [self.reader.pid, *followers] if self.random.random() < 0.5 else [self.reader.pid],
            "follower": followers,
            "supervisor": [self.run.pid],
            "worker": workers[:1],
            "all workers": workers,
            "companion": [one.pid for one in of_runs if one.pid not in (self.run.pid, *workers)],
            "beside": [one.pid for one in self.beside],
            "everybody": [one.pid for one in living],
        }
        return chosen[kind]

    def finish(self) -> None:
        """Let the reader catch up, and end it."""
        for one in self.beside:
            one.wait()
        self.begin("reconcile").wait()
        last = read_history(self.home)[-1][0]
        deadline = time.monotonic() + CATCH_UP
        while (self._last_told() < last or not self._followers()) and time.monotonic() < deadline:
            if self.reader is None or self.reader.poll() is not None:
                self.reader = self.begin_reader()
            time.sleep(0.02)
        for pid in self._followers():
            os.kill(pid, signal.SIGINT)
        assert self.reader
        try:
            if self.reader.wait(END_PATIENCE):
                self.scene.violations.append(f"the reader ended with {self.reader.returncode}")
        except subprocess.TimeoutExpired:
            self.scene.violations.append("the follower does not end by a signal")
        self.scene.clear(10.0)

    def _followers(self) -> list[int]:
        """The processes that tell the reader; none while it has only just begun."""
        return [one.pid for one in self.scene.processes() if b"\0events\0" in one.command]

    def _last_told(self) -> int:
        lines = harness.read(self.told).split(b"\n")
        return int(json.loads(lines[-2])["id"]) if len(lines) > 1 else 0


def read_history(home: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(harness.connect(home)) as connection:
        return connection.execute(HISTORY).fetchall()


def check(campaign: Campaign) -> Iterator[str]:
    """What was written down, against the history."""
    history = {row[0]: row for row in read_history(campaign.home)}
    told = [json.loads(line) for line in harness.read(campaign.told).splitlines()]
    last = 0
    states: dict[str, str | None] = {}
    for one in told:
        found = (one["id"], one["at"], one["task"], one["from"], one["to"])
        if one["id"] <= last:
            yield f"change {one['id']} was told after change {last}"
        elif history.get(one["id"]) != found:
            yield f"change {one['id']} was told as {found}, and is {history.get(one['id'])}"
        if states.get(one["task"]) != one["from"]:
            yield f"{one['task']} was told to leave {one['from']}, after it came to {states.get(one['task'])}"
        last, states[one["task"]] = one["id"], one["to"]
    counts = Counter(one["id"] for one in told)
    for number in history.keys() - counts.keys():
        yield f"change {number} was never told: {history[number]}"
    for number, count in counts.items():
        if count > 1:
            yield f"change {number} was told {count} times"
    yield from check_hooks(campaign, history)
    for name in ("txlite.log", "reader.log"):
        for message in sorted(set(TRACEBACK.findall(harness.read(campaign.scene.path(name))))):
            yield f"{name} has a traceback: {message.decode(errors='replace')}"


def check_hooks(campaign: Campaign, history: dict[int, tuple[Any, ...]]) -> Iterator[str]:
    """What hooks were told, but for lines that a kill has torn."""
    counts: Counter[int] = Counter()
    for line in harness.read(campaign.hooked).splitlines():
        with contextlib.suppress(ValueError):
            for one in json.loads(line)["tasks"]:
                counts[one["id"]] += one["outcome"] != "lost"
                found = history.get(one["id"], ())
                if found != (one["id"], one["at"], one["task"], one["from"], one["to"]):
                    yield f"a hook was told of change {one['id']}, which is {found}"
    if not counts:
        yield "no hook was told anything"
    for number, count in counts.items():
        if count > 1:
            yield f"hooks were told of change {number} {count} times"


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Kill readers of events, and what they are told of.")
    parser.add_argument("--kills", type=int, default=10, help="of the reader, and as many of the others")
    parser.add_argument("--tasks", type=int, help=f"in the batch ({TASKS_PER_KILL} a kill)")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    scene = harness.Scene("events", options)
    campaign = Campaign(scene, options.kills, options.tasks or options.kills * TASKS_PER_KILL)
    try:
        campaign.drive()
        campaign.finish()
        violations = [*scene.violations, *check(campaign)]
    finally:
        scene.kill_all()
    kinds = ", ".join(f"{scene.kills[kind]} {kind}" for kind in (*READERS, *OTHERS))
    changes = len(read_history(campaign.home))
    figures = f"{sum(scene.kills.values())} kills ({kinds}), {campaign.tasks} tasks in the batch, {changes} changes"
    return scene.conclude(violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
