"""One self-pipe and one poll: how a process sleeps until a descriptor has something, a signal comes, or time is up.

    handlers  only note a signal, in the order of their coming; whoever owns the loop decides what it means
    wait      ends for a descriptor, a signal or its deadline, whichever is first: Python writes each signal to the
              self-pipe as well (signal.set_wakeup_fd), so that none can fall between a look at `signals` and the sleep
    close     gives handlers and wake-up back as they were found

Made and used in the main thread, since Python runs handlers there only. Used by the supervisor, by every worker, by
what tells hooks, and by `top`.
"""

from __future__ import annotations

import os
import select
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class EventLoop:
    """The descriptors and signals that one process waits for. `signals`: those noted so far, in their order."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self._reading = self._writing = -1  # the self-pipe
        self._earlier_wakeup = -1
        self._earlier: dict[int, Callable[..., object] | int | None] = {}

    def open(self, noted: Iterable[int] = ()) -> None:
        """Make the self-pipe, and note these signals from now on. Raises OSError where no pipe is to be had."""
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._earlier_wakeup = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in noted:
            self._earlier[number] = signal.signal(number, lambda seen, _: self.signals.append(seen))

    def close(self) -> None:
        """Note nothing any more: handlers and wake-up are what they were before `open`."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}
        signal.set_wakeup_fd(self._earlier_wakeup)
        for end in (self._reading, self._writing):
            os.close(end)
        self._reading = self._writing = -1

    def wait(self, seconds: float, descriptors: Iterable[int]) -> set[int]:
        """Return those that became readable, or hung up, within `seconds`; none where a signal or the time ended the
        wait. A negative descriptor is none."""
        readable = self._poll(seconds, descriptors)
        if self._reading in readable:
            os.read(self._reading, 4096)
            readable.remove(self._reading)
        return readable

    def pause(self, seconds: float, descriptors: Iterable[int]) -> None:
        """Sleep so many seconds, unless a signal or one of these descriptors comes, which the next `wait` will see."""
        self._poll(seconds, descriptors)

    def _poll(self, seconds: float, descriptors: Iterable[int]) -> set[int]:
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        for descriptor in descriptors:
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(seconds * 1000)}


def handle_quietly(numbers: Iterable[int]) -> None:
    """Have these signals, and all that this process ignores, handled by doing nothing, and unblock every signal.

    An ignored or a blocked signal would stay so in every child; a handler does not (execve(2), signal(7)).
    """
    ignored = [number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
    for number in (*ignored, *numbers):
        signal.signal(number, _do_nothing)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _do_nothing(signum: int, frame: object) -> None:
    pass
