"""A campaign of kills against a real Slurm: does a batch of jobs keep its promises whatever dies, here or on the nodes?

A batch is run by `txlite run --executor slurm`. SIGKILL hits the worker that waits for the jobs, its supervisor, both,
the guards that jobs start with, the second process of a guard, agents, and whoever submits within 40 ms of a
submission; the controller and the daemons of the nodes are killed and started again, each twice. A run that died is
started again with the same command line. The nodes and the login host see nothing of each other's processes. Each
agent writes what it does into a witness log by itself, one O_APPEND write a line, and beats in it while it lives, as
does what it leaves behind; so the promises are judged by what really ran:

  every task completes, and whatever the database calls done has a completed run in the log;
  no two attempts of one task overlap: nothing of an attempt writes after a later one began, or after its recorded end;
  the tokens of a task only grow; the database is whole; no process, claim, job, ticket or unfinished report is left.

Linux and root only, with Slurm's packages. By hand:
    python3 tests/campaigns/slurm.py [--kills 40] [--tasks 300] [--workers 16] [--beside slurm|local] [--short]
Prints its seed first; exit 0 if all promises held, or where there is no Slurm, else 1 with each violation named, and
the directory is kept.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import harness
import kills

from tests.slurm.cluster import NODES, Cluster, missing

SHORT = {"kills": 10, "tasks": 80}
LONGEST_TASK = 1500  # milliseconds
MEAN_PAUSE = 0.7  # seconds between kills
WINDOW = 0.04  # seconds around a submission
LONGEST_SUBMISSION = 0.01  # seconds that an sbatch process lives, about
PATIENCE = 4.0  # seconds for which somebody to kill, or a submission, is waited for
TAIL_PATIENCE = 240.0  # seconds that the batch may take after the last kill
REGISTER = 15.0  # seconds of those after which nodes are to say what runs on them: more than a job has to begin
LEFTOVER_PATIENCE = 30.0  # seconds until a leftover counts
FORGETFUL_PATIENCE = 60.0  # the same for jobs whose end a controller has forgotten
DOWN = 1.5  # seconds for which a daemon is down, at the most

# kind of kill -> its share of a hundred; whom those of a submission hit is drawn when one comes
KILLS = {
    "worker": 20, "supervisor": 10, "worker+supervisor": 10, "guard": 20, "watcher": 8, "agent": 7,
    "submission": 25,
}  # fmt: skip
# whom to kill around a submission -> weight
AT_SUBMISSION = {"worker": 4, "sbatch": 4, "worker+supervisor": 2, "sbatch+worker": 2}
# what an agent does besides its work -> weight
HABITS = {"plain": 50, "stubborn": 15, "shell": 15, "daemon": 20}

AGENT = r'''
"""The agent. Arguments: marker, task, habit, milliseconds, log."""
import os, signal, sys, time

marker, task, habit, duration, log = sys.argv[1:6]
token = os.environ["TXLITE_TOKEN"]
witnesses = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def witness(event):
    line = "%s %s %s %d %.6f\n" % (task, token, event, os.getpid(), time.time())
    os.write(witnesses, line.encode())

def beat(seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        witness("beat")
        time.sleep(0.02)

witness("start")
if habit == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if habit == "daemon" and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        beat(60)
    os._exit(0)
beat(int(duration) / 1000)
witness("end")
'''


class Campaign:
    """One batch, the Slurm that runs it, and what was done to both."""

    def __init__(self, scene: harness.Scene, cluster: Cluster, options: argparse.Namespace) -> None:
        self.scene = scene
        self.cluster = cluster
        self.options = options
        self.path, self.random, self.marker = scene.path, scene.random, scene.marker
        self.kills, self.violations = scene.kills, scene.violations
        self.home = self.path("home")
        self.log = self.path("witness.log")
        self.starts = 0
        share = options.kills / sum(KILLS.values())
        self.plan = [kind for kind, weight in KILLS.items() for _ in range(max(round(weight * share), 1))]
        self.random.shuffle(self.plan)
        self.run: subprocess.Popen[bytes] | None = None

    def write_batch(self) -> None:
        os.mkdir(self.home, 0o700)
        with open(os.path.join(self.home, "config.ini"), "w", encoding="utf-8") as file:
            file.write("[txlite]\nslurm_shared = yes\n")
        with open(self.path("agent.py"), "w", encoding="utf-8") as file:
            file.write(AGENT)
        habits = self.random.choices(list(HABITS), list(HABITS.values()), k=self.options.tasks)
        with open(self.path("batch.txt"), "w", encoding="utf-8") as file:
            file.writelines(self._command(number, habit) + "\n" for number, habit in enumerate(habits, 1))

    def _command(self, task: int, habit: str) -> str:
        duration = self.random.randint(0, LONGEST_TASK)
        words = [sys.executable, "-IS", self.path("agent.py"), f"{self.marker}:{task}:", task, habit, duration]
        agent = " ".join(map(str, [*words, self.log]))
        return f"{agent}; exit $?" if habit == "shell" else f"exec {agent}"

    def start_run(self) -> None:
        self.run = self._start([*self._command_of_run("slurm"), "--from", self.path("batch.txt")])
        self.starts += 1

    def start_beside(self) -> subprocess.Popen[bytes] | None:
        """Another run, that is started again and again until it ends by itself, and takes over what others left."""
        if not self.options.beside:
            return None
        self._wait_for_submission()  # until there is something to do
        command = shlex.join(self._command_of_run(self.options.beside))
        return self._start(["sh", "-c", f"until {command}; do sleep 0.1; done"])

    def _command_of_run(self, executor: str) -> list[str]:
        command = [sys.executable, "-m", "txlite", "--home", self.home, "run", "--executor", executor]
        command += ["--max-attempts", "1000", "--kill-after", "1"]
        slurm = ["--slurm=--mem=100M", "--workers", str(self.options.workers)]
        return command + (slurm if executor == "slurm" else ["--workers", "2"])

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        environment = self.scene.environment(
            SLURM_CONF=self.cluster.configuration, PATH=self.cluster.environment["PATH"]
        )
        with open(self.path("run.log"), "ab") as output:
            options = {"cwd": self.scene.directory, "stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            with self.cluster.login.entered(options) as here:
                return subprocess.Popen(command, env=environment, **here)

    def drive(self) -> None:
        """Run the batch to its end, killing on the way."""
        self.start_run()
        beside = self.start_beside()
        restarts = self._spread_restarts()
        while self.plan and self._goes_on():
            if restarts and sum(self.kills.values()) >= restarts[0][0]:
                restarts.pop(0)[1]()
            self._await_moment()
            self._kill()
            self._tend_nodes()
        for _, restart in restarts:
            restart()
        if not self._finish():
            return
        if beside:
            beside.wait(TAIL_PATIENCE)
        if self.plan:
            self.violations.append(f"the run ended with {len(self.plan)} of the kills left: give it more --tasks")

    def _finish(self) -> bool:
        """Wait for the end of the batch; whether it came.

        A job that was lost on its node before its script began is running for Slurm until that node registers anew,
        for many minutes if nobody has it do so.
        """
        deadline = time.monotonic() + TAIL_PATIENCE
        due = time.monotonic() + REGISTER
        while self._goes_on():
            if time.monotonic() >= deadline:
                self.violations.append(f"the batch did not end within {TAIL_PATIENCE:g} s after the last kill")
                return False
            self._pause(1.0)
            self._tend_nodes()
            if time.monotonic() >= due:
                self.cluster.run("scontrol", "reconfigure", code=None)
                due = time.monotonic() + REGISTER
        return True

    def _await_moment(self) -> None:
        """Wait a while, but not so long that the batch is over before all are killed that are to be."""
        deadline = time.monotonic() + self.random.uniform(0, 2 * MEAN_PAUSE)
        due = sum(self.kills.values()) * self.options.tasks * 0.8 / self.options.kills
        while time.monotonic() < deadline and harness.read(self.log).count(b" end ") < due:
            self._pause(0.02)

    def _spread_restarts(self) -> list[tuple[int, Callable[[], None]]]:
        """After how many kills a daemon is killed and started again: each twice, once by SIGKILL, once by SIGTERM."""
        daemons = [("slurmctld", number) for number in (signal.SIGKILL, signal.SIGTERM)]
        daemons += list(zip(NODES, (signal.SIGKILL, signal.SIGTERM)))
        self.random.shuffle(daemons)
        step = self.options.kills / (len(daemons) + 1)
        return [
            (int(step * place), lambda daemon=daemon: self._restart(*daemon))  # type: ignore[misc]
            for place, daemon in enumerate(daemons, 1)
        ]

    def _restart(self, daemon: str, number: int) -> None:
        self._note(f"restart of {daemon} by {signal.Signals(number).name}", [])
        self.cluster.kill(daemon, number)
        time.sleep(self.random.uniform(0, DOWN))
        if daemon == "slurmctld":
            self.cluster.start_controller()
            self.cluster.wait_for_controller()
        else:
            self.cluster.start_node(daemon)

    def _tend_nodes(self) -> None:
        """As who has the care of a cluster does: a controller that was killed gives ids that it forgot to other jobs,
        finds two jobs with one id on a node, and lets nothing run there any more."""
        if "drain" in self.cluster.nodes_shown():
            self.cluster.run("scontrol", "update", f"NodeName={','.join(NODES)}", "State=RESUME", code=None)

    def _note(self, kind: str, struck: list[int]) -> None:
        with open(self.path("kills.log"), "a", encoding="utf-8") as file:
            file.write(f"{time.time():.6f} {kind} {struck}\n")

    def _goes_on(self) -> bool:
        """Whether the batch is not done; a run that was killed is started again."""
        assert self.run
        code = self.run.poll()
        if code is None:
            return True
        if code == 0:
            return False
        if code != -signal.SIGKILL:
            self.violations.append(f"run exited with {code}")
            return False
        self.start_run()
        return True

    def _pause(self, seconds: float) -> None:
        assert self.run
        try:
            self.run.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def _kill(self) -> None:
        """Kill somebody of the kind that is next, who is waited for a while; if there is none, later."""
        planned = kind = self.plan.pop()
        if kind == "submission":
            whom = draw(self.random, AT_SUBMISSION)
            if "sbatch" not in whom and self._wait_for_submission():
                time.sleep(self.random.uniform(0, WINDOW))
            kind = f"{whom} at submission"
        else:
            whom = kind
        deadline = time.monotonic() + PATIENCE
        candidates = self._find_candidates()
        while not candidates.get(whom.split("+")[-1], True) and time.monotonic() < deadline:
            self._pause(0.05)
            self._goes_on()
            candidates = self._find_candidates()
        if "sbatch" in whom:
            candidates["sbatch"] = self._find_submitting(candidates["worker"])
        victims = [self.random.choice(some) for some in map(candidates.get, whom.split("+")) if some]
        struck = [pid for pid in victims if harness.strike(pid)]
        if struck:
            self.kills[kind] += 1
            self._note(kind, struck)
        else:
            self.plan.insert(0, planned)

    def _wait_for_submission(self) -> bool:
        """Wait a while until a ticket comes that was not there before; whether one did."""
        known, deadline = self._tickets(), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._tickets() - known:
                return True
            time.sleep(0.001)
        return False

    def _tickets(self) -> set[str]:
        try:
            return {name for name in os.listdir(os.path.join(self.home, "tickets")) if name.isdigit()}
        except FileNotFoundError:
            return set()

    def _find_candidates(self) -> dict[str, list[int]]:
        """Who lives, by kind."""
        assert self.run
        ours = self.scene.processes()
        guards = {one.pid: one.parent for one in ours if b"slurm_script" in one.command}
        return {
            "supervisor": [] if self.run.poll() is not None else [self.run.pid],
            "worker": [one.pid for one in self.scene.workers()],
            "guard": [pid for pid, parent in guards.items() if is_slurms(parent)],
            "watcher": [one.pid for one in ours if b"\0txlite-guard\0" in one.command],
            "agent": [one.pid for one in ours if f"{self.marker}:".encode() in one.command],
        }

    def _find_submitting(self, workers: list[int]) -> list[int]:
        """The sbatch processes that run now, or come within the next moments."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            children = b" ".join(harness.read(f"/proc/{pid}/task/{pid}/children") for pid in workers).split()
            found = [int(pid) for pid in children if harness.read(f"/proc/{int(pid)}/cmdline").startswith(b"sbatch\0")]
            if found:
                time.sleep(self.random.uniform(0, LONGEST_SUBMISSION))
                return found
        return []

    def check_jobs(self) -> Iterator[str]:
        """Whether anything is left of the jobs. A controller that was killed has forgotten that some of them ended,
        until it asks the nodes anew."""
        deadline = time.monotonic() + FORGETFUL_PATIENCE
        while (left := self.cluster.squeue()) and time.monotonic() < deadline:
            self.cluster.scontrol("reconfigure")
            time.sleep(2)
        for line in left.splitlines():
            yield f"squeue lists a job: {line}"
        tickets = os.path.join(self.home, "tickets")
        for name in sorted(os.listdir(tickets) if os.path.isdir(tickets) else ()):
            if not name.startswith("."):
                yield f"a file is left in tickets/: {name}"


