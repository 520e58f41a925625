"""One detached worker, a PID back.

`launch` forks twice (the interpreter is up already: a new one would double the time), and the grandchild becomes
a worker as in a run, for one task, with nothing left of its caller: session, streams and descriptors are its own.
The caller returns when the task is recorded and its report exists, or raises what went wrong. What the worker does from
then on, and how it answers signals, stands in `launched`. Used by the commands `launch` and `retry`.
"""

from __future__ import annotations

import json
import os
import select

from ..agents.agent import describe_absence
from ..errors import Bug, Error, Interrupted, NoRoom, Refused, UsageError, find_shortage, record_bug, told
from ..system import clock
from ..system.event_loop import handle_quietly
from ..system.process import exit_signals
from .launched import Launched, work
from .stop_policy import STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .launch_order import LaunchOrder

PATIENCE = 90.0  # seconds for a launched worker to say that it is there: the database may be locked for 30


class LaunchInterrupted(Interrupted):
    """Ctrl-C came when the worker was there already."""

    def __init__(self, launched: Launched) -> None:
        super().__init__(f"{launched.task} was launched all the same: `txlite stop {launched.task}` ends it")
        self.launched = launched


def launch(home: str, wanted: LaunchOrder) -> Launched:
    """Start a detached worker for it; return when its task is recorded and its report exists.

    Must be called by a process that has no database open and a single thread. Raises Error, with the exit code
    that tells why, where the worker could not begin.
    """
    if wanted.others is not None:
        raise UsageError(describe_absence(wanted.agent, wanted.others))
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise NoRoom(f"no process could be started ({error.strerror}): see `ulimit -u`") from error
    if not child:
        os.close(reading)
        _become_worker(home, wanted, writing)
    try:
        os.close(writing)
        _collect(child)
        return _hear(reading, PATIENCE)
    except KeyboardInterrupt:
        if not select.select([reading], [], [], 0)[0]:
            raise  # the worker finds nobody to tell that it is there, and does not begin
        raise LaunchInterrupted(_hear(reading, 0.0)) from None
    finally:
        os.close(reading)


def _collect(child: int) -> None:
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass  # our caller had SIGCHLD ignored: the kernel did it


def _hear(reading: int, patience: float) -> Launched:
    """What the worker says, once it is there."""
    said, deadline = b"", clock.monotonic() + patience
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while poll.poll(max(deadline - clock.monotonic(), 0.0) * 1000):
        part = os.read(reading, 65536)
        said += part
        if not part:
            break
    if not said:
        raise Refused("the launched worker died, or hangs, before it began: `txlite status` shows whether it did")
    message = json.loads(said)
    if "error" in message:
        raise told(message["exit_code"], message["error"])
    return Launched(**message)


def _become_worker(home: str, wanted: LaunchOrder, writing: int) -> NoReturn:
    """The rest of this process's life."""
    code = Bug.exit_code
    try:
        try:
            os.setsid()
            if os.fork():
                os._exit(0)
            _detach(writing)
        except OSError as error:
            raise NoRoom(f"no process could be detached ({error.strerror}): see `ulimit -u`") from error
        handle_quietly((*STOPPING, *exit_signals()))
        try:
            work(home, wanted, lambda message: _say(writing, message))
            code = 0
        except Error:
            raise
        except Exception as error:
            raise find_shortage(error) or record_bug("a launched worker") from None
    except Error as error:
        code = error.exit_code
        _say(writing, {"error": str(error), "exit_code": code})
    finally:
        os._exit(code)


def _detach(kept: int) -> None:
    """Give up all that came from the caller: who reads its output to the end must not wait for us."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) != kept:
            try:
                os.close(int(name))
            except OSError:
                pass  # the one that listed them


def _say(writing: int, message: dict[str, object]) -> bool:
    """Tell the caller, once; whether it was there to be told."""
    try:
        os.write(writing, json.dumps(message).encode())
        return True
    except OSError:
        return False
    finally:
        # The number stays taken: it must not come to stand for another file that is written to again.
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(null, writing, inheritable=False)
        os.close(null)
