#!/usr/bin/env python3
"""All budgets: runs the benchmarks, each in a process of its own, and makes one table of what they measured.

    python3 tests/bench/budgets.py                        those of the design, on this Python: ten minutes
    python3 tests/bench/budgets.py --short                a minute; the rates of short batches are shown, not judged
    python3 tests/bench/budgets.py --only claims          one, also of those beside the design
    python3 tests/bench/budgets.py --python /opt/python3.9/bin/python3 --python /opt/python3.13/bin/python3
    python3 tests/bench/budgets.py --peers VENV/bin/python   beside the peers that peers.py tells of, too

Exits with 1 where a benchmark fails, or a budget is missed (not with --short). What is compared takes turns, within
each benchmark; while the machine does other work, the spread is wide and the table says little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

from pairs import MISSED, Measurement

DESIGN = ("reading", "launch", "dispatch", "claims", "contention", "wakeup", "memory", "workers", "add_many")
OTHERS = ("groups", "size", "transfer", "starts", "overhead", "hooks", "peers", "top")
HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = ("budget", "bound", "median", "spread", "", "Python")
FAILED = "FAILED"  # a benchmark, before it had measured all
VERSION = "import platform, sqlite3, sys; print(sys.executable, platform.python_version(), sqlite3.sqlite_version)"


class Python(NamedTuple):
    """An interpreter: its own path, not that of a shim in front of it, which would cost more than what is measured."""

    path: str
    version: str
    sqlite: str


def ask(python: str) -> Python:
    """Ask an interpreter who it is."""
    return Python(*subprocess.check_output([python, "-c", VERSION], text=True).split())


def run(bench: str, python: Python, options: list[str]) -> Iterator[Measurement]:
    """What one benchmark measures, as it comes; RuntimeError where it ends before its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    argv = [python.path, os.path.join(HERE, f"{bench}.py"), "--json", *options]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        missed = False
        for line in process.stdout:
            measurement = Measurement(**json.loads(line))
            missed |= measurement.verdict == MISSED
            yield measurement
    if process.returncode != missed:
        raise RuntimeError(f"{bench}.py ended with {process.returncode}")


def rows(benches: dict[str, list[str]], pythons: list[Python]) -> Iterator[tuple[str, ...]]:
    """Run benchmarks with their options, and show all that they measure; a line of the table for each budget and for
    each ratio."""
    for bench, options in benches.items():
        for python in pythons:
            print(f"{bench}, Python {python.version}, load average {os.getloadavg()[0]:.2f}", flush=True)
            try:
                for found in run(bench, python, options):
                    print(f"  {found}", flush=True)
                    if found.bound or not found.unit:
                        name = f"{bench}: {found.what}"
                        yield name, found.bound, found.found, found.spread, found.verdict, python.version
            except RuntimeError as error:
                yield bench, "", "", str(error), FAILED, python.version


def table(lines: list[tuple[str, ...]]) -> str:
    """The lines below their head, in columns; the same budget of several Pythons stands together."""
    budgets = list(dict.fromkeys(line[:2] for line in lines))
    lines = [HEAD, *sorted(lines, key=lambda line: budgets.index(line[:2]))]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="smaller sizes and fewer rounds")
    parser.add_argument("--only", metavar="NAME", action="append", choices=DESIGN + OTHERS, help="one benchmark")
    parser.add_argument("--python", metavar="PATH", action="append", help="an interpreter to measure (this one)")
    parser.add_argument("--peers", metavar="PYTHON", help="peers, too, and those that this Python has")
    parser.add_argument("--scratch", metavar="DIR", help="where homes are made: the file system to be measured")
    args = parser.parse_args()
    options = ["--short"] * args.short + (["--scratch", args.scratch] if args.scratch else [])
    try:
        pythons = [ask(python) for python in args.python or [sys.executable]]
    except (OSError, subprocess.CalledProcessError) as error:
        parser.error(f"--python: {error}: give the path of an interpreter")
    benches = {bench: options for bench in args.only or DESIGN}
    if args.peers:
        benches["peers"] = [*options, "--peers", args.peers]
    lines = list(rows(benches, pythons))
    print(f"\n{platform.system()} {platform.release()}, {os.cpu_count()} CPUs;", end=" ")
    print(", ".join(f"Python {version} with SQLite {sqlite}" for _, version, sqlite in pythons))
    print(table(lines))
    wrong = (FAILED,) if args.short else (MISSED, FAILED)  # so little says nothing of a budget
    return 1 if any(line[4] in wrong for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
