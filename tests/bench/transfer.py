"""An import of 1,000,000 tasks into an empty home, and its export: seconds, and the peak of resident memory.

Each task is a command with a description; every second one waits for an earlier one, every tenth has a parent, and
every fifth was run. The file is written once, and each verb is a process of its own, measured by what the kernel says
of it when it has ended. How long the import keeps others from writing is measured, too: by a process that takes the
write lock again and again meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import homes
from pairs import Measurement

SECONDS = 60.0
MEGABYTES = 300.0
LOCK_SECONDS = 30.0  # for which others wait until they give up

LOCKER = """
import os, sys, time
from txlite.system.locks import FileLock
lock, longest = FileLock(sys.argv[1], 600.0), 0.0
print(flush=True)
while os.getppid() == int(sys.argv[2]) and not os.path.exists(sys.argv[3]):
    started = time.monotonic()
    lock.acquire()
    longest = max(longest, time.monotonic() - started)
    lock.release()
    time.sleep(0.01)
print(longest)
"""


MOMENT = "2026-01-01T00:00:00.000Z"


def name(number: int) -> str:
    """An id, without the order that would make indexes cheap."""
    return f"tx-{number * 2654435761 % 10**8:08d}"


def write_export(path: str, count: int) -> None:
    """A file as `export` writes it."""
    with open(path, "w", encoding="ascii") as file:
        file.write('{"format": "txlite", "version": 1}\n')
        for number in range(count):
            task = {
                "id": name(number),
                "title": f"Build part {number}",
                "description": f"Part {number} of many, to be built with all that it needs",
                "status": "backlog" if number % 5 else "done",
                **({"parentId": name(number // 10)} if number % 10 == 5 else {}),
                "score": number % 7,
                "createdAt": MOMENT,
                "updatedAt": MOMENT,
                **({"after": [name(number // 2)]} if number % 2 else {}),
                "kind": "command",
                "command": f"make part-{number} && ./install part-{number}",
                "directory": "/project",
            }
            file.write(json.dumps(task) + "\n")
        for number in range(0, count, 5):
            attempt = {
                "attempt": number + 1,
                "task": name(number),
                "worker": "worker-0123456789",
                "agent": "shell",
                "startedAt": MOMENT,
                "endedAt": MOMENT,
                "outcome": "done",
                "exitCode": 0,
                "duration": 1.0,
                "pid": number % 30000 + 1,
                "tail": f"part {number} is built\n",
            }
            file.write(json.dumps(attempt) + "\n")


def command(arguments: list[str], home: str) -> tuple[float, float]:
    """Seconds and megabytes of one command of txlite."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "txlite", *arguments],
        cwd=homes.PACKAGE,
        env=homes.environment(home),
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return time.perf_counter() - started, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def watch_lock(home: str) -> tuple[subprocess.Popen, str]:
    """A process that measures the longest wait for the write lock until a file exists."""
    over = os.path.join(home, "over")
    path = os.path.join(home, "tasks.db.lock")
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKER, path, str(os.getpid()), over],
        cwd=homes.PACKAGE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()
    return process, over


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    count = 20_000 if args.short else 1_000_000
    source, copy = (os.path.join(args.scratch, name) for name in ("tasks.jsonl", "copy.jsonl"))
    write_export(source, count)
    home = homes.make(args.scratch, 0)
    locker, over = watch_lock(home)
    for verb in ("import", "export", "import again", "backup"):
        file = {"import": source, "export": copy, "backup": os.path.join(args.scratch, "copy.db")}.get(verb, copy)
        seconds, megabytes = command([verb.split()[0], file], home)
        what = f"{verb}, {count:,} tasks"
        yield Measurement(what, [seconds], " s", at_most=SECONDS)
        yield Measurement(what, [megabytes], " MB", at_most=MEGABYTES)
        if verb == "import":
            open(over, "w").close()
            longest = float(locker.communicate()[0])
            yield Measurement(f"{what}: others wait at most", [longest], " s", at_most=LOCK_SECONDS)
    with open(source, "rb") as one, open(copy, "rb") as other:
        yield Measurement("the export is not what was imported", [one.read() != other.read()], at_most=0)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
