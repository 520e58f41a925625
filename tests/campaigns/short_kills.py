"""A campaign of kills among tasks of a millisecond: is no end lost, and nothing run again whose end was written?

Rounds, each with a home and a batch of its own. One or two `txlite run` work on it, and are started again when they
die; SIGKILL hits a worker, a supervisor, both, a worker with its agent, or all workers. A part of the workers is
stopped first (SIGSTOP), so that it can be read what the dead had in hand: in the lock file's note, and in the database.
Each task appends a line to a witness log when it begins and one when it ends, by one O_APPEND write each; now and then
one takes longer, has more to say, or leaves a process behind. Judged at the end of each round:

  no end is lost: each task ends done, once in the history, and no attempt is called done that did not run to its end;
  an end that was written, in the note or in the database, is what was recorded, and its task is not begun again;
  no two attempts of a task overlap, and none of a task is begun that is done; nobody is left running;
  each attempt, a lost one too, has one report, whole and under its final name, and there is no other file; runs exit
  with 0, or were killed; nobody wrote a traceback.

Linux only (/proc). By hand:  python3 tests/campaigns/short_kills.py [--kills 2000] [--workers 4] [--seed S]
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
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import harness

TASKS_PER_KILL = 14
KILLS_PER_ROUND = 100
MEAN_PAUSE = 0.06  # seconds between kills
STOP_PATIENCE = 0.5  # seconds until a process that was told to stop has
READ_PATIENCE = 1.0  # seconds for which a worker is left stopped, to be read
END_PATIENCE = 90.0  # seconds that a round may take after its last kill
LEFTOVER_PATIENCE = 20.0  # seconds until a leftover counts
STOPPED = 0.6  # of the workers that are killed are stopped, and read, before that
LOOKS = 0.15  # of the kills are followed by somebody who looks, and recovers what is lost
TWO_RUNS = 0.3  # of the rounds have two supervisors at once

# kind of kill -> weight
KILLS = {"worker": 55, "supervisor": 8, "worker+supervisor": 12, "worker+agent": 15, "all workers": 10}
# what a task does besides its two lines -> weight
HABITS = {"": 90, "; sleep 0.03": 5, "; seq 2000": 3, "; (sleep 30 &)": 2}
TRACEBACK = re.compile(rb"^(?!EOFError)\w[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)


class End(NamedTuple):
    """The end of an attempt that stood somewhere when its worker was killed."""

    attempt: int
    outcome: str
    where: str


class Round:
    """One batch in a home of its own, and what was done to it."""

    def __init__(self, scene: harness.Scene, number: int, kills: int, workers: int) -> None:
        self.scene, self.random, self.workers = scene, scene.random, workers
        self.home, self.log = scene.path(f"home-{number}"), scene.path(f"witness-{number}")
        self.batch, self.output = scene.path(f"batch-{number}"), f"run-{number}.log"
        self.tasks = kills * TASKS_PER_KILL + 50
        self.kills_left = kills
        self.ends: list[End] = []
        self.read = 0  # workers that were stopped and read
        self.restarts = 0
        self.exits: Counter[int] = Counter()
        self.runs: list[subprocess.Popen[bytes]] = []

    def write_batch(self) -> None:
        habits = self.random.choices(list(HABITS), list(HABITS.values()), k=self.tasks)
        with open(self.batch, "w", encoding="ascii") as file:
            for number, habit in enumerate(habits, 1):
                line = f"echo {number} $TXLITE_TOKEN {{}} $$ 0 >> {self.log}"
                file.write(f"{line.format('start')}{habit}; {line.format('end')}\n")

    def start_run(self) -> subprocess.Popen[bytes]:
        return self._begin("run", "-j", self.workers, "--from", self.batch, "--kill-after", "1")

    def drive(self) -> None:
        """Run the batch to its end, killing on the way."""
        self.runs = [self.start_run() for _ in range(2 if self.random.random() < TWO_RUNS else 1)]
        deadline = time.monotonic() + END_PATIENCE
        while self._renew_runs():
            if self.kills_left:
                deadline = time.monotonic() + END_PATIENCE
                time.sleep(self.random.uniform(0, 2 * MEAN_PAUSE))
                self.kills_left -= self._kill()
            else:
                time.sleep(0.02)
            if time.monotonic() > deadline:
                self.scene.violations.append(f"{self.home} did not end within {END_PATIENCE:g} s after the last kill")
                break
        self.scene.clear(LEFTOVER_PATIENCE)
        for run in self.runs:
            run.wait()
        self._begin("reconcile").wait(END_PATIENCE)  # a worker may have died before it was entered

    def _renew_runs(self) -> bool:
        """Start those again that were killed; whether one goes on."""
        for place, run in enumerate(self.runs):
            code = run.poll()
            if code is None or (code == 0 and run in self.runs):
                continue
            self.exits[code] += 1
            if code == -signal.SIGKILL:
                self.restarts += 1
                self.runs[place] = self.start_run()
            else:
                self.scene.violations.append(f"run exited with {code}: {self.scene.path(self.output)}")
                return False
        return any(run.returncode is None for run in self.runs)

    def _kill(self) -> bool:
        """Kill somebody; whether there was anybody."""
        kind = self.random.choices(list(KILLS), list(KILLS.values()))[0]
        runs = [run.pid for run in self.runs if run.poll() is None]
        workers = [one.pid for one in self.scene.workers() if one.parent in runs or one.parent == 1]
        victims: list[int] = []
        if "worker" in kind and workers:
            victims = workers if kind == "all workers" else [self.random.choice(workers)]
        if "agent" in kind:
            victims += [one.pid for one in self.scene.processes() if one.parent in victims]
        if "supervisor" in kind and runs:
            victims.append(self.random.choice(runs))
        self.random.shuffle(victims)
        if self.random.random() < STOPPED:
            for pid in victims:
                if pid in workers and stop(pid):
                    self.ends += self._read_hands(pid)
        struck = [pid for pid in victims if harness.strike(pid)]
        if struck:
            self.scene.note_kill(kind, struck)
            if self.random.random() < LOOKS:
                self._begin("status")
        return bool(struck)

    def _begin(self, *words: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", "-m", "txlite", "--home", self.home, *words]
        return self.scene.start(command, self.output)

    def _read_hands(self, pid: int) -> list[End]:
        """The ends that a stopped worker had written; none where it was stopped with a lock in hand that a reader
        needs: who waited for it, with the worker stopped, would make the run wait as well, and give up."""
        found: list[End] = []
        reader = threading.Thread(target=lambda: found.extend(self._find_ends(pid)), daemon=True)
        reader.start()
        reader.join(READ_PATIENCE)
        return [] if reader.is_alive() else found

    def _find_ends(self, pid: int) -> Iterator[End]:
        try:
            connection = harness.connect(self.home)
        except sqlite3.Error:
            return
        with contextlib.closing(connection), contextlib.suppress(sqlite3.Error):
            named = connection.execute("SELECT id FROM workers WHERE identity LIKE ? AND ended IS NULL", (f"{pid} %",))
            for (worker,) in named.fetchall():
                note = read_note(os.path.join(self.home, "locks", worker))
                self.read += 1
                if "end" in note:
                    yield End(note["attempt"], note["end"]["outcome"], "the note")
                last = (
                    "SELECT id, outcome FROM attempts WHERE worker = ? AND ended IS NOT NULL ORDER BY id DESC LIMIT 3"
                )
                for attempt, outcome in connection.execute(last, (worker,)):
                    yield End(attempt, outcome, "the database")


def stop(pid: int) -> bool:
    """Stop a process; whether it has."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return False
    deadline = time.monotonic() + STOP_PATIENCE
    while time.monotonic() < deadline:
        fields = harness.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if not fields or fields[0] in (b"T", b"Z", b"X"):
            return bool(fields) and fields[0] == b"T"
        time.sleep(0.0005)
    return False


