"""A campaign of power cuts: is what was told still there, and does the database open, whenever the power fails?

A few processes work on one home: runs with several workers and tasks of a millisecond, a program that adds, claims and
completes, commands that look, with a write-ahead log that is full after some pages, so that it is brought into the
database and begun anew, and closed, many times. strace writes down, in one order, what they write, sync and name there,
and what they tell. Then the disk is played (`disk`) as it may be after a cut at each place: after each sync, before and
after each line that was told, and at random; with nothing, all, or a part of what was not synced. Each time it must
hold:

  the database opens, and nothing of it is set aside; SQLite finds it whole, and so does `doctor`'s list of rules;
  what was told before the cut is there: tasks that were added, ends, claims, what a list showed, and each change that a
  reader of events was told of, under its number;
  the history tells each end once; and where a run goes on to its end, nothing that was told to be done is begun again,
  or told again.

Linux only; needs strace, and says so where there is none. By hand:
    python3 tests/campaigns/power.py [--cuts 3000] [--tasks 120] [--pages 60] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept. What is
recorded is another each time; what is played is drawn from the seed. `--trace FILE` plays a recording that was kept.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import harness
from disk import CALLS, WAYS, Disk, Recording, Words

import txlite
from txlite.errors import Error
from txlite.store.integrity import RULES

RECORDING_PATIENCE = 110.0  # seconds
GOING_ON_PATIENCE = 60.0  # seconds
ENDS = ("done", "failed", "cancelled")
RUN = ("run", "-j", "2", "--kill-after", "1")

# A command of txlite whose log is full after so many pages: pages, arguments.
SMALL_LOG = """
import sys
import txlite.store.opening
txlite.store.opening.CHECKPOINT_PAGES = int(sys.argv.pop(1))
import txlite.cli
sys.exit(txlite.cli.main())
"""
# Who uses the store, and tells what it was told: pages, home, rounds, name.
PROGRAM = """
import os, random, sys
import txlite, txlite.store.opening
txlite.store.opening.CHECKPOINT_PAGES = int(sys.argv[1])
home, rounds, name = sys.argv[2], int(sys.argv[3]), sys.argv[4]

def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

for _ in range(3):  # the last one that leaves takes the log with it
    with txlite.open(home) as store:
        for number in range(rounds):
            task = store.add(f"{name} {number}", description="x" * random.choice([0, 0, 30000]))
            tell("added", task.id, task.title)
            if number % 3 == 0:
                claim = store.claim(task, name)
                tell("claimed", task.id, claim.token)
                store.done(task, claim.worker, claim.token)
                tell("done", task.id)
            elif number % 3 == 1:
                store.update(task, score=number + 1)
                tell("scored", task.id, number + 1.0)
            for one in store.list(["done"]):
                tell("done", one.id)
"""
# A command of txlite after the cut: another boot.
AFTER_THE_CUT = """
import sys
import txlite.system.clock
txlite.system.clock.boot = lambda: "another boot"
import txlite.cli
sys.exit(txlite.cli.main())
"""
# All of them: home, pages, directory of what is told, tasks, Python.
WORKLOAD = """
import subprocess, sys
home, pages, told, tasks, *python = sys.argv[1:]
count = 0

def begin(*words):
    global count
    count += 1
    with open(f"{told}/{count:03d}-{words[0]}", "wb") as file:
        return subprocess.Popen([*python, "small_log.py", pages, "--home", home, *words], stdout=file)

def write(name, numbers):
    with open(name, "w") as file:
        file.writelines(f": {number}\\n" for number in numbers)
    return name

def add_by_program(rounds):
    global count
    count += 1
    with open(f"{told}/{count:03d}-program", "wb") as file:
        return subprocess.Popen([*python, "program.py", pages, home, str(rounds), f"p{count}"], stdout=file)

