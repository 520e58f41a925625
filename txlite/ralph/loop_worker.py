"""The process of a loop's worker: the one worker, with a loop's source and a runner of trials.

Started by `loop` through the supervisor, with the loop's policy bound to it.
"""

from __future__ import annotations

from ..execution.queue_worker import admitted
from ..execution.supervised import work
from ..execution.worker import Worker
from .source import LoopSource
from .trial import TrialRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..execution.worker_context import WorkerContext, WorkerSettings
    from ..system.channel import Channel
    from .loop_settings import LoopSettings


def work_on_loop(settings: WorkerSettings, channel: Channel, policy: LoopSettings) -> None:
    """Be a worker of this loop, to the end of this process."""

    def make_worker(context: WorkerContext) -> Worker:
        source = admitted(context, LoopSource(context.store, settings, policy))
        return Worker(context, source, TrialRunner(context, policy))

    work(settings, channel, make_worker)
