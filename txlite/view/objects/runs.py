"""A run as an object, its workers, what it left waiting, and the script that starts it elsewhere."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...execution.waiting import Waiting
    from ..worker_status import WorkerStatus

    Object = dict[str, object]  # with its keys in the order in which they are printed


def run_object(
    run: str | None, batch: int | None, is_interrupted: bool, counts: dict[str, int], failed: list[Object],
    waiting: list[Object], left: Iterable[Waiting] = (),
) -> Object:  # fmt: skip
    """Build how a run ended: ids of its supervisor and its batch, tasks by status, the objects of those that failed
    (with attempts), of the first that wait, and how many wait for what."""
    return {
        "run": run,
        "batch": batch,
        "interrupted": is_interrupted,
        "counts": counts,
        "failed": failed,
        "waiting": waiting,
        "left": list(map(waiting_in_stats, left)),
    }


def waiting_in_stats(one: Waiting) -> Object:
    """Build how many tasks wait for the same, as `run` and `status --stats` have it."""
    return {"state": one.state, "waitsFor": one.cause, "needs": one.needs or None, "agent": one.agent or None,
            "group": one.group or None, "count": one.size}  # fmt: skip


def worker_object(one: WorkerStatus) -> Object:
    """Build a worker's object, with tx's keys first."""
    return {
        "id": one.id,
        "name": one.name,
        "hostname": one.host,
        "pid": one.pid,
        "status": one.state,
        "registeredAt": one.since,
        "lastHeartbeatAt": one.heartbeat,
        "currentTaskId": one.task,
        "capabilities": one.capabilities,
        "metadata": {},
        "run": one.run,
        "claims": one.claims,
    }


def worker_in_stats(one: WorkerStatus) -> Object:
    """Build a worker's object as `status --stats` has it."""
    return {
        "id": one.id,
        "name": one.name,
        "run": one.run,
        "state": one.state,
        "task": one.task,
        "startedAt": one.since,
    }


def script_object(script: str) -> Object:
    """Build the object of a batch script that was composed."""
    return {"script": script}
