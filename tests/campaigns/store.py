"""A campaign on the queue: does it keep its promises while many processes use it, come too late, and are killed?

Processes use one store through txlite's Python API: they claim, renew, release, complete, fail, cancel, block, reset,
delete, link and expire, with leases of a second or two, and sleep past some of them. SIGKILL hits them, and the
persistent workers that run commands beside them, at random moments; a process that died is replaced. Each writes what
it was told into a witness log of its own, and each command what it does, one O_APPEND write a line. Judged at the end:

  tokens: each claim's is above all before it, and no two claims have one;
  order: no task was claimed while one that it waited for was not done;
  late holders: who slept past a lease completes nothing, and what an answer said is what the attempt's row says;
  history: replayed from the first row, it gives the state and the token of each task in the tables, by allowed moves;
  commands: no two attempts of one overlap, and what is called done has ended;
  the database is whole, each claim is of an active task and each active task is claimed.

Dependencies that come and go are judged while they stood for certain: from the history's number after the answer to
`add_dependency` until the one before the call of `remove_dependency`. Each pair belongs to one process.

Linux only. By hand:  python3 tests/campaigns/store.py [--seconds 120] [--processes 16] [--tasks 5000] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import glob
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import harness

import txlite
from txlite.model import Lane
from txlite.store.moves import MOVES

if TYPE_CHECKING:
    from txlite.model import Status

WORKERS = 2  # persistent ones
COMMAND_SHARE = 0.2  # of the tasks
DEPENDENCY_SHARE = 0.4
MEAN_PAUSE = 0.3  # seconds between kills
WORKER_SHARE = 0.15  # of the kills
LAPSE = 0.05  # seconds past its end after which a lease is over for any clock
END_PATIENCE = 120.0  # seconds for who was told to leave

# What a process does next -> weight
ACTS = {
    "complete": 40,
    "come late": 6,
    "give back": 10,
    "leave": 3,
    "fail": 4,
    "cancel": 2,
    "retry": 8,
    "reset": 2,
    "update": 4,
    "delete": 1,
    "link": 6,
    "unlink": 5,
    "expire": 9,
}


class Line(NamedTuple):
    """A line of a process's witness log."""

    event: str
    values: list[str]


class Held(NamedTuple):
    """A claim as a process has it."""

    task: str
    token: int
    end: float  # of the lease, by monotonic time, at the latest


