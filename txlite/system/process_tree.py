"""An attempt's tree of processes: how it is found, and how all of it is ended.

It is found by three things together, because each alone can be shed:
  parenthood  descendants of the agent, and orphans that the kernel handed to us as their child subreaper;
  session     the agent leads a session of its own;
  mark        TXLITE_ATTEMPT=<home's uuid>:<attempt> in the environment and, on Linux, the same number as the
              soft limit RLIMIT_RTTIME: inherited across fork, exec, setsid and `env -i`, readable in /proc,
              and without effect, since it bounds real-time scheduling at over 70,000 years.
Used by `execution`: by workers for their own agents, and by recovery for those of dead workers; and by `mcp` and the
commands that are a person's, which ask whether they are inside an attempt.
"""

from __future__ import annotations

import os
import re
import signal

from . import clock, process
from .process import Identity, Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

MARK = "TXLITE_ATTEMPT"
CHASE = 0.05  # seconds
KILL_PATIENCE = 5.0  # seconds after KILL until a process counts as one that cannot be killed
_MARK_BASE = 1 << 61
_ATTEMPT_BITS = 32


def mark_value(home: str, attempt: int) -> int:
    """Return the RLIMIT_RTTIME of an attempt's processes: 28 bits of home's uuid, 32 of the attempt."""
    return _MARK_BASE | int(home[:7], 16) << _ATTEMPT_BITS | attempt & (1 << _ATTEMPT_BITS) - 1


def mark_children(home: str, attempt: int) -> None:
    """Have the children that we start from now on inherit the mark of an attempt (setrlimit(2))."""
    import resource

    if hasattr(resource, "RLIMIT_RTTIME"):
        hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
        if hard == resource.RLIM_INFINITY:  # under a lower one the mark does not fit, and the environment's must do
            resource.setrlimit(resource.RLIMIT_RTTIME, (mark_value(home, attempt), hard))


def is_in_an_attempt() -> bool:
    """Return whether this process carries the mark of an attempt of any home, in its limits."""
    import resource

    if not hasattr(resource, "RLIMIT_RTTIME"):
        return False
    return resource.getrlimit(resource.RLIMIT_RTTIME)[0] & ~(_MARK_BASE - 1) == _MARK_BASE


def is_marked(pid: int, home: str, attempt: int) -> bool:
    """Return whether a process carries the mark of an attempt. False where its owner forbids us to look."""
    return marked_attempt(pid, home) == attempt


