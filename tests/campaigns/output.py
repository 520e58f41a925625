"""A campaign of kills among runs that print what their tasks wrote: does each output come, whole, and once?

Rounds, each with a home and one or two batches of 60 short tasks, each batch with a `txlite run -k --results FILE` of
its own; the runs share one queue, and are started again, with a new stdout, when they die. SIGKILL hits a worker, a
worker with its agent, a supervisor, or everything at once. Most tasks write a few lines to stdout and one to stderr,
some much more than a pipe holds, some nothing. Judged at the end of each round, for each batch:

  over all stdouts of its runs the output of each task comes whole, unmixed and in the order of the batch, as the
  attempt that is done wrote it; only what a killed run was printing last comes again;
  each line on stderr comes, and no more of them twice than supervisors were killed;
  the table of results has one row for each task, and each is whole; nothing is left in outputs/; nobody wrote a
  traceback, and the runs exit with 0, or were killed.

Linux only (/proc). By hand:  python3 tests/campaigns/output.py [--rounds 20] [--seed S]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import harness

TASKS = 60
KILLS = 12  # in a round, at the most
MEAN_PAUSE = 0.25  # seconds between kills
PATIENCE = 90.0  # seconds that a round may take after its last kill
LEFTOVER_PATIENCE = 20.0
TWO_RUNS = 0.4  # of the rounds have two batches
# kind of kill -> weight
KINDS = {"worker": 20, "worker+agent": 10, "supervisor": 35, "everything": 35}
# what a task does between its first and its last line -> weight
HABITS = {"": 40, "sleep 0.0{digit};": 40, "seq {many};": 15, "sleep 0.3;": 5}
SILENT = 0.1  # of the tasks write nothing
TRACEBACK = re.compile(r"^(?!EOFError)\w[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)
BEGINNING, END, WRONG = (re.compile(rf"^{word} (\d+) (\d+)$", re.M) for word in ("begin", "end", "wrong"))


class Output(NamedTuple):
    """What stands in a stdout of one task."""

    task: int  # its place in the batch
    attempt: int
    is_whole: bool


class Batch:
    """A batch, and the runs that printed it."""

    def __init__(self, scene: harness.Scene, home: str, name: str, suffix: str) -> None:
        self.scene, self.home, self.name = scene, home, name
        self.file, self.results = scene.path(f"batch-{name}"), scene.path(f"results-{name}{suffix}")
        self.runs: list[subprocess.Popen[bytes]] = []
        self.silent = {place for place in range(TASKS) if scene.random.random() < SILENT}
        with open(self.file, "w", encoding="ascii") as file:
            file.writelines(map(self._compose, range(TASKS)))

    def _compose(self, place: int) -> str:
        habit = self.scene.random.choices(list(HABITS), list(HABITS.values()))[0]
        between = habit.format(digit=self.scene.random.randrange(1, 9), many=self.scene.random.randrange(40_000))
        if place in self.silent:
            return f"true {place}; {between.replace('seq', 'true')}\n"
        line = "echo {} " + f"{place} $TXLITE_TOKEN"
        return f"{line.format('begin')}; {line.format('wrong')} >&2; {between} {line.format('end')}\n"

    def start(self) -> None:
        command = [sys.executable, "-S", "-m", "txlite", "--home", self.home, "run", "-k", "-j", "3"]
        command += ["--kill-after", "1", "--results", self.results, "--from", self.file]
        number = len(self.runs)
        with open(self.path(number, "out"), "wb") as out, open(self.path(number, "err"), "wb") as errors:
            self.runs.append(
                subprocess.Popen(
                    command,
                    cwd=self.scene.directory,
                    env=self.scene.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                )  # fmt: skip
            )

    def path(self, run: int, stream: str) -> str:
        return self.scene.path(f"{self.name}-{run}.{stream}")

    def go_on(self) -> bool:
        """Start the run again if it was killed; whether there is one that goes on."""
        code = self.runs[-1].poll()
        if code == -signal.SIGKILL:
            self.start()
        elif code:
            self.scene.violations.append(f"{self.path(len(self.runs) - 1, 'err')}: the run exited with {code}")
        return code in (None, -signal.SIGKILL)

    def outputs(self, run: int) -> list[Output]:
        """What stands in the stdout of a run."""
        found = []
        for part in re.split(r"^(?=begin )", harness.read(self.path(run, "out")).decode(), flags=re.M):
            begun, ended = BEGINNING.match(part), END.search(part)
            if begun:
                is_whole = ended is not None and ended.groups() == begun.groups() and part.endswith(ended[0] + "\n")
                found.append(Output(int(begun[1]), int(begun[2]), is_whole))
            elif part and not re.match(r"b(e(g(i(n( \d+( \d+)?)?)?)?)?)?$", part):
                self.scene.violations.append(f"{self.path(run, 'out')} has something before its first output")
        return found

    def rows(self) -> list[tuple[str, str]]:
        """The ids and outcomes in the table of results."""
        with open(self.results, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file) if self.results.endswith(".csv") else map(json.loads, file))
        return [(row["id"], row["outcome"]) for row in rows]


def check(batch: Batch, first: int) -> Iterator[str]:
    """All that was broken with a batch, whose first task has this number."""
    with contextlib.closing(harness.connect(batch.home)) as connection:
        yield from harness.check_integrity(connection)
        rows = "SELECT id, token, status FROM tasks WHERE seq BETWEEN ? AND ? ORDER BY seq"
        tasks = connection.execute(rows, (first, first + TASKS - 1)).fetchall()
    if [task for task in tasks if task[2] != "done"] or len(tasks) != TASKS:
        yield f"batch {batch.name} is not done"
    yield from check_outputs(batch, [task[1] for task in tasks])
    yield from check_errors(batch)
    there = Counter(batch.rows())
    if there != Counter({(task[0], "done"): 1 for task in tasks}):
        yield f"{batch.results} has {sum(there.values())} rows, of {len(there)} tasks: {there.most_common(2)}"


def check_outputs(batch: Batch, tokens: list[int]) -> Iterator[str]:
    """Each comes whole, in order, once, but for what a killed run was at."""
    last = -1
    may_repeat = False  # what the last one printed
    whole: set[int] = set()
    for run in range(len(batch.runs)):
        outputs = batch.outputs(run)
        for place, output in enumerate(outputs):
            where = f"task {output.task} of batch {batch.name} in run {run}"
            if output.task < last or (output.task == last and not (may_repeat and place == 0)):
                yield f"{where} comes after task {last}"
            if output.attempt != tokens[output.task]:
                yield f"{where} is of attempt {output.attempt}, and {tokens[output.task]} was the last"
            if output.is_whole:
                whole.add(output.task)
            elif place < len(outputs) - 1 or batch.runs[run].returncode == 0:
                yield f"{where} is torn"
            last = output.task
        may_repeat = bool(outputs) or may_repeat
    missing = set(range(TASKS)) - batch.silent - whole
    if missing:
        yield f"of batch {batch.name} these never came: {sorted(missing)}"


def check_errors(batch: Batch) -> Iterator[str]:
    """Each line on stderr comes; and nobody complains of a bug."""
    said = "".join(harness.read(batch.path(run, "err")).decode() for run in range(len(batch.runs)))
    counts = Counter(int(found[1]) for found in WRONG.finditer(said))
    missing = set(range(TASKS)) - batch.silent - set(counts)
    if missing:
        yield f"of the stderr of batch {batch.name} these never came: {sorted(missing)}"
    twice = [place for place, count in counts.items() if count > 1]
    if len(twice) > len(batch.runs) - 1:
        yield f"of the stderr of batch {batch.name} {len(twice)} came twice, with {len(batch.runs) - 1} kills"
    for message in sorted(set(TRACEBACK.findall(said))):
        yield f"a run of batch {batch.name} has a traceback: {message}"


def play(scene: harness.Scene, number: int) -> list[Batch]:
    """One round; its batches, once they are done."""
    home, dice = scene.path(f"home-{number}"), scene.random
    names = [f"{number}{letter}" for letter in ("ab" if dice.random() < TWO_RUNS else "a")]
    batches = [Batch(scene, home, name, dice.choice((".csv", ".jsonl"))) for name in names]
    for place, batch in enumerate(batches):
        batch.start()
        while place + 1 < len(batches) and count_tasks(home) < TASKS:  # so that it is known which tasks are whose
            time.sleep(0.01)
            batch.go_on()
    left = dice.randrange(1, KILLS)
    deadline = time.monotonic() + PATIENCE
    while sum(batch.go_on() for batch in batches):  # each of them, every time
        if left:
            deadline = time.monotonic() + PATIENCE
            time.sleep(dice.uniform(0, 2 * MEAN_PAUSE))
            left -= kill(scene, batches)
        else:
            time.sleep(0.02)
        if time.monotonic() > deadline:
            scene.violations.append(f"{home} did not end within {PATIENCE:g} s after the last kill")
            break
    scene.clear(LEFTOVER_PATIENCE)
    return batches


def count_tasks(home: str) -> int:
    try:
        with contextlib.closing(harness.connect(home)) as connection:
            return int(connection.execute("SELECT count(*) FROM tasks").fetchone()[0])
    except Exception:  # it is not there yet
        return 0


def kill(scene: harness.Scene, batches: list[Batch]) -> bool:
    """Kill somebody; whether there was anybody."""
    kind = scene.random.choices(list(KINDS), list(KINDS.values()))[0]
    runs = [batch.runs[-1].pid for batch in batches if batch.runs[-1].poll() is None]
    if kind == "everything":
        struck = scene.kill_all()
    elif kind == "supervisor":
        struck = [pid for pid in runs[: scene.random.choice((1, 2))] if harness.strike(pid)]
    else:
        workers = [one.pid for one in scene.workers() if one.parent in runs or one.parent == 1]
        victims = [scene.random.choice(workers)] if workers else []
        if "agent" in kind:
            victims += [one.pid for one in scene.processes() if one.parent in victims]
        struck = [pid for pid in victims if harness.strike(pid)]
    if struck:
        scene.note_kill(kind, struck)
    return bool(struck)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Kill runs that print what their tasks wrote.")
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    scene = harness.Scene("output", options)
    starts = again = 0
    for number in range(1, options.rounds + 1):
        try:
            batches = play(scene, number)
        finally:
            scene.kill_all()
        for place, batch in enumerate(batches):
            scene.violations += check(batch, 1 + place * TASKS)
            starts += len(batch.runs)
            printed = Counter(output.task for run in range(len(batch.runs)) for output in batch.outputs(run))
            again += sum(count - 1 for count in printed.values())
        left = os.listdir(os.path.join(batches[0].home, "outputs"))
        if left:
            scene.violations.append(f"outputs of round {number} are left: {left[:5]}")
        print(f"round {number}: {sum(scene.kills.values())} kills, {starts} runs", flush=True)
        if scene.violations:
            break
    kinds = ", ".join(f"{scene.kills[kind]} {kind}" for kind in KINDS)
    figures = f"{sum(scene.kills.values())} kills ({kinds}), {starts} runs, {again} outputs that came again"
    return scene.conclude(scene.violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
