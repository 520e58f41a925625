"""Which agent an attempt of a loop gets, and at which level: judged at the moment of its claim.

Guarantees: of the agents that a loop was given the first is taken whose provider does not refuse to work, and that has
not dropped out of this loop; one whose time has come is back. A task that names its agent, or stands on a rung of the
ladder that does, gets that one, and waits for it in its lane while it cannot be had, where it keeps nothing else
waiting. Made by `source` for each claim, and by the command `ralph` for its dry run.
"""

from __future__ import annotations

from ..model import agent_need, named_agent
from ..store.loop_attempts import Choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..agents.roster import Roster
    from ..model import Lane, Task
    from ..store.store import Store
    from .ladder import Ladder


def usable_lanes(store: Store, roster: Roster, loop: str) -> list[Lane]:
    """Return what a loop serves: all that its agents accept, but for those that have dropped out of it."""
    dropped = store.loops.dropped(loop)
    return roster.lanes_of(lambda name: name not in dropped)


class AgentChoice:
    """The choice at one moment. lanes: those in which something can be begun."""

    def __init__(
        self, roster: Roster, ladder: Ladder, level: str, limited: Collection[str] = (), dropped: Collection[str] = ()
    ) -> None:
        """level: the loop's. limited: the names of agents whose providers refuse for now; dropped: of those that have
        dropped out."""
        self._roster = roster
        self._ladder = ladder
        self._level = level
        self._limited = limited
        self._dropped = dropped
        self.lanes = roster.lanes_of(self._is_usable)

    def choose(self, task: Task) -> Choice:
        """Return who works on a task that is to be claimed now, and how hard; or for whom it waits."""
        if task.command is not None:
            return Choice(self._roster.first.name)
        name = task.agent or self._climb(task) or self._prefer() or named_agent(task.needs)
        level = self._ladder.find_level(self._roster.find(name), task.level or self._level, task.failures)
        return Choice(name, level, wait_in=self._wait_in(task, name))

    def next_lane(self, task: Task, failures: int) -> str | None:
        """Return what a task needs that failed so often, where that is the agent of a rung: what its lane is to be."""
        if task.command is not None or task.agent or not _is_free(task):
            return None
        name = self._climb(task._replace(failures=failures))
        return agent_need(name) if name else None

    def _is_usable(self, name: str) -> bool:
        return name not in self._limited and name not in self._dropped

    def _climb(self, task: Task) -> str:
        """The agent of its rung, "" where that names none, or one that has dropped out, or cannot be waited for."""
        name = self._ladder.rung(task.failures).agent
        return name if name not in self._dropped and (_is_free(task) or self._is_usable(name)) else ""

    def _prefer(self) -> str:
        """The first that can be had, "" for none."""
        return next(filter(self._is_usable, self._roster.names), "")

    def _wait_in(self, task: Task, name: str) -> str:
        """The need of the lane in which it waits for this agent, "" where that can be had."""
        return agent_need(name) if not self._is_usable(name) and _is_free(task) else ""


def _is_free(task: Task) -> bool:
    """Whether nothing but an agent decides about its lane."""
    return not task.needs or bool(named_agent(task.needs))