def read_note(path: str) -> dict[str, Any]:
    try:
        return dict(json.loads(harness.read(path)[:1024]))
    except ValueError:
        return {}


def check(campaign: Round) -> Iterator[str]:
    """All that this round broke."""
    lines = harness.read_witness(campaign.log)
    with contextlib.closing(harness.connect(campaign.home)) as connection:
        yield from harness.check_integrity(connection)
        yield from check_tasks(connection, campaign.tasks)
        yield from check_witness(connection, lines)
        yield from check_ends(connection, campaign.ends)
        yield from check_reports(connection, campaign.home)
    for message in sorted(set(TRACEBACK.findall(harness.read(campaign.scene.path(campaign.output))))):
        yield f"{campaign.output} has a traceback: {message.decode(errors='replace')}"


def check_tasks(connection: sqlite3.Connection, tasks: int) -> Iterator[str]:
    """Each task is done, and was so once."""
    states = dict(connection.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
    if states != {"done": tasks}:
        yield f"of {tasks} tasks the database has {states}"
    ends = "SELECT task, count(*) FROM history WHERE to_status = 'done' GROUP BY task HAVING count(*) > 1"
    for task, count in connection.execute(ends):
        yield f"{task} is done {count} times in the history"
    for table, what in (("claims", "token"), ("attempts WHERE ended IS NULL", "id")):
        for (one,) in connection.execute(f"SELECT {what} FROM {table}"):
            yield f"{table} is left: {one}"
    done = "SELECT task, count(*) FROM attempts WHERE outcome = 'done' GROUP BY task HAVING count(*) > 1"
    for task, count in connection.execute(done):
        yield f"{task} has {count} attempts that are done"


def check_witness(connection: sqlite3.Connection, lines: list[harness.Line]) -> Iterator[str]:
    """What ran is what the database says: in order, one at a time, and nothing after the end."""
    outcomes = dict(connection.execute("SELECT id, outcome FROM attempts"))
    ended = {line.token for line in lines if line.event == "end"}
    started = Counter(line.token for line in lines if line.event == "start")
    for token, outcome in outcomes.items():
        if outcome == "done" and token not in ended:
            yield f"attempt {token} is called done, and did not come to its end"
    for token, count in started.items():
        if count > 1:
            yield f"attempt {token} was begun {count} times"
        if token not in outcomes:
            yield f"attempt {token} ran, and is not in the database"
    current: dict[int, int] = {}
    for line in lines:
        before = current.get(line.task, 0)
        if line.event == "start" and outcomes.get(before) == "done":
            yield f"task {line.task} was begun as attempt {line.token} after {before}, which is done"
        if line.token < before:
            yield f"task {line.task}: attempt {line.token} wrote {line.event} after attempt {before} had begun"
        current[line.task] = max(before, line.token)


def check_ends(connection: sqlite3.Connection, ends: list[End]) -> Iterator[str]:
    """An end that was written is the one that was recorded, and the last of its task where it was done."""
    for end in ends:
        found = connection.execute("SELECT outcome, task FROM attempts WHERE id = ?", (end.attempt,)).fetchone()
        if found is None or found[0] != end.outcome:
            yield f"attempt {end.attempt} had ended as {end.outcome} in {end.where}, and is recorded as {found}"
        elif end.outcome == "done":
            later = "SELECT id FROM attempts WHERE task = ? AND id > ?"
            for (attempt,) in connection.execute(later, (found[1], end.attempt)):
                yield f"attempt {end.attempt} was done in {end.where}, and attempt {attempt} came after it"


def check_reports(connection: sqlite3.Connection, home: str) -> Iterator[str]:
    """One report for each attempt that ended, and no other file."""
    directory = os.path.join(home, "workers")
    there = {f"workers/{name}" for name in (os.listdir(directory) if os.path.isdir(directory) else ())}
    known: Counter[str] = Counter()
    rows = "SELECT a.id, a.outcome, a.report, a.note, t.id FROM attempts a JOIN tasks t ON t.seq = a.task"
    for attempt, outcome, report, note, task in connection.execute(rows):
        if report is None:
            yield f"attempt {attempt} ({outcome}, {note}) has no report"
            continue
        known[report] += 1
        text = harness.read(os.path.join(home, report)).decode(errors="replace")
        if task not in text or not re.search(rf"\b{attempt}\b", text) or not re.search(rf"\b{outcome}\b", text):
            yield f"the report of attempt {attempt} ({outcome}) is not its own, or not whole: {text[:200]!r}"
    for report in there - set(known):
        yield f"{report} is of no attempt ({os.path.getsize(os.path.join(home, report))} bytes)"
    for report in set(known) - there:
        yield f"{report} is not there"
    for report, count in known.items():
        if count > 1:
            yield f"{report} is of {count} attempts"
    for name in os.listdir(os.path.join(home, "locks")):
        yield f"lock file {name} is left: {read_note(os.path.join(home, 'locks', name))}"


def count(campaign: Round) -> Counter[str]:
    """The figures of a round."""
    found: Counter[str] = Counter(tasks=campaign.tasks, restarts=campaign.restarts, read=campaign.read)
    lines = harness.read_witness(campaign.log)
    with contextlib.closing(harness.connect(campaign.home)) as connection:
        outcomes = dict(connection.execute("SELECT outcome, count(*) FROM attempts GROUP BY outcome"))
        died = dict(connection.execute("SELECT id, outcome FROM attempts WHERE outcome = 'lost'"))
    ended = {line.token for line in lines if line.event == "end"}
    found["attempts"], found["lost"] = sum(outcomes.values()), outcomes.get("lost", 0)
    found["lost after their last line"] = len(ended & set(died))
    found["ends in a note"] = len({end.attempt for end in campaign.ends if end.where == "the note"})
    return found


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Kill txlite's processes while they run tasks of a millisecond.")
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    scene = harness.Scene("short-kills", options)
    figures: Counter[str] = Counter()
    number = 0
    while sum(scene.kills.values()) < options.kills and not scene.violations:
        number += 1
        left = options.kills - sum(scene.kills.values())
        campaign = Round(scene, number, min(KILLS_PER_ROUND, left), options.workers)
        try:
            campaign.write_batch()
            campaign.drive()
        finally:
            scene.kill_all()
        figures += count(campaign)
        scene.violations += [f"{one} ({os.path.basename(campaign.home)})" for one in check(campaign)]
        print(f"{sum(scene.kills.values())} kills, {figures['attempts']} attempts", flush=True)
    kinds = ", ".join(f"{scene.kills[kind]} {kind}" for kind in KILLS)
    more = ", ".join(f"{value} {name}" for name, value in figures.items())
    return scene.conclude(scene.violations, f"{sum(scene.kills.values())} kills ({kinds}) in {number} rounds: {more}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
