"""A campaign of kills: does a batch keep its promises while its processes are killed at random moments?

A batch of small commands is run by `txlite run`. Meanwhile SIGKILL hits the supervisor, a worker, an agent, or a
worker and its supervisor together; a run that died is started again with the same command line. Each agent writes
what it does into a witness log by itself, one O_APPEND write a line, so that the promises are judged by what really
ran, not by what the database believes:

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
import random
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Optional

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TASKS_PER_KILL = 2
LONGEST_TASK = 300  # milliseconds
MEAN_PAUSE = 0.22  # seconds between kills
TAIL_PATIENCE = 60.0  # seconds that the batch may take after the last kill
LEFTOVER_PATIENCE = 5.0  # seconds until a leftover counts
UNEXPECTED_EXITS = 5  # of `run`, until the campaign gives up
CLOCK_GRAIN = 0.005  # seconds: what the database rounds off a time, and a little more

# kind of kill -> weight
KILLS = {"supervisor": 25, "worker": 35, "agent": 25, "worker+supervisor": 15}
# what an agent does besides its work -> weight
HABITS = {"plain": 40, "stubborn": 8, "shell": 16, "stubborn-shell": 4, "daemon": 12, "shed": 16, "stubborn-shed": 4}

# The agent: argv is marker, task, habit, milliseconds, log. `beat` is what its descendants do.
AGENT = r"""
import os, signal, sys, time
marker, task, habit, duration, log = sys.argv[1:6]
token = os.environ.get("TXLITE_TOKEN") or sys.argv[6]
log_file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def witness(event):
    line = "%s %s %s %d %.6f %.6f\n" % (task, token, event, os.getpid(), time.monotonic(), time.time())
    os.write(log_file, line.encode())

def others():
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (os.getpid(), os.getppid()):
            try:
                with open("/proc/" + name + "/cmdline", "rb") as file:
                    if (marker + ":").encode() in file.read():
                        yield name
            except OSError:
                pass

def beat():
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        witness("beat")
        time.sleep(0.02)
    os._exit(0)

def leave_daemon():
    if os.fork() == 0:
        os.setsid()
        beat()

def leave_shed():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-IS", __file__, *sys.argv[1:3], "beat", *sys.argv[4:6], token], {})
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
if "shed" in habit:
    leave_shed()
