"""The ladder's rungs, without a loop around them."""

from __future__ import annotations

import unittest

from txlite.agents.agent import Agent, describe_agent
from txlite.home.config import read
from txlite.ralph.ladder import Ladder, Rung

from ..case import Case


class Ladders(Case):
    def climb(self, agent: Agent, base: str) -> list[str]:
        """The levels of the attempts of a task, each but the first after a failed one."""
        return [Ladder(climbs=True).find_level(agent, base, failures) for failures in range(5)]

    def test_each_step_is_one_that_the_agent_can_feel(self) -> None:
        settings = read(self.directory)
        claude, codex = describe_agent("claude", settings), describe_agent("codex", settings)
        self.assertEqual(
            self.climb(claude, "minimal"), ["minimal", "medium", "high", "high", "high"]
        )  # low is the same
        self.assertEqual(self.climb(codex, "minimal"), ["minimal", "low", "medium", "high", "high"])
        self.assertEqual(self.climb(codex, "high"), ["high"] * 5)
        self.assertEqual(self.climb(codex, ""), ["", *["high"] * 4])
        self.assertEqual(self.climb(Agent("own"), "low"), ["low", "medium", "high", "high", "high"])

    def test_no_attempt_thinks_less_than_the_first(self) -> None:
        ladder, codex = Ladder((Rung(level="low"), Rung(level="high"))), Agent("codex")
        self.assertEqual([ladder.find_level(codex, "medium", failures) for failures in range(4)],
                         ["medium", "medium", "high", "high"])  # fmt: skip
        self.assertEqual([ladder.find_level(codex, "", failures) for failures in range(3)], ["", "low", "high"])

    def test_a_level_that_the_agent_does_not_know_is_none(self) -> None:
        own = Agent("own", levels=(("fast", ("-f",)), ("slow", ("-s",))))
        ladder = Ladder((Rung(level="high"), Rung(level="slow")))
        self.assertEqual([ladder.find_level(own, "low", failures) for failures in range(3)], ["", "", "slow"])


if __name__ == "__main__":
    unittest.main()