total = int(tasks)
begin("init").wait()
follower = begin("events", "--follow", "--since", "0", "--json")
run = begin("run", "-j", "3", "--from", write("first", range(total // 2)))
programs = [add_by_program(5), add_by_program(4)]
launched = [begin("launch", "--agent", "shell", "--json", f": launched {number}") for number in range(2)]
while run.poll() is None:
    begin("list", "--status", "done", "--json").wait()
for one in programs:
    one.wait()
for verb in ("cancel", "fail", "done"):
    begin("add", "-q", "by hand").wait()
    with open(f"{told}/{count:03d}-add") as file:
        begin(verb, file.read().strip()).wait()
runs = [begin("run", "-j", "2", "--from", write(f"later-{number}", range(number, number + total // 4)))
        for number in (total, 2 * total)]
add_by_program(3).wait()
for one in runs:
    one.wait()
begin("list", "--json").wait()
begin("status", "--json").wait()
begin("events", "--since", "0", "--json").wait()
follower.terminate()
follower.wait()
"""


class Fact(NamedTuple):
    """What was told from a place of the recording on."""

    place: int
    kind: str  # added, status, claimed, scored, batch, event
    task: str
    value: str = ""


def record(scene: harness.Scene, options: argparse.Namespace) -> str:
    """Let them work, and have it written down; the path of that."""
    for name, text in (("small_log.py", SMALL_LOG), ("program.py", PROGRAM), ("workload.py", WORKLOAD)):
        with open(scene.path(name), "w", encoding="ascii") as file:
            file.write(text)
    os.mkdir(scene.path("told"))
    python = [sys.executable, "-S"]
    workload = [*python, "workload.py", scene.path("home"), options.pages, scene.path("told"), options.tasks, *python]
    watch = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-ttt", "-s", 1 << 20, "-e", f"trace={CALLS}"]
    process = scene.start([*watch, "-o", scene.path("trace"), *workload], "workload.log")
    code = process.wait(RECORDING_PATIENCE)
    if code:
        scene.violations.append(f"what was recorded ended with {code}: {scene.path('workload.log')}")
    return scene.path("trace")


def can_trace() -> bool:
    """Whether there is a strace that may follow a process here."""
    try:
        command = ["strace", "-f", "--seccomp-bpf", "-o", os.devnull, "true"]
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def find_facts(words: list[Words]) -> Iterator[Fact]:
    """What was told, by whom ever."""
    begun: dict[str, bytes] = {}
    for word in words:
        text = begun.get(word.name, b"") + word.data
        if word.name.endswith(("-list", "-status", "-launch")):
            begun[word.name] = text
            with contextlib.suppress(ValueError):
                said = json.loads(text)
                yield from (
                    fact for one in (said if isinstance(said, list) else [said]) for fact in listed(word.begin, one)
                )
            continue
        lines, _, begun[word.name] = text.rpartition(b"\n")
        if word.name.endswith("-events"):
            yield from map(functools.partial(change_of, word.begin), map(json.loads, lines.splitlines()))
            continue
        for line in lines.decode().splitlines():
            yield from told(word.begin, word.name, line.split())


def change_of(place: int, said: dict[str, object]) -> Fact:
    """What a line of `events` says: its number, and what has happened."""
    return Fact(place, "event", str(said["id"]), json.dumps([said[key] for key in ("at", "task", "from", "to")]))


def listed(place: int, said: dict[str, str]) -> Iterator[Fact]:
    """What an object says of a task, or of an attempt."""
    if "title" in said:
        yield Fact(place, "added", said["id"], said["title"])
    if "attempt" in said:
        yield Fact(place, "claimed", said["id"], str(said["attempt"]))
    if said.get("status") in ENDS:
        yield Fact(place, "status", said["id"], said["status"])


def told(place: int, name: str, words: list[str]) -> Iterator[Fact]:
    """What one line says."""
    if name.endswith("-add"):
        yield Fact(place, "added", words[0], "by hand")
    elif words[0] in ("added", "claimed", "scored"):
        yield Fact(place, words[0], words[1], " ".join(words[2:]))
    elif words[0] in ENDS and words[1].startswith("tx-"):  # as a run and the program say it
        yield Fact(place, "status", words[1], words[0])
    elif words[0].startswith("tx-") and words[1] in ENDS:  # as a verb does
        yield Fact(place, "status", words[0], words[1])
    elif words[1:] == ["tasks", "added"]:
        yield Fact(place, "batch", name, words[0])


class Campaign:
    """One recording, and what is played of it."""

    def __init__(self, scene: harness.Scene, trace: str, directory: str) -> None:
        self.scene = scene
        self.ways: Counter[str] = Counter()
        self.gone_on = 0
        self.recording = Recording(
            trace, os.path.join(directory, "home"), "tasks.db", os.path.join(directory, "told"), ("-shm", ".lock")
        )
        self.facts = sorted(find_facts(self.recording.words), key=lambda fact: fact.place)
        self._disk = Disk(self.recording)

    def places(self, count: int) -> list[int]:
        """So many places at which the power fails, in order."""
        dice, last = self.scene.random, self.recording.length
        marks = [sync.end + 1 for sync in self.recording.syncs] + [sync.end for sync in self.recording.syncs]
        marks += [place for fact in self.facts for place in (fact.place, fact.place + 1)]
        marks = [mark for mark in marks if mark <= last]
        return sorted(dice.choice(marks) if dice.random() < 0.8 else dice.randint(0, last) for _ in range(count))

    def play(self, count: int, every: int) -> None:
        """Cut the power so many times, and go on to the end after some of the cuts."""
        for number, place in enumerate(self.places(count), 1):
            self._disk.advance(place)
            way = self.scene.random.choice(WAYS)
            home = self.scene.path(f"cut-{number}")
            os.mkdir(home, 0o700)
            self._disk.cut(place, way, self.scene.random, home)
            if self.scene.random.random() < 0.5:  # what was mapped, and is nothing after a cut
                with open(os.path.join(home, "tasks.db-shm"), "wb") as file:
                    file.write(self.scene.random.randbytes(32768))
            self.ways[way] += 1
            kept = home + "-as-it-was"
            shutil.copytree(home, kept)
            found = list(self._judge(home, place, is_long=number % every == 0))
            self.scene.violations += [f"{one} (cut {number} at {place}, {way})" for one in found]
            shutil.rmtree(home)
            if not found:
                shutil.rmtree(kept)
            if number % 500 == 0:
                print(f"{number} cuts", flush=True)

    def _judge(self, home: str, place: int, is_long: bool) -> Iterator[str]:
        facts = [fact for fact in self.facts if fact.place < place]
        if not os.path.exists(os.path.join(home, "tasks.db")):
            if facts:
                yield f"there is no database, though {len(facts)} things were told"
            return
        try:
            if self.scene.random.random() < 0.3:  # whoever comes first may be one that only reads
                with txlite.open(home, read_only=True) as store:
                    store.count()
            with txlite.open(home) as store:
                if store.database.notice:
                    yield f"it was said: {store.database.notice}"
            connection = harness.connect(home)
        except (Error, sqlite3.Error) as error:
            yield f"it does not open: {error}"
            return
        with contextlib.closing(connection):
            yield from check_database(connection)
            yield from check_facts(connection, facts)
        if is_long:
            yield from self._go_on(home, facts)

    def _go_on(self, home: str, facts: list[Fact]) -> Iterator[str]:
        """Run what is left to its end."""
        self.gone_on += 1
        done = {fact.task for fact in facts if fact.value == "done"}
        with contextlib.closing(harness.connect(home)) as connection:
            before = attempts_of(connection)
        command = [sys.executable, "-S", "-c", AFTER_THE_CUT, "--home", home, *RUN]
        run = subprocess.run(
            command, env=self.scene.environment(), cwd=home, capture_output=True, timeout=GOING_ON_PATIENCE
        )
        again = {line.split()[1] for line in run.stdout.decode().splitlines() if line.startswith("done ")}
        for task in sorted(done & again):
            yield f"{task} was told to be done, and told again"
        with contextlib.closing(harness.connect(home)) as connection:
            yield from check_database(connection)
            yield from check_facts(connection, facts)
            after = attempts_of(connection)
            for task in sorted(done):
                if after[task] != before[task]:
                    yield f"{task} was told to be done, and is run again"
            for (task,) in connection.execute("SELECT id FROM tasks WHERE kind = 'command' AND status = 'backlog'"):
                yield f"{task} was left by the run that went on: {run.stderr.decode()[-200:]}"


def attempts_of(connection: sqlite3.Connection) -> Counter[str]:
    rows = connection.execute("SELECT t.id, count(*) FROM attempts a JOIN tasks t ON t.seq = a.task GROUP BY 1")
    return Counter(dict(rows))


def check_database(connection: sqlite3.Connection) -> Iterator[str]:
    """Whether it is whole, and says nothing against itself."""
    yield from harness.check_integrity(connection)
    for what, question, _ in RULES:
        for (one,) in connection.execute(question):
            yield f"{one} is {what}"
    ends = "SELECT task, count(*) FROM history WHERE to_status = 'done' GROUP BY task HAVING count(*) > 1"
    for task, count in connection.execute(ends):
        yield f"{task} is done {count} times in the history"
    last = """SELECT t.id, t.status, h.to_status FROM tasks t JOIN history h ON h.id =
        (SELECT max(id) FROM history WHERE task = t.id) WHERE h.to_status <> t.status"""
    for task, status, said in connection.execute(last):
        yield f"{task} is {status}, and {said} in the history"


def check_facts(connection: sqlite3.Connection, facts: list[Fact]) -> Iterator[str]:
    """Whether what was told is so."""
    tasks = {row[0]: row for row in connection.execute("SELECT id, title, status, score FROM tasks")}
    tokens = {str(token): task for token, task in connection.execute(
        "SELECT a.id, t.id FROM attempts a JOIN tasks t ON t.seq = a.task")}  # fmt: skip
    lines = dict(connection.execute("SELECT added, count(*) FROM batches GROUP BY added")) and sum(
        last - first + 1 for first, last in connection.execute("SELECT first, last FROM batches")
    )
    if sum(int(fact.value) for fact in facts if fact.kind == "batch") > (lines or 0):
        yield f"a batch was told to be added, and {lines or 0} lines are there"
    sql = "SELECT id, at, task, from_status, to_status FROM history"
    changes = {str(row[0]): json.dumps(row[1:]) for row in connection.execute(sql)}
    for fact in facts:
        if fact.kind == "event" and changes.get(fact.task) != fact.value:
            yield f"change {fact.task} was told as {fact.value}, and is {changes.get(fact.task)}"
        if fact.kind in ("batch", "event"):
            continue
        found = tasks.get(fact.task)
        if found is None:
            yield f"{fact.task} was told ({fact.kind}), and is not there"
        elif fact.kind == "added" and found[1] != fact.value:
            yield f"{fact.task} was added as {fact.value}, and is {found[1]}"
        elif fact.kind == "status" and found[2] != fact.value:
            yield f"{fact.task} was told to be {fact.value}, and is {found[2]}"
        elif fact.kind == "scored" and found[3] != float(fact.value):
            yield f"{fact.task} was told to have score {fact.value}, and has {found[3]}"
        elif fact.kind == "claimed" and tokens.get(fact.value) != fact.task:
            yield f"{fact.task} was told to be claimed with token {fact.value}, which is of {tokens.get(fact.value)}"


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Record what txlite writes and tells, and cut the power everywhere.")
    parser.add_argument("--cuts", type=int, default=3000)
    parser.add_argument("--tasks", type=int, default=120, help="commands that are run")
    parser.add_argument("--pages", type=int, default=60, help="of the log, until it is brought into the database")
    parser.add_argument("--every", type=int, default=60, help="cuts, until one after which a run goes on to its end")
    parser.add_argument("--trace", help="a recording that was kept, in its directory, instead of a new one")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    if not can_trace():
        print("skipped: there is no strace here that may follow a process")
        return 0
    scene = harness.Scene("power", options)
    try:
        trace = options.trace or record(scene, options)
        campaign = Campaign(scene, trace, os.path.dirname(os.path.abspath(trace)))
        campaign.play(options.cuts, options.every)
    finally:
        scene.clear(10.0)
    recording = campaign.recording
    ways = ", ".join(f"{campaign.ways[way]} {way}" for way in WAYS)
    writes = sum(map(len, recording.writes.values()))
    figures = (
        f"{sum(campaign.ways.values())} cuts ({ways}) in {writes} writes, {len(recording.syncs)} syncs, "
        f"{len(recording.namings)} names, {len(campaign.facts)} facts; {campaign.gone_on} went on to the end"
    )
    return scene.conclude(scene.violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
