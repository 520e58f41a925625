"""Control groups (cgroups(7)), of either version: in which we are, and what bounds them.

`root` is where the system's files are looked up. Used by `memory`, `memory_group`, `execution.admission` and `doctor`.
"""

from __future__ import annotations

import os

from .named_tuple import NamedTuple

_UNBOUNDED = 1 << 60  # what version 1 says where there is no limit
MEMORY = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}


class Bound(NamedTuple):
    """A limit of a control group around us."""

    limit: int
    used: int
    directory: str  # of the group

    @property
    def room(self) -> int:
        """Return what is left of it."""
        return self.limit - self.used


def find_own(root: str = "/") -> dict[str, str]:
    """Return the path of our control group by controller; "" is the unified hierarchy."""
    found: dict[str, str] = {}
    for line in read(os.path.join(root, "proc/self/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        found.update((name, path) for name in names.split(","))
    return found


def find_bounds(controller: str, names: dict[str, str], root: str = "/") -> list[Bound]:
    """Return the limits of our control group and of those around it.

    names: file of the limit -> file of what is used.
    """
    bounds: list[Bound] = []
    groups = find_own(root)
    for hierarchy in ("", "unified", controller):
        path = groups.get(controller if hierarchy == controller else "", "/").strip("/")
        while True:
            directory = os.path.join(root, "sys/fs/cgroup", hierarchy, path)
            for limit, usage in names.items():
                given, used = (read(os.path.join(directory, name)).strip() for name in (limit, usage))
                if given.isdigit() and int(given) < _UNBOUNDED:
                    bounds.append(Bound(int(given), int(used) if used.isdigit() else 0, directory))
            if not path:
                break
            path = os.path.dirname(path)
    return bounds


def find_bound(controller: str, names: dict[str, str], root: str = "/") -> Bound | None:
    """Return the tightest of them; None: unbounded."""
    bounds = find_bounds(controller, names, root)
    return min(bounds, key=lambda bound: bound.room) if bounds else None


def read(path: str) -> str:
    """Return the text of a system's file, "" where there is none or it may not be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
