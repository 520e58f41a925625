"""The process of a worker under a supervisor, from its first line to its exit code.

It counts no signals: its supervisor tells it what to do (`control`), and when that dies, it finishes what it runs and
leaves. What goes wrong is told the supervisor, or said on stderr where there is none any more. Started by `slot`.
"""

from __future__ import annotations

import sys

from ..errors import Error, find_shortage, record_bug
from ..system.event_loop import EventLoop, handle_quietly
from ..system.process import exit_signals
from .control import Control
from .queue_worker import make_worker
from .stop_policy import STOPPING, StopPolicy
from .worker_context import WorkerContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Union

    from ..system.channel import Channel
    from .dispatcher import Dispatcher
    from .worker import Worker
    from .worker_context import WorkerSettings

    MakeWorker = Callable[[WorkerContext], Union[Worker, Dispatcher]]


def work_on_queue(settings: WorkerSettings, channel: Channel) -> None:
    """Be a worker of the queue, to the end of this process."""
    work(settings, channel, _make_worker)


def _make_worker(context: WorkerContext) -> Worker | Dispatcher:
    store, supervisor = context.store, context.settings.supervisor or ""
    return make_worker(context, context.settings.roster.lanes, lambda: store.supervisors.wanted(supervisor))


def work(settings: WorkerSettings, channel: Channel, make_worker: MakeWorker) -> None:
    """Be the worker that is made so, to the end of this process. Raises SystemExit with the code of what went wrong."""
    handle_quietly((*STOPPING, *exit_signals()))
    control = Control(channel)
    try:
        _run(settings, control, make_worker)
    except Error as error:
        if not control.tell_trouble(error):
            print(f"txlite: {settings.id}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _run(settings: WorkerSettings, control: Control, make_worker: MakeWorker) -> None:
    try:
        events = EventLoop()
        events.open(STOPPING)  # noted, as what ended an agent with us; they are no orders
        worker = make_worker(WorkerContext(settings, events, StopPolicy(), control))
        worker.register()
        try:
            worker.run()
        finally:
            worker.close()
    except Error:
        raise
    except Exception as error:
        raise find_shortage(error) or record_bug(f"worker {settings.id}") from None
