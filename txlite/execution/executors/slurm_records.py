"""What Slurm says of jobs, and what that means for an attempt: one table from its states to our outcomes.

States are squeue(1)'s. A job that is completing is alive; a state that is not known counts as alive, too. Used by
the modules that ask it.
"""

from __future__ import annotations

import re

from ...agents import agent
from ...model import CANCELLED, INTERRUPTED, LOST, NODE_FAILED, OUT_OF_MEMORY, PREEMPTED, TIMEOUT, UNSTARTABLE
from ...store.attempts import Result
from ...system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model import Outcome
    from .ticket import Exit

FIELDS = "%i|%T|%r|%N|%j"  # of squeue: id, state, reason, nodes, name
NOT_LAUNCHED = "JobLaunchFailure"  # also of a job whose script was killed by a signal
RUNNING = "RUNNING"
OVER = frozenset(
    "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED TIMEOUT REVOKED".split()
)
_STARTING = frozenset(("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"))
_RECORD = re.compile(r"(\d+)\|([A-Z_]+)\|([^|]*)\|([^|]*)\|(.*)")
_SHOWN_STATE = re.compile(r"\bJobState=([A-Z_]+)(?:.*?\bReason=(\S+))?(?:.*?\bNodeList=(\S+))?", re.S)

# What a state means where a job ended in it, and not by our word.
_OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "OUT_OF_MEMORY": (OUT_OF_MEMORY, "it needed more memory than its job had: give it more by --mem"),
    "TIMEOUT": (TIMEOUT, "it ran longer than Slurm's time limit for its job"),
    "DEADLINE": (TIMEOUT, "it could not end before its job's deadline"),
    "PREEMPTED": (PREEMPTED, "Slurm gave its node to another job"),
    "CANCELLED": (CANCELLED, "its job was cancelled by somebody else (scancel)"),
    "REVOKED": (CANCELLED, "its job was revoked by Slurm"),
    "NODE_FAIL": (NODE_FAILED, "its node failed: nobody knows whether it runs on there"),
    "BOOT_FAIL": (LOST, "its node did not boot"),
}


class JobRecord(NamedTuple):
    """A job as Slurm shows it."""

    id: str
    state: str
    reason: str
    node: str
    name: str

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more, nor will."""
        return self.state in OVER

    @property
    def is_waiting(self) -> bool:
        """Whether it has not started."""
        return self.state in _STARTING


def parse_records(output: str, prefix: str) -> dict[str, list[JobRecord]]:
    """Return the jobs whose names begin so, by name: several where one was submitted twice."""
    found: dict[str, list[JobRecord]] = {}
    for line in output.splitlines():
        match = _RECORD.fullmatch(line.strip())
        if match and match[5].startswith(prefix):
            found.setdefault(match[5], []).append(JobRecord._make(match.groups()))
    return found


def parse_shown(output: str, id: str, name: str) -> JobRecord | None:
    """Return what `scontrol show job` says of one, or `sacct` of its state and name; None where that is nothing: a job
    of another name may have its id now."""
    shown = _SHOWN_STATE.search(output)
    if shown:
        node = "" if shown[3] in (None, "(null)") else shown[3]
        is_its = re.search(rf"\bJobName={re.escape(name)}\s", output)
        return JobRecord(id, shown[1], shown[2] or "", node, name) if is_its else None
    state = re.search(rf"^([A-Z_]+)\b[^|]*\|{re.escape(name)}$", output, re.M)
    return JobRecord(id, state[1], "", "", name) if state else None


def judge_state(record: JobRecord) -> Result | None:
    """Return how an attempt ended by the state of its job; None where its job ended by itself."""
    found = _OUTCOMES.get(record.state)
    if found is None:
        return None
    outcome, words = found
    return Result(outcome, note=f"{words} (job {record.id})")


def judge_exit(ended: Exit, record: JobRecord | None, id: str) -> Result:
    """Return how an attempt ended of which its guard wrote this, where nobody here decided that it had to end; record:
    the last that Slurm said of its job."""
    by_state = None if ended.is_plain or record is None else judge_state(record)
    if by_state and by_state.outcome == NODE_FAILED:
        return Result(LOST, ended.code, note=f"its node failed (job {id})")  # and its guard says that nothing is left
    if by_state:
        return by_state._replace(exit_code=ended.code)
    if ended.manner:
        return Result(LOST, ended.code, note=f"its guard was {ended.manner} (job {id})")
    outcome, code, reason = agent.judge_exit(ended.code)
    return Result(outcome, code, note=reason)


def judge_untaken(record: JobRecord | None, id: str) -> Result:
    """Return how an attempt ended whose job ended without taking its ticket; None: nobody knows how."""
    if not id and record is None:
        return Result(INTERRUPTED, note="its worker died before it was submitted")
    if record is None or not record.is_over:
        return Result(LOST, note=f"its job {id} is gone, and had not started")
    result = judge_state(record)
    if record.node and result and result.outcome == CANCELLED:  # as a node's daemon does that could not start it
        return Result(LOST, note=f"its job {record.id} was cancelled on {record.node} before it had started")
    if record.reason == NOT_LAUNCHED:
        return Result(LOST, note=f"node {record.node} could not start its job {record.id}, or killed it at once")
    if result is None:
        where = f" on {record.node}" if record.node else ""
        note = f"its job {record.id} ran nothing{where}: is home on a file system that is seen there?"
        result = Result(UNSTARTABLE, note=note)
    return result._replace(outcome=LOST) if result.outcome == NODE_FAILED else result  # it ran nothing there


def judge_gone(record: JobRecord | None, id: str, decided: Result | None) -> Result:
    """Return how an attempt ended whose guard wrote nothing; decided: with which result it had to end. Where nothing
    proves that it does not run on, that is its outcome, whatever was decided."""
    if record is None or not record.is_over:
        return Result(NODE_FAILED, note=f"Slurm does not know its job {id} any more, and it may run on")
    found = judge_state(record)
    if found and found.outcome == NODE_FAILED:
        return found
    lost = Result(LOST, note=f"its job {id} is gone, and its guard did not write how it ended")
    return decided or found or lost
