"""An attempt as an object: alone, with its task, while it is followed; what it cost, and how it is launched."""

from __future__ import annotations

from .tasks import current_object, dollars, message_object, task_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...agents.activity import Activity
    from ...execution.agent_sessions import AgentSession
    from ...execution.launch_order import Explanation
    from ...execution.launched import Launched
    from ...execution.stopping import Ended, Target
    from ...model import Attempt, Task, Usage, Verdict
    from ...store.attempt_status import AttemptStatus
    from ...store.history import Event
    from ...store.tasks import Relations
    from ..attempt_row import AttemptRow
    from ..one_task import TaskStory

    Object = dict[str, object]  # with its keys in the order in which they are printed


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


def launched_object(launched: Launched) -> Object:
    """Build what `launch` says of a worker that it started."""
    return {"id": launched.task, "attempt": launched.attempt, "pid": launched.pid, "report": launched.report}


def explanation_object(found: Explanation) -> Object:
    """Build what `launch --dry-run` says: what would be started."""
    launch = found.launch
    facts = {"agent": launch.agent, "level": launch.level, "type": launch.type, "directory": found.directory}
    words = {"argv": found.argv, "passed": found.passed, "prompt": found.prompt}
    return {**facts, **words, "installed": found.others is None, "otherAgents": found.others or []}


def session_object(session: AgentSession) -> Object:
    """Build how an agent's session is gone on with."""
    place = {"directory": session.directory, "argv": session.argv}
    return {"task": session.task, "attempt": session.attempt, "agent": session.agent.name,
            "session": session.session, **place}  # fmt: skip


def verdict_object(said: Verdict) -> Object:
    """Build what somebody said of the work of an attempt."""
    by = said.reviewer or None
    return {"attempt": said.attempt, "by": by, "verdict": said.verdict, "reason": said.reason, "at": said.at}


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


def history_object(event: Event, usages: Iterable[Usage]) -> Object:
    """Build the object of a change of state, as `history` has it: with the token of the task's last claim, and what the
    attempt cost that ended."""
    return {**event.to_object(), "token": event.token or None, "usages": list(map(usage_object, usages))}
