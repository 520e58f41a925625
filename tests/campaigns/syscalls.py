"""A campaign of kills at every system call: is there a moment at which the death of a worker breaks a promise?

A persistent worker runs a few short tasks, one of each kind: with no output, with much, with a sleep, one that fails,
one that leaves a process behind, and one that tells it to leave. strace kills it on its way into the first system call
after it was there that changes anything, into the second, and so on, each time in a fresh home. What it had in hand is
read, as `short_kills` does, and then `txlite run` goes on to the end. With `--who recovery` it is who recovers from
such a death, `txlite reconcile`, that is killed at one of its calls, which is drawn; with `--who supervisor` it is that
of a run; with `--who launched` each process of a launch is, as it comes to that call: who launches, the worker, and the
agent. With `--signal TERM` or another nobody is killed, but told to leave, there: then no attempt may be lost.
Judged each time, by the witness log that the tasks write and by the database:

  all tasks come to their end, and nothing runs again whose end was written, there or in the worker's note; what was
  told to be launched is there;
  no attempts of a task overlap, nobody is left running, and each attempt that ended has one whole report.

Linux only; needs strace, and says so where there is none. By hand:
    python3 tests/campaigns/syscalls.py [--seconds 100] [--who WHO] [--signal NAME] [--seed S]
Calls are drawn without repetition until the time is up, or there are no more; `--first N --last N` gives a range.
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import harness
from power import can_trace
from short_kills import TRACEBACK, End, check_ends, check_reports, check_witness, read_note

import txlite

PATIENCE = 60.0  # seconds for each process
LEFTOVER_PATIENCE = 20.0
CALL = re.compile(r"(?:(\d+) +)?([a-z_0-9]+)\(")
# What others can see of a process: its files, names, locks and processes.
CHANGES = re.compile(
    r"(?:\d+ +)?(?:p?write|ftruncate|f?(data)?sync|rename|link|unlink|mkdir|mknod|flock|fcntl\(.*F_SETLK|clone|v?fork|"
    r"kill|wait|pidfd|prctl|mmap\(.*MAP_SHARED|openat\(.*(O_CREAT|O_TRUNC)|exit_group)"
)
WORKER = ("worker", "start", "--kill-after", "1")
RUN = ("run", "-j", "2", "--max-attempts", "1", "--kill-after", "1")
# What its tasks do between their two lines, and after them -> how they end
TASKS = (
    (":", ":", "done"),
    ("seq 3", ":", "done"),
    ("sleep 0.04; seq 2000", ":", "done"),
    ("seq 2000", ":", "done"),
    (":", "exit 3", "failed"),
    ("(sleep 30 &)", ":", "done"),
    (":", "kill -TERM $PPID", "done"),
)


def compose(number: int, within: str, after: str) -> str:
    line = f"echo {number} $TXLITE_TOKEN {{}} $$ 0 >> $TXLITE_HOME/witness"
    return f"{line.format('start')}; {within}; {line.format('end')}; {after}"


LAUNCH = ("launch", "--agent", "shell", "--json", compose(1, "seq 2000; (sleep 30 &)", "sleep 0.04"))
FIRST = {"worker": WORKER, "recovery": WORKER, "supervisor": RUN, "launched": LAUNCH}  # who dies first


class Moment(NamedTuple):
    """The call into which a process dies: its name, and the how manyeth of that name it is."""

    call: str
    number: int


class Campaign:
    """A home as it was before, and how one of its processes dies."""

    def __init__(self, scene: harness.Scene, who: str, signal: str) -> None:
        self.scene = scene
        self.signal = signal
        self.first = FIRST[who]
        self.is_launched = who == "launched"
        self.number = 0
        self.kills: Counter[str] = Counter()
        self.in_hand = 0
        self.fresh = scene.path("fresh")
        with txlite.open(self.fresh) as store:
            for number, (within, after, _) in enumerate(() if self.is_launched else TASKS, 1):
                command = compose(number, within, after)
                store.add(f"task {number}", command=command, directory="/", max_attempts=1, score=-number)
        self._list_moments(self.fresh, *self.first)  # what was not compiled is compiled now
        self.moments = self._list_moments(self.fresh, *self.first)

    def _run(self, home: str, *words: str, strace: tuple[str, ...] = ()) -> int:
        command = [*strace, sys.executable, "-S", "-m", "txlite", "--home", home, *words]
        with open(os.path.join(home, "output"), "ab") as output:
            process = subprocess.Popen(
                command, cwd=home, env=self.scene.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            return process.wait(PATIENCE)

    def _list_moments(self, home: str, *words: str) -> list[Moment]:
        """The calls of a process that nobody kills, from its first look for a lock of a worker on."""
        copy, trace = self._copy(home), self.scene.path("trace")
        self._run(copy, *words, strace=("strace", *self._follow(), "-o", trace))
        counts: Counter[tuple[str, ...]] = Counter()  # of each process, of each call
        moments: list[Moment] = []
        is_there = False
        with open(trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                found = CALL.match(line)
                if found:
                    counts[found.groups()] += 1
                    is_there = is_there or "/locks" in line
                    if is_there and CHANGES.match(line):
                        moments.append(Moment(found[2], counts[found.groups()]))
        self._end(copy)
        return list(dict.fromkeys(moments))

    def _follow(self) -> list[str]:
        return ["-f"] if self.is_launched else []

    def _copy(self, home: str) -> str:
        self.number += 1
        copy = self.scene.path(f"home-{self.number}")
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("wake"))
        return copy

    def _end(self, home: str) -> None:
        self.scene.clear(LEFTOVER_PATIENCE)
        shutil.rmtree(home)

    def kill(self, home: str, moment: Moment, *words: str) -> bool:
        """Have a process die at this moment; whether it came to it."""
        inject = f"--inject={moment.call}:signal={self.signal}:when={moment.number}"
        strace = ("strace", *self._follow(), "-o", os.devnull, "-e", f"trace={moment.call}", inject)
        died = self._run(home, *words, strace=strace) < 0
        self.kills[moment.call] += died or self.is_launched or self.signal != "KILL"
        return died

    def strike(self, moment: Moment) -> Iterator[str]:
        """Kill the first at this moment, and judge what follows."""
        home = self._copy(self.fresh)
        died = self.kill(home, moment, *self.first)
        yield from self._go_on(home, f"died at {moment.call} {moment.number}" if died else "nobody died")

    def strike_twice(self, first: Moment, share: float) -> Iterator[str]:
        """Kill the worker at this moment, and who recovers at a part of its way."""
        home = self._copy(self.fresh)
        self.kill(home, first, *self.first)
        hands = list(read_hands(home))
        moments = self._list_moments(home, "reconcile")
        moment = moments[int(share * len(moments))]
        self.kill(home, moment, "reconcile")
        what = f"the worker died at {first.call} {first.number}, who recovered at {moment.call} {moment.number}"
        yield from self._go_on(home, what, hands)

    def _go_on(self, home: str, what: str, hands: list[End] | None = None) -> Iterator[str]:
        ends = [*(hands or ()), *read_hands(home)]
        self.in_hand += any(end.where == "the note" for end in ends)
        self._run(home, *RUN)
        before = len(self.scene.violations)
        self.scene.clear(LEFTOVER_PATIENCE)
        found = [*self.scene.violations[before:], *judge(home, ends, self.is_launched)]
        del self.scene.violations[before:]
        if self.signal != "KILL":
            found += check_nothing_lost(home)
        yield from (f"{one} ({what}: {home})" for one in found)
        if not found:
            shutil.rmtree(home)


def read_hands(home: str) -> Iterator[End]:
    """The ends that stood somewhere when the worker died."""
    with contextlib.closing(harness.connect(home)) as connection:
        for token, worker in connection.execute("SELECT token, worker FROM claims"):
            note = read_note(os.path.join(home, "locks", worker))
            if "end" in note and note["attempt"] == token:
                yield End(token, note["end"]["outcome"], "the note")
        for attempt, outcome in connection.execute("SELECT id, outcome FROM attempts WHERE ended IS NOT NULL"):
            yield End(attempt, outcome, "the database")


def judge(home: str, ends: list[End], is_launched: bool) -> Iterator[str]:
    """All that was broken in this home."""
    lines = harness.read_witness(os.path.join(home, "witness"))
    with contextlib.closing(harness.connect(home)) as connection:
        yield from harness.check_integrity(connection)
        statuses = [row[0] for row in connection.execute("SELECT status FROM tasks ORDER BY seq")]
        if is_launched:
            yield from check_launched(connection, statuses, harness.read(os.path.join(home, "output")))
        elif statuses != [status for _, _, status in TASKS]:
            yield f"the tasks ended {statuses}"
        for (token,) in connection.execute("SELECT token FROM claims"):
            yield f"claim {token} is left"
        yield from check_runs(connection)
        yield from check_witness(connection, lines)
        yield from check_ends(connection, ends)
        yield from check_reports(connection, home)
    for message in sorted(set(TRACEBACK.findall(harness.read(os.path.join(home, "output"))))):
        yield f"there is a traceback: {message.decode(errors='replace')}"


def check_launched(connection: sqlite3.Connection, statuses: list[str], output: bytes) -> Iterator[str]:
    """What was launched has ended, and is there if that was told."""
    if statuses not in ([], ["done"], ["failed"], ["cancelled"]):
        yield f"what was launched is {statuses}"
    found = re.search(rb'"id": "(tx-\w+)",\s+"attempt": (\d+)', output)
    known = "SELECT 1 FROM attempts a JOIN tasks t ON t.seq = a.task WHERE t.id = ? AND a.id = ? AND a.ended"
    if found and not connection.execute(known, (found[1].decode(), int(found[2]))).fetchone():
        yield f"attempt {found[2].decode()} was told, and is not there, or has no end"


def check_nothing_lost(home: str) -> Iterator[str]:
    with contextlib.closing(harness.connect(home)) as connection:
        for attempt, note in connection.execute("SELECT id, note FROM attempts WHERE outcome = 'lost'"):
            yield f"attempt {attempt} was lost: {note}"


def check_runs(connection: sqlite3.Connection) -> Iterator[str]:
    """A task has one attempt that came to an end of its own; the others were lost."""
    own = "SELECT task, count(*) FROM attempts WHERE outcome IN ('done', 'failed') GROUP BY task HAVING count(*) > 1"
    for task, count in connection.execute(own):
        yield f"task {task} has {count} attempts that came to their end"


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Kill a worker of txlite, or who recovers from its death, at every system call.")
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--who", choices=list(FIRST), default="worker", help="who is killed")
    parser.add_argument(
        "--signal", choices=["KILL", "TERM", "INT", "QUIT", "HUP"], default="KILL", help="which it gets"
    )
    parser.add_argument("--first", type=int, default=0, help="number of a call, in order")
    parser.add_argument("--last", type=int, help="number of a call, in order")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    if not can_trace():
        print("skipped: there is no strace here that may follow a process")
        return 0
    scene = harness.Scene("syscalls", options)
    deadline = time.monotonic() + options.seconds
    struck = 0
    try:
        campaign = Campaign(scene, options.who, options.signal)
        moments = campaign.moments[options.first : options.last]
        scene.random.shuffle(moments)
        for moment in moments:
            if time.monotonic() > deadline:
                break
            struck += 1
            if options.who == "recovery":
                scene.violations += list(campaign.strike_twice(moment, scene.random.random()))
            else:
                scene.violations += list(campaign.strike(moment))
    finally:
        scene.kill_all()
    kinds = ", ".join(f"{count} {call}" for call, count in campaign.kills.most_common(8))
    figures = (
        f"{sum(campaign.kills.values())} times {options.signal} at {struck} of {len(moments)} calls ({kinds} ...), "
        f"{campaign.in_hand} with an end in hand"
    )
    return scene.conclude(scene.violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
