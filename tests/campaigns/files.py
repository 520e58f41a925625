"""A campaign on the database's files: is what `add` acknowledged there, whatever is moved, deleted and put back?

Each round kills all processes, which leaves the log behind, and then does what a person does who tidies up or goes
back: moves or deletes the database, its log or its shared memory, or both of the first two; puts a backup in the place;
adds tasks meanwhile, or not; puts back what was moved, by rename or by copy, or not. Judged after each round:

  what was acknowledged into the database that is there now is there (of a log that was moved or deleted by hand, or
  belongs to another state: what the file by itself held, and what was added since), and what was deleted is not;
  a log that did not belong to the database was set aside, a message said where, and with its own database beside it it
  gives all that both held;
  the file is sound, unless a log was taken away in the middle of a checkpoint: then `doctor --set-aside` helps.

What must be there is read by sqlite3 from copies, without txlite. Linux only.
By hand:  python3 tests/campaigns/files.py [--rounds 1000] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from typing import NamedTuple

import harness

# What is done to the files -> weight
FAULTS = {
    "nothing": 2,
    "database moved": 8,
    "database deleted": 3,
    "log moved": 8,
    "log deleted": 3,
    "memory moved": 2,
    "memory deleted": 1,
    "database and log moved": 6,
    "backup put in the place": 6,
}
ADD_BETWEEN, KILL_BETWEEN, PUT_BACK, COPY, RUN, DELETE, BACK_UP = 0.6, 0.6, 0.75, 0.4, 0.15, 0.2, 0.2  # how often
FRESH = 30  # rounds until the home is begun anew
PATIENCE = 60.0  # seconds for a process to say something
LARGEST = (100_000,) * 15 + (1_000_000,)  # bytes of a description; of the last a hundred fill a log

# Adds tasks, and stays connected until it is killed. Arguments: home, file for acknowledgements, how many, bytes, seed.
ADDER = """
import os, random, sys, time
import txlite

home, log, count, largest, seed = sys.argv[1:6]
dice, acknowledged = random.Random(seed), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
with txlite.open(home) as store:
    if store.notice:
        print("txlite:", store.notice, flush=True)
    for number in range(int(count)):
        task = store.add(f"task {number}", description="x" * int(dice.random() ** 6 * int(largest)))
        os.write(acknowledged, (task.id + "\\n").encode())
    os.write(acknowledged, b"all\\n")
    time.sleep(600)
