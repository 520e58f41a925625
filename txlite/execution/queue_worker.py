"""A worker of the queue, for where its attempts run: one at a time here, or many elsewhere.

Called by `supervised`, `persistent` and, for `admitted`, the loop of `ralph`, in the worker's process.
"""

from __future__ import annotations

from .attempt_runner import AttemptRunner
from .places import LOCAL, make_remote
from .sources import AskingSource, QueueSource
from .worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Lane
    from .dispatcher import Dispatcher
    from .sources import TaskSource
    from .worker import Runner
    from .worker_context import WorkerContext


def make_worker(
    context: WorkerContext, lanes: list[Lane], count_wanted: Callable[[], int] | None = None
) -> Worker | Dispatcher:
    """Return the worker. lanes: what it accepts; count_wanted: how many attempts elsewhere there may be, if that can
    change."""
    settings = context.settings
    source = QueueSource(context.store, settings, lanes)
    if settings.place.executor == LOCAL:
        return Worker(context, _asking(context, admitted(context, source)), _make_runner(context))
    from .dispatcher import Dispatcher

    executor = make_remote(context.store, settings.place, context.say)
    return Dispatcher(context, source, executor, count_wanted or (lambda: settings.width))


def admitted(context: WorkerContext, source: TaskSource) -> TaskSource:
    """Return a source that heeds what the machine must have left, where anything must be."""
    if not any(context.settings.reserve):
        return source
    from .admission import AdmittedSource  # who sets no bound does without

    return AdmittedSource(source, context.store, context.settings.reserve, context.hold)


def _asking(context: WorkerContext, source: TaskSource) -> TaskSource:
    outcomes = context.settings.asks_after
    if not outcomes:
        return source
    return AskingSource(source, context.loop, outcomes)


def _make_runner(context: WorkerContext) -> Runner:
    runner = AttemptRunner(context)
    if not context.settings.keeps_output:
        return runner
    from .keeping_runner import KeepingRunner

    return KeepingRunner(context, runner)
