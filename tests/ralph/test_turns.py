"""Whose turn it is, against a model: agents that are limited, back again and dropped, tasks with and without agents of
their own, and a ladder, in a hundred orders."""

from __future__ import annotations

import random
import unittest
from typing import NamedTuple

import txlite
from txlite.agents.agent import Agent
from txlite.agents.roster import Roster
from txlite.execution.executor import Limits
from txlite.execution.worker_context import WorkerSettings
from txlite.model import BACKLOG, DONE, FAILED, INTERRUPTED
from txlite.ralph.ladder import Ladder, Rung
from txlite.ralph.loop_settings import LoopSettings
from txlite.ralph.source import LoopSource
from txlite.ralph.workspace import Rules
from txlite.store.attempts import Result
from txlite.system import clock

from ..case import SEED, Case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from txlite.model import Outcome

LEVELS = (("low", ("-l",)), ("high", ("-h",)))
AGENTS = [Agent(name, levels=LEVELS) for name in ("one", "two", "three")]
LADDERS = (
    Ladder(),
    Ladder(climbs=True),
    Ladder((Rung("two"),)),
    Ladder((Rung(level="high"), Rung("three", "high"))),
    Ladder((Rung("three"), Rung(level="high"), Rung("one"))),
)
LOOP = "loop-1"
MOST = 5  # attempts


class Wanted(NamedTuple):
    """A task, as the model has it."""

    id: str
    rank: tuple[float, int]  # the best first
    agent: str | None
    level: str | None


class Turns(Case):
    def test_each_claim_is_that_of_the_model(self) -> None:
        rng = random.Random(SEED)
        self.wait_for_no_disk()
        for ladder in LADDERS:
            with txlite.open(self.home) as store:
                Night(self, store, ladder, rng).run(60)
                for task in store.list():
                    store.delete(task.id)

    def wait_for_no_disk(self) -> None:
        """Hundreds of transactions need not wait for the disk."""
        txlite.open(self.home).close()
        with open(f"{self.home}/config.ini", "w") as file:
            file.write("[txlite]\nsynchronous = NORMAL\n")


class Night:
    """One loop, with two agents of its own and one for tasks that name it."""

    def __init__(self, case: Turns, store: txlite.Store, ladder: Ladder, rng: random.Random) -> None:
        self.case, self.store, self.ladder, self.rng = case, store, ladder, rng
        self.loop = f"{LOOP}-{LADDERS.index(ladder)}"
        roster = Roster((AGENTS[0], AGENTS[1]), (AGENTS[2],))
        settings = WorkerSettings(store.database.path, "worker-1", "worker-1", None, roster, MOST, Limits(), 1 << 20)
        policy = LoopSettings(self.loop, Rules(None, None, False, (), (), None), "", "", ladder, None, 1.0, 1.0)
        self.source = LoopSource(store, settings, policy)
        store.loops.lift_limits()
        store.loops.begin(self.loop, "one,two", None, None)
        self.limited: set[str] = set()
        self.dropped: set[str] = set()
        self.tasks = [self.add() for _ in range(8)]
        self.failures = dict.fromkeys((task.id for task in self.tasks), 0)

    def add(self) -> Wanted:
        agent = self.rng.choice((None, None, None, "one", "two", "three"))
        level, score = self.rng.choice((None, None, "low", "high")), self.rng.choice((0, 0, 5))
        task = self.store.add("a task", agent=agent, level=level, score=score)
        return Wanted(task.id, (-score, task.seq), agent, level)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.change_agents()
            self.step()
        self.store.loops.end(self.loop, "it was over")
        for task in map(self.store.get, self.failures):
            if task.status == BACKLOG:  # nothing waits for the agent of a rung any more
                self.case.assertEqual(task.needs, f"agent:{task.agent}" if task.agent else "")

    def change_agents(self) -> None:
        name, what = self.rng.choice(("one", "two", "three")), self.rng.random()
        if what < 0.25:
            self.store.loops.limit_agent(name, clock.now(600), "a limit")
            self.limited.add(name)
        elif what < 0.5:
            self.store.loops.limit_agent(name, clock.now(-1), "it is over")
            self.limited.discard(name)
        elif what < 0.52 and len(self.dropped) < 2:
            self.store.loops.drop_agent(self.loop, name, "no login")
            self.dropped.add(name)

    def step(self) -> None:
        """One claim, and the end of its attempt."""
        told = {task.id: self.choose(task) for task in self.tasks}
        best = min((task for task in self.tasks if told[task.id]), key=lambda task: task.rank, default=None)
        found = self.source.take()
        seen = (found.task.id, found.agent, found.level) if found else None
        self.case.assertEqual(seen, (best.id, *told[best.id]) if best else None, (self.limited, self.dropped))
        if not found or not best:
            return
        outcomes: tuple[Outcome, ...] = (DONE, FAILED, FAILED, FAILED, INTERRUPTED)
        outcome = self.rng.choice(outcomes)
        self.source.record(found, Result(outcome), is_leaving=False)
        self.failures[best.id] += outcome == FAILED
        if self.store.get(best.id).status != BACKLOG:
            self.tasks.remove(best)
        if len(self.tasks) < 6:
            self.tasks.append(self.add())
            self.failures[self.tasks[-1].id] = 0
        with self.store.database.writing() as connection:  # nobody waits for a delay here
            connection.execute("UPDATE tasks SET not_before = NULL, delay_boot = NULL WHERE status = 'backlog'")

    def choose(self, task: Wanted) -> tuple[str, str] | None:
        """By whom the model has it made now, and at which level; None while it waits."""
        failures, usable = self.failures[task.id], {"one", "two", "three"} - self.limited - self.dropped
        rung = self.ladder.rung(failures)
        preferred = [name for name in ("one", "two") if name in usable]
        name = task.agent or (rung.agent if rung.agent not in self.dropped else "") or (preferred or [""])[0]
        if name not in usable:
            return None
        return name, self.ladder.find_level(AGENTS[0], task.level or "", failures)


if __name__ == "__main__":
    unittest.main()
