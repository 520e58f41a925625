"""How much memory is free, and how much processes have: cheaply, as what is resident, or truly, with what they share
counted once.

What is resident (statm in proc(5)) counts a page anew for each process that has it mapped, and costs a hundredth of a
millisecond; the proportional set size (smaps_rollup) divides each page by those that have it, and takes longer the more
there is. What is swapped out, and what lies in files of a tmpfs that nobody has mapped, is in neither. Used by
`execution`, for limits and for admission.
"""

from __future__ import annotations

import os
import re

from . import control_groups, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROPORTIONAL = re.compile(rb"^Pss: +(\d+) kB", re.M)
_AVAILABLE = re.compile(r"^MemAvailable: +(\d+) kB", re.M)
ENOUGH = 4096  # bytes: neither file is longer


def measure_resident(pids: Iterable[int]) -> dict[int, int]:
    """Return the bytes that are resident, by PID; those that are gone are not in it."""
    if not process.HAS_PROC:
        return _ask_ps(pids)
    found = {pid: _read(f"/proc/{pid}/statm").split() for pid in pids}
    return {pid: int(fields[1]) * _PAGE for pid, fields in found.items() if len(fields) > 1}


def measure_proportional(pid: int) -> int | None:
    """Return the bytes that a process has, of what it shares with others its part; None where nobody tells us."""
    found = _PROPORTIONAL.search(_read(f"/proc/{pid}/smaps_rollup"))
    return int(found[1]) << 10 if found else None


def is_borrowing(pid: int, parent: int, thread: int) -> bool:
    """Return whether a process has no memory of its own, but its parent's until it runs another program (vfork(2)).

    thread: the one of the parent that started it, and sleeps meanwhile. What it shows would be counted twice."""
    asleep = _read(f"/proc/{parent}/task/{thread}/stat").rpartition(b")")[2].split()[:1] == [b"D"]
    own, lent = (_read(f"/proc/{one}/statm").split()[:1] for one in (pid, parent))
    return asleep and own == lent


def measure_free(root: str = "/") -> int | None:
    """Return the bytes that are free or can be freed, for the machine and in each control group around us: what is
    least; None where the system does not say. root: where its files are looked up."""
    found = _AVAILABLE.search(control_groups.read(os.path.join(root, "proc/meminfo")))
    if not found:
        return None
    bounds = control_groups.find_bounds("memory", control_groups.MEMORY, root)
    return min([int(found[1]) << 10, *(max(bound.room + _find_cache(bound.directory), 0) for bound in bounds)])


def _find_cache(directory: str) -> int:
    """The bytes of files that a control group, and those in it, have in memory: what is used of them can be freed."""
    said = control_groups.read(os.path.join(directory, "memory.stat"))
    facts = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    first = "total_" if "total_inactive_file" in facts else ""  # version 1 has those of the groups in it apart
    return sum(int(facts.get(f"{first}{name}_file", "0")) for name in ("active", "inactive"))


def _read(path: str) -> bytes:
    """The text of a small file of a process, nothing where that is gone, or is not ours to look at."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, ENOUGH)
    except OSError:
        return b""
    finally:
        os.close(file)


def _ask_ps(pids: Iterable[int]) -> dict[int, int]:
    import subprocess

    names = ",".join(map(str, pids))
    command = ["/bin/ps", "-o", "pid=", "-o", "rss=", "-p", names]
    listing = subprocess.run(command, check=False, capture_output=True, text=True).stdout if names else ""
    return {int(pid): int(kilobytes) << 10 for pid, kilobytes in map(str.split, listing.splitlines())}
