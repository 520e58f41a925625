"""One command, from the start of txlite until it returns. `run -- true` with its end: at most 2.5 times
`python -c 'import argparse, json, sqlite3'`. `launch`, which leaves a worker behind: at most 1.5 times the
interpreter's own start, and 100 ms; what it launches is `true`, so that few run at a time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement
from reading import IMPORT

RUN = 2.5
LAUNCH, MORE = 1.5, 100.0  # times, and ms more


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    rounds = 10 if args.short else 50

    def beside(*commands: tuple[str, ...]) -> list[tuple[float, ...]]:
        home = homes.make(args.scratch, 0)
        return pairs.alternate(rounds, *(lambda one=one: 1000 * homes.python(home, *one) for one in commands))

    imports, run = beside(IMPORT, ("-m", "txlite", "run", "--", "true"))
    yield Measurement("imports", imports, " ms")
    yield Measurement("run of one command", run, " ms")
    yield Measurement("run of one command : imports", pairs.ratios(run, imports), at_most=RUN)
    start, launch = beside(("-c", "pass"), ("-m", "txlite", "launch", "--agent", "shell", "true"))
    yield Measurement("start of the interpreter", start, " ms")
    yield Measurement("launch", launch, " ms")
    shares = pairs.ratios(launch, (LAUNCH * one + MORE for one in start))
    yield Measurement("until launch returns : what it may take", shares, at_most=1)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