class Process:
    """One process of the campaign: acts at random until its time is over."""

    def __init__(self, home: str, log: str, slot: int, seed: int, end: float, tasks: list[str]) -> None:
        self.store = txlite.open(home)
        self.name = f"process-{slot}-{os.getpid()}"
        self.random = random.Random(seed)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.end = end
        self.tasks = tasks
        self.slot = slot
        self.processes = 1

    def witness(self, event: str, *values: object) -> None:
        os.write(self.log, (" ".join(map(str, (event, *values))) + "\n").encode())

    def run(self, processes: int) -> None:
        self.processes = processes
        acts, weights = list(ACTS), list(ACTS.values())
        while time.monotonic() < self.end:
            act = self.random.choices(acts, weights)[0]
            try:
                getattr(self, "act_" + act.replace(" ", "_"))()
            except txlite.Refused as refusal:
                self.witness("refused", act, type(refusal).__name__)
            except txlite.TaskNotFound:
                self.witness("refused", act, "TaskNotFound")
        self.store.close()

    def any_task(self) -> str:
        return self.random.choice(self.tasks)

    def claim(self) -> Held | None:
        """Take a task, the best or a random one of those that are ready."""
        lease = self.random.choice((1, 1, 1.5, 2))
        if self.random.random() < 0.6:
            lanes = [Lane("prompt")] if self.random.random() < 0.8 else None
            found = self.store.claim_best(self.name, lease, lanes)
            claim = found.claim if found else None
        else:
            ready = self.store.ready(20)
            claim = self.store.claim(self.random.choice(ready).id, self.name, lease) if ready else None
        if claim is None:
            time.sleep(0.02)
            return None
        after = time.monotonic()
        self.witness("claimed", claim.task, claim.token)
        held = Held(claim.task, claim.token, after + lease)
        self.work()
        return self.renew(held, lease) if self.random.random() < 0.4 else held

    def renew(self, held: Held, lease: float) -> Held:
        for _ in range(self.random.randint(1, 3)):
            self.work()
            claim = self.store.renew(held.task, token=held.token)
            if claim.token != held.token or claim.lease != lease:
                self.witness("wrong", f"renewal-of-{held.token}-gave-token-{claim.token}-lease-{claim.lease}")
            held = held._replace(end=time.monotonic() + lease)
        return held

    def work(self) -> None:
        time.sleep(self.random.expovariate(1 / 0.004))

    def speak(self, verb: str, held: Held) -> None:
        """Speak for a claim, and note what came of it: how late it was when we began to speak."""
        late = time.monotonic() - held.end
        try:
            getattr(self.store, verb)(held.task, token=held.token)
        except (txlite.LeaseLost, txlite.TaskNotFound):
            self.witness("late", verb, held.task, held.token, f"{late:.6f}")
        else:
            self.witness("took", verb, held.task, held.token, f"{late:.6f}")

    def act_complete(self) -> None:
        held = self.claim()
        if held:
            self.speak("done", held)

    def act_come_late(self) -> None:
        held = self.claim()
        if not held:
            return
        time.sleep(max(held.end - time.monotonic(), 0) + LAPSE + self.random.random() * 0.3)
        rival = self.rival_of(held) if self.random.random() < 0.5 else None
        self.speak(self.random.choice(("done", "done", "fail", "release", "renew")), held)
        if rival:
            self.speak("done", rival)

    def rival_of(self, held: Held) -> Held | None:
        """The claim of another who took the task when the lease had run out; None where we were not the first."""
        try:
            claim = self.store.claim(held.task, f"rival-of-{self.name}", 2)
        except (txlite.Refused, txlite.TaskNotFound):
            return None
        self.witness("claimed", claim.task, claim.token)
        return Held(claim.task, claim.token, time.monotonic() + 2)

    def act_give_back(self) -> None:
        held = self.claim()
        if held:
            self.speak("release", held)

    def act_leave(self) -> None:
        self.claim()  # and forget it: its lease runs out

    def act_fail(self) -> None:
        held = self.claim()
        if held:
            self.speak("fail", held)

    def act_cancel(self) -> None:
        self.store.cancel(self.any_task())

    def act_retry(self) -> None:
        """Back into the queue: of what has ended, so that work never runs out."""
        ended = self.store.list(("done", "failed", "cancelled"), 50)
        for task in self.random.sample(list(ended), min(len(ended), 8)):
            self.store.retry(task.id)

    def act_reset(self) -> None:
        self.store.reset(self.any_task())

    def act_update(self) -> None:
        status = self.random.choice((None, "blocked", "backlog", "failed", "cancelled"))
        self.store.update(self.any_task(), score=self.random.randint(0, 9), title=f"of {self.name}", status=status)

    def act_delete(self) -> None:
        self.store.delete(self.any_task())

    def my_pair(self) -> tuple[str, str]:
        """A task of ours and one before it, so that most pairs make no cycle."""
        last = len(self.tasks) // self.processes - 1
        task = self.random.randint(1, max(last, 1)) * self.processes + self.slot
        task = min(task, len(self.tasks) - 1)
        blocker = self.random.randint(0, max(task - 1, 0))
        return self.tasks[task if task % self.processes == self.slot else self.slot], self.tasks[blocker]

    def act_link(self) -> None:
        task, blocker = self.my_pair()
        self.store.add_dependency(task, blocker)
        self.witness("linked", task, blocker, self.store.history.last_event())

    def act_unlink(self) -> None:
        """Mostly a pair that we know of: of our log, where those before us in our place wrote, too."""
        pairs = [line.values[:2] for line in read_log(f"/proc/self/fd/{self.log}") if line.event == "linked"]
        task, blocker = self.random.choice(pairs) if pairs else self.my_pair()
        self.witness("unlinking", task, blocker, self.store.history.last_event())
        self.store.remove_dependency(task, blocker)

    def act_expire(self) -> None:
        for claim in self.store.expired():
            try:
                self.store.expire(claim.token)
                self.witness("expired", claim.task, claim.token)
            except txlite.Refused:
                pass  # another was first, or it was renewed


