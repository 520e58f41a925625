"""Task, Claim, Attempt, WorkerRecord: what the store gives out; the status of a task, the outcome of an
attempt, and what is shown of one: three types.

Every room may use these records. They are immutable; times are UTC text as `clock.now` writes it.
"""

from __future__ import annotations

import os

from .system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final, Literal

    Status = Literal["backlog", "active", "review", "done", "failed", "cancelled", "blocked"]
    Outcome = Literal[
        "done", "failed", "timeout", "unstartable", "unkillable", "interrupted", "lost", "released", "cancelled",
        "out-of-memory", "preempted", "refused", "node-failed",
    ]  # fmt: skip
    Shown = Literal["waiting", "queued", "running", "done", "failed", "cancelled", "interrupted", "lost"]

# The status of a task. `active` is entered by claiming only; `blocked` is a person's word alone.
BACKLOG: Final = "backlog"
ACTIVE: Final = "active"
REVIEW: Final = "review"  # its work passed its gate and waits for a person: "to be reviewed"
DONE: Final = "done"  # of an attempt: the agent exited with 0
FAILED: Final = "failed"  # of an attempt: it exited with something else, or died by a signal
CANCELLED: Final = "cancelled"  # of an attempt: the task was cancelled meanwhile
BLOCKED: Final = "blocked"
STATES: tuple[Status, ...] = (BACKLOG, ACTIVE, REVIEW, DONE, FAILED, CANCELLED, BLOCKED)

# What is shown of a task, in the order in which it is counted: BACKLOG is one of four (see `Task.state`).
SHOWN_STATES = (ACTIVE, REVIEW, DONE, FAILED, CANCELLED, "ready", "reserved", "later", "waiting", BLOCKED)

# The outcome of an attempt: one of these, or DONE, FAILED or CANCELLED.
TIMEOUT: Final = "timeout"  # it outlasted its time limit
UNSTARTABLE: Final = "unstartable"  # it could not be started: missing, not executable, no such directory
UNKILLABLE: Final = "unkillable"  # a process of its tree could not be killed: never retried
INTERRUPTED: Final = "interrupted"  # a person, a signal or a provider stopped it: costs no attempt
LOST: Final = "lost"  # its worker died, or its lease ran out: costs no attempt, but ten in a row put the task aside
RELEASED: Final = "released"  # its holder gave the task back by hand: costs no attempt
OUT_OF_MEMORY: Final = "out-of-memory"  # it used more than it may, or its job
# And of one that ran as a job of a cluster.
PREEMPTED: Final = "preempted"  # another job took its place: costs no attempt
REFUSED: Final = "refused"  # the cluster does not take such a job: never retried
NODE_FAILED: Final = "node-failed"  # its node is gone, and nothing proves that it does not run there: never retried
OUTCOMES: tuple[Outcome, ...] = (
    DONE, FAILED, TIMEOUT, UNSTARTABLE, UNKILLABLE, INTERRUPTED, LOST, RELEASED, CANCELLED,
    OUT_OF_MEMORY, PREEMPTED, REFUSED, NODE_FAILED,
)  # fmt: skip
COSTLY: tuple[Outcome, ...] = (FAILED, TIMEOUT, UNSTARTABLE, OUT_OF_MEMORY)  # these count against the limit of attempts
CUT_OFF: tuple[Outcome, ...] = (INTERRUPTED, PREEMPTED)  # neither its own fault nor a person's verdict: it goes on

# What is shown of an attempt: one of these, or DONE, FAILED, CANCELLED, INTERRUPTED or LOST.
WAITING: Final = "waiting"  # for its turn among the launched
QUEUED: Final = "queued"  # as a job that the cluster has not started yet
RUNNING: Final = "running"

COMMAND = "command"  # run by the agent `shell`
PROMPT = "prompt"  # given to an agent that reads text
KINDS = (COMMAND, PROMPT)

LEVELS = ("minimal", "low", "medium", "high")  # of reasoning, for launched tasks
WORKERS = "workers"  # the type of reports that have no other
SLURM = "slurm"  # the capability that a task with options for Slurm needs, where it names no other


