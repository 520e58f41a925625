"""A companion: a process that is forked off to do something beside its maker, and is no child of it.

It holds nothing of its maker's but the channel between the two, which tells either of the other's end, however that
comes. So nobody waits for it, nobody who collects orphans or sweeps a tree below its maker finds it, and what it may do
when its maker was killed is for itself to decide. Signals that stop its maker do nothing to it. Made by
`execution.hooks`.
"""

from __future__ import annotations

import gc
import os

from .channel import Channel
from .event_loop import handle_quietly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn


def start_companion(body: Callable[[Channel], None], quiet: Iterable[int], keeps_errors: bool = False) -> Channel:
    """Fork a companion, whose process runs `body` with its end of the channel, and return the other end.

    quiet: signals that do nothing to it. keeps_errors: it writes to our stderr. Must be called by a process that has
    one thread and no database open. Raises OSError where no process or descriptor is to be had.
    """
    orders, ordering = os.pipe()
    try:
        hearing, words = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(hearing)
            os.close(words)
            raise
    except OSError:
        os.close(orders)
        os.close(ordering)
        raise
    if not child:
        _become(body, quiet, keeps_errors, orders, words)
    os.close(orders)
    os.close(words)
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass  # our caller had SIGCHLD ignored: the kernel did it
    return Channel(hearing, ordering)


def _become(
    body: Callable[[Channel], None], quiet: Iterable[int], keeps_errors: bool, orders: int, words: int
) -> NoReturn:
    """The rest of this process's life."""
    try:
        if not os.fork():
            gc.freeze()
            _let_go((0, 1) if keeps_errors else (0, 1, 2), (orders, words))
            handle_quietly(quiet)
            body(Channel(orders, words))
    finally:
        os._exit(0)


def _let_go(streams: Iterable[int], kept: Iterable[int]) -> None:
    """Give up all that came from the maker: who reads its output to the end must not wait for us."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in streams:
        os.dup2(null, stream)
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                pass  # the one that listed them