class Campaign:
    """One queue in a directory of its own, and what was done to it."""

    def __init__(self, scene: harness.Scene, options: argparse.Namespace) -> None:
        self.scene = scene
        self.options = options
        self.path, self.random = scene.path, scene.random
        self.kills, self.violations = scene.kills, scene.violations
        self.home = self.path("home")
        self.tasks: list[str] = []
        self.links: list[tuple[str, str]] = []  # task, blocker; they stay
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        self.end = 0.0

    def add_tasks(self) -> None:
        draw = self.random
        with txlite.open(self.home) as store:
            command = f'echo "$TXLITE_TASK $TXLITE_TOKEN start" >> {self.path("commands.log")}; sleep 0.0%d; '
            command += f'echo "$TXLITE_TASK $TXLITE_TOKEN end" >> {self.path("commands.log")}'
            new: list[dict[str, object]] = []
            for number in range(self.options.tasks):
                task: dict[str, object] = {"title": f"task {number}", "score": draw.randint(0, 9), "directory": "/"}
                if draw.random() < COMMAND_SHARE:
                    task["command"] = command % draw.randint(0, 9)
                new.append(task)
            self.tasks = list(store.add_many(new))
            for number, id in enumerate(self.tasks):
                if number and draw.random() < DEPENDENCY_SHARE:
                    for blocker in {draw.randrange(max(number - 200, 0), number) for _ in range(draw.randint(1, 3))}:
                        store.add_dependency(id, self.tasks[blocker])
                        self.links.append((id, self.tasks[blocker]))
        with open(self.path("tasks"), "w", encoding="utf-8") as file:
            file.write("\n".join(self.tasks))

    def start_process(self, slot: int) -> None:
        arguments = [self.home, self.path(f"witness-{slot}.log"), slot, self.random.getrandbits(32), self.end]
        command = [sys.executable, __file__, "--process", *arguments, self.options.processes, self.path("tasks")]
        self.processes[slot] = self.scene.start(command, "errors.log")

    def start_worker(self, number: int) -> None:
        command = [sys.executable, "-m", "txlite", "--home", self.home, "worker", "start", "--kill-after", "1"]
        self.workers[number] = self.scene.start([*command, "--name", f"persistent-{number}"], "errors.log")

    def drive(self) -> None:
        """Have them all work, and kill on the way."""
        self.end = time.monotonic() + self.options.seconds
        for slot in range(self.options.processes):
            self.start_process(slot)
        for number in range(WORKERS):
            self.start_worker(number)
        while time.monotonic() < self.end:
            time.sleep(min(self.random.uniform(0, 2 * MEAN_PAUSE), max(self.end - time.monotonic(), 0)))
            self._replace_the_dead()
            if time.monotonic() < self.end:
                self._kill_one()

    def _kill_one(self) -> None:
        kind, chosen = ("worker", self.workers) if self.random.random() < WORKER_SHARE else ("process", self.processes)
        victim = chosen[self.random.choice(list(chosen))]
        victim.kill()
        victim.wait()
        self.kills[kind] += 1
        self._replace_the_dead()

    def _replace_the_dead(self) -> None:
        for group, start in ((self.processes, self.start_process), (self.workers, self.start_worker)):
            for key, process in list(group.items()):
                if process.poll() is None or time.monotonic() >= self.end:
                    continue
                if process.returncode != -signal.SIGKILL:
                    self.violations.append(f"{process.args!r} exited with {process.returncode}: see errors.log")
                start(key)

    def finish(self) -> None:
        """Let all leave; then nothing may be held by a worker that is gone."""
        deadline = time.monotonic() + END_PATIENCE
        for worker in self.workers.values():
            worker.terminate()
        for process in [*self.processes.values(), *self.workers.values()]:
            try:
                code = process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = None
            if code not in (0, -signal.SIGKILL, -signal.SIGTERM):  # TERM before it had a handler
                self.violations.append(f"{process.args!r} ended with {code}: see errors.log")
        with txlite.open(self.home) as store:
            from txlite.execution.recovery import Recovery

            Recovery(store).run()
            left = [claim for claim in store.claims() if claim.held]
            self.violations += [f"{claim.task} is held by {claim.worker}, which is gone" for claim in left]

    def stop(self) -> None:
        for process in [*self.processes.values(), *self.workers.values()]:
            if process.poll() is None:
                process.kill()
                process.wait()


class Event(NamedTuple):
    """A row of history."""

    id: int
    task: str
    before: Status | None
    after: Status | None
    token: int


