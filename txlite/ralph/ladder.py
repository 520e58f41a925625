"""The ladder of a loop: by whom, and how hard it is thought, when a task's attempts have failed.

Guarantee: its rung follows from the number of a task's failed attempts alone, so that nobody has to remember where a
task stands; and no attempt thinks less than the one before it was told to. Made by the command `ralph`; asked by
`agent_choice`.
"""

from __future__ import annotations

from ..agents.agent import BUILT_IN, describe_agent
from ..errors import UsageError
from ..home import config
from ..system.named_tuple import NamedTuple
from ..text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.agent import Agent
    from ..agents.roster import Roster
    from ..home.config import Settings

CLIMB, STAY = "yes", "no"  # a level higher each time; no ladder, whatever config.ini says


class Rung(NamedTuple):
    """By whom, and at which level; "" leaves that as it is."""

    agent: str = ""
    level: str = ""


class Ladder(NamedTuple):
    """What the attempts after the first one get: the last rung is for all that come after it."""

    rungs: tuple[Rung, ...] = ()
    climbs: bool = False  # a level higher each time, instead of rungs

    @property
    def agents(self) -> list[str]:
        """Return the names of the agents on it."""
        return list(dict.fromkeys(rung.agent for rung in self.rungs if rung.agent))

    def rung(self, failures: int) -> Rung:
        """Return the rung for a task of which so many attempts have failed."""
        return self.rungs[min(failures, len(self.rungs)) - 1] if failures and self.rungs else Rung()

    def find_level(self, agent: Agent, base: str, failures: int) -> str:
        """Return the level for an agent, "" for its own; base: that of the first attempt, "" where nothing was said."""
        known = agent.known_levels
        place = known.index(base) if base in known else -1
        if failures and self.climbs:
            place = _climb(agent, place, failures)
        wanted = self.rung(failures).level
        if wanted in known:
            place = max(place, known.index(wanted))
        return known[place] if place >= 0 else ""


def _climb(agent: Agent, place: int, steps: int) -> int:
    """So many levels above the one in this place, not counting those that are the same to the agent; the highest where
    there are no more, or no place is known."""
    words = [words for _, words in agent.levels] or list(map(tuple, agent.known_levels))
    higher = [one for one in range(place + 1, len(words)) if words[one] != words[one - 1]] if place >= 0 else []
    return higher[min(steps, len(higher)) - 1] if higher else len(words) - 1


def read_ladder(words: str | None, roster: Roster, settings: Settings) -> Ladder:
    """Return the ladder that was given: rungs with commas between them, each LEVEL, AGENT or AGENT:LEVEL; or CLIMB.

    Raises UsageError for a rung that nobody here could stand on.
    """
    if words in (None, "", STAY):
        return Ladder()
    if words == CLIMB:
        return Ladder(climbs=True)
    known = {agent.name: agent for agent in (*roster.agents, *roster.others)}
    return Ladder(tuple(_read_rung(part.strip(), roster, known, settings) for part in str(words).split(",")))


def _read_rung(words: str, roster: Roster, known: dict[str, Agent], settings: Settings) -> Rung:
    name, colon, level = words.partition(":")
    if not colon and name not in known and name in {one for agent in roster.agents for one in agent.known_levels}:
        name, level = "", words
    elif name not in known:
        raise UsageError(f"--escalate: {_describe_unknown(name, colon, roster, settings)}")
    elif colon and not level:
        raise UsageError(f"--escalate: {shorten(words, 40)!r} has no level behind its colon")
    for agent in (known[name],) if name else roster.agents:
        if level:
            agent.check_level(level)
    return Rung(name, level)


def _describe_unknown(name: str, colon: str, roster: Roster, settings: Settings) -> str:
    if name in config.agents(settings) or name in BUILT_IN:
        agent = describe_agent(name, settings)
        return f"agent {name} is not installed: {agent.argv[0]!r} is not on PATH"
    levels = "" if colon else f"a level ({', '.join(roster.first.known_levels)}) or "
    named = ", ".join(agent.name for agent in (*roster.agents, *roster.others))
    return f"{shorten(name, 40)!r} is not {levels}an agent that is installed ({named})"
