"""Findings, and checks that never hang.

Each check is asked in a child process of its own, with a deadline: what blocks there, on a network mount that is
gone, or dies, costs that check alone. A child that is late is told to end, so that it can remove what it made; if
it cannot be killed either, it is left. Used by `doctor` and its checks.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from ..errors import Error
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

OK = "ok"  # all is promised
LIMITED = "limited"  # some of it is not
BROKEN = "broken"  # work cannot be done, or not be trusted
PATIENCE = 5.0  # seconds for a check
_GRACE = 1.0  # seconds between asking a late child to end, and killing it


class Finding(NamedTuple):
    """What was found about one thing."""

    name: str
    level: str  # OK, LIMITED or BROKEN
    found: str  # the fact, and what it means for the promises
    advice: str = ""  # what to do; nothing where all is well


class Check(NamedTuple):
    """How to find out about one thing."""

    name: str
    look: Callable[[], list[Finding]]
    patience: float = PATIENCE
    late: Finding | None = None  # what it means that no answer came, where that is not what `examine` says


class Late(Exception):
    """No answer came within the deadline."""


class Failed(Exception):
    """The question raised, or its process died; the message says how."""


def found_error(name: str, error: Error) -> Finding:
    """What an error of ours says: its last part is what to do."""
    found, _, advice = str(error).rpartition(": ")
    return Finding(name, BROKEN, found or advice, advice)


def examine(check: Check) -> list[Finding]:
    """What a check finds. It never raises and never blocks."""
    try:
        return [Finding._make(row) for row in ask(check.look, check.patience)]
    except Late:
        said = f"no answer within {check.patience:g} s: every command that needs it would hang"
        advice = "see whether its file system answers (a network mount that is gone?)"
        return [check.late or Finding(check.name, BROKEN, said, advice)]
    except Failed as failure:
        return [Finding(check.name, LIMITED, f"could not be checked: {failure}", "see what it names; all else goes on")]


def ask(question: Callable[[], object], patience: float = PATIENCE) -> list:
    """The list that `question` gives, asked in a child process. Raises Late, Failed."""
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
    """The child's whole life."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # `finally` and `with` do their work
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # whoever reads our output waits for nobody who is stuck
            os.dup2(null, stream)
        answer = json.dumps([None, question()])
    except Error as error:
        answer = json.dumps([str(error), None])
    except BaseException as error:
        answer = json.dumps([f"{type(error).__name__}: {error}", None])
    try:
        with open(writer, "w") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


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
