"""The screen that follows a home: it waits for keys, signals and time, looks again when it is due, and draws.

It promises to take no more than a hundredth of a core while nobody presses keys, and that the terminal is as it was
before, whatever but KILL ends it.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from ...store.store import open_store
from ...system import clock
from ...system.event_loop import EventLoop
from .controls import Controls
from .gatherer import Gatherer
from .layout import Screenful, draw_help, draw_screen
from .terminal import FullScreen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.store import Store

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
NOTED = (*ENDING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)
OFTEN = 1.0  # seconds between two looks, at the least, and
SHARE = 150  # times the CPU time that one took


class TopScreen:
    """One screen, from its opening to its end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_nowhere = not os.path.lexists(store.database.path)  # there is no home yet
        self._gatherer = Gatherer(store)
        self._controls = Controls(store)
        self._terminal = FullScreen()
        self._loop = EventLoop()
        self._shown = Screenful([])
        self._next_look = 0.0

    def run(self) -> int:
        """Show it until a person leaves or a signal comes; the exit code. Raises UsageError without a terminal,
        StoreLost where the database is deleted or replaced."""
        self._terminal.open()
        try:
            self._loop.open(NOTED)
            try:
                return self._follow()
            finally:
                self._loop.close()
        finally:
            self._terminal.close()

    def _follow(self) -> int:
        self._controls.take(self._gatherer.begin(self._terminal.size().lines))
        self._draw()
        while not self._controls.is_over:
            ending = self._heed_signals()
            if ending:
                return 128 + ending
            if clock.monotonic() >= self._next_look:
                self._look()
                self._draw()
            wait = max(self._next_look - clock.monotonic(), 0.0)
            stdin, answers = sys.stdin.fileno(), self._controls.errands.descriptor
            readable = self._loop.wait(wait, [stdin, answers])
            if stdin in readable and not self._heed_keys():
                return 128 + signal.SIGHUP  # the terminal has gone
            if answers in readable:
                self._controls.hear()
                self._next_look = 0.0
            if readable:
                self._draw()
        return 0

    def _look(self) -> None:
        began, rare = time.process_time(), self._gatherer.rare
        if self._is_nowhere and os.path.lexists(self._store.database.path):
            self._begin_anew()
        if not self._is_nowhere:
            self._store.database.check_file()  # another's home, made where this one was, is not to be acted on
        if self._controls.log:
            self._controls.log.look()
        else:
            self._controls.take(self._gatherer.look(self._shown.attempts))
        used = (
            time.process_time() - began - max(self._gatherer.rare - rare, 0.0)
        )  # what is seldom done has its own pace
        self._next_look = clock.monotonic() + max(OFTEN, SHARE * used)

    def _begin_anew(self) -> None:
        """Look at the home that has come into being."""
        self._is_nowhere = False
        self._store = open_store(self._store.home, read_only=True)
        self._gatherer = Gatherer(self._store)
        self._controls = Controls(self._store)

    def _draw(self) -> None:
        columns, lines = self._terminal.size()
        controls = self._controls
        if controls.is_help:
            shown = draw_help(columns, lines)
        elif controls.log:
            shown = controls.log.draw(controls.foot, columns, lines)
        else:
            now = time.strftime("%H:%M:%S")
            shown = self._shown = draw_screen(controls.seen, controls.sight, controls.foot, now, columns, lines)
        self._terminal.draw(shown)

    def _heed_keys(self) -> bool:
        """Do what was pressed; False where the terminal has gone."""
        keys = self._terminal.keys()
        for key in keys:
            self._controls.press(key)
        return bool(keys) or not self._terminal.has_gone()

    def _heed_signals(self) -> int:
        """Do what signals ask for; the one that ends it, or 0."""
        while self._loop.signals:
            number = self._loop.signals.pop(0)
            if number in ENDING:
                return number
            if number == signal.SIGTSTP:
                self._terminal.suspend()
                os.kill(os.getpid(), signal.SIGSTOP)
            self._terminal.restore()
            self._next_look = 0.0
        return 0


def follow_home(store: Store) -> int:
    """Show a home on the whole terminal until a person leaves; the exit code. Raises UsageError without a terminal,
    StoreLost where the database is deleted or replaced."""
    return TopScreen(store).run()