def marked_attempt(pid: int, home: str) -> int | None:
    """Return the attempt of this home whose mark a process carries, in its limits or else its environment."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            found = re.search(rb"^Max realtime timeout +(\d+)", file.read(), re.M)
        if found and int(found[1]) >> _ATTEMPT_BITS == mark_value(home, 0) >> _ATTEMPT_BITS:
            return int(found[1]) & (1 << _ATTEMPT_BITS) - 1
        with open(f"/proc/{pid}/environ", "rb") as file:
            found = re.search(rb"(?:^|\0)%s=%s:(\d+)(?:\0|$)" % (MARK.encode(), home.encode()), file.read())
        return int(found[1]) if found else None
    except OSError:
        return None


class Tree:
    """The processes of one attempt, found anew each time."""

    def __init__(
        self,
        home: str,
        attempt: int,
        agent: Identity | None,
        adopted: Callable[[Process], bool] = lambda child: False,
        spared: Callable[[], Collection[int]] = tuple,
        has_orphans: bool = False,
    ) -> None:
        """Note what belongs to the tree.

        home: uuid of the home; attempt: its number; agent: identity of the agent, or None if it never was known.
        adopted: the children of this process that may belong to it, besides the agent (a subreaper's orphans).
        spared: PIDs at which the search stops: live workers of other attempts, and what is below them.
        has_orphans: this process is the subreaper of all that belongs to it.
        """
        self._home = home
        self._attempt = attempt
        self._agent = agent
        self._adopted = adopted
        self._spared = spared
        self._has_orphans = has_orphans

    def members(self) -> list[Process]:
        """Return those that live now. Orphans of it that came to us and died are collected on the way."""
        marked: set[int] = set()

        def see(seen: Process) -> None:
            if self._is_marked(seen):
                marked.add(seen.pid)

        processes = process.table(see)
        spared = {os.getpid(), *self._spared()}
        leader = self._leader(processes)
        roots = marked | {member.pid for member in processes.values() if self._belongs(member, leader)}
        members = [processes[pid] for pid in _with_descendants(roots - spared, processes.values(), spared)]
        for member in members:
            if member.state == "Z" and self._is_orphan(member):
                process.reap(member.pid)
        return [member for member in members if member.state not in "ZX"]

    def pids(self, is_exact: bool = False) -> dict[int, tuple[int, int]]:
        """Return the PIDs of the members, each with its parent's, and with the thread of that one that started it.

        By parenthood alone, at a fraction of what `members` costs, where that is enough: where orphans come to us, and
        the kernel lists children. is_exact: heed who is spared, which takes longer."""
        if not (self._has_orphans and process.LISTS_CHILDREN):
            return {member.pid: (member.parent, member.parent) for member in self.members()}
        spared = self._spared() if is_exact else ()
        pending = [(pid, os.getpid(), thread) for pid, thread in process.children(os.getpid()) if self._is_root(pid)]
        found: dict[int, tuple[int, int]] = {}
        while pending:
            pid, parent, thread = pending.pop()
            if pid not in found and pid not in spared:
                found[pid] = parent, thread
                pending += [(child, pid, one) for child, one in process.children(pid)]
        return found

    def _is_root(self, pid: int) -> bool:
        """Whether a child of ours is the agent, or an orphan of its tree."""
        if self._agent and pid == self._agent.pid:
            return True
        seen = process.look(pid)
        return seen is not None and self._is_orphan(seen)

    def chase(self) -> None:
        """Kill those that fork and exit faster than the whole process table can be read.

        For CHASE seconds, only newcomers are looked at, and at once.
        """
        spared = {os.getpid(), *self._spared()}
        known: set[str] = set()
        deadline = clock.monotonic() + CHASE
        while process.HAS_PROC and clock.monotonic() < deadline:
            for name in os.listdir("/proc"):
                if name.isdigit() and name not in known:
                    known.add(name)
                    member = process.look(int(name))
                    if member and member.pid not in spared and (self._is_orphan(member) or self._is_marked(member)):
                        send(member, signal.SIGKILL)

    def _belongs(self, member: Process, leader: int | None) -> bool:
        return (leader is not None and member.session == leader) or self._is_orphan(member)

    def _is_marked(self, member: Process) -> bool:
        return is_marked(member.pid, self._home, self._attempt)

    def _is_orphan(self, member: Process) -> bool:
        is_agent = self._agent is not None and member.pid == self._agent.pid
        return member.parent == os.getpid() and not is_agent and self._adopted(member)

    def _leader(self, processes: dict[int, Process]) -> int | None:
        """The session to look for: only while its leader stands in the table, dead or alive, because
        once it was collected its number may be given again."""
        agent = self._agent
        if not agent or (agent.boot, agent.namespace) != (clock.boot(), process.pid_namespace()):
            return None
        found = processes.get(agent.pid)
        return agent.pid if (found is None and not process.HAS_PROC) or (found and found.start == agent.start) else None


def _with_descendants(roots: set[int], processes: Iterable[Process], spared: Collection[int]) -> set[int]:
    """PIDs of the roots and of all below them, but for those that are spared, and what is below those."""
    below: dict[int, list[int]] = {}
    for one in processes:
        below.setdefault(one.parent, []).append(one.pid)
    found, pending = set(roots), list(roots)
    while pending:
        children = [pid for pid in below.get(pending.pop(), ()) if pid not in found and pid not in spared]
        found.update(children)
        pending += children
    return found


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
        self._is_chased = False  # KILL was sent, and somebody was there all the same
        self.is_over = False
        self.survivors: list[Process] = []

    def hasten(self) -> None:
        """Go over to KILL now."""
        self._kill_at = min(self._kill_at, clock.monotonic())
        self._pause = 0.002

    def step(self) -> float:
        """Do what is due; return the seconds until the next step is (0 once it is over)."""
        now = clock.monotonic()
        if self._is_chased:
            self._tree.chase()
        members = self._tree.members()
        if not members or now >= self._kill_at + KILL_PATIENCE:
            self.is_over = True
            self.survivors = members
            return 0.0
        self._is_chased = now >= self._kill_at
        # Stopped first, all of them, a tree forks no more while one after the other is killed.
        for number in (signal.SIGSTOP, signal.SIGKILL) if self._is_chased else (signal.SIGTERM,):
            for member in members:
                self._signal(member, number)
        self._pause = min(self._pause * 2, 0.1)
        return min(self._pause, max(self._kill_at - now, 0.002) if now < self._kill_at else self._pause)

    def _signal(self, member: Process, number: int) -> None:
        if number != signal.SIGTERM:
            send(member, number)
        elif (member.pid, member.start) not in self._told:
            self._told.add((member.pid, member.start))
            send(member, signal.SIGTERM)
            send(member, signal.SIGCONT)  # a stopped process sees no TERM


def send(member: Process, number: int) -> None:
    """Send a signal to a process, if it is ours to signal; another user's stays a member, and ends as a survivor."""
    try:
        process.send_signal(member, number)
    except PermissionError:
        pass