def is_slurms(pid: int) -> bool:
    """Whether it is what starts a job on its node."""
    return b"slurmstepd" in harness.read(f"/proc/{pid}/cmdline")


def draw(dice: random.Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Kill txlite's processes, jobs and Slurm's daemons, and check txlite's promises.")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--beside", choices=["slurm", "local"], help="another run at the same time")
    parser.add_argument("--short", action="store_true", help=f"as CI does: {SHORT}")
    options = parser.parse_args(argv)
    options.kills = options.kills or (SHORT["kills"] if options.short else 40)
    options.tasks = options.tasks or (SHORT["tasks"] if options.short else 300)
    return options


def summarize(campaign: Campaign, outcomes: dict[str, int]) -> str:
    """The figures, in one line."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in campaign.kills.items())
    ends = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{sum(campaign.kills.values())} kills ({kinds}), {campaign.starts} starts of run, attempts: {ends}"


def main(argv: list[str]) -> int:
    options = parse(argv)
    if missing():
        print(f"skipped: {missing()}")
        return 0
    scene = harness.Scene("jobs", options)
    cluster = Cluster(BatchStartTimeout="1")
    try:
        cluster.start()
        campaign = Campaign(scene, cluster, options)
        campaign.write_batch()
        campaign.drive()
        scene.clear(LEFTOVER_PATIENCE)
        left = list(campaign.check_jobs())
    finally:
        scene.kill_all()
        keep_logs(cluster, scene)
        cluster.stop()
    lines = harness.read_witness(campaign.log)
    connection = harness.connect(campaign.home)
    violations = [*kills.check(scene, options.tasks, lines, connection), *left]
    outcomes = dict(connection.execute("SELECT outcome, count(*) FROM attempts GROUP BY outcome"))
    connection.close()
    return scene.conclude(violations, summarize(campaign, outcomes))


def keep_logs(cluster: Cluster, scene: harness.Scene) -> None:
    """Copy what Slurm's daemons wrote to where the campaign's own files are kept."""
    for name in ("slurmctld.log", *(f"{node}.log" for node in NODES)):
        with open(scene.path(name), "wb") as file:
            file.write(harness.read(cluster.path(name)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
