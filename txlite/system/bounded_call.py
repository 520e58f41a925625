"""A call that cannot hang its caller: it is made in a child process, with a deadline.

A child that is late is told to end, so that it can remove what it made; if it cannot be killed either (it waits for a
network mount that is gone), it is left. Used by `doctor`, for each of its checks.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from ..errors import Error
from . import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

PATIENCE = 5.0  # seconds for a call
_GRACE = 1.0  # seconds between asking a late child to end, and killing it


class Late(Exception):
    """No answer came within the deadline."""


class Failed(Exception):
    """The question raised, or its process died; the message says how."""


def call_bounded(question: Callable[[], object], patience: float = PATIENCE) -> list:
    """Return the list that `question` returns in a child process, as JSON carries it.

    patience: seconds. Raises Late when they are over, and Failed where it raised or died.
    """
    reader, writer = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # else the child has a copy of what is still to be written
    child = os.fork()
    if not child:
        os.close(reader)
        _answer(question, writer)
    os.close(writer)
    answered = False
    try:
        data = _read(reader, clock.monotonic() + patience)
        answered = True
    finally:
        os.close(reader)
        _end(child, answered)
    return _parse(data)


def _answer(question: Callable[[], object], writer: int) -> NoReturn:
    """The child's whole life: whatever happens, it does not go on as its parent."""
    try:
        answer = _ask(question)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(writer, "w") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _ask(question: Callable[[], object]) -> str:
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # `finally` and `with` do their work
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # whoever reads our output waits for nobody who is stuck
            os.dup2(null, stream)
        return json.dumps([None, question()])
    except Error as error:
        return json.dumps([str(error), None])
    except BaseException as error:
        return json.dumps([f"{type(error).__name__}: {error}", None])


def _read(reader: int, deadline: float) -> bytes:
    data = b""
    while True:
        left = deadline - clock.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise Late
        part = os.read(reader, 65536)
        if not part:
            return data
        data += part


def _parse(data: bytes) -> list:
    try:
        failure, value = json.loads(data)
    except ValueError:
        raise Failed("its process died") from None
    if failure is not None:
        raise Failed(" ".join(failure.split()))
    return list(value)


def _end(child: int, answered: bool) -> None:
    """Wait for the child's end, and see to it; one that cannot be killed is left."""
    for number in (0, signal.SIGTERM, signal.SIGKILL) if answered else (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(child, number)
            deadline = clock.monotonic() + _GRACE
            while clock.monotonic() < deadline:
                if os.waitpid(child, os.WNOHANG)[0]:
                    return
                time.sleep(0.001)
        except (ChildProcessError, ProcessLookupError):
            return  # where SIGCHLD is ignored, nobody has to collect it
