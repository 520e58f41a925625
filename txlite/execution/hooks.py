"""Hooks: commands that are told what became of tasks, without delaying any work.

A hook is a line for `sh -c`. There are three kinds: finish (tasks came to their end), failure (they failed) and idle
(nothing is left to do, or a run has ended). Each kind that is wanted has a companion process (`hook_teller`), which
reads of what has ended from the history, and tells it; so a run spends nothing on its hooks but the look whether they
have something to say, and waits for the last of them at its end, for a while. Used by the verbs that run something.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from ..errors import find_shortage
from ..home import config
from ..model import ACTIVE, LOST
from ..store.new_tasks import check_command
from ..system import clock
from .hook_call import END, KINDS, NOW, HookCommands, say_on_stderr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..home.config import Settings
    from ..model import Lane
    from ..store.batches import Batch
    from ..store.history import Event
    from ..store.store import Store
    from ..system.channel import Channel
    from .hook_teller import HookOrder

MOMENT = 1.0  # seconds until it is said that they are waited for
PATIENCE = 10.0  # seconds that the last hooks get when all else has ended
GRACE = 5.0  # seconds for a companion to end its hook, and itself
LOOK = 0.1  # seconds between looks at what they say


def read_hooks(given: Mapping[str, object], settings: Settings) -> HookCommands:
    """Return the hooks that are given (on_finish, ...; "" for none), else those of config.ini. Raises UsageError,
    InvalidValue, naming the place."""
    found = {}
    for kind in KINDS:
        name = f"on_{kind}"
        value = given.get(name)
        if value is None:
            found[kind] = config.parse_option(settings, name, "", _parse) or None
        else:
            found[kind] = _parse(str(value), f"--on-{kind}") or None
    return HookCommands(**found, terminal=_find_terminal())


def _parse(value: str, what: str = "it") -> str:
    if value:
        check_command(value, what)
    return value


def _find_terminal() -> str:
    """The terminal of this process: of its output, where that is one."""
    for stream in (sys.stderr, sys.stdout, sys.stdin):
        try:
            return os.ttyname(stream.fileno())
        except (OSError, ValueError):
            continue
    return os.devnull


class Hooks:
    """The hooks of one run or worker. `say`: tells a person what they have to say; each kind says one thing at most."""

    def __init__(self, commands: HookCommands, say: Callable[[str], None]) -> None:
        self._commands = commands
        self._say = say
        self._channels: dict[str, Channel] = {}  # of those that live, by kind
        self._next_look = 0.0

    def start(self, order: HookOrder) -> None:
        """Start what tells of each kind that is wanted. Must be called with no database open."""
        from ..system.companion import start_companion  # a run without hooks does without
        from ..system.process import exit_signals
        from .hook_teller import tell
        from .stop_policy import STOPPING

        for kind in KINDS:
            command = self._commands.of(kind)
            if command is None:
                continue
            body = partial(tell, order._replace(kind=kind, command=command, terminal=self._commands.terminal))
            try:
                self._channels[kind] = start_companion(body, (*STOPPING, *exit_signals()), order.says_itself)
            except OSError as error:
                self._say(f"on_{kind} is told nothing: {find_shortage(error) or error.strerror}")

    def beside(self, observe: Callable[[bool], float | None]) -> Callable[[bool], float | None]:
        """Return what does the same as `observe` and hears what hooks have to say."""

        def observe_both(is_interrupted: bool) -> float | None:
            patience = observe(is_interrupted)
            self._look()
            return patience

        return observe_both if self._channels else observe

    def __enter__(self) -> Hooks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Have the last be told; give up after a while, or when somebody presses Ctrl-C, and say so."""
        try:
            self._send(END)
            if not self._wait(MOMENT):
                names = ", ".join(f"on_{kind}" for kind in self._channels)
                self._say(f"waiting for {names}, {PATIENCE:g} s at the most; Ctrl-C ends that")
            if not self._wait(PATIENCE - MOMENT):
                return self._give_up(f"had not ended {PATIENCE:g} s after all else")
        except KeyboardInterrupt:
            self._give_up("was told to end by Ctrl-C")

    def _give_up(self, why: str) -> None:
        for kind in self._channels:
            self._say(f"on_{kind} {why}: it is ended")
        self._send(NOW)
        self._wait(GRACE)
        for channel in self._channels.values():
            channel.close()

    def _send(self, word: bytes) -> None:
        for channel in self._channels.values():
            channel.send(word)

    def _wait(self, seconds: float) -> bool:
        """Hear them to their end; whether that came within so many seconds."""
        import select

        deadline = clock.monotonic() + seconds
        while self._channels and clock.monotonic() < deadline:
            poll = select.poll()
            for channel in self._channels.values():
                poll.register(channel.descriptor, select.POLLIN)
            poll.poll(max(deadline - clock.monotonic(), 0.0) * 1000)
            self._hear(is_ending=True)
        return not self._channels

    def _look(self) -> None:
        now = clock.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK
            self._hear()

    def _hear(self, is_ending: bool = False) -> None:
        for kind, channel in list(self._channels.items()):
            try:
                for word in channel.receive():
                    self._say(word.decode("utf-8", "replace"))
            except EOFError:
                channel.close()
                del self._channels[kind]
                if not is_ending:
                    self._say(f"on_{kind} is told nothing any more: its process was killed")


def told_by_run(run: str, batch: Batch | None) -> Callable[[Store, Event], bool]:
    """Return which changes a run tells its hooks of: what its own workers ended, or was lost, and of its batch also
    what a person ended."""

    def is_ours(store: Store, event: Event) -> bool:
        if event.from_status == ACTIVE:
            return event.run == run or event.outcome == LOST
        return batch is not None and store.batches.has(batch, event.task)

    return is_ours


def told_by_worker(worker: str) -> Callable[[Store, Event], bool]:
    """Return which changes a worker without a supervisor tells its hooks of: what it ended."""
    return lambda store, event: event.worker == worker


def start_worker_hooks(commands: HookCommands, store: Store, worker: str, lanes: Iterable[Lane]) -> Hooks:
    """Return the hooks of a worker without a supervisor that is about to begin; they complain on its stderr, since it
    hears nobody while it works."""
    return start_hooks(commands, store, None, told_by_worker(worker), say_on_stderr, lanes, True, says_itself=True)


def start_hooks(
    commands: HookCommands,
    store: Store,
    run: str | None,
    is_ours: Callable[[Store, Event], bool],
    say: Callable[[str], None],
    lanes: Iterable[Lane] = (),
    stays: bool = False,
    says_itself: bool = False,
) -> Hooks:
    """Return the hooks of a run that is about to begin; it has the store open, and a single thread.

    is_ours: whether it tells of a change. lanes: what its workers accept. stays: it goes on when it is idle.
    says_itself: they complain on stderr, and not by `say`.
    """
    hooks = Hooks(commands, say)
    if commands[:3] != (None, None, None):
        from .hook_teller import HookOrder

        order = HookOrder(
            store.database.path, run, store.history.last_event(), is_ours, tuple(lanes), stays, says_itself
        )
        with store.database.closed():
            hooks.start(order)
    return hooks
