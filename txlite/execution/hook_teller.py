"""The companion process that tells a hook of one kind what became of tasks: a call at a time, in order, all of them.

It reads the history from the moment at which its run began. What ended while a call was on its way is told with the
next one, together; so a slow hook is called seldom, and not late. After the end of a call, after its time, or when its
run gives it up, nothing that it started is left. When its run was killed, it brings the present call to its end, and
leaves. Started by `hooks`; a launched worker tells its one task itself (`tell_launched`).
"""

from __future__ import annotations

import os
from collections import Counter

from ..errors import StoreLost, StoreUnavailable
from ..model import CANCELLED, DONE, FAILED, INTERRUPTED, STATES
from ..store.attempts import Result
from ..store.store import open_store
from ..system import clock, process
from ..system.event_loop import EventLoop
from ..system.named_tuple import NamedTuple
from .executor import CannotStart
from .hook_call import (
    FAILURE,
    FINISH,
    IDLE,
    NOW,
    HookCall,
    HookCommands,
    HookOutput,
    describe_failure,
    is_end,
    say_on_stderr,
    start_call,
)
from .places import make_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Lane
    from ..store.history import Event
    from ..store.store import Store
    from ..system.channel import Channel

LOOK = 0.2  # seconds between looks, and from the beginning of a call to that of the next, at the least
SETTLED = 1.0  # seconds for which nothing is left to do until that is told
PAGE = 500  # changes that are read at a time
MOST = 1000  # tasks that one call tells of
OPEN = tuple(state for state in STATES if state not in (DONE, FAILED, CANCELLED))
GIVEN_UP = Result(INTERRUPTED, note="its run has ended")


class HookOrder(NamedTuple):
    """What a companion is to do."""

    database: str  # path
    run: str | None  # id of the supervisor
    event: int  # the number of the change after which it begins
    is_ours: Callable[[Store, Event], bool]  # whether it is told
    lanes: tuple[Lane, ...]  # what the workers accept
    stays: bool  # the run goes on when it is idle
    says_itself: bool  # what goes wrong goes to stderr, and not to the run
    kind: str = FINISH
    command: str = ""
    terminal: str = os.devnull


def tell(order: HookOrder, channel: Channel) -> None:
    """Be the companion, to its end."""
    is_subreaper = process.become_subreaper()
    events = EventLoop()
    events.open(process.exit_signals())
    with open_store(order.database, read_only=True) as store:
        HookTeller(order, store, channel, HookRunner(store, events, is_subreaper)).run()


def tell_launched(database: str, task: str, attempt: int, commands: HookCommands, events: EventLoop) -> None:
    """Tell of the end of a launched task, in its own worker's process, when that has signed off."""
    if commands[:2] == (None, None):
        return
    with open_store(database, read_only=True) as store:
        ends = [one for one in store.history.events(task) if is_end(one) and one.token == attempt][-1:]
        runner = HookRunner(store, events, is_subreaper=True)
        for kind in (FINISH, FAILURE):
            command = commands.of(kind)
            if ends and command and (kind == FINISH or ends[0].to_status == FAILED):
                call = HookCall(kind, store.home, None, {str(ends[0].to_status): 1}, ends)
                runner.call(command, call, commands.terminal, lambda: False, lambda: -1)


class HookRunner:
    """Runs one call after the other."""

    def __init__(self, store: Store, events: EventLoop, is_subreaper: bool) -> None:
        self._events = events
        self._local = make_local(store, is_subreaper, events.signals)

    def wait(self, seconds: float, channel: Channel) -> None:
        """Sleep so long, or until something has come from the channel."""
        self._events.wait(max(seconds, 0.0), [channel.descriptor])

    def call(
        self, command: str, call: HookCall, terminal: str, must_stop: Callable[[], bool], listening: Callable[[], int]
    ) -> str | None:
        """Make a call, to the end of its tree; return what went wrong, in words, or None.

        must_stop: asked when `listening`, a descriptor, has something; ends the call.
        """
        output = HookOutput()
        try:
            running = start_call(self._local, command, call, terminal, output)
        except CannotStart as error:
            return f"the hook on_{call.kind} could not be started: {error}"
        while running.result is None:
            patience = 1.0 if running.patience is None else min(running.patience, 1.0)
            readable = self._events.wait(patience, [*running.descriptors, listening()])
            running.advance(readable)
            if listening() in readable and must_stop():
                running.stop(GIVEN_UP)
        is_given_up = running.result.note == GIVEN_UP.note
        return None if is_given_up else describe_failure(call.kind, command, running.result, output)


