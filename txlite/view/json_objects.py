"""What --json prints: one builder for each kind of record, and what prints them.

It promises tx's keys in tx's order, txlite's own after them, and JSON that a terminal may be shown, whatever a row
holds. Builders only name and order what they are given: they look nothing up. Used by every command; `ready` needs no
other of this room.
"""

from __future__ import annotations

import json

from ..text import printable_json
from .verdicts import verdict_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..agents.activity import Activity
    from ..errors import Error
    from ..execution.agent_sessions import AgentSession
    from ..execution.launch_order import Explanation
    from ..execution.launched import Launched
    from ..execution.stopping import Ended, Target
    from ..execution.waiting import Waiting
    from ..model import Attempt, Claim, Group, Message, Task, Usage
    from ..ralph.summary import Summary, Try
    from ..reports.inventory import DirectorySummary
    from ..reports.retention import Step, Tally
    from ..store.attempt_status import AttemptStatus
    from ..store.history import Event
    from ..store.supervisors import SupervisorRecord
    from ..store.tasks import Relations
    from ..store.usages import Spent
    from .attempt_row import AttemptRow
    from .one_task import TaskStory
    from .stats import Stats
    from .worker_status import WorkerStatus

    Object = dict[str, object]  # with its keys in the order in which they are printed


_printed = False  # whether stdout has this process's result


def print_error(error: Error) -> None:
    """Print what an error is, where no result stands before it: stdout is one value."""
    if not _printed:
        print_json({"error": type(error).__name__, "message": str(error), "code": error.exit_code})


def print_json(value: object) -> None:
    """Print a value. What JSON has no word for (a row edited by hand can hold it) becomes text."""
    global _printed
    _printed = True
    print(printable_json(_dumps(value, indent=2)))


def begin_lines() -> None:
    """Take note that stdout has a value on each line from now on: no error's object will be among them."""
    global _printed
    _printed = True


def format_line(value: object) -> str:
    """Return a value as JSON on one line, with its end."""
    return printable_json(_dumps(value)) + "\n"


def _dumps(value: object, indent: int | None = None) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_without_infinity(value), ensure_ascii=False, indent=indent, default=str)


def print_tree_json(branches: Iterable[tuple[int, Object]], key: str) -> None:
    """Print a tree as an object that has its branches as `key`, and so on, however deep: each behind its stem, with
    its depth."""
    parts, last = [], -1
    for depth, found in branches:
        parts.append("]}" * (last - depth + 1) + ("," if depth <= last else ""))
        parts.append(f'{_dumps(found)[:-1]}, "{key}": [')
        last = depth
    print(printable_json("".join(parts) + "]}" * (last + 1)))


