"""A worker of the queue without a supervisor: it stays until it is told to leave, and recovers the dead of its home.

It answers signals itself, as a supervisor does (`stop_policy`): a first TERM, INT or HUP lets what runs finish, another
stops it and gives the task back, QUIT does so at once. A signal that its caller had ignored (HUP under nohup) stays
without effect, but for TERM, INT and QUIT. Used by `worker start`.
"""

from __future__ import annotations

import signal

from ..model import Lane
from ..system.event_loop import EventLoop, handle_quietly
from ..system.process import exit_signals
from .queue_worker import make_worker
from .stop_policy import STOPPING, StopPolicy
from .worker_context import WorkerContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.roster import Roster
    from .dispatcher import Dispatcher
    from .worker import Worker
    from .worker_context import WorkerSettings

RECOVER = 0.5  # seconds between looks for dead workers


def start_worker(settings: WorkerSettings, capabilities: list[str], drain: float | None) -> Worker | Dispatcher:
    """Register this process as a worker; the caller has it `run`, and then `close`.

    capabilities: the needs that it meets. drain: seconds that a running attempt gets after the first signal; None: all
    that it needs. Raises Error.
    """
    is_hup_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    handle_quietly((*STOPPING, *exit_signals()))
    events = EventLoop()
    events.open(number for number in STOPPING if number != signal.SIGHUP or not is_hup_ignored)
    context = WorkerContext(settings, events, StopPolicy(events.signals, drain=drain), recovers_every=RECOVER)
    worker = make_worker(context, lanes_of(settings.roster, capabilities))
    worker.register()
    return worker


def lanes_of(roster: Roster, capabilities: list[str]) -> list[Lane]:
    """Return what a worker with these agents and capabilities accepts."""
    return roster.moved(lambda agent: agent._replace(meets=tuple(dict.fromkeys((*agent.meets, *capabilities))))).lanes
