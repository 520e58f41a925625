"""Rosters: the agents that a run may use, in order of preference, and those that its tasks may name beside them.

Guarantee: which lanes a worker serves, and whose word an attempt runs by, is decided here alone. Made by the commands
that begin workers; goes with each worker's settings, so it can be pickled.
"""

from __future__ import annotations

from ..errors import UsageError
from ..model import COMMAND
from ..system.named_tuple import NamedTuple
from ..text import shorten
from .agent import SHELL, describe_all, find_agent, is_installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..home.config import Settings
    from ..model import Lane
    from .agent import Agent


class Roster(NamedTuple):
    """The agents of a run."""

    agents: tuple[Agent, ...]  # one at least, the preferred first
    others: tuple[Agent, ...] = ()  # for the tasks that name them

    @property
    def first(self) -> Agent:
        """Return the one that is preferred."""
        return self.agents[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of those that run what names none, the preferred first."""
        return tuple(agent.name for agent in self.agents)

    @property
    def lanes(self) -> list[Lane]:
        """Return what a worker with all of them accepts."""
        return self.lanes_of(lambda name: True)

    def lanes_of(self, is_usable: Callable[[str], bool]) -> list[Lane]:
        """Return what a worker accepts that has those of them of which this says so, by their names; commands need none
        of them."""
        found = [lane for agent in self.agents for lane in agent.lanes if lane.kind == COMMAND or is_usable(agent.name)]
        found += [agent.own_lane for agent in self.others if is_usable(agent.name)]
        return list(dict.fromkeys(found))

    def find(self, name: str) -> Agent:
        """Return the agent of this name, or the preferred one where it is not among them."""
        return next((agent for agent in (*self.agents, *self.others) if agent.name == name), self.first)

    def moved(self, move: Callable[[Agent], Agent]) -> Roster:
        """Return the same with agents as `move` makes them: for another place."""
        return Roster(tuple(map(move, self.agents)), tuple(map(move, self.others)))


def read_roster(names: str, settings: Settings, find: Callable[[str, Settings], Agent] = find_agent) -> Roster:
    """Return the roster of these names, separated by commas; others that are installed are for tasks that name them.

    find: what makes an agent of a name. Raises UsageError for one that is unknown, named twice or not installed.
    """
    listed = [name.strip() for name in names.split(",")]
    for place, name in enumerate(listed):
        if not name:
            raise UsageError(f"--agent {shorten(names, 60)!r} has an empty name: give names with commas between them")
        if name in listed[:place]:
            raise UsageError(f"--agent names {shorten(name, 60)} twice: give each agent once, the preferred first")
        if name == SHELL and len(listed) > 1:
            raise UsageError(f"--agent names {SHELL} beside others: every agent's worker runs commands, leave it out")
    agents = tuple(find(name, settings) for name in listed)
    if listed[0] == SHELL:
        return Roster(agents)
    return Roster(agents, tuple(one for one in describe_all(settings) if one.name not in listed and is_installed(one)))


def read_one(name: str, settings: Settings) -> Roster:
    """Return the roster of a run that has one agent. Raises UsageError, as `read_roster`."""
    if "," in name:
        raise UsageError(f"--agent {shorten(name, 60)!r}: give one; several that take turns are for `txlite ralph`")
    return read_roster(name, settings)
