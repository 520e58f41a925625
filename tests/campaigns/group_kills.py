"""A campaign of kills among tasks in groups: does any group ever run more than its limit, and does all end?

Two `txlite run` work on one queue of tasks in groups that let one, two or three begin, and are started again when they
die; SIGKILL hits a worker, a supervisor, both, a worker with its agent, or all workers. Meanwhile limits go down and up
again, groups are paused and resumed, tasks change their group, and are claimed and given back by hand. Each task takes
one of as many locks (flock) as its group has room for, which it loses with its last process, and writes down where
there is none. Judged at the end:

  no group ever ran more than its highest limit, however its workers died, and whoever claimed;
  all tasks are done, runs exit with 0, or were killed, and nobody is left running; the database keeps its rules.

Linux only (/proc, flock(1)). By hand:  python3 tests/campaigns/group_kills.py [--kills 150] [--workers 4] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import harness

from txlite.errors import Error
from txlite.store.store import Store, open_store

GROUPS = {"one": 1, "two": 2, "three": 3, "": 0}  # their highest limits
TASKS_PER_KILL = 6
MEAN_PAUSE = 0.12  # seconds between kills
END_PATIENCE = 120.0  # seconds that it may take after its last kill
LEFTOVER_PATIENCE = 20.0
KILLS = {"worker": 55, "supervisor": 8, "worker+supervisor": 12, "worker+agent": 15, "all workers": 10}  # -> weight
NAPS = (0.0, 0.0, 0.01, 0.03, 0.1)  # seconds that tasks take
AGENT = """#!/bin/bash
# hold.sh GROUP LIMIT SECONDS: take one of its locks, or write down that there is none
for number in $(seq "$2"); do
    exec 9>> "slot-$1-$number"
    flock -n 9 && { echo "$1" >> begun; sleep "$3"; exit; }
done
echo "$1 $TXLITE_TASK" >> crowded
"""


class Campaign:
    """The queue, the runs that work on it, and what is done to them."""

    def __init__(self, scene: harness.Scene, kills: int, workers: int) -> None:
        self.scene, self.random, self.workers, self.kills_left = scene, scene.random, workers, kills
        self.home = scene.path("home")
        self.tasks = kills * TASKS_PER_KILL
        self.said: Counter[str] = Counter()
        self.runs: list[subprocess.Popen[bytes]] = []

    def furnish(self, store: Store) -> None:
        with open(self.scene.path("hold.sh"), "w", encoding="ascii") as file:
            file.write(AGENT)
        for name, limit in GROUPS.items():
            if name:
                store.groups.set_limit(name, limit)
        store.add_many(self._task() for _ in range(self.tasks))

    def _task(self) -> dict[str, object]:
        group, nap = self.random.choice(list(GROUPS)), self.random.choice(NAPS)
        command = f"bash hold.sh {group} {GROUPS[group]} {nap}" if group else f"sleep {nap}"
        score = self.random.randrange(3)
        return {"command": command, "group": group, "score": score, "directory": self.scene.directory}

    def drive(self, store: Store) -> None:
        """Run the queue to its end, killing and speaking on the way."""
        self.runs = [self._start(), self._start()]
        deadline = time.monotonic() + END_PATIENCE
        while self._renew_runs():
            if self.kills_left:
                deadline = time.monotonic() + END_PATIENCE
                time.sleep(self.random.uniform(0, 2 * MEAN_PAUSE))
                self.kills_left -= self._kill()
                self._speak(store)
            else:
                self._calm(store)
                time.sleep(0.05)
            if time.monotonic() > deadline:
                self.scene.violations.append(f"it did not end within {END_PATIENCE:g} s after the last kill")
                break
        self.scene.clear(LEFTOVER_PATIENCE)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", "-m", "txlite", "--home", self.home, "run", "-j", self.workers]
        return self.scene.start([*command, "--kill-after", "1", "--max-attempts", "99"], "runs.log")

    def _renew_runs(self) -> bool:
        """Start those again that were killed, or left while there is work; whether one goes on."""
        for place, run in enumerate(self.runs):
            code = run.poll()
            if code == -signal.SIGKILL or (code == 0 and self.kills_left):
                self.runs[place] = self._start()
            elif code:
                self.scene.violations.append(f"run exited with {code}: {self.scene.path('runs.log')}")
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
        struck = [pid for pid in victims if harness.strike(pid)]
        if struck:
            self.scene.note_kill(kind, struck)
        return bool(struck)

    def _speak(self, store: Store) -> None:
        """Say something that concerns groups."""
        name = self.random.choice([group for group in GROUPS if group])
        word = self.random.choice(["limit", "pause", "resume", "resume", "claim", "", ""])
        with contextlib.suppress(Error):
            if word == "limit":
                store.groups.set_limit(name, self.random.randint(1, GROUPS[name]))
            elif word == "pause":
                store.groups.pause(name)
            elif word == "resume":
                store.groups.resume(name)
            elif word == "claim":
                found = store.claim_best("a person", 60)
                if found:
                    time.sleep(0.02)
                    store.release(found.task, "a person")
        self.said[word] += bool(word)

    def _calm(self, store: Store) -> None:
        for group in store.groups.all():
            if group.paused:
                store.groups.resume(group.name)


def check(campaign: Campaign, store: Store) -> Iterator[str]:
    """All that was broken."""
    for line in harness.read(campaign.scene.path("crowded")).decode().splitlines():
        yield f"a group ran more than its limit: {line}"
    for status, count in store.count().items():
        if status != "done":
            yield f"{count} tasks are {status}"
    if store.claims():
        yield f"{len(store.claims())} claims are left"
    with contextlib.closing(harness.connect(campaign.home)) as connection:
        yield from harness.check_integrity(connection)


def main() -> int:
    parser = harness.make_parser(__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=150)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    scene = harness.Scene("groups", options)
    campaign = Campaign(scene, options.kills, options.workers)
    with open_store(campaign.home) as store:
        campaign.furnish(store)
        campaign.drive(store)
        found = [*scene.violations, *check(campaign, store)]
        begun = Counter(harness.read(scene.path("begun")).decode().split())
    kills = ", ".join(f"{count} {kind}" for kind, count in scene.kills.items())
    words = ", ".join(f"{count} {word}" for word, count in campaign.said.items() if word)
    return scene.conclude(found, f"{campaign.tasks} tasks, begun {dict(begun)}; kills: {kills}; words: {words}")


if __name__ == "__main__":
    sys.exit(main())
