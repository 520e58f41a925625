"""Many short tasks in one allocation of Slurm, and a queue that outlives the time limit of its job.

    python3 tests/campaigns/allocation.py [--short] [--tasks 500] [--kills 15] [--limits 2] [--seed N] [--keep]

A real Slurm with two nodes, each with processes of its own, runs what `txlite slurm script` prints: so many short tasks
in one allocation, on one node and as steps on both; steps whose run is killed so often, with its worker and each srun,
at any moment; a queue that takes longer than so many time limits of its job, which Slurm itself sets, at a minute. What
ran, the agents write into a log themselves: each task comes to its end, none runs twice at a time, and twice at all
only where its run was killed. In the end no job and no step is left. Needs root and Debian's slurmctld, slurmd,
slurm-client and munge.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

from harness import Scene, make_parser, read

from tests.slurm.cluster import Cluster, missing

TASK = "echo $$ begin {n} >> log; sleep {seconds} || exit; echo $$ end {n} $(uname -n) >> log\n"
WORKERS = 8
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED")
PATIENCE = 1200.0  # seconds for each start of a job


class Allocation:
    """The queue of one job."""

    def __init__(self, scene: Scene, cluster: Cluster, name: str, tasks: int, seconds: float) -> None:
        self.name = name
        self.tasks = tasks
        self.directory = scene.path(name)
        self._scene = scene
        self._cluster = cluster
        self.kills = 0  # of its run, still to come
        os.mkdir(self.directory)
        with open(self._path("jobs"), "w") as file:
            file.writelines(TASK.format(n=n, seconds=seconds) for n in range(tasks))
        os.makedirs(self._path(".txlite"), 0o700)
        with open(self._path(".txlite/config.ini"), "w") as file:
            file.write("[txlite]\nslurm_shared = yes\n")

    def _path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def play(self, *options: str) -> float:
        """Have sbatch run the script until its job has ended; how long that took."""
        command = [sys.executable, "-m", "txlite", "slurm", "script", "--from", "jobs", *options]
        environment = self._scene.environment()
        script = subprocess.run(command, cwd=self.directory, env=environment, check=True, stdout=subprocess.PIPE)
        started = time.monotonic()
        done = self._cluster.run("sbatch", "--parsable", input=script.stdout.decode(), cwd=self.directory,
                                 env={**environment, "SLURM_CONF": self._cluster.configuration})  # fmt: skip
        job = done.stdout.strip()
        is_hurried, deadline = False, started + PATIENCE
        while (state := self._state(job)).partition(" ")[0] not in ENDED:
            if time.monotonic() > deadline:
                self._scene.violations.append(f"{self.name}: its job is {state} after {PATIENCE:g} s")
                self._cluster.run("scancel", job)
                break
            if state == "PENDING BeginTime" and not is_hurried:  # for two minutes; a node needs one second
                update = ["scontrol", "update", f"JobId={job}", "StartTime=now+2"]
                is_hurried = not self._cluster.run(*update, code=None).returncode
                deadline = time.monotonic() + PATIENCE
            is_hurried = is_hurried and not state.startswith("RUNNING")
            time.sleep(0.3)
            if self.kills and state.startswith("RUNNING") and self._began() >= self._due:
                self._kill(job)
        self.output = read(self._path(f"slurm-{job}.out")).decode()
        if not state.startswith("COMPLETED"):
            self._scene.violations.append(f"{self.name}: its job ends as {state}: {self.output[-600:]}")
        return time.monotonic() - started

    def _began(self) -> int:
        return read(self._path("log")).count(b" begin ")

    def _kill(self, job: str) -> None:
        """Kill the run with all that it started on its node, which is all of it but the steps; once more later."""
        time.sleep(self._scene.random.uniform(0, 0.3))
        found, marks = [], {f"SLURM_JOB_ID={job}".encode(), f"SLURM_CONF={self._cluster.configuration}".encode()}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            words = read(f"/proc/{pid}/cmdline").split(b"\0")
            if (b"run" in words or words[0] == b"srun") and marks <= set(read(f"/proc/{pid}/environ").split(b"\0")):
                found.append(int(pid))
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
        if found:
            self._scene.note_kill("run", found)
            self.kills -= 1
            self._due = self._began() + self._scene.random.randint(1, self.tasks // 4)

    def _state(self, job: str) -> str:
        return self._cluster.squeue("-t", "all", "-j", job, "-o", "%T %r").strip()

    _due = 1  # tasks that have begun when it is killed

    def judge(self, starts: int, nodes: int, may_repeat: bool) -> str:
        """See what the agents wrote; the figures."""
        say = self._scene.violations.append
        lines = [line.split() for line in read(self._path("log")).decode().splitlines()]
        ends = Counter(words[2] for words in lines if words[1] == "end")
        for n in map(str, range(self.tasks)):
            if not 1 <= ends[n] <= 1 + may_repeat:
                say(f"{self.name}: task {n} came to its end {ends[n]} times")
        began: dict[str, str] = {}
        for pid, event, n, *_ in lines:
            if event == "end" and began.get(n) != pid:
                say(f"{self.name}: task {n} was run twice at a time")
            began[n] = pid
        seen = {words[3] for words in lines if words[1] == "end"}
        if len(seen) < nodes:
            say(f"{self.name}: it ran on {seen} alone")
        started = self.output.count("the job is started again")
        if started < starts:
            say(f"{self.name}: it was started again {started} times, not {starts}")
        begun = sum(words[1] == "begin" for words in lines)
        return f"{self.tasks} tasks, {begun} begun, on {len(seen)} nodes, {started} times started again"


def main() -> int:
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--limits", type=int, default=2)
    parser.add_argument("--short", action="store_true", help="60 tasks, 3 kills, no time limit")
    args = parser.parse_args()
    if args.short:
        args.tasks, args.kills, args.limits = 60, 3, 0
    if missing():
        print(missing())
        return 0
    scene = Scene("allocation", args)
    cluster = Cluster()
    cluster.start()
    try:
        one, both = f"-c{WORKERS} --mem=500", f"-N2 -n{WORKERS} --mem=500"
        plays = [
            ("local", args.tasks, 0.1, ["--slurm", one], 0, 1),
            ("steps", args.tasks, 0.1, ["--slurm", both], 0, 2),
        ]
        plays += [(f"kills{n}", 24, 12.0, ["--slurm", both, "--kill-after", "1"], 0, 2) for n in range(args.kills // 3)]
        if args.limits:  # each start works for about a minute
            options = ["--warn", "20", "--kill-after", "1", "--slurm", f"{one} --time=1"]
            plays.append(("limits", (args.limits + 1) * 9 * WORKERS, 6.0, options, args.limits, 1))
        for name, tasks, seconds, options, starts, nodes in plays:
            allocation = Allocation(scene, cluster, name, tasks, seconds)
            allocation.kills = 3 if name.startswith("kills") else 0  # the script starts its run no more often again
            took = allocation.play(*options)
            figures = allocation.judge(starts, nodes, name.startswith("kills"))
            print(f"{name:8} {figures}, {took:.1f} s", flush=True)
        left = cluster.squeue("--steps", "--me") + cluster.squeue("--me")
        if left:
            scene.violations.append(f"left in squeue: {re.sub('[0-9]+', 'N', left)}")
    finally:
        cluster.stop()
    return scene.conclude(scene.violations, f"{scene.kills['run']} kills")


if __name__ == "__main__":
    sys.exit(main())