time.sleep(int(duration) / 1000)
witness("end")
"""


class Line(NamedTuple):
    """A line of the witness log, which is in the order of its writing."""

    task: int
    token: int
    event: str  # start, end, beat, overlap:PID
    pid: int
    monotonic: float
    wall: float


class Process(NamedTuple):
    """A living process of the campaign."""

    pid: int
    parent: int
    command: bytes


class Campaign:
    """One batch in a directory of its own, and what was done to it."""

    def __init__(self, directory: str, options: argparse.Namespace) -> None:
        self.directory = directory
        self.options = options
        self.random = random.Random(options.seed)
        self.marker = f"kills-{secrets.token_hex(6)}"
        self.home = os.path.join(directory, "H")
        self.log = os.path.join(directory, "witness.log")
        self.kills: Counter[str] = Counter()
        self.restarts = 0
        self.violations: list[str] = []
        self.started = time.monotonic()
        self.run: Optional[subprocess.Popen[bytes]] = None

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def write_batch(self) -> None:
        with open(self.path("agent.py"), "w", encoding="utf-8") as file:
            file.write(AGENT)
        habits = self.random.choices(list(HABITS), list(HABITS.values()), k=self.options.tasks)
        with open(self.path("batch.txt"), "w", encoding="utf-8") as file:
            file.writelines(self._command(number, habit) + "\n" for number, habit in enumerate(habits, 1))

    def _command(self, number: int, habit: str) -> str:
        duration = self.random.randint(0, LONGEST_TASK)
        agent = f"{sys.executable} -IS {self.path('agent.py')} {self.marker}:{number}: {number} {habit} {duration} {self.log}"
        if habit == "shell":  # a shell between the worker and the agent
            return f"{agent}; exit $?"
        if habit == "stubborn-shell":
            return f"trap '' TERM; {agent}; exit $?"
        return f"exec {agent}"

    def start_run(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "txlite", "--home", self.home, "run", "--workers", str(self.options.workers)]
        command += ["--from", self.path("batch.txt"), "--max-attempts", "1000", "--kill-after", "1"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TXLITE_")}
        environment.update(PYTHONPATH=REPOSITORY, TMPDIR=self.directory, CAMPAIGN=self.marker)
        with open(self.path("run.log"), "ab") as output:
            return subprocess.Popen(
                command, cwd=self.directory, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def drive(self) -> None:
        """Run the batch to its end, killing on the way."""
        self.run = self.start_run()
        next_kill = self._next_moment()
        deadline = time.monotonic() + TAIL_PATIENCE
        while self.run.returncode != 0:
            if self._kills_left():
                deadline = time.monotonic() + TAIL_PATIENCE
                next_kill = self._wait_and_kill(next_kill)
            else:
                self._wait(deadline)
            if time.monotonic() >= deadline:
                return self.violations.append(f"the batch did not end within {TAIL_PATIENCE:g} s after the last kill")
            if self.run.returncode and not self._restart():
                return
        if self._kills_left():
            self.violations.append(f"the batch ended before {self._kills_left()} of the kills: give it more --tasks")

    def _kills_left(self) -> int:
        return int(self.options.kills - sum(self.kills.values()))

    def _next_moment(self) -> float:
        return time.monotonic() + self.random.uniform(0, 2 * MEAN_PAUSE)

    def _wait(self, deadline: float) -> None:
        assert self.run
        try:
            self.run.wait(max(deadline - time.monotonic(), 0.001))
        except subprocess.TimeoutExpired:
            pass

    def _wait_and_kill(self, moment: float) -> float:
        """Wait for the moment, or for the end of the run; the next moment."""
        self._wait(moment)
        if time.monotonic() < moment:
            return moment
        kind = self.random.choices(list(KILLS), list(KILLS.values()))[0]
        return self._next_moment() if self._kill(kind) else time.monotonic() + 0.01

    def _kill(self, kind: str) -> bool:
        """Kill somebody of this kind; False if there was nobody."""
        victims = self._choose(kind)
        struck = [pid for pid in victims if strike(pid)]
        if not struck:
            return False
        self.kills[kind] += 1
        with open(self.path("kills.log"), "a", encoding="utf-8") as file:
            file.write(f"{time.monotonic():.6f} {time.time():.6f} {kind} {struck}\n")
        return True

    def _choose(self, kind: str) -> list[int]:
        """Whom to kill, in which order; nobody where one of them does not exist now."""
        assert self.run
        supervisor = [] if self.run.poll() is not None else [self.run.pid]
        workers = [found.pid for found in self.processes() if b"spawn_main" in found.command]
        agents = [found.pid for found in self.processes() if found.parent in workers and self._is_agent(found)]
        chosen = {"supervisor": [supervisor], "worker": [workers], "agent": [agents]}.get(kind, [supervisor, workers])
        if not all(chosen):
            return []
        victims = [self.random.choice(some) for some in chosen]
        self.random.shuffle(victims)
        return victims

    def _is_agent(self, process: Process) -> bool:
        return f"{self.marker}:".encode() in process.command

    def processes(self) -> list[Process]:
        """All that live and were started by this campaign: workers known by their environment, agents by marker."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            command = read(f"/proc/{name}/cmdline")
            marked = f"{self.marker}:".encode() in command or f"CAMPAIGN={self.marker}".encode() in read(
                f"/proc/{name}/environ"
            )
            status = read(f"/proc/{name}/stat").rpartition(b")")[2].split()
            if marked and status and status[0] not in b"ZX":
                found.append(Process(int(name), int(status[1]), command))
        return found

    def _restart(self) -> bool:
        """Start the run again; False where it has ended by itself too often."""
        assert self.run
        if self.run.returncode != -signal.SIGKILL:
            self.violations.append(f"run exited with {self.run.returncode} (see run.log)")
            if len(self.violations) >= UNEXPECTED_EXITS:
                return False
        self.restarts += 1
        self.run = self.start_run()
        return True

    def end(self) -> None:
        """Nothing may be left; kill it if it is."""
        deadline = time.monotonic() + LEFTOVER_PATIENCE
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        for process in self.processes():
            command = process.command.replace(b"\0", b" ").decode(errors="replace")
            self.violations.append(f"process {process.pid} is left running: {command[:300]}")
        while self.processes():
            for process in self.processes():
                strike(process.pid)
        if self.run:
            self.run.wait()


def strike(pid: int) -> bool:
    """Kill it; False if it was gone already."""
    if read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[:1] in ([b"Z"], []):
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
    """The witness log, in the order of its writing."""
    rows = (line.split() for line in read(path).decode().splitlines())
    return [Line(int(a), int(b), event, int(c), float(d), float(e)) for a, b, event, c, d, e in rows]


def by_task(lines: list[Line]) -> dict[int, list[Line]]:
    tasks: dict[int, list[Line]] = {}
    for line in lines:
        tasks.setdefault(line.task, []).append(line)
    return tasks


def check_witness(lines: list[Line], tasks: int) -> Iterator[str]:
    """What the log alone can refute."""
    found = by_task(lines)
    for task in range(1, tasks + 1):
        if not any(line.event == "end" for line in found.get(task, ())):
            yield f"task {task} never completed"
    for task, its_lines in found.items():
        yield from check_order(task, its_lines)


def check_order(task: int, lines: list[Line]) -> Iterator[str]:
    """Attempts follow each other: each begins after all of the one before, with a higher token, and runs once."""
    current, begun = 0, False
    for line in lines:
        if line.event.startswith("overlap:"):
            other = line.event.partition(":")[2]
            yield f"task {task}: attempt {line.token} found process {other} of an earlier one alive"
        elif line.event == "start" and (line.token < current or (line.token == current and begun)):
            yield f"task {task}: attempt {line.token} started after attempt {current} had"
        elif line.token < current:
            yield f"task {task}: process {line.pid} of attempt {line.token} lived when attempt {current} ran ({line.event})"
        current, begun = max(current, line.token), begun and line.token <= current or line.event == "start"