def _without_infinity(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_infinity(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinity(part) for part in value]
    return str(value) if isinstance(value, float) and value - value != 0 else value


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


def dollars(cost: int | None) -> float | None:
    """Return millionths of a US dollar in dollars."""
    return None if cost is None else cost / 1_000_000


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


def attempts_object(
    task: Task, relations: Relations, attempts: Iterable[Attempt], usages: Sequence[Usage] = ()
) -> Object:
    """Build a task's object with its attempts in it, and what these have cost."""
    told = [attempt_object(one, [usage for usage in usages if usage.attempt == one.id]) for one in attempts]
    return {**task_object(task, relations), "attempts": told}


def story_object(story: TaskStory) -> Object:
    """Build a task's object with its attempts, what its last one wrote last, and what a person types to go on."""
    found = attempts_object(story.task, story.relations, story.attempts, story.usages)
    gate, words = (story.reason.gate, story.reason.words) if story.reason else ("", "")
    ways = {"gate": gate or None, "words": words or None, "commands": list(story.commands)}
    said, judged = list(map(message_object, story.messages)), list(map(verdict_object, story.verdicts))
    return {**found, **ways, "currentAttempt": current_object(story.current), "messages": said, "verdicts": judged}


def message_object(message: Message, running: int | None = None) -> Object:
    """Build what a person said about a task, with the attempt that was told; running: the one that runs now."""
    told = {"attempt": message.attempt, "runningAttempt": running}
    return {"id": message.id, "task": message.task, "at": message.at, "words": message.words, **told}


def session_object(session: AgentSession) -> Object:
    """Build how an agent's session is gone on with."""
    place = {"directory": session.directory, "argv": session.argv}
    return {"task": session.task, "attempt": session.attempt, "agent": session.agent.name,
            "session": session.session, **place}  # fmt: skip


def waiting_object(task: Task, relations: Relations, waiting: Waiting) -> Object:
    """Build the object of a task that waits, with the state in which it is shown, and what it waits for."""
    return {**task_object(task, relations), "state": waiting.state, "waitsFor": waiting.cause}


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


def usage_object(usage: Usage) -> Object:
    """Build what an attempt, or its review, has cost; null is what was not said."""
    return {
        "part": usage.part,
        "agent": usage.agent,
        "model": usage.model,
        "session": usage.session,
        "inputTokens": usage.input_tokens,
        "cachedTokens": usage.cached_tokens,
        "outputTokens": usage.output_tokens,
        "cost": dollars(usage.cost),
        "turns": usage.turns,
    }


def attempt_object(attempt: Attempt, usages: Iterable[Usage] = ()) -> Object:
    """Build an attempt's object, as `show` and `run` have it."""
    return {
        "attempt": attempt.id,
        "worker": attempt.worker,
        "agent": attempt.agent,
        "startedAt": attempt.started,
        "endedAt": attempt.ended,
        "outcome": attempt.outcome,
        "exitCode": attempt.exit_code,
        "duration": attempt.duration,
        "pid": attempt.pid,
        "report": attempt.report,
        "note": attempt.note,
        "tail": attempt.tail,
        "place": attempt.place,
        "level": attempt.level,
        "usages": list(map(usage_object, usages)),
    }


def attempt_row_object(row: AttemptRow) -> Object:
    """Build an attempt's object, as `status` and `stop` have it: age and duration in seconds, size in bytes."""
    one = row.status
    return {
        "id": one.task,
        "attempt": one.attempt,
        "status": one.state,
        "pid": one.pid,
        "type": one.type,
        "level": one.level or None,
        "agent": one.agent,
        "worker": one.worker,
        "launched": bool(one.launched),
        "startedAt": one.started,
        "endedAt": one.ended,
        "age": round(row.age, 3),
        "duration": row.duration if row.duration is None else round(row.duration, 3),
        "size": row.size,
        "exitCode": one.exit_code,
        "outcome": one.outcome,
        "note": one.note,
        "task": one.title,
        "report": row.report,
        "place": one.place,
        "reason": one.reason,
        "silentSince": one.silent,
    }


def ended_object(target: Target, ended: Ended | None, row: AttemptRow | None) -> Object:
    """Build what `wait` says of one that it waited for; `ended` is None while it goes on, `row` without an attempt."""
    found = attempt_row_object(row) if row else {"id": target.task}
    return {**found, "name": target.name, "status": ended.state if ended else None, "code": ended and ended.code}


def output_object(attempt: AttemptStatus, output: str, activity: Activity | None = None) -> Object:
    """Build what `logs` says: an attempt with what its agent wrote and, where it writes events, did so far."""
    found = {"task": attempt.task, "attempt": attempt.attempt, "status": attempt.state, "output": output}
    usage = usage_object(activity.usage(attempt.attempt)) if activity else None
    return {**found, "changed": activity and activity.changed, "usage": usage, "silentSince": attempt.silent}


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


def waiting_in_stats(one: Waiting) -> Object:
    """Build how many tasks wait for the same, as `run` and `status --stats` have it."""
    return {"state": one.state, "waitsFor": one.cause, "needs": one.needs or None, "agent": one.agent or None,
            "group": one.group or None, "count": one.size}  # fmt: skip


def _run_in_stats(one: SupervisorRecord) -> dict[str, object]:
    found: dict[str, object] = {"run": one.id, "workers": one.wanted, "startedAt": one.started}
    return {**found, "waitsFor": one.hold} if one.hold else found


def spent_object(spent: Spent) -> Object:
    """Build what several attempts cost together; `unknown`: how many did not say it, so that it is more."""
    return {
        "cost": dollars(spent.cost) if spent.known else None,
        "unknown": spent.unknown,
        "inputTokens": spent.input_tokens,
        "outputTokens": spent.output_tokens,
    }


def stats_object(stats: Stats) -> Object:
    """Build the counts of a home, by the states and types that there are."""
    return {
        "tasks": stats.tasks,
        "attempts": stats.attempts,
        "reports": {"count": stats.reports, "bytes": stats.bytes},
        "types": stats.types,
        "pausedSince": stats.paused,
        "waiting": list(map(waiting_in_stats, stats.waiting)),
        "runs": list(map(_run_in_stats, stats.runs)),
        "workers": list(map(worker_in_stats, stats.workers)),
        "cost": spent_object(stats.spent),
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


def launched_object(launched: Launched) -> Object:
    """Build what `launch` says of a worker that it started."""
    return {"id": launched.task, "attempt": launched.attempt, "pid": launched.pid, "report": launched.report}


def explanation_object(found: Explanation) -> Object:
    """Build what `launch --dry-run` says: what would be started."""
    launch = found.launch
    facts = {"agent": launch.agent, "level": launch.level, "type": launch.type, "directory": found.directory}
    words = {"argv": found.argv, "passed": found.passed, "prompt": found.prompt}
    return {**facts, **words, "installed": found.others is None, "otherAgents": found.others or []}


def loop_plan_object(task: Task, argv: list[str], gate: str | None, prompt: str, others: list[str] | None) -> Object:
    """Build what `ralph --dry-run` says: what would be started for a task."""
    found = {"task": task.id, "directory": task.directory, "argv": argv, "gate": gate, "prompt": prompt}
    return {**found, "installed": others is None, "otherAgents": others or []}


def history_object(event: Event, usages: Iterable[Usage]) -> Object:
    """Build the object of a change of state, as `history` has it: with the token of the task's last claim, and what the
    attempt cost that ended."""
    return {**event.to_object(), "token": event.token or None, "usages": list(map(usage_object, usages))}


def findings_object(findings: list[Object], is_ok: bool) -> Object:
    """Build what `doctor` says, of the fields of what it found."""
    return {"ok": is_ok, "findings": findings}


def file_object(path: str, size: int) -> Object:
    """Build the object of a file that was written; `size` in bytes."""
    return {"file": path, "bytes": size}


def script_object(script: str) -> Object:
    """Build the object of a batch script that was composed."""
    return {"script": script}


def tally_object(tally: Tally, is_dry: bool) -> Object:
    """Build the counts of a cleanup; with `is_dry` of what it would do, when what it saves is not known."""
    return {
        "dryRun": is_dry,
        "deleted": tally.counts["delete"],
        "deletedBytes": tally.bytes["delete"],
        "compressed": tally.counts["compress"],
        "savedBytes": None if is_dry else tally.bytes["compress"],
        "removed": tally.counts["remove"],
        "removedBytes": tally.bytes["remove"],
    }


def step_object(step: Step) -> Object:
    """Build the object of what a cleanup would do about one report."""
    return {"action": step.action, "path": step.path, "bytes": step.size}


def directory_object(found: DirectorySummary, oldest: str, newest: str) -> Object:
    """Build the object of one directory of reports; `oldest` and `newest` as UTC text."""
    return {
        "directory": found.directory,
        "reports": found.reports,
        "plain": found.plain,
        "plainBytes": found.plain_bytes,
        "compressed": found.packed,
        "compressedBytes": found.packed_bytes,
        "oldest": oldest,
        "newest": newest,
    }


def summary_object(found: Summary, page: str | None) -> Object:
    """Build what became of a loop; `page`: the path of its page, None where it has none."""
    return {
        "loops": [_in_camel_case({**one._asdict(), "max_cost": dollars(one.max_cost)}) for one in found.loops],
        "startedAt": found.started,
        "endedAt": found.ended,
        "reason": found.loops[-1].reason,
        "counts": found.counts,
        "cost": dollars(found.cost.known),
        "isCostWhole": found.cost.is_whole,
        "tasks": [
            {
                "id": entry.task,
                "title": entry.title,
                "status": entry.status,
                "commit": entry.commit,
                "changes": entry.changes._asdict() if entry.changes else None,
                "passed": entry.gate,
                "verdicts": list(map(verdict_object, entry.verdicts)),
                "needs": entry.needs,
                "gate": (entry.reason and entry.reason.gate) or None,
                "words": (entry.reason and entry.reason.words) or None,
                "commands": list(entry.commands) if entry.needs else [],
                "duration": round(entry.duration, 3),
                "attempts": [_try_object(one) for one in entry.tries],
            }
            for entry in found.entries
        ],
        "remarks": found.remarks,
        "page": page,
    }


def _try_object(one: Try) -> Object:
    fields = one._asdict()
    fields["usages"] = [usage_object(usage) for usage in one.usages]
    return _in_camel_case(fields)


def _in_camel_case(fields: Object) -> Object:
    """Name fields as other commands do."""
    names = {
        "silent": "silentSince",
        "started": "startedAt",
        "ended": "endedAt",
        "max_tasks": "maxTasks",
        "max_failures": "maxFailures",
        "max_cost": "maxCost",
    }
    return {names.get(name, name): value for name, value in fields.items()}
