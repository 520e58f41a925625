"""What trees of processes use: their share of a core, and their memory.

Read from /proc (proc(5)) for the trees that are asked for alone, and never by walking the whole process table; where
there is none, nothing is known. Used by `view`.
"""

from __future__ import annotations

import os

from . import clock, process
from .named_tuple import NamedTuple

MOST = 4096  # processes of one tree that are looked at
SPAN = 0.9  # seconds between two looks, at the least, for a share: the kernel counts in hundredths


class TreeUsage(NamedTuple):
    """What a tree uses at one moment."""

    share: float | None  # of one core: 1.0 is all of it; None until it has been looked at twice
    memory: int  # bytes that are resident, shared ones counted in each process
    processes: int


class _Sample(NamedTuple):
    """What was seen of a tree."""

    moment: float  # by the monotonic clock
    seconds: float  # of CPU time so far
    share: float | None


class UsageMeter:
    """Measures the same trees again and again."""

    def __init__(self) -> None:
        self._tick = 1.0 / os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._before: dict[int, _Sample] = {}  # by the process above the tree
        self._now: dict[int, _Sample] = {}

    def measure(self, root: int) -> TreeUsage | None:
        """Return what the processes below this one use, without itself; None where there are none."""
        ticks = pages = count = 0
        pending, seen = [child for child, _ in process.children(root)], {root}
        while pending and count < MOST:
            pid = pending.pop()
            fields = _read_stat(pid)
            if pid in seen or not fields:
                continue
            seen.add(pid)
            pending += [child for child, _ in process.children(pid)]
            count += 1
            ticks += sum(map(int, fields[11:15]))  # its own, and of its children that it has collected
            pages += int(fields[21])
        if not count:
            return None
        sample = self._now[root] = self._compare(self._before.get(root), ticks * self._tick)
        return TreeUsage(sample.share, pages * self._page, count)

    def _compare(self, before: _Sample | None, seconds: float) -> _Sample:
        now = clock.monotonic()
        if before is None:
            return _Sample(now, seconds, None)
        if now - before.moment < SPAN:
            return before
        return _Sample(now, seconds, max(seconds - before.seconds, 0.0) / (now - before.moment))

    def end_round(self) -> None:
        """Forget the trees that were not measured since the last call."""
        self._before, self._now = self._now, {}


def _read_stat(pid: int) -> list[bytes]:
    """The fields behind the name; none of a process that is gone, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            line = file.read(4096)
    except OSError:
        return []
    fields = line[line.rfind(b")") + 2 :].split()
    return fields if len(fields) > 21 and fields[0] not in b"ZX" else []
