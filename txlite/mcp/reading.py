"""The tools that look: ready, list, show, logs. They change nothing, and what they give is bounded."""

from __future__ import annotations

from ..errors import NotFound
from ..execution import presence
from ..model import CANCELLED, DONE, SHOWN_STATES
from .told import cut_front, rows, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Task
    from .told import Told
    from .tool_call import ToolCall

FEW = 20  # tasks in a list
CHARACTERS = 4_000  # of an output
OPEN = [state for state in SHOWN_STATES if state not in (DONE, CANCELLED)]


def ready(call: ToolCall) -> Told:
    """Return the tasks that can be begun now, best first."""
    limit = call.get("limit", FEW)
    if not call.caller.is_inside:
        return rows(call.store.ready(limit + 1), limit)
    return rows(ready_children(call), limit)


def ready_children(call: ToolCall) -> list[Task]:
    """Return the children of the caller's own task that can be begun now, best first."""
    found = [task for task in map(call.store.get, call.caller.children(call.store)) if task.is_ready]
    return sorted(found, key=lambda task: (-task.score, task.seq))


def list_tasks(call: ToolCall) -> Told:
    """Return tasks in the order of their arrival."""
    limit, states = call.get("limit", FEW), call.get("state")
    if "parent" in call.arguments:
        parent = call.store.get(call.task("parent"))
        return rows(_pick(call, call.store.relations([parent])[parent.id].children, states, limit), limit)
    if call.caller.is_inside:
        return rows(_pick(call, [str(call.caller.task), *call.caller.children(call.store)], states, limit), limit)
    return rows(call.store.list([states] if states else OPEN, limit + 1), limit)


def _pick(call: ToolCall, ids: Iterable[str], state: str | None, limit: int) -> Sequence[Task]:
    """Those of a few that are in a state, as far as they may be seen, one more than the limit at the most."""
    found: list[Task] = []
    own = {call.caller.task, *call.caller.children(call.store)} if call.caller.is_inside else None
    for id in ids:
        if len(found) <= limit and (own is None or id in own):
            task = call.store.get(id)
            found += [task] if (task.state == state if state else task.state in OPEN) else []
    return found


def show(call: ToolCall) -> Told:
    """Return all about one task."""
    from ..view.one_task import tell

    seen = None
    if call.caller.is_inside:
        seen = [str(call.caller.task), *call.caller.children(call.store)]
    return whole(tell(call.store, call.task()), seen)


def logs(call: ToolCall) -> Told:
    """Return the end of what a task's last attempt wrote."""
    from ..view.follow import read_output

    id = call.task()
    attempt = presence.last_attempt(call.store, id)
    if attempt is None:
        raise NotFound(f"{id} has not run yet: `wait` waits until it has ended")
    output, remark = read_output(call.store, attempt)
    told: Told = {"id": id, "state": attempt.state, **({"remark": remark} if remark else {})}
    return {**told, "data": {"output": cut_front(output.decode("utf-8", "replace"), call.get("chars", CHARACTERS))}}
