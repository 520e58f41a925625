"""Attempts as jobs of Slurm: their rate beside that of a shell loop of the same sbatch calls, the memory of the one
worker that waits for a thousand of them, and how many commands of Slurm are run meanwhile.

The loop submits scripts of the size of ours, by the same options, and ends when squeue lists none any more. Jobs run on
two pretended nodes of a Slurm that is started here, which needs root and Slurm's packages; without them nothing is
measured. As these nodes are this machine, each millisecond of a job counts as one of ours: so a second loop submits the
very scripts that a run submits, whose guards take tickets and clear up, and tells what the run itself costs.
`--seconds N` says how long jobs that wait are watched (ten minutes, as the figure that was asked for, are too
long for each time).
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import homes
import pairs
import processes
from pairs import Measurement

sys.path.insert(0, homes.ROOT)
from tests.slurm.cluster import Cluster, missing

RATE = 0.9  # of the loop's
IN_FLIGHT, MEMORY = 1000, 100.0  # jobs, and MB
WAITING = 200  # jobs
OPTIONS = "--mem=20M"
COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sacct", "sinfo")
COUNTING = '#!/bin/sh\necho {name} >> {log}\nexec {real} "$@"\n'
LOOP = """
for number in $(seq {jobs}); do
    sbatch --parsable --no-requeue --job-name=loop-$number --output=/dev/null --chdir=/ {options} < {script} || exit
