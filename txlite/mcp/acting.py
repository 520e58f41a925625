"""The tools that change something: add, claim, renew, finish, cancel.

Guarantees: a claim is spoken for by its token alone; an agent inside an attempt adds below its own task, within what
bounds that, and touches nothing but that task and its children. Who comes after the end of its attempt changes nothing.
"""

from __future__ import annotations

import sys

from ..errors import NotReady, Refused, UsageError
from ..execution import presence, stopping
from ..model import DONE, FAILED, PROMPT, RELEASED, Lane
from ..ralph.worktree_directory import lasting_directory
from .reading import ready_children
from .seal import seal, unseal
from .told import words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Claim, Task
    from .told import Told
    from .tool_call import ToolCall

OUTCOMES = (DONE, FAILED, RELEASED)
MINUTES = 30  # of a lease
MOST_CLAIMS = 10  # of one client at a time
MOST_CHILDREN = 50  # that an agent may give its own task
DEEPEST = 4  # generations of them


def add(call: ToolCall) -> Told:
    """Add a task: a prompt, or what `--allow-commands` allows."""
    given = dict(call.arguments)
    title = given.pop("title", "")
    if "parent" in given:
        given["parent"] = call.task("parent")
    if call.caller.is_inside:
        given = {**_bounds_of_a_child(call, given), **given}
    given.setdefault("directory", lasting_directory(call.store))
    given["after"] = [call.caller.resolve(call.store, name) for name in given.get("after", ())]
    task = call.store.add(title, **given)
    return {"id": task.id, "state": task.state, **({"parent": task.parent} if task.parent else {})}


def _bounds_of_a_child(call: ToolCall, given: dict[str, object]) -> Told:
    """What the own task hands on to its children. Raises Refused."""
    call.caller.check_current(call.store)
    own = call.caller.own(call.store)
    if given.get("parent", own.id) != own.id:
        raise Refused(f"you add below {own.id}, your task, alone: leave parent out")
    score = given.get("score", own.score)
    if isinstance(score, (int, float)) and score > own.score:
        raise Refused(f"score: at most that of your own task, {own.score:g}")
    if len(call.caller.children(call.store)) >= MOST_CHILDREN:
        raise Refused(f"{own.id} has {MOST_CHILDREN} children already: work on them, or end and say what is left")
    if _generation(call, own) >= DEEPEST:
        raise Refused(f"{own.id} is {DEEPEST} generations below another task: do the work yourself")
    return {
        "parent": own.id,
        "score": own.score,
        "directory": own.directory,
        "group": own.group,
        "timeout": own.timeout,
        "max_attempts": own.max_attempts,
        "max_cost": own.max_cost,
    }


def _generation(call: ToolCall, task: Task) -> int:
    depth = 0
    while task.parent and depth < DEEPEST:
        task, depth = call.store.get(task.parent), depth + 1
    return depth


def claim(call: ToolCall) -> Told:
    """Take a task for a while, by its id or the best prompt that is ready."""
    call.caller.check_current(call.store)
    lease = call.get("minutes", MINUTES) * 60.0
    if sum(one.worker == call.worker for one in call.store.claims()) >= MOST_CLAIMS:
        raise Refused(f"you hold {MOST_CLAIMS} tasks: finish one of them first")
    if "id" in call.arguments:
        return _claimed(call, call.store.claim(call.task(), call.worker, lease))
    _end_leases(call)
    if not call.caller.is_inside:
        found = call.store.claim_best(call.worker, lease, [Lane(PROMPT)])
        return _claimed(call, found.claim) if found else {"claimed": None, "why": "no prompt is ready"}
    for task in ready_children(call):
        if task.kind == PROMPT:
            try:
                return _claimed(call, call.store.claim(task.id, call.worker, lease))
            except NotReady:
                continue  # another was first
    return {"claimed": None, "why": "no child of your task is ready"}


def _end_leases(call: ToolCall) -> None:
    """Have tasks back whose holder did not renew: where no worker runs, nobody else sees to that."""
    for one in call.store.expired():
        try:
            call.store.expire(one.token)
        except Refused:
            pass  # another was first


def _claimed(call: ToolCall, claim: Claim) -> Told:
    task = call.store.get(claim.task)
    token = seal(call.store, claim.token)
    return {"id": claim.task, "token": token, "until": claim.expires, "data": words_of(task)}


def renew(call: ToolCall) -> Told:
    """Begin the lease of a claim again."""
    id = call.task()
    if id == call.caller.task:
        raise Refused(f"{id} is your own task: its worker holds it for you, and nothing has to be renewed")
    claim = call.store.renew(id, token=unseal(call.store, _token(call)))
    return {"id": id, "until": claim.expires}


def finish(call: ToolCall) -> Told:
    """End a claim, or say how the own task ended."""
    call.caller.check_current(call.store)
    id, outcome, reason = call.task(), call.arguments["outcome"], call.get("reason", "")
    is_own = id == call.caller.task
    if reason and outcome != FAILED:
        raise UsageError("reason: only with outcome failed")
    token = call.caller.token if is_own else unseal(call.store, _token(call))
    if outcome == RELEASED:
        if is_own:
            raise Refused(f"{id} is your own task: end without finish, or finish it as failed, with the reason")
        call.store.release(id, token=token)
        return {"id": id, "state": call.store.get(id).state}
    if outcome == FAILED:
        call.store.fail(id, reason, token=token)
        return _decided(call, id, is_own, [])
    return _decided(call, id, is_own, call.store.done(id, token=token))


def _decided(call: ToolCall, id: str, is_own: bool, freed: list[str]) -> Told:
    told: Told = {"id": id, "state": call.store.get(id).state}
    if is_own:
        return {**told, "noted": "it counts when you have ended, and passed the gate if there is one: end now"}
    return {**told, "nowReady": freed[:10]} if freed and not call.caller.is_inside else told


def _token(call: ToolCall) -> str:
    if "token" not in call.arguments:
        raise UsageError("token is missing: `claim` gives it to who takes the task")
    return str(call.arguments["token"])


def cancel(call: ToolCall) -> Told:
    """Take a task out of the queue; its worker stops what runs."""
    call.caller.check_current(call.store)
    store, id = call.store, call.task()
    if id == call.caller.task:
        raise Refused(f"{id} is your own task: finish it as failed, with the reason")
    for one in store.claims():
        if one.task == id and not one.held and one not in store.expired():
            raise Refused(f"{id} is claimed until {one.expires}: who has its token can finish it")
    store.cancel(id)
    attempt = presence.last_attempt(store, id)
    stopping.end_alone(store, [attempt] if attempt else [], lambda words: print(words, file=sys.stderr))
    told: Told = {"id": id, "state": store.get(id).state}
    return {**told, "noted": "its agent is being stopped: `wait` tells when"} if told["state"] == "active" else told
