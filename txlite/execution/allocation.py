"""Allocations of Slurm: the one in which this process runs, and whether that of a worker on another host is over.

A worker writes down in which allocation it is. Who finds its claims on another host need not wait for its lease then:
the same job, started again, has ended there; and what squeue(1) no longer lists, in an answer that came, is gone with
all its processes. A command that fails says nothing, and neither does a node that failed. Guarantee: nothing here
blocks; Slurm is asked seldom, and for all allocations at once. Used by `worker_context` and `recovery`.
"""

from __future__ import annotations

import os

from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .executors.slurm_command import Answer, SlurmCommand

OVER, ALIVE, UNKNOWN = "over", "alive", "unknown"  # what is known of an allocation
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds between questions, growing
LOOK = 0.02  # seconds between looks at a command that runs
ENDED = frozenset("BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT".split())
BETWEEN = frozenset("PENDING REQUEUED REQUEUE_HOLD REQUEUE_FED SPECIAL_EXIT".split())  # it will be started again
SILENT = frozenset(["NODE_FAIL"])  # its node may be cut off, and no more
# The name of the cluster, a job a line, and a word without which it is a part of an answer.
_ASK = """unset SLURM_CLUSTERS; scontrol show config | sed -n 's/^ClusterName *= */cluster /p'
squeue --local -h -r -t all -u "$1" -o '%A %T' && echo end"""


class Allocation(NamedTuple):
    """One start of a job of Slurm."""

    job: str
    restarts: int
    cluster: str  # "" where its name is not known

    def __str__(self) -> str:
        return f"{self.job}.{self.restarts}" + (f"@{self.cluster}" if self.cluster else "")

    @classmethod
    def parse(cls, text: str | None) -> Allocation | None:
        """Return the allocation that `str` wrote, None for any other text."""
        start, _, cluster = (text or "").partition("@")
        job, _, restarts = start.partition(".")
        return cls(job, int(restarts), cluster) if job.isdigit() and restarts.isdigit() else None


def find_own(environment: Mapping[str, str] | None = None) -> Allocation | None:
    """Return the allocation in which this process (or one with this environment) runs; None outside of any, and where
    salloc(1) only started a shell: that may outlive it."""
    environment = os.environ if environment is None else environment
    job, restarts = environment.get("SLURM_JOB_ID", ""), environment.get("SLURM_RESTART_COUNT") or "0"
    if not job.isdigit() or not restarts.isdigit() or "SLURMD_NODENAME" not in environment:
        return None
    return Allocation(job, int(restarts), environment.get("SLURM_CLUSTER_NAME", ""))


class Allocations:
    """What one process knows of allocations, and asks of Slurm."""

    def __init__(self) -> None:
        self._own = find_own()
        self._wanted: set[Allocation] = set()  # those of which nobody knows that they are over
        self._asked: set[Allocation] = set()  # those that were wanted when it was asked
        self._over: set[Allocation] = set()
        self._cluster: str | None = None  # whose answer it is that we have; None: there is none
        self._states: dict[str, str] = {}  # of its jobs, by their number
        self._command: SlurmCommand | None = None
        self._pause = FIRST_PAUSE
        self._next = 0.0

    @property
    def is_asking(self) -> bool:
        """Whether there is one of which Slurm was not asked yet, or has not answered."""
        return self._command is not None or not self._wanted <= self._asked

    @property
    def patience(self) -> float | None:
        """Return the seconds until `advance` has something to do; None: nothing."""
        if self._command:
            return LOOK
        if not self._wanted:
            return None
        return 0.0 if self.is_asking else max(self._next - clock.monotonic(), 0.0)

    def begin(self) -> None:
        """Have only those be asked for that are judged from now on."""
        self._wanted.clear()

    def judge(self, text: str | None) -> str:
        """Say what is known of a worker's allocation; what is not known will be asked for."""
        found = Allocation.parse(text)
        if found is None:
            return UNKNOWN
        if self._own and (found.job, found.cluster) == (self._own.job, self._own.cluster):
            return OVER if found.restarts < self._own.restarts else ALIVE
        if found in self._over:
            return OVER
        self._wanted.add(found)
        if found not in self._asked or self._command:
            return ALIVE  # as far as anybody knows
        if self._cluster is None or self._cluster != (found.cluster or self._cluster):
            return UNKNOWN
        return self._judge_state(found)

    def _judge_state(self, found: Allocation) -> str:
        state = self._states.get(found.job)
        if state in SILENT:
            return UNKNOWN
        if state is not None and state not in ENDED and state not in BETWEEN:
            return ALIVE
        self._over.add(found)
        self._wanted.discard(found)
        return OVER

    def advance(self) -> bool:
        """Do what is due, without blocking; return whether an answer came."""
        if self._command:
            return self._hear(self._command)
        if self._wanted and (self.is_asking or clock.monotonic() >= self._next):
            self._ask()
        return False

    def _ask(self) -> None:
        from .executors.slurm_command import SlurmCommand, plain  # few have to ask

        self._pause = FIRST_PAUSE if self.is_asking else min(self._pause * 2, LONGEST_PAUSE)
        self._next = clock.monotonic() + self._pause
        self._asked = set(self._wanted)
        try:
            argv = ["sh", "-c", _ASK, "sh", str(os.geteuid())]
            self._command = SlurmCommand(argv, plain(os.environb), self._take)
        except OSError:
            self._cluster = None

    def _hear(self, command: SlurmCommand) -> bool:
        command.advance(command.descriptors)
        if not command.answer:
            return False
        self._command = None
        return True

    def _take(self, answer: Answer) -> None:
        lines = answer.output.splitlines()
        names = [line[8:] for line in lines if line.startswith("cluster ")]
        self._cluster = names[0] if len(names) == 1 and lines[-1] == "end" else None
        self._states = dict(line.split(" ", 1) for line in lines if line[:1].isdigit() and " " in line)