class Replay:
    """The history played again from its first row."""

    def __init__(self, events: list[Event], stood: dict[str, list[tuple[str, int, float]]]) -> None:
        self.states: dict[str, tuple[str, int]] = {}
        self.violations: list[str] = []
        self.activations = 0
        self._stood = stood  # task -> blocker, from event, to event
        self._last = 0
        for event in events:
            self._play(event)

    def _play(self, event: Event) -> None:
        known = self.states.get(event.task, (None, 0))[0]
        if known != event.before:
            self.violations.append(f"event {event.id}: {event.task} was {known}, and left {event.before}")
        if event.before is None and event.after not in ("backlog", "active"):
            self.violations.append(f"event {event.id}: {event.task} began as {event.after}")
        elif event.before and event.after and event.after not in MOVES[event.before]:
            self.violations.append(f"event {event.id}: {event.task} went from {event.before} to {event.after}")
        if event.after == "active":
            self._check_claim(event)
        if event.after is None:
            self.states.pop(event.task, None)
        else:
            self.states[event.task] = event.after, event.token

    def _check_claim(self, event: Event) -> None:
        self.activations += 1
        if event.token <= self._last:
            self.violations.append(f"event {event.id}: {event.task} got token {event.token} after {self._last}")
        self._last = max(self._last, event.token)
        for blocker, first, last in self._stood.get(event.task, ()):
            state = self.states.get(blocker, ("gone", 0))[0]
            if first < event.id <= last and state not in ("done", "gone"):
                self.violations.append(f"event {event.id}: {event.task} was claimed while {blocker} was {state}")


def read_log(path: str) -> list[Line]:
    """The lines of a witness log; the last may be missing its end where its process was killed."""
    rows = [line.split() for line in harness.read(path).decode().split("\n")[:-1]]
    return [Line(row[0], row[1:]) for row in rows if row]


def standing(campaign: Campaign, logs: dict[str, list[Line]]) -> dict[str, list[tuple[str, int, float]]]:
    """When which dependency stood for certain. One that a process ended may be one of the first ones."""
    stood: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    opened: dict[tuple[str, str], int] = dict.fromkeys(campaign.links, 0)
    for lines in logs.values():
        for line in lines:
            if line.event not in ("linked", "unlinking"):
                continue
            pair, event = (line.values[0], line.values[1]), int(line.values[2])
            if line.event == "linked":
                opened.setdefault(pair, event)
            elif pair in opened:
                stood[pair].append((opened.pop(pair), event))
    for pair, event in opened.items():
        stood[pair].append((event, float("inf")))
    found: dict[str, list[tuple[str, int, float]]] = defaultdict(list)
    for (task, blocker), spans in stood.items():
        found[task] += [(blocker, *span) for span in spans]
    return found


def check_history(connection: sqlite3.Connection, replay: Replay) -> Iterator[str]:
    """The history against itself, and against the tables."""
    yield from replay.violations
    sql = "SELECT id, status, token FROM tasks"
    tables = {task: (status, token) for task, status, token in connection.execute(sql)}
    for task in sorted(tables.keys() | replay.states.keys()):
        here, there = tables.get(task), replay.states.get(task)
        if here is None or there is None or here[0] != there[0]:
            yield f"{task}: the table says {here}, the history {there}"
        elif here[1] != there[1]:
            yield f"{task}: its token is {here[1]}, in the history {there[1]}"
    attempts = connection.execute("SELECT count(*) FROM attempts").fetchone()[0]
    if attempts != replay.activations:
        yield f"{attempts} attempts, and {replay.activations} claims in the history"


def check_answers(connection: sqlite3.Connection, logs: dict[str, list[Line]]) -> Iterator[str]:
    """What each process was told, against the rows."""
    outcomes = dict(connection.execute("SELECT id, outcome FROM attempts"))
    seen: dict[int, str] = {}
    expected = {"done": "done", "fail": "failed", "release": "released"}
    for name, lines in logs.items():
        last = 0
        for line in lines:
            if line.event == "wrong":
                yield f"{name}: {line.values[0]}"
            elif line.event == "claimed":
                token = int(line.values[1])
                if token <= last:
                    yield f"{name}: was given token {token} after {last}"
                if token in seen:
                    yield f"token {token} was given to {name} and {seen[token]}"
                if token not in outcomes:
                    yield f"{name}: was given token {token}, which no attempt has"
                last, seen[token] = max(last, token), name
            elif line.event in ("took", "late"):
                verb, task, token, late = line.values[0], line.values[1], int(line.values[2]), float(line.values[3])
                outcome = outcomes.get(token, "nothing")
                if line.event == "took" and verb in expected and outcome != expected[verb]:
                    yield f"{name}: {verb} of {task} with {token} was taken, and its attempt is {outcome}"
                if line.event == "late" and verb == "done" and outcome == "done":
                    yield f"{name}: done of {task} with {token} was refused, and its attempt is done all the same"
                if line.event == "took" and late >= LAPSE:
                    yield f"{name}: {verb} of {task} with {token} was taken {late:.3f} s after its lease had run out"
            elif line.event == "expired" and outcomes[int(line.values[1])] != "lost":
                yield f"{name}: expired {line.values[1]}, whose attempt is {outcomes[int(line.values[1])]}"


