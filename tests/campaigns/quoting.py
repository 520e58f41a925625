#!/usr/bin/env python3
"""Templates filled with nasty values, and given to shells: no value may be code, and each comes out as it was.

    python3 tests/campaigns/quoting.py [--rounds N] [--seed N]

Half of the templates are put together of what is known to print a value, wherever it stands; the other half are any
order of what shells give a meaning to, or one of the first with something put in and taken out. Where those are
accepted, they are run with values that would make a file `pwned` if they were code. Run by dash and bash, where they
are there. Exit code 1 where a value was code, or came out otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from harness import Scene, make_parser

from tests.batch import fuzz
from txlite.batch.placeholder import Notation
from txlite.batch.template import read_line
from txlite.errors import UsageError

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def run(line: str, directory: str) -> dict[str, str]:
    """What each shell prints for a line; `pwned` where a value was code."""
    found = {}
    for shell in SHELLS:
        argv = [shell, *(["sh"] if shell == "busybox" else []), "-c", line]
        try:
            done = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=10,
                                  check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            continue
        found[shell] = done.stdout.decode(errors="replace")
        if os.path.exists(os.path.join(directory, "pwned")):
            os.unlink(os.path.join(directory, "pwned"))
            found[shell] = "pwned"
    return found


def main() -> int:
    """Fill, run and compare."""
    parser = make_parser("values are never code")
    parser.add_argument("--rounds", type=int, default=2000, help="of each half")
    options = parser.parse_args()
    scene, notation = Scene("quoting", options), Notation()
    dice, wrong, accepted = scene.random, [], 0
    place = scene.path("place")
    os.mkdir(place)
    for _ in range(options.rounds):
        line, says = fuzz.known(dice)
        value = fuzz.draw_value(dice)
        filled = read_line(line, notation).fill([value], 1)
        for shell, printed in run(filled, place).items():
            if printed != says(value):
                wrong.append(f"{shell} printed {printed!r} for {line!r} with {value!r}")
    for _ in range(options.rounds):
        try:
            template = read_line(dice.choice((fuzz.junk, fuzz.mangle))(dice), notation)
        except UsageError:
            continue
        accepted += 1
        for value in (*fuzz.ATTACKS, fuzz.draw_value(dice)):
            filled = template.fill([value], 1)
            wrong += [f"{shell}: code in {filled!r}" for shell, said in run(filled, place).items() if said == "pwned"]
    figures = f"{options.rounds} known, {accepted} of {options.rounds} without sense accepted, by {', '.join(SHELLS)}"
    return scene.conclude(wrong, figures)


if __name__ == "__main__":
    sys.exit(main())
