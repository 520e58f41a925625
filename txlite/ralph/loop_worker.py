"""The process of a loop's worker: the one worker, with a loop's source and a runner of trials.

Started by `loop` through the supervisor, with the loop's policy bound to it.
"""

from __future__ import annotations

from ..execution.supervised import work
from ..execution.worker import Worker
from .source import LoopSource
from .trial import TrialRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from ..execution.worker_context import WorkerContext, WorkerSettings
    from .loop_settings import LoopSettings


def work_on_loop(settings: WorkerSettings, connection: Connection, policy: LoopSettings) -> None:
    """Be a worker of this loop, to the end of this process."""

    def make_worker(context: WorkerContext) -> Worker:
        return Worker(context, LoopSource(context.store, settings, policy.loop), TrialRunner(context, policy))

    work(settings, connection, make_worker)
