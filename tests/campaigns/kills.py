"""A campaign of kills: does a batch keep its promises while its processes are killed at random moments?

A batch of small commands is run by `txlite run`. Meanwhile SIGKILL hits the supervisor, a worker, an agent, a worker
and its supervisor together, or all workers at once; a run that died is started again with the same command line.
Each agent writes what it does into a witness log by itself, one O_APPEND write a line, so that the promises are
judged by what really ran, not by what the database believes:

  every task completes, and whatever the database calls done has a completed run in the log;
  no two attempts of one task overlap: an agent looks, before it does anything, for processes of earlier attempts
  (all carry the task's marker in their arguments), and nothing of an attempt writes after a later one started;
  what an attempt leaves behind (setsid, `env -i`, a double fork, TERM ignored) is gone before it is recorded;
  the tokens of a task only grow; the database is whole; no process, claim or unfinished report is left.

Linux only (/proc). By hand:  python3 tests/campaigns/kills.py [--kills 200] [--tasks N] [--workers 4] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import glob
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import harness

TASKS_PER_KILL = 2
LONGEST_TASK = 300  # milliseconds
MEAN_PAUSE = 0.2  # seconds between kills
TAIL_PATIENCE = 180.0  # seconds that the batch may take after the last kill
LEFTOVER_PATIENCE = 30.0  # seconds until a leftover counts
UNEXPECTED_EXITS = 5  # of `run`, until the campaign gives up
CLOCK_GRAIN = 0.005  # seconds: what the database rounds off a time, and a little more

# kind of kill -> weight
KILLS = {"supervisor": 15, "worker": 30, "agent": 30, "worker+supervisor": 15, "all workers": 10}
# what an agent does besides its work -> weight
HABITS = {
    "plain": 36,
    "stubborn": 8,  # ignores TERM
    "shell": 14,  # a shell stands between the worker and it
    "stubborn-shell": 4,
    "daemon": 12,  # leaves a process in a session of its own
    "shed": 14,  # leaves one that shed its session, its parent and its environment
    "stubborn-shed": 4,
    "hopper": 8,  # leaves one that goes on under a new PID all the time
}
# The last line of a traceback. A worker whose supervisor dies before it handed over its orders ends with EOFError.
TRACEBACK = re.compile(rb"^(?!EOFError)\w[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)

AGENT = r'''
"""The agent. Arguments: marker, task, habit, milliseconds, log; its descendants have its token as another."""
import os, signal, sys, time

marker, task, habit, duration, log = sys.argv[1:6]
token = os.environ.get("TXLITE_TOKEN") or sys.argv[6]
witnesses = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def witness(event):
    line = "%s %s %s %d %.6f\n" % (task, token, event, os.getpid(), time.time())
    os.write(witnesses, line.encode())

def others():
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (os.getpid(), os.getppid()):
            try:
                with open("/proc/" + name + "/cmdline", "rb") as file:
                    if marker.encode() in file.read():
                        yield name
            except OSError:
                pass

def beat(pause=0.02, hops=False):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        witness("beat")
        time.sleep(pause)
        if hops and os.fork():
            break
    os._exit(0)

def leave_daemon():
    if os.fork() == 0:
        os.setsid()
        beat()

def leave_hopper():
    if os.fork() == 0:
        os.setsid()
        beat(0.1, hops=True)

def leave_shed():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            arguments = [marker, task, "beat", duration, log, token]
            os.execve(sys.executable, [sys.executable, "-IS", __file__, *arguments], {})
        os._exit(0)

if habit == "beat":
    beat()
for pid in others():
    witness("overlap:" + pid)
witness("start")
if "stubborn" in habit:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "daemon" in habit:
    leave_daemon()
if "hopper" in habit:
    leave_hopper()
if "shed" in habit:
    leave_shed()
time.sleep(int(duration) / 1000)
witness("end")
'''


class Campaign:
    """One batch in a directory of its own, and what was done to it."""

    def __init__(self, scene: harness.Scene, options: argparse.Namespace) -> None:
        self.scene = scene
        self.options = options
        self.path, self.random, self.marker = scene.path, scene.random, scene.marker
        self.kills, self.violations = scene.kills, scene.violations
        self.home = self.path("home")
        self.log = self.path("witness.log")
        self.next_kind = self._draw_kind()
        self.restarts = 0
        self.unexpected_exits: list[int] = []
        self.run: subprocess.Popen[bytes] | None = None

    def write_batch(self) -> None:
        with open(self.path("agent.py"), "w", encoding="utf-8") as file:
            file.write(AGENT)
        habits = self.random.choices(list(HABITS), list(HABITS.values()), k=self.options.tasks)
        with open(self.path("batch.txt"), "w", encoding="utf-8") as file:
            file.writelines(self._command(number, habit) + "\n" for number, habit in enumerate(habits, 1))

    def _command(self, task: int, habit: str) -> str:
        duration = self.random.randint(0, LONGEST_TASK)
        words = [sys.executable, "-IS", self.path("agent.py"), self.task_marker(task), task, habit, duration, self.log]
        agent = " ".join(map(str, words))
        if task == self.options.tasks:  # so that the run does not end before the last kill
            return f"until test -e {self.path('over')}; do sleep 0.05; done; exec {agent}"
        if not habit.endswith("shell"):
            return f"exec {agent}"
        return f"{agent}; exit $?" if habit == "shell" else f"trap '' TERM; {agent}; exit $?"

    def task_marker(self, task: int) -> str:
        return f"{self.marker}:{task}:"  # none is the beginning of another

    def start_run(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "txlite", "--home", self.home, "run", "--workers", str(self.options.workers)]
        command += ["--from", self.path("batch.txt"), "--max-attempts", "1000", "--kill-after", "1"]
        return self.scene.start(command, "run.log")

    def drive(self) -> None:
        """Run the batch to its end, killing on the way."""
        self.run = self.start_run()
        next_kill = self._draw_moment()
        while self._kills_left() and self.run.returncode != 0 and len(self.unexpected_exits) < UNEXPECTED_EXITS:
            next_kill = self._wait_and_kill(next_kill)
            self._restart_if_dead()
        open(self.path("over"), "w").close()
        deadline = time.monotonic() + TAIL_PATIENCE
        while self.run.returncode != 0 and len(self.unexpected_exits) < UNEXPECTED_EXITS:
            if time.monotonic() >= deadline:
                self.violations.append(f"the batch did not end within {TAIL_PATIENCE:g} s after the last kill")
                return
            self._wait(deadline)
            self._restart_if_dead()

    def _kills_left(self) -> int:
        return int(self.options.kills - sum(self.kills.values()))

    def _draw_moment(self) -> float:
        return time.monotonic() + self.random.uniform(0, 2 * MEAN_PAUSE)

    def _draw_kind(self) -> str:
        return self.random.choices(list(KILLS), list(KILLS.values()))[0]

    def _wait(self, deadline: float) -> None:
        """Wait for the end of the run, no longer than until `deadline`."""
        assert self.run
        try:
            self.run.wait(max(deadline - time.monotonic(), 0.001))
        except subprocess.TimeoutExpired:
            pass

    def _wait_and_kill(self, moment: float) -> float:
        """Wait until `moment`, or the end of the run, and kill; the next moment."""
        self._wait(moment)
        if time.monotonic() < moment:
            return moment
        if not self._kill(self.next_kind):
            return time.monotonic() + 0.01  # nobody of this kind lives now
        self.next_kind = self._draw_kind()
        return self._draw_moment()

    def _kill(self, kind: str) -> bool:
        """Kill somebody of this kind; False if there was nobody."""
        struck = [pid for pid in self._choose(kind) if harness.strike(pid)]
        if not struck:
            return False
        self.scene.note_kill(kind, struck)
        return True

    def _choose(self, kind: str) -> list[int]:
        """Whom to kill, in which order; nobody where one of them does not exist now."""
        assert self.run
        supervisors = [] if self.run.poll() is not None else [self.run.pid]
        workers = [one.pid for one in self.scene.workers()]
        agents = [
            one.pid
            for one in self.scene.processes()
            if one.parent in workers and f"{self.marker}:".encode() in one.command
        ]
        candidates = {
            "supervisor": [supervisors],
            "worker": [workers],
            "agent": [agents],
            "worker+supervisor": [workers, supervisors],
            "all workers": [[pid] for pid in workers] or [[]],
        }
        chosen = candidates[kind]
        if not all(chosen):
            return []
        victims = [self.random.choice(some) for some in chosen]
        self.random.shuffle(victims)
        return victims

    def _restart_if_dead(self) -> None:
        assert self.run
        if not self.run.poll():
            return
        if self.run.returncode != -signal.SIGKILL:
            self.unexpected_exits.append(self.run.returncode)
            self.violations.append(f"run exited with {self.run.returncode}")
        self.restarts += 1
        self.run = self.start_run()

    def end(self) -> None:
        self.scene.clear(LEFTOVER_PATIENCE)
        if self.run:
            self.run.wait()


def by_task(lines: list[harness.Line]) -> dict[int, list[harness.Line]]:
    tasks: dict[int, list[harness.Line]] = {}
    for line in lines:
        tasks.setdefault(line.task, []).append(line)
    return tasks


def check_witness(lines: list[harness.Line], tasks: int) -> Iterator[str]:
    """What the log refutes by itself."""
    found = by_task(lines)
    for task in range(1, tasks + 1):
        if not any(line.event == "end" for line in found.get(task, ())):
            yield f"task {task} never completed"
    for task, its_lines in found.items():
        yield from check_order(task, its_lines)


def check_order(task: int, lines: list[harness.Line]) -> Iterator[str]:
    """Attempts follow each other: each starts once, after all of the one before, and with a higher token."""
    current = 0
    late: Counter[tuple[int, int]] = Counter()  # lines of an attempt after the start of a later one
    for line in lines:
        if line.event.startswith("overlap:"):
            other = line.event.partition(":")[2]
            yield f"task {task}: attempt {line.token} found process {other} of an earlier one alive"
        elif line.event == "start" and line.token <= current:
            yield f"task {task}: attempt {line.token} started after attempt {current}"
        elif line.token < current:
            late[line.token, current] += 1
        if line.event == "start":
            current = max(current, line.token)
    for (earlier, later), count in late.items():
        yield f"task {task}: attempt {earlier} wrote {count} lines after attempt {later} had started"


def check_database(connection: sqlite3.Connection, tasks: int) -> Iterator[str]:
    """What the database says against itself."""
    yield from harness.check_integrity(connection)
    states = dict(connection.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
    if states != {"done": tasks}:
        yield f"of {tasks} tasks the database has {states}"
    for row in connection.execute("SELECT task, token, worker FROM claims"):
        yield f"a claim is left: task, token, worker {row}"
    for (attempt,) in connection.execute("SELECT id FROM attempts WHERE ended IS NULL"):
        yield f"attempt {attempt} has no end"


def check_attempts(connection: sqlite3.Connection, lines: list[harness.Line]) -> Iterator[str]:
    """Database against log: a done attempt has completed; nothing of an attempt wrote after its recorded end."""
    ends = {(line.task, line.token) for line in lines if line.event == "end"}
    last = {line.token: line for line in lines if not line.event.startswith("overlap:")}
    sql = "SELECT id, task, outcome, (julianday(ended) - 2440587.5) * 86400 FROM attempts ORDER BY id"
    for attempt, task, outcome, ended in connection.execute(sql):
        if outcome == "done" and (task, attempt) not in ends:
            yield f"task {task}: attempt {attempt} is called done, and never completed"
        line = last.get(attempt)
        if line and ended and line.time > ended + CLOCK_GRAIN:
            late = f"{line.time - ended:.3f} s"
            yield f"task {task}: {line.pid} wrote {line.event} {late} after the end of attempt {attempt} ({outcome})"


def check_files(scene: harness.Scene) -> Iterator[str]:
    """Reports are finished, and nobody wrote a traceback."""
    for path in glob.glob(scene.path("home/workers/*_TEMP*")):
        yield f"an unfinished report is left: {os.path.basename(path)} ({os.path.getsize(path)} bytes)"
    for path in glob.glob(scene.path("txlite-bug-*")):
        yield f"a bug was recorded: {harness.read(path).decode().strip().splitlines()[-1]}"
    for message in sorted(set(TRACEBACK.findall(harness.read(scene.path("run.log"))))):
        yield f"run.log has a traceback: {message.decode(errors='replace')}"


def check(scene: harness.Scene, tasks: int, lines: list[harness.Line], connection: sqlite3.Connection) -> list[str]:
    """All violations, those that were seen on the way first."""
    return [
        *scene.violations,
        *check_witness(lines, tasks),
        *check_database(connection, tasks),
        *check_attempts(connection, lines),
        *check_files(scene),
    ]


def summarize(campaign: Campaign, lines: list[harness.Line], connection: sqlite3.Connection) -> str:
    """The figures, in one line."""
    outcomes = dict(connection.execute("SELECT outcome, count(*) FROM attempts GROUP BY outcome"))
    completed = ({line.token for line in its_lines if line.event == "end"} for its_lines in by_task(lines).values())
    kinds = ", ".join(f"{campaign.kills[kind]} {kind}" for kind in KILLS)
    return (
        f"{sum(campaign.kills.values())} kills ({kinds}), {campaign.restarts} restarts of run, "
        f"{campaign.options.tasks} tasks, {sum(outcomes.values())} attempts, {outcomes.get('lost', 0)} lost, "
        f"{sum(len(tokens) > 1 for tokens in completed)} tasks completed more than once"
    )


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Kill txlite's processes at random moments and check its promises.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tasks", type=int, help=f"size of the batch ({TASKS_PER_KILL} for each kill, and a few)")
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args(argv)
    options.tasks = options.tasks or options.kills * TASKS_PER_KILL + 8 * options.workers
    return options


def main(argv: list[str]) -> int:
    options = parse(argv)
    scene = harness.Scene("kills", options)
    campaign = Campaign(scene, options)
    try:
        campaign.write_batch()
        campaign.drive()
    finally:
        campaign.end()
    lines = harness.read_witness(campaign.log)
    connection = harness.connect(campaign.home)
    violations = check(scene, options.tasks, lines, connection)
    figures = summarize(campaign, lines, connection)
    connection.close()
    return scene.conclude(violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
