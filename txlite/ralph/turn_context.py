"""What those are given who have a turn in one attempt of a loop: the agent that works, and the one that reviews.

Made by `trial` for each attempt.
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..execution.attempt_runner import AttemptRunner
    from ..execution.worker_context import WorkerContext
    from ..store.assignments import Assignment
    from .host import AttemptHost
    from .loop_settings import LoopSettings
    from .workspace import Workspace


class TurnContext(NamedTuple):
    """One attempt, and all that has to do with it. assignment: with the directory in which it is, once that is known;
    host: knows the gate."""

    context: WorkerContext
    runner: AttemptRunner
    policy: LoopSettings
    assignment: Assignment
    workspace: Workspace
    host: AttemptHost
