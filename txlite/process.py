"""Processes: who they are, which belong to an attempt, how a whole tree is ended, who is alive.

An attempt's tree is found by three things together, because each alone can be shed:
  parenthood  descendants of the agent, and orphans that the kernel handed to us as their child subreaper;
  session     the agent leads a session of its own;
  mark        TXLITE_ATTEMPT=<home's uuid>:<attempt> in the environment and, on Linux, the same number as the
              soft limit RLIMIT_RTTIME: inherited across fork, exec, setsid and `env -i`, readable in /proc,
              and without effect, since it bounds real-time scheduling at over 70,000 years.
A PID is signalled only while its start time is the one that was seen, through a pidfd where the kernel has them.
Used by `attempt`, `recovery` and `supervisor`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal

from . import clock
from .record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

MARK = "TXLITE_ATTEMPT"
KILL_PATIENCE = 5.0  # seconds after KILL until a process counts as one that cannot be killed
_MARK_BASE = 1 << 61
_ATTEMPT_BITS = 32


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
        fields = text.split(" ")
        return cls(int(fields[0]), int(fields[1]), *fields[2:]) if len(fields) == 4 else None

    def is_alive(self) -> bool:
        """Whether it still runs, on this boot and in this PID namespace."""
        if (self.boot, self.namespace) != (clock.boot(), pid_namespace()):
            return False
        found = look(self.pid)
        return found is not None and found.start == self.start and found.state != "Z"


class Process(NamedTuple):
    """A line of the process table."""

    pid: int
    parent: int
    session: int
    start: int
    state: str  # as in ps: R S D T Z


def pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"


def identify(pid: int) -> Identity:
    """The identity of a living process, such as ourselves or a child not yet reaped."""
    found = look(pid)
    return Identity(pid, found.start if found else 0, clock.boot(), pid_namespace())


def look(pid: int) -> Process | None:
    """The process with this PID, or None."""
    if not _HAS_PROC:
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
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0].decode())


def table() -> dict[int, Process]:
    """All processes that can be seen."""
    if not _HAS_PROC:
        return _ps(["-ax"])
    found = (look(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process}


_HAS_PROC = os.path.exists("/proc/self/stat")


def _ps(selection: list[str]) -> dict[int, Process]:
    """The same from ps(1), for systems without /proc. There the process group stands for the session."""
    import subprocess
    import time

    columns = ["-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart="]
    command = ["/bin/ps", *selection, *columns]
    listing = subprocess.run(command, check=False, capture_output=True, text=True, env={"LC_ALL": "C"}).stdout
    processes = {}
    for line in listing.splitlines():
        pid, parent, group, state, started = line.split(None, 4)
        start = int(time.mktime(time.strptime(started.strip(), "%a %b %d %H:%M:%S %Y")))
        processes[int(pid)] = Process(int(pid), int(parent), int(group), start, state[0])
    return processes


def mark_value(home: str, attempt: int) -> int:
    """The RLIMIT_RTTIME of an attempt's processes: 28 bits of home's uuid, 32 of the attempt."""
    return _MARK_BASE | int(home[:7], 16) << _ATTEMPT_BITS | attempt & (1 << _ATTEMPT_BITS) - 1


def mark_children(home: str, attempt: int) -> None:
    """Have the children that we start from now on inherit the mark of an attempt."""
    import resource

    if hasattr(resource, "RLIMIT_RTTIME"):
        hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
        if hard == resource.RLIM_INFINITY:  # under a lower one the mark does not fit, and the environment's must do
            resource.setrlimit(resource.RLIMIT_RTTIME, (mark_value(home, attempt), hard))


def is_marked(pid: int, home: str, attempt: int) -> bool:
    """Whether a process carries the mark of an attempt. False where its owner forbids us to look."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            if b" %d " % mark_value(home, attempt) in file.read():
                return True
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{MARK}={home}:{attempt}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def become_subreaper() -> bool:
    """Become the parent of every orphan below us (Linux 3.4). False where the system has no such thing."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0)  # PR_SET_CHILD_SUBREAPER
    except (ImportError, OSError, AttributeError):
        return False


def has_children() -> bool:
    """Whether this process has any child, dead or alive. For a subreaper: whether anything lives below it."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def reap(pid: int) -> None:
    """Collect one dead child, if it is ours. Never any child: that would steal another's exit code."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def send_signal(process: Process, number: int) -> None:
    """Signal the process that was seen, and no other that got its PID since.

    Raises PermissionError where it is not ours to signal; does nothing when it is gone.
    """
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


class Tree:
    """The processes of one attempt.

    home: uuid of the home; attempt: its number; agent: identity of the agent, or None if it never was known.
    `adopted`: the children of this process that may belong to it, besides the agent (a subreaper's orphans).
    `spared`: PIDs at which the search stops: live workers of other attempts, and what is below them.
    """

    def __init__(
        self,
        home: str,
        attempt: int,
        agent: Identity | None,
        adopted: Callable[[Process], bool] = lambda process: False,
        spared: Callable[[], Collection[int]] = tuple,
    ) -> None:
        self._home = home
        self._attempt = attempt
        self._agent = agent
        self._adopted = adopted
        self._spared = spared

    def members(self) -> list[Process]:
        """Those that live now. The dead among our own children are collected on the way."""
        processes = table()
        spared = {os.getpid(), *self._spared()}
        leader = self._leader(processes)
        found = {process.pid for process in processes.values() if self._belongs(process, leader)} - spared
        below: dict[int, list[int]] = {}
        for process in processes.values():
            below.setdefault(process.parent, []).append(process.pid)
        pending = list(found)
        while pending:
            children = [pid for pid in below.get(pending.pop(), ()) if pid not in found and pid not in spared]
            found.update(children)
            pending += children
        for pid in found:
            is_dead_child = processes[pid].state == "Z" and processes[pid].parent == os.getpid()
            if is_dead_child and not (self._agent and pid == self._agent.pid):
                reap(pid)
        return [processes[pid] for pid in found if processes[pid].state not in "ZX"]

    def _belongs(self, process: Process, leader: int | None) -> bool:
        return (
            (leader is not None and process.session == leader)
            or (process.parent == os.getpid() and self._adopted(process))
            or is_marked(process.pid, self._home, self._attempt)
        )

    def _leader(self, processes: dict[int, Process]) -> int | None:
        """The session to look for: only while its leader stands in the table, dead or alive, because
        once it was collected its number may be given again."""
        agent = self._agent
        if not agent or (agent.boot, agent.namespace) != (clock.boot(), pid_namespace()):
            return None
        found = processes.get(agent.pid)
        return agent.pid if (found is None and not _HAS_PROC) or (found and found.start == agent.start) else None


class Ending:
    """The end of a tree, in steps, so that who waits for it can go on with its other work.

    TERM to all, `kill_after` seconds, then KILL, again and again until nobody is left or, `KILL_PATIENCE`
    seconds later, somebody cannot be killed. `is_over` tells; `survivors` names those.
    """

    def __init__(self, tree: Tree, kill_after: float) -> None:
        self._tree = tree
        self._kill_at = clock.monotonic() + kill_after
        self._told: set[tuple[int, int]] = set()
        self._pause = 0.002
        self.is_over = False
        self.survivors: list[Process] = []

    def hasten(self) -> None:
        """Go over to KILL now."""
        self._kill_at = min(self._kill_at, clock.monotonic())
        self._pause = 0.002

    def step(self) -> float:
        """Do what is due; seconds until the next step is (0 once it is over)."""
        members = self._tree.members()
        now = clock.monotonic()
        if not members or now >= self._kill_at + KILL_PATIENCE:
            self.is_over = True
            self.survivors = members
            return 0.0
        for process in members:
            self._signal(process, kill=now >= self._kill_at)
        self._pause = min(self._pause * 2, 0.1)
        return min(self._pause, max(self._kill_at - now, 0.002) if now < self._kill_at else self._pause)

    def _signal(self, process: Process, kill: bool) -> None:
        try:
            if kill:
                send_signal(process, signal.SIGKILL)
            elif (process.pid, process.start) not in self._told:
                self._told.add((process.pid, process.start))
                send_signal(process, signal.SIGTERM)
                send_signal(process, signal.SIGCONT)  # a stopped process sees no TERM
        except PermissionError:
            pass  # another user's: it stays a member, and ends as a survivor


class Liveness:
    """A lock file that its process holds for as long as it lives, with a note for those who come after.

    The kernel lets go of the lock whatever killed the process; nobody can be fooled by a PID given again.
    """

    _SIZE = 512

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write_note(self, note: dict[str, object]) -> None:
        os.pwrite(self._file, json.dumps(note).encode().ljust(self._SIZE), 0)

    def release(self) -> None:
        """Remove the file and let go of the lock."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        os.close(self._file)


class Legacy:
    """The lock of a process that may have died. `taken`: it is dead, and we hold its lock now, so that
    no one else clears up after it at the same time; `note`: what it left."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.taken = self.is_missing = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            self.is_missing = True
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.taken = True
        except BlockingIOError:
            os.close(self._file)

    @property
    def note(self) -> dict:
        try:
            return dict(json.loads(os.pread(self._file, Liveness._SIZE, 0))) if self.taken else {}
        except ValueError:
            return {}  # it died before it wrote one

    def remove(self) -> None:
        """Clear the file away; the lock goes with it."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        self.close()

    def close(self) -> None:
        if self.taken:
            self.taken = False
            os.close(self._file)


def is_held(path: str) -> bool:
    """Whether a living process holds the lock at `path`. Asks for a shared lock, so that askers do not meet."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def ignored_signals() -> Iterator[int]:
    """The signals that this process ignores and a child would go on ignoring."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            yield number
