"""What a run has still before it: how many tasks its workers can run, and what keeps them from beginning any.

It promises that a run that waits says for what, once. Used by `run_progress`.
"""

from __future__ import annotations

from .. import text
from ..ralph.agent_choice import usable_lanes
from ..system import clock
from .waiting import describe_holds, describe_pause, describe_refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from ..agents.roster import Roster
    from ..model import Lane
    from ..store.store import Store

LOOK = 1.0  # seconds between looks, at the least, and
SHARE = 20  # times as long as a look takes
SOON = 5.0  # seconds: nobody need be told of a shorter wait
NEVER = 1e9  # seconds: a time that was edited by hand


class Outlook:
    """What workers with these agents have before them.

    runnable: tasks that they run, that are ready, or that wait for such tasks; later: tasks whose time has not come;
    event: the number of the newest event when these were counted. loop: the id of the loop that they are of, which
    begins nothing with an agent while its provider refuses to work; "" for none. reviewer: the name of the agent
    without which it begins nothing at all, "" for none.
    """

    def __init__(self, store: Store, roster: Roster, say: Callable[[str], None], loop: str, reviewer: str = "") -> None:
        self.runnable = 0
        self.later = 0
        self.event = 0
        self._store = store
        self._roster = roster
        self._say = say
        self._loop = loop
        self._reviewer = reviewer
        self._held_by: set[str] = set()  # the groups that keep tasks back; "" for what none does
        self._ready: set[Lane] = set()  # the lanes in which something is
        self._has_told_of_room = False  # that a group has none
        self._told: str | None = None
        self._workers: Container[str] = ()
        self._limited: list[str] = []  # the agents of which that tells, where others go on
        self._seen: int | None = None  # what the store said of its changes
        self._next_look = 0.0

    def look(self, workers: Container[str], counts: bool) -> bool:
        """Look, unless that was a moment ago or nothing has changed since, and say what is waited for, where that is
        something else than before; return whether it looked.

        workers: the ids of the run's own; counts: count all tasks, which takes a while where there are very many.
        """
        began = clock.monotonic()
        if began < self._next_look:
            return False
        self._next_look = began + LOOK
        changes = self._store.changes()
        if changes == self._seen:
            return False
        self._seen = changes
        self._workers = workers
        ready = self._count() if counts else None
        self._tell(self._find_hold(ready))
        now = clock.monotonic()
        self._next_look = now + max(LOOK, SHARE * (now - began))
        return True

    def _count(self) -> int:
        """Count anew; how many are ready."""
        lanes = usable_lanes(self._store, self._roster, self._loop) if self._loop else self._roster.lanes
        counts = {"ready": 0, "waiting": 0, "later": 0}
        self._held_by, self._ready = set(), set()
        ahead = self._store.waiting.ahead(self._workers, lanes)
        for pile in ahead.piles:
            if pile.lane in lanes and not pile.is_stuck and pile.state in counts and not pile.rests:
                counts[pile.state] += pile.size
                self._held_by.add(pile.held_by)
                self._ready.update([pile.lane] if pile.state == "ready" else [])
        self.later = counts["later"]
        self.runnable = ahead.running + counts["ready"] + counts["waiting"]
        self.event = ahead.event
        return counts["ready"]

    def _find_hold(self, ready: int | None) -> str | None:
        """What keeps the workers from beginning anything, in words."""
        since = self._store.paused()
        if since:
            return describe_pause(since)
        no_review = self._store.loops.limits_of([self._reviewer]) if self._reviewer else {}
        if no_review:
            return f"the reviewer {_describe_refusals(no_review)}"
        names, limits = self._find_limits()
        others = [name for name in names if name not in limits]
        if limits and not others:
            return _describe_refusals(limits)
        hold = None if self._is_running() else self._find_other_hold(ready)
        if limits and not hold:
            self._limited = list(limits)
            return f"{_describe_refusals(limits)}; {' and '.join(others)} meanwhile"
        return hold

    def _find_limits(self) -> tuple[list[str], dict[str, tuple[str, str]]]:
        """The agents that take part, and those of them whose providers refuse to work: until when, and why."""
        if not self._loop:
            return [], {}
        dropped = self._store.loops.dropped(self._loop)
        names = [name for name in self._roster.names if name not in dropped]
        return names, self._store.loops.limits_of(names)

    def _find_other_hold(self, ready: int | None) -> str | None:
        """What keeps all back that is left, in words."""
        if ready:
            return self._find_refusal()
        hold = self._find_group(ready)
        if hold and self._is_running():  # one of our own has begun meanwhile
            return None
        self._has_told_of_room = self._has_told_of_room or bool(hold)
        return hold or self._find_time(ready) or self._find_refusal()

    def _is_running(self) -> bool:
        """Whether the run's own workers run anything."""
        return any(claim.worker in self._workers for claim in self._store.claims())

    def _find_refusal(self) -> str | None:
        """The agents that tasks name, where nothing is ready but for those whose providers refuse to work, in words."""
        limits = self._store.loops.limits_of(agent.name for agent in self._roster.others) if self._loop else {}
        if not limits:
            return None
        self._count()
        lanes = {self._roster.find(name).own_lane: name for name in limits}
        if not self._ready or not self._ready <= lanes.keys():
            return None
        return _describe_refusals({lanes[lane]: limits[lanes[lane]] for lane in self._ready})

    def _find_group(self, ready: int | None) -> str | None:
        """The groups that keep all back that is left, in words."""
        if not self._store.groups.names() or (self._count() if ready is None else ready):
            return None
        found = [one for one in self._store.groups.all() if one.hold and one.name in self._held_by]
        if not found:
            return None
        words, is_paused = describe_holds(found), any(one.paused for one in found)
        if self._has_told_of_room and not is_paused and words != self._told:
            return None  # what others hold comes and goes: said once
        return words

    def _find_time(self, ready: int | None) -> str | None:
        """The time for which all waits that is left, in words."""
        due = self._store.assignments.due_in()
        if due is not None and SOON < due < NEVER and not (self._count() if ready is None else ready) and self.later:
            moment = clock.to_local(clock.now(due))
            return f"{text.count(self.later, 'task')} for later, not before {moment}: Ctrl-C ends the run"
        return None

    def _tell(self, hold: str | None) -> None:
        if hold and hold != self._told:
            self._say(hold)
        elif self._told and not hold:
            self._say(f"{' and '.join(self._limited)} can work again" if self._limited else "goes on")
            self._limited = []
        self._told = hold


def _describe_refusals(limits: Mapping[str, tuple[str, str]]) -> str:
    return "; ".join(describe_refusal(name, *limit) for name, limit in limits.items())