class Task(NamedTuple):
    """What is to be done: a command, or a prompt made of title and description."""

    seq: int  # order of arrival, never used again
    id: str  # tx- and 8 or more of [a-z0-9]
    title: str
    kind: str  # one of KINDS
    needs: str  # the capability its worker must have; "" for none
    score: float  # the higher, the sooner
    status: Status
    open_blockers: int  # how many tasks it waits for are not done
    not_before: str | None  # it waits for this time
    failures: int  # attempts that count against the limit
    token: int  # of its last claim; 0 before the first
    created: str
    updated: str
    completed: str | None
    parent: str | None  # id of the parent task
    description: str
    command: str | None  # for `sh -c`; None for a prompt
    directory: str | None  # where it runs
    verify: str | None = None  # for `sh -c`: the gate that its work must pass, instead of the loop's
    timeout: float | None = None  # seconds, for each attempt, instead of the run's
    max_attempts: int | None = None  # until it counts as failed, instead of the run's
    environment: bytes | None = None  # NAME=VALUE, with NULs between them: set for its command or agent
    reserved_for: str | None = None  # the worker that released it by hand a moment ago: until `not_before` its alone
    slurm: str | None = None  # options for the job that it runs as, beside the run's; None: none were given
    group: str = ""  # the one that it is in; "" for none
    every: str | None = None  # when it comes again: 1d, or five fields as of cron
    planned: str | None = None  # the time for which this occurrence of it was planned
    arguments: tuple[str, ...] | None = None  # what its template was filled with
    max_memory: int | None = None  # bytes that all processes of an attempt may have, instead of the run's
    agent: str | None = None  # the name of the one that its attempts are given to, instead of the run's
    level: str | None = None  # at which its agent is to think, instead of the run's
    max_cost: int | None = None  # millionths of a US dollar that all its attempts together may cost
    waits_for_group: bool = False  # its group is full or paused: no worker takes it now

    @property
    def state(self) -> str:
        """Return the status as a person means it: what is in the backlog is ready, waits, is reserved, or for later."""
        if self.status != BACKLOG:
            return self.status
        if self.open_blockers:
            return "waiting"
        if self.is_reserved:
            return "reserved"
        if self.not_before:
            return "later"
        return "waiting" if self.waits_for_group else "ready"

    @property
    def is_resting(self) -> bool:
        """Whether it comes again, and the time of its next occurrence has not come."""
        return self.every is not None and self.status == BACKLOG and None is not self.not_before == self.planned

    @property
    def is_ready(self) -> bool:
        """Whether a worker may claim it now (times in the past are cleared by the store)."""
        return self.is_free and not self.waits_for_group

    @property
    def is_free(self) -> bool:
        """Whether a person may claim it now: nothing but its group can keep it from being ready."""
        return self.status == BACKLOG and not self.open_blockers and self.not_before is None

    @property
    def capability(self) -> str:
        """The capability that its worker must have; "" for none, or where it asks for an agent instead."""
        return "" if named_agent(self.needs) else self.needs

    @property
    def variables(self) -> list[str]:
        """The names of what its environment sets; the values may be nobody else's."""
        return [os.fsdecode(name) for name in parse_environment(self.environment)]

    @property
    def is_reserved(self) -> bool:
        """Whether it would be ready, but for the moments for which it is its last holder's alone."""
        return self.status == BACKLOG and not self.open_blockers and self.reserved_for is not None


class Group(NamedTuple):
    """Tasks of which only so many are in work at a time."""

    name: str
    limit: int | None  # None: as many as there are workers
    paused: str | None  # since when none of them is begun
    running: int  # tasks of it that somebody has claimed
    waiting: int  # tasks of it in the backlog

    @property
    def hold(self) -> str:
        """Why none of its tasks is begun now, in words; "" where one may be."""
        if self.paused:
            return "paused"
        is_full = self.limit is not None and self.running >= self.limit
        return f"full ({self.running} of {self.limit})" if is_full else ""


class Claim(NamedTuple):
    """A worker's exclusive hold on a task."""

    task: str  # id
    worker: str  # id, or the name given by hand
    token: int  # proves the hold; higher than any before it; also the attempt's number
    lease: float  # seconds it was given, and is given again at each renewal
    expires: str  # when the lease runs out, by the wall clock
    held: bool  # by a worker process of ours, whose lock counts instead of the lease
    renewals: int = 0  # so far


class Attempt(NamedTuple):
    """One run of a task."""

    id: int
    task: str  # id of the task
    worker: str
    agent: str
    started: str
    ended: str | None
    outcome: Outcome | None  # None while it runs
    exit_code: int | None  # as the shell counts: 128 + N when signal N killed it
    duration: float | None  # seconds
    pid: int | None  # of the agent
    report: str | None  # path below home
    note: str | None  # why it ended as it did, where the exit code does not say
    tail: str | None  # the end of its output
    place: str | None = None  # where it ran, if not here: job 123 on n7
    level: str | None = None  # at which its agent was to think, where that was said


AGENT_PART: Final = "agent"  # of an attempt: its agent
REVIEWER_PART: Final = "reviewer"  # of an attempt: the agent that judged its work


class Usage(NamedTuple):
    """What an attempt cost, or its review, by its agent's own words; what was not said is None, never 0."""

    attempt: int
    part: str  # AGENT_PART or REVIEWER_PART
    agent: str  # its name
    model: str | None = None
    session: str | None = None  # by which the agent can be continued
    input_tokens: int | None = None  # those that were cached among them
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost: int | None = None  # millionths of a US dollar
    turns: int | None = None


