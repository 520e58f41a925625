"""Why tasks wait: what the store says of them, judged by who is here to run them.

Used by `status` and `top`, and by the ends of runs: what nobody here will run is why a run has not done all.
"""

from __future__ import annotations

from ..model import BLOCKED, PROMPT, REVIEW, Lane, named_agent, parse_lanes
from ..system.named_tuple import NamedTuple
from .presence import is_alive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from ..model import Task
    from ..store.batches import Batch
    from ..store.store import Store
    from ..store.waiting import Pile

# What tasks wait for, in the order in which it is told.
TURN: Final = "turn"  # workers that are here are busy, or about to begin them
WORKER: Final = "worker"  # nobody is here who runs commands
AGENT: Final = "agent"  # they are prompts, and nobody is here who takes them
CAPABILITY: Final = "capability"  # they need what nobody here has
GROUP: Final = "group"  # it is full, or paused
RESERVATION: Final = "reservation"  # they were released by hand a moment ago
TIME: Final = "time"  # they are for later
TASKS: Final = "tasks"  # they wait for others
STUCK: Final = "stuck"  # they wait for others that will not be done by themselves
PERSON: Final = "person"  # a person holds them back; REVIEW: a person is to review their work
CAUSES = (TURN, WORKER, AGENT, CAPABILITY, GROUP, RESERVATION, TIME, TASKS, STUCK, REVIEW, PERSON)
_BY_STATE = {"reserved": RESERVATION, "later": TIME, "waiting": TASKS, REVIEW: REVIEW, BLOCKED: PERSON}


class Waiting(NamedTuple):
    """Tasks that wait for the same."""

    state: str  # as it is shown: ready, reserved, later, waiting, review or blocked
    cause: str  # one of CAUSES
    kind: str  # of the tasks, where that is the cause
    needs: str  # the capability, where that is the cause
    size: int
    first: list[Task]  # of them
    is_left: bool  # nobody who is here will run them, and no person decided that
    group: str = ""  # the one that keeps them back, where that is the cause
    hold: str = ""  # why it does: full (2 of 2), or paused
    agent: str = ""  # the one that they name, where an agent is the cause


def look_at_waiting(store: Store, batch: Batch | None = None, limit: int | None = 0) -> list[Waiting]:
    """Return what waits, of a batch or of all, with the first `limit` tasks for each cause (None: all of them)."""
    accepted = _accepted_lanes(store)
    found: dict[tuple[object, ...], Waiting] = {}
    for pile in store.waiting.piles(batch, limit):
        one = _judge(pile, accepted)
        key = (*one[:4], one.is_left, one.group, one.agent)
        known = found.get(key)
        if known:
            first = sorted([*known.first, *one.first], key=_turn)[:limit]
            one = one._replace(size=known.size + one.size, first=first)
        found[key] = one
    if any(one.group for one in found.values()):
        holds = {group.name: group.hold for group in store.groups.all()}
        found = {key: one._replace(hold=holds.get(one.group, "")) for key, one in found.items()}
    return sorted(found.values(), key=lambda one: CAUSES.index(one.cause))


def _accepted_lanes(store: Store) -> set[Lane]:
    return {
        lane for worker in store.workers.present() if is_alive(store, worker) for lane in parse_lanes(worker.accepts)
    }


def _turn(task: Task) -> tuple[str, float, int]:
    return task.not_before or "", -task.score if isinstance(task.score, (int, float)) else 0.0, task.seq


def _judge(pile: Pile, accepted: set[Lane]) -> Waiting:
    has_worker = pile.lane in accepted
    cause = _BY_STATE.get(pile.state) or (TURN if has_worker else _lack(pile.lane))
    if pile.held_by:
        cause = GROUP
    elif pile.is_stuck and cause == TASKS:
        cause = STUCK
    kind, needs = pile.lane if cause in (WORKER, AGENT, CAPABILITY) else ("", "")
    agent = named_agent(needs)
    needs = "" if agent else needs
    is_left = cause == STUCK or (cause not in (PERSON, REVIEW) and not has_worker and not pile.rests)
    return Waiting(pile.state, cause, kind, needs, pile.size, pile.first, is_left, pile.held_by, agent=agent)


def _lack(lane: Lane) -> str:
    if lane.needs and not named_agent(lane.needs):
        return CAPABILITY
    return AGENT if lane.kind == PROMPT else WORKER
