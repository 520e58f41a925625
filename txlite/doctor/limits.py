"""How much this machine lets us have: processes, open files, memory.

`root` is where the system's files are looked up. Called by `diagnose`.
"""

from __future__ import annotations

import os

from .. import text
from ..system.control_groups import MEMORY, find_bound
from ..system.memory_group import find_place
from .machine import IS_LINUX, read
from .probe import LIMITED, OK, Check, Finding

FEW_PROCESSES = 100
FEW_FILES = 256
LITTLE_MEMORY = 200 << 20  # four idle workers and their supervisor take 60 MB, and agents more


def checks(root: str = "/") -> list[Check]:
    """Return the checks of what bounds us here."""
    linux = [
        Check("processes", lambda: check_processes(root)),
        Check("memory", lambda: check_memory(root)),
        Check("cgroup", lambda: check_group(root)),
    ]
    return [*(linux if IS_LINUX else []), Check("files", check_files)]


def check_processes(root: str = "/") -> list[Finding]:
    """Count how many processes can still be started: by kernel, user's limit (getrlimit(2)) and control group."""
    import resource

    room = _room_of_machine(root)
    soft = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if os.geteuid() and soft != resource.RLIM_INFINITY:  # root is not bound by it
        room.append((soft - _count_ours(), f"of {soft:,}, by ulimit -u"))
    group = find_bound("pids", {"pids.max": "pids.current"}, root)
    if group:
        room.append((group.room, f"of {group.limit:,}, by its control group"))
    if not room:
        return []
    free, why = min(room)
    found = f"{max(free, 0):,} more can be started ({why})"
    if free >= FEW_PROCESSES:
        return [Finding("processes", OK, found)]
    advice = "use fewer workers, end what is not needed, or have the limit raised"
    return [Finding("processes", LIMITED, found + ": agents may fail to start", advice)]


def _room_of_machine(root: str) -> list[tuple[int, str]]:
    """Threads that the kernel has room for."""
    load = read(root, "proc/loadavg").split()  # 0.10 0.05 0.01 1/234 5678
    running = int(load[3].split("/")[1]) if len(load) > 3 else 0
    bounds = [read(root, f"proc/sys/kernel/{name}").strip() for name in ("pid_max", "threads-max")]
    return [(int(bound) - running, f"of {int(bound):,}, by the kernel") for bound in bounds if bound.isdigit()]


def _count_ours() -> int:
    """The threads of this user: the limit counts them, not processes."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{name}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            pass  # it has just ended
    return count


def check_files() -> list[Finding]:
    """Look at how many files can be open at once (getrlimit(2))."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return [Finding("files", OK, f"{'any number' if soft == resource.RLIM_INFINITY else f'{soft:,}'} can be open")]
    more = 1024 if hard == resource.RLIM_INFINITY else min(hard, 1024)
    advice = f"ulimit -n {more}" if more > soft else "have the limit raised (ulimit -Hn)"
    return [Finding("files", LIMITED, f"only {soft} can be open at once: many workers need more", advice)]


def check_memory(root: str = "/") -> list[Finding]:
    """Look at how much memory is free, of the machine and of our control group."""
    bound = find_bound("memory", MEMORY, root)
    free, total = _memory_of_machine(root)
    found = f"{text.size(free)} of {text.size(total)} free"
    if bound and bound.limit < total:
        found = f"limited to {text.size(bound.limit)} by its control group, {text.size(bound.used)} of them used"
        free = min(free, bound.room)
    if free >= LITTLE_MEMORY or not total:
        return [Finding("memory", OK, found)] if total else []
    return [Finding("memory", LIMITED, found + ": agents may be killed for want of it", "use fewer workers")]


def check_group(root: str = "/") -> list[Finding]:
    """Tell who sees to --max-memory: the kernel, by a control group for each attempt, or a worker, from outside."""
    place = find_place(root)
    if place:
        return [Finding("cgroup", OK, f"the kernel sees to --max-memory, by groups in {place}, which are ours")]
    found = "none is ours: workers see to --max-memory, by looks at what tasks have"
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        found += "; `systemd-run --user --scope -p Delegate=yes txlite run` has the kernel do it"
    return [Finding("cgroup", OK, found)]


def _memory_of_machine(root: str) -> tuple[int, int]:
    """Bytes that are free or can be freed, and all."""
    facts = dict(line.split(":", 1) for line in read(root, "proc/meminfo").splitlines() if ":" in line)
    kilobytes = [int(facts.get(name, "0").split()[0]) for name in ("MemAvailable", "MemTotal")]
    return kilobytes[0] << 10, kilobytes[1] << 10
