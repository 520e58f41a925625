"""What the workers of a loop must know: one record that can be pickled, since it goes with each of them.

Made by the command `ralph`; read by the workers' parts (`source`, `trial`, and who has a turn there).
"""

from __future__ import annotations

from ..agents.agent import Agent
from ..system.named_tuple import NamedTuple
from .ladder import Ladder
from .workspace import Rules


class Reviewer(NamedTuple):
    """The agent that reviews what passed its gate."""

    agent: Agent
    level: str  # "" for its own
    template: str


class LoopSettings(NamedTuple):
    """What the workers of a loop must know."""

    loop: str  # its id
    rules: Rules
    template: str
    level: str
    ladder: Ladder
    verify: str | None  # the gate, for tasks that have none of their own
    verify_timeout: float  # seconds
    settle: float  # seconds for an agent to exit after its result
    reviewer: Reviewer | None = None