class Review(NamedTuple):
    """The work of an attempt that passed its gate, and waits, or waited, for a person's word."""

    attempt: int
    task: str  # id
    repository: str  # the top of the working tree that it is for
    base: str  # the branch onto which it is to be landed
    branch: str  # on which it lies
    work: str  # its commit
    since: str
    gate: str | None  # the command that it passed
    gate_timeout: float  # seconds


APPROVAL: Final = "review"  # named as the agent of an attempt that lands reviewed work: no agent has that name
APPROVED: Final = "approved"
REJECTED: Final = "rejected"


class Verdict(NamedTuple):
    """What was said of the work of an attempt."""

    attempt: int
    reviewer: str  # the name of an agent; "" for a person
    verdict: str  # APPROVED or REJECTED
    reason: str
    at: str

    @property
    def by(self) -> str:
        """Return who said it."""
        return self.reviewer or "a person"

    @property
    def in_words(self) -> str:
        """Return what was said, and by whom: approved by claude."""
        return f"{self.verdict} by {self.by}"


class Message(NamedTuple):
    """What a person said to the agents of a task."""

    id: int
    task: str  # id
    at: str
    words: str
    attempt: int | None  # the first one that was told; None: the next one will be


class WorkerRecord(NamedTuple):
    """A process that holds claims and runs attempts, one at a time; or a name used by hand."""

    id: str
    name: str
    supervisor: str | None
    accepts: str  # lanes as `format_lanes` writes them
    host: str
    identity: str  # of its process, as `process.Identity` writes itself; "" for a name used by hand
    kill_after: float  # seconds between TERM and KILL for its agents
    started: str
    heartbeat: str
    ended: str | None
    allocation: str | None = None  # JOB.RESTARTS of the allocation of Slurm's in which its own process runs


class Launch(NamedTuple):
    """How a launched task is run."""

    agent: str  # its name
    type: str  # the directory of its report, below home
    level: str  # one of LEVELS, or of the agent's own
    template: str  # the text, with its {{NAME}}s
    timeout: float | None  # seconds
    kill_after: float  # seconds between TERM and KILL
    width: int | None  # it waits until fewer than so many launched tasks run


# How far an attempt of a loop has come.
BEGUN = "begun"  # nothing was done yet
PREPARED = "prepared"  # its place is ready, and its agent may have worked there
LANDING = "landing"  # its work passed, and is about to be put onto the base branch
SETTLED = "settled"  # nothing of it is left in its place


class LoopAttempt(NamedTuple):
    """An attempt of a loop: where its work lies, and what became of it."""

    attempt: int
    task: str  # id
    loop: str
    stage: str
    repository: str | None  # the top of its working tree; None outside of any
    base: str | None  # the branch that its work is for
    start: str | None  # the commit that it began with
    worktree: str | None  # of its own; None in the user's working tree
    landed: str | None  # the commit with its work, on the base branch or (LANDING) on its way there
    parked: str | None  # the ref of the work that did not pass


class LoopRecord(NamedTuple):
    """One run of RALPH."""

    id: str  # its supervisor's
    agent: str
    started: str
    ended: str | None  # None: it goes on, or was killed
    reason: str | None  # why it ended
    max_tasks: int | None  # it claims no more than so many
    max_failures: int | None  # it claims nothing after so many different tasks failed in a row
    max_cost: int | None = None  # millionths of a US dollar: it claims nothing after its attempts cost so much
    review: bool = False  # what passes its gate waits for a person


class Lane(NamedTuple):
    """What a worker accepts and a task asks for; the ready index is ordered by it first."""

    kind: str
    needs: str = ""


def describe_agent(name: str, level: str | None) -> str:
    """Return by whom an attempt is made, in words."""
    return f"{name} at level {level}" if level else name


AGENT_LANE = "agent:"  # begins the need of a prompt that names its agent


def agent_need(name: str) -> str:
    """Return what a prompt needs that names its agent."""
    return AGENT_LANE + name


def named_agent(need: str) -> str:
    """Return the name of the agent of which `agent_need` made a need, "" where it is another one."""
    return need[len(AGENT_LANE) :] if need.startswith(AGENT_LANE) else ""


def format_environment(variables: Mapping[str, str]) -> bytes:
    """Write variables as a task keeps them, and as the system passes them: bytes of any kind, NULs between them."""
    return b"\0".join(os.fsencode(f"{name}={value}") for name, value in variables.items())


def parse_environment(block: bytes | None) -> dict[bytes, bytes]:
    """Read what `format_environment` wrote."""
    return dict(pair.split(b"=", 1) for pair in block.split(b"\0")) if block else {}


def format_lanes(lanes: list[Lane]) -> str:
    """Write one lane a line: names may hold anything but control characters."""
    return "\n".join(f"{lane.kind} {lane.needs}" for lane in lanes)


def parse_lanes(text: str) -> list[Lane]:
    """Read what `format_lanes` wrote."""
    return [Lane(*line.split(" ", 1)) for line in text.split("\n")] if text else []