def check_commands(connection: sqlite3.Connection, path: str) -> Iterator[str]:
    """What the workers' commands wrote."""
    ended: set[int] = set()
    last: dict[str, int] = {}
    for line in read_log(path):
        task, token, event = line.event, int(line.values[0]), line.values[1]
        if token < last.get(task, 0):
            yield f"{task}: attempt {token} wrote {event} after attempt {last[task]} had started"
        last[task] = max(token, last.get(task, 0))
        if event == "end":
            ended.add(token)
    for token, outcome in connection.execute("SELECT id, outcome FROM attempts WHERE agent <> ''"):
        if outcome == "done" and token not in ended:
            yield f"attempt {token} of a worker is called done, and never ended"


def check_database(connection: sqlite3.Connection) -> Iterator[str]:
    """What the database says against itself."""
    yield from harness.check_integrity(connection)
    for what, sql in (
        ("active without a claim", "SELECT id FROM tasks t WHERE status = 'active' AND NOT EXISTS "
         "(SELECT 1 FROM claims c WHERE c.task = t.seq AND c.token = t.token)"),
        ("claimed and not active", "SELECT id FROM tasks JOIN claims ON task = seq WHERE status <> 'active'"),
        ("with a wrong count of blockers", "SELECT id FROM tasks t WHERE open_blockers <> (SELECT count(*) FROM "
         "dependencies d JOIN tasks b ON b.seq = d.blocker WHERE d.task = t.seq AND b.status <> 'done')"),
        ("completed and not done, or not so", "SELECT id FROM tasks WHERE (completed IS NULL) = (status = 'done')"),
        ("an attempt that is open without a claim", "SELECT id FROM attempts a WHERE ended IS NULL AND NOT EXISTS "
         "(SELECT 1 FROM claims c WHERE c.token = a.id)"),
    ):  # fmt: skip
        yield from (f"{row[0]} is {what}" for row in connection.execute(sql))


def check_files(campaign: Campaign) -> Iterator[str]:
    for path in glob.glob(campaign.path("txlite-bug-*")):
        with open(path, encoding="utf-8") as file:
            yield f"a bug was recorded: {file.read().strip().splitlines()[-1]}"
    with open(campaign.path("errors.log"), encoding="utf-8", errors="replace") as file:
        if "Traceback" in file.read():
            yield "errors.log has a traceback"


def judge(campaign: Campaign) -> tuple[list[str], str]:
    """All violations, and the figures in one line."""
    logs = {os.path.basename(path)[:-4]: read_log(path) for path in sorted(glob.glob(campaign.path("witness-*.log")))}
    connection = harness.connect(campaign.home)
    sql = "SELECT id, task, from_status, to_status, token FROM history ORDER BY id"
    events = [Event(*row) for row in connection.execute(sql)]
    replay = Replay(events, standing(campaign, logs))
    violations = [
        *campaign.violations,
        *check_history(connection, replay),
        *check_answers(connection, logs),
        *check_commands(connection, campaign.path("commands.log")),
        *check_database(connection),
        *check_files(campaign),
    ]
    said = Counter(line.event for lines in logs.values() for line in lines)
    slept = [float(line.values[3]) for lines in logs.values() for line in lines if line.event in ("took", "late")]
    outcomes = dict(connection.execute("SELECT coalesce(outcome, 'open'), count(*) FROM attempts GROUP BY 1"))
    states = dict(connection.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
    run = connection.execute("SELECT count(*) FROM attempts WHERE agent <> ''").fetchone()[0]
    connection.close()
    figures = (
        f"{campaign.kills['process']} processes and {campaign.kills['worker']} workers killed, {len(events)} moves, "
        f"{replay.activations} claims ({run} by workers), {said['took']} answers taken, {said['late']} refused, "
        f"{sum(late >= LAPSE for late in slept)} spoken too late, {said['linked']} links, {said['unlinking']} unlinks, "
        f"{said['expired']} expired, {said['refused']} other refusals; attempts {outcomes}; tasks {states}"
    )
    return violations, figures


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Use txlite's queue from many processes and check its promises.")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=5000)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    if argv[:1] == ["--process"]:
        home, log, slot, seed, end, processes, tasks = argv[1:]
        with open(tasks, encoding="utf-8") as file:
            ids = file.read().split()
        Process(home, log, int(slot), int(seed), float(end), ids).run(int(processes))
        return 0
    options = parse(argv)
    scene = harness.Scene("store", options)
    campaign = Campaign(scene, options)
    try:
        campaign.add_tasks()
        campaign.drive()
        campaign.finish()
    finally:
        campaign.stop()
    violations, figures = judge(campaign)
    return scene.conclude(violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
