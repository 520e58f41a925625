"""What an attempt may cost: its task's bound over all its attempts, and the loop's over all of its own.

A running attempt is stopped at the nearer one: by its agent itself, where that has an option for it (`budget` in its
configuration), and by us, where its events say what it uses and its price is known. Used where a prompt is run.
"""

from __future__ import annotations

from ..model import AGENT_PART, FAILED, INTERRUPTED, REFUSED, Usage
from ..store.attempts import Result
from ..system.named_tuple import NamedTuple
from ..text import money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.agent import Agent
    from ..model import Task
    from ..store.store import Store


class Allowance(NamedTuple):
    """What an attempt may cost; money in millionths of a US dollar."""

    bound: int  # what all may cost together
    spent: int  # what those before it are known to have cost
    is_of_task: bool  # the task's bound, and not its loop's

    @property
    def left(self) -> int:
        """What it may cost itself."""
        return self.bound - self.spent

    def explain(self, cost: int) -> str:
        """Return why an attempt that has cost so much was ended."""
        whose = "its task's attempts have" if self.is_of_task else "its loop has"
        return f"{whose} cost {money(self.spent + cost)}, of {money(self.bound)} at most"


def find_allowance(store: Store, task: Task, loop: str | None = None) -> Allowance | None:
    """Return what the next attempt of a task may cost; None for as much as it likes. loop: by which it is made."""
    found = []
    if task.max_cost:
        found.append(Allowance(task.max_cost, store.usages.spent_on(task.id).cost, True))
    bound = store.loops.max_cost(loop) if loop else None
    if loop and bound:
        found.append(Allowance(bound, store.usages.spent_by(loop).cost, False))
    return min(found, key=lambda one: one.left) if found else None


def refuse(agent: Agent, allowance: Allowance | None) -> Result | None:
    """Return how an attempt ends that must not begin: its bound is reached, or cannot be kept; else None."""
    if allowance is None:
        return None
    if not agent.tells_cost:
        return Result(REFUSED, duration=0.0, note=f"it may cost {money(allowance.bound)}, and {agent.why_no_cost}")
    if allowance.left > 0:
        return None
    return _end(Result(FAILED, duration=0.0), allowance, 0)


def conclude(result: Result, allowance: Allowance | None, cost: int, is_exhausted: bool) -> Result:
    """Return the end of an attempt that failed with this one's reason where it had no more to spend."""
    if allowance is None or result.outcome != FAILED or not (is_exhausted or cost >= allowance.left):
        return result
    return _end(result, allowance, cost)


def _end(result: Result, allowance: Allowance, cost: int) -> Result:
    """What the loop's bound ends costs the task nothing."""
    return result._replace(outcome=FAILED if allowance.is_of_task else INTERRUPTED, note=allowance.explain(cost))


def recall(home: str, attempt: int, name: str) -> Usage:
    """Return what an attempt has cost whose worker died, as the events tell that were kept of it; name: its agent's."""
    from ..agents.agent import recall_agent
    from ..agents.results import ResultParser
    from ..agents.usage import CostMeter
    from ..reports.events import read_events

    agent = recall_agent(name, home)
    if agent is None:
        return Usage(attempt, AGENT_PART, name)
    meter = CostMeter(agent.results, agent.price)
    parser = ResultParser(_Nowhere(), agent.results, observe=meter.read)
    try:
        for data in read_events(home, attempt):
            parser.write(data)
    except OSError:
        return Usage(attempt, AGENT_PART, name)
    return meter.tell(attempt, AGENT_PART, name)


class _Nowhere:
    """A sink that keeps nothing."""

    def write(self, data: bytes) -> None:
        """Take output."""
