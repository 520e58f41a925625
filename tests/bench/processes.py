"""What the kernel says of a process: its children, its CPU time, its memory (Linux: /proc)."""

from __future__ import annotations


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return list(map(int, file.read().split()))


def processor_time(pid: int) -> float:
    """Seconds of CPU time that a process of one thread has used, to the nanosecond."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def megabytes(pid: int) -> dict[str, float]:
    """The fields of smaps_rollup; Pss counts a page once, divided among those that share it."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = [line.split() for line in file.readlines()[1:]]
    return {field[0].rstrip(":"): int(field[1]) * 1024 / 1e6 for field in fields}
