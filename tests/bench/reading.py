"""A command that reads: `python -m txlite ready --limit 1 --json` against the imports that it cannot do without,
`python -c 'import argparse, json, sqlite3'`.

Measured twice: with the interpreter as it is, and with -S, without what `site` imports at each start: on a machine
with much in its site-packages those imports are in both, and hide some of ours.
"""

from __future__ import annotations

import sys

import homes
import pairs

BUDGET = 1.25
READ = ["-m", "txlite", "ready", "--limit", "1", "--json"]
IMPORT = ["-c", "import argparse, json, sqlite3"]


def compare(home: str, rounds: int, flags: list[str]) -> list[tuple[float, ...]]:
    """Seconds of both commands, for each round."""
    environment = homes.environment(home)

    def measure(arguments: list[str]) -> float:
        return pairs.seconds(lambda: pairs.run([sys.executable, *flags, *arguments], homes.PACKAGE, environment))

    return pairs.alternate(rounds, lambda: measure(READ), lambda: measure(IMPORT))


def main() -> int:
    args = homes.options(__doc__)
    met = True
    for size in (10, 10_000) if args.short else (10, 1_000_000):
        home = homes.make(args.scratch, size)
        for flags in ([], ["-S"]):
            times = compare(home, 10 if args.short else 100, flags)
            name = " ".join(["python", *flags])
            pairs.report(f"{name}, {size:,} tasks, ready", [1000 * read for read, _ in times], unit=" ms")
            pairs.report(f"{name}, {size:,} tasks, imports", [1000 * imports for _, imports in times], unit=" ms")
            met &= pairs.report(f"{name}, {size:,} tasks, ratio", [read / imports for read, imports in times], BUDGET)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
