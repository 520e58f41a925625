"""A command that reads: `python -m txlite ready --limit 1 --json` against the imports that it cannot do without,
`python -c 'import argparse, json, sqlite3'`; and what a shell asks while somebody types an id, in milliseconds.

Shown besides: both with -S, without what `site` imports at each start. On a machine with much in its site-packages
those imports are in both, and hide some of ours.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

BUDGET = 1.15
PROMPTLY = 100.0  # milliseconds, until who presses Tab sees something
READ = ("-m", "txlite", "ready", "--limit", "1", "--json")
COMPLETE = ("-m", "txlite", "complete", "ids", "tx-", "show")
IMPORT = ("-c", "import argparse, json, sqlite3")


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    for size in (10, 10_000) if args.short else (10, 1_000_000):
        home = homes.make(args.scratch, size)
        for flags in ((), ("-S",)):
            read, imports = pairs.alternate(
                10 if args.short else 100,
                lambda: 1000 * homes.python(home, *flags, *READ),
                lambda: 1000 * homes.python(home, *flags, *IMPORT),
            )
            name = " ".join(["python", *flags, "ready,"])
            yield Measurement(f"{name} {size:,} tasks", read, " ms")
            yield Measurement("imports", imports, " ms")
            ratios = pairs.ratios(read, imports)
            yield Measurement(f"{name} {size:,} tasks : imports", ratios, at_most=None if flags else BUDGET)
        asked = [1000 * homes.python(home, *COMPLETE) for _ in range(10 if args.short else 50)]
        yield Measurement(f"completion of an id, {size:,} tasks", asked, " ms", at_most=PROMPTLY)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