"""


class State(NamedTuple):
    """What a database holds, as sqlite3 sees it. ids: of its tasks; None where it is not sound."""

    ids: frozenset[str] | None

    @property
    def is_sound(self) -> bool:
        return self.ids is not None


class Campaign:
    """One home, what must be in it, and what was done to its files."""

    def __init__(self, scene: harness.Scene, options: argparse.Namespace) -> None:
        self.scene = scene
        self.options = options
        self.random, self.violations = scene.random, scene.violations
        self.home = scene.path("home")
        self.database = os.path.join(self.home, "tasks.db")
        self.log = self.database + "-wal"
        self.aside = scene.path("aside")  # where a person moves files
        self.counts: Counter[str] = Counter()
        self.expected: frozenset[str] = frozenset()
        self.deleted: set[str] = set()
        self.is_excused = False  # a log was taken away in the middle of a checkpoint
        self.said = ""  # by txlite, since the last fault
        self.story: list[str] = []
        self.read = 0  # bytes of the acknowledgements
        self.backup: tuple[str, frozenset[str]] | None = None
        self.adders: list[subprocess.Popen[bytes]] = []

    def complain(self, what: str) -> None:
        self.violations.append(f"round {self.counts['rounds']} ({', '.join(self.story)}): {what}")
        print(self.violations[-1], file=sys.stderr, flush=True)

    # What txlite is told to do

    def txlite(self, *words: str) -> tuple[int, str]:
        command = [sys.executable, "-S", "-m", "txlite", "--home", self.home, *words]
        done = subprocess.run(
            command, cwd=self.scene.directory, env=self.scene.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        errors = done.stderr.decode()
        self.said += errors
        self.counts["commands"] += 1
        if done.returncode == 70 or "Traceback" in errors:
            self.complain(f"{' '.join(words)}: {errors}")
        return done.returncode, done.stdout.decode()

    def add(self) -> None:
        """Add a task from the command line; one that was acknowledged is expected."""
        code, out = self.txlite("add", "-q", "--", "true")
        if code == 69 and self.is_excused:
            self.counts["beyond use"] += 1
            code, said = self.txlite("doctor", "--set-aside")
            if code:
                self.complain(f"doctor --set-aside gave {code}: {self.said}")
            self.begin_with(frozenset())
            code, out = self.txlite("add", "-q", "--", "true")
        if code:
            self.complain(f"add gave {code}: {self.said.strip()}")
        else:
            self.expected |= {out.strip()}
            self.counts["added"] += 1

    def start_adder(self) -> None:
        """Add tasks in a process that stays, up to a moment or to its last one; the acknowledged ones are expected."""
        count = self.random.choice((3, 30, 150))
        words = [sys.executable, "-S", "-c", ADDER, self.home, self.scene.path("acknowledged"), count]
        words.append(self.random.choice(LARGEST))
        adder = self.scene.start([*words, self.random.randrange(1 << 30)], "adders.log")
        self.adders.append(adder)
        moment = time.monotonic() + self.random.choice((0.2, 0.5, PATIENCE))
        while time.monotonic() < moment and not self.acknowledgements().endswith(b"all\n") and adder.poll() is None:
            time.sleep(0.01)

    def acknowledgements(self) -> bytes:
        return harness.read(self.scene.path("acknowledged"))[self.read :]

    def kill(self) -> None:
        """Kill all there is; what was acknowledged until then is expected."""
        self.counts["killed"] += len(self.scene.kill_all())
        for adder in self.adders:
            adder.wait()
        self.adders.clear()
        new = self.acknowledgements()
        self.read += len(new)
        ids = set(new.decode().split()) - {"all"}
        self.counts["added"] += len(ids)
        self.expected |= ids
        self.said += harness.read(self.scene.path("adders.log")).decode()
        open(self.scene.path("adders.log"), "w").close()

    # What sqlite3 sees

    def look(self, database: str, log: str | None = None) -> State:
        """What a database holds, together with a log, or by itself; copies are looked at."""
        place = self.scene.path("look")
        shutil.rmtree(place, ignore_errors=True)
        os.mkdir(place)
        shutil.copyfile(database, place + "/tasks.db")
        if log and os.path.exists(log):
            shutil.copyfile(log, place + "/tasks.db-wal")
        try:
            connection = sqlite3.connect(place + "/tasks.db")
            try:
                if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
                    return State(None)
                return State(frozenset(row[0] for row in connection.execute("SELECT id FROM tasks")))
            finally:
                connection.close()
        except sqlite3.Error:
            return State(None)

    def begin_with(self, ids: frozenset[str] | None) -> None:
        """From now on these are expected; None: nothing is, and the database may be beyond use."""
        self.is_excused = ids is None
        self.expected = ids or frozenset()
        self.deleted -= self.expected

    def has_log(self) -> bool:
        return os.path.exists(self.log) and os.path.getsize(self.log) > 32

    # The rounds

    def run(self) -> None:
        for number in range(self.options.rounds):
            self.counts["rounds"] += 1
            if number % FRESH == 0:
                self.begin_anew()
            fault = self.random.choices(list(FAULTS), list(FAULTS.values()))[0]
            self.counts[fault] += 1
            self.story = [fault]
            self.round(fault)
            self.judge()
            if len(self.violations) >= 5:
                return

    def begin_anew(self) -> None:
        self.kill()
        for path in (self.home, self.aside):
            shutil.rmtree(path, ignore_errors=True)
        os.mkdir(self.aside)
        self.deleted.clear()
        self.backup = None
        self.begin_with(frozenset())
        self.add()

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def round(self, fault: str) -> None:
        self.start_adder()
        if self.chance(BACK_UP):
            self.back_up()
        if self.chance(RUN):
            self.scene.start(
                [sys.executable, "-m", "txlite", "--home", self.home, "run", "-w", "1", "--forever"], "run.log"
            )
            time.sleep(self.random.uniform(0, 0.5))
        self.kill()
        self.said = ""
        {"nothing": lambda: None, "backup put in the place": self.go_back}.get(fault, lambda: self.take(fault))()
        self.add()
        if self.chance(DELETE) and self.expected:
            victim = self.random.choice(sorted(self.expected))
            if self.txlite("delete", victim)[0] == 0:
                self.expected -= {victim}
                self.deleted.add(victim)

    def back_up(self) -> None:
        path = self.scene.path(f"backup-{self.counts['rounds']}")
        if self.txlite("backup", path)[0] == 0:
            self.backup = path, self.look(path).ids or frozenset()

    def go_back(self) -> None:
        """Put a backup in the place of the database, whose log may still lie there."""
        if not self.backup:
            return
        path, ids = self.backup
        whole = self.look(self.database, self.log)
        had_log = self.has_log()
        self.put(path, self.database, keep=True)
        self.begin_with(ids)
        self.add()
        if had_log and not self.is_told("foreign-log"):
            self.expected |= whole.ids or frozenset()  # the log was applied: it began before the backup

    def take(self, fault: str) -> None:
        """Move or delete files; add, or not; put them back, or not."""
        whole, alone, had_log = self.look(self.database, self.log), self.look(self.database), self.has_log()
        if not whole.is_sound and not self.is_excused:
            self.complain("the database is not sound")
        what, moved = fault.rpartition(" ")[0], fault.endswith("moved")
        endings = {"database": [""], "log": ["-wal"], "memory": ["-shm"], "database and log": ["", "-wal"]}[what]
        taken = [ending for ending in endings if os.path.exists(self.database + ending)]
        for ending in taken:
            path = self.database + ending
            os.rename(path, f"{self.aside}/tasks.db{ending}") if moved else os.unlink(path)
        log_lost = had_log and what == "log"
        is_gone = what.startswith("database")
        if self.chance(ADD_BETWEEN):
            self.begin_with(frozenset() if is_gone else alone.ids if log_lost else whole.ids)
            self.work_between()
            if what == "database" and had_log and not self.is_told("orphaned-log"):
                self.complain(f"nothing was said of the log of the database that was gone: {self.said}")
            if what == "database" and moved and had_log:
                self.check_reunion(whole)
            if moved and taken and self.chance(PUT_BACK):
                self.put_back(what, taken, whole, alone, had_log)
        elif moved and self.chance(PUT_BACK):
            self.story.append("put back at once")
            for ending in taken:
                self.put(f"{self.aside}/tasks.db{ending}", self.database + ending)
            self.begin_with(whole.ids)
        else:
            self.begin_with(frozenset() if is_gone else alone.ids if log_lost else whole.ids)

    def work_between(self) -> None:
        self.story.append("added")
        self.add()
        if self.chance(KILL_BETWEEN):
            self.story.append("killed")
            self.start_adder()
            self.kill()

    def put_back(self, what: str, taken: list[str], whole: State, alone: State, had_log: bool) -> None:
        """Put back what was moved, over what has come into its place."""
        self.story.append("put back")
        now_alone = self.look(self.database)
        new_log = self.has_log()
        self.said = ""
        for ending in taken:
            self.put(f"{self.aside}/tasks.db{ending}", self.database + ending)
        if what == "memory":
            return
        if what == "log":
            self.begin_with(now_alone.ids)
        elif what == "database and log" and had_log:
            self.begin_with(whole.ids)
        else:
            self.begin_with(alone.ids)
        is_foreign = (what == "log" and had_log) or (what == "database" and new_log)
        is_foreign = is_foreign or (what == "database and log" and "-wal" not in taken and new_log)
        self.add()
        if is_foreign and not self.is_excused and not self.is_told("foreign-log"):
            self.complain(f"nothing was said of the log that does not belong to the database: {self.said}")

    def put(self, source: str, place: str, keep: bool = False) -> None:
        """Rename a file into its place, or copy it over what is there, or copy it to where nothing is any more."""
        if not keep and not self.chance(COPY):
            os.replace(source, place)
            return
        if self.chance(0.5) and os.path.exists(place):
            os.unlink(place)
        self.story.append("by copy")
        shutil.copyfile(source, place)
        os.chmod(place, 0o600)

    def is_told(self, kind: str) -> bool:
        """Whether a message names a directory of this kind that is there."""
        found = self.named(kind)
        self.counts[kind] += len(found)
        return bool(found)

    def named(self, kind: str) -> list[str]:
        """The directories of this kind that a message names: with a number, where two are of one second."""
        found = set(re.findall(rf"{re.escape(self.database)}\.{kind}-\d+-\d+(?:-\d+)?", self.said))
        return [path for path in found if os.path.isdir(path)]

    def check_reunion(self, whole: State) -> None:
        """The moved database and the log that was set aside hold together what they held."""
        for place in self.named("orphaned-log"):
            if self.look(f"{self.aside}/tasks.db", place + "/tasks.db-wal").ids != whole.ids:
                self.complain(f"the log in {place} does not give what it held")

    def judge(self) -> None:
        """What must be there is there, for txlite and for sqlite3."""
        code, out = self.txlite("list", "--json")
        found = frozenset(task["id"] for task in json.loads(out)) if code == 0 else frozenset()
        if code:
            self.complain(f"list gave {code}: {self.said.strip()}")
        elif not self.expected <= found:
            self.complain(f"{len(self.expected - found)} of {len(self.expected)} tasks are lost: {self.said.strip()}")
        if self.deleted & found:
            self.complain(f"{len(self.deleted & found)} deleted tasks are back")
        if code == 0 and not self.look(self.database, self.log).is_sound:
            self.complain("the database is not sound at the end")


def main(argv: list[str]) -> int:
    parser = harness.make_parser("Move, delete and put back the database's files, and check what is left.")
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args(argv)
    scene = harness.Scene("files", options)
    campaign = Campaign(scene, options)
    try:
        campaign.run()
    finally:
        scene.clear(0.0) if campaign.adders else scene.kill_all()
    counts = campaign.counts
    kinds = ", ".join(f"{counts[fault]} {fault}" for fault in FAULTS)
    figures = (
        f"{counts['rounds']} rounds ({kinds}), {counts['added']} tasks acknowledged, "
        f"{counts['killed']} processes killed, {counts['orphaned-log']} orphaned and {counts['foreign-log']} foreign "
        f"logs set aside, {counts['beyond use']} databases beyond use"
    )
    return scene.conclude(campaign.violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
