"""A child process in a session of its own, that gets its input, its output and nothing else of ours.

posix_spawn(3) starts it in half the time of `subprocess`, and in a tenth before Python 3.10, where the C library can
give it a session (glibc 2.26). It closes no descriptors: those of Python and SQLite close themselves in a new program,
and `keep_descriptors` sees to what this process was started with. Signals that we handle are handled no more in the
child; those that we ignore would be ignored there, too (execve(2)): see `event_loop.handle_quietly`. Who collects
orphans that came to us leaves our own to those who wait for them: `uncollected`. Called by the executors.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    class Child(Protocol):
        """A process that was started here. `returncode`: as `subprocess` has it; None until it was collected."""

        @property
        def pid(self) -> int:
            """Return its PID, which is its own until it was collected."""

        @property
        def returncode(self) -> int | None:
            """Return 0 to 255, or the negative number of the signal that ended it."""

        def poll(self) -> int | None:
            """Collect it if it has ended, without waiting; return its return code."""


_started: set[int] = set()  # the PIDs of those that were not collected
os.register_at_fork(after_in_child=_started.clear)


def uncollected() -> frozenset[int]:
    """Return the PIDs of our own children: whoever started one waits for it, and collects it."""
    return frozenset(_started)


class SpawnedChild:
    """A child that posix_spawn started (a `Child`)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        _started.add(pid)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Collect it if it has ended, without waiting; return its return code.

        Raises ChildProcessError where another one of us has collected it.
        """
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                _started.discard(self.pid)
                raise
            if pid:
                _started.discard(pid)
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def start(
    argv: list[str],
    directory: str | None,
    environment: Mapping[bytes, bytes],
    stdin: int | None,
    output: int,
    prefix: Sequence[str] = (),
    errors: int | None = None,
) -> Child:
    """Start a program in a session of its own, in `directory` (None: where we are). Raises OSError, ValueError.

    stdin, output, errors: descriptors; None: no input, and end-of-file at once; stderr goes where the output goes.
    prefix: the argv of what starts it, by execve(2), in this process; that it cannot be found is told as if there were
    none.
    """
    if errors is None:
        errors = output
    elsewhere = directory if directory != _here() else None
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC) if elsewhere else -1
    try:
        if elsewhere:
            os.chdir(elsewhere)
        if prefix:
            _check(_find(argv[0], environment))
            argv = [*prefix, *argv]
        return SpawnedChild(_spawn(argv, environment, stdin, output, errors))
    except NotImplementedError:  # Python was built for an older C library
        import subprocess

        source = subprocess.DEVNULL if stdin is None else stdin
        return subprocess.Popen(
            argv, env=environment, stdin=source, stdout=output, stderr=errors, start_new_session=True
        )
    finally:
        if elsewhere:
            os.fchdir(here)
            os.close(here)


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # it was removed


def _spawn(argv: list[str], environment: Mapping[bytes, bytes], stdin: int | None, output: int, errors: int) -> int:
    actions: list[tuple] = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, errors, 2)]
    if stdin is None:
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    else:
        actions.append((os.POSIX_SPAWN_DUP2, stdin, 0))
    return os.posix_spawn(_find(argv[0], environment), argv, environment, file_actions=actions, setsid=True)


def _find(program: str, environment: Mapping[bytes, bytes]) -> str:
    """The file that a name without a slash means in the child's environment, as execvp(3) finds it."""
    if "/" not in program:
        path = os.fsdecode(environment.get(b"PATH", os.fsencode(os.defpath)))
        for directory in path.split(os.pathsep):
            file = os.path.join(directory or ".", program)
            if os.access(file, os.X_OK) and not os.path.isdir(file):
                return file
    return program


def _check(program: str) -> None:
    """Raise OSError where this file cannot be run."""
    if not os.access(program, os.X_OK) or os.path.isdir(program):
        number = errno.EACCES if os.path.exists(program) else errno.ENOENT
        raise OSError(number, os.strerror(number))


def be_nice(increment: int) -> list[str]:
    """Return the prefix that has a program, and all that it starts, stand so far behind others (nice(1))."""
    return [next(filter(os.path.exists, ("/usr/bin/nice", "/bin/nice")), "nice"), "-n", str(increment)]


def keep_descriptors() -> None:
    """Have what this process was started with, but for its standard streams, stay out of every program that it starts
    from now on."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                pass  # the listing's own, which is closed by now
