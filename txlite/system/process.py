"""Processes: who they are, the process table, signals that reach the one that was meant.

A PID is signalled only while its start time is the one that was seen, through a pidfd where the kernel has them
(pidfd_open(2)). What is known of a process is read from /proc (proc(5)), or from ps(1) where there is none. Used by
`process_tree`, by `store` and `view` to tell who lives, and by `execution`.
"""

from __future__ import annotations

import errno
import os

from . import clock
from .named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Identity(NamedTuple):
    """One process for all time: a PID alone is given again."""

    pid: int
    start: int  # ticks since boot; 0 where the system does not say
    boot: str
    namespace: str

    def __str__(self) -> str:
        return " ".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Identity | None:
        """Return the identity that `str` wrote, None for any other text."""
        fields = text.split(" ")
        return cls(int(fields[0]), int(fields[1]), *fields[2:]) if len(fields) == 4 else None

    def is_here(self) -> bool:
        """Return whether it would stand in our process table: on this boot, in this PID namespace."""
        return (self.boot, self.namespace) == (clock.boot(), pid_namespace())

    def is_alive(self) -> bool:
        """Return whether it still runs, here."""
        return self.find() is not None

    def find(self) -> Process | None:
        """Return its process, if it still runs, here."""
        found = look(self.pid) if self.is_here() else None
        return found if found and found.start == self.start and found.state != "Z" else None


class Process(NamedTuple):
    """A line of the process table: one process as it was at one moment."""

    pid: int
    parent: int
    session: int
    start: int
    state: str  # as in ps: R S D T Z
    used: str  # CPU time so far, in whatever unit: what matters is whether it grows


def pid_namespace() -> str:
    """Return the name of our PID namespace (pid_namespaces(7)), "-" where the system has none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"


def identify(pid: int) -> Identity:
    """Return the identity of a living process, such as ourselves or a child not yet reaped."""
    found = look(pid)
    return Identity(pid, found.start if found else 0, clock.boot(), pid_namespace())


def look(pid: int) -> Process | None:
    """Return the process with this PID, or None."""
    if not HAS_PROC:
        return _ps(["-p", str(pid)]).get(pid)
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None  # gone, or hidden from us (hidepid): what we may not see we could not signal either
    try:
        line = os.read(file, 4096)
    except ProcessLookupError:
        return None
    finally:
        os.close(file)
    fields = line[line.rindex(b")") + 2 :].split()
    used = str(int(fields[11]) + int(fields[12]))
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0].decode(), used)


def table(see: Callable[[Process], object] = lambda seen: None) -> dict[int, Process]:
    """Return all processes that can be seen, by PID.

    see: is called with each while it is there, if at all: one that forks and exits is gone when the others were read.
    """
    if not HAS_PROC:
        processes = _ps(["-ax"])
        for process in processes.values():
            see(process)
        return processes
    found: dict[str, Process | None] = {}
    for _ in range(50):
        # A process that forks and exits can be gone when its turn comes, and its child not be listed yet. So list
        # again, until nobody is new.
        new = [name for name in os.listdir("/proc") if name.isdigit() and name not in found]
        if not new:
            break
        for name in new:
            found[name] = seen = look(int(name))
            if seen:
                see(seen)
    return {process.pid: process for process in found.values() if process}


HAS_PROC = os.path.exists("/proc/self/stat")
LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # Linux 4.2, where it is configured


def children(pid: int) -> list[tuple[int, int]]:
    """Return the PIDs of the children of a process, each with the thread that started it; where LISTS_CHILDREN."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                found += [(int(child), int(thread)) for child in file.read().split()]
    except OSError:
        pass  # it has just ended
    return found


def _ps(selection: list[str]) -> dict[int, Process]:
    """The same from ps(1), for systems without /proc. There the process group stands for the session."""
    import calendar
    import subprocess
    import time

    env = {"LC_ALL": "C", "TZ": "UTC"}  # a process's start is the same for callers in any zone
    columns = ["-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=", "-o", "time=", "-o", "lstart="]
    command = ["/bin/ps", *selection, *columns]
    listing = subprocess.run(command, check=False, capture_output=True, text=True, env=env).stdout
    processes = {}
    for line in listing.splitlines():
        pid, parent, group, state, used, started = line.split(None, 5)
        start = int(calendar.timegm(time.strptime(started.strip(), "%a %b %d %H:%M:%S %Y")))
        processes[int(pid)] = Process(int(pid), int(parent), int(group), start, state[0], used)
    return processes


def become_subreaper() -> bool:
    """Become the parent of every orphan below us (prctl(2), Linux 3.4). Return False where there is no such thing."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0)  # PR_SET_CHILD_SUBREAPER
    except (ImportError, OSError, AttributeError):
        return False


def reap_adopted(own: Collection[int]) -> bool:
    """Collect dead children that are not our own but came to us as orphans; return whether there is still any child.

    For a subreaper: whether anything lives below it."""
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        if dead is None or dead.si_pid in own:
            return True
        reap(dead.si_pid)


def reap(pid: int) -> None:
    """Collect one dead child, if it is ours. Never any child: that would steal another's exit code."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def open_pidfd(pid: int) -> int:
    """Return a descriptor that becomes readable when a child exits; -1 where there is no such thing (pidfd_open(2))."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def exit_signals() -> tuple[int, ...]:
    """Return the signals that tell of a child's exit: none where it can be waited for by `open_pidfd`."""
    import signal

    pidfd = open_pidfd(os.getpid())
    if pidfd < 0:
        return (signal.SIGCHLD,)
    os.close(pidfd)
    return ()


def send_signal(process: Process, number: int) -> None:
    """Send a signal to the process that was seen, and to no other that got its PID since.

    Raises PermissionError where it is not ours to signal; does nothing when it is gone.
    """
    import signal

    if not hasattr(os, "pidfd_open"):
        return _send_by_pid(process, number)
    try:
        handle = os.pidfd_open(process.pid)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):  # a kernel before 5.3, or a sandbox
            _send_by_pid(process, number)
        return
    try:
        if _is_same(process):
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def _send_by_pid(process: Process, number: int) -> None:
    try:
        if _is_same(process):
            os.kill(process.pid, number)
    except ProcessLookupError:
        pass


def _is_same(process: Process) -> bool:
    found = look(process.pid)
    return found is not None and found.start == process.start
