"""A campaign with the clock: is a batch as quick, and as right, while the wall clock is set back and forth?

    python3 tests/campaigns/clock.py [--tasks N] [--seed S] [--keep]

The same batch is run twice. Some of its tasks fail at first, and come again after a delay. The first run has a steady
clock; during the second the wall clock of all processes is set, four times a second, to any moment between a day ago
and a day from now, and in the end a day back. (A clock of its own needs rights that a test has not: each process
imports a `sitecustomize` that adds what stands in a file to `time.time`. Monotonic time goes on, as it does when a
clock is set.) What must hold:

  both runs end with every task done, after just as many attempts as it needed
  the second takes no longer than the first, but for what machines vary by
  a task that was released by hand is ready again within its two seconds, whatever the clock said meanwhile

Prints the times of both; exit 0 if all held, else 1, and the directory is kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from harness import REPOSITORY, Scene, check_integrity, connect, make_parser, read

DAY = 86400
CLOCK = """
import os, time
_time = time.time
def _set():
    try:
        with open(os.environ["CAMPAIGN_CLOCK"]) as file:
            return _time() + float(file.read() or 0)
    except OSError:
        return _time()
time.time = _set
"""
TASK = "n=$(cat tries.{0} 2>/dev/null || echo 0); echo $((n + 1)) > tries.{0}; sleep 0.02; test $n -ge {1} # {0}"
PATIENCE = 240.0  # seconds for a run
TRIES = 3  # of two runs that are to take as long as each other


class Campaign:
    """Two runs of one batch. options: as `main` reads them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.scene = Scene("clock", options)
        self.failures = [self.scene.random.choice((0, 0, 1, 2)) for _ in range(options.tasks)]
        os.mkdir(self.scene.path("site"))
        with open(self.scene.path("site/sitecustomize.py"), "w", encoding="utf-8") as file:
            file.write(CLOCK)

    def set_clock(self, offset: float) -> None:
        with open(self.scene.path("clock.new"), "w", encoding="utf-8") as file:
            file.write(str(offset))
        os.replace(self.scene.path("clock.new"), self.scene.path("clock"))

    def txlite(self, *arguments: object) -> list[object]:
        return [sys.executable, "-m", "txlite", *arguments]

    def run(self, name: str, is_set: bool) -> float:
        """Run the batch in a directory of its own; the seconds that it took."""
        scene, directory = self.scene, self.scene.path(name)
        os.mkdir(directory)
        environment = scene.environment(
            PYTHONPATH=f"{scene.path('site')}:{REPOSITORY}", CAMPAIGN_CLOCK=scene.path("clock")
        )
        with open(os.path.join(directory, "batch"), "w", encoding="utf-8") as file:
            file.writelines(TASK.format(number, failures) + "\n" for number, failures in enumerate(self.failures))
        self.set_clock(0)
        began = time.monotonic()
        command = self.txlite("run", "--from", "batch", "--workers", "4", "--max-attempts", "9")
        process = scene.start(command, f"{name}.log", directory, environment)
        while process.poll() is None and time.monotonic() - began < PATIENCE:
            if is_set:
                self.set_clock(self.choose_offset(time.monotonic() - began))
            time.sleep(0.25)
        took = time.monotonic() - began
        if process.poll() != 0:
            scene.violations.append(f"{name}: the run ended with {process.poll()} after {took:.0f} s")
        self.check(name, directory)
        self.check_release(name, directory, environment, is_set)
        return took

    def choose_offset(self, passed: float) -> float:
        """Seconds by which the clock is wrong: anything at first, in the end a day ago."""
        dice = self.scene.random
        return float(dice.choice((-1, 1)) * dice.choice((0, 2, 600, 3600, DAY)) if passed < 2 else -DAY)

    def check(self, name: str, directory: str) -> None:
        violations = self.scene.violations
        for number, failures in enumerate(self.failures):
            tries = read(os.path.join(directory, f"tries.{number}")).strip()
            if tries != b"%d" % (failures + 1):
                violations.append(f"{name}: task {number} was tried {tries.decode()} times, not {failures + 1}")
        connection = connect(os.path.join(directory, ".txlite"))
        violations += [f"{name}: {what}" for what in check_integrity(connection)]
        for status, count in connection.execute("SELECT status, count(*) FROM tasks GROUP BY status"):
            if status != "done":
                violations.append(f"{name}: {count} tasks are {status}")
        connection.close()

    def check_release(self, name: str, directory: str, environment: dict[str, str], is_set: bool) -> None:
        """A task is released, the clock is set back, and another takes it."""
        program = """
import sys, time, txlite
with txlite.open() as store:
    task = store.add("task")
    store.claim(task, "one")
    store.release(task, "one")
    with open(sys.argv[1], "w") as file:
        file.write(sys.argv[2])
    began = time.monotonic()
    while not store.claim_best("two"):
        time.sleep(0.02)
        if time.monotonic() - began > 10:
            sys.exit("it was not to be had within ten seconds")
"""
        offset = -DAY if is_set else 0
        command = [sys.executable, "-c", program, self.scene.path("clock"), offset]
        if self.scene.start(command, f"{name}.log", directory, environment).wait(60):
            self.scene.violations.append(f"{name}: a released task was not to be had again")


def main() -> int:
    """Run the campaign."""
    parser = make_parser(str(__doc__))
    parser.add_argument("--tasks", type=int, default=120)
    options = parser.parse_args()
    campaign = Campaign(options)
    for number in range(TRIES):  # the machine may be busy with something else for one of the two
        steady, changing = campaign.run(f"steady-{number}", False), campaign.run(f"set-{number}", True)
        if changing <= steady * 1.5 + 3 or campaign.scene.violations:
            break
    else:
        campaign.scene.violations.append(
            f"{TRIES} times the run took longer while the clock was set: {changing:.1f} s, {steady:.1f} s without"
        )
    campaign.scene.clear(10)
    figures = f"{options.tasks} tasks in {steady:.1f} s with a steady clock, in {changing:.1f} s while it was set"
    return campaign.scene.conclude(campaign.scene.violations, figures)


if __name__ == "__main__":
    sys.exit(main())