done > /dev/null
while [ -n "$(squeue -h --me)" ]; do sleep 0.05; done
"""
PATIENCE = 300.0  # seconds


class Bench:
    """A Slurm, and commands on its login host."""

    def __init__(self, cluster: Cluster, scratch: str) -> None:
        self.cluster = cluster
        self.scratch = scratch

    def make_home(self) -> str:
        home = os.path.join(tempfile.mkdtemp(dir=self.scratch), "home")
        os.mkdir(home, 0o700)
        with open(os.path.join(home, "config.ini"), "w", encoding="ascii") as file:
            file.write("[txlite]\nslurm_shared = yes\n")
        return home

    def environment(self, home: str, path: str = "") -> dict[str, str]:
        own = self.cluster.environment
        return {**homes.environment(home), "SLURM_CONF": own["SLURM_CONF"], "PATH": path + own["PATH"]}

    def start(
        self, command: list[str], environment: dict[str, str], stdin: str = os.devnull
    ) -> subprocess.Popen[bytes]:
        with open(stdin, "rb") as file:
            options = {"cwd": homes.PACKAGE, "stdin": file, "stdout": subprocess.DEVNULL}
            with self.cluster.login.entered(options) as here:
                return subprocess.Popen(command, env=environment, **here)

    def run(self, command: list[str], environment: dict[str, str], stdin: str = os.devnull) -> None:
        if self.start(command, environment, stdin).wait():
            raise RuntimeError(f"{command} failed")

    def start_held(self, jobs: int, path: str = "") -> subprocess.Popen[bytes]:
        """A run whose jobs all wait; returns when Slurm has them."""
        home = self.make_home()
        command = txlite("run", "--slurm", f"{OPTIONS} --hold", "--workers", str(jobs), "--from", "-")
        process = self.start(command, self.environment(home, path), self.make_batch(jobs))
        wait(lambda: self.cluster.squeue("-o", "%i").count("\n") >= jobs)
        return process

    def make_batch(self, jobs: int) -> str:
        path = os.path.join(self.scratch, f"batch-{jobs}")
        with open(path, "w", encoding="ascii") as file:
            file.write("true\n" * jobs)
        return path

    def end(self, process: subprocess.Popen[bytes]) -> float:
        """Stop a run whose jobs wait; the seconds until it has given them back and Slurm lists none."""
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        wait(lambda: not self.cluster.squeue())
        return time.monotonic() - started


def txlite(verb: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "txlite", verb, "--executor", "slurm", *arguments]


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("waited in vain")
        time.sleep(0.05)


def rate(bench: Bench, jobs: int, rounds: int, judged: bool) -> Iterator[Measurement]:
    """Of jobs of `true`, a new home for each round; ended when its last end is recorded, or the loop's last job is
    gone."""
    script = os.path.join(bench.scratch, "script")
    loop = ["sh", "-c", LOOP.format(jobs=jobs, options=OPTIONS, script=script)]
    with open(script, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ntrue\n".ljust(size_of_ours(), "#") + "\n")

    def ours() -> float:
        command = txlite("run", f"--slurm={OPTIONS}", "--workers", str(jobs), "--from", "-")
        environment, batch = bench.environment(bench.make_home()), bench.make_batch(jobs)
        return jobs / pairs.seconds(lambda: bench.run(command, environment, batch))

    def theirs() -> float:
        return jobs / pairs.seconds(lambda: bench.run(loop, bench.environment(bench.scratch)))

    def guarded() -> float:
        directory = write_tickets(bench.make_home(), jobs)
        command = ["sh", "-c", LOOP.format(jobs=jobs, options=OPTIONS, script=f"{directory}/$number")]
        return jobs / pairs.seconds(lambda: bench.run(command, bench.environment(bench.scratch)))

    here, there, same = pairs.alternate(rounds, ours, theirs, guarded)
    yield Measurement("txlite", here, " jobs/s")
    yield Measurement("loop of sbatch", there, " jobs/s")
    yield Measurement("loop of sbatch with our guards", same, " jobs/s")
    yield Measurement("txlite : loop", pairs.ratios(here, there))
    yield Measurement("txlite : loop with our guards", pairs.ratios(here, same), at_least=RATE, judged=judged)


def write_tickets(home: str, jobs: int) -> str:
    """Write tickets, and the scripts that take them; where the scripts are."""
    from txlite.agents.environment import Invocation
    from txlite.execution.executors.ticket import Ticket

    directory = os.path.join(os.path.dirname(home), "scripts")
    os.mkdir(directory)
    for number in range(1, jobs + 1):
        ticket = Ticket(home, number)
        ticket.write(Invocation(["sh", "-c", "true"], None, {}), homes.PACKAGE, {})
        with open(os.path.join(directory, str(number)), "wb") as file:
            file.write(ticket.script(f"bench:{number}", 10.0, daemons=False))
    return directory


def size_of_ours() -> int:
    from txlite.execution.executors.ticket import Ticket

    return len(Ticket("/home/somebody/.txlite", 1000).script("0" * 40, 10.0, daemons=False))


def memory(bench: Bench, jobs: int, judged: bool) -> Iterator[Measurement]:
    run = bench.start_held(jobs)
    (worker,) = processes.children(run.pid)
    supervisor, dispatcher = (processes.megabytes(pid)["Pss"] for pid in (run.pid, worker))
    yield Measurement("supervisor", [supervisor], " MB")
    yield Measurement(f"worker, {jobs:,} jobs in flight", [dispatcher], " MB", at_most=MEMORY, judged=judged)
    yield Measurement("until they are taken back", [bench.end(run)], " s")


def commands(bench: Bench, jobs: int, seconds: float) -> Iterator[Measurement]:
    """How many are run for jobs that wait, their submission included."""
    directory = tempfile.mkdtemp(dir=bench.scratch)
    log = os.path.join(directory, "log")
    for name in COMMANDS:
        path = os.path.join(directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(COUNTING.format(name=name, log=log, real=shutil.which(name)))
        os.chmod(path, 0o755)
    started = time.monotonic()
    run = bench.start_held(jobs, f"{directory}:")
    time.sleep(max(started + seconds - time.monotonic(), 0.0))
    with open(log, encoding="ascii") as file:
        counts = collections.Counter(file.read().split())
    for name, count in counts.items():
        yield Measurement(f"{jobs} jobs wait for {seconds:g} s: {name}", [count])
    bench.end(run)


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    if missing():
        print(missing(), file=sys.stderr)
        return
    cluster = Cluster()
    try:
        cluster.start()
        bench = Bench(cluster, args.scratch)
        yield from rate(bench, 40 if args.short else 300, 1 if args.short else args.rounds, not args.short)
        yield from memory(bench, 100 if args.short else IN_FLIGHT, not args.short)
        yield from commands(
            bench, 20 if args.short else WAITING, min(args.seconds, 5.0 if args.short else args.seconds)
        )
    finally:
        cluster.stop()


def parser() -> argparse.ArgumentParser:
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--seconds", type=float, default=60.0, help="for which jobs that wait are watched (60)")
    own.add_argument("--rounds", type=int, default=5, help="of the rates (5)")
    return own


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure, parser()))
