"""A loop of RALPH as an object: what it would start, and what became of it."""

from __future__ import annotations

from .attempts import usage_object, verdict_object
from .tasks import dollars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model import Task
    from ...ralph.summary import Summary, Try

    Object = dict[str, object]  # with its keys in the order in which they are printed


def loop_plan_object(task: Task, argv: list[str], gate: str | None, prompt: str, others: list[str] | None) -> Object:
    """Build what `ralph --dry-run` says: what would be started for a task."""
    found = {"task": task.id, "directory": task.directory, "argv": argv, "gate": gate, "prompt": prompt}
    return {**found, "installed": others is None, "otherAgents": others or []}


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