def check_database(path: str, tasks: int, lines: list[Line]) -> Iterator[str]:
    """What the database says, against itself and against the log."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        yield from check_whole(connection, tasks)
        yield from check_attempts(connection, lines)
    finally:
        connection.close()


def check_whole(connection: sqlite3.Connection, tasks: int) -> Iterator[str]:
    (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    if integrity != "ok":
        yield f"integrity_check: {integrity}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"foreign_key_check: {row}"
    states = dict(connection.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
    if states != {"done": tasks}:
        yield f"of {tasks} tasks the database has {states}"
    for row in connection.execute("SELECT task, token, worker FROM claims"):
        yield f"a claim is left: task, token, worker {row}"
    for (attempt,) in connection.execute("SELECT id FROM attempts WHERE ended IS NULL"):
        yield f"attempt {attempt} has no end"


def check_attempts(connection: sqlite3.Connection, lines: list[Line]) -> Iterator[str]:
    """Each done attempt has completed in the log; nothing of an attempt writes after its recorded end."""
    ends = {(line.task, line.token) for line in lines if line.event == "end"}
    last = {line.token: line for line in lines if not line.event.startswith("overlap:")}
    sql = "SELECT id, task, outcome, (julianday(ended) - 2440587.5) * 86400, report FROM attempts ORDER BY id"
    reports: set[str] = set()
    for attempt, task, outcome, ended, report in connection.execute(sql):
        if outcome == "done" and (task, attempt) not in ends:
            yield f"task {task}: attempt {attempt} is called done, and never completed"
        if ended and attempt in last and last[attempt].wall > ended + CLOCK_GRAIN:
            late = last[attempt]
            yield f"task {task}: process {late.pid} wrote {late.event} {late.wall - ended:.3f} s after attempt {attempt} ended"
        if report and report in reports:
            yield f"attempt {attempt} has the report of another: {report}"
        reports.add(report)


def check_files(campaign: Campaign) -> Iterator[str]:
    """Reports are finished, and nobody wrote a traceback."""
    for path in glob.glob(os.path.join(campaign.home, "workers", "*_TEMP_*")):
        yield f"an unfinished report is left: {os.path.basename(path)} ({os.path.getsize(path)} bytes)"
    for path in glob.glob(campaign.path("txlite-bug-*")):
        yield f"a bug was recorded: {read(path).decode().strip().splitlines()[-1]}"
    for kind in set(
        re.findall(
            rb"^(?!EOFError|KeyboardInterrupt)\w[\w.]*(?:Error|Exception):.*", read(campaign.path("run.log")), re.M
        )
    ):
        yield f"run.log has a traceback: {kind.decode(errors='replace')}"


def summarize(campaign: Campaign, lines: list[Line]) -> str:
    """The figures, in one line."""
    connection = sqlite3.connect(f"file:{campaign.home}/tasks.db?mode=ro", uri=True)
    outcomes = dict(connection.execute("SELECT outcome, count(*) FROM attempts GROUP BY outcome"))
    connection.close()
    again = sum(len({line.token for line in its if line.event == "end"}) > 1 for its in by_task(lines).values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in campaign.kills.items())
    return (
        f"{sum(campaign.kills.values())} kills ({kinds}), {campaign.restarts} restarts of run, {campaign.options.tasks} tasks, "
        f"{sum(outcomes.values())} attempts, {outcomes.get('lost', 0)} lost, {again} tasks completed more than once, "
        f"{time.monotonic() - campaign.started:.1f} s"
    )


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill txlite's processes at random moments and check its promises.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tasks", type=int, help=f"size of the batch ({TASKS_PER_KILL} for each kill, and a few)")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--keep", action="store_true", help="keep the directory in any case")
    options = parser.parse_args(argv)
    options.tasks = options.tasks or options.kills * TASKS_PER_KILL + 8 * options.workers
    return options


def main(argv: list[str]) -> int:
    options = parse(argv)
    print(f"seed {options.seed}", flush=True)
    campaign = Campaign(tempfile.mkdtemp(prefix="txlite-kills-"), options)
    try:
        campaign.write_batch()
        campaign.drive()
    finally:
        campaign.end()
    lines = read_witness(campaign.log)
    violations = [
        *campaign.violations,
        *check_witness(lines, options.tasks),
        *check_database(os.path.join(campaign.home, "tasks.db"), options.tasks, lines),
        *check_files(campaign),
    ]
    for violation in violations:
        print(f"VIOLATION: {violation}")
    print(("FAILED: " if violations else "ok: ") + summarize(campaign, lines))
    if violations or options.keep:
        print(f"kept: {campaign.directory}")
    else:
        shutil.rmtree(campaign.directory)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
