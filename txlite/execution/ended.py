"""The end of an attempt as its worker notes it in its own lock file, before the database knows.

A note survives any kill of processes, and costs a hundredth of a transaction. So an attempt that has ended is never run
again because its worker died before it could say so: who recovers records the end that stands there. Written by
`attempt_record`, read by `dead_worker`.
"""

from __future__ import annotations

from .. import text
from ..store.attempts import Result
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 80  # characters of a reason: there is room for that much in a note


class NotedEnd(NamedTuple):
    """How an attempt had ended when its worker died. max_attempts: that the worker was told of."""

    result: Result
    max_attempts: int


def describe(result: Result, max_attempts: int) -> dict[str, object]:
    """Return what is noted of an end."""
    note = result.note and text.shorten(result.note, LONGEST)
    return {
        "outcome": result.outcome,
        "exit_code": result.exit_code,
        "duration": result.duration,
        "pid": result.pid,
        "note": note,
        "max_attempts": max_attempts,
    }


def parse(note: Mapping[str, object]) -> NotedEnd | None:
    """Return the end that stands in a worker's note, if there is one."""
    end = note.get("end")
    if not isinstance(end, dict):
        return None
    outcome, code, duration, pid, reason = (end[name] for name in ("outcome", "exit_code", "duration", "pid", "note"))
    return NotedEnd(Result(outcome, code, duration, pid, note=reason), end["max_attempts"])
