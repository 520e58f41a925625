"""What hooks cost a run: the time from its start to the end of its last task, with a hook and without one.

Commands of a millisecond, each of which is told: by a hook that does nothing, and by one that hangs. The end of the
run, which waits for its last hooks, is not measured.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

WORKERS = 4
HOOKS = {"a hook that does nothing": "true", "a hook that hangs": "sleep 600"}
AT_MOST = 1.25  # times as long


def run(scratch: str, tasks: int, hook: str = "") -> float:
    """Seconds until the last task was said to be done."""
    home = homes.make(scratch, 0)
    batch = os.path.join(home, "batch")
    with open(batch, "w", encoding="ascii") as file:
        file.writelines(f"true # {number}\n" for number in range(tasks))
    argv = [sys.executable, "-m", "txlite", "run", "-j", str(WORKERS), "--from", batch, "--on-finish", hook]
    environment = {**homes.environment(home), "PYTHONPATH": homes.PACKAGE}
    began = last = time.perf_counter()
    with subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(b"done "):
                last = time.perf_counter()
            if line.startswith(b"waiting "):
                process.send_signal(2)  # its last hooks are not waited for
    return last - began


def measure(args: object) -> Iterator[Measurement]:
    is_short, scratch = vars(args)["short"], vars(args)["scratch"]
    tasks, rounds = (100, 2) if is_short else (300, 9)
    for name, hook in HOOKS.items():
        with_hook, without = pairs.alternate(
            rounds, functools.partial(run, scratch, tasks, hook), functools.partial(run, scratch, tasks)
        )
        what = f"{tasks} commands with {name} : without"
        yield Measurement(what, pairs.ratios(with_hook, without), at_most=AT_MOST, judged=not is_short)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
