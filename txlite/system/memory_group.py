"""A control group for the memory of one tree of processes, where such groups are ours to make (cgroups(7), version 2).

The kernel then ends the whole tree at the very page that is too much, and counts what no look from outside can: files
in a tmpfs, what comes and goes between two looks. Groups are ours to make where somebody delegated our own to us, as
systemd does by Delegate=yes and says in an attribute; or where its processes may be in groups below it anyhow. Of a
delegated group all processes are moved into one below it, because only one without processes of its own may have groups
with limits. Used by `execution.executors.local`, and by `doctor`.
"""

from __future__ import annotations

import os
import re
import time

from .control_groups import find_own, read

REST = "txlite"  # the group below a delegated one for all that has no limit
DELEGATED = ("user.delegate", "trusted.delegate")  # attributes, by systemd
ROUNDS = 10  # until nothing has forked meanwhile
STALE = 60.0  # seconds after which an empty group of ours is one that a kill has left
_MOUNT = re.compile(r"^\S+ \S+ \S+ (\S+) (\S+) [^-]*- cgroup2 ", re.M)


def find_place(root: str = "/") -> str | None:
    """Return the directory of the group in which groups with limits of memory are ours to make; None: there is none.

    Nothing is changed. root: where the system's files are looked up.
    """
    own = _find_own(root)
    if own is None or "memory" not in read(os.path.join(own, "cgroup.controllers")).split():
        return None
    if os.path.basename(own) == REST and _is_ready(os.path.dirname(own)):
        return os.path.dirname(own)
    return own if _is_ready(own) or (_is_delegated(own) and _is_ours(own)) else None


def prepare_place(root: str = "/") -> str | None:
    """Return the same directory when groups in it may have limits of memory; None where that could not be had."""
    place = find_place(root)
    if place is None or _is_ready(place):
        return place
    rest = os.path.join(place, REST)
    try:
        os.makedirs(rest, exist_ok=True)
        for _ in range(ROUNDS):
            for pid in read(os.path.join(place, "cgroup.procs")).split():
                _move(pid, rest)
            if _write(os.path.join(place, "cgroup.subtree_control"), "+memory"):
                return place
    except OSError:
        pass  # who delegated it did not mean all of it: memory is measured from outside
    return None


def _find_own(root: str) -> str | None:
    """The directory of our group in the unified hierarchy, wherever that is mounted."""
    path = find_own(root).get("")
    mounted = _MOUNT.search(read(os.path.join(root, "proc/self/mountinfo")))
    if path is None or not mounted:
        return None
    top, point = mounted[1].rstrip("/"), mounted[2].lstrip("/")
    below = path[len(top) :] if path.startswith(top + "/") else "" if path == top else path
    found = os.path.join(root, point, below.strip("/")).rstrip("/")
    return found if os.path.isdir(found) else None


def _is_ready(place: str) -> bool:
    return "memory" in read(os.path.join(place, "cgroup.subtree_control")).split() and _is_ours(place)


def _is_ours(place: str) -> bool:
    return os.access(place, os.W_OK) and os.access(os.path.join(place, "cgroup.procs"), os.W_OK)


def _is_delegated(place: str) -> bool:
    for name in DELEGATED:
        try:
            if os.getxattr(place, name) == b"1":
                return True
        except (OSError, AttributeError):
            pass  # it has no such attribute, or this system none at all
    return False


def _move(pid: str, group: str) -> None:
    _write(os.path.join(group, "cgroup.procs"), pid)  # or it has just ended


def _write(path: str, text: str) -> bool:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        return False
    return True


class MemoryGroup:
    """The group of one tree. `path`: its directory."""

    def __init__(self, path: str, limit: int) -> None:
        """Make it, with a limit in bytes. Raises OSError where that cannot be had."""
        self.path = path
        os.makedirs(path, exist_ok=True)
        self._limit = limit
        if not _write(os.path.join(path, "memory.max"), str(limit)):
            remove_group(path)
            raise OSError(f"{path} takes no limit")
        _write(os.path.join(path, "memory.oom.group"), "1")  # all of it is ended, or nothing
        _write(os.path.join(path, "memory.swap.max"), "0")  # instead of being ended it would become slow
        self._kills = self._count_kills()

    @property
    def prefix(self) -> list[str]:
        """Return the argv that starts a program in it from its first instruction on; anyhow, where it is gone."""
        return ["/bin/sh", "-c", '{ echo 0 > "$0/cgroup.procs"; } 2> /dev/null; exec "$@"', self.path]

    @property
    def was_exceeded(self) -> bool:
        """Whether the kernel ended what was in it because that was too much."""
        return self._count_kills() > self._kills

    @property
    def peak(self) -> int:
        """Return the bytes that it had at the most; its limit, where the kernel does not say."""
        said = read(os.path.join(self.path, "memory.peak")).strip()  # Linux 5.19
        return int(said) if said.isdigit() else self._limit

    def remove(self) -> None:
        """Remove it, unless something lives in it."""
        remove_group(self.path)

    def _count_kills(self) -> int:
        events = dict(line.split() for line in read(os.path.join(self.path, "memory.events")).splitlines())
        return int(events.get("oom_kill", 0))


def remove_group(path: str) -> bool:
    """Remove a group, and those that its processes made in it; return whether nothing was left in it."""
    for directory, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            return False  # processes live in it, or it has gone
    return True


def remove_stale(place: str, name: str) -> None:
    """Remove the empty groups whose names begin so: what worked there was killed before it could."""
    for entry in os.scandir(place):
        if entry.name.startswith(name) and time.time() - entry.stat().st_ctime > STALE:
            remove_group(entry.path)
