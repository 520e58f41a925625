"""`txlite launch`, from its start until it returns, against the interpreter's own start: at most 1.5 times that and
100 ms. The launched command is `true`, so that few run at a time.
"""

from __future__ import annotations

import sys

import homes
import pairs

FACTOR = 1.5
MORE = 0.1  # seconds


def main() -> int:
    args = homes.options(__doc__)
    environment = homes.environment(homes.make(args.scratch, 10))

    def measure(*arguments: str) -> float:
        return pairs.seconds(lambda: pairs.run([sys.executable, *arguments], homes.PACKAGE, environment))

    launch = ["-m", "txlite", "launch", "--agent", "shell", "true"]
    times = pairs.alternate(10 if args.short else 50, lambda: measure("-c", "pass"), lambda: measure(*launch))
    pairs.report("start of the interpreter", [1000 * start for start, _ in times], unit=" ms")
    pairs.report("launch", [1000 * launched for _, launched in times], unit=" ms")
    shares = [launched / (FACTOR * start + MORE) for start, launched in times]
    return 0 if pairs.report("launch, of its budget", shares, at_most=1) else 1


if __name__ == "__main__":
    sys.exit(main())
