"""A task as an object, its claim and its group: what `list`, `ready` and whatever changes a task print."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...execution.waiting import Waiting
    from ...model import Claim, Group, Message, Task
    from ...store.attempt_status import AttemptStatus
    from ...store.tasks import Relations

    Object = dict[str, object]  # with its keys in the order in which they are printed


def task_object(task: Task, relations: Relations) -> Object:
    """Build a task's object, with tx's keys first."""
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "parentId": task.parent,
        "score": task.score,
        "createdAt": task.created,
        "updatedAt": task.updated,
        "completedAt": task.completed,
        "metadata": {},
        "blockedBy": relations.blocked_by,
        "blocks": relations.blocks,
        "children": relations.children,
        "isReady": task.is_ready or task.is_reserved,
        "kind": task.kind,
        "command": task.command,
        "directory": task.directory,
        "verify": task.verify,
        "needs": task.capability or None,
        "notBefore": task.not_before,
        "failures": task.failures,
        "timeout": task.timeout,
        "maxAttempts": task.max_attempts,
        "environment": task.variables,
        "reservedFor": task.reserved_for,
        "slurm": task.slurm,
        "group": task.group or None,
        "every": task.every,
        "planned": task.planned,
        "arguments": task.arguments,
        "maxMemory": task.max_memory,
        "agent": task.agent,
        "level": task.level,
        "maxCost": dollars(task.max_cost),
    }


def task_objects(tasks: Iterable[Task], relations: Mapping[str, Relations]) -> list[Object]:
    """Build one object for each task; `relations` holds those of each, by its id."""
    return [task_object(task, relations[task.id]) for task in tasks]


def listed_objects(
    tasks: Sequence[Task], relations: Mapping[str, Relations], current: Mapping[str, AttemptStatus]
) -> list[Object]:
    """Build the same with the attempt that each task is in, if it is in one; `current` holds those by task."""
    found = zip(tasks, task_objects(tasks, relations))
    return [{**one, "currentAttempt": current_object(current.get(task.id))} for task, one in found]


def current_object(status: AttemptStatus | None) -> Object | None:
    """Build the object of the attempt that a task is in: since when, in which state, where, and why it is queued."""
    if status is None:
        return None
    more = {"place": status.place, "reason": status.reason, "silentSince": status.silent}
    return {"attempt": status.attempt, "state": status.state, "startedAt": status.started, **more}


def ready_objects(tasks: Iterable[Task], relations: Mapping[str, Relations]) -> list[Object]:
    """Build the objects of `ready`: with the number of failed attempts by tx's name for it."""
    return [{**task_object(task, relations[task.id]), "failedAttemptCount": task.failures} for task in tasks]


def waiting_object(task: Task, relations: Relations, waiting: Waiting) -> Object:
    """Build the object of a task that waits, with the state in which it is shown, and what it waits for."""
    return {**task_object(task, relations), "state": waiting.state, "waitsFor": waiting.cause}


def message_object(message: Message, running: int | None = None) -> Object:
    """Build what a person said about a task, with the attempt that was told; running: the one that runs now."""
    told = {"attempt": message.attempt, "runningAttempt": running}
    return {"id": message.id, "task": message.task, "at": message.at, "words": message.words, **told}


def claim_object(claim: Claim, started: str | None) -> Object:
    """Build a claim's object, with tx's keys first; `started`: when it was made, as UTC text."""
    return {
        "id": claim.token,
        "taskId": claim.task,
        "workerId": claim.worker,
        "claimedAt": started,
        "leaseExpiresAt": claim.expires,
        "renewedCount": claim.renewals,
        "status": "active",
        "token": claim.token,
        "lease": claim.lease,
        "held": claim.held,
    }


def group_object(group: Group) -> Object:
    """Build a group's object."""
    return {
        "name": group.name,
        "limit": group.limit,
        "pausedSince": group.paused,
        "running": group.running,
        "waiting": group.waiting,
    }


def dollars(cost: int | None) -> float | None:
    """Return millionths of a US dollar in dollars."""
    return None if cost is None else cost / 1_000_000