class HookTeller:
    """What one companion knows."""

    def __init__(self, order: HookOrder, store: Store, channel: Channel, runner: HookRunner) -> None:
        self._order = order
        self._store = store
        self._channel = channel
        self._runner = runner
        self._event = order.event
        self._seen: int | None = None  # what the store said of its changes at the last look
        self._pending: list[Event] = []
        self._tally: Counter[str] = Counter()  # how those that were not told of ended
        self._next_call = 0.0  # monotonic time
        self._idle_since: float | None = None
        self._calls = 0
        self._is_ending = self._must_leave = self._has_complained = False

    def run(self) -> None:
        """Tell, until the run has ended and all was told, or it is told to leave."""
        while not self._must_leave:
            call = self._find_call()
            if call:
                self._next_call = clock.monotonic() + LOOK
                self._calls += 1
                failure = self._runner.call(
                    self._order.command, call, self._order.terminal, self._listen, lambda: self._channel.descriptor
                )
                if failure and not self._has_complained:
                    self._complain(failure)
            elif self._is_ending:
                break
            if not self._is_ending:
                self._runner.wait(self._next_call - clock.monotonic() if call else LOOK, self._channel)
                self._listen()
        self._channel.close()

    def _complain(self, words: str) -> None:
        self._has_complained = True
        if self._order.says_itself:
            say_on_stderr(words)
        else:
            self._channel.send(words.encode())

    def _listen(self) -> bool:
        """Hear what the run has to say; whether a call must be ended now."""
        try:
            for word in self._channel.receive():
                self._is_ending = True
                self._must_leave = self._must_leave or word == NOW
        except EOFError:  # it was killed
            self._channel.close()
            self._must_leave = True
            return False
        return self._must_leave

    def _find_call(self) -> HookCall | None:
        """What there is to be told now."""
        try:
            self._read()
            if self._order.kind == IDLE:
                return self._find_idle()
            return self._make_call() if self._pending else None
        except StoreUnavailable as error:
            self._must_leave = self._must_leave or self._is_ending or isinstance(error, StoreLost)
            return None

    def _read(self) -> None:
        """Read what has ended since the last look."""
        changes = self._store.changes()
        while changes != self._seen and len(self._pending) < MOST:
            found = self._store.history.since(self._event, PAGE)
            if not found:
                self._seen = changes
                return
            self._event = found[-1].id
            for event in found:
                if is_end(event) and self._is_told(event):
                    self._tally[str(event.to_status)] += 1
                    self._pending += [event] if self._order.kind != IDLE else []

    def _is_told(self, event: Event) -> bool:
        return (self._order.kind != FAILURE or event.to_status == FAILED) and self._order.is_ours(self._store, event)

    def _make_call(self, left: int | None = None) -> HookCall:
        order = self._order
        call = HookCall(order.kind, self._store.home, order.run, dict(self._tally), tuple(self._pending), left)
        self._pending, self._tally = [], Counter()
        return call

    def _find_idle(self) -> HookCall | None:
        """Whether nothing is left to do, now that something was done; or it is all over."""
        if self._is_ending:
            return self._make_call(self._count_left()) if self._tally or not self._calls else None
        if not self._tally or not self._order.stays or not self._store.assignments.is_idle(self._order.lanes):
            self._idle_since = None
            return None
        self._idle_since = clock.monotonic() if self._idle_since is None else self._idle_since
        if clock.monotonic() < self._idle_since + SETTLED:
            return None
        self._idle_since = None
        return self._make_call(self._count_left())

    def _count_left(self) -> int:
        counts = self._store.count()
        return sum(counts.get(state, 0) for state in OPEN)
